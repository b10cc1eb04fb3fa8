/* gicv3.c: a GICv3: its state, and what follows from it.
 *
 * Arm IHI 0069 (GICv3 and GICv4 architecture); the facts used are in
 * spec/cpu.md 5.1-5.4 and spec/vmapple.md 1.4. Left out: LPIs and the ITS,
 * message SPIs (MBIS), two security states, extended SPI and PPI ranges.
 *
 * The registers are in gicv3_dist.c, the CPU interface in gicv3_cpuif.c.
 * Guest-visible state is in the banks. Derived from it, so that nothing scans
 * 288 interrupts: a word of `ready` bits a bank, of these each CPU's own words
 * and a summary of them, and the best one of each CPU. A change of one
 * interrupt costs gic_sync on its word and gic_update on the CPUs named by it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "as.h"
#include "gicv3_int.h"

static const struct field gicv3_saved[] = {
	FIELD(1, struct gicv3, ctlr),
	FIELD(2, struct gicv3, waker),
	FIELD(3, struct gicv3, sgi),
	FIELD(4, struct gicv3, spi),
	FIELD(5, struct gicv3, irouter),
	FIELD(6, struct gicv3, icc),
	{ 0 },
};

/* ---- priorities --------------------------------------------------------- */

/* Which bits of a priority decide about preemption. The binary point of group
 * 1 counts one lower than that of group 0. */
uint8_t gic_group_mask(const struct gic_icc *icc, unsigned group)
{
	if (group && !(icc->ctlr & ICC_CTLR_CBPR))
		return (uint8_t)(0xffu << icc->bpr[1]);
	return (uint8_t)(0xffu << (icc->bpr[0] + 1));
}

uint8_t gic_running(const struct gic_icc *icc)
{
	uint32_t ap = icc->ap[0] | icc->ap[1];

	return ap ? (uint8_t)(__builtin_ctz(ap) << 3) : GIC_IDLE;
}

bool gic_signalled(const struct gicv3 *g, unsigned cpu)
{
	const struct gic_icc *icc = &g->icc[cpu];
	const struct gic_cpu *c = &g->cpu[cpu];

	return c->best != GIC_SPURIOUS && c->best_prio < icc->pmr &&
	       (c->best_prio & gic_group_mask(icc, c->best_group)) <
	       gic_running(icc);
}

void gic_lines(struct gicv3 *g, unsigned cpu)
{
	struct gic_cpu *c = &g->cpu[cpu];
	bool up = gic_signalled(g, cpu);
	bool irq = up && c->best_group == 1;
	bool fiq = up && c->best_group == 0;

	if (irq == c->irq && fiq == c->fiq)
		return;
	c->irq = irq;
	c->fiq = fiq;
	if (g->conf.signal)
		g->conf.signal(g->conf.arg, cpu, irq, fiq);
}

/* The highest priority, of equal ones the lowest INTID. */
static void gic_best(struct gicv3 *g, unsigned cpu)
{
	const struct gic_icc *icc = &g->icc[cpu];
	struct gic_cpu *c = &g->cpu[cpu];
	bool en0 = (g->ctlr & GICD_CTLR_GRP0) && icc->igrpen[0];
	bool en1 = (g->ctlr & GICD_CTLR_GRP1) && icc->igrpen[1];
	unsigned best = 0x100;
	uint32_t words, bits;

	c->best = GIC_SPURIOUS;
	for (words = c->words; words; words &= words - 1) {
		unsigned w = (unsigned)__builtin_ctz(words);
		const struct gic_bank *b = gic_bank(g, cpu, w);

		bits = c->ready[w] & ((en0 ? ~b->group : 0) |
				      (en1 ? b->group : 0));
		for (; bits; bits &= bits - 1) {
			unsigned n = (unsigned)__builtin_ctz(bits);

			if (b->prio[n] >= best)
				continue;
			best = b->prio[n];
			c->best = 32 * w + n;
			c->best_prio = b->prio[n];
			c->best_group = b->group >> n & 1;
		}
	}
}

void gic_update(struct gicv3 *g, uint32_t cpus)
{
	for (; cpus; cpus &= cpus - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(cpus);

		gic_best(g, cpu);
		gic_lines(g, cpu);
	}
}

/* ---- who is ready, and whose it is --------------------------------------- */

static uint32_t gic_own(struct gicv3 *g, unsigned cpu, unsigned w,
			uint32_t bits, bool on)
{
	struct gic_cpu *c;

	if (cpu == GIC_NO_CPU)
		return 0;
	c = &g->cpu[cpu];
	if (on)
		c->ready[w] |= bits;
	else
		c->ready[w] &= ~bits;
	if (c->ready[w])
		c->words |= 1u << w;
	else
		c->words &= ~(1u << w);
	return 1u << cpu;
}

uint32_t gic_sync(struct gicv3 *g, unsigned cpu, unsigned w)
{
	struct gic_bank *b = gic_bank(g, cpu, w);
	uint32_t ready = b->enable & (b->latch | (b->line & ~b->edge)) &
			 ~b->active;
	uint32_t diff = ready ^ b->ready, cpus = 0;

	b->ready = ready;
	if (!w) {
		if (diff & ready)
			cpus |= gic_own(g, cpu, 0, diff & ready, true);
		if (diff & ~ready)
			cpus |= gic_own(g, cpu, 0, diff & ~ready, false);
		return cpus;
	}
	for (; diff; diff &= diff - 1) {
		uint32_t bit = diff & -diff;
		unsigned n = (unsigned)__builtin_ctz(bit);

		cpus |= gic_own(g, g->target[32 * w + n], w, bit, ready & bit);
	}
	return cpus;
}

uint32_t gic_owners(struct gicv3 *g, unsigned cpu, unsigned w, uint32_t bits)
{
	uint32_t cpus = 0;

	bits &= gic_bank(g, cpu, w)->ready;
	if (!w)
		return bits ? 1u << cpu : 0;
	for (; bits; bits &= bits - 1) {
		unsigned t = g->target[32 * w + (unsigned)__builtin_ctz(bits)];

		if (t != GIC_NO_CPU)
			cpus |= 1u << t;
	}
	return cpus;
}

/* "1 of N": the first CPU that is awake and takes the group, for want of one
 * the first that takes the group, else the first. */
static unsigned gic_pick(const struct gicv3 *g, unsigned group)
{
	unsigned i, second = 0;
	bool found = false;

	for (i = 0; i < g->conf.ncpus; i++) {
		if (!g->icc[i].igrpen[group])
			continue;
		if (!(g->waker[i] & GICR_WAKER_SLEEP))
			return i;
		if (!found)
			second = i;
		found = true;
	}
	return second;
}

static unsigned gic_by_aff(const struct gicv3 *g, uint64_t irouter)
{
	uint32_t aff = (uint32_t)(irouter >> 32) << 24 |
		       ((uint32_t)irouter & 0xffffff);
	unsigned i;

	for (i = 0; i < g->conf.ncpus; i++) {
		if (g->aff[i] == aff)
			return i;
	}
	return GIC_NO_CPU;
}

uint32_t gic_route(struct gicv3 *g, uint32_t intid)
{
	unsigned w = intid / 32, old = g->target[intid], new;
	struct gic_bank *b = &g->spi[w];
	uint32_t bit = 1u << (intid & 31);

	if (g->irouter[intid] & IROUTER_IRM)
		new = gic_pick(g, (b->group & bit) != 0);
	else
		new = gic_by_aff(g, g->irouter[intid]);
	if (new == old)
		return 0;
	g->target[intid] = (uint8_t)new;
	if (!(b->ready & bit))
		return 0;
	return gic_own(g, old, w, bit, false) | gic_own(g, new, w, bit, true);
}

uint32_t gic_route_any(struct gicv3 *g)
{
	uint32_t n, cpus = 0;

	if (!g->nirm)
		return 0;
	for (n = 32; n < 32 * g->nwords; n++) {
		if (g->irouter[n] & IROUTER_IRM)
			cpus |= gic_route(g, n);
	}
	return cpus;
}

/* Everything that is derived, from nothing. */
static void gic_rebuild(struct gicv3 *g)
{
	uint32_t n;
	unsigned i;

	for (i = 0; i < g->conf.ncpus; i++) {
		memset(g->cpu[i].ready, 0, sizeof(g->cpu[i].ready));
		g->cpu[i].words = 0;
		g->sgi[i].ready = 0;
	}
	for (i = 1; i < g->nwords; i++)
		g->spi[i].ready = 0;
	g->nirm = 0;
	for (n = 32; n < 32 * g->nwords; n++) {
		if (g->irouter[n] & IROUTER_IRM)
			g->nirm++;
		gic_route(g, n);
	}
	for (i = 0; i < g->conf.ncpus; i++)
		gic_sync(g, i, 0);
	for (i = 1; i < g->nwords; i++)
		gic_sync(g, 0, i);
	for (i = 0; i < g->conf.ncpus; i++)
		gic_update(g, 1u << i);
}

/* ---- inputs --------------------------------------------------------------- */

static void gic_input(struct gicv3 *g, unsigned cpu, uint32_t intid,
		      bool level)
{
	unsigned w = intid / 32;
	struct gic_bank *b = gic_bank(g, cpu, w);
	uint32_t bit = 1u << (intid & 31), cpus;

	if (!(b->line & bit) == !level)
		return;
	b->line ^= bit;
	if (level)
		b->latch |= bit & b->edge;
	cpus = gic_sync(g, cpu, w);
	if (cpus)
		gic_update(g, cpus);
}

static struct gicv3 *gic_of(struct intc *ic)
{
	return (struct gicv3 *)((char *)ic - offsetof(struct gicv3, intc));
}

static void gic_set(struct intc *ic, uint32_t intid, bool level)
{
	struct gicv3 *g = gic_of(ic);

	if (intid < 32 || intid >= 32 * g->nwords)
		return;
	pthread_mutex_lock(&g->mu);
	gic_input(g, 0, intid, level);
	pthread_mutex_unlock(&g->mu);
}

/* A message is a pulse of the line: an edge where the guest configured edge,
 * nothing that lasts where it chose level. */
static void gic_msi(struct intc *ic, uint64_t addr, uint32_t data)
{
	struct gicv3 *g = gic_of(ic);
	uint32_t intid = data & 0x3ff;

	if (addr != g->conf.msi_addr ||
	    intid - g->conf.msi_first >= g->conf.msi_count) {
		log_guest(&g->lost, "gic: message 0x%x to 0x%llx: no such "
			  "interrupt", data, (unsigned long long)addr);
		return;
	}
	pthread_mutex_lock(&g->mu);
	gic_input(g, 0, intid, true);
	gic_input(g, 0, intid, false);
	pthread_mutex_unlock(&g->mu);
}

static const struct intc_ops gic_intc_ops = {
	.set = gic_set,
	.msi = gic_msi,
};

void gicv3_ppi(struct gicv3 *g, unsigned cpu, uint32_t intid, bool level)
{
	if (intid < 16 || intid > 31 || cpu >= g->conf.ncpus)
		return;
	pthread_mutex_lock(&g->mu);
	gic_input(g, cpu, intid, level);
	pthread_mutex_unlock(&g->mu);
}

void gicv3_lines(struct gicv3 *g, unsigned cpu, bool *irq, bool *fiq)
{
	pthread_mutex_lock(&g->mu);
	*irq = g->cpu[cpu].irq;
	*fiq = g->cpu[cpu].fiq;
	pthread_mutex_unlock(&g->mu);
}

/* ---- reset, check, birth --------------------------------------------------- */

void gic_icc_reset(struct gic_icc *icc)
{
	memset(icc, 0, sizeof(*icc));
	icc->bpr[0] = ICC_BPR0_MIN;
	icc->bpr[1] = ICC_BPR1_MIN;
}

void gicv3_cpu_reset(struct gicv3 *g, unsigned cpu)
{
	if (cpu >= g->conf.ncpus)
		return;
	pthread_mutex_lock(&g->mu);
	gic_icc_reset(&g->icc[cpu]);
	gic_update(g, gic_route_any(g) | 1u << cpu);
	pthread_mutex_unlock(&g->mu);
}

/* Lines are not ours to reset: their devices drive them. */
static void gic_bank_reset(struct gic_bank *b, uint32_t edge)
{
	uint32_t line = b->line;

	memset(b, 0, sizeof(*b));
	b->line = line;
	b->edge = edge;
}

static void gicv3_reset(struct device *dev)
{
	struct gicv3 *g = (struct gicv3 *)dev;
	unsigned i;

	pthread_mutex_lock(&g->mu);
	g->ctlr = 0;
	for (i = 0; i < g->conf.ncpus; i++) {
		g->waker[i] = GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP;
		gic_bank_reset(&g->sgi[i], 0xffff);
		gic_icc_reset(&g->icc[i]);
	}
	for (i = 1; i < g->nwords; i++)
		gic_bank_reset(&g->spi[i], 0);
	memset(g->irouter, 0, sizeof(g->irouter));
	gic_rebuild(g);
	pthread_mutex_unlock(&g->mu);
}

/* After a load: derive the rest. */
static void gicv3_resume(struct device *dev)
{
	struct gicv3 *g = (struct gicv3 *)dev;

	pthread_mutex_lock(&g->mu);
	gic_rebuild(g);
	pthread_mutex_unlock(&g->mu);
}

static int gic_check_bank(const struct gic_bank *b, struct err *e)
{
	int i;

	for (i = 0; i < 32; i++) {
		if (b->prio[i] & ~GIC_PRIO_MASK)
			return err_set(e, 0, "bad interrupt priority");
	}
	return 0;
}

static int gicv3_check(const struct device *dev, struct err *e)
{
	const struct gicv3 *g = (const struct gicv3 *)dev;
	unsigned i;
	uint32_t n;

	if (g->ctlr & ~(GICD_CTLR_GRP0 | GICD_CTLR_GRP1))
		return err_set(e, 0, "bad GICD_CTLR");
	for (i = 0; i < g->conf.ncpus; i++) {
		const struct gic_icc *icc = &g->icc[i];

		if (gic_check_bank(&g->sgi[i], e) < 0)
			return -1;
		if ((g->sgi[i].edge & 0xffff) != 0xffff ||
		    (g->sgi[i].line & 0xffff))
			return err_set(e, 0, "bad SGI state");
		if (g->waker[i] && g->waker[i] !=
		    (GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP))
			return err_set(e, 0, "bad GICR_WAKER");
		if (icc->pmr & ~GIC_PRIO_MASK || icc->igrpen[0] > 1 ||
		    icc->igrpen[1] > 1 || icc->bpr[0] < ICC_BPR0_MIN ||
		    icc->bpr[0] > 7 || icc->bpr[1] < ICC_BPR1_MIN ||
		    icc->bpr[1] > 7 ||
		    icc->ctlr & ~(ICC_CTLR_CBPR | ICC_CTLR_EOIMODE))
			return err_set(e, 0, "bad CPU interface state");
	}
	for (i = 1; i < g->nwords; i++) {
		if (gic_check_bank(&g->spi[i], e) < 0)
			return -1;
	}
	for (n = 0; n < 32 * GIC_WORDS; n++) {
		if (g->irouter[n] & ~IROUTER_MASK)
			return err_set(e, 0, "bad GICD_IROUTER");
	}
	return 0;
}

static int gicv3_init(struct device *dev, const struct devconf *conf,
		      struct err *e)
{
	struct gicv3 *g = (struct gicv3 *)dev;
	const struct gicv3_conf *c = conf->arg;
	unsigned i;

	if (!c->ncpus || c->ncpus > GICV3_MAX_CPUS)
		return err_set(e, 0, "%u CPUs: must be 1 to %u", c->ncpus,
			       GICV3_MAX_CPUS);
	if (!c->nspi || c->nspi % 32 || c->nspi > 32 * (GIC_WORDS - 1))
		return err_set(e, 0, "%u SPIs: must be a multiple of 32 up to "
			       "%u", c->nspi, 32 * (GIC_WORDS - 1));
	if (c->msi_count && (c->msi_first < 32 || c->msi_count > c->nspi ||
			     c->msi_first > 32 + c->nspi - c->msi_count))
		return err_set(e, 0, "message interrupts %u..%u are no SPIs",
			       c->msi_first, c->msi_first + c->msi_count - 1);
	g->conf = *c;
	g->intc.ops = &gic_intc_ops;
	g->nwords = 1 + c->nspi / 32;
	for (i = 0; i < c->ncpus; i++) {
		g->aff[i] = (uint32_t)(c->mpidr[i] >> 32 & 0xff) << 24 |
			    (uint32_t)(c->mpidr[i] & 0xffffff);
		g->rss = g->rss || (g->aff[i] & 0xf0);
	}
	pthread_mutex_init(&g->mu, NULL);
	memset(g->target, GIC_NO_CPU, sizeof(g->target));
	for (i = 0; i < GICV3_MAX_CPUS; i++)
		g->cpu[i].best = GIC_SPURIOUS;
	return 0;
}

static void gicv3_fini(struct device *dev)
{
	pthread_mutex_destroy(&((struct gicv3 *)dev)->mu);
}

static const struct device_ops gicv3_ops = {
	.name = "gicv3",
	.size = sizeof(struct gicv3),
	.saved = gicv3_saved,
	.init = gicv3_init,
	.reset = gicv3_reset,
	.resume = gicv3_resume,
	.read = gic_mmio_read,
	.write = gic_mmio_write,
	.check = gicv3_check,
	.fini = gicv3_fini,
};

struct gicv3 *gicv3_new(const struct gicv3_conf *conf, struct err *e)
{
	struct devconf dc = { .id = "gic", .arg = conf };

	return (struct gicv3 *)device_new(&gicv3_ops, &dc, e);
}

void gicv3_free(struct gicv3 *g)
{
	device_free((struct device *)g);
}

int gicv3_map(struct gicv3 *g, struct as *as, uint64_t dist, uint64_t redist,
	      struct err *e)
{
	if (as_dev(as, dist, GICV3_DIST_SIZE, &g->dev, 0, e) < 0)
		return -1;
	/* only the frames of CPUs that exist: the rest is a hole (1.1) */
	return as_dev(as, redist, (uint64_t)GICV3_REDIST_SIZE * g->conf.ncpus,
		      &g->dev, 1, e);
}

struct intc *gicv3_intc(struct gicv3 *g)
{
	return &g->intc;
}

struct device *gicv3_device(struct gicv3 *g)
{
	return &g->dev;
}
