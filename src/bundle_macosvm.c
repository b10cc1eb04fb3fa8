/* The macosvm format: one JSON file beside its images. bundles.md section 2.1.
 *
 * Its files may be anywhere, that is the format's nature; a name that leaves
 * the bundle's directory gets a warning (section 7). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bundle_int.h"
#include "identity.h"

/* A boolean, also 0 or 1. The original ignores anything else silently. */
static bool loose_bool(struct bundle *b, struct node *o, const char *key,
		       bool fallback)
{
	struct node *n = node_find(o, key);

	if (n && n->type == NODE_INT) {
		n->use = NODE_HONOURED;
		return n->num != 0;
	}
	if (n && n->type != NODE_BOOL) {
		node_ignore(o, key, "not true or false");
		note_at(b, NOTE_WARN, "wrong-type", o, key, "found %s; expected "
			"true or false; ignored, as macosvm does",
			node_type_name(n->type));
		return fallback;
	}
	return get_bool(b, o, key, OPTIONAL, fallback);
}

static void check_word(struct bundle *b, struct node *o, const char *key,
		       const char *const *words, const char *why)
{
	const char *s = get_str(b, o, key, OPTIONAL);
	char list[100];

	if (!s)
		return;
	node_ignore(o, key, why);
	for (int i = 0; words[i]; i++)
		if (!strcmp(s, words[i]))
			return;
	word_list(words, list, sizeof(list));
	note_at(b, NOTE_WARN, "bad-enum", o, key, "found '%.40s'; expected %s; "
		"ignored", s, list);
}

/* `file`, or `url` with its escapes. The caller frees. */
static char *file_name(struct bundle *b, struct node *o)
{
	const char *file = get_str(b, o, "file", OPTIONAL);
	const char *url = get_str(b, o, "url", OPTIONAL);
	char *name;

	if (file)
		return strdup(file);
	if (!url) {
		if (!node_has(o, "file") && !node_has(o, "url"))
			note_at(b, NOTE_ERROR, "missing-key", o, "file", "the "
				"key is missing, and url as well; expected the "
				"name of an image");
		return NULL;
	}
	name = file_from_url(url);
	if (!name)
		note_at(b, NOTE_ERROR, "bad-value", o, "url", "'%.80s' is no "
			"file URL; expected file:NAME", url);
	return name;
}

static void read_storage(struct bundle *b, struct node *o, bool *aux)
{
	static const char *const types[] = { "disk", "usb", "aux", "initrd",
					     NULL };
	static const char *const sync[] = { "full", "fsync", "none", NULL };
	static const char *const cache[] = { "auto", "cached", "uncached",
					     NULL };
	int type = get_word(b, o, "type", REQUIRED, types);
	bool ro = loose_bool(b, o, "readOnly", false);
	const char *key = node_has(o, "file") ? "file" : "url";
	struct bvm_disk *d;
	char *name, *path;

	check_word(b, o, "sync", sync, "a flush of the guest is always one of "
		   "the disk");
	check_word(b, o, "cache", cache, "the host decides what it caches");
	loose_bool(b, o, "keep", false);
	node_ignore(o, "keep", "only --ephemeral of macosvm asks for it");
	*aux |= type == 2;
	name = file_name(b, o);
	if (type < 0 || !name) {
		free(name);
		return;
	}
	path = file_anywhere(b, o, key, name);
	free(name);
	if (!path)
		return;
	switch (type) {
	case 2:
		if (!strcmp(b->vm.guest, "macos")) {
			vm_aux(b, o, key, path);
			return;
		}
		break;
	case 3:
		if (!strcmp(b->vm.guest, "linux")) {
			free(b->vm.initrd);
			b->vm.initrd = path;
			return;
		}
		break;
	default:
		d = vm_disk(b, o, path, ro);
		if (d && type == 1) {
			d->bus = "usb";
			d->role = "data";
		}
		return;
	}
	node_ignore_all(o, type == 2 ? "a Linux guest has no auxiliary storage"
			: "a macOS guest has no initial RAM disk");
	free(path);
}

static bool mtu_ok(struct bundle *b, struct node *o, int64_t *mtu)
{
	struct node *n = node_find(o, "mtu");

	*mtu = 0;
	if (!n)
		return true;
	if (n->type == NODE_STRING) {
		char *end;

		n->use = NODE_HONOURED;
		*mtu = strtol(n->text, &end, 10);
		if (!n->len || *end)
			*mtu = -1;
	} else if (!get_int(b, o, "mtu", OPTIONAL, mtu)) {
		return false;
	}
	if (*mtu >= 1500 && *mtu <= 65535)
		return true;
	note_at(b, NOTE_ERROR, "bad-value", o, "mtu", "expected 1500 to 65535");
	return false;
}

static void read_network(struct bundle *b, struct node *o)
{
	const char *type = get_str(b, o, "type", REQUIRED);
	const char *iface = get_str(b, o, "interface", OPTIONAL);
	const char *path = get_str(b, o, "path", OPTIONAL);
	struct bvm_nic *n;
	int64_t mtu;

	if (!mtu_ok(b, o, &mtu) || !type)
		return;
	n = vm_nic(b, o);
	if (!n)
		return;
	vm_mac(b, o, "mac", OPTIONAL, true, n);
	n->mtu = mtu;
	if (!strncmp(type, "br", 2)) {
		n->mode = BVM_NET_BRIDGED;
		n->iface = strdup(iface ? iface : "auto");
	} else if (!strcmp(type, "unix")) {
		n->mode = BVM_NET_UNIX;
		n->path = strdup(path ? path : "/tmp/slirp");
	} else if (strcmp(type, "nat")) {
		note_at(b, NOTE_ERROR, "bad-enum", o, "type", "found '%.40s'; "
			"expected nat, br or unix", type);
	}
}

static void read_share(struct bundle *b, struct node *o)
{
	const char *tag = get_str(b, o, "volume", OPTIONAL);
	const char *path = get_str(b, o, "path", OPTIONAL);
	const char *url = get_str(b, o, "url", OPTIONAL);
	struct node *paths = get_array(b, o, "paths", NODE_STRING, OPTIONAL);
	struct bvm_share *s;
	char *p = NULL;

	if (loose_bool(b, o, "automount", false))
		tag = "com.apple.virtio-fs.automount";
	s = vm_share(b, o, tag ? tag : "macosvm",
		     loose_bool(b, o, "readOnly", false));
	if (!s)
		return;
	if (path)
		vm_share_path(s, path);
	for (struct node *n = paths ? paths->child : NULL; n; n = n->next)
		vm_share_path(s, n->text);
	if (url) {
		p = file_from_url(url);
		if (p)
			vm_share_path(s, p);
		else
			note_at(b, NOTE_ERROR, "bad-value", o, "url", "'%.80s' "
				"is no file URL", url);
	}
	free(p);
	if (!path && !url && !paths)
		note_at(b, NOTE_ERROR, "missing-key", o, "path", "the key is "
			"missing; expected the path of a folder");
}

static void read_display(struct bundle *b, struct node *o)
{
	int64_t w = 2560, h = 1600, dpi = 200;

	get_int(b, o, "width", OPTIONAL, &w);
	get_int(b, o, "height", OPTIONAL, &h);
	get_int(b, o, "dpi", OPTIONAL, &dpi);
	vm_display(b, o, w, h, dpi);
}

static void each(struct bundle *b, struct node *o, const char *key,
		 void (*f)(struct bundle *, struct node *))
{
	struct node *all = get_array(b, o, key, NODE_DICT, OPTIONAL);

	for (struct node *n = all ? all->child : NULL; n; n = n->next)
		f(b, n);
}

static void read_devices(struct bundle *b, struct node *o)
{
	struct node *storage = get_array(b, o, "storage", NODE_DICT, OPTIONAL);
	bool aux = false;

	for (struct node *n = storage ? storage->child : NULL; n; n = n->next)
		read_storage(b, n, &aux);
	if (!aux && !strcmp(b->vm.guest, "macos"))
		note_at(b, NOTE_ERROR, "missing-key", o, "storage", "no entry "
			"of type aux; a macOS guest needs its auxiliary "
			"storage");
	each(b, o, "networks", read_network);
	if (!node_has(o, "networks"))
		vm_nic(b, NULL);
	each(b, o, "displays", read_display);
	if (!node_has(o, "displays") && !strcmp(b->vm.guest, "macos"))
		vm_display(b, NULL, 2560, 1600, 200);
	each(b, o, "shares", read_share);
	if (loose_bool(b, o, "audio", false))
		note_at(b, NOTE_NOTE, "audio-absent", o, "audio", "pome has no "
			"sound");
	if (loose_bool(b, o, "serial", true))
		vm_serial(b, node_find(o, "serial"), false, "stdio");
	else
		b->vm.no_serial = true;
}

static void read_linux(struct bundle *b, struct node *o)
{
	struct node *boot = get_dict(b, o, "bootInfo", REQUIRED);
	const char *kernel;

	if (!boot)
		return;
	kernel = get_str(b, boot, "kernel", OPTIONAL);
	vm_text(b, boot, "parameters", &b->vm.cmdline, OPTIONAL);
	vm_key(&b->vm.boot_key, boot);
	if (!kernel) {
		if (!node_has(boot, "kernel"))
			note_at(b, NOTE_ERROR, "no-boot-source", boot,
				"kernel", "the key is missing; a Linux guest "
				"needs a kernel (name one, or use --kernel)");
		return;
	}
	b->vm.boot = BVM_BOOT_KERNEL;
	b->vm.kernel = file_anywhere(b, boot, "kernel", kernel);
	if (b->vm.kernel && !strncmp(b->vm.kernel, b->dir, strlen(b->dir)))
		file_check_kernel(b, "bootInfo.kernel", b->vm.kernel);
}

/* The ECID that the auxiliary storage was made for: macosvm looks there too. */
static void infer_ecid(struct bundle *b, struct node *o)
{
	uint64_t size = 0;
	struct err e;
	int fd = b->vm.aux && b->vm.aux_size ? file_open(b->vm.aux, &size, &e) :
		 -1;

	if (fd < 0 && (!b->vm.aux || b->vm.aux_size))
		return;                 /* the aux file's fault, and said */
	if (fd < 0)
		err_set(&e, 0, "the auxiliary storage lies elsewhere");
	else if (!identity_aux_ecid(fd, size, &b->vm.ecid, &e))
		b->vm.has_ecid = true;
	if (fd >= 0)
		close(fd);
	if (b->vm.has_ecid)
		note_at(b, NOTE_WARN, "ecid-inferred", o, "machineId", "the "
			"key is missing; ECID %016llx was found in the "
			"auxiliary storage",
			(unsigned long long)b->vm.ecid);
	else
		note_at(b, NOTE_ERROR, "bad-identity", o, "machineId", "the "
			"key is missing, and: %s", e.msg);
}

static void read_macos(struct bundle *b, struct node *o)
{
	b->vm.boot = BVM_BOOT_ROM;
	if (!vm_model_base64(b, o, "hardwareModel", OPTIONAL)) {
		/* What macosvm takes then. */
		b->vm.has_model = true;
		b->vm.drv = 1;
		b->vm.pv = 2;
		b->vm.minos[0] = 12;
		note_at(b, NOTE_NOTE, "hardware-model-assumed", o,
			"hardwareModel", "the key is missing; the model of "
			"macOS 12.0 is taken");
	}
	if (!vm_ecid_base64(b, o, "machineId", OPTIONAL))
		infer_ecid(b, o);
	node_ignore_all(node_find(o, "bootInfo"), "a macOS guest starts from "
			"its boot ROM");
}

void bundle_macosvm(struct bundle *b)
{
	static const char *const kinds[] = { "macos", "linux", NULL };
	struct node *o = b->settings;
	int os = node_has(o, "os") ? get_word(b, o, "os", OPTIONAL, kinds) : 0;

	if (os < 0)
		return;
	b->vm.guest = kinds[os];
	b->vm.arch = "aarch64";
	node_ignore(o, "version", "macosvm writes it and never reads it");
	vm_cpus(b, o, "cpus", REQUIRED, false);
	vm_ram(b, o, "ram", 1);
	read_devices(b, o);
	if (os == 0)
		read_macos(b, o);
	else
		read_linux(b, o);
}
