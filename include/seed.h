/* seed.h: random numbers for the guest: the host's, or a sequence that --seed
 * fixes. Each user has a stream of its own, so that what one takes changes
 * nothing for another. Not locked: a stream belongs to one lock or thread. */
#ifndef POME_SEED_H
#define POME_SEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

enum seed_stream { SEED_FDT, SEED_RNG, SEED_RNDR, SEED_FIRMWARE };

struct seed {
	bool fixed;
	uint64_t state;
};

/* `c` may be NULL: the host's. */
void seed_init(struct seed *, const struct config *c, enum seed_stream);
/* False: the host has none now. */
bool seed_get(struct seed *, void *buf, size_t len);

#endif
