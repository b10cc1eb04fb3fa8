/* The table walker: random walks against a reference of its own. */
#include <stdio.h>

#include "mmu_board.h"

static bool one_in(unsigned n)
{
	return rnd() % n == 0;
}

struct trial {
	int g, leaf;                    /* granule, level of the leaf */
	unsigned half, tsz, out_bits, max_tsz;
	uint64_t tcr, ttbr, va, sctlr;
	uint64_t raw;                   /* tcr with what the model ignores */
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
	o.gp = d & D_GP && M.model.has[FEAT_BTI];
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

/* What the model makes of a TCR. */
static uint64_t tcr_with_features(uint64_t tcr)
{
	static const struct { enum feature feat; uint64_t bits; } f[] = {
		{ FEAT_HAF, TCR_HA | TCR_HD }, { FEAT_HDBS, TCR_HD },
		{ FEAT_HPDS, 3ull << 41 }, { FEAT_PAuth, 3ull << 51 },
		{ FEAT_E0PD, 3ull << 55 },
	};

	for (unsigned i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		if (!M.model.has[f[i].feat])
			tcr &= ~f[i].bits;
	return tcr;
}

static void random_trial(struct trial *t)
{
	static const unsigned ips_bits[6] = { 32, 36, 40, 42, 44, 48 };
	uint64_t ips = one_in(4) ? rnd() % 6 : 5;
	uint64_t *slots[4];
	int asked = (int)(rnd() % 3);

	memset(t, 0, sizeof(*t));
	/* a granule that is not there is 4K */
	t->g = asked;
	if (!M.model.has[asked == 2 ? FEAT_TGran64K :
			 asked == 1 ? FEAT_TGran16K : FEAT_BASE])
		t->g = 0;
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
	t->tcr |= tg_bits[t->half][asked];
	for (int b = 37; b <= 56; b++)
		if (b != 43 && b < 43 ? rnd() & 1 : b > 50 && one_in(6))
			t->tcr |= 1ull << b;
	if (one_in(30))
		t->tcr |= 1ull << (t->half ? 23 : 7);
	t->raw = t->tcr;
	t->tcr = tcr_with_features(t->tcr);
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

/* Whether mmu_refill() does it, which may always leave it to others: then the
 * access is allowed, leaves the descriptor as it was, and this is the page. How
 * many it did. */
static unsigned refill(const struct trial *t, const struct outcome *o,
		       unsigned n)
{
	struct cpu *c = M.c;
	bool write = t->acc == ACC_WRITE, unpriv = t->unpriv && !t->uao;
	struct tlb *v = unpriv ? &c->views[TLB_EL0] : c->tlb;
	unsigned i = t->va >> 12 & (TLB_SIZE - 1);
	const struct tlbe *e = write ? &v->w[i] : &v->r[i];
	uint64_t now = o->leaf ? *o->leaf : 0;

	if (t->acc == ACC_EXEC || t->atomic)
		return 0;
	mmu_flush_inline(c);
	if (!mmu_refill(c, v, t->va, write))
		return 0;
	if (o->fsc >= 0 || !(now & D_AF))
		fail_msg("trial %u: filled, expected fault %x", n, o->fsc);
	assert_ptr_equal(e->host + (t->va - e->va),
			 M.f->ram + (o->pa - FAKE_RAM));
	assert_true(o->attr & 0xf0);
	assert_true(v->used);
	assert_int_equal((write ? v->ng_w : v->ng_r)[i / 64] >> (i & 63) & 1,
			 now >> 11 & 1);
	/* once is enough */
	assert_false(mmu_refill(c, v, t->va, write));
	/* and what it says is what the slow way finds */
	assert_true(mem_load(c, t->va & ~15ull, 1, unpriv ? MEM_UNPRIV : 0,
			     &now) || write);
	return 1;
}

/* The same access again and again: from the tables, from the second level,
 * and, for what the inline TLB holds, from there. */
static unsigned run_trial(const struct trial *t, unsigned n)
{
	struct cpu *c = M.c;
	unsigned flags = (t->unpriv ? MEM_UNPRIV : 0) |
			 (t->atomic ? MEM_ATOMIC : 0);
	struct outcome o = reference(t);
	uint64_t before = o.leaf ? *o.leaf : 0, after;
	unsigned filled;

	c->sr.tcr = t->raw;
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
	filled = refill(t, &o, n);
	tlbi(TLBI_ALL, 0, 0, 0);
	assert_false(mmu_refill(c, c->tlb, t->va, t->acc == ACC_WRITE));
	/* and AT agrees, by the descriptor as it was */
	if (t->acc == ACC_EXEC || t->atomic || o.dirty || o.af)
		return filled;
	tlbi(TLBI_ALL, 0, 0, 0);
	bool el0 = t->el0 || (t->unpriv && !t->uao);

	el_pan(1, t->pan);
	if (!mmu_at(c, t->va, t->acc == ACC_WRITE, el0, true)) {
		assert_in_range(o.fsc, 0x14, 0x17);
		assert_int_equal(c->exc.esr, DABT1(1 << 8 | WNR | o.fsc));
		return filled;
	}
	assert_true(c->sr.par >> 11 & 1);
	if (o.fsc < 0) {
		assert_int_equal(c->sr.par & 1, 0);
		assert_int_equal(c->sr.par & 0xfffffffff000ull, o.pa & ~4095ull);
		assert_int_equal(c->sr.par >> 56, o.attr);
	} else {
		assert_int_equal(c->sr.par, 0x801 | o.fsc << 1);
	}
	return filled;
}

static void walks(unsigned n)
{
	struct trial t;
	uint64_t seen = 0;
	unsigned filled = 0;

	has_pan3 = M.model.has[FEAT_PAN3];
	has_ttst = M.model.has[FEAT_TTST];
	for (unsigned i = 0; i < n; i++) {
		M.next = FAKE_RAM + RAM_SIZE / 2;
		random_trial(&t);
		struct outcome o = reference(&t);

		seen |= 1ull << (o.fsc < 0 ? 63 : o.fsc);
		filled += run_trial(&t, i);
	}
	assert_in_range(filled, n / 200, n);
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

/* 40 bits of PA; granules and tables that are there (no 64K). */
static void test_walks_vmapple(void **state)
{
	teardown(state);
	setup_model("vmapple,tgran64k=on");
	walks(30000);
}

/* Every feature that the walk asks for, away. */
static void test_walks_switches(void **state)
{
	static const char *const off[] = {
		"hdbs", "hpds", "e0pd", "pauth", "bti", "tgran16k", "tgran64k",
		"lse2", "asid16",
	};
	char spec[40];

	for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		teardown(state);
		snprintf(spec, sizeof(spec), "generic,%s=off", off[i]);
		setup_model(spec);
		walks(20000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_walks), T(test_walks_no_haf),
		T(test_walks_vmapple), T(test_walks_switches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
