/* net_user.c: a network made of the host's own sockets, by libslirp.
 *
 * The guest sees 10.0.2.0/24 unless the configuration says otherwise: itself
 * 10.0.2.15 (by DHCP), router and host 10.0.2.2, DNS 10.0.2.3; where it is
 * isolated only forwarded ports lead anywhere. All of it runs on the loop's thread, with the
 * device's lock held around every call into libslirp, since any may deliver a
 * frame. libslirp's sockets live in an epoll set of their own, which the loop
 * watches as one descriptor.
 *
 * libslirp has no flow control towards the guest: frames that the device has
 * no room for wait in a ring, and while any wait the sockets are left alone,
 * so that what the world sends stays in the kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backend.h"
#include "config.h"
#include "device.h"
#include "log.h"
#include "loop.h"

#define MAX_POLLS 1024                  /* sockets looked at in one round */
#define MAX_FD 4096                     /* numbers of their descriptors */
#define MAX_TIMERS 4
#define MAX_EVENTS 256
#define FRAME_MAX 65550
#define HELD (1u << 20)                 /* bytes of frames that may wait */

struct user_timer {
	bool used;
	SlirpTimerCb fn;
	void *arg;
	struct net_user *u;
	struct watch *watch;
};

struct net_user {
	struct net net;                 /* first */
	Slirp *slirp;
	struct loop *loop;
	int ep;
	struct watch *ep_watch, *poll_timer;
	struct user_timer timer[MAX_TIMERS];
	/* What slirp_pollfds_fill asked for last. */
	int npolls;
	int poll_fd[MAX_POLLS];
	uint32_t want[MAX_FD], got[MAX_FD];     /* events, by descriptor */
	unsigned char in_set[MAX_FD];
	/* Frames held back: 4 bytes of length and the frame, each. */
	uint8_t *held;
	size_t held_len;
	uint8_t frame[FRAME_MAX];
	struct log_limit log;
};

/* libslirp calls back with the opaque pointer we gave it. */
static struct net_user *user_of(void *opaque)
{
	return opaque;
}

static void enter(struct net_user *u)
{
	if (u->net.dev)
		device_lock(u->net.dev);
}

static void leave(struct net_user *u)
{
	if (u->net.dev)
		device_unlock(u->net.dev);
}

/* ---- frames for the guest ------------------------------------------- */

static bool give(struct net_user *u, const void *frame, size_t len)
{
	/* before the device is there, frames have nowhere to go */
	return !u->net.rx || u->net.rx(u->net.dev, frame, len);
}

static void watch_sockets(struct net_user *u)
{
	watch_events(u->ep_watch, u->held_len ? 0 : EPOLLIN);
}

static ssize_t cb_send_packet(const void *frame, size_t len, void *opaque)
{
	struct net_user *u = user_of(opaque);
	uint32_t n = len;

	if (!u->held_len && give(u, frame, len))
		return len;
	if (len > FRAME_MAX || len + 4 > HELD - u->held_len) {
		u->net.dropped++;
		return len;
	}
	memcpy(u->held + u->held_len, &n, 4);
	memcpy(u->held + u->held_len + 4, frame, len);
	u->held_len += 4 + len;
	watch_sockets(u);
	return len;
}

/* ---- sockets and time ----------------------------------------------- */

static uint32_t to_epoll(int ev)
{
	return (ev & SLIRP_POLL_IN ? EPOLLIN : 0u) |
	       (ev & SLIRP_POLL_OUT ? EPOLLOUT : 0u) |
	       (ev & SLIRP_POLL_PRI ? EPOLLPRI : 0u);
}

static int from_epoll(uint32_t ev)
{
	return (ev & EPOLLIN ? SLIRP_POLL_IN : 0) |
	       (ev & EPOLLOUT ? SLIRP_POLL_OUT : 0) |
	       (ev & EPOLLPRI ? SLIRP_POLL_PRI : 0) |
	       (ev & EPOLLERR ? SLIRP_POLL_ERR : 0) |
	       (ev & EPOLLHUP ? SLIRP_POLL_HUP : 0);
}

static int add_poll(int fd, int events, void *opaque)
{
	struct net_user *u = user_of(opaque);

	if (fd < 0 || fd >= MAX_FD || u->npolls == MAX_POLLS)
		return -1;              /* not looked at in this round */
	u->want[fd] |= to_epoll(events);
	u->poll_fd[u->npolls] = fd;
	return u->npolls++;
}

static int get_revents(int idx, void *opaque)
{
	struct net_user *u = user_of(opaque);

	if (idx < 0 || idx >= u->npolls)
		return 0;
	return from_epoll(u->got[u->poll_fd[idx]]);
}

/* Brings the epoll set in line with what libslirp wants now. A number may
 * have been closed and opened again since, unknown to us but not to the
 * kernel, so every entry is set anew. */
static void sync_set(struct net_user *u, const int *old, int nold)
{
	for (int i = 0; i < nold; i++) {
		if (u->want[old[i]] || !u->in_set[old[i]])
			continue;
		epoll_ctl(u->ep, EPOLL_CTL_DEL, old[i], NULL);
		u->in_set[old[i]] = 0;
	}
	for (int i = 0; i < u->npolls; i++) {
		int fd = u->poll_fd[i];
		struct epoll_event ev = { .events = u->want[fd] };

		if (!u->want[fd])
			continue;
		ev.data.fd = fd;
		if (epoll_ctl(u->ep, EPOLL_CTL_MOD, fd, &ev) < 0 &&
		    errno == ENOENT)
			epoll_ctl(u->ep, EPOLL_CTL_ADD, fd, &ev);
		u->in_set[fd] = 1;
		u->want[fd] = 0;
	}
}

/* After anything that may have changed what libslirp waits for. */
static void refill(void *arg)
{
	struct net_user *u = arg;
	uint32_t ms = UINT32_MAX;
	int old[MAX_POLLS], nold;

	enter(u);
	nold = u->npolls;
	memcpy(old, u->poll_fd, nold * sizeof(*old));
	u->npolls = 0;
	slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
	sync_set(u, old, nold);
	watch_at(u->poll_timer, ms == UINT32_MAX || u->held_len ? UINT64_MAX :
		 loop_now(u->loop, CLOCK_GUEST) + ms * 1000000ull);
	leave(u);
}

static void touch(struct net_user *u)
{
	loop_post(u->loop, NULL, refill, u);
}

/* Serves the sockets that are ready; also runs libslirp's own timeouts. */
static void serve(struct net_user *u)
{
	struct epoll_event ev[MAX_EVENTS];
	int n = epoll_wait(u->ep, ev, MAX_EVENTS, 0);

	enter(u);
	for (int i = 0; i < n; i++)
		u->got[ev[i].data.fd] = ev[i].events;
	slirp_pollfds_poll(u->slirp, 0, get_revents, u);
	for (int i = 0; i < n; i++)
		u->got[ev[i].data.fd] = 0;
	leave(u);
	touch(u);
}

static void sockets_ready(void *arg, uint32_t events)
{
	serve(arg);
}

static void time_up(void *arg)
{
	serve(arg);
}

static int64_t cb_clock(void *opaque)
{
	/* its timeouts stand still while the guest does */
	return loop_now(user_of(opaque)->loop, CLOCK_GUEST);
}

static void timer_up(void *arg)
{
	struct user_timer *t = arg;

	enter(t->u);
	if (t->used)
		t->fn(t->arg);
	leave(t->u);
	touch(t->u);
}

static void *cb_timer_new(SlirpTimerCb fn, void *arg, void *opaque)
{
	struct net_user *u = user_of(opaque);

	for (int i = 0; i < MAX_TIMERS; i++) {
		struct user_timer *t = &u->timer[i];

		if (t->used)
			continue;
		t->used = true;
		t->fn = fn;
		t->arg = arg;
		return t;
	}
	return NULL;
}

static void cb_timer_free(void *timer, void *opaque)
{
	struct user_timer *t = timer;

	if (!t)
		return;
	t->used = false;
	watch_at(t->watch, UINT64_MAX);
}

static void cb_timer_mod(void *timer, int64_t ms, void *opaque)
{
	struct user_timer *t = timer;

	if (t)
		watch_at(t->watch, ms < 0 ? 0 : ms * 1000000ull);
}

static void cb_poll_fd(int fd, void *opaque)
{
	/* each round's slirp_pollfds_fill says it all */
}

static void cb_notify(void *opaque)
{
	touch(user_of(opaque));
}

static void cb_guest_error(const char *msg, void *opaque)
{
	log_guest(&user_of(opaque)->log, "net: %s", msg);
}

static const SlirpCb callbacks = {
	.send_packet = cb_send_packet,
	.guest_error = cb_guest_error,
	.clock_get_ns = cb_clock,
	.timer_new = cb_timer_new,
	.timer_free = cb_timer_free,
	.timer_mod = cb_timer_mod,
	.register_poll_fd = cb_poll_fd,
	.unregister_poll_fd = cb_poll_fd,
	.notify = cb_notify,
};

/* ---- the back end --------------------------------------------------- */

static void user_send(struct net *net, const struct iovec *iov, int n)
{
	struct net_user *u = (struct net_user *)net;
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len > FRAME_MAX - len) {
			net->dropped++;
			return;
		}
		memcpy(u->frame + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	slirp_input(u->slirp, u->frame, len);
	touch(u);
}

static void user_rx_ready(struct net *net)
{
	struct net_user *u = (struct net_user *)net;
	size_t at = 0;
	uint32_t n;

	while (at < u->held_len) {
		memcpy(&n, u->held + at, 4);
		if (!give(u, u->held + at + 4, n))
			break;
		at += 4 + n;
	}
	memmove(u->held, u->held + at, u->held_len - at);
	u->held_len -= at;
	watch_sockets(u);
	if (!u->held_len)
		touch(u);
}

static void user_close(struct net *net)
{
	struct net_user *u = (struct net_user *)net;

	if (u->slirp)
		slirp_cleanup(u->slirp);
	for (int i = 0; i < MAX_TIMERS; i++)
		watch_free(u->timer[i].watch);
	watch_free(u->poll_timer);
	watch_free(u->ep_watch);
	if (u->ep >= 0)
		close(u->ep);
	free(u->held);
	free(u);
}

static const struct net_ops user_ops = {
	.name = "user",
	.send = user_send,
	.rx_ready = user_rx_ready,
	.close = user_close,
};

/* ---- forwarded ports ------------------------------------------------ */

/* Takes "[ADDR]:PORT" and what ends it off *s; addr stays as it was where
 * none is given. */
static bool parse_end(const char **s, char end, struct in_addr *addr,
		      int *port)
{
	const char *colon = strchr(*s, ':');
	char text[INET_ADDRSTRLEN], *stop;
	size_t n;

	if (!colon)
		return false;
	n = colon - *s;
	if (n >= sizeof(text))
		return false;
	memcpy(text, *s, n);
	text[n] = '\0';
	if (n && inet_pton(AF_INET, text, addr) != 1)
		return false;
	if (colon[1] < '0' || colon[1] > '9')
		return false;
	*port = 0;
	for (stop = (char *)colon + 1; *stop >= '0' && *stop <= '9'; stop++) {
		*port = *port * 10 + (*stop - '0');
		if (*port > 65535)
			return false;
	}
	if (!*port || *stop != end)
		return false;
	*s = stop + (end != '\0');
	return true;
}

static int forward(struct net_user *u, const char *spec, struct in_addr guest,
		   struct err *e)
{
	struct in_addr host = { htonl(INADDR_ANY) };
	int host_port, guest_port, udp;
	const char *s = spec;

	udp = !strncmp(s, "udp:", 4);
	if (!udp && strncmp(s, "tcp:", 4))
		goto bad;
	s += 4;
	if (!parse_end(&s, '-', &host, &host_port) ||
	    !parse_end(&s, '\0', &guest, &guest_port))
		goto bad;
	if (slirp_add_hostfwd(u->slirp, udp, host, host_port, guest,
			      guest_port) < 0)
		return err_set(e, errno, "hostfwd=%s: cannot listen on port "
			       "%d of the host", spec, host_port);
	return 0;
bad:
	return err_set(e, 0, "hostfwd=%s: expected tcp:[ADDR]:PORT-[ADDR]:PORT "
		       "or udp:..., such as tcp:127.0.0.1:2222-:22", spec);
}

/* libslirp looks the host's name server up in /etc/resolv.conf when the first
 * query comes, which is when no file can be opened by name any more; later it
 * only asks whether the file changed. So a query comes now: an empty datagram
 * from the guest to port 53 of the name server. */
static void warm_dns(struct net_user *u, const SlirpConfig *c)
{
	uint8_t query[] = {
		0x52, 0x55, 0, 0, 0, 0, 0x52, 0x54, 0, 0, 0, 1, 0x08, 0x00,
		0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,
		0xff, 0xf0, 0, 53, 0, 8, 0, 0,
	};
	uint8_t *ip = query + 14;
	uint32_t sum = 0;

	memcpy(query + 2, &c->vhost, 4);        /* its own MAC address */
	memcpy(ip + 12, &c->vdhcp_start, 4);
	memcpy(ip + 16, &c->vnameserver, 4);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	slirp_input(u->slirp, query, sizeof(query));
}

static int open_watches(struct net_user *u, struct err *e)
{
	if (loop_fd(u->loop, u->ep, EPOLLIN, NULL, sockets_ready, u,
		    &u->ep_watch, e) ||
	    loop_timer(u->loop, CLOCK_GUEST, NULL, time_up, u, &u->poll_timer,
		       e))
		return -1;
	for (int i = 0; i < MAX_TIMERS; i++) {
		u->timer[i].u = u;
		if (loop_timer(u->loop, CLOCK_GUEST, NULL, timer_up,
			       &u->timer[i], &u->timer[i].watch, e))
			return -1;
	}
	return 0;
}

static void fill_config(SlirpConfig *c, const struct cfg_net *n)
{
	uint32_t net = n->mask ? n->net : CFG_NET_ADDR;

	/* version 1 of the struct: all versions of the library take it */
	c->version = 1;
	c->restricted = n->isolated;
	c->in_enabled = true;
	c->vnetwork.s_addr = htonl(net);
	c->vnetmask.s_addr = htonl(n->mask ? n->mask : CFG_NET_MASK);
	c->vhost.s_addr = htonl(n->host ? n->host : net + CFG_NET_HOST);
	c->vnameserver.s_addr = htonl(n->dns ? n->dns : net + CFG_NET_DNS);
	c->vdhcp_start.s_addr = htonl(n->dhcp ? n->dhcp : net + CFG_NET_GUEST);
	c->vdomainname = *n->domain ? n->domain : NULL;
}

struct net *net_user_open(struct loop *loop, const struct cfg_net *n,
			  struct err *e)
{
	struct net_user *u = calloc(1, sizeof(*u));
	SlirpConfig c = { 0 };

	if (!u) {
		err_set(e, ENOMEM, "user network");
		return NULL;
	}
	u->net.ops = &user_ops;
	u->loop = loop;
	u->held = malloc(HELD);
	u->ep = epoll_create1(EPOLL_CLOEXEC);
	if (!u->held || u->ep < 0) {
		err_set(e, errno, "user network");
		goto fail;
	}
	if (open_watches(u, e))
		goto fail;
	fill_config(&c, n);
	u->slirp = slirp_new(&c, &callbacks, u);
	if (!u->slirp) {
		err_set(e, 0, "user network: libslirp does not start");
		goto fail;
	}
	for (int i = 0; i < n->nfwd; i++)
		if (forward(u, n->fwd[i], c.vdhcp_start, e))
			goto fail;
	if (!n->isolated)
		warm_dns(u, &c);
	touch(u);
	return &u->net;
fail:
	user_close(&u->net);
	return NULL;
}
