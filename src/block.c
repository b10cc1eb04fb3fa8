/* block.c: opens a disk in its stated format; never looks what it could be. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "backend.h"

static struct blk *open_base(int fd, const char *path, const struct blk_opt *o,
			     bool readonly, struct blk_pool *pool,
			     struct err *e)
{
	struct blk_opt base = *o;

	base.readonly = readonly;
	return o->qcow2 ? blk_qcow2_open(fd, path, &base, pool, e) :
			  blk_raw_open(fd, path, readonly, pool, e);
}

struct blk *blk_open(int fd, const char *path, const struct blk_opt *o,
		     struct blk_pool *pool, struct err *e)
{
	struct blk *base, *over;
	int copy;

	if (!o->ephemeral)
		return open_base(fd, path, o, o->readonly, pool, e);
	/* a copy, so that a failure of the overlay leaves the caller's */
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0) {
		err_set(e, errno, "%s", path);
		return NULL;
	}
	base = open_base(copy, path, o, true, pool, e);
	if (!base) {
		close(copy);
		return NULL;
	}
	over = blk_overlay_open(base, e);
	if (!over) {
		base->ops->close(base);
		return NULL;
	}
	over->readonly = o->readonly;
	over->discard = !o->readonly;
	close(fd);
	return over;
}
