/*
 * The instructions that tests/diff/fp_guest.c runs under an emulator and
 * fp_host.c computes with softfp, in one list, and the operands for both.
 *
 *	FP_OP(asm, where, expression)
 *
 * Operands are in v0, v1, v2 and x0, x1, x2; the result goes to v3 (FPR), x3
 * (GPR) or NZCV (FLAGS). The expression sees a, b, z (the operands), c (a
 * struct fpctx) and F (the format), and is only compiled on the host.
 * fp_words.h has the same instructions assembled ("fp_guest words").
 */
#ifndef FP_OPS_H
#define FP_OPS_H

#include <stdint.h>

enum { FPR, GPR, FLAGS };

struct fpout {
	uint64_t v, x;
	uint32_t nzcv, fpsr;
};

#define OPS2(f, R)                                                            \
	FP_OP(f, "fadd " R "3," R "0," R "1", FPR, softfp_add(c, F, a, b))        \
	FP_OP(f, "fsub " R "3," R "0," R "1", FPR, softfp_sub(c, F, a, b))        \
	FP_OP(f, "fmul " R "3," R "0," R "1", FPR, softfp_mul(c, F, a, b))        \
	FP_OP(f, "fnmul " R "3," R "0," R "1", FPR,                               \
	   softfp_mul(c, F, a, b) ^ softfp_signbit(F))                         \
	FP_OP(f, "fmulx " R "3," R "0," R "1", FPR, softfp_mulx(c, F, a, b))      \
	FP_OP(f, "fdiv " R "3," R "0," R "1", FPR, softfp_div(c, F, a, b))        \
	FP_OP(f, "fabd " R "3," R "0," R "1", FPR,                                \
	   softfp_sub(c, F, a, b) & ~softfp_signbit(F))                        \
	FP_OP(f, "fmax " R "3," R "0," R "1", FPR, softfp_max(c, F, a, b))        \
	FP_OP(f, "fmin " R "3," R "0," R "1", FPR, softfp_min(c, F, a, b))        \
	FP_OP(f, "fmaxnm " R "3," R "0," R "1", FPR, softfp_maxnm(c, F, a, b))    \
	FP_OP(f, "fminnm " R "3," R "0," R "1", FPR, softfp_minnm(c, F, a, b))    \
	FP_OP(f, "frecps " R "3," R "0," R "1", FPR, softfp_recps(c, F, a, b))    \
	FP_OP(f, "frsqrts " R "3," R "0," R "1", FPR, softfp_rsqrts(c, F, a, b))  \
	FP_OP(f, "fcmeq " R "3," R "0," R "1", FPR, ones(F, softfp_eq(c, F, a, b))) \
	FP_OP(f, "fcmge " R "3," R "0," R "1", FPR, ones(F, softfp_ge(c, F, a, b))) \
	FP_OP(f, "fcmgt " R "3," R "0," R "1", FPR, ones(F, softfp_gt(c, F, a, b))) \
	FP_OP(f, "facge " R "3," R "0," R "1", FPR,                               \
	   ones(F, softfp_ge(c, F, a & ~softfp_signbit(F),                     \
			     b & ~softfp_signbit(F))))                         \
	FP_OP(f, "fcmp " R "0," R "1", FLAGS, softfp_cmp(c, F, a, b, false))      \
	FP_OP(f, "fcmpe " R "0," R "1", FLAGS, softfp_cmp(c, F, a, b, true))      \
	FP_OP(f, "fcmp " R "0,#0.0", FLAGS, softfp_cmp(c, F, a, 0, false))

#define OPS3(f, R)                                                            \
	FP_OP(f, "fmadd " R "3," R "0," R "1," R "2", FPR,                        \
	   softfp_muladd(c, F, z, a, b))                                       \
	FP_OP(f, "fmsub " R "3," R "0," R "1," R "2", FPR,                        \
	   softfp_muladd(c, F, z, a ^ softfp_signbit(F), b))                   \
	FP_OP(f, "fnmadd " R "3," R "0," R "1," R "2", FPR,                       \
	   softfp_muladd(c, F, z ^ softfp_signbit(F), a ^ softfp_signbit(F),   \
			 b))                                                   \
	FP_OP(f, "fnmsub " R "3," R "0," R "1," R "2", FPR,                       \
	   softfp_muladd(c, F, z ^ softfp_signbit(F), a, b))

#define RMODE ((enum fpround)(c->fpcr >> 22 & 3))
#define OPS1(f, R)                                                            \
	FP_OP(f, "fsqrt " R "3," R "0", FPR, softfp_sqrt(c, F, a))                \
	FP_OP(f, "frecpe " R "3," R "0", FPR, softfp_recpe(c, F, a))              \
	FP_OP(f, "frecpx " R "3," R "0", FPR, softfp_recpx(c, F, a))              \
	FP_OP(f, "frsqrte " R "3," R "0", FPR, softfp_rsqrte(c, F, a))            \
	FP_OP(f, "frintn " R "3," R "0", FPR,                                     \
	   softfp_rint(c, F, a, FPROUND_TIEEVEN, false))                            \
	FP_OP(f, "frinta " R "3," R "0", FPR,                                     \
	   softfp_rint(c, F, a, FPROUND_TIEAWAY, false))                            \
	FP_OP(f, "frintp " R "3," R "0", FPR,                                     \
	   softfp_rint(c, F, a, FPROUND_POSINF, false))                             \
	FP_OP(f, "frintm " R "3," R "0", FPR,                                     \
	   softfp_rint(c, F, a, FPROUND_NEGINF, false))                             \
	FP_OP(f, "frintz " R "3," R "0", FPR,                                     \
	   softfp_rint(c, F, a, FPROUND_ZERO, false))                               \
	FP_OP(f, "frintx " R "3," R "0", FPR, softfp_rint(c, F, a, RMODE, true))  \
	FP_OP(f, "frinti " R "3," R "0", FPR, softfp_rint(c, F, a, RMODE, false))

#define TOI(f, R, i, n, r, rm)                                                \
	FP_OP(f, "fcvt" r "s " i "3," R "0", GPR,                                 \
	   softfp_toint(c, F, a, n, 0, false, rm))                             \
	FP_OP(f, "fcvt" r "u " i "3," R "0", GPR,                                 \
	   softfp_toint(c, F, a, n, 0, true, rm))
#define INTS(f, R, i, n)                                                      \
	TOI(f, R, i, n, "n", FPROUND_TIEEVEN)                                       \
	TOI(f, R, i, n, "a", FPROUND_TIEAWAY)                                       \
	TOI(f, R, i, n, "p", FPROUND_POSINF)                                        \
	TOI(f, R, i, n, "m", FPROUND_NEGINF)                                        \
	TOI(f, R, i, n, "z", FPROUND_ZERO)                                          \
	FIXED(f, R, i, n, 1)                                                   \
	FIXED(f, R, i, n, 13)                                                  \
	FIXED(f, R, i, n, 32)                                                  \
	FP_OP(f, "scvtf " R "3," i "0", FPR,                                      \
	   softfp_fromint(c, F, a, n, 0, false))                               \
	FP_OP(f, "ucvtf " R "3," i "0", FPR,                                      \
	   softfp_fromint(c, F, a, n, 0, true))
#define FIXED(f, R, i, n, q)                                                  \
	FP_OP(f, "fcvtzs " i "3," R "0,#" #q, GPR,                                \
	   softfp_toint(c, F, a, n, q, false, FPROUND_ZERO))                        \
	FP_OP(f, "fcvtzu " i "3," R "0,#" #q, GPR,                                \
	   softfp_toint(c, F, a, n, q, true, FPROUND_ZERO))                         \
	FP_OP(f, "scvtf " R "3," i "0,#" #q, FPR,                                 \
	   softfp_fromint(c, F, a, n, q, false))                               \
	FP_OP(f, "ucvtf " R "3," i "0,#" #q, FPR,                                 \
	   softfp_fromint(c, F, a, n, q, true))

#define FRINTN(f, R)                                                          \
	FP_OP(f, "frint32x " R "3," R "0", FPR, softfp_rintn(c, F, a, RMODE, 32)) \
	FP_OP(f, "frint64x " R "3," R "0", FPR, softfp_rintn(c, F, a, RMODE, 64)) \
	FP_OP(f, "frint32z " R "3," R "0", FPR,                                   \
	   softfp_rintn(c, F, a, FPROUND_ZERO, 32))                                 \
	FP_OP(f, "frint64z " R "3," R "0", FPR,                                   \
	   softfp_rintn(c, F, a, FPROUND_ZERO, 64))

#define HALFINT                                                               \
	FP_OP(FP_H, "fcvtzs h3,h0", FPR,                                          \
	   softfp_toint(c, F, a, 16, 0, false, FPROUND_ZERO))                       \
	FP_OP(FP_H, "fcvtas h3,h0", FPR,                                          \
	   softfp_toint(c, F, a, 16, 0, false, FPROUND_TIEAWAY))                    \
	FP_OP(FP_H, "fcvtnu h3,h0", FPR,                                          \
	   softfp_toint(c, F, a, 16, 0, true, FPROUND_TIEEVEN))                     \
	FP_OP(FP_H, "fcvtzu h3,h0,#5", FPR,                                       \
	   softfp_toint(c, F, a, 16, 5, true, FPROUND_ZERO))                        \
	FP_OP(FP_H, "scvtf h3,h0", FPR, softfp_fromint(c, F, a, 16, 0, false))    \
	FP_OP(FP_H, "ucvtf h3,h0,#16", FPR, softfp_fromint(c, F, a, 16, 16, true))

#define CVT                                                                   \
	FP_OP(FP_H, "fcvt s3,h0", FPR, softfp_cvt(c, FP_S, F, a, RMODE))          \
	FP_OP(FP_H, "fcvt d3,h0", FPR, softfp_cvt(c, FP_D, F, a, RMODE))          \
	FP_OP(FP_S, "fcvt h3,s0", FPR, softfp_cvt(c, FP_H, F, a, RMODE))          \
	FP_OP(FP_S, "fcvt d3,s0", FPR, softfp_cvt(c, FP_D, F, a, RMODE))          \
	FP_OP(FP_D, "fcvt h3,d0", FPR, softfp_cvt(c, FP_H, F, a, RMODE))          \
	FP_OP(FP_D, "fcvt s3,d0", FPR, softfp_cvt(c, FP_S, F, a, RMODE))          \
	FP_OP(FP_D, "fcvtxn s3,d0", FPR, softfp_cvt(c, FP_S, F, a, FPROUND_ODD))       \
	FP_OP(FP_S, "bfcvt h3,s0", FPR, softfp_bfcvt(c, a))                       \
	FP_OP(FP_D, "fjcvtzs w3,d0", FLAGS, fjcvtzs(c, a, &out->x))               \
	FP_OP(FP_S, "urecpe v3.2s,v0.2s", FPR,                                    \
	   softfp_urecpe((uint32_t)a) |                                        \
		   (uint64_t)softfp_urecpe((uint32_t)(a >> 32)) << 32)         \
	FP_OP(FP_S, "ursqrte v3.2s,v0.2s", FPR,                                   \
	   softfp_ursqrte((uint32_t)a) |                                       \
		   (uint64_t)softfp_ursqrte((uint32_t)(a >> 32)) << 32)        \
	FP_OP(FP_H, "mov v3.8b,v2.8b\n\tfmlal v3.2s,v0.2h,v1.2h", FPR,            \
	   fmlal(c, z, a, b, 0))                                               \
	FP_OP(FP_H, "mov v3.8b,v2.8b\n\tfmlsl v3.2s,v0.2h,v1.2h", FPR,            \
	   fmlal(c, z, a, b, 0x8000))                                          \
	FP_OP(FP_S, "mov v3.8b,v2.8b\n\tbfdot v3.2s,v0.4h,v1.4h", FPR,            \
	   softfp_bfdot((uint32_t)z, (uint32_t)a, (uint32_t)b) |               \
		   (uint64_t)softfp_bfdot(z >> 32, a >> 32, b >> 32) << 32)

/* Not arithmetic: moves, selection, conditions (NZCV is 0 before each). */
#define BITS(f, R)                                                            \
	FP_OP(f, "fmov " R "3," R "0", FPR, a & mask(F))                          \
	FP_OP(f, "fabs " R "3," R "0", FPR, a & (softfp_signbit(F) - 1))          \
	FP_OP(f, "fneg " R "3," R "0", FPR, (a ^ softfp_signbit(F)) & mask(F))    \
	FP_OP(f, "fcsel " R "3," R "0," R "1,ne", FPR, a & mask(F))               \
	FP_OP(f, "fcsel " R "3," R "0," R "1,hi", FPR, b & mask(F))               \
	FP_OP(f, "fcsel " R "3," R "0," R "1,al", FPR, a & mask(F))               \
	FP_OP(f, "fccmp " R "0," R "1,#5,eq", FLAGS, 5)                           \
	FP_OP(f, "fccmp " R "0," R "1,#5,ge", FLAGS,                              \
	   softfp_cmp(c, F, a, b, false))                                      \
	FP_OP(f, "fccmpe " R "0," R "1,#10,lt", FLAGS, 10)                        \
	FP_OP(f, "fccmpe " R "0," R "1,#10,nv", FLAGS,                            \
	   softfp_cmp(c, F, a, b, true))                                       \
	FP_OP(f, "fcmpe " R "0,#0.0", FLAGS, softfp_cmp(c, F, a, 0, true))

#define MOVES                                                                 \
	FP_OP(FP_H, "fmov w3,h0", GPR, a & 0xffff)                                \
	FP_OP(FP_H, "fmov x3,h0", GPR, a & 0xffff)                                \
	FP_OP(FP_H, "fmov h3,w0", FPR, a & 0xffff)                                \
	FP_OP(FP_H, "fmov h3,x0", FPR, a & 0xffff)                                \
	FP_OP(FP_S, "fmov w3,s0", GPR, a & 0xffffffff)                            \
	FP_OP(FP_S, "fmov s3,w0", FPR, a & 0xffffffff)                            \
	FP_OP(FP_D, "fmov x3,d0", GPR, a)                                         \
	FP_OP(FP_D, "fmov d3,x0", FPR, a)                                         \
	FP_OP(FP_D, "fmov v0.d[1],x1\n\tfmov x3,v0.d[1]", GPR, b)                 \
	FP_OP(FP_H, "fmov h3,#-1.9375", FPR, 0xbfc0)                              \
	FP_OP(FP_H, "fmov h3,#0.125", FPR, 0x3000)                                \
	FP_OP(FP_H, "fmov h3,#31.0", FPR, 0x4fc0)                                 \
	FP_OP(FP_S, "fmov s3,#-1.9375", FPR, 0xbff80000)                          \
	FP_OP(FP_S, "fmov s3,#0.125", FPR, 0x3e000000)                            \
	FP_OP(FP_S, "fmov s3,#31.0", FPR, 0x41f80000)                             \
	FP_OP(FP_D, "fmov d3,#-1.9375", FPR, 0xbfff000000000000)                  \
	FP_OP(FP_D, "fmov d3,#0.125", FPR, 0x3fc0000000000000)                    \
	FP_OP(FP_D, "fmov d3,#31.0", FPR, 0x403f000000000000)

#define OPS                                                                   \
	OPS1(FP_H, "h") OPS1(FP_S, "s") OPS1(FP_D, "d")                        \
	OPS2(FP_H, "h") OPS2(FP_S, "s") OPS2(FP_D, "d")                        \
	OPS3(FP_H, "h") OPS3(FP_S, "s") OPS3(FP_D, "d")                        \
	INTS(FP_H, "h", "w", 32) INTS(FP_H, "h", "x", 64)                      \
	INTS(FP_S, "s", "w", 32) INTS(FP_S, "s", "x", 64)                      \
	INTS(FP_D, "d", "w", 32) INTS(FP_D, "d", "x", 64)                      \
	FRINTN(FP_S, "s") FRINTN(FP_D, "d") HALFINT CVT                        \
	BITS(FP_H, "h") BITS(FP_S, "s") BITS(FP_D, "d") MOVES

/* ---- operands ------------------------------------------------------------ */

/* splitmix64 */
static inline uint64_t fp_random(uint64_t *s)
{
	uint64_t r = *s += 0x9e3779b97f4a7c15;

	r = (r ^ r >> 30) * 0xbf58476d1ce4e5b9;
	r = (r ^ r >> 27) * 0x94d049bb133111eb;
	return r ^ r >> 31;
}

/* One of format f (1, 2, 3): the edges of everything, or random. */
static inline uint64_t fp_operand(int f, uint64_t *s)
{
	static const uint8_t fb[4] = { 0, 10, 23, 52 }, eb[4] = { 0, 5, 8, 11 };
	uint64_t r = fp_random(s), one = 1, frac, exp, top;
	unsigned emax = (1u << eb[f]) - 1, bias = emax / 2;

	top = fp_random(s) << (f == 3 ? 0 : 8u << f);
	if (f == 3)
		top = 0;
	switch (r & 7) {
	case 0: return fp_random(s);
	case 1: /* extreme exponents */
		exp = (r >> 8 & 1) ? (r >> 9 & 3) : emax - (r >> 9 & 3);
		break;
	case 2: /* about one */
		exp = bias - 2 + (r >> 9 & 3);
		break;
	case 3: /* up to the largest integers */
		exp = bias + (r >> 9) % 66;
		if (exp > emax)
			exp = emax;
		break;
	case 4: /* near halves of the exponent range, for products */
		exp = bias + (r >> 8 & 1 ? bias / 2 : 0u - bias / 2) +
		      (r >> 9 & 3) - 2;
		break;
	default: exp = (r >> 9) % (emax + 1);
	}
	switch (r >> 32 & 7) {
	case 0: frac = 0; break;
	case 1: frac = ~0ull; break;
	case 2: frac = one << (fb[f] - 1); break;
	case 3: frac = one << (r >> 40) % fb[f]; break;
	case 4: frac = ~0ull << (r >> 40) % fb[f]; break;
	case 5: frac = 1; break;
	default: frac = fp_random(s);
	}
	frac &= (one << fb[f]) - 1;
	return top | (r >> 63) << ((8 << f) - 1) | exp << fb[f] | frac;
}

static inline uint32_t fp_fpcr(uint64_t *s)
{
	uint64_t r = fp_random(s);
	/* RMode; FZ, DN, AHP, FZ16 half of the time altogether */
	uint32_t v = (uint32_t)(r & 3) << 22;

	if (r & 4)
		v |= (uint32_t)(r >> 3 & 7) << 24 | (uint32_t)(r >> 6 & 1) << 19;
	return v;
}

#endif
