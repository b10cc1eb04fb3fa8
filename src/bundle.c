/* What a path is, and the findings that readers collect: bundles.md 0, 7, 8. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "bundle_int.h"

#define CMDLINE_MAX 32768u              /* of a script that starts a VM */
#define CONFIG_MAX (4u << 20)           /* the largest seen: 100 KiB */

void bundle_init(struct bundle *b)
{
	memset(b, 0, sizeof(*b));
}

void bundle_fini(struct bundle *b)
{
	for (int i = 0; i < b->nnotes; i++) {
		free(b->note[i].text);
		free(b->note[i].file);
		free(b->note[i].key);
	}
	free(b->dir);
	free(b->file);
	bundle_vm_fini(&b->vm);
	node_free(b->settings);
	bundle_remove(b->temp);
	free(b->temp);
	bundle_init(b);
}

void bundle_escape(const char *in, char *out, size_t len)
{
	size_t n = 0;

	/* Names out of a bundle reach the terminal. C1 controls are two bytes
	 * in UTF-8: c2 80 to c2 9f. */
	for (; *in && n + 8 < len; in++) {
		unsigned char c = (unsigned char)*in;
		unsigned char d = (unsigned char)in[1];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && d >= 0x80 && d < 0xa0))
			n += (size_t)snprintf(out + n, len - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	if (*in) {
		memcpy(out + n, "...", 3);
		n += 3;
	}
	out[n] = 0;
}

void bundle_note(struct bundle *b, enum note_level level, const char *code,
		 const char *key, const char *fmt, ...)
{
	char raw[600], text[1200];
	struct note *n;
	va_list ap;

	if (b->nnotes == BUNDLE_MAX_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	bundle_escape(raw, text, sizeof(text));
	n = &b->note[b->nnotes++];
	memset(n, 0, sizeof(*n));
	n->level = level;
	n->code = code;
	n->text = strdup(text);
	n->file = b->file ? strdup(b->file) : NULL;
	n->key = key ? strdup(key) : NULL;
}

enum verdict bundle_verdict(const struct bundle *b)
{
	enum verdict v = VERDICT_OK;

	for (int i = 0; i < b->nnotes; i++) {
		const struct note *n = &b->note[i];

		if (n->level == NOTE_ERROR && !n->ours && !b->unsupported)
			return VERDICT_MALFORMED;
		if (n->level == NOTE_ERROR)
			v = VERDICT_UNSUPPORTED;
		else if (n->level == NOTE_WARN && v == VERDICT_OK)
			v = VERDICT_WARN;
	}
	return v;
}

const char *bundle_verdict_name(enum verdict v)
{
	static const char *const name[] = { "ok", "warn", "unsupported",
					    "malformed" };

	return name[v];
}

/* ---- what it is (section 0) ---------------------------------------------- */

static char *join(const char *dir, const char *name)
{
	char *p;

	return asprintf(&p, "%s/%s", dir, name) < 0 ? NULL : p;
}

/* The config file, with errors that say what it should have been. */
static char *slurp(const char *path, size_t *len, struct err *e)
{
	uint64_t size;
	int fd = config_open_file(path, O_RDONLY, false, "a bundle's "
				  "configuration file", &size, e);
	size_t done = 0;
	char *text;

	if (fd < 0)
		return NULL;
	if (size > CONFIG_MAX) {
		err_set(e, 0, "%s: %llu bytes; a bundle's configuration file "
			"has at most %u MiB", path, (unsigned long long)size,
			CONFIG_MAX >> 20);
		close(fd);
		return NULL;
	}
	text = malloc((size_t)size + 1);
	while (text && done < size) {
		ssize_t n = read(fd, text + done, (size_t)size - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (!text) {
		err_set(e, 0, "out of memory");
		return NULL;
	}
	text[done] = 0;
	*len = done;
	return text;
}

enum form { FORM_PLIST, FORM_JSON, FORM_XML };

static const struct format {
	const char *name;
	const char *file;               /* in the bundle's directory */
	enum form form;
	void (*read)(struct bundle *);
} formats[] = {
	{ "utm", "config.plist", FORM_PLIST, bundle_utm },
	{ "virtualbuddy", ".vbdata/Config.plist", FORM_PLIST,
	  bundle_virtualbuddy },
	{ "parallels", "config.pvs", FORM_XML, NULL },
	{ "lume", "config.json", FORM_JSON, bundle_lume },
	{ "tart", "config.json", FORM_JSON, bundle_tart },
	{ "vfkit-json", NULL, FORM_JSON, bundle_vfkit },
	{ "macosvm", NULL, FORM_JSON, bundle_macosvm },
};

enum { F_UTM, F_VIRTUALBUDDY, F_PARALLELS, F_LUME, F_TART, F_VFKIT, F_MACOSVM,
       F_COUNT };

static bool is_type(const struct node *o, const char *key, enum node_type t)
{
	const struct node *n = node_find(o, key);

	return n && n->type == t;
}

/* Which of the JSON formats, by the keys that only one of them has. */
static const struct format *json_kind(const struct node *o, bool in_config)
{
	struct node *loader = node_find(o, "bootloader");

	if (node_has(o, "vcpus") && loader)
		return &formats[F_VFKIT];
	if (node_has(o, "cpus") && (node_has(o, "storage") ||
				    node_has(o, "hardwareModel") ||
				    node_has(o, "bootInfo")))
		return &formats[F_MACOSVM];
	if (node_has(o, "machineIdentifier") ||
	    is_type(o, "display", NODE_STRING))
		return &formats[F_LUME];
	if (node_has(o, "version") &&
	    (node_has(o, "cpuCountMin") || node_has(o, "ecid")))
		return &formats[F_TART];
	/* Broken ones: the nearest. */
	if (in_config)
		return node_has(o, "cpuCount") ? &formats[F_LUME] : NULL;
	return node_has(o, "cpus") || node_has(o, "storage") ||
	       node_has(o, "bootInfo") || node_has(o, "os") ?
	       &formats[F_MACOSVM] : NULL;
}

static int read_config(struct bundle *b, const char *path, enum form form,
		       const struct format *f, struct config *c, struct err *e)
{
	size_t len;
	char *text = slurp(path, &len, e);

	if (!text)
		return -1;
	b->format = f ? f->name : "json";
	if (form == FORM_XML) {
		bundle_parallels(b, text, len);
	} else if (form == FORM_PLIST) {
		b->settings = node_plist(b, text, len);
	} else {
		b->settings = node_json(b, text, len);
		if (b->settings && !f)
			f = json_kind(b->settings,
				      !strcmp(b->file, "config.json"));
		if (f)
			b->format = f->name;
		else if (b->settings)
			bundle_note(b, NOTE_ERROR, "missing-key", NULL, "%s: "
				    "an object without the keys of a machine; "
				    "expected cpus, ram and storage (macosvm), "
				    "vcpus and bootloader (vfkit), or those of "
				    "Tart or Lume", b->file);
	}
	free(text);
	if (b->settings && f && f->read)
		f->read(b);
	if (form == FORM_XML || (b->settings && f))
		bundle_finish(b, c);
	return 0;
}

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

/* What Macs leave behind in archives and folders. */
static bool litter(const char *name)
{
	return !strncmp(name, "._", 2) || !strcmp(name, "__MACOSX");
}

#define MAX_ENTRIES 4096

static void add_name(char *names, size_t len, const char *name)
{
	size_t used = strlen(names);

	if (used + strlen(name) + 3 < len)
		sprintf(names + used, "%s%s", used ? ", " : "", name);
}

/* The one JSON file of a directory that is a machine of macosvm or vfkit. *bad:
 * the first that could not be read, if any. */
static char *find_json(const char *path, int *found, char *names, size_t len,
		       struct err *bad)
{
	DIR *d = opendir(path);
	struct dirent *de;
	char *hit = NULL;

	*found = 0;
	names[0] = bad->msg[0] = 0;
	for (int i = 0; d && i < MAX_ENTRIES && (de = readdir(d)); i++) {
		const struct format *f;
		struct node *o;
		struct err e;
		size_t n;
		char *p, *text;
		bool usual = !strcmp(de->d_name, "vm.json") ||
			     !strcmp(de->d_name, "macosvm.json");

		if (!ends(de->d_name, ".json") || litter(de->d_name) ||
		    *found > 8)
			continue;
		p = join(path, de->d_name);
		text = p ? slurp(p, &n, &e) : NULL;
		if (p && !text && !*bad->msg)
			*bad = e;
		o = text ? node_json_try(text, n, &e) : NULL;
		f = o ? json_kind(o, false) : NULL;
		if (text && (usual || (f && f >= &formats[F_VFKIT]))) {
			++*found;
			add_name(names, len, de->d_name);
			free(hit);
			hit = p;
			p = NULL;
		}
		node_free(o);
		free(text);
		free(p);
	}
	if (d)
		closedir(d);
	return hit;
}

/* Unpackers like to put a bundle into a folder of the same name. */
static char *find_nested(const char *path, int *found, char *names, size_t len)
{
	static const char *const ext[] = { ".utm", ".vbvm", ".macvm" };
	DIR *d = opendir(path);
	struct dirent *de;
	char *hit = NULL;

	*found = 0;
	names[0] = 0;
	for (int i = 0; d && i < MAX_ENTRIES && (de = readdir(d)); i++) {
		struct stat st;
		bool fits = false;
		char *p;

		for (int k = 0; k < 3; k++)
			fits |= ends(de->d_name, ext[k]);
		if (!fits || litter(de->d_name))
			continue;
		p = join(path, de->d_name);
		if (p && !lstat(p, &st) && S_ISDIR(st.st_mode)) {
			++*found;
			add_name(names, len, de->d_name);
			free(hit);
			hit = p;
			p = NULL;
		}
		free(p);
	}
	if (d)
		closedir(d);
	return hit;
}

static int read_dir(struct bundle *b, const char *path, struct config *c,
		    struct err *e, int depth);

static int read_nested(struct bundle *b, const char *path, char *inner,
		       struct config *c, struct err *e, int depth)
{
	int r;

	bundle_note(b, NOTE_NOTE, "bundle-nested", NULL, "the bundle is in a "
		    "folder of this one: %s", strrchr(inner, '/') + 1);
	r = read_dir(b, inner, c, e, depth + 1);
	free(inner);
	return r;
}

/* A directory by another name that says what it should have been. */
static bool named_bundle(struct bundle *b, const char *path)
{
	static const struct { const char *ext, *format, *file; } known[] = {
		{ ".utm", "utm", "config.plist" },
		{ ".vbvm", "virtualbuddy", ".vbdata/Config.plist" },
		{ ".macvm", "parallels", "config.pvs" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!ends(path, known[i].ext))
			continue;
		b->format = known[i].format;
		bundle_note(b, NOTE_ERROR, "file-missing", NULL, "%s: the "
			    "bundle's configuration is not there (tried "
			    "%s/%s); was it copied whole?", known[i].file,
			    path, known[i].file);
		return true;
	}
	return false;
}

static int read_dir(struct bundle *b, const char *path, struct config *c,
		    struct err *e, int depth)
{
	char names[256], *hit;
	struct err bad;
	int found, r;

	free(b->dir);
	b->dir = strdup(path);
	for (int i = 0; i <= F_TART; i++) {
		const struct format *f = &formats[i];

		if (!file_exists(b, f->file))
			continue;
		b->file = strdup(f->file);
		hit = join(path, f->file);
		r = read_config(b, hit, f->form, f->form == FORM_JSON ? NULL :
				f, c, e);
		free(hit);
		return r;
	}
	hit = find_json(path, &found, names, sizeof(names), &bad);
	if (found == 1) {
		b->file = strdup(strrchr(hit, '/') + 1);
		r = read_config(b, hit, FORM_JSON, NULL, c, e);
		free(hit);
		return r;
	}
	free(hit);
	if (!found) {
		hit = find_nested(path, &found, names, sizeof(names));
		if (found == 1 && depth < 2)
			return read_nested(b, path, hit, c, e, depth);
		free(hit);
	}
	if (found > 1)
		return err_set(e, 0, "%s: several bundles in one directory: "
			       "%s (name one of them)", path, names);
	if (named_bundle(b, path))
		return 0;
	if (*bad.msg) {
		*e = bad;
		return -1;
	}
	return err_set(e, 0, "%s: a directory without a bundle in it; expected "
		       "config.plist (UTM), .vbdata (VirtualBuddy), "
		       "config.json (Tart, Lume), config.pvs (Parallels), or "
		       "vm.json (macosvm)", path);
}

/* ---- single files ------------------------------------------------------ */

static bool looks_like_json(const unsigned char *h, size_t n)
{
	size_t i = n >= 3 && !memcmp(h, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (i < n && isspace(h[i]))
		i++;
	return i < n && (h[i] == '{' || h[i] == '[');
}

static bool looks_like_disk(const unsigned char *h, size_t n)
{
	return n >= 512 && ((h[510] == 0x55 && h[511] == 0xaa &&
			     memcmp(h, "MZ", 2)) ||
			    !memcmp(h, "QFI\xfb", 4) ||
			    !memcmp(h, "shdw", 4) ||
			    (n > 0x8006 && !memcmp(h + 0x8001, "CD001", 5)));
}

/* Archives, and what only an installer wants. */
static const char *packed(const unsigned char *h, size_t n, const char *path)
{
	if (ends(path, ".ipsw"))
		return "an IPSW, which installs macOS and is no machine";
	if (n >= 4 && (!memcmp(h, "AA01", 4) || !memcmp(h, "pbze", 4)))
		return "an Apple Archive (on a Mac: aa extract -i FILE)";
	if (n >= 262 && !memcmp(h + 257, "ustar", 5))
		return "a tar archive (tar xf FILE)";
	return NULL;
}

static void note_kernel(struct bundle *b, const unsigned char *h, size_t n,
			uint64_t size, const char *path, struct config *c)
{
	struct kernel_sniff k;

	b->format = "kernel";
	kernel_sniff(h, n, size, &k);
	if (k.kind == KERNEL_REFUSE) {
		b->unsupported = strcmp(k.code, "kernel-truncated") &&
				 strcmp(k.code, "kernel-unknown");
		bundle_note(b, NOTE_ERROR, k.code, NULL, "%s: %s", path,
			    k.text);
		return;
	}
	if (k.kind != KERNEL_ELF)
		b->guest = k.kind == KERNEL_XNU ? "macos" : "linux";
	if (k.kind == KERNEL_ZBOOT || k.kind == KERNEL_GZIP ||
	    k.kind == KERNEL_ZSTD)
		bundle_note(b, NOTE_NOTE, "kernel-unpacked", NULL, "%s: packed "
			    "with %s; run unpacks it", path, k.compression);
	c->kernel.path = strdup(path);
}

/* The configuration file itself was named: the bundle is what is around it. */
static char *around(const char *path)
{
	static const char *const inner[] = { "config.plist", "Config.plist",
					     "config.pvs", "config.json" };
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 :
		path;
	char *dir = NULL, *up;

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		if (strcmp(base, inner[i]))
			continue;
		dir = !slash ? strdup(".") : slash == path ? strdup("/") :
		      strndup(path, (size_t)(slash - path));
		if (!dir || i != 1)
			return dir;
		/* .vbdata/Config.plist */
		up = strrchr(dir, '/');
		if (!strcmp(dir, ".")) {
			free(dir);
			return strdup("..");
		}
		if (!up) {
			free(dir);
			return strdup(".");
		}
		*up = 0;
		return dir;
	}
	return NULL;
}

static int read_zip(struct bundle *b, enum bundle_how how, const char *path,
		    struct config *c, struct err *e)
{
	char *dir = bundle_unzip(b, how, path, e);
	int r;

	if (!dir)
		return -1;
	bundle_note(b, NOTE_WARN, "disk-compressed", NULL, "a zip archive: "
		    "each run unpacks it to a temporary place and what the "
		    "guest writes is lost (to keep it: unzip it once and run "
		    "the folder)");
	r = read_dir(b, dir, c, e, 0);
	free(dir);
	return r;
}

static int read_file(struct bundle *b, enum bundle_how how, const char *path,
		     struct config *c, struct err *e)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 :
		path;
	char *dir = around(path);
	unsigned char *head;
	const char *what;
	uint64_t size;
	ssize_t n;
	int fd, r = 0;

	if (dir) {
		r = read_dir(b, dir, c, e, 2);
		free(dir);
		return r;
	}
	head = malloc(KERNEL_HEAD);
	fd = head ? config_open_file(path, O_RDONLY, true, "a bundle, a kernel "
				     "or a disk image", &size, e) : -1;
	if (fd < 0) {
		free(head);
		return -1;
	}
	n = pread(fd, head, KERNEL_HEAD, 0);
	close(fd);
	if (n <= 0) {
		free(head);
		return n ? err_set(e, errno, "%s: read", path) :
			   err_set(e, 0, "%s: the file is empty; expected a "
				   "bundle, a kernel or a disk image", path);
	}
	what = packed(head, (size_t)n, path);
	/* the second is one of an archive that is empty */
	if (!what && n >= 4 && (!memcmp(head, "PK\3\4", 4) ||
				!memcmp(head, "PK\5\6", 4))) {
		r = read_zip(b, how, path, c, e);
	} else if (looks_like_json(head, (size_t)n)) {
		b->dir = !slash ? strdup(".") : slash == path ? strdup("/") :
			 strndup(path, (size_t)(slash - path));
		b->file = strdup(base);
		r = read_config(b, path, FORM_JSON, NULL, c, e);
	} else if (size <= CMDLINE_MAX &&
		   bundle_cmdline_is((const char *)head, (size_t)n)) {
		b->dir = !slash ? strdup(".") : slash == path ? strdup("/") :
			 strndup(path, (size_t)(slash - path));
		b->file = strdup(base);
		bundle_cmdline(b, (const char *)head, (size_t)n);
		bundle_finish(b, c);
	} else if (what) {
		b->format = "archive";
		b->unsupported = true;
		bundle_note(b, NOTE_ERROR, "disk-compressed", NULL,
			    "%s: %s; unpack it first", path, what);
	} else if (n >= 4 && !memcmp(head, "\xd0\x0d\xfe\xed", 4)) {
		b->format = "dtb";
		b->unsupported = true;
		bundle_note(b, NOTE_ERROR, "kernel-is-dtb", NULL, "%s: a "
			    "device tree of %llu bytes (use it with --dtb)",
			    path, (unsigned long long)size);
	} else if (looks_like_disk(head, (size_t)n) ||
		   (size >= 512 && (ends(path, ".img") ||
				    ends(path, ".raw") ||
				    ends(path, ".iso") ||
				    ends(path, ".qcow2")))) {
		b->format = "disk";
		b->unsupported = true;
		bundle_note(b, NOTE_ERROR, "no-boot-source", NULL, "%s: a disk "
			    "image of %llu MiB; it does not start by itself "
			    "(use it with --disk, beside --kernel)", path,
			    (unsigned long long)(size >> 20));
	} else {
		note_kernel(b, head, (size_t)n, size, path, c);
	}
	free(head);
	return r;
}

static int not_there(const char *path, struct err *e)
{
	int no = errno;
	const char *slash = strrchr(path, '/');
	char *dir = !slash ? strdup(".") :
		    strndup(path, (size_t)(slash - path) + 1);
	char near[128] = "";

	if (dir && no == ENOENT)
		file_near(dir, slash ? slash + 1 : path, near, sizeof(near));
	free(dir);
	if (*near)
		return err_set(e, 0, "%s: %s (did you mean %s?)", path,
			       strerror(no), near);
	return err_set(e, 0, "%s: %s (expected a bundle, a kernel or a disk "
		       "image; %s)", path, strerror(no), strstr(path, "://") ?
		       "download it first" :
		       "check the spelling and the current directory");
}

int bundle_read_for(struct bundle *b, enum bundle_how how, const char *path,
		    struct config *c, struct err *e)
{
	size_t n = strlen(path);
	char *trimmed;
	struct stat st;
	int r;

	while (n > 1 && path[n - 1] == '/')
		n--;
	trimmed = strndup(path, n);
	if (!trimmed)
		return err_set(e, 0, "out of memory");
	if (stat(path, &st)) {
		r = not_there(trimmed, e);
		free(trimmed);
		return r;
	}
	r = S_ISDIR(st.st_mode) ? read_dir(b, trimmed, c, e, 0) :
				  read_file(b, how, trimmed, c, e);
	free(trimmed);
	return r;
}

int bundle_read(struct bundle *b, const char *path, struct config *c,
		struct err *e)
{
	return bundle_read_for(b, BUNDLE_LOOK, path, c, e);
}

/* ---- the verdict for each setting ---------------------------------------- */

struct walk {
	const struct bundle *b;
	void (*f)(void *, const char *key, const char *value,
		  const char *verdict, const char *why);
	void *arg;
};

/* The findings about a setting, each a line. False: there is none. */
static bool walk_notes(struct walk *w, const char *path, const char *key,
		       const char *value)
{
	static const char *const level[] = { "note", "warn", "error" };
	bool any = false;

	for (int i = 0; i < w->b->nnotes; i++) {
		const struct note *n = &w->b->note[i];

		if (!n->key || strcmp(n->key, path))
			continue;
		w->f(w->arg, key, value, level[n->level], n->text);
		any = true;
	}
	return any;
}

static void walk(struct walk *w, const struct node *n)
{
	char path[NODE_PATH], key[NODE_PATH * 2], value[160];
	bool leaf = n->parent && (!n->child || n->use != NODE_HONOURED);

	if (n->parent) {
		bundle_escape(node_path(n, path), key, sizeof(key));
		node_value(n, value, sizeof(value));
		if (walk_notes(w, path, key, value) || !leaf)
			;               /* said, or what is below says it */
		else if (n->use == NODE_IGNORED)
			w->f(w->arg, key, value, "ignored", n->why ? n->why :
			     "see the findings");
		else if (n->use == NODE_UNREAD)
			w->f(w->arg, key, value, "unknown", "pome does not "
			     "know this key");
		else
			w->f(w->arg, key, value, "honoured", "");
	}
	for (const struct node *k = n->child; k && !leaf; k = k->next)
		walk(w, k);
}

void bundle_settings(const struct bundle *b,
		     void (*f)(void *, const char *key, const char *value,
			       const char *verdict, const char *why), void *arg)
{
	struct walk w = { b, f, arg };

	if (b->settings)
		walk(&w, b->settings);
}

/* ---- merging ------------------------------------------------------------ */

const char *bundle_last_console(const char *line)
{
	const char *last = NULL;

	for (const char *p = line; p && (p = strstr(p, "console=")); p += 8)
		if (p == line || p[-1] == ' ')
			last = p + 8;
	return last;
}

static void take_file(struct cfg_file *to, struct cfg_file *from)
{
	if (to->path || !from->path)
		return;
	*to = *from;
	from->path = NULL;
	from->fd = -1;
}

static void take_tty(struct cfg_tty *to, struct cfg_tty *from)
{
	if (to->given)
		return;
	free(to->path);
	*to = *from;
	from->path = NULL;
}

void config_merge(struct config *b, struct config *over)
{
	int room = CFG_MAX_DISKS - over->ndisks;
	int n = b->ndisks < room ? b->ndisks : room;
	const char *con = over->append_given ?
			  bundle_last_console(over->append) : NULL;

	/* --append names another console than the bundle: that one gets the
	 * terminal. */
	if (con && b->console.where == CFG_TTY_STDIO &&
	    strncmp(con, "hvc", 3)) {
		b->console.where = CFG_TTY_NULL;
		b->serial.where = CFG_TTY_STDIO;
	} else if (con && b->serial.where == CFG_TTY_STDIO &&
		   !strncmp(con, "hvc", 3)) {
		b->console.where = CFG_TTY_STDIO;
		b->serial.where = CFG_TTY_NULL;
	}
	if (!over->firmware.path && !over->firmware_builtin) {
		take_file(&over->kernel, &b->kernel);
		take_file(&over->dtb, &b->dtb);
		take_file(&over->initrd, &b->initrd);
		if (!over->append_given && b->append) {
			free(over->append);
			over->append = b->append;
			over->append_given = true;
			b->append = NULL;
		}
	}
	if (!over->kernel.path && !over->firmware_builtin) {
		take_file(&over->firmware, &b->firmware);
		if (!over->firmware.path)
			over->firmware_builtin = b->firmware_builtin;
	}
	if (!over->board)
		over->board = b->board;
	/* a store is for the firmware that the bundle starts with */
	if (!over->vars.path && over->board == b->board &&
	    !over->kernel.path) {
		over->vars = b->vars;
		b->vars = (struct cfg_vars){ .fd = -1 };
	}
	if (!over->id.has_ecid) {
		over->id.has_ecid = b->id.has_ecid;
		over->id.ecid = b->id.ecid;
	}
	if (!over->ram)
		over->ram = b->ram;
	if (!over->cpus)
		over->cpus = b->cpus;
	/* The bundle's disks come first: its root= counts on that. */
	memmove(over->disk + n, over->disk,
		(size_t)over->ndisks * sizeof(over->disk[0]));
	memcpy(over->disk, b->disk, (size_t)n * sizeof(over->disk[0]));
	over->ndisks += n;
	for (int i = 0; i < n; i++) {
		b->disk[i].path = NULL;
		b->disk[i].fd = -1;
	}
	b->ndisks = 0;
	if (!over->net_given) {
		config_nets_reset(over);
		memcpy(over->net, b->net, sizeof(b->net));
		over->nnets = b->nnets;
		b->nnets = 0;           /* the texts are the other's now */
	}
	if (!over->id.has_ecid) {
		over->id.has_ecid = b->id.has_ecid;
		over->id.ecid = b->id.ecid;
	}
	take_tty(&over->serial, &b->serial);
	take_tty(&over->console, &b->console);
	/* --serial stdio on a bundle whose console has the terminal. */
	if (over->serial.given && over->serial.where == CFG_TTY_STDIO &&
	    !over->console.given && over->console.where == CFG_TTY_STDIO)
		over->console.where = CFG_TTY_NULL;
	if (over->console.given && over->console.where == CFG_TTY_STDIO &&
	    !over->serial.given && over->serial.where == CFG_TTY_STDIO)
		over->serial.where = CFG_TTY_NULL;
}
