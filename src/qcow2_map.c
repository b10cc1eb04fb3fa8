/* qcow2_map.c: from a virtual cluster to the file: L1, L2, and changes of them.
 * See qcow2.h for locks and order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

/* ---- where metadata is ----------------------------------------------------- */

/* A bitmap that says "may be", folded for large files, spares most writes the
 * exact look. */
static uint64_t meta_bit(const struct qcow2 *q, uint64_t cluster)
{
	return cluster & (q->meta_bits - 1);
}

void qcow2_meta_add(struct qcow2 *q, uint64_t cluster)
{
	uint64_t b = meta_bit(q, cluster);

	if (q->meta)
		q->meta[b / 64] |= 1ull << b % 64;
	if (cluster >= q->meta_bits)
		q->meta_exact = false;
}

void qcow2_meta_del(struct qcow2 *q, uint64_t cluster)
{
	uint64_t b = meta_bit(q, cluster);

	if (q->meta && q->meta_exact)
		q->meta[b / 64] &= ~(1ull << b % 64);
}

static void add_bytes(struct qcow2 *q, uint64_t off, uint64_t len)
{
	for (uint64_t c = off >> q->bits; len && c <= (off + len - 1) >> q->bits;
	     c++)
		qcow2_meta_add(q, c);
}

#define META_BITS_MAX (1ull << 24)      /* 2 MiB */

int qcow2_meta_init(struct qcow2 *q)
{
	uint64_t clusters = (q->eof >> q->bits) + 1;

	for (q->meta_bits = 1 << 16; q->meta_bits < META_BITS_MAX &&
	     q->meta_bits < 2 * clusters;)
		q->meta_bits *= 2;
	q->meta = calloc(q->meta_bits / 64, 8);
	if (!q->meta)
		return ENOMEM;
	q->meta_exact = true;
	qcow2_meta_add(q, 0);
	add_bytes(q, q->h.l1_off, q->h.l1_size * 8ull);
	add_bytes(q, q->h.reftable_off,
		  (uint64_t)q->h.reftable_clusters << q->bits);
	for (uint32_t i = 0; i < q->reftable_used; i++)
		if (q->reftable[i])
			qcow2_meta_add(q, q->reftable[i] >> q->bits);
	for (uint32_t i = 0; i < q->h.l1_size; i++)
		if (q->l1[i] & QCOW2_OFFSET)
			qcow2_meta_add(q, (q->l1[i] & QCOW2_OFFSET) >>
				       q->bits);
	add_bytes(q, q->h.snap_off, q->snap_len);
	for (uint32_t i = 0; i < q->h.snapshots; i++)
		add_bytes(q, q->snap[i].l1_off, q->snap[i].l1_size * 8ull);
	return 0;
}

static bool inside(uint64_t c, unsigned bits, uint64_t off, uint64_t len)
{
	return len && c >= off >> bits && c <= (off + len - 1) >> bits;
}

static unsigned meta_look(const struct qcow2 *q, uint64_t c)
{
	uint64_t off = c << q->bits;
	unsigned kinds = 0;

	if (!c || inside(c, q->bits, q->h.l1_off, q->h.l1_size * 8ull) ||
	    inside(c, q->bits, q->h.reftable_off,
		   (uint64_t)q->h.reftable_clusters << q->bits) ||
	    inside(c, q->bits, q->h.snap_off, q->snap_len))
		kinds |= QCOW2_META_FIXED;
	for (uint32_t i = 0; i < q->h.snapshots && !kinds; i++)
		if (inside(c, q->bits, q->snap[i].l1_off,
			   q->snap[i].l1_size * 8ull))
			kinds |= QCOW2_META_FIXED;
	for (uint32_t i = 0; i < q->reftable_used; i++)
		if (q->reftable[i] == off) {
			kinds |= QCOW2_META_BLOCK;
			break;
		}
	for (uint32_t i = 0; i < q->h.l1_size; i++)
		if ((q->l1[i] & QCOW2_OFFSET) == off) {
			kinds |= QCOW2_META_L2;
			break;
		}
	return kinds;
}

unsigned qcow2_meta(const struct qcow2 *q, uint64_t cluster)
{
	uint64_t b = meta_bit(q, cluster);

	if (!q->meta || !(q->meta[b / 64] >> b % 64 & 1))
		return 0;
	return meta_look(q, cluster);
}

/* ---- looking up ------------------------------------------------------------- */

void qcow2_packed_at(const struct qcow2 *q, uint64_t entry, uint64_t *off,
		     uint64_t *len)
{
	unsigned x = 62 - (q->bits - 8);

	*off = entry & ((1ull << x) - 1);
	*len = ((entry >> x & ((1ull << (q->bits - 8)) - 1)) + 1) * 512 -
	       (*off & 511);
}

/* The L2 table of an L1 entry that is not 0; drops. */
static struct qcow2_table *get_l2(struct qcow2 *q, uint64_t l1_entry, int *no)
{
	uint64_t off = l1_entry & QCOW2_OFFSET;

	if (off & (q->cluster - 1) || off >= q->fresh) {
		*no = qcow2_corrupt(q, "L2 table at offset %llu",
				    (unsigned long long)off);
		return NULL;
	}
	return qcow2_cache_get(q, &q->l2, off, no);
}

static void classify(const struct qcow2 *q, uint64_t e, struct qcow2_run *r)
{
	uint64_t off = e & QCOW2_OFFSET;

	r->entry = e;
	r->own = false;
	r->host = 0;
	r->n = 1;
	if (e & QCOW2_PACKED) {
		r->kind = QCOW2_RUN_PACKED;
	} else if (e & QCOW2_ZERO && q->h.version >= 3) {
		r->kind = QCOW2_RUN_ZERO;
		if (e & QCOW2_COPIED && off) {
			r->host = off;
			r->own = true;
		}
	} else if (!off) {
		r->kind = q->base ? QCOW2_RUN_BASE : QCOW2_RUN_ZERO;
	} else {
		r->kind = QCOW2_RUN_DATA;
		r->host = off;
		r->own = e & QCOW2_COPIED;
	}
}

static int check_host(struct qcow2 *q, const struct qcow2_run *r)
{
	if (r->host & (q->cluster - 1))
		return qcow2_corrupt(q, "data at offset %llu, not at a "
				     "cluster's beginning",
				     (unsigned long long)r->host);
	if (r->kind == QCOW2_RUN_DATA && r->host >= q->eof)
		return qcow2_corrupt(q, "data at offset %llu, and the file "
				     "ends before it (a broken copy?)",
				     (unsigned long long)r->host);
	return 0;
}

int qcow2_map(struct qcow2 *q, uint64_t vc, uint64_t max,
	      struct qcow2_run *r)
{
	uint64_t index = vc >> q->l2_bits, e1 = q->l1[index];
	unsigned i = (unsigned)(vc & ((1u << q->l2_bits) - 1));
	uint64_t left = (1u << q->l2_bits) - i;
	struct qcow2_table *t;
	struct qcow2_run next;
	int no = 0;

	if (left > max)
		left = max;
	if (!(e1 & QCOW2_OFFSET)) {
		classify(q, 0, r);
		r->n = left;
		return 0;
	}
	t = get_l2(q, e1, &no);
	if (!t)
		return no;
	e1 = q->l1[index];              /* moved in between, perhaps */
	classify(q, qcow2_get64(t, i), r);
	r->own &= e1 >> 63;
	no = check_host(q, r);
	if (no || r->kind == QCOW2_RUN_PACKED)
		return no;
	for (; r->n < left; r->n++) {
		classify(q, qcow2_get64(t, i + (unsigned)r->n), &next);
		next.own &= e1 >> 63;
		if (next.kind != r->kind || next.own != r->own ||
		    next.host != (r->host ? r->host + (r->n << q->bits) : 0) ||
		    (next.kind == QCOW2_RUN_DATA && next.host >= q->eof))
			break;
	}
	return 0;
}

/* ---- changes ------------------------------------------------------------------ */

static void l1_set(struct qcow2 *q, uint64_t index, uint64_t entry)
{
	q->l1[index] = entry;
	if (!q->l1_hi || index < q->l1_lo)
		q->l1_lo = (uint32_t)index;
	if (index + 1 > q->l1_hi)
		q->l1_hi = (uint32_t)index + 1;
}

/* A new L2 table, of zeros or what the present one has, which a snapshot
 * shares; drops. *t NULL and 0: look again. */
static int new_l2(struct qcow2 *q, uint64_t index, struct qcow2_table **t)
{
	uint64_t e = q->l1[index], cluster, got;
	bool fresh;
	int no;

	*t = NULL;
	no = qcow2_refs_alloc(q, 1, &cluster, &got, &fresh);
	if (no)
		return no;
	if (e & QCOW2_OFFSET)
		*t = get_l2(q, e, &no);
	else
		*t = qcow2_cache_new(q, &q->l2, cluster << q->bits, &no);
	if (*t && !q->frozen && q->l1[index] == e &&
	    q->npending < QCOW2_FREES) {
		if (e & QCOW2_OFFSET) {
			qcow2_cache_move(&q->l2, *t, cluster << q->bits);
			qcow2_refs_later(q, (e & QCOW2_OFFSET) >> q->bits, 1);
		}
		l1_set(q, index, cluster << q->bits | QCOW2_COPIED);
		qcow2_meta_add(q, cluster);
		return 0;
	}
	if (*t && !(e & QCOW2_OFFSET))
		qcow2_cache_drop(&q->l2, cluster << q->bits);
	*t = NULL;
	qcow2_refs_free(q, cluster, 1);
	return no ? no : qcow2_refs_room(q, 1);
}

/* The L2 table of an L1 entry, ours alone, and not frozen; drops. */
static struct qcow2_table *own_l2(struct qcow2 *q, uint64_t index, int *no)
{
	struct qcow2_table *t;

	for (;;) {
		uint64_t e = q->l1[index];

		qcow2_thaw(q);
		if (q->corrupt) {
			*no = EIO;
			return NULL;
		}
		if (e != q->l1[index])
			continue;
		if (e & QCOW2_OFFSET && e & QCOW2_COPIED) {
			t = get_l2(q, e, no);
			if (!t)
				return NULL;
			if (q->frozen || q->l1[index] != e)
				continue;
			if (!t->checked)
				t->checked = !(qcow2_meta(q, t->off >>
							  q->bits) &
					       ~(unsigned)QCOW2_META_L2);
			if (t->checked)
				return t;
			*no = qcow2_corrupt(q, "L2 table at offset %llu "
					    "overlaps other metadata",
					    (unsigned long long)t->off);
			return NULL;
		}
		*no = new_l2(q, index, &t);
		if (*no)
			return NULL;
		if (t)
			return t;
	}
}

/* What an entry pointed to loses it. */
static void unlink_later(struct qcow2 *q, uint64_t old, uint64_t entry)
{
	uint64_t off = old & QCOW2_OFFSET, len;

	if (old & QCOW2_PACKED) {
		qcow2_packed_at(q, old, &off, &len);
		qcow2_refs_later(q, off >> q->bits,
				 ((off + len - 1) >> q->bits) -
				 (off >> q->bits) + 1);
	} else if (off && off != (entry & QCOW2_OFFSET)) {
		if (!(off & (q->cluster - 1)))
			qcow2_refs_later(q, off >> q->bits, 1);
	}
}

int qcow2_link(struct qcow2 *q, uint64_t vc, uint64_t n, uint64_t entry,
	       uint64_t step)
{
	unsigned i = (unsigned)(vc & ((1u << q->l2_bits) - 1));
	struct qcow2_table *t;
	int no;

	do {
		no = qcow2_refs_room(q, (unsigned)n);
		if (no)
			return no;
		t = own_l2(q, vc >> q->l2_bits, &no);
		if (!t)
			return no;
	} while (q->npending + n > QCOW2_FREES);
	for (unsigned k = 0; k < n; k++) {
		uint64_t e = entry + k * step;

		unlink_later(q, qcow2_get64(t, i + k), e);
		((uint64_t *)(void *)t->data)[i + k] = htobe64(e);
	}
	qcow2_cache_touch(&q->l2, t, i * 8, (uint32_t)n * 8);
	return 0;
}
