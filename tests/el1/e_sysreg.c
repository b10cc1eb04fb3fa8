/* e_sysreg.c: every encoding of MRS and MSR, at EL1 and at EL0: does it exist,
 * what does it read, which bits of it can be written, how does it trap?
 *
 * Prints a line for each encoding that does not simply raise UNDEF:
 *
 *	r S3_0_C1_C0_0 = 30d00800	read at EL1
 *	w S3_0_C1_C0_0: 1 -> ..., 0 -> ...	what all ones and zero leave
 *	u S3_3_C13_C0_2 ...		read at EL0: value, or the trap's ESR
 *	v S3_3_C13_C0_2 ...		written at EL0
 */
#include "el1.h"

/* A page of its own: QEMU looks hard at stores to a page with code. */
static uint32_t code[1024] __attribute__((aligned(4096)));

static uint32_t mrs(unsigned reg, unsigned rt)
{
	return 0xd5300000 | reg << 5 | rt;
}
static uint32_t msr(unsigned reg, unsigned rt)
{
	return 0xd5100000 | reg << 5 | rt;
}

static unsigned field(unsigned reg, unsigned lsb, unsigned n)
{
	return reg >> lsb & ((1u << n) - 1);
}
/* o0 op1 CRn CRm op2 in 1 3 4 4 3 bits */
#define REG(op0, op1, n, m, op2) \
	((op0 - 2) << 14 | (op1) << 11 | (n) << 7 | (m) << 3 | (op2))

static void name(char kind, unsigned reg)
{
	print("%c S%d_%d_C%d_C%d_%d", kind, 2 + (reg >> 14), field(reg, 11, 3),
	      field(reg, 7, 4), field(reg, 3, 4), field(reg, 0, 3));
}

/* Reads as time goes by, or at random. */
static bool moves(unsigned reg)
{
	unsigned n = field(reg, 7, 4), m = field(reg, 3, 4);

	if (reg >> 14 == 0)
		return false;
	return (n == 14 && m <= 3 && field(reg, 11, 3) == 3 &&
		!(m == 0 && field(reg, 0, 3) == 0)) ||
	       (n == 2 && m == 4);
}

/* Written, it changes how the test itself runs. */
static bool no_write(unsigned reg)
{
	unsigned n = field(reg, 7, 4), m = field(reg, 3, 4);

	if (reg >> 14 == 0)
		return n == 1 || reg == REG(2, 0, 0, 2, 2) || n == 4;
	if (reg == REG(3, 0, 1, 0, 0) || (n == 4 && m == 2) ||
	    reg == REG(3, 0, 4, 1, 0))
		return true;
	return n == 12 && (field(reg, 3, 4) >= 8 || reg == REG(3, 0, 12, 0, 2));
}

static uint64_t result[2];

static void run(void *arg)
{
	register uint64_t x0 __asm__("x0") = *(uint64_t *)arg;
	register uint64_t x1 __asm__("x1") = 0;

	__asm__ volatile("blr %2" : "+r"(x0), "+r"(x1) : "r"(code)
			 : "x2", "x30", "memory");
	result[0] = x0;
	result[1] = x1;
}

static void at_el1(unsigned reg)
{
	uint64_t zero = 0, ones = ~0ul, esr, after;

	code[0] = mrs(reg, 0);
	code[1] = 0xd65f03c0;                   /* ret */
	el1_code();
	esr = catch_trap(run, &zero);
	if (esr && esr != 0x02000000) {
		name('r', reg);
		print(" esr %lx\n", esr);
	} else if (!esr) {
		name('r', reg);
		if (moves(reg))
			print("\n");
		else
			print(" = %lx\n", result[0]);
	}
	if (no_write(reg))
		return;
	/* old value to x2, x0 to the register, what it reads then to x1, old
	 * value back: what cannot be read is only written. */
	unsigned i = 0;
	bool readable = !esr;

	code[i++] = readable ? mrs(reg, 2) : 0xd503201f;
	code[i++] = msr(reg, 0);
	code[i++] = 0xd5033fdf;                 /* isb */
	code[i++] = readable ? mrs(reg, 1) : 0xd503201f;
	code[i++] = readable ? msr(reg, 2) : 0xd503201f;
	code[i++] = 0xd5033fdf;
	code[i++] = 0xd65f03c0;
	el1_code();
	esr = catch_trap(run, &ones);
	if (esr) {
		if (esr != 0x02000000) {
			name('w', reg);
			print(" esr %lx\n", esr);
		}
		return;
	}
	after = result[1];
	name('w', reg);
	if (readable && !moves(reg)) {
		run(&zero);
		print(": 1 -> %lx, 0 -> %lx", after, result[1]);
	}
	print("\n");
}

static void trap_el0(struct trap *t, int kind)
{
	last_trap.x[0] = t->x[0];
	leave_el0(t->esr);
}

static void at_el0(unsigned reg)
{
	static uint8_t stack[256] __attribute__((aligned(16)));
	trap_fn *old = trap_handler;
	uint64_t esr;

	trap_handler = trap_el0;
	code[0] = mrs(reg, 0);
	code[1] = 0xd4000001;                   /* svc #0 */
	el1_code();
	esr = run_el0((uint64_t)code, (uint64_t)stack + 256, 0);
	if (esr != 0x02000000) {
		name('u', reg);
		if (esr >> 26 != 0x15)
			print(" esr %lx\n", esr);
		else if (moves(reg))
			print("\n");
		else
			print(" = %lx\n", last_trap.x[0]);
	}
	if (reg != REG(3, 3, 4, 2, 1)) {        /* DAIF: masks our own traps */
		code[0] = msr(reg, 0);
		el1_code();
		esr = run_el0((uint64_t)code, (uint64_t)stack + 256, 0);
		if (esr != 0x02000000) {
			name('v', reg);
			print(esr >> 26 == 0x15 ? "\n" : " esr %lx\n", esr);
		}
	}
	trap_handler = old;
}

/* What lets EL0 at registers: all of it off, then all of it on. */
static void el0(bool on)
{
	/* UCI, UCT, DZE, UMA */
	uint64_t sctlr = READ(sctlr_el1) &
			 ~(1ul << 26 | 1ul << 15 | 1ul << 14 | 1ul << 9);

	WRITE(sctlr_el1, on ? sctlr | 1ul << 26 | 1ul << 15 | 1ul << 14 |
				      1ul << 9 : sctlr);
	WRITE(cntkctl_el1, on ? 0x303 : 0);
	WRITE(cpacr_el1, on ? 3ul << 20 : 0);
	ISB();
	print("EL0, %s\n", on ? "all permitted" : "nothing permitted");
	for (unsigned reg = 0; reg < 1u << 15; reg++)
		at_el0(reg);
}

void guest_main(uint64_t dtb)
{
	el1_start(dtb);
	print("EL1\n");
	for (unsigned reg = 0; reg < 1u << 15; reg++)
		at_el1(reg);
	el0(false);
	el0(true);
}
