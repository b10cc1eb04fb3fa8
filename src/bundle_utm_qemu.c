/* UTM's QEMU back end, version 4. bundles.md section 1.3. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_utm.h"

static const char *const archs[] = {
	"aarch64", "alpha", "arm", "avr", "cris", "hppa", "i386",
	"loongarch64", "m68k", "microblaze", "microblazeel", "mips", "mips64",
	"mips64el", "mipsel", "or1k", "ppc", "ppc64", "riscv32", "riscv64",
	"rx", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "tricore", "x86_64",
	"xtensa", "xtensaeb", NULL
};

bool utm_target(struct bundle *b, struct node *sys)
{
	int a = get_word(b, sys, "Architecture", REQUIRED, archs);
	const char *t = get_str(b, sys, "Target", REQUIRED);

	if (a < 0)
		return false;
	if (a > 0) {
		b->vm.arch = archs[a];
		refuse_at(b, "guest-arch", sys, "Architecture", "a guest for "
			  "%s; pome runs aarch64 guests only (QEMU runs it: "
			  "qemu-system-%s)", archs[a], archs[a]);
		return false;
	}
	if (!t)
		return false;
	if (!strcmp(t, "vmapple")) {
		b->vm.machine = "vmapple";
		b->vm.guest = "macos";
		return true;
	}
	if (!strcmp(t, "virt") || !strncmp(t, "virt-", 5)) {
		b->vm.machine = "virt";
		b->vm.guest = "other";
		return true;
	}
	refuse_at(b, "machine-unsupported", sys, "Target", "the board '%.40s'; "
		  "pome has virt and vmapple (QEMU runs it: qemu-system-aarch64 "
		  "-M %.40s)", t, t);
	return false;
}

void utm_cpu_note(struct bundle *b, struct node *sys)
{
	const char *cpu = get_str(b, sys, "CPU", OPTIONAL);

	node_ignore(sys, "CPU", "the guest sees the host's CPU, or the "
		    "interpreter's");
	if (cpu && *cpu && strcmp(cpu, "default") && strcmp(cpu, "host") &&
	    strcmp(cpu, "max"))
		note_at(b, NOTE_NOTE, "cpu-model-ignored", sys, "CPU", "the "
			"guest does not get a %.40s but the host's CPU under "
			"KVM, and the interpreter's else (--cpu)", cpu);
	for (int i = 0; i < 3; i++) {
		static const char *const keys[] = { "CPUFlagsAdd",
						    "CPUFlagsRemove",
						    "CPUFlags" };
		struct node *f = get_array(b, sys, keys[i], NODE_STRING,
					   OPTIONAL);

		if (f && f->len)
			note_at(b, NOTE_NOTE, "cpu-model-ignored", sys, keys[i],
				"%zu CPU features are chosen; pome's --cpu "
				"chooses them", f->len);
		node_ignore_all(f, "--cpu chooses features");
	}
}

/* Everything in the dictionary QEMU but its arguments. */
static void read_qemu(struct bundle *b, struct node *q, bool *uefi)
{
	static const char *const plain[] = { "PS2Controller", "DebugLog" };

	*uefi = get_bool(b, q, "UEFIBoot", REQUIRED, false);
	if (!get_bool(b, q, "RNGDevice", REQUIRED, true))
		node_ignore(q, "RNGDevice", "the guest always has an entropy "
			    "device");
	get_bool(b, q, "BalloonDevice", REQUIRED, false);
	node_ignore(q, "BalloonDevice", "pome has no memory balloon; the guest "
		    "runs without");
	if (get_bool(b, q, "TPMDevice", REQUIRED, false))
		note_at(b, NOTE_WARN, "tpm-absent", q, "TPMDevice", "pome has "
			"no TPM: Windows 11 does not install, and disks whose "
			"key is in it do not open (use a passphrase)");
	get_bool(b, q, "Hypervisor", REQUIRED, true);
	node_ignore(q, "Hypervisor", "--accel decides, and takes KVM where it "
		    "works");
	if (get_bool(b, q, "TSO", OPTIONAL, false))
		note_at(b, NOTE_NOTE, "tso-ignored", q, "TSO", "the memory "
			"order of Intel CPUs, which only Rosetta needs");
	utm_local_time(b, q, "RTCLocalTime", REQUIRED);
	for (int i = 0; i < 2; i++) {
		get_bool(b, q, plain[i], REQUIRED, false);
		node_ignore(q, plain[i], UTM_EMULATOR);
	}
	if (get_str(b, q, "MachinePropertyOverride", OPTIONAL))
		note_at(b, NOTE_WARN, "machine-override-ignored", q,
			"MachinePropertyOverride", "properties of QEMU's board "
			"are left out: %.80s", node_find(q,
			"MachinePropertyOverride")->text);
}

static bool same_id(struct bundle *b, struct node *all, struct node *d,
		    const char *id)
{
	char there[NODE_PATH];

	for (struct node *n = all->child; n != d; n = n->next) {
		const struct node *o = node_find(n, "Identifier");

		if (!o || o->type != NODE_STRING || strcmp(o->text, id))
			continue;
		note_at(b, NOTE_ERROR, "duplicate-id", d, "Identifier",
			"'%.60s' is also that of %s; each drive needs its own",
			id, node_path(n, there));
		return true;
	}
	return false;
}

static void add_disk(struct bundle *b, struct node *d, char *path, bool ro,
		     const char *id, int type, const char *iface)
{
	struct bvm_disk *disk;
	bool mac = !strcmp(b->vm.machine, "vmapple");

	if (!strcmp(iface, "PFlash")) {
		if (mac) {
			vm_aux(b, d, "ImageName", path);
		} else {
			utm_boot_file(b, d, UTM_IMG_BIOS, path);
			b->vm.boot = BVM_BOOT_UEFI;
		}
		return;
	}
	disk = vm_disk(b, d, path, ro || type == UTM_IMG_CD);
	if (!disk)
		return;
	vm_set_serial(disk, id);
	if (type == UTM_IMG_CD)
		disk->role = "cdrom";
	if (!strcmp(iface, "NVMe"))
		disk->bus = "nvme";
	else if (!strcmp(iface, "USB"))
		disk->bus = "usb";
	else if (strcmp(iface, "VirtIO") && strcmp(iface, "None"))
		note_at(b, NOTE_WARN, "disk-bus-changed", d, "Interface", "a "
			"disk on %s; the guest sees it on virtio, as /dev/vda "
			"and so on (adapt root= and /etc/fstab)", iface);
}

static void read_drive(struct bundle *b, struct node *all, struct node *d)
{
	static const char *const types[] = { "None", "Disk", "CD", "BIOS",
		"LinuxKernel", "LinuxInitrd", "LinuxDTB", NULL };
	static const char *const ifaces[] = { "None", "IDE", "SCSI", "SD",
		"MTD", "Floppy", "PFlash", "VirtIO", "NVMe", "USB", NULL };
	const char *id = get_str(b, d, "Identifier", REQUIRED);
	const char *image = get_str(b, d, "ImageName", OPTIONAL);
	int type = get_word(b, d, "ImageType", REQUIRED, types);
	int iface = get_word(b, d, "Interface", REQUIRED, ifaces);
	bool ro = get_bool(b, d, "ReadOnly", OPTIONAL, !image);
	char *path;

	node_ignore(d, "InterfaceVersion", UTM_EMULATOR);
	if (!id || type < 0 || iface < 0 || same_id(b, all, d, id))
		return;
	if (!image) {
		if (!node_has(d, "ImageName"))
			utm_external(b, d);
		return;
	}
	path = utm_image(b, d, "ImageName", image);
	if (!path)
		return;
	if (type >= UTM_IMG_BIOS)
		utm_boot_file(b, d, type, path);
	else
		add_disk(b, d, path, ro, id, type, ifaces[iface]);
}

/* Before UTM 4.4 the keys of a forward began with a small letter. */
static const char *key_of(const struct node *o, const char *now,
			  const char *then)
{
	return !node_has(o, now) && node_has(o, then) ? then : now;
}

static void read_forward(struct bundle *b, struct node *f, struct bvm_nic *nic)
{
	static const char *const protocols[] = { "TCP", "UDP", NULL };
	int p = get_word(b, f, key_of(f, "Protocol", "protocol"), REQUIRED,
			 protocols);
	const char *host = get_str(b, f, key_of(f, "HostAddress",
						"hostAddress"), OPTIONAL);
	const char *guest = get_str(b, f, key_of(f, "GuestAddress",
						 "guestAddress"), OPTIONAL);
	int64_t hport, gport;
	bool ok = get_range(b, f, key_of(f, "HostPort", "hostPort"), REQUIRED,
			    1, 65535, &hport);

	ok &= get_range(b, f, key_of(f, "GuestPort", "guestPort"), REQUIRED, 1,
			65535, &gport);
	if (ok && p >= 0)
		vm_forward(b, f, nic, p == 1, host, hport, guest, gport);
}

static void read_plan(struct bundle *b, struct node *n, bool emulated,
		      struct bvm_nic *nic)
{
	static const char *const plan[] = {
		"VlanGuestAddress", "VlanHostAddress", "VlanDhcpStartAddress",
		"VlanDnsServerAddress", "VlanDhcpDomain", NULL
	};
	static const char *const rest[] = {
		"VlanGuestAddressIPv6", "VlanHostAddressIPv6",
		"VlanDnsServerAddressIPv6", "VlanDnsSearchDomain", NULL
	};

	utm_plan(b, n, plan, rest, emulated, nic);
	node_ignore(n, "VlanDhcpEndAddress", "DHCP gives one address, the "
		    "guest's");
	node_ignore(n, "HostNetUuid", UTM_MAC_NET);
}

static void read_network(struct bundle *b, struct node *n)
{
	static const char *const modes[] = { "Emulated", "Shared", "Host",
					     "Bridged", NULL };
	int mode = get_word(b, n, "Mode", REQUIRED, modes);
	const char *card = get_str(b, n, "Hardware", REQUIRED);
	const char *iface = get_str(b, n, "BridgeInterface", OPTIONAL);
	struct node *fwd = get_array(b, n, "PortForward", NODE_DICT, OPTIONAL);
	struct bvm_nic *nic;

	if (mode < 0)
		return;
	nic = vm_nic(b, n);
	if (!nic)
		return;
	vm_mac(b, n, "MacAddress", REQUIRED, false, nic);
	nic->isolated = get_bool(b, n, "IsolateFromHost", OPTIONAL, false);
	if (card && strncmp(card, "virtio-net", 10))
		note_at(b, NOTE_NOTE, "nic-model-virtio", n, "Hardware", "a "
			"%.40s; the guest gets a virtio card", card);
	if (mode == 2) {
		nic->mode = BVM_NET_HOST;
	} else if (mode == 3) {
		nic->mode = BVM_NET_BRIDGED;
		nic->iface = strdup(iface ? iface : "auto");
	}
	for (struct node *f = fwd ? fwd->child : NULL; f; f = f->next)
		read_forward(b, f, nic);
	read_plan(b, n, !mode, nic);
}

static void read_tcp(struct bundle *b, struct node *s, bool server)
{
	const char *host = get_str(b, s, "TcpHostAddress", OPTIONAL);
	bool wait = get_bool(b, s, "WaitForConnection", OPTIONAL, false);
	bool remote = get_bool(b, s, "RemoteConnectionAllowed", OPTIONAL,
			       false);
	int64_t port = 1234;

	if (node_has(s, "TcpPort") &&
	    !get_range(b, s, "TcpPort", OPTIONAL, 1, 65535, &port))
		return;
	if (server)
		vm_serial(b, s, true, "tcp-listen:%s:%d%s", remote ?
			  "0.0.0.0" : "127.0.0.1", (int)port,
			  wait ? ",wait" : "");
	else
		vm_serial(b, s, true, "tcp:%.200s:%d", host ? host :
			  "127.0.0.1", (int)port);
}

static void read_serial(struct bundle *b, struct node *s)
{
	static const char *const modes[] = { "Terminal", "TcpClient",
					     "TcpServer", "Ptty", NULL };
	static const char *const targets[] = { "Auto", "Manual", "GDB",
					       "Monitor", NULL };
	static const char *const tcp[] = { "TcpHostAddress", "TcpPort",
		"WaitForConnection", "RemoteConnectionAllowed" };
	int mode = get_word(b, s, "Mode", REQUIRED, modes);
	int target = get_word(b, s, "Target", REQUIRED, targets);

	node_ignore_all(node_find(s, "Terminal"), UTM_TERMINAL);
	node_ignore(s, "Hardware", "the port is the board's own");
	for (int i = 0; i < 4 && (target >= 2 || (mode != 1 && mode != 2)); i++)
		node_ignore(s, tcp[i], "only for a port on TCP");
	if (mode < 0 || target < 0)
		return;
	if (target >= 2)
		note_at(b, NOTE_WARN, "setting-ignored", s, "Target", "a port "
			"to %s; left out", target == 2 ? "QEMU's debugger stub"
			: "QEMU's monitor");
	else if (mode == 1 || mode == 2)
		read_tcp(b, s, mode == 2);
	else
		vm_serial(b, s, true, "%s", mode == 0 && !b->vm.nserials ?
			  "stdio" : "pty");
}

static void read_display(struct bundle *b, struct node *d)
{
	const char *card = get_str(b, d, "Hardware", REQUIRED);
	struct bvm_display *n = vm_display(b, d, 1, 1, 0);
	size_t len = card ? strlen(card) : 0;

	if (n)
		n->w = n->h = 0;        /* the guest decides */
	if (len > 3 && (strstr(card, "-gl") || !strncmp(card, "apple-gfx", 9)))
		note_at(b, NOTE_NOTE, "display-absent", d, "Hardware",
			"%.40s has 3D, which pome has not", card);
	for (struct node *k = d->child; k; k = k->next)
		if (strcmp(k->name, "Hardware"))
			node_ignore_all(k, UTM_WINDOW);
}

static void read_sharing(struct bundle *b, struct node *s)
{
	static const char *const modes[] = { "None", "WebDAV", "VirtFS", NULL };

	if (get_word(b, s, "DirectoryShareMode", REQUIRED, modes) > 0)
		utm_shared_folders(b, s, "DirectoryShareMode");
	get_bool(b, s, "DirectoryShareReadOnly", REQUIRED, false);
	utm_clipboard(b, s, "ClipboardSharing",
		      get_bool(b, s, "ClipboardSharing", REQUIRED, false));
}

static void read_input(struct bundle *b, struct node *i)
{
	static const char *const buses[] = { "Disabled", "2.0", "3.0", NULL };

	get_word(b, i, "UsbBusSupport", REQUIRED, buses);
	node_ignore(i, "UsbBusSupport", "pome has no USB; disks are on virtio");
	if (get_bool(b, i, "UsbSharing", REQUIRED, false))
		note_at(b, NOTE_NOTE, "setting-ignored", i, "UsbSharing",
			"pome hands no USB devices of the host to the guest");
	node_ignore(i, "MaximumUsbShare", "pome has no USB");
}

static void each(struct bundle *b, struct node *o, const char *key,
		 void (*f)(struct bundle *, struct node *))
{
	struct node *all = get_array(b, o, key, NODE_DICT, REQUIRED);

	for (struct node *n = all ? all->child : NULL; n; n = n->next)
		f(b, n);
}

static void read_sound(struct bundle *b, struct node *s)
{
	get_str(b, s, "Hardware", REQUIRED);
	utm_audio(b, s, "Hardware", true);
}

static void read_args(struct bundle *b, struct node *q)
{
	struct node *all = get_array(b, q, "AdditionalArguments", NODE_STRING,
				     REQUIRED);
	const char *arg[NODE_ITEMS];
	struct utm_args a;
	int n = 0;

	if (!all)
		return;
	for (struct node *k = all->child; k; k = k->next)
		arg[n++] = k->text;
	utm_args_parse(b, all, arg, n, &a);
	utm_args_apply(b, all, &a);
}

void bundle_utm_qemu(struct bundle *b, struct node *o)
{
	static const char *const emulator[] = { "ForceMulticore",
						"JITCacheSize" };
	struct node *sys = get_dict(b, o, "System", REQUIRED);
	struct node *q = get_dict(b, o, "QEMU", REQUIRED);
	struct node *input = get_dict(b, o, "Input", REQUIRED);
	struct node *sharing = get_dict(b, o, "Sharing", REQUIRED), *drives;
	bool uefi = false;

	utm_information(b, o);
	if (!sys || !q || !utm_target(b, sys))
		return;
	utm_cpu_note(b, sys);
	vm_cpus(b, sys, "CPUCount", REQUIRED, true);
	vm_ram(b, sys, "MemorySize", MIB);
	for (int i = 0; i < 2; i++)
		node_ignore(sys, emulator[i], UTM_EMULATOR);
	read_qemu(b, q, &uefi);
	drives = get_array(b, o, "Drive", NODE_DICT, REQUIRED);
	for (struct node *n = drives ? drives->child : NULL; n; n = n->next)
		read_drive(b, drives, n);
	read_args(b, q);
	utm_boot(b, q, "UEFIBoot", uefi);
	each(b, o, "Network", read_network);
	each(b, o, "Serial", read_serial);
	each(b, o, "Display", read_display);
	each(b, o, "Sound", read_sound);
	if (sharing)
		read_sharing(b, sharing);
	if (input)
		read_input(b, input);
}
