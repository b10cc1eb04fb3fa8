/* el0_guest.c: runs the cases of standard input as an AArch64 Linux program
 * (under qemu-aarch64, or on hardware) and writes their outcomes.
 *
 * The state is put in and taken out through signal contexts: SIGUSR1's handler
 * loads the registers of a case and returns into its code, which ends in a
 * signal: SIGTRAP at the sentinel, or what the instruction raised. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "el0_case.h"

static struct test_case tc;
static struct outcome oc;
static uint64_t code;
static ucontext_t home;                 /* the main loop's */
static volatile sig_atomic_t running;

static struct fpsimd_context *fp_of(ucontext_t *uc)
{
	return (struct fpsimd_context *)uc->uc_mcontext.__reserved;
}

static void start(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	struct fpsimd_context *fp = fp_of(uc);

	memcpy(&home, uc, sizeof(home));
	for (int i = 0; i < 31; i++)
		uc->uc_mcontext.regs[i] = tc.in.x[i];
	uc->uc_mcontext.sp = tc.in.sp;
	uc->uc_mcontext.pc = code;
	uc->uc_mcontext.pstate = tc.in.nzcv;
	memcpy(fp->vregs, tc.in.v, sizeof(tc.in.v));
	fp->fpcr = tc.in.fpcr;
	fp->fpsr = tc.in.fpsr;
	running = 1;
}

static void stop(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;
	struct fpsimd_context *fp = fp_of(uc);
	uint64_t pc = uc->uc_mcontext.pc;

	if (!running) {
		fprintf(stderr, "el0_guest: signal %d at %lx outside a case\n",
			sig, pc);
		_exit(1);
	}
	running = 0;
	memset(&oc, 0, sizeof(oc));
	for (int i = 0; i < 31; i++)
		oc.out.x[i] = uc->uc_mcontext.regs[i];
	oc.out.sp = uc->uc_mcontext.sp;
	oc.out.nzcv = uc->uc_mcontext.pstate & 0xf0000000;
	memcpy(oc.out.v, fp->vregs, sizeof(oc.out.v));
	oc.out.fpcr = fp->fpcr;
	oc.out.fpsr = fp->fpsr;
	oc.pc = (uint32_t)(pc - code);
	switch (sig) {
	case SIGTRAP:
		oc.kind = pc == code + 4 * tc.n ? OUT_END : OUT_TRAP;
		break;
	case SIGILL: oc.kind = OUT_UNDEF; break;
	case SIGBUS: oc.kind = OUT_ALIGN; break;
	case SIGSEGV:
		oc.kind = pc - code < CODE_STEP ? OUT_DATA : OUT_FETCH;
		if (oc.kind == OUT_DATA)
			oc.far = (uint64_t)si->si_addr;
		break;
	default: oc.kind = OUT_OTHER;
	}
	/* back into the main loop */
	memcpy(uc->uc_mcontext.regs, home.uc_mcontext.regs,
	       sizeof(home.uc_mcontext.regs));
	uc->uc_mcontext.sp = home.uc_mcontext.sp;
	uc->uc_mcontext.pc = home.uc_mcontext.pc;
	uc->uc_mcontext.pstate = home.uc_mcontext.pstate;
	memcpy(fp, fp_of(&home), sizeof(*fp));
}

static void *map(uint64_t va, uint64_t len, int prot)
{
	void *p = mmap((void *)va, len, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != (void *)va) {
		perror("el0_guest: mmap");
		exit(1);
	}
	return p;
}

int main(void)
{
	static const int sigs[] = { SIGTRAP, SIGILL, SIGBUS, SIGSEGV, SIGFPE };
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_sp = malloc(1 << 20), .ss_size = 1 << 20 };
	uint8_t *rw = map(DATA_RW, 2 * DATA_PAGE, PROT_READ | PROT_WRITE);
	uint8_t *ro = map(DATA_RO, DATA_PAGE, PROT_READ | PROT_WRITE);
	uint8_t *all = map(CODE_VA, CODE_BYTES,
			   PROT_READ | PROT_WRITE | PROT_EXEC);

	fill_memory(ro, DATA_PAGE, 99);
	mprotect(ro, DATA_PAGE, PROT_READ);
	sigaltstack(&ss, NULL);
	sigfillset(&sa.sa_mask);
	sa.sa_sigaction = start;
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_sigaction = stop;
	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
	alarm(600);                     /* a case that does not end */
	while (fread(&tc, sizeof(tc), 1, stdin) == 1) {
		uint32_t *p = (uint32_t *)(all + tc.at);

		code = (uint64_t)p;
		memcpy(p, tc.w, 4 * tc.n);
		for (unsigned i = tc.n; i < CODE_STEP / 4; i++)
			p[i] = SENTINEL;
		__builtin___clear_cache((char *)p, (char *)p + CODE_STEP);
		fill_memory(rw, 2 * DATA_PAGE, tc.mem_seed);
		raise(SIGUSR1);
		oc.mem_hash = hash_memory(rw, 2 * DATA_PAGE);
		fwrite(&oc, sizeof(oc), 1, stdout);
	}
	return 0;
}
