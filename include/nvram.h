/* nvram.h: NVRAM banks of an auxiliary store, for reading: CHRP (macOS 12 and
 * 13) and version 3 (spec/vmapple.md section 8.3). Built into the boot ROM and
 * into pome; banks are hostile. */
#ifndef POME_NVRAM_H
#define POME_NVRAM_H

#include "bytes.h"

#define NVRAM_STEP 0x80000u             /* banks begin at multiples of this */

struct nvram {
	const uint8_t *p;
	size_t size;                    /* that checksum or header give */
	uint32_t generation;
	bool v3;
};

struct nvram_var {
	const char *partition;          /* "common", "system" or "?" */
	const uint8_t *name, *value;
	size_t name_len, value_len;
};

/* Where a walk over the variables is; zeros at first. */
struct nvram_walk {
	size_t part;                    /* header of the partition */
	size_t pos;                     /* of the next variable; 0: its first */
};

/* Does a bank begin here? Its first 32 bytes tell. */
bool nvram_is(const uint8_t *p, size_t n);
/* NULL, or what is wrong with it. */
const char *nvram_parse(const uint8_t *p, size_t n, struct nvram *);
bool nvram_next(const struct nvram *, struct nvram_walk *, struct nvram_var *);
/* The variable of that name, the last one where several are valid. */
bool nvram_get(const struct nvram *, const char *name, struct nvram_var *);

#endif
