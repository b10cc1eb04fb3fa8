/* irq.c: interrupt wires; the contract is irq.h. */
#include "irq.h"

void irq_set(struct irq irq, bool level)
{
	if (irq.ic)
		irq.ic->ops->set(irq.ic, irq.n, level);
}

void irq_msi(struct irq irq, uint64_t addr, uint32_t data)
{
	if (irq.ic)
		irq.ic->ops->msi(irq.ic, addr, data);
}
