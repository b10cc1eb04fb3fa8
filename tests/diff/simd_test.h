/* simd_test.h: what simd_guest.c and simd_host.c share: the operands of test
 * number n, and the form of an outcome. */
#ifndef SIMD_TEST_H
#define SIMD_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct simd_state {
	uint64_t v[32][2];
	uint64_t x[32];         /* x30 and x31 are not the test's */
	uint64_t fpcr, fpsr;
};

struct simd_out {
	uint64_t v[2], x;       /* Vd and Xd afterwards */
	uint64_t hash;          /* of all registers */
	uint32_t fpsr, ill;
};

static inline uint64_t simd_rnd(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint64_t simd_special(unsigned k, unsigned ebits, unsigned fbits,
				    uint64_t r)
{
	uint64_t emax = (1ull << ebits) - 1, one = 1ull << fbits;
	uint64_t bias = emax >> 1, sign = (r & 1) << (ebits + fbits);
	uint64_t frac = r >> 8 & (one - 1), v;

	switch (k) {
	case 0: v = 0; break;
	case 1: v = emax * one; break;                  /* infinity */
	case 2: v = emax * one + one / 2 + (frac & 7); break;   /* quiet */
	case 3: v = emax * one + 1 + (frac & 7); break; /* signalling */
	case 4: v = frac; break;                        /* denormal */
	case 5: v = 1 + (r >> 4 & 1); break;
	case 6: v = one + (r >> 4 & 3) - 1; break;      /* about the smallest */
	case 7: v = emax * one - 1 - (r >> 4 & 3); break;
	case 8: v = bias * one; break;                  /* 1 */
	case 9: v = (bias + (r >> 4 & 7)) * one + (frac & -(one >> 4));
		break;
	case 10: v = (bias - fbits / 2 + (r >> 4 & 63) % fbits) * one + frac;
		break;
	case 11: v = (bias + (r >> 4) % 70 % bias) * one +
		     (r >> 16 & 1 ? frac : one - 1);
		break;
	case 12: v = (r >> 4 & 15) % emax * one + frac; break;
	default: v = frac | (r >> 52) % emax * one; break;
	}
	return v | sign;
}

/* Operands in one of several styles, by word. */
static inline void simd_operands(struct simd_state *st, uint64_t seed,
				 uint32_t w)
{
	uint64_t s = seed * 0x2545f4914f6cdd1d + w;
	uint64_t k = simd_rnd(&s);
	unsigned style = k & 7, fpstyle = k >> 3 & 3;

	for (int i = 0; i < 32; i++) {
		for (int j = 0; j < 2; j++) {
			uint64_t r = simd_rnd(&s), v = 0;

			switch (style) {
			case 0:
				v = r;
				break;
			case 1:
			case 2: {
				static const uint8_t b[8] = { 0, 1, 0x7f, 0x80,
							      0xff, 0xfe };
				for (int l = 0; l < 64; l += 8) {
					uint64_t q = simd_rnd(&s);
					uint64_t o = q % 7 == 6 ? q >> 8 & 255
								: b[q % 7];
					v |= o << l;
				}
				if (style == 1)
					break;
				/* small shift counts */
				if (i & 1)
					v = r & 0x8787878787878787;
				break;
			}
			case 3:
				for (int l = 0; l < 64; l += 16) {
					uint64_t q = simd_rnd(&s);
					v |= simd_special(q >> 60, 5, 10, q)
					     << l;
				}
				break;
			case 4:
			case 5:
				for (int l = 0; l < 64; l += 32) {
					uint64_t q = simd_rnd(&s);
					v |= simd_special(q >> 60, 8, 23, q)
					     << l;
				}
				break;
			default:
				v = simd_special(r >> 60, 11, 52, r);
				break;
			}
			st->v[i][j] = v;
		}
		st->x[i] = simd_rnd(&s);
	}
	st->fpcr = fpstyle ? 0
			   : simd_rnd(&s) & (1u << 26 | 1u << 25 | 1u << 24 |
					     3u << 22 | 1u << 19);
	st->fpsr = 0;
}

static inline void simd_outcome(struct simd_out *o, const struct simd_state *st,
				uint32_t w, int ill)
{
	uint64_t h = 0xcbf29ce484222325;
	const uint64_t *p = &st->v[0][0];

	memset(o, 0, sizeof(*o));
	if (ill) {
		o->ill = 1;
		return;
	}
	for (int i = 0; i < 64; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	for (int i = 0; i < 30; i++)
		h = (h ^ st->x[i]) * 0x100000001b3;
	o->hash = h;
	o->v[0] = st->v[w & 31][0];
	o->v[1] = st->v[w & 31][1];
	o->x = st->x[w & 31];
	o->fpsr = (uint32_t)st->fpsr;
}

/* Where QEMU 7.2 is wrong and cannot be asked. */
static inline bool simd_qemu_bug(uint32_t w)
{
	static const struct { uint32_t mask, value; } bug[] = {
		/* unallocated, aborts the emulator (spec/cpu.md 8) */
		{ 0xbffffc00, 0x0ef9f800 },
		{ 0xfffffc00, 0x5ef8f800 },
		{ 0xfffffc00, 0x7ef9f800 },
		/* unallocated, but executed: FMOV with op, cmode and o2 all
		 * ones; FNEG Hd, Hn among the scalars; pairwise and across
		 * lanes of halves with bit 22 set */
		{ 0xbff8fc00, 0x2f00fc00 },
		{ 0xfffffc00, 0x7ef8f800 },
		{ 0xff7fcc00, 0x5e70c800 },
		{ 0xbf7fcc00, 0x0e70c800 },
		/* FCVTZS Hd, Hn, #fbits: sign-extends past the result */
		{ 0xfff0fc00, 0x5f10fc00 },
	};

	for (unsigned i = 0; i < sizeof(bug) / sizeof(bug[0]); i++)
		if ((w & bug[i].mask) == bug[i].value)
			return true;
	return false;
}

/* x30 and x31 are not the test's. */
static inline uint32_t simd_tame(uint32_t w)
{
	if ((w & 31) == 30)
		w &= ~1u << 1;
	if ((w >> 5 & 31) == 30)
		w ^= 1u << 7;
	return w;
}

/* Word number k of a row, whatever its place among the rows. */
static inline uint32_t simd_word(const char *name, uint32_t mask,
				 uint32_t value, uint64_t seed, unsigned k)
{
	uint64_t s = seed * 0x9e3779b97f4a7c15 + k;

	for (; *name; name++)
		s = (s ^ (uint8_t)*name) * 0x100000001b3;
	return simd_tame(((uint32_t)(simd_rnd(&s) >> 16) & ~mask) | value);
}

#define SIMD_HASH 0xcbf29ce484222325
static inline uint64_t simd_hash(uint64_t h, const struct simd_out *o)
{
	const uint64_t v[] = { o->v[0], o->v[1], o->x, o->hash, o->fpsr,
			       o->ill };

	for (unsigned i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		h = (h ^ v[i]) * 0x100000001b3;
	return h;
}

#endif
