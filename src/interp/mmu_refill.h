/* mmu_refill.h: the quick way from a miss of the inline TLB to an entry in it.
 *
 * Most misses are in pages whose table, or block, the walk cache knows, whose
 * descriptor allows the access as it is, and which are RAM: some fifty host
 * instructions and no call, so that a handler does it and then runs the
 * instruction again. Whatever is not so plain is left to mmu.c. */
#ifndef INTERP_MMU_REFILL_H
#define INTERP_MMU_REFILL_H

#include "mmu_int.h"
#include "op.h"

/* By view, and for writes: the bits of the descriptor that count, and what they
 * have to be. EL1 with PAN: no page of EL0's, nor, for EPAN, one that EL0 could
 * execute. AP2 with DBM, a page that is to become dirty, is mmu.c's. */
#define REFILL_BITS (DESC_VALID | DESC_TABLE | DESC_AF)
struct refill_bits { uint64_t mask, value; };
static const struct refill_bits refill_bits[TLB_VIEWS][2] = {
	[TLB_EL0] = {
		{ REFILL_BITS | DESC_AP1, REFILL_BITS | DESC_AP1 },
		{ REFILL_BITS | DESC_AP1 | DESC_AP2, REFILL_BITS | DESC_AP1 },
	},
	[TLB_EL1] = {
		{ REFILL_BITS | DESC_AP1 | DESC_UXN, REFILL_BITS | DESC_UXN },
		{ REFILL_BITS | DESC_AP1 | DESC_AP2 | DESC_UXN,
		  REFILL_BITS | DESC_UXN },
	},
	[TLB_EL1_PAN0] = {
		{ REFILL_BITS, REFILL_BITS },
		{ REFILL_BITS | DESC_AP2, REFILL_BITS },
	},
};

/* Fills the entry for va, unless it is there already (then the access misses
 * for another reason: it crosses a page, say) or there is anything to it.
 * True: filled. */
static inline __attribute__((always_inline)) bool
mmu_refill(struct cpu *c, struct tlb *t, uint64_t va, bool write)
{
	struct mmu_cpu *m = c->mmu;
	const struct refill_bits *want = &refill_bits[t->view][write];
	const struct walk_entry *k =
		walk_entry(m, va, m->half[va >> 55 & 1].reach);
	unsigned i = va >> PAGE_SHIFT & (TLB_SIZE - 1);
	struct tlbe *e = write ? &t->w[i] : &t->r[i];
	uint64_t d, off;

	if (va - e->va < PAGE_SIZE || !walk_known(m, k, va))
		return false;
	d = __atomic_load_n(k->table + (va >> k->shift & k->index),
			    __ATOMIC_RELAXED);
	off = ((d & DESC_OUT & ~(uint64_t)k->inside) | (va & k->inside)) -
	      m->ram_gpa;
	if ((d ^ want->value) & want->mask || d & k->deny ||
	    !(m->normal >> (d >> 2 & 7) & 1) || off >= m->ram_pages)
		return false;
	e->host = (uint64_t)(uintptr_t)m->ram_host + off;
	e->va = va & ~(uint64_t)PAGE_OFF;
	t->used = true;
	c->n_refill++;
	/* a global page that takes the place of another may keep its mark */
	if (d & DESC_NG) {
		(write ? t->ng_w : t->ng_r)[i / 64] |= 1ull << (i & 63);
		m->any_ng = true;
	}
	return true;
}

/* The handlers that PROBE_FILL(..., kind) leaves to; `slow` does the access. */
#define MISS_OPS(kind, view, slow) \
MISS_OP(kind##_miss_TLB_R, view, false, slow) \
MISS_OP(kind##_miss_TLB_W, view, true, slow)
#define MISS_OP(name, view, write, slow) \
OP_GLOBAL(name); \
OP_GLOBAL(name) \
{ \
	if (LIKELY(mmu_refill(c, view, c->miss_va, write))) \
		JUMP(ip); \
	GO(slow); \
}

#endif
