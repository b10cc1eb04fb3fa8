/* gdb_vm.c: the debugger's socket, and the machine as what it debugs; gdb.h.
 *
 * All of it is the main thread's. The machine is paused (vm_pause) whenever a
 * session exists that has not let it run. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accel.h"
#include "as.h"
#include "cpu_reg.h"
#include "gdb.h"
#include "gdb_int.h"
#include "log.h"
#include "loop.h"
#include "machine.h"
#include "sock.h"

#define IN_SIZE 4096u
/* More is not read from the peer while this much waits for it. */
#define OUT_BUSY 0x8000u
#define OUT_SIZE (OUT_BUSY + 0x40000u)

struct gdb {
	struct machine *m;
	struct sock sock;
	struct watch *wlisten, *wpeer;
	int fd;                         /* the peer; -1: none */
	bool paused;                    /* the machine, by us */
	struct gdb_target target;
	struct gdb_session session;
	char in[IN_SIZE];
	size_t nin, in_at;
	char out[OUT_SIZE];
	size_t nout;
	bool overrun;                   /* out was full */
};

/* ---- the machine as a target ----------------------------------------- */

static int t_reg(void *arg, unsigned cpu, uint64_t id, bool set, void *val)
{
	struct machine *m = ((struct gdb *)arg)->m;

	return m->vm.accel->cpu_reg(&m->vm.cpu[cpu], id, set, val);
}

static int t_look(void *arg, unsigned cpu, uint64_t va, uint64_t *gpa)
{
	struct machine *m = ((struct gdb *)arg)->m;

	return m->vm.accel->cpu_translate(&m->vm.cpu[cpu], va, gpa);
}

static size_t t_mem(void *arg, int cpu, bool write, uint64_t addr, void *buf,
		    size_t len)
{
	struct machine *m = ((struct gdb *)arg)->m;
	size_t done = 0;

	while (done < len) {
		uint64_t at = addr + done, gpa = at;
		size_t n = 4096 - (size_t)(at & 4095);
		char *p = (char *)buf + done;

		if (n > len - done)
			n = len - done;
		if (cpu != GDB_PHYS && t_look(arg, (unsigned)cpu, at, &gpa))
			break;
		if (write ? dma_put(&m->dma, gpa, p, n) :
			    dma_get(&m->dma, gpa, p, n))
			break;
		if (write)
			m->vm.accel->code_changed(&m->vm, gpa, n);
		done += n;
	}
	return done;
}

static int t_points(void *arg, const struct vm_point *p, unsigned n)
{
	struct vm *vm = &((struct gdb *)arg)->m->vm;
	struct err e;

	memcpy(vm->point, p, n * sizeof(*p));
	vm->npoints = n;
	if (!vm->accel->debug(vm, &e))
		return 0;
	log_msg(LOG_INFO, "gdb: %s", e.msg);
	return -1;
}

static void hold_machine(struct gdb *g)
{
	if (!g->paused)
		vm_pause(g->m);
	g->paused = true;
}

static void t_halt(void *arg)
{
	hold_machine(arg);
}

static void t_go(void *arg, const enum gdb_run *run)
{
	struct gdb *g = arg;
	struct vm *vm = &g->m->vm;

	pthread_mutex_lock(&g->m->park_lock);
	for (unsigned i = 0; i < vm->ncpus; i++) {
		vm->cpu[i].hold = run[i] == GDB_HOLD;
		vm->cpu[i].step = run[i] == GDB_STEP;
		vm->cpu[i].stop.kind = STOP_NONE;
	}
	pthread_mutex_unlock(&g->m->park_lock);
	g->paused = false;
	vm_resume(g->m);
}

static void t_set_noirq(void *arg, bool on)
{
	((struct gdb *)arg)->m->vm.step_noirq = on;
}

static const char *t_state(void *arg, unsigned cpu)
{
	struct machine *m = ((struct gdb *)arg)->m;
	struct cpu_state s;

	if (m->vm.accel->cpu_state(&m->vm.cpu[cpu], &s))
		return "unknown";
	return s.off ? "off" : s.idle ? "idle" : "running";
}

static void t_map(void *arg, void (*line)(void *, const char *), void *to)
{
	machine_print_map(((struct gdb *)arg)->m, line, to);
}

static void t_reset(void *arg)
{
	vm_request(&((struct gdb *)arg)->m->vm, VM_RESET,
		   "the debugger's command");
}

static void t_quit(void *arg)
{
	vm_request(&((struct gdb *)arg)->m->vm, VM_QUIT,
		   "the debugger's command");
}

/* While something waits to go out, nothing more is taken in. */
static void update_events(struct gdb *g)
{
	if (g->wpeer)
		watch_events(g->wpeer, g->nout ? EPOLLOUT : EPOLLIN);
}

/* The loop: a CPU has stopped by itself. */
static void on_stop(void *arg)
{
	struct gdb *g = arg;
	struct vm *vm = &g->m->vm;

	if (g->fd < 0 || !g->session.running)
		return;
	hold_machine(g);
	for (unsigned i = 0; i < vm->ncpus; i++)
		if (vm->cpu[i].stop.kind != STOP_NONE) {
			gdb_stopped(&g->session, i, &vm->cpu[i].stop);
			update_events(g);
			return;
		}
	g->paused = false;              /* a reset came in between */
	vm_resume(g->m);
}

static void fill_target(struct gdb *g)
{
	const struct accel_ops *a = g->m->vm.accel;
	uint64_t isar1 = 0, isar2 = 0;

	t_reg(g, 0, CPU_REG_MSR(3, 0, 0, 6, 1), false, &isar1);
	t_reg(g, 0, CPU_REG_MSR(3, 0, 0, 6, 2), false, &isar2);
	g->target = (struct gdb_target){
		.ncpus = g->m->vm.ncpus, .arg = g, .noirq = a->step_noirq,
		/* APA, API; APA3 */
		.has_pauth = isar1 & 0xff0 || isar2 & 0xf000,
		.reg = t_reg, .mem = t_mem, .look = t_look,
		.points = t_points, .halt = t_halt, .go = t_go,
		.set_noirq = t_set_noirq, .state = t_state, .map = t_map,
		.reset = t_reset, .quit = t_quit,
	};
}

/* ---- the connection -------------------------------------------------- */

static void hang_up(struct gdb *g)
{
	watch_free(g->wpeer);
	g->wpeer = NULL;
	close(g->fd);
	g->fd = -1;
	g->nin = g->in_at = g->nout = 0;
	g->overrun = false;
	log_msg(LOG_INFO, "gdb: the debugger has gone");
}

static void send_some(struct gdb *g)
{
	while (g->nout) {
		ssize_t n = send(g->fd, g->out, g->nout,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			g->overrun = true;      /* gone */
		if (n <= 0)
			break;
		g->nout -= (size_t)n;
		memmove(g->out, g->out + n, g->nout);
	}
}

static void put(void *arg, const void *buf, size_t len)
{
	struct gdb *g = arg;

	if (len > OUT_SIZE - g->nout) {
		g->overrun = true;
		return;
	}
	memcpy(g->out + g->nout, buf, len);
	g->nout += len;
	if (!g->in_at)                  /* not in the middle of input */
		send_some(g);
}

/* Is the connection over? Then nothing of it stays in the machine. */
static void check_end(struct gdb *g, bool eof)
{
	if (!eof && !g->session.closed && !g->overrun)
		return;
	if (!g->session.closed) {
		if (g->session.running)
			hold_machine(g);
		gdb_detach(&g->session);
	} else if (g->paused) {
		/* killed: the machine ends, and waits for nobody */
		g->paused = false;
		vm_resume(g->m);
	}
	hang_up(g);
}

/* Commands that have come, while their replies find room. */
static void serve_input(struct gdb *g)
{
	while (g->in_at < g->nin && g->nout < OUT_BUSY && !g->session.closed &&
	       !g->overrun) {
		size_t n = gdb_input(&g->session, g->in + g->in_at,
				     g->nin - g->in_at);

		g->in_at += n;
	}
	if (g->in_at == g->nin)
		g->nin = g->in_at = 0;
	send_some(g);
}

static void on_peer(void *arg, uint32_t events)
{
	struct gdb *g = arg;
	bool eof = false;

	send_some(g);
	if (!g->nin && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		ssize_t n = recv(g->fd, g->in, IN_SIZE, MSG_DONTWAIT);

		if (n > 0)
			g->nin = (size_t)n;
		else
			eof = !n || (errno != EAGAIN && errno != EINTR);
	}
	serve_input(g);
	check_end(g, eof);
	update_events(g);
}

static void on_connect(void *arg, uint32_t events)
{
	struct gdb *g = arg;
	struct err e;
	int fd = accept4(g->sock.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (g->fd >= 0) {
		log_msg(LOG_WARN, "gdb: a second debugger was turned away");
		close(fd);
		return;
	}
	g->fd = fd;
	if (loop_fd(g->m->loop, fd, EPOLLIN, NULL, on_peer, g, &g->wpeer,
		    &e)) {
		log_msg(LOG_WARN, "gdb: %s", e.msg);
		hang_up(g);
		return;
	}
	log_msg(LOG_INFO, "gdb: a debugger is attached");
	hold_machine(g);
	gdb_begin(&g->session, &g->target, put, g);
}

/* ---- life ------------------------------------------------------------ */

struct gdb *gdb_open(struct machine *m, struct err *e)
{
	struct cfg_gdb *c = &m->config->gdb;
	struct gdb *g = calloc(1, sizeof(*g));
	uint16_t port = c->port;
	int r;

	if (!g) {
		err_set(e, ENOMEM, "gdb");
		return NULL;
	}
	g->m = m;
	g->fd = -1;
	g->sock = (struct sock)SOCK_NONE;
	m->on_stop = on_stop;
	m->on_stop_arg = g;
	r = c->path ? sock_unix(&g->sock, "gdb", c->path, e) :
		      sock_tcp(&g->sock, "gdb", c->addr, &port, e);
	if (r) {
		gdb_close(g);
		return NULL;
	}
	/* who asked for any port has to hear which */
	if (!c->path)
		log_msg(c->port ? LOG_INFO : LOG_WARN, "gdb: listening on "
			"tcp:%s:%u", c->addr, port);
	return g;
}

int gdb_start(struct gdb *g, struct err *e)
{
	fill_target(g);
	if (g->m->config->gdb.wait)
		hold_machine(g);
	return loop_fd(g->m->loop, g->sock.fd, EPOLLIN, NULL, on_connect, g,
		       &g->wlisten, e);
}

void gdb_end(struct gdb *g, const struct vm_end *end)
{
	if (g->fd < 0)
		return;
	switch (end->event) {
	case VM_OFF:
	case VM_RESET: gdb_exited(&g->session, false, 0); break;
	case VM_SIGNAL: gdb_exited(&g->session, true, end->signal); break;
	case VM_QUIT: gdb_exited(&g->session, true, SIGINT); break;
	default: gdb_exited(&g->session, true, SIGABRT);
	}
	send_some(g);
}

int gdb_unlink_dir(const struct gdb *g)
{
	return g->sock.dir;
}

void gdb_close(struct gdb *g)
{
	if (!g)
		return;
	watch_free(g->wpeer);
	watch_free(g->wlisten);
	if (g->fd >= 0)
		close(g->fd);
	sock_close(&g->sock);
	free(g);
}
