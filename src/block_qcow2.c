/* block_qcow2.c: a disk in a qcow2 image: life, flush, and what the parts
 * share. The format's parts are qcow2_*.c, their common ground is qcow2.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "qcow2.h"

/* Memory of an image, beside its L1 (32 MiB at most) and refcount tables. */
#define L2_BYTES (16u << 20)
#define L2_BYTES_LEAN (4u << 20)        /* where the L1 table is large */
#define BLOCKS_BYTES (2u << 20)
#define SCRATCH_BYTES (8u << 20)
#define SCRATCH_MAX 16u
#define UNPACKED_BYTES (2u << 20)

/* ---- what the parts share -------------------------------------------------- */

int qcow2_corrupt(struct qcow2 *q, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (q->corrupt)
		return EIO;
	q->corrupt = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_msg(LOG_ERROR, "%s: the image is damaged: %s; nothing is written "
		"to it any more (look at a copy with qemu-img check)",
		q->blk.path, text);
	return EIO;
}

void qcow2_wait(struct qcow2 *q)
{
	pthread_cond_wait(&q->cond, &q->lock);
}

void qcow2_wake(struct qcow2 *q)
{
	pthread_cond_broadcast(&q->cond);
}

void qcow2_thaw(struct qcow2 *q)
{
	while (q->frozen)
		qcow2_wait(q);
}

int qcow2_sync(struct qcow2 *q)
{
	int no = 0;

	if (q->flush_error)
		return q->flush_error;
	pthread_mutex_unlock(&q->lock);
	while (fdatasync(q->fd) < 0) {
		no = errno;
		if (no == EINTR)
			continue;
		if (no == EINVAL || no == EROFS)        /* cannot be synced */
			no = 0;
		break;
	}
	if (no == EINTR)
		no = 0;
	pthread_mutex_lock(&q->lock);
	if (no && !q->flush_error) {
		/* the kernel may have dropped the pages and would call the
		 * next one a success */
		q->flush_error = no;
		log_msg(LOG_ERROR, "%s: flush: %s; data may be lost",
			q->blk.path, strerror(no));
	}
	return q->flush_error;
}

int qcow2_write64(struct qcow2 *q, const uint64_t *table, uint64_t off,
		  uint32_t from, uint32_t to)
{
	uint64_t buf[512];
	int no = q->corrupt ? EIO : 0;

	while (from < to && !no) {
		uint32_t n = to - from < 512 ? to - from : 512;

		for (uint32_t i = 0; i < n; i++)
			buf[i] = htobe64(table[from + i]);
		no = block_pwrite(q->fd, buf, n * 8, off + from * 8ull);
		from += n;
	}
	return no;
}

/* The order is in qcow2.h. */
static int flush_frozen(struct qcow2 *q)
{
	int no = qcow2_cache_write(q, &q->blocks);

	if (!no && q->reftable_hi) {
		no = qcow2_sync(q);
		if (!no)
			no = qcow2_refs_write_table(q);
	}
	if (!no)
		no = qcow2_sync(q);
	if (!no && q->l2.changed) {
		no = qcow2_cache_write(q, &q->l2);
		if (!no)
			no = qcow2_sync(q);
	}
	if (!no && q->l1_hi) {
		no = qcow2_write64(q, q->l1, q->h.l1_off, q->l1_lo, q->l1_hi);
		if (!no) {
			q->l1_lo = q->l1_hi = 0;
			no = qcow2_sync(q);
		}
	}
	return no;
}

int qcow2_flush(struct qcow2 *q)
{
	int no;

	if (!q->l2.changed && !q->blocks.changed && !q->l1_hi &&
	    !q->reftable_hi && !q->npending)
		return q->frozen ? (qcow2_thaw(q), qcow2_flush(q)) :
		       qcow2_sync(q);
	qcow2_thaw(q);
	q->frozen = true;
	no = flush_frozen(q);
	if (!no) {
		while (q->ndead + q->npending > 2 * QCOW2_FREES) {
			if (q->burying)
				qcow2_wait(q);
			else
				qcow2_refs_bury(q);
		}
		memcpy(q->dead + q->ndead, q->pending,
		       q->npending * sizeof(q->dead[0]));
		q->ndead += q->npending;
		q->npending = 0;
	}
	q->frozen = false;
	qcow2_wake(q);
	if (!no)
		qcow2_refs_bury(q);
	return no;
}

struct qcow2_scratch *qcow2_scratch_get(struct qcow2 *q)
{
	struct qcow2_scratch *s;

	while (!q->scratch && q->nscratch == q->scratch_max)
		qcow2_wait(q);
	s = q->scratch;
	if (s) {
		q->scratch = s->next;
		return s;
	}
	s = malloc(sizeof(*s) + 4 * (size_t)q->cluster + 512);
	if (!s)
		return NULL;
	q->nscratch++;
	s->head = s->mem;
	s->tail = s->head + q->cluster;
	s->in = s->tail + q->cluster;
	return s;
}

void qcow2_scratch_put(struct qcow2 *q, struct qcow2_scratch *s)
{
	s->next = q->scratch;
	q->scratch = s;
	qcow2_wake(q);
}

/* ---- requests ---------------------------------------------------------------- */

static int flush(struct qcow2 *q)
{
	int no;

	pthread_mutex_lock(&q->lock);
	no = q->corrupt ? EIO : qcow2_flush(q);
	/* the counts that shrank: no barrier, a leak is the worst */
	if (!no)
		no = qcow2_cache_write(q, &q->blocks);
	pthread_mutex_unlock(&q->lock);
	return no;
}

static int qcow2_run_request(struct blk *b, struct blk_req *r)
{
	struct qcow2 *q = (struct qcow2 *)b;

	if (b->readonly && r->op != BLK_READ && r->op != BLK_FLUSH)
		return EROFS;
	switch (r->op) {
	case BLK_READ:
		return qcow2_read(q, r->iov, r->niov, 0, r->len, r->off);
	case BLK_WRITE:
		return qcow2_write(q, r->iov, r->niov, r->len, r->off);
	case BLK_FLUSH:
		return b->readonly ? 0 : flush(q);
	case BLK_DISCARD:
		return qcow2_discard(q, r->off, r->len);
	case BLK_ZERO:
		return qcow2_zero(q, r->off, r->len, r->unmap);
	}
	return EINVAL;
}

static void destroy(struct qcow2 *q, bool with_fd)
{
	if (q->base)
		q->base->ops->close(q->base);
	while (q->scratch) {
		struct qcow2_scratch *s = q->scratch;

		q->scratch = s->next;
		free(s);
	}
	for (unsigned i = 0; i < QCOW2_UNPACKED; i++)
		free(q->unpacked[i].data);
	qcow2_cache_fini(&q->l2);
	qcow2_cache_fini(&q->blocks);
	free(q->l1);
	free(q->reftable);
	free(q->snap);
	free(q->meta);
	pthread_cond_destroy(&q->cond);
	pthread_mutex_destroy(&q->lock);
	if (with_fd)
		close(q->fd);
	free(q->blk.path);
	free(q);
}

static void qcow2_close(struct blk *b)
{
	destroy((struct qcow2 *)b, true);
}

static const struct blk_ops qcow2_ops = {
	.name = "qcow2",
	.run = qcow2_run_request,
	.close = qcow2_close,
};

/* ---- opening -------------------------------------------------------------------- */

static int find_eof(struct qcow2 *q, struct err *e)
{
	struct stat st;

	if (fstat(q->fd, &st) < 0)
		return err_set(e, errno, "%s", q->blk.path);
	q->regular = S_ISREG(st.st_mode);
	if (q->regular)
		q->eof = (uint64_t)st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return err_set(e, 0, "%s: is no file; a disk is a file or a "
			       "block device", q->blk.path);
	else if (ioctl(q->fd, BLKGETSIZE64, &q->eof) < 0)
		return err_set(e, errno, "%s: size of the device",
			       q->blk.path);
	/* a device is never known to hold zeros */
	q->fresh = q->regular ? (q->eof + q->cluster - 1) &
		   ~(uint64_t)(q->cluster - 1) : UINT64_MAX;
	return 0;
}

/* A table of 64-bit numbers that must lie in the file. */
static int load(struct qcow2 *q, const char *what, uint64_t off, uint64_t n,
		uint64_t **table, struct err *e)
{
	int no;

	if (off > q->eof || n * 8 > q->eof - off)
		return err_set(e, 0, "%s: the file has %llu bytes and ends "
			       "before its %s table is over (a broken copy or "
			       "download?)", q->blk.path,
			       (unsigned long long)q->eof, what);
	*table = calloc(n + 1, 8);
	if (!*table)
		return err_set(e, ENOMEM, "%s", q->blk.path);
	no = block_pread(q->fd, *table, n * 8, off);
	if (no)
		return err_set(e, no, "%s: reading the %s table", q->blk.path,
			       what);
	for (uint64_t i = 0; i < n; i++)
		(*table)[i] = be64toh((*table)[i]);
	return 0;
}

static int load_reftable(struct qcow2 *q, struct err *e)
{
	uint64_t n = ((uint64_t)q->h.reftable_clusters << q->bits) / 8;

	if (load(q, "refcount", q->h.reftable_off, n, &q->reftable, e))
		return -1;
	q->reftable_size = (uint32_t)n;
	for (uint32_t i = 0; i < n; i++)
		if (q->reftable[i])
			q->reftable_used = i + 1;
	return 0;
}

static unsigned tables(const struct qcow2 *q, uint32_t bytes, uint64_t want)
{
	uint64_t n = bytes / q->cluster;

	if (n > want)
		n = want;
	return n < 2 ? 2 : (unsigned)n;
}

static int init_caches(struct qcow2 *q, struct err *e)
{
	bool lean = q->depth || q->h.l1_size * 8ull > 8u << 20;
	uint64_t reach = ((q->h.size - 1) >> (q->bits + q->l2_bits)) + 1;
	unsigned n = tables(q, lean ? L2_BYTES_LEAN : L2_BYTES, reach);
	uint32_t per = 4 * q->cluster + 512;

	q->scratch_max = SCRATCH_BYTES / per;
	if (q->scratch_max < 1)
		q->scratch_max = 1;
	if (q->scratch_max > SCRATCH_MAX)
		q->scratch_max = SCRATCH_MAX;
	q->unpacked_max = tables(q, UNPACKED_BYTES, QCOW2_UNPACKED);
	if (q->cluster > UNPACKED_BYTES / 2)
		q->unpacked_max = 1;
	if (qcow2_cache_init(&q->l2, n, q->cluster, true) ||
	    (!q->blk.readonly &&
	     (qcow2_cache_init(&q->blocks, tables(q, BLOCKS_BYTES, ~0ull),
			       q->cluster, false) ||
	      qcow2_meta_init(q))))
		return err_set(e, ENOMEM, "%s", q->blk.path);
	return 0;
}

/* Features that a writer who does not know them must take back, which is all
 * of them: what they speak of may no longer be true afterwards. */
static int clear_autoclear(struct qcow2 *q, struct err *e)
{
	uint64_t none = 0;
	int no;

	if (!q->h.autoclear || q->h.version < 3)
		return 0;
	no = block_pwrite(q->fd, &none, 8, QCOW2_H_AUTOCLEAR);
	if (!no && fdatasync(q->fd))
		no = errno;
	if (no)
		return err_set(e, no, "%s: writing the header", q->blk.path);
	log_msg(LOG_INFO, "%s: autoclear features %#llx are off from now on "
		"(dirty bitmaps and the like)", q->blk.path,
		(unsigned long long)q->h.autoclear);
	q->h.autoclear = 0;
	return 0;
}

static int prepare_write(struct qcow2 *q, struct err *e)
{
	if (q->h.snapshots)
		log_msg(LOG_INFO, "%s: has %u internal snapshots, which stay as "
			"they are", q->blk.path, q->h.snapshots);
	if (q->h.incompatible & QCOW2_DIRTY && qcow2_repair(q, e))
		return -1;
	return load_reftable(q, e) || clear_autoclear(q, e) ? -1 : 0;
}

static int start(struct qcow2 *q, const struct blk_opt *o, struct err *e)
{
	const char *code;

	/* before the first look: another writer could change what we see */
	if (blk_lock(q->fd, q->blk.path, q->blk.readonly, e))
		return -1;
	if (qcow2_header_read(q->fd, q->blk.path, &q->h, &code, e))
		return -1;
	q->bits = q->h.cluster_bits;
	q->cluster = 1u << q->bits;
	q->l2_bits = q->bits - 3;
	q->block_bits = q->bits + 3 - q->h.refcount_order;
	q->blk.size = q->h.size & ~511ull;
	q->blk.block_size = q->cluster < 4096 ? q->cluster : 4096;
	q->blk.discard = !q->blk.readonly;
	/* what is below counts less: the whole chain has one bound */
	if (q->h.l1_size > QCOW2_L1_MAX / 8 >> (q->depth < 4 ? q->depth : 4))
		return err_set(e, 0, "%s: an L1 table of %u entries in a "
			       "backing file", q->blk.path, q->h.l1_size);
	if (q->h.size % 512)
		log_msg(LOG_WARN, "%s: the last %d bytes are no whole sector "
			"and stay out of reach", q->blk.path,
			(int)(q->h.size % 512));
	if (find_eof(q, e) ||
	    load(q, "L1", q->h.l1_off, q->h.l1_size, &q->l1, e) ||
	    qcow2_snapshots(q->fd, q->blk.path, &q->h, q->eof, &q->snap,
			    &q->snap_len, NULL, e))
		return -1;
	if (*q->h.backing && qcow2_backing_open(q, o, e))
		return -1;
	if (!q->blk.readonly && prepare_write(q, e))
		return -1;
	return init_caches(q, e);
}

struct blk *qcow2_open(int fd, const char *path, const struct blk_opt *o,
		       struct qcow2 *above, struct blk_pool *pool,
		       struct err *e)
{
	struct qcow2 *q = calloc(1, sizeof(*q));

	if (!q || !(q->blk.path = strdup(path))) {
		err_set(e, ENOMEM, "%s", path);
		free(q);
		return NULL;
	}
	q->fd = fd;
	q->above = above;
	q->depth = above ? above->depth + 1 : 0;
	q->blk.ops = &qcow2_ops;
	q->blk.pool = pool;
	q->blk.readonly = o->readonly;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->cond, NULL);
	range_init(&q->ranges);
	if (start(q, o, e)) {
		destroy(q, false);
		return NULL;
	}
	return &q->blk;
}

struct blk *blk_qcow2_open(int fd, const char *path, const struct blk_opt *o,
			   struct blk_pool *pool, struct err *e)
{
	return qcow2_open(fd, path, o, NULL, pool, e);
}
