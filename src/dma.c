/* dma.c: copies between devices and guest RAM; the contract is dma.h. */
#include <string.h>

#include "as.h"
#include "dma.h"

/* The bytes of RAM from gpa on, at most len of them: their host address, and
 * in *n how many lie in one block. NULL where gpa is not RAM; `rom` counts. */
static uint8_t *dma_span(struct dma *dma, uint64_t gpa, size_t len, bool rom,
			 size_t *n)
{
	const struct ram *r = as_find_ram(dma->as, gpa, 1);
	uint64_t left;

	if (!r || (r->rom && !rom))
		return NULL;
	left = r->size - (gpa - r->gpa);
	*n = len < left ? len : (size_t)left;
	return r->host + (gpa - r->gpa);
}

/* Is all of the range RAM? Blocks may touch, so a range may span several. */
static bool dma_ok(struct dma *dma, uint64_t gpa, size_t len, bool rom)
{
	size_t n;

	if (len && gpa + (len - 1) < gpa)
		return false;
	while (len) {
		if (!dma_span(dma, gpa, len, rom, &n))
			return false;
		gpa += n;
		len -= n;
	}
	return true;
}

int dma_get(struct dma *dma, uint64_t gpa, void *dst, size_t len)
{
	uint8_t *to = dst;
	size_t n = 0;

	if (!dma_ok(dma, gpa, len, true))
		return -1;
	while (len) {
		const uint8_t *from = dma_span(dma, gpa, len, true, &n);

		memcpy(to, from, n);
		to += n;
		gpa += n;
		len -= n;
	}
	return 0;
}

int dma_put(struct dma *dma, uint64_t gpa, const void *src, size_t len)
{
	const uint8_t *from = src;
	size_t n = 0;

	if (!dma_ok(dma, gpa, len, false))
		return -1;
	while (len) {
		uint8_t *to = dma_span(dma, gpa, len, false, &n);

		memcpy(to, from, n);
		from += n;
		gpa += n;
		len -= n;
	}
	return 0;
}

static void *dma_word(struct dma *dma, uint64_t gpa, unsigned size, bool rom)
{
	const struct ram *r;

	if (gpa & (size - 1))
		return NULL;
	r = as_find_ram(dma->as, gpa, size);
	return r && (rom || !r->rom) ? r->host + (gpa - r->gpa) : NULL;
}

int dma_load(struct dma *dma, uint64_t gpa, unsigned size, uint64_t *val)
{
	void *p = dma_word(dma, gpa, size, true);

	if (!p)
		return -1;
	switch (size) {
	case 1:
		*val = __atomic_load_n((uint8_t *)p, __ATOMIC_ACQUIRE);
		return 0;
	case 2:
		*val = __atomic_load_n((uint16_t *)p, __ATOMIC_ACQUIRE);
		return 0;
	case 4:
		*val = __atomic_load_n((uint32_t *)p, __ATOMIC_ACQUIRE);
		return 0;
	case 8:
		*val = __atomic_load_n((uint64_t *)p, __ATOMIC_ACQUIRE);
		return 0;
	}
	return -1;
}

int dma_store(struct dma *dma, uint64_t gpa, unsigned size, uint64_t val)
{
	void *p = dma_word(dma, gpa, size, false);

	if (!p)
		return -1;
	switch (size) {
	case 1:
		__atomic_store_n((uint8_t *)p, val, __ATOMIC_RELEASE);
		return 0;
	case 2:
		__atomic_store_n((uint16_t *)p, val, __ATOMIC_RELEASE);
		return 0;
	case 4:
		__atomic_store_n((uint32_t *)p, val, __ATOMIC_RELEASE);
		return 0;
	case 8:
		__atomic_store_n((uint64_t *)p, val, __ATOMIC_RELEASE);
		return 0;
	}
	return -1;
}

int dma_iov(struct dma *dma, uint64_t gpa, size_t len, struct iovec *iov,
	    int max)
{
	size_t n = 0;
	int i;

	if (!dma_ok(dma, gpa, len, false))
		return -1;
	for (i = 0; len; i++) {
		if (i == max)
			return -1;
		iov[i].iov_base = dma_span(dma, gpa, len, false, &n);
		iov[i].iov_len = n;
		gpa += n;
		len -= n;
	}
	return i;
}
