/* fdt.h: what a device needs to write its own node of the device tree.
 *
 * The tree is built with libfdt's sequential-write calls (fdt_begin_node,
 * fdt_property_...) on `fdt`; a device writes exactly one complete node.
 * #address-cells and #size-cells of the root are 2. */
#ifndef POME_FDT_H
#define POME_FDT_H

#include <stdint.h>

struct fdt_build {
	void *fdt;                      /* libfdt sequential-write buffer */
	uint64_t base, size;            /* of the device's first window */
	uint64_t base1, size1;          /* and of its second */
	uint32_t irq[4];                /* INTIDs of the device's wires */
	uint32_t gic_phandle, msi_phandle, clock_phandle, power_gpio_phandle;
};

/* Helpers over libfdt (src/fdt.c); all return 0 or a libfdt error. */
int fdt_put_reg(struct fdt_build *, uint64_t base, uint64_t size);
/* One SPI: type 0, number intid - 32, flags (4 level high, 1 rising edge). */
int fdt_put_irq(struct fdt_build *, uint32_t intid, uint32_t flags);
int fdt_begin_unit(struct fdt_build *, const char *name, uint64_t base);

#endif
