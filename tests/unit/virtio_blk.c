/* virtio_blk.c: every request, every refusal, reset with I/O under way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "virtio_blk.h"
#include "virtio_driver.h"

enum { SECTORS = 4096 };

/* An image in memory that can fail, and wait to be let go. */
struct mem {
	struct blk b;
	uint8_t data[SECTORS * 512];
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool hold;
	int fail;
	unsigned ran[5], holding;
	char log[32];                   /* what began, in order */
	unsigned nlog;
	bool unmap;
};

struct t {
	struct drv d;
	struct mem m;
};

static int mem_run(struct blk *b, struct blk_req *r)
{
	struct mem *m = (struct mem *)b;
	uint8_t *p = m->data + r->off;
	int fail;

	pthread_mutex_lock(&m->lock);
	m->ran[r->op]++;
	if (m->nlog < sizeof(m->log))
		m->log[m->nlog++] = "RWF.."[r->op];
	m->holding++;
	pthread_cond_broadcast(&m->cond);
	while (m->hold)
		pthread_cond_wait(&m->cond, &m->lock);
	m->holding--;
	fail = m->fail;
	m->unmap = r->unmap;
	pthread_mutex_unlock(&m->lock);
	if (fail)
		return fail;
	for (int i = 0; i < r->niov && r->op <= BLK_WRITE; i++) {
		if (r->op == BLK_READ)
			memcpy(r->iov[i].iov_base, p, r->iov[i].iov_len);
		else
			memcpy(p, r->iov[i].iov_base, r->iov[i].iov_len);
		p += r->iov[i].iov_len;
	}
	if (r->op == BLK_ZERO || r->op == BLK_DISCARD)
		memset(p, 0, r->len);
	return 0;
}

static void mem_close(struct blk *b)
{
}

static const struct blk_ops mem_ops = {
	.name = "mem", .run = mem_run, .close = mem_close,
};

static void make(struct t *t, enum virtio_blk_kind kind)
{
	struct virtio_blk_conf c = { .blk = &t->m.b, .kind = kind };

	c.virtio.pci = drv_pci(&t->d);
	t->d.dev = fake_device(t->d.f, &virtio_blk_ops, &c);
	drv_map(&t->d);
}

static int setup(void **s)
{
	struct t *t = calloc(1, sizeof(*t));
	struct err e;

	drv_open(&t->d);
	t->m.b = (struct blk){
		.ops = &mem_ops, .pool = blk_pool_new(4, &e),
		.size = sizeof(t->m.data), .block_size = 4096,
		.discard = true, .serial = "pome-disk-0", .path = "mem",
	};
	pthread_mutex_init(&t->m.lock, NULL);
	pthread_cond_init(&t->m.cond, NULL);
	for (unsigned i = 0; i < sizeof(t->m.data); i++)
		t->m.data[i] = i / 512 * 3 + i;
	make(t, VIRTIO_BLK_PLAIN);
	*s = t;
	return 0;
}

static void hold(struct t *t, bool on)
{
	pthread_mutex_lock(&t->m.lock);
	t->m.hold = on;
	pthread_cond_broadcast(&t->m.cond);
	pthread_mutex_unlock(&t->m.lock);
}

static int teardown(void **s)
{
	struct t *t = *s;

	hold(t, false);                 /* where a test failed */
	drv_close(&t->d);
	blk_close(&t->m.b);
	blk_pool_free(t->m.b.pool);
	free(t);
	return 0;
}

static void wait_holding(struct t *t, unsigned n)
{
	pthread_mutex_lock(&t->m.lock);
	while (t->m.holding < n)
		pthread_cond_wait(&t->m.cond, &t->m.lock);
	pthread_mutex_unlock(&t->m.lock);
}

enum { HDR = DRV_DATA, STATUS = DRV_DATA + 0x20, BUF = DRV_DATA + 0x1000 };

static void header(struct t *t, uint64_t at, uint32_t type, uint64_t sector)
{
	uint8_t *p = drv_ptr(&t->d, at);

	memset(p, 0xee, 8);
	memcpy(p, &type, 4);
	memcpy(p + 8, &sector, 8);
}

/* One request of three buffers, by chain 0. Returns the status. */
static int request(struct t *t, uint32_t type, uint64_t sector, uint32_t len,
		   bool in)
{
	struct drv *d = &t->d;
	uint32_t id, used;

	header(t, HDR, type, sector);
	*drv_ptr(d, STATUS) = 0xcc;
	drv_desc(d, 0, 0, HDR, 16, NEXT, 1);
	drv_desc(d, 0, 1, BUF, len, NEXT | (in ? WRITE : 0), 2);
	drv_desc(d, 0, 2, STATUS, 1, WRITE, 0);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_true(drv_wait(d, 0, &id, &used));
	assert_int_equal(id, 0);
	assert_int_equal(used, (in ? len : 0) + 1);
	return *drv_ptr(d, STATUS);
}

#define BIT(n) (1ull << (n))
#define BLK_FEATURES (BIT(9) | BIT(13) | BIT(14))

static void test_config(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	assert_int_equal(drv_cfg_load(d, 0, 4), 0x10421af4);
	assert_int_equal(drv_cfg_load(d, 8, 4), 0x01000001);
	assert_int_equal(drv_features(d), BIT(2) | BIT(6) | BIT(9) | BIT(10) |
			 BIT(13) | BIT(14) | BIT(28) | BIT(29) | BIT(32));
	assert_int_equal(drv_common(d, 0x2000, 8), SECTORS);
	assert_int_equal(drv_common(d, 0x200c, 4), 254);
	assert_int_equal(drv_common(d, 0x2014, 4), 512);
	assert_int_equal(drv_common(d, 0x2018, 4), 0x00080003);
	assert_int_equal(drv_common(d, 0x2038, 1), 1);
	assert_int_equal(drv_common(d, 0x203c, 4), 0xffffffff);
	drv_set(d, 0x2000, 8, 1);
	assert_int_equal(drv_common(d, 0x2000, 8), SECTORS);
}

static void test_ops(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	drv_start(d, BLK_FEATURES, 1, 128);
	assert_int_equal(request(t, 0, 8, 4096, true), 0);
	assert_memory_equal(drv_ptr(d, BUF), t->m.data + 4096, 4096);
	memset(drv_ptr(d, BUF), 0x5a, 1024);
	assert_int_equal(request(t, 1, SECTORS - 2, 1024, false), 0);
	assert_int_equal(t->m.data[sizeof(t->m.data) - 1], 0x5a);
	assert_int_equal(t->m.ran[BLK_FLUSH], 0);
	assert_int_equal(request(t, 4, 0, 0, false), 0);
	assert_int_equal(t->m.ran[BLK_FLUSH], 1);
	memset(drv_ptr(d, BUF), 0xff, 32);
	assert_int_equal(request(t, 8, 0, 20, true), 0);
	assert_memory_equal(drv_ptr(d, BUF), "pome-disk-0\0\0\0\0\0\0\0\0\0",
			    20);
	assert_int_equal(*drv_ptr(d, BUF + 20), 0xff);
	assert_int_equal(request(t, 8, 0, 4, true), 0);
	assert_int_equal(request(t, 0, 0, 0, true), 0);
	assert_int_equal(drv_status(d), 0xf);
}

static void test_refused(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	drv_start(d, BLK_FEATURES, 1, 128);
	assert_int_equal(request(t, 0, SECTORS, 512, true), 1);
	assert_int_equal(request(t, 0, SECTORS - 1, 1024, true), 1);
	assert_int_equal(request(t, 0, UINT64_MAX, 512, true), 1);
	assert_int_equal(request(t, 0, 1ull << 55, 512, true), 1);
	assert_int_equal(request(t, 1, SECTORS, 512, false), 1);
	assert_int_equal(request(t, 0, 0, 511, true), 1);
	assert_int_equal(request(t, 1, 0, 513, false), 1);
	assert_int_equal(request(t, 2, 0, 512, true), 2);
	assert_int_equal(request(t, 0x10000, 0, 512, true), 2);
	assert_int_equal(request(t, 0xffffffff, 0, 512, true), 2);
	assert_int_equal(t->m.ran[BLK_READ] + t->m.ran[BLK_WRITE], 0);
	/* errors of the host */
	t->m.fail = ENOSPC;
	assert_int_equal(request(t, 1, 0, 512, false), 1);
	t->m.fail = EIO;
	assert_int_equal(request(t, 0, 0, 512, true), 1);
	assert_int_equal(request(t, 4, 0, 0, false), 1);
	t->m.fail = 0;
	assert_int_equal(request(t, 1, 0, 512, false), 0);
	assert_int_equal(drv_status(d), 0xf);
}

static int segment(struct t *t, uint32_t type, uint64_t sector, uint32_t n,
		   uint32_t flags, uint32_t len)
{
	uint8_t *p = drv_ptr(&t->d, BUF);

	memcpy(p, &sector, 8);
	memcpy(p + 8, &n, 4);
	memcpy(p + 12, &flags, 4);
	return request(t, type, 0, len, false);
}

static void test_discard(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	drv_start(d, BLK_FEATURES, 1, 128);
	assert_int_equal(segment(t, 11, 8, 8, 0, 16), 0);
	assert_int_equal(t->m.ran[BLK_DISCARD], 1);
	assert_int_equal(segment(t, 11, 8, 8, 1, 16), 2);       /* unmap */
	assert_int_equal(segment(t, 13, 8, 8, 1, 16), 0);
	assert_true(t->m.unmap);
	assert_int_equal(segment(t, 13, 8, 8, 0, 16), 0);
	assert_false(t->m.unmap);
	assert_int_equal(segment(t, 13, 8, 8, 2, 16), 2);
	assert_int_equal(t->m.ran[BLK_ZERO], 2);
	assert_int_equal(segment(t, 13, 8, 0, 0, 16), 0);
	assert_int_equal(segment(t, 11, SECTORS, 1, 0, 16), 1);
	assert_int_equal(segment(t, 11, UINT64_MAX, 2, 0, 16), 1);
	assert_int_equal(segment(t, 13, 0, 0xffffffff, 0, 16), 1);
	assert_int_equal(segment(t, 11, 0, 1, 0, 15), 1);
	assert_int_equal(segment(t, 11, 0, 1, 0, 32), 1);
	assert_int_equal(segment(t, 11, 0, 1, 0, 0), 1);
	/* not negotiated */
	drv_start(d, 0, 1, 128);
	assert_int_equal(segment(t, 11, 8, 8, 0, 16), 2);
	assert_int_equal(segment(t, 13, 8, 8, 0, 16), 2);
}

/* A driver without FLUSH: done means on the disk. */
static void test_write_through(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	drv_start(d, 0, 1, 128);
	assert_int_equal(request(t, 1, 0, 512, false), 0);
	assert_int_equal(t->m.ran[BLK_FLUSH], 1);
	assert_int_equal(request(t, 0, 0, 512, true), 0);
	assert_int_equal(t->m.ran[BLK_FLUSH], 1);
	assert_int_equal(request(t, 4, 0, 0, false), 0);
	assert_int_equal(t->m.ran[BLK_FLUSH], 2);
}

static void test_readonly(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	device_free(d->dev);
	t->m.b.readonly = true;
	make(t, VIRTIO_BLK_PLAIN);
	assert_int_equal(drv_features(d) & (BIT(5) | BIT(13) | BIT(14)),
			 BIT(5));
	drv_start(d, BIT(9), 1, 128);
	assert_int_equal(request(t, 1, 0, 512, false), 1);
	assert_int_equal(request(t, 1, 0, 0, false), 1);
	assert_int_equal(request(t, 0, 0, 512, true), 0);
	assert_int_equal(request(t, 4, 0, 0, false), 0);
	assert_int_equal(t->m.ran[BLK_WRITE] + t->m.ran[BLK_FLUSH], 0);
}

static void test_apple(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	device_free(d->dev);
	make(t, VIRTIO_BLK_AUX);
	assert_int_equal(drv_cfg_load(d, 0, 4), 0x1a00106b);
	assert_int_equal(drv_cfg_load(d, 0x2c, 4), 0x11001af4);
	assert_int_equal(drv_common(d, 0x203c, 4), 2);
	assert_int_equal(drv_common(d, 0x205c, 4), 0);
	assert_int_equal(drv_common(d, 0x2060, 4), 0xffffffff);
	drv_start(d, BIT(9), 1, 128);
	memset(drv_ptr(d, BUF), 0x77, 512);
	assert_int_equal(request(t, 0x10000, UINT64_MAX, 512, true), 0);
	assert_int_equal(*drv_ptr(d, BUF), 0x77);
	assert_int_equal(t->m.ran[BLK_FLUSH], 1);
	assert_int_equal(request(t, 0x10001, 0, 512, true), 2);
}

/* Chain 3 * i: a request of one sector, to be offered later. */
static void prepare(struct t *t, unsigned i, uint32_t type)
{
	struct drv *d = &t->d;

	header(t, HDR + 0x40 * i, type, i);
	*drv_ptr(d, STATUS + 0x40 * i) = 0xcc;
	drv_desc(d, 0, 3 * i, HDR + 0x40 * i, 16, NEXT, 3 * i + 1);
	drv_desc(d, 0, 3 * i + 1, BUF + 512 * i, 512, NEXT | (type ? 0 : WRITE),
		 3 * i + 2);
	drv_desc(d, 0, 3 * i + 2, STATUS + 0x40 * i, 1, WRITE, 0);
	drv_offer(d, 0, 3 * i);
}

/* Whatever the pool's threads do: what came before a barrier is over before the
 * flush, what came behind begins after it. */
static void test_barrier(void **s)
{
	static const uint32_t type[] = { 1, 0, 1, 0x10000, 1, 0x10000, 0x10000,
					 0 };
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, used;
	unsigned at = 0;

	device_free(d->dev);
	make(t, VIRTIO_BLK_ROOT);
	drv_start(d, BIT(9), 1, 128);
	hold(t, true);
	for (unsigned i = 0; i < 8; i++)
		prepare(t, i, type[i]);
	drv_notify(d, 0);
	wait_holding(t, 3);
	usleep(20000);
	assert_int_equal(t->m.nlog, 3);         /* four threads are there */
	assert_int_equal(t->m.ran[BLK_FLUSH], 0);
	hold(t, false);
	for (unsigned i = 0; i < 8; i++) {
		assert_true(drv_wait(d, 0, &id, &used));
		if (i >= 3)                     /* those before: any order */
			assert_int_equal(id, 3 * i);
		at |= 1u << id / 3;
		assert_int_equal(*drv_ptr(d, STATUS + 0x40 * (id / 3)), 0);
	}
	assert_int_equal(at, 0xff);
	assert_memory_equal(t->m.log + 3, "FWFFR", 5);
}

/* A reset finds a barrier that waits, or one that is being flushed; no slot is
 * lost by it. */
static void test_barrier_reset(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	device_free(d->dev);
	make(t, VIRTIO_BLK_AUX);
	for (unsigned i = 0; i < 150; i++) {
		drv_start(d, BIT(9), 1, 128);
		hold(t, true);
		if (i & 1)
			prepare(t, 0, 1);
		prepare(t, 1, 0x10000);
		prepare(t, 2, 1);
		drv_notify(d, 0);
		wait_holding(t, 1);
		if (i % 3 == 2) {
			hold(t, false);
			device_lock(d->dev);
			d->dev->ops->reset(d->dev);
			device_unlock(d->dev);
			drv_map(d);
		} else {
			drv_set(d, 0x14, 1, 0);
			hold(t, false);
		}
		blk_drain(&t->m.b);
		for (int k = 0; k < 2000 && drv_status(d); k++)
			usleep(1000);
		assert_int_equal(drv_status(d), 0);
	}
	drv_start(d, BIT(9), 1, 128);
	assert_int_equal(request(t, 0x10000, 0, 512, true), 0);
	assert_int_equal(request(t, 0, 0, 512, true), 0);
}

/* Header, data and status cut anywhere, and by an indirect table. */
static void test_framing(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint64_t table = DRV_DATA + 0x8000;
	uint32_t id, used;

	drv_start(d, BIT(28), 1, 128);
	header(t, HDR, 0, 2);
	drv_desc(d, 0, 0, HDR, 5, NEXT, 1);
	drv_desc(d, 0, 1, HDR + 5, 11, NEXT, 2);
	drv_desc(d, 0, 2, BUF, 100, NEXT | WRITE, 3);
	drv_desc(d, 0, 3, BUF + 100, 413, WRITE, 0);    /* data and status */
	*drv_ptr(d, BUF + 512) = 0xcc;
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_true(drv_wait(d, 0, &id, &used));
	assert_int_equal(used, 513);
	assert_int_equal(*drv_ptr(d, BUF + 512), 0);
	assert_memory_equal(drv_ptr(d, BUF), t->m.data + 1024, 512);
	/* a write whose header and data share a buffer */
	header(t, BUF, 1, 0);
	memset(drv_ptr(d, BUF + 16), 0x31, 512);
	drv_desc_at(d, table, 0, BUF, 528, NEXT, 1);
	drv_desc_at(d, table, 1, STATUS, 1, WRITE, 0);
	drv_desc(d, 0, 7, table, 32, INDIRECT, 0);
	drv_offer(d, 0, 7);
	drv_notify(d, 0);
	assert_true(drv_wait(d, 0, &id, &used));
	assert_int_equal(id, 7);
	assert_int_equal(t->m.data[511], 0x31);
	assert_int_equal(t->m.data[0], 0x31);
	assert_int_equal(*drv_ptr(d, STATUS), 0);
}

static void test_hostile(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	static const struct { uint32_t out, in; } bad[] = {
		{ 15, 1 }, { 16, 0 }, { 0, 1 }, { 0, 512 }, { 16 + 512, 0 },
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		drv_start(d, 0, 1, 16);
		header(t, HDR, 0, 0);
		drv_desc(d, 0, 0, HDR, bad[i].out, NEXT, 1);
		drv_desc(d, 0, 1, BUF, bad[i].in, WRITE, 0);
		drv_offer(d, 0, 0);
		drv_notify(d, 0);
		assert_int_equal(drv_status(d), 0x4f);
		assert_int_equal(drv_used_idx(d, 0), 0);
	}
	drv_start(d, 0, 1, 16);
	drv_desc(d, 0, 0, HDR, 16, NEXT, 0);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_int_equal(drv_status(d), 0x4f);
	drv_start(d, 0, 1, 16);
	drv_desc(d, 0, 0, 0x10000000, 16, NEXT, 1);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_int_equal(drv_status(d), 0x4f);
	/* and after a reset all is well */
	drv_start(d, 0, 1, 16);
	assert_int_equal(request(t, 0, 0, 512, true), 0);
}

/* More requests than slots, all done in the end, each once. */
static void test_many(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint8_t seen[256] = { 0 };
	uint32_t id, used;

	drv_start(d, BIT(29) | BIT(28) | BIT(9), 1, 256);
	hold(t, true);
	for (unsigned i = 0; i < 85; i++) {
		header(t, DRV_DATA + 16 * i, 0, i);
		drv_desc(d, 0, 3 * i, DRV_DATA + 16 * i, 16, NEXT, 3 * i + 1);
		drv_desc(d, 0, 3 * i + 1, BUF + 512 * i, 512, NEXT | WRITE,
			 3 * i + 2);
		drv_desc(d, 0, 3 * i + 2, DRV_DATA + 0x800 + i, 1, WRITE, 0);
		*drv_ptr(d, DRV_DATA + 0x800 + i) = 0xcc;
		drv_offer(d, 0, 3 * i);
	}
	drv_notify(d, 0);
	wait_holding(t, 4);
	assert_int_equal(drv_used_idx(d, 0), 0);
	hold(t, false);
	for (unsigned i = 0; i < 85; i++) {
		assert_true(drv_wait(d, 0, &id, &used));
		assert_int_equal(id % 3, 0);
		assert_int_equal(seen[id]++, 0);
		assert_int_equal(*drv_ptr(d, DRV_DATA + 0x800 + id / 3), 0);
		assert_memory_equal(drv_ptr(d, BUF + 512 * (id / 3)),
				    t->m.data + 512 * (id / 3), 512);
	}
	assert_int_equal(drv_used_idx(d, 0), 85);
}

/* The driver's reset lasts until nothing writes to its memory any more. */
static void test_reset_in_flight(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	drv_start(d, 0, 1, 128);
	hold(t, true);
	for (unsigned i = 0; i < 8; i++) {
		header(t, HDR, 0, 0);
		drv_desc(d, 0, 3 * i, HDR, 16, NEXT, 3 * i + 1);
		drv_desc(d, 0, 3 * i + 1, BUF + 512 * i, 512, NEXT | WRITE,
			 3 * i + 2);
		drv_desc(d, 0, 3 * i + 2, STATUS, 1, WRITE, 0);
		drv_offer(d, 0, 3 * i);
	}
	*drv_ptr(d, STATUS) = 0xcc;
	drv_notify(d, 0);
	wait_holding(t, 4);
	drv_set(d, 0x14, 1, 0);
	assert_int_not_equal(drv_status(d), 0);
	drv_set(d, 0x14, 1, 0xf);       /* an impatient driver */
	assert_int_not_equal(drv_status(d), 0);
	assert_int_equal(drv_common(d, 0x1c, 2), 0);
	hold(t, false);
	for (int i = 0; i < 2000 && drv_status(d); i++)
		usleep(1000);
	assert_int_equal(drv_status(d), 0);
	assert_int_equal(drv_used_idx(d, 0), 0);
	assert_int_equal(*drv_ptr(d, STATUS), 0xcc);
	assert_int_equal(t->m.ran[BLK_READ], 4);        /* four cancelled */
	drv_start(d, 0, 1, 128);
	assert_int_equal(request(t, 0, 0, 512, true), 0);
}

static void *let_go(void *arg)
{
	usleep(20000);
	hold(arg, false);
	return NULL;
}

/* A machine reset waits for the data, not for done(). */
static void test_machine_reset(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	pthread_t th;

	drv_start(d, 0, 1, 128);
	hold(t, true);
	header(t, HDR, 0, 0);
	*drv_ptr(d, STATUS) = 0xcc;
	drv_desc(d, 0, 0, HDR, 16, NEXT, 1);
	drv_desc(d, 0, 1, BUF, 512, NEXT | WRITE, 2);
	drv_desc(d, 0, 2, STATUS, 1, WRITE, 0);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	wait_holding(t, 1);
	pthread_create(&th, NULL, let_go, t);
	device_lock(d->dev);
	d->dev->ops->reset(d->dev);
	assert_int_equal(t->m.holding, 0);
	memset(drv_ptr(d, BUF), 0x99, 512);
	device_unlock(d->dev);
	blk_drain(&t->m.b);
	assert_int_equal(*drv_ptr(d, STATUS), 0xcc);
	assert_int_equal(*drv_ptr(d, BUF), 0x99);
	pthread_join(th, NULL);
	drv_map(d);
	assert_int_equal(drv_status(d), 0);
	drv_start(d, 0, 1, 128);
	assert_int_equal(request(t, 0, 0, 512, true), 0);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config), TEST(test_ops), TEST(test_refused),
		TEST(test_discard), TEST(test_write_through),
		TEST(test_readonly), TEST(test_apple), TEST(test_barrier),
		TEST(test_barrier_reset), TEST(test_framing),
		TEST(test_hostile), TEST(test_many),
		TEST(test_reset_in_flight), TEST(test_machine_reset),
	};

	return cmocka_run_group_tests_name("virtio_blk", tests, NULL, NULL);
}
