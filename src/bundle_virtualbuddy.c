/* VirtualBuddy bundles. bundles.md section 2.2. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_int.h"

#define BLOB_MAX 4096
#define META_MAX (1u << 20)

static const char *const exts[] = { ".img", ".dmg", ".sparseimage", ".asif" };

static void name_it(struct bundle *b)
{
	const char *slash = strrchr(b->dir, '/');
	const char *base = slash ? slash + 1 : b->dir;
	size_t n = strlen(base);

	if (n > 5 && !strcmp(base + n - 5, ".vbvm"))
		n -= 5;
	b->vm.name = strndup(base, n);
}

static void read_metadata(struct bundle *b)
{
	size_t len;
	char *text = file_read(b, ".vbdata/Metadata.plist", META_MAX, &len);
	struct node *m, *n;
	struct err e;

	if (!text)
		return;
	m = node_plist_try(text, len, &e);
	free(text);
	if (!m) {
		bundle_note(b, NOTE_WARN, "bad-plist", NULL,
			    ".vbdata/Metadata.plist: %s; left out", e.msg);
		return;
	}
	n = node_find(m, "uuid");
	if (n && n->type == NODE_STRING)
		b->vm.uuid = strdup(n->text);
	n = node_find(m, "installFinished");
	if ((n && n->type == NODE_BOOL && !n->flag) ||
	    file_exists(b, ".vbdata/Install.plist"))
		bundle_note(b, NOTE_WARN, "install-unfinished",
			    "installFinished", ".vbdata/Metadata.plist: "
			    "installFinished: the installation never came to "
			    "its end; the guest will probably stop in its "
			    "recovery (finish it on the Mac)");
	node_free(m);
}

/* A blob in a file of its own, whose absence is a finding. */
static void *read_blob(struct bundle *b, const char *name, size_t *len)
{
	void *p = file_read(b, name, BLOB_MAX, len);

	if (!p)
		bundle_note(b, NOTE_ERROR, "file-missing", name, "%s: the file "
			    "is not there, or larger than %d bytes; a macOS "
			    "guest needs it", name, BLOB_MAX);
	return p;
}

static void read_identity(struct bundle *b)
{
	size_t len;
	void *p = read_blob(b, "HardwareModel", &len);

	if (p)
		vm_model(b, NULL, "HardwareModel", p, len);
	free(p);
	p = read_blob(b, "MachineIdentifier", &len);
	if (p)
		vm_ecid(b, NULL, "MachineIdentifier", p, len);
	free(p);
	vm_aux(b, NULL, "AuxiliaryStorage",
	       file_inside(b, NULL, "AuxiliaryStorage", NULL,
			   "AuxiliaryStorage"));
}

/* The image of a managed disk: its name lacks the extension. */
static char *managed(struct bundle *b, struct node *image)
{
	const char *name = get_str(b, image, "filename", REQUIRED);
	int64_t format;
	char *file, *path = NULL;

	node_ignore(image, "id", "VirtualBuddy's own");
	node_ignore(image, "size", "the image has its own size");
	if (!get_int(b, image, "format", REQUIRED, &format) || !name)
		return NULL;
	if (format < 0 || format > 3) {
		note_at(b, NOTE_ERROR, "bad-enum", image, "format", "found "
			"%lld; expected 0 (raw), 1 (dmg), 2 (sparse image) or "
			"3 (ASIF)", (long long)format);
		return NULL;
	}
	if (strlen(name) > 900) {
		note_at(b, NOTE_ERROR, "bad-value", image, "filename", "a name "
			"of %zu bytes", strlen(name));
		return NULL;
	}
	/* What is said to be raw may have become ASIF. */
	if (format == 0 && asprintf(&file, "%s.img", name) >= 0) {
		path = file_maybe(b, NULL, file);
		free(file);
		if (!path && asprintf(&file, "%s.asif", name) >= 0) {
			path = file_maybe(b, NULL, file);
			free(file);
		}
	}
	if (path)
		return path;
	if (asprintf(&file, "%s%s", name, exts[format]) < 0)
		return NULL;
	path = file_inside(b, image, "filename", NULL, file);
	free(file);
	return path;
}

static void read_disk(struct bundle *b, struct node *d, bool *boot)
{
	bool is_boot = get_bool(b, d, "isBootVolume", OPTIONAL, false);
	bool ro = get_bool(b, d, "isReadOnly", OPTIONAL, false);
	bool usb = get_bool(b, d, "isUSBMassStorageDevice", OPTIONAL, false);
	struct node *backing, *image;
	struct bvm_disk *disk;
	char *path;

	node_ignore(d, "id", "VirtualBuddy's own");
	if (!get_bool(b, d, "isEnabled", OPTIONAL, true)) {
		node_ignore_all(d, "switched off");
		return;
	}
	if (get_bool(b, d, "isSavedStateClone", OPTIONAL, false)) {
		node_ignore_all(d, "belongs to a saved state");
		return;
	}
	*boot |= is_boot;
	backing = get_dict(b, d, "backing", REQUIRED);
	if (!backing)
		return;
	image = get_dict(b, backing, "managedImage", OPTIONAL);
	if (!image) {
		if (node_has(backing, "customImage"))
			note_at(b, NOTE_WARN, "drive-external", d, NULL, "an "
				"image elsewhere on that Mac (bring it, and "
				"add --disk FILE)");
		else
			note_at(b, NOTE_ERROR, "missing-key", backing,
				"managedImage", "the key is missing, and "
				"customImage as well");
		node_ignore_all(node_find(backing, "customImage"), "a location "
				"on that Mac");
		return;
	}
	image = get_dict(b, image, "_0", REQUIRED);
	path = image ? managed(b, image) : NULL;
	disk = path ? vm_disk(b, d, path, ro) : NULL;
	if (!disk)
		return;
	disk->role = is_boot ? "root" : "data";
	if (usb)
		disk->bus = "usb";
}

static void read_disks(struct bundle *b, struct node *hw)
{
	struct node *all = get_array(b, hw, "_storageDevices", NODE_DICT,
				     OPTIONAL);
	bool boot = false;
	char *path;

	if (!node_has(hw, "_storageDevices")) {
		path = file_maybe(b, NULL, "Disk.asif");
		if (!path || file_exists(b, "Disk.img")) {
			free(path);
			path = file_inside(b, hw, "_storageDevices", NULL,
					   "Disk.img");
		}
		if (path)
			vm_disk(b, NULL, path, false);
		return;
	}
	for (struct node *n = all ? all->child : NULL; n; n = n->next)
		read_disk(b, n, &boot);
	if (all && !boot)
		note_at(b, NOTE_ERROR, "no-boot-source", all, NULL, "no device "
			"is the boot volume (isBootVolume)");
}

static void read_nic(struct bundle *b, struct node *n)
{
	const char *id = get_str(b, n, "id", OPTIONAL);
	struct bvm_nic *nic;
	int64_t kind = 0;

	node_ignore(n, "name", "a name for people");
	if (!get_range(b, n, "kind", REQUIRED, 0, 1, &kind))
		return;
	nic = vm_nic(b, n);
	if (!nic)
		return;
	vm_mac(b, n, "macAddress", REQUIRED, false, nic);
	if (kind == 1) {
		nic->mode = BVM_NET_BRIDGED;
		nic->iface = strdup(!id || !strcmp(id, "Automatic Bridge") ?
				    "auto" : id);
	}
}

static void read_display(struct bundle *b, struct node *d)
{
	int64_t w = 1920, h = 1080, ppi = 144;

	get_int(b, d, "width", OPTIONAL, &w);
	get_int(b, d, "height", OPTIONAL, &h);
	get_int(b, d, "pixelsPerInch", OPTIONAL, &ppi);
	node_ignore(d, "automaticallyReconfiguresDisplay", "about the window");
	node_ignore(d, "id", "VirtualBuddy's own");
	node_ignore(d, "name", "a name for people");
	vm_display(b, d, w, h, ppi);
}

static void each(struct bundle *b, struct node *o, const char *key,
		 void (*f)(struct bundle *, struct node *))
{
	struct node *all = get_array(b, o, key, NODE_DICT, OPTIONAL);

	for (struct node *n = all ? all->child : NULL; n; n = n->next)
		f(b, n);
}

static void read_hardware(struct bundle *b, struct node *hw)
{
	struct node *sound, *nvram;

	vm_cpus(b, hw, "cpuCount", REQUIRED, false);
	vm_ram(b, hw, "memorySize", 1);
	read_disks(b, hw);
	each(b, hw, "networkDevices", read_nic);
	each(b, hw, "displayDevices", read_display);
	sound = get_array(b, hw, "soundDevices", NODE_DICT, OPTIONAL);
	if (sound && sound->len)
		note_at(b, NOTE_NOTE, "audio-absent", hw, "soundDevices",
			"pome has no sound");
	node_ignore_all(sound, "pome has no sound");
	nvram = get_array(b, hw, "NVRAM", NODE_DICT, OPTIONAL);
	if (nvram && nvram->len)
		note_at(b, NOTE_WARN, "nvram-ignored", hw, "NVRAM", "%zu "
			"variables; pome does not write the guest's NVRAM (set "
			"them inside, with the nvram command)", nvram->len);
	node_ignore_all(nvram, "pome does not write the guest's NVRAM");
	node_ignore_all(node_find(hw, "keyboardDevice"), "pome shows no "
			"pictures");
	node_ignore_all(node_find(hw, "pointingDevice"), "pome shows no "
			"pictures");
}

static void read_folder(struct bundle *b, struct node *f)
{
	if (get_bool(b, f, "isEnabled", OPTIONAL, true))
		note_at(b, NOTE_WARN, "share-location", f, "url", "a folder of "
			"that Mac; pome shares none (copy the files over the "
			"network)");
	node_ignore_all(f, "a location on that Mac");
}

void bundle_virtualbuddy(struct bundle *b)
{
	static const char *const kinds[] = { "mac", "linux", NULL };
	struct node *o = b->settings, *hw;
	int64_t version = 0;
	int kind = node_has(o, "systemType") ?
		get_word(b, o, "systemType", OPTIONAL, kinds) : 0;

	if (kind < 0)
		return;
	b->vm.arch = "aarch64";
	b->vm.guest = kind ? "linux" : "macos";
	get_int(b, o, "version", OPTIONAL, &version);
	if (version > 0) {
		note_at(b, NOTE_ERROR, "version-too-new", o, "version", "found "
			"%lld, written by a newer VirtualBuddy; pome knows 0",
			(long long)version);
		return;
	}
	name_it(b);
	read_metadata(b);
	if (kind) {
		b->vm.boot = BVM_BOOT_UEFI;
	} else {
		b->vm.boot = BVM_BOOT_ROM;
		read_identity(b);
	}
	hw = get_dict(b, o, "hardware", REQUIRED);
	if (hw)
		read_hardware(b, hw);
	if (get_bool(b, o, "rosettaSharingEnabled", OPTIONAL, false))
		note_at(b, NOTE_WARN, "rosetta-absent", o,
			"rosettaSharingEnabled", "Rosetta, Apple's translator "
			"for Intel programs, exists on Macs only (in the "
			"guest: apt install qemu-user-static binfmt-support)");
	if (get_bool(b, o, "guestAdditionsEnabled", OPTIONAL, true))
		note_at(b, NOTE_NOTE, "clipboard-absent", o,
			"guestAdditionsEnabled", "pome has no clipboard to "
			"share (use ssh)");
	node_ignore(o, "captureSystemKeys", "about the window");
	each(b, o, "sharedFolders", read_folder);
}
