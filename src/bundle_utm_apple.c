/* UTM's Apple back end: version 4, and the flat layout of versions 1 to 3.
 * bundles.md sections 1.2 and 1.4. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_utm.h"

static bool arch_ok(struct bundle *b, struct node *o, const char *key)
{
	static const char *const archs[] = { "aarch64", "x86_64", NULL };
	int a = get_word(b, o, key, REQUIRED, archs);

	if (a == 1) {
		b->vm.arch = "x86_64";
		refuse_at(b, "guest-arch", o, key, "a guest for Intel Macs; "
			  "pome runs arm64 guests only (qemu-system-x86_64 "
			  "runs Linux and Windows ones)");
	}
	return a == 0;
}

static void read_identity(struct bundle *b, struct node *p, const char *model,
			  const char *machine, const char *aux)
{
	struct node *hw = get_node(b, p, model, NODE_DATA, REQUIRED);
	struct node *id = get_node(b, p, machine, NODE_DATA, REQUIRED);
	const char *name = get_str(b, p, aux, OPTIONAL);

	if (hw)
		vm_model(b, p, model, hw->text, hw->len);
	if (id)
		vm_ecid(b, p, machine, id->text, id->len);
	vm_aux(b, p, aux, utm_image(b, p, aux, name ? name :
				    "AuxiliaryStorage"));
}

static void read_kernel(struct bundle *b, struct node *boot, const char *kernel,
			const char *initrd, const char *line)
{
	const char *k = get_str(b, boot, kernel, OPTIONAL);
	const char *i = get_str(b, boot, initrd, OPTIONAL);
	char path[NODE_PATH];

	vm_text(b, boot, line, &b->vm.cmdline, OPTIONAL);
	if (!k)
		return;
	b->vm.boot = BVM_BOOT_KERNEL;
	b->vm.kernel = utm_image(b, boot, kernel, k);
	if (i)
		b->vm.initrd = utm_image(b, boot, initrd, i);
	if (b->vm.kernel)
		file_check_kernel(b, node_path(node_find(boot, kernel), path),
				  b->vm.kernel);
	if (!b->vm.cmdline)
		b->vm.cmdline = strdup("");
}

static void read_boot(struct bundle *b, struct node *sys)
{
	static const char *const kinds[] = { "None", "Linux", "macOS", NULL };
	struct node *boot = get_dict(b, sys, "Boot", REQUIRED), *mac;
	int os = boot ? get_word(b, boot, "OperatingSystem", REQUIRED, kinds) :
		 -1;
	bool uefi;

	if (os < 0)
		return;
	vm_key(&b->vm.boot_key, boot);
	uefi = get_bool(b, boot, "UEFIBoot", OPTIONAL, false);
	switch (os) {
	case 0:
		refuse_at(b, "no-boot-source", boot, "OperatingSystem", "None: "
			  "nothing is there to start (choose a system in UTM; "
			  "or --kernel FILE)");
		break;
	case 1:
		b->vm.guest = "linux";
		read_kernel(b, boot, "LinuxKernelPath",
			    "LinuxInitialRamdiskPath", "LinuxCommandLine");
		node_ignore(boot, "EfiVariableStoragePath", "Apple's own "
			    "format, which is left untouched");
		if (b->vm.boot == BVM_BOOT_UNKNOWN && uefi)
			b->vm.boot = BVM_BOOT_UEFI;
		else if (b->vm.boot == BVM_BOOT_UNKNOWN)
			refuse_at(b, "no-boot-source", boot, "LinuxKernelPath",
				  "neither a kernel nor UEFI boot (give "
				  "--kernel)");
		break;
	case 2:
		b->vm.guest = "macos";
		b->vm.boot = BVM_BOOT_ROM;
		mac = get_dict(b, sys, "MacPlatform", REQUIRED);
		if (mac)
			read_identity(b, mac, "HardwareModel",
				      "MachineIdentifier",
				      "AuxiliaryStoragePath");
		break;
	}
	node_ignore_all(node_find(sys, "GenericPlatform"), "the identity of a "
			"Linux guest is of use to Apple's framework only");
	if (os != 2)
		node_ignore_all(node_find(sys, "MacPlatform"), "of macOS "
				"guests only");
}

/* Old files have booleans where a word is now. */
static void read_input(struct bundle *b, struct node *v, const char *key,
		       const char *const *words)
{
	struct node *n = node_find(v, key);

	if (!n || n->type != NODE_BOOL)
		get_word(b, v, key, REQUIRED, words);
	node_ignore(v, key, "pome shows no pictures, so there is no keyboard "
		    "or pointer");
}

static void read_virtualization(struct bundle *b, struct node *o)
{
	static const char *const keyboards[] = { "Disabled", "Generic", "Mac",
						 NULL };
	static const char *const pointers[] = { "Disabled", "Mouse",
						"Trackpad", NULL };
	struct node *v = get_dict(b, o, "Virtualization", REQUIRED);

	if (!v)
		return;
	utm_audio(b, v, "Audio", get_bool(b, v, "Audio", REQUIRED, false));
	get_bool(b, v, "Balloon", REQUIRED, true);
	node_ignore(v, "Balloon", "pome has no memory balloon; the guest runs "
		    "without");
	if (!get_bool(b, v, "Entropy", REQUIRED, true))
		node_ignore(v, "Entropy", "the guest always has an entropy "
			    "device");
	read_input(b, v, "Keyboard", keyboards);
	read_input(b, v, "Pointer", pointers);
	node_ignore(v, "Trackpad", "pome shows no pictures");
	utm_rosetta(b, v, "Rosetta", get_bool(b, v, "Rosetta", OPTIONAL,
					      false));
	utm_clipboard(b, v, "ClipboardSharing",
		      get_bool(b, v, "ClipboardSharing", OPTIONAL, false));
}

static bool same_id(struct bundle *b, struct node *all, struct node *d,
		    const char *key, const char *id)
{
	char there[NODE_PATH];

	for (struct node *n = all->child; n != d; n = n->next) {
		const struct node *o = node_find(n, key);

		if (!o || o->type != NODE_STRING || strcmp(o->text, id))
			continue;
		note_at(b, NOTE_ERROR, "duplicate-id", d, key, "'%.60s' is "
			"also that of %s; each drive needs its own", id,
			node_path(n, there));
		return true;
	}
	return false;
}

static void read_drive(struct bundle *b, struct node *all, struct node *d)
{
	const char *id = get_str(b, d, "Identifier", REQUIRED);
	const char *image = get_str(b, d, "ImageName", OPTIONAL);
	bool ro = get_bool(b, d, "ReadOnly", OPTIONAL, !image);
	bool nvme = get_bool(b, d, "Nvme", OPTIONAL, false);
	struct bvm_disk *disk;
	char *path;

	node_ignore(d, "Bookmark", "a location on that Mac");
	if (!id || same_id(b, all, d, "Identifier", id))
		return;
	if (!image) {
		if (!node_has(d, "ImageName"))
			utm_external(b, d);
		return;
	}
	path = utm_image(b, d, "ImageName", image);
	disk = path ? vm_disk(b, d, path, ro) : NULL;
	if (!disk)
		return;
	vm_set_serial(disk, id);
	if (nvme && b->vm.guest && !strcmp(b->vm.guest, "linux"))
		disk->bus = "nvme";
	else if (nvme)
		note_at(b, NOTE_NOTE, "nvme-as-virtio", d, "Nvme", "UTM has no "
			"NVMe disks for macOS guests either; it is on virtio");
}

static void read_network(struct bundle *b, struct node *n)
{
	static const char *const modes[] = { "Shared", "Bridged", NULL };
	int mode = get_word(b, n, "Mode", REQUIRED, modes);
	const char *iface = get_str(b, n, "BridgeInterface", OPTIONAL);
	struct bvm_nic *nic = vm_nic(b, n);

	if (!nic)
		return;
	vm_mac(b, n, "MacAddress", REQUIRED, false, nic);
	if (mode == 1) {
		nic->mode = BVM_NET_BRIDGED;
		nic->iface = strdup(iface ? iface : "auto");
	}
}

static void read_serial(struct bundle *b, struct node *s)
{
	static const char *const modes[] = { "Terminal", "Ptty", NULL };
	int mode = get_word(b, s, "Mode", REQUIRED, modes);

	node_ignore_all(node_find(s, "Terminal"), UTM_TERMINAL);
	if (mode < 0)
		return;
	/* The first terminal is ours; windows for more we do not have. */
	vm_serial(b, s, false, "%s", mode == 0 && !b->vm.nserials ? "stdio" :
		  "pty");
}

static void read_display(struct bundle *b, struct node *d)
{
	int64_t w, h, ppi;
	bool ok = get_int(b, d, "WidthPixels", REQUIRED, &w);

	node_ignore(d, "DynamicResolution", UTM_WINDOW);
	ok &= get_int(b, d, "HeightPixels", REQUIRED, &h);
	ok &= get_int(b, d, "PixelsPerInch", REQUIRED, &ppi);
	if (ok)
		vm_display(b, d, w, h, ppi);
}

static void each(struct bundle *b, struct node *o, const char *key,
		 enum need need, void (*f)(struct bundle *, struct node *))
{
	struct node *all = get_array(b, o, key, NODE_DICT, need);

	for (struct node *n = all ? all->child : NULL; n; n = n->next)
		f(b, n);
}

void bundle_utm_apple(struct bundle *b, struct node *o)
{
	struct node *sys = get_dict(b, o, "System", REQUIRED), *drives;

	utm_information(b, o);
	if (!sys)
		return;
	if (!arch_ok(b, sys, "Architecture"))
		return;
	vm_cpus(b, sys, "CPUCount", REQUIRED, true);
	vm_ram(b, sys, "MemorySize", MIB);
	read_boot(b, sys);
	read_virtualization(b, o);
	drives = get_array(b, o, "Drive", NODE_DICT, REQUIRED);
	for (struct node *n = drives ? drives->child : NULL; n; n = n->next)
		read_drive(b, drives, n);
	each(b, o, "Network", REQUIRED, read_network);
	each(b, o, "Serial", REQUIRED, read_serial);
	each(b, o, "Display", REQUIRED, read_display);
	if (get_array(b, o, "SharedDirectory", NODE_DICT, OPTIONAL)) {
		struct node *s = node_find(o, "SharedDirectory");

		if (s->len)
			utm_shared_folders(b, o, "SharedDirectory");
		node_ignore_all(s, "a location on that Mac");
	}
	vm_suspended(b, "Data/vmstate");
}

/* ---- versions 1 to 3 --------------------------------------------------------- */

static void old_disk(struct bundle *b, struct node *d)
{
	const char *image = get_str(b, d, "imagePath", OPTIONAL);
	bool external = get_bool(b, d, "isExternal", OPTIONAL, !image);
	bool ro = get_bool(b, d, "isReadOnly", OPTIONAL, external);
	struct bvm_disk *disk;
	char *path;

	node_ignore(d, "sizeMib", "the image has its own size");
	node_ignore(d, "imageBookmark", "a location on that Mac");
	if (external || !image) {
		utm_external(b, d);
		return;
	}
	path = utm_image(b, d, "imagePath", image);
	disk = path ? vm_disk(b, d, path, ro) : NULL;
	if (disk)
		snprintf(disk->serial, sizeof(disk->serial), "disk%zu",
			 d->index);
}

static void old_network(struct bundle *b, struct node *n)
{
	static const char *const modes[] = { "Shared", "Bridged", NULL };
	int mode = get_word(b, n, "networkMode", REQUIRED, modes);
	const char *iface = get_str(b, n, "bridgeInterfaceIdentifier",
				    OPTIONAL);
	struct bvm_nic *nic = vm_nic(b, n);

	if (!nic)
		return;
	vm_mac(b, n, "macAddress", OPTIONAL, false, nic);
	if (mode == 1) {
		nic->mode = BVM_NET_BRIDGED;
		nic->iface = strdup(iface ? iface : "auto");
	}
}

static void old_display(struct bundle *b, struct node *d)
{
	int64_t w, h, ppi;
	bool ok = get_int(b, d, "widthInPixels", REQUIRED, &w);

	ok &= get_int(b, d, "heightInPixels", REQUIRED, &h);
	ok &= get_int(b, d, "pixelsPerInch", REQUIRED, &ppi);
	if (ok)
		vm_display(b, d, w, h, ppi);
}

static void old_boot(struct bundle *b, struct node *o)
{
	static const char *const kinds[] = { "Linux", "macOS", NULL };
	struct node *boot = get_dict(b, o, "bootLoader", OPTIONAL), *mac;
	int os;

	if (!boot) {
		if (!node_has(o, "bootLoader"))
			refuse_at(b, "no-boot-source", o, "bootLoader", "the "
				  "key is missing: nothing is there to start");
		return;
	}
	vm_key(&b->vm.boot_key, boot);
	os = get_word(b, boot, "operatingSystem", REQUIRED, kinds);
	if (os == 0) {
		b->vm.guest = "linux";
		read_kernel(b, boot, "linuxKernelPath",
			    "linuxInitialRamdiskPath", "linuxCommandLine");
		if (b->vm.boot == BVM_BOOT_UNKNOWN)
			refuse_at(b, "no-boot-source", boot, "linuxKernelPath",
				  "no kernel (give --kernel)");
	} else if (os == 1) {
		b->vm.guest = "macos";
		b->vm.boot = BVM_BOOT_ROM;
		mac = get_dict(b, o, "macPlatform", REQUIRED);
		if (mac)
			read_identity(b, mac, "hardwareModel",
				      "machineIdentifier",
				      "auxiliaryStoragePath");
	}
}

void bundle_utm_legacy_apple(struct bundle *b, struct node *o)
{
	static const char *const window[] = { "icon", "iconCustom", "notes",
		"isKeyboardEnabled", "isPointingEnabled", "consoleFont",
		"consoleFontSize", "consoleTheme", "consoleBackgroundColor",
		"consoleTextColor", "consoleResizeCommand",
		"consoleCursorBlink", "sharedDirectories", };

	node_find(o, "version")->use = NODE_HONOURED;
	node_find(o, "isAppleVirtualization")->use = NODE_HONOURED;
	for (size_t i = 0; i < sizeof(window) / sizeof(window[0]); i++)
		node_ignore(o, window[i], UTM_WINDOW);
	vm_text(b, o, "name", &b->vm.name, OPTIONAL);
	if (!arch_ok(b, o, "architecture"))
		return;
	vm_cpus(b, o, "cpuCount", REQUIRED, true);
	vm_ram(b, o, "memorySize", 1);
	old_boot(b, o);
	each(b, o, "diskImages", OPTIONAL, old_disk);
	each(b, o, "networkDevices", OPTIONAL, old_network);
	each(b, o, "displays", OPTIONAL, old_display);
	utm_audio(b, o, "isAudioEnabled",
		  get_bool(b, o, "isAudioEnabled", OPTIONAL, false));
	node_ignore(o, "isBalloonEnabled", "pome has no memory balloon");
	get_bool(b, o, "isEntropyEnabled", OPTIONAL, true);
	node_ignore(o, "isConsoleDisplay", UTM_WINDOW);
	if (get_bool(b, o, "isSerialEnabled", OPTIONAL, false))
		vm_serial(b, node_find(o, "isSerialEnabled"), false, "stdio");
	vm_suspended(b, "Data/vmstate");
}
