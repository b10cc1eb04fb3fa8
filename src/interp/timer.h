/* timer.h: the generic timer, and the waits that end by it. Arm ARM D11;
 * spec/cpu.md 4.3 and 5.5.
 *
 * The counter is guest time in units of 1 s / 24 000 000, exactly. A timer's
 * line is raised by the loop's thread at its deadline, or by the CPU's own
 * thread if it waits in WFI until then. Both look under the timer's lock. */
#ifndef INTERP_TIMER_H
#define INTERP_TIMER_H

#include "cpu.h"

enum timer_id { TIMER_VIRT, TIMER_PHYS, TIMERS };       /* PPI 27, PPI 30 */

int timer_open(struct cpu *c, struct err *);
void timer_close(struct cpu *c);
/* Both off, lines low. CNTKCTL and CNTFRQ are sysreg_reset's. */
void timer_reset(struct cpu *c);

/* CNTVCT = CNTPCT. Any thread. */
uint64_t timer_count(const struct cpu *c);
/* Nanoseconds of guest time to ticks, rounded down, and ticks to the first
 * nanosecond at which they have passed (UINT64_MAX: beyond 64 bits). */
uint64_t timer_ticks(uint64_t ns);
uint64_t timer_ns(uint64_t ticks);

/* The lines and the next deadline, as guest time says now. c's thread. */
void timer_check(struct cpu *c);

/* CTL with ISTATUS; CVAL; TVAL. The writes look at the line at once: it can
 * have changed cpu.irq_lines when they return. c's thread. */
uint64_t timer_read_ctl(struct cpu *c, enum timer_id);
uint64_t timer_read_cval(struct cpu *c, enum timer_id);
uint64_t timer_read_tval(struct cpu *c, enum timer_id);
void timer_write_ctl(struct cpu *c, enum timer_id, uint64_t val);
void timer_write_cval(struct cpu *c, enum timer_id, uint64_t val);
void timer_write_tval(struct cpu *c, enum timer_id, uint64_t val);

/* WFI: blocks until an interrupt is pending at the CPU interface, masked or
 * not, or anything is in c->req, or the counter reaches `until` (WFIT;
 * UINT64_MAX: no limit). May return early. WFE: likewise, and until the event
 * register is set, the event stream ticks, or the exclusive monitor's location
 * changed; clears the event register. c's thread; then go on by op_sync. */
void timer_wfi(struct cpu *c, uint64_t until);
void timer_wfe(struct cpu *c, uint64_t until);
/* SEV: sets every CPU's event register and wakes those that wait. */
void timer_sev(struct cpu *c);

#endif
