/*
 * Floating point in integers: rounding, and the arithmetic that rounds once.
 * Arm DDI 0487, shared pseudocode FPRound, FPAdd, FPMul, FPMulX, FPDiv, FPSqrt,
 * FPMulAdd, FPMulAddH, FPRecipStepFused, FPRSqrtStepFused.
 */
#include "softfp_core.h"

/* By how much the low `n` bits of v are off, as a pair of tests. */
static bool round_up(uint64_t kept, uint64_t lost, unsigned n, bool sign,
		     enum fpround r)
{
	uint64_t half = 1ull << (n - 1);

	switch (r) {
	case FP_TIEEVEN: return lost > half || (lost == half && kept & 1);
	case FP_TIEAWAY: return lost >= half;
	case FP_POSINF: return lost && !sign;
	case FP_NEGINF: return lost && sign;
	default: return false;
	}
}

static bool overflows_to_inf(bool sign, enum fpround r)
{
	return r == FP_TIEEVEN || (r == FP_POSINF && !sign) ||
	       (r == FP_NEGINF && sign);
}

uint64_t fp_round_base(const struct fpctx *c, const struct fpinfo *i,
		       enum fpfmt f, bool sign, int exp, uint64_t sig,
		       enum fpround r)
{
	uint64_t zero = (uint64_t)sign << (i->bits - 1);
	unsigned drop = 63 - i->fbits;
	int biased = exp - i->emin + 1;
	uint64_t kept, lost, half_max;
	bool up;

	if (biased <= 0) {
		unsigned n = 1 - biased;

		/* Tiny before rounding; a flushed result is not inexact. */
		if (fp_flushes(c, f)) {
			fp_raise(c, FPSR_UFC);
			return zero;
		}
		sig = n > 63 ? sig != 0 : sig >> n | ((sig << (64 - n)) != 0);
		biased = 0;
	}
	kept = sig >> drop;
	lost = sig & ((1ull << drop) - 1);
	if (lost)
		fp_raise(c, biased ? FPSR_IXC : FPSR_IXC | FPSR_UFC);
	up = round_up(kept, lost, drop, sign, r);
	if (up) {
		kept++;
		if (kept >> (i->fbits + 1)) {
			kept >>= 1;
			biased++;
		} else if (!biased && kept >> i->fbits) {
			biased = 1;
		}
	} else if (lost && r == FP_ODD) {
		kept |= 1;
	}
	half_max = (1ull << i->ebits) - 1;
	if (f == FP_H && c->fpcr & FPCR_AHP) {
		/* No infinities: the largest exponent is a number. */
		if (biased > (int)half_max) {
			*c->fpsr &= ~0u;
			return zero | 0x7fff;
		}
	} else if (biased >= (int)half_max) {
		uint64_t inf = half_max << i->fbits;

		fp_raise(c, FPSR_OFC | FPSR_IXC);
		return zero | (overflows_to_inf(sign, r) ? inf : inf - 1);
	}
	return zero | (uint64_t)biased << i->fbits |
	       (kept & ((1ull << i->fbits) - 1));
}

