/* device.h: what every device model is.
 *
 * A device is a state struct that begins with `struct device`, and one
 * `struct device_ops`. It compiles against include/ alone, so a unit test can
 * give it a board of one page (tests/unit/fake.h).
 *
 * Locking: as_access(), the loop and the block pool hold the device's lock
 * around every call into it, so device code has no locks of its own. Devices
 * never call other devices: they set wires, or loop_post(). */
#ifndef POME_DEVICE_H
#define POME_DEVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "irq.h"

struct dma;
struct loop;
struct device;
struct fdt_build;

/* What an access came to. as.c counts IO_NOREG and IO_SIZE and logs them once
 * in a while; a load that is not IO_OK yields `val` as the device left it
 * (zero on entry). */
enum io { IO_OK, IO_NOREG, IO_SIZE };

struct access {
	uint64_t off;                   /* from the start of the window */
	uint64_t val;                   /* in: value stored; out: value loaded */
	uint8_t size;                   /* 1, 2, 4 or 8; naturally aligned */
	uint8_t win;                    /* which of the device's windows */
	uint8_t cpu;                    /* index of the vCPU that makes it */
};

/* A register as data: names for traces, and what the generic test checks. */
struct reg {
	uint32_t off;
	const char *name;               /* as the document spells it */
	uint8_t size;                   /* bytes */
	uint64_t reset;
	uint64_t rw;                    /* bits that read back as written */
	uint64_t w1c;                   /* bits that a one clears */
};

/* What a snapshot carries. An id is for ever; ids are unique in a device. */
struct field {
	uint16_t id;
	uint16_t size;
	size_t off;                     /* offsetof in the state */
};

#define FIELD(id, type, member) \
	{ (id), sizeof(((type *)0)->member), offsetof(type, member) }

/* What the board gives a device. `arg` points to the device's own
 * configuration struct, declared in its header in include/. */
struct devconf {
	const char *id;                 /* "uart0"; outlives the device */
	struct dma *dma;
	struct loop *loop;
	struct irq irq[4];
	const void *arg;
};

struct device_ops {
	const char *name;               /* "pl011" */
	size_t size;                    /* of the state */
	const struct reg *regs;         /* ends with name == NULL; may be NULL */
	const struct field *saved;      /* ends with size == 0; may be NULL */
	/* `dev` is zeroed memory of `size` bytes with the common part filled.
	 * An init that fails undoes what it did; fini is not called then. */
	int (*init)(struct device *dev, const struct devconf *, struct err *);
	void (*reset)(struct device *dev);      /* all vCPUs parked */
	void (*pause)(struct device *dev);      /* may be NULL */
	void (*resume)(struct device *dev);     /* may be NULL */
	enum io (*read)(struct device *dev, struct access *);
	enum io (*write)(struct device *dev, const struct access *);
	int (*check)(const struct device *dev, struct err *); /* may be NULL */
	void (*fini)(struct device *dev);
	/* Adds the device's node to a flat device tree under construction
	 * (libfdt sequential write); may be NULL. See fdt.h. */
	int (*fdt)(const struct device *dev, struct fdt_build *);
};

struct device {
	const struct device_ops *ops;
	const char *id;
	struct dma *dma;
	struct loop *loop;
	struct irq irq[4];
	pthread_mutex_t lock;           /* not for device code, see above */
	uint64_t reads, writes, bad;    /* counters for --stats */
};

/* Allocates and initialises a device and puts it in its reset state;
 * device_free (which takes NULL too) undoes it. Main thread. */
struct device *device_new(const struct device_ops *, const struct devconf *,
			  struct err *);
void device_free(struct device *);
void device_lock(struct device *);
void device_unlock(struct device *);

#endif
