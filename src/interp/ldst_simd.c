/* ldst_simd.c: loads and stores of one FP or SIMD register.
 * Arm ARM C4.1.94; spec/cpu.md 3.5. The record is that of ldst.h, rd a vector
 * number. Loads clear what is above the element. */
#include "ldst.h"

#define LS_SIZE_str_b 1
#define LS_SIZE_str_h 2
#define LS_SIZE_str_s 4
#define LS_SIZE_str_d 8
#define LS_SIZE_str_q 16
#define LS_SIZE_ldr_b 1
#define LS_SIZE_ldr_h 2
#define LS_SIZE_ldr_s 4
#define LS_SIZE_ldr_d 8
#define LS_SIZE_ldr_q 16

#define LS_LOG_str_b 0
#define LS_LOG_str_h 1
#define LS_LOG_str_s 2
#define LS_LOG_str_d 3
#define LS_LOG_str_q 4
#define LS_LOG_ldr_b 0
#define LS_LOG_ldr_h 1
#define LS_LOG_ldr_s 2
#define LS_LOG_ldr_d 3
#define LS_LOG_ldr_q 4

#define LS_TLB_str_b TLB_W
#define LS_TLB_str_h TLB_W
#define LS_TLB_str_s TLB_W
#define LS_TLB_str_d TLB_W
#define LS_TLB_str_q TLB_W
#define LS_TLB_ldr_b TLB_R
#define LS_TLB_ldr_h TLB_R
#define LS_TLB_ldr_s TLB_R
#define LS_TLB_ldr_d TLB_R
#define LS_TLB_ldr_q TLB_R

#define LS_READ_str_b host_w8(h, V(rd).b[0])
#define LS_READ_str_h host_w16(h, V(rd).h[0])
#define LS_READ_str_s host_w32(h, V(rd).s[0])
#define LS_READ_str_d host_w64(h, V(rd).d[0])
#define LS_READ_str_q host_wv(h, V(rd).vd)
#define LS_READ_ldr_b v2u64 v = v_zext(host_r8(h))
#define LS_READ_ldr_h v2u64 v = v_zext(host_r16(h))
#define LS_READ_ldr_s v2u64 v = v_zext(host_r32(h))
#define LS_READ_ldr_d v2u64 v = v_zext(host_r64(h))
#define LS_READ_ldr_q v2u64 v = host_rv(h)

#define LS_WRITE_str_b ((void)0)
#define LS_WRITE_str_h ((void)0)
#define LS_WRITE_str_s ((void)0)
#define LS_WRITE_str_d ((void)0)
#define LS_WRITE_str_q ((void)0)
#define LS_WRITE_ldr_b V(rd).vd = v
#define LS_WRITE_ldr_h V(rd).vd = v
#define LS_WRITE_ldr_s V(rd).vd = v
#define LS_WRITE_ldr_d V(rd).vd = v
#define LS_WRITE_ldr_q V(rd).vd = v

#define KINDS(F) \
	F(str_b) F(str_h) F(str_s) F(str_d) F(str_q) \
	F(ldr_b) F(ldr_h) F(ldr_s) F(ldr_d) F(ldr_q)

KINDS(LS_FORMS)
static ls_table fast = { KINDS(LS_ROW) };

/* log2 of the size: bits 31:30, or 4 with opc<1> (then they are 00) */
static bool get_log(const struct dec *d, unsigned *log)
{
	unsigned size = bits(d->w, 31, 30), q = bits(d->w, 23, 23);

	*log = q ? 4 : size;
	return !q || !size;
}

static enum ls_kind get_kind(const struct dec *d, unsigned log)
{
	return (bits(d->w, 22, 22) ? LSK_ldr_b : LSK_str_b) + log;
}

op_fn *dec_ldst_v_ui(struct dec *d)
{
	unsigned log;

	return get_log(d, &log) ?
	       ls_dec_imm(d, fast, get_kind(d, log), d->rd, LSF_IMM,
			  (int32_t)(bits(d->w, 21, 10) << log)) : NULL;
}

static op_fn *dec_imm9(struct dec *d, enum ls_form form)
{
	unsigned log;

	return get_log(d, &log) ?
	       ls_dec_imm(d, fast, get_kind(d, log), d->rd, form,
			  (int32_t)sbits(d->w, 20, 12)) : NULL;
}
op_fn *dec_ldst_v_ur(struct dec *d) { return dec_imm9(d, LSF_IMM); }
op_fn *dec_ldst_v_pre(struct dec *d) { return dec_imm9(d, LSF_PRE); }
op_fn *dec_ldst_v_post(struct dec *d) { return dec_imm9(d, LSF_POST); }

op_fn *dec_ldst_v_reg(struct dec *d)
{
	unsigned log;

	return get_log(d, &log) ?
	       ls_dec_reg(d, fast, get_kind(d, log), d->rd, log) : NULL;
}

LS_OP(ldr_s_lit, ldr_s, PC + LS_IMM, 0, LS_NOWB)
LS_OP(ldr_d_lit, ldr_d, PC + LS_IMM, 0, LS_NOWB)
LS_OP(ldr_q_lit, ldr_q, PC + LS_IMM, 0, LS_NOWB)

op_fn *dec_ldr_v_lit(struct dec *d)
{
	static op_fn *const t[3] = {
		op_ldr_s_lit, op_ldr_d_lit, op_ldr_q_lit,
	};
	unsigned opc = bits(d->w, 31, 30);

	if (opc == 3)
		return NULL;
	d->r->rd = d->rd;
	d->r->rn = REG_ZERO;
	d->r->imm = (int32_t)(sbits(d->w, 23, 5) * 4);
	d->r->ra = LS_RA(LSK_ldr_s + opc, LSF_LIT);
	return d->ctx & CTX_ALIGN ? op_ldst_slow : t[opc];
}
