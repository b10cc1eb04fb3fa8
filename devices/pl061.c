/* pl061.c: the PL061 GPIO block, eight pins.
 *
 * Arm DDI 0190 (PrimeCell GPIO PL061), chapter 3; spec/vmapple.md 1.7. Pins are
 * inputs with pull-downs at reset; nothing is connected to outputs, and
 * GPIOAFSEL only reads back. */
#include <libfdt.h>

#include "fdt.h"
#include "irq.h"
#include "pl061.h"

enum {
	GPIODATA = 0x000,               /* to 0x3fc; bits 9:2 are a mask */
	GPIODIR = 0x400,
	GPIOIS = 0x404,
	GPIOIBE = 0x408,
	GPIOIEV = 0x40c,
	GPIOIE = 0x410,
	GPIORIS = 0x414,
	GPIOMIS = 0x418,
	GPIOIC = 0x41c,
	GPIOAFSEL = 0x420,
	GPIOPeriphID0 = 0xfe0,
};

struct pl061 {
	struct device dev;
	uint8_t data;                   /* what the guest drives */
	uint8_t dir, is, ibe, iev, ie, afsel;
	uint8_t edges;                  /* seen and not cleared */
	uint8_t in;                     /* what the world drives */
};

static const struct reg pl061_regs[] = {
	{ GPIODATA + 0x3fc, "GPIODATA", 4, 0, 0, 0 },
	{ GPIODIR, "GPIODIR", 4, 0, 0xff, 0 },
	{ GPIOIS, "GPIOIS", 4, 0, 0xff, 0 },
	{ GPIOIBE, "GPIOIBE", 4, 0, 0xff, 0 },
	{ GPIOIEV, "GPIOIEV", 4, 0, 0xff, 0 },
	{ GPIOIE, "GPIOIE", 4, 0, 0xff, 0 },
	{ GPIORIS, "GPIORIS", 4, 0, 0, 0 },
	{ GPIOMIS, "GPIOMIS", 4, 0, 0, 0 },
	{ GPIOIC, "GPIOIC", 4, 0, 0, 0 },
	{ GPIOAFSEL, "GPIOAFSEL", 4, 0, 0xff, 0 },
	{ 0xfe0, "GPIOPeriphID0", 4, 0x61, 0, 0 },
	{ 0xfe4, "GPIOPeriphID1", 4, 0x10, 0, 0 },
	{ 0xfe8, "GPIOPeriphID2", 4, 0x04, 0, 0 },
	{ 0xfec, "GPIOPeriphID3", 4, 0x00, 0, 0 },
	{ 0xff0, "GPIOPCellID0", 4, 0x0d, 0, 0 },
	{ 0xff4, "GPIOPCellID1", 4, 0xf0, 0, 0 },
	{ 0xff8, "GPIOPCellID2", 4, 0x05, 0, 0 },
	{ 0xffc, "GPIOPCellID3", 4, 0xb1, 0, 0 },
	{ 0 },
};

static const struct field pl061_saved[] = {
	FIELD(1, struct pl061, data), FIELD(2, struct pl061, dir),
	FIELD(3, struct pl061, is), FIELD(4, struct pl061, ibe),
	FIELD(5, struct pl061, iev), FIELD(6, struct pl061, ie),
	FIELD(7, struct pl061, afsel), FIELD(8, struct pl061, edges),
	FIELD(9, struct pl061, in),
	{ 0 },
};

/* Raw status: latched edges, and levels as they are. Inputs only. */
static uint8_t pl061_ris(const struct pl061 *g)
{
	uint8_t level = (uint8_t)~(g->in ^ g->iev) & ~g->dir;

	return (g->edges & ~g->is) | (level & g->is);
}

static void pl061_update(struct pl061 *g)
{
	irq_set(g->dev.irq[0], (pl061_ris(g) & g->ie) != 0);
}

void pl061_set_pin(struct device *dev, unsigned pin, bool level)
{
	struct pl061 *g = (struct pl061 *)dev;
	uint8_t bit = (uint8_t)(1u << (pin & 7));

	device_lock(dev);
	if (!(g->in & bit) != !level) {
		g->in ^= bit;
		/* both edges, or the one that IEV names */
		if (!(g->dir & bit) &&
		    (g->ibe & bit || !(g->iev & bit) == !level))
			g->edges |= bit & ~g->is;
		pl061_update(g);
	}
	device_unlock(dev);
}

static enum io pl061_read(struct device *dev, struct access *a)
{
	static const uint8_t id[8] = { 0x61, 0x10, 0x04, 0x00,
				       0x0d, 0xf0, 0x05, 0xb1 };
	const struct pl061 *g = (const struct pl061 *)dev;

	if (a->size > 4)
		return IO_SIZE;
	if (a->off < GPIODIR) {
		a->val = ((g->data & g->dir) | (g->in & ~g->dir)) &
			 (a->off >> 2);
		return IO_OK;
	}
	switch (a->off) {
	case GPIODIR: a->val = g->dir; return IO_OK;
	case GPIOIS: a->val = g->is; return IO_OK;
	case GPIOIBE: a->val = g->ibe; return IO_OK;
	case GPIOIEV: a->val = g->iev; return IO_OK;
	case GPIOIE: a->val = g->ie; return IO_OK;
	case GPIORIS: a->val = pl061_ris(g); return IO_OK;
	case GPIOMIS: a->val = pl061_ris(g) & g->ie; return IO_OK;
	case GPIOIC: return IO_OK;              /* write-only */
	case GPIOAFSEL: a->val = g->afsel; return IO_OK;
	}
	if (a->off >= GPIOPeriphID0 && a->off < 0x1000 && !(a->off & 3)) {
		a->val = id[(a->off - GPIOPeriphID0) / 4];
		return IO_OK;
	}
	return IO_NOREG;
}

static enum io pl061_write(struct device *dev, const struct access *a)
{
	struct pl061 *g = (struct pl061 *)dev;
	uint8_t val = (uint8_t)a->val, mask;

	if (a->size > 4)
		return IO_SIZE;
	if (a->off < GPIODIR) {
		/* only pins that are outputs take the value */
		mask = (uint8_t)(a->off >> 2) & g->dir;
		g->data = (g->data & ~mask) | (val & mask);
		return IO_OK;
	}
	switch (a->off) {
	case GPIODIR: g->dir = val; break;
	case GPIOIS: g->is = val; break;
	case GPIOIBE: g->ibe = val; break;
	case GPIOIEV: g->iev = val; break;
	case GPIOIE: g->ie = val; break;
	case GPIOIC: g->edges &= ~val; break;
	case GPIOAFSEL: g->afsel = val; break;
	case GPIORIS:
	case GPIOMIS:
		return IO_OK;                   /* read-only */
	default:
		return IO_NOREG;
	}
	pl061_update(g);
	return IO_OK;
}

/* Outside levels are not ours to reset. */
static void pl061_reset(struct device *dev)
{
	struct pl061 *g = (struct pl061 *)dev;

	g->data = g->dir = g->is = g->ibe = g->iev = g->ie = 0;
	g->afsel = g->edges = 0;
	pl061_update(g);
}

static void pl061_resume(struct device *dev)
{
	pl061_update((struct pl061 *)dev);
}

static void pl061_fini(struct device *dev)
{
}

static int pl061_fdt(const struct device *dev, struct fdt_build *b)
{
	static const char compatible[] = "arm,pl061\0arm,primecell";
	int rc;

	if ((rc = fdt_begin_unit(b, "gpio", b->base)) ||
	    (rc = fdt_property(b->fdt, "compatible", compatible,
			       sizeof(compatible))) ||
	    (rc = fdt_put_reg(b, b->base, 0x1000)) ||
	    (rc = fdt_put_irq(b, b->irq[0], 4)) ||
	    (rc = fdt_property(b->fdt, "gpio-controller", NULL, 0)) ||
	    (rc = fdt_property_u32(b->fdt, "#gpio-cells", 2)) ||
	    (rc = fdt_property(b->fdt, "interrupt-controller", NULL, 0)) ||
	    (rc = fdt_property_u32(b->fdt, "#interrupt-cells", 2)) ||
	    (rc = fdt_property_u32(b->fdt, "clocks", b->clock_phandle)) ||
	    (rc = fdt_property_string(b->fdt, "clock-names", "apb_pclk")) ||
	    (rc = fdt_property_u32(b->fdt, "phandle",
				   b->power_gpio_phandle)))
		return rc;
	return fdt_end_node(b->fdt);
}

const struct device_ops pl061_ops = {
	.name = "pl061",
	.size = sizeof(struct pl061),
	.regs = pl061_regs,
	.saved = pl061_saved,
	.reset = pl061_reset,
	.resume = pl061_resume,
	.read = pl061_read,
	.write = pl061_write,
	.fini = pl061_fini,
	.fdt = pl061_fdt,
};
