/*
 * fp.c: scalar floating point: arithmetic, comparison, selection, moves. Arm
 * ARM C4.1.96 (floating-point data processing). Conversions are in fp_cvt.c.
 *
 * Single and double with FPCR = 0 run on the host's FPU and go to a slow twin
 * when the result is one on which hosts and Arm disagree (spec/cpu.md 6.2,
 * 6.3): a NaN, and the smallest normal number where tininess is judged before
 * rounding. The twin is softfp and serves every other FPCR, too.
 */
#include "cond.h"
#include "decode.h"
#include "fp.h"
#include "fp_dec.h"
#include "op.h"

/* A slow twin in three formats; `expr` of the operands a, b, z. */
#define SLOW1(n, F, m, expr)                                                   \
	OP(n)                                                                  \
	{                                                                      \
		const struct fpctx x = fp_ctx(c);                              \
		uint64_t a = V(rn).m[0], b = V(rm).m[0], z = V(ra).m[0];       \
                                                                               \
		(void)a, (void)b, (void)z;                                     \
		fp_put(c, ip->rd, expr(&x, F, a, b, z));                       \
		NEXT(1);                                                       \
	}
#define SLOW(n, expr)                                                          \
	SLOW1(n##_slow_h, FP_H, h, expr)                                       \
	SLOW1(n##_slow_s, FP_S, s, expr)                                       \
	SLOW1(n##_slow_d, FP_D, d, expr)

/* A fast one in two formats; `suspect` of r sends it to the twin. */
#define FAST1(n, T, f, m, expr, suspect)                                       \
	OP(n##_##m)                                                            \
	{                                                                      \
		T a = V(rn).f[0], b = V(rm).f[0], r = (expr);                  \
                                                                               \
		(void)a, (void)b;                                              \
		if (UNLIKELY(suspect(r)))                                      \
			GO(n##_slow_##m);                                      \
		fp_put_##m(c, ip->rd, r);                                      \
		NEXT(1);                                                       \
	}
#define FAST(n, expr_s, expr_d, suspect)                                       \
	FAST1(n, float, f32, s, expr_s, suspect##_s)                           \
	FAST1(n, double, f64, d, expr_d, suspect##_d)

static inline bool fp_nan_s(float r)
{
	return __builtin_isunordered(r, r);
}

static inline bool fp_nan_d(double r)
{
	return __builtin_isunordered(r, r);
}

/* The five handlers of an operation, by CTX_FPSLOW and format. */
#define FIVE(n)                                                                \
	{ { NULL, op_##n##_slow_h, op_##n##_s, op_##n##_d },                   \
	  { NULL, op_##n##_slow_h, op_##n##_slow_s, op_##n##_slow_d } }
#define DEC(n)                                                                 \
	op_fn *dec_##n(struct dec *d)                                          \
	{                                                                      \
		static op_fn *const five[2][4] = FIVE(n);                      \
                                                                               \
		return choose(d, five);                                        \
	}

static op_fn *choose(struct dec *d, op_fn *const five[2][4])
{
	fp_regs(d);
	return five[!!(d->ctx & CTX_FPSLOW)][fp_type(d)];
}

/* ---- one and two sources ------------------------------------------------- */

#define SOFT_ADD(x, F, a, b, z) softfp_add(x, F, a, b)
#define SOFT_SUB(x, F, a, b, z) softfp_sub(x, F, a, b)
#define SOFT_MUL(x, F, a, b, z) softfp_mul(x, F, a, b)
#define SOFT_NMUL(x, F, a, b, z) softfp_mul(x, F, a, b) ^ softfp_signbit(F)
#define SOFT_DIV(x, F, a, b, z) softfp_div(x, F, a, b)
#define SOFT_SQRT(x, F, a, b, z) softfp_sqrt(x, F, a)
#define SOFT_MAX(x, F, a, b, z) softfp_max(x, F, a, b)
#define SOFT_MIN(x, F, a, b, z) softfp_min(x, F, a, b)
#define SOFT_MAXNM(x, F, a, b, z) softfp_maxnm(x, F, a, b)
#define SOFT_MINNM(x, F, a, b, z) softfp_minnm(x, F, a, b)

SLOW(fadd, SOFT_ADD)
SLOW(fsub, SOFT_SUB)
SLOW(fmul, SOFT_MUL)
SLOW(fnmul, SOFT_NMUL)
SLOW(fdiv, SOFT_DIV)
SLOW(fsqrt, SOFT_SQRT)

/* A sum below the normal numbers is exact, a root never gets there. */
FAST(fadd, a + b, a + b, fp_nan)
FAST(fsub, a - b, a - b, fp_nan)
FAST(fmul, a * b, a * b, fp_suspect)
FAST(fnmul, -(a * b), -(a * b), fp_suspect)
FAST(fdiv, a / b, a / b, fp_suspect)
FAST(fsqrt, __builtin_sqrtf(a), __builtin_sqrt(a), fp_nan)

DEC(fadd)
DEC(fsub)
DEC(fmul)
DEC(fnmul)
DEC(fdiv)
DEC(fsqrt)

SLOW(fmax, SOFT_MAX)
SLOW(fmin, SOFT_MIN)
SLOW(fmaxnm, SOFT_MAXNM)
SLOW(fminnm, SOFT_MINNM)

/*
 * Without NaNs the larger is one comparison, but for zeros: equal numbers are
 * the same bits or zeros of both signs, whose maximum is their AND and minimum
 * their OR.
 */
#define PICK1(n, m, f, isabove, zero)                                          \
	OP(n##_##m)                                                            \
	{                                                                      \
		uint64_t a = V(rn).m[0], b = V(rm).m[0], r;                    \
                                                                               \
		if (UNLIKELY(__builtin_isunordered(V(rn).f[0], V(rm).f[0])))   \
			GO(n##_slow_##m);                                      \
		r = isabove(V(rn).f[0], V(rm).f[0])   ? a                      \
		    : isabove(V(rm).f[0], V(rn).f[0]) ? b                      \
						      : (a zero b);            \
		fp_put(c, ip->rd, r);                                          \
		NEXT(1);                                                       \
	}
#define PICK(n, isabove, zero)                                                 \
	PICK1(n, s, f32, isabove, zero)                                        \
	PICK1(n, d, f64, isabove, zero)

PICK(fmax, __builtin_isgreater, &)
PICK(fmaxnm, __builtin_isgreater, &)
PICK(fmin, __builtin_isless, |)
PICK(fminnm, __builtin_isless, |)

DEC(fmax)
DEC(fmin)
DEC(fmaxnm)
DEC(fminnm)

/* ---- three sources ------------------------------------------------------- */

/* The architecture negates operands as bits, NaNs too (softfp.h). */
#define SOFT_MADD(x, F, a, b, z) softfp_muladd(x, F, z, a, b)
#define SOFT_MSUB(x, F, a, b, z) \
	softfp_muladd(x, F, z, (a) ^ softfp_signbit(F), b)
#define SOFT_NMADD(x, F, a, b, z) \
	softfp_muladd(x, F, (z) ^ softfp_signbit(F), (a) ^ softfp_signbit(F), b)
#define SOFT_NMSUB(x, F, a, b, z) \
	softfp_muladd(x, F, (z) ^ softfp_signbit(F), a, b)

SLOW(fmadd, SOFT_MADD)
SLOW(fmsub, SOFT_MSUB)
SLOW(fnmadd, SOFT_NMADD)
SLOW(fnmsub, SOFT_NMSUB)

#define FMA(n, sa, sz)                                                         \
	FAST(n, fp_host_fma_s(sa a, b, sz V(ra).f32[0]),                       \
	     fp_host_fma_d(sa a, b, sz V(ra).f64[0]), fp_suspect)

FMA(fmadd, , )
FMA(fmsub, -, )
FMA(fnmadd, -, -)
FMA(fnmsub, , -)

/* Without a fused instruction of the host everything is slow. */
#define DEC_FMA(n)                                                             \
	op_fn *dec_##n(struct dec *d)                                          \
	{                                                                      \
		static op_fn *const five[2][4] = FIVE(n);                      \
                                                                               \
		if (!fp_host_has_fma())                                        \
			d->ctx |= CTX_FPSLOW;                                  \
		return choose(d, five);                                        \
	}

DEC_FMA(fmadd)
DEC_FMA(fmsub)
DEC_FMA(fnmadd)
DEC_FMA(fnmsub)

/* ---- bits moved about: no flags, no NaN rules ----------------------------- */

/* imm: 64 less the width, so that shifting left by it drops what is above. */
OP(fmov) { fp_put(c, ip->rd, V(rn).d[0] << ip->imm >> ip->imm); NEXT(1); }

OP(fabs)
{
	int up = ip->imm + 1;

	fp_put(c, ip->rd, V(rn).d[0] << up >> up);
	NEXT(1);
}

OP(fneg)
{
	uint64_t v = V(rn).d[0] << ip->imm ^ 1ull << 63;

	fp_put(c, ip->rd, v >> ip->imm);
	NEXT(1);
}

static op_fn *dec_bits(struct dec *d, op_fn *h)
{
	enum fpfmt f = fp_type(d);

	fp_regs(d);
	d->r->imm = 64 - (8 << f);
	return f ? h : NULL;
}

op_fn *dec_fmov_reg(struct dec *d) { return dec_bits(d, op_fmov); }
op_fn *dec_fabs(struct dec *d) { return dec_bits(d, op_fabs); }
op_fn *dec_fneg(struct dec *d) { return dec_bits(d, op_fneg); }

#define FCSEL(cc, cond)                                                        \
	OP(fcsel_##cc)                                                         \
	{                                                                      \
		uint64_t v = (cond) ? V(rn).d[0] : V(rm).d[0];                 \
                                                                               \
		fp_put(c, ip->rd, v << ip->imm >> ip->imm);                    \
		NEXT(1);                                                       \
	}
ALL_CONDS(FCSEL)

op_fn *dec_fcsel(struct dec *d)
{
#define FCSEL_H(cc, cond) op_fcsel_##cc,
	static op_fn *const tab[16] = { ALL_CONDS(FCSEL_H) op_fmov, op_fmov };
#undef FCSEL_H

	return dec_bits(d, tab[bits(d->w, 15, 12)]);
}

/* imm: the top 32 bits of a double, else all. */
OP(fmov_imm) { fp_put(c, ip->rd, (uint32_t)ip->imm); NEXT(1); }
OP(fmov_imm_d) { fp_put(c, ip->rd, (uint64_t)(uint32_t)ip->imm << 32); NEXT(1); }

/* VFPExpandImm: sign, an exponent of NOT(b):b...b:cd, four fraction bits. */
op_fn *dec_fmov_imm(struct dec *d)
{
	enum fpfmt f = fp_type(d);
	uint32_t imm8 = bits(d->w, 20, 13), sign = imm8 >> 7, v;
	bool b = imm8 >> 6 & 1;

	fp_regs(d);
	switch (f) {
	case FP_H:
		v = sign << 15 | (b ? 0x3000 : 0x4000) | (imm8 & 63) << 6;
		break;
	case FP_S:
		v = sign << 31 | (b ? 0x3e000000 : 0x40000000) |
		    (imm8 & 63) << 19;
		break;
	case FP_D:
		v = sign << 31 | (b ? 0x3fc00000 : 0x40000000) |
		    (imm8 & 63) << 16;
		break;
	default: return NULL;
	}
	d->r->imm = (int32_t)v;
	return f == FP_D ? op_fmov_imm_d : op_fmov_imm;
}

OP(fmov_to_h) { SET_W(rd, V(rn).h[0]); NEXT(1); }
OP(fmov_to_s) { SET_W(rd, V(rn).s[0]); NEXT(1); }
OP(fmov_to_d) { X(rd) = V(rn).d[0]; NEXT(1); }
OP(fmov_to_top) { X(rd) = V(rn).d[1]; NEXT(1); }
OP(fmov_from_h) { fp_put(c, ip->rd, (uint16_t)X(rn)); NEXT(1); }
OP(fmov_from_s) { fp_put(c, ip->rd, (uint32_t)X(rn)); NEXT(1); }
OP(fmov_from_d) { fp_put(c, ip->rd, X(rn)); NEXT(1); }
OP(fmov_from_top) { V(rd).d[1] = X(rn); NEXT(1); }

static op_fn *dec_to(struct dec *d, op_fn *h)
{
	d->r->rd = slot_zd(d->rd);
	d->r->rn = d->rn;
	return h;
}

static op_fn *dec_from(struct dec *d, op_fn *h)
{
	d->r->rd = d->rd;
	return h;
}

op_fn *dec_fmov_to_h(struct dec *d) { return dec_to(d, op_fmov_to_h); }
op_fn *dec_fmov_to_s(struct dec *d) { return dec_to(d, op_fmov_to_s); }
op_fn *dec_fmov_to_d(struct dec *d) { return dec_to(d, op_fmov_to_d); }
op_fn *dec_fmov_to_top(struct dec *d) { return dec_to(d, op_fmov_to_top); }
op_fn *dec_fmov_from_h(struct dec *d) { return dec_from(d, op_fmov_from_h); }
op_fn *dec_fmov_from_s(struct dec *d) { return dec_from(d, op_fmov_from_s); }
op_fn *dec_fmov_from_d(struct dec *d) { return dec_from(d, op_fmov_from_d); }
op_fn *dec_fmov_from_top(struct dec *d) { return dec_from(d, op_fmov_from_top); }

/* ---- comparison ---------------------------------------------------------- */

/* ra: bit 0 signals on any NaN. imm, for the conditional ones: condition,
 * then the NZCV of a failed one from bit 4. */
enum { CMP_SIGNAL = 1 };

#define SET_NZCV(v) (FA = (v), FB = 0, FK = FK_NZCV)
#define HOLDS() flags_cond(ip->imm & 15, flags_nzcv(FA, FB, FK))
#define ELSE_NZCV ((unsigned)ip->imm >> 4 & 15)

/* NZCV of two that are ordered. */
static inline uint64_t order_s(float a, float b)
{
	return __builtin_isless(a, b) ? 8 : __builtin_isgreater(a, b) ? 2 : 6;
}

static inline uint64_t order_d(double a, double b)
{
	return __builtin_isless(a, b) ? 8 : __builtin_isgreater(a, b) ? 2 : 6;
}

#define FCMP_SLOW(n, F, m, second)                                             \
	OP(n)                                                                  \
	{                                                                      \
		const struct fpctx x = fp_ctx(c);                              \
                                                                               \
		SET_NZCV(softfp_cmp(&x, F, V(rn).m[0], second,                 \
				    ip->ra & CMP_SIGNAL));                     \
		NEXT(1);                                                       \
	}
#define FCMP(m, f, zero)                                                       \
	OP(fcmp_##m)                                                           \
	{                                                                      \
		if (UNLIKELY(__builtin_isunordered(V(rn).f[0], V(rm).f[0])))   \
			GO(fcmp_slow_##m);                                     \
		SET_NZCV(order_##m(V(rn).f[0], V(rm).f[0]));                   \
		NEXT(1);                                                       \
	}                                                                      \
	OP(fcmpz_##m)                                                          \
	{                                                                      \
		if (UNLIKELY(__builtin_isunordered(V(rn).f[0], V(rn).f[0])))   \
			GO(fcmpz_slow_##m);                                    \
		SET_NZCV(order_##m(V(rn).f[0], zero));                         \
		NEXT(1);                                                       \
	}                                                                      \
	OP(fccmp_##m)                                                          \
	{                                                                      \
		if (!HOLDS()) {                                                \
			SET_NZCV(ELSE_NZCV);                                   \
			NEXT(1);                                               \
		}                                                              \
		if (UNLIKELY(__builtin_isunordered(V(rn).f[0], V(rm).f[0])))   \
			GO(fcmp_slow_##m);                                     \
		SET_NZCV(order_##m(V(rn).f[0], V(rm).f[0]));                   \
		NEXT(1);                                                       \
	}
#define FCCMP_SLOW(m)                                                          \
	OP(fccmp_slow_##m)                                                     \
	{                                                                      \
		if (HOLDS())                                                   \
			GO(fcmp_slow_##m);                                     \
		SET_NZCV(ELSE_NZCV);                                           \
		NEXT(1);                                                       \
	}

FCMP_SLOW(fcmp_slow_h, FP_H, h, V(rm).h[0])
FCMP_SLOW(fcmp_slow_s, FP_S, s, V(rm).s[0])
FCMP_SLOW(fcmp_slow_d, FP_D, d, V(rm).d[0])
FCMP_SLOW(fcmpz_slow_h, FP_H, h, 0)
FCMP_SLOW(fcmpz_slow_s, FP_S, s, 0)
FCMP_SLOW(fcmpz_slow_d, FP_D, d, 0)
FCMP(s, f32, 0.0f)
FCMP(d, f64, 0.0)
FCCMP_SLOW(h)
FCCMP_SLOW(s)
FCCMP_SLOW(d)

op_fn *dec_fcmp(struct dec *d)
{
	static op_fn *const five[2][2][4] = { FIVE(fcmp), FIVE(fcmpz) };
	op_fn *h = choose(d, five[d->w >> 3 & 1]);

	d->r->ra = d->w & 16 ? CMP_SIGNAL : 0;
	return h;
}

op_fn *dec_fccmp(struct dec *d)
{
	static op_fn *const five[2][4] = FIVE(fccmp);
	op_fn *h = choose(d, five);

	d->r->ra = d->w & 16 ? CMP_SIGNAL : 0;
	d->r->imm = (int32_t)(bits(d->w, 15, 12) | bits(d->w, 3, 0) << 4);
	return h;
}
