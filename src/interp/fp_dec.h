/* fp_dec.h: fields that the decode functions of scalar floating point share. */
#ifndef INTERP_FP_DEC_H
#define INTERP_FP_DEC_H

#include "decode.h"
#include "softfp.h"

/* The format in bits 23:22; 0: unallocated in this CPU. */
static inline enum fpfmt fp_type(const struct dec *d)
{
	switch (bits(d->w, 23, 22)) {
	case 0: return FP_S;
	case 1: return FP_D;
	case 3: return d->model->has[FEAT_FP16] ? FP_H : 0;
	default: return 0;
	}
}

/* All four operands are vector registers, not slots. */
static inline void fp_regs(struct dec *d)
{
	d->r->rd = d->rd;
	d->r->rn = d->rn;
	d->r->rm = d->rm;
	d->r->ra = d->ra;
}

#endif
