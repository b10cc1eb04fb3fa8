/* simd_fpx.c: complex numbers (FCMA), half to single (FHM), BFloat16.
 * Arm DDI 0487 C7.2; spec/cpu.md 6.2; rows in simd_fp.def. All in software. */
#include "simd_fp.h"

#define SIGN softfp_signbit(F)

/* ---- FCADD, FCMLA: lanes are pairs of real and imaginary --------------------- */

/* arg: rotation in quarter turns */
OP(vfcadd)
{
	const struct fpctx x = fp_ctx(c);
	const enum fpfmt F = vfp_fmt(ip);
	const vreg a = V(rn), b = V(rm);
	const bool back = vfp_arg(ip) == 3;
	vreg r = { .d = { 0, 0 } };

	for (int i = 0; i < vfp_lanes(ip); i += 2) {
		uint64_t re = vfp_get(&b, F, i), im = vfp_get(&b, F, i + 1);

		/* b turned: by 90 degrees -im + i re, by 270 im - i re */
		if (back)
			re ^= SIGN;
		else
			im ^= SIGN;
		vfp_put(&r, F, i, softfp_add(&x, F, vfp_get(&a, F, i), im));
		vfp_put(&r, F, i + 1,
			softfp_add(&x, F, vfp_get(&a, F, i + 1), re));
	}
	V(rd).vd = r.vd;
	NEXT(1);
}

/* By element, the pair ra of Rm serves all pairs. */
OP(vfcmla)
{
	const struct fpctx x = fp_ctx(c);
	const enum fpfmt F = vfp_fmt(ip);
	const vreg va = V(rn), vb = V(rm), d = V(rd);
	const unsigned rot = vfp_arg(ip);
	vreg r = { .d = { 0, 0 } };

	for (int i = 0; i < vfp_lanes(ip); i += 2) {
		int k = ip->imm & VFP_ELEM ? 2 * (ip->ra & 3) : i;
		uint64_t re = vfp_get(&vb, F, k), im = vfp_get(&vb, F, k + 1);
		/* a's real part with rotation 0 and 180, else the imaginary */
		uint64_t a = vfp_get(&va, F, i + (rot & 1));
		uint64_t to_re = rot & 1 ? im : re, to_im = rot & 1 ? re : im;

		if (rot == 1 || rot == 2)
			to_re ^= SIGN;
		if (rot & 2)
			to_im ^= SIGN;
		vfp_put(&r, F, i, softfp_muladd(&x, F, vfp_get(&d, F, i), a,
						to_re));
		vfp_put(&r, F, i + 1,
			softfp_muladd(&x, F, vfp_get(&d, F, i + 1), a, to_im));
	}
	V(rd).vd = r.vd;
	NEXT(1);
}

static op_fn *complex_op(struct dec *d, unsigned rot, op_fn *h)
{
	enum fpfmt f = (enum fpfmt)simd_size(d);

	if (!f || (f == FP_H && !d->model->has[FEAT_FP16]))
		return NULL;
	return vfp_imm(d, f, rot) ? h : NULL;
}
op_fn *dec_vfcadd(struct dec *d)
{
	return complex_op(d, bits(d->w, 12, 12) * 2 + 1, op_vfcadd);
}
op_fn *dec_vfcmla(struct dec *d)
{
	return complex_op(d, bits(d->w, 12, 11), op_vfcmla);
}
op_fn *dec_vfcmla_e(struct dec *d)
{
	unsigned h = bits(d->w, 11, 11), l = bits(d->w, 21, 21);
	op_fn *op = complex_op(d, bits(d->w, 14, 13), op_vfcmla);

	if (simd_size(d) == 1) {
		d->r->ra = (uint8_t)(h << 1 | l);
		if (h && !simd_q(d))
			return NULL;
	} else {
		d->r->ra = (uint8_t)h;
		if (simd_size(d) != 2 || l || !simd_q(d))
			return NULL;
	}
	d->r->imm |= VFP_ELEM;
	return op;
}

/* ---- FMLAL, FMLSL: halves into singles --------------------------------------- */

/* arg: first lane of Rn and Rm, and bit 4: negate */
OP(vfmlal)
{
	const struct fpctx x = fp_ctx(c);
	const unsigned off = vfp_arg(ip) & 15;
	const uint16_t sign = vfp_arg(ip) >> 4 ? 0x8000 : 0;
	const vreg a = V(rn), b = V(rm), d = V(rd);
	vreg r = { .d = { 0, 0 } };

	for (int i = 0; i < vfp_lanes(ip); i++) {
		unsigned k = off + (unsigned)i;
		uint16_t m = b.h[ip->imm & VFP_ELEM ? ip->ra & 7 : k];

		r.s[i] = (uint32_t)softfp_muladdh(&x, d.s[i], a.h[k] ^ sign, m);
	}
	V(rd).vd = r.vd;
	NEXT(1);
}
static op_fn *fmlal(struct dec *d, bool upper, bool neg, bool element)
{
	unsigned lanes = 2u << simd_q(d);

	vfp_imm(d, FP_S, (upper ? lanes : 0) | (unsigned)neg << 4);
	if (element) {
		simd_elem_h(d);
		d->r->imm |= VFP_ELEM;
	}
	return op_vfmlal;
}
op_fn *dec_vfmlal(struct dec *d) { return fmlal(d, false, false, false); }
op_fn *dec_vfmlsl(struct dec *d) { return fmlal(d, false, true, false); }
op_fn *dec_vfmlal2(struct dec *d) { return fmlal(d, true, false, false); }
op_fn *dec_vfmlsl2(struct dec *d) { return fmlal(d, true, true, false); }
op_fn *dec_vfmlal_e(struct dec *d) { return fmlal(d, false, false, true); }
op_fn *dec_vfmlsl_e(struct dec *d) { return fmlal(d, false, true, true); }
op_fn *dec_vfmlal2_e(struct dec *d) { return fmlal(d, true, false, true); }
op_fn *dec_vfmlsl2_e(struct dec *d) { return fmlal(d, true, true, true); }

/* ---- BFloat16 ------------------------------------------------------------------ */

OP(vbfdot)
{
	const vreg a = V(rn), b = V(rm), d = V(rd);
	vreg r = { .d = { 0, 0 } };

	for (int i = 0; i < vfp_lanes(ip); i++)
		r.s[i] = softfp_bfdot(d.s[i], a.s[i],
				      b.s[ip->imm & VFP_ELEM ? ip->ra & 3 : i]);
	V(rd).vd = r.vd;
	NEXT(1);
}
OP(vbfmmla)
{
	const vreg a = V(rn), b = V(rm), d = V(rd);
	vreg r;

	for (int i = 0; i < 4; i++) {
		const uint32_t *p = a.s + 2 * (i >> 1), *q = b.s + 2 * (i & 1);

		r.s[i] = softfp_bfdot(softfp_bfdot(d.s[i], p[0], q[0]), p[1],
				      q[1]);
	}
	V(rd).vd = r.vd;
	NEXT(1);
}
/* arg: odd lanes */
OP(vbfmlal)
{
	const struct fpctx x = fp_ctx(c);
	const unsigned odd = vfp_arg(ip);
	const vreg a = V(rn), b = V(rm), d = V(rd);
	vreg r;

	for (unsigned i = 0; i < 4; i++) {
		unsigned k = 2 * i + odd;
		uint64_t m = b.h[ip->imm & VFP_ELEM ? ip->ra & 7 : k];

		r.s[i] = (uint32_t)softfp_muladd(&x, FP_S, d.s[i],
						 (uint64_t)a.h[k] << 16,
						 m << 16);
	}
	V(rd).vd = r.vd;
	NEXT(1);
}
op_fn *dec_vbfdot(struct dec *d)
{
	vfp_imm(d, FP_S, 0);
	return op_vbfdot;
}
op_fn *dec_vbfdot_e(struct dec *d)
{
	vfp_imm(d, FP_S, 0);
	simd_elem_s(d);
	d->r->imm |= VFP_ELEM;
	return op_vbfdot;
}
op_fn *dec_vbfmmla(struct dec *d)
{
	simd_regs(d);
	return op_vbfmmla;
}
op_fn *dec_vbfmlal(struct dec *d)
{
	vfp_imm(d, FP_S, simd_q(d));
	return op_vbfmlal;
}
op_fn *dec_vbfmlal_e(struct dec *d)
{
	vfp_imm(d, FP_S, simd_q(d));
	simd_elem_h(d);
	d->r->imm |= VFP_ELEM;
	return op_vbfmlal;
}
