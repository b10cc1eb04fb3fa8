/* simd_fp.c: floating-point arithmetic and comparison on vectors.
 * Arm DDI 0487 C7.2, A1.5; spec/cpu.md 6; rows in simd_fp.def. Conversions and
 * rounding are in simd_fpcvt.c, complex numbers, FMLAL and BFloat16 in
 * simd_fpx.c. */
#include "simd_fp.h"

/* ---- shapes of fast handlers ----------------------------------------------- */

#define VF_OP(n, suf, T, A, B, D, OUT, bad, expr) \
OP(n##_##suf) \
{ \
	const T a = A, b = B, d = D; \
	(void)a; \
	(void)b; \
	(void)d; \
	const T r = (T)(expr); \
	if (UNLIKELY(bad)) \
		GO(n##_soft); \
	OUT(r); \
	NEXT(1); \
}
#define F32(r) V(r).vf32
#define F64(r) V(r).vf64
#define LO32(r, up) vfp_lo_f32(V(r).vf32, up)
/* `test` of the results; `up` keeps the upper lanes of 2S out of trouble. */
#define VF_VEC(n, up, test, expr) \
	VF_OP(n, 2s, simd_f32x4, LO32(rn, 0), LO32(rm, up), LO32(rd, 0), \
	      SIMD_OUT_LO, test##_f32(r), expr) \
	VF_OP(n, 4s, simd_f32x4, F32(rn), F32(rm), F32(rd), SIMD_OUT, \
	      test##_f32(r), expr) \
	VF_OP(n, 2d, simd_f64x2, F64(rn), F64(rm), F64(rd), SIMD_OUT, \
	      test##_f64(r), expr)
/* Scalars in vectors whose upper lanes are zeros. */
#define ONE32(r) ((simd_f32x4)(simd_u32x4){ V(r).s[0], 0, 0, 0 })
#define ONE64(r) ((simd_f64x2)(simd_u64x2){ V(r).d[0], 0 })
#define VF_ONE(n, test, expr) \
	VF_OP(n, s, simd_f32x4, ONE32(rn), ONE32(rm), ONE32(rd), SIMD_OUT, \
	      test##_f32(r), expr) \
	VF_OP(n, d, simd_f64x2, ONE64(rn), ONE64(rm), ONE64(rd), SIMD_OUT, \
	      test##_f64(r), expr)
/* By element: b is lane ra of Rm in all lanes in use. */
#define ELEM32 V(rm).s[ip->ra & 3]
#define ELEM64 V(rm).d[ip->ra & 1]
#define VF_ELEM(n, soft, test, expr) \
	VF_OP_E(n, soft, 2s, simd_f32x4, LO32(rn, 0), \
		((simd_f32x4)(simd_u32x4){ ELEM32, ELEM32, 0, 0 }), LO32(rd, 0), \
		test##_f32(r), expr) \
	VF_OP_E(n, soft, 4s, simd_f32x4, F32(rn), \
		((simd_f32x4)(simd_u32x4){ ELEM32, ELEM32, ELEM32, ELEM32 }), F32(rd), \
		test##_f32(r), expr) \
	VF_OP_E(n, soft, 2d, simd_f64x2, F64(rn), \
		((simd_f64x2)(simd_u64x2){ ELEM64, ELEM64 }), F64(rd), test##_f64(r), \
		expr) \
	VF_OP_E(n, soft, s, simd_f32x4, ONE32(rn), \
		((simd_f32x4)(simd_u32x4){ ELEM32, 0, 0, 0 }), ONE32(rd), test##_f32(r), \
		expr) \
	VF_OP_E(n, soft, d, simd_f64x2, ONE64(rn), \
		((simd_f64x2)(simd_u64x2){ ELEM64, 0 }), ONE64(rd), test##_f64(r), expr)
#define VF_OP_E(n, soft, suf, T, A, B, D, bad, expr) \
OP(n##_##suf) \
{ \
	const T a = A, b = B, d = D; \
	(void)d; \
	const T r = (T)(expr); \
	if (UNLIKELY(bad)) \
		GO(soft); \
	SIMD_OUT(r); \
	NEXT(1); \
}

/* ---- arithmetic --------------------------------------------------------------- */

#define SIGN softfp_signbit(F)

VFP_SOFT(vfadd, softfp_add(x, F, a, b))
VFP_SOFT(vfsub, softfp_sub(x, F, a, b))
VFP_SOFT(vfmul, softfp_mul(x, F, a, b))
VFP_SOFT(vfdiv, softfp_div(x, F, a, b))
VFP_SOFT(vfabd, softfp_sub(x, F, a, b) & ~SIGN)
VFP_SOFT(vfmulx, softfp_mulx(x, F, a, b))
VFP_SOFT(vfrecps, softfp_recps(x, F, a, b))
VFP_SOFT(vfrsqrts, softfp_rsqrts(x, F, a, b))
VFP_SOFT(vfmla, softfp_muladd(x, F, d, a, b))
VFP_SOFT(vfmls, softfp_muladd(x, F, d, a ^ SIGN, b))
VFP_SOFT(vfsqrt, softfp_sqrt(x, F, a))

static inline simd_f32x4 abs_f32(simd_f32x4 v)
{
	return (simd_f32x4)((simd_u32x4)v & 0x7fffffff);
}
static inline simd_f64x2 abs_f64(simd_f64x2 v)
{
	return (simd_f64x2)((simd_u64x2)v & 0x7fffffffffffffff);
}

/* A sum below the normal numbers is exact (fp.c). */
VF_VEC(vfadd, 0, vfp_nan, a + b)
VF_VEC(vfsub, 0, vfp_nan, a - b)
VF_VEC(vfmul, 0, vfp_suspect, a * b)
#define ONES 0x3f8000003f800000
VF_VEC(vfdiv, ONES, vfp_suspect, a / b)
VFP_DEC(vfadd, VFP_VEC)
VFP_DEC(vfsub, VFP_VEC)
VFP_DEC(vfmul, VFP_VEC)
VFP_DEC(vfdiv, VFP_VEC)
VFP_DEC_SOFT(vfmulx)
VFP_DEC_SOFT(vfrecps)
VFP_DEC_SOFT(vfrsqrts)

VF_OP(vfabd, 2s, simd_f32x4, LO32(rn, 0), LO32(rm, 0), LO32(rd, 0),
      SIMD_OUT_LO, vfp_nan_f32(r), abs_f32(a - b))
VF_OP(vfabd, 4s, simd_f32x4, F32(rn), F32(rm), F32(rd), SIMD_OUT,
      vfp_nan_f32(r), abs_f32(a - b))
VF_OP(vfabd, 2d, simd_f64x2, F64(rn), F64(rm), F64(rd), SIMD_OUT,
      vfp_nan_f64(r), abs_f64(a - b))
VF_OP(vfabd, s, simd_f32x4, ONE32(rn), ONE32(rm), ONE32(rd), SIMD_OUT,
      vfp_nan_f32(r), abs_f32(a - b))
VF_OP(vfabd, d, simd_f64x2, ONE64(rn), ONE64(rm), ONE64(rd), SIMD_OUT,
      vfp_nan_f64(r), abs_f64(a - b))
VFP_DEC(vfabd, VFP_FAST)

/* z + a * b, fused. */
static inline simd_f32x4 fma_f32(simd_f32x4 a, simd_f32x4 b, simd_f32x4 z)
{
#if defined(__x86_64__)
	__asm__("vfmadd231ps %2, %1, %0" : "+x"(z) : "x"(a), "x"(b));
#else
	for (int i = 0; i < 4; i++)
		z[i] = __builtin_fmaf(a[i], b[i], z[i]);
#endif
	return z;
}
static inline simd_f64x2 fma_f64(simd_f64x2 a, simd_f64x2 b, simd_f64x2 z)
{
#if defined(__x86_64__)
	__asm__("vfmadd231pd %2, %1, %0" : "+x"(z) : "x"(a), "x"(b));
#else
	for (int i = 0; i < 2; i++)
		z[i] = __builtin_fma(a[i], b[i], z[i]);
#endif
	return z;
}
#define FMA(a, b, z) \
	_Generic((z), simd_f32x4: fma_f32, simd_f64x2: fma_f64)(a, b, z)

VF_VEC(vfmla, 0, vfp_suspect, FMA(a, b, d))
VF_VEC(vfmls, 0, vfp_suspect, FMA(-a, b, d))
VF_ELEM(vfmla_e, vfmla_soft, vfp_suspect, FMA(a, b, d))
VF_ELEM(vfmls_e, vfmls_soft, vfp_suspect, FMA(-a, b, d))
VF_ELEM(vfmul_e, vfmul_soft, vfp_suspect, a * b)

#define VFP_DEC_FMA(n) \
op_fn *dec_##n(struct dec *d) \
{ \
	static op_fn *const t[5] = VFP_VEC(n); \
	return vfp_pick(d, 0, fp_host_has_fma() ? t : NULL, op_##n##_soft); \
} \
VFP_DEC_HALF(n, 0)
VFP_DEC_FMA(vfmla)
VFP_DEC_FMA(vfmls)

/* The lane of the by-element forms; L must be 0 for double. */
static op_fn *elem(struct dec *d, op_fn *const fast[5], op_fn *soft)
{
	op_fn *h = vfp_pick(d, 0, fast, soft);

	if (vfp_sz(d) == FP_D) {
		if (d->w >> 21 & 1)
			return NULL;
		d->r->ra = (uint8_t)bits(d->w, 11, 11);
	} else {
		simd_elem_s(d);
	}
	d->r->imm |= VFP_ELEM;
	return h;
}
#define DEC_ELEM(n, fast, soft) \
op_fn *dec_##n(struct dec *d) \
{ \
	return elem(d, fast, op_##soft); \
} \
op_fn *dec_##n##_h(struct dec *d) \
{ \
	vfp_imm(d, FP_H, 0); \
	simd_elem_h(d); \
	d->r->imm |= VFP_ELEM; \
	return op_##soft; \
}
static op_fn *const mul_e[5] = VFP_FAST(vfmul_e);
static op_fn *const mla_e[5] = VFP_FAST(vfmla_e);
static op_fn *const mls_e[5] = VFP_FAST(vfmls_e);
DEC_ELEM(vfmul_e, mul_e, vfmul_soft)
DEC_ELEM(vfmulx_e, NULL, vfmulx_soft)
DEC_ELEM(vfmla_e, fp_host_has_fma() ? mla_e : NULL, vfmla_soft)
DEC_ELEM(vfmls_e, fp_host_has_fma() ? mls_e : NULL, vfmls_soft)

static inline simd_f32x4 sqrt_f32(simd_f32x4 v)
{
#if defined(__x86_64__)
	return (simd_f32x4)_mm_sqrt_ps((__m128)v);
#else
	for (int i = 0; i < 4; i++)
		v[i] = __builtin_sqrtf(v[i]);
	return v;
#endif
}
static inline simd_f64x2 sqrt_f64(simd_f64x2 v)
{
#if defined(__x86_64__)
	return (simd_f64x2)_mm_sqrt_pd((__m128d)v);
#else
	for (int i = 0; i < 2; i++)
		v[i] = __builtin_sqrt(v[i]);
	return v;
#endif
}
#define SQRT(v) _Generic((v), simd_f32x4: sqrt_f32, simd_f64x2: sqrt_f64)(v)
VF_VEC(vfsqrt, 0, vfp_nan, SQRT(a))
VFP_DEC(vfsqrt, VFP_VEC)

/* Bits: no flags, no NaN rules. */
ON_H(VEC, vfabs, , a & 0x7fff)
ON_S(VEC, vfabs, , a & 0x7fffffff)
ON_D2(VEC, vfabs, , a & 0x7fffffffffffffff)
ON_H(VEC, vfneg, , a ^ 0x8000)
ON_S(VEC, vfneg, , a ^ 0x80000000)
ON_D2(VEC, vfneg, , a ^ 0x8000000000000000)
DEC_SQ(vfabs, T_NONE, T_NONE, T_S(vfabs), T_D(vfabs))
DEC_SQ(vfneg, T_NONE, T_NONE, T_S(vfneg), T_D(vfneg))
DEC_Q(vfabs_h, op_vfabs_4h, op_vfabs_8h)
DEC_Q(vfneg_h, op_vfneg_4h, op_vfneg_8h)

/* ---- comparison ------------------------------------------------------------------ */

static inline bool unord_f32(simd_f32x4 a, simd_f32x4 b)
{
#if defined(__x86_64__)
	return _mm_movemask_ps(_mm_cmpunord_ps((__m128)a, (__m128)b)) != 0;
#else
	return vfp_any((simd_u64x2)((a != a) | (b != b)));
#endif
}
static inline bool unord_f64(simd_f64x2 a, simd_f64x2 b)
{
#if defined(__x86_64__)
	return _mm_movemask_pd(_mm_cmpunord_pd((__m128d)a, (__m128d)b)) != 0;
#else
	return vfp_any((simd_u64x2)((a != a) | (b != b)));
#endif
}

/* NaNs are the soft handler's, so the host's comparisons raise nothing. */
#define VF_CMP_OP(n, suf, T, A, B, OUT, unord, expr) \
OP(n##_##suf) \
{ \
	const T a = A, b = B; \
	if (UNLIKELY(unord(a, b))) \
		GO(n##_soft); \
	OUT(expr); \
	NEXT(1); \
}
/* The scalars' upper lanes would compare equal. */
#define OUT_S(m) SIMD_OUT(((simd_u32x4){ ((simd_u32x4)(m))[0], 0, 0, 0 }))
#define VF_CMP(n, MAP, B32, B32LO, B64, B32ONE, B64ONE, rel) \
	VF_CMP_OP(n, 2s, simd_f32x4, LO32(rn, 0), B32LO, SIMD_OUT_LO, \
		  unord_f32, MAP##32(a) rel MAP##32(b)) \
	VF_CMP_OP(n, 4s, simd_f32x4, F32(rn), B32, SIMD_OUT, unord_f32, \
		  MAP##32(a) rel MAP##32(b)) \
	VF_CMP_OP(n, 2d, simd_f64x2, F64(rn), B64, SIMD_OUT, unord_f64, \
		  MAP##64(a) rel MAP##64(b)) \
	VF_CMP_OP(n, s, simd_f32x4, ONE32(rn), B32ONE, OUT_S, unord_f32, \
		  MAP##32(a) rel MAP##32(b)) \
	VF_CMP_OP(n, d, simd_f64x2, ONE64(rn), B64ONE, SIMD_OUT_LO, \
		  unord_f64, MAP##64(a) rel MAP##64(b)) \
	VFP_DEC(n, VFP_FAST)
#define ID32(v) (v)
#define ID64(v) (v)
#define MAG32(v) abs_f32(v)
#define MAG64(v) abs_f64(v)
#define VF_CMP2(n, MAP, rel) \
	VF_CMP(n, MAP, F32(rm), LO32(rm, 0), F64(rm), ONE32(rm), ONE64(rm), rel)
#define NUL32 ((simd_f32x4)(simd_u32x4){ 0, 0, 0, 0 })
#define NUL64 ((simd_f64x2)(simd_u64x2){ 0, 0 })
#define VF_CMPZ(n, rel) VF_CMP(n, ID, NUL32, NUL32, NUL64, NUL32, NUL64, rel)

VFP_SOFT(vfcmeq, -(uint64_t)softfp_eq(x, F, a, b))
VFP_SOFT(vfcmge, -(uint64_t)softfp_ge(x, F, a, b))
VFP_SOFT(vfcmgt, -(uint64_t)softfp_gt(x, F, a, b))
VFP_SOFT(vfacge, -(uint64_t)softfp_ge(x, F, a & ~SIGN, b & ~SIGN))
VFP_SOFT(vfacgt, -(uint64_t)softfp_gt(x, F, a & ~SIGN, b & ~SIGN))
VFP_SOFT(vfcmeqz, -(uint64_t)softfp_eq(x, F, a, 0))
VFP_SOFT(vfcmgez, -(uint64_t)softfp_ge(x, F, a, 0))
VFP_SOFT(vfcmgtz, -(uint64_t)softfp_gt(x, F, a, 0))
VFP_SOFT(vfcmlez, -(uint64_t)softfp_ge(x, F, 0, a))
VFP_SOFT(vfcmltz, -(uint64_t)softfp_gt(x, F, 0, a))
VF_CMP2(vfcmeq, ID, ==)
VF_CMP2(vfcmge, ID, >=)
VF_CMP2(vfcmgt, ID, >)
VF_CMP2(vfacge, MAG, >=)
VF_CMP2(vfacgt, MAG, >)
VF_CMPZ(vfcmeqz, ==)
VF_CMPZ(vfcmgez, >=)
VF_CMPZ(vfcmgtz, >)
VF_CMPZ(vfcmlez, <=)
VF_CMPZ(vfcmltz, <)

/* ---- maximum, minimum --------------------------------------------------------------- */

VFP_SOFT(vfmax, softfp_max(x, F, a, b))
VFP_SOFT(vfmin, softfp_min(x, F, a, b))
VFP_SOFT(vfmaxnm, softfp_maxnm(x, F, a, b))
VFP_SOFT(vfminnm, softfp_minnm(x, F, a, b))

/* Equal numbers are the same bits, or zeros of both signs, of which AND is the
 * larger and OR the smaller. */
#define MAXBITS(U) \
	((U)(((U)a & (U)b) | ((U)(a > b) & (U)a) | ((U)(b > a) & (U)b)))
#define MINBITS(U) \
	((U)(((U)(a < b) & (U)a) | ((U)(b < a) & (U)b) | \
	     ((U)(a == b) & ((U)a | (U)b))))
#define VF_PICK(n, BITS) \
	VF_CMP_OP(n, 2s, simd_f32x4, LO32(rn, 0), LO32(rm, 0), SIMD_OUT_LO, \
		  unord_f32, BITS(simd_u32x4)) \
	VF_CMP_OP(n, 4s, simd_f32x4, F32(rn), F32(rm), SIMD_OUT, unord_f32, \
		  BITS(simd_u32x4)) \
	VF_CMP_OP(n, 2d, simd_f64x2, F64(rn), F64(rm), SIMD_OUT, unord_f64, \
		  BITS(simd_u64x2)) \
	VFP_DEC(n, VFP_VEC)
VF_PICK(vfmax, MAXBITS)
VF_PICK(vfmin, MINBITS)
VF_PICK(vfmaxnm, MAXBITS)
VF_PICK(vfminnm, MINBITS)

/* ---- pairs --------------------------------------------------------------------------- */

#define VFP_SOFT_PAIRS(n, fn) \
OP(n##_soft) \
{ \
	const struct fpctx x = fp_ctx(c); \
	const enum fpfmt F = vfp_fmt(ip); \
	const vreg va = V(rn), vb = V(rm); \
	const int half = vfp_lanes(ip) / 2; \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 0; i < 2 * half; i++) { \
		const vreg *v = i < half ? &va : &vb; \
		const int k = 2 * (i < half ? i : i - half); \
		vfp_put(&r, F, i, fn(&x, F, vfp_get(v, F, k), \
				     vfp_get(v, F, k + 1))); \
	} \
	V(rd).vd = r.vd; \
	NEXT(1); \
} \
/* scalar: the two lowest lanes of Rn */ \
OP(n##_s_soft) \
{ \
	const struct fpctx x = fp_ctx(c); \
	const enum fpfmt F = vfp_fmt(ip); \
	fp_put(c, ip->rd, fn(&x, F, vfp_get(&V(rn), F, 0), \
			     vfp_get(&V(rn), F, 1))); \
	NEXT(1); \
}
VFP_SOFT_PAIRS(vfaddp, softfp_add)
VFP_SOFT_PAIRS(vfmaxp, softfp_max)
VFP_SOFT_PAIRS(vfminp, softfp_min)
VFP_SOFT_PAIRS(vfmaxnmp, softfp_maxnm)
VFP_SOFT_PAIRS(vfminnmp, softfp_minnm)

/* First and second of each pair. */
#define EVEN32 __builtin_shufflevector(F32(rn), F32(rm), 0, 2, 4, 6)
#define ODD32 __builtin_shufflevector(F32(rn), F32(rm), 1, 3, 5, 7)
#define EVEN32LO ((simd_f32x4)(simd_u32x4){ V(rn).s[0], V(rm).s[0], 0, 0 })
#define ODD32LO ((simd_f32x4)(simd_u32x4){ V(rn).s[1], V(rm).s[1], 0, 0 })
#define EVEN64 ((simd_f64x2){ V(rn).f64[0], V(rm).f64[0] })
#define ODD64 ((simd_f64x2){ V(rn).f64[1], V(rm).f64[1] })
VF_OP(vfaddp, 2s, simd_f32x4, EVEN32LO, ODD32LO, ODD32LO, SIMD_OUT_LO,
      vfp_nan_f32(r), a + b)
VF_OP(vfaddp, 4s, simd_f32x4, EVEN32, ODD32, ODD32, SIMD_OUT, vfp_nan_f32(r),
      a + b)
VF_OP(vfaddp, 2d, simd_f64x2, EVEN64, ODD64, ODD64, SIMD_OUT, vfp_nan_f64(r),
      a + b)
#define VF_PICKP(n, BITS) \
	VF_CMP_OP(n, 2s, simd_f32x4, EVEN32LO, ODD32LO, SIMD_OUT_LO, \
		  unord_f32, BITS(simd_u32x4)) \
	VF_CMP_OP(n, 4s, simd_f32x4, EVEN32, ODD32, SIMD_OUT, unord_f32, \
		  BITS(simd_u32x4)) \
	VF_CMP_OP(n, 2d, simd_f64x2, EVEN64, ODD64, SIMD_OUT, unord_f64, \
		  BITS(simd_u64x2)) \
	VFP_DEC(n, VFP_VEC)
VFP_DEC(vfaddp, VFP_VEC)
VF_PICKP(vfmaxp, MAXBITS)
VF_PICKP(vfminp, MINBITS)
VF_PICKP(vfmaxnmp, MAXBITS)
VF_PICKP(vfminnmp, MINBITS)

OP(vfaddp_s_s)
{
	const float r = V(rn).f32[0] + V(rn).f32[1];

	if (UNLIKELY(__builtin_isunordered(r, r)))
		GO(vfaddp_s_soft);
	fp_put_s(c, ip->rd, r);
	NEXT(1);
}
OP(vfaddp_s_d)
{
	const double r = V(rn).f64[0] + V(rn).f64[1];

	if (UNLIKELY(__builtin_isunordered(r, r)))
		GO(vfaddp_s_soft);
	fp_put_d(c, ip->rd, r);
	NEXT(1);
}
#define DEC_PAIR_S(n, fast) \
op_fn *dec_##n##_s(struct dec *d) \
{ \
	return vfp_pick(d, 0, fast, op_##n##_s_soft); \
} \
op_fn *dec_##n##_s_h(struct dec *d) \
{ \
	return vfp_half(d, 0, op_##n##_s_soft); \
}
static op_fn *const addp_s[5] = { NULL, NULL, NULL, op_vfaddp_s_s,
				  op_vfaddp_s_d };
DEC_PAIR_S(vfaddp, addp_s)
DEC_PAIR_S(vfmaxp, NULL)
DEC_PAIR_S(vfminp, NULL)
DEC_PAIR_S(vfmaxnmp, NULL)
DEC_PAIR_S(vfminnmp, NULL)

/* ---- across lanes: a tree of pairs ----------------------------------------------------- */

#define VFP_ACROSS(n, fn) \
OP(n##_soft) \
{ \
	const struct fpctx x = fp_ctx(c); \
	const enum fpfmt F = vfp_fmt(ip); \
	vreg v = V(rn); \
	for (int m = vfp_lanes(ip) / 2; m > 0; m /= 2) \
		for (int i = 0; i < m; i++) \
			vfp_put(&v, F, i, fn(&x, F, vfp_get(&v, F, 2 * i), \
					     vfp_get(&v, F, 2 * i + 1))); \
	fp_put(c, ip->rd, vfp_get(&v, F, 0)); \
	NEXT(1); \
} \
op_fn *dec_##n(struct dec *d) \
{ \
	return vfp_imm(d, FP_S, 0) ? op_##n##_soft : NULL; \
} \
VFP_DEC_HALF(n, 0)
VFP_ACROSS(vfmaxv, softfp_max)
VFP_ACROSS(vfminv, softfp_min)
VFP_ACROSS(vfmaxnmv, softfp_maxnm)
VFP_ACROSS(vfminnmv, softfp_minnm)
