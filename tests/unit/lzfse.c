/* LZFSE, LZVN and LZSS: streams of the public encoder, each cut, each flipped
 * bit, and what spec/lzfse.md section 8 says must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "data.h"
#include "lzfse.h"

DATA(lzvn_in, "tests/data/lzfse/lzvn.lzfse");
DATA(lzvn_out, "tests/data/lzfse/lzvn.txt");
DATA(v2_in, "tests/data/lzfse/v2.lzfse");
DATA(v2_out, "tests/data/lzfse/v2.txt");
DATA(v1_in, "tests/data/lzfse/v1.lzfse");
DATA(v1_out, "tests/data/lzfse/v1.txt");
DATA(mixed_in, "tests/data/lzfse/mixed.lzfse");
DATA(mixed_out, "tests/data/lzfse/mixed.bin");
DATA(lzss_in, "tests/data/firmware/plain.lzss");

static struct stream {
	const char *name;
	const uint8_t *in, *in_end, *out, *out_end;
} streams[] = {
	{ "lzvn", lzvn_in, lzvn_in_end, lzvn_out, lzvn_out_end },
	{ "v2", v2_in, v2_in_end, v2_out, v2_out_end },
	{ "v1", v1_in, v1_in_end, v1_out, v1_out_end },
	{ "mixed", mixed_in, mixed_in_end, mixed_out, mixed_out_end },
};

static struct lzfse_work work;

/* In buffers of exactly the size, so that a sanitizer sees each byte beyond. */
static const char *decode(const uint8_t *in, size_t n, size_t room,
			  uint8_t **out, size_t *len)
{
	uint8_t *copy = malloc(n ? n : 1);
	const char *bad;
	size_t used;

	memcpy(copy, in, n);
	*out = malloc(room ? room : 1);
	*len = 0;
	bad = lzss_is(copy, n) ? lzss_decode(copy, n, *out, room, len, &used) :
		lzfse_decode(&work, copy, n, *out, room, len, &used);
	if (!bad)
		assert_true(used <= n);
	free(copy);
	return bad;
}

static void good(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct stream *s = &streams[i];
		size_t want = (size_t)(s->out_end - s->out), n;
		size_t in = (size_t)(s->in_end - s->in);
		uint64_t size;
		uint8_t *out;

		assert_null(decode(s->in, in, want, &out, &n));
		assert_int_equal(n, want);
		assert_memory_equal(out, s->out, want);
		free(out);
		assert_null(lzfse_size(s->in, in, &size));
		assert_int_equal(size, want);
		assert_true(lzfse_is(s->in, in));
		/* one byte too little room */
		assert_non_null(decode(s->in, in, want - 1, &out, &n));
		free(out);
	}
}

static void cuts(void **state)
{
	for (size_t i = 0; i < 4; i++) {
		struct stream *s = &streams[i];
		size_t len = (size_t)(s->in_end - s->in), n;
		size_t room = (size_t)(s->out_end - s->out);
		uint8_t *out;

		/* every cut of the short ones, some of the long */
		for (size_t k = 0; k < len; k += len > 8000 ? 41 : 1) {
			if (!decode(s->in, k, room, &out, &n))
				fail_msg("%s cut at %zu", s->name, k);
			free(out);
		}
	}
}

/* A flip may yield other data, but never touches what is not its own. */
static void flips(void **state)
{
	uint64_t seed = 7;

	for (size_t i = 0; i < 4; i++) {
		struct stream *s = &streams[i];
		size_t len = (size_t)(s->in_end - s->in), n;
		size_t room = (size_t)(s->out_end - s->out);
		uint8_t *copy = malloc(len), *out;

		for (unsigned k = 0; k < 400; k++) {
			uint32_t at = data_random(&seed);

			memcpy(copy, s->in, len);
			/* half of them in the first header */
			at %= (uint32_t)(k & 1 ? len : 800 < len ? 800 : len);
			copy[at] ^= (uint8_t)(1u << (data_random(&seed) & 7));
			decode(copy, len, room, &out, &n);
			free(out);
		}
		free(copy);
	}
}

static void patched(const uint8_t *in, size_t n, size_t at, uint64_t v,
		    unsigned bytes, size_t room, const char *want)
{
	uint8_t *copy = malloc(n), *out;
	const char *bad;
	size_t len;

	memcpy(copy, in, n);
	for (unsigned i = 0; i < bytes; i++)
		copy[at + i] = (uint8_t)(v >> 8 * i);
	bad = decode(copy, n, room, &out, &len);
	if (!bad || !strstr(bad, want))
		fail_msg("%s: %s", want, bad ? bad : "taken");
	free(copy);
	free(out);
}

static void refused(void **state)
{
	size_t n1 = DATA_SIZE(v1_in), n2 = DATA_SIZE(v2_in);
	size_t nv = DATA_SIZE(lzvn_in), room = 70000;

	patched(v1_in, n1, 0, 0x39787662, 4, room, "unknown block");
	patched(v1_in, n1, 4, 8999, 4, room, "more than it says");
	patched(v1_in, n1, 4, 9001, 4, room, "less than it says");
	patched(v1_in, n1, 4, UINT32_MAX, 4, room, "room");
	patched(v1_in, n1, 0xc, 40004, 4, room, "literals is out of range");
	patched(v1_in, n1, 0xc, 2, 4, room, "literals is out of range");
	patched(v1_in, n1, 0x10, 10001, 4, room, "matches is out of range");
	patched(v1_in, n1, 0x14, UINT32_MAX, 4, room, "contradict");
	patched(v1_in, n1, 0x1c, (uint32_t)-8, 4, room, "padding");
	patched(v1_in, n1, 0x1c, 1, 4, room, "padding");
	patched(v1_in, n1, 0x20, 1024, 2, room, "first state");
	patched(v1_in, n1, 0x2c, 64, 2, room, "first state");
	patched(v1_in, n1, 0x2e, 64, 2, room, "first state");
	patched(v1_in, n1, 0x30, 256, 2, room, "first state");
	patched(v1_in, n1, 0x32, 65, 2, room, "sum to more");
	patched(v1_in, n1, 0x5a, 65, 2, room, "sum to more");
	patched(v1_in, n1, 0x82, 257, 2, room, "sum to more");
	patched(v1_in, n1, 0x102, 1025, 2, room, "sum to more");
	patched(v2_in, n2, 24, 31, 4, room, "header's size");
	patched(v2_in, n2, 24, UINT32_MAX, 4, room, "header's size");
	patched(v2_in, n2, 24, 32, 4, room, "LZFSE");
	patched(v2_in, n2, 24, 40, 4, room, "cut short");
	patched(lzvn_in, nv, 4, 3999, 4, room, "LZVN");
	patched(lzvn_in, nv, 4, 4001, 4, room, "LZVN");
	patched(lzvn_in, nv, 8, UINT32_MAX, 4, room, "after its input");
	patched(lzvn_in, nv, 12, 0x70, 1, room, "undefined");
	patched(lzvn_in, nv, 12, 0x1e, 1, room, "undefined");
	patched(lzvn_in, nv, 12, 0xd0, 1, room, "undefined");
	patched(lzvn_in, nv, 12, 0xf1, 1, room, "previous one before any");
	patched(lzvn_in, nv, 12, 0xffff07, 3, room, "before the output");
	patched(lzvn_in, nv, 12, 0x06, 1, room, "after its end");
}

/* Blocks may come in any order; distances reach over their borders. */
static void opcodes(void **state)
{
	static const uint8_t in[] =
		"bvx-\4\0\0\0abcd"
		"bvxn\x0c\0\0\0\x12\0\0\0"
		"\xe2" "xy"                     /* abcdxy */
		"\x00\x06"                      /* 3 at distance 6: abc */
		"\x0e\x16"                      /* nothing, twice */
		"\x4e" "z"                      /* z, 4 at the same: xyab */
		"\xf2"                          /* 2 more: cz */
		"\x06\0\0\0\0\0\0\0"
		"bvx$";
	uint8_t out[64];
	size_t n;

	assert_null(lzfse_decode(&work, in, sizeof(in) - 1, out, sizeof(out),
				 &n, NULL));
	assert_int_equal(n, 16);
	assert_memory_equal(out, "abcdxyabczxyabcz", 16);
}

static void lzss(void **state)
{
	size_t len = DATA_SIZE(lzss_in), want = DATA_SIZE(v1_out), n;
	uint8_t *out;

	assert_true(lzss_is(lzss_in, len));
	assert_int_equal(lzss_size(lzss_in), want);
	assert_null(decode(lzss_in, len, want, &out, &n));
	assert_int_equal(n, want);
	assert_memory_equal(out, v1_out, want);
	free(out);
	assert_non_null(decode(lzss_in, len, want - 1, &out, &n));
	free(out);
	for (size_t k = 0; k < len; k++) {
		if (!decode(lzss_in, k, want, &out, &n))
			fail_msg("lzss cut at %zu", k);
		free(out);
	}
	patched(lzss_in, len, 8, 0, 4, want, "checksum");
	patched(lzss_in, len, 16, UINT32_MAX, 4, want, "cut short");
}

/* The ring starts as spaces, its last 18 bytes as zeros. */
static void lzss_ring(void **state)
{
	uint8_t in[LZSS_HEADER + 8] = "complzss", out[16];
	size_t n;

	memcpy(in + LZSS_HEADER, "\x01" "A" "\x00\x00" "\xee\xf0", 6);
	st32(in + 12, __builtin_bswap32(7));
	st32(in + 16, __builtin_bswap32(6));
	/* "A", 3 spaces from 0, 3 from 0xfee: the A itself, then zeros that
	 * are overwritten as they are read */
	assert_string_equal(lzss_decode(in, sizeof(in), out, sizeof(out), &n,
					NULL), "LZSS: the checksum is wrong");
	assert_memory_equal(out, "A   A  ", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(cuts),
		cmocka_unit_test(flips),
		cmocka_unit_test(refused),
		cmocka_unit_test(opcodes),
		cmocka_unit_test(lzss),
		cmocka_unit_test(lzss_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
