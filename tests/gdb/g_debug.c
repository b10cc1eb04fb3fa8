/* g_debug.c: what tests/gdb/run.py debugs: calls three deep, a variable that
 * is written, a second CPU that counts. Ends when the debugger sets `finish`. */
#include "guest.h"

volatile uint64_t watched, other[2], rounds, finish, counter;
double half = 0.5;

__attribute__((noinline)) void inner(uint64_t n)
{
	watched = n;
	other[0] = n;
}

__attribute__((noinline)) void middle(uint64_t n)
{
	inner(n + 1);
	other[1]++;
}

__attribute__((noinline)) void outer(uint64_t n)
{
	middle(n * 2);
	rounds++;
}

__attribute__((noinline)) void second(unsigned index)
{
	mmu_on();
	for (;;)
		counter++;
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	if (cpu_count() > 1)
		cpu_start(1, second);
	print("running\n");
	while (!finish)
		outer(rounds);
	CHECK(rounds > 0);
	guest_end();
}
