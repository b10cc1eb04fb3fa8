/* sysreg.c: the system registers as one table; sysreg.h.
 *
 * Arm ARM D19; spec/cpu.md 2.1 and 2.2. No EL2 and EL3, no AArch32, no SVE, no
 * tag storage: what belongs to those is not in the table and therefore
 * UNDEF, the IMPLEMENTATION DEFINED space (CRn 11 and 15) with it. */
#include <string.h>

#include "debug.h"
#include "except.h"
#include "flags.h"
#include "fpstate.h"
#include "gicv3.h"
#include "log.h"
#include "mmu.h"
#include "pmu.h"
#include "sysreg.h"
#include "timer.h"

#define BIT(n) (1ull << (n))
#define BITS(h, l) (((2ull << ((h) - (l))) - 1) << (l))

static uint64_t *storage(struct cpu *c, const struct sysreg *r)
{
	return (uint64_t *)(void *)((char *)&c->sr + (r->off - 1));
}

static bool has(const struct cpu *c, enum feature f)
{
	return c->in->model->has[f];
}

/* ---- identification ------------------------------------------------------ */

static uint64_t rd_zero(struct cpu *c, const struct sysreg *r)
{
	return 0;
}

static enum sysreg_next wr_ignore(struct cpu *c, const struct sysreg *r,
				  uint64_t v)
{
	return SR_NEXT;
}

static uint64_t rd_id(struct cpu *c, const struct sysreg *r)
{
	return c->in->model->id[r->enc >> 3 & 7][r->enc & 7];
}

static uint64_t rd_midr(struct cpu *c, const struct sysreg *r)
{
	return c->in->model->midr;
}

static uint64_t rd_mpidr(struct cpu *c, const struct sysreg *r)
{
	return BIT(31) | (c->vcpu ? c->vcpu->mpidr & 0xff00ffffff : 0);
}

static uint64_t rd_clidr(struct cpu *c, const struct sysreg *r)
{
	return c->in->model->clidr;
}

static uint64_t rd_ccsidr(struct cpu *c, const struct sysreg *r)
{
	switch (c->sr.csselr & 15) {    /* Level 3:1, InD 0 */
	case 0: return c->in->model->ccsidr[0];
	case 1: return c->in->model->ccsidr[1];
	case 2: return c->in->model->ccsidr[2];
	default: return 0;
	}
}

static uint64_t rd_ctr(struct cpu *c, const struct sysreg *r)
{
	return c->in->model->ctr;
}

/* DZP tells EL0 that SCTLR_EL1.DZE keeps it from DC ZVA. */
static uint64_t rd_dczid(struct cpu *c, const struct sysreg *r)
{
	bool dzp = c->el == 0 && !(c->sr.sctlr & BIT(14));

	return c->in->model->dczid | (uint64_t)dzp << 4;
}

static uint64_t rd_rvbar(struct cpu *c, const struct sysreg *r)
{
	return c->in->vm ? c->in->vm->entry_pc : 0;
}

static uint64_t rd_isr(struct cpu *c, const struct sysreg *r)
{
	uint32_t lines = atomic_load(&c->irq_lines);

	return (lines & 1 ? BIT(7) : 0) | (lines & 2 ? BIT(6) : 0);
}

static uint64_t rd_rndr(struct cpu *c, const struct sysreg *r)
{
	uint64_t v = 0;
	bool ok = seed_get(&c->in->rndr, &v, sizeof(v));

	c->fa = ok ? 0 : 4;             /* NZCV 0000, or Z where it failed */
	c->fb = 0;
	c->fk = FK_NZCV;
	return ok ? v : 0;
}

/* ---- control and translation --------------------------------------------- */

/* Bits that exist with a feature only. */
struct fbits { enum feature feat; uint64_t bits; };

static uint64_t with_features(const struct cpu *c, uint64_t mask,
			      const struct fbits *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (has(c, f[i].feat))
			mask |= f[i].bits;
	return mask;
}
#define WITH_FEATURES(c, mask, f) \
	with_features(c, mask, f, sizeof(f) / sizeof((f)[0]))

/* RES1: ITD, SED, nTLSMD, LSMAOE; and, without the features that give them a
 * meaning, EOS, TSCXT, EIS, SPAN. */
#define SCTLR_RES1 (BIT(7) | BIT(8) | BIT(28) | BIT(29))
#define SCTLR_RES1_OPT (BIT(11) | BIT(20) | BIT(22) | BIT(23))
#define SCTLR_RESET (SCTLR_RES1 | SCTLR_RES1_OPT)

static uint64_t sctlr_mask(const struct cpu *c)
{
	static const struct fbits f[] = {
		{ FEAT_LSE2, BIT(6) },                          /* nAA */
		{ FEAT_SPECRES, BIT(10) },                      /* EnRCTX */
		{ FEAT_ExS, BIT(11) | BIT(22) },                /* EOS, EIS */
		{ FEAT_PAuth, BIT(13) | BIT(27) | BITS(31, 30) },
		{ FEAT_CSV2_2, BIT(20) },                       /* TSCXT */
		{ FEAT_IESB, BIT(21) },
		{ FEAT_PAN, BIT(23) },                          /* SPAN */
		{ FEAT_BTI, BITS(36, 35) },
		{ FEAT_SSBS, BIT(44) },                         /* DSSBS */
		{ FEAT_PAN3, BIT(57) },                         /* EPAN */
	};

	/* M A C SA SA0, UMA, I, DZE UCT nTWI, nTWE WXN, UCI */
	return WITH_FEATURES(c, BITS(4, 0) | BIT(9) | BIT(12) | BITS(16, 14) |
				BITS(19, 18) | BIT(26), f);
}

static enum sysreg_next wr_sctlr(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	uint64_t mask = sctlr_mask(c);

	c->sr.sctlr = (v & mask) | SCTLR_RES1 | (SCTLR_RES1_OPT & ~mask);
	mmu_regs_changed(c);
	return SR_SYNC;
}

static enum sysreg_next wr_tcr(struct cpu *c, const struct sysreg *r,
			       uint64_t v)
{
	static const struct fbits f[] = {
		{ FEAT_ASID16, BIT(36) },                       /* AS */
		{ FEAT_HAF, BIT(39) }, { FEAT_HDBS, BIT(40) },  /* HA, HD */
		{ FEAT_HPDS, BITS(50, 41) },                    /* HPD, HWU */
		{ FEAT_PAuth, BITS(52, 51) },                   /* TBID */
		{ FEAT_E0PD, BITS(56, 55) },
	};

	/* all of the lower half but bit 6, IPS, TBI0, TBI1 */
	c->sr.tcr = v & WITH_FEATURES(c, (BITS(31, 0) & ~BIT(6)) |
					 BITS(34, 32) | BITS(38, 37), f);
	mmu_regs_changed(c);
	return SR_SYNC;
}

static enum sysreg_next wr_ttbr(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	static const struct fbits f[] = {
		{ FEAT_CNP, BIT(0) },
		{ FEAT_ASID16, BITS(63, 56) },
	};

	c->sr.ttbr[r->n] = v & WITH_FEATURES(c, BITS(55, 1), f);
	mmu_regs_changed(c);
	return SR_SYNC;
}

static enum sysreg_next wr_mair(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	c->sr.mair = v;
	mmu_regs_changed(c);
	return SR_SYNC;
}

/* Does the host order accesses as ACTLR_EL1.EnTSO asks for? */
#ifdef __x86_64__
enum { HOST_TSO = 1 };
#else
enum { HOST_TSO = 0 };
#endif

/* Apple's cores have EnTSO, bit 1 (spec/cpu.md 2.4). It can be set where it is
 * true: the host's own order is as strict, or one CPU sees its own. Elsewhere
 * it stays 0, which the guest can read back. */
static enum sysreg_next wr_actlr(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	bool apple = c->in->model->midr >> 24 == 0x61;

	if (apple && v & BIT(1) && !HOST_TSO && c->in->ncpus > 1) {
		if (!c->in->told_tso)
			log_msg(LOG_WARN, "the guest asked for x86's memory "
				"order (ACTLR_EL1.EnTSO), which this host "
				"gives to one CPU only; refused (try --cpus "
				"1)");
		c->in->told_tso = true;
		v = 0;
	}
	c->sr.actlr = apple ? v & BIT(1) : 0;
	return SR_NEXT;
}

static enum sysreg_next wr_cpacr(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	v &= r->mask;
	if (v == c->sr.cpacr)
		return SR_NEXT;
	c->sr.cpacr = v;
	mmu_view(c);
	return SR_SYNC;
}

static enum sysreg_next wr_spsr(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	c->sr.spsr = v & c->in->model->spsr_mask;
	return SR_NEXT;
}

/* ---- PSTATE -------------------------------------------------------------- */

enum sysreg_next sysreg_set_daif(struct cpu *c, uint32_t daif)
{
	c->pstate = (c->pstate & ~PS_DAIF) | (daif & PS_DAIF);
	return except_irq_ready(c) ? SR_SYNC : SR_NEXT;
}

enum sysreg_next sysreg_set_pan(struct cpu *c, bool pan)
{
	c->pstate = (c->pstate & ~PS_PAN) | (pan ? PS_PAN : 0);
	mmu_pick(c);
	return SR_VIEW;
}

void sysreg_set_spsel(struct cpu *c, bool spsel)
{
	bool from = c->pstate & PS_SP;

	if (from == spsel)
		return;
	c->sr.sp_el[from] = c->x[REG_SP];
	c->x[REG_SP] = c->sr.sp_el[spsel];
	c->pstate ^= PS_SP;
}

static uint64_t rd_spsel(struct cpu *c, const struct sysreg *r)
{
	return c->pstate & PS_SP;
}

static enum sysreg_next wr_spsel(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	sysreg_set_spsel(c, v & 1);
	return SR_NEXT;
}

static uint64_t rd_currentel(struct cpu *c, const struct sysreg *r)
{
	return (uint64_t)c->el << 2;
}

/* A field that lies in its register as it does in SPSR. */
static uint64_t rd_pstate(struct cpu *c, const struct sysreg *r)
{
	return c->pstate & r->mask;
}

static enum sysreg_next wr_pstate(struct cpu *c, const struct sysreg *r,
				  uint64_t v)
{
	c->pstate = (uint32_t)((c->pstate & ~r->mask) | (v & r->mask));
	return SR_NEXT;
}

static enum sysreg_next wr_daif(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	return sysreg_set_daif(c, (uint32_t)v);
}

static enum sysreg_next wr_pan(struct cpu *c, const struct sysreg *r,
			       uint64_t v)
{
	return sysreg_set_pan(c, v & PS_PAN);
}

static uint64_t rd_nzcv(struct cpu *c, const struct sysreg *r)
{
	return (uint64_t)flags_nzcv(c->fa, c->fb, c->fk) << 28;
}

static enum sysreg_next wr_nzcv(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	c->fa = v >> 28 & 15;
	c->fb = 0;
	c->fk = FK_NZCV;
	return SR_NEXT;
}

static uint64_t rd_fpcr(struct cpu *c, const struct sysreg *r)
{
	return c->sr.fpcr;
}

static enum sysreg_next wr_fpcr(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	uint32_t old = c->sr.fpcr;

	fpstate_write_fpcr(c, (uint32_t)v);
	if (c->sr.fpcr == old)
		return SR_NEXT;
	mmu_view(c);
	return SR_SYNC;
}

static uint64_t rd_fpsr(struct cpu *c, const struct sysreg *r)
{
	return fpstate_read_fpsr(c);
}

static enum sysreg_next wr_fpsr(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	fpstate_write_fpsr(c, (uint32_t)v);
	return SR_NEXT;
}

/* ---- timer and interrupts ------------------------------------------------ */

/* What may have raised a line: take it at once if it is let through. */
static enum sysreg_next lines_changed(const struct cpu *c)
{
	return except_irq_ready(c) ? SR_SYNC : SR_NEXT;
}

static uint64_t rd_cnt(struct cpu *c, const struct sysreg *r)
{
	return timer_count(c);
}

static uint64_t rd_ctl(struct cpu *c, const struct sysreg *r)
{
	return timer_read_ctl(c, r->n);
}

static enum sysreg_next wr_ctl(struct cpu *c, const struct sysreg *r,
			       uint64_t v)
{
	timer_write_ctl(c, r->n, v);
	return lines_changed(c);
}

static uint64_t rd_cval(struct cpu *c, const struct sysreg *r)
{
	return timer_read_cval(c, r->n);
}

static enum sysreg_next wr_cval(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	timer_write_cval(c, r->n, v);
	return lines_changed(c);
}

static uint64_t rd_tval(struct cpu *c, const struct sysreg *r)
{
	return timer_read_tval(c, r->n);
}

static enum sysreg_next wr_tval(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	timer_write_tval(c, r->n, v);
	return lines_changed(c);
}

static enum sysreg_next wr_cntkctl(struct cpu *c, const struct sysreg *r,
				   uint64_t v)
{
	c->sr.cntkctl = v & (BITS(9, 0) | (has(c, FEAT_ECV) ? BIT(17) : 0));
	return SR_NEXT;
}

static uint64_t rd_icc(struct cpu *c, const struct sysreg *r)
{
	return c->in->gic ? gicv3_icc_read(c->in->gic, c->index, r->enc) : 0;
}

static enum sysreg_next wr_icc(struct cpu *c, const struct sysreg *r,
			       uint64_t v)
{
	if (c->in->gic)
		gicv3_icc_write(c->in->gic, c->index, r->enc, v);
	return lines_changed(c);
}

/* ---- debug --------------------------------------------------------------- */

/* A register that decides what debug_ctx and debug_watched say. */
static enum sysreg_next debug_changed(struct cpu *c)
{
	mmu_flush_inline(c);
	mmu_view(c);
	return SR_SYNC;
}

static enum sysreg_next wr_debug(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	uint64_t *reg = storage(c, r);

	v &= r->mask;
	if (*reg == v)
		return SR_NEXT;
	*reg = v;
	return debug_changed(c);
}

static enum sysreg_next wr_oslar(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	c->sr.oslar = v & 1;
	return debug_changed(c);
}

static uint64_t rd_oslsr(struct cpu *c, const struct sysreg *r)
{
	return 8 | c->sr.oslar << 1;    /* OSLM 0b10, OSLK */
}

static enum sysreg_next wr_osdlr(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	c->sr.osdlr = has(c, FEAT_DoubleLock) ? v & 1 : 0;
	return debug_changed(c);
}

static uint64_t rd_claimset(struct cpu *c, const struct sysreg *r)
{
	return 0xff;
}

static enum sysreg_next wr_claimset(struct cpu *c, const struct sysreg *r,
				    uint64_t v)
{
	c->sr.dbgclaim |= v & 0xff;
	return SR_NEXT;
}

static uint64_t rd_claimclr(struct cpu *c, const struct sysreg *r)
{
	return c->sr.dbgclaim;
}

static enum sysreg_next wr_claimclr(struct cpu *c, const struct sysreg *r,
				    uint64_t v)
{
	c->sr.dbgclaim &= ~(v & 0xff);
	return SR_NEXT;
}

/* Address breakpoints have no bits 1:0; those that may also hold a context ID
 * (the last CTX_CMPs + 1) do. */
static enum sysreg_next wr_bvr(struct cpu *c, const struct sysreg *r,
			       uint64_t v)
{
	uint64_t dfr0 = c->in->model->id[5][0];
	unsigned brps = dfr0 >> 12 & 15, ctx = dfr0 >> 28 & 15;

	c->sr.dbgbvr[r->n] = r->n + ctx >= brps ? v : v & ~3ull;
	return debug_changed(c);
}

/* ---- the table ----------------------------------------------------------- */

#define OFF(f) (uint16_t)(offsetof(struct sysregs, f) + 1)
#define RO1 SR_R1
#define WO1 SR_W1
#define RW1 (SR_R1 | SR_W1)
#define RO (SR_R0 | SR_R1)
#define RW (SR_R0 | SR_W0 | SR_R1 | SR_W1)
#define R0RW1 (SR_R0 | SR_R1 | SR_W1)
#define ALL (~0ull)
#define LOW32 0xffffffffull

/* Read by a function, not writable. */
#define R_RO(nm, e, acc, f, rd) \
	{ .name = nm, .enc = e, .access = acc, .feat = FEAT_##f, .read = rd },
/* Storage, `m` being the bits kept. */
#define R_ST(nm, e, acc, f, field, m) \
	{ .name = nm, .enc = e, .access = acc, .feat = FEAT_##f, \
	  .off = OFF(field), .mask = m },
/* Storage, written by a function. */
#define R_WR(nm, e, f, field, m, wr, k) \
	{ .name = nm, .enc = e, .access = RW1, .feat = FEAT_##f, \
	  .off = OFF(field), .mask = m, .write = wr, .n = k },
/* Functions. */
#define R_FN(nm, e, acc, f, g, rd, wr, m, k) \
	{ .name = nm, .enc = e, .access = acc, .feat = FEAT_##f, .gate = g, \
	  .read = rd, .write = wr, .mask = m, .n = k },
#define R_ICC(nm, acc) R_FN(#nm, nm, acc, BASE, 0, rd_icc, wr_icc, 0, 0)
#define R_ID(nm, crm, op2) \
	R_RO(nm, SYSREG(3, 0, 0, crm, op2), RO1, BASE, rd_id)
#define R_ID8(crm) \
	R_ID("ID_0", crm, 0) R_ID("ID_1", crm, 1) R_ID("ID_2", crm, 2) \
	R_ID("ID_3", crm, 3) R_ID("ID_4", crm, 4) R_ID("ID_5", crm, 5) \
	R_ID("ID_6", crm, 6) R_ID("ID_7", crm, 7)
#define R_KEY(nm, crm, op2, k, half) \
	R_ST(nm, SYSREG(3, 0, 2, crm, op2), RW1, PAuth, apkey[k][half], ALL)
#define R_TIMER(v, f, a, w, crm, op2, g, k) \
	R_FN(v, SYSREG(3, 3, 14, crm, op2), RW, f, g, a, w, 0, k)

#define BCR_MASK (BIT(0) | BITS(2, 1) | BITS(8, 5) | BIT(13) | \
		  BITS(15, 14) | BITS(19, 16) | BITS(23, 20))
#define WCR_MASK (BIT(0) | BITS(2, 1) | BITS(4, 3) | BITS(12, 5) | BIT(13) | \
		  BITS(15, 14) | BITS(19, 16) | BIT(20) | BITS(28, 24))
#define R_DBG(k) \
	R_WR("DBGBVR" #k "_EL1", SYSREG(2, 0, 0, k, 4), BASE, dbgbvr[k], ALL, \
	     wr_bvr, k) \
	R_WR("DBGBCR" #k "_EL1", SYSREG(2, 0, 0, k, 5), BASE, dbgbcr[k], \
	     BCR_MASK, wr_debug, k) \
	R_WR("DBGWVR" #k "_EL1", SYSREG(2, 0, 0, k, 6), BASE, dbgwvr[k], \
	     ~3ull, wr_debug, k) \
	R_WR("DBGWCR" #k "_EL1", SYSREG(2, 0, 0, k, 7), BASE, dbgwcr[k], \
	     WCR_MASK, wr_debug, k)

/* Performance monitors. */
#define R_PMU(nm, op1, crn, crm, op2, acc, g, rd, wr, k) \
	R_FN(nm, SYSREG(3, op1, crn, crm, op2), acc, PMUv3, g, rd, wr, 0, k)
#define R_PMU_EVENT(k) \
	R_PMU("PMEVCNTR" #k "_EL0", 3, 14, 8, k, RW, GATE_PMU_EVENTS, \
	      pmu_rd_count, pmu_wr_count, k) \
	R_PMU("PMEVTYPER" #k "_EL0", 3, 14, 12, k, RW, GATE_PMU, \
	      pmu_rd_type, pmu_wr_type, k)

static const struct sysreg table[] = {
	/* identification */
	R_RO("MIDR_EL1", SYSREG(3, 0, 0, 0, 0), RO1, BASE, rd_midr)
	R_RO("MPIDR_EL1", SYSREG(3, 0, 0, 0, 5), RO1, BASE, rd_mpidr)
	R_RO("REVIDR_EL1", SYSREG(3, 0, 0, 0, 6), RO1, BASE, rd_zero)
	R_ID("ID_AA64PFR0_EL1", 4, 0)
	R_ID("ID_AA64PFR1_EL1", 4, 1)
	R_ID("ID_AA64ZFR0_EL1", 4, 4)
	R_ID("ID_AA64DFR0_EL1", 5, 0)
	R_ID("ID_AA64DFR1_EL1", 5, 1)
	R_ID("ID_AA64AFR0_EL1", 5, 4)
	R_ID("ID_AA64ISAR0_EL1", 6, 0)
	R_ID("ID_AA64ISAR1_EL1", 6, 1)
	R_ID("ID_AA64ISAR2_EL1", 6, 2)
	R_ID("ID_AA64MMFR0_EL1", 7, 0)
	R_ID("ID_AA64MMFR1_EL1", 7, 1)
	R_ID("ID_AA64MMFR2_EL1", 7, 2)
	R_RO("CCSIDR_EL1", SYSREG(3, 1, 0, 0, 0), RO1, BASE, rd_ccsidr)
	R_RO("CLIDR_EL1", SYSREG(3, 1, 0, 0, 1), RO1, BASE, rd_clidr)
	R_RO("AIDR_EL1", SYSREG(3, 1, 0, 0, 7), RO1, BASE, rd_zero)
	R_ST("CSSELR_EL1", SYSREG(3, 2, 0, 0, 0), RW1, BASE, csselr, 15)
	R_FN("CTR_EL0", SYSREG(3, 3, 0, 0, 1), RO, BASE, GATE_UCT, rd_ctr,
	     NULL, 0, 0)
	R_RO("DCZID_EL0", SYSREG(3, 3, 0, 0, 7), RO, BASE, rd_dczid)

	/* control and translation */
	R_WR("SCTLR_EL1", SYSREG(3, 0, 1, 0, 0), BASE, sctlr, 0, wr_sctlr, 0)
	R_WR("ACTLR_EL1", SYSREG(3, 0, 1, 0, 1), BASE, actlr, 0, wr_actlr, 0)
	R_WR("CPACR_EL1", SYSREG(3, 0, 1, 0, 2), BASE, cpacr, BITS(21, 20),
	     wr_cpacr, 0)
	R_WR("TTBR0_EL1", SYSREG(3, 0, 2, 0, 0), BASE, ttbr[0], ALL, wr_ttbr,
	     0)
	R_WR("TTBR1_EL1", SYSREG(3, 0, 2, 0, 1), BASE, ttbr[1], ALL, wr_ttbr,
	     1)
	R_WR("TCR_EL1", SYSREG(3, 0, 2, 0, 2), BASE, tcr, 0, wr_tcr, 0)
	R_KEY("APIAKEYLO_EL1", 1, 0, 0, 0)
	R_KEY("APIAKEYHI_EL1", 1, 1, 0, 1)
	R_KEY("APIBKEYLO_EL1", 1, 2, 1, 0)
	R_KEY("APIBKEYHI_EL1", 1, 3, 1, 1)
	R_KEY("APDAKEYLO_EL1", 2, 0, 2, 0)
	R_KEY("APDAKEYHI_EL1", 2, 1, 2, 1)
	R_KEY("APDBKEYLO_EL1", 2, 2, 3, 0)
	R_KEY("APDBKEYHI_EL1", 2, 3, 3, 1)
	R_KEY("APGAKEYLO_EL1", 3, 0, 4, 0)
	R_KEY("APGAKEYHI_EL1", 3, 1, 4, 1)
	R_WR("SPSR_EL1", SYSREG(3, 0, 4, 0, 0), BASE, spsr, 0, wr_spsr, 0)
	R_ST("ELR_EL1", SYSREG(3, 0, 4, 0, 1), RW1, BASE, elr, ALL)
	R_ST("SP_EL0", SYSREG(3, 0, 4, 1, 0), RW1, BASE, sp_el[0], ALL)
	R_FN("SPSel", SYSREG(3, 0, 4, 2, 0), RW1, BASE, 0, rd_spsel, wr_spsel,
	     1, 0)
	R_RO("CurrentEL", SYSREG(3, 0, 4, 2, 2), RO1, BASE, rd_currentel)
	R_FN("PAN", SYSREG(3, 0, 4, 2, 3), RW1, PAN, 0, rd_pstate, wr_pan,
	     PS_PAN, 0)
	R_FN("UAO", SYSREG(3, 0, 4, 2, 4), RW1, UAO, 0, rd_pstate, wr_pstate,
	     PS_UAO, 0)
	R_FN("NZCV", SYSREG(3, 3, 4, 2, 0), RW, BASE, 0, rd_nzcv, wr_nzcv,
	     BITS(31, 28), 0)
	R_FN("DAIF", SYSREG(3, 3, 4, 2, 1), RW, BASE, GATE_UMA, rd_pstate,
	     wr_daif, PS_DAIF, 0)
	R_FN("DIT", SYSREG(3, 3, 4, 2, 5), RW, DIT, 0, rd_pstate, wr_pstate,
	     PS_DIT, 0)
	R_FN("SSBS", SYSREG(3, 3, 4, 2, 6), RW, SSBS2, 0, rd_pstate, wr_pstate,
	     PS_SSBS, 0)
	R_FN("TCO", SYSREG(3, 3, 4, 2, 7), RW, MTE, 0, rd_pstate, wr_pstate,
	     PS_TCO, 0)
	R_FN("FPCR", SYSREG(3, 3, 4, 4, 0), RW, BASE, 0, rd_fpcr, wr_fpcr, 0,
	     0)
	R_FN("FPSR", SYSREG(3, 3, 4, 4, 1), RW, BASE, 0, rd_fpsr, wr_fpsr, 0,
	     0)
	R_ST("AFSR0_EL1", SYSREG(3, 0, 5, 1, 0), RW1, BASE, afsr[0], ALL)
	R_ST("AFSR1_EL1", SYSREG(3, 0, 5, 1, 1), RW1, BASE, afsr[1], ALL)
	R_ST("ESR_EL1", SYSREG(3, 0, 5, 2, 0), RW1, BASE, esr, LOW32)
	R_RO("ERRIDR_EL1", SYSREG(3, 0, 5, 3, 0), RO1, RAS, rd_zero)
	R_FN("ERRSELR_EL1", SYSREG(3, 0, 5, 3, 1), RW1, RAS, 0, rd_zero,
	     wr_ignore, 0, 0)
	R_ST("FAR_EL1", SYSREG(3, 0, 6, 0, 0), RW1, BASE, far, ALL)
	R_ST("PAR_EL1", SYSREG(3, 0, 7, 4, 0), RW1, BASE, par, ALL)
	R_WR("MAIR_EL1", SYSREG(3, 0, 10, 2, 0), BASE, mair, ALL, wr_mair, 0)
	R_ST("AMAIR_EL1", SYSREG(3, 0, 10, 3, 0), RW1, BASE, amair, ALL)
	R_FN("LORSA_EL1", SYSREG(3, 0, 10, 4, 0), RW1, LOR, 0, rd_zero,
	     wr_ignore, 0, 0)
	R_FN("LOREA_EL1", SYSREG(3, 0, 10, 4, 1), RW1, LOR, 0, rd_zero,
	     wr_ignore, 0, 0)
	R_FN("LORN_EL1", SYSREG(3, 0, 10, 4, 2), RW1, LOR, 0, rd_zero,
	     wr_ignore, 0, 0)
	R_FN("LORC_EL1", SYSREG(3, 0, 10, 4, 3), RW1, LOR, 0, rd_zero,
	     wr_ignore, 0, 0)
	R_RO("LORID_EL1", SYSREG(3, 0, 10, 4, 7), RO1, LOR, rd_zero)
	R_ST("VBAR_EL1", SYSREG(3, 0, 12, 0, 0), RW1, BASE, vbar,
	     ~BITS(10, 0))
	R_RO("RVBAR_EL1", SYSREG(3, 0, 12, 0, 1), RO1, BASE, rd_rvbar)
	R_FN("RMR_EL1", SYSREG(3, 0, 12, 0, 2), RW1, BASE, 0, rd_zero,
	     wr_ignore, 0, 0)
	R_RO("ISR_EL1", SYSREG(3, 0, 12, 1, 0), RO1, BASE, rd_isr)
	R_ST("DISR_EL1", SYSREG(3, 0, 12, 1, 1), RW1, RAS, disr,
	     BIT(31) | BITS(24, 0))
	R_ST("CONTEXTIDR_EL1", SYSREG(3, 0, 13, 0, 1), RW1, BASE, contextidr,
	     LOW32)
	R_ST("TPIDR_EL1", SYSREG(3, 0, 13, 0, 4), RW1, BASE, tpidr_el1, ALL)
	R_ST("SCXTNUM_EL1", SYSREG(3, 0, 13, 0, 7), RW1, CSV2_2, scxtnum[1],
	     ALL)
	R_ST("TPIDR_EL0", SYSREG(3, 3, 13, 0, 2), RW, BASE, tpidr_el0, ALL)
	R_ST("TPIDRRO_EL0", SYSREG(3, 3, 13, 0, 3), R0RW1, BASE, tpidrro_el0,
	     ALL)
	{ .name = "SCXTNUM_EL0", .enc = SYSREG(3, 3, 13, 0, 7), .access = RW,
	  .feat = FEAT_CSV2_2, .gate = GATE_TSCXT, .off = OFF(scxtnum[0]),
	  .mask = ALL },
	R_RO("RNDR", SYSREG(3, 3, 2, 4, 0), RO, RNG, rd_rndr)
	R_RO("RNDRRS", SYSREG(3, 3, 2, 4, 1), RO, RNG, rd_rndr)

	/* generic timer */
	R_WR("CNTKCTL_EL1", SYSREG(3, 0, 14, 1, 0), BASE, cntkctl, 0,
	     wr_cntkctl, 0)
	{ .name = "CNTFRQ_EL0", .enc = SYSREG(3, 3, 14, 0, 0),
	  .access = R0RW1, .feat = FEAT_BASE, .gate = GATE_CNTFRQ,
	  .off = OFF(cntfrq), .mask = LOW32, .reset = VM_CNTFRQ },
	R_FN("CNTPCT_EL0", SYSREG(3, 3, 14, 0, 1), RO, BASE, GATE_PCT, rd_cnt,
	     NULL, 0, 0)
	R_FN("CNTVCT_EL0", SYSREG(3, 3, 14, 0, 2), RO, BASE, GATE_VCT, rd_cnt,
	     NULL, 0, 0)
	R_FN("CNTPCTSS_EL0", SYSREG(3, 3, 14, 0, 5), RO, ECV, GATE_PCT, rd_cnt,
	     NULL, 0, 0)
	R_FN("CNTVCTSS_EL0", SYSREG(3, 3, 14, 0, 6), RO, ECV, GATE_VCT, rd_cnt,
	     NULL, 0, 0)
	R_TIMER("CNTP_TVAL_EL0", BASE, rd_tval, wr_tval, 2, 0, GATE_PT,
		TIMER_PHYS)
	R_TIMER("CNTP_CTL_EL0", BASE, rd_ctl, wr_ctl, 2, 1, GATE_PT,
		TIMER_PHYS)
	R_TIMER("CNTP_CVAL_EL0", BASE, rd_cval, wr_cval, 2, 2, GATE_PT,
		TIMER_PHYS)
	R_TIMER("CNTV_TVAL_EL0", BASE, rd_tval, wr_tval, 3, 0, GATE_VT,
		TIMER_VIRT)
	R_TIMER("CNTV_CTL_EL0", BASE, rd_ctl, wr_ctl, 3, 1, GATE_VT,
		TIMER_VIRT)
	R_TIMER("CNTV_CVAL_EL0", BASE, rd_cval, wr_cval, 3, 2, GATE_VT,
		TIMER_VIRT)

	/* GICv3 CPU interface */
	R_ICC(ICC_PMR_EL1, RW1)
	R_ICC(ICC_IAR0_EL1, RO1)
	R_ICC(ICC_EOIR0_EL1, WO1)
	R_ICC(ICC_HPPIR0_EL1, RO1)
	R_ICC(ICC_BPR0_EL1, RW1)
	R_ICC(ICC_AP0R0_EL1, RW1)
	R_ICC(ICC_AP1R0_EL1, RW1)
	R_ICC(ICC_DIR_EL1, WO1)
	R_ICC(ICC_RPR_EL1, RO1)
	R_ICC(ICC_SGI1R_EL1, WO1)
	R_ICC(ICC_ASGI1R_EL1, WO1)
	R_ICC(ICC_SGI0R_EL1, WO1)
	R_ICC(ICC_IAR1_EL1, RO1)
	R_ICC(ICC_EOIR1_EL1, WO1)
	R_ICC(ICC_HPPIR1_EL1, RO1)
	R_ICC(ICC_BPR1_EL1, RW1)
	R_ICC(ICC_CTLR_EL1, RW1)
	R_ICC(ICC_SRE_EL1, RW1)
	R_ICC(ICC_IGRPEN0_EL1, RW1)
	R_ICC(ICC_IGRPEN1_EL1, RW1)

	/* debug */
	R_ST("OSDTRRX_EL1", SYSREG(2, 0, 0, 0, 2), RW1, BASE, osdtr[0], LOW32)
	R_ST("MDCCINT_EL1", SYSREG(2, 0, 0, 2, 0), RW1, BASE, mdccint,
	     BITS(30, 29))
	R_WR("MDSCR_EL1", SYSREG(2, 0, 0, 2, 2), BASE, mdscr,
	     BITS(31, 29) | BITS(27, 26) | BIT(21) | BITS(15, 12) | BIT(6) |
	     BIT(0), wr_debug, 0)
	R_ST("OSDTRTX_EL1", SYSREG(2, 0, 0, 3, 2), RW1, BASE, osdtr[1], LOW32)
	R_ST("OSECCR_EL1", SYSREG(2, 0, 0, 6, 2), RW1, BASE, oseccr, LOW32)
	R_RO("MDRAR_EL1", SYSREG(2, 0, 1, 0, 0), RO1, BASE, rd_zero)
	R_FN("OSLAR_EL1", SYSREG(2, 0, 1, 0, 4), WO1, BASE, 0, NULL, wr_oslar,
	     0, 0)
	R_RO("OSLSR_EL1", SYSREG(2, 0, 1, 1, 4), RO1, BASE, rd_oslsr)
	R_WR("OSDLR_EL1", SYSREG(2, 0, 1, 3, 4), BASE, osdlr, 1, wr_osdlr, 0)
	R_ST("DBGPRCR_EL1", SYSREG(2, 0, 1, 4, 4), RW1, BASE, dbgprcr, 1)
	R_FN("DBGCLAIMSET_EL1", SYSREG(2, 0, 7, 8, 6), RW1, BASE, 0,
	     rd_claimset, wr_claimset, 0, 0)
	R_FN("DBGCLAIMCLR_EL1", SYSREG(2, 0, 7, 9, 6), RW1, BASE, 0,
	     rd_claimclr, wr_claimclr, 0, 0)
	R_RO("DBGAUTHSTATUS_EL1", SYSREG(2, 0, 7, 14, 6), RO1, BASE, rd_zero)
	R_FN("MDCCSR_EL0", SYSREG(2, 3, 0, 1, 0), RO, BASE, GATE_TDCC, rd_zero,
	     NULL, 0, 0)
	R_FN("DBGDTR_EL0", SYSREG(2, 3, 0, 4, 0), RW, BASE, GATE_TDCC, rd_zero,
	     wr_ignore, 0, 0)
	R_FN("DBGDTRRX_EL0", SYSREG(2, 3, 0, 5, 0), RW, BASE, GATE_TDCC,
	     rd_zero, wr_ignore, 0, 0)
	R_DBG(0) R_DBG(1) R_DBG(2) R_DBG(3) R_DBG(4) R_DBG(5) R_DBG(6)
	R_DBG(7) R_DBG(8) R_DBG(9) R_DBG(10) R_DBG(11) R_DBG(12) R_DBG(13)
	R_DBG(14) R_DBG(15)

	/* performance monitors */
	R_PMU("PMCR_EL0", 3, 9, 12, 0, RW, GATE_PMU, pmu_rd_cr, pmu_wr_cr, 0)
	R_PMU("PMCNTENSET_EL0", 3, 9, 12, 1, RW, GATE_PMU, pmu_rd_enable,
	      pmu_wr_enable, 1)
	R_PMU("PMCNTENCLR_EL0", 3, 9, 12, 2, RW, GATE_PMU, pmu_rd_enable,
	      pmu_wr_enable, 0)
	R_PMU("PMOVSCLR_EL0", 3, 9, 12, 3, RW, GATE_PMU, pmu_rd_overflow,
	      pmu_wr_overflow, 0)
	R_PMU("PMSWINC_EL0", 3, 9, 12, 4, SR_W0 | SR_W1, GATE_PMU_SW, NULL,
	      pmu_wr_swinc, 0)
	R_PMU("PMSELR_EL0", 3, 9, 12, 5, RW, GATE_PMU_SEL, pmu_rd_sel,
	      pmu_wr_sel, 0)
	R_PMU("PMCEID0_EL0", 3, 9, 12, 6, RO, GATE_PMU, pmu_rd_ceid, NULL, 0)
	R_PMU("PMCEID1_EL0", 3, 9, 12, 7, RO, GATE_PMU, pmu_rd_ceid, NULL, 1)
	R_PMU("PMCCNTR_EL0", 3, 9, 13, 0, RW, GATE_PMU_CYCLES, pmu_rd_count,
	      pmu_wr_count, PMU_CYCLES)
	R_PMU("PMXEVTYPER_EL0", 3, 9, 13, 1, RW, GATE_PMU, pmu_rd_type,
	      pmu_wr_type, PMU_SELECTED)
	R_PMU("PMXEVCNTR_EL0", 3, 9, 13, 2, RW, GATE_PMU_EVENTS, pmu_rd_count,
	      pmu_wr_count, PMU_SELECTED)
	R_PMU("PMUSERENR_EL0", 3, 9, 14, 0, R0RW1, 0, pmu_rd_userenr,
	      pmu_wr_userenr, 0)
	R_PMU("PMINTENSET_EL1", 0, 9, 14, 1, RW1, 0, pmu_rd_inten,
	      pmu_wr_inten, 1)
	R_PMU("PMINTENCLR_EL1", 0, 9, 14, 2, RW1, 0, pmu_rd_inten,
	      pmu_wr_inten, 0)
	R_PMU("PMOVSSET_EL0", 3, 9, 14, 3, RW, GATE_PMU, pmu_rd_overflow,
	      pmu_wr_overflow, 1)
	R_PMU("PMMIR_EL1", 0, 9, 14, 6, RO1, 0, rd_zero, NULL, 0)
	R_PMU("PMCCFILTR_EL0", 3, 14, 15, 7, RW, GATE_PMU, pmu_rd_type,
	      pmu_wr_type, PMU_CYCLES)
	R_PMU_EVENT(0) R_PMU_EVENT(1) R_PMU_EVENT(2) R_PMU_EVENT(3)
	R_PMU_EVENT(4) R_PMU_EVENT(5)

	/* the rest of the ID space reads as zero */
	R_ID8(1) R_ID8(2) R_ID8(3) R_ID8(4) R_ID8(5) R_ID8(6) R_ID8(7)
};

const struct sysreg *sysreg_table(int *n)
{
	*n = (int)(sizeof(table) / sizeof(table[0]));
	return table;
}

/* Breakpoints and watchpoints are as many as DFR0 says. */
static bool on_model(const struct sysreg *r, const struct cpu_model *m)
{
	if (!m->has[r->feat])
		return false;
	if (r->off >= OFF(dbgbvr) && r->off < OFF(dbgwvr))
		return r->n <= (m->id[5][0] >> 12 & 15);
	if (r->off >= OFF(dbgwvr) && r->off < OFF(fpcr))
		return r->n <= (m->id[5][0] >> 20 & 15);
	return true;
}

const struct sysreg *sysreg_find(unsigned enc, const struct cpu_model *m)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].enc == enc)
			return on_model(&table[i], m) ? &table[i] : NULL;
	return NULL;
}

void sysreg_reset(struct cpu *c)
{
	memset(&c->sr, 0, sizeof(c->sr));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].off && table[i].reset)
			*storage(c, &table[i]) = table[i].reset;
	c->sr.sctlr = SCTLR_RESET;
	c->sr.oslar = 1;
}

/* ---- access -------------------------------------------------------------- */

bool sysreg_trap(struct cpu *c, unsigned enc, unsigned rt, bool read)
{
	uint32_t iss = (enc >> 14 & 3) << 20 | (enc & 7) << 17 |
		       (enc >> 11 & 7) << 14 | (enc >> 7 & 15) << 10 |
		       rt << 5 | (enc >> 3 & 15) << 1 | read;

	return exc_raise(c, ESR(0x18, iss));
}

static bool undef(struct cpu *c)
{
	return exc_raise(c, ESR(0, 0));
}

/* op0 3, op1 0, 1 or 3, CRn 0, CRm 0..7: FEAT_IDST */
static bool id_space(unsigned enc)
{
	unsigned op1 = enc >> 11 & 7;

	return enc >> 14 == 3 && op1 != 2 && op1 < 4 && (enc >> 7 & 15) == 0 &&
	       (enc >> 3 & 15) < 8;
}

void sysreg_unknown(struct cpu *c, unsigned enc, unsigned rt, bool read)
{
	if (read && c->el == 0 && id_space(enc) && has(c, FEAT_IDST))
		sysreg_trap(c, enc, rt, true);
	else
		undef(c);
}

static bool gate_open(const struct cpu *c, unsigned gate, bool read)
{
	uint64_t sctlr = c->sr.sctlr, k = c->sr.cntkctl, pmu = c->pmu.userenr;

	switch ((enum sysreg_gate)gate) {
	case GATE_NONE: break;
	case GATE_UCT: return sctlr & BIT(15);
	case GATE_UMA: return sctlr & BIT(9);
	case GATE_TSCXT: return !(sctlr & BIT(20));
	case GATE_TDCC: return !(c->sr.mdscr & BIT(12));
	case GATE_CNTFRQ: return k & 3;
	case GATE_PCT: return k & BIT(0);
	case GATE_VCT: return k & BIT(1);
	case GATE_VT: return k & BIT(8);
	case GATE_PT: return k & BIT(9);
	case GATE_PMU: return pmu & BIT(0);
	case GATE_PMU_SW: return pmu & (BIT(0) | BIT(1));
	case GATE_PMU_SEL: return pmu & (BIT(0) | BIT(3));
	case GATE_PMU_CYCLES: return pmu & (BIT(0) | (read ? BIT(2) : 0));
	case GATE_PMU_EVENTS: return pmu & (BIT(0) | (read ? BIT(3) : 0));
	}
	return true;
}

/* Existence and privilege first, then the trap (spec/cpu.md 2.1). */
static bool may(struct cpu *c, const struct sysreg *r, unsigned rt, bool read)
{
	if (c->el == 0) {
		if (!(r->access & (read ? SR_R0 : SR_W0))) {
			sysreg_unknown(c, r->enc, rt, read);
			return false;
		}
		if (!gate_open(c, r->gate, read))
			return sysreg_trap(c, r->enc, rt, read);
		return true;
	}
	if (!(r->access & (read ? SR_R1 : SR_W1)))
		return undef(c);
	/* SP_EL0 has no other name while it is SP */
	if (r->off == OFF(sp_el[0]) && !(c->pstate & PS_SP))
		return undef(c);
	return true;
}

bool sysreg_mrs(struct cpu *c, const struct sysreg *r, unsigned rt,
		uint64_t *val)
{
	if (!may(c, r, rt, true))
		return false;
	*val = r->read ? r->read(c, r) : *storage(c, r);
	return true;
}

enum sysreg_next sysreg_msr(struct cpu *c, const struct sysreg *r, unsigned rt,
			    uint64_t val)
{
	if (!may(c, r, rt, false))
		return SR_FAULT;
	if (r->write)
		return r->write(c, r, val);
	*storage(c, r) = val & r->mask;
	return SR_NEXT;
}
