/* log.h: messages for the person at the terminal, on standard error.
 *
 * Every line is "pome: LEVEL: text". Nothing here is for the guest's own
 * output. Callable from any thread; a line is one write(2). */
#ifndef POME_LOG_H
#define POME_LOG_H

#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Messages above `max` are dropped. Default LOG_WARN. Called by main.c before
 * any thread starts. */
void log_init(enum log_level max);
void log_msg(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* One rate-limited line about something the guest did wrong: the first few of
 * each `limit` are printed at LOG_INFO, all are counted. `limit` is the
 * caller's, zero-initialised, in its device state. */
struct log_limit { uint64_t count; };
void log_guest(struct log_limit *limit, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
