/* mmu_int.h: inside of mmu.c, mmu_walk.c and mmu_tlb.c.
 *
 * Three stores of translations, each filled from the next:
 * - the inline TLB of each view (cpu.h): outcome of the checks for that view;
 * - the second level here: one entry a 4 KiB page, whatever the size of the
 *   guest's page or block, tagged by ASID, with the descriptor's permissions,
 *   so that EL, PAN, UAO, WXN may change under it;
 * - the guest's tables (mmu_walk.c).
 *
 * TLBI by address must drop all 4 KiB pieces of a page or block. Pieces of
 * granule-sized pages are few and visited one by one; for blocks a bitmap a
 * size remembers, by hash, which blocks have pieces here, and only then all
 * entries are looked at.
 *
 * Beside them a walk cache remembers where tables of level 3 are, and blocks of
 * level 2, so that a walk is mostly one load, and most misses of the inline TLB
 * are served from it at once (mmu_refill.h); every TLBI but those of the last
 * level alone drops it whole. */
#ifndef INTERP_MMU_INT_H
#define INTERP_MMU_INT_H

#include "cpu.h"
#include "log.h"
#include "mmu.h"
#include "model.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096u
#define PAGE_OFF 4095u
/* VA[55:12]: what tells pages apart; the rest is sign or tag. */
#define PAGE_NO(va) ((va) >> PAGE_SHIFT & ((1ull << 44) - 1))

#define SCTLR_M (1ull << 0)
#define SCTLR_A (1ull << 1)
#define SCTLR_nAA (1ull << 6)
#define SCTLR_WXN (1ull << 19)
#define SCTLR_EPAN (1ull << 57)

#define MDSCR_MDE (1u << 15)

/* xFSC, the level to be added (spec/cpu.md 4.2). A translation function's
 * result is one of these, or: */
enum {
	FSC_SIZE = 0x00, FSC_TRANS = 0x04, FSC_AF = 0x08, FSC_PERM = 0x0c,
	FSC_EXT = 0x10, FSC_EXT_WALK = 0x14, FSC_ALIGN = 0x21,
	FSC_OK = -1,
	FSC_RAISED = -2,                /* c->exc is complete already */
};

/* Bits below the page of t2.pa. */
enum {
	T2_USER = 1,                    /* AP[1] and APTable: EL0 may */
	T2_RO = 2,                      /* not writable by anyone */
	T2_UXN = 4, T2_PXN = 8,
	T2_CLEAN = 16,                  /* the first write sets dirty state */
	T2_GP = 32, T2_NG = 64,
	T2_SH = 128,                    /* SH[1:0] times this */
	T2_ROM = 512,                   /* stores go to a device */
};

/* A page in the second level. Empty: page = T2_EMPTY. */
#define T2_EMPTY (~0ull)
struct t2 {
	uint64_t page;                  /* PAGE_NO */
	uint64_t host;                  /* of the page; 0: no RAM */
	uint64_t pa;                    /* of the page, and T2_* */
	uint16_t asid;
	uint8_t attr;                   /* MAIR byte */
	uint8_t shift;                  /* log2 of the page's or block's size */
	uint32_t stamp;                 /* valid while = mmu_cpu.gen[] */
};

#define T2_SETS 512
#define T2_WAYS 4

/* How one half of the address space is translated; from TCR_EL1. */
struct regime {
	uint8_t tsz, granule;           /* granule: 12, 14 or 16 */
	uint8_t reach;                  /* log2 of what a table of level 3 maps,
					 * and a block of level 2 */
	int8_t start;                   /* level; -1: TxSZ out of range */
	bool epd, hpd, tbi, tbi_insn, e0pd;
};

/* A table of level 3, or a block of level 2: `va`, tag and all, shifted by the
 * reach leads to it from the first table `root`. Valid while gen =
 * mmu_cpu.walk_gen. */
struct walk_entry {
	uint64_t tag, root, gen;
	uint64_t *table;                /* host address; a block: of `block` */
	uint64_t deny;                  /* descriptors with these bits need a look */
	uint64_t block;                 /* descriptor, bit 1 set as a page's */
	uint32_t inside;                /* VA bits that the output keeps */
	uint16_t index;                 /* of descriptors in it; a block: 0 */
	uint8_t shift;                  /* of a page */
	uint8_t above;                  /* bits 63:56 of the tables on the way */
	bool rom;
} __attribute__((aligned(64)));
#define WALK_CACHE 64

#define TLBI_QUEUE 32
#define BLOCK_SIZES 4                   /* 2 MiB, 32 MiB, 512 MiB, 1 GiB */
#define ASID_GENS 256

struct mmu_cpu {
	struct t2 t2[T2_SETS][T2_WAYS] __attribute__((aligned(64)));
	uint8_t victim[T2_SETS];
	/* by asid % ASID_GENS, and of global pages */
	uint32_t gen[ASID_GENS + 1], last_gen;
	uint64_t block[BLOCK_SIZES][16];        /* 1024 bits each */
	bool any_block;
	uint8_t max_granule;            /* of the pages here since all went */
	struct walk_entry walks[WALK_CACHE];
	uint64_t walk_gen;

	/* what the registers said last */
	uint64_t sctlr, tcr, mair, ttbr[2];
	struct regime half[2];
	uint64_t root[2];               /* first table and ASID, together */
	uint16_t asid;
	uint8_t out_bits;               /* of output addresses: IPS, PARange */
	bool ha, hd;
	uint8_t normal;                 /* MAIR's attributes of Normal memory, a
					 * bit each; none where mmu_refill() is
					 * not to be used */

	bool any_ng;                    /* in any view */
	uint64_t last_fill[2];          /* pages filled for a read, a write */

	const struct ram *ram;          /* what walk_ram found last */
	uint64_t ram_gpa, ram_pages;    /* where it can be written, and how far
					 * a page in it may start */
	uint8_t *ram_host;
	struct log_limit log_hole;

	/* others' TLBI for this CPU; n > TLBI_QUEUE: all */
	pthread_mutex_t lock;
	struct tlbi queue[TLBI_QUEUE];
	unsigned n;
	uint64_t posted;                /* under lock */
	_Atomic uint64_t done;          /* posts that have been served */

	/* what this CPU has yet to wait for, by CPU */
	uint64_t wait_for[VM_MAX_CPUS];
	uint32_t waiting;               /* bit mask */
};

/* mmu_walk.c: what a walk found. `e` lacks host, stamp. */
struct walk {
	struct t2 e;
	uint64_t *desc;                 /* host address of the last descriptor */
	uint64_t val;
	bool af;                        /* AF has to be set (HA) */
	bool rom;                       /* desc is not to be written */
};

static inline unsigned walk_level(const struct t2 *e)
{
	return e->shift <= 16 ? 3 : e->shift == 30 ? 1 : 2;
}

/* Bits of the last descriptor. */
enum { DESC_VALID = 1, DESC_TABLE = 2 };        /* or page, at level 3 */
#define DESC_AP1 (1ull << 6)
#define DESC_AP2 (1ull << 7)
#define DESC_AF (1ull << 10)
#define DESC_NG (1ull << 11)
#define DESC_UXN (1ull << 54)
#define DESC_OUT 0x0000fffffffff000ull

static inline uint64_t walk_root(const struct mmu_cpu *m, unsigned half)
{
	return (m->ttbr[half] & ((1ull << 48) - 1)) | (uint64_t)m->asid << 48;
}
/* Where in the walk cache va belongs, and is that what is there? */
static inline struct walk_entry *walk_entry(struct mmu_cpu *m, uint64_t va,
					    unsigned reach)
{
	return &m->walks[va >> reach & (WALK_CACHE - 1)];
}

static inline bool walk_known(const struct mmu_cpu *m,
			      const struct walk_entry *k, uint64_t va)
{
	unsigned half = va >> 55 & 1;

	return k->gen == m->walk_gen && k->root == m->root[half] &&
	       k->tag == va >> m->half[half].reach;
}

/* Sets m->half etc. from TCR. */
void walk_regime(struct mmu_cpu *m, const struct cpu_model *, uint64_t tcr);
/* Walks the tables for va, whose half of the address space is `half` and whose
 * upper bits are right. FSC_OK or a fault. */
int walk_tables(struct cpu *c, uint64_t va, unsigned half, struct walk *w);
/* Sets AF, and dirty state where `dirty`, in the descriptor of *w. false: it
 * has changed, walk again. */
bool walk_update(struct walk *w, bool dirty);

/* The host address of the RAM at pa, with `len` bytes to follow; NULL: none. */
uint8_t *walk_ram(struct cpu *c, uint64_t pa, uint64_t len);

/* mmu_tlb.c */
struct t2 *t2_find(struct mmu_cpu *m, uint64_t va);
void t2_insert(struct mmu_cpu *m, struct t2 *e);
/* There are pieces of the page or block of 2^shift bytes at `page`, for TLBI. */
void t2_note_size(struct mmu_cpu *m, uint64_t page, unsigned shift);
/* Puts a page of RAM into a view, for reads or writes. */
void tlb_fill(struct cpu *c, unsigned view, uint64_t va, const struct t2 *e,
	      bool write);

static inline bool is_device(uint8_t attr)
{
	return !(attr & 0xf0);
}

#endif
