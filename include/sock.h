/* sock.h: sockets that listen for the life of the program: a name in the file
 * system that goes away again, or a TCP port. Main thread, before the sandbox;
 * accepting is loop code's business (accept4 with sandbox.accept). */
#ifndef POME_SOCK_H
#define POME_SOCK_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct sock {
	int fd;                         /* listens; -1: not open */
	int dir;                        /* -1, or for sandbox.unlink_dir */
	char *base;                     /* unix: name in dir */
	dev_t dev;
	ino_t ino;
};
#define SOCK_NONE { .fd = -1, .dir = -1 }

/* Listens at a path, which must be free, or the socket of a program that was
 * killed. `opt` is for messages: "serial". A failure leaves what sock_close
 * takes. */
int sock_unix(struct sock *, const char *opt, const char *path, struct err *);
/* Listens at a numeric address and port; port 0: any, *port is which. */
int sock_tcp(struct sock *, const char *opt, const char *addr, uint16_t *port,
	     struct err *);
/* Closes it and removes its name, if that is still ours. The sandbox permits
 * it. */
void sock_close(struct sock *);

#endif
