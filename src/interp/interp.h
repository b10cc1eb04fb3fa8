/* interp.h: the interpreter as an accelerator, for its own files. */
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "cpu.h"

/* Reset state (Arm ARM D1, warm reset to EL1h, MMU off, DAIF set), then pc and
 * x0. The CPU is not running, or it is c's own thread (PSCI CPU_ON). */
void interp_reset_cpu(struct cpu *c, uint64_t pc, uint64_t x0);

#endif
