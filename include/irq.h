/* irq.h: interrupt wires.
 *
 * A wire is a value that the board hands to a device; a device never learns
 * where it leads. Lock order: a device's lock, then the controller's, then
 * none; so irq_set may be called with a device lock held. */
#ifndef POME_IRQ_H
#define POME_IRQ_H

#include <stdbool.h>
#include <stdint.h>

struct intc;

struct intc_ops {
	/* Level of one input. `intid` is the GIC's number: SPI s is 32 + s.
	 * Idempotent. A rising edge makes an edge-triggered input pending. */
	void (*set)(struct intc *ic, uint32_t intid, bool level);
	/* A write of `data` to bus address `addr` by a PCI function. Unknown
	 * addresses are dropped and counted. */
	void (*msi)(struct intc *ic, uint64_t addr, uint32_t data);
};

/* Embedded first in the state of whatever controls interrupts. */
struct intc {
	const struct intc_ops *ops;
};

struct irq {
	struct intc *ic;                /* NULL: not connected, calls do nothing */
	uint32_t n;
};

void irq_set(struct irq irq, bool level);                       /* any thread */
void irq_msi(struct irq irq, uint64_t addr, uint32_t data);     /* any thread */

#endif
