/* t_smp.c: PSCI, atomics and exclusives under contention, events, broadcast
 * TLB maintenance, code changed by another CPU. */
#include "guest.h"

enum { ROUNDS = 20000 };
static unsigned n;
static volatile uint64_t lse_count, ex_count, lock_count;
static volatile uint32_t lock, ready, go, done, stop;

static void add_exclusive(volatile uint64_t *p)
{
	uint64_t v;
	uint32_t fail;

	do {
		__asm__ volatile("ldxr %0, [%2]\n\tadd %0, %0, #1\n\t"
				 "stxr %w1, %0, [%2]"
				 : "=&r"(v), "=&r"(fail) : "r"(p) : "memory");
	} while (fail);
}

static void add_lse(volatile uint64_t *p)
{
	__asm__ volatile(".arch armv8.1-a\n\tstadd %0, [%1]"
			 : : "r"(1ul), "r"(p) : "memory");
}

static void spin_lock(void)
{
	uint32_t v, fail;

	__asm__ volatile("sevl\n1:\twfe\n2:\tldaxr %w0, [%2]\n\tcbnz %w0, 1b\n\t"
			 "stxr %w1, %w3, [%2]\n\tcbnz %w1, 2b"
			 : "=&r"(v), "=&r"(fail) : "r"(&lock), "r"(1)
			 : "memory");
}
static void spin_unlock(void)
{
	__asm__ volatile("stlr wzr, [%0]" : : "r"(&lock) : "memory");
}

static void work(unsigned index)
{
	mmu_on();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		__asm__ volatile("wfe");
	for (int i = 0; i < ROUNDS; i++) {
		add_exclusive(&ex_count);
		if (READ(id_aa64isar0_el1) >> 20 & 15)
			add_lse(&lse_count);
		spin_lock();
		lock_count++;
		spin_unlock();
	}
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
	__asm__ volatile("sev");
}

static void test_counters(void)
{
	for (unsigned i = 1; i < n; i++) {
		CHECK(cpu_start(i, work));
		CHECK_EQ(psci(0xc4000003, cpu_mpidr(i), 0x70080000, 0) < 0, 1);
	}
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) != n - 1)
		;
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	__asm__ volatile("sev");
	for (int i = 0; i < ROUNDS; i++) {
		add_exclusive(&ex_count);
		spin_lock();
		lock_count++;
		spin_unlock();
	}
	while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != n - 1)
		__asm__ volatile("wfe");
	CHECK_EQ(ex_count, (uint64_t)n * ROUNDS);
	CHECK_EQ(lock_count, (uint64_t)n * ROUNDS);
	if (READ(id_aa64isar0_el1) >> 20 & 15)
		CHECK_EQ(lse_count, (uint64_t)(n - 1) * ROUNDS);
}

/* CPU 1 reads through a page whose mapping CPU 0 changes; after CPU 0's TLBI
 * and DSB it may never see the old frame again. */
static volatile uint64_t tlb_bad;
static volatile uint64_t tlb_epoch;

static void tlb_reader(unsigned index)
{
	volatile uint64_t *p = (uint64_t *)(window + 40 * 4096);

	mmu_on();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!stop) {
		uint64_t e = __atomic_load_n(&tlb_epoch, __ATOMIC_ACQUIRE);
		uint64_t v = *p;

		if (v < e)
			tlb_bad++;
	}
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void test_shootdown(void)
{
	uint8_t *p = window + 40 * 4096;

	for (uint64_t i = 1; i <= 500; i++) {
		uint64_t frame = (uint64_t)window + (41 + i % 8) * 4096;

		*(volatile uint64_t *)frame = i;
		*window_pte(40) = frame | PTE_NORMAL;
		__asm__ volatile("dsb ishst; tlbi vaae1is, %0; dsb ish; isb"
				 : : "r"((uint64_t)p >> 12) : "memory");
		__atomic_store_n(&tlb_epoch, i, __ATOMIC_RELEASE);
		CHECK_EQ(*(volatile uint64_t *)p, i);
	}
	stop = 1;
	CHECK_EQ(tlb_bad, 0);
}

/* CPU 1 calls a function that CPU 0 rewrites with the whole sequence. */
static volatile uint32_t code_want, code_bad, code_runs;
static void code_caller(unsigned index)
{
	uint64_t (*fn)(void) = (uint64_t (*)(void))(window + 60 * 4096);

	mmu_on();
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	while (!stop) {
		uint32_t want = __atomic_load_n(&code_want, __ATOMIC_ACQUIRE);

		ISB();
		if (fn() < want)
			code_bad++;
		code_runs++;
	}
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void test_code(unsigned cpu)
{
	volatile uint32_t *p = (uint32_t *)(window + 60 * 4096);

	ready = done = stop = 0;
	p[0] = 0xd2800000;                      /* mov x0, #0 */
	p[1] = 0xd65f03c0;
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb"
			 : : "r"(p) : "memory");
	CHECK(cpu_start(cpu, code_caller));
	while (!ready)
		;
	for (uint32_t i = 1; i < 300; i++) {
		p[0] = 0xd2800000 | i << 5;
		__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; "
				 "isb" : : "r"(p) : "memory");
		__atomic_store_n(&code_want, i, __ATOMIC_RELEASE);
		CHECK_EQ(((uint64_t (*)(void))(uint64_t)p)(), i);
	}
	stop = 1;
	while (!done)
		;
	CHECK_EQ(code_bad, 0);
	CHECK(code_runs > 0);
}

static void off(unsigned index) { psci(0x84000002, 0, 0, 0); }
static void test_off(unsigned cpu)
{
	for (int i = 0; i < 20; i++) {
		while (psci(0xc4000004, cpu_mpidr(cpu), 0, 0) != 1)
			;
		CHECK(cpu_start(cpu, off));
	}
	while (psci(0xc4000004, cpu_mpidr(cpu), 0, 0) != 1)
		;
	CHECK_EQ(psci(0xc4000003, 0x7700, 0x70080000, 0), (uint64_t)-2);
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	n = cpu_count();
	print("%d CPUs\n", n);
	if (n >= 4) {
		/* the last three stay for the later tests */
		n -= 3;
		test_counters();
		ready = done = stop = 0;
		CHECK(cpu_start(n, tlb_reader));
		while (!ready)
			;
		test_shootdown();
		while (!done)
			;
		CHECK_EQ(tlb_bad, 0);
		/* TCG 7.2 with a thread a CPU may keep stale code */
		if (!guest_told(dtb, "mttcg"))
			test_code(n + 1);
		test_off(n + 2);
	} else if (n > 1) {
		test_counters();
	}
}
