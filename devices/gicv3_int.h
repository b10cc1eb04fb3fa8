/* gicv3_int.h: what the files of the GICv3 share; see gicv3.c. */
#ifndef POME_GICV3_INT_H
#define POME_GICV3_INT_H

#include "gicv3.h"
#include "log.h"

#define GIC_WORDS 31                    /* of 32 INTIDs: 0..991 */
#define GIC_SPURIOUS 1023u
#define GIC_NO_CPU 0xff
#define GIC_PRIO_MASK 0xf8u             /* five bits implemented */
#define GIC_IDLE 0xffu                  /* running priority of nothing */

#define GICD_CTLR_GRP0 0x01u
#define GICD_CTLR_GRP1 0x02u
#define GICD_CTLR_FIXED 0x50u           /* ARE, DS */
#define GICD_TYPER_RSS (1u << 26)
#define GICR_WAKER_SLEEP 0x02u
#define GICR_WAKER_ASLEEP 0x04u
#define IROUTER_IRM (1ull << 31)
#define IROUTER_MASK 0xff80ffffffull
#define ICC_CTLR_CBPR 0x01u
#define ICC_CTLR_EOIMODE 0x02u
/* PRIbits 4 (five bits), IDbits 0, A3V */
#define ICC_CTLR_FIXED (4u << 8 | 1u << 15)
#define ICC_CTLR_RSS (1u << 18)
#define ICC_BPR0_MIN 2u
#define ICC_BPR1_MIN 3u

/* 32 interrupts, a bit each: all of a CPU's SGIs and PPIs, or a word of SPIs.
 * Pending is latch | (line & ~edge). */
struct gic_bank {
	uint32_t group, enable, latch, line, active, edge;
	uint32_t ready;                 /* derived: enabled, pending, inactive */
	uint8_t prio[32];
};

/* The guest-visible CPU interface. */
struct gic_icc {
	uint32_t ap[2];                 /* ICC_AP0R0, ICC_AP1R0 */
	uint8_t pmr, bpr[2], igrpen[2], ctlr;
	uint8_t pad[2];
};

/* Derived, never saved. */
struct gic_cpu {
	uint32_t ready[GIC_WORDS];      /* those that are this CPU's to take */
	uint32_t words;                 /* bit w: ready[w] is not 0 */
	uint32_t best;                  /* INTID of what comes next, or 1023 */
	uint8_t best_prio, best_group;
	bool irq, fiq;
};

struct gicv3 {
	struct device dev;
	struct intc intc;
	struct gicv3_conf conf;
	unsigned nwords;                /* in use, 1 + nspi / 32 */
	uint32_t aff[GICV3_MAX_CPUS];   /* Aff3..Aff0, 8 bits each */
	bool rss;                       /* Aff0 above 15 is there */
	struct log_limit lost;          /* messages to nowhere */
	pthread_mutex_t mu;             /* guards what follows */

	uint32_t ctlr;
	uint8_t waker[GICV3_MAX_CPUS];
	struct gic_bank sgi[GICV3_MAX_CPUS];
	struct gic_bank spi[GIC_WORDS]; /* [0] is not used */
	uint64_t irouter[32 * GIC_WORDS];
	struct gic_icc icc[GICV3_MAX_CPUS];

	uint8_t target[32 * GIC_WORDS]; /* derived from irouter */
	unsigned nirm;                  /* SPIs with IROUTER.IRM set */
	struct gic_cpu cpu[GICV3_MAX_CPUS];
};

static inline struct gic_bank *gic_bank(struct gicv3 *g, unsigned cpu,
					unsigned w)
{
	return w ? &g->spi[w] : &g->sgi[cpu];
}

/* All below with mu held. Masks are of CPUs. */

/* Derives bank->ready again; returns the CPUs for which something changed. */
uint32_t gic_sync(struct gicv3 *, unsigned cpu, unsigned w);
/* The CPUs that the bits of a word are for, where they are ready. */
uint32_t gic_owners(struct gicv3 *, unsigned cpu, unsigned w, uint32_t bits);
/* Chooses anew the CPU of one SPI, of all that any CPU may take. */
uint32_t gic_route(struct gicv3 *, uint32_t intid);
uint32_t gic_route_any(struct gicv3 *);
/* What comes next on these CPUs, and their lines. */
void gic_update(struct gicv3 *, uint32_t cpus);
/* Only the lines: PMR, BPR or the running priority changed. */
void gic_lines(struct gicv3 *, unsigned cpu);
/* Is the best one good enough to be signalled now? */
bool gic_signalled(const struct gicv3 *, unsigned cpu);
uint8_t gic_running(const struct gic_icc *);
uint8_t gic_group_mask(const struct gic_icc *, unsigned group);
void gic_icc_reset(struct gic_icc *);

/* gicv3_dist.c */
enum io gic_mmio_read(struct device *, struct access *);
enum io gic_mmio_write(struct device *, const struct access *);

#endif
