/* Confines the process: no_new_privs, capabilities (libcap-ng), Landlock,
 * seccomp (libseccomp). The order of calls is in sandbox.h.
 *
 * The default action is a trap, not a plain kill: the call is refused all the
 * same, and the handler gives the terminal back and says which call it was
 * before it lets SIGSYS end the process. A filter can no longer change the
 * handler (rt_sigaction is not listed), and where SIGSYS is blocked the kernel
 * kills without it. */
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

#include "outfile.h"
#include "sandbox.h"
#include "tty.h"

#define HINT " (this host cannot confine the process; try --sandbox off)"

/* ---- what a signal of our own says ------------------------------------- */

static void say(const char *s)
{
	if (write(STDERR_FILENO, s, strlen(s)) < 0)
		return;                 /* nobody to tell */
}

static void say_number(uint64_t v, unsigned base)
{
	char buf[24];
	char *p = buf + sizeof(buf);

	*--p = 0;
	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	say(p);
}

#if defined(__x86_64__)
static uint64_t pc_of(const ucontext_t *u)
{
	return (uint64_t)u->uc_mcontext.gregs[REG_RIP];
}
#elif defined(__aarch64__)
static uint64_t pc_of(const ucontext_t *u)
{
	return u->uc_mcontext.pc;
}
#else
static uint64_t pc_of(const ucontext_t *u)
{
	return 0;
}
#endif

extern char __executable_start[], etext[];

static void say_where(const void *context)
{
	uint64_t pc = pc_of(context), base = (uintptr_t)__executable_start;
	bool own = pc >= base && pc < (uintptr_t)etext;

	say(own ? " at pome+0x" : " in a library, at 0x");
	say_number(own ? pc - base : pc, 16);
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	tty_restore();
	say("\npome: error: sandbox: system call ");
	say_number((uint64_t)(unsigned)info->si_syscall, 10);
	say(" is not allowed here");
	say_where(context);
	say("; please report it with this line (ausyscall names the call; "
	    "--sandbox off goes round it)\n");
	/* SA_RESETHAND: this one is for the kernel */
	syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
}

static void on_crash(int sig, siginfo_t *info, void *context)
{
	tty_restore();
	say("\npome: error: a fault of pome's own: signal ");
	say_number((uint64_t)sig, 10);
	say(", address 0x");
	say_number((uint64_t)(uintptr_t)info->si_addr, 16);
	say_where(context);
	say("; please report it with this line, the command line and the "
	    "output of pome version\n");
	_exit(70);
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction old, sa = {
		.sa_sigaction = fn,
		.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER,
	};

	/* A sanitizer's own handler says more than ours. */
	if (!sigaction(sig, NULL, &old) && old.sa_handler == SIG_DFL)
		sigaction(sig, &sa, NULL);
}

void sandbox_signals(void)
{
	handle(SIGSYS, on_sigsys);
	handle(SIGSEGV, on_crash);
	handle(SIGBUS, on_crash);
	handle(SIGILL, on_crash);
	handle(SIGFPE, on_crash);
	handle(SIGABRT, on_crash);
}

/* ---- privileges --------------------------------------------------------- */

int sandbox_landlock(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0,
			 LANDLOCK_CREATE_RULESET_VERSION);

	return v > 0 ? (int)v : 0;
}

static int may_remove(int ruleset, int dir, struct err *e)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_REMOVE_FILE,
		.parent_fd = dir,
	};

	return dir >= 0 && syscall(SYS_landlock_add_rule, ruleset,
				   LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ?
	       err_set(e, errno, "sandbox: Landlock rule") : 0;
}

/* Nothing in the file system may be opened, made or removed by name any more,
 * but sockets and output files of our own removed; the filters forbid the
 * latter once the machine starts. A second wall behind them, and like them it
 * holds for every thread made after. */
static int landlock(const struct sandbox *s, struct err *e)
{
	struct landlock_ruleset_attr attr = {
		/* all rights of the first version: bits 0 to 12 */
		.handled_access_fs = (1u << 13) - 1,
	};
	int abi = sandbox_landlock(), fd, r = 0;

	if (!abi)
		return 0;
	if (abi >= 2)
		attr.handled_access_fs |= 1u << 13;     /* refer */
	if (abi >= 3)
		attr.handled_access_fs |= 1u << 14;     /* truncate */
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return err_set(e, errno, "sandbox: Landlock ruleset");
	for (int i = 0; i < SANDBOX_DIRS && !r; i++)
		r = may_remove(fd, s->unlink_dir[i], e);
	for (int i = 0; s->undo && i < s->undo->n && !r; i++)
		r = may_remove(fd, s->undo->file[i].dir, e);
	if (!r && syscall(SYS_landlock_restrict_self, fd, 0))
		r = err_set(e, errno, "sandbox: Landlock");
	close(fd);
	return r;
}

static int drop_caps(struct err *e)
{
	capng_clear(CAPNG_SELECT_BOTH);
	/* The bounding set needs CAP_SETPCAP; without it there is nothing
	 * that an execve could gain anyway (no_new_privs). */
	if (capng_apply(CAPNG_SELECT_BOUNDS) &&
	    capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		return err_set(e, 0, "sandbox: cannot drop the bounding set"
			       HINT);
	if (capng_apply(CAPNG_SELECT_CAPS))
		return err_set(e, 0, "sandbox: cannot drop capabilities" HINT);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return 0;
}

int sandbox_probe(struct err *e)
{
	uint32_t action = SECCOMP_RET_TRAP;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0)
		return err_set(e, 0, "sandbox: no_new_privs: %s" HINT,
			       strerror(errno));
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action))
		return err_set(e, 0, "sandbox: seccomp: %s" HINT,
			       strerror(errno));
	return 0;
}

int sandbox_privs(const struct sandbox *s, struct err *e)
{
	if (!s->on)
		return 0;
	if (sandbox_probe(e))
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(e, 0, "sandbox: no_new_privs: %s" HINT,
			       strerror(errno));
	if (drop_caps(e))
		return -1;
	return landlock(s, e);
}

/* ---- filters ------------------------------------------------------------ */

/* What every thread needs: memory without PROT_EXEC (below), descriptors that
 * are open already, waiting, time, and an end. Device code may run on any
 * thread, so it may wake the loop and change what it watches. */
static const char *const any_calls[] = {
	"read", "write", "readv", "writev", "close",
	"pread64", "pwrite64", "preadv", "pwritev",
	"futex", "futex_time64", "sched_yield", "membarrier",
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
	"gettimeofday", "time",
	"munmap", "madvise", "mremap", "brk", "mincore",
	"rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	"rseq", "set_robust_list", "getpid", "gettid", "getcpu",
	"sched_getaffinity", "getrandom",
	"epoll_ctl", "timerfd_settime",
	"exit", "exit_group", NULL,
};

static const char *const block_calls[] = {
	"fsync", "fdatasync", "sync_file_range", "fallocate", "lseek",
	"preadv2", "pwritev2", "fadvise64", NULL,
};

static const char *const loop_calls[] = {
	"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll",
	"timerfd_gettime", "fsync", "fdatasync", "fallocate", "lseek",
	"fcntl", "getrusage", "shutdown", "recvfrom", "sendto", "recvmsg",
	"sendmsg", NULL,
};

/* libslirp: sockets for the guest's connections (their family is checked
 * below), and a look at /etc/resolv.conf's date now and then. */
static const char *const user_net_calls[] = {
	"connect", "bind", "listen", "accept", "accept4", "setsockopt",
	"getsockopt", "getsockname", "getpeername", "stat", "newfstatat",
	"statx", "select", "pselect6", NULL,
};

/* What nobody may, whichever filter a thread has, or if it has none. */
static const char *const never_calls[] = {
	"execve", "execveat", "fork", "vfork", "clone", "clone3", "ptrace",
	"process_vm_readv", "process_vm_writev", "pidfd_open", "pidfd_getfd",
	"open", "openat", "openat2", "creat", "open_by_handle_at", "mknod",
	"mknodat", "link", "linkat", "symlink", "symlinkat", "rename",
	"renameat", "renameat2", "unlink", "rmdir", "mkdir", "mkdirat",
	"chmod", "fchmodat", "chown", "fchownat", "mount", "umount2",
	"pivot_root", "chroot", "setns", "unshare", "bpf", "perf_event_open",
	"userfaultfd", "io_uring_setup", "memfd_create", "memfd_secret",
	"init_module", "finit_module", "kexec_load", "keyctl", "add_key",
	"request_key", "setuid", "setgid", "setresuid", "setresgid",
	"socketpair", "personality", "modify_ldt", "rt_sigaction",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo", "process_madvise",
	"pkey_mprotect", "remap_file_pages", NULL,
};

/* One rule; a call that this architecture lacks is no rule. */
static int rule(scmp_filter_ctx f, uint32_t action, const char *name,
		unsigned n, const struct scmp_arg_cmp *cmp)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr < 0)
		return 0;
	return seccomp_rule_add_array(f, action, nr, n, cmp);
}

static int rules(scmp_filter_ctx f, uint32_t action, const char *const *names)
{
	int r = 0;

	for (; *names && !r; names++)
		r = rule(f, action, *names, 0, NULL);
	return r;
}

static int rule_eq(scmp_filter_ctx f, const char *name, unsigned arg,
		   uint64_t val)
{
	struct scmp_arg_cmp c = SCMP_CMP(arg, SCMP_CMP_EQ, val, 0);

	return rule(f, SCMP_ACT_ALLOW, name, 1, &c);
}

static int rule_mask(scmp_filter_ctx f, uint32_t action, const char *name,
		     unsigned arg, uint64_t mask, uint64_t val)
{
	struct scmp_arg_cmp c = SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, val);

	return rule(f, action, name, 1, &c);
}

static int memory_rules(scmp_filter_ctx f)
{
	int r = rule_mask(f, SCMP_ACT_ALLOW, "mmap", 2, PROT_EXEC, 0);

	if (!r)
		r = rule_mask(f, SCMP_ACT_ALLOW, "mprotect", 2, PROT_EXEC, 0);
	return r;
}

/* fstat by another name, and signals to nobody but ourselves. */
static int self_rules(scmp_filter_ctx f)
{
	int r = rule(f, SCMP_ACT_ALLOW, "fstat", 0, NULL);

	if (!r)
		r = rule_mask(f, SCMP_ACT_ALLOW, "newfstatat", 3,
			      AT_EMPTY_PATH, AT_EMPTY_PATH);
	if (!r)
		r = rule_eq(f, "tgkill", 0, (uint64_t)getpid());
	return r;
}

/* KVM's calls, by type and number. Written out, since <linux/kvm.h> has only
 * those of the architecture that it is for. */
enum {
	KVM_CALL_IRQ_LINE = 0xae61,
	KVM_CALL_IOEVENTFD = 0xae79,
	KVM_CALL_RUN = 0xae80,
	KVM_CALL_GET_MP_STATE = 0xae98,
	KVM_CALL_SET_GUEST_DEBUG = 0xae9b,
	KVM_CALL_GET_ONE_REG = 0xaeab,
	KVM_CALL_SET_ONE_REG = 0xaeac,
	KVM_CALL_ARM_VCPU_INIT = 0xaeae,
	KVM_CALL_ARM_PREFERRED_TARGET = 0xaeaf,
	KVM_CALL_SET_DEVICE_ATTR = 0xaee1,
	KVM_CALL_GET_DEVICE_ATTR = 0xaee2,
};

/* A vCPU runs and serves its exits; the loop resets and looks; devices, on any
 * thread, have wires and doorbells. Nobody makes a CPU, maps memory into the
 * guest or moves the GIC any more. */
static int kvm_rules(scmp_filter_ctx f, enum sandbox_kind kind)
{
	static const unsigned any[] = { KVM_CALL_IRQ_LINE, KVM_CALL_IOEVENTFD };
	static const unsigned regs[] = {
		KVM_CALL_GET_ONE_REG, KVM_CALL_SET_ONE_REG,
		KVM_CALL_GET_DEVICE_ATTR, KVM_CALL_SET_DEVICE_ATTR,
		KVM_CALL_GET_MP_STATE,
	};
	static const unsigned vcpu[] = { KVM_CALL_RUN,
					 KVM_CALL_SET_GUEST_DEBUG };
	static const unsigned loop[] = {
		KVM_CALL_ARM_VCPU_INIT, KVM_CALL_ARM_PREFERRED_TARGET,
	};
	const struct { const unsigned *call; size_t n; bool on; } list[] = {
		{ any, sizeof(any) / sizeof(any[0]), true },
		{ regs, sizeof(regs) / sizeof(regs[0]),
		  kind != SANDBOX_BLOCK },
		{ vcpu, sizeof(vcpu) / sizeof(vcpu[0]),
		  kind == SANDBOX_VCPU },
		{ loop, sizeof(loop) / sizeof(loop[0]),
		  kind == SANDBOX_LOOP },
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		for (size_t k = 0; list[i].on && k < list[i].n && !r; k++)
			r = rule_mask(f, SCMP_ACT_ALLOW, "ioctl", 1, 0xffff,
				      list[i].call[k]);
	return r;
}

/* KVM's; a terminal's mode and size; readiness of sockets; discard on block
 * devices. TIOCSTI and the like stay out. */
static int ioctl_rules(scmp_filter_ctx f, enum sandbox_kind kind)
{
	static const unsigned tty[] = { TCGETS, TCSETS, TCSETSW, TIOCGWINSZ,
					FIONREAD, FIONBIO };
	static const unsigned block[] = { BLKDISCARD, BLKZEROOUT, BLKFLSBUF };
	int r = kvm_rules(f, kind);

	for (size_t i = 0; i < sizeof(tty) / sizeof(tty[0]) && !r; i++)
		r = rule_eq(f, "ioctl", 1, tty[i]);
	for (size_t i = 0; kind != SANDBOX_VCPU && !r &&
			   i < sizeof(block) / sizeof(block[0]); i++)
		r = rule_eq(f, "ioctl", 1, block[i]);
	return r;
}

static int loop_rules(scmp_filter_ctx f, const struct sandbox *s)
{
	int r = rules(f, SCMP_ACT_ALLOW, loop_calls);

	if (!r)
		r = rules(f, SCMP_ACT_ALLOW, block_calls);
	if (!r && s->accept)
		r = rule(f, SCMP_ACT_ALLOW, "accept4", 0, NULL);
	for (int i = 0; i < SANDBOX_DIRS && !r; i++) {
		if (s->unlink_dir[i] < 0)
			continue;
		r = rule_eq(f, "unlinkat", 0, (uint64_t)s->unlink_dir[i]);
		if (!r && !s->user_net)
			r = rule_eq(f, "newfstatat", 0,
				    (uint64_t)s->unlink_dir[i]);
	}
	if (r || !s->user_net)
		return r;
	r = rules(f, SCMP_ACT_ALLOW, user_net_calls);
	if (!r)
		r = rule_eq(f, "socket", 0, AF_INET);
	if (!r)
		r = rule_eq(f, "socket", 0, AF_INET6);
	/* When resolv.conf changes libslirp wants to read it again: it keeps
	 * the name server it has. */
	if (!r)
		r = rule(f, SCMP_ACT_ERRNO(EACCES), "openat", 0, NULL);
	if (!r)
		r = rule(f, SCMP_ACT_ERRNO(EACCES), "open", 0, NULL);
	return r;
}

static int load(scmp_filter_ctx f, bool tsync, int r, struct err *e)
{
	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
				     SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, tsync);
	if (!r)
		r = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* Refused calls in the kernel's log too, where it can. */
	seccomp_attr_set(f, SCMP_FLTATR_CTL_LOG, 1);
	if (!r)
		r = seccomp_load(f);
	seccomp_release(f);
	return r ? err_set(e, 0, "sandbox: seccomp filter: %s" HINT,
			   strerror(-r)) : 0;
}

int sandbox_process(const struct sandbox *s, struct err *e)
{
	scmp_filter_ctx f;
	int r = 0;

	if (!s->on)
		return 0;
	f = seccomp_init(SCMP_ACT_ALLOW);
	if (!f)
		return err_set(e, 0, "sandbox: out of memory");
	for (const char *const *n = never_calls; *n && !r; n++)
		if (!s->user_net || (strcmp(*n, "openat") &&
				     strcmp(*n, "open")))
			r = rule(f, SCMP_ACT_TRAP, *n, 0, NULL);
	if (!r)
		r = rule_mask(f, SCMP_ACT_TRAP, "mmap", 2, PROT_EXEC,
			      PROT_EXEC);
	if (!r)
		r = rule_mask(f, SCMP_ACT_TRAP, "mprotect", 2, PROT_EXEC,
			      PROT_EXEC);
	return load(f, true, r, e);
}

int sandbox_thread(const struct sandbox *s, enum sandbox_kind kind,
		   struct err *e)
{
	scmp_filter_ctx f;
	int r;

	if (!s->on)
		return 0;
	f = seccomp_init(SCMP_ACT_TRAP);
	if (!f)
		return err_set(e, 0, "sandbox: out of memory");
	r = rules(f, SCMP_ACT_ALLOW, any_calls);
	if (!r)
		r = memory_rules(f);
	/* A rule without conditions swallows one with: not both. */
	if (!r)
		r = kind == SANDBOX_LOOP && s->user_net ?
		    rule_eq(f, "tgkill", 0, (uint64_t)getpid()) :
		    self_rules(f);
	if (!r)
		r = ioctl_rules(f, kind);
	if (!r && kind == SANDBOX_BLOCK)
		r = rules(f, SCMP_ACT_ALLOW, block_calls);
	if (!r && kind == SANDBOX_LOOP)
		r = loop_rules(f, s);
	return load(f, false, r, e);
}
