/* guest.c: see guest.h. Compiled for strict alignment: the MMU may be off. */
#include <stdarg.h>

#include "guest.h"

/* ---- output ---------------------------------------------------------------- */

#ifdef BOARD_VIRT
#define UART 0x09000000ul               /* QEMU's virt, for comparison */
#define RAM 0x40000000ul
#else
#define UART 0x20010000ul
#define RAM 0x70000000ul
#endif

static uint64_t uart = UART;

void guest_on_virt(void)
{
	uart = 0x09000000;
}

static void put(char ch)
{
	while (rd32(uart + 0x18) & 0x20)
		;
	wr32(uart, (uint32_t)(uint8_t)ch);
}

static void put_num(uint64_t v, unsigned base)
{
	char buf[24];
	int n = 0;

	do {
		buf[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n)
		put(buf[--n]);
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt == '\n')
			put('\r');
		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		bool wide = *++fmt == 'l';

		fmt += wide;
		uint64_t v = *fmt == 's' ? 0 : va_arg(ap, uint64_t);

		if (!wide)
			v = *fmt == 'd' ? (uint64_t)(int32_t)v : (uint32_t)v;
		switch (*fmt) {
		case 'c': put((char)v); break;
		case 'd':
			if ((int64_t)v < 0) {
				put('-');
				v = -v;
			}
			put_num(v, 10);
			break;
		case 'u': put_num(v, 10); break;
		case 'x': put_num(v, 16); break;
		case 's':
			for (const char *s = va_arg(ap, char *); *s; s++)
				put(*s);
			break;
		default: put(*fmt);
		}
	}
	va_end(ap);
}

/* ---- checks ------------------------------------------------------------------ */

/* Only CPU 0 checks: without the MMU, on real hardware, atomics need not work */
static unsigned n_checks, n_failed;

void check(bool ok, const char *text, const char *file, int line)
{
	n_checks++;
	if (ok)
		return;
	n_failed++;
	print("%s:%d: not so: %s\n", file, line, text);
}

void check_eq(uint64_t got, uint64_t want, const char *text, const char *file,
	      int line)
{
	n_checks++;
	if (got == want)
		return;
	n_failed++;
	print("%s:%d: %s is %lx, not %lx\n", file, line, text, got, want);
}

unsigned check_failures(void)
{
	return n_failed;
}

void guest_end(void)
{
	if (n_failed)
		print("FAIL %u of %u\n", n_failed, n_checks);
	else
		print("PASS %u\n", n_checks);
	psci(0x84000008, 0, 0, 0);
	for (;;)
		;
}

bool guest_told(uint64_t dtb, const char *word)
{
	const char *p = (const char *)dtb;
	uint32_t size = __builtin_bswap32(*(volatile uint32_t *)(dtb + 4));

	for (uint32_t i = 0; i < size; i++) {
		uint32_t n = 0;

		while (word[n] && i + n < size && p[i + n] == word[n])
			n++;
		if (!word[n])
			return true;
	}
	return false;
}

/* ---- traps ------------------------------------------------------------------- */

static void trap_default(struct trap *t, int kind)
{
	print("unexpected trap %d: esr %lx elr %lx far %lx spsr %lx\n", kind,
	      t->esr, t->elr, t->far, t->spsr);
	n_failed++;
	guest_end();
}

trap_fn *trap_handler = trap_default;
struct trap last_trap;
int last_kind;
static bool trap_seen;

void trap(struct trap *t, int kind);
void trap(struct trap *t, int kind)
{
	trap_handler(t, kind);
}

static void trap_catch(struct trap *t, int kind)
{
	unsigned ec = t->esr >> 26 & 63;

	for (unsigned i = 0; i < sizeof(*t) / 8; i++)
		((uint64_t *)&last_trap)[i] = ((uint64_t *)t)[i];
	last_kind = kind;
	trap_seen = true;
	if (ec != 0x15)         /* SVC returns behind itself */
		t->elr += 4;
}

uint64_t catch_trap(void (*fn)(void *), void *arg)
{
	trap_fn *old = trap_handler;

	trap_seen = false;
	trap_handler = trap_catch;
	fn(arg);
	trap_handler = old;
	return trap_seen ? last_trap.esr : 0;
}

/* ---- memory ------------------------------------------------------------------ */

extern uint8_t __heap[];
static uint64_t heap_next;

void *page_alloc(size_t bytes)
{
	if (!heap_next)
		heap_next = (uint64_t)__heap;
	uint64_t p = heap_next;

	heap_next += (bytes + 65535) & ~65535ul;
	for (uint64_t i = 0; i < bytes; i += 8)
		*(volatile uint64_t *)(p + i) = 0;
	return (void *)p;
}

uint8_t *const window = (uint8_t *)0x78000000;
static uint64_t l1[512] __attribute__((aligned(4096)));
static uint64_t l2[2][512] __attribute__((aligned(4096)));
static uint64_t l3[512] __attribute__((aligned(4096)));

uint64_t *window_pte(unsigned page)
{
	return &l3[page];
}

void tlbi_all(void)
{
	__asm__ volatile("dsb ishst; tlbi vmalle1is; dsb ish; isb"
			 : : : "memory");
}

static void make_tables(void)
{
	/* attr 0 Device-nGnRE, 1 Normal write-back */
	l1[0] = (uint64_t)l2[0] | 3;
	l1[1] = (uint64_t)l2[1] | 3;
	for (uint64_t i = 0; i < 1024; i++) {
		uint64_t pa = i << 21;
		uint64_t d = pa >= RAM ? 0x705 : 0x401 | PTE_PXN;

		l2[i >> 9][i & 511] = pa | d | PTE_UXN;
	}
	l2[1][(0x78000000 >> 21) & 511] = (uint64_t)l3 | 3;
	for (uint64_t i = 0; i < 512; i++)
		l3[i] = (0x78000000 + i * 4096) | PTE_NORMAL;
}

void mmu_on(void)
{
	if (!l1[0])
		make_tables();
	WRITE(mair_el1, 0xff04);
	/* 39 bits, 4K, inner shareable write-back; IPS 40 bits; TTBR1 off */
	WRITE(tcr_el1, 25 | 1 << 8 | 1 << 10 | 3 << 12 | 25ul << 16 |
			       1ul << 23 | 2ul << 30 | 2ul << 32);
	WRITE(ttbr0_el1, l1);
	__asm__ volatile("dsb sy; tlbi vmalle1; dsb sy; isb" : : : "memory");
	WRITE(sctlr_el1, READ(sctlr_el1) | 0x1005);
	ISB();
}

void mmu_off(void)
{
	WRITE(sctlr_el1, READ(sctlr_el1) & ~5ul);
	ISB();
	__asm__ volatile("tlbi vmalle1; dsb sy; isb" : : : "memory");
}

/* ---- CPUs -------------------------------------------------------------------- */

int64_t psci(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 : : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			     "x12", "x13", "x14", "x15", "x16", "x17",
			     "memory");
	return (int64_t)x0;
}

/* Counted in Aff0 where a Mac is to be started (spec/vmapple.md 1.3), else and
 * under KVM 16 in Aff0: only one of the two is there. */
uint64_t cpu_mpidr(unsigned index)
{
	if (index < 16 || psci(0xc4000004, index, 0, 0) >= 0)
		return index;
	return (uint64_t)(index / 16) << 8 | index % 16;
}

unsigned cpu_count(void)
{
	unsigned n = 0;

	while (n < 32 && psci(0xc4000004, cpu_mpidr(n), 0, 0) >= 0)
		n++;
	return n;
}

static void (*volatile secondary_fn[33])(unsigned);
extern uint8_t secondary_start[];

void secondary_main(uint64_t index);
void secondary_main(uint64_t index)
{
	secondary_fn[index]((unsigned)index);
}

bool cpu_start(unsigned index, void (*fn)(unsigned))
{
	secondary_fn[index] = fn;
	/* it reads this with its cache off */
	__asm__ volatile("dc civac, %0; dsb sy" : : "r"(&secondary_fn[index])
			 : "memory");
	return psci(0xc4000003, cpu_mpidr(index), (uint64_t)secondary_start,
		    index) == 0;
}

/* ---- interrupts ---------------------------------------------------------------- */

void gic_init(unsigned cpu)
{
	uint64_t rd = GICR + cpu * 0x20000ul;

	if (cpu == 0)
		wr32(GICD, 0x13);
	wr32(rd + 0x14, 0);
	while (rd32(rd + 0x14) & 4)
		;
	wr32(rd + 0x10080, 0xffffffff);
	WRITE(s3_0_c12_c12_5, 7);               /* ICC_SRE_EL1 */
	ISB();
	WRITE(s3_0_c4_c6_0, 0xf8);              /* ICC_PMR_EL1 */
	WRITE(s3_0_c12_c12_6, 1);               /* ICC_IGRPEN0_EL1 */
	WRITE(s3_0_c12_c12_7, 1);               /* ICC_IGRPEN1_EL1 */
	ISB();
}

void gic_enable(unsigned cpu, unsigned intid, unsigned prio, bool group1)
{
	uint64_t base = intid < 32 ? GICR + cpu * 0x20000ul + 0x10000 : GICD;
	uint64_t word = 4ul * (intid / 32);
	uint32_t bit = 1u << intid % 32;

	*(volatile uint8_t *)(base + 0x400 + intid) = (uint8_t)prio;
	uint32_t g = rd32(base + 0x80 + word);

	wr32(base + 0x80 + word, group1 ? g | bit : g & ~bit);
	if (intid >= 32)
		wr64(GICD + 0x6000 + 8ul * intid, cpu_mpidr(cpu));
	wr32(base + 0x100 + word, bit);
}
