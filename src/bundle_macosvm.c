/* The macosvm format: one JSON file beside its images. bundles.md section 2.1.
 *
 * Its files may be anywhere, that is the format's nature; a name that leaves
 * the bundle's directory gets a warning (section 7). */
#include <ctype.h>
#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "boot.h"
#include "bundle.h"
#include "vm.h"

#define DEPTH_MAX 64
#define ITEMS_MAX 64
#define RAM_MIN (64u << 20)

struct reader {
	struct bundle *b;
	struct config *c;
	bool macos;
	bool aux;                       /* an aux entry was there */
};

#define ERR(r, code, key, ...) \
	bundle_note((r)->b, NOTE_ERROR, code, key, __VA_ARGS__)
#define WARN(r, code, key, ...) \
	bundle_note((r)->b, NOTE_WARN, code, key, __VA_ARGS__)

/* ---- JSON -------------------------------------------------------------- */

/* Nesting is bounded before the parser recurses over it. */
static bool too_deep(const char *s, size_t len)
{
	bool text = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (text) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				text = false;
		} else if (s[i] == '"') {
			text = true;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > DEPTH_MAX)
				return true;
		} else if (s[i] == '}' || s[i] == ']') {
			depth--;
		}
	}
	return false;
}

static void skip_bom(const char **s, size_t *len)
{
	if (*len >= 3 && !memcmp(*s, "\xef\xbb\xbf", 3)) {
		*s += 3;
		*len -= 3;
	}
}

static json_t *parse(struct reader *r, const char *s, size_t len)
{
	json_error_t je;
	json_t *o, *strict;

	skip_bom(&s, &len);
	if (too_deep(s, len)) {
		ERR(r, "bad-json", NULL, "nested deeper than %d levels",
		    DEPTH_MAX);
		return NULL;
	}
	o = json_loadb(s, len, 0, &je);
	if (!o) {
		ERR(r, "bad-json", NULL, "line %d, column %d: %s", je.line,
		    je.column, je.text);
		return NULL;
	}
	strict = json_loadb(s, len, JSON_REJECT_DUPLICATES, &je);
	if (!strict)
		WARN(r, "duplicate-key", NULL, "line %d: %s; the last one "
		     "counts", je.line, je.text);
	json_decref(strict);
	if (!json_is_object(o)) {
		ERR(r, "wrong-type", NULL, "the file holds no JSON object at "
		    "its top; expected { \"cpus\": ..., \"ram\": ... }");
		json_decref(o);
		return NULL;
	}
	return o;
}

bool bundle_macosvm_is(const char *s, size_t len)
{
	json_t *o;
	bool yes;

	skip_bom(&s, &len);
	if (too_deep(s, len))
		return false;
	o = json_loadb(s, len, 0, NULL);
	yes = json_object_get(o, "cpus") &&
	      (json_object_get(o, "storage") ||
	       json_object_get(o, "hardwareModel") ||
	       json_object_get(o, "bootInfo"));
	json_decref(o);
	return yes;
}

/* An integer, also written 1e9 or 4.0; false (and a finding) if it is not. */
static bool get_int(struct reader *r, json_t *v, const char *key, int64_t *out)
{
	double d;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return true;
	}
	d = json_real_value(v);
	if (json_is_real(v) && d == floor(d) && fabs(d) < 9e15) {
		*out = (int64_t)d;
		return true;
	}
	ERR(r, "wrong-type", key, "%s: expected a number without a suffix",
	    key);
	return false;
}

/* A boolean, also 0 or 1. The original ignores anything else silently. */
static bool get_bool(struct reader *r, json_t *o, const char *name,
		     const char *key, bool fallback)
{
	json_t *v = json_object_get(o, name);

	if (!v || json_is_null(v))
		return fallback;
	if (json_is_boolean(v))
		return json_is_true(v);
	if (json_is_integer(v))
		return json_integer_value(v) != 0;
	WARN(r, "wrong-type", key, "%s: expected true or false; ignored, as "
	     "macosvm does", key);
	return fallback;
}

/* A string of bearable length, or NULL. */
static const char *get_str(struct reader *r, json_t *o, const char *name,
			   const char *key)
{
	json_t *v = json_object_get(o, name);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_string(v)) {
		ERR(r, "wrong-type", key, "%s: expected text", key);
		return NULL;
	}
	if (json_string_length(v) > CFG_MAX_STR) {
		ERR(r, "bad-value", key, "%s: longer than %d bytes", key,
		    CFG_MAX_STR);
		return NULL;
	}
	return json_string_value(v);
}

/* The array `name`, or NULL; at most ITEMS_MAX long. */
static json_t *get_array(struct reader *r, json_t *o, const char *name)
{
	json_t *v = json_object_get(o, name);

	if (!v || json_is_null(v))
		return NULL;
	if (!json_is_array(v)) {
		ERR(r, "wrong-type", name, "%s: expected an array", name);
		return NULL;
	}
	if (json_array_size(v) > ITEMS_MAX) {
		ERR(r, "bad-value", name, "%s: %zu entries; at most %d are "
		    "taken", name, json_array_size(v), ITEMS_MAX);
		return NULL;
	}
	return v;
}

static bool base64_ok(const char *s)
{
	size_t n = 0, pad = 0;

	for (; *s; s++) {
		if (isspace((unsigned char)*s))
			continue;
		if (*s == '=')
			pad++;
		else if (pad || (!isalnum((unsigned char)*s) && *s != '+' &&
				 *s != '/'))
			return false;
		n++;
	}
	return n && n % 4 == 0 && pad <= 2;
}

/* ---- names of files ------------------------------------------------------- */

/* file:NAME, file:///PATH, with percent escapes; NULL for another scheme. */
static char *from_url(const char *url)
{
	char *out, *p;

	if (strncasecmp(url, "file:", 5))
		return NULL;
	url += 5;
	if (!strncmp(url, "//", 2)) {
		url = strchr(url + 2, '/');
		if (!url)
			return NULL;
	}
	out = p = malloc(strlen(url) + 1);
	if (!out)
		return NULL;
	for (; *url; url++) {
		if (url[0] == '%' && isxdigit((unsigned char)url[1]) &&
		    isxdigit((unsigned char)url[2])) {
			char hex[3] = { url[1], url[2], 0 };

			*p = (char)strtoul(hex, NULL, 16);
			if (!*p) {      /* a name cannot hold a NUL */
				free(out);
				return NULL;
			}
			p++;
			url += 2;
		} else {
			*p++ = *url;
		}
	}
	*p = 0;
	return out;
}

static bool below(const char *dir, const char *path)
{
	char *d = realpath(dir, NULL), *p = realpath(path, NULL);
	size_t n = d ? strlen(d) : 0;
	bool in = d && p && !strncmp(d, p, n) &&
		  (p[n] == '/' || p[n] == 0 || n == 1);

	free(d);
	free(p);
	return in;
}

static void missing(struct reader *r, const char *key, const char *name,
		    const char *tried)
{
	DIR *d = opendir(r->b->dir);
	struct dirent *de;
	char near[256] = "";

	while (d && (de = readdir(d))) {
		const char *cand = de->d_name;

		if (config_nearest(name, &cand, 1))
			snprintf(near, sizeof(near), "%s", cand);
	}
	if (d)
		closedir(d);
	ERR(r, "file-missing", key, "%s: %s is not there (tried %s)%s%s%s", key,
	    name, tried, *near ? "; did it mean " : "", near, *near ? "?" : "");
}

/* The path of a file that the bundle names, or NULL with a finding. */
static char *resolve(struct reader *r, const char *key, const char *name)
{
	char *path = NULL;

	if (!*name) {
		ERR(r, "bad-value", key, "%s: the name is empty", key);
		return NULL;
	}
	if (name[0] == '/')
		path = strdup(name);
	else if (asprintf(&path, "%s/%s", r->b->dir, name) < 0)
		path = NULL;
	if (!path)
		return NULL;
	if (access(path, F_OK)) {
		if (name[0] == '/' || access(name, F_OK)) {
			missing(r, key, name, path);
			free(path);
			return NULL;
		}
		WARN(r, "cwd-relative-path", key, "%s: %s is not in the bundle "
		     "but in the current directory; it is taken from there",
		     key, name);
		free(path);
		path = strdup(name);
	} else if (!below(r->b->dir, path)) {
		WARN(r, "path-escape", key, "%s: %s lies outside of the "
		     "bundle's directory", key, name);
	}
	return path;
}

/* ---- sections ---------------------------------------------------------------- */

static void read_cpus(struct reader *r, json_t *o)
{
	json_t *v = json_object_get(o, "cpus");
	int64_t n;

	if (!v) {
		ERR(r, "missing-key", "cpus", "cpus: the key is missing; "
		    "expected a number from 1 to %d", VM_MAX_CPUS);
		return;
	}
	if (!get_int(r, v, "cpus", &n))
		return;
	if (n < 1) {
		ERR(r, "bad-value", "cpus", "cpus: %lld; expected 1 to %d",
		    (long long)n, VM_MAX_CPUS);
		return;
	}
	if (n > VM_MAX_CPUS) {
		WARN(r, "bad-value", "cpus", "cpus: %lld; the board has at "
		     "most %d, which it gets", (long long)n, VM_MAX_CPUS);
		n = VM_MAX_CPUS;
	}
	r->c->cpus = (unsigned)n;
}

static void read_ram(struct reader *r, json_t *o)
{
	json_t *v = json_object_get(o, "ram");
	int64_t n;

	if (!v) {
		ERR(r, "missing-key", "ram", "ram: the key is missing; "
		    "expected bytes");
		return;
	}
	if (!get_int(r, v, "ram", &n))
		return;
	if (n < RAM_MIN) {
		ERR(r, "bad-value", "ram", "ram: %lld bytes; expected at least "
		    "64 MiB (was it meant in MiB?)", (long long)n);
		return;
	}
	r->c->ram = (uint64_t)n & ~((1ull << 20) - 1);
}

static void add_disk(struct reader *r, const char *key, char *path, bool ro,
		     bool usb)
{
	struct cfg_disk *d;

	if (r->c->ndisks == CFG_MAX_DISKS) {
		WARN(r, "bad-value", key, "%s: more than %d disks; left out",
		     key, CFG_MAX_DISKS);
		free(path);
		return;
	}
	d = &r->c->disk[r->c->ndisks];
	d->path = path;
	d->readonly = ro;
	d->from_bundle = true;
	d->role = usb || r->c->ndisks ? CFG_ROLE_DATA : CFG_ROLE_ROOT;
	r->c->ndisks++;
}

static void check_word(struct reader *r, json_t *o, const char *name,
		       const char *key, const char *const *allowed)
{
	const char *v = get_str(r, o, name, key);

	if (!v)
		return;
	for (int i = 0; allowed[i]; i++)
		if (!strcmp(v, allowed[i]))
			return;
	WARN(r, "bad-enum", key, "%s.%s: '%s' is unknown; ignored", key, name,
	     v);
}

static void read_storage_entry(struct reader *r, json_t *o, const char *key)
{
	static const char *const sync[] = { "full", "fsync", "none", NULL };
	static const char *const cache[] = { "auto", "cached", "uncached",
					     NULL };
	const char *type = get_str(r, o, "type", key);
	const char *file = get_str(r, o, "file", key);
	const char *url = get_str(r, o, "url", key);
	bool ro = get_bool(r, o, "readOnly", key, false);
	char *name, *path;

	check_word(r, o, "sync", key, sync);
	check_word(r, o, "cache", key, cache);
	if (!type) {
		ERR(r, "missing-key", key, "%s: its type is missing", key);
		return;
	}
	if (strcmp(type, "disk") && strcmp(type, "usb") &&
	    strcmp(type, "aux") && strcmp(type, "initrd")) {
		ERR(r, "bad-enum", key, "%s: type '%s'; expected disk, usb, "
		    "aux or initrd", key, type);
		return;
	}
	r->aux |= !strcmp(type, "aux");
	name = file ? strdup(file) : url ? from_url(url) : NULL;
	if (!name) {
		if (url)
			ERR(r, "bad-value", key, "%s: '%s' is no file URL",
			    key, url);
		else
			ERR(r, "missing-key", key, "%s: neither file nor url",
			    key);
		return;
	}
	path = resolve(r, key, name);
	free(name);
	if (!path)
		return;
	if (!strcmp(type, "initrd") && !r->macos) {
		free(r->c->initrd.path);
		r->c->initrd.path = path;
		r->c->initrd.from_bundle = true;
	} else if (!strcmp(type, "disk") || !strcmp(type, "usb")) {
		add_disk(r, key, path, ro, type[0] == 'u');
	} else {
		free(path);
	}
}

static void read_storage(struct reader *r, json_t *o)
{
	json_t *all = get_array(r, o, "storage"), *v;
	size_t i;
	char key[32];

	json_array_foreach(all, i, v) {
		snprintf(key, sizeof(key), "storage.%zu", i);
		if (json_is_object(v))
			read_storage_entry(r, v, key);
		else
			ERR(r, "wrong-type", key, "%s: expected an object",
			    key);
	}
	if (r->macos && !r->aux)
		ERR(r, "missing-key", "storage", "storage: a macOS guest needs "
		    "an entry of type aux");
}

static bool mtu_ok(struct reader *r, json_t *o, const char *key)
{
	json_t *v = json_object_get(o, "mtu");
	int64_t n;

	if (!v)
		return true;
	if (json_is_string(v))
		n = strtoll(json_string_value(v), NULL, 10);
	else if (!get_int(r, v, key, &n))
		return false;
	if (n >= 1500 && n <= 65535)
		return true;
	ERR(r, "bad-value", key, "%s: mtu %lld; expected 1500 or more", key,
	    (long long)n);
	return false;
}

static void read_network(struct reader *r, json_t *o, const char *key,
			 bool first)
{
	const char *type = get_str(r, o, "type", key);
	const char *mac = get_str(r, o, "mac", key);
	uint8_t addr[6];

	if (!type) {
		ERR(r, "missing-key", key, "%s: its type is missing", key);
		return;
	}
	if (!mtu_ok(r, o, key))
		return;
	if (mac && config_mac(mac, addr)) {
		ERR(r, "bad-value", key, "%s: mac '%s' is no unicast MAC "
		    "address", key, mac);
		return;
	}
	if (!strncmp(type, "br", 2)) {
		WARN(r, "net-bridged", key, "%s: a bridged card; it gets the "
		     "user-mode network (for a bridge: --net tap,ifname=...)",
		     key);
	} else if (!strcmp(type, "unix")) {
		WARN(r, "net-host-only", key, "%s: a socket with raw frames; "
		     "it gets the user-mode network", key);
	} else if (strcmp(type, "nat")) {
		ERR(r, "bad-enum", key, "%s: type '%s'; expected nat, br or "
		    "unix", key, type);
		return;
	}
	if (!first) {
		WARN(r, "format-best-effort", key, "%s: this version gives the "
		     "guest one network card, the first", key);
		return;
	}
	r->c->net.kind = CFG_NET_USER;
	if (mac) {
		memcpy(r->c->net.mac, addr, 6);
		r->c->net.has_mac = true;
	}
}

static void read_networks(struct reader *r, json_t *o)
{
	json_t *all = get_array(r, o, "networks"), *v;
	size_t i;
	char key[32];

	if (!json_object_get(o, "networks"))
		r->c->net.kind = CFG_NET_USER;
	json_array_foreach(all, i, v) {
		snprintf(key, sizeof(key), "networks.%zu", i);
		if (json_is_object(v))
			read_network(r, v, key, i == 0);
		else
			ERR(r, "wrong-type", key, "%s: expected an object",
			    key);
	}
}

/* Devices that the guest asks for and this version has not. */
static void read_others(struct reader *r, json_t *o)
{
	json_t *displays = get_array(r, o, "displays");
	json_t *shares = get_array(r, o, "shares");

	if (json_array_size(displays) > 1)
		WARN(r, "display-extra", "displays", "displays: %zu; more than "
		     "one is never shown", json_array_size(displays));
	if (json_array_size(shares))
		WARN(r, "share-location", "shares", "shares: this version "
		     "shares no folders with the guest");
	if (get_bool(r, o, "audio", "audio", false))
		bundle_note(r->b, NOTE_NOTE, "audio-absent", "audio",
			    "audio: this version has no sound");
	get_bool(r, o, "serial", "serial", true);
}

/* Which device has the terminal: what the kernel calls its last console. */
static void pick_console(struct reader *r, bool serial)
{
	const char *last = bundle_last_console(r->c->append);

	if (!serial) {
		r->c->serial.where = CFG_TTY_NULL;
	} else if (last && !strncmp(last, "hvc", 3)) {
		r->c->console.where = CFG_TTY_STDIO;
		r->c->serial.where = CFG_TTY_NULL;
	} else {
		r->c->serial.where = CFG_TTY_STDIO;
		if (last && strncmp(last, "ttyAMA", 6))
			WARN(r, "console-name", "bootInfo.parameters",
			     "the command line's last console is not on this "
			     "board (ttyAMA0, or hvc0)");
	}
}

static void check_kernel(struct reader *r, const char *path)
{
	unsigned char *head = malloc(KERNEL_HEAD);
	struct kernel_sniff k;
	uint64_t size = 0;
	struct err e;
	int fd = config_open_file(path, 0, false, "a kernel image", &size, &e);
	ssize_t n = fd >= 0 && head ? pread(fd, head, KERNEL_HEAD, 0) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		ERR(r, "file-missing", "bootInfo.kernel", "%s",
		    fd < 0 ? e.msg : "the kernel cannot be read");
		free(head);
		return;
	}
	kernel_sniff(head, (size_t)n, size, &k);
	free(head);
	if (k.kind == KERNEL_REFUSE)
		ERR(r, k.code, "bootInfo.kernel", "%s: %s", path, k.text);
	else if (k.kind != KERNEL_IMAGE && k.kind != KERNEL_ELF)
		bundle_note(r->b, NOTE_NOTE, "kernel-unpacked",
			    "bootInfo.kernel", "%s: packed with %s; it is "
			    "unpacked at start", path, k.compression);
}

static void read_linux(struct reader *r, json_t *o)
{
	json_t *boot = json_object_get(o, "bootInfo");
	const char *kernel, *line;

	if (!json_is_object(boot)) {
		ERR(r, boot ? "wrong-type" : "missing-key", "bootInfo",
		    "bootInfo: a Linux guest needs { \"kernel\": FILE, "
		    "\"parameters\": TEXT }");
		return;
	}
	kernel = get_str(r, boot, "kernel", "bootInfo.kernel");
	line = get_str(r, boot, "parameters", "bootInfo.parameters");
	if (!kernel) {
		ERR(r, "no-boot-source", "bootInfo.kernel", "bootInfo.kernel: "
		    "the key is missing (name one, or use --kernel)");
	} else {
		r->c->kernel.path = resolve(r, "bootInfo.kernel", kernel);
		r->c->kernel.from_bundle = true;
		if (r->c->kernel.path)
			check_kernel(r, r->c->kernel.path);
	}
	if (line && strlen(line) > 2047)
		ERR(r, "bad-value", "bootInfo.parameters", "longer than the "
		    "2047 characters that a Linux kernel takes");
	else if (line)
		r->c->append = strdup(line);
	pick_console(r, get_bool(r, o, "serial", "serial", true));
}

static void read_macos(struct reader *r, json_t *o)
{
	static const char *const keys[] = { "hardwareModel", "machineId" };
	int errors = 0;

	for (int i = 0; i < 2; i++) {
		const char *v = get_str(r, o, keys[i], keys[i]);

		if (v && !base64_ok(v))
			ERR(r, "bad-base64", keys[i], "%s: not base64 text",
			    keys[i]);
	}
	for (int i = 0; i < r->b->nnotes; i++)
		errors += r->b->note[i].level == NOTE_ERROR;
	if (errors)
		return;
	r->b->unsupported = true;
	ERR(r, "platform-unsupported", "os", "a macOS guest; it needs the "
	    "vmapple boot chain, which this version does not have yet (Linux "
	    "guests run)");
}

void bundle_macosvm(struct bundle *b, const char *json, size_t len,
		    struct config *c)
{
	struct reader r = { .b = b, .c = c };
	json_t *o = parse(&r, json, len);
	const char *os;

	if (!o)
		return;
	os = get_str(&r, o, "os", "os");
	if (os && strcmp(os, "macos") && strcmp(os, "linux")) {
		ERR(&r, "bad-enum", "os", "os: '%s'; expected macos or linux",
		    os);
		json_decref(o);
		return;
	}
	r.macos = !os || !strcmp(os, "macos");
	b->guest = r.macos ? "macos" : "linux";
	read_cpus(&r, o);
	read_ram(&r, o);
	read_storage(&r, o);
	read_networks(&r, o);
	read_others(&r, o);
	if (r.macos)
		read_macos(&r, o);
	else
		read_linux(&r, o);
	json_decref(o);
}
