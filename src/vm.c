/* Runs a machine: threads, parking, events, signals, reset, the end.
 *
 * The main thread is the loop. A vCPU that wants something of the machine calls
 * vm_request; the event is served by the loop, with every vCPU parked. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "accel.h"
#include "as.h"
#include "backend.h"
#include "diagnose.h"
#include "log.h"
#include "loop.h"
#include "machine.h"
#include "tty.h"

#define QUIET_NS 10000000000u           /* without output: say where we are */
#define SAMPLE_NS 1000000000u           /* meanwhile look where it is */
#define STUCK_NS 2000000000u            /* without more output: was it a panic? */
#define QUICK_NS 20000000000u           /* a start that comes to nothing */
#define QUICK_RESETS 5                  /* in a row: say so, once */

/* The first four end the machine. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
			       SIGWINCH, SIGTSTP, SIGCONT };

static bool ends(int sig)
{
	return sig != SIGWINCH && sig != SIGTSTP && sig != SIGCONT;
}

static struct machine *machine(struct vm *vm)
{
	return (struct machine *)vm;    /* its first member */
}

const char *vm_event_name(enum vm_event ev)
{
	static const char *const name[] = {
		[VM_NONE] = "none", [VM_OFF] = "off", [VM_RESET] = "reset",
		[VM_PANIC] = "panic", [VM_CRASH] = "crash",
		[VM_FAIL] = "fail", [VM_TIMEOUT] = "timeout",
		[VM_SIGNAL] = "signal", [VM_QUIT] = "quit",
	};

	return name[ev];
}

/* ---- parking --------------------------------------------------------- */

static void kick_all(struct machine *m)
{
	for (unsigned i = 0; i < m->vm.ncpus; i++)
		if (m->vm.cpu[i].started)
			m->vm.accel->cpu_kick(&m->vm.cpu[i]);
}

void vm_park(struct machine *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->vm.ncpus; i++)
		n += m->vm.cpu[i].started;
	atomic_store(&m->vm.park, true);
	kick_all(m);
	loop_settle_wake(m->loop);
	pthread_mutex_lock(&m->park_lock);
	while (m->nparked < n)
		pthread_cond_wait(&m->parked, &m->park_lock);
	pthread_mutex_unlock(&m->park_lock);
}

void vm_unpark(struct machine *m)
{
	/* An event that came meanwhile keeps the machine parked: no guest
	 * runs on after it asked to be powered off. */
	pthread_mutex_lock(&m->why_lock);
	if (atomic_load(&m->vm.event) == VM_NONE && !m->pauses)
		atomic_store(&m->vm.park, false);
	pthread_mutex_unlock(&m->why_lock);
	pthread_mutex_lock(&m->park_lock);
	pthread_cond_broadcast(&m->unpark);
	pthread_mutex_unlock(&m->park_lock);
}

void vm_pause(struct machine *m)
{
	vm_park(m);
	if (!m->pauses++)
		loop_pause(m->loop);
}

void vm_resume(struct machine *m)
{
	if (--m->pauses)
		return;
	loop_resume(m->loop);
	vm_unpark(m);
}

void vm_stopped(struct vcpu *v)
{
	struct machine *m = machine(v->vm);

	/* stays where it is, even if the others are let go before the
	 * debugger has heard of it */
	v->hold = true;
	atomic_store(&v->vm->park, true);
	kick_all(m);
	loop_post(m->loop, NULL, m->on_stop, m->on_stop_arg);
}

bool vm_settle(struct vm *vm)
{
	struct machine *m = machine(vm);

	/* a request's end can post, a post can make requests */
	for (;;) {
		if (m->pool)
			blk_pool_drain(m->pool);
		if (!loop_settle(m->loop, &vm->park))
			return false;
		if (!m->pool || blk_pool_idle(m->pool))
			return true;
	}
}

/* ---- events ---------------------------------------------------------- */

static void end(struct machine *m)
{
	m->t_end = loop_now(m->loop, CLOCK_HOST);
	loop_stop(m->loop);
}

static void fail(struct machine *m, const struct err *e)
{
	pthread_mutex_lock(&m->why_lock);
	snprintf(m->why, sizeof(m->why), "%.255s", e->msg);
	pthread_mutex_unlock(&m->why_lock);
	atomic_store(&m->vm.event, VM_FAIL);
	end(m);
}

static void count_reset(struct machine *m)
{
	uint64_t now = loop_now(m->loop, CLOCK_HOST);
	uint64_t since = m->t_reset ? m->t_reset : m->t_run;

	m->resets++;
	if (now - since > QUICK_NS || !m->quick_resets) {
		m->quick_resets = 0;
		m->t_first = since;
	}
	m->quick_resets++;
	if (m->quick_resets == QUICK_RESETS)
		postmortem_resets(m, (double)(now - m->t_first) / 1e9);
	m->t_reset = now;
	m->npcs = 0;
}

/* The loop: serves the event that vm_request left. */
static void serve(void *arg)
{
	struct machine *m = arg;
	struct err e;

	if (atomic_load(&m->vm.event) == VM_NONE)
		return;
	vm_park(m);
	if (atomic_load(&m->vm.event) != VM_RESET || m->config->no_reboot) {
		end(m);
		return;
	}
	log_msg(LOG_INFO, "the guest resets itself");
	count_reset(m);
	if (machine_reset(m, &e)) {
		err_at(&e, "reset: ");
		fail(m, &e);
		return;
	}
	atomic_store(&m->vm.event, VM_NONE);
	vm_unpark(m);
}

void vm_request(struct vm *vm, enum vm_event ev, const char *why)
{
	struct machine *m = machine(vm);
	int now;

	/* The first one counts; but a reset that waits to be served gives way
	 * to what ends the machine. */
	pthread_mutex_lock(&m->why_lock);
	now = atomic_load(&vm->event);
	if (now == VM_NONE || (now == VM_RESET && ev != VM_RESET)) {
		atomic_store(&vm->event, (int)ev);
		snprintf(m->why, sizeof(m->why), "%s", why ? why : "");
	}
	atomic_store(&vm->park, true);
	pthread_mutex_unlock(&m->why_lock);
	kick_all(m);
	loop_post(vm->loop, NULL, serve, m);
}

/* ---- signals and timers ---------------------------------------------- */

/* A second signal does not wait for an orderly end. */
static void on_second(int sig)
{
	tty_restore();
	_exit(128 + sig);
}

/* Stopped as any program is, and the shell finds its terminal as it was. The
 * kernel decides by the default action: with no shell to continue us, no stop. */
static void stop_process(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	tty_restore();
	raise(SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	tty_resume();
}

static void on_signal_fd(void *arg, uint32_t events)
{
	struct machine *m = arg;
	struct signalfd_siginfo si;
	sigset_t set;
	char why[48];

	if (read(m->signal_fd, &si, sizeof(si)) != sizeof(si))
		return;
	switch (si.ssi_signo) {
	case SIGWINCH:
		tty_winch(m->serial);
		if (m->console)
			tty_winch(m->console);
		return;
	case SIGTSTP:
		stop_process();
		return;
	case SIGCONT:                   /* after a SIGSTOP */
		tty_resume();
		return;
	default:
		break;
	}
	m->signal = (int)si.ssi_signo;
	snprintf(why, sizeof(why), "signal %d", m->signal);
	vm_request(&m->vm, VM_SIGNAL, why);
	/* From here on it goes to on_second, whose handler is in place. */
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (ends(signals[i]))
			sigaddset(&set, signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static int open_signals(struct machine *m, struct err *e)
{
	struct sigaction old, sa = { .sa_handler = on_second };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		/* nohup's SIGHUP stays ignored. */
		if (!sigaction(signals[i], NULL, &old) &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaddset(&set, signals[i]);
		if (ends(signals[i]))
			sigaction(signals[i], &sa, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	/* Every thread made from here on has them blocked as well. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signal_fd < 0)
		return err_set(e, errno, "signalfd");
	return loop_fd(m->loop, m->signal_fd, EPOLLIN, NULL, on_signal_fd, m,
		       &m->signal_watch, e);
}

static void on_timeout(void *arg)
{
	struct machine *m = arg;

	vm_request(&m->vm, VM_TIMEOUT, "--timeout ran out");
}

static void sample(struct machine *m, const struct cpu_state *s)
{
	if (m->npcs == EVIDENCE_PCS)
		memmove(m->pcs, m->pcs + 1, sizeof(m->pcs) - sizeof(m->pcs[0]));
	else
		m->npcs++;
	m->pcs[m->npcs - 1] = s->pc;
}

/* Ten seconds and not a byte: the failure that leaves people guessing
 * (bundles.md section 6). One note, then silence from us too. */
static void on_quiet(void *arg)
{
	struct machine *m = arg;
	uint64_t gpa = 0, now = loop_now(m->loop, CLOCK_HOST);
	struct cpu_state s;
	struct device *d;
	bool known;

	/* nothing outside may disturb a run that can be repeated */
	if (m->config->clock_insn || m->pauses || tty_out_bytes(m->serial) ||
	    (m->console && tty_out_bytes(m->console)) ||
	    atomic_load(&m->vm.event) != VM_NONE)
		return;
	vm_park(m);
	d = as_last_dev(m->as, &gpa);
	known = !m->vm.accel->cpu_state(&m->vm.cpu[0], &s);
	if (known)
		sample(m, &s);
	watch_at(m->quiet_watch, now + SAMPLE_NS);
	if (known && !m->quiet_said && now - m->t_run >= QUIET_NS) {
		m->quiet_said = true;
		log_msg(LOG_WARN, "no output for 10 s: cpu 0 is at pc 0x%llx, "
			"EL%u%s; last device %s%s", (unsigned long long)s.pc,
			(unsigned)(s.pstate >> 2 & 3), s.idle ? ", idle" : "",
			d ? d->id : "none",
			/* not where the console is a virtio one */
			m->uart->writes || m->console ? "" :
			"; the UART was never touched "
			"(does the command line have console=ttyAMA0?)");
	}
	vm_unpark(m);
}

/* A panicked kernel without panic= waits for ever, and its words stand far up
 * on a full screen. Each time that output comes to rest it is looked at once. */
static void on_stuck(void *arg)
{
	struct machine *m = arg;
	uint64_t now = loop_now(m->loop, CLOCK_HOST);
	uint64_t printed = tty_out_bytes(m->serial) +
			   (m->console ? tty_out_bytes(m->console) : 0);

	watch_at(m->stuck_watch, now + STUCK_NS);
	if (printed != m->printed || m->stuck_seen || m->pauses ||
	    atomic_load(&m->vm.event) != VM_NONE) {
		m->stuck_seen &= printed == m->printed;
		m->printed = printed;
		return;
	}
	m->stuck_seen = true;
	vm_park(m);
	postmortem_stuck(m);
	vm_unpark(m);
}

static int open_timers(struct machine *m, struct err *e)
{
	uint64_t now = loop_now(m->loop, CLOCK_HOST);

	if (loop_timer(m->loop, CLOCK_HOST, NULL, on_quiet, m,
		       &m->quiet_watch, e))
		return -1;
	watch_at(m->quiet_watch, now + SAMPLE_NS);
	/* nothing outside may disturb a run that can be repeated */
	if (!m->config->clock_insn) {
		if (loop_timer(m->loop, CLOCK_HOST, NULL, on_stuck, m,
			       &m->stuck_watch, e))
			return -1;
		watch_at(m->stuck_watch, now + STUCK_NS);
	}
	if (m->config->timeout <= 0)
		return 0;
	if (loop_timer(m->loop, CLOCK_HOST, NULL, on_timeout, m,
		       &m->timeout_watch, e))
		return -1;
	watch_at(m->timeout_watch,
		 now + (uint64_t)(m->config->timeout * 1e9));
	return 0;
}

/* ---- threads and sandbox --------------------------------------------- */

/* A request that is no I/O: the disk threads take one each, and each waits in
 * it until all have, so every thread gets its filter exactly once. */
struct confine {
	struct machine *m;
	pthread_barrier_t all;
	pthread_mutex_t lock;
	int done;
	pthread_cond_t cond;
};

struct confine_blk {
	struct blk blk;
	struct confine *c;
};

static int confine_run(struct blk *b, struct blk_req *r)
{
	struct confine *c = ((struct confine_blk *)b)->c;
	struct machine *m = c->m;
	sigset_t set;
	struct err e;

	/* Or the kernel kills without our handler's last words. */
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	sigaddset(&set, SIGSEGV);
	sigaddset(&set, SIGBUS);
	sigaddset(&set, SIGILL);
	sigaddset(&set, SIGFPE);
	sigaddset(&set, SIGABRT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	pthread_barrier_wait(&c->all);
	if (sandbox_thread(&m->sandbox, SANDBOX_BLOCK, &e)) {
		pthread_mutex_lock(&m->park_lock);
		m->thread_failed = true;
		m->thread_err = e;
		pthread_mutex_unlock(&m->park_lock);
	}
	return 0;
}

static void confine_done(struct blk_req *r, int error)
{
	struct confine *c = r->arg;

	pthread_mutex_lock(&c->lock);
	c->done++;
	pthread_cond_signal(&c->cond);
	pthread_mutex_unlock(&c->lock);
}

static void confine_pool(struct machine *m)
{
	static const struct blk_ops ops = { .name = "sandbox",
					    .run = confine_run };
	struct confine c = { .m = m, .done = 0 };
	struct confine_blk b = { .blk = { .ops = &ops, .pool = m->pool },
				 .c = &c };
	struct blk_req req[16];
	int n = m->pool_threads;

	if (!m->pool || n > 16)
		return;
	pthread_barrier_init(&c.all, NULL, (unsigned)n);
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.cond, NULL);
	memset(req, 0, sizeof(req));
	for (int i = 0; i < n; i++) {
		req[i].op = BLK_FLUSH;
		req[i].done = confine_done;
		req[i].arg = &c;
		blk_submit(&b.blk, &req[i]);
	}
	pthread_mutex_lock(&c.lock);
	while (c.done < n)
		pthread_cond_wait(&c.cond, &c.lock);
	pthread_mutex_unlock(&c.lock);
	blk_drain(&b.blk);
	pthread_cond_destroy(&c.cond);
	pthread_mutex_destroy(&c.lock);
	pthread_barrier_destroy(&c.all);
}

static int start_threads(struct machine *m, struct err *e)
{
	for (unsigned i = 0; i < m->vm.ncpus; i++) {
		struct vcpu *v = &m->vm.cpu[i];
		int no = pthread_create(&v->thread, NULL, vcpu_main, v);

		if (no)
			return err_set(e, no, "starting the thread of cpu %u",
				       i);
		v->started = true;
	}
	return 0;
}

int vm_start(struct machine *m, struct err *e)
{
	if (open_signals(m, e) || open_timers(m, e) || start_threads(m, e) ||
	    sandbox_process(&m->sandbox, e))
		return -1;
	if (m->sandbox.on)
		confine_pool(m);
	pthread_mutex_lock(&m->park_lock);
	m->go = true;
	pthread_cond_broadcast(&m->unpark);
	while (m->nconfined < m->vm.ncpus)
		pthread_cond_wait(&m->parked, &m->park_lock);
	if (m->thread_failed)
		*e = m->thread_err;
	pthread_mutex_unlock(&m->park_lock);
	if (m->thread_failed)
		return -1;
	return sandbox_thread(&m->sandbox, SANDBOX_LOOP, e);
}

int vm_run(struct machine *m, struct vm_end *out, struct err *e)
{
	int r;

	memset(out, 0, sizeof(*out));
	m->t_run = loop_now(m->loop, CLOCK_HOST);
	vm_unpark(m);
	r = loop_run(m->loop, e);
	vm_park(m);
	if (!m->t_end)
		m->t_end = loop_now(m->loop, CLOCK_HOST);
	pthread_mutex_lock(&m->why_lock);
	out->event = (enum vm_event)atomic_load(&m->vm.event);
	out->signal = m->signal;
	memcpy(out->why, m->why, sizeof(out->why));
	pthread_mutex_unlock(&m->why_lock);
	return r;
}

void vm_stop(struct machine *m)
{
	atomic_store(&m->vm.park, true);
	if (m->ncpus_open)
		kick_all(m);
	pthread_mutex_lock(&m->park_lock);
	m->quit = true;
	pthread_cond_broadcast(&m->unpark);
	pthread_mutex_unlock(&m->park_lock);
	for (unsigned i = 0; i < m->vm.ncpus; i++) {
		if (m->vm.cpu[i].started)
			pthread_join(m->vm.cpu[i].thread, NULL);
		m->vm.cpu[i].started = false;
	}
	watch_free(m->quiet_watch);
	watch_free(m->stuck_watch);
	watch_free(m->timeout_watch);
	watch_free(m->signal_watch);
	m->quiet_watch = m->stuck_watch = NULL;
	m->timeout_watch = m->signal_watch = NULL;
	if (m->signal_fd >= 0)
		close(m->signal_fd);
	m->signal_fd = -1;
}
