/* qcow2_cache.c: tables of a qcow2 file in memory: L2 tables and refcount
 * blocks, each of one cluster. See qcow2.h for the locks.
 *
 * A refcount block may be written at any time: its counts are never too small
 * for what the file's entries say. L2 tables are `ordered`: only a flush writes
 * them, after the counts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

#define LOOK 64                         /* tables from the least used one */

static unsigned slot(const struct qcow2_cache *c, uint64_t off)
{
	return (unsigned)((off / c->size) * 0x9e3779b97f4a7c15ull >> 32) &
	       c->hash_mask;
}

static void unlink_use(struct qcow2_table *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
}

static void used(struct qcow2_cache *c, struct qcow2_table *t)
{
	if (c->list.next == t)
		return;
	unlink_use(t);
	t->next = c->list.next;
	t->prev = &c->list;
	t->next->prev = t;
	c->list.next = t;
}

static void hash(struct qcow2_cache *c, struct qcow2_table *t, uint64_t off)
{
	struct qcow2_table **h = &c->hash[slot(c, off)];

	t->off = off;
	t->hash_next = *h;
	*h = t;
}

static void unhash(struct qcow2_cache *c, struct qcow2_table *t)
{
	struct qcow2_table **h;

	if (!t->off)
		return;
	for (h = &c->hash[slot(c, t->off)]; *h != t; h = &(*h)->hash_next)
		;
	*h = t->hash_next;
	t->off = 0;
}

static struct qcow2_table *find(const struct qcow2_cache *c, uint64_t off)
{
	struct qcow2_table *t = c->hash[slot(c, off)];

	while (t && t->off != off)
		t = t->hash_next;
	return t;
}

int qcow2_cache_init(struct qcow2_cache *c, unsigned n, uint32_t size,
		     bool ordered)
{
	unsigned buckets = 1;

	while (buckets < 2 * n)
		buckets *= 2;
	c->n = n;
	c->size = size;
	c->ordered = ordered;
	c->list.prev = c->list.next = &c->list;
	c->hash_mask = buckets - 1;
	c->hash = calloc(buckets, sizeof(*c->hash));
	c->tables = calloc(n, sizeof(*c->tables));
	/* from the kernel: untouched pages cost nothing */
	c->mem = calloc(n, size);
	if (!c->hash || !c->tables || !c->mem)
		return ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		struct qcow2_table *t = &c->tables[i];

		t->data = c->mem + (size_t)i * size;
		t->prev = c->list.prev;
		t->next = &c->list;
		t->prev->next = t;
		c->list.prev = t;
	}
	return 0;
}

void qcow2_cache_fini(struct qcow2_cache *c)
{
	free(c->hash);
	free(c->tables);
	free(c->mem);
}

static int write_one(struct qcow2 *q, struct qcow2_cache *c,
		     struct qcow2_table *t)
{
	int no;

	if (q->corrupt)
		return EIO;
	no = block_pwrite(q->fd, t->data + t->lo, t->hi - t->lo,
			  t->off + t->lo);
	if (no)
		return no;
	if (t->off + t->hi > q->eof)
		q->eof = t->off + t->hi;
	t->lo = t->hi = 0;
	c->changed--;
	return 0;
}

int qcow2_cache_write(struct qcow2 *q, struct qcow2_cache *c)
{
	int no = 0;

	for (unsigned i = 0; i < c->n && c->changed && !no; i++)
		if (c->tables[i].hi)
			no = write_one(q, c, &c->tables[i]);
	return no;
}

/* A table to use anew, off the hash. NULL with *no 0: the lock was dropped,
 * look again. */
static struct qcow2_table *take(struct qcow2 *q, struct qcow2_cache *c,
				int *no)
{
	struct qcow2_table *t = c->list.prev;
	bool changed = false;

	*no = 0;
	for (unsigned i = 0; i < LOOK && t != &c->list; i++, t = t->prev) {
		if (t->loading)
			continue;
		if (!t->hi) {
			unhash(c, t);
			return t;
		}
		if (!c->ordered) {
			*no = write_one(q, c, t);
			if (*no)
				return NULL;
			unhash(c, t);
			return t;
		}
		changed = true;
	}
	if (changed)
		*no = qcow2_flush(q);
	else
		qcow2_wait(q);
	return NULL;
}

struct qcow2_table *qcow2_cache_get(struct qcow2 *q, struct qcow2_cache *c,
				    uint64_t off, int *no)
{
	struct qcow2_table *t;
	struct iovec v;

	for (;;) {
		t = find(c, off);
		if (t && !t->loading) {
			used(c, t);
			return t;
		}
		if (t) {
			qcow2_wait(q);
			continue;
		}
		t = take(q, c, no);
		if (t)
			break;
		if (*no)
			return NULL;
	}
	hash(c, t, off);
	used(c, t);
	t->loading = true;
	t->checked = false;
	v = (struct iovec){ t->data, c->size };
	pthread_mutex_unlock(&q->lock);
	*no = block_rw(q->fd, false, &v, 1, 0, c->size, off, true);
	pthread_mutex_lock(&q->lock);
	t->loading = false;
	qcow2_wake(q);
	if (!*no)
		return t;
	unhash(c, t);
	return NULL;
}

struct qcow2_table *qcow2_cache_new(struct qcow2 *q, struct qcow2_cache *c,
				    uint64_t off, int *no)
{
	struct qcow2_table *t;

	/* something stale of that place, which was freed since */
	while ((t = find(c, off)) && t->loading)
		qcow2_wait(q);
	qcow2_cache_drop(c, off);
	while (!(t = take(q, c, no)))
		if (*no)
			return NULL;
	qcow2_cache_drop(c, off);
	hash(c, t, off);
	used(c, t);
	t->checked = true;
	memset(t->data, 0, c->size);
	qcow2_cache_touch(c, t, 0, c->size);
	return t;
}

void qcow2_cache_move(struct qcow2_cache *c, struct qcow2_table *t,
		      uint64_t off)
{
	qcow2_cache_drop(c, off);
	unhash(c, t);
	hash(c, t, off);
	t->checked = true;
	qcow2_cache_touch(c, t, 0, c->size);
}

void qcow2_cache_drop(struct qcow2_cache *c, uint64_t off)
{
	struct qcow2_table *t = find(c, off);

	if (!t || t->loading)
		return;
	if (t->hi) {
		t->lo = t->hi = 0;
		c->changed--;
	}
	unhash(c, t);
}

void qcow2_cache_touch(struct qcow2_cache *c, struct qcow2_table *t,
		       uint32_t off, uint32_t len)
{
	if (!t->hi) {
		c->changed++;
		t->lo = off;
		t->hi = off + len;
		return;
	}
	if (off < t->lo)
		t->lo = off;
	if (off + len > t->hi)
		t->hi = off + len;
}
