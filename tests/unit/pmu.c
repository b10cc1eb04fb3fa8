/* Performance monitors: exact counts in every way that code runs, overflow at
 * the right place, counting switched on and off, the line to the GIC. */
#include "cputest.h"
#include "../../src/interp/pmu.h"

#define R(op1, crn, crm, op2) SYSREG(3, op1, crn, crm, op2)
#define PMCR R(3, 9, 12, 0)
#define PMCNTENSET R(3, 9, 12, 1)
#define PMCNTENCLR R(3, 9, 12, 2)
#define PMOVSCLR R(3, 9, 12, 3)
#define PMSWINC R(3, 9, 12, 4)
#define PMCEID(n) R(3, 9, 12, 6 + (n))
#define PMCCNTR R(3, 9, 13, 0)
#define PMINTENSET R(0, 9, 14, 1)
#define PMEVCNTR(n) R(3, 14, 8, n)
#define PMEVTYPER(n) R(3, 14, 12, n)
#define CODE FAKE_RAM

enum { E = 1, P = 2, C = 4, D = 8, LC = 64, LP = 128 };

static int setup(void **state)
{
	ct_open(1, "generic,pmuv3=on");
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

static void wr(uint16_t enc, uint64_t v)
{
	assert_int_not_equal(sysreg_msr(ct.c, sysreg_find(enc, ct.in->model), 0,
					v), SR_FAULT);
}

static uint64_t rd(uint16_t enc)
{
	uint64_t v = 0;

	assert_true(sysreg_mrs(ct.c, sysreg_find(enc, ct.in->model), 0, &v));
	return v;
}

/* Calls in two pages, n times round: 3 + 6 n instructions up to the SVC. */
static void load(unsigned n)
{
	static const uint32_t w[] = {
		0xd2800000,             /* mov x0, #n */
		0xd2800001,             /* mov x1, #0 */
		0x8b000021,             /* 1: add x1, x1, x0 */
		0x940003fd,             /* bl 0x1000 */
		0xf1000400,             /* subs x0, x0, #1 */
		0x54ffffa1,             /* b.ne 1b */
		CT_NOP, CT_SVC,
	};

	for (unsigned i = 0; i < sizeof(w) / 4; i++)
		ct_word(CODE + i * 4, w[i]);
	ct_word(CODE, w[0] | n << 5);
	ct_word(CODE + 0x1000, CT_NOP);
	ct_word(CODE + 0x1004, 0xd65f03c0);     /* ret */
	ct_code_changed();
	ct.c->pc = CODE;
	except_set_pstate(ct.c, CT_EL1H);
	atomic_store(&ct.vm.park, false);
	atomic_store(&ct.c->req, 0);
}

/* What the vectors do before they power off comes on top. */
enum { VECTOR = 4 };

static void test_counts(void **state)
{
	for (int step = 0; step < 2; step++) {
		for (int counted = 0; counted < 2; counted++) {
			ct_reset();
			ct.in->count = counted;
			mmu_view(ct.c);
			load(50);
			wr(PMCR, E | LC);
			wr(PMEVTYPER(2), 8);
			wr(PMCNTENSET, 4);
			assert_int_not_equal(ct.c->tlb->ctx & CTX_COUNT, 0);
			for (int i = 0; step && i < 303; i++)
				accel_interp.cpu_run(&ct.vm.cpu[0], true);
			if (!step)
				accel_interp.cpu_run(&ct.vm.cpu[0], false);
			else
				assert_int_equal(ct.c->pc, CODE + 28);
			assert_in_range(rd(PMEVCNTR(2)), 303,
					303 + (step ? 0 : VECTOR));
			assert_int_equal(rd(PMCCNTR), 0);
			/* off: other handlers, and the number stays */
			wr(PMCNTENCLR, 4);
			assert_int_equal(ct.c->tlb->ctx & CTX_COUNT,
					 counted ? CTX_COUNT : 0);
			uint64_t was = rd(PMEVCNTR(2));

			load(10);
			accel_interp.cpu_run(&ct.vm.cpu[0], false);
			assert_int_equal(rd(PMEVCNTR(2)), was);
			/* on again: from there */
			load(10);
			wr(PMCNTENSET, 4);
			accel_interp.cpu_run(&ct.vm.cpu[0], false);
			assert_in_range(rd(PMEVCNTR(2)) - was, 63, 63 + VECTOR);
		}
	}
	ct.in->count = false;
}

static void test_overflow(void **state)
{
	static const struct { uint32_t cr; uint64_t from; bool over; } t[] = {
		{ E, 0xffffffff, true }, { E, 0xffffff00, true },
		{ E, 0xfffffc00, false }, { E, 0x1ffffff00, true },
		{ E | LP, 0xffffff00, false }, { E | LP, -100ull, true },
		{ E | LP, -1000ull, false },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ct_reset();
		load(50);
		wr(PMEVTYPER(0), 0x1b);
		wr(PMEVCNTR(0), t[i].from);
		wr(PMINTENSET, 1);
		wr(PMCNTENSET, 1);
		wr(PMCR, t[i].cr);
		accel_interp.cpu_run(&ct.vm.cpu[0], false);
		assert_int_equal(rd(PMOVSCLR), t[i].over);
		assert_int_equal(ct.c->pmu.line, t[i].over);
		wr(PMOVSCLR, 1);
		assert_false(ct.c->pmu.line);
	}
}

/* The interrupt comes at the next branch taken, not at some time. */
static void test_precise(void **state)
{
	struct cpu *c = ct.c;

	ct_reset();
	load(50);
	wr(PMEVTYPER(0), 8);
	wr(PMEVCNTR(0), 0x100000000 - 30);
	wr(PMINTENSET, 1);
	wr(PMCNTENSET, 1);
	/* the PPI needs a GIC that passes it on: look at the line alone */
	wr(PMCR, E);
	for (int i = 0; i < 303 && !c->pmu.line; i++)
		accel_interp.cpu_run(&ct.vm.cpu[0], true);
	assert_true(c->pmu.line);
	assert_in_range(rd(PMEVCNTR(0)) & 0xffffffff, 0, 4);
}

static void test_cycles(void **state)
{
	ct_reset();
	load(50);
	wr(PMCNTENSET, 1u << 31);
	wr(PMCR, E | D);                /* one in 64 */
	accel_interp.cpu_run(&ct.vm.cpu[0], false);
	assert_in_range(rd(PMCCNTR), 303 / 64, (303 + VECTOR) / 64);
	ct_reset();
	load(50);
	wr(PMCNTENSET, 1u << 31);
	wr(PMCR, E | D | LC);           /* LC makes D void */
	accel_interp.cpu_run(&ct.vm.cpu[0], false);
	assert_in_range(rd(PMCCNTR), 303, 303 + VECTOR);
}

static void test_levels(void **state)
{
	uint64_t n[3];

	ct_reset();
	load(50);
	wr(PMEVTYPER(0), 8 | 1u << 31);         /* EL0 alone */
	wr(PMEVTYPER(1), 8 | 1u << 30);         /* EL1 alone */
	wr(PMEVTYPER(2), 8 | 3u << 30);         /* neither */
	wr(PMCNTENSET, 7);
	wr(PMCR, E);
	except_set_pstate(ct.c, CT_EL0);
	accel_interp.cpu_run(&ct.vm.cpu[0], false);
	for (unsigned i = 0; i < 3; i++)
		n[i] = rd(PMEVCNTR(i));
	assert_int_equal(n[0], 303);
	assert_in_range(n[1], 1, VECTOR);
	assert_int_equal(n[2], 0);
}

/* What PMCEID names is counted, and what is counted it names. Of what Linux and
 * kvm-unit-tests look for, BR_RETIRED (0x21), L1D_CACHE (0x04) and MEM_ACCESS
 * (0x13) are neither: no handler keeps such counts. */
static void test_events(void **state)
{
	for (unsigned ev = 0; ev < 64; ev++) {
		bool named = rd(PMCEID(ev / 32)) >> ev % 32 & 1, counts;

		ct_reset();
		wr(PMCR, E | P | LC);
		wr(PMEVTYPER(0), ev == 0x1e ? 8 : ev);
		wr(PMEVTYPER(1), ev);
		wr(PMEVCNTR(0), ev == 0x1e ? 0xffffffff : 0);
		wr(PMCNTENSET, 3);
		wr(PMSWINC, 2);
		load(20);
		accel_interp.cpu_run(&ct.vm.cpu[0], false);
		counts = rd(PMEVCNTR(1)) != 0;
		if (ev == 0x23 || ev == 0x24)   /* there are no stalls */
			assert_true(named && !counts);
		else if (named != counts)
			fail_msg("event %#x: PMCEID %d, counted %d", ev, named,
				 counts);
	}
	assert_int_equal(rd(PMCEID(0)), 0x48020101);
	assert_int_equal(rd(PMCEID(1)), 0x18);
}

/* Without the feature there is not one of them. */
static void test_absent(void **state)
{
	int n;
	const struct sysreg *r = sysreg_table(&n);

	assert_int_equal(ct.in->model->id[5][0] >> 8 & 15, 6);
	ct_close();
	ct_open(1, "vmapple");
	assert_int_equal(ct.in->model->id[5][0] >> 8 & 15, 0);
	for (int i = 0; i < n; i++)
		if (!strncmp(r[i].name, "PM", 2))
			assert_null(sysreg_find(r[i].enc, ct.in->model));
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(counts), T(overflow), T(precise), T(cycles), T(levels), T(events),
		T(absent),
	};

	return cmocka_run_group_tests_name("pmu", tests, NULL, NULL);
}
