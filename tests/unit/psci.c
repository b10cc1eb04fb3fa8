/* PSCI and SMCCC calls: every function, its refusals, power states with racing
 * callers, and a CPU that really starts, runs and stops. */
#include <pthread.h>

#include "cputest.h"

#define NOT_SUPPORTED (-1)
#define INVALID (-2)
#define DENIED (-3)
#define ALREADY_ON (-4)
#define ON_PENDING (-5)
#define BAD_ADDRESS (-9)
#define ENTRY (FAKE_RAM + 0x1000ull)

static int setup(void **state)
{
	ct_open(18, "generic");
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

static int64_t call(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3)
{
	ct.c->x[0] = id;
	ct.c->x[1] = x1;
	ct.c->x[2] = x2;
	ct.c->x[3] = x3;
	ct.c->x[4] = 0x4444;
	assert_int_equal(psci_hvc(ct.c), PSCI_NEXT);
	assert_int_equal(ct.c->x[1], x1);
	assert_int_equal(ct.c->x[4], 0x4444);
	return (int64_t)ct.c->x[0];
}

static uint32_t power(unsigned i)
{
	return atomic_load(&ct.in->cpu[i]->power);
}

static void test_versions(void **state)
{
	static const struct { uint32_t id; int64_t psci, arch; } t[] = {
		{ 0x80000000, 0, 0 }, { 0x80000001, NOT_SUPPORTED, 0 },
		{ 0x80008000, NOT_SUPPORTED, 1 },
		{ 0x80007fff, NOT_SUPPORTED, 1 },
		{ 0x80003fff, NOT_SUPPORTED, 1 },
		{ 0x84000000, 0, NOT_SUPPORTED },
		{ 0x84000001, 0, NOT_SUPPORTED },
		{ 0xc4000001, 0, NOT_SUPPORTED }, { 0x84000002, 0, -1 },
		{ 0x84000003, 0, -1 }, { 0xc4000003, 0, -1 },
		{ 0x84000004, 0, -1 }, { 0xc4000004, 0, -1 },
		{ 0x84000005, -1, -1 }, { 0x84000006, 0, -1 },
		{ 0x84000008, 0, -1 }, { 0x84000009, 0, -1 },
		{ 0x8400000a, 0, -1 }, { 0x8400000e, 0, -1 },
		{ 0xc400000e, 0, -1 }, { 0x84000012, 0, -1 },
		{ 0xc4000012, 0, -1 }, { 0x84000013, -1, -1 },
		{ 0xc4000002, -1, -1 }, { 0xc4000000, -1, -1 },
		{ 0x8600ff01, -1, -1 }, { 0xc1000000, -1, -1 },
	};

	assert_int_equal(call(0x84000000, 0, 0, 0), 0x10001);
	assert_int_equal(call(0x80000000, 0, 0, 0), 0x10001);
	assert_int_equal(call(0x84000006, 0, 0, 0), 2);
	assert_int_equal(call(0x80008000, 0, 0, 0), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (call(0x8400000a, t[i].id, 0, 0) != t[i].psci ||
		    call(0x80000001, t[i].id, 0, 0) != t[i].arch)
			fail_msg("features of %x", (unsigned)t[i].id);
		if (t[i].psci < 0 && t[i].arch < 0)
			assert_int_equal(call(t[i].id, 0, 0, 0),
					 NOT_SUPPORTED);
	}
	/* the number is 32 bits of x0 */
	assert_int_equal(call(0xabcd00000000ull | 0x84000000, 0, 0, 0),
			 0x10001);
}

static void test_cpu_on(void **state)
{
	struct cpu *c1 = ct.in->cpu[1];

	assert_int_equal(power(0), CPU_POWER_ON);
	assert_int_equal(power(1), CPU_POWER_OFF);
	assert_int_equal(call(0xc4000004, 1, 0, 0), 1);
	assert_int_equal(call(0xc4000003, 18, ENTRY, 0), INVALID);
	assert_int_equal(call(0xc4000003, 1ull << 32, ENTRY, 0), INVALID);
	assert_int_equal(call(0xc4000003, 1, ENTRY + 2, 0), BAD_ADDRESS);
	assert_int_equal(call(0xc4000003, 1, 0x1000, 0), BAD_ADDRESS);
	assert_int_equal(call(0xc4000003, 0, ENTRY, 0), ALREADY_ON);
	atomic_store(&c1->req, 0);
	assert_int_equal(call(0xc4000003, 1, ENTRY, 0x123456789abcdef0), 0);
	assert_true(c1->req & REQ_POWER);
	assert_int_equal(call(0xc4000003, 1, ENTRY, 7), ON_PENDING);
	assert_int_equal(call(0xc4000004, 1, 0, 0), 2);
	/* its own thread starts it, in reset state */
	c1->x[5] = 5;
	c1->x[REG_SP] = 6;
	c1->sr.sctlr |= 0x1001;
	c1->sr.oslar = 0;
	except_set_pstate(c1, 0);
	psci_serve_power(c1);
	assert_int_equal(power(1), CPU_POWER_ON);
	assert_int_equal(c1->pc, ENTRY);
	assert_int_equal(c1->x[0], 0x123456789abcdef0);
	assert_int_equal(c1->x[5] | c1->x[REG_SP], 0);
	assert_int_equal(except_pstate(c1), PS_DAIF | 5);
	assert_int_equal(c1->sr.sctlr, 0x30d00980);
	assert_int_equal(c1->sr.oslar, 1);
	assert_int_equal(call(0xc4000004, 1, 0, 0), 0);
	assert_int_equal(call(0x84000003, 1, ENTRY, 0), ALREADY_ON);
	psci_serve_power(c1);                   /* nothing to do */
	/* 32-bit call: low halves; Aff1 = 1 is CPU 16 and up */
	assert_int_equal(call(0x84000003, 0xffffffff00000101, 0x5500000000 |
			      ENTRY, 0x9900000001), 0);
	psci_serve_power(ct.in->cpu[17]);
	assert_int_equal(ct.in->cpu[17]->pc, ENTRY);
	assert_int_equal(ct.in->cpu[17]->x[0], 1);
	assert_int_equal(call(0xc4000004, 1, 1, 0), INVALID);
	assert_int_equal(call(0xc4000004, 77, 0, 0), INVALID);
}

/* ---- racing callers --------------------------------------------------------- */

enum { CALLERS = 4, ROUNDS = 500 };
static pthread_barrier_t start, end;
static _Atomic unsigned won, refused;

static void *caller(void *arg)
{
	struct cpu *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&start);
		c->x[0] = 0xc4000003;
		c->x[1] = 9;
		c->x[2] = ENTRY;
		c->x[3] = c->index;
		psci_hvc(c);
		if (c->x[0] == 0)
			atomic_fetch_add(&won, 1);
		else if ((int64_t)c->x[0] == ON_PENDING ||
			 (int64_t)c->x[0] == ALREADY_ON)
			atomic_fetch_add(&refused, 1);
		pthread_barrier_wait(&end);
	}
	return NULL;
}

static void test_race(void **state)
{
	struct cpu *to = ct.in->cpu[9];
	pthread_t t[CALLERS];

	pthread_barrier_init(&start, NULL, CALLERS + 1);
	pthread_barrier_init(&end, NULL, CALLERS + 1);
	for (unsigned i = 0; i < CALLERS; i++)
		pthread_create(&t[i], NULL, caller, ct.in->cpu[i]);
	for (int i = 0; i < ROUNDS; i++) {
		atomic_store(&to->power, CPU_POWER_OFF);
		atomic_store(&won, 0);
		atomic_store(&refused, 0);
		pthread_barrier_wait(&start);
		while (atomic_load(&to->power) != CPU_POWER_ON)
			psci_serve_power(to);
		pthread_barrier_wait(&end);
		assert_int_equal(won, 1);
		assert_int_equal(refused, CALLERS - 1);
		assert_true(to->x[0] < CALLERS);
	}
	for (unsigned i = 0; i < CALLERS; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&start);
	pthread_barrier_destroy(&end);
}

/* ---- the machine, and what goes through the run loop ------------------------ */

static void set_args(uint64_t id, uint64_t x1, uint64_t x2, uint64_t x3)
{
	ct_reset();
	ct.c->x[0] = id;
	ct.c->x[1] = x1;
	ct.c->x[2] = x2;
	ct.c->x[3] = x3;
}

#define HVC 0xd4000002u

static void test_system(void **state)
{
	set_args(0x84000008, 0, 0, 0);
	CT_RUN(HVC, CT_SVC);
	assert_int_equal(ct.event, VM_OFF);
	assert_int_equal(ct_ec(), 0);           /* the SVC did not run */
	set_args(0x84000009, 0, 0, 0);
	CT_RUN(HVC, CT_SVC);
	assert_int_equal(ct.event, VM_RESET);
	set_args(0xc4000012, 0, 0, 0);
	CT_RUN(HVC, CT_SVC);
	assert_int_equal(ct.event, VM_RESET);
	set_args(0x84000012, 0x80000000, 0, 0);
	CT_RUN(HVC, 0xaa0003fb /* mov x27, x0 */, CT_SVC);
	assert_int_equal(ct_ec(), 0x15);
	assert_int_equal((int64_t)ct.c->x[27], INVALID);
	/* others are on: no SYSTEM_SUSPEND */
	set_args(0xc400000e, ENTRY, 0, 0);
	atomic_store(&ct.in->cpu[3]->power, CPU_POWER_ON);
	CT_RUN(HVC, 0xaa0003fb, CT_SVC);
	assert_int_equal((int64_t)ct.c->x[27], DENIED);
}

/* With an interrupt pending, suspending ends at once. */
static void test_suspend(void **state)
{
	struct cpu *c = ct.c;
	/* mov x26, x0; svc */
	const uint32_t entry[2] = { 0xaa0003fa, CT_SVC };

	for (int i = 0; i < 2; i++)
		ct_word(ENTRY + i * 4, entry[i]);
	set_args(0xc4000001, 0, ENTRY, 5);      /* standby */
	atomic_store(&c->irq_lines, 1);
	CT_RUN(HVC, 0xaa0003fb, CT_SVC);
	assert_int_equal(c->x[27], 0);
	assert_int_equal(c->sr.elr, FAKE_RAM + 12);
	for (int sys = 0; sys < 2; sys++) {
		if (sys)
			set_args(0xc400000e, ENTRY, 0x77, 0);
		else
			set_args(0xc4000001, 1 << 16, ENTRY, 0x77);
		c->x[26] = 0;
		c->sr.contextidr = 5;
		/* the entry runs in reset state: VBAR 0, so that its SVC ends
		 * in a crash; look at what it left */
		atomic_store(&c->irq_lines, 1);
		CT_RUN(HVC, CT_SVC);
		assert_int_equal(c->x[26], 0x77);
		assert_int_equal(c->sr.contextidr, 0);
		assert_int_equal(ct.event, VM_CRASH);
	}
	set_args(0xc4000001, 1 << 16, ENTRY + 1, 5);
	CT_RUN(HVC, 0xaa0003fb, CT_SVC);
	assert_int_equal((int64_t)c->x[27], BAD_ADDRESS);
	atomic_store(&c->irq_lines, 0);
	/* disturbed by a kick: the HVC is still to be done */
	set_args(0xc4000001, 1 << 16, ENTRY, 5);
	ct_word(FAKE_RAM, HVC);
	ct_code_changed();
	atomic_store(&c->req, 0);
	atomic_store(&ct.vm.park, false);
	c->pc = FAKE_RAM;
	c->x[0] = 0xc4000001;
	cpu_request(c, REQ_KICK);
	assert_int_equal(psci_hvc(c), PSCI_AGAIN);
	assert_int_equal(c->x[0], 0xc4000001);
	assert_int_equal(c->pc, FAKE_RAM);
}

static void *second(void *arg)
{
	accel_interp.cpu_run(arg, false);
	return NULL;
}

/* CPU 0 starts CPU 1, which starts nobody, writes a word, turns itself off;
 * CPU 0 waits for AFFINITY_INFO to say so. */
static void test_two(void **state)
{
	/* mov x1, x0; str w1, [x1]; mov w0, #0x84000002; hvc */
	static const uint32_t other[] = {
		0xaa0003e1, 0xb9000021, 0x52b08000, 0x72800040, HVC, CT_SVC,
	};
	pthread_t t;

	for (int round = 0; round < 20; round++) {
		set_args(0xc4000003, 1, ENTRY, FAKE_RAM + 0x2000);
		memset(ct.f->ram + 0x2000, 0, 4);
		for (int i = 0; i < 6; i++)
			ct_word(ENTRY + i * 4, other[i]);
		pthread_create(&t, NULL, second, &ct.vm.cpu[1]);
		/* hvc; mov x25, x0; 1: movz x0, #0xc400, lsl 16; movk x0, #4;
		 * mov x1, #1; mov x2, #0; hvc; cmp x0, #1; b.ne 1b; svc */
		CT_RUN(HVC, 0xaa0003f9, 0xd2b88000, 0xf2800080, 0xd2800021,
		       0xd2800002, HVC, 0xf100041f, 0x54ffff41, CT_SVC);
		pthread_join(t, NULL);
		assert_int_equal(ct.c->x[25], 0);
		assert_int_equal(ct_ec(), 0x15);
		assert_int_equal(power(1), CPU_POWER_OFF);
		assert_int_equal(*(uint32_t *)(void *)(ct.f->ram + 0x2000),
				 FAKE_RAM + 0x2000);
	}
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(versions), T(cpu_on), T(race), T(system), T(suspend), T(two),
	};

	return cmocka_run_group_tests_name("psci", tests, NULL, NULL);
}
