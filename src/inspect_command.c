/* The command line that runs the machine of a bundle without the bundle. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "inspect.h"

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

static void add_disk(json_t *argv, const struct cfg_disk *d)
{
	char *p = double_commas(d->path);
	const char *role = d->role == CFG_ROLE_AUX ? ",role=aux" :
			   d->role == CFG_ROLE_ROOT ? ",role=root" : "";

	add(argv, "--disk", "%s,format=%s%s%s%s%s", p ? p : "",
	    d->format == CFG_FMT_QCOW2 ? "qcow2" : "raw", role,
	    d->readonly ? ",readonly" : "", *d->serial ? ",serial=" : "",
	    d->serial);
	free(p);
}

static void put_addr(FILE *f, const char *key, uint32_t a)
{
	if (a)
		fprintf(f, ",%s=%u.%u.%u.%u", key, a >> 24, a >> 16 & 255,
			a >> 8 & 255, a & 255);
}

static void put_path(FILE *f, const struct cfg_net *n)
{
	char *p = double_commas(n->path);

	fprintf(f, ",path=%s%s%s", p ? p : "", *n->hello ? ",hello=" : "",
		n->hello);
	free(p);
}

static void add_net(json_t *argv, const struct cfg_net *n)
{
	char mac[18], *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	inspect_mac(n->mac, mac);
	fprintf(f, "%s%s%s%s", n->kind == CFG_NET_UNIX ? "unix" : "user",
		n->has_mac ? ",mac=" : "", n->has_mac ? mac : "",
		n->isolated ? ",restrict" : "");
	if (n->kind == CFG_NET_UNIX)
		put_path(f, n);
	if (n->mask) {
		put_addr(f, "net", n->net);
		fprintf(f, "/%d", __builtin_popcount(n->mask));
	}
	put_addr(f, "host", n->host);
	put_addr(f, "dns", n->dns);
	put_addr(f, "dhcpstart", n->dhcp);
	if (*n->domain)
		fprintf(f, ",domainname=%s", n->domain);
	for (int i = 0; i < n->nfwd; i++)
		fprintf(f, ",hostfwd=%s", n->fwd[i]);
	if (!fclose(f))
		add(argv, "--net", "%s", text);
	free(text);
}

static void add_tty(json_t *argv, const char *opt, const struct cfg_tty *t)
{
	static const char *const name[] = { "none", "stdio", "null", "file:",
					    "unix:", "pty", "tcp:" };

	add(argv, opt, "%s%s", name[t->where], t->path ? t->path : "");
}

static void add_kernel(json_t *argv, const struct config *c)
{
	char *p = double_commas(c->kernel.path);

	add(argv, "--kernel", "%s", p ? p : "");
	free(p);
	if (c->initrd.path)
		add(argv, "--initrd", "%s", c->initrd.path);
	if (c->dtb.path)
		add(argv, "--dtb", "%s", c->dtb.path);
	if (c->append)
		add(argv, "--append", "%s", c->append);
}

json_t *inspect_command(const struct config *c)
{
	json_t *argv = json_array();

	json_array_append_new(argv, json_string("pome"));
	json_array_append_new(argv, json_string("run"));
	if (c->board && c->board->firmware.rom)
		add(argv, "--machine", "%s", c->board->name);
	if (c->vars.path)
		add(argv, "--efi-vars", "%s", c->vars.path);
	if (c->kernel.path)
		add_kernel(argv, c);
	else if (c->firmware.path && c->firmware.from_bundle)
		add(argv, "--firmware", "%s", c->firmware.path);
	else if (c->firmware_builtin)
		add(argv, "--firmware", "builtin");
	if (c->id.has_ecid)
		add(argv, "--ecid", "0x%016llx",
		    (unsigned long long)c->id.ecid);
	if (c->cpus)
		add(argv, "--cpus", "%u", c->cpus);
	if (c->ram)
		add(argv, "--memory", "%lluM",
		    (unsigned long long)(c->ram >> 20));
	for (int i = 0; i < c->ndisks; i++)
		add_disk(argv, &c->disk[i]);
	for (int i = 0; i < c->nnets; i++)
		add_net(argv, &c->net[i]);
	if (c->serial.where != CFG_TTY_STDIO && c->serial.where != CFG_TTY_NONE)
		add_tty(argv, "--serial", &c->serial);
	if (c->console.where != CFG_TTY_NONE)
		add_tty(argv, "--console", &c->console);
	return argv;
}
