/* el0_case.h: a random test case at EL0 and its outcome, as both sides of the
 * differential tester exchange them through files. Little-endian, fixed size. */
#ifndef EL0_CASE_H
#define EL0_CASE_H

#include <stdint.h>

/* The guest's memory: a page that is not there, two that are, one that may
 * only be read, one that is not there. Code lies at CODE_VA + a multiple of
 * CODE_STEP per case, four words at the most and a BRK behind them. */
#define DATA_VA 0x10000000ul
#define DATA_PAGE 0x1000ul
#define DATA_RW 0x10001000ul            /* two pages */
#define DATA_RO 0x10003000ul
#define CODE_VA 0x20000000ul
#define CODE_STEP 64u
#define CODE_CASES 4096u                /* then the area is used again */
#define SENTINEL 0xd4206660u            /* brk #0x3333 */
#define MAX_WORDS 4

struct state {
	uint64_t x[31], sp;
	uint64_t v[32][2];
	uint32_t nzcv, fpcr, fpsr, pad;
};

struct test_case {
	uint32_t row;                   /* of a64.def, for the report */
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
	uint64_t *p = at;

	for (uint64_t i = 0; i < bytes / 8; i++)
		p[i] = next_random(&seed);
}

static inline uint64_t hash_memory(const void *at, uint64_t bytes)
{
	const uint64_t *p = at;
	uint64_t h = 0xcbf29ce484222325ull;

	for (uint64_t i = 0; i < bytes / 8; i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	return h;
}

#endif
