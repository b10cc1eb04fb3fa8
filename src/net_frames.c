/* net_frames.c: a network behind a descriptor that gives and takes one Ethernet
 * frame a call: a tap interface, a datagram socket. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend.h"
#include "device.h"
#include "loop.h"
#include "net_frames.h"

#define FRAME_MAX 65550
#define BATCH 64                        /* frames before others get a turn */

struct net_frames {
	struct net net;                 /* first */
	int fd;
	struct watch *watch;
	size_t held;                    /* length of a frame held back, or 0 */
	uint8_t frame[FRAME_MAX];
};

/* Hands over frame[0..len); false: kept until rx_ready. Device lock held. */
static bool give(struct net_frames *t, size_t len)
{
	if (!t->net.rx || t->net.rx(t->net.dev, t->frame, len))
		return true;
	t->held = len;
	watch_events(t->watch, 0);
	return false;
}

static void frames_ready(void *arg, uint32_t events)
{
	struct net_frames *t = arg;
	struct device *dev = t->net.dev;

	if (dev)
		device_lock(dev);
	for (int i = 0; i < BATCH && !t->held; i++) {
		ssize_t n = read(t->fd, t->frame, sizeof(t->frame));

		if (n <= 0) {
			/* EAGAIN and a passing error alike wait for the loop;
			 * an interface that is gone would spin. An empty
			 * datagram is no frame, and no end. */
			if (n < 0 && errno == EBADFD)
				watch_events(t->watch, 0);
			break;
		}
		give(t, n);
	}
	if (dev)
		device_unlock(dev);
}

static void frames_rx_ready(struct net *net)
{
	struct net_frames *t = (struct net_frames *)net;
	size_t len = t->held;

	t->held = 0;
	if (len && !give(t, len))
		return;
	watch_events(t->watch, EPOLLIN);
}

static void frames_send(struct net *net, const struct iovec *iov, int n)
{
	struct net_frames *t = (struct net_frames *)net;
	ssize_t r;

	do {
		r = writev(t->fd, iov, n);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		net->dropped++;
}

static void frames_close(struct net *net)
{
	struct net_frames *t = (struct net_frames *)net;

	watch_free(t->watch);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static const struct net_ops frames_ops = {
	.name = "frames",
	.send = frames_send,
	.rx_ready = frames_rx_ready,
	.close = frames_close,
};

struct net *net_frames_open(struct loop *loop, int fd, struct err *e)
{
	struct net_frames *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ENOMEM, "network");
		return NULL;
	}
	t->net.ops = &frames_ops;
	t->fd = fd;
	if (loop_fd(loop, fd, EPOLLIN, NULL, frames_ready, t, &t->watch, e)) {
		free(t);
		return NULL;
	}
	return &t->net;
}
