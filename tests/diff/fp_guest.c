/*
 * Runs every instruction of fp_ops.h on pseudo-random operands and writes the
 * outcomes to standard output, for fp_host.c. Static aarch64 program:
 *	fp_guest COUNT SEED
 * or, for fp_words.h, the instructions themselves:
 *	fp_guest words
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fp_ops.h"

enum { FP_H = 1, FP_S, FP_D };

struct fpin {
	uint64_t a[3];
	uint64_t fpcr;
};

#define RUN(text)							\
	asm volatile("ldp d0, d1, [%4]\n\t"					\
		     "ldp x0, x1, [%4]\n\t"					\
		     "ldp d2, d3, [%4, #16]\n\t"				\
		     "ldp x2, x3, [%4, #16]\n\t"				\
		     "msr fpcr, x3\n\t"						\
		     "msr fpsr, xzr\n\t"					\
		     "movi v3.2d, #0\n\t"					\
		     "mov x3, #0\n\t"						\
		     "msr nzcv, xzr\n"						\
		     "1:\t" text "\n2:\t"					\
		     "mov %0, v3.d[0]\n\t"					\
		     "mov %1, x3\n\t"						\
		     "mrs %2, nzcv\n\t"						\
		     "mrs %3, fpsr\n\t"						\
		     "msr fpcr, xzr\n\t"					\
		     "adr x0, 1b\n\t"						\
		     "adr x1, 2b\n\t"						\
		     "stp x0, x1, [%5]"						\
		     : "=&r"(v), "=&r"(x), "=&r"(flags), "=&r"(fpsr)		\
		     : "r"(i), "r"(at)						\
		     : "x0", "x1", "x2", "x3", "v0", "v1", "v2", "v3", "cc",	\
		       "memory")

#pragma GCC target("arch=armv8.6-a+fp16+fp16fml+bf16")

enum { base = __COUNTER__ + 1 };
#define FP_OP(f, text, where, expr)                                              \
	case __COUNTER__ - base:                                               \
		if (o)                                                         \
			RUN(text);                                             \
		format = f;                                                    \
		break;

/* The format of instruction n, 0 if there is none; o: runs it. Its words are
 * between at[0] and at[1] then. */
static int run(int n, const struct fpin *i, struct fpout *o,
	       const uint32_t *at[2])
{
	uint64_t v = 0, x = 0, flags = 0, fpsr = 0;
	int format = 0;

	switch (n) {
	OPS
	}
	if (o)
		*o = (struct fpout){ v, x, (uint32_t)(flags >> 28),
				     (uint32_t)fpsr };
	return format;
}

static int print_words(void)
{
	const uint32_t *at[2] = { NULL, NULL };
	struct fpin i = { { 0 }, 0 };
	struct fpout o;

	for (int n = 0; run(n, NULL, NULL, at); n++) {
		run(n, &i, &o, at);
		printf("{ 0x%08x, 0x%08x },\n", at[0][0],
		       at[1] - at[0] > 1 ? at[0][1] : 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const uint32_t *at[2] = { NULL, NULL };
	int count = argc > 1 ? atoi(argv[1]) : 100, f;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;

	if (argc > 1 && !strcmp(argv[1], "words"))
		return print_words();
	for (int n = 0; (f = run(n, NULL, NULL, at)); n++) {
		for (int k = 0; k < count; k++) {
			struct fpin i;
			struct fpout o;

			for (int j = 0; j < 3; j++)
				i.a[j] = fp_operand(f, &seed);
			i.fpcr = fp_fpcr(&seed);
			run(n, &i, &o, at);
			if (fwrite(&o, sizeof o, 1, stdout) != 1)
				return 1;
		}
	}
	return fflush(stdout) ? 1 : 0;
}
