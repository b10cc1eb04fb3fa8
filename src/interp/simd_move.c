/* simd_move.c: lanes from place to place: DUP, INS, SMOV, UMOV, permutations,
 * EXT, TBL, immediates. Arm DDI 0487 C7.2; rows in simd_move.def. */
#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- DUP, INS, SMOV, UMOV ----------------------------------------------- */

/* imm5 is the lane's number, a one, and zeros as many as the lane's size. */
static bool lane_of(struct dec *d, unsigned *size, uint8_t *lane)
{
	unsigned imm5 = bits(d->w, 20, 16);

	if (!(imm5 & 15))
		return false;
	*size = (unsigned)__builtin_ctz(imm5);
	*lane = (uint8_t)(imm5 >> (*size + 1));
	return true;
}

#define DUP_E(suf, f, cnt, W, nbits, n) \
OP(n##_##suf) \
{ \
	const __typeof__(V(rd).f[0]) e = V(rn).f[ip->ra]; \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) \
		r.f[i] = e; \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
#define DUP_R(suf, f, cnt, W, nbits, n) \
OP(n##_##suf) \
{ \
	const __typeof__(V(rd).f[0]) e = (__typeof__(V(rd).f[0]))X(rn); \
	vreg r = { .d = { 0, 0 } }; \
	for (int i = 0; i < (cnt); i++) \
		r.f[i] = e; \
	V(rd).vd = r.vd; \
	NEXT(1); \
}
ON_ALL(DUP_E, dup_e)
ON_BHSD(DUP_R, dup_r)

op_fn *dec_dup_ev(struct dec *d)
{
	static op_fn *const t[4][2] = { T_BHSD(dup_e) };
	unsigned size;

	simd_regs(d);
	return lane_of(d, &size, &d->r->ra) ? t[size][simd_q(d)] : NULL;
}
op_fn *dec_dup_es(struct dec *d)
{
	static op_fn *const t[4] = { T1_BHSD(dup_e) };
	unsigned size;

	simd_regs(d);
	return lane_of(d, &size, &d->r->ra) ? t[size] : NULL;
}
op_fn *dec_dup_r(struct dec *d)
{
	static op_fn *const t[4][2] = { T_BHSD(dup_r) };
	unsigned size;

	simd_regs(d);
	d->r->rn = slot_zr(d->rn);
	return lane_of(d, &size, &d->r->ra) ? t[size][simd_q(d)] : NULL;
}

OP(smov_w_b) { SET_W(rd, V(rn).sb[ip->ra]); NEXT(1); }
OP(smov_w_h) { SET_W(rd, V(rn).sh[ip->ra]); NEXT(1); }
OP(smov_x_b) { X(rd) = (uint64_t)V(rn).sb[ip->ra]; NEXT(1); }
OP(smov_x_h) { X(rd) = (uint64_t)V(rn).sh[ip->ra]; NEXT(1); }
OP(smov_x_s) { X(rd) = (uint64_t)V(rn).ss[ip->ra]; NEXT(1); }
OP(umov_b) { X(rd) = V(rn).b[ip->ra]; NEXT(1); }
OP(umov_h) { X(rd) = V(rn).h[ip->ra]; NEXT(1); }
OP(umov_s) { X(rd) = V(rn).s[ip->ra]; NEXT(1); }
OP(umov_d) { X(rd) = V(rn).d[ip->ra]; NEXT(1); }

op_fn *dec_smov(struct dec *d)
{
	static op_fn *const t[4][2] = {
		{ op_smov_w_b, op_smov_x_b }, { op_smov_w_h, op_smov_x_h },
		{ NULL, op_smov_x_s }, T_NONE,
	};
	unsigned size;

	simd_regs(d);
	d->r->rd = slot_zd(d->rd);
	return lane_of(d, &size, &d->r->ra) ? t[size][simd_q(d)] : NULL;
}
op_fn *dec_umov(struct dec *d)
{
	static op_fn *const t[4][2] = {
		{ op_umov_b, NULL }, { op_umov_h, NULL },
		{ op_umov_s, NULL }, { NULL, op_umov_d },
	};
	unsigned size;

	simd_regs(d);
	d->r->rd = slot_zd(d->rd);
	return lane_of(d, &size, &d->r->ra) ? t[size][simd_q(d)] : NULL;
}

/* Inserts keep the other lanes. The D forms write all 16 bytes (SIMD_OUT). */
OP(ins_r_b) { V(rd).b[ip->ra] = (uint8_t)X(rn); NEXT(1); }
OP(ins_r_h) { V(rd).h[ip->ra] = (uint16_t)X(rn); NEXT(1); }
OP(ins_r_s) { V(rd).s[ip->ra] = (uint32_t)X(rn); NEXT(1); }
OP(ins_r_d0) { SIMD_OUT(((simd_u64x2){ X(rn), V(rd).d[1] })); NEXT(1); }
OP(ins_r_d1) { SIMD_OUT(((simd_u64x2){ V(rd).d[0], X(rn) })); NEXT(1); }
OP(ins_e_b) { V(rd).b[ip->ra] = V(rn).b[ip->rm]; NEXT(1); }
OP(ins_e_h) { V(rd).h[ip->ra] = V(rn).h[ip->rm]; NEXT(1); }
OP(ins_e_s) { V(rd).s[ip->ra] = V(rn).s[ip->rm]; NEXT(1); }
OP(ins_e_d0)
{
	SIMD_OUT(((simd_u64x2){ V(rn).d[ip->rm], V(rd).d[1] }));
	NEXT(1);
}
OP(ins_e_d1)
{
	SIMD_OUT(((simd_u64x2){ V(rd).d[0], V(rn).d[ip->rm] }));
	NEXT(1);
}

op_fn *dec_ins_r(struct dec *d)
{
	static op_fn *const t[3] = { op_ins_r_b, op_ins_r_h, op_ins_r_s };
	unsigned size;

	simd_regs(d);
	d->r->rn = slot_zr(d->rn);
	if (!lane_of(d, &size, &d->r->ra))
		return NULL;
	if (size == 3)
		return d->r->ra ? op_ins_r_d1 : op_ins_r_d0;
	return t[size];
}
op_fn *dec_ins_e(struct dec *d)
{
	static op_fn *const t[3] = { op_ins_e_b, op_ins_e_h, op_ins_e_s };
	unsigned size;

	simd_regs(d);
	if (!lane_of(d, &size, &d->r->ra))
		return NULL;
	d->r->rm = (uint8_t)(bits(d->w, 14, 11) >> size);
	if (size == 3)
		return d->r->ra ? op_ins_e_d1 : op_ins_e_d0;
	return t[size];
}

/* ---- ZIP, UZP, TRN ------------------------------------------------------ */

#define SHUF(...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define SHUF_OP(suf, f, OUT, n, ...) \
OP(n##_##suf) \
{ \
	const __typeof__(V(rn).f) a = V(rn).f, b = V(rm).f; \
	OUT(SHUF(__VA_ARGS__)); \
	NEXT(1); \
}
SHUF_OP(16b, vb, SIMD_OUT, zip1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
	22, 7, 23)
SHUF_OP(16b, vb, SIMD_OUT, zip2, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
	14, 30, 15, 31)
SHUF_OP(16b, vb, SIMD_OUT, uzp1, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24,
	26, 28, 30)
SHUF_OP(16b, vb, SIMD_OUT, uzp2, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25,
	27, 29, 31)
SHUF_OP(16b, vb, SIMD_OUT, trn1, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12,
	28, 14, 30)
SHUF_OP(16b, vb, SIMD_OUT, trn2, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13,
	29, 15, 31)
SHUF_OP(8h, vh, SIMD_OUT, zip1, 0, 8, 1, 9, 2, 10, 3, 11)
SHUF_OP(8h, vh, SIMD_OUT, zip2, 4, 12, 5, 13, 6, 14, 7, 15)
SHUF_OP(8h, vh, SIMD_OUT, uzp1, 0, 2, 4, 6, 8, 10, 12, 14)
SHUF_OP(8h, vh, SIMD_OUT, uzp2, 1, 3, 5, 7, 9, 11, 13, 15)
SHUF_OP(8h, vh, SIMD_OUT, trn1, 0, 8, 2, 10, 4, 12, 6, 14)
SHUF_OP(8h, vh, SIMD_OUT, trn2, 1, 9, 3, 11, 5, 13, 7, 15)
SHUF_OP(4s, vs, SIMD_OUT, zip1, 0, 4, 1, 5)
SHUF_OP(4s, vs, SIMD_OUT, zip2, 2, 6, 3, 7)
SHUF_OP(4s, vs, SIMD_OUT, uzp1, 0, 2, 4, 6)
SHUF_OP(4s, vs, SIMD_OUT, uzp2, 1, 3, 5, 7)
SHUF_OP(4s, vs, SIMD_OUT, trn1, 0, 4, 2, 6)
SHUF_OP(4s, vs, SIMD_OUT, trn2, 1, 5, 3, 7)
SHUF_OP(2d, vd, SIMD_OUT, zip1, 0, 2)
SHUF_OP(2d, vd, SIMD_OUT, zip2, 1, 3)
/* Q = 0: the upper lanes of the shuffles do not matter. */
SHUF_OP(8b, vb, SIMD_OUT_LO, zip1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,
	22, 7, 23)
SHUF_OP(8b, vb, SIMD_OUT_LO, zip2, 4, 20, 5, 21, 6, 22, 7, 23, 0, 0, 0, 0, 0,
	0, 0, 0)
SHUF_OP(8b, vb, SIMD_OUT_LO, uzp1, 0, 2, 4, 6, 16, 18, 20, 22, 0, 0, 0, 0, 0,
	0, 0, 0)
SHUF_OP(8b, vb, SIMD_OUT_LO, uzp2, 1, 3, 5, 7, 17, 19, 21, 23, 0, 0, 0, 0, 0,
	0, 0, 0)
SHUF_OP(8b, vb, SIMD_OUT_LO, trn1, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26,
	12, 28, 14, 30)
SHUF_OP(8b, vb, SIMD_OUT_LO, trn2, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27,
	13, 29, 15, 31)
SHUF_OP(4h, vh, SIMD_OUT_LO, zip1, 0, 8, 1, 9, 2, 10, 3, 11)
SHUF_OP(4h, vh, SIMD_OUT_LO, zip2, 2, 10, 3, 11, 0, 0, 0, 0)
SHUF_OP(4h, vh, SIMD_OUT_LO, uzp1, 0, 2, 8, 10, 0, 0, 0, 0)
SHUF_OP(4h, vh, SIMD_OUT_LO, uzp2, 1, 3, 9, 11, 0, 0, 0, 0)
SHUF_OP(4h, vh, SIMD_OUT_LO, trn1, 0, 8, 2, 10, 4, 12, 6, 14)
SHUF_OP(4h, vh, SIMD_OUT_LO, trn2, 1, 9, 3, 11, 5, 13, 7, 15)
/* Of pairs, the three are one: first lanes, second lanes. */
SHUF_OP(2s, vs, SIMD_OUT_LO, zip1, 0, 4, 1, 5)
SHUF_OP(2s, vs, SIMD_OUT_LO, zip2, 1, 5, 0, 0)

#define T_PERM(n, pair) T_B(n), T_H(n), { op_##pair##_2s, op_##n##_4s }, \
	{ NULL, op_##pair##_2d }
DEC_SQ(zip1, T_PERM(zip1, zip1))
DEC_SQ(zip2, T_PERM(zip2, zip2))
DEC_SQ(uzp1, T_PERM(uzp1, zip1))
DEC_SQ(uzp2, T_PERM(uzp2, zip2))
DEC_SQ(trn1, T_PERM(trn1, zip1))
DEC_SQ(trn2, T_PERM(trn2, zip2))

/* ---- EXT ---------------------------------------------------------------- */

OP(ext_8b)
{
	/* imm is 8 times 0..7 */
	unsigned __int128 v = (unsigned __int128)V(rm).d[0] << 64 | V(rn).d[0];

	SIMD_OUT(((simd_u64x2){ (uint64_t)(v >> ip->imm), 0 }));
	NEXT(1);
}
OP(ext_16b)
{
	uint8_t v[32];
	simd_u64x2 r;

	memcpy(v, &V(rn), 16);
	memcpy(v + 16, &V(rm), 16);
	memcpy(&r, v + ip->imm, 16);
	SIMD_OUT(r);
	NEXT(1);
}
/* The common one: halves from both. */
OP(ext_16b_8)
{
	SIMD_OUT(((simd_u64x2){ V(rn).d[1], V(rm).d[0] }));
	NEXT(1);
}
op_fn *dec_ext(struct dec *d)
{
	unsigned i = bits(d->w, 14, 11);

	simd_regs(d);
	if (simd_q(d)) {
		d->r->imm = (int32_t)i;
		return i == 8 ? op_ext_16b_8 : op_ext_16b;
	}
	d->r->imm = (int32_t)i * 8;
	return i < 8 ? op_ext_8b : NULL;
}

/* ---- TBL, TBX ----------------------------------------------------------- */

/* imm: table registers, from Rn on, wrapping after V31. TBL into ra = 0. */
#define TBL_BODY(cnt, keep) \
	const unsigned n = (unsigned)ip->imm * 16; \
	const vreg idx = V(rm); \
	vreg tab[4], r = { .d = { 0, 0 } }; \
	for (int i = 0; i < ip->imm; i++) \
		tab[i] = c->v[(ip->rn + i) & 31]; \
	for (int i = 0; i < (cnt); i++) { \
		unsigned k = idx.b[i]; \
		r.b[i] = k < n ? tab[k >> 4].b[k & 15] \
			       : (keep) ? V(rd).b[i] : 0; \
	} \
	V(rd).vd = r.vd; \
	NEXT(1)
OP(tbl_8b) { TBL_BODY(8, false); }
OP(tbl_16b) { TBL_BODY(16, false); }
OP(tbx_8b) { TBL_BODY(8, true); }
OP(tbx_16b) { TBL_BODY(16, true); }

#if defined(__x86_64__)
/* PSHUFB gives 0 for an index with bit 7; indexes past the register get it by
 * a saturating addition. */
#define SSSE3 __attribute__((target("ssse3")))
#define TBL_PART(k) \
	_mm_shuffle_epi8((__m128i)c->v[(ip->rn + (k)) & 31].vd, \
			 _mm_adds_epu8(_mm_sub_epi8(idx, \
						    _mm_set1_epi8(16 * (k))), \
				       _mm_set1_epi8(0x70)))
#define TBL_SSSE3(regs, expr) \
SSSE3 OP(tbl##regs##_16b_ssse3) \
{ \
	const __m128i idx = (__m128i)V(rm).vd; \
	SIMD_OUT(expr); \
	NEXT(1); \
} \
SSSE3 OP(tbl##regs##_8b_ssse3) \
{ \
	const __m128i idx = (__m128i)V(rm).vd; \
	SIMD_OUT_LO(expr); \
	NEXT(1); \
} \
SSSE3 OP(tbx##regs##_16b_ssse3) \
{ \
	const __m128i idx = (__m128i)V(rm).vd; \
	const __m128i in = _mm_cmpeq_epi8( \
		_mm_min_epu8(idx, _mm_set1_epi8(16 * regs - 1)), idx); \
	SIMD_OUT(_mm_or_si128(expr, \
			      _mm_andnot_si128(in, (__m128i)V(rd).vd))); \
	NEXT(1); \
}
TBL_SSSE3(1, TBL_PART(0))
TBL_SSSE3(2, TBL_PART(0) | TBL_PART(1))
TBL_SSSE3(3, TBL_PART(0) | TBL_PART(1) | TBL_PART(2))
TBL_SSSE3(4, TBL_PART(0) | TBL_PART(1) | TBL_PART(2) | TBL_PART(3))

static op_fn *tbl_host(const struct dec *d, bool keep)
{
	static op_fn *const t[4][3] = {
		{ op_tbl1_8b_ssse3, op_tbl1_16b_ssse3, op_tbx1_16b_ssse3 },
		{ op_tbl2_8b_ssse3, op_tbl2_16b_ssse3, op_tbx2_16b_ssse3 },
		{ op_tbl3_8b_ssse3, op_tbl3_16b_ssse3, op_tbx3_16b_ssse3 },
		{ op_tbl4_8b_ssse3, op_tbl4_16b_ssse3, op_tbx4_16b_ssse3 },
	};

	if (!__builtin_cpu_supports("ssse3"))
		return NULL;
	if (keep)
		return simd_q(d) ? t[d->r->imm - 1][2] : NULL;
	return t[d->r->imm - 1][simd_q(d)];
}
#else
static op_fn *tbl_host(const struct dec *d, bool keep)
{
	(void)d;
	(void)keep;
	return NULL;
}
#endif

op_fn *dec_tbl(struct dec *d)
{
	simd_regs(d);
	d->r->imm = (int32_t)bits(d->w, 14, 13) + 1;
	op_fn *h = tbl_host(d, false);

	return h ? h : simd_q(d) ? op_tbl_16b : op_tbl_8b;
}
op_fn *dec_tbx(struct dec *d)
{
	simd_regs(d);
	d->r->imm = (int32_t)bits(d->w, 14, 13) + 1;
	op_fn *h = tbl_host(d, true);

	return h ? h : simd_q(d) ? op_tbx_16b : op_tbx_8b;
}

/* ---- immediates: imm is the pattern of 32 bits ---------------------------- */

#define ON_Q(M, ...) M(64, __VA_ARGS__) M(128, __VA_ARGS__)
#define IMM_OP(nbits, n, expr) \
OP(n##_##nbits) \
{ \
	const uint64_t k = (uint64_t)(uint32_t)ip->imm << 32 | \
			   (uint32_t)ip->imm; \
	const simd_u64x2 i = { k, nbits == 128 ? k : 0 }, d = V(rd).vd; \
	(void)d; \
	SIMD_OUT_BITS(nbits, expr); \
	NEXT(1); \
}
ON_Q(IMM_OP, movi, i)
ON_Q(IMM_OP, orri, d | i)
ON_Q(IMM_OP, bici, d & ~i)

/* A byte of ones for each bit of imm. */
#define MOVI_D_OP(nbits, n) \
OP(n##_##nbits) \
{ \
	uint64_t k = (uint64_t)ip->imm * 0x0101010101010101; \
	k = (k & 0x8040201008040201) + 0x7f7f7f7f7f7f7f7f; \
	k = (k >> 7 & 0x0101010101010101) * 0xff; \
	SIMD_OUT(((simd_u64x2){ k, nbits == 128 ? k : 0 })); \
	NEXT(1); \
}
ON_Q(MOVI_D_OP, movid)
/* imm is the upper half of a double */
OP(fmovi_2d)
{
	const uint64_t k = (uint64_t)(uint32_t)ip->imm << 32;

	SIMD_OUT(((simd_u64x2){ k, k }));
	NEXT(1);
}

static uint32_t imm8(const struct dec *d)
{
	return bits(d->w, 18, 16) << 5 | bits(d->w, 9, 5);
}
static op_fn *with_imm(struct dec *d, uint32_t imm, op_fn *q0, op_fn *q1)
{
	simd_regs(d);
	d->r->imm = (int32_t)imm;
	return simd_q(d) ? q1 : q0;
}
static uint32_t imm_s(const struct dec *d)
{
	return imm8(d) << 8 * bits(d->w, 14, 13);
}
static uint32_t imm_h(const struct dec *d)
{
	return (imm8(d) << 8 * bits(d->w, 13, 13)) * 0x10001;
}
static uint32_t imm_msl(const struct dec *d)
{
	return bits(d->w, 12, 12) ? imm8(d) << 16 | 0xffff : imm8(d) << 8 | 0xff;
}
/* VFPExpandImm: sign, exponent of ebits from a bit and two more, fraction. */
static uint32_t imm_fp(const struct dec *d, unsigned nbits, unsigned ebits)
{
	uint32_t i = imm8(d), b = i >> 6 & 1;
	uint32_t exp = (b ^ 1) << (ebits - 1) |
		       (b ? (1u << (ebits - 3)) - 1 : 0) << 2 | (i >> 4 & 3);

	return i >> 7 << (nbits - 1) | exp << (nbits - 1 - ebits) |
	       (i & 15) << (nbits - 5 - ebits);
}

op_fn *dec_movi_s(struct dec *d)
{
	return with_imm(d, imm_s(d), op_movi_64, op_movi_128);
}
op_fn *dec_mvni_s(struct dec *d)
{
	return with_imm(d, ~imm_s(d), op_movi_64, op_movi_128);
}
op_fn *dec_orr_i_s(struct dec *d)
{
	return with_imm(d, imm_s(d), op_orri_64, op_orri_128);
}
op_fn *dec_bic_i_s(struct dec *d)
{
	return with_imm(d, imm_s(d), op_bici_64, op_bici_128);
}
op_fn *dec_movi_h(struct dec *d)
{
	return with_imm(d, imm_h(d), op_movi_64, op_movi_128);
}
op_fn *dec_mvni_h(struct dec *d)
{
	return with_imm(d, ~imm_h(d), op_movi_64, op_movi_128);
}
op_fn *dec_orr_i_h(struct dec *d)
{
	return with_imm(d, imm_h(d), op_orri_64, op_orri_128);
}
op_fn *dec_bic_i_h(struct dec *d)
{
	return with_imm(d, imm_h(d), op_bici_64, op_bici_128);
}
op_fn *dec_movi_msl(struct dec *d)
{
	return with_imm(d, imm_msl(d), op_movi_64, op_movi_128);
}
op_fn *dec_mvni_msl(struct dec *d)
{
	return with_imm(d, ~imm_msl(d), op_movi_64, op_movi_128);
}
op_fn *dec_movi_b(struct dec *d)
{
	return with_imm(d, imm8(d) * 0x01010101, op_movi_64, op_movi_128);
}
op_fn *dec_movi_d(struct dec *d)
{
	return with_imm(d, imm8(d), op_movid_64, op_movid_128);
}
op_fn *dec_fmov_i_s(struct dec *d)
{
	return with_imm(d, imm_fp(d, 32, 8), op_movi_64, op_movi_128);
}
op_fn *dec_fmov_i_h(struct dec *d)
{
	return with_imm(d, imm_fp(d, 16, 5) * 0x10001, op_movi_64, op_movi_128);
}
op_fn *dec_fmov_i_d(struct dec *d)
{
	return with_imm(d, imm_fp(d, 32, 11), NULL, op_fmovi_2d);
}
