/* debug.h: self-hosted debug: breakpoints, watchpoints, software step, and
 * the single step of accel.h. Arm ARM D2; spec/cpu.md 4.4. */
#ifndef INTERP_DEBUG_H
#define INTERP_DEBUG_H

#include "cpu.h"
#include "mmu.h"

int debug_open(struct cpu *c, struct err *);
void debug_close(struct cpu *c);
void debug_reset(struct cpu *c);
/* One instruction (VX_STEP), on the CPU's own thread. */
void debug_step(struct cpu *c);

/* CTX_STEP where code at this EL needs a check per instruction, else 0. It
 * follows from registers alone (MDSCR, OSLAR, DBGxxR), not from PSTATE: D and
 * SS change with every exception and are looked at by the step handler. Who
 * writes those registers calls mmu_view(). */
uint32_t debug_ctx(const struct cpu *c, unsigned el);

/* Watchpoints, for mmu.c; both are called only while MDSCR_EL1.MDE is set.
 * debug_watched: may any enabled watchpoint match in va..va+len-1, by whatever
 * access at whatever EL? Such pages get no inline TLB entry, so whoever changes
 * a watchpoint, MDSCR.MDE or the OS lock calls mmu_flush_inline().
 * debug_watch: does this access hit one now? Then false, with c->exc set. */
bool debug_watched(const struct cpu *c, uint64_t va, uint64_t len);
bool debug_watch(struct cpu *c, uint64_t va, unsigned size, enum mmu_access,
		 unsigned flags);

#endif
