/* t_vmapple.c: what only the vmapple board has: CONFIG, BDIF, the AES engine,
 * AVP-RTC, Apple's virtio-blk, hypercalls. spec/vmapple.md.
 *
 * Wants --ecid 0x1122334455667788, a root disk of 3 MiB and an auxiliary store
 * of VZ's size; writes to both. */
#include "guest.h"

static bool on_kvm;

static void zero(void *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		((volatile uint8_t *)p)[i] = 0;
}

static void fill(uint8_t *p, unsigned n, unsigned seed)
{
	for (unsigned i = 0; i < n; i++)
		((volatile uint8_t *)p)[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

static bool same(const uint8_t *a, const uint8_t *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (((volatile const uint8_t *)a)[i] !=
		    ((volatile const uint8_t *)b)[i])
			return false;
	return true;
}

/* ---- CONFIG (section 2) ---------------------------------------------------- */

#define CONFIG 0x00400000ul

static bool text_at(uint64_t at, const char *want)
{
	for (;; at++, want++) {
		if (*(volatile char *)at != *want)
			return false;
		if (!*want)
			return true;
	}
}

static void test_config(void)
{
	CHECK_EQ(rd32(CONFIG), 2);
	CHECK_EQ(rd32(CONFIG + 4), cpu_count());
	CHECK_EQ(rd32(CONFIG + 0x10), 0x20);
	CHECK_EQ(rd64(CONFIG + 0x18), 0x1122334455667788);
	CHECK_EQ(rd64(CONFIG + 0x20), 256 << 20);
	CHECK_EQ(rd32(CONFIG + 0x28) | rd32(CONFIG + 0x34), 0);
	CHECK_EQ(rd32(CONFIG + 0x100), 0);
	CHECK_EQ(rd32(CONFIG + 0x300), 0);
	CHECK(text_at(CONFIG + 0x500, "1234"));
	CHECK(text_at(CONFIG + 0x520, "D/A"));
	CHECK(text_at(CONFIG + 0x540, "VM0001"));
	CHECK(text_at(CONFIG + 0x584, "Apple M1 (Virtual)"));
	CHECK(text_at(CONFIG + 0x380, "1234"));
	/* plain RAM */
	wr32(CONFIG + 0x1000, 0x12345678);
	wr32(CONFIG + 0xfffc, 0x9abcdef0);
	CHECK_EQ(rd32(CONFIG + 0x1000), 0x12345678);
	CHECK_EQ(rd32(CONFIG + 0xfffc), 0x9abcdef0);
}

/* ---- BDIF (section 3) ------------------------------------------------------ */

#define BDIF 0x30000000ul
#define ROOT (BDIF + 0x00000)
#define AUX (BDIF + 0x10000)
#define USB (BDIF + 0x100000)

static struct {
	struct { uint64_t addr; uint32_t len, flags; } d[3];
	uint32_t type, reserved;
	uint64_t sector;
	uint64_t status;
} req __attribute__((aligned(16)));

static uint8_t *buf, *buf2;

static unsigned bdif(uint64_t dev, uint64_t sector, void *data, uint32_t len,
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

#define READ_FLAGS 0x30001
#define WRITE_FLAGS 0x10001

static void test_bdif(void)
{
	static const struct { uint64_t at, sectors; } disk[2] = {
		{ ROOT, 6144 }, { AUX, 0x10000 },
	};

	for (unsigned i = 0; i < 2; i++) {
		uint64_t at = disk[i].at, end = disk[i].sectors;

		CHECK_EQ(rd32(at), 1);
		CHECK_EQ(rd32(at + 4), 2);
		CHECK_EQ(rd32(at + 8), 0x420);
		CHECK_EQ(rd32(at + 0x400), 1);
		CHECK_EQ(rd64(at + 0x420), end);
		CHECK_EQ(rd32(at + 0x438), 0xffffffff);
		fill(buf, 4096, 0x11 + i);
		CHECK_EQ(bdif(at, 8, buf, 4096, WRITE_FLAGS), 0);
		zero(buf2, 4096);
		CHECK_EQ(bdif(at, 8, buf2, 4096, READ_FLAGS), 0);
		CHECK(same(buf, buf2, 4096));
		CHECK_EQ(bdif(at, 9, buf2, 100, READ_FLAGS), 0);
		CHECK(same(buf + 512, buf2, 100));
		CHECK_EQ(bdif(at, end - 1, buf2, 512, READ_FLAGS), 0);
		CHECK_EQ(bdif(at, end - 1, buf2, 1024, READ_FLAGS), 1);
		CHECK_EQ(bdif(at, end, buf2, 0, READ_FLAGS), 0);
		CHECK_EQ(bdif(at, 1ul << 32, buf2, 512, READ_FLAGS), 1);
		CHECK_EQ(bdif(at, 0, buf2, 512, 0x70001), 1);
		CHECK_EQ(bdif(at, 0, (void *)0x2000, 512, READ_FLAGS), 1);
	}
	wr64(ROOT + 0x408, 0x2000);     /* no request there: nothing happens */
	/* a big one, into two kinds of RAM */
	fill(buf, 1 << 20, 3);
	CHECK_EQ(bdif(ROOT, 100, buf, 1 << 20, WRITE_FLAGS), 0);
	CHECK_EQ(bdif(ROOT, 100, buf2, 1 << 20, READ_FLAGS), 0);
	CHECK(same(buf, buf2, 1 << 20));
	CHECK_EQ(bdif(ROOT, 100, (void *)0x180000, 4096, READ_FLAGS), 0);
	CHECK(same(buf, (uint8_t *)0x180000, 4096));
	/* absent ones, and the USB port with nobody on it */
	CHECK_EQ(rd32(BDIF + 0x20000), 0);
	CHECK_EQ(rd32(BDIF + 0x110000), 0);
	CHECK_EQ(rd32(USB), 1);
	CHECK_EQ(rd32(USB + 4), 0x1a01);
	wr32(USB + 0x400, 1);
	CHECK_EQ(rd32(USB + 0x400), 1);
	CHECK_EQ(rd32(USB + 0x10), 0);
	wr32(USB + 0x404, 0);
	CHECK_EQ(rd32(USB + 0x404), 0);
}

/* ---- AES (section 4) ------------------------------------------------------- */

#define AES 0x30220000ul

static void aes(uint32_t w)
{
	wr32(AES + 0x200, w);
}

static void aes_key(unsigned ctx, unsigned bytes, unsigned mode, unsigned enc)
{
	aes(1u << 28 | ctx << 27 | (bytes / 8 - 2) << 22 | enc << 20 |
	    mode << 16);
	for (unsigned i = 0; i < bytes; i += 4)
		aes((i + 3) << 24 | (i + 2) << 16 | (i + 1) << 8 | i);
}

static void aes_iv(unsigned ctx, uint32_t w)
{
	aes(2u << 28 | ctx << 26);
	for (unsigned i = 0; i < 4; i++)
		aes(w);
}

static void aes_data(unsigned key, unsigned iv, void *src, void *dst,
		     uint32_t len)
{
	DSB();
	aes(5u << 28 | key << 27 | iv << 25 | len);
	aes(0);
	aes((uint32_t)(uint64_t)src);
	aes((uint32_t)(uint64_t)dst);
	DSB();
}

static bool first_is(const uint8_t *p, uint64_t hi, uint64_t lo)
{
	uint64_t a = 0, b = 0;

	for (unsigned i = 0; i < 8; i++) {
		a = a << 8 | p[i];
		b = b << 8 | p[i + 8];
	}
	return a == hi && b == lo;
}

static volatile unsigned irq_seen, irq_id;

static void on_irq(struct trap *t, int kind)
{
	irq_id = (unsigned)READ(s3_0_c12_c12_0);        /* ICC_IAR1_EL1 */
	irq_seen++;
	wr32(AES + 0x18, 0xffffffff);
	DSB();
	WRITE(s3_0_c12_c12_1, irq_id);                  /* ICC_EOIR1_EL1 */
}

static void test_aes_vectors(void)
{
	static const struct { unsigned bytes; uint64_t v[2][2]; } want[] = {
		{ 16, { { 0x0a940bb5416ef045, 0xf1c39458c653ea5a },
			{ 0x6bf6054059a012cc, 0x83cb164937031805 } } },
		{ 24, { { 0x0060bffe46834bb8, 0xda5cf9a61ff220ae },
			{ 0x575d4d79e1661578, 0x12daee335b57a752 } } },
		{ 32, { { 0x5a6e045708fb7196, 0xf02e553d02c3a692 },
			{ 0xb8dcf1e271219cc1, 0x0a531686509c6bfa } } },
	};
	static const uint64_t builtin[3][2] = {
		{ 0xf2258e225d794572, 0x393a6484cfced7cf },
		{ 0xe8a47005ad612e0a, 0x911e972db5cecb9e },
		{ 0x7ff7fb5ed432ec0c, 0xe2742df8f7260af8 },
	};

	for (unsigned i = 0; i < 48; i++)
		((volatile uint8_t *)buf)[i] = (uint8_t)i;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned ctx = 0; ctx < 2; ctx++)
			for (unsigned mode = 0; mode < 2; mode++) {
				const uint64_t *v = want[i].v[mode];

				aes_key(ctx, want[i].bytes, mode, 1);
				aes_iv(2, 0x11223344);
				aes_data(ctx, 2, buf, buf2, 48);
				CHECK(first_is(buf2, v[0], v[1]));
				aes_key(ctx, want[i].bytes, mode, 0);
				aes_iv(2, 0x11223344);
				aes_data(ctx, 2, buf2, buf2, 48);
				CHECK(same(buf, buf2, 48));
			}
	for (unsigned i = 0; i < 3; i++) {
		aes(1u << 28 | (i + 1) << 24 | 1 << 20);
		aes_data(0, 0, buf, buf2, 16);
		CHECK(first_is(buf2, builtin[i][0], builtin[i][1]));
	}
	CHECK_EQ(rd32(AES + 0x18), 0);
}

static void test_aes_contexts(void)
{
	/* two keys with their own direction; CBC goes on where it stopped */
	aes_key(0, 16, 1, 1);
	aes_key(1, 16, 1, 0);
	aes_iv(1, 0x11223344);
	aes_iv(3, 0x11223344);
	aes_iv(0, 0xffffffff);
	for (unsigned i = 0; i < 48; i += 16)
		aes_data(0, 1, buf + i, buf2 + i, 16);
	CHECK(first_is(buf2, 0x6bf6054059a012cc, 0x83cb164937031805));
	CHECK(first_is(buf2 + 32, 0xea72837e3d4b19e1, 0x9bb1ffe0d2000ec9));
	aes_data(1, 3, buf2, buf2 + 64, 48);
	CHECK(same(buf, buf2 + 64, 48));
	aes(6u << 28 | 1 << 26);                        /* STORE_IV */
	aes((uint32_t)(uint64_t)(buf2 + 256));
	DSB();
	CHECK(same(buf2 + 32, buf2 + 256, 16));
	aes(6u << 28 | 0 << 26);
	aes((uint32_t)(uint64_t)(buf2 + 256));
	DSB();
	CHECK(first_is(buf2 + 256, ~0ul, ~0ul));
}

static void test_aes_errors(void)
{
	static const uint8_t unknown[] = { 0, 3, 4, 7, 9, 12, 15 };

	for (unsigned i = 0; i < sizeof(unknown); i++) {
		wr32(AES + 0x18, ~0u);
		aes((uint32_t)unknown[i] << 28);
		CHECK_EQ(rd32(AES + 0x18), 4);
		aes(8u << 28 | i);
		CHECK_EQ(rd32(AES + 0x30), i);
	}
	wr32(AES + 0x18, ~0u);
	aes_key(0, 16, 0, 1);
	aes_data(0, 0, buf, buf2, 15);
	CHECK_EQ(rd32(AES + 0x18), 1 << 6);
	aes_data(0, 0, (void *)0x2000, buf2, 16);
	CHECK_EQ(rd32(AES + 0x18), 1 << 6 | 1 << 3);
	aes_data(0, 0, buf, (void *)0x2000, 16);
	CHECK_EQ(rd32(AES + 0x18), 1 << 6 | 3 << 3);
	aes(1u << 28 | 5 << 24);                        /* HDCP: no key */
	aes_data(0, 0, buf, buf2, 16);
	CHECK_EQ(rd32(AES + 0x18), 1 << 10 | 1 << 6 | 3 << 3);
	wr32(AES + 0x18, ~0u);
	CHECK_EQ(rd32(AES + 0x18), 0);
	aes_key(0, 16, 0, 1);
	aes_data(0, 0, buf, buf2, 16);
	CHECK(first_is(buf2, 0x0a940bb5416ef045, 0xf1c39458c653ea5a));
	CHECK_EQ(rd32(AES + 0x24) & 0xff0f, 2);         /* empty */
	CHECK_EQ(rd32(AES + 0x10000), 0);               /* straps */
}

/* As drivers use it: a long job, FLAG at its end, the interrupt. */
static void test_aes_long(void)
{
	trap_fn *old = trap_handler;
	unsigned n = 1 << 20;

	trap_handler = on_irq;
	gic_enable(0, 50, 0x80, true);
	wr32(AES + 0x1c, 1 << 5);
	irq_on();
	fill(buf, n, 0x42);
	for (unsigned back = 0; back < 2; back++) {
		irq_seen = 0;
		aes_key(back, 32, 1, !back);
		aes_iv(back, 0x55aa1234);
		aes_data(back, back, back ? buf2 : buf, buf2, n);
		aes(8u << 28 | 1 << 27 | (0x70 + back));
		while (!irq_seen)
			__asm__ volatile("wfi");
		CHECK_EQ(irq_seen, 1);
		CHECK_EQ(irq_id, 50);
		CHECK_EQ(rd32(AES + 0x30), 0x70 + back);
	}
	irq_off();
	CHECK(same(buf, buf2, n));
	wr32(AES + 0x1c, 0);
	trap_handler = old;
}

/* ---- AVP-RTC (1.9) --------------------------------------------------------- */

#define RTC 0x30240000ul

static void test_rtc(void)
{
	uint64_t t0 = rd64(RTC), c0 = now(), t1, c1;

	CHECK_EQ(rd64(RTC + 0x40), 0xf001);
	CHECK(t0 > 1600000000ul * 1000000);     /* after 2020 */
	do
		c1 = now();
	while (c1 - c0 < READ(cntfrq_el0) / 20);
	t1 = rd64(RTC);
	CHECK(t1 - t0 >= 45000);                /* it ran for 50 ms */
	wr64(RTC + 0x38, 0x00fffffffffffffful);
	wr64(RTC + 0x20, 6);
	CHECK_EQ(rd64(RTC + 0x20), 6);
	CHECK_EQ(rd64(RTC + 0x30), 0);
	wr64(RTC + 0x20, 0);
}

/* ---- GFX: absent (6.3) ----------------------------------------------------- */

static void test_gfx(void)
{
	wr64(0x30201210, 0x70000000);
	CHECK_EQ(rd32(0x30201034), 0);
	CHECK_EQ(rd64(0x30201210), 0);
	CHECK_EQ(rd32(0x30211000), 0);
}

/* ---- Apple's virtio-blk (section 5) ---------------------------------------- */

#define ECAM 0x40000000ul

struct vring {
	struct { uint64_t addr; uint32_t len; uint16_t flags, next; } desc[8];
	struct { uint16_t flags, idx, ring[8]; } avail;
	struct { uint16_t flags, idx; struct { uint32_t id, len; } e[8]; } used
		__attribute__((aligned(16)));
	struct { uint32_t type, reserved; uint64_t sector; } head;
	uint8_t status;
} __attribute__((aligned(64)));

static struct vring rings[2];
static uint64_t bars[2];
static unsigned slots[2];

static void w16(uint64_t a, uint16_t v) { *(volatile uint16_t *)a = v; }
static void w8(uint64_t a, uint8_t v) { *(volatile uint8_t *)a = v; }
static uint8_t r8(uint64_t a) { return *(volatile uint8_t *)a; }

static void blk_open(unsigned role, unsigned slot)
{
	uint64_t cfg = ECAM + slot * 0x8000ul, bar = 0x50000000 + slot * 0x10000ul;
	struct vring *r = &rings[role - 1];

	wr32(cfg + 0x20, (uint32_t)bar);
	wr32(cfg + 0x24, 0);
	w16(cfg + 4, 6);
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
	CHECK_EQ(rd32(bar + 0x203c), role);
	bars[role - 1] = bar;
	slots[role - 1] = slot;
}

/* One request; data may be NULL. Returns status, used length in *used. */
static unsigned blk(unsigned disk, uint32_t type, uint64_t sector, void *data,
		    uint32_t len, bool in, uint32_t *used)
{
	volatile struct vring *r = &rings[disk];
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
	w16(bars[disk] + 0x3000, 0);
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

static void test_blk(void)
{
	unsigned found = 0;
	uint32_t used;

	for (unsigned slot = 1; slot < 32; slot++)
		if (rd32(ECAM + slot * 0x8000ul) == 0x1a00106b) {
			CHECK_EQ(rd32(ECAM + slot * 0x8000ul + 8), 0x01000001);
			CHECK_EQ(rd32(ECAM + slot * 0x8000ul + 0x2c),
				 0x11001af4);
			CHECK(++found <= 2);
			/* in the order of the command line: root, aux */
			if (found <= 2)
				blk_open(found, slot);
		}
	CHECK_EQ(found, 2);
	if (found != 2)
		return;
	CHECK_EQ(rd64(bars[0] + 0x2000), 6144);
	CHECK_EQ(rd64(bars[1] + 0x2000), 0x10000);
	for (unsigned d = 0; d < 2; d++) {
		uint64_t back = d ? AUX : ROOT;
		unsigned intid = 64 + slots[d] % 16;

		/* what BDIF wrote, and the other way round */
		fill(buf, 4096, 0x11 + d);
		zero(buf2, 4096);
		CHECK_EQ(blk(d, 0, 8, buf2, 4096, true, &used), 0);
		CHECK_EQ(used, 4097);
		CHECK(same(buf, buf2, 4096));
		fill(buf, 1024, 0xc0 + d);
		CHECK_EQ(blk(d, 1, 40, buf, 1024, false, &used), 0);
		CHECK_EQ(used, 1);
		zero(buf2, 1024);
		CHECK_EQ(bdif(back, 40, buf2, 1024, READ_FLAGS), 0);
		CHECK(same(buf, buf2, 1024));
		/* the barrier: OK, buffers left alone, any sector */
		fill(buf2, 512, 0x33);
		fill(buf, 512, 0x33);
		CHECK_EQ(blk(d, 0x10000, ~0ul, buf2, 512, true, &used), 0);
		CHECK_EQ(used, 513);
		CHECK(same(buf, buf2, 512));
		CHECK_EQ(blk(d, 0x10000, 0, 0, 0, false, &used), 0);
		CHECK_EQ(used, 1);
		CHECK_EQ(blk(d, 0x10001, 0, 0, 0, false, 0), 2);
		CHECK_EQ(blk(d, 4, 0, 0, 0, false, 0), 0);
		CHECK_EQ(blk(d, 8, 0, buf2, 20, true, 0), 0);
		/* INTx is slot + pin mod 16; reading ISR lowers it */
		CHECK(rd32(GICD + 0x200 + 4 * (intid / 32)) >> intid % 32 & 1);
		CHECK(r8(bars[d] + 0x1000) & 1);
		CHECK(!(rd32(GICD + 0x200 + 4 * (intid / 32)) >> intid % 32 &
			1));
	}
}

/* ---- hypercalls and PAuth (9.2, 9.3) --------------------------------------- */

struct call { uint64_t x[6]; };

static struct call hvc(uint64_t fn, uint64_t a, uint64_t b)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = 0x3333;
	register uint64_t x4 __asm__("x4") = 0x4444;
	register uint64_t x5 __asm__("x5") = 0x5555;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			 "+r"(x4), "+r"(x5) : : "memory");
	return (struct call){ { x0, x1, x2, x3, x4, x5 } };
}

/* PACIA x0, x1: fixed registers, for the assembler does not know them. */
static uint64_t sign(uint64_t p, uint64_t m, bool b)
{
	register uint64_t x0 __asm__("x0") = p;
	register uint64_t x1 __asm__("x1") = m;

	if (b)
		__asm__ volatile(".inst 0xdac10420" : "+r"(x0) : "r"(x1));
	else
		__asm__ volatile(".inst 0xdac10020" : "+r"(x0) : "r"(x1));
	return x0;
}

static uint64_t auth(uint64_t p, uint64_t m)
{
	register uint64_t x0 __asm__("x0") = p;
	register uint64_t x1 __asm__("x1") = m;

	__asm__ volatile(".inst 0xdac11020" : "+r"(x0) : "r"(x1));
	return x0;
}

static void bad_auth(void *p)
{
	auth(*(uint64_t *)p ^ 1ul << 54, 5);
}

static volatile uint64_t other_sign, other_done;

static void on_other_cpu(unsigned cpu)
{
	WRITE(tcr_el1, 17 | 17ul << 16);
	WRITE(sctlr_el1, READ(sctlr_el1) | 1ul << 31 | 1ul << 30);
	ISB();
	hvc(0xc1000000, 0, 0);
	other_sign = sign(0x123456789abc, 5, false);
	other_done = 1;
	DSB();
	hvc(0xc3000006, 0, 0);                  /* kick CPU 0 */
}

static void test_hvc(void)
{
	struct call r = hvc(0xc1000000, 1, 2);
	uint64_t p = 0x123456789abc, s, sb;

	CHECK_EQ(r.x[0], 0);
	CHECK_EQ(r.x[4], 0x4444);
	r = hvc(0xc1000001, 1, 2);
	CHECK_EQ(r.x[0], 0);
	CHECK_EQ(r.x[2], 0xfeedfacefeedfacf);
	CHECK_EQ(r.x[3], 0xfeedfacefeedfad3);
	CHECK_EQ(r.x[5], 0x5555);
	r = hvc(0xc10000f0, 1, 2);
	CHECK_EQ(r.x[0], 0);
	r = hvc(0x8300ff01, 1, 2);
	CHECK_EQ(r.x[0], 0x9cbb6ebb);
	CHECK_EQ(r.x[1], 0x9dc9d679);
	CHECK_EQ(r.x[3], 0x3b878185);
	CHECK_EQ(r.x[4], 0x4444);
	CHECK_EQ(hvc(0x8300feff, 0xc3000005, 0).x[0], 0);
	CHECK_EQ(hvc(0xc3ff0000, 0, 0).x[0], ~0ul);

	WRITE(tcr_el1, 17 | 17ul << 16);
	WRITE(sctlr_el1, READ(sctlr_el1) | 1ul << 31 | 1ul << 30);
	ISB();
	s = sign(p, 5, false);
	sb = sign(p, 5, true);
	CHECK(s != p && sb != p && s != sb);
	CHECK_EQ(auth(s, 5), p);
	CHECK(catch_trap(bad_auth, &s) >> 26 == 0x1c);          /* FPAC */
	/* another process: A at EL1 stays, B is the kernel's to change */
	CHECK_EQ(hvc(0xc1000004, 0x1111, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK_EQ(hvc(0xc1000003, 0x2222, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK(sign(p, 5, true) != sb);
	CHECK_EQ(hvc(0xc1000005, 1, 0x1111).x[0], 0);
	CHECK(sign(p, 5, false) != s);
	CHECK_EQ(hvc(0xc1000005, 0, 0x1111).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	/* all CPUs alike; and a kick that a waiting CPU gets */
	CHECK(cpu_start(1, on_other_cpu));
	while (!other_done)
		hvc(0xc3000005, 0, 0);
	CHECK_EQ(other_sign, s);
}

void guest_main(uint64_t dtb)
{
	on_kvm = guest_told(dtb, "kvm");
	buf = page_alloc(1 << 20);
	buf2 = page_alloc(1 << 20);
	mmu_on();
	gic_init(0);
	test_config();
	test_bdif();
	test_aes_vectors();
	test_aes_contexts();
	test_aes_errors();
	test_aes_long();
	test_rtc();
	test_gfx();
	test_blk();
	mmu_off();
	if (!on_kvm)
		test_hvc();
}
