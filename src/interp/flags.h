/* flags.h: lazy condition flags.
 *
 * Three words: fk == 0: the flags of fa - fb. fk == 1: of a logical result fa
 * (fb = 0, C = V = 0). fk == 2: fa holds N Z C V in bits 3..0 (fb = 0).
 * 32-bit operations shift both operands left by 32: N, Z, C, V of the 64-bit
 * subtraction are then those of the 32-bit one. Kinds 0 and 1 agree on EQ NE
 * MI PL GE LT GT LE. */
#ifndef INTERP_FLAGS_H
#define INTERP_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

enum { FK_SUB, FK_LOGIC, FK_NZCV };

/* N Z C V in bits 3..0 */
static inline uint32_t flags_nzcv(uint64_t fa, uint64_t fb, uint64_t fk)
{
	if (fk == FK_NZCV)
		return (uint32_t)fa;
	uint64_t r = fa - fb;
	uint32_t f = (uint32_t)(r >> 63) << 3 | (uint32_t)(r == 0) << 2;

	if (fk == FK_LOGIC)
		return f;
	return f | (uint32_t)(fa >= fb) << 1 |
	       (uint32_t)(((fa ^ fb) & (fa ^ r)) >> 63);
}

/* NZCV of a + b (+ no carry), for ADDS and CMN; 32-bit: both shifted by 32. */
static inline uint32_t flags_add(uint64_t a, uint64_t b)
{
	uint64_t r = a + b;

	return (uint32_t)(r >> 63) << 3 | (uint32_t)(r == 0) << 2 |
	       (uint32_t)(r < a) << 1 |
	       (uint32_t)((~(a ^ b) & (a ^ r)) >> 63);
}

/* Does condition `cc` (0..15; NV is always) hold for NZCV? */
static inline bool flags_cond(unsigned cc, uint32_t f)
{
	bool n = f >> 3 & 1, z = f >> 2 & 1, cy = f >> 1 & 1, v = f & 1, r;

	switch (cc >> 1) {
	case 0: r = z; break;
	case 1: r = cy; break;
	case 2: r = n; break;
	case 3: r = v; break;
	case 4: r = cy && !z; break;
	case 5: r = n == v; break;
	case 6: r = n == v && !z; break;
	default: return true;
	}
	return r ^ (cc & 1);
}

#endif
