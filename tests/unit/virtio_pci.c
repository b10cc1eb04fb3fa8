/* virtio_pci.c: capabilities, registers, negotiation, interrupts, reset. The
 * device behind is the entropy source, the simplest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/eventfd.h>

#include "virtio_driver.h"
#include "virtio_rng.h"

#define V1 (1ull << VIRTIO_F_VERSION_1)
#define ALL (V1 | 1ull << VIRTIO_F_INDIRECT_DESC | 1ull << VIRTIO_F_EVENT_IDX)

static struct {
	unsigned calls, on;
	uint64_t gpa;
	int fd;
} event;

static int t_ioeventfd(void *arg, uint64_t gpa, unsigned size, int fd,
		       bool add)
{
	event.calls++;
	event.on += add ? 1 : -1;
	event.gpa = gpa;
	event.fd = fd;
	return 0;
}

static void make(struct drv *d, bool ioeventfd)
{
	struct virtio_rng_conf c = { { .pci = drv_pci(d) } };

	if (ioeventfd)
		c.virtio.ioeventfd = t_ioeventfd;
	d->dev = fake_device(d->f, &virtio_rng_ops, &c);
	drv_map(d);
}

static int setup(void **s)
{
	struct drv *d = calloc(1, sizeof(*d));

	drv_open(d);
	make(d, false);
	*s = d;
	return 0;
}

static int teardown(void **s)
{
	drv_close(*s);
	free(*s);
	return 0;
}

static void test_caps(void **s)
{
	struct drv *d = *s;
	static const struct { uint32_t off, len; uint8_t bar, size; }
	want[6] = {
		[1] = { 0x0000, 0x1000, 4, 16 }, [2] = { 0x3000, 0x1000, 4, 20 },
		[3] = { 0x1000, 0x1000, 4, 16 }, [4] = { 0x2000, 0x1000, 4, 16 },
		[5] = { 0, 0, 0, 20 },
	};
	unsigned seen = 0, at = drv_cfg_load(d, 0x34, 1), n = 0;

	assert_int_equal(drv_cfg_load(d, 0, 4), 0x10441af4);
	assert_int_equal(drv_cfg_load(d, 0x2c, 4), 0x11001af4);
	assert_int_equal(drv_cfg_load(d, 8, 1), 1);
	assert_int_equal(drv_cfg_load(d, 0x20, 4) & 0xf, 0xc);
	for (; at && n < 20; n++, at = drv_cfg_load(d, at + 1, 1)) {
		unsigned type = drv_cfg_load(d, at + 3, 1);

		if (drv_cfg_load(d, at, 1) != 9)
			continue;
		assert_in_range(type, 1, 5);
		seen |= 1u << type;
		assert_int_equal(drv_cfg_load(d, at + 2, 1), want[type].size);
		assert_int_equal(drv_cfg_load(d, at + 4, 1), want[type].bar);
		assert_int_equal(drv_cfg_load(d, at + 8, 4), want[type].off);
		assert_int_equal(drv_cfg_load(d, at + 12, 4), want[type].len);
		if (type == 2)
			assert_int_equal(drv_cfg_load(d, at + 16, 4), 4);
	}
	assert_int_equal(seen, 0x3e);
	assert_int_equal(n, 6);
}

static unsigned find_cap(struct drv *d, unsigned id, unsigned type)
{
	unsigned at = drv_cfg_load(d, 0x34, 1);

	while (at && (drv_cfg_load(d, at, 1) != id ||
		      (type && drv_cfg_load(d, at + 3, 1) != type)))
		at = drv_cfg_load(d, at + 1, 1);
	return at;
}

static void test_window(void **s)
{
	struct drv *d = *s;
	unsigned c = find_cap(d, 9, 5);

	drv_cfg_store(d, c + 4, 1, 4);
	drv_cfg_store(d, c + 8, 4, 0x12);       /* num_queues */
	drv_cfg_store(d, c + 12, 4, 2);
	assert_int_equal(drv_cfg_load(d, c + 16, 2), 1);
	drv_cfg_store(d, c + 8, 4, 0x14);
	drv_cfg_store(d, c + 12, 4, 1);
	drv_cfg_store(d, c + 16, 1, 3);
	assert_int_equal(drv_status(d), 3);
	/* nonsense: no BAR, past its end, odd lengths */
	for (unsigned i = 0; i < 256; i++) {
		drv_cfg_store(d, c + 4, 1, i);
		drv_cfg_store(d, c + 8, 4, i * 0x1001);
		drv_cfg_store(d, c + 12, 4, i % 9);
		drv_cfg_store(d, c + 16, 4, 0);
		drv_cfg_load(d, c + 16, 4);
	}
	drv_cfg_store(d, c + 4, 1, 4);
	drv_cfg_store(d, c + 8, 4, 0xfffffffc);
	drv_cfg_store(d, c + 12, 4, 4);
	drv_cfg_store(d, c + 16, 4, 1);
	drv_cfg_load(d, c + 16, 4);
}

static void test_registers(void **s)
{
	struct drv *d = *s;

	assert_int_equal(drv_features(d), ALL);
	drv_set(d, 0, 4, 2);
	assert_int_equal(drv_common(d, 4, 4), 0);
	assert_int_equal(drv_common(d, 0x10, 8), 0x000000000001ffff);
	assert_int_equal(drv_common(d, 0x18, 2), 64);
	assert_int_equal(drv_common(d, 0x1a, 2), 0xffff);
	drv_set(d, 0x16, 2, 1);                 /* no such queue */
	assert_int_equal(drv_common(d, 0x18, 2), 0);
	drv_set(d, 0x18, 2, 16);
	drv_set(d, 0x20, 8, 0x1000);
	drv_set(d, 0x1c, 2, 1);
	assert_int_equal(drv_common(d, 0x20, 8), 0);
	drv_set(d, 0x16, 2, 0);
	drv_set(d, 0x18, 2, 24);                /* no power of two */
	assert_int_equal(drv_common(d, 0x18, 2), 64);
	drv_set(d, 0x18, 2, 128);               /* too large */
	assert_int_equal(drv_common(d, 0x18, 2), 64);
	drv_set(d, 0x18, 2, 16);
	assert_int_equal(drv_common(d, 0x18, 2), 16);
	drv_set(d, 0x24, 4, 0x11223344);
	drv_set(d, 0x20, 4, 0x55667788);
	assert_int_equal(drv_common(d, 0x20, 8), 0x1122334455667788);
	assert_int_equal(drv_common(d, 0x26, 2), 0x1122);
	drv_set(d, 0x10, 2, 1);
	assert_int_equal(drv_common(d, 0x10, 2), 1);
	drv_set(d, 0x10, 2, 2);                 /* no such vector */
	assert_int_equal(drv_common(d, 0x10, 2), 0xffff);
	assert_int_equal(drv_common(d, 0x38, 8), 0);
	assert_int_equal(drv_common(d, 0xff8, 8), 0);
	assert_int_equal(drv_common(d, 0x2000, 4), 0xffffffff);
}

static void test_features(void **s)
{
	struct drv *d = *s;

	for (unsigned bit = 0; bit < 64; bit++) {
		drv_set(d, 0x14, 1, 0);
		assert_int_equal(drv_status(d), 0);
		drv_set(d, 0x14, 1, 3);
		drv_set_features(d, V1 | 1ull << bit);
		drv_set(d, 0x14, 1, 0xb);
		assert_int_equal(drv_status(d), ALL >> bit & 1 ? 0xb : 3);
	}
	drv_set(d, 0x14, 1, 0);
	drv_set(d, 0x14, 1, 3);
	drv_set_features(d, 0);                 /* legacy: no */
	drv_set(d, 0x14, 1, 0xb);
	assert_int_equal(drv_status(d), 3);
	drv_set_features(d, V1);
	drv_set(d, 0x14, 1, 0xb);
	assert_int_equal(drv_status(d), 0xb);
	drv_set_features(d, ~0ull);             /* too late */
	assert_int_equal(drv_common(d, 0xc, 4), 1);
}

static void offer_one(struct drv *d)
{
	drv_desc(d, 0, 0, DRV_DATA, 32, WRITE, 0);
	drv_offer(d, 0, 0);
}

static void test_run(void **s)
{
	struct drv *d = *s;
	struct fake_wire *w = &d->f->wire[64 + DRV_SLOT];
	uint32_t id, len;

	drv_start(d, 0, 1, 16);
	assert_int_equal(drv_status(d), 0xf);
	assert_int_equal(drv_common(d, 0x1c, 2), 1);
	/* what describes a live queue is fixed */
	drv_set(d, 0x20, 8, 0);
	drv_set(d, 0x18, 2, 8);
	assert_int_equal(drv_common(d, 0x20, 8), DRV_RINGS);
	assert_int_equal(drv_common(d, 0x18, 2), 16);
	offer_one(d);
	drv_notify(d, 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 32);
	assert_true(w->level);
	assert_int_equal(drv_common(d, 0x1000, 1), 1);
	assert_false(w->level);
	assert_int_equal(drv_common(d, 0x1000, 1), 0);
	/* no such queue; no such doorbell */
	drv_store(d, DRV_BAR4 + 0x3004, 4, 0);
	drv_store(d, DRV_BAR4 + 0x3ff8, 8, 0);
	/* without bus mastering nothing moves, then it catches up */
	drv_cfg_store(d, 4, 2, 2);
	offer_one(d);
	drv_notify(d, 0);
	assert_false(drv_used(d, 0, &id, &len));
	drv_cfg_store(d, 4, 2, 6);
	assert_true(drv_used(d, 0, &id, &len));
	/* after a reset the old rings are dead */
	drv_set(d, 0x14, 1, 0);
	assert_false(w->level);
	offer_one(d);
	drv_notify(d, 0);
	assert_false(drv_used(d, 0, &id, &len));
}

static void test_early(void **s)
{
	struct drv *d = *s;
	uint32_t id, len;

	/* a queue before FEATURES_OK is refused */
	drv_set(d, 0x14, 1, 3);
	drv_queue_set(d, 0, 16);
	assert_int_equal(drv_common(d, 0x1c, 2), 0);
	drv_set_features(d, V1);
	drv_set(d, 0x14, 1, 0xb);
	drv_queue_set(d, 0, 16);
	offer_one(d);
	drv_notify(d, 0);
	assert_false(drv_used(d, 0, &id, &len));
	drv_set(d, 0x14, 1, 0xf);       /* found without a notification */
	assert_true(drv_used(d, 0, &id, &len));
}

static void test_msix(void **s)
{
	struct drv *d = *s;
	unsigned c = find_cap(d, 0x11, 0);
	uint32_t id, len;

	for (unsigned v = 0; v < 2; v++) {
		drv_store(d, DRV_BAR1 + 16 * v, 8, 0x1fff0040);
		drv_store(d, DRV_BAR1 + 16 * v + 8, 8, 160 + v);
	}
	drv_cfg_store(d, c + 2, 2, 0x8000);
	drv_start(d, 0, 1, 16);
	drv_set(d, 0x16, 2, 0);
	drv_set(d, 0x1a, 2, 1);
	drv_set(d, 0x10, 2, 0);
	offer_one(d);
	drv_notify(d, 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(d->f->nmsi, 1);
	assert_int_equal(d->f->msi[0].addr, 0x1fff0040);
	assert_int_equal(d->f->msi[0].data, 161);
	assert_int_equal(drv_common(d, 0x1000, 1), 0);
	assert_int_equal(d->f->wire[64 + DRV_SLOT].rises, 0);
	/* malformed: NEEDS_RESET and a configuration interrupt */
	drv_desc(d, 0, 0, 0, 32, WRITE, 0);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_int_equal(drv_status(d), 0x4f);
	assert_int_equal(d->f->nmsi, 2);
	assert_int_equal(d->f->msi[1].data, 160);
	drv_set(d, 0x14, 1, 0xf);       /* cannot be cleared but by reset */
	assert_int_equal(drv_status(d), 0x4f);
	drv_start(d, 0, 1, 16);
	assert_int_equal(drv_status(d), 0xf);
}

static void test_bad_ring(void **s)
{
	struct drv *d = *s;

	drv_set(d, 0x14, 1, 3);
	drv_set_features(d, V1);
	drv_set(d, 0x14, 1, 0xb);
	drv_set(d, 0x20, 8, 0x1000);    /* no RAM there */
	drv_set(d, 0x1c, 2, 1);
	assert_int_equal(drv_status(d), 0x4b);
	drv_set(d, 0x14, 1, 0xf);
	drv_notify(d, 0);
	assert_int_equal(drv_status(d), 0x4f);
}

static void test_ioeventfd(void **s)
{
	struct drv *d = *s;
	uint64_t one = 1;
	uint32_t id, len;

	device_free(d->dev);
	memset(&event, 0, sizeof(event));
	make(d, true);
	assert_int_equal(event.on, 1);
	assert_int_equal(event.gpa, DRV_BAR4 + 0x3000);
	drv_start(d, 0, 1, 16);
	offer_one(d);
	assert_int_equal(write(event.fd, &one, 8), 8);
	fake_poll(d->f);
	assert_true(drv_used(d, 0, &id, &len));
	drv_cfg_store(d, 0x20, 4, DRV_BAR4 + 0x10000);
	assert_int_equal(event.calls, 3);
	assert_int_equal(event.on, 1);
	assert_int_equal(event.gpa, DRV_BAR4 + 0x13000);
	drv_cfg_store(d, 4, 2, 0);
	assert_int_equal(event.on, 0);
	drv_cfg_store(d, 4, 2, 6);
	device_free(d->dev);
	d->dev = NULL;
	assert_int_equal(event.on, 0);
}

/* Every access to every offset is survived, whatever the state. */
static void test_sweep(void **s)
{
	struct drv *d = *s;
	uint64_t v;

	drv_start(d, 0, 1, 16);
	for (uint64_t off = 0; off < 0x4000; off++) {
		for (unsigned size = 1; size <= 8; size *= 2) {
			if (off % size)
				continue;
			fake_read_win(d->dev, 4, off, size, &v);
			fake_write_win(d->dev, 4, off, size, off * 0x9e3779b9);
			fake_read_win(d->dev, 1, off, size, &v);
			fake_write_win(d->dev, 1, off, size, off * 0x9e3779b9);
		}
	}
	for (unsigned reg = 0; reg < 0x1000; reg++)
		drv_cfg_store(d, reg, 1, reg * 37);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_caps), TEST(test_window), TEST(test_registers),
		TEST(test_features), TEST(test_run), TEST(test_early),
		TEST(test_msix), TEST(test_bad_ring), TEST(test_ioeventfd),
		TEST(test_sweep),
	};

	return cmocka_run_group_tests_name("virtio_pci", tests, NULL, NULL);
}
