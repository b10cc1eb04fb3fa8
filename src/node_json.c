/* JSON texts as trees: jansson reads, limits are checked before it does. */
#include <jansson.h>
#include <string.h>

#include "node.h"

static void skip_bom(const char **s, size_t *len)
{
	if (*len >= 3 && !memcmp(*s, "\xef\xbb\xbf", 3)) {
		*s += 3;
		*len -= 3;
	}
}

/* Nesting and the number of values, before the parser makes them. */
static int bounds(const char *s, size_t len, struct err *e)
{
	bool text = false;
	int depth = 0;
	size_t values = 1;

	for (size_t i = 0; i < len; i++) {
		if (text) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				text = false;
			continue;
		}
		switch (s[i]) {
		case '"':
			text = true;
			break;
		case '{': case '[':
			if (++depth > NODE_DEPTH)
				return err_set(e, 0, "nested deeper than %d "
					       "levels", NODE_DEPTH);
			values++;
			break;
		case '}': case ']':
			depth--;
			break;
		case ',':
			values++;
			break;
		}
	}
	return values > NODE_MAX ? err_set(e, 0, "more than %d values",
					   NODE_MAX) : 0;
}

static struct node *convert(json_t *v)
{
	struct node *n;
	const char *key;
	json_int_t i;
	json_t *kid;
	size_t at;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		n = node_new(NODE_DICT);
		json_object_foreach(v, key, kid)
			if (!json_is_null(kid)) /* null is absent */
				node_add(n, key, convert(kid));
		return n;
	case JSON_ARRAY:
		n = node_new(NODE_ARRAY);
		json_array_foreach(v, at, kid)
			node_add(n, NULL, convert(kid));
		return n;
	case JSON_STRING:
		return node_text(NODE_STRING, json_string_value(v),
				 json_string_length(v));
	case JSON_INTEGER:
		n = node_new(NODE_INT);
		i = json_integer_value(v);
		n->negative = i < 0;
		n->num = i < 0 ? -(uint64_t)i : (uint64_t)i;
		return n;
	case JSON_REAL:
		n = node_new(NODE_REAL);
		n->real = json_real_value(v);
		return n;
	case JSON_TRUE: case JSON_FALSE:
		n = node_new(NODE_BOOL);
		n->flag = json_is_true(v);
		return n;
	default:
		return node_new(NODE_OTHER);
	}
}

static struct node *read_json(const char *s, size_t len, bool *twice,
			      struct err *twice_at, struct err *e)
{
	json_error_t je;
	json_t *v, *strict;
	struct node *n;

	skip_bom(&s, &len);
	if (bounds(s, len, e))
		return NULL;
	v = json_loadb(s, len, 0, &je);
	if (!v) {
		err_set(e, 0, "line %d, column %d: %s", je.line, je.column,
			je.text);
		return NULL;
	}
	if (twice) {
		strict = json_loadb(s, len, JSON_REJECT_DUPLICATES, &je);
		*twice = !strict;
		if (!strict)
			err_set(twice_at, 0, "line %d: %s", je.line, je.text);
		json_decref(strict);
	}
	n = convert(v);
	json_decref(v);
	return n;
}

struct node *node_json_try(const char *s, size_t len, struct err *e)
{
	return read_json(s, len, NULL, NULL, e);
}

struct node *node_json(struct bundle *b, const char *s, size_t len)
{
	struct err e, at;
	bool twice = false;
	struct node *n = read_json(s, len, &twice, &at, &e);

	if (!n) {
		bundle_note(b, NOTE_ERROR, "bad-json", NULL, "%s: %s",
			    b->file, e.msg);
		return NULL;
	}
	if (twice)
		bundle_note(b, NOTE_WARN, "duplicate-key", NULL, "%s: %s; the "
			    "last one counts", b->file, at.msg);
	if (n->type != NODE_DICT) {
		bundle_note(b, NOTE_ERROR, "wrong-type", NULL, "%s: found %s at "
			    "the top; expected an object in braces", b->file,
			    node_type_name(n->type));
		node_free(n);
		return NULL;
	}
	return n;
}
