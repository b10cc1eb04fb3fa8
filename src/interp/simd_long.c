/* simd_long.c: integer operations that widen or narrow, dot products, matrix
 * products. Arm DDI 0487 C7.2; rows in simd_long.def. */
#include "simd.h"

/* ---- three different, and by element -------------------------------------- */

#define ABD(x, y) ((x) > (y) ? (x) - (y) : (y) - (x))
#define DEC_LONG(n, ...) \
	ONL_BHS(__VA_ARGS__) \
	DEC_SQ(n##_v, TL_BHS(n))
DEC_LONG(saddl, LONG, saddl, s, a + b)
DEC_LONG(uaddl, LONG, uaddl, , a + b)
DEC_LONG(ssubl, LONG, ssubl, s, a - b)
DEC_LONG(usubl, LONG, usubl, , a - b)
DEC_LONG(saddw, WIDE, saddw, s, (uint64_t)a + (uint64_t)b)
DEC_LONG(uaddw, WIDE, uaddw, , a + b)
DEC_LONG(ssubw, WIDE, ssubw, s, (uint64_t)a - (uint64_t)b)
DEC_LONG(usubw, WIDE, usubw, , a - b)
DEC_LONG(sabdl, LONG, sabdl, s, ABD(a, b))
DEC_LONG(uabdl, LONG, uabdl, , ABD(a, b))
DEC_LONG(sabal, LONG, sabal, s, (uint64_t)d + (uint64_t)ABD(a, b))
DEC_LONG(uabal, LONG, uabal, , d + ABD(a, b))

#define MUL_FAMILY(n, g, expr) \
	ONL_BHS(LONG, n, g, expr) \
	ONL_HS(LONG_ELEM, n##_e, g, expr) \
	DEC_SQ(n##_v, TL_BHS(n)) \
	DEC_E_SQ(n##_e, TL_HS(n##_e))
MUL_FAMILY(smull, s, (int64_t)a * b)
MUL_FAMILY(umull, , (uint64_t)a * b)
MUL_FAMILY(smlal, s, (uint64_t)d + (uint64_t)((int64_t)a * b))
MUL_FAMILY(umlal, , d + (uint64_t)a * b)
MUL_FAMILY(smlsl, s, (uint64_t)d - (uint64_t)((int64_t)a * b))
MUL_FAMILY(umlsl, , d - (uint64_t)a * b)

/* 2ab and sums with it, saturated to nb bits. p is the exact product. */
static inline int64_t qdbl(int64_t p, int nb, bool *qc)
{
	int64_t max = (int64_t)(~0ull >> (65 - nb));

	if (p <= max >> 1)
		return p * 2;
	*qc = true;
	return max;
}
static inline int64_t qsum(int64_t x, int64_t y, bool sub, int nb, bool *qc)
{
	int64_t max = (int64_t)(~0ull >> (65 - nb)), r;
	bool over = sub ? __builtin_sub_overflow(x, y, &r)
			: __builtin_add_overflow(x, y, &r);

	if (!over && r <= max && r >= -max - 1)
		return r;
	*qc = true;
	return x < 0 ? -max - 1 : max;
}
#define QPROD qdbl((int64_t)a * b, 2 * NB, &qc)
#define QMUL_FAMILY(n, expr) \
	ONL_HS(LONG, n, s, expr) \
	ONL_HS(LONG_ELEM, n##_e, s, expr) \
	ON1L_HS(LONG, n, s, expr) \
	ON1L_HS(LONG_ELEM, n##_e, s, expr) \
	DEC_SQ(n##_v, TL_HS(n)) \
	DEC_E_SQ(n##_e, TL_HS(n##_e)) \
	DEC_S(n##_s, T1L_HS(n)) \
	DEC_E_S(n##_es, T1L_HS(n##_e))
QMUL_FAMILY(sqdmull, QPROD)
QMUL_FAMILY(sqdmlal, qsum(d, QPROD, false, 2 * NB, &qc))
QMUL_FAMILY(sqdmlsl, qsum(d, QPROD, true, 2 * NB, &qc))

/* Polynomials over {0, 1}. */
#define PMUL_BIT(j) ((T)(a << (j)) & -(T)(b >> (j) & 1))
ONL_B(LONG, pmull, , PMUL_BIT(0) ^ PMUL_BIT(1) ^ PMUL_BIT(2) ^ PMUL_BIT(3) ^
		     PMUL_BIT(4) ^ PMUL_BIT(5) ^ PMUL_BIT(6) ^ PMUL_BIT(7))
DEC_Q(pmull_v, op_pmull_8h, op_pmull_8h2)

/* ---- narrowing -------------------------------------------------------------- */

#define DEC_NARROW(n, g, rg, expr) \
	ONL_BHS(NARROW, n, g, rg, expr) \
	DEC_SQ(n##_v, TL_BHS(n))
/* Those that wrap, on whole vectors. */
#define DEC_NARROW_VEC(n, expr) \
	ONL_BHS(NARROW_VEC, n, expr) \
	DEC_SQ(n##_v, TL_BHS(n))
DEC_NARROW_VEC(addhn, (a + b) >> NB)
DEC_NARROW_VEC(subhn, (a - b) >> NB)
DEC_NARROW_VEC(raddhn, (a + b + (1u << (NB - 1))) >> NB)
DEC_NARROW_VEC(rsubhn, (a - b + (1u << (NB - 1))) >> NB)
DEC_NARROW_VEC(xtn, a)

#define DEC_NARROW_1(n, g, rg, expr) \
	DEC_NARROW(n, g, rg, expr) \
	ON1_NARROW(n, g, rg, expr) \
	DEC_S(n##_s, T1_BHS(n))
#define UQMAX(v) ({ \
	wide v_ = (v); \
	qc |= v_ > (wide)umax; \
	v_ > (wide)umax ? (wide)umax : v_; })
DEC_NARROW_1(sqxtn, s, s, SSAT(a))
DEC_NARROW_1(uqxtn, , , UQMAX(a))
DEC_NARROW_1(sqxtun, s, , USAT(a))

/* Shifts right by 1..NB: immh:immb = 2 NB - k; NB of the narrow lane. */
static bool narrow_size(struct dec *d, unsigned *size)
{
	unsigned immh = bits(d->w, 22, 19);

	if (!immh || immh & 8)
		return false;
	simd_regs(d);
	*size = 31 - (unsigned)__builtin_clz(immh);
	d->r->imm = (int32_t)(16u << *size) - (int32_t)bits(d->w, 22, 16);
	return true;
}
/* Rounded: the last bit lost is added, so nothing overflows. */
#define RSHR ((a >> k) + (a >> (k - 1) & 1))
#define DEC_SHRN(n, ...) \
	ONL_BHS(__VA_ARGS__) \
op_fn *dec_##n##_v(struct dec *d) \
{ \
	static op_fn *const t[4][2] = { TL_BHS(n) }; \
	unsigned size; \
	return narrow_size(d, &size) ? t[size][simd_q(d)] : NULL; \
}
#define DEC_SHRN_1(n, g, rg, expr) \
	DEC_SHRN(n, NARROW, n, g, rg, expr) \
	ON1_NARROW(n, g, rg, expr) \
op_fn *dec_##n##_s(struct dec *d) \
{ \
	static op_fn *const t[4] = { T1_BHS(n) }; \
	unsigned size; \
	return narrow_size(d, &size) ? t[size] : NULL; \
}
DEC_SHRN(shrn, NARROW_VEC, shrn, a >> k)
DEC_SHRN(rshrn, NARROW_VEC, rshrn, RSHR)
DEC_SHRN_1(sqshrn, s, s, SSAT(a >> k))
DEC_SHRN_1(uqshrn, , , UQMAX(a >> k))
DEC_SHRN_1(sqshrun, s, , USAT(a >> k))
DEC_SHRN_1(sqrshrn, s, s, SSAT(RSHR))
DEC_SHRN_1(uqrshrn, , , UQMAX(RSHR))
DEC_SHRN_1(sqrshrun, s, , USAT(RSHR))

/* ---- widening shifts: by imm ------------------------------------------------ */

#define LONG_K(suf, off, nf, wf, cnt, nbits, W, n, g) \
OP(n##_##suf) \
{ \
	const int k = ip->imm; \
	vreg r; \
	for (int i = 0; i < (cnt); i++) { \
		const __typeof__(r.wf[0]) a = \
			(__typeof__(r.wf[0]))V(rn).g##nf[(off) + i]; \
		r.wf[i] = (__typeof__(r.wf[0]))(a << k); \
	} \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
/* SXTL, UXTL */
#define XTL(suf, off, nf, wf, cnt, nbits, W, n, g) \
OP(n##_##suf) \
{ \
	vreg r; \
	for (int i = 0; i < (cnt); i++) \
		r.wf[i] = (__typeof__(r.wf[0]))V(rn).g##nf[(off) + i]; \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
ONL_BHS(LONG_K, sshll, s)
ONL_BHS(LONG_K, ushll, )
ONL_BHS(XTL, sxtl, s)
ONL_BHS(XTL, uxtl, )

#define DEC_SHLL(n, ext) \
op_fn *dec_##n##_v(struct dec *d) \
{ \
	static op_fn *const t[2][4][2] = { { TL_BHS(n) }, { TL_BHS(ext) } }; \
	unsigned size; \
	if (!narrow_size(d, &size)) \
		return NULL; \
	d->r->imm = (int32_t)(8u << size) - d->r->imm; \
	return t[d->r->imm == 0][size][simd_q(d)]; \
}
DEC_SHLL(sshll, sxtl)
DEC_SHLL(ushll, uxtl)

op_fn *dec_shll_v(struct dec *d)
{
	static op_fn *const t[4][2] = { TL_BHS(ushll) };

	simd_regs(d);
	d->r->imm = (int32_t)(8u << simd_size(d));
	return t[simd_size(d)][simd_q(d)];
}

/* ---- dot products: four bytes of Rn with four of Rm, into a word ------------ */

#define DOT(suf, cnt, n, ga, gb, lane) \
OP(n##_##suf) \
{ \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) { \
		uint32_t sum = V(rd).s[i]; \
		for (int j = 0; j < 4; j++) \
			sum += (uint32_t)(V(rn).ga##b[4 * i + j] * \
					  V(rm).gb##b[4 * (lane) + j]); \
		r.s[i] = sum; \
	} \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
#define DOT_V(n, ga, gb) \
	DOT(2s, 2, n, ga, gb, i) \
	DOT(4s, 4, n, ga, gb, i) \
	DEC_Q(n##_v, op_##n##_2s, op_##n##_4s)
#define DOT_E(n, ga, gb) \
	DOT(2s, 2, n##_e, ga, gb, ip->ra) \
	DOT(4s, 4, n##_e, ga, gb, ip->ra) \
op_fn *dec_##n##_e(struct dec *d) \
{ \
	simd_regs(d); \
	simd_elem_s(d); \
	return simd_q(d) ? op_##n##_e_4s : op_##n##_e_2s; \
}
DOT_V(sdot, s, s)
DOT_V(udot, , )
DOT_V(usdot, , s)
DOT_E(sdot, s, s)
DOT_E(udot, , )
DOT_E(usdot, , s)
DOT_E(sudot, s, )

/* 2x8 by 8x2 bytes, into 2x2 words. */
#define MMLA(n, ga, gb) \
OP(n) \
{ \
	vreg r; \
	for (int i = 0; i < 4; i++) { \
		uint32_t sum = V(rd).s[i]; \
		for (int j = 0; j < 8; j++) \
			sum += (uint32_t)(V(rn).ga##b[8 * (i >> 1) + j] * \
					  V(rm).gb##b[8 * (i & 1) + j]); \
		r.s[i] = sum; \
	} \
	V(rd).vd = r.vd; \
	NEXT(1); \
} \
op_fn *dec_##n(struct dec *d) \
{ \
	simd_regs(d); \
	return op_##n; \
}
MMLA(smmla, s, s)
MMLA(ummla, , )
MMLA(usmmla, , s)
