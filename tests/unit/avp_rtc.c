/* Tests of devices/avp_rtc.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "avp_rtc.h"
#include "fake.h"

#define START (LOOP_MANUAL_WALL / 1000)

static void test_registers(void **state)
{
	struct fake *f = fake_new();
	struct device *dev = fake_device(f, &avp_rtc_ops, NULL);
	uint64_t val;

	fake_check_regs(dev);
	assert_int_equal(fake_read(dev, 0x40, 8), 0xf001);
	assert_int_equal(fake_read(dev, 0x40, 4), 0xf001);
	assert_int_equal(fake_read(dev, 0x44, 4), 0);
	/* halves */
	fake_write(dev, 0x20, 8, 0x1111111122222222);
	fake_write(dev, 0x24, 4, 0x33333333);
	assert_int_equal(fake_read(dev, 0x20, 8), 0x3333333322222222);
	fake_write(dev, 0x20, 4, 6);
	assert_int_equal(fake_read(dev, 0x20, 8), 0x3333333300000006);
	assert_int_equal(fake_read(dev, 0x24, 4), 0x33333333);
	fake_write(dev, 0x38, 8, 0x00ffffffffffffff);
	assert_int_equal(fake_read(dev, 0x30, 8), 0);
	assert_int_equal(fake_read_win(dev, 0, 0x40, 2, &val), IO_SIZE);
	assert_int_equal(fake_write_win(dev, 0, 0x18, 1, 1), IO_SIZE);
	assert_int_equal(fake_read_win(dev, 0, 0x48, 8, &val), IO_NOREG);
	assert_int_equal(fake_write_win(dev, 0, 0x08, 8, 1), IO_NOREG);
	device_free(dev);
	fake_free(f);
}

static void test_time(void **state)
{
	struct fake *f = fake_new();
	struct device *dev = fake_device(f, &avp_rtc_ops, NULL);
	uint64_t low, high;

	assert_int_equal(fake_read(dev, 0, 8), START);
	fake_advance(f, 999);
	assert_int_equal(fake_read(dev, 0, 8), START);
	fake_advance(f, 1);
	assert_int_equal(fake_read(dev, 0, 8), START + 1);
	fake_write(dev, 0, 8, 5);
	assert_int_equal(fake_read(dev, 0, 8), START + 1);
	/* the high half belongs to the low one read before */
	low = fake_read(dev, 0, 4);
	fake_advance(f, 5000ull * 1000000000);
	high = fake_read(dev, 4, 4);
	assert_int_equal(high << 32 | low, START + 1);
	device_free(dev);
	fake_free(f);
}

static void test_restore(void **state)
{
	struct fake *f = fake_new(), *g = fake_new();
	struct device *dev = fake_device(f, &avp_rtc_ops, NULL);
	struct device *twin = fake_device(g, &avp_rtc_ops, NULL);
	uint64_t low;

	fake_write(dev, 0x18, 8, 0x123456789abcdef1);
	fake_write(dev, 0x20, 8, 0x1100000000000006);
	low = fake_read(dev, 0, 4);
	fake_advance(g, 5000ull * 1000000000);
	fake_restore(g, twin, f, dev);
	assert_int_equal(fake_read(twin, 4, 4) << 32 | low, START);
	assert_int_equal(fake_read(twin, 0x18, 8), 0x123456789abcdef1);
	/* a status that only a snapshot can bring raises the line, until told */
	for (const struct field *s = avp_rtc_ops.saved; s->size; s++)
		if (s->id == 3)
			*(uint64_t *)((uint8_t *)dev + s->off) = 2;
	dev->ops->resume(dev);
	fake_restore(g, twin, f, dev);
	assert_true(g->wire[0].level);
	fake_write(twin, 0x38, 8, 2);
	assert_false(g->wire[0].level);
	device_free(dev);
	device_free(twin);
	fake_free(f);
	fake_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
