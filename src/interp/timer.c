/* timer.c: the generic timer and the waits that end by it; timer.h.
 *
 * Arm ARM D11 (The Generic Timer) and D1.6 (Wait for Event, Wait for
 * Interrupt); spec/cpu.md 4.3 and 5.5. There is no EL2, so CNTVOFF is 0 and
 * the physical count is the virtual one. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "debug.h"
#include "except.h"
#include "gicv3.h"
#include "iclock.h"
#include "loop.h"
#include "timer.h"

#define NEVER UINT64_MAX

enum { PPI_VIRT = 27, PPI_PHYS = 30 };
enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };
enum { KCTL_EVNTEN = 1 << 2, KCTL_EVNTDIR = 1 << 3, KCTL_EVNTIS = 1 << 17 };

static const uint32_t ppi[TIMERS] = {
	[TIMER_VIRT] = PPI_VIRT, [TIMER_PHYS] = PPI_PHYS,
};

/* The lock is taken before the loop's and the GIC's. The loop's thread sees a
 * timer only through it. */
struct timer_cpu {
	pthread_mutex_t lock;
	struct watch *watch;            /* NULL without a loop */
	uint64_t armed;                 /* what the watch is set to */
	uint64_t ctl[TIMERS], cval[TIMERS];
	bool line[TIMERS];
};

/* ---- the count --------------------------------------------------------- */

/* 24 MHz: 3 ticks in 125 ns, so no rounding accumulates. */
uint64_t timer_ticks(uint64_t ns)
{
	return ns / 125 * 3 + ns % 125 * 3 / 125;
}

uint64_t timer_ns(uint64_t ticks)
{
	uint64_t whole = ticks / 3, rest = ticks % 3, ns;

	if (__builtin_mul_overflow(whole, 125u, &ns) ||
	    __builtin_add_overflow(ns, (rest * 125 + 2) / 3, &ns))
		return NEVER;
	return ns;
}

static struct loop *loop_of(const struct cpu *c)
{
	return c->in->vm ? c->in->vm->loop : NULL;
}

static uint64_t host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static uint64_t guest_now(const struct cpu *c)
{
	struct loop *l = loop_of(c);

	if (c->in->iclock)
		return iclock_now(c);
	return l ? loop_now(l, CLOCK_GUEST) : host_ns();
}

/* A moment of guest time as cpu_wait wants it. */
static uint64_t host_at(const struct cpu *c, uint64_t guest)
{
	struct loop *l = loop_of(c);
	uint64_t now, at;

	if (guest == NEVER || !l)
		return guest;
	now = loop_now(l, CLOCK_GUEST);
	at = loop_now(l, CLOCK_HOST);
	if (guest > now && __builtin_add_overflow(at, guest - now, &at))
		return NEVER;
	return at;
}

uint64_t timer_count(const struct cpu *c)
{
	return timer_ticks(guest_now(c));
}

/* ---- lines and deadlines ------------------------------------------------ */

/* Sets the lines to what the count says and arms the watch for the next
 * change. Returns the guest time of that. The lock is held. */
static uint64_t update(struct cpu *c)
{
	struct timer_cpu *t = c->timer;
	uint64_t count = timer_count(c), next = NEVER;

	for (int i = 0; i < TIMERS; i++) {
		bool open = (t->ctl[i] & (CTL_ENABLE | CTL_IMASK)) ==
			    CTL_ENABLE;
		bool line = open && count >= t->cval[i];

		if (open && !line) {
			uint64_t ns = timer_ns(t->cval[i]);

			next = ns < next ? ns : next;
		}
		if (line == t->line[i])
			continue;
		t->line[i] = line;
		if (c->in->gic)
			gicv3_ppi(c->in->gic, c->index, ppi[i], line);
	}
	if (c->in->iclock)
		iclock_timer(c, next);
	else if (t->watch && next != t->armed)
		watch_at(t->watch, next);
	t->armed = next;
	return next;
}

static uint64_t check(struct cpu *c)
{
	uint64_t next;

	pthread_mutex_lock(&c->timer->lock);
	next = update(c);
	pthread_mutex_unlock(&c->timer->lock);
	return next;
}

void timer_check(struct cpu *c)
{
	check(c);
}

/* On the loop's thread. */
static void on_deadline(void *arg)
{
	struct cpu *c = arg;

	pthread_mutex_lock(&c->timer->lock);
	c->timer->armed = NEVER;        /* the watch has fired */
	update(c);
	pthread_mutex_unlock(&c->timer->lock);
}

int timer_open(struct cpu *c, struct err *e)
{
	struct timer_cpu *t = calloc(1, sizeof(*t));
	struct loop *l = loop_of(c);

	if (!t)
		return err_set(e, ENOMEM, "allocate a timer");
	pthread_mutex_init(&t->lock, NULL);
	t->armed = NEVER;
	c->timer = t;
	if (l && !c->in->iclock && loop_timer(l, CLOCK_GUEST, NULL, on_deadline, c, &t->watch,
			    e) < 0) {
		timer_close(c);
		return -1;
	}
	return 0;
}

void timer_close(struct cpu *c)
{
	struct timer_cpu *t = c->timer;

	if (!t)
		return;
	watch_free(t->watch);
	pthread_mutex_destroy(&t->lock);
	free(t);
	c->timer = NULL;
}

void timer_reset(struct cpu *c)
{
	struct timer_cpu *t = c->timer;

	pthread_mutex_lock(&t->lock);
	for (int i = 0; i < TIMERS; i++)
		t->ctl[i] = t->cval[i] = 0;
	update(c);
	pthread_mutex_unlock(&t->lock);
}

/* ---- registers ---------------------------------------------------------- */

/* c's thread alone writes the timer's registers, so it may read them without
 * the lock. */
uint64_t timer_read_ctl(struct cpu *c, enum timer_id id)
{
	struct timer_cpu *t = c->timer;
	uint64_t ctl = t->ctl[id];

	if (ctl & CTL_ENABLE && timer_count(c) >= t->cval[id])
		ctl |= CTL_ISTATUS;
	return ctl;
}

uint64_t timer_read_cval(struct cpu *c, enum timer_id id)
{
	return c->timer->cval[id];
}

uint64_t timer_read_tval(struct cpu *c, enum timer_id id)
{
	return (uint32_t)(c->timer->cval[id] - timer_count(c));
}

static void write_reg(struct cpu *c, uint64_t *reg, uint64_t val)
{
	pthread_mutex_lock(&c->timer->lock);
	*reg = val;
	update(c);
	pthread_mutex_unlock(&c->timer->lock);
}

void timer_write_ctl(struct cpu *c, enum timer_id id, uint64_t val)
{
	write_reg(c, &c->timer->ctl[id], val & (CTL_ENABLE | CTL_IMASK));
}

void timer_write_cval(struct cpu *c, enum timer_id id, uint64_t val)
{
	write_reg(c, &c->timer->cval[id], val);
}

void timer_write_tval(struct cpu *c, enum timer_id id, uint64_t val)
{
	uint64_t by = (uint64_t)(int64_t)(int32_t)val;

	write_reg(c, &c->timer->cval[id], timer_count(c) + by);
}

/* ---- waiting ------------------------------------------------------------ */

/* How long WFE sleeps at most. With an exclusive monitor set, a store by
 * another CPU ends the wait, and nobody tells: look again soon. */
#define WFE_MONITOR_NS 50000u
#define WFE_MAX_NS 10000000u
/* Not worth a system call. */
#define WFE_MIN_NS 2000u
#define WFE_SPINS 200

/* Sleeps until guest time `until` or the next deadline of the timers, whose
 * lines are right afterwards. */
static void sleep_until(struct cpu *c, uint64_t until)
{
	uint64_t next = check(c);

	cpu_wait(c, host_at(c, next < until ? next : until));
	/* halted was cleared before requests are looked at: who saw it set
	 * counts on them being served first */
	atomic_thread_fence(memory_order_seq_cst);
	check(c);
}

void timer_wfi(struct cpu *c, uint64_t until)
{
	uint64_t ns = until == NEVER ? NEVER : timer_ns(until);

	/* who signals sets irq_lines, then req: cpu_wait sees either */
	if (atomic_load(&c->irq_lines) || guest_now(c) >= ns ||
	    debug_stepping(c))
		return;
	c->n_wfi++;
	if (c->in->iclock) {
		iclock_wait(c, ns, true);
		return;
	}
	c->idle = true;
	sleep_until(c, ns);
	c->idle = false;
}

/* The next tick of the event stream as a count: when bit EVNTI of the counter
 * changes as EVNTDIR says. */
static uint64_t event_tick(const struct cpu *c, uint64_t count)
{
	uint64_t k = c->sr.cntkctl, bit, period, to;

	bit = 1ull << ((k >> 4 & 15) + (k & KCTL_EVNTIS ? 8 : 0));
	period = bit * 2;
	to = ((k & KCTL_EVNTDIR ? 0 : bit) - count) & (period - 1);
	return count + (to ? to : period);
}

/* Does memory still hold what the exclusive load read? True also where that
 * can't be told cheaply. */
static bool monitor_holds(const struct cpu *c)
{
	const struct tlbe *e = &c->tlb->r[c->excl_va >> 12 & (TLB_SIZE - 1)];
	uint64_t off = c->excl_va - e->va, v = 0;

	if (off > REC_PAGE - c->excl_size)
		return true;
	const void *p = (const void *)(uintptr_t)(e->host + off);

	switch (c->excl_size) {
	case 1: v = __atomic_load_n((const uint8_t *)p, __ATOMIC_ACQUIRE);
		break;
	case 2: v = __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
		break;
	case 4: v = __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
		break;
	case 8: v = __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
		break;
	default: return true;
	}
	return v == c->excl_val[0];
}

static void spin(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb");
#endif
}

static bool wfe_over(const struct cpu *c)
{
	return atomic_load(&c->event) || atomic_load(&c->req) ||
	       except_irq_ready(c);
}

void timer_wfe(struct cpu *c, uint64_t until)
{
	uint64_t now = guest_now(c), ns;
	bool monitor = c->excl_valid;

	ns = until == NEVER ? NEVER : timer_ns(until);
	if (atomic_exchange(&c->event, false) || now >= ns ||
	    debug_stepping(c))
		return;
	if (c->sr.cntkctl & KCTL_EVNTEN) {
		uint64_t tick = timer_ns(event_tick(c, timer_ticks(now)));

		ns = tick < ns ? tick : ns;
	}
	if (c->in->iclock) {
		/* no other CPU will send an event: else it is a NOP */
		if (ns != NEVER)
			iclock_wait(c, ns, false);
		goto out;
	}
	if (ns > now + (monitor ? WFE_MONITOR_NS : WFE_MAX_NS))
		ns = now + (monitor ? WFE_MONITOR_NS : WFE_MAX_NS);
	for (int i = 0; monitor && i < WFE_SPINS; i++) {
		if (!monitor_holds(c) || wfe_over(c))
			goto out;
		spin();
	}
	if (ns - now < WFE_MIN_NS)
		goto out;
	c->n_wfi++;
	c->idle = true;
	/* halted before the last look at the event: timer_sev sets the event
	 * before it looks at halted */
	atomic_store(&c->halted, true);
	if (wfe_over(c))
		atomic_store(&c->halted, false);
	else
		sleep_until(c, ns);
	atomic_thread_fence(memory_order_seq_cst);
	c->idle = false;
out:
	atomic_store(&c->event, false);
}

void timer_sev(struct cpu *c)
{
	for (unsigned i = 0; i < c->in->ncpus; i++) {
		struct cpu *to = c->in->cpu[i];

		if (!to)
			continue;
		atomic_store(&to->event, true);
		if (to != c && atomic_load(&to->halted))
			cpu_request(to, REQ_EVENT);
	}
}
