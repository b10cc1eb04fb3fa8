/* Tests of devices/gicv2m.c and of the interrupt controller's tree node. */
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "fdt.h"
#include "gicv2m.h"
#include "gicv3.h"

static const struct gicv2m_conf board = { 0x1fff0000, 160, 128, true };

static void test_frame(void **state)
{
	struct fake *f = fake_new();
	struct device *dev = fake_device(f, &gicv2m_ops, &board);
	uint64_t val;

	fake_check_regs(dev);
	fake_clear(f);
	/* spec/vmapple.md 1.4 */
	assert_int_equal(fake_read(dev, 0x008, 4), 0x80a00080);
	fake_write(dev, 0x040, 4, 170);
	assert_int_equal(f->nmsi, 1);
	assert_int_equal(f->msi[0].addr, 0x1fff0040);
	assert_int_equal(f->msi[0].data, 170);
	fake_write(dev, 0x040, 2, 0xfc00 | 171);        /* bits 9:0 count */
	assert_int_equal(f->msi[1].data, 171);
	assert_int_equal(fake_write_win(dev, 0, 0x40, 8, 170), IO_SIZE);
	assert_int_equal(fake_write_win(dev, 0, 0x44, 4, 170), IO_NOREG);
	assert_int_equal(fake_read_win(dev, 0, 0x8, 1, &val), IO_SIZE);
	assert_int_equal(fake_read_win(dev, 0, 0x0, 4, &val), IO_NOREG);
	assert_int_equal(f->nmsi, 2);
	device_free(dev);
	/* without the bit that is macOS's */
	struct gicv2m_conf other = board;

	other.macos = false;
	dev = fake_device(f, &gicv2m_ops, &other);
	assert_int_equal(fake_read(dev, 0x008, 4), 0x00a00080);
	device_free(dev);
	fake_free(f);
}

static void test_bad_conf(void **state)
{
	static const struct gicv2m_conf bad[] = {
		{ 0, 0, 32, 0 }, { 0, 40, 32, 0 }, { 0, 160, 0, 0 },
		{ 0, 992, 32, 0 }, { 0, 32, UINT32_MAX, 0 },
	};
	struct fake *f = fake_new();
	struct devconf conf;
	struct err e;
	unsigned i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		conf = fake_conf(f, &bad[i]);
		assert_null(device_new(&gicv2m_ops, &conf, &e));
	}
	fake_free(f);
}

/* Through the GIC: a store to the frame interrupts a CPU. */
static void test_with_gic(void **state)
{
	struct gicv3_conf gc = {
		.ncpus = 1, .nspi = 256, .msi_addr = 0x1fff0040,
		.msi_first = 160, .msi_count = 128,
	};
	struct fake *f = fake_new();
	struct gicv3 *g = gicv3_new(&gc, NULL);
	struct devconf conf = { .id = "v2m", .arg = &board };
	struct access a = { .size = 4, .val = 165 };
	struct device *dev;
	bool irq, fiq;

	conf.irq[0].ic = gicv3_intc(g);
	dev = device_new(&gicv2m_ops, &conf, NULL);
	assert_int_equal(gicv3_map(g, f->as, 0x10000000, 0x10010000, NULL), 0);
	assert_int_equal(as_dev(f->as, board.base, GICV2M_SIZE, dev, 0, NULL),
			 0);
	gicv3_icc_write(g, 0, ICC_PMR_EL1, 0xff);
	gicv3_icc_write(g, 0, ICC_IGRPEN0_EL1, 1);
	assert_true(as_access(f->as, 0x1fff0040, true, &a));
	a = (struct access){ .size = 4, .val = 3 };
	as_access(f->as, 0x10000000, true, &a);                 /* CTLR */
	a = (struct access){ .size = 4, .val = 1u << 5 };
	as_access(f->as, 0x10000114, true, &a);                 /* ISENABLER5 */
	gicv3_lines(g, 0, &irq, &fiq);
	assert_false(fiq);              /* level at reset: the pulse is gone */
	a = (struct access){ .size = 4, .val = 0xaaaaaaaa };
	as_access(f->as, 0x10000c28, true, &a);                 /* ICFGR10 */
	a = (struct access){ .size = 4, .val = 165 };
	as_access(f->as, 0x1fff0040, true, &a);
	gicv3_lines(g, 0, &irq, &fiq);
	assert_true(fiq);
	assert_int_equal(gicv3_icc_read(g, 0, ICC_IAR0_EL1), 165);
	/* redistributors of CPUs that are not there are a hole */
	a = (struct access){ .size = 4 };
	assert_true(as_access(f->as, 0x10010000 + 0x1fffc, false, &a));
	assert_false(as_access(f->as, 0x10010000 + 0x20000, false, &a));
	device_free(dev);
	fake_free(f);
	gicv3_free(g);
}

static void test_node(void **state)
{
	struct gicv3_fdt c = { 0x10000000, 0x10010000, 4, 0x1fff0000, 160,
			       128 };
	struct fdt_build b = { .gic_phandle = 1, .msi_phandle = 2 };
	static _Alignas(8) char tree[4096];     /* libfdt wants it so */
	const fdt32_t *p;
	int gic, v2m, len;

	b.fdt = tree;
	assert_int_equal(fdt_create(tree, sizeof(tree)), 0);
	assert_int_equal(fdt_finish_reservemap(tree), 0);
	assert_int_equal(fdt_begin_node(tree, ""), 0);
	assert_int_equal(gicv3_fdt(&b, &c), 0);
	assert_int_equal(fdt_end_node(tree), 0);
	assert_int_equal(fdt_finish(tree), 0);
	gic = fdt_node_offset_by_phandle(tree, 1);
	v2m = fdt_node_offset_by_phandle(tree, 2);
	assert_int_equal(fdt_parent_offset(tree, v2m), gic);
	assert_int_equal(fdt_node_check_compatible(tree, gic, "arm,gic-v3"),
			 0);
	assert_non_null(fdt_getprop(tree, gic, "ranges", &len));
	assert_int_equal(len, 0);
	p = fdt_getprop(tree, gic, "reg", &len);
	assert_int_equal(len, 32);
	assert_int_equal(fdt32_to_cpu(p[7]), 4 * 0x20000);
	p = fdt_getprop(tree, v2m, "arm,msi-base-spi", &len);
	assert_int_equal(fdt32_to_cpu(*p), 160);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame),
		cmocka_unit_test(test_bad_conf),
		cmocka_unit_test(test_with_gic),
		cmocka_unit_test(test_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
