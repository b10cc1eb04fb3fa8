/* Tests of devices/pvpanic.c: spec/vmapple.md 1.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "pvpanic.h"

struct seen {
	unsigned n;
	enum pvpanic_event last;
};

static void on_event(void *arg, enum pvpanic_event ev)
{
	struct seen *s = arg;

	s->n++;
	s->last = ev;
}

static void test_events(void **state)
{
	struct fake *f = fake_new();
	struct seen s = { 0 };
	struct pvpanic_conf c = { on_event, &s };
	struct device *dev = fake_device(f, &pvpanic_ops, &c);

	fake_check_regs(dev);
	s.n = 0;
	assert_int_equal(fake_read(dev, 0, 1), 3);
	assert_int_equal(fake_read(dev, 1, 1), 3);
	assert_int_equal(fake_read(dev, 0, 2), 0x0303);
	fake_write(dev, 0, 1, 0);
	fake_write(dev, 0, 1, 0xf8);
	assert_int_equal(s.n, 0);
	fake_write(dev, 0, 1, 4);
	assert_int_equal(s.last, PVPANIC_SHUTDOWN);
	fake_write(dev, 1, 1, 6);
	assert_int_equal(s.last, PVPANIC_CRASH_LOADED);
	fake_write(dev, 0, 1, 7);
	assert_int_equal(s.last, PVPANIC_PANICKED);
	assert_int_equal(s.n, 3);
	device_free(dev);
	dev = fake_device(f, &pvpanic_ops, NULL);       /* nobody listens */
	fake_write(dev, 0, 1, 1);
	device_free(dev);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
