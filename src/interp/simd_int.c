/* simd_int.c: integer arithmetic on vectors and scalars of the SIMD registers.
 * Arm DDI 0487 C7.2; rows in simd_int.def. Shifts are in simd_shift.c, what
 * widens or narrows in simd_long.c. */
#include "simd.h"

/* ---- three same -------------------------------------------------------- */

ON_BHSD_D(VEC, add, , a + b)
ON_BHSD_D(VEC, sub, , a - b)
ON_BHS(VEC, mul, , a * b)
ON_BHS(VEC, mla, , d + a * b)
ON_BHS(VEC, mls, , d - a * b)
DEC_SQ(add_v, T_BHSD(add))
DEC_S(add_s, T1_D(add))
DEC_SQ(sub_v, T_BHSD(sub))
DEC_S(sub_s, T1_D(sub))
DEC_SQ(mul_v, T_BHS(mul))
DEC_SQ(mla_v, T_BHS(mla))
DEC_SQ(mls_v, T_BHS(mls))

ON_B(VEC, and, , a & b)
ON_B(VEC, bic, , a & ~b)
ON_B(VEC, orr, , a | b)
ON_B(VEC, orn, , a | ~b)
ON_B(VEC, eor, , a ^ b)
ON_B(VEC, bsl, , b ^ ((a ^ b) & d))
ON_B(VEC, bit, , d ^ ((d ^ a) & b))
ON_B(VEC, bif, , d ^ ((d ^ a) & ~b))
ON_B(VEC, mov, , a)
DEC_Q(and_v, op_and_8b, op_and_16b)
DEC_Q(bic_v, op_bic_8b, op_bic_16b)
DEC_Q(orn_v, op_orn_8b, op_orn_16b)
DEC_Q(eor_v, op_eor_8b, op_eor_16b)
DEC_Q(bsl_v, op_bsl_8b, op_bsl_16b)
DEC_Q(bit_v, op_bit_8b, op_bit_16b)
DEC_Q(bif_v, op_bif_8b, op_bif_16b)
/* MOV Vd, Vn is ORR of a register with itself. */
op_fn *dec_orr_v(struct dec *d)
{
	simd_regs(d);
	if (d->rn == d->rm)
		return simd_q(d) ? op_mov_16b : op_mov_8b;
	return simd_q(d) ? op_orr_16b : op_orr_8b;
}

ON_BHSD_D(VEC, cmgt, s, a > b)
ON_BHSD_D(VEC, cmge, s, a >= b)
ON_BHSD_D(VEC, cmhi, , a > b)
ON_BHSD_D(VEC, cmhs, , a >= b)
ON_BHSD_D(VEC, cmeq, , a == b)
ON_BHSD_D(VEC, cmtst, , (a & b) != 0)
DEC_SQ(cmgt_v, T_BHSD(cmgt))
DEC_S(cmgt_s, T1_D(cmgt))
DEC_SQ(cmge_v, T_BHSD(cmge))
DEC_S(cmge_s, T1_D(cmge))
DEC_SQ(cmhi_v, T_BHSD(cmhi))
DEC_S(cmhi_s, T1_D(cmhi))
DEC_SQ(cmhs_v, T_BHSD(cmhs))
DEC_S(cmhs_s, T1_D(cmhs))
DEC_SQ(cmeq_v, T_BHSD(cmeq))
DEC_S(cmeq_s, T1_D(cmeq))
DEC_SQ(cmtst_v, T_BHSD(cmtst))
DEC_S(cmtst_s, T1_D(cmtst))

#define MAX(x, y) ((x) > (y) ? (x) : (y))
#define MIN(x, y) ((x) < (y) ? (x) : (y))
ON_BHS(LANES, smax, s, MAX(a, b))
ON_BHS(LANES, umax, , MAX(a, b))
ON_BHS(LANES, smin, s, MIN(a, b))
ON_BHS(LANES, umin, , MIN(a, b))
DEC_SQ(smax_v, T_BHS(smax))
DEC_SQ(umax_v, T_BHS(umax))
DEC_SQ(smin_v, T_BHS(smin))
DEC_SQ(umin_v, T_BHS(umin))

ON_BHS(LANES, shadd, s, ((wide)a + b) >> 1)
ON_BHS(LANES, uhadd, , ((wide)a + b) >> 1)
ON_BHS(LANES, srhadd, s, ((wide)a + b + 1) >> 1)
ON_BHS(LANES, urhadd, , ((wide)a + b + 1) >> 1)
ON_BHS(LANES, shsub, s, ((wide)a - b) >> 1)
ON_BHS(LANES, uhsub, , ((wide)a - b) >> 1)
DEC_SQ(shadd_v, T_BHS(shadd))
DEC_SQ(uhadd_v, T_BHS(uhadd))
DEC_SQ(srhadd_v, T_BHS(srhadd))
DEC_SQ(urhadd_v, T_BHS(urhadd))
DEC_SQ(shsub_v, T_BHS(shsub))
DEC_SQ(uhsub_v, T_BHS(uhsub))

#define ABD(x, y) ((x) > (y) ? (wide)(x) - (y) : (wide)(y) - (x))
ON_BHS(LANES, sabd, s, ABD(a, b))
ON_BHS(LANES, uabd, , ABD(a, b))
ON_BHS(LANES, saba, s, d + ABD(a, b))
ON_BHS(LANES, uaba, , d + ABD(a, b))
DEC_SQ(sabd_v, T_BHS(sabd))
DEC_SQ(uabd_v, T_BHS(uabd))
DEC_SQ(saba_v, T_BHS(saba))
DEC_SQ(uaba_v, T_BHS(uaba))

ON_ALL(LANES, sqadd, s, SSAT((wide)a + b))
ON_ALL(LANES, uqadd, , USAT((wide)a + b))
ON_ALL(LANES, sqsub, s, SSAT((wide)a - b))
ON_ALL(LANES, uqsub, , USAT((wide)a - b))
DEC_SQ(sqadd_v, T_BHSD(sqadd))
DEC_SQ(uqadd_v, T_BHSD(uqadd))
DEC_SQ(sqsub_v, T_BHSD(sqsub))
DEC_SQ(uqsub_v, T_BHSD(uqsub))
DEC_S(sqadd_s, T1_BHSD(sqadd))
DEC_S(uqadd_s, T1_BHSD(uqadd))
DEC_S(sqsub_s, T1_BHSD(sqsub))
DEC_S(uqsub_s, T1_BHSD(uqsub))

/* The high half of 2ab is ab >> (NB - 1); so no product overflows. */
#define MULH(x, y) ((wide)(x) * (y) >> (NB - 1))
#define RMULH(x, y) (((wide)(x) * (y) + ((wide)1 << (NB - 2))) >> (NB - 1))
#define RMLA(z, p) \
	(((wide)(z) * ((wide)1 << (NB - 1)) + (p) + ((wide)1 << (NB - 2))) >> \
	 (NB - 1))
#define MULH_FAMILY(n, expr) \
	ON_HS(LANES, n, s, SSAT(expr)) \
	ON1_HS(LANES, n, s, SSAT(expr)) \
	ON_HS(ELEM, n##_e, s, SSAT(expr)) \
	ON1_HS(ELEM, n##_e, s, SSAT(expr)) \
	DEC_SQ(n##_v, T_HS(n)) \
	DEC_S(n##_s, T1_HS(n)) \
	DEC_E_SQ(n##_e, T_HS(n##_e)) \
	DEC_E_S(n##_es, T1_HS(n##_e))
MULH_FAMILY(sqdmulh, MULH(a, b))
MULH_FAMILY(sqrdmulh, RMULH(a, b))
MULH_FAMILY(sqrdmlah, RMLA(d, (wide)a * b))
MULH_FAMILY(sqrdmlsh, RMLA(d, -((wide)a * b)))

/* Polynomials over {0, 1}, low half of the product. */
#define PMUL_BIT(j) ((a << (j)) & -(b >> (j) & 1))
ON_B(VEC, pmul, , PMUL_BIT(0) ^ PMUL_BIT(1) ^ PMUL_BIT(2) ^ PMUL_BIT(3) ^
		  PMUL_BIT(4) ^ PMUL_BIT(5) ^ PMUL_BIT(6) ^ PMUL_BIT(7))
DEC_Q(pmul_v, op_pmul_8b, op_pmul_16b)

ON_BHSD(PAIRS, addp, , (uint64_t)a + b)
ON_BHS(PAIRS, smaxp, s, MAX(a, b))
ON_BHS(PAIRS, umaxp, , MAX(a, b))
ON_BHS(PAIRS, sminp, s, MIN(a, b))
ON_BHS(PAIRS, uminp, , MIN(a, b))
DEC_SQ(addp_v, T_BHSD(addp))
DEC_SQ(smaxp_v, T_BHS(smaxp))
DEC_SQ(umaxp_v, T_BHS(umaxp))
DEC_SQ(sminp_v, T_BHS(sminp))
DEC_SQ(uminp_v, T_BHS(uminp))

OP(addp_d)
{
	V(rd).vd = (simd_u64x2){ V(rn).d[0] + V(rn).d[1], 0 };
	NEXT(1);
}
DEC_S(addp_s, T1_D(addp))

/* ---- by element --------------------------------------------------------- */

ON_HS(ELEM, mul_e, , (uint64_t)a * b)
ON_HS(ELEM, mla_e, , d + (uint64_t)a * b)
ON_HS(ELEM, mls_e, , d - (uint64_t)a * b)
DEC_E_SQ(mul_e, T_HS(mul_e))
DEC_E_SQ(mla_e, T_HS(mla_e))
DEC_E_SQ(mls_e, T_HS(mls_e))

/* ---- two registers ------------------------------------------------------ */

#define SHUF(...) __builtin_shufflevector(a, a, __VA_ARGS__)
ON_B(VEC, rev64, , SHUF(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8))
ON_H(VEC, rev64, , SHUF(3, 2, 1, 0, 7, 6, 5, 4))
ON_S(VEC, rev64, , SHUF(1, 0, 3, 2))
ON_B(VEC, rev32, , SHUF(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12))
ON_H(VEC, rev32, , SHUF(1, 0, 3, 2, 5, 4, 7, 6))
ON_H(VEC, rev16, , a << 8 | a >> 8)
DEC_SQ(rev64_v, T_BHS(rev64))
DEC_SQ(rev32_v, T_B(rev32), T_H(rev32), T_NONE, T_NONE)
DEC_Q(rev16_v, op_rev16_4h, op_rev16_8h)

/* Sums of neighbours, twice as wide. M(suffix, field, wide field, lanes, ...) */
#define ONP_BHS(M, ...) \
	M(8b, b, h, 4, __VA_ARGS__) M(16b, b, h, 8, __VA_ARGS__) \
	M(4h, h, s, 2, __VA_ARGS__) M(8h, h, s, 4, __VA_ARGS__) \
	M(2s, s, d, 1, __VA_ARGS__) M(4s, s, d, 2, __VA_ARGS__)
#define PAIRS_LONG(suf, f, wf, cnt, n, g, expr) \
OP(n##_##suf) \
{ \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) { \
		const __typeof__(r.g##wf[0]) a = V(rn).g##f[2 * i], \
			b = V(rn).g##f[2 * i + 1]; \
		const __typeof__(r.wf[0]) d = V(rd).wf[i]; \
		(void)d; \
		r.wf[i] = (__typeof__(r.wf[0]))(expr); \
	} \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
ONP_BHS(PAIRS_LONG, saddlp, s, a + b)
ONP_BHS(PAIRS_LONG, uaddlp, , a + b)
ONP_BHS(PAIRS_LONG, sadalp, s, d + (uint64_t)(a + b))
ONP_BHS(PAIRS_LONG, uadalp, , d + a + b)
DEC_SQ(saddlp_v, T_BHS(saddlp))
DEC_SQ(uaddlp_v, T_BHS(uaddlp))
DEC_SQ(sadalp_v, T_BHS(sadalp))
DEC_SQ(uadalp_v, T_BHS(uadalp))

/* Accumulate the other signedness: Rn into Rd. */
#define ACC_SAT(suf, f, cnt, W, nbits, n, g, og, sat) \
OP(n##_##suf) \
{ \
	SIMD_LANE_TYPES(W, nbits, g##f); \
	for (int i = 0; i < (cnt); i++) \
		r_.g##f[i] = sat((wide)V(rd).g##f[i] + V(rn).og##f[i]); \
	SIMD_LANES_END(); \
}
ON_ALL(ACC_SAT, suqadd, s, , SSAT)
ON_ALL(ACC_SAT, usqadd, , s, USAT)
DEC_SQ(suqadd_v, T_BHSD(suqadd))
DEC_S(suqadd_s, T1_BHSD(suqadd))
DEC_SQ(usqadd_v, T_BHSD(usqadd))
DEC_S(usqadd_s, T1_BHSD(usqadd))

ON_ALL(LANES, sqabs, s, SSAT(a < 0 ? -(wide)a : (wide)a))
ON_ALL(LANES, sqneg, s, SSAT(-(wide)a))
DEC_SQ(sqabs_v, T_BHSD(sqabs))
DEC_S(sqabs_s, T1_BHSD(sqabs))
DEC_SQ(sqneg_v, T_BHSD(sqneg))
DEC_S(sqneg_s, T1_BHSD(sqneg))

ON_BHSD_D(LANES, abs, s, a < 0 ? 0 - (uint64_t)a : (uint64_t)a)
ON_BHSD_D(VEC, neg, , -a)
ON_B(VEC, not, , ~a)
DEC_SQ(abs_v, T_BHSD(abs))
DEC_S(abs_s, T1_D(abs))
DEC_SQ(neg_v, T_BHSD(neg))
DEC_S(neg_s, T1_D(neg))
DEC_Q(not_v, op_not_8b, op_not_16b)

ON_BHSD_D(VEC, cmgtz, s, a > 0)
ON_BHSD_D(VEC, cmgez, s, a >= 0)
ON_BHSD_D(VEC, cmeqz, s, a == 0)
ON_BHSD_D(VEC, cmlez, s, a <= 0)
ON_BHSD_D(VEC, cmltz, s, a < 0)
DEC_SQ(cmgtz_v, T_BHSD(cmgtz))
DEC_S(cmgtz_s, T1_D(cmgtz))
DEC_SQ(cmgez_v, T_BHSD(cmgez))
DEC_S(cmgez_s, T1_D(cmgez))
DEC_SQ(cmeqz_v, T_BHSD(cmeqz))
DEC_S(cmeqz_s, T1_D(cmeqz))
DEC_SQ(cmlez_v, T_BHSD(cmlez))
DEC_S(cmlez_s, T1_D(cmlez))
DEC_SQ(cmltz_v, T_BHSD(cmltz))
DEC_S(cmltz_s, T1_D(cmltz))

static inline unsigned clz_bits(uint32_t v, unsigned n)
{
	return v ? (unsigned)__builtin_clz(v) - (32 - n) : n;
}
ON_BHS(LANES, clz, , clz_bits(a, NB))
ON_BHS(LANES, cls, s,
       clz_bits((uint32_t)(a ^ a >> (NB - 1)), NB) - 1)
DEC_SQ(clz_v, T_BHS(clz))
DEC_SQ(cls_v, T_BHS(cls))

#define VEC_B(n, body) \
OP(n##_8b) \
{ \
	__typeof__(V(rn).vb) a = V(rn).vb; \
	body \
	SIMD_OUT_LO(a); \
	NEXT(1); \
} \
OP(n##_16b) \
{ \
	__typeof__(V(rn).vb) a = V(rn).vb; \
	body \
	SIMD_OUT(a); \
	NEXT(1); \
}
VEC_B(cnt,
	a -= a >> 1 & 0x55;
	a = (a & 0x33) + (a >> 2 & 0x33);
	a = (a + (a >> 4)) & 0x0f;)
VEC_B(rbit,
	a = a >> 4 | a << 4;
	a = (a >> 2 & 0x33) | (a & 0x33) << 2;
	a = (a >> 1 & 0x55) | (a & 0x55) << 1;)
DEC_Q(cnt_v, op_cnt_8b, op_cnt_16b)
DEC_Q(rbit_v, op_rbit_8b, op_rbit_16b)

ON_S(LANES, urecpe, , softfp_urecpe(a))
ON_S(LANES, ursqrte, , softfp_ursqrte(a))
DEC_Q(urecpe_v, op_urecpe_2s, op_urecpe_4s)
DEC_Q(ursqrte_v, op_ursqrte_2s, op_ursqrte_4s)

/* ---- across lanes ------------------------------------------------------- */

/* M(suffix, field, wide field, lanes, ...) */
#define ONV(M, ...) \
	M(8b, b, h, 8, __VA_ARGS__) M(16b, b, h, 16, __VA_ARGS__) \
	M(4h, h, s, 4, __VA_ARGS__) M(8h, h, s, 8, __VA_ARGS__) \
	M(4s, s, d, 4, __VA_ARGS__)
#define TV(n) T_B(n), T_H(n), { NULL, op_##n##_4s }, T_NONE
#define ACROSS(suf, f, wf, cnt, n, g, expr) \
OP(n##_##suf) \
{ \
	__typeof__(V(rn).g##f[0]) b = V(rn).g##f[0]; \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 1; i < (cnt); i++) { \
		const __typeof__(b) a = V(rn).g##f[i]; \
		b = (__typeof__(b))(expr); \
	} \
	r.g##f[0] = b; \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
#define ACROSS_LONG(suf, f, wf, cnt, n, g) \
OP(n##_##suf) \
{ \
	int64_t sum = 0; \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) \
		sum += V(rn).g##f[i]; \
	r.wf[0] = (__typeof__(r.wf[0]))sum; \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
ONV(ACROSS, addv, , (uint32_t)a + b)
ONV(ACROSS, smaxv, s, MAX(a, b))
ONV(ACROSS, umaxv, , MAX(a, b))
ONV(ACROSS, sminv, s, MIN(a, b))
ONV(ACROSS, uminv, , MIN(a, b))
ONV(ACROSS_LONG, saddlv, s)
ONV(ACROSS_LONG, uaddlv, )
DEC_SQ(addv_v, TV(addv))
DEC_SQ(smaxv_v, TV(smaxv))
DEC_SQ(umaxv_v, TV(umaxv))
DEC_SQ(sminv_v, TV(sminv))
DEC_SQ(uminv_v, TV(uminv))
DEC_SQ(saddlv_v, TV(saddlv))
DEC_SQ(uaddlv_v, TV(uaddlv))
