/* regs.c: registers by number; regs.h.
 *
 * The CPU is parked, so its FPU state is in cpu.sr, not in the host's. */
#include <string.h>

#include "cpu_reg.h"
#include "debug.h"
#include "except.h"
#include "fp.h"
#include "mmu.h"
#include "model.h"
#include "regs.h"
#include "sysreg.h"

/* The bank that x[31] stands for; except.c. */
static uint64_t *sp_el(struct cpu *c, unsigned bank)
{
	unsigned now = c->el && c->pstate & PS_SP;

	return bank == now ? &c->x[REG_SP] : &c->sr.sp_el[bank];
}

/* The EL, SP and M[4] of an AArch64 state at EL0 or EL1 only. */
static int set_pstate(struct cpu *c, uint64_t val)
{
	uint32_t ps = (uint32_t)(val & c->in->model->spsr_mask);
	uint32_t mode = ps & 0x1f;

	if (mode != 0 && mode != 4 && mode != 5)
		return -1;
	except_set_pstate(c, ps);
	return 0;
}

static int set_fpcr(struct cpu *c, uint32_t val)
{
	fp_set_fpcr(c, val);
	mmu_view(c);
	return 0;
}

static uint64_t *core(struct cpu *c, uint64_t id)
{
	switch (id) {
	case CPU_REG_SP_EL0: return sp_el(c, 0);
	case CPU_REG_SP_EL1: return sp_el(c, 1);
	case CPU_REG_PC: return &c->pc;
	case CPU_REG_ELR_EL1: return &c->sr.elr;
	case CPU_REG_SPSR_EL1: return &c->sr.spsr;
	}
	if (id >= CPU_REG_X(0) && id <= CPU_REG_X(30) && !(id & 1))
		return &c->x[(id - CPU_REG_X(0)) / 2];
	return NULL;
}

/* What can be read, or written, without doing anything beside: not the GIC's
 * CPU interface, where a read acknowledges, and not random numbers. */
static bool harmless(const struct sysreg *r)
{
	unsigned crn = r->enc >> 7 & 15, op0 = r->enc >> 14;
	bool gic = op0 == 3 && !strncmp(r->name, "ICC_", 4);
	bool rndr = r->enc >> 3 == SYSREG(3, 3, 2, 4, 0) >> 3;
	/* they have numbers of their own: the host's FPU is not the guest's */
	bool fp = r->enc >> 3 == SYSREG(3, 3, 4, 4, 0) >> 3;

	return !gic && !rndr && !fp && !(op0 == 2 && crn == 7);
}

static int word64(uint64_t *reg, bool set, uint64_t *val)
{
	if (set)
		*reg = *val;
	else
		*val = *reg;
	return 0;
}

static int sys(struct cpu *c, unsigned enc, bool set, uint64_t *val)
{
	const struct sysreg *r = sysreg_find(enc, c->in->model);
	char *at;

	if (!r || !harmless(r) ||
	    !(r->access & (set ? SR_W0 | SR_W1 : SR_R0 | SR_R1)))
		return -1;
	if (enc == SYSREG(3, 0, 4, 1, 0))
		return word64(sp_el(c, 0), set, val);
	at = (char *)&c->sr + (r->off - 1);
	if (!set) {
		if (r->read)
			*val = r->read(c, r);
		else
			memcpy(val, at, 8);
		return 0;
	}
	if (r->write)
		return r->write(c, r, *val) == SR_FAULT ? -1 : 0;
	*val &= r->mask;
	memcpy(at, val, 8);
	return 0;
}

static int fp_word(struct cpu *c, bool fpcr, bool set, void *val)
{
	uint32_t w = fpcr ? c->sr.fpcr : c->sr.fpsr;

	if (!set) {
		memcpy(val, &w, 4);
		return 0;
	}
	memcpy(&w, val, 4);
	if (fpcr)
		return set_fpcr(c, w);
	c->sr.fpsr = w & FPSR_MASK;
	return 0;
}

static int double_word(struct cpu *c, uint64_t id, bool set, uint64_t *val)
{
	uint64_t *reg = core(c, id);

	if (id == CPU_REG_PSTATE && set)
		return set_pstate(c, *val);
	if (id == CPU_REG_PSTATE) {
		*val = except_pstate(c);
		return 0;
	}
	if (id == CPU_REG_SPSR_EL1)
		*val &= c->in->model->spsr_mask;
	if (reg)
		return word64(reg, set, val);
	if (id >> 16 != (CPU_REG_U64 | CPU_REG_SYS) >> 16)
		return -1;
	return sys(c, (unsigned)(id & 0xffff), set, val);
}

int regs_access(struct vcpu *v, uint64_t id, bool set, void *val)
{
	struct cpu *c = v->priv;
	uint64_t x = 0;

	if (id >= CPU_REG_V(0) && id <= CPU_REG_V(31) &&
	    !((id - CPU_REG_V(0)) % 4)) {
		vreg *reg = &c->v[(id - CPU_REG_V(0)) / 4];

		memcpy(set ? (void *)reg : val, set ? val : (void *)reg, 16);
		return 0;
	}
	if (id == CPU_REG_FPSR || id == CPU_REG_FPCR)
		return fp_word(c, id == CPU_REG_FPCR, set, val);
	if (cpu_reg_size(id) != 8)
		return -1;
	if (set)
		memcpy(&x, val, 8);
	if (double_word(c, id, set, &x))
		return -1;
	if (!set)
		memcpy(val, &x, 8);
	return 0;
}
