/* Each conclusion from its evidence: what guests were seen to print and do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose.h"

#define PANIC "Kernel panic - not syncing: "
#define NO_ROOT PANIC "VFS: Unable to mount root fs on unknown-block(0,0)\n"

/* A Linux kernel that printed `text` and hangs. */
static struct evidence said(const char *text)
{
	return (struct evidence){
		.event = VM_TIMEOUT, .seconds = 10, .is_linux = true,
		.append = "console=ttyAMA0", .text = text,
		.len = strlen(text), .printed = strlen(text),
		.ram = 512 << 20, .ram_base = 0x70000000, .uart = 100,
		.uart_writes = 90, .others = 1000, .cpu = true, .mmu = true,
		.el = 1, .pc = 0xffff800008000000,
	};
}

static struct diagnosis check(const struct evidence *e, const char *code,
			      const char *why, const char *next)
{
	struct diagnosis d;

	if (!diagnose(e, &d))
		fail_msg("nothing found, not %s", code);
	assert_string_equal(d.code, code);
	if (!strstr(d.why, why) || !strstr(d.next, next))
		fail_msg("%s: '%s' '%s'", code, d.why, d.next);
	/* a sentence each: none is cut, neither ends in a stop */
	assert_in_range(strlen(d.why), 20, sizeof(d.why) - 2);
	assert_in_range(strlen(d.next), 15, sizeof(d.next) - 2);
	assert_int_not_equal(d.why[strlen(d.why) - 1], '.');
	return d;
}

static void texts(const char *text, const char *code, const char *why,
		  const char *next)
{
	struct evidence e = said(text);

	check(&e, code, why, next);
}

static void initrds(void **state)
{
	struct evidence e;

	texts("[    0.5] Initramfs unpacking failed: invalid magic at start "
	      "of compressed archive\r\n" NO_ROOT, "initrd-damaged",
	      "(invalid magic at start of compressed archive)", "--initrd");
	texts("rootfs image is not initramfs (no cpio magic); looks like an "
	      "initrd\n" NO_ROOT, "initrd-damaged", "(no cpio magic)",
	      "lsinitramfs");
	texts("Initramfs unpacking failed: compression method lz4 not "
	      "configured\n" NO_ROOT, "initrd-format", "lz4", "unpack it");
	texts("Initramfs unpacking failed: write error\n" NO_ROOT,
	      "initrd-memory", "512 MiB", "--memory 1024M");
	/* a second archive that is junk did no harm */
	texts("Initramfs unpacking failed: junk within compressed archive\n"
	      "debian login: ", "login", "login", "--timeout");
	e = said("Run /init as init process\n" NO_ROOT);
	e.initrd = true;
	check(&e, "no-init", "does not hold /init", "--initrd");
	e.append = "console=ttyAMA0 rdinit=/bin/foo";
	check(&e, "no-init", "does not hold /bin/foo", "--initrd");
}

static void roots(void **state)
{
	struct evidence e = said(NO_ROOT);

	check(&e, "root-missing", "no root= in the command line", "--initrd");
	e.disks = 1;
	check(&e, "root-missing", "one disk is /dev/vda", "root=/dev/vda");
	e.append = "root=/dev/sda1 console=ttyAMA0";
	check(&e, "root-missing", "root=/dev/sda1 was not found",
	      "distribution's kernel also needs its --initrd");
	e.disks = 3;
	check(&e, "root-missing", "/dev/vda to /dev/vdc", "root=/dev/vda1");
	e.disks = 0;
	check(&e, "root-missing", "has no disk", "--disk");
	e = said("ALERT!  UUID=ab-cd does not exist.  Dropping to a shell!\n"
		 "(initramfs) ");
	e.append = "root=UUID=ab-cd";
	e.initrd = true;
	e.disks = 1;
	check(&e, "root-missing", "root=UUID=ab-cd was not found",
	      "name one of them");
	e = said("[    3.0] Waiting for root device /dev/vda9...\n");
	e.append = "root=/dev/vda9 rootwait";
	e.disks = 1;
	check(&e, "root-missing", "/dev/vda9", "name one");
	e = said("No filesystem could mount root, tried: \n ext4\n" NO_ROOT);
	e.append = "root=/dev/vda";
	e.disks = 1;
	check(&e, "root-filesystem", "(tried: ext4)", "partition");
	e = said("[    1.5] No filesystem could mount root, tried: \r\n"
		 "[    1.5]  ext3\r\n[    1.5]  vfat\r\n[    1.5] \r\n"
		 "[    1.5] " NO_ROOT);
	e.append = "root=/dev/vda";
	e.disks = 1;
	check(&e, "root-filesystem", "(tried: ext3 vfat)", "partition");
	/* Debian's kernel without its RAM disk: it has none, and no driver */
	e = said("[    1.5] No filesystem could mount root, tried: \r\n"
		 "[    1.5] \r\n[    1.5] " NO_ROOT);
	e.append = "root=/dev/vda";
	e.disks = 1;
	check(&e, "root-missing", "root=/dev/vda was not found", "--initrd");
}

static void inits(void **state)
{
	texts(PANIC "Requested init /sbin/foo failed (error -2).\n", "no-init",
	      "names /sbin/foo", "init=");
	texts("Failed to execute /init (error -8)\n" PANIC "No working init "
	      "found.  Try passing init=\n", "no-init",
	      "/init is no program for arm64", "built for arm64");
	texts(PANIC "No working init found.\n", "no-init", "/sbin/init",
	      "init=");
	texts(PANIC "Attempted to kill init! exitcode=0x00000100\n",
	      "init-ended", "status 1", "init=/bin/sh");
	texts(PANIC "Attempted to kill init! exitcode=0x0000000b\n",
	      "init-ended", "signal 11", "init=/bin/sh");
	texts(PANIC "Attempted to kill init! exitcode=0x00000004\n",
	      "init-illegal", "SIGILL", "--cpu");
}

static void others(void **state)
{
	struct evidence e;
	struct diagnosis d;

	texts("Out of memory: Killed process 1\n" PANIC "System is deadlocked "
	      "on memory\n", "memory", "512 MiB", "--memory 1024M");
	texts("Unable to handle kernel paging request at virtual address 0\n"
	      PANIC "Oops: Fatal exception\n", "oops", "paging request",
	      "call trace");
	texts(PANIC "something new\n", "panic", "something new", "before");
	texts("panic(cpu 0 caller 0xfff): no ramdisk\n", "panic", "macOS",
	      "before");
	texts("Timed out waiting for device dev-vdb1.device\n"
	      "You are in emergency mode.\n", "emergency",
	      "dev-vdb1.device", "fstab");
	texts("BdsDxe: failed to load Boot0001\n", "no-loader", "boot loader",
	      "--disk");
	texts("reboot: System halted\n", "halted", "switch the machine off",
	      "poweroff");
	texts("Debian GNU/Linux 12 debian ttyAMA0\n\ndebian login: ", "login",
	      "login", "--timeout");
	texts("/ # \033[6n", "shell", "shell", "--timeout");
	/* nothing to say of a guest that worked, or of a stranger's end */
	e = said("hello\n");
	assert_false(diagnose(&e, &d));
	e = said("reboot: Power down\n");
	e.event = VM_OFF;
	assert_false(diagnose(&e, &d));
}

static struct evidence mute(enum vm_event event)
{
	struct evidence e = said("");

	e.event = event;
	e.seconds = 1.2;
	e.uart = e.uart_writes = 0;
	return e;
}

/* The seed case: a kernel and an initrd, and it is over without a word. */
static void consoles(void **state)
{
	struct evidence e = mute(VM_OFF);

	e.append = "console=hvc0 root=/dev/vda";
	check(&e, "console", "console=hvc0 is a device that this machine does "
	      "not have", "--console stdio");
	check(&e, "console", "it ran 1.2 s and powered off", "ttyAMA0");
	e.event = VM_RESET;
	e.append = "console=ttyS0,115200";
	check(&e, "console", "console=ttyS0 ", "console=ttyAMA0");
	check(&e, "console", "reset itself", "");
	e.append = "root=/dev/vda";
	check(&e, "console", "has no console=", "console=ttyAMA0");
	e.append = "console=ttyAMA0";
	e.serial_null = true;
	check(&e, "console", "leads nowhere", "--serial stdio");
	/* one of two is there */
	e = mute(VM_OFF);
	e.append = "console=ttyS0 console=ttyAMA0";
	check(&e, "no-driver", "lack the driver", "console=hvc0");
	e.append = "console=hvc0";
	e.hvc = true;
	check(&e, "no-driver", "lack the driver", "console=ttyAMA0");
}

static void crashes(void **state)
{
	struct evidence e = mute(VM_CRASH);

	e.others = 0;
	e.mmu = false;
	e.pc = e.far = 0x200;
	e.esr = 0x86000010;
	check(&e, "early-crash", "before it had a handler", "pome inspect");
	e.pc = 0x70080000;
	e.esr = 0x02000000;
	check(&e, "early-crash", "no code", "whole");
	e.esr = 0x96000010;
	e.far = 0x9000000;
	check(&e, "early-crash", "0x9000000", "earlycon");
	e.mmu = true;
	e.pc = 0xffff800008000000;
	check(&e, "early-crash", "page tables", "--memory");
	e.is_linux = false;
	e.append = NULL;
	e.pc = 0x70080000;
	check(&e, "early-crash", "0x9000000", "this board");
}

/* What was started is a ROM: nobody is asked about a kernel. */
static void roms(void **state)
{
	struct evidence e = mute(VM_CRASH);
	struct diagnosis d;

	e.is_linux = e.mmu = false;
	e.append = NULL;
	e.others = 0;
	e.rom_base = 0x100000;
	e.rom_size = 0x100000;
	e.mac = true;
	e.pc = e.far = 0x200;
	e.esr = 0x86000010;
	check(&e, "early-crash", "before it had a handler", "AVPBooter");
	e.pc = 0x100040;
	e.esr = 0x02000000;
	d = check(&e, "early-crash", "no code", "0x100000");
	assert_null(strstr(d.next, "kernel"));
	e.esr = 0x96000010;
	e.far = 0x9000000;
	check(&e, "early-crash", "0x9000000", "--firmware builtin");
	e.mac = false;
	check(&e, "early-crash", "0x9000000", "UEFI");

	/* a branch to itself at the first instruction */
	e = (struct evidence){ .event = VM_TIMEOUT, .seconds = 3, .cpu = true,
			       .el = 1, .pc = 0x100000, .rom_base = 0x100000,
			       .rom_size = 0x100000, .mac = true };
	d = check(&e, "rom-untouched", "never touched a device", "whole");
	assert_null(strstr(d.next, "kernel"));
	e.mac = false;
	check(&e, "rom-untouched", "never touched a device", "UEFI");

	/* as Apple's where there is nothing to start */
	e.mac = e.idle = true;
	e.others = 40;
	e.pc = 0x10040c;
	check(&e, "rom-waits", "0x10040c, waiting", "role=aux");
	e.aux = true;
	e.idle = false;
	check(&e, "rom-waits", "0x10040c, as", "belong to this --ecid");
	e.pc = 0x70000000;              /* it has started something */
	check(&e, "silent", "runs", "address");
	e.pc = 0x10040c;
	e.event = VM_RESET;
	check(&e, "silent-exit", "reset itself", "address");
	e.resets = 5;
	check(&e, "reset-loop", "5 times", "--ecid");
}

static void circles(void **state)
{
	struct evidence e = mute(VM_RESET);

	e.resets = 5;
	e.uart_writes = 20;
	check(&e, "reset-loop", "5 times", "--no-reboot");
	e = said("booting\n");
	e.event = VM_RESET;
	e.resets = 7;
	check(&e, "reset-loop", "7 times", "printed before");
	/* a spin: the same page each second */
	e = mute(VM_TIMEOUT);
	e.others = 0;
	e.npcs = 8;
	for (int i = 0; i < 8; i++)
		e.pcs[i] = 0x70081000 + 4 * (uint64_t)i;
	check(&e, "spin", "0x70081000 and 0x7008101c", "earlycon");
	e.is_linux = false;
	e.append = NULL;
	check(&e, "spin", "turns in a circle", "never touched a device");
	e.pcs[3] = 0x70200000;
	check(&e, "untouched", "never touched a device", "whole");
	e.idle = true;
	check(&e, "asleep", "interrupt", "address");
}

static void silences(void **state)
{
	struct evidence e = mute(VM_TIMEOUT);

	e.uart_writes = 20;
	e.append = "console=ttyAMA0 quiet";
	check(&e, "quiet", "quiet", "leave quiet");
	e.append = "console=ttyAMA0 loglevel=0";
	check(&e, "quiet", "loglevel", "leave quiet");
	e.append = "console=ttyAMA0";
	check(&e, "quiet", "printed nothing", "ignore_loglevel");
	e = mute(VM_OFF);
	e.others = 3;
	check(&e, "silent-exit", "powered itself off 1.2 s", "earlycon");
	e.event = VM_TIMEOUT;
	check(&e, "silent", "runs", "earlycon");
}

/* Whatever it is given it answers, and reads not a byte past the end. */
static void anything(void **state)
{
	static const char *const bits[] = {
		"Initramfs unpacking failed: ", "Requested init ",
		"Failed to execute ", PANIC, "exitcode=", "root=", "console=",
		"Attempted to kill init! exitcode=", "\n", "ALERT!", "\033[6n",
		"No filesystem could mount root, tried:", "\xff",
		"does not exist", "No working init found", "panic(cpu ", "login:", "#",
	};
	struct diagnosis d;

	srand(1);
	for (int i = 0; i < 20000; i++) {
		char text[400] = "", *exact;
		struct evidence e;

		for (int k = rand() % 6; k >= 0; k--)
			strcat(text, bits[rand() % 18]);
		e = said("");
		e.len = strlen(text) - (size_t)rand() % (strlen(text) + 1);
		exact = malloc(e.len + 1);
		memcpy(exact, text, e.len);
		e.text = exact;
		e.printed = e.len;
		e.event = (enum vm_event)(rand() % 9);
		e.append = rand() % 2 ? text : NULL;
		e.disks = rand() % 40;
		if (diagnose(&e, &d))
			assert_non_null(d.code);
		free(exact);
	}
}

static bool stuck(const char *text)
{
	size_t len = strlen(text);
	char *exact = malloc(len + 1);
	bool is;

	memcpy(exact, text, len);
	is = diagnose_stuck(exact, len);
	free(exact);
	return is;
}

/* The line must be the last one: a log that is shown, a reboot and a shell's
 * prompt after it are no stop. */
static void stops(void **state)
{
	const char *line = "[    1.5] ---[ end Kernel panic - not syncing: "
			   "VFS: Unable to mount root fs ]---";
	char text[300];

	snprintf(text, sizeof(text), "[    1.4] CPU: 0\r\n%s\r\n", line);
	assert_true(stuck(text));
	assert_true(stuck(line));
	assert_true(stuck("---[ end Kernel panic - not syncing: x"));
	assert_false(stuck(""));
	assert_false(stuck("\n\n \r\n"));
	assert_false(stuck("---[ end Kernel panic - not sync"));
	assert_false(stuck("Kernel panic - not syncing: x\n"));
	snprintf(text, sizeof(text), "%s\r\n# ", line);
	assert_false(stuck(text));
	snprintf(text, sizeof(text), "%s\nRebooting in 5 seconds..", line);
	assert_false(stuck(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initrds), cmocka_unit_test(roots),
		cmocka_unit_test(inits), cmocka_unit_test(others),
		cmocka_unit_test(consoles), cmocka_unit_test(crashes),
		cmocka_unit_test(roms),
		cmocka_unit_test(circles), cmocka_unit_test(silences),
		cmocka_unit_test(anything), cmocka_unit_test(stops),
	};

	return cmocka_run_group_tests_name("diagnose", tests, NULL, NULL);
}
