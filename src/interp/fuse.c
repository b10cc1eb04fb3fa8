/* fuse.c: finds the fused handler for records; fuse.h. */
#include <pthread.h>

#include "branch.h"
#include "fuse.h"

enum { BUCKETS = 4096, MAX_FUSIONS = 8192, SIEVE = 1 << 16 };

/* Of every row, with branches resolved; chained by both handlers and by what
 * they make. 0 ends a chain. */
static struct node {
	op_fn *first, *second, *fused;
	uint8_t dep;
	bool triple;
	uint16_t next_pair, next_fused;
} node[MAX_FUSIONS];
static uint16_t by_pair[BUCKETS], by_fused[BUCKETS];
/* Most of what is asked for is not there, and that is found out for each
 * instruction that is decoded: a bit for each hash that is. */
static uint64_t sieve[SIEVE / 64];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint64_t hash(op_fn *a, op_fn *b)
{
	uint64_t v = (uintptr_t)a * 0x9e3779b97f4a7c15u ^ (uintptr_t)b;

	return v * 0x9e3779b97f4a7c15u;
}
static unsigned bucket(uint64_t hash) { return (unsigned)(hash >> 52); }
static unsigned bit(uint64_t hash) { return (unsigned)(hash >> 48); }

static unsigned add(unsigned n, const struct fusion *f,
		    const struct branch_table *branches)
{
	for (; f->first && n < MAX_FUSIONS; f++, n++) {
		struct node *d = &node[n];
		uint64_t h;

		d->first = f->first;
		d->second = f->second;
		if (!d->second)
			memcpy(&d->second, (const char *)branches + f->branch,
			       sizeof(d->second));
		d->fused = f->fused;
		d->dep = f->dep;
		for (unsigned i = by_fused[bucket(hash(d->first, NULL))]; i;
		     i = node[i].next_fused)
			d->triple |= node[i].fused == d->first;
		h = hash(d->first, d->second);
		sieve[bit(h) / 64] |= 1ull << bit(h) % 64;
		uint16_t *p = &by_pair[bucket(h)];
		uint16_t *q = &by_fused[bucket(hash(d->fused, NULL))];

		d->next_pair = *p;
		d->next_fused = *q;
		*p = *q = (uint16_t)n;
	}
	return n;
}

static void build(void)
{
	unsigned n = add(1, fuse_pairs, NULL);

	n = add(n, fuse_triples, NULL);
	n = add(n, fuse_branches, &branch_table);
	add(n, fuse_branches_count, &branch_table_count);
}

/* r: the last but one of them */
static op_fn *find(const struct rec *r, op_fn *first, op_fn *second,
		   bool triple)
{
	uint64_t h = hash(first, second);
	const struct node *best = NULL;

	pthread_once(&once, build);
	if (!(sieve[bit(h) / 64] >> bit(h) % 64 & 1))
		return NULL;
	for (unsigned i = by_pair[bucket(h)]; i; i = node[i].next_pair) {
		const struct node *d = &node[i];

		if (d->first != first || d->second != second ||
		    d->triple != triple)
			continue;
		bool n = r[1].rn == r->rd, m = r[1].rm == r->rd;

		/* the more it spares, the later in enum fuse_dep */
		if ((d->dep == FUSE_O || ((n || d->dep == FUSE_M) &&
					  (m || d->dep == FUSE_N))) &&
		    (!best || d->dep > best->dep))
			best = d;
	}
	return best ? best->fused : NULL;
}

op_fn *fuse_two(const struct rec *r, op_fn *first, op_fn *second)
{
	return find(r, first, second, false);
}

op_fn *fuse_three(const struct rec *r, op_fn *pair, op_fn *third)
{
	return find(r + 1, pair, third, true);
}

op_fn *fuse_plain(op_fn *h)
{
	unsigned i;

	pthread_once(&once, build);
	/* a triple is of a pair, that of what is looked for */
	do {
		for (i = by_fused[bucket(hash(h, NULL))];
		     i && node[i].fused != h;)
			i = node[i].next_fused;
		if (i)
			h = node[i].first;
	} while (i);
	return h;
}
