/* The generic timer: exact ticks, lines at their moment, register rules; WFI
 * and WFE that sleep, wake in time, and miss nothing. */
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "cputest.h"
#include "as.h"
#include "machine.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

static void gic_write(uint64_t gpa, uint32_t v)
{
	struct access a = { .val = v, .size = 4 };

	assert_true(as_access(ct.vm.as, gpa, true, &a));
}

static bool gic_pending(uint32_t intid)
{
	struct access a = { .size = 4 };

	assert_true(as_access(ct.vm.as, board_vmapple.gicr + 0x10200, false, &a));
	return a.val >> intid & 1;
}

/* Lets the timers' PPIs through, 27 in group `virt`. */
static void open_gic(unsigned virt)
{
	uint32_t group = 1u << 30 | virt << 27;

	gic_write(board_vmapple.gicd, 3);
	gic_write(board_vmapple.gicr + 0x14, 0);
	gic_write(board_vmapple.gicr + 0x10080, group);
	gic_write(board_vmapple.gicr + 0x10100, 1u << 27 | 1u << 30);
	gicv3_icc_write(ct.in->gic, 0, ICC_PMR_EL1, 0xff);
	gicv3_icc_write(ct.in->gic, 0, ICC_IGRPEN0_EL1, 1);
	gicv3_icc_write(ct.in->gic, 0, ICC_IGRPEN1_EL1, 1);
}

static int setup(void **state)
{
	ct_open(2, "generic");
	open_gic(1);
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	if (ct_loop)
		loop_free(ct_loop);
	ct_loop = NULL;
	return 0;
}

static void test_ticks(void **state)
{
	uint64_t x = 88172645463325252u;

	assert_int_equal(timer_ticks(0), 0);
	assert_int_equal(timer_ticks(1000000000), 24000000);
	assert_int_equal(timer_ticks(86400u * 365 * 1000000000ull),
			 86400ull * 365 * 24000000);
	assert_int_equal(timer_ticks(41), 0);
	assert_int_equal(timer_ticks(42), 1);
	assert_int_equal(timer_ns(~0ull), UINT64_MAX);
	assert_int_equal(timer_ns(~0ull / 125 * 3 + 3), UINT64_MAX);
	for (int i = 0; i < 100000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		uint64_t t = x >> 8 >> (x & 31), ns = timer_ns(t);

		if (ns == UINT64_MAX)
			continue;
		/* the first nanosecond at which t ticks have passed */
		assert_int_equal(timer_ticks(ns), t);
		if (ns)
			assert_true(timer_ticks(ns - 1) < t);
	}
}

static void test_line(void **state)
{
	struct cpu *c = ct.c;

	for (int id = 0; id < TIMERS; id++) {
		uint32_t ppi = id == TIMER_VIRT ? 27 : 30;

		timer_write_cval(c, id, timer_count(c) + 24000); /* 1 ms */
		timer_write_ctl(c, id, CTL_ENABLE);
		assert_int_equal(timer_read_ctl(c, id), CTL_ENABLE);
		fake_advance(ct.f, 999950);
		assert_false(gic_pending(ppi));
		assert_int_equal(c->irq_lines, 0);
		fake_advance(ct.f, 50);
		assert_true(gic_pending(ppi));
		assert_int_equal(c->irq_lines, 1);
		assert_true(c->req & REQ_IRQ);
		assert_int_equal(timer_read_ctl(c, id), 5);
		/* level: masked, unmasked, later, past, off */
		timer_write_ctl(c, id, CTL_ENABLE | CTL_IMASK);
		assert_false(gic_pending(ppi));
		assert_int_equal(timer_read_ctl(c, id), 7);
		assert_int_equal(c->irq_lines, 0);
		timer_write_ctl(c, id, CTL_ENABLE);
		assert_true(gic_pending(ppi));
		timer_write_cval(c, id, timer_count(c) + 1);
		assert_false(gic_pending(ppi));
		fake_advance(ct.f, 42);
		assert_true(gic_pending(ppi));
		timer_write_tval(c, id, 0xffffffff);            /* -1 */
		assert_true(gic_pending(ppi));
		assert_int_equal(timer_read_tval(c, id), 0xffffffff);
		timer_write_cval(c, id, ~0ull);                 /* unsigned */
		assert_false(gic_pending(ppi));
		timer_write_cval(c, id, 0);
		assert_true(gic_pending(ppi));
		timer_write_ctl(c, id, 0);
		assert_false(gic_pending(ppi));
		assert_int_equal(timer_read_ctl(c, id), 0);
		timer_write_tval(c, id, 100);
		assert_int_equal(timer_read_cval(c, id), timer_count(c) + 100);
		fake_advance(ct.f, 1000000);
		assert_int_equal(timer_read_tval(c, id),
				 (uint32_t)(100 - 24000));
		assert_false(gic_pending(ppi));
	}
	/* a moved deadline: the first watch must not fire for it */
	timer_write_cval(c, TIMER_VIRT, timer_count(c) + 2400);
	timer_write_cval(c, TIMER_PHYS, timer_count(c) + 4800);
	timer_write_ctl(c, TIMER_VIRT, CTL_ENABLE);
	timer_write_ctl(c, TIMER_PHYS, CTL_ENABLE);
	timer_write_cval(c, TIMER_VIRT, timer_count(c) + 9600);
	fake_advance(ct.f, 150000);
	assert_false(gic_pending(27) || gic_pending(30));
	fake_advance(ct.f, 51000);
	assert_true(gic_pending(30) && !gic_pending(27));
	fake_advance(ct.f, 200000);
	assert_true(gic_pending(27));
	timer_reset(c);
	assert_false(gic_pending(27) || gic_pending(30));
}

/* XNU has the virtual timer in group 0: FIQ. */
static void test_fiq(void **state)
{
	open_gic(0);
	timer_write_ctl(ct.c, TIMER_VIRT, CTL_ENABLE);
	assert_int_equal(ct.c->irq_lines, 2);
	assert_int_equal(gicv3_icc_read(ct.in->gic, 0, ICC_IAR1_EL1), 1023);
	assert_int_equal(gicv3_icc_read(ct.in->gic, 0, ICC_IAR0_EL1), 27);
	assert_int_equal(ct.c->irq_lines, 0);
}

/* A write that makes the line rise is followed by the interrupt at once. */
static void test_taken(void **state)
{
	struct cpu *c = ct.c;

	c->x[1] = CTL_ENABLE;
	CT_RUN(0xd50342ff,                      /* msr daifclr, #2 */
	       CT_MSR(SYSREG(3, 3, 14, 3, 1), 1),
	       0xd2800042 /* mov x2, #2 */, CT_SVC);
	assert_int_equal(c->sr.elr, FAKE_RAM + 8);
	assert_int_equal(c->x[2], 0);
	assert_int_equal(c->n_irq, 1);
}

/* ---- waiting, in real time ------------------------------------------------ */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int setup_real(void **state)
{
	struct err e;

	ct_loop = loop_new(&e);
	assert_non_null(ct_loop);
	return setup(state);
}

static void *loop_thread(void *arg)
{
	struct err e;

	loop_run(arg, &e);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* With and without the loop's thread: the CPU finds its own deadline. */
static void wfi_to_deadline(void)
{
	struct cpu *c = ct.c;
	uint64_t late[41], used;

	for (int i = 0; i < 41; i++) {
		uint64_t at = timer_count(c) + 24000;           /* 1 ms */

		timer_write_cval(c, TIMER_VIRT, at);
		timer_write_ctl(c, TIMER_VIRT, CTL_ENABLE);
		atomic_store(&c->req, 0);
		while (!atomic_load(&c->irq_lines))
			timer_wfi(c, UINT64_MAX);
		assert_true(timer_count(c) >= at);
		late[i] = timer_count(c) - at;
		timer_write_ctl(c, TIMER_VIRT, 0);
		assert_int_equal(c->irq_lines, 0);
	}
	qsort(late, 41, sizeof(late[0]), by_size);
	print_message("WFI wakes %llu us late (median)\n",
		      (unsigned long long)late[20] / 24);
	/* a busy machine makes most of them late, not all */
	assert_true(late[4] < 24 * 2000);
	/* 50 ms of idleness cost next to nothing */
	timer_write_tval(c, TIMER_VIRT, 24 * 50000);
	timer_write_ctl(c, TIMER_VIRT, CTL_ENABLE);
	atomic_store(&c->req, 0);
	used = thread_cpu_ns();
	while (!atomic_load(&c->irq_lines))
		timer_wfi(c, UINT64_MAX);
	used = thread_cpu_ns() - used;
	print_message("50 ms of WFI use %llu us\n",
		      (unsigned long long)used / 1000);
	assert_true(used < 2500000);
}

static void test_wfi(void **state)
{
	pthread_t t;

	wfi_to_deadline();
	assert_int_equal(pthread_create(&t, NULL, loop_thread, ct_loop), 0);
	wfi_to_deadline();
	loop_stop(ct_loop);
	pthread_join(t, NULL);
}

/* WFI returns for a masked pending interrupt, and for any request. */
static void test_wfi_early(void **state)
{
	struct cpu *c = ct.c;

	atomic_store(&c->irq_lines, 1);
	timer_wfi(c, UINT64_MAX);
	atomic_store(&c->irq_lines, 0);
	cpu_request(c, REQ_KICK);
	timer_wfi(c, UINT64_MAX);
	atomic_store(&c->req, 0);
	/* WFIT: 2 ms, and a time that has passed */
	uint64_t at = timer_count(c) + 48000;

	while (timer_count(c) < at)
		timer_wfi(c, at);
	timer_wfi(c, at);
	timer_wfe(c, at);
}

static void *sev_later(void *arg)
{
	struct timespec ts = { 0, 3000000 };

	nanosleep(&ts, NULL);
	timer_sev(arg);
	return NULL;
}

static void test_wfe(void **state)
{
	struct cpu *c = ct.c, *o = ct.in->cpu[1];
	uint64_t t0, used;
	pthread_t t;

	/* the event register: one WFE only */
	atomic_store(&c->event, true);
	timer_wfe(c, UINT64_MAX);
	assert_false(atomic_load(&c->event));
	/* SEV reaches the others, and a sleeper */
	timer_sev(c);
	assert_true(atomic_load(&c->event) && atomic_load(&o->event));
	atomic_store(&c->event, false);
	atomic_store(&c->req, 0);
	assert_int_equal(pthread_create(&t, NULL, sev_later, o), 0);
	t0 = now_ns();
	timer_wfe(c, UINT64_MAX);
	assert_true(now_ns() - t0 < 500000000);
	pthread_join(t, NULL);
	assert_true(now_ns() - t0 >= 3000000);
	/* alone, with nothing to wait for: comes back, and sleeps meanwhile */
	atomic_store(&c->event, false);
	atomic_store(&c->req, 0);
	t0 = now_ns();
	used = thread_cpu_ns();
	for (int i = 0; i < 5; i++)
		timer_wfe(c, UINT64_MAX);
	assert_in_range(now_ns() - t0, 1000000, 2000000000);
	assert_true(thread_cpu_ns() - used < (now_ns() - t0) / 10);
	/* event stream: bit 14, 1.4 ms a period, rising then falling */
	for (unsigned dir = 0; dir < 2; dir++) {
		c->sr.cntkctl = 1 << 2 | dir << 3 | 14 << 4;
		for (int i = 0; i < 10; i++) {
			uint64_t from = timer_count(c), to;

			timer_wfe(c, UINT64_MAX);
			to = timer_count(c);
			/* the edge lies between, unless it was too close */
			if (to - from > 24 * 100)
				assert_true(((to + (dir ? 0 : 1 << 14)) >> 15)
					    != ((from + (dir ? 0 : 1 << 14)) >>
						15));
		}
	}
}

/* LDAXR; WFE: another CPU's plain store ends the wait. */
static void test_monitor(void **state)
{
	struct cpu *c = ct.c;
	struct tlbe *e = &c->tlb->r[FAKE_RAM >> 12 & (TLB_SIZE - 1)];
	uint64_t t0;

	e->va = FAKE_RAM;
	e->host = (uintptr_t)ct.f->ram;
	memset(ct.f->ram, 0, 16);
	atomic_store(&c->req, 0);
	c->excl_valid = true;
	c->excl_va = FAKE_RAM + 8;
	c->excl_size = 4;
	c->excl_val[0] = 1;                     /* memory has changed */
	t0 = now_ns();
	/* asleep they would take half a second and more */
	for (int i = 0; i < 10000; i++)
		timer_wfe(c, UINT64_MAX);
	assert_true(now_ns() - t0 < 500000000);
	c->excl_val[0] = 0;                     /* has not: short sleeps */
	t0 = now_ns();
	for (int i = 0; i < 20; i++)
		timer_wfe(c, UINT64_MAX);
	assert_in_range(now_ns() - t0, 20 * 50000 / 2, 1000000000);
}

/* ---- no event gets lost ---------------------------------------------------- */

/* One that is lost costs 10 ms. A loaded host is that late at times, but not
 * at every other turn. */
enum { TURNS = 3000, LATE_NS = 10000000 };
static _Atomic unsigned turn, late;

static void *player(void *arg)
{
	struct cpu *c = arg;

	for (unsigned i = c->index; i < TURNS; i += 2) {
		uint64_t t0 = now_ns();

		while (atomic_load(&turn) != i) {
			atomic_store(&c->req, 0);
			timer_wfe(c, UINT64_MAX);
		}
		if (now_ns() - t0 >= LATE_NS)
			atomic_fetch_add(&late, 1);
		atomic_store(&turn, i + 1);
		timer_sev(c);
	}
	return NULL;
}

static void test_ping_pong(void **state)
{
	pthread_t t[2];

	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, player, ct.in->cpu[i]);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	print_message("%u of %d turns were late\n", atomic_load(&late), TURNS);
	assert_true(atomic_load(&late) < TURNS / 4);
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
#define R(n) cmocka_unit_test_setup_teardown(test_##n, setup_real, teardown)
	const struct CMUnitTest tests[] = {
		T(ticks), T(line), T(fiq), T(taken), R(wfi), R(wfi_early),
		R(wfe), R(monitor), R(ping_pong),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
