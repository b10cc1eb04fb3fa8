/* gicv3_cpuif.c: the GICv3's CPU interface, the ICC_* system registers.
 *
 * spec/cpu.md 2.2 and 5.3. A priority has five bits, so one word of active
 * priorities a group: bit p stands for group priority p << 3. */
#include "gicv3_int.h"

/* Takes the best interrupt if it is of this group and signalled. */
static uint32_t icc_ack(struct gicv3 *g, unsigned cpu, unsigned group)
{
	struct gic_icc *icc = &g->icc[cpu];
	const struct gic_cpu *c = &g->cpu[cpu];
	uint32_t intid = c->best, bit = 1u << (intid & 31);
	struct gic_bank *b;

	if (!gic_signalled(g, cpu) || c->best_group != group)
		return GIC_SPURIOUS;
	icc->ap[group] |= 1u << ((c->best_prio & gic_group_mask(icc, group))
				 >> 3);
	b = gic_bank(g, cpu, intid / 32);
	b->active |= bit;
	b->latch &= ~bit;               /* a level stays pending by its line */
	gic_update(g, gic_sync(g, cpu, intid / 32) | 1u << cpu);
	return intid;
}

static uint32_t icc_hppi(const struct gicv3 *g, unsigned cpu, unsigned group)
{
	const struct gic_cpu *c = &g->cpu[cpu];

	return c->best != GIC_SPURIOUS && c->best_group == group ? c->best :
		GIC_SPURIOUS;
}

static void icc_deactivate(struct gicv3 *g, unsigned cpu, uint32_t intid)
{
	struct gic_bank *b;

	if (intid >= 32 * g->nwords)
		return;
	b = gic_bank(g, cpu, intid / 32);
	b->active &= ~(1u << (intid & 31));
	gic_update(g, gic_sync(g, cpu, intid / 32));
}

/* Priority drop, and deactivation unless that is left to ICC_DIR. An EOI for
 * the group that does not run is ignored: 5.3 permits it. */
static void icc_eoi(struct gicv3 *g, unsigned cpu, unsigned group,
		    uint64_t val)
{
	struct gic_icc *icc = &g->icc[cpu];
	uint32_t intid = val & 0xffffff, ap, low;

	if (intid >= 1020)
		return;
	ap = icc->ap[0] | icc->ap[1];
	low = ap & -ap;
	if (!(icc->ap[group] & low))
		return;
	icc->ap[group] &= ~low;
	if (!(icc->ctlr & ICC_CTLR_EOIMODE))
		icc_deactivate(g, cpu, intid);
	gic_lines(g, cpu);
}

/* An SGI becomes pending on each target for which it may: with one security
 * state ICC_SGI1R raises either group, the other two only group 0. */
static void icc_sgi(struct gicv3 *g, unsigned cpu, uint64_t val, bool any)
{
	uint32_t intid = val >> 24 & 15, bit = 1u << intid;
	uint32_t list = val & 0xffff, cpus = 0;
	/* Aff3.Aff2.Aff1 of the targets; RS adds to Aff0 */
	uint32_t upper = (uint32_t)(val >> 48 & 0xff) << 16 |
			 (uint32_t)(val >> 32 & 0xff) << 8 |
			 (uint32_t)(val >> 16 & 0xff);
	uint32_t rs = val >> 44 & 15;
	bool others = val >> 40 & 1;    /* IRM: all but self */
	unsigned i;

	for (i = 0; i < g->conf.ncpus; i++) {
		uint32_t aff0 = g->aff[i] & 0xff;
		struct gic_bank *b = &g->sgi[i];
		bool hit;

		if (others)
			hit = i != cpu;
		else
			hit = g->aff[i] >> 8 == upper && aff0 >> 4 == rs &&
			      (list >> (aff0 & 15) & 1);
		if (!hit || (!any && (b->group & bit)))
			continue;
		b->latch |= bit;
		cpus |= gic_sync(g, i, 0);
	}
	gic_update(g, cpus);
}

static uint32_t icc_bpr1(const struct gic_icc *icc)
{
	if (!(icc->ctlr & ICC_CTLR_CBPR))
		return icc->bpr[1];
	return icc->bpr[0] < 7 ? icc->bpr[0] + 1u : 7;
}

uint64_t gicv3_icc_read(struct gicv3 *g, unsigned cpu, enum icc_reg reg)
{
	const struct gic_icc *icc;
	uint64_t val = 0;

	if (cpu >= g->conf.ncpus)
		return 0;
	icc = &g->icc[cpu];
	pthread_mutex_lock(&g->mu);
	switch (reg) {
	case ICC_PMR_EL1:
		val = icc->pmr;
		break;
	case ICC_IAR0_EL1:
		val = icc_ack(g, cpu, 0);
		break;
	case ICC_IAR1_EL1:
		val = icc_ack(g, cpu, 1);
		break;
	case ICC_HPPIR0_EL1:
		val = icc_hppi(g, cpu, 0);
		break;
	case ICC_HPPIR1_EL1:
		val = icc_hppi(g, cpu, 1);
		break;
	case ICC_BPR0_EL1:
		val = icc->bpr[0];
		break;
	case ICC_BPR1_EL1:
		val = icc_bpr1(icc);
		break;
	case ICC_AP0R0_EL1:
		val = icc->ap[0];
		break;
	case ICC_AP1R0_EL1:
		val = icc->ap[1];
		break;
	case ICC_RPR_EL1:
		val = gic_running(icc);
		break;
	case ICC_CTLR_EL1:
		val = icc->ctlr | ICC_CTLR_FIXED |
		      (g->rss ? ICC_CTLR_RSS : 0);
		break;
	case ICC_SRE_EL1:
		val = 7;                /* SRE, DFB, DIB fixed */
		break;
	case ICC_IGRPEN0_EL1:
		val = icc->igrpen[0];
		break;
	case ICC_IGRPEN1_EL1:
		val = icc->igrpen[1];
		break;
	default:
		break;                  /* write-only */
	}
	pthread_mutex_unlock(&g->mu);
	return val;
}

static uint8_t icc_bpr(uint64_t val, unsigned min)
{
	return (uint8_t)((val & 7) < min ? min : val & 7);
}

static void icc_write(struct gicv3 *g, unsigned cpu, enum icc_reg reg,
		      uint64_t val)
{
	struct gic_icc *icc = &g->icc[cpu];

	switch (reg) {
	case ICC_EOIR0_EL1:
		icc_eoi(g, cpu, 0, val);
		return;
	case ICC_EOIR1_EL1:
		icc_eoi(g, cpu, 1, val);
		return;
	case ICC_DIR_EL1:
		if (icc->ctlr & ICC_CTLR_EOIMODE)
			icc_deactivate(g, cpu, val & 0xffffff);
		return;
	case ICC_SGI1R_EL1:
		icc_sgi(g, cpu, val, true);
		return;
	case ICC_SGI0R_EL1:
	case ICC_ASGI1R_EL1:
		icc_sgi(g, cpu, val, false);
		return;
	case ICC_IGRPEN0_EL1:
	case ICC_IGRPEN1_EL1:
		icc->igrpen[reg == ICC_IGRPEN1_EL1] = val & 1;
		gic_update(g, gic_route_any(g) | 1u << cpu);
		return;
	case ICC_PMR_EL1:
		icc->pmr = val & GIC_PRIO_MASK;
		break;
	case ICC_BPR0_EL1:
		icc->bpr[0] = icc_bpr(val, ICC_BPR0_MIN);
		break;
	case ICC_BPR1_EL1:
		if (!(icc->ctlr & ICC_CTLR_CBPR))
			icc->bpr[1] = icc_bpr(val, ICC_BPR1_MIN);
		break;
	case ICC_AP0R0_EL1:
		icc->ap[0] = (uint32_t)val;
		break;
	case ICC_AP1R0_EL1:
		icc->ap[1] = (uint32_t)val;
		break;
	case ICC_CTLR_EL1:
		icc->ctlr = val & (ICC_CTLR_CBPR | ICC_CTLR_EOIMODE);
		break;
	default:
		return;                 /* read-only, and SRE: fixed */
	}
	gic_lines(g, cpu);
}

void gicv3_icc_write(struct gicv3 *g, unsigned cpu, enum icc_reg reg,
		     uint64_t val)
{
	if (cpu >= g->conf.ncpus)
		return;
	pthread_mutex_lock(&g->mu);
	icc_write(g, cpu, reg, val);
	pthread_mutex_unlock(&g->mu);
}
