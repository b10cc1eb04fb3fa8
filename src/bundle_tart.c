/* Tart and Lume: a directory with config.json, disk.img and nvram.bin.
 * bundles.md sections 2.3 and 2.4. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bundle_int.h"

static void name_it(struct bundle *b)
{
	const char *slash = strrchr(b->dir, '/');

	b->vm.name = strdup(slash ? slash + 1 : b->dir);
}

static void read_disk(struct bundle *b)
{
	char *path = file_inside(b, NULL, "disk.img", NULL, "disk.img");

	if (path)
		vm_disk(b, NULL, path, false);
}

static void read_aux(struct bundle *b)
{
	vm_aux(b, NULL, "nvram.bin", file_inside(b, NULL, "nvram.bin", NULL,
						 "nvram.bin"));
}

/* A running Tart keeps a lock on its config.json. */
static void check_lock(struct bundle *b)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = file_maybe(b, NULL, "config.json");
	uint64_t size;
	struct err e;
	int fd = path ? file_open(path, &size, &e) : -1;

	if (fd >= 0 && !fcntl(fd, F_GETLK, &fl) && fl.l_type != F_UNLCK)
		refuse_at(b, "bundle-in-use", NULL, NULL, "config.json is "
			  "locked by process %d: the machine runs there (stop "
			  "it first; two machines on one disk destroy it)",
			  (int)fl.l_pid);
	if (fd >= 0)
		close(fd);
	free(path);
}

static void tart_display(struct bundle *b, struct node *o)
{
	static const char *const units[] = { "pt", "px", NULL };
	struct node *d = get_dict(b, o, "display", OPTIONAL);
	int64_t w = 1024, h = 768;

	if (d) {
		get_int(b, d, "width", OPTIONAL, &w);
		get_int(b, d, "height", OPTIONAL, &h);
		if (node_has(d, "unit"))
			get_word(b, d, "unit", OPTIONAL, units);
	}
	vm_display(b, d ? d : NULL, w, h, 0);
}

void bundle_tart(struct bundle *b)
{
	static const char *const kinds[] = { "darwin", "linux", NULL };
	static const char *const archs[] = { "arm64", "amd64", NULL };
	struct node *o = b->settings;
	struct bvm_nic *nic;
	int64_t version = 0;
	int os = 0, arch = 0;

	b->vm.arch = "aarch64";
	if (!get_int(b, o, "version", REQUIRED, &version))
		return;
	if (version != 1) {
		note_at(b, NOTE_ERROR, version > 1 ? "version-too-new" :
			"version-too-old", o, "version", "found %lld; pome "
			"knows version 1", (long long)version);
		return;
	}
	if (node_has(o, "os"))
		os = get_word(b, o, "os", OPTIONAL, kinds);
	if (node_has(o, "arch"))
		arch = get_word(b, o, "arch", OPTIONAL, archs);
	if (os < 0 || arch < 0)
		return;
	if (arch == 1) {
		b->vm.arch = "x86_64";
		refuse_at(b, "guest-arch", o, "arch", "an Intel guest; pome "
			  "runs arm64 guests only (qemu-system-x86_64 runs "
			  "Linux ones)");
		return;
	}
	b->vm.guest = os ? "linux" : "macos";
	name_it(b);
	vm_cpus(b, o, "cpuCount", REQUIRED, false);
	vm_ram(b, o, "memorySize", 1);
	node_ignore(o, "cpuCountMin", "the least that macOS asks for");
	node_ignore(o, "memorySizeMin", "the least that macOS asks for");
	node_ignore(o, "displayRefit", "about the window");
	node_ignore(o, "diskFormat", "the image itself says it");
	tart_display(b, o);
	nic = vm_nic(b, node_find(o, "macAddress"));
	if (nic)
		vm_mac(b, o, "macAddress", REQUIRED, false, nic);
	if (os) {
		b->vm.boot = BVM_BOOT_UEFI;
	} else {
		b->vm.boot = BVM_BOOT_ROM;
		vm_ecid_base64(b, o, "ecid", REQUIRED);
		vm_model_base64(b, o, "hardwareModel", REQUIRED);
		read_aux(b);
	}
	read_disk(b);
	vm_suspended(b, "state.vzvmsave");
	check_lock(b);
}

/* ---- Lume ------------------------------------------------------------------ */

static void lume_display(struct bundle *b, struct node *o)
{
	const char *s = get_str(b, o, "display", OPTIONAL);
	int w, h, end = 0;

	if (!s)
		return;
	if (strlen(s) > 16 || sscanf(s, "%dx%d%n", &w, &h, &end) != 2 ||
	    s[end])
		note_at(b, NOTE_ERROR, "bad-value", o, "display", "'%.40s'; "
			"expected WIDTHxHEIGHT, as in 1024x768", s);
	else
		vm_display(b, node_find(o, "display"), w, h, 0);
}

static void lume_network(struct bundle *b, struct node *o)
{
	const char *mode = get_str(b, o, "networkMode", OPTIONAL);
	struct bvm_nic *n = vm_nic(b, node_find(o, node_has(o, "networkMode") ?
						"networkMode" : "macAddress"));

	if (!n)
		return;
	vm_mac(b, o, "macAddress", OPTIONAL, false, n);
	if (!mode || !strcmp(mode, "nat"))
		return;
	if (strcmp(mode, "bridged") && strncmp(mode, "bridged:", 8)) {
		note_at(b, NOTE_ERROR, "bad-enum", o, "networkMode", "found "
			"'%.40s'; expected nat, bridged or bridged:INTERFACE",
			mode);
		return;
	}
	n->mode = BVM_NET_BRIDGED;
	n->iface = strdup(mode[7] == ':' && mode[8] ? mode + 8 : "auto");
}

void bundle_lume(struct bundle *b)
{
	struct node *o = b->settings;
	const char *os = get_str(b, o, "os", REQUIRED);
	bool mac;

	b->vm.arch = "aarch64";
	if (!os)
		return;
	mac = !strcasecmp(os, "macos") || !strcasecmp(os, "darwin");
	if (!mac && strcasecmp(os, "linux")) {
		note_at(b, NOTE_ERROR, "bad-enum", o, "os", "found '%.40s'; "
			"expected macOS or linux", os);
		return;
	}
	b->vm.guest = mac ? "macos" : "linux";
	name_it(b);
	vm_cpus(b, o, "cpuCount", REQUIRED, false);
	vm_ram(b, o, "memorySize", 1);
	node_ignore(o, "diskSize", "the image has its own size");
	lume_display(b, o);
	lume_network(b, o);
	if (mac) {
		b->vm.boot = BVM_BOOT_ROM;
		vm_model_base64(b, o, "hardwareModel", REQUIRED);
		vm_ecid_base64(b, o, "machineIdentifier", REQUIRED);
		read_aux(b);
	} else {
		b->vm.boot = BVM_BOOT_UEFI;
	}
	read_disk(b);
}
