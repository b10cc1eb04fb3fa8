/* block_raw.c: a disk whose image is the bytes of a file or block device.
 *
 * After blk_raw_open only preadv, pwritev, fallocate, fdatasync and close are
 * called on the descriptor, so the sandbox needs to allow no more. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "block_io.h"
#include "log.h"

#define SECTOR 512

struct raw {
	struct blk blk;                 /* first */
	int fd;
	/* A flush failed once: the kernel may have dropped the pages and would
	 * call the next one a success, so none succeeds any more. */
	_Atomic int flush_error;
};

static int zero(int fd, const struct blk_req *r)
{
	struct block_gather g = { .fd = fd, .off = r->off };
	uint64_t off = r->off, len = r->len;
	int no = EOPNOTSUPP;

	if (r->unmap)
		no = block_punch(fd, FALLOC_FL_PUNCH_HOLE, off, len);
	if (block_unsupported(no))
		no = block_punch(fd, FALLOC_FL_ZERO_RANGE, off, len);
	if (!block_unsupported(no))
		return no;
	no = block_gather_zeros(&g, len);
	return no ? no : block_gather_end(&g);
}

static int flush(struct raw *w)
{
	int no = w->flush_error, none = 0;

	if (no)
		return no;
	while (fdatasync(w->fd) < 0) {
		if (errno == EINTR)
			continue;
		no = errno;
		if (no == EINVAL || no == EROFS)        /* cannot be synced */
			return 0;
		if (atomic_compare_exchange_strong(&w->flush_error, &none, no))
			log_msg(LOG_ERROR, "%s: flush: %m; data may be lost",
				w->blk.path);
		return no;
	}
	return 0;
}

static int raw_run(struct blk *b, struct blk_req *r)
{
	struct raw *w = (struct raw *)b;
	int no;

	if (b->readonly && r->op != BLK_READ && r->op != BLK_FLUSH)
		return EROFS;
	switch (r->op) {
	case BLK_READ:
		return block_rw(w->fd, false, r->iov, r->niov, 0, r->len,
				r->off, false);
	case BLK_WRITE:
		return block_rw(w->fd, true, r->iov, r->niov, 0, r->len,
				r->off, false);
	case BLK_FLUSH:
		return b->readonly ? 0 : flush(w);
	case BLK_DISCARD:
		if (!r->len)
			return 0;
		no = block_punch(w->fd, FALLOC_FL_PUNCH_HOLE, r->off, r->len);
		return block_unsupported(no) ? 0 : no;  /* it is advice */
	case BLK_ZERO:
		return r->len ? zero(w->fd, r) : 0;
	}
	return EINVAL;
}

static void raw_close(struct blk *b)
{
	struct raw *w = (struct raw *)b;

	close(w->fd);
	free(b->path);
	free(w);
}

static const struct blk_ops raw_ops = {
	.name = "raw",
	.run = raw_run,
	.close = raw_close,
};

static int find_size(int fd, const char *path, struct blk *b, struct err *e)
{
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st) < 0)
		return err_set(e, errno, "%s", path);
	if (S_ISREG(st.st_mode))
		size = st.st_size;
	else if (!S_ISBLK(st.st_mode))
		return err_set(e, 0, "%s: is %s; a disk is a file or a block "
			       "device", path, S_ISDIR(st.st_mode) ?
			       "a directory" : "not a file");
	else if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		return err_set(e, errno, "%s: size of the device", path);
	if (size < SECTOR)
		return err_set(e, 0, "%s: has %llu bytes, a disk has at least "
			       "one sector of %d (truncate -s 8G makes an "
			       "empty one)", path, (unsigned long long)size,
			       SECTOR);
	if (size % SECTOR)
		log_msg(LOG_WARN, "%s: the last %d bytes are no whole sector "
			"and stay out of reach", path, (int)(size % SECTOR));
	b->size = size - size % SECTOR;
	b->block_size = SECTOR;
	if (st.st_blksize > SECTOR && st.st_blksize <= 65536 &&
	    !(st.st_blksize & (st.st_blksize - 1)))
		b->block_size = st.st_blksize;
	return 0;
}

/* Past a file's end, which asks whether it could and changes nothing; a block
 * device has no such place and takes or ignores the advice later. */
static bool can_discard(int fd, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || S_ISBLK(st.st_mode))
		return true;
	return !block_unsupported(block_punch(fd, FALLOC_FL_PUNCH_HOLE,
					      (size + 0xffff) & ~0xffffull,
					      0x10000));
}

struct blk *blk_raw_open(int fd, const char *path, bool readonly,
			 struct blk_pool *pool, struct err *e)
{
	struct raw *w = calloc(1, sizeof(*w));
	struct blk *b = &w->blk;

	if (!w || !(b->path = strdup(path))) {
		err_set(e, ENOMEM, "%s", path);
		goto fail;
	}
	if (find_size(fd, path, b, e))
		goto fail;
	if (blk_lock(fd, path, readonly, e))
		goto fail;
	w->fd = fd;
	b->ops = &raw_ops;
	b->pool = pool;
	b->readonly = readonly;
	b->discard = !readonly && can_discard(fd, b->size);
	return b;
fail:
	if (w)
		free(b->path);
	free(w);
	return NULL;
}
