/* pcie.h: the PCI Express host bridge and what a PCI function is.
 *
 * The bridge is a device with two fixed windows that machine.c lists:
 *	window 0  ECAM (only bus 0 is populated), by as_dev
 *	window 1  MMIO32, by as_back: lies under the BARs; reads all ones,
 *	          ignores writes
 *	window 2  I/O space, where there is one: the same
 * A function is a device of its own, created after the bridge and freed
 * before it; it puts itself into a slot of the bridge in its init. Its BARs
 * are windows of the function (window number = BAR number), which it moves
 * itself with as_move when the guest programs them; machine.c lists none.
 * BARs outside MMIO32 decode nothing.
 *
 * Locks. An access to a BAR takes the function's lock only. An access to
 * configuration space takes the bridge's lock (as_access) and then, inside,
 * the function's (pcie.c): so a function sees configuration and BAR accesses
 * one at a time. A function never calls into the bridge but through pci_irq
 * and pci_msi, which take no lock of a device. Order: bridge, function, the
 * INTx lines' lock, interrupt controller or address space. */
#ifndef POME_PCIE_H
#define POME_PCIE_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "log.h"

#define PCIE_SLOTS 32
#define PCIE_LINES 16
#define PCIE_BUS_ECAM 0x100000u         /* one bus's share of ECAM */

enum { PCIE_WIN_ECAM, PCIE_WIN_MMIO, PCIE_WIN_PIO };

/* devconf.irq[0] is INTx line 0; the other lines are the numbers after it on
 * the same controller (vmapple.md section 1.2). Pin P of slot S, counted from
 * 0, is line (S + P) mod `lines`. devconf.irq[1] is any wire of the controller
 * that takes MSIs (GICv2m, section 1.4). */
struct pcie_conf {
	uint64_t ecam_size;             /* whole buses; 0x10000000 */
	uint64_t mmio_base, mmio_size;  /* of window 1 */
	/* I/O space in the device tree, which firmware wants to see; nothing
	 * is there: functions have no I/O BARs. Size 0: none. */
	uint64_t pio_base, pio_size;
	unsigned lines;                 /* INTx, 4 or 16 */
};

/* fdt(): "pci-host-ecam-generic", with msi-parent where msi_phandle is not 0.
 * The interrupt-map's entries have two cells of parent unit address, so the
 * GIC's node must have #address-cells = <2>. */
extern const struct device_ops pcie_ops;

/* ---- functions ------------------------------------------------------ */

struct pci_fn;

enum { PCI_BARS = 6, PCI_CFG_SIZE = 256 };

struct pci_fn_ops {
	/* An access inside one of the function's BARs; see device_ops. */
	enum io (*read)(struct pci_fn *, unsigned bar, struct access *);
	enum io (*write)(struct pci_fn *, unsigned bar, const struct access *);
	/* Configuration registers with effects; both may be NULL. `off` and
	 * `size` (1, 2, 4) lie in the function's own capabilities. cfg_read
	 * may refresh fn->cfg before it is read; cfg_write is told after. */
	void (*cfg_read)(struct pci_fn *, unsigned off, unsigned size);
	void (*cfg_write)(struct pci_fn *, unsigned off, unsigned size);
	/* A BAR begins (on) or ceases to decode at gpa. May be NULL. */
	void (*bar_moved)(struct pci_fn *, unsigned bar, uint64_t gpa, bool on);
	/* The bus-master bit changed. May be NULL. */
	void (*bus_master)(struct pci_fn *, bool on);
};

struct pci_bar {
	uint64_t size;                  /* power of two; 0: none */
	bool is64, prefetch;
	bool mapped;
	uint64_t gpa;                   /* where mapped */
};

#define PCI_MSIX_MAX 16                 /* vectors a function can have */

/* First in a PCI function's state. */
struct pci_fn {
	struct device dev;
	const struct pci_fn_ops *ops;
	struct device *bridge;
	unsigned slot;
	uint8_t cfg[PCI_CFG_SIZE];      /* as the guest reads it */
	uint8_t wmask[PCI_CFG_SIZE];    /* bits that the guest can write */
	unsigned cap_end;               /* next free byte for capabilities */
	uint8_t cap_last;               /* offset of the last one */
	struct pci_bar bar[PCI_BARS];
	bool intx;                      /* what the function asserts */
	/* MSI-X: table at offset 0 of its BAR, pending bits at 0x800. */
	unsigned msix_vectors;          /* 0: no MSI-X */
	unsigned msix_bar, msix_cap;
	uint32_t msix_table[PCI_MSIX_MAX][4];
	uint64_t msix_pending;
	struct log_limit guest_errors;
};

struct pci_conf {
	struct device *bridge;          /* made with pcie_ops */
	unsigned slot;                  /* 1..31 */
};

struct pci_ids {
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class_code;            /* 24 bits: base, sub, interface */
	uint8_t revision;
};

/* In the function's init, in this order: pci_fn_init, pci_bar, pci_msix,
 * pci_cap. pci_fn_init fails where the slot is taken or out of range. */
int pci_fn_init(struct pci_fn *, const struct pci_conf *,
		const struct pci_ids *, const struct pci_fn_ops *,
		struct err *);
void pci_bar(struct pci_fn *, unsigned bar, uint64_t size, bool is64,
	     bool prefetch);
void pci_msix(struct pci_fn *, unsigned bar, unsigned vectors);
/* Adds a capability of `len` bytes (its first two are overwritten), returns
 * its offset in configuration space. */
unsigned pci_cap(struct pci_fn *, uint8_t id, const void *body, unsigned len);
/* Takes the function out of its slot and its BARs off the map. */
void pci_fn_fini(struct pci_fn *);
/* Back to power-on: BARs not decoded, MSI-X off, INTx low. */
void pci_fn_reset(struct pci_fn *);

/* device_ops.read and write of every function. */
enum io pci_fn_read(struct device *, struct access *);
enum io pci_fn_write(struct device *, const struct access *);

/* All with the function's lock held. */
bool pci_bus_master(const struct pci_fn *);
bool pci_msix_enabled(const struct pci_fn *);
void pci_intx(struct pci_fn *, bool level);     /* honours INTx disable */
void pci_msix_fire(struct pci_fn *, unsigned vector);   /* 0xffff: none */
/* Reads and writes one of the function's own BARs, as as_access would. */
enum io pci_bar_read(struct pci_fn *, unsigned bar, struct access *);
enum io pci_bar_write(struct pci_fn *, unsigned bar, const struct access *);

#endif
