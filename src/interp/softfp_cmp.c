/*
 * Comparison, minimum and maximum.
 * Arm DDI 0487, shared pseudocode FPCompare*, FPMax, FPMin, FPMaxNum, FPMinNum.
 */
#include "softfp_core.h"

/* -1, 0, 1 of two that are no NaNs. */
static int order(const struct fpnum *a, const struct fpnum *b)
{
	int m;

	if (a->type == FPT_ZERO && b->type == FPT_ZERO)
		return 0;
	if (a->type == FPT_ZERO)
		return b->sign ? 1 : -1;
	if (b->type == FPT_ZERO || a->sign != b->sign)
		return a->sign ? -1 : 1;
	if (a->type != b->type)
		m = a->type == FPT_INF ? 1 : -1;
	else if (a->type == FPT_INF)
		m = 0;
	else if (a->exp != b->exp)
		m = a->exp > b->exp ? 1 : -1;
	else
		m = (a->sig > b->sig) - (a->sig < b->sig);
	return a->sign ? -m : m;
}

/* As order(); 2 if unordered. */
static int compare(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b,
		   bool signal)
{
	struct fpnum n1 = fp_unpack(c, f, a);
	struct fpnum n2 = fp_unpack(c, f, b);

	if (!fp_isnan(&n1) && !fp_isnan(&n2))
		return order(&n1, &n2);
	if (signal || n1.type == FPT_SNAN || n2.type == FPT_SNAN)
		fp_raise(c, FPSR_IOC);
	return 2;
}

unsigned softfp_cmp(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b,
		    bool signal)
{
	static const uint8_t nzcv[4] = { 8, 6, 2, 3 };

	return nzcv[compare(c, f, a, b, signal) + 1];
}

bool softfp_eq(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return compare(c, f, a, b, false) == 0;
}

bool softfp_ge(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	int r = compare(c, f, a, b, true);

	return r == 0 || r == 1;
}

bool softfp_gt(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return compare(c, f, a, b, true) == 1;
}

static uint64_t pick(const struct fpctx *c, enum fpfmt f, uint64_t a,
		     uint64_t b, bool max)
{
	struct fpnum n1 = fp_unpack(c, f, a);
	struct fpnum n2 = fp_unpack(c, f, b);
	const struct fpnum *n;
	uint64_t r;
	int o;

	if (fp_nans(c, f, &n1, &n2, a, b, &r))
		return r;
	o = order(&n1, &n2);
	n = (max ? o > 0 : o < 0) ? &n1 : &n2;
	/* Equal zeros: +0 is above -0. */
	if (n->type == FPT_ZERO)
		return fp_zero(f, max ? n1.sign && n2.sign
				      : n1.sign || n2.sign);
	return (n == &n1 ? a : b) & fp_mask(f);
}

uint64_t softfp_min(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return pick(c, f, a, b, false);
}

uint64_t softfp_max(const struct fpctx *c, enum fpfmt f, uint64_t a, uint64_t b)
{
	return pick(c, f, a, b, true);
}

static bool is_qnan(enum fpfmt f, uint64_t a)
{
	uint64_t quiet = fp_inf(f, false) | 1ull << (fpinfo[f].fbits - 1);

	return (a & quiet) == quiet;
}

/* A single quiet NaN loses against everything: becomes the far infinity. */
static uint64_t picknm(const struct fpctx *c, enum fpfmt f, uint64_t a,
		       uint64_t b, bool max)
{
	bool q1 = is_qnan(f, a), q2 = is_qnan(f, b);

	if (q1 && !q2)
		a = fp_inf(f, max);
	else if (q2 && !q1)
		b = fp_inf(f, max);
	return pick(c, f, a, b, max);
}

uint64_t softfp_minnm(const struct fpctx *c, enum fpfmt f, uint64_t a,
		      uint64_t b)
{
	return picknm(c, f, a, b, false);
}

uint64_t softfp_maxnm(const struct fpctx *c, enum fpfmt f, uint64_t a,
		      uint64_t b)
{
	return picknm(c, f, a, b, true);
}
