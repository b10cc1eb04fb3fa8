/* ldst_pair.c: LDP, STP, LDPSW, LDNP, STNP, of both register files.
 * Arm ARM C4.1.94.14-17; spec/cpu.md 3.5, 3.9.
 *
 * A pair inside one page takes one probe and two accesses of the element
 * size. A fault changes no register and, for stores, no memory. Overlaps
 * (CONSTRAINED UNPREDICTABLE): the loaded value beats the writeback, the
 * second register the first. Records: rd Rt, rm Rt2, rn base, imm the
 * displacement, ra as in ldst.h but with the kinds below. */
#include "ldst_kinds.h"
#include "mmu_refill.h"

enum pair_kind {
	PK_stp_w, PK_stp_x, PK_ldp_w, PK_ldp_x, PK_ldp_sw,
	PK_stp_s, PK_stp_d, PK_stp_q, PK_ldp_s, PK_ldp_d, PK_ldp_q,
	PK_COUNT
};

/* ---- fast -------------------------------------------------------------- */

#define KINDS(F) \
	F(stp_w) F(stp_x) F(ldp_w) F(ldp_x) F(ldp_sw) \
	F(stp_s) F(stp_d) F(stp_q) F(ldp_s) F(ldp_d) F(ldp_q)

#define PAIR_OP(name, k, addr, bad, wb) \
OP_SHARED(name) { PAIR_DO(k, addr, bad, wb); NEXT(1); }
#define PAIR_BASE(k, p, base, bad) \
	PAIR_OP(k##_imm##p, k, base + LS_IMM, bad, LS_NOWB) \
	PAIR_OP(k##_pre##p, k, base + LS_IMM, bad, base = a) \
	PAIR_OP(k##_post##p, k, base, bad, base = a + LS_IMM)
#define PAIR_FORMS(k) \
	PAIR_BASE(k, , X(rn), 0) \
	PAIR_BASE(k, _sp, LS_SP, LS_SP & 15)
KINDS(PAIR_FORMS)

#define PAIR_ROW(k) \
	[PK_##k] = { { op_##k##_imm, op_##k##_pre, op_##k##_post }, \
		{ op_##k##_imm_sp, op_##k##_pre_sp, op_##k##_post_sp } },
static op_fn *const fast[PK_COUNT][2][3] = { KINDS(PAIR_ROW) };

/* ---- slow -------------------------------------------------------------- */

#define PAIR_SIZE(k) [PK_##k] = P_SIZE_##k,
static const uint8_t sizes[] = { KINDS(PAIR_SIZE) };

static bool is_store(unsigned k)
{
	return k <= PK_stp_x || (k >= PK_stp_s && k <= PK_stp_q);
}

static bool pair_store(struct cpu *c, const struct rec *ip, uint64_t a,
		       unsigned k)
{
	unsigned size = sizes[k];
	uint8_t b[32] __attribute__((aligned(16)));

	if (k < PK_stp_s) {
		memcpy(b, &X(rd), size);
		memcpy(b + size, &X(rm), size);
	} else {
		memcpy(b, &V(rd), size);
		memcpy(b + size, &V(rm), size);
	}
	if (size < 16)
		return mem_store(c, a, size * 2, MEM_PAIR, b);
	/* both halves may be written, or none is; an alignment fault
	 * (SCTLR.A, bit 1) comes before a translation fault */
	if (!(c->sr.sctlr & 2 && a & 15) && !ldst_can_write(c, a, 32))
		return false;
	return mem_store(c, a, 16, 0, b) && mem_store(c, a + 16, 16, 0, b + 16);
}

static bool pair_load(struct cpu *c, const struct rec *ip, uint64_t a,
		      unsigned k, v2u64 v[2])
{
	unsigned size = sizes[k];
	union { uint32_t w[8]; uint64_t x[4]; v2u64 v[2]; } b;

	if (size == 16) {
		if (!mem_load(c, a, 16, 0, &b.v[0]) ||
		    !mem_load(c, a + 16, 16, 0, &b.v[1]))
			return false;
		v[0] = b.v[0];
		v[1] = b.v[1];
		return true;
	}
	if (!mem_load(c, a, size * 2, MEM_PAIR, &b))
		return false;
	for (int i = 0; i < 2; i++)
		v[i] = v_zext(size == 8 ? b.x[i] : k == PK_ldp_sw ?
			      (uint64_t)(int32_t)b.w[i] : b.w[i]);
	return true;
}

static bool pair(struct cpu *c, const struct rec *ip)
{
	unsigned k = ip->ra & 31, form = ip->ra >> 5;
	uint64_t a = X(rn), wb = a + LS_IMM;
	v2u64 v[2];

	if (ip->rn == REG_SP && !ldst_sp_check(c))
		return false;
	if (form != LSF_POST)
		a = wb;
	if (is_store(k) ? !pair_store(c, ip, a, k) :
	    !pair_load(c, ip, a, k, v))
		return false;
	if (form != LSF_IMM)
		X(rn) = wb;
	if (is_store(k))
		return true;
	if (k < PK_stp_s) {
		X(rd) = v[0][0];
		X(rm) = v[1][0];
	} else {
		V(rd).vd = v[0];
		V(rm).vd = v[1];
	}
	return true;
}

OP(pair_slow)
{
	COUNT_NOW();
	if (!pair(c, ip))
		GO(raise);
	NEXT_DEVICE();
}

MISS_OPS(pair, TLB, pair_slow)

/* ---- decoding ---------------------------------------------------------- */

static op_fn *dec_pair(struct dec *d, unsigned k)
{
	/* 00 non-temporal (a hint), 01 post-index, 10 offset, 11 pre-index */
	static const uint8_t forms[] = { LSF_IMM, LSF_POST, LSF_IMM, LSF_PRE };
	unsigned form = forms[bits(d->w, 24, 23)];

	d->r->rn = slot_sp(d->rn);
	d->r->imm = (int32_t)sbits(d->w, 21, 15) * sizes[k];
	d->r->ra = LS_RA(k, form);
	if (d->ctx & CTX_ALIGN)
		return op_pair_slow;
	return fast[k][d->rn == REG_SP][form];
}

op_fn *dec_ldst_pair(struct dec *d)
{
	unsigned opc = bits(d->w, 31, 30);
	bool load = bits(d->w, 22, 22);
	unsigned k = opc == 1 ? PK_ldp_sw : load ?
		     opc ? PK_ldp_x : PK_ldp_w : opc ? PK_stp_x : PK_stp_w;

	d->r->rd = load ? slot_zd(d->rd) : slot_zr(d->rd);
	d->r->rm = load ? slot_zd(d->ra) : slot_zr(d->ra);
	return dec_pair(d, k);
}

op_fn *dec_ldst_pair_v(struct dec *d)
{
	unsigned opc = bits(d->w, 31, 30);

	if (opc == 3)
		return NULL;
	d->r->rd = d->rd;
	d->r->rm = d->ra;
	return dec_pair(d, (bits(d->w, 22, 22) ? PK_ldp_s : PK_stp_s) + opc);
}
