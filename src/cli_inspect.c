/* pome inspect: what a path is, and what `run` would do with it. The JSON form
 * is in design/cli.md. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "cli.h"
#include "config.h"

enum form { FORM_TEXT, FORM_JSON, FORM_COMMAND };

/* Names inside a bundle are shown as the bundle has them. */
static const char *inside(const struct bundle *b, const char *path)
{
	size_t n = b->dir ? strlen(b->dir) : 0;

	if (n && !strncmp(path, b->dir, n) && path[n] == '/')
		return path + n + 1;
	return path;
}

static void mac_text(const struct cfg_net *n, char out[18])
{
	snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0],
		 n->mac[1], n->mac[2], n->mac[3], n->mac[4], n->mac[5]);
}

/* ---- the equivalent command line ------------------------------------------ */

static void add(json_t *argv, const char *opt, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add(json_t *argv, const char *opt, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	json_array_append_new(argv, json_string(opt));
	json_array_append_new(argv, json_string(text));
	free(text);
}

/* A comma in a file name is written twice where keys may follow it. */
static char *double_commas(const char *s)
{
	char *out = malloc(2 * strlen(s) + 1), *p = out;

	for (; out && *s; s++) {
		if (*s == ',')
			*p++ = ',';
		*p++ = *s;
	}
	if (out)
		*p = 0;
	return out;
}

static const char *where_name(enum cfg_where w)
{
	static const char *const name[] = { "none", "stdio", "null", "file",
					    "unix", "pty" };

	return name[w];
}

static json_t *command(const struct config *c)
{
	json_t *argv = json_array();
	char mac[18];

	json_array_append_new(argv, json_string("pome"));
	json_array_append_new(argv, json_string("run"));
	if (c->kernel.path) {
		char *p = double_commas(c->kernel.path);

		add(argv, "--kernel", "%s", p ? p : "");
		free(p);
		if (c->initrd.path)
			add(argv, "--initrd", "%s", c->initrd.path);
		if (c->append)
			add(argv, "--append", "%s", c->append);
	}
	if (c->cpus)
		add(argv, "--cpus", "%u", c->cpus);
	if (c->ram)
		add(argv, "--memory", "%lluM",
		    (unsigned long long)(c->ram >> 20));
	for (int i = 0; i < c->ndisks; i++) {
		char *p = double_commas(c->disk[i].path);

		add(argv, "--disk", "%s,format=raw%s", p ? p : "",
		    c->disk[i].readonly ? ",readonly" : "");
		free(p);
	}
	mac_text(&c->net, mac);
	if (c->net.kind == CFG_NET_USER)
		add(argv, "--net", "user%s%s", c->net.has_mac ? ",mac=" : "",
		    c->net.has_mac ? mac : "");
	if (c->serial.where == CFG_TTY_NULL)
		add(argv, "--serial", "null");
	if (c->console.where != CFG_TTY_NONE)
		add(argv, "--console", "%s", where_name(c->console.where));
	return argv;
}

static bool plain(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_-+=:,./@%", *s))
			return false;
	return true;
}

static void print_quoted(const char *s)
{
	if (plain(s)) {
		fputs(s, stdout);
		return;
	}
	putchar('\'');
	for (; *s; s++) {
		if (*s == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*s);
	}
	putchar('\'');
}

static void print_command(const struct config *c)
{
	json_t *argv = command(c), *v;
	size_t i;

	json_array_foreach(argv, i, v) {
		if (i)
			putchar(' ');
		print_quoted(json_string_value(v));
	}
	putchar('\n');
	json_decref(argv);
}

/* ---- JSON -------------------------------------------------------------------- */

static void set_str(json_t *o, const char *key, const char *v)
{
	if (v)
		json_object_set_new(o, key, json_string(v));
}

static json_t *disks_json(const struct bundle *b, const struct config *c)
{
	json_t *all = json_array();

	for (int i = 0; i < c->ndisks; i++) {
		const struct cfg_disk *d = &c->disk[i];
		json_t *o = json_object();

		set_str(o, "file", inside(b, d->path));
		set_str(o, "role", d->role == CFG_ROLE_ROOT ? "root" : "data");
		json_object_set_new(o, "ro", json_boolean(d->readonly));
		set_str(o, "bus", "virtio");
		set_str(o, "format", "raw");
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *vm_json(const struct bundle *b, const struct config *c)
{
	json_t *vm = json_object(), *o, *a;
	char mac[18];

	set_str(vm, "guest", b->guest);
	set_str(vm, "arch", "arm64");
	json_object_set_new(vm, "cpus", json_integer(c->cpus));
	json_object_set_new(vm, "ram_bytes", json_integer((json_int_t)c->ram));
	if (c->kernel.path) {
		o = json_object();
		set_str(o, "kind", "kernel");
		set_str(o, "kernel", inside(b, c->kernel.path));
		if (c->initrd.path)
			set_str(o, "initrd", inside(b, c->initrd.path));
		set_str(o, "cmdline", c->append);
		json_object_set_new(vm, "boot", o);
	}
	json_object_set_new(vm, "disks", disks_json(b, c));
	a = json_array();
	if (c->net.kind == CFG_NET_USER) {
		o = json_object();
		set_str(o, "mode", "user");
		mac_text(&c->net, mac);
		if (c->net.has_mac)
			set_str(o, "mac", mac);
		json_array_append_new(a, o);
	}
	json_object_set_new(vm, "nics", a);
	a = json_array();
	if (c->serial.where == CFG_TTY_STDIO ||
	    c->console.where == CFG_TTY_STDIO)
		json_array_append_new(a, json_string("stdio"));
	json_object_set_new(vm, "serial", a);
	return vm;
}

static const char *level_name(enum note_level l)
{
	static const char *const name[] = { "note", "warn", "error" };

	return name[l];
}

static void print_json(const struct bundle *b, const struct config *c)
{
	json_t *o = json_object(), *all = json_array();
	enum verdict v = bundle_verdict(b);

	set_str(o, "format", b->format);
	set_str(o, "verdict", bundle_verdict_name(v));
	json_object_set_new(o, "vm", vm_json(b, c));
	for (int i = 0; i < b->nnotes; i++) {
		const struct note *n = &b->note[i];
		json_t *m = json_object();

		set_str(m, "level", level_name(n->level));
		set_str(m, "code", n->code);
		set_str(m, "text", n->text);
		set_str(m, "file", n->file);
		set_str(m, "key", n->key);
		json_array_append_new(all, m);
	}
	json_object_set_new(o, "messages", all);
	if (v <= VERDICT_WARN)
		json_object_set_new(o, "command", command(c));
	json_dumpf(o, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(o);
}

/* ---- for a person ----------------------------------------------------------- */

/* A name from a bundle: no control character reaches the terminal. */
static void print_safe(const char *s)
{
	for (; *s; s++) {
		unsigned char ch = (unsigned char)*s;

		if (ch < 0x20 || ch == 0x7f)
			printf("\\x%02x", ch);
		else
			putchar(ch);
	}
	putchar('\n');
}

static void row(const char *what, const char *value)
{
	printf("%-10s ", what);
	print_safe(value);
}

static void print_vm(const struct bundle *b, const struct config *c)
{
	char mac[18];

	if (c->cpus)
		printf("%-10s %u\n", "CPUs", c->cpus);
	if (c->ram)
		printf("%-10s %llu MiB\n", "memory",
		       (unsigned long long)(c->ram >> 20));
	if (c->kernel.path)
		row("kernel", inside(b, c->kernel.path));
	if (c->initrd.path)
		row("initrd", inside(b, c->initrd.path));
	if (c->append)
		row("append", c->append);
	for (int i = 0; i < c->ndisks; i++)
		row(c->disk[i].readonly ? "disk (ro)" : "disk",
		    inside(b, c->disk[i].path));
	mac_text(&c->net, mac);
	if (c->net.kind == CFG_NET_USER)
		printf("%-10s user%s%s\n", "network",
		       c->net.has_mac ? ", " : "", c->net.has_mac ? mac : "");
}

static void print_text(const struct bundle *b, const struct config *c)
{
	enum verdict v = bundle_verdict(b);

	printf("%-10s %s%s%s\n", "format", b->format, b->guest ? ", guest " :
	       "", b->guest ? b->guest : "");
	print_vm(b, c);
	for (int i = 0; i < b->nnotes; i++)
		printf("%-10s %s (%s)\n", level_name(b->note[i].level),
		       b->note[i].text, b->note[i].code);
	printf("%-10s %s\n", "verdict", bundle_verdict_name(v));
	if (v <= VERDICT_WARN) {
		printf("%-10s ", "command");
		print_command(c);
	}
}

/* Would `run` start it? Opens everything, as run does. */
static void try_open(struct bundle *b, struct config *c)
{
	struct err e;

	config_defaults(c);
	if (config_check(c, &e) || config_open(c, &e))
		bundle_note(b, NOTE_ERROR, "bad-value", NULL, "%s", e.msg);
}

void cli_inspect(int argc, char **argv, struct result *r)
{
	enum form form = FORM_TEXT;
	const char *path = NULL;
	struct config c;
	struct bundle b;

	r->what = OUT_USAGE;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			form = FORM_JSON;
		} else if (!strcmp(argv[i], "--command")) {
			form = FORM_COMMAND;
		} else if (!strcmp(argv[i], "--help") ||
			   !strcmp(argv[i], "-h")) {
			cli_print_help("inspect");
			r->what = OUT_OK;
			return;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			err_set(&r->err, 0, "inspect: %s: unknown option "
				"(known: --json, --command)", argv[i]);
			return;
		} else if (path) {
			err_set(&r->err, 0, "inspect: %s: one path at a time",
				argv[i]);
			return;
		} else {
			path = argv[i];
		}
	}
	if (!path || !*path) {
		err_set(&r->err, 0, "inspect: the path is missing (pome "
			"inspect PATH)");
		return;
	}
	config_init(&c);
	bundle_init(&b);
	r->what = OUT_BUILD;
	if (!bundle_read(&b, path, &c, &r->err)) {
		if (bundle_verdict(&b) <= VERDICT_WARN)
			try_open(&b, &c);
		r->what = bundle_verdict(&b) <= VERDICT_WARN ? OUT_OK :
							       OUT_REFUSED;
		if (form == FORM_JSON)
			print_json(&b, &c);
		else if (form == FORM_TEXT)
			print_text(&b, &c);
		else if (r->what == OUT_OK)
			print_command(&c);
		for (int i = 0; i < b.nnotes && form == FORM_COMMAND; i++)
			if (b.note[i].level == NOTE_ERROR)
				fprintf(stderr, "pome: error: %s\n",
					b.note[i].text);
	}
	bundle_fini(&b);
	config_fini(&c);
}
