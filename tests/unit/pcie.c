/* pcie.c: ECAM, BARs, INTx lines, MSI-X, the device tree node. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <libfdt.h>

#include "fdt.h"
#include "virtio_driver.h"

/* A function with one 4 KiB 32-bit BAR, a 64 KiB 64-bit one and MSI-X. */
struct tfn {
	struct pci_fn fn;
	uint64_t reg;
	unsigned moves;
	bool on;
};

static enum io t_read(struct pci_fn *fn, unsigned bar, struct access *a)
{
	a->val = ((struct tfn *)fn)->reg + bar + a->off;
	return IO_OK;
}

static enum io t_write(struct pci_fn *fn, unsigned bar, const struct access *a)
{
	((struct tfn *)fn)->reg = a->val;
	return IO_OK;
}

static void t_moved(struct pci_fn *fn, unsigned bar, uint64_t gpa, bool on)
{
	((struct tfn *)fn)->moves++;
	((struct tfn *)fn)->on = on;
}

static const struct pci_fn_ops t_ops = {
	.read = t_read, .write = t_write, .bar_moved = t_moved,
};

static const struct pci_ids t_ids = {
	0x1234, 0x5678, 0x1af4, 0x1100, 0x0c0330, 7,
};

static int t_init(struct device *d, const struct devconf *c, struct err *e)
{
	struct pci_fn *fn = (struct pci_fn *)d;

	if (pci_fn_init(fn, c->arg, &t_ids, &t_ops, e))
		return -1;
	pci_bar(fn, 0, 0x1000, false, false);
	pci_bar(fn, 2, 0x10000, true, true);
	pci_msix(fn, 1, 3);
	return 0;
}

static void t_reset(struct device *d)
{
	pci_fn_reset((struct pci_fn *)d);
}

static void t_fini(struct device *d)
{
	pci_fn_fini((struct pci_fn *)d);
}

static const struct device_ops t_dev = {
	.name = "t", .size = sizeof(struct tfn), .init = t_init,
	.reset = t_reset, .read = pci_fn_read, .write = pci_fn_write,
	.fini = t_fini,
};

static struct device *t_new(struct drv *d, unsigned slot)
{
	struct pci_conf c = { d->pcie, slot };

	return fake_device(d->f, &t_dev, &c);
}

static int setup(void **s)
{
	struct drv *d = calloc(1, sizeof(*d));

	drv_open(d);
	d->dev = t_new(d, DRV_SLOT);
	*s = d;
	return 0;
}

static int teardown(void **s)
{
	drv_close(*s);
	free(*s);
	return 0;
}

static void test_ids(void **s)
{
	struct drv *d = *s;

	assert_int_equal(drv_load(d, DRV_ECAM, 4), 0x00081b36);
	assert_int_equal(drv_load(d, DRV_ECAM + 8, 4), 0x06000000);
	assert_int_equal(drv_cfg_load(d, 0, 4), 0x56781234);
	assert_int_equal(drv_cfg_load(d, 0, 8), 0x0010000056781234);
	assert_int_equal(drv_cfg_load(d, 8, 4), 0x0c033007);
	assert_int_equal(drv_cfg_load(d, 0x2c, 4), 0x11001af4);
	assert_int_equal(drv_cfg_load(d, 0x3d, 1), 1);
	assert_int_equal(drv_cfg_load(d, 0x100, 4), 0);
	/* nobody there: another slot, function, bus; MMIO32 */
	assert_int_equal(drv_load(d, drv_cfg(4, 0), 4), 0xffffffff);
	assert_int_equal(drv_load(d, drv_cfg(3, 0) + 0x1000, 2), 0xffff);
	assert_int_equal(drv_load(d, DRV_ECAM + 0x100000, 1), 0xff);
	assert_int_equal(drv_load(d, DRV_ECAM + 0xffffff8, 8), UINT64_MAX);
	assert_int_equal(drv_load(d, DRV_MMIO + 0x1234560, 8), UINT64_MAX);
	drv_store(d, DRV_MMIO, 4, 0);
	drv_store(d, DRV_ECAM + 0x100000, 4, 0);
	drv_cfg_store(d, 0, 4, 0);
	assert_int_equal(drv_cfg_load(d, 0, 4), 0x56781234);
}

static void test_slots(void **s)
{
	struct drv *d = *s;
	struct devconf c;
	struct pci_conf p = { d->pcie, DRV_SLOT };
	struct err e = { 0 };

	c = fake_conf(d->f, &p);
	assert_null(device_new(&t_dev, &c, &e));
	assert_non_null(strstr(e.msg, "there already"));
	p.slot = 32;
	assert_null(device_new(&t_dev, &c, &e));
	p.slot = 0;
	assert_null(device_new(&t_dev, &c, &e));
}

static void test_bars(void **s)
{
	struct drv *d = *s;
	struct tfn *t = (struct tfn *)d->dev;

	drv_cfg_store(d, 0x10, 4, 0xffffffff);
	assert_int_equal(drv_cfg_load(d, 0x10, 4), 0xfffff000);
	drv_cfg_store(d, 0x18, 8, UINT64_MAX);
	assert_int_equal(drv_cfg_load(d, 0x18, 8), 0xffffffffffff000c);
	drv_cfg_store(d, 0x24, 4, 0xffffffff);
	assert_int_equal(drv_cfg_load(d, 0x24, 4), 0);
	t->reg = 0x100;
	/* no memory enable: the background answers */
	drv_cfg_store(d, 0x10, 4, 0x50001000);
	drv_cfg_store(d, 0x18, 8, 0x50100000);
	assert_int_equal(drv_load(d, 0x50001004, 4), 0xffffffff);
	drv_cfg_store(d, 4, 2, 2);
	assert_int_equal(drv_load(d, 0x50001004, 4), 0x104);
	assert_int_equal(drv_load(d, 0x5010fff8, 8), 0x100 + 2 + 0xfff8);
	drv_store(d, 0x50001000, 4, 0x200);
	assert_int_equal(drv_load(d, 0x50001000, 4), 0x200);
	/* moved */
	drv_cfg_store(d, 0x10, 4, 0x6ffee000);
	assert_int_equal(drv_load(d, 0x50001000, 4), 0xffffffff);
	assert_int_equal(drv_load(d, 0x6ffee000, 4), 0x200);
	/* out of the window, over RAM, over 4 GiB, wrapping: nowhere */
	drv_cfg_store(d, 0x10, 4, 0x6ffff000);
	assert_int_equal(drv_load(d, 0x6fffe000, 4), 0xdead);
	assert_int_equal(drv_load(d, 0x6ffff000, 4), 0xdead);
	drv_cfg_store(d, 0x10, 4, 0x10000000);
	assert_int_equal(drv_load(d, 0x10000000, 4), 0xdead);
	drv_cfg_store(d, 0x18, 8, UINT64_MAX);
	drv_cfg_store(d, 0x18, 8, 0x150000000);
	assert_int_equal(drv_load(d, 0x150000000, 4), 0xdead);
	assert_false(t->on);
	/* reset takes them off the map */
	drv_cfg_store(d, 0x10, 4, 0x50001000);
	assert_true(t->on);
	d->dev->ops->reset(d->dev);
	assert_false(t->on);
	assert_int_equal(drv_load(d, 0x50001000, 4), 0xffffffff);
	assert_int_equal(drv_cfg_load(d, 0x10, 4), 0);
	assert_int_equal(drv_cfg_load(d, 4, 2), 0);
}

static void test_intx(void **s)
{
	struct drv *d = *s;
	struct pci_fn *a = (struct pci_fn *)d->dev;
	struct device *other = t_new(d, DRV_SLOT + 16);
	struct pci_fn *b = (struct pci_fn *)other;
	struct fake_wire *w = &d->f->wire[64 + DRV_SLOT];

	pci_intx(a, true);
	assert_true(w->level);
	assert_int_equal(drv_cfg_load(d, 6, 2) & 8, 8);
	pci_intx(b, true);              /* the same line */
	pci_intx(a, false);
	assert_true(w->level);
	assert_int_equal(drv_cfg_load(d, 6, 2) & 8, 0);
	pci_intx(b, false);
	assert_false(w->level);
	pci_intx(a, true);
	drv_cfg_store(d, 4, 2, 0x400);  /* INTx disable */
	assert_false(w->level);
	assert_int_equal(drv_cfg_load(d, 6, 2) & 8, 8);
	drv_cfg_store(d, 4, 2, 0);
	assert_true(w->level);
	pci_intx(b, true);
	device_free(other);
	pci_intx(a, false);
	assert_false(w->level);
}

/* With four lines slots 4 apart share one. */
static void test_lines(void **s)
{
	static const struct pcie_conf conf = { .ecam_size = 0x1000000,
					       .lines = 4 };
	struct drv *d = *s;
	struct pcie_conf bad = conf;
	struct devconf dc = fake_conf(d->f, &bad);
	struct device *bridge = fake_device(d->f, &pcie_ops, &conf), *old, *a;
	struct err e;

	bad.lines = 8;
	assert_null(device_new(&pcie_ops, &dc, &e));
	bridge->irq[0] = fake_irq(d->f, 100);
	old = d->pcie;
	d->pcie = bridge;
	a = t_new(d, 6);
	d->pcie = old;
	pci_intx((struct pci_fn *)a, true);
	assert_true(d->f->wire[102].level);
	pci_intx((struct pci_fn *)a, false);
	device_free(a);
	device_free(bridge);
}

static void test_msix(void **s)
{
	struct drv *d = *s;
	struct pci_fn *fn = (struct pci_fn *)d->dev;
	unsigned cap = drv_cfg_load(d, 0x34, 1);

	assert_int_equal(drv_cfg_load(d, cap, 4), 0x00020011);
	assert_int_equal(drv_cfg_load(d, cap + 4, 4), 1);
	assert_int_equal(drv_cfg_load(d, cap + 8, 4), 0x801);
	drv_cfg_store(d, 0x14, 4, DRV_BAR1);
	drv_cfg_store(d, 4, 2, 6);
	assert_int_equal(drv_load(d, DRV_BAR1 + 12, 4), 1);     /* masked */
	drv_store(d, DRV_BAR1 + 16, 8, 0x11fff0043);
	drv_store(d, DRV_BAR1 + 24, 4, 170);
	assert_int_equal(drv_load(d, DRV_BAR1 + 16, 8), 0x11fff0040);
	assert_int_equal(drv_load(d, DRV_BAR1 + 24, 1), 0);     /* IO_SIZE */
	pci_msix_fire(fn, 1);           /* not enabled: nothing at all */
	assert_int_equal(drv_load(d, DRV_BAR1 + 0x800, 8), 0);
	drv_cfg_store(d, cap + 2, 2, 0xffff);
	assert_int_equal(drv_cfg_load(d, cap + 2, 2), 0xc002);
	pci_msix_fire(fn, 1);
	pci_msix_fire(fn, 0);
	pci_msix_fire(fn, 3);           /* no such vector */
	pci_msix_fire(fn, 0xffff);
	assert_int_equal(drv_load(d, DRV_BAR1 + 0x800, 4), 3);
	drv_cfg_store(d, cap + 2, 2, 0x8000);
	assert_int_equal(d->f->nmsi, 0);        /* both masked each */
	drv_store(d, DRV_BAR1 + 28, 4, 0);
	assert_int_equal(d->f->nmsi, 1);
	assert_int_equal(d->f->msi[0].addr, 0x11fff0040);
	assert_int_equal(d->f->msi[0].data, 170);
	assert_int_equal(drv_load(d, DRV_BAR1 + 0x800, 4), 1);
	pci_msix_fire(fn, 1);
	assert_int_equal(d->f->nmsi, 2);
	/* no bus master: held back */
	drv_cfg_store(d, 4, 2, 2);
	pci_msix_fire(fn, 1);
	assert_int_equal(d->f->nmsi, 2);
	drv_cfg_store(d, 4, 2, 6);
	assert_int_equal(d->f->nmsi, 3);
	/* INTx is off while MSI-X is on */
	pci_intx(fn, true);
	assert_false(d->f->wire[64 + DRV_SLOT].level);
	drv_cfg_store(d, cap + 2, 2, 0);
	assert_true(d->f->wire[64 + DRV_SLOT].level);
	/* the table's end, the pending bits and past them: nothing to write */
	drv_store(d, DRV_BAR1 + 48, 8, UINT64_MAX);
	assert_int_equal(drv_load(d, DRV_BAR1 + 48, 8), 0);
	drv_store(d, DRV_BAR1 + 0x800, 8, UINT64_MAX);
	drv_store(d, DRV_BAR1 + 0xff8, 8, UINT64_MAX);
	assert_int_equal(drv_load(d, DRV_BAR1 + 0x800, 8), 1);
}

static void test_fdt(void **s)
{
	struct drv *d = *s;
	static _Alignas(8) char buf[32768];     /* libfdt wants it so */
	struct fdt_build b = {
		.fdt = buf, .base = DRV_ECAM, .size = 0x10000000,
		.irq = { 64 }, .gic_phandle = 1, .msi_phandle = 2,
	};
	const fdt32_t *m;
	int node, len;

	assert_int_equal(fdt_create(buf, sizeof(buf)), 0);
	fdt_finish_reservemap(buf);
	fdt_begin_node(buf, "");
	assert_int_equal(d->pcie->ops->fdt(d->pcie, &b), 0);
	fdt_end_node(buf);
	assert_int_equal(fdt_finish(buf), 0);
	node = fdt_path_offset(buf, "/pcie@40000000");
	assert_true(node > 0);
	m = fdt_getprop(buf, node, "interrupt-map", &len);
	assert_int_equal(len, 16 * 4 * 10 * 4);
	/* slot 3 pin A is SPI 0x20 + 3, slot 15 pin D wraps to line 2 */
	assert_int_equal(fdt32_to_cpu(m[3 * 40]), 3 << 11);
	assert_int_equal(fdt32_to_cpu(m[3 * 40 + 3]), 1);
	assert_int_equal(fdt32_to_cpu(m[3 * 40 + 8]), 0x23);
	assert_int_equal(fdt32_to_cpu(m[15 * 40 + 38]), 0x22);
	m = fdt_getprop(buf, node, "ranges", &len);
	assert_int_equal(len, 28);
	assert_int_equal(fdt32_to_cpu(m[6]), 0x1fff0000);
	m = fdt_getprop(buf, node, "bus-range", &len);
	assert_int_equal(fdt32_to_cpu(m[1]), 255);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slots, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_intx, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_msix, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fdt, setup, teardown),
	};

	return cmocka_run_group_tests_name("pcie", tests, NULL, NULL);
}
