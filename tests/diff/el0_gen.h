/* el0_gen.h: makes the cases of the differential tester.
 *
 * SHAPE_SINGLE has one random word of a random row of a64.def. The others are
 * made of what the interpreter treats apart: pairs of its fusion tables, chains
 * in which one's result is the next one's operand, flags and what reads them,
 * addresses at the edges of pages, and branches forward among all that. They
 * are straight lines, loops, loops that are entered in their middle, calls, and
 * loops that change a word of theirs on the way (SHAPE_SMC). Some lie across
 * the end of a page.
 *
 * Registers 24 to 30 are the generator's own in those: 24 and 25 the address
 * and the new word of SHAPE_SMC, 27 which way a loop is entered, 28 its count,
 * 30 the link register.
 *
 * Not here, because they leave the machine: exception generation, waits, system
 * registers; those have bare-metal tests (tests/guest, tests/el1). */
#ifndef EL0_GEN_H
#define EL0_GEN_H

#include "el0_case.h"
#include "../../src/interp/model.h"

enum { GEN_SMC_AT = 24, GEN_SMC_WORD = 25 };

void gen_init(const struct cpu_model *, uint64_t seed);
/* Case number k of its file. With `prefix`: single words of the rows whose
 * names begin so. */
void gen_case(struct test_case *, uint64_t k, const char *prefix);

#endif
