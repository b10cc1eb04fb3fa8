/* except.c: exception entry, ERET, interrupts, PSTATE.
 *
 * Arm ARM D1.3 (exception entry, return, illegal return), D2 (software step);
 * spec/cpu.md 4.1. Exceptions go to EL1, there is no other target. Nothing
 * here empties a TLB: another EL is another view (cpu.h). */
#include "except.h"
#include "flags.h"
#include "mmu.h"
#include "model.h"
#include "pmu.h"
#include "trace.h"

#define SCTLR_SPAN (1ull << 23)
#define SCTLR_DSSBS (1ull << 44)
#define MDSCR_SS 1u
#define MDSCR_KDE (1u << 13)

enum { VEC_SYNC = 0x000, VEC_IRQ = 0x080, VEC_FIQ = 0x100 };
enum { EC_SVC = 0x15, EC_SMC = 0x17 };

bool exc_raise(struct cpu *c, uint32_t esr)
{
	c->exc.esr = esr;
	c->exc.has_far = false;
	c->exc.ret_set = false;
	return false;
}

bool exc_raise_far(struct cpu *c, uint32_t esr, uint64_t far)
{
	c->exc.esr = esr;
	c->exc.has_far = true;
	c->exc.far = far;
	c->exc.ret_set = false;
	return false;
}

uint32_t except_pstate(const struct cpu *c)
{
	return c->pstate | flags_nzcv(c->fa, c->fb, c->fk) << 28;
}

/* The bank that x[31] stands for: SP_EL0 or SP_EL1. */
static inline unsigned sp_bank(uint32_t pstate)
{
	return pstate & PS_EL && pstate & PS_SP;
}

/* Replaces PSTATE but NZCV; SP and the view follow. */
static inline void set_pstate(struct cpu *c, uint32_t ps)
{
	unsigned from = sp_bank(c->pstate), to = sp_bank(ps);

	if (from != to) {
		c->sr.sp_el[from] = c->x[REG_SP];
		c->x[REG_SP] = c->sr.sp_el[to];
	}
	if (UNLIKELY(c->pmu.active))
		pmu_leave_el(c);
	c->pstate = ps & ~(PS_N | PS_Z | PS_C | PS_V);
	c->el = ps >> 2 & 3;
	mmu_pick(c);
}

static inline void set_nzcv(struct cpu *c, uint32_t spsr)
{
	c->fa = spsr >> 28;
	c->fb = 0;
	c->fk = FK_NZCV;
}

void except_set_pstate(struct cpu *c, uint32_t spsr)
{
	set_pstate(c, spsr);
	set_nzcv(c, spsr);
}

/* AArch64.TakeException to EL1; `spsr` is PSTATE as it was. */
static inline void enter(struct cpu *c, unsigned offset, uint64_t ret,
			 uint32_t spsr)
{
	const struct cpu_model *m = c->in->model;
	uint64_t sctlr = c->sr.sctlr;
	uint32_t ps = (c->pstate & (PS_DIT | PS_PAN)) | PS_DAIF | 1u << 2 |
		      PS_SP;

	if (c->el == 0)
		offset += 0x400;
	else if (c->pstate & PS_SP)
		offset += 0x200;
	if (!(sctlr & SCTLR_SPAN) && m->has[FEAT_PAN])
		ps |= PS_PAN;
	if (sctlr & SCTLR_DSSBS && m->has[FEAT_SSBS])
		ps |= PS_SSBS;
	if (m->has[FEAT_MTE])
		ps |= PS_TCO;
	c->sr.spsr = spsr;
	c->sr.elr = ret;
	set_pstate(c, ps);
	c->pc = mmu_branch_target(c, (c->sr.vbar & ~0x7ffull) + offset);
}

void except_sync(struct cpu *c)
{
	uint32_t spsr = except_pstate(c), ec = c->exc.esr >> 26;

	/* these have completed: SSAdvance, Arm ARM D2.12 */
	if (ec >= EC_SVC && ec <= EC_SMC)
		spsr &= ~PS_SS;
	c->sr.esr = c->exc.esr;
	if (c->exc.has_far)
		c->sr.far = c->exc.far;
	c->exc.ret_set = false;
	enter(c, VEC_SYNC, c->exc.ret, spsr);
}

static void take_irq(struct cpu *c, bool fiq)
{
	if (UNLIKELY(c->in->trace & TRACE_IRQS))
		trace_irq(c->in->vm->trace, c->index, fiq, c->el, c->pc);
	enter(c, fiq ? VEC_FIQ : VEC_IRQ, c->pc, except_pstate(c));
}

bool except_irq(struct cpu *c)
{
	uint32_t lines = atomic_load(&c->irq_lines);

	if (lines & 2 && !(c->pstate & PS_F)) {
		c->n_fiq++;
		take_irq(c, true);
		return true;
	}
	if (lines & 1 && !(c->pstate & PS_I)) {
		c->n_irq++;
		take_irq(c, false);
		return true;
	}
	return false;
}

bool except_debug_enabled(const struct cpu *c, unsigned el, bool d)
{
	if (c->sr.oslar & 1)
		return false;
	if (c->sr.osdlr & 1 && c->in->model->has[FEAT_DoubleLock])
		return false;
	return el == 0 || (c->sr.mdscr & MDSCR_KDE && !d);
}

/* DebugExceptionReturnSS: PSTATE.SS after an ERET to `el` with `spsr`. */
static uint32_t return_ss(const struct cpu *c, uint32_t spsr, unsigned el)
{
	if (LIKELY(!(c->sr.mdscr & MDSCR_SS)))
		return 0;
	if (except_debug_enabled(c, c->el, c->pstate & PS_D) ||
	    !except_debug_enabled(c, el, spsr & PS_D))
		return 0;
	return spsr & PS_SS;
}

void except_eret(struct cpu *c, uint64_t elr)
{
	uint32_t spsr = (uint32_t)c->sr.spsr & c->in->model->spsr_mask;
	uint32_t mode = spsr & 0x1f, ps;

	c->excl_valid = false;
	atomic_store_explicit(&c->event, true, memory_order_relaxed);
	if (LIKELY(mode == 0 || mode == 4 || mode == 5)) {
		ps = (spsr & ~PS_SS) | return_ss(c, spsr, mode >> 2);
	} else {
		/* illegal return: stays at this EL and SP; what a legal one
		 * alone restores is kept */
		const uint32_t both = PS_PAN | PS_DAIF;

		ps = (c->pstate & ~(both | PS_SS)) | (spsr & both) | PS_IL |
		     return_ss(c, spsr, c->el);
	}
	set_pstate(c, ps);
	set_nzcv(c, spsr);
	c->pc = mmu_branch_target(c, elr);
}
