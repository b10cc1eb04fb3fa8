/* Why a guest ended early, or says nothing: rules from the surest evidence to
 * the weakest, the first that fits wins. diagnose.h. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "diagnose.h"

#define MIB(n) ((unsigned long long)((n) >> 20))
#define RESETS 3                        /* so many without a pause: a circle */
#define MANY 100                        /* accesses: devices were set up */
#define VECTORS 0x800                   /* bytes of a table of handlers */
#define SET_UP 5                        /* writes: the UART has a console */

static bool say(struct diagnosis *d, const char *code, const char *why,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* `why` stands in d->why already where it is NULL. */
static bool say(struct diagnosis *d, const char *code, const char *why,
		const char *fmt, ...)
{
	va_list ap;

	d->code = code;
	if (why)
		snprintf(d->why, sizeof(d->why), "%s", why);
	va_start(ap, fmt);
	vsnprintf(d->next, sizeof(d->next), fmt, ap);
	va_end(ap);
	return true;
}

static void because(struct diagnosis *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void because(struct diagnosis *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->why, sizeof(d->why), fmt, ap);
	va_end(ap);
}

/* ---- looking things up ------------------------------------------------- */

static const char *find(const struct evidence *e, const char *what)
{
	return e->len ? memmem(e->text, e->len, what, strlen(what)) : NULL;
}

/* The rest of the line behind p, printable, without its end of blanks. */
static void rest_of_line(const struct evidence *e, const char *p, char *out,
			 size_t len)
{
	const char *end = e->text + e->len;
	size_t n = 0;

	while (p < end && n + 1 < len && *p != '\n' && *p != '\r') {
		if (isprint((unsigned char)*p))
			out[n++] = *p;
		p++;
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = 0;
}

/* What `what` is followed by in its line; false where it isn't there. */
static bool after(const struct evidence *e, const char *what, char *out,
		  size_t len)
{
	const char *p = find(e, what);

	if (!p)
		return false;
	rest_of_line(e, p + strlen(what), out, len);
	return true;
}

/* The value of a parameter of the command line; the last one counts. */
static bool parameter(const struct evidence *e, const char *name, char *out,
		      size_t len)
{
	const char *p = e->append, *hit = NULL;
	size_t n = strlen(name);

	while (p && *p) {
		while (*p == ' ')
			p++;
		if (!strncmp(p, name, n) && p[n] == '=')
			hit = p + n + 1;
		p += strcspn(p, " ");
	}
	if (!hit)
		return false;
	snprintf(out, len, "%.*s", (int)strcspn(hit, " "), hit);
	return true;
}

static bool ended(const struct evidence *e)
{
	return e->event == VM_OFF || e->event == VM_RESET;
}

/* ---- what a Linux kernel says ------------------------------------------- */

/* Some of the archive was no archive: the kernel goes on without it, and what
 * fails then is a consequence. */
static bool bad_initrd(const struct evidence *e, struct diagnosis *d)
{
	char how[80] = "";

	if (!after(e, "Initramfs unpacking failed: ", how, sizeof(how)) &&
	    !after(e, "rootfs image is not initramfs (", how, sizeof(how)))
		return false;
	how[strcspn(how, ")")] = 0;
	/* Only where it mattered. */
	if (!find(e, "Kernel panic") && !find(e, "does not exist"))
		return false;
	if (strstr(how, "write error")) {
		because(d, "the initial RAM disk did not fit into the guest's "
			"memory of %llu MiB when the kernel unpacked it",
			MIB(e->ram));
		return say(d, "initrd-memory", NULL, "give it more: --memory "
			   "%lluM", MIB(e->ram) * 2);
	}
	because(d, "the kernel could not unpack the initial RAM disk (%s), so "
		"there was no first program to start", how);
	if (strstr(how, "not configured") || strstr(how, "unknown"))
		return say(d, "initrd-format", NULL, "it is packed in a way "
			   "that this kernel does not know: unpack it (gunzip, "
			   "unxz, unzstd) and give the plain cpio archive to "
			   "--initrd");
	return say(d, "initrd-damaged", NULL, "check that --initrd names a "
		   "whole file (lsinitramfs FILE, or file FILE, say what it "
		   "is), and copy it again");
}

/* "/init" of an initrd, or init= of a root. */
static bool no_init(const struct evidence *e, struct diagnosis *d)
{
	char name[80], what[80];
	const char *p;

	p = find(e, "Requested init ");
	if (p) {
		rest_of_line(e, p + 15, name, sizeof(name));
		name[strcspn(name, " ")] = 0;
		because(d, "init= in the command line names %s, which is not "
			"there or does not run on this CPU", name);
		return say(d, "no-init", NULL, "correct init= in --append, or "
			   "leave it out");
	}
	if (!find(e, "No working init found") && !find(e, "No init found"))
		return false;
	if (after(e, "Failed to execute ", what, sizeof(what)) &&
	    strstr(what, "error -8")) {
		what[strcspn(what, " ")] = 0;
		because(d, "%s is no program for arm64, so the kernel had "
			"nothing to start", what);
		return say(d, "no-init", NULL, "use a root file system or "
			   "--initrd built for arm64 (file FILE names what it "
			   "is for)");
	}
	return say(d, "no-init", "the kernel found its root file system, but "
		   "none of /init, /sbin/init, /etc/init, /bin/init and /bin/sh "
		   "in it that runs", "look whether --disk or --initrd is the "
		   "whole system (arm64, with its libraries), or name its first "
		   "program with init= in --append");
}

static void name_disks(const struct evidence *e, char *out, size_t len)
{
	if (!e->disks)
		snprintf(out, len, "the machine has no disk");
	else if (e->disks == 1)
		snprintf(out, len, "the machine's one disk is /dev/vda");
	else
		snprintf(out, len, "the machine's disks are /dev/vda to "
			 "/dev/vd%c", 'a' + (e->disks < 26 ? e->disks : 26) -
			 1);
}

/* The file systems that the kernel tried on its root device: words in the lines
 * up to the panic, each line behind a time stamp. False: it did not come to
 * that. */
static bool tried_systems(const struct evidence *e, char *out, size_t len)
{
	const char *p = find(e, "No filesystem could mount root, tried:");
	const char *end = p ? memmem(p, (size_t)(e->text + e->len - p),
				     "Kernel panic", 12) : NULL;
	size_t n = 0;

	for (p = end ? strchr(p, ':') + 1 : NULL; p && p < end; p++) {
		if (*p == '[')
			while (p < end && *p != ']')
				p++;
		else if (isalnum((unsigned char)*p) && n + 2 < len)
			out[n++] = *p;
		else if (n && out[n - 1] != ' ' && n + 2 < len)
			out[n++] = ' ';
	}
	out[n && out[n - 1] == ' ' ? n - 1 : n] = 0;
	return end;
}

static bool no_root(const struct evidence *e, struct diagnosis *d)
{
	static const char *const signs[] = {
		"Unable to mount root fs", "Cannot open root device",
		"Waiting for root device", "Gave up waiting for root",
		"ALERT!", "dracut-initqueue timeout",
		"Warning: Could not boot",
	};
	char root[80], disks[64], tried[80];
	size_t i = 0;

	while (i < sizeof(signs) / sizeof(signs[0]) && !find(e, signs[i]))
		i++;
	if (i == sizeof(signs) / sizeof(signs[0]))
		return false;
	name_disks(e, disks, sizeof(disks));
	if (!parameter(e, "root", root, sizeof(root)) && e->initrd) {
		if (!parameter(e, "rdinit", tried, sizeof(tried)))
			strcpy(tried, "/init");
		because(d, "the initial RAM disk does not hold %s, the first "
			"program that the kernel is to start, and no root= "
			"names another system (%s)", tried, disks);
		return say(d, "no-init", NULL, "give an --initrd that has it, "
			   "or --disk FILE with root=/dev/vda in --append");
	}
	if (!parameter(e, "root", root, sizeof(root))) {
		because(d, "the kernel was not told where its root file system "
			"is (no root= in the command line, no --initrd), and "
			"%s", disks);
		return say(d, "root-missing", NULL, "%s", e->disks ?
			   "add root=/dev/vda to --append (/dev/vda1 for its "
			   "first partition)" : "give --initrd, or --disk FILE "
			   "with root=/dev/vda in --append");
	}
	if (tried_systems(e, tried, sizeof(tried)) && *tried) {
		because(d, "the disk that root=%s names is there, but the "
			"kernel knows no file system on it (tried: %s)", root,
			tried);
		return say(d, "root-filesystem", NULL, "is it a partition "
			   "(root=/dev/vda1) that holds the system? If it is, "
			   "the kernel needs its driver in --initrd");
	}
	because(d, "the root file system root=%s was not found; %s", root,
		disks);
	if (!e->disks)
		return say(d, "root-missing", NULL, "give the disk with --disk "
			   "FILE");
	return say(d, "root-missing", NULL, "name one of them, with the number "
		   "of the partition, as in root=/dev/vda1%s", e->initrd ? "" :
		   "; a distribution's kernel also needs its --initrd, which "
		   "has the driver of the disk");
}

/* exitcode=0x0000007f: a status in the second byte, a signal in the first. */
static bool init_died(const struct evidence *e, struct diagnosis *d)
{
	char code[24] = "";
	unsigned long v;

	if (!after(e, "Attempted to kill init! exitcode=", code, sizeof(code)))
		return false;
	v = strtoul(code, NULL, 16);
	if ((v & 0x7f) == 4)
		return say(d, "init-illegal", "the guest's first program used "
			   "an instruction that this CPU does not have (it "
			   "ended by signal 4, SIGILL)", "try another --cpu "
			   "profile, or a system built for plain ARMv8-A");
	if (v & 0x7f)
		because(d, "the guest's first program ended by signal %lu, and "
			"without it Linux stops", v & 0x7f);
	else
		because(d, "the guest's first program ended with status %lu, "
			"and without it Linux stops", v >> 8 & 0xff);
	return say(d, "init-ended", NULL, "the lines that it printed before say "
		   "why; to look around, start a shell instead: init=/bin/sh "
		   "(or rdinit=/bin/sh) in --append");
}

static bool no_memory(const struct evidence *e, struct diagnosis *d)
{
	if (!find(e, "Out of memory") && !find(e, "out of memory") &&
	    !find(e, "System is deadlocked on memory") &&
	    !find(e, "Cannot allocate memory") &&
	    !find(e, "Failed to allocate"))
		return false;
	because(d, "the guest ran out of its %llu MiB of RAM", MIB(e->ram));
	return say(d, "memory", NULL, "give it more: --memory %lluM",
		   MIB(e->ram) * 2);
}

static bool oops(const struct evidence *e, struct diagnosis *d)
{
	static const char *const signs[] = {
		"Unable to handle kernel ", "Internal error: ", "kernel BUG at ",
	};
	char what[100];

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (!after(e, signs[i], what, sizeof(what)))
			continue;
		because(d, "the kernel itself failed: %s%s", signs[i], what);
		return say(d, "oops", NULL, "the call trace above names the "
			   "function; try another kernel version, and if the "
			   "same one runs elsewhere, report it with --verbose's "
			   "output");
	}
	return false;
}

static bool panicked(const struct evidence *e, struct diagnosis *d)
{
	char what[160];

	if (after(e, "Kernel panic - not syncing: ", what, sizeof(what)))
		because(d, "the kernel gave up: %s", what);
	else if (after(e, "panic(cpu ", what, sizeof(what)))
		because(d, "macOS's kernel gave up: panic(cpu %s", what);
	else
		return false;
	return say(d, "panic", NULL, "the lines before the panic say what led "
		   "to it");
}

/* ---- what user space and firmware say ----------------------------------- */

static bool emergency(const struct evidence *e, struct diagnosis *d)
{
	char what[80];

	if (!find(e, "You are in emergency mode") &&
	    !find(e, "Give root password for maintenance"))
		return false;
	if (after(e, "Timed out waiting for device ", what, sizeof(what)))
		because(d, "systemd stopped in its emergency mode because a "
			"file system of /etc/fstab is not there: %s", what);
	else
		because(d, "systemd stopped in its emergency mode, mostly "
			"because a file system of /etc/fstab is not there");
	return say(d, "emergency", NULL, "give that disk with --disk, or put "
		   "nofail into its line in the guest's /etc/fstab");
}

static bool no_loader(const struct evidence *e, struct diagnosis *d)
{
	if (!find(e, "No bootable option or device was found") &&
	    !find(e, "BdsDxe: failed to load") &&
	    !find(e, "BdsDxe: No bootable option") &&
	    !find(e, "UEFI Interactive Shell"))
		return false;
	because(d, "the UEFI firmware found no boot loader%s", e->disks ?
		" on the machine's disks" : ": the machine has no disk");
	return say(d, "no-loader", NULL, "%s", e->disks ? "is it the disk of an "
		   "arm64 system with an EFI partition (\\EFI\\BOOT\\"
		   "BOOTAA64.EFI)? Else start its kernel directly: --kernel, "
		   "--initrd, --append" : "give it with --disk FILE");
}

static bool halted(const struct evidence *e, struct diagnosis *d)
{
	if (!find(e, "reboot: System halted") || ended(e))
		return false;
	return say(d, "halted", "the guest halted, which stops its programs "
		   "but does not switch the machine off", "in the guest use "
		   "poweroff; here Ctrl-a x ends the machine");
}

/* How much there is without blanks at the end, and without a shell's question
 * to the terminal (ESC [ 6 n). */
static size_t without_end(const struct evidence *e)
{
	size_t n = e->len;

	if (n >= 4 && !memcmp(e->text + n - 4, "\033[6n", 4))
		n -= 4;
	while (n && isspace((unsigned char)e->text[n - 1]))
		n--;
	return n;
}

/* It waits for a person: no failure. */
static bool prompt(const struct evidence *e, struct diagnosis *d)
{
	size_t n = without_end(e);

	if (e->event != VM_TIMEOUT)
		return false;
	if (n >= 6 && !memcmp(e->text + n - 6, "login:", 6))
		return say(d, "login", "the guest is up and waits at its login "
			   "prompt", "leave --timeout out, or make it longer "
			   "than the work in the guest takes");
	if (n && e->len > n && (e->text[n - 1] == '#' ||
				e->text[n - 1] == '$'))
		return say(d, "shell", "the guest is up and waits at a shell's "
			   "prompt", "leave --timeout out, or make it longer "
			   "than the work in the guest takes");
	return false;
}

/* ---- silence ------------------------------------------------------------- */

/* Does the board have what console= names? */
static bool console_here(const struct evidence *e, const char *name)
{
	if (!strncmp(name, "hvc", 3))
		return e->hvc;
	return !strncmp(name, "ttyAMA", 6) && !e->serial_null;
}

static bool wrong_console(const struct evidence *e, struct diagnosis *d)
{
	char name[40] = "", how[100];

	if (e->printed || !e->is_linux || !e->append)
		return false;
	for (const char *p = e->append; (p = strstr(p, "console=")); p += 8) {
		if (p != e->append && p[-1] != ' ')
			continue;
		snprintf(name, sizeof(name), "%.*s",
			 (int)strcspn(p + 8, " ,"), p + 8);
		if (console_here(e, name))
			return false;
	}
	if (e->event == VM_OFF)
		snprintf(how, sizeof(how), "it ran %.1f s and powered off",
			 e->seconds);
	else if (e->event == VM_RESET)
		snprintf(how, sizeof(how), "it ran %.1f s and reset itself",
			 e->seconds);
	else if (e->event == VM_PANIC)
		snprintf(how, sizeof(how), "it panicked");
	else
		snprintf(how, sizeof(how), "it seems to run");
	if (!*name)
		because(d, "the kernel's command line has no console=, so "
			"nothing that the guest said could be seen (%s)", how);
	else if (!strncmp(name, "ttyAMA", 6))
		because(d, "console=%s is the serial port, which leads nowhere "
			"here, so nothing that the guest said could be seen "
			"(%s)", name, how);
	else
		because(d, "console=%s is a device that this machine does not "
			"have, so nothing that the guest said could be seen "
			"(%s)", name, how);
	return say(d, "console", NULL, "%s", !strncmp(name, "hvc", 3) ?
		   "add --console stdio, or say console=ttyAMA0 in --append" :
		   e->serial_null ? "say console=hvc0 in --append with "
		   "--console stdio, or --serial stdio" :
		   "say console=ttyAMA0 in --append (or console=hvc0, with "
		   "--console stdio)");
}

/* A ROM of Apple's that finds no first stage asks for a reset, or waits. */
#define STAGE_ADVICE "%s; --firmware builtin says what it finds there and " \
		     "which check fails"

static const char *stage_advice(const struct evidence *e)
{
	return e->aux ? "does the auxiliary store belong to this --ecid? "
			"(--dfu where the first stage comes by USB)" :
			"give the auxiliary store with --disk FILE,role=aux "
			"and its --ecid (or --dfu where the first stage comes "
			"by USB)";
}

static bool going_round(const struct evidence *e, struct diagnosis *d)
{
	if (e->resets < RESETS)
		return false;
	because(d, "the guest resets itself again and again (%llu times so "
		"far, the last time after %.1f s)%s",
		(unsigned long long)e->resets, e->seconds,
		e->printed ? "" : " and prints nothing");
	if (!e->printed && e->rom_size && e->mac)
		return say(d, "reset-loop", NULL, STAGE_ADVICE,
			   stage_advice(e));
	return say(d, "reset-loop", NULL, "%s", e->printed ? "--no-reboot ends "
		   "at the first reset, and what the guest printed before it "
		   "says why" : "--no-reboot ends at the first reset and shows "
		   "where it was; add earlycon to --append to see what the "
		   "kernel says before it has a console");
}

static bool in_rom(const struct evidence *e, uint64_t pc)
{
	return pc >= e->rom_base && pc - e->rom_base < e->rom_size;
}

/* The file of a ROM that crashed or does nothing is the first suspect. */
static bool say_rom(const struct evidence *e, struct diagnosis *d,
		    const char *code)
{
	if (!e->mac)
		return say(d, code, NULL, "is it UEFI firmware for arm64 and "
			   "QEMU's virt machine (QEMU_EFI.fd, AAVMF_CODE.fd), "
			   "and whole? Without --firmware pome looks for the "
			   "host's");
	return say(d, code, NULL, "is it a boot ROM, and whole: A64 code for "
		   "0x%llx that begins with its first instruction (Apple's is "
		   "AVPBooter.vmapple2.bin: pome-vmapple(7))? --firmware "
		   "builtin is pome's own, whose monitor shows what is there",
		   (unsigned long long)e->rom_base);
}

/* Apple's prints nothing, and loops or sleeps where it finds no first stage
 * that it takes (spec/vmapple.md section 1.3). */
static bool rom_waits(const struct evidence *e, struct diagnosis *d)
{
	if (e->printed || !e->rom_size || !e->mac || e->event == VM_CRASH ||
	    ended(e) || !e->cpu || !in_rom(e, e->pc) || !(e->others || e->idle))
		return false;
	because(d, "the boot ROM has printed nothing and is still in its own "
		"code, at 0x%llx%s, as Apple's is where it finds no first "
		"stage that it takes", (unsigned long long)e->pc,
		e->idle ? ", waiting" : "");
	return say(d, "rom-waits", NULL, STAGE_ADVICE, stage_advice(e));
}

/* Before the kernel has its page tables on, or right behind. */
static bool early_crash(const struct evidence *e, struct diagnosis *d)
{
	uint64_t end = e->ram_base + e->ram;
	unsigned ec = (unsigned)(e->esr >> 26) & 0x3f;

	if (e->event != VM_CRASH || e->printed || !e->cpu)
		return false;
	if (e->mmu && e->pc >= end && !e->rom_size)
		because(d, "the kernel crashed after it had switched its page "
			"tables on and before it had a console");
	else if (e->pc == e->far && e->pc < VECTORS)
		because(d, "the guest met an exception %.1f s after the start, "
			"before it had a handler for any", e->seconds);
	else if (((e->pc >= e->ram_base && e->pc < end) ||
		  in_rom(e, e->pc)) && ec == 0)
		because(d, "the guest ran into something that is no code %.1f s "
			"after the start, at 0x%llx", e->seconds,
			(unsigned long long)e->pc);
	else if (ec == 0x25 || ec == 0x21)
		because(d, "the guest touched an address where nothing is, "
			"0x%llx, %.1f s after the start",
			(unsigned long long)e->far, e->seconds);
	else
		because(d, "the guest crashed %.1f s after the start, before "
			"it printed anything", e->seconds);
	if (e->rom_size)
		return say_rom(e, d, "early-crash");
	if (!e->is_linux)
		return say(d, "early-crash", NULL, "is it a program for this "
			   "board (pome run --verbose prints its map), linked "
			   "for where it is loaded?");
	return say(d, "early-crash", NULL, "check that the kernel file is whole "
		   "and for arm64 (pome inspect FILE; copy it again), and give "
		   "it room (--memory; it has %llu MiB); --append "
		   "'console=ttyAMA0 earlycon' shows how far it comes",
		   MIB(e->ram));
}

/* It did a lot, with devices too, and never spoke to a port that it was told
 * to use. */
static bool no_driver(const struct evidence *e, struct diagnosis *d)
{
	const char *con = e->append ? bundle_last_console(e->append) : NULL;
	bool hvc = con && !strncmp(con, "hvc", 3);

	if (e->printed || !e->is_linux || e->others < MANY ||
	    (hvc ? e->console : e->uart_writes))
		return false;
	because(d, "the kernel runs (it has set up other devices) but never "
		"used the console that its command line names, so it seems to "
		"lack the driver of it");
	return say(d, "no-driver", NULL, "%s", hvc ? "try the serial port: "
		   "--serial stdio with console=ttyAMA0 (its driver is "
		   "CONFIG_SERIAL_AMBA_PL011_CONSOLE)" : "try the virtio "
		   "console: --console stdio with console=hvc0 in --append "
		   "(CONFIG_VIRTIO_CONSOLE); or a kernel with "
		   "CONFIG_SERIAL_AMBA_PL011_CONSOLE");
}

/* It used its console for setting it up only. */
static bool hushed(const struct evidence *e, struct diagnosis *d)
{
	char dummy[8];
	bool quiet = e->append && (strstr(e->append, "quiet") ||
				   parameter(e, "loglevel", dummy,
					     sizeof(dummy)));

	if (e->printed || !e->is_linux ||
	    (e->uart_writes < SET_UP && !e->console))
		return false;
	because(d, "the kernel found its console and printed nothing%s",
		quiet ? ", as quiet or loglevel= in its command line ask" : "");
	return say(d, "quiet", NULL, "%s", quiet ? "leave quiet and loglevel= "
		   "out of --append to see how far it comes" : "add "
		   "ignore_loglevel to --append to see how far it comes");
}

static bool all_near(const struct evidence *e, uint64_t *lo, uint64_t *hi)
{
	*lo = UINT64_MAX;
	*hi = 0;
	for (int i = 0; i < e->npcs; i++) {
		*lo = e->pcs[i] < *lo ? e->pcs[i] : *lo;
		*hi = e->pcs[i] > *hi ? e->pcs[i] : *hi;
	}
	return e->npcs >= 3 && *hi - *lo < 4096;
}

static bool silent(const struct evidence *e, struct diagnosis *d)
{
	const char *earlycon = e->is_linux ? "add earlycon to --append: then "
		"the kernel speaks before it has a console" : "look the "
		"address up in the program (--verbose says where it was "
		"loaded)";
	uint64_t lo, hi;

	if (e->printed || e->event == VM_CRASH)
		return false;
	if (e->rom_size && !e->others && !e->uart) {
		because(d, "the boot ROM ran %.1f s, printed nothing and never "
			"touched a device", e->seconds);
		return say_rom(e, d, "rom-untouched");
	}
	if (ended(e)) {
		because(d, "the guest %s %.1f s after the start without having "
			"printed anything", e->event == VM_OFF ?
			"powered itself off" : "reset itself", e->seconds);
		return say(d, "silent-exit", NULL, "%s", earlycon);
	}
	if (all_near(e, &lo, &hi)) {
		because(d, "the guest turns in a circle: its CPU 0 was between "
			"0x%llx and 0x%llx whenever it was looked at, and it "
			"printed nothing", (unsigned long long)lo,
			(unsigned long long)hi);
		return say(d, "spin", NULL, "%s%s", e->others ? "" :
			   "it never touched a device, so it is stuck right "
			   "after the start (a kernel for another board, or "
			   "not whole?); ", earlycon);
	}
	if (e->cpu && e->idle && !e->others)
		return say(d, "asleep", "the guest waits for an interrupt and "
			   "has set up nothing that could send one", "%s",
			   earlycon);
	if (!e->others && !e->uart) {
		because(d, "the guest printed nothing and never touched a "
			"device");
		return say(d, "untouched", NULL, "is it a whole kernel for "
			   "arm64 (pome inspect FILE)? If so, %s", earlycon);
	}
	because(d, "the guest runs and has printed nothing");
	return say(d, "silent", NULL, "%s", earlycon);
}

bool diagnose_stuck(const char *text, size_t len)
{
	static const char mark[] = "---[ end Kernel panic - not syncing";
	size_t at;

	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	for (at = len; at && text[at - 1] != '\n'; at--)
		;
	return len > at && memmem(text + at, len - at, mark, sizeof(mark) - 1);
}

bool diagnose(const struct evidence *e, struct diagnosis *d)
{
	static bool (*const rules[])(const struct evidence *,
				     struct diagnosis *) = {
		bad_initrd, no_init, no_root, init_died, no_memory, oops,
		panicked, emergency, no_loader, halted, prompt,
		wrong_console, going_round, rom_waits, early_crash, no_driver, hushed,
		silent,
	};

	memset(d, 0, sizeof(*d));
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i](e, d))
			return true;
	return false;
}
