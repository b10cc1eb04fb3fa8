/* simd_fp.h: what the files of vector floating point share.
 *
 * Every instruction has one handler in software, op_NAME_soft, that finds
 * format and number of lanes in imm. With FPCR = 0 and other formats than half
 * the common ones have fast handlers on the host's FPU; these go to the soft
 * one when a lane's result is one that hosts compute differently (fp.h:
 * a NaN; the smallest normal number). What the host's flags collected before
 * that is a subset of what softfp then raises. */
#ifndef INTERP_SIMD_FP_H
#define INTERP_SIMD_FP_H

#include "fp.h"
#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

typedef __typeof__(((vreg *)0)->vf32) simd_f32x4;
typedef __typeof__(((vreg *)0)->vf64) simd_f64x2;
typedef __typeof__(((vreg *)0)->vs) simd_u32x4;
typedef __typeof__(((vreg *)0)->vss) simd_s32x4;
typedef __typeof__(((vreg *)0)->vsd) simd_s64x2;

/* ---- imm of soft handlers -------------------------------------------------- */

/* format, by element (Rm's lane is ra), lanes, and the instruction's own */
enum { VFP_FMT = 3, VFP_ELEM = 4, VFP_LANES = 4, VFP_ARG = 8 };

static inline enum fpfmt vfp_fmt(const struct rec *r)
{
	return (enum fpfmt)(r->imm & VFP_FMT);
}
static inline int vfp_lanes(const struct rec *r)
{
	return r->imm >> VFP_LANES & 15;
}
static inline unsigned vfp_arg(const struct rec *r)
{
	return (uint32_t)r->imm >> VFP_ARG;
}

static inline uint64_t vfp_get(const vreg *v, enum fpfmt f, int i)
{
	return f == FP_H ? v->h[i] : f == FP_S ? v->s[i] : v->d[i];
}
static inline void vfp_put(vreg *v, enum fpfmt f, int i, uint64_t x)
{
	if (f == FP_H)
		v->h[i] = (uint16_t)x;
	else if (f == FP_S)
		v->s[i] = (uint32_t)x;
	else
		v->d[i] = x;
}

/* The soft handler of one operation: expr of x (context), F, and the raw lanes
 * a, b, d. */
#define VFP_SOFT(n, expr) \
OP(n##_soft) \
{ \
	const struct fpctx x_ = fp_ctx(c), *const x = &x_; \
	const enum fpfmt F = vfp_fmt(ip); \
	const unsigned arg = vfp_arg(ip); \
	const vreg va = V(rn), vb = V(rm), vd = V(rd); \
	vreg r = { .d = { 0, 0 } }; \
	(void)arg; \
	for (int i = 0; i < vfp_lanes(ip); i++) { \
		const uint64_t a = vfp_get(&va, F, i), d = vfp_get(&vd, F, i), \
			b = vfp_get(&vb, F, \
				    ip->imm & VFP_ELEM ? ip->ra & 7 : i); \
		(void)a; \
		(void)b; \
		(void)d; \
		vfp_put(&r, F, i, (expr)); \
	} \
	V(rd).vd = r.vd; \
	NEXT(1); \
}

/* ---- decoding ---------------------------------------------------------------- */

/* Fast handlers in the order 2S 4S 2D S D; NULL: none. */
#define VFP_FAST(n) { op_##n##_2s, op_##n##_4s, op_##n##_2d, op_##n##_s, \
	op_##n##_d }
#define VFP_VEC(n) { op_##n##_2s, op_##n##_4s, op_##n##_2d, NULL, NULL }

/* Fills imm for format f; false: 2D with Q = 0. */
static inline bool vfp_imm(struct dec *d, enum fpfmt f, unsigned arg)
{
	bool scalar = d->w >> 28 & 1;
	unsigned lanes = scalar ? 1 : (8u << simd_q(d)) >> f;

	simd_regs(d);
	d->r->imm = (int32_t)(f | lanes << VFP_LANES | arg << VFP_ARG);
	return scalar || lanes != 1;
}
static inline enum fpfmt vfp_sz(const struct dec *d)
{
	return d->w >> 22 & 1 ? FP_D : FP_S;
}
/* The handler for bit 22 and Q or scalar. */
static inline op_fn *vfp_pick(struct dec *d, unsigned arg, op_fn *const fast[5],
			      op_fn *soft)
{
	enum fpfmt f = vfp_sz(d);
	op_fn *h = NULL;

	if (!vfp_imm(d, f, arg))
		return NULL;
	if (fast && !(d->ctx & CTX_FPSLOW))
		h = fast[d->w >> 28 & 1 ? (f == FP_D ? 4 : 3)
			 : f == FP_D    ? 2
					: simd_q(d)];
	return h ? h : soft;
}
static inline op_fn *vfp_half(struct dec *d, unsigned arg, op_fn *soft)
{
	vfp_imm(d, FP_H, arg);
	return soft;
}
#define VFP_DEC_HALF(n, arg) \
op_fn *dec_##n##_h(struct dec *d) \
{ \
	return vfp_half(d, arg, op_##n##_soft); \
}
/* ... where FAST is VFP_FAST or VFP_VEC */
#define VFP_DEC(n, FAST) \
op_fn *dec_##n(struct dec *d) \
{ \
	static op_fn *const t[5] = FAST(n); \
	return vfp_pick(d, 0, t, op_##n##_soft); \
} \
VFP_DEC_HALF(n, 0)
#define VFP_DEC_SOFT(n) \
op_fn *dec_##n(struct dec *d) \
{ \
	return vfp_pick(d, 0, NULL, op_##n##_soft); \
} \
VFP_DEC_HALF(n, 0)

/* ---- tests of results -------------------------------------------------------- */

/* Is a lane of the mask (all ones or zeros) set? */
static inline bool vfp_any(simd_u64x2 m)
{
#if defined(__x86_64__)
	return _mm_movemask_epi8((__m128i)m) != 0;
#else
	return (m[0] | m[1]) != 0;
#endif
}

/* Ordered by what the comparisons raise: `!=` is a quiet one. */
static inline bool vfp_nan_f32(simd_f32x4 r)
{
	return vfp_any((simd_u64x2)(r != r));
}
static inline bool vfp_nan_f64(simd_f64x2 r)
{
	return vfp_any((simd_u64x2)(r != r));
}
static inline bool vfp_suspect_f32(simd_f32x4 r)
{
	return vfp_any((simd_u64x2)((r != r) | (((simd_u32x4)r & 0x7fffffff) ==
						0x00800000)));
}
static inline bool vfp_suspect_f64(simd_f64x2 r)
{
	return vfp_any((simd_u64x2)((r != r) |
				    (((simd_u64x2)r & 0x7fffffffffffffff) ==
				     0x0010000000000000)));
}

/* Only the lower lanes, above them `up`: the host must raise nothing for what
 * is not the operation's. */
static inline simd_f32x4 vfp_lo_f32(simd_f32x4 v, uint64_t up)
{
	return (simd_f32x4)(simd_u64x2){ ((simd_u64x2)v)[0], up };
}

#endif
