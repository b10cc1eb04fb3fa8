/* Apple device trees: spec/vmapple.md section 8.8. */
#include "adt.h"

enum { NODE = 8, PROP = ADT_NAME + 4 };

/* Of a length word: the top bit marks what a boot loader is to fill in. */
#define LENGTH 0x00ffffffu
#define PLACEHOLDER 0x80000000u

static const char no_room[] = "device tree: no room to add to it";

static uint32_t padded(uint32_t word)
{
	return ((word & LENGTH) + 3) & ~3u;
}

/* ---- walking; in a checked tree nothing here can fail ---------------------- */

static size_t prop_size(const uint8_t *p)
{
	return PROP + padded(ld32(p + ADT_NAME));
}

static size_t props_end(const struct adt *t, size_t node)
{
	uint32_t n = ld32(t->buf + node);
	size_t at = node + NODE;

	while (n--)
		at += prop_size(t->buf + at);
	return at;
}

/* Without recursion: how many children each level still has. */
static size_t node_end(const struct adt *t, size_t node)
{
	uint32_t left[ADT_DEPTH];
	unsigned depth = 0;
	size_t at = props_end(t, node);

	left[0] = ld32(t->buf + node + 4);
	for (;;) {
		if (left[depth]) {
			left[depth]--;
			depth++;
			left[depth] = ld32(t->buf + at + 4);
			at = props_end(t, at);
		} else if (!depth--) {
			return at;
		}
	}
}

const char *adt_check(const uint8_t *buf, size_t n, size_t *used)
{
	uint32_t left[ADT_DEPTH];
	unsigned depth = 0;
	size_t at = 0;

	for (bool root = true; root || depth; root = false) {
		uint32_t props;

		if (!root) {
			if (!left[depth - 1]) {
				depth--;
				continue;
			}
			left[depth - 1]--;
		}
		if (depth == ADT_DEPTH)
			return "device tree: its nodes nest too deep";
		if (n - at < NODE)
			return "device tree: ends inside a node";
		props = ld32(buf + at);
		left[depth++] = ld32(buf + at + 4);
		at += NODE;
		for (; props; props--) {
			size_t size;

			if (n - at < PROP)
				return "device tree: ends inside a property";
			if (!buf[at] || buf[at + ADT_NAME - 1])
				return "device tree: a property's name is "
				       "empty or too long";
			size = prop_size(buf + at);
			if (size > n - at)
				return "device tree: ends inside a property's "
				       "value";
			at += size;
		}
	}
	*used = at;
	return NULL;
}

void adt_new(struct adt *t, uint8_t *buf, size_t room)
{
	*t = (struct adt){ buf, NODE, room };
	memset(buf, 0, NODE);
}

static bool name_is(const uint8_t *prop, const char *name)
{
	size_t n = strlen(name);

	return n < ADT_NAME && !memcmp(prop, name, n + 1);
}

/* Offset of a property, or 0. */
static size_t find_prop(const struct adt *t, size_t node, const char *name)
{
	uint32_t n = ld32(t->buf + node);
	size_t at = node + NODE;

	for (; n--; at += prop_size(t->buf + at))
		if (name_is(t->buf + at, name))
			return at;
	return 0;
}

uint8_t *adt_prop(const struct adt *t, size_t node, const char *name,
		  uint32_t *len)
{
	size_t at = find_prop(t, node, name);

	if (!at)
		return NULL;
	*len = ld32(t->buf + at + ADT_NAME) & LENGTH;
	return t->buf + at + PROP;
}

bool adt_nth_prop(const struct adt *t, size_t node, uint32_t i,
		  char name[ADT_NAME + 1], uint8_t **value, uint32_t *len,
		  bool *placeholder)
{
	size_t at = node + NODE;
	uint32_t word;

	if (i >= ld32(t->buf + node))
		return false;
	while (i--)
		at += prop_size(t->buf + at);
	memcpy(name, t->buf + at, ADT_NAME);
	name[ADT_NAME] = 0;
	word = ld32(t->buf + at + ADT_NAME);
	*len = word & LENGTH;
	*placeholder = word & PLACEHOLDER;
	*value = t->buf + at + PROP;
	return true;
}

bool adt_child(const struct adt *t, size_t node, uint32_t *i, size_t *child)
{
	size_t at;

	if (*i >= ld32(t->buf + node + 4))
		return false;
	at = *i ? node_end(t, *child) : props_end(t, node);
	++*i;
	*child = at;
	return true;
}

/* A child by the first n characters of `name`; `after` too, for a failure: the
 * end of all children. */
static bool find_child(const struct adt *t, size_t node, const char *name,
		       size_t n, size_t *child)
{
	uint32_t i = 0, len;

	*child = 0;
	while (adt_child(t, node, &i, child)) {
		const uint8_t *v = adt_prop(t, *child, "name", &len);

		if (v && len >= n && !memcmp(v, name, n) &&
		    (len == n || !v[n]))
			return true;
	}
	return false;
}

bool adt_find(const struct adt *t, const char *path, size_t *node)
{
	*node = 0;
	for (;;) {
		size_t n = 0;

		while (*path == '/')
			path++;
		if (!*path)
			return true;
		while (path[n] && path[n] != '/')
			n++;
		if (!find_child(t, *node, path, n, node))
			return false;
		path += n;
	}
}

/* ---- changing ------------------------------------------------------------- */

/* Makes `have` bytes at `at` `want` bytes. */
static const char *resize(struct adt *t, size_t at, size_t have, size_t want)
{
	if (want > have && want - have > t->room - t->len)
		return no_room;
	memmove(t->buf + at + want, t->buf + at + have, t->len - at - have);
	t->len = t->len - have + want;
	return NULL;
}

const char *adt_set(struct adt *t, size_t node, const char *name,
		    const void *value, uint32_t len)
{
	size_t at = find_prop(t, node, name), n = strlen(name);
	const char *bad;

	if (n >= ADT_NAME || len > LENGTH)
		return "device tree: a name or value is too long";
	if (at) {
		bad = resize(t, at, prop_size(t->buf + at), PROP + padded(len));
	} else {
		at = props_end(t, node);
		bad = resize(t, at, 0, PROP + padded(len));
		if (!bad)
			st32(t->buf + node, ld32(t->buf + node) + 1);
	}
	if (bad)
		return bad;
	memset(t->buf + at, 0, PROP + padded(len));
	memcpy(t->buf + at, name, n);
	st32(t->buf + at + ADT_NAME, len);
	memcpy(t->buf + at + PROP, value, len);
	return NULL;
}

const char *adt_set_u32(struct adt *t, size_t node, const char *name,
			uint32_t v)
{
	return adt_set(t, node, name, &v, sizeof(v));
}

const char *adt_set_u64(struct adt *t, size_t node, const char *name,
			uint64_t v)
{
	return adt_set(t, node, name, &v, sizeof(v));
}

const char *adt_set_text(struct adt *t, size_t node, const char *name,
			 const char *text)
{
	return adt_set(t, node, name, text, (uint32_t)strlen(text) + 1);
}

const char *adt_make(struct adt *t, size_t parent, const char *name,
		     size_t *node)
{
	const char *bad;

	if (find_child(t, parent, name, strlen(name), node))
		return NULL;
	*node = node_end(t, parent);
	bad = resize(t, *node, 0, NODE);
	if (bad)
		return bad;
	memset(t->buf + *node, 0, NODE);
	st32(t->buf + parent + 4, ld32(t->buf + parent + 4) + 1);
	return adt_set_text(t, *node, "name", name);
}

void adt_delete(struct adt *t, size_t parent, size_t child)
{
	size_t end = node_end(t, child);

	resize(t, child, end - child, 0);
	st32(t->buf + parent + 4, ld32(t->buf + parent + 4) - 1);
}
