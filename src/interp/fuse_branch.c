/* fuse_branch.c: the handlers of fuse_branch.def, and their table. Compiled
 * twice, as branch.c is. */
#include "branch.h"
#include "fuse.h"
#include "hot.h"

#define FUSE(a, b, dep) FUSE_OP(OP, a, b, dep)
#define FUSE3(a, b, dep, c, dep2) FUSE3_OP(a, b, dep, c, dep2)
/* A conditional branch after what sets the flags, for each condition. The kind
 * of the flags being known, little is left of it. */
#define COND_OP(cc, cond_, a) \
OP(a##__b_##cc) { \
	HOT_RES; \
	DO_##a(X(rn), X(rm)); \
	ip++; \
	if (cond_) \
		BR_TAKE(); \
	NEXT(1); \
}
#define FUSE_COND(a) ALL_CONDS_OF(COND_OP, a)
#define COND3_OP(cc, cond_, a, b, dep) \
OP(a##__##b##_##dep##__b_##cc) { \
	HOT_RES; \
	DO_##a(X(rn), X(rm)); \
	ip++; \
	DO_##b(FUSE_RN_##dep, FUSE_RM_##dep); \
	ip++; \
	if (cond_) \
		BR_TAKE(); \
	NEXT(1); \
}
#define FUSE3_COND(a, b, dep) ALL_CONDS_OF(COND3_OP, a, b, dep)
#include "fuse_branch.def"
#undef FUSE
#undef FUSE3
#undef FUSE_COND
#undef FUSE3_COND

/* what the rows name */
#define FUSE(a, b, dep) OP_GLOBAL(a);
#define FUSE3(a, b, dep, c, dep2) OP_GLOBAL(a##__##b##_##dep);
#define FUSE_COND(a) OP_GLOBAL(a);
#define FUSE3_COND(a, b, dep) OP_GLOBAL(a##__##b##_##dep);
#include "fuse_branch.def"
#undef FUSE
#undef FUSE3
#undef FUSE_COND
#undef FUSE3_COND

/* where in a branch table the second one is */
#define AT(slot) offsetof(struct branch_table, slot)
#define AT_b AT(b[0])
#define AT_bl AT(bl[0])
#define AT_bl_far AT(bl[1])
#define AT_ret AT(ind[2])
#define AT_cbz AT(cb[1][0][0])
#define AT_cbnz AT(cb[1][1][0])
#define AT_cbz_w AT(cb[0][0][0])
#define AT_cbnz_w AT(cb[0][1][0])
#define AT_tbz AT(tb[0][0])
#define AT_tbnz AT(tb[1][0])
enum { CC_eq, CC_ne, CC_cs, CC_cc, CC_mi, CC_pl, CC_vs, CC_vc, CC_hi, CC_ls,
       CC_ge, CC_lt, CC_gt, CC_le };

#define FUSE(a, b, dep) \
	{ op_##a, NULL, AT_##b, FUSE_##dep, op_##a##__##b##_##dep },
#define COND_ROW(cc, cond_, a) \
	{ op_##a, NULL, AT(cond[CC_##cc][0]), FUSE_O, op_##a##__b_##cc },
#define FUSE_COND(a) ALL_CONDS_OF(COND_ROW, a)
#define FUSE3(a, b, dep, c, dep2) \
	{ op_##a##__##b##_##dep, NULL, AT_##c, FUSE_##dep2, \
	  op_##a##__##b##_##dep##__##c##_##dep2 },
#define COND3_ROW(cc, cond_, a, b, dep) \
	{ op_##a##__##b##_##dep, NULL, AT(cond[CC_##cc][0]), FUSE_O, \
	  op_##a##__##b##_##dep##__b_##cc },
#define FUSE3_COND(a, b, dep) ALL_CONDS_OF(COND3_ROW, a, b, dep)
#if BRANCH_COUNT
const struct fusion fuse_branches_count[] = {
#else
const struct fusion fuse_branches[] = {
#endif
#include "fuse_branch.def"
	{ NULL, NULL, 0, 0, NULL },
};
