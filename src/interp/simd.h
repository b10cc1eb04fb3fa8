/* simd.h: how the handlers of simd_*.c and crypto.c are made.
 *
 * A handler exists for each arrangement of its instruction: op_add_8b,
 * op_add_16b ... op_add_2d, and op_add_d for the scalar form. The macros below
 * make a family from one expression:
 *
 *	VEC	over whole vectors a (Rn), b (Rm), d (Rd): compiler vector types
 *	LANES	over one lane a, b, d; the compiler vectorizes what it can
 *
 * and are used through the lists of arrangements ON_*:
 *
 *	ON_BHSD(VEC, add, , a + b)
 *	ON_BHS(LANES, shadd, s, ((wide)a + b) >> 1)
 *
 * The third argument is `s` for signed lanes, empty for unsigned ones. In
 * LANES, T is the lane's type, `wide` a signed type that holds the sum or the
 * product of two lanes (for 64-bit lanes, the sum), and SSAT and USAT saturate
 * a wide value to the lane, setting FPSR.QC. Every result zeroes what is above
 * it in the register. */
#ifndef INTERP_SIMD_H
#define INTERP_SIMD_H

#include "decode.h"
#include "op.h"
#include "softfp.h"

/* ---- decoding --------------------------------------------------------- */

/* Vector register numbers as they are: 31 is V31. */
static inline void simd_regs(struct dec *d)
{
	d->r->rd = d->rd;
	d->r->rn = d->rn;
	d->r->rm = d->rm;
	d->r->ra = d->ra;
}
static inline unsigned simd_q(const struct dec *d)
{
	return d->w >> 30 & 1;
}
static inline unsigned simd_size(const struct dec *d)
{
	return bits(d->w, 23, 22);
}

/* Decode functions that take the handler from a table: by size and Q, by size
 * (scalars), by Q. NULL: unallocated. */
#define DEC_SQ(fn, ...) \
op_fn *dec_##fn(struct dec *d) \
{ \
	static op_fn *const t[4][2] = { __VA_ARGS__ }; \
	simd_regs(d); \
	return t[simd_size(d)][simd_q(d)]; \
}
#define DEC_S(fn, ...) \
op_fn *dec_##fn(struct dec *d) \
{ \
	static op_fn *const t[4] = { __VA_ARGS__ }; \
	simd_regs(d); \
	return t[simd_size(d)]; \
}
#define DEC_Q(fn, ...) \
op_fn *dec_##fn(struct dec *d) \
{ \
	static op_fn *const t[2] = { __VA_ARGS__ }; \
	simd_regs(d); \
	return t[simd_q(d)]; \
}

/* The by-element forms: Rm and the lane by size. */
static inline void simd_elem_h(struct dec *d)
{
	d->r->rm = d->rm & 15;
	d->r->ra = (uint8_t)(bits(d->w, 11, 11) << 2 | bits(d->w, 21, 20));
}
static inline void simd_elem_s(struct dec *d)
{
	d->r->ra = (uint8_t)(bits(d->w, 11, 11) << 1 | bits(d->w, 21, 21));
}
#define DEC_E_SQ(fn, ...) \
op_fn *dec_##fn(struct dec *d) \
{ \
	static op_fn *const t[4][2] = { __VA_ARGS__ }; \
	simd_regs(d); \
	if (simd_size(d) == 1) \
		simd_elem_h(d); \
	else \
		simd_elem_s(d); \
	return t[simd_size(d)][simd_q(d)]; \
}
#define DEC_E_S(fn, ...) \
op_fn *dec_##fn(struct dec *d) \
{ \
	static op_fn *const t[4] = { __VA_ARGS__ }; \
	simd_regs(d); \
	if (simd_size(d) == 1) \
		simd_elem_h(d); \
	else \
		simd_elem_s(d); \
	return t[simd_size(d)]; \
}

/* Rows of those tables. */
#define T_NONE { NULL, NULL }
#define T_B(n) { op_##n##_8b, op_##n##_16b }
#define T_H(n) { op_##n##_4h, op_##n##_8h }
#define T_S(n) { op_##n##_2s, op_##n##_4s }
#define T_D(n) { NULL, op_##n##_2d }
#define T_BHSD(n) T_B(n), T_H(n), T_S(n), T_D(n)
#define T_BHS(n) T_B(n), T_H(n), T_S(n), T_NONE
#define T_HS(n) T_NONE, T_H(n), T_S(n), T_NONE
/* scalar */
#define T1_BHSD(n) op_##n##_b, op_##n##_h, op_##n##_s, op_##n##_d
#define T1_HS(n) NULL, op_##n##_h, op_##n##_s, NULL
#define T1_D(n) NULL, NULL, NULL, op_##n##_d

/* ---- arrangements: M(suffix, field, lanes, wide type, bits, ...) -------- */

#define ON_B(M, ...) M(8b, b, 8, int32_t, 8, __VA_ARGS__) \
	M(16b, b, 16, int32_t, 8, __VA_ARGS__)
#define ON_H(M, ...) M(4h, h, 4, int32_t, 16, __VA_ARGS__) \
	M(8h, h, 8, int32_t, 16, __VA_ARGS__)
#define ON_S(M, ...) M(2s, s, 2, int64_t, 32, __VA_ARGS__) \
	M(4s, s, 4, int64_t, 32, __VA_ARGS__)
#define ON_D2(M, ...) M(2d, d, 2, __int128, 64, __VA_ARGS__)
#define ON_D1(M, ...) M(d, d, 1, __int128, 64, __VA_ARGS__)
#define ON_HS(M, ...) ON_H(M, __VA_ARGS__) ON_S(M, __VA_ARGS__)
#define ON_BHS(M, ...) ON_B(M, __VA_ARGS__) ON_HS(M, __VA_ARGS__)
#define ON_BHSD(M, ...) ON_BHS(M, __VA_ARGS__) ON_D2(M, __VA_ARGS__)
/* the scalar forms */
#define ON1_HS(M, ...) M(h, h, 1, int32_t, 16, __VA_ARGS__) \
	M(s, s, 1, int64_t, 32, __VA_ARGS__)
#define ON1_BHS(M, ...) M(b, b, 1, int32_t, 8, __VA_ARGS__) \
	ON1_HS(M, __VA_ARGS__)
#define ON1_BHSD(M, ...) ON1_BHS(M, __VA_ARGS__) ON_D1(M, __VA_ARGS__)
/* both */
#define ON_BHSD_D(M, ...) ON_BHSD(M, __VA_ARGS__) ON_D1(M, __VA_ARGS__)
#define ON_ALL(M, ...) ON_BHSD(M, __VA_ARGS__) ON1_BHSD(M, __VA_ARGS__)

/* ---- handlers ---------------------------------------------------------- */

typedef __typeof__(((vreg *)0)->vd) simd_u64x2;

/* One 16-byte store always: a narrow one would stall the next vector load. */
#define SIMD_OUT(x) (V(rd).vd = (simd_u64x2)(x))
#define SIMD_OUT_LO(x) \
	(V(rd).vd = (simd_u64x2){ ((simd_u64x2)(x))[0], 0 })
#define SIMD_OUT_BITS(n, x) do { \
	if ((n) == 128) \
		SIMD_OUT(x); \
	else \
		SIMD_OUT_LO(x); \
} while (0)

#define SIMD_QC() (c->sr.fpsr |= FPSR_QC)

#define VEC(suf, f, cnt, W, nbits, n, g, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).v##g##f) T; \
	const T a = V(rn).v##g##f, b = V(rm).v##g##f, d = V(rd).v##g##f; \
	(void)a; \
	(void)b; \
	(void)d; \
	SIMD_OUT_BITS((cnt) * (nbits), expr); \
	NEXT(1); \
}

/* What LANES and its kin share: the result, the lane's types and limits. */
#define SIMD_LANE_TYPES(W, nbits, field) \
	typedef __typeof__(((vreg *)0)->field[0]) T; \
	typedef W wide; \
	enum { NB = nbits }; \
	const wide smax = ((wide)1 << ((nbits) - 1)) - 1, smin = -smax - 1; \
	const wide umax = (smax << 1) + 1; \
	bool qc = false; \
	vreg r_ = { .d = { 0, 0 } }; \
	(void)smax; \
	(void)smin; \
	(void)umax
/* ... for 32-bit umax needs no more than int64_t, for 16-bit than int32_t */

#define SIMD_CLAMP(v, lo, hi) ({ \
	wide v_ = (v); \
	wide s_ = v_ > (wide)(hi)   ? (wide)(hi) \
		  : v_ < (wide)(lo) ? (wide)(lo) \
				    : v_; \
	qc |= s_ != v_; \
	(T)s_; })
#define SSAT(v) SIMD_CLAMP(v, smin, smax)
#define USAT(v) SIMD_CLAMP(v, 0, umax)

#define SIMD_LANES_END() do { \
	V(rd).vd = r_.vd; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
} while (0)

#define LANES(suf, f, cnt, W, nbits, n, g, expr) \
OP(n##_##suf) \
{ \
	SIMD_LANE_TYPES(W, nbits, g##f); \
	for (int i = 0; i < (cnt); i++) { \
		const T a = V(rn).g##f[i], b = V(rm).g##f[i], \
			d = V(rd).g##f[i]; \
		(void)a; \
		(void)b; \
		(void)d; \
		r_.g##f[i] = (T)(expr); \
	} \
	SIMD_LANES_END(); \
}

/* Even and odd lanes of two vectors of a type, one after the other. */
#define SIMD_EVEN_b(x, y) __builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, \
	14, 16, 18, 20, 22, 24, 26, 28, 30)
#define SIMD_ODD_b(x, y) __builtin_shufflevector(x, y, 1, 3, 5, 7, 9, 11, 13, \
	15, 17, 19, 21, 23, 25, 27, 29, 31)
#define SIMD_EVEN_h(x, y) \
	__builtin_shufflevector(x, y, 0, 2, 4, 6, 8, 10, 12, 14)
#define SIMD_ODD_h(x, y) \
	__builtin_shufflevector(x, y, 1, 3, 5, 7, 9, 11, 13, 15)
#define SIMD_EVEN_s(x, y) __builtin_shufflevector(x, y, 0, 2, 4, 6)
#define SIMD_ODD_s(x, y) __builtin_shufflevector(x, y, 1, 3, 5, 7)
#define SIMD_EVEN_d(x, y) __builtin_shufflevector(x, y, 0, 2)
#define SIMD_ODD_d(x, y) __builtin_shufflevector(x, y, 1, 3)

/* Pairs of neighbours a, b of Rn, then of Rm: all first ones in one vector, all
 * second ones in another. With Q = 0 the lower halves are put together. */
#define PAIRS(suf, f, cnt, W, nbits, n, g, expr) \
OP(n##_##suf) \
{ \
	SIMD_LANE_TYPES(W, nbits, g##f); \
	vreg x_ = V(rn), y_ = V(rm), even, odd; \
	if ((cnt) * (nbits) == 64) { \
		x_.vd = SIMD_EVEN_d(x_.vd, y_.vd); \
		y_.vd = x_.vd; \
	} \
	even.v##f = SIMD_EVEN_##f(x_.v##f, y_.v##f); \
	odd.v##f = SIMD_ODD_##f(x_.v##f, y_.v##f); \
	for (int i = 0; i < (cnt); i++) { \
		const T a = even.g##f[i], b = odd.g##f[i]; \
		r_.g##f[i] = (T)(expr); \
	} \
	SIMD_LANES_END(); \
}

/* Rm's lane ra against every lane: the by-element forms. */
#define ELEM(suf, f, cnt, W, nbits, n, g, expr) \
OP(n##_##suf) \
{ \
	SIMD_LANE_TYPES(W, nbits, g##f); \
	const T b = V(rm).g##f[ip->ra]; \
	for (int i = 0; i < (cnt); i++) { \
		const T a = V(rn).g##f[i], d = V(rd).g##f[i]; \
		(void)d; \
		r_.g##f[i] = (T)(expr); \
	} \
	SIMD_LANES_END(); \
}

/* ---- widening and narrowing: M(suffix, first lane, narrow field, wide field,
 * wide lanes, narrow bits, wide type, ...); for the `2` forms, the first
 * narrow lane is in the upper half. */

#define ONL_B(M, ...) M(8h, 0, b, h, 8, 8, int32_t, __VA_ARGS__) \
	M(8h2, 8, b, h, 8, 8, int32_t, __VA_ARGS__)
#define ONL_H(M, ...) M(4s, 0, h, s, 4, 16, int32_t, __VA_ARGS__) \
	M(4s2, 4, h, s, 4, 16, int32_t, __VA_ARGS__)
#define ONL_S(M, ...) M(2d, 0, s, d, 2, 32, int64_t, __VA_ARGS__) \
	M(2d2, 2, s, d, 2, 32, int64_t, __VA_ARGS__)
#define ONL_HS(M, ...) ONL_H(M, __VA_ARGS__) ONL_S(M, __VA_ARGS__)
#define ONL_BHS(M, ...) ONL_B(M, __VA_ARGS__) ONL_HS(M, __VA_ARGS__)
#define TL_B(n) { op_##n##_8h, op_##n##_8h2 }
#define TL_H(n) { op_##n##_4s, op_##n##_4s2 }
#define TL_S(n) { op_##n##_2d, op_##n##_2d2 }
#define TL_BHS(n) TL_B(n), TL_H(n), TL_S(n), T_NONE
#define TL_HS(n) T_NONE, TL_H(n), TL_S(n), T_NONE

/* Narrow a, b, wide d to wide result. */
#define LONG(suf, off, nf, wf, cnt, nbits, W, n, g, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).g##wf[0]) T; \
	enum { NB = nbits }; \
	bool qc = false; \
	vreg r_ = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) { \
		const T a = V(rn).g##nf[(off) + i], \
			b = V(rm).g##nf[(off) + i], d = V(rd).g##wf[i]; \
		(void)b; \
		(void)d; \
		r_.g##wf[i] = (T)(expr); \
	} \
	V(rd).vd = r_.vd; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
}
/* Wide a, narrow b. */
#define WIDE(suf, off, nf, wf, cnt, nbits, W, n, g, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).g##wf[0]) T; \
	enum { NB = nbits }; \
	bool qc = false; \
	vreg r_ = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) { \
		const T a = V(rn).g##wf[i], b = V(rm).g##nf[(off) + i]; \
		r_.g##wf[i] = (T)(expr); \
	} \
	V(rd).vd = r_.vd; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
}
/* Narrow a, narrow b = one lane of Rm. */
#define LONG_ELEM(suf, off, nf, wf, cnt, nbits, W, n, g, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).g##wf[0]) T; \
	enum { NB = nbits }; \
	bool qc = false; \
	vreg r_ = { .d = { 0, 0 } }; \
	const T b = V(rm).g##nf[ip->ra]; \
	for (int i = 0; i < (cnt); i++) { \
		const T a = V(rn).g##nf[(off) + i], d = V(rd).g##wf[i]; \
		(void)d; \
		r_.g##wf[i] = (T)(expr); \
	} \
	V(rd).vd = r_.vd; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
}
/* Wide a, b to a narrow result of type T (signed: rg is `s`), which goes to
 * the lower half (the upper is zeroed) or the upper (the lower is kept). k is
 * the immediate. `wide` is the type of a. */
#define NARROW(suf, off, nf, wf, cnt, nbits, W, n, g, rg, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).rg##nf[0]) T; \
	typedef __typeof__(V(rd).g##wf[0]) wide; \
	enum { NB = nbits }; \
	const int64_t smax = (1ll << ((nbits) - 1)) - 1, smin = -smax - 1; \
	const int64_t umax = (1ll << (nbits)) - 1; \
	const int k = ip->imm; \
	bool qc = false; \
	vreg r_; \
	(void)smax; \
	(void)smin; \
	(void)umax; \
	(void)k; \
	for (int i = 0; i < (cnt); i++) { \
		const wide a = V(rn).g##wf[i], b = V(rm).g##wf[i]; \
		(void)b; \
		r_.rg##nf[i] = (T)(expr); \
	} \
	V(rd).vd = (off) ? (simd_u64x2){ V(rd).d[0], r_.d[0] } \
			 : (simd_u64x2){ r_.d[0], 0 }; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
}
/* Wide vectors a, b to the low parts of the lanes of expr. */
#define NARROW_VEC(suf, off, nf, wf, cnt, nbits, W, n, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).v##wf) T; \
	enum { NB = nbits }; \
	const T a = V(rn).v##wf, b = V(rm).v##wf; \
	const __typeof__(V(rd).wf[0]) k = (__typeof__(V(rd).wf[0]))ip->imm; \
	(void)b; \
	(void)k; \
	const __typeof__(V(rd).v##nf) w_ = (__typeof__(V(rd).v##nf))(T)(expr); \
	const simd_u64x2 r_ = (simd_u64x2)SIMD_EVEN_##nf(w_, w_); \
	if (off) \
		SIMD_OUT(((simd_u64x2){ V(rd).d[0], r_[0] })); \
	else \
		SIMD_OUT_LO(r_); \
	NEXT(1); \
}

/* The scalar widening forms: M as above. */
#define ON1L_HS(M, ...) M(s1, 0, h, s, 1, 16, int32_t, __VA_ARGS__) \
	M(d1, 0, s, d, 1, 32, int64_t, __VA_ARGS__)
#define T1L_HS(n) NULL, op_##n##_s1, op_##n##_d1, NULL

/* The scalar narrowing forms, by result. */
#define NARROW1(suf, nf, wf, nbits, n, g, rg, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rd).rg##nf[0]) T; \
	typedef __typeof__(V(rd).g##wf[0]) wide; \
	enum { NB = nbits }; \
	const int64_t smax = (1ll << ((nbits) - 1)) - 1, smin = -smax - 1; \
	const int64_t umax = (1ll << (nbits)) - 1; \
	const int k = ip->imm; \
	const wide a = V(rn).g##wf[0]; \
	bool qc = false; \
	vreg r_ = { .d = { 0, 0 } }; \
	(void)smax; \
	(void)smin; \
	(void)umax; \
	(void)k; \
	r_.rg##nf[0] = (T)(expr); \
	V(rd).vd = r_.vd; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
}
#define ON1_NARROW(n, g, rg, expr) \
	NARROW1(b, b, h, 8, n, g, rg, expr) \
	NARROW1(h, h, s, 16, n, g, rg, expr) \
	NARROW1(s, s, d, 32, n, g, rg, expr)
#define T1_BHS(n) op_##n##_b, op_##n##_h, op_##n##_s, NULL

#endif
