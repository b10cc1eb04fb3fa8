/* simd_guest.c: runs instruction words on an AArch64 machine or emulator and
 * writes the outcomes to standard output, for simd_host.c. Static program:
 *	simd_guest WORDS SEED >OUTCOMES */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "simd_test.h"

void run_word(struct simd_state *, void *code);

/* Loads all registers, calls the code, stores all registers. */
asm(".text\n"
    ".globl run_word\n"
    "run_word:\n"
    "stp x29, x30, [sp, #-192]!\n"
    "stp x19, x20, [sp, #16]\n"
    "stp x21, x22, [sp, #32]\n"
    "stp x23, x24, [sp, #48]\n"
    "stp x25, x26, [sp, #64]\n"
    "stp x27, x28, [sp, #80]\n"
    "stp d8, d9, [sp, #96]\n"
    "stp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]\n"
    "stp d14, d15, [sp, #144]\n"
    "str x0, [sp, #160]\n"
    "mov x30, x1\n"
    ".altmacro\n"
    ".macro vregs insn, n\n"
    "\\insn q\\n, [x0, #16 * \\n]\n"
    ".if \\n < 31\n"
    "vregs \\insn, %(\\n + 1)\n"
    ".endif\n"
    ".endm\n"
    ".macro xregs insn, n\n"
    "\\insn x\\n, [x0, #512 + 8 * \\n]\n"
    ".if \\n < 29\n"
    "xregs \\insn, %(\\n + 1)\n"
    ".endif\n"
    ".endm\n"
    "vregs ldr, 0\n"
    "ldr x1, [x0, #768]\n"
    "msr fpcr, x1\n"
    "msr fpsr, xzr\n"
    "xregs ldr, 1\n"
    "ldr x0, [x0, #512]\n"
    "blr x30\n"
    "str x0, [sp, #168]\n"
    "ldr x0, [sp, #160]\n"
    "xregs str, 1\n"
    "ldr x1, [sp, #168]\n"
    "str x1, [x0, #512]\n"
    "vregs str, 0\n"
    "mrs x1, fpsr\n"
    "str x1, [x0, #776]\n"
    "msr fpcr, xzr\n"
    "ldp x19, x20, [sp, #16]\n"
    "ldp x21, x22, [sp, #32]\n"
    "ldp x23, x24, [sp, #48]\n"
    "ldp x25, x26, [sp, #64]\n"
    "ldp x27, x28, [sp, #80]\n"
    "ldp d8, d9, [sp, #96]\n"
    "ldp d10, d11, [sp, #112]\n"
    "ldp d12, d13, [sp, #128]\n"
    "ldp d14, d15, [sp, #144]\n"
    "ldp x29, x30, [sp], #192\n"
    "ret\n"
    ".noaltmacro\n");

static sigjmp_buf undefined;

static void on_sigill(int sig)
{
	(void)sig;
	siglongjmp(undefined, 1);
}

int main(int argc, char **argv)
{
	enum { BATCH = 4096 };
	static uint32_t w[BATCH];
	FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;

	if (!f)
		return 2;
	uint64_t seed = strtoull(argv[2], NULL, 0);
	uint32_t *code = mmap(NULL, BATCH * 8, PROT_READ | PROT_WRITE |
			      PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction sa = { .sa_handler = on_sigill };
	size_t n;

	sigaction(SIGILL, &sa, NULL);
	while ((n = fread(w, 4, BATCH, f)) > 0) {
		for (size_t i = 0; i < n; i++) {
			code[2 * i] = w[i];
			code[2 * i + 1] = 0xd65f03c0;   /* RET */
		}
		__builtin___clear_cache((char *)code,
					(char *)(code + 2 * BATCH));
		for (volatile size_t i = 0; i < n; i++) {
			static struct simd_state st;
			struct simd_out o;
			volatile int ill = 0;

			simd_operands(&st, seed, w[i]);
			if (!sigsetjmp(undefined, 1))
				run_word(&st, code + 2 * i);
			else
				ill = 1;
			if (ill)
				asm volatile("msr fpcr, xzr");
			simd_outcome(&o, &st, w[i], ill);
			fwrite(&o, sizeof(o), 1, stdout);
		}
	}
	return 0;
}
