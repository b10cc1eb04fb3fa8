/* net_unix.c: a network that another program makes: Ethernet frames in datagrams
 * over a Unix socket, as macosvm, vfkit and gvproxy have it. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "config.h"
#include "net_frames.h"

#define BUFFER (1 << 20)                /* a burst of frames */

/* One that a bundle names is in the bundle, and no link: by a descriptor, so
 * that what was looked at is what is used. Returns the descriptor, -1 where the
 * name does, -2 on failure. */
static int pin(const struct cfg_net *n, struct sockaddr_un *peer, struct err *e)
{
	struct stat st;
	int fd;

	if (!n->from_bundle) {
		strcpy(peer->sun_path, n->path);
		return -1;
	}
	fd = open(n->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !S_ISSOCK(st.st_mode)) {
		err_set(e, 0, "unix %s: %s", n->path, fd < 0 ?
			strerror(errno) : "no socket");
		if (fd >= 0)
			close(fd);
		return -2;
	}
	snprintf(peer->sun_path, sizeof(peer->sun_path), "/proc/self/fd/%d",
		 fd);
	return fd;
}

static int join(int fd, const struct cfg_net *n, struct err *e)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX };
	struct sockaddr_un peer = { .sun_family = AF_UNIX };
	int size = BUFFER, at, r, no;

	/* Answers need an address; a name of the kernel's choice leaves no
	 * file behind. */
	if (bind(fd, (struct sockaddr *)&own, offsetof(struct sockaddr_un,
						       sun_path)))
		return err_set(e, errno, "unix %s: bind", n->path);
	at = pin(n, &peer, e);
	if (at == -2)
		return -1;
	r = connect(fd, (struct sockaddr *)&peer, sizeof(peer));
	no = errno;
	if (at >= 0)
		close(at);
	if (r)
		return err_set(e, no, "unix %s: no program takes frames "
			       "there (start it first, as gvproxy or "
			       "slirp-helper; it must be a datagram socket)",
			       n->path);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (*n->hello && send(fd, n->hello, strlen(n->hello), MSG_NOSIGNAL) < 0)
		return err_set(e, errno, "unix %s: hello=%s", n->path,
			       n->hello);
	return 0;
}

struct net *net_unix_open(struct loop *loop, const struct cfg_net *n,
			  struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct net *net;

	if (fd < 0) {
		err_set(e, errno, "unix %s: socket", n->path);
		return NULL;
	}
	net = join(fd, n, e) ? NULL : net_frames_open(loop, fd, e);
	if (!net)
		close(fd);
	return net;
}
