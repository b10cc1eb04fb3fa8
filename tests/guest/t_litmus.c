/* t_litmus.c: what several CPUs may see of each other's accesses: the litmus
 * tests of the Arm memory model, in loops. Arm ARM B2.3 (which outcomes are
 * forbidden), B2.2.1 (single-copy atomicity).
 *
 * A test has a row of instances, each with locations on cache lines of their
 * own; its CPUs go through them side by side, then CPU 0 looks at what each
 * has read. Outcomes that the architecture allows are counted and printed:
 * none is needed. With one CPU there is nothing to do. */
#include "guest.h"

enum { N = 256, ROUNDS = 200, MAX_CPUS = 4, LINE = 64 };
/* on an emulated host, whose CPUs take turns: there a meeting takes as long as
 * its scheduler likes, and no order is weak anyway */
enum { FEW_ROUNDS = 4 };
/* under ThreadSanitizer, which makes an access some fifty times as long and has
 * its own idea of what was ordered: a tenth shows it as much */
enum { TSAN_ROUNDS = 20 };

struct cell { volatile uint64_t v[LINE / 8]; } __attribute__((aligned(LINE)));
static struct cell x[N], y[N];
static uint64_t seen[MAX_CPUS][N][2];

#define ASM __asm__ volatile
static inline uint64_t ld(volatile uint64_t *p) { return *p; }
static inline void st(volatile uint64_t *p, uint64_t v) { *p = v; }
static inline uint64_t ldar(volatile uint64_t *p)
{
	uint64_t v;

	ASM("ldar %0, [%1]" : "=r"(v) : "r"(p) : "memory");
	return v;
}
static inline uint64_t ldapr(volatile uint64_t *p)
{
	uint64_t v;

	ASM(".arch armv8.3-a\n\tldapr %0, [%1]" : "=r"(v) : "r"(p) : "memory");
	return v;
}
static inline void stlr(volatile uint64_t *p, uint64_t v)
{
	ASM("stlr %0, [%1]" : : "r"(v), "r"(p) : "memory");
}
/* by an exclusive pair; until it succeeds */
static inline void stlxr(volatile uint64_t *p, uint64_t v)
{
	uint64_t old;
	uint32_t fail;

	do {
		ASM("ldxr %0, [%2]\n\tstlxr %w1, %3, [%2]"
		    : "=&r"(old), "=&r"(fail) : "r"(p), "r"(v) : "memory");
	} while (fail);
}
static inline uint64_t ldaxr(volatile uint64_t *p)
{
	uint64_t v;

	ASM("ldaxr %0, [%1]\n\tclrex" : "=r"(v) : "r"(p) : "memory");
	return v;
}
static inline void dmb(void) { ASM("dmb ish" : : : "memory"); }
static inline void dmb_st(void) { ASM("dmb ishst" : : : "memory"); }
static inline void dmb_ld(void) { ASM("dmb ishld" : : : "memory"); }
/* an address that depends on v, which it does not change */
static inline volatile uint64_t *dep(volatile uint64_t *p, uint64_t v)
{
	uint64_t z;

	ASM("eor %0, %1, %1" : "=r"(z) : "r"(v));
	return (volatile uint64_t *)((uint64_t)p + z);
}

/* ---- the tests ------------------------------------------------------------- */

#define R(n) seen[cpu][i][n]
#define X (&x[i].v[0])
#define Y (&y[i].v[0])
/* the bodies, one function a CPU: TEST(name, CPUs, forbidden, bodies) */
#define BODY(name, k, code) \
static void name##_##k(unsigned cpu, unsigned i) { code }
#define SEEN(c, n) (seen[c][i][n])

/* message passing: who sees y sees x */
#define MP_BAD (SEEN(1, 0) == 1 && SEEN(1, 1) == 0)
BODY(mp_dmb, 0, st(X, 1); dmb(); st(Y, 1);)
BODY(mp_dmb, 1, R(0) = ld(Y); dmb(); R(1) = ld(X);)
BODY(mp_st_ld, 0, st(X, 1); dmb_st(); st(Y, 1);)
BODY(mp_st_ld, 1, R(0) = ld(Y); dmb_ld(); R(1) = ld(X);)
BODY(mp_ra, 0, st(X, 1); stlr(Y, 1);)
BODY(mp_ra, 1, R(0) = ldar(Y); R(1) = ld(X);)
BODY(mp_rq, 1, R(0) = ldapr(Y); R(1) = ld(X);)
BODY(mp_addr, 1, R(0) = ld(Y); R(1) = ld(dep(X, R(0)));)
BODY(mp_ex, 0, st(X, 1); stlxr(Y, 1);)
BODY(mp_ex, 1, R(0) = ldaxr(Y); R(1) = ld(X);)
BODY(mp_po, 0, st(X, 1); st(Y, 1);)
BODY(mp_po, 1, R(0) = ld(Y); R(1) = ld(X);)

/* store buffering: one of the two sees the other's store */
#define SB_BAD (SEEN(0, 0) == 0 && SEEN(1, 0) == 0)
BODY(sb_dmb, 0, st(X, 1); dmb(); R(0) = ld(Y);)
BODY(sb_dmb, 1, st(Y, 1); dmb(); R(0) = ld(X);)
BODY(sb_ra, 0, stlr(X, 1); R(0) = ldar(Y);)
BODY(sb_ra, 1, stlr(Y, 1); R(0) = ldar(X);)
BODY(sb_ex, 0, stlxr(X, 1); R(0) = ldar(Y);)
BODY(sb_ex, 1, stlxr(Y, 1); R(0) = ldar(X);)
BODY(sb_po, 0, st(X, 1); R(0) = ld(Y);)
BODY(sb_po, 1, st(Y, 1); R(0) = ld(X);)
BODY(sb_rq, 0, stlr(X, 1); R(0) = ldapr(Y);)
BODY(sb_rq, 1, stlr(Y, 1); R(0) = ldapr(X);)

/* load buffering: not both see what the other stores afterwards */
#define LB_BAD (SEEN(0, 0) == 1 && SEEN(1, 0) == 1)
BODY(lb_dmb, 0, R(0) = ld(X); dmb(); st(Y, 1);)
BODY(lb_dmb, 1, R(0) = ld(Y); dmb(); st(X, 1);)
BODY(lb_ra, 0, R(0) = ldar(X); stlr(Y, 1);)
BODY(lb_ra, 1, R(0) = ldar(Y); stlr(X, 1);)
BODY(lb_data, 0, R(0) = ld(X); st(dep(Y, R(0)), 1);)
BODY(lb_data, 1, R(0) = ld(Y); st(dep(X, R(0)), 1);)
BODY(lb_po, 0, R(0) = ld(X); st(Y, 1);)
BODY(lb_po, 1, R(0) = ld(Y); st(X, 1);)

/* two writers, two readers: all agree on the order of the stores */
#define IRIW_BAD (SEEN(2, 0) == 1 && SEEN(2, 1) == 0 && \
		  SEEN(3, 0) == 1 && SEEN(3, 1) == 0)
BODY(iriw, 0, st(X, 1);)
BODY(iriw, 1, st(Y, 1);)
BODY(iriw_rel, 0, stlr(X, 1);)
BODY(iriw_rel, 1, stlr(Y, 1);)
BODY(iriw_dmb, 2, R(0) = ld(X); dmb(); R(1) = ld(Y);)
BODY(iriw_dmb, 3, R(0) = ld(Y); dmb(); R(1) = ld(X);)
BODY(iriw_ra, 2, R(0) = ldar(X); R(1) = ldar(Y);)
BODY(iriw_ra, 3, R(0) = ldar(Y); R(1) = ldar(X);)

/* write to read causality, over three CPUs */
#define WRC_BAD (SEEN(1, 0) == 1 && SEEN(2, 0) == 1 && SEEN(2, 1) == 0)
BODY(wrc, 0, st(X, 1);)
BODY(wrc, 1, R(0) = ld(X); dmb(); st(Y, R(0));)
BODY(wrc, 2, R(0) = ld(Y); dmb(); R(1) = ld(X);)

/* R, S and 2+2W: what a store's place in the order means; CPU 0's last look
 * is in cell.v[0] */
#define R_BAD (*Y == 2 && SEEN(1, 0) == 0)
BODY(r_dmb, 0, st(X, 1); dmb(); st(Y, 1);)
BODY(r_dmb, 1, st(Y, 2); dmb(); R(0) = ld(X);)
#define S_BAD (*X == 2 && SEEN(1, 0) == 1)
BODY(s_ra, 0, st(X, 2); stlr(Y, 1);)
BODY(s_ra, 1, R(0) = ldar(Y); st(X, 1);)
#define W22_BAD (*X == 1 && *Y == 1)
BODY(w22, 0, st(X, 1); dmb_st(); st(Y, 2);)
BODY(w22, 1, st(Y, 1); dmb_st(); st(X, 2);)

/* coherence: reads of one location never go back */
#define CO_BAD (SEEN(1, 0) > SEEN(1, 1))
BODY(corr, 0, for (uint64_t k = 1; k < 8; k++) st(X, k);)
BODY(corr, 1, R(0) = ld(X); R(1) = ld(X);)

/* Tearing. Both halves of what is stored are equal. */
#define TORN (SEEN(1, 0) != SEEN(1, 1))
BODY(tear_pair, 0, for (uint64_t k = 1; k < 40; k++)
	ASM("stp %0, %0, [%1]" : : "r"(k), "r"(X) : "memory");)
BODY(tear_pair, 1, uint64_t a; uint64_t b; int n = 0;
	do {
		ASM("ldp %0, %1, [%2]" : "=&r"(a), "=&r"(b) : "r"(X)
		    : "memory");
	} while (a == b && ++n < 40);
	R(0) = a; R(1) = b;)
BODY(tear_q, 0, for (uint64_t k = 1; k < 40; k++)
	ASM(".arch armv8-a+fp\n\tdup v0.2d, %0\n\tstr q0, [%1]"
	    : : "r"(k), "r"(X) : "memory");)
BODY(tear_q, 1, uint64_t a; uint64_t b; int n = 0;
	do {
		ASM(".arch armv8-a+fp\n\tldr q1, [%2]\n\tfmov %0, d1\n\t"
		    "mov %1, v1.d[1]" : "=&r"(a), "=&r"(b) : "r"(X)
		    : "memory");
	} while (a == b && ++n < 40);
	R(0) = a; R(1) = b;)
/* W registers, at an odd place of the 16 bytes */
BODY(tear_w, 0, for (uint64_t k = 1; k < 40; k++)
	ASM("stp %w0, %w0, [%1, #4]" : : "r"(k), "r"(X) : "memory");)
BODY(tear_w, 1, uint64_t a; uint64_t b; int n = 0;
	do {
		ASM("ldp %w0, %w1, [%2, #4]" : "=&r"(a), "=&r"(b) : "r"(X)
		    : "memory");
	} while (a == b && ++n < 40);
	R(0) = a; R(1) = b;)
/* eight bytes across the middle of the 16 */
BODY(tear_x, 0, for (uint64_t k = 1; k < 40; k++)
	ASM("str %0, [%1]" : : "r"(k | k << 32), "r"((uint64_t)X + 5)
	    : "memory");)
BODY(tear_x, 1, uint64_t a; int n = 0;
	do {
		ASM("ldr %0, [%1]" : "=&r"(a) : "r"((uint64_t)X + 5)
		    : "memory");
	} while ((uint32_t)a == a >> 32 && ++n < 40);
	R(0) = (uint32_t)a; R(1) = a >> 32;)
/* an exclusive pair that succeeds has read both halves together */
BODY(tear_ex, 0, uint64_t a; uint64_t b; uint32_t fail;
	for (uint64_t k = 1; k < 10; k++)
		do {
			ASM("ldxp %0, %1, [%4]\n\tstxp %w2, %3, %3, [%4]"
			    : "=&r"(a), "=&r"(b), "=&r"(fail)
			    : "r"(k), "r"(X) : "memory");
		} while (fail);)
BODY(tear_ex, 1, uint64_t a; uint64_t b; uint32_t fail; int n = 0;
	do {
		do {
			ASM("ldxp %0, %1, [%3]\n\tstxp %w2, %0, %1, [%3]"
			    : "=&r"(a), "=&r"(b), "=&r"(fail)
			    : "r"(X) : "memory");
		} while (fail);
	} while (a == b && ++n < 10);
	R(0) = a; R(1) = b;)

typedef void body_fn(unsigned cpu, unsigned i);
enum need { ANY, RCPC, LSE2 };
static const struct test {
	const char *name;
	body_fn *body[MAX_CPUS];
	enum need need;
	int forbid;                     /* 0: only counted */
} tests[] = {
	{ "MP+dmb", { mp_dmb_0, mp_dmb_1 }, ANY, 1 },
	{ "MP+dmb.st+dmb.ld", { mp_st_ld_0, mp_st_ld_1 }, ANY, 1 },
	{ "MP+rel+acq", { mp_ra_0, mp_ra_1 }, ANY, 1 },
	{ "MP+rel+acqpc", { mp_ra_0, mp_rq_1 }, RCPC, 1 },
	{ "MP+dmb+addr", { mp_dmb_0, mp_addr_1 }, ANY, 1 },
	{ "MP+stlxr+ldaxr", { mp_ex_0, mp_ex_1 }, ANY, 1 },
	{ "MP", { mp_po_0, mp_po_1 }, ANY, 0 },
	{ "SB+dmb", { sb_dmb_0, sb_dmb_1 }, ANY, 1 },
	{ "SB+rel+acq", { sb_ra_0, sb_ra_1 }, ANY, 1 },
	{ "SB+stlxr+acq", { sb_ex_0, sb_ex_1 }, ANY, 1 },
	{ "SB+rel+acqpc", { sb_rq_0, sb_rq_1 }, RCPC, 0 },
	{ "SB", { sb_po_0, sb_po_1 }, ANY, 0 },
	{ "LB+dmb", { lb_dmb_0, lb_dmb_1 }, ANY, 1 },
	{ "LB+acq+rel", { lb_ra_0, lb_ra_1 }, ANY, 1 },
	{ "LB+addr", { lb_data_0, lb_data_1 }, ANY, 1 },
	{ "LB", { lb_po_0, lb_po_1 }, ANY, 0 },
	{ "IRIW+dmb", { iriw_0, iriw_1, iriw_dmb_2, iriw_dmb_3 }, ANY, 1 },
	{ "IRIW+rel+acq", { iriw_rel_0, iriw_rel_1, iriw_ra_2, iriw_ra_3 },
	  ANY, 1 },
	{ "WRC+dmb", { wrc_0, wrc_1, wrc_2 }, ANY, 1 },
	{ "R+dmb", { r_dmb_0, r_dmb_1 }, ANY, 1 },
	{ "S+rel+acq", { s_ra_0, s_ra_1 }, ANY, 1 },
	{ "2+2W+dmb", { w22_0, w22_1 }, ANY, 1 },
	{ "CoRR", { corr_0, corr_1 }, ANY, 1 },
	{ "tear STP/LDP X", { tear_pair_0, tear_pair_1 }, LSE2, 1 },
	{ "tear STP/LDP W", { tear_w_0, tear_w_1 }, LSE2, 1 },
	{ "tear STR/LDR Q", { tear_q_0, tear_q_1 }, LSE2, 1 },
	{ "tear STR/LDR X unaligned", { tear_x_0, tear_x_1 }, LSE2, 1 },
	{ "tear LDXP/STXP", { tear_ex_0, tear_ex_1 }, ANY, 1 },
};
enum { TESTS = sizeof(tests) / sizeof(tests[0]) };

static bool bad(unsigned t, unsigned i)
{
	const char *n = tests[t].name;

	switch (n[0]) {
	case 'M': return MP_BAD;
	case 'L': return LB_BAD;
	case 'I': return IRIW_BAD;
	case 'W': return WRC_BAD;
	case 'R': return R_BAD;
	case '2': return W22_BAD;
	case 'C': return CO_BAD;
	case 't': return TORN;
	default: return n[1] == 'B' ? SB_BAD : S_BAD;
	}
}

/* ---- running them ------------------------------------------------------------ */

static volatile uint32_t start, finished;
static unsigned cpus, rounds = ROUNDS;

/* All meet here; `turn` counts up from 1. */
static void meet(volatile uint32_t *at, uint32_t turn, unsigned n)
{
	if (__atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST) == turn * n)
		ASM("sev");
	/* spins first: they are to leave side by side */
	for (unsigned k = 0; __atomic_load_n(at, __ATOMIC_ACQUIRE) < turn * n;
	     k++)
		if (k > 3000)
			ASM("wfe");
}

static bool possible(unsigned t)
{
	unsigned n = 0;

	while (n < MAX_CPUS && tests[t].body[n])
		n++;
	if (n > cpus)
		return false;
	if (tests[t].need == RCPC)
		return READ(id_aa64isar1_el1) >> 20 & 15;
	if (tests[t].need == LSE2)
		return READ(s3_0_c0_c7_2) >> 32 & 15;   /* ID_AA64MMFR2.AT */
	return true;
}

static void run_all(unsigned cpu)
{
	uint32_t turn = 0;

	for (unsigned t = 0; t < TESTS; t++) {
		unsigned hits = 0;

		if (!possible(t))
			continue;
		for (unsigned r = 0; r < rounds; r++) {
			if (cpu == 0)
				for (unsigned i = 0; i < N; i++) {
					x[i].v[0] = x[i].v[1] = 0;
					y[i].v[0] = y[i].v[1] = 0;
				}
			meet(&start, ++turn, cpus);
			if (cpu < MAX_CPUS && tests[t].body[cpu])
				for (unsigned k = 0; k < N; k++)
					tests[t].body[cpu](cpu, (k + r * 5) % N);
			meet(&finished, turn, cpus);
			for (unsigned i = 0; i < N && cpu == 0; i++)
				hits += bad(t, i);
		}
		if (cpu)
			continue;
		if (tests[t].forbid) {
			if (hits)
				print("%s: %u of %u\n", tests[t].name,
				      (uint64_t)hits, (uint64_t)(N * rounds));
			CHECK_EQ(hits, 0);
		} else {
			print("%s, allowed: %u of %u\n", tests[t].name,
			      (uint64_t)hits, (uint64_t)(N * rounds));
		}
	}
}

static void other(unsigned index)
{
	mmu_on();
	WRITE(cpacr_el1, 3 << 20);
	ISB();
	run_all(index);
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	cpus = cpu_count();
	if (cpus > MAX_CPUS)
		cpus = MAX_CPUS;
	if (cpus < 2)
		return;
	if (guest_told(dtb, "tcg-host"))
		rounds = FEW_ROUNDS;
	if (guest_told(dtb, "slow-host"))
		rounds = TSAN_ROUNDS;
	for (unsigned i = 1; i < cpus; i++)
		CHECK(cpu_start(i, other));
	run_all(0);
}
