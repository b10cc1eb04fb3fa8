/* Raw QEMU options in a UTM bundle: the few that say what boots are read, the
 * rest is listed. bundles.md section 1.3, AdditionalArguments. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_utm.h"

#define PIECES_MAX 256

/* Splits at blanks outside of double quotes. A piece that begins and ends with
 * a quote loses both. The pieces point into `text`. */
static int split(char *text, char **piece, int max)
{
	int n = 0;

	while (n < max) {
		bool quoted = false;
		char *start;
		size_t len;

		while (isspace((unsigned char)*text))
			text++;
		if (!*text)
			break;
		for (start = text; *text && (quoted ||
		     !isspace((unsigned char)*text)); text++)
			quoted ^= *text == '"';
		if (*text)
			*text++ = 0;
		len = strlen(start);
		if (len >= 2 && start[0] == '"' && start[len - 1] == '"') {
			start[len - 1] = 0;
			start++;
		}
		piece[n++] = start;
	}
	return n;
}

static void append(char *list, size_t max, const char *s)
{
	size_t used = strlen(list);

	snprintf(list + used, max - used, "%s%.60s", used ? " " : "", s);
}

static void set(char **slot, const char *s)
{
	free(*slot);
	*slot = strdup(s);
}

/* uuid= in "vmapple,uuid=0x..." is the ECID. */
static void read_machine(const char *s, struct utm_args *a)
{
	const char *u = strstr(s, "uuid=");
	char *end;

	if (strncmp(s, "vmapple", 7) || !u)
		return;
	a->ecid = strtoull(u + 5, &end, 0);
	a->has_ecid = end != u + 5 && (!*end || *end == ',');
}

static bool read_memory(struct bundle *b, const char *s)
{
	char text[32];
	uint64_t n;
	const char *v = !strncmp(s, "size=", 5) ? s + 5 : s;

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(v, ","), v);
	if (config_size(text, MIB, &n) || n < 64 * MIB || n > 1ull << 50)
		return false;
	b->vm.ram = n;
	return true;
}

static bool read_smp(struct bundle *b, const char *s)
{
	char *end;
	unsigned long n = strtoul(!strncmp(s, "cpus=", 5) ? s + 5 : s, &end,
				  10);

	if (!n || n > 1 << 20 || (*end && *end != ','))
		return false;
	b->vm.cpus = n;
	b->vm.has_cpus = true;
	return true;
}

/* 0: not one of ours. 1: read, without a word. 2: read, to be reported. */
static int one(struct bundle *b, const char *opt, const char *val,
	       struct utm_args *a)
{
	static const struct { const char *opt; size_t slot; int r; } files[] = {
		{ "-append", offsetof(struct utm_args, append), 1 },
		{ "-kernel", offsetof(struct utm_args, kernel), 2 },
		{ "-initrd", offsetof(struct utm_args, initrd), 2 },
		{ "-dtb", offsetof(struct utm_args, dtb), 2 },
		{ "-bios", offsetof(struct utm_args, bios), 2 },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(opt, files[i].opt)) {
			set((char **)((char *)a + files[i].slot), val);
			return files[i].r;
		}
	if (!strcmp(opt, "-m"))
		return read_memory(b, val) ? 2 : 0;
	if (!strcmp(opt, "-smp"))
		return read_smp(b, val) ? 2 : 0;
	if (!strcmp(opt, "-uuid")) {
		set(&b->vm.uuid, val);
		return 2;
	}
	if (!strcmp(opt, "-M") || !strcmp(opt, "-machine")) {
		read_machine(val, a);
		return a->has_ecid ? 2 : 0;
	}
	return 0;
}

void utm_args_parse(struct bundle *b, struct node *at, const char *const *arg,
		    int n, struct utm_args *a)
{
	char *piece[PIECES_MAX], *text[PIECES_MAX];
	char ignored[300] = "", parsed[300] = "";
	int np = 0, nt = 0;

	memset(a, 0, sizeof(*a));
	for (int i = 0; i < n && nt < PIECES_MAX; i++) {
		text[nt] = strdup(arg[i]);
		if (text[nt])
			np += split(text[nt++], piece + np, PIECES_MAX - np);
	}
	for (int i = 0; i < np; i++) {
		bool value = i + 1 < np && piece[i][0] == '-';
		int r = value ? one(b, piece[i], piece[i + 1], a) : 0;

		if (!r) {
			append(ignored, sizeof(ignored), piece[i]);
			continue;
		}
		if (r == 2)
			append(parsed, sizeof(parsed), piece[i]);
		i++;
	}
	while (nt)
		free(text[--nt]);
	if (*parsed)
		note_at(b, NOTE_WARN, "extra-args-parsed", at, NULL, "of the "
			"arguments for QEMU these are taken: %s", parsed);
	if (*ignored)
		note_at(b, NOTE_WARN, "extra-args-ignored", at, NULL, "of the "
			"arguments for QEMU these are left out: %s", ignored);
}

/* A boot ROM that is not there is left out; a name that leads out is not. */
static void apply_bios(struct bundle *b, struct node *at, const char *name)
{
	char *p = file_maybe(b, "Data", name);
	const char *base = strrchr(name, '/');
	bool out = *name == '/' || !strncmp(name, "../", 3) ||
		   strstr(name, "/../") || (base && !strcmp(base, "/.."));

	if (p) {
		free(b->vm.firmware);
		b->vm.firmware = p;
	} else if (out) {
		note_at(b, NOTE_ERROR, "path-escape", at, NULL, "-bios "
			"'%.80s' leads out of the bundle", name);
	} else if (!b->vm.machine || strcmp(b->vm.machine, "vmapple")) {
		note_at(b, NOTE_NOTE, "firmware-not-in-bundle", at, NULL,
			"-bios %.80s is not in the bundle; left out", name);
	}
}

void utm_args_apply(struct bundle *b, struct node *at, struct utm_args *a)
{
	if (a->append) {
		free(b->vm.cmdline);
		b->vm.cmdline = a->append;
		a->append = NULL;
	}
	if (a->kernel) {
		free(b->vm.kernel);
		b->vm.kernel = utm_image(b, at, NULL, a->kernel);
		b->vm.boot = BVM_BOOT_KERNEL;
	}
	if (a->initrd) {
		free(b->vm.initrd);
		b->vm.initrd = utm_image(b, at, NULL, a->initrd);
	}
	if (a->dtb) {
		free(b->vm.dtb);
		b->vm.dtb = utm_image(b, at, NULL, a->dtb);
	}
	if (a->bios)
		apply_bios(b, at, a->bios);
	if (a->has_ecid) {
		b->vm.has_ecid = true;
		b->vm.ecid = a->ecid;
	}
	free(a->append);
	free(a->kernel);
	free(a->initrd);
	free(a->dtb);
	free(a->bios);
}

void utm_boot_file(struct bundle *b, struct node *d, int type, char *path)
{
	char key[NODE_PATH], **slot = type == UTM_IMG_KERNEL ? &b->vm.kernel :
		type == UTM_IMG_INITRD ? &b->vm.initrd :
		type == UTM_IMG_DTB ? &b->vm.dtb : &b->vm.firmware;

	free(*slot);
	*slot = path;
	if (type != UTM_IMG_KERNEL)
		return;
	b->vm.boot = BVM_BOOT_KERNEL;
	vm_key(&b->vm.boot_key, d);
	file_check_kernel(b, node_path(d, key), path);
}

void utm_boot(struct bundle *b, struct node *at, const char *key, bool uefi)
{
	struct bvm *vm = &b->vm;

	if (!vm->boot_key)
		vm_key(&vm->boot_key, at);
	if (!strcmp(vm->machine, "vmapple")) {
		if (vm->boot != BVM_BOOT_KERNEL)
			vm->boot = BVM_BOOT_ROM;
		return;
	}
	if (vm->boot == BVM_BOOT_KERNEL) {
		if (!vm->cmdline)
			vm->cmdline = strdup("");
		return;
	}
	if (uefi || vm->firmware) {
		vm->boot = BVM_BOOT_UEFI;
		vm->vars = file_maybe(b, "Data", "efi_vars.fd");
		if (!vm->vars)
			vm->vars = file_maybe(b, "Images", "efi_vars.fd");
		return;
	}
	refuse_at(b, "no-boot-source", at, key, "neither a kernel nor UEFI "
		  "boot: nothing is there to start (give --kernel)");
}
