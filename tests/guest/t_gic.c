/* t_gic.c: interrupts as drivers use them: SGI, SPI, timers, both groups,
 * priorities, masks, WFI. One CPU. */
#include "guest.h"

#define ICC_IAR1 s3_0_c12_c12_0
#define ICC_EOIR1 s3_0_c12_c12_1
#define ICC_HPPIR1 s3_0_c12_c12_2
#define ICC_IAR0 s3_0_c12_c8_0
#define ICC_EOIR0 s3_0_c12_c8_1
#define ICC_SGI1R s3_0_c12_c11_5
#define ICC_RPR s3_0_c12_c11_3
#define ICC_PMR s3_0_c4_c6_0

static volatile uint32_t got[64];
static volatile unsigned n_got, last_vector;
static volatile bool nest;

static void on_irq(struct trap *t, int kind)
{
	bool fiq = (kind & 3) == 2;
	uint32_t id = (uint32_t)(fiq ? READ(ICC_IAR0) : READ(ICC_IAR1));

	last_vector = (unsigned)kind;
	if (n_got < 64)
		got[n_got++] = id;
	if (id >= 1020)
		return;
	if (id == 27)
		WRITE(cntv_ctl_el0, 0);
	if (id == 30)
		WRITE(cntp_ctl_el0, 0);
	if (id == 34) {                         /* the PL031's alarm */
		wr32(0x20050010, 0);
		wr32(0x2005001c, 1);
	}
	if (nest && id == 2) {
		/* a more urgent one preempts, a less urgent one does not */
		nest = false;
		WRITE(ICC_SGI1R, 1 | 3ul << 24);
		WRITE(ICC_SGI1R, 1 | 4ul << 24);
		ISB();
		CHECK_EQ(READ(ICC_RPR), 0x80);
		uint64_t elr = READ(elr_el1), spsr = READ(spsr_el1);

		irq_on();
		ISB();
		irq_off();
		WRITE(elr_el1, elr);
		WRITE(spsr_el1, spsr);
	}
	if (fiq)
		WRITE(ICC_EOIR0, id);
	else
		WRITE(ICC_EOIR1, id);
}

static void wait_irq(void)
{
	irq_on();
	ISB();
	for (int i = 0; i < 1000 && !n_got; i++)
		ISB();
	irq_off();
}

static void test_sgi(void)
{
	for (unsigned i = 0; i < 16; i++)
		gic_enable(0, i, 0x80, true);
	n_got = 0;
	WRITE(ICC_SGI1R, 1 | 5ul << 24);
	ISB();
	CHECK_EQ(READ(isr_el1), 0x80);
	CHECK_EQ(READ(ICC_HPPIR1), 5);
	wait_irq();
	CHECK_EQ(n_got, 1);
	CHECK_EQ(got[0], 5);
	CHECK_EQ(last_vector, 5);
	CHECK_EQ(READ(isr_el1), 0);
	CHECK_EQ(READ(ICC_IAR1), 1023);
	/* by priority; which of equals comes first is the GIC's choice */
	n_got = 0;
	gic_enable(0, 9, 0x40, true);
	WRITE(ICC_SGI1R, 1 | 7ul << 24);
	WRITE(ICC_SGI1R, 1 | 6ul << 24);
	WRITE(ICC_SGI1R, 1 | 9ul << 24);
	ISB();
	irq_on();
	ISB();
	ISB();
	ISB();
	irq_off();
	CHECK_EQ(n_got, 3);
	CHECK_EQ(got[0], 9);
	CHECK((got[1] == 6 && got[2] == 7) || (got[1] == 7 && got[2] == 6));
	/* PMR */
	n_got = 0;
	WRITE(ICC_PMR, 0x80);
	WRITE(ICC_SGI1R, 1 | 7ul << 24);
	ISB();
	CHECK_EQ(READ(isr_el1), 0);
	WRITE(ICC_PMR, 0xf8);
	ISB();
	wait_irq();
	CHECK_EQ(n_got, 1);
	/* preemption */
	n_got = 0;
	nest = true;
	gic_enable(0, 3, 0x40, true);
	gic_enable(0, 4, 0xc0, true);
	WRITE(ICC_SGI1R, 1 | 2ul << 24);
	ISB();
	irq_on();
	ISB();
	ISB();
	ISB();
	irq_off();
	CHECK_EQ(n_got, 3);
	CHECK_EQ(got[0], 2);
	CHECK_EQ(got[1], 3);
	CHECK_EQ(got[2], 4);
	CHECK_EQ(READ(ICC_RPR), 0xff);
}

static void test_spi(void)
{
	unsigned spi = 32 + 200;
	uint64_t w = 4ul * (spi / 32);

	/* edge, by its pending bit */
	wr32(GICD + 0xc00 + 4 * (spi / 16), 2u << spi % 16 * 2);
	gic_enable(0, spi, 0x80, true);
	n_got = 0;
	wr32(GICD + 0x200 + w, 1u << spi % 32);
	wait_irq();
	CHECK_EQ(n_got, 1);
	CHECK_EQ(got[0], spi);
	CHECK_EQ(rd32(GICD + 0x200 + w), 0);
	CHECK_EQ(rd32(GICD + 0x300 + w), 0);
	/* the PL031's alarm: level, SPI 2 */
	if ((rd32(0x20050fe0) & 0xff) == 0x31) {
		gic_enable(0, 34, 0x80, true);
		n_got = 0;
		wr32(0x20050010, 1);
		wr32(0x20050004, rd32(0x20050000) + 1);
		uint64_t end = now() + 3 * READ(cntfrq_el0);

		while (!(rd32(GICD + 0x204) & 4) && now() < end)
			;
		CHECK(rd32(GICD + 0x204) & 4);
		irq_on();
		ISB();
		ISB();
		irq_off();
		CHECK_EQ(n_got, 1);
		CHECK_EQ(got[0], 34);
		wr32(GICD + 0x184, 4);
	}
}

static void test_timer(uint64_t never)
{
	uint64_t freq = READ(cntfrq_el0), t0, t1;

	gic_enable(0, 27, 0x80, true);
	gic_enable(0, 30, 0x80, true);
	/* virtual, 2 ms, with WFI */
	n_got = 0;
	t0 = now();
	WRITE(cntv_tval_el0, freq / 500);
	WRITE(cntv_ctl_el0, 1);
	ISB();
	/* unless the host took its time */
	CHECK(READ(cntv_ctl_el0) == 1 || now() - t0 >= freq / 500);
	while (!(READ(isr_el1) & 0x80))
		__asm__ volatile("wfi");
	t1 = now();
	CHECK_EQ(READ(cntv_ctl_el0), 5);
	CHECK(t1 - t0 >= freq / 500);
	CHECK(t1 - t0 < freq);
	wait_irq();
	CHECK_EQ(n_got, 1);
	CHECK_EQ(got[0], 27);
	/* physical, polled in a loop, no WFI */
	n_got = 0;
	WRITE(cntp_cval_el0, READ(cntpct_el0) + freq / 1000);
	WRITE(cntp_ctl_el0, 1);
	irq_on();
	t0 = now();
	while (!n_got && now() - t0 < freq)
		;
	irq_off();
	CHECK_EQ(n_got, 1);
	CHECK_EQ(got[0], 30);
	/* in the past: at once; moved to the future: gone */
	WRITE(cntv_cval_el0, 0);
	WRITE(cntv_ctl_el0, 1);
	ISB();
	for (int i = 0; i < 100000 && !READ(isr_el1); i++)
		;
	CHECK_EQ(READ(isr_el1), 0x80);
	WRITE(cntv_cval_el0, never);
	ISB();
	/* KVM looks at the line again when the CPU leaves the guest */
	for (int i = 0; i < 1000 && READ(isr_el1); i++)
		rd32(0x20010018);
	CHECK_EQ(READ(isr_el1), 0);
	WRITE(cntv_ctl_el0, 3);
	WRITE(cntv_cval_el0, 0);
	ISB();
	CHECK_EQ(READ(cntv_ctl_el0), 7);
	CHECK_EQ(READ(isr_el1), 0);
	WRITE(cntv_ctl_el0, 0);
}

/* Group 0, as XNU takes its timer: FIQ, IAR0. */
static void test_fiq(void)
{
	gic_enable(0, 27, 0x80, false);
	n_got = 0;
	WRITE(cntv_cval_el0, 0);
	WRITE(cntv_ctl_el0, 1);
	ISB();
	for (int i = 0; i < 100000 && !READ(isr_el1); i++)
		;
	CHECK_EQ(READ(isr_el1), 0x40);
	CHECK_EQ(READ(ICC_IAR1), 1023);
	wait_irq();
	CHECK_EQ(n_got, 1);
	CHECK_EQ(got[0], 27);
	CHECK_EQ(last_vector, 6);
}

/* An MSI: a store to the GICv2m frame. */
static void test_msi(void)
{
	uint32_t typer = rd32(0x1fff0008);
	unsigned id = typer >> 16 & 0x3ff;

	CHECK_EQ(id, 160);
	CHECK_EQ(typer & 0x3ff, 128);
	wr32(GICD + 0xc00 + 4 * (id / 16), 2u << id % 16 * 2);
	gic_enable(0, id, 0x80, true);
	n_got = 0;
	wr32(0x1fff0040, id);
	for (int i = 0; i < 100000 && !READ(isr_el1); i++)
		;
	wait_irq();
	CHECK_EQ(n_got, 1);
	CHECK_EQ(got[0], id);
}

void guest_main(uint64_t dtb)
{
	trap_handler = on_irq;
	gic_init(0);
	test_sgi();
	test_spi();
	/* TCG 7.2 hangs for ever where a deadline and CNTVOFF wrap */
	test_timer(guest_told(dtb, "tcg-host") ? 1ul << 60 : ~0ul);
	test_fiq();
	test_msi();
}
