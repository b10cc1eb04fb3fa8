/* net_unix.c: frames over a datagram socket, and whose socket it may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"
#include "config.h"
#include "fake.h"

static char dir[] = "/tmp/pome-net-XXXXXX";
static struct fake *f;
static struct device dev;
static uint8_t frame[2000];
static size_t len;

static bool rx(struct device *d, const void *p, size_t n)
{
	memcpy(frame, p, n);
	len = n;
	return true;
}

static int serve(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
	unlink(a.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static struct net *open_net(const char *name, bool from_bundle, struct err *e)
{
	struct cfg_net n = { .kind = CFG_NET_UNIX, .from_bundle = from_bundle,
			     .hello = "VFKT" };
	struct net *net;

	snprintf(n.path, sizeof(n.path), "%s/%s", dir, name);
	net = net_unix_open(f->loop, &n, e);
	if (net) {
		net->dev = &dev;
		net->rx = rx;
	}
	return net;
}

static void frames(void **state)
{
	struct iovec v[2] = { { (void *)"head", 4 }, { (void *)"tail", 4 } };
	struct sockaddr_un from;
	socklen_t n = sizeof(from);
	struct err e = { 0 };
	char buf[64];
	int fd = serve("s");

	for (int bundle = 0; bundle < 2; bundle++) {
		struct net *net = open_net("s", bundle, &e);

		if (!net)
			fail_msg("%s", e.msg);
		assert_int_equal(recvfrom(fd, buf, sizeof(buf), 0,
					  (struct sockaddr *)&from, &n), 4);
		assert_memory_equal(buf, "VFKT", 4);
		net->ops->send(net, v, 2);
		assert_int_equal(recv(fd, buf, sizeof(buf), 0), 8);
		assert_memory_equal(buf, "headtail", 8);
		assert_int_equal(sendto(fd, "answer", 6, 0,
					(struct sockaddr *)&from, n), 6);
		fake_poll(f);
		assert_int_equal(len, 6);
		assert_memory_equal(frame, "answer", 6);
		n = sizeof(from);
		net->ops->close(net);
	}
	close(fd);
}

/* The peer goes: frames are dropped, nothing spins or ends. */
static void gone(void **state)
{
	struct iovec v = { (void *)"frame", 5 };
	struct err e = { 0 };
	int fd = serve("s");
	struct net *net = open_net("s", false, &e);

	assert_non_null(net);
	close(fd);
	net->ops->send(net, &v, 1);
	assert_int_equal(net->dropped, 1);
	fake_poll(f);
	net->ops->close(net);
	assert_null(open_net("s", false, &e));
	assert_non_null(strstr(e.msg, "no program takes frames there"));
	assert_null(open_net("nowhere", true, &e));
}

/* A link in a bundle leads nowhere; typed by the user it is followed. */
static void links(void **state)
{
	char from[64], to[64];
	struct err e = { 0 };
	int fd = serve("s");
	struct net *net;

	snprintf(to, sizeof(to), "%s/s", dir);
	snprintf(from, sizeof(from), "%s/link", dir);
	assert_int_equal(symlink(to, from), 0);
	assert_null(open_net("link", true, &e));
	assert_non_null(strstr(e.msg, "no socket"));
	net = open_net("link", false, &e);
	assert_non_null(net);
	net->ops->close(net);
	close(fd);
}

static int setup(void **state)
{
	f = fake_new();
	pthread_mutex_init(&dev.lock, NULL);
	return f && mkdtemp(dir) ? 0 : -1;
}

static int clean(void **state)
{
	char cmd[64];

	fake_free(f);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames), cmocka_unit_test(gone),
		cmocka_unit_test(links),
	};

	return cmocka_run_group_tests_name("net_unix", tests, setup, clean);
}
