/* t_vmapple.c: what only the vmapple board has: CONFIG, BDIF, the AES engine,
 * AVP-RTC, Apple's virtio-blk, hypercalls. spec/vmapple.md.
 *
 * Wants --ecid 0x1122334455667788, a root disk of 3 MiB and an auxiliary store
 * of VZ's size; writes to both. */
#include "apple.h"

static bool on_kvm;

/* ---- CONFIG (section 2) ---------------------------------------------------- */

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

static uint8_t *buf, *buf2;

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
	CHECK_EQ(bdif(ROOT, 100, (void *)0x408000, 512, READ_FLAGS), 0);
	CHECK(same(buf, (uint8_t *)0x408000, 512));     /* CONFIG is RAM */
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

static volatile unsigned irq_seen, irq_id;

static void on_irq(struct trap *t, int kind)
{
	irq_id = (unsigned)READ(s3_0_c12_c12_0);        /* ICC_IAR1_EL1 */
	irq_seen++;
	wr32(AES_IRQ_STATUS, 0xffffffff);
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
	CHECK_EQ(rd32(AES_IRQ_STATUS), 0);
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
	aes_store_iv(1, buf2 + 256);
	CHECK(same(buf2 + 32, buf2 + 256, 16));
	aes_store_iv(0, buf2 + 256);
	CHECK(first_is(buf2 + 256, ~0ul, ~0ul));
}

static void test_aes_errors(void)
{
	static const uint8_t unknown[] = { 0, 3, 4, 7, 9, 12, 15 };

	for (unsigned i = 0; i < sizeof(unknown); i++) {
		wr32(AES_IRQ_STATUS, ~0u);
		aes((uint32_t)unknown[i] << 28);
		CHECK_EQ(rd32(AES_IRQ_STATUS), 4);
		aes(8u << 28 | i);
		CHECK_EQ(rd32(AES_FLAG_INFO), i);
	}
	wr32(AES_IRQ_STATUS, ~0u);
	aes_key(0, 16, 0, 1);
	aes_data(0, 0, buf, buf2, 15);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 1 << 6);
	aes_data(0, 0, (void *)0x2000, buf2, 16);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 1 << 6 | 1 << 3);
	aes_data(0, 0, buf, (void *)0x2000, 16);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 1 << 6 | 3 << 3);
	aes(1u << 28 | 5 << 24);                        /* HDCP: no key */
	aes_data(0, 0, buf, buf2, 16);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 1 << 10 | 1 << 6 | 3 << 3);
	wr32(AES_IRQ_STATUS, ~0u);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 0);
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
	wr32(AES_IRQ_ENABLE, 1 << 5);
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
		CHECK_EQ(rd32(AES_FLAG_INFO), 0x70 + back);
	}
	irq_off();
	CHECK(same(buf, buf2, n));
	wr32(AES_IRQ_ENABLE, 0);
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

static bool pending(unsigned intid)
{
	return rd32(GICD + 0x200 + 4 * (intid / 32)) >> intid % 32 & 1;
}

static void test_disk(struct blk *b, uint64_t back, uint64_t sectors)
{
	uint64_t cfg = ECAM + b->slot * 0x8000ul;
	unsigned intid = blk_intid(b);
	uint32_t used;

	CHECK_EQ(rd32(cfg + 8), 0x01000001);
	CHECK_EQ(rd32(cfg + 0x2c), 0x11001af4);
	CHECK_EQ(rd64(b->bar + 0x2000), sectors);
	/* what BDIF wrote, and the other way round */
	fill(buf, 4096, 0x10 + b->role);
	zero(buf2, 4096);
	CHECK_EQ(blk(b, BLK_IN, 8, buf2, 4096, true, &used), 0);
	CHECK_EQ(used, 4097);
	CHECK(same(buf, buf2, 4096));
	fill(buf, 1024, 0xc0 + b->role);
	CHECK_EQ(blk(b, BLK_OUT, 40, buf, 1024, false, &used), 0);
	CHECK_EQ(used, 1);
	zero(buf2, 1024);
	CHECK_EQ(bdif(back, 40, buf2, 1024, READ_FLAGS), 0);
	CHECK(same(buf, buf2, 1024));
	/* the barrier: OK, buffers left alone, any sector */
	fill(buf2, 512, 0x33);
	fill(buf, 512, 0x33);
	CHECK_EQ(blk(b, BLK_BARRIER, ~0ul, buf2, 512, true, &used), 0);
	CHECK_EQ(used, 513);
	CHECK(same(buf, buf2, 512));
	CHECK_EQ(blk(b, BLK_BARRIER, 0, 0, 0, false, &used), 0);
	CHECK_EQ(used, 1);
	CHECK_EQ(blk(b, BLK_BARRIER + 1, 0, 0, 0, false, 0), 2);
	CHECK_EQ(blk(b, BLK_FLUSH, 0, 0, 0, false, 0), 0);
	CHECK_EQ(blk(b, BLK_GET_ID, 0, buf2, 20, true, 0), 0);
	/* INTx is slot + pin mod 16; reading ISR lowers it */
	CHECK(pending(intid));
	CHECK(blk_isr(b) & 1);
	CHECK(!pending(intid));
}

static void test_blk(void)
{
	struct blk root, aux;
	bool both = blk_open(&root, BLK_ROOT) && blk_open(&aux, BLK_AUX);

	CHECK(both);
	if (!both)
		return;
	/* in the order of the command line */
	CHECK(root.slot < aux.slot);
	test_disk(&root, ROOT, 6144);
	test_disk(&aux, AUX, 0x10000);
}

/* ---- hypercalls and PAuth (9.2, 9.3) --------------------------------------- */

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
	hvc(HVC_PAC_INITIAL, 0, 0);
	other_sign = sign(0x123456789abc, 5, false);
	other_done = 1;
	DSB();
	hvc(HVC_KICK, 0, 0);                  /* kick CPU 0 */
}

static void test_hvc(void)
{
	struct call r = hvc(HVC_PAC_INITIAL, 1, 2);
	uint64_t p = 0x123456789abc, s, sb;

	CHECK_EQ(r.x[0], 0);
	CHECK_EQ(r.x[4], 0x4444);
	r = hvc(HVC_PAC_DEFAULTS, 1, 2);
	CHECK_EQ(r.x[0], 0);
	CHECK_EQ(r.x[2], 0xfeedfacefeedfacf);
	CHECK_EQ(r.x[3], 0xfeedfacefeedfad3);
	CHECK_EQ(r.x[5], 0x5555);
	r = hvc(HVC_PAC_NOP, 1, 2);
	CHECK_EQ(r.x[0], 0);
	r = hvc(HVC_UID, 1, 2);
	CHECK_EQ(r.x[0], 0x9cbb6ebb);
	CHECK_EQ(r.x[1], 0x9dc9d679);
	CHECK_EQ(r.x[3], 0x3b878185);
	CHECK_EQ(r.x[4], 0x4444);
	CHECK_EQ(hvc(HVC_FEATURES, HVC_WAIT, 0).x[0], 0);
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
	CHECK_EQ(hvc(HVC_PAC_SET_EL0, 0x1111, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK_EQ(hvc(HVC_PAC_SET_B, 0x2222, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK(sign(p, 5, true) != sb);
	CHECK_EQ(hvc(HVC_PAC_EL0_AT_EL1, 1, 0x1111).x[0], 0);
	CHECK(sign(p, 5, false) != s);
	CHECK_EQ(hvc(HVC_PAC_EL0_AT_EL1, 0, 0x1111).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	/* all CPUs alike; and a kick that a waiting CPU gets */
	CHECK(cpu_start(1, on_other_cpu));
	while (!other_done)
		hvc(HVC_WAIT, 0, 0);
	CHECK_EQ(other_sign, s);
}

/* What KVM can do of it, on a host whose kernel passes the calls on: keys are
 * the architected ones, the diversifier does nothing, nobody is kicked. */
static void test_hvc_kvm(void)
{
	struct call r = hvc(0xc1000000, 1, 2);
	uint64_t p = 0x123456789abc, s, sb;

	CHECK_EQ(r.x[0], 0);
	CHECK_EQ(r.x[1], 1);
	CHECK_EQ(r.x[4], 0x4444);
	r = hvc(0xc1000001, 1, 2);
	CHECK_EQ(r.x[0], 0);
	CHECK_EQ(r.x[1], 0xfeedfacefeedfad5);
	CHECK_EQ(r.x[2], 0xfeedfacefeedfacf);
	CHECK_EQ(r.x[3], 0xfeedfacefeedfad3);
	CHECK_EQ(r.x[4], 0xfeedfacefeedfad9);
	CHECK_EQ(r.x[5], 0x5555);
	CHECK_EQ(hvc(0xc10000f0, 1, 2).x[0], 0);
	r = hvc(0x8300ff01, 1, 2);
	CHECK_EQ(r.x[0], 0x9cbb6ebb);
	CHECK_EQ(r.x[1], 0x9dc9d679);
	CHECK_EQ(r.x[3], 0x3b878185);
	CHECK_EQ(r.x[4], 0x4444);
	CHECK_EQ(hvc(0x8300feff, 0xc1000003, 0).x[0], 0);
	CHECK_EQ(hvc(0x8300feff, 0xc3000005, 0).x[0], ~0ul);
	CHECK_EQ(hvc(0xc3000006, 0, 0).x[0], ~0ul);
	CHECK_EQ(hvc(0xc3ff0000, 0, 0).x[0], ~0ul);
	CHECK_EQ(hvc(0x84000000, 0, 0).x[0], 0x10001);  /* PSCI goes on */

	WRITE(tcr_el1, 17 | 17ul << 16);
	WRITE(sctlr_el1, READ(sctlr_el1) | 1ul << 31 | 1ul << 30);
	ISB();
	s = sign(p, 5, false);
	sb = sign(p, 5, true);
	CHECK(s != p && sb != p && s != sb);
	CHECK_EQ(auth(s, 5), p);
	CHECK_EQ(hvc(0xc1000004, 0x1111, 0).x[0], 0);
	CHECK_EQ(hvc(0xc1000005, 1, 0x1111).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK_EQ(hvc(0xc1000003, 0x2222, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK(sign(p, 5, true) != sb);
	CHECK_EQ(hvc(0xc1000003, 0xfeedfacefeedfacf, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, true), sb);
	CHECK_EQ(hvc(0xc1000002, 0x3333, 0).x[0], 0);
	CHECK(sign(p, 5, false) != s);
	CHECK_EQ(hvc(0xc1000000, 0, 0).x[0], 0);
	CHECK_EQ(sign(p, 5, false), s);
	CHECK(cpu_start(1, on_other_cpu));
	while (!other_done)
		;
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
	else if (guest_told(dtb, "apple-hvc"))
		test_hvc_kvm();
}
