/* qcow2_io.c: what a request does with the clusters that it touches. See
 * qcow2.h for the locks: each function here takes and leaves them itself. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qcow2.h"

/* Clusters a change takes at a time: what qcow2_refs_room can promise. */
#define CHUNK 1024u

static void hold(struct qcow2 *q, struct range *r, uint64_t off, uint64_t len,
		 bool exclusive)
{
	r->first = off >> q->bits;
	r->last = (off + len - 1) >> q->bits;
	r->exclusive = exclusive;
	range_take(&q->ranges, r, &q->lock, &q->cond);
}

static void release(struct qcow2 *q, struct range *r)
{
	if (range_drop(&q->ranges, r))
		qcow2_wake(q);
}

/* ---- reading ------------------------------------------------------------------ */

/* From the backing file, which may be shorter. */
static int read_base(struct qcow2 *q, const struct iovec *v, int n,
		     size_t skip, size_t len, uint64_t off)
{
	struct iovec part[64];
	int no = 0;

	while (len && !no) {
		struct blk_req r = { .op = BLK_READ, .off = off, .iov = part };
		size_t want = len, got;

		if (off >= q->base->size) {
			block_clear(v, n, skip, len);
			return 0;
		}
		if (want > q->base->size - off)
			want = q->base->size - off;
		r.niov = block_slice(v, n, skip, want, part, 64, &got);
		if (!got)
			return EINVAL;
		r.len = got;
		no = q->base->ops->run(q->base, &r);
		skip += got;
		off += got;
		len -= got;
	}
	return no;
}

/* A compressed cluster that was unpacked lately; lock held. */
static bool recall(struct qcow2 *q, uint64_t entry, const struct iovec *v,
		   int n, size_t skip, size_t len, uint64_t in)
{
	for (unsigned i = 0; i < q->unpacked_max; i++) {
		if (q->unpacked[i].entry != entry)
			continue;
		block_fill(v, n, skip, q->unpacked[i].data + in, len);
		return true;
	}
	return false;
}

static void remember(struct qcow2 *q, uint64_t entry, const uint8_t *data)
{
	unsigned i = q->unpacked_next++ % q->unpacked_max;

	if (!q->unpacked[i].data)
		q->unpacked[i].data = malloc(q->cluster);
	if (!q->unpacked[i].data)
		return;
	memcpy(q->unpacked[i].data, data, q->cluster);
	q->unpacked[i].entry = entry;
}

static int read_packed(struct qcow2 *q, uint64_t entry, const struct iovec *v,
		       int n, size_t skip, size_t len, uint64_t in)
{
	struct qcow2_scratch *s;
	int no = 0;

	pthread_mutex_lock(&q->lock);
	if (!recall(q, entry, v, n, skip, len, in)) {
		s = qcow2_scratch_get(q);
		pthread_mutex_unlock(&q->lock);
		if (!s)
			return ENOMEM;
		no = qcow2_unpack(q, entry, s, s->head);
		if (!no)
			block_fill(v, n, skip, s->head + in, len);
		pthread_mutex_lock(&q->lock);
		/* the rest of it, if it is likely to be wanted */
		if (!no && len < q->cluster)
			remember(q, entry, s->head);
		qcow2_scratch_put(q, s);
	}
	pthread_mutex_unlock(&q->lock);
	return no;
}

static int read_run(struct qcow2 *q, const struct qcow2_run *r,
		    const struct iovec *v, int n, size_t skip, size_t len,
		    uint64_t off)
{
	uint64_t in = off & (q->cluster - 1);

	switch (r->kind) {
	case QCOW2_RUN_ZERO:
		block_clear(v, n, skip, len);
		return 0;
	case QCOW2_RUN_BASE:
		return read_base(q, v, n, skip, len, off);
	case QCOW2_RUN_DATA:
		return block_rw(q->fd, false, v, n, skip, len, r->host + in,
				true);
	case QCOW2_RUN_PACKED:
		return read_packed(q, r->entry, v, n, skip, len, in);
	}
	return EINVAL;
}

int qcow2_read(struct qcow2 *q, const struct iovec *v, int n, size_t skip,
	       size_t len, uint64_t off)
{
	struct range held;
	int no = 0;

	if (!len)
		return 0;
	pthread_mutex_lock(&q->lock);
	hold(q, &held, off, len, false);
	while (len && !no) {
		uint64_t vc = off >> q->bits, in = off & (q->cluster - 1);
		struct qcow2_run r;
		size_t part;

		no = qcow2_map(q, vc, ((in + len - 1) >> q->bits) + 1, &r);
		if (no)
			break;
		part = (r.n << q->bits) - in < len ?
		       (size_t)((r.n << q->bits) - in) : len;
		pthread_mutex_unlock(&q->lock);
		no = read_run(q, &r, v, n, skip, part, off);
		pthread_mutex_lock(&q->lock);
		skip += part;
		off += part;
		len -= part;
	}
	release(q, &held);
	pthread_mutex_unlock(&q->lock);
	return no;
}

/* ---- writing -------------------------------------------------------------------- */

/* A part of a write request; v NULL: zeros. */
struct part {
	const struct iovec *v;
	int n;
	uint64_t skip, len, off;
};

/* What a cluster that is about to be replaced has at [in, in + len); *zero
 * where that is zeros and buf was left alone. No lock held. */
static int read_old(struct qcow2 *q, const struct qcow2_run *old, uint64_t vc,
		    uint64_t in, uint64_t len, struct qcow2_scratch *s,
		    uint8_t *buf, uint8_t **at, bool *zero)
{
	struct iovec v = { buf, len };

	*zero = old->kind == QCOW2_RUN_ZERO;
	*at = buf;
	switch (old->kind) {
	case QCOW2_RUN_ZERO:
		return 0;
	case QCOW2_RUN_BASE:
		return read_base(q, &v, 1, 0, len, (vc << q->bits) + in);
	case QCOW2_RUN_DATA:
		return block_rw(q->fd, false, &v, 1, 0, len, old->host + in,
				true);
	case QCOW2_RUN_PACKED:
		*at = buf + in;
		return qcow2_unpack(q, old->entry, s, buf);
	}
	return EINVAL;
}

/* Writes a part to new clusters at `host`, with what surrounds it in the first
 * and the last of them. No lock held. */
static int write_new(struct qcow2 *q, const struct part *p, uint64_t host,
		     const struct qcow2_run *first,
		     const struct qcow2_run *last, bool fresh,
		     struct qcow2_scratch *s)
{
	uint64_t in = p->off & (q->cluster - 1);
	uint64_t end = (p->off + p->len) & (q->cluster - 1);
	uint64_t rest = end ? q->cluster - end : 0;
	uint64_t vc = p->off >> q->bits;
	uint64_t vc_end = (p->off + p->len - 1) >> q->bits;
	struct block_gather g = { .fd = q->fd, .off = host };
	bool zero;
	uint8_t *at;
	int no = 0;

	if (in) {
		no = read_old(q, first, vc, 0, in, s, s ? s->head : NULL, &at,
			      &zero);
		if (no)
			return no;
		if (!zero)
			no = block_gather(&g, at, in);
		else if (!fresh)
			no = block_gather_zeros(&g, in);
		else
			g.off += in;
	}
	if (!no)
		no = p->v ? block_gather_iov(&g, p->v, p->n, p->skip, p->len) :
			    block_gather_zeros(&g, p->len);
	if (!no && rest) {
		no = read_old(q, last, vc_end, end, rest, s,
			      s ? s->tail : NULL, &at, &zero);
		if (!no && !zero)
			no = block_gather(&g, at, rest);
		else if (!no && !fresh)
			no = block_gather_zeros(&g, rest);
	}
	return no ? no : block_gather_end(&g);
}

static int write_own(struct qcow2 *q, const struct part *p, uint64_t host)
{
	uint64_t to = host + (p->off & (q->cluster - 1));
	struct block_gather g = { .fd = q->fd, .off = to };
	int no;

	if (p->v)
		return block_rw(q->fd, true, p->v, p->n, p->skip, p->len, to,
				false);
	no = block_gather_zeros(&g, p->len);
	return no ? no : block_gather_end(&g);
}

static bool in_place(const struct qcow2_run *r)
{
	return r->kind == QCOW2_RUN_DATA && r->own;
}

/* Guest data shall not land on metadata, whatever the tables say; lock held. */
static int check_target(struct qcow2 *q, uint64_t host, uint64_t n)
{
	uint64_t c = host >> q->bits;

	if (q->corrupt)
		return EIO;
	for (uint64_t i = 0; i < n; i++)
		if (qcow2_meta(q, c + i))
			return qcow2_corrupt(q, "data at offset %llu overlaps "
				"metadata",
				(unsigned long long)(c + i) << q->bits);
	return 0;
}

static uint64_t clusters(const struct qcow2 *q, uint64_t off, uint64_t len)
{
	return ((off + len - 1) >> q->bits) - (off >> q->bits) + 1;
}

/* Cuts a part down to its first n clusters. */
static void cut(const struct qcow2 *q, struct part *p, uint64_t n)
{
	uint64_t max = (n << q->bits) - (p->off & (q->cluster - 1));

	if (p->len > max)
		p->len = max;
}

static int write_in_place(struct qcow2 *q, struct part *p,
			  const struct qcow2_run *r)
{
	int no;

	cut(q, p, r->n);
	no = check_target(q, r->host, clusters(q, p->off, p->len));
	if (no)
		return no;
	pthread_mutex_unlock(&q->lock);
	no = write_own(q, p, r->host);
	pthread_mutex_lock(&q->lock);
	return no;
}

/* How many clusters from the part's first on have no place of their own, and
 * how the first and the last one of them are mapped; drops. */
static int find_new(struct qcow2 *q, const struct part *p,
		    struct qcow2_run *first, struct qcow2_run *last,
		    uint64_t *n)
{
	uint64_t vc = p->off >> q->bits, max = clusters(q, p->off, p->len);
	uint64_t table = (1u << q->l2_bits) - (vc & ((1u << q->l2_bits) - 1));
	struct qcow2_run r;
	int no = 0;

	if (max > table)
		max = table;
	if (max > CHUNK)
		max = CHUNK;
	*n = 0;
	while (*n < max && !no) {
		no = qcow2_map(q, vc + *n, max - *n, &r);
		if (no || in_place(&r) || (*n && (r.host && r.own)))
			break;
		if (!*n)
			*first = r;
		*n += r.n;
		*last = r;
		if (r.kind == QCOW2_RUN_DATA)
			last->host += (r.n - 1) << q->bits;
		if (r.own)              /* zeros with a place that they keep */
			break;
	}
	return *n ? 0 : no;
}

/* The first clusters of a part, without a place of their own, get one; with the
 * lock and the range held exclusively. The part is cut to what was done. */
static int write_alloc(struct qcow2 *q, struct part *p)
{
	struct qcow2_run first, last;
	struct qcow2_scratch *s = NULL;
	uint64_t n, host, cluster, got, vc = p->off >> q->bits;
	bool fresh = false, keeps, partly;
	int no = find_new(q, p, &first, &last, &n);

	if (no)
		return no;
	if (!n)                         /* another thread was here */
		return EAGAIN;
	cut(q, p, n);
	keeps = first.own;
	if (keeps) {
		host = first.host;
		no = check_target(q, host, n);
	} else {
		no = qcow2_refs_alloc(q, n, &cluster, &got, &fresh);
		host = cluster << q->bits;
	}
	if (no)
		return no;
	if (!keeps && got < n) {
		/* the part ends at a cluster's end, whatever is there */
		n = got;
		cut(q, p, n);
	}
	partly = (p->off | p->len) & (q->cluster - 1);
	if (partly && (first.kind != QCOW2_RUN_ZERO ||
		       last.kind != QCOW2_RUN_ZERO)) {
		s = qcow2_scratch_get(q);
		if (!s)
			no = ENOMEM;
	}
	pthread_mutex_unlock(&q->lock);
	if (!no)
		no = write_new(q, p, host, &first, &last, fresh, s);
	pthread_mutex_lock(&q->lock);
	if (s)
		qcow2_scratch_put(q, s);
	if (!no) {
		uint64_t end = host + (p->off & (q->cluster - 1)) + p->len;

		if (end > q->eof)
			q->eof = end;
		no = qcow2_link(q, vc, n, host | QCOW2_COPIED, q->cluster);
	}
	if (no && !keeps)
		qcow2_refs_free(q, cluster, n);
	return no;
}

static int write_part(struct qcow2 *q, struct part *p)
{
	uint64_t vc = p->off >> q->bits;
	struct qcow2_run r;
	struct range held;
	int no;

	hold(q, &held, p->off, p->len, false);
	no = qcow2_map(q, vc, clusters(q, p->off, p->len), &r);
	if (no || in_place(&r)) {
		if (!no)
			no = write_in_place(q, p, &r);
		release(q, &held);
		return no;
	}
	release(q, &held);
	hold(q, &held, p->off, p->len, true);
	no = write_alloc(q, p);
	release(q, &held);
	if (no != EAGAIN)
		return no;
	p->len = 0;                     /* nothing done: once more */
	return 0;
}

static int write_parts(struct qcow2 *q, const struct iovec *v, int n,
		       uint64_t len, uint64_t off)
{
	uint64_t done = 0;
	int no = 0;

	pthread_mutex_lock(&q->lock);
	while (done < len && !no) {
		struct part p = { .v = v, .n = n, .skip = done,
				  .len = len - done, .off = off + done };

		no = q->corrupt ? EIO : write_part(q, &p);
		done += p.len;
	}
	pthread_mutex_unlock(&q->lock);
	return no;
}

int qcow2_write(struct qcow2 *q, const struct iovec *v, int n, uint64_t len,
		uint64_t off)
{
	return write_parts(q, v, n, len, off);
}

/* ---- zeros and discard ------------------------------------------------------------ */

/* Zeros in part of a cluster: as data, where they are not zeros already. */
static int zero_bytes(struct qcow2 *q, uint64_t off, uint64_t len)
{
	struct qcow2_run r;
	struct range held;
	int no;

	if (!len)
		return 0;
	pthread_mutex_lock(&q->lock);
	hold(q, &held, off, len, false);
	no = qcow2_map(q, off >> q->bits, 1, &r);
	release(q, &held);
	pthread_mutex_unlock(&q->lock);
	if (no || r.kind == QCOW2_RUN_ZERO)
		return no;
	return write_parts(q, NULL, 0, len, off);
}

enum how { DISCARD, ZERO, ZERO_UNMAP };

/* What becomes of a run's entries; *bytes where zeros must be written. */
static int drop_run(struct qcow2 *q, const struct qcow2_run *r, uint64_t vc,
		    enum how how, bool *bytes)
{
	bool flags = q->h.version >= 3;

	switch (r->kind) {
	case QCOW2_RUN_ZERO:
		/* no entry, or one that reads as zeros; it may keep a place */
		if (how == ZERO || !(r->entry & QCOW2_OFFSET))
			return 0;
		break;
	case QCOW2_RUN_BASE:
		if (how == DISCARD)
			return 0;
		break;
	case QCOW2_RUN_DATA:
	case QCOW2_RUN_PACKED:
		if (how == ZERO && r->own && flags)
			return qcow2_link(q, vc, r->n, r->host | QCOW2_COPIED |
					  QCOW2_ZERO, q->cluster);
		if (how == ZERO && r->own) {
			*bytes = true;
			return 0;
		}
		break;
	}
	if (!q->base)
		return qcow2_link(q, vc, r->n, 0, 0);
	if (flags)
		return qcow2_link(q, vc, r->n, QCOW2_ZERO, 0);
	*bytes = how != DISCARD;        /* version 2 would show the backing */
	return 0;
}

/* Whole clusters [vc, end). */
static int drop_clusters(struct qcow2 *q, uint64_t vc, uint64_t end,
			 enum how how)
{
	int no = 0;

	pthread_mutex_lock(&q->lock);
	while (vc < end && !no) {
		uint64_t max = end - vc < CHUNK ? end - vc : CHUNK;
		struct range held;
		struct qcow2_run r;
		bool bytes = false;

		/* a table that is not there has nothing to drop */
		if (!(q->l1[vc >> q->l2_bits] & QCOW2_OFFSET) &&
		    (how == DISCARD || !q->base)) {
			vc = ((vc >> q->l2_bits) + 1) << q->l2_bits;
			continue;
		}
		hold(q, &held, vc << q->bits, max << q->bits, true);
		no = q->corrupt ? EIO : qcow2_map(q, vc, max, &r);
		if (!no)
			no = drop_run(q, &r, vc, how, &bytes);
		release(q, &held);
		if (!no && bytes) {
			pthread_mutex_unlock(&q->lock);
			no = write_parts(q, NULL, 0, r.n << q->bits,
					 vc << q->bits);
			pthread_mutex_lock(&q->lock);
		}
		if (!no)
			vc += r.n;
	}
	pthread_mutex_unlock(&q->lock);
	return no;
}

int qcow2_zero(struct qcow2 *q, uint64_t off, uint64_t len, bool unmap)
{
	uint64_t end = off + len, mask = q->cluster - 1;
	uint64_t from = (off + mask) & ~mask, to = end & ~mask;
	int no;

	if (!len)
		return 0;
	if (end == q->blk.size)         /* what is behind it is nobody's */
		to = (end + mask) & ~mask;
	if (from >= to)
		return (off ^ (end - 1)) & ~mask ?
		       ((no = zero_bytes(q, off, from - off)) ? no :
			zero_bytes(q, from, end - from)) :
		       zero_bytes(q, off, len);
	no = zero_bytes(q, off, from - off);
	if (!no && to < end)
		no = zero_bytes(q, to, end - to);
	return no ? no : drop_clusters(q, from >> q->bits, to >> q->bits,
				       unmap ? ZERO_UNMAP : ZERO);
}

int qcow2_discard(struct qcow2 *q, uint64_t off, uint64_t len)
{
	uint64_t end = off + len, mask = q->cluster - 1;
	uint64_t from = (off + mask) & ~mask, to = end & ~mask;

	if (end == q->blk.size)
		to = (end + mask) & ~mask;
	return len && from < to ? drop_clusters(q, from >> q->bits,
						to >> q->bits, DISCARD) : 0;
}
