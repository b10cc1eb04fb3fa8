/* RSA signature check: RFC 8017 section 8.2.2, with EMSA-PKCS1-v1_5 of section
 * 9.2: the padded digest is built and compared whole, nothing is parsed.
 * Multiplication is Montgomery's with 64-bit digits. */
#include "rsa.h"

#define DIGITS (RSA_BYTES / 8)

typedef unsigned __int128 wide;

struct num {
	uint64_t d[DIGITS];             /* least significant first */
};

static void load(struct num *x, const uint8_t *be)
{
	for (unsigned i = 0; i < DIGITS; i++)
		x->d[i] = ld64be(be + RSA_BYTES - 8 * (i + 1));
}

static void store(const struct num *x, uint8_t *be)
{
	for (unsigned i = 0; i < DIGITS; i++)
		st64be(be + RSA_BYTES - 8 * (i + 1), x->d[i]);
}

static bool less(const struct num *a, const struct num *b)
{
	for (unsigned i = DIGITS; i--;)
		if (a->d[i] != b->d[i])
			return a->d[i] < b->d[i];
	return false;
}

static void subtract(uint64_t *a, const struct num *b)
{
	uint64_t borrow = 0;

	for (unsigned i = 0; i < DIGITS; i++) {
		wide v = (wide)a[i] - b->d[i] - borrow;

		a[i] = (uint64_t)v;
		borrow = (uint64_t)(v >> 64) & 1;
	}
}

/* r = a * b / 2^4096 mod n; a, b < n. `inv` is -1/n mod 2^64. */
static void multiply(struct num *r, const struct num *a, const struct num *b,
		     const struct num *n, uint64_t inv)
{
	uint64_t t[DIGITS + 2] = { 0 };

	for (unsigned i = 0; i < DIGITS; i++) {
		uint64_t m, carry = 0;
		wide v;

		for (unsigned j = 0; j < DIGITS; j++) {
			v = (wide)a->d[j] * b->d[i] + t[j] + carry;
			t[j] = (uint64_t)v;
			carry = (uint64_t)(v >> 64);
		}
		v = (wide)t[DIGITS] + carry;
		t[DIGITS] = (uint64_t)v;
		t[DIGITS + 1] = (uint64_t)(v >> 64);
		m = t[0] * inv;
		v = (wide)m * n->d[0] + t[0];
		carry = (uint64_t)(v >> 64);
		for (unsigned j = 1; j < DIGITS; j++) {
			v = (wide)m * n->d[j] + t[j] + carry;
			t[j - 1] = (uint64_t)v;
			carry = (uint64_t)(v >> 64);
		}
		v = (wide)t[DIGITS] + carry;
		t[DIGITS - 1] = (uint64_t)v;
		t[DIGITS] = t[DIGITS + 1] + (uint64_t)(v >> 64);
	}
	memcpy(r->d, t, sizeof(r->d));
	if (t[DIGITS] || !less(r, n))
		subtract(r->d, n);
}

/* r = 2^8192 mod n, by doubling 2^4096 - n (n has its top bit set). */
static void make_r2(struct num *r, const struct num *n)
{
	memset(r, 0, sizeof(*r));
	subtract(r->d, n);
	for (unsigned i = 0; i < 8 * RSA_BYTES; i++) {
		uint64_t top = r->d[DIGITS - 1] >> 63;

		for (unsigned j = DIGITS; --j;)
			r->d[j] = r->d[j] << 1 | r->d[j - 1] >> 63;
		r->d[0] <<= 1;
		if (top || !less(r, n))
			subtract(r->d, n);
	}
}

static uint64_t minus_inverse(uint64_t n)
{
	uint64_t x = n;                 /* right in three bits */

	for (unsigned i = 0; i < 5; i++)
		x *= 2 - n * x;
	return -x;
}

/* x = x^e mod n */
static void power(struct num *x, uint64_t e, const struct num *n)
{
	uint64_t inv = minus_inverse(n->d[0]);
	struct num base, one = { { 1 } };

	make_r2(&base, n);
	multiply(&base, x, &base, n, inv);
	*x = base;
	for (int i = 62 - __builtin_clzll(e); i >= 0; i--) {
		multiply(x, x, x, n, inv);
		if (e >> i & 1)
			multiply(x, x, &base, n, inv);
	}
	multiply(x, x, &one, n, inv);
}

const char *rsa_check(const uint8_t n[RSA_BYTES], uint64_t e,
		      const uint8_t sig[RSA_BYTES],
		      const uint8_t digest[SHA384_SIZE])
{
	/* DigestInfo of SHA-384 up to the digest: section 9.2, note 1 */
	static const uint8_t info[19] = {
		0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
		0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30,
	};
	const size_t pad = RSA_BYTES - sizeof(info) - SHA384_SIZE;
	uint8_t want[RSA_BYTES], got[RSA_BYTES];
	struct num mod, x;

	load(&mod, n);
	load(&x, sig);
	if (!(n[0] & 128))
		return "the key has fewer than 4096 bits";
	if (!(mod.d[0] & 1) || e < 3 || !(e & 1))
		return "the key is no RSA key";
	if (!less(&x, &mod))
		return "the signature is larger than the modulus";
	power(&x, e, &mod);
	store(&x, got);
	memset(want, 0xff, pad);
	want[0] = 0;
	want[1] = 1;
	want[pad - 1] = 0;
	memcpy(want + pad, info, sizeof(info));
	memcpy(want + pad + sizeof(info), digest, SHA384_SIZE);
	return memcmp(want, got, RSA_BYTES) ? "the signature is wrong" : NULL;
}
