/* The sandbox, in children: allowed work goes on, each forbidden call kills.
 * Skipped where the host cannot confine a process (qemu-user). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox.h"

static struct sandbox sb;
static int page_fd = -1;

static void enter(enum sandbox_kind kind)
{
	struct err e;

	if (sandbox_privs(&sb, &e) || sandbox_process(&sb, &e) ||
	    sandbox_thread(&sb, kind, &e)) {
		dprintf(2, "%s\n", e.msg);
		_exit(99);
	}
}

/* Runs fn confined; what the child ended with: a signal, or -status. */
static int child(enum sandbox_kind kind, void (*fn)(void), bool handler)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit none = { 0, 0 };
		int null = open("/dev/null", O_WRONLY);

		setrlimit(RLIMIT_CORE, &none);
		dup2(null, 2);
		signal(SIGSYS, SIG_DFL);        /* cmocka has its own */
		if (handler)
			sandbox_signals();
		enter(kind);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

/* ---- forbidden ---------------------------------------------------------------- */

static void do_exec(void)
{
	char *argv[] = { (char *)"true", NULL };

	execv("/bin/true", argv);
}

static void do_fork(void)
{
	if (!fork())
		_exit(0);
}

static void do_open(void)
{
	open("/dev/null", O_RDONLY);
}

static void do_creat(void)
{
	creat("/tmp/pome-sandbox-test", 0600);
}

static void do_exec_map(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
	     -1, 0);
}

static void do_exec_protect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static void do_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void do_unix_socket(void)
{
	socket(AF_UNIX, SOCK_STREAM, 0);
}

static void do_ptrace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void do_kill(void)
{
	kill(getppid(), 0);
}

static void do_unlink(void)
{
	unlink("/tmp/pome-sandbox-no-such-file");
}

static void do_rename(void)
{
	rename("/tmp/a-pome", "/tmp/b-pome");
}

static void do_sigaction(void)
{
	signal(SIGSYS, SIG_IGN);
}

static void do_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, (void *(*)(void *))do_open, NULL);
}

static void do_setuid(void)
{
	syscall(SYS_setuid, 1);
}

static void do_tiocsti(void)
{
	syscall(SYS_ioctl, 0, 0x5412, "x");
}

static void do_accept(void)
{
	accept4(0, NULL, NULL, 0);
}

static void do_prctl(void)
{
	prctl(PR_SET_DUMPABLE, 1);
}

static void do_memfd(void)
{
	memfd_create("x", 0);
}

static const struct { const char *name; void (*fn)(void); } forbidden[] = {
	{ "execve", do_exec }, { "fork", do_fork }, { "open", do_open },
	{ "creat", do_creat }, { "mmap PROT_EXEC", do_exec_map },
	{ "mprotect PROT_EXEC", do_exec_protect }, { "socket", do_socket },
	{ "socket unix", do_unix_socket }, { "ptrace", do_ptrace },
	{ "kill", do_kill }, { "unlink", do_unlink },
	{ "rename", do_rename }, { "sigaction", do_sigaction },
	{ "thread", do_thread }, { "setuid", do_setuid },
	{ "TIOCSTI", do_tiocsti }, { "accept", do_accept },
	{ "prctl", do_prctl }, { "memfd", do_memfd },
};

static void kills(void **state)
{
	static const enum sandbox_kind kinds[] = { SANDBOX_LOOP, SANDBOX_VCPU,
						   SANDBOX_BLOCK };

	for (size_t k = 0; k < 3; k++) {
		for (size_t i = 0; i < sizeof(forbidden) /
				       sizeof(forbidden[0]); i++) {
			int r = child(kinds[k], forbidden[i].fn, k == 0);

			if (r != SIGSYS)
				fail_msg("%s, kind %zu: ended with %d",
					 forbidden[i].name, k, r);
		}
	}
}

/* ---- allowed -------------------------------------------------------------------- */

#define MUST(x) do { if (!(x)) _exit(50); } while (0)

static void work(void)
{
	struct timespec t = { 0, 1000000 };
	uint8_t buf[64] = "data";
	struct stat st;
	char *p;

	p = malloc(1 << 20);
	MUST(p);
	memset(p, 1, 1 << 20);
	p = realloc(p, 4 << 20);
	MUST(p);
	free(p);
	p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(p != MAP_FAILED);
	MUST(!mprotect(p, 4096, PROT_READ));
	MUST(!munmap(p, 65536));
	MUST(pwrite(page_fd, buf, 64, 0) == 64);
	MUST(pread(page_fd, buf, 64, 0) == 64);
	MUST(!fstat(page_fd, &st));
	MUST(!clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL));
	MUST(!clock_gettime(CLOCK_REALTIME, &t));
	MUST(write(2, "", 0) == 0);
}

static void block_work(void)
{
	work();
	MUST(!fdatasync(page_fd));
	MUST(!fallocate(page_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			0, 4096) || errno == EOPNOTSUPP);
}

static void nothing(void)
{
}

static void goes_on(void **state)
{
	assert_int_equal(child(SANDBOX_VCPU, work, false), 0);
	assert_int_equal(child(SANDBOX_BLOCK, block_work, false), 0);
	assert_int_equal(child(SANDBOX_LOOP, block_work, false), 0);
	assert_int_equal(child(SANDBOX_LOOP, nothing, false), 0);
}

static void inet_work(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	MUST(fd >= 0);
	close(fd);
	/* libslirp may try to read resolv.conf again: refused, not killed */
	MUST(open("/etc/resolv.conf", O_RDONLY) < 0);
}

static void user_net(void **state)
{
	sb.user_net = true;
	assert_int_equal(child(SANDBOX_LOOP, inet_work, false), 0);
	assert_int_equal(child(SANDBOX_LOOP, do_unix_socket, false), SIGSYS);
	assert_int_equal(child(SANDBOX_VCPU, do_socket, false), SIGSYS);
	assert_int_equal(child(SANDBOX_BLOCK, do_socket, false), SIGSYS);
	assert_int_equal(child(SANDBOX_VCPU, do_open, false), SIGSYS);
	sb.user_net = false;
}

static void accept_work(void)
{
	accept4(page_fd, NULL, NULL, 0);        /* no socket: ENOTSOCK */
	MUST(errno == ENOTSOCK);
}

static char dir[] = "/tmp/pome-sandbox-XXXXXX";

static void unlink_work(void)
{
	MUST(!unlinkat(sb.unlink_dir[0], "sock", 0));
}

static void unlink_elsewhere(void)
{
	unlinkat(AT_FDCWD, "/tmp/pome-sandbox-no-such-file", 0);
}

static void sockets(void **state)
{
	char path[64];

	sb.accept = true;
	assert_int_equal(child(SANDBOX_LOOP, accept_work, false), 0);
	sb.accept = false;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	close(creat(path, 0600));
	sb.unlink_dir[0] = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(child(SANDBOX_LOOP, unlink_work, false), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(child(SANDBOX_LOOP, unlink_elsewhere, false),
			 SIGSYS);
	close(sb.unlink_dir[0]);
	sb.unlink_dir[0] = -1;
	rmdir(dir);
}

static void status_file(void **state)
{
	static const char *const want[] = { "CapEff:\t0000000000000000",
					    "CapPrm:\t0000000000000000",
					    "NoNewPrivs:\t1" };
	char text[4096];
	int p[2];
	pid_t pid;

	/* Read by the parent: the child cannot open it any more. */
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (!pid) {
		enter(SANDBOX_LOOP);
		MUST(write(p[1], "x", 1) == 1);
		for (;;)
			work();
	}
	assert_int_equal(read(p[0], text, 1), 1);
	{
		char path[64];
		ssize_t n;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		fd = open(path, O_RDONLY);
		n = read(fd, text, sizeof(text) - 1);
		assert_true(n > 0);
		text[n] = 0;
		close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(p[0]);
	close(p[1]);
	for (size_t i = 0; i < 3; i++)
		if (!strstr(text, want[i]))
			fail_msg("no %s", want[i]);
}

static void off(void **state)
{
	sb.on = false;
	assert_int_equal(child(SANDBOX_LOOP, do_open, false), 0);
	sb.on = true;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills), cmocka_unit_test(goes_on),
		cmocka_unit_test(user_net), cmocka_unit_test(sockets),
		cmocka_unit_test(status_file), cmocka_unit_test(off),
	};
	struct err e;

	sb.on = true;
	for (int i = 0; i < SANDBOX_DIRS; i++)
		sb.unlink_dir[i] = -1;
	if (sandbox_probe(&e)) {
		printf("skipped: %s\n", e.msg);
		return 0;
	}
	page_fd = memfd_create("file", MFD_CLOEXEC);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
