/* Terminals on TCP ports: what the text says, both ends, peers that come and
 * go, a peer that is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "loop.h"
#include "tty.h"
#include "tty_tcp.h"

static struct loop *loop;
static struct device dev;
static struct err e;
static char got[100];
static size_t ngot;

static size_t input(struct device *d, const void *p, size_t n)
{
	memcpy(got + ngot, p, n);
	ngot += n;
	return n;
}

static void texts(void **state)
{
	static const char *const bad[] = {
		"", ":", "host", "host:", "host:0", "host:65536", "host:12x",
		"[:1", "[a]b]:1",
		"::1:4000", "h:1,foo", "h:1,", "h:1,wait", "h:-1",
		"h:999999999999",
	};
	struct tty_tcp t;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!tty_tcp_parse(bad[i], &t, &e))
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(tty_tcp_parse(":4555,server,wait", &t, &e), 0);
	assert_string_equal(t.host, "127.0.0.1");
	assert_string_equal(t.port, "4555");
	assert_true(t.server && t.wait);
	assert_int_equal(tty_tcp_parse("[::1]:1,server=on,nowait", &t, &e), 0);
	assert_string_equal(t.host, "::1");
	assert_true(t.server && !t.wait);
	assert_int_equal(tty_tcp_parse("a.example:65535", &t, &e), 0);
	assert_false(t.server);
}

static void run_loop(void)
{
	struct timespec ts = { .tv_nsec = 1000000 };

	for (int i = 0; i < 5; i++) {
		assert_int_equal(loop_poll(loop, &e), 0);
		nanosleep(&ts, NULL);
	}
}

static struct tty *open_at(const char *fmt, unsigned port)
{
	char text[64];
	struct cfg_tty cfg = { .where = CFG_TTY_TCP, .path = text };
	struct tty_conf c = { .cfg = &cfg, .name = "serial", .loop = loop };
	struct tty *t;

	snprintf(text, sizeof(text), fmt, port);
	t = tty_open(&c, &e);
	if (t) {
		t->dev = &dev;
		t->input = input;
		tty_start(t);
	}
	ngot = 0;
	return t;
}

/* A listening socket on a port of the kernel's choice. */
static int listener(struct sockaddr_in *a)
{
	socklen_t n = sizeof(*a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*a = (struct sockaddr_in){ .sin_family = AF_INET,
				   .sin_addr = { htonl(INADDR_LOOPBACK) } };
	assert_int_equal(bind(fd, (struct sockaddr *)a, n), 0);
	assert_int_equal(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)a, &n);
	return fd;
}

/* A port that was free a moment ago. */
static unsigned free_port(struct sockaddr_in *a)
{
	close(listener(a));
	return ntohs(a->sin_port);
}

static void talk(struct tty *t, int fd)
{
	char buf[16];

	run_loop();
	assert_int_equal(write(fd, "in", 2), 2);
	run_loop();
	assert_int_equal(ngot, 2);
	assert_memory_equal(got, "in", 2);
	ngot = 0;
	device_lock(&dev);
	assert_int_equal(t->ops->write(t, "out", 3), 3);
	device_unlock(&dev);
	run_loop();
	assert_int_equal(read(fd, buf, sizeof(buf)), 3);
	assert_memory_equal(buf, "out", 3);
}

static int dial(const struct sockaddr_in *a)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)a, sizeof(*a)),
			 0);
	return fd;
}

static void server(void **state)
{
	struct sockaddr_in a;
	unsigned port = free_port(&a);
	struct tty *t = open_at(":%u,server", port);

	if (!t)
		fail_msg("%s", e.msg);
	assert_true(tty_accepts(t));
	for (int i = 0; i < 3; i++) {
		int fd = dial(&a);

		talk(t, fd);
		close(fd);
		run_loop();
	}
	assert_null(open_at(":%u,server", port));
	assert_non_null(strstr(e.msg, "--serial tcp::"));
	tty_close(t);
}

static void client(void **state)
{
	struct sockaddr_in a;
	int l = listener(&a), fd;
	unsigned port = ntohs(a.sin_port);
	struct tty *t = open_at("127.0.0.1:%u", port);

	if (!t)
		fail_msg("%s", e.msg);
	assert_false(tty_accepts(t));
	fd = accept(l, NULL, NULL);
	talk(t, fd);
	close(fd);
	close(l);
	run_loop();
	/* gone for good, and no error */
	assert_int_equal(t->ops->write(t, "x", 1), 1);
	run_loop();
	tty_close(t);
	assert_null(open_at("127.0.0.1:%u", port));
	assert_non_null(strstr(e.msg, ",server"));
}

static void *come_later(void *arg)
{
	struct timespec ts = { .tv_nsec = 100000000 };
	struct sockaddr_in *a = arg;
	static int fd;

	nanosleep(&ts, NULL);
	fd = dial(a);
	return &fd;
}

static void awaited(void **state)
{
	struct sockaddr_in a;
	unsigned port = free_port(&a);
	pthread_t th;
	struct tty *t;
	void *fd;

	assert_int_equal(pthread_create(&th, NULL, come_later, &a), 0);
	t = open_at(":%u,server,wait", port);
	assert_non_null(t);
	pthread_join(th, &fd);
	talk(t, *(int *)fd);
	close(*(int *)fd);
	tty_close(t);
}

static int setup(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&dev.lock, NULL);
	loop = loop_new(&e);
	return loop ? 0 : -1;
}

static int clean(void **state)
{
	loop_free(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts), cmocka_unit_test(server),
		cmocka_unit_test(client), cmocka_unit_test(awaited),
	};

	return cmocka_run_group_tests(tests, setup, clean);
}
