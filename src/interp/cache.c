/* cache.c: decoded code by physical page; the rules are in cache.h.
 *
 * Reclaim: a retired page gets an epoch; a vCPU acknowledges an epoch when it
 * has emptied its code TLB at a point where it holds no record (REQ_CODE).
 * cpu.halted means that it holds none and will serve its requests before it
 * takes one again, so it counts as acknowledged. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cache.h"
#include "mmu.h"
#include "op.h"

struct ram_map {
	const struct ram *ram;
	_Atomic(struct codepage *) *page;       /* by 4 KiB page of the block */
	size_t bytes;
};

struct cache {
	struct interp *in;
	struct codepage *pool;
	size_t max, used;               /* pages; [0, used) were handed out */
	pthread_mutex_t lock;
	_Atomic uint64_t epoch;
	struct codepage *free, *retired;
	uint64_t n_retired;
	struct ram_map map[AS_MAX_RAM];
	int nmap;
};

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct cache *cache_new(struct interp *in, uint64_t max_bytes, struct err *e)
{
	struct cache *k = calloc(1, sizeof(*k));
	int n;
	const struct ram *ram = as_rams(in->as, &n);

	if (!k) {
		err_set(e, ENOMEM, "allocate the code cache");
		return NULL;
	}
	k->in = in;
	k->max = max_bytes / sizeof(struct codepage);
	if (k->max < 64)
		k->max = 64;            /* smaller would only thrash */
	pthread_mutex_init(&k->lock, NULL);
	k->pool = reserve(k->max * sizeof(struct codepage));
	if (!k->pool)
		goto fail;
	/* pages are handed out in order, and every instruction reads here */
	madvise(k->pool, k->max * sizeof(struct codepage), MADV_HUGEPAGE);
	for (int i = 0; i < n; i++) {
		struct ram_map *m = &k->map[i];

		m->ram = &ram[i];
		m->bytes = ram[i].size / REC_PAGE * sizeof(*m->page);
		m->page = reserve(m->bytes);
		if (!m->page)
			goto fail;
		k->nmap++;
	}
	return k;
fail:
	err_set(e, errno, "reserve %zu MiB for decoded code",
		(size_t)(max_bytes >> 20));
	cache_free(k);
	return NULL;
}

void cache_free(struct cache *k)
{
	if (!k)
		return;
	for (int i = 0; i < k->nmap; i++)
		munmap(k->map[i].page, k->map[i].bytes);
	if (k->pool)
		munmap(k->pool, k->max * sizeof(struct codepage));
	pthread_mutex_destroy(&k->lock);
	free(k);
}

static _Atomic(struct codepage *) *slot_of(struct cache *k, uint64_t pa)
{
	for (int i = 0; i < k->nmap; i++) {
		const struct ram *r = k->map[i].ram;

		if (pa - r->gpa < r->size)
			return &k->map[i].page[(pa - r->gpa) / REC_PAGE];
	}
	return NULL;
}

/* Moves retired pages that nobody can hold any more to the free list. */
static void reclaim(struct cache *k)
{
	uint64_t safe = atomic_load(&k->epoch);

	for (unsigned i = 0; i < k->in->ncpus; i++) {
		struct cpu *c = k->in->cpu[i];

		if (!c || atomic_load(&c->halted))
			continue;
		uint64_t seen = atomic_load(&c->code_epoch);

		if (seen < safe)
			safe = seen;
	}
	struct codepage **pp = &k->retired;

	while (*pp) {
		struct codepage *p = *pp;

		if (p->epoch <= safe) {
			*pp = p->next;
			p->next = k->free;
			k->free = p;
		} else {
			pp = &p->next;
		}
	}
}

/* Unlinks every page of the slot. Lock held. */
static bool unlink_slot(struct cache *k, _Atomic(struct codepage *) *slot,
			uint64_t epoch)
{
	struct codepage *p = atomic_exchange(slot, NULL);

	if (!p)
		return false;
	while (p) {
		struct codepage *next = p->next;

		p->retired = true;
		p->epoch = epoch;
		p->next = k->retired;
		k->retired = p;
		k->n_retired++;
		p = next;
	}
	return true;
}

/* After unlinking: publishes the epoch and asks every vCPU to look up anew. */
static void announce(struct cache *k, uint64_t epoch)
{
	atomic_store(&k->epoch, epoch);
	for (unsigned i = 0; i < k->in->ncpus; i++)
		if (k->in->cpu[i])
			cpu_leave(k->in->cpu[i], REQ_CODE);
}

/* Lock held. */
static void retire_everything(struct cache *k)
{
	uint64_t epoch = atomic_load(&k->epoch) + 1;

	for (size_t i = 0; i < k->used; i++) {
		_Atomic(struct codepage *) *slot;

		if (k->pool[i].retired)
			continue;
		slot = slot_of(k, k->pool[i].pa);
		if (slot)
			unlink_slot(k, slot, epoch);
	}
	announce(k, epoch);
}

/* A page to fill, taken off the pool. Lock held; let go of while waiting for
 * other vCPUs to pass a safe point. */
static struct codepage *take_page(struct cpu *c, struct cache *k)
{
	for (;;) {
		if (!k->free && k->retired)
			reclaim(k);
		if (k->free) {
			struct codepage *p = k->free;

			k->free = p->next;
			return p;
		}
		if (k->used < k->max)
			return &k->pool[k->used++];
		if (!k->retired)
			retire_everything(k);
		pthread_mutex_unlock(&k->lock);
		cache_serve(c);
		sched_yield();
		pthread_mutex_lock(&k->lock);
	}
}

static struct codepage *find(_Atomic(struct codepage *) *slot, uint32_t ctx)
{
	struct codepage *p = atomic_load_explicit(slot, memory_order_acquire);

	while (p && p->ctx != ctx)
		p = p->next;
	return p;
}

struct codepage *cache_page(struct cpu *c, const struct ram *ram, uint64_t pa,
			    uint32_t ctx)
{
	struct cache *k = c->in->cache;
	_Atomic(struct codepage *) *slot = slot_of(k, pa);
	struct codepage *p = find(slot, ctx);

	if (p)
		return p;
	/* c holds no record here, so it need not be waited for */
	cache_serve(c);
	pthread_mutex_lock(&k->lock);
	p = find(slot, ctx);
	if (!p) {
		p = take_page(c, k);
		p->pa = pa & ~(uint64_t)(REC_PAGE - 1);
		p->ctx = ctx;
		p->retired = false;
		p->host = ram->host + (p->pa - ram->gpa);
		for (unsigned i = 0; i < REC_WORDS; i++)
			p->r[i].h = op_decode;
		p->end.h = ctx & CTX_COUNT ? op_pageend_count : op_pageend;
		p->next = atomic_load(slot);
		atomic_store_explicit(slot, p, memory_order_release);
	}
	pthread_mutex_unlock(&k->lock);
	return p;
}

struct codepage *cache_page_of(struct cache *k, const struct rec *r)
{
	size_t i = ((size_t)((const char *)r - (const char *)k->pool)) /
		   sizeof(struct codepage);

	return &k->pool[i];
}

void cache_retire(struct cpu *c, uint64_t pa)
{
	struct cache *k = c->in->cache;
	_Atomic(struct codepage *) *slot = slot_of(k, pa);

	if (!slot || !atomic_load(slot))
		return;
	pthread_mutex_lock(&k->lock);
	uint64_t epoch = atomic_load(&k->epoch) + 1;

	if (unlink_slot(k, slot, epoch))
		announce(k, epoch);
	pthread_mutex_unlock(&k->lock);
}

void cache_retire_all(struct cpu *c)
{
	struct cache *k = c->in->cache;

	pthread_mutex_lock(&k->lock);
	retire_everything(k);
	pthread_mutex_unlock(&k->lock);
}

void cache_serve(struct cpu *c)
{
	uint64_t epoch = atomic_load(&c->in->cache->epoch);

	if (epoch == atomic_load_explicit(&c->code_epoch, memory_order_relaxed))
		return;
	mmu_flush_code(c);
	atomic_store(&c->code_epoch, epoch);
}

void cache_reset(struct cache *k)
{
	pthread_mutex_lock(&k->lock);
	retire_everything(k);
	reclaim(k);
	pthread_mutex_unlock(&k->lock);
}

void cache_stats(struct cache *k, uint64_t *pages, uint64_t *max_pages,
		 uint64_t *retired)
{
	pthread_mutex_lock(&k->lock);
	*pages = k->used;
	*max_pages = k->max;
	*retired = k->n_retired;
	pthread_mutex_unlock(&k->lock);
}
