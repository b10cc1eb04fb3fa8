/* fuse.h: pairs of instructions that one handler runs.
 *
 * fuse.def and fuse_branch.def list the pairs, chosen by counting what real
 * guests execute (tests/bench/profile.py); the handlers are made of hot.h's
 * macros. A fused record keeps the operands of its own instruction: its handler
 * does that one, steps to the next record, and does that one with that
 * record's operands. So
 *
 * - fusing changes nothing but `h`, at any time, and a jump between the two
 *   is right for free;
 * - a fault in either half leaves from the record that it belongs to, and what
 *   was done before is done: exceptions are precise as without fusion;
 * - a record is fused when both it and the next one have been decoded, which
 *   is when they run for the first time (run.c).
 *
 * Not used where each instruction must be seen (CTX_STEP, PROFILE). */
#ifndef INTERP_FUSE_H
#define INTERP_FUSE_H

#include "decode.h"

/* How the second uses the result of the first: not, or in any way; as its Rn;
 * as its Rm; as both. All but the first spare the way through memory. */
enum fuse_dep { FUSE_O, FUSE_N, FUSE_M, FUSE_B };

struct fusion {
	op_fn *first;
	op_fn *second;                  /* NULL: a branch, */
	uint16_t branch;                /* at this offset of branch tables */
	uint8_t dep;                    /* enum fuse_dep */
	op_fn *fused;
};
/* Ended by a row without first. The branch tables: plain, and for CTX_COUNT. */
extern const struct fusion fuse_table[], fuse_branches[],
	fuse_branches_count[];

/* The handler for record r and the next one, or NULL. `first` and `second` are
 * what the two would run on their own. */
op_fn *fuse_find(const struct rec *r, op_fn *first, op_fn *second);
/* What a record with handler `h` would run on its own. */
op_fn *fuse_plain(op_fn *h);

/* ---- for the files with the tables ------------------------------------------ */

#define FUSE_RN_O X(rn)
#define FUSE_RM_O X(rm)
#define FUSE_RN_N res
#define FUSE_RM_N X(rm)
#define FUSE_RN_M X(rn)
#define FUSE_RM_M res
#define FUSE_RN_B res
#define FUSE_RM_B res
#define FUSE_OP(a, b, dep) \
OP(a##__##b##_##dep) { \
	HOT_RES; \
	DO_##a(X(rn), X(rm)); \
	ip++; \
	DO_##b(FUSE_RN_##dep, FUSE_RM_##dep); \
	NEXT(1); \
}

#endif
