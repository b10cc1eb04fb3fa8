/* Apple's hypercalls: results, registers that stay, keys by level, kicks. */
#include <pthread.h>

#include "cputest.h"
#include "../../src/interp/hvc_apple.h"
#include "../../src/interp/pauth.h"

#define EN_ALL (1ull << 31 | 1ull << 30 | 1ull << 27 | 1ull << 13)
#define PTR 0x0000123456789abcull

static int setup(void **state)
{
	ct_open(2, "vmapple");
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

/* A call; x[n] up must stay. */
static int64_t call_on(struct cpu *c, uint64_t id, uint64_t x1, uint64_t x2,
		       unsigned n)
{
	for (unsigned i = 0; i < 31; i++)
		c->x[i] = 0x1111 * i;
	c->x[0] = id;
	c->x[1] = x1;
	c->x[2] = x2;
	assert_int_equal(psci_hvc(c), PSCI_NEXT);
	if (n <= 1)
		assert_int_equal(c->x[1], x1);
	if (n <= 2)
		assert_int_equal(c->x[2], x2);
	for (unsigned i = n < 3 ? 3 : n; i < 31; i++)
		assert_int_equal(c->x[i], 0x1111 * i);
	return (int64_t)c->x[0];
}

static int64_t call(uint64_t id, uint64_t x1, uint64_t x2, unsigned n)
{
	return call_on(ct.c, id, x1, x2, n);
}

static void test_services(void **state)
{
	uint64_t uuid[4];

	assert_int_equal(call(0xc10000f0, 1, 2, 1), 0);
	assert_int_equal(call(0x8300ff01, 1, 2, 4), 0x9cbb6ebb);
	assert_int_equal(ct.c->x[1], 0x9dc9d679);
	assert_int_equal(ct.c->x[2], 0xaa624e1f);
	assert_int_equal(ct.c->x[3], 0x3b878185);
	assert_int_equal(call(0x8300ff03, 1, 2, 2), 1);
	assert_int_equal(ct.c->x[1], 0);
	for (uint32_t id = 0xc1000000; id <= 0xc1000006; id++)
		assert_int_equal(call(0x8300feff, id, 0, 1), 0);
	for (uint32_t id = 0xc3000003; id <= 0xc3000006; id++)
		assert_int_equal(call(0x8300feff, id, 0, 1), 0);
	assert_int_equal(call(0x8300feff, 0xc3000007, 0, 1), -1);
	assert_int_equal(call(0x8300feff, 0xc1000007, 0, 1), -1);
	assert_int_equal(call(0xc1000007, 1, 2, 1), -1);
	assert_int_equal(call(0xc3000000, 1, 2, 1), -1);
	assert_int_equal(call(0xc3000003, 0x5555, 2, 2), 0);
	assert_int_equal(ct.c->x[1], 0);
	assert_int_equal(call(0xc3000004, 1, 2, 5), 0);
	memcpy(uuid, ct.c->x + 1, sizeof(uuid));
	assert_int_equal(uuid[2] >> 12 & 15, 4);        /* version */
	assert_int_equal(uuid[1] >> 30, 2);             /* variant */
	call_on(ct.in->cpu[1], 0xc3000004, 1, 2, 5);
	assert_memory_equal(uuid, ct.in->cpu[1]->x + 1, sizeof(uuid));
	accel_interp.reset(&ct.vm);                     /* another boot */
	call(0xc3000004, 1, 2, 5);
	assert_memory_not_equal(uuid, ct.c->x + 1, sizeof(uuid));
	/* PSCI is still there */
	assert_int_equal(call(0x84000000, 1, 2, 1), 0x10001);
}

static void test_other_cpus(void **state)
{
	teardown(state);
	ct_open(1, "generic");
	assert_int_equal(call(0xc1000000, 1, 2, 1), -1);
	assert_int_equal(call(0xc10000f0, 1, 2, 1), -1);
	assert_int_equal(call(0x8300ff01, 1, 2, 1), -1);
}

static uint64_t sign(struct cpu *c, unsigned el, enum pauth_key key)
{
	uint64_t v;

	c->el = (uint8_t)el;
	v = pauth_add(c, key, PTR, 0x77);
	c->el = 1;
	return v;
}

static void test_keys(void **state)
{
	struct cpu *c = ct.c, *c1 = ct.in->cpu[1];
	uint64_t plain[5], el0[5], el1[5];
	const enum pauth_key a = PAUTH_IA, b = PAUTH_IB, da = PAUTH_DA,
			     db = PAUTH_DB;

	for (unsigned i = 0; i < 2; i++) {
		ct.in->cpu[i]->sr.sctlr |= EN_ALL;
		ct.in->cpu[i]->sr.tcr = 17 | 17 << 16;
	}
	for (unsigned k = 0; k < 4; k++)
		plain[k] = sign(c, 1, k);
	assert_int_equal(sign(c, 0, a), plain[a]);
	/* defaults */
	assert_int_equal(call(0xc1000001, 1, 2, 5), 0);
	assert_int_equal(c->x[1], 0xfeedfacefeedfad5);
	assert_int_equal(c->x[2], 0xfeedfacefeedfacf);
	assert_int_equal(c->x[3], 0xfeedfacefeedfad3);
	assert_int_equal(c->x[4], 0xfeedfacefeedfad9);
	assert_int_equal(sign(c, 1, a), plain[a]);
	assert_int_equal(call(0xc1000000, 1, 2, 1), 0);
	for (unsigned k = 0; k < 4; k++) {
		el1[k] = sign(c, 1, k);
		el0[k] = sign(c, 0, k);
		assert_int_not_equal(el1[k], plain[k]);
		assert_int_not_equal(el1[k], el0[k]);
		for (unsigned i = 0; i < k; i++)        /* each its own */
			assert_int_not_equal(el1[k], el1[i]);
	}
	/* all CPUs agree */
	call_on(c1, 0xc1000000, 1, 2, 1);
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(sign(c1, 1, k), el1[k]);
		assert_int_equal(sign(c1, 0, k), el0[k]);
	}
	/* B keys: not A's */
	assert_int_equal(call(0xc1000003, 0x1234, 2, 1), 0);
	assert_int_not_equal(sign(c, 1, b), el1[b]);
	assert_int_not_equal(sign(c, 1, db), el1[db]);
	assert_int_not_equal(sign(c, 0, b), el0[b]);
	assert_int_equal(sign(c, 1, a), el1[a]);
	assert_int_equal(sign(c, 0, da), el0[da]);
	assert_int_equal(call(0xc1000003, 0xfeedfacefeedfacf, 2, 1), 0);
	assert_int_equal(sign(c, 1, b), el1[b]);
	/* the EL0 diversifier is EL0's alone */
	assert_int_equal(call(0xc1000004, 0x9999, 2, 1), 0);
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(sign(c, 1, k), el1[k]);
		assert_int_not_equal(sign(c, 0, k), el0[k]);
	}
	/* unless the kernel asks for it */
	assert_int_equal(call(0xc1000005, 1, 0x8888, 1), 0);
	for (unsigned k = 0; k < 4; k++)
		assert_int_equal(sign(c, 1, k), sign(c, 0, k));
	assert_int_equal(call(0xc1000005, 0, 0xfeedfacefeedfad3, 1), 0);
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(sign(c, 1, k), el1[k]);
		assert_int_equal(sign(c, 0, k), el0[k]);
	}
	/* A and G */
	assert_int_equal(call(0xc1000002, 5, 2, 1), 0);
	assert_int_not_equal(sign(c, 1, a), el1[a]);
	assert_int_equal(sign(c, 1, b), el1[b]);
	el1[0] = pauth_generic(c, 1, 2);
	assert_int_equal(call(0xc1000006, 5, 2, 1), 0);
	assert_int_not_equal(pauth_generic(c, 1, 2), el1[0]);
	/* key registers count as well */
	el1[b] = sign(c, 1, b);
	c->sr.apkey[b][0] = 1;
	assert_int_not_equal(sign(c, 1, b), el1[b]);
	/* a reset takes the keys away */
	ct_reset();
	c->sr.sctlr |= EN_ALL;
	c->sr.tcr = 17 | 17 << 16;
	assert_int_equal(sign(c, 1, a), plain[a]);
}

static void test_lenient(void **state)
{
	uint64_t v, out;

	teardown(state);
	ct_open(1, "vmapple,LenientPAC=on");
	ct.c->sr.sctlr |= EN_ALL;
	ct.c->sr.tcr = 17 | 17 << 16;
	v = pauth_add(ct.c, PAUTH_IA, PTR, 1);
	assert_int_not_equal(v, PTR);
	assert_true(pauth_auth(ct.c, PAUTH_IB, v, 2, false, &out));
	assert_int_equal(out, PTR);
	teardown(state);
	ct_open(1, "vmapple");
	ct.c->sr.sctlr |= EN_ALL;
	ct.c->sr.tcr = 17 | 17 << 16;
	v = pauth_add(ct.c, PAUTH_IA, PTR, 1);
	assert_false(pauth_auth(ct.c, PAUTH_IA, v, 2, false, &out));
	teardown(state);
	ct_open(1, "vmapple,FPAC=off");
	ct.c->sr.sctlr |= EN_ALL;
	ct.c->sr.tcr = 17 | 17 << 16;
	v = pauth_add(ct.c, PAUTH_IA, PTR, 1);
	assert_true(pauth_auth(ct.c, PAUTH_IA, v, 2, false, &out));
	assert_int_not_equal(out, PTR);
	assert_true(pauth_auth(ct.c, PAUTH_IA, v, 1, false, &out));
	assert_int_equal(out, PTR);
}

static void test_kick(void **state)
{
	struct cpu *c = ct.c, *c1 = ct.in->cpu[1];

	/* one that came before is not lost, and counts once */
	assert_int_equal(call_on(c1, 0xc3000006, 0, 2, 1), 0);
	assert_true(c->kicked);
	assert_true(c->req & REQ_EVENT);
	assert_int_equal(call(0xc3000005, 0, 2, 1), 0);
	assert_false(c->kicked);
	assert_int_equal(c->pstate & (PS_I | PS_F), PS_I | PS_F);
	/* x1: as the caller had it before masking */
	call_on(c1, 0xc3000006, 0, 2, 1);
	assert_int_equal(call(0xc3000005, 1, 2, 1), 0);
	assert_int_equal(c->pstate & (PS_A | PS_I | PS_F), 0);
	assert_int_equal(c->pstate & PS_D, PS_D);
	/* an interrupt ends it, masked or not */
	except_set_pstate(c, CT_EL1H);
	atomic_store(&c->irq_lines, 2);
	assert_int_equal(call(0xc3000005, 0, 2, 1), 0);
	atomic_store(&c->irq_lines, 0);
	/* disturbed by something else it waits on */
	atomic_store(&c->req, REQ_KICK);
	c->x[0] = 0xc3000005;
	c->x[1] = 0;
	assert_int_equal(psci_hvc(c), PSCI_AGAIN);
	assert_int_equal(c->x[0], 0xc3000005);
	/* nobody there */
	assert_int_equal(call(0xc3000006, 5, 2, 1), -1);
	assert_int_equal(call(0xc3000006, 0x80000001, 2, 1), 0);
	assert_true(c1->kicked);
}

/* Two threads: CPU 0 sleeps until it is kicked. */
static void *kicker(void *arg)
{
	struct cpu *c1 = ct.in->cpu[1];

	while (!atomic_load(&ct.c->halted))
		sched_yield();
	c1->x[0] = 0xc3000006;
	c1->x[1] = 0;
	psci_hvc(c1);
	return NULL;
}

static void test_sleep(void **state)
{
	pthread_t t;

	for (int i = 0; i < 50; i++) {
		enum psci_next n = PSCI_AGAIN;

		atomic_store(&ct.c->req, 0);
		atomic_store(&ct.c->halted, false);
		pthread_create(&t, NULL, kicker, NULL);
		while (n == PSCI_AGAIN) {
			ct.c->x[0] = 0xc3000005;
			ct.c->x[1] = 0;
			n = psci_hvc(ct.c);
		}
		pthread_join(t, NULL);
		assert_int_equal(n, PSCI_NEXT);
		assert_int_equal(ct.c->x[0], 0);
	}
}

static void test_tso(void **state)
{
	ct.c->x[1] = 2;
	assert_true(ct_insn(CT_MSR(0xc081, 1)));        /* ACTLR_EL1 */
#ifdef __x86_64__
	assert_int_equal(ct.c->sr.actlr, 2);
#else
	assert_int_equal(ct.c->sr.actlr, 0);            /* two CPUs */
#endif
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_services), T(test_other_cpus), T(test_keys),
		T(test_lenient), T(test_kick), T(test_sleep), T(test_tso),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
