/* adt.h: Apple device trees (spec/vmapple.md section 8.8): a node is
 * {u32 properties, u32 children, properties, children}, a property {char
 * name[32], u32 length, value padded to 4}. Built into the boot ROM and into
 * pome; trees are hostile until adt_check has seen them.
 *
 * Nodes are known by their offset; a change moves what is behind it. */
#ifndef POME_ADT_H
#define POME_ADT_H

#include "bytes.h"

#define ADT_NAME 32
#define ADT_DEPTH 16                    /* levels of nodes, at most */

struct adt {
	uint8_t *buf;
	size_t len, room;
};

/* Is this a tree? *used is its length; bytes may go on behind it. NULL, or
 * what is wrong. */
const char *adt_check(const uint8_t *buf, size_t n, size_t *used);
/* A tree of one empty node, in a buffer of `room` (at least 8) bytes. */
void adt_new(struct adt *, uint8_t *buf, size_t room);

/* "/chosen/memory-map", by the nodes' "name" properties. */
bool adt_find(const struct adt *, const char *path, size_t *node);
/* The value of a property; NULL: there is none. */
uint8_t *adt_prop(const struct adt *, size_t node, const char *name,
		  uint32_t *len);
/* Counts through a node's children: *i starts at 0. */
bool adt_child(const struct adt *, size_t node, uint32_t *i, size_t *child);
/* The node's i-th property, for printing. */
bool adt_nth_prop(const struct adt *, size_t node, uint32_t i,
		  char name[ADT_NAME + 1], uint8_t **value, uint32_t *len,
		  bool *placeholder);

/* Sets a property, new or not. NULL, or "no room". */
const char *adt_set(struct adt *, size_t node, const char *name,
		    const void *value, uint32_t len);
const char *adt_set_u32(struct adt *, size_t node, const char *, uint32_t);
const char *adt_set_u64(struct adt *, size_t node, const char *, uint64_t);
const char *adt_set_text(struct adt *, size_t node, const char *,
			 const char *text);
/* The child of that name, made where there is none. */
const char *adt_make(struct adt *, size_t parent, const char *name,
		     size_t *node);
void adt_delete(struct adt *, size_t parent, size_t child);

#endif
