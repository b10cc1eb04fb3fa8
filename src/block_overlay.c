/* block_overlay.c: a throw-away layer over a disk (--ephemeral).
 *
 * Writes go to a temporary file without a name, of the disk's size and sparse;
 * a bitmap in memory says which granules are there. The disk below is only
 * read. A flush has nothing to do: nothing shall last.
 *
 * A bit is set after its granule was written, and never cleared: who sees it
 * may use the file without a lock. Requests that set bits hold their granules
 * exclusively, so that filling up a granule cannot undo another's write. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"
#include "block_io.h"

#define GRANULE 4096u
#define GRANULE_MAX 65536u              /* for large disks */
#define BITS_WANTED (1ull << 27)        /* 16 MiB, touched as it fills */
#define SIZE_MAX_DISK (64ull << 40)

struct overlay {
	struct blk blk;                 /* first */
	struct blk *base;
	int fd;
	uint32_t granule;
	_Atomic uint64_t *present;
	pthread_mutex_t lock;           /* of ranges */
	pthread_cond_t cond;
	struct ranges ranges;
};

static bool present(struct overlay *o, uint64_t g)
{
	return atomic_load_explicit(&o->present[g / 64],
				    memory_order_acquire) >> g % 64 & 1;
}

static bool all_present(struct overlay *o, uint64_t g, uint64_t last)
{
	for (; g <= last; g++)
		if (!present(o, g))
			return false;
	return true;
}

static void set_present(struct overlay *o, uint64_t g, uint64_t last)
{
	for (; g <= last; g++)
		atomic_fetch_or_explicit(&o->present[g / 64],
					 1ull << g % 64,
					 memory_order_release);
}

/* Reads from the disk below, in calls of up to 64 pieces. */
static int read_base(struct overlay *o, const struct iovec *v, int n,
		     size_t skip, size_t len, uint64_t off)
{
	struct iovec part[64];
	int no = 0;

	while (len && !no) {
		size_t got;
		struct blk_req r = {
			.op = BLK_READ, .off = off, .iov = part,
			.niov = block_slice(v, n, skip, len, part, 64, &got),
		};

		if (!got)
			return EINVAL;
		r.len = got;
		no = o->base->ops->run(o->base, &r);
		skip += got;
		off += got;
		len -= got;
	}
	return no;
}

static int overlay_read(struct overlay *o, struct blk_req *r)
{
	uint64_t at = 0;
	int no = 0;

	while (at < r->len && !no) {
		uint64_t off = r->off + at, g = off / o->granule, end;
		bool here = present(o, g);

		/* the run of granules that are where this one is */
		do {
			g++;
		} while (g * o->granule < r->off + r->len &&
			 present(o, g) == here);
		end = g * o->granule;
		if (end > r->off + r->len)
			end = r->off + r->len;
		no = here ? block_rw(o->fd, false, r->iov, r->niov, at,
				     end - off, off, true) :
			    read_base(o, r->iov, r->niov, at, end - off, off);
		at += end - off;
	}
	return no;
}

/* Bytes of the disk that a partly written granule needs from below. */
static int fill(struct overlay *o, struct block_gather *w, uint8_t *buf,
		uint64_t off, uint64_t end)
{
	struct iovec v = { buf, end - off };
	int no;

	if (end > o->blk.size)
		end = o->blk.size;
	if (end <= off)
		return 0;
	v.iov_len = end - off;
	no = read_base(o, &v, 1, 0, v.iov_len, off);
	return no ? no : block_gather(w, buf, v.iov_len);
}

/* With the granules held exclusively. `v` NULL: zeros. */
static int write_new(struct overlay *o, const struct iovec *v, int n,
		     uint64_t off, uint64_t len)
{
	uint64_t first = off / o->granule, last = (off + len - 1) / o->granule;
	uint64_t from = first * o->granule, to = (last + 1) * o->granule;
	uint8_t *buf = malloc(2 * (size_t)o->granule);
	struct block_gather w = { .fd = o->fd };
	int no = 0;

	if (!buf)
		return ENOMEM;
	w.off = off;
	if (from < off && !present(o, first)) {
		w.off = from;
		no = fill(o, &w, buf, from, off);
	}
	if (!no)
		no = v ? block_gather_iov(&w, v, n, 0, len) :
			 block_gather_zeros(&w, len);
	if (!no && off + len < to && !present(o, last))
		no = fill(o, &w, buf + o->granule, off + len, to);
	if (!no)
		no = block_gather_end(&w);
	if (!no)
		set_present(o, first, last);
	free(buf);
	return no;
}

/* Whole granules need no bytes: a hole reads as zeros. */
static int zero_new(struct overlay *o, uint64_t off, uint64_t len)
{
	uint64_t g = o->granule, end = off + len;
	uint64_t from = (off + g - 1) / g * g, to = end / g * g;
	int no = 0;

	if (end == o->blk.size)
		to = (end + g - 1) / g * g;
	if (from >= to)
		return write_new(o, NULL, 0, off, len);
	if (off < from)
		no = write_new(o, NULL, 0, off, from - off);
	if (!no && to < end)
		no = write_new(o, NULL, 0, to, end - to);
	if (no)
		return no;
	no = block_punch(o->fd, FALLOC_FL_PUNCH_HOLE, from, to - from);
	if (block_unsupported(no))
		return write_new(o, NULL, 0, from,
				 (to < end ? to : end) - from);
	if (!no)
		set_present(o, from / g, to / g - 1);
	return no;
}

static int change(struct overlay *o, struct blk_req *r)
{
	struct range held = {
		.first = r->off / o->granule,
		.last = (r->off + r->len - 1) / o->granule,
	};
	int no;

	if (!r->len)
		return 0;
	if (r->op == BLK_WRITE && all_present(o, held.first, held.last))
		return block_rw(o->fd, true, r->iov, r->niov, 0, r->len,
				r->off, false);
	held.exclusive = true;
	pthread_mutex_lock(&o->lock);
	range_take(&o->ranges, &held, &o->lock, &o->cond);
	pthread_mutex_unlock(&o->lock);
	no = r->op == BLK_WRITE ?
	     write_new(o, r->iov, r->niov, r->off, r->len) :
	     zero_new(o, r->off, r->len);
	pthread_mutex_lock(&o->lock);
	if (range_drop(&o->ranges, &held))
		pthread_cond_broadcast(&o->cond);
	pthread_mutex_unlock(&o->lock);
	return no;
}

static int overlay_run(struct blk *b, struct blk_req *r)
{
	struct overlay *o = (struct overlay *)b;

	switch (r->op) {
	case BLK_READ:
		return overlay_read(o, r);
	case BLK_FLUSH:
		return 0;
	case BLK_WRITE:
	case BLK_ZERO:
	case BLK_DISCARD:
		return b->readonly ? EROFS : change(o, r);
	}
	return EINVAL;
}

static void overlay_close(struct blk *b)
{
	struct overlay *o = (struct overlay *)b;

	if (o->base)
		o->base->ops->close(o->base);
	if (o->fd >= 0)
		close(o->fd);
	pthread_cond_destroy(&o->cond);
	pthread_mutex_destroy(&o->lock);
	free((void *)o->present);
	free(b->path);
	free(o);
}

static const struct blk_ops overlay_ops = {
	.name = "overlay",
	.no_room = "the temporary file of --ephemeral cannot grow (TMPDIR says "
		   "where it is)",
	.run = overlay_run,
	.close = overlay_close,
};

/* On a disk where there is one, or else in memory. */
static int open_temp(void)
{
	const char *dirs[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int fd;

	for (unsigned i = 0; i < 3; i++) {
		if (!dirs[i] || !*dirs[i])
			continue;
		fd = open(dirs[i], O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL,
			  0600);
		if (fd >= 0)
			return fd;
	}
	return memfd_create("pome-ephemeral", MFD_CLOEXEC);
}

struct blk *blk_overlay_open(struct blk *base, struct err *e)
{
	struct overlay *o;
	uint64_t bits;

	if (base->size > SIZE_MAX_DISK) {
		err_set(e, 0, "%s: %llu bytes; --ephemeral works for disks up "
			"to 64 TiB", base->path,
			(unsigned long long)base->size);
		return NULL;
	}
	o = calloc(1, sizeof(*o));
	if (!o) {
		err_set(e, ENOMEM, "%s", base->path);
		return NULL;
	}
	o->fd = -1;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->cond, NULL);
	range_init(&o->ranges);
	for (o->granule = GRANULE; o->granule < GRANULE_MAX &&
	     base->size / o->granule > BITS_WANTED;)
		o->granule *= 2;
	bits = base->size / o->granule + 1;
	o->present = calloc(bits / 64 + 1, sizeof(*o->present));
	o->blk.path = strdup(base->path);
	if (!o->present || !o->blk.path) {
		err_set(e, ENOMEM, "%s: --ephemeral", base->path);
		goto fail;
	}
	o->fd = open_temp();
	if (o->fd < 0) {
		err_set(e, errno, "%s: --ephemeral: a temporary file (is "
			"TMPDIR right?)", base->path);
		goto fail;
	}
	o->blk.ops = &overlay_ops;
	o->blk.pool = base->pool;
	o->blk.size = base->size;
	o->blk.block_size = base->block_size > GRANULE ? base->block_size :
			    GRANULE;
	o->blk.discard = true;
	memcpy(o->blk.serial, base->serial, sizeof(o->blk.serial));
	o->base = base;
	return &o->blk;
fail:
	overlay_close(&o->blk);         /* without the base */
	return NULL;
}
