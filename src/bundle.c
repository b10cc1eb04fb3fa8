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
#include "bundle.h"

#define CONFIG_MAX (16u << 20)

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
	bundle_init(b);
}

/* Names out of a bundle reach the terminal: no control characters. */
static void escape(const char *in, char *out, size_t len)
{
	size_t n = 0;

	for (; *in && n + 5 < len; in++) {
		unsigned char c = (unsigned char)*in;

		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(out + n, len - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
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
	escape(raw, text, sizeof(text));
	n = &b->note[b->nnotes++];
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
		if (b->note[i].level == NOTE_ERROR)
			return b->unsupported ? VERDICT_UNSUPPORTED :
						VERDICT_MALFORMED;
		if (b->note[i].level == NOTE_WARN)
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

/* ---- reading ---------------------------------------------------------- */

static char *join(const char *dir, const char *name)
{
	char *p;

	return asprintf(&p, "%s/%s", dir, name) < 0 ? NULL : p;
}

static char *slurp(const char *path, size_t *len, struct err *e)
{
	uint64_t size;
	int fd = config_open_file(path, O_RDONLY, false, "a bundle's JSON "
				  "file", &size, e);
	size_t done = 0;
	char *text;

	if (fd < 0)
		return NULL;
	if (size > CONFIG_MAX) {
		err_set(e, 0, "%s: %llu MiB; a bundle's config file has at "
			"most 16", path, (unsigned long long)(size >> 20));
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

static void read_json(struct bundle *b, const char *path, struct config *c,
		      struct err *e, int *r)
{
	size_t len;
	char *text = slurp(path, &len, e);

	*r = text ? 0 : -1;
	if (!text)
		return;
	b->format = "macosvm";
	bundle_macosvm(b, text, len, c);
	free(text);
}

static void unsupported(struct bundle *b, const char *format, const char *what)
{
	b->format = format;
	b->unsupported = true;
	bundle_note(b, NOTE_ERROR, "platform-unsupported", NULL, "%s; this "
		    "version reads macosvm bundles of Linux guests", what);
}

/* Formats that come later are recognised, so that the answer is not "what is
 * that?". */
static bool known_dir(struct bundle *b, const char *path)
{
	static const struct { const char *file, *format, *what; } known[] = {
		{ "config.plist", "utm", "a UTM bundle" },
		{ ".vbdata/Config.plist", "virtualbuddy",
		  "a VirtualBuddy bundle" },
		{ "config.pvs", "parallels", "a Parallels bundle" },
		{ "config.json", "tart", "a Tart or Lume bundle" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		char *p = join(path, known[i].file);
		bool there = p && !access(p, F_OK);

		free(p);
		if (there) {
			unsupported(b, known[i].format, known[i].what);
			return true;
		}
	}
	return false;
}

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

/* The one JSON file of a directory that looks like macosvm's; names that a
 * Mac's archiver left behind begin with "._". */
static char *find_json(const char *path, int *found, char *names, size_t len)
{
	DIR *d = opendir(path);
	struct dirent *de;
	char *hit = NULL;
	size_t used = 0;

	*found = 0;
	names[0] = 0;
	while (d && (de = readdir(d))) {
		struct err e;
		size_t n;
		char *p, *text;

		if (!ends(de->d_name, ".json") ||
		    !strncmp(de->d_name, "._", 2))
			continue;
		p = join(path, de->d_name);
		text = p ? slurp(p, &n, &e) : NULL;
		if (text && (bundle_macosvm_is(text, n) ||
			     !strcmp(de->d_name, "vm.json") ||
			     !strcmp(de->d_name, "macosvm.json"))) {
			++*found;
			if (used < len)
				used += (size_t)snprintf(names + used,
						len - used, "%s%s", used ?
						", " : "", de->d_name);
			free(hit);
			hit = p;
			p = NULL;
		}
		free(text);
		free(p);
	}
	if (d)
		closedir(d);
	return hit;
}

static int read_dir(struct bundle *b, const char *path, struct config *c,
		    struct err *e)
{
	char names[256];
	int found, r;
	char *json;

	if (known_dir(b, path))
		return 0;
	json = find_json(path, &found, names, sizeof(names));
	if (found > 1) {
		free(json);
		return err_set(e, 0, "%s: several bundles in one directory: "
			       "%s (name one of them)", path, names);
	}
	if (!json)
		return err_set(e, 0, "%s: a directory without a bundle in it; "
			       "expected vm.json or macosvm.json", path);
	b->dir = strdup(path);
	b->file = strdup(strrchr(json, '/') + 1);
	read_json(b, json, c, e, &r);
	free(json);
	return r;
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
			    (n > 0x8006 && !memcmp(h + 0x8001, "CD001", 5)));
}

/* Archives, and what only an installer wants. */
static const char *packed(const unsigned char *h, size_t n)
{
	if (n >= 4 && !memcmp(h, "PK\3\4", 4))
		return "a zip archive (or an IPSW, which is an installer)";
	if (n >= 4 && (!memcmp(h, "AA01", 4) || !memcmp(h, "pbze", 4)))
		return "an Apple Archive";
	if (n >= 262 && !memcmp(h + 257, "ustar", 5))
		return "a tar archive";
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
		b->guest = "linux";
	if (k.kind == KERNEL_ZBOOT || k.kind == KERNEL_GZIP ||
	    k.kind == KERNEL_ZSTD)
		bundle_note(b, NOTE_NOTE, "kernel-unpacked", NULL, "%s: packed "
			    "with %s; run unpacks it", path, k.compression);
	c->kernel.path = strdup(path);
}

static int read_file(struct bundle *b, const char *path, struct config *c,
		     struct err *e)
{
	static const char *const inner[] = { "config.plist", "Config.plist",
					     "config.pvs", "config.json" };
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 :
		path;
	unsigned char *head = malloc(KERNEL_HEAD);
	const char *what;
	uint64_t size;
	ssize_t n;
	int fd, r = 0;

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
	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (!strcmp(base, inner[i]))
			unsupported(b, "utm", "the configuration of a UTM, "
				    "VirtualBuddy, Parallels or Tart bundle");
	if (b->nnotes) {
		r = 0;
	} else if (looks_like_json(head, (size_t)n)) {
		b->dir = !slash ? strdup(".") : slash == path ? strdup("/") :
			 strndup(path, (size_t)(slash - path));
		b->file = strdup(base);
		read_json(b, path, c, e, &r);
	} else if ((what = packed(head, (size_t)n))) {
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

int bundle_read(struct bundle *b, const char *path, struct config *c,
		struct err *e)
{
	struct stat st;

	if (stat(path, &st))
		return err_set(e, errno, "%s", path);
	return S_ISDIR(st.st_mode) ? read_dir(b, path, c, e) :
				     read_file(b, path, c, e);
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
		take_file(&over->initrd, &b->initrd);
		if (!over->append_given && b->append) {
			free(over->append);
			over->append = b->append;
			over->append_given = true;
			b->append = NULL;
		}
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
	if (!over->net.given) {
		config_net_reset(&over->net);
		over->net = b->net;
		memset(&b->net, 0, sizeof(b->net));
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
