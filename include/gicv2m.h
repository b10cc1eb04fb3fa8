/* gicv2m.h: the GICv2m frame, which turns stores into edge-triggered SPIs.
 *
 * The device turns a CPU's store to MSI_SETSPI_NS into irq_msi() on its wire 0,
 * the road that PCI functions take too; the controller knows the INTIDs. */
#ifndef POME_GICV2M_H
#define POME_GICV2M_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define GICV2M_SIZE 0x10000u            /* of the window */
#define GICV2M_SETSPI 0x40u             /* where messages go */

struct gicv2m_conf {
	uint64_t base;                  /* its address: 0x1fff0000 */
	uint32_t first, count;          /* INTIDs: 160, 128 */
	bool macos;                     /* MSI_TYPER bit 31, which macOS wants */
};

extern const struct device_ops gicv2m_ops;

#endif
