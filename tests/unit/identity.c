/* Identity blobs and disk heads, against the tables of tests/bundles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/disk_sniff.h"
#include "../../src/identity.h"

static json_t *table(const char *name)
{
	char path[200];
	json_t *t;

	snprintf(path, sizeof(path), "tests/bundles/%s/cases.json", name);
	t = json_load_file(path, 0, NULL);
	if (!t)
		fail_msg("%s: not there; run in the source directory", path);
	return t;
}

static const char *text(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The verdict that a case's words ask for. */
static enum id_verdict wanted(json_t *o)
{
	const char *s = text(o, "expect");

	return !strcmp(s, "ok") ? ID_OK :
	       !strcmp(s, "unsupported") ? ID_UNSUPPORTED :
	       !strcmp(s, "malformed") ? ID_BAD :
	       !strcmp(text(o, "code"), "bad-identity") ? ID_ZERO :
	       ID_HOST_BOUND;
}

static void model(json_t *o, const uint8_t *blob, size_t len)
{
	struct hw_model m = { 0 };
	struct err e = { 0 };
	json_t *os = json_object_get(o, "minos");

	assert_int_equal(identity_model(blob, len, &m, &e), wanted(o));
	if (!os) {
		assert_true(strlen(e.msg) > 20);
		return;
	}
	assert_int_equal(m.drv, json_integer_value(json_object_get(o, "drv")));
	assert_int_equal(m.pv, json_integer_value(json_object_get(o, "pv")));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(m.minos[i],
				 json_integer_value(json_array_get(os, i)));
}

static void machine(json_t *o, const uint8_t *blob, size_t len)
{
	struct err e = { 0 };
	uint64_t ecid = 1;

	assert_int_equal(identity_ecid(blob, len, &ecid, &e), wanted(o));
	if (json_object_get(o, "ecid"))
		assert_int_equal(ecid, strtoull(text(o, "ecid"), NULL, 0));
	else
		assert_true(strlen(e.msg) > 20);
}

static void blobs(void **state)
{
	json_t *all = table("identity"), *o;
	size_t i, len;

	assert_true(json_array_size(all) > 30);
	json_array_foreach(all, i, o) {
		uint8_t *blob = identity_base64(text(o, "base64"), &len);

		if (!blob) {            /* hw-empty: no base64 either */
			assert_string_equal(text(o, "base64"), "");
			blob = calloc(1, 1);
			len = 0;
		}
		print_message("%s\n", text(o, "name"));
		assert_int_equal(len, json_integer_value(
			json_object_get(o, "bytes")));
		(!strcmp(text(o, "kind"), "hardware") ? model : machine)
			(o, blob, len);
		free(blob);
	}
	json_decref(all);
}

static void heads(void **state)
{
	json_t *all = table("disk-headers"), *o, *v;
	size_t i;

	assert_true(json_array_size(all) > 25);
	json_array_foreach(all, i, o) {
		const char *hex = text(o, "hex"), *want = text(o, "expect");
		const char *tail_hex = text(o, "tail_hex");
		size_t n = strlen(hex) / 2;
		uint8_t *head = calloc(1, n + 1), tail[512] = { 0 };
		struct disk_sniff s;

		for (size_t k = 0; k < n; k++)
			sscanf(hex + 2 * k, "%2hhx", &head[k]);
		for (size_t k = 0; k < strlen(tail_hex) / 2; k++)
			sscanf(tail_hex + 2 * k, "%2hhx", &tail[k]);
		print_message("%s\n", text(o, "name"));
		disk_sniff(head, n, NULL, 1 << 20, false, &s);
		if (!strcmp(want, "refuse")) {
			assert_null(s.format);
			assert_string_equal(s.code, text(o, "code"));
			assert_true(strlen(s.text) > 20);
		} else {
			assert_non_null(s.format);
			assert_memory_equal(s.format, want, strlen(s.format));
			assert_int_equal(s.dirty, strstr(want, "repair") !=
					 NULL);
		}
		v = json_object_get(o, "virtual_size");
		if (v)
			assert_int_equal(s.virtual_size,
					 json_integer_value(v));
		v = json_object_get(o, "cluster");
		if (v)
			assert_int_equal(s.cluster, json_integer_value(v));
		if (*tail_hex) {
			disk_sniff(head, n, tail, 1 << 20, false, &s);
			assert_null(s.format);
		}
		free(head);
	}
	json_decref(all);
}

static void base64(void **state)
{
	static const char *const bad[] = { "", "=", "abc", "ab=c", "a===",
		"abcd=", "ab*d", "abcdefg", "ab==ab==" };
	size_t len;
	uint8_t *p = identity_base64(" aG Vs\nbG8= ", &len);

	assert_non_null(p);
	assert_int_equal(len, 5);
	assert_memory_equal(p, "hello", 5);
	free(p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(identity_base64(bad[i], &len));
}

static void aux(void **state)
{
	struct err e;
	uint64_t off = 1;

	assert_int_equal(identity_aux(33554432, &off, &e), 0);
	assert_int_equal(off, 0);
	assert_int_equal(identity_aux(33570816, &off, &e), 0);
	assert_int_equal(off, 16384);
	assert_int_equal(identity_aux(33579164, &off, &e), 0);
	assert_int_equal(off, 16384);
	assert_int_equal(identity_aux(33554433, &off, &e), -1);
	assert_int_equal(identity_aux(4096, &off, &e), -1);
	assert_int_equal(identity_aux(0, &off, &e), -1);
}

static void put_at(int fd, off_t at, const void *p, size_t n)
{
	assert_int_equal(pwrite(fd, p, n, at), n);
}

static void ecid_in_aux(void **state)
{
	FILE *f = tmpfile();
	int fd = fileno(f);
	uint64_t v = 0, size = 33570816;
	struct err e;

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(identity_aux_ecid(fd, size, &v, &e), -1);
	/* Where macosvm looks, over the edge of what is read at once, and at
	 * the very end. */
	put_at(fd, 0x6c804, "\x04" "ECID\x02\x08\x00\x4d\x2f\x8a\x61\xc0\x7b"
	       "\xe5", 15);
	put_at(fd, (1 << 20) - 5, "ECID\x02\x07\x4d\x2f\x8a\x61\xc0\x7b\xe5",
	       13);
	put_at(fd, (off_t)size - 13, "ECID\x02\x07\x4d\x2f\x8a\x61\xc0\x7b"
	       "\xe5", 13);
	assert_int_equal(identity_aux_ecid(fd, size, &v, &e), 0);
	assert_int_equal(v, 0x004d2f8a61c07be5);
	/* A second machine */
	put_at(fd, (2 << 20) - 9, "ECID\x02\x09\x00\xf2\x3c\x0d\x4e\x5b\x6a"
	       "\x79\x88", 15);
	assert_int_equal(identity_aux_ecid(fd, size, &v, &e), -1);
	assert_non_null(strstr(e.msg, "f23c0d4e5b6a7988"));
	fclose(f);
}

static void snapshots(void **state)
{
	FILE *f = tmpfile();
	int fd = fileno(f);
	uint8_t h[104] = "QFI\xfb\0\0\0\3", s[96] = { 0 };

	h[63] = 2;                      /* two snapshots at 65536 */
	h[69] = 1;
	s[13] = 1;                      /* id and name, padded to 8 */
	s[15] = 4;
	s[40] = '1';
	memcpy(s + 41, "fine", 4);
	s[48 + 13] = 1;
	s[48 + 15] = 7;
	s[88] = '2';
	memcpy(s + 89, "suspend", 7);
	put_at(fd, 0, h, sizeof(h));
	put_at(fd, 65536, s, sizeof(s));
	assert_true(disk_has_snapshot(fd, h, sizeof(h), "suspend"));
	assert_true(disk_has_snapshot(fd, h, sizeof(h), "fine"));
	assert_false(disk_has_snapshot(fd, h, sizeof(h), "other"));
	h[63] = 1;
	assert_false(disk_has_snapshot(fd, h, sizeof(h), "suspend"));
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blobs), cmocka_unit_test(heads),
		cmocka_unit_test(base64), cmocka_unit_test(aux),
		cmocka_unit_test(ecid_in_aux), cmocka_unit_test(snapshots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
