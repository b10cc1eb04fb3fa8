/* dma.h: the one road from a device to guest RAM.
 *
 * RAM only, so a device cannot re-enter a device; copies only, so what was
 * checked is what is used. dma_iov feeds readv and writev, nothing else.
 * All return 0, or -1 when any byte of the range is not RAM (nothing is then
 * transferred); dma_get and dma_load read ROM too. Any thread; guest CPUs may race, byte by byte. */
#ifndef POME_DMA_H
#define POME_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct as;

struct dma {
	struct as *as;
};

int dma_get(struct dma *, uint64_t gpa, void *dst, size_t len);
int dma_put(struct dma *, uint64_t gpa, const void *src, size_t len);
/* One naturally aligned access of 1, 2, 4 or 8 bytes, little-endian; load is
 * an acquire, store a release. */
int dma_load(struct dma *, uint64_t gpa, unsigned size, uint64_t *val);
int dma_store(struct dma *, uint64_t gpa, unsigned size, uint64_t val);
/* Describes guest memory to the kernel; returns the number of entries (at
 * most `max`, 0 for len 0) or -1. The memory stays valid until the VM ends. */
int dma_iov(struct dma *, uint64_t gpa, size_t len, struct iovec *iov, int max);

#endif
