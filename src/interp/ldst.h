/* ldst.h: what the load and store files share: access to guest memory through
 * its host address, the probe of the inline TLB, and the slow handler.
 *
 * A fast handler probes the inline TLB and makes no call. Everything else goes
 * to op_ldst_miss_*, which fills the TLB where that is simple (mmu_refill.h) and
 * runs the record again; the rest (fault, MMIO, page crossing, SP not aligned)
 * to op_ldst_slow, which finds out from rec.ra what to do: kind (enum ls_kind) in bits 4:0,
 * form (enum ls_form) in bits 7:5. It works for any record of this shape:
 *
 *	rd      Rt: slot of cpu.x (SINK for loads), or vector number
 *	rn      base, 31 is SP (checked); rm the index register
 *	imm     displacement; for LSF_REG, LS_EXT(extend, shift) */
#ifndef INTERP_LDST_H
#define INTERP_LDST_H

#include "decode.h"
#include "op.h"

/* ---- guest memory ------------------------------------------------------ */

/* One host access of exactly this size, at any alignment: volatile, so that
 * the compiler neither splits nor merges them (a wide load after two narrow
 * stores cannot be forwarded by the host's store buffer). */
typedef uint64_t v2u64 __attribute__((vector_size(16)));
typedef uint16_t u16_any __attribute__((aligned(1), may_alias));
typedef uint32_t u32_any __attribute__((aligned(1), may_alias));
typedef uint64_t u64_any __attribute__((aligned(1), may_alias));
typedef uint64_t v2u64_any
	__attribute__((vector_size(16), aligned(1), may_alias));

static inline uint8_t host_r8(uint64_t h) { return *(volatile uint8_t *)h; }
static inline uint16_t host_r16(uint64_t h) { return *(volatile u16_any *)h; }
static inline uint32_t host_r32(uint64_t h) { return *(volatile u32_any *)h; }
static inline uint64_t host_r64(uint64_t h) { return *(volatile u64_any *)h; }
static inline void host_w8(uint64_t h, uint64_t v)
{
	*(volatile uint8_t *)h = (uint8_t)v;
}
static inline void host_w16(uint64_t h, uint64_t v)
{
	*(volatile u16_any *)h = (uint16_t)v;
}
static inline void host_w32(uint64_t h, uint64_t v)
{
	*(volatile u32_any *)h = (uint32_t)v;
}
static inline void host_w64(uint64_t h, uint64_t v)
{
	*(volatile u64_any *)h = v;
}
/* 16 bytes in one: with FEAT_LSE2 an aligned Q register is single-copy atomic,
 * as such host accesses are (x86: where there is AVX). Vector registers in
 * struct cpu are always written whole, so that a load of all forwards. */
static inline v2u64 host_rv(uint64_t h) { return *(volatile v2u64_any *)h; }
static inline void host_wv(uint64_t h, v2u64 v)
{
	*(volatile v2u64_any *)h = v;
}
static inline v2u64 v_zext(uint64_t v) { return (v2u64){ v, 0 }; }

/* ---- the probe --------------------------------------------------------- */

#define TLB_R(view, a) (&(view)->r[(a) >> 12 & (TLB_SIZE - 1)])
#define TLB_W(view, a) (&(view)->w[(a) >> 12 & (TLB_SIZE - 1)])
/* Declares `h`, the host address of the `size` bytes at `a`, or goes slow.
 * One subtraction tests page, validity and crossing. Host is read before the
 * branch (volatile keeps it there), where its address folds into the load. */
#define PROBE_(TLB_RW, view, a, miss, bad, leave) \
	const struct tlbe *probe_e = TLB_RW(view, a); \
	uint64_t probe_o = (a) - probe_e->va; \
	uint64_t probe_h = *(const volatile uint64_t *)&probe_e->host; \
	if (UNLIKELY(miss) || UNLIKELY(bad)) { \
		leave; \
	} \
	uint64_t h = probe_h + probe_o
#define PROBE(TLB_RW, view, a, size, bad, slow) \
	PROBE_(TLB_RW, view, a, probe_o > REC_PAGE - (size), bad, GO(slow))
/* The same where `a` must be a multiple of `size`. */
#define PROBE_ALIGNED(TLB_RW, view, a, size, bad, slow) \
	PROBE_(TLB_RW, view, a, probe_o & ~(uint64_t)(REC_PAGE - (size)), \
	       bad, GO(slow))
/* The same as PROBE, but op_KIND_miss_TLB_R (or W) tries to fill the TLB first. */
#define PROBE_FILL(TLB_RW, view, a, size, bad, kind) \
	PROBE_(TLB_RW, view, a, probe_o > REC_PAGE - (size), bad, \
	       c->miss_va = (a); GO_MISS(kind, TLB_RW))
#define GO_MISS(kind, TLB_RW) GO(kind##_miss_##TLB_RW)

/* ---- addresses --------------------------------------------------------- */

#define LS_IMM ((uint64_t)(int64_t)ip->imm)
#define LS_SP (c->x[REG_SP])
/* Index register by extend; `s` is the shift. */
#define LS_X(s) (X(rm) << (s))
#define LS_UW(s) ((uint64_t)(uint32_t)X(rm) << (s))
#define LS_SW(s) ((uint64_t)(int64_t)(int32_t)X(rm) << (s))

/* ---- the slow handler -------------------------------------------------- */

/* Integer loads and stores, then SIMD ones. */
enum ls_kind {
	LSK_strb, LSK_strh, LSK_strw, LSK_strx,
	LSK_ldrb, LSK_ldrh, LSK_ldrw, LSK_ldrx,
	LSK_ldrsb_x, LSK_ldrsh_x, LSK_ldrsw_x, LSK_ldrsb_w, LSK_ldrsh_w,
	LSK_str_b, LSK_str_h, LSK_str_s, LSK_str_d, LSK_str_q,
	LSK_ldr_b, LSK_ldr_h, LSK_ldr_s, LSK_ldr_d, LSK_ldr_q,
	LSK_COUNT
};
/* LSF_ORD: acquire/release at an immediate offset. */
enum ls_form {
	LSF_IMM, LSF_PRE, LSF_POST, LSF_REG, LSF_LIT, LSF_UNPRIV, LSF_ORD,
};
#define LS_RA(kind, form) ((uint8_t)((form) << 5 | (kind)))
enum { LSX_UW, LSX_X, LSX_SW };
#define LS_EXT(ext, shift) ((ext) << 8 | (shift))

OP_GLOBAL(ldst_slow);
OP_GLOBAL(ldst_miss_TLB_R);
OP_GLOBAL(ldst_miss_TLB_W);
OP_GLOBAL(ldst_nop);            /* PRFM */

/* SP alignment, Arm ARM D1.3.9.3 (spec/cpu.md 3.5): false with c->exc set
 * when SP is not aligned and the check is on at this EL. */
bool ldst_sp_check(struct cpu *c);
/* Index register value, extended and shifted as LS_EXT says. */
static inline uint64_t ldst_index(const struct cpu *c, const struct rec *ip)
{
	uint64_t m = X(rm);

	if (ip->imm >> 8 == LSX_UW)
		m = (uint32_t)m;
	else if (ip->imm >> 8 == LSX_SW)
		m = (uint64_t)(int64_t)(int32_t)m;
	return m << (ip->imm & 7);
}
/* Before stores that cannot be one mem_store: may `size` bytes at va be
 * written? Pages in order; false with c->exc set. */
bool ldst_can_write(struct cpu *c, uint64_t va, unsigned size);

/* ---- fast handlers, from a list of kinds ------------------------------- */

/* What one does. Writeback comes before the destination: with Rt = Rn the
 * loaded value stays (spec/cpu.md 3.9); a store took its data before. */
#define LS_DO(k, addr, bad, wb) do { \
	uint64_t a = (addr); \
	PROBE_FILL(LS_TLB_##k, TLB, a, LS_SIZE_##k, bad, ldst); \
	LS_READ_##k; \
	wb; \
	LS_WRITE_##k; \
} while (0)
/* `res` is hot.h's: what an integer load leaves in Rd. */
#define LS_OP(name, k, addr, bad, wb) \
OP_SHARED(name) { \
	uint64_t res __attribute__((unused)) = 0; \
	LS_DO(k, addr, bad, wb); \
	NEXT(1); \
}
#define LS_NOWB ((void)0)
#define LS_BASE_FORMS(k, p, base, bad) \
	LS_OP(k##_imm##p, k, base + LS_IMM, bad, LS_NOWB) \
	LS_OP(k##_pre##p, k, base + LS_IMM, bad, base = a) \
	LS_OP(k##_post##p, k, base, bad, base = a + LS_IMM) \
	LS_OP(k##_x##p, k, base + LS_X(0), bad, LS_NOWB) \
	LS_OP(k##_xs##p, k, base + LS_X(LS_LOG_##k), bad, LS_NOWB) \
	LS_OP(k##_uw##p, k, base + LS_UW(0), bad, LS_NOWB) \
	LS_OP(k##_uws##p, k, base + LS_UW(LS_LOG_##k), bad, LS_NOWB) \
	LS_OP(k##_sw##p, k, base + LS_SW(0), bad, LS_NOWB) \
	LS_OP(k##_sws##p, k, base + LS_SW(LS_LOG_##k), bad, LS_NOWB)
#define LS_FORMS(k) \
	LS_BASE_FORMS(k, , X(rn), 0) \
	LS_BASE_FORMS(k, _sp, LS_SP, LS_SP & 15)

/* The table of them: [kind][base is SP][form] */
enum ls_fast {
	FAST_IMM, FAST_PRE, FAST_POST, FAST_X, FAST_XS, FAST_UW, FAST_UWS,
	FAST_SW, FAST_SWS, FAST_COUNT
};
#define LS_ROW(k) \
	[LSK_##k] = { { op_##k##_imm, op_##k##_pre, op_##k##_post, \
		op_##k##_x, op_##k##_xs, op_##k##_uw, op_##k##_uws, \
		op_##k##_sw, op_##k##_sws }, \
	  { op_##k##_imm_sp, op_##k##_pre_sp, op_##k##_post_sp, \
		op_##k##_x_sp, op_##k##_xs_sp, op_##k##_uw_sp, \
		op_##k##_uws_sp, op_##k##_sw_sp, op_##k##_sws_sp } },
typedef op_fn *const ls_table[LSK_COUNT][2][FAST_COUNT];

/* Decoding common to both register files; `rt` is the slot or number. */
static inline op_fn *ls_dec_imm(struct dec *d, ls_table t, enum ls_kind k,
				uint8_t rt, enum ls_form form, int32_t imm)
{
	d->r->rd = rt;
	d->r->rn = slot_sp(d->rn);
	d->r->imm = imm;
	d->r->ra = LS_RA(k, form);
	if (d->ctx & CTX_ALIGN)
		return op_ldst_slow;
	return t[k][d->rn == REG_SP][FAST_IMM + form];
}

static inline op_fn *ls_dec_reg(struct dec *d, ls_table t, enum ls_kind k,
				uint8_t rt, unsigned log)
{
	unsigned opt = bits(d->w, 15, 13), s = bits(d->w, 12, 12);
	int ext = opt == 2 ? LSX_UW : opt == 6 ? LSX_SW : LSX_X;
	static const uint8_t fast[] = {
		[LSX_UW] = FAST_UW, [LSX_X] = FAST_X, [LSX_SW] = FAST_SW,
	};

	if (!(opt & 2))
		return NULL;
	d->r->rd = rt;
	d->r->rn = slot_sp(d->rn);
	d->r->imm = LS_EXT(ext, s ? (int)log : 0);
	d->r->ra = LS_RA(k, LSF_REG);
	if (d->ctx & CTX_ALIGN)
		return op_ldst_slow;
	return t[k][d->rn == REG_SP][fast[ext] + s];
}

#endif
