/* lzfse.h: LZFSE streams and "complzss" payloads, unpacked in memory. Built
 * into the boot ROM and into pome; input is hostile. Facts: spec/lzfse.md. */
#ifndef POME_LZFSE_H
#define POME_LZFSE_H

#include "bytes.h"

#define LZFSE_LITERALS 40000            /* of a block, at most */

struct lzfse_entry {                    /* one state of an entropy table */
	uint8_t symbol, bits, extra;
	int16_t delta;
	uint32_t base;
};

/* Tables and literals of a block; the caller's, because it is large. */
struct lzfse_work {
	struct lzfse_entry l[64], m[64], d[256];
	struct { uint8_t symbol, bits; int16_t delta; } lit[1024];
	uint16_t freq[20 + 20 + 64 + 256];
	uint8_t literals[LZFSE_LITERALS + 4];
};

/* Unpacks a whole stream, up to its end mark. *out_len and *used (bytes of
 * input, may be NULL) are set on success. NULL, or what is wrong. */
const char *lzfse_decode(struct lzfse_work *, const uint8_t *in, size_t n,
			 uint8_t *out, size_t room, size_t *out_len,
			 size_t *used);
/* Does it begin like a stream? */
bool lzfse_is(const uint8_t *in, size_t n);
/* The plain size, from the headers of the blocks alone. Up to 2^32 a block:
 * compare it with a limit before anything is allocated. */
const char *lzfse_size(const uint8_t *in, size_t n, uint64_t *size);

#define LZSS_HEADER 0x180

bool lzss_is(const uint8_t *in, size_t n);
/* The plain size, from the header; n >= LZSS_HEADER. */
uint32_t lzss_size(const uint8_t *in);
const char *lzss_decode(const uint8_t *in, size_t n, uint8_t *out, size_t room,
			size_t *out_len, size_t *used);

#endif
