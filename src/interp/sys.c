/* sys.c: the system class: exception-generating instructions, ERET, hints,
 * barriers, PSTATE and system registers; sys_maint.c has the instructions SYS.
 *
 * Arm ARM C4.1.94, D1; spec/cpu.md 2 and 4. HLT, DCPS, DRPS and SMC are UNDEF:
 * there is no halting debug and no EL3. What a record's operands mean is said
 * at each handler; rm is mostly the raw register number for a syndrome. */
#include <sched.h>

#include "decode.h"
#include "except.h"
#include "mmu.h"
#include "op.h"
#include "pauth.h"
#include "psci.h"
#include "sysreg.h"
#include "timer.h"

enum {
	SCTLR_UMA = 1 << 9, SCTLR_nTWI = 1 << 16, SCTLR_nTWE = 1 << 18,
};

/* The instruction's own encoding as sysreg.h numbers it. */
static unsigned enc_of(uint32_t w)
{
	return w >> 5 & 0xffff;
}

/* ---- exceptions ---------------------------------------------------------- */

op_fn *dec_udf(struct dec *d)
{
	return op_undef;
}

/* imm: the ISS */
OP(svc)
{
	exc_raise(c, ESR(0x15, ip->imm));
	c->exc.ret = PC + 4;
	c->exc.ret_set = true;
	GO(raise);
}

op_fn *dec_svc(struct dec *d)
{
	d->r->imm = (int32_t)bits(d->w, 20, 5);
	return op_svc;
}

OP(brk)
{
	exc_raise(c, ESR(0x3c, ip->imm));
	GO(raise);
}

op_fn *dec_brk(struct dec *d)
{
	d->r->imm = (int32_t)bits(d->w, 20, 5);
	return op_brk;
}

OP(hvc)
{
	if (c->el == 0)
		GO(undef);
	c->pc = PC;
	COUNT_NOW();
	FLAGS_OUT();
	switch (psci_hvc(c)) {
	case PSCI_NEXT:
		break;
	case PSCI_AGAIN:                /* op_sync goes on at PC + 4 */
		c->pcbase -= 4;
		c->icount--;
		break;
	case PSCI_ENTER:
		c->pcbase += c->pc - 4 - PC;
		break;
	}
	FLAGS_IN();
	VIEW_CHANGED();
	GO(sync);
}

op_fn *dec_hvc(struct dec *d)
{
	return op_hvc;
}

/* ERET to c->pc, which holds the ELR. */
OP(eret_to)
{
	c->inow = c->icount + REC_NO(ip) + 1;
	FLAGS_OUT();
	except_eret(c, c->pc);
	if (except_irq_ready(c))
		except_irq(c);
	FLAGS_IN();
	VIEW_CHANGED();
	GO(lookup);
}

OP(eret)
{
	if (UNLIKELY(c->el == 0))
		GO(undef);
	c->pc = c->sr.elr;
	GO(eret_to);
}

op_fn *dec_eret(struct dec *d)
{
	return op_eret;
}

/* rm: key */
OP(ereta)
{
	uint64_t to;

	if (c->el == 0)
		GO(undef);
	if (!pauth_auth(c, ip->rm, c->sr.elr, c->x[REG_SP], true, &to))
		GO(raise);
	c->pc = to;
	GO(eret_to);
}

op_fn *dec_ereta(struct dec *d)
{
	d->r->rm = (uint8_t)bits(d->w, 10, 10);
	return op_ereta;
}

/* ---- hints and waiting --------------------------------------------------- */

OP_SHARED(nop) { NEXT(1); }

/* On a host with fewer CPUs than guest ones, who is waited for may not run. */
OP(yield)
{
	if (c->in->ncpus > 1)
		sched_yield();
	NEXT(1);
}

OP(sev)
{
	timer_sev(c);
	NEXT(1);
}

OP(sevl)
{
	atomic_store_explicit(&c->event, true, memory_order_relaxed);
	NEXT(1);
}

enum { TI_WFI, TI_WFE, TI_WFIT, TI_WFET };

/* EC 0x01 of a wait at EL0; rd: slot of the timed forms. */
static void wait_trap(struct cpu *c, unsigned ti, unsigned rn)
{
	uint32_t iss = 1u << 24 | 14u << 20 | ti;

	if (ti >= TI_WFIT)
		iss |= rn << 5 | 1u << 2;
	exc_raise(c, ESR(0x01, iss));
}

/* Only a wait that would wait traps. */
static bool wfi_traps(const struct cpu *c)
{
	return c->el == 0 && !(c->sr.sctlr & SCTLR_nTWI) &&
	       !atomic_load(&c->irq_lines);
}

static bool wfe_traps(const struct cpu *c)
{
	return c->el == 0 && !(c->sr.sctlr & SCTLR_nTWE) &&
	       !atomic_load(&c->event);
}

OP(wfi)
{
	if (wfi_traps(c)) {
		wait_trap(c, TI_WFI, 0);
		GO(raise);
	}
	COUNT_NOW();
	timer_wfi(c, UINT64_MAX);
	GO(sync);
}

OP(wfe)
{
	if (wfe_traps(c)) {
		wait_trap(c, TI_WFE, 0);
		GO(raise);
	}
	COUNT_NOW();
	timer_wfe(c, UINT64_MAX);
	GO(sync);
}

/* rd: slot of the time; rm: its register */
OP(wfit)
{
	COUNT_NOW();
	if (wfi_traps(c) && timer_count(c) < X(rd)) {
		wait_trap(c, TI_WFIT, ip->rm);
		GO(raise);
	}
	timer_wfi(c, X(rd));
	GO(sync);
}

OP(wfet)
{
	COUNT_NOW();
	if (wfe_traps(c) && timer_count(c) < X(rd)) {
		wait_trap(c, TI_WFET, ip->rm);
		GO(raise);
	}
	timer_wfe(c, X(rd));
	GO(sync);
}

op_fn *dec_wfit(struct dec *d)
{
	d->r->rm = d->rd;
	return op_wfit;
}

op_fn *dec_wfet(struct dec *d)
{
	d->r->rm = d->rd;
	return op_wfet;
}

/* Unknown hints are NOPs, and so are those about speculation, tracing, and
 * errors that we never have. BTI is looked at where a branch arrives. */
op_fn *dec_hint(struct dec *d)
{
	unsigned n = bits(d->w, 11, 5);

	switch (n) {
	case 1: return op_yield;
	case 2: return op_wfe;
	case 3: return op_wfi;
	case 4: return op_sev;
	case 5: return op_sevl;
	case 7: case 8: case 10: case 12: case 14:      /* PAuth */
	case 24: case 25: case 26: case 27: case 28: case 29: case 30: case 31:
		if (d->model->has[FEAT_PAuth])
			return NULL;
		break;
	default:
		break;
	}
	return op_nop;
}

/* ---- barriers ------------------------------------------------------------ */

OP(clrex)
{
	c->excl_valid = false;
	NEXT(1);
}

op_fn *dec_clrex(struct dec *d)
{
	return op_clrex;
}

OP(dmb_full)
{
	atomic_thread_fence(memory_order_seq_cst);
	NEXT(1);
}

OP(dmb_ld)
{
	atomic_thread_fence(memory_order_acquire);
	NEXT(1);
}

OP(dmb_st)
{
	atomic_thread_fence(memory_order_release);
	NEXT(1);
}

op_fn *dec_dmb(struct dec *d)
{
	switch (bits(d->w, 9, 8)) {
	case 1: return op_dmb_ld;
	case 2: return op_dmb_st;
	default: return op_dmb_full;
	}
}

OP(dsb)
{
	atomic_thread_fence(memory_order_seq_cst);
	mmu_dsb(c);
	NEXT(1);
}

op_fn *dec_dsb(struct dec *d)
{
	unsigned crm = bits(d->w, 11, 8);

	/* SSBB, PSSBB: nothing here speculates */
	return crm == 0 || crm == 4 ? op_nop : op_dsb;
}

/* As a branch to the next instruction: requests are served, and code that was
 * retired or remapped is looked up anew; what wrote such state emptied the
 * code TLB. */
OP(isb)
{
	uint64_t va = PC + 4;
	struct codee *e = &TLB->code[va >> 12 & (CODE_TLB_SIZE - 1)];
	const struct rec *to;

	if (UNLIKELY(e->tag != (va & ~0xfffull))) {
		c->pc = va;
		GO(lookup);
	}
	to = e->recs + (va >> 2 & (REC_WORDS - 1));
	c->icount += REC_NO(ip) + 1 - REC_NO(to);
	c->pcbase = e->pcbase;
	TAKE_REC(to);
}

op_fn *dec_isb(struct dec *d)
{
	return op_isb;
}

op_fn *dec_sb(struct dec *d)
{
	return op_nop;
}

/* ---- PSTATE -------------------------------------------------------------- */

/* New NZCV. */
#define SET_NZCV(n, z, cy, v) \
	(FA = (uint64_t)((n) << 3 | (z) << 2 | (cy) << 1 | (v)), FB = 0, \
	 FK = FK_NZCV)

OP(cfinv)
{
	FA = flags_nzcv(FA, FB, FK) ^ 2;
	FB = 0;
	FK = FK_NZCV;
	NEXT(1);
}

/* From the "external" form of a comparison's flags to Arm's, and back. */
OP(xaflag)
{
	uint32_t f = flags_nzcv(FA, FB, FK), z = f >> 2 & 1, cy = f >> 1 & 1;

	SET_NZCV((cy | z) ^ 1, z & cy, cy | z, (cy ^ 1) & z);
	NEXT(1);
}

OP(axflag)
{
	uint32_t f = flags_nzcv(FA, FB, FK), z = f >> 2 & 1, cy = f >> 1 & 1,
		 v = f & 1;

	SET_NZCV(0u, z | v, cy & (v ^ 1), 0u);
	NEXT(1);
}

op_fn *dec_cfinv(struct dec *d)
{
	return op_cfinv;
}

op_fn *dec_xaflag(struct dec *d)
{
	return op_xaflag;
}

op_fn *dec_axflag(struct dec *d)
{
	return op_axflag;
}

/* At EL0 without SCTLR_EL1.UMA; imm: the word */
OP(daif_trap)
{
	sysreg_trap(c, enc_of((uint32_t)ip->imm), 31, false);
	GO(raise);
}

/* rn: the immediate */
OP(daifset)
{
	if (UNLIKELY(c->el == 0 && !(c->sr.sctlr & SCTLR_UMA)))
		GO(daif_trap);
	c->pstate |= (uint32_t)ip->rn << 6;
	NEXT(1);
}

OP(daifclr)
{
	if (UNLIKELY(c->el == 0 && !(c->sr.sctlr & SCTLR_UMA)))
		GO(daif_trap);
	c->pstate &= ~((uint32_t)ip->rn << 6);
	if (UNLIKELY(except_irq_ready(c)))
		GO(sync);
	NEXT(1);
}

OP(msr_pan)
{
	if (c->el == 0)
		GO(undef);
	sysreg_set_pan(c, ip->rn & 1);
	VIEW_CHANGED();
	NEXT(1);
}

OP(msr_spsel)
{
	if (c->el == 0)
		GO(undef);
	sysreg_set_spsel(c, ip->rn & 1);
	NEXT(1);
}

OP(msr_uao)
{
	if (c->el == 0)
		GO(undef);
	c->pstate = ip->rn & 1 ? c->pstate | PS_UAO : c->pstate & ~PS_UAO;
	NEXT(1);
}

/* rm: bit number of a PSTATE field that EL0 may write */
OP(msr_field)
{
	uint32_t bit = 1u << ip->rm;

	c->pstate = ip->rn & 1 ? c->pstate | bit : c->pstate & ~bit;
	NEXT(1);
}

static op_fn *msr_field(struct dec *d, enum feature f, unsigned bit)
{
	d->r->rm = (uint8_t)bit;
	return d->model->has[f] ? op_msr_field : NULL;
}

op_fn *dec_msr_imm(struct dec *d)
{
	const bool *has = d->model->has;

	d->r->rn = (uint8_t)bits(d->w, 11, 8);
	switch (bits(d->w, 18, 16) << 3 | bits(d->w, 7, 5)) {
	case 003: return has[FEAT_UAO] ? op_msr_uao : NULL;
	case 004: return has[FEAT_PAN] ? op_msr_pan : NULL;
	case 005: return op_msr_spsel;
	case 031: return msr_field(d, FEAT_SSBS2, 12);
	case 032: return msr_field(d, FEAT_DIT, 24);
	case 034: return msr_field(d, FEAT_MTE, 25);
	case 036: return op_daifset;
	case 037: return op_daifclr;
	default: return NULL;
	}
}

/* ---- MRS and MSR --------------------------------------------------------- */

/* The usual: imm is the register's place in the table. */
static const struct sysreg *reg_of(const struct rec *ip)
{
	int n;

	return sysreg_table(&n) + ip->imm;
}

OP(mrs)
{
	uint64_t v = 0;

	COUNT_NOW();
	FLAGS_OUT();
	if (!sysreg_mrs(c, reg_of(ip), ip->rm, &v))
		GO(raise);
	FLAGS_IN();
	X(rd) = v;
	NEXT(1);
}

OP(msr)
{
	COUNT_NOW();
	FLAGS_OUT();
	enum sysreg_next next = sysreg_msr(c, reg_of(ip), ip->rm, X(rd));

	FLAGS_IN();
	VIEW_CHANGED();
	if (next == SR_FAULT)
		GO(raise);
	if (next == SR_SYNC)
		GO(sync);
	NEXT(1);
}

/* ID space that nothing is in; imm: the word */
OP(mrs_unknown)
{
	sysreg_unknown(c, enc_of((uint32_t)ip->imm), ip->rm, true);
	GO(raise);
}

/* Plain storage that only EL1 may use: imm is its place in struct cpu. */
#define REG_AT(c, imm) (*(uint64_t *)(void *)((char *)(c) + (imm)))

OP(mrs_el1)
{
	if (UNLIKELY(c->el == 0))
		GO(undef);
	X(rd) = REG_AT(c, ip->imm);
	NEXT(1);
}

OP(msr_el1)
{
	if (UNLIKELY(c->el == 0))
		GO(undef);
	REG_AT(c, ip->imm) = X(rd);
	NEXT(1);
}

/* The same that EL0 may use too. */
OP(mrs_el0)
{
	X(rd) = REG_AT(c, ip->imm);
	NEXT(1);
}

OP(msr_el0)
{
	REG_AT(c, ip->imm) = X(rd);
	NEXT(1);
}

OP(mrs_nzcv)
{
	X(rd) = (uint64_t)flags_nzcv(FA, FB, FK) << 28;
	NEXT(1);
}

OP(msr_nzcv)
{
	FA = X(rd) >> 28 & 15;
	FB = 0;
	FK = FK_NZCV;
	NEXT(1);
}

OP(mrs_daif)
{
	if (UNLIKELY(c->el == 0))
		GO(mrs);
	X(rd) = c->pstate & PS_DAIF;
	NEXT(1);
}

OP(msr_daif)
{
	if (UNLIKELY(c->el == 0))
		GO(msr);
	c->pstate = (c->pstate & ~PS_DAIF) | (uint32_t)(X(rd) & PS_DAIF);
	if (UNLIKELY(except_irq_ready(c)))
		GO(sync);
	NEXT(1);
}

/* Is r nothing but 64 bits of storage? SP_EL0 may be SP. */
static bool plain(const struct sysreg *r, bool read)
{
	return r->off && r->gate == GATE_NONE &&
	       r->enc != SYSREG(3, 0, 4, 1, 0) &&
	       (read ? !r->read : !r->write && r->mask == ~0ull);
}

enum { ENC_NZCV = SYSREG(3, 3, 4, 2, 0), ENC_DAIF = SYSREG(3, 3, 4, 2, 1),
       ENC_FPCR = SYSREG(3, 3, 4, 4, 0), ENC_FPSR = SYSREG(3, 3, 4, 4, 1) };

static op_fn *plain_op(struct dec *d, const struct sysreg *r, op_fn *el0,
		       op_fn *el1, unsigned access0, unsigned access1)
{
	d->r->imm = (int32_t)(offsetof(struct cpu, sr) + r->off - 1);
	return r->access & access0 ? el0 : r->access & access1 ? el1 : NULL;
}

static void generic_op(struct dec *d, const struct sysreg *r)
{
	int n;

	d->r->imm = (int32_t)(r - sysreg_table(&n));
	d->r->rm = d->rd;
}

/* FPCR and FPSR are there for who may use FP. */
static bool fp_trapped(const struct dec *d, const struct sysreg *r)
{
	return (r->enc == ENC_FPCR || r->enc == ENC_FPSR) &&
	       d->ctx & CTX_FPTRAP;
}

op_fn *dec_mrs(struct dec *d)
{
	const struct sysreg *r = sysreg_find(enc_of(d->w), d->model);
	unsigned op1 = bits(d->w, 18, 16);

	d->r->rd = slot_zd(d->rd);
	if (!r) {
		d->r->rm = d->rd;
		/* FEAT_IDST's space: op0 3, CRn 0, CRm 0..7 */
		return bits(d->w, 20, 19) == 3 && op1 < 4 && op1 != 2 &&
		       bits(d->w, 15, 11) == 0 ? op_mrs_unknown : NULL;
	}
	if (!(r->access & (SR_R0 | SR_R1)))
		return NULL;
	/* an EL0 read of the ID space may trap: not plain */
	if (plain(r, true))
		return plain_op(d, r, op_mrs_el0, op_mrs_el1, SR_R0, SR_R1);
	generic_op(d, r);
	if (fp_trapped(d, r))
		return op_fptrap;
	return r->enc == ENC_NZCV ? op_mrs_nzcv :
	       r->enc == ENC_DAIF ? op_mrs_daif : op_mrs;
}

op_fn *dec_msr(struct dec *d)
{
	const struct sysreg *r = sysreg_find(enc_of(d->w), d->model);

	if (!r || !(r->access & (SR_W0 | SR_W1)))
		return NULL;
	/* with an address that EL0 can read, a write from there is UNDEF */
	if (plain(r, false))
		return plain_op(d, r, op_msr_el0, op_msr_el1, SR_W0, SR_W1);
	generic_op(d, r);
	if (fp_trapped(d, r))
		return op_fptrap;
	return r->enc == ENC_NZCV ? op_msr_nzcv :
	       r->enc == ENC_DAIF ? op_msr_daif : op_msr;
}
