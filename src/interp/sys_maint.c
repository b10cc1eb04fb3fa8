/* sys_maint.c: the system instructions SYS: cache and TLB maintenance, address
 * translation, prediction restriction.
 *
 * Arm ARM C5.3 to C5.5; spec/cpu.md 2.3. */
#include "cache.h"
#include "decode.h"
#include "except.h"
#include "mmu.h"
#include "op.h"
#include "sysreg.h"

enum { SCTLR_EnRCTX = 1 << 10, SCTLR_DZE = 1 << 14, SCTLR_UCI = 1 << 26 };

/* ---- caches -------------------------------------------------------------- */

/* rd: slot of Xt; imm: the word, for syndromes. May EL0 do it? False: trapped
 * by EC 0x18. */
static bool el0_may(struct cpu *c, const struct rec *ip, uint64_t sctlr_bit)
{
	uint32_t w = (uint32_t)ip->imm;

	return c->el || c->sr.sctlr & sctlr_bit ||
	       sysreg_trap(c, w >> 5 & 0xffff, w & 31, false);
}

OP(ic_all)
{
	if (c->el == 0)
		GO(undef);
	cache_retire_all(c);
	GO(sync);
}

OP(ic_ivau)
{
	struct mmu_result res;

	if (!el0_may(c, ip, SCTLR_UCI) ||
	    !mmu_translate(c, X(rd), ACC_READ, MEM_CM, &res))
		GO(raise);
	if (res.host)
		cache_retire(c, res.pa);
	/* a page was retired: this one, perhaps */
	if (atomic_load(&c->req))
		GO(sync);
	NEXT(1);
}

/* Memory is always coherent: what is left is the translation. */
OP(dc_va)
{
	struct mmu_result res;

	if (!el0_may(c, ip, SCTLR_UCI) ||
	    !mmu_translate(c, X(rd), ACC_READ, MEM_CM, &res))
		GO(raise);
	NEXT(1);
}

OP(dc_ivac)
{
	struct mmu_result res;

	if (c->el == 0)
		GO(undef);
	if (!mmu_translate(c, X(rd), ACC_WRITE, MEM_CM, &res))
		GO(raise);
	NEXT(1);
}

OP(dc_sw)
{
	if (c->el == 0)
		GO(undef);
	NEXT(1);
}

/* CFP, DVP, CPP RCTX */
OP(rctx)
{
	if (!el0_may(c, ip, SCTLR_EnRCTX))
		GO(raise);
	NEXT(1);
}

#define ZVA_BYTES 64u           /* DCZID_EL0.BS = 4 */

static bool zero_block(struct cpu *c, uint64_t given)
{
	static const uint64_t zero[2];
	uint64_t va = given & ~(uint64_t)(ZVA_BYTES - 1);
	void *host;

	if (!mem_host(c, va, ZVA_BYTES, ACC_WRITE, MEM_ZVA, &host))
		goto fault;
	/* the store fills the inline TLB, so that the next block is quick */
	for (unsigned i = 0; i < ZVA_BYTES; i += 16) {
		if (!mem_store(c, va + i, 16, MEM_ZVA, zero))
			goto fault;
		if (host)
			break;
	}
	if (host)
		memset(host, 0, ZVA_BYTES);
	return true;
fault:
	c->exc.far = given;
	return false;
}

OP(dc_zva_slow)
{
	if (!el0_may(c, ip, SCTLR_DZE) || !zero_block(c, X(rd)))
		GO(raise);
	NEXT(1);
}

OP(dc_zva)
{
	uint64_t va = X(rd) & ~(uint64_t)(ZVA_BYTES - 1);
	struct tlbe *e = &TLB->w[va >> 12 & (TLB_SIZE - 1)];
	uint64_t off = va - e->va;

	if (UNLIKELY(off > REC_PAGE - ZVA_BYTES ||
		     (c->el == 0 && !(c->sr.sctlr & SCTLR_DZE))))
		GO(dc_zva_slow);
	memset((void *)(uintptr_t)(e->host + off), 0, ZVA_BYTES);
	NEXT(1);
}

/* ---- AT and TLBI --------------------------------------------------------- */

/* rm: bit 0 write, bit 1 as EL0, bit 2 with PAN */
OP(at)
{
	if (c->el == 0)
		GO(undef);
	if (!mmu_at(c, X(rd), ip->rm & 1, ip->rm & 2, ip->rm & 4))
		GO(raise);
	NEXT(1);
}

/* BaseADDR .. + (NUM + 1) << (5 * SCALE + 1) granules; everything where that
 * makes no sense. */
static void tlbi_range(struct tlbi *t, uint64_t x)
{
	static const uint8_t shifts[4] = { 0, 12, 14, 16 };
	unsigned shift = shifts[x >> 46 & 3], scale = x >> 44 & 3;
	uint64_t num = (x >> 39 & 31) + 1;

	t->va = (uint64_t)((int64_t)(x << 27) >> 27) << shift;
	if (!shift ||
	    __builtin_add_overflow(t->va, num << (5 * scale + 1 + shift),
				   &t->end))
		t->kind = TLBI_ALL;
}

enum { TLBI_OTHERS = 1, TLBI_LAST = 2 };

/* rm: enum tlbi_kind; ra: TLBI_*. What the operand names may stay in the
 * instruction stream until the ISB that the guest owes (op_isb). */
OP(tlbi)
{
	uint64_t x = X(rd);
	struct tlbi i = {
		.kind = ip->rm, .asid = (uint16_t)(x >> 48),
		.last = ip->ra & TLBI_LAST,
	};

	if (c->el == 0)
		GO(undef);
	if (i.kind == TLBI_RANGE || i.kind == TLBI_RANGEA) {
		tlbi_range(&i, x);
	} else {
		/* bits 43:0 are VA[55:12] */
		i.va = (uint64_t)((int64_t)(x << 20) >> 8);
		i.end = i.va + REC_PAGE;
	}
	mmu_tlbi(c, &i, ip->ra & TLBI_OTHERS);
	NEXT(1);
}

/* The TTL hint doesn't matter. */
static op_fn *dec_tlbi(struct dec *d, unsigned crm, unsigned op2)
{
	static const uint8_t kind[8] = {
		TLBI_ALL, TLBI_VA, TLBI_ASID, TLBI_VAA, 0, TLBI_VA, 0, TLBI_VAA,
	};
	const bool *has = d->model->has;
	bool range = crm == 2 || crm == 5 || crm == 6;

	switch (crm) {
	case 1: if (!has[FEAT_TLBIOS]) return NULL; break;
	case 2: case 5: case 6: if (!has[FEAT_TLBIRANGE]) return NULL; break;
	case 3: case 7: break;
	default: return NULL;
	}
	if (op2 == 4 || op2 == 6 || (range && !(op2 & 1)))
		return NULL;
	d->r->rm = kind[op2];
	if (range)
		d->r->rm = kind[op2] == TLBI_VA ? TLBI_RANGE : TLBI_RANGEA;
	d->r->ra = crm < 6 ? TLBI_OTHERS : 0;           /* 6, 7 are local */
	if (op2 & 4)
		d->r->ra |= TLBI_LAST;
	return op_tlbi;
}

op_fn *dec_sys(struct dec *d)
{
	const bool *has = d->model->has;
	unsigned op1 = bits(d->w, 18, 16), crn = bits(d->w, 15, 12),
		 crm = bits(d->w, 11, 8), op2 = bits(d->w, 7, 5);

	if (op1 == 0 && crn == 8)
		return dec_tlbi(d, crm, op2);
	switch (SYSREG(1, op1, crn, crm, op2)) {
	case SYSREG(1, 0, 7, 1, 0):                     /* IC IALLUIS */
	case SYSREG(1, 0, 7, 5, 0): return op_ic_all;   /* IC IALLU */
	case SYSREG(1, 3, 7, 5, 1): return op_ic_ivau;
	case SYSREG(1, 0, 7, 6, 1): return op_dc_ivac;
	case SYSREG(1, 0, 7, 6, 2):                     /* DC ISW */
	case SYSREG(1, 0, 7, 10, 2):                    /* DC CSW */
	case SYSREG(1, 0, 7, 14, 2): return op_dc_sw;   /* DC CISW */
	case SYSREG(1, 3, 7, 10, 1):                    /* DC CVAC */
	case SYSREG(1, 3, 7, 11, 1):                    /* DC CVAU */
	case SYSREG(1, 3, 7, 14, 1): return op_dc_va;   /* DC CIVAC */
	case SYSREG(1, 3, 7, 12, 1):                    /* DC CVAP */
		return has[FEAT_DPB] ? op_dc_va : NULL;
	case SYSREG(1, 3, 7, 13, 1):                    /* DC CVADP */
		return has[FEAT_DPB2] ? op_dc_va : NULL;
	case SYSREG(1, 3, 7, 4, 1):                     /* MMU off: faults */
		return d->ctx & CTX_ALIGN ? op_dc_zva_slow : op_dc_zva;
	case SYSREG(1, 0, 7, 8, 0): case SYSREG(1, 0, 7, 8, 1):
	case SYSREG(1, 0, 7, 8, 2): case SYSREG(1, 0, 7, 8, 3):
		d->r->rm = (uint8_t)op2;                /* AT S1E{1,0}{R,W} */
		return op_at;
	case SYSREG(1, 0, 7, 9, 0): case SYSREG(1, 0, 7, 9, 1):
		d->r->rm = (uint8_t)(op2 | 4);          /* AT S1E1{R,W}P */
		return has[FEAT_PAN2] ? op_at : NULL;
	case SYSREG(1, 3, 7, 3, 4): case SYSREG(1, 3, 7, 3, 5):
	case SYSREG(1, 3, 7, 3, 7):                     /* CFP, DVP, CPP */
		return has[FEAT_SPECRES] ? op_rctx : NULL;
	default: return NULL;
	}
}
