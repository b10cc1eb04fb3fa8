/* PCI Express host bridge with ECAM, and what every PCI function has.
 *
 * PCI Express Base Specification 4.0 sections 7.2.2 (ECAM), 7.5 (configuration
 * space) and 7.7.2 (MSI-X); PCI Firmware: IEEE 1275 PCI bus binding for the
 * device tree. vmapple.md sections 1.1, 1.2 and 1.8.
 * Left out: I/O space (functions have no I/O BARs), bridges below bus 0, functions other
 * than 0, the PCI Express capability (functions are integrated endpoints
 * without links), power management. */
#include "pcie.h"

#include <assert.h>
#include <endian.h>
#include <libfdt.h>
#include <string.h>

#include "as.h"
#include "dma.h"
#include "fdt.h"

enum {                                  /* section 7.5.1 */
	VENDOR_ID = 0x00, DEVICE_ID = 0x02, COMMAND = 0x04, STATUS = 0x06,
	REVISION_ID = 0x08, CLASS_CODE = 0x09, HEADER_TYPE = 0x0e,
	BAR0 = 0x10, SUBVENDOR_ID = 0x2c, SUBSYSTEM_ID = 0x2e,
	CAP_POINTER = 0x34, INTERRUPT_LINE = 0x3c, INTERRUPT_PIN = 0x3d,
};

enum {
	COMMAND_MEMORY = 0x0002, COMMAND_MASTER = 0x0004,
	COMMAND_PARITY = 0x0040, COMMAND_SERR = 0x0100,
	COMMAND_INTX_DISABLE = 0x0400,
	STATUS_INTERRUPT = 0x0008, STATUS_CAP_LIST = 0x0010,
	BAR_64 = 0x04, BAR_PREFETCH = 0x08,
	CAP_MSIX = 0x11, MSIX_LEN = 12,
	MSIX_CONTROL = 2,               /* offset in the capability */
	MSIX_ENABLE = 0x8000, MSIX_MASKALL = 0x4000,
	MSIX_PBA = 0x800,               /* offset in the BAR */
	MSIX_ENTRY_MASK = 1,            /* bit of an entry's fourth word */
};

struct pcie {
	struct device dev;
	uint64_t ecam_size, mmio_base, mmio_size, pio_base, pio_size;
	unsigned nlines;
	uint8_t cfg[64];                /* of the bridge itself, 00.0 */
	struct pci_fn *fn[PCIE_SLOTS];
	/* Functions on different threads share lines, so a line's level is
	 * derived under a lock of its own; see pcie.h for the order. */
	pthread_mutex_t lines_lock;
	uint32_t lines[PCIE_LINES];     /* bit s: slot s asserts */
};

static uint16_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

static uint64_t ones(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
}

static struct pcie *pcie_of(struct device *d)
{
	return (struct pcie *)d;
}

/* ---- a function's interrupts ---------------------------------------- */

static uint16_t command(const struct pci_fn *fn)
{
	return get16(fn->cfg + COMMAND);
}

static uint16_t msix_control(const struct pci_fn *fn)
{
	if (!fn->msix_vectors)
		return 0;
	return get16(fn->cfg + fn->msix_cap + MSIX_CONTROL);
}

bool pci_bus_master(const struct pci_fn *fn)
{
	return command(fn) & COMMAND_MASTER;
}

bool pci_msix_enabled(const struct pci_fn *fn)
{
	return msix_control(fn) & MSIX_ENABLE;
}

/* The only caller of irq_set. Pin A of every function (section 1.2). */
static void intx_update(struct pci_fn *fn)
{
	struct pcie *p = pcie_of(fn->bridge);
	unsigned line = fn->slot % p->nlines;
	struct irq irq = p->dev.irq[0];
	bool level = fn->intx && !(command(fn) & COMMAND_INTX_DISABLE) &&
		     !pci_msix_enabled(fn);

	irq.n += line;
	pthread_mutex_lock(&p->lines_lock);
	if (level)
		p->lines[line] |= 1u << fn->slot;
	else
		p->lines[line] &= ~(1u << fn->slot);
	irq_set(irq, p->lines[line] != 0);
	pthread_mutex_unlock(&p->lines_lock);
}

void pci_intx(struct pci_fn *fn, bool level)
{
	fn->intx = level;
	if (level)
		fn->cfg[STATUS] |= STATUS_INTERRUPT;
	else
		fn->cfg[STATUS] &= ~STATUS_INTERRUPT;
	intx_update(fn);
}

static bool msix_masked(const struct pci_fn *fn, unsigned v)
{
	return msix_control(fn) & MSIX_MASKALL ||
	       fn->msix_table[v][3] & MSIX_ENTRY_MASK;
}

void pci_msix_fire(struct pci_fn *fn, unsigned v)
{
	const uint32_t *e;

	if (v >= fn->msix_vectors || !pci_msix_enabled(fn))
		return;
	if (msix_masked(fn, v) || !pci_bus_master(fn)) {
		fn->msix_pending |= 1ull << v;
		return;
	}
	fn->msix_pending &= ~(1ull << v);
	e = fn->msix_table[v];
	irq_msi(pcie_of(fn->bridge)->dev.irq[1],
		e[0] | (uint64_t)e[1] << 32, e[2]);
}

/* Something may have been unmasked. */
static void msix_update(struct pci_fn *fn)
{
	for (unsigned v = 0; v < fn->msix_vectors; v++)
		if (fn->msix_pending & 1ull << v)
			pci_msix_fire(fn, v);
}

static uint32_t msix_load(struct pci_fn *fn, unsigned off)
{
	if (off < fn->msix_vectors * 16)
		return fn->msix_table[off / 16][off / 4 % 4];
	if (off == MSIX_PBA)
		return fn->msix_pending;
	if (off == MSIX_PBA + 4)
		return fn->msix_pending >> 32;
	return 0;
}

static void msix_store(struct pci_fn *fn, unsigned off, uint32_t val)
{
	if (off >= fn->msix_vectors * 16)
		return;
	if (off % 16 == 0)
		val &= ~3u;
	if (off % 16 == 12)
		val &= MSIX_ENTRY_MASK;
	fn->msix_table[off / 16][off / 4 % 4] = val;
	if (off % 16 == 12)
		msix_update(fn);
}

/* ---- a function's BARs ---------------------------------------------- */

enum io pci_bar_read(struct pci_fn *fn, unsigned bar, struct access *a)
{
	if (bar >= PCI_BARS || a->off >= fn->bar[bar].size ||
	    a->size > fn->bar[bar].size - a->off)
		return IO_NOREG;
	if (!fn->msix_vectors || bar != fn->msix_bar)
		return fn->ops->read(fn, bar, a);
	if (a->size < 4)
		return IO_SIZE;
	a->val = msix_load(fn, a->off);
	if (a->size == 8)
		a->val |= (uint64_t)msix_load(fn, a->off + 4) << 32;
	return IO_OK;
}

enum io pci_bar_write(struct pci_fn *fn, unsigned bar, const struct access *a)
{
	if (bar >= PCI_BARS || a->off >= fn->bar[bar].size ||
	    a->size > fn->bar[bar].size - a->off)
		return IO_NOREG;
	if (!fn->msix_vectors || bar != fn->msix_bar)
		return fn->ops->write(fn, bar, a);
	if (a->size < 4)
		return IO_SIZE;
	msix_store(fn, a->off, a->val);
	if (a->size == 8)
		msix_store(fn, a->off + 4, a->val >> 32);
	return IO_OK;
}

enum io pci_fn_read(struct device *d, struct access *a)
{
	return pci_bar_read((struct pci_fn *)d, a->win, a);
}

enum io pci_fn_write(struct device *d, const struct access *a)
{
	return pci_bar_write((struct pci_fn *)d, a->win, a);
}

/* Where the BAR decodes; false: nowhere. Only inside MMIO32, so that a guest
 * cannot lay a function over another device. */
static bool bar_wanted(const struct pci_fn *fn, unsigned n, uint64_t *gpa)
{
	const struct pcie *p = pcie_of(fn->bridge);
	const struct pci_bar *b = &fn->bar[n];
	uint64_t base = get32(fn->cfg + BAR0 + 4 * n) & ~0xfu;

	if (!b->size || !(command(fn) & COMMAND_MEMORY))
		return false;
	if (b->is64)
		base |= (uint64_t)get32(fn->cfg + BAR0 + 4 * n + 4) << 32;
	*gpa = base;
	return base >= p->mmio_base && b->size <= p->mmio_size &&
	       base - p->mmio_base <= p->mmio_size - b->size;
}

static void bar_unmap(struct pci_fn *fn, unsigned n)
{
	struct pci_bar *b = &fn->bar[n];

	if (!b->mapped)
		return;
	b->mapped = false;
	if (fn->ops->bar_moved)
		fn->ops->bar_moved(fn, n, b->gpa, false);
	as_move(fn->dev.dma->as, &fn->dev, n, 0, 0);
}

static void bars_update(struct pci_fn *fn)
{
	for (unsigned n = 0; n < PCI_BARS; n++) {
		struct pci_bar *b = &fn->bar[n];
		uint64_t gpa = 0;
		bool on = bar_wanted(fn, n, &gpa);

		if (b->mapped && (!on || gpa != b->gpa))
			bar_unmap(fn, n);
		if (!on || b->mapped)
			continue;
		b->mapped = true;
		b->gpa = gpa;
		as_move(fn->dev.dma->as, &fn->dev, n, gpa, b->size);
		if (fn->ops->bar_moved)
			fn->ops->bar_moved(fn, n, gpa, true);
	}
}

/* ---- a function's configuration space ------------------------------- */

static bool touches(unsigned off, unsigned size, unsigned reg, unsigned len)
{
	return off < reg + len && reg < off + size;
}

static uint32_t fn_cfg_read(struct pci_fn *fn, unsigned off, unsigned size)
{
	uint32_t v = 0;

	if (off >= PCI_CFG_SIZE)        /* no extended capabilities */
		return 0;
	if (off >= 0x40 && fn->ops->cfg_read)
		fn->ops->cfg_read(fn, off, size);
	for (unsigned i = 0; i < size; i++)
		v |= (uint32_t)fn->cfg[off + i] << 8 * i;
	return v;
}

static void fn_cfg_write(struct pci_fn *fn, unsigned off, unsigned size,
			 uint32_t val)
{
	uint16_t old = command(fn);

	if (off >= PCI_CFG_SIZE)
		return;
	for (unsigned i = 0; i < size; i++, val >>= 8) {
		uint8_t w = fn->wmask[off + i];

		fn->cfg[off + i] = (fn->cfg[off + i] & ~w) | (val & w);
	}
	if (touches(off, size, BAR0, 4 * PCI_BARS) ||
	    (old ^ command(fn)) & COMMAND_MEMORY)
		bars_update(fn);
	if (touches(off, size, COMMAND, 2))
		intx_update(fn);
	if (fn->msix_vectors &&
	    touches(off, size, fn->msix_cap + MSIX_CONTROL, 2)) {
		intx_update(fn);
		msix_update(fn);
	}
	if ((old ^ command(fn)) & COMMAND_MASTER) {
		msix_update(fn);
		if (fn->ops->bus_master)
			fn->ops->bus_master(fn, pci_bus_master(fn));
	}
	if (off >= 0x40 && fn->ops->cfg_write)
		fn->ops->cfg_write(fn, off, size);
}

/* ---- making a function ---------------------------------------------- */

int pci_fn_init(struct pci_fn *fn, const struct pci_conf *c,
		const struct pci_ids *ids, const struct pci_fn_ops *ops,
		struct err *e)
{
	struct pcie *p = pcie_of(c->bridge);

	assert(p->dev.ops == &pcie_ops);
	if (c->slot < 1 || c->slot >= PCIE_SLOTS)
		return err_set(e, 0, "PCI slot %u: must be 1 to %d", c->slot,
			       PCIE_SLOTS - 1);
	if (p->fn[c->slot])
		return err_set(e, 0, "PCI slot %u: %s is there already",
			       c->slot, p->fn[c->slot]->dev.id);
	fn->ops = ops;
	fn->bridge = c->bridge;
	fn->slot = c->slot;
	put16(fn->cfg + VENDOR_ID, ids->vendor);
	put16(fn->cfg + DEVICE_ID, ids->device);
	put16(fn->cfg + SUBVENDOR_ID, ids->subvendor);
	put16(fn->cfg + SUBSYSTEM_ID, ids->subdevice);
	fn->cfg[REVISION_ID] = ids->revision;
	fn->cfg[CLASS_CODE] = ids->class_code;
	put16(fn->cfg + CLASS_CODE + 1, ids->class_code >> 8);
	fn->cfg[INTERRUPT_PIN] = 1;     /* A */
	fn->wmask[INTERRUPT_LINE] = 0xff;
	put16(fn->wmask + COMMAND, COMMAND_MEMORY | COMMAND_MASTER |
	      COMMAND_PARITY | COMMAND_SERR | COMMAND_INTX_DISABLE);
	fn->cap_end = 0x40;
	p->fn[c->slot] = fn;
	return 0;
}

void pci_bar(struct pci_fn *fn, unsigned n, uint64_t size, bool is64,
	     bool prefetch)
{
	unsigned r = BAR0 + 4 * n;

	assert(n + is64 < PCI_BARS && size >= 16 && !(size & (size - 1)));
	fn->bar[n].size = size;
	fn->bar[n].is64 = is64;
	fn->bar[n].prefetch = prefetch;
	fn->cfg[r] = (is64 ? BAR_64 : 0) | (prefetch ? BAR_PREFETCH : 0);
	put32(fn->wmask + r, ~(uint32_t)(size - 1));
	if (is64)
		put32(fn->wmask + r + 4, ~(size - 1) >> 32);
}

unsigned pci_cap(struct pci_fn *fn, uint8_t id, const void *body, unsigned len)
{
	unsigned at = fn->cap_end;

	assert(at + len <= PCI_CFG_SIZE);
	memcpy(fn->cfg + at, body, len);
	fn->cfg[at] = id;
	fn->cfg[at + 1] = 0;
	fn->cfg[fn->cap_last ? fn->cap_last + 1 : CAP_POINTER] = at;
	fn->cfg[STATUS] |= STATUS_CAP_LIST;
	fn->cap_last = at;
	fn->cap_end = (at + len + 3) & ~3u;
	return at;
}

void pci_msix(struct pci_fn *fn, unsigned bar, unsigned vectors)
{
	uint8_t body[MSIX_LEN] = { 0 };

	assert(vectors >= 1 && vectors <= PCI_MSIX_MAX);
	put16(body + MSIX_CONTROL, vectors - 1);
	put32(body + 4, bar);
	put32(body + 8, MSIX_PBA | bar);
	pci_bar(fn, bar, 0x1000, false, false);
	fn->msix_bar = bar;
	fn->msix_cap = pci_cap(fn, CAP_MSIX, body, sizeof(body));
	fn->msix_vectors = vectors;
	put16(fn->wmask + fn->msix_cap + MSIX_CONTROL,
	      MSIX_ENABLE | MSIX_MASKALL);
	for (unsigned v = 0; v < vectors; v++)
		fn->msix_table[v][3] = MSIX_ENTRY_MASK;
}

void pci_fn_reset(struct pci_fn *fn)
{
	for (unsigned n = 0; n < PCI_BARS; n++)
		bar_unmap(fn, n);
	for (unsigned i = 0; i < PCI_CFG_SIZE; i++)
		fn->cfg[i] &= ~fn->wmask[i];
	memset(fn->msix_table, 0, sizeof(fn->msix_table));
	for (unsigned v = 0; v < fn->msix_vectors; v++)
		fn->msix_table[v][3] = MSIX_ENTRY_MASK;
	fn->msix_pending = 0;
	pci_intx(fn, false);
}

void pci_fn_fini(struct pci_fn *fn)
{
	struct pcie *p = fn->bridge ? pcie_of(fn->bridge) : NULL;

	if (!p || p->fn[fn->slot] != fn)
		return;
	for (unsigned n = 0; n < PCI_BARS; n++)
		bar_unmap(fn, n);
	pci_intx(fn, false);
	p->fn[fn->slot] = NULL;
}

/* ---- the bridge ----------------------------------------------------- */

static uint32_t ecam_load(struct pcie *p, uint64_t off, unsigned size)
{
	unsigned slot = off >> 15 & 31, reg = off & 0xfff;
	struct pci_fn *fn = p->fn[slot];
	uint32_t v = 0;

	if (off >= PCIE_BUS_ECAM || off >> 12 & 7)
		return ones(size);
	if (slot == 0) {
		for (unsigned i = 0; i < size && reg + i < 64; i++)
			v |= (uint32_t)p->cfg[reg + i] << 8 * i;
		return v;
	}
	if (!fn)
		return ones(size);
	device_lock(&fn->dev);
	v = fn_cfg_read(fn, reg, size);
	device_unlock(&fn->dev);
	return v;
}

static void ecam_store(struct pcie *p, uint64_t off, unsigned size,
		       uint32_t val)
{
	struct pci_fn *fn = p->fn[off >> 15 & 31];

	if (off >= PCIE_BUS_ECAM || off >> 12 & 7 || !fn)
		return;
	device_lock(&fn->dev);
	fn_cfg_write(fn, off & 0xfff, size, val);
	device_unlock(&fn->dev);
}

static enum io pcie_read(struct device *d, struct access *a)
{
	struct pcie *p = pcie_of(d);

	if (a->win != PCIE_WIN_ECAM) {
		a->val = ones(a->size);
	} else if (a->size == 8) {
		a->val = ecam_load(p, a->off, 4);
		a->val |= (uint64_t)ecam_load(p, a->off + 4, 4) << 32;
	} else {
		a->val = ecam_load(p, a->off, a->size);
	}
	return IO_OK;
}

static enum io pcie_write(struct device *d, const struct access *a)
{
	struct pcie *p = pcie_of(d);

	if (a->win != PCIE_WIN_ECAM)
		return IO_OK;
	if (a->size == 8) {
		ecam_store(p, a->off, 4, a->val);
		ecam_store(p, a->off + 4, 4, a->val >> 32);
	} else {
		ecam_store(p, a->off, a->size, a->val);
	}
	return IO_OK;
}

/* The entries repeat as the lines do, so the mask leaves the upper bits of the
 * slot out. Each is: three cells of PCI address, the pin, then the
 * GIC's phandle, unit address (2 cells) and interrupt (3 cells). */
static int put_interrupt_map(const struct pcie *p, struct fdt_build *b)
{
	enum { CELLS = 10 };
	uint32_t mask[4] = { (p->nlines - 1) << 11, 0, 0, 7 };
	uint32_t map[PCIE_LINES * 4 * CELLS], be[4], *m = map;

	for (unsigned slot = 0; slot < p->nlines; slot++) {
		for (unsigned pin = 0; pin < 4; pin++, m += CELLS) {
			unsigned line = (slot + pin) % p->nlines;

			memset(m, 0, CELLS * sizeof(*m));
			m[0] = htobe32(slot << 11);
			m[3] = htobe32(pin + 1);
			m[4] = htobe32(b->gic_phandle);
			m[8] = htobe32(b->irq[0] + line - 32);
			m[9] = htobe32(4);      /* level, active high */
		}
	}
	for (unsigned i = 0; i < 4; i++)
		be[i] = htobe32(mask[i]);
	return fdt_property(b->fdt, "interrupt-map-mask", be, sizeof(be)) ?:
	       fdt_property(b->fdt, "interrupt-map", map,
			    (int)((m - map) * (int)sizeof(*m)));
}

static int put_ranges(const struct pcie *p, struct fdt_build *b)
{
	uint32_t bus[2] = { 0, htobe32(p->ecam_size / PCIE_BUS_ECAM - 1) };
	uint32_t r[14] = {
		htobe32(0x02000000),    /* 32-bit memory, identity mapped */
		htobe32(p->mmio_base >> 32), htobe32(p->mmio_base),
		htobe32(p->mmio_base >> 32), htobe32(p->mmio_base),
		htobe32(p->mmio_size >> 32), htobe32(p->mmio_size),
		htobe32(0x01000000), 0, 0,      /* I/O, from port 0 on */
		htobe32(p->pio_base >> 32), htobe32(p->pio_base),
		htobe32(p->pio_size >> 32), htobe32(p->pio_size),
	};

	return fdt_property(b->fdt, "bus-range", bus, sizeof(bus)) ?:
	       fdt_property(b->fdt, "ranges", r,
			    p->pio_size ? sizeof(r) : sizeof(r) / 2);
}

static int pcie_fdt(const struct device *d, struct fdt_build *b)
{
	const struct pcie *p = (const struct pcie *)d;
	int r;

	r = fdt_begin_unit(b, "pcie", b->base) ?:
	    fdt_property_string(b->fdt, "compatible",
				"pci-host-ecam-generic") ?:
	    fdt_property_string(b->fdt, "device_type", "pci") ?:
	    fdt_property_u32(b->fdt, "#address-cells", 3) ?:
	    fdt_property_u32(b->fdt, "#size-cells", 2) ?:
	    fdt_property_u32(b->fdt, "#interrupt-cells", 1) ?:
	    fdt_property_u32(b->fdt, "linux,pci-domain", 0) ?:
	    fdt_put_reg(b, b->base, p->ecam_size) ?:
	    put_ranges(p, b) ?:
	    put_interrupt_map(p, b) ?:
	    fdt_property(b->fdt, "dma-coherent", NULL, 0);
	if (!r && b->msi_phandle)
		r = fdt_property_u32(b->fdt, "msi-parent", b->msi_phandle);
	return r ?: fdt_end_node(b->fdt);
}

static void pcie_reset(struct device *d)
{
	/* No register of its own; the functions are devices of their own and
	 * reset themselves. */
	(void)d;
}

static int pcie_init(struct device *d, const struct devconf *c, struct err *e)
{
	struct pcie *p = pcie_of(d);
	const struct pcie_conf *pc = c->arg;

	if (!pc->ecam_size || pc->ecam_size % PCIE_BUS_ECAM ||
	    pc->ecam_size / PCIE_BUS_ECAM > 256)
		return err_set(e, 0, "ECAM of 0x%llx bytes: must be 1 to 256 "
			       "MiB, whole", (unsigned long long)pc->ecam_size);
	if (pc->lines != 4 && pc->lines != PCIE_LINES)
		return err_set(e, 0, "%u INTx lines: must be 4 or %d",
			       pc->lines, PCIE_LINES);
	p->ecam_size = pc->ecam_size;
	p->mmio_base = pc->mmio_base;
	p->mmio_size = pc->mmio_size;
	p->pio_base = pc->pio_base;
	p->pio_size = pc->pio_size;
	p->nlines = pc->lines;
	pthread_mutex_init(&p->lines_lock, NULL);
	put16(p->cfg + VENDOR_ID, 0x1b36);      /* section 1.8 */
	put16(p->cfg + DEVICE_ID, 0x0008);
	put16(p->cfg + CLASS_CODE + 1, 0x0600);
	put16(p->cfg + SUBVENDOR_ID, 0x1af4);
	put16(p->cfg + SUBSYSTEM_ID, 0x1100);
	return 0;
}

static void pcie_fini(struct device *d)
{
	struct pcie *p = pcie_of(d);

	for (unsigned s = 0; s < PCIE_SLOTS; s++)
		assert(!p->fn[s]);
	pthread_mutex_destroy(&p->lines_lock);
}

const struct device_ops pcie_ops = {
	.name = "pcie",
	.size = sizeof(struct pcie),
	.init = pcie_init,
	.reset = pcie_reset,
	.read = pcie_read,
	.write = pcie_write,
	.fini = pcie_fini,
	.fdt = pcie_fdt,
};
