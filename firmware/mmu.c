/* The ROM's address space: one to one, 4 KiB granule, 39 bits (Arm ARM D8).
 *
 * The ROM's own text cannot be written, nothing else can be executed, and page
 * 0 is not there. RAM is write-back; CONFIG and all else below RAM is Device.
 * With MMU and caches on, the ROM is several times as fast where code is
 * interpreted, and sees what devices see where it runs on hardware. */
#include "rom.h"

#define GIB (1ull << 30)
#define BLOCK (2ull << 20)
#define PAGE 4096ull
#define RAM_MAX (512 * GIB)             /* what 39 bits reach */

enum { NORMAL = 0, DEVICE = 1 };        /* index into MAIR */

#define MAIR 0x00ffull                  /* 1: Device-nGnRnE, 0: write-back */

#define D_TABLE 3ull
#define D_BLOCK 1ull
#define D_PAGE 3ull
#define D_ATTR(i) ((uint64_t)(i) << 2)
#define D_RO (1ull << 7)
#define D_INNER (3ull << 8)
#define D_AF (1ull << 10)
#define D_PXN (1ull << 53)
#define D_UXN (1ull << 54)

#define RAM_BITS (D_ATTR(NORMAL) | D_INNER | D_AF | D_PXN | D_UXN)
#define DEV_BITS (D_ATTR(DEVICE) | D_AF | D_PXN | D_UXN)

typedef uint64_t table[512] __attribute__((aligned(4096)));

static table top, low, middle, last, firmware;
static uint64_t ram_end;

extern char rom_text[], rom_rodata[], rom_data[], bss_end[], stack_low[],
	    rom_end[];

static void map_firmware(void)
{
	uint64_t text = (uint64_t)rom_text, ro = (uint64_t)rom_rodata;
	uint64_t data = (uint64_t)rom_data, end = 0x200000;

	for (uint64_t a = text; a < end; a += PAGE) {
		uint64_t bits = RAM_BITS;

		if (a >= (uint64_t)bss_end && a < (uint64_t)stack_low)
			continue;               /* the stack's guard */
		if (a < data)
			bits |= D_RO;
		if (a < ro)
			bits &= ~D_PXN;
		firmware[a / PAGE] = a | bits | D_PAGE;
	}
}

/* Blocks of RAM in [from, to), all in the GiB that `t` maps. */
static void map_blocks(table t, uint64_t from, uint64_t to)
{
	for (uint64_t a = from; a < to; a += BLOCK)
		t[a / BLOCK % 512] = a | RAM_BITS | D_BLOCK;
}

static void build(void)
{
	map_firmware();
	low[0] = (uint64_t)firmware | D_TABLE;
	for (uint64_t a = BLOCK; a < GIB; a += BLOCK)
		low[a / BLOCK] = a | DEV_BITS | D_BLOCK;
	for (uint64_t a = GIB; a < RAM_BASE; a += BLOCK)
		middle[a / BLOCK % 512] = a | DEV_BITS | D_BLOCK;
	map_blocks(middle, RAM_BASE, ram_end < 2 * GIB ? ram_end : 2 * GIB);
	top[0] = (uint64_t)low | D_TABLE;
	top[1] = (uint64_t)middle | D_TABLE;
	for (uint64_t a = 2 * GIB; a < ram_end; a += GIB) {
		if (ram_end - a >= GIB) {
			top[a / GIB] = a | RAM_BITS | D_BLOCK;
		} else {
			map_blocks(last, a, ram_end);
			top[a / GIB] = (uint64_t)last | D_TABLE;
		}
	}
}

/* What was written with the caches off must not be hidden by stale lines. */
static void invalidate(uint64_t from, uint64_t to)
{
	for (uint64_t a = from & ~63ull; a < to; a += 64)
		__asm__ volatile("dc ivac, %0" : : "r"(a) : "memory");
	__asm__ volatile("dsb sy" : : : "memory");
}

const char *mmu_on(uint64_t ram_size)
{
	uint64_t mmfr0, tcr, sctlr, pa;

	__asm__ volatile("mrs %0, id_aa64mmfr0_el1" : "=r"(mmfr0));
	if ((mmfr0 >> 28 & 15) == 15)
		return "this CPU has no 4 KiB granule";
	ram_end = RAM_BASE + (ram_size < RAM_MAX - RAM_BASE ? ram_size :
			      RAM_MAX - RAM_BASE);
	ram_end &= ~(BLOCK - 1);
	build();
	invalidate((uint64_t)rom_data, (uint64_t)rom_end);
	pa = mmfr0 & 15;
	tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 |
	      (pa > 5 ? 5 : pa) << 32;
	__asm__ volatile("msr mair_el1, %0\n\t"
			 "msr tcr_el1, %1\n\t"
			 "msr ttbr0_el1, %2\n\t"
			 "isb\n\t"
			 "tlbi vmalle1\n\t"
			 "ic iallu\n\t"
			 "dsb sy\n\t"
			 "isb" : : "r"(MAIR), "r"(tcr), "r"(top) : "memory");
	__asm__ volatile("mrs %0, sctlr_el1" : "=r"(sctlr));
	sctlr |= 0x1005;                /* M, C, I */
	sctlr &= ~2ull;                 /* A: unaligned loads are made */
	__asm__ volatile("msr sctlr_el1, %0\n\tisb" : : "r"(sctlr) : "memory");
	return NULL;
}

uint64_t mmu_ram_end(void)
{
	return ram_end;
}

void cache_clean(uint64_t from, uint64_t len)
{
	for (uint64_t a = from & ~63ull; a < from + len; a += 64)
		__asm__ volatile("dc civac, %0" : : "r"(a) : "memory");
	__asm__ volatile("dsb sy\n\tic iallu\n\tdsb sy\n\tisb" : : :
			 "memory");
}
