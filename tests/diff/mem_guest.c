/* mem_guest.c: runs loads and stores on an AArch64 machine or emulator and
 * writes the outcomes to standard output, for mem_host.c. Static program:
 *	mem_guest TESTS SEED >OUTCOMES */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "mem_test.h"

void run_code(struct mem_state *, void *code);

/* Loads all registers, calls the code, stores all registers. */
asm(".data\n"
    ".balign 8\n"
    "saved_sp: .quad 0\n"
    "saved_st: .quad 0\n"
    ".text\n"
    ".globl run_code\n"
    "run_code:\n"
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
    "adr x2, saved_sp_at\n"
    "ldr x2, [x2]\n"
    "mov x3, sp\n"
    "stp x3, x0, [x2]\n"
    "mov x30, x1\n"
    "ldr x3, [x0, #760]\n"
    "mov sp, x3\n"
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
    "xregs ldr, 1\n"
    "ldr x0, [x0, #512]\n"
    "blr x30\n"
    "ldr x30, saved_sp_at\n"
    "ldr x30, [x30, #8]\n"
    "str x0, [x30, #512]\n"
    "mov x0, x30\n"
    "xregs str, 1\n"
    "vregs str, 0\n"
    "mov x1, sp\n"
    "str x1, [x0, #760]\n"
    "ldr x30, saved_sp_at\n"
    "ldr x30, [x30]\n"
    "mov sp, x30\n"
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
    ".balign 8\n"
    "saved_sp_at: .quad saved_sp\n"
    ".noaltmacro\n");

static sigjmp_buf fault;
static struct mem_state st;
static struct mem_out out;

/* The registers as they were at the fault. */
static void on_signal(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *u = ctx;
	struct fpsimd_context *f = (void *)u->uc_mcontext.__reserved;

	out.end = sig == SIGILL ? MEM_ILL : sig == SIGBUS ? MEM_BUS : MEM_SEGV;
	out.far = sig == SIGILL ? 0 : (uintptr_t)si->si_addr;
	memcpy(st.x, u->uc_mcontext.regs, 31 * 8);
	st.x[31] = u->uc_mcontext.sp;
	memcpy(st.v, f->vregs, sizeof(st.v));
	siglongjmp(fault, 1);
}

static void *map(uint64_t va, uint64_t size, int prot)
{
	void *p = mmap((void *)va, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		exit(3);
	return p;
}

int main(int argc, char **argv)
{
	static uint8_t was[DATA_SIZE], stack[65536];
	FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
	uint32_t test[3];

	if (!f)
		return 2;
	uint64_t seed = strtoull(argv[2], NULL, 0);
	uint8_t *data = map(DATA, DATA_SIZE, PROT_READ | PROT_WRITE);
	uint8_t *lit = map(LIT, LIT_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	uint32_t *code = (uint32_t *)CODE;
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };

	mem_fill(data, DATA_SIZE, 1);
	mem_fill(lit, LIT_SIZE, 2);
	memcpy(was, data, DATA_SIZE);
	sigaltstack(&ss, NULL);
	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	for (uint32_t n = 0; fread(test, sizeof(test), 1, f) == 1; n++) {
		code[0] = test[0];
		code[1] = test[1];
		code[2] = 0xd65f03c0;           /* RET */
		__builtin___clear_cache((char *)code, (char *)(code + 3));
		memset(&out, 0, sizeof(out));
		mem_operands(&st, seed, n, test[1], (int)test[2]);
		if (!sigsetjmp(fault, 1))
			run_code(&st, code);
		mem_outcome(&out, &st, test[1], data, was);
		fwrite(&out, sizeof(out), 1, stdout);
	}
	return 0;
}
