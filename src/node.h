/* node.h: the configuration file of a bundle, property list or JSON, as one
 * kind of tree, and typed access to it.
 *
 * A getter marks what it reads, so that in the end every setting has its
 * verdict: honoured, ignored for a reason, or unknown. Trees are bounded when
 * they are made (bundles.md section 7), so the walks here may recurse. */
#ifndef NODE_H
#define NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bundle.h"

#define NODE_DEPTH 64
#define NODE_MAX 65536                  /* nodes of a tree */
#define NODE_ITEMS 64                   /* devices of a kind */

enum node_type { NODE_DICT, NODE_ARRAY, NODE_STRING, NODE_INT, NODE_REAL,
		 NODE_BOOL, NODE_DATA, NODE_OTHER };
enum node_use { NODE_UNREAD, NODE_HONOURED, NODE_IGNORED };

struct node {
	enum node_type type;
	enum node_use use;
	const char *why;                /* IGNORED: a constant text */
	char *name;                     /* NULL in an array */
	struct node *parent, *child, *next, *last;
	size_t index, len;              /* children, or bytes of data, text */
	bool negative;                  /* INT: num is the magnitude */
	bool flag;
	uint64_t num;
	double real;
	char *text;                     /* STRING, DATA; a NUL follows */
};

struct node *node_new(enum node_type);
/* Puts n at the end of a dictionary or array, whose it is from here on. Of two
 * keys of one name node_find takes the later, as most readers do. */
void node_add(struct node *to, const char *name, struct node *n);
struct node *node_text(enum node_type, const void *bytes, size_t len);
void node_free(struct node *);

/* "System.Boot.UEFIBoot", "Network.0.Mode"; long ones are cut. */
#define NODE_PATH 160
const char *node_path(const struct node *, char buf[NODE_PATH]);
const char *node_type_name(enum node_type);
/* The value for a person: "4", "true", "150 bytes". Escaped. */
void node_value(const struct node *, char *buf, size_t len);

/* The tree of a JSON or property-list text, or NULL with a finding. Duplicate
 * keys of JSON are a warning. */
struct node *node_json(struct bundle *, const char *text, size_t len);
struct node *node_plist(struct bundle *, const char *text, size_t len);
/* The same without findings, for detection and identity blobs: NULL with the
 * reason. */
struct node *node_json_try(const char *text, size_t len, struct err *);
struct node *node_plist_try(const void *data, size_t len, struct err *);

/* ---- access; dict may be NULL, then all is absent ------------------------ */

/* The member, not marked. */
struct node *node_find(const struct node *dict, const char *key);
bool node_has(const struct node *dict, const char *key);

/* REQUIRED: its absence is a finding. A wrong type always is one. */
enum need { OPTIONAL, REQUIRED };

struct node *get_node(struct bundle *, struct node *dict, const char *key,
		      enum node_type, enum need);
struct node *get_dict(struct bundle *, struct node *dict, const char *key,
		      enum need);
/* At most NODE_ITEMS entries; all of one type, the rest is a finding and
 * skipped by node_first and node_after. */
struct node *get_array(struct bundle *, struct node *dict, const char *key,
		       enum node_type of, enum need);
const char *get_str(struct bundle *, struct node *dict, const char *key,
		    enum need);
/* Also 1e9 and 4.0. False: absent or wrong. */
bool get_int(struct bundle *, struct node *dict, const char *key, enum need,
	     int64_t *);
/* Bounds are a finding ("bad-value"). */
bool get_range(struct bundle *, struct node *dict, const char *key, enum need,
	       int64_t min, int64_t max, int64_t *);
bool get_bool(struct bundle *, struct node *dict, const char *key, enum need,
	      bool fallback);
/* One of a list of words, its number; -1 with a finding, or where absent. */
int get_word(struct bundle *, struct node *dict, const char *key, enum need,
	     const char *const *words);
/* "a, b or c" */
void word_list(const char *const *words, char *buf, size_t len);

/* Marks a member, if it is there, as ignored with a reason. */
void node_ignore(struct node *dict, const char *key, const char *why);
/* And everything below. */
void node_ignore_all(struct node *, const char *why);

/* A finding about the member `key` of a node (key NULL: the node itself). The
 * text gets the path in front. */
void note_at(struct bundle *, enum note_level, const char *code,
	     const struct node *, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* An error that is ours: what pome cannot do, not what the file has wrong. */
void refuse_at(struct bundle *, const char *code, const struct node *,
	       const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
