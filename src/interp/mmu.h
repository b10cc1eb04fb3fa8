/* mmu.h: stage-1 translation, the TLBs behind the inline one, guest memory.
 *
 * Addresses are virtual unless called pa. All of it runs on the vCPU's own
 * thread unless said otherwise. Functions that can raise return false with
 * c->exc set (ESR and FAR complete, EC for the current EL). */
#ifndef INTERP_MMU_H
#define INTERP_MMU_H

#include "cpu.h"

enum mmu_access { ACC_READ, ACC_WRITE, ACC_EXEC };

/* How an access is made; ORed. */
enum {
	MEM_UNPRIV = 1,         /* LDTR/STTR: as EL0 (UAO = 0) */
	MEM_ORDERED = 2,        /* acquire/release: alignment by LSE2/nAA rules */
	MEM_EXCL = 4,           /* exclusive or atomic: alignment by its size,
				 * or inside 16 bytes with LSE2 */
	MEM_ATOMIC = 8,         /* LSE: read and write; WnR as 4.2 says */
	MEM_CM = 16,            /* cache maintenance: CM = 1, WnR = 1 */
	MEM_ZVA = 32,           /* DC ZVA: WnR = 1, Device faults */
	MEM_PAIR = 64,          /* element size is half of `size` */
	MEM_NOALIGN = 128,      /* byte-wise instruction: no alignment check */
};

struct mmu_result {
	uint64_t pa;            /* of the byte at va */
	uint8_t attr;           /* MAIR byte; Device when (attr & 0xf0) == 0 */
	uint8_t sh;
	bool guarded;           /* GP: BTI */
	uint8_t *host;          /* of the byte at va; NULL where it is no RAM */
};

int mmu_open(struct cpu *c, struct err *);
void mmu_close(struct cpu *c);
void mmu_reset(struct cpu *c);

/* Translates one byte's address with all permission checks for the current
 * EL, PAN, UAO, `flags`. No alignment check. */
bool mmu_translate(struct cpu *c, uint64_t va, enum mmu_access,
		   unsigned flags, struct mmu_result *);
/* For op_lookup: va is c->pc, already as mmu_branch_target() makes it. Checks
 * that the current EL may execute there and that RAM backs it; false: an
 * instruction abort (or PC alignment fault) is in c->exc. The page's entry of
 * c->tlb->code may be filled from the result, at once. */
bool mmu_fetch(struct cpu *c, uint64_t va, struct mmu_result *);
/* What the PC becomes when va is written to it at the current EL: with TBI in
 * force for instructions, bits 63:56 are copies of bit 55 (spec/cpu.md 3.1). */
uint64_t mmu_branch_tbi(const struct cpu *c, uint64_t va);
static inline uint64_t mmu_branch_target(const struct cpu *c, uint64_t va)
{
	if (LIKELY((uint64_t)((int64_t)(va << 8) >> 8) == va))
		return va;
	return mmu_branch_tbi(c, va);
}
/* For the debugger, CPU parked: where the tables have va, without the checks of
 * EL0 and without leaving a trace in them. */
bool mmu_look(struct cpu *c, uint64_t va, uint64_t *pa);
/* AT S1E*: fills PAR_EL1. `pan`: PSTATE.PAN applies (AT S1E1RP, S1E1WP). False
 * with c->exc set where the walk ends in an external abort. */
bool mmu_at(struct cpu *c, uint64_t va, bool write, bool el0, bool pan);

/* The slow loads and stores: any size 1..16 (a power of two; 16: two u64 in
 * memory order), any address; they check alignment, translate (both pages
 * before anything is written), do RAM or MMIO (as_access) and fill the inline
 * TLB where the page allows it. `val` is little-endian in memory order. */
bool mem_load(struct cpu *c, uint64_t va, unsigned size, unsigned flags,
	      void *val);
bool mem_store(struct cpu *c, uint64_t va, unsigned size, unsigned flags,
	       const void *val);
/* For atomics, exclusives, DC ZVA, structures: checks alignment and
 * permissions for `size` bytes that lie in one page and returns the host
 * address. *host is NULL (and true returned) where no RAM answers, and, with
 * MEM_NOALIGN, where each element's alignment matters (Device, MMU off,
 * SCTLR.A): the caller falls back to mem_load/mem_store. Structures pass
 * MEM_NOALIGN. FAR is va; who rounded it down (DC ZVA) puts the original into
 * c->exc.far. Exclusives and atomics work on any RAM, Device or not. */
bool mem_host(struct cpu *c, uint64_t va, unsigned size,
	      enum mmu_access, unsigned flags, void **host);

/* c->tlb := the view of the current EL and PAN, after a change of these alone. */
static inline void mmu_pick(struct cpu *c)
{
	c->tlb = &c->views[c->el == 0 ? TLB_EL0 :
			   c->pstate & PS_PAN ? TLB_EL1 : TLB_EL1_PAN0];
}
/* Sets c->tlb and the views' ctx after a change of EL, PAN, SCTLR, CPACR,
 * FPCR, debug state. Flushes what the change makes wrong. */
void mmu_view(struct cpu *c);
/* After a write of TTBRn, TCR, MAIR, SCTLR: drops what the change makes wrong,
 * after comparing with what it saw last; includes mmu_view() for SCTLR. */
void mmu_regs_changed(struct cpu *c);

/* TLBI. `broadcast`: on all CPUs; the others' part is queued, and mmu_dsb waits
 * until they have done it. va is any address with the right bits 55:12; ranges
 * are va..end-1. The ASID has as many bits as TCR.AS says, rest ignored. `last`:
 * tables above the last level need not be read anew. */
enum tlbi_kind { TLBI_ALL, TLBI_ASID, TLBI_VA, TLBI_VAA, TLBI_RANGE, TLBI_RANGEA };
struct tlbi { enum tlbi_kind kind; uint16_t asid; uint64_t va, end; bool last; };
void mmu_tlbi(struct cpu *c, const struct tlbi *, bool broadcast);
void mmu_dsb(struct cpu *c);
/* Serves REQ_TLB. Then go on by op_lookup: the page that is running may be
 * another one now. */
void mmu_serve(struct cpu *c);
/* Empties the inline TLBs (all views), or their code half only. */
void mmu_flush_inline(struct cpu *c);
void mmu_flush_code(struct cpu *c);

#endif
