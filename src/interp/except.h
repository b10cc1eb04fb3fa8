/* except.h: exceptions, ERET, PSTATE, interrupts. Arm ARM D1; spec/cpu.md 4. */
#ifndef INTERP_EXCEPT_H
#define INTERP_EXCEPT_H

#include "cpu.h"

#define ESR(ec, iss) ((uint32_t)(ec) << 26 | 1u << 25 | (uint32_t)(iss))

/* In c->exc.esr: no exception, the debugger stops the CPU before this
 * instruction (debug.h). */
#define EXC_DEBUGGER 0u

/* PSTATE with NZCV from c->fa.. (FLAGS_OUT first), as SPSR shows it. */
uint32_t except_pstate(const struct cpu *c);
/* Sets PSTATE (all of it: EL, SP bank, flags into c->fa..., view). */
void except_set_pstate(struct cpu *c, uint32_t spsr);

/* Takes c->exc to EL1: c->pc := vector. c->exc.ret is the ELR; SVC, HVC and
 * SMC count as completed for software step. */
void except_sync(struct cpu *c);
/* Takes a pending, unmasked interrupt with c->pc as ELR; false: none. */
bool except_irq(struct cpu *c);
/* ERET with this ELR value (already authenticated): sets c->pc, PSTATE. If IL
 * or BTYPE is set after it, go on by op_lookup, which looks at them. */
void except_eret(struct cpu *c, uint64_t elr);
/* Debug exceptions enabled at `el` with PSTATE.D = d? MDE and SS come on top.
 * Arm ARM D2.4; spec/cpu.md 4.4. */
bool except_debug_enabled(const struct cpu *c, unsigned el, bool d);
/* Anything pending that PSTATE lets through? */
static inline bool except_irq_ready(const struct cpu *c)
{
	uint32_t l = atomic_load_explicit(&c->irq_lines, memory_order_relaxed);

	return (l & 1 && !(c->pstate & PS_I)) || (l & 2 && !(c->pstate & PS_F));
}
/* Makes c->exc; returns false so that callers can `return exc_raise(...)`. */
bool exc_raise(struct cpu *c, uint32_t esr);
bool exc_raise_far(struct cpu *c, uint32_t esr, uint64_t far);

#endif
