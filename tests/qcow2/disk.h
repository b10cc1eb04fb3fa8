/* disk.h: a driver for virtio-blk, for guests that write and measure: polled,
 * DISK_DEPTH requests under way. Freestanding. VIRTIO 1.2 sections 2.7, 4.1 and
 * 5.2, at the places of pome's own functions. */
#ifndef GUEST_DISK_H
#define GUEST_DISK_H

#include "guest.h"

#define DISK_DEPTH 32

enum { DISK_IN = 0, DISK_OUT = 1, DISK_FLUSH = 4, DISK_DISCARD = 11,
       DISK_ZEROES = 13 };

struct disk {
	uint64_t bar, sectors;
	uint64_t features;              /* what the device offers */
	uint16_t seen;                  /* of the used ring */
	unsigned busy;                  /* requests */
	uint64_t done;                  /* bit n: request n is over */
	struct disk_ring *ring;
};

/* The n-th disk on the bus; false: there is none. */
bool disk_open(struct disk *, unsigned n);
/* Starts request `slot` (0 to DISK_DEPTH - 1), which is not under way. For
 * discard and zeroes `data` is NULL and `len` says how many bytes. */
void disk_start(struct disk *, unsigned slot, uint32_t type, uint64_t sector,
		void *data, uint32_t len);
/* Tells the device of what was started. */
void disk_go(struct disk *);
/* Waits until a request is over; returns its slot. */
unsigned disk_wait(struct disk *);
/* Status of request `slot`, which is over. */
unsigned disk_status(const struct disk *, unsigned slot);
/* One request by itself; its status. */
unsigned disk_do(struct disk *, uint32_t type, uint64_t sector, void *data,
		 uint32_t len);

#endif
