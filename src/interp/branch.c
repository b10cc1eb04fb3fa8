/* branch.c: branches; Arm ARM C4.1.94.
 *
 * Compiled twice: as it is, and by branch_count.c with BRANCH_COUNT set, whose
 * handlers also keep cpu.icount (CTX_COUNT). The decode functions here choose.
 * A target on the same page is a displacement between records; any other goes
 * through the code TLB. */
#include "branch.h"
#include "decode.h"
#include "hot.h"
#include "pauth.h"

#if BRANCH_COUNT
#define BR_TABLE branch_table_count
#else
#define BR_TABLE branch_table
#endif

#define IMM ((uint64_t)(int64_t)ip->imm)

/* ---- direct -------------------------------------------------------------- */

OP(b) { BR_TAKE(); }
OP(b_far) { BR_FAR_GUESS(PC + IMM); }
OP(bl) { DO_bl(0, 0); }
OP(bl_far) { DO_bl_far(0, 0); }

#define CONDITIONAL_(n, cond, FAR_) \
	OP(n) { if (cond) BR_TAKE(); NEXT(1); } \
	OP(n##_far) { if (cond) FAR_(PC + IMM); NEXT(1); }
#define CONDITIONAL(n, cond) CONDITIONAL_(n, cond, BR_FAR)
#define B_COND(cc, cond) CONDITIONAL_(b_##cc, cond, BR_FAR_GUESS)
ALL_CONDS(B_COND)
CONDITIONAL(cbz, X(rn) == 0)
CONDITIONAL(cbnz, X(rn) != 0)
CONDITIONAL(cbz_w, (uint32_t)X(rn) == 0)
CONDITIONAL(cbnz_w, (uint32_t)X(rn) != 0)
CONDITIONAL(tbz, !(X(rn) >> ip->ra & 1))
CONDITIONAL(tbnz, X(rn) >> ip->ra & 1)

/* ---- indirect ------------------------------------------------------------ */

/* Is the page that ip lies in guarded? Its code TLB entry is there, as it was
 * how we came here, unless another page took its place: then say no, which
 * asks for the laxer BTYPE. */
static inline uint32_t br_btype(const struct cpu *c, const struct rec *ip,
				unsigned rn)
{
	uint64_t pc = PC;
	const struct codee *e =
		&c->tlb->code[pc >> 12 & (CODE_TLB_SIZE - 1)];

	if (rn == 16 || rn == 17)
		return 1;
	return e->tag == (pc & ~0xfffull) && e->guarded ? 3 : 1;
}

OP(br) { BR_INDIRECT(X(rn), br_btype(c, ip, ip->rn)); }
OP(blr)
{
	uint64_t to = X(rn);

	c->x[30] = PC + 4;
	BR_INDIRECT(to, 2u);
}
OP(ret) { BR_INDIRECT(X(rn), 0u); }

/* rd: key; rm: slot of the modifier */
OP(br_auth)
{
	uint64_t to;

	if (!pauth_auth(c, ip->rd, X(rn), X(rm), true, &to))
		GO(raise);
	BR_INDIRECT(to, br_btype(c, ip, ip->rn));
}
OP(blr_auth)
{
	uint64_t to;

	if (!pauth_auth(c, ip->rd, X(rn), X(rm), true, &to))
		GO(raise);
	c->x[30] = PC + 4;
	BR_INDIRECT(to, 2u);
}
OP(ret_auth)
{
	uint64_t to;

	if (!pauth_auth(c, ip->rd, X(rn), X(rm), true, &to))
		GO(raise);
	BR_INDIRECT(to, 0u);
}

#define PAIR(n) { op_##n, op_##n##_far }
#define PAIR_CC(cc, cond) PAIR(b_##cc),
const struct branch_table BR_TABLE = {
	.b = PAIR(b), .bl = PAIR(bl),
	.cond = { ALL_CONDS(PAIR_CC) PAIR(b), PAIR(b) },
	.cb = { { PAIR(cbz_w), PAIR(cbnz_w) }, { PAIR(cbz), PAIR(cbnz) } },
	.tb = { PAIR(tbz), PAIR(tbnz) },
	.ind = { op_br, op_blr, op_ret },
	.ind_auth = { op_br_auth, op_blr_auth, op_ret_auth },
};

/* ---- decode -------------------------------------------------------------- */

#if !BRANCH_COUNT

static const struct branch_table *table(const struct dec *d)
{
	return d->ctx & CTX_COUNT ? &branch_table_count : &BR_TABLE;
}

/* Sets imm for a branch by `off` bytes; is the target on another page? */
static bool branch_far(struct dec *d, int64_t off)
{
	int64_t target = (int64_t)d->page_off + off;
	bool far = target < 0 || target >= (int64_t)REC_PAGE ||
		   d->ctx & CTX_STEP;

	d->r->imm = (int32_t)(far ? off : off * (int)sizeof(struct rec) / 4);
	return far;
}

op_fn *dec_b(struct dec *d)
{
	bool far = branch_far(d, sbits(d->w, 25, 0) * 4);

	return d->sf ? table(d)->bl[far] : table(d)->b[far];
}

op_fn *dec_b_cond(struct dec *d)
{
	bool far = branch_far(d, sbits(d->w, 23, 5) * 4);

	return table(d)->cond[bits(d->w, 3, 0)][far];
}

op_fn *dec_cbz(struct dec *d)
{
	bool far = branch_far(d, sbits(d->w, 23, 5) * 4);

	d->r->rn = slot_zr(d->rd);
	return table(d)->cb[d->sf][bits(d->w, 24, 24)][far];
}

op_fn *dec_tbz(struct dec *d)
{
	bool far = branch_far(d, sbits(d->w, 18, 5) * 4);

	d->r->rn = slot_zr(d->rd);
	d->r->ra = (uint8_t)(d->sf << 5 | bits(d->w, 23, 19));
	return table(d)->tb[bits(d->w, 24, 24)][far];
}

op_fn *dec_br(struct dec *d)
{
	return table(d)->ind[bits(d->w, 22, 21)];
}

op_fn *dec_br_auth(struct dec *d)
{
	unsigned opc = bits(d->w, 22, 21);

	d->r->rd = (uint8_t)bits(d->w, 10, 10);         /* IA, IB */
	if (opc == 2) {                                 /* RETAA: LR, SP */
		d->r->rn = 30;
		d->r->rm = REG_SP;
	} else if (bits(d->w, 24, 24)) {                /* BRAA: modifier Rm */
		d->r->rm = slot_sp(d->rd);
	} else {                                        /* BRAAZ */
		d->r->rm = REG_ZERO;
	}
	return table(d)->ind_auth[opc];
}

#endif
