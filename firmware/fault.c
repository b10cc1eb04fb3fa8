/* Exceptions that the ROM takes itself. Expected ones come from probes; all
 * others are a fault of the ROM's, which ends in the monitor and not in
 * silence. */
#include "rom.h"

extern const char probe_begin[], probe_end[], probe_failed[];
extern const char probe_store_begin[], probe_store_end[];

static bool in_probe(uint64_t pc)
{
	return (pc >= (uint64_t)probe_begin && pc <= (uint64_t)probe_end) ||
	       (pc >= (uint64_t)probe_store_begin &&
		pc <= (uint64_t)probe_store_end);
}

void fault(struct frame *f, unsigned vector)
{
	static unsigned faults;
	uint64_t esr, far;

	__asm__ volatile("mrs %0, esr_el1" : "=r"(esr));
	__asm__ volatile("mrs %0, far_el1" : "=r"(far));
	/* Data aborts at the same EL, and system errors that the barrier made
	 * precise enough. */
	if ((esr >> 26 == 0x25 || vector % 4 == 3) && in_probe(f->pc)) {
		f->pc = (uint64_t)probe_failed;
		return;
	}
	say("\nboot ROM: a fault of its own: vector %u, ESR %08lx, FAR %016lx"
	    "\n  pc %016lx  sp %016lx\n", vector, esr, far, f->pc, f->sp);
	for (unsigned i = 0; i < 31; i++)
		say("%s%s%u %016lx%s", i % 4 ? "  " : "  ", i < 10 ? " x" : "x",
		    i, f->x[i], i % 4 == 3 || i == 30 ? "\n" : "");
	if (++faults < 4)
		restart(monitor);
	say("boot ROM: too many faults; it stops here\n");
	for (;;)
		__asm__ volatile("wfi");
}
