/* Apple device trees: checked, walked, and changed by what follows the tree. */
#include "fuzz.h"
#include "adt.h"

enum { ROOM = 8192 };

static void walk(const struct adt *t, size_t node, unsigned depth)
{
	char name[ADT_NAME + 1];
	uint32_t i, len, k = 0;
	size_t child = 0;
	uint8_t *v;
	bool flag;

	for (i = 0; adt_nth_prop(t, node, i, name, &v, &len, &flag); i++)
		fuzz_require(v >= t->buf && v + len <= t->buf + t->len,
			     "a value is inside");
	fuzz_require(depth <= ADT_DEPTH, "depth");
	while (adt_child(t, node, &k, &child))
		walk(t, child, depth + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "/", "/chosen", "/cpus",
					     "/chosen/memory-map", "/a/b" };
	static const char *const names[] = { "name", "reg", "x", "state" };
	uint8_t *buf = malloc(ROOM);
	struct adt t = { buf, 0, ROOM };
	struct fuzz_in in;
	size_t used, node, child;
	uint32_t i;

	if (size > ROOM || adt_check(data, size, &used)) {
		free(buf);
		return 0;
	}
	fuzz_require(used <= size, "length");
	memcpy(buf, data, used);
	t.len = used;
	walk(&t, 0, 1);
	in = (struct fuzz_in){ data + used, size - used };
	for (unsigned n = 0; in.n && n < 64; n++) {
		unsigned op = (unsigned)fuzz_get(&in, 1);

		if (!adt_find(&t, paths[op % 5], &node))
			continue;
		i = 0;
		switch (op / 5 % 4) {
		case 0:
			if (!adt_make(&t, node, names[op / 20 % 4], &child) &&
			    adt_check(buf, t.len, &used)) {
				/* only ever too deep */
				adt_delete(&t, node, child);
			}
			break;
		case 1:
			if (node && adt_child(&t, 0, &i, &child))
				adt_delete(&t, 0, child);
			break;
		default:
			adt_set(&t, node, names[op / 20 % 4], data,
				(uint32_t)(fuzz_get(&in, 1) % (size + 1)));
		}
		fuzz_require(t.len <= ROOM, "room");
		fuzz_require(!adt_check(buf, t.len, &used) && used == t.len,
			     "still a tree");
	}
	free(buf);
	return 0;
}
