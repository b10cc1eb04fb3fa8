/* el0_case.h: a random test case at EL0 and its outcome, as both sides of the
 * differential tester exchange them through files. Little-endian, fixed size. */
#ifndef EL0_CASE_H
#define EL0_CASE_H

#include <stdint.h>

/* The guest's memory: a page that is not there, two that are, one that may
 * only be read, one that is not there. Code lies in slots of CODE_STEP bytes:
 * a case has one of a page's slots but the first, which is for what crosses
 * from the page before. Behind its words lie BRKs to the end of the slot. */
#define DATA_VA 0x10000000ul
#define DATA_PAGE 0x1000ul
#define DATA_RW 0x10001000ul            /* two pages */
#define DATA_RO 0x10003000ul
#define CODE_VA 0x2b400000ul            /* no sum of data's addresses */
#define CODE_STEP 128u
#define CODE_SLOTS (4096u / CODE_STEP - 1)      /* of a page, for cases */
#define CODE_PAGES 128u
#define CODE_CASES (CODE_SLOTS * CODE_PAGES)    /* then again */
#define CODE_BYTES ((CODE_PAGES + 1) * 4096u)
#define SENTINEL 0xd4206660u            /* brk #0x3333 */
#define MAX_WORDS 28

struct state {
	uint64_t x[31], sp;
	uint64_t v[32][2];
	uint32_t nzcv, fpcr, fpsr, pad;
};

/* How a case's words are made; el0_gen.h. */
enum shape { SHAPE_SINGLE, SHAPE_STRAIGHT, SHAPE_LOOP, SHAPE_MIDDLE, SHAPE_CALL,
	     SHAPE_SMC };

struct test_case {
	uint32_t row;                   /* of a64.def: SHAPE_SINGLE's */
	uint32_t shape;
	uint32_t at;                    /* of the first word, from CODE_VA */
	uint32_t n;
	uint32_t w[MAX_WORDS];
	uint64_t mem_seed;
	struct state in;
};

enum outcome_kind { OUT_END, OUT_UNDEF, OUT_DATA, OUT_FETCH, OUT_ALIGN,
		    OUT_TRAP, OUT_OTHER };
struct outcome {
	uint32_t kind;
	uint32_t pc;                    /* relative to the case's first word */
	uint64_t far;                   /* OUT_DATA only */
	uint64_t mem_hash;
	struct state out;
};

/* xorshift64*; the memory of a case is filled by it. */
static inline uint64_t next_random(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 2685821657736338717ull;
}

static inline void fill_memory(void *at, uint64_t bytes, uint64_t seed)
{
	uint64_t *p = (uint64_t *)at;           /* for C++, too */

	for (uint64_t i = 0; i < bytes / 8; i++) {
		p[i] = next_random(&seed);
		if (p[i] % 4 == 0)      /* what is loaded may be an address */
			p[i] = DATA_RW + (p[i] >> 32 & 0x1ff8);
	}
}

static inline uint64_t hash_memory(const void *at, uint64_t bytes)
{
	const uint64_t *p = (const uint64_t *)at;
	uint64_t h = 0xcbf29ce484222325ull;

	for (uint64_t i = 0; i < bytes / 8; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

#endif
