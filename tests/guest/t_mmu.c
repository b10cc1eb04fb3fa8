/* t_mmu.c: translation as a kernel uses it: faults, permissions, TLB
 * maintenance, EL0, PAN, AT; all three granules. */
#include "guest.h"

static void do_load(void *a) { (void)*(volatile uint64_t *)a; }
static void do_store(void *a) { *(volatile uint64_t *)a = 0x55; }
static void do_store_cross(void *a)
{
	__asm__ volatile("str %1, [%0]" : : "r"((char *)a + 4092),
			 "r"(~0ul) : "memory");
}
static void do_call(void *a) { ((void (*)(void))a)(); }

static void flush(void *a)
{
	__asm__ volatile("dsb ishst; tlbi vaae1is, %0; dsb ish; isb"
			 : : "r"((uint64_t)a >> 12) : "memory");
}

static void test_faults(void)
{
	uint8_t *p = window + 8 * 4096;
	uint64_t *pte = window_pte(8), good = *pte;

	*(volatile uint64_t *)p = 1;
	*pte = 0;
	flush(p);
	CHECK_EQ(catch_trap(do_load, p), 0x96000007);
	CHECK_EQ(last_trap.far, (uint64_t)p);
	CHECK_EQ(catch_trap(do_store, p), 0x96000047);
	*pte = good | PTE_RO;
	flush(p);
	CHECK_EQ(catch_trap(do_load, p), 0);
	CHECK_EQ(catch_trap(do_store, p), 0x9600004f);
	*pte = good & ~0x400ul;                 /* AF = 0 */
	flush(p);
	CHECK_EQ(catch_trap(do_load, p), 0x9600000b);
	*pte = good;
	flush(p);
	CHECK_EQ(*(volatile uint64_t *)p, 1);
	/* a store over the end: the second page faults, nothing is written */
	*(volatile uint32_t *)(p + 4092) = 0x11111111;
	*window_pte(9) = 0;
	flush(p + 4096);
	CHECK_EQ(catch_trap(do_store_cross, p), 0x96000047);
	CHECK_EQ(last_trap.far, (uint64_t)p + 4096);
	CHECK_EQ(*(volatile uint32_t *)(p + 4092), 0x11111111);
	*window_pte(9) = (uint64_t)(p + 4096) | PTE_NORMAL;
	flush(p + 4096);
	CHECK_EQ(catch_trap(do_store_cross, p), 0);
	CHECK_EQ(*(volatile uint32_t *)(p + 4096), 0xffffffff);
	/* beyond 39 bits, and the disabled upper half */
	CHECK_EQ(catch_trap(do_load, (void *)(1ul << 40)), 0x96000004);
	CHECK_EQ(catch_trap(do_load, (void *)~0xffful) & ~3ul, 0x96000004);
}

static uint64_t *probe_esr;
static void trap_probe(struct trap *t, int kind)
{
	*probe_esr = t->esr;
	t->elr = t->x[30];
}
/* Calls p; a fault is at the target, so it goes back by LR. */
static void exec_probe(void *p, uint64_t *esr)
{
	trap_fn *old = trap_handler;

	probe_esr = esr;
	*esr = 0;
	trap_handler = trap_probe;
	((void (*)(void))p)();
	trap_handler = old;
}

static void test_exec(void)
{
	uint32_t *p = (uint32_t *)(window + 16 * 4096);
	uint64_t *pte = window_pte(16), good = *pte, esr;

	p[0] = 0xd65f03c0;                      /* ret */
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb"
			 : : "r"(p) : "memory");
	CHECK_EQ(catch_trap(do_call, p), 0);
	*pte = good | PTE_PXN;
	flush(p);
	exec_probe(p, &esr);
	CHECK_EQ(esr, 0x8600000f);
	*pte = good | PTE_USER;                 /* writable at EL0 */
	flush(p);
	exec_probe(p, &esr);
	CHECK_EQ(esr, 0x8600000f);
	*pte = good;
	flush(p);
	exec_probe(p, &esr);
	CHECK_EQ(esr, 0);
}

/* Remaps one page between two frames and must see the new one at once. */
static void test_remap(void)
{
	uint8_t *p = window + 20 * 4096;
	uint64_t *pte = window_pte(20);
	uint64_t a = (uint64_t)window + 21 * 4096, b = a + 4096;

	*(volatile uint64_t *)a = 0xa;
	*(volatile uint64_t *)b = 0xb;
	for (int i = 0; i < 100; i++) {
		*pte = (i & 1 ? b : a) | PTE_NORMAL;
		flush(p);
		CHECK_EQ(*(volatile uint64_t *)p, i & 1 ? 0xb : 0xa);
	}
	/* two ASIDs, not global, without any TLBI between */
	uint64_t t0 = READ(ttbr0_el1);
	*pte = a | PTE_NORMAL | PTE_NG;
	flush(p);
	WRITE(ttbr0_el1, t0 | 1ul << 48);
	ISB();
	CHECK_EQ(*(volatile uint64_t *)p, 0xa);
	WRITE(ttbr0_el1, t0 | 2ul << 48);
	ISB();
	*pte = b | PTE_NORMAL | PTE_NG;
	DSB();
	__asm__ volatile("tlbi vae1, %0; dsb sy; isb"
			 : : "r"((uint64_t)p >> 12 | 2ul << 48) : "memory");
	CHECK_EQ(*(volatile uint64_t *)p, 0xb);
	WRITE(ttbr0_el1, t0);
	ISB();
	*pte = (uint64_t)p | PTE_NORMAL;
	tlbi_all();
}

static void make_code(uint32_t *p, const uint32_t *words, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		p[i] = words[i];
		__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb"
				 : : "r"(p + i) : "memory");
	}
}

/* Code that goes on in the next page in every way that knows where that is,
 * while that page is now one frame, now another, which answer differently. */
static void test_remap_code(void)
{
	uint8_t *p = window + 24 * 4096;        /* pages 24 and 25 */
	uint64_t *pte = window_pte(25), good = *pte;
	uint8_t *frame[2] = { window + 26 * 4096, window + 27 * 4096 };
	/* the last six words of page 24: BL, B, B.EQ, CBZ, falling off; each
	 * with the target's number of words behind in page 25 */
	static const uint32_t from[] = {
		0x94000006 + 0,                 /* -6: bl +24 = word 0 */
		0x14000005 + 4,                 /* -5: b to word 4 */
		0x54000000 | (4 + 8) << 5,      /* -4: b.eq to word 8 */
		0xb400001f | (3 + 12) << 5,     /* -3: cbz xzr, word 12 */
		0xd503201f,                     /* -2: nop, and off the end: 0 */
		0xd503201f,
	};
	uint32_t *last = (uint32_t *)(p + 4096) - 6;

	make_code(last, from, 6);
	for (unsigned k = 0; k < 2; k++)
		for (unsigned w = 0; w < 16; w += 4) {
			uint32_t code[] = {
				0xd2800000 | (16 * (k + 1) + w) << 5, /* movz */
				0xd65f0140,                           /* ret x10 */
			};

			make_code((uint32_t *)frame[k] + w, code, 2);
		}
	for (unsigned i = 0; i < 40; i++) {
		uint64_t x, want = 16 * ((i & 1) + 1);

		*pte = (uint64_t)frame[i & 1] | PTE_NORMAL;
		flush(p + 4096);
		for (unsigned entry = 0; entry < 5; entry++) {
			static const uint8_t word[] = { 0, 4, 8, 12, 0 };

			__asm__ volatile("adr x10, 1f\n\tcmp xzr, xzr\n\t"
					 "br %1\n1:\tmov %0, x0"
					 : "=r"(x) : "r"(last + entry)
					 : "x0", "x10", "x30", "cc", "memory");
			CHECK_EQ(x, want + word[entry]);
		}
	}
	*pte = good;
	flush(p + 4096);
}

/* EL0 code at window page 30; each is a few words that end in SVC. */
static uint64_t el0_esr, el0_far;
static void trap_el0(struct trap *t, int kind)
{
	el0_esr = t->esr;
	el0_far = t->far;
	leave_el0(t->x[0]);
}
static uint64_t el0(const uint32_t *code, unsigned n, uint64_t x0)
{
	volatile uint32_t *p = (uint32_t *)(window + 30 * 4096);

	for (unsigned i = 0; i < n; i++)
		p[i] = code[i];
	__asm__ volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb"
			 : : "r"(p) : "memory");
	*window_pte(30) = (uint64_t)p | PTE_NORMAL | PTE_USER | PTE_RO |
			  PTE_PXN;
	*window_pte(31) = (uint64_t)(window + 31 * 4096) | PTE_NORMAL |
			  PTE_USER | PTE_UXN;
	tlbi_all();
	trap_fn *old = trap_handler;

	trap_handler = trap_el0;
	uint64_t r = run_el0((uint64_t)p, (uint64_t)window + 32 * 4096, x0);

	trap_handler = old;
	*window_pte(30) = (uint64_t)p | PTE_NORMAL;
	tlbi_all();
	return r;
}

static void test_el0(void)
{
	static const uint32_t svc[] = { 0xd2800540, 0xd4000021 };
	static const uint32_t load[] = { 0xf9400000, 0xd4000021 };
	static const uint32_t mrs[] = { 0xd5381000, 0xd4000021 };
	static const uint32_t hvc[] = { 0xd4000002, 0xd4000021 };
	static const uint32_t wfi[] = { 0xd503207f, 0xd4000021 };
	static const uint32_t cnt[] = { 0xd53be040, 0xd4000021 };

	CHECK_EQ(el0(svc, 2, 0), 42);           /* mov x0, #42; svc #1 */
	CHECK_EQ(el0_esr, 0x56000001);
	*(volatile uint64_t *)(window + 31 * 4096) = 0x77;
	CHECK_EQ(el0(load, 2, (uint64_t)window + 31 * 4096), 0x77);
	el0(load, 2, (uint64_t)window);         /* a kernel page */
	CHECK_EQ(el0_esr, 0x9200000f);
	CHECK_EQ(el0_far, (uint64_t)window);
	el0(mrs, 2, 0);                         /* SCTLR_EL1 */
	CHECK_EQ(el0_esr, 0x02000000);
	el0(hvc, 2, 0);
	CHECK_EQ(el0_esr, 0x02000000);
	WRITE(sctlr_el1, READ(sctlr_el1) & ~(1ul << 16));
	WRITE(cntkctl_el1, 0);
	ISB();
	el0(wfi, 2, 0);                         /* nTWI = 0 */
	CHECK_EQ(el0_esr & 0xfc000003, 0x04000000);
	el0(cnt, 2, 0);                         /* CNTVCT without EL0VCTEN */
	CHECK_EQ(el0_esr >> 26, 0x18);
	WRITE(cntkctl_el1, 2);
	ISB();
	el0(cnt, 2, 0);
	CHECK_EQ(el0_esr, 0x56000001);
	/* LDTR and PAN from EL1 */
	uint64_t v = 0;

	*window_pte(31) = (uint64_t)(window + 31 * 4096) | PTE_NORMAL |
			  PTE_USER | PTE_UXN;
	tlbi_all();
	__asm__ volatile("ldtr %0, [%1]" : "=r"(v)
			 : "r"(window + 31 * 4096));
	CHECK_EQ(v, 0x77);
	if (READ(id_aa64mmfr1_el1) >> 20 & 15) {
		__asm__ volatile(".inst 0xd500419f");   /* msr pan, #1 */
		CHECK_EQ(catch_trap(do_load, window + 31 * 4096), 0x9600000f);
		__asm__ volatile("ldtr %0, [%1]" : "=r"(v)
				 : "r"(window + 31 * 4096));
		__asm__ volatile(".inst 0xd500409f");
		CHECK_EQ(catch_trap(do_load, window + 31 * 4096), 0);
	}
}

static void test_at(void)
{
	__asm__ volatile("at s1e1r, %0; isb" : : "r"(window + 0x123));
	CHECK_EQ(READ(par_el1) & 0xfffffffff001, (uint64_t)window);
	__asm__ volatile("at s1e0r, %0; isb" : : "r"(window));
	CHECK_EQ(READ(par_el1) & 0x7f, 0x1f);
	__asm__ volatile("at s1e1r, %0; isb" : : "r"(1ul << 40));
	CHECK_EQ(READ(par_el1) & 0x7f, 9);
}

/* The other granules: a map of RAM by blocks, as wide as they allow. */
static void test_granule(unsigned tg0, unsigned bits)
{
	uint64_t mmfr0 = READ(id_aa64mmfr0_el1);
	unsigned per = bits - 3, block = bits + per;
	uint64_t *top, *next;

	if (tg0 == 2 ? !(mmfr0 >> 20 & 15) : (mmfr0 >> 24 & 15) == 15) {
		print("granule %d is not there\n", 1 << bits);
		return;
	}
	top = page_alloc(1ul << bits);
	next = page_alloc(1ul << bits);
	/* level 2 blocks; 36 bits of address: one or two levels above them */
	uint64_t n = 1ul << (36 - block);

	if (n > 1ul << per) {
		top[0] = (uint64_t)next | 3;
		n = 1ul << per;
	} else {
		next = top;
	}
	for (uint64_t i = 0; i < n && i << block < 1ul << 32; i++)
		next[i] = i << block |
			  (i << block >= 0x60000000 ? 0x705 : 0x401) | PTE_UXN;
	mmu_off();
	WRITE(tcr_el1, 28 | 1 << 8 | 1 << 10 | 3 << 12 |
			       (uint64_t)tg0 << 14 | 1ul << 23 | 2ul << 32);
	WRITE(ttbr0_el1, top);
	__asm__ volatile("dsb sy; tlbi vmalle1; dsb sy; isb" : : : "memory");
	WRITE(sctlr_el1, READ(sctlr_el1) | 0x1005);
	ISB();
	*(volatile uint64_t *)(window + 0x1230) = 0x1234 + tg0;
	CHECK_EQ(*(volatile uint64_t *)(window + 0x1230), 0x1234 + tg0);
	CHECK_EQ(catch_trap(do_load, (void *)(1ul << 33)) & ~3ul, 0x96000004);
	mmu_off();
	CHECK_EQ(*(volatile uint64_t *)(window + 0x1230), 0x1234 + tg0);
	mmu_on();
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	test_faults();
	test_exec();
	test_remap();
	test_remap_code();
	test_el0();
	test_at();
	test_granule(2, 14);
	test_granule(1, 16);
}
