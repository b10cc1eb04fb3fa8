/* row_word.h: a word of a row of a64.def, not evenly at random: what would
 * hardly ever meet is made common, as no shift, XZR or SP as Rn, small
 * displacements and short branches, so that every handler gets its words. */
#ifndef ROW_WORD_H
#define ROW_WORD_H

#include "../../src/interp/decode.h"

static inline uint32_t row_word(const struct a64_row *row, uint64_t rnd)
{
	uint32_t any = (uint32_t)rnd, how = (uint32_t)(rnd >> 32);

	if (how % 2)
		any &= ~0xfc00u;
	if (how / 2 % 4 == 0)
		any |= 0x3e0;
	if (how / 8 % 8 == 0)                   /* SXTW and its like */
		any = (any & ~0x3ffc00u) | 0x7c00;
	if ((row->value & 0x3b000000) == 0x39000000)
		any &= ~0x3f8000u;
	if ((row->value & 0x7c000000) == 0x14000000)    /* B, BL: either way */
		any &= how / 64 % 2 ? 0x1ff : 0x3ffffff;
	if ((row->value & 0x7e000000) == 0x36000000)    /* TBZ */
		any &= ~0x7e000u;
	if ((row->value & 0x7e000000) == 0x34000000 ||  /* CBZ, B.cond */
	    (row->value & 0xfe000000) == 0x54000000)
		any &= ~0xffe000u;
	return row->value | (any & ~row->mask);
}

#endif
