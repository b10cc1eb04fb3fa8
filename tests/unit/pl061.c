/* Tests of devices/pl061.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "pl061.h"

enum { DATA = 0x3fc, DIR = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c,
       IE = 0x410, RIS = 0x414, MIS = 0x418, IC = 0x41c };

struct rig {
	struct fake *f;
	struct device *dev;
};

static struct rig rig_open(void)
{
	struct rig r = { .f = fake_new() };

	r.dev = fake_device(r.f, &pl061_ops, NULL);
	return r;
}

static void rig_close(struct rig *r)
{
	device_free(r->dev);
	fake_free(r->f);
}

static void test_regs(void **state)
{
	struct rig r = rig_open();
	uint64_t val;

	fake_check_regs(r.dev);
	assert_int_equal(fake_read_win(r.dev, 0, 0x424, 4, &val), IO_NOREG);
	assert_int_equal(fake_read_win(r.dev, 0, 0x400, 8, &val), IO_SIZE);
	assert_int_equal(fake_write_win(r.dev, 0, 0x500, 4, 0), IO_NOREG);
	rig_close(&r);
}

static void test_data(void **state)
{
	struct rig r = rig_open();

	fake_write(r.dev, DIR, 4, 0xf0);
	fake_write(r.dev, DATA, 4, 0xff);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0xf0);
	/* address bits 9:2 are the mask */
	fake_write(r.dev, 0x30 << 2, 4, 0);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0xc0);
	assert_int_equal(fake_read(r.dev, 0x40 << 2, 4), 0x40);
	assert_int_equal(fake_read(r.dev, 0, 4), 0);
	pl061_set_pin(r.dev, 2, true);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0xc4);
	pl061_set_pin(r.dev, 7, true);          /* an output: not seen */
	pl061_set_pin(r.dev, 6, false);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0xc4);
	fake_write(r.dev, IC, 4, 0xff);
	pl061_set_pin(r.dev, 7, false);
	pl061_set_pin(r.dev, 7, true);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	fake_write(r.dev, DIR, 4, 0);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0x84);
	rig_close(&r);
}

/* spec/vmapple.md 1.7 */
static void test_power_button(void **state)
{
	struct rig r = rig_open();

	fake_write(r.dev, IEV, 4, 0x08);
	fake_write(r.dev, IE, 4, 0x08);
	pl061_set_pin(r.dev, PL061_POWER_PIN, true);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0x08);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0x08);
	assert_int_equal(fake_read(r.dev, MIS, 4), 0x08);
	assert_true(r.f->wire[0].level);
	pl061_set_pin(r.dev, PL061_POWER_PIN, false);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0x08);
	fake_write(r.dev, IC, 4, 0x08);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	assert_false(r.f->wire[0].level);
	assert_int_equal(r.f->wire[0].rises, 1);
	rig_close(&r);
}

static void test_detection(void **state)
{
	struct rig r = rig_open();

	/* falling edge on 0, both on 1, level high on 2, level low on 3 */
	fake_write(r.dev, IBE, 4, 0x02);
	fake_write(r.dev, IS, 4, 0x0c);
	fake_write(r.dev, IEV, 4, 0x04);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0x08);
	pl061_set_pin(r.dev, 3, true);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	pl061_set_pin(r.dev, 0, true);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	pl061_set_pin(r.dev, 0, false);
	assert_int_equal(fake_read(r.dev, RIS, 4), 1);
	pl061_set_pin(r.dev, 1, true);
	assert_int_equal(fake_read(r.dev, RIS, 4), 3);
	fake_write(r.dev, IC, 4, 0xff);
	pl061_set_pin(r.dev, 1, true);          /* no change */
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	pl061_set_pin(r.dev, 1, false);
	assert_int_equal(fake_read(r.dev, RIS, 4), 2);
	pl061_set_pin(r.dev, 2, true);
	fake_write(r.dev, IC, 4, 0xff);
	assert_int_equal(fake_read(r.dev, RIS, 4), 4);  /* while it lasts */
	assert_false(r.f->wire[0].level);
	fake_write(r.dev, IE, 4, 0x04);
	assert_true(r.f->wire[0].level);
	pl061_set_pin(r.dev, 2, false);
	assert_false(r.f->wire[0].level);
	/* the world's levels survive a reset, edges do not */
	pl061_set_pin(r.dev, 5, true);
	r.dev->ops->reset(r.dev);
	assert_int_equal(fake_read(r.dev, DATA, 4), 0x28);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regs),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_power_button),
		cmocka_unit_test(test_detection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
