/* apple.c: see apple.h. */
#include "apple.h"

/* ---- buffers -------------------------------------------------------------- */

void zero(void *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		((volatile uint8_t *)p)[i] = 0;
}

void fill(uint8_t *p, unsigned n, unsigned seed)
{
	for (unsigned i = 0; i < n; i++)
		((volatile uint8_t *)p)[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

bool same(const uint8_t *a, const uint8_t *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (((volatile const uint8_t *)a)[i] !=
		    ((volatile const uint8_t *)b)[i])
			return false;
	return true;
}

bool first_is(const uint8_t *p, uint64_t hi, uint64_t lo)
{
	uint64_t a = 0, b = 0;

	for (unsigned i = 0; i < 8; i++) {
		a = a << 8 | p[i];
		b = b << 8 | p[i + 8];
	}
	return a == hi && b == lo;
}

bool text_at(uint64_t at, const char *want)
{
	for (;; at++, want++) {
		if (*(volatile char *)at != *want)
			return false;
		if (!*want)
			return true;
	}
}

/* ---- BDIF ------------------------------------------------------------------ */

static struct {
	struct { uint64_t addr; uint32_t len, flags; } d[3];
	uint32_t type, reserved;
	uint64_t sector;
	uint64_t status;
} req __attribute__((aligned(16)));

unsigned bdif(uint64_t dev, uint64_t sector, void *data, uint32_t len,
	      uint32_t flags)
{
	req.d[0].addr = (uint64_t)&req.type;
	req.d[0].len = 16;
	req.d[0].flags = 0x10001;
	req.d[1].addr = (uint64_t)data;
	req.d[1].len = len;
	req.d[1].flags = flags;
	req.d[2].addr = (uint64_t)&req.status;
	req.d[2].len = 1;
	req.d[2].flags = 0x20001;
	req.type = req.reserved = 0;
	req.sector = sector;
	req.status = 0xee;
	DSB();
	wr64(dev + 0x408, (uint64_t)&req);
	while (!(rd32(dev + 0x10) & 1))
		;
	return *(volatile uint8_t *)&req.status;
}

/* ---- AES ------------------------------------------------------------------- */

void aes(uint32_t w)
{
	wr32(AES + 0x200, w);
}

void aes_key(unsigned ctx, unsigned bytes, unsigned mode, unsigned enc)
{
	aes(1u << 28 | ctx << 27 | (bytes / 8 - 2) << 22 | enc << 20 |
	    mode << 16);
	for (unsigned i = 0; i < bytes; i += 4)
		aes((i + 3) << 24 | (i + 2) << 16 | (i + 1) << 8 | i);
}

void aes_iv(unsigned ctx, uint32_t w)
{
	aes(2u << 28 | ctx << 26);
	for (unsigned i = 0; i < 4; i++)
		aes(w);
}

void aes_data(unsigned key, unsigned iv, void *src, void *dst, uint32_t len)
{
	DSB();
	aes(5u << 28 | key << 27 | iv << 25 | len);
	aes(0);
	aes((uint32_t)(uint64_t)src);
	aes((uint32_t)(uint64_t)dst);
	DSB();
}

void aes_store_iv(unsigned ctx, void *dst)
{
	aes(6u << 28 | ctx << 26);
	aes((uint32_t)(uint64_t)dst);
	DSB();
}

/* ---- virtio-blk ------------------------------------------------------------ */

struct vring {
	struct { uint64_t addr; uint32_t len; uint16_t flags, next; } desc[8];
	struct { uint16_t flags, idx, ring[8]; } avail;
	struct { uint16_t flags, idx; struct { uint32_t id, len; } e[8]; } used
		__attribute__((aligned(16)));
	struct { uint32_t type, reserved; uint64_t sector; } head;
	uint8_t status;
} __attribute__((aligned(64)));

static struct vring rings[2];           /* root's, aux's */

static void w16(uint64_t a, uint16_t v) { *(volatile uint16_t *)a = v; }
static void w8(uint64_t a, uint8_t v) { *(volatile uint8_t *)a = v; }
static uint8_t r8(uint64_t a) { return *(volatile uint8_t *)a; }

static void bring_up(struct blk *b)
{
	struct vring *r = b->ring;
	uint64_t bar = b->bar;

	w8(bar + 0x14, 0);
	w8(bar + 0x14, 3);
	wr32(bar + 8, 0);
	wr32(bar + 0xc, 1 << 9);                        /* FLUSH */
	wr32(bar + 8, 1);
	wr32(bar + 0xc, 1);                             /* VERSION_1 */
	w8(bar + 0x14, 11);
	CHECK_EQ(r8(bar + 0x14), 11);
	w16(bar + 0x16, 0);
	w16(bar + 0x18, 8);
	wr64(bar + 0x20, (uint64_t)r->desc);
	wr64(bar + 0x28, (uint64_t)&r->avail);
	wr64(bar + 0x30, (uint64_t)&r->used);
	w16(bar + 0x1c, 1);
	w8(bar + 0x14, 15);
}

bool blk_open(struct blk *b, uint32_t role)
{
	for (unsigned slot = 1; slot < 32; slot++) {
		uint64_t cfg = ECAM + slot * 0x8000ul;
		uint64_t bar = 0x50000000 + slot * 0x10000ul;

		if (rd32(cfg) != APPLE_BLK)
			continue;
		wr32(cfg + 0x20, (uint32_t)bar);
		wr32(cfg + 0x24, 0);
		w16(cfg + 4, 6);
		if (rd32(bar + 0x203c) != role)
			continue;
		*b = (struct blk){ bar, slot, role, &rings[role - 1] };
		bring_up(b);
		return true;
	}
	return false;
}

unsigned blk(struct blk *b, uint32_t type, uint64_t sector, void *data,
	     uint32_t len, bool in, uint32_t *used)
{
	volatile struct vring *r = b->ring;
	uint16_t n = data ? 3 : 2, idx = r->used.idx;

	r->head.type = type;
	r->head.sector = sector;
	r->status = 0xee;
	r->desc[0].addr = (uint64_t)&r->head;
	r->desc[0].len = 16;
	r->desc[0].flags = 1;
	r->desc[0].next = 1;
	r->desc[1].addr = (uint64_t)data;
	r->desc[1].len = len;
	r->desc[1].flags = in ? 3 : 1;
	r->desc[1].next = 2;
	r->desc[n - 1].addr = (uint64_t)&r->status;
	r->desc[n - 1].len = 1;
	r->desc[n - 1].flags = 2;
	r->avail.ring[r->avail.idx % 8] = 0;
	DSB();
	r->avail.idx++;
	DSB();
	w16(b->bar + 0x3000, 0);
	for (uint64_t t = now(); r->used.idx == idx;)
		if (now() - t > 10 * READ(cntfrq_el0)) {
			CHECK(!"the disk answers");
			return 99;
		}
	DSB();
	if (used)
		*used = r->used.e[idx % 8].len;
	return r->status;
}

unsigned blk_intid(const struct blk *b)
{
	return 64 + b->slot % 16;
}

uint8_t blk_isr(const struct blk *b)
{
	return r8(b->bar + 0x1000);
}
