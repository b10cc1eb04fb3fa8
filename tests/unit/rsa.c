/* SHA-384 against nettle, RSA against a signature made elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <nettle/sha2.h>

#include "data.h"
#include "img4.h"
#include "rsa.h"

DATA(good, "tests/data/firmware/good.img4");

static void digests(void **state)
{
	static const uint8_t abc[] = {
		0xcb, 0x00, 0x75, 0x3f, 0x45, 0xa3, 0x5e, 0x8b, 0xb5, 0xa0,
		0x3d, 0x69, 0x9a, 0xc6, 0x50, 0x07, 0x27, 0x2c, 0x32, 0xab,
		0x0e, 0xde, 0xd1, 0x63, 0x1a, 0x8b, 0x60, 0x5a, 0x43, 0xff,
		0x5b, 0xed, 0x80, 0x86, 0x07, 0x2b, 0xa1, 0xe7, 0xcc, 0x23,
		0x58, 0xba, 0xec, 0xa1, 0x34, 0xc8, 0x25, 0xa7,
	};
	uint8_t buf[700], got[48], want[48];
	uint64_t seed = 3;

	sha384("abc", 3, got);
	assert_memory_equal(got, abc, 48);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)data_random(&seed);
	for (size_t n = 0; n <= sizeof(buf); n++) {
		struct sha384_ctx c;

		sha384_init(&c);
		sha384_update(&c, n, buf);
		sha384_digest(&c, sizeof(want), want);
		sha384(buf, n, got);
		assert_memory_equal(got, want, 48);
	}
}

static struct img4 img;
static struct cert leaf;
static uint8_t digest[48];

static int setup(void **state)
{
	struct der certs;

	if (img4_parse(good, DATA_SIZE(good), &img))
		return -1;
	certs = img.m.certs;
	sha384(img.m.covered.p, img.m.covered.n, digest);
	return cert_parse(&certs, &leaf) ? -1 : 0;
}

static void signature(void **state)
{
	uint8_t sig[512], n[512], d[48];

	assert_null(rsa_check(leaf.modulus, leaf.exponent, img.m.signature.p,
			      digest));
	memcpy(d, digest, 48);
	d[47] ^= 1;
	assert_non_null(rsa_check(leaf.modulus, leaf.exponent,
				  img.m.signature.p, d));
	memcpy(sig, img.m.signature.p, 512);
	for (unsigned i = 0; i < 512; i += 37) {
		sig[i] ^= 0x10;
		assert_non_null(rsa_check(leaf.modulus, leaf.exponent, sig,
					  digest));
		sig[i] ^= 0x10;
	}
	memcpy(n, leaf.modulus, 512);
	assert_non_null(rsa_check(n, 3, sig, digest));
	assert_string_equal(rsa_check(n, 65536, sig, digest),
			    "the key is no RSA key");
	assert_string_equal(rsa_check(n, 1, sig, digest),
			    "the key is no RSA key");
	n[511] &= 0xfe;
	assert_string_equal(rsa_check(n, 65537, sig, digest),
			    "the key is no RSA key");
	n[0] &= 0x7f;
	assert_string_equal(rsa_check(n, 65537, sig, digest),
			    "the key has fewer than 4096 bits");
	/* s + n would be a second signature of the same message */
	assert_string_equal(rsa_check(leaf.modulus, 65537, leaf.modulus,
				      digest),
			    "the signature is larger than the modulus");
}

/* s = 0, 1 and n - 1 have powers that anyone can write down. */
static void trivial(void **state)
{
	uint8_t sig[512] = { 0 };

	assert_non_null(rsa_check(leaf.modulus, 65537, sig, digest));
	sig[511] = 1;
	assert_non_null(rsa_check(leaf.modulus, 65537, sig, digest));
	memcpy(sig, leaf.modulus, 512);
	sig[511]--;
	assert_non_null(rsa_check(leaf.modulus, 65537, sig, digest));
}

static void names(void **state)
{
	assert_int_equal(leaf.subject.n, 14);
	assert_memory_equal(leaf.subject.p, "pome test leaf", 14);
	assert_memory_equal(leaf.issuer.p, "pome test root", 14);
	assert_true(leaf.restricts);
	assert_true(leaf.exponent == 65537);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(signature),
		cmocka_unit_test(trivial),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
