/* Command lines of vfkit and vftool, kept in a file (a script that starts the
 * machine), read as the machine that they describe. Words are split as a shell
 * splits them; nothing is run or expanded. bundles.md sections 2.5 and 2.6. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_int.h"

#define WORDS_MAX 512

/* The next word of the command, or NULL; in place. *ended: what ended the
 * command with it or before it, which is read; 0: more may follow. */
static char *next_word(char **at, bool *variable, char *ended)
{
	char *in = *at, *out, *start, quote = 0;

	for (;;) {
		while (*in == ' ' || *in == '\t' || *in == '\r')
			in++;
		if (in[0] == '\\' && in[1] == '\n')
			in += 2;
		else
			break;
	}
	if (!*in || strchr("\n;&|#<>", *in)) {
		*ended = *in;
		*at = *in ? in + 1 : in;
		return NULL;
	}
	for (start = out = in; *in; in++) {
		if (quote ? *in == quote : *in == '\'' || *in == '"') {
			quote = quote ? 0 : *in;
		} else if (*in == '\\' && quote != '\'' && in[1]) {
			/* Within double quotes only some are special. */
			if (quote && !strchr("\"\\$`\n", in[1]))
				*out++ = *in;
			else if (*++in != '\n')
				*out++ = *in;
			if (quote && in[0] == '\\' && in[1] &&
			    !strchr("\"\\$`\n", in[1]))
				continue;
		} else if (!quote && strchr(" \t\r\n;&|<>", *in)) {
			break;
		} else {
			*variable |= (*in == '$' || *in == '`') &&
				     quote != '\'';
			*out++ = *in;
		}
	}
	/* The end of the word may be what ends the command; it makes place for
	 * the NUL. */
	*at = *in ? in + 1 : in;
	if (*in != ' ' && *in != '\t' && *in != '\r')
		*ended = *in;
	*out = 0;
	return start;
}

static const char *tool_of(const char *word)
{
	const char *base = strrchr(word, '/');

	base = base ? base + 1 : word;
	return !strcmp(base, "vfkit") ? "vfkit" :
	       !strcmp(base, "vftool") ? "vftool" : NULL;
}

/* Splits the first command of the text that starts one of the tools. */
static int split(char *text, char **word, const char **tool, bool *variable)
{
	char *p = text;

	*tool = NULL;
	while (*p) {
		int n = 0;
		char *w, ended = 0;

		*variable = false;
		while (n < WORDS_MAX && !ended &&
		       (w = next_word(&p, variable, &ended))) {
			word[n++] = w;
			/* "exec sudo vfkit ...": what comes before is not
			 * ours */
			if (!*tool && (*tool = tool_of(w))) {
				word[0] = w;
				n = 1;
				*variable = false;
			}
		}
		if (*tool)
			return n;
		if (ended == '\n')
			continue;
		while (*p && *p != '\n')        /* a comment, or a pipe */
			p++;
		if (*p)
			p++;
	}
	return 0;
}

bool bundle_cmdline_is(const char *text, size_t len)
{
	char *copy = memchr(text, 0, len) ? NULL : strndup(text, len);
	char *word[WORDS_MAX];
	const char *tool = NULL;
	bool variable;

	if (copy)
		split(copy, word, &tool, &variable);
	free(copy);
	return tool != NULL;
}

/* ---- making the tree -------------------------------------------------------- */

static void put(struct node *o, const char *key, const char *s)
{
	node_add(o, key, node_text(NODE_STRING, s, strlen(s)));
}

static void put_flag(struct node *o, const char *key, bool on)
{
	struct node *n = node_new(NODE_BOOL);

	n->flag = on;
	node_add(o, key, n);
}

/* A number; what is none stays text, and the reader says so. */
static void put_number(struct node *o, const char *key, const char *s,
		       uint64_t unit)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);
	struct node *n;
	uint64_t all;

	if (!isdigit((unsigned char)*s) || *end || size_mul(v, unit, &all)) {
		put(o, key, s);
		return;
	}
	n = node_new(NODE_INT);
	n->num = all;
	node_add(o, key, n);
}

/* "kind,key=val,flag,key="quoted, with commas"": the next part, in place. */
static char *next_part(char **rest)
{
	char *start = *rest, *p;
	bool quoted = false;

	if (!start)
		return NULL;
	for (p = start; *p && (quoted || *p != ','); p++)
		quoted ^= *p == '"';
	*rest = *p ? p + 1 : NULL;
	*p = 0;
	return start;
}

static char *value_of(char *part)
{
	char *v = strchr(part, '=');
	size_t n;

	if (!v)
		return NULL;
	*v++ = 0;
	n = strlen(v);
	if (n >= 2 && v[0] == '"' && v[n - 1] == '"') {
		v[n - 1] = 0;
		v++;
	}
	return v;
}

struct pair {
	const char *theirs, *ours;
};

static const struct pair loader_keys[] = {
	{ "kernel", "vmlinuzPath" }, { "initrd", "initrdPath" },
	{ "cmdline", "kernelCmdLine" },
	{ "variable-store", "efiVariableStorePath" },
	{ "create", "createVariableStore" },
	{ "machineIdentifierPath", "machineIdentifierPath" },
	{ "hardwareModelPath", "hardwareModelPath" },
	{ "auxImagePath", "auxImagePath" },
};

static const struct pair device_keys[] = {
	{ "path", "imagePath" }, { "deviceId", "deviceIdentifier" },
	{ "readonly", "readOnly" }, { "mac", "macAddress" },
	{ "logFilePath", "logFile" }, { "stdio", "usesStdio" },
	{ "pty", "usesPty" },
};

static const struct pair device_kinds[] = {
	{ "virtio-blk", "virtioblk" }, { "nvme", "nvme" },
	{ "usb-mass-storage", "usbmassstorage" }, { "nbd", "nbd" },
	{ "virtio-net", "virtionet" }, { "virtio-serial", "virtioserial" },
	{ "virtio-fs", "virtiofs" }, { "virtio-vsock", "virtiosock" },
	{ "virtio-gpu", "virtiogpu" }, { "virtio-input", "virtioinput" },
	{ "virtio-rng", "virtiorng" }, { "virtio-balloon", "virtioballoon" },
	{ "rosetta", "rosetta" },
};

static const struct pair loader_kinds[] = {
	{ "linux", "linuxBootloader" }, { "efi", "efiBootloader" },
	{ "macos", "macOSBootloader" },
};

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *ours(const struct pair *p, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(p[i].theirs, s))
			return p[i].ours;
	return s;
}

static struct node *parts(char *arg, const struct pair *kinds, size_t nkinds,
			  const struct pair *keys, size_t nkeys)
{
	struct node *o = node_new(NODE_DICT);
	char *rest = arg, *part = next_part(&rest);

	put(o, "kind", ours(kinds, nkinds, part));
	while ((part = next_part(&rest))) {
		char *v = value_of(part);
		const char *key = ours(keys, nkeys, part);

		if (!strcmp(part, "keyboard") || !strcmp(part, "pointing"))
			put(o, "inputType", part);
		else if (v && (!strcmp(key, "width") ||
			       !strcmp(key, "height") || !strcmp(key, "port")))
			put_number(o, key, v, 1);
		else if (v && (!strcmp(v, "true") || !strcmp(v, "false")))
			put_flag(o, key, v[0] == 't');
		else if (v)
			put(o, key, v);
		else if (*part)
			put_flag(o, key, true);
	}
	return o;
}

/* --opt VALUE and --opt=VALUE; NULL with a finding where it is missing. */
static char *option_value(struct bundle *b, char **word, int n, int *i)
{
	char *eq = !strncmp(word[*i], "--", 2) ? strchr(word[*i], '=') : NULL;

	if (eq)
		return eq + 1;
	if (*i + 1 < n)
		return word[++*i];
	bundle_note(b, NOTE_ERROR, "missing-key", word[*i], "%s: its value is "
		    "missing", word[*i]);
	return NULL;
}

static bool is(const char *word, const char *brief, const char *name)
{
	size_t n = strlen(name);

	return !strcmp(word, brief) ||
	       (!strncmp(word, name, n) && (!word[n] || word[n] == '='));
}

static struct node *vfkit_tree(struct bundle *b, char **word, int n)
{
	struct node *o = node_new(NODE_DICT), *old = node_new(NODE_DICT);
	struct node *devices = node_new(NODE_ARRAY), *loader = NULL;

	for (int i = 1; i < n; i++) {
		char *w = word[i], *v;

		if (is(w, "--gui", "--gui") || is(w, "--nested", "--nested")) {
			put_flag(o, w[2] == 'g' ? "gui" : "nested", true);
			continue;
		}
		v = option_value(b, word, n, &i);
		if (!v)
			break;
		if (is(w, "-c", "--cpus"))
			put_number(o, "vcpus", v, 1);
		else if (is(w, "-m", "--memory"))
			put_number(o, "memoryBytes", v, MIB);
		else if (is(w, "-b", "--bootloader")) {
			node_free(loader);
			loader = parts(v, loader_kinds, LEN(loader_kinds),
				       loader_keys, LEN(loader_keys));
		} else if (is(w, "-d", "--device"))
			node_add(devices, NULL, parts(v, device_kinds,
				LEN(device_kinds), device_keys,
				LEN(device_keys)));
		else if (is(w, "-k", "--kernel"))
			put(old, "vmlinuzPath", v);
		else if (is(w, "-i", "--initrd"))
			put(old, "initrdPath", v);
		else if (is(w, "-C", "--kernel-cmdline"))
			put(old, "kernelCmdLine", v);
		else if (is(w, "-t", "--timesync"))
			put(o, "timesync", v);
		else if (is(w, "--ignition", "--ignition"))
			put(o, "ignition", v);
		else
			put(o, w, v);
	}
	if (!loader && old->len) {
		put(old, "kind", "linuxBootloader");
		loader = old;
	} else {
		node_free(old);
	}
	if (!node_has(o, "vcpus"))
		put_number(o, "vcpus", "1", 1);
	if (!node_has(o, "memoryBytes"))
		put_number(o, "memoryBytes", "512", MIB);
	if (loader)
		node_add(o, "bootloader", loader);
	node_add(o, "devices", devices);
	return o;
}

/* ---- vftool ----------------------------------------------------------------- */

static struct node *vftool_tree(struct bundle *b, char **word, int n)
{
	static const char letters[] = "kidcapmbt";
	struct node *o = node_new(NODE_DICT);

	for (int i = 1; i < n; i++) {
		char key[2] = { 0 }, *v;

		if (word[i][0] != '-' || !word[i][1] || word[i][2] ||
		    !strchr(letters, word[i][1])) {
			bundle_note(b, NOTE_WARN, "extra-args-ignored", NULL,
				    "vftool: '%s' is not one of its options; "
				    "left out", word[i]);
			continue;
		}
		key[0] = word[i][1];
		v = option_value(b, word, n, &i);
		if (!v)
			break;
		if (strchr("pmt", key[0]))
			put_number(o, key, v, key[0] == 'm' ? MIB : 1);
		else
			put(o, key, v);
	}
	if (!node_has(o, "p"))
		put_number(o, "p", "1", 1);
	if (!node_has(o, "m"))
		put_number(o, "m", "512", MIB);
	return o;
}

static void read_vftool(struct bundle *b)
{
	struct node *o = b->settings;
	struct bvm_nic *nic = vm_nic(b, node_find(o, "b"));
	const char *bridge = get_str(b, o, "b", OPTIONAL);
	const char *kernel = get_str(b, o, "k", REQUIRED);
	const char *initrd = get_str(b, o, "i", OPTIONAL);
	int64_t where = 1;
	char *path;

	b->vm.arch = "aarch64";
	b->vm.guest = "linux";
	b->vm.boot = BVM_BOOT_KERNEL;
	vm_cpus(b, o, "p", REQUIRED, false);
	vm_ram(b, o, "m", 1);
	if (kernel)
		b->vm.kernel = file_anywhere(b, o, "k", kernel);
	if (b->vm.kernel && !strncmp(b->vm.kernel, b->dir, strlen(b->dir)))
		file_check_kernel(b, "k", b->vm.kernel);
	if (initrd)
		b->vm.initrd = file_anywhere(b, o, "i", initrd);
	vm_text(b, o, "a", &b->vm.cmdline, OPTIONAL);
	if (!b->vm.cmdline)
		b->vm.cmdline = strdup("console=hvc0");
	for (struct node *d = o->child; d; d = d->next) {
		if (strcmp(d->name, "d") && strcmp(d->name, "c"))
			continue;
		d->use = NODE_HONOURED;
		path = file_anywhere(b, d, NULL, d->text);
		if (path)
			vm_disk(b, d, path, d->name[0] == 'c');
	}
	if (nic && bridge) {
		nic->mode = BVM_NET_BRIDGED;
		nic->iface = strdup(bridge);
	}
	get_int(b, o, "t", OPTIONAL, &where);
	vm_serial(b, node_find(o, "t"), false, "%s", where ? "pty" : "stdio");
}

void bundle_cmdline(struct bundle *b, const char *text, size_t len)
{
	char *copy = strndup(text, len), *word[WORDS_MAX];
	const char *tool = NULL;
	bool variable = false;
	int n = copy ? split(copy, word, &tool, &variable) : 0;

	if (!tool) {
		free(copy);
		return;
	}
	if (variable)
		bundle_note(b, NOTE_WARN, "bad-value", NULL, "%s: the command "
			    "has shell variables or commands in it, which are "
			    "not replaced", b->file);
	if (!strcmp(tool, "vfkit")) {
		b->format = "vfkit";
		b->settings = vfkit_tree(b, word, n);
		bundle_vfkit(b);
	} else {
		b->format = "vftool";
		b->settings = vftool_tree(b, word, n);
		read_vftool(b);
	}
	free(copy);
}
