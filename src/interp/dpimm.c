/* dpimm.c: data processing, immediate: ADR, add/subtract, logical, move wide,
 * bitfield, extract. Arm ARM C4.1.92. */
#include "decode.h"
#include "hot.h"

#define IMM ((uint64_t)(int64_t)ip->imm)

/* ---- ADR, ADRP --------------------------------------------------------- */

OP(adr) { X(rd) = PC + IMM; NEXT(1); }
HOT_OP(adrp)

op_fn *dec_adr(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	d->r->imm = (int32_t)(sbits(d->w, 23, 5) * 4 | bits(d->w, 30, 29));
	return d->sf ? op_adrp : op_adr;
}

/* ---- constants --------------------------------------------------------- */

HOT_OP(movi)
/* imm16 << ra, and its complement */
OP(movz) { X(rd) = (uint64_t)(uint32_t)ip->imm << ip->ra; NEXT(1); }
OP(movn) { X(rd) = ~((uint64_t)(uint32_t)ip->imm << ip->ra); NEXT(1); }
OP(movn_w) { SET_W(rd, ~((uint32_t)ip->imm << ip->ra)); NEXT(1); }
HOT_OP(movk)
HOT_OP(movk_w)
/* bitmask immediate that does not fit in 32 bits; imm indexes the table */
OP(mov_bitmask) { X(rd) = decode_bitmask_table[ip->imm]; NEXT(1); }

op_fn *dec_mov_wide(struct dec *d)
{
	unsigned opc = bits(d->w, 30, 29), hw = bits(d->w, 22, 21);
	uint64_t v = (uint64_t)bits(d->w, 20, 5) << hw * 16;

	if (!d->sf && hw > 1)
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->imm = (int32_t)bits(d->w, 20, 5);
	d->r->ra = (uint8_t)(hw * 16);
	if (opc == 3)
		return d->sf ? op_movk : op_movk_w;
	if (opc == 0)
		v = ~v;
	if (!d->sf)
		v = (uint32_t)v;
	if ((int64_t)v == (int32_t)v) {
		d->r->imm = (int32_t)v;
		return op_movi;
	}
	if (opc == 2)
		return op_movz;
	return d->sf ? op_movn : op_movn_w;
}

/* ---- ADD, SUB ---------------------------------------------------------- */

HOT_OP(add_i)
HOT_OP(add_iw)
HOT_OP(mov_sp)

HOT_OP(subs_i)
HOT_OP(subs_iw)
HOT_OP(cmp_i)
HOT_OP(cmp_iw)
/* ADDS of 0: no carry, no overflow, so not a subtraction of -0 */
OP(adds_0) { FA = X(rn); FB = 0; FK = FK_LOGIC; X(rd) = FA; NEXT(1); }
OP(adds_0w)
{
	FA = X(rn) << 32;
	FB = 0;
	FK = FK_LOGIC;
	X(rd) = FA >> 32;
	NEXT(1);
}

op_fn *dec_addsub_imm(struct dec *d)
{
	int32_t imm = (int32_t)(bits(d->w, 21, 10)
				<< (bits(d->w, 22, 22) ? 12 : 0));
	bool sub = bits(d->w, 30, 30), s = bits(d->w, 29, 29);

	d->r->rn = slot_sp(d->rn);
	if (!s) {
		d->r->rd = slot_sp(d->rd);
		d->r->imm = sub ? -imm : imm;
		if (d->sf && !imm)
			return op_mov_sp;
		return d->sf ? op_add_i : op_add_iw;
	}
	d->r->rd = slot_zd(d->rd);
	if (!sub && !imm)
		return d->sf ? op_adds_0 : op_adds_0w;
	/* for imm != 0 ADDS sets the flags of SUBS by -imm */
	d->r->imm = sub ? imm : -imm;
	if (d->rd == 31)
		return d->sf ? op_cmp_i : op_cmp_iw;
	return d->sf ? op_subs_i : op_subs_iw;
}

/* ---- logical ----------------------------------------------------------- */

#define TABLE decode_bitmask_table[ip->imm]
HOT_OP(and_i)
HOT_OP(and_iw)
HOT_OP(and_t)
HOT_OP(ands_i)
HOT_OP(ands_iw)
HOT_OP(ands_t)
HOT_OP(orr_i)
HOT_OP(orr_iw)
OP(orr_t) { X(rd) = X(rn) | TABLE; NEXT(1); }
HOT_OP(eor_i)
HOT_OP(eor_iw)
OP(eor_t) { X(rd) = X(rn) ^ TABLE; NEXT(1); }

op_fn *dec_logic_imm(struct dec *d)
{
	unsigned opc = bits(d->w, 30, 29);
	uint64_t v;

	if (!decode_bitmask(bits(d->w, 22, 22), bits(d->w, 21, 16),
			    bits(d->w, 15, 10), d->sf, &v))
		return NULL;
	d->r->rd = opc == 3 ? slot_zd(d->rd) : slot_sp(d->rd);
	bool fits = !d->sf || (int64_t)v == (int32_t)v;

	d->r->imm = fits ? (int32_t)v : (int32_t)bits(d->w, 22, 10);
	if (!fits) {
		/* the table is indexed by N:immr:imms, which is bits 22:10 */
		static op_fn *const t[4] = { op_and_t, op_orr_t, op_eor_t,
					     op_ands_t };

		return opc == 1 && d->rn == 31 ? op_mov_bitmask : t[opc];
	}
	if (opc == 1 && d->rn == 31 && (d->sf || (int32_t)v >= 0))
		return op_movi;
	static op_fn *const x[4] = { op_and_i, op_orr_i, op_eor_i, op_ands_i };
	static op_fn *const w[4] = { op_and_iw, op_orr_iw, op_eor_iw,
				     op_ands_iw };

	return d->sf ? x[opc] : w[opc];
}

/* ---- bitfield ---------------------------------------------------------- */

HOT_OP(lsl_i)
HOT_OP(lsl_iw)
HOT_OP(lsr_i)
HOT_OP(lsr_iw)
HOT_OP(asr_i)
HOT_OP(asr_iw)
HOT_OP(uxtb)
HOT_OP(uxth)
OP(sxtb) { X(rd) = (uint64_t)(int8_t)X(rn); NEXT(1); }
OP(sxth) { X(rd) = (uint64_t)(int16_t)X(rn); NEXT(1); }
HOT_OP(sxtw)
OP(sxtb_w) { SET_W(rd, (int8_t)X(rn)); NEXT(1); }
OP(sxth_w) { SET_W(rd, (int16_t)X(rn)); NEXT(1); }
HOT_OP(ubfm)
HOT_OP(sbfm)
OP(sbfm_w)
{
	SET_W(rd, (int64_t)(X(rn) << ip->rm) >> ip->ra);
	NEXT(1);
}
HOT_OP(bfi)
HOT_OP(bfxil)
HOT_OP(bfi_w)
HOT_OP(bfxil_w)

static op_fn *bfm(struct dec *d, unsigned immr, unsigned imms, unsigned size)
{
	if (imms >= immr) {
		d->r->ra = (uint8_t)immr;
		d->r->imm = (int32_t)(imms - immr + 1);
		return d->sf ? op_bfxil : op_bfxil_w;
	}
	d->r->ra = (uint8_t)(size - immr);
	d->r->imm = (int32_t)(imms + 1);
	return d->sf ? op_bfi : op_bfi_w;
}

op_fn *dec_bitfield(struct dec *d)
{
	unsigned opc = bits(d->w, 30, 29), size = d->sf ? 64 : 32;
	unsigned immr = bits(d->w, 21, 16), imms = bits(d->w, 15, 10);
	bool sign = opc == 0;

	if (bits(d->w, 22, 22) != d->sf || immr >= size || imms >= size)
		return NULL;
	/* BFM also reads Rd: of XZR it must be the zero, not the sink */
	d->r->rd = slot_zd(d->rd);
	if (opc == 1)
		return bfm(d, immr, imms, size);
	if (imms == size - 1) {
		d->r->ra = (uint8_t)immr;
		if (sign)
			return d->sf ? op_asr_i : op_asr_iw;
		return d->sf ? op_lsr_i : op_lsr_iw;
	}
	if (!sign && imms + 1 == immr) {
		d->r->ra = (uint8_t)(size - immr);
		return d->sf ? op_lsl_i : op_lsl_iw;
	}
	if (immr == 0) {
		if (imms == 7)
			return !sign ? op_uxtb : d->sf ? op_sxtb : op_sxtb_w;
		if (imms == 15)
			return !sign ? op_uxth : d->sf ? op_sxth : op_sxth_w;
		if (imms == 31 && sign)
			return op_sxtw;
	}
	d->r->rm = (uint8_t)(63 - imms);
	d->r->ra = (uint8_t)(imms >= immr ? 63 - imms + immr :
					    63 - imms - (size - immr));
	if (!sign)
		return op_ubfm;
	return d->sf ? op_sbfm : op_sbfm_w;
}

/* ---- extract ----------------------------------------------------------- */

HOT_OP(extr)
HOT_OP(extr_w)
HOT_OP(ror_i)
HOT_OP(ror_iw)
OP(extr_0) { X(rd) = X(rm); NEXT(1); }
OP(extr_0w) { SET_W(rd, X(rm)); NEXT(1); }

op_fn *dec_extr(struct dec *d)
{
	unsigned lsb = bits(d->w, 15, 10);

	if (bits(d->w, 22, 22) != d->sf || (!d->sf && lsb > 31))
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->ra = (uint8_t)lsb;
	if (!lsb)
		return d->sf ? op_extr_0 : op_extr_0w;
	if (d->rn == d->rm)
		return d->sf ? op_ror_i : op_ror_iw;
	return d->sf ? op_extr : op_extr_w;
}
