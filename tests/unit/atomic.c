/* Exclusives, compare-and-swap, LSE, ordered accesses. What instructions
 * compute on the fast path is tests/diff/mem_host.c's. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../src/interp/atomic.h"
#include "memtest.h"

#define VA 0x7000000000ull
#define END (VA + 0x2000)
#define DEV 0x9000000000ull
static uint8_t ram[0x2000] __attribute__((aligned(16)));
static uint8_t dev[0x1000] __attribute__((aligned(16)));
#undef X
#define X (mt_cpu.x)

static int setup(void **state)
{
	(void)state;
	mt_reset();
	mt.fill = true;
	for (unsigned i = 0; i < sizeof(ram); i++)
		ram[i] = (uint8_t)(i * 37 + (i >> 8) + 1);
	memset(dev, 0x11, sizeof(dev));
	mt_map(VA, 0x1000, ram, true, false);
	mt_map(VA + 0x1000, 0x1000, ram + 0x1000, false, false);
	mt_map(DEV, 0x1000, dev, true, true);
	for (int i = 0; i < 31; i++)
		X[i] = 0xdead0000beef0000 + (uint64_t)i;
	X[2] = VA + 0x40;
	return 0;
}

static uint64_t ram64(unsigned off)
{
	uint64_t v;

	memcpy(&v, ram + off, 8);
	return v;
}
static void put64(unsigned off, uint64_t v)
{
	memcpy(ram + off, &v, 8);
}

#define assert_done(w) assert_int_equal(mt_run(w), MT_DONE)
#define assert_undef(w) assert_int_equal(mt_run(w), MT_UNDEF)
#define assert_fault(w, fsc, addr) do { \
	assert_int_equal(mt_run(w), MT_RAISED); \
	assert_int_equal(mt_cpu.exc.esr, ESR(0x25, fsc)); \
	assert_int_equal(mt_cpu.exc.far, addr); \
} while (0)

enum {
	LDXR_X1_X2 = 0xc85f7c41,
	LDAXR_W1_X2 = 0x885ffc41,
	STXR_W0_X3_X2 = 0xc8007c43,
	STLXR_W0_W3_X2 = 0x8800fc43,
	LDXP_X1_X3_X2 = 0xc87f0c41,
	LDXP_W1_W3_X2 = 0x887f0c41,
	STXP_W0_X4_X5_X2 = 0xc8201444,
	STXP_W0_W4_W5_X2 = 0x88201444,
	CAS_X0_X1_X2 = 0xc8a07c41,
	CAS_X0_X1_SP = 0xc8a07fe1,
	CASP_X0_X4_X2 = 0x48207c44,
	CASP_W0_W4_X2 = 0x08207c44,
	CASP_X30_X4_X2 = 0x483e7c44,
	LDADD_X0_X1_X2 = 0xf8200041,
	LDADD_W0_W1_X2 = 0xb8200041,
	LDAR_X1_X2 = 0xc8dffc41,
	STLR_X1_X2 = 0xc89ffc41,
};

/* Runs f with a full TLB, as one CPU of several and as the only one, then with
 * one that stays empty. */
static void both(void (*f)(void))
{
	f();
	setup(NULL);
	mt.model.alone = true;
	f();
	setup(NULL);
	mt.fill = false;
	f();
	setup(NULL);
	mt.ctx = CTX_ALIGN;
	f();
}

static void exclusive(void)
{
	uint64_t was = ram64(0x40);

	X[3] = 0x1111222233334444;
	for (int i = 0; i < 2; i++) {           /* second time: TLB full */
		put64(0x40, was);
		assert_done(STXR_W0_X3_X2);     /* no load before */
		assert_int_equal(X[0], 1);
		assert_int_equal(ram64(0x40), was);
		assert_done(LDXR_X1_X2);
		assert_int_equal(X[1], was);
		assert_done(STXR_W0_X3_X2);
		assert_int_equal(X[0], 0);
		assert_int_equal(ram64(0x40), X[3]);
		assert_done(STXR_W0_X3_X2);     /* only once */
		assert_int_equal(X[0], 1);
		/* someone else writes */
		assert_done(LDXR_X1_X2);
		assert_false(atomic_excl_lost(&mt_cpu) && mt.fill && i);
		put64(0x40, 5);
		assert_true(atomic_excl_lost(&mt_cpu));
		assert_done(STXR_W0_X3_X2);
		assert_int_equal(X[0], 1);
		assert_int_equal(ram64(0x40), 5);
		/* CLREX, ERET */
		assert_done(LDXR_X1_X2);
		mt_cpu.excl_valid = false;
		assert_true(atomic_excl_lost(&mt_cpu));
		assert_done(STXR_W0_X3_X2);
		assert_int_equal(X[0], 1);
		/* another address, another size */
		assert_done(LDXR_X1_X2);
		X[2] += 8;
		assert_done(STXR_W0_X3_X2);
		assert_int_equal(X[0], 1);
		X[2] -= 8;
		assert_done(STXR_W0_X3_X2);
		assert_int_equal(X[0], 1);
		assert_done(LDXR_X1_X2);
		assert_done(STLXR_W0_W3_X2);
		assert_int_equal(X[0], 1);
		/* 32 bits */
		put64(0x40, 0xaaaaaaaabbbbbbbb);
		assert_done(LDAXR_W1_X2);
		assert_int_equal(X[1], 0xbbbbbbbb);
		assert_done(STLXR_W0_W3_X2);
		assert_int_equal(X[0], 0);
		assert_int_equal(ram64(0x40), 0xaaaaaaaa33334444);
	}
}
static void test_exclusive(void **state)
{
	(void)state;
	both(exclusive);
}

static void exclusive_faults(void)
{
	X[2] = VA + 0x41;
	assert_fault(LDXR_X1_X2, MT_ALIGN, VA + 0x41);
	assert_fault(STXR_W0_X3_X2, MT_ALIGN | MT_WNR, VA + 0x41);
	X[2] = END;
	assert_fault(LDXR_X1_X2, MT_TRANS, END);
	/* even without the monitor (spec/cpu.md 3.6) */
	assert_fault(STXR_W0_X3_X2, MT_TRANS | MT_WNR, END);
	X[2] = VA + 0x1000;
	assert_done(LDXR_X1_X2);
	assert_fault(STXR_W0_X3_X2, MT_PERM | MT_WNR, VA + 0x1000);
	X[2] = VA + 8;
	assert_fault(LDXP_X1_X3_X2, MT_ALIGN, VA + 8);
	assert_done(LDXP_W1_W3_X2);
	/* inside 16 bytes with LSE2 */
	mt.lse2 = true;
	X[2] = VA + 0x44;
	assert_done(LDXR_X1_X2);
	assert_int_equal(X[1], ram64(0x44));
	X[3] = ~0ull;
	assert_done(STXR_W0_X3_X2);
	assert_int_equal(X[0], 0);
	assert_int_equal(ram64(0x44), ~0ull);
	assert_int_equal(ram[0x43], (uint8_t)(0x43 * 37 + 1));
	assert_int_equal(ram[0x4c], (uint8_t)(0x4c * 37 + 1));
	X[2] = VA + 0x4c;
	assert_fault(LDXR_X1_X2, MT_ALIGN, VA + 0x4c);
}
static void test_exclusive_faults(void **state)
{
	(void)state;
	both(exclusive_faults);
}

static void pairs(void)
{
	for (int i = 0; i < 2; i++) {
		X[4] = 0x4444444444444444 + (uint64_t)i;
		X[5] = 0x5555555555555555;
		assert_done(LDXP_X1_X3_X2);
		assert_int_equal(X[1], ram64(0x40));
		assert_int_equal(X[3], ram64(0x48));
		assert_done(STXP_W0_X4_X5_X2);
		assert_int_equal(X[0], 0);
		assert_int_equal(ram64(0x40), X[4]);
		assert_int_equal(ram64(0x48), X[5]);
		assert_done(LDXP_X1_X3_X2);
		put64(0x48, 1);                 /* only the upper half */
		assert_done(STXP_W0_X4_X5_X2);
		assert_int_equal(X[0], 1);
		assert_int_equal(ram64(0x48), 1);
		assert_done(LDXP_W1_W3_X2);
		assert_int_equal(X[1], (uint32_t)X[4]);
		assert_int_equal(X[3], X[4] >> 32);
		assert_done(STXP_W0_W4_W5_X2);
		assert_int_equal(X[0], 0);
		assert_int_equal(ram64(0x40), X[5] << 32 | (uint32_t)X[4]);
	}
}
static void test_pairs(void **state)
{
	(void)state;
	both(pairs);
}

static void cas(void)
{
	for (int i = 0; i < 2; i++) {
		put64(0x40, 100);
		X[0] = 100;
		X[1] = 200;
		assert_done(CAS_X0_X1_X2);
		assert_int_equal(X[0], 100);
		assert_int_equal(ram64(0x40), 200);
		assert_done(CAS_X0_X1_X2);              /* not equal */
		assert_int_equal(X[0], 200);
		assert_int_equal(ram64(0x40), 200);
		X[0] = 0xffffffffffffff00 | 200;
		X[1] = 0xabcd;
		assert_done(0x08a07c41);                /* casb: low byte */
		assert_int_equal(X[0], 200);
		assert_int_equal(ram64(0x40), 0xcd);
		assert_done(0xc8bf7c41);                /* cas xzr: reads 0 */
		assert_int_equal(mt_cpu.x[REG_ZERO], 0);
		mt_cpu.x[REG_SP] = VA + 0x40;
		X[0] = 0xcd;
		assert_done(CAS_X0_X1_SP);
		assert_int_equal(ram64(0x40), 0xabcd);
		/* pairs: both must be equal; low register, low address */
		put64(0x40, 1);
		put64(0x48, 2);
		X[0] = 1;
		X[1] = 3;
		X[4] = 10;
		X[5] = 20;
		assert_done(CASP_X0_X4_X2);
		assert_int_equal(X[0], 1);
		assert_int_equal(X[1], 2);
		assert_int_equal(ram64(0x40), 1);
		assert_done(CASP_X0_X4_X2);
		assert_int_equal(ram64(0x40), 10);
		assert_int_equal(ram64(0x48), 20);
		put64(0x48, 0);
		X[30] = 10;
		assert_done(CASP_X30_X4_X2);            /* x30, xzr */
		assert_int_equal(ram64(0x48), 20);
		assert_int_equal(X[30], 10);
		assert_int_equal(mt_cpu.x[REG_ZERO], 0);
		put64(0x40, 0x200000001);
		X[0] = 0xff00000001;
		X[1] = 2;
		assert_done(CASP_W0_W4_X2);
		assert_int_equal(ram64(0x40), 20ull << 32 | 10);
		assert_int_equal(X[0], 1);
		assert_int_equal(X[1], 2);
	}
	X[2] = VA + 0x48;
	assert_fault(CASP_X0_X4_X2, MT_ALIGN | MT_WNR, VA + 0x48);
	X[2] = VA + 0x1000;
	assert_fault(CAS_X0_X1_X2, MT_PERM | MT_WNR, VA + 0x1000);
	assert_undef(0x48217c44);               /* casp x1 */
	assert_undef(0x48207c45);               /* casp x0, x5 */
	assert_undef(0x48207844);               /* Rt2 */
	assert_undef(0xc8a07841);
	mt.model.has[FEAT_LSE] = false;
	assert_undef(CAS_X0_X1_X2);
	assert_undef(CASP_X0_X4_X2);
	assert_undef(LDADD_X0_X1_X2);
}
static void test_cas(void **state)
{
	(void)state;
	both(cas);
}

static uint64_t model(unsigned op, unsigned size, uint64_t old, uint64_t v)
{
	unsigned sh = 64 - 8 * size;
	int64_t so = (int64_t)(old << sh), sv = (int64_t)(v << sh);
	uint64_t uo = old << sh, uv = v << sh;

	switch (op) {
	case 0: return old + v;
	case 1: return old & ~v;
	case 2: return old ^ v;
	case 3: return old | v;
	case 4: return so > sv ? old : v;
	case 5: return so < sv ? old : v;
	case 6: return uo > uv ? old : v;
	case 7: return uo < uv ? old : v;
	default: return v;
	}
}

/* All operations, sizes, orders; destination XZR too. */
static void lse(void)
{
	static const uint64_t val[] = {
		0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffffffffff,
		0x8000000000000000, ~0ull, 0x0123456789abcdef,
	};
	enum { N = sizeof(val) / sizeof(val[0]) };

	for (unsigned k = 0; k < 9 * 4 * 4 * 2; k++) {
		unsigned op = k % 9, log = k / 9 % 4, ord = k / 36 % 4;
		bool drop = k / 144;
		unsigned size = 1u << log;
		uint64_t mask = ~0ull >> (64 - 8 * size);
		uint32_t w = log << 30 | 0x38200040 | ord << 22 | op << 12 |
			     (drop ? 31 : 1);

		for (unsigned i = 0; i < N * N; i++) {
			uint64_t old = val[i / N], v = val[i % N];

			put64(0x40, old);
			X[0] = v;
			X[1] = 77;
			assert_done(w);
			if (!drop)
				assert_int_equal(X[1], old & mask);
			assert_int_equal(mt_cpu.x[REG_ZERO], 0);
			assert_int_equal(ram64(0x40), (old & ~mask) |
				(model(op, size, old, v) & mask));
		}
	}
	mt.lse2 = true;
	for (unsigned off = 1; off < 16; off++) {
		uint64_t old = ram64(0x40 + off);

		X[2] = VA + 0x40 + off;
		if (off > 8) {
			assert_fault(LDADD_X0_X1_X2, MT_ALIGN | MT_WNR, X[2]);
			continue;
		}
		X[0] = 3;
		assert_done(LDADD_X0_X1_X2);
		assert_int_equal(X[1], old);
		assert_int_equal(ram64(0x40 + off), old + 3);
	}
	X[2] = VA + 0x1000;
	assert_fault(LDADD_X0_X1_X2, MT_PERM | MT_WNR, VA + 0x1000);
	assert_undef(0xf8209041);               /* o3 opc 1001 */
	assert_undef(0xf820f041);
}
static void test_lse(void **state)
{
	(void)state;
	both(lse);
}

static void test_device(void **state)
{
	uint64_t v;

	(void)state;
	X[2] = DEV;
	X[0] = 1;
	assert_done(LDADD_X0_X1_X2);
	assert_int_equal(X[1], 0x1111111111111111);
	memcpy(&v, dev, 8);
	assert_int_equal(v, 0x1111111111111112);
	assert_done(LDXR_X1_X2);
	X[3] = 9;
	assert_done(STXR_W0_X3_X2);
	assert_int_equal(X[0], 0);
	memcpy(&v, dev, 8);
	assert_int_equal(v, 9);
}

static void ordered(void)
{
	for (int i = 0; i < 2; i++) {
		put64(0x40, 0x8182838485868788);
		assert_done(LDAR_X1_X2);
		assert_int_equal(X[1], 0x8182838485868788);
		X[1] = 0x1112131415161718;
		assert_done(STLR_X1_X2);
		assert_int_equal(ram64(0x40), X[1]);
		assert_done(0x089ffc5f);                /* stlrb wzr */
		assert_int_equal(ram64(0x40), 0x1112131415161700);
		put64(0x40, 0x8182838485868788);
		assert_done(0x38bfc041);                /* ldaprb w1 */
		assert_int_equal(X[1], 0x88);
		X[2] += 16;
		assert_done(0x195f0041);                /* ldapurb w1, #-16 */
		assert_int_equal(X[1], 0x88);
		assert_done(0x199f0041);                /* ldapursb x1 */
		assert_int_equal(X[1], (uint64_t)(int8_t)0x88);
		assert_done(0x59df0041);                /* ldapursh w1 */
		assert_int_equal(X[1], (uint32_t)(int16_t)0x8788);
		assert_done(0x999f0041);                /* ldapursw x1 */
		assert_int_equal(X[1], (uint64_t)(int32_t)0x85868788);
		X[1] = 0xaa;
		assert_done(0x191f0041);                /* stlurb */
		assert_int_equal(ram[0x40], 0xaa);
		X[2] -= 16;
	}
	X[2] = VA + 0x41;
	assert_fault(LDAR_X1_X2, MT_ALIGN, VA + 0x41);
	assert_fault(STLR_X1_X2, MT_ALIGN | MT_WNR, VA + 0x41);
	mt.lse2 = true;
	assert_done(LDAR_X1_X2);
	assert_int_equal(mt.last_flags, MEM_ORDERED);
	assert_done(STLR_X1_X2);
	assert_undef(0xd99f0041);               /* size 11 opc 10 */
	assert_undef(0x99df0041);               /* size 10 opc 11 */
	mt.model.has[FEAT_LRCPC2] = false;
	assert_undef(0x195f0041);
	mt.model.has[FEAT_LRCPC] = false;
	assert_undef(0x38bfc041);
	mt.model.has[FEAT_LOR] = false;
	assert_undef(0xc8df7c41);               /* ldlar */
	assert_undef(0xc89f7c41);
}
static void test_ordered(void **state)
{
	(void)state;
	both(ordered);
}

/* Fast handlers, slow ones (16-byte compare-exchange) and LDXR/STXR loops of
 * several threads on neighbouring words: no update is lost. */
enum { ROUNDS = 20000 };
/* TSan's runtime has a lock for 16 bytes, which shorter accesses do not take: as
 * silicon never does, they miss one another. There all go the slow way. */
#if defined(__SANITIZE_THREAD__)
#define ALL_SLOW 1
#elif defined(__has_feature)
#define ALL_SLOW __has_feature(thread_sanitizer)
#else
#define ALL_SLOW 0
#endif

static struct cpu *new_cpu(bool tlb)
{
	struct cpu *c = aligned_alloc(64, (sizeof(*c) + 63) / 64 * 64);

	memcpy(c, &mt_cpu, sizeof(*c));
	c->tlb = &c->views[TLB_EL1];
	if (tlb)
		c->tlb->r[VA >> 12 & 255] = c->tlb->w[VA >> 12 & 255] =
			(struct tlbe){ VA, (uintptr_t)ram };
	return c;
}

static void run_on(struct cpu *c, const struct rec *insn)
{
	struct rec r[2] __attribute__((aligned(16))) = { *insn };

	r[1].h = op_mt_end;
	mt_exec(c, r);
}

static void *adder(void *slow)
{
	struct cpu *c = new_cpu(!slow);
	struct rec add, addx, ldxp, stxp;

	mt_decode(&add, LDADD_W0_W1_X2);
	mt_decode(&addx, LDADD_X0_X1_X2);
	mt_decode(&ldxp, LDXP_X1_X3_X2);
	mt_decode(&stxp, STXP_W0_X4_X5_X2);
	for (int i = 0; i < ROUNDS; i++) {
		c->x[0] = 1;
		run_on(c, &add);                        /* 0x40: += 1 */
		c->x[2] += 8;
		run_on(c, &addx);                       /* 0x48: += 1 */
		c->x[2] -= 8;
		do {
			run_on(c, &ldxp);               /* both: += 2 */
			c->x[4] = c->x[1] + 2;
			c->x[5] = c->x[3] + 2;
			run_on(c, &stxp);
		} while (c->x[0]);
	}
	free(c);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t t[4];

	(void)state;
	mt.fill = false;
	put64(0x40, 0);
	put64(0x48, 0);
	for (intptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, adder,
			       (void *)((i & 1) | ALL_SLOW));
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(ram64(0x40), 4 * ROUNDS * 3);
	assert_int_equal(ram64(0x48), 4 * ROUNDS * 3);
}

/* Store buffering: STLR; LDAR on two CPUs must not both read the old value. */
struct sb {
	struct cpu *c;
	struct rec stlr, ldar;
	unsigned mine, other;
	uint64_t got;
	pthread_barrier_t *bar;
};
enum { SB_ROUNDS = 3000 };

static void *sb_thread(void *arg)
{
	struct sb *s = arg;

	for (int i = 0; i < SB_ROUNDS; i++) {
		pthread_barrier_wait(s->bar);
		s->c->x[1] = 1;
		s->c->x[2] = VA + s->mine;
		run_on(s->c, &s->stlr);
		s->c->x[2] = VA + s->other;
		run_on(s->c, &s->ldar);
		s->got = s->c->x[1];
		pthread_barrier_wait(s->bar);
		pthread_barrier_wait(s->bar);
	}
	return NULL;
}

static void test_order(void **state)
{
	pthread_barrier_t bar;
	pthread_t t[2];
	struct sb s[2];

	(void)state;
	pthread_barrier_init(&bar, NULL, 3);
	for (int i = 0; i < 2; i++) {
		s[i] = (struct sb){ .c = new_cpu(true), .bar = &bar,
				    .mine = i ? 0x100 : 0x200,
				    .other = i ? 0x200 : 0x100 };
		mt_decode(&s[i].stlr, STLR_X1_X2);
		mt_decode(&s[i].ldar, LDAR_X1_X2);
		pthread_create(&t[i], NULL, sb_thread, &s[i]);
	}
	unsigned both_old = 0;

	for (int i = 0; i < SB_ROUNDS; i++) {
		put64(0x100, 0);
		put64(0x200, 0);
		pthread_barrier_wait(&bar);
		pthread_barrier_wait(&bar);
		both_old += !s[0].got && !s[1].got;
		pthread_barrier_wait(&bar);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		free(s[i].c);
	}
	pthread_barrier_destroy(&bar);
	assert_int_equal(both_old, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_exclusive, setup),
		cmocka_unit_test_setup(test_exclusive_faults, setup),
		cmocka_unit_test_setup(test_pairs, setup),
		cmocka_unit_test_setup(test_cas, setup),
		cmocka_unit_test_setup(test_lse, setup),
		cmocka_unit_test_setup(test_device, setup),
		cmocka_unit_test_setup(test_ordered, setup),
		cmocka_unit_test_setup(test_threads, setup),
		cmocka_unit_test_setup(test_order, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
