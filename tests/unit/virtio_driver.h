/* virtio_driver.h: a driver for tests: it finds a function through ECAM, maps
 * its BARs and runs its queues, all by the accesses that a guest would make. */
#ifndef POME_VIRTIO_DRIVER_H
#define POME_VIRTIO_DRIVER_H

#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "pcie.h"
#include "virtio.h"

enum {
	DRV_RAM = 0x100000,             /* of the board */
	DRV_RINGS = FAKE_RAM,           /* 0x8000 a queue */
	DRV_DATA = FAKE_RAM + 0x40000,
	DRV_BAR1 = 0x50000000, DRV_BAR4 = 0x50010000,
	DRV_SLOT = 3,
	DRV_MMIO = 0x50000000, DRV_MMIO_SIZE = 0x1fff0000,
	DRV_ECAM = 0x40000000,
	NEXT = 1, WRITE = 2, INDIRECT = 4,
};

struct drv_queue {
	unsigned size;
	uint16_t avail, used;           /* the driver's indexes */
	uint64_t desc_gpa, avail_gpa, used_gpa;
};

struct drv {
	struct fake *f;
	struct device *pcie, *dev;
	struct drv_queue q[VIRTIO_QUEUES];
};

static inline uint8_t *drv_ptr(struct drv *d, uint64_t gpa)
{
	return d->f->ram + (gpa - FAKE_RAM);
}

static inline struct device *drv_bridge(struct fake *f)
{
	static const struct pcie_conf conf = {
		.ecam_size = 0x10000000, .mmio_base = DRV_MMIO,
		.mmio_size = DRV_MMIO_SIZE, .lines = 16,
	};
	struct device *p = fake_device(f, &pcie_ops, &conf);
	struct err e;

	/* INTx lines are wires 64.., MSIs go to the same controller */
	p->irq[0] = fake_irq(f, 64);
	p->irq[1] = fake_irq(f, 0);
	if (as_dev(f->as, DRV_ECAM, 0x10000000, p, PCIE_WIN_ECAM, &e) ||
	    as_back(f->as, DRV_MMIO, DRV_MMIO_SIZE, p, PCIE_WIN_MMIO, &e))
		_exit(99);
	return p;
}

static inline uint64_t drv_load(struct drv *d, uint64_t gpa, unsigned size)
{
	struct access a = { .size = size };

	if (!as_access(d->f->as, gpa, false, &a))
		return 0xdead;
	return a.val;
}

static inline void drv_store(struct drv *d, uint64_t gpa, unsigned size,
			     uint64_t val)
{
	struct access a = { .size = size, .val = val };

	as_access(d->f->as, gpa, true, &a);
}

static inline uint64_t drv_cfg(unsigned slot, unsigned reg)
{
	return DRV_ECAM + (slot << 15) + reg;
}

static inline uint64_t drv_cfg_load(struct drv *d, unsigned reg, unsigned size)
{
	return drv_load(d, drv_cfg(DRV_SLOT, reg), size);
}

static inline void drv_cfg_store(struct drv *d, unsigned reg, unsigned size,
				 uint64_t val)
{
	drv_store(d, drv_cfg(DRV_SLOT, reg), size, val);
}

static inline uint64_t drv_common(struct drv *d, unsigned off, unsigned size)
{
	return drv_load(d, DRV_BAR4 + off, size);
}

static inline void drv_set(struct drv *d, unsigned off, unsigned size,
			   uint64_t val)
{
	drv_store(d, DRV_BAR4 + off, size, val);
}

static inline uint8_t drv_status(struct drv *d)
{
	return drv_common(d, 0x14, 1);
}

/* Maps the BARs, memory and bus master on. */
static inline void drv_map(struct drv *d)
{
	drv_cfg_store(d, 0x14, 4, DRV_BAR1);
	drv_cfg_store(d, 0x20, 4, DRV_BAR4);
	drv_cfg_store(d, 0x24, 4, 0);
	drv_cfg_store(d, 0x04, 2, 6);
}

static inline void drv_queue_set(struct drv *d, unsigned n, unsigned size)
{
	struct drv_queue *q = &d->q[n];

	memset(q, 0, sizeof(*q));
	q->size = size;
	q->desc_gpa = DRV_RINGS + n * 0x8000;
	q->avail_gpa = q->desc_gpa + 0x4000;
	q->used_gpa = q->desc_gpa + 0x6000;
	memset(drv_ptr(d, q->desc_gpa), 0, 0x8000);
	drv_set(d, 0x16, 2, n);
	drv_set(d, 0x18, 2, size);
	drv_set(d, 0x20, 8, q->desc_gpa);
	drv_set(d, 0x28, 4, q->avail_gpa);      /* halves must work */
	drv_set(d, 0x2c, 4, 0);
	drv_set(d, 0x30, 8, q->used_gpa);
	drv_set(d, 0x1c, 2, 1);
}

static inline uint64_t drv_features(struct drv *d)
{
	uint64_t v;

	drv_set(d, 0, 4, 0);
	v = drv_common(d, 4, 4);
	drv_set(d, 0, 4, 1);
	return v | drv_common(d, 4, 4) << 32;
}

static inline void drv_set_features(struct drv *d, uint64_t v)
{
	drv_set(d, 8, 4, 0);
	drv_set(d, 0xc, 4, v);
	drv_set(d, 8, 4, 1);
	drv_set(d, 0xc, 4, v >> 32);
}

/* Reset to DRIVER_OK with these features (VERSION_1 is added). */
static inline void drv_start(struct drv *d, uint64_t features, unsigned queues,
			     unsigned size)
{
	drv_set(d, 0x14, 1, 0);
	drv_set(d, 0x14, 1, 1);
	drv_set(d, 0x14, 1, 3);
	drv_set_features(d, features | 1ull << VIRTIO_F_VERSION_1);
	drv_set(d, 0x14, 1, 0xb);
	for (unsigned n = 0; n < queues; n++)
		drv_queue_set(d, n, size);
	drv_set(d, 0x14, 1, 0xf);
}

static inline void drv_put16(struct drv *d, uint64_t gpa, uint16_t v)
{
	__atomic_store_n((uint16_t *)drv_ptr(d, gpa), v, __ATOMIC_SEQ_CST);
}

static inline uint16_t drv_get16(struct drv *d, uint64_t gpa)
{
	return __atomic_load_n((uint16_t *)drv_ptr(d, gpa), __ATOMIC_SEQ_CST);
}

static inline void drv_desc_at(struct drv *d, uint64_t table, unsigned i,
			       uint64_t addr, uint32_t len, uint16_t flags,
			       uint16_t next)
{
	uint8_t *p = drv_ptr(d, table + 16 * i);

	memcpy(p, &addr, 8);
	memcpy(p + 8, &len, 4);
	memcpy(p + 12, &flags, 2);
	memcpy(p + 14, &next, 2);
}

static inline void drv_desc(struct drv *d, unsigned n, unsigned i,
			    uint64_t addr, uint32_t len, uint16_t flags,
			    uint16_t next)
{
	drv_desc_at(d, d->q[n].desc_gpa, i, addr, len, flags, next);
}

/* Makes a chain available; the device is not told. */
static inline void drv_offer(struct drv *d, unsigned n, uint16_t head)
{
	struct drv_queue *q = &d->q[n];

	drv_put16(d, q->avail_gpa + 4 + 2 * (q->avail % q->size), head);
	drv_put16(d, q->avail_gpa + 2, ++q->avail);
}

static inline void drv_notify(struct drv *d, unsigned n)
{
	drv_store(d, DRV_BAR4 + 0x3000 + 4 * n, 2, n);
	fake_poll(d->f);
}

static inline uint16_t drv_used_idx(struct drv *d, unsigned n)
{
	return drv_get16(d, d->q[n].used_gpa + 2);
}

/* The next used entry: true where there is one. */
static inline bool drv_used(struct drv *d, unsigned n, uint32_t *id,
			    uint32_t *len)
{
	struct drv_queue *q = &d->q[n];
	uint8_t *p;

	if (drv_used_idx(d, n) == q->used)
		return false;
	p = drv_ptr(d, q->used_gpa + 4 + 8 * (q->used++ % q->size));
	memcpy(id, p, 4);
	memcpy(len, p + 4, 4);
	return true;
}

/* As above, waiting up to two seconds for a thread. */
static inline bool drv_wait(struct drv *d, unsigned n, uint32_t *id,
			    uint32_t *len)
{
	for (int i = 0; i < 2000; i++) {
		fake_poll(d->f);
		if (drv_used(d, n, id, len))
			return true;
		usleep(1000);
	}
	return false;
}

static inline void drv_open(struct drv *d)
{
	memset(d, 0, sizeof(*d));
	d->f = fake_new_ram(DRV_RAM);
	d->pcie = drv_bridge(d->f);
}

static inline struct pci_conf drv_pci(struct drv *d)
{
	return (struct pci_conf){ .bridge = d->pcie, .slot = DRV_SLOT };
}

static inline void drv_close(struct drv *d)
{
	device_free(d->dev);
	device_free(d->pcie);
	fake_free(d->f);
}

#endif
