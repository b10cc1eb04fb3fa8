/* Tests of devices/fw_cfg.c: items by register and by DMA, bad requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "fw_cfg.h"

enum { SELECTOR = 8, DMA = 16 };
enum { ERROR = 1, READ = 2, SKIP = 4, SELECT = 8, WRITE = 16 };

static struct fake *f;
static struct device *dev;

static int setup(void **state)
{
	static const struct fw_cfg_conf c = { .ram = 0x123456789000,
					      .cpus = 5 };

	f = fake_new();
	dev = fake_device(f, &fw_cfg_ops, &c);
	return 0;
}

static int teardown(void **state)
{
	device_free(dev);
	fake_free(f);
	return 0;
}

static void pick(uint16_t key)
{
	fake_write(dev, SELECTOR, 2, htobe16(key));
}

static void test_items(void **state)
{
	uint64_t val;

	/* the signature is what is selected first */
	assert_int_equal(fake_read(dev, 0, 4), 0x554d4551);     /* "QEMU" */
	assert_int_equal(fake_read(dev, 0, 4), 0);
	pick(1);
	assert_int_equal(fake_read(dev, 0, 1), 3);
	assert_int_equal(fake_read(dev, 0, 1), 0);
	pick(3);
	assert_int_equal(fake_read(dev, 0, 8), 0x123456789000);
	pick(5);
	assert_int_equal(fake_read(dev, 0, 8), 5);
	pick(0x19);                     /* no files */
	assert_int_equal(fake_read(dev, 0, 4), 0);
	pick(0x4711);
	assert_int_equal(fake_read(dev, 0, 8), 0);
	assert_int_equal(fake_read(dev, SELECTOR, 2), 0);
	assert_int_equal(fake_write_win(dev, 0, SELECTOR, 4, 1), IO_SIZE);
	assert_int_equal(fake_write_win(dev, 0, 10, 2, 1), IO_NOREG);
	assert_int_equal(fake_write_win(dev, 0, 0, 1, 1), IO_OK);
	assert_int_equal(fake_read_win(dev, 0, DMA, 8, &val), IO_OK);
	assert_int_equal(be64toh(val), 0x51454d5520434647);
	assert_int_equal(be32toh((uint32_t)fake_read(dev, DMA + 4, 4)),
			 0x20434647);
}

/* A request at FAKE_RAM; what it left in `control`. */
static uint32_t request(uint32_t control, uint32_t len, uint64_t to)
{
	uint32_t w[2] = { htobe32(control), htobe32(len) };

	to = htobe64(to);
	memcpy(f->ram, w, 8);
	memcpy(f->ram + 8, &to, 8);
	fake_write(dev, DMA, 8, htobe64(FAKE_RAM));
	memcpy(w, f->ram, 4);
	return be32toh(w[0]);
}

static void test_dma(void **state)
{
	uint32_t w[2];

	memset(f->ram + 0x100, 0xee, 0x2000);
	assert_int_equal(request(SELECT | READ, 4, FAKE_RAM + 0x100), 0);
	assert_memory_equal(f->ram + 0x100, "QEMU\xee", 5);
	/* more than there is: zeros */
	assert_int_equal(request(SELECT | READ, 0x1800, FAKE_RAM + 0x100), 0);
	assert_memory_equal(f->ram + 0x100, "QEMU\0", 5);
	assert_int_equal(f->ram[0x100 + 0x17ff], 0);
	assert_int_equal(f->ram[0x100 + 0x1800], 0xee);
	/* in parts */
	assert_int_equal(request(3u << 16 | SELECT | SKIP, 2, 0), 0);
	assert_int_equal(request(READ, 3, FAKE_RAM + 0x100), 0);
	assert_memory_equal(f->ram + 0x100, "\x78\x56\x34", 3);
	assert_int_equal(request(SKIP, UINT32_MAX, 0), 0);
	assert_int_equal(request(READ, 1, FAKE_RAM + 0x100), 0);
	assert_int_equal(f->ram[0x100], 0);
	/* the address in two halves */
	w[0] = htobe32(5u << 16 | SELECT | READ);
	w[1] = htobe32(2);
	memcpy(f->ram, w, 8);
	fake_write(dev, DMA, 4, 0);
	fake_write(dev, DMA + 4, 4, htobe32(FAKE_RAM));
	assert_memory_equal(f->ram, "\0\0\0\0", 4);
	assert_memory_equal(f->ram + 0x100, "\5\0", 2);
}

static void test_bad(void **state)
{
	assert_int_equal(request(SELECT | WRITE, 4, FAKE_RAM + 0x100), ERROR);
	assert_int_equal(request(SELECT | READ, 4, 0x1000), ERROR);
	assert_int_equal(request(SELECT | READ, UINT32_MAX, FAKE_RAM), ERROR);
	/* a request in no RAM changes nothing */
	fake_write(dev, DMA, 8, htobe64(0x1000));
	fake_write(dev, DMA + 4, 4, 0);
	assert_int_equal(fake_write_win(dev, 0, DMA, 2, 0), IO_SIZE);
	assert_int_equal(fake_write_win(dev, 0, DMA + 4, 2, 0), IO_SIZE);
	assert_int_equal(fake_write_win(dev, 0, DMA + 2, 2, 0), IO_NOREG);
	/* a reset forgets half an address, and the item */
	fake_write(dev, DMA, 4, htobe32(1));
	pick(5);
	dev->ops->reset(dev);
	assert_int_equal(fake_read(dev, 0, 4), 0x554d4551);
	f->ram[3] = SELECT | READ;
	memset(f->ram + 4, 0, 4);
	fake_write(dev, DMA + 4, 4, htobe32(FAKE_RAM));
	assert_int_equal(f->ram[3], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_items, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dma, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
