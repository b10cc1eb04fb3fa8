/* stage1_pac.c: pointer authentication, Apple's hypercalls, and that all CPUs
 * agree (spec/vmapple.md 9.2, 9.3). */
#include "stage1.h"

#define USER 0x0000123456789abcul
#define KERNEL 0xfffffe0007004abcul
#define MAX_CPUS 32

static const struct {
	uint64_t (*sign)(uint64_t, uint64_t), (*auth)(uint64_t, uint64_t);
} keys[] = {
	{ pac_ia, aut_ia }, { pac_ib, aut_ib },
	{ pac_da, aut_da }, { pac_db, aut_db },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* QARMA5, our own, QARMA3 */
uint64_t pac_algorithm(void)
{
	return (READ(id_aa64isar1_el1) & 0xff0) |
	       (READ(s3_0_c0_c6_2) & 0xf000);           /* ID_AA64ISAR2_EL1 */
}

/* Where there are hypercalls, they set the keys from here on. */
void pac_enable(void)
{
	WRITE(s3_0_c2_c1_0, 0x1111);            /* APIAKeyLo_EL1 */
	WRITE(s3_0_c2_c1_1, 0x1122);            /* APIAKeyHi_EL1 */
	WRITE(s3_0_c2_c1_2, 0x2222);            /* APIBKeyLo_EL1 */
	WRITE(s3_0_c2_c1_3, 0x2233);            /* APIBKeyHi_EL1 */
	WRITE(s3_0_c2_c2_0, 0x3333);            /* APDAKeyLo_EL1 */
	WRITE(s3_0_c2_c2_1, 0x3344);            /* APDAKeyHi_EL1 */
	WRITE(s3_0_c2_c2_2, 0x4444);            /* APDBKeyLo_EL1 */
	WRITE(s3_0_c2_c2_3, 0x4455);            /* APDBKeyHi_EL1 */
	WRITE(sctlr_el1, READ(sctlr_el1) | 1ul << 31 | 1ul << 30 | 1ul << 27 |
				 1ul << 13);
	ISB();
}

/* ---- round trips ------------------------------------------------------------- */

struct attempt {
	unsigned key;
	uint64_t p, m, got;
};

static void try_auth(void *arg)
{
	struct attempt *t = arg;

	t->got = keys[t->key].auth(t->p, t->m);
}

/* A pointer signed otherwise is caught: by a fault where the CPU has FPAC, else
 * by one that cannot be used. */
static bool refused(unsigned key, uint64_t signed_, uint64_t m, uint64_t plain)
{
	struct attempt t = { key, signed_, m, 0 };
	uint64_t esr = catch_trap(try_auth, &t);

	return esr ? esr >> 26 == 0x1c : t.got != plain;
}

static void round_trip(uint64_t plain)
{
	uint64_t s[KEYS];

	for (unsigned k = 0; k < KEYS; k++) {
		s[k] = keys[k].sign(plain, 7);
		CHECK(s[k] != plain);
		CHECK_EQ(keys[k].auth(s[k], 7), plain);
		CHECK_EQ(pac_strip(s[k]), plain);
		CHECK(refused(k, s[k] ^ 1ul << 54, 7, plain));
		/* 8 bits, where a top byte is ignored, may agree by chance */
		if (plain == USER)
			continue;
		CHECK(refused(k, s[k], 8, plain));
		CHECK(refused(k, plain, 7, plain));
	}
	if (plain == KERNEL) {
		CHECK(s[0] != s[1]);
		CHECK(s[2] != s[3]);
	}
}

static uint64_t answer(void)
{
	return 42;
}

const char *part_pac(void)
{
	static const uint64_t word = 0x0123456789abcdef;

	if (!pac_algorithm())
		return "the CPU has no pointer authentication";
	if (!pages_there())
		return "it goes with 16 KiB pages";
	pac_enable();
	round_trip(USER);
	round_trip(KERNEL);
	CHECK_EQ(pac_call(answer, 3), 42);
	CHECK_EQ(pac_load(&word), word);
	CHECK_EQ((uint32_t)pac_generic(1, 2), 0);
	CHECK(pac_generic(1, 2) != pac_generic(1, 3));
	return NULL;
}

/* ---- hypercalls ---------------------------------------------------------------- */

/* Only x0, and for the calls that have results x1 to x4, may change. */
static void test_calls(void)
{
	static const uint32_t sets[] = {
		HVC_PAC_INITIAL, HVC_PAC_SET_A, HVC_PAC_SET_B,
		HVC_PAC_SET_EL0, HVC_PAC_SET_G, HVC_PAC_NOP,
	};
	struct call r;

	for (unsigned i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		r = hvc(sets[i], 0x1234, 0x5678);
		CHECK_EQ(r.x[0], 0);
		CHECK_EQ(r.x[4], 0x4444);
		CHECK_EQ(r.x[5], 0x5555);
	}
	r = hvc(HVC_PAC_DEFAULTS, 0, 0);
	CHECK_EQ(r.x[0], 0);
	CHECK(r.x[2] != 0);
	CHECK(r.x[3] != 0);
	CHECK_EQ(r.x[5], 0x5555);
	r = hvc(HVC_UID, 0, 0);
	CHECK_EQ(r.x[1], 0x9dc9d679);
	CHECK_EQ(r.x[2], 0xaa624e1f);
	CHECK_EQ(r.x[3], 0x3b878185);
	CHECK_EQ(r.x[4], 0x4444);
	CHECK_EQ(hvc(HVC_REVISION, 0, 0).x[0], 1);
	CHECK_EQ((uint32_t)hvc(HVC_FEATURES, 0xc3001234, 0).x[0], 0xffffffff);
	CHECK_EQ(hvc(0xc100001f, 0, 0).x[0], ~0ul);
	/* PSCI is behind the same door; nothing above 1.1 */
	CHECK_EQ(hvc(0x84000000, 0, 0).x[0], 0x10001);
}

/* What a context switch changes at EL1, and what it must not. */
static void test_keys(void)
{
	uint64_t a, b, g;

	hvc(HVC_PAC_INITIAL, 0, 0);
	a = pac_ia(KERNEL, 7);
	b = pac_ib(KERNEL, 7);
	g = pac_generic(1, 2);
	hvc(HVC_PAC_SET_EL0, 0x1111, 0);
	CHECK_EQ(pac_ia(KERNEL, 7), a);
	hvc(HVC_PAC_SET_B, 0x2222, 0);
	CHECK_EQ(pac_ia(KERNEL, 7), a);
	CHECK(pac_ib(KERNEL, 7) != b);
	hvc(HVC_PAC_SET_G, 0x3333, 0);
	CHECK(pac_generic(1, 2) != g);
	CHECK_EQ(pac_ia(KERNEL, 7), a);
	hvc(HVC_PAC_INITIAL, 0, 0);
	CHECK_EQ(pac_ib(KERNEL, 7), b);
}

static bool has_calls(void)
{
	return (uint32_t)hvc(HVC_UID, 0, 0).x[0] == 0x9cbb6ebb;
}

const char *part_hypercalls(void)
{
	if (!has_calls())
		return "this host answers none of Apple's";
	test_calls();
	if (pac_algorithm() && pages_there())
		test_keys();
	return NULL;
}

/* The kernel signs for a process, whose keys it has to have for that. Under KVM
 * nothing of pome's runs when a CPU changes level; the calls are accepted, and
 * the ones that wait are denied, by which stage 1 knows. */
const char *part_levels(void)
{
	uint64_t a;

	if (!has_calls() || !pac_algorithm() || !pages_there())
		return "it goes with hypercalls and pointer authentication";
	if (hvc(HVC_FEATURES, HVC_WAIT, 0).x[0])
		return "KVM has one set of keys for both levels";
	hvc(HVC_PAC_SET_EL0, 0x1111, 0);
	a = pac_ia(KERNEL, 7);
	hvc(HVC_PAC_EL0_AT_EL1, 1, 0x1111);
	CHECK(pac_ia(KERNEL, 7) != a);
	CHECK_EQ(aut_ia(pac_ia(USER, 7), 7), USER);
	hvc(HVC_PAC_EL0_AT_EL1, 0, 0x1111);
	CHECK_EQ(pac_ia(KERNEL, 7), a);
	return NULL;
}

/* ---- all CPUs -------------------------------------------------------------------- */

static volatile struct {
	uint64_t mpidr, sign[KEYS];
	bool ticked, done;
} cpu[MAX_CPUS] __attribute__((aligned(64)));

static void work(unsigned n)
{
	if (pages_there())
		pages_on();
	if (pac_algorithm())
		pac_enable();
	if (has_calls())
		hvc(HVC_PAC_INITIAL, 0, 0);
	if (pac_algorithm()) {
		for (unsigned k = 0; k < KEYS; k++)
			cpu[n].sign[k] = keys[k].sign(KERNEL, 7);
	}
	cpu[n].mpidr = READ(mpidr_el1);
	cpu[n].ticked = fiq_ticks();
	DSB();
	cpu[n].done = true;
	DSB();
	if (n && has_calls())
		hvc(HVC_KICK, 0, 0);
}

static bool all_done(unsigned n)
{
	while (n-- > 1)
		if (!cpu[n].done)
			return false;
	return true;
}

/* An SGI by affinity becomes pending at that CPU and at no other; with Aff0
 * above 15 the range selector is what tells them apart. */
static bool sgi_reaches(unsigned to, unsigned n, uint64_t mpidr)
{
	uint64_t pending = 0;

	WRITE(s3_0_c12_c11_5, 9ul << 24 | (mpidr >> 8 & 0xff) << 16 |
	      (mpidr >> 4 & 15) << 44 | 1ul << (mpidr & 15));
	ISB();
	for (unsigned i = 0; i < n; i++) {
		uint64_t sgi = GICR + 0x20000ul * i + 0x10000;

		if (rd32(sgi + 0x200) & 1 << 9)         /* ISPENDR0 */
			pending |= 1ul << i;
		wr32(sgi + 0x280, 1 << 9);              /* ICPENDR0 */
	}
	return pending == 1ul << to;
}

const char *part_cpus(void)
{
	unsigned n = rd32(CONFIG + 4);
	uint64_t start = now();
	bool kicks = has_calls() && !hvc(HVC_FEATURES, HVC_WAIT, 0).x[0];

	CHECK_EQ(cpu_count(), n);
	CHECK(n <= MAX_CPUS);
	for (unsigned i = 1; i < n; i++)
		CHECK(cpu_start(i, work));
	work(0);
	while (!all_done(n) && now() - start < 30 * READ(cntfrq_el0))
		if (kicks)
			hvc(HVC_WAIT, 0, 0);
	CHECK(all_done(n));
	for (unsigned i = 0; i < n; i++) {
		CHECK_EQ(cpu[i].mpidr & 0xffffff, i);
		CHECK(cpu[i].ticked);
		for (unsigned k = 0; k < KEYS; k++)
			CHECK_EQ(cpu[i].sign[k], cpu[0].sign[k]);
	}
	for (unsigned i = 0; i < n; i++)
		CHECK(sgi_reaches(i, n, cpu[i].mpidr));
	CHECK_EQ(psci(0xc4000003, 0, (uint64_t)work, 0), -4);
	print("stage1: %u of %u CPUs\n", (uint64_t)n, (uint64_t)cpu_count());
	return NULL;
}
