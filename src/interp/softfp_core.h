/*
 * Inside of softfp: a number taken apart, NaN selection, rounding.
 * For softfp*.c alone.
 */
#ifndef SOFTFP_CORE_H
#define SOFTFP_CORE_H

#include "softfp.h"

typedef unsigned __int128 u128;

/* Ordered so that "is a NaN" is one comparison. */
enum fptype { FPT_ZERO, FPT_NUMBER, FPT_INF, FPT_QNAN, FPT_SNAN };

/* A number is sig * 2^(exp - 63) with bit 63 of sig set. */
struct fpnum {
	enum fptype type;
	bool sign;
	int exp;
	uint64_t sig;
};

struct fpinfo {
	uint8_t bits, ebits, fbits;
	int16_t emin; /* of the smallest normal number: 2^emin */
};

static const struct fpinfo fpinfo[4] = {
	[FP_H] = { 16, 5, 10, -14 },
	[FP_S] = { 32, 8, 23, -126 },
	[FP_D] = { 64, 11, 52, -1022 },
};

static inline void fp_raise(const struct fpctx *c, uint32_t flags)
{
	*c->fpsr |= flags;
}

static inline uint64_t fp_mask(enum fpfmt f)
{
	return ~0ull >> (64 - (8u << f));
}

static inline uint64_t fp_zero(enum fpfmt f, bool sign)
{
	return sign ? softfp_signbit(f) : 0;
}

static inline uint64_t fp_inf(enum fpfmt f, bool sign)
{
	const struct fpinfo *i = &fpinfo[f];

	return fp_zero(f, sign) | ((1ull << i->ebits) - 1) << i->fbits;
}

static inline uint64_t fp_maxnormal(enum fpfmt f, bool sign)
{
	return fp_inf(f, sign) - 1;
}

static inline bool fp_isnan(const struct fpnum *n)
{
	return n->type >= FPT_QNAN;
}

/* FZ16 is half's own bit and FZ does not act on half. */
static inline bool fp_flushes(const struct fpctx *c, enum fpfmt f)
{
	return c->fpcr & (f == FP_H ? FPCR_FZ16 : FPCR_FZ);
}

/* FPUnpackBase. Which bits of FPCR act is the caller's choice of c. */
static inline struct fpnum fp_unpack_base(const struct fpctx *c, enum fpfmt f,
					  uint64_t a)
{
	const struct fpinfo *i = &fpinfo[f];
	unsigned emax = (1u << i->ebits) - 1;
	unsigned exp = a >> i->fbits & emax;
	uint64_t frac = a & ((1ull << i->fbits) - 1);
	struct fpnum n = { FPT_ZERO, a & softfp_signbit(f), 0, 0 };

	if (exp == 0) {
		if (frac == 0)
			return n;
		if (fp_flushes(c, f)) {
			/* A flushed half sets no flag. */
			if (f != FP_H)
				fp_raise(c, FPSR_IDC);
			return n;
		}
		int lz = __builtin_clzll(frac);

		n.type = FPT_NUMBER;
		n.sig = frac << lz;
		n.exp = i->emin - i->fbits + 63 - lz;
	} else if (exp == emax && !(f == FP_H && c->fpcr & FPCR_AHP)) {
		n.type = frac == 0                          ? FPT_INF
			 : frac >> (i->fbits - 1) & 1 ? FPT_QNAN
						      : FPT_SNAN;
	} else {
		n.type = FPT_NUMBER;
		n.sig = (frac | 1ull << i->fbits) << (63 - i->fbits);
		n.exp = (int)exp - 1 + i->emin;
	}
	return n;
}

/* FPUnpack: for all but conversions between formats, half is IEEE half. */
static inline struct fpnum fp_unpack(const struct fpctx *c, enum fpfmt f,
				     uint64_t a)
{
	struct fpctx ieee = { c->fpcr & ~(uint32_t)FPCR_AHP, c->fpsr };

	return fp_unpack_base(&ieee, f, a);
}

/* FPUnpackCV: conversions between formats ignore FZ16. */
static inline struct fpnum fp_unpack_cv(const struct fpctx *c, enum fpfmt f,
					uint64_t a)
{
	struct fpctx cv = { c->fpcr & ~(uint32_t)FPCR_FZ16, c->fpsr };

	return fp_unpack_base(&cv, f, a);
}

/* FPProcessNaN */
static inline uint64_t fp_nan(const struct fpctx *c, enum fpfmt f,
			      enum fptype type, uint64_t a)
{
	if (type == FPT_SNAN) {
		fp_raise(c, FPSR_IOC);
		a |= 1ull << (fpinfo[f].fbits - 1);
	}
	return c->fpcr & FPCR_DN ? softfp_default_nan(f) : a & fp_mask(f);
}

/* FPProcessNaNs: signalling ones first, each kind in operand order. */
static inline bool fp_nans(const struct fpctx *c, enum fpfmt f,
			   const struct fpnum *n1, const struct fpnum *n2,
			   uint64_t a, uint64_t b, uint64_t *r)
{
	if (!fp_isnan(n1) && !fp_isnan(n2))
		return false;
	if (n1->type == FPT_SNAN ||
	    (n2->type != FPT_SNAN && n1->type == FPT_QNAN))
		*r = fp_nan(c, f, n1->type, a);
	else
		*r = fp_nan(c, f, n2->type, b);
	return true;
}

static inline uint64_t fp_invalid(const struct fpctx *c, enum fpfmt f)
{
	fp_raise(c, FPSR_IOC);
	return softfp_default_nan(f);
}

/* Is `kept` to be raised by one, if the n bits of `lost` fall off below it? */
static inline bool fp_rounds_up(uint64_t kept, uint64_t lost, unsigned n,
				bool sign, enum fpround r)
{
	uint64_t half = 1ull << (n - 1);

	switch (r) {
	case FPROUND_TIEEVEN: return lost > half || (lost == half && kept & 1);
	case FPROUND_TIEAWAY: return lost >= half;
	case FPROUND_POSINF: return lost && !sign;
	case FPROUND_NEGINF: return lost && sign;
	default: return false;
	}
}

/* Does overflow give an infinity, or the largest number? */
static inline bool fp_to_inf(bool sign, enum fpround r)
{
	return r == FPROUND_TIEEVEN || r == (sign ? FPROUND_NEGINF : FPROUND_POSINF);
}

/*
 * FPRound of sig * 2^(exp - 63); bit 63 of sig is set and what lies below its
 * bit 0 is ORed into that. fp_round_base lets all bits of c->fpcr act and takes
 * the shape of the format from its own argument (f tells half apart);
 * fp_round leaves AHP out and rounds by RMode.
 */
uint64_t fp_round_base(const struct fpctx *, const struct fpinfo *, enum fpfmt,
		       bool sign, int exp, uint64_t sig, enum fpround);
uint64_t fp_round(const struct fpctx *, enum fpfmt, bool sign, int exp,
		  uint64_t sig);
/* The same of sig * 2^(exp - 127), sig any non-zero value. */
uint64_t fp_round128(const struct fpctx *, enum fpfmt, bool sign, int exp,
		     u128 sig);

/* A number as sig * 2^(exp - 126), bit 126 of sig set; room for a carry. */
struct fpwide {
	bool sign;
	int exp;
	u128 sig;
};

static inline u128 fp_shr_jam(u128 v, unsigned n)
{
	if (n == 0)
		return v;
	if (n > 127)
		return v != 0;
	return v >> n | ((v << (128 - n)) != 0);
}

#endif
