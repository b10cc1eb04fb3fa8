/* The open boot ROM of the vmapple board: what it does, in its order.
 *
 * It uses nothing that only pome has without looking first, so it runs on
 * QEMU's machine of the same name, too. */
#include "rom.h"

static void print_disks(void)
{
	for (unsigned i = 0; i < DISKS; i++) {
		if (disk[i].there)
			say("BDIF      %s disk, %lu sectors\n", disk[i].name,
			    disk[i].sectors);
	}
	if (!disk[DISK_ROOT].there && !disk[DISK_AUX].there)
		say("BDIF      no disks\n");
}

void rom_main(void);

void rom_main(void)
{
	const char *bad;

	uart_init();
	say("\npome boot ROM\n");
	platform_read();
	platform_print();
	bad = mmu_on(platform.ram);
	if (bad) {
		say("MMU       off: %s; nothing can be booted\n", bad);
		restart(monitor);
	}
	heap_init();
	bdif_probe();
	print_disks();
	say("policy    %s\n", platform.policy == POLICY_VERIFY ? "verify" :
	    "permissive");
	if (platform.installer)
		dfu_mode();
	else
		boot_auto();
	restart(monitor);
}
