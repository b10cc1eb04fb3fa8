/* UTM's QEMU back end, versions 1 and 2: read as the VM that UTM makes of it
 * when it migrates, without changing the file. bundles.md section 1.5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_utm.h"

/* The VM's name is the directory's. */
static void name_it(struct bundle *b)
{
	const char *slash = strrchr(b->dir, '/');
	const char *base = slash ? slash + 1 : b->dir;
	size_t n = strlen(base);

	if (n > 4 && !strcmp(base + n - 4, ".utm"))
		n -= 4;
	free(b->vm.name);
	b->vm.name = strndup(base, n);
}

static void read_drive(struct bundle *b, struct node *d)
{
	static const char *const types[] = { "none", "disk", "cd", "bios",
		"kernel", "initrd", "dtb", NULL };
	const char *image = get_str(b, d, "ImagePath", OPTIONAL);
	const char *iface = get_str(b, d, "InterfaceType", OPTIONAL);
	const char *name = get_str(b, d, "DriveName", OPTIONAL);
	int type = node_has(d, "ImageType") ?
		get_word(b, d, "ImageType", OPTIONAL, types) : UTM_IMG_DISK;
	struct bvm_disk *disk;
	bool removable;
	char *path;

	if (get_bool(b, d, "Cdrom", OPTIONAL, false))
		type = UTM_IMG_CD;
	if (type < 0)
		return;
	removable = get_bool(b, d, "Removable", OPTIONAL, false);
	if (!image || !*image || removable) {
		utm_external(b, d);
		return;
	}
	/* UTM drops the variable store from the drives. */
	if (!strcmp(image, "efi_vars.fd")) {
		node_ignore_all(d, "the variable store, which is no drive any "
				"more");
		return;
	}
	path = utm_image(b, d, "ImagePath", image);
	if (!path)
		return;
	if (type >= UTM_IMG_BIOS) {
		utm_boot_file(b, d, type, path);
		return;
	}
	disk = vm_disk(b, d, path, type == UTM_IMG_CD);
	if (!disk)
		return;
	if (type == UTM_IMG_CD)
		disk->role = "cdrom";
	if (name)
		vm_set_serial(disk, name);
	if (iface && !strcmp(iface, "usb"))
		disk->bus = "usb";
	else if (iface && !strcmp(iface, "nvme"))
		disk->bus = "nvme";
	else if (iface && *iface && strcmp(iface, "virtio") &&
		 strcmp(iface, "none"))
		note_at(b, NOTE_WARN, "disk-bus-changed", d, "InterfaceType",
			"a disk on %.20s; the guest sees it on virtio, as "
			"/dev/vda and so on (adapt root= and /etc/fstab)",
			iface);
}

static void read_forward(struct bundle *b, struct node *f, struct bvm_nic *nic)
{
	static const char *const protocols[] = { "tcp", "udp", NULL };
	int p = get_word(b, f, "Protocol", REQUIRED, protocols);
	const char *host = get_str(b, f, "HostAddress", OPTIONAL);
	const char *guest = get_str(b, f, "GuestAddress", OPTIONAL);
	int64_t hport, gport;
	/* The old file's ports are right; UTM's migration mixes them up. */
	bool ok = get_range(b, f, "HostPort", REQUIRED, 1, 65535, &hport);

	ok &= get_range(b, f, "GuestPort", REQUIRED, 1, 65535, &gport);
	if (ok && p >= 0)
		vm_forward(b, f, nic, p == 1, host, hport, guest, gport);
}

static void read_network(struct bundle *b, struct node *o)
{
	static const char *const modes[] = { "none", "emulated", "shared",
					     "host", "bridged", NULL };
	static const char *const plan[] = { "IPSubnet", "IPHost", "DHCPStart",
					    "IPDNS", "DHCPDomain", NULL };
	static const char *const rest[] = { "IPSubnetIPv6", "IPHostIPv6",
		"IPDNSIPv6", "IPv6Subnet", "IPv6Host", "IPv6DNS", "DNSSearch",
		NULL };
	struct node *n = get_dict(b, o, "Networking", OPTIONAL), *fwd;
	const char *card, *iface;
	struct bvm_nic *nic;
	int mode;

	if (!n)
		return;
	mode = node_has(n, "NetworkMode") ?
		get_word(b, n, "NetworkMode", OPTIONAL, modes) :
		get_bool(b, n, "NetworkEnabled", OPTIONAL, false) ? 1 : 0;
	card = get_str(b, n, "NetworkCard", OPTIONAL);
	iface = get_str(b, n, "NetworkBridgeInterface", OPTIONAL);
	node_ignore(n, "DHCPHost", "a name, which the guest has itself");
	if (node_has(n, "NetworkMode"))
		node_ignore(n, "NetworkEnabled", "NetworkMode says it");
	if (mode <= 0)
		return;
	nic = vm_nic(b, n);
	if (!nic)
		return;
	utm_plan(b, n, plan, rest, mode == 1, nic);
	vm_mac(b, n, "NetworkCardMAC", OPTIONAL, false, nic);
	nic->isolated = get_bool(b, n, "IsolateGuest", OPTIONAL, false);
	if (mode == 3) {
		nic->mode = BVM_NET_HOST;
	} else if (mode == 4) {
		nic->mode = BVM_NET_BRIDGED;
		nic->iface = strdup(iface ? iface : "auto");
	}
	if (!card || strncmp(card, "virtio-net", 10))
		note_at(b, NOTE_NOTE, "nic-model-virtio", n, "NetworkCard",
			"%s%.40s; the guest gets a virtio card", card ? "a " :
			"", card ? card : "nothing said, which is an rtl8139");
	fwd = get_array(b, n, "PortForward", NODE_DICT, OPTIONAL);
	for (struct node *f = fwd ? fwd->child : NULL; f; f = f->next)
		read_forward(b, f, nic);
}

static void read_args(struct bundle *b, struct node *sys)
{
	struct node *a = node_find(sys, "AddArgs"), *k;
	const char *arg[NODE_ITEMS];
	struct utm_args args;
	int n = 0;

	if (!a)
		return;
	if (a->type == NODE_STRING) {   /* version 1 */
		arg[n++] = get_str(b, sys, "AddArgs", OPTIONAL);
		if (!arg[0])
			return;
	} else {
		a = get_array(b, sys, "AddArgs", NODE_STRING, OPTIONAL);
		if (!a)
			return;
		for (k = a->child; k; k = k->next)
			arg[n++] = k->text;
	}
	utm_args_parse(b, a, arg, n, &args);
	utm_args_apply(b, a, &args);
}

static void read_display(struct bundle *b, struct node *o)
{
	struct node *d = get_dict(b, o, "Display", OPTIONAL);
	struct bvm_display *n;

	if (!d)
		return;
	if (get_bool(b, d, "ConsoleOnly", OPTIONAL, false)) {
		vm_serial(b, d, true, "stdio");
	} else {
		n = vm_display(b, d, 1, 1, 0);
		if (n)
			n->w = n->h = 0;
	}
	for (struct node *k = d->child; k; k = k->next)
		if (strcmp(k->name, "ConsoleOnly"))
			node_ignore_all(k, UTM_WINDOW);
}

static void read_others(struct bundle *b, struct node *o)
{
	static const char *const rest[] = { "Input", "Printing", "Debug",
					    "Info" };
	struct node *sound = get_dict(b, o, "Sound", OPTIONAL);
	struct node *share = get_dict(b, o, "Sharing", OPTIONAL);

	if (sound) {
		utm_audio(b, sound, "SoundEnabled",
			  get_bool(b, sound, "SoundEnabled", OPTIONAL, false));
		node_ignore(sound, "SoundCard", "pome has no sound");
	}
	if (share) {
		utm_clipboard(b, share, "ClipboardSharing",
			      get_bool(b, share, "ClipboardSharing", OPTIONAL,
				       false));
		if (get_bool(b, share, "DirectorySharing", OPTIONAL, false))
			utm_shared_folders(b, share, "DirectorySharing");
		for (struct node *k = share->child; k; k = k->next)
			if (k->use == NODE_UNREAD)
				node_ignore_all(k, "a location on that Mac, or "
						"of USB, which pome has not");
	}
	for (int i = 0; i < 4; i++)
		node_ignore_all(node_find(o, rest[i]), UTM_WINDOW);
}

void bundle_utm_legacy_qemu(struct bundle *b, struct node *o)
{
	static const char *const emulator[] = { "BootDevice", "ForcePS2Controller",
		"JITCacheSize", "ForceMulticore", "UseHypervisor",
		"RngEnabled" };
	struct node *sys = get_dict(b, o, "System", REQUIRED), *drives;

	node_ignore(o, "ConfigurationVersion", "read as it was");
	if (!sys || !utm_target(b, sys))
		return;
	name_it(b);
	utm_cpu_note(b, sys);
	vm_cpus(b, sys, "CPUCount", REQUIRED, true);
	vm_ram(b, sys, "Memory", MIB);
	vm_text(b, sys, "SystemUUID", &b->vm.uuid, OPTIONAL);
	for (size_t i = 0; i < sizeof(emulator) / sizeof(emulator[0]); i++)
		node_ignore(sys, emulator[i], UTM_EMULATOR);
	utm_local_time(b, sys, "RTCUseLocalTime", OPTIONAL);
	if (get_str(b, sys, "MachineProperties", OPTIONAL) &&
	    *node_find(sys, "MachineProperties")->text)
		note_at(b, NOTE_WARN, "machine-override-ignored", sys,
			"MachineProperties", "properties of QEMU's board are "
			"left out");
	drives = get_array(b, o, "Drives", NODE_DICT, OPTIONAL);
	for (struct node *n = drives ? drives->child : NULL; n; n = n->next)
		read_drive(b, n);
	read_args(b, sys);
	/* Absent means true for virt. */
	utm_boot(b, sys, "BootUefi", get_bool(b, sys, "BootUefi", OPTIONAL,
					      true));
	read_network(b, o);
	read_display(b, o);
	read_others(b, o);
}
