/* debug.c: breakpoints, watchpoints, software step, and the single step of
 * accel.h; debug.h.
 *
 * Arm ARM D2 (self-hosted debug); spec/cpu.md 4.4. In a view with CTX_STEP all
 * records are op_step. It does what comes before an instruction, then decodes
 * that one into a place of its own, followed by a record that brings it back
 * here; pcbase is set so that PC is right in both. Branches come back too: in
 * CTX_STEP they go through the code TLB, whose pages have nothing but op_step.
 */
#include <errno.h>
#include <stdlib.h>

#include "debug.h"
#include "decode.h"
#include "except.h"
#include "op.h"
#include "run.h"
#include "trace.h"

#define MDSCR_SS 1u
#define MDSCR_KDE (1u << 13)
#define MDSCR_MDE (1u << 15)
#define BCR_E 1u
#define WCR_E 1u
#define DFSC_DEBUG 0x22u
/* VA[48:0] is what comparisons look at: there are no 52-bit addresses. */
#define VA_MASK ((1ull << 49) - 1)

enum { BT_ADDR, BT_ADDR_LINKED, BT_CONTEXT, BT_CONTEXT_LINKED };
enum host { HOST_RUN, HOST_ARMED, HOST_DONE };

struct debug_cpu {
	struct rec rec[2];              /* the instruction; op_step_done */
	enum host host;                 /* debug_step */
	/* About the instruction that was last run from `rec`: */
	bool ran;
	bool active;                    /* stepped, by MDSCR.SS */
	bool ex;                        /* it was a load-exclusive */
	uint64_t exceptions;            /* taken up to then */
};

int debug_open(struct cpu *c, struct err *e)
{
	c->debug = aligned_alloc(_Alignof(max_align_t),
				 (sizeof(*c->debug) + 63) & ~63ull);
	if (!c->debug)
		return err_set(e, ENOMEM, "allocate debug state");
	memset(c->debug, 0, sizeof(*c->debug));
	return 0;
}

void debug_close(struct cpu *c)
{
	free(c->debug);
	c->debug = NULL;
}

void debug_reset(struct cpu *c)
{
	c->debug->ran = false;
}

/* ---- what is enabled ------------------------------------------------- */

static unsigned breakpoints(const struct cpu *c)
{
	return (c->in->model->id[5][0] >> 12 & 15) + 1;
}

static unsigned watchpoints(const struct cpu *c)
{
	return (c->in->model->id[5][0] >> 20 & 15) + 1;
}

uint32_t debug_ctx(const struct cpu *c, unsigned el)
{
	uint64_t mdscr = c->sr.mdscr;

	if ((c->debug && c->debug->host != HOST_RUN) ||
	    c->in->trace & TRACE_INSNS)
		return CTX_STEP;
	if (LIKELY(!(mdscr & (MDSCR_SS | MDSCR_MDE))) ||
	    !except_debug_enabled(c, el, false))
		return 0;
	if (mdscr & MDSCR_SS)
		return CTX_STEP;
	for (unsigned i = 0; i < breakpoints(c); i++)
		if (c->sr.dbgbcr[i] & BCR_E)
			return CTX_STEP;
	return 0;
}

/* Debug exceptions of the present EL, now? */
static bool enabled_now(const struct cpu *c)
{
	return except_debug_enabled(c, c->el, c->pstate & PS_D);
}

/* Do the control bits of a breakpoint or watchpoint (PMC or PAC, SSC) let it
 * match at this EL? The state is Non-secure; there is no higher EL. */
static bool state_matches(uint64_t cr, unsigned el)
{
	return cr >> (el ? 1 : 2) & 1 && (cr >> 14 & 3) != 2;
}

/* The context ID of breakpoint i, if that is one of those that have any. */
static bool context_matches(const struct cpu *c, unsigned i)
{
	unsigned ctx_cmps = c->in->model->id[5][0] >> 28 & 15;

	return i < breakpoints(c) && i + ctx_cmps + 1 >= breakpoints(c) &&
	       (uint32_t)c->sr.dbgbvr[i] == (uint32_t)c->sr.contextidr;
}

/* The breakpoint that another is linked to (LBN) must hold a context ID. */
static bool link_matches(const struct cpu *c, uint64_t cr)
{
	unsigned i = cr >> 16 & 15;
	uint64_t to = c->sr.dbgbcr[i];

	return to & BCR_E && (to >> 20 & 15) == BT_CONTEXT_LINKED &&
	       context_matches(c, i);
}

/* ---- breakpoints ----------------------------------------------------- */

static bool breakpoint_hit(const struct cpu *c, uint64_t pc)
{
	for (unsigned i = 0; i < breakpoints(c); i++) {
		uint64_t cr = c->sr.dbgbcr[i];
		unsigned type = cr >> 20 & 15;

		if (!(cr & BCR_E) || !state_matches(cr, c->el))
			continue;
		if (type == BT_CONTEXT && context_matches(c, i))
			return true;
		if (type > BT_ADDR_LINKED || (cr >> 5 & 15) != 15 ||
		    ((pc ^ c->sr.dbgbvr[i]) & VA_MASK & ~3ull))
			continue;
		if (type == BT_ADDR || link_matches(c, cr))
			return true;
	}
	return false;
}

/* ---- watchpoints ----------------------------------------------------- */

/* The addresses that watchpoint i looks at; of a byte mask with holes, all
 * from the first to the last one. False: none. */
static bool watch_range(const struct cpu *c, unsigned i, uint64_t *first,
			uint64_t *last)
{
	uint64_t cr = c->sr.dbgwcr[i], at = c->sr.dbgwvr[i] & VA_MASK;
	unsigned bas = cr >> 5 & 255, mask = cr >> 24 & 31;

	if (mask) {
		/* 1 and 2 are reserved */
		if (mask < 3 || bas != 255)
			return false;
		*first = at & ~((1ull << mask) - 1);
		*last = *first | ((1ull << mask) - 1);
		return true;
	}
	if (at & 4)
		bas &= 15;
	if (!bas)
		return false;
	*first = at + (unsigned)__builtin_ctz(bas);
	*last = at + 31 - (unsigned)__builtin_clz(bas);
	return true;
}

/* Where va..va+len-1 meets it first. */
static bool watch_meets(const struct cpu *c, unsigned i, uint64_t va,
			uint64_t len, uint64_t *at)
{
	uint64_t first, last, v = va & VA_MASK;

	if (!watch_range(c, i, &first, &last) || v > last ||
	    v + len <= first)
		return false;
	*at = va + (v < first ? first - v : 0);
	return true;
}

bool debug_watched(const struct cpu *c, uint64_t va, uint64_t len)
{
	uint64_t at;

	if (c->in->watches && debug_host_watched(c, va, len))
		return true;
	if (!(c->sr.mdscr & MDSCR_MDE))
		return false;
	for (unsigned i = 0; i < watchpoints(c); i++)
		if (c->sr.dbgwcr[i] & WCR_E && watch_meets(c, i, va, len, &at))
			return true;
	return false;
}

/* LSC against the access: an atomic one is both. */
static bool kind_matches(uint64_t cr, enum mmu_access acc, unsigned flags,
			 bool *write)
{
	bool loads = cr >> 3 & 1, stores = cr >> 4 & 1;

	*write = acc == ACC_WRITE && stores;
	if (*write)
		return true;
	return loads && (acc == ACC_READ || flags & MEM_ATOMIC);
}

bool debug_watch(struct cpu *c, uint64_t va, unsigned size,
		 enum mmu_access acc, unsigned flags)
{
	unsigned el = flags & MEM_UNPRIV ? 0 : c->el;
	bool write;
	uint64_t at;

	/* of maintenance by address, only DC IVAC counts, as a store */
	if (acc == ACC_EXEC || (flags & MEM_CM && acc == ACC_READ))
		return true;
	if (c->in->watches && !debug_host_watch(c, va, size, acc, flags)) {
		c->debug->ran = false;  /* the instruction was not done */
		return false;
	}
	if (!(c->sr.mdscr & MDSCR_MDE) || !enabled_now(c))
		return true;
	for (unsigned i = 0; i < watchpoints(c); i++) {
		uint64_t cr = c->sr.dbgwcr[i];

		if (!(cr & WCR_E) || !state_matches(cr, el) ||
		    !kind_matches(cr, acc, flags, &write) ||
		    !watch_meets(c, i, va, size, &at) ||
		    (cr >> 20 & 1 && !link_matches(c, cr)))
			continue;
		return exc_raise_far(c, ESR(0x34 + c->el,
					    (flags & MEM_CM ? 1u << 8 : 0) |
					    (uint32_t)write << 6 |
					    DFSC_DEBUG), at);
	}
	return true;
}

/* ---- software step --------------------------------------------------- */

static uint64_t exceptions(const struct cpu *c)
{
	uint64_t n = c->n_irq + c->n_fiq;

	for (unsigned i = 0; i < 64; i++)
		n += c->n_exc[i];
	return n;
}

/* LDXR, LDAXR, LDXP, LDAXP; CASP has the same bits but o1. */
static bool is_load_exclusive(uint32_t w)
{
	return (w & 0x3fc00000) == 0x08400000 &&
	       (w >> 31 || !(w >> 21 & 1));
}

/* Branches, but those that authenticate: they can't fail themselves, and what
 * follows them (a fetch that aborts, an interrupt) finds them done. */
static bool is_branch(uint32_t w)
{
	return (w & 0x7c000000) == 0x14000000 ||        /* B, BL */
	       (w & 0x7c000000) == 0x34000000 ||        /* CBZ, TBZ */
	       (w & 0xfe000000) == 0x54000000 ||        /* B.cond */
	       (w & 0xff80fc1f) == 0xd6000000;          /* BR, BLR, RET */
}

/* What comes before the instruction at pc. False: an exception, in c->exc.
 * Order: software step, then breakpoints (Arm ARM D1.3.5). */
static bool before(struct cpu *c, uint64_t pc)
{
	struct debug_cpu *d = c->debug;
	bool done = d->ran && exceptions(c) == d->exceptions;
	bool on = enabled_now(c);

	d->ran = false;
	if (done && d->active)
		c->pstate &= ~PS_SS;
	d->active = c->sr.mdscr & MDSCR_SS && on;
	if (d->active && !(c->pstate & PS_SS)) {
		uint32_t isv = done ? 1u << 24 | (uint32_t)d->ex << 6 : 0;

		return exc_raise(c, ESR(0x32 + c->el, isv | DFSC_DEBUG));
	}
	if (c->sr.mdscr & MDSCR_MDE && on && breakpoint_hit(c, pc))
		return exc_raise(c, ESR(0x30 + c->el, DFSC_DEBUG));
	return true;
}

OP(step_done)
{
	/* the record is not an instruction: lookup counts from the last one */
	c->pc = PC;
	c->icount--;
	if (c->debug->active)
		c->pstate &= ~PS_SS;
	GO(lookup);
}

static void prepare(struct cpu *c, uint32_t w, uint64_t pc)
{
	struct debug_cpu *d = c->debug;

	decode_word(&d->rec[0], w, (uint32_t)pc & (REC_PAGE - 1),
		    c->tlb->ctx | CTX_STEP, c->in->model);
	d->rec[1].h = op_step_done;
	d->ran = true;
	d->ex = is_load_exclusive(w);
	d->exceptions = exceptions(c);
	if (d->active && is_branch(w) && d->rec[0].h != op_undef)
		c->pstate &= ~PS_SS;
	if (d->host == HOST_ARMED)
		d->host = HOST_DONE;
	c->pcbase = pc - ((uintptr_t)d->rec >> 2);
}

static void trace_step(const struct cpu *c, uint32_t w, uint64_t pc)
{
	const struct a64_row *row = decode_row(w, c->in->model);

	trace_insn(c->in->vm->trace, c->index, pc, w, row ? row->name : NULL);
}

OP_GLOBAL(step)
{
	uint64_t pc = PC;
	const struct rec *to = c->debug->rec;

	if (c->debug->host == HOST_DONE ||
	    (c->debug->host == HOST_RUN && c->in->breaks &&
	     debug_host_break(c, pc))) {
		c->pc = pc;
		c->icount += REC_NO(ip);
		GO(exit);
	}
	if (!before(c, pc)) {
		if (c->debug->host == HOST_ARMED)
			c->debug->host = HOST_DONE;
		GO(raise);
	}
	if (UNLIKELY(c->in->trace & TRACE_INSNS))
		trace_step(c, (uint32_t)ip->imm, pc);
	prepare(c, (uint32_t)ip->imm, pc);
	c->icount += REC_NO(ip) - REC_NO(to);
	JUMP(to);
}

bool debug_step(struct cpu *c)
{
	bool done;

	c->debug->host = HOST_ARMED;
	mmu_view(c);
	/* only a kick ends the run before the instruction */
	c->stop = false;
	run_cpu(c);
	done = c->debug->host == HOST_DONE;
	c->debug->host = HOST_RUN;
	mmu_view(c);
	/* one that was held back */
	if (except_irq_ready(c))
		cpu_request(c, REQ_IRQ);
	return done;
}

bool debug_stepping(const struct cpu *c)
{
	return c->debug && c->debug->host != HOST_RUN;
}

bool debug_holds_irq(const struct cpu *c)
{
	return debug_stepping(c) && c->in->vm->step_noirq;
}
