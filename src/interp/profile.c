/* profile.c: counts how often each record runs, and how often by a jump, into
 * the file that the environment's POME_PROFILE names (tests/bench/profile.py
 * reads it).
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

/* A record: where it is, in records, so that the next instruction's is one
 * more; its handler as an offset from op_decode; its operands. A page of
 * records may serve one guest page after another: then it is a new one. */
struct count {
	uint32_t at;
	int32_t h;
	uint8_t rd, rn, ra, rm;
	uint32_t unused;
	uint64_t n;                     /* how often it ran, */
	uint64_t jumps;                 /* and not after the record before it */
};
enum { ENTRIES = 1 << 20 };
static struct count *table;

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

void profile_step(const struct rec *prev, const struct rec *ip)
{
	struct count k = {
		.at = (uint32_t)REC_NO(ip),
		.h = (int32_t)((intptr_t)ip->h - (intptr_t)op_decode),
		.rd = ip->rd, .rn = ip->rn, .ra = ip->ra, .rm = ip->rm,
	};
	size_t same = offsetof(struct count, n);
	uint64_t hash = ((uint64_t)k.at << 32 | (uint32_t)k.h) *
			0x9e3779b97f4a7c15u;

	if (!table || REC_H(ip) == op_decode)
		return;
	/* racing vCPUs lose counts now and then; full: the rest is not counted */
	for (unsigned i = 0; i < 64; i++) {
		struct count *e = &table[((hash >> 44) + i) & (ENTRIES - 1)];

		if (!e->n)
			memcpy(e, &k, same);
		else if (memcmp(e, &k, same))
			continue;
		e->n++;
		e->jumps += !prev || ip != prev + 1;
		return;
	}
}

#endif
