/* gicv3.h: the GICv3 of the interpreter: distributor, redistributors and the
 * CPU interface behind the ICC_* registers. Under KVM the kernel has it, and
 * only gicv3_fdt is used.
 *
 * One security state (GICD_CTLR.DS = 1), no LPIs, no ITS; five bits of
 * priority. Group 0 is signalled as FIQ, group 1 as IRQ. It is one device with
 * two windows: 0 the distributor, 1 the redistributors of the CPUs there are.
 * It has a lock of its own, taken after any device's; nothing is called with
 * that lock held but `signal`, which must not call back. */
#ifndef POME_GICV3_H
#define POME_GICV3_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "err.h"
#include "irq.h"

#define GICV3_MAX_CPUS 32
#define GICV3_DIST_SIZE 0x10000u
#define GICV3_REDIST_SIZE 0x20000u      /* of one CPU */

struct as;
struct gicv3;

struct gicv3_conf {
	unsigned ncpus;                 /* 1 to GICV3_MAX_CPUS */
	uint64_t mpidr[GICV3_MAX_CPUS]; /* only the affinity bits are used */
	unsigned nspi;                  /* multiple of 32, 32 to 960; board: 256 */
	/* Stores to msi_addr of an INTID in msi_first .. + msi_count - 1 pulse
	 * it; msi_count 0: none. Board: 0x1fff0040, 160, 128 */
	uint64_t msi_addr;
	uint32_t msi_first, msi_count;
	/* The interrupt lines of `cpu` changed to this. Any thread, with the
	 * GIC's lock held: set a flag and kick, no more. */
	void (*signal)(void *arg, unsigned cpu, bool irq, bool fiq);
	void *arg;
};

/* Makes it in its reset state; free it last of all devices. Main thread. */
struct gicv3 *gicv3_new(const struct gicv3_conf *, struct err *);
void gicv3_free(struct gicv3 *);
/* Puts its windows at dist and redist (the board: 0x10000000, 0x10010000). */
int gicv3_map(struct gicv3 *, struct as *, uint64_t dist, uint64_t redist,
	      struct err *);
/* What wires and vm->intc want; reset it with device->ops->reset. */
struct intc *gicv3_intc(struct gicv3 *);
struct device *gicv3_device(struct gicv3 *);

/* Level of a private input (INTID 16..31) of one CPU: timers. Any thread. */
void gicv3_ppi(struct gicv3 *, unsigned cpu, uint32_t intid, bool level);

/* The CPU interface. A value is op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2,
 * so an MRS or MSR's own field serves. spec/cpu.md 2.2 says which may be read,
 * written, and which do not exist; that, and traps, is the caller's to check.
 * Unknown or write-only ones read 0. CPU `cpu`'s own thread, or parked. */
enum icc_reg {
	ICC_PMR_EL1 = 0xc230,
	ICC_IAR0_EL1 = 0xc640,
	ICC_EOIR0_EL1 = 0xc641,
	ICC_HPPIR0_EL1 = 0xc642,
	ICC_BPR0_EL1 = 0xc643,
	ICC_AP0R0_EL1 = 0xc644,
	ICC_AP1R0_EL1 = 0xc648,
	ICC_DIR_EL1 = 0xc659,
	ICC_RPR_EL1 = 0xc65b,
	ICC_SGI1R_EL1 = 0xc65d,
	ICC_ASGI1R_EL1 = 0xc65e,
	ICC_SGI0R_EL1 = 0xc65f,
	ICC_IAR1_EL1 = 0xc660,
	ICC_EOIR1_EL1 = 0xc661,
	ICC_HPPIR1_EL1 = 0xc662,
	ICC_BPR1_EL1 = 0xc663,
	ICC_CTLR_EL1 = 0xc664,
	ICC_SRE_EL1 = 0xc665,
	ICC_IGRPEN0_EL1 = 0xc666,
	ICC_IGRPEN1_EL1 = 0xc667,
};

uint64_t gicv3_icc_read(struct gicv3 *, unsigned cpu, enum icc_reg);
void gicv3_icc_write(struct gicv3 *, unsigned cpu, enum icc_reg, uint64_t val);
/* Resets one CPU's interface, as CPU_ON does; its redistributor stays. */
void gicv3_cpu_reset(struct gicv3 *, unsigned cpu);
/* The lines as they are now. Any thread. */
void gicv3_lines(struct gicv3 *, unsigned cpu, bool *irq, bool *fiq);

/* The interrupt controller's node of a device tree with its GICv2m frame, for
 * both accelerators. The tree's phandles are gic_phandle and msi_phandle. */
struct gicv3_fdt {
	uint64_t dist, redist;
	unsigned ncpus;
	uint64_t v2m;                   /* 0: no MSI frame */
	uint32_t msi_first, msi_count;
};
struct fdt_build;
int gicv3_fdt(struct fdt_build *, const struct gicv3_fdt *);

#endif
