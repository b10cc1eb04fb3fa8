/* x_nisv.c: an exclusive load of a device register, which nobody emulates: the
 * machine ends with status 7 and the instruction's word. */
#include "guest.h"

void guest_main(uint64_t dtb)
{
	uint32_t v;

	print("trying\n");
	__asm__ volatile("ldxr %w0, [%1]" : "=r"(v) : "r"(0x20010024ul));
	print("%x\n", v);
}
