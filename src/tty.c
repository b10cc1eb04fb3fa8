/* Terminal back ends: stdio, null, file, Unix and TCP sockets, pty. Contract: tty.h.
 *
 * The rings belong to the device's lock: write() and ready() are called with
 * it, posts and callbacks here take it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "loop.h"
#include "outfile.h"
#include "sock.h"
#include "tty.h"
#include "tty_tcp.h"

#define OUT_SIZE 65536u                 /* power of two */
#define IN_SIZE 4096u
#define CHUNK 4096u
#define PTY_POLL_NS 200000000u          /* for somebody opening the pty */
#define CTRL_A 1

struct host_tty {
	struct tty tty;                 /* first */
	const char *name;
	struct loop *loop;
	enum cfg_where where;
	void (*event)(void *, enum tty_event);
	void *arg;
	int in, out;                    /* -1: none; may be the same */
	struct sock sock;               /* unix, tcp */
	bool own_in, own_out;           /* close them */
	struct watch *win, *wout, *wlisten, *wpoll;
	bool terminal;                  /* standard input is one */
	bool escape;                    /* the last byte was a Ctrl-a */
	bool in_end;                    /* no more input will come */
	bool blocked;                   /* wait for EPOLLOUT */
	bool posted;                    /* a drain is under way */
	uint8_t inbuf[IN_SIZE];
	size_t in_fill;
	uint8_t ring[OUT_SIZE];
	size_t head, fill;
	uint8_t tail[TTY_TAIL];
	uint64_t total;
};

/* The terminal belongs to the process, not to a machine, and a signal handler
 * must reach it: the one piece of file-scope state. */
static struct {
	volatile sig_atomic_t raw;
	bool started;                   /* `mode` is what a guest wants */
	struct termios saved, mode;
} term;

static struct host_tty *host(struct tty *t)
{
	return (struct host_tty *)t;
}

void tty_restore(void)
{
	if (!term.raw)
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &term.saved);
	term.raw = 0;
}

void tty_resume(void)
{
	if (!term.started)
		return;
	term.raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &term.mode);
}

/* ---- events wanted ---------------------------------------------------- */

static bool connected(const struct host_tty *t)
{
	return t->out >= 0;
}

/* A terminal is always read, so that Ctrl-a x works on a stuck guest. */
static bool want_in(const struct host_tty *t)
{
	return t->in >= 0 && !t->in_end && (t->terminal || !t->in_fill);
}

static void update_events(struct host_tty *t)
{
	uint32_t in = want_in(t) ? EPOLLIN : 0;
	uint32_t out = t->blocked && connected(t) ? EPOLLOUT : 0;

	if (t->in == t->out) {
		if (t->win)
			watch_events(t->win, in | out);
		return;
	}
	if (t->win)
		watch_events(t->win, in);
	if (t->wout)
		watch_events(t->wout, out);
}

/* ---- output ------------------------------------------------------------ */

static void hang_up(struct host_tty *t);

static bool is_socket(const struct host_tty *t)
{
	return t->where == CFG_TTY_UNIX || t->where == CFG_TTY_TCP;
}

/* One write that cannot block. Regular files and what we opened ourselves do
 * not; a borrowed descriptor is asked first. */
static ssize_t put_some(struct host_tty *t, const void *buf, size_t len)
{
	struct pollfd p = { .fd = t->out, .events = POLLOUT };
	ssize_t n;

	if (t->where == CFG_TTY_STDIO && !t->own_out) {
		if (poll(&p, 1, 0) == 0) {
			errno = EAGAIN;
			return -1;
		}
		/* poll promises room for PIPE_BUF, terminals for less */
		if (len > 256 && t->terminal)
			len = 256;
	}
	do {
		n = is_socket(t) ?
		    send(t->out, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT) :
		    write(t->out, buf, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Moves what can be moved from the ring to the host; device's lock held. */
static void drain(struct host_tty *t)
{
	t->blocked = false;
	while (t->fill && connected(t)) {
		size_t n = OUT_SIZE - t->head < t->fill ? OUT_SIZE - t->head :
							  t->fill;
		ssize_t r = put_some(t, t->ring + t->head,
				     n < CHUNK ? n : CHUNK);

		if (r < 0 && errno == EAGAIN) {
			t->blocked = true;
			break;
		}
		if (r < 0) {
			hang_up(t);
			break;
		}
		t->head = (t->head + (size_t)r) % OUT_SIZE;
		t->fill -= (size_t)r;
	}
	if (!connected(t))
		t->fill = 0;
}

/* Posted with the device, so its lock is held. */
static void drain_post(void *arg)
{
	struct host_tty *t = arg;
	bool was_full = t->fill == OUT_SIZE;

	t->posted = false;
	drain(t);
	update_events(t);
	if (was_full && t->fill < OUT_SIZE && t->tty.writable)
		t->tty.writable(t->tty.dev);
}

static size_t tty_write(struct tty *tty, const void *buf, size_t len)
{
	struct host_tty *t = host(tty);
	const uint8_t *p = buf;

	if (connected(t) && len > OUT_SIZE - t->fill)
		len = OUT_SIZE - t->fill;
	for (size_t i = 0; i < len; i++) {
		t->tail[(t->total + i) % TTY_TAIL] = p[i];
		if (connected(t))
			t->ring[(t->head + t->fill++) % OUT_SIZE] = p[i];
	}
	t->total += len;
	if (connected(t) && !t->posted && !t->blocked && t->fill) {
		t->posted = true;
		loop_post(t->loop, tty->dev, drain_post, t);
	}
	return len;
}

/* ---- input ------------------------------------------------------------- */

/* Device's lock held. */
static void deliver(struct host_tty *t)
{
	size_t n;

	if (t->in_fill && t->tty.input) {
		n = t->tty.input(t->tty.dev, t->inbuf, t->in_fill);
		if (n > t->in_fill)
			n = t->in_fill;
		t->in_fill -= n;
		memmove(t->inbuf, t->inbuf + n, t->in_fill);
	}
	update_events(t);
}

static void deliver_post(void *arg)
{
	deliver(arg);
}

static void tty_ready(struct tty *tty)
{
	struct host_tty *t = host(tty);

	/* Not from here: the device is in the middle of something. */
	if (t->in_fill)
		loop_post(t->loop, tty->dev, deliver_post, t);
}

static void print_keys(void)
{
	static const char text[] =
		"\r\npome: Ctrl-a x  end the machine\r\n"
		"pome: Ctrl-a h  this list\r\n"
		"pome: Ctrl-a Ctrl-a  send a Ctrl-a\r\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		return;                 /* nobody to tell */
}

/* One byte typed at a terminal; false when it was a command of ours. */
static bool typed(struct host_tty *t, uint8_t c)
{
	if (!t->escape) {
		t->escape = c == CTRL_A;
		return !t->escape;
	}
	t->escape = false;
	switch (c) {
	case CTRL_A:
		return true;
	case 'x':
	case 'X':
		if (t->event)
			t->event(t->arg, TTY_QUIT);
		return false;
	case 'h':
	case '?':
		print_keys();
		return false;
	default:
		return false;
	}
}

static void take(struct host_tty *t, const uint8_t *buf, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((!t->terminal || typed(t, buf[i])) && t->in_fill < IN_SIZE)
			t->inbuf[t->in_fill++] = buf[i];
}

static void on_input(struct host_tty *t)
{
	uint8_t buf[1024];
	ssize_t n = read(t->in, buf, sizeof(buf));

	if (n > 0) {
		take(t, buf, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		/* The end of standard input is not the machine's end. */
		if (t->where == CFG_TTY_STDIO)
			t->in_end = true;
		else
			hang_up(t);
	}
	deliver(t);
}

static void on_ready(void *arg, uint32_t events)
{
	struct host_tty *t = arg;

	/* A device fills in tty.dev when it is made, before the loop runs. */
	device_lock(t->tty.dev);
	if (t->in >= 0 && want_in(t) &&
	    (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		on_input(t);
	if (connected(t) && t->blocked)
		drain_post(t);
	device_unlock(t->tty.dev);
}

static void on_writable(void *arg, uint32_t events)
{
	struct host_tty *t = arg;

	(void)events;
	device_lock(t->tty.dev);
	drain_post(t);
	device_unlock(t->tty.dev);
}

/* ---- connections ------------------------------------------------------- */

/* The peer went away: drop what it did not read, wait for the next one. The
 * device's lock is held. */
static void hang_up(struct host_tty *t)
{
	if (t->tty.hangup && t->tty.dev)
		t->tty.hangup(t->tty.dev);
	watch_free(t->win);
	t->win = NULL;
	t->in_fill = 0;
	t->blocked = false;
	t->fill = 0;
	switch (t->where) {
	case CFG_TTY_UNIX:
	case CFG_TTY_TCP:
		if (t->out >= 0)
			close(t->out);
		t->in = t->out = -1;
		if (t->wlisten)
			watch_events(t->wlisten, EPOLLIN);
		else
			log_msg(LOG_WARN, "--%s: the other end closed the "
				"connection; output is dropped from here on",
				t->name);
		break;
	case CFG_TTY_PTY:
		t->out = -1;            /* t->in keeps the master */
		watch_at(t->wpoll, loop_now(t->loop, CLOCK_HOST) +
			 PTY_POLL_NS);
		break;
	default:
		watch_free(t->wout);
		t->wout = NULL;
		t->out = -1;
		t->in_end = true;
		if (t->where == CFG_TTY_FILE)
			log_msg(LOG_WARN, "--%s: the file takes no more: %s; "
				"output is dropped from here on", t->name,
				strerror(errno));
		if (t->event && t->where == CFG_TTY_STDIO)
			t->event(t->arg, TTY_GONE);
	}
}

static void on_connect(void *arg, uint32_t events)
{
	struct host_tty *t = arg;
	struct err e;
	int fd = accept4(t->sock.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0)
		return;
	device_lock(t->tty.dev);
	/* One peer at a time; others wait in the backlog. */
	watch_events(t->wlisten, 0);
	t->in = t->out = fd;
	if (loop_fd(t->loop, fd, EPOLLIN, NULL, on_ready, t, &t->win, &e))
		hang_up(t);
	device_unlock(t->tty.dev);
}

/* The master of a pty says POLLHUP until somebody opens the other side. */
static void on_pty_poll(void *arg)
{
	struct host_tty *t = arg;
	struct pollfd p = { .fd = t->in, .events = POLLIN };
	struct err e;

	device_lock(t->tty.dev);
	if (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP)) {
		watch_at(t->wpoll, loop_now(t->loop, CLOCK_HOST) +
			 PTY_POLL_NS);
	} else {
		t->out = t->in;
		if (loop_fd(t->loop, t->in, EPOLLIN, NULL, on_ready, t,
			    &t->win, &e))
			hang_up(t);
	}
	device_unlock(t->tty.dev);
}

/* ---- opening ----------------------------------------------------------- */

/* A description of our own for a terminal or pipe, so that O_NONBLOCK on it
 * is not the shell's as well. Regular files keep theirs: it has the offset. */
static int own_output(bool *own)
{
	struct stat st;
	int fd;

	*own = false;
	if (fstat(STDOUT_FILENO, &st))
		return -1;
	if (!isatty(STDOUT_FILENO) && !S_ISFIFO(st.st_mode))
		return STDOUT_FILENO;
	fd = open("/proc/self/fd/1",
		  O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return STDOUT_FILENO;
	*own = true;
	return fd;
}

static int open_stdio(struct host_tty *t, struct err *e)
{
	struct winsize ws;

	t->in = fcntl(STDIN_FILENO, F_GETFL) < 0 ? -1 : STDIN_FILENO;
	t->out = own_output(&t->own_out);
	t->terminal = t->in >= 0 && isatty(t->in);
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws)) {
		t->tty.cols = ws.ws_col;
		t->tty.rows = ws.ws_row;
	}
	if (t->in >= 0 && loop_fd(t->loop, t->in, 0, NULL, on_ready, t,
				  &t->win, e))
		return -1;
	if (t->out >= 0 && loop_fd(t->loop, t->out, 0, NULL, on_writable, t,
				   &t->wout, e))
		return -1;
	return 0;
}

static int open_file(struct host_tty *t, const char *path,
		     struct outfiles *out, struct err *e)
{
	struct stat st;

	t->out = outfile_open(out, path);
	if (t->out < 0 && errno == ENXIO)
		return err_set(e, 0, "--%s file:%s: a FIFO that nobody reads",
			       t->name, path);
	if (t->out < 0)
		return err_set(e, errno, "--%s file:%s: cannot open it for "
			       "writing", t->name, path);
	t->own_out = true;
	if (!fstat(t->out, &st) && S_ISREG(st.st_mode))
		return 0;               /* always takes what it is given */
	return loop_fd(t->loop, t->out, 0, NULL, on_writable, t, &t->wout, e);
}

static int open_unix(struct host_tty *t, const char *path, struct err *e)
{
	if (sock_unix(&t->sock, t->name, path, e))
		return -1;
	return loop_fd(t->loop, t->sock.fd, EPOLLIN, NULL, on_connect, t,
		       &t->wlisten, e);
}

/* Before the machine: the user waits, and Ctrl-c ends it. */
static int wait_for_peer(struct host_tty *t, struct err *e)
{
	struct pollfd p = { .fd = t->sock.fd, .events = POLLIN };

	fprintf(stderr, "pome: %s: waiting for a connection\n", t->name);
	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return err_set(e, errno, "--%s: poll", t->name);
	t->in = t->out = accept4(t->sock.fd, NULL, NULL, SOCK_CLOEXEC |
				 SOCK_NONBLOCK);
	return t->in < 0 ? err_set(e, errno, "--%s: accept", t->name) : 0;
}

static int open_tcp(struct host_tty *t, const char *text, struct err *e)
{
	struct tty_tcp tcp;
	int fd = tty_tcp_parse(text, &tcp, e) ? -1 : tty_tcp_open(&tcp, e);

	if (fd < 0)
		return err_at(e, "--%s tcp:%s: ", t->name, text);
	if (tcp.server)
		t->sock.fd = fd;
	else
		t->in = t->out = fd;
	if (tcp.wait && wait_for_peer(t, e))
		return -1;
	if (tcp.server && loop_fd(t->loop, fd, tcp.wait ? 0 : EPOLLIN, NULL,
				  on_connect, t, &t->wlisten, e))
		return -1;
	return t->in >= 0 ? loop_fd(t->loop, t->in, 0, NULL, on_ready, t,
				    &t->win, e) : 0;
}

static int open_pty(struct host_tty *t, struct err *e)
{
	struct termios tio;
	char name[64];
	int slave;

	t->in = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (t->in < 0)
		return err_set(e, errno, "--%s pty: cannot make a pseudo "
			       "terminal", t->name);
	t->own_in = true;
	if (grantpt(t->in) || unlockpt(t->in) ||
	    ptsname_r(t->in, name, sizeof(name)))
		return err_set(e, errno, "--%s pty", t->name);
	/* Opened and closed once: from then on the master reports that
	 * nobody is there, which it does not for one never opened. */
	slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(e, errno, "--%s pty: %s", t->name, name);
	if (!tcgetattr(slave, &tio)) {
		cfmakeraw(&tio);
		tcsetattr(slave, TCSANOW, &tio);
	}
	close(slave);
	if (loop_timer(t->loop, CLOCK_HOST, NULL, on_pty_poll, t, &t->wpoll,
		       e))
		return -1;
	fprintf(stderr, "pome: %s: %s\n", t->name, name);
	return 0;
}

static void host_close(struct tty *tty)
{
	tty_close(tty);
}

static const struct tty_ops host_ops = {
	.write = tty_write,
	.ready = tty_ready,
	.close = host_close,
};

struct tty *tty_open(const struct tty_conf *c, struct err *e)
{
	struct host_tty *t = calloc(1, sizeof(*t));
	int r = 0;

	if (!t) {
		err_set(e, 0, "out of memory");
		return NULL;
	}
	t->tty.ops = &host_ops;
	t->name = c->name;
	t->loop = c->loop;
	t->where = c->cfg->where;
	t->event = c->event;
	t->arg = c->arg;
	t->in = t->out = -1;
	t->sock = (struct sock)SOCK_NONE;
	switch (t->where) {
	case CFG_TTY_STDIO: r = open_stdio(t, e); break;
	case CFG_TTY_FILE: r = open_file(t, c->cfg->path, c->out, e); break;
	case CFG_TTY_UNIX: r = open_unix(t, c->cfg->path, e); break;
	case CFG_TTY_TCP: r = open_tcp(t, c->cfg->path, e); break;
	case CFG_TTY_PTY: r = open_pty(t, e); break;
	default: break;
	}
	if (r) {
		tty_close(&t->tty);
		return NULL;
	}
	return &t->tty;
}

void tty_start(struct tty *tty)
{
	struct host_tty *t = host(tty);

	if (t->where == CFG_TTY_STDIO && t->terminal &&
	    !tcgetattr(STDIN_FILENO, &term.saved)) {
		term.mode = term.saved;
		cfmakeraw(&term.mode);
		/* Our own messages end in a plain line feed. */
		term.mode.c_oflag |= OPOST;
		term.started = true;
		tty_resume();
	}
	if (t->wpoll)
		watch_at(t->wpoll, loop_now(t->loop, CLOCK_HOST));
	update_events(t);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Up to two seconds for a slow reader; no more, since the guest is gone. What
 * the device still holds follows as there is room. */
static void flush(struct host_tty *t)
{
	struct device *dev = t->tty.dev;
	int64_t start = now_ms();

	t->event = NULL;
	if (dev)
		device_lock(dev);
	while (t->fill && connected(t) && now_ms() - start < 2000) {
		struct pollfd p = { .fd = t->out, .events = POLLOUT };

		poll(&p, 1, 100);
		drain(t);
		if (dev && t->tty.writable && t->fill < OUT_SIZE)
			t->tty.writable(dev);
	}
	if (dev)
		device_unlock(dev);
}

void tty_settle(struct tty *tty)
{
	flush(host(tty));
}

void tty_close(struct tty *tty)
{
	struct host_tty *t = tty ? host(tty) : NULL;
	if (!t)
		return;
	t->tty.dev = NULL;              /* freed already */
	flush(t);
	if (t->where == CFG_TTY_STDIO) {
		tty_restore();
		term.started = false;
	}
	watch_free(t->win);
	watch_free(t->wout);
	watch_free(t->wlisten);
	watch_free(t->wpoll);
	if (is_socket(t) && t->out >= 0)
		close(t->out);
	else if (t->own_out && t->out >= 0)
		close(t->out);
	if (t->own_in)
		close(t->in);
	sock_close(&t->sock);
	free(t);
}

size_t tty_tail(struct tty *tty, char *buf, size_t len)
{
	struct host_tty *t = host(tty);
	size_t have = t->total < TTY_TAIL ? (size_t)t->total : TTY_TAIL;

	if (tty->dev)
		device_lock(tty->dev);
	if (have > len)
		have = len;
	for (size_t i = 0; i < have; i++)
		buf[i] = (char)t->tail[(t->total - have + i) % TTY_TAIL];
	if (tty->dev)
		device_unlock(tty->dev);
	return have;
}

uint64_t tty_out_bytes(struct tty *tty)
{
	uint64_t n;

	if (tty->dev)
		device_lock(tty->dev);
	n = host(tty)->total;
	if (tty->dev)
		device_unlock(tty->dev);
	return n;
}

void tty_winch(struct tty *tty)
{
	struct host_tty *t = host(tty);
	struct winsize ws;

	if (t->where != CFG_TTY_STDIO || !tty->dev ||
	    ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws))
		return;
	device_lock(tty->dev);
	tty->cols = ws.ws_col;
	tty->rows = ws.ws_row;
	if (tty->resized)
		tty->resized(tty->dev, tty->cols, tty->rows);
	device_unlock(tty->dev);
}

bool tty_accepts(const struct tty *tty)
{
	return ((const struct host_tty *)tty)->sock.fd >= 0;
}

int tty_unlink_dir(const struct tty *tty)
{
	return ((const struct host_tty *)tty)->sock.dir;
}
