/* board.h: a board as data: where everything is, and which devices there are.
 *
 * There are two: vmapple (spec/vmapple.md 1.1 and 1.2), and virt, which has
 * things where QEMU's board of that name has them, so that firmware and
 * programs made for it run. Nothing asks which board it is on: what differs is
 * a member here. All of it is constant. */
#ifndef POME_BOARD_H
#define POME_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

struct machine;

/* One line of a board. Devices are created in the table's order, reset and
 * described in it, and freed in the reverse. */
struct board_row {
	const char *id;
	const struct device_ops *ops;
	struct {
		uint64_t base, len;     /* len 0: no such window */
		bool under;             /* as_back: lies under PCI's BARs */
	} win[3];
	uint32_t irq;                   /* INTID of wire 0; 0: none */
	bool msi;                       /* wire `msi_wire` takes messages */
	unsigned msi_wire;
	/* The device's configuration, from the machine; may be NULL. */
	const void *(*conf)(struct machine *, void *buf);
};

#define BOARD_WINS 3
#define BOARD_CONF_SIZE 128             /* of `buf` */

/* A block of RAM beside the main one; size 0 ends the list. */
struct board_mem {
	const char *id;
	uint64_t base, size;
};

struct board {
	const char *name;               /* as --machine spells it */
	const char *compatible;         /* of the tree's root, first string */
	const struct board_row *row;    /* ends with id NULL */
	uint64_t ram;                   /* where main RAM begins */
	const struct board_mem *mem;
	/* A boot ROM: at most `size` bytes at `base`, where CPU 0 starts. */
	struct {
		uint64_t base, size;
		bool rom;               /* as_rom; else `mem` has its RAM */
		bool tree;              /* it finds a device tree at `ram` */
		bool apple;             /* it is one for Macs */
		const char *wanted;     /* for messages */
		/* Looked for in this order where none is named; or NULL. */
		const char *const *paths;
	} firmware;
	uint64_t gicd, gicr;            /* gicr: 0x20000 bytes a CPU */
	uint32_t nspi;
	uint64_t v2m;                   /* GICv2m frame */
	bool v2m_macos;                 /* MSI_TYPER bit 31 */
	uint32_t msi_first, msi_count;  /* INTIDs of its messages */
	struct {
		uint64_t ecam, ecam_size;
		uint64_t mmio, mmio_size;
		uint64_t pio, pio_size; /* described, and empty; size 0: none */
		uint32_t intx;          /* INTID of line 0 */
		unsigned lines;
	} pci;
};

extern const struct board board_vmapple, board_virt;

/* Private interrupts of each CPU, by INTID, on both boards. */
enum {
	BOARD_PPI_PMU = 23,
	BOARD_PPI_HTIMER = 26,
	BOARD_PPI_VTIMER = 27,
	BOARD_PPI_STIMER = 29,
	BOARD_PPI_PTIMER = 30,
};

/* ---- configurations that both tables use (board.c) ---------------------- */

const void *board_v2m(struct machine *, void *buf);
const void *board_uart(struct machine *, void *buf);
const void *board_pcie(struct machine *, void *buf);

#endif
