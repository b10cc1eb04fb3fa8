/* dpreg.c: data processing, register: add/subtract, logical, carry, flags,
 * conditional compare and select. Arm ARM C4.1.95. Multiply, divide, shift by
 * register, CRC and bit counting are in dpmul.c. */
#include "decode.h"
#include "hot.h"

/* ---- shifted register --------------------------------------------------- */

/* An operation in all its shapes: shift kind (none, LSL, LSR, ASR, ROR) and
 * width. */
#define ALU1(n, sh, SH) \
	OP_SHARED(n##_##sh) \
	{ HOT_RES; ALU64(n, SH, X(rn), X(rm)); NEXT(1); } \
	OP_SHARED(n##_##sh##w) \
	{ HOT_RES; ALU32(n, SH, X(rn), X(rm)); NEXT(1); }
#define ALU(n) \
	ALU1(n, none, SHIFT_NONE) \
	ALU1(n, lsl, SHIFT_LSL) \
	ALU1(n, lsr, SHIFT_LSR) \
	ALU1(n, asr, SHIFT_ASR)
#define ALU_ROR(n) ALU(n) ALU1(n, ror, SHIFT_ROR)

ALU(add)
ALU(sub)
ALU_ROR(and)
ALU_ROR(bic)
ALU_ROR(orr)
ALU_ROR(orn)
ALU_ROR(eor)
ALU_ROR(eon)

HOT_OP(mov)
HOT_OP(mov_w)

/* Flag-setting forms. */
#define FLAGS1(sh, SH) \
	OP_SHARED(subs_##sh) \
	{ HOT_RES; SUBS64(SH, X(rn), X(rm)); NEXT(1); } \
	OP_SHARED(subs_##sh##w) \
	{ HOT_RES; SUBS32(SH, X(rn), X(rm)); NEXT(1); } \
	OP_SHARED(adds_##sh) \
	{ HOT_RES; ADDS64(SH, X(rn), X(rm)); NEXT(1); } \
	OP_SHARED(adds_##sh##w) \
	{ HOT_RES; ADDS32(SH, X(rn), X(rm)); NEXT(1); }
FLAGS1(none, SHIFT_NONE)
FLAGS1(lsl, SHIFT_LSL)
FLAGS1(lsr, SHIFT_LSR)
FLAGS1(asr, SHIFT_ASR)

#define LOGIC_FLAGS1(n, o, sh, SH) \
	OP_SHARED(n##_##sh) \
	{ HOT_RES; ANDS64(o, SH, X(rn), X(rm)); NEXT(1); } \
	OP_SHARED(n##_##sh##w) \
	{ HOT_RES; ANDS32(o, SH, X(rn), X(rm)); NEXT(1); }
#define LOGIC_FLAGS(n, o) \
	LOGIC_FLAGS1(n, o, none, SHIFT_NONE) \
	LOGIC_FLAGS1(n, o, lsl, SHIFT_LSL) \
	LOGIC_FLAGS1(n, o, lsr, SHIFT_LSR) \
	LOGIC_FLAGS1(n, o, asr, SHIFT_ASR) \
	LOGIC_FLAGS1(n, o, ror, SHIFT_ROR)
LOGIC_FLAGS(ands, and)
LOGIC_FLAGS(bics, bic)

/* [32-bit][shift kind]; kind 0 is "no shift" */
#define SHAPES4(n) \
	{ { op_##n##_none, op_##n##_lsl, op_##n##_lsr, op_##n##_asr },         \
	  { op_##n##_nonew, op_##n##_lslw, op_##n##_lsrw, op_##n##_asrw } }
#define SHAPES5(n) \
	{ { op_##n##_none, op_##n##_lsl, op_##n##_lsr, op_##n##_asr,           \
	    op_##n##_ror },                                                    \
	  { op_##n##_nonew, op_##n##_lslw, op_##n##_lsrw, op_##n##_asrw,       \
	    op_##n##_rorw } }

op_fn *dec_logic_shift(struct dec *d)
{
	static op_fn *const t[8][2][5] = {
		SHAPES5(and), SHAPES5(bic), SHAPES5(orr), SHAPES5(orn),
		SHAPES5(eor), SHAPES5(eon), SHAPES5(ands), SHAPES5(bics),
	};
	unsigned op = bits(d->w, 30, 29) * 2 + bits(d->w, 21, 21);
	unsigned amount = bits(d->w, 15, 10);

	if (!d->sf && amount > 31)
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->ra = (uint8_t)amount;
	if (op == 2 && d->rn == 31 && !amount)
		return d->sf ? op_mov : op_mov_w;
	return t[op][!d->sf][amount ? bits(d->w, 23, 22) + 1 : 0];
}

op_fn *dec_addsub_shift(struct dec *d)
{
	static op_fn *const t[4][2][4] = { SHAPES4(add), SHAPES4(adds),
					   SHAPES4(sub), SHAPES4(subs) };
	unsigned amount = bits(d->w, 15, 10), kind = bits(d->w, 23, 22);

	if (kind == 3 || (!d->sf && amount > 31))
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->ra = (uint8_t)amount;
	return t[bits(d->w, 30, 29)][!d->sf][amount ? kind + 1 : 0];
}

/* ---- extended register --------------------------------------------------- */

/* option: 0 UXTB 1 UXTH 2 UXTW 3 UXTX 4 SXTB 5 SXTH 6 SXTW 7 SXTX */
static inline uint64_t extend(uint64_t v, unsigned option)
{
	switch (option) {
	case 0: return (uint8_t)v;
	case 1: return (uint16_t)v;
	case 2: return (uint32_t)v;
	case 4: return (uint64_t)(int8_t)v;
	case 5: return (uint64_t)(int16_t)v;
	case 6: return (uint64_t)(int32_t)v;
	default: return v;
	}
}
#define EXTENDED (extend(X(rm), (unsigned)ip->imm) << ip->ra)

OP(add_x) { X(rd) = X(rn) + EXTENDED; NEXT(1); }
OP(add_xw) { SET_W(rd, X(rn) + EXTENDED); NEXT(1); }
HOT_OP(add_uxtw)
HOT_OP(add_sxtw)
OP(sub_x) { X(rd) = X(rn) - EXTENDED; NEXT(1); }
OP(sub_xw) { SET_W(rd, X(rn) - EXTENDED); NEXT(1); }
OP(subs_x)
{
	FB = EXTENDED;
	FA = X(rn);
	FK = FK_SUB;
	X(rd) = FA - FB;
	NEXT(1);
}
OP(subs_xw)
{
	FB = EXTENDED << 32;
	FA = X(rn) << 32;
	FK = FK_SUB;
	X(rd) = (FA - FB) >> 32;
	NEXT(1);
}
OP(adds_x)
{
	uint64_t a = X(rn), b = EXTENDED;

	FA = flags_add(a, b);
	FK = FK_NZCV;
	X(rd) = a + b;
	NEXT(1);
}
OP(adds_xw)
{
	uint64_t a = X(rn) << 32, b = EXTENDED << 32;

	FA = flags_add(a, b);
	FK = FK_NZCV;
	X(rd) = (a + b) >> 32;
	NEXT(1);
}

op_fn *dec_addsub_ext(struct dec *d)
{
	static op_fn *const t[4][2] = { { op_add_xw, op_add_x },
					{ op_adds_xw, op_adds_x },
					{ op_sub_xw, op_sub_x },
					{ op_subs_xw, op_subs_x } };
	unsigned op = bits(d->w, 30, 29), shift = bits(d->w, 12, 10);
	unsigned option = bits(d->w, 15, 13);

	if (shift > 4)
		return NULL;
	d->r->rn = slot_sp(d->rn);
	d->r->rd = op & 1 ? slot_zd(d->rd) : slot_sp(d->rd);
	d->r->ra = (uint8_t)shift;
	d->r->imm = (int32_t)option;
	if (op == 0 && d->sf && option == 2)
		return op_add_uxtw;
	if (op == 0 && d->sf && option == 6)
		return op_add_sxtw;
	return t[op][d->sf];
}

/* ---- with carry ---------------------------------------------------------- */

#define CARRY (flags_nzcv(FA, FB, FK) >> 1 & 1)

HOT_OP(adc)
OP(adc_w) { SET_W(rd, X(rn) + X(rm) + CARRY); NEXT(1); }
OP(sbc) { X(rd) = X(rn) + ~X(rm) + CARRY; NEXT(1); }
OP(sbc_w) { SET_W(rd, X(rn) + ~X(rm) + CARRY); NEXT(1); }

/* AddWithCarry(): NZCV of a + b + carry */
static inline uint64_t add_carry64(uint64_t a, uint64_t b, uint64_t carry,
				   uint64_t *nzcv)
{
	uint64_t r = a + b + carry;

	*nzcv = r >> 63 << 3 | (uint64_t)(r == 0) << 2 |
		(uint64_t)(carry ? r <= a : r < a) << 1 |
		(~(a ^ b) & (a ^ r)) >> 63;
	return r;
}
static inline uint64_t add_carry32(uint32_t a, uint32_t b, uint32_t carry,
				   uint64_t *nzcv)
{
	uint64_t sum = (uint64_t)a + b + carry;
	uint32_t r = (uint32_t)sum;

	*nzcv = (uint64_t)(r >> 31) << 3 | (uint64_t)(r == 0) << 2 |
		sum >> 32 << 1 | (~(a ^ b) & (a ^ r)) >> 31;
	return r;
}
#define ADCS(n, T, fn, expr)                                                   \
	OP(n)                                                                  \
	{                                                                      \
		uint64_t f;                                                    \
		X(rd) = fn((T)X(rn), (T)(expr), (T)CARRY, &f);                 \
		FA = f;                                                        \
		FK = FK_NZCV;                                                  \
		NEXT(1);                                                       \
	}
ADCS(adcs, uint64_t, add_carry64, X(rm))
ADCS(adcs_w, uint32_t, add_carry32, X(rm))
ADCS(sbcs, uint64_t, add_carry64, ~X(rm))
ADCS(sbcs_w, uint32_t, add_carry32, ~X(rm))

op_fn *dec_adc(struct dec *d)
{
	static op_fn *const t[4][2] = { { op_adc_w, op_adc },
					{ op_adcs_w, op_adcs },
					{ op_sbc_w, op_sbc },
					{ op_sbcs_w, op_sbcs } };

	d->r->rd = slot_zd(d->rd);
	return t[bits(d->w, 30, 29)][d->sf];
}

/* ---- FlagM --------------------------------------------------------------- */

OP(rmif)
{
	uint64_t f = flags_nzcv(FA, FB, FK), v = X(rn), mask = ip->rd;

	v = v >> ip->ra | v << (-ip->ra & 63);
	FA = (f & ~mask) | (v & mask);
	FK = FK_NZCV;
	NEXT(1);
}
/* SETF8/16: ra is the width. N, Z, V from the low bits; C stays. */
OP(setf)
{
	uint64_t f = flags_nzcv(FA, FB, FK), v = X(rn);
	unsigned top = ip->ra - 1u;

	FA = (f & 2) | (v >> top & 1) << 3 |
	     (uint64_t)(v << (64 - ip->ra) == 0) << 2 |
	     ((v >> ip->ra ^ v >> top) & 1);
	FK = FK_NZCV;
	NEXT(1);
}

op_fn *dec_rmif(struct dec *d)
{
	d->r->ra = (uint8_t)bits(d->w, 20, 15);
	d->r->rd = (uint8_t)bits(d->w, 3, 0);
	return op_rmif;
}

op_fn *dec_setf(struct dec *d)
{
	d->r->ra = bits(d->w, 14, 14) ? 16 : 8;
	return op_setf;
}

/* ---- conditions ---------------------------------------------------------- */

#define SELECT1(n, cc, c_) \
	OP_SHARED(n##_##cc) \
	{ HOT_RES; SELECT(n, RES, c_, X(rn), X(rm)); NEXT(1); } \
	OP_SHARED(n##_##cc##_w) \
	{ HOT_RES; SELECT(n, RES_W, c_, X(rn), X(rm)); NEXT(1); }
#define SELECTS(cc, c_) \
	SELECT1(csel, cc, c_) \
	SELECT1(csinc, cc, c_) \
	SELECT1(csinv, cc, c_) \
	SELECT1(csneg, cc, c_)
ALL_CONDS(SELECTS)
SELECTS(al, 1)

op_fn *dec_csel(struct dec *d)
{
#define ROW(cc)                                                                \
	{ op_csel_##cc##_w, op_csel_##cc, op_csinc_##cc##_w, op_csinc_##cc,    \
	  op_csinv_##cc##_w, op_csinv_##cc, op_csneg_##cc##_w, op_csneg_##cc }
	static op_fn *const t[16][8] = {
		ROW(eq), ROW(ne), ROW(cs), ROW(cc), ROW(mi), ROW(pl), ROW(vs),
		ROW(vc), ROW(hi), ROW(ls), ROW(ge), ROW(lt), ROW(gt), ROW(le),
		ROW(al), ROW(al),
	};
	unsigned op = bits(d->w, 30, 30) * 4 + bits(d->w, 10, 10) * 2 + d->sf;

	d->r->rd = slot_zd(d->rd);
	return t[bits(d->w, 15, 12)][op];
}

/* ra = NZCV if false; imm as hot.h says */
HOT_OP(ccmp)
HOT_OP(ccmp_i)
HOT_OP(ccmp_w)
HOT_OP(ccmp_iw)
#define CCMN(n, a_, b_) \
OP(n) \
{ \
	FA = (uint32_t)ip->imm >> 16 >> flags_nzcv(FA, FB, FK) & 1 ? \
	     flags_add(a_, b_) : ip->ra; \
	FK = FK_NZCV; \
	NEXT(1); \
}
CCMN(ccmn, X(rn), X(rm))
CCMN(ccmn_i, X(rn), CCMP_IMM)
CCMN(ccmn_w, X(rn) << 32, X(rm) << 32)
CCMN(ccmn_iw, X(rn) << 32, CCMP_IMM << 32)

op_fn *dec_ccmp(struct dec *d)
{
	static op_fn *const t[2][2][2] = {
		{ { op_ccmn_w, op_ccmn }, { op_ccmn_iw, op_ccmn_i } },
		{ { op_ccmp_w, op_ccmp }, { op_ccmp_iw, op_ccmp_i } },
	};

	uint32_t holds = 0;

	for (uint32_t nzcv = 0; nzcv < 16; nzcv++)
		holds |= (uint32_t)flags_cond(bits(d->w, 15, 12), nzcv) << nzcv;
	d->r->ra = (uint8_t)bits(d->w, 3, 0);
	d->r->imm = (int32_t)(holds << 16 | bits(d->w, 20, 16));
	return t[bits(d->w, 30, 30)][bits(d->w, 11, 11)][d->sf];
}
