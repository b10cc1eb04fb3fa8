/* gicv2m.c: a GICv2m frame: message-signalled interrupts without an ITS.
 *
 * Arm Server Base System Architecture (DEN0029), GICv2m; spec/vmapple.md 1.4
 * and spec/cpu.md 5.4. It has no state: the SPIs are the GIC's. Bit 31 of
 * MSI_TYPER is what macOS wants to see; Linux does not look at it. */
#include "gicv2m.h"
#include "irq.h"

enum {
	MSI_TYPER = 0x008,
	MSI_SETSPI_NS = GICV2M_SETSPI,
	MSI_IIDR = 0xfcc,
};

#define MSI_TYPER_MACOS (1u << 31)
/* Implementer Arm, product 0; not one of the two for which Linux has quirks. */
#define MSI_IIDR_VALUE 0x0000043bu

struct gicv2m {
	struct device dev;
	struct gicv2m_conf conf;
};

static const struct reg gicv2m_regs[] = {
	{ MSI_SETSPI_NS, "MSI_SETSPI_NS", 4, 0, 0, 0 },
	{ MSI_IIDR, "MSI_IIDR", 4, MSI_IIDR_VALUE, 0, 0 },
	{ 0 },
};

static enum io gicv2m_read(struct device *dev, struct access *a)
{
	const struct gicv2m *m = (const struct gicv2m *)dev;

	if (a->size != 4)
		return IO_SIZE;
	switch (a->off) {
	case MSI_TYPER:
		a->val = (m->conf.macos ? MSI_TYPER_MACOS : 0) |
			 m->conf.first << 16 | m->conf.count;
		return IO_OK;
	case MSI_IIDR:
		a->val = MSI_IIDR_VALUE;
		return IO_OK;
	case MSI_SETSPI_NS:
		return IO_OK;           /* write-only */
	}
	return IO_NOREG;
}

static enum io gicv2m_write(struct device *dev, const struct access *a)
{
	const struct gicv2m *m = (const struct gicv2m *)dev;

	/* 16-bit stores are what a PCI function's message may be too */
	if (a->off == MSI_SETSPI_NS) {
		if (a->size != 4 && a->size != 2)
			return IO_SIZE;
		irq_msi(dev->irq[0], m->conf.base + MSI_SETSPI_NS,
			(uint32_t)a->val & 0x3ff);
		return IO_OK;
	}
	return a->off == MSI_TYPER || a->off == MSI_IIDR ? IO_OK : IO_NOREG;
}

static void gicv2m_reset(struct device *dev)
{
}

static int gicv2m_init(struct device *dev, const struct devconf *conf,
		       struct err *e)
{
	struct gicv2m *m = (struct gicv2m *)dev;
	const struct gicv2m_conf *c = conf->arg;

	/* Linux wants base + count <= 1019; a base aligned to 16 lets it give
	 * a function several messages (5.4) */
	if (c->first < 32 || c->first % 16 || !c->count || c->count > 987 ||
	    c->first + c->count > 1019)
		return err_set(e, 0, "bad message interrupts %u..%u", c->first,
			       c->first + c->count - 1);
	m->conf = *c;
	return 0;
}

static void gicv2m_fini(struct device *dev)
{
}

const struct device_ops gicv2m_ops = {
	.name = "gicv2m",
	.size = sizeof(struct gicv2m),
	.regs = gicv2m_regs,
	.init = gicv2m_init,
	.reset = gicv2m_reset,
	.read = gicv2m_read,
	.write = gicv2m_write,
	.fini = gicv2m_fini,
};
