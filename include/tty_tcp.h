/* tty_tcp.h: terminals of the form tcp:[HOST]:PORT[,server][,wait]. */
#ifndef TTY_TCP_H
#define TTY_TCP_H

#include <stdbool.h>

#include "err.h"

struct tty_tcp {
	char host[256], port[8];
	bool server;                    /* else it connects */
	bool wait;                      /* server: for the first peer */
};

/* Takes the text behind "tcp:" apart; -1 with what is wrong with it. HOST may
 * be an IPv6 address in brackets; where it is missing it is the loopback. */
int tty_tcp_parse(const char *text, struct tty_tcp *, struct err *);
/* A socket that does not block: a listening one, or one that is connected.
 * Waits up to ten seconds for the connection. -1 with the reason. */
int tty_tcp_open(const struct tty_tcp *, struct err *);

#endif
