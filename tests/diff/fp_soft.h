/* fp_soft.h: the list of fp_ops.h computed by softfp. */
#ifndef FP_SOFT_H
#define FP_SOFT_H

#include "../../src/interp/softfp.h"
#include "fp_ops.h"

static inline uint64_t mask(enum fpfmt f)
{
	return ~0ull >> (64 - (8u << f));
}

static inline uint64_t ones(enum fpfmt f, bool b)
{
	return b ? mask(f) : 0;
}

static inline uint64_t fmlal(const struct fpctx *c, uint64_t z, uint64_t a, uint64_t b,
		      uint64_t neg)
{
	uint64_t r[2];

	for (int i = 0; i < 2; i++)
		r[i] = softfp_muladdh(c, z >> (32 * i) & 0xffffffff,
				      (a >> (16 * i) & 0xffff) ^ neg,
				      b >> (16 * i) & 0xffff);
	return r[0] | r[1] << 32;
}

static inline unsigned fjcvtzs(const struct fpctx *c, uint64_t a, uint64_t *x)
{
	bool z;

	*x = softfp_fjcvtzs(c, a, &z);
	return z ? 4 : 0;
}

enum { base = __COUNTER__ + 1 };
#define FP_OP(f, text, where, expr)                                              \
	case __COUNTER__ - base: {                                             \
		const enum fpfmt F = f;                                        \
                                                                               \
		*name = text;                                                  \
		if (!out)                                                      \
			return F;                                              \
		r = expr;                                                      \
		if (where == FPR)                                              \
			out->v = r;                                            \
		else if (where == GPR)                                         \
			out->x = r;                                            \
		else                                                           \
			out->nzcv = (uint32_t)r;                               \
		return F;                                                      \
	}

/* Computes instruction n; its format, or 0 if there is none. Without out only
 * that and the name. */
static inline int fp_soft(int n, const uint64_t *in, const struct fpctx *c,
			  struct fpout *out, const char **name)
{
	uint64_t a = in[0], b = in[1], z = in[2], r;

	switch (n) {
	OPS
	default: return 0;
	}
}

#endif
