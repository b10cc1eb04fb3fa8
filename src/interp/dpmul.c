/* dpmul.c: data processing, register: multiply, divide, shift by register,
 * CRC32, and one-source operations. Rows are in dpreg.def. */
#include "decode.h"
#include "hot.h"

/* ---- multiply ------------------------------------------------------------ */

HOT_OP(mul)
HOT_OP(mul_w)
HOT_OP(madd)
HOT_OP(madd_w)
HOT_OP(msub)
HOT_OP(msub_w)
#define SPROD ((uint64_t)((int64_t)(int32_t)X(rn) * (int32_t)X(rm)))
#define UPROD ((uint64_t)(uint32_t)X(rn) * (uint32_t)X(rm))
OP(smaddl) { X(rd) = X(ra) + SPROD; NEXT(1); }
OP(smsubl) { X(rd) = X(ra) - SPROD; NEXT(1); }
HOT_OP(umaddl)
OP(umsubl) { X(rd) = X(ra) - UPROD; NEXT(1); }
OP(smulh)
{
	X(rd) = (uint64_t)((__int128)(int64_t)X(rn) * (int64_t)X(rm) >> 64);
	NEXT(1);
}
HOT_OP(umulh)

op_fn *dec_mul(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	switch (bits(d->w, 23, 21) * 2 + bits(d->w, 15, 15)) {
	case 0:
		if (d->ra == 31)
			return d->sf ? op_mul : op_mul_w;
		return d->sf ? op_madd : op_madd_w;
	case 1: return d->sf ? op_msub : op_msub_w;
	case 2: return op_smaddl;
	case 3: return op_smsubl;
	case 4: return op_smulh;
	case 10: return op_umaddl;
	case 11: return op_umsubl;
	case 12: return op_umulh;
	default: return NULL;
	}
}

/* ---- two sources ---------------------------------------------------------- */

HOT_OP(udiv)
HOT_OP(udiv_w)
/* -1 apart: INT_MIN / -1 is INT_MIN here and a trap on some hosts */
OP(sdiv)
{
	int64_t a = (int64_t)X(rn), b = (int64_t)X(rm);

	X(rd) = b == 0 ? 0 : b == -1 ? -(uint64_t)a : (uint64_t)(a / b);
	NEXT(1);
}
OP(sdiv_w)
{
	int32_t a = (int32_t)X(rn), b = (int32_t)X(rm);

	SET_W(rd, b == 0 ? 0 : b == -1 ? -(uint32_t)a : (uint32_t)(a / b));
	NEXT(1);
}
HOT_OP(lslv)
HOT_OP(lslv_w)
HOT_OP(lsrv)
HOT_OP(lsrv_w)
OP(asrv) { X(rd) = (uint64_t)((int64_t)X(rn) >> (X(rm) & 63)); NEXT(1); }
OP(asrv_w) { SET_W(rd, (int32_t)X(rn) >> (X(rm) & 31)); NEXT(1); }
OP(rorv)
{
	uint64_t v = X(rn), s = X(rm) & 63;

	X(rd) = v >> s | v << (-s & 63);
	NEXT(1);
}
OP(rorv_w)
{
	uint32_t v = (uint32_t)X(rn), s = X(rm) & 31;

	SET_W(rd, v >> s | v << (-s & 31));
	NEXT(1);
}

op_fn *dec_dp2(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	switch (bits(d->w, 15, 10)) {
	case 2: return d->sf ? op_udiv : op_udiv_w;
	case 3: return d->sf ? op_sdiv : op_sdiv_w;
	case 8: return d->sf ? op_lslv : op_lslv_w;
	case 9: return d->sf ? op_lsrv : op_lsrv_w;
	case 10: return d->sf ? op_asrv : op_asrv_w;
	case 11: return d->sf ? op_rorv : op_rorv_w;
	default: return NULL;
	}
}

/* ---- CRC ------------------------------------------------------------------ */

/* Bit-reflected polynomials 0x04C11DB7 (CRC32) and 0x1EDC6F41 (CRC32C), four
 * bits at a time. */
static uint32_t crc_step(const uint32_t *table, uint32_t crc, uint64_t v,
			 unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		crc ^= (uint8_t)(v >> 8 * i);
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

static const uint32_t crc32_table[16] = {
	0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
	0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
	0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};
static const uint32_t crc32c_table[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

OP(crc32)
{
	X(rd) = crc_step(crc32_table, (uint32_t)X(rn), X(rm), ip->ra);
	NEXT(1);
}
OP(crc32c)
{
	X(rd) = crc_step(crc32c_table, (uint32_t)X(rn), X(rm), ip->ra);
	NEXT(1);
}

op_fn *dec_crc(struct dec *d)
{
	unsigned size = bits(d->w, 11, 10);

	if ((size == 3) != d->sf)
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->ra = (uint8_t)(1 << size);
	return bits(d->w, 12, 12) ? op_crc32c : op_crc32;
}

/* ---- one source ------------------------------------------------------------ */

static inline uint64_t reverse_bits(uint64_t v)
{
	v = (v >> 1 & 0x5555555555555555u) | (v & 0x5555555555555555u) << 1;
	v = (v >> 2 & 0x3333333333333333u) | (v & 0x3333333333333333u) << 2;
	v = (v >> 4 & 0x0f0f0f0f0f0f0f0fu) | (v & 0x0f0f0f0f0f0f0f0fu) << 4;
	return __builtin_bswap64(v);
}

OP(rbit) { X(rd) = reverse_bits(X(rn)); NEXT(1); }
OP(rbit_w) { X(rd) = reverse_bits(X(rn)) >> 32; NEXT(1); }
OP(rev16)
{
	uint64_t v = X(rn);

	X(rd) = (v & 0x00ff00ff00ff00ffu) << 8 | (v >> 8 & 0x00ff00ff00ff00ffu);
	NEXT(1);
}
OP(rev16_w)
{
	uint32_t v = (uint32_t)X(rn);

	SET_W(rd, (v & 0x00ff00ff) << 8 | (v >> 8 & 0x00ff00ff));
	NEXT(1);
}
OP(rev32)
{
	uint64_t v = __builtin_bswap64(X(rn));

	X(rd) = v >> 32 | v << 32;
	NEXT(1);
}
OP(rev_w) { X(rd) = __builtin_bswap32((uint32_t)X(rn)); NEXT(1); }
OP(rev64) { X(rd) = __builtin_bswap64(X(rn)); NEXT(1); }
OP(clz)
{
	uint64_t v = X(rn);

	X(rd) = v ? (uint64_t)__builtin_clzll(v) : 64;
	NEXT(1);
}
OP(clz_w)
{
	uint32_t v = (uint32_t)X(rn);

	X(rd) = v ? (uint64_t)__builtin_clz(v) : 32;
	NEXT(1);
}
/* leading bits equal to the sign, without it: | 1 makes the result 63 for 0 */
OP(cls)
{
	uint64_t v = X(rn);

	X(rd) = (uint64_t)__builtin_clzll((v ^ v << 1) | 1);
	NEXT(1);
}
OP(cls_w)
{
	uint32_t v = (uint32_t)X(rn);

	X(rd) = (uint64_t)__builtin_clz((v ^ v << 1) | 1);
	NEXT(1);
}

op_fn *dec_dp1(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	switch (bits(d->w, 15, 10)) {
	case 0: return d->sf ? op_rbit : op_rbit_w;
	case 1: return d->sf ? op_rev16 : op_rev16_w;
	case 2: return d->sf ? op_rev32 : op_rev_w;
	case 3: return op_rev64;
	case 4: return d->sf ? op_clz : op_clz_w;
	case 5: return d->sf ? op_cls : op_cls_w;
	default: return NULL;
	}
}
