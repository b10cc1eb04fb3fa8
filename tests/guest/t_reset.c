/* t_reset.c: PSCI SYSTEM_RESET, three times, from a machine in disorder; each
 * time everything must be as after power-on but for what is in RAM. */
#include "guest.h"

#define ICC_PMR s3_0_c4_c6_0
#define ICC_IGRPEN1 s3_0_c12_c12_7
#define ICC_SGI1R s3_0_c12_c11_5
#define UARTIBRD 0x20010024ul
#define RTCMR 0x20050004ul
#define RTCIMSC 0x20050010ul

/* in RAM, but in no image that is loaded */
static volatile uint64_t *const count = (uint64_t *)0x7a000000;

static void spin(unsigned index)
{
	WRITE(tpidr_el1, 0x5555);
	gic_init(index);
	WRITE(cntv_cval_el0, 0);
	WRITE(cntv_ctl_el0, 1);
	count[1 + index]++;
	for (;;)
		;
}

static void check_fresh(unsigned cpus)
{
	uint64_t ctl = READ(sctlr_el1);

	CHECK_EQ(READ(currentel), 4);
	CHECK_EQ(READ(daif), 0x3c0);
	CHECK_EQ(READ(spsel), 1);
	CHECK_EQ(ctl & 0x1005, 0);
	CHECK_EQ(READ(cntv_ctl_el0) & 1, 0);
	CHECK_EQ(READ(cntp_ctl_el0) & 1, 0);
	CHECK_EQ(READ(isr_el1), 0);
	CHECK_EQ(READ(ICC_IGRPEN1), 0);
	CHECK_EQ(READ(ICC_PMR), 0);
	CHECK_EQ(rd32(GICD) & 3, 0);
	for (unsigned w = 1; w < 9; w++) {
		CHECK_EQ(rd32(GICD + 0x80 + 4 * w), 0);
		CHECK_EQ(rd32(GICD + 0x100 + 4 * w), 0);
		CHECK_EQ(rd32(GICD + 0x200 + 4 * w), 0);
		CHECK_EQ(rd32(GICD + 0x300 + 4 * w), 0);
	}
	CHECK_EQ(rd32(GICD + 0x400 + 100), 0);
	CHECK_EQ(rd64(GICD + 0x6000 + 8 * 100), 0);
	for (unsigned c = 0; c < cpus; c++) {
		uint64_t sgi = GICR + c * 0x20000ul + 0x10000;

		CHECK_EQ(rd32(sgi + 0x80), 0);
		CHECK_EQ(rd32(sgi + 0x100), 0);
		CHECK_EQ(rd32(sgi + 0x200), 0);
		CHECK_EQ(rd32(sgi + 0x400), 0);
	}
	for (unsigned c = 1; c < cpus; c++)
		CHECK_EQ(psci(0xc4000004, cpu_mpidr(c), 0, 0), 1);
	CHECK_EQ(rd32(UARTIBRD), 0);
	CHECK_EQ(rd32(RTCIMSC), 0);
}

static void disorder(unsigned cpus)
{
	for (unsigned c = 1; c < cpus; c++) {
		CHECK(cpu_start(c, spin));
		while (count[1 + c] != count[0] + 1)
			;
	}
	mmu_on();
	wr32(UARTIBRD, 0x77);
	gic_init(0);
	for (unsigned i = 0; i < 288; i++) {
		if (i >= 32)
			wr32(GICD + 0xc00 + i / 16 * 4, i & 32 ? ~0u : 0);
		gic_enable(0, i, 0xa0, i & 1);
	}
	if (cpus > 1)
		wr64(GICD + 0x6000 + 8 * 100, cpu_mpidr(1));
	/* pending, edge and SGI; a level that a device holds; a timer */
	wr32(GICD + 0x20c, ~0u);
	WRITE(ICC_SGI1R, 1 | 3ul << 24);
	wr32(RTCMR, rd32(RTCMR - 4));
	wr32(RTCIMSC, 1);
	WRITE(cntv_cval_el0, 0);
	WRITE(cntv_ctl_el0, 1);
	/* one active */
	CHECK(READ(s3_0_c12_c12_0) < 1020 || READ(s3_0_c12_c8_0) < 1020);
	WRITE(tpidr_el1, 0x1234);
}

void guest_main(uint64_t dtb)
{
	unsigned cpus = cpu_count();

	CHECK_EQ(*(volatile uint32_t *)dtb, 0xedfe0dd0);
	check_fresh(cpus);
	if (*count == 3)
		return;
	disorder(cpus);
	(*count)++;
	print("reset %ld, %d CPUs\n", *count, cpus);
	psci(0x84000009, 0, 0, 0);
	CHECK(false);
}
