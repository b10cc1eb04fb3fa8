/* iclock.h: guest time by executed instructions (--clock=insn).
 *
 * With one CPU, guest time is the number of instructions it has executed, times
 * a rate, plus what it slept: a wait ends at once at the next deadline. Nothing
 * asynchronous is left then: timers fall due at an instruction, and after each
 * access to a device the CPU waits until everything that it set going is done
 * (vm.settle). So two runs with the same input are the same run.
 *
 * Counting is CTX_COUNT's; taken branches compare with cpu.ideadline and set
 * REQ_TIME, which run.c serves here. All of it runs on the CPU's thread. */
#ifndef INTERP_ICLOCK_H
#define INTERP_ICLOCK_H

#include "cpu.h"

struct config;

/* Sets in->iclock where the options ask for it; opens --trace-hash. */
int iclock_open(struct interp *in, const struct config *, struct err *);
void iclock_close(struct interp *in);
/* After a reset of the CPU. */
void iclock_reset(struct cpu *c);

/* Guest time in nanoseconds at cpu.inow. */
uint64_t iclock_now(const struct cpu *c);
/* The timers' next deadline has changed to guest time `next`. */
void iclock_timer(struct cpu *c, uint64_t next);
/* The monitors' next overflow is at instruction `deadline`, by whichever clock.
 */
void iclock_pmu(struct cpu *c, uint64_t deadline);
/* Before an access to a device: its clock. */
void iclock_device(struct cpu *c);
/* Serves REQ_TIME; cpu.inow is right, cpu.pc and the flags are in place. False:
 * the machine wants its threads back; REQ_TIME stays. */
bool iclock_serve(struct cpu *c);
/* WFI and WFE: lets time pass to `until` or to the first deadline before it at
 * which anything happens. Where nothing is to come, `block` waits for the
 * outside. */
void iclock_wait(struct cpu *c, uint64_t until, bool block);

#endif
