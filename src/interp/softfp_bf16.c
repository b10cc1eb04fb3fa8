/*
 * BFloat16 dot products with FPCR.EBF = 0, which have a rounding of their own:
 * to odd, denormals flushed on both sides, default NaN, no flags, overflow to
 * infinity; FPCR is not looked at.
 * Arm DDI 0487, shared pseudocode BFDotAdd, BFMul, BFAdd, BFRound.
 */
#include "softfp_core.h"

/* Single; the sum or product is finite and not zero. */
static uint32_t bf_round(bool sign, int exp, u128 sig)
{
	uint32_t flags = 0, r;
	struct fpctx c = { FPCR_FZ, &flags };
	uint64_t hi = sig >> 64;
	int lz = hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)sig);

	sig <<= lz;
	r = (uint32_t)fp_round_base(&c, &fpinfo[FP_S], FP_S, sign, exp - lz,
				    (uint64_t)(sig >> 64) |
					    ((uint64_t)sig != 0),
				    FPROUND_ODD);
	/* FPROUND_ODD stops at the largest number. */
	return flags & FPSR_OFC ? (uint32_t)fp_inf(FP_S, sign) : r;
}

static struct fpnum bf_unpack(uint32_t a)
{
	uint32_t flags = 0;
	struct fpctx c = { FPCR_FZ, &flags };

	return fp_unpack(&c, FP_S, a);
}

static uint32_t bf_mul(uint32_t a, uint32_t b)
{
	struct fpnum n1 = bf_unpack(a), n2 = bf_unpack(b);
	bool sign = n1.sign != n2.sign;
	bool inf = n1.type == FPT_INF || n2.type == FPT_INF;
	bool zero = n1.type == FPT_ZERO || n2.type == FPT_ZERO;

	if (fp_isnan(&n1) || fp_isnan(&n2) || (inf && zero))
		return (uint32_t)softfp_default_nan(FP_S);
	if (inf)
		return (uint32_t)fp_inf(FP_S, sign);
	if (zero)
		return (uint32_t)fp_zero(FP_S, sign);
	return bf_round(sign, n1.exp + n2.exp + 1, (u128)n1.sig * n2.sig);
}

static uint32_t bf_add(uint32_t a, uint32_t b)
{
	struct fpnum n1 = bf_unpack(a), n2 = bf_unpack(b);
	u128 s1 = (u128)n1.sig << 63, s2 = (u128)n2.sig << 63;
	int exp = n1.exp;

	if (fp_isnan(&n1) || fp_isnan(&n2) ||
	    (n1.type == FPT_INF && n2.type == FPT_INF && n1.sign != n2.sign))
		return (uint32_t)softfp_default_nan(FP_S);
	if (n1.type == FPT_INF)
		return (uint32_t)fp_inf(FP_S, n1.sign);
	if (n2.type == FPT_INF)
		return (uint32_t)fp_inf(FP_S, n2.sign);
	/* an exact zero of unlike signs is positive */
	if (n1.type == FPT_ZERO && n2.type == FPT_ZERO)
		return (uint32_t)fp_zero(FP_S, n1.sign && n2.sign);
	if (n1.type == FPT_ZERO)
		return b;
	if (n2.type == FPT_ZERO)
		return a;
	if (n1.exp >= n2.exp) {
		s2 = fp_shr_jam(s2, (unsigned)(n1.exp - n2.exp));
	} else {
		exp = n2.exp;
		s1 = fp_shr_jam(s1, (unsigned)(n2.exp - n1.exp));
	}
	if (n1.sign == n2.sign)
		return bf_round(n1.sign, exp + 1, s1 + s2);
	if (s1 == s2)
		return 0;
	return s1 > s2 ? bf_round(n1.sign, exp + 1, s1 - s2)
		       : bf_round(n2.sign, exp + 1, s2 - s1);
}

uint32_t softfp_bfdot(uint32_t addend, uint32_t a, uint32_t b)
{
	uint32_t lo = bf_mul(a << 16, b << 16);
	uint32_t hi = bf_mul(a & 0xffff0000, b & 0xffff0000);

	return bf_add(addend, bf_add(lo, hi));
}
