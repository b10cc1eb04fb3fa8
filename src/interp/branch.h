/* branch.h: how branches are taken, and the sets of branch handlers.
 *
 * A file that includes this with BRANCH_COUNT set makes handlers that also
 * keep cpu.icount (CTX_COUNT). */
#ifndef INTERP_BRANCH_H
#define INTERP_BRANCH_H

#include "decode.h"
#include "op.h"

/* [far]: 0 same page, 1 through the code TLB */
struct branch_table {
	op_fn *b[2], *bl[2];
	op_fn *cond[16][2];
	op_fn *cb[2][2][2];             /* [64-bit][nonzero] */
	op_fn *tb[2][2];                /* [nonzero] */
	op_fn *ind[3], *ind_auth[3];    /* BR, BLR, RET */
};

extern const struct branch_table branch_table, branch_table_count;

/* ---- taking one ---------------------------------------------------------- */

#ifndef BRANCH_COUNT
#define BRANCH_COUNT 0
#endif
#if BRANCH_COUNT
#define COUNT_TO(p) do { \
	uint64_t count_n = c->icount + REC_NO(ip) + 1; \
	c->icount = count_n - REC_NO(p); \
	COUNT_CHECK(count_n); \
} while (0)
#else
#define COUNT_TO(p) ((void)0)
#endif

#define BR_TAKE() do { \
	const struct rec *to = (const struct rec *)((const char *)ip + \
						    ip->imm); \
	COUNT_TO(to); \
	TAKE_REC(to); \
} while (0)

#define BR_FAR(va_) do { \
	uint64_t far_va = (va_); \
	struct codee *far_e = &TLB->code[far_va >> 12 & (CODE_TLB_SIZE - 1)]; \
	if (UNLIKELY(far_e->tag != (far_va & ~0xffcull))) { \
		c->pc = far_va; \
		GO(lookup); \
	} \
	const struct rec *far_to = far_e->recs + \
		(far_va >> 2 & (REC_WORDS - 1)); \
	COUNT_TO(far_to); \
	c->pcbase = far_e->pcbase; \
	TAKE_REC(far_to); \
} while (0)

/* The same for branches that use no operand but imm. Their operands hold where
 * they went last, as a distance in records: the next instruction's record then
 * need not wait for the code TLB, which is only asked whether that is right.
 * Any CPU may write it: whatever it is, it is looked at before it is used. */
static inline const struct rec *br_guess(const struct rec *ip)
{
	return ip + __atomic_load_n((const int32_t *)(const void *)&ip->rd,
				    __ATOMIC_RELAXED);
}
static inline void br_learn(const struct rec *ip, const struct rec *to)
{
	ptrdiff_t d = to - ip;

	if (d == (int32_t)d)
		__atomic_store_n((int32_t *)(void *)&((struct rec *)ip)->rd,
				 (int32_t)d, __ATOMIC_RELAXED);
}
#define BR_FAR_GUESS(va_) do { \
	uint64_t far_va = (va_); \
	struct codee *far_e = &TLB->code[far_va >> 12 & (CODE_TLB_SIZE - 1)]; \
	const struct rec *far_to = br_guess(ip), *far_real; \
	if (UNLIKELY(far_e->tag != (far_va & ~0xffcull))) { \
		c->pc = far_va; \
		GO(lookup); \
	} \
	far_real = far_e->recs + (far_va >> 2 & (REC_WORDS - 1)); \
	if (UNLIKELY(same_unknown(far_real) != far_to)) { \
		far_to = far_real; \
		br_learn(ip, far_to); \
	} \
	COUNT_TO(far_to); \
	c->pcbase = PCBASE(far_va, far_to); \
	TAKE_REC(far_to); \
} while (0)

/* An indirect branch to a guarded page sets PSTATE.BTYPE and goes the slow
 * way, which looks at the target (run.c). RET never sets it. */
#define BR_INDIRECT(va_, btype_) do { \
	uint64_t ind_va = (va_); \
	struct codee *ind_e = &TLB->code[ind_va >> 12 & (CODE_TLB_SIZE - 1)]; \
	if (UNLIKELY(ind_e->tag != (ind_va & ~0xffcull) || ind_e->guarded)) { \
		c->pc = ind_va; \
		c->pstate |= (btype_) << 10; \
		GO(lookup_tagged); \
	} \
	const struct rec *ind_to = ind_e->recs + \
		(ind_va >> 2 & (REC_WORDS - 1)); \
	COUNT_TO(ind_to); \
	c->pcbase = ind_e->pcbase; \
	TAKE_REC(ind_to); \
} while (0)

#endif
