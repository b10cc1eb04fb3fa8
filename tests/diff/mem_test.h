/* mem_test.h: what mem_guest.c and mem_host.c share: memory, the operands of
 * test number n, and the form of an outcome.
 *
 * A test is two words, run at CODE. Memory: DATA, with nothing mapped beside
 * it, and LIT around the code for literals. */
#ifndef MEM_TEST_H
#define MEM_TEST_H

#include <stdint.h>
#include <string.h>

#define DATA 0x50000000ull
#define DATA_SIZE 0x30000ull
#define LIT 0x60000000ull
#define LIT_SIZE 0x400000ull
#define CODE (LIT + 0x200000)

struct mem_state {
	uint64_t v[32][2];
	uint64_t x[32];                 /* x30 is not the test's; 31 is SP */
};

enum { MEM_OK, MEM_ILL, MEM_SEGV, MEM_BUS };
struct mem_out {
	uint64_t regs, data;            /* hashes */
	uint64_t xt, xn, vt;            /* for the eye */
	uint64_t far;
	uint32_t end, changed;          /* bytes of DATA */
};

static inline uint64_t mem_rnd(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline void mem_fill(uint8_t *p, uint64_t size, uint64_t seed)
{
	for (uint64_t i = 0; i < size; i += 8) {
		uint64_t v = mem_rnd(&seed);

		memcpy(p + i, &v, 8);
	}
}

/* Registers: small, huge, or small in the lower half; the base register of
 * word w points into DATA, sometimes across a page or its end; `whole`: it is
 * aligned and inside. */
static inline void mem_operands(struct mem_state *st, uint64_t seed,
				uint32_t n, uint32_t w, int whole)
{
	uint64_t s = seed * 0x2545f4914f6cdd1d + n;
	unsigned rn = w >> 5 & 31;

	for (int i = 0; i < 32; i++) {
		uint64_t r = mem_rnd(&s);
		int64_t small = (int64_t)(r >> 8 & 4095) - 2048;

		st->v[i][0] = mem_rnd(&s);
		st->v[i][1] = mem_rnd(&s);
		switch (r & 3) {
		case 0: st->x[i] = (uint64_t)small; break;
		case 1: st->x[i] = r; break;
		case 2: st->x[i] = r << 32 | (uint32_t)small; break;
		default: st->x[i] = r >> 8 & 1023; break;
		}
	}
	uint64_t r = mem_rnd(&s), b = DATA + 0x10000 + (r >> 8 & 8191);

	if (!whole && (r & 15) == 0)
		b = DATA + DATA_SIZE - (r >> 8 & 127);
	if (!whole && (r & 15) == 1)
		b = DATA - (r >> 8 & 63);
	if ((r & 15) == 2)
		b = DATA + 0x12000 - (r >> 8 & 63);
	if (whole || r >> 40 & 1)
		b &= ~15ull;
	else if (r >> 41 & 1)
		b &= ~7ull;
	st->x[31] = DATA + 0x11000 + (r >> 44 & 0xff0);
	if (rn == 31)
		st->x[31] = b & ~15ull;
	else
		st->x[rn] = b;
}

/* Compares DATA with what it was, hashes the differences, restores it. */
static inline void mem_outcome(struct mem_out *o, const struct mem_state *st,
			       uint32_t w, uint8_t *data, const uint8_t *was)
{
	uint64_t h = 0xcbf29ce484222325;
	const uint64_t *p = &st->v[0][0];

	for (int i = 0; i < 64; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	for (int i = 0; i < 32; i++)
		if (i != 30)
			h = (h ^ st->x[i]) * 0x100000001b3;
	o->regs = h;
	/* emulators lose addresses that are not canonical */
	if (o->far >> 40)
		o->far = 0;
	o->xt = st->x[w & 31];
	o->xn = st->x[w >> 5 & 31];
	o->vt = st->v[w & 31][0];
	h = 0xcbf29ce484222325;
	o->changed = 0;
	for (uint64_t i = 0; i < DATA_SIZE; i += 4096) {
		if (memcmp(data + i, was + i, 4096) == 0)
			continue;
		for (uint64_t j = i; j < i + 4096; j++) {
			if (data[j] == was[j])
				continue;
			h = (h ^ (j << 8 | data[j])) * 0x100000001b3;
			o->changed++;
			data[j] = was[j];
		}
	}
	o->data = h;
}

#endif
