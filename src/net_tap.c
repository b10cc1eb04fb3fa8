/* net_tap.c: a network that is a tap interface of the host. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend.h"
#include "device.h"
#include "loop.h"

#define FRAME_MAX 65550
#define BATCH 64                        /* frames before others get a turn */

struct net_tap {
	struct net net;                 /* first */
	int fd;
	struct watch *watch;
	size_t held;                    /* length of a frame held back, or 0 */
	uint8_t frame[FRAME_MAX];
};

/* Hands over frame[0..len); false: kept until rx_ready. Device lock held. */
static bool give(struct net_tap *t, size_t len)
{
	if (!t->net.rx || t->net.rx(t->net.dev, t->frame, len))
		return true;
	t->held = len;
	watch_events(t->watch, 0);
	return false;
}

static void frames_ready(void *arg, uint32_t events)
{
	struct net_tap *t = arg;
	struct device *dev = t->net.dev;

	if (dev)
		device_lock(dev);
	for (int i = 0; i < BATCH && !t->held; i++) {
		ssize_t n = read(t->fd, t->frame, sizeof(t->frame));

		if (n <= 0) {
			/* EAGAIN and a passing error alike wait for the loop;
			 * an interface that is gone would spin */
			if (n == 0 || errno == EBADFD)
				watch_events(t->watch, 0);
			break;
		}
		give(t, n);
	}
	if (dev)
		device_unlock(dev);
}

static void tap_rx_ready(struct net *net)
{
	struct net_tap *t = (struct net_tap *)net;
	size_t len = t->held;

	t->held = 0;
	if (len && !give(t, len))
		return;
	watch_events(t->watch, EPOLLIN);
}

static void tap_send(struct net *net, const struct iovec *iov, int n)
{
	struct net_tap *t = (struct net_tap *)net;
	ssize_t r;

	do {
		r = writev(t->fd, iov, n);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		net->dropped++;
}

static void tap_close(struct net *net)
{
	struct net_tap *t = (struct net_tap *)net;

	watch_free(t->watch);
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static const struct net_ops tap_ops = {
	.name = "tap",
	.send = tap_send,
	.rx_ready = tap_rx_ready,
	.close = tap_close,
};

static int attach(int fd, const char *ifname, struct err *e)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (strlen(ifname) >= sizeof(r.ifr_name))
		return err_set(e, 0, "tap %s: the name has more than %d "
			       "characters", ifname,
			       (int)sizeof(r.ifr_name) - 1);
	strcpy(r.ifr_name, ifname);
	if (!ioctl(fd, TUNSETIFF, &r))
		return 0;
	switch (errno) {
	case EPERM:
		return err_set(e, 0, "tap %s: not permitted; make it first: "
			       "sudo ip tuntap add dev %s mode tap user "
			       "\"$USER\"", ifname, ifname);
	case EBUSY:
		return err_set(e, 0, "tap %s: in use by another process",
			       ifname);
	case EINVAL:
		return err_set(e, 0, "tap %s: exists and is no tap interface "
			       "of one queue", ifname);
	}
	return err_set(e, errno, "tap %s", ifname);
}

struct net *net_tap_open(struct loop *loop, const char *ifname, struct err *e)
{
	struct net_tap *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ENOMEM, "tap %s", ifname);
		return NULL;
	}
	t->net.ops = &tap_ops;
	t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->fd < 0) {
		err_set(e, errno, "tap %s: open /dev/net/tun", ifname);
		goto fail;
	}
	if (attach(t->fd, ifname, e))
		goto fail;
	if (loop_fd(loop, t->fd, EPOLLIN, NULL, frames_ready, t, &t->watch, e))
		goto fail;
	return &t->net;
fail:
	tap_close(&t->net);
	return NULL;
}
