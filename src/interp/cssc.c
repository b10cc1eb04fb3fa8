/* FEAT_CSSC: minimum, maximum, absolute value and bit counts of general
 * registers. Arm ARM C6.2. */
#include "decode.h"
#include "op.h"

#define MINMAX(n, type, cmp)                                                   \
	OP(n##_x)                                                              \
	{                                                                      \
		uint64_t a = X(rn), b = X(rm);                                 \
		X(rd) = (type##64_t)a cmp (type##64_t)b ? a : b;               \
		NEXT(1);                                                       \
	}                                                                      \
	OP(n##_w)                                                              \
	{                                                                      \
		uint32_t a = (uint32_t)X(rn), b = (uint32_t)X(rm);             \
		SET_W(rd, (type##32_t)a cmp (type##32_t)b ? a : b);            \
		NEXT(1);                                                       \
	}                                                                      \
	/* the immediate is sign-extended, or not, by the decoder */           \
	OP(n##_ix)                                                             \
	{                                                                      \
		uint64_t a = X(rn), b = (uint64_t)(int64_t)ip->imm;            \
		X(rd) = (type##64_t)a cmp (type##64_t)b ? a : b;               \
		NEXT(1);                                                       \
	}                                                                      \
	OP(n##_iw)                                                             \
	{                                                                      \
		uint32_t a = (uint32_t)X(rn), b = (uint32_t)ip->imm;           \
		SET_W(rd, (type##32_t)a cmp (type##32_t)b ? a : b);            \
		NEXT(1);                                                       \
	}
MINMAX(smax, int, >)
MINMAX(umax, uint, >)
MINMAX(smin, int, <)
MINMAX(umin, uint, <)

op_fn *dec_minmax_imm(struct dec *d)
{
	static op_fn *const t[4][2] = {
		{ op_smax_iw, op_smax_ix }, { op_umax_iw, op_umax_ix },
		{ op_smin_iw, op_smin_ix }, { op_umin_iw, op_umin_ix },
	};
	unsigned op = bits(d->w, 19, 18);

	d->r->rd = slot_zd(d->rd);
	d->r->imm = op & 1 ? (int32_t)bits(d->w, 17, 10) :
			     (int32_t)sbits(d->w, 17, 10);
	return t[op][d->sf];
}

op_fn *dec_minmax_reg(struct dec *d)
{
	static op_fn *const t[4][2] = {
		{ op_smax_w, op_smax_x }, { op_umax_w, op_umax_x },
		{ op_smin_w, op_smin_x }, { op_umin_w, op_umin_x },
	};

	d->r->rd = slot_zd(d->rd);
	return t[bits(d->w, 11, 10)][d->sf];
}

static inline uint64_t ctz(uint64_t v, unsigned width)
{
	return v ? (uint64_t)__builtin_ctzll(v) : width;
}

OP(ctz) { X(rd) = ctz(X(rn), 64); NEXT(1); }
OP(ctz_w) { SET_W(rd, ctz((uint32_t)X(rn), 32)); NEXT(1); }
OP(cnt) { X(rd) = (uint64_t)__builtin_popcountll(X(rn)); NEXT(1); }
OP(cnt_w) { SET_W(rd, __builtin_popcount((uint32_t)X(rn))); NEXT(1); }
/* the smallest number stays what it is */
OP(abs)
{
	uint64_t v = X(rn);

	X(rd) = v >> 63 ? -v : v;
	NEXT(1);
}
OP(abs_w)
{
	uint32_t v = (uint32_t)X(rn);

	SET_W(rd, v >> 31 ? -v : v);
	NEXT(1);
}

op_fn *dec_cssc1(struct dec *d)
{
	static op_fn *const t[3][2] = {
		{ op_ctz_w, op_ctz }, { op_cnt_w, op_cnt }, { op_abs_w, op_abs },
	};

	d->r->rd = slot_zd(d->rd);
	return t[bits(d->w, 13, 10) - 6][d->sf];
}
