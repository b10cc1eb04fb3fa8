/* atomic.h: exclusive monitor and 16-byte compare-exchange, for other files. */
#ifndef INTERP_ATOMIC_H
#define INTERP_ATOMIC_H

#include "cpu.h"

/* Is the monitor open, or has the marked memory changed since the LDXR? For
 * WFE: losing the reservation is an event (Arm ARM D1.6.1). May say true
 * where it cannot tell. The vCPU's own thread. */
bool atomic_excl_lost(const struct cpu *c);

#if defined(__x86_64__)
#define CX16 __attribute__((target("cx16")))
#else
#define CX16
#endif

typedef unsigned __int128 u128;

/* Full barrier. Returns what was there. Functions that inline it are CX16. */
CX16 static inline u128 atomic_cas16(u128 *p, u128 old, u128 val)
{
	return __sync_val_compare_and_swap(p, old, val);
}
/* Both halves, not together. */
static inline u128 atomic_halves16(const u128 *p)
{
	const uint64_t *q = (const uint64_t *)p;
	uint64_t lo = __atomic_load_n(&q[0], __ATOMIC_RELAXED);

	return (u128)__atomic_load_n(&q[1], __ATOMIC_RELAXED) << 64 | lo;
}

#endif
