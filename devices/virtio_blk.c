/* A disk.
 *
 * Virtual I/O Device (VIRTIO) 1.2, section 5.2; Apple's variant: vmapple.md
 * section 5. One queue; data goes between guest memory and the image by the
 * block pool's threads, never on a vCPU's. Left out: several queues, secure
 * erase, lifetime, zones, CONFIG_WCE (write-back with FLUSH, write-through
 * for a driver without it, which is what the section asks of both). */
#include "virtio_blk.h"

#include <assert.h>
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "dma.h"
#include "loop.h"

enum {
	F_SEG_MAX = 2, F_RO = 5, F_BLK_SIZE = 6, F_FLUSH = 9, F_TOPOLOGY = 10,
	F_DISCARD = 13, F_WRITE_ZEROES = 14,
};

enum {
	T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11,
	T_WRITE_ZEROES = 13, T_APPLE_BARRIER = 0x10000,
};

enum { S_OK, S_IOERR, S_UNSUPP };

enum { WZ_UNMAP = 1 };                  /* flag of a segment */

enum {                                  /* section 5.2.4 */
	CAPACITY = 0x00, SEG_MAX = 0x0c, BLK_SIZE = 0x14,
	PHYSICAL_BLOCK_EXP = 0x18, MIN_IO_SIZE = 0x1a, OPT_IO_SIZE = 0x1c,
	MAX_DISCARD_SECTORS = 0x24, MAX_DISCARD_SEG = 0x28,
	DISCARD_ALIGNMENT = 0x2c, MAX_WRITE_ZEROES_SECTORS = 0x30,
	MAX_WRITE_ZEROES_SEG = 0x34, WRITE_ZEROES_MAY_UNMAP = 0x38,
	CONFIG_LEN = 0x3c,
	APPLE_ROLE = 0x3c, APPLE_CONFIG_LEN = 0x60,
};

enum {
	SECTOR = 512,
	QUEUE = 256,
	SLOTS = 64,                     /* requests under way */
	HEADER = 16,
	SEGMENTS_MAX = QUEUE - 2,       /* beside header and status */
	DISCARD_MAX = 0x400000,         /* sectors */
	ZERO_MAX = 0x10000,             /* where it must be written: 32 MiB */
};

struct slot {
	struct blk_req req;
	struct virtio_blk *d;
	struct slot *next;              /* of the free list */
	unsigned epoch;
	uint8_t *status;                /* guest memory */
	struct virtq_elem elem;
};

struct virtio_blk {
	struct virtio virtio;
	struct blk *blk;
	enum virtio_blk_kind kind;
	/* Grows at each reset; what was submitted before tells by it that
	 * nobody waits for it any more. */
	unsigned epoch;
	unsigned inflight;              /* submitted, done() to come */
	bool stalled;                   /* no slot, a barrier; done() goes on */
	/* Apple's barrier: waits for all before it, then is a flush; what
	 * stands behind it in the queue has not been looked at. */
	struct slot *barrier;
	bool flushing;                  /* it was submitted */
	struct slot *free;
	struct slot slot[SLOTS];
};

static struct virtio_blk *blk_of(struct virtio *v)
{
	return (struct virtio_blk *)v;
}

static void run_queue(struct virtio_blk *d);

/* ---- completion ----------------------------------------------------- */

static void slot_free(struct virtio_blk *d, struct slot *s)
{
	s->next = d->free;
	d->free = s;
}

/* The used length is that of all writable bytes: the status is the last. */
static void complete(struct virtio_blk *d, struct slot *s, uint8_t status)
{
	*(volatile uint8_t *)s->status = status;
	virtq_push(&d->virtio.vq[0], s->elem.head, s->elem.in_len);
	slot_free(d, s);
}

static void submit(struct virtio_blk *d, struct slot *s, enum blk_op op)
{
	s->req.op = op;
	s->epoch = d->epoch;
	d->inflight++;
	blk_submit(d->blk, &s->req);
}

static void barrier_go(struct virtio_blk *d)
{
	struct slot *s = d->barrier;

	d->flushing = true;
	s->req.off = s->req.len = 0;
	submit(d, s, BLK_FLUSH);
}

static void barrier_drop(struct virtio_blk *d)
{
	if (d->barrier && !d->flushing)
		slot_free(d, d->barrier);       /* else done() has it */
	d->barrier = NULL;
	d->flushing = false;
}

/* On a pool thread, under our lock. */
static void done(struct blk_req *r, int error)
{
	struct slot *s = r->arg;
	struct virtio_blk *d = s->d;

	d->inflight--;
	if (s->epoch != d->epoch) {
		slot_free(d, s);
		if (!d->inflight)
			virtio_reset_done(&d->virtio);
		return;
	}
	/* a driver without FLUSH takes "done" for "on the disk" */
	if (!error && r->op != BLK_READ && r->op != BLK_FLUSH &&
	    !virtio_has(&d->virtio, F_FLUSH)) {
		submit(d, s, BLK_FLUSH);
		return;
	}
	if (s == d->barrier) {
		d->barrier = NULL;
		d->flushing = false;
	}
	complete(d, s, error ? S_IOERR : S_OK);
	virtq_show(&d->virtio.vq[0]);
	if (d->barrier && !d->inflight)
		barrier_go(d);
	if (d->stalled)
		run_queue(d);
}

/* ---- requests ------------------------------------------------------- */

/* A result, or -1 where the request was submitted and done() will tell. */
enum { PENDING = -1 };

static bool in_range(const struct virtio_blk *d, uint64_t sector, uint64_t len)
{
	uint64_t sectors = d->blk->size / SECTOR;

	return sector <= sectors && len / SECTOR <= sectors - sector;
}

static int transfer(struct virtio_blk *d, struct slot *s, bool write,
		    uint64_t sector, struct iovec *iov, unsigned niov,
		    size_t len)
{
	if (write && d->blk->readonly)
		return S_IOERR;
	if (len % SECTOR || !in_range(d, sector, len))
		return S_IOERR;
	if (!len)
		return S_OK;
	s->req.off = sector * SECTOR;
	s->req.len = len;
	s->req.iov = iov;
	s->req.niov = niov;
	submit(d, s, write ? BLK_WRITE : BLK_READ);
	return PENDING;
}

static int flush(struct virtio_blk *d, struct slot *s)
{
	if (d->blk->readonly)
		return S_OK;
	s->req.off = s->req.len = 0;
	submit(d, s, BLK_FLUSH);
	return PENDING;
}

/* The pool's threads take requests as they come, so order is made here: those
 * before a barrier are done and on the disk when it is, those behind it begin
 * then (vmapple.md section 5). */
static int barrier(struct virtio_blk *d, struct slot *s)
{
	if (d->blk->readonly)
		return S_OK;
	d->barrier = s;
	if (!d->inflight)
		barrier_go(d);
	return PENDING;
}

/* One segment a request, as the configuration says. Section 5.2.6.2. */
static int discard(struct virtio_blk *d, struct slot *s, bool zero, size_t len)
{
	struct { uint64_t sector; uint32_t count, flags; } seg;

	if (!virtio_has(&d->virtio, zero ? F_WRITE_ZEROES : F_DISCARD))
		return S_UNSUPP;
	if (len != sizeof(seg))
		return S_IOERR;
	virtq_read(&s->elem, HEADER, &seg, sizeof(seg));
	seg.sector = le64toh(seg.sector);
	seg.count = le32toh(seg.count);
	seg.flags = le32toh(seg.flags);
	if (seg.flags & ~(zero ? WZ_UNMAP : 0u))
		return S_UNSUPP;
	if (d->blk->readonly || seg.count > (zero ? ZERO_MAX : DISCARD_MAX) ||
	    !in_range(d, seg.sector, (uint64_t)seg.count * SECTOR))
		return S_IOERR;
	if (!seg.count)
		return S_OK;
	s->req.off = seg.sector * SECTOR;
	s->req.len = (uint64_t)seg.count * SECTOR;
	s->req.unmap = seg.flags & WZ_UNMAP;
	submit(d, s, zero ? BLK_ZERO : BLK_DISCARD);
	return PENDING;
}

static int get_id(struct virtio_blk *d, struct slot *s)
{
	char id[20] = { 0 };
	size_t room = s->elem.in_len - 1;

	memcpy(id, d->blk->serial, strnlen(d->blk->serial, sizeof(id)));
	virtq_write(&s->elem, 0, id, room < sizeof(id) ? room : sizeof(id));
	return S_OK;
}

/* Header and status are where the bytes begin and end, however the driver
 * cut them into buffers (section 2.7.4.3). */
static int start(struct virtio_blk *d, struct slot *s)
{
	struct virtq_elem *e = &s->elem;
	struct { uint32_t type, reserved; uint64_t sector; } h;
	struct iovec *out = e->iov, *in = e->iov + e->nout;
	unsigned nout, nin;
	size_t data_in = e->in_len - 1, data_out = e->out_len - HEADER;

	virtq_read(e, 0, &h, sizeof(h));
	h.sector = le64toh(h.sector);
	s->req.unmap = false;
	switch (le32toh(h.type)) {
	case T_IN:
		nin = virtq_iov_keep(in, e->nin, data_in);
		return transfer(d, s, false, h.sector, in, nin, data_in);
	case T_OUT:
		nout = virtq_iov_skip(&out, e->nout, HEADER);
		return transfer(d, s, true, h.sector, out, nout, data_out);
	case T_FLUSH:
		return flush(d, s);
	case T_GET_ID:
		return get_id(d, s);
	case T_DISCARD:
		return discard(d, s, false, data_out);
	case T_WRITE_ZEROES:
		return discard(d, s, true, data_out);
	case T_APPLE_BARRIER:
		return d->kind == VIRTIO_BLK_PLAIN ? S_UNSUPP : barrier(d, s);
	}
	return S_UNSUPP;
}

static uint8_t *last_byte(const struct virtq_elem *e)
{
	for (unsigned i = e->nout + e->nin; i-- > e->nout;)
		if (e->iov[i].iov_len)
			return (uint8_t *)e->iov[i].iov_base +
			       e->iov[i].iov_len - 1;
	return NULL;
}

/* Takes one request; false where there is none. */
static bool take(struct virtio_blk *d)
{
	struct slot *s = d->free;
	int status;

	if (!virtq_pop(&d->virtio.vq[0], &s->elem))
		return false;
	s->status = last_byte(&s->elem);
	if (!s->status || s->elem.out_len < HEADER) {
		virtio_broken(&d->virtio, "request without header or status");
		return false;
	}
	d->free = s->next;
	status = start(d, s);
	if (status != PENDING)
		complete(d, s, status);
	return true;
}

static void resume(void *arg)
{
	run_queue(arg);
}

/* Bounded: requests that need no I/O could otherwise keep a thread here for as
 * long as another CPU adds more. */
static void run_queue(struct virtio_blk *d)
{
	struct virtq *q = &d->virtio.vq[0];
	unsigned n;

	d->stalled = false;
	if (!virtio_running(&d->virtio))
		return;
	virtq_notify_off(q);
	for (n = 0; n < QUEUE; n++) {
		if (!d->free || d->barrier) {
			d->stalled = true;
			break;
		}
		if (take(d))
			continue;
		if (!virtio_running(&d->virtio) || !virtq_notify_on(q))
			break;
		virtq_notify_off(q);
	}
	virtq_show(q);
	if (n == QUEUE)
		loop_post(d->virtio.pci.dev.loop, &d->virtio.pci.dev, resume,
			  d);
}

static void blk_notify(struct virtio *v, unsigned q)
{
	run_queue(blk_of(v));
}

/* ---- the device ----------------------------------------------------- */

static bool blk_reset_by_driver(struct virtio *v)
{
	struct virtio_blk *d = blk_of(v);

	d->epoch++;
	d->stalled = false;
	barrier_drop(d);
	blk_cancel(d->blk, &v->pci.dev);
	return !d->inflight;
}

static void blk_reset(struct device *dev)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;

	blk_settle(d->blk, dev);
	d->epoch++;
	d->stalled = false;
	barrier_drop(d);
	virtio_power_on(&d->virtio);
}

#define BLK_OPS(vendor_, device_)                                       \
	{                                                               \
		.id = VIRTIO_ID_BLOCK,                                  \
		.pci = { vendor_, device_, 0x1af4, 0x1100, 0x010000, 1 }, \
		.queues = 1,                                            \
		.queue_size = { QUEUE },                                \
		.notify = blk_notify,                                   \
		.reset = blk_reset_by_driver,                           \
	}

static const struct virtio_ops plain_ops = BLK_OPS(0x1af4, 0x1042);
static const struct virtio_ops apple_ops = BLK_OPS(0x106b, 0x1a00);

static void put(struct virtio_blk *d, unsigned off, unsigned size,
		uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		d->virtio.config[off + i] = val >> 8 * i;
}

static void fill_config(struct virtio_blk *d)
{
	const struct blk *b = d->blk;
	unsigned physical = b->block_size / SECTOR;

	if (!physical)
		physical = 1;
	put(d, CAPACITY, 8, b->size / SECTOR);
	put(d, SEG_MAX, 4, SEGMENTS_MAX);
	put(d, BLK_SIZE, 4, SECTOR);
	put(d, PHYSICAL_BLOCK_EXP, 1, __builtin_ctz(physical));
	put(d, MIN_IO_SIZE, 2, physical);
	if (d->virtio.features >> F_DISCARD & 1) {
		put(d, MAX_DISCARD_SECTORS, 4, DISCARD_MAX);
		put(d, MAX_DISCARD_SEG, 4, 1);
		put(d, DISCARD_ALIGNMENT, 4, physical);
	}
	if (d->virtio.features >> F_WRITE_ZEROES & 1) {
		put(d, MAX_WRITE_ZEROES_SECTORS, 4, ZERO_MAX);
		put(d, MAX_WRITE_ZEROES_SEG, 4, 1);
		put(d, WRITE_ZEROES_MAY_UNMAP, 1, b->discard);
	}
	d->virtio.config_len = CONFIG_LEN;
	if (d->kind != VIRTIO_BLK_PLAIN) {
		put(d, APPLE_ROLE, 4, d->kind == VIRTIO_BLK_ROOT ? 1 : 2);
		d->virtio.config_len = APPLE_CONFIG_LEN;
	}
}

static int blk_init(struct device *dev, const struct devconf *dc,
		    struct err *e)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;
	const struct virtio_blk_conf *c = dc->arg;

	d->blk = c->blk;
	d->kind = c->kind;
	for (unsigned i = SLOTS; i-- > 0;) {
		struct slot *s = &d->slot[i];

		s->d = d;
		s->req.dev = dev;
		s->req.done = done;
		s->req.arg = s;
		slot_free(d, s);
	}
	d->virtio.features = 1ull << F_SEG_MAX | 1ull << F_BLK_SIZE |
			     1ull << F_FLUSH | 1ull << F_TOPOLOGY;
	if (d->blk->readonly)
		d->virtio.features |= 1ull << F_RO;
	else
		d->virtio.features |= 1ull << F_WRITE_ZEROES |
				      (uint64_t)d->blk->discard << F_DISCARD;
	fill_config(d);
	return virtio_init(&d->virtio, d->kind == VIRTIO_BLK_PLAIN ?
			   &plain_ops : &apple_ops, &c->virtio, dc, e);
}

static void blk_fini(struct device *dev)
{
	struct virtio_blk *d = (struct virtio_blk *)dev;

	device_lock(dev);
	d->epoch++;
	blk_cancel(d->blk, dev);
	device_unlock(dev);
	blk_drain(d->blk);
	virtio_fini(&d->virtio);
}

const struct device_ops virtio_blk_ops = {
	.name = "virtio-blk",
	.size = sizeof(struct virtio_blk),
	.init = blk_init,
	.reset = blk_reset,
	.read = pci_fn_read,
	.write = pci_fn_write,
	.fini = blk_fini,
};
