/* Terminals on a TCP port: tty_tcp.h. The socket is made here, before the
 * sandbox closes; tty.c does the rest. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tty_tcp.h"

#define CONNECT_MS 10000

/* "server", "server=on", "nowait": as QEMU has them. */
static int option(struct tty_tcp *t, const char *s, size_t len, struct err *e)
{
	static const struct { const char *text; int server, wait; } known[] = {
		{ "server", 1, -1 }, { "server=on", 1, -1 },
		{ "server=off", 0, -1 }, { "wait", -1, 1 },
		{ "wait=on", -1, 1 }, { "wait=off", -1, 0 },
		{ "nowait", -1, 0 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].text) != len ||
		    memcmp(known[i].text, s, len))
			continue;
		if (known[i].server >= 0)
			t->server = known[i].server;
		if (known[i].wait >= 0)
			t->wait = known[i].wait;
		return 0;
	}
	return err_set(e, 0, "'%.*s' is not known; expected server or wait",
		       (int)len, s);
}

static bool port_ok(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	return *s >= '0' && *s <= '9' && !*end && n > 0 && n < 65536;
}

int tty_tcp_parse(const char *text, struct tty_tcp *t, struct err *e)
{
	size_t len = strcspn(text, ","), host, port;
	const char *colon = memrchr(text, ':', len);

	memset(t, 0, sizeof(*t));
	host = colon ? (size_t)(colon - text) : 0;
	port = colon ? len - host - 1 : 0;
	if (!colon || host >= sizeof(t->host) || port >= sizeof(t->port))
		return err_set(e, 0, "expected HOST:PORT, as in "
			       "127.0.0.1:4555");
	memcpy(t->port, colon + 1, port);
	if (!port_ok(t->port))
		return err_set(e, 0, "port '%s': expected 1 to 65535", t->port);
	if (host > 2 && text[0] == '[' && text[host - 1] == ']')
		memcpy(t->host, text + 1, host - 2);
	else if (memchr(text, ':', host))
		return err_set(e, 0, "an IPv6 address goes into brackets, as "
			       "in [::1]:4555");
	else if (host)
		memcpy(t->host, text, host);
	else
		strcpy(t->host, "127.0.0.1");
	if (strpbrk(t->host, "[]"))
		return err_set(e, 0, "'%s' is no host", t->host);
	while (text[len] == ',') {
		text += len + 1;
		len = strcspn(text, ",");
		if (option(t, text, len, e))
			return -1;
	}
	if (t->wait && !t->server)
		return err_set(e, 0, "wait belongs to server");
	return 0;
}

static int listen_at(int fd, const struct addrinfo *a)
{
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, 4) ? -1 : 0;
}

static int connect_to(int fd, const struct addrinfo *a)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int no = 0;
	socklen_t len = sizeof(no);

	if (!connect(fd, a->ai_addr, a->ai_addrlen))
		return 0;
	if (errno != EINPROGRESS)
		return -1;
	if (poll(&p, 1, CONNECT_MS) <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &no, &len);
	errno = no;
	return no ? -1 : 0;
}

int tty_tcp_open(const struct tty_tcp *t, struct err *e)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_NUMERICSERV }, *all;
	int r = getaddrinfo(t->host, t->port, &hints, &all), fd = -1, no = 0;

	if (r)
		return err_set(e, 0, "%s: %s", t->host, gai_strerror(r));
	for (const struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
			    SOCK_NONBLOCK, 0);
		if (fd >= 0 && !(t->server ? listen_at(fd, a) :
				 connect_to(fd, a)))
			break;
		no = errno;
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	freeaddrinfo(all);
	if (fd >= 0)
		return fd;
	return err_set(e, 0, "%s port %s: %s%s", t->host, t->port,
		       strerror(no), t->server ? "" : " (nobody listens "
		       "there? to be the one who listens: ,server)");
}
