/* The generated device tree: what Linux looks for, and user trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

static struct config c;
static struct machine *m;
static char tree[MACHINE_FDT_SIZE];
static struct err e;

static void make_on(const char *board, unsigned cpus,
		    const struct fdt_boot *boot)
{
	size_t len;

	machine_free(m);
	config_fini(&c);
	c.kernel.path = strdup("x");
	c.cpus = cpus;
	c.board = config_board(board);
	c.ram = 512 << 20;
	config_defaults(&c);
	m = machine_new_bare(&c, &e);
	assert_non_null(m);
	assert_int_equal(machine_fdt(m, boot, tree, sizeof(tree), &len, &e),
			 0);
	assert_int_equal(len, fdt_totalsize(tree));
	assert_int_equal(fdt_check_full(tree, len), 0);
}

static void make(unsigned cpus, const struct fdt_boot *boot)
{
	make_on("vmapple", cpus, boot);
}

static int node(const char *path)
{
	int n = fdt_path_offset(tree, path);

	if (n < 0)
		fail_msg("%s: %s", path, fdt_strerror(n));
	return n;
}

static const char *text(const char *path, const char *prop)
{
	int len;
	const char *p = fdt_getprop(tree, node(path), prop, &len);

	if (!p)
		fail_msg("%s: no %s", path, prop);
	return p;
}

/* Cell i of a property. */
static uint32_t cell(const char *path, const char *prop, int i)
{
	int len;
	const fdt32_t *p = fdt_getprop(tree, node(path), prop, &len);

	if (!p || len < 4 * (i + 1))
		fail_msg("%s: no cell %d in %s", path, i, prop);
	return fdt32_to_cpu(p[i]);
}

static void basics(void **state)
{
	struct fdt_boot b = { .bootargs = "console=ttyAMA0 quiet" };

	make(1, &b);
	assert_int_equal(cell("/", "#address-cells", 0), 2);
	assert_int_equal(cell("/", "#size-cells", 0), 2);
	assert_string_equal(text("/chosen", "bootargs"), b.bootargs);
	assert_string_equal(text("/chosen", "stdout-path"),
			    "/serial@20010000");
	node(text("/chosen", "stdout-path"));
	assert_null(fdt_getprop(tree, node("/chosen"), "kaslr-seed", NULL));
	assert_null(fdt_getprop(tree, node("/chosen"), "linux,initrd-start",
				NULL));
	assert_int_equal(cell("/memory@70000000", "reg", 1), 0x70000000);
	assert_int_equal(cell("/memory@70000000", "reg", 3), 512 << 20);
	assert_string_equal(text("/psci", "method"), "hvc");
	assert_string_equal(text("/psci", "compatible"), "arm,psci-1.0");
}

static void cpus(void **state)
{
	struct fdt_boot b = { .seeds = true };

	make(18, &b);
	assert_int_equal(cell("/cpus/cpu@0", "reg", 0), 0);
	assert_int_equal(cell("/cpus/cpu@f", "reg", 0), 0xf);
	assert_int_equal(cell("/cpus/cpu@100", "reg", 0), 0x100);
	assert_int_equal(cell("/cpus/cpu@101", "reg", 0), 0x101);
	assert_string_equal(text("/cpus/cpu@101", "enable-method"), "psci");
	/* redistributors: 0x20000 a CPU, no more */
	assert_int_equal(cell("/interrupt-controller@10000000", "reg", 7),
			 18 * 0x20000);
}

static void timer(void **state)
{
	static const uint32_t ppi[4] = { 13, 14, 11, 10 };
	struct fdt_boot b = { .seeds = false };

	make(1, &b);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(cell("/timer", "interrupts", 3 * i), 1);
		assert_int_equal(cell("/timer", "interrupts", 3 * i + 1),
				 ppi[i]);
		assert_int_equal(cell("/timer", "interrupts", 3 * i + 2), 4);
	}
}

static void wires(void **state)
{
	static const struct { const char *path; uint32_t base, spi; } dev[] = {
		{ "/serial@20010000", 0x20010000, 1 },
		{ "/rtc@20050000", 0x20050000, 2 },
		{ "/gpio@20060000", 0x20060000, 5 },
	};
	struct fdt_boot b = { .seeds = false };
	uint32_t gpio;

	make(1, &b);
	for (size_t i = 0; i < sizeof(dev) / sizeof(dev[0]); i++) {
		assert_int_equal(cell(dev[i].path, "reg", 1), dev[i].base);
		assert_int_equal(cell(dev[i].path, "interrupts", 0), 0);
		assert_int_equal(cell(dev[i].path, "interrupts", 1),
				 dev[i].spi);
		assert_int_equal(cell(dev[i].path, "interrupts", 2), 4);
	}
	gpio = cell("/gpio@20060000", "phandle", 0);
	assert_int_equal(cell("/gpio-keys/poweroff", "gpios", 0), gpio);
	assert_int_equal(cell("/gpio-keys/poweroff", "gpios", 1), 3);
	assert_int_equal(cell("/gpio-keys/poweroff", "linux,code", 0), 116);
	assert_int_equal(cell("/apb-pclk", "clock-frequency", 0), 24000000);
	assert_int_equal(cell("/serial@20010000", "clocks", 0),
			 cell("/apb-pclk", "phandle", 0));
	assert_int_equal(cell("/", "interrupt-parent", 0),
			 cell("/interrupt-controller@10000000", "phandle",
			      0));
	assert_int_equal(cell("/pcie@40000000", "reg", 1), 0x40000000);
	node("/interrupt-controller@10000000/v2m@1fff0000");
	node("/pvpanic@20070000");
}

/* Against what QEMU 7.2 says of its virt board (dumpdtb; gic-version=3,
 * its=off, highmem-ecam=off). */
static void virt(void **state)
{
	static const struct { const char *path; uint32_t base, spi; } dev[] = {
		{ "/serial@9000000", 0x09000000, 1 },
		{ "/rtc@9010000", 0x09010000, 2 },
		{ "/gpio@9030000", 0x09030000, 7 },
	};
	static const uint32_t flash[8] = { 0, 0, 0, 0x04000000,
					   0, 0x04000000, 0, 0x04000000 };
	static const char gic[] = "/interrupt-controller@8000000";
	static const char v2m[] = "/interrupt-controller@8000000/v2m@8020000";
	static const char pcie[] = "/pcie@3f000000";
	struct fdt_boot b = { .seeds = false };

	make_on("virt", 3, &b);
	for (size_t i = 0; i < sizeof(dev) / sizeof(dev[0]); i++) {
		assert_int_equal(cell(dev[i].path, "reg", 1), dev[i].base);
		assert_int_equal(cell(dev[i].path, "interrupts", 1),
				 dev[i].spi);
	}
	assert_string_equal(text("/chosen", "stdout-path"),
			    "/serial@9000000");
	assert_int_equal(cell("/memory@40000000", "reg", 1), 0x40000000);
	for (int i = 0; i < 8; i++)
		assert_int_equal(cell("/flash@0", "reg", i), flash[i]);
	assert_int_equal(cell("/flash@0", "bank-width", 0), 4);
	assert_string_equal(text("/fw-cfg@9020000", "compatible"),
			    "qemu,fw-cfg-mmio");
	assert_int_equal(cell("/fw-cfg@9020000", "reg", 3), 0x18);
	assert_int_equal(cell(gic, "reg", 1), 0x08000000);
	assert_int_equal(cell(gic, "reg", 5), 0x080a0000);
	assert_int_equal(cell(v2m, "arm,msi-base-spi", 0), 80);
	assert_int_equal(cell(v2m, "arm,msi-num-spis", 0), 64);
	assert_int_equal(cell(pcie, "reg", 3), 0x01000000);
	assert_int_equal(cell(pcie, "bus-range", 1), 15);
	assert_int_equal(cell(pcie, "ranges", 2), 0x10000000);
	assert_int_equal(cell(pcie, "ranges", 6), 0x2eff0000);
	assert_int_equal(cell(pcie, "ranges", 7), 0x01000000);
	assert_int_equal(cell(pcie, "ranges", 11), 0x3eff0000);
	assert_int_equal(cell(pcie, "ranges", 13), 0x10000);
	/* slot 3, pin A: line 3, SPI 6; slot 3, pin B: line 0, SPI 3 */
	assert_int_equal(cell(pcie, "interrupt-map-mask", 0), 0x1800);
	assert_int_equal(cell(pcie, "interrupt-map", 3 * 40 + 8), 6);
	assert_int_equal(cell(pcie, "interrupt-map", 3 * 40 + 18), 3);
}

static void seeds(void **state)
{
	struct fdt_boot b = { .seeds = true, .initrd = 0x123456000,
			      .initrd_end = 0x123457000 };
	char old[8];
	int len;

	make(1, &b);
	memcpy(old, text("/chosen", "kaslr-seed"), 8);
	assert_non_null(fdt_getprop(tree, node("/chosen"), "rng-seed", &len));
	assert_true(len >= 32);
	assert_int_equal(cell("/chosen", "linux,initrd-start", 0), 1);
	assert_int_equal(cell("/chosen", "linux,initrd-end", 1), 0x23457000);
	make(1, &b);
	assert_memory_not_equal(old, text("/chosen", "kaslr-seed"), 8);
}

static void patch(void **state)
{
	struct fdt_boot b = { .bootargs = "one" };
	struct fdt_boot n = { .bootargs = "two", .seeds = true,
			      .initrd = 0x1000, .initrd_end = 0x2000 };

	make(1, &b);
	assert_int_equal(machine_fdt_patch(&n, false, tree, sizeof(tree), &e),
			 0);
	assert_string_equal(text("/chosen", "bootargs"), "one");
	assert_int_equal(cell("/chosen", "linux,initrd-end", 1), 0x2000);
	assert_non_null(text("/chosen", "rng-seed"));
	assert_int_equal(machine_fdt_patch(&n, true, tree, sizeof(tree), &e),
			 0);
	assert_string_equal(text("/chosen", "bootargs"), "two");
	/* a tree without /chosen gets one */
	fdt_open_into(tree, tree, sizeof(tree));
	fdt_del_node(tree, node("/chosen"));
	assert_int_equal(machine_fdt_patch(&n, false, tree, sizeof(tree), &e),
			 0);
	assert_string_equal(text("/chosen", "bootargs"), "two");
	memset(tree, 0, 64);
	assert_int_equal(machine_fdt_patch(&n, false, tree, sizeof(tree), &e),
			 -1);
}

static void small(void **state)
{
	struct fdt_boot b = { .seeds = false };
	char buf[512];
	size_t len;

	make(4, &b);
	assert_int_equal(machine_fdt(m, &b, buf, sizeof(buf), &len, &e), -1);
}

static int clean(void **state)
{
	machine_free(m);
	config_fini(&c);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(basics), cmocka_unit_test(cpus),
		cmocka_unit_test(timer), cmocka_unit_test(wires),
cmocka_unit_test(virt),
		cmocka_unit_test(seeds), cmocka_unit_test(patch),
		cmocka_unit_test(small),
	};

	config_init(&c);
	return cmocka_run_group_tests(tests, NULL, clean);
}
