/* mmu_board.h: what the tests of the MMU run on: two CPUs with no interpreter
 * around them, RAM, and functions that make translation tables in it. */
#ifndef MMU_BOARD_H
#define MMU_BOARD_H

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "../../src/interp/debug.h"
#include "../../src/interp/except.h"
#include "../../src/interp/mmu_refill.h"
#include "../../src/interp/model.h"

#define RAM_SIZE (8u << 20)
#define NCPUS 2

/* ---- stand-ins for what the rest of the interpreter does ---------------- */

static uint64_t watch_va;               /* one doubleword; 0: none */
static unsigned watch_hits;

void cpu_request(struct cpu *c, uint32_t bits)
{
	atomic_fetch_or(&c->req, bits);
}

uint32_t debug_ctx(const struct cpu *c, unsigned el)
{
	return c->sr.mdscr & 1 && el == 0 ? CTX_STEP : 0;
}

bool debug_watched(const struct cpu *c, uint64_t va, uint64_t len)
{
	return watch_va && watch_va >= va && watch_va < va + len;
}

bool debug_watch(struct cpu *c, uint64_t va, unsigned size,
		 enum mmu_access acc, unsigned flags)
{
	if (!watch_va || watch_va + 8 <= va || va + size <= watch_va)
		return true;
	watch_hits++;
	return exc_raise_far(c, ESR(0x34 + c->el, 0x22), va);
}

/* ---- the machine ------------------------------------------------------- */

struct machine {
	struct fake *f;
	struct cpu_model model;
	struct interp in;
	struct vm vm;
	struct cpu *c;
	uint64_t next;                  /* free RAM for tables */
};

static struct machine M;

static inline void *zalloc(size_t n)
{
	void *p = aligned_alloc(64, (n + 63) & ~63ull);

	if (!p)
		abort();
	memset(p, 0, n);
	return p;
}

static inline int setup_model(const char *spec)
{
	struct err e;

	memset(&M, 0, sizeof(M));
	watch_va = 0;
	watch_hits = 0;
	M.f = fake_new_ram(RAM_SIZE);
	assert_int_equal(model_parse(&M.model, spec, &e), 0);
	M.in.as = M.f->as;
	M.in.model = &M.model;
	M.in.vm = &M.vm;
	M.in.ncpus = NCPUS;
	for (unsigned i = 0; i < NCPUS; i++) {
		struct cpu *c = zalloc(sizeof(*c));

		c->in = &M.in;
		c->index = (uint8_t)i;
		c->el = 1;
		c->pstate = 5 | PS_DAIF;
		M.in.cpu[i] = c;
		assert_int_equal(mmu_open(c, &e), 0);
		mmu_view(c);
	}
	M.c = M.in.cpu[0];
	M.next = FAKE_RAM + (RAM_SIZE / 2);
	return 0;
}

static inline int setup(void **state)
{
	return setup_model("generic");
}

static inline int teardown(void **state)
{
	for (unsigned i = 0; i < NCPUS; i++) {
		mmu_close(M.in.cpu[i]);
		free(M.in.cpu[i]);
	}
	fake_free(M.f);
	return 0;
}

static inline uint64_t *ram64(uint64_t pa)
{
	return (uint64_t *)(void *)(M.f->ram + (pa - FAKE_RAM));
}

static inline void el_pan(unsigned el, bool pan)
{
	struct cpu *c = M.c;

	c->el = (uint8_t)el;
	c->pstate = (c->pstate & ~(PS_EL | PS_SP | PS_PAN)) | el << 2 |
		    (el ? PS_SP : 0) | (pan ? PS_PAN : 0);
	mmu_view(c);
}

/* ---- descriptors ------------------------------------------------------- */

#define D_TABLE 3ull
#define D_PAGE 3ull
#define D_BLOCK 1ull
#define D_ATTR(n) ((uint64_t)(n) << 2)
#define D_USER (1ull << 6)
#define D_RO (1ull << 7)
#define D_ISH (3ull << 8)
#define D_AF (1ull << 10)
#define D_NG (1ull << 11)
#define D_GP (1ull << 50)
#define D_DBM (1ull << 51)
#define D_PXN (1ull << 53)
#define D_UXN (1ull << 54)
#define NORMAL D_ATTR(0)
#define DEVICE D_ATTR(1)
#define NONCACHE D_ATTR(2)
#define MAIR 0x00000000004400ffull      /* 0 WB, 1 nGnRnE, 2 NC */

#define TCR_HA (1ull << 39)
#define TCR_HD (1ull << 40)
#define TCR_TBI0 (1ull << 37)
#define TCR_TBID0 (1ull << 51)
#define TCR_AS16 (1ull << 36)

/* [granule: 4K 16K 64K][level] */
static const int level_shift[3][4] = {
	{ 39, 30, 21, 12 }, { 47, 36, 25, 14 }, { -1, 42, 29, 16 },
};
static const unsigned page_shift[3] = { 12, 14, 16 };
static const uint64_t tg_bits[2][3] = {
	{ 0ull << 14, 2ull << 14, 1ull << 14 },
	{ 2ull << 30, 1ull << 30, 3ull << 30 },
};

static inline int start_level(int g, unsigned tsz)
{
	for (int l = 0; l < 4; l++)
		if (level_shift[g][l] > 0 && level_shift[g][l] < 64 - (int)tsz)
			return l;
	return -1;
}

static inline uint64_t new_table(void)
{
	uint64_t pa = (M.next + 0xffff) & ~0xffffull;

	assert_true(pa + 0x10000 <= FAKE_RAM + RAM_SIZE);
	M.next = pa + 0x10000;
	memset(ram64(pa), 0, 0x10000);
	return pa;
}

static inline uint64_t *slot(int g, unsigned tsz, int l, uint64_t table, uint64_t va)
{
	int top = l == start_level(g, tsz) ? 64 - (int)tsz :
		  level_shift[g][l - 1];
	uint64_t n = (va & ((1ull << top) - 1)) >> level_shift[g][l];

	return ram64(table + n * 8);
}

/* Maps va by one leaf at `level`; makes tables where there are none. */
static inline uint64_t *map_at(int g, unsigned tsz, uint64_t root, uint64_t va,
			int level, uint64_t leaf)
{
	uint64_t t = root;

	for (int l = start_level(g, tsz);; l++) {
		uint64_t *d = slot(g, tsz, l, t, va);

		if (l == level) {
			*d = leaf;
			return d;
		}
		if ((*d & 3) != 3)
			*d = new_table() | D_TABLE;
		t = *d & 0x0000fffffffff000ull;
	}
}

/* The usual: 4K, 48 bits, both halves by one table each, MMU on. */
static uint64_t root[2];

static inline void mmu_on(uint64_t tcr)
{
	struct cpu *c = M.c;

	root[0] = new_table();
	root[1] = new_table();
	for (unsigned i = 0; i < NCPUS; i++) {
		struct cpu *o = M.in.cpu[i];

		o->sr.mair = MAIR;
		o->sr.tcr = tcr | 16 | 16ull << 16 | tg_bits[1][0] | 5ull << 32;
		o->sr.ttbr[0] = root[0];
		o->sr.ttbr[1] = root[1];
		o->sr.sctlr |= 1;
		mmu_regs_changed(o);
		mmu_view(o);
	}
	assert_true(c->sr.sctlr & 1);
}

static inline uint64_t *map(uint64_t va, uint64_t pa, uint64_t attrs)
{
	return map_at(0, 16, root[va >> 55 & 1], va, 3, pa | attrs | D_PAGE);
}

#define RW (NORMAL | D_ISH | D_AF)
#define URW (RW | D_USER | D_NG)

static inline void tlbi(enum tlbi_kind kind, uint16_t asid, uint64_t va, uint64_t end)
{
	struct tlbi t = { kind, asid, va, end, false };

	mmu_tlbi(M.c, &t, false);
}

static inline void set_asid(struct cpu *c, uint16_t asid)
{
	c->sr.ttbr[0] = root[0] | (uint64_t)asid << 48;
	mmu_regs_changed(c);
}

/* ---- expectations ------------------------------------------------------ */

static inline uint64_t load(uint64_t va, unsigned size)
{
	uint64_t v = 0;

	if (!mem_load(M.c, va, size, 0, &v))
		fail_msg("load at %llx: ESR %x", (unsigned long long)va,
			 M.c->exc.esr);
	return v;
}

static inline void expect_fault(bool ok, uint32_t esr, uint64_t far)
{
	assert_false(ok);
	assert_int_equal(M.c->exc.esr, esr);
	assert_true(M.c->exc.has_far);
	assert_int_equal(M.c->exc.far, far);
}

static inline void load_faults(uint64_t va, unsigned size, unsigned flags,
			uint32_t esr, uint64_t far)
{
	uint8_t v[16];

	expect_fault(mem_load(M.c, va, size, flags, v), esr, far);
}

static inline void store_faults(uint64_t va, unsigned size, unsigned flags,
			 uint32_t esr, uint64_t far)
{
	uint8_t v[16] = { 0 };

	expect_fault(mem_store(M.c, va, size, flags, v), esr, far);
}

#define DABT1(iss) (0x96000000u | (iss))
#define DABT0(iss) (0x92000000u | (iss))
#define IABT1(iss) (0x86000000u | (iss))
#define IABT0(iss) (0x82000000u | (iss))
#define WNR 0x40u

#define UVA 0x0000123456700000ull
#define KVA 0xffff800012340000ull
#define P0 (FAKE_RAM + 0x10000)
#define P1 (FAKE_RAM + 0x11000)
#define P2 (FAKE_RAM + 0x23000)

static uint64_t rng_state = 0x9e3779b97f4a7c15;

static inline uint64_t rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
