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
#include "inspect.h"

enum form { FORM_TEXT, FORM_JSON, FORM_COMMAND };

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
	json_t *argv = inspect_command(c), *v;
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

static const char *level_name(enum note_level l)
{
	static const char *const name[] = { "note", "warn", "error" };

	return name[l];
}

static void print_json(const struct bundle *b, const struct config *c,
		       json_t *disk)
{
	json_t *o = json_object(), *all = json_array();
	enum verdict v = bundle_verdict(b);

	set_str(o, "format", b->format);
	set_str(o, "verdict", bundle_verdict_name(v));
	json_object_set_new(o, "vm", inspect_vm(b, c));
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
	if (disk)
		json_object_set(o, "disk", disk);
	json_object_set_new(o, "messages", all);
	if (v <= VERDICT_WARN)
		json_object_set_new(o, "command", inspect_command(c));
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

static void print_net(const struct bvm_nic *n)
{
	static const char *const mode[] = { "user", "bridged", "host-only",
					    "socket" };
	char mac[18];

	inspect_mac(n->mac, mac);
	printf("%-10s %s%s%s\n", "network", mode[n->mode],
	       n->has_mac ? ", " : "", n->has_mac ? mac : "");
	for (int i = 0; i < n->nfwd; i++)
		row("forward", n->fwd[i]);
}

static void print_identity(const struct bvm *v)
{
	if (v->has_model)
		printf("%-10s platform version %u, data version %u, from "
		       "macOS %u.%u.%u\n", "model", v->pv, v->drv, v->minos[0],
		       v->minos[1], v->minos[2]);
	if (v->has_ecid)
		printf("%-10s 0x%016llx\n", "ECID",
		       (unsigned long long)v->ecid);
}

static void print_disk(const struct bundle *b, const struct bvm_disk *d)
{
	printf("%-10s %s%s%s%s: ", "disk", d->role, d->ro ? ", read-only" : "",
	       d->format ? ", " : "", d->format ? d->format : "");
	print_safe(inspect_name(b, d->path));
}

static void print_vm(const struct bundle *b)
{
	static const char *const boot[] = { "unknown", "boot ROM", "kernel",
					    "UEFI" };
	const struct bvm *v = &b->vm;

	if (v->name)
		row("name", v->name);
	if (v->has_cpus && v->cpus)
		printf("%-10s %llu\n", "CPUs", (unsigned long long)v->cpus);
	else if (v->has_cpus)
		printf("%-10s automatic\n", "CPUs");
	if (v->ram)
		printf("%-10s %llu MiB\n", "memory",
		       (unsigned long long)(v->ram >> 20));
	row("boot", boot[v->boot]);
	print_identity(v);
	if (v->kernel)
		row("kernel", inspect_name(b, v->kernel));
	if (v->initrd)
		row("initrd", inspect_name(b, v->initrd));
	if (v->cmdline)
		row("append", v->cmdline);
	if (v->firmware)
		row("firmware", inspect_name(b, v->firmware));
	for (int i = 0; i < v->ndisks; i++)
		print_disk(b, &v->disk[i]);
	if (v->aux)
		row("aux", inspect_name(b, v->aux));
	for (int i = 0; i < v->nnics; i++)
		print_net(&v->nic[i]);
	for (int i = 0; i < v->ndisplays; i++)
		if (v->display[i].w)
			printf("%-10s %lldx%lld\n", "display",
			       (long long)v->display[i].w,
			       (long long)v->display[i].h);
	for (int i = 0; i < v->nserials; i++)
		row("serial", v->serial[i].where);
	for (int i = 0; i < v->nshares; i++)
		row("share", v->share[i].tag);
}

static void print_setting(void *arg, const char *key, const char *value,
			  const char *verdict, const char *why)
{
	size_t n = strlen(key);
	bool *first = arg;

	if (*first)
		printf("\nsettings\n");
	*first = false;
	/* A finding begins with its key, which is there already. */
	if (!strncmp(why, key, n) && !strncmp(why + n, ": ", 2))
		why += n + 2;
	printf("  %-8s ", verdict);
	printf("%s = %s%s%s\n", key, value, *why ? ": " : "", why);
}

/* Findings that no setting above shows. */
static bool is_shown(const struct bundle *b, const struct note *n)
{
	return b->settings && n->key && n->level != NOTE_ERROR;
}

static void print_text(const struct bundle *b, const struct config *c,
		       const json_t *disk)
{
	enum verdict v = bundle_verdict(b);
	bool first = true;

	printf("%-10s %s%s%s\n", "format", b->format, b->guest ? ", guest " :
	       "", b->guest ? b->guest : "");
	if (disk)
		inspect_disk_print(disk);
	if (b->described)
		print_vm(b);
	else if (c->kernel.path)
		row("kernel", c->kernel.path);
	bundle_settings(b, print_setting, &first);
	if (!first)
		putchar('\n');
	for (int i = 0; i < b->nnotes; i++)
		if (!is_shown(b, &b->note[i]))
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

	c->look = true;
	config_defaults(c);
	config_find_firmware(c);
	if (config_check(c, &e) || config_open(c, &e))
		bundle_note(b, NOTE_ERROR, "cannot-start", NULL, "%s", e.msg);
	else
		return;
	if (b->nnotes)
		b->note[b->nnotes - 1].ours = true;
}

void cli_inspect(int argc, char **argv, struct result *r)
{
	enum form form = FORM_TEXT;
	const char *path = NULL;
	json_t *disk = NULL;
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
	if (form != FORM_COMMAND && inspect_apple(path, form == FORM_JSON, r))
		return;
	config_init(&c);
	bundle_init(&b);
	r->what = OUT_BUILD;
	if (!bundle_read(&b, path, &c, &r->err)) {
		if (bundle_verdict(&b) <= VERDICT_WARN)
			try_open(&b, &c);
		r->what = bundle_verdict(&b) <= VERDICT_WARN ? OUT_OK :
							       OUT_REFUSED;
		if (b.format && !strcmp(b.format, "disk"))
			disk = inspect_disk(path);
		if (form == FORM_JSON)
			print_json(&b, &c, disk);
		else if (form == FORM_TEXT)
			print_text(&b, &c, disk);
		else if (r->what == OUT_OK)
			print_command(&c);
		for (int i = 0; i < b.nnotes && form == FORM_COMMAND; i++)
			if (b.note[i].level == NOTE_ERROR)
				fprintf(stderr, "pome: error: %s\n",
					b.note[i].text);
	}
	json_decref(disk);
	bundle_fini(&b);
	config_fini(&c);
}
