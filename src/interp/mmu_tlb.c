/* mmu_tlb.c: second-level TLB, emptying of the inline ones, views, TLBI.
 *
 * Arm ARM D8.13 (TLB maintenance); spec/cpu.md 2.3, 3.4. The stores and their
 * rules are described in mmu_int.h. Dropping more than was asked for is always
 * legal, so hashes and ranges err on that side. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "debug.h"
#include "mmu_int.h"

#define FPCR_RESULT 0x07c80007u         /* AHP DN FZ RMode FZ16, NEP AH FIZ */
#define TCR_A1 (1ull << 22)
#define TCR_AS (1ull << 36)
#define SCTLR_PERM (SCTLR_M | SCTLR_WXN | SCTLR_EPAN)

/* Ranges of more pages than this are not visited page by page. */
#define RANGE_PAGES 64

static const uint8_t block_shift[BLOCK_SIZES] = { 21, 25, 29, 30 };

/* ---- inline TLBs ------------------------------------------------------- */

static inline void empty_data(struct tlbe *t, unsigned i)
{
	t[i].va = (uint64_t)(i ^ 1) << PAGE_SHIFT;
}

static void empty_code(struct cpu *c, unsigned view)
{
	for (unsigned i = 0; i < CODE_TLB_SIZE; i++)
		c->views[view].code[i].tag = CODE_EMPTY;
	c->views[view].ng_code = 0;
}

static void empty_view(struct cpu *c, unsigned view)
{
	struct tlb *t = &c->views[view];

	for (unsigned i = 0; i < TLB_SIZE; i++) {
		empty_data(t->r, i);
		empty_data(t->w, i);
	}
	memset(t->ng_r, 0, sizeof(t->ng_r));
	memset(t->ng_w, 0, sizeof(t->ng_w));
	empty_code(c, view);
	t->used = false;
}

/* Where mmu_refill() may help itself: Normal memory, unless watchpoints need a
 * look at each page. */
static uint8_t normal_of(const struct cpu *c)
{
	uint8_t normal = 0;

	if (!(c->sr.sctlr & SCTLR_M) || debug_watching(c))
		return 0;
	for (unsigned i = 0; i < 8; i++)
		normal |= (uint8_t)(!is_device(c->sr.mair >> i * 8 & 0xff) << i);
	return normal;
}

void mmu_flush_inline(struct cpu *c)
{
	c->mmu->normal = normal_of(c);
	for (unsigned v = 0; v < TLB_VIEWS; v++)
		if (c->views[v].used)
			empty_view(c, v);
	c->mmu->any_ng = false;
}

void mmu_flush_code(struct cpu *c)
{
	for (unsigned v = 0; v < TLB_VIEWS; v++)
		if (c->views[v].used)
			empty_code(c, v);
}

static void empty_marked(struct tlbe *t, uint64_t mark[TLB_SIZE / 64])
{
	for (unsigned i = 0; i < TLB_SIZE / 64; i++) {
		for (; mark[i]; mark[i] &= mark[i] - 1)
			empty_data(t, i * 64 +
				   (unsigned)__builtin_ctzll(mark[i]));
	}
}

/* The entries of the current ASID; global ones stay. */
static void flush_inline_ng(struct cpu *c)
{
	struct mmu_cpu *m = c->mmu;

	if (!m->any_ng)
		return;
	for (unsigned v = 0; v < TLB_VIEWS; v++) {
		struct tlb *t = &c->views[v];

		empty_marked(t->r, t->ng_r);
		empty_marked(t->w, t->ng_w);
		for (; t->ng_code; t->ng_code &= t->ng_code - 1)
			t->code[__builtin_ctzll(t->ng_code)].tag = CODE_EMPTY;
	}
	m->any_ng = false;
}

/* One page, whatever tag its addresses have. */
static void flush_inline_page(struct cpu *c, uint64_t page)
{
	unsigned i = page % TLB_SIZE, k = page % CODE_TLB_SIZE;

	for (unsigned v = 0; v < TLB_VIEWS; v++) {
		struct tlb *t = &c->views[v];

		if (PAGE_NO(t->r[i].va) == page)
			empty_data(t->r, i);
		if (PAGE_NO(t->w[i].va) == page)
			empty_data(t->w, i);
		if (PAGE_NO(t->code[k].tag) == page)
			t->code[k].tag = CODE_EMPTY;
	}
}

/* All pages whose number is that of `page` above the lowest `bits`. */
static void flush_inline_block(struct cpu *c, uint64_t page, unsigned bits)
{
	for (unsigned v = 0; v < TLB_VIEWS; v++) {
		struct tlb *t = &c->views[v];

		if (!c->views[v].used)
			continue;
		for (unsigned i = 0; i < TLB_SIZE; i++) {
			if ((PAGE_NO(t->r[i].va) ^ page) >> bits == 0)
				empty_data(t->r, i);
			if ((PAGE_NO(t->w[i].va) ^ page) >> bits == 0)
				empty_data(t->w, i);
		}
		for (unsigned i = 0; i < CODE_TLB_SIZE; i++)
			if ((PAGE_NO(t->code[i].tag) ^ page) >> bits == 0)
				t->code[i].tag = CODE_EMPTY;
	}
}

void tlb_fill(struct cpu *c, unsigned view, uint64_t va, const struct t2 *e,
	      bool write)
{
	struct tlb *t = &c->views[view];
	unsigned i = va >> PAGE_SHIFT & (TLB_SIZE - 1);
	struct tlbe *to = write ? &t->w[i] : &t->r[i];
	uint64_t *mark = write ? t->ng_w : t->ng_r, bit = 1ull << (i & 63);

	to->host = e->host;
	to->va = va & ~(uint64_t)PAGE_OFF;
	t->used = true;
	c->n_fill++;
	if (e->pa & T2_NG) {
		mark[i / 64] |= bit;
		c->mmu->any_ng = true;
	} else {
		mark[i / 64] &= ~bit;
	}
}

/* ---- second level ------------------------------------------------------ */

static inline struct t2 *t2_set(struct mmu_cpu *m, uint64_t page)
{
	return m->t2[page % T2_SETS];
}

/* Is it of an ASID or a time that has gone? */
static inline bool t2_live(const struct mmu_cpu *m, const struct t2 *e)
{
	unsigned g = e->pa & T2_NG ? e->asid % ASID_GENS : ASID_GENS;

	return e->page != T2_EMPTY && e->stamp == m->gen[g];
}

struct t2 *t2_find(struct mmu_cpu *m, uint64_t va)
{
	uint64_t page = PAGE_NO(va);
	struct t2 *e = t2_set(m, page);

	for (unsigned i = 0; i < T2_WAYS; i++, e++) {
		if (e->page != page)
			continue;
		if (e->pa & T2_NG && e->asid != m->asid)
			continue;
		if (t2_live(m, e))
			return e;
	}
	return NULL;
}

void t2_note_size(struct mmu_cpu *m, uint64_t page, unsigned shift)
{
	if (shift <= 16) {
		if (shift > m->max_granule)
			m->max_granule = (uint8_t)shift;
		return;
	}
	for (unsigned s = 0; s < BLOCK_SIZES; s++) {
		if (block_shift[s] == shift) {
			unsigned n = page >> (shift - PAGE_SHIFT) & 1023;

			m->block[s][n / 64] |= 1ull << (n & 63);
		}
	}
	m->any_block = true;
}

void t2_insert(struct mmu_cpu *m, struct t2 *e)
{
	struct t2 *set = t2_set(m, e->page), *to = NULL;
	unsigned n = e->page % T2_SETS;

	for (unsigned i = 0; i < T2_WAYS; i++) {
		struct t2 *o = &set[i];

		if (o->page == e->page && !((o->pa ^ e->pa) & T2_NG) &&
		    (!(e->pa & T2_NG) || o->asid == e->asid)) {
			to = o;
			break;
		}
		if (!to && !t2_live(m, o))
			to = o;
	}
	if (!to)
		to = &set[m->victim[n]++ % T2_WAYS];
	t2_note_size(m, e->page, e->shift);
	e->stamp = m->gen[e->pa & T2_NG ? e->asid % ASID_GENS : ASID_GENS];
	*to = *e;
}

static uint32_t next_gen(struct mmu_cpu *m)
{
	if (UNLIKELY(++m->last_gen == 0)) {
		/* once in 2^32 times: no stamp of old may come back */
		for (unsigned i = 0; i < T2_SETS; i++)
			for (unsigned j = 0; j < T2_WAYS; j++)
				m->t2[i][j].page = T2_EMPTY;
		m->last_gen = 1;
	}
	return m->last_gen;
}

static void flush_all(struct cpu *c)
{
	struct mmu_cpu *m = c->mmu;
	uint32_t g = next_gen(m);

	for (unsigned i = 0; i <= ASID_GENS; i++)
		m->gen[i] = g;
	m->walk_gen++;
	memset(m->block, 0, sizeof(m->block));
	m->any_block = false;
	m->max_granule = PAGE_SHIFT;
	mmu_flush_inline(c);
}

static bool asid_hit(const struct t2 *e, const struct tlbi *t)
{
	return t->kind == TLBI_VAA || t->kind == TLBI_RANGEA ||
	       !(e->pa & T2_NG) || e->asid == t->asid;
}

/* The pieces of a block that holds `page`. */
static void flush_block(struct cpu *c, uint64_t page, unsigned shift,
			const struct tlbi *t)
{
	struct mmu_cpu *m = c->mmu;
	unsigned bits = shift - PAGE_SHIFT;

	for (unsigned i = 0; i < T2_SETS; i++) {
		for (unsigned j = 0; j < T2_WAYS; j++) {
			struct t2 *e = &m->t2[i][j];

			if (e->shift == shift &&
			    (e->page ^ page) >> bits == 0 && asid_hit(e, t))
				e->page = T2_EMPTY;
		}
	}
	flush_inline_block(c, page, bits);
}

static void flush_page(struct cpu *c, uint64_t page, const struct tlbi *t)
{
	struct mmu_cpu *m = c->mmu;
	unsigned n = 1u << (m->max_granule - PAGE_SHIFT);
	uint64_t first = page & ~(uint64_t)(n - 1);

	for (uint64_t p = first; p < first + n; p++) {
		struct t2 *e = t2_set(m, p);

		for (unsigned i = 0; i < T2_WAYS; i++, e++)
			if (e->page == p &&
			    (p ^ page) >> (e->shift - PAGE_SHIFT) == 0 &&
			    asid_hit(e, t))
				e->page = T2_EMPTY;
		flush_inline_page(c, p);
	}
	if (!m->any_block)
		return;
	for (unsigned s = 0; s < BLOCK_SIZES; s++) {
		unsigned k = page >> (block_shift[s] - PAGE_SHIFT) & 1023;

		if (m->block[s][k / 64] >> (k & 63) & 1)
			flush_block(c, page, block_shift[s], t);
	}
}

static void flush_range(struct cpu *c, const struct tlbi *t)
{
	struct mmu_cpu *m = c->mmu;
	uint64_t first = PAGE_NO(t->va), last = PAGE_NO(t->end - 1);

	if (last >= first && last - first < RANGE_PAGES) {
		for (uint64_t p = first; p <= last; p++)
			flush_page(c, p, t);
		return;
	}
	for (unsigned i = 0; i < T2_SETS; i++) {
		for (unsigned j = 0; j < T2_WAYS; j++) {
			struct t2 *e = &m->t2[i][j];
			uint64_t in = e->page == T2_EMPTY ? 0 :
				      (1ull << (e->shift - PAGE_SHIFT)) - 1;

			/* wrapped around: all */
			if ((last < first || ((e->page & ~in) <= last &&
					      (e->page | in) >= first)) &&
			    asid_hit(e, t))
				e->page = T2_EMPTY;
		}
	}
	mmu_flush_inline(c);
}

/* ---- TLBI -------------------------------------------------------------- */

/* What of the walk cache is of the last level alone: blocks, but no tables. */
static void drop_walks(struct mmu_cpu *m, const struct tlbi *t)
{
	if (t->kind == TLBI_VA || t->kind == TLBI_VAA) {
		struct walk_entry *e = walk_entry(
			m, t->va, m->half[t->va >> 55 & 1].reach);

		if (!t->last || e->table == &e->block)
			e->gen = 0;
	} else if (!t->last || m->any_block) {
		m->walk_gen++;
	}
}

static void apply(struct cpu *c, const struct tlbi *how)
{
	struct mmu_cpu *m = c->mmu;
	struct tlbi t = *how;

	if (!(m->tcr & TCR_AS) || !c->in->model->has[FEAT_ASID16])
		t.asid &= 0xff;
	drop_walks(m, &t);
	/* pages that go as they are walked through are not worth more */
	m->last_fill[0] = m->last_fill[1] = 0;
	switch (t.kind) {
	case TLBI_ALL:
		flush_all(c);
		break;
	case TLBI_ASID:
		m->gen[t.asid % ASID_GENS] = next_gen(m);
		if (m->asid % ASID_GENS == t.asid % ASID_GENS)
			flush_inline_ng(c);
		break;
	case TLBI_VA:
	case TLBI_VAA:
		flush_page(c, PAGE_NO(t.va), &t);
		break;
	case TLBI_RANGE:
	case TLBI_RANGEA:
		flush_range(c, &t);
		break;
	}
}

static void post(struct cpu *c, struct cpu *o, const struct tlbi *t)
{
	struct mmu_cpu *m = o->mmu;

	pthread_mutex_lock(&m->lock);
	if (m->n < TLBI_QUEUE)
		m->queue[m->n++] = *t;
	else
		m->n = TLBI_QUEUE + 1;
	c->mmu->wait_for[o->index] = ++m->posted;
	pthread_mutex_unlock(&m->lock);
	c->mmu->waiting |= 1u << o->index;
	cpu_leave(o, REQ_TLB);
}

void mmu_tlbi(struct cpu *c, const struct tlbi *t, bool broadcast)
{
	apply(c, t);
	if (!broadcast || c->in->ncpus < 2)
		return;
	for (unsigned i = 0; i < c->in->ncpus; i++)
		if (c->in->cpu[i] && c->in->cpu[i] != c)
			post(c, c->in->cpu[i], t);
}

void mmu_serve(struct cpu *c)
{
	struct mmu_cpu *m = c->mmu;
	struct tlbi queue[TLBI_QUEUE];
	uint64_t seq;
	unsigned n;

	pthread_mutex_lock(&m->lock);
	n = m->n;
	seq = m->posted;
	if (n <= TLBI_QUEUE)
		memcpy(queue, m->queue, n * sizeof(queue[0]));
	m->n = 0;
	pthread_mutex_unlock(&m->lock);

	if (n > TLBI_QUEUE)
		flush_all(c);
	else
		for (unsigned i = 0; i < n; i++)
			apply(c, &queue[i]);
	atomic_store(&m->done, seq);
}

/* Has CPU i done what this one broadcast? One that is halted serves its
 * requests before it touches guest memory again; req was set before halted is
 * read here, so it cannot miss them. */
static bool acknowledged(struct cpu *c, unsigned i)
{
	struct cpu *o = c->in->cpu[i];

	return !o || atomic_load(&o->halted) ||
	       atomic_load(&o->mmu->done) >= c->mmu->wait_for[i];
}

void mmu_dsb(struct cpu *c)
{
	struct mmu_cpu *m = c->mmu;
	const struct vm *vm = c->in->vm;

	for (unsigned turns = 0; m->waiting; turns++) {
		for (uint32_t w = m->waiting; w; w &= w - 1) {
			unsigned i = (unsigned)__builtin_ctz(w);

			if (acknowledged(c, i))
				m->waiting &= ~(1u << i);
		}
		if (!m->waiting)
			return;
		/* Others may wait for this one in turn. The request stays set,
		 * so that this CPU looks its own page up again too. */
		if (atomic_load(&c->req) & REQ_TLB)
			mmu_serve(c);
		/* All stop: those that have stopped serve before they go on. */
		if (vm && (atomic_load(&vm->park) ||
			   atomic_load(&vm->event) != VM_NONE)) {
			m->waiting = 0;
			return;
		}
		if (turns > 64)
			sched_yield();
	}
}

/* ---- registers and views ----------------------------------------------- */

static uint32_t ctx_of(const struct cpu *c, unsigned view)
{
	unsigned el = view != TLB_EL0, fpen = c->sr.cpacr >> 20 & 3;
	uint32_t ctx = debug_ctx(c, el);

	if (fpen == 0 || fpen == 2 || (fpen == 1 && el == 0))
		ctx |= CTX_FPTRAP;
	if (c->sr.fpcr & FPCR_RESULT)
		ctx |= CTX_FPSLOW;
	if (!(c->sr.sctlr & SCTLR_M) || c->sr.sctlr & SCTLR_A)
		ctx |= CTX_ALIGN;
	if (c->in->count || c->pmu.active)
		ctx |= CTX_COUNT;
	return ctx;
}

static uint16_t asid_now(const struct cpu *c)
{
	uint64_t ttbr = c->sr.ttbr[c->sr.tcr & TCR_A1 ? 1 : 0];

	if (c->sr.tcr & TCR_AS && c->in->model->has[FEAT_ASID16])
		return (uint16_t)(ttbr >> 48);
	return ttbr >> 48 & 0xff;
}

/* Translations are cached under what TCR and MAIR said, and, in the inline
 * TLB, under the ASID and what SCTLR said. */
static void check_regs(struct cpu *c)
{
	struct mmu_cpu *m = c->mmu;
	struct sysregs *r = &c->sr;
	bool new_tcr = r->tcr != m->tcr;

	if (UNLIKELY(new_tcr || r->mair != m->mair)) {
		m->tcr = r->tcr;
		m->mair = r->mair;
		walk_regime(m, c->in->model, r->tcr);
		m->asid = asid_now(c);
		flush_all(c);
	}
	if (UNLIKELY((r->sctlr ^ m->sctlr) & SCTLR_PERM))
		mmu_flush_inline(c);
	m->sctlr = r->sctlr;
	if (r->ttbr[0] != m->ttbr[0] || r->ttbr[1] != m->ttbr[1] || new_tcr) {
		uint16_t asid = asid_now(c);

		m->ttbr[0] = r->ttbr[0];
		m->ttbr[1] = r->ttbr[1];
		if (asid != m->asid) {
			m->asid = asid;
			flush_inline_ng(c);
		}
		for (unsigned i = 0; i < 2; i++)
			m->root[i] = walk_root(m, i);
	}
}

void mmu_view(struct cpu *c)
{
	check_regs(c);
	for (unsigned v = 0; v < TLB_VIEWS; v++) {
		uint32_t ctx = ctx_of(c, v);

		if (ctx != c->views[v].ctx) {
			c->views[v].ctx = ctx;
			empty_code(c, v);
		}
	}
	mmu_pick(c);
}

void mmu_regs_changed(struct cpu *c)
{
	mmu_view(c);
}

/* ---- life -------------------------------------------------------------- */

int mmu_open(struct cpu *c, struct err *e)
{
	struct mmu_cpu *m = aligned_alloc(64, sizeof(*m));

	if (!m)
		return err_set(e, ENOMEM, "allocate a TLB");
	memset(m, 0, sizeof(*m));
	m->walk_gen = 1;
	pthread_mutex_init(&m->lock, NULL);
	for (unsigned i = 0; i < T2_SETS; i++)
		for (unsigned j = 0; j < T2_WAYS; j++) {
			m->t2[i][j].page = T2_EMPTY;
			m->t2[i][j].shift = PAGE_SHIFT;
		}
	c->mmu = m;
	for (unsigned v = 0; v < TLB_VIEWS; v++) {
		c->views[v].view = (uint8_t)v;
		empty_view(c, v);
	}
	mmu_reset(c);
	return 0;
}

void mmu_close(struct cpu *c)
{
	if (!c->mmu)
		return;
	pthread_mutex_destroy(&c->mmu->lock);
	free(c->mmu);
	c->mmu = NULL;
}

/* Others may post meanwhile (PSCI CPU_ON resets a CPU while they run). */
void mmu_reset(struct cpu *c)
{
	struct mmu_cpu *m = c->mmu;
	uint64_t seq;

	pthread_mutex_lock(&m->lock);
	m->n = 0;
	seq = m->posted;
	pthread_mutex_unlock(&m->lock);
	m->tcr = ~c->sr.tcr;
	check_regs(c);
	m->waiting = 0;
	atomic_store(&m->done, seq);
	mmu_pick(c);
}
