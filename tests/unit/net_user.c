/* net_user.c: frames through libslirp to sockets of this host and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend.h"
#include "config.h"
#include "fake.h"

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };

struct t {
	struct fake *f;
	struct net *net;
	struct device dev;
	unsigned room, n;               /* frames it takes, took */
	uint8_t frame[2000];            /* the last that is no ARP */
	size_t len;
};

static struct t *here;

static void send_frame(struct t *t, const void *p, size_t len)
{
	struct iovec v[2] = { { (void *)p, 7 },
			      { (uint8_t *)p + 7, len - 7 } };

	device_lock(&t->dev);
	t->net->ops->send(t->net, v, 2);
	device_unlock(&t->dev);
}

/* Says to everyone where 10.0.2.15 is. */
static void announce(struct t *t)
{
	uint8_t a[42] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t body[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };

	memcpy(a + 6, mac, 6);
	memcpy(a + 12, body, 10);
	memcpy(a + 22, mac, 6);
	memcpy(a + 28, "\12\0\2\17", 4);
	memcpy(a + 38, "\12\0\2\2", 4);
	send_frame(t, a, sizeof(a));
}

static bool rx(struct device *dev, const void *frame, size_t len)
{
	struct t *t = here;

	if (!t->room)
		return false;
	t->room--;
	t->n++;
	if (memcmp((uint8_t *)frame + 12, "\10\6", 2)) {
		memcpy(t->frame, frame, len);
		t->len = len;
	}
	return true;
}

static int setup(void **s)
{
	struct t *t = calloc(1, sizeof(*t));

	t->f = fake_new();
	t->room = 1000;
	pthread_mutex_init(&t->dev.lock, NULL);
	here = t;
	*s = t;
	return 0;
}

static int teardown(void **s)
{
	struct t *t = *s;

	if (t->net)
		t->net->ops->close(t->net);
	fake_free(t->f);
	free(t);
	return 0;
}

static struct net *open_with(struct t *t, const struct cfg_net *plan,
			     const char *fwd, struct err *e)
{
	struct cfg_net n = *plan;

	n.kind = CFG_NET_USER;
	n.nfwd = fwd != NULL;
	n.fwd[0] = (char *)fwd;
	return net_user_open(t->f->loop, &n, e);
}

static const struct cfg_net usual;

static void attach(struct t *t, const struct cfg_net *plan, const char *fwd)
{
	struct err e = { 0 };

	t->net = open_with(t, plan, fwd, &e);
	if (!t->net)
		fail_msg("%s", e.msg);
	t->net->dev = &t->dev;
	t->net->rx = rx;
	fake_poll(t->f);
	announce(t);
}

/* Runs until a frame of the IP protocol came. */
static bool wait_for(struct t *t, uint8_t proto)
{
	for (int i = 0; i < 1000; i++) {
		fake_poll(t->f);
		if (t->len > 23 && t->frame[23] == proto)
			return true;
		fake_advance(t->f, 1000000);
		usleep(1000);
	}
	return false;
}

static void test_bad(void **s)
{
	static const char *const bad[] = {
		"", "tcp", "tcp:", "tcp::2222", "tcp::2222-", "tcp::2222-22",
		"tcp:2222-:22", "icmp::1-:1", "tcp::0-:22", "tcp::65536-:22",
		"tcp::99999999999999999999-:22", "tcp::2222-:22x", "tcp::-:22",
		"tcp:localhost:2222-:22", "tcp:1.2.3:2222-:22", "tcp::-1-:22",
		"tcp:127.0.0.1.127.0.0.1:2222-:22", "udp::22-:",
		"tcp::2222-:22,tcp::1-:1", "tcp::22 -:22",
	};
	struct t *t = *s;
	struct err e;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_null(open_with(t, &usual, bad[i], &e));
		assert_non_null(strstr(e.msg, "expected tcp:[ADDR]:PORT-"));
	}
}

static int host_socket(int type, struct sockaddr_in *a)
{
	socklen_t n = sizeof(*a);
	int fd = socket(AF_INET, type, 0);

	*a = (struct sockaddr_in){ .sin_family = AF_INET,
				   .sin_addr = { htonl(INADDR_LOOPBACK) } };
	assert_int_equal(bind(fd, (struct sockaddr *)a, n), 0);
	getsockname(fd, (struct sockaddr *)a, &n);
	return fd;
}

static void udp_frame(uint8_t *p, uint16_t port, const char *text)
{
	static const uint8_t ip[20] = {
		0x45, 0, 0, 33, 0, 0, 0, 0, 64, 17, 0x62, 0xbc,
		10, 0, 2, 15, 10, 0, 2, 2,
	};

	memcpy(p, "\x52\x55\xa\0\2\2", 6);
	memcpy(p + 6, mac, 6);
	memcpy(p + 12, "\10\0", 2);
	memcpy(p + 14, ip, 20);
	memcpy(p + 34, "\x13\x88", 2);
	memcpy(p + 36, &port, 2);
	memcpy(p + 38, "\0\15\0\0", 4);
	memcpy(p + 42, text, 5);
}

static void test_udp(void **s)
{
	struct t *t = *s;
	struct sockaddr_in a, from;
	socklen_t n = sizeof(from);
	uint8_t f[60] = { 0 };
	char buf[16] = { 0 };
	int fd = host_socket(SOCK_DGRAM, &a);

	attach(t, &usual, NULL);
	udp_frame(f, a.sin_port, "hello");
	send_frame(t, f, sizeof(f));
	assert_int_equal(recvfrom(fd, buf, 16, 0, (struct sockaddr *)&from,
				  &n), 5);
	assert_string_equal(buf, "hello");
	/* the answer finds no room, waits, and comes when there is */
	t->room = 0;
	sendto(fd, "world!", 6, 0, (struct sockaddr *)&from, n);
	for (int i = 0; i < 20; i++) {
		fake_poll(t->f);
		usleep(1000);
	}
	assert_int_equal(t->len, 0);
	t->room = 1000;
	device_lock(&t->dev);
	t->net->ops->rx_ready(t->net);
	device_unlock(&t->dev);
	assert_true(wait_for(t, 17));
	assert_memory_equal(t->frame, mac, 6);
	assert_memory_equal(t->frame + 26, "\12\0\2\2", 4);
	assert_memory_equal(t->frame + 42, "world!", 6);
	assert_int_equal(t->net->dropped, 0);
	close(fd);
}

static void test_hostfwd(void **s)
{
	struct t *t = *s;
	struct sockaddr_in a;
	struct err e = { 0 };
	char spec[64];
	int fd = host_socket(SOCK_STREAM, &a);

	close(fd);                      /* a port that was free just now */
	snprintf(spec, sizeof(spec), "tcp:127.0.0.1:%u-:22",
		 ntohs(a.sin_port));
	attach(t, &usual, spec);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true(wait_for(t, 6));
	assert_memory_equal(t->frame + 30, "\12\0\2\17", 4);
	assert_memory_equal(t->frame + 36, "\0\26", 2);
	assert_int_equal(t->frame[47], 2);      /* SYN */
	close(fd);
	assert_null(open_with(t, &usual, spec, &e));
	assert_non_null(strstr(e.msg, "cannot listen on port"));
}

/* restrict: nothing of the guest's reaches the host, a forwarded port does
 * reach the guest. */
static void test_isolated(void **s)
{
	struct t *t = *s;
	struct cfg_net plan = { .isolated = true };
	struct sockaddr_in a, b;
	uint8_t f[60] = { 0 };
	char buf[16], spec[64];
	int fd = host_socket(SOCK_DGRAM, &a), tcp = host_socket(SOCK_STREAM,
								&b);

	close(tcp);
	snprintf(spec, sizeof(spec), "tcp:127.0.0.1:%u-:22",
		 ntohs(b.sin_port));
	attach(t, &plan, spec);
	udp_frame(f, a.sin_port, "hello");
	send_frame(t, f, sizeof(f));
	for (int i = 0; i < 20; i++) {
		fake_poll(t->f);
		usleep(1000);
	}
	assert_int_equal(recv(fd, buf, 16, MSG_DONTWAIT), -1);
	close(fd);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(tcp, (struct sockaddr *)&b, sizeof(b)), 0);
	assert_true(wait_for(t, 6));
	close(tcp);
}

/* Other addresses: DHCP offers them. */
static void test_plan(void **s)
{
	static const uint8_t head[] = {
		255, 255, 255, 255, 255, 255, 0x52, 0x54, 0, 0, 0, 1, 8, 0,
		0x45, 0, 1, 16, 0, 0, 0, 0, 64, 17, 0x79, 0xde, 0, 0, 0, 0,
		255, 255, 255, 255, 0, 68, 0, 67, 0, 252, 0, 0, 1, 1, 6, 0,
	};
	struct t *t = *s;
	struct cfg_net plan = { .net = 0xc0a82000, .mask = 0xffffff00,
				.host = 0xc0a82001, .dhcp = 0xc0a82040,
				.domain = "example.org" };
	uint8_t f[14 + 272] = { 0 };

	attach(t, &plan, NULL);
	memcpy(f, head, sizeof(head));
	memcpy(f + 70, mac, 6);
	memcpy(f + 278, "\x63\x82\x53\x63\x35\1\1\xff", 8);
	send_frame(t, f, sizeof(f));
	assert_true(wait_for(t, 17));
	assert_memory_equal(t->frame + 26, "\xc0\xa8\x20\x01", 4);
	assert_memory_equal(t->frame + 58, "\xc0\xa8\x20\x40", 4);
	assert_non_null(memmem(t->frame, t->len, "example.org", 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
		cmocka_unit_test_setup_teardown(test_udp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hostfwd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_isolated, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_plan, setup, teardown),
	};

	return cmocka_run_group_tests_name("net_user", tests, NULL, NULL);
}
