/* The options of `pome run`: design/cli.md. Parsing only; nothing is opened.
 *
 * GNU habits: -k FILE, -kFILE, --kernel FILE, --kernel=FILE, "--" ends the
 * options, options and the bundle's name may come in any order, later options
 * win. No abbreviations: a script that relies on one breaks with the next
 * option. In values made of parts (FILE,KEY=VAL) two commas stand for one. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_parts.h"
#include "tty_tcp.h"
#include "vm.h"

enum opt {
	OPT_MACHINE, OPT_KERNEL, OPT_INITRD, OPT_APPEND, OPT_FIRMWARE, OPT_EFI_VARS,
	OPT_DTB,
	OPT_DEVICETREE, OPT_TRUSTCACHE, OPT_RAMDISK,
	OPT_DUMP_DTB, OPT_MEMORY, OPT_CPUS, OPT_DISK,
	OPT_READONLY, OPT_EPHEMERAL, OPT_ALLOW_BACKING, OPT_NET, OPT_SERIAL,
	OPT_CONSOLE, OPT_DISPLAY, OPT_CONTROL, OPT_ACCEL, OPT_CPU,
	OPT_ECID, OPT_IDENTITY, OPT_FIRMWARE_POLICY, OPT_DFU, OPT_USB_DEVICE,
	OPT_GDB, OPT_CLOCK, OPT_SEED, OPT_TRACE, OPT_TRACE_HASH,
	OPT_CODE_CACHE, OPT_SANDBOX, OPT_NO_REBOOT, OPT_TIMEOUT, OPT_STATS,
	OPT_VERBOSE, OPT_QUIET, OPT_HELP, OPT_COUNT,
};

const struct cfg_opt config_options[] = {
	[OPT_MACHINE] = { 0, "machine", "vmapple|virt",
		"the board; virt is QEMU's, and starts UEFI (vmapple)" },
	[OPT_KERNEL] = { 'k', "kernel", "FILE",
		"arm64 Linux or XNU kernel, or a bare-metal A64 ELF" },
	[OPT_INITRD] = { 'i', "initrd", "FILE", "initial RAM disk" },
	[OPT_APPEND] = { 'a', "append", "STRING",
		"kernel command line (console=ttyAMA0)" },
	[OPT_FIRMWARE] = { 'f', "firmware", "FILE",
		"boot ROM at 0x100000; with --machine virt, UEFI firmware" },
	[OPT_EFI_VARS] = { 0, "efi-vars", "FILE",
		"UEFI variables of --machine virt; made if missing" },
	[OPT_DTB] = { 0, "dtb", "FILE", "use this device tree" },
	[OPT_DEVICETREE] = { 0, "devicetree", "FILE",
		"Apple device tree for an XNU kernel" },
	[OPT_TRUSTCACHE] = { 0, "trustcache", "FILE",
		"trust cache for an XNU kernel" },
	[OPT_RAMDISK] = { 0, "ramdisk", "FILE", "RAM disk for an XNU kernel" },
	[OPT_DUMP_DTB] = { 0, "dump-dtb", "FILE",
		"write the generated device tree and exit" },
	[OPT_MEMORY] = { 'm', "memory", "SIZE",
		"guest RAM, with K M G; a bare number is MiB (1G)" },
	[OPT_CPUS] = { 'p', "cpus", "N", "virtual CPUs, 1 to 32 (1)" },
	[OPT_DISK] = { 'd', "disk", "FILE[,KEY=VAL...]",
		"a disk: format=raw|qcow2, role=root|aux|data, readonly, "
		"serial=" },
	[OPT_READONLY] = { 0, "readonly", NULL, "every disk is read-only" },
	[OPT_EPHEMERAL] = { 0, "ephemeral", NULL,
		"what the guest writes to its disks is gone at the end" },
	[OPT_ALLOW_BACKING] = { 0, "allow-backing", NULL,
		"a qcow2 image may build on another file of its folder" },
	[OPT_NET] = { 'n', "net", "BACKEND[,KEY=VAL...]",
		"a card: user[,hostfwd=tcp:[ADDR]:PORT-:PORT], tap,ifname=, "
		"unix,path=, none; mac=" },
	[OPT_SERIAL] = { 0, "serial", "WHERE",
		"the UART: stdio, null, file:PATH, unix:PATH, "
		"tcp:HOST:PORT[,server], pty (stdio)" },
	[OPT_CONSOLE] = { 0, "console", "WHERE",
		"a virtio console, same values (none)" },
	[OPT_DISPLAY] = { 0, "display", "WHERE",
		"what firmware draws: none, file:PATH[,size=WxH] (none)" },
	[OPT_CONTROL] = { 0, "control", "unix:PATH", NULL },
	[OPT_ACCEL] = { 0, "accel", "auto|kvm|interp",
		"how the guest's CPU runs (auto)" },
	[OPT_CPU] = { 0, "cpu", "PROFILE[,FEAT=on|off...]",
		"CPU of the interpreter: generic, vmapple, qemu72" },
	[OPT_ECID] = { 0, "ecid", "NUMBER",
		"the machine's ECID, decimal or 0x and hex digits (0)" },
	[OPT_IDENTITY] = { 0, "identity", "KEY=VAL[,KEY=VAL...]",
		"serial=, model=, soc=, en0=, en1=, wifi0=, bt0=, seed=" },
	[OPT_FIRMWARE_POLICY] = { 0, "firmware-policy", "verify|permissive",
		"whether the built-in boot ROM starts what it cannot verify" },
	[OPT_DFU] = { 0, "dfu", NULL, "the boot ROM goes to DFU mode" },
	[OPT_USB_DEVICE] = { 0, "usb-device", "WHERE",
		"host end of the boot ROM's USB port: unix:PATH, none (none)" },
	[OPT_GDB] = { 0, "gdb", "WHERE[,wait]",
		"serve a debugger: tcp:[ADDR:]PORT, unix:PATH, none (none)" },
	[OPT_CLOCK] = { 0, "clock", "host|insn[,mips=N]",
		"guest time: the host's, or by executed instructions (host)" },
	[OPT_SEED] = { 0, "seed", "NUMBER",
		"the guest's random numbers and date follow from this" },
	[OPT_TRACE] = { 0, "trace", "WHAT[,...]",
		"log what the guest does: --trace help lists it" },
	[OPT_TRACE_HASH] = { 0, "trace-hash", "FILE",
		"write a hash of the state every million instructions" },
	[OPT_CODE_CACHE] = { 0, "code-cache", "SIZE",
		"memory for the interpreter's decoded code (automatic)" },
	[OPT_SANDBOX] = { 0, "sandbox", "on|off",
		"confine the process once its resources are open (on)" },
	[OPT_NO_REBOOT] = { 0, "no-reboot", NULL,
		"a guest reset ends the program" },
	[OPT_TIMEOUT] = { 0, "timeout", "SECONDS",
		"end with status 6 when the guest still runs" },
	[OPT_STATS] = { 0, "stats", "FILE", "at exit write counters as JSON" },
	[OPT_VERBOSE] = { 'v', "verbose", NULL, "say more; twice: even more" },
	[OPT_QUIET] = { 'q', "quiet", NULL, "only errors" },
	[OPT_HELP] = { 'h', "help", NULL, "this text" },
	[OPT_COUNT] = { 0, NULL, NULL, NULL },
};

/* What users of other launchers type, and ours for it (bundles.md 2.1). */
static const struct { const char *theirs, *ours; } foreign[] = {
	{ "--gui", "--display" }, { "-g", "--display" },
	{ "--pty", "--serial pty" }, { "--no-serial", "--serial null" },
	{ "--mac", "--net user,mac=" }, { "-c", "--cpus N" },
	{ "-r", "--memory SIZE" }, { "--ram", "--memory SIZE" },
	{ "--usb", "--disk FILE" }, { "--cmdline", "--append STRING" },
	{ "--kernel-cmdline", "--append STRING" },
	{ "-M", "--machine virt" }, { "-machine", "--machine virt" },
	{ "-smp", "--cpus N" }, { "--smp", "--cpus N" },
	{ "-bios", "--firmware FILE" }, { "-hda", "--disk FILE" },
	{ "-drive", "--disk FILE" }, { "--drive", "--disk FILE" },
	{ "-snapshot", "--ephemeral" }, { "--snapshot", "--ephemeral" },
	{ "-nic", "--net user" }, { "-netdev", "--net user" },
	{ "-nographic", "no option: the serial port is on the terminal" },
	{ "-s", "--gdb tcp:1234" }, { "-S", "--gdb tcp:1234,wait" },
	{ "-gdb", "--gdb tcp:PORT" }, { "-no-reboot", "--no-reboot" },
	{ "-dtb", "--dtb FILE" },
};

static char *copy(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();                /* a few bytes, before any guest */
	return p;
}

static int bad_option(struct err *e, const char *arg, const char *name,
		      int name_len)
{
	const char *names[OPT_COUNT];
	const char *near;
	char word[64];

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (!strncmp(foreign[i].theirs, arg, strcspn(arg, "=")) &&
		    strlen(foreign[i].theirs) == strcspn(arg, "="))
			return err_set(e, 0, "%s: not an option of pome; here "
				       "it is: %s", foreign[i].theirs,
				       foreign[i].ours);
	snprintf(word, sizeof(word), "%.*s", name_len, name);
	for (int i = 0; i < OPT_COUNT; i++)
		names[i] = config_options[i].name;
	near = config_nearest(word, names, OPT_COUNT);
	if (near)
		return err_set(e, 0, "%s%s: unknown option (did you mean "
			       "--%s?)", arg[1] == '-' ? "--" : "-", word, near);
	return err_set(e, 0, "%s%s: unknown option (try pome run --help)",
		       arg[1] == '-' ? "--" : "-", word);
}

static void set_str(char **slot, const char *value)
{
	free(*slot);
	*slot = copy(value);
}

static int parse_kernel(struct config *c, char *v, struct err *e)
{
	char *rest = v, *path = next_part(&rest), *part;

	if (!*path)
		return err_set(e, 0, "--kernel: the file name is empty");
	set_str(&c->kernel.path, path);
	c->kernel.from_bundle = false;
	c->kernel_flat = false;
	while ((part = next_part(&rest))) {
		char *val, *key = split_key(part, &val);

		if (strcmp(key, "format") || !val || strcmp(val, "flat"))
			return err_set(e, 0, "--kernel: '%s%s%s' is not known "
				       "after the file name; the one key is "
				       "format=flat (a comma in a file name is "
				       "written twice)", key, val ? "=" : "",
				       val ? val : "");
		c->kernel_flat = true;
	}
	return 0;
}

static int parse_disk(struct config *c, char *v, struct err *e)
{
	static const char *const keys[] = { "format", "role", "readonly",
					    "serial" };
	char *rest = v, *path = next_part(&rest), *part;
	struct cfg_disk *d;

	if (c->ndisks == CFG_MAX_DISKS)
		return err_set(e, 0, "--disk: more than %d disks",
			       CFG_MAX_DISKS);
	if (!*path)
		return err_set(e, 0, "--disk: the file name is empty");
	d = &c->disk[c->ndisks++];
	d->path = copy(path);
	while ((part = next_part(&rest))) {
		char *val, *key = split_key(part, &val);

		if (!strcmp(key, "readonly")) {
			if (val && strcmp(val, "on") && strcmp(val, "off"))
				return err_set(e, 0, "--disk: readonly=%s: "
					       "expected on or off", val);
			d->readonly = !val || !strcmp(val, "on");
		} else if (bare_key(key, val, keys, 4)) {
			return err_set(e, 0, "--disk: %s: a value is missing "
				       "(%s=...)", key, key);
		} else if (!strcmp(key, "format")) {
			if (!strcmp(val, "raw"))
				d->format = CFG_FMT_RAW;
			else if (!strcmp(val, "qcow2"))
				d->format = CFG_FMT_QCOW2;
			else
				return err_set(e, 0, "--disk: format=%s: "
					       "expected raw or qcow2", val);
			d->format_given = true;
		} else if (!strcmp(key, "role")) {
			if (!strcmp(val, "root"))
				d->role = CFG_ROLE_ROOT;
			else if (!strcmp(val, "aux"))
				d->role = CFG_ROLE_AUX;
			else if (!strcmp(val, "data"))
				d->role = CFG_ROLE_DATA;
			else
				return err_set(e, 0, "--disk: role=%s: expected "
					       "root, aux or data", val);
		} else if (!strcmp(key, "serial")) {
			if (strlen(val) >= sizeof(d->serial))
				return err_set(e, 0, "--disk: serial=%s: longer "
					       "than %zu characters", val,
					       sizeof(d->serial) - 1);
			for (const char *p = val; *p; p++)
				if (*p < 0x21 || *p > 0x7e)
					return err_set(e, 0, "--disk: serial=: "
						"only printable ASCII without "
						"blanks");
			strcpy(d->serial, val);
		} else {
			return bad_key(e, "disk", key, keys, 4,
				       "format, role, readonly, serial");
		}
	}
	return 0;
}

static int parse_tcp(struct cfg_tty *t, const char *opt, const char *v,
		     struct err *e)
{
	struct tty_tcp tcp;

	if (tty_tcp_parse(v + 4, &tcp, e))
		return err_at(e, "--%s %s: ", opt, v);
	t->where = CFG_TTY_TCP;
	t->path = copy(v + 4);
	return 0;
}

static int parse_tty(struct cfg_tty *t, const char *opt, const char *v,
		     struct err *e)
{
	static const char *const kinds[] = { "stdio", "null", "pty", "none" };
	const char *near;

	t->given = true;
	free(t->path);
	t->path = NULL;
	if (!strcmp(v, "stdio")) {
		t->where = CFG_TTY_STDIO;
	} else if (!strcmp(v, "null") || !strcmp(v, "none")) {
		/* A UART is always there; a console need not be. */
		t->where = CFG_TTY_NULL;
		if (v[1] == 'o' && !strcmp(opt, "console"))
			t->where = CFG_TTY_NONE;
	} else if (!strcmp(v, "pty")) {
		t->where = CFG_TTY_PTY;
	} else if (!strncmp(v, "file:", 5) || !strncmp(v, "unix:", 5)) {
		if (!v[5])
			return err_set(e, 0, "--%s %s: the path is missing",
				       opt, v);
		/* sun_path holds 108 bytes with its end */
		if (v[0] == 'u' && strlen(v + 5) > 107)
			return err_set(e, 0, "--%s %s: longer than the 107 "
				       "bytes that a socket's name may have",
				       opt, v);
		t->where = v[0] == 'f' ? CFG_TTY_FILE : CFG_TTY_UNIX;
		t->path = copy(v + 5);
	} else if (!strncmp(v, "tcp:", 4)) {
		return parse_tcp(t, opt, v, e);
	} else {
		near = config_nearest(v, kinds, 3);
		if (near)
			return err_set(e, 0, "--%s %s: unknown (did you mean "
				       "%s?)", opt, v, near);
		return err_set(e, 0, "--%s %s: expected stdio, null, "
			       "file:PATH, unix:PATH, tcp:HOST:PORT or pty",
			       opt, v);
	}
	return 0;
}

static int parse_cpu(struct config *c, char *v, struct err *e)
{
	static const char *const names[] = { "generic", "vmapple", "qemu72" };
	char *rest = v, *name = next_part(&rest), *part;
	const char *near;

	if (!strcmp(name, "generic")) {
		c->cpu = CFG_CPU_GENERIC;
	} else if (!strcmp(name, "vmapple")) {
		c->cpu = CFG_CPU_VMAPPLE;
	} else if (!strcmp(name, "qemu72")) {
		c->cpu = CFG_CPU_QEMU72;
	} else {
		near = config_nearest(name, names, 3);
		return err_set(e, 0, "--cpu %s: unknown profile (%s%s%s)", name,
			       near ? "did you mean " : "known: generic, "
			       "vmapple, qemu72", near ? near : "",
			       near ? "?" : "");
	}
	c->nfeats = 0;
	while ((part = next_part(&rest))) {
		char *val, *key = split_key(part, &val);
		struct cfg_feat *f = &c->feat[c->nfeats];

		if (!*key || strlen(key) >= sizeof(f->name))
			return err_set(e, 0, "--cpu: '%s' is no feature's name",
				       key);
		if (!val || (strcmp(val, "on") && strcmp(val, "off")))
			return err_set(e, 0, "--cpu: %s%s%s: expected %s=on or "
				       "%s=off", key, val ? "=" : "",
				       val ? val : "", key, key);
		if (c->nfeats == CFG_MAX_FEATS)
			return err_set(e, 0, "--cpu: more than %d features",
				       CFG_MAX_FEATS);
		strcpy(f->name, key);
		f->on = !strcmp(val, "on");
		c->nfeats++;
	}
	return 0;
}

/* "0x" and hex digits, or decimal ones; all 64 bits. */
static bool parse_u64(const char *v, uint64_t *out)
{
	int base = v[0] == '0' && (v[1] == 'x' || v[1] == 'X') ? 16 : 10;
	char *end;

	if (base == 16)
		v += 2;
	if (!isxdigit((unsigned char)*v))
		return false;
	errno = 0;
	*out = strtoull(v, &end, base);
	return !*end && !errno;
}

static int parse_ecid(struct config *c, const char *v, struct err *e)
{
	if (!parse_u64(v, &c->id.ecid))
		return err_set(e, 0, "--ecid %s: not a number of 64 bits (try "
			       "--ecid 0x1122334455667788)", v);
	c->id.has_ecid = true;
	return 0;
}

static int parse_id_string(const char *key, const char *val, char *to,
			   struct err *e)
{
	if (strlen(val) >= CFG_ID_STRING)
		return err_set(e, 0, "--identity: %s=%s: longer than %d "
			       "characters", key, val, CFG_ID_STRING - 1);
	for (const char *p = val; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			return err_set(e, 0, "--identity: %s=: only printable "
				       "ASCII", key);
	strcpy(to, val);
	return 0;
}

static int parse_identity(struct config *c, char *v, struct err *e)
{
	static const char *const keys[] = { "en0", "en1", "wifi0", "bt0",
					    "serial", "model", "soc", "seed" };
	char *const text[] = { c->id.serial, c->id.model, c->id.soc };
	char *rest = v, *part;
	uint64_t n;

	while ((part = next_part(&rest))) {
		char *val, *key = split_key(part, &val);
		int k = 0;

		while (k < 8 && strcmp(key, keys[k]))
			k++;
		if (k == 8)
			return bad_key(e, "identity", key, keys, 8,
				       "serial, model, soc, en0, en1, wifi0, "
				       "bt0, seed");
		if (!val)
			return err_set(e, 0, "--identity: %s: a value is "
				       "missing (%s=...)", key, key);
		if (k < CFG_ID_MACS) {
			if (config_mac(val, c->id.mac[k]))
				return err_set(e, 0, "--identity: %s=%s: not a "
					       "unicast MAC address", key, val);
			c->id.has_mac[k] = true;
		} else if (k < 7) {
			if (parse_id_string(key, val, text[k - CFG_ID_MACS],
					    e))
				return -1;
		} else {
			if (!parse_u64(val, &n) || n > UINT32_MAX)
				return err_set(e, 0, "--identity: seed=%s: not "
					       "a number of 32 bits", val);
			c->id.seed = (uint32_t)n;
			c->id.has_seed = true;
		}
	}
	return 0;
}

static int parse_policy(struct config *c, const char *v, struct err *e)
{
	if (strcmp(v, "verify") && strcmp(v, "permissive"))
		return err_set(e, 0, "--firmware-policy %s: expected verify or "
			       "permissive", v);
	c->permissive = !strcmp(v, "permissive");
	c->policy_given = true;
	return 0;
}

static int parse_usb(struct config *c, const char *v, struct err *e)
{
	if (!strcmp(v, "none")) {
		free(c->usb.path);
		c->usb = (struct cfg_tty){ .given = true };
		return 0;
	}
	if (strncmp(v, "unix:", 5))
		return err_set(e, 0, "--usb-device %s: expected unix:PATH or "
			       "none", v);
	return parse_tty(&c->usb, "usb-device", v, e);
}

enum { DISPLAY_WIDTH = 1024, DISPLAY_HEIGHT = 768, DISPLAY_MIN = 64,
       DISPLAY_MAX = 8192 };

static int parse_display(struct config *c, char *v, struct err *e)
{
	struct cfg_display *d = &c->display;
	char *rest = v, *where = next_part(&rest), *part;
	int n;

	free(d->path);
	*d = (struct cfg_display){ .width = DISPLAY_WIDTH,
				   .height = DISPLAY_HEIGHT };
	if (!strcmp(where, "none") && !rest)
		return 0;
	if (strncmp(where, "file:", 5) || !where[5])
		return err_set(e, 0, "--display %s: this version has no "
			       "screen; it can write what the boot ROM draws "
			       "to a picture (--display file:PATH), and the "
			       "serial console needs no option", where);
	d->path = copy(where + 5);
	while ((part = next_part(&rest))) {
		char *val, *key = split_key(part, &val);

		n = 0;
		if (strcmp(key, "size") || !val ||
		    sscanf(val, "%5ux%5u%n", &d->width, &d->height, &n) != 2 ||
		    val[n] || d->width < DISPLAY_MIN ||
		    d->width > DISPLAY_MAX || d->height < DISPLAY_MIN ||
		    d->height > DISPLAY_MAX)
			return err_set(e, 0, "--display: '%s%s%s': the one key "
				       "is size=WIDTHxHEIGHT, %d to %d each "
				       "(try size=1024x768)", key,
				       val ? "=" : "", val ? val : "",
				       DISPLAY_MIN, DISPLAY_MAX);
	}
	return 0;
}

/* [ADDR:]PORT, an IPv6 address in brackets. */
static int parse_gdb_tcp(struct cfg_gdb *g, const char *where, struct err *e)
{
	const char *colon = strrchr(where, ':'), *addr = where;
	size_t n = colon ? (size_t)(colon - where) : 0;
	uint64_t port;

	if (n > 1 && where[0] == '[' && where[n - 1] == ']') {
		addr++;
		n -= 2;
	}
	if (n >= sizeof(g->addr) || !parse_u64(colon ? colon + 1 : where,
					       &port) || port > 65535)
		return err_set(e, 0, "--gdb tcp:%s: expected PORT or ADDR:PORT "
			       "(try tcp:1234)", where);
	memcpy(g->addr, addr, n);
	g->addr[n] = 0;
	if (!n || !strcmp(g->addr, "localhost"))
		strcpy(g->addr, "127.0.0.1");
	g->port = (uint16_t)port;
	return 0;
}

static int parse_gdb(struct config *c, char *v, struct err *e)
{
	struct cfg_gdb *g = &c->gdb;
	char *rest = v, *where = next_part(&rest), *part;

	free(g->path);
	*g = (struct cfg_gdb){ .given = true };
	if (!strcmp(where, "none") && !rest) {
		g->given = false;
		return 0;
	}
	while ((part = next_part(&rest))) {
		if (strcmp(part, "wait"))
			return err_set(e, 0, "--gdb: '%s': the one key is wait",
				       part);
		g->wait = true;
	}
	if (!strncmp(where, "tcp:", 4))
		return parse_gdb_tcp(g, where + 4, e);
	if (strncmp(where, "unix:", 5) || !where[5])
		return err_set(e, 0, "--gdb %s: expected tcp:PORT, "
			       "tcp:ADDR:PORT or unix:PATH (try tcp:1234)",
			       where);
	g->path = copy(where + 5);
	return 0;
}

static int parse_clock(struct config *c, char *v, struct err *e)
{
	char *rest = v, *name = next_part(&rest), *part;
	uint64_t n;

	if (strcmp(name, "host") && strcmp(name, "insn"))
		return err_set(e, 0, "--clock %s: expected host or insn", name);
	c->clock_insn = !strcmp(name, "insn");
	c->clock_rate = 0;
	while ((part = next_part(&rest))) {
		char *val, *key = split_key(part, &val);

		if (!c->clock_insn || strcmp(key, "mips") || !val ||
		    !parse_u64(val, &n) || n < 1 || n > 100000)
			return err_set(e, 0, "--clock: '%s%s%s': the one key is "
				       "mips=N, after insn: million instructions "
				       "in a second of guest time, 1 to 100000",
				       key, val ? "=" : "", val ? val : "");
		c->clock_rate = (unsigned)n;
	}
	return 0;
}

static int parse_number(struct err *e, const char *opt, const char *v,
			unsigned *out)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	if (!isdigit((unsigned char)*v) || *end || n > 1000000)
		return err_set(e, 0, "--%s %s: not a number", opt, v);
	*out = (unsigned)n;
	return 0;
}

static int parse_later(struct err *e)
{
	return err_set(e, 0, "--control: this version has no control socket");
}

static int parse_value(struct config *c, enum opt o, char *v, struct err *e)
{
	char *end;

	switch (o) {
	case OPT_KERNEL: return parse_kernel(c, v, e);
	case OPT_DISK: return parse_disk(c, v, e);
	case OPT_NET: return config_parse_net(c, v, e);
	case OPT_SERIAL: return parse_tty(&c->serial, "serial", v, e);
	case OPT_CONSOLE: return parse_tty(&c->console, "console", v, e);
	case OPT_CPU: return parse_cpu(c, v, e);
	case OPT_DISPLAY: return parse_display(c, v, e);
	case OPT_CONTROL: return parse_later(e);
	case OPT_ECID: return parse_ecid(c, v, e);
	case OPT_TRACE: return trace_parse(&c->trace, v, e);
	case OPT_GDB: return parse_gdb(c, v, e);
	case OPT_CLOCK: return parse_clock(c, v, e);
	case OPT_SEED:
		if (!parse_u64(v, &c->seed))
			return err_set(e, 0, "--seed %s: not a number of 64 "
				       "bits", v);
		c->has_seed = true;
		return 0;
	case OPT_IDENTITY: return parse_identity(c, v, e);
	case OPT_FIRMWARE_POLICY: return parse_policy(c, v, e);
	case OPT_USB_DEVICE: return parse_usb(c, v, e);
	case OPT_CPUS:
		if (parse_number(e, "cpus", v, &c->cpus))
			return -1;
		if (c->cpus < 1 || c->cpus > VM_MAX_CPUS)
			return err_set(e, 0, "--cpus %s: expected 1 to %d", v,
				       VM_MAX_CPUS);
		return 0;
	case OPT_MEMORY:
		if (config_size(v, 1 << 20, &c->ram) || !c->ram)
			return err_set(e, 0, "--memory %s: not a size; expected "
				       "a number with K, M or G (try --memory "
				       "2G)", v);
		return 0;
	case OPT_CODE_CACHE:
		if (config_size(v, 1 << 20, &c->code_cache) || !c->code_cache)
			return err_set(e, 0, "--code-cache %s: not a size; "
				       "expected a number with K, M or G (try "
				       "--code-cache 64M)", v);
		return 0;
	case OPT_TIMEOUT:
		c->timeout = strtod(v, &end);
		if (v[strspn(v, "0123456789.")] || end == v || *end ||
		    c->timeout <= 0 || c->timeout > 1e9)
			return err_set(e, 0, "--timeout %s: expected a number "
				       "of seconds above 0", v);
		return 0;
	case OPT_MACHINE:
		c->board = config_board(v);
		if (!c->board)
			return err_set(e, 0, "--machine %s: expected vmapple or "
				       "virt", v);
		return 0;
	case OPT_ACCEL:
		if (!strcmp(v, "auto"))
			c->accel = CFG_ACCEL_AUTO;
		else if (!strcmp(v, "kvm"))
			c->accel = CFG_ACCEL_KVM;
		else if (!strcmp(v, "interp"))
			c->accel = CFG_ACCEL_INTERP;
		else
			return err_set(e, 0, "--accel %s: expected auto, kvm or "
				       "interp", v);
		return 0;
	case OPT_SANDBOX:
		if (strcmp(v, "on") && strcmp(v, "off"))
			return err_set(e, 0, "--sandbox %s: expected on or off",
				       v);
		c->sandbox = !strcmp(v, "on");
		return 0;
	case OPT_APPEND:
		/* COMMAND_LINE_SIZE of arm64 Linux is 2048, with its end. */
		if (strlen(v) > 2047)
			return err_set(e, 0, "--append: %zu characters; a Linux "
				       "kernel takes at most 2047", strlen(v));
		set_str(&c->append, v);
		c->append_given = true;
		return 0;
	default:
		break;
	}
	if (!*v)
		return err_set(e, 0, "--%s: the file name is empty",
			       config_options[o].name);
	switch (o) {
	case OPT_INITRD: set_str(&c->initrd.path, v); break;
	case OPT_DTB: set_str(&c->dtb.path, v); break;
	case OPT_EFI_VARS: set_str(&c->vars.path, v); break;
	case OPT_DEVICETREE: set_str(&c->devicetree.path, v); break;
	case OPT_TRUSTCACHE: set_str(&c->trustcache.path, v); break;
	case OPT_RAMDISK: set_str(&c->ramdisk.path, v); break;
	case OPT_DUMP_DTB: set_str(&c->dump_dtb, v); break;
	case OPT_STATS: set_str(&c->stats, v); break;
	case OPT_TRACE_HASH: set_str(&c->trace_hash, v); break;
	case OPT_FIRMWARE:
		c->firmware_builtin = !strcmp(v, "builtin");
		free(c->firmware.path);
		c->firmware.path = c->firmware_builtin ? NULL : copy(v);
		break;
	default: break;
	}
	return 0;
}

static int parse_switch(struct config *c, enum opt o)
{
	switch (o) {
	case OPT_NO_REBOOT: c->no_reboot = true; break;
	case OPT_DFU: c->dfu = true; break;
	case OPT_READONLY: c->readonly = true; break;
	case OPT_EPHEMERAL: c->ephemeral = true; break;
	case OPT_ALLOW_BACKING: c->allow_backing = true; break;
	case OPT_VERBOSE: c->verbose = c->verbose < 1 ? 1 : 2; break;
	case OPT_QUIET: c->verbose = -1; break;
	case OPT_HELP: c->help = true; break;
	default: break;
	}
	return 0;
}

static int apply(struct config *c, enum opt o, const char *value,
		 struct err *e)
{
	char *v;
	int r;

	if (strlen(value) > CFG_MAX_STR)
		return err_set(e, 0, "--%s: the value is longer than %d bytes",
			       config_options[o].name, CFG_MAX_STR);
	v = copy(value);
	r = parse_value(c, o, v, e);
	free(v);
	return r;
}

static int find_long(const char *name, size_t len)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(config_options[i].name) == len &&
		    !strncmp(config_options[i].name, name, len))
			return i;
	return -1;
}

static int missing_value(struct err *e, enum opt o)
{
	return err_set(e, 0, "--%s: a value is missing (--%s %s)",
		       config_options[o].name, config_options[o].name,
		       config_options[o].arg);
}

/* "--name", "--name=value", "--name value". Moves *i past what it took. */
static int parse_long(struct config *c, int argc, char **argv, int *i,
		      struct err *e)
{
	const char *arg = argv[*i], *name = arg + 2;
	size_t len = strcspn(name, "=");
	int o = find_long(name, len);

	if (o < 0)
		return bad_option(e, arg, name, (int)len);
	if (!config_options[o].arg) {
		if (name[len])
			return err_set(e, 0, "--%s: takes no value",
				       config_options[o].name);
		return parse_switch(c, (enum opt)o);
	}
	if (name[len])
		return apply(c, (enum opt)o, name + len + 1, e);
	if (*i + 1 >= argc)
		return missing_value(e, (enum opt)o);
	return apply(c, (enum opt)o, argv[++*i], e);
}

/* "-v", "-vk FILE", "-kFILE". */
static int parse_short(struct config *c, int argc, char **argv, int *i,
		       struct err *e)
{
	const char *arg = argv[*i];

	/* "-kernel FILE" would read as "-k ernel": other programs' habit */
	if (arg[2] && find_long(arg + 1, strcspn(arg + 1, "=")) >= 0)
		return err_set(e, 0, "%s: long options have two dashes (try "
			       "-%s)", arg, arg);
	for (size_t f = 0; f < sizeof(foreign) / sizeof(foreign[0]); f++)
		if (!strcmp(foreign[f].theirs, arg))
			return bad_option(e, arg, arg + 1,
					  (int)strlen(arg + 1));
	for (const char *p = arg + 1; *p; p++) {
		int o;

		for (o = 0; o < OPT_COUNT; o++)
			if (config_options[o].brief == *p)
				break;
		if (o == OPT_COUNT)
			return err_set(e, 0, "-%c: unknown option (try pome run "
				       "--help)", isprint((unsigned char)*p) ?
				       *p : '?');
		if (!config_options[o].arg) {
			parse_switch(c, (enum opt)o);
			continue;
		}
		if (p[1])
			return apply(c, (enum opt)o, p + 1, e);
		if (*i + 1 >= argc)
			return missing_value(e, (enum opt)o);
		return apply(c, (enum opt)o, argv[++*i], e);
	}
	return 0;
}

int config_parse(struct config *c, int argc, char **argv, struct err *e)
{
	bool only_names = false;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];
		int r = 0;

		if (!only_names && !strcmp(arg, "--")) {
			only_names = true;
		} else if (!only_names && arg[0] == '-' && arg[1] == '-') {
			r = parse_long(c, argc, argv, &i, e);
		} else if (!only_names && arg[0] == '-' && arg[1]) {
			r = parse_short(c, argc, argv, &i, e);
		} else if (!*arg) {
			r = err_set(e, 0, "the bundle's name is empty");
		} else if (c->bundle && c->nmore == CFG_MAX_THINGS) {
			r = err_set(e, 0, "%s: more than %d files", arg,
				    CFG_MAX_THINGS + 1);
		} else if (c->bundle) {
			c->more[c->nmore++] = copy(arg);
		} else {
			c->bundle = copy(arg);
		}
		if (r)
			return r;
	}
	return 0;
}
