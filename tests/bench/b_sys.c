/* b_sys.c: what operating systems ask of a machine beside computing: system
 * calls, page tables, faults, new code, devices, interrupts. Bare metal, EL1
 * with a little EL0, MMU on, one CPU. */
#include "bench.h"

volatile uint64_t sink;
static uint8_t *buf;                    /* 4 MiB */

/* SMALL pages of 4 KiB at VA, not global, as a process has them. */
#define VA 0x80000000ul
enum { SMALL = 16384, TABLES = SMALL / 512 };
static uint64_t l2[512] __attribute__((aligned(4096)));
static uint64_t l3[TABLES * 512] __attribute__((aligned(4096)));

static volatile uint64_t *small_page(uint64_t i)
{
	return (volatile uint64_t *)(VA + i * 4096 + (i & 63) * 8);
}

static void make_small(void)
{
	uint64_t *l1 = (uint64_t *)(READ(ttbr0_el1) & ~0xffful);
	uint64_t pa = ((uint64_t)buf + (32ul << 20)) & ~0xffful;

	for (uint64_t i = 0; i < SMALL; i++)
		l3[i] = (pa + i * 4096) | PTE_NORMAL | PTE_NG | PTE_PXN | PTE_UXN;
	for (uint64_t i = 0; i < TABLES; i++)
		l2[i] = (uint64_t)(l3 + i * 512) | 3;
	l1[VA >> 30] = (uint64_t)l2 | 3;
	tlbi_all();
	/* so that nobody's host is measured giving it memory */
	for (uint64_t i = 0; i < SMALL; i++)
		*small_page(i) = i;
}

/* ---- exceptions ---------------------------------------------------------- */

/* SVC from EL0 to a handler that tells it from a fault and returns. */
static void syscall_end(struct trap *t, int kind) { leave_el0(0); }
static void b_syscall(unsigned div)
{
	static const uint32_t user[] = {
		0xd4000001,                     /* 1: svc #0 */
		0xf1000400,                     /* subs x0, x0, #1 */
		0x54ffffc1,                     /* b.ne 1b */
		0xd4200000,                     /* brk #0 */
	};
	uint64_t old = READ(vbar_el1);
	uint32_t *v = (uint32_t *)buf, *code = (uint32_t *)window;

	for (unsigned i = 0; i < 4; i++)
		code[i] = user[i];
	sync_code(code, sizeof(user));
	*window_pte(0) |= PTE_USER | PTE_RO;
	tlbi_all();
	for (unsigned i = 0; i < 0x800 / 4; i++)
		v[i] = ((uint32_t *)old)[i];
	v += 0x400 / 4;
	*v++ = 0xd5385209;                      /* mrs x9, esr_el1 */
	*v++ = 0xd35afd29;                      /* lsr x9, x9, #26 */
	*v++ = 0xf100553f;                      /* cmp x9, #0x15 */
	*v++ = 0x54000041;                      /* b.ne 1f */
	*v++ = 0xd69f03e0;                      /* eret */
	/* 1: to the vector that was there: b old + 0x400 */
	*v = 0x14000000 | (((old + 0x400 - (uint64_t)v) >> 2) & 0x3ffffff);
	sync_code(buf, 0x800);
	trap_handler = syscall_end;
	WRITE(vbar_el1, buf);
	ISB();
	run_el0((uint64_t)code, 0, 2000000 / div);
	WRITE(vbar_el1, old);
	ISB();
	*window_pte(0) = (uint64_t)window | PTE_NORMAL;
	tlbi_all();
}

/* A first touch of each page traps to a handler that maps it. */
static void fault_map(struct trap *t, int kind)
{
	uint64_t i = (t->far - VA) / 4096;

	l3[i] |= 1;
	__asm__ volatile("dsb ishst\n\tisb" : : : "memory");
}
static void b_fault(unsigned div)
{
	trap_handler = fault_map;
	for (unsigned r = 0; r < 400 / (div > 20 ? 20 : div); r++) {
		for (unsigned i = 0; i < 512; i++)
			l3[i] &= ~1ul;
		__asm__ volatile("dsb ishst\n\ttlbi aside1is, %0\n\tdsb ish\n\tisb"
				 : : "r"(0ul) : "memory");
		for (unsigned i = 0; i < 512; i++)
			*small_page(i) = i;
	}
}

/* An interrupt that this CPU sends itself. */
static void irq_ack(struct trap *t, int kind)
{
	uint64_t id = READ(s3_0_c12_c12_0);             /* ICC_IAR1_EL1 */

	WRITE(s3_0_c12_c12_1, id);                      /* ICC_EOIR1_EL1 */
	sink++;
}
static void b_irq(unsigned div)
{
#ifdef BOARD_VIRT
	enum { DIST = 0x08000000, REDIST = 0x080a0000 };
#else
	enum { DIST = GICD, REDIST = GICR };
#endif
	wr32(DIST, 0x13);
	wr32(REDIST + 0x14, 0);
	while (rd32(REDIST + 0x14) & 4)
		;
	wr32(REDIST + 0x10080, 0xffffffff);
	wr32(REDIST + 0x10100, 1 << 1);                 /* SGI 1 */
	WRITE(s3_0_c12_c12_5, 7);
	ISB();
	WRITE(s3_0_c4_c6_0, 0xf8);
	WRITE(s3_0_c12_c12_7, 1);
	ISB();
	trap_handler = irq_ack;
	irq_on();
	for (unsigned i = 0; i < 200000 / div; i++) {
		uint64_t before = sink;

		WRITE(s3_0_c12_c11_5, 1ul << 24 | 1);   /* ICC_SGI1R_EL1 */
		while (sink == before)
			;
	}
	irq_off();
}

static void b_mmio(unsigned div)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 500000 / div; i++)
		sum += rd32(UART_BASE + UART_FR);
	sink += sum;
}

/* ---- translation ----------------------------------------------------------- */

/* one word of each page, in order: 32 MiB in 4 KiB pages */
static void b_tlb(unsigned div)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < 60 / (div > 30 ? 30 : div); r++)
		for (uint64_t i = 0; i < 8192; i++)
			sum += *small_page(i);
	sink += sum;
}

/* and without order, in 64 MiB */
static void b_tlb_random(unsigned div)
{
	uint64_t sum = 0, x = 1;

	for (unsigned i = 0; i < 1000000 / div; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		sum += *small_page(x >> 50);
	}
	sink += sum;
}

/* 32 MiB in blocks of 2 MiB, as a kernel maps RAM */
static void b_tlb_block(unsigned div)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < 60 / (div > 30 ? 30 : div); r++)
		for (uint64_t i = 0; i < 8192; i++)
			sum += *(volatile uint64_t *)(buf + (32ul << 20) + i * 4096 + (i & 63) * 8);
	sink += sum;
}

/* a page's mapping changes, and it is used: copy on write, unmap, migrate */
static void b_tlbi(unsigned div)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < 600 / (div > 30 ? 30 : div); r++)
		for (uint64_t i = 0; i < 512; i++) {
			l3[i] ^= PTE_RO;
			__asm__ volatile("dsb ishst\n\ttlbi vae1is, %0\n\tdsb ish"
					 : : "r"(VA / 4096 + i) : "memory");
			sum += *small_page(i);
		}
	sink += sum;
}

/* all goes, and a working set of 64 pages comes back */
static void b_flush(unsigned div)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < 8000 / div; r++) {
		__asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
		for (uint64_t i = 0; i < 64; i++)
			sum += *small_page(i * 3);
	}
	sink += sum;
}

/* another process: another ASID, 64 pages each; eight take turns */
static void b_switch(unsigned div)
{
	uint64_t sum = 0, ttbr = READ(ttbr0_el1) & ((1ul << 48) - 1);

	for (uint64_t r = 0; r < 16000 / div; r++) {
		WRITE(ttbr0_el1, ttbr | (r & 7) << 48);
		ISB();
		for (uint64_t i = 0; i < 64; i++)
			sum += *small_page((r & 7) * 64 + i);
	}
	WRITE(ttbr0_el1, ttbr);
	ISB();
	sink += sum;
}

/* ---- new code ------------------------------------------------------------------ */

static void fill_code(uint32_t *p, unsigned words, uint32_t seed)
{
	for (unsigned k = 0; k < words - 1; k++)
		p[k] = 0x91000400 | ((seed + k) & 7) << 10;     /* add x0, x0, #n */
	p[words - 1] = 0xd65f03c0;                              /* ret */
}

/* written, run ten times, written again */
static void b_smc(unsigned div)
{
	uint32_t *p = (uint32_t *)(buf + 65536);

	for (uint32_t i = 0; i < 20000 / div; i++) {
		fill_code(p, 17, i);
		sync_code(p, 68);
		for (int r = 0; r < 10; r++)
			sink += ((uint64_t(*)(uint64_t))(uint64_t)p)(i);
	}
}

/* a program of 1 MiB is loaded and most of it runs once */
static void b_cold(unsigned div)
{
	enum { WORDS = 64, FUNCS = (1 << 20) / 4 / WORDS };
	uint32_t *p = (uint32_t *)(buf + (1 << 20));

	for (uint32_t r = 0; r < 8 / (div > 8 ? 8 : div); r++) {
		for (unsigned f = 0; f < FUNCS; f++)
			fill_code(p + f * WORDS, WORDS, r + f);
		sync_code(p, 1 << 20);
		for (unsigned f = 0; f < FUNCS; f++)
			sink += ((uint64_t(*)(uint64_t))(uint64_t)(p + f * WORDS))(f);
	}
}

void guest_main(uint64_t dtb)
{
	static const struct program programs[] = {
		{ "syscall", b_syscall, 0 },
		{ "fault", b_fault, 0 },
		{ "irq", b_irq, 0 },
		{ "mmio", b_mmio, 0 },
		{ "tlb", b_tlb, 0 },
		{ "tlb-random", b_tlb_random, 0 },
		{ "tlb-block", b_tlb_block, 0 },
		{ "tlbi-page", b_tlbi, 0 },
		{ "tlbi-all", b_flush, 0 },
		{ "asid", b_switch, 0 },
		{ "smc", b_smc, 0 },
		{ "cold", b_cold, 0 },
	};

	mmu_on();
	buf = page_alloc(4 << 20);
	make_small();
	b_serve(programs, sizeof(programs) / sizeof(programs[0]));
}
