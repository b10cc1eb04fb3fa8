/* DER: whatever the bytes are, elements lie inside of what holds them. */
#include "fuzz.h"
#include "der.h"

static void walk(struct der in, unsigned depth)
{
	while (in.n) {
		const uint8_t *p = in.p, *end = in.p + in.n;
		struct der_tlv t;
		uint64_t v;
		bool b;

		if (der_next(&in, &t))
			return;
		fuzz_require(t.raw == p && t.raw_len >= 2 &&
			     t.raw + t.raw_len == in.p && in.p <= end,
			     "an element moves on, and not too far");
		fuzz_require(t.body.p + t.body.n == in.p, "body ends with it");
		der_uint(&t, &v);
		der_bool(&t, &b);
		if (t.constructed && depth < 64)
			walk(t.body, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk((struct der){ data, size }, 0);
	return 0;
}
