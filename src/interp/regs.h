/* regs.h: registers by number, for the debugger: accel.h's cpu_reg. */
#ifndef INTERP_REGS_H
#define INTERP_REGS_H

#include <stdbool.h>
#include <stdint.h>

#include "vm.h"

/* The CPU is parked. */
int regs_access(struct vcpu *v, uint64_t id, bool set, void *val);

#endif
