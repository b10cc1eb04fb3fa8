/* kvm_walk.c and kvm_insn.c: translation by the guest's tables, and which
 * words are loads and stores. Built for aarch64 only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../src/kvm.h"
#include "fake.h"

#define TABLE(n) (FAKE_RAM + 0x10000ull * (n))
#define BLOCK 0x705ull
#define NEXT 3ull

static struct fake *f;
static struct kvm_tables t;

static void put(uint64_t table, unsigned index, uint64_t d)
{
	assert_int_equal(dma_store(&f->dma, table + 8 * index, 8, d), 0);
}

static int setup(void **state)
{
	f = fake_new_ram(0x80000);
	t = (struct kvm_tables){ .sctlr = 1, .as = f->as,
				 .ttbr = { TABLE(1), TABLE(4) } };
	return 0;
}

static int teardown(void **state)
{
	fake_free(f);
	return 0;
}

static void is(uint64_t va, uint64_t want)
{
	uint64_t gpa = 0;

	assert_int_equal(kvm_walk(&t, va, &gpa), WALK_OK);
	assert_int_equal(gpa, want);
}

static void faults(uint64_t va)
{
	uint64_t gpa;

	assert_int_equal(kvm_walk(&t, va, &gpa), WALK_FAULT);
}

static void test_off(void **state)
{
	uint32_t insn;

	t.sctlr = 0;
	is(0x20010024, 0x20010024);
	put(FAKE_RAM, 0, 0xd503207fd503201f);
	assert_int_equal(kvm_fetch(&t, FAKE_RAM + 4, &insn), WALK_OK);
	assert_int_equal(insn, 0xd503207f);
	assert_int_equal(kvm_fetch(&t, FAKE_RAM + 2, &insn), WALK_FAULT);
	assert_int_equal(kvm_fetch(&t, 0x20010000, &insn), WALK_FAULT);
}

/* 4 KiB, 48 bits below and above: four levels, blocks of 1 GiB and 2 MiB. */
static void test_4k(void **state)
{
	t.tcr = 16 | 16ull << 16 | 2ull << 30;
	put(TABLE(1), 0, TABLE(2) | NEXT);
	put(TABLE(2), 0, 0x40000000 | BLOCK);
	put(TABLE(2), 1, TABLE(3) | NEXT);
	put(TABLE(3), 3, 0x20000000 | BLOCK);
	put(TABLE(3), 4, (TABLE(3) + 0x1000) | NEXT);
	put(TABLE(3) + 0x1000, 5, 0x0060000010007703);
	put(TABLE(3) + 0x1000, 6, 0x20010705);          /* reserved */
	is(0x123456, 0x40123456);
	is(0x40600000 + 0x10024, 0x20010024);
	is(0x40805123, 0x10007123);
	faults(0x40806000);
	faults(0x40807000);
	faults(0x40000000);
	faults(0x80000000);
	faults(0x8000000000);
	faults(1ull << 48);
	put(TABLE(4), 511, TABLE(5) | NEXT);
	put(TABLE(5), 511, 0x80000000 | BLOCK);
	is(0xffffffffc0000010, 0x80000010);
	faults(0xfffeffffc0000010);
	/* a table that is not in RAM */
	put(TABLE(5), 510, 0x30000000 | NEXT);
	faults(0xffffffff80000000);
	t.tcr |= 1 << 23;                               /* EPD1 */
	faults(0xffffffffc0000010);
	t.tcr |= 1 << 7;
	faults(0x123456);
}

static void test_tbi(void **state)
{
	t.tcr = 25;                                     /* 39 bits */
	put(TABLE(1), 1, 0x40000000 | BLOCK);
	is(0x40000004, 0x40000004);
	faults(0x5a00000040000004);
	t.tcr |= 1ull << 37;
	is(0x5a00000040000004, 0x40000004);
	faults(0x5a00010040000004);
}

static void test_16k_64k(void **state)
{
	/* 16 KiB, 36 bits: tables at level 2, two entries wide on top */
	t.tcr = 28 | 2 << 14;
	put(TABLE(1), 16, 0x20000000 | BLOCK);          /* 32 MiB */
	put(TABLE(1), 17, TABLE(2) | NEXT);
	put(TABLE(2), 2, 0x30004703);
	is(16ull << 25 | 0x10024, 0x20010024);
	is((17ull << 25) + 0x8000 + 0x123, 0x30004123);
	faults(18ull << 25);
	/* 64 KiB, 42 bits */
	t.tcr = 22 | 1 << 14;
	put(TABLE(1), 1, 0x20000000 | BLOCK);           /* 512 MiB */
	put(TABLE(1), 2, TABLE(3) | NEXT);
	put(TABLE(3), 8191, 0x50010703);
	is((1ull << 29) + 0x10024, 0x20010024);
	is((3ull << 29) - 1, 0x5001ffff);
	faults(3ull << 29);
}

static void test_unknown(void **state)
{
	uint64_t gpa;

	t.tcr = 12;                                     /* 52 bits */
	assert_int_equal(kvm_walk(&t, 0, &gpa), WALK_UNKNOWN);
	t.tcr = 16 | 3 << 14;                           /* reserved granule */
	assert_int_equal(kvm_walk(&t, 0, &gpa), WALK_UNKNOWN);
	t.tcr = 63;
	assert_int_equal(kvm_walk(&t, 0, &gpa), WALK_UNKNOWN);
}

static void test_insn(void **state)
{
	static const uint32_t not[] = {
		0x885f7c20,     /* ldxr w0, [x1] */
		0xb8210020,     /* ldadd w1, w0, [x1] */
		0x08a17c20,     /* casb */
		0xf9800020,     /* prfm */
		0xf8200420,     /* ldraa */
		0x69000020,     /* stgp */
		0x18000000,     /* ldr w0, literal */
		0x4c400020,     /* ld4 {v0.16b-v3.16b} */
		0x4d400020,     /* ld1 {v0.b}[0] */
		0xd503201f,     /* nop */
		0x3c800020 | 1u << 30,  /* 128 bits with a size */
	};
	struct kvm_insn i;

	for (unsigned k = 0; k < sizeof(not) / sizeof(not[0]); k++)
		assert_false(kvm_insn(not[k], &i));
	assert_true(kvm_insn(0xa9bf7bfd, &i));  /* stp x29, x30, [sp, #-16]! */
	assert_true(!i.load && !i.simd && i.wback && !i.post && i.n == 2 &&
		    i.size == 3 && i.rn == 31 && i.rt[0] == 29 &&
		    i.rt[1] == 30 && i.off == -16);
	assert_true(kvm_insn(0xb8627820, &i));  /* ldr w0, [x1, x2, lsl #2] */
	assert_true(i.load && i.by_reg && i.rm == 2 && i.extend == 3 &&
		    i.shift == 2 && i.size == 2 && !i.wback);
	assert_true(kvm_insn(0x79c00420, &i));  /* ldrsh w0, [x1, #2] */
	assert_true(i.load && i.sext && !i.to64 && i.size == 1 && i.off == 2);
	assert_true(kvm_insn(0x4cdf2020, &i));  /* ld1 {v0-v3.16b}, [x1], #64 */
	assert_true(i.load && i.simd && i.n == 4 && i.size == 4 && i.post &&
		    i.off == 64);
	assert_true(kvm_insn(0x3cc10420, &i));  /* ldr q0, [x1], #16 */
	assert_true(i.simd && i.load && i.size == 4 && i.post && i.off == 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_4k, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tbi, setup, teardown),
		cmocka_unit_test_setup_teardown(test_16k_64k, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test(test_insn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
