/* e_except.c: exceptions: every way out of an ERET, what each instruction of
 * the system spaces raises at EL0, EL1t and EL1h, and what each control bit
 * changes about it.
 *
 * A line says what ended the run: the vector's number (0 EL1t, 4 EL1h, 8 EL0),
 * ESR, SPSR, and ELR and FAR relative to the piece of code or its data. */
#include "el1.h"

/* A page of its own: QEMU looks hard at stores to a page with code. */
static uint32_t code[1024] __attribute__((aligned(4096)));
static uint64_t data[32] __attribute__((aligned(256)));
static uint8_t stack[512] __attribute__((aligned(64)));
static int kind_seen;

static void trap_all(struct trap *t, int kind)
{
	for (unsigned i = 0; i < sizeof(*t) / 8; i++)
		((uint64_t *)&last_trap)[i] = ((uint64_t *)t)[i];
	kind_seen = kind;
	leave_el0(t->esr);
}

/* FAR as it counts for this class of exception. */
static uint64_t far_of(uint64_t esr)
{
	switch (esr >> 26) {
	case 0x20: case 0x21: case 0x24: case 0x25: case 0x22: case 0x34:
	case 0x35:
		return last_trap.far - (uint64_t)code;
	}
	return 0;
}

/* SPSR without what the manual leaves open. BTYPE counts where the instruction
 * was not begun (Arm ARM, AArch64.TakeException: zero_btype). An illegal return
 * leaves SSBS, BTYPE, UAO, DIT and TCO UNKNOWN (SetPSTATEFromPSR). */
static uint64_t spsr_of(uint64_t esr)
{
	switch (esr >> 26) {
	case 0x0d: case 0x20: case 0x21: case 0x22:
		return last_trap.spsr;
	case 0x0e:
		return last_trap.spsr & ~0x03c01c00ul;  /* and PAN: below */
	}
	return last_trap.spsr & ~0xc00ul;
}

static void outcome(uint64_t esr)
{
	print(" v%d esr %lx spsr %lx elr %lx far %lx\n", (uint64_t)kind_seen,
	      esr, spsr_of(esr), last_trap.elr - (uint64_t)code,
	      far_of(esr));
	if (esr >> 26 == 0x0e)
		print("illegal, PAN %lx\n", last_trap.spsr >> 22 & 1);
}

static uint64_t run_one(uint32_t word, uint64_t x0, uint64_t spsr)
{
	code[0] = word;
	el1_code();
	return run_spsr((uint64_t)code, (uint64_t)stack + 256, x0, spsr);
}

/* ---- ERET ------------------------------------------------------------------ */

static void returns(void)
{
	uint64_t seed = 1;

	/* not to AArch32 at EL0, which QEMU's CPU has */
	for (uint64_t m = 0; m < 64; m++) {
		if ((m & 31) == 16)
			continue;
		print("eret m %lx", m);
		outcome(run_one(0xd4000001, 0, (m & 31) | (m & 32) << 15));
	}
	for (int i = 0; i < 600; i++) {
		uint64_t spsr = el1_random(&seed);

		/* mostly a state that there is; no step (MDSCR_EL1.SS is 0) */
		if (i % 8)
			spsr = (spsr & ~0x1ful) | (i % 3 ? 4 + i % 3 - 1 : 0);
		if ((spsr & 31) == 16)
			continue;
		print("eret %lx", spsr);
		outcome(run_one(0xd4000001, 0, spsr));
	}
	for (uint64_t off = 1; off < 4; off++) {
		print("eret to pc + %lx", off);
		outcome(run_spsr((uint64_t)code + off, (uint64_t)stack + 256, 0,
				 off & 1 ? 5 : 0));
	}
}

/* ---- instructions ------------------------------------------------------------ */

static const uint64_t levels[] = { 0, 4, 5 };
static const char *const level_name[] = { "EL0", "EL1t", "EL1h" };

/* Does the word leave a mark that the next would feel? */
static bool skip(uint32_t w)
{
	uint32_t op1 = w >> 16 & 7, crm = w >> 8 & 15, op2 = w >> 5 & 7;

	/* WFI, WFE and their like would wait; YIELD is one of them there */
	if ((w & 0xfffff01f) == 0xd503201f)
		return crm == 0 && op2 >= 1 && op2 <= 5;
	/* MSR SPSel: the stack */
	return (w & 0xfff8f01f) == 0xd500401f && op1 == 0 && op2 == 5;
}

static void word_at(const char *what, uint32_t w, uint64_t x0, int level)
{
	uint64_t esr = run_one(w, x0, levels[level] | 0x3c0);

	/* the SVC behind it: nothing happened */
	if (esr == (0x56000000 | 1) || (esr == 0x02000000 &&
					last_trap.elr == (uint64_t)code))
		return;
	print("%s %s %x:", what, level_name[level], w);
	outcome(esr);
}

/* SYS and SYSL have their instructions at CRn 7 and 8; elsewhere a sample. */
static bool sampled(uint32_t w)
{
	uint32_t crn = w >> 12 & 15;

	return (w & 0xffd80000) != 0xd5080000 || crn == 7 || crn == 8 ||
	       (w >> 5) * 0x9e3779b9u >> 28 == 0;
}

/* All of a space: those that do nothing or are UNDEF make no line. */
static void space(const char *what, uint32_t base, unsigned lsb, unsigned n,
		  int level)
{
	unsigned undef = 0, ran = 0;

	for (uint32_t i = 0; i < 1u << n; i++) {
		uint32_t w = base | i << lsb;
		uint64_t esr;

		if (skip(w) || !sampled(w))
			continue;
		esr = run_one(w, (uint64_t)data, levels[level] | 0x3c0);
		if (esr == (0x56000000 | 1))
			ran++;
		else if (esr == 0x02000000)
			undef++;
		else {
			print("\n%s %s %x:", what, level_name[level], w);
			outcome(esr);
			continue;
		}
		/* what kind each word was, in lines of 64 */
		print("%s%c", ran + undef == 1 || i % 64 == 0 ? "\n" : "",
		      esr == 0x02000000 ? 'u' : 'r');
	}
	print("\n%s %s: %u ran, %u undefined\n", what, level_name[level],
	      (uint64_t)ran, (uint64_t)undef);
}

static const uint32_t words[] = {
	0x00000000, 0x0000ffff, 0x12345678,     /* UDF, unallocated */
	0xd4000001, 0xd41fffe1,                 /* SVC */
	0xd4000003,                             /* SMC */
	0xd4200000, 0xd43fffe0,                 /* BRK */
	0xd4400000, 0xd45fffe0,                 /* HLT */
	0xd4a00001, 0xd4a00002, 0xd4a00003,     /* DCPS1 to 3 */
	0xd6bf03e0,                             /* DRPS */
	0xd61f0000,                             /* BR x0 */
	0xd63f0000,                             /* BLR x0 */
	0x1e604000, 0x4e208400, 0x0d000000,     /* FP, SIMD, ST1 */
	0xd53be040,                             /* MRS x0, CNTVCT_EL0 */
	0xd53b4220, 0xd51b4220, 0xd50342df, 0xd50342ff, /* DAIF */
	0xd53b0020, 0xd5380000, 0xd5380400,     /* CTR, MIDR, PFR0 */
	0xd50b7420, 0xd50b7a20, 0xd50b7b20, 0xd50b7e20, 0xd50b7520, 0xd5087620,
	0xb9400000, 0xf9000000, 0xa9400400, 0x885f7c00, 0xc8dffc00,
	0x3d800000, 0x3dc00000,
};

static void each(const char *when)
{
	for (int level = 0; level < 3; level++) {
		for (unsigned i = 0; i < sizeof(words) / 4; i++)
			word_at(when, words[i], (uint64_t)data, level);
		word_at("br 2", 0xd61f0000, (uint64_t)code + 2, level);
		word_at("br 1", 0xd61f0000, (uint64_t)code + 9, level);
	}
}

static void with_sctlr(const char *when, uint64_t set, uint64_t clear)
{
	uint64_t old = READ(sctlr_el1);

	WRITE(sctlr_el1, (old | set) & ~clear);
	ISB();
	each(when);
	WRITE(sctlr_el1, old);
	ISB();
}

/* SP_EL0 that is no multiple of 16: loads by it with SA0 and SA */
static void stacks_unaligned(void)
{
	uint64_t old = READ(sctlr_el1);

	code[0] = 0xf94003e0;                   /* ldr x0, [sp] */
	el1_code();
	for (int on = 0; on < 4; on++) {
		WRITE(sctlr_el1, (old & ~0x18ul) | (uint64_t)on << 3);
		ISB();
		for (int level = 0; level < 2; level++) {
			print("sp sa %d %s", on, level_name[level]);
			outcome(run_spsr((uint64_t)code, (uint64_t)stack + 264,
					 0, levels[level]));
		}
	}
	WRITE(sctlr_el1, old);
	ISB();
}

void guest_main(uint64_t dtb)
{
	el1_start(dtb);
	/* what is RES1 or reset differently: known values */
	WRITE(sctlr_el1, 0x30d00980);
	WRITE(cntkctl_el1, 0);
	ISB();
	trap_handler = trap_all;
	for (uint32_t i = 1; i < 15; i++)
		code[i] = 0xd4000001 | i << 5;          /* svc #i */
	returns();
	each("plain");
	for (uint64_t fpen = 0; fpen < 4; fpen++) {
		WRITE(cpacr_el1, fpen << 20);
		ISB();
		each("fpen");
	}
	with_sctlr("uma", 1ul << 9, 0);
	with_sctlr("uci", 1ul << 26, 0);
	with_sctlr("uct", 1ul << 15, 0);
	with_sctlr("dze", 1ul << 14, 0);
	with_sctlr("span", 0, 1ul << 23);
	with_sctlr("dssbs", 1ul << 44, 0);
	stacks_unaligned();
	for (int level = 0; level < 3; level += 2) {
		space("hint", 0xd503201f, 5, 7, level);
		space("barrier", 0xd503301f, 5, 7, level);
		space("sysl", 0xd5280000, 5, 14, level);
		space("sys", 0xd5080000, 5, 14, level);
	}
	for (uint32_t op1 = 0; op1 < 8; op1++)
		space("msr imm", 0xd500401f | op1 << 16, 5, 7, 0);
	trap_handler = 0;
}
