/* Parallels .macvm bundles: best effort, for the common case of one plain
 * image. bundles.md section 2.7. */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle_int.h"

#define BLOB_MAX 4096
#define XML_MAX (1u << 20)

/* ---- plain XML as a tree: elements with children are dictionaries, where a
 * name may come several times, the others text --------------------------------- */

struct xml {
	XML_Parser p;
	struct node *top, *open[NODE_DEPTH + 1];
	char *text;
	size_t len, nodes;
	int depth;
	const char *why;
};

static void stop(struct xml *x, const char *why)
{
	if (!x->why)
		x->why = why;
	XML_StopParser(x->p, XML_FALSE);
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct xml *x = arg;
	struct node *n;

	if (x->why)
		return;
	if (x->depth > NODE_DEPTH - 1 || ++x->nodes > NODE_MAX) {
		stop(x, "too many elements, or nested too deeply");
		return;
	}
	n = node_new(NODE_DICT);
	if (x->depth)
		node_add(x->open[x->depth - 1], name, n);
	else
		x->top = n;
	x->open[x->depth++] = n;
	x->len = 0;
}

static void on_end(void *arg, const XML_Char *name)
{
	struct xml *x = arg;
	struct node *n;

	if (x->why || !x->depth)
		return;
	n = x->open[--x->depth];
	if (!n->len) {
		n->type = NODE_STRING;
		n->text = strndup(x->text, x->len);
		n->len = x->len;
	}
	x->len = 0;
}

static void on_text(void *arg, const XML_Char *s, int n)
{
	struct xml *x = arg;

	if (x->len + (size_t)n > XML_MAX)
		stop(x, "a text that is too long");
	else
		memcpy(x->text + x->len, s, (size_t)n);
	if (!x->why)
		x->len += (size_t)n;
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid,
		       const XML_Char *pubid, int internal)
{
	if (internal)
		stop(arg, "a document type with declarations of its own");
}

static struct node *parse(const char *s, size_t len, struct err *e)
{
	struct xml x = { .text = malloc(XML_MAX) };
	bool ok;

	x.p = XML_ParserCreate(NULL);
	if (!x.text || !x.p || len > XML_MAX * 4) {
		err_set(e, 0, "too large");
		ok = false;
		goto out;
	}
	XML_SetUserData(x.p, &x);
	XML_SetElementHandler(x.p, on_start, on_end);
	XML_SetCharacterDataHandler(x.p, on_text);
	XML_SetStartDoctypeDeclHandler(x.p, on_doctype);
	ok = XML_Parse(x.p, s, (int)len, 1) == XML_STATUS_OK && !x.why;
	if (!ok)
		err_set(e, 0, "line %lu, column %lu: %s",
			XML_GetCurrentLineNumber(x.p),
			XML_GetCurrentColumnNumber(x.p) + 1, x.why ? x.why :
			XML_ErrorString(XML_GetErrorCode(x.p)));
out:
	if (x.p)
		XML_ParserFree(x.p);
	free(x.text);
	if (ok)
		return x.top;
	node_free(x.top);
	return NULL;
}

/* ---- the machine ------------------------------------------------------------- */

static const char *text(struct bundle *b, struct node *o, const char *key)
{
	return get_str(b, o, key, OPTIONAL);
}

/* Numbers are texts here; made numbers for the usual checks. */
static void to_number(struct node *o, const char *key)
{
	struct node *n = node_find(o, key);
	char *end;
	unsigned long long v;

	if (!n || n->type != NODE_STRING || n->len > 18)
		return;
	v = strtoull(n->text, &end, 10);
	if (end == n->text || *end)
		return;
	n->type = NODE_INT;
	n->num = v;
}

static bool enabled(struct bundle *b, struct node *o)
{
	const char *s = text(b, o, "Enabled");

	return !s || strcmp(s, "0");
}

/* A .hdd directory: which of its images is the disk? */
static char *plain_image(struct bundle *b, struct node *at, const char *hdd)
{
	struct node *d, *storage, *image = NULL;
	const char *type, *file;
	char *name, *path = NULL, *xml;
	struct err e;
	size_t len;
	int n = 0;

	if (asprintf(&name, "%s/DiskDescriptor.xml", hdd) < 0)
		return NULL;
	xml = file_read(b, name, XML_MAX, &len);
	d = xml ? parse(xml, len, &e) : NULL;
	if (!d) {
		note_at(b, NOTE_ERROR, xml ? "bad-plist" : "file-missing", at,
			"SystemName", "%.200s: %s", name, xml ? e.msg :
			"not there");
		goto out;
	}
	storage = node_find(node_find(d, "StorageData"), "Storage");
	for (struct node *k = storage ? storage->child : NULL; k; k = k->next)
		if (!strcmp(k->name, "Image")) {
			image = k;
			n++;
		}
	type = image ? text(b, image, "Type") : NULL;
	file = image ? text(b, image, "File") : NULL;
	if (n > 1)
		refuse_at(b, "disk-format", at, "SystemName", "%.120s has "
			  "snapshots, %d images on top of each other (merge "
			  "them on the Mac: delete the snapshots, or "
			  "prl_disk_tool merge --hdd %.120s)", hdd, n, hdd);
	else if (!type || !file)
		note_at(b, NOTE_ERROR, "missing-key", at, "SystemName",
			"%.120s: no image with a type and a file", name);
	else if (strcmp(type, "Plain"))
		refuse_at(b, "disk-format", at, "SystemName", "%.120s is an "
			  "expanding image (convert it to plain on the Mac: "
			  "prl_disk_tool convert --plain --hdd %.120s)", hdd,
			  hdd);
	else
		path = file_inside(b, at, "SystemName", hdd, file);
out:
	node_free(d);
	free(xml);
	free(name);
	return path;
}

static void read_hdd(struct bundle *b, struct node *h)
{
	const char *name = text(b, h, "SystemName");
	struct bvm_disk *d;
	char *path, *descriptor;
	bool hdd;

	if (!enabled(b, h) || !name) {
		node_ignore_all(h, "switched off, or without a file");
		return;
	}
	if (asprintf(&descriptor, "%s/DiskDescriptor.xml", name) < 0)
		return;
	path = file_maybe(b, NULL, descriptor);
	hdd = path != NULL;
	free(path);
	free(descriptor);
	path = hdd ? plain_image(b, h, name) :
	       file_inside(b, h, "SystemName", NULL, name);
	d = path ? vm_disk(b, h, path, false) : NULL;
	if (d)
		node_ignore(h, "Size", "the image has its own size");
}

/* Its MAC address comes without colons. */
static void read_nic(struct bundle *b, struct node *a)
{
	const char *s = text(b, a, "MAC");
	struct bvm_nic *n;
	char mac[18] = "";

	if (!enabled(b, a)) {
		node_ignore_all(a, "switched off");
		return;
	}
	n = vm_nic(b, a);
	if (!n || !s)
		return;
	if (strlen(s) == 12)
		for (int i = 0; i < 6; i++)
			snprintf(mac + 3 * i, sizeof(mac) - 3 * (size_t)i,
				 "%.2s%s", s + 2 * i, i < 5 ? ":" : "");
	if (!*mac || config_mac(mac, n->mac))
		note_at(b, NOTE_ERROR, "bad-value", a, "MAC", "'%.40s' is no "
			"unicast MAC address; expected twelve hex digits", s);
	else
		n->has_mac = true;
}

static void read_blob(struct bundle *b, const char *name,
		      void (*use)(struct bundle *, const struct node *,
				  const char *, const void *, size_t))
{
	size_t len;
	void *p = file_read(b, name, BLOB_MAX, &len);

	if (p)
		use(b, NULL, name, p, len);
	else
		bundle_note(b, NOTE_ERROR, "file-missing", name, "%s: the file "
			    "is not there; a macOS guest needs it", name);
	free(p);
}

void bundle_parallels(struct bundle *b, const char *s, size_t len)
{
	struct err e;
	struct node *o = b->settings = parse(s, len, &e), *hw, *id, *k;

	b->vm.arch = "aarch64";
	b->vm.guest = "macos";
	b->vm.boot = BVM_BOOT_ROM;
	if (!o || o->type != NODE_DICT) {
		bundle_note(b, NOTE_ERROR, "bad-plist", NULL, "%s: %s", b->file,
			    o ? "no elements in it" : e.msg);
		return;
	}
	id = get_dict(b, o, "Identification", OPTIONAL);
	if (id) {
		vm_text(b, id, "VmName", &b->vm.name, OPTIONAL);
		vm_text(b, id, "VmUuid", &b->vm.uuid, OPTIONAL);
	}
	hw = get_dict(b, o, "Hardware", REQUIRED);
	if (!hw)
		return;
	k = get_dict(b, hw, "Cpu", REQUIRED);
	to_number(k, "Number");
	if (k)
		vm_cpus(b, k, "Number", REQUIRED, false);
	k = get_dict(b, hw, "Memory", REQUIRED);
	to_number(k, "RAM");
	if (k)
		vm_ram(b, k, "RAM", MIB);
	for (k = hw->child; k; k = k->next) {
		if (k->type != NODE_DICT)
			continue;
		if (k->use == NODE_UNREAD && (!strcmp(k->name, "Hdd") ||
					      !strcmp(k->name,
						      "NetworkAdapter")))
			k->use = NODE_HONOURED;
		if (!strcmp(k->name, "Hdd"))
			read_hdd(b, k);
		else if (!strcmp(k->name, "NetworkAdapter"))
			read_nic(b, k);
	}
	if (bundle_verdict(b) > VERDICT_WARN)
		return;                 /* its disk is what matters */
	bundle_note(b, NOTE_WARN, "format-best-effort", NULL, "%s: a Parallels "
		    "machine; its format is known in parts only (keep a copy)",
		    b->file);
	read_blob(b, "machw.bin", vm_model);
	read_blob(b, "macid.bin", vm_ecid);
	vm_aux(b, NULL, "aux.bin", file_inside(b, NULL, "aux.bin", NULL,
					       "aux.bin"));
}
