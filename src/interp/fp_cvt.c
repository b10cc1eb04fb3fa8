/*
 * fp_cvt.c: scalar conversions: between formats, to and from integers and
 * fixed point, to integral values. Arm ARM C4.1.96.
 *
 * The host converts what is in range when it has an instruction for it, and
 * then raises Inexact alone, as Arm does; all else is softfp's.
 */
#include "decode.h"
#include "fp.h"
#include "fp_dec.h"
#include "op.h"

/* FRINTX and FRINTI: by FPCR. */
enum { ROUND_FPCR = 7 };

static enum fpround rounding(const struct fpctx *x, unsigned r)
{
	return r == ROUND_FPCR ? fpctx_round(x) : (enum fpround)r;
}

/* ---- between formats ------------------------------------------------------ */

/* imm: to, from << 2 */
OP(fcvt_slow)
{
	const struct fpctx x = fp_ctx(c);

	fp_put(c, ip->rd, softfp_cvt(&x, ip->imm & 3, ip->imm >> 2 & 3,
				     V(rn).d[0], fpctx_round(&x)));
	NEXT(1);
}

OP(fcvt_d_s)
{
	double r = (double)V(rn).f32[0];

	if (UNLIKELY(__builtin_isunordered(r, r)))
		GO(fcvt_slow);
	fp_put_d(c, ip->rd, r);
	NEXT(1);
}

OP(fcvt_s_d)
{
	float r = (float)V(rn).f64[0];

	if (UNLIKELY(fp_suspect_s(r)))
		GO(fcvt_slow);
	fp_put_s(c, ip->rd, r);
	NEXT(1);
}

OP(bfcvt)
{
	const struct fpctx x = fp_ctx(c);

	fp_put(c, ip->rd, softfp_bfcvt(&x, V(rn).s[0]));
	NEXT(1);
}

/* Half is storage here, and needs no FEAT_FP16. */
op_fn *dec_fcvt(struct dec *d)
{
	static const uint8_t fmt[4] = { FP_S, FP_D, 0, FP_H };
	enum fpfmt from = fmt[bits(d->w, 23, 22)];
	enum fpfmt to = fmt[bits(d->w, 16, 15)];

	if (!from || !to || from == to)
		return NULL;
	fp_regs(d);
	d->r->imm = (int32_t)(to | from << 2);
	if (to == FP_H || from == FP_H || d->ctx & CTX_FPSLOW)
		return op_fcvt_slow;
	return to == FP_D ? op_fcvt_d_s : op_fcvt_s_d;
}

op_fn *dec_bfcvt(struct dec *d)
{
	fp_regs(d);
	return op_bfcvt;
}

/* ---- integral values ------------------------------------------------------ */

/* imm: format, rounding << 4, exact << 8 */
OP(frint)
{
	const struct fpctx x = fp_ctx(c);

	fp_put(c, ip->rd,
	       softfp_rint(&x, ip->imm & 3, V(rn).d[0],
			   rounding(&x, ip->imm >> 4 & 7), ip->imm >> 8 & 1));
	NEXT(1);
}

op_fn *dec_frint(struct dec *d)
{
	static const uint8_t modes[8] = {
		FPROUND_TIEEVEN, FPROUND_POSINF, FPROUND_NEGINF, FPROUND_ZERO,
		FPROUND_TIEAWAY, 0, ROUND_FPCR, ROUND_FPCR,
	};
	enum fpfmt f = fp_type(d);
	unsigned op = bits(d->w, 17, 15);

	fp_regs(d);
	d->r->imm = (int32_t)(f | modes[op] << 4 | (op == 6) << 8);
	return f ? op_frint : NULL;
}

/* imm: format, rounding << 4, width << 8 */
OP(frintn)
{
	const struct fpctx x = fp_ctx(c);

	fp_put(c, ip->rd,
	       softfp_rintn(&x, ip->imm & 3, V(rn).d[0],
			    rounding(&x, ip->imm >> 4 & 7),
			    (unsigned)ip->imm >> 8));
	NEXT(1);
}

op_fn *dec_frintn(struct dec *d)
{
	enum fpfmt f = fp_type(d);
	unsigned op = bits(d->w, 16, 15);

	fp_regs(d);
	d->r->imm = (int32_t)(f | (op & 1 ? ROUND_FPCR : FPROUND_ZERO) << 4 |
			      (op & 2 ? 64 : 32) << 8);
	return f == FP_S || f == FP_D ? op_frintn : NULL;
}

/* ---- to integers ---------------------------------------------------------- */

/* imm of the slow ones: format, sf << 2, unsigned << 3, rounding << 4,
 * fraction bits << 8 */
OP(toint_slow)
{
	const struct fpctx x = fp_ctx(c);

	X(rd) = softfp_toint(&x, ip->imm & 3, V(rn).d[0],
			     ip->imm & 4 ? 64 : 32, (unsigned)ip->imm >> 8,
			     ip->imm & 8, (enum fpround)(ip->imm >> 4 & 7));
	NEXT(1);
}

/*
 * Towards zero. The bounds are those of an exact result, which for double in
 * 32 bits lie between the integers; NaNs fail them, quietly or not: the
 * instruction is invalid then anyway. An unsigned one of 64 bits with its top
 * bit set is slow.
 */
#define TOINT(n, f, R, I, above, below)                                        \
	OP(n)                                                                  \
	{                                                                      \
		if (UNLIKELY(!(V(rn).f[0] above && V(rn).f[0] < below)))       \
			GO(toint_slow);                                        \
		X(rd) = (R)(I)V(rn).f[0];                                      \
		NEXT(1);                                                       \
	}
TOINT(fcvtzs_w_s, f32, uint32_t, int32_t, >= -0x1p31f, 0x1p31f)
TOINT(fcvtzs_w_d, f64, uint32_t, int32_t, > -0x1.00000002p31, 0x1p31)
TOINT(fcvtzs_x_s, f32, uint64_t, int64_t, >= -0x1p63f, 0x1p63f)
TOINT(fcvtzs_x_d, f64, uint64_t, int64_t, >= -0x1p63, 0x1p63)
TOINT(fcvtzu_w_s, f32, uint32_t, int64_t, > -1.0f, 0x1p32f)
TOINT(fcvtzu_w_d, f64, uint32_t, int64_t, > -1.0, 0x1p32)
TOINT(fcvtzu_x_s, f32, uint64_t, int64_t, > -1.0f, 0x1p63f)
TOINT(fcvtzu_x_d, f64, uint64_t, int64_t, > -1.0, 0x1p63)

static op_fn *dec_toint(struct dec *d, enum fpround r, unsigned fbits, bool uns)
{
	static op_fn *const fast[2][2][2] = {   /* double, unsigned, sf */
		{ { op_fcvtzs_w_s, op_fcvtzs_x_s },
		  { op_fcvtzu_w_s, op_fcvtzu_x_s } },
		{ { op_fcvtzs_w_d, op_fcvtzs_x_d },
		  { op_fcvtzu_w_d, op_fcvtzu_x_d } },
	};
	enum fpfmt f = fp_type(d);

	if (!f)
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->rn = d->rn;
	d->r->imm = (int32_t)(f | d->sf << 2 | uns << 3 | r << 4 | fbits << 8);
	if (f == FP_H || r != FPROUND_ZERO || fbits || d->ctx & CTX_FPSLOW)
		return op_toint_slow;
	return fast[f == FP_D][uns][d->sf];
}

op_fn *dec_fcvt_int(struct dec *d)
{
	unsigned op = bits(d->w, 18, 16);
	enum fpround r = (enum fpround)bits(d->w, 20, 19);

	return dec_toint(d, op & 4 ? FPROUND_TIEAWAY : r, 0, op & 1);
}

/* The scale counts down from 64; for 32 bits it has one bit less. */
static bool fraction(const struct dec *d, unsigned *fbits)
{
	*fbits = 64 - bits(d->w, 15, 10);
	return d->sf || *fbits <= 32;
}

op_fn *dec_fcvt_fix(struct dec *d)
{
	unsigned fbits;

	if (!fraction(d, &fbits))
		return NULL;
	return dec_toint(d, FPROUND_ZERO, fbits, d->w >> 16 & 1);
}

OP(fjcvtzs_slow)
{
	const struct fpctx x = fp_ctx(c);
	bool z;

	X(rd) = softfp_fjcvtzs(&x, V(rn).d[0], &z);
	FA = z ? 4 : 0;
	FB = 0;
	FK = FK_NZCV;
	NEXT(1);
}

OP(fjcvtzs)
{
	double a = V(rn).f64[0];
	int32_t i;

	/* the zeros too, of which one is no exact integer */
	if (UNLIKELY(!(a > -0x1.00000002p31 && a < 0x1p31) || a == 0.0))
		GO(fjcvtzs_slow);
	i = (int32_t)a;
	X(rd) = (uint32_t)i;
	FA = (double)i == a ? 4 : 0;
	FB = 0;
	FK = FK_NZCV;
	NEXT(1);
}

op_fn *dec_fjcvtzs(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	d->r->rn = d->rn;
	return d->ctx & CTX_FPSLOW ? op_fjcvtzs_slow : op_fjcvtzs;
}

/* ---- from integers -------------------------------------------------------- */

OP(fromint_slow)
{
	const struct fpctx x = fp_ctx(c);

	fp_put(c, ip->rd,
	       softfp_fromint(&x, ip->imm & 3, X(rn), ip->imm & 4 ? 64 : 32,
			      (unsigned)ip->imm >> 8, ip->imm & 8));
	NEXT(1);
}

OP(scvtf_s_w) { fp_put_s(c, ip->rd, (float)(int32_t)X(rn)); NEXT(1); }
OP(scvtf_s_x) { fp_put_s(c, ip->rd, (float)(int64_t)X(rn)); NEXT(1); }
OP(scvtf_d_w) { fp_put_d(c, ip->rd, (double)(int32_t)X(rn)); NEXT(1); }
OP(scvtf_d_x) { fp_put_d(c, ip->rd, (double)(int64_t)X(rn)); NEXT(1); }
OP(ucvtf_s_w) { fp_put_s(c, ip->rd, (float)(int64_t)(uint32_t)X(rn)); NEXT(1); }
OP(ucvtf_d_w) { fp_put_d(c, ip->rd, (double)(int64_t)(uint32_t)X(rn)); NEXT(1); }

/* x86 before AVX-512 has only the signed conversion. */
OP(ucvtf_s_x)
{
	if (UNLIKELY(X(rn) >> 63))
		GO(fromint_slow);
	fp_put_s(c, ip->rd, (float)(int64_t)X(rn));
	NEXT(1);
}

OP(ucvtf_d_x)
{
	if (UNLIKELY(X(rn) >> 63))
		GO(fromint_slow);
	fp_put_d(c, ip->rd, (double)(int64_t)X(rn));
	NEXT(1);
}

static op_fn *dec_fromint(struct dec *d, unsigned fbits)
{
	static op_fn *const fast[2][2][2] = {   /* double, unsigned, sf */
		{ { op_scvtf_s_w, op_scvtf_s_x },
		  { op_ucvtf_s_w, op_ucvtf_s_x } },
		{ { op_scvtf_d_w, op_scvtf_d_x },
		  { op_ucvtf_d_w, op_ucvtf_d_x } },
	};
	enum fpfmt f = fp_type(d);
	unsigned uns = d->w >> 16 & 1;

	if (!f)
		return NULL;
	d->r->rd = d->rd;
	d->r->imm = (int32_t)(f | d->sf << 2 | uns << 3 | fbits << 8);
	if (f == FP_H || fbits || d->ctx & CTX_FPSLOW)
		return op_fromint_slow;
	return fast[f == FP_D][uns][d->sf];
}

op_fn *dec_cvtf_int(struct dec *d)
{
	return dec_fromint(d, 0);
}

op_fn *dec_cvtf_fix(struct dec *d)
{
	unsigned fbits;

	return fraction(d, &fbits) ? dec_fromint(d, fbits) : NULL;
}
