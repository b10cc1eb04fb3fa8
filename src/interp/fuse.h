/* fuse.h: two or three instructions that one handler runs.
 *
 * fuse.def lists the pairs, fuse3.def the triples, fuse_branch.def those that
 * end in a branch, all chosen by counting what real guests execute
 * (tests/bench/profile.py); the handlers are made of hot.h's macros. A fused
 * record keeps the operands of its own instruction: its handler does that one,
 * steps to the next record, and does that one with that record's operands. So
 *
 * - fusing changes nothing but `h`, at any time, and a jump between two of
 *   them is right for free;
 * - a fault in any of them leaves from the record that it belongs to, and what
 *   was done before is done: exceptions are precise as without fusion;
 * - a record is fused when it and the next ones have been decoded, which is
 *   when they run for the first time (run.c).
 *
 * Not used where each instruction must be seen (CTX_STEP, PROFILE). */
#ifndef INTERP_FUSE_H
#define INTERP_FUSE_H

#include "decode.h"

/* How one uses the result of the one before: not, or in any way; as its Rn; as
 * its Rm; as both. All but the first spare the way through memory. Only after
 * one whose macro sets `res` (hot.h). */
enum fuse_dep { FUSE_O, FUSE_N, FUSE_M, FUSE_B };

struct fusion {
	op_fn *first;                   /* of a triple: its pair */
	op_fn *second;                  /* NULL: a branch, */
	uint16_t branch;                /* at this offset of branch tables */
	uint8_t dep;                    /* enum fuse_dep */
	op_fn *fused;
};
/* Ended by a row without first. The branch tables: plain, and for CTX_COUNT. */
extern const struct fusion fuse_pairs[], fuse_triples[], fuse_branches[],
	fuse_branches_count[];

/* The handler for record r and the next one, or NULL. `first` and `second` are
 * what the two would run on their own. */
op_fn *fuse_two(const struct rec *r, op_fn *first, op_fn *second);
/* The same for what `pair` runs, as fuse_two gave it, from record r on, and a
 * third. NULL, too, where `pair` is none. */
op_fn *fuse_three(const struct rec *r, op_fn *pair, op_fn *third);
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
/* HEAD: how the handler is declared (op.h) */
#define FUSE_OP(HEAD, a, b, dep) \
HEAD(a##__##b##_##dep) { \
	HOT_RES; \
	DO_##a(X(rn), X(rm)); \
	ip++; \
	DO_##b(FUSE_RN_##dep, FUSE_RM_##dep); \
	NEXT(1); \
}
/* `dep` of a and b, `dep2` of b and c */
#define FUSE3_OP(a, b, dep, c, dep2) \
OP(a##__##b##_##dep##__##c##_##dep2) { \
	HOT_RES; \
	DO_##a(X(rn), X(rm)); \
	ip++; \
	DO_##b(FUSE_RN_##dep, FUSE_RM_##dep); \
	ip++; \
	DO_##c(FUSE_RN_##dep2, FUSE_RM_##dep2); \
	NEXT(1); \
}

#endif
