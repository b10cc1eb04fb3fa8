/* The TLBs: how much a TLBI drops, ASIDs, capacity, and TLBI between CPUs. */
#include "mmu_board.h"

/* Is the page still remembered, by the inline TLB or by the second level, though
 * the tables say otherwise now? Loads prefer a walk to the second level. */
static bool remembered(uint64_t va)
{
	struct mmu_result r;
	uint64_t v;

	return mem_load(M.c, va, 8, 0, &v) ||
	       mmu_translate(M.c, va, ACC_READ, 0, &r);
}

/* What is at va, as far as the second level knows. */
static uint64_t second(uint64_t va)
{
	struct mmu_result r;

	assert_true(mmu_translate(M.c, va, ACC_READ, 0, &r));
	return *(uint64_t *)(void *)r.host;
}

static void test_tlbi(void **state)
{
	static const struct {
		enum tlbi_kind kind;
		uint16_t asid;
		uint64_t va, end;
		bool user, global;      /* remembered afterwards */
	} t[] = {
		{ TLBI_ALL, 0, 0, 0, false, false },
		{ TLBI_ASID, 7, 0, 0, false, true },
		{ TLBI_ASID, 8, 0, 0, true, true },
		{ TLBI_VA, 7, UVA, 0, false, true },
		{ TLBI_VA, 0x107, UVA, 0, false, true },  /* AS = 0: 8 bits */
		{ TLBI_VA, 7, UVA + 0xfff, 0, false, true },
		{ TLBI_VA, 7, UVA + 0x1000, 0, true, true },
		{ TLBI_VA, 8, UVA, 0, true, true },
		{ TLBI_VA, 8, KVA, 0, true, false },
		{ TLBI_VAA, 8, UVA, 0, false, true },
		{ TLBI_VAA, 0, KVA, 0, true, false },
		{ TLBI_RANGE, 7, UVA - 0x1000, UVA + 0x1000, false, true },
		{ TLBI_RANGE, 7, UVA + 0x1000, UVA + 0x3000, true, true },
		{ TLBI_RANGE, 8, UVA, UVA + 0x1000, true, true },
		{ TLBI_RANGE, 8, KVA, KVA + 0x1000, true, false },
		{ TLBI_RANGEA, 8, UVA, UVA + 0x1000, false, true },
		{ TLBI_RANGEA, 8, UVA - 0x800000, UVA + 0x800000, false, true },
		{ TLBI_RANGE, 8, UVA - 0x800000, UVA + 0x800000, true, true },
		{ TLBI_RANGEA, 0, KVA - 0x800000, 0, true, false },
	};

	mmu_on(0);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		/* with the inline TLB or the second level alone */
		for (int second = 0; second < 2; second++) {
			tlbi(TLBI_ALL, 0, 0, 0);
			set_asid(M.c, 7);
			uint64_t *u = map(UVA, P0, URW), du = *u;
			uint64_t *k = map(KVA, P1, RW), dk = *k;

			load(UVA, 8);
			load(KVA, 8);
			*u = *k = 0;
			/* over-invalidation of inline entries is legal, so
			 * their survival shows in the second level */
			if (second)
				mmu_flush_inline(M.c);
			tlbi(t[i].kind, t[i].asid, t[i].va, t[i].end);
			if (remembered(UVA) != t[i].user ||
			    remembered(KVA) != t[i].global)
				fail_msg("case %u", i);
			*u = du;
			*k = dk;
		}
	}
}

static void test_asids(void **state)
{
	struct cpu *c = M.c;
	uint64_t walks_before;

	mmu_on(0);
	map(KVA, P2, RW);
	*ram64(P0) = 100;
	*ram64(P1) = 101;
	set_asid(c, 1);
	map(UVA, P0, URW);
	assert_int_equal(load(UVA, 8), 100);
	load(KVA, 8);
	map(UVA, P1, URW);
	assert_int_equal(load(UVA, 8), 100);    /* the old one */
	set_asid(c, 2);
	/* the kernel's page is still in the inline TLB */
	uint64_t fills = c->n_fill;

	load(KVA, 8);
	assert_int_equal(c->n_fill, fills);
	assert_int_equal(load(UVA, 8), 101);
	set_asid(c, 1);
	walks_before = c->n_walk;
	assert_int_equal(second(UVA), 100);
	set_asid(c, 2);
	assert_int_equal(second(UVA), 101);
	assert_int_equal(c->n_walk, walks_before);
	/* AS = 0: ASID 0x101 is 1; A1: TTBR1's */
	set_asid(c, 0x101);
	assert_int_equal(second(UVA), 100);
	c->sr.tcr |= 1 << 22;
	mmu_regs_changed(c);
	assert_int_equal(second(UVA), 101);
	c->sr.ttbr[1] |= 5ull << 48;
	mmu_regs_changed(c);
	map(UVA, P0, URW);
	assert_int_equal(second(UVA), 100);
	set_asid(c, 3);
	map(UVA, P1, URW);
	assert_int_equal(second(UVA), 100);
}

static void test_asid16(void **state)
{
	mmu_on(TCR_AS16);
	*ram64(P0) = 100;
	*ram64(P1) = 101;
	set_asid(M.c, 1);
	map(UVA, P0, URW);
	assert_int_equal(load(UVA, 8), 100);
	set_asid(M.c, 0x101);
	map(UVA, P1, URW);
	assert_int_equal(load(UVA, 8), 101);
	set_asid(M.c, 1);
	assert_int_equal(second(UVA), 100);
	tlbi(TLBI_VA, 0x101, UVA, 0);
	*map(UVA, P1, URW) = 0;
	assert_true(remembered(UVA));
	tlbi(TLBI_VA, 1, UVA, 0);
	assert_false(remembered(UVA));
}

/* Any address in a block or a large page drops all its pieces. */
static void test_tlbi_large(void **state)
{
	static const struct { int g, level; } t[] = {
		{ 0, 1 }, { 0, 2 }, { 1, 2 }, { 1, 3 }, { 2, 2 }, { 2, 3 },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int g = t[i].g, l = t[i].level;
		uint64_t size = 1ull << level_shift[g][l];
		uint64_t va = 0x234000000000ull, *d;
		uint64_t at = FAKE_RAM & (size - 1);    /* RAM in the block */

		teardown(state);
		setup_model("generic");
		mmu_on(0);
		M.c->sr.tcr = (M.c->sr.tcr & ~(3ull << 14)) | tg_bits[0][g];
		mmu_regs_changed(M.c);
		d = map_at(g, 16, root[0], va, l, (FAKE_RAM & ~(size - 1)) |
			   URW | (l == 3 ? D_PAGE : D_BLOCK));
		for (unsigned far = 0; far < 2; far++) {
			uint64_t old = *d;

			load(va + at, 8);
			load(va + at + 0x3000 % size, 8);
			*d = 0;
			if (far)
				mmu_flush_inline(M.c);
			assert_true(remembered(va + at));
			tlbi(TLBI_VA, 0, va + size, 0);
			assert_true(remembered(va + at));
			tlbi(TLBI_VA, 0, va + size - 1, 0);
			assert_false(remembered(va + at));
			assert_false(remembered(va + at + 0x3000 % size));
			*d = old;
			load(va + at, 8);
			*d = 0;
			tlbi(TLBI_RANGE, 0, va + size - 0x1000, va + size);
			assert_false(remembered(va + at));
			*d = old;
		}
	}
}

/* Tables of level 3 are remembered: by ASID, by TTBR, until a TLBI that is not of
 * the last level alone. */
static void test_walk_cache(void **state)
{
	const struct tlbi last = { .kind = TLBI_VA, .asid = 7, .va = UVA,
				   .last = true };
	uint64_t *above, table, other;

	mmu_on(0);
	*ram64(P0) = 100;
	*ram64(P1) = 101;
	set_asid(M.c, 7);
	map(UVA, P0, URW);
	assert_int_equal(load(UVA, 8), 100);
	/* another table in its place, which maps P1 */
	table = root[0];
	for (int l = 0; l < 2; l++)
		table = *slot(0, 16, l, table, UVA) & ~0xfffull;
	above = slot(0, 16, 2, table, UVA);
	table = *above;
	other = *above = new_table() | D_TABLE;
	map(UVA, P1, URW);
	mmu_tlbi(M.c, &last, false);
	assert_int_equal(load(UVA, 8), 100);    /* the page is read anew */
	set_asid(M.c, 8);
	assert_int_equal(load(UVA, 8), 101);
	set_asid(M.c, 7);
	tlbi(TLBI_VA, 7, UVA, 0);
	assert_int_equal(load(UVA, 8), 101);
	/* any address will do, and a whole ASID; and TCR_EL1 */
	*above = table;
	tlbi(TLBI_VA, 7, UVA + 0x1000, 0);
	mmu_tlbi(M.c, &last, false);
	assert_int_equal(load(UVA, 8), 100);
	*above = other;
	tlbi(TLBI_ASID, 7, 0, 0);
	assert_int_equal(load(UVA, 8), 101);
	*above = table;
	M.c->sr.tcr ^= TCR_TBI0;
	mmu_regs_changed(M.c);
	assert_int_equal(load(UVA, 8), 100);
	/* another first table */
	uint64_t old = root[0];

	root[0] = new_table();
	map(UVA, P1, URW);
	set_asid(M.c, 7);
	mmu_tlbi(M.c, &last, false);
	assert_int_equal(load(UVA, 8), 101);
	root[0] = old;
	set_asid(M.c, 7);
	mmu_tlbi(M.c, &last, false);
	assert_int_equal(load(UVA, 8), 100);
	/* a table that holds an invalid descriptor is not read from the cache */
	*above = 0;
	tlbi(TLBI_ALL, 0, 0, 0);
	load_faults(UVA, 8, 0, DABT1(6), UVA);
}

/* Is the page of va filled from the walk cache, after it left the inline TLB? */
static bool refilled(uint64_t va)
{
	mmu_flush_inline(M.c);
	return mmu_refill(M.c, M.c->tlb, va, false);
}

/* mmu_refill() reads tables and blocks that the walk cache knows, as long as it
 * may. What descriptors allow is in mmu_walk.c. */
static void test_refill(void **state)
{
	uint64_t block = UVA + (4ull << 21), *d;
	struct tlbi last = { .kind = TLBI_VA, .va = block + 0x5000, .last = true };

	mmu_on(0);
	set_asid(M.c, 7);
	map(UVA, P0, RW);
	map(UVA + 0x1000, P1, RW);
	d = map_at(0, 16, root[0], block, 2, FAKE_RAM | RW | D_BLOCK);
	assert_false(refilled(UVA));
	load(UVA, 8);
	load(block, 8);
	assert_true(refilled(UVA + 0x1000));
	assert_true(refilled(block + 0x3000));
	assert_int_equal(load(block + (P0 - FAKE_RAM) + 8, 8), *ram64(P0 + 8));
	/* the inline TLB has it, so it is something else */
	assert_false(mmu_refill(M.c, M.c->tlb, block + 0x3ffc, false));
	/* another ASID and back */
	set_asid(M.c, 8);
	assert_false(refilled(UVA));
	assert_false(refilled(block));
	set_asid(M.c, 7);
	assert_true(refilled(UVA));
	assert_true(refilled(block));
	/* a block is of the last level, a table is not */
	*d = 0;
	mmu_tlbi(M.c, &last, false);
	assert_false(refilled(block));
	last.va = UVA;
	mmu_tlbi(M.c, &last, false);
	assert_true(refilled(UVA));
	*d = FAKE_RAM | RW | D_BLOCK;
	load(block, 8);
	assert_true(refilled(block));
	mmu_tlbi(M.c, &(struct tlbi){ .kind = TLBI_RANGE, .asid = 7, .va = block,
			.end = block + 0x1000, .last = true }, false);
	assert_false(refilled(block));
	load(UVA, 8);
	tlbi(TLBI_VA, 7, UVA, 0);
	assert_false(refilled(UVA));
	/* what needs a look at each access */
	load(UVA, 8);
	assert_true(refilled(UVA));
	M.c->sr.mdscr = 1 << 15;
	assert_false(refilled(UVA));
	M.c->sr.mdscr = 0;
	assert_true(refilled(UVA));
	M.c->sr.sctlr &= ~1ull;
	mmu_regs_changed(M.c);
	assert_false(refilled(UVA));
}

/* The second level has a page, the walk cache does not: a load teaches it. */
static void test_learns(void **state)
{
	mmu_on(0);
	map(UVA, P0, RW);
	map(UVA + 0x1000, P1, RW);
	load(UVA, 8);
	load(UVA + 0x1000, 8);
	tlbi(TLBI_VA, 0, UVA, 0);
	assert_false(refilled(UVA + 0x1000));
	load(UVA + 0x1000, 8);
	assert_true(refilled(UVA + 0x1000));
}

/* Pages that are met in order come eight at a time, as far as each may be read
 * or written as it is; what a TLBI drops is gone. */
static void test_ahead(void **state)
{
	struct cpu *c = M.c;
	uint64_t va = UVA & ~0x7fffull, fills, *d[16];

	mmu_on(1ull << 39 | 1ull << 40);        /* HA, HD */
	for (unsigned i = 0; i < 16; i++)
		d[i] = map(va + i * 0x1000, P0 + (i & 1) * 0x1000, RW);
	*d[5] &= ~D_AF;
	load(va, 8);
	load(va + 0x1000, 8);
	fills = c->n_fill;
	for (unsigned i = 2; i < 5; i++)
		load(va + i * 0x1000, 8);
	assert_int_equal(c->n_fill, fills);
	assert_false(*d[5] & D_AF);
	load(va + 0x5000, 8);
	assert_true(*d[5] & D_AF);
	/* not beyond the eighth */
	load(va + 0x6000, 8);
	load(va + 0x7000, 8);
	fills = c->n_fill;
	load(va + 0x8000, 8);
	assert_true(c->n_fill > fills);
	/* dropped, and changed */
	*d[3] = 0;
	tlbi(TLBI_VAA, 0, va + 0x3000, 0);
	load_faults(va + 0x3000, 8, 0, DABT1(7), va + 0x3000);
	/* not writable, or clean: the store itself has to come */
	*d[3] = P0 | RW | D_PAGE;
	*d[4] |= D_RO;
	*d[6] |= D_RO | D_DBM;
	tlbi(TLBI_ALL, 0, 0, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(mem_store(c, va + i * 0x1000, 8, 0, &fills));
	store_faults(va + 0x4000, 8, 0, DABT1(0xf | WNR), va + 0x4000);
	assert_true(mem_store(c, va + 0x5000, 8, 0, &fills));
	assert_true(*d[6] & D_RO);
	assert_true(mem_store(c, va + 0x6000, 8, 0, &fills));
	assert_false(*d[6] & D_RO);
}

/* Far more pages than the TLBs hold, in both orders. */
static void test_capacity(void **state)
{
	mmu_on(0);
	for (unsigned i = 0; i < 900; i++) {
		map(UVA + i * 0x1000ull, FAKE_RAM + i * 0x1000ull, URW);
		map(UVA + i * 0x1000ull + (1ull << 33),
		    FAKE_RAM + i * 0x1000ull, URW);
		*ram64(FAKE_RAM + i * 0x1000ull) = i;
	}
	for (int pass = 0; pass < 4; pass++)
		for (unsigned i = 0; i < 900; i++) {
			unsigned n = pass & 1 ? 899 - i : i;

			assert_int_equal(load(UVA + n * 0x1000ull, 8), n);
			assert_int_equal(load(UVA + n * 0x1000ull +
					      (1ull << 33), 8), n);
		}
}

/* ---- several CPUs ------------------------------------------------------ */

static _Atomic bool stop_other;
static _Atomic unsigned phase, rounds, wrong;

/* A CPU that reads UVA all the time. While the phase is odd the page has been
 * unmapped, flushed and waited for. */
static void *other_cpu(void *arg)
{
	struct cpu *o = arg;

	while (!atomic_load(&stop_other)) {
		if (atomic_exchange(&o->req, 0) & REQ_TLB)
			mmu_serve(o);
		/* guest code that looks at no request for a while */
		for (int i = 0; i < 20; i++) {
			unsigned before = atomic_load(&phase);
			uint64_t v;

			if (mem_load(o, UVA, 8, 0, &v) && before & 1)
				atomic_fetch_add(&wrong, 1);
		}
		/* once: on a loaded machine each is a turn of all others */
		sched_yield();
		atomic_fetch_add(&rounds, 1);
	}
	return NULL;
}

static void next_phase(void)
{
	unsigned r = atomic_load(&rounds);

	atomic_fetch_add(&phase, 1);
	while (atomic_load(&rounds) - r < 3)
		sched_yield();
}

static void test_broadcast(void **state)
{
	struct cpu *o = M.in.cpu[1];
	struct tlbi t = { TLBI_VA, 0, UVA, 0 };
	uint64_t v, *d;
	pthread_t th;

	mmu_on(0);
	/* halted: no waiting; the queue overflows and all goes */
	d = map(UVA, P0, URW);
	assert_true(mem_load(o, UVA, 8, 0, &v));
	*d = 0;
	atomic_store(&o->halted, true);
	for (int i = 0; i < 100; i++)
		mmu_tlbi(M.c, &(struct tlbi){ TLBI_VAA, 0, KVA, 0 }, true);
	mmu_dsb(M.c);
	assert_true(mem_load(o, UVA, 8, 0, &v));
	assert_true(atomic_load(&o->req) & REQ_TLB);
	atomic_store(&o->req, 0);
	mmu_serve(o);
	assert_false(mem_load(o, UVA, 8, 0, &v));
	atomic_store(&o->halted, false);

	/* running: DSB waits until it is done */
	uint64_t on = P0 | URW | D_PAGE;

	atomic_store(&stop_other, false);
	atomic_store(&wrong, 0);
	pthread_create(&th, NULL, other_cpu, o);
	for (int i = 0; i < 100; i++) {
		__atomic_store_n(d, on, __ATOMIC_RELAXED);
		while (!(atomic_load(&rounds) & 1))
			sched_yield();
		__atomic_store_n(d, 0, __ATOMIC_RELAXED);
		mmu_tlbi(M.c, &t, true);
		if (i & 1)
			mmu_tlbi(M.c, &t, true);
		mmu_dsb(M.c);
		next_phase();           /* odd */
		atomic_fetch_add(&phase, 1);
		/* a load that began in the odd phase must not see it mapped */
		unsigned r = atomic_load(&rounds);

		while (atomic_load(&rounds) - r < 2)
			sched_yield();
	}
	atomic_store(&stop_other, true);
	pthread_join(th, NULL);
	assert_int_equal(atomic_load(&wrong), 0);

	/* the machine stops: no waiting for one that has stopped already */
	mmu_tlbi(M.c, &t, true);
	atomic_store(&M.vm.park, true);
	mmu_dsb(M.c);
	atomic_store(&M.vm.park, false);
}

static void *ping(void *arg)
{
	struct cpu *c = arg;
	struct tlbi t = { TLBI_VAA, 0, UVA, 0 };

	for (int i = 0; i < 2000; i++) {
		mmu_tlbi(c, &t, true);
		mmu_dsb(c);
		if (atomic_exchange(&c->req, 0) & REQ_TLB)
			mmu_serve(c);
	}
	atomic_store(&c->halted, true);
	return NULL;
}

/* Two CPUs that wait for each other serve each other. */
static void test_two_dsb(void **state)
{
	pthread_t a, b;

	mmu_on(0);
	pthread_create(&a, NULL, ping, M.in.cpu[0]);
	pthread_create(&b, NULL, ping, M.in.cpu[1]);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

/* A CPU off and on again, and one that others still post to. */
static void test_reset(void **state)
{
	uint64_t *d;

	mmu_on(0);
	d = map(UVA, P0, RW);
	load(UVA, 8);
	*d = 0;
	assert_true(remembered(UVA));
	mmu_tlbi(M.in.cpu[1], &(struct tlbi){ .kind = TLBI_ALL }, true);
	mmu_reset(M.c);
	assert_false(remembered(UVA));
	mmu_dsb(M.in.cpu[1]);           /* would hang if not acknowledged */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_tlbi), T(test_asids), T(test_asid16),
		T(test_tlbi_large), T(test_walk_cache), T(test_refill),
		T(test_learns), T(test_ahead),
		T(test_capacity), T(test_broadcast),
		T(test_two_dsb), T(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
