/* Apple device trees, and NVRAM banks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "adt.h"
#include "data.h"
#include "nvram.h"

DATA(bank, "tests/data/firmware/nvram.bin");

static uint8_t buf[4096];
static struct adt t;

static size_t make(size_t parent, const char *name)
{
	size_t n;

	assert_null(adt_make(&t, parent, name, &n));
	return n;
}

static int setup(void **state)
{
	size_t chosen, cpus;

	adt_new(&t, buf, sizeof(buf));
	assert_null(adt_set_text(&t, 0, "name", "device-tree"));
	chosen = make(0, "chosen");
	assert_null(adt_set_u64(&t, chosen, "dram-base", 0x70000000));
	make(chosen, "memory-map");
	cpus = make(0, "cpus");
	make(cpus, "cpu0");
	make(cpus, "cpu1");
	assert_null(adt_set_u32(&t, 0, "late", 7));
	return 0;
}

static void find(void **state)
{
	size_t used, n, chosen;
	uint32_t len, v;
	uint8_t *p;

	assert_null(adt_check(buf, t.len, &used));
	assert_int_equal(used, t.len);
	assert_true(adt_find(&t, "/", &n));
	assert_int_equal(n, 0);
	assert_true(adt_find(&t, "/chosen/memory-map", &n));
	assert_true(adt_find(&t, "chosen", &chosen));
	assert_false(adt_find(&t, "/chosen/memory", &n));
	assert_false(adt_find(&t, "/chosen/memory-map2", &n));
	assert_false(adt_find(&t, "/memory-map", &n));
	assert_true(adt_find(&t, "/cpus/cpu1", &n));
	p = adt_prop(&t, chosen, "dram-base", &len);
	assert_int_equal(len, 8);
	assert_true(ld64(p) == 0x70000000);
	p = adt_prop(&t, 0, "late", &len);
	memcpy(&v, p, 4);
	assert_int_equal(v, 7);
	assert_null(adt_prop(&t, 0, "lat", &len));
}

static void change(void **state)
{
	size_t used, n, before = t.len;
	uint32_t len;

	assert_true(adt_find(&t, "/chosen", &n));
	assert_null(adt_set(&t, n, "dram-base", "a longer value", 14));
	assert_int_equal(t.len, before + 8);
	assert_null(adt_check(buf, t.len, &used));
	assert_memory_equal(adt_prop(&t, n, "dram-base", &len),
			    "a longer value\0\0", 16);
	assert_null(adt_set(&t, n, "dram-base", "", 0));
	assert_int_equal(t.len, before - 8);
	assert_null(adt_set_u64(&t, n, "dram-base", 1));
	assert_int_equal(t.len, before);
	/* the same child is not made twice */
	assert_int_equal(make(n, "memory-map"), make(n, "memory-map"));
	assert_int_equal(t.len, before);
	/* what stands behind is still found */
	assert_true(adt_find(&t, "/cpus/cpu1", &n));
	assert_non_null(adt_set(&t, n, "a name of more than thirty-one chars",
				"", 0));
}

static void delete(void **state)
{
	size_t used, cpus, cpu;
	uint32_t i = 0;

	assert_true(adt_find(&t, "/cpus", &cpus));
	assert_true(adt_find(&t, "/cpus/cpu0", &cpu));
	adt_delete(&t, cpus, cpu);
	assert_null(adt_check(buf, t.len, &used));
	assert_int_equal(used, t.len);
	assert_false(adt_find(&t, "/cpus/cpu0", &cpu));
	assert_true(adt_child(&t, cpus, &i, &cpu));
	assert_false(adt_child(&t, cpus, &i, &cpu));
	assert_true(adt_find(&t, "/chosen", &cpu));
	adt_delete(&t, 0, cpu);
	assert_true(adt_find(&t, "/cpus/cpu1", &cpu));
	assert_null(adt_check(buf, t.len, &used));
}

static void no_room(void **state)
{
	size_t before = t.len, n;

	t.room = t.len + 40;
	assert_null(adt_set_u32(&t, 0, "fits", 1));
	assert_string_equal(adt_set_u32(&t, 0, "not", 1),
			    "device tree: no room to add to it");
	assert_non_null(adt_make(&t, 0, "node", &n));
	assert_true(t.len <= before + 40);
}

static void malformed(void **state)
{
	uint64_t seed = 11;
	size_t used;

	for (size_t n = 0; n < t.len; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, buf, n);
		if (!adt_check(copy, n, &used))
			fail_msg("cut at %zu", n);
		free(copy);
	}
	for (unsigned k = 0; k < 3000; k++) {
		uint8_t *copy = malloc(t.len);
		struct adt m = { copy, t.len, t.len };
		size_t node;

		memcpy(copy, buf, t.len);
		copy[data_random(&seed) % t.len] =
			(uint8_t)data_random(&seed);
		if (!adt_check(copy, t.len, &used)) {
			m.len = used;
			adt_find(&m, "/chosen/memory-map", &node);
			adt_find(&m, "/cpus/cpu1/x/y", &node);
		}
		free(copy);
	}
	/* sixteen levels are allowed, seventeen not */
	for (unsigned depth = 1; depth < 20; depth++) {
		uint8_t chain[20 * 8] = { 0 };

		for (unsigned i = 0; i + 1 < depth; i++)
			st32(chain + 8 * i + 4, 1);
		assert_int_equal(!adt_check(chain, 8 * depth, &used),
				 depth <= ADT_DEPTH);
	}
}

static void banks(void **state)
{
	struct nvram_walk w = { 0 };
	size_t n = DATA_SIZE(bank);
	uint8_t *copy = malloc(n);
	struct nvram_var v;
	struct nvram b;
	unsigned count = 0;

	assert_null(nvram_parse(bank, n, &b));
	assert_int_equal(b.size, n);
	assert_int_equal(b.generation, 1);
	assert_false(b.v3);
	while (nvram_next(&b, &w, &v))
		count++;
	assert_int_equal(count, 2);
	assert_true(nvram_get(&b, "boot-args", &v));
	assert_int_equal(v.value_len, 11);
	assert_memory_equal(v.value, "serial=3 -v", 11);
	assert_string_equal(v.partition, "common");
	assert_false(nvram_get(&b, "boot-arg", &v));
	memcpy(copy, bank, n);
	copy[5] ^= 1;
	assert_non_null(nvram_parse(copy, n, &b));      /* its name */
	memcpy(copy, bank, n);
	copy[1] ^= 1;
	assert_string_equal(nvram_parse(copy, n, &b),
			    "NVRAM: the header's checksum is wrong");
	memcpy(copy, bank, n);
	copy[n - 1] ^= 1;
	assert_non_null(strstr(nvram_parse(copy, n, &b), "Adler-32"));
	free(copy);
}

static void banks_v3(void **state)
{
	uint8_t p[256] = "NVV3";
	struct nvram_var v;
	struct nvram b;

	st32(p + 4, sizeof(p));
	st32(p + 8, 9);
	memcpy(p + 24, "\xaa\x55\xfd\0", 4);            /* deleted */
	st32(p + 24 + 8, 10);
	st32(p + 24 + 12, 3);
	memcpy(p + 24 + 36, "boot-args\0old", 13);
	memcpy(p + 73, "\xaa\x55\x7f\0", 4);
	st32(p + 73 + 8, 10);
	st32(p + 73 + 12, 2);
	memcpy(p + 73 + 36, "boot-args\0-v", 12);
	assert_null(nvram_parse(p, sizeof(p), &b));
	assert_true(b.v3);
	assert_int_equal(b.generation, 9);
	assert_true(nvram_get(&b, "boot-args", &v));
	assert_int_equal(v.value_len, 2);
	assert_memory_equal(v.value, "-v", 2);
	st32(p + 73 + 12, 1000);                        /* behind the bank */
	assert_false(nvram_get(&b, "boot-args", &v));
	st32(p + 4, 1 << 20);
	assert_non_null(nvram_parse(p, sizeof(p), &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(find, setup),
		cmocka_unit_test_setup(change, setup),
		cmocka_unit_test_setup(delete, setup),
		cmocka_unit_test_setup(no_room, setup),
		cmocka_unit_test_setup(malformed, setup),
		cmocka_unit_test(banks),
		cmocka_unit_test(banks_v3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
