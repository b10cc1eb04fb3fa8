/* fuse_pair.c: the handlers of fuse.def, and their table. */
#include "fuse.h"
#include "hot.h"

#define FUSE(a, b, dep) FUSE_OP(OP_SHARED, a, b, dep)
/* A select after what sets the flags, for each condition. */
#define SELECT_OP_(name, cond, a, o, R) \
OP(a##__##name) { \
	HOT_RES; \
	DO_##a(X(rn), X(rm)); \
	ip++; \
	SELECT(o, R, cond, X(rn), X(rm)); \
	NEXT(1); \
}
#define SELECT_OP(cc, cond, a, o) SELECT_OP_(o##_##cc, cond, a, o, RES)
#define SELECT_OP_W(cc, cond, a, o) SELECT_OP_(o##_##cc##_w, cond, a, o, RES_W)
#define FUSE_SELECT(a, o) ALL_CONDS_OF(SELECT_OP, a, o)
#define FUSE_SELECT_W(a, o) ALL_CONDS_OF(SELECT_OP_W, a, o)
#include "fuse.def"
#undef FUSE
#undef FUSE_SELECT
#undef FUSE_SELECT_W

/* what the rows name */
#define FUSE(a, b, dep) OP_GLOBAL(a); OP_GLOBAL(b);
#define SELECT_DECL(cc, cond, a, o) OP_GLOBAL(o##_##cc);
#define SELECT_DECL_W(cc, cond, a, o) OP_GLOBAL(o##_##cc##_w);
#define FUSE_SELECT(a, o) OP_GLOBAL(a); ALL_CONDS_OF(SELECT_DECL, a, o)
#define FUSE_SELECT_W(a, o) OP_GLOBAL(a); ALL_CONDS_OF(SELECT_DECL_W, a, o)
#include "fuse.def"
#undef FUSE
#undef FUSE_SELECT
#undef FUSE_SELECT_W

#define FUSE(a, b, dep) \
	{ op_##a, op_##b, 0, FUSE_##dep, op_##a##__##b##_##dep },
#define SELECT_ROW(cc, cond, a, o) \
	{ op_##a, op_##o##_##cc, 0, FUSE_O, op_##a##__##o##_##cc },
#define SELECT_ROW_W(cc, cond, a, o) \
	{ op_##a, op_##o##_##cc##_w, 0, FUSE_O, op_##a##__##o##_##cc##_w },
#define FUSE_SELECT(a, o) ALL_CONDS_OF(SELECT_ROW, a, o)
#define FUSE_SELECT_W(a, o) ALL_CONDS_OF(SELECT_ROW_W, a, o)
const struct fusion fuse_pairs[] = {
#include "fuse.def"
	{ NULL, NULL, 0, 0, NULL },
};
