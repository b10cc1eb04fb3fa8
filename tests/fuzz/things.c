/* things.c: whatever a file begins with, it is taken for one thing, or refused
 * with a reason. The input: a flag byte (1: something is packed in it), the
 * file's size (8 bytes), the length of what is packed (2 bytes), that, and the
 * first bytes of the file. Both are copied to blocks of their exact size. */
#include "fuzz.h"
#include "things.h"

static uint8_t *copy(const uint8_t *p, size_t n)
{
	uint8_t *c = malloc(n ? n : 1);

	if (!c)
		abort();
	memcpy(c, p, n);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	bool packed = fuzz_get(&in, 1) & 1;
	uint64_t file = fuzz_get(&in, 8);
	size_t ninside = (size_t)fuzz_get(&in, 2);
	struct err e = { 0 };
	uint8_t *inside, *head;
	enum thing kind;

	if (ninside > in.n || !packed)
		ninside = 0;
	inside = copy(in.p, ninside);
	in.p += ninside;
	in.n -= ninside;
	if (in.n > THING_HEAD)
		in.n = THING_HEAD;
	head = copy(in.p, in.n);
	if (file < in.n)
		file = in.n;
	kind = thing_sniff(head, in.n, inside, ninside, file, &e);
	fuzz_require(kind <= THING_DTB, "it is one of the kinds");
	fuzz_require(kind != THING_UNKNOWN || e.msg[0],
		     "what is not known has a reason");
	free(head);
	free(inside);
	return 0;
}
