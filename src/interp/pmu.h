/* pmu.h: the performance monitors, PMUv3 for version 8.5. Arm ARM D13;
 * spec/cpu.md 2.5.
 *
 * Six counters of events and one of cycles. What is counted is instructions
 * (CTX_COUNT), and a cycle is one: so numbers are the same in each run. While
 * no counter that needs it is enabled, nothing is counted and code runs as
 * without a PMU. All of it is the CPU's own thread. */
#ifndef INTERP_PMU_H
#define INTERP_PMU_H

#include "cpu.h"
#include "sysreg.h"

/* Everything off, the line low. */
void pmu_reset(struct cpu *c);
/* Before the EL changes, with c->inow right; only where c->pmu.active. */
void pmu_leave_el(struct cpu *c);
/* REQ_TIME, with c->inow right: overflows up to now. */
void pmu_serve(struct cpu *c);

/* For the table in sysreg.c, with c->inow right; r->n is the counter, CYCLES
 * for the last one, or SELECTED, by PMSELR. */
enum { PMU_CYCLES = PMU_EVENTS, PMU_SELECTED = 31 };
/* PMCNTEN, PMOVS and PMINTEN have a register that sets bits (n 1) and one that
 * clears them (n 0). */
uint64_t pmu_rd_cr(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_cr(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_enable(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_enable(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_overflow(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_overflow(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_inten(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_inten(struct cpu *, const struct sysreg *, uint64_t);
enum sysreg_next pmu_wr_swinc(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_sel(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_sel(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_userenr(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_userenr(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_ceid(struct cpu *, const struct sysreg *);
uint64_t pmu_rd_count(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_count(struct cpu *, const struct sysreg *, uint64_t);
uint64_t pmu_rd_type(struct cpu *, const struct sysreg *);
enum sysreg_next pmu_wr_type(struct cpu *, const struct sysreg *, uint64_t);

#endif
