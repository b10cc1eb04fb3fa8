/* cpu.h: the state of one interpreted vCPU, and of what they share.
 *
 * Shape (design in README.md beside this file): guest code is decoded lazily
 * into 16-byte records, one per guest word, in arrays keyed by physical page;
 * each record names its handler; handlers jump to one another (op.h). Loads
 * and stores probe a small software TLB; whatever does not hit goes to
 * mmu.c. */
#ifndef INTERP_CPU_H
#define INTERP_CPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "as.h"
#include "seed.h"
#include "vm.h"

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#if defined(__clang__)
#define UNPREDICTABLE(x) __builtin_unpredictable(!!(x))
#else
#define UNPREDICTABLE(x) __builtin_expect_with_probability(!!(x), 1, 0.5)
#endif

/* ---- dispatch ---------------------------------------------------------- */

/* DISPATCH_TAIL: handlers are tail calls, hot state is in their arguments.
 * DISPATCH_LOOP: handlers return the next record to a loop, hot state is in
 * struct cpu; for compilers without guaranteed tail calls, sanitizers, and
 * counting (profile.h).
 * preserve_none leaves a handler every register of the host; where clang has
 * no such convention (riscv64) the usual one does, with more spills. */
#if defined(__x86_64__) || defined(__aarch64__)
#define OP_TAIL_CC __attribute__((preserve_none))
#define HAS_OP_TAIL_CC __has_attribute(preserve_none)
#elif defined(__riscv)
#define OP_TAIL_CC
#define HAS_OP_TAIL_CC 1
#else
#define HAS_OP_TAIL_CC 0
#endif
#if !defined(DISPATCH_TAIL)
#if defined(__clang__) && defined(__has_attribute) && \
	__has_attribute(musttail) && HAS_OP_TAIL_CC && !defined(POME_SANITIZE) && \
	!defined(PROFILE)
#define DISPATCH_TAIL 1
#else
#define DISPATCH_TAIL 0
#endif
#endif

struct cpu;
struct rec;
struct tlb;
struct interp;

#if DISPATCH_TAIL
#define OP_CC OP_TAIL_CC
typedef OP_CC void op_fn(uint64_t fa, uint64_t fb, uint64_t fk, struct tlb *t,
			 struct cpu *c, const struct rec *ip);
#else
#define OP_CC
typedef const struct rec *op_fn(struct cpu *c, const struct rec *ip);
#endif

/* One decoded instruction. Which operand means what is the handler's business;
 * by convention rd, rn, rm, ra are slots of cpu.x (or vector numbers), and imm
 * is the immediate, the byte displacement between records of a branch, or, for
 * handlers that decode the rest themselves, the instruction word. */
struct rec {
	op_fn *h;
	uint8_t rd, rn, ra, rm;
	int32_t imm;
};

#define REC_PAGE 4096u                  /* guest bytes per code page, always */
#define REC_WORDS (REC_PAGE / 4)

/* The decoded form of one 4 KiB physical page, in one decode context. A record
 * changes once, from op_decode to decoded, operands before `h`; later only its
 * handler may, to one for the same operands (fuse.h), and what a branch to
 * another page guesses (branch.h). */
struct codepage {
	struct rec r[REC_WORDS];
	struct rec end;                 /* op_pageend: goes on in the next page, */
	const struct rec *next_recs;    /* which had these when last it did */
	uint64_t pa;
	uint32_t ctx;                   /* CTX_* that it was decoded for */
	bool retired;
	_Atomic bool busy;              /* a record is being written */
	uint64_t epoch;                 /* of its retirement */
	const uint8_t *host;            /* the guest page */
	struct codepage *next;          /* same pa, other ctx; or free list */
};

/* Decode context: state that picks other handlers for the same word. */
enum {
	CTX_FPTRAP = 1,                 /* FP/SIMD traps (CPACR_EL1.FPEN) */
	CTX_FPSLOW = 2,                 /* FPCR is not zero: soft float */
	CTX_ALIGN = 4,                  /* MMU off or SCTLR.A: slow loads/stores */
	CTX_STEP = 8,                   /* debug: no fusion, checks per insn */
	CTX_COUNT = 16,                 /* count instructions at taken branches */
};

/* ---- software TLB ------------------------------------------------------ */

#define TLB_SIZE 256
#define CODE_TLB_SIZE 64

/* A page of RAM that may be read (or written) without further ado: host =
 * host address of the page. Misses hold a va of another index, so that
 * `addr - va` is never below 4096. Pages that need any check per access
 * (Device, watched, alignment) are simply absent. */
struct tlbe { uint64_t va, host; };

/* A page of code: tag is the page's va, or CODE_EMPTY, which no branch target
 * gives: lookups keep its bits 1:0, so that one not aligned misses. */
#define CODE_EMPTY 4u
struct codee { uint64_t tag; struct rec *recs; uint64_t pcbase; uint64_t guarded; };

/* One per translation view. TLB_EL1_PAN0 is EL1 with PSTATE.PAN = 0. */
enum { TLB_EL0, TLB_EL1, TLB_EL1_PAN0, TLB_VIEWS };
struct tlb {
	struct tlbe r[TLB_SIZE], w[TLB_SIZE];
	struct codee code[CODE_TLB_SIZE];
	uint32_t ctx;                   /* CTX_* for code looked up here */
	uint8_t view;                   /* which it is */

	/* mmu_tlb.c: holds anything; entries that are of this ASID alone */
	bool used;
	uint64_t ng_r[TLB_SIZE / 64], ng_w[TLB_SIZE / 64], ng_code;
};

/* ---- registers --------------------------------------------------------- */

enum { REG_SP = 31, REG_ZERO = 32, REG_SINK = 33, REG_SLOTS = 36 };

typedef union vreg {
	uint64_t d[2];
	uint32_t s[4];
	uint16_t h[8];
	uint8_t b[16];
	int64_t sd[2];
	int32_t ss[4];
	int16_t sh[8];
	int8_t sb[16];
	double f64[2];
	float f32[4];
	uint64_t vd __attribute__((vector_size(16)));
	uint32_t vs __attribute__((vector_size(16)));
	uint16_t vh __attribute__((vector_size(16)));
	uint8_t vb __attribute__((vector_size(16)));
	int64_t vsd __attribute__((vector_size(16)));
	int32_t vss __attribute__((vector_size(16)));
	int16_t vsh __attribute__((vector_size(16)));
	int8_t vsb __attribute__((vector_size(16)));
	double vf64 __attribute__((vector_size(16)));
	float vf32 __attribute__((vector_size(16)));
} vreg;

/* PSTATE as in SPSR_EL1; NZCV live in the lazy flags while code runs. */
#define PS_N (1u << 31)
#define PS_Z (1u << 30)
#define PS_C (1u << 29)
#define PS_V (1u << 28)
#define PS_TCO (1u << 25)
#define PS_DIT (1u << 24)
#define PS_UAO (1u << 23)
#define PS_PAN (1u << 22)
#define PS_SS (1u << 21)
#define PS_IL (1u << 20)
#define PS_SSBS (1u << 12)
#define PS_BTYPE (3u << 10)
#define PS_D (1u << 9)
#define PS_A (1u << 8)
#define PS_I (1u << 7)
#define PS_F (1u << 6)
#define PS_DAIF (15u << 6)
#define PS_EL (3u << 2)
#define PS_SP 1u

/* Requests to a vCPU from anywhere (cpu_request); tested at taken branches. */
enum {
	REQ_KICK = 1,                   /* leave cpu_run */
	REQ_IRQ = 2,                    /* interrupt lines changed */
	REQ_TLB = 4,                    /* others' TLBI are queued */
	REQ_CODE = 8,                   /* decoded pages were retired */
	REQ_EVENT = 16,                 /* SEV; only wakes WFE */
	REQ_POWER = 32,                 /* PSCI CPU_ON for this CPU */
	REQ_TIME = 64,                  /* iclock.h: a deadline, or devices */
};

/* A synchronous exception on its way; set by slow paths that return false. */
struct exc {
	uint32_t esr;                   /* EC, IL, ISS */
	bool has_far;
	uint64_t far;
	uint64_t ret;                   /* ELR; set by op_raise from ip unless
					 * ret_set */
	bool ret_set;
};

/* Apple's paravirtual keys, hvc_apple.c: values that the guest gave, and what
 * they add to apkey below, by EL and key; zero before the first call. */
enum { PAC_KEYS = 5 };
struct apple_pac {
	uint64_t a, b, g, el0;
	bool at_el1;                    /* el0 counts at EL1, too */
	uint64_t words[2][PAC_KEYS][2];
};

struct sysregs {                        /* those with no derived state inline */
	uint64_t sctlr, actlr, cpacr, tcr, ttbr[2], mair, amair, contextidr, par;
	uint64_t esr, far, afsr[2], vbar, elr, spsr, sp_el[2];
	uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
	uint64_t csselr, disr, rmr, scxtnum[2];
	uint64_t apkey[PAC_KEYS][2];    /* IA IB DA DB GA; [lo, hi] */
	struct apple_pac pac;
	uint64_t cntkctl, cntfrq;       /* the timers are in timer.c */
	uint64_t mdscr, oslar, osdlr, dbgclaim, dbgprcr, mdccint, osdtr[2], oseccr;
	uint64_t dbgbvr[16], dbgbcr[16], dbgwvr[16], dbgwcr[16];
	uint32_t fpcr, fpsr;            /* fpsr without what the host FPU holds */
};

/* The performance monitors, pmu.c. Counter PMU_EVENTS counts cycles. */
enum { PMU_EVENTS = 6 };
struct pmu {
	bool active;                    /* counts instructions now */
	bool line;
	uint32_t cr, enable, overflow, inten;
	uint64_t userenr, sel;
	uint64_t count[PMU_EVENTS + 1];
	uint32_t type[PMU_EVENTS + 1];
	uint64_t divided;               /* cycles short of 64 */
	uint64_t insns[2];              /* not yet counted, at EL0 and EL1, */
	uint64_t last;                  /* up to here */
};

struct cpu {
	uint64_t x[REG_SLOTS];          /* 31 = current SP, 32 = 0, 33 = sink */
	uint64_t pcbase;                /* PC = pcbase + (ip >> 2) */
	_Atomic uint32_t req;           /* REQ_* */
	uint32_t pstate;                /* without NZCV while running */
	uint8_t el;                     /* = PSTATE.EL */
	uint8_t index;
	bool stop;                      /* op_exit was asked for */
	struct tlb *tlb;                /* the current view */
	uint64_t fa, fb, fk;            /* lazy flags, see flags.h; in DISPATCH_
					 * TAIL only valid outside handlers */
	uint64_t pc;                    /* valid outside handlers */
	uint64_t icount;                /* see CTX_COUNT */
	/* Instructions up to now where it was last looked at, and when to look
	 * again: iclock.h. */
	uint64_t inow, ideadline;
	uint64_t pmu_deadline;          /* ideadline is this or the clock's */
	struct pmu pmu;
	vreg v[32] __attribute__((aligned(64)));

	struct exc exc;
	struct sysregs sr;
	struct interp *in;
	struct vcpu *vcpu;

	/* exclusive monitor: value compare, see atomic.c */
	bool excl_valid;
	uint8_t excl_size;
	uint64_t excl_va;
	uint64_t excl_val[2];

	/* interrupts: lines from the GIC, bit 0 IRQ, bit 1 FIQ */
	_Atomic uint32_t irq_lines;
	_Atomic bool event;             /* the event register */
	_Atomic bool kicked;            /* by VCPU_KICK, hvc_apple.c */
	_Atomic bool halted;            /* holds no record: waits, off, or outside
					 * the run loop; serves req before it goes on */
	bool idle;                      /* waits in WFI or WFE */
	_Atomic uint32_t power;         /* enum cpu_power, see psci.c */
	uint64_t on_entry, on_context;  /* CPU_ON's arguments */
	_Atomic uint64_t code_epoch;    /* retired pages up to here are unused */

	struct mmu_cpu *mmu;            /* mmu.c: second-level TLB, TLBI queue */
	struct timer_cpu *timer;        /* timer.c */
	struct debug_cpu *debug;        /* debug.c */

	uint64_t n_exc[64];             /* counters: exceptions by EC, */
	uint64_t miss_va;               /* for op_*_miss_*, ldst.h */
	uint64_t n_irq, n_fiq, n_fill, n_walk, n_refill, n_mmio, n_lookup, n_wfi;

	struct tlb views[TLB_VIEWS];
};

/* Shared by the vCPUs of one machine. */
struct interp {
	struct vm *vm;
	struct as *as;
	const struct cpu_model *model;
	struct gicv3 *gic;              /* NULL in some tests */
	struct cache *cache;            /* cache.c */
	unsigned ncpus;
	struct cpu *cpu[VM_MAX_CPUS];
	bool count;                     /* count instructions */
	unsigned trace;                 /* TRACE_* of vm->trace */
	bool breaks, watches;           /* the debugger has such points */
	_Atomic bool told_tso;          /* said that EnTSO was refused */
	uint32_t session[4];            /* UUID of this boot, hvc_apple.c */
	struct iclock *iclock;          /* NULL: guest time is the host's */
	struct seed rndr;
};

/* Sets bits in c->req and wakes the CPU if it is halted. Any thread. (run.c) */
void cpu_request(struct cpu *c, uint32_t bits);
/* Sets bits in c->req for a CPU that need not see them before it runs again:
 * one that is halted sleeps on. Any thread. (run.c) */
void cpu_leave(struct cpu *c, uint32_t bits);
/* Blocks the thread until c->req is not 0, or host time `until` (loop_now's
 * CLOCK_HOST ns; UINT64_MAX: no limit) has come. (run.c) */
void cpu_wait(struct cpu *c, uint64_t until);

#endif
