/* iclock.c: guest time by executed instructions; see iclock.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "except.h"
#include "fpstate.h"
#include "iclock.h"
#include "loop.h"
#include "run.h"
#include "timer.h"

#define NEVER UINT64_MAX
#define RATE 1000u                      /* instructions in a microsecond */
/* --trace-hash: registers this often, and RAM, which takes its time. */
#define HASH_EVERY 1000000u
#define HASH_RAM_EVERY 100000000u

struct iclock {
	unsigned rate;
	uint64_t slept;                 /* ns of guest time, beside counting */
	uint64_t timer_next;            /* the CPU's timers, in guest time */
	uint64_t device_next;           /* the loop's */
	int hash_fd;                    /* -1: none */
	uint64_t hash_next;             /* instructions */
};

typedef unsigned __int128 u128;

/* ---- time -------------------------------------------------------------- */

uint64_t iclock_now(const struct cpu *c)
{
	const struct iclock *ic = c->in->iclock;

	return (uint64_t)((u128)c->inow * 1000 / ic->rate) + ic->slept;
}

/* The count at which guest time `ns` has come. */
static uint64_t count_at(const struct iclock *ic, uint64_t ns)
{
	u128 n;

	if (ns == NEVER)
		return NEVER;
	if (ns <= ic->slept)
		return 0;
	n = ((u128)(ns - ic->slept) * ic->rate + 999) / 1000;
	return n > NEVER ? NEVER : (uint64_t)n;
}

static uint64_t next_event(const struct iclock *ic)
{
	return ic->timer_next < ic->device_next ? ic->timer_next :
						  ic->device_next;
}

static void arm(struct cpu *c)
{
	const struct iclock *ic = c->in->iclock;
	uint64_t at = count_at(ic, next_event(ic));

	at = ic->hash_next < at ? ic->hash_next : at;
	c->ideadline = c->pmu_deadline < at ? c->pmu_deadline : at;
}

void iclock_pmu(struct cpu *c, uint64_t deadline)
{
	c->pmu_deadline = deadline;
	if (c->in->iclock)
		arm(c);
	else
		c->ideadline = deadline;
}

void iclock_timer(struct cpu *c, uint64_t next)
{
	c->in->iclock->timer_next = next;
	arm(c);
}

void iclock_device(struct cpu *c)
{
	loop_guest_set(c->in->vm->loop, iclock_now(c));
	atomic_fetch_or(&c->req, REQ_TIME);
}

/* ---- hashes of the state ----------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t v;

	for (; len >= 8; len -= 8, b += 8) {
		memcpy(&v, b, 8);
		h = mix(h, v);
	}
	v = 0;
	memcpy(&v, b, len);
	return len ? mix(h, v) : h;
}

static uint64_t hash_cpu(struct cpu *c)
{
	struct sysregs sr = c->sr;
	uint64_t h = 1;

	/* the rest of the sticky flags may be in the host's FPU */
	sr.fpsr = fpstate_read_fpsr(c);
	h = mix_bytes(h, c->x, sizeof(c->x[0]) * 32);
	h = mix_bytes(h, c->v, sizeof(c->v));
	h = mix_bytes(h, &sr, sizeof(sr));
	h = mix(h, c->pc);
	h = mix(h, except_pstate(c));
	return mix(h, iclock_now(c));
}

static uint64_t hash_ram(const struct as *as)
{
	uint64_t h = 1;
	int n;
	const struct ram *r = as_rams(as, &n);

	for (int i = 0; i < n; i++) {
		if (r[i].rom)           /* it is the same each time */
			continue;
		/* four at a time: a chain each */
		const uint64_t *p = (const uint64_t *)(const void *)r[i].host;
		uint64_t s[4] = { 1, 2, 3, 4 };

		for (uint64_t k = 0; k + 4 <= r[i].size / 8; k += 4)
			for (int j = 0; j < 4; j++)
				s[j] = mix(s[j], p[k + (unsigned)j]);
		h = mix_bytes(mix(h, r[i].gpa), s, sizeof(s));
	}
	return h;
}

static void write_hash(struct cpu *c)
{
	struct iclock *ic = c->in->iclock;
	char line[128];
	int n;

	n = snprintf(line, sizeof(line), "%" PRIu64 " pc %" PRIx64
		     " state %016" PRIx64, c->inow, c->pc, hash_cpu(c));
	if (c->inow / HASH_RAM_EVERY !=
	    (ic->hash_next - HASH_EVERY) / HASH_RAM_EVERY)
		n += snprintf(line + n, sizeof(line) - (size_t)n,
			      " ram %016" PRIx64, hash_ram(c->in->as));
	line[n++] = '\n';
	if (write(ic->hash_fd, line, (size_t)n) != n) {
		close(ic->hash_fd);
		ic->hash_fd = -1;
		ic->hash_next = NEVER;
		return;
	}
	ic->hash_next = (c->inow / HASH_EVERY + 1) * HASH_EVERY;
}

/* ---- serving ----------------------------------------------------------- */

/* Devices have come to rest at this time, and the timers' lines are right. */
static bool settle(struct cpu *c)
{
	struct iclock *ic = c->in->iclock;
	struct vm *vm = c->in->vm;

	loop_guest_set(vm->loop, iclock_now(c));
	if (vm->settle && !vm->settle(vm)) {
		atomic_fetch_or(&c->req, REQ_TIME);
		return false;
	}
	ic->device_next = loop_guest_next(vm->loop);
	timer_check(c);
	return true;
}

bool iclock_serve(struct cpu *c)
{
	struct iclock *ic = c->in->iclock;

	if (!settle(c))
		return false;
	if (c->inow >= ic->hash_next)
		write_hash(c);
	arm(c);
	return true;
}

void iclock_wait(struct cpu *c, uint64_t until, bool block)
{
	struct iclock *ic = c->in->iclock;
	uint64_t now, next;

	while (settle(c)) {
		now = iclock_now(c);
		if (atomic_load(&c->irq_lines) || now >= until)
			break;
		next = next_event(ic);
		next = next < until ? next : until;
		if (next == NEVER) {
			if (block)
				cpu_wait(c, NEVER);
			break;
		}
		if (next > now)
			ic->slept += next - now;
	}
	arm(c);
}

/* ---- life -------------------------------------------------------------- */

void iclock_reset(struct cpu *c)
{
	c->inow = c->icount;
	iclock_pmu(c, NEVER);
}

int iclock_open(struct interp *in, const struct config *cfg, struct err *e)
{
	struct iclock *ic;

	if (!cfg || !cfg->clock_insn)
		return 0;
	ic = calloc(1, sizeof(*ic));
	if (!ic)
		return err_set(e, ENOMEM, "allocate the clock");
	in->iclock = ic;
	in->count = true;
	ic->rate = cfg->clock_rate ? cfg->clock_rate : RATE;
	ic->timer_next = ic->device_next = NEVER;
	ic->hash_fd = -1;
	ic->hash_next = NEVER;
	if (!cfg->trace_hash)
		return 0;
	ic->hash_fd = open(cfg->trace_hash, O_WRONLY | O_CREAT | O_TRUNC |
			   O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
	if (ic->hash_fd < 0)
		return err_set(e, errno, "--trace-hash %s", cfg->trace_hash);
	ic->hash_next = HASH_EVERY;
	return 0;
}

void iclock_close(struct interp *in)
{
	if (!in->iclock)
		return;
	if (in->iclock->hash_fd >= 0)
		close(in->iclock->hash_fd);
	free(in->iclock);
	in->iclock = NULL;
}
