/* stage1_mem.c: memory as XNU has it (spec/vmapple.md 9.4): 16 KiB pages in both
 * halves, 47 bits, 16-bit ASIDs, blocks of 32 MiB, invalidation by range. */
#include "stage1.h"

#define PAGE 0x4000u
#define ENTRIES 2048                    /* of a table: a page of them */
#define BLOCK (32ul << 20)
#define RAM_BASE 0x70000000ul
#define VA 0xfffffe0007004000ul         /* where kernels are linked */

#define TABLE 3u
#define DEVICE (0x401u | PTE_UXN | PTE_PXN)
#define NORMAL (0x705u | PTE_UXN)

static uint64_t low1[ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t low2[ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t high1[ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t high2[ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t high3[ENTRIES] __attribute__((aligned(PAGE)));
static uint64_t page[2][PAGE / 8] __attribute__((aligned(PAGE)));

static unsigned index_of(uint64_t va, unsigned level)
{
	return va >> (14 + 11 * (3 - level)) & (ENTRIES - 1);
}

static void make(void)
{
	uint64_t end = RAM_BASE + rd64(CONFIG + 0x20);

	low1[0] = (uint64_t)low2 | TABLE;
	for (uint64_t pa = 0; pa < end; pa += BLOCK)
		low2[pa / BLOCK] = pa | (pa >= RAM_BASE ? NORMAL : DEVICE);
	high1[index_of(VA, 1)] = (uint64_t)high2 | TABLE;
	high2[index_of(VA, 2)] = (uint64_t)high3 | TABLE;
}

bool pages_there(void)
{
	return READ(id_aa64mmfr0_el1) >> 20 & 15;
}

void pages_on(void)
{
	if (!low1[0])
		make();
	WRITE(mair_el1, 0xff04);
	/* sizes, inner shareable write-back, 16K in both; IPS 40 bits; AS,
	 * TBI0, TBID0 */
	WRITE(tcr_el1, 17 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 14 |
			       17ul << 16 | 1ul << 24 | 1ul << 26 | 3ul << 28 |
			       1ul << 30 | 2ul << 32 | 1ul << 36 | 1ul << 37 |
			       1ul << 51);
	WRITE(ttbr0_el1, low1);
	WRITE(ttbr1_el1, high1);
	__asm__ volatile("dsb sy; tlbi vmalle1; dsb sy; isb" : : : "memory");
	WRITE(sctlr_el1, READ(sctlr_el1) | 0x1005);
	ISB();
}

static void map(uint64_t va, uint64_t desc)
{
	high3[index_of(va, 3)] = desc;
	__asm__ volatile("dsb ishst; isb" : : : "memory");
}

static void flush(void)
{
	__asm__ volatile("dsb ish; isb" : : : "memory");
}

static void load(void *p)
{
	rd64((uint64_t)p);
}

static void test_asid(void)
{
	/* two of them, equal in what an 8-bit one would keep */
	const uint64_t one = 0x0134ul << 48, two = 0x0234ul << 48;

	page[0][5] = 0xaaaa;
	page[1][5] = 0xbbbb;
	map(VA, (uint64_t)page[0] | PTE_NORMAL | PTE_NG);
	WRITE(ttbr0_el1, (uint64_t)low1 | one);
	ISB();
	CHECK_EQ(READ(ttbr0_el1) >> 48, 0x0134);
	CHECK_EQ(rd64(VA + 40), 0xaaaa);
	map(VA, (uint64_t)page[1] | PTE_NORMAL | PTE_NG);
	WRITE(ttbr0_el1, (uint64_t)low1 | two);
	ISB();
	CHECK_EQ(rd64(VA + 40), 0xbbbb);
	WRITE(ttbr0_el1, low1);
	map(VA, 0);
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
	flush();
}

/* PAR_EL1 has bits 13 and 12 of the address although a page is 16 KiB. */
static void test_at(void)
{
	uint64_t par;

	map(VA, (uint64_t)page[0] | PTE_NORMAL);
	__asm__ volatile("at s1e1w, %1; isb; mrs %0, par_el1" : "=r"(par)
			 : "r"(VA + 0x3210) : "memory");
	CHECK_EQ(par & 1, 0);
	CHECK_EQ(par & 0xfffffffff000, (uint64_t)page[0] + 0x3000);
	__asm__ volatile("at s1e1r, %1; isb; mrs %0, par_el1" : "=r"(par)
			 : "r"(VA + 2 * PAGE) : "memory");
	CHECK_EQ(par & 0x7f, 0x07 << 1 | 1);    /* translation, level 3 */
}

/* Both pages exchanged, then one TLBI for the range of two. */
static void test_range(void)
{
	uint64_t arg = 2ul << 46 | (VA >> 14 & ((1ul << 37) - 1));

	map(VA, (uint64_t)page[0] | PTE_NORMAL);
	map(VA + PAGE, (uint64_t)page[1] | PTE_NORMAL);
	page[0][0] = 1;
	page[1][0] = 2;
	CHECK_EQ(rd64(VA), 1);
	CHECK_EQ(rd64(VA + PAGE), 2);
	map(VA, 0);
	map(VA + PAGE, 0);
	if (READ(id_aa64isar0_el1) >> 56 & 2)
		__asm__ volatile("sys #0, c8, c2, #1, %0" : : "r"(arg)
				 : "memory");   /* RVAE1IS */
	else
		for (unsigned i = 0; i < 2; i++)
			__asm__ volatile("tlbi vaae1is, %0" : :
					 "r"((VA + i * PAGE) >> 12 &
					     ((1ul << 44) - 1)) : "memory");
	flush();
	map(VA, (uint64_t)page[1] | PTE_NORMAL);
	map(VA + PAGE, (uint64_t)page[0] | PTE_NORMAL);
	CHECK_EQ(rd64(VA), 2);
	CHECK_EQ(rd64(VA + PAGE), 1);
}

const char *part_pages(void)
{
	if (!pages_there())
		return "the CPU has no 16 KiB granule";
	pages_on();
	map(VA, (uint64_t)page[0] | PTE_NORMAL);
	map(VA + PAGE, (uint64_t)page[1] | PTE_NORMAL);
	wr64(VA + PAGE - 8, 0x1111222233334444);
	wr64(VA + PAGE, 0x5555666677778888);
	CHECK_EQ(page[0][PAGE / 8 - 1], 0x1111222233334444);
	CHECK_EQ(page[1][0], 0x5555666677778888);
	/* the page behind them */
	CHECK_EQ(catch_trap(load, (void *)(VA + 2 * PAGE)) & 0xfc00003f,
		 0x94000007);
	CHECK_EQ(last_trap.far, VA + 2 * PAGE);
	/* a top byte is ignored in the lower half, not in the upper one */
	CHECK_EQ(rd64((uint64_t)page[1] | 0x5aul << 56), 0x5555666677778888);
	CHECK_EQ(catch_trap(load, (void *)(VA & ~(0x5aul << 56))) >> 26, 0x25);
	if ((READ(id_aa64mmfr0_el1) >> 4 & 15) == 2)
		test_asid();
	test_at();
	test_range();
	return NULL;
}
