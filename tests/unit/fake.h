/* fake.h: a fake board for unit tests and fuzz targets: one block of RAM, a
 * clock that the test moves by hand, and wires that remember what came. */
#ifndef POME_FAKE_H
#define POME_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "as.h"
#include "device.h"
#include "dma.h"
#include "irq.h"
#include "loop.h"

#define FAKE_RAM 0x70000000u            /* where its RAM is */
#define FAKE_RAM_SIZE 0x10000u          /* as.h's smallest block */
#define FAKE_WIRES 1024
#define FAKE_MSIS 64

struct fake_wire {
	bool level;
	unsigned rises, falls;          /* real changes only */
	unsigned sets;                  /* all calls */
};

struct fake_msi {
	uint64_t addr;
	uint32_t data;
};

struct fake {
	struct intc intc;               /* first: irq_set comes back by it */
	struct as *as;
	struct dma dma;
	struct loop *loop;              /* loop_new_manual */
	uint8_t *ram;                   /* host view of the RAM */
	uint64_t ram_size;
	struct fake_wire wire[FAKE_WIRES];      /* by irq.n */
	struct fake_msi msi[FAKE_MSIS]; /* the first ones since fake_clear */
	unsigned nmsi;                  /* all of them */
};

/* Never NULL: a board that cannot be made ends the program. */
struct fake *fake_new(void);
struct fake *fake_new_ram(uint64_t size);       /* a multiple of 64 KiB */
void fake_free(struct fake *);
/* Forgets what wires and MSIs counted; levels stay. */
void fake_clear(struct fake *);

/* A device on the board: its wires are numbers 0..3. Ends the program, with
 * the message, where init fails; use device_new to test for failure. */
struct device *fake_device(struct fake *, const struct device_ops *,
			   const void *arg);
struct devconf fake_conf(struct fake *, const void *arg);
struct irq fake_irq(struct fake *, uint32_t n);

/* One access, under the device's lock as as.c makes it; window 0, CPU 0. */
uint64_t fake_read(struct device *, uint64_t off, unsigned size);
void fake_write(struct device *, uint64_t off, unsigned size, uint64_t val);
/* The same for any window, with what the device said. *val is 0 at first. */
enum io fake_read_win(struct device *, unsigned win, uint64_t off,
		      unsigned size, uint64_t *val);
enum io fake_write_win(struct device *, unsigned win, uint64_t off,
		       unsigned size, uint64_t val);

/* Time: moves the clocks on, firing timers and posts. */
void fake_advance(struct fake *, uint64_t ns);
/* Runs posts, due timers and ready descriptors; no time passes. */
void fake_poll(struct fake *);

/* The generic test by dev->ops->regs (window 0): reset values; bits that read
 * back as written, for ones, zeros and two patterns; bits that do not; w1c
 * bits read 0 after a one was written; every size at every register is
 * survived. Resets the device before each register. Registers with neither rw
 * nor w1c bits are only read. Fails the running cmocka test. */
void fake_check_regs(struct device *);

/* What loading a snapshot does: `to`, another device of the kind on a board of
 * its own, is reset, gets the saved fields of `from` and the contents of its
 * board's RAM, and goes on. All registers of the map read alike then; of those
 * for which reading has effects, `from` has seen them too. Fails the test. */
void fake_restore(struct fake *to_board, struct device *to,
		  struct fake *from_board, struct device *from);

#endif
