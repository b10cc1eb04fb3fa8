/* t_pmu.c: performance monitors: counts, exception levels, overflow and its
 * interrupt, chains, what EL0 may. A cycle is an instruction here. */
#include "guest.h"

#define PMCR s3_3_c9_c12_0
#define PMCNTENSET s3_3_c9_c12_1
#define PMCNTENCLR s3_3_c9_c12_2
#define PMOVSCLR s3_3_c9_c12_3
#define PMSWINC s3_3_c9_c12_4
#define PMSELR s3_3_c9_c12_5
#define PMCEID0 s3_3_c9_c12_6
#define PMCEID1 s3_3_c9_c12_7
#define PMCCNTR s3_3_c9_c13_0
#define PMXEVTYPER s3_3_c9_c13_1
#define PMXEVCNTR s3_3_c9_c13_2
#define PMUSERENR s3_3_c9_c14_0
#define PMINTENSET s3_0_c9_c14_1
#define PMINTENCLR s3_0_c9_c14_2
#define PMOVSSET s3_3_c9_c14_3
#define PMEVCNTR0 s3_3_c14_c8_0
#define PMEVCNTR1 s3_3_c14_c8_1
#define PMEVTYPER0 s3_3_c14_c12_0
#define PMEVTYPER1 s3_3_c14_c12_1
#define PMCCFILTR s3_3_c14_c15_7
#define ICC_IAR1 s3_0_c12_c12_0
#define ICC_EOIR1 s3_0_c12_c12_1

enum { E = 1, P = 2, C = 4, LC = 64, LP = 128 };
enum { INST_RETIRED = 8, CPU_CYCLES = 0x11, CHAIN = 0x1e };
#define NOT_EL1 (1u << 31)
#define NOT_EL0 (1u << 30)
#define CYCLE (1u << 31)

static volatile unsigned n_irqs;
static volatile uint32_t irq_id, el0_esr;

static void start(uint32_t enable, uint32_t cr)
{
	WRITE(PMCNTENCLR, ~0u);
	WRITE(PMINTENCLR, ~0u);
	WRITE(PMOVSCLR, ~0u);
	WRITE(PMCR, E | P | C | cr);
	ISB();
	WRITE(PMCNTENSET, enable);
	ISB();
}

static void test_identity(void)
{
	CHECK_EQ(READ(id_aa64dfr0_el1) >> 8 & 15, 6);
	CHECK_EQ(READ(PMCR) >> 11 & 31, 6);
	CHECK_EQ(READ(PMCEID0) & (1u | 1u << 8 | 1u << 0x11),
		 1u | 1u << 8 | 1u << 0x11);
	CHECK_EQ(READ(PMCEID1) & (3u << 3), 3u << 3);
	CHECK_EQ(READ(PMUSERENR), 0);
}

static void test_count(void)
{
	uint64_t a, b;

	WRITE(PMCCFILTR, 0);
	WRITE(PMEVTYPER0, INST_RETIRED);
	start(CYCLE | 1, LC);
	__asm__ volatile("mrs %0, s3_3_c9_c13_0\n\tnop\n\tnop\n\tnop\n\tnop\n\t"
			 "nop\n\tnop\n\tnop\n\tnop\n\tnop\n\tmrs %1, s3_3_c9_c13_0"
			 : "=r"(a), "=r"(b));
	CHECK_EQ(b - a, 10);
	/* a loop of 2 instructions, on one page and over two */
	__asm__ volatile("mrs %0, s3_3_c14_c8_0\n\tmov x9, #1000\n1:\t"
			 "subs x9, x9, #1\n\tb.ne 1b\n\tmrs %1, s3_3_c14_c8_0"
			 : "=r"(a), "=r"(b) : : "x9", "cc");
	CHECK_EQ(b - a, 2 + 2000);
	__asm__ volatile("b 3f\n\t.balign 4096\n1:\tb 2f\n\t.balign 4096\n"
			 "2:\tsubs x9, x9, #1\n\tb.ne 1b\n\tb 4f\n3:\t"
			 "mrs %0, s3_3_c14_c8_0\n\tmov x9, #100\n\tb 1b\n4:\t"
			 "mrs %1, s3_3_c14_c8_0"
			 : "=r"(a), "=r"(b) : : "x9", "cc");
	CHECK_EQ(b - a, 3 + 300 + 1);
	/* not while off */
	WRITE(PMCR, LC);
	ISB();
	a = READ(PMCCNTR);
	for (volatile int i = 0; i < 100; i++)
		;
	CHECK_EQ(READ(PMCCNTR), a);
	CHECK_EQ(READ(PMEVCNTR0) > 2000, 1);
	/* P is for events, C for cycles */
	WRITE(PMCR, LC | P);
	CHECK_EQ(READ(PMCCNTR), a);
	CHECK_EQ(READ(PMEVCNTR0), 0);
	WRITE(PMCR, LC | C);
	CHECK_EQ(READ(PMCCNTR), 0);
}

static void test_select(void)
{
	WRITE(PMEVTYPER1, 0x1234);
	WRITE(PMSELR, 1);
	ISB();
	CHECK_EQ(READ(PMXEVTYPER), 0x1234);
	WRITE(PMXEVCNTR, 0x55);
	CHECK_EQ(READ(PMEVCNTR1), 0x55);
	WRITE(PMSELR, 31);
	ISB();
	WRITE(PMXEVTYPER, NOT_EL0);
	CHECK_EQ(READ(PMCCFILTR), NOT_EL0);
	WRITE(PMCCFILTR, 0);
}

/* ---- overflow -------------------------------------------------------- */

static void on_irq(struct trap *t, int kind)
{
	irq_id = (uint32_t)READ(ICC_IAR1);
	n_irqs++;
	WRITE(PMOVSCLR, ~0u);
	ISB();
	WRITE(ICC_EOIR1, irq_id);
}

static void spin(unsigned n)
{
	for (volatile unsigned i = 0; i < n; i++)
		;
}

static void test_overflow(void)
{
	trap_fn *old = trap_handler;

	WRITE(PMEVTYPER0, INST_RETIRED);
	start(1, 0);
	WRITE(PMEVCNTR0, 0xffffff00);
	spin(1000);
	CHECK_EQ(READ(PMOVSSET), 1);
	WRITE(PMOVSCLR, 1);
	CHECK_EQ(READ(PMOVSCLR), 0);
	/* with LP at 64 bits only */
	start(1, LP);
	WRITE(PMEVCNTR0, 0xffffff00);
	spin(1000);
	CHECK_EQ(READ(PMOVSSET), 0);
	CHECK_EQ(READ(PMEVCNTR0) >> 32, 1);
	WRITE(PMEVCNTR0, -200ul);
	spin(1000);
	CHECK_EQ(READ(PMOVSSET), 1);
	/* cycles: by LC */
	start(CYCLE, 0);
	WRITE(PMCCNTR, 0xffffff00);
	spin(1000);
	CHECK_EQ(READ(PMOVSSET), CYCLE);
	start(CYCLE, LC);
	WRITE(PMCCNTR, 0xffffff00);
	spin(1000);
	CHECK_EQ(READ(PMOVSSET), 0);
	/* PPI 23, level */
	trap_handler = on_irq;
	gic_enable(0, 23, 0x80, true);
	start(1, 0);
	WRITE(PMEVCNTR0, 0xffffff00);
	WRITE(PMINTENSET, 1);
	irq_on();
	spin(1000);
	CHECK_EQ(n_irqs, 1);
	CHECK_EQ(irq_id, 23);
	WRITE(PMOVSSET, 1);             /* by hand */
	spin(10);
	CHECK_EQ(n_irqs, 2);
	WRITE(PMCR, 0);                 /* E gates it */
	WRITE(PMOVSSET, 1);
	spin(10);
	CHECK_EQ(n_irqs, 2);
	irq_off();
	WRITE(PMOVSCLR, 1);
	trap_handler = old;
}

static void test_chain(void)
{
	WRITE(PMEVTYPER0, INST_RETIRED);
	WRITE(PMEVTYPER1, CHAIN);
	start(3, 0);
	WRITE(PMEVCNTR1, 7);
	WRITE(PMEVCNTR0, 0xffffff00);
	spin(1000);
	CHECK_EQ(READ(PMEVCNTR1), 8);
	CHECK_EQ(READ(PMOVSSET), 1);
	WRITE(PMEVCNTR1, 0xffffffff);
	WRITE(PMEVCNTR0, 0xffffff00);
	spin(1000);
	CHECK_EQ((uint32_t)READ(PMEVCNTR1), 0);
	CHECK_EQ(READ(PMOVSSET), 3);
}

static void test_software(void)
{
	WRITE(PMEVTYPER0, 0);           /* SW_INCR */
	WRITE(PMEVTYPER1, CPU_CYCLES);
	start(1, 0);
	for (int i = 0; i < 100; i++)
		WRITE(PMSWINC, 3);
	CHECK_EQ(READ(PMEVCNTR0), 100);
	CHECK_EQ(READ(PMEVCNTR1), 0);
	WRITE(PMEVCNTR0, 0xffffffff);
	WRITE(PMSWINC, 1);
	CHECK_EQ(READ(PMOVSSET), 1);
	WRITE(PMCR, 0);
	ISB();
	WRITE(PMSWINC, 1);
	CHECK_EQ((uint32_t)READ(PMEVCNTR0), 0);
}

/* ---- EL0 ------------------------------------------------------------- */

static void trap_el0(struct trap *t, int kind)
{
	el0_esr = (uint32_t)t->esr;
	leave_el0(t->x[0]);
}

/* Runs words, ended by an SVC, at EL0 on a page of the window. */
static uint64_t el0(const uint32_t *words, unsigned n, uint64_t x0)
{
	uint32_t *p = (uint32_t *)(window + 30 * 4096);
	trap_fn *old = trap_handler;
	uint64_t r;

	for (unsigned i = 0; i < n; i++) {
		p[i] = words[i];
		__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\t"
				 "dsb ish\n\tisb" : : "r"(&p[i]) : "memory");
	}
	*window_pte(30) = (uint64_t)p | PTE_NORMAL | PTE_USER | PTE_RO;
	tlbi_all();
	trap_handler = trap_el0;
	r = run_el0((uint64_t)p, (uint64_t)p, x0);
	trap_handler = old;
	*window_pte(30) = (uint64_t)p | PTE_NORMAL;
	tlbi_all();
	return r;
}

#define MRS_X0(op1, crn, crm, op2) \
	(0xd5300000u | 1u << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | \
	 (op2) << 5)
#define MSR_X0(op1, crn, crm, op2) \
	(MRS_X0(op1, crn, crm, op2) & ~(1u << 21))
#define SVC 0xd4000001u

static bool allowed(uint32_t word)
{
	const uint32_t w[] = { word, SVC };

	el0(w, 2, 0);
	return el0_esr >> 26 == 0x15;
}

static void test_el0_counts(void)
{
	static const uint32_t loop[] = {
		0xf1000400, 0x54ffffe1, SVC,    /* subs x0, x0, #1; b.ne */
	};
	uint64_t el0_only, el1_only, both;

	WRITE(PMEVTYPER0, INST_RETIRED | NOT_EL1);
	WRITE(PMEVTYPER1, INST_RETIRED | NOT_EL0);
	WRITE(PMCCFILTR, 0);
	start(CYCLE | 3, LC);
	el0(loop, 3, 5000);
	WRITE(PMCR, LC);
	ISB();
	el0_only = READ(PMEVCNTR0);
	el1_only = READ(PMEVCNTR1);
	both = READ(PMCCNTR);
	CHECK(el0_only == 10000 || el0_only == 10001);  /* the SVC */
	CHECK(el1_only > 100 && el1_only < 10000);
	CHECK_EQ(both, el0_only + el1_only);
}

static void test_user(void)
{
	enum { EN = 1, SW = 2, CR = 4, ER = 8 };
	static const struct { uint32_t w; unsigned gates; } t[] = {
		{ MRS_X0(3, 9, 12, 0), EN }, { MSR_X0(3, 9, 12, 0), EN },
		{ MRS_X0(3, 9, 12, 1), EN }, { MSR_X0(3, 9, 12, 2), EN },
		{ MRS_X0(3, 9, 12, 3), EN }, { MSR_X0(3, 9, 14, 3), EN },
		{ MSR_X0(3, 9, 12, 4), EN | SW },
		{ MRS_X0(3, 9, 12, 5), EN | ER },
		{ MSR_X0(3, 9, 12, 5), EN | ER },
		{ MRS_X0(3, 9, 12, 6), EN }, { MRS_X0(3, 9, 12, 7), EN },
		{ MRS_X0(3, 9, 13, 0), EN | CR }, { MSR_X0(3, 9, 13, 0), EN },
		{ MRS_X0(3, 9, 13, 1), EN }, { MSR_X0(3, 9, 13, 1), EN },
		{ MRS_X0(3, 9, 13, 2), EN | ER }, { MSR_X0(3, 9, 13, 2), EN },
		{ MRS_X0(3, 14, 8, 0), EN | ER }, { MSR_X0(3, 14, 8, 0), EN },
		{ MRS_X0(3, 14, 12, 0), EN }, { MSR_X0(3, 14, 12, 0), EN },
		{ MRS_X0(3, 14, 15, 7), EN },
		{ MRS_X0(3, 9, 14, 0), 16 },    /* PMUSERENR: always read, */
		{ MSR_X0(3, 9, 14, 0), 0 },     /* never written */
		{ MRS_X0(0, 9, 14, 1), 0 }, { MSR_X0(0, 9, 14, 2), 0 },
	};

	start(0, 0);
	for (unsigned en = 0; en < 16; en++) {
		WRITE(PMUSERENR, en);
		ISB();
		for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
			bool may = t[i].gates & (en | 16);

			if (allowed(t[i].w) != may)
				print("%x with PMUSERENR %x\n", t[i].w, en);
			CHECK_EQ(allowed(t[i].w), may);
			if (!may)
				CHECK(el0_esr >> 26 == (t[i].gates ? 0x18 : 0));
		}
	}
	WRITE(PMUSERENR, 0);
}

static void read_pmcr(void *arg)
{
	READ(PMCR);
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	gic_init(0);
	if (!(READ(id_aa64dfr0_el1) >> 8 & 15)) {
		/* without one, its registers are none */
		CHECK_EQ(catch_trap(read_pmcr, 0), 0x02000000);
		guest_end();
	}
	test_identity();
	test_count();
	test_select();
	test_overflow();
	test_chain();
	test_software();
	test_el0_counts();
	test_user();
	guest_end();
}
