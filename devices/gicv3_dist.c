/* gicv3_dist.c: registers of the GICv3's distributor (window 0) and
 * redistributors (window 1, 128 KiB a CPU: RD frame, then SGI frame).
 *
 * spec/cpu.md 5.1 and 5.2. With GICD_CTLR.DS = 1 and affinity routing always
 * on, IGRPMODR, NSACR, ITARGETSR and SGIR are RAZ/WI; without LPIs so is all of
 * the RD frame but identification and WAKER. An unknown offset reads 0. */
#include "gicv3_int.h"

enum {
	GICD_CTLR = 0x0000,
	GICD_TYPER = 0x0004,
	GICD_IIDR = 0x0008,
	GICD_TYPER2 = 0x000c,
	GICD_STATUSR = 0x0010,
	GICD_IROUTER = 0x6000,          /* of INTID 0; SPIs start at 0x6100 */
	GICD_IROUTER_END = 0x8000,
	GIC_IDREGS = 0xffd0,
};

/* Alike in the distributor and the SGI frame; off / 0x80 tells the first
 * seven, each 32 words of 32 bits. */
enum {
	GIC_IGROUPR = 1,
	GIC_ISENABLER,
	GIC_ICENABLER,
	GIC_ISPENDR,
	GIC_ICPENDR,
	GIC_ISACTIVER,
	GIC_ICACTIVER,
	GIC_IPRIORITYR = 0x400,
	GIC_ITARGETSR = 0x800,
	GIC_ICFGR = 0xc00,
	GIC_IGRPMODR = 0xd00,
	GIC_SPENDSGIR_END = 0xf30,
};

enum {
	GICR_CTLR = 0x0000,
	GICR_IIDR = 0x0004,
	GICR_TYPER = 0x0008,
	GICR_STATUSR = 0x0010,
	GICR_WAKER = 0x0014,
	GICR_SETLPIR = 0x0040,
	GICR_SYNCR_END = 0x00c8,
	GICR_SGI = 0x10000,             /* second frame */
};

#define GIC_IIDR 0x0000043bu            /* implementer Arm, no product */

/* ---- interrupts, a word at a time ------------------------------------------ */

/* Offsets 0x80..0xfff of the distributor and of the SGI frame. `words` is how
 * many words exist, starting with `first`; others are RAZ/WI. */
static enum io gic_word_read(struct gicv3 *g, unsigned cpu, unsigned first,
			     unsigned words, struct access *a, uint32_t off)
{
	const struct gic_bank *b;
	unsigned w, i;

	if (off >= GIC_IPRIORITYR && off < GIC_ITARGETSR) {
		w = (off - GIC_IPRIORITYR) / 32;
		if (w < first || w >= words)
			return IO_OK;
		b = gic_bank(g, cpu, w);
		for (i = 0; i < a->size; i++)
			a->val |= (uint64_t)b->prio[(off & 31) + i] << 8 * i;
		return IO_OK;
	}
	if (a->size != 4)
		return off >= GIC_ITARGETSR && off < GIC_ICFGR ? IO_OK :
			IO_SIZE;
	if (off < GIC_IPRIORITYR)
		w = (off & 0x7f) / 4;
	else if (off >= GIC_ICFGR && off < GIC_IGRPMODR)
		w = (off - GIC_ICFGR) / 8;
	else
		return off < GIC_SPENDSGIR_END ? IO_OK : IO_NOREG;
	if (w < first || w >= words)
		return IO_OK;
	b = gic_bank(g, cpu, w);
	if (off >= GIC_ICFGR) {
		for (i = 0; i < 16; i++) {
			if (b->edge >> ((off & 4 ? 16 : 0) + i) & 1)
				a->val |= 2u << 2 * i;
		}
		return IO_OK;
	}
	switch (off >> 7) {
	case GIC_IGROUPR:
		a->val = b->group;
		break;
	case GIC_ISENABLER:
	case GIC_ICENABLER:
		a->val = b->enable;
		break;
	case GIC_ISPENDR:
	case GIC_ICPENDR:
		a->val = b->latch | (b->line & ~b->edge);
		break;
	default:
		a->val = b->active;
		break;
	}
	return IO_OK;
}

static void gic_write_prio(struct gicv3 *g, unsigned cpu, unsigned w,
			   unsigned n, const struct access *a)
{
	struct gic_bank *b = gic_bank(g, cpu, w);
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i < a->size; i++) {
		b->prio[n + i] = (a->val >> 8 * i) & GIC_PRIO_MASK;
		bits |= 1u << (n + i);
	}
	gic_update(g, gic_owners(g, cpu, w, bits));
}

static void gic_write_cfg(struct gicv3 *g, unsigned cpu, unsigned w,
			  bool upper, uint32_t val)
{
	struct gic_bank *b = gic_bank(g, cpu, w);
	unsigned i, n;

	if (!w && !upper)
		return;                 /* SGIs: edge, read-only */
	for (i = 0; i < 16; i++) {
		n = (upper ? 16 : 0) + i;
		b->edge &= ~(1u << n);
		b->edge |= (val >> (2 * i + 1) & 1) << n;
	}
	gic_update(g, gic_sync(g, cpu, w));
}

static void gic_write_bits(struct gicv3 *g, unsigned cpu, unsigned w,
			   unsigned kind, uint32_t val)
{
	struct gic_bank *b = gic_bank(g, cpu, w);
	uint32_t cpus = 0;

	switch (kind) {
	case GIC_IGROUPR:
		/* the group decides who may take it, and how it is signalled */
		cpus = gic_owners(g, cpu, w, val ^ b->group);
		b->group = val;
		if (w)
			cpus |= gic_route_any(g);
		break;
	case GIC_ISENABLER:
		b->enable |= val;
		break;
	case GIC_ICENABLER:
		b->enable &= ~val;
		break;
	case GIC_ISPENDR:
		b->latch |= val;
		break;
	case GIC_ICPENDR:
		b->latch &= ~val;
		break;
	case GIC_ISACTIVER:
		b->active |= val;
		break;
	case GIC_ICACTIVER:
		b->active &= ~val;
		break;
	}
	gic_update(g, cpus | gic_sync(g, cpu, w));
}

static enum io gic_word_write(struct gicv3 *g, unsigned cpu, unsigned first,
			      unsigned words, const struct access *a,
			      uint32_t off)
{
	unsigned w;

	if (off >= GIC_IPRIORITYR && off < GIC_ITARGETSR) {
		w = (off - GIC_IPRIORITYR) / 32;
		if (w >= first && w < words)
			gic_write_prio(g, cpu, w, off & 31, a);
		return IO_OK;
	}
	if (a->size != 4)
		return off >= GIC_ITARGETSR && off < GIC_ICFGR ? IO_OK :
			IO_SIZE;
	if (off < GIC_IPRIORITYR) {
		w = (off & 0x7f) / 4;
		if (w >= first && w < words)
			gic_write_bits(g, cpu, w, off >> 7, (uint32_t)a->val);
		return IO_OK;
	}
	if (off >= GIC_ICFGR && off < GIC_IGRPMODR) {
		w = (off - GIC_ICFGR) / 8;
		if (w >= first && w < words)
			gic_write_cfg(g, cpu, w, off & 4, (uint32_t)a->val);
		return IO_OK;
	}
	return off < GIC_SPENDSGIR_END ? IO_OK : IO_NOREG;
}

/* PIDR4..7, PIDR0..3, CIDR0..3: an Arm part of architecture version 3. */
static uint32_t gic_idreg(uint32_t off, uint8_t part)
{
	static const uint8_t id[12] = { 0x44, 0, 0, 0, 0, 0xb4, 0x3b, 0,
					0x0d, 0xf0, 0x05, 0xb1 };
	unsigned i = (off - GIC_IDREGS) / 4;

	return i == 4 ? part : id[i];
}

/* ---- distributor ------------------------------------------------------------ */

/* Part `a` of a 64-bit register: all of it, or the half at off & 4. */
static uint64_t gic_part(uint64_t reg, const struct access *a, uint32_t off)
{
	if (a->size == 8)
		return reg;
	return off & 4 ? reg >> 32 : reg & 0xffffffff;
}

static enum io gic_irouter_read(struct gicv3 *g, struct access *a)
{
	uint32_t n = ((uint32_t)a->off - GICD_IROUTER) / 8;

	if (a->size < 4)
		return IO_SIZE;
	if (n >= 32 && n < 32 * g->nwords)
		a->val = gic_part(g->irouter[n], a, (uint32_t)a->off);
	return IO_OK;
}

static enum io gic_irouter_write(struct gicv3 *g, const struct access *a)
{
	uint32_t n = ((uint32_t)a->off - GICD_IROUTER) / 8;
	uint64_t old, new = a->val;

	if (a->size < 4)
		return IO_SIZE;
	if (n < 32 || n >= 32 * g->nwords)
		return IO_OK;
	old = g->irouter[n];
	if (a->size == 4 && a->off & 4)
		new = (old & 0xffffffff) | new << 32;
	else if (a->size == 4)
		new |= old & ~0xffffffffull;
	new &= IROUTER_MASK;
	g->irouter[n] = new;
	g->nirm += (new & IROUTER_IRM) != 0;
	g->nirm -= (old & IROUTER_IRM) != 0;
	gic_update(g, gic_route(g, n));
	return IO_OK;
}

static enum io gic_dist_read(struct gicv3 *g, struct access *a)
{
	uint32_t off = (uint32_t)a->off;

	if (off >= 0x80 && off < 0x1000)
		return gic_word_read(g, 0, 1, g->nwords, a, off);
	if (off >= GICD_IROUTER && off < GICD_IROUTER_END)
		return gic_irouter_read(g, a);
	if (a->size != 4)
		return IO_SIZE;
	if (off >= GIC_IDREGS) {
		a->val = gic_idreg(off, 0x92);
		return IO_OK;
	}
	switch (off) {
	case GICD_CTLR:
		a->val = g->ctlr | GICD_CTLR_FIXED;
		return IO_OK;
	case GICD_TYPER:
		/* as the oracle: No1N, A3V, 16 bits of INTID */
		a->val = 0x03780000u | (g->nwords - 1) | (g->rss ?
			GICD_TYPER_RSS : 0);
		return IO_OK;
	case GICD_IIDR:
		a->val = GIC_IIDR;
		return IO_OK;
	case GICD_TYPER2:
	case GICD_STATUSR:
		return IO_OK;
	}
	return IO_NOREG;
}

static enum io gic_dist_write(struct gicv3 *g, const struct access *a)
{
	uint32_t off = (uint32_t)a->off;

	if (off >= 0x80 && off < 0x1000)
		return gic_word_write(g, 0, 1, g->nwords, a, off);
	if (off >= GICD_IROUTER && off < GICD_IROUTER_END)
		return gic_irouter_write(g, a);
	if (a->size != 4)
		return IO_SIZE;
	if (off == GICD_CTLR) {
		g->ctlr = a->val & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
		gic_update(g, UINT32_MAX >> (32 - g->conf.ncpus));
		return IO_OK;
	}
	return off < 0x14 || off >= GIC_IDREGS ? IO_OK : IO_NOREG;
}

/* ---- redistributors ---------------------------------------------------------- */

static uint64_t gic_rd_typer(const struct gicv3 *g, unsigned cpu)
{
	uint64_t val = (uint64_t)g->aff[cpu] << 32;

	val |= 1u << 24;                /* CommonLPIAff 1, as the oracle */
	val |= cpu << 8;
	if (cpu == g->conf.ncpus - 1)
		val |= 1u << 4;         /* Last */
	return val;
}

static enum io gic_rd_read(struct gicv3 *g, unsigned cpu, struct access *a,
			   uint32_t off)
{
	if ((off & ~7u) == GICR_TYPER && a->size >= 4) {
		a->val = gic_part(gic_rd_typer(g, cpu), a, off);
		return IO_OK;
	}
	if (off >= GICR_SETLPIR && off < GICR_SYNCR_END)
		return IO_OK;
	if (a->size != 4)
		return IO_SIZE;
	if (off >= GIC_IDREGS) {
		a->val = gic_idreg(off, 0x93);
		return IO_OK;
	}
	switch (off) {
	case GICR_IIDR:
		a->val = GIC_IIDR;
		return IO_OK;
	case GICR_WAKER:
		a->val = g->waker[cpu];
		return IO_OK;
	case GICR_CTLR:
	case GICR_STATUSR:
		return IO_OK;
	}
	return IO_NOREG;
}

static enum io gic_rd_write(struct gicv3 *g, unsigned cpu,
			    const struct access *a, uint32_t off)
{
	if (off >= GICR_SETLPIR && off < GICR_SYNCR_END)
		return IO_OK;
	if (a->size != 4)
		return (off & ~7u) == GICR_TYPER ? IO_OK : IO_SIZE;
	if (off == GICR_WAKER) {
		/* ChildrenAsleep follows at once. Interrupts reach the CPU
		 * either way, as they would wake it. */
		g->waker[cpu] = a->val & GICR_WAKER_SLEEP ?
			GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP : 0;
		gic_update(g, gic_route_any(g));
		return IO_OK;
	}
	return off < GICR_WAKER || off >= GIC_IDREGS ? IO_OK : IO_NOREG;
}

static enum io gic_redist_read(struct gicv3 *g, struct access *a)
{
	unsigned cpu = (unsigned)(a->off / GICV3_REDIST_SIZE);
	uint32_t off = a->off % GICV3_REDIST_SIZE;

	if (cpu >= g->conf.ncpus)
		return IO_NOREG;
	if (off < GICR_SGI)
		return gic_rd_read(g, cpu, a, off);
	off -= GICR_SGI;
	if (off >= 0x80 && off < 0x1000)
		return gic_word_read(g, cpu, 0, 1, a, off);
	if (a->size == 4 && off >= GIC_IDREGS) {
		a->val = gic_idreg(off, 0x93);
		return IO_OK;
	}
	return IO_NOREG;
}

static enum io gic_redist_write(struct gicv3 *g, const struct access *a)
{
	unsigned cpu = (unsigned)(a->off / GICV3_REDIST_SIZE);
	uint32_t off = a->off % GICV3_REDIST_SIZE;

	if (cpu >= g->conf.ncpus)
		return IO_NOREG;
	if (off < GICR_SGI)
		return gic_rd_write(g, cpu, a, off);
	off -= GICR_SGI;
	if (off >= 0x80 && off < 0x1000)
		return gic_word_write(g, cpu, 0, 1, a, off);
	return off >= GIC_IDREGS ? IO_OK : IO_NOREG;
}

enum io gic_mmio_read(struct device *dev, struct access *a)
{
	struct gicv3 *g = (struct gicv3 *)dev;
	enum io io;

	pthread_mutex_lock(&g->mu);
	io = a->win ? gic_redist_read(g, a) : gic_dist_read(g, a);
	pthread_mutex_unlock(&g->mu);
	return io;
}

enum io gic_mmio_write(struct device *dev, const struct access *a)
{
	struct gicv3 *g = (struct gicv3 *)dev;
	enum io io;

	pthread_mutex_lock(&g->mu);
	io = a->win ? gic_redist_write(g, a) : gic_dist_write(g, a);
	pthread_mutex_unlock(&g->mu);
	return io;
}
