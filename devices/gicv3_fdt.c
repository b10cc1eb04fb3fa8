/* gicv3_fdt.c: the interrupt controller in the device tree.
 *
 * Linux starts its GICv2m driver below a GICv3 node where GICD_TYPER.LPIS is 0;
 * the GIC node then needs `ranges`, and the frame reg, msi-controller and a
 * phandle (spec/cpu.md 5.4). */
#include <libfdt.h>

#include "fdt.h"
#include "gicv2m.h"
#include "gicv3.h"

static int gic_fdt_frame(struct fdt_build *b, const struct gicv3_fdt *c)
{
	void *fdt = b->fdt;
	int rc;

	rc = fdt_begin_unit(b, "v2m", c->v2m);
	if (rc)
		return rc;
	if ((rc = fdt_property_string(fdt, "compatible",
				      "arm,gic-v2m-frame")) ||
	    (rc = fdt_put_reg(b, c->v2m, 0x1000)) ||
	    (rc = fdt_property(fdt, "msi-controller", NULL, 0)) ||
	    (rc = fdt_property_u32(fdt, "arm,msi-base-spi", c->msi_first)) ||
	    (rc = fdt_property_u32(fdt, "arm,msi-num-spis", c->msi_count)) ||
	    (rc = fdt_property_u32(fdt, "phandle", b->msi_phandle)))
		return rc;
	return fdt_end_node(fdt);
}

int gicv3_fdt(struct fdt_build *b, const struct gicv3_fdt *c)
{
	uint64_t redist_size = (uint64_t)GICV3_REDIST_SIZE * c->ncpus;
	fdt64_t reg[4] = {
		cpu_to_fdt64(c->dist), cpu_to_fdt64(GICV3_DIST_SIZE),
		cpu_to_fdt64(c->redist), cpu_to_fdt64(redist_size),
	};
	void *fdt = b->fdt;
	int rc;

	rc = fdt_begin_unit(b, "interrupt-controller", c->dist);
	if (rc)
		return rc;
	if ((rc = fdt_property_string(fdt, "compatible", "arm,gic-v3")) ||
	    (rc = fdt_property(fdt, "interrupt-controller", NULL, 0)) ||
	    (rc = fdt_property_u32(fdt, "#interrupt-cells", 3)) ||
	    (rc = fdt_property_u32(fdt, "#address-cells", 2)) ||
	    (rc = fdt_property_u32(fdt, "#size-cells", 2)) ||
	    (rc = fdt_property(fdt, "ranges", NULL, 0)) ||
	    (rc = fdt_property(fdt, "reg", reg, sizeof(reg))) ||
	    (rc = fdt_property_u32(fdt, "#redistributor-regions", 1)) ||
	    (rc = fdt_property_u32(fdt, "phandle", b->gic_phandle)))
		return rc;
	if (c->v2m) {
		rc = gic_fdt_frame(b, c);
		if (rc)
			return rc;
	}
	return fdt_end_node(fdt);
}
