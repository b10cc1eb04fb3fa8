/* block_slice.c: a disk that is the end of another: an auxiliary store behind
 * the 16 KiB that VZ keeps before it (spec/vmapple.md section 8.2). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"

#define SECTOR 512

struct slice {
	struct blk blk;                 /* first */
	struct blk *base;
	uint64_t start;
};

static int slice_run(struct blk *b, struct blk_req *r)
{
	struct slice *s = (struct slice *)b;
	struct blk_req part = *r;

	part.off += s->start;
	return s->base->ops->run(s->base, &part);
}

static void slice_close(struct blk *b)
{
	struct slice *s = (struct slice *)b;

	s->base->ops->close(s->base);   /* nobody else submits to it */
	free(b->path);
	free(s);
}

static const struct blk_ops slice_ops = {
	.name = "slice",
	.run = slice_run,
	.close = slice_close,
};

struct blk *blk_slice_open(struct blk *base, uint64_t start, struct err *e)
{
	struct slice *s = calloc(1, sizeof(*s));

	assert(start % SECTOR == 0 && start < base->size);
	if (!s || !(s->blk.path = strdup(base->path))) {
		free(s);
		err_set(e, ENOMEM, "%s", base->path);
		return NULL;
	}
	s->base = base;
	s->start = start;
	s->blk.ops = &slice_ops;
	s->blk.pool = base->pool;
	s->blk.size = base->size - start;
	s->blk.block_size = base->block_size;
	s->blk.readonly = base->readonly;
	s->blk.discard = base->discard;
	memcpy(s->blk.serial, base->serial, sizeof(base->serial));
	return &s->blk;
}
