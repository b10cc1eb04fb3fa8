/* Several things on a command line, each taken for what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "bytes.h"
#include "things.h"

static char dir[] = "/tmp/pome-things-XXXXXX";
static struct config c;
static struct err e;

static void put(const char *name, const void *p, size_t n, size_t off,
		size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fseek(f, (long)off, SEEK_SET);
	fwrite(p, 1, n, f);
	fclose(f);
	assert_int_equal(truncate(path, (off_t)size), 0);
}

/* The same, packed with gzip. */
static void pack(const char *name, const void *p, size_t n, size_t off,
		 size_t size)
{
	uint8_t *all = calloc(1, size);
	char path[64];
	gzFile z;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	memcpy(all + off, p, n);
	z = gzopen(path, "w");
	assert_int_equal(gzwrite(z, all, (unsigned)size), (int)size);
	gzclose(z);
	free(all);
}

/* Arguments separated by blanks; "/x" stands for a file of ours. */
static int run(const char *line)
{
	char *copy = strdup(line), *argv[32] = { (char *)"run" }, *save;
	static char path[32][64];
	int n = 1, r;

	config_fini(&c);
	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save)) {
		snprintf(path[n], sizeof(path[n]), "%s%s", *w == '/' ? dir :
			 "", w);
		argv[n] = path[n];
		n++;
	}
	r = config_parse(&c, n, argv, &e);
	free(copy);
	return r ? r : things_sort(&c, &e);
}

static void ok(const char *line)
{
	if (run(line))
		fail_msg("%s: %s", line, e.msg);
}

static void bad(const char *line, const char *text)
{
	assert_int_equal(run(line), -1);
	if (!strstr(e.msg, text))
		fail_msg("%s: '%s', not '%s'", line, e.msg, text);
}

static bool named(const char *path, const char *name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && !strcmp(slash + 1, name);
}

static void sorts(void **state)
{
	ok("/initrd /new /kernel /mbr");
	assert_true(named(c.kernel.path, "kernel"));
	assert_true(named(c.initrd.path, "initrd"));
	assert_int_equal(c.ndisks, 2);
	assert_true(named(c.disk[0].path, "new"));
	assert_true(named(c.disk[1].path, "mbr"));
	assert_int_equal(c.disk[1].format, CFG_FMT_RAW);
	assert_false(c.disk[1].readonly);
	assert_null(c.bundle);
	ok("/kernel.gz /initrd.gz /tree /ext4 /q2");
	assert_true(named(c.kernel.path, "kernel.gz"));
	assert_true(named(c.initrd.path, "initrd.gz"));
	assert_true(named(c.dtb.path, "tree"));
	assert_int_equal(c.disk[1].format, CFG_FMT_QCOW2);
	ok("/kernel /initrd.xz");
	assert_true(named(c.initrd.path, "initrd.xz"));
	ok("/bundle.json /mbr");
	assert_true(named(c.bundle, "bundle.json"));
	assert_int_equal(c.ndisks, 1);
	/* options and things together */
	ok("-k /kernel /initrd /mbr");
	assert_true(named(c.initrd.path, "initrd"));
	/* one thing is a bundle, whatever it is */
	ok("/kernel");
	assert_true(named(c.bundle, "kernel"));
	assert_null(c.kernel.path);
}

static void refuses(void **state)
{
	bad("/kernel /kernel.gz", "both are kernels");
	bad("-k /kernel /kernel.gz /initrd", "both are kernels");
	bad("/kernel /initrd /initrd.xz", "both are initial RAM disks");
	bad("/bundle.json /bundle.json", "both are bundles");
	bad("/mbr /ext4", "no kernel among them");
	bad("/initrd /initrd", "both are");
	bad("/kernel /text", "text, not a kernel");
	bad("/kernel /noise", "no kernel, initial RAM disk, disk or bundle");
	bad("/kernel /empty", "the file is empty");
	bad("/kernel /nowhere", "nowhere");
	bad("/kernel /vmdk", "VMDK");
	bad("/x86 /initrd", "x86 bzImage");
	bad("/x86.gz /initrd", "x86 bzImage");
	bad("/kernel /short", "no kernel, initial RAM disk, disk or bundle");
}

static int setup(void **state)
{
	uint8_t noise[4096], q2[72] = "QFI\xfb";

	if (!mkdtemp(dir))
		return -1;
	srand(3);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(rand() >> 7 | 0x80);
	put("kernel", "ARMd", 4, 56, 65536);
	pack("kernel.gz", "ARMd", 4, 56, 65536);
	put("x86", "HdrS", 4, 0x202, 8192);
	pack("x86.gz", "HdrS", 4, 0x202, 8192);
	put("initrd", "070701", 6, 0, 1000);
	pack("initrd.gz", "070701", 6, 0, 1000);
	put("initrd.xz", "\xfd" "7zXZ\0", 6, 0, 1000);
	put("new", "", 0, 0, 1 << 20);
	put("short", "", 0, 0, 1000);
	put("mbr", "\x55\xaa", 2, 510, 1 << 20);
	put("ext4", "\x53\xef", 2, 0x438, 1 << 20);
	q2[7] = 2;                      /* version, bits of a cluster, size */
	q2[23] = 16;
	st64be(q2 + 24, 1 << 20);
	q2[39] = 1;                     /* tables: one cluster each */
	st64be(q2 + 40, 3 << 16);
	st64be(q2 + 48, 1 << 16);
	q2[59] = 1;
	put("q2", q2, sizeof(q2), 0, 4 << 16);
	put("tree", "\xd0\x0d\xfe\xed", 4, 0, 100);
	put("vmdk", "KDMV", 4, 0, 65536);
	put("text", "hello\n", 6, 0, 6);
	put("noise", noise, sizeof(noise), 0, sizeof(noise));
	put("empty", "", 0, 0, 0);
	put("bundle.json", "{\"cpus\":1}", 10, 0, 10);
	config_init(&c);
	return 0;
}

static int clean(void **state)
{
	char cmd[64];

	config_fini(&c);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts), cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("things", tests, setup, clean);
}
