/* branch_count.c: branch.c's handlers for CTX_COUNT. */
#define BRANCH_COUNT 1
#include "branch.c"
