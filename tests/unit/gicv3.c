/* Tests of devices/gicv3*.c: registers, delivery, priorities, SGIs, routing,
 * and a random walk against a model that derives everything from registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "gicv3.h"

#define NCPUS 3
#define SPURIOUS 1023

struct rig {
	struct gicv3 *g;
	struct device *dev;
	struct intc *ic;
	bool irq[32], fiq[32];
	unsigned signals;
};

static void on_signal(void *arg, unsigned cpu, bool irq, bool fiq)
{
	struct rig *r = arg;

	assert_true(irq != r->irq[cpu] || fiq != r->fiq[cpu]);
	assert_false(irq && fiq);
	r->irq[cpu] = irq;
	r->fiq[cpu] = fiq;
	r->signals++;
}

/* `per` CPUs in Aff0: 16 as on KVM, 32 where a Mac is started. */
static void rig_open_aff(struct rig *r, unsigned ncpus, unsigned per)
{
	struct gicv3_conf c = {
		.ncpus = ncpus, .nspi = 256, .msi_addr = 0x1fff0040,
		.msi_first = 160, .msi_count = 128, .signal = on_signal,
		.arg = r,
	};
	struct err e;
	unsigned i;

	memset(r, 0, sizeof(*r));
	for (i = 0; i < ncpus; i++)
		c.mpidr[i] = 0x80000000u | (i / per) << 8 | i % per;
	r->g = gicv3_new(&c, &e);
	assert_non_null(r->g);
	r->dev = gicv3_device(r->g);
	r->ic = gicv3_intc(r->g);
}

static void rig_open(struct rig *r, unsigned ncpus)
{
	rig_open_aff(r, ncpus, 16);
}

static void rig_close(struct rig *r)
{
	gicv3_free(r->g);
}

static uint32_t dr(struct rig *r, uint32_t off)
{
	uint64_t val;

	fake_read_win(r->dev, 0, off, 4, &val);
	return (uint32_t)val;
}

static void dw(struct rig *r, uint32_t off, uint32_t val)
{
	fake_write_win(r->dev, 0, off, 4, val);
}

static uint32_t rr(struct rig *r, unsigned cpu, uint32_t off)
{
	uint64_t val;

	fake_read_win(r->dev, 1, cpu * 0x20000u + off, 4, &val);
	return (uint32_t)val;
}

static void rw(struct rig *r, unsigned cpu, uint32_t off, uint32_t val)
{
	fake_write_win(r->dev, 1, cpu * 0x20000u + off, 4, val);
}

#define SGI 0x10000u            /* the SGI frame */

static void prio(struct rig *r, unsigned cpu, uint32_t intid, uint8_t p)
{
	if (intid < 32)
		fake_write_win(r->dev, 1, cpu * 0x20000u + SGI + 0x400 + intid,
			       1, p);
	else
		fake_write_win(r->dev, 0, 0x400 + intid, 1, p);
}

static uint64_t ir(struct rig *r, unsigned cpu, enum icc_reg reg)
{
	return gicv3_icc_read(r->g, cpu, reg);
}

static void iw(struct rig *r, unsigned cpu, enum icc_reg reg, uint64_t val)
{
	gicv3_icc_write(r->g, cpu, reg, val);
}

/* Everything on, everything in group 1, PMR open. */
static void rig_enable(struct rig *r, unsigned ncpus)
{
	unsigned i;

	dw(r, 0, 3);
	for (i = 1; i <= 8; i++)
		dw(r, 0x80 + 4 * i, 0xffffffff);
	for (i = 0; i < ncpus; i++) {
		rw(r, i, 0x14, 0);
		rw(r, i, SGI + 0x80, 0xffffffff);
		iw(r, i, ICC_PMR_EL1, 0xff);
		iw(r, i, ICC_IGRPEN0_EL1, 1);
		iw(r, i, ICC_IGRPEN1_EL1, 1);
	}
}

static void enable(struct rig *r, uint32_t intid)
{
	if (intid < 32)
		rw(r, 0, SGI + 0x100, 1u << intid);
	else
		dw(r, 0x100 + intid / 32 * 4, 1u << (intid & 31));
}

static void edge(struct rig *r, uint32_t intid)
{
	uint32_t off = 0xc00 + intid / 16 * 4;

	dw(r, off, dr(r, off) | 2u << intid % 16 * 2);
}

/* ---- registers ---------------------------------------------------------------- */

static void test_reset(void **state)
{
	struct rig r;
	uint64_t val;
	unsigned i;

	rig_open(&r, 18);
	/* spec/vmapple.md 1.4 */
	assert_int_equal(dr(&r, 0), 0x50);
	assert_int_equal(dr(&r, 4), 0x03780008);
	dw(&r, 0, 0xffffffff);
	assert_int_equal(dr(&r, 0), 0x53);
	assert_int_equal(dr(&r, 0xffe8), 0x3b);
	assert_int_equal(rr(&r, 0, 0xffe8), 0x3b);
	assert_int_equal(rr(&r, 1, 0x14), 6);
	assert_int_equal(rr(&r, 1, SGI + 0x80), 0);
	assert_int_equal(rr(&r, 1, SGI + 0xc00), 0xaaaaaaaa);
	assert_int_equal(rr(&r, 1, SGI + 0xc04), 0);
	fake_read_win(r.dev, 1, 17 * 0x20000 + 8, 8, &val);
	assert_int_equal(val, 0x0000010101001110);
	fake_read_win(r.dev, 1, 2 * 0x20000 + 8, 8, &val);
	assert_int_equal(val, 0x0000000201000200);
	assert_int_equal(rr(&r, 17, 8), 0x01001110);
	assert_int_equal(rr(&r, 17, 12), 0x00000101);
	/* WAKER: ChildrenAsleep follows */
	rw(&r, 1, 0x14, 0);
	assert_int_equal(rr(&r, 1, 0x14), 0);
	rw(&r, 1, 0x14, 2);
	assert_int_equal(rr(&r, 1, 0x14), 6);
	/* the CPU interface */
	assert_int_equal(ir(&r, 0, ICC_SRE_EL1), 7);
	assert_int_equal(ir(&r, 0, ICC_CTLR_EL1), 0x8400);
	assert_int_equal(ir(&r, 0, ICC_BPR0_EL1), 2);
	assert_int_equal(ir(&r, 0, ICC_BPR1_EL1), 3);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0xff);
	assert_int_equal(ir(&r, 0, ICC_PMR_EL1), 0);
	assert_int_equal(ir(&r, 0, ICC_IGRPEN1_EL1), 0);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), SPURIOUS);
	iw(&r, 0, ICC_PMR_EL1, 0xff);
	assert_int_equal(ir(&r, 0, ICC_PMR_EL1), 0xf8);
	iw(&r, 0, ICC_CTLR_EL1, 0xffffffff);
	assert_int_equal(ir(&r, 0, ICC_CTLR_EL1), 0x8403);
	iw(&r, 0, ICC_BPR0_EL1, 0);
	assert_int_equal(ir(&r, 0, ICC_BPR0_EL1), 2);
	/* reset undoes all */
	for (i = 0x80; i < 0x1000; i += 4)
		dw(&r, i, 0xffffffff);
	for (i = 0x6100; i < 0x6900; i += 4)
		dw(&r, i, 0xffffffff);
	r.dev->ops->reset(r.dev);
	for (i = 0x80; i < 0x1000; i += 4)
		assert_int_equal(dr(&r, i), 0);
	assert_int_equal(dr(&r, 0x6100), 0);
	assert_int_equal(ir(&r, 0, ICC_CTLR_EL1), 0x8400);
	rig_close(&r);
}

static void test_banks(void **state)
{
	struct rig r;
	uint64_t val;

	rig_open(&r, NCPUS);
	/* set and clear pairs */
	dw(&r, 0x104, 0xf0);
	dw(&r, 0x184, 0x30);
	assert_int_equal(dr(&r, 0x104), 0xc0);
	assert_int_equal(dr(&r, 0x184), 0xc0);
	dw(&r, 0x204, 0xf);
	dw(&r, 0x284, 1);
	assert_int_equal(dr(&r, 0x204), 0xe);
	dw(&r, 0x304, 0xff);
	dw(&r, 0x384, 0xf);
	assert_int_equal(dr(&r, 0x384), 0xf0);
	/* INTIDs 0..31 live in the redistributor; beyond 287 is nothing */
	dw(&r, 0x100, 0xffffffff);
	assert_int_equal(dr(&r, 0x100), 0);
	dw(&r, 0x100 + 9 * 4, 0xffffffff);
	assert_int_equal(dr(&r, 0x100 + 9 * 4), 0);
	rw(&r, 1, SGI + 0x100, 0x80000001);
	assert_int_equal(rr(&r, 1, SGI + 0x100), 0x80000001);
	assert_int_equal(rr(&r, 0, SGI + 0x100), 0);
	rw(&r, 1, SGI + 0x104, 0xffffffff);
	assert_int_equal(rr(&r, 1, SGI + 0x104), 0);
	/* five bits of priority, by bytes and words */
	dw(&r, 0x420, 0xffffffff);
	assert_int_equal(dr(&r, 0x420), 0xf8f8f8f8);
	prio(&r, 0, 33, 0x5f);
	assert_int_equal(dr(&r, 0x420), 0xf8f858f8);
	assert_int_equal(fake_read_win(r.dev, 0, 0x421, 1, &val), IO_OK);
	assert_int_equal(val, 0x58);
	prio(&r, 2, 31, 0xa0);
	assert_int_equal(rr(&r, 2, SGI + 0x41c), 0xa0000000);
	/* configuration: SGIs fixed, PPIs and SPIs free, even bits 0 */
	rw(&r, 0, SGI + 0xc00, 0);
	rw(&r, 0, SGI + 0xc04, 0xffffffff);
	dw(&r, 0xc08, 0xffffffff);
	assert_int_equal(rr(&r, 0, SGI + 0xc00), 0xaaaaaaaa);
	assert_int_equal(rr(&r, 0, SGI + 0xc04), 0xaaaaaaaa);
	assert_int_equal(dr(&r, 0xc08), 0xaaaaaaaa);
	/* routing: 64 bits, or either half */
	assert_int_equal(fake_write_win(r.dev, 0, 0x6100, 8, UINT64_MAX),
			 IO_OK);
	fake_read_win(r.dev, 0, 0x6100, 8, &val);
	assert_int_equal(val, 0xff80ffffff);
	dw(&r, 0x6104, 5);
	fake_read_win(r.dev, 0, 0x6100, 8, &val);
	assert_int_equal(val, 0x0580ffffff);
	dw(&r, 0x6100, 0x102);
	assert_int_equal(dr(&r, 0x6100), 0x102);
	assert_int_equal(dr(&r, 0x6104), 5);
	/* RAZ/WI with one security state and affinity routing */
	dw(&r, 0xd04, 0xffffffff);
	dw(&r, 0xe08, 0xffffffff);
	dw(&r, 0x820, 0xffffffff);
	assert_int_equal(dr(&r, 0xd04) | dr(&r, 0xe08) | dr(&r, 0x820), 0);
	/* sizes that do not exist, and holes */
	assert_int_equal(fake_read_win(r.dev, 0, 4, 1, &val), IO_SIZE);
	assert_int_equal(fake_read_win(r.dev, 0, 0x104, 2, &val), IO_SIZE);
	assert_int_equal(fake_read_win(r.dev, 0, 0x9000, 4, &val), IO_NOREG);
	assert_int_equal(fake_read_win(r.dev, 1, 3 * 0x20000, 4, &val),
			 IO_NOREG);
	rig_close(&r);
}

static void test_bad_conf(void **state)
{
	struct gicv3_conf c = { .ncpus = 33, .nspi = 256 };
	struct err e;

	assert_null(gicv3_new(&c, &e));
	assert_string_equal(e.msg, "gic: 33 CPUs: must be 1 to 32");
	c.ncpus = 1;
	c.nspi = 33;
	assert_null(gicv3_new(&c, &e));
	c.nspi = 992;
	assert_null(gicv3_new(&c, &e));
	c.nspi = 256;
	c.msi_first = 200;
	c.msi_count = 89;
	assert_null(gicv3_new(&c, &e));
	c.msi_count = 88;
	gicv3_free(gicv3_new(&c, &e));
}

/* ---- delivery -------------------------------------------------------------------- */

static void test_level(void **state)
{
	struct rig r;

	rig_open(&r, NCPUS);
	rig_enable(&r, NCPUS);
	enable(&r, 33);
	irq_set((struct irq){ r.ic, 33 }, true);
	assert_true(r.irq[0] && !r.fiq[0] && !r.irq[1]);
	irq_set((struct irq){ r.ic, 33 }, false);       /* withdrawn */
	assert_false(r.irq[0]);
	irq_set((struct irq){ r.ic, 33 }, true);
	assert_int_equal(ir(&r, 0, ICC_HPPIR1_EL1), 33);
	assert_int_equal(ir(&r, 0, ICC_HPPIR0_EL1), SPURIOUS);
	assert_int_equal(ir(&r, 0, ICC_IAR0_EL1), SPURIOUS);
	assert_int_equal(ir(&r, 1, ICC_IAR1_EL1), SPURIOUS);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 33);
	assert_false(r.irq[0]);
	assert_int_equal(dr(&r, 0x304), 2);
	assert_int_equal(dr(&r, 0x204), 2);             /* by its line */
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), SPURIOUS);
	iw(&r, 0, ICC_EOIR1_EL1, 33);
	assert_true(r.irq[0]);                          /* still up: again */
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 33);
	irq_set((struct irq){ r.ic, 33 }, false);
	iw(&r, 0, ICC_EOIR1_EL1, 33);
	assert_false(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0xff);
	/* made pending by software: once */
	dw(&r, 0x204, 2);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 33);
	iw(&r, 0, ICC_EOIR1_EL1, 33);
	assert_false(r.irq[0]);
	/* the latch of a level interrupt is not its line */
	irq_set((struct irq){ r.ic, 33 }, true);
	dw(&r, 0x284, 2);
	assert_int_equal(dr(&r, 0x204), 2);
	rig_close(&r);
}

static void test_edge(void **state)
{
	struct rig r;

	rig_open(&r, NCPUS);
	rig_enable(&r, NCPUS);
	edge(&r, 40);
	enable(&r, 40);
	irq_set((struct irq){ r.ic, 40 }, true);
	irq_set((struct irq){ r.ic, 40 }, false);
	assert_true(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 40);
	assert_int_equal(dr(&r, 0x204), 0);
	/* another edge while active: pending again, taken after EOI */
	irq_set((struct irq){ r.ic, 40 }, true);
	assert_int_equal(dr(&r, 0x204), 1 << 8);
	assert_false(r.irq[0]);
	irq_set((struct irq){ r.ic, 40 }, true);        /* no edge */
	iw(&r, 0, ICC_EOIR1_EL1, 40);
	assert_true(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 40);
	iw(&r, 0, ICC_EOIR1_EL1, 40);
	assert_false(r.irq[0]);                         /* line is still high */
	/* an edge while disabled is kept; ICPENDR drops it */
	dw(&r, 0x184, 1 << 8);
	irq_set((struct irq){ r.ic, 40 }, false);
	irq_set((struct irq){ r.ic, 40 }, true);
	assert_false(r.irq[0]);
	dw(&r, 0x104, 1 << 8);
	assert_true(r.irq[0]);
	dw(&r, 0x284, 1 << 8);
	assert_false(r.irq[0]);
	rig_close(&r);
}

static void test_ppi(void **state)
{
	struct rig r;

	/* XNU's timer: PPI 27 in group 0, taken as FIQ (1.4) */
	rig_open(&r, NCPUS);
	rig_enable(&r, NCPUS);
	rw(&r, 1, SGI + 0x80, 0x81ffffff);
	rw(&r, 1, SGI + 0x100, 1u << 27);
	gicv3_ppi(r.g, 0, 27, true);                    /* not enabled there */
	gicv3_ppi(r.g, 1, 27, true);
	assert_false(r.irq[0] || r.fiq[0]);
	assert_true(r.fiq[1]);
	assert_false(r.irq[1]);
	assert_int_equal(ir(&r, 1, ICC_IAR1_EL1), SPURIOUS);
	assert_int_equal(ir(&r, 1, ICC_IAR0_EL1), 27);
	assert_int_equal(ir(&r, 1, ICC_AP0R0_EL1), 1);
	assert_int_equal(ir(&r, 1, ICC_AP1R0_EL1), 0);
	assert_false(r.fiq[1]);
	iw(&r, 1, ICC_EOIR1_EL1, 27);                   /* wrong group */
	assert_int_equal(ir(&r, 1, ICC_RPR_EL1), 0);
	assert_int_equal(rr(&r, 1, SGI + 0x300), 1u << 27);
	gicv3_ppi(r.g, 1, 27, false);
	iw(&r, 1, ICC_EOIR0_EL1, 27);
	assert_int_equal(ir(&r, 1, ICC_RPR_EL1), 0xff);
	assert_int_equal(rr(&r, 1, SGI + 0x300), 0);
	/* not PPIs, not CPUs */
	gicv3_ppi(r.g, 1, 3, true);
	gicv3_ppi(r.g, 1, 33, true);
	gicv3_ppi(r.g, 31, 27, true);
	assert_int_equal(rr(&r, 1, SGI + 0x200), 0);
	rig_close(&r);
}

static void test_enables(void **state)
{
	struct rig r;

	rig_open(&r, 1);
	enable(&r, 50);
	irq_set((struct irq){ r.ic, 50 }, true);        /* group 0 at reset */
	iw(&r, 0, ICC_PMR_EL1, 0xf0);
	assert_int_equal(ir(&r, 0, ICC_HPPIR0_EL1), SPURIOUS);
	iw(&r, 0, ICC_IGRPEN0_EL1, 1);
	iw(&r, 0, ICC_IGRPEN1_EL1, 1);
	assert_false(r.fiq[0]);
	dw(&r, 0, 2);
	assert_false(r.fiq[0]);
	dw(&r, 0, 1);
	assert_true(r.fiq[0]);
	dw(&r, 0x84, 1 << 18);                          /* to group 1 */
	assert_false(r.fiq[0] || r.irq[0]);
	dw(&r, 0, 3);
	assert_true(r.irq[0]);
	iw(&r, 0, ICC_IGRPEN1_EL1, 0);
	assert_false(r.irq[0]);
	iw(&r, 0, ICC_IGRPEN1_EL1, 1);
	assert_true(r.irq[0]);
	/* PMR at once, and strictly less */
	prio(&r, 0, 50, 0xa0);
	iw(&r, 0, ICC_PMR_EL1, 0xa0);
	assert_false(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), SPURIOUS);
	assert_int_equal(ir(&r, 0, ICC_HPPIR1_EL1), 50);
	iw(&r, 0, ICC_PMR_EL1, 0xa8);
	assert_true(r.irq[0]);
	prio(&r, 0, 50, 0xf8);
	assert_false(r.irq[0]);
	prio(&r, 0, 50, 0x10);
	assert_true(r.irq[0]);
	/* the CPU is reset, not the rest */
	gicv3_cpu_reset(r.g, 0);
	assert_false(r.irq[0]);
	assert_int_equal(dr(&r, 0x104), 1 << 18);
	rig_close(&r);
}

/* ---- priorities --------------------------------------------------------------------- */

static void raise(struct rig *r, uint32_t intid, uint8_t p)
{
	prio(r, 0, intid, p);
	edge(r, intid);
	enable(r, intid);
	irq_set((struct irq){ r->ic, intid }, true);
	irq_set((struct irq){ r->ic, intid }, false);
}

static void test_preempt(void **state)
{
	struct rig r;

	rig_open(&r, 1);
	rig_enable(&r, 1);
	raise(&r, 100, 0x80);
	raise(&r, 90, 0x80);
	raise(&r, 110, 0x88);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 90);  /* lowest number */
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x80);
	assert_false(r.irq[0]);                         /* equal: no */
	raise(&r, 120, 0x78);
	assert_true(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 120);
	assert_int_equal(ir(&r, 0, ICC_AP1R0_EL1), 1 << 15 | 1 << 16);
	/* group 0 preempts group 1 by priority alone */
	dw(&r, 0x80 + 16, ~(1u << 2));                  /* 130: group 0 */
	raise(&r, 130, 0x10);
	assert_true(r.fiq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR0_EL1), 130);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x10);
	iw(&r, 0, ICC_EOIR0_EL1, 130);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x78);
	iw(&r, 0, ICC_EOIR1_EL1, 120);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x80);
	assert_false(r.irq[0]);
	iw(&r, 0, ICC_EOIR1_EL1, 90);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 100);
	iw(&r, 0, ICC_EOIR1_EL1, 100);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 110);
	iw(&r, 0, ICC_EOIR1_EL1, 1023);                 /* ignored */
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x88);
	iw(&r, 0, ICC_EOIR1_EL1, 110);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), SPURIOUS);
	rig_close(&r);
}

static void test_binary_point(void **state)
{
	struct rig r;

	rig_open(&r, 1);
	rig_enable(&r, 1);
	/* BPR1 5: bits 7:5 decide; 0x88 and 0x98 are one group */
	iw(&r, 0, ICC_BPR1_EL1, 5);
	raise(&r, 40, 0x98);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 40);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x80);
	raise(&r, 41, 0x88);
	assert_false(r.irq[0]);
	raise(&r, 42, 0x78);
	assert_true(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 42);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0x60);
	iw(&r, 0, ICC_EOIR1_EL1, 42);
	/* a finer split lets the waiting one in */
	iw(&r, 0, ICC_BPR1_EL1, 3);
	assert_false(r.irq[0]);                 /* 0x88 against 0x80 */
	iw(&r, 0, ICC_EOIR1_EL1, 40);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 41);
	iw(&r, 0, ICC_EOIR1_EL1, 41);
	/* CBPR: BPR0 serves both; BPR1 reads one more and is not written */
	iw(&r, 0, ICC_BPR0_EL1, 4);
	iw(&r, 0, ICC_CTLR_EL1, 1);
	assert_int_equal(ir(&r, 0, ICC_BPR1_EL1), 5);
	iw(&r, 0, ICC_BPR1_EL1, 3);
	iw(&r, 0, ICC_BPR0_EL1, 7);
	assert_int_equal(ir(&r, 0, ICC_BPR1_EL1), 7);
	raise(&r, 43, 0xb8);                    /* BPR0 7: nothing preempts */
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 43);
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0);
	raise(&r, 44, 0x08);
	assert_false(r.irq[0]);
	iw(&r, 0, ICC_CTLR_EL1, 0);
	assert_int_equal(ir(&r, 0, ICC_BPR1_EL1), 3);
	rig_close(&r);
}

static void test_eoimode(void **state)
{
	struct rig r;

	rig_open(&r, 1);
	rig_enable(&r, 1);
	iw(&r, 0, ICC_CTLR_EL1, 2);
	raise(&r, 40, 0x80);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 40);
	raise(&r, 40, 0x80);
	iw(&r, 0, ICC_EOIR1_EL1, 40);           /* drop only */
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0xff);
	assert_int_equal(dr(&r, 0x304), 1 << 8);
	assert_false(r.irq[0]);                 /* active: not again */
	raise(&r, 41, 0x90);
	assert_true(r.irq[0]);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 41);
	iw(&r, 0, ICC_EOIR1_EL1, 41);
	iw(&r, 0, ICC_DIR_EL1, 41);
	iw(&r, 0, ICC_DIR_EL1, 40);
	assert_int_equal(dr(&r, 0x304), 0);
	assert_true(r.irq[0]);
	/* DIR does nothing in mode 0; numbers that do not exist are ignored */
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 40);
	iw(&r, 0, ICC_CTLR_EL1, 0);
	iw(&r, 0, ICC_DIR_EL1, 40);
	assert_int_equal(dr(&r, 0x304), 1 << 8);
	iw(&r, 0, ICC_CTLR_EL1, 2);
	iw(&r, 0, ICC_DIR_EL1, 5000);
	iw(&r, 0, ICC_DIR_EL1, 0xffffff);
	iw(&r, 0, ICC_EOIR1_EL1, 900);          /* drops, deactivates none */
	assert_int_equal(ir(&r, 0, ICC_RPR_EL1), 0xff);
	rig_close(&r);
}

/* ---- SGIs, routing, messages ---------------------------------------------------------- */

static void test_sgi(void **state)
{
	struct rig r;
	unsigned i;

	rig_open(&r, 18);
	rig_enable(&r, 18);
	for (i = 0; i < 18; i++)
		rw(&r, i, SGI + 0x100, 0xffff);
	/* INTID 5 to Aff1 0, Aff0 1 and 3 */
	iw(&r, 0, ICC_SGI1R_EL1, 5ull << 24 | 1 << 1 | 1 << 3);
	for (i = 0; i < 18; i++)
		assert_int_equal(r.irq[i], i == 1 || i == 3);
	assert_int_equal(ir(&r, 3, ICC_IAR1_EL1), 5);
	assert_int_equal(rr(&r, 3, SGI + 0x200), 0);
	iw(&r, 3, ICC_EOIR1_EL1, 5);
	assert_int_equal(ir(&r, 1, ICC_IAR1_EL1), 5);
	iw(&r, 1, ICC_EOIR1_EL1, 5);
	/* Aff1 1 */
	iw(&r, 0, ICC_SGI1R_EL1, 1ull << 16 | 7ull << 24 | 3);
	assert_true(r.irq[16] && r.irq[17] && !r.irq[0] && !r.irq[1]);
	assert_int_equal(ir(&r, 17, ICC_IAR1_EL1), 7);
	assert_int_equal(ir(&r, 16, ICC_IAR1_EL1), 7);
	/* all but self; self */
	iw(&r, 2, ICC_SGI1R_EL1, 1ull << 40 | 0ull << 24 | 0xffff);
	for (i = 0; i < 16; i++)
		assert_int_equal(r.irq[i], i != 2);
	assert_false(r.irq[16]);                /* busy with 7 at priority 0 */
	assert_int_equal(rr(&r, 16, SGI + 0x200), 1);
	iw(&r, 2, ICC_SGI1R_EL1, 9ull << 24 | 1 << 2);
	assert_int_equal(ir(&r, 2, ICC_IAR1_EL1), 9);
	/* nobody there; Aff2, Aff3, RS that match nobody */
	iw(&r, 2, ICC_SGI1R_EL1, 2ull << 16 | 1ull << 24 | 0xffff);
	iw(&r, 2, ICC_SGI1R_EL1, 1ull << 32 | 1ull << 24 | 0xffff);
	iw(&r, 2, ICC_SGI1R_EL1, 1ull << 48 | 1ull << 24 | 0xffff);
	iw(&r, 2, ICC_SGI1R_EL1, 1ull << 44 | 1ull << 24 | 0xffff);
	for (i = 0; i < 18; i++)
		assert_int_equal(rr(&r, i, SGI + 0x200) & 2, 0);
	/* one pending state a target, no count */
	iw(&r, 2, ICC_EOIR1_EL1, 9);
	iw(&r, 0, ICC_SGI1R_EL1, 9ull << 24 | 1 << 2);
	iw(&r, 1, ICC_SGI1R_EL1, 9ull << 24 | 1 << 2);
	assert_int_equal(ir(&r, 2, ICC_IAR1_EL1), 9);
	iw(&r, 2, ICC_EOIR1_EL1, 9);
	assert_int_equal(ir(&r, 2, ICC_IAR1_EL1), SPURIOUS);
	rig_close(&r);
}

/* Aff0 above 15: the GIC says so, the range selector reaches them, and SPIs are
 * routed there. */
static void test_range_selector(void **state)
{
	struct rig r;
	uint64_t val;
	unsigned i;

	rig_open_aff(&r, 32, 32);
	rig_enable(&r, 32);
	assert_int_equal(dr(&r, 4), 0x07780008);
	assert_int_equal(ir(&r, 0, ICC_CTLR_EL1) >> 18 & 1, 1);
	fake_read_win(r.dev, 1, 31 * 0x20000 + 8, 8, &val);
	assert_int_equal(val, 0x0000001f01001f10);
	for (i = 0; i < 32; i++)
		rw(&r, i, SGI + 0x100, 0xffff);
	iw(&r, 0, ICC_SGI1R_EL1, 1ull << 44 | 5ull << 24 | 1 << 1);
	for (i = 0; i < 32; i++)
		assert_int_equal(r.irq[i], i == 17);
	assert_int_equal(ir(&r, 17, ICC_IAR1_EL1), 5);
	iw(&r, 17, ICC_EOIR1_EL1, 5);
	iw(&r, 0, ICC_SGI1R_EL1, 5ull << 24 | 1 << 1);
	for (i = 0; i < 32; i++)
		assert_int_equal(r.irq[i], i == 1);
	assert_int_equal(ir(&r, 1, ICC_IAR1_EL1), 5);
	iw(&r, 1, ICC_EOIR1_EL1, 5);
	/* INTID 40 to CPU 31 */
	dw(&r, 0x84, 1 << 8);
	fake_write_win(r.dev, 0, 0x6000 + 8 * 40, 8, 31);
	dw(&r, 0x104, 1 << 8);
	dw(&r, 0x204, 1 << 8);
	for (i = 0; i < 32; i++)
		assert_int_equal(r.irq[i], i == 31);
	rig_close(&r);
}

static void test_sgi_groups(void **state)
{
	struct rig r;

	rig_open(&r, 2);
	rig_enable(&r, 2);
	rw(&r, 1, SGI + 0x100, 0xffff);
	rw(&r, 1, SGI + 0x80, 0xfffffffe);      /* SGI 0: group 0 */
	iw(&r, 0, ICC_SGI0R_EL1, 1ull << 24 | 2);       /* 1 is group 1: no */
	iw(&r, 0, ICC_ASGI1R_EL1, 1ull << 24 | 2);
	assert_int_equal(rr(&r, 1, SGI + 0x200), 0);
	iw(&r, 0, ICC_SGI0R_EL1, 2);
	assert_true(r.fiq[1]);
	assert_int_equal(ir(&r, 1, ICC_IAR0_EL1), 0);
	iw(&r, 1, ICC_EOIR0_EL1, 0);
	iw(&r, 0, ICC_SGI1R_EL1, 2);                    /* either group */
	assert_true(r.fiq[1]);
	assert_int_equal(ir(&r, 1, ICC_IAR0_EL1), 0);
	rig_close(&r);
}

static void test_router(void **state)
{
	struct rig r;

	rig_open(&r, 18);
	rig_enable(&r, 18);
	enable(&r, 64);
	irq_set((struct irq){ r.ic, 64 }, true);
	assert_true(r.irq[0]);
	/* moves while pending */
	fake_write_win(r.dev, 0, 0x6000 + 64 * 8, 8, 0x101);
	assert_true(r.irq[17] && !r.irq[0]);
	/* to a CPU that does not exist, and back */
	fake_write_win(r.dev, 0, 0x6000 + 64 * 8, 8, 0x202);
	assert_false(r.irq[17]);
	fake_write_win(r.dev, 0, 0x6000 + 64 * 8, 8, 0x100000000);
	assert_false(r.irq[17] || r.irq[0]);
	dw(&r, 0x6000 + 64 * 8 + 4, 0);
	assert_true(r.irq[0]);
	/* acknowledged here, routed elsewhere, ended here */
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 64);
	fake_write_win(r.dev, 0, 0x6000 + 64 * 8, 8, 3);
	assert_false(r.irq[3]);                 /* active */
	iw(&r, 0, ICC_EOIR1_EL1, 64);
	assert_true(r.irq[3]);
	/* 1 of N: whoever takes the group and is awake */
	fake_write_win(r.dev, 0, 0x6000 + 64 * 8, 8, 0x80000005);
	assert_true(r.irq[0] && !r.irq[3]);
	iw(&r, 0, ICC_IGRPEN1_EL1, 0);
	assert_true(r.irq[1] && !r.irq[0]);
	rw(&r, 1, 0x14, 2);
	assert_true(r.irq[2] && !r.irq[1]);
	dw(&r, 0x88, 0);                        /* group 0: CPU 0 takes it */
	assert_true(r.fiq[0] && !r.irq[2]);
	r.dev->ops->reset(r.dev);
	assert_false(r.fiq[0]);
	assert_int_equal(dr(&r, 0x208), 1);     /* the line is still up */
	rig_close(&r);
}

static void test_msi(void **state)
{
	struct rig r;
	struct irq wire;

	rig_open(&r, 2);
	rig_enable(&r, 2);
	wire = (struct irq){ r.ic, 0 };
	edge(&r, 160);
	enable(&r, 160);
	edge(&r, 287);
	enable(&r, 287);
	irq_msi(wire, 0x1fff0040, 160);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 160);
	irq_msi(wire, 0x1fff0040, 160);         /* not lost while active */
	iw(&r, 0, ICC_EOIR1_EL1, 160);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 160);
	iw(&r, 0, ICC_EOIR1_EL1, 160);
	irq_msi(wire, 0x1fff0040, 287);
	assert_int_equal(ir(&r, 0, ICC_IAR1_EL1), 287);
	iw(&r, 0, ICC_EOIR1_EL1, 287);
	/* outside the frame's share, or another address: nothing */
	edge(&r, 159);
	enable(&r, 159);
	irq_msi(wire, 0x1fff0040, 159);
	irq_msi(wire, 0x1fff0040, 288);
	irq_msi(wire, 0x1fff0040, 1);
	irq_msi(wire, 0x1fff0044, 160);
	irq_msi(wire, 0, 160);
	assert_false(r.irq[0]);
	irq_set((struct irq){ r.ic, 288 }, true);       /* no such SPI */
	irq_set((struct irq){ r.ic, 5 }, true);
	assert_false(r.irq[0]);
	rig_close(&r);
}

/* ---- a random walk ----------------------------------------------------------------------- */

static uint32_t rnd(uint64_t *s)
{
	*s = *s * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*s >> 33);
}

/* What the registers say must come next on a CPU: INTID << 8 | priority. */
static uint32_t model_best(struct rig *r, unsigned cpu, unsigned *group)
{
	uint32_t best = SPURIOUS << 8 | 0xff, n;
	uint64_t route, p;
	unsigned bestp = 256;

	for (n = 0; n < 96; n++) {
		uint32_t w = n / 32 * 4, bit = 1u << (n & 31), grp;
		bool rdy;

		if (n < 32) {
			rdy = rr(r, cpu, SGI + 0x100) &
			      rr(r, cpu, SGI + 0x200) &
			      ~rr(r, cpu, SGI + 0x300) & bit;
			grp = (rr(r, cpu, SGI + 0x80) & bit) != 0;
			fake_read_win(r->dev, 1, cpu * 0x20000u + SGI + 0x400 +
				      n, 1, &p);
		} else {
			rdy = dr(r, 0x100 + w) & dr(r, 0x200 + w) &
			      ~dr(r, 0x300 + w) & bit;
			grp = (dr(r, 0x80 + w) & bit) != 0;
			fake_read_win(r->dev, 0, 0x400 + n, 1, &p);
			fake_read_win(r->dev, 0, 0x6000 + 8 * n, 8, &route);
			if (route != cpu)
				rdy = false;
		}
		if (!(dr(r, 0) >> grp & 1) ||
		    !ir(r, cpu, grp ? ICC_IGRPEN1_EL1 : ICC_IGRPEN0_EL1))
			rdy = false;
		if (rdy && p < bestp) {
			bestp = (unsigned)p;
			best = n << 8 | (uint32_t)p;
			*group = grp;
		}
	}
	return best;
}

static void check_cpu(struct rig *r, unsigned cpu)
{
	unsigned group = 9, up;
	uint32_t best = model_best(r, cpu, &group);
	uint32_t hppi = group == 1 ? (uint32_t)ir(r, cpu, ICC_HPPIR1_EL1) :
		(uint32_t)ir(r, cpu, ICC_HPPIR0_EL1);
	uint32_t shift = group == 1 ? (uint32_t)ir(r, cpu, ICC_BPR1_EL1) :
		(uint32_t)ir(r, cpu, ICC_BPR0_EL1) + 1;

	assert_int_equal(hppi, best >> 8);
	up = (best >> 8) != SPURIOUS &&
	     (best & 0xff) < ir(r, cpu, ICC_PMR_EL1) &&
	     (best & 0xff & 0xffu << shift) < ir(r, cpu, ICC_RPR_EL1);
	assert_int_equal(r->irq[cpu], up && group == 1);
	assert_int_equal(r->fiq[cpu], up && group == 0);
}

static void walk_step(struct rig *r, uint64_t *s)
{
	unsigned cpu = rnd(s) % NCPUS, group = rnd(s) & 1, w = rnd(s) % 3;
	uint32_t bits = 1u << rnd(s) % 32 | 1u << rnd(s) % 32;
	uint32_t n = rnd(s) % 96, kind = 0x80u * (1 + rnd(s) % 7), intid;

	switch (rnd(s) % 13) {
	case 0: case 1: case 2:
		if (w)
			dw(r, kind + 4 * w, bits);
		else
			rw(r, cpu, SGI + kind, bits);
		break;
	case 3:
		prio(r, cpu, n, (uint8_t)rnd(s));
		break;
	case 4:
		if (w)
			dw(r, 0xc00 + 8 * w + 4 * group, rnd(s));
		else
			rw(r, cpu, SGI + 0xc04, rnd(s));
		break;
	case 5:
		fake_write_win(r->dev, 0, 0x6000 + 8 * n, 8, rnd(s) % 4);
		break;
	case 6: case 7:
		if (n < 32)
			gicv3_ppi(r->g, cpu, n, rnd(s) & 1);
		else
			irq_set((struct irq){ r->ic, n }, rnd(s) & 1);
		break;
	case 8: case 9:
		intid = (uint32_t)ir(r, cpu, group ? ICC_IAR1_EL1 :
				     ICC_IAR0_EL1);
		if (intid != SPURIOUS && rnd(s) % 4)
			iw(r, cpu, group ? ICC_EOIR1_EL1 : ICC_EOIR0_EL1,
			   intid);
		break;
	case 10:
		iw(r, cpu, ICC_SGI1R_EL1, rnd(s) % 16 << 24 | rnd(s) % 8);
		break;
	case 11:
		iw(r, cpu, rnd(s) & 1 ? ICC_PMR_EL1 : group ? ICC_BPR1_EL1 :
		   ICC_BPR0_EL1, rnd(s) | 0x80);
		break;
	case 12:
		if (rnd(s) % 8 == 0)
			dw(r, 0, rnd(s));
		else if (rnd(s) % 8 == 0)
			iw(r, cpu, group ? ICC_IGRPEN1_EL1 : ICC_IGRPEN0_EL1,
			   rnd(s));
		else
			iw(r, cpu, rnd(s) & 1 ? ICC_EOIR1_EL1 : ICC_EOIR0_EL1,
			   n);
		break;
	}
}

static void test_walk(void **state)
{
	struct rig r;
	uint64_t s = 1;
	int i, cpu;

	rig_open(&r, NCPUS);
	rig_enable(&r, NCPUS);
	for (i = 0; i < 4000; i++) {
		walk_step(&r, &s);
		for (cpu = 0; cpu < NCPUS; cpu++)
			check_cpu(&r, (unsigned)cpu);
		if (i % 1000 == 999) {
			/* as after a load: the derived state is made anew */
			assert_int_equal(r.dev->ops->check(r.dev, NULL), 0);
			r.dev->ops->resume(r.dev);
			for (cpu = 0; cpu < NCPUS; cpu++)
				check_cpu(&r, (unsigned)cpu);
			if (i == 1999)
				r.dev->ops->reset(r.dev);
			rig_enable(&r, NCPUS);
		}
	}
	assert_true(r.signals > 100);
	rig_close(&r);
}

/* ---- threads -------------------------------------------------------------------------------- */

struct load {
	struct gicv3 *g;
	unsigned cpu;
	unsigned taken;
};

static void *thread_cpu(void *arg)
{
	struct load *l = arg;
	uint64_t id;
	bool irq, fiq;
	int i;

	for (i = 0; i < 20000; i++) {
		gicv3_icc_write(l->g, l->cpu, ICC_SGI1R_EL1,
				(uint64_t)(i & 15) << 24 | 7);
		irq_set((struct irq){ gicv3_intc(l->g), 40 + l->cpu }, i & 1);
		gicv3_lines(l->g, l->cpu, &irq, &fiq);
		id = gicv3_icc_read(l->g, l->cpu, ICC_IAR1_EL1);
		if (id != SPURIOUS) {
			l->taken++;
			gicv3_icc_write(l->g, l->cpu, ICC_EOIR1_EL1, id);
		}
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct load l[NCPUS];
	pthread_t t[NCPUS];
	struct rig r;
	unsigned i;
	bool irq, fiq;

	rig_open(&r, NCPUS);
	rig_enable(&r, NCPUS);
	for (i = 0; i < NCPUS; i++) {
		rw(&r, i, SGI + 0x100, 0xffff);
		enable(&r, 40 + i);
		l[i] = (struct load){ r.g, i, 0 };
	}
	for (i = 0; i < NCPUS; i++)
		pthread_create(&t[i], NULL, thread_cpu, &l[i]);
	for (i = 0; i < NCPUS; i++) {
		pthread_join(t[i], NULL);
		assert_true(l[i].taken > 0);
	}
	for (i = 0; i < NCPUS; i++) {
		gicv3_lines(r.g, i, &irq, &fiq);
		assert_int_equal(irq, r.irq[i]);
		check_cpu(&r, i);
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_banks),
		cmocka_unit_test(test_bad_conf),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_ppi),
		cmocka_unit_test(test_enables),
		cmocka_unit_test(test_preempt),
		cmocka_unit_test(test_binary_point),
		cmocka_unit_test(test_eoimode),
		cmocka_unit_test(test_sgi),
		cmocka_unit_test(test_range_selector),
		cmocka_unit_test(test_sgi_groups),
		cmocka_unit_test(test_router),
		cmocka_unit_test(test_msi),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
