/* fuse.c: recognises the pairs of fuse.h. */
#include "fuse.h"
#include "op.h"

/* ---- constants and addresses ---------------------------------------------- */

/* imm: the page displacement, rm:ra: the low 12 bits */
OP(adrp_add)
{
	X(rd) = (PC & ~0xfffull) + (uint64_t)(int64_t)ip->imm * 4096 +
		fuse_get16(ip);
	NEXT(2);
}
OP(const32) { X(rd) = (uint32_t)ip->imm; NEXT(2); }
OP(mov_mov) { X(rd) = X(rn); X(rm) = X(ra); NEXT(2); }

static bool fuse_adrp_add(struct rec *r, uint32_t w1, uint32_t w2)
{
	/* ADRP Xd; ADD Xd, Xd, #imm12 */
	if ((w1 & 0x9f000000) != 0x90000000 ||
	    (w2 & 0xffc00000) != 0x91000000 || (w1 & 31) == 31 ||
	    (w2 & 31) != (w1 & 31) || (w2 >> 5 & 31) != (w1 & 31))
		return false;
	r->rd = (uint8_t)(w1 & 31);
	r->imm = (int32_t)(sbits(w1, 23, 5) * 4 | bits(w1, 30, 29));
	fuse_set16(r, bits(w2, 21, 10));
	r->h = op_adrp_add;
	return true;
}

static bool fuse_movz_movk(struct rec *r, uint32_t w1, uint32_t w2)
{
	/* MOVZ d, #lo; MOVK d, #hi, LSL #16, both W or both X */
	if ((w1 & 0x7fe00000) != 0x52800000 ||
	    (w2 & 0x7fe00000) != 0x72a00000 || (w1 & 31) == 31 ||
	    (w1 & 0x8000001f) != (w2 & 0x8000001f))
		return false;
	r->rd = (uint8_t)(w1 & 31);
	r->imm = (int32_t)(bits(w1, 20, 5) | bits(w2, 20, 5) << 16);
	r->h = op_const32;
	return true;
}

static bool is_mov(uint32_t w)
{
	/* MOV Xd, Xm, as ORR Xd, XZR, Xm */
	return (w & 0xffe0ffe0) == 0xaa0003e0;
}

static bool fuse_mov_mov(struct rec *r, uint32_t w1, uint32_t w2)
{
	if (!is_mov(w1) || !is_mov(w2))
		return false;
	r->rd = slot_zd(w1 & 31);
	r->rn = slot_zr(w1 >> 16 & 31);
	r->rm = slot_zd(w2 & 31);
	r->ra = slot_zr(w2 >> 16 & 31);
	r->h = op_mov_mov;
	return true;
}

/* ---- compare and branch ------------------------------------------------------ */

static int cmp_kind(struct rec *r, uint32_t w)
{
	bool x = w >> 31, discard = (w & 31) == 31;

	if ((w & 0x7fc00000) == 0x71000000) {   /* SUBS immediate, no shift */
		r->rn = slot_sp(w >> 5 & 31);
		r->rd = slot_zd(w & 31);
		fuse_set16(r, bits(w, 21, 10));
		if (discard)
			return x ? FUSE_CMP_I : FUSE_CMP_IW;
		return x ? FUSE_SUBS_I : FUSE_SUBS_IW;
	}
	if ((w & 0x7fe0fc1f) == 0x6b00001f) {   /* CMP register */
		r->rn = slot_zr(w >> 5 & 31);
		r->rm = slot_zr(w >> 16 & 31);
		return x ? FUSE_CMP_R : FUSE_CMP_RW;
	}
	if ((w & 0x7fe0fc1f) == 0x6a00001f) {   /* TST register */
		r->rn = slot_zr(w >> 5 & 31);
		r->rm = slot_zr(w >> 16 & 31);
		return x ? FUSE_TST_R : FUSE_TST_RW;
	}
	if ((w & 0xffc0001f) == 0x7200001f) {   /* TST W immediate */
		r->rn = slot_zr(w >> 5 & 31);
		fuse_set16(r, bits(w, 22, 10));
		return FUSE_TST_IW;
	}
	return -1;
}

static bool fuse_cmp_branch(struct rec *r, uint32_t w1, uint32_t w2,
			    uint32_t page_off, uint32_t ctx)
{
	if ((w2 & 0xff000010) != 0x54000000 || (w2 & 15) >= 14)
		return false;
	int64_t disp = 4 + sbits(w2, 23, 5) * 4;
	int64_t target = (int64_t)page_off + disp;
	struct rec tmp = *r;

	if (target < 0 || target >= (int64_t)REC_PAGE)
		return false;
	int kind = cmp_kind(&tmp, w1);

	if (kind < 0)
		return false;
	tmp.imm = (int32_t)(disp / 4 * (int)sizeof(struct rec));
	tmp.h = (ctx & CTX_COUNT ? &fuse_table_count : &fuse_table)
			->cmp[kind][w2 & 15];
	*r = tmp;
	return true;
}

bool fuse_pair(struct rec *r, uint32_t w1, uint32_t w2, uint32_t page_off,
	       uint32_t ctx, const struct cpu_model *model)
{
	/* w1 must have decoded: an unallocated one stays UNDEF */
	if (r->h == op_undef || page_off + 4 >= REC_PAGE)
		return false;
	return fuse_cmp_branch(r, w1, w2, page_off, ctx) ||
	       fuse_adrp_add(r, w1, w2) || fuse_movz_movk(r, w1, w2) ||
	       fuse_mov_mov(r, w1, w2);
}
