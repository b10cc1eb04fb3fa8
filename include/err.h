/* err.h: how a failure of the host side travels up to main.c.
 *
 * Written once where it happens ("open disk.img: Permission denied"), prefixed
 * on the way up ("disk0: open disk.img: ..."), printed once in main.c. Guest
 * errors never come this way; programmer errors are assertions. */
#ifndef POME_ERR_H
#define POME_ERR_H

#include <stdarg.h>

#define ERR_MSG_SIZE 500

struct err {
	int no;                         /* an errno value, or 0 where none applies */
	char msg[ERR_MSG_SIZE];         /* always terminated; long text loses
					 * its middle */
};

/* Stores the message. `no` != 0 appends ": " and strerror(no). Returns -1, so
 * that callers can write `return err_set(e, errno, "open %s", path);`.
 * `e` may be NULL. Any thread. */
int err_set(struct err *e, int no, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts the formatted text before the message already there. Returns -1. */
int err_at(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
