/* crypto_sha3.c: SHA-512, SHA-3, SM3, SM4. Arm DDI 0487 C7.2; FIPS 180-4,
 * FIPS 202, GB/T 32905, GB/T 32907; rows in crypto.def. */
#include "simd.h"

#define DEC_PLAIN(n) \
op_fn *dec_##n(struct dec *d) \
{ \
	simd_regs(d); \
	return op_##n; \
}

static inline uint64_t ror64(uint64_t v, unsigned n)
{
	return v >> n | v << (64 - n);
}
static inline uint32_t rol32(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

/* ---- SHA-512 ----------------------------------------------------------------- */

static inline uint64_t big_sigma1(uint64_t v)
{
	return ror64(v, 14) ^ ror64(v, 18) ^ ror64(v, 41);
}
static inline uint64_t big_sigma0(uint64_t v)
{
	return ror64(v, 28) ^ ror64(v, 34) ^ ror64(v, 39);
}
static inline uint64_t sigma0(uint64_t v)
{
	return ror64(v, 1) ^ ror64(v, 8) ^ v >> 7;
}
static inline uint64_t sigma1(uint64_t v)
{
	return ror64(v, 19) ^ ror64(v, 61) ^ v >> 6;
}
static inline uint64_t choose(uint64_t x, uint64_t y, uint64_t z)
{
	return ((y ^ z) & x) ^ z;
}
static inline uint64_t majority(uint64_t x, uint64_t y, uint64_t z)
{
	return (x & y) | ((x | y) & z);
}

OP(sha512h)
{
	const simd_u64x2 x = V(rn).vd, y = V(rm).vd, w = V(rd).vd;
	const uint64_t hi = choose(y[1], x[0], x[1]) + big_sigma1(y[1]) + w[1];
	const uint64_t tt = hi + y[0];

	SIMD_OUT(((simd_u64x2){ choose(tt, y[1], x[0]) + big_sigma1(tt) + w[0],
				hi }));
	NEXT(1);
}
OP(sha512h2)
{
	const simd_u64x2 x = V(rn).vd, y = V(rm).vd, w = V(rd).vd;
	const uint64_t hi = majority(x[0], y[1], y[0]) + big_sigma0(y[0]) +
			    w[1];

	SIMD_OUT(((simd_u64x2){ majority(hi, y[0], y[1]) + big_sigma0(hi) +
					w[0],
				hi }));
	NEXT(1);
}
OP(sha512su0)
{
	const simd_u64x2 w = V(rd).vd;

	SIMD_OUT(((simd_u64x2){ w[0] + sigma0(w[1]),
				w[1] + sigma0(V(rn).d[0]) }));
	NEXT(1);
}
OP(sha512su1)
{
	const simd_u64x2 w = V(rd).vd + V(rm).vd, x = V(rn).vd;

	SIMD_OUT(((simd_u64x2){ w[0] + sigma1(x[0]), w[1] + sigma1(x[1]) }));
	NEXT(1);
}
DEC_PLAIN(sha512h)
DEC_PLAIN(sha512h2)
DEC_PLAIN(sha512su0)
DEC_PLAIN(sha512su1)

/* ---- SHA-3 ------------------------------------------------------------------- */

OP(eor3) { SIMD_OUT(V(rn).vd ^ V(rm).vd ^ V(ra).vd); NEXT(1); }
OP(bcax) { SIMD_OUT(V(rn).vd ^ (V(rm).vd & ~V(ra).vd)); NEXT(1); }
OP(rax1)
{
	const simd_u64x2 m = V(rm).vd;

	SIMD_OUT(V(rn).vd ^ (m << 1 | m >> 63));
	NEXT(1);
}
/* imm: rotation to the right */
OP(xar)
{
	const simd_u64x2 tt = V(rn).vd ^ V(rm).vd;
	const uint64_t k = (uint64_t)ip->imm;

	SIMD_OUT(tt >> k | tt << (-k & 63));
	NEXT(1);
}
DEC_PLAIN(eor3)
DEC_PLAIN(bcax)
DEC_PLAIN(rax1)
op_fn *dec_xar(struct dec *d)
{
	simd_regs(d);
	d->r->imm = (int32_t)bits(d->w, 15, 10);
	return op_xar;
}

/* ---- SM3 --------------------------------------------------------------------- */

#define OUT4(a, b, c_, d_) (V(rd).vs = (__typeof__(V(rd).vs)){ a, b, c_, d_ })

OP(sm3ss1)
{
	uint32_t tt = rol32(V(rn).s[3], 12) + V(rm).s[3] + V(ra).s[3];

	OUT4(0, 0, 0, rol32(tt, 7));
	NEXT(1);
}
/* ra: lane of Vm. v: A B C D are lanes 3 2 1 0, or E F G H. */
#define SM3_TT1(n, bool_fn) \
OP(n) \
{ \
	const vreg v = V(rd); \
	const uint32_t x = v.s[3], y = v.s[2], z = v.s[1]; \
	uint32_t tt = (bool_fn) + v.s[0] + (V(rn).s[3] ^ rol32(x, 12)) + \
		     V(rm).s[ip->ra]; \
	OUT4(z, rol32(y, 9), x, tt); \
	NEXT(1); \
}
#define SM3_TT2(n, bool_fn) \
OP(n) \
{ \
	const vreg v = V(rd); \
	const uint32_t x = v.s[3], y = v.s[2], z = v.s[1]; \
	uint32_t tt = (bool_fn) + v.s[0] + V(rn).s[3] + V(rm).s[ip->ra]; \
	OUT4(z, rol32(y, 19), x, tt ^ rol32(tt, 9) ^ rol32(tt, 17)); \
	NEXT(1); \
}
SM3_TT1(sm3tt1a, x ^ y ^ z)
SM3_TT1(sm3tt1b, (x & z) | (x & y) | (z & y))
SM3_TT2(sm3tt2a, x ^ y ^ z)
SM3_TT2(sm3tt2b, (x & y) | (~x & z))

static inline uint32_t sm3_p1(uint32_t v)
{
	return v ^ rol32(v, 15) ^ rol32(v, 23);
}
OP(sm3partw1)
{
	const vreg m = V(rm);
	vreg r;

	r.vd = V(rd).vd ^ V(rn).vd;
	for (int i = 0; i < 3; i++)
		r.s[i] = sm3_p1(r.s[i] ^ rol32(m.s[i + 1], 15));
	r.s[3] = sm3_p1(r.s[3] ^ rol32(r.s[0], 15));
	V(rd) = r;
	NEXT(1);
}
OP(sm3partw2)
{
	vreg tt = V(rm), r;

	tt.vs = V(rn).vs ^ (tt.vs << 7 | tt.vs >> 25);
	r.vd = V(rd).vd ^ tt.vd;
	r.s[3] ^= sm3_p1(rol32(tt.s[0], 15));
	V(rd) = r;
	NEXT(1);
}
DEC_PLAIN(sm3ss1)
DEC_PLAIN(sm3partw1)
DEC_PLAIN(sm3partw2)
#define DEC_SM3_TT(n) \
op_fn *dec_##n(struct dec *d) \
{ \
	simd_regs(d); \
	d->r->ra = (uint8_t)bits(d->w, 13, 12); \
	return op_##n; \
}
DEC_SM3_TT(sm3tt1a)
DEC_SM3_TT(sm3tt1b)
DEC_SM3_TT(sm3tt2a)
DEC_SM3_TT(sm3tt2b)

/* ---- SM4 --------------------------------------------------------------------- */

/* GB/T 32907 */
static const uint8_t sm4_sbox[256] = {
	0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2,
	0x28, 0xfb, 0x2c, 0x05, 0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3,
	0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99, 0x9c, 0x42, 0x50, 0xf4,
	0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
	0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa,
	0x75, 0x8f, 0x3f, 0xa6, 0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba,
	0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8, 0x68, 0x6b, 0x81, 0xb2,
	0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
	0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b,
	0x01, 0x21, 0x78, 0x87, 0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52,
	0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e, 0xea, 0xbf, 0x8a, 0xd2,
	0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
	0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30,
	0xf5, 0x8c, 0xb1, 0xe3, 0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60,
	0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f, 0xd5, 0xdb, 0x37, 0x45,
	0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
	0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41,
	0x1f, 0x10, 0x5a, 0xd8, 0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd,
	0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0, 0x89, 0x69, 0x97, 0x4a,
	0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
	0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e,
	0xd7, 0xcb, 0x39, 0x48,
};
static inline uint32_t sm4_sub(uint32_t v)
{
	return sm4_sbox[v & 255] | (uint32_t)sm4_sbox[v >> 8 & 255] << 8 |
	       (uint32_t)sm4_sbox[v >> 16 & 255] << 16 |
	       (uint32_t)sm4_sbox[v >> 24] << 24;
}
static inline uint32_t sm4_data(uint32_t v)
{
	return v ^ rol32(v, 2) ^ rol32(v, 10) ^ rol32(v, 18) ^ rol32(v, 24);
}
static inline uint32_t sm4_key(uint32_t v)
{
	return v ^ rol32(v, 13) ^ rol32(v, 23);
}
#define SM4_OP(n, state, keys, mix) \
OP(n) \
{ \
	vreg v = V(state); \
	const vreg k = V(keys); \
	for (int i = 0; i < 4; i++) { \
		uint32_t tt = v.s[3] ^ v.s[2] ^ v.s[1] ^ k.s[i]; \
		tt = v.s[0] ^ mix(sm4_sub(tt)); \
		v.s[0] = v.s[1]; \
		v.s[1] = v.s[2]; \
		v.s[2] = v.s[3]; \
		v.s[3] = tt; \
	} \
	V(rd) = v; \
	NEXT(1); \
}
SM4_OP(sm4e, rd, rn, sm4_data)
SM4_OP(sm4ekey, rn, rm, sm4_key)
DEC_PLAIN(sm4e)
DEC_PLAIN(sm4ekey)
