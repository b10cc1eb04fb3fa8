/* Tests of devices/pl031.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "pl031.h"

enum { DR = 0, MR = 4, LR = 8, CR = 0xc, IMSC = 0x10, RIS = 0x14, MIS = 0x18,
       ICR = 0x1c };

#define START (LOOP_MANUAL_WALL / 1000000000u)
#define SEC 1000000000ull

static void test_clock(void **state)
{
	struct fake *f = fake_new();
	struct device *dev = fake_device(f, &pl031_ops, NULL);
	uint64_t val;

	assert_int_equal(fake_read(dev, DR, 4), START);
	fake_advance(f, SEC - 1);
	assert_int_equal(fake_read(dev, DR, 4), START);
	fake_advance(f, 1);
	assert_int_equal(fake_read(dev, DR, 4), START + 1);
	fake_write(dev, DR, 4, 5);                      /* read-only */
	fake_write(dev, CR, 4, 0);
	assert_int_equal(fake_read(dev, DR, 4), START + 1);
	fake_write(dev, LR, 4, 1000);
	assert_int_equal(fake_read(dev, DR, 4), 1000);
	assert_int_equal(fake_read(dev, LR, 4), 1000);
	fake_advance(f, 5 * SEC);
	assert_int_equal(fake_read(dev, DR, 4), 1005);
	/* a paused VM's clock runs on; a reset does not set it */
	loop_pause(f->loop);
	fake_advance(f, 5 * SEC);
	loop_resume(f->loop);
	dev->ops->reset(dev);
	assert_int_equal(fake_read(dev, DR, 4), 1010);
	assert_int_equal(fake_read(dev, LR, 4), 0);
	/* wraps at 32 bits */
	fake_write(dev, LR, 4, 0xffffffff);
	fake_advance(f, 2 * SEC);
	assert_int_equal(fake_read(dev, DR, 4), 1);
	assert_int_equal(fake_read_win(dev, 0, 0x20, 4, &val), IO_NOREG);
	assert_int_equal(fake_write_win(dev, 0, LR, 1, 1), IO_SIZE);
	fake_check_regs(dev);
	device_free(dev);
	fake_free(f);
}

static void test_alarm(void **state)
{
	struct fake *f = fake_new();
	struct device *dev = fake_device(f, &pl031_ops, NULL);

	fake_advance(f, SEC / 2);
	fake_write(dev, IMSC, 4, 1);
	assert_false(f->wire[0].level);
	fake_write(dev, MR, 4, START + 10);
	fake_advance(f, 9 * SEC + SEC / 2 - 1);
	assert_false(f->wire[0].level);
	fake_advance(f, 1);
	assert_true(f->wire[0].level);
	assert_int_equal(fake_read(dev, RIS, 4), 1);
	assert_int_equal(fake_read(dev, MIS, 4), 1);
	fake_write(dev, ICR, 4, 1);
	assert_false(f->wire[0].level);
	fake_advance(f, 1000 * SEC);
	assert_false(f->wire[0].level);                 /* once */
	/* masked: the status comes all the same */
	fake_write(dev, IMSC, 4, 0);
	fake_write(dev, MR, 4, (uint32_t)fake_read(dev, DR, 4) + 100);
	fake_advance(f, 101 * SEC);
	assert_int_equal(fake_read(dev, RIS, 4), 1);
	assert_int_equal(fake_read(dev, MIS, 4), 0);
	fake_write(dev, IMSC, 4, 1);
	assert_true(f->wire[0].level);
	fake_write(dev, ICR, 4, 1);
	/* equal now; far away; the clock set to the alarm's time */
	fake_write(dev, MR, 4, (uint32_t)fake_read(dev, DR, 4));
	assert_true(f->wire[0].level);
	fake_write(dev, ICR, 4, 1);
	fake_write(dev, MR, 4, (uint32_t)fake_read(dev, DR, 4) - 1);
	fake_advance(f, 100 * SEC);
	assert_false(f->wire[0].level);
	fake_write(dev, MR, 4, 2000);
	assert_false(f->wire[0].level);
	fake_write(dev, LR, 4, 1000);
	fake_advance(f, 999 * SEC);
	assert_false(f->wire[0].level);
	fake_advance(f, SEC);
	assert_true(f->wire[0].level);
	dev->ops->reset(dev);
	assert_false(f->wire[0].level);
	device_free(dev);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_alarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
