/* x_cost.c: what it costs to leave the guest. On a deterministic host
 * (host.sh -d) a tick of the counter is 16 instructions of the whole machine,
 * guest, kernel and pome together, and the figures repeat exactly. */
#include "guest.h"

enum { ROUNDS = 2000, RTC = 0x20050000, ECAM = 0x40000000 };

static uint64_t bar;                    /* of a virtio function's queues */

static void nothing(void) { }
static void hypercall(void) { psci(0x84000000, 0, 0, 0); }
static void load(void) { rd32(RTC + 0xc); }
static void store(void) { wr32(RTC + 0x8, 0); }
static void no_syndrome(void)
{
	uint64_t p = RTC + 0xc;

	__asm__ volatile("ldr w9, [%0], #4" : "+r"(p) : : "x9");
}
static void doorbell(void) { wr32(bar + 0x3000, 0); }

static void measure(const char *name, void (*fn)(void))
{
	uint64_t t, empty;

	for (int i = 0; i < 100; i++)
		fn();
	t = now();
	for (int i = 0; i < ROUNDS; i++)
		nothing();
	empty = now() - t;
	t = now();
	for (int i = 0; i < ROUNDS; i++)
		fn();
	t = now() - t - empty;
	print("COST %s %ld\n", name,
	      t * (1000000000 / READ(cntfrq_el0)) / ROUNDS);
}

/* The entropy device, in whichever slot, with its BAR 4 placed. */
static bool find_bar(void)
{
	for (uint64_t slot = 1; slot < 32; slot++) {
		uint64_t cfg = ECAM + (slot << 15);

		if (rd32(cfg) != 0x10441af4)
			continue;
		wr32(cfg + 0x20, 0x50000000);
		wr32(cfg + 0x24, 0);
		wr32(cfg + 4, 6);
		bar = 0x50000000;
		return true;
	}
	return false;
}

void guest_main(uint64_t dtb)
{
	measure("hvc", hypercall);
	measure("load-from-device", load);
	measure("store-to-device", store);
	measure("load-without-syndrome", no_syndrome);
	CHECK(find_bar());
	if (bar)
		measure("virtio-doorbell", doorbell);
}
