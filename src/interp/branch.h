/* branch.h: the sets of branch handlers. */
#ifndef INTERP_BRANCH_H
#define INTERP_BRANCH_H

#include "decode.h"

/* [far]: 0 same page, 1 through the code TLB */
struct branch_table {
	op_fn *b[2], *bl[2];
	op_fn *cond[16][2];
	op_fn *cb[2][2][2];             /* [64-bit][nonzero] */
	op_fn *tb[2][2];                /* [nonzero] */
	op_fn *ind[3], *ind_auth[3];    /* BR, BLR, RET */
};

extern const struct branch_table branch_table, branch_table_count;

#endif
