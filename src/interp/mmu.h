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
/* AT S1E*: op is AT's (op1=0 CRm:op2); fills PAR_EL1. */
void mmu_at(struct cpu *c, uint64_t va, bool write, bool el0, bool pan);

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
 * address. *host is NULL (and true returned) where it is Device or no RAM:
 * the caller falls back to mem_load/mem_store. */
bool mem_host(struct cpu *c, uint64_t va, unsigned size,
	      enum mmu_access, unsigned flags, void **host);

/* Sets c->tlb and the views' ctx after a change of EL, PAN, SCTLR, CPACR,
 * FPCR, debug state. Flushes what the change makes wrong. */
void mmu_view(struct cpu *c);
/* After a write of TTBRn, TCR, MAIR, SCTLR: drops the inline TLB where needed
 * (ASID or regime changed). */
void mmu_regs_changed(struct cpu *c);

/* TLBI. `broadcast`: on all CPUs; the others' part is queued, and mmu_dsb waits
 * until they have done it. */
enum tlbi_kind { TLBI_ALL, TLBI_ASID, TLBI_VA, TLBI_VAA, TLBI_RANGE, TLBI_RANGEA };
struct tlbi { enum tlbi_kind kind; uint16_t asid; uint64_t va, end; };
void mmu_tlbi(struct cpu *c, const struct tlbi *, bool broadcast);
void mmu_dsb(struct cpu *c);
/* Serves REQ_TLB. */
void mmu_serve(struct cpu *c);
/* Empties the inline TLBs (all views), or their code half only. */
void mmu_flush_inline(struct cpu *c);
void mmu_flush_code(struct cpu *c);

#endif
