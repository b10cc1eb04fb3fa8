/* t_mmio.c: every form of load and store that a driver's compiler may make of
 * an access to a device: write-back, pairs, SIMD registers. Under KVM these
 * come without a syndrome. MMU off, then on. */
#include "guest.h"

#define IBRD 0x20010024ul               /* 16 bits; FBRD, 6 bits, follows */
#define ROUTER(n) (GICD + 0x6000ul + 8ul * (n))
#define SIMD ".arch_extension fp\n\t.arch_extension simd\n\t"

static void set(uint32_t ibrd, uint32_t fbrd)
{
	wr32(IBRD, ibrd);
	wr32(IBRD + 4, fbrd);
}

#define CHECK_BRD(ibrd, fbrd) do { \
	CHECK_EQ(rd32(IBRD), ibrd); \
	CHECK_EQ(rd32(IBRD + 4), fbrd); \
} while (0)

static void test_wback(void)
{
	uint64_t p, v;

	set(0, 0);
	p = IBRD;
	__asm__ volatile("str %w1, [%0], #4" : "+r"(p) : "r"(0x1234) : "memory");
	CHECK_EQ(p, IBRD + 4);
	CHECK_BRD(0x1234, 0);
	p = IBRD - 252;
	__asm__ volatile("str %w1, [%0, #252]!" : "+r"(p) : "r"(0x4321)
			 : "memory");
	CHECK_EQ(p, IBRD);
	CHECK_BRD(0x4321, 0);
	p = IBRD + 4;
	__asm__ volatile("str wzr, [%0, #-4]!" : "+r"(p) : : "memory");
	CHECK_EQ(p, IBRD);
	CHECK_BRD(0, 0);
	set(0x8765, 0x21);
	__asm__ volatile("mov %1, #-1\n\tldr %w1, [%0], #-256"
			 : "+r"(p), "=&r"(v));
	CHECK_EQ(p, IBRD - 256);
	CHECK_EQ(v, 0x8765);
	p = IBRD - 4;
	__asm__ volatile("ldrsw %1, [%0, #8]!" : "+r"(p), "=&r"(v));
	CHECK_EQ(p, IBRD + 4);
	CHECK_EQ(v, 0x21);
	/* 31 is nothing as a target */
	p = IBRD;
	__asm__ volatile("ldr wzr, [%0], #4" : "+r"(p));
	CHECK_EQ(p, IBRD + 4);
	/* and the stack pointer as a base */
	p = IBRD - 0x24;
	__asm__ volatile("mov x9, sp\n\tmov sp, %1\n\tldr %w0, [sp, #0x24]!\n\t"
			 "mov %1, sp\n\tmov sp, x9"
			 : "=&r"(v), "+r"(p) : : "x9");
	CHECK_EQ(v, 0x8765);
	CHECK_EQ(p, IBRD);
}

/* A distributor's priorities: bytes that read back as written, in part. */
static void test_sizes(void)
{
	uint64_t prio = GICD + 0x400 + 64, p, v;

	p = prio;
	__asm__ volatile("strb %w1, [%0], #1" : "+r"(p) : "r"(0xa0) : "memory");
	__asm__ volatile("strb %w1, [%0], #1" : "+r"(p) : "r"(0xc0) : "memory");
	CHECK_EQ(p, prio + 2);
	CHECK_EQ(rd32(prio) & 0xffff, 0xc0a0);
	p = prio;
	__asm__ volatile("ldrb %w1, [%0], #1" : "+r"(p), "=&r"(v));
	CHECK_EQ(v, 0xa0);
	p = prio;
	__asm__ volatile("ldrsb %1, [%0], #1" : "+r"(p), "=&r"(v));
	CHECK_EQ(v, 0xffffffffffffffa0);
	p = prio + 2;
	__asm__ volatile("ldrsb %w1, [%0, #-1]!" : "+r"(p), "=&r"(v));
	CHECK_EQ(v, 0xffffffc0);
	CHECK_EQ(p, prio + 1);
	wr32(prio, 0);
	CHECK_EQ(rd32(prio), 0);
}

static void test_pairs(void)
{
	uint64_t p = IBRD, v, w;

	__asm__ volatile("stp %w1, %w2, [%0]" : : "r"(p), "r"(0x5a5a), "r"(9)
			 : "memory");
	CHECK_BRD(0x5a5a, 9);
	__asm__ volatile("ldp %w1, %w2, [%0]"
			 : "+r"(p), "=&r"(v), "=&r"(w));
	CHECK_EQ(v, 0x5a5a);
	CHECK_EQ(w, 9);
	p = IBRD - 8;
	__asm__ volatile("stp %w1, wzr, [%0, #8]!" : "+r"(p) : "r"(0x6b6b)
			 : "memory");
	CHECK_EQ(p, IBRD);
	CHECK_BRD(0x6b6b, 0);
	__asm__ volatile("ldpsw %1, %2, [%0], #-16"
			 : "+r"(p), "=&r"(v), "=&r"(w));
	CHECK_EQ(p, IBRD - 16);
	CHECK_EQ(v, 0x6b6b);
	CHECK_EQ(w, 0);
	p = IBRD;
	__asm__ volatile("stnp %w1, %w2, [%0]" : : "r"(p), "r"(0x1111), "r"(1)
			 : "memory");
	CHECK_BRD(0x1111, 1);
	/* 64 bits: two routing registers */
	p = ROUTER(64);
	__asm__ volatile("stp %1, %2, [%0], #16" : "+r"(p)
			 : "r"(1ul), "r"(0ul) : "memory");
	CHECK_EQ(p, ROUTER(66));
	CHECK_EQ(rd64(ROUTER(64)), 1);
	CHECK_EQ(rd64(ROUTER(65)), 0);
	__asm__ volatile("ldp %1, %2, [%0, #-16]!"
			 : "+r"(p), "=&r"(v), "=&r"(w));
	CHECK_EQ(p, ROUTER(64));
	CHECK_EQ(v, 1);
	CHECK_EQ(w, 0);
	wr64(ROUTER(64), 0);
}

static void test_simd(void)
{
	uint64_t p = IBRD, v, w;

	set(0, 0);
	__asm__ volatile(SIMD "fmov s0, %w1\n\tstr s0, [%0]"
			 : : "r"(p), "r"(0x7777) : "v0", "memory");
	CHECK_BRD(0x7777, 0);
	__asm__ volatile(SIMD "movi v1.16b, #255\n\tldr s1, [%0], #4\n\t"
			 "umov %1, v1.d[0]\n\tumov %2, v1.d[1]"
			 : "+r"(p), "=&r"(v), "=&r"(w) : : "v1");
	CHECK_EQ(p, IBRD + 4);
	CHECK_EQ(v, 0x7777);
	CHECK_EQ(w, 0);
	p = IBRD;
	__asm__ volatile(SIMD "fmov s0, %w1\n\tfmov s31, %w2\n\t"
			 "stp s0, s31, [%0], #8"
			 : "+r"(p) : "r"(0x2222), "r"(2) : "v0", "v31",
			 "memory");
	CHECK_EQ(p, IBRD + 8);
	CHECK_BRD(0x2222, 2);
	p = IBRD;
	__asm__ volatile(SIMD "movi v1.16b, #255\n\tld1 {v1.2s}, [%0], #8\n\t"
			 "umov %1, v1.d[0]\n\tumov %2, v1.d[1]"
			 : "+r"(p), "=&r"(v), "=&r"(w) : : "v1");
	CHECK_EQ(p, IBRD + 8);
	CHECK_EQ(v, 0x200002222);
	CHECK_EQ(w, 0);
	p = IBRD;
	__asm__ volatile(SIMD "fmov d3, %1\n\tst1 {v3.2s}, [%0], %2"
			 : "+r"(p) : "r"(0x300003333), "r"(64ul) : "v3",
			 "memory");
	CHECK_EQ(p, IBRD + 64);
	CHECK_BRD(0x3333, 3);
	/* 128 bits: two routing registers, and four */
	p = ROUTER(64);
	__asm__ volatile(SIMD "fmov d4, %1\n\tfmov v4.d[1], %2\n\tstr q4, [%0]"
			 : : "r"(p), "r"(0ul), "r"(1ul) : "v4", "memory");
	CHECK_EQ(rd64(ROUTER(64)), 0);
	CHECK_EQ(rd64(ROUTER(65)), 1);
	__asm__ volatile(SIMD "ldp q5, q6, [%0], #32\n\tumov %1, v5.d[1]\n\t"
			 "umov %2, v6.d[0]"
			 : "+r"(p), "=&r"(v), "=&r"(w) : : "v5", "v6");
	CHECK_EQ(p, ROUTER(68));
	CHECK_EQ(v, 1);
	CHECK_EQ(w, 0);
	p = ROUTER(64);
	__asm__ volatile(SIMD "movi v7.2d, #0\n\tmovi v8.2d, #0\n\t"
			 "st1 {v7.2d, v8.2d}, [%0], #32"
			 : "+r"(p) : : "v7", "v8", "memory");
	CHECK_EQ(rd64(ROUTER(65)), 0);
	CHECK_EQ(p, ROUTER(68));
}

/* As macOS sets up its redistributor (spec/vmapple.md 1.4). */
static void test_redist(void)
{
	uint64_t p = GICR + 0x10000, sgi = p;

	wr32(sgi + 0x180, ~0u);
	__asm__ volatile("str %w1, [%0, #0x80]!" : "+r"(p) : "r"(0x81ffffff)
			 : "memory");
	CHECK_EQ(p, sgi + 0x80);
	CHECK_EQ(rd32(sgi + 0x80), 0x81ffffff);
	__asm__ volatile("str %w1, [%0, #0x80]!" : "+r"(p) : "r"(1u << 27)
			 : "memory");
	CHECK_EQ(p, sgi + 0x100);
	CHECK_EQ(rd32(sgi + 0x100), 1u << 27);
	/* pending by hand: set, then cleared, others untouched */
	p = sgi + 0x200;
	__asm__ volatile("str %w1, [%0], #0x80" : "+r"(p) : "r"(1u << 5)
			 : "memory");
	CHECK_EQ(p, sgi + 0x280);
	__asm__ volatile("str %w1, [%0, #-0x80]!" : "+r"(p) : "r"(1u << 6)
			 : "memory");
	CHECK_EQ(rd32(sgi + 0x200) & 0xffff, 3u << 5);
	p = sgi + 0x280;
	__asm__ volatile("str %w1, [%0], #4" : "+r"(p) : "r"(1u << 5)
			 : "memory");
	CHECK_EQ(rd32(sgi + 0x200) & 0xffff, 1u << 6);
	wr32(sgi + 0x280, ~0u);
	wr32(sgi + 0x180, ~0u);
	CHECK_EQ(rd32(sgi + 0x100), 0);
}

static void test_all(void)
{
	test_wback();
	test_sizes();
	test_pairs();
	test_simd();
	test_redist();
}

void guest_main(uint64_t dtb)
{
	wr32(GICD, 0x10);
	test_all();
	mmu_on();
	test_all();
}
