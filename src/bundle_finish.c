/* From the machine that a bundle describes to the one that pome can build, with
 * a word about every difference. Which device pome has is decided here, not in
 * the readers. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"
#include "bundle_int.h"
#include "config_parts.h"
#include "disk_sniff.h"
#include "vm.h"

static void say(struct bundle *b, enum note_level level, const char *code,
		const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

static void say(struct bundle *b, enum note_level level, const char *code,
		const char *key, const char *fmt, ...)
{
	char text[480];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bundle_note(b, level, code, key, "%s%s%s", key ? key : "",
		    key ? ": " : "", text);
}

static void refuse(struct bundle *b, const char *code, const char *key,
		   const char *text)
{
	say(b, NOTE_ERROR, code, key, "%s", text);
	if (b->nnotes)
		b->note[b->nnotes - 1].ours = true;
}

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

/* ---- processors and memory --------------------------------------------------- */

static void make_cpus(struct bundle *b, struct config *c)
{
	long host = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n = b->vm.cpus;

	if (!b->vm.has_cpus)
		return;
	if (!n)
		n = host < 1 ? 1 : host < 4 ? (uint64_t)host : 4;
	if (n > VM_MAX_CPUS) {
		say(b, NOTE_WARN, "bad-value", NULL, "%" PRIu64 " CPUs; the "
		    "board has at most %d, which the guest gets", n,
		    VM_MAX_CPUS);
		n = VM_MAX_CPUS;
	}
	c->cpus = (unsigned)n;
}

static void make_ram(struct bundle *b, struct config *c)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	c->ram = b->vm.ram & ~(MIB - 1);
	if (pages > 0 && page > 0 &&
	    c->ram > (uint64_t)pages * (uint64_t)page)
		say(b, NOTE_NOTE, "setting-changed", NULL, "%llu MiB of RAM, "
		    "and this host has %llu; it works as long as "
		    "the guest does not use it all (try --memory)",
		    c->ram / MIB, (uint64_t)pages * (uint64_t)page / MIB);
}

/* ---- what starts it ------------------------------------------------------------ */

static void take(struct cfg_file *f, const char *path)
{
	if (!path)
		return;
	free(f->path);
	f->path = copy(path);
	f->from_bundle = true;
}

/* Where the UEFI variables are. UTM's QEMU back end keeps them as we do; beside
 * Apple's own kind of store goes one of ours, named after the config file where
 * that alone is the bundle. */
static void make_vars(struct bundle *b, struct config *c)
{
	bool alone = !strcmp(b->format, "macosvm") ||
		     !strcmp(b->format, "vfkit") || !strcmp(b->format, "vftool");
	char *name = NULL, *path;

	c->vars.from_bundle = true;
	if (b->vm.vars) {
		c->vars.path = copy(b->vm.vars);
		return;
	}
	if (asprintf(&name, "%s%sefi-vars.fd", alone && b->file ? b->file :
		     "pome", alone ? "." : "-") < 0)
		return;
	path = file_maybe(b, NULL, name);
	/* what is there and no file of the bundle is left alone */
	if (!path && !file_exists(b, name) &&
	    asprintf(&path, "%s/%s", b->dir, name) < 0)
		path = NULL;
	free(name);
	c->vars.path = path;
	say(b, NOTE_NOTE, "efi-vars-ours", b->vm.boot_key, "the UEFI variables "
	    "are pome's own, in %s; boot entries of another program's store "
	    "are not seen", path ? path : "memory: a store is in the way");
}

static void make_boot(struct bundle *b, struct config *c)
{
	struct bvm *vm = &b->vm;

	switch (vm->boot) {
	case BVM_BOOT_KERNEL:
		take(&c->kernel, vm->kernel);
		take(&c->initrd, vm->initrd);
		take(&c->dtb, vm->dtb);
		c->append = copy(vm->cmdline);
		break;
	case BVM_BOOT_UEFI:
		c->board = &board_virt;
		take(&c->firmware, vm->firmware);
		make_vars(b, c);
		break;
	case BVM_BOOT_ROM:
		take(&c->firmware, vm->firmware);
		if (!vm->firmware)
			c->firmware_builtin = true;
		break;
	default:
		break;
	}
	if (vm->cmdline && strlen(vm->cmdline) > 2047)
		say(b, NOTE_ERROR, "bad-value", vm->boot_key, "a kernel "
		    "command line of %zu bytes; Linux takes at most 2047",
		    strlen(vm->cmdline));
}

/* ---- disks ------------------------------------------------------------------- */

static bool below(const struct bundle *b, const char *path)
{
	size_t n = strlen(b->dir);

	return !strcmp(b->dir, ".") || (!strncmp(path, b->dir, n) &&
		path[n] == '/' && !strstr(path + n, "/../"));
}

/* Looks at an image; false where it cannot be used. */
static bool look_at(struct bundle *b, struct bvm_disk *d, bool allow_backing)
{
	uint8_t *head = malloc(DISK_HEAD), tail[512];
	struct disk_sniff s;
	uint64_t size = 0;
	struct err e;
	int fd;
	ssize_t n;
	bool has_tail;

	fd = head ? file_open(d->path, &size, &e) : -1;
	if (fd < 0) {
		free(head);
		say(b, NOTE_ERROR, "file-missing", d->key, "%s", e.msg);
		return false;
	}
	n = pread(fd, head, DISK_HEAD, 0);
	has_tail = size >= 512 &&
		pread(fd, tail, 512, (off_t)(size - 512)) == 512;
	disk_sniff(head, n > 0 ? (size_t)n : 0, has_tail ? tail : NULL, size,
		   allow_backing, &s);
	if (s.format && !strcmp(s.format, "qcow2") &&
	    disk_has_snapshot(fd, head, (size_t)n, "suspend"))
		say(b, NOTE_WARN, "suspended-state", d->key, "the machine was "
		    "suspended: its memory is in a snapshot that pome does not "
		    "read, so it starts anew from the disk as it was then");
	close(fd);
	free(head);
	if (!s.format) {
		if (s.ours)
			refuse(b, s.code, d->key, s.text);
		else
			say(b, NOTE_ERROR, s.code, d->key, "%s", s.text);
		return false;
	}
	d->format = !strcmp(s.format, "iso") ? "raw" : s.format;
	if (!strcmp(s.format, "asif")) {
		refuse(b, "disk-format", d->key, "an ASIF image, Apple's "
		       "format since macOS 26, which pome does not read; "
		       "convert it on a Mac: diskutil image, to a raw image");
		return false;
	}
	if (!strcmp(s.format, "raw") && size % 512)
		say(b, NOTE_WARN, "bad-value", d->key, "%" PRIu64 " bytes is "
		    "no whole number of sectors; the guest sees the whole "
		    "ones", size);
	return true;
}

static void make_disk(struct bundle *b, struct config *c, struct bvm_disk *d)
{
	struct cfg_disk *to;

	if (below(b, d->path)) {
		if (!look_at(b, d, c->allow_backing))
			return;
	} else {
		d->format = "raw";      /* seen when it is opened */
	}
	if (c->ndisks == CFG_MAX_DISKS) {
		say(b, NOTE_WARN, "bad-value", d->key, "more than %d disks; "
		    "left out", CFG_MAX_DISKS);
		return;
	}
	if (!strcmp(d->bus, "nvme"))
		say(b, NOTE_NOTE, "nvme-as-virtio", d->key, "an NVMe disk; the "
		    "guest sees it on virtio (/dev/vda and so on)");
	else if (!strcmp(d->bus, "usb"))
		say(b, NOTE_NOTE, "usb-as-virtio", d->key, "a USB disk; the "
		    "guest sees it on virtio (/dev/vda and so on)");
	to = &c->disk[c->ndisks++];
	to->path = copy(d->path);
	to->format = !strcmp(d->format, "qcow2") ? CFG_FMT_QCOW2 : CFG_FMT_RAW;
	to->readonly = d->ro;
	to->from_bundle = true;
	to->role = !strcmp(d->role, "root") ? CFG_ROLE_ROOT : CFG_ROLE_DATA;
	memcpy(to->serial, d->serial, sizeof(to->serial));
}

static void make_disks(struct bundle *b, struct config *c)
{
	struct bvm *vm = &b->vm;

	for (int i = 0; i < vm->ndisks; i++)
		make_disk(b, c, &vm->disk[i]);
	if (!vm->aux || c->ndisks == CFG_MAX_DISKS)
		return;
	c->disk[c->ndisks].path = copy(vm->aux);
	c->disk[c->ndisks].format = CFG_FMT_RAW;
	c->disk[c->ndisks].role = CFG_ROLE_AUX;
	c->disk[c->ndisks].from_bundle = true;
	c->ndisks++;
}

/* ---- networks ------------------------------------------------------------------ */

/* What the guest sends goes to the socket as it is, so one that lies elsewhere
 * (a log's, say) is not a bundle's to name. */
static void make_unix(struct bundle *b, struct cfg_net *n,
		      const struct bvm_nic *from)
{
	const char *path = from->path ? from->path : "";
	int len = snprintf(n->path, sizeof(n->path), "%s/%s", b->dir, path);

	if (!*path || strchr(path, '/') || len >= (int)sizeof(n->path)) {
		say(b, NOTE_WARN, "net-unix", from->key, "frames over the "
		    "socket %s, which is not in the bundle; here it is a "
		    "network of its own behind this host (for the socket: "
		    "--net unix,path=%s)", path, path);
		return;
	}
	n->kind = CFG_NET_UNIX;
	if (from->hello)
		strcpy(n->hello, from->hello);
}

/* The addresses that the guest is used to. */
static void set_plan(struct bundle *b, struct cfg_net *n,
		     const struct bvm_nic *from)
{
	const struct cfg_net *p = &from->plan;
	struct err e;

	if (config_net_check(p, &e)) {
		say(b, NOTE_WARN, "setting-ignored", from->key, "the addresses "
		    "do not fit together, so the guest's network is 10.0.2.0/24 "
		    "(%s)", e.msg);
		return;
	}
	n->net = p->net;
	n->mask = p->mask;
	n->host = p->host;
	n->dns = p->dns;
	n->dhcp = p->dhcp;
	memcpy(n->domain, p->domain, sizeof(n->domain));
}

static void make_nic(struct bundle *b, struct cfg_net *n, struct bvm_nic *from)
{
	n->kind = CFG_NET_USER;
	set_plan(b, n, from);
	n->from_bundle = true;
	n->isolated = from->isolated || from->mode == BVM_NET_HOST;
	n->has_mac = from->has_mac;
	memcpy(n->mac, from->mac, 6);
	switch (from->mode) {
	case BVM_NET_BRIDGED:
		say(b, NOTE_WARN, "net-bridged", from->key, "bridged to the "
		    "Mac's interface %s; here it is a network of its own "
		    "behind this host (to bridge: --net tap,ifname=tap0)",
		    from->iface ? from->iface : "of its choice");
		break;
	case BVM_NET_HOST:
		say(b, NOTE_WARN, "net-host-only", from->key, "a network "
		    "between guests and host; here the guest reaches nobody, "
		    "and is reached by forwarded ports alone (for a shared "
		    "one: --net tap,ifname=tap0)");
		break;
	case BVM_NET_UNIX:
		make_unix(b, n, from);
		break;
	default:
		break;
	}
	if (from->mtu)
		say(b, NOTE_NOTE, "setting-ignored", from->key, "an MTU of "
		    "%" PRId64 "; the guest decides that itself", from->mtu);
	for (int i = 0; i < from->nfwd; i++) {
		const char *f = from->fwd[i];
		char *text;

		/* Nothing said is all interfaces where it came from. */
		if (f[4] == ':') {
			if (asprintf(&text, "%.4s127.0.0.1%s", f, f + 4) < 0)
				continue;
			say(b, NOTE_NOTE, "setting-changed", from->key, "the "
			    "forward %s is bound to 127.0.0.1 only (for all "
			    "interfaces: --net user,hostfwd=%s)", f, f);
		} else {
			text = copy(f);
		}
		n->fwd[n->nfwd++] = text;
	}
}

static void make_nets(struct bundle *b, struct config *c)
{
	struct bvm *vm = &b->vm;

	for (int i = 0; i < vm->nnics; i++) {
		if (c->nnets == CFG_MAX_NETS)
			say(b, NOTE_WARN, "nic-extra", vm->nic[i].key, "more "
			    "than %d network cards; left out", CFG_MAX_NETS);
		else
			make_nic(b, &c->net[c->nnets++], &vm->nic[i]);
	}
}

/* ---- terminals ------------------------------------------------------------------ */

/* "tcp-listen:ADDR:PORT[,wait]" or "tcp:ADDR:PORT" as --serial has it. */
static void set_tcp(struct cfg_tty *t, const char *w)
{
	const char *rest = strchr(w, ':') + 1, *wait = strstr(rest, ",wait");

	t->where = CFG_TTY_TCP;
	if (strncmp(w, "tcp-listen:", 11))
		t->path = copy(rest);
	else if (asprintf(&t->path, "%.*s,server%s", (int)(wait ? wait - rest :
			  (long)strlen(rest)), rest, wait ? wait : "") < 0)
		t->path = NULL;
}

/* A log is emptied when the machine starts, so a bundle may name one of its own
 * folder only: a new file, or a plain one that is no link. */
static void set_log(struct bundle *b, struct cfg_tty *t,
		    const struct bvm_serial *s, const char *name)
{
	char *path = NULL;
	struct stat st;

	t->where = CFG_TTY_NULL;
	if (*name && !strchr(name, '/') &&
	    asprintf(&path, "%s/%s", b->dir, name) >= 0 &&
	    (lstat(path, &st) || (S_ISREG(st.st_mode) && st.st_nlink == 1))) {
		t->where = CFG_TTY_FILE;
		t->path = path;
		return;
	}
	free(path);
	say(b, NOTE_WARN, "path-escape", s->key, "a log in %s, which is no "
	    "plain file of the bundle's folder; what the guest prints there "
	    "is dropped (to keep it: --serial file:PATH, or --console)", name);
}

static void set_tty(struct bundle *b, struct cfg_tty *t,
		    const struct bvm_serial *s)
{
	const char *w = s->where;

	if (!strcmp(w, "stdio")) {
		t->where = CFG_TTY_STDIO;
	} else if (!strcmp(w, "pty")) {
		t->where = CFG_TTY_PTY;
	} else if (!strncmp(w, "file:", 5)) {
		set_log(b, t, s, w + 5);
	} else {
		set_tcp(t, w);
	}
}

/* Which of the board's two ports a serial port becomes goes by the kernel's
 * last console, which gets the shell: hvc0 is the virtio console. */
static void make_ttys(struct bundle *b, struct config *c)
{
	struct bvm *vm = &b->vm;
	const char *last = vm->cmdline ? bundle_last_console(vm->cmdline) :
			   NULL;
	bool hvc = last && !strncmp(last, "hvc", 3);
	struct bvm_serial none = { .where = (char *)"stdio" };
	int n = vm->nserials ? vm->nserials : vm->no_serial ? 0 : 1;

	for (int i = 0; i < n; i++) {
		const struct bvm_serial *s = vm->nserials ? &vm->serial[i] :
					     &none;
		struct cfg_tty *first = hvc ? &c->console : &c->serial;
		struct cfg_tty *second = hvc ? &c->serial : &c->console;

		if (first->where == CFG_TTY_NONE)
			set_tty(b, first, s);
		else if (second->where == CFG_TTY_NONE)
			set_tty(b, second, s);
		else
			say(b, NOTE_WARN, "setting-ignored", s->key, "the "
			    "guest gets two terminals, a UART and a virtio "
			    "console; this one is left out");
	}
	if (!n || (hvc && c->serial.where == CFG_TTY_NONE))
		c->serial.where = CFG_TTY_NULL;
	if (last && !hvc && strncmp(last, "ttyAMA", 6))
		say(b, NOTE_WARN, "console-name", vm->boot_key, "the command "
		    "line's last console is %.20s, which is not on this board; "
		    "nothing will be seen there (ttyAMA0 is the serial port, "
		    "hvc0 the virtio console)", last);
}

/* ---- the rest ------------------------------------------------------------------ */

static void make_others(struct bundle *b)
{
	struct bvm *vm = &b->vm;

	if (vm->ndisplays > 1)
		say(b, NOTE_WARN, "display-extra", NULL, "%d displays; more "
		    "than one is never shown", vm->ndisplays);
	if (vm->ndisplays)
		say(b, NOTE_NOTE, "display-absent", NULL, "the guest has a "
		    "display; pome shows no pictures, only the serial port");
	for (int i = 0; i < vm->nshares; i++)
		say(b, NOTE_WARN, "share-location", vm->share[i].key, "the "
		    "folder %s, shared as '%s': pome shares no folders "
		    "(copy the files over the network, or put them on a disk)",
		    vm->share[i].npaths ? vm->share[i].path[0] : "",
		    vm->share[i].tag);
	if (vm->boot == BVM_BOOT_ROM && !vm->firmware)
		say(b, NOTE_NOTE, "firmware-not-in-bundle", NULL, "the boot "
		    "ROM is never in a bundle; pome starts its own, which "
		    "does not start macOS (with one from your Mac: --firmware "
		    "AVPBooter.vmapple2.bin)");
}

/* Of a file with faults only the faults are told: what it asks for beyond them
 * is nothing to rely on. */
static bool malformed(struct bundle *b)
{
	int n = 0;

	if (bundle_verdict(b) != VERDICT_MALFORMED)
		return false;
	for (int i = 0; i < b->nnotes; i++) {
		struct note *k = &b->note[i];

		if (k->level == NOTE_WARN || k->ours) {
			free(k->text);
			free(k->file);
			free(k->key);
		} else {
			b->note[n++] = *k;
		}
	}
	b->nnotes = n;
	return true;
}

void bundle_finish(struct bundle *b, struct config *c)
{
	b->described = true;
	b->guest = b->vm.guest;
	if (malformed(b))
		return;
	make_cpus(b, c);
	make_ram(b, c);
	make_boot(b, c);
	make_disks(b, c);
	make_nets(b, c);
	make_ttys(b, c);
	make_others(b);
	c->id.has_ecid = b->vm.has_ecid;
	c->id.ecid = b->vm.ecid;
}
