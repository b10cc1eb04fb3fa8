/* disk.c: see disk.h. */
#include "disk.h"

#define ECAM 0x40000000ul
#define BAR 0x50000000ul
#define QUEUE (4 * DISK_DEPTH)

enum { NEXT = 1, WRITE = 2 };

/* Written by the device, too: every access is one to memory. */
struct disk_ring {
	struct { uint64_t addr; uint32_t len; uint16_t flags, next; }
		desc[QUEUE];
	struct { uint16_t flags, idx, ring[QUEUE]; } avail;
	struct { uint16_t flags, idx; struct { uint32_t id, len; } e[QUEUE]; }
		used __attribute__((aligned(16)));
	struct {
		uint32_t type, reserved;
		uint64_t sector;
		uint64_t seg_sector;    /* of discard and zeroes */
		uint32_t seg_count, seg_flags;
		uint8_t status;
	} req[DISK_DEPTH] __attribute__((aligned(64)));
};

static void w16(uint64_t a, uint16_t v) { *(volatile uint16_t *)a = v; }
static void w8(uint64_t a, uint8_t v) { *(volatile uint8_t *)a = v; }

static uint64_t features(uint64_t bar)
{
	uint64_t f;

	wr32(bar, 0);
	f = rd32(bar + 4);
	wr32(bar, 1);
	return f | (uint64_t)rd32(bar + 4) << 32;
}

bool disk_open(struct disk *d, unsigned n)
{
	uint64_t want = 1ul << 9 | 1ul << 13 | 1ul << 14 | 1ul << 32, cfg;
	unsigned slot;

	for (slot = 1; slot < 32; slot++)
		if (rd32(ECAM + slot * 0x8000ul) == 0x10421af4 && !n--)
			break;
	if (slot == 32)
		return false;
	cfg = ECAM + slot * 0x8000ul;
	d->bar = BAR + slot * 0x10000ul;
	wr32(cfg + 0x20, (uint32_t)d->bar);
	wr32(cfg + 0x24, 0);
	w16(cfg + 4, 6);
	w8(d->bar + 0x14, 0);
	w8(d->bar + 0x14, 3);
	d->features = features(d->bar);
	want &= d->features;
	wr32(d->bar + 8, 0);
	wr32(d->bar + 0xc, (uint32_t)want);
	wr32(d->bar + 8, 1);
	wr32(d->bar + 0xc, (uint32_t)(want >> 32));
	w8(d->bar + 0x14, 11);
	d->ring = page_alloc(sizeof(*d->ring));
	d->seen = 0;
	d->busy = 0;
	d->done = 0;
	w16(d->bar + 0x16, 0);
	w16(d->bar + 0x18, QUEUE);
	wr64(d->bar + 0x20, (uint64_t)d->ring->desc);
	wr64(d->bar + 0x28, (uint64_t)&d->ring->avail);
	wr64(d->bar + 0x30, (uint64_t)&d->ring->used);
	w16(d->bar + 0x1c, 1);
	w8(d->bar + 0x14, 15);
	d->sectors = rd64(d->bar + 0x2000);
	return true;
}

static void desc(volatile struct disk_ring *r, unsigned i, const void *p,
		 uint32_t len, uint16_t flags)
{
	r->desc[i].addr = (uint64_t)p;
	r->desc[i].len = len;
	r->desc[i].flags = flags;
	r->desc[i].next = (uint16_t)(i + 1);
}

void disk_start(struct disk *d, unsigned slot, uint32_t type, uint64_t sector,
		void *data, uint32_t len)
{
	volatile struct disk_ring *r = d->ring;
	unsigned i = 4 * slot;
	bool seg = type == DISK_DISCARD || type == DISK_ZEROES;

	r->req[slot].type = type;
	r->req[slot].sector = seg ? 0 : sector;
	r->req[slot].seg_sector = sector;
	r->req[slot].seg_count = len / 512;
	r->req[slot].seg_flags = type == DISK_ZEROES;   /* may unmap */
	r->req[slot].status = 0xee;
	desc(r, i++, (void *)&r->req[slot].type, seg ? 32 : 16, NEXT);
	if (!seg && type != DISK_FLUSH)
		desc(r, i++, data, len, type == DISK_IN ? NEXT | WRITE : NEXT);
	desc(r, i, (void *)&r->req[slot].status, 1, WRITE);
	r->avail.ring[r->avail.idx % QUEUE] = (uint16_t)(4 * slot);
	DSB();
	r->avail.idx++;
	d->busy++;
	d->done &= ~(1ul << slot);
}

void disk_go(struct disk *d)
{
	DSB();
	if (!(((volatile struct disk_ring *)d->ring)->used.flags & 1))
		w16(d->bar + 0x3000, 0);
}

unsigned disk_wait(struct disk *d)
{
	volatile struct disk_ring *r = d->ring;
	unsigned slot;

	while (r->used.idx == d->seen)
		__asm__ volatile("yield");
	DSB();
	slot = r->used.e[d->seen++ % QUEUE].id / 4;
	d->busy--;
	d->done |= 1ul << slot;
	return slot;
}

unsigned disk_status(const struct disk *d, unsigned slot)
{
	return ((volatile struct disk_ring *)d->ring)->req[slot].status;
}

unsigned disk_do(struct disk *d, uint32_t type, uint64_t sector, void *data,
		 uint32_t len)
{
	disk_start(d, 0, type, sector, data, len);
	disk_go(d);
	disk_wait(d);
	return disk_status(d, 0);
}
