/* fuse_branch.c: compare and branch in one record; see fuse.h. Compiled twice,
 * as branch.c is. */
#include "cond.h"
#include "fuse.h"
#include "op.h"

#ifndef BRANCH_COUNT
#define BRANCH_COUNT 0
#endif
#if BRANCH_COUNT
#define FUSE_TABLE fuse_table_count
#define COUNT_TO(p) do { \
	uint64_t count_n = c->icount + REC_NO(ip) + 2; \
	c->icount = count_n - REC_NO(p); \
	COUNT_CHECK(count_n); \
} while (0)
#else
#define FUSE_TABLE fuse_table
#define COUNT_TO(p) ((void)0)
#endif

#define FUSE_TAKE() do { \
	const struct rec *to = (const struct rec *)((const char *)ip + \
						    ip->imm); \
	COUNT_TO(to); \
	TAKE_REC(to); \
} while (0)

/* The conditions when the kind of the flags is known. VS and VC are rare and
 * go the general way. */
#define SUB_CONDS(F, ...) \
	F(eq, FA == FB, __VA_ARGS__) F(ne, FA != FB, __VA_ARGS__)              \
	F(cs, FA >= FB, __VA_ARGS__) F(cc, FA < FB, __VA_ARGS__)               \
	F(mi, (int64_t)(FA - FB) < 0, __VA_ARGS__)                             \
	F(pl, (int64_t)(FA - FB) >= 0, __VA_ARGS__)                            \
	F(vs, CC_VS, __VA_ARGS__) F(vc, !CC_VS, __VA_ARGS__)                   \
	F(hi, FA > FB, __VA_ARGS__) F(ls, FA <= FB, __VA_ARGS__)               \
	F(ge, (int64_t)FA >= (int64_t)FB, __VA_ARGS__)                         \
	F(lt, (int64_t)FA < (int64_t)FB, __VA_ARGS__)                          \
	F(gt, (int64_t)FA > (int64_t)FB, __VA_ARGS__)                          \
	F(le, (int64_t)FA <= (int64_t)FB, __VA_ARGS__)
#define LOGIC_CONDS(F, ...) \
	F(eq, FA == 0, __VA_ARGS__) F(ne, FA != 0, __VA_ARGS__)                \
	F(cs, false, __VA_ARGS__) F(cc, true, __VA_ARGS__)                     \
	F(mi, (int64_t)FA < 0, __VA_ARGS__)                                    \
	F(pl, (int64_t)FA >= 0, __VA_ARGS__)                                   \
	F(vs, false, __VA_ARGS__) F(vc, true, __VA_ARGS__)                     \
	F(hi, false, __VA_ARGS__) F(ls, true, __VA_ARGS__)                     \
	F(ge, (int64_t)FA >= 0, __VA_ARGS__)                                   \
	F(lt, (int64_t)FA < 0, __VA_ARGS__)                                    \
	F(gt, (int64_t)FA > 0, __VA_ARGS__)                                    \
	F(le, (int64_t)FA <= 0, __VA_ARGS__)

#define SUB_BRANCH(cc, cond, n, a, b, result)                                  \
	OP(n##_##cc)                                                           \
	{                                                                      \
		FA = (a);                                                      \
		FB = (b);                                                      \
		FK = FK_SUB;                                                   \
		result;                                                        \
		if (cond)                                                      \
			FUSE_TAKE();                                           \
		NEXT(2);                                                       \
	}
#define LOGIC_BRANCH(cc, cond, n, a)                                           \
	OP(n##_##cc)                                                           \
	{                                                                      \
		FA = (a);                                                      \
		FB = 0;                                                        \
		FK = FK_LOGIC;                                                 \
		if (cond)                                                      \
			FUSE_TAKE();                                           \
		NEXT(2);                                                       \
	}

#define I16 ((uint64_t)fuse_get16(ip))
#define TST_IMM ((uint64_t)(uint32_t)decode_bitmask_table[fuse_get16(ip)])
SUB_CONDS(SUB_BRANCH, cmp_i, X(rn), I16, (void)0)
SUB_CONDS(SUB_BRANCH, cmp_iw, X(rn) << 32, I16 << 32, (void)0)
SUB_CONDS(SUB_BRANCH, cmp_r, X(rn), X(rm), (void)0)
SUB_CONDS(SUB_BRANCH, cmp_rw, X(rn) << 32, X(rm) << 32, (void)0)
SUB_CONDS(SUB_BRANCH, subs_i, X(rn), I16, X(rd) = FA - FB)
SUB_CONDS(SUB_BRANCH, subs_iw, X(rn) << 32, I16 << 32, X(rd) = (FA - FB) >> 32)
LOGIC_CONDS(LOGIC_BRANCH, tst_r, X(rn) & X(rm))
LOGIC_CONDS(LOGIC_BRANCH, tst_rw, (X(rn) & X(rm)) << 32)
LOGIC_CONDS(LOGIC_BRANCH, tst_iw, (X(rn) & TST_IMM) << 32)

#define ROW(n) \
	{ op_##n##_eq, op_##n##_ne, op_##n##_cs, op_##n##_cc, op_##n##_mi,     \
	  op_##n##_pl, op_##n##_vs, op_##n##_vc, op_##n##_hi, op_##n##_ls,     \
	  op_##n##_ge, op_##n##_lt, op_##n##_gt, op_##n##_le }
const struct fuse_table FUSE_TABLE = {
	.cmp = { [FUSE_CMP_I] = ROW(cmp_i), [FUSE_CMP_IW] = ROW(cmp_iw),
		 [FUSE_CMP_R] = ROW(cmp_r), [FUSE_CMP_RW] = ROW(cmp_rw),
		 [FUSE_SUBS_I] = ROW(subs_i), [FUSE_SUBS_IW] = ROW(subs_iw),
		 [FUSE_TST_R] = ROW(tst_r), [FUSE_TST_RW] = ROW(tst_rw),
		 [FUSE_TST_IW] = ROW(tst_iw) },
};
