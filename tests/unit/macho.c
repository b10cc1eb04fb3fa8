/* Mach-O kernels, and where xnu_load puts all that belongs to one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "adt.h"
#include "data.h"
#include "xnu_load.h"

#define LINK 0xfffffe0007004000ull
#define SIZE 0x8000
#define BASE 0x70000000ull
#define ROOM (256ull << 20)

enum { SEG0 = 32, SEG1 = SEG0 + 72, THREAD = SEG1 + 72,
       VERSION = THREAD + 288, END = VERSION + 16 };

static uint8_t file[SIZE];

static void segment(uint8_t *p, const char *name, uint64_t va, uint64_t size,
		    uint64_t off, uint64_t n)
{
	st32(p, 0x19);
	st32(p + 4, 72);
	memcpy(p + 8, name, strlen(name));
	st64(p + 24, va);
	st64(p + 32, size);
	st64(p + 40, off);
	st64(p + 48, n);
	st32(p + 60, 5);
}

static int setup(void **state)
{
	memset(file, 0, sizeof(file));
	st32(file, 0xfeedfacf);
	st32(file + 4, 0x0100000c);
	st32(file + 12, 2);
	st32(file + 16, 4);
	st32(file + 20, END - 32);
	segment(file + SEG0, "__TEXT", LINK, 0x4000, 0, 0x4000);
	segment(file + SEG1, "__DATA", LINK + 0x8000, 0x8000, 0x4000, 0x4000);
	st32(file + THREAD, 5);
	st32(file + THREAD + 4, 288);
	st32(file + THREAD + 8, 6);
	st32(file + THREAD + 12, 68);
	st64(file + THREAD + 16 + 256, LINK + 0x1000);
	st32(file + VERSION, 0x2a);
	st32(file + VERSION + 4, 16);
	st64(file + VERSION + 8, 11417ull << 40 | 101ull << 30 | 15ull << 20);
	for (unsigned i = 0x1000; i < SIZE; i++)
		file[i] = (uint8_t)(i >> 4);
	return 0;
}

static void parse(void **state)
{
	struct macho m;

	assert_true(macho_is(file, SIZE));
	assert_null(macho_parse(file, SIZE, &m));
	assert_false(m.fileset);
	assert_int_equal(m.nsegs, 2);
	assert_true(m.low == LINK);
	assert_true(m.high == LINK + 0x10000);
	assert_true(m.entry == LINK + 0x1000);
	assert_int_equal(m.version[0], 11417);
	assert_int_equal(m.version[1], 101);
	assert_int_equal(m.version[2], 15);
	assert_string_equal(m.seg[1].name, "__DATA");
}

static void bad(unsigned at, uint64_t v, unsigned bytes, const char *want)
{
	struct macho m;
	const char *got;

	setup(NULL);
	memcpy(file + at, &v, bytes);
	got = macho_parse(file, SIZE, &m);
	if (!got || !strstr(got, want))
		fail_msg("%s: %s", want, got ? got : "taken");
}

static void refused(void **state)
{
	bad(0, 0xfeedface, 4, "header");
	bad(4, 7, 4, "another CPU");
	bad(12, 6, 4, "neither");
	bad(16, 9000, 4, "cut short");
	bad(16, 5, 4, "size is wrong");
	bad(20, SIZE, 4, "cut short");
	bad(20, 100, 4, "size is wrong");
	bad(SEG0 + 4, 0, 4, "size is wrong");
	bad(SEG0 + 4, 7, 4, "size is wrong");
	bad(SEG0 + 4, 40, 4, "too short");
	bad(SEG0 + 24, UINT64_MAX - 5, 8, "wraps");
	bad(SEG0 + 40, SIZE, 8, "behind the file");
	bad(SEG0 + 40, UINT64_MAX, 8, "behind the file");
	bad(SEG0 + 48, 0x4001, 8, "larger in the file");
	bad(SEG0 + 24, 0, 8, "too far apart");
	bad(THREAD + 8, 1, 4, "not arm64's");
	bad(THREAD + 16 + 256, 0, 8, "entry is 0");
	bad(THREAD + 16 + 256, LINK + 0x4000, 8, "no segment");
	bad(THREAD + 16 + 256, LINK + 2, 8, "not aligned");
	bad(THREAD, 0x99, 4, "no LC_UNIXTHREAD");
	bad(VERSION, 5, 4, "not arm64's");
}

static void cuts(void **state)
{
	struct macho m;

	for (size_t n = 0; n < SIZE; n += n < 600 ? 1 : 97) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, file, n);
		assert_non_null(macho_parse(copy, n, &m));
		free(copy);
	}
}

/* ---- loading -------------------------------------------------------------------- */

static uint8_t *ram;
static uint8_t work[XNU_TREE_MAX];
static struct xnu_out out;
static struct xnu_machine machine;
static struct xnu_in in;

static int setup_load(void **state)
{
	setup(state);
	ram = malloc(ROOM);
	memset(ram, 0xa5, 64 << 20);
	machine = (struct xnu_machine){
		.ram_base = BASE, .ram_size = ROOM, .cpus = 3, .ecid = 99,
		.serial = "SERIAL", .model = "MODEL", .seed = { 1 },
		.mac = { { 2, 3, 4, 5, 6, 7 } }, .timebase = 25000000,
		.affinity = { 0, 1, 0x1f },
	};
	in = (struct xnu_in){
		.kernel = { file, SIZE }, .machine = &machine, .ram = ram,
		.room = ROOM, .work = work, .command_line = "serial=3",
	};
	return 0;
}

static int teardown_load(void **state)
{
	free(ram);
	return 0;
}

static void layout(void **state)
{
	static const uint8_t trust[70000] = { 1 }, disk[5] = "disk";
	const uint8_t *args;

	in.trust = (struct xnu_file){ trust, sizeof(trust) };
	in.ramdisk = (struct xnu_file){ disk, sizeof(disk) };
	assert_null(xnu_load(&in, &out));
	assert_int_equal(out.virt_base % (32 << 20), 0);
	assert_int_equal(out.phys_base % (32 << 20), 0);
	assert_true(out.entry - out.phys_base == LINK + 0x1000 - out.virt_base);
	/* tree, trust cache directly behind it, kernel */
	assert_int_equal(out.tree % 0x4000, 0);
	assert_int_equal(out.trust % 0x4000, 0);
	assert_true(out.tree < out.trust);
	assert_true(out.trust + sizeof(trust) <= out.entry - 0x1000);
	assert_true(out.ramdisk >= out.entry + 0xf000);
	assert_memory_equal(ram + (out.ramdisk - BASE), "disk", 4);
	args = ram + (out.boot_args - BASE);
	assert_int_equal(ld16(args), 2);
	assert_int_equal(ld16(args + 2), 2);
	assert_true(ld64(args + 8) == out.virt_base);
	assert_true(ld64(args + 0x10) == out.phys_base);
	assert_true(ld64(args + 0x18) == BASE + ROOM - out.phys_base);
	assert_true(ld64(args + 0x20) == out.end);
	assert_true(ld64(args + 0x60) - out.virt_base ==
		    out.tree - out.phys_base);
	assert_true(out.tree + ld32(args + 0x68) == out.trust);
	assert_string_equal((const char *)args + 0x6c, "serial=3");
	assert_true(ld64(args + 0x478) == ROOM);
	/* segments, and zeros where the file has none */
	assert_memory_equal(ram + (out.entry - BASE), file + 0x1000, 0x3000);
	assert_memory_equal(ram + (out.entry + 0x7000 - BASE), file + 0x4000,
			    0x4000);
	for (unsigned i = 0; i < 0x4000; i++) {
		assert_int_equal(ram[out.entry + 0xb000 - BASE + i], 0);
		assert_int_equal(ram[out.entry + 0x3000 - BASE + i], 0);
	}
}

static void old_layout(void **state)
{
	const uint8_t *args;
	char line[609];

	st64(file + VERSION + 8, 8792ull << 40);
	memset(line, 'x', 608);
	line[607] = 0;
	in.command_line = line;
	assert_null(xnu_load(&in, &out));
	assert_int_equal(out.line_size, 608);
	args = ram + (out.boot_args - BASE);
	assert_true(ld64(args + 0x2d0) == 0);
	assert_true(ld64(args + 0x2d8) == ROOM);
	line[607] = 'x';
	line[608] = 0;
	assert_non_null(xnu_load(&in, &out));
	st64(file + VERSION + 8, 12377ull << 40);
	assert_null(xnu_load(&in, &out));
	assert_int_equal(ld16(ram + (out.boot_args - BASE)), 3);
}

static uint8_t *tree_prop(const char *path, const char *name, uint32_t *len)
{
	const uint8_t *args = ram + (out.boot_args - BASE);
	struct adt t = { ram + (out.tree - BASE), ld32(args + 0x68), 0 };
	size_t used, node;

	assert_null(adt_check(t.buf, t.len, &used));
	if (!adt_find(&t, path, &node))
		return NULL;
	return adt_prop(&t, node, name, len);
}

static void facts(void **state)
{
	uint32_t len;
	uint8_t *p;

	assert_null(xnu_load(&in, &out));
	assert_memory_equal(tree_prop("/chosen", "random-seed", &len),
			    machine.seed, 64);
	assert_int_equal(len, 64);
	assert_true(ld64(tree_prop("/chosen", "dram-base", &len)) == BASE);
	assert_true(ld64(tree_prop("/chosen", "dram-size", &len)) == ROOM);
	assert_true(ld64(tree_prop("/chosen", "unique-chip-id", &len)) == 99);
	assert_memory_equal(tree_prop("/chosen", "mac-address-ethernet0",
				      &len), machine.mac[0], 6);
	assert_null(tree_prop("/chosen", "mac-address-wifi0", &len));
	assert_string_equal((char *)tree_prop("/", "serial-number", &len),
			    "SERIAL");
	assert_string_equal((char *)tree_prop("/cpus/cpu0", "state", &len),
			    "running");
	assert_string_equal((char *)tree_prop("/cpus/cpu2", "state", &len),
			    "waiting");
	assert_int_equal(ld32(tree_prop("/cpus/cpu2", "reg", &len)), 0x1f);
	assert_null(tree_prop("/cpus/cpu3", "state", &len));
	p = tree_prop("/chosen/memory-map", "DeviceTree", &len);
	assert_int_equal(len, 16);
	assert_true(ld64(p) == out.tree);
	assert_null(tree_prop("/chosen/memory-map", "TrustCache", &len));
}

/* A template keeps what it has, loses what the machine has not. */
static void template(void **state)
{
	static uint8_t buf[65536];
	struct adt t;
	size_t cpus, n;
	uint32_t len;

	adt_new(&t, buf, sizeof(buf));
	adt_set_text(&t, 0, "own", "kept");
	adt_make(&t, 0, "cpus", &cpus);
	for (unsigned i = 0; i < 32; i++) {
		char name[6] = "cpu";

		name[3] = (char)(i < 10 ? '0' + i : '0' + i / 10);
		name[4] = (char)(i < 10 ? 0 : '0' + i % 10);
		adt_make(&t, cpus, name, &n);
		adt_set_text(&t, n, "own", name);
	}
	in.tree = (struct xnu_file){ buf, t.len };
	assert_null(xnu_load(&in, &out));
	assert_string_equal((char *)tree_prop("/", "own", &len), "kept");
	assert_string_equal((char *)tree_prop("/cpus/cpu2", "own", &len),
			    "cpu2");
	assert_null(tree_prop("/cpus/cpu3", "own", &len));
	assert_null(tree_prop("/cpus/cpu31", "own", &len));
	/* a host's own rate, under KVM: 25 MHz here */
	assert_memory_equal(tree_prop("/cpus/cpu0", "timebase-frequency", &len),
			    "\x40\x78\x7d\x01\0\0\0\0", 8);
	assert_int_equal(len, 8);
}

static void limits(void **state)
{
	in.room = 0x1010000;            /* ends inside of the kernel */
	assert_non_null(xnu_load(&in, &out));
	in.room = ROOM;
	in.ramdisk = (struct xnu_file){ file, ROOM };
	assert_non_null(xnu_load(&in, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(parse, setup),
		cmocka_unit_test_setup(refused, setup),
		cmocka_unit_test_setup(cuts, setup),
#define LOAD(f) cmocka_unit_test_setup_teardown(f, setup_load, teardown_load)
		LOAD(layout), LOAD(old_layout), LOAD(facts), LOAD(template),
		LOAD(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
