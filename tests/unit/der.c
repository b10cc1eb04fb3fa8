/* DER: every form that is not the one legal form is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "der.h"

struct sample {
	const char *bytes;
	size_t n;
	const char *bad;                /* part of the message; NULL: good */
};

#define S(text, bad) { text, sizeof(text) - 1, bad }

static void elements(void **state)
{
	static const struct sample s[] = {
		S("\x30\x00", NULL), S("\x02\x01\x05", NULL),
		S("\x04\x81\x80", "longer"), S("", "missing"),
		S("\x30", "before a length"), S("\x30\x01", "longer"),
		S("\x30\x80\x00\x00", "indefinite"),
		S("\x30\x81\x7f", "shortest"), S("\x30\x82\x00\x80", "shortest"),
		S("\x30\x82\x01", "inside a length"),
		S("\x30\x85\x01\x01\x01\x01\x01", "above 32"),
		S("\x30\x84\xff\xff\xff\xff", "longer"),
		S("\xff", "inside a tag"), S("\xff\x80\x01\x00", "shortest"),
		S("\xff\x1e\x00", "shortest"), S("\xff\x1f\x00", NULL),
		S("\xff\x84\xea\x85\x9c\x42\x00", NULL),
		S("\xff\xff\xff\xff\xff\xff\x7f\x00", "above 32"),
		S("\xff\x84\xea", "inside a tag"),
	};

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		struct der in = { (const uint8_t *)s[i].bytes, s[i].n };
		struct der_tlv t;
		const char *bad = der_next(&in, &t);

		if (!s[i].bad != !bad || (bad && !strstr(bad, s[i].bad)))
			fail_msg("case %zu: %s", i, bad ? bad : "taken");
		if (!bad) {
			assert_int_equal(in.n, 0);
			assert_int_equal(t.raw_len, s[i].n);
		}
	}
}

static void fields(void **state)
{
	struct der in = { (const uint8_t *)"\xff\x84\xea\x85\x9c\x42\x02\x05"
			  "\x00\xaa", 10 };
	struct der_tlv t;

	assert_null(der_next(&in, &t));
	assert_int_equal(t.cls, DER_PRIVATE);
	assert_true(t.constructed);
	assert_int_equal(t.tag, 0x4d414e42);            /* "MANB" */
	assert_int_equal(t.body.n, 2);
	assert_int_equal(in.n, 1);
}

static void numbers(void **state)
{
	static const struct {
		struct sample s;
		uint64_t v;
	} c[] = {
		{ S("\x02\x01\x00", NULL), 0 }, { S("\x02\x01\x7f", NULL), 127 },
		{ S("\x02\x02\x00\x80", NULL), 128 },
		{ S("\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", NULL),
		  UINT64_MAX },
		{ S("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00", "64 bits"),
		  0 },
		{ S("\x02\x00", "without"), 0 }, { S("\x02\x01\x80", "neg"), 0 },
		{ S("\x02\x02\x00\x7f", "shortest"), 0 },
		{ S("\x01\x01\x00", "expected"), 0 },
		{ S("\x22\x01\x00", "expected"), 0 },
	};

	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++) {
		struct der in = { (const uint8_t *)c[i].s.bytes, c[i].s.n };
		struct der_tlv t;
		uint64_t v = 1;
		const char *bad;

		assert_null(der_next(&in, &t));
		bad = der_uint(&t, &v);
		if (!c[i].s.bad != !bad || (bad && !strstr(bad, c[i].s.bad)))
			fail_msg("case %zu: %s", i, bad ? bad : "taken");
		if (!bad)
			assert_true(v == c[i].v);
	}
}

static void booleans(void **state)
{
	static const struct sample s[] = {
		S("\x01\x01\x00", NULL), S("\x01\x01\xff", NULL),
		S("\x01\x01\x01", "neither"), S("\x01\x00", "neither"),
		S("\x01\x02\xff\xff", "neither"),
	};

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		struct der in = { (const uint8_t *)s[i].bytes, s[i].n };
		struct der_tlv t;
		bool v;

		assert_null(der_next(&in, &t));
		assert_int_equal(!der_bool(&t, &v), !s[i].bad);
	}
}

static void expectations(void **state)
{
	const uint8_t seq[] = { 0x30, 0 }, prim[] = { 0x10, 0 };
	const uint8_t ctx[] = { 0xa1, 0 };
	struct der_tlv t;
	struct der in = { seq, 2 };

	assert_true(der_is(&in, DER_UNIVERSAL, DER_SEQUENCE));
	assert_null(der_expect(&in, DER_SEQUENCE, &t));
	assert_false(der_is(&in, DER_UNIVERSAL, DER_SEQUENCE));
	in = (struct der){ prim, 2 };           /* a SEQUENCE is constructed */
	assert_non_null(der_expect(&in, DER_SEQUENCE, &t));
	in = (struct der){ ctx, 2 };
	assert_null(der_context(&in, 1, &t));
	in = (struct der){ ctx, 2 };
	assert_non_null(der_context(&in, 0, &t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements),
		cmocka_unit_test(fields),
		cmocka_unit_test(numbers),
		cmocka_unit_test(booleans),
		cmocka_unit_test(expectations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
