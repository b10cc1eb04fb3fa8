/* block_raw.c: raw images and the pool, on real files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "device.h"

enum { SIZE = 1 << 20 };

struct t {
	char path[64];
	struct blk_pool *pool;
	struct blk *b;
	struct device dev;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int ndone, error;
};

static int image(struct t *t, off_t size)
{
	int fd;

	strcpy(t->path, "/tmp/pome-raw-XXXXXX");
	fd = mkstemp(t->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static int setup(void **s)
{
	struct t *t = calloc(1, sizeof(*t));
	struct err e = { 0 };

	pthread_mutex_init(&t->dev.lock, NULL);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->cond, NULL);
	t->pool = blk_pool_new(4, &e);
	t->b = blk_raw_open(image(t, SIZE), t->path, false, t->pool, &e);
	assert_non_null(t->b);
	*s = t;
	return 0;
}

static int teardown(void **s)
{
	struct t *t = *s;

	blk_close(t->b);
	blk_pool_free(t->pool);
	unlink(t->path);
	free(t);
	return 0;
}

static void t_done(struct blk_req *r, int error)
{
	struct t *t = r->arg;

	assert_int_equal(pthread_mutex_trylock(&t->dev.lock), EBUSY);
	pthread_mutex_lock(&t->lock);
	t->ndone++;
	t->error = error;
	pthread_cond_signal(&t->cond);
	pthread_mutex_unlock(&t->lock);
}

static int run(struct t *t, struct blk_req *r)
{
	r->dev = &t->dev;
	r->done = t_done;
	r->arg = t;
	pthread_mutex_lock(&t->lock);
	t->ndone = 0;
	pthread_mutex_unlock(&t->lock);
	blk_submit(t->b, r);
	pthread_mutex_lock(&t->lock);
	while (!t->ndone)
		pthread_cond_wait(&t->cond, &t->lock);
	pthread_mutex_unlock(&t->lock);
	return t->error;
}

static int rw(struct t *t, enum blk_op op, uint64_t off, struct iovec *v,
	      int n)
{
	struct blk_req r = { .op = op, .off = off, .iov = v, .niov = n };

	for (int i = 0; i < n; i++)
		r.len += v[i].iov_len;
	return run(t, &r);
}

static void test_rw(void **s)
{
	struct t *t = *s;
	static uint8_t a[300000], b[300000];
	/* more than IOV_MAX pieces, some empty */
	static struct iovec v[1500], w[1500];
	struct blk_req flush = { .op = BLK_FLUSH };
	size_t at = 0;

	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = i * 7 + i / 251;
	for (int i = 0; i < 1500; i++) {
		size_t n = i % 5 ? 199 : 0;

		v[i] = (struct iovec){ a + at, n };
		w[i] = (struct iovec){ b + at, n };
		at += n;
	}
	assert_int_equal(rw(t, BLK_WRITE, 5120, v, 1500), 0);
	assert_int_equal(run(t, &flush), 0);
	assert_int_equal(rw(t, BLK_READ, 5120, w, 1500), 0);
	assert_memory_equal(a, b, at);
	w[0] = (struct iovec){ b, 512 };
	assert_int_equal(rw(t, BLK_READ, SIZE - 512, w, 1), 0);
	assert_int_equal(b[0], 0);
}

static void test_zero(void **s)
{
	struct t *t = *s;
	static uint8_t a[65536], b[65536];
	struct iovec v = { a, sizeof(a) }, w = { b, sizeof(b) };
	struct blk_req r = { .op = BLK_ZERO, .off = 8192, .len = 12288 };
	struct blk_req d = { .op = BLK_DISCARD, .off = 0, .len = 65536 };

	for (int unmap = 0; unmap < 2; unmap++) {
		memset(a, 0x55, sizeof(a));
		assert_int_equal(rw(t, BLK_WRITE, 0, &v, 1), 0);
		r.unmap = unmap;
		assert_int_equal(run(t, &r), 0);
		assert_int_equal(rw(t, BLK_READ, 0, &w, 1), 0);
		memset(a + 8192, 0, 12288);
		assert_memory_equal(a, b, sizeof(a));
	}
	assert_int_equal(run(t, &d), 0);
	assert_int_equal(t->b->size, SIZE);
}

static void test_errors(void **s)
{
	struct t *t = *s;
	uint8_t a[512] = { 0 };
	struct iovec v = { a, 512 };
	struct rlimit old, lim;

	/* the file became shorter under us */
	assert_int_equal(truncate(t->path, 4096), 0);
	assert_int_equal(rw(t, BLK_READ, 8192, &v, 1), EIO);
	/* and cannot grow: as a full disk */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	lim = old;
	lim.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &lim);
	assert_int_equal(rw(t, BLK_WRITE, 8192, &v, 1), EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(rw(t, BLK_WRITE, 0, &v, 1), 0);
}

static void test_enospc(void **s)
{
	struct t *t = *s;
	int fd = open("/dev/full", O_RDWR);
	uint8_t a[512];
	struct iovec v = { a, 512 };
	struct { struct blk b; int fd; } *raw = (void *)t->b;

	if (fd < 0)
		skip();
	dup2(fd, raw->fd);
	close(fd);
	assert_int_equal(rw(t, BLK_WRITE, 0, &v, 1), ENOSPC);
}

static void test_open(void **s)
{
	struct t *t = *s;
	struct t u = { 0 };
	struct err e = { 0 };
	struct blk *b;
	int fd = image(&u, 0);

	assert_null(blk_raw_open(fd, u.path, false, t->pool, &e));
	assert_non_null(strstr(e.msg, "has 0 bytes"));
	assert_int_equal(ftruncate(fd, 1000), 0);
	b = blk_raw_open(fd, u.path, true, t->pool, &e);
	assert_int_equal(b->size, 512);
	assert_true(b->readonly);
	assert_false(b->discard);
	blk_close(b);
	unlink(u.path);
	fd = open("/tmp", O_RDONLY);
	assert_null(blk_raw_open(fd, "/tmp", true, t->pool, &e));
	assert_non_null(strstr(e.msg, "directory"));
	close(fd);
	/* the image of another machine */
	fd = open(t->path, O_RDWR);
	assert_null(blk_raw_open(fd, t->path, false, t->pool, &e));
	assert_non_null(strstr(e.msg, "in use"));
	close(fd);
}

static void test_readonly(void **s)
{
	struct t *t = *s;
	uint8_t a[512];
	struct iovec v = { a, 512 };
	struct blk_req flush = { .op = BLK_FLUSH };

	t->b->readonly = true;
	assert_int_equal(rw(t, BLK_WRITE, 0, &v, 1), EROFS);
	assert_int_equal(rw(t, BLK_READ, 0, &v, 1), 0);
	assert_int_equal(run(t, &flush), 0);
}

/* A back end that waits to be let go, for cancelling and draining. */
struct slow {
	struct blk b;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	int let, begun;
};

static int slow_run(struct blk *b, struct blk_req *r)
{
	struct slow *w = (struct slow *)b;

	pthread_mutex_lock(&w->lock);
	w->begun++;
	pthread_cond_broadcast(&w->cond);
	while (!w->let)
		pthread_cond_wait(&w->cond, &w->lock);
	w->let--;
	pthread_mutex_unlock(&w->lock);
	return 0;
}

static const struct blk_ops slow_ops = { .name = "slow", .run = slow_run };

static void *let_go(void *arg)
{
	struct slow *w = arg;

	usleep(20000);
	pthread_mutex_lock(&w->lock);
	w->let = 100;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void test_settle(void **s)
{
	struct t *t = *s;
	struct slow w = { .b = { .ops = &slow_ops, .size = SIZE,
				 .pool = t->pool } };
	struct blk_req r[10];
	pthread_t th;

	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.cond, NULL);
	t->ndone = 0;
	for (int i = 0; i < 10; i++) {
		r[i] = (struct blk_req){ .op = BLK_FLUSH, .dev = &t->dev,
					 .done = t_done, .arg = t };
		blk_submit(&w.b, &r[i]);
	}
	pthread_mutex_lock(&w.lock);
	while (w.begun < 4)
		pthread_cond_wait(&w.cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_create(&th, NULL, let_go, &w);
	device_lock(&t->dev);           /* as in a reset */
	blk_settle(&w.b, &t->dev);
	assert_int_equal(w.begun, 4);   /* the six others never began */
	assert_int_equal(t->ndone, 0);
	device_unlock(&t->dev);
	blk_drain(&w.b);
	assert_int_equal(t->ndone, 10);
	assert_int_equal(w.begun, 4);
	pthread_join(th, NULL);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rw), TEST(test_zero), TEST(test_errors),
		TEST(test_enospc), TEST(test_open), TEST(test_readonly),
		TEST(test_settle),
	};

	return cmocka_run_group_tests_name("block_raw", tests, NULL, NULL);
}
