/* Between lzfse.c and lzvn.c: input that is used up, output that later blocks
 * can look back on. */
#ifndef LZFSE_INT_H
#define LZFSE_INT_H

#include "lzfse.h"

struct lz_in {
	const uint8_t *p;
	size_t n;
};

struct lz_out {
	uint8_t *p;
	size_t n, room;                 /* n <= room */
};

static const char lz_too_long[] = "LZFSE: yields more than there is room for";

static inline void lz_skip(struct lz_in *in, size_t n)
{
	in->p += n;
	in->n -= n;
}

/* Both: the caller has checked room and distance. */
static inline void lz_literals(struct lz_out *o, const uint8_t *src, size_t n)
{
	memcpy(o->p + o->n, src, n);
	o->n += n;
}

static inline void lz_match(struct lz_out *o, size_t distance, size_t n)
{
	uint8_t *dst = o->p + o->n;
	const uint8_t *src = dst - distance;

	o->n += n;
	if (distance >= 8) {
		for (; n >= 8; n -= 8, src += 8, dst += 8)
			memcpy(dst, src, 8);
	}
	while (n--)
		*dst++ = *src++;
}

/* The opcodes of a bvxn block, which must end at `limit` bytes of output. */
const char *lzvn_decode(struct lz_in *, struct lz_out *, size_t limit);

#endif
