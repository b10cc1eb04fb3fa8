/* SHA-384: FIPS 180-4 sections 4.1.3, 4.2.3, 5.3.4, 6.4. One call over data
 * that is all in memory. */
#include "sha384.h"

static const uint64_t k[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
	0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242,
	0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
	0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275,
	0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f,
	0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
	0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc,
	0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6,
	0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
	0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
	0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99,
	0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
	0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc,
	0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915,
	0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
	0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba,
	0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* 5.3.4: fractions of the roots of the 9th to 16th prime */
static const uint64_t start[8] = {
	0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
	0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511,
	0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

static inline uint64_t ror(uint64_t x, unsigned n)
{
	return x >> n | x << (64 - n);
}

/* 6.4.2: one block; the schedule is a ring of sixteen words. */
static void block(uint64_t h[8], const uint8_t *p)
{
	uint64_t w[16], a = h[0], b = h[1], c = h[2], d = h[3];
	uint64_t e = h[4], f = h[5], g = h[6], hh = h[7];

	for (unsigned i = 0; i < 16; i++)
		w[i] = ld64be(p + 8 * i);
	for (unsigned t = 0; t < 80; t++) {
		uint64_t x = w[t & 15], t1, t2;

		t1 = hh + (ror(e, 14) ^ ror(e, 18) ^ ror(e, 41)) +
		     (g ^ (e & (f ^ g))) + k[t] + x;
		t2 = (ror(a, 28) ^ ror(a, 34) ^ ror(a, 39)) +
		     ((a & b) | (c & (a | b)));
		hh = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
		if (t < 64) {           /* W[t + 16] */
			uint64_t s0 = w[(t + 1) & 15], s1 = w[(t + 14) & 15];

			w[t & 15] = x + w[(t + 9) & 15] +
				(ror(s0, 1) ^ ror(s0, 8) ^ s0 >> 7) +
				(ror(s1, 19) ^ ror(s1, 61) ^ s1 >> 6);
		}
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
	h[4] += e;
	h[5] += f;
	h[6] += g;
	h[7] += hh;
}

void sha384(const void *data, size_t len, uint8_t digest[SHA384_SIZE])
{
	const uint8_t *p = data;
	uint8_t last[256];
	size_t left = len, n;
	uint64_t h[8];

	memcpy(h, start, sizeof(h));
	for (; left >= 128; left -= 128, p += 128)
		block(h, p);
	/* 5.1.2: a one, zeros, the length in bits */
	n = left < 112 ? 128 : 256;
	memset(last, 0, sizeof(last));
	if (left)
		memcpy(last, p, left);
	last[left] = 0x80;
	st64be(last + n - 16, (uint64_t)len >> 61);
	st64be(last + n - 8, (uint64_t)len << 3);
	block(h, last);
	if (n == 256)
		block(h, last + 128);
	for (unsigned i = 0; i < SHA384_SIZE / 8; i++)
		st64be(digest + 8 * i, h[i]);
}
