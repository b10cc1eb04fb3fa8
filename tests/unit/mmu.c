/* The MMU: random walks against a reference of its own, then directed tests of
 * what a walk alone does not show: alignment, page crossings, devices, the
 * TLBs' scope, AT, requests between CPUs. */
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
#include "../../src/interp/mmu.h"
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

static void *zalloc(size_t n)
{
	void *p = aligned_alloc(64, (n + 63) & ~63ull);

	if (!p)
		abort();
	memset(p, 0, n);
	return p;
}

static int setup_model(const char *spec)
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

static int setup(void **state)
{
	return setup_model("generic");
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < NCPUS; i++) {
		mmu_close(M.in.cpu[i]);
		free(M.in.cpu[i]);
	}
	fake_free(M.f);
	return 0;
}

static uint64_t *ram64(uint64_t pa)
{
	return (uint64_t *)(void *)(M.f->ram + (pa - FAKE_RAM));
}

static void el_pan(unsigned el, bool pan)
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

static int start_level(int g, unsigned tsz)
{
	for (int l = 0; l < 4; l++)
		if (level_shift[g][l] > 0 && level_shift[g][l] < 64 - (int)tsz)
			return l;
	return -1;
}

static uint64_t new_table(void)
{
	uint64_t pa = (M.next + 0xffff) & ~0xffffull;

	assert_true(pa + 0x10000 <= FAKE_RAM + RAM_SIZE);
	M.next = pa + 0x10000;
	memset(ram64(pa), 0, 0x10000);
	return pa;
}

static uint64_t *slot(int g, unsigned tsz, int l, uint64_t table, uint64_t va)
{
	int top = l == start_level(g, tsz) ? 64 - (int)tsz :
		  level_shift[g][l - 1];
	uint64_t n = (va & ((1ull << top) - 1)) >> level_shift[g][l];

	return ram64(table + n * 8);
}

/* Maps va by one leaf at `level`; makes tables where there are none. */
static uint64_t *map_at(int g, unsigned tsz, uint64_t root, uint64_t va,
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

static void mmu_on(uint64_t tcr)
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

static uint64_t *map(uint64_t va, uint64_t pa, uint64_t attrs)
{
	return map_at(0, 16, root[va >> 55 & 1], va, 3, pa | attrs | D_PAGE);
}

#define RW (NORMAL | D_ISH | D_AF)
#define URW (RW | D_USER | D_NG)

static void tlbi(enum tlbi_kind kind, uint16_t asid, uint64_t va, uint64_t end)
{
	struct tlbi t = { kind, asid, va, end };

	mmu_tlbi(M.c, &t, false);
}

/* ---- expectations ------------------------------------------------------ */

static uint64_t load(uint64_t va, unsigned size)
{
	uint64_t v = 0;

	if (!mem_load(M.c, va, size, 0, &v))
		fail_msg("load at %llx: ESR %x", (unsigned long long)va,
			 M.c->exc.esr);
	return v;
}

static void expect_fault(bool ok, uint32_t esr, uint64_t far)
{
	assert_false(ok);
	assert_int_equal(M.c->exc.esr, esr);
	assert_true(M.c->exc.has_far);
	assert_int_equal(M.c->exc.far, far);
}

static void load_faults(uint64_t va, unsigned size, unsigned flags,
			uint32_t esr, uint64_t far)
{
	uint8_t v[16];

	expect_fault(mem_load(M.c, va, size, flags, v), esr, far);
}

static void store_faults(uint64_t va, unsigned size, unsigned flags,
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

/* ---- the reference ----------------------------------------------------- */

static uint64_t rng_state = 0x9e3779b97f4a7c15;

static uint64_t rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static bool one_in(unsigned n)
{
	return rnd() % n == 0;
}

struct trial {
	int g, leaf;                    /* granule, level of the leaf */
	unsigned half, tsz, out_bits, max_tsz;
	uint64_t tcr, ttbr, va, sctlr;
	bool el0, pan, uao, unpriv, atomic;
	enum mmu_access acc;
};

struct outcome {
	int fsc;                        /* -1: fine */
	bool wnr, af, dirty, gp;
	uint64_t pa;
	uint64_t *leaf;
	uint8_t attr;
};

static bool tcr_bit(const struct trial *t, int bit0, int bit1)
{
	return t->tcr >> (t->half ? bit1 : bit0) & 1;
}

/* One access, by the text of spec/cpu.md 3.1 and 3.3 read again. */
static struct outcome reference(const struct trial *t)
{
	struct outcome o = { .fsc = -1 };
	bool write = t->acc == ACC_WRITE, exec = t->acc == ACC_EXEC;
	bool as_el0 = t->el0 || (t->unpriv && !t->uao);
	bool tbi = tcr_bit(t, 37, 38);
	bool no_el0 = false, no_write = false, uxn = false, pxn = false;
	uint64_t table, d = 0, canon;
	int l;

	o.wnr = write && !t->atomic;
	if (exec && tcr_bit(t, 51, 52))
		tbi = false;
	canon = t->va;
	if (tbi) {
		canon &= ~(0xffull << 56);
		if (t->half)
			canon |= 0xffull << 56;
	}
	for (unsigned b = 64 - t->tsz; b < 64; b++)
		if ((canon >> b & 1) != t->half) {
			o.fsc = 4;
			return o;
		}
	if (t->tsz < 16 || t->tsz > t->max_tsz ||
	    (as_el0 && tcr_bit(t, 55, 56)) || tcr_bit(t, 7, 23)) {
		o.fsc = 4;
		return o;
	}
	l = start_level(t->g, t->tsz);
	table = t->ttbr & 0xffffffffffffull;
	if (table >> t->out_bits) {
		o.fsc = 0;
		return o;
	}
	int entries_log = 64 - (int)t->tsz - level_shift[t->g][l];
	uint64_t size = 8ull << entries_log;

	table -= table % (size < 64 ? 64 : size);
	for (;; l++) {
		uint64_t n = canon << t->tsz >> t->tsz;

		if (l > start_level(t->g, t->tsz))
			n &= (1ull << level_shift[t->g][l - 1]) - 1;
		n >>= level_shift[t->g][l];
		uint64_t pa = table + n * 8;

		if (pa < FAKE_RAM || pa >= FAKE_RAM + RAM_SIZE) {
			o.fsc = 0x14 + l;
			return o;
		}
		o.leaf = ram64(pa);
		d = *o.leaf;
		bool block_ok = t->g == 0 ? l == 1 || l == 2 : l == 2;

		if ((d & 1) == 0 || (l == 3 && (d & 3) != 3) ||
		    (l < 3 && (d & 3) == 1 && !block_ok)) {
			o.fsc = 4 + l;
			return o;
		}
		uint64_t low = (d & 3) == 1 || l == 3 ?
			       1ull << level_shift[t->g][l] :
			       1ull << page_shift[t->g];
		uint64_t out = d & 0xffffffffffffull & ~(low - 1);

		if (out >= 1ull << t->out_bits) {
			o.fsc = 0 + l;
			return o;
		}
		if (l == 3 || (d & 3) == 1) {
			o.pa = out + canon % low;
			break;
		}
		if (!tcr_bit(t, 41, 42)) {
			no_el0 |= d >> 61 & 1;
			no_write |= d >> 62 & 1;
			uxn |= d >> 60 & 1;
			pxn |= d >> 59 & 1;
		}
		table = out;
	}
	bool ha = t->tcr & TCR_HA, hd = ha && t->tcr & TCR_HD;

	if (!(d & D_AF)) {
		if (!ha) {
			o.fsc = 8 + l;
			return o;
		}
		o.af = true;
	}
	bool clean = d & D_DBM && d & D_RO && hd;
	bool ur = d & D_USER && !no_el0;
	bool w = (!(d & D_RO) || clean) && !no_write, uw = ur && w;
	bool wxn = t->sctlr >> 19 & 1, epan = t->sctlr >> 57 & 1, ok;

	uxn |= d >> 54 & 1;
	pxn |= d >> 53 & 1;
	o.gp = d & D_GP;
	o.attr = (uint8_t)(MAIR >> (d >> 2 & 7) * 8);
	bool ux = !(uxn || (wxn && uw));
	bool px = !(pxn || uw || (wxn && w));
	bool pr = true, pw = w;

	if (t->pan && (ur || (epan && ux)))
		pr = pw = false;
	if (exec)
		ok = as_el0 ? ux : px;
	else if (write)
		ok = as_el0 ? uw : pw;
	else
		ok = as_el0 ? ur : pr;
	if (!ok) {
		o.fsc = 0xc + l;
		o.wnr = write && (!t->atomic || (as_el0 ? ur : pr));
		o.af = false;
		return o;
	}
	o.dirty = write && clean;
	return o;
}

static bool has_pan3, has_ttst;

static void random_trial(struct trial *t)
{
	static const unsigned ips_bits[6] = { 32, 36, 40, 42, 44, 48 };
	uint64_t ips = one_in(4) ? rnd() % 6 : 5;
	uint64_t *slots[4];

	memset(t, 0, sizeof(*t));
	t->g = (int)(rnd() % 3);
	t->half = rnd() & 1;
	t->max_tsz = !has_ttst ? 39 : t->g == 2 ? 47 : 48;
	t->tsz = one_in(40) ? (unsigned)(rnd() % 64) :
		 16 + (unsigned)(rnd() % (t->max_tsz - 15));
	t->out_bits = ips_bits[ips];
	if (t->out_bits > M.model.pa_bits)
		t->out_bits = M.model.pa_bits;
	/* the other half is nonsense */
	t->tcr = (rnd() & 0x3f003f00ull) | ips << 32;
	t->tcr &= ~(0x3full | 3ull << 14 | 0x3full << 16 | 3ull << 30 |
		    1ull << 7 | 1ull << 23);
	t->tcr |= (uint64_t)t->tsz << (t->half ? 16 : 0);
	t->tcr |= tg_bits[t->half][t->g];
	for (int b = 37; b <= 56; b++)
		if (b != 43 && b < 43 ? rnd() & 1 : b > 50 && one_in(6))
			t->tcr |= 1ull << b;
	if (one_in(30))
		t->tcr |= 1ull << (t->half ? 23 : 7);
	if (!M.model.has[FEAT_HAF])
		t->tcr &= ~(TCR_HA | TCR_HD);
	t->sctlr = 1 | (one_in(3) ? 1ull << 19 : 0) |
		   (has_pan3 && one_in(2) ? 1ull << 57 : 0);
	t->el0 = rnd() & 1;
	t->pan = !t->el0 && rnd() & 1;
	t->uao = rnd() & 1;
	t->acc = (enum mmu_access)(rnd() % 3);
	t->unpriv = t->acc != ACC_EXEC && one_in(3);
	t->atomic = t->acc == ACC_WRITE && !t->unpriv && one_in(3);

	/* an address, canonical but for now and then */
	t->va = rnd();
	for (unsigned b = t->tsz && t->tsz < 60 ? 64 - t->tsz : 48; b < 64;
	     b++) {
		t->va &= ~(1ull << b);
		t->va |= (uint64_t)t->half << b;
	}
	if (one_in(4))
		t->va ^= rnd() << 56;
	if (one_in(20))
		t->va ^= 1ull << (rnd() % 55);
	t->half = t->va >> 55 & 1;

	t->ttbr = new_table() | (rnd() & 0xffff) << 48 | (rnd() & 1);
	if (one_in(60))
		t->ttbr ^= 1ull << (28 + rnd() % 20);
	int first = start_level(t->g, t->tsz);

	if (first >= 0 && t->tsz < 60 && one_in(2)) {
		/* a small table somewhere in the page; low bits are RES0 */
		int log = 64 - (int)t->tsz - level_shift[t->g][first] + 3;
		uint64_t size = 1ull << (log < 6 ? 6 : log);

		if (size < 0x10000)
			t->ttbr += rnd() % (0x10000 / size) * size;
		t->ttbr |= rnd() & 0x3e;
	}
	t->leaf = first < 0 ? 3 : first + (int)(rnd() % (unsigned)(4 - first));
	uint64_t tab = t->ttbr & 0xffffffffffffull & ~63ull;

	if (first < 0 || t->tsz < 16 || t->tsz > t->max_tsz)
		return;
	for (int l = first; l <= t->leaf; l++) {
		if (tab < FAKE_RAM || tab + 0x10000 > FAKE_RAM + RAM_SIZE)
			return;
		slots[l] = slot(t->g, t->tsz, l, tab, t->va);
		uint64_t d;

		if (l == t->leaf) {
			d = rnd() & (0xffull << 50 | 0xfc0 | 0x8);
			d |= one_in(3) ? 0 : D_AF;
			d |= one_in(2) ? 0 : 4;
			d |= l == 3 ? 3 : 1;
			d |= one_in(3) ? FAKE_RAM + (rnd() % RAM_SIZE) / 65536 *
			     65536 : rnd() & 0x0000fffffffff000ull &
			     ((1ull << t->out_bits) - 1);
			d &= ~(1ull << 52);
			if (one_in(30))
				d ^= 1ull << (28 + rnd() % 20);
			if (one_in(30))
				d ^= 1 + rnd() % 3;
		} else {
			d = new_table() | 3 | (rnd() & 0xffcull) |
			    (rnd() & 0xffull << 51);
			for (int b = 59; b < 63; b++)
				if (one_in(8))
					d |= 1ull << b;
			if (one_in(60))
				d ^= 1ull << (28 + rnd() % 20);
			if (one_in(60))
				d ^= 1;
		}
		*slots[l] = d;
		tab = d & 0x0000ffffffff0000ull;
	}
}

/* The same access again and again: from the tables, from the second level,
 * and, for what the inline TLB holds, from there. */
static void run_trial(const struct trial *t, unsigned n)
{
	struct cpu *c = M.c;
	unsigned flags = (t->unpriv ? MEM_UNPRIV : 0) |
			 (t->atomic ? MEM_ATOMIC : 0);
	struct outcome o = reference(t);
	uint64_t before = o.leaf ? *o.leaf : 0, after;

	c->sr.tcr = t->tcr;
	c->sr.mair = MAIR;
	c->sr.ttbr[t->half] = t->ttbr;
	c->sr.ttbr[!t->half] = rnd();
	c->sr.sctlr = t->sctlr;
	c->pstate = t->uao ? PS_UAO : 0;
	el_pan(!t->el0, t->pan);
	mmu_regs_changed(c);
	tlbi(TLBI_ALL, 0, 0, 0);
	for (unsigned again = 0; again < 2; again++) {
		struct mmu_result r;
		bool ok = mmu_translate(c, t->va, t->acc, flags, &r);
		uint32_t ec = t->acc == ACC_EXEC ? 0x20 : 0x24;

		if (ok != (o.fsc < 0))
			fail_msg("trial %u: va %llx %s, expected %x (ESR %x)",
				 n, (unsigned long long)t->va,
				 ok ? "passes" : "faults", o.fsc, c->exc.esr);
		if (!ok) {
			uint32_t esr = ESR(ec + c->el, o.fsc);

			if (t->acc != ACC_EXEC && o.wnr)
				esr |= WNR;
			if (esr != c->exc.esr || c->exc.far != t->va)
				fail_msg("trial %u: ESR %x, expected %x", n,
					 c->exc.esr, esr);
			assert_true(!o.leaf || *o.leaf == before);
			continue;
		}
		assert_int_equal(r.pa, o.pa);
		assert_int_equal(r.guarded, o.gp);
		assert_int_equal(r.attr, o.attr);
		assert_int_equal(r.host != NULL,
				 as_find_ram(M.f->as, o.pa, 1) != NULL);
		if (r.host)
			assert_ptr_equal(r.host, ram64(o.pa & ~7ull) == NULL ?
					 NULL : M.f->ram + (o.pa - FAKE_RAM));
		after = before;
		if (o.af)
			after |= D_AF;
		if (o.dirty)
			after &= ~D_RO;
		assert_int_equal(*o.leaf, after);
		*o.leaf = after;
	}
	/* and AT agrees, by the descriptor as it was */
	if (t->acc == ACC_EXEC || t->atomic || o.dirty || o.af)
		return;
	tlbi(TLBI_ALL, 0, 0, 0);
	bool el0 = t->el0 || (t->unpriv && !t->uao);

	el_pan(1, t->pan);
	mmu_at(c, t->va, t->acc == ACC_WRITE, el0, true);
	assert_true(c->sr.par >> 11 & 1);
	if (o.fsc < 0) {
		assert_int_equal(c->sr.par & 1, 0);
		assert_int_equal(c->sr.par & 0xfffffffff000ull, o.pa & ~4095ull);
		assert_int_equal(c->sr.par >> 56, o.attr);
	} else {
		assert_int_equal(c->sr.par, 0x801 | o.fsc << 1);
	}
}

static void walks(unsigned n)
{
	struct trial t;
	uint64_t seen = 0;

	has_pan3 = M.model.has[FEAT_PAN3];
	has_ttst = M.model.has[FEAT_TTST];
	for (unsigned i = 0; i < n; i++) {
		M.next = FAKE_RAM + RAM_SIZE / 2;
		random_trial(&t);
		struct outcome o = reference(&t);

		seen |= 1ull << (o.fsc < 0 ? 63 : o.fsc);
		run_trial(&t, i);
	}
	/* every fault at every level it exists at */
	assert_int_equal(seen & 0xf, 0xf);              /* size 0..3 */
	assert_int_equal(seen >> 4 & 0xf, 0xf);         /* translation */
	if (!M.model.has[FEAT_HAF])
		assert_int_equal(seen >> 8 & 0xf, 0xe);
	assert_int_equal(seen >> 12 & 0xf, 0xe);        /* permission */
	assert_int_equal(seen >> 0x14 & 0xf, 0xf);      /* abort on the walk */
	assert_true(seen >> 63);
}

static void test_walks(void **state)
{
	walks(60000);
}

static void test_walks_no_haf(void **state)
{
	teardown(state);
	setup_model("generic,haf=off,ttst=off,pan3=off");
	walks(30000);
}

/* ---- directed ---------------------------------------------------------- */

#define UVA 0x0000123456700000ull
#define KVA 0xffff800012340000ull
#define P0 (FAKE_RAM + 0x10000)
#define P1 (FAKE_RAM + 0x11000)
#define P2 (FAKE_RAM + 0x23000)

/* 40 bits of PA; granules and tables that are there (no 64K). */
static void test_walks_vmapple(void **state)
{
	teardown(state);
	setup_model("vmapple,tgran64k=on");
	walks(30000);
}

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

/* ---- the TLBs' scope --------------------------------------------------- */

static void set_asid(struct cpu *c, uint16_t asid)
{
	c->sr.ttbr[0] = root[0] | (uint64_t)asid << 48;
	mmu_regs_changed(c);
}

/* Is the page still remembered, though the tables say otherwise now? */
static bool remembered(uint64_t va)
{
	uint64_t v;

	return mem_load(M.c, va, 8, 0, &v);
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
	assert_int_equal(load(UVA, 8), 100);
	set_asid(c, 2);
	assert_int_equal(load(UVA, 8), 101);
	assert_int_equal(c->n_walk, walks_before);
	/* AS = 0: ASID 0x101 is 1; A1: TTBR1's */
	set_asid(c, 0x101);
	assert_int_equal(load(UVA, 8), 100);
	c->sr.tcr |= 1 << 22;
	mmu_regs_changed(c);
	assert_int_equal(load(UVA, 8), 101);
	c->sr.ttbr[1] |= 5ull << 48;
	mmu_regs_changed(c);
	map(UVA, P0, URW);
	assert_int_equal(load(UVA, 8), 100);
	set_asid(c, 3);
	map(UVA, P1, URW);
	assert_int_equal(load(UVA, 8), 100);
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
	assert_int_equal(load(UVA, 8), 100);
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
			sched_yield();
		}
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
	for (int i = 0; i < 200; i++) {
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

/* ---- views ------------------------------------------------------------- */

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
	assert_int_equal(c->tlb->code[KVA >> 12 & 63].tag, 1);
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
	assert_int_equal(c->tlb->code[UVA >> 12 & 63].tag, 1);
	assert_int_equal(c->tlb->code[(UVA + 0x5000) >> 12 & 63].tag, 1);
	assert_int_equal(c->tlb->code[k >> 12 & 63].tag, k);
	tlbi(TLBI_VAA, 0, k, 0);
	assert_int_equal(c->tlb->code[k >> 12 & 63].tag, 1);
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
	assert_int_equal(c->tlb->code[k >> 12 & 63].tag, 1);
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
	mmu_tlbi(M.in.cpu[1], &(struct tlbi){ TLBI_ALL, 0, 0, 0 }, true);
	mmu_reset(M.c);
	assert_false(remembered(UVA));
	mmu_dsb(M.in.cpu[1]);           /* would hang if not acknowledged */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_walks), T(test_walks_no_haf), T(test_walks_vmapple),
		T(test_mmu_off),
		T(test_tags_and_far), T(test_alignment),
		T(test_alignment_no_lse2), T(test_crossing),
		T(test_crossing_dirty), T(test_dirty_through_tlb),
		T(test_unpriv), T(test_cache_ops), T(test_mmio), T(test_watch),
		T(test_tlbi), T(test_asids), T(test_asid16),
		T(test_tlbi_large), T(test_capacity), T(test_broadcast),
		T(test_two_dsb), T(test_views), T(test_par), T(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
