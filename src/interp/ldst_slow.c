/* ldst_slow.c: the loads and stores that the inline TLB does not serve.
 * Arm ARM C4.1.94; spec/cpu.md 3.5, 3.9. Register numbers come from the
 * record, kind and form from rec.ra (ldst.h). */
#include "except.h"
#include "ldst.h"
#include "mmu_refill.h"
#include "pauth.h"

struct kind {
	uint8_t size;
	bool store, simd;
	uint8_t sign;                   /* 32, 64: sign-extends to that */
};

static const struct kind kinds[LSK_COUNT] = {
	[LSK_strb] = { 1, true, false, 0 },
	[LSK_strh] = { 2, true, false, 0 },
	[LSK_strw] = { 4, true, false, 0 },
	[LSK_strx] = { 8, true, false, 0 },
	[LSK_ldrb] = { 1, false, false, 0 },
	[LSK_ldrh] = { 2, false, false, 0 },
	[LSK_ldrw] = { 4, false, false, 0 },
	[LSK_ldrx] = { 8, false, false, 0 },
	[LSK_ldrsb_x] = { 1, false, false, 64 },
	[LSK_ldrsh_x] = { 2, false, false, 64 },
	[LSK_ldrsw_x] = { 4, false, false, 64 },
	[LSK_ldrsb_w] = { 1, false, false, 32 },
	[LSK_ldrsh_w] = { 2, false, false, 32 },
	[LSK_str_b] = { 1, true, true, 0 },
	[LSK_str_h] = { 2, true, true, 0 },
	[LSK_str_s] = { 4, true, true, 0 },
	[LSK_str_d] = { 8, true, true, 0 },
	[LSK_str_q] = { 16, true, true, 0 },
	[LSK_ldr_b] = { 1, false, true, 0 },
	[LSK_ldr_h] = { 2, false, true, 0 },
	[LSK_ldr_s] = { 4, false, true, 0 },
	[LSK_ldr_d] = { 8, false, true, 0 },
	[LSK_ldr_q] = { 16, false, true, 0 },
};

bool ldst_sp_check(struct cpu *c)
{
	/* SCTLR_EL1.SA0 is bit 4, SA bit 3 */
	if (!(c->x[REG_SP] & 15) || !(c->sr.sctlr >> (c->el ? 3 : 4) & 1))
		return true;
	return exc_raise(c, ESR(0x26, 0));
}

bool ldst_can_write(struct cpu *c, uint64_t va, unsigned size)
{
	uint64_t last = va + size - 1;
	struct mmu_result r;

	if (!mmu_translate(c, va, ACC_WRITE, 0, &r))
		return false;
	return !((va ^ last) & ~(uint64_t)(REC_PAGE - 1)) ||
	       mmu_translate(c, last & ~(uint64_t)(REC_PAGE - 1), ACC_WRITE,
			     0, &r);
}

static uint64_t extend(const struct kind *k, uint64_t v)
{
	unsigned s = 64 - k->size * 8;

	if (!k->sign)
		return v;
	v = (uint64_t)((int64_t)(v << s) >> s);
	return k->sign == 32 ? (uint32_t)v : v;
}

static bool ldst(struct cpu *c, const struct rec *ip, uint64_t pc)
{
	const struct kind *k = &kinds[ip->ra & 31];
	unsigned form = ip->ra >> 5, flags = 0;
	uint64_t a = X(rn), wb = 0;
	union { uint64_t x; v2u64 v; } b = { .v = { 0, 0 } };

	if (ip->rn == REG_SP && !ldst_sp_check(c))
		return false;
	if (form == LSF_LIT)
		a = pc + LS_IMM;
	else if (form == LSF_REG)
		a += ldst_index(c, ip);
	else if (form == LSF_POST)
		wb = a + LS_IMM;
	else
		wb = a += LS_IMM;
	if (form == LSF_ORD)
		flags = MEM_ORDERED;
	if (form == LSF_UNPRIV && c->el && !(c->pstate & PS_UAO))
		flags = MEM_UNPRIV;

	if (k->store) {
		if (k->simd)
			b.v = V(rd).vd;
		else
			b.x = X(rd);
		if (form == LSF_ORD)
			atomic_thread_fence(memory_order_seq_cst);
		if (!mem_store(c, a, k->size, flags, &b))
			return false;
	} else if (!mem_load(c, a, k->size, flags, &b)) {
		return false;
	}
	if (form == LSF_ORD)
		atomic_thread_fence(memory_order_seq_cst);
	if (form == LSF_PRE || form == LSF_POST)
		X(rn) = wb;
	if (k->store)
		return true;
	if (k->simd)
		V(rd).vd = b.v;
	else
		X(rd) = extend(k, b.x);
	return true;
}

OP_GLOBAL(ldst_slow)
{
	COUNT_NOW();
	if (!ldst(c, ip, PC))
		GO(raise);
	NEXT_DEVICE();
}

MISS_OPS(ldst, TLB, ldst_slow)

/* ---- LDRAA, LDRAB ------------------------------------------------------- */

/* ra: the key in bits 6:0, writeback in bit 7. Base as modified by the
 * authentication; SP is checked after it, as in the manual. */
static bool ldra(struct cpu *c, const struct rec *ip)
{
	uint64_t a, v;

	if (!pauth_auth(c, ip->ra & 127, X(rn), 0, true, &a) ||
	    (ip->rn == REG_SP && !ldst_sp_check(c)))
		return false;
	a += LS_IMM;
	const struct tlbe *e = TLB_R(c->tlb, a);
	uint64_t o = a - e->va;

	/* only aligned: with the MMU off others fault, and pages are there */
	if (LIKELY(!(o & ~(uint64_t)(REC_PAGE - 8))))
		v = host_r64(e->host + o);
	else if (!mem_load(c, a, 8, 0, &v))
		return false;
	if (ip->ra & 128)
		X(rn) = a;
	X(rd) = v;
	return true;
}

OP(ldra)
{
	COUNT_NOW();
	if (!ldra(c, ip))
		GO(raise);
	NEXT_DEVICE();
}

op_fn *dec_ldra(struct dec *d)
{
	uint32_t s = bits(d->w, 22, 22), m = bits(d->w, 23, 23);
	uint32_t imm10 = s << 9 | bits(d->w, 20, 12);

	d->r->rd = slot_zd(d->rd);
	d->r->rn = slot_sp(d->rn);
	d->r->imm = (int32_t)sbits(imm10, 9, 0) * 8;
	d->r->ra = (uint8_t)((m ? PAUTH_DB : PAUTH_DA) |
			     bits(d->w, 11, 11) << 7);
	return op_ldra;
}
