/* fuse.h: pairs of instructions that one record runs.
 *
 * A fused record does the work of the word under it and of the next one, and
 * goes on two records further; the next word's own record stays what it is, so
 * a jump between the two is right for free. Flags and registers come out as
 * from the two run singly, and nothing in a pair can fault after it changed
 * something. Not used where each instruction must be seen (CTX_STEP). */
#ifndef INTERP_FUSE_H
#define INTERP_FUSE_H

#include "decode.h"

/* If words w1, w2 at page_off, page_off + 4 make a known pair: fills *r and
 * returns true. *r holds w1 decoded on its own. */
bool fuse_pair(struct rec *r, uint32_t w1, uint32_t w2, uint32_t page_off,
	       uint32_t ctx, const struct cpu_model *model);

/* Compare and branch on the same page, by kind of compare and condition. */
enum fuse_cmp {
	FUSE_CMP_I, FUSE_CMP_IW,        /* rn - imm12 */
	FUSE_CMP_R, FUSE_CMP_RW,        /* rn - rm */
	FUSE_SUBS_I, FUSE_SUBS_IW,      /* the same, with a result */
	FUSE_TST_R, FUSE_TST_RW,        /* rn & rm */
	FUSE_TST_IW,                    /* W rn & bitmask immediate */
	FUSE_CMPS
};
struct fuse_table {
	op_fn *cmp[FUSE_CMPS][14];
};
extern const struct fuse_table fuse_table, fuse_table_count;

/* Operands that take 16 bits share rm and ra. */
static inline void fuse_set16(struct rec *r, uint32_t v)
{
	r->rm = (uint8_t)v;
	r->ra = (uint8_t)(v >> 8);
}
static inline uint32_t fuse_get16(const struct rec *r)
{
	return r->rm | (uint32_t)r->ra << 8;
}

#endif
