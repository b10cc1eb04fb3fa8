/* fuse_branch_count.c: fuse_branch.c's handlers for CTX_COUNT. */
#define BRANCH_COUNT 1
#include "fuse_branch.c"
