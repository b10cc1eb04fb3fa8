/* What both boards' tables share: the configurations of the devices that they
 * have in common, from the board's own numbers. */
#include "board.h"
#include "gicv2m.h"
#include "machine.h"
#include "pcie.h"
#include "pl011.h"

const void *board_v2m(struct machine *m, void *buf)
{
	const struct board *b = m->vm.board;
	struct gicv2m_conf *c = buf;

	c->base = b->v2m;
	c->first = b->msi_first;
	c->count = b->msi_count;
	c->macos = b->v2m_macos;
	return c;
}

const void *board_uart(struct machine *m, void *buf)
{
	struct pl011_conf *c = buf;

	c->tty = m->serial;
	return c;
}

const void *board_pcie(struct machine *m, void *buf)
{
	const struct board *b = m->vm.board;
	struct pcie_conf *c = buf;

	c->ecam_size = b->pci.ecam_size;
	c->mmio_base = b->pci.mmio;
	c->mmio_size = b->pci.mmio_size;
	c->pio_base = b->pci.pio;
	c->pio_size = b->pci.pio_size;
	c->lines = b->pci.lines;
	return c;
}
