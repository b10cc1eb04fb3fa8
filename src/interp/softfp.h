/*
 * AArch64 floating point in integer arithmetic: exact results, NaN selection,
 * flushing and cumulative flags for the formats of 16, 32 and 64 bits.
 *
 * Arm DDI 0487, "Floating-point" (A1.5) and the shared pseudocode; the rules in
 * which Arm differs from other hosts are collected in spec/cpu.md 6.2. Left
 * out: trapped exceptions (enable bits are RAZ/WI), FEAT_AFP (AH, FIZ, NEP),
 * FEAT_RPRES and FEAT_EBF16, which no CPU model of ours has.
 *
 * All functions are pure but for the flags they OR into *ctx->fpsr. Operands
 * and results are raw bits in the low end of a uint64_t; operand bits above the
 * format are ignored, result bits above it are zero. No host floating point is
 * used, so any thread may call them in any state of the host's FPU.
 */
#ifndef SOFTFP_H
#define SOFTFP_H

#include <stdbool.h>
#include <stdint.h>

/* The format, as the base-two logarithm of its size in bytes. */
enum fpfmt { FP_H = 1, FP_S = 2, FP_D = 3 };

/* The first four are the values of FPCR.RMode. */
enum fpround {
	FPROUND_TIEEVEN,
	FPROUND_POSINF,
	FPROUND_NEGINF,
	FPROUND_ZERO,
	FPROUND_TIEAWAY, /* only to integers and integral values */
	FPROUND_ODD,     /* only in softfp_cvt */
};

enum {
	FPCR_FZ16 = 1 << 19,
	FPCR_RMODE_SHIFT = 22,
	FPCR_RMODE = 3 << FPCR_RMODE_SHIFT,
	FPCR_FZ = 1 << 24,
	FPCR_DN = 1 << 25,
	FPCR_AHP = 1 << 26,
	FPCR_MASK = FPCR_FZ16 | FPCR_RMODE | FPCR_FZ | FPCR_DN | FPCR_AHP,
};

enum {
	FPSR_IOC = 1 << 0,
	FPSR_DZC = 1 << 1,
	FPSR_OFC = 1 << 2,
	FPSR_UFC = 1 << 3,
	FPSR_IXC = 1 << 4,
	FPSR_IDC = 1 << 7,
	FPSR_QC = 1 << 27,
	FPSR_MASK = FPSR_IOC | FPSR_DZC | FPSR_OFC | FPSR_UFC | FPSR_IXC |
		    FPSR_IDC | FPSR_QC,
};

struct fpctx {
	uint32_t fpcr;
	uint32_t *fpsr; /* flags are ORed into it */
};

static inline enum fpround fpctx_round(const struct fpctx *c)
{
	return (enum fpround)(c->fpcr >> FPCR_RMODE_SHIFT & 3);
}

static inline uint64_t softfp_signbit(enum fpfmt f)
{
	return 1ull << ((8u << f) - 1);
}

static inline uint64_t softfp_default_nan(enum fpfmt f)
{
	return f == FP_D ? 0x7ff8000000000000 : f == FP_S ? 0x7fc00000 : 0x7e00;
}

/*
 * Arithmetic, rounded by FPCR.RMode. FABD is softfp_sub with the sign bit of
 * the result cleared; FNMUL is softfp_mul with it inverted (of a NaN too).
 */
uint64_t softfp_add(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_sub(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_mul(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_mulx(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_div(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_sqrt(const struct fpctx *, enum fpfmt, uint64_t a);

/*
 * addend + a * b with one rounding: FMADD, FMLA. The others negate operands as
 * raw bits first, which is what the architecture does (a NaN's sign turns too):
 * FMSUB and FMLS -a; FNMADD -addend and -a; FNMSUB -addend.
 */
uint64_t softfp_muladd(const struct fpctx *, enum fpfmt, uint64_t addend,
		       uint64_t a, uint64_t b);
/* FMLAL: single addend, half a and b (FMLSL: negate a). */
uint64_t softfp_muladdh(const struct fpctx *, uint64_t addend, uint64_t a,
			uint64_t b);
/* FRECPS: 2 - a * b; FRSQRTS: (3 - a * b) / 2; both fused. */
uint64_t softfp_recps(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_rsqrts(const struct fpctx *, enum fpfmt, uint64_t a,
		       uint64_t b);

/* FMIN, FMAX; FMINNM, FMAXNM (a number wins over a quiet NaN). */
uint64_t softfp_min(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_max(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_minnm(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
uint64_t softfp_maxnm(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);

/* FCMP, and FCMPE with signal: NZCV in bits 3:0. */
unsigned softfp_cmp(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b,
		    bool signal);
/* FCMEQ, FCMGE, FCMGT; FACGE and FACGT clear both sign bits first. */
bool softfp_eq(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
bool softfp_ge(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);
bool softfp_gt(const struct fpctx *, enum fpfmt, uint64_t a, uint64_t b);

/* FCVT between formats; FCVTXN is FP_D to FP_S with FPROUND_ODD. */
uint64_t softfp_cvt(const struct fpctx *, enum fpfmt to, enum fpfmt from,
		    uint64_t a, enum fpround);
/* BFCVT: single to BFloat16, rounded by FPCR.RMode. */
uint64_t softfp_bfcvt(const struct fpctx *, uint64_t a);

/*
 * To an integer of `bits` (16, 32, 64) with fbits fraction bits; the result is
 * truncated to `bits`. And back, rounded by FPCR.RMode; bits of a above `bits`
 * are ignored.
 */
uint64_t softfp_toint(const struct fpctx *, enum fpfmt, uint64_t a,
		      unsigned bits, unsigned fbits, bool uns, enum fpround);
uint64_t softfp_fromint(const struct fpctx *, enum fpfmt, uint64_t a,
			unsigned bits, unsigned fbits, bool uns);
/* FJCVTZS: *z is PSTATE.Z (the other flags are zero). */
uint32_t softfp_fjcvtzs(const struct fpctx *, uint64_t a, bool *z);

/* FRINT*: `exact` for FRINTX, which alone raises Inexact. */
uint64_t softfp_rint(const struct fpctx *, enum fpfmt, uint64_t a, enum fpround,
		     bool exact);
/* FRINT32*, FRINT64*: intbits 32 or 64; single and double only. */
uint64_t softfp_rintn(const struct fpctx *, enum fpfmt, uint64_t a,
		      enum fpround, unsigned intbits);

/* Estimates by the architecture's table, bit for bit. */
uint64_t softfp_recpe(const struct fpctx *, enum fpfmt, uint64_t a);
uint64_t softfp_recpx(const struct fpctx *, enum fpfmt, uint64_t a);
uint64_t softfp_rsqrte(const struct fpctx *, enum fpfmt, uint64_t a);
uint32_t softfp_urecpe(uint32_t a);
uint32_t softfp_ursqrte(uint32_t a);

/*
 * One lane of BFDOT: addend + (a[0] * b[0] + a[1] * b[1]), the pairs packed low
 * half first. BFMMLA's element is two of them in turn. Its own rules: rounded
 * to odd, denormals flushed, default NaN, no flags, FPCR not looked at. BFMLAL
 * is softfp_muladd of FP_S with a and b shifted left by 16.
 */
uint32_t softfp_bfdot(uint32_t addend, uint32_t a, uint32_t b);

#endif
