/* What a walk alone does not show: alignment, page crossings, dirty state,
 * unprivileged accesses, devices, watchpoints, AT, views. */
#include "mmu_board.h"

static void test_mmu_off(void **state)
{
	struct cpu *c = M.c;
	struct mmu_result r;
	uint64_t v = 0x1122334455667788, fills;

	*ram64(P0) = v;
	assert_int_equal(load(P0, 8), v);
	fills = c->n_fill;
	assert_int_equal(load(P0 + 4, 4), 0x11223344);
	assert_int_equal(c->n_fill, fills);     /* from the inline TLB */
	assert_int_equal(c->views[TLB_EL1].ctx & CTX_ALIGN, CTX_ALIGN);
	/* Device: what is not aligned faults, in the inline TLB or not */
	load_faults(P0 + 1, 8, 0, DABT1(0x21), P0 + 1);
	store_faults(P1 + 2, 4, 0, DABT1(0x21 | WNR), P1 + 2);
	load_faults(P0 + 4, 16, MEM_PAIR, DABT1(0x21), P0 + 4);
	assert_true(mem_load(c, P0 + 8, 16, MEM_PAIR, (uint64_t[2]){ 0 }));
	assert_true(mem_load(c, P0 + 3, 2, MEM_NOALIGN, &v));
	/* beyond the PA size */
	load_faults(1ull << 48, 1, 0, DABT1(0), 1ull << 48);
	load_faults(P0 | 5ull << 56, 8, 0, DABT1(0), P0 | 5ull << 56);
	c->sr.tcr = TCR_TBI0;
	mmu_regs_changed(c);
	assert_int_equal(load(P0 | 5ull << 56, 4), 0x55667788);
	assert_true(mmu_fetch(c, P0, &r));
	assert_int_equal(r.pa, P0);
	assert_false(r.guarded);
	expect_fault(mmu_fetch(c, 0x1000, &r), IABT1(0x10), 0x1000);
	expect_fault(mmu_fetch(c, P0 + 2, &r), 0x8a000000, P0 + 2);
	/* DC ZVA */
	void *h;

	expect_fault(mem_host(c, P0, 64, ACC_WRITE, MEM_ZVA, &h),
		     DABT1(0x21 | WNR), P0);
	/* exclusives work on any RAM */
	assert_true(mem_host(c, P0, 8, ACC_READ, MEM_EXCL, &h));
	assert_ptr_equal(h, ram64(P0));
	mmu_at(c, P0 + 0x123, false, false, false);
	assert_int_equal(c->sr.par, P0 | 0xb00);
}

static void test_tags_and_far(void **state)
{
	struct cpu *c = M.c;
	uint64_t tagged = UVA | 0xa5ull << 56;

	mmu_on(TCR_TBI0);
	map(UVA, P0, RW);
	*ram64(P0 + 8) = 77;
	assert_int_equal(load(tagged + 8, 8), 77);
	assert_int_equal(load(UVA + 8, 8), 77);
	store_faults(tagged + 0x1000, 4, 0, DABT1(7 | WNR), tagged + 0x1000);
	load_faults(KVA & ~(1ull << 60), 4, 0, DABT1(4), KVA & ~(1ull << 60));
	/* a flush by address finds any tag */
	assert_int_equal(load(tagged, 8), load(UVA, 8));
	load(tagged, 8);
	*map(UVA, 0, 0) = 0;
	tlbi(TLBI_VAA, 0, UVA, 0);
	load_faults(tagged, 8, 0, DABT1(7), tagged);
	/* branches */
	assert_int_equal(mmu_branch_target(c, tagged), UVA);
	assert_int_equal(mmu_branch_target(c, KVA), KVA);
	assert_int_equal(mmu_branch_target(c, KVA ^ 1ull << 60),
			 KVA ^ 1ull << 60);
	c->sr.tcr |= TCR_TBID0;
	mmu_regs_changed(c);
	assert_int_equal(mmu_branch_target(c, tagged), tagged);
	assert_int_equal(mmu_branch_target(c, UVA | 1ull << 55 | 3ull << 60),
			 UVA | 1ull << 55 | 3ull << 60);
}

static void test_alignment(void **state)
{
	struct cpu *c = M.c;
	uint64_t v = 0;
	void *h;

	mmu_on(0);
	map(UVA, P0, RW);
	map(UVA + 0x1000, P1, DEVICE | D_AF);
	for (int sctlr_a = 0; sctlr_a < 2; sctlr_a++) {
		c->sr.sctlr = 1 | (sctlr_a ? 2 : 0);
		mmu_view(c);
		for (int dev = 0; dev < 2; dev++) {
			uint64_t va = UVA + (dev ? 0x1000 : 0);

			for (unsigned size = 1; size <= 16; size *= 2) {
				uint8_t b[16] = { 0 };

				for (unsigned o = 0; o < 32; o++) {
					bool ok = !(o & (size - 1)) ||
						  !(sctlr_a || dev);

					assert_int_equal(mem_load(c, va + o,
						size, 0, b), ok);
					if (!ok)
						assert_int_equal(c->exc.esr,
								 DABT1(0x21));
					assert_int_equal(mem_store(c, va + o,
						size, 0, b), ok);
					if (!ok)
						assert_int_equal(c->exc.esr,
							DABT1(0x21 | WNR));
				}
			}
		}
	}
	c->sr.sctlr = 1;
	mmu_view(c);
	/* LSE2: inside 16 bytes; nAA for acquire and release alone */
	assert_true(mem_load(c, UVA + 8, 8, MEM_ORDERED, &v));
	assert_true(mem_load(c, UVA + 5, 8, MEM_ORDERED, &v));
	load_faults(UVA + 9, 8, MEM_ORDERED, DABT1(0x21), UVA + 9);
	store_faults(UVA + 9, 8, MEM_ORDERED, DABT1(0x21 | WNR), UVA + 9);
	assert_true(mem_host(c, UVA + 3, 4, ACC_WRITE, MEM_EXCL, &h));
	expect_fault(mem_host(c, UVA + 13, 4, ACC_WRITE, MEM_EXCL, &h),
		     DABT1(0x21 | WNR), UVA + 13);
	expect_fault(mem_host(c, UVA + 13, 4, ACC_WRITE,
			      MEM_EXCL | MEM_ATOMIC, &h),
		     DABT1(0x21), UVA + 13);
	expect_fault(mem_host(c, UVA + 8, 16, ACC_READ, MEM_EXCL | MEM_PAIR,
			      &h), DABT1(0x21), UVA + 8);
	c->sr.sctlr |= 1 << 6;
	assert_true(mem_load(c, UVA + 9, 8, MEM_ORDERED, &v));
	expect_fault(mem_host(c, UVA + 13, 4, ACC_READ, MEM_EXCL, &h),
		     DABT1(0x21), UVA + 13);
	/* before translation */
	load_faults(UVA + 0x100001, 8, MEM_EXCL, DABT1(0x06), UVA + 0x100001);
	load_faults(UVA + 0x10000f, 8, MEM_EXCL, DABT1(0x21), UVA + 0x10000f);
	/* structures */
	assert_true(mem_host(c, UVA + 3, 48, ACC_READ, MEM_NOALIGN, &h));
	assert_non_null(h);
	assert_true(mem_host(c, UVA + 0x1003, 48, ACC_READ, MEM_NOALIGN, &h));
	assert_null(h);
	c->sr.sctlr |= 2;
	mmu_view(c);
	assert_true(mem_host(c, UVA + 3, 48, ACC_READ, MEM_NOALIGN, &h));
	assert_null(h);
}

static void test_alignment_no_lse2(void **state)
{
	uint64_t v;
	void *h;

	teardown(state);
	setup_model("generic,lse2=off");
	mmu_on(0);
	map(UVA, P0, RW);
	load_faults(UVA + 1, 2, MEM_ORDERED, DABT1(0x21), UVA + 1);
	M.c->sr.sctlr |= 1 << 6;
	load_faults(UVA + 1, 2, MEM_ORDERED, DABT1(0x21), UVA + 1);
	expect_fault(mem_host(M.c, UVA + 4, 8, ACC_READ, MEM_EXCL, &h),
		     DABT1(0x21), UVA + 4);
	assert_true(mem_load(M.c, UVA + 1, 8, 0, &v));
}

static void test_crossing(void **state)
{
	struct cpu *c = M.c;
	uint8_t b[16], want[16];

	mmu_on(0);
	map(UVA, P0, RW);
	map(UVA + 0x1000, P2, RW);              /* not neighbours */
	for (unsigned i = 0; i < 4096; i++) {
		M.f->ram[P0 - FAKE_RAM + i] = (uint8_t)(i * 7);
		M.f->ram[P2 - FAKE_RAM + i] = (uint8_t)(i * 7 + 3);
	}
	for (unsigned size = 2; size <= 16; size *= 2) {
		for (unsigned n = 1; n < size; n++) {
			uint64_t va = UVA + 0x1000 - n;

			memcpy(want, M.f->ram + (P0 - FAKE_RAM) + 4096 - n, n);
			memcpy(want + n, M.f->ram + (P2 - FAKE_RAM), size - n);
			assert_true(mem_load(c, va, size, 0, b));
			assert_memory_equal(b, want, size);
			for (unsigned i = 0; i < size; i++)
				b[i] = (uint8_t)rnd();
			assert_true(mem_store(c, va, size, 0, b));
			assert_memory_equal(M.f->ram + (P0 - FAKE_RAM) + 4096 -
					    n, b, n);
			assert_memory_equal(M.f->ram + (P2 - FAKE_RAM), b + n,
					    size - n);
		}
	}
	/* the second page faults: nothing is written, FAR is its start */
	map(UVA + 0x1000, P2, RW | D_RO);
	tlbi(TLBI_ALL, 0, 0, 0);
	memset(b, 0xee, sizeof(b));
	memcpy(want, M.f->ram + (P0 - FAKE_RAM) + 4093, 3);
	expect_fault(mem_store(c, UVA + 0xffd, 8, 0, b), DABT1(0xf | WNR),
		     UVA + 0x1000);
	assert_memory_equal(M.f->ram + (P0 - FAKE_RAM) + 4093, want, 3);
	/* both fault: the first one's address */
	*map(UVA, 0, 0) = 0;
	tlbi(TLBI_ALL, 0, 0, 0);
	store_faults(UVA + 0xffd, 8, 0, DABT1(0x7 | WNR), UVA + 0xffd);
	/* Normal, then Device */
	map(UVA, P0, RW);
	map(UVA + 0x1000, P2, DEVICE | D_AF);
	tlbi(TLBI_ALL, 0, 0, 0);
	load_faults(UVA + 0xffd, 8, 0, DABT1(0x21), UVA + 0x1000);
}

/* Dirty state is not set when the write fails on the other page. */
static void test_crossing_dirty(void **state)
{
	uint64_t *d0, *d1;
	uint8_t b[8] = { 0 };

	mmu_on(TCR_HA | TCR_HD);
	d0 = map(UVA, P0, NORMAL | D_DBM | D_RO);
	d1 = map(UVA + 0x1000, P2, NORMAL | D_RO);
	store_faults(UVA + 0xffd, 8, 0, DABT1(0xf | WNR), UVA + 0x1000);
	assert_int_equal(*d0 & (D_RO | D_AF), D_RO);
	*d1 |= D_DBM;
	tlbi(TLBI_ALL, 0, 0, 0);
	assert_true(mem_load(M.c, UVA + 0xffd, 8, 0, b));
	assert_int_equal(*d0 & (D_RO | D_AF), D_RO | D_AF);
	assert_true(mem_store(M.c, UVA + 0xffd, 8, 0, b));
	assert_int_equal(*d0 & (D_RO | D_AF), D_AF);
	assert_int_equal(*d1 & (D_RO | D_AF), D_AF);
}

static void test_dirty_through_tlb(void **state)
{
	uint64_t *d, v = 5;

	mmu_on(TCR_HA | TCR_HD);
	d = map(UVA, P0, NORMAL | D_DBM | D_RO | D_AF);
	load(UVA, 8);                           /* clean, in both TLBs */
	assert_int_equal(*d & D_RO, D_RO);
	assert_true(mem_store(M.c, UVA, 8, 0, &v));
	assert_int_equal(*d & D_RO, 0);
	assert_int_equal(*ram64(P0), 5);
	/* the guest makes it clean again and flushes: set once more */
	*d |= D_RO;
	tlbi(TLBI_VA, 0, UVA, 0);
	assert_true(mem_store(M.c, UVA, 8, 0, &v));
	assert_int_equal(*d & D_RO, 0);
}

static void test_unpriv(void **state)
{
	struct cpu *c = M.c;
	uint64_t v;

	mmu_on(0);
	map(UVA, P0, URW);
	map(KVA, P1, RW);
	el_pan(1, true);
	load_faults(UVA, 8, 0, DABT1(0xf), UVA);
	assert_true(mem_load(c, UVA, 8, MEM_UNPRIV, &v));
	assert_true(mem_load(c, UVA, 8, MEM_UNPRIV, &v));
	load_faults(UVA, 8, 0, DABT1(0xf), UVA);
	load_faults(KVA, 8, MEM_UNPRIV, DABT1(0xf), KVA);
	load(KVA, 8);
	load_faults(KVA, 8, MEM_UNPRIV, DABT1(0xf), KVA);
	el_pan(1, false);
	load(UVA, 8);
	c->pstate |= PS_UAO;
	assert_true(mem_load(c, KVA, 8, MEM_UNPRIV, &v));
	el_pan(1, true);
	load_faults(UVA, 8, MEM_UNPRIV, DABT1(0xf), UVA);
	el_pan(0, false);
	assert_true(mem_load(c, UVA, 8, MEM_UNPRIV, &v));
	load_faults(KVA, 8, 0, DABT0(0xf), KVA);
	load_faults(UVA + 0x1000, 8, 0, DABT0(0x7), UVA + 0x1000);
}

static void test_cache_ops(void **state)
{
	struct cpu *c = M.c;
	struct mmu_result r;
	uint64_t *d;

	mmu_on(TCR_HA | TCR_HD);
	d = map(UVA, P0, URW | D_RO | D_DBM);
	el_pan(1, true);                        /* PAN is not for them */
	assert_true(mmu_translate(c, UVA + 5, ACC_READ, MEM_CM, &r));
	assert_int_equal(r.pa, P0 + 5);
	assert_true(mmu_translate(c, UVA, ACC_WRITE, MEM_CM, &r));
	assert_int_equal(*d & D_RO, D_RO);      /* nor is it a write */
	expect_fault(mmu_translate(c, UVA + 0x1000, ACC_READ, MEM_CM, &r),
		     DABT1(0x147), UVA + 0x1000);
	el_pan(0, false);
	map(KVA, P0, RW);
	expect_fault(mmu_translate(c, KVA, ACC_READ, MEM_CM, &r),
		     DABT0(0x14f), KVA);
}

static uint64_t dev_reg[4];
static unsigned dev_sizes;

static enum io dev_read(struct device *d, struct access *a)
{
	dev_sizes |= a->size;
	a->val = dev_reg[a->off / 8 & 3] >> (a->off & 7) * 8;
	return IO_OK;
}

static enum io dev_write(struct device *d, const struct access *a)
{
	dev_sizes |= a->size;
	dev_reg[a->off / 8 & 3] = a->val;
	return IO_OK;
}

static const struct device_ops dev_ops = {
	.name = "test", .size = sizeof(struct device),
	.read = dev_read, .write = dev_write,
};

static void test_mmio(void **state)
{
	struct cpu *c = M.c;
	struct device *d = fake_device(M.f, &dev_ops, NULL);
	struct err e;
	uint64_t v[2] = { 0x1111, 0x2222 }, n;

	assert_int_equal(as_dev(M.f->as, 0x10000000, 0x1000, d, 0, &e), 0);
	mmu_on(0);
	map(UVA, 0x10000000, DEVICE | D_AF);
	map(UVA + 0x1000, 0x20000000, DEVICE | D_AF);
	dev_reg[0] = 0xaabbccdd11223344;
	n = c->n_mmio;
	assert_int_equal(load(UVA, 4), 0x11223344);
	assert_int_equal(load(UVA + 4, 2), 0xccdd);
	assert_int_equal(c->n_mmio, n + 2);
	dev_sizes = 0;
	assert_true(mem_store(c, UVA, 8, MEM_PAIR, v));
	assert_int_equal(dev_sizes, 4);
	dev_sizes = 0;
	assert_true(mem_store(c, UVA, 8, MEM_PAIR | MEM_EXCL, v));
	assert_int_equal(dev_sizes, 4);
	assert_true(mem_store(c, UVA + 16, 16, 0, v));
	assert_int_equal(dev_reg[2], 0x1111);
	assert_int_equal(dev_reg[3], 0x2222);
	/* nobody there */
	v[0] = ~0ull;
	assert_true(mem_load(c, UVA + 0x1000, 8, 0, v));
	assert_int_equal(v[0], 0);
	assert_true(mem_store(c, UVA + 0x1000, 8, 0, v));
	void *h = &v;

	assert_true(mem_host(c, UVA, 8, ACC_READ, MEM_EXCL, &h));
	assert_null(h);
	struct mmu_result r;

	expect_fault(mmu_fetch(c, UVA, &r), IABT1(0x10), UVA);
	device_free(d);
}

/* Loads and fetches of ROM are the memory's, stores a device's, whatever was
 * loaded before; a table there keeps its flags. */
static void test_rom(void **state)
{
	struct cpu *c = M.c;
	struct device *d = fake_device(M.f, &dev_ops, NULL);
	struct err e;
	struct ram *rom = as_rom(M.f->as, "rom", 0x10000000, 0x10000, &e);
	uint64_t v[2] = { 5, 6 };
	struct mmu_result r;
	void *h = NULL;

	assert_non_null(rom);
	assert_int_equal(as_dev(M.f->as, 0x10000000, 0x10000, d, 0, &e), 0);
	memset(rom->host, 0x11, 0x2000);
	mmu_on(0);
	map(UVA, 0x10000000, NORMAL | D_AF);
	map(UVA + 0x1000, 0x10001000, NORMAL | D_AF);
	for (int i = 0; i < 2; i++) {
		c->n_mmio = 0;
		dev_reg[1] = 0;
		assert_int_equal(load(UVA + 8, 8), 0x1111111111111111);
		assert_int_equal(c->n_mmio, 0);
		assert_true(mem_store(c, UVA + 8, 8, 0, v));
		assert_int_equal(c->n_mmio, 1);
		assert_int_equal(dev_reg[1], 5);
	}
	/* across two pages */
	assert_true(mem_store(c, UVA + 0xff8, 16, 0, v));
	assert_int_equal(dev_reg[3], 5);
	assert_int_equal(dev_reg[0], 6);
	assert_true(mem_host(c, UVA, 8, ACC_WRITE, MEM_EXCL, &h));
	assert_null(h);
	assert_true(mem_host(c, UVA, 8, ACC_READ, MEM_EXCL, &h));
	assert_ptr_equal(h, rom->host);
	assert_true(mmu_fetch(c, UVA, &r));
	assert_ptr_equal(r.host, rom->host);
	for (unsigned i = 0; i < 0x2000; i++)
		assert_int_equal(rom->host[i], 0x11);
	/* with the MMU off too */
	c->sr.sctlr &= ~1ull;
	mmu_regs_changed(c);
	assert_int_equal(load(0x10000000, 4), 0x11111111);
	v[0] = 7;
	assert_true(mem_store(c, 0x10000000, 8, 0, v));
	assert_int_equal(dev_reg[0], 7);
	assert_int_equal(rom->host[0], 0x11);
	device_free(d);
}

static void test_rom_table(void **state)
{
	struct cpu *c = M.c;
	struct err e;
	struct ram *rom = as_rom(M.f->as, "rom", 0x10000000, 0x10000, &e);
	uint64_t leaf = P0 | NORMAL | D_RO | D_DBM | 3, v = 9;

	mmu_on(TCR_HA | TCR_HD);
	for (unsigned i = 0; i < 4096; i += 8)
		memcpy(rom->host + i, &leaf, 8);
	map(UVA, P0, NORMAL | D_AF);            /* makes the tables above */
	*slot(0, 16, 2, *slot(0, 16, 1, *slot(0, 16, 0, root[0], UVA) &
				      ~0xfffull, UVA) & ~0xfffull, UVA) =
		0x10000000 | D_TABLE;
	assert_true(mem_store(c, UVA, 8, 0, &v));
	assert_int_equal(load(UVA, 8), 9);
	assert_int_equal(*ram64(P0), 9);
	for (unsigned i = 0; i < 4096; i += 8)
		assert_memory_equal(rom->host + i, &leaf, 8);
}

static void test_watch(void **state)
{
	struct cpu *c = M.c;
	uint64_t v = 1, fills;

	mmu_on(0);
	map(UVA, P0, RW);
	map(UVA + 0x1000, P1, RW);
	c->sr.mdscr = 1 << 15;
	watch_va = UVA + 0x100;
	fills = c->n_fill;
	load(UVA, 8);
	assert_int_equal(c->n_fill, fills);
	load(UVA + 0x1000, 8);
	assert_int_equal(c->n_fill, fills + 1);
	load_faults(UVA + 0x104, 4, 0, 0xd6000022, UVA + 0x104);
	*ram64(P0 + 0x100) = 99;
	expect_fault(mem_store(c, UVA + 0x100, 8, 0, &v), 0xd6000022,
		     UVA + 0x100);
	assert_int_equal(*ram64(P0 + 0x100), 99);
	assert_int_equal(watch_hits, 2);
}

static void test_views(void **state)
{
	struct cpu *c = M.c;
	struct mmu_result r;

	mmu_on(0);
	el_pan(0, false);
	assert_ptr_equal(c->tlb, &c->views[TLB_EL0]);
	el_pan(1, true);
	assert_ptr_equal(c->tlb, &c->views[TLB_EL1]);
	el_pan(1, false);
	assert_ptr_equal(c->tlb, &c->views[TLB_EL1_PAN0]);
	for (unsigned fpen = 0; fpen < 4; fpen++) {
		c->sr.cpacr = fpen << 20;
		mmu_view(c);
		assert_int_equal(c->views[TLB_EL0].ctx & CTX_FPTRAP,
				 fpen == 3 ? 0 : CTX_FPTRAP);
		assert_int_equal(c->views[TLB_EL1].ctx & CTX_FPTRAP,
				 fpen & 1 ? 0 : CTX_FPTRAP);
	}
	map(UVA, P0, URW);
	map(KVA, P1, RW);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t va = i ? KVA : UVA;
		struct codee *e = &c->tlb->code[va >> 12 & 63];

		if (mmu_fetch(c, va, &r))
			e->tag = va;
	}
	/* EL1 may not run what EL0 may write */
	expect_fault(mmu_fetch(c, UVA, &r), IABT1(0xf), UVA);
	assert_int_equal(c->tlb->code[KVA >> 12 & 63].tag, KVA);
	c->sr.fpcr = 1 << 24;
	mmu_view(c);
	assert_true(c->tlb->ctx & CTX_FPSLOW);
	assert_int_equal(c->tlb->code[KVA >> 12 & 63].tag, CODE_EMPTY);
	c->sr.fpcr = 0;
	mmu_view(c);
	/* code entries of an ASID go with it, others stay */
	map(UVA, P0, URW | D_RO);
	tlbi(TLBI_ALL, 0, 0, 0);
	assert_true(mmu_fetch(c, UVA, &r));
	c->tlb->code[UVA >> 12 & 63].tag = UVA;
	map(UVA + 0x5000, P0, URW | D_RO);
	assert_true(mmu_fetch(c, UVA + 0x5000, &r));
	c->tlb->code[(UVA + 0x5000) >> 12 & 63].tag = UVA + 0x5000;
	uint64_t k = KVA + 0x3000;

	map(k, P2, RW | D_GP);
	assert_true(mmu_fetch(c, k, &r));
	assert_true(r.guarded);
	c->tlb->code[k >> 12 & 63].tag = k;
	set_asid(c, 9);
	assert_int_equal(c->tlb->code[UVA >> 12 & 63].tag, CODE_EMPTY);
	assert_int_equal(c->tlb->code[(UVA + 0x5000) >> 12 & 63].tag, CODE_EMPTY);
	assert_int_equal(c->tlb->code[k >> 12 & 63].tag, k);
	tlbi(TLBI_VAA, 0, k, 0);
	assert_int_equal(c->tlb->code[k >> 12 & 63].tag, CODE_EMPTY);
	/* what SCTLR decides is decided anew */
	assert_true(mmu_fetch(c, k, &r));
	c->tlb->code[k >> 12 & 63].tag = k;
	el_pan(1, true);
	load(KVA, 8);
	c->sr.sctlr |= 1ull << 57;
	mmu_regs_changed(c);
	load_faults(KVA, 8, 0, DABT1(0xf), KVA);
	c->sr.sctlr &= ~(1ull << 57);
	mmu_regs_changed(c);
	load(KVA, 8);
	c->sr.sctlr &= ~1ull;
	mmu_regs_changed(c);
	load_faults(KVA, 8, 0, DABT1(0), KVA);
	c->sr.sctlr |= 1;
	mmu_regs_changed(c);
	el_pan(1, false);
	c->tlb->code[k >> 12 & 63].tag = k;
	load(KVA, 8);
	c->sr.sctlr |= 1 << 19;
	mmu_regs_changed(c);
	assert_int_equal(c->tlb->code[k >> 12 & 63].tag, CODE_EMPTY);
	expect_fault(mmu_fetch(c, k, &r), IABT1(0xf), k);
	el_pan(0, false);
	expect_fault(mmu_fetch(c, KVA + 0x100000, &r), IABT0(6),
		     KVA + 0x100000);
	c->sr.mdscr = 1;
	mmu_view(c);
	assert_int_equal(c->views[TLB_EL0].ctx & CTX_STEP, CTX_STEP);
	assert_int_equal(c->views[TLB_EL1].ctx & CTX_STEP, 0);
}

static void test_par(void **state)
{
	struct cpu *c = M.c;

	mmu_on(0);
	map(UVA, P0, RW);
	map(UVA + 0x1000, P1, DEVICE | D_AF);
	map(UVA + 0x2000, P2, NONCACHE | D_AF | D_USER | D_RO);
	mmu_at(c, UVA + 8, false, false, false);
	assert_int_equal(c->sr.par, 0xffull << 56 | P0 | 0xb80);
	mmu_at(c, UVA + 0x1000, true, false, false);
	assert_int_equal(c->sr.par, P1 | 0xb00);
	mmu_at(c, UVA + 0x2000, false, true, false);
	assert_int_equal(c->sr.par, 0x44ull << 56 | P2 | 0xb00);
	mmu_at(c, UVA + 0x2000, true, true, false);
	assert_int_equal(c->sr.par, 0x801 | 0xf << 1);
	mmu_at(c, UVA, false, true, false);
	assert_int_equal(c->sr.par, 0x801 | 0xf << 1);
	el_pan(1, true);
	mmu_at(c, UVA + 0x2000, false, false, false);
	assert_int_equal(c->sr.par & 1, 0);
	mmu_at(c, UVA + 0x2000, false, false, true);
	assert_int_equal(c->sr.par, 0x801 | 0xf << 1);
	/* AT succeeds where hardware would update, and leaves it to the access */
	c->sr.tcr |= TCR_HA | TCR_HD;
	mmu_regs_changed(c);
	uint64_t *d = map(UVA + 0x3000, P0, NORMAL | D_RO | D_DBM), was = *d;

	mmu_at(c, UVA + 0x3000, true, false, false);
	assert_int_equal(c->sr.par & 1, 0);
	assert_int_equal(*d, was);
	load(UVA + 0x3000, 8);
	assert_int_equal(*d, was | D_AF);
	mmu_at(c, UVA + 0x3000, true, false, false);
	assert_int_equal(c->sr.par & 1, 0);
	assert_int_equal(*d, was | D_AF);
	/* a table in memory that is not there */
	c->sr.ttbr[0] = 0x1000;
	mmu_regs_changed(c);
	expect_fault(mmu_at(c, UVA, false, true, false),
		     DABT1(0x14 | 1 << 8 | WNR), UVA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_mmu_off), T(test_tags_and_far),
		T(test_alignment), T(test_alignment_no_lse2),
		T(test_crossing), T(test_crossing_dirty),
		T(test_dirty_through_tlb), T(test_unpriv), T(test_cache_ops),
		T(test_mmio), T(test_rom), T(test_rom_table),
		T(test_watch), T(test_views), T(test_par),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
