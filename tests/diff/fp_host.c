/*
 * Compares softfp with the outcomes of fp_guest on standard input:
 *	qemu-aarch64 fp_guest COUNT SEED | fp_host COUNT SEED
 * Prints the first differences of each instruction; status 1 if there are any
 * that the list of known faults of the reference does not explain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/interp/softfp.h"
#include "fp_ops.h"

static uint64_t ones(enum fpfmt f, bool b)
{
	return b ? ~0ull >> (64 - (8u << f)) : 0;
}

static uint64_t fmlal(const struct fpctx *c, uint64_t z, uint64_t a, uint64_t b,
		      uint64_t neg)
{
	uint64_t r[2];

	for (int i = 0; i < 2; i++)
		r[i] = softfp_muladdh(c, z >> (32 * i) & 0xffffffff,
				      (a >> (16 * i) & 0xffff) ^ neg,
				      b >> (16 * i) & 0xffff);
	return r[0] | r[1] << 32;
}

static unsigned fjcvtzs(const struct fpctx *c, uint64_t a, uint64_t *x)
{
	bool z;

	*x = softfp_fjcvtzs(c, a, &z);
	return z ? 4 : 0;
}

enum { base = __COUNTER__ + 1 };
#define OP(f, text, where, expr)                                              \
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

static int run(int n, const uint64_t *in, const struct fpctx *c,
	       struct fpout *out, const char **name)
{
	uint64_t a = in[0], b = in[1], z = in[2], r;

	switch (n) {
	OPS
	default: return 0;
	}
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 100, f;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t zero[3] = { 0 };
	const char *name = "";
	long bad = 0, all = 0;
	int n;

	for (n = 0; (f = run(n, zero, NULL, NULL, &name)); n++) {
		int shown = 0;
		long wrong = 0;

		for (int k = 0; k < count; k++) {
			struct fpout want, got = { 0 };
			uint64_t in[3];
			struct fpctx c = { 0, &got.fpsr };

			for (int j = 0; j < 3; j++)
				in[j] = fp_operand(f, &seed);
			c.fpcr = fp_fpcr(&seed);
			if (fread(&want, sizeof want, 1, stdin) != 1) {
				fprintf(stderr, "input too short\n");
				return 2;
			}
			run(n, in, &c, &got, &name);
			all++;
			if (got.v == want.v && got.x == want.x &&
			    got.nzcv == want.nzcv && got.fpsr == want.fpsr)
				continue;
			wrong++;
			if (shown++ >= 4)
				continue;
			printf("%s fpcr %08x: %016" PRIx64 " %016" PRIx64
			       " %016" PRIx64 "\n",
			       name, c.fpcr, in[0], in[1], in[2]);
			printf("  ours %016" PRIx64 " %016" PRIx64 " %x %02x\n",
			       got.v, got.x, got.nzcv, got.fpsr);
			printf("  ref  %016" PRIx64 " %016" PRIx64 " %x %02x\n",
			       want.v, want.x, want.nzcv, want.fpsr);
		}
		if (wrong)
			printf("%s: %ld of %d differ\n", name, wrong, count);
		bad += wrong;
	}
	printf("%d instructions, %ld cases, %ld differ\n", n, all, bad);
	return bad != 0;
}
