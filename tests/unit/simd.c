/* simd.c: SIMD handlers called one by one: every row against outcomes recorded
 * from an emulator (simd_golden.h), and directed cases at the places where
 * emulators err (spec/cpu.md 10, items 35 to 40). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/interp/decode.h"
#include "../../src/interp/fp.h"
#include "../../src/interp/op.h"
#include "../diff/simd_test.h"

static struct cpu *cpu;
static struct cpu_model model;

static OP_CC OP_RET op_end(OP_ARGS)
{
	(void)c;
	(void)ip;
	OP_LEAVE();
}

/* Runs one word on cpu; false: undefined. */
static bool run(uint32_t w)
{
	struct rec r[2] = { 0 };

	if (!decode_row(w, &model))
		return false;
	decode_word(&r[0], w, 0, cpu->sr.fpcr ? CTX_FPSLOW : 0, &model);
	r[1].h = op_end;
	cpu->x[REG_ZERO] = 0;
	fp_enter(cpu);
	op_enter(r[0].h, cpu, &r[0]);
	fp_leave(cpu);
	return true;
}

static int setup(void **state)
{
	(void)state;
	cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~63ull);
	memset(cpu, 0, sizeof(*cpu));
	for (int i = 0; i < FEAT_COUNT; i++)
		model.has[i] = true;
	decode_init();
	return 0;
}
static int teardown(void **state)
{
	(void)state;
	free(cpu);
	return 0;
}

/* ---- recorded outcomes ------------------------------------------------------ */

static const struct {
	const char *name;
	uint64_t hash;
} golden[] = {
#include "simd_golden.h"
};

static void test_golden(void **state)
{
	int n, bad = 0;
	const struct a64_row *rows = decode_rows(&n);

	(void)state;
	for (unsigned g = 0; g < sizeof(golden) / sizeof(golden[0]); g++) {
		const struct a64_row *row = NULL;
		uint64_t h = SIMD_HASH;

		for (int i = 0; i < n; i++)
			if (strcmp(rows[i].name, golden[g].name) == 0)
				row = &rows[i];
		if (!row)
			fail_msg("no row %s", golden[g].name);
		for (unsigned k = 0; k < 100; k++) {
			struct simd_state st;
			struct simd_out o;
			uint32_t w = simd_word(row->name, row->mask,
					       row->value, 1, k);

			if (simd_qemu_bug(w))
				continue;
			simd_operands(&st, 1, w);
			memcpy(cpu->v, st.v, sizeof(st.v));
			memcpy(cpu->x, st.x, sizeof(st.x));
			cpu->sr.fpcr = (uint32_t)st.fpcr;
			cpu->sr.fpsr = 0;
			bool ok = run(w);

			memcpy(st.v, cpu->v, sizeof(st.v));
			memcpy(st.x, cpu->x, sizeof(st.x));
			st.fpsr = cpu->sr.fpsr;
			simd_outcome(&o, &st, w, !ok);
			h = simd_hash(h, &o);
		}
		if (h != golden[g].hash) {
			print_error("%s differs\n", row->name);
			bad++;
		}
	}
	cpu->sr.fpcr = 0;
	assert_int_equal(bad, 0);
}

/* ---- directed ---------------------------------------------------------------- */

static void set(int i, uint64_t hi, uint64_t lo)
{
	cpu->v[i].d[0] = lo;
	cpu->v[i].d[1] = hi;
}
#define ALL(v) (0x0101010101010101 * (v))
#define IS(i, hi, lo) do { \
	assert_true(cpu->v[i].d[0] == (lo)); \
	assert_true(cpu->v[i].d[1] == (hi)); \
} while (0)

/* v0 = 55.., v1, v2 given; the word; v0 and FPSR expected. */
static const struct {
	uint32_t w, fpcr;
	uint64_t n[2], m[2];            /* hi, lo */
	uint64_t want[2];
	uint32_t fpsr;
} cases[] = {
#define QC (1u << 27)
#define N0 { 0, 0 }
#define SAT8 ALL(0x7full)
	/* Q = 0 zeroes the upper half; scalars all above the element */
	{ 0x0e228420 /* add v0.8b, v1.8b, v2.8b */, 0, { ~0ull, ALL(0xffull) },
	  { ~0ull, ALL(2ull) }, { 0, ALL(1ull) }, 0 },
	{ 0x5e220c20 /* sqadd b0, b1, b2 */, 0, { ~0ull, 0x7f }, { ~0ull, 1 }, { 0, 0x7f },
	  QC },
	{ 0x5e220c20 /* sqadd b0, b1, b2 */, 0, { ~0ull, 0x7f7f00 }, { ~0ull, 0x010101 },
	  { 0, 1 }, 0 },
	/* lanes above Q = 0 set neither QC nor FP flags */
	{ 0x0e220c20 /* sqadd v0.8b, v1.8b, v2.8b */, 0, { SAT8, 0 }, { SAT8, 0 }, N0, 0 },
	{ 0x2e22fc20 /* fdiv v0.2s, v1.2s, v2.2s */, 0, { 0, 0x3f8000003f800000 },
	  { 0, 0x3f8000003f800000 }, { 0, 0x3f8000003f800000 }, 0 },
	{ 0x0e22d420 /* fadd v0.2s, v1.2s, v2.2s */, 0, { 0x7f8000007f800000, 0 },
	  { 0xff800000ff800000, 0 }, N0, 0 },
	/* inserts keep the rest */
	{ 0x6e1f0420 /* ins v0.b[15], v1.b[0] */, 0, { 0, 0xaa }, N0,
	  { 0xaa55555555555555, ALL(0x55ull) }, 0 },
	/* shifts: by the size, by negative bytes, rounding without overflow */
	{ 0x6f200420 /* ushr v0.4s, v1.4s, #32 */, 0, { ~0ull, ~0ull }, N0, N0, 0 },
	{ 0x5f400420 /* sshr d0, d1, #64 */, 0, { 0, 1ull << 63 }, N0, { 0, ~0ull }, 0 },
	{ 0x5f402420 /* srshr d0, d1, #64 */, 0, { 0, 1ull << 63 }, N0, N0, 0 },
	{ 0x7f402420 /* urshr d0, d1, #64 */, 0, { 0, 1ull << 63 }, N0, { 0, 1 }, 0 },
	{ 0x6f404420 /* sri v0.2d, v1.2d, #64 */, 0, N0, N0, { ALL(0x55ull), ALL(0x55ull) },
	  0 },
	{ 0x5ee24420 /* sshl d0, d1, d2 */, 0, { 0, 1ull << 63 }, { 0, 0xff80 },
	  { 0, ~0ull }, 0 },
	{ 0x7ee25420 /* urshl d0, d1, d2 */, 0, { 0, ~0ull }, { 0, 0xc0 }, { 0, 1 }, 0 },
	{ 0x5e225c20 /* sqrshl b0, b1, b2 */, 0, { 0, 0x80 }, { 0, 0x80 }, N0, 0 },
	{ 0x7e624c20 /* uqshl h0, h1, h2 */, 0, { 0, 1 }, { 0, 0xff10 }, { 0, 0xffff }, QC },
	{ 0x7e624c20 /* uqshl h0, h1, h2 */, 0, { 0, 0 }, { 0, 0xff7f }, N0, 0 },
	{ 0x7f086420 /* sqshlu b0, b1, #0 */, 0, { 0, 0x80 }, N0, N0, QC },
	{ 0x5f089c20 /* sqrshrn b0, h1, #8 */, 0, { 0, 0x7fff }, N0, { 0, 0x7f }, QC },
	{ 0x7f088c20 /* sqrshrun b0, h1, #8 */, 0, { 0, 0x8000 }, N0, N0, QC },
	{ 0x6f209c20 /* uqrshrn2 v0.4s, v1.2d, #32 */, 0, { ~0ull, 0x80000000 }, N0,
	  { 0xffffffff00000001, ALL(0x55ull) }, QC },
	/* products that saturate once, and not before */
	{ 0x5e62d020 /* sqdmull s0, h1, h2 */, 0, { 0, 0x8000 }, { 0, 0x8000 },
	  { 0, 0x7fffffff }, QC },
	{ 0x0e62b420 /* sqdmulh v0.4h, v1.4h, v2.4h */, 0, { 0, 0x8000 }, { 0, 0x8000 },
	  { 0, 0x7fff }, QC },
	{ 0x7e428420 /* sqrdmlah h0, h1, h2 */, 0, { 0, 0x8000 }, { 0, 0x8000 },
	  { 0, 0x7fff }, QC },
	{ 0x4e22e020 /* pmull2 v0.8h, v1.16b, v2.16b */, 0, { 0xff, 0 }, { 0xff, 0 },
	  { 0, 0x5555 }, 0 },
	{ 0x4ee2e020 /* pmull2 v0.1q, v1.2d, v2.2d */, 0, { 1ull << 63, 0 }, { 2, 0 },
	  { 1, 0 }, 0 },
	/* tables: out of range keeps or zeroes */
	{ 0x0e020020 /* tbl v0.8b, {v1.16b}, v2.8b */, 0, { 0, 0x0706050403020100 },
	  { 0, 0xff80100f07030100 }, { 0, 0x0000000007030100 }, 0 },
	{ 0x0e021020 /* tbx v0.8b, {v1.16b}, v2.8b */, 0, { 0, 0x0706050403020100 },
	  { 0, 0xff80100f07030100 }, { 0, 0x5555550007030100 }, 0 },
	{ 0x6e027820 /* ext v0.16b, v1.16b, v2.16b, #15 */, 0, { 0xaa00000000000000, 0 },
	  { 0x1122334455667788, 0x99aabbccddeeff00 },
	  { 0x22334455667788 << 8 | 0x99, 0xaabbccddeeff00aa }, 0 },
	/* immediates */
	{ 0x6f05e4c0 /* movi v0.2d, #0xff00ff0000ffff00 */, 0, N0, N0,
	  { 0xff00ff0000ffff00, 0xff00ff0000ffff00 }, 0 },
	{ 0x2f04e420 /* movi d0, #0xff000000000000ff */, 0, N0, N0, { 0, 0xff000000000000ff },
	  0 },
	{ 0x2f00d640 /* mvni v0.2s, #0x12, msl #16 */, 0, N0, N0, { 0, 0xffed0000ffed0000 },
	  0 },
	{ 0x6f07f7e0 /* fmov v0.2d, #-1.9375 */, 0, N0, N0,
	  { 0xbfff000000000000, 0xbfff000000000000 }, 0 },
	{ 0x2f02b6a0 /* bic v0.4h, #0x55, lsl #8 */, 0, N0, N0, { 0, 0x0055005500550055 },
	  0 },
	/* NaNs: the default one is positive; SNaN first; DN */
	{ 0x0e22d420 /* fadd v0.2s, v1.2s, v2.2s */, 0, { 0, 0x7fc000017f800000 },
	  { 0, 0xff800001ff800000 }, { 0, 0xffc000017fc00000 }, 1 },
	{ 0x0e22d420 /* fadd v0.2s, v1.2s, v2.2s */, 1 << 25, { 0, 0x7fc00001 },
	  N0, { 0, 0x7fc00000 }, 0 },
	{ 0x6e62dc20 /* fmul v0.2d, v1.2d, v2.2d */, 0, { 0x7ff0000000000000, 0 },
	  { 0x8000000000000000, 0 }, { 0x7ff8000000000000, 0 }, 1 },
	{ 0x5e62dc20 /* fmulx d0, d1, d2 */, 0, { 0, 0x7ff0000000000000 },
	  { 0, 0x8000000000000000 }, { 0, 0xc000000000000000 }, 0 },
	{ 0x5e22fc20 /* frecps s0, s1, s2 */, 0, { 0, 0x7f800000 }, N0, { 0, 0x40000000 }, 0 },
	{ 0x5ea2fc20 /* frsqrts s0, s1, s2 */, 0, { 0, 0x7f800000 }, N0, { 0, 0x3fc00000 },
	  0 },
	{ 0x0e22c420 /* fmaxnm v0.2s, v1.2s, v2.2s */, 0, { 0, 0x7fc000007f800001 },
	  { 0, 0x3f8000003f800000 }, { 0, 0x3f8000007fc00001 }, 1 },
	{ 0x0e22f420 /* fmax v0.2s, v1.2s, v2.2s */, 0, { 0, 0x8000000000000000 },
	  { 0, 0x0000000080000000 }, N0, 0 },
	{ 0x0ea2f420 /* fmin v0.2s, v1.2s, v2.2s */, 0, { 0, 0x8000000000000000 },
	  { 0, 0x0000000080000000 }, { 0, 0x8000000080000000 }, 0 },
	{ 0x0e22e420 /* fcmeq v0.2s, v1.2s, v2.2s */, 0, { 0, 0x7fc00000 }, N0,
	  { 0, 0xffffffff00000000 }, 0 },
	{ 0x2e22e420 /* fcmge v0.2s, v1.2s, v2.2s */, 0, { 0, 0x7fc00000 }, N0,
	  { 0, 0xffffffff00000000 }, 1 },
	{ 0x7ea2d420 /* fabd s0, s1, s2 */, 0, { 0, 0xffc00001 }, N0, { 0, 0x7fc00001 }, 0 },
	/* tiny before rounding, the smallest normal number after it: UFC IXC */
	{ 0x2e22dc20 /* fmul v0.2s, v1.2s, v2.2s */, 0, { 0, 0x00ffffff },
	  { 0, 0x3f000000 }, { 0, 0x00800000 }, 0x18 },
	{ 0x6e62dc20 /* fmul v0.2d, v1.2d, v2.2d */, 0, { 0x001fffffffffffff, 0 },
	  { 0x3fe0000000000000, 0 }, { 0x0010000000000000, 0 }, 0x18 },
	{ 0x0e616820 /* fcvtn v0.2s, v1.2d */, 0, { 0, 0x380fffffffffffff }, N0,
	  { 0, 0x00800000 }, 0x18 },
	{ 0x0e216820 /* fcvtn v0.4h, v1.4s */, 0, { 0, 0x387fffff }, N0, { 0, 0x0400 },
	  0x18 },
	/* exactly the smallest normal number: nothing */
	{ 0x2e22dc20 /* fmul v0.2s, v1.2s, v2.2s */, 0, { 0, 0x01000000 },
	  { 0, 0x3f000000 }, { 0, 0x00800000 }, 0 },
	/* flushing: IDC of inputs, UFC alone of results; FZ16 without IDC */
	{ 0x0e22d420 /* fadd v0.2s, v1.2s, v2.2s */, 1 << 24, { 0, 0x80000001 }, N0,
	  N0, 0x80 },
	{ 0x2e22dc20 /* fmul v0.2s, v1.2s, v2.2s */, 1 << 24, { 0, 0x00800000 },
	  { 0, 0x3f000000 }, N0, 8 },
	{ 0x0e421420 /* fadd v0.4h, v1.4h, v2.4h */, 1 << 19, { 0, 1 }, { 0, 1 }, N0, 0 },
	{ 0x0e421420 /* fadd v0.4h, v1.4h, v2.4h */, 1 << 24, { 0, 1 }, { 0, 1 }, { 0, 2 },
	  0 },
	/* to integers: saturated with IOC and without IXC */
	{ 0x0ea1b820 /* fcvtzs v0.2s, v1.2s */, 0, { 0, 0x7fc000004f000000 }, N0,
	  { 0, 0x7fffffff }, 1 },
	{ 0x0ea1b820 /* fcvtzs v0.2s, v1.2s */, 0, { 0, 0xcf000000bf000000 }, N0,
	  { 0, 0x8000000000000000 }, 0x10 },
	{ 0x2ea1b820 /* fcvtzu v0.2s, v1.2s */, 0, { 0, 0xbf8000004f7fffff }, N0,
	  { 0, 0xffffff00 }, 1 },
	{ 0x7ee1b820 /* fcvtzu d0, d1 */, 0, { 0, 0x43efffffffffffff }, N0,
	  { 0, 0xfffffffffffff800 }, 0 },
	{ 0x4f21fc20 /* fcvtzs v0.4s, v1.4s, #31 */, 0, { 0x3f800000bf800000, 0x3f000000 },
	  N0, { 0x7fffffff80000000, 0x40000000 }, 1 },
	{ 0x5e21c820 /* fcvtas s0, s1 */, 0, { 0, 0xc0200000 }, N0, { 0, 0xfffffffd }, 0x10 },
	{ 0x5e21a820 /* fcvtns s0, s1 */, 0, { 0, 0xc0200000 }, N0, { 0, 0xfffffffe }, 0x10 },
	{ 0x5e21b820 /* fcvtms s0, s1 */, 0, { 0, 0xc0200000 }, N0, { 0, 0xfffffffd }, 0x10 },
	{ 0x7e61d820 /* ucvtf d0, d1 */, 0, { 0, ~0ull }, N0, { 0, 0x43f0000000000000 },
	  0x10 },
	{ 0x4f40e420 /* scvtf v0.2d, v1.2d, #64 */, 0, { 1ull << 63, 1 }, N0,
	  { 0xbfe0000000000000, 0x3bf0000000000000 }, 0 },
	/* FRINTX alone is inexact */
	{ 0x2e219820 /* frintx v0.2s, v1.2s */, 0, { 0, 0x3fc000003f800000 }, N0,
	  { 0, 0x400000003f800000 }, 0x10 },
	{ 0x2ea19820 /* frinti v0.2s, v1.2s */, 0, { 0, 0x3fc000003f000000 }, N0,
	  { 0, 0x4000000000000000 }, 0 },
	{ 0x6e618820 /* frinta v0.2d, v1.2d */, 0, { 0x3fe0000000000000, 0xbfdfffffffffffff },
	  N0, { 0x3ff0000000000000, 0x8000000000000000 }, 0 },
	{ 0x7e616820 /* fcvtxn s0, d1 */, 0, { 0, 0x3ff0000000000001 }, N0, { 0, 0x3f800001 },
	  0x10 },
	/* i * i = -1; conjugates */
	{ 0x2e82f420 /* fcadd v0.2s, v1.2s, v2.2s, #270 */, 0, N0,
	  { 0, 0x3f80000040000000 }, { 0, 0xc00000003f800000 }, 0 },
	/* BFloat16: 1 * 2 + 3 * 4 + 0x55555555 as a float */
	{ 0x2ec2fc20 /* bfmlalb v0.4s, v1.8h, v2.8h */, 0, { 0, 0x3f80 }, { 0, 0x4000 },
	  { ALL(0x55ull), ALL(0x55ull) }, 0x10 },
};

static void test_directed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(0, ALL(0x55ull), ALL(0x55ull));
		set(1, cases[i].n[0], cases[i].n[1]);
		set(2, cases[i].m[0], cases[i].m[1]);
		cpu->sr.fpcr = cases[i].fpcr;
		cpu->sr.fpsr = 0;
		if (!run(cases[i].w))
			fail_msg("%08x is undefined", cases[i].w);
		if (cpu->v[0].d[1] != cases[i].want[0] ||
		    cpu->v[0].d[0] != cases[i].want[1] ||
		    cpu->sr.fpsr != cases[i].fpsr)
			fail_msg("case %u, %08x: %016llx_%016llx fpsr %x", i,
				 cases[i].w,
				 (unsigned long long)cpu->v[0].d[1],
				 (unsigned long long)cpu->v[0].d[0],
				 cpu->sr.fpsr);
	}
	cpu->sr.fpcr = 0;
}

/* The same with the software chosen by hand: what the fast handlers must
 * agree with. Random lanes about the borders of the formats. */
static void test_fast_is_soft(void **state)
{
	static const uint32_t words[] = {
		0x4e22d420 /* fadd v0.4s, v1.4s, v2.4s */, 0x4e62d420 /* fadd v0.2d, v1.2d, v2.2d */,
		0x0ea2d420 /* fsub v0.2s, v1.2s, v2.2s */, 0x6e22dc20 /* fmul v0.4s, v1.4s, v2.4s */,
		0x6e62dc20 /* fmul v0.2d, v1.2d, v2.2d */, 0x6e22fc20 /* fdiv v0.4s, v1.4s, v2.4s */,
		0x2e22fc20 /* fdiv v0.2s, v1.2s, v2.2s */, 0x4e22cc20 /* fmla v0.4s, v1.4s, v2.4s */,
		0x4ee2cc20 /* fmls v0.2d, v1.2d, v2.2d */, 0x0fa21820 /* fmla v0.2s, v1.2s, v2.s[3] */,
		0x5fc29820 /* fmul d0, d1, v2.d[1] */, 0x6ea1f820 /* fsqrt v0.4s, v1.4s */,
		0x4e22f420 /* fmax v0.4s, v1.4s, v2.4s */, 0x6ee2c420 /* fminnmp v0.2d, v1.2d, v2.2d */,
		0x6e22d420 /* faddp v0.4s, v1.4s, v2.4s */, 0x7e70d820 /* faddp d0, v1.2d */,
		0x6ea2ec20 /* facgt v0.4s, v1.4s, v2.4s */, 0x5ea0e820 /* fcmlt s0, s1, #0.0 */,
		0x4ee1b820 /* fcvtzs v0.2d, v1.2d */, 0x6ea1b820 /* fcvtzu v0.4s, v1.4s */,
		0x4ea1a820 /* fcvtps v0.4s, v1.4s */, 0x4e619820 /* frintm v0.2d, v1.2d */,
		0x0e216820 /* fcvtn v0.4h, v1.4s */, 0x0e217820 /* fcvtl v0.4s, v1.4h */,
		0x4e616820 /* fcvtn2 v0.4s, v1.2d */, 0x6f39e420 /* ucvtf v0.4s, v1.4s, #7 */,
		0x4f37fc20 /* fcvtzs v0.4s, v1.4s, #9 */,
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (unsigned k = 0; k < 3000; k++) {
			struct simd_state st;
			vreg fast;
			uint32_t fpsr;

			simd_operands(&st, k, words[i]);
			for (int soft = 0; soft < 2; soft++) {
				struct rec r[2] = { 0 };

				memcpy(cpu->v, st.v, sizeof(st.v));
				cpu->sr.fpcr = 0;
				cpu->sr.fpsr = 0;
				decode_word(&r[0], words[i], 0,
					    soft ? CTX_FPSLOW : 0, &model);
				r[1].h = op_end;
				fp_enter(cpu);
				op_enter(r[0].h, cpu, &r[0]);
				fp_leave(cpu);
				if (!soft) {
					fast = cpu->v[0];
					fpsr = cpu->sr.fpsr;
				}
			}
			if (memcmp(&fast, &cpu->v[0], 16) != 0 ||
			    fpsr != cpu->sr.fpsr)
				fail_msg("%08x, operands %u: %llx_%llx %x, "
					 "soft %llx_%llx %x", words[i], k,
					 (unsigned long long)fast.d[1],
					 (unsigned long long)fast.d[0], fpsr,
					 (unsigned long long)cpu->v[0].d[1],
					 (unsigned long long)cpu->v[0].d[0],
					 cpu->sr.fpsr);
		}
	}
}

static void test_moves(void **state)
{
	(void)state;
	/* x31 is zero as a source and nothing as a destination */
	set(0, 1, 2);
	cpu->x[31] = 0x1234;
	assert_true(run(0x4e080fe0 /* dup v0.2d, xzr */));
	IS(0, 0, 0);
	set(0, ~0ull, ~0ull);
	assert_true(run(0x4e181fe0 /* ins v0.d[1], xzr */));
	IS(0, 0, ~0ull);
	assert_true(run(0x4e083c1f /* mov xzr, v0.d[0] */));
	assert_true(cpu->x[31] == 0x1234);
	/* a W destination is zero-extended, an X one sign-extended */
	set(1, 0, 0x8080);
	assert_true(run(0x0e022c23 /* smov w3, v1.h[0] */));
	assert_true(cpu->x[3] == 0xffff8080);
	assert_true(run(0x4e022c23 /* smov x3, v1.h[0] */));
	assert_true(cpu->x[3] == 0xffffffffffff8080);
	assert_true(run(0x0e033c23 /* umov w3, v1.b[1] */));
	assert_true(cpu->x[3] == 0x80);
	/* tables wrap from V31 to V0 */
	set(31, 0, 0);
	set(0, 0, 0x1122);
	set(2, 0, 0x2010111f);
	assert_true(run(0x0e0223e3 /* tbl v3.8b, {v31.16b, v0.16b}, v2.8b */));
	IS(3, 0, 0x00221100ull);
	/* the destination may be a source */
	set(5, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	assert_true(run(0x4e0538a5 /* zip1 v5.16b, v5.16b, v5.16b */));
	IS(5, 0x0707060605050404ull, 0x0303020201010000ull);
	set(5, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
	assert_true(run(0x4e0500a5 /* tbl v5.16b, {v5.16b}, v5.16b */));
	IS(5, 0x0f0e0d0c0b0a0908ull, 0x0706050403020100ull);
}

static void test_undefined(void **state)
{
	static const uint32_t words[] = {
		0x0ee28420, /* add v.1d */
		0x4ee29c20, /* mul v.2d */
		0x2e629c20, /* pmul v.4h */
		0x0ee03800, /* zip1 v.1d */
		0x2e004020, /* ext v.8b, #8 */
		0x0e003c20, /* umov, imm5 = 0 */
		0x0e103c20, /* umov, imm5 = 16 */
		0x4e0e3c20, /* umov x, h[3] */
		0x0e082c20, /* smov w, d[0] */
		0x0e080420, /* dup v.1d, d[0] */
		0x0eb1b820, /* addv s, v.2s */
		0x4ef1b820, /* addv d, v.2d */
		0x0f400420, /* sshr v.1d */
		0x0f408420, /* shrn from 128 bits */
		0x5f080420, /* sshr b */
		0x2f00f400, /* fmov v.1d */
		0x0ee1f820, /* fsqrt v.1d etc.: sz with Q = 0 */
		0x4fe08020, /* mul by element of 64 bits */
		0x4fe29020, /* fmul v.2d by element with L */
		0x2e02c420, /* fcmla of bytes */
		0x2f621820, /* fcmla by element, v.4h, #2 */
		0x0ec29c20, /* usdot, size 3 */
		0x4e684820, /* aese, size 1 */
		0x5e000420, /* dup scalar, imm5 = 0 */
		0x5e78c820, /* fmaxnmp h, v.2h of size 1 */
		0x7ef8f820, /* fneg h among the scalars */
		0x0ef9f820, /* frecpx of a vector */
		0x2f00fc20, /* fmov, op and o2 */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (decode_row(words[i], &model))
			fail_msg("%08x is %s", words[i],
				 decode_row(words[i], &model)->name);
}

/* Features take their instructions with them. */
static void test_features(void **state)
{
	static const struct {
		enum feature f;
		uint32_t w;
	} need[] = {
		{ FEAT_FP16, 0x0e421420 /* fadd v0.4h, v1.4h, v2.4h */ },
		{ FEAT_FP16, 0x0f03fe00 /* fmov v0.4h, #1.0 */ },
		{ FEAT_FP16, 0x0f1de420 /* scvtf v0.4h, v1.4h, #3 */ },
		{ FEAT_FP16, 0x2e42e420 /* fcadd v0.4h, v1.4h, v2.4h, #90 */ },
		{ FEAT_FCMA, 0x6e82e420 /* fcadd v0.4s, v1.4s, v2.4s, #90 */ },
		{ FEAT_RDM, 0x2e428420 /* sqrdmlah v0.4h, v1.4h, v2.4h */ },
		{ FEAT_DotProd, 0x0e829420 /* sdot v0.2s, v1.8b, v2.8b */ },
		{ FEAT_I8MM, 0x4e82ac20 /* usmmla v0.4s, v1.16b, v2.16b */ },
		{ FEAT_FHM, 0x0e22ec20 /* fmlal v0.2s, v1.2h, v2.2h */ },
		{ FEAT_BF16, 0x2e42fc20 /* bfdot v0.2s, v1.4h, v2.4h */ },
		{ FEAT_FRINTTS, 0x0e21e820 /* frint32z v0.2s, v1.2s */ },
		{ FEAT_AES, 0x4e284820 /* aese v0.16b, v1.16b */ },
		{ FEAT_PMULL, 0x0ee2e020 /* pmull v0.1q, v1.1d, v2.1d */ },
		{ FEAT_SHA1, 0x5e280820 /* sha1h s0, s1 */ },
		{ FEAT_SHA256, 0x5e024020 /* sha256h q0, q1, v2.4s */ },
		{ FEAT_SHA512, 0xce628020 /* sha512h q0, q1, v2.2d */ },
		{ FEAT_SHA3, 0xce020c20 /* eor3 v0.16b, v1.16b, v2.16b, v3.16b */ },
		{ FEAT_SM3, 0xce420c20 /* sm3ss1 v0.4s, v1.4s, v2.4s, v3.4s */ },
		{ FEAT_SM4, 0xcec08420 /* sm4e v0.4s, v1.4s */ },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		struct cpu_model m = model;

		assert_non_null(decode_row(need[i].w, &m));
		m.has[need[i].f] = false;
		if (decode_row(need[i].w, &m))
			fail_msg("%08x is there without its feature",
				 need[i].w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directed),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_undefined),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_fast_is_soft),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
