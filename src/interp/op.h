/* op.h: how handlers are written. One source, two builds (cpu.h, DISPATCH_*).
 *
 *	OP(add_r) { X(rd) = X(rn) + X(rm); NEXT(1); }
 *
 * Inside a handler: c (the CPU), ip (its record), FA FB FK (lazy flags,
 * assignable), TLB (the current view). Every path ends in exactly one of
 * NEXT, JUMP, FAR, GO. Hot handlers make no ordinary calls: the rare case is
 * a handler of its own, reached by GO (a call would cost the hot path a
 * frame). Cold handlers call C functions freely; a function that can raise an
 * exception returns false with c->exc set, then GO(raise). */
#ifndef INTERP_OP_H
#define INTERP_OP_H

#include <string.h>

#include "cpu.h"
#include "flags.h"

/* The record's handler; acquire, so that the operands published before it are
 * seen (a plain load on x86-64). */
#define REC_H(p) __atomic_load_n(&(p)->h, __ATOMIC_ACQUIRE)
/* A record's number, for the telescoping instruction count (CTX_COUNT): a run
 * from record a to b has b - a + 1 instructions, so entering subtracts a and
 * leaving adds b + 1, in any page. */
#define REC_NO(p) ((uint64_t)((uintptr_t)(p) >> 4))

/* The count before this instruction, for guest time (iclock.h): whoever asks for
 * the time, or reaches a device, does this first. */
#define COUNT_NOW() (c->inow = c->icount + REC_NO(ip))
/* Counted to `n` instructions: is it time to look? TAKE_REC does. */
#define COUNT_CHECK(n) do { \
	if (UNLIKELY((n) >= c->ideadline)) \
		atomic_fetch_or_explicit(&c->req, REQ_TIME, \
					 memory_order_relaxed); \
} while (0)
/* The end of a handler that may have reached a device. */
#define NEXT_DEVICE() do { \
	if (UNLIKELY(atomic_load_explicit(&c->req, memory_order_relaxed) & \
		     REQ_TIME)) \
		GO(sync); \
	NEXT(1); \
} while (0)

#if DISPATCH_TAIL

#define OP_ARGS uint64_t fa, uint64_t fb, uint64_t fk, struct tlb *t, \
	struct cpu *c, const struct rec *ip
#define FA fa
#define FB fb
#define FK fk
#define TLB t
#define OP_CALL_(p) __attribute__((musttail)) return (p)(fa, fb, fk, t, c, ip)
/* after a change of view (exception, ERET, PAN) */
#define VIEW_CHANGED() (t = c->tlb)
/* copies the flags into c->fa.. for C code that looks at PSTATE, and back */
#define FLAGS_OUT() (c->fa = fa, c->fb = fb, c->fk = fk)
#define FLAGS_IN() (fa = c->fa, fb = c->fb, fk = c->fk)

#define JUMP(p) do { ip = (p); OP_CALL_(REC_H(ip)); } while (0)
#define GO(n) OP_CALL_(op_##n)
#define GO_FN(f) OP_CALL_(f)
#define OP_LEAVE() return

#else

#define OP_ARGS struct cpu *c, const struct rec *ip
#define FA (c->fa)
#define FB (c->fb)
#define FK (c->fk)
#define TLB (c->tlb)
#define VIEW_CHANGED() ((void)0)
#define FLAGS_OUT() ((void)0)
#define FLAGS_IN() ((void)0)

#define JUMP(p) return (p)
#define GO(n) return op_##n(c, ip)
#define GO_FN(f) return (f)(c, ip)
#define OP_LEAVE() return NULL

#endif

/* Calls handler h for record ip, from C; comes back when one leaves. Without
 * tail calls it does one record, and returns the next or NULL. */
static inline const struct rec *op_enter(op_fn *h, struct cpu *c,
					const struct rec *ip)
{
#if DISPATCH_TAIL
	h(c->fa, c->fb, c->fk, c->tlb, c, ip);
	return NULL;
#else
	return h(c, ip);
#endif
}

/* A handler private to its file, and one that other files may GO to (those
 * are declared below). */
#define OP(n) static OP_CC OP_RET op_##n(OP_ARGS)
#define OP_DECL(n) static OP_CC OP_RET op_##n(OP_ARGS)
#define OP_GLOBAL(n) OP_CC OP_RET op_##n(OP_ARGS)
/* One that fuse.def may name. */
#define OP_SHARED(n) OP_GLOBAL(n); OP_GLOBAL(n)
#if DISPATCH_TAIL
#define OP_RET void
#else
#define OP_RET const struct rec *
#endif

#define NEXT(k) JUMP(ip + (k))

/* The instruction's address. */
#define PC (c->pcbase + ((uintptr_t)ip >> 2))
/* cpu.pcbase where the record at `p` is of the instruction at `va` */
#define PCBASE(va, p) ((va) - ((uintptr_t)(p) >> 2))
#define X(slot) (c->x[SLOT(slot)])
#define V(slot) (c->v[SLOT(slot)])
/* A field of the record: a byte load on hosts that have many of them a cycle;
 * on x86-64 one load of all four, taken apart in registers, where loads are
 * what handlers wait for (+5 % on integer programs). */
#if defined(__x86_64__)
#define SLOT(slot) SLOT_##slot(rec_fields(ip))
#define SLOT_rd(f) ((uint8_t)(f))
#define SLOT_rn(f) ((uint8_t)((f) >> 8))
#define SLOT_ra(f) ((uint8_t)((f) >> 16))
#define SLOT_rm(f) ((uint8_t)((f) >> 24))
static inline uint32_t rec_fields(const struct rec *r)
{
	uint32_t v;

	memcpy(&v, &r->rd, sizeof(v));
	return v;
}
#else
#define SLOT(slot) (ip->slot)
#endif
/* A W destination: zero-extends. */
#define SET_W(slot, val) (c->x[ip->slot] = (uint32_t)(val))

/* Continues at the record `p` of the same page, or of any page after pcbase
 * was set; takes pending requests first. For taken branches. */
#define TAKE_REC(p) do { \
	ip = (p); \
	if (UNLIKELY(atomic_load_explicit(&c->req, memory_order_relaxed))) \
		GO(pending); \
	OP_JUMP_IP(); \
} while (0)
#if DISPATCH_TAIL
#define OP_JUMP_IP() OP_CALL_(REC_H(ip))
#else
#define OP_JUMP_IP() return ip
#endif
/* A branch inside the page: imm is the displacement in bytes of records. */
#define TAKE() TAKE_REC((const struct rec *)((const char *)ip + ip->imm))

/* Continues at guest address va: code TLB, else op_lookup. Bits 1:0 of va set
 * never match a tag, so they fall to op_lookup, which raises the fault. */
#define FAR(va_) do { \
	uint64_t far_va = (va_); \
	struct codee *far_e = &TLB->code[far_va >> 12 & (CODE_TLB_SIZE - 1)]; \
	if (UNLIKELY(far_e->tag != (far_va & ~0xffcull))) { \
		c->pc = far_va; \
		GO(lookup); \
	} \
	c->pcbase = far_e->pcbase; \
	TAKE_REC(far_e->recs + (far_va >> 2 & (REC_WORDS - 1))); \
} while (0)

/* p, of which the compiler then knows nothing: so that it does not take one of
 * two that were found to be the same for the other, which comes later. */
static inline const struct rec *same_unknown(const struct rec *p)
{
	__asm__("" : "+r"(p));
	return p;
}

/* ---- handlers that every file may GO to ------------------------------- */

/* debug.c: what records are in a CTX_STEP context */
OP_GLOBAL(step);

/* run.c */
OP_GLOBAL(decode);      /* decodes the record and runs it */
OP_GLOBAL(pageend);     /* goes on at PC, which is the next page's start; */
OP_GLOBAL(pageend_count); /* the same with CTX_COUNT */
OP_GLOBAL(lookup);      /* goes on at c->pc, whatever page that is */
OP_GLOBAL(lookup_tagged); /* as lookup, c->pc a register's value (TBI) */
OP_GLOBAL(pending);     /* serves c->req, then goes on at ip */
OP_GLOBAL(exit);        /* leaves the run loop; next insn is c->pc */
OP_GLOBAL(raise);       /* takes c->exc; ELR = PC unless c->exc.ret_set */
OP_GLOBAL(undef);       /* UNDEF at this instruction */
OP_GLOBAL(fptrap);      /* EC 7 at this instruction */
OP_GLOBAL(sync);        /* after this instruction: goes on at PC + 4 by lookup,
			 * serving requests; for instructions that change
			 * context (MSR, ISB, IC, TLBI...) */

#endif
