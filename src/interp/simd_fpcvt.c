/* simd_fpcvt.c: vector conversions of floating point: to and from integers and
 * fixed point, between formats, to integral values, and the estimates.
 * Arm DDI 0487 C7.2; spec/cpu.md 6; rows in simd_fp.def. */
#include "simd_fp.h"

/* Rounding as FPCR says, beside enum fpround. */
enum { ROUND_FPCR = 7, EXACT = 8 };

static enum fpround rounding(const struct fpctx *x, unsigned r)
{
	return (r & 7) == ROUND_FPCR ? fpctx_round(x) : (enum fpround)(r & 7);
}

/* Shapes of fast handlers: expr of a, all lanes in use; `bad` of a or r sends
 * it to the soft handler. */
#define CVT_OP(attr, n, soft, suf, T, A, R, OUT, expr, bad) \
attr OP(n##_##suf) \
{ \
	const T a = A; \
	const R r = (R)(expr); \
	if (UNLIKELY(bad)) \
		GO(soft); \
	OUT(r); \
	NEXT(1); \
}
/* Loaded as integers: a zero among floats would be converted at run time. */
#define LO32(T) ((T)(simd_u64x2){ V(rn).d[0], 0 })
#define ONE32(T) ((T)(simd_u32x4){ V(rn).s[0], 0, 0, 0 })
#define ONE64(T) ((T)(simd_u64x2){ V(rn).d[0], 0 })
#define CVT_VEC32(attr, n, soft, T, vf, R, expr, bad) \
	CVT_OP(attr, n, soft, 2s, T, LO32(T), R, SIMD_OUT_LO, expr, bad) \
	CVT_OP(attr, n, soft, 4s, T, V(rn).vf, R, SIMD_OUT, expr, bad)
#define CVT_VEC64(attr, n, soft, T, vf, R, expr, bad) \
	CVT_OP(attr, n, soft, 2d, T, V(rn).vf, R, SIMD_OUT, expr, bad)
#define CVT_ONE32(attr, n, soft, T, vf, R, expr, bad) \
	CVT_OP(attr, n, soft, s, T, ONE32(T), R, SIMD_OUT, expr, bad)
#define CVT_ONE64(attr, n, soft, T, vf, R, expr, bad) \
	CVT_OP(attr, n, soft, d, T, ONE64(T), R, SIMD_OUT, expr, \
	       bad)

/* ---- from integers: arg is unsigned, fraction bits << 1 ------------------------ */

VFP_SOFT(fromint, softfp_fromint(x, F, a, 8u << F, arg >> 1, arg & 1))

/* Every power of two by which fixed point scales is a normal number. */
#define SCALE32 \
	((simd_f32x4)(((simd_u32x4){ 127, 127, 127, 127 } - (vfp_arg(ip) >> 1)) \
		      << 23))
#define SCALE64 \
	((simd_f64x2)(((simd_u64x2){ 1023, 1023 } - (vfp_arg(ip) >> 1)) << 52))

static inline simd_f32x4 f32_of_u32(simd_u32x4 v)
{
	return (simd_f32x4){ (float)v[0], (float)v[1], (float)v[2],
			     (float)v[3] };
}
static inline simd_f64x2 f64_of_s64(simd_s64x2 v)
{
	return (simd_f64x2){ (double)v[0], (double)v[1] };
}
#define F32_S __builtin_convertvector(a, simd_f32x4)
#define FROM_32(n, T, vf, expr) \
	CVT_VEC32(, n, fromint_soft, T, vf, simd_f32x4, expr, false) \
	CVT_ONE32(, n, fromint_soft, T, vf, simd_f32x4, expr, false) \
	CVT_VEC32(, n##fix, fromint_soft, T, vf, simd_f32x4, \
		  expr * SCALE32, false) \
	CVT_ONE32(, n##fix, fromint_soft, T, vf, simd_f32x4, \
		  expr * SCALE32, false)
#define FROM_64(n) \
	CVT_VEC64(, n, fromint_soft, simd_s64x2, vsd, simd_f64x2, \
		  f64_of_s64(a), false) \
	CVT_ONE64(, n, fromint_soft, simd_s64x2, vsd, simd_f64x2, \
		  f64_of_s64(a), false) \
	CVT_VEC64(, n##fix, fromint_soft, simd_s64x2, vsd, simd_f64x2, \
		  f64_of_s64(a) * SCALE64, false) \
	CVT_ONE64(, n##fix, fromint_soft, simd_s64x2, vsd, simd_f64x2, \
		  f64_of_s64(a) * SCALE64, false)
FROM_32(scvtf, simd_s32x4, vss, F32_S)
FROM_32(ucvtf, simd_u32x4, vs, f32_of_u32(a))
FROM_64(scvtf)
/* Unsigned ones with the top bit set are soft. */
static inline bool top_set(simd_s64x2 v)
{
	return (v[0] | v[1]) < 0;
}
#define UFROM_64(n, suf, A, expr) \
OP(n##_##suf) \
{ \
	const simd_s64x2 a = A; \
	if (UNLIKELY(top_set(a))) \
		GO(fromint_soft); \
	SIMD_OUT(expr); \
	NEXT(1); \
}
UFROM_64(ucvtf, 2d, V(rn).vsd, f64_of_s64(a))
UFROM_64(ucvtf, d, ONE64(simd_s64x2), f64_of_s64(a))
UFROM_64(ucvtffix, 2d, V(rn).vsd, f64_of_s64(a) * SCALE64)
UFROM_64(ucvtffix, d, ONE64(simd_s64x2),
	 f64_of_s64(a) * SCALE64)

#define DEC_FROM(n, fast, uns) \
op_fn *dec_##n(struct dec *d) \
{ \
	static op_fn *const t[5] = VFP_FAST(fast); \
	return vfp_pick(d, uns, t, op_fromint_soft); \
} \
op_fn *dec_##n##_h(struct dec *d) \
{ \
	return vfp_half(d, uns, op_fromint_soft); \
}
DEC_FROM(vscvtf, scvtf, 0)
DEC_FROM(vucvtf, ucvtf, 1)

/* ---- to integers: arg is rounding, unsigned << 4, fraction bits << 5 ------------- */

VFP_SOFT(toint, softfp_toint(x, F, a, 8u << F, arg >> 5, arg >> 4 & 1,
			     rounding(x, arg)))

/*
 * The host's conversions give the most negative integer for what is out of
 * range and raise Invalid alone, as Arm does; the soft handler then finds the
 * right result. The narrower and unsigned ones are in range by test before.
 */
#if defined(__x86_64__)
#define CVTT32(v) ((simd_s32x4)_mm_cvttps_epi32((__m128)(v)))
#define CVTN32(v) ((simd_s32x4)_mm_cvtps_epi32((__m128)(v)))
#define CVTT64(v) \
	((simd_s64x2){ _mm_cvttsd_si64((__m128d)(v)), \
		       _mm_cvttsd_si64((__m128d)(simd_u64x2){ ((simd_u64x2)(v))[1], 0 }) })
#define CVTN64(v) \
	((simd_s64x2){ _mm_cvtsd_si64((__m128d)(v)), \
		       _mm_cvtsd_si64((__m128d)(simd_u64x2){ ((simd_u64x2)(v))[1], 0 }) })
#define MIN32 ((int32_t)0x80000000)
#define MIN64 ((int64_t)0x8000000000000000)
#define TO_INT(attr, n, E32, E64) \
	CVT_VEC32(attr, n, toint_soft, simd_f32x4, vf32, simd_s32x4, E32, \
		  vfp_any((simd_u64x2)(r == MIN32))) \
	CVT_ONE32(attr, n, toint_soft, simd_f32x4, vf32, simd_s32x4, E32, \
		  vfp_any((simd_u64x2)(r == MIN32))) \
	CVT_VEC64(attr, n, toint_soft, simd_f64x2, vf64, simd_s64x2, E64, \
		  r[0] == MIN64 || r[1] == MIN64) \
	CVT_ONE64(attr, n, toint_soft, simd_f64x2, vf64, simd_s64x2, E64, \
		  r[0] == MIN64)
TO_INT(, fcvtzs, CVTT32(a), CVTT64(a))
TO_INT(, fcvtns, CVTN32(a), CVTN64(a))
#define SSE41 __attribute__((target("sse4.1")))
#define FLOOR32 ((simd_f32x4)_mm_floor_ps((__m128)a))
#define FLOOR64 ((simd_f64x2)_mm_floor_pd((__m128d)a))
#define CEIL32 ((simd_f32x4)_mm_ceil_ps((__m128)a))
#define CEIL64 ((simd_f64x2)_mm_ceil_pd((__m128d)a))
TO_INT(SSE41, fcvtms, CVTT32(FLOOR32), CVTT64(FLOOR64))
TO_INT(SSE41, fcvtps, CVTT32(CEIL32), CVTT64(CEIL64))

/* Unsigned, towards zero. */
#define UNSIGNED_OP(suf, T, A, OUT, top, expr) \
OP(fcvtzu_##suf) \
{ \
	const T a = A; \
	if (UNLIKELY(vfp_any(~(simd_u64x2)((a > -1) & (a < top))))) \
		GO(toint_soft); \
	OUT(expr); \
	NEXT(1); \
}
#define CVTU32(i) (uint32_t)_mm_cvttss_si64((__m128)(simd_f32x4)(simd_u32x4){ ((simd_u32x4)a)[i], 0, 0, 0 })
#define CVTU32_4 ((simd_u32x4){ CVTU32(0), CVTU32(1), CVTU32(2), CVTU32(3) })
UNSIGNED_OP(2s, simd_f32x4, LO32(simd_f32x4), SIMD_OUT_LO, 0x1p32f,
	    ((simd_u32x4){ CVTU32(0), CVTU32(1), 0, 0 }))
UNSIGNED_OP(4s, simd_f32x4, V(rn).vf32, SIMD_OUT, 0x1p32f, CVTU32_4)
UNSIGNED_OP(2d, simd_f64x2, V(rn).vf64, SIMD_OUT, 0x1p63, CVTT64(a))
UNSIGNED_OP(s, simd_f32x4, ONE32(simd_f32x4), SIMD_OUT, 0x1p32f,
	    ((simd_u32x4){ CVTU32(0), 0, 0, 0 }))
UNSIGNED_OP(d, simd_f64x2, ONE64(simd_f64x2), SIMD_OUT,
	    0x1p63, CVTT64(a))

/* Signed fixed point of 32 bits: tested before it is scaled. */
#define SCALEUP32 \
	((simd_f32x4)(((simd_u32x4){ 127, 127, 127, 127 } + \
		      (vfp_arg(ip) >> 5)) << 23))
#define TOP32 \
	((simd_f32x4)(((simd_u32x4){ 158, 158, 158, 158 } - \
		      (vfp_arg(ip) >> 5)) << 23))
#define FIXED_OP(suf, A, OUT) \
OP(fcvtzsfix_##suf) \
{ \
	const simd_f32x4 a = A, top = TOP32; \
	if (UNLIKELY(vfp_any(~(simd_u64x2)((a < top) & (a > -top))))) \
		GO(toint_soft); \
	OUT(CVTT32(a * SCALEUP32)); \
	NEXT(1); \
}
FIXED_OP(2s, LO32(simd_f32x4), SIMD_OUT_LO)
FIXED_OP(4s, V(rn).vf32, SIMD_OUT)
FIXED_OP(s, ONE32(simd_f32x4), SIMD_OUT)

static op_fn *const fast_zs[5] = VFP_FAST(fcvtzs);
static op_fn *const fast_ns[5] = VFP_FAST(fcvtns);
static op_fn *const fast_ms[5] = VFP_FAST(fcvtms);
static op_fn *const fast_ps[5] = VFP_FAST(fcvtps);
static op_fn *const fast_zu[5] = VFP_FAST(fcvtzu);
static op_fn *const fast_zsfix[5] = { op_fcvtzsfix_2s, op_fcvtzsfix_4s, NULL,
				      op_fcvtzsfix_s, NULL };
static op_fn *const *sse41(op_fn *const t[5])
{
	return __builtin_cpu_supports("sse4.1") ? t : NULL;
}
#else
#define fast_zs NULL
#define fast_ns NULL
#define fast_ms NULL
#define fast_ps NULL
#define fast_zu NULL
#define fast_zsfix NULL
#define sse41(t) NULL
#endif

#define UNS 16
#define DEC_TO(n, arg, fast) \
op_fn *dec_##n(struct dec *d) \
{ \
	return vfp_pick(d, arg, fast, op_toint_soft); \
} \
op_fn *dec_##n##_h(struct dec *d) \
{ \
	return vfp_half(d, arg, op_toint_soft); \
}
DEC_TO(vfcvtns, FPROUND_TIEEVEN, fast_ns)
DEC_TO(vfcvtnu, FPROUND_TIEEVEN | UNS, NULL)
DEC_TO(vfcvtms, FPROUND_NEGINF, sse41(fast_ms))
DEC_TO(vfcvtmu, FPROUND_NEGINF | UNS, NULL)
DEC_TO(vfcvtps, FPROUND_POSINF, sse41(fast_ps))
DEC_TO(vfcvtpu, FPROUND_POSINF | UNS, NULL)
DEC_TO(vfcvtas, FPROUND_TIEAWAY, NULL)
DEC_TO(vfcvtau, FPROUND_TIEAWAY | UNS, NULL)
DEC_TO(vfcvtzs, FPROUND_ZERO, fast_zs)
DEC_TO(vfcvtzu, FPROUND_ZERO | UNS, fast_zu)

/* ---- fixed point: immh:immb = 2 NB - fraction bits, the format from immh --------- */

static op_fn *fixed(struct dec *d, unsigned arg, unsigned shift,
		    op_fn *const fast[5], op_fn *soft)
{
	unsigned immh = bits(d->w, 22, 19), f, lane;

	if (immh < 2)
		return NULL;
	f = 31 - (unsigned)__builtin_clz(immh);
	if (f == FP_H && !d->model->has[FEAT_FP16])
		return NULL;
	arg |= ((16u << f) - bits(d->w, 22, 16)) << shift;
	if (!vfp_imm(d, (enum fpfmt)f, arg))
		return NULL;
	if (f == FP_H || !fast || d->ctx & CTX_FPSLOW)
		return soft;
	if (d->w >> 28 & 1)
		lane = f == FP_D ? 4 : 3;
	else
		lane = f == FP_D ? 2 : simd_q(d);
	return fast[lane] ? fast[lane] : soft;
}
static op_fn *const fast_scvtffix[5] = VFP_FAST(scvtffix);
static op_fn *const fast_ucvtffix[5] = VFP_FAST(ucvtffix);
op_fn *dec_vscvtf_fix(struct dec *d)
{
	return fixed(d, 0, 1, fast_scvtffix, op_fromint_soft);
}
op_fn *dec_vucvtf_fix(struct dec *d)
{
	return fixed(d, 1, 1, fast_ucvtffix, op_fromint_soft);
}
op_fn *dec_vfcvtzs_fix(struct dec *d)
{
	return fixed(d, FPROUND_ZERO, 5, fast_zsfix, op_toint_soft);
}
op_fn *dec_vfcvtzu_fix(struct dec *d)
{
	return fixed(d, FPROUND_ZERO | UNS, 5, NULL, op_toint_soft);
}

/* ---- integral values: arg is rounding and EXACT, or rounding and width << 4 ------- */

VFP_SOFT(frint, softfp_rint(x, F, a, rounding(x, arg), arg & EXACT))
VFP_SOFT(frintn, softfp_rintn(x, F, a, rounding(x, arg), arg >> 4))

#if defined(__x86_64__)
#define FRINT(n, mode) \
	CVT_VEC32(SSE41, n, frint_soft, simd_f32x4, vf32, simd_f32x4, \
		  _mm_round_ps((__m128)a, mode), vfp_nan_f32(r)) \
	CVT_VEC64(SSE41, n, frint_soft, simd_f64x2, vf64, simd_f64x2, \
		  _mm_round_pd((__m128d)a, mode), vfp_nan_f64(r)) \
	static op_fn *const fast_##n[5] = VFP_VEC(n);
FRINT(rn, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)
FRINT(rm, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
FRINT(rp, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
FRINT(rz, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)
FRINT(rx, _MM_FROUND_TO_NEAREST_INT)
#else
#define fast_rn NULL
#define fast_rm NULL
#define fast_rp NULL
#define fast_rz NULL
#define fast_rx NULL
#endif

#define DEC_FRINT(n, arg, fast) \
op_fn *dec_##n(struct dec *d) \
{ \
	return vfp_pick(d, arg, fast, op_frint_soft); \
} \
op_fn *dec_##n##_h(struct dec *d) \
{ \
	return vfp_half(d, arg, op_frint_soft); \
}
DEC_FRINT(vfrintn, FPROUND_TIEEVEN, sse41(fast_rn))
DEC_FRINT(vfrintm, FPROUND_NEGINF, sse41(fast_rm))
DEC_FRINT(vfrintp, FPROUND_POSINF, sse41(fast_rp))
DEC_FRINT(vfrintz, FPROUND_ZERO, sse41(fast_rz))
DEC_FRINT(vfrinta, FPROUND_TIEAWAY, NULL)
DEC_FRINT(vfrintx, ROUND_FPCR | EXACT, sse41(fast_rx))
DEC_FRINT(vfrinti, ROUND_FPCR, sse41(fast_rn))

#define DEC_FRINTN(n, arg) \
op_fn *dec_##n(struct dec *d) \
{ \
	return vfp_pick(d, arg, NULL, op_frintn_soft); \
}
DEC_FRINTN(vfrint32z, FPROUND_ZERO | 32 << 4)
DEC_FRINTN(vfrint32x, ROUND_FPCR | 32 << 4)
DEC_FRINTN(vfrint64z, FPROUND_ZERO | 64 << 4)
DEC_FRINTN(vfrint64x, ROUND_FPCR | 64 << 4)

/* ---- estimates ------------------------------------------------------------------------ */

VFP_SOFT(vfrecpe, softfp_recpe(x, F, a))
VFP_SOFT(vfrecpx, softfp_recpx(x, F, a))
VFP_SOFT(vfrsqrte, softfp_rsqrte(x, F, a))
VFP_DEC_SOFT(vfrecpe)
VFP_DEC_SOFT(vfrecpx)
VFP_DEC_SOFT(vfrsqrte)

/* ---- between formats ------------------------------------------------------------------- */

/* imm is the narrow format; ra the first lane of Rn. */
OP(fcvtl_soft)
{
	const struct fpctx x = fp_ctx(c);
	const enum fpfmt F = vfp_fmt(ip), to = F == FP_H ? FP_S : FP_D;
	const vreg v = V(rn);
	vreg r;

	for (int i = 0; i < 16 >> to; i++)
		vfp_put(&r, to, i, softfp_cvt(&x, to, F,
					      vfp_get(&v, F, ip->ra + i),
					      fpctx_round(&x)));
	V(rd).vd = r.vd;
	NEXT(1);
}
#define FCVTL_S(n, first) \
OP(n) \
{ \
	const simd_f64x2 r = { (double)V(rn).f32[first], \
			       (double)V(rn).f32[first + 1] }; \
	if (UNLIKELY(vfp_nan_f64(r))) \
		GO(fcvtl_soft); \
	SIMD_OUT(r); \
	NEXT(1); \
}
FCVTL_S(fcvtl_2d, 0)
FCVTL_S(fcvtl_2d2, 2)

/* How a narrow value comes about: by FPCR, rounded to odd, BFloat16. */
enum { NARROW_FPCR, NARROW_ODD, NARROW_BF16 };
static uint64_t narrow(const struct fpctx *x, enum fpfmt f, uint64_t a,
		       unsigned how)
{
	if (how == NARROW_BF16)
		return softfp_bfcvt(x, a);
	return softfp_cvt(x, (enum fpfmt)(f - 1), f, a,
			  how == NARROW_ODD ? FPROUND_ODD : fpctx_round(x));
}
/* imm: the wide format, arg how; ra: upper half. */
OP(fcvtn_soft)
{
	const struct fpctx x = fp_ctx(c);
	const enum fpfmt F = vfp_fmt(ip);
	const vreg v = V(rn);
	vreg r = { .d = { 0, 0 } };

	for (int i = 0; i < 16 >> F; i++)
		vfp_put(&r, (enum fpfmt)(F - 1), i,
			narrow(&x, F, vfp_get(&v, F, i), vfp_arg(ip)));
	V(rd).vd = ip->ra ? (simd_u64x2){ V(rd).d[0], r.d[0] } : r.vd;
	NEXT(1);
}
OP(fcvtxn_s)
{
	const struct fpctx x = fp_ctx(c);

	fp_put(c, ip->rd, narrow(&x, FP_D, V(rn).d[0], NARROW_ODD));
	NEXT(1);
}
#define FCVTN_S(n, A, B, C, D) \
OP(n) \
{ \
	const float lo = (float)V(rn).f64[0], hi = (float)V(rn).f64[1]; \
	if (UNLIKELY(fp_suspect_s(lo) || fp_suspect_s(hi))) \
		GO(fcvtn_soft); \
	SIMD_OUT(((simd_f32x4){ A, B, C, D })); \
	NEXT(1); \
}
FCVTN_S(fcvtn_2s, lo, hi, 0, 0)
FCVTN_S(fcvtn_4s, V(rd).f32[0], V(rd).f32[1], lo, hi)

#if defined(__x86_64__)
/* The host's conversions of halves, round to nearest. */
#define F16C __attribute__((target("f16c")))
F16C OP(fcvtl_4s_f16c)
{
	const simd_f32x4 r = (simd_f32x4)_mm_cvtph_ps(
		(__m128i)(simd_u64x2){ V(rn).d[ip->ra >> 2], 0 });

	if (UNLIKELY(vfp_nan_f32(r)))
		GO(fcvtl_soft);
	SIMD_OUT(r);
	NEXT(1);
}
F16C OP(fcvtn_4h_f16c)
{
	const vreg r = { .vd = (simd_u64x2)_mm_cvtps_ph(
				 (__m128)V(rn).vf32,
				 _MM_FROUND_TO_NEAREST_INT) };
	const __typeof__(r.vh) m = r.vh & 0x7fff;

	if (UNLIKELY(vfp_any((simd_u64x2)((m > 0x7c00) | (m == 0x0400)))))
		GO(fcvtn_soft);
	if (ip->ra)
		SIMD_OUT(((simd_u64x2){ V(rd).d[0], r.vd[0] }));
	else
		SIMD_OUT_LO(r.vd);
	NEXT(1);
}
static bool has_f16c(void)
{
	return __builtin_cpu_supports("f16c");
}
#define f16c(l) (has_f16c() ? op_##l##_f16c : NULL)
#else
#define f16c(l) NULL
#endif

/* Half here is storage and needs no FEAT_FP16. */
op_fn *dec_vfcvtl(struct dec *d)
{
	enum fpfmt f = d->w >> 22 & 1 ? FP_S : FP_H;
	op_fn *h = f == FP_H    ? f16c(fcvtl_4s)
		   : simd_q(d) ? op_fcvtl_2d2
			       : op_fcvtl_2d;

	vfp_imm(d, f, 0);
	d->r->ra = (uint8_t)(simd_q(d) ? 8 >> f : 0);
	return h && !(d->ctx & CTX_FPSLOW) ? h : op_fcvtl_soft;
}
op_fn *dec_vfcvtn(struct dec *d)
{
	enum fpfmt f = vfp_sz(d);
	op_fn *h = f == FP_S   ? f16c(fcvtn_4h)
		   : simd_q(d) ? op_fcvtn_4s
			       : op_fcvtn_2s;

	vfp_imm(d, f, NARROW_FPCR);
	d->r->ra = (uint8_t)simd_q(d);
	return h && !(d->ctx & CTX_FPSLOW) ? h : op_fcvtn_soft;
}
op_fn *dec_vfcvtxn(struct dec *d)
{
	vfp_imm(d, FP_D, NARROW_ODD);
	d->r->ra = (uint8_t)simd_q(d);
	return op_fcvtn_soft;
}
op_fn *dec_vfcvtxn_s(struct dec *d)
{
	simd_regs(d);
	return op_fcvtxn_s;
}
op_fn *dec_vbfcvtn(struct dec *d)
{
	vfp_imm(d, FP_S, NARROW_BF16);
	d->r->ra = (uint8_t)simd_q(d);
	return op_fcvtn_soft;
}
