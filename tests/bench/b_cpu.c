/* b_cpu.c: small programs that each lean on one thing an interpreter can be slow at. Bare metal, EL1, MMU on.
 *
 * Prints "BENCH name nanoseconds" lines; how often each runs is fixed, so two machines are compared by the ratio.
 * Built twice: for pome's board, and (BOARD_VIRT) for QEMU's virt, as the peer in the same run. */
#include "../guest/guest.h"

static uint64_t sink;

/* ---- integer: xorshift, the loop of README's instructions per second ------ */
enum { INT_LOOPS = 20000000, INT_INSNS = 8 };
static void b_int(void)
{
	uint64_t x = 88172645463325252ull, n = INT_LOOPS;

	__asm__ volatile("1: eor %0, %0, %0, lsl #13\n\teor %0, %0, %0, lsr #7\n\t"
			 "eor %0, %0, %0, lsl #17\n\tadd x9, x9, %0\n\t"
			 "add x10, x10, #3\n\tand x11, x9, x10\n\t"
			 "subs %1, %1, #1\n\tb.ne 1b"
			 : "+r"(x), "+r"(n) : : "x9", "x10", "x11", "cc");
	sink += x;
}

/* ---- calls ------------------------------------------------------------------ */
static uint64_t __attribute__((noinline)) fib(unsigned n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static void b_call(void) { sink += fib(32); }

/* ---- branches that depend on data -------------------------------------------- */
static void b_branch(void)
{
	uint64_t steps = 0;

	for (uint64_t i = 1; i < 120000; i++)
		for (uint64_t v = i; v != 1; steps++)
			v = v & 1 ? 3 * v + 1 : v >> 1;
	sink += steps;
}

/* ---- memory -------------------------------------------------------------------- */
static uint8_t *buf_a, *buf_b;
static void b_memcpy(void)
{
	for (int r = 0; r < 400; r++) {
		uint64_t *d = (uint64_t *)buf_a, *s = (uint64_t *)buf_b;

		for (unsigned i = 0; i < 65536 / 8; i += 4)
			__asm__ volatile("ldp x9, x10, [%1]\n\tldp x11, x12, [%1, #16]\n\t"
					 "stp x9, x10, [%0]\n\tstp x11, x12, [%0, #16]"
					 : : "r"(d + i), "r"(s + i)
					 : "x9", "x10", "x11", "x12", "memory");
	}
}
static void b_chase(void)
{
	enum { N = 1 << 15 };
	uint64_t *p = (uint64_t *)buf_a, at = 0;

	for (uint64_t i = 0; i < N; i++)
		p[i * 8] = (i * 12345 + 6789) % N * 8;
	for (int i = 0; i < 4000000; i++)
		at = ((volatile uint64_t *)p)[at];
	sink += at;
}
static void b_sort(void)
{
	uint32_t *a = (uint32_t *)buf_a, x = 1;
	enum { N = 100000 };

	for (unsigned i = 0; i < N; i++)
		a[i] = x = x * 1664525 + 1013904223;
	for (unsigned gap = N / 2; gap; gap /= 2)
		for (unsigned i = gap; i < N; i++) {
			uint32_t v = a[i];
			unsigned j = i;

			for (; j >= gap && a[j - gap] > v; j -= gap)
				a[j] = a[j - gap];
			a[j] = v;
		}
	sink += a[N / 2];
}

/* ---- floating point and vectors --------------------------------------------------- */
static void b_fp(void)
{
	uint64_t n = 8000000;

	__asm__ volatile(".arch armv8-a+fp+simd\n\tfmov d0, #1.0\n\tfmov d1, #1.0\n\tfmov d2, #0.5\n"
			 "1: fmul d3, d1, d2\n\tfadd d0, d0, d3\n\t"
			 "fmadd d1, d1, d2, d2\n\tfdiv d4, d0, d1\n\t"
			 "fsub d0, d4, d3\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(n) : : "cc", "memory");
}
static void b_neon(void)
{
	uint64_t n = 6000000;

	__asm__ volatile(".arch armv8-a+fp+simd\n\tmovi v0.4s, #3\n\tmovi v1.4s, #5\n\tmovi v2.16b, #7\n"
			 "1: add v3.4s, v0.4s, v1.4s\n\teor v0.16b, v3.16b, v2.16b\n\t"
			 "mla v1.4s, v3.4s, v2.4s\n\tushr v4.4s, v1.4s, #3\n\t"
			 "zip1 v2.16b, v4.16b, v2.16b\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(n) : : "cc", "memory");
}

/* ---- atomics ------------------------------------------------------------------------ */
static void b_atomic(void)
{
	static uint64_t word;

	for (int i = 0; i < 3000000; i++)
		__asm__ volatile(".arch armv8.1-a\n\tldadd %0, x9, [%1]\n\tldaxr x10, [%1]\n\tadd x10, x10, #1\n\t"
				 "stlxr w11, x10, [%1]"
				 : : "r"(1ul), "r"(&word) : "x9", "x10", "x11", "memory");
}

/* ---- system calls: SVC and ERET ---------------------------------------------------- */
static void b_syscall(void)
{
	uint64_t old = READ(vbar_el1), n = 2000000;
	uint32_t *v = (uint32_t *)buf_a;

	/* a vector table whose every entry is ERET */
	for (unsigned i = 0; i < 2048 / 4; i++)
		v[i] = 0xd69f03e0;
	for (unsigned i = 0; i < 2048; i += 64)
		__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" : : "r"((char *)v + i) : "memory");
	__asm__ volatile("dsb ish\n\tisb");
	WRITE(vbar_el1, v);
	ISB();
	__asm__ volatile("1: svc #0\n\tsubs %0, %0, #1\n\tb.ne 1b" : "+r"(n) : : "cc", "memory");
	WRITE(vbar_el1, old);
	ISB();
}

/* ---- TLB misses: one word a page over 32 MiB ----------------------------------------- */
static void b_tlb(void)
{
	uint64_t sum = 0;

	for (int r = 0; r < 60; r++)
		for (uint64_t i = 0; i < 8192; i++)
			sum += *(volatile uint64_t *)(0x02000000 + (uint64_t)buf_b + i * 4096 + (i & 63) * 8);
	sink += sum;
}

/* ---- code that is written, run ten times, and written again ---------------------------- */
static void b_smc(void)
{
	uint32_t *p = (uint32_t *)(buf_a + 65536);

	for (uint32_t i = 0; i < 20000; i++) {
		for (int k = 0; k < 16; k++)
			p[k] = 0x91000400 | (i & 7) << 10;      /* add x0, x0, #n */
		p[16] = 0xd65f03c0;
		for (int k = 0; k < 128; k += 64)
			__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0" : : "r"((char *)p + k) : "memory");
		__asm__ volatile("dsb ish\n\tisb" : : : "memory");
		for (int r = 0; r < 10; r++)
			sink += ((uint64_t(*)(uint64_t))(uint64_t)p)(i);
	}
}

static void run(const char *name, void (*fn)(void))
{
	uint64_t t0 = now(), f = READ(cntfrq_el0);

	fn();
	uint64_t t = now() - t0;

	print("BENCH %s %lu\n", name, t * 1000 / (f / 1000000));
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	buf_a = page_alloc(4 << 20);
	buf_b = page_alloc(4 << 20);
	print("INSNS int %lu\n", (uint64_t)INT_LOOPS * INT_INSNS);
	run("int", b_int);
	run("call", b_call);
	run("branch", b_branch);
	run("sort", b_sort);
	run("memcpy", b_memcpy);
	run("chase", b_chase);
	run("fp", b_fp);
	run("neon", b_neon);
	run("atomic", b_atomic);
	run("syscall", b_syscall);
	run("tlb", b_tlb);
	run("smc", b_smc);
	print("SINK %lx\n", sink);
}
