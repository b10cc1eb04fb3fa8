/* simd_shift.c: shifts of lanes by an immediate and by a register.
 * Arm DDI 0487 C7.2; rows in simd_shift.def. */
#include "simd.h"

/* ---- by immediate: imm is the amount, 1..NB right, 0..NB-1 left ----------- */

/* immh:immb is 2 NB - amount to the right, NB + amount to the left. */
static bool shift_size(struct dec *d, unsigned *size)
{
	unsigned immh = bits(d->w, 22, 19);

	if (!immh)
		return false;
	*size = 31 - (unsigned)__builtin_clz(immh);
	simd_regs(d);
	return true;
}
static op_fn *shift_right(struct dec *d, op_fn *const t[4][2])
{
	unsigned size;

	if (!shift_size(d, &size))
		return NULL;
	d->r->imm = (int32_t)(16u << size) - (int32_t)bits(d->w, 22, 16);
	return t[size][simd_q(d)];
}
static op_fn *shift_left(struct dec *d, op_fn *const t[4][2])
{
	unsigned size;

	if (!shift_size(d, &size))
		return NULL;
	d->r->imm = (int32_t)bits(d->w, 22, 16) - (int32_t)(8u << size);
	return t[size][simd_q(d)];
}
#define DEC_SHIFT(fn, way, ...) \
op_fn *dec_##fn(struct dec *d) \
{ \
	static op_fn *const t[4][2] = { __VA_ARGS__ }; \
	return shift_##way(d, t); \
}
/* Scalars have bit 30 set. */
#define T_SC(n) { NULL, op_##n##_b }, { NULL, op_##n##_h }, \
	{ NULL, op_##n##_s }, { NULL, op_##n##_d }
#define T_SC_D(n) T_NONE, T_NONE, T_NONE, { NULL, op_##n##_d }
#define DEC_SHIFTS(n, way) \
	DEC_SHIFT(n##_v, way, T_BHSD(n)) \
	DEC_SHIFT(n##_s, way, T_SC_D(n))

/* A host's shift by all bits of the lane is not one; k - 1 and one more are. */
#define SHR(x) ((x) >> (k - 1) >> 1)
#define VEC_K(suf, f, cnt, W, nbits, n, g, expr) \
OP(n##_##suf) \
{ \
	typedef __typeof__(V(rn).v##g##f) T; \
	enum { NB = nbits }; \
	const __typeof__(V(rn).f[0]) k = (__typeof__(V(rn).f[0]))ip->imm; \
	const T a = V(rn).v##g##f, d = V(rd).v##g##f; \
	(void)d; \
	SIMD_OUT_BITS((cnt) * (nbits), expr); \
	NEXT(1); \
}
ON_BHSD_D(VEC_K, sshr, s, SHR(a))
ON_BHSD_D(VEC_K, ushr, , SHR(a))
ON_BHSD_D(VEC_K, usra, , d + SHR(a))
ON_BHSD_D(VEC_K, shl, , a << k)
/* Rounded: the last bit lost is added. */
ON_BHSD_D(VEC_K, srshr, s, SHR(a) + (a >> (k - 1) & 1))
ON_BHSD_D(VEC_K, urshr, , SHR(a) + (a >> (k - 1) & 1))
ON_BHSD_D(VEC_K, ursra, , d + SHR(a) + (a >> (k - 1) & 1))
/* Inserted: the bits that the shift leaves open are Rd's. */
ON_BHSD_D(VEC_K, sri, , SHR(a) | (d & ~SHR(~(d ^ d))))
ON_BHSD_D(VEC_K, sli, , a << k | (d & ~(~(d ^ d) << k)))
ON_BHSD_D(VEC_K, ssra, s, d + SHR(a))
ON_BHSD_D(VEC_K, srsra, s, d + SHR(a) + (a >> (k - 1) & 1))
DEC_SHIFTS(sshr, right)
DEC_SHIFTS(ushr, right)
DEC_SHIFTS(ssra, right)
DEC_SHIFTS(usra, right)
DEC_SHIFTS(srshr, right)
DEC_SHIFTS(urshr, right)
DEC_SHIFTS(srsra, right)
DEC_SHIFTS(ursra, right)
DEC_SHIFTS(sri, right)
DEC_SHIFTS(shl, left)
DEC_SHIFTS(sli, left)

/* ---- by register, and saturating ------------------------------------------ */

/* One lane of nb bits: a shifted left by the signed amount sh, right if
 * negative. Saturation is of the exact value; *qc then is set. */
static inline int64_t shl_s(int64_t a, int sh, int nb, bool round, bool sat,
			    bool *qc)
{
	if (sh < 0) {
		int n = -sh;

		if (n > nb)
			return round ? 0 : a < 0 ? -1 : 0;
		return (a >> (n - 1) >> 1) +
		       (round ? a >> (n - 1) & 1 : 0);
	}
	int64_t max = (int64_t)(~0ull >> (65 - nb));

	if (!sat)
		return sh >= nb ? 0 : (int64_t)((uint64_t)a << sh);
	if (a == 0 || sh == 0)
		return a;
	if (sh >= nb || (a > 0 ? a > max >> sh : a < (-max - 1) >> sh)) {
		*qc = true;
		return a > 0 ? max : -max - 1;
	}
	return (int64_t)((uint64_t)a << sh);
}
static inline uint64_t shl_u(uint64_t a, int sh, int nb, bool round, bool sat,
			     bool *qc)
{
	if (sh < 0) {
		int n = -sh;

		if (n > nb)
			return 0;
		return (a >> (n - 1) >> 1) +
		       (round ? a >> (n - 1) & 1 : 0);
	}
	uint64_t max = ~0ull >> (64 - nb);

	if (!sat)
		return sh >= nb ? 0 : a << sh;
	if (a == 0 || sh == 0)
		return a;
	if (sh >= nb || a > max >> sh) {
		*qc = true;
		return max;
	}
	return a << sh;
}

/* The lanes in a loop, which it stays: unrolled it would be pages of code. */
#define LANES_LOOP(suf, f, cnt, W, nbits, n, g, expr) \
OP(n##_##suf) \
{ \
	enum { NB = nbits }; \
	bool qc = false; \
	vreg r = { .d = { 0, 0 } }; \
	_Pragma("GCC unroll 1") \
	for (int i = 0; i < (cnt); i++) { \
		const __typeof__(r.g##f[0]) a = V(rn).g##f[i]; \
		const int sh = (int8_t)V(rm).f[i], k = ip->imm; \
		(void)sh; \
		(void)k; \
		r.g##f[i] = (__typeof__(r.g##f[0]))(expr); \
	} \
	V(rd).vd = r.vd; \
	if (UNLIKELY(qc)) \
		SIMD_QC(); \
	NEXT(1); \
}
ON_BHSD_D(LANES_LOOP, sshl, s, shl_s(a, sh, NB, false, false, &qc))
ON_BHSD_D(LANES_LOOP, ushl, , shl_u(a, sh, NB, false, false, &qc))
ON_BHSD_D(LANES_LOOP, srshl, s, shl_s(a, sh, NB, true, false, &qc))
ON_BHSD_D(LANES_LOOP, urshl, , shl_u(a, sh, NB, true, false, &qc))
ON_ALL(LANES_LOOP, sqshl, s, shl_s(a, sh, NB, false, true, &qc))
ON_ALL(LANES_LOOP, uqshl, , shl_u(a, sh, NB, false, true, &qc))
ON_ALL(LANES_LOOP, sqrshl, s, shl_s(a, sh, NB, true, true, &qc))
ON_ALL(LANES_LOOP, uqrshl, , shl_u(a, sh, NB, true, true, &qc))
#define DEC_BY_REG(n, T1) \
	DEC_SQ(n##_v, T_BHSD(n)) \
	DEC_S(n##_s, T1(n))
DEC_BY_REG(sshl, T1_D)
DEC_BY_REG(ushl, T1_D)
DEC_BY_REG(srshl, T1_D)
DEC_BY_REG(urshl, T1_D)
DEC_BY_REG(sqshl, T1_BHSD)
DEC_BY_REG(uqshl, T1_BHSD)
DEC_BY_REG(sqrshl, T1_BHSD)
DEC_BY_REG(uqrshl, T1_BHSD)

/* SQSHLU: a negative lane saturates to zero. */
static inline uint64_t shl_su(int64_t a, int sh, int nb, bool *qc)
{
	if (a < 0) {
		*qc = true;
		return 0;
	}
	return shl_u((uint64_t)a, sh, nb, false, true, qc);
}
ON_ALL(LANES_LOOP, sqshli, s, shl_s(a, k, NB, false, true, &qc))
ON_ALL(LANES_LOOP, uqshli, , shl_u(a, k, NB, false, true, &qc))
ON_ALL(LANES_LOOP, sqshlui, s, shl_su(a, k, NB, &qc))
DEC_SHIFT(sqshl_i_v, left, T_BHSD(sqshli))
DEC_SHIFT(sqshl_i_s, left, T_SC(sqshli))
DEC_SHIFT(uqshl_i_v, left, T_BHSD(uqshli))
DEC_SHIFT(uqshl_i_s, left, T_SC(uqshli))
DEC_SHIFT(sqshlu_v, left, T_BHSD(sqshlui))
DEC_SHIFT(sqshlu_s, left, T_SC(sqshlui))
