/* qcow2_repair.c: an image whose counts were kept lazily by a program that did
 * not come to its end (the dirty bit). The mappings are right, the counts may
 * not be: all are counted afresh, and new refcount structures are written
 * behind the file's end; then the header is pointed at them. Until the dirty
 * bit is cleared, a crash just means that all this is done again.
 *
 * Memory: counts of WINDOW clusters at a time; a larger file is walked several
 * times. Work: a file's tables are bounded by its size, with some room for
 * snapshots that share them; one that claims more is refused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "qcow2.h"

#define WINDOW (8ull << 20)             /* clusters: 16 MiB of counts */
#define WINDOWS_MAX 64
#define L1_WORK (16ull << 20)           /* L1 entries, of all snapshots */
#define ADVICE "; qemu-img check -r all may do more (on a copy)"

struct repair {
	struct qcow2 *q;
	struct err *e;
	uint64_t end;                   /* clusters of the file */
	uint64_t blocks, clusters;      /* new: blocks, then the table */
	uint64_t *table;
	uint64_t base, n;               /* the window */
	uint16_t *count;
	uint8_t *l2;
	uint64_t l1_work, l2_work;      /* what is left */
	bool fix;                       /* flags, this time */
	bool changed;                   /* of an L2 table */
};

static int fail(struct repair *r, int no, const char *what)
{
	return err_set(r->e, no, "%s: was not closed properly, and its "
		       "reference counts cannot be repaired: %s" ADVICE,
		       r->q->blk.path, what);
}

static int count(struct repair *r, uint64_t off, uint64_t len)
{
	unsigned bits = r->q->bits;
	uint64_t c, last;

	if (!len)
		return 0;
	if (off >= r->end << bits || len > (r->end << bits) - off)
		return fail(r, 0, "an entry leads out of the file");
	last = (off + len - 1) >> bits;
	for (c = off >> bits; c <= last; c++) {
		if (c < r->base || c - r->base >= r->n)
			continue;
		if (r->count[c - r->base] == UINT16_MAX)
			return fail(r, 0, "a cluster is in use 65535 times");
		r->count[c - r->base]++;
	}
	return 0;
}

/* The entry with the flag that its cluster's count asks for. */
static uint64_t flagged(const struct repair *r, uint64_t e)
{
	uint64_t c = (e & QCOW2_OFFSET) >> r->q->bits;

	if (!(e & QCOW2_OFFSET) || e & QCOW2_PACKED || c < r->base ||
	    c - r->base >= r->n)
		return e;
	return r->count[c - r->base] == 1 ? e | QCOW2_COPIED :
	       e & ~QCOW2_COPIED;
}

static int l2_entry(struct repair *r, unsigned i)
{
	uint64_t *p = (uint64_t *)(void *)r->l2 + i, e = be64toh(*p);
	uint64_t off = e & QCOW2_OFFSET, len, flag;

	if (r->fix) {
		flag = flagged(r, e);
		r->changed |= flag != e;
		*p = htobe64(flag);
		return 0;
	}
	if (e & QCOW2_PACKED) {
		qcow2_packed_at(r->q, e, &off, &len);
		/* the last sector may be behind the end */
		if (off < r->end << r->q->bits &&
		    len > (r->end << r->q->bits) - off)
			len = (r->end << r->q->bits) - off;
		return count(r, off, len);
	}
	if (off & (r->q->cluster - 1))
		return fail(r, 0, "an entry is not at a cluster's beginning");
	return off ? count(r, off, r->q->cluster) : 0;
}

static int l1_entry(struct repair *r, uint64_t e)
{
	struct qcow2 *q = r->q;
	uint64_t off = e & QCOW2_OFFSET;
	struct iovec v = { r->l2, q->cluster };
	int no;

	if (!r->l1_work--)
		return fail(r, 0, "too many tables for such a file");
	if (!off)
		return 0;
	if (!r->l2_work--)
		return fail(r, 0, "too many tables for such a file");
	if (off & (q->cluster - 1))
		return fail(r, 0, "an L2 table is not at a cluster's "
			    "beginning");
	if (!r->fix && count(r, off, q->cluster))
		return -1;
	no = block_rw(q->fd, false, &v, 1, 0, q->cluster, off, true);
	if (no)
		return fail(r, no, "reading an L2 table");
	r->changed = false;
	for (unsigned i = 0; i < 1u << q->l2_bits; i++)
		if (l2_entry(r, i))
			return -1;
	if (!r->changed)
		return 0;
	no = block_pwrite(q->fd, r->l2, q->cluster, off);
	return no ? fail(r, no, "writing an L2 table") : 0;
}

static int snapshot(struct repair *r, const struct qcow2_snapshot *s)
{
	uint64_t buf[512];

	if (count(r, s->l1_off, s->l1_size * 8ull))
		return -1;
	for (uint32_t i = 0; i < s->l1_size; i += 512) {
		uint32_t n = s->l1_size - i < 512 ? s->l1_size - i : 512;
		int no = block_pread(r->q->fd, buf, n * 8,
				     s->l1_off + i * 8ull);

		if (no)
			return fail(r, no, "reading a snapshot");
		for (uint32_t k = 0; k < n; k++)
			if (l1_entry(r, be64toh(buf[k])))
				return -1;
	}
	return 0;
}

/* Everything that is in use and lies in the window, counted; or the flags of
 * what leads there put right. */
static int walk(struct repair *r, bool fix)
{
	struct qcow2 *q = r->q;

	r->fix = fix;
	r->l1_work = L1_WORK;
	/* a table is a cluster, and snapshots share it; more than that is an
	 * image made to take for ever */
	r->l2_work = r->end * (q->h.snapshots < 4 ? q->h.snapshots + 1 : 4) +
		     (4u << 20 >> q->bits);
	if (!fix && (count(r, 0, q->cluster) ||
		     count(r, q->h.l1_off, q->h.l1_size * 8ull) ||
		     count(r, q->h.snap_off, q->snap_len)))
		return -1;
	for (uint32_t i = 0; i < q->h.l1_size; i++) {
		if (l1_entry(r, q->l1[i]))
			return -1;
		if (fix)
			q->l1[i] = flagged(r, q->l1[i]);
	}
	for (uint32_t i = 0; i < q->h.snapshots && !fix; i++)
		if (snapshot(r, &q->snap[i]))
			return -1;
	return 0;
}

/* The count of a cluster in the window, with what we add to the file. */
static uint64_t count_of(const struct repair *r, uint64_t c)
{
	uint64_t i = c - r->end;

	if (c < r->end)
		return r->count[c - r->base];
	if (i < r->blocks)
		return r->table[i] != 0;
	return i < r->blocks + r->clusters;
}

/* A refcount block, of clusters in the window, at its new place. */
static int write_block(struct repair *r, uint64_t index, uint8_t *buf)
{
	struct qcow2 *q = r->q;
	uint64_t first = index << q->block_bits, n = 1ull << q->block_bits;
	uint64_t max = ~0ull >> (64 - (1u << q->h.refcount_order));
	bool any = false;
	int no;

	for (uint64_t i = 0; i < n && !any; i++)
		any = count_of(r, first + i);
	if (!any)
		return 0;
	r->table[index] = (r->end + index) << q->bits;
	memset(buf, 0, q->cluster);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t val = count_of(r, first + i);

		if (val > max)
			return fail(r, 0, "a cluster is in use more often "
				    "than a count can hold");
		if (val)
			qcow2_refs_set(buf, q->h.refcount_order, i, val);
	}
	no = block_pwrite(q->fd, buf, q->cluster, r->table[index]);
	return no ? fail(r, no, "writing") : 0;
}

static int window(struct repair *r, uint64_t base, uint64_t size)
{
	struct qcow2 *q = r->q;
	uint64_t all = r->blocks << q->block_bits;
	uint64_t n = all - base < size ? all - base : size;
	uint8_t *buf;
	int ret = 0;

	r->base = base;
	r->n = n;
	memset(r->count, 0, n * sizeof(*r->count));
	if (walk(r, false))
		return -1;
	buf = malloc(q->cluster);
	if (!buf)
		return fail(r, ENOMEM, "memory");
	for (uint64_t c = base; c < base + n && !ret;
	     c += 1ull << q->block_bits)
		ret = write_block(r, c >> q->block_bits, buf);
	free(buf);
	return ret ? ret : walk(r, true);
}

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

/* How many blocks count the file and themselves and their table. */
static int plan(struct repair *r)
{
	struct qcow2 *q = r->q;
	uint64_t per = 1ull << q->block_bits, was;

	r->end = div_up(q->eof, q->cluster);
	do {
		was = r->blocks;
		r->blocks = div_up(r->end + r->blocks + r->clusters, per);
		r->clusters = div_up(r->blocks * 8, q->cluster);
	} while (r->blocks != was);
	if (r->clusters << q->bits > QCOW2_REFTABLE_MAX ||
	    r->end > WINDOW * WINDOWS_MAX)
		return fail(r, 0, "the file is too large");
	return 0;
}

/* Mappings first or counts first does not matter while the image is dirty; but
 * the header comes after what it names, and the dirty bit last. */
static int commit(struct repair *r)
{
	struct qcow2 *q = r->q;
	uint64_t off = (r->end + r->blocks) << q->bits, be[2], bits;
	uint32_t size = (uint32_t)(r->clusters * (q->cluster / 8));
	int no = qcow2_write64(q, q->l1, q->h.l1_off, 0, q->h.l1_size);

	be[0] = htobe64(off);
	be[1] = htobe64(r->clusters << 32);
	if (!no)
		no = qcow2_write64(q, r->table, off, 0, size);
	pthread_mutex_lock(&q->lock);
	if (!no)
		no = qcow2_sync(q);
	if (!no)
		no = block_pwrite(q->fd, be, 12, QCOW2_H_REFTABLE);
	if (!no)
		no = qcow2_sync(q);
	bits = htobe64(q->h.incompatible & ~(uint64_t)QCOW2_DIRTY);
	if (!no)
		no = block_pwrite(q->fd, &bits, 8, QCOW2_H_INCOMPATIBLE);
	if (!no)
		no = qcow2_sync(q);
	pthread_mutex_unlock(&q->lock);
	if (no)
		return fail(r, no, "writing");
	q->h.incompatible &= ~(uint64_t)QCOW2_DIRTY;
	q->h.reftable_off = off;
	q->h.reftable_clusters = (uint32_t)r->clusters;
	q->eof = off + (r->clusters << q->bits);
	if (q->regular)
		q->fresh = q->eof;
	return 0;
}

int qcow2_repair(struct qcow2 *q, struct err *e)
{
	struct repair r = { .q = q, .e = e };
	uint64_t per = 1ull << q->block_bits, size;
	int ret = plan(&r);

	if (ret)
		return ret;
	log_msg(LOG_WARN, "%s: was not closed properly; repairing its "
		"reference counts", q->blk.path);
	size = per > WINDOW ? per : WINDOW;
	if (size > r.blocks * per)
		size = r.blocks * per;
	r.table = calloc(r.clusters * (q->cluster / 8), 8);
	r.count = malloc(size * sizeof(*r.count));
	r.l2 = malloc(q->cluster);
	if (!r.table || !r.count || !r.l2)
		ret = fail(&r, ENOMEM, "memory");
	for (uint64_t b = 0; b < r.blocks * per && !ret; b += size)
		ret = window(&r, b, size);
	if (!ret)
		ret = commit(&r);
	free(r.table);
	free(r.count);
	free(r.l2);
	return ret;
}
