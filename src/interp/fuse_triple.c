/* fuse_triple.c: the handlers of fuse3.def, and their table. */
#include "fuse.h"
#include "hot.h"

#define FUSE3(a, b, dep, c, dep2) FUSE3_OP(a, b, dep, c, dep2)
#include "fuse3.def"
#undef FUSE3

/* what the rows name */
#define FUSE3(a, b, dep, c, dep2) OP_GLOBAL(a##__##b##_##dep); OP_GLOBAL(c);
#include "fuse3.def"
#undef FUSE3

#define FUSE3(a, b, dep, c, dep2) \
	{ op_##a##__##b##_##dep, op_##c, 0, FUSE_##dep2, \
	  op_##a##__##b##_##dep##__##c##_##dep2 },
const struct fusion fuse_triples[] = {
#include "fuse3.def"
	{ NULL, NULL, 0, 0, NULL },
};
