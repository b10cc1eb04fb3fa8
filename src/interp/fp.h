/*
 * fp.h: FPCR and FPSR between the guest and the host's FPU, and what the
 * classes fp and simd share.
 *
 * While FPCR is 0 (no CTX_FPSLOW) handlers may use the host's FPU, which then
 * is in round-to-nearest without flushing, and leave exception flags where the
 * host collects them. c->sr.fpsr has those that softfp and saturation raised.
 * With any other FPCR everything is computed by softfp.
 */
#ifndef INTERP_FP_H
#define INTERP_FP_H

#include "cpu.h"
#include "fp_host.h"
#include "model.h"
#include "softfp.h"

/* On the vCPU's thread, around guest code: gives the FPU to the guest, and
 * takes it back with its flags collected in c->sr.fpsr. Also around code of our
 * own that computes with doubles on that thread while the guest is stopped in
 * a handler. */
static inline void fp_enter(struct cpu *c)
{
	(void)c;
	fp_host_clear();
}

static inline void fp_leave(struct cpu *c)
{
	c->sr.fpsr |= fp_host_flags();
	fp_host_clear();
}

/* MRS and MSR FPSR, from a handler. */
static inline uint32_t fp_get_fpsr(struct cpu *c)
{
	return c->sr.fpsr |= fp_host_flags();
}

static inline void fp_set_fpsr(struct cpu *c, uint64_t v)
{
	fp_host_clear();
	c->sr.fpsr = (uint32_t)v & FPSR_MASK;
}

/* MSR FPCR: the caller recomputes the view (CTX_FPSLOW) and ends in GO(sync).
 * Trap enables are RAZ/WI; FZ16 exists with FEAT_FP16. */
static inline void fp_set_fpcr(struct cpu *c, uint64_t v)
{
	uint32_t mask = FPCR_MASK;

	if (!c->in->model->has[FEAT_FP16])
		mask &= ~(uint32_t)FPCR_FZ16;
	c->sr.fpcr = (uint32_t)v & mask;
}

static inline struct fpctx fp_ctx(struct cpu *c)
{
	return (struct fpctx){ c->sr.fpcr, &c->sr.fpsr };
}

/*
 * Is r, the host's result of an operation that can round to nearest from
 * below the normal numbers, one that only softfp gets right? That is a NaN,
 * whose selection differs, or the smallest normal number, which is tiny before
 * rounding but perhaps not after it. The comparisons are the quiet ones.
 */
static inline bool fp_suspect_s(float r)
{
	return !__builtin_isgreater(__builtin_fabsf(r), 0x1p-126f) &&
	       (__builtin_isunordered(r, r) ||
		__builtin_fabsf(r) == 0x1p-126f);
}

static inline bool fp_suspect_d(double r)
{
	return !__builtin_isgreater(__builtin_fabs(r), 0x1p-1022) &&
	       (__builtin_isunordered(r, r) ||
		__builtin_fabs(r) == 0x1p-1022);
}

/* Writes a scalar register; the rest of the 128 bits is zeroed. */
static inline void fp_put(struct cpu *c, unsigned rd, uint64_t v)
{
	c->v[rd].vd = (__typeof__(c->v[rd].vd)){ v, 0 };
}

static inline void fp_put_s(struct cpu *c, unsigned rd, float v)
{
	c->v[rd].vf32 = (__typeof__(c->v[rd].vf32)){ v, 0.0f, 0.0f, 0.0f };
}

static inline void fp_put_d(struct cpu *c, unsigned rd, double v)
{
	c->v[rd].vf64 = (__typeof__(c->v[rd].vf64)){ v, 0.0 };
}

#endif
