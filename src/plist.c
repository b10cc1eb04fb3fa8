/* Property lists as trees. libplist reads them; what it would do without a
 * limit is checked before it starts (bundles.md section 7): nesting, number
 * and size of objects as they are once shared ones are written out, document
 * types, entities. expat walks the XML form, so that a fault has its line. */
#include <ctype.h>
#include <expat.h>
#include <plist/plist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

#define BYTES_MAX (8u << 20)            /* of all objects together */

/* ---- the XML form ---------------------------------------------------------- */

struct xml {
	XML_Parser p;
	struct err *e;
	int depth;
	size_t nodes;
	char open[NODE_DEPTH + 4];      /* letters of open elements */
	bool value[NODE_DEPTH + 4];     /* of a dict: a key waits for one */
	char text[64];                  /* of the element that is open */
	size_t len;
	bool odd;                       /* text that its element cannot have */
	bool bad;
};

static const char *const elements[] = { "plist", "dict", "array", "key",
					"string", "integer", "real", "true",
					"false", "data", "date", NULL };

static void fault(struct xml *x, const char *what, const char *more)
{
	if (x->bad)
		return;
	x->bad = true;
	err_set(x->e, 0, "line %lu, column %lu: %s%.40s",
		XML_GetCurrentLineNumber(x->p),
		XML_GetCurrentColumnNumber(x->p) + 1, what, more);
	XML_StopParser(x->p, XML_FALSE);
}

static bool container(char c)
{
	return c == 'p' || c == 'd' || c == 'a';
}

static int element(const char *name)
{
	for (int i = 0; elements[i]; i++)
		if (!strcmp(elements[i], name))
			return i;
	return -1;
}

/* One letter that tells what may be in an element: p d a, k for keys, i, b for
 * base64, and s for the rest. */
static char letter(int el)
{
	return "pdaksisssbs"[el];
}

/* Keys and values take turns in a dictionary, and are nowhere else: libplist
 * ends the program where they do not. */
static bool misplaced(struct xml *x, char kind)
{
	char in = x->depth ? x->open[x->depth - 1] : 0;
	bool *value = x->depth ? &x->value[x->depth - 1] : NULL;

	if (in == 'd') {
		if ((kind == 'k') == *value)
			return true;
		*value = !*value;
	} else if (kind == 'k') {
		return true;
	} else if (in == 'p') {
		if (*value)
			return true;    /* a second value at the top */
		*value = true;
	}
	return false;
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **atts)
{
	struct xml *x = arg;
	int el = element(name);

	if (x->bad)
		return;
	if (el < 0) {
		fault(x, "not an element of a property list: ", name);
	} else if ((x->depth == 0) != (el == 0)) {
		fault(x, "expected the element plist at the top, and there "
		      "only; found ", name);
	} else if (x->depth && !container(x->open[x->depth - 1])) {
		fault(x, "an element inside of text: ", name);
	} else if (x->depth > NODE_DEPTH) {
		fault(x, "nested too deeply", "");
	} else if (++x->nodes > NODE_MAX) {
		fault(x, "too many values", "");
	} else if (misplaced(x, letter(el))) {
		fault(x, "keys and values do not take turns at ", name);
	} else {
		x->value[x->depth] = false;
		x->open[x->depth++] = letter(el);
		x->len = 0;
		x->odd = false;
	}
}

static bool number_ok(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	if (*s == '-' || *s == '+')
		s++;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		s += 2;
		if (!isxdigit((unsigned char)*s))
			return false;
		while (isxdigit((unsigned char)*s))
			s++;
	} else {
		if (!isdigit((unsigned char)*s))
			return false;
		while (isdigit((unsigned char)*s))
			s++;
	}
	while (isspace((unsigned char)*s))
		s++;
	return !*s;
}

static void on_end(void *arg, const XML_Char *name)
{
	struct xml *x = arg;
	char kind;

	if (x->bad || !x->depth)
		return;
	kind = x->open[--x->depth];
	x->text[x->len < sizeof(x->text) ? x->len : sizeof(x->text) - 1] = 0;
	if (kind == 'd' && x->value[x->depth])
		fault(x, "a key without a value", "");
	else if (kind == 'i' && (x->len >= sizeof(x->text) || !number_ok(x->text)))
		fault(x, "not a whole number: ", x->text);
	else if (kind == 'b' && (x->odd || x->len % 4))
		fault(x, "not base64 in data", "");
	x->len = 0;
	x->odd = false;
}

static void on_text(void *arg, const XML_Char *s, int n)
{
	struct xml *x = arg;
	char kind = x->depth ? x->open[x->depth - 1] : 'p';

	if (x->bad)
		return;
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		bool blank = c < 0x80 && isspace(c);

		if (container(kind) && !blank) {
			fault(x, "text where an element belongs", "");
			return;
		}
		if (kind == 'b') {
			/* Digits, and padding that nothing follows. */
			if (blank)
				continue;
			if (c == '=' && x->len % 4 >= 2)
				x->text[0] = '=';
			else if (c >= 0x80 || x->text[0] == '=' ||
				 !(isalnum(c) || c == '+' || c == '/'))
				x->odd = true;
			else
				x->text[0] = 'x';
			x->len++;
		} else if (kind == 'i') {
			if (x->len < sizeof(x->text) - 1)
				x->text[x->len] = (char)c;
			x->len++;
		}
	}
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid,
		       const XML_Char *pubid, int internal)
{
	if (internal)
		fault(arg, "a document type with declarations of its own; "
		      "entities are not taken from a bundle", "");
}

static void on_entity(void *arg, const XML_Char *name, int param,
		      const XML_Char *value, int len, const XML_Char *base,
		      const XML_Char *sysid, const XML_Char *pubid,
		      const XML_Char *notation)
{
	fault(arg, "an entity is declared: ", name);
}

static void on_skipped(void *arg, const XML_Char *name, int param)
{
	fault(arg, "an unknown entity: ", name);
}

static int check_xml(const char *s, size_t len, struct err *e)
{
	struct xml x = { .e = e };
	enum XML_Status st;

	/* Our copy is UTF-8 whatever its head says. */
	x.p = XML_ParserCreate("UTF-8");
	if (!x.p)
		return err_set(e, 0, "out of memory");
	XML_SetUserData(x.p, &x);
	XML_SetElementHandler(x.p, on_start, on_end);
	XML_SetCharacterDataHandler(x.p, on_text);
	XML_SetStartDoctypeDeclHandler(x.p, on_doctype);
	XML_SetEntityDeclHandler(x.p, on_entity);
	XML_SetSkippedEntityHandler(x.p, on_skipped);
	st = XML_Parse(x.p, s, (int)len, 1);
	if (st != XML_STATUS_OK && !x.bad) {
		err_set(e, 0, "line %lu, column %lu: %s",
			XML_GetCurrentLineNumber(x.p),
			XML_GetCurrentColumnNumber(x.p) + 1,
			XML_ErrorString(XML_GetErrorCode(x.p)));
		x.bad = true;
	}
	XML_ParserFree(x.p);
	return x.bad ? -1 : 0;
}

/* ---- the binary form -------------------------------------------------------- */

struct bin {
	const uint8_t *d;
	size_t size;                    /* of objects and offsets */
	size_t table;
	unsigned off_size, ref_size;
	size_t n, top;
	struct { uint32_t nodes, bytes; uint8_t state, height; } *seen;
	struct err *e;
};

static uint64_t be(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static int bin_fault(struct bin *b, size_t at, const char *what)
{
	return err_set(b->e, 0, "byte offset %zu: %s", at, what);
}

/* The count in an object's marker, or in the integer that follows; *at moves
 * to the contents. */
static int bin_count(struct bin *b, size_t *at, uint64_t *count)
{
	unsigned low = b->d[*at] & 15, w;

	(*at)++;
	*count = low;
	if (low != 15)
		return 0;
	if (*at >= b->table || b->d[*at] >> 4 != 1 || (b->d[*at] & 15) > 3)
		return bin_fault(b, *at, "a count that is no number");
	w = 1u << (b->d[*at] & 15);
	if (w > b->table - *at - 1)
		return bin_fault(b, *at, "a count that is cut short");
	*count = be(b->d + *at + 1, w);
	*at += 1 + w;
	return 0;
}

static int bin_object(struct bin *b, size_t i, int depth);

/* Is an object that bin_object has passed plain ASCII, as every key is? */
static bool bin_is_key(struct bin *b, size_t i)
{
	size_t at = (size_t)be(b->d + b->table + i * b->off_size, b->off_size);
	uint64_t n;

	if (b->d[at] >> 4 != 5 || bin_count(b, &at, &n))
		return false;
	for (; n; n--, at++)
		if (!b->d[at] || b->d[at] >= 0x80)
			return false;
	return true;
}

/* The first `keys` of the references must be to keys: libplist ends the program
 * on another kind, and on text that it cannot convert. */
static int bin_refs(struct bin *b, size_t i, size_t at, uint64_t count,
		    uint64_t keys, int depth)
{
	uint64_t nodes = 1, bytes = 0;
	uint8_t height = 0;

	if (count > (b->table - at) / b->ref_size)
		return bin_fault(b, at, "a collection that is cut short");
	for (uint64_t k = 0; k < count; k++) {
		uint64_t ref = be(b->d + at + k * b->ref_size, b->ref_size);

		if (ref >= b->n)
			return bin_fault(b, at + k * b->ref_size,
					 "a reference out of range");
		if (bin_object(b, (size_t)ref, depth + 1))
			return -1;
		if (k < keys && !bin_is_key(b, (size_t)ref))
			return bin_fault(b, at + k * b->ref_size,
					 "a key that is no ASCII text");
		if (b->seen[ref].height > height)
			height = b->seen[ref].height;
		nodes += b->seen[ref].nodes;
		bytes += b->seen[ref].bytes;
		if (nodes > NODE_MAX || bytes > BYTES_MAX)
			return bin_fault(b, at, "too many values, or too large "
					 "ones");
	}
	b->seen[i].nodes = (uint32_t)nodes;
	b->seen[i].bytes = (uint32_t)bytes;
	b->seen[i].height = height + 1;
	return 0;
}

static int bin_scalar(struct bin *b, size_t i, size_t at)
{
	unsigned kind = b->d[at] >> 4, low = b->d[at] & 15;
	uint64_t n = 0;
	size_t from = at;

	switch (kind) {
	case 0:                         /* null, false, true */
		if (low && low != 8 && low != 9)
			return bin_fault(b, at, "an unknown kind of object");
		at++;
		break;
	case 1: case 2:                 /* integer, real: 2^low bytes */
		if (low > 4 || (kind == 2 && (low < 2 || low > 3)))
			return bin_fault(b, at, "a number of unknown width");
		n = 1u << low;
		at++;
		if (n == 16 && n <= b->table - at && be(b->d + at, 8))
			return bin_fault(b, from, "a number wider than 64 "
					 "bits");
		break;
	case 3:
		if (low != 3)
			return bin_fault(b, at, "a date of unknown width");
		n = 8;
		at++;
		break;
	case 4: case 5:
		if (bin_count(b, &at, &n))
			return -1;
		break;
	case 6:
		if (bin_count(b, &at, &n))
			return -1;
		if (n > UINT32_MAX)
			return bin_fault(b, from, "text that is cut short");
		n *= 2;
		break;
	case 8:
		n = low + 1;
		at++;
		break;
	default:
		return bin_fault(b, at, "an unknown kind of object");
	}
	if (n > b->table - at)
		return bin_fault(b, from, "an object that is cut short");
	if (n > BYTES_MAX)
		return bin_fault(b, from, "an object that is too large");
	b->seen[i].nodes = 1;
	b->seen[i].bytes = (uint32_t)n * 2;
	return 0;
}

/* Sizes of object i with all it refers to; each is looked at once. */
static int bin_object(struct bin *b, size_t i, int depth)
{
	uint64_t at64 = be(b->d + b->table + i * b->off_size, b->off_size);
	uint64_t count;
	size_t at;
	int r;

	if (b->seen[i].state == 2 && depth + b->seen[i].height <= NODE_DEPTH)
		return 0;
	if (at64 < 8 || at64 >= b->table)
		return bin_fault(b, b->table + i * b->off_size, "an offset "
				 "outside of the objects");
	at = (size_t)at64;
	if (b->seen[i].state == 1)
		return bin_fault(b, at, "a collection that contains itself");
	if (depth > NODE_DEPTH || b->seen[i].state == 2)
		return bin_fault(b, at, "nested too deeply");
	b->seen[i].state = 1;
	switch (b->d[at] >> 4) {
	case 10: case 12:               /* array, set */
		r = bin_count(b, &at, &count);
		r = r ? r : bin_refs(b, i, at, count, 0, depth);
		break;
	case 13:
		r = bin_count(b, &at, &count);
		if (!r && count > UINT32_MAX)
			r = bin_fault(b, at, "a collection that is cut short");
		r = r ? r : bin_refs(b, i, at, count * 2, count, depth);
		break;
	default:
		r = bin_scalar(b, i, at);
		break;
	}
	b->seen[i].state = 2;
	return r;
}

static int check_bin(const uint8_t *d, size_t len, struct err *e)
{
	struct bin b = { .d = d, .e = e };
	const uint8_t *t;
	uint64_t n, top, table;
	int r;

	if (len < 8 + 32 + 2)
		return err_set(e, 0, "cut short: %zu bytes", len);
	t = d + len - 32;
	if (memcmp(d, "bplist0", 7))
		return err_set(e, 0, "a binary property list of an unknown "
			       "version");
	b.off_size = t[6];
	b.ref_size = t[7];
	n = be(t + 8, 8);
	top = be(t + 16, 8);
	table = be(t + 24, 8);
	if (b.off_size < 1 || b.off_size > 8 || b.ref_size < 1 ||
	    b.ref_size > 8)
		return err_set(e, 0, "byte offset %zu: sizes of offsets and "
			       "references are %u and %u; expected 1 to 8",
			       len - 26, b.off_size, b.ref_size);
	if (table < 9 || table >= len - 32 || !n || top >= n ||
	    n > (len - 32 - table) / b.off_size)
		return err_set(e, 0, "byte offset %zu: the trailer does not "
			       "fit the file", len - 24);
	if (n > NODE_MAX)
		return err_set(e, 0, "%llu objects; at most %d are taken",
			       (unsigned long long)n, NODE_MAX);
	b.n = (size_t)n;
	b.table = (size_t)table;
	b.seen = calloc(b.n, sizeof(b.seen[0]));
	if (!b.seen)
		return err_set(e, 0, "out of memory");
	r = bin_object(&b, (size_t)top, 0);
	free(b.seen);
	return r;
}

/* ---- from libplist's tree to ours -------------------------------------------- */

/* Of a number with the highest bit set. libplist's versions have no common way
 * to ask, but all write the sign. */
static bool below_zero(plist_t p)
{
	char *xml = NULL;
	uint32_t len = 0;
	bool r;

	plist_to_xml(p, &xml, &len);
	r = xml && strstr(xml, "<integer>-");
	free(xml);
	return r;
}

static struct node *convert(plist_t p, int depth)
{
	struct node *n = NULL;
	const char *s;
	uint64_t len = 0;
	uint8_t flag = 0;

	switch (plist_get_node_type(p)) {
	case PLIST_DICT: {
		plist_dict_iter it = NULL;
		plist_t kid = NULL;
		char *key = NULL;

		n = node_new(NODE_DICT);
		plist_dict_new_iter(p, &it);
		for (;;) {
			plist_dict_next_item(p, it, &key, &kid);
			if (!kid)
				break;
			if (depth < NODE_DEPTH && key)
				node_add(n, key, convert(kid, depth + 1));
			free(key);
			key = NULL;
		}
		free(it);
		return n;
	}
	case PLIST_ARRAY: {
		plist_array_iter it = NULL;
		plist_t kid = NULL;

		n = node_new(NODE_ARRAY);
		plist_array_new_iter(p, &it);
		for (;;) {
			plist_array_next_item(p, it, &kid);
			if (!kid)
				break;
			if (depth < NODE_DEPTH)
				node_add(n, NULL, convert(kid, depth + 1));
		}
		free(it);
		return n;
	}
	case PLIST_STRING:
		s = plist_get_string_ptr(p, &len);
		return node_text(NODE_STRING, s ? s : "", s ? len : 0);
	case PLIST_DATA:
		s = plist_get_data_ptr(p, &len);
		return node_text(NODE_DATA, s ? s : "", s ? len : 0);
	case PLIST_BOOLEAN:
		n = node_new(NODE_BOOL);
		plist_get_bool_val(p, &flag);
		n->flag = flag;
		return n;
	case PLIST_UINT:
		n = node_new(NODE_INT);
		plist_get_uint_val(p, &n->num);
		n->negative = n->num > INT64_MAX && below_zero(p);
		if (n->negative)
			n->num = -n->num;
		return n;
	case PLIST_REAL:
		n = node_new(NODE_REAL);
		plist_get_real_val(p, &n->real);
		return n;
	default:
		return node_new(NODE_OTHER);
	}
}

/* UTF-16 with its mark, as text editors of other systems write it. */
static char *from_utf16(const uint8_t *d, size_t len, size_t *out)
{
	bool big = d[0] == 0xfe;
	char *s = malloc(len / 2 * 3 + 1);
	size_t n = 0;

	for (size_t i = 2; s && i + 1 < len; i += 2) {
		uint32_t c = big ? (uint32_t)(d[i] << 8 | d[i + 1]) :
			(uint32_t)(d[i + 1] << 8 | d[i]);

		if ((c & 0xfc00) == 0xd800 && i + 3 < len) {
			uint32_t lo = big ?
				(uint32_t)(d[i + 2] << 8 | d[i + 3]) :
				(uint32_t)(d[i + 3] << 8 | d[i + 2]);

			if ((lo & 0xfc00) == 0xdc00) {
				c = 0x10000 + ((c & 0x3ff) << 10) +
				    (lo & 0x3ff);
				i += 2;
			}
		}
		if (c < 0x80) {
			s[n++] = (char)c;
		} else if (c < 0x800) {
			s[n++] = (char)(0xc0 | c >> 6);
			s[n++] = (char)(0x80 | (c & 63));
		} else if (c < 0x10000) {
			s[n++] = (char)(0xe0 | c >> 12);
			s[n++] = (char)(0x80 | (c >> 6 & 63));
			s[n++] = (char)(0x80 | (c & 63));
		} else {
			s[n++] = (char)(0xf0 | c >> 18);
			s[n++] = (char)(0x80 | (c >> 12 & 63));
			s[n++] = (char)(0x80 | (c >> 6 & 63));
			s[n++] = (char)(0x80 | (c & 63));
		}
	}
	*out = n;
	return s;
}

static struct node *read_xml(const char *s, size_t len, struct err *e)
{
	struct node *n;
	plist_t p = NULL;

	if (check_xml(s, len, e))
		return NULL;
	plist_from_xml(s, (uint32_t)len, &p);
	if (!p) {
		err_set(e, 0, "not a property list");
		return NULL;
	}
	n = convert(p, 0);
	plist_free(p);
	return n;
}

struct node *node_plist_try(const void *data, size_t len, struct err *e)
{
	const uint8_t *d = data;
	const char *s = data;
	struct node *n;
	plist_t p = NULL;
	size_t skip = 0;
	char *utf8;

	if (len > BYTES_MAX) {
		err_set(e, 0, "%zu MiB; at most %u are taken", len >> 20,
			BYTES_MAX >> 20);
		return NULL;
	}
	if (len >= 6 && !memcmp(d, "bplist", 6)) {
		if (check_bin(d, len, e))
			return NULL;
		plist_from_bin(s, (uint32_t)len, &p);
		if (!p) {
			err_set(e, 0, "not a binary property list");
			return NULL;
		}
		n = convert(p, 0);
		plist_free(p);
		return n;
	}
	if (len >= 2 && ((d[0] == 0xfe && d[1] == 0xff) ||
			 (d[0] == 0xff && d[1] == 0xfe))) {
		utf8 = from_utf16(d, len, &len);
		n = utf8 ? read_xml(utf8, len, e) : NULL;
		free(utf8);
		return n;
	}
	if (len >= 3 && !memcmp(d, "\xef\xbb\xbf", 3))
		skip = 3;
	while (skip < len && isspace(d[skip]))
		skip++;
	if (skip < len && (d[skip] == '{' || d[skip] == '(')) {
		err_set(e, 0, "line 1, column 1: an old-style text property "
			"list (OpenStep); convert it on a Mac: plutil -convert "
			"xml1 FILE");
		return NULL;
	}
	if (skip == len || d[skip] != '<') {
		err_set(e, 0, "line 1, column 1: neither XML nor a binary "
			"property list");
		return NULL;
	}
	return read_xml(s + skip, len - skip, e);
}

struct node *node_plist(struct bundle *b, const char *text, size_t len)
{
	struct err e;
	struct node *n = node_plist_try(text, len, &e);

	if (!n) {
		bundle_note(b, NOTE_ERROR, "bad-plist", NULL, "%s: %s",
			    b->file, e.msg);
		return NULL;
	}
	if (n->type != NODE_DICT) {
		bundle_note(b, NOTE_ERROR, "wrong-type", NULL, "%s: found %s at "
			    "the top; expected a dictionary", b->file,
			    node_type_name(n->type));
		node_free(n);
		return NULL;
	}
	return n;
}
