/*
 * Conversions: between formats, to and from integers and fixed point, to
 * integral values.
 * Arm DDI 0487, shared pseudocode FPConvert, FPConvertNaN, FPConvertBF,
 * FPToFixed, FPToFixedJS, FixedToFP, FPRoundInt, FPRoundIntN.
 */
#include "softfp_core.h"

/* FPConvertNaN: the payload keeps its top bits; always quiet. */
static uint64_t convert_nan(enum fpfmt to, enum fpfmt from, uint64_t a)
{
	const struct fpinfo *t = &fpinfo[to], *s = &fpinfo[from];
	uint64_t frac = a << (64 - s->fbits) >> (64 - t->fbits);

	return fp_inf(to, a & softfp_signbit(from)) | frac |
	       1ull << (t->fbits - 1);
}

uint64_t softfp_cvt(const struct fpctx *c, enum fpfmt to, enum fpfmt from,
		    uint64_t a, enum fpround r)
{
	struct fpctx cv = { c->fpcr & ~(uint32_t)FPCR_FZ16, c->fpsr };
	struct fpnum n = fp_unpack_base(&cv, from, a);
	bool alt = to == FP_H && c->fpcr & FPCR_AHP;

	switch (n.type) {
	case FPT_SNAN:
	case FPT_QNAN:
		if (alt || n.type == FPT_SNAN)
			fp_raise(c, FPSR_IOC);
		if (alt)
			return fp_zero(to, n.sign);
		return c->fpcr & FPCR_DN ? softfp_default_nan(to)
					 : convert_nan(to, from, a);
	case FPT_INF:
		if (!alt)
			return fp_inf(to, n.sign);
		fp_raise(c, FPSR_IOC);
		return fp_zero(to, n.sign) | 0x7fff;
	case FPT_ZERO:
		return fp_zero(to, n.sign);
	default:
		return fp_round_base(&cv, &fpinfo[to], to, n.sign, n.exp, n.sig,
				     r);
	}
}

uint64_t softfp_bfcvt(const struct fpctx *c, uint64_t a)
{
	/* single's exponents with 7 bits of fraction */
	static const struct fpinfo bf = { 16, 8, 7, -126 };
	struct fpnum n = fp_unpack(c, FP_S, a);

	switch (n.type) {
	case FPT_SNAN:
	case FPT_QNAN:
		return fp_nan(c, FP_S, n.type, a) >> 16;
	case FPT_INF:
		return fp_inf(FP_S, n.sign) >> 16;
	case FPT_ZERO:
		return fp_zero(FP_S, n.sign) >> 16;
	default:
		return fp_round_base(c, &bf, FP_S, n.sign, n.exp, n.sig,
				     fpctx_round(c));
	}
}

/*
 * The magnitude of n * 2^fbits rounded to an integer; false if it is 2^64 or
 * more. *inexact: something was rounded off.
 */
static bool to_integral(const struct fpnum *n, unsigned fbits, enum fpround r,
			uint64_t *mag, bool *inexact)
{
	int drop = 63 - n->exp - (int)fbits;
	uint64_t kept, lost;

	*mag = 0;
	*inexact = false;
	if (n->type != FPT_NUMBER)
		return n->type != FPT_INF;
	if (drop < 0)
		return false;
	if (drop == 0) {
		*mag = n->sig;
		return true;
	}
	/* From 65 places on only "below a half" is left to know. */
	if (drop > 64) {
		kept = 0;
		lost = 1;
		drop = 64;
	} else {
		kept = drop == 64 ? 0 : n->sig >> drop;
		lost = n->sig << (64 - drop) >> (64 - drop);
	}
	*inexact = lost != 0;
	*mag = kept + fp_rounds_up(kept, lost, (unsigned)drop, n->sign, r);
	return true;
}

uint64_t softfp_toint(const struct fpctx *c, enum fpfmt f, uint64_t a,
		      unsigned bits, unsigned fbits, bool uns, enum fpround r)
{
	struct fpnum n = fp_unpack(c, f, a);
	uint64_t mask = ~0ull >> (64 - bits), mag, limit;
	bool inexact, fits;

	if (fp_isnan(&n)) {
		fp_raise(c, FPSR_IOC);
		return 0;
	}
	if (uns)
		limit = n.sign ? 0 : mask;
	else
		limit = (mask >> 1) + n.sign;
	fits = to_integral(&n, fbits, r, &mag, &inexact);
	if (!fits || mag > limit) {
		fp_raise(c, FPSR_IOC);
		mag = limit;
	} else if (inexact) {
		fp_raise(c, FPSR_IXC);
	}
	return (n.sign ? -mag : mag) & mask;
}

uint64_t softfp_fromint(const struct fpctx *c, enum fpfmt f, uint64_t a,
			unsigned bits, unsigned fbits, bool uns)
{
	bool sign;
	int lz;

	a <<= 64 - bits;
	sign = !uns && a >> 63;
	if (sign)
		a = -a;
	if (a == 0)
		return 0;
	lz = __builtin_clzll(a);
	return fp_round(c, f, sign, (int)bits - 1 - lz - (int)fbits, a << lz);
}

uint32_t softfp_fjcvtzs(const struct fpctx *c, uint64_t a, bool *z)
{
	struct fpnum n = fp_unpack(c, FP_D, a);
	uint64_t mag = 0, limit = 0x7fffffffu + (uint64_t)n.sign;
	bool inexact;

	*z = false;
	if (fp_isnan(&n) || n.type == FPT_INF) {
		fp_raise(c, FPSR_IOC);
		return 0;
	}
	if (n.type == FPT_ZERO) {
		/* also of a flushed denormal */
		*z = !n.sign;
		return 0;
	}
	if (!to_integral(&n, 0, FPROUND_ZERO, &mag, &inexact)) {
		/* A multiple of 2^(exp - 63): its low bits by a shift. */
		fp_raise(c, FPSR_IOC);
		mag = n.exp - 63 < 32 ? n.sig << (n.exp - 63) : 0;
	} else if (mag > limit) {
		fp_raise(c, FPSR_IOC);
	} else if (inexact) {
		fp_raise(c, FPSR_IXC);
	} else {
		*z = true;
	}
	return (uint32_t)(n.sign ? -mag : mag);
}

/* An integer that fits the format or was a number of it, exactly. */
static uint64_t integral(enum fpfmt f, bool sign, uint64_t mag)
{
	uint32_t none;
	struct fpctx c = { FPROUND_ZERO << FPCR_RMODE_SHIFT, &none };
	int lz;

	none = 0;
	if (mag == 0)
		return fp_zero(f, sign);
	lz = __builtin_clzll(mag);
	return fp_round(&c, f, sign, 63 - lz, mag << lz);
}

uint64_t softfp_rint(const struct fpctx *c, enum fpfmt f, uint64_t a,
		     enum fpround r, bool exact)
{
	struct fpnum n = fp_unpack(c, f, a);
	uint64_t mag;
	bool inexact;

	if (fp_isnan(&n))
		return fp_nan(c, f, n.type, a);
	if (n.type == FPT_ZERO)
		return fp_zero(f, n.sign);
	/* Without fraction bits there is nothing to round. */
	if (n.type == FPT_INF || n.exp >= fpinfo[f].fbits)
		return a & fp_mask(f);
	to_integral(&n, 0, r, &mag, &inexact);
	if (inexact && exact)
		fp_raise(c, FPSR_IXC);
	return integral(f, n.sign, mag);
}

uint64_t softfp_rintn(const struct fpctx *c, enum fpfmt f, uint64_t a,
		      enum fpround r, unsigned intbits)
{
	struct fpnum n = fp_unpack(c, f, a);
	uint64_t limit = 1ull << (intbits - 1), mag;
	bool inexact;

	if (fp_isnan(&n) || !to_integral(&n, 0, r, &mag, &inexact) ||
	    mag > limit - !n.sign) {
		/* the most negative integer, which is exact in both formats */
		fp_raise(c, FPSR_IOC);
		return integral(f, true, limit);
	}
	if (inexact)
		fp_raise(c, FPSR_IXC);
	return integral(f, n.sign, mag);
}
