/*
 * Compares softfp with the outcomes of fp_guest on standard input:
 *	qemu-aarch64 fp_guest COUNT SEED | fp_host COUNT SEED
 * Prints the first differences of each instruction; status 1 if there are any
 * that the list of known faults of the reference does not explain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fp_soft.h"

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 100, f;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	uint64_t zero[3] = { 0 };
	const char *name = "";
	long bad = 0, all = 0;
	int n;

	for (n = 0; (f = fp_soft(n, zero, NULL, NULL, &name)); n++) {
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
			fp_soft(n, in, &c, &got, &name);
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
