/* t_basic.c: traps, PSTATE, system registers, the return from each. */
#include "guest.h"

static void do_svc(void *a) { __asm__ volatile("svc #0x123"); }
static void do_brk(void *a) { __asm__ volatile("brk #0x45"); }
static void do_udf(void *a) { __asm__ volatile(".inst 0x00000000"); }
static void do_smc(void *a) { __asm__ volatile("smc #0" : : : "x0", "x1", "x2", "x3"); }
static void do_hlt(void *a) { __asm__ volatile("hlt #1"); }
static void do_unaligned(void *a)
{
	uint64_t v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"((char *)a + 1));
}
static void do_sp(void *a)
{
	/* on SP_EL0: the handler needs SP_EL1 */
	__asm__ volatile("mov x9, sp\n\tmsr spsel, #0\n\tsub x9, x9, #4088\n\t"
			 "mov sp, x9\n\tldr x10, [sp]\n\tmsr spsel, #1"
			 : : : "x9", "x10", "memory");
}
static void do_fp(void *a) { __asm__ volatile(".inst 0x1e604000"); }
static void do_zva(void *a) { __asm__ volatile("dc zva, %0" : : "r"(a)); }
static void do_mrs(void *a)
{
	uint64_t v;

	__asm__ volatile("mrs %0, s3_0_c15_c0_0" : "=r"(v));
}

/* jumps to an address that is no multiple of 4 and comes back by the handler */
static uint64_t back;
static void trap_pc(struct trap *t, int kind)
{
	for (unsigned i = 0; i < sizeof(*t) / 8; i++)
		((uint64_t *)&last_trap)[i] = ((uint64_t *)t)[i];
	t->elr = back;
}

static void test_traps(bool kvm, bool tcg_host)
{
	static uint64_t data[2];
	uint64_t esr;

	CHECK_EQ(catch_trap(do_svc, 0), 0x56000123);
	CHECK_EQ(last_kind, 4);
	CHECK_EQ(catch_trap(do_brk, 0), 0xf2000045);
	CHECK_EQ(catch_trap(do_udf, 0), 0x02000000);
	/* KVM takes SMC where there is an EL3, and gives -1 */
	esr = catch_trap(do_smc, 0);
	CHECK(esr == 0x02000000 || (kvm && !esr));
	CHECK_EQ(catch_trap(do_hlt, 0), 0x02000000);
	CHECK_EQ(catch_trap(do_mrs, 0), 0x02000000);
	/* MMU off: data is Device, so alignment counts (TCG 7.2 knows neither
	 * this nor the next) */
	if (!tcg_host) {
		CHECK_EQ(catch_trap(do_unaligned, data), 0x96000021);
		CHECK_EQ(last_trap.far, (uint64_t)data + 1);
		/* so does DC ZVA's, which wants Normal memory; after a plain store */
	*(volatile uint64_t *)data = 1;
	CHECK_EQ(catch_trap(do_zva, data) & ~0x40ul, 0x96000021);
	WRITE(sctlr_el1, READ(sctlr_el1) | 8);
		ISB();
		CHECK_EQ(catch_trap(do_sp, 0), 0x9a000000);
		WRITE(sctlr_el1, READ(sctlr_el1) & ~8ul);
	}
	WRITE(cpacr_el1, 0);
	ISB();
	CHECK_EQ(catch_trap(do_fp, 0), 0x1fe00000);
	WRITE(cpacr_el1, 3 << 20);
	ISB();
	CHECK_EQ(catch_trap(do_fp, 0), 0);

	trap_fn *old = trap_handler;

	trap_handler = trap_pc;
	__asm__ volatile("adr x9, 1f\n\tstr x9, [%0]\n\tadd x9, x9, #2\n\t"
			 "br x9\n1:" : : "r"(&back) : "x9", "memory");
	trap_handler = old;
	CHECK_EQ(last_trap.esr, 0x8a000000);
	CHECK_EQ(last_trap.elr, back + 2);
	CHECK_EQ(last_trap.far, back + 2);
}

static void test_pstate(void)
{
	uint64_t v;

	CHECK_EQ(READ(currentel), 4);
	CHECK_EQ(READ(daif), 0x3c0);
	CHECK_EQ(READ(spsel), 1);
	WRITE(nzcv, 0xf0000000);
	CHECK_EQ(READ(nzcv), 0xf0000000);
	__asm__ volatile("cmp %1, #5\n\tcset %0, lo" : "=r"(v) : "r"(4ul));
	CHECK_EQ(v, 1);
	__asm__ volatile("msr spsel, #0\n\tmov x9, sp\n\tmrs %0, spsel\n\t"
			 "msr spsel, #1" : "=r"(v) : : "x9");
	CHECK_EQ(v, 0);
	__asm__ volatile("msr daifclr, #8");
	CHECK_EQ(READ(daif), 0x1c0);
	__asm__ volatile("msr daifset, #8");
	WRITE(tpidr_el1, 0x123456789abcdef0);
	CHECK_EQ(READ(tpidr_el1), 0x123456789abcdef0);
	CHECK_EQ(READ(mpidr_el1), 0x80000000);
}

/* an illegal return: M = EL2h */
static void trap_illegal(struct trap *t, int kind)
{
	for (unsigned i = 0; i < sizeof(*t) / 8; i++)
		((uint64_t *)&last_trap)[i] = ((uint64_t *)t)[i];
	t->spsr &= ~(1ul << 20);
}
static void test_illegal(void)
{
	trap_fn *old = trap_handler;

	trap_handler = trap_illegal;
	__asm__ volatile("mov x9, #0x3c9\n\tmsr spsr_el1, x9\n\tadr x9, 1f\n\t"
			 "msr elr_el1, x9\n\teret\n1:" : : : "x9", "memory");
	trap_handler = old;
	CHECK_EQ(last_trap.esr, 0x3a000000);
	CHECK(last_trap.spsr & 1ul << 20);
	CHECK_EQ(READ(currentel), 4);
}

void guest_main(uint64_t dtb)
{
	CHECK_EQ(*(volatile uint32_t *)dtb, 0xedfe0dd0);
	test_traps(guest_told(dtb, "kvm"), guest_told(dtb, "tcg-host"));
	test_pstate();
	test_illegal();
	CHECK_EQ(psci(0x84000000, 0, 0, 0) >> 16, 1);
	CHECK_EQ(psci(0x80000000, 0, 0, 0) >> 16, 1);
	CHECK_EQ(psci(0xdeadbeef & 0x7fffffff, 0, 0, 0), (uint64_t)-1);
}
