/* The one walker of split virtqueues.
 *
 * Virtual I/O Device (VIRTIO) 1.2, section 2.7. This is the hot path of all
 * I/O: the rings are looked up once, when the queue goes live, and read and
 * written in place with atomic accesses; each field is loaded once. A ring
 * in place is the one exception to "copies only" (dma.h): RAM stays mapped
 * for the life of the VM, and every value loaded is checked before use.
 * Left out: packed rings, VIRTIO_F_IN_ORDER, notification data. */
#include "virtq.h"

#include <endian.h>
#include <string.h>

#include "dma.h"

enum {                                  /* section 2.7.5 */
	DESC_F_NEXT = 1, DESC_F_WRITE = 2, DESC_F_INDIRECT = 4,
	DESC_SIZE = 16,
};

enum {
	AVAIL_F_NO_INTERRUPT = 1,       /* section 2.7.6 */
	USED_F_NO_NOTIFY = 1,           /* section 2.7.8 */
	RING_HEADER = 4,                /* flags and idx of either ring */
};

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

static uint16_t load16(const uint8_t *p, int order)
{
	return le16toh(__atomic_load_n((const uint16_t *)p, order));
}

static void store16(uint8_t *p, uint16_t v, int order)
{
	__atomic_store_n((uint16_t *)p, htole16(v), order);
}

/* Two loads, so that no field is loaded twice whatever the compiler thinks. */
static struct desc load_desc(const uint8_t *p)
{
	uint64_t a = __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
	uint64_t b = __atomic_load_n((const uint64_t *)p + 1, __ATOMIC_RELAXED);

	a = le64toh(a);
	b = le64toh(b);
	return (struct desc){ a, (uint32_t)b, (uint16_t)(b >> 32),
			      (uint16_t)(b >> 48) };
}

/* Host address of a ring, NULL where it is not in one block of RAM. */
static uint8_t *ring(struct virtq *q, uint64_t gpa, size_t len, unsigned align)
{
	struct iovec v;

	if (gpa & (align - 1) || dma_iov(q->dma, gpa, len, &v, 1) != 1)
		return NULL;
	return v.iov_base;
}

static void fail(struct virtq *q, const char *why)
{
	if (!q->live)
		return;
	q->live = false;
	q->broken(q->owner, q, why);
}

int virtq_start(struct virtq *q, uint16_t size, uint64_t desc, uint64_t avail,
		uint64_t used, bool event_idx, bool indirect)
{
	q->live = false;
	if (!size || size > VIRTQ_SIZE_MAX || size & (size - 1))
		return -1;
	/* with event_idx each ring has one more 16-bit field at its end */
	q->desc = ring(q, desc, (size_t)size * DESC_SIZE, 16);
	q->avail = ring(q, avail, RING_HEADER + 2u * size + 2u * event_idx, 2);
	q->used = ring(q, used, RING_HEADER + 8u * size + 2u * event_idx, 4);
	if (!q->desc || !q->avail || !q->used)
		return -1;
	q->size = size;
	q->desc_gpa = desc;
	q->avail_gpa = avail;
	q->used_gpa = used;
	q->event_idx = event_idx;
	q->indirect = indirect;
	q->notify_off = false;
	q->avail_next = q->used_next = q->used_shown = 0;
	q->used_signalled = 0;
	q->signalled = false;
	q->live = true;
	return 0;
}

void virtq_stop(struct virtq *q)
{
	q->live = false;
	q->desc = q->avail = q->used = NULL;
}

/* ---- taking --------------------------------------------------------- */

static uint16_t avail_idx(const struct virtq *q)
{
	return load16(q->avail + 2, __ATOMIC_ACQUIRE);
}

static uint8_t *avail_event(const struct virtq *q)
{
	return q->used + RING_HEADER + 8u * q->size;
}

bool virtq_empty(struct virtq *q)
{
	return !q->live || avail_idx(q) == q->avail_next;
}

/* Adds one buffer to the chain. Readable ones come first (section 2.7.4.2). */
static const char *add_buffer(struct virtq *q, struct virtq_elem *e,
			      const struct desc *d)
{
	unsigned used = e->nout + e->nin;
	int n;

	if (d->flags & DESC_F_WRITE)
		e->in_len += d->len;
	else if (e->in_len || e->nin)
		return "readable buffer after a writable one";
	else
		e->out_len += d->len;
	n = dma_iov(q->dma, d->addr, d->len, e->iov + used, VIRTQ_SEGS - used);
	if (n < 0)
		return "buffer outside RAM, or too many buffers";
	if (d->flags & DESC_F_WRITE)
		e->nin += n;
	else
		e->nout += n;
	return NULL;
}

/* Walks one table from `at` on; the number of descriptors is bounded by the
 * table's, so a loop ends. *indirect is set where the walk meets a descriptor
 * of another table. */
static const char *walk(struct virtq *q, struct virtq_elem *e,
			const uint8_t *table, unsigned entries, unsigned at,
			struct desc *indirect)
{
	const char *why;
	struct desc d;

	for (unsigned i = 0; i < entries; i++) {
		d = load_desc(table + (size_t)at * DESC_SIZE);
		if (d.flags & DESC_F_INDIRECT) {
			if (!indirect)
				return "indirect table inside an indirect one";
			if (d.flags & DESC_F_NEXT)
				return "indirect descriptor with a next one";
			*indirect = d;
			return NULL;
		}
		why = add_buffer(q, e, &d);
		if (why)
			return why;
		if (!(d.flags & DESC_F_NEXT))
			return NULL;
		if (d.next >= entries)
			return "next descriptor out of range";
		at = d.next;
	}
	return "descriptor chain without an end";
}

static const char *walk_indirect(struct virtq *q, struct virtq_elem *e,
				 const struct desc *d)
{
	unsigned entries = d->len / DESC_SIZE;
	uint8_t *table;

	if (!q->indirect)
		return "indirect descriptor without the feature";
	if (!entries || d->len % DESC_SIZE || entries > VIRTQ_SIZE_MAX)
		return "bad size of an indirect table";
	/* the driver may place it at any address; in place needs 8 */
	table = ring(q, d->addr, d->len, 8);
	if (table)
		return walk(q, e, table, entries, 0, NULL);
	if (d->addr & 7) {
		uint8_t copy[VIRTQ_SIZE_MAX * DESC_SIZE]
			__attribute__((aligned(8)));

		if (!dma_get(q->dma, d->addr, copy, d->len))
			return walk(q, e, copy, entries, 0, NULL);
	}
	return "indirect table outside RAM";
}

int virtq_pop(struct virtq *q, struct virtq_elem *e)
{
	struct desc indirect = { 0 };
	uint16_t idx, n;
	const char *why;

	if (!q->live)
		return 0;
	idx = avail_idx(q);
	n = idx - q->avail_next;
	if (!n)
		return 0;
	if (n > q->size) {
		fail(q, "available index jumped");
		return 0;
	}
	e->head = load16(q->avail + RING_HEADER +
			 2u * (q->avail_next & (q->size - 1)),
			 __ATOMIC_RELAXED);
	e->nout = e->nin = 0;
	e->out_len = e->in_len = 0;
	if (e->head >= q->size) {
		fail(q, "head out of range");
		return 0;
	}
	why = walk(q, e, q->desc, q->size, e->head, &indirect);
	if (!why && indirect.flags & DESC_F_INDIRECT)
		why = walk_indirect(q, e, &indirect);
	if (why) {
		fail(q, why);
		return 0;
	}
	q->avail_next++;
	q->chains++;
	return 1;
}

void virtq_unpop(struct virtq *q, unsigned n)
{
	if (!q->live)
		return;
	q->avail_next -= n;
	q->chains -= n;
	q->used_next = q->used_shown;
}

void virtq_notify_off(struct virtq *q)
{
	if (!q->live || q->notify_off)
		return;
	q->notify_off = true;
	/* with event_idx a stale avail_event is enough */
	if (!q->event_idx)
		store16(q->used, USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

bool virtq_notify_on(struct virtq *q)
{
	if (!q->live)
		return false;
	q->notify_off = false;
	if (q->event_idx)
		store16(avail_event(q), q->avail_next, __ATOMIC_RELAXED);
	else
		store16(q->used, 0, __ATOMIC_RELAXED);
	/* the driver stores idx, then loads this: one of us sees the other */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !virtq_empty(q);
}

/* ---- giving back ---------------------------------------------------- */

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	uint64_t e = htole64((uint64_t)written << 32 | head);
	uint8_t *p;

	if (!q->live)
		return;
	p = q->used + RING_HEADER + 8u * (q->used_next & (q->size - 1));
	memcpy(p, &e, sizeof(e));       /* 4-byte aligned only */
	q->used_next++;
}

/* Does the driver want an interrupt for what lies between the index at the
 * last decision and now? Section 2.7.7.1. */
static bool want_interrupt(struct virtq *q)
{
	uint16_t event, old = q->used_signalled;
	bool first = !q->signalled;

	if (!q->event_idx)
		return !(load16(q->avail, __ATOMIC_RELAXED) &
			 AVAIL_F_NO_INTERRUPT);
	q->used_signalled = q->used_shown;
	q->signalled = true;
	event = load16(q->avail + RING_HEADER + 2u * q->size,
		       __ATOMIC_RELAXED);
	return first || (uint16_t)(q->used_shown - event - 1) <
			(uint16_t)(q->used_shown - old);
}

void virtq_show(struct virtq *q)
{
	if (!q->live || q->used_shown == q->used_next)
		return;
	q->used_shown = q->used_next;
	store16(q->used + 2, q->used_shown, __ATOMIC_RELEASE);
	/* the driver stores its wish, then loads idx: as above */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (want_interrupt(q))
		q->interrupt(q->owner, q);
}

/* ---- the bytes of a chain ------------------------------------------- */

size_t virtq_read(const struct virtq_elem *e, size_t off, void *dst,
		  size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < e->nout && done < len; i++) {
		size_t n = e->iov[i].iov_len;

		if (off >= n) {
			off -= n;
			continue;
		}
		n -= off;
		if (n > len - done)
			n = len - done;
		memcpy((uint8_t *)dst + done,
		       (uint8_t *)e->iov[i].iov_base + off, n);
		off = 0;
		done += n;
	}
	return done;
}

size_t virtq_write(const struct virtq_elem *e, size_t off, const void *src,
		   size_t len)
{
	size_t done = 0;

	for (unsigned i = e->nout; i < e->nout + e->nin && done < len; i++) {
		size_t n = e->iov[i].iov_len;

		if (off >= n) {
			off -= n;
			continue;
		}
		n -= off;
		if (n > len - done)
			n = len - done;
		memcpy((uint8_t *)e->iov[i].iov_base + off,
		       (const uint8_t *)src + done, n);
		off = 0;
		done += n;
	}
	return done;
}

unsigned virtq_iov_skip(struct iovec **iov, unsigned niov, size_t n)
{
	struct iovec *v = *iov;

	while (niov && n >= v->iov_len) {
		n -= v->iov_len;
		v++;
		niov--;
	}
	if (niov && n) {
		v->iov_base = (uint8_t *)v->iov_base + n;
		v->iov_len -= n;
	}
	*iov = v;
	return niov;
}

unsigned virtq_iov_keep(struct iovec *iov, unsigned niov, size_t n)
{
	unsigned i;

	for (i = 0; i < niov && n; i++) {
		if (iov[i].iov_len > n)
			iov[i].iov_len = n;
		n -= iov[i].iov_len;
	}
	return i;
}
