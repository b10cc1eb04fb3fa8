/* IMG4: a signed image is good, and no changed byte of what is signed goes
 * unseen. The hostile images of tests/firmware go through the boot ROM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "data.h"
#include "img4.h"

DATA(good, "tests/data/firmware/good.img4");

#define ECID 0x1122334455667788ull

static const struct img4_machine machine = { ECID, 0xfe00, 0x20 };

static void parse(void **state)
{
	struct img4 img;
	uint64_t v;
	struct der manp;
	char name[5];

	assert_null(img4_parse(good, DATA_SIZE(good), &img));
	assert_int_equal(img.len, DATA_SIZE(good));
	assert_int_equal(img.p.type, FOURCC('i', 'l', 'l', 'b'));
	assert_int_equal(img.p.packing, IMG4_LZFSE);
	assert_true(img.p.sized);
	assert_false(img.p.encrypted);
	assert_true(img.has_manifest);
	assert_true(img.has_restore);
	assert_int_equal(img.nonce.n, 8);
	assert_int_equal(img.m.signature.n, 512);
	assert_true(img4_group(img.m.groups, FOURCC('M', 'A', 'N', 'P'),
			       &manp));
	assert_true(img4_prop_uint(manp, FOURCC('E', 'C', 'I', 'D'), &v));
	assert_true(v == ECID);
	assert_false(img4_prop_uint(manp, FOURCC('x', 'x', 'x', 'x'), &v));
	assert_false(img4_prop_uint(manp, FOURCC('C', 'S', 'E', 'C'), &v));
	img4_name(img.p.type, name);
	assert_string_equal(name, "illb");
	img4_name(0x41ff0042, name);
	assert_string_equal(name, "A??B");
}

static const struct img4_check *find(const struct img4_report *r,
				     const char *name)
{
	for (unsigned i = 0; i < r->n; i++)
		if (!strcmp(r->check[i].name, name))
			return &r->check[i];
	return NULL;
}

static void checks(void **state)
{
	static const char *const ok[] = { "signature", "leaf rules", "ECID",
					  "chip", "board", "digest" };
	struct img4_machine other = machine;
	struct img4_report r;
	struct img4 img;

	assert_null(img4_parse(good, DATA_SIZE(good), &img));
	img4_check(&img, &machine, &r);
	assert_true(r.good);
	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++)
		assert_int_equal(find(&r, ok[i])->state, IMG4_OK);
	assert_int_equal(find(&r, "certificate")->state, IMG4_UNKNOWN);
	assert_int_equal(find(&r, "nonce")->state, IMG4_UNKNOWN);
	other.ecid++;
	img4_check(&img, &other, &r);
	assert_false(r.good);
	assert_int_equal(find(&r, "ECID")->state, IMG4_BAD);
	assert_true(find(&r, "ECID")->want == ECID + 1);
	assert_int_equal(find(&r, "board")->state, IMG4_OK);
	img.has_manifest = false;
	img4_check(&img, &machine, &r);
	assert_false(r.good);
}

/* What nothing signs: the certificate but for its key and rules, IM4R. */
static bool unsigned_byte(const struct img4 *img, size_t i)
{
	const uint8_t *p = good + i;

	return (p >= img->m.certs.p && p < img->m.certs.p + img->m.certs.n) ||
	       p >= img->m.raw + img->m.raw_len;
}

static void every_byte(void **state)
{
	size_t n = DATA_SIZE(good);
	uint8_t *copy = malloc(n);
	struct img4_report r;
	struct img4 img, was;
	unsigned free_bytes = 0;

	assert_null(img4_parse(good, n, &was));
	for (size_t i = 0; i < n; i++) {
		memcpy(copy, good, n);
		copy[i] ^= (uint8_t)(1u << i % 8);
		if (img4_parse(copy, n, &img))
			continue;
		img4_check(&img, &machine, &r);
		if (!r.good)
			continue;
		if (!unsigned_byte(&was, i))
			fail_msg("byte %zu may be changed", i);
		free_bytes++;
	}
	assert_true(free_bytes > 0);    /* the test does reach the end */
	free(copy);
}

static void cuts(void **state)
{
	size_t n = DATA_SIZE(good);
	struct img4 img;

	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = malloc(i ? i : 1);

		memcpy(copy, good, i);
		if (!img4_parse(copy, i, &img))
			fail_msg("cut at %zu", i);
		free(copy);
	}
}

/* Two groups, the limits on how many there may be. */
static void many_groups(void **state)
{
	static uint8_t buf[300 * 20];
	struct der set = { buf, 0 };

	for (unsigned i = 0; i < 257; i++) {
		uint8_t *p = buf + set.n;
		uint32_t tag = FOURCC('g', 'a' + i / 26, 'a' + i % 26, 'a');

		p[0] = 0xff;
		for (int k = 0; k < 5; k++)
			p[1 + k] = (uint8_t)((tag >> (28 - 7 * k) & 127) |
					     (k < 4 ? 128 : 0));
		memcpy(p + 6, "\x0a\x30\x08\x16\x04", 5);
		for (int k = 0; k < 4; k++)
			p[11 + k] = (uint8_t)(tag >> (24 - 8 * k));
		p[15] = 0x31;
		p[16] = 0;
		set.n += 17;
		if (i < 256)
			assert_null(img4_groups_ok(set));
	}
	assert_string_equal(img4_groups_ok(set), "too many groups");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(checks),
		cmocka_unit_test(every_byte),
		cmocka_unit_test(cuts),
		cmocka_unit_test(many_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
