/* debug.h: self-hosted debug: breakpoints, watchpoints, software step, and
 * the single step of accel.h. Arm ARM D2; spec/cpu.md 4.4. */
#ifndef INTERP_DEBUG_H
#define INTERP_DEBUG_H

#include "cpu.h"
#include "mmu.h"

int debug_open(struct cpu *c, struct err *);
void debug_close(struct cpu *c);
void debug_reset(struct cpu *c);
/* One instruction, on the CPU's own thread. False: a kick came before it. */
bool debug_step(struct cpu *c);
/* Is debug_step under way? Then waits end at once; */
bool debug_stepping(const struct cpu *c);
/* and with vm->step_noirq interrupts are not taken. */
bool debug_holds_irq(const struct cpu *c);

/* ---- the debugger's points (debug_host.c) ----------------------------------
 * vm->point; the guest's own registers know nothing of them. Pages with a
 * breakpoint run with CTX_STEP, all others as ever; pages with a watchpoint get
 * no inline TLB entry. A CPU that meets one leaves run_cpu before the
 * instruction, with vcpu->stop set. */

/* CTX_STEP where a breakpoint lies in this page of code, else 0. */
uint32_t debug_host_ctx(const struct cpu *c, uint64_t page);
/* Does one lie at pc? Then sets vcpu->stop. */
bool debug_host_break(struct cpu *c, uint64_t pc);
/* As debug_watched and debug_watch; the latter returns false with EXC_DEBUGGER
 * in c->exc. */
bool debug_host_watched(const struct cpu *c, uint64_t va, uint64_t len);
bool debug_host_watch(struct cpu *c, uint64_t va, unsigned size,
		      enum mmu_access, unsigned flags);
/* accel.h's debug. */
int debug_host_points(struct vm *, struct err *);

/* CTX_STEP where code at this EL needs a check per instruction, or --trace
 * shows each, else 0. It follows from registers alone (MDSCR, OSLAR, DBGxxR),
 * not from PSTATE: D and SS change with every exception and are looked at by the
 * step handler. Who writes those registers calls mmu_view(). */
uint32_t debug_ctx(const struct cpu *c, unsigned el);

/* Watchpoints, for mmu.c, which calls both only where debug_watching().
 * debug_watched: may any enabled watchpoint match in va..va+len-1, by whatever
 * access at whatever EL? Such pages get no inline TLB entry, so whoever changes
 * a watchpoint, MDSCR.MDE or the OS lock calls mmu_flush_inline().
 * debug_watch: does this access hit one now? Then false, with c->exc set. */
static inline bool debug_watching(const struct cpu *c)
{
	return c->sr.mdscr & 1u << 15 || c->in->watches;
}
bool debug_watched(const struct cpu *c, uint64_t va, uint64_t len);
bool debug_watch(struct cpu *c, uint64_t va, unsigned size, enum mmu_access,
		 unsigned flags);

#endif
