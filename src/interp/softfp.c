/*
 * Floating point in integers: rounding, and the arithmetic that rounds once.
 * Arm DDI 0487, shared pseudocode FPRound, FPAdd, FPMul, FPMulX, FPDiv, FPSqrt,
 * FPMulAdd, FPMulAddH, FPRecipStepFused, FPRSqrtStepFused.
 */
#include "softfp_core.h"

uint64_t fp_round_base(const struct fpctx *c, const struct fpinfo *i,
		       enum fpfmt f, bool sign, int exp, uint64_t sig,
		       enum fpround r)
{
	uint64_t zero = (uint64_t)sign << (i->bits - 1);
	uint64_t emax = (1ull << i->ebits) - 1;
	unsigned drop = 63 - i->fbits;
	int biased = exp - i->emin + 1;
	uint64_t kept, lost;

	if (biased <= 0) {
		unsigned n = 1u - (unsigned)biased;

		/* Tiny before rounding; a flushed result is not inexact. */
		if (fp_flushes(c, f)) {
			fp_raise(c, FPSR_UFC);
			return zero;
		}
		sig = n > 63 ? 1 : sig >> n | ((sig << (64 - n)) != 0);
		biased = 0;
	}
	kept = sig >> drop;
	lost = sig & ((1ull << drop) - 1);
	if (lost && !biased)
		fp_raise(c, FPSR_UFC);
	if (fp_rounds_up(kept, lost, drop, sign, r)) {
		kept++;
		if (kept >> (i->fbits + 1)) {
			kept >>= 1;
			biased++;
		} else if (!biased && kept >> i->fbits) {
			biased = 1;
		}
	} else if (lost && r == FPROUND_ODD) {
		kept |= 1;
	}
	if (f == FP_H && c->fpcr & FPCR_AHP) {
		/* No infinities: the largest exponent is a number. */
		if (biased > (int)emax) {
			fp_raise(c, FPSR_IOC);
			return zero | 0x7fff;
		}
	} else if (biased >= (int)emax) {
		uint64_t inf = emax << i->fbits;

		fp_raise(c, FPSR_OFC | FPSR_IXC);
		return zero | (fp_to_inf(sign, r) ? inf : inf - 1);
	}
	if (lost)
		fp_raise(c, FPSR_IXC);
	return zero | (uint64_t)biased << i->fbits |
	       (kept & ((1ull << i->fbits) - 1));
}

uint64_t fp_round(const struct fpctx *c, enum fpfmt f, bool sign, int exp,
		  uint64_t sig)
{
	struct fpctx ieee = { c->fpcr & ~(uint32_t)FPCR_AHP, c->fpsr };

	return fp_round_base(&ieee, &fpinfo[f], f, sign, exp, sig,
			     fpctx_round(c));
}

uint64_t fp_round128(const struct fpctx *c, enum fpfmt f, bool sign, int exp,
		     u128 sig)
{
	uint64_t hi = sig >> 64;
	int lz = hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)sig);

	sig <<= lz;
	return fp_round(c, f, sign, exp - lz,
			(uint64_t)(sig >> 64) | ((uint64_t)sig != 0));
}

static struct fpwide widen(const struct fpnum *n)
{
	return (struct fpwide){ n->sign, n->exp, (u128)n->sig << 63 };
}

/*
 * The product of two numbers is at most 106 bits long, so its lowest bit is
 * spare and the shift that makes room for the carry of an addition is exact.
 */
static struct fpwide product(const struct fpnum *a, const struct fpnum *b)
{
	struct fpwide p = { a->sign != b->sign, a->exp + b->exp + 1,
			    (u128)a->sig * b->sig >> 1 };

	if (!(p.sig >> 126)) {
		p.sig <<= 1;
		p.exp--;
	}
	return p;
}

/*
 * The sum, or false if it is exactly zero. What the smaller operand loses is
 * kept as a sticky bit: only with two places or more between the operands is
 * anything lost, and then cancellation takes at most one place of the 126.
 */
static bool addwide(struct fpwide a, struct fpwide b, struct fpwide *r)
{
	if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
		struct fpwide t = a;

		a = b;
		b = t;
	}
	b.sig = fp_shr_jam(b.sig, (unsigned)(a.exp - b.exp));
	*r = a;
	r->sig = a.sign == b.sign ? a.sig + b.sig : a.sig - b.sig;
	return r->sig != 0;
}

/* Rounds a sum scaled by 2^scale; the sign of an exact zero is RMode's. */
static uint64_t round_sum(const struct fpctx *c, enum fpfmt f, struct fpwide a,
			  struct fpwide b, int scale)
{
	struct fpwide r;

	if (!addwide(a, b, &r))
		return fp_zero(f, fpctx_round(c) == FPROUND_NEGINF);
	return fp_round128(c, f, r.sign, r.exp + 1 + scale, r.sig);
}

static uint64_t add(const struct fpctx *c, enum fpfmt f, uint64_t a,
		    uint64_t b, bool negate)
{
	struct fpnum n1 = fp_unpack(c, f, a);
	struct fpnum n2 = fp_unpack(c, f, b);
	uint64_t r;

	if (fp_nans(c, f, &n1, &n2, a, b, &r))
		return r;
	n2.sign ^= negate;
	if (n1.type == FPT_INF && n2.type == FPT_INF && n1.sign != n2.sign)
		return fp_invalid(c, f);
	if (n1.type == FPT_INF)
		return fp_inf(f, n1.sign);
	if (n2.type == FPT_INF)
		return fp_inf(f, n2.sign);
	if (n1.type == FPT_ZERO && n2.type == FPT_ZERO)
		return fp_zero(f, n1.sign == n2.sign
					  ? n1.sign
					  : fpctx_round(c) == FPROUND_NEGINF);
	if (n1.type == FPT_ZERO)
		return fp_round(c, f, n2.sign, n2.exp, n2.sig);
	if (n2.type == FPT_ZERO)
		return fp_round(c, f, n1.sign, n1.exp, n1.sig);
	return round_sum(c, f, widen(&n1), widen(&n2), 0);
}

uint64_t softfp_add(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return add(c, f, a, b, false);
}

uint64_t softfp_sub(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return add(c, f, a, b, true);
}

static bool is_inf_by_zero(const struct fpnum *a, const struct fpnum *b)
{
	return (a->type == FPT_INF && b->type == FPT_ZERO) ||
	       (a->type == FPT_ZERO && b->type == FPT_INF);
}

static uint64_t mul(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b,
		    bool extended)
{
	struct fpnum n1 = fp_unpack(c, f, a);
	struct fpnum n2 = fp_unpack(c, f, b);
	bool sign = n1.sign != n2.sign;
	uint64_t r;

	if (fp_nans(c, f, &n1, &n2, a, b, &r))
		return r;
	if (is_inf_by_zero(&n1, &n2)) {
		/* FMULX: the constant two, which has one exponent bit */
		if (extended)
			return fp_zero(f, sign) | softfp_signbit(f) >> 1;
		return fp_invalid(c, f);
	}
	if (n1.type == FPT_INF || n2.type == FPT_INF)
		return fp_inf(f, sign);
	if (n1.type == FPT_ZERO || n2.type == FPT_ZERO)
		return fp_zero(f, sign);
	return fp_round128(c, f, sign, n1.exp + n2.exp + 1,
			   (u128)n1.sig * n2.sig);
}

uint64_t softfp_mul(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return mul(c, f, a, b, false);
}

uint64_t softfp_mulx(const struct fpctx *c, enum fpfmt f, uint64_t a,
		     uint64_t b)
{
	return mul(c, f, a, b, true);
}

uint64_t softfp_div(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	struct fpnum n1 = fp_unpack(c, f, a);
	struct fpnum n2 = fp_unpack(c, f, b);
	bool sign = n1.sign != n2.sign;
	uint64_t r, q;
	u128 num;

	if (fp_nans(c, f, &n1, &n2, a, b, &r))
		return r;
	if (n1.type == n2.type && n1.type != FPT_NUMBER)
		return fp_invalid(c, f);
	if (n1.type == FPT_INF || n2.type == FPT_ZERO) {
		if (n1.type != FPT_INF)
			fp_raise(c, FPSR_DZC);
		return fp_inf(f, sign);
	}
	if (n1.type == FPT_ZERO || n2.type == FPT_INF)
		return fp_zero(f, sign);
	/* The quotient of two numbers in [2^63, 2^64) has 63 or 64 bits. */
	num = (u128)n1.sig << 63;
	q = num / n2.sig;
	return fp_round128(c, f, sign, n1.exp - n2.exp + 63,
			   (u128)q << 1 | ((u128)q * n2.sig != num));
}

/*
 * The top `n` bits of the root of v < 2^128, digit by digit, in place; the
 * remainder becomes a sticky bit below them.
 */
static u128 root(u128 v, int n)
{
	u128 res = 0, bit = (u128)1 << 126;

	while (n--) {
		if (v >= res + bit) {
			v -= res + bit;
			res = (res >> 1) + bit;
		} else {
			res >>= 1;
		}
		bit >>= 2;
	}
	return res | (v != 0);
}

uint64_t softfp_sqrt(const struct fpctx *c, enum fpfmt f, uint64_t a)
{
	struct fpnum n = fp_unpack(c, f, a);
	u128 v = n.sig;
	int digits = fpinfo[f].fbits + 3;

	if (fp_isnan(&n))
		return fp_nan(c, f, n.type, a);
	if (n.type == FPT_ZERO)
		return fp_zero(f, n.sign);
	if (n.sign)
		return fp_invalid(c, f);
	if (n.type == FPT_INF)
		return fp_inf(f, false);
	/* In [2^126, 2^128). The first digit of k lands at bit 127 - k. */
	v <<= n.exp & 1 ? 64 : 63;
	return fp_round128(c, f, false, ((n.exp - (n.exp & 1)) >> 1) + digits,
			   root(v, digits));
}

/* FPProcessNaNs3 in the order addend, a, b. */
static bool nans3(const struct fpctx *c, enum fpfmt f, const struct fpnum *n,
		  const uint64_t *raw, uint64_t *r)
{
	for (enum fptype t = FPT_SNAN; t >= FPT_QNAN; t--) {
		for (int i = 0; i < 3; i++) {
			if (n[i].type == t) {
				*r = fp_nan(c, f, t, raw[i]);
				return true;
			}
		}
	}
	return false;
}

/* What follows NaNs, for addend n[0] and factors n[1] and n[2]. */
static uint64_t muladd(const struct fpctx *c, enum fpfmt f,
		       const struct fpnum *n)
{
	bool sign = n[1].sign != n[2].sign;
	bool inf = n[1].type == FPT_INF || n[2].type == FPT_INF;
	bool zero = n[1].type == FPT_ZERO || n[2].type == FPT_ZERO;

	if ((inf && zero) ||
	    (inf && n[0].type == FPT_INF && n[0].sign != sign))
		return fp_invalid(c, f);
	if (n[0].type == FPT_INF)
		return fp_inf(f, n[0].sign);
	if (inf)
		return fp_inf(f, sign);
	if (zero && n[0].type == FPT_ZERO)
		return fp_zero(f, n[0].sign == sign
					  ? sign
					  : fpctx_round(c) == FPROUND_NEGINF);
	if (zero)
		return fp_round(c, f, n[0].sign, n[0].exp, n[0].sig);
	if (n[0].type == FPT_ZERO) {
		struct fpwide p = product(&n[1], &n[2]);

		return fp_round128(c, f, p.sign, p.exp + 1, p.sig);
	}
	return round_sum(c, f, widen(&n[0]), product(&n[1], &n[2]), 0);
}

uint64_t softfp_muladd(const struct fpctx *c, enum fpfmt f, uint64_t addend,
		       uint64_t a, uint64_t b)
{
	uint64_t raw[3] = { addend, a, b }, r;
	struct fpnum n[3];
	bool nan;

	for (int i = 0; i < 3; i++)
		n[i] = fp_unpack(c, f, raw[i]);
	nan = nans3(c, f, n, raw, &r);
	/* A quiet addend does not hide that infinity times zero is invalid. */
	if (n[0].type == FPT_QNAN && is_inf_by_zero(&n[1], &n[2]))
		return fp_invalid(c, f);
	return nan ? r : muladd(c, f, n);
}

/* FPConvertNaN of a half, in FPProcessNaNs3H. */
static uint64_t half_nan(uint64_t h)
{
	return (h & 0x8000) << 16 | 0x7fc00000 | (h & 0x3ff) << 13;
}

uint64_t softfp_muladdh(const struct fpctx *c, uint64_t addend, uint64_t a,
			uint64_t b)
{
	uint64_t raw[3] = { addend, half_nan(a), half_nan(b) }, r;
	struct fpnum n[3];
	bool nan;

	n[0] = fp_unpack(c, FP_S, addend);
	n[1] = fp_unpack(c, FP_H, a);
	n[2] = fp_unpack(c, FP_H, b);
	nan = nans3(c, FP_S, n, raw, &r);
	if (n[0].type == FPT_QNAN && is_inf_by_zero(&n[1], &n[2]))
		return fp_invalid(c, FP_S);
	return nan ? r : muladd(c, FP_S, n);
}

/* (k - a * b) * 2^scale, the core of both Newton steps. */
static uint64_t step(const struct fpctx *c, enum fpfmt f, uint64_t a,
		     uint64_t b, const struct fpnum *k, int scale,
		     uint64_t inf_by_zero)
{
	struct fpnum n1, n2;
	uint64_t r;

	a ^= softfp_signbit(f);
	n1 = fp_unpack(c, f, a);
	n2 = fp_unpack(c, f, b);
	if (fp_nans(c, f, &n1, &n2, a, b, &r))
		return r;
	if (is_inf_by_zero(&n1, &n2))
		return inf_by_zero;
	if (n1.type == FPT_INF || n2.type == FPT_INF)
		return fp_inf(f, n1.sign != n2.sign);
	if (n1.type == FPT_ZERO || n2.type == FPT_ZERO)
		return fp_round(c, f, false, k->exp + scale, k->sig);
	return round_sum(c, f, widen(k), product(&n1, &n2), scale);
}

uint64_t softfp_recps(const struct fpctx *c, enum fpfmt f, uint64_t a,
		      uint64_t b)
{
	static const struct fpnum two = { FPT_NUMBER, false, 1, 1ull << 63 };

	return step(c, f, a, b, &two, 0, softfp_signbit(f) >> 1);
}

uint64_t softfp_rsqrts(const struct fpctx *c, enum fpfmt f, uint64_t a,
		       uint64_t b)
{
	static const struct fpnum three = { FPT_NUMBER, false, 1, 3ull << 62 };
	uint64_t one = fp_inf(f, false) & ~(softfp_signbit(f) >> 1);

	/* one and a half */
	return step(c, f, a, b, &three, -1,
		    one | 1ull << (fpinfo[f].fbits - 1));
}
