/* cache.h: decoded code by physical page.
 *
 * Pages are found without a lock; creating and retiring takes the cache's.
 * Decoded code is dropped by IC instructions (CTR_EL0.DIC = 0: the guest must
 * issue them after it wrote code), by reset, and when the pool is full. A
 * retired page is reused only after every vCPU has passed a safe point. */
#ifndef INTERP_CACHE_H
#define INTERP_CACHE_H

#include "cpu.h"

struct cache *cache_new(struct interp *, uint64_t max_bytes, struct err *);
void cache_free(struct cache *);

/* The records of the page that holds pa (RAM), in context ctx; makes it if
 * needed. On c's thread, between instructions. */
struct codepage *cache_page(struct cpu *c, const struct ram *, uint64_t pa,
			    uint32_t ctx);
/* The page that a record lies in. */
struct codepage *cache_page_of(struct cache *, const struct rec *);
/* IC IVAU by physical address, IC IALLU(IS). On a vCPU's thread. All CPUs are
 * asked to look up again (REQ_CODE); c itself must go on by op_sync. */
void cache_retire(struct cpu *c, uint64_t pa);
void cache_retire_all(struct cpu *c);
/* Serves REQ_CODE: c holds no record now. */
void cache_serve(struct cpu *c);
/* All CPUs parked: forget everything. */
void cache_reset(struct cache *);
void cache_stats(struct cache *, uint64_t *pages, uint64_t *max_pages,
		 uint64_t *retired);

#endif
