/* run.c: fetch, dispatch, requests.
 *
 * The handlers here are where straight-line execution is left: the end of a
 * page, a page not met yet, an exception, a request from another thread. */
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"
#include "debug.h"
#include "decode.h"
#include "except.h"
#include "fuse.h"
#include "iclock.h"
#include "mmu.h"
#include "op.h"
#include "pmu.h"
#include "profile.h"
#include "run.h"
#include "trace.h"

/* ---- requests and sleeping -------------------------------------------- */

void cpu_request(struct cpu *c, uint32_t bits)
{
	atomic_fetch_or(&c->req, bits);
	if (atomic_load(&c->halted))
		syscall(SYS_futex, &c->req, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
			0);
}

void cpu_leave(struct cpu *c, uint32_t bits)
{
	atomic_fetch_or(&c->req, bits);
}

void cpu_wait(struct cpu *c, uint64_t until)
{
	struct timespec ts = {
		.tv_sec = (time_t)(until / 1000000000u),
		.tv_nsec = (long)(until % 1000000000u),
	};

	atomic_store(&c->halted, true);
	if (!atomic_load(&c->req))
		/* absolute CLOCK_MONOTONIC, loop.h's CLOCK_HOST */
		syscall(SYS_futex, &c->req,
			FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
			until == UINT64_MAX ? NULL : &ts, NULL,
			FUTEX_BITSET_MATCH_ANY);
	atomic_store(&c->halted, false);
	/* before any look at req: who saw us halted relies on it */
	atomic_thread_fence(memory_order_seq_cst);
}

/* ---- decoding --------------------------------------------------------- */

#ifdef PROFILE
#define FUSE 0
#else
#define FUSE 1
#endif

static uint32_t word_at(const struct codepage *p, uint32_t off)
{
	return __atomic_load_n((const uint32_t *)(const void *)(p->host + off),
			       __ATOMIC_RELAXED);
}

static void put_handler(struct codepage *p, uint32_t n, op_fn *h)
{
	__atomic_store_n(&p->r[n].h, h, __ATOMIC_RELEASE);
}

/* The handler of record n that runs the most of what is decoded. `h`: what it
 * runs on its own. */
static op_fn *fused(struct codepage *p, uint32_t n, op_fn *h)
{
	op_fn *next = n + 1 < REC_WORDS ? REC_H(&p->r[n + 1]) : op_decode;
	op_fn *pair = next == op_decode ? NULL :
		      fuse_two(&p->r[n], h, fuse_plain(next));

	if (!pair)
		return h;
	next = n + 2 < REC_WORDS ? REC_H(&p->r[n + 2]) : op_decode;
	op_fn *three = next == op_decode ? NULL :
		       fuse_three(&p->r[n], pair, fuse_plain(next));

	return three ? three : pair;
}

/* Record n runs `h` on its own; operands are in place. Publishes it, and what
 * it and the two before it now run together. Until now those ran no more than
 * each other: h1 alone, h2 alone or with h1. */
static void publish(struct codepage *p, uint32_t n, op_fn *h)
{
	op_fn *h1 = op_decode, *h2 = op_decode, *f;

	if (!FUSE) {
		put_handler(p, n, h);
		return;
	}
	put_handler(p, n, fused(p, n, h));
	if (n)
		h1 = REC_H(&p->r[n - 1]);
	if (h1 == op_decode)
		return;
	if (n > 1)
		h2 = REC_H(&p->r[n - 2]);
	f = fused(p, n - 1, h1);
	if (f != h1)
		put_handler(p, n - 1, f);
	f = h2 == op_decode ? NULL : fuse_three(&p->r[n - 2], h2, h);
	if (f)
		put_handler(p, n - 2, f);
}

/* Fills a record in place, operands before `h`. Two CPUs may come here at once,
 * and the guest's word may change in between: only one writes. */
static void decode_at(struct cpu *c, const struct rec *ip)
{
	struct codepage *p = cache_page_of(c->in->cache, ip);
	uint32_t n = (uint32_t)(ip - p->r), w;
	struct rec *dst = &p->r[n], tmp;

	while (atomic_exchange_explicit(&p->busy, true, memory_order_acquire))
		sched_yield();
	if (REC_H(ip) != op_decode) {
		atomic_store_explicit(&p->busy, false, memory_order_release);
		return;
	}
	w = word_at(p, n * 4);
	if (p->ctx & CTX_STEP)
		tmp = (struct rec){ .h = op_step, .imm = (int32_t)w };
	else
		decode_word(&tmp, w, n * 4, p->ctx, c->in->model);
	dst->rd = tmp.rd;
	dst->rn = tmp.rn;
	dst->rm = tmp.rm;
	dst->ra = tmp.ra;
	dst->imm = tmp.imm;
	publish(p, n, tmp.h);
	atomic_store_explicit(&p->busy, false, memory_order_release);
}

OP_GLOBAL(decode)
{
	decode_at(c, ip);
	OP_JUMP_IP();
}

/* ---- going on somewhere else ------------------------------------------ */

/* Does the instruction at a guarded page's `w` accept PSTATE.BTYPE?
 * Arm ARM, BTypeCompatible; spec/cpu.md 4.6. */
static bool landing_pad(const struct cpu *c, uint32_t w)
{
	unsigned btype = c->pstate >> 10 & 3;
	bool bt = c->sr.sctlr >> (c->el ? 36 : 35) & 1;

	if ((w & 0xffffff3f) == 0xd503241f) {           /* BTI */
		switch (w >> 6 & 3) {
		case 0: return false;
		case 1: return btype != 3;              /* c */
		case 2: return btype != 2;              /* j */
		default: return true;
		}
	}
	if (w == 0xd503233f || w == 0xd503237f)         /* PACIASP, PACIBSP */
		return btype != 3 || !bt;
	/* BRK, HLT */
	return (w & 0xffe0001f) == 0xd4200000 || (w & 0xffe0001f) == 0xd4400000;
}

/* The record of c->pc, with c->pcbase set; NULL with c->exc set. */
static const struct rec *look_up(struct cpu *c)
{
	uint64_t va = c->pc, page = va & ~(uint64_t)(REC_PAGE - 1);
	struct tlb *t = c->tlb;
	struct codee *e = &t->code[va >> 12 & (CODE_TLB_SIZE - 1)];

	c->n_lookup++;
	if (va & 3) {
		exc_raise_far(c, ESR(0x22, 0), va);
		return NULL;
	}
	if (e->tag != page) {
		struct mmu_result res;
		const struct ram *ram;
		struct codepage *p;

		if (!mmu_fetch(c, va, &res))
			return NULL;
		ram = as_find_ram(c->in->as, res.pa & ~4095ull, REC_PAGE);
		p = cache_page(c, ram, res.pa, t->ctx | debug_host_ctx(c, page));
		e->recs = p->r;
		e->pcbase = PCBASE(page, p->r);
		e->guarded = res.guarded;
		e->tag = page;
	}
	c->pcbase = e->pcbase;
	const struct rec *ip = e->recs + (va >> 2 & (REC_WORDS - 1));

	if (UNLIKELY(c->pstate & (PS_IL | PS_BTYPE))) {
		if (c->pstate & PS_IL) {
			exc_raise(c, ESR(0x0e, 0));
			return NULL;
		}
		struct codepage *p = cache_page_of(c->in->cache, ip);
		uint32_t w;

		memcpy(&w, p->host + (va & (REC_PAGE - 1)), 4);
		if (e->guarded && !landing_pad(c, w)) {
			exc_raise(c, ESR(0x0d, c->pstate >> 10 & 3));
			return NULL;
		}
		c->pstate &= ~PS_BTYPE;
	}
	return ip;
}

/* Takes c->exc. An exception whose vector is the very instruction that raised
 * it can never be left: the guest is dead, and the user is told. */
static bool take_exception(struct cpu *c)
{
	uint64_t from = c->exc.ret;
	uint32_t esr = c->exc.esr;
	bool el1 = c->el == 1;

	c->n_exc[esr >> 26 & 63]++;
	if (UNLIKELY(c->in->trace & TRACE_EXCEPTIONS))
		trace_exception(c->in->vm->trace, c->index, esr, c->el, from,
				c->exc.far);
	except_sync(c);
	if (el1 && c->pc == from) {
		vm_request(c->in->vm, VM_CRASH,
			   "exception with no usable vector");
		return false;
	}
	return true;
}

/* c->pc -> record, taking exceptions until an instruction can be fetched.
 * NULL: the guest is dead. */
static const struct rec *arrive(struct cpu *c)
{
	const struct rec *ip;

	while (!(ip = look_up(c))) {
		c->exc.ret = c->pc;
		c->exc.ret_set = false;
		if (!take_exception(c))
			return NULL;
	}
	return ip;
}

enum todo { TODO_NOTHING, TODO_LOOKUP, TODO_EXIT };

/* Serves what others asked for; c->pc is the next instruction. */
static enum todo serve(struct cpu *c)
{
	uint32_t req = atomic_exchange(&c->req, 0);
	enum todo todo = TODO_NOTHING;

	if (req & REQ_TLB)
		mmu_serve(c);
	if (req & REQ_CODE)
		cache_serve(c);
	if (req & (REQ_TLB | REQ_CODE))
		todo = TODO_LOOKUP;
	/* first of all this: no instruction may run before it */
	if (req & REQ_TIME && c->in->iclock && !iclock_serve(c))
		return TODO_EXIT;
	if (req & REQ_TIME && c->pmu.active)
		pmu_serve(c);
	if (except_irq_ready(c) && !debug_holds_irq(c) && except_irq(c))
		todo = TODO_LOOKUP;
	if (req & REQ_KICK || c->stop)
		todo = TODO_EXIT;
	return todo;
}

OP_GLOBAL(lookup)
{
	c->inow = c->icount + REC_NO(ip) + 1;
	FLAGS_OUT();
	const struct rec *p = arrive(c);

	FLAGS_IN();
	VIEW_CHANGED();
	if (!p)
		GO(exit);
	uint64_t n = c->icount + REC_NO(ip) + 1;

	c->icount = n - REC_NO(p);
	COUNT_CHECK(n);
	TAKE_REC(p);
}

OP_GLOBAL(lookup_tagged)
{
	c->pc = mmu_branch_target(c, c->pc);
	GO(lookup);
}

/* As lookup, from a point that no instruction led to: entry, a request. */
OP(resume)
{
	c->inow = c->icount;
	FLAGS_OUT();
	const struct rec *p = arrive(c);

	FLAGS_IN();
	VIEW_CHANGED();
	if (!p)
		GO(exit);
	c->icount -= REC_NO(p);
	TAKE_REC(p);
}

/* Not an instruction: lookup and FAR count from the last one. Goes to the
 * records that it went to last, as BR_FAR_GUESS does. */
#define PAGEEND(COUNT) do { \
	struct codepage *p = (struct codepage *)(void *)(ip - REC_WORDS); \
	uint64_t va = PC; \
	struct codee *e = &TLB->code[va >> 12 & (CODE_TLB_SIZE - 1)]; \
	const struct rec *to = __atomic_load_n(&p->next_recs, \
					       __ATOMIC_RELAXED); \
	if (UNLIKELY(e->tag != va)) { \
		c->pc = va; \
		c->icount--; \
		GO(lookup); \
	} \
	if (UNLIKELY(same_unknown(e->recs) != to)) { \
		to = e->recs; \
		__atomic_store_n(&p->next_recs, to, __ATOMIC_RELAXED); \
	} \
	COUNT; \
	c->pcbase = PCBASE(va, to); \
	TAKE_REC(to); \
} while (0)
#define PAGEEND_COUNT do { \
	uint64_t n = c->icount + REC_NO(ip); \
	c->icount = n - REC_NO(to); \
	COUNT_CHECK(n); \
} while (0)

OP_GLOBAL(pageend) { PAGEEND((void)0); }
OP_GLOBAL(pageend_count) { PAGEEND(PAGEEND_COUNT); }

OP_GLOBAL(pending)
{
	c->pc = PC;
	COUNT_NOW();
	FLAGS_OUT();
	switch (serve(c)) {
	case TODO_NOTHING:
		break;
	case TODO_LOOKUP:
		c->icount += REC_NO(ip);
		FLAGS_IN();
		VIEW_CHANGED();
		GO(resume);
	case TODO_EXIT:
		c->icount += REC_NO(ip);
		FLAGS_IN();
		VIEW_CHANGED();
		GO(exit);
	}
	OP_JUMP_IP();
}

OP_GLOBAL(exit)
{
	FLAGS_OUT();
	OP_LEAVE();
}

OP_GLOBAL(raise)
{
	if (UNLIKELY(c->exc.esr == EXC_DEBUGGER)) {
		c->pc = PC;
		c->icount += REC_NO(ip);
		GO(exit);
	}
	if (!c->exc.ret_set)
		c->exc.ret = PC;
	c->exc.ret_set = false;
	c->icount += REC_NO(ip);
	c->inow = c->icount;
	FLAGS_OUT();
	bool alive = take_exception(c);

	FLAGS_IN();
	VIEW_CHANGED();
	if (!alive)
		GO(exit);
	GO(resume);
}

OP_GLOBAL(undef)
{
	exc_raise(c, ESR(0, 0));
	GO(raise);
}

OP_GLOBAL(fptrap)
{
	exc_raise(c, ESR(7, 0x1e00000));
	GO(raise);
}

OP_GLOBAL(sync)
{
	c->pc = PC + 4;
	c->icount += REC_NO(ip) + 1;
	c->inow = c->icount;
	FLAGS_OUT();
	enum todo todo = TODO_NOTHING;

	if (atomic_load_explicit(&c->req, memory_order_relaxed) ||
	    except_irq_ready(c))
		todo = serve(c);
	FLAGS_IN();
	VIEW_CHANGED();
	if (todo == TODO_EXIT)
		GO(exit);
	GO(resume);
}

#ifdef PROFILE
static __thread const struct rec *profile_prev;
#define PROFILE_STEP(ip) (profile_step(profile_prev, ip), profile_prev = (ip))
#else
#define PROFILE_STEP(ip) ((void)0)
#endif

void run_cpu(struct cpu *c)
{
	for (const struct rec *ip = op_enter(op_resume, c, NULL); ip;) {
		PROFILE_STEP(ip);
		ip = op_enter(REC_H(ip), c, ip);
	}
}
