/* block_io.c: transfers and ranges for the disk formats; see block_io.h.
 *
 * Only preadv, pwritev, pread64, pwrite64 and fallocate are called, so the
 * sandbox needs to allow no more. */
#include "block_io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

const uint8_t block_zeros[BLOCK_ZEROS];

#define PIECES 64

int block_slice(const struct iovec *v, int n, size_t skip, size_t len,
		struct iovec *out, int max, size_t *got)
{
	int used = 0;

	*got = 0;
	for (; n && skip >= v->iov_len; v++, n--)
		skip -= v->iov_len;
	for (; n && len && used < max; v++, n--) {
		size_t part = v->iov_len - skip;

		if (part > len)
			part = len;
		if (part) {
			out[used].iov_base = (uint8_t *)v->iov_base + skip;
			out[used++].iov_len = part;
		}
		*got += part;
		len -= part;
		skip = 0;
	}
	return used;
}

void block_fill(const struct iovec *v, int n, size_t skip, const void *src,
		size_t len)
{
	const uint8_t *p = src;

	for (; n && len; v++, n--) {
		size_t part;

		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		part = v->iov_len - skip < len ? v->iov_len - skip : len;
		if (p) {
			memcpy((uint8_t *)v->iov_base + skip, p, part);
			p += part;
		} else {
			memset((uint8_t *)v->iov_base + skip, 0, part);
		}
		len -= part;
		skip = 0;
	}
}

void block_clear(const struct iovec *v, int n, size_t skip, size_t len)
{
	block_fill(v, n, skip, NULL, len);
}

int block_rw(int fd, bool write, const struct iovec *v, int n, size_t skip,
	     size_t len, uint64_t off, bool zero_eof)
{
	struct iovec part[PIECES];

	if (off > INT64_MAX || len > INT64_MAX - off)
		return EIO;
	while (len) {
		size_t want;
		int pieces = block_slice(v, n, skip, len, part, PIECES, &want);
		ssize_t r;

		if (!pieces)
			return EINVAL;  /* the pieces are fewer than len says */
		r = write ? pwritev(fd, part, pieces, (off_t)off) :
			    preadv(fd, part, pieces, (off_t)off);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return errno;
		if (!r && zero_eof && !write) {
			block_clear(v, n, skip, len);
			return 0;
		}
		if (!r)
			return EIO;     /* the file became shorter */
		off += (uint64_t)r;
		skip += (size_t)r;
		len -= (size_t)r;
	}
	return 0;
}

int block_pread(int fd, void *buf, size_t len, uint64_t off)
{
	struct iovec v = { buf, len };

	return block_rw(fd, false, &v, 1, 0, len, off, false);
}

int block_pwrite(int fd, const void *buf, size_t len, uint64_t off)
{
	struct iovec v = { (void *)buf, len };

	return block_rw(fd, true, &v, 1, 0, len, off, false);
}

int block_punch(int fd, int mode, uint64_t off, uint64_t len)
{
	int r;

	do {
		r = fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)off,
			      (off_t)len);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? errno : 0;
}

bool block_unsupported(int no)
{
	return no == EOPNOTSUPP || no == ENOSYS || no == EINVAL || no == ENODEV;
}

/* ---- gathering ------------------------------------------------------- */

int block_gather_end(struct block_gather *g)
{
	int no = 0;

	if (g->n)
		no = block_rw(g->fd, true, g->v, g->n, 0, g->len, g->off,
			      false);
	g->off += g->len;
	g->len = 0;
	g->n = 0;
	return no;
}

int block_gather(struct block_gather *g, const void *p, size_t len)
{
	int no = 0;

	if (!len)
		return 0;
	if (g->n == PIECES)
		no = block_gather_end(g);
	g->v[g->n++] = (struct iovec){ (void *)p, len };
	g->len += len;
	return no;
}

int block_gather_zeros(struct block_gather *g, size_t len)
{
	int no = 0;

	while (len && !no) {
		size_t n = len < BLOCK_ZEROS ? len : BLOCK_ZEROS;

		no = block_gather(g, block_zeros, n);
		len -= n;
	}
	return no;
}

int block_gather_iov(struct block_gather *g, const struct iovec *v, int n,
		     size_t skip, size_t len)
{
	int no = 0;

	for (; n && len && !no; v++, n--) {
		size_t part;

		if (skip >= v->iov_len) {
			skip -= v->iov_len;
			continue;
		}
		part = v->iov_len - skip < len ? v->iov_len - skip : len;
		no = block_gather(g, (uint8_t *)v->iov_base + skip, part);
		len -= part;
		skip = 0;
	}
	return no;
}

/* ---- ranges ---------------------------------------------------------- */

void range_init(struct ranges *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static bool blocked(const struct ranges *l, const struct range *r)
{
	for (const struct range *o = l->head; o != r; o = o->next)
		if (o->first <= r->last && r->first <= o->last &&
		    (o->exclusive || r->exclusive))
			return true;
	return false;
}

void range_take(struct ranges *l, struct range *r, pthread_mutex_t *lock,
		pthread_cond_t *cond)
{
	r->next = NULL;
	*l->tail = r;
	l->tail = &r->next;
	while (blocked(l, r))
		pthread_cond_wait(cond, lock);
}

bool range_drop(struct ranges *l, struct range *r)
{
	struct range **p = &l->head;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
	if (!*p)
		l->tail = p;
	return l->head != NULL;
}
