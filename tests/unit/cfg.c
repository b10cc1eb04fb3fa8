/* Tests of devices/cfg.c: the block of spec/vmapple.md section 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfg.h"
#include "fake.h"

#define BASE 0x00400000u

static struct cfg_conf conf(void)
{
	return (struct cfg_conf){
		.base = BASE, .ecid = 0x1122334455667788, .ram = 0x123450000,
		.cpus = 3, .rnd = 0xcafe1234,
		.mac = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 },
			 { 2, 0, 0, 0, 0, 3 }, { 2, 0, 0, 0, 0, 4 } },
	};
}

static uint8_t *board(struct fake **f)
{
	struct err e;
	struct ram *r;

	*f = fake_new();
	r = as_ram((*f)->as, "config", BASE, CFG_SIZE, &e);
	assert_non_null(r);
	return r->host;
}

static uint64_t get(const uint8_t *b, unsigned off, unsigned size)
{
	uint64_t v = 0;

	while (size--)
		v = v << 8 | b[off + size];
	return v;
}

static void test_layout(void **state)
{
	static const struct { unsigned off, size; uint64_t val; } want[] = {
		{ 0x000, 4, 2 }, { 0x004, 4, 3 }, { 0x008, 4, 1 },
		{ 0x00c, 4, 1 }, { 0x010, 4, 0x20 }, { 0x014, 4, 0 },
		{ 0x018, 8, 0x1122334455667788 }, { 0x020, 8, 0x123450000 },
		{ 0x028, 4, 0 }, { 0x02c, 4, 1 }, { 0x030, 4, 1 },
		{ 0x034, 4, 0 }, { 0x038, 4, 0xcafe1234 }, { 0x03c, 4, 0 },
		{ 0x040, 8, 0x010000000002 }, { 0x048, 8, 0x020000000002 },
		{ 0x050, 8, 0x030000000002 }, { 0x058, 8, 0x040000000002 },
		{ 0x060, 8, 0 }, { 0x0f8, 8, 0 }, { 0x100, 4, 0 },
		{ 0x104, 4, 1 }, { 0x108, 4, 2 }, { 0x10c, 4, 0 },
		{ 0x2fc, 4, 0 }, { 0x300, 8, 0 }, { 0x580, 4, 1 },
		{ 0x400, 4, 1 }, { 0x560, 8, 0 }, { 0x5a4, 4, 0 },
		{ 0xfff8, 8, 0 },
	};
	struct cfg_conf c = conf();
	struct fake *f;
	uint8_t *b = board(&f);
	struct device *dev = fake_device(f, &cfg_ops, &c);

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (get(b, want[i].off, want[i].size) != want[i].val)
			fail_msg("0x%x is 0x%llx", want[i].off,
				 (unsigned long long)get(b, want[i].off,
							 want[i].size));
	for (unsigned i = 0; i < 2; i++) {
		const char *s = (char *)b + (i ? 0x380 : 0x500);

		assert_string_equal(s, "1234");
		assert_string_equal(s + 0x20, "D/A");
		assert_string_equal(s + 0x40, "VM0001");
		assert_string_equal(s + 0x84, "Apple M1 (Virtual)");
	}
	/* the guest writes it as it likes; a reset brings it back */
	memset(b, 0x5a, CFG_SIZE);
	dev->ops->reset(dev);
	assert_int_equal(get(b, 0, 4), 2);
	assert_int_equal(get(b, 0x38, 4), 0xcafe1234);
	assert_int_equal(get(b, 0x600, 8), 0);
	assert_int_equal(get(b, 0xfff8, 8), 0);
	device_free(dev);
	fake_free(f);
}

static void test_options(void **state)
{
	struct cfg_conf c = conf();
	struct fake *f;
	uint8_t *b = board(&f);
	struct device *dev;

	c.dfu = true;
	c.hints = true;
	c.policy = CFG_POLICY_PERMISSIVE;
	c.cpus = 32;
	c.serial = "0123456789012345678901234567890";   /* 31 */
	c.model = "M";
	c.soc = "";
	dev = fake_device(f, &cfg_ops, &c);
	assert_int_equal(get(b, 0x28, 4), 1);
	assert_int_equal(get(b, 0x34, 4), 1);
	assert_int_equal(get(b, 0x300, 4), CFG_POME_MAGIC);
	assert_int_equal(get(b, 0x304, 4), CFG_POLICY_PERMISSIVE);
	assert_int_equal(get(b, 0x17c, 4), 31);
	assert_string_equal((char *)b + 0x500, c.serial);
	assert_string_equal((char *)b + 0x540, "M");
	assert_int_equal(b[0x584], 0);
	device_free(dev);
	fake_free(f);
}

static void test_refusals(void **state)
{
	struct fake *f = fake_new();            /* no RAM for the block: fine */
	struct cfg_conf c = conf();
	struct devconf dc = fake_conf(f, &c);
	struct device *dev;
	struct err e;

	dev = device_new(&cfg_ops, &dc, &e);
	assert_non_null(dev);
	device_free(dev);
	c.serial = "01234567890123456789012345678901";  /* 32 */
	assert_null(device_new(&cfg_ops, &dc, &e));
	assert_non_null(strstr(e.msg, "serial"));
	c.serial = NULL;
	c.cpus = 129;
	assert_null(device_new(&cfg_ops, &dc, &e));
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
