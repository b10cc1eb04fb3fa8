/* virtq.h: the one walker of split virtqueues (virtio 1.2 section 2.7).
 *
 * A device pops chains of buffers, works on them and pushes their heads back.
 * What virtq_start was given is copied; no register reaches it afterwards. The
 * rings stay mapped, each field of a descriptor is loaded once, every loop is
 * bounded, and a chain that is malformed breaks the queue: broken() is called
 * once, and from then on pop finds nothing and push does nothing.
 * All calls under the owning device's lock. */
#ifndef POME_VIRTQ_H
#define POME_VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct dma;

#define VIRTQ_SIZE_MAX 1024             /* of any queue */
#define VIRTQ_SEGS 260                  /* iovecs of a chain, at most */

struct virtq {
	/* Set once by the owner. */
	struct dma *dma;
	void *owner;
	unsigned index;
	/* The guest did something malformed. */
	void (*broken)(void *owner, struct virtq *, const char *why);
	/* Used buffers are there and the driver wants to know. */
	void (*interrupt)(void *owner, struct virtq *);
	/* The live copy. */
	bool live;
	bool event_idx, indirect;
	bool notify_off;                /* the driver need not notify us */
	uint16_t size;
	uint8_t *desc, *avail, *used;   /* host addresses */
	uint64_t desc_gpa, avail_gpa, used_gpa;
	uint16_t avail_next;            /* next entry to take */
	uint16_t used_next;             /* next entry to fill */
	uint16_t used_shown;            /* what the driver sees as used.idx */
	uint16_t used_signalled;        /* used.idx at the last decision */
	bool signalled;                 /* the field above is valid */
	uint64_t chains;                /* counter */
};

/* One chain. Buffers that the device reads come first, then those that it
 * writes; both are guest memory and may change under our eyes. */
struct virtq_elem {
	uint16_t head;
	unsigned nout, nin;             /* iov[0..nout), iov[nout..nout+nin) */
	size_t out_len, in_len;         /* bytes */
	struct iovec iov[VIRTQ_SEGS];
};

/* Makes the queue live. `size` is a power of two up to VIRTQ_SIZE_MAX.
 * Returns -1 where a ring is misaligned or not wholly in RAM. */
int virtq_start(struct virtq *, uint16_t size, uint64_t desc, uint64_t avail,
		uint64_t used, bool event_idx, bool indirect);
void virtq_stop(struct virtq *);

/* 1: *elem is a chain; 0: nothing there, or the queue is not live. */
int virtq_pop(struct virtq *, struct virtq_elem *elem);
/* Puts back the last n chains popped; what was pushed and not yet shown, which
 * must be some of these chains, is taken back too. */
void virtq_unpop(struct virtq *, unsigned n);
bool virtq_empty(struct virtq *);
/* Fills a used entry, not shown to the driver before virtq_show. */
void virtq_push(struct virtq *, uint16_t head, uint32_t written);
/* Shows what was pushed and interrupts where the driver wants it. */
void virtq_show(struct virtq *);
/* Asks the driver (not) to notify. After asking for notifications, the caller
 * looks at the queue once more: on returns true where it is not empty. */
void virtq_notify_off(struct virtq *);
bool virtq_notify_on(struct virtq *);

/* Copies from the chain's readable (to its writable) bytes at `off`; returns
 * the number of bytes copied, short where the chain ends. */
size_t virtq_read(const struct virtq_elem *, size_t off, void *, size_t len);
size_t virtq_write(const struct virtq_elem *, size_t off, const void *,
		   size_t len);
/* Cut a list of iovecs: skip drops its first n bytes (*iov may advance), keep
 * all but its first n. Both return the new number of entries. */
unsigned virtq_iov_skip(struct iovec **iov, unsigned niov, size_t n);
unsigned virtq_iov_keep(struct iovec *iov, unsigned niov, size_t n);

#endif
