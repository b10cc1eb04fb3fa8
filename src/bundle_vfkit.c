/* vfkit machines: the JSON that programs which embed it write, and its command
 * lines, which bundle_cmdline.c brings into the same form. bundles.md 2.5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bundle_int.h"

#define BLOB_MAX 4096

static char *path_of(struct bundle *b, struct node *o, const char *key,
		     enum need need)
{
	const char *s = get_str(b, o, key, need);

	return s ? file_anywhere(b, o, key, s) : NULL;
}

static void read_blob(struct bundle *b, struct node *o, const char *key,
		      void (*use)(struct bundle *, const struct node *,
				  const char *, const void *, size_t))
{
	const char *name = get_str(b, o, key, REQUIRED);
	size_t len;
	char *path, *blob;

	if (!name)
		return;
	path = file_anywhere(b, o, key, name);
	blob = path ? file_read(b, name, BLOB_MAX, &len) : NULL;
	if (blob)
		use(b, o, key, blob, len);
	else if (path)
		note_at(b, NOTE_ERROR, "bad-identity", o, key, "%.120s: not "
			"in the bundle, or larger than %d bytes", name,
			BLOB_MAX);
	free(path);
	free(blob);
}

static void boot_linux(struct bundle *b, struct node *o)
{
	char key[NODE_PATH];

	b->vm.guest = "linux";
	b->vm.boot = BVM_BOOT_KERNEL;
	b->vm.kernel = path_of(b, o, "vmlinuzPath", REQUIRED);
	b->vm.initrd = path_of(b, o, "initrdPath", OPTIONAL);
	vm_text(b, o, "kernelCmdLine", &b->vm.cmdline, OPTIONAL);
	if (!b->vm.cmdline)
		b->vm.cmdline = strdup("");
	if (b->vm.kernel && !strncmp(b->vm.kernel, b->dir, strlen(b->dir)))
		file_check_kernel(b, node_path(node_find(o, "vmlinuzPath"),
					       key), b->vm.kernel);
}

static void read_boot(struct bundle *b, struct node *o)
{
	static const char *const kinds[] = { "linuxBootloader",
		"efiBootloader", "macOSBootloader", "macOsBootloader",
		"macosBootloader", NULL };
	int kind = get_word(b, o, "kind", REQUIRED, kinds);

	vm_key(&b->vm.boot_key, o);
	if (kind == 0) {
		boot_linux(b, o);
	} else if (kind == 1) {
		b->vm.guest = "linux";
		b->vm.boot = BVM_BOOT_UEFI;
		node_ignore(o, "efiVariableStorePath", "Apple's own format, "
			    "which is left untouched");
		node_ignore(o, "createVariableStore", "of Apple's framework");
	} else if (kind > 1) {
		b->vm.guest = "macos";
		b->vm.boot = BVM_BOOT_ROM;
		read_blob(b, o, "hardwareModelPath", vm_model);
		read_blob(b, o, "machineIdentifierPath", vm_ecid);
		vm_aux(b, o, "auxImagePath", path_of(b, o, "auxImagePath",
						     REQUIRED));
	}
}

static void read_disk(struct bundle *b, struct node *d, const char *bus)
{
	bool ro = get_bool(b, d, "readOnly", OPTIONAL, false);
	const char *type = get_str(b, d, "type", OPTIONAL);
	const char *id = get_str(b, d, "deviceIdentifier", OPTIONAL);
	struct bvm_disk *disk;
	char *path;

	if (type && !strcmp(type, "dev")) {
		note_at(b, NOTE_WARN, "drive-external", d, "type", "a device "
			"of that host; left out (--disk /dev/NAME takes one)");
		return;
	}
	path = path_of(b, d, "imagePath", REQUIRED);
	disk = path ? vm_disk(b, d, path, ro) : NULL;
	if (!disk)
		return;
	disk->bus = bus;
	if (id)
		snprintf(disk->serial, sizeof(disk->serial), "%.20s", id);
}

static void read_net(struct bundle *b, struct node *d)
{
	const char *sock = get_str(b, d, "unixSocketPath", OPTIONAL);
	struct bvm_nic *n = vm_nic(b, d);

	get_bool(b, d, "nat", OPTIONAL, true);
	if (!n)
		return;
	vm_mac(b, d, "macAddress", OPTIONAL, true, n);
	if (sock && *sock) {
		n->mode = BVM_NET_UNIX;
		n->hello = "VFKT";      /* how it names itself to gvproxy */
		n->path = strdup(sock);
	}
}

static void read_serial(struct bundle *b, struct node *d)
{
	const char *log = get_str(b, d, "logFile", OPTIONAL);
	bool pty = get_bool(b, d, "usesPty", OPTIONAL, false);
	bool stdio = get_bool(b, d, "usesStdio", OPTIONAL, false);

	if (log && *log && !stdio && !pty)
		vm_serial(b, d, false, "file:%s", log);
	else
		vm_serial(b, d, false, "%s", pty ? "pty" : "stdio");
}

static void read_share(struct bundle *b, struct node *d)
{
	const char *dir = get_str(b, d, "sharedDir", REQUIRED);
	const char *tag = get_str(b, d, "mountTag", OPTIONAL);
	struct bvm_share *s = vm_share(b, d, tag ? tag : "", false);

	if (s && dir)
		vm_share_path(s, dir);
}

static void read_display(struct bundle *b, struct node *d)
{
	int64_t w = 800, h = 600;

	get_int(b, d, "width", OPTIONAL, &w);
	get_int(b, d, "height", OPTIONAL, &h);
	vm_display(b, d, w, h, 0);
	node_ignore(d, "usesGUI", "about the window");
}

enum { D_BLK, D_NVME, D_USB, D_NBD, D_NET, D_SERIAL, D_FS, D_SOCK, D_GPU,
       D_INPUT, D_RNG, D_BALLOON, D_ROSETTA };

static void read_device(struct bundle *b, struct node *d)
{
	static const char *const kinds[] = { "virtioblk", "nvme",
		"usbmassstorage", "nbd", "virtionet", "virtioserial",
		"virtiofs", "virtiosock", "virtiogpu", "virtioinput",
		"virtiorng", "virtioballoon", "rosetta", NULL };
	int kind = get_word(b, d, "kind", REQUIRED, kinds);

	node_ignore(d, "devName", "vfkit's own");
	switch (kind) {
	case D_BLK: read_disk(b, d, "virtio"); break;
	case D_NVME: read_disk(b, d, "nvme"); break;
	case D_USB: read_disk(b, d, "usb"); break;
	case D_NBD:
		note_at(b, NOTE_WARN, "drive-external", d, NULL, "a disk over "
			"the network (NBD); left out (on this host: qemu-nbd "
			"or nbd-client, then --disk /dev/nbd0)");
		node_ignore_all(d, "pome has no NBD client");
		break;
	case D_NET: read_net(b, d); break;
	case D_SERIAL: read_serial(b, d); break;
	case D_FS: read_share(b, d); break;
	case D_SOCK:
		note_at(b, NOTE_WARN, "setting-ignored", d, NULL, "a vsock "
			"device, which pome has not; what talks over it goes "
			"without (use the network)");
		node_ignore_all(d, "pome has no vsock");
		break;
	case D_GPU: read_display(b, d); break;
	case D_INPUT:
		get_str(b, d, "inputType", OPTIONAL);
		node_ignore_all(d, "pome shows no pictures");
		break;
	case D_BALLOON:
		node_ignore_all(d, "pome has no memory balloon; the guest runs "
				"without");
		break;
	case D_ROSETTA:
		note_at(b, NOTE_WARN, "rosetta-absent", d, NULL, "Rosetta, "
			"Apple's translator for Intel programs, exists on Macs "
			"only (in the guest: apt install qemu-user-static "
			"binfmt-support)");
		node_ignore_all(d, "Macs only");
		break;
	}
}

void bundle_vfkit(struct bundle *b)
{
	static const char *const own[] = { "--restful-uri", "--log-level",
					   "--pidfile", "--cloud-init" };
	struct node *o = b->settings, *boot, *all;

	b->vm.arch = "aarch64";
	b->vm.no_serial = true;
	vm_cpus(b, o, "vcpus", REQUIRED, false);
	vm_ram(b, o, "memoryBytes", 1);
	boot = get_dict(b, o, "bootloader", REQUIRED);
	if (boot)
		read_boot(b, boot);
	all = get_array(b, o, "devices", NODE_DICT, OPTIONAL);
	for (struct node *n = all ? all->child : NULL; n; n = n->next)
		read_device(b, n);
	/* Nothing to see it by: then the terminal, as for the others. */
	if (!b->vm.nserials)
		b->vm.no_serial = false;
	node_ignore_all(node_find(o, "timesync"), "the guest's clock is "
			"the host's");
	if (node_has(o, "ignition"))
		note_at(b, NOTE_WARN, "setting-ignored", o, "ignition", "the "
			"guest's first configuration comes over vsock, which "
			"pome has not");
	node_ignore_all(node_find(o, "ignition"), "over vsock");
	node_ignore_all(node_find(o, "nested"), "pome has no nested "
			"virtualization");
	node_ignore_all(node_find(o, "gui"), "about the window");
	if (node_has(o, "--cloud-init"))
		note_at(b, NOTE_WARN, "setting-ignored", o, "--cloud-init",
			"vfkit makes a disk of these files, and pome does not "
			"(make it: cloud-localds seed.img USER-DATA; then "
			"--disk seed.img,readonly)");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		node_ignore(o, own[i], "about the program vfkit");
}
