/* atomic_ops.h: what atomic.c shares with its slow half. */
#ifndef INTERP_ATOMIC_OPS_H
#define INTERP_ATOMIC_OPS_H

#include "atomic.h"
#include "ldst.h"

/* The second register of a CASP pair, whose first is even: X30 pairs with
 * XZR. As a source, and as a destination. */
#define SECOND(r) ((r) == 30 ? REG_ZERO : (r) + 1)
#define SECOND_DST(r) ((r) == 30 ? REG_SINK : (r) + 1)

OP_GLOBAL(atomic_slow);

#endif
