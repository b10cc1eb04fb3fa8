/* ldst_pair.c: LDP, STP, LDPSW, LDNP, STNP, of both register files.
 * Arm ARM C4.1.94.14-17; spec/cpu.md 3.5, 3.9.
 *
 * A pair inside one page takes one probe and two accesses of the element
 * size. A fault changes no register and, for stores, no memory. Overlaps
 * (CONSTRAINED UNPREDICTABLE): the loaded value beats the writeback, the
 * second register the first. Records: rd Rt, rm Rt2, rn base, imm the
 * displacement, ra as in ldst.h but with the kinds below. */
#include "ldst.h"
#include "mmu.h"

enum pair_kind {
	PK_stp_w, PK_stp_x, PK_ldp_w, PK_ldp_x, PK_ldp_sw,
	PK_stp_s, PK_stp_d, PK_stp_q, PK_ldp_s, PK_ldp_d, PK_ldp_q,
	PK_COUNT
};

OP_DECL(pair_slow);

/* ---- fast -------------------------------------------------------------- */

/* With FEAT_LSE2 a pair inside 16 aligned bytes is one single-copy atomic
 * access (Arm ARM B2.2.1), so it is one host access. What an STP wrote forwards
 * to loads of either half and of both. */
#define P_SIZE_stp_w 4
#define P_SIZE_stp_x 8
#define P_SIZE_ldp_w 4
#define P_SIZE_ldp_x 8
#define P_SIZE_ldp_sw 4
#define P_SIZE_stp_s 4
#define P_SIZE_stp_d 8
#define P_SIZE_stp_q 16
#define P_SIZE_ldp_s 4
#define P_SIZE_ldp_d 8
#define P_SIZE_ldp_q 16

#define P_TLB_stp_w TLB_W
#define P_TLB_stp_x TLB_W
#define P_TLB_ldp_w TLB_R
#define P_TLB_ldp_x TLB_R
#define P_TLB_ldp_sw TLB_R
#define P_TLB_stp_s TLB_W
#define P_TLB_stp_d TLB_W
#define P_TLB_stp_q TLB_W
#define P_TLB_ldp_s TLB_R
#define P_TLB_ldp_d TLB_R
#define P_TLB_ldp_q TLB_R

#define P_READ_stp_w host_w64(h, (uint32_t)X(rd) | X(rm) << 32)
#define P_READ_stp_x host_wv(h, (v2u64){ X(rd), X(rm) })
#define P_READ_ldp_w uint64_t v = host_r64(h)
#define P_READ_ldp_x v2u64 v = host_rv(h)
#define P_READ_ldp_sw uint64_t v = host_r64(h)
#define P_READ_stp_s host_w64(h, V(rd).s[0] | (uint64_t)V(rm).s[0] << 32)
#define P_READ_stp_d host_wv(h, (v2u64){ V(rd).d[0], V(rm).d[0] })
#define P_READ_stp_q host_wv(h, V(rd).vd); host_wv(h + 16, V(rm).vd)
#define P_READ_ldp_s uint64_t v = host_r64(h)
#define P_READ_ldp_d v2u64 v = host_rv(h)
#define P_READ_ldp_q v2u64 v0 = host_rv(h), v1 = host_rv(h + 16)

#define P_WRITE_stp_w ((void)0)
#define P_WRITE_stp_x ((void)0)
#define P_WRITE_ldp_w X(rd) = (uint32_t)v; X(rm) = v >> 32
#define P_WRITE_ldp_x X(rd) = v[0]; X(rm) = v[1]
#define P_WRITE_ldp_sw X(rd) = (uint64_t)(int32_t)v; \
	X(rm) = (uint64_t)((int64_t)v >> 32)
#define P_WRITE_stp_s ((void)0)
#define P_WRITE_stp_d ((void)0)
#define P_WRITE_stp_q ((void)0)
#define P_WRITE_ldp_s V(rd).vd = v_zext((uint32_t)v); \
	V(rm).vd = v_zext(v >> 32)
#define P_WRITE_ldp_d V(rd).vd = v_zext(v[0]); V(rm).vd = v_zext(v[1])
#define P_WRITE_ldp_q V(rd).vd = v0; V(rm).vd = v1

#define KINDS(F) \
	F(stp_w) F(stp_x) F(ldp_w) F(ldp_x) F(ldp_sw) \
	F(stp_s) F(stp_d) F(stp_q) F(ldp_s) F(ldp_d) F(ldp_q)

#define PAIR_OP(name, k, addr, bad, wb) \
OP(name) { \
	uint64_t a = (addr); \
	PROBE(P_TLB_##k, TLB, a, 2 * P_SIZE_##k, bad, pair_slow); \
	P_READ_##k; \
	wb; \
	P_WRITE_##k; \
	NEXT(1); \
}
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
