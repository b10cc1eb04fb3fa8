/* profile.c: counts handlers, pairs and triples into the file that the
 * environment's POME_PROFILE names (tests/bench/profile.py reads it).
 *
 * The file is mapped before the sandbox closes, and the counters live in it,
 * so nothing has to be written at the end, however that comes. */
#ifdef PROFILE

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "op.h"
#include "profile.h"

/* An entry: the handler before last, the last, this one, as offsets from
 * op_decode (0 where it was no fall-through), and how the operands meet. */
struct count {
	int32_t h[3];
	uint32_t dep;                   /* 1: rn, 2: rm is the last one's rd;
					 * 4: rd is rn */
	uint64_t n;
};
enum { ENTRIES = 1 << 18 };
static struct count *table;
static __thread int32_t last[2];

__attribute__((constructor)) static void profile_open(void)
{
	const char *name = getenv("POME_PROFILE");
	int fd = name ? open(name, O_RDWR | O_CREAT | O_TRUNC, 0666) : -1;
	void *p;

	if (fd < 0 || ftruncate(fd, ENTRIES * sizeof(struct count)))
		return;
	p = mmap(NULL, ENTRIES * sizeof(struct count), PROT_READ | PROT_WRITE,
		 MAP_SHARED, fd, 0);
	close(fd);
	if (p != MAP_FAILED)
		table = p;
}

static int32_t number(const struct rec *r)
{
	return (int32_t)((intptr_t)r->h - (intptr_t)op_decode);
}

void profile_step(const struct rec *prev, const struct rec *ip)
{
	struct count k = { .n = 1 };
	uint64_t hash;

	if (!table || REC_H(ip) == op_decode)
		return;
	if (!prev || ip != prev + 1)
		last[0] = last[1] = 0;
	else
		k.dep = (ip->rn == prev->rd) | (ip->rm == prev->rd) << 1;
	k.dep |= (uint32_t)(ip->rd == ip->rn) << 2;
	k.h[0] = last[0];
	k.h[1] = last[1];
	k.h[2] = number(ip);
	last[0] = last[1];
	last[1] = k.h[2];
	hash = ((uint64_t)(uint32_t)k.h[0] * 0x9e3779b97f4a7c15u ^
		(uint64_t)(uint32_t)k.h[1] << 20 ^ (uint32_t)k.h[2] ^
		(uint64_t)k.dep << 50) * 0xff51afd7ed558ccdu;
	/* racing vCPUs lose counts now and then; full: the rest is not counted */
	for (unsigned i = 0; i < 64; i++) {
		struct count *e = &table[(hash >> 40) + i & (ENTRIES - 1)];

		if (!e->n) {
			*e = k;
			return;
		}
		if (!memcmp(e->h, k.h, sizeof(k.h)) && e->dep == k.dep) {
			e->n++;
			return;
		}
	}
}

#endif
