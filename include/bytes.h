/* bytes.h: loads of every byte order, and the C library's memory functions,
 * for code that is built into the boot ROM as well as into pome: firmware/lib
 * uses nothing else of any library. */
#ifndef POME_BYTES_H
#define POME_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
#endif

/* Hosts and guests are little-endian; memcpy because nothing is aligned. */
static inline uint16_t ld16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t ld32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t ld64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t ld32be(const uint8_t *p)
{
	return __builtin_bswap32(ld32(p));
}

static inline uint64_t ld64be(const uint8_t *p)
{
	return __builtin_bswap64(ld64(p));
}

static inline void st32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void st64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void st64be(uint8_t *p, uint64_t v)
{
	st64(p, __builtin_bswap64(v));
}

#endif
