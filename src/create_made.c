/* The new directory of `pome create`: files in it, long work with a progress
 * line, and all of it gone again after a failure or a signal. create.h.
 *
 * Signals are blocked and asked for between two pieces of work, so there is
 * no handler and no state that one would need. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "create.h"

#define CHUNK (4u << 20)                /* between two looks at signals */
#define SAID 1024                       /* of a program, for the message */

static void signal_set(sigset_t *set)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sigaddset(set, all[i]);
}

int made_begin(struct made *m, struct create *c, struct err *e)
{
	sigset_t set;

	memset(m, 0, sizeof(*m));
	m->c = c;
	m->tty = !c->quiet && isatty(STDERR_FILENO);
	/* A limit on file sizes is an error of write(), not an end. */
	signal(SIGXFSZ, SIG_IGN);
	if (mkdir(c->dir, 0777))
		return err_set(e, errno, "create: %s%s", c->dir,
			       errno == EEXIST ? " (nothing that exists is "
			       "overwritten)" : "");
	m->dir = open(c->dir, O_DIRECTORY | O_CLOEXEC);
	if (m->dir < 0) {
		err_set(e, errno, "create: %s", c->dir);
		rmdir(c->dir);
		return -1;
	}
	signal_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return 0;
}

void made_end(struct made *m, bool keep)
{
	sigset_t set;

	made_progress(m, NULL, 0, 0);
	for (int i = 0; i < m->n; i++) {
		if (!keep)
			unlinkat(m->dir, m->name[i], 0);
		free(m->name[i]);
	}
	close(m->dir);
	if (!keep)
		rmdir(m->c->dir);
	/* One that waits still is not lost: it ends us now. */
	signal_set(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int made_pause(struct made *m, struct err *e)
{
	struct timespec now = { 0 };
	sigset_t set;
	int sig;

	signal_set(&set);
	sig = sigtimedwait(&set, NULL, &now);
	if (sig <= 0)
		return 0;
	m->c->signal = sig;
	return err_set(e, 0, "create: interrupted; what was made of %s is "
		       "removed", m->c->dir);
}

void made_progress(const struct made *m, const char *what, uint64_t done,
		   uint64_t all)
{
	if (!m->tty)
		return;
	if (!what)
		fputs("\r\033[K", stderr);
	else if (all)
		fprintf(stderr, "\r\033[Kpome: %s: %" PRIu64 " of %" PRIu64
			" MiB", what, done >> 20, all >> 20);
	else
		fprintf(stderr, "\r\033[Kpome: %s: %" PRIu64 " s", what, done);
}

int made_adopt(struct made *m, const char *name, struct err *e)
{
	if (m->n == MADE_MAX)
		return err_set(e, 0, "create: more than %d files", MADE_MAX);
	m->name[m->n] = strdup(name);
	if (!m->name[m->n])
		return err_set(e, 0, "out of memory");
	m->n++;
	return 0;
}

int made_file(struct made *m, const char *name, uint64_t size, struct err *e)
{
	int fd = openat(m->dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
			O_NOFOLLOW, 0666);

	if (fd < 0)
		return err_set(e, errno, "create: %s", name);
	if (made_adopt(m, name, e)) {
		unlinkat(m->dir, name, 0);
		close(fd);
		return -1;
	}
	if (ftruncate(fd, (off_t)size)) {
		err_set(e, errno, "create: %s: %" PRIu64 " bytes", name, size);
		close(fd);
		return -1;
	}
	return fd;
}

int made_write(int fd, const char *name, const void *p, size_t n, uint64_t at,
	       struct err *e)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return err_set(e, errno, "create: %s: write", name);
		p = (const char *)p + k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return 0;
}

/* ---- copies --------------------------------------------------------------- */

struct copy {
	struct made *m;
	const char *name;
	int from, to;
	uint64_t done, all;             /* bytes of data, not of holes */
	uint8_t *buf;
};

static int copy_piece(struct copy *c, off_t at, off_t end, struct err *e)
{
	while (at < end) {
		size_t want = end - at < CHUNK ? (size_t)(end - at) : CHUNK;
		ssize_t n = pread(c->from, c->buf, want, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? err_set(e, errno, "create: %s: read",
					   c->name) : 0;
		if (made_write(c->to, c->name, c->buf, (size_t)n, (uint64_t)at,
			       e) || made_pause(c->m, e))
			return -1;
		at += n;
		c->done += (uint64_t)n;
		made_progress(c->m, c->name, c->done, c->all);
	}
	return 0;
}

/* Data only: holes stay holes, where the file system knows them. */
static int copy_data(struct copy *c, off_t size, struct err *e)
{
	off_t at = 0;

	while (at < size) {
		off_t from = lseek(c->from, at, SEEK_DATA), to;

		if (from < 0 && errno == ENXIO)
			return 0;
		if (from < 0)
			from = at;      /* it knows none */
		to = lseek(c->from, from, SEEK_HOLE);
		if (to < 0 || to > size)
			to = size;
		if (copy_piece(c, from, to, e))
			return -1;
		at = to;
	}
	return 0;
}

static int room_for(struct copy *c, struct err *e)
{
	struct statvfs v;

	if (!fstatvfs(c->m->dir, &v) &&
	    (uint64_t)v.f_bavail * v.f_frsize < c->all)
		return err_set(e, 0, "create: %s: %" PRIu64 " MiB, and there "
			       "is room for %" PRIu64 " MiB in %s", c->name,
			       c->all >> 20, (uint64_t)v.f_bavail *
			       v.f_frsize >> 20, c->m->c->dir);
	return 0;
}

int made_copy(struct made *m, const char *from, const char *name, uint64_t size,
	      struct err *e)
{
	struct copy c = { .m = m, .name = name, .to = -1 };
	uint64_t len;
	struct stat st;
	int r = -1;

	c.from = config_open_file(from, O_RDONLY, true, "a file to copy", &len,
				  e);
	if (c.from < 0)
		return -1;
	c.all = fstat(c.from, &st) || !S_ISREG(st.st_mode) ? len :
		(uint64_t)st.st_blocks * 512;
	c.all = c.all < len ? c.all : len;
	c.to = made_file(m, name, len > size ? len : size, e);
	/* The file system may share the blocks: then there is nothing to do. */
	if (c.to >= 0 && !ioctl(c.to, FICLONE, c.from)) {
		r = size > len && ftruncate(c.to, (off_t)size) ?
		    err_set(e, errno, "create: %s", name) : 0;
	} else if (c.to >= 0 && !room_for(&c, e)) {
		c.buf = malloc(CHUNK);
		r = c.buf ? copy_data(&c, (off_t)len, e) :
		    err_set(e, 0, "out of memory");
	}
	free(c.buf);
	if (c.to >= 0 && close(c.to) && !r)
		r = err_set(e, errno, "create: %s", name);
	close(c.from);
	return r;
}

/* ---- other programs ---------------------------------------------------------- */

/* mke2fs is where Debian's users do not look; so are mmdebstrap's helpers. */
static void add_sbin(void)
{
	const char *old = getenv("PATH");
	char *path;

	if (old && asprintf(&path, "%s:/usr/local/sbin:/usr/sbin:/sbin",
			    old) >= 0) {
		setenv("PATH", path, 1);
		free(path);
	}
}

static pid_t spawn(char *const argv[], int out)
{
	sigset_t none;
	pid_t pid = fork();

	if (pid)
		return pid;
	/* A group of its own: the terminal's signals come to us, and we end
	 * all of it. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGXFSZ, SIG_DFL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	close(STDIN_FILENO);
	open("/dev/null", O_RDONLY);
	add_sbin();
	execvp(argv[0], argv);
	_exit(127);
}

/* The last of what a program says, and of its lines the first that apt and
 * mmdebstrap mark as an error: the later ones only follow from it. */
struct said {
	char text[SAID], error[160];
	size_t n;
};

static void find_error(struct said *s)
{
	const char *p = s->text;

	while (p && strncmp(p, "E: ", 3)) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (p && strchr(p, '\n'))
		snprintf(s->error, sizeof(s->error), "%.*s",
			 (int)strcspn(p + 3, "\r\n"), p + 3);
}

/* False: there is no more. */
static bool listen_to(int fd, struct said *s)
{
	ssize_t k;

	if (s->n > SAID / 2) {
		memmove(s->text, s->text + s->n - SAID / 2, SAID / 2);
		s->n = SAID / 2;
	}
	k = read(fd, s->text + s->n, SAID - 1 - s->n);
	if (k > 0)
		s->n += (size_t)k;
	s->text[s->n] = 0;
	if (!*s->error)
		find_error(s);
	return k > 0;
}

/* Why it failed: its first error, else its last line that is no blank. */
static const char *reason(struct said *s)
{
	char *nl;

	if (*s->error)
		return s->error;
	while (s->n && (s->text[s->n - 1] == '\n' || s->text[s->n - 1] == '\r'))
		s->text[--s->n] = 0;
	nl = strrchr(s->text, '\n');
	return nl ? nl + 1 : s->text;
}

/* Time for it to tidy up; who is asked a second time does not wait. */
static void stop_it(struct made *m, pid_t pid)
{
	struct err again;
	int status;

	kill(-pid, SIGTERM);
	while (!waitpid(pid, &status, WNOHANG)) {
		poll(NULL, 0, 100);
		if (made_pause(m, &again))
			kill(-pid, SIGKILL);
	}
}

static int wait_for(struct made *m, pid_t pid, int fd, const char *what,
		    struct said *said, int *status, struct err *e)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	time_t start = time(NULL);
	bool open = true;

	for (;;) {
		if (open && poll(&p, 1, 200) > 0)
			open = listen_to(fd, said);
		if (waitpid(pid, status, open ? WNOHANG : 0) == pid)
			break;
		made_progress(m, what, (uint64_t)(time(NULL) - start), 0);
		if (!made_pause(m, e))
			continue;
		stop_it(m, pid);
		return -1;
	}
	/* its last words, but not those of a child that it left behind */
	while (open && poll(&p, 1, 0) > 0)
		open = listen_to(fd, said);
	return 0;
}

int made_run(struct made *m, char *const argv[], const char *what,
	     struct err *e)
{
	struct said said = { .n = 0 };
	int p[2], status = 0, r;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC))
		return err_set(e, errno, "create: pipe");
	pid = spawn(argv, p[1]);
	close(p[1]);
	r = pid < 0 ? err_set(e, errno, "create: %s", argv[0]) :
	    wait_for(m, pid, p[0], what, &said, &status, e);
	close(p[0]);
	if (r)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, 0, "create: %s is not installed (apt install "
			       "mmdebstrap e2fsprogs qemu-user-static)",
			       argv[0]);
	if (status)
		return err_set(e, 0, "create: %s failed: %.160s", argv[0],
			       reason(&said));
	return 0;
}
