/* sock.c: sockets that listen; sock.h. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sock.h"

/* A socket that a killed program left behind is removed, known by its refusal
 * of connections; a live one, or a file that is no socket, is not. */
static int remove_stale(const char *opt, const char *path,
			const struct sockaddr_un *sa, struct err *e)
{
	struct stat st;
	int fd, r, no;

	if (lstat(path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, 0, "--%s unix:%s: the path exists and is no "
			       "socket", opt, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, errno, "socket");
	r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa));
	no = errno;
	close(fd);
	if (!r || no == EAGAIN)
		return err_set(e, 0, "--%s unix:%s: another program listens "
			       "there (end it, or give another path)", opt,
			       path);
	if (no == EPROTOTYPE)
		return err_set(e, 0, "--%s unix:%s: another program's socket, "
			       "of another type; expected a path that is free",
			       opt, path);
	if (no == ENOENT)               /* it has just gone */
		return 0;
	if (no != ECONNREFUSED)
		return err_set(e, no, "--%s unix:%s: cannot tell whether "
			       "another program listens there", opt, path);
	if (unlink(path))
		return err_set(e, errno, "--%s unix:%s: cannot remove the old "
			       "socket", opt, path);
	return 0;
}

int sock_unix(struct sock *s, const char *opt, const char *path, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *slash = strrchr(path, '/');
	struct stat st;
	char *dir;
	mode_t mask;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(e, 0, "--%s unix:%s: the path is longer than "
			       "%zu characters", opt, path,
			       sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path));
	if (remove_stale(opt, path, &sa, e))
		return -1;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return err_set(e, errno, "socket");
	mask = umask(0077);
	r = bind(s->fd, (const struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (r || listen(s->fd, 4))
		return err_set(e, errno, "--%s unix:%s: cannot listen there",
			       opt, path);
	dir = !slash ? strdup(".") : slash == path ? strdup("/") :
	      strndup(path, (size_t)(slash - path));
	s->base = strdup(slash ? slash + 1 : path);
	s->dir = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	free(dir);
	if (s->dir < 0 || !s->base || fstatat(s->dir, s->base, &st,
					      AT_SYMLINK_NOFOLLOW))
		return err_set(e, errno, "--%s unix:%s", opt, path);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len))
		return 0;
	return ntohs(sa.ss_family == AF_INET6 ?
		     ((const struct sockaddr_in6 *)&sa)->sin6_port :
		     ((const struct sockaddr_in *)&sa)->sin_port);
}

int sock_tcp(struct sock *s, const char *opt, const char *addr, uint16_t *port,
	     struct err *e)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
				 .ai_socktype = SOCK_STREAM }, *ai;
	char name[8];
	int r, one = 1;

	snprintf(name, sizeof(name), "%u", *port);
	r = getaddrinfo(addr, name, &hint, &ai);
	if (r)
		return err_set(e, 0, "--%s tcp:%s: no numeric address: %s",
			       opt, addr, gai_strerror(r));
	s->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC |
		       SOCK_NONBLOCK, 0);
	r = s->fd < 0;
	if (!r) {
		setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		/* what is accepted has it too */
		setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		r = bind(s->fd, ai->ai_addr, ai->ai_addrlen) ||
		    listen(s->fd, 4);
	}
	if (r)
		err_set(e, errno, "--%s tcp:%s:%u: cannot listen there", opt,
			addr, *port);
	else
		*port = port_of(s->fd);
	freeaddrinfo(ai);
	return r ? -1 : 0;
}

void sock_close(struct sock *s)
{
	struct stat st;

	if (s->dir >= 0 && s->ino &&
	    !fstatat(s->dir, s->base, &st, AT_SYMLINK_NOFOLLOW) &&
	    st.st_ino == s->ino && st.st_dev == s->dev)
		unlinkat(s->dir, s->base, 0);
	if (s->dir >= 0)
		close(s->dir);
	if (s->fd >= 0)
		close(s->fd);
	free(s->base);
	*s = (struct sock)SOCK_NONE;
}
