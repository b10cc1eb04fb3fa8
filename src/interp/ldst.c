/* ldst.c: loads and stores of one integer register; prefetch hints.
 * Arm ARM C4.1.94; spec/cpu.md 3.5, 3.9. */
#include "hot.h"
#include "mmu_refill.h"

/* ---- fast ---------------------------------------------------------------- */

#define KINDS(F) \
	F(strb) F(strh) F(strw) F(strx) \
	F(ldrb) F(ldrh) F(ldrw) F(ldrx) \
	F(ldrsb_x) F(ldrsh_x) F(ldrsw_x) F(ldrsb_w) F(ldrsh_w)

KINDS(LS_FORMS)
static ls_table fast = { KINDS(LS_ROW) };

/* ---- decoding ---------------------------------------------------------- */

/* size, opc -> kind + 1; 0 unallocated, or PRFM at [3][2] */
static const uint8_t kind_of[4][4] = {
	{ LSK_strb + 1, LSK_ldrb + 1, LSK_ldrsb_x + 1, LSK_ldrsb_w + 1 },
	{ LSK_strh + 1, LSK_ldrh + 1, LSK_ldrsh_x + 1, LSK_ldrsh_w + 1 },
	{ LSK_strw + 1, LSK_ldrw + 1, LSK_ldrsw_x + 1, 0 },
	{ LSK_strx + 1, LSK_ldrx + 1, 0, 0 },
};

static bool get_kind(const struct dec *d, enum ls_kind *k, uint8_t *rt)
{
	unsigned n = kind_of[bits(d->w, 31, 30)][bits(d->w, 23, 22)];

	if (!n)
		return false;
	*k = n - 1;
	*rt = *k <= LSK_strx ? slot_zr(d->rd) : slot_zd(d->rd);
	return true;
}

static op_fn *dec_imm(struct dec *d, enum ls_form form, int32_t imm)
{
	enum ls_kind k;
	uint8_t rt;

	return get_kind(d, &k, &rt) ? ls_dec_imm(d, fast, k, rt, form, imm) :
				      NULL;
}

op_fn *dec_ldst_ui(struct dec *d)
{
	return dec_imm(d, LSF_IMM, (int32_t)(bits(d->w, 21, 10)
					     << bits(d->w, 31, 30)));
}
op_fn *dec_ldst_ur(struct dec *d)
{
	return dec_imm(d, LSF_IMM, (int32_t)sbits(d->w, 20, 12));
}
op_fn *dec_ldst_pre(struct dec *d)
{
	return dec_imm(d, LSF_PRE, (int32_t)sbits(d->w, 20, 12));
}
op_fn *dec_ldst_post(struct dec *d)
{
	return dec_imm(d, LSF_POST, (int32_t)sbits(d->w, 20, 12));
}

op_fn *dec_ldst_reg(struct dec *d)
{
	enum ls_kind k;
	uint8_t rt;

	return get_kind(d, &k, &rt) ?
	       ls_dec_reg(d, fast, k, rt, bits(d->w, 31, 30)) : NULL;
}

/* ---- literal ----------------------------------------------------------- */

LS_OP(ldrw_lit, ldrw, PC + LS_IMM, 0, LS_NOWB)
LS_OP(ldrx_lit, ldrx, PC + LS_IMM, 0, LS_NOWB)
LS_OP(ldrsw_lit, ldrsw_x, PC + LS_IMM, 0, LS_NOWB)

op_fn *dec_ldr_lit(struct dec *d)
{
	static const struct { uint8_t kind; op_fn *h; } t[3] = {
		{ LSK_ldrw, op_ldrw_lit }, { LSK_ldrx, op_ldrx_lit },
		{ LSK_ldrsw_x, op_ldrsw_lit },
	};
	unsigned opc = bits(d->w, 31, 30);

	if (opc == 3)
		return op_ldst_nop;     /* PRFM */
	d->r->rd = slot_zd(d->rd);
	d->r->rn = REG_ZERO;
	d->r->imm = (int32_t)(sbits(d->w, 23, 5) * 4);
	d->r->ra = LS_RA(t[opc].kind, LSF_LIT);
	return d->ctx & CTX_ALIGN ? op_ldst_slow : t[opc].h;
}

/* ---- LDTR, STTR: as EL0 ------------------------------------------------ */

/* At EL0 the current view is EL0's; at EL1 with UAO set they are ordinary:
 * the slow handler knows. */
MISS_OPS(unpriv, c->pstate & PS_UAO ? TLB : &c->views[TLB_EL0], ldst_slow)
#define UNPRIV_OP(k) \
OP(k##_unpriv) { \
	HOT_RES; \
	uint64_t a = X(rn) + LS_IMM; \
	PROBE_FILL(LS_TLB_##k, &c->views[TLB_EL0], a, LS_SIZE_##k, \
		   c->pstate & PS_UAO, unpriv); \
	LS_READ_##k; \
	LS_WRITE_##k; \
	NEXT(1); \
}
KINDS(UNPRIV_OP)

op_fn *dec_ldst_unpriv(struct dec *d)
{
#define ROW(k) [LSK_##k] = op_##k##_unpriv,
	static op_fn *const t[] = { KINDS(ROW) };
#undef ROW
	enum ls_kind k;

	if (!get_kind(d, &k, &d->r->rd))
		return NULL;
	d->r->rn = slot_sp(d->rn);
	d->r->imm = (int32_t)sbits(d->w, 20, 12);
	d->r->ra = LS_RA(k, LSF_UNPRIV);
	return d->ctx & CTX_ALIGN || d->rn == REG_SP ? op_ldst_slow : t[k];
}

/* ---- prefetch ---------------------------------------------------------- */

OP_GLOBAL(ldst_nop) { NEXT(1); }

op_fn *dec_prfm(struct dec *d)
{
	return op_ldst_nop;
}
/* register offset: option as for loads; Rt = 11xxx is RPRFM, a hint too */
op_fn *dec_prfm_reg(struct dec *d)
{
	return bits(d->w, 14, 14) ? op_ldst_nop : NULL;
}
