/* Memory for what is read and unpacked: the upper half of RAM, front to back,
 * given back in the reverse order. The lower half is where things are loaded
 * to. */
#include "rom.h"

static uint64_t next, end;

void heap_init(void)
{
	end = mmu_ram_end();
	next = RAM_BASE + (end - RAM_BASE) / 2;
	next = (next + 0xffff) & ~0xffffull;
}

void *heap_take(uint64_t size)
{
	uint64_t at = next;

	if (size > end - at || end - at - size < 64)
		return NULL;
	next = (at + size + 63) & ~63ull;
	return (void *)at;
}

uint64_t heap_left(void)
{
	return end - next;
}

uint64_t heap_mark(void)
{
	return next;
}

void heap_release(uint64_t mark)
{
	next = mark;
}
