/* tty.h: the host's side of a UART or console: terminal, file, socket, pty.
 *
 * All are one struct tty (backend.h). Output goes through a ring of 64 KiB to
 * the loop's thread and from there to the host without ever blocking; what
 * does not fit stays with the device, so nothing is lost or reordered. Where
 * nobody listens (a pty or a socket without a peer) output is dropped. */
#ifndef POME_TTY_H
#define POME_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "config.h"
#include "err.h"

struct loop;
struct outfiles;

enum tty_event {
	TTY_QUIT,                       /* Ctrl-a x */
	TTY_GONE,                       /* standard output has no reader */
};

struct tty_conf {
	const struct cfg_tty *cfg;
	const char *name;               /* "serial", for messages */
	struct loop *loop;
	struct outfiles *out;           /* file: goes through it */
	void (*event)(void *arg, enum tty_event);       /* loop thread */
	void *arg;
};

/* Main thread, before the sandbox: opens everything. The terminal goes to raw
 * mode only with tty_start. */
struct tty *tty_open(const struct tty_conf *, struct err *);
void tty_start(struct tty *);
/* After the guest ended: writes out what is left, so that what is said next
 * stands behind it. */
void tty_settle(struct tty *);
/* Writes out what is left (for at most two seconds), restores the terminal,
 * removes the socket. NULL is ignored. The loop does not run any more, or has
 * run since the last output. */
void tty_close(struct tty *);

/* The last output, oldest first, also of a tty that leads nowhere. */
#define TTY_TAIL 32768
size_t tty_tail(struct tty *, char *buf, size_t len);
uint64_t tty_out_bytes(struct tty *);
/* SIGWINCH came: tell the device the new size. Loop thread. */
void tty_winch(struct tty *);

/* What the sandbox must leave open: accepting connections; removing the
 * socket's name through this directory (-1: neither). */
int tty_unlink_dir(const struct tty *);
bool tty_accepts(const struct tty *);

/* Puts the terminal back as it was. Async-signal-safe, any number of times. */
void tty_restore(void);
/* After a stop (SIGCONT): raw again, if it was before the stop. Loop thread. */
void tty_resume(void);

#endif
