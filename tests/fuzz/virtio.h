/* virtio.h: what the fuzz targets of virtio devices share. The input is a
 * program for a guest: configuration space, registers, descriptors that are
 * often nearly right, doorbells, memory, resets, and what the target adds. At
 * the end the driver resets the device, and then memory must stay as it is. */
#ifndef POME_FUZZ_VIRTIO_H
#define POME_FUZZ_VIRTIO_H

#include <sys/mman.h>

#include "../unit/virtio_driver.h"
#include "fuzz.h"

struct fuzz_virtio {
	struct drv d;
	unsigned queues;
	uint64_t features;              /* the program may pick among these */
	void (*extra)(struct fuzz_virtio *, struct fuzz_in *);  /* or NULL */
	void *arg;
};

static inline void fuzz_virtio_start(struct fuzz_virtio *t,
				     struct fuzz_in *in)
{
	unsigned op = (unsigned)fuzz_get(in, 1);

	drv_start(&t->d, fuzz_get(in, 8) & t->features, t->queues,
		  8u << op % 3);
}

/* An address in the data area, anywhere in RAM, or anywhere. */
static inline uint64_t fuzz_addr(struct fuzz_in *in)
{
	unsigned kind = (unsigned)fuzz_get(in, 1);

	if (kind < 160)
		return DRV_DATA + fuzz_get(in, 2);
	if (kind < 240)
		return FAKE_RAM + fuzz_get(in, 3) % DRV_RAM;
	return fuzz_get(in, 8);
}

static inline void fuzz_desc(struct fuzz_virtio *t, struct fuzz_in *in)
{
	unsigned q = (unsigned)fuzz_get(in, 1);
	unsigned i = (unsigned)fuzz_get(in, 1) % 32;
	uint64_t addr = fuzz_addr(in);
	uint32_t len = (uint32_t)fuzz_get(in, q & 0x80 ? 4 : 2);
	unsigned flags = (unsigned)fuzz_get(in, 1);
	uint64_t table = DRV_RINGS + q % t->queues * 0x8000;

	if (flags & 0x80)               /* of an indirect table */
		table = DRV_DATA + 0x1000;
	if (flags & 0x40) {
		addr = DRV_DATA + 0x1000;
		flags = INDIRECT;
	}
	drv_desc_at(&t->d, table, i, addr, len, flags & 7,
		    flags & 0x20 ? i + 1 : (flags >> 3 & 3));
}

static inline void fuzz_step(struct fuzz_virtio *t, struct fuzz_in *in)
{
	struct drv *d = &t->d;
	unsigned op = (unsigned)fuzz_get(in, 1);
	unsigned q = (op >> 4) % t->queues, size = 1u << (op >> 4 & 3);

	switch (op & 15) {
	case 0:
		fuzz_virtio_start(t, in);
		break;
	case 1: case 2: case 3: case 4:
		fuzz_desc(t, in);
		break;
	case 5: case 6:
		if (d->q[q].size)
			drv_offer(d, q, (uint16_t)fuzz_get(in, 1));
		break;
	case 7: case 8:
		drv_notify(d, q);
		break;
	case 9:
		drv_set(d, (unsigned)fuzz_get(in, 2) & 0x3fff & -size, size,
			fuzz_get(in, size));
		break;
	case 10:
		drv_common(d, (unsigned)fuzz_get(in, 2) & 0x3fff & -size,
			   size);
		break;
	case 11:
		drv_cfg_store(d, (unsigned)fuzz_get(in, 1) & -size, size,
			      fuzz_get(in, size));
		drv_cfg_load(d, (unsigned)fuzz_get(in, 1) & -size, size);
		break;
	case 12:
		drv_map(d);
		drv_store(d, DRV_BAR1 + (fuzz_get(in, 1) << 3), 8,
			  fuzz_get(in, 8));
		break;
	case 13:
		*drv_ptr(d, FAKE_RAM + fuzz_get(in, 3) % DRV_RAM) =
			(uint8_t)fuzz_get(in, 1);
		break;
	case 14:
		if (op >> 4 == 0)
			d->dev->ops->reset(d->dev);
		else if (op >> 4 == 1)
			drv_map(d);
		else
			fake_poll(d->f);
		break;
	case 15:
		if (t->extra)
			t->extra(t, in);
		break;
	}
}

/* t->d.dev was made on the board of drv_open(&t->d). */
static inline void fuzz_virtio_run(struct fuzz_virtio *t, struct fuzz_in *in)
{
	struct drv *d = &t->d;

	drv_map(d);
	fuzz_virtio_start(t, in);
	for (unsigned steps = 0; in->n && steps < 1000; steps++)
		fuzz_step(t, in);
	drv_map(d);
	drv_set(d, 0x14, 1, 0);
	for (unsigned i = 0; drv_status(d); i++) {
		fuzz_require(i < 10000, "a reset ends");
		usleep(100);
		fake_poll(d->f);
	}
	/* no write to memory after a reset: one ends here with its stack. A
	 * copy to compare with would bring in every page, each time. */
	fuzz_require(!mprotect(d->f->ram, DRV_RAM, PROT_READ), "mprotect");
	for (unsigned q = 0; q < t->queues; q++)
		drv_notify(d, q);
	for (unsigned i = 0; i < 4; i++)
		fake_poll(d->f);
	fuzz_require(!d->f->wire[64 + DRV_SLOT].level, "INTx low after reset");
	drv_close(d);
}

#endif
