/* atomic_ord.c: LDAR, STLR, LDLAR, STLLR, LDAPR, LDAPUR, STLUR.
 * Arm ARM C3.2.7-9; spec/cpu.md 3.5.
 *
 * Aligned accesses to RAM; the rest is op_ldst_slow's (LSF_ORD). LDAR and STLR
 * are sequentially consistent among themselves: on x86 a plain load, and an
 * exchange. LDAPR is an acquire load. LDLAR and STLLR do the same as LDAR and
 * STLR, which order more. */
#include "ldst.h"

#define SEQ __ATOMIC_SEQ_CST
#define ACQ __ATOMIC_ACQUIRE

#define LOAD_OP(name, T, ord, conv) \
OP(name) { \
	uint64_t a = X(rn) + LS_IMM; \
	PROBE_ALIGNED(TLB_R, TLB, a, sizeof(T), 0, ldst_slow); \
	X(rd) = conv __atomic_load_n((T *)h, ord); \
	NEXT(1); \
}
#define STORE_OP(name, T, ord) \
OP(name) { \
	uint64_t a = X(rn) + LS_IMM; \
	PROBE_ALIGNED(TLB_W, TLB, a, sizeof(T), 0, ldst_slow); \
	__atomic_store_n((T *)h, (T)X(rd), ord); \
	NEXT(1); \
}
LOAD_OP(ldar_b, uint8_t, SEQ, )
LOAD_OP(ldar_h, uint16_t, SEQ, )
LOAD_OP(ldar_w, uint32_t, SEQ, )
LOAD_OP(ldar_x, uint64_t, SEQ, )
STORE_OP(stlr_b, uint8_t, SEQ)
STORE_OP(stlr_h, uint16_t, SEQ)
STORE_OP(stlr_w, uint32_t, SEQ)
STORE_OP(stlr_x, uint64_t, SEQ)
/* of a machine's only CPU: atomic.c says why */
STORE_OP(stlr_b_u, uint8_t, __ATOMIC_RELEASE)
STORE_OP(stlr_h_u, uint16_t, __ATOMIC_RELEASE)
STORE_OP(stlr_w_u, uint32_t, __ATOMIC_RELEASE)
STORE_OP(stlr_x_u, uint64_t, __ATOMIC_RELEASE)
LOAD_OP(ldapr_b, uint8_t, ACQ, )
LOAD_OP(ldapr_h, uint16_t, ACQ, )
LOAD_OP(ldapr_w, uint32_t, ACQ, )
LOAD_OP(ldapr_x, uint64_t, ACQ, )
LOAD_OP(ldaprs_bx, int8_t, ACQ, (uint64_t))
LOAD_OP(ldaprs_hx, int16_t, ACQ, (uint64_t))
LOAD_OP(ldaprs_wx, int32_t, ACQ, (uint64_t))
LOAD_OP(ldaprs_bw, int8_t, ACQ, (uint32_t))
LOAD_OP(ldaprs_hw, int16_t, ACQ, (uint32_t))

static op_fn *ordered(struct dec *d, enum ls_kind k, op_fn *h, int64_t imm)
{
	d->r->rd = k <= LSK_strx ? slot_zr(d->rd) : slot_zd(d->rd);
	d->r->rn = slot_sp(d->rn);
	d->r->imm = (int32_t)imm;
	d->r->ra = LS_RA(k, LSF_ORD);
	return d->ctx & CTX_ALIGN || d->rn == REG_SP ? op_ldst_slow : h;
}

op_fn *dec_ldar(struct dec *d)
{
	static op_fn *const t[4] = {
		op_ldar_b, op_ldar_h, op_ldar_w, op_ldar_x,
	};
	unsigned size = bits(d->w, 31, 30);

	return ordered(d, LSK_ldrb + size, t[size], 0);
}

/* [the only CPU][size] */
static op_fn *const stlr[2][4] = {
	{ op_stlr_b, op_stlr_h, op_stlr_w, op_stlr_x },
	{ op_stlr_b_u, op_stlr_h_u, op_stlr_w_u, op_stlr_x_u },
};

op_fn *dec_stlr(struct dec *d)
{
	unsigned size = bits(d->w, 31, 30);

	return ordered(d, LSK_strb + size, stlr[d->model->alone][size],
		       0);
}

static op_fn *const ldapr[4] = {
	op_ldapr_b, op_ldapr_h, op_ldapr_w, op_ldapr_x,
};

op_fn *dec_ldapr(struct dec *d)
{
	unsigned size = bits(d->w, 31, 30);

	return ordered(d, LSK_ldrb + size, ldapr[size], 0);
}

op_fn *dec_ldapur(struct dec *d)
{
	static op_fn *const sx[3] = {
		op_ldaprs_bx, op_ldaprs_hx, op_ldaprs_wx,
	};
	static op_fn *const sw[2] = { op_ldaprs_bw, op_ldaprs_hw };
	unsigned size = bits(d->w, 31, 30);
	int64_t imm = sbits(d->w, 20, 12);

	switch (bits(d->w, 23, 22)) {
	case 0:
		return ordered(d, LSK_strb + size,
			       stlr[d->model->alone][size], imm);
	case 1:
		return ordered(d, LSK_ldrb + size, ldapr[size], imm);
	case 2:
		return size > 2 ? NULL :
		       ordered(d, LSK_ldrsb_x + size, sx[size], imm);
	default:
		return size > 1 ? NULL :
		       ordered(d, LSK_ldrsb_w + size, sw[size], imm);
	}
}
