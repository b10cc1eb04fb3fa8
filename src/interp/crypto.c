/* crypto.c: AES, polynomial products of 64 bits, SHA-1 and SHA-256.
 * Arm DDI 0487 C7.2; FIPS 197, FIPS 180-4. Each in portable C, and on the
 * host's own instructions where it has them. Rows in crypto.def; the rest of
 * them is in crypto_sha3.c. */
#include "simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define DEC_PLAIN(n, h) \
op_fn *dec_##n(struct dec *d) \
{ \
	simd_regs(d); \
	return h; \
}
#if defined(__x86_64__)
#define HOST(feature, n) \
	(__builtin_cpu_supports(feature) ? op_##n##_host : op_##n)
#else
#define HOST(feature, n) op_##n
#endif

/* ---- AES --------------------------------------------------------------------- */

/* FIPS 197, 5.1.1 and 5.3.2 */
static const uint8_t sbox[256] = {
	0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b,
	0xfe, 0xd7, 0xab, 0x76, 0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0,
	0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26,
	0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
	0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2,
	0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0,
	0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed,
	0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
	0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f,
	0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5,
	0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec,
	0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
	0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14,
	0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c,
	0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d,
	0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
	0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f,
	0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e,
	0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1, 0xf8, 0x98, 0x11,
	0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
	0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f,
	0xb0, 0x54, 0xbb, 0x16,
};
/* inverse */
static const uint8_t inv_sbox[256] = {
	0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e,
	0x81, 0xf3, 0xd7, 0xfb, 0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87,
	0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb, 0x54, 0x7b, 0x94, 0x32,
	0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
	0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49,
	0x6d, 0x8b, 0xd1, 0x25, 0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16,
	0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92, 0x6c, 0x70, 0x48, 0x50,
	0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
	0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05,
	0xb8, 0xb3, 0x45, 0x06, 0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02,
	0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b, 0x3a, 0x91, 0x11, 0x41,
	0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
	0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8,
	0x1c, 0x75, 0xdf, 0x6e, 0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89,
	0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b, 0xfc, 0x56, 0x3e, 0x4b,
	0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
	0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59,
	0x27, 0x80, 0xec, 0x5f, 0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d,
	0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef, 0xa0, 0xe0, 0x3b, 0x4d,
	0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
	0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63,
	0x55, 0x21, 0x0c, 0x7d,
};
/* Byte i of the state is row i % 4 of column i / 4; row r moves r columns. */
static vreg aes_sub_shift(vreg a, vreg b)
{
	vreg r;

	a.vd ^= b.vd;
	for (unsigned i = 0; i < 16; i++)
		r.b[i] = sbox[a.b[(i + i % 4 * 4) & 15]];
	return r;
}
static vreg aes_inv_sub_shift(vreg a, vreg b)
{
	vreg r;

	a.vd ^= b.vd;
	for (unsigned i = 0; i < 16; i++)
		r.b[i] = inv_sbox[a.b[(i - i % 4 * 4) & 15]];
	return r;
}
/* Times x in GF(2^8), byte by byte. */
static inline uint32_t xtime(uint32_t v)
{
	return (v & 0x7f7f7f7f) << 1 ^ (v >> 7 & 0x01010101) * 0x1b;
}
static inline uint32_t ror32(uint32_t v, unsigned n)
{
	return v >> n | v << (32 - n);
}
static inline uint32_t rol32(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}
/* A column times {02, 03, 01, 01} */
static inline uint32_t mix_column(uint32_t v)
{
	uint32_t x2 = xtime(v);

	return x2 ^ ror32(v ^ x2, 8) ^ ror32(v, 16) ^ ror32(v, 24);
}
static vreg aes_mix(vreg a)
{
	for (int i = 0; i < 4; i++)
		a.s[i] = mix_column(a.s[i]);
	return a;
}
/* The inverse is the same after a factor of {05, 00, 04, 00}. */
static vreg aes_inv_mix(vreg a)
{
	for (int i = 0; i < 4; i++) {
		uint32_t x4 = xtime(xtime(a.s[i]));

		a.s[i] = mix_column(a.s[i] ^ x4 ^ ror32(x4, 16));
	}
	return a;
}

OP(aese) { V(rd) = aes_sub_shift(V(rd), V(rn)); NEXT(1); }
OP(aesd) { V(rd) = aes_inv_sub_shift(V(rd), V(rn)); NEXT(1); }
OP(aesmc) { V(rd) = aes_mix(V(rn)); NEXT(1); }
OP(aesimc) { V(rd) = aes_inv_mix(V(rn)); NEXT(1); }

#if defined(__x86_64__)
#define AES_NI __attribute__((target("aes")))
#define Q(r) ((__m128i)V(r).vd)
AES_NI OP(aese_host)
{
	SIMD_OUT(_mm_aesenclast_si128(Q(rd) ^ Q(rn), _mm_setzero_si128()));
	NEXT(1);
}
AES_NI OP(aesd_host)
{
	SIMD_OUT(_mm_aesdeclast_si128(Q(rd) ^ Q(rn), _mm_setzero_si128()));
	NEXT(1);
}
/* A round without the mixing undone, then one with it. */
AES_NI OP(aesmc_host)
{
	const __m128i z = _mm_setzero_si128();

	SIMD_OUT(_mm_aesenc_si128(_mm_aesdeclast_si128(Q(rn), z), z));
	NEXT(1);
}
AES_NI OP(aesimc_host) { SIMD_OUT(_mm_aesimc_si128(Q(rn))); NEXT(1); }
#endif
DEC_PLAIN(aese, HOST("aes", aese))
DEC_PLAIN(aesd, HOST("aes", aesd))
DEC_PLAIN(aesmc, HOST("aes", aesmc))
DEC_PLAIN(aesimc, HOST("aes", aesimc))

/* ---- PMULL, PMULL2 of 64 bits --------------------------------------------------- */

static vreg pmull64(uint64_t a, uint64_t b)
{
	unsigned __int128 p = 0;

	for (int i = 0; i < 64; i++)
		p ^= ((unsigned __int128)a << i) &
		     -(unsigned __int128)(b >> i & 1);
	return (vreg){ .d = { (uint64_t)p, (uint64_t)(p >> 64) } };
}
OP(pmull_lo) { V(rd) = pmull64(V(rn).d[0], V(rm).d[0]); NEXT(1); }
OP(pmull_hi) { V(rd) = pmull64(V(rn).d[1], V(rm).d[1]); NEXT(1); }
#if defined(__x86_64__)
#define PCLMUL __attribute__((target("pclmul")))
PCLMUL OP(pmull_lo_host)
{
	SIMD_OUT(_mm_clmulepi64_si128(Q(rn), Q(rm), 0x00));
	NEXT(1);
}
PCLMUL OP(pmull_hi_host)
{
	SIMD_OUT(_mm_clmulepi64_si128(Q(rn), Q(rm), 0x11));
	NEXT(1);
}
#endif
DEC_PLAIN(pmull_q, simd_q(d) ? HOST("pclmul", pmull_hi)
			     : HOST("pclmul", pmull_lo))

/* ---- SHA-1 ------------------------------------------------------------------------ */

static inline uint32_t choose(uint32_t x, uint32_t y, uint32_t z)
{
	return ((y ^ z) & x) ^ z;
}
static inline uint32_t parity(uint32_t x, uint32_t y, uint32_t z)
{
	return x ^ y ^ z;
}
static inline uint32_t majority(uint32_t x, uint32_t y, uint32_t z)
{
	return (x & y) | ((x | y) & z);
}
/* Four rounds: A to D in Vd, E in Sn, words with their constants in Vm. */
#define SHA1_OP(n, f) \
OP(n) \
{ \
	const vreg w = V(rm); \
	uint32_t p = V(rd).s[0], q = V(rd).s[1], r = V(rd).s[2], \
		 s = V(rd).s[3], e = V(rn).s[0]; \
	for (int i = 0; i < 4; i++) { \
		uint32_t tt = e + rol32(p, 5) + f(q, r, s) + w.s[i]; \
		e = s; \
		s = r; \
		r = rol32(q, 30); \
		q = p; \
		p = tt; \
	} \
	V(rd).vs = (__typeof__(V(rd).vs)){ p, q, r, s }; \
	NEXT(1); \
}
SHA1_OP(sha1c, choose)
SHA1_OP(sha1p, parity)
SHA1_OP(sha1m, majority)

OP(sha1h)
{
	SIMD_OUT(((simd_u64x2){ rol32(V(rn).s[0], 30), 0 }));
	NEXT(1);
}
OP(sha1su0)
{
	const simd_u64x2 d = V(rd).vd;

	SIMD_OUT((((simd_u64x2){ d[1], V(rn).d[0] }) ^ d ^ V(rm).vd));
	NEXT(1);
}
OP(sha1su1)
{
	const vreg d = V(rd), n = V(rn);
	const uint32_t t0 = d.s[0] ^ n.s[1], t1 = d.s[1] ^ n.s[2],
		       t2 = d.s[2] ^ n.s[3], t3 = d.s[3];

	V(rd).vs = (__typeof__(V(rd).vs)){ rol32(t0, 1), rol32(t1, 1),
					   rol32(t2, 1),
					   rol32(t3, 1) ^ rol32(t0, 2) };
	NEXT(1);
}

#if defined(__x86_64__)
/* SHA1RNDS4 has A in the highest lane, takes the words with E added to the
 * first, and adds the constant itself, which here was added before. */
#define SHA_NI __attribute__((target("sha,sse4.1")))
#define SHA1_HOST(n, f, k) \
SHA_NI OP(n##_host) \
{ \
	__m128i s = _mm_shuffle_epi32(Q(rd), 0x1b); \
	__m128i w = _mm_sub_epi32(Q(rm), _mm_set1_epi32((int)k)); \
	w = _mm_add_epi32(w, _mm_set_epi32(0, 0, 0, V(rn).ss[0])); \
	w = _mm_shuffle_epi32(w, 0x1b); \
	SIMD_OUT(_mm_shuffle_epi32(_mm_sha1rnds4_epu32(s, w, f), 0x1b)); \
	NEXT(1); \
}
SHA1_HOST(sha1c, 0, 0x5a827999u)
SHA1_HOST(sha1p, 1, 0x6ed9eba1u)
SHA1_HOST(sha1m, 2, 0x8f1bbcdcu)
#endif

DEC_PLAIN(sha1c, HOST("sha", sha1c))
DEC_PLAIN(sha1p, HOST("sha", sha1p))
DEC_PLAIN(sha1m, HOST("sha", sha1m))
DEC_PLAIN(sha1h, op_sha1h)
DEC_PLAIN(sha1su0, op_sha1su0)
DEC_PLAIN(sha1su1, op_sha1su1)

/* ---- SHA-256 ------------------------------------------------------------------------ */

/* Four rounds on A to D in x, E to H in y. */
static inline void sha256_rounds(vreg *x, vreg *y, const vreg *w)
{
	for (int i = 0; i < 4; i++) {
		uint32_t a = x->s[0], e = y->s[0];
		uint32_t tt = y->s[3] + choose(e, y->s[1], y->s[2]) + w->s[i] +
			     (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25));
		uint32_t u = majority(a, x->s[1], x->s[2]) +
			     (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22));

		y->s[3] = y->s[2];
		y->s[2] = y->s[1];
		y->s[1] = e;
		y->s[0] = x->s[3] + tt;
		x->s[3] = x->s[2];
		x->s[2] = x->s[1];
		x->s[1] = a;
		x->s[0] = tt + u;
	}
}
OP(sha256h)
{
	vreg x = V(rd), y = V(rn), w = V(rm);

	sha256_rounds(&x, &y, &w);
	V(rd) = x;
	NEXT(1);
}
OP(sha256h2)
{
	vreg x = V(rn), y = V(rd), w = V(rm);

	sha256_rounds(&x, &y, &w);
	V(rd) = y;
	NEXT(1);
}
static inline uint32_t sha256_s0(uint32_t v)
{
	return ror32(v, 7) ^ ror32(v, 18) ^ v >> 3;
}
static inline uint32_t sha256_s1(uint32_t v)
{
	return ror32(v, 17) ^ ror32(v, 19) ^ v >> 10;
}
OP(sha256su0)
{
	const vreg d = V(rd);
	vreg r;

	for (int i = 0; i < 4; i++)
		r.s[i] = d.s[i] + sha256_s0(i < 3 ? d.s[i + 1] : V(rn).s[0]);
	V(rd).vd = r.vd;
	NEXT(1);
}
OP(sha256su1)
{
	const vreg d = V(rd), n = V(rn), m = V(rm);
	vreg r;

	r.s[0] = d.s[0] + n.s[1] + sha256_s1(m.s[2]);
	r.s[1] = d.s[1] + n.s[2] + sha256_s1(m.s[3]);
	r.s[2] = d.s[2] + n.s[3] + sha256_s1(r.s[0]);
	r.s[3] = d.s[3] + m.s[0] + sha256_s1(r.s[1]);
	V(rd).vd = r.vd;
	NEXT(1);
}

#if defined(__x86_64__)
/* The host's instruction does two rounds on {F, E, B, A} and {H, G, D, C},
 * lowest lane first. */
#define SHA256_HOST(n, abcd, efgh, imm_lo, imm_hi) \
SHA_NI OP(n##_host) \
{ \
	const __m128i x = abcd, y = efgh, w = Q(rm); \
	const __m128i ba = _mm_shuffle_epi32(x, 0xb1); /* B A D C */ \
	const __m128i fe = _mm_shuffle_epi32(y, 0xb1); /* F E H G */ \
	__m128i p = _mm_unpacklo_epi64(fe, ba), q = _mm_unpackhi_epi64(fe, ba); \
	q = _mm_sha256rnds2_epu32(q, p, w); \
	p = _mm_sha256rnds2_epu32(p, q, _mm_shuffle_epi32(w, 0xee)); \
	/* p is now {F, E, B, A}, q {H, G, D, C} */ \
	SIMD_OUT(_mm_shuffle_epi32(_mm_unpack##imm_lo##_epi64(p, q), imm_hi)); \
	NEXT(1); \
}
SHA256_HOST(sha256h, Q(rd), Q(rn), hi, 0xb1)
SHA256_HOST(sha256h2, Q(rn), Q(rd), lo, 0xb1)
SHA_NI OP(sha256su0_host)
{
	SIMD_OUT(_mm_sha256msg1_epu32(Q(rd), Q(rn)));
	NEXT(1);
}
SHA_NI OP(sha256su1_host)
{
	const __m128i tt = _mm_alignr_epi8(Q(rm), Q(rn), 4);

	SIMD_OUT(_mm_sha256msg2_epu32(_mm_add_epi32(Q(rd), tt), Q(rm)));
	NEXT(1);
}
#endif
DEC_PLAIN(sha256h, HOST("sha", sha256h))
DEC_PLAIN(sha256h2, HOST("sha", sha256h2))
DEC_PLAIN(sha256su0, HOST("sha", sha256su0))
DEC_PLAIN(sha256su1, HOST("sha", sha256su1))
