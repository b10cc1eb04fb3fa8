/* virtio_rng.c: requests are filled with something random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "virtio_driver.h"
#include "virtio_rng.h"

static int setup(void **s)
{
	struct drv *d = calloc(1, sizeof(*d));
	struct virtio_rng_conf c = { { .pci = { 0 } } };

	drv_open(d);
	c.virtio.pci = drv_pci(d);
	d->dev = fake_device(d->f, &virtio_rng_ops, &c);
	drv_map(d);
	*s = d;
	return 0;
}

static int teardown(void **s)
{
	drv_close(*s);
	free(*s);
	return 0;
}

static void test_fill(void **s)
{
	struct drv *d = *s;
	uint32_t id, len;
	uint8_t sum = 0;

	drv_start(d, 1ull << VIRTIO_F_EVENT_IDX, 1, 8);
	drv_desc(d, 0, 0, DRV_DATA, 30, NEXT | WRITE, 1);
	drv_desc(d, 0, 1, DRV_DATA + 0x100, 34, WRITE, 0);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 64);
	for (unsigned i = 0; i < 30; i++)
		sum |= *drv_ptr(d, DRV_DATA + i);
	assert_int_not_equal(sum, 0);
	assert_int_equal(*drv_ptr(d, DRV_DATA + 30), 0);
	assert_int_not_equal(memcmp(drv_ptr(d, DRV_DATA),
				    drv_ptr(d, DRV_DATA + 0x100), 30), 0);
	assert_int_equal(*drv_ptr(d, DRV_DATA + 0x100 + 34), 0);
}

static void test_sizes(void **s)
{
	struct drv *d = *s;
	uint32_t id, len;

	drv_start(d, 0, 1, 8);
	/* more than it gives at once; nothing; nothing writable */
	drv_desc(d, 0, 0, DRV_DATA, 0x4000, WRITE, 0);
	drv_desc(d, 0, 1, DRV_DATA, 0, WRITE, 0);
	drv_desc(d, 0, 2, DRV_DATA, 16, 0, 0);
	for (unsigned i = 0; i < 3; i++)
		drv_offer(d, 0, i);
	drv_notify(d, 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_in_range(len, 1, 0x4000);
	assert_int_equal(*drv_ptr(d, DRV_DATA + len), 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 0);
	assert_int_equal(drv_status(d), 0xf);
}

/* A ring that is refilled for ever gets its turn, not the whole thread. */
static void test_laps(void **s)
{
	struct drv *d = *s;
	uint32_t id, len;

	drv_start(d, 0, 1, 8);
	drv_desc(d, 0, 3, DRV_DATA, 8, WRITE, 0);
	for (unsigned lap = 0; lap < 100; lap++) {
		for (unsigned i = 0; i < 8; i++)
			drv_offer(d, 0, 3);
		drv_notify(d, 0);
		for (unsigned i = 0; i < 8; i++)
			assert_true(drv_used(d, 0, &id, &len));
	}
	assert_int_equal(drv_used_idx(d, 0), 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_laps, setup, teardown),
	};

	return cmocka_run_group_tests_name("virtio_rng", tests, NULL, NULL);
}
