/* Loading a machine: where kernel, RAM disk and tree land, and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "as.h"
#include "boot.h"
#include "machine.h"

static char dir[] = "/tmp/pome-linux-XXXXXX";
static struct config c;
static struct machine *m;
static struct err e;

static const char *path(const char *name)
{
	static char buf[4][64];
	static int n;
	char *p = buf[n++ % 4];

	snprintf(p, 64, "%s/%s", dir, name);
	return p;
}

static void put(const char *name, const void *data, size_t len, size_t size)
{
	FILE *f = fopen(path(name), "w");

	assert_non_null(f);
	fwrite(data, 1, len, f);
	fclose(f);
	assert_int_equal(truncate(path(name), (off_t)size), 0);
}

static void put_image(const char *name, uint64_t mem, size_t size)
{
	uint8_t h[64] = { 0 };

	memcpy(h + 16, &mem, 8);
	h[24] = 0xa;
	memcpy(h + 56, "ARMd", 4);
	put(name, h, sizeof(h), size);
}

/* Builds and loads; `ram` in MiB. */
static int boot(unsigned ram, const char *kernel, const char *initrd,
		const char *dtb)
{
	machine_free(m);
	m = NULL;
	c.kernel.path = kernel ? strdup(path(kernel)) : NULL;
	c.initrd.path = initrd ? strdup(path(initrd)) : NULL;
	c.dtb.path = dtb ? strdup(path(dtb)) : NULL;
	c.ram = (uint64_t)ram << 20;
	config_defaults(&c);
	if (config_check(&c, &e) || config_open(&c, &e))
		return -3;
	m = machine_new_bare(&c, &e);
	assert_non_null(m);
	assert_non_null(as_ram(m->as, "ram", board_vmapple.ram, c.ram, &e));
	assert_non_null(as_ram(m->as, "firmware", board_vmapple.firmware.base,
			       board_vmapple.firmware.size, &e));
	return boot_load(m, &e);
}

static void again(void)
{
	machine_free(m);
	m = NULL;
	config_fini(&c);
}

static const void *guest(uint64_t gpa, size_t len)
{
	const struct ram *r = as_find_ram(m->as, gpa, len);

	assert_non_null(r);
	return r->host + (gpa - r->gpa);
}

static uint64_t chosen(const char *prop)
{
	const void *t = guest(m->vm.entry_x0, 4096);
	const fdt64_t *p = fdt_getprop(t, fdt_path_offset(t, "/chosen"), prop,
				       NULL);

	assert_non_null(p);
	return fdt64_ld(p);
}

static void places(void **state)
{
	uint64_t start, end;

	put_image("Image", 5 << 20, 1 << 20);
	put("initrd", "070701 the disk", 15, 100001);
	assert_int_equal(boot(64, "Image", "initrd", NULL), 0);
	assert_int_equal(m->vm.entry_pc, board_vmapple.ram);
	assert_true(m->vm.entry_x0 >= board_vmapple.ram + (5 << 20));
	assert_int_equal(m->vm.entry_x0 % 8, 0);
	start = chosen("linux,initrd-start");
	end = chosen("linux,initrd-end");
	assert_int_equal(end - start, 100001);
	assert_true(start >= m->vm.entry_x0 +
		    fdt_totalsize(guest(m->vm.entry_x0, 4096)));
	assert_memory_equal(guest(start, 15), "070701 the disk", 15);
	/* and once more, as after a reset; the seeds are new */
	start = chosen("kaslr-seed");
	assert_int_equal(boot_load(m, &e), 0);
	assert_int_not_equal(start, chosen("kaslr-seed"));
	again();
}

static void too_small(void **state)
{
	put_image("Image", 5 << 20, 1 << 20);
	put("initrd", "070701", 6, 4 << 20);
	assert_int_equal(boot(8, "Image", "initrd", NULL), -1);
	assert_non_null(strstr(e.msg, "too little"));
	assert_non_null(strstr(e.msg, "5120 KiB"));
	again();
	assert_int_equal(boot(4, "Image", NULL, NULL), -1);
	assert_non_null(strstr(e.msg, "5120 KiB with its bss"));
	again();
	assert_int_equal(boot(2, "Image", "initrd", NULL), -3);
	assert_non_null(strstr(e.msg, "larger than the guest's RAM"));
	again();
}

static void shrunk(void **state)
{
	put_image("Image", 1 << 20, 4096);
	put("initrd", "070701", 6, 8192);
	assert_int_equal(boot(16, "Image", "initrd", NULL), 0);
	assert_int_equal(truncate(path("initrd"), 100), 0);
	assert_int_equal(boot_load(m, &e), -1);
	assert_non_null(strstr(e.msg, "when it was opened"));
	again();
}

static void flat(void **state)
{
	put("code", "\x1f\x20\x03\xd5", 4, 4096);
	c.kernel_flat = true;
	assert_int_equal(boot(16, "code", NULL, NULL), 0);
	assert_int_equal(m->vm.entry_pc, board_vmapple.ram + 0x80000);
	/* the tree is at the end, away from what follows the code */
	assert_true(m->vm.entry_x0 > board_vmapple.ram + (14 << 20));
	assert_int_equal(fdt_check_header(guest(m->vm.entry_x0, 4096)), 0);
	again();
	put("code", "\x1f\x20\x03\xd5", 4, (16 << 20) - 0x80000);
	c.kernel_flat = true;
	assert_int_equal(boot(16, "code", NULL, NULL), -1);
	assert_non_null(strstr(e.msg, "too little"));
	again();
}

static void own_tree(void **state)
{
	char buf[1024];

	assert_int_equal(fdt_create_empty_tree(buf, sizeof(buf)), 0);
	put("a.dtb", buf, fdt_totalsize(buf), fdt_totalsize(buf));
	put_image("Image", 1 << 20, 4096);
	assert_int_equal(boot(16, "Image", NULL, "a.dtb"), 0);
	assert_int_equal(fdt_path_offset(guest(m->vm.entry_x0, 4096),
					 "/psci"), -FDT_ERR_NOTFOUND);
	assert_true(fdt_path_offset(guest(m->vm.entry_x0, 4096), "/chosen") >
		    0);
	again();
	put("a.dtb", buf, 30, 30);
	assert_int_equal(boot(16, "Image", NULL, "a.dtb"), -1);
	assert_non_null(strstr(e.msg, "not a flat device tree"));
	again();
	put("a.dtb", "text, no tree at all; longer than a header is", 45, 45);
	assert_int_equal(boot(16, "Image", NULL, "a.dtb"), -1);
	again();
}

static void firmware(void **state)
{
	put("rom", "ROM code", 8, 4096);
	c.firmware.path = strdup(path("rom"));
	assert_int_equal(boot(16, NULL, NULL, NULL), 0);
	assert_int_equal(m->vm.entry_pc, 0x100000);
	assert_memory_equal(guest(0x100000, 8), "ROM code", 8);
	again();
	put("rom", "", 0, (1 << 20) + 1);
	c.firmware.path = strdup(path("rom"));
	assert_int_equal(boot(16, NULL, NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "at most 1048576"));
	again();
	for (unsigned i = 0; i < 5; i++) {
		static const struct { const char *head; size_t n; } bad[] = {
			{ "\x7f" "ELF", 4 }, { "PK\3\4", 4 }, { "", 0 },
			{ "\x30\x83\1\2\3\x16\4IM4P", 11 },
			{ "\xcf\xfa\xed\xfe", 4 },
		};

		put("rom", bad[i].head, bad[i].n, 4096);
		c.firmware.path = strdup(path("rom"));
		assert_int_equal(boot(16, NULL, NULL, NULL), -3);
		assert_non_null(strstr(e.msg, "boot ROM"));
		again();
	}
	c.firmware_builtin = true;
	assert_int_equal(boot(16, NULL, NULL, NULL), 0);
	assert_int_equal(m->vm.entry_pc, 0x100000);
	assert_memory_equal(guest(0x100040, 13), "pome boot ROM", 13);
	again();
}

static void no_files(void **state)
{
	put("empty", "", 0, 0);
	mkdir(path("adir"), 0755);
	mkfifo(path("fifo"), 0644);
	assert_int_equal(boot(16, "nowhere", NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "No such file"));
	again();
	assert_int_equal(boot(16, "empty", NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "empty"));
	again();
	assert_int_equal(boot(16, "adir", NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "a directory"));
	again();
	assert_int_equal(boot(16, "fifo", NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "a FIFO"));
	again();
	put("text", "#!/bin/sh\n", 10, 10);
	assert_int_equal(boot(16, "text", NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "text, not a kernel"));
	assert_non_null(strstr(e.msg, "/text: "));
	again();
}

static void disks(void **state)
{
	static const struct { const char *head; unsigned len, size;
			      const char *text; } bad[] = {
		{ "QFI\xfb", 4, 65536, "a qcow2 image" },
		{ "shdw", 4, 65536, "ASIF" },
		{ "\x1f\x8b\x08", 3, 65536, "gunzip" },
		{ "x", 1, 100, "512" },
		{ "", 0, 0, "512" },
	};

	put_image("Image", 1 << 20, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("d.img", bad[i].head, bad[i].len, bad[i].size);
		c.disk[0].path = strdup(path("d.img"));
		c.ndisks = 1;
		assert_int_equal(boot(16, "Image", NULL, NULL), -3);
		if (!strstr(e.msg, bad[i].text))
			fail_msg("%s", e.msg);
		again();
	}
	put("d.img", "QFI\xfb", 4, 65536);      /* but it was said */
	c.disk[0].path = strdup(path("d.img"));
	c.disk[0].format = CFG_FMT_RAW;
	c.disk[0].format_given = true;
	c.disk[1].path = strdup(path("d.img"));
	c.disk[1].format = CFG_FMT_RAW;
	c.disk[1].format_given = true;
	c.ndisks = 1;
	assert_int_equal(boot(16, "Image", NULL, NULL), 0);
	free(c.disk[1].path);
	again();
	/* two writers */
	c.disk[0].path = strdup(path("d.img"));
	c.disk[0].format = c.disk[1].format = CFG_FMT_RAW;
	c.disk[0].format_given = c.disk[1].format_given = true;
	c.disk[1].path = strdup(path("d.img"));
	c.ndisks = 2;
	assert_int_equal(boot(16, "Image", NULL, NULL), -3);
	assert_non_null(strstr(e.msg, "in use"));
	again();
}

static int setup(void **state)
{
	config_init(&c);
	return mkdtemp(dir) ? 0 : -1;
}

static int clean(void **state)
{
	char cmd[80];

	again();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places), cmocka_unit_test(too_small),
		cmocka_unit_test(shrunk), cmocka_unit_test(flat),
		cmocka_unit_test(own_tree), cmocka_unit_test(firmware),
		cmocka_unit_test(no_files), cmocka_unit_test(disks),
	};

	return cmocka_run_group_tests(tests, setup, clean);
}
