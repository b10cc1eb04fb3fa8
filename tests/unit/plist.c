/* Property lists: whole numbers of every size, in both encodings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../src/node.h"

/* What a dictionary's one key is, as inspect prints it. */
static void shows(const void *text, size_t len, const char *want)
{
	struct err e;
	struct node *n = node_plist_try(text, len, &e);
	char value[64];

	assert_non_null(n);
	assert_non_null(node_find(n, "n"));
	node_value(node_find(n, "n"), value, sizeof(value));
	assert_string_equal(value, want);
	node_free(n);
}

static void xml_numbers(void **state)
{
	static const char *const number[] = {
		"0", "-1", "9223372036854775807", "-9223372036854775808",
		"9223372036854775808", "18446744073709551615",
	};

	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++) {
		char text[160];

		snprintf(text, sizeof(text), "<plist version=\"1.0\"><dict>"
			 "<key>n</key><integer>%s</integer></dict></plist>",
			 number[i]);
		shows(text, strlen(text), number[i]);
	}
}

/* A binary list of {n: an integer of 8 or 16 bytes}. */
static void binary(uint64_t high, uint64_t low, bool wide, const char *want)
{
	uint8_t b[80] = "bplist00\xd1\x01\x02\x51n";    /* 8, 11, 13 */
	size_t n = 13, offsets;

	b[n++] = wide ? 0x14 : 0x13;
	for (int i = 56; wide && i >= 0; i -= 8)
		b[n++] = (uint8_t)(high >> i);
	for (int i = 56; i >= 0; i -= 8)
		b[n++] = (uint8_t)(low >> i);
	offsets = n;
	b[n++] = 8;
	b[n++] = 11;
	b[n++] = 13;
	n += 6;
	b[n++] = 1;                     /* bytes of an offset, of a number */
	b[n++] = 1;
	b[n + 7] = 3;                   /* objects; the first is the top */
	b[n + 23] = (uint8_t)offsets;
	shows(b, n + 24, want);
}

static void binary_numbers(void **state)
{
	binary(0, 5, false, "5");
	binary(0, UINT64_MAX, false, "-1");
	binary(0, 1ull << 63, false, "-9223372036854775808");
	binary(0, 1ull << 63, true, "9223372036854775808");
	binary(0, UINT64_MAX, true, "18446744073709551615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xml_numbers),
		cmocka_unit_test(binary_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
