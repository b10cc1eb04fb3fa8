/* pome inspect on Apple's containers: auxiliary stores, IMG4, IM4P, IM4M, Apple
 * device trees, NVRAM banks (spec/vmapple.md sections 8.2 to 8.5, 8.8). One
 * JSON object holds what was found; for a person its lines are printed. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "adt.h"
#include "cli.h"
#include "config.h"
#include "img4.h"
#include "lzfse.h"
#include "macho.h"
#include "nvram.h"

#define AUX_SIZE (32u << 20)
#define WRAPPER 0x4000u
#define FILE_MAX (1ull << 30)
#define MAX_OBJECTS 64
#define MAX_PROPS 2000                  /* of a device tree that are shown */

static json_t *text(const uint8_t *p, size_t n)
{
	char buf[160];
	size_t i;

	for (i = 0; i < n && i < sizeof(buf) - 1; i++)
		buf[i] = p[i] < 0x20 || p[i] > 0x7e ? '.' : (char)p[i];
	buf[i] = 0;
	return json_string(buf);
}

static json_t *hex(uint64_t v)
{
	return json_sprintf("0x%llx", (unsigned long long)v);
}

static json_t *bytes(const uint8_t *p, size_t n)
{
	char buf[2 * 48 + 4] = "";
	size_t shown = n < 48 ? n : 48;

	for (size_t i = 0; i < shown; i++)
		snprintf(buf + 2 * i, 3, "%02x", p[i]);
	if (shown < n)
		strcat(buf, "...");
	return json_string(buf);
}

static json_t *name_of(uint32_t fourcc)
{
	char name[5];

	img4_name(fourcc, name);
	return json_string(name);
}

/* ---- IMG4 ---------------------------------------------------------------- */

static json_t *value_json(const struct der_tlv *t)
{
	uint64_t u;
	bool b;

	if (!der_uint(t, &u))
		return hex(u);
	if (der_type(t, DER_BOOLEAN) && !der_bool(t, &b))
		return json_boolean(b);
	if (der_type(t, DER_IA5))
		return text(t->body.p, t->body.n);
	return bytes(t->body.p, t->body.n);
}

static json_t *props_json(struct der set)
{
	json_t *o = json_object();
	struct der_tlv value;
	uint32_t name;
	char key[5];

	while (img4_next_prop(&set, &name, &value)) {
		img4_name(name, key);
		json_object_set_new(o, key, value_json(&value));
	}
	return o;
}

static json_t *groups_json(struct der groups)
{
	json_t *o = json_object();
	struct der props;
	uint32_t name;
	char key[5];

	while (img4_next_group(&groups, &name, &props)) {
		img4_name(name, key);
		json_object_set_new(o, key, props_json(props));
	}
	return o;
}

/* What the payload unpacks to, and what is in that; NULL: well. */
static const char *unpack(const struct im4p *p, json_t *o)
{
	static const char *const packing[] = { "none", "lzfse", "lzss" };
	struct lzfse_work *w;
	const char *bad = NULL;
	uint64_t size = p->data.n;
	uint8_t *plain;
	size_t got = 0;

	json_object_set_new(o, "packing", json_string(packing[p->packing]));
	if (p->encrypted || p->packing == IMG4_PLAIN)
		return NULL;
	if (p->packing == IMG4_LZSS)
		size = lzss_size(p->data.p);
	else
		bad = lzfse_size(p->data.p, p->data.n, &size);
	if (bad || !size || size > FILE_MAX)
		return bad ? bad : "its unpacked size is out of range";
	json_object_set_new(o, "unpacked", json_integer((json_int_t)size));
	plain = malloc(size);
	w = malloc(sizeof(*w));
	if (!plain || !w)
		bad = "out of memory";
	else if (p->packing == IMG4_LZSS)
		bad = lzss_decode(p->data.p, p->data.n, plain, size, &got,
				  NULL);
	else
		bad = lzfse_decode(w, p->data.p, p->data.n, plain, size, &got,
				   NULL);
	if (!bad && p->sized && p->plain_size != size)
		bad = "the container says another size than the payload";
	if (!bad && macho_is(plain, got))
		json_object_set_new(o, "holds", json_string("Mach-O"));
	free(w);
	free(plain);
	return bad;
}

static bool payload_json(const struct im4p *p, json_t *o)
{
	const char *bad;

	json_object_set_new(o, "type", name_of(p->type));
	json_object_set_new(o, "version", text(p->version.p, p->version.n));
	json_object_set_new(o, "payload", json_integer((json_int_t)p->data.n));
	json_object_set_new(o, "encrypted", json_boolean(p->encrypted));
	if (p->has_props)
		json_object_set_new(o, "properties", props_json(p->props));
	bad = unpack(p, o);
	json_object_set_new(o, "unpacks", bad ? json_string(bad) :
						json_string("ok"));
	return !bad;
}

/* No machine is asked about: what the manifest says of one is shown above. */
static bool checks_json(const struct img4_report *r, json_t *o)
{
	static const char *const state[] = { "ok", "failed", "not checked" };
	json_t *all = json_object();

	for (unsigned i = 0; i < r->n; i++) {
		const struct img4_check *c = &r->check[i];

		json_object_set_new(all, c->name, json_sprintf("%s%s%s",
				    state[c->state], c->why ? ": " : "",
				    c->why ? c->why : ""));
	}
	if (r->leaf.modulus) {
		json_object_set_new(o, "signer", text(r->leaf.subject.p,
						      r->leaf.subject.n));
		json_object_set_new(o, "issuer", text(r->leaf.issuer.p,
						      r->leaf.issuer.n));
	}
	json_object_set_new(o, "checks", all);
	return r->good;
}

static bool img4_json(const struct img4 *img, json_t *o)
{
	struct img4_report r;
	bool good = payload_json(&img->p, o);

	if (!img->has_manifest) {
		json_object_set_new(o, "manifest", json_string("none"));
		return good;
	}
	json_object_set_new(o, "manifest", groups_json(img->m.groups));
	if (img->has_restore)
		json_object_set_new(o, "nonce", bytes(img->nonce.p,
						      img->nonce.n));
	img4_check(img, NULL, &r);
	return checks_json(&r, o) && good;
}

static bool manifest_json(const struct im4m *m, json_t *o)
{
	struct img4_report r;

	json_object_set_new(o, "manifest", groups_json(m->groups));
	im4m_check(m, NULL, &r);
	return checks_json(&r, o);
}

/* Which container begins at p? NULL: none, or *bad says why it is not sound. */
static json_t *container(const uint8_t *p, size_t n, size_t *len, bool *good,
			 const char **bad)
{
	const char *name = NULL;
	json_t *o;
	struct img4 img;

	*bad = NULL;
	for (unsigned head = 2; head <= 6 && !name; head++)
		if (n > head + 6 && p[head] == 0x16 && p[head + 1] == 4)
			name = !memcmp(p + head + 2, "IMG4", 4) ? "img4" :
			       !memcmp(p + head + 2, "IM4P", 4) ? "im4p" :
			       !memcmp(p + head + 2, "IM4M", 4) ? "im4m" : NULL;
	if (!name || p[0] != 0x30)
		return NULL;
	memset(&img, 0, sizeof(img));
	*bad = !strcmp(name, "img4") ? img4_parse(p, n, &img) :
	       !strcmp(name, "im4p") ? im4p_parse(p, n, &img.p) :
				       im4m_parse(p, n, &img.m);
	if (*bad)
		return NULL;
	*len = img.len ? img.len : img.p.raw_len ? img.p.raw_len :
						   img.m.raw_len;
	o = json_object();
	json_object_set_new(o, "format", json_string(name));
	json_object_set_new(o, "bytes", json_integer((json_int_t)*len));
	*good = img.len ? img4_json(&img, o) :
		img.p.raw_len ? payload_json(&img.p, o) :
				manifest_json(&img.m, o);
	return o;
}

/* ---- NVRAM ----------------------------------------------------------------- */

static json_t *nvram_json(const struct nvram *b)
{
	json_t *o = json_object(), *vars = json_object();
	struct nvram_walk w = { 0 };
	struct nvram_var v;
	char name[80];

	while (nvram_next(b, &w, &v)) {
		snprintf(name, sizeof(name), "%.*s", (int)(v.name_len < 64 ?
			 v.name_len : 64), (const char *)v.name);
		for (char *p = name; *p; p++)
			if (*p < 0x20 || *p > 0x7e)
				*p = '.';
		json_object_set_new(vars, name, text(v.value, v.value_len));
	}
	json_object_set_new(o, "format", json_string(b->v3 ? "nvram-v3" :
						     "nvram-chrp"));
	json_object_set_new(o, "bytes", json_integer((json_int_t)b->size));
	json_object_set_new(o, "generation", json_integer(b->generation));
	json_object_set_new(o, "variables", vars);
	return o;
}

/* ---- device trees ------------------------------------------------------------ */

static json_t *node_json(const struct adt *t, size_t node, unsigned *left)
{
	json_t *o = json_object(), *kids;
	char name[ADT_NAME + 1];
	uint32_t len, i = 0;
	size_t child = 0;
	bool flag, printable;
	uint8_t *v;

	for (uint32_t k = 0; *left && adt_nth_prop(t, node, k, name, &v, &len,
						   &flag); k++, --*left) {
		printable = len > 1 && !v[len - 1];
		for (uint32_t j = 0; j + 1 < len && printable; j++)
			printable = v[j] >= 0x20 && v[j] < 0x7f;
		for (char *p = name; *p; p++)
			if (*p < 0x20 || *p > 0x7e)
				*p = '.';
		json_object_set_new(o, name, printable ? text(v, len - 1) :
							 bytes(v, len));
	}
	if (!adt_child(t, node, &i, &child))
		return o;
	kids = json_array();
	do
		json_array_append_new(kids, node_json(t, child, left));
	while (*left && adt_child(t, node, &i, &child));
	json_object_set_new(o, "children", kids);
	return o;
}

static json_t *tree_json(const uint8_t *p, size_t used)
{
	struct adt t = { (uint8_t *)p, used, used };
	unsigned left = MAX_PROPS;
	json_t *o = json_object();

	json_object_set_new(o, "format", json_string("apple-devicetree"));
	json_object_set_new(o, "bytes", json_integer((json_int_t)used));
	json_object_set_new(o, "tree", node_json(&t, 0, &left));
	return o;
}

/* A tree fills its file, and its first property is one that roots have. */
static bool is_tree(const uint8_t *p, size_t n, size_t *used)
{
	struct adt t = { (uint8_t *)p, n, n };
	uint32_t len;

	return n >= 44 && !adt_check(p, n, used) && n - *used < 16384 &&
	       (adt_prop(&t, 0, "compatible", &len) ||
		adt_prop(&t, 0, "name", &len));
}

/* ---- auxiliary stores ---------------------------------------------------------- */

static void aux_nvram(const uint8_t *p, size_t n, json_t *all, bool *good)
{
	for (size_t at = 0; at < n; at += NVRAM_STEP) {
		size_t room = n - at < NVRAM_STEP ? n - at : NVRAM_STEP;
		struct nvram b;
		const char *bad;
		json_t *o;

		if (!nvram_is(p + at, room))
			continue;
		bad = nvram_parse(p + at, room, &b);
		o = bad ? json_pack("{s:s}", "malformed", bad) :
			  nvram_json(&b);
		*good = *good && !bad;
		json_object_set_new(o, "offset", hex(at));
		json_array_append_new(all, o);
	}
}

static void aux_containers(const uint8_t *p, size_t n, json_t *all,
			   bool *good)
{
	for (size_t at = 0; at < n && json_array_size(all) < MAX_OBJECTS;) {
		const uint8_t *hit = memmem(p + at, n - at, "\x16\4IM", 4);
		size_t here, len = 0;
		const char *bad = NULL;
		json_t *o = NULL;
		bool fine = true;

		if (!hit)
			return;
		here = (size_t)(hit - p);
		at = here + 4;
		for (size_t head = 6; head >= 2 && !o && !bad; head--)
			if (here >= head && p[here - head] == 0x30 &&
			    (head == 2 ? p[here - 1] < 128 :
			     p[here - head + 1] == 0x80 + head - 2)) {
				o = container(p + here - head,
					      n - here + head, &len, &fine,
					      &bad);
				if (o)
					at = here - head + len;
				here -= head;
			}
		if (bad)
			o = json_pack("{s:s}", "malformed", bad);
		if (!o)
			continue;
		*good = *good && fine && !bad;
		json_object_set_new(o, "offset", hex(here));
		json_array_append_new(all, o);
	}
}

static json_t *aux_json(const uint8_t *p, size_t n, bool *good)
{
	bool wrapped = n % AUX_SIZE == WRAPPER;
	json_t *o = json_object(), *all = json_array();

	if (wrapped) {
		p += WRAPPER;
		n -= WRAPPER;
	}
	aux_nvram(p, n, all, good);
	aux_containers(p, n, all, good);
	json_object_set_new(o, "format", json_string("apple-aux"));
	json_object_set_new(o, "wrapped", json_boolean(wrapped));
	json_object_set_new(o, "payload", json_integer((json_int_t)n));
	json_object_set_new(o, "objects", all);
	return o;
}

/* A store has a store's size and something in it that belongs there, or is
 * blank. */
static bool is_aux(const uint8_t *p, size_t n)
{
	return n >= AUX_SIZE && n < AUX_SIZE + 2 * WRAPPER &&
	       (n == AUX_SIZE || n % AUX_SIZE == WRAPPER);
}

/* ---- printing ---------------------------------------------------------------------- */

static void print(const json_t *v, const char *key, int depth)
{
	const char *k;
	json_t *x;
	size_t i;

	printf("%*s%s", 2 * depth, "", key);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		putchar('\n');
		json_object_foreach((json_t *)v, k, x)
			print(x, k, depth + 1);
		break;
	case JSON_ARRAY:
		putchar('\n');
		json_array_foreach(v, i, x)
			print(x, "-", depth + 1);
		break;
	case JSON_STRING: printf(": %s\n", json_string_value(v)); break;
	case JSON_INTEGER:
		printf(": %lld\n", (long long)json_integer_value(v));
		break;
	default: printf(": %s\n", json_is_true(v) ? "yes" : "no"); break;
	}
}

static void show(const json_t *o, bool json)
{
	const char *k;
	json_t *x;

	if (json) {
		json_dumpf(o, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
		putchar('\n');
		return;
	}
	json_object_foreach((json_t *)o, k, x)
		print(x, k, 0);
}

static json_t *look(const uint8_t *p, size_t n, bool *good)
{
	const char *bad;
	struct nvram b;
	json_t *o;
	size_t len;

	*good = true;
	o = container(p, n, &len, good, &bad);
	if (bad) {
		*good = false;
		return json_pack("{s:s,s:s}", "format", "img4", "malformed",
				 bad);
	}
	if (o)
		return o;
	if (is_aux(p, n))
		return aux_json(p, n, good);
	if (nvram_is(p, n)) {
		bad = nvram_parse(p, n, &b);
		*good = !bad;
		return bad ? json_pack("{s:s,s:s}", "format", "nvram",
				       "malformed", bad) : nvram_json(&b);
	}
	return is_tree(p, n, &len) ? tree_json(p, len) : NULL;
}

bool inspect_apple(const char *path, bool json, struct result *r)
{
	uint64_t size = 0;
	struct err e;
	int fd = config_open_file(path, O_RDONLY, false, "an image", &size,
				  &e);
	uint8_t *p;
	json_t *o = NULL;
	bool good = true;

	if (fd < 0)
		return false;
	p = size && size <= FILE_MAX ? mmap(NULL, size, PROT_READ, MAP_PRIVATE,
					    fd, 0) : MAP_FAILED;
	if (p != MAP_FAILED) {
		o = look(p, size, &good);
		munmap(p, size);
	}
	close(fd);
	if (!o)
		return false;
	json_object_set_new(o, "verdict", json_string(good ? "ok" :
						      "malformed"));
	show(o, json);
	json_decref(o);
	r->what = good ? OUT_OK : OUT_REFUSED;
	return true;
}
