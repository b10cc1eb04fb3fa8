/* gdb_run.c: running, stops and breakpoints; gdb_int.h. */
#include <stdio.h>
#include <string.h>

#include "gdb_int.h"

#define SIG_INT 2
#define SIG_TRAP 5

/* ---- stops ----------------------------------------------------------- */

/* A few registers that every debugger asks for next. */
static void expedite(struct gdb_session *s)
{
	static const uint8_t regs[] = { GDB_REG_FP, GDB_REG_SP, GDB_REG_PC };

	for (unsigned i = 0; i < sizeof(regs); i++) {
		uint64_t val;

		if (s->t->reg(s->t->arg, s->cpu, gdb_core_id(s, regs[i]), false,
			      &val))
			continue;
		gdb_fmt(s, "%02x:", regs[i]);
		gdb_hex(s, &val, 8);
		gdb_str(s, ";");
	}
}

static bool is_soft(const struct gdb_session *s, uint64_t addr)
{
	for (unsigned i = 0; i < s->npoints; i++)
		if (s->soft[i] && s->point[i].addr == addr)
			return true;
	return false;
}

/* Stop replies, E.3; "reason" is lldb's. */
static void reply(struct gdb_session *s, const struct vcpu_stop *why, int sig)
{
	static const char *const watch[] = {
		[POINT_WRITE] = "watch", [POINT_READ] = "rwatch",
		[POINT_ACCESS] = "awatch",
	};

	gdb_fmt(s, "T%02xthread:%x;", (unsigned)sig, s->cpu + 1);
	if (why->kind == STOP_WATCH) {
		gdb_fmt(s, "%s:%llx;reason:watchpoint;", watch[why->point & 3],
			(unsigned long long)why->addr);
	} else if (why->kind == STOP_BREAK) {
		if (is_soft(s, why->addr)) {
			if (s->swbreak)
				gdb_str(s, "swbreak:;");
		} else if (s->hwbreak) {
			gdb_str(s, "hwbreak:;");
		}
		gdb_str(s, "reason:breakpoint;");
	} else if (why->kind == STOP_STEP) {
		gdb_str(s, "reason:trace;");
	}
	expedite(s);
	if (s->nout < sizeof(s->stop)) {
		memcpy(s->stop, s->out, s->nout);
		s->stop[s->nout] = 0;
	}
	gdb_flush(s);
}

static void stop(struct gdb_session *s, unsigned cpu,
		 const struct vcpu_stop *why, int sig)
{
	s->running = false;
	s->cpu = s->stop_cpu = cpu;
	reply(s, why, sig);
}

void gdb_stopped(struct gdb_session *s, unsigned cpu,
		 const struct vcpu_stop *why)
{
	stop(s, cpu, why, SIG_TRAP);
}

void gdb_interrupt(struct gdb_session *s)
{
	static const struct vcpu_stop none;

	if (!s->running)
		return;
	s->t->halt(s->t->arg);
	stop(s, s->stop_cpu, &none, SIG_INT);
}

void gdb_exited(struct gdb_session *s, bool signalled, int status)
{
	if (s->running) {
		gdb_fmt(s, "%c%02x", signalled ? 'X' : 'W',
			(unsigned)status & 0xff);
		gdb_flush(s);
	}
	s->running = false;
	s->closed = true;
}

/* ---- running --------------------------------------------------------- */

static void go(struct gdb_session *s, const enum gdb_run *run)
{
	s->running = true;
	s->t->go(s->t->arg, run);
}

/* c, s, C, S: the thread of Hc, or all; a step is of one. */
void gdb_resume(struct gdb_session *s, char kind, const char *p)
{
	enum gdb_run run[VM_MAX_CPUS];
	bool step = kind == 's' || kind == 'S';
	unsigned one = s->run_cpu < 0 ? s->cpu : (unsigned)s->run_cpu;
	uint64_t sig, pc;

	if (kind == 'C' || kind == 'S') {
		/* the guest has no signals: it is let go without */
		gdb_get_hex(&p, &sig);
		gdb_get_char(&p, ';');
	}
	if (gdb_get_hex(&p, &pc))
		s->t->reg(s->t->arg, one, gdb_core_id(s, GDB_REG_PC), true,
			  &pc);
	for (unsigned i = 0; i < s->t->ncpus; i++)
		run[i] = s->run_cpu < 0 && !step ? GDB_GO : GDB_HOLD;
	run[one] = step ? GDB_STEP : GDB_GO;
	go(s, run);
}

/* One action of vCont and who it is for. */
static bool action(struct gdb_session *s, const char **p, enum gdb_run *run,
		   bool *set)
{
	enum gdb_run what;
	uint64_t sig;
	int cpu = -1;

	switch (**p) {
	case 'c': case 'C': what = GDB_GO; break;
	case 's': case 'S': what = GDB_STEP; break;
	default: return false;
	}
	if (*(*p)++ < 'a' && !gdb_get_hex(p, &sig))
		return false;
	if (gdb_get_char(p, ':') && !gdb_get_thread(s, p, &cpu))
		return false;
	/* the leftmost that fits a thread counts */
	for (unsigned i = 0; i < s->t->ncpus; i++) {
		if ((cpu >= 0 && i != (unsigned)cpu) || set[i])
			continue;
		set[i] = true;
		run[i] = what;
	}
	return true;
}

void gdb_vcont(struct gdb_session *s, const char *p)
{
	enum gdb_run run[VM_MAX_CPUS] = { GDB_HOLD };
	bool set[VM_MAX_CPUS] = { false }, any = false;

	while (gdb_get_char(&p, ';'))
		if (!action(s, &p, run, set)) {
			any = false;
			break;
		} else {
			any = true;
		}
	if (any && !*p) {
		go(s, run);
		return;
	}
	gdb_str(s, "E22");
	gdb_flush(s);
}

void gdb_detach(struct gdb_session *s)
{
	enum gdb_run run[VM_MAX_CPUS];

	s->npoints = 0;
	s->t->points(s->t->arg, s->point, 0);
	for (unsigned i = 0; i < s->t->ncpus; i++)
		run[i] = GDB_GO;
	s->closed = true;
	go(s, run);
}

/* ---- breakpoints ----------------------------------------------------- */

/* Z and z: software and hardware breakpoints, watchpoints of three kinds. No
 * breakpoint is an instruction in memory: the guest does not see them. */
static bool parse_point(const char *p, struct vm_point *pt, bool *soft)
{
	static const uint8_t kind[] = { POINT_BREAK, POINT_BREAK, POINT_WRITE,
					POINT_READ, POINT_ACCESS };
	unsigned type = (unsigned)(*p - '0');
	uint64_t len;

	if (type >= sizeof(kind))
		return false;
	p++;
	if (!gdb_get_char(&p, ',') || !gdb_get_hex(&p, &pt->addr) ||
	    !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len) || !len ||
	    len > UINT32_MAX)
		return false;
	pt->kind = kind[type];
	pt->len = pt->kind == POINT_BREAK ? 4 : len;
	*soft = type == 0;
	return true;
}

static unsigned find(const struct gdb_session *s, const struct vm_point *pt,
		     bool soft)
{
	unsigned i;

	for (i = 0; i < s->npoints; i++)
		if (s->point[i].addr == pt->addr &&
		    s->point[i].len == pt->len &&
		    s->point[i].kind == pt->kind && s->soft[i] == soft)
			break;
	return i;
}

static void drop(struct gdb_session *s, unsigned i)
{
	s->npoints--;
	s->point[i] = s->point[s->npoints];
	s->soft[i] = s->soft[s->npoints];
}

void gdb_point(struct gdb_session *s, bool set, const char *p)
{
	struct vm_point pt;
	unsigned i;
	bool soft;

	if (*p < '0' || *p > '4')
		return;                 /* a kind that is not known here */
	if (!parse_point(p, &pt, &soft)) {
		gdb_str(s, "E22");
		return;
	}
	i = find(s, &pt, soft);
	if (set == (i < s->npoints)) {
		gdb_str(s, "OK");       /* said twice */
		return;
	}
	if (set && i == VM_MAX_POINTS) {
		gdb_str(s, "E28");
		return;
	}
	if (set) {
		s->point[i] = pt;
		s->soft[i] = soft;
		s->npoints++;
	} else {
		drop(s, i);
	}
	if (s->t->points(s->t->arg, s->point, s->npoints)) {
		if (set)
			drop(s, i);
		s->t->points(s->t->arg, s->point, s->npoints);
		gdb_str(s, "E28");
		return;
	}
	gdb_str(s, "OK");
}
