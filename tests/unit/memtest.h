/* memtest.h: one interpreted CPU over fake guest memory, for tests of loads
 * and stores. Stands in for mmu.c, except.c, run.c and the decoder (a test
 * links only the objects that it names): include it in one file. */
#ifndef UNIT_MEMTEST_H
#define UNIT_MEMTEST_H

#include <string.h>

#include "../../src/interp/decode.h"
#include "../../src/interp/except.h"
#include "../../src/interp/mmu_int.h"
#include "../../src/interp/op.h"
#include "../../src/interp/pauth.h"

static struct a64_row mt_rows[] = {
#define A64(name, pattern, feat, fn) \
	{ #name, pattern, feat, false, dec_##fn, 0, 0 },
#define A64V(name, pattern, feat, fn) \
	{ #name, pattern, feat, true, dec_##fn, 0, 0 },
#include "../../src/interp/ldst.def"
#include "../../src/interp/ldst_simd.def"
#include "../../src/interp/atomic.def"
#undef A64
#undef A64V
};
enum { MT_ROWS = sizeof(mt_rows) / sizeof(mt_rows[0]) };

struct mt_region {
	uint64_t va, size;
	uint8_t *host;
	bool write, device;
};

enum mt_end { MT_DONE, MT_RAISED, MT_UNDEF };

static struct mt {
	struct mt_region region[8];
	int regions;
	bool fill;                      /* misses fill the inline TLB */
	bool lse2;
	uint32_t ctx;
	struct cpu_model model;
	_Atomic enum mt_end end;        /* CPUs of several threads set it */
	unsigned loads, stores, hosts;  /* calls of mem_* */
	unsigned last_flags;
} mt;
static struct cpu mt_cpu;

enum { MT_ALIGN = 0x21, MT_TRANS = 7, MT_PERM = 15, MT_WNR = 64 };

static inline bool mt_fault(struct cpu *c, uint64_t va, bool write,
			    unsigned fsc)
{
	return exc_raise_far(c, ESR(c->el ? 0x25 : 0x24,
				    fsc | (write ? MT_WNR : 0)), va);
}

bool exc_raise(struct cpu *c, uint32_t esr)
{
	c->exc = (struct exc){ .esr = esr };
	return false;
}
bool exc_raise_far(struct cpu *c, uint32_t esr, uint64_t far)
{
	c->exc = (struct exc){ .esr = esr, .has_far = true, .far = far };
	return false;
}
bool pauth_auth(struct cpu *c, enum pauth_key key, uint64_t ptr, uint64_t mod,
		bool combined, uint64_t *out)
{
	(void)combined;
	if (ptr >> 63)
		return exc_raise(c, ESR(0x1c, key));
	*out = (ptr & ~(0xffull << 48)) + mod;
	return true;
}

static inline struct mt_region *mt_find(uint64_t va)
{
	for (int i = 0; i < mt.regions; i++)
		if (va - mt.region[i].va < mt.region[i].size)
			return &mt.region[i];
	return NULL;
}

static inline bool mt_check(struct cpu *c, uint64_t va, unsigned size,
			    bool write, unsigned flags)
{
	unsigned unit = flags & MEM_PAIR ? size / 2 : size;
	bool in16 = (va & 15) + size <= 16;

	if (flags & (MEM_EXCL | MEM_ORDERED) ?
	    va & (unit - 1) && !(mt.lse2 && in16) :
	    c->sr.sctlr & 2 && va & (unit - 1) && !(flags & MEM_NOALIGN))
		return mt_fault(c, va, write, MT_ALIGN);
	for (unsigned i = 0; i < size; i++) {
		struct mt_region *r = mt_find(va + i);

		if (!r)
			return mt_fault(c, va + i, write, MT_TRANS);
		if (write && !r->write)
			return mt_fault(c, va + i, write, MT_PERM);
	}
	return true;
}

static inline void mt_fill(struct cpu *c, uint64_t va, bool write)
{
	struct mt_region *r = mt_find(va);
	uint64_t page = va & ~(uint64_t)(REC_PAGE - 1);
	struct tlbe *e = write ? c->tlb->w : c->tlb->r;

	if (!mt.fill || !r || r->device || (write && !r->write))
		return;
	e += va >> 12 & (TLB_SIZE - 1);
	e->va = page;
	e->host = (uintptr_t)r->host + (page - r->va);
}

bool mem_load(struct cpu *c, uint64_t va, unsigned size, unsigned flags,
	      void *val)
{
	__atomic_fetch_add(&mt.loads, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&mt.last_flags, flags, __ATOMIC_RELAXED);
	if (!mt_check(c, va, size, false, flags))
		return false;
	for (unsigned i = 0; i < size; i++) {
		struct mt_region *r = mt_find(va + i);

		((uint8_t *)val)[i] = __atomic_load_n(
			&r->host[va + i - r->va], __ATOMIC_RELAXED);
	}
	mt_fill(c, va, false);
	return true;
}

bool mem_store(struct cpu *c, uint64_t va, unsigned size, unsigned flags,
	       const void *val)
{
	__atomic_fetch_add(&mt.stores, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&mt.last_flags, flags, __ATOMIC_RELAXED);
	if (!mt_check(c, va, size, true, flags))
		return false;
	for (unsigned i = 0; i < size; i++) {
		struct mt_region *r = mt_find(va + i);

		__atomic_store_n(&r->host[va + i - r->va],
				 ((const uint8_t *)val)[i], __ATOMIC_RELAXED);
	}
	mt_fill(c, va, true);
	return true;
}

bool mem_host(struct cpu *c, uint64_t va, unsigned size, enum mmu_access acc,
	      unsigned flags, void **host)
{
	__atomic_fetch_add(&mt.hosts, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&mt.last_flags, flags, __ATOMIC_RELAXED);
	if (!mt_check(c, va, size, acc == ACC_WRITE, flags))
		return false;
	struct mt_region *r = mt_find(va);

	*host = r->device ? NULL : r->host + (va - r->va);
	mt_fill(c, va, acc == ACC_WRITE);
	return true;
}

bool mmu_translate(struct cpu *c, uint64_t va, enum mmu_access acc,
		   unsigned flags, struct mmu_result *res)
{
	if (!mt_check(c, va, 1, acc == ACC_WRITE, flags | MEM_NOALIGN))
		return false;
	struct mt_region *r = mt_find(va);

	*res = (struct mmu_result){
		.pa = va, .host = r->device ? NULL : r->host + (va - r->va),
	};
	return true;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
OP_GLOBAL(raise)
{
	(void)ip;
	(void)c;
	mt.end = MT_RAISED;
	OP_LEAVE();
}
OP_GLOBAL(sync)                         /* guest time by instructions: not here */
{
	(void)ip;
	(void)c;
	mt.end = MT_RAISED;
	OP_LEAVE();
}
static OP_CC OP_RET op_mt_end(OP_ARGS)
{
	(void)ip;
	(void)c;
	mt.end = MT_DONE;
	OP_LEAVE();
}
#pragma GCC diagnostic pop

static inline void mt_flush(void)
{
	for (int v = 0; v < TLB_VIEWS; v++)
		for (unsigned i = 0; i < TLB_SIZE; i++)
			mt_cpu.views[v].r[i].va = mt_cpu.views[v].w[i].va =
				(uint64_t)(i ^ 1) << 12;
}

static inline struct mt_region *mt_map(uint64_t va, uint64_t size, void *host,
				       bool write, bool device)
{
	struct mt_region *r = &mt.region[mt.regions++];

	*r = (struct mt_region){ va, size, host, write, device };
	return r;
}

/* A CPU at EL1 with all features, no memory, and a walk cache with nothing in
 * it. */
static inline void mt_reset(void)
{
	static struct mmu_cpu no_walks = { .walk_gen = 1 };

	memset(&mt, 0, sizeof(mt));
	memset(&mt_cpu, 0, sizeof(mt_cpu));
	mt_cpu.mmu = &no_walks;
	mt_cpu.el = 1;
	mt_cpu.pstate = 4;
	mt_cpu.tlb = &mt_cpu.views[TLB_EL1];
	for (int i = 0; i < FEAT_COUNT; i++)
		mt.model.has[i] = true;
	for (int i = 0; i < MT_ROWS; i++) {
		int bit = 32;

		mt_rows[i].mask = mt_rows[i].value = 0;
		for (const char *p = mt_rows[i].pattern; *p; p++) {
			if (*p == ' ')
				continue;
			bit--;
			mt_rows[i].mask |=
				(uint32_t)(*p == '0' || *p == '1') << bit;
			mt_rows[i].value |= (uint32_t)(*p == '1') << bit;
		}
		if (bit)
			mt_rows[i].dec = NULL;  /* caught by mt_decode */
	}
	mt_flush();
}

static inline const struct a64_row *mt_decode(struct rec *r, uint32_t w)
{
	struct dec d = { .w = w, .rd = w & 31, .rn = w >> 5 & 31,
			 .rm = w >> 16 & 31, .ra = w >> 10 & 31,
			 .sf = (uint8_t)(w >> 31), .ctx = mt.ctx,
			 .model = &mt.model, .r = r };

	for (int i = 0; i < MT_ROWS; i++) {
		if ((w & mt_rows[i].mask) != mt_rows[i].value ||
		    !mt.model.has[mt_rows[i].feat])
			continue;
		*r = (struct rec){
			.rd = slot_zr(d.rd), .rn = slot_zr(d.rn),
			.rm = slot_zr(d.rm), .ra = slot_zr(d.ra),
			.imm = (int32_t)w,
		};
		r->h = mt_rows[i].dec(&d);
		if (r->h)
			return &mt_rows[i];
	}
	return NULL;
}

/* Runs the record at r on c; what follows it must be op_mt_end's. */
static inline void mt_exec(struct cpu *c, const struct rec *r)
{
	while (r)
		r = op_enter(r->h, c, r);
}

/* Runs one word at address pc. */
static inline enum mt_end mt_run_at(uint32_t w, uint64_t pc)
{
	static struct rec r[2] __attribute__((aligned(16)));
	struct cpu *c = &mt_cpu;

	if (!mt_decode(&r[0], w))
		return mt.end = MT_UNDEF;
	r[1].h = op_mt_end;
	c->pcbase = pc - ((uintptr_t)&r[0] >> 2);
	mt_exec(c, r);
	return mt.end;
}
static inline enum mt_end mt_run(uint32_t w) { return mt_run_at(w, 0x1000); }

#endif
