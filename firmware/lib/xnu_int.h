/* Between xnu_load.c and xnu_tree.c. */
#ifndef XNU_INT_H
#define XNU_INT_H

#include "adt.h"
#include "xnu_load.h"

struct xnu_map {                        /* /chosen/memory-map */
	unsigned n;
	struct {
		const char *name;
		uint64_t pa, len;
	} row[8];
};

static inline void xnu_map_add(struct xnu_map *m, const char *name,
			       uint64_t pa, uint64_t len)
{
	m->row[m->n].name = name;
	m->row[m->n].pa = pa;
	m->row[m->n++].len = len;
}

/* The finished tree in in->work: the template with the machine's facts, or one
 * of our own. Its length depends on nothing but `in`. */
const char *xnu_tree(const struct xnu_in *, const struct xnu_map *,
		     struct adt *);

#endif
