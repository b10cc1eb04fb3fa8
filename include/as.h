/* as.h: the guest's physical address space: RAM blocks and device windows.
 *
 * Built by machine.c before the vCPUs run. RAM blocks never change while the
 * guest runs; device windows may move (PCI BARs), under a lock that as_access
 * takes only for the look-up. */
#ifndef POME_AS_H
#define POME_AS_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "err.h"
#include "host.h"

/* A block of guest RAM: private anonymous memory at `host`. Both addresses are
 * multiples of 64 KiB, so that hosts of any page size work; the host's is one of
 * 2 MiB, for huge pages. */
struct ram {
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
	const char *name;               /* "ram", "firmware" */
	bool rom;                       /* made by as_rom */
};

#define AS_MAX_RAM 8
#define AS_MAX_WIN 128

struct as;
struct trace;

struct as *as_new(struct err *);
void as_free(struct as *);              /* unmaps the RAM it made */

/* Makes a RAM block (zeroed, never executable). Main thread. */
struct ram *as_ram(struct as *, const char *name, uint64_t gpa, uint64_t size,
		   struct err *);
/* The same, for what guest and devices only read: a flash chip's array. Loads,
 * fetches and table walks go to the memory; stores go to the device window
 * that lies over it, which may be placed before or after. Nothing but the
 * board writes `host`, while no vCPU runs. */
struct ram *as_rom(struct as *, const char *name, uint64_t gpa, uint64_t size,
		   struct err *);
/* The blocks, for accelerators: *n of them, valid for the life of the as. */
const struct ram *as_rams(const struct as *, int *n);
/* The block that holds all of gpa..gpa+len-1, or NULL; ROM too, so who writes
 * looks at `rom`. Any thread, no lock. */
const struct ram *as_find_ram(const struct as *, uint64_t gpa, uint64_t len);

/* Puts window `win` of `dev` at gpa. Fails on overlap, but for ROM. */
int as_dev(struct as *, uint64_t gpa, uint64_t len, struct device *dev,
	   uint8_t win, struct err *);
/* A window that answers only where no RAM and no window of as_dev does: what
 * lies under a bus, such as all ones under PCI's memory window. It never
 * moves. At most AS_MAX_BACK of them, which must not overlap each other. */
#define AS_MAX_BACK 8
int as_back(struct as *, uint64_t gpa, uint64_t len, struct device *dev,
	    uint8_t win, struct err *);
/* Moves, resizes or (len 0) removes a window. An overlap is allowed: the
 * window with the lower address wins. A window that as_dev never placed is
 * made (a PCI BAR). Any thread that holds no as lock; the device's own lock
 * may be held. */
void as_move(struct as *, struct device *dev, uint8_t win, uint64_t gpa,
	     uint64_t len);

/* One guest access to something that is not RAM. Takes the device's lock.
 * a->size is 1, 2, 4 or 8 and `gpa` any address: as.c splits what crosses a
 * window or is not aligned. On entry `a` has val, size and cpu.
 * Returns false where none of the bytes is mapped: the caller decides between a
 * synchronous external abort and read-as-zero. vCPU threads, no lock held. */
bool as_access(struct as *, uint64_t gpa, bool write, struct access *a);

/* Accesses are told to it from here on. Before the vCPUs run. */
void as_trace(struct as *, struct trace *);

/* The device whose window holds gpa (for messages), or NULL. */
struct device *as_find_dev(struct as *, uint64_t gpa, uint64_t *off);
/* The device that as_access reached last and where, for the post-mortem;
 * NULL before the first. Any thread; the two may come from two accesses. */
struct device *as_last_dev(struct as *, uint64_t *gpa);
/* Calls fn for each window in address order. */
void as_each_win(struct as *, void (*fn)(void *arg, uint64_t gpa, uint64_t len,
		 struct device *, uint8_t win), void *arg);

#endif
