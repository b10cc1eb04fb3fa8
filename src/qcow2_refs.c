/* qcow2_refs.c: reference counts of host clusters: allocation, freeing, and
 * growth of the refcount structures. See qcow2.h for locks and order. */
#include <errno.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

/* ---- counts of 1 to 64 bits --------------------------------------------- */

uint64_t qcow2_refs_get(const uint8_t *p, unsigned order, uint64_t i)
{
	switch (order) {
	case 0: return p[i / 8] >> i % 8 & 1;
	case 1: return p[i / 4] >> i % 4 * 2 & 3;
	case 2: return p[i / 2] >> i % 2 * 4 & 15;
	case 3: return p[i];
	case 4: return be16toh(((const uint16_t *)(const void *)p)[i]);
	case 5: return be32toh(((const uint32_t *)(const void *)p)[i]);
	default: return be64toh(((const uint64_t *)(const void *)p)[i]);
	}
}

static void set_bits(uint8_t *p, unsigned shift, uint8_t mask, uint64_t val)
{
	*p = (uint8_t)((*p & ~(mask << shift)) | (val & mask) << shift);
}

void qcow2_refs_set(uint8_t *p, unsigned order, uint64_t i, uint64_t val)
{
	switch (order) {
	case 0: set_bits(p + i / 8, i % 8, 1, val); break;
	case 1: set_bits(p + i / 4, i % 4 * 2, 3, val); break;
	case 2: set_bits(p + i / 2, i % 2 * 4, 15, val); break;
	case 3: p[i] = (uint8_t)val; break;
	case 4: ((uint16_t *)(void *)p)[i] = htobe16((uint16_t)val); break;
	case 5: ((uint32_t *)(void *)p)[i] = htobe32((uint32_t)val); break;
	default: ((uint64_t *)(void *)p)[i] = htobe64(val); break;
	}
}

/* The first free one from i on, or `end`. */
static uint64_t find_free(const struct qcow2 *q, const uint8_t *p, uint64_t i,
			  uint64_t end)
{
	unsigned order = q->h.refcount_order;

	if (order == 4) {               /* what nearly every image has */
		const uint16_t *w = (const uint16_t *)(const void *)p;

		while (i < end && w[i])
			i++;
		return i;
	}
	while (i < end && qcow2_refs_get(p, order, i))
		i++;
	return i;
}

static void set(struct qcow2 *q, struct qcow2_table *t, uint64_t i,
		uint64_t n, uint64_t val)
{
	unsigned order = q->h.refcount_order;
	uint32_t from = (uint32_t)((i << order) / 8);
	uint32_t to = (uint32_t)((((i + n - 1) << order) | ((1u << order) - 1))
				 / 8) + 1;

	for (uint64_t k = 0; k < n; k++)
		qcow2_refs_set(t->data, order, i + k, val);
	qcow2_cache_touch(&q->blocks, t, from, to - from);
}

/* ---- the refcount table ---------------------------------------------------- */

int qcow2_refs_write_table(struct qcow2 *q)
{
	int no;

	if (q->corrupt)
		return EIO;
	no = qcow2_write64(q, q->reftable, q->h.reftable_off, q->reftable_lo,
			   q->reftable_hi);
	if (!no)
		q->reftable_lo = q->reftable_hi = 0;
	return no;
}

/* The block of a place in the table, checked; drops. */
static struct qcow2_table *get_block(struct qcow2 *q, uint64_t index, int *no)
{
	uint64_t off = q->reftable[index];
	struct qcow2_table *t = NULL;

	if (!(off & (q->cluster - 1)) && off < q->fresh) {
		t = qcow2_cache_get(q, &q->blocks, off, no);
		if (!t || t->checked)
			return t;
		t->checked = !(qcow2_meta(q, off >> q->bits) &
			       ~(unsigned)QCOW2_META_BLOCK);
		if (t->checked)
			return t;
	}
	*no = qcow2_corrupt(q, "refcount block at offset %llu",
			    (unsigned long long)off);
	return NULL;
}

/* Clusters of which no block tells are free: the block for them becomes the
 * first of its own; drops. 0 also when another thread was faster. */
static int add_block(struct qcow2 *q, uint64_t index)
{
	uint64_t cluster = index << q->block_bits;
	struct qcow2_table *t;
	int no = 0;

	if (cluster << q->bits >= QCOW2_OFFSET_MAX)
		return EFBIG;
	if (qcow2_meta(q, cluster))
		return qcow2_corrupt(q, "metadata at offset %llu has no "
				     "reference count",
				     (unsigned long long)cluster << q->bits);
	t = qcow2_cache_new(q, &q->blocks, cluster << q->bits, &no);
	if (!t)
		return no;
	if (q->frozen || index >= q->reftable_size || q->reftable[index]) {
		/* the place may have become another's, by an equal thought */
		if (index >= q->reftable_size ||
		    q->reftable[index] != cluster << q->bits)
			qcow2_cache_drop(&q->blocks, cluster << q->bits);
		qcow2_thaw(q);
		return 0;
	}
	qcow2_refs_set(t->data, q->h.refcount_order, 0, 1);
	q->reftable[index] = cluster << q->bits;
	if (!q->reftable_hi || index < q->reftable_lo)
		q->reftable_lo = (uint32_t)index;
	if (index + 1 > q->reftable_hi)
		q->reftable_hi = (uint32_t)index + 1;
	if (index + 1 > q->reftable_used)
		q->reftable_used = (uint32_t)index + 1;
	if ((cluster + 1) << q->bits > q->fresh)
		q->fresh = (cluster + 1) << q->bits;
	qcow2_meta_add(q, cluster);
	return 0;
}

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

/* The new refcount blocks: they count themselves and the table behind them,
 * which are the first `area` clusters of what they cover. */
static int write_blocks(struct qcow2 *q, uint64_t start, uint64_t blocks,
			uint64_t area)
{
	uint8_t *buf = malloc(q->cluster);
	int no = buf ? 0 : ENOMEM;

	for (uint64_t b = 0; b < blocks && !no; b++) {
		uint64_t per = 1ull << q->block_bits;
		uint64_t n = area - b * per < per ? area - b * per : per;

		memset(buf, 0, q->cluster);
		for (uint64_t i = 0; i < n; i++)
			qcow2_refs_set(buf, q->h.refcount_order, i, 1);
		no = block_pwrite(q->fd, buf, q->cluster,
				  (start + b) << q->bits);
	}
	free(buf);
	return no;
}

static int sync_all(struct qcow2 *q)
{
	int no = qcow2_cache_write(q, &q->blocks);

	return no ? no : qcow2_sync(q);
}

/* A larger refcount table, behind all that the present one covers and behind
 * the file's end, with the blocks that count it. A rare event; q is frozen
 * by us, so the present table stays as it is; drops. */
static int grow_frozen(struct qcow2 *q)
{
	uint64_t per = 1ull << q->block_bits, old = q->reftable_size;
	uint64_t first = div_up(q->eof, q->cluster), blocks = 1, area, clusters;
	uint64_t index, start, size, was_off, was_clusters;
	uint64_t *table, be[2] = { 0, 0 };
	int no;

	index = div_up(first, per) > old ? div_up(first, per) : old;
	for (;;) {
		size = index + blocks > old * 3 / 2 ? index + blocks :
		       old * 3 / 2;
		clusters = div_up(size * 8, q->cluster);
		area = blocks + clusters;
		if (clusters << q->bits > QCOW2_REFTABLE_MAX)
			return EFBIG;
		if (div_up(area, per) <= blocks)
			break;
		blocks = div_up(area, per);
	}
	start = index * per;
	size = clusters * (q->cluster / 8);
	if ((start + area) << q->bits >= QCOW2_OFFSET_MAX)
		return EFBIG;
	table = calloc(size, 8);
	if (!table)
		return ENOMEM;
	no = sync_all(q);               /* blocks that only we know so far */
	if (!no)
		no = write_blocks(q, start, blocks, area);
	memcpy(table, q->reftable, old * 8);
	for (uint64_t b = 0; b < blocks; b++)
		table[index + b] = (start + b) << q->bits;
	if (!no)
		no = qcow2_write64(q, table, (start + blocks) << q->bits, 0,
				   (uint32_t)size);
	if (!no)
		no = qcow2_sync(q);
	if (no || q->corrupt) {
		free(table);
		return no ? no : EIO;
	}
	/* offset and length, in one sector */
	was_off = q->h.reftable_off;
	was_clusters = q->h.reftable_clusters;
	be[0] = htobe64((start + blocks) << q->bits);
	be[1] = htobe64(clusters << 32);
	no = block_pwrite(q->fd, be, 12, QCOW2_H_REFTABLE);
	if (!no)
		no = qcow2_sync(q);
	if (no) {
		/* which of the two the file names is unknown: no more writes */
		free(table);
		return qcow2_corrupt(q, "the header could not be written");
	}
	free(q->reftable);
	q->reftable = table;
	q->reftable_size = (uint32_t)size;
	q->reftable_used = (uint32_t)(index + blocks);
	q->reftable_lo = q->reftable_hi = 0;
	q->h.reftable_off = (start + blocks) << q->bits;
	q->h.reftable_clusters = (uint32_t)clusters;
	if ((start + area) << q->bits > q->eof)
		q->eof = (start + area) << q->bits;
	if (q->eof > q->fresh)
		q->fresh = q->eof;
	for (uint64_t i = 0; i < area; i++)
		qcow2_meta_add(q, start + i);
	for (uint64_t i = 0; i < was_clusters; i++)
		qcow2_meta_del(q, (was_off >> q->bits) + i);
	qcow2_refs_free(q, was_off >> q->bits, was_clusters);
	return 0;
}

static int grow_table(struct qcow2 *q)
{
	uint32_t size = q->reftable_size;
	int no = 0;

	qcow2_thaw(q);
	if (q->reftable_size != size)
		return 0;
	q->frozen = true;
	no = grow_frozen(q);
	q->frozen = false;
	qcow2_wake(q);
	return no;
}

/* ---- allocation -------------------------------------------------------------- */

int qcow2_refs_alloc(struct qcow2 *q, uint64_t n, uint64_t *first,
		     uint64_t *got, bool *fresh)
{
	uint64_t per = 1ull << q->block_bits;

	for (;;) {
		uint64_t at = q->hint, index = at >> q->block_bits, i, k;
		struct qcow2_table *t;
		int no = 0;

		if (q->corrupt)
			return EIO;
		if (index >= q->reftable_size || !q->reftable[index]) {
			no = index >= q->reftable_size ? grow_table(q) :
			     add_block(q, index);
			if (no)
				return no == EFBIG ? ENOSPC : no;
			continue;
		}
		t = get_block(q, index, &no);
		if (!t)
			return no;
		if (q->hint != at)
			continue;       /* others went on, or went back */
		i = find_free(q, t->data, at & (per - 1), per);
		if (i == per) {
			q->hint = (index + 1) << q->block_bits;
			continue;
		}
		for (k = 1; k < n && i + k < per; k++)
			if (qcow2_refs_get(t->data, q->h.refcount_order,
					   i + k))
				break;
		*first = (index << q->block_bits) + i;
		*got = k;
		if ((*first + k) << q->bits >= QCOW2_OFFSET_MAX)
			return ENOSPC;
		for (uint64_t c = *first; c < *first + k; c++)
			if (qcow2_meta(q, c))
				return qcow2_corrupt(q, "metadata at offset "
					"%llu has no reference count",
					(unsigned long long)c << q->bits);
		set(q, t, i, k, 1);
		q->hint = *first + k;
		*fresh = *first << q->bits >= q->fresh;
		if (q->hint << q->bits > q->fresh)
			q->fresh = q->hint << q->bits;
		return 0;
	}
}

/* ---- freeing ------------------------------------------------------------------- */

/* Those of the n counts from i on that are like the first; what becomes free
 * loses its room in the file before it can be another's. 0: corrupt. */
static uint64_t free_run(struct qcow2 *q, struct qcow2_table *t, uint64_t i,
			 uint64_t n, uint64_t first)
{
	unsigned order = q->h.refcount_order;
	uint64_t val = qcow2_refs_get(t->data, order, i), k = 1;

	if (!val) {
		qcow2_corrupt(q, "cluster at offset %llu was in use without a "
			      "reference count",
			      (unsigned long long)first << q->bits);
		return 0;
	}
	while (k < n && qcow2_refs_get(t->data, order, i + k) == val)
		k++;
	if (val == 1) {
		if (q->regular)
			block_punch(q->fd, FALLOC_FL_PUNCH_HOLE,
				    first << q->bits, k << q->bits);
		if (first < q->hint)
			q->hint = first;
	}
	set(q, t, i, k, val - 1);
	return k;
}

void qcow2_refs_free(struct qcow2 *q, uint64_t first, uint64_t n)
{
	uint64_t per = 1ull << q->block_bits;

	while (n && !q->corrupt) {
		uint64_t index = first >> q->block_bits, i = first & (per - 1);
		uint64_t part = n < per - i ? n : per - i, k = part;
		struct qcow2_table *t;
		int no;

		if (index >= q->reftable_size)
			return;
		/* what has no block, or cannot be read, leaks at worst */
		if (q->reftable[index]) {
			t = get_block(q, index, &no);
			k = t ? free_run(q, t, i, part, first) : part;
		}
		first += k;
		n -= k;
	}
}

void qcow2_refs_later(struct qcow2 *q, uint64_t first, uint64_t n)
{
	struct qcow2_extent *last = &q->pending[q->npending];

	if (q->npending && last[-1].first + last[-1].count == first) {
		last[-1].count += n;
		return;
	}
	if (q->npending == QCOW2_FREES)
		return;                 /* no room was made: a leak */
	*last = (struct qcow2_extent){ first, n };
	q->npending++;
}

int qcow2_refs_room(struct qcow2 *q, unsigned n)
{
	int no = 0;

	while (q->npending + n > QCOW2_FREES && !no)
		no = qcow2_flush(q);
	return no;
}

void qcow2_refs_bury(struct qcow2 *q)
{
	if (q->burying)
		return;                 /* another thread is at it */
	q->burying = true;
	while (q->ndead) {
		struct qcow2_extent x = q->dead[--q->ndead];

		qcow2_refs_free(q, x.first, x.count);
	}
	q->burying = false;
	qcow2_wake(q);
}
