/* trace.h: --trace: what the guest does, a line each, to standard error or to a
 * file, up to a limit.
 *
 * Who has something to trace looks at its own copy of `what` first, so that a
 * machine without --trace pays for a test in a place that is rare anyway; only
 * TRACE_INSNS needs other code to run (CTX_STEP). */
#ifndef POME_TRACE_H
#define POME_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct access;
struct device;
struct loop;
struct outfiles;
struct trace;

enum {
	TRACE_EXCEPTIONS = 1, TRACE_IRQS = 2, TRACE_HVC = 4, TRACE_MMIO = 8,
	TRACE_INSNS = 16,
};

/* --trace WHAT[=FILTER],...[,file:PATH][,limit=SIZE] */
struct cfg_trace {
	unsigned what;                  /* TRACE_*; 0: off */
	bool help;
	char device[24];                /* mmio=ID; empty: all */
	uint64_t first, last;           /* insns=FIRST-LAST, pc */
	char *path;                     /* NULL: standard error */
	uint64_t limit;                 /* bytes */
};

/* The option's text, taken apart in place. */
int trace_parse(struct cfg_trace *, char *text, struct err *);
extern const char trace_help[];

/* Main thread, before the sandbox. */
struct trace *trace_open(const struct cfg_trace *, struct loop *,
			 struct outfiles *, struct err *);
/* Writes out what is left. NULL is ignored. */
void trace_close(struct trace *);
/* TRACE_* of a trace, NULL: none. */
unsigned trace_what(const struct trace *);

/* Any thread, and without effect once the limit is reached. */
void trace_exception(struct trace *, unsigned cpu, uint32_t esr, unsigned el,
		     uint64_t elr, uint64_t far);
void trace_irq(struct trace *, unsigned cpu, bool fiq, unsigned el,
	       uint64_t elr);
void trace_hvc(struct trace *, unsigned cpu, const uint64_t arg[4],
	       uint64_t result);
/* The device's lock is held; a->val is what was loaded or is stored. */
void trace_mmio(struct trace *, const struct device *, const struct access *,
		bool write, const char *why);
/* `name`: of the row of a64.def, NULL: none. */
void trace_insn(struct trace *, unsigned cpu, uint64_t pc, uint32_t word,
		const char *name);

#endif
