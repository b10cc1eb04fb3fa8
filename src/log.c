/* log.c: lines on standard error; the contract is log.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* A guest that does the same wrong thing for ever costs this many lines. */
#define LOG_GUEST_LINES 5

/* The one variable of the program that no struct holds: messages come from
 * places that know no machine. Written before any thread starts. */
static enum log_level log_max = LOG_WARN;

void log_init(enum log_level max)
{
	log_max = max;
}

static void __attribute__((format(printf, 2, 0)))
log_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const name[] = { "error", "warning", "info",
					    "debug" };
	char buf[1024];
	size_t i, n;
	ssize_t r;

	n = (size_t)snprintf(buf, sizeof(buf), "pome: %s: ", name[level]);
	vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
	/* File names and guest data may hold anything: keep one line, and
	 * keep escape sequences from the person's terminal. */
	for (i = n, n = strlen(buf); i < n; i++) {
		if ((unsigned char)buf[i] < 0x20 || buf[i] == 0x7f)
			buf[i] = buf[i] == '\n' || buf[i] == '\t' ? ' ' : '?';
	}
	buf[n++] = '\n';
	for (i = 0; i < n; i += (size_t)r) {
		r = write(STDERR_FILENO, buf + i, n - i);
		if (r < 0 && errno == EINTR)
			r = 0;
		if (r < 0)
			break;
	}
}

void log_msg(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	log_line(level, fmt, ap);
	va_end(ap);
	errno = saved;
}

void log_guest(struct log_limit *limit, const char *fmt, ...)
{
	uint64_t n = __atomic_fetch_add(&limit->count, 1, __ATOMIC_RELAXED);
	int saved = errno;
	va_list ap;

	if (n >= LOG_GUEST_LINES || LOG_INFO > log_max)
		return;
	va_start(ap, fmt);
	log_line(LOG_INFO, fmt, ap);
	va_end(ap);
	errno = saved;
}
