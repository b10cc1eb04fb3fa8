/* fpstate.h: FPCR and FPSR for those outside the FP classes. What the host's
 * FPU has to do with it is in fp.h. */
#ifndef INTERP_FPSTATE_H
#define INTERP_FPSTATE_H

#include "fp.h"

/* Around guest code on the vCPU's thread. */
static inline void fpstate_enter(struct cpu *c)
{
	fp_enter(c);
}

static inline void fpstate_leave(struct cpu *c)
{
	fp_leave(c);
}

/* The sticky flags, those in the host's FPU included. c's thread. */
static inline uint32_t fpstate_read_fpsr(struct cpu *c)
{
	return fp_get_fpsr(c);
}

static inline void fpstate_write_fpsr(struct cpu *c, uint32_t v)
{
	fp_set_fpsr(c, v);
}

/* Keeps implemented bits. The caller goes on by mmu_view() and op_sync where
 * the value changed. */
static inline void fpstate_write_fpcr(struct cpu *c, uint32_t v)
{
	fp_set_fpcr(c, v);
}

#endif
