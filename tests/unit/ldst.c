/* Loads and stores: fast and slow paths, faults, writeback, SP checks. What
 * instructions compute is tests/diff/mem_host.c's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "memtest.h"

/* Three pages at VA; the third is read-only; nothing after it. A device page
 * at DEV. */
#define VA 0x7000000000ull
#define END (VA + 0x3000)
#define DEV 0x9000000000ull
static uint8_t ram[0x3000], dev[0x1000];
#undef X
#undef V
#define X (mt_cpu.x)
#define V(n) (mt_cpu.v[n])
#define SP (mt_cpu.x[REG_SP])
#define SCTLR_SA 8ull
#define SCTLR_SA0 16ull

static int setup(void **state)
{
	(void)state;
	mt_reset();
	mt.fill = true;
	for (unsigned i = 0; i < sizeof(ram); i++)
		ram[i] = (uint8_t)(i * 37 + (i >> 8) + 1);
	for (unsigned i = 0; i < sizeof(dev); i++)
		dev[i] = (uint8_t)(i ^ 0xa5);
	mt_map(VA, 0x2000, ram, true, false);
	mt_map(VA + 0x2000, 0x1000, ram + 0x2000, false, false);
	mt_map(DEV, 0x1000, dev, true, true);
	for (int i = 0; i < 31; i++)
		X[i] = 0xdead0000beef0000 + (uint64_t)i;
	for (int i = 0; i < 32; i++)
		V(i).d[0] = V(i).d[1] = 0x5555555555555500 + (uint64_t)i;
	SP = VA + 0x800;
	return 0;
}

static uint64_t ram64(unsigned off)
{
	uint64_t v;

	memcpy(&v, ram + off, 8);
	return v;
}

#define assert_done(w) assert_int_equal(mt_run(w), MT_DONE)
#define assert_undef(w) assert_int_equal(mt_run(w), MT_UNDEF)
#define assert_fault(w, fsc, addr) do { \
	assert_int_equal(mt_run(w), MT_RAISED); \
	assert_int_equal(mt_cpu.exc.esr, ESR(0x25, fsc)); \
	assert_int_equal(mt_cpu.exc.far, addr); \
} while (0)

enum {                          /* x1 = [x2], or as the name says */
	LDR_X1_X2 = 0xf9400041,
	STR_X1_X2 = 0xf9000041,
	LDR_X1_X2_8POST = 0xf8408441,
	LDR_X1_X2_8PRE = 0xf8408c41,
	STR_X1_X2_8POST = 0xf8008441,
	LDR_X1_SP = 0xf94003e1,
	LDP_X1_X3_X2 = 0xa9400c41,
	STP_X1_X3_X2 = 0xa9000c41,
	LDP_X1_X3_X2_16POST = 0xa8c10c41,
	STP_X29_X30_SP_16PRE = 0xa9bf7bfd,
	LDP_X29_X30_SP_16POST = 0xa8c17bfd,
};

static void test_rows(void **state)
{
	(void)state;
	for (int i = 0; i < MT_ROWS; i++)
		assert_non_null(mt_rows[i].dec);
}

/* The first access fills the TLB, later ones do not leave the handler. */
static void test_fast(void **state)
{
	(void)state;
	X[2] = VA + 0x10;
	assert_done(LDR_X1_X2);
	assert_int_equal(X[1], ram64(0x10));
	assert_int_equal(mt.loads, 1);
	X[2] = VA + 0xff8;
	assert_done(LDR_X1_X2);
	assert_int_equal(X[1], ram64(0xff8));
	X[2] = VA + 0x123;
	assert_done(LDR_X1_X2);
	assert_int_equal(X[1], ram64(0x123));
	assert_done(LDP_X1_X3_X2);
	assert_int_equal(X[3], ram64(0x12b));
	assert_int_equal(mt.loads, 1);
	/* stores have their own */
	X[1] = 0x1122334455667788;
	assert_done(STR_X1_X2);
	assert_int_equal(mt.stores, 1);
	X[2] = VA + 0x20;
	assert_done(STR_X1_X2);
	assert_int_equal(mt.stores, 1);
	assert_int_equal(ram64(0x20), 0x1122334455667788);
	/* crossing into the next page */
	X[2] = VA + 0xffc;
	assert_done(LDR_X1_X2);
	assert_int_equal(mt.loads, 2);
	assert_int_equal(X[1], ram64(0xffc));
	X[2] = VA + 0xff8;
	assert_done(LDP_X1_X3_X2);
	assert_int_equal(mt.loads, 3);
	assert_int_equal(X[3], ram64(0x1000));
	/* the page before, same index as nothing: no false hit */
	X[2] = VA - 8;
	assert_fault(LDR_X1_X2, MT_TRANS, VA - 8);
	X[2] = VA - 4;
	assert_fault(LDR_X1_X2, MT_TRANS, VA - 4);
	/* a tag in the top byte is another page */
	X[2] = VA + 0x10 + (1ull << 56);
	assert_fault(LDR_X1_X2, MT_TRANS, X[2]);
}

static void test_zr(void **state)
{
	(void)state;
	X[2] = VA;
	for (int i = 0; i < 2; i++) {
		assert_done(0xf940005f);                /* ldr xzr, [x2] */
		assert_done(0xa9407c5f);                /* ldp xzr, xzr */
		assert_int_equal(mt_cpu.x[REG_ZERO], 0);
		assert_int_equal(SP, VA + 0x800);
		assert_done(0xf900005f);                /* str xzr, [x2] */
		assert_int_equal(ram64(0), 0);
		mt.fill = false;
		mt_flush();
	}
	X[2] = END;
	assert_fault(0xf940005f, MT_TRANS, END);
}

static void test_fault_keeps_state(void **state)
{
	(void)state;
	uint64_t x1 = X[1], x3 = X[3], word;

	X[2] = END - 4;
	assert_fault(LDR_X1_X2_8POST, MT_TRANS, END);
	assert_int_equal(X[2], END - 4);
	assert_fault(LDP_X1_X3_X2, MT_TRANS, END);
	assert_int_equal(X[1], x1);
	X[2] = END - 8;
	assert_fault(LDR_X1_X2_8PRE, MT_TRANS, END);
	assert_int_equal(X[2], END - 8);
	assert_fault(LDP_X1_X3_X2_16POST, MT_TRANS, END);
	assert_int_equal(X[1], x1);
	assert_int_equal(X[3], x3);
	assert_int_equal(X[2], END - 8);
	/* the second page cannot be written: the first is not either */
	X[2] = VA + 0x1ffc;
	word = ram64(0x1ff8);
	assert_fault(STR_X1_X2, MT_PERM | MT_WNR, VA + 0x2000);
	X[2] = VA + 0x1ff8;
	assert_fault(STP_X1_X3_X2, MT_PERM | MT_WNR, VA + 0x2000);
	X[2] = VA + 0x1fe8;
	assert_fault(0xad000440, MT_PERM | MT_WNR, VA + 0x2000); /* stp q0, q1 */
	X[2] = VA + 0x1ff8;
	assert_fault(0x4c002040, MT_PERM | MT_WNR, VA + 0x2000); /* st1 4x16b */
	X[2] = VA + 0x1fff;
	assert_fault(0x0d206040, MT_PERM | MT_WNR, VA + 0x2000); /* st4 b[0] */
	assert_int_equal(ram64(0x1ff8), word);
	/* loads of many registers: none changes */
	X[2] = END - 24;
	assert_fault(0xad400440, MT_TRANS, END);        /* ldp q0, q1 */
	assert_fault(0x4c402040, MT_TRANS, END);        /* ld1 4x16b */
	assert_fault(0x4cc00040, MT_TRANS, END);        /* ld4 4x16b, [x2], x0 */
	assert_int_equal(X[2], END - 24);
	for (int i = 0; i < 4; i++)
		assert_int_equal(V(i).d[0], 0x5555555555555500 + (uint64_t)i);
}

/* spec/cpu.md 3.9 */
static void test_overlap(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		X[2] = VA + 0x40;
		assert_done(0xf8408442);        /* ldr x2, [x2], #8 */
		assert_int_equal(X[2], ram64(0x40));
		X[2] = VA + 0x40;
		assert_done(0xa8c10c42);        /* ldp x2, x3, [x2], #16 */
		assert_int_equal(X[2], ram64(0x40));
		assert_int_equal(X[3], ram64(0x48));
		X[2] = VA + 0x40;
		assert_done(0xf8008442);        /* str x2, [x2], #8 */
		assert_int_equal(ram64(0x40), VA + 0x40);
		assert_int_equal(X[2], VA + 0x48);
		mt.fill = false;
		mt_flush();
	}
}

static void test_sp(void **state)
{
	static const uint32_t w[] = {
		LDR_X1_SP, STP_X29_X30_SP_16PRE, LDP_X29_X30_SP_16POST,
		0xf84003e1,                     /* ldur x1, [sp] */
		0xf86163e1 | 0x0800,            /* ldr x1, [sp, x1] */
		0x3d8003e0,                     /* str q0, [sp] */
		0x4c4073e0,                     /* ld1 {v0.16b}, [sp] */
		0x0d4003e0,                     /* ld1 {v0.b}[0], [sp] */
		0xc85f7fe1,                     /* ldxr x1, [sp] */
		0xf82103e1,                     /* ldadd x1, x1, [sp] */
		0xc8dfffe1,                     /* ldar x1, [sp] */
		0xf8400be1,                     /* ldtr x1, [sp] */
		0xd94003e1,                     /* ldapur x1, [sp] */
	};

	(void)state;
	for (int fill = 0; fill < 2; fill++) {
		for (unsigned i = 0; i < sizeof(w) / sizeof(w[0]); i++) {
			setup(NULL);
			mt.fill = fill;
			mt_cpu.sr.sctlr = SCTLR_SA;
			X[1] = 0;
			assert_done(w[i]);
			unsigned n = mt.loads + mt.stores + mt.hosts;
			SP += 8;
			uint64_t sp = SP;

			assert_int_equal(mt_run(w[i]), MT_RAISED);
			assert_int_equal(mt_cpu.exc.esr, ESR(0x26, 0));
			assert_false(mt_cpu.exc.has_far);
			assert_int_equal(SP, sp);
			assert_int_equal(mt.loads + mt.stores + mt.hosts, n);
			mt_cpu.sr.sctlr = SCTLR_SA0;    /* not this EL's */
			X[1] = 0;
			assert_done(w[i]);
			mt_cpu.el = 0;
			mt_cpu.tlb = &mt_cpu.views[TLB_EL0];
			SP = sp;
			assert_int_equal(mt_run(w[i]), MT_RAISED);
			assert_int_equal(mt_cpu.exc.esr, ESR(0x26, 0));
			mt_cpu.sr.sctlr = SCTLR_SA;
			X[1] = 0;
			assert_done(w[i]);
		}
	}
	setup(NULL);
	mt_cpu.sr.sctlr = SCTLR_SA;
	SP = 8;
	assert_done(0xf98003e0);                /* prfm pldl1keep, [sp] */
	assert_done(0xf88003e0);                /* prfum */
	/* the frame itself */
	setup(NULL);
	mt_cpu.sr.sctlr = SCTLR_SA;
	X[29] = 29;
	X[30] = 30;
	assert_done(STP_X29_X30_SP_16PRE);
	assert_int_equal(SP, VA + 0x7f0);
	assert_int_equal(ram64(0x7f0), 29);
	assert_int_equal(ram64(0x7f8), 30);
	X[29] = X[30] = 0;
	assert_done(LDP_X29_X30_SP_16POST);
	assert_int_equal(SP, VA + 0x800);
	assert_int_equal(X[29], 29);
	assert_int_equal(X[30], 30);
}

/* CTX_ALIGN: nothing is decided without mem_*. */
static void test_align(void **state)
{
	(void)state;
	mt.ctx = CTX_ALIGN;
	mt_cpu.sr.sctlr = SCTLR_A;
	X[2] = VA;
	assert_done(LDR_X1_X2);
	assert_done(LDR_X1_X2);
	assert_int_equal(mt.loads, 2);
	X[2] = VA + 1;
	assert_fault(LDR_X1_X2, MT_ALIGN, VA + 1);
	X[2] = VA + 8;
	assert_done(LDP_X1_X3_X2);              /* by the element */
	assert_fault(0xad400440, MT_ALIGN, VA + 8);     /* ldp q0, q1: 16 */
	assert_fault(0xad000440, MT_ALIGN | MT_WNR, VA + 8);
	assert_fault(0x3dc00040, MT_ALIGN, VA + 8);     /* ldr q0 */
	assert_done(0x4c402040);                /* ld1 {v0.16b - v3.16b} */
	assert_done(0x4c402c40);                /* ld1 {v0.2d - v3.2d} */
	X[2] = VA + 4;
	assert_done(0x4c402840);                /* .4s */
	assert_fault(0x4c402c40, MT_ALIGN, VA + 4);
	assert_fault(0x4c002c40, MT_ALIGN | MT_WNR, VA + 4);
	assert_fault(0x4d408440, MT_ALIGN, VA + 4);     /* ld1 {v0.d}[1] */
}

static void test_unpriv(void **state)
{
	enum { LDTR = 0xf8400841, STTR = 0xf8000841 };

	(void)state;
	X[2] = VA;
	mt.fill = false;
	assert_done(LDTR);
	assert_int_equal(mt.last_flags, MEM_UNPRIV);
	mt_cpu.pstate |= PS_UAO;
	assert_done(STTR);
	assert_int_equal(mt.last_flags, 0);
	mt_cpu.pstate &= ~PS_UAO;
	/* its fast path is EL0's view, not the current one */
	mt_cpu.tlb->r[VA >> 12 & 255] =
		(struct tlbe){ VA, (uintptr_t)dev };
	mt.loads = 0;
	assert_done(LDTR);
	assert_int_equal(mt.loads, 1);
	mt_cpu.views[TLB_EL0].r[VA >> 12 & 255] =
		(struct tlbe){ VA, (uintptr_t)(ram + 0x1000) };
	assert_done(LDTR);
	assert_int_equal(mt.loads, 1);
	assert_int_equal(X[1], ram64(0x1000));
	mt_cpu.pstate |= PS_UAO;
	assert_done(LDTR);                      /* slow, and ordinary */
	assert_int_equal(mt.loads, 2);
	assert_int_equal(mt.last_flags, 0);
	mt_cpu.pstate &= ~PS_UAO;
	mt_cpu.el = 0;
	mt_flush();
	assert_done(LDTR);
	assert_int_equal(mt.last_flags, 0);
}

static void test_literal(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mt_run_at(0x58000081, VA + 0x100), MT_DONE);
		assert_int_equal(X[1], ram64(0x110));   /* ldr x1, .+16 */
		assert_int_equal(mt_run_at(0x98ffffe1, VA + 0x100), MT_DONE);
		assert_int_equal(X[1], (int64_t)(int32_t)ram64(0xfc));
		assert_int_equal(mt_run_at(0x9c000080, VA + 0x100), MT_DONE);
		assert_int_equal(V(0).d[1], ram64(0x118)); /* ldr q0 */
		mt.fill = false;
		mt_flush();
	}
	assert_int_equal(mt_run_at(0xd8000081, END), MT_DONE); /* prfm */
	assert_int_equal(mt_run_at(0x58000001, END), MT_RAISED);
}

static void test_simd(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		X[2] = VA + 0x20;
		assert_done(0x3d40005f);                /* ldr b31, [x2] */
		assert_int_equal(V(31).d[0], ram[0x20]);
		assert_int_equal(V(31).d[1], 0);
		/* wraps from v31 to v0, post-index by bytes */
		assert_done(0x4cdfa05f);        /* ld1 {v31.16b, v0.16b}, #32 */
		assert_int_equal(V(31).d[1], ram64(0x28));
		assert_int_equal(V(0).d[0], ram64(0x30));
		assert_int_equal(X[2], VA + 0x40);
		X[4] = (uint64_t)-32;
		assert_done(0x0cc4a05f);        /* ld1 {v31.8b, v0.8b}, x4 */
		assert_int_equal(V(31).d[0], ram64(0x40));
		assert_int_equal(V(31).d[1], 0);
		assert_int_equal(X[2], VA + 0x20);
		assert_done(0x0cdf0040);        /* ld4 {v0.8b - v3.8b}, #32 */
		assert_int_equal(X[2], VA + 0x40);
		for (unsigned j = 0; j < 8; j++)
			assert_int_equal(V(2).b[j], ram[0x20 + 4 * j + 2]);
		assert_int_equal(V(3).d[1], 0);
		V(5).d[0] = V(5).d[1] = ~0ull;
		assert_done(0x4d408045 | 1 << 12);      /* ld1 {v5.s}[3] */
		assert_int_equal(V(5).s[3], (uint32_t)ram64(0x40));
		assert_int_equal(V(5).s[2], ~0u);
		assert_int_equal(V(5).d[0], ~0ull);
		assert_done(0x4ddfc845);        /* ld1r {v5.4s}, #4 */
		assert_int_equal(V(5).s[3], (uint32_t)ram64(0x40));
		assert_int_equal(X[2], VA + 0x44);
		mt.fill = false;
		mt_flush();
	}
}

/* Device memory: one access an element, no host pointer. */
static void test_device(void **state)
{
	(void)state;
	X[2] = DEV;
	assert_done(0x4c402840);                /* ld1 {v0.4s - v3.4s} */
	assert_int_equal(mt.loads, 16);
	assert_memory_equal(&V(3), dev + 48, 16);
	assert_done(0x4c002c40);                /* st1 {v0.2d - v3.2d} */
	assert_int_equal(mt.stores, 8);
	assert_done(LDR_X1_X2);
	assert_done(LDR_X1_X2);
	assert_int_equal(mt.loads, 18);
}

static void test_ldra(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		X[2] = VA + 0x200 + (0x55ull << 48);
		assert_done(0xf8208441);        /* ldraa x1, [x2, #64] */
		assert_int_equal(X[1], ram64(0x240));
		assert_int_equal(X[2] >> 48, 0x55);
		assert_done(0xf8fffc41);        /* ldrab x1, [x2, #-8]! */
		assert_int_equal(X[1], ram64(0x1f8));
		assert_int_equal(X[2], VA + 0x1f8);
		mt.fill = false;
		mt_flush();
	}
	X[2] = 1ull << 63;
	assert_int_equal(mt_run(0xf8208441), MT_RAISED);
	assert_int_equal(mt_cpu.exc.esr, ESR(0x1c, PAUTH_DA));
	X[2] = END;
	assert_int_equal(mt_run(0xf8200c41), MT_RAISED);        /* ldraa ! */
	assert_int_equal(X[2], END);
}

static void test_undef(void **state)
{
	static const uint32_t w[] = {
		0xb8c00041,                     /* ldursw to W */
		0xf8c00041,                     /* size 11 opc 11 unscaled */
		0xf8800441,                     /* prfm post-index */
		0xf8800c41,                     /* prfm pre-index */
		0xf8800841,                     /* ldtr, size 11 opc 10 */
		0xb9c00041, 0xf9c00041,
		0x38600841 & ~0x4000u,          /* option 00x: ldrb reg */
		0xf8602841 & ~0x2000u,          /* ldr, option 000 */
		0xf8a02841 & ~0x2000u,          /* prfm, option 000 */
		0x7dc00041 | 1u << 23,          /* fp size 01 opc 11 */
		0xbd800041, 0xfd800041,         /* q bit with size */
		0x68400c41,                     /* ldnp of ldpsw */
		0x68000c41, 0x69000c41,         /* stgp without MTE */
		0xe8400c41, 0xe9400c41,         /* pair opc 11 */
		0xed400c41,                     /* fp pair opc 11 */
		0xdc000041,                     /* fp literal opc 11 */
		0x0c401040, 0x0c403040, 0x0c405040, 0x0c409040, 0x0c40b040,
		0x0c40c040, 0x0c400c40,         /* ld4 .1d */
		0x0c408c40,                     /* ld2 .1d */
		0x0c412040,                     /* Rm without post-index */
		0x0d00c040,                     /* st1r */
		0x0d40d040,                     /* ld1r with S */
		0x0d404440,                     /* ld1 h, size<0> */
		0x0d408840,                     /* ld1 s, size 10 */
		0x0d409440,                     /* ld1 d with S */
	};

	(void)state;
	X[2] = VA;
	X[0] = 0;
	for (unsigned i = 0; i < sizeof(w) / sizeof(w[0]); i++)
		if (mt_run(w[i]) != MT_UNDEF)
			print_error("%08x is not undefined\n", w[i]);
	for (unsigned i = 0; i < sizeof(w) / sizeof(w[0]); i++)
		assert_undef(w[i]);
	mt.model.has[FEAT_PAuth] = false;
	assert_undef(0xf8208441);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rows, setup),
		cmocka_unit_test_setup(test_fast, setup),
		cmocka_unit_test_setup(test_zr, setup),
		cmocka_unit_test_setup(test_fault_keeps_state, setup),
		cmocka_unit_test_setup(test_overlap, setup),
		cmocka_unit_test_setup(test_sp, setup),
		cmocka_unit_test_setup(test_align, setup),
		cmocka_unit_test_setup(test_unpriv, setup),
		cmocka_unit_test_setup(test_literal, setup),
		cmocka_unit_test_setup(test_simd, setup),
		cmocka_unit_test_setup(test_device, setup),
		cmocka_unit_test_setup(test_ldra, setup),
		cmocka_unit_test_setup(test_undef, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
