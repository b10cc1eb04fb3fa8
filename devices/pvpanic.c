/* pvpanic.c: the byte by which a guest reports its own end.
 *
 * spec/vmapple.md 1.7. A read yields the mask of supported events; a write
 * reports one event, the first of bits 0, 1, 2 that is set. Bit 2 works though
 * the mask does not show it, as on the oracle. */
#include <libfdt.h>

#include "fdt.h"
#include "pvpanic.h"

#define PVPANIC_MASK 3u

struct pvpanic {
	struct device dev;
	struct pvpanic_conf conf;
};

static const struct reg pvpanic_regs[] = {
	{ 0, "EVENT", 1, PVPANIC_MASK, 0, 0 },
	{ 0 },
};

static enum io pvpanic_read(struct device *dev, struct access *a)
{
	/* every byte of the window is the same register */
	a->val = PVPANIC_MASK * 0x0101010101010101u;
	return IO_OK;
}

static enum io pvpanic_write(struct device *dev, const struct access *a)
{
	const struct pvpanic *p = (const struct pvpanic *)dev;
	unsigned i;

	for (i = PVPANIC_PANICKED; i <= PVPANIC_SHUTDOWN; i++) {
		if (!(a->val >> i & 1))
			continue;
		if (p->conf.event)
			p->conf.event(p->conf.arg, (enum pvpanic_event)i);
		break;
	}
	return IO_OK;
}

static int pvpanic_init(struct device *dev, const struct devconf *conf,
			struct err *e)
{
	struct pvpanic *p = (struct pvpanic *)dev;

	if (conf->arg)
		p->conf = *(const struct pvpanic_conf *)conf->arg;
	return 0;
}

static void pvpanic_reset(struct device *dev)
{
}

static void pvpanic_fini(struct device *dev)
{
}

static int pvpanic_fdt(const struct device *dev, struct fdt_build *b)
{
	int rc;

	if ((rc = fdt_begin_unit(b, "pvpanic", b->base)) ||
	    (rc = fdt_property_string(b->fdt, "compatible",
				      "qemu,pvpanic-mmio")) ||
	    (rc = fdt_put_reg(b, b->base, 2)))
		return rc;
	return fdt_end_node(b->fdt);
}

const struct device_ops pvpanic_ops = {
	.name = "pvpanic",
	.size = sizeof(struct pvpanic),
	.regs = pvpanic_regs,
	.init = pvpanic_init,
	.reset = pvpanic_reset,
	.read = pvpanic_read,
	.write = pvpanic_write,
	.fini = pvpanic_fini,
	.fdt = pvpanic_fdt,
};
