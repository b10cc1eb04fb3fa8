/* err.c: messages of host-side failures; the contract is err.h. */
#include <stdio.h>
#include <string.h>

#include "err.h"

/* Where a file name or value of any length came in, what was expected and what
 * to try still follow: the middle goes. */
#define LONGEST 8192
#define KEEP 200

static void fit(char *msg, const char *text)
{
	size_t n = strlen(text), tail = ERR_MSG_SIZE - KEEP - 4;

	if (n < ERR_MSG_SIZE)
		memcpy(msg, text, n + 1);
	else
		sprintf(msg, "%.*s...%s", KEEP, text, text + n - tail);
}

int err_set(struct err *e, int no, const char *fmt, ...)
{
	char text[LONGEST], buf[128];
	va_list ap;
	size_t n;

	if (!e)
		return -1;
	e->no = no;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (no) {
		/* GNU strerror_r: thread-safe, may return a constant */
		n = strlen(text);
		snprintf(text + n, sizeof(text) - n, ": %s",
			 strerror_r(no, buf, sizeof(buf)));
	}
	fit(e->msg, text);
	return -1;
}

int err_at(struct err *e, const char *fmt, ...)
{
	char text[LONGEST];
	va_list ap;
	size_t n;

	if (!e)
		return -1;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, "%.*s", ERR_MSG_SIZE - 1, e->msg);
	fit(e->msg, text);
	return -1;
}
