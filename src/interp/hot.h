/* hot.h: what the commonest instructions do, as macros, so that a handler can
 * be made of one of them (dpreg.c and its like) or of two (fuse.h).
 *
 * DO_name(n, m) does the instruction of record ip; n and m are the values of
 * its Rn and Rm, each used once and before anything is written. A macro that
 * leaves a value in Rd keeps it in `res`, too (HOT_RES declares it). A load or
 * store that misses the inline TLB leaves for the slow handler, as ever: ip is
 * its own record, so the exception or the next instruction are the right ones
 * whatever the handler did before. */
#ifndef INTERP_HOT_H
#define INTERP_HOT_H

#include "branch.h"
#include "cond.h"
#include "ldst_kinds.h"
#include "op.h"

#define HOT_RES uint64_t res __attribute__((unused)) = 0
#define HOT_OP(name) \
OP_SHARED(name) { HOT_RES; DO_##name(X(rn), X(rm)); NEXT(1); }
#define RES(v) (X(rd) = res = (v))
#define RES_W(v) (X(rd) = res = (uint32_t)(v))
#define HOT_IMM ((uint64_t)(int64_t)ip->imm)

/* ---- shifted register ---------------------------------------------------- */

/* T the unsigned type of the width, S the signed one. */
#define SHIFT_NONE(T, S, v) (v)
#define SHIFT_LSL(T, S, v) ((T)((v) << ip->ra))
#define SHIFT_LSR(T, S, v) ((T)((v) >> ip->ra))
#define SHIFT_ASR(T, S, v) ((T)((S)(v) >> ip->ra))
#define SHIFT_ROR(T, S, v) \
	((T)((v) >> ip->ra | (v) << (sizeof(T) * 8 - ip->ra)))

/* b is the shifted operand, a the first */
#define ALU_add (a + b)
#define ALU_sub (a - b)
#define ALU_and (a & b)
#define ALU_bic (a & ~b)
#define ALU_orr (a | b)
#define ALU_orn (a | ~b)
#define ALU_eor (a ^ b)
#define ALU_eon (a ^ ~b)
#define ALU64(o, SH, n, m) do { \
	uint64_t a = (n), b = (m); \
	b = SH(uint64_t, int64_t, b); \
	RES(ALU_##o); \
} while (0)
#define ALU32(o, SH, n, m) do { \
	uint32_t a = (uint32_t)(n), b = (uint32_t)(m); \
	b = SH(uint32_t, int32_t, b); \
	RES_W(ALU_##o); \
} while (0)
#define DO_add_none(n, m) ALU64(add, SHIFT_NONE, n, m)
#define DO_add_nonew(n, m) ALU32(add, SHIFT_NONE, n, m)
#define DO_add_lsl(n, m) ALU64(add, SHIFT_LSL, n, m)
#define DO_add_lsr(n, m) ALU64(add, SHIFT_LSR, n, m)
#define DO_add_lslw(n, m) ALU32(add, SHIFT_LSL, n, m)
#define DO_add_asr(n, m) ALU64(add, SHIFT_ASR, n, m)
#define DO_sub_lsl(n, m) ALU64(sub, SHIFT_LSL, n, m)
#define DO_sub_lslw(n, m) ALU32(sub, SHIFT_LSL, n, m)
#define DO_sub_none(n, m) ALU64(sub, SHIFT_NONE, n, m)
#define DO_sub_nonew(n, m) ALU32(sub, SHIFT_NONE, n, m)
#define DO_and_none(n, m) ALU64(and, SHIFT_NONE, n, m)
#define DO_and_nonew(n, m) ALU32(and, SHIFT_NONE, n, m)
#define DO_and_lsl(n, m) ALU64(and, SHIFT_LSL, n, m)
#define DO_and_lsr(n, m) ALU64(and, SHIFT_LSR, n, m)
#define DO_bic_none(n, m) ALU64(bic, SHIFT_NONE, n, m)
#define DO_bic_nonew(n, m) ALU32(bic, SHIFT_NONE, n, m)
#define DO_orr_none(n, m) ALU64(orr, SHIFT_NONE, n, m)
#define DO_orr_nonew(n, m) ALU32(orr, SHIFT_NONE, n, m)
#define DO_orr_lsl(n, m) ALU64(orr, SHIFT_LSL, n, m)
#define DO_orr_lslw(n, m) ALU32(orr, SHIFT_LSL, n, m)
#define DO_orn_none(n, m) ALU64(orn, SHIFT_NONE, n, m)
#define DO_orn_nonew(n, m) ALU32(orn, SHIFT_NONE, n, m)
#define DO_eor_none(n, m) ALU64(eor, SHIFT_NONE, n, m)
#define DO_eor_nonew(n, m) ALU32(eor, SHIFT_NONE, n, m)
#define DO_eor_lsl(n, m) ALU64(eor, SHIFT_LSL, n, m)
#define DO_eor_lsr(n, m) ALU64(eor, SHIFT_LSR, n, m)
#define DO_eor_lsrw(n, m) ALU32(eor, SHIFT_LSR, n, m)
#define DO_eor_lslw(n, m) ALU32(eor, SHIFT_LSL, n, m)
#define DO_eor_ror(n, m) ALU64(eor, SHIFT_ROR, n, m)
#define DO_eor_rorw(n, m) ALU32(eor, SHIFT_ROR, n, m)

#define DO_mov(n, m) RES(m)
#define DO_mov_w(n, m) RES_W(m)

/* Flags: W operands are kept in the upper half (flags.h). */
#define SUBS64(SH, n, m) do { \
	uint64_t a = (n), b = (m); \
	FA = a; \
	FB = SH(uint64_t, int64_t, b); \
	FK = FK_SUB; \
	RES(FA - FB); \
} while (0)
#define SUBS32(SH, n, m) do { \
	uint32_t a = (uint32_t)(n), b = (uint32_t)(m); \
	FA = (uint64_t)a << 32; \
	FB = (uint64_t)SH(uint32_t, int32_t, b) << 32; \
	FK = FK_SUB; \
	RES((FA - FB) >> 32); \
} while (0)
#define ADDS64(SH, n, m) do { \
	uint64_t a = (n), b = (m); \
	b = SH(uint64_t, int64_t, b); \
	FA = flags_add(a, b); \
	FB = 0; \
	FK = FK_NZCV; \
	RES(a + b); \
} while (0)
#define ADDS32(SH, n, m) do { \
	uint32_t a = (uint32_t)(n), b = (uint32_t)(m); \
	b = SH(uint32_t, int32_t, b); \
	FA = flags_add((uint64_t)a << 32, (uint64_t)b << 32); \
	FB = 0; \
	FK = FK_NZCV; \
	RES_W(a + b); \
} while (0)
#define ANDS64(o, SH, n, m) do { \
	uint64_t a = (n), b = (m); \
	b = SH(uint64_t, int64_t, b); \
	FA = ALU_##o; \
	FB = 0; \
	FK = FK_LOGIC; \
	RES(FA); \
} while (0)
#define ANDS32(o, SH, n, m) do { \
	uint32_t a = (uint32_t)(n), b = (uint32_t)(m); \
	b = SH(uint32_t, int32_t, b); \
	b = ALU_##o; \
	FA = (uint64_t)b << 32; \
	FB = 0; \
	FK = FK_LOGIC; \
	RES(b); \
} while (0)
#define DO_subs_none(n, m) SUBS64(SHIFT_NONE, n, m)
#define DO_subs_nonew(n, m) SUBS32(SHIFT_NONE, n, m)
#define DO_adds_none(n, m) ADDS64(SHIFT_NONE, n, m)
#define DO_adds_nonew(n, m) ADDS32(SHIFT_NONE, n, m)
#define DO_ands_none(n, m) ANDS64(and, SHIFT_NONE, n, m)
#define DO_ands_nonew(n, m) ANDS32(and, SHIFT_NONE, n, m)
#define DO_bics_nonew(n, m) ANDS32(bic, SHIFT_NONE, n, m)

/* ---- other registers ------------------------------------------------------ */

#define DO_add_uxtw(n, m) RES((n) + ((uint64_t)(uint32_t)(m) << ip->ra))
#define DO_add_sxtw(n, m) RES((n) + ((uint64_t)(int32_t)(m) << ip->ra))
#define DO_adc(n, m) RES((n) + (m) + (flags_nzcv(FA, FB, FK) >> 1 & 1))
#define DO_mul(n, m) RES((n) * (m))
#define DO_madd(n, m) RES(X(ra) + (n) * (m))
#define DO_mul_w(n, m) RES_W((n) * (m))
#define DO_madd_w(n, m) RES_W(X(ra) + (n) * (m))
#define DO_msub(n, m) RES(X(ra) - (n) * (m))
#define DO_msub_w(n, m) RES_W(X(ra) - (n) * (m))
#define DO_umaddl(n, m) RES(X(ra) + (uint64_t)(uint32_t)(n) * (uint32_t)(m))
#define DO_umulh(n, m) \
	RES((uint64_t)((unsigned __int128)(n) * (m) >> 64))
#define UDIV(T, n, m) do { \
	T a = (T)(n), b = (T)(m); \
	RES(b ? a / b : 0); \
} while (0)
#define DO_udiv(n, m) UDIV(uint64_t, n, m)
#define DO_udiv_w(n, m) UDIV(uint32_t, n, m)
#define DO_lslv(n, m) RES((n) << ((m) & 63))
#define DO_lslv_w(n, m) RES_W((uint32_t)(n) << ((m) & 31))
#define DO_lsrv(n, m) RES((n) >> ((m) & 63))
#define DO_lsrv_w(n, m) RES((uint32_t)(n) >> ((m) & 31))

/* Without a host branch: what a guest selects by is what nobody could guess. */
#define PICK(c_, a_, b_) (UNPREDICTABLE(c_) ? (a_) : (b_))
#define SELECT_csel(m) (m)
#define SELECT_csinc(m) ((m) + 1)
#define SELECT_csinv(m) (~(m))
#define SELECT_csneg(m) (-(m))
#define SELECT(o, R, cond, n, m) do { \
	uint64_t a = (n), b = SELECT_##o(m); \
	R(PICK(cond, a, b)); \
} while (0)
#define DO_csel_cc(n, m) SELECT(csel, RES, !CC_CS, n, m)
#define DO_csinc_cs(n, m) SELECT(csinc, RES, CC_CS, n, m)
#define DO_csinc_cc(n, m) SELECT(csinc, RES, !CC_CS, n, m)
#define DO_csinc_eq(n, m) SELECT(csinc, RES, CC_EQ, n, m)

/* Compares if the condition holds, else the flags are ra. Of imm, bit 16 + NZCV
 * says whether it does, bits 4:0 are the immediate. */
#define CCMP(n, m) do { \
	uint64_t a = (n), b = (m); \
	if ((uint32_t)ip->imm >> 16 >> flags_nzcv(FA, FB, FK) & 1) { \
		FA = a; \
		FB = b; \
		FK = FK_SUB; \
	} else { \
		FA = ip->ra; \
		FK = FK_NZCV; \
	} \
} while (0)
#define CCMP_IMM ((uint64_t)ip->imm & 31)
#define DO_ccmp(n, m) CCMP(n, m)
#define DO_ccmp_i(n, m) CCMP(n, CCMP_IMM)
#define DO_ccmp_w(n, m) CCMP((n) << 32, (m) << 32)
#define DO_ccmp_iw(n, m) CCMP((n) << 32, CCMP_IMM << 32)

/* ---- immediate -------------------------------------------------------------- */

#define DO_adrp(n, m) RES((PC & ~0xfffull) + HOT_IMM * 4096)
#define DO_movi(n, m) RES(HOT_IMM)
#define DO_movk(n, m) RES((X(rd) & ~(0xffffull << ip->ra)) | \
			  (uint64_t)(uint32_t)ip->imm << ip->ra)
#define DO_movk_w(n, m) RES_W((X(rd) & ~(0xffffull << ip->ra)) | \
			      (uint64_t)(uint32_t)ip->imm << ip->ra)
#define DO_add_i(n, m) RES((n) + HOT_IMM)
#define DO_add_iw(n, m) RES_W((n) + HOT_IMM)
#define DO_mov_sp(n, m) RES(n)
#define CMP64(n) (FA = (n), FB = HOT_IMM, FK = FK_SUB)
#define CMP32(n) (FA = (n) << 32, FB = HOT_IMM << 32, FK = FK_SUB)
#define DO_subs_i(n, m) (CMP64(n), RES(FA - FB))
#define DO_subs_iw(n, m) (CMP32(n), RES((FA - FB) >> 32))
#define DO_cmp_i(n, m) CMP64(n)
#define DO_cmp_iw(n, m) CMP32(n)
#define DO_and_i(n, m) RES((n) & HOT_IMM)
#define DO_and_iw(n, m) RES_W((n) & HOT_IMM)
#define DO_and_t(n, m) RES((n) & decode_bitmask_table[ip->imm])
#define DO_orr_i(n, m) RES((n) | HOT_IMM)
#define DO_orr_iw(n, m) RES_W((n) | HOT_IMM)
#define DO_eor_i(n, m) RES((n) ^ HOT_IMM)
#define DO_eor_iw(n, m) RES_W((n) ^ HOT_IMM)
#define LOGIC_I(v) (FA = (v), FB = 0, FK = FK_LOGIC, RES(FA))
#define DO_ands_i(n, m) LOGIC_I((n) & HOT_IMM)
#define DO_ands_t(n, m) LOGIC_I((n) & decode_bitmask_table[ip->imm])
#define DO_ands_iw(n, m) \
	(RES_W((n) & HOT_IMM), FA = res << 32, FB = 0, FK = FK_LOGIC)
#define DO_lsl_i(n, m) RES((n) << ip->ra)
#define DO_lsr_i(n, m) RES((n) >> ip->ra)
#define DO_lsl_iw(n, m) RES_W((uint32_t)(n) << ip->ra)
#define DO_lsr_iw(n, m) RES((uint32_t)(n) >> ip->ra)
#define DO_asr_i(n, m) RES((uint64_t)((int64_t)(n) >> ip->ra))
#define DO_asr_iw(n, m) RES_W((int32_t)(n) >> ip->ra)
#define DO_sxtw(n, m) RES((uint64_t)(int32_t)(n))
#define DO_uxtb(n, m) RES((uint8_t)(n))
#define DO_uxth(n, m) RES((uint16_t)(n))
/* the field's top is brought to bit 63 (<< rm), then down to its place */
#define DO_ubfm(n, m) RES((n) << ip->rm >> ip->ra)
#define DO_sbfm(n, m) RES((uint64_t)((int64_t)((n) << ip->rm) >> ip->ra))
/* width imm: BFI at bit ra, BFXIL from bit ra */
#define BFM_MASK (~0ull >> (64 - ip->imm))
#define DO_bfi(n, m) \
	RES((X(rd) & ~(BFM_MASK << ip->ra)) | ((n) << ip->ra & BFM_MASK << ip->ra))
#define DO_bfi_w(n, m) \
	RES_W((X(rd) & ~(BFM_MASK << ip->ra)) | ((n) << ip->ra & BFM_MASK << ip->ra))
#define DO_bfxil(n, m) RES((X(rd) & ~BFM_MASK) | ((n) >> ip->ra & BFM_MASK))
#define DO_bfxil_w(n, m) \
	RES_W((X(rd) & ~BFM_MASK) | ((uint32_t)(n) >> ip->ra & BFM_MASK))
#define DO_extr_w(n, m) \
	RES_W((uint32_t)(m) >> ip->ra | (uint32_t)(n) << (32 - ip->ra))
#define DO_extr(n, m) RES((m) >> ip->ra | (n) << (64 - ip->ra))
#define ROR(T, S, R, m) do { T b = (T)(m); R(SHIFT_ROR(T, S, b)); } while (0)
#define DO_ror_i(n, m) ROR(uint64_t, int64_t, RES, m)
#define DO_ror_iw(n, m) ROR(uint32_t, int32_t, RES_W, m)
#define DO_nop(n, m) ((void)0)

/* ---- loads and stores ---------------------------------------------------- */

#define DO_ldrb_imm(n, m) LS_DO(ldrb, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldrb_x(n, m) LS_DO(ldrb, (n) + (m), 0, LS_NOWB)
#define DO_ldrb_uw(n, m) LS_DO(ldrb, (n) + (uint64_t)(uint32_t)(m), 0, LS_NOWB)
#define DO_ldrb_sw(n, m) LS_DO(ldrb, (n) + (uint64_t)(int32_t)(m), 0, LS_NOWB)
#define DO_ldrb_pre(n, m) LS_DO(ldrb, (n) + LS_IMM, 0, X(rn) = a)
#define DO_ldrb_post(n, m) LS_DO_POST(ldrb, n)
#define DO_ldrh_imm(n, m) LS_DO(ldrh, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldrh_x(n, m) LS_DO(ldrh, (n) + (m), 0, LS_NOWB)
#define DO_ldrh_xs(n, m) LS_DO(ldrh, (n) + ((m) << LS_LOG_ldrh), 0, LS_NOWB)
#define DO_ldrh_pre(n, m) LS_DO(ldrh, (n) + LS_IMM, 0, X(rn) = a)
#define DO_ldrh_post(n, m) LS_DO_POST(ldrh, n)
#define DO_ldrw_imm(n, m) LS_DO(ldrw, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldrw_x(n, m) LS_DO(ldrw, (n) + (m), 0, LS_NOWB)
#define DO_ldrw_xs(n, m) LS_DO(ldrw, (n) + ((m) << LS_LOG_ldrw), 0, LS_NOWB)
#define DO_ldrw_uws(n, m) \
	LS_DO(ldrw, (n) + ((uint64_t)(uint32_t)(m) << LS_LOG_ldrw), 0, LS_NOWB)
#define DO_ldrw_sws(n, m) \
	LS_DO(ldrw, (n) + ((uint64_t)(int32_t)(m) << LS_LOG_ldrw), 0, LS_NOWB)
#define DO_ldrw_pre(n, m) LS_DO(ldrw, (n) + LS_IMM, 0, X(rn) = a)
#define DO_ldrw_post(n, m) LS_DO_POST(ldrw, n)
#define DO_ldrx_imm(n, m) LS_DO(ldrx, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldrx_x(n, m) LS_DO(ldrx, (n) + (m), 0, LS_NOWB)
#define DO_ldrx_xs(n, m) LS_DO(ldrx, (n) + ((m) << LS_LOG_ldrx), 0, LS_NOWB)
#define DO_ldrx_uws(n, m) \
	LS_DO(ldrx, (n) + ((uint64_t)(uint32_t)(m) << LS_LOG_ldrx), 0, LS_NOWB)
#define DO_ldrx_pre(n, m) LS_DO(ldrx, (n) + LS_IMM, 0, X(rn) = a)
#define DO_ldrx_post(n, m) LS_DO_POST(ldrx, n)
#define DO_ldrsw_x_imm(n, m) LS_DO(ldrsw_x, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldrsw_x_xs(n, m) \
	LS_DO(ldrsw_x, (n) + ((m) << LS_LOG_ldrsw_x), 0, LS_NOWB)
#define DO_ldrsw_x_pre(n, m) LS_DO(ldrsw_x, (n) + LS_IMM, 0, X(rn) = a)
#define DO_ldrsw_x_post(n, m) LS_DO_POST(ldrsw_x, n)
#define DO_strb_imm(n, m) LS_DO(strb, (n) + LS_IMM, 0, LS_NOWB)
#define DO_strb_x(n, m) LS_DO(strb, (n) + (m), 0, LS_NOWB)
#define DO_strb_uw(n, m) LS_DO(strb, (n) + (uint64_t)(uint32_t)(m), 0, LS_NOWB)
#define DO_strb_pre(n, m) LS_DO(strb, (n) + LS_IMM, 0, X(rn) = a)
#define DO_strb_post(n, m) LS_DO_POST(strb, n)
#define DO_strh_imm(n, m) LS_DO(strh, (n) + LS_IMM, 0, LS_NOWB)
#define DO_strh_x(n, m) LS_DO(strh, (n) + (m), 0, LS_NOWB)
#define DO_strh_xs(n, m) LS_DO(strh, (n) + ((m) << LS_LOG_strh), 0, LS_NOWB)
#define DO_strh_pre(n, m) LS_DO(strh, (n) + LS_IMM, 0, X(rn) = a)
#define DO_strh_post(n, m) LS_DO_POST(strh, n)
#define DO_strw_imm(n, m) LS_DO(strw, (n) + LS_IMM, 0, LS_NOWB)
#define DO_strw_x(n, m) LS_DO(strw, (n) + (m), 0, LS_NOWB)
#define DO_strw_xs(n, m) LS_DO(strw, (n) + ((m) << LS_LOG_strw), 0, LS_NOWB)
#define DO_strw_uws(n, m) \
	LS_DO(strw, (n) + ((uint64_t)(uint32_t)(m) << LS_LOG_strw), 0, LS_NOWB)
#define DO_strw_pre(n, m) LS_DO(strw, (n) + LS_IMM, 0, X(rn) = a)
#define DO_strw_post(n, m) LS_DO_POST(strw, n)
#define DO_strx_imm(n, m) LS_DO(strx, (n) + LS_IMM, 0, LS_NOWB)
#define DO_strx_x(n, m) LS_DO(strx, (n) + (m), 0, LS_NOWB)
#define DO_strx_xs(n, m) LS_DO(strx, (n) + ((m) << LS_LOG_strx), 0, LS_NOWB)
#define DO_strx_pre(n, m) LS_DO(strx, (n) + LS_IMM, 0, X(rn) = a)
#define DO_strx_post(n, m) LS_DO_POST(strx, n)
/* based on SP */
#define LS_DO_SP(k, offset) LS_DO(k, LS_SP + (offset), LS_SP & 15, LS_NOWB)
#define DO_ldrb_imm_sp(n, m) LS_DO_SP(ldrb, LS_IMM)
#define DO_ldrb_x_sp(n, m) LS_DO_SP(ldrb, (m))
#define DO_ldrb_uw_sp(n, m) LS_DO_SP(ldrb, (uint64_t)(uint32_t)(m))
#define DO_ldrb_sw_sp(n, m) LS_DO_SP(ldrb, (uint64_t)(int32_t)(m))
#define DO_ldrw_imm_sp(n, m) LS_DO_SP(ldrw, LS_IMM)
#define DO_ldrw_xs_sp(n, m) LS_DO_SP(ldrw, (m) << LS_LOG_ldrw)
#define DO_ldrx_imm_sp(n, m) LS_DO_SP(ldrx, LS_IMM)
#define DO_strb_uw_sp(n, m) LS_DO_SP(strb, (uint64_t)(uint32_t)(m))
#define DO_strw_imm_sp(n, m) LS_DO_SP(strw, LS_IMM)
#define DO_strw_xs_sp(n, m) LS_DO_SP(strw, (m) << LS_LOG_strw)
#define DO_strx_imm_sp(n, m) LS_DO_SP(strx, LS_IMM)
#define DO_ldp_x_imm(n, m) PAIR_DO(ldp_x, (n) + LS_IMM, 0, LS_NOWB)
#define DO_stp_x_imm(n, m) PAIR_DO(stp_x, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldp_x_post(n, m) PAIR_DO(ldp_x, n, 0, X(rn) = a + LS_IMM)
#define DO_stp_x_post(n, m) PAIR_DO(stp_x, n, 0, X(rn) = a + LS_IMM)
#define DO_ldp_w_imm(n, m) PAIR_DO(ldp_w, (n) + LS_IMM, 0, LS_NOWB)
#define DO_stp_w_imm(n, m) PAIR_DO(stp_w, (n) + LS_IMM, 0, LS_NOWB)
#define DO_ldp_w_imm_sp(n, m) \
	PAIR_DO(ldp_w, LS_SP + LS_IMM, LS_SP & 15, LS_NOWB)
#define DO_ldp_x_imm_sp(n, m) \
	PAIR_DO(ldp_x, LS_SP + LS_IMM, LS_SP & 15, LS_NOWB)
#define DO_stp_x_imm_sp(n, m) \
	PAIR_DO(stp_x, LS_SP + LS_IMM, LS_SP & 15, LS_NOWB)
#define DO_ldp_x_post_sp(n, m) \
	PAIR_DO(ldp_x, LS_SP, LS_SP & 15, LS_SP = a + LS_IMM)
#define DO_stp_x_pre_sp(n, m) \
	PAIR_DO(stp_x, LS_SP + LS_IMM, LS_SP & 15, LS_SP = a)

/* ---- branches: not followed by NEXT where they are always taken ----------- */

#define DO_b(n, m) BR_TAKE()
#define DO_bl(n, m) do { c->x[30] = PC + 4; BR_TAKE(); } while (0)
#define DO_bl_far(n, m) do { \
	uint64_t pc = PC; \
	c->x[30] = pc + 4; \
	BR_FAR_GUESS(pc + HOT_IMM); \
} while (0)
#define DO_ret(n, m) BR_INDIRECT(n, 0u)
#define DO_cbz(n, m) do { if ((n) == 0) BR_TAKE(); } while (0)
#define DO_cbnz(n, m) do { if ((n) != 0) BR_TAKE(); } while (0)
#define DO_cbz_w(n, m) do { if ((uint32_t)(n) == 0) BR_TAKE(); } while (0)
#define DO_cbnz_w(n, m) do { if ((uint32_t)(n) != 0) BR_TAKE(); } while (0)
#define DO_tbz(n, m) do { if (!((n) >> ip->ra & 1)) BR_TAKE(); } while (0)
#define DO_tbnz(n, m) do { if ((n) >> ip->ra & 1) BR_TAKE(); } while (0)

#endif
