/* The host's side of a console: nothing lost or reordered, peers that come and
 * go, the keys, the terminal's mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "loop.h"
#include "outfile.h"
#include "tty.h"

static char dir[] = "/tmp/pome-tty-XXXXXX";
static struct loop *loop;
static struct device dev;
static struct err e;

/* A device that takes at most `room` bytes at a time. */
static char got[70000];
static size_t ngot, room;
static unsigned writables;
static int events[4];

static size_t input(struct device *d, const void *p, size_t n)
{
	if (n > room)
		n = room;
	memcpy(got + ngot, p, n);
	ngot += n;
	room -= n;
	return n;
}

static void writable(struct device *d)
{
	writables++;
}

static void on_event(void *arg, enum tty_event ev)
{
	events[ev]++;
}

static struct tty *open_tty(enum cfg_where where, const char *name)
{
	char path[64];
	struct cfg_tty cfg = { .where = where, .path = path };
	struct outfiles out = { .n = 0 };
	struct tty_conf c = { .cfg = &cfg, .name = "serial", .loop = loop,
			      .out = &out, .event = on_event };
	struct tty *t;

	snprintf(path, sizeof(path), "%s/%s", dir, name ? name : "");
	t = tty_open(&c, &e);
	outfiles_start(&out);
	if (t) {
		t->dev = &dev;
		t->input = input;
		t->writable = writable;
		tty_start(t);
	}
	ngot = 0;
	room = sizeof(got);
	writables = 0;
	memset(events, 0, sizeof(events));
	return t;
}

static size_t put(struct tty *t, const char *p, size_t n)
{
	size_t r;

	device_lock(&dev);
	r = t->ops->write(t, p, n);
	device_unlock(&dev);
	return r;
}

static void poll_ms(unsigned ms)
{
	struct timespec ts = { 0, 1000000 };

	for (unsigned i = 0; i < ms; i++) {
		assert_int_equal(loop_poll(loop, &e), 0);
		nanosleep(&ts, NULL);
	}
}

/* What it posted must have run. */
static void close_tty(struct tty *t)
{
	poll_ms(1);
	tty_close(t);
}

static size_t slurp(const char *name, char *buf, size_t len)
{
	char path[64];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(buf, 1, len, f);
	fclose(f);
	return n;
}

static void to_file(void **state)
{
	static char big[60000], back[70000];
	struct tty *t = open_tty(CFG_TTY_FILE, "out");
	char tail[16];

	assert_non_null(t);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 31 >> 3);
	assert_int_equal(put(t, "hello ", 6), 6);
	assert_int_equal(put(t, big, sizeof(big)), sizeof(big));
	poll_ms(5);
	assert_int_equal(put(t, "end", 3), 3);
	tty_settle(t);                          /* without the loop */
	assert_int_equal(slurp("out", back, sizeof(back)), 9 + sizeof(big));
	assert_int_equal(tty_out_bytes(t), 9 + sizeof(big));
	assert_int_equal(tty_tail(t, tail, 3), 3);
	assert_memory_equal(tail, "end", 3);
	close_tty(t);
	assert_int_equal(slurp("out", back, sizeof(back)), 9 + sizeof(big));
	assert_memory_equal(back, "hello ", 6);
	assert_memory_equal(back + 6, big, sizeof(big));
	t = open_tty(CFG_TTY_FILE, "no/such/dir");
	assert_null(t);
	assert_non_null(strstr(e.msg, "No such file"));
}

static void nowhere(void **state)
{
	struct tty *t = open_tty(CFG_TTY_NULL, NULL);
	static char big[TTY_TAIL + 100], tail[TTY_TAIL];

	memset(big, 'x', sizeof(big));
	memcpy(big + sizeof(big) - 4, "last", 4);
	for (int i = 0; i < 100; i++)           /* never full */
		assert_int_equal(put(t, big, sizeof(big)), sizeof(big));
	assert_int_equal(tty_tail(t, tail, sizeof(tail)), TTY_TAIL);
	assert_memory_equal(tail + TTY_TAIL - 4, "last", 4);
	close_tty(t);
}

static int dial(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s", dir, name);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

/* A full ring refuses the rest; all that was taken comes, in order. */
static void backpressure(void **state)
{
	static char big[1000000], back[1000000];
	struct tty *t = open_tty(CFG_TTY_UNIX, "sock");
	size_t in = 0, out = 0, before;
	int fd = dial("sock");

	assert_non_null(t);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 >> 4);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	poll_ms(5);
	do {                                    /* nobody reads */
		before = in;
		in += put(t, big + in, 3000);
		poll_ms(1);
	} while (in != before && in < sizeof(big) - 3000);
	assert_int_equal(in, before);
	assert_int_equal(writables, 0);
	while (out < in || in < sizeof(big)) {
		ssize_t r = read(fd, back + out, sizeof(back) - out);

		if (r > 0)
			out += (size_t)r;
		poll_ms(1);
		if (in < sizeof(big))
			in += put(t, big + in, sizeof(big) - in);
	}
	assert_true(writables > 0);
	assert_memory_equal(big, back, sizeof(big));
	close(fd);
	close_tty(t);
}

static void peers(void **state)
{
	struct tty *t = open_tty(CFG_TTY_UNIX, "sock"), *two;
	char buf[64], path[64];
	struct stat st;
	int fd;

	assert_non_null(t);
	assert_int_equal(put(t, "nobody hears", 12), 12);
	poll_ms(2);
	for (int i = 0; i < 3; i++) {
		fd = dial("sock");
		poll_ms(3);
		assert_int_equal(write(fd, "in", 2), 2);
		poll_ms(3);
		assert_int_equal(put(t, "out", 3), 3);
		poll_ms(3);
		assert_int_equal(read(fd, buf, sizeof(buf)), 3);
		assert_memory_equal(buf, "out", 3);
		close(fd);
		poll_ms(3);
	}
	assert_int_equal(ngot, 6);
	/* a second program on the same path is refused, the first stays */
	two = open_tty(CFG_TTY_UNIX, "sock");
	assert_null(two);
	assert_non_null(strstr(e.msg, "another program"));
	close_tty(t);
	snprintf(path, sizeof(path), "%s/sock", dir);
	assert_int_equal(stat(path, &st), -1);  /* nothing is left behind */
	/* a file that is no socket is not touched */
	close(creat(path, 0600));
	assert_null(open_tty(CFG_TTY_UNIX, "sock"));
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
}

static int bound(const char *name, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* What kill -9 leaves is taken over; a socket that is somebody's is not, nor
 * one that connections cannot tell anything about. */
static void leftover(void **state)
{
	struct stat st, now;
	struct tty *t;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/sock", dir);
	fd = bound("sock", SOCK_STREAM);
	close(fd);
	assert_int_equal(stat(path, &st), 0);
	t = open_tty(CFG_TTY_UNIX, "sock");
	assert_non_null(t);
	close(dial("sock"));
	close_tty(t);

	fd = bound("sock", SOCK_DGRAM);
	assert_int_equal(stat(path, &st), 0);
	assert_null(open_tty(CFG_TTY_UNIX, "sock"));
	assert_non_null(strstr(e.msg, "of another type"));
	assert_int_equal(stat(path, &now), 0);
	assert_int_equal(st.st_ino, now.st_ino);
	close(fd);
	unlink(path);
}

/* Input that the device has no room for waits, and comes in order. */
static void slow_device(void **state)
{
	struct tty *t = open_tty(CFG_TTY_UNIX, "sock");
	int fd = dial("sock");

	room = 3;
	poll_ms(3);
	assert_int_equal(write(fd, "0123456789", 10), 10);
	poll_ms(3);
	assert_int_equal(ngot, 3);
	for (int i = 0; i < 3; i++) {
		device_lock(&dev);
		room = 3;
		t->ops->ready(t);
		device_unlock(&dev);
		poll_ms(2);
	}
	assert_int_equal(ngot, 10);
	assert_memory_equal(got, "0123456789", 10);
	close(fd);
	close_tty(t);
}

/* Standard input and output replaced by the two ends of a pseudo terminal. */
static void terminal(void **state)
{
	int m = posix_openpt(O_RDWR | O_NOCTTY), s, in = dup(0), out = dup(1);
	struct termios before, raw, after;
	struct tty *t;
	char buf[64];

	grantpt(m);
	unlockpt(m);
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	tcgetattr(s, &before);
	dup2(s, 0);
	dup2(s, 1);
	t = open_tty(CFG_TTY_STDIO, NULL);
	tcgetattr(s, &raw);
	assert_true(t && raw.c_lflag != before.c_lflag);
	assert_int_equal(write(m, "ab\1\1c\1zd", 8), 8);
	poll_ms(5);
	assert_int_equal(ngot, 5);              /* Ctrl-a z: nothing */
	assert_memory_equal(got, "ab\1cd", 5);
	/* the guest takes no input any more: the keys still work */
	room = 0;
	assert_int_equal(write(m, "zzzz\1x", 6), 6);
	poll_ms(5);
	assert_int_equal(events[TTY_QUIT], 1);
	assert_int_equal(put(t, "hi", 2), 2);
	poll_ms(3);
	fcntl(m, F_SETFL, O_NONBLOCK);
	assert_int_equal(read(m, buf, sizeof(buf)), 2);
	close_tty(t);
	tcgetattr(s, &after);
	dup2(in, 0);
	dup2(out, 1);
	close(s);
	close(m);
	assert_int_equal(before.c_iflag, after.c_iflag);
	assert_int_equal(before.c_oflag, after.c_oflag);
	assert_int_equal(before.c_lflag, after.c_lflag);
	assert_int_equal(before.c_cc[VMIN], after.c_cc[VMIN]);
}

/* The end of standard input is no event; the end of standard output is. */
static void ends(void **state)
{
	int p[2], in = dup(0), out = dup(1);
	struct tty *t;

	assert_int_equal(pipe(p), 0);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(p[1], 1);
	t = open_tty(CFG_TTY_STDIO, NULL);
	close(p[1]);
	poll_ms(3);
	assert_int_equal(put(t, "a", 1), 1);
	poll_ms(3);
	assert_int_equal(events[TTY_QUIT] + events[TTY_GONE], 0);
	close(p[0]);
	put(t, "b", 1);
	poll_ms(3);
	dup2(in, 0);
	dup2(out, 1);
	assert_int_equal(events[TTY_GONE], 1);
	assert_int_equal(put(t, "c", 1), 1);
	close_tty(t);
}

static void pseudo(void **state)
{
	int err_copy = dup(2), p[2], fd;
	char line[128] = "", *name, buf[16];
	struct tty *t;

	assert_int_equal(pipe(p), 0);
	dup2(p[1], 2);
	t = open_tty(CFG_TTY_PTY, NULL);
	dup2(err_copy, 2);
	assert_non_null(t);
	assert_true(read(p[0], line, sizeof(line) - 1) > 0);
	line[strcspn(line, "\n")] = 0;
	name = strstr(line, "/dev/");
	assert_non_null(name);
	poll_ms(10);
	assert_int_equal(put(t, "dropped", 7), 7);
	for (int i = 0; i < 2; i++) {
		fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
		assert_true(fd >= 0);
		poll_ms(400);
		assert_int_equal(write(fd, "in", 2), 2);
		put(t, "out", 3);
		poll_ms(20);
		assert_int_equal(read(fd, buf, sizeof(buf)), 3);
		close(fd);
		poll_ms(20);
	}
	assert_int_equal(ngot, 4);
	close_tty(t);
	close(p[0]);
	close(p[1]);
}

static int setup(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&dev.lock, NULL);
	loop = loop_new(&e);
	return loop && mkdtemp(dir) ? 0 : -1;
}

static int clean(void **state)
{
	char cmd[64];

	loop_free(loop);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_file), cmocka_unit_test(nowhere),
		cmocka_unit_test(backpressure), cmocka_unit_test(peers),
		cmocka_unit_test(leftover), cmocka_unit_test(slow_device),
		cmocka_unit_test(terminal), cmocka_unit_test(ends),
		cmocka_unit_test(pseudo),
	};

	return cmocka_run_group_tests(tests, setup, clean);
}
