/*
 * softfp against the host's FPU (all rounding modes, results and flags), half
 * precision against a table of every half, and by hand what no host has: NaN
 * selection, flushing, odd rounding, the alternative half, Arm's own functions.
 * tests/diff/fp_host.c compares every instruction with an emulator.
 */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/interp/softfp.h"
#include "../diff/fp_ops.h"

#pragma STDC FENV_ACCESS ON

/* by pointer: a compiler's own sequence for it may not follow the mode */
static double (*volatile const host_rint)(double) = rint;

static const int host_mode[4] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD,
				  FE_TOWARDZERO };

static uint32_t host_flags(void)
{
	int e = fetestexcept(FE_ALL_EXCEPT);

	return (e & FE_INVALID ? FPSR_IOC : 0) |
	       (e & FE_DIVBYZERO ? FPSR_DZC : 0) |
	       (e & FE_OVERFLOW ? FPSR_OFC : 0) |
	       (e & FE_UNDERFLOW ? FPSR_UFC : 0) |
	       (e & FE_INEXACT ? FPSR_IXC : 0);
}

static float s_of(uint64_t a)
{
	uint32_t w = (uint32_t)a;
	float v;

	memcpy(&v, &w, 4);
	return v;
}

static double d_of(uint64_t a)
{
	double v;

	memcpy(&v, &a, 8);
	return v;
}

static uint64_t of_s(float v)
{
	uint32_t w;

	memcpy(&w, &v, 4);
	return w;
}

static uint64_t of_d(double v)
{
	uint64_t w;

	memcpy(&w, &v, 8);
	return w;
}

static bool is_nan(enum fpfmt f, uint64_t a)
{
	uint64_t inf = f == FP_D ? 0x7ff0000000000000
		       : f == FP_S ? 0x7f800000
				   : 0x7c00;

	return (a & (softfp_signbit(f) - 1)) > inf;
}

static bool is_min_normal(enum fpfmt f, uint64_t a)
{
	return (a & (softfp_signbit(f) - 1)) ==
	       (f == FP_D ? 1ull << 52 : 1ull << 23);
}

enum hop { ADD, SUB, MUL, DIV, SQRT, FMA, HOPS };
static const char *const hop_name[] = { "add", "sub", "mul", "div", "sqrt",
					"fma" };

static uint64_t host_run(enum hop op, enum fpfmt f, const uint64_t *in)
{
	if (f == FP_S) {
		volatile float a = s_of(in[0]), b = s_of(in[1]), r;
		volatile float z = s_of(in[2]);

		switch (op) {
		case ADD: r = a + b; break;
		case SUB: r = a - b; break;
		case MUL: r = a * b; break;
		case DIV: r = a / b; break;
		case SQRT: r = sqrtf(a); break;
		default: r = fmaf(a, b, z);
		}
		return of_s(r);
	}
	volatile double a = d_of(in[0]), b = d_of(in[1]), z = d_of(in[2]), r;

	switch (op) {
	case ADD: r = a + b; break;
	case SUB: r = a - b; break;
	case MUL: r = a * b; break;
	case DIV: r = a / b; break;
	case SQRT: r = sqrt(a); break;
	default: r = fma(a, b, z);
	}
	return of_d(r);
}

static uint64_t soft_run(enum hop op, enum fpfmt f, const uint64_t *in,
			 const struct fpctx *c)
{
	switch (op) {
	case ADD: return softfp_add(c, f, in[0], in[1]);
	case SUB: return softfp_sub(c, f, in[0], in[1]);
	case MUL: return softfp_mul(c, f, in[0], in[1]);
	case DIV: return softfp_div(c, f, in[0], in[1]);
	case SQRT: return softfp_sqrt(c, f, in[0]);
	default: return softfp_muladd(c, f, in[2], in[0], in[1]);
	}
}

static void host_case(enum hop op, enum fpfmt f, const uint64_t *in, int mode)
{
	uint32_t flags = 0, want_flags, care = ~0u;
	struct fpctx c = { (uint32_t)mode << FPCR_RMODE_SHIFT, &flags };
	uint64_t got, want;

	fesetround(host_mode[mode]);
	feclearexcept(FE_ALL_EXCEPT);
	want = host_run(op, f, in);
	want_flags = host_flags();
	fesetround(FE_TONEAREST);
	got = soft_run(op, f, in, &c);
	/* Tininess: before rounding here, after rounding on x86. */
	if (is_min_normal(f, got))
		care &= ~(uint32_t)FPSR_UFC;
	/* FMA of a quiet NaN with infinity times zero: hosts differ. */
	if (op == FMA && is_nan(f, in[2]))
		care &= ~(uint32_t)FPSR_IOC;
	if ((is_nan(f, want) ? is_nan(f, got) : got == want) &&
	    (flags & care) == (want_flags & care))
		return;
	fail_msg("%s fmt %d mode %d: %llx %llx %llx: %llx %x, host %llx %x",
		 hop_name[op], f, mode, (unsigned long long)in[0],
		 (unsigned long long)in[1], (unsigned long long)in[2],
		 (unsigned long long)got, flags, (unsigned long long)want,
		 want_flags);
}

static const uint64_t special_s[] = {
	0, 1, 2, 0x3fffff, 0x400000, 0x7fffff, 0x800000, 0x800001, 0xffffff,
	0x1000000, 0x3f000000, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fc00000,
	0x40000000, 0x40400000, 0x4b000000, 0x4b7fffff, 0x5f7fffff, 0x7e800000,
	0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fbfffff,
	0x7fc00000, 0x7fffffff, 0x1fffffff, 0x20000000, 0x33800000,
};
static const uint64_t special_d[] = {
	0, 1, 2, 0x7ffffffffffff, 0x8000000000000, 0xfffffffffffff,
	0x10000000000000, 0x10000000000001, 0x1fffffffffffff, 0x20000000000000,
	0x3fe0000000000000, 0x3fefffffffffffff, 0x3ff0000000000000,
	0x3ff0000000000001, 0x3ff8000000000000, 0x4000000000000000,
	0x4008000000000000, 0x4330000000000000, 0x433fffffffffffff,
	0x5fefffffffffffff, 0x7fd0000000000000, 0x7fe0000000000000,
	0x7feffffffffffffe, 0x7fefffffffffffff, 0x7ff0000000000000,
	0x7ff0000000000001, 0x7ff7ffffffffffff, 0x7ff8000000000000,
	0x7fffffffffffffff, 0x1fffffffffffffff, 0x2000000000000000,
	0x3ca0000000000000,
};
#define SPECIALS (2 * (sizeof special_s / sizeof *special_s))

static uint64_t special(enum fpfmt f, unsigned i)
{
	uint64_t v = f == FP_D ? special_d[i / 2] : special_s[i / 2];

	return i & 1 ? v | softfp_signbit(f) : v;
}

static void host_arith(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (enum fpfmt f = FP_S; f <= FP_D; f++)
	for (enum hop op = ADD; op < HOPS; op++)
	for (int mode = 0; mode < 4; mode++) {
		for (unsigned i = 0; i < SPECIALS; i++)
		for (unsigned j = 0; j < SPECIALS; j++) {
			uint64_t in[3] = { special(f, i), special(f, j), 0 };
			unsigned n = op == FMA ? SPECIALS : 1;

			for (unsigned k = 0; k < n; k += 3) {
				in[2] = special(f, (k + i) % SPECIALS);
				host_case(op, f, in, mode);
			}
		}
		for (int n = 0; n < 20000; n++) {
			uint64_t in[3];

			for (int k = 0; k < 3; k++)
				in[k] = fp_operand(f, &seed);
			host_case(op, f, in, mode);
		}
	}
}

static void host_int_case(uint64_t a, int mode)
{
	uint32_t flags = 0;
	struct fpctx c = { (uint32_t)mode << FPCR_RMODE_SHIFT, &flags };
	volatile int64_t i = (int64_t)a;
	volatile int32_t w = (int32_t)a;
	volatile uint64_t u = a;
	volatile double d;
	volatile float s;

	fesetround(host_mode[mode]);
	feclearexcept(FE_ALL_EXCEPT);
	d = (double)i;
	s = (float)i;
	uint32_t want = host_flags();
	volatile float s32 = (float)w;
	volatile double du = (double)u;
	fesetround(FE_TONEAREST);
	assert_int_equal(softfp_fromint(&c, FP_D, a, 64, 0, false), of_d(d));
	assert_int_equal(softfp_fromint(&c, FP_S, a, 64, 0, false), of_s(s));
	assert_int_equal(flags, want);
	assert_int_equal(softfp_fromint(&c, FP_S, a, 32, 0, false), of_s(s32));
	/* hosts without an unsigned conversion round in steps, in RN only */
	if (mode == 0)
		assert_int_equal(softfp_fromint(&c, FP_D, a, 64, 0, true),
				 of_d(du));
}

static void host_toint_case(uint64_t a, int mode)
{
	uint32_t flags = 0;
	struct fpctx c = { (uint32_t)mode << FPCR_RMODE_SHIFT, &flags };
	volatile double d = d_of(a), r;
	volatile float s;
	int64_t i;

	/* between double and single */
	fesetround(host_mode[mode]);
	feclearexcept(FE_ALL_EXCEPT);
	s = (float)d;
	uint32_t want = host_flags();
	fesetround(FE_TONEAREST);
	uint64_t got = softfp_cvt(&c, FP_S, FP_D, a, (enum fpround)mode);

	if (is_nan(FP_S, of_s(s)))
		assert_true(is_nan(FP_S, got));
	else
		assert_int_equal(got, of_s(s));
	if (is_min_normal(FP_S, got)) {
		flags &= ~(uint32_t)FPSR_UFC;
		want &= ~(uint32_t)FPSR_UFC;
	}
	assert_int_equal(flags, want);
	if (isnan(d))
		return;
	/* to an integral value */
	fesetround(host_mode[mode]);
	feclearexcept(FE_ALL_EXCEPT);
	r = host_rint(d);
	want = host_flags();
	fesetround(FE_TONEAREST);
	flags = 0;
	assert_int_equal(softfp_rint(&c, FP_D, a, (enum fpround)mode, true),
			 of_d(r));
	assert_int_equal(flags, want);
	r = round(d);
	assert_int_equal(softfp_rint(&c, FP_D, a, FPROUND_TIEAWAY, false), of_d(r));
	if (!(fabs(d) < 0x1p62))
		return;
	fesetround(host_mode[mode]);
	i = llrint(d);
	fesetround(FE_TONEAREST);
	assert_int_equal(softfp_toint(&c, FP_D, a, 64, 0, false,
				      (enum fpround)mode),
			 (uint64_t)i);
}

static void host_convert(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int mode = 0; mode < 4; mode++) {
		for (unsigned i = 0; i < SPECIALS; i++) {
			host_int_case(special(FP_D, i), mode);
			host_toint_case(special(FP_D, i), mode);
		}
		for (int n = 0; n < 20000; n++) {
			uint64_t r = fp_random(&seed);

			host_int_case(r >> (n & 63), mode);
			host_toint_case(fp_operand(FP_D, &seed), mode);
		}
	}
}

/* ---- half precision ------------------------------------------------------ */

/* The value of a finite half, exactly. */
static double h_value(uint64_t h)
{
	int exp = h >> 10 & 31;
	double m = (double)(h & 1023);
	double v = exp ? ldexp(m + 1024, exp - 25) : ldexp(m, -24);

	return h & 0x8000 ? -v : v;
}

/* Rounds by looking for the neighbours among all halves. */
static uint64_t h_round(double v, int mode, uint32_t *flags)
{
	uint64_t sign = signbit(v) ? 0x8000 : 0, lo = 0, hi = 0x7c00;
	double m = fabs(v), mid;
	bool up;

	if (m >= 65536) {
		up = mode == 0 || mode == (sign ? 2 : 1);
		*flags |= FPSR_OFC | FPSR_IXC;
		return sign | (up ? 0x7c00 : 0x7bff);
	}
	/* the largest half that is not above; 0x7c00 stands for 2^16 */
	while (hi - lo > 1) {
		uint64_t k = (lo + hi) / 2;

		if (h_value(k) <= m)
			lo = k;
		else
			hi = k;
	}
	if (h_value(lo) == m)
		return sign | lo;
	*flags |= FPSR_IXC;
	if (m < 0x1p-14)
		*flags |= FPSR_UFC;
	mid = (h_value(lo) + (hi == 0x7c00 ? 65536 : h_value(hi))) / 2;
	if (mode == 0)
		up = m > mid || (m == mid && lo & 1);
	else
		up = mode == (sign ? 2 : 1);
	if (up && hi == 0x7c00)
		*flags |= FPSR_OFC;
	if (!up && lo == 0x7bff && m >= 65536)
		*flags |= FPSR_OFC;
	return sign | (up ? hi : lo);
}

static void half_arith(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (int n = 0; n < 400000; n++) {
		int mode = n & 3;
		uint32_t flags = 0, want_flags = 0;
		struct fpctx c = { (uint32_t)mode << FPCR_RMODE_SHIFT, &flags };
		uint64_t in[3], want, got;
		enum hop op = (enum hop)(n / 4 % 5);
		double a, b, r;

		for (int k = 0; k < 3; k++)
			in[k] = fp_operand(FP_H, &seed) & 0xffff;
		if ((in[0] & 0x7c00) == 0x7c00 || (in[1] & 0x7c00) == 0x7c00)
			continue;
		a = h_value(in[0]);
		b = h_value(in[1]);
		/*
		 * Sums and products are exact in double; a quotient or root
		 * that is no half nor the middle of two is too far from both
		 * for double's rounding to matter.
		 */
		switch (op) {
		case ADD: r = a + b; break;
		case SUB: r = a - b; break;
		case MUL: r = a * b; break;
		case DIV: r = a / b; break;
		default: r = sqrt(a);
		}
		if (isnan(r) || isinf(r) || r == 0)
			continue;
		want = h_round(r, mode, &want_flags);
		got = soft_run(op, FP_H, in, &c);
		assert_int_equal(got, want);
		assert_int_equal(flags, want_flags);
	}
	for (uint64_t h = 0; h < 0x10000; h++) {
		uint32_t flags = 0;
		struct fpctx c = { 0, &flags };
		uint64_t d;

		if ((h & 0x7c00) == 0x7c00)
			continue;
		d = softfp_cvt(&c, FP_D, FP_H, h, FPROUND_TIEEVEN);
		assert_int_equal(d, of_d(h_value(h)));
		assert_int_equal(softfp_cvt(&c, FP_H, FP_D, d, FPROUND_TIEEVEN), h);
		assert_int_equal(flags, 0);
	}
}

/* ---- by hand ------------------------------------------------------------- */

static uint32_t flags;
static struct fpctx ctx(uint32_t fpcr)
{
	flags = 0;
	return (struct fpctx){ fpcr, &flags };
}

#define IS(expr, want, want_flags) do { \
	flags = 0; \
	assert_int_equal(expr, (uint64_t)(want)); \
	assert_int_equal(flags, want_flags); \
} while (0)

#define QN1 0x7fc00011u
#define QN2 0xffc00022u
#define SN1 0x7f800033u
#define SN2 0xff800044u
#define INF 0x7f800000u
#define DNAN 0x7fc00000u
#define ONE 0x3f800000u
#define NEG 0x80000000u

static void nans(void **state)
{
	struct fpctx c = ctx(0), dn = ctx(FPCR_DN);

	(void)state;
	IS(softfp_add(&c, FP_S, QN1, QN2), QN1, 0);
	IS(softfp_add(&c, FP_S, ONE, QN2), QN2, 0);
	IS(softfp_add(&c, FP_S, QN1, SN2), SN2 | 0x400000, FPSR_IOC);
	IS(softfp_add(&c, FP_S, SN1, SN2), SN1 | 0x400000, FPSR_IOC);
	IS(softfp_add(&dn, FP_S, QN1, QN2), DNAN, 0);
	IS(softfp_add(&dn, FP_S, QN1, SN2), DNAN, FPSR_IOC);
	/* FSUB does not negate a NaN */
	IS(softfp_sub(&c, FP_S, ONE, QN1), QN1, 0);
	IS(softfp_sub(&c, FP_S, INF, INF), DNAN, FPSR_IOC);
	IS(softfp_mul(&c, FP_S, INF, 0), DNAN, FPSR_IOC);
	IS(softfp_div(&c, FP_S, 0, NEG), DNAN, FPSR_IOC);
	IS(softfp_div(&c, FP_S, ONE, NEG), NEG | INF, FPSR_DZC);
	IS(softfp_div(&c, FP_S, INF, 0), INF, 0);
	IS(softfp_sqrt(&c, FP_S, NEG | ONE), DNAN, FPSR_IOC);
	IS(softfp_sqrt(&c, FP_S, NEG), NEG, 0);
	/* addend first; signalling ones first of all */
	IS(softfp_muladd(&c, FP_S, QN1, QN2, QN2), QN1, 0);
	IS(softfp_muladd(&c, FP_S, ONE, QN2, QN1), QN2, 0);
	IS(softfp_muladd(&c, FP_S, QN1, ONE, SN2), SN2 | 0x400000, FPSR_IOC);
	IS(softfp_muladd(&c, FP_S, QN1, INF, 0), DNAN, FPSR_IOC);
	IS(softfp_muladd(&c, FP_S, SN1, INF, 0), SN1 | 0x400000, FPSR_IOC);
	/* the multiplicand's NaN is negated by FRECPS */
	IS(softfp_recps(&c, FP_S, QN1, ONE), QN1 | NEG, 0);
	IS(softfp_recps(&c, FP_S, INF, 0), 0x40000000, 0);
	IS(softfp_rsqrts(&c, FP_S, 0, NEG | INF), 0x3fc00000, 0);
	IS(softfp_mulx(&c, FP_S, INF, NEG), 0xc0000000, 0);

	IS(softfp_max(&c, FP_S, QN1, ONE), QN1, 0);
	IS(softfp_maxnm(&c, FP_S, QN1, ONE), ONE, 0);
	IS(softfp_maxnm(&c, FP_S, ONE, SN2), SN2 | 0x400000, FPSR_IOC);
	IS(softfp_minnm(&c, FP_S, QN1, QN2), QN1, 0);
	IS(softfp_max(&c, FP_S, NEG, 0), 0, 0);
	IS(softfp_min(&c, FP_S, 0, NEG), NEG, 0);
	IS(softfp_minnm(&c, FP_H, 0x7e00, 0x3c00), 0x3c00, 0);

	IS(softfp_cmp(&c, FP_S, ONE, QN1, false), 3, 0);
	IS(softfp_cmp(&c, FP_S, ONE, QN1, true), 3, FPSR_IOC);
	IS(softfp_cmp(&c, FP_S, ONE, SN1, false), 3, FPSR_IOC);
	IS(softfp_cmp(&c, FP_S, 0, NEG, true), 6, 0);
	IS(softfp_cmp(&c, FP_S, NEG | INF, 1, true), 8, 0);
	IS(softfp_cmp(&c, FP_S, NEG | 1, NEG | 2, true), 2, 0);

	/* upper bits of the operand are not looked at */
	IS(softfp_add(&c, FP_S, 0xdead00000000 | ONE, NEG), ONE, 0);
}

static void flushing(void **state)
{
	struct fpctx fz = ctx(FPCR_FZ), fz16 = ctx(FPCR_FZ16), c = ctx(0);
	struct fpctx up = ctx(FPCR_FZ | FPROUND_POSINF << FPCR_RMODE_SHIFT);

	(void)state;
	IS(softfp_add(&fz, FP_S, NEG | 1, NEG | 0), NEG, FPSR_IDC);
	IS(softfp_add(&fz, FP_S, QN1, 1), QN1, FPSR_IDC);
	IS(softfp_div(&fz, FP_S, ONE, 1), INF, FPSR_IDC | FPSR_DZC);
	/* tiny before rounding, even where rounding gives a normal number */
	IS(softfp_mul(&fz, FP_S, 0x3f7fffff, 0x00800000), 0, FPSR_UFC);
	IS(softfp_mul(&up, FP_S, 0x3f7fffff, 0x00800000), 0, FPSR_UFC);
	IS(softfp_mul(&c, FP_S, 0x3f7fffff, 0x00800000), 0x00800000,
	   FPSR_UFC | FPSR_IXC);
	IS(softfp_mul(&c, FP_S, 0x3f000000, 0x00800000), 0x00400000, 0);
	IS(softfp_cmp(&fz, FP_D, 1, 0, false), 6, FPSR_IDC);
	/* half has a switch of its own, and no IDC */
	IS(softfp_add(&fz, FP_H, 1, 0), 1, 0);
	IS(softfp_add(&fz16, FP_H, 1, 0), 0, 0);
	IS(softfp_mul(&fz16, FP_H, 0x3800, 0x0400), 0, FPSR_UFC);
	IS(softfp_cvt(&fz16, FP_S, FP_H, 1, FPROUND_TIEEVEN), 0x33800000, 0);
	IS(softfp_cvt(&fz16, FP_H, FP_S, 0x33800000, FPROUND_TIEEVEN), 1, 0);
	IS(softfp_toint(&fz, FP_S, 1, 32, 0, false, FPROUND_POSINF), 0, FPSR_IDC);
	IS(softfp_rint(&c, FP_S, 1, FPROUND_POSINF, true), ONE, FPSR_IXC);
}

static void conversions(void **state)
{
	struct fpctx c = ctx(0), ahp = ctx(FPCR_AHP), dn = ctx(FPCR_DN);
	bool z;

	(void)state;
	IS(softfp_cvt(&c, FP_D, FP_S, SN1, FPROUND_TIEEVEN), 0x7ff8000660000000,
	   FPSR_IOC);
	IS(softfp_cvt(&c, FP_H, FP_D, 0xfff7ffffffffffff, FPROUND_TIEEVEN), 0xffff,
	   FPSR_IOC);
	IS(softfp_cvt(&dn, FP_H, FP_D, 0xffffffffffffffff, FPROUND_TIEEVEN), 0x7e00,
	   0);
	IS(softfp_cvt(&ahp, FP_H, FP_S, QN2, FPROUND_TIEEVEN), 0x8000, FPSR_IOC);
	IS(softfp_cvt(&ahp, FP_H, FP_S, NEG | INF, FPROUND_TIEEVEN), 0xffff,
	   FPSR_IOC);
	/* 2^16 is a number, 2^17 is not */
	IS(softfp_cvt(&ahp, FP_H, FP_S, 0x47800000, FPROUND_TIEEVEN), 0x7c00, 0);
	IS(softfp_cvt(&ahp, FP_H, FP_S, 0x48000001, FPROUND_TIEEVEN), 0x7fff,
	   FPSR_IOC);
	IS(softfp_cvt(&ahp, FP_S, FP_H, 0x7fff, FPROUND_TIEEVEN), 0x47ffe000, 0);
	IS(softfp_cvt(&c, FP_S, FP_D, 0x3ff0000000000001, FPROUND_ODD), 0x3f800001,
	   FPSR_IXC);
	IS(softfp_cvt(&c, FP_S, FP_D, 0x7fe0000000000000, FPROUND_ODD), 0x7f7fffff,
	   FPSR_OFC | FPSR_IXC);
	IS(softfp_bfcvt(&c, 0x3f808000), 0x3f80, FPSR_IXC);
	IS(softfp_bfcvt(&c, 0x3f818000), 0x3f82, FPSR_IXC);
	IS(softfp_bfcvt(&c, 0x7f7fffff), 0x7f80, FPSR_OFC | FPSR_IXC);
	IS(softfp_bfcvt(&c, SN1), 0x7fc0, FPSR_IOC);

	IS(softfp_toint(&c, FP_S, QN1, 32, 0, false, FPROUND_ZERO), 0, FPSR_IOC);
	IS(softfp_toint(&c, FP_S, 0xcf000000, 32, 0, false, FPROUND_ZERO),
	   0x80000000, 0);
	IS(softfp_toint(&c, FP_S, 0xcf000001, 32, 0, false, FPROUND_ZERO),
	   0x80000000, FPSR_IOC);
	IS(softfp_toint(&c, FP_S, INF, 64, 0, true, FPROUND_ZERO), ~0ull, FPSR_IOC);
	IS(softfp_toint(&c, FP_S, 0xbf000000, 32, 0, true, FPROUND_ZERO), 0,
	   FPSR_IXC);
	IS(softfp_toint(&c, FP_S, 0xbf000001, 32, 0, true, FPROUND_TIEEVEN), 0,
	   FPSR_IOC);
	IS(softfp_toint(&c, FP_D, 0xc004000000000000, 64, 0, false, FPROUND_TIEAWAY),
	   (uint64_t)-3, FPSR_IXC);
	IS(softfp_toint(&c, FP_D, 0x3ff8000000000000, 64, 62, false, FPROUND_ZERO),
	   3ull << 61, 0);
	IS(softfp_toint(&c, FP_D, 0x3ff8000000000000, 64, 63, false, FPROUND_ZERO),
	   INT64_MAX, FPSR_IOC);
	IS(softfp_fromint(&c, FP_S, 0xffffffff80000001, 32, 31, true),
	   0x3f800000, FPSR_IXC);
	IS(softfp_fromint(&c, FP_H, 65520, 32, 0, true), 0x7c00,
	   FPSR_OFC | FPSR_IXC);

	IS(softfp_fjcvtzs(&c, 0x41e0000000200000, &z), 0x80000001, FPSR_IOC);
	assert_false(z);
	IS(softfp_fjcvtzs(&c, 0xc000000000000000, &z), (uint32_t)-2, 0);
	assert_true(z);
	IS(softfp_fjcvtzs(&c, 0x8000000000000000, &z), 0, 0);
	assert_false(z);
	IS(softfp_fjcvtzs(&c, 0x7ff0000000000000, &z), 0, FPSR_IOC);
	assert_false(z);
	/* 2^84 + 2^32: only the low 32 bits, which are zero */
	IS(softfp_fjcvtzs(&c, 0x4530000000000001, &z), 0, FPSR_IOC);
	/* 2^52 * 2^11 and an odd last place of 2^11 */
	IS(softfp_fjcvtzs(&c, 0x43e0000000000001, &z), 0x800, FPSR_IOC);

	IS(softfp_rintn(&c, FP_S, 0x4f000000, FPROUND_ZERO, 32), 0xcf000000,
	   FPSR_IOC);
	IS(softfp_rintn(&c, FP_D, 0xc3e0000000000000, FPROUND_ZERO, 64),
	   0xc3e0000000000000, 0);
	IS(softfp_rintn(&c, FP_D, 0xbfe0000000000000, FPROUND_ZERO, 64),
	   0x8000000000000000, FPSR_IXC);
}

static void estimates(void **state)
{
	struct fpctx c = ctx(0), rz = ctx(FPROUND_ZERO << FPCR_RMODE_SHIFT);
	struct fpctx fz = ctx(FPCR_FZ);

	(void)state;
	IS(softfp_recpe(&c, FP_S, ONE), 0x3f7f8000, 0);
	IS(softfp_recpe(&c, FP_S, 0), INF, FPSR_DZC);
	IS(softfp_recpe(&c, FP_S, 1), INF, FPSR_OFC | FPSR_IXC);
	IS(softfp_recpe(&rz, FP_S, NEG | 1), 0xff7fffff, FPSR_OFC | FPSR_IXC);
	IS(softfp_recpe(&c, FP_S, 0x7e800000), 0x007fc000, 0);
	IS(softfp_recpe(&fz, FP_S, 0x7e800000), 0, FPSR_UFC);
	IS(softfp_rsqrte(&c, FP_S, ONE), 0x3f7f8000, 0);
	IS(softfp_rsqrte(&c, FP_D, 0x4010000000000000), 0x3fdff00000000000, 0);
	IS(softfp_rsqrte(&c, FP_S, NEG | ONE), DNAN, FPSR_IOC);
	IS(softfp_rsqrte(&c, FP_S, NEG), NEG | INF, FPSR_DZC);
	IS(softfp_recpx(&c, FP_S, 0x40400000), 0x3f800000, 0);
	IS(softfp_recpx(&c, FP_S, NEG), 0xff000000, 0);
	assert_int_equal(softfp_urecpe(0x80000000), 0xff800000);
	assert_int_equal(softfp_urecpe(0x7fffffff), 0xffffffff);
	assert_int_equal(softfp_ursqrte(0x40000000), 0xff800000);
	assert_int_equal(softfp_bfdot(0x3f800000, 0x40003f80, 0x40003f80),
			 0x40c00000);
	assert_int_equal(softfp_bfdot(0, 0x7f7f0000, 0x7f7f0000), INF);
	assert_int_equal(softfp_bfdot(QN2, 0, 0), DNAN);
	assert_int_equal(softfp_bfdot(NEG | 1, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_arith),  cmocka_unit_test(host_convert),
		cmocka_unit_test(half_arith),  cmocka_unit_test(nans),
		cmocka_unit_test(flushing),    cmocka_unit_test(conversions),
		cmocka_unit_test(estimates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
