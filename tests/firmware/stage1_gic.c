/* stage1_gic.c: interrupts as XNU uses them (spec/vmapple.md 1.4, 1.5): the
 * virtual timer in Group 0, which comes as FIQ, set up by stores with write-back
 * to the redistributor. */
#include "stage1.h"

#define TIMER 27u
#define GROUPS 0x81ffffffu              /* PPIs 25 to 30 in Group 0 */
#define FIQ 6                           /* vector, of EL1 with SP_EL1 */
#define TICKS 3
#define CPUS 32

static volatile struct {
	unsigned ticks, wrong;
	char pad[56];
} seen[CPUS];

static unsigned self(void)
{
	return READ(mpidr_el1) % CPUS;          /* Aff0 counts them all */
}

/* This CPU's redistributor, by affinity; stops behind the last one. */
static uint64_t redistributor(void)
{
	uint64_t at = GICR, aff = READ(mpidr_el1) & 0xffffff;

	for (;; at += 0x20000) {
		uint64_t typer = rd64(at + 8);

		if (typer >> 32 == aff)
			return at;
		if (typer & 1 << 4)
			return 0;
	}
}

/* Masks, by WFI and ISR_EL1, come after this. */
static void set_timer(uint64_t us)
{
	WRITE(cntv_tval_el0, us * (READ(cntfrq_el0) / 1000000));
	WRITE(cntv_ctl_el0, 1);
	ISB();
}

static void on_fiq(struct trap *t, int kind)
{
	unsigned cpu = self();
	uint64_t other = READ(s3_0_c12_c12_0);          /* ICC_IAR1_EL1 */
	uint64_t id = READ(s3_0_c12_c8_0);              /* ICC_IAR0_EL1 */

	if (kind != FIQ || other != 1023 || id != TIMER)
		seen[cpu].wrong++;
	if (++seen[cpu].ticks < TICKS)
		set_timer(500);
	else
		WRITE(cntv_ctl_el0, 0);
	ISB();
	if (id < 1020)
		WRITE(s3_0_c12_c8_1, id);               /* ICC_EOIR0_EL1 */
}

/* The two stores are XNU's very forms. */
static bool group0(void)
{
	uint64_t rd = redistributor(), at = rd + 0x10000;

	if (!rd)
		return false;
	if (rd32(rd + 0x14) & 4) {
		wr32(rd + 0x14, rd32(rd + 0x14) & ~2u);
		while (rd32(rd + 0x14) & 4)
			;
	}
	__asm__ volatile("str %w1, [%0, #0x80]!\n\t"
			 "str %w2, [%0, #0x80]!"
			 : "+r"(at) : "r"(GROUPS), "r"(1u << TIMER) : "memory");
	if (at != rd + 0x10100)
		return false;
	WRITE(s3_0_c12_c12_5, READ(s3_0_c12_c12_5) | 1);        /* SRE */
	ISB();
	WRITE(s3_0_c12_c8_3, 0);                                /* BPR0 */
	WRITE(s3_0_c4_c6_0, 0xff);                              /* PMR */
	WRITE(s3_0_c12_c12_4, READ(s3_0_c12_c12_4) & ~2ul);     /* EOImode */
	/* Group 1 is the GIC driver's to enable */
	wr32(GICD, rd32(GICD) | 3);
	WRITE(s3_0_c12_c12_6, 1);                               /* IGRPEN0 */
	WRITE(cntp_ctl_el0, 2);
	ISB();
	return true;
}

bool fiq_ticks(void)
{
	volatile unsigned *ticks = &seen[self()].ticks;
	uint64_t start;

	*ticks = seen[self()].wrong = 0;
	trap_handler = on_fiq;
	if (!group0())
		return false;
	/* masked: WFI ends nevertheless, and ISR_EL1 says why */
	set_timer(500);
	while (!(READ(isr_el1) & 1 << 6))
		__asm__ volatile("wfi" : : : "memory");
	if (*ticks)
		return false;
	__asm__ volatile("msr daifclr, #1" : : : "memory");
	for (start = now(); *ticks < TICKS;)
		if (now() - start > 10 * READ(cntfrq_el0))
			break;
	__asm__ volatile("msr daifset, #1" : : : "memory");
	return *ticks == TICKS && !seen[self()].wrong;
}

const char *part_fiq(void)
{
	uint64_t sgi = redistributor() + 0x10000, start = now();

	CHECK(fiq_ticks());
	/* three times half a millisecond, and no counter of another kind */
	CHECK(now() - start >= READ(cntfrq_el0) / 1000 * 3 / 2);
	CHECK_EQ(rd32(sgi + 0x80), GROUPS);
	CHECK_EQ(rd32(sgi + 0x100) >> TIMER & 1, 1);
	CHECK_EQ(READ(cntp_ctl_el0), 2);
	CHECK_EQ(READ(s3_0_c12_c11_3), 0xff);   /* ICC_RPR: nothing active */
	return NULL;
}

/* ---- write-back -------------------------------------------------------------- */

/* Accesses for which a CPU gives its hypervisor no syndrome: each must both act
 * and leave the base register where it belongs. Priorities of SGIs and PPIs are
 * 32 bytes of scratch, five bits of each implemented. */
const char *part_redistributor(void)
{
	uint64_t prio = redistributor() + 0x10400, at = prio, x, y;
	uint32_t old[8];

	for (unsigned i = 0; i < 8; i++)
		old[i] = rd32(prio + 4 * i);
	for (unsigned i = 0; i < 4; i++)
		__asm__ volatile("str %w1, [%0], #4" : "+r"(at)
				 : "r"(0x10203040 + 0x08080808 * i) : "memory");
	CHECK_EQ(at, prio + 16);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(rd32(prio + 4 * i), 0x10203040 + 0x08080808 * i);

	__asm__ volatile("stp %w1, %w2, [%0], #8" : "+r"(at)
			 : "r"(0x80a0c0d8), "r"(0x18283848) : "memory");
	CHECK_EQ(at, prio + 24);
	CHECK_EQ(rd32(prio + 16), 0x80a0c0d8);
	CHECK_EQ(rd32(prio + 20), 0x18283848);
	__asm__ volatile("stp %w1, %w2, [%0, #-24]!" : "+r"(at)
			 : "r"(0x98a8b8c8), "r"(0) : "memory");
	CHECK_EQ(at, prio);
	CHECK_EQ(rd32(prio), 0x98a8b8c8);
	CHECK_EQ(rd32(prio + 4), 0);
	__asm__ volatile("ldp %w1, %w2, [%0], #16" : "+r"(at), "=&r"(x),
			 "=&r"(y) : : "memory");
	CHECK_EQ(at, prio + 16);
	CHECK_EQ(x, 0x98a8b8c8);
	CHECK_EQ(y, 0);
	__asm__ volatile("ldr %w1, [%0, #4]!" : "+r"(at), "=&r"(x)
			 : : "memory");
	CHECK_EQ(at, prio + 20);
	CHECK_EQ(x, 0x18283848);
	at++;                                   /* bytes go one by one */
	__asm__ volatile("strb %w1, [%0], #-1" : "+r"(at) : "r"(0xf0)
			 : "memory");
	CHECK_EQ(at, prio + 20);
	CHECK_EQ(rd32(prio + 20), 0x1828f048);

	at = prio + 8;
	__asm__ volatile(".arch_extension fp\n\t"
			 "fmov s0, %w1\n\tfmov s1, %w2\n\t"
			 "str s0, [%0], #4\n\tstp s1, s0, [%0], #8"
			 : "+r"(at) : "r"(0x50607080), "r"(0x90b0d0f0)
			 : "memory");
	CHECK_EQ(at, prio + 20);
	CHECK_EQ(rd32(prio + 8), 0x50607080);
	CHECK_EQ(rd32(prio + 12), 0x90b0d0f0);
	CHECK_EQ(rd32(prio + 16), 0x50607080);
	__asm__ volatile(".arch_extension fp\n\t"
			 "ldp s2, s3, [%0, #-8]!\n\tfmov %w1, s2\n\t"
			 "fmov %w2, s3" : "+r"(at), "=&r"(x), "=&r"(y)
			 : : "memory");
	CHECK_EQ(at, prio + 12);
	CHECK_EQ(x, 0x90b0d0f0);
	CHECK_EQ(y, 0x50607080);
	for (unsigned i = 0; i < 8; i++)
		wr32(prio + 4 * i, old[i]);
	return NULL;
}
