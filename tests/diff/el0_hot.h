/* el0_hot.h: the instructions that the interpreter fuses (fuse.def,
 * fuse3.def, fuse_branch.def), as words: for el0_gen.c to make cases of, and for
 * el0_host.c to count what its cases reached. */
#ifndef EL0_HOT_H
#define EL0_HOT_H

#include <stdbool.h>
#include <stdint.h>

#include "../../src/interp/decode.h"

/* What a row's last one is. */
enum hot_kind { HOT_PLAIN, HOT_BRANCH, HOT_CALL, HOT_RETURN };

/* Collects words for each handler of the tables; `rnd` is used from then on. NULL:
 * there will be only hot_note. */
void hot_init(const struct cpu_model *, uint64_t (*rnd)(void));
unsigned hot_rows(void);
enum hot_kind hot_kind(unsigned row);
/* Words that run fused by this row where they stand in one page, registers
 * chosen by `reg` (false: data, true: an address); a branch goes to itself.
 * Returns how many; 0: none were found in a few tries. */
unsigned hot_row(unsigned row, uint8_t (*reg)(bool address), uint32_t w[3]);
/* A word of a random handler of the tables, registers chosen by `reg`; its Rn
 * is `rn` unless that is 31 or would make another instruction of it. No
 * branch. */
uint32_t hot_word(uint8_t (*reg)(bool address), unsigned rn);

/* Counts the row of a published record, where it is fused. */
void hot_note(op_fn *h);
/* How many rows were not counted; prints them. */
unsigned hot_missed(void);
void hot_report(void);

#endif
