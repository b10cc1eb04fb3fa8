/* Trees of settings: making, walking, typed access. See node.h. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

/* A missing byte here leaves nothing sensible to do, and no guest runs yet;
 * sizes are bounded by the reader. */
static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

struct node *node_new(enum node_type type)
{
	struct node *n = must(calloc(1, sizeof(*n)));

	n->type = type;
	return n;
}

struct node *node_text(enum node_type type, const void *bytes, size_t len)
{
	struct node *n = node_new(type);

	n->text = must(malloc(len + 1));
	if (len)
		memcpy(n->text, bytes, len);
	n->text[len] = 0;
	n->len = len;
	return n;
}

void node_add(struct node *to, const char *name, struct node *n)
{
	n->name = name ? must(strdup(name)) : NULL;
	n->parent = to;
	n->index = to->len++;
	if (to->last)
		to->last->next = n;
	else
		to->child = n;
	to->last = n;
}

void node_free(struct node *n)
{
	while (n) {
		struct node *next = n->next;

		node_free(n->child);
		free(n->name);
		free(n->text);
		free(n);
		n = next;
	}
}

const char *node_path(const struct node *n, char buf[NODE_PATH])
{
	const struct node *up[NODE_DEPTH + 2];
	int depth = 0;
	size_t used = 0;

	buf[0] = 0;
	for (; n && n->parent && depth < NODE_DEPTH + 2; n = n->parent)
		up[depth++] = n;
	while (depth-- && used < NODE_PATH) {
		int r;

		if (up[depth]->name)
			r = snprintf(buf + used, NODE_PATH - used, "%s%s",
				     used ? "." : "", up[depth]->name);
		else
			r = snprintf(buf + used, NODE_PATH - used, "%s%zu",
				     used ? "." : "", up[depth]->index);
		used += r > 0 ? (size_t)r : 0;
	}
	return buf;
}

const char *node_type_name(enum node_type t)
{
	static const char *const name[] = {
		"a dictionary", "an array", "text", "a whole number",
		"a fraction", "true or false", "data", "something else",
	};

	return name[t];
}

void node_value(const struct node *n, char *buf, size_t len)
{
	switch (n->type) {
	case NODE_STRING:
		bundle_escape(n->text, buf, len < 120 ? len : 120);
		break;
	case NODE_INT:
		snprintf(buf, len, "%s%" PRIu64, n->negative ? "-" : "",
			 n->num);
		break;
	case NODE_REAL:
		snprintf(buf, len, "%g", n->real);
		break;
	case NODE_BOOL:
		snprintf(buf, len, "%s", n->flag ? "true" : "false");
		break;
	case NODE_DATA:
		snprintf(buf, len, "%zu bytes", n->len);
		break;
	case NODE_DICT:
	case NODE_ARRAY:
		snprintf(buf, len, "%s", n->len ? "..." : "empty");
		break;
	default:
		snprintf(buf, len, "?");
		break;
	}
}

/* ---- findings ---------------------------------------------------------- */

static void key_path(const struct node *n, const char *key, char *buf,
		     size_t len)
{
	char p[NODE_PATH];

	node_path(n, p);
	snprintf(buf, len, "%s%s%s", p, *p && key ? "." : "", key ? key : "");
}

static void vnote(struct bundle *b, enum note_level level, bool ours,
		  const char *code, const struct node *n, const char *key,
		  const char *fmt, va_list ap)
{
	char path[NODE_PATH + 64], text[480];

	key_path(n, key, path, sizeof(path));
	vsnprintf(text, sizeof(text), fmt, ap);
	bundle_note(b, level, code, *path ? path : NULL, "%s%s%s", path,
		    *path ? ": " : "", text);
	if (ours && b->nnotes)
		b->note[b->nnotes - 1].ours = true;
}

void note_at(struct bundle *b, enum note_level level, const char *code,
	     const struct node *n, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vnote(b, level, false, code, n, key, fmt, ap);
	va_end(ap);
}

void refuse_at(struct bundle *b, const char *code, const struct node *n,
	       const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vnote(b, NOTE_ERROR, true, code, n, key, fmt, ap);
	va_end(ap);
}

/* ---- access ------------------------------------------------------------- */

struct node *node_find(const struct node *dict, const char *key)
{
	struct node *hit = NULL;

	if (!dict || dict->type != NODE_DICT)
		return NULL;
	for (struct node *n = dict->child; n; n = n->next)
		if (!strcmp(n->name, key))
			hit = n;
	return hit;
}

bool node_has(const struct node *dict, const char *key)
{
	return node_find(dict, key) != NULL;
}

static void wrong_type(struct bundle *b, const struct node *n,
		       const char *want)
{
	char v[160];

	node_value(n, v, sizeof(v));
	note_at(b, NOTE_ERROR, "wrong-type", n, NULL, "found %s (%s); expected "
		"%s", node_type_name(n->type), v, want);
}

static struct node *take(struct bundle *b, struct node *dict, const char *key,
			 enum need need, const char *want)
{
	struct node *n = node_find(dict, key);

	if (n)
		n->use = NODE_HONOURED;
	else if (need == REQUIRED && dict)
		note_at(b, NOTE_ERROR, "missing-key", dict, key, "the key is "
			"missing; expected %s", want);
	return n;
}

struct node *get_node(struct bundle *b, struct node *dict, const char *key,
		      enum node_type type, enum need need)
{
	struct node *n = take(b, dict, key, need, node_type_name(type));

	if (n && n->type != type) {
		wrong_type(b, n, node_type_name(type));
		return NULL;
	}
	return n;
}

struct node *get_dict(struct bundle *b, struct node *dict, const char *key,
		      enum need need)
{
	return get_node(b, dict, key, NODE_DICT, need);
}

struct node *get_array(struct bundle *b, struct node *dict, const char *key,
		       enum node_type of, enum need need)
{
	struct node *a = get_node(b, dict, key, NODE_ARRAY, need);

	if (!a)
		return NULL;
	if (a->len > NODE_ITEMS) {
		note_at(b, NOTE_ERROR, "bad-value", a, NULL, "%zu entries; at "
			"most %d are taken", a->len, NODE_ITEMS);
		return NULL;
	}
	for (struct node *n = a->child; n; n = n->next) {
		if (n->type != of) {
			wrong_type(b, n, node_type_name(of));
			return NULL;
		}
		n->use = NODE_HONOURED;
	}
	return a;
}

const char *get_str(struct bundle *b, struct node *dict, const char *key,
		    enum need need)
{
	struct node *n = get_node(b, dict, key, NODE_STRING, need);

	if (!n)
		return NULL;
	if (n->len > CFG_MAX_STR) {
		note_at(b, NOTE_ERROR, "bad-value", n, NULL, "text of %zu "
			"bytes; at most %d are taken", n->len, CFG_MAX_STR);
		return NULL;
	}
	if (strlen(n->text) != n->len) {
		note_at(b, NOTE_ERROR, "bad-value", n, NULL, "text with a zero "
			"byte in it");
		return NULL;
	}
	return n->text;
}

bool get_int(struct bundle *b, struct node *dict, const char *key,
	     enum need need, int64_t *out)
{
	struct node *n = take(b, dict, key, need, "a whole number");

	if (!n)
		return false;
	if (n->type == NODE_REAL && n->real == floor(n->real) &&
	    fabs(n->real) < 9e15) {
		*out = (int64_t)n->real;
		return true;
	}
	if (n->type != NODE_INT) {
		wrong_type(b, n, n->type == NODE_STRING ? "a number, without "
			   "quotes or suffix" : "a whole number");
		return false;
	}
	if (n->num > INT64_MAX) {         /* JSON's are never that large */
		note_at(b, NOTE_ERROR, "bad-value", n, NULL, "%s%" PRIu64 " is "
			"out of range", n->negative ? "-" : "", n->num);
		return false;
	}
	*out = n->negative ? -(int64_t)n->num : (int64_t)n->num;
	return true;
}

bool get_range(struct bundle *b, struct node *dict, const char *key,
	       enum need need, int64_t min, int64_t max, int64_t *out)
{
	int64_t v;

	if (!get_int(b, dict, key, need, &v))
		return false;
	if (v < min || v > max) {
		note_at(b, NOTE_ERROR, "bad-value", dict, key, "%" PRId64
			"; expected %" PRId64 " to %" PRId64, v, min, max);
		return false;
	}
	*out = v;
	return true;
}

bool get_bool(struct bundle *b, struct node *dict, const char *key,
	      enum need need, bool fallback)
{
	struct node *n = get_node(b, dict, key, NODE_BOOL, need);

	return n ? n->flag : fallback;
}

void word_list(const char *const *words, char *buf, size_t len)
{
	size_t used = 0;

	buf[0] = 0;
	for (int i = 0; words[i] && used < len; i++)
		used += (size_t)snprintf(buf + used, len - used, "%s%s",
					 i == 0 ? "" : words[i + 1] ? ", " :
					 " or ", words[i]);
}

int get_word(struct bundle *b, struct node *dict, const char *key,
	     enum need need, const char *const *words)
{
	const char *s = get_str(b, dict, key, need), *near;
	char list[300];
	int n = 0;

	if (!s)
		return -1;
	for (; words[n]; n++)
		if (!strcmp(s, words[n]))
			return n;
	near = config_nearest(s, words, n);
	word_list(words, list, sizeof(list));
	note_at(b, NOTE_ERROR, "bad-enum", dict, key, "found '%.80s'; expected "
		"%s%s%s%s", s, list, near ? " (did you mean " : "",
		near ? near : "", near ? "?)" : "");
	return -1;
}

void node_ignore_all(struct node *n, const char *why)
{
	if (!n)
		return;
	n->use = NODE_IGNORED;
	n->why = why;
	for (struct node *k = n->child; k; k = k->next)
		node_ignore_all(k, why);
}

void node_ignore(struct node *dict, const char *key, const char *why)
{
	node_ignore_all(node_find(dict, key), why);
}
