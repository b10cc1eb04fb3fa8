/*
 * Reciprocal and reciprocal square root estimates, which the architecture
 * defines bit for bit by functions of nine leading bits.
 * Arm DDI 0487, shared pseudocode RecipEstimate, RecipSqrtEstimate,
 * FPRecipEstimate, FPRecpX, FPRSqrtEstimate, UnsignedRecipEstimate,
 * UnsignedRSqrtEstimate.
 */
#include "softfp_core.h"

/* 256 <= a < 512 stands for [1/2, 1); the result for [1, 2) alike. */
static unsigned recip_estimate(unsigned a)
{
	a = a * 2 + 1;
	return ((1u << 19) / a + 1) / 2;
}

/* 128 <= a < 512 stands for [1/4, 1); the result, in 256..511, for [1, 2). */
static unsigned rsqrt_estimate(unsigned a)
{
	unsigned lo = 512, hi = 1024;

	if (a < 256)
		a = a * 2 + 1;
	else
		a = ((a >> 1 << 1) + 1) * 2;
	/* the largest b with a * b * b < 2^28; 512 always qualifies */
	while (hi - lo > 1) {
		unsigned mid = (lo + hi) / 2;

		if (a * mid * mid < 1u << 28)
			lo = mid;
		else
			hi = mid;
	}
	return (lo + 1) / 2;
}

/* The fraction as 52 bits, whatever the format. */
static uint64_t fraction52(enum fpfmt f, uint64_t a)
{
	return a << (64 - fpinfo[f].fbits) >> 12;
}

static int exponent(enum fpfmt f, uint64_t a)
{
	return (int)(a >> fpinfo[f].fbits & ((1u << fpinfo[f].ebits) - 1));
}

#define FRAC52 ((1ull << 52) - 1)

uint64_t softfp_recpe(const struct fpctx *c, enum fpfmt f, uint64_t a)
{
	const struct fpinfo *i = &fpinfo[f];
	struct fpnum n = fp_unpack(c, f, a);
	uint64_t frac = fraction52(f, a);
	int exp = exponent(f, a), res;

	if (fp_isnan(&n))
		return fp_nan(c, f, n.type, a);
	if (n.type == FPT_INF)
		return fp_zero(f, n.sign);
	if (n.type == FPT_ZERO) {
		fp_raise(c, FPSR_DZC);
		return fp_inf(f, n.sign);
	}
	/* Below 2^(emin - 2) the reciprocal overflows. */
	if (n.exp < i->emin - 2) {
		fp_raise(c, FPSR_OFC | FPSR_IXC);
		return fp_to_inf(n.sign, fpctx_round(c))
			       ? fp_inf(f, n.sign)
			       : fp_maxnormal(f, n.sign);
	}
	/* From 2^-emin on it is denormal. */
	if (fp_flushes(c, f) && n.exp >= -i->emin) {
		fp_raise(c, FPSR_UFC);
		return fp_zero(f, n.sign);
	}
	if (exp == 0) {
		unsigned up = frac >> 51 ? 1 : 2;

		exp = 1 - (int)up;
		frac = frac << up & FRAC52;
	}
	/* 2 * bias - 1 - exp, and bias is 1 - emin */
	res = 2 * (1 - i->emin) - 1 - exp;
	frac = (uint64_t)(recip_estimate(256 | frac >> 44) & 255) << 44;
	if (res <= 0) {
		frac = (1ull << 52 | frac) >> (1 - res);
		res = 0;
	}
	return fp_zero(f, n.sign) | (uint64_t)res << i->fbits |
	       frac >> (52 - i->fbits);
}

uint64_t softfp_recpx(const struct fpctx *c, enum fpfmt f, uint64_t a)
{
	const struct fpinfo *i = &fpinfo[f];
	struct fpnum n = fp_unpack(c, f, a);
	unsigned emax = (1u << i->ebits) - 1, exp = exponent(f, a);

	if (fp_isnan(&n))
		return fp_nan(c, f, n.type, a);
	exp = exp ? ~exp & emax : emax - 1;
	return fp_zero(f, n.sign) | (uint64_t)exp << i->fbits;
}

uint64_t softfp_rsqrte(const struct fpctx *c, enum fpfmt f, uint64_t a)
{
	const struct fpinfo *i = &fpinfo[f];
	struct fpnum n = fp_unpack(c, f, a);
	uint64_t frac;
	unsigned in;
	int exp, res;

	if (fp_isnan(&n))
		return fp_nan(c, f, n.type, a);
	if (n.type == FPT_ZERO) {
		fp_raise(c, FPSR_DZC);
		return fp_inf(f, n.sign);
	}
	if (n.sign)
		return fp_invalid(c, f);
	if (n.type == FPT_INF)
		return fp_zero(f, false);
	/* The biased exponent as if it could be negative, even or odd. */
	exp = n.exp + 1 - i->emin;
	frac = n.sig << 1 >> 12;
	in = exp & 1 ? 128 | frac >> 45 : 256 | frac >> 44;
	/* (3 * bias - 1 - exp) / 2 */
	res = (3 * (1 - i->emin) - 1 - exp) / 2;
	return (uint64_t)res << i->fbits |
	       (uint64_t)(rsqrt_estimate(in) & 255) << (i->fbits - 8);
}

uint32_t softfp_urecpe(uint32_t a)
{
	return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

uint32_t softfp_ursqrte(uint32_t a)
{
	return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : ~0u;
}
