/* kvm.c: the accelerator for aarch64 hosts with KVM.
 *
 * Linux, Documentation/virt/kvm/api.rst. The kernel has the CPUs, the GICv3,
 * the timers and PSCI; what leaves it are accesses to devices, the machine's
 * end, and kicks.
 *
 * A kick is immediate_exit and then a signal: the first stops a CPU that is on
 * its way into KVM_RUN, the second one that is inside. Nobody but the CPU's own
 * thread clears immediate_exit, and only after KVM_RUN has given EINTR; so a
 * kick is seen late, but never lost. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "accel.h"
#include "as.h"
#include "kvm.h"
#include "loop.h"

/* With this version macOS starts its other CPUs (spec/vmapple.md 1.3). */
#define PSCI_1_1 0x10001u
#define CORE_X0 (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
		 KVM_REG_ARM_CORE_REG(regs.regs[0]))
#define KICK_SIGNAL SIGRTMIN
#define STUCK_NS 1000000000u            /* how often to look for stuck CPUs */
#define IPA_DEFAULT 40                  /* what machine type 0 means */

int kvm_ioctl(int fd, unsigned long request, const void *arg)
{
	int r;

	do {
		r = ioctl(fd, request, arg);
	} while (r < 0 && errno == EINTR);
	return r;
}

static int kvm_cap(int fd, int cap)
{
	int r = ioctl(fd, KVM_CHECK_EXTENSION, (long)cap);

	return r < 0 ? 0 : r;
}

/* ---- what the host has ----------------------------------------------------- */

static int open_dev(struct err *e)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return err_set(e, errno, "/dev/kvm (the host's kernel has no "
			       "KVM, or was not started at EL2; try --accel "
			       "interp)");
	case EACCES:
	case EPERM:
		return err_set(e, errno, "/dev/kvm (try: usermod -aG kvm with "
			       "your user name, and log in again)");
	}
	return err_set(e, errno, "/dev/kvm");
}

static int check_caps(int fd, struct err *e)
{
	static const struct { int cap; const char *name; } need[] = {
		{ KVM_CAP_USER_MEMORY, "user memory" },
		{ KVM_CAP_ONE_REG, "single registers" },
		{ KVM_CAP_ARM_PSCI_0_2, "PSCI 0.2" },
		{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
		{ KVM_CAP_DEVICE_CTRL, "device control" },
		{ KVM_CAP_IRQCHIP, "an interrupt controller" },
		{ KVM_CAP_MP_STATE, "CPU states" },
	};
	int api = ioctl(fd, KVM_GET_API_VERSION, 0);

	if (api != 12)
		return err_set(e, 0, "/dev/kvm: API version %d, not 12: not "
			       "the KVM of an arm64 Linux", api);
	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++)
		if (!kvm_cap(fd, need[i].cap))
			return err_set(e, 0, "/dev/kvm: this kernel's KVM "
				       "lacks %s (a newer kernel, or --accel "
				       "interp)", need[i].name);
	return 0;
}

/* A VM whose addresses have at least `bits` bits, or -1. */
static int make_vm(int fd, unsigned bits, struct err *e)
{
	unsigned most = (unsigned)kvm_cap(fd, KVM_CAP_ARM_VM_IPA_SIZE);
	unsigned long type = 0;
	int vm;

	if (!most)
		most = IPA_DEFAULT;     /* the kernel knows only type 0 */
	if (bits > most)
		return err_set(e, 0, "this host's VMs have addresses of %u "
			       "bits, and %u are needed (try less --memory)",
			       most, bits);
	if (bits > IPA_DEFAULT)
		type = bits;
	else if (most < IPA_DEFAULT)
		type = most;            /* some hosts have 36 */
	do {
		vm = ioctl(fd, KVM_CREATE_VM, type);
	} while (vm < 0 && errno == EINTR);
	return vm < 0 ? err_set(e, errno, "KVM: making a VM") : vm;
}

static int kvm_probe(struct err *e)
{
	int fd = open_dev(e), vm, r = -1;

	if (fd < 0)
		return -1;
	if (!check_caps(fd, e)) {
		vm = make_vm(fd, 32, e);
		if (vm >= 0) {
			r = kvm_gic_probe(vm) ? 0 :
			    err_set(e, 0, "/dev/kvm: no GICv3 for guests: the "
				    "host has an older interrupt controller "
				    "(try --accel interp)");
			close(vm);
		}
	}
	close(fd);
	return r;
}

/* ---- the VM ------------------------------------------------------------------ */

static void on_kick(int sig)
{
	/* that it comes is all */
}

static void kick(struct kvm_cpu *c)
{
	__atomic_store_n(&c->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (c->v->started)
		pthread_kill(c->v->thread, KICK_SIGNAL);
}

static int open_signal(struct err *e)
{
	struct sigaction sa = { .sa_handler = on_kick, .sa_flags = SA_RESTART };
	sigset_t set;

	/* Threads made from here on have it open; KVM_RUN is what it ends,
	 * and nothing else (SA_RESTART). */
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	if (sigaction(KICK_SIGNAL, &sa, NULL) ||
	    pthread_sigmask(SIG_UNBLOCK, &set, NULL))
		return err_set(e, errno, "the signal that stops CPUs");
	return 0;
}

static int add_memory(struct kvm *k, struct err *e)
{
	int n;
	const struct ram *r = as_rams(k->vm->as, &n);

	for (int i = 0; i < n; i++) {
		struct kvm_userspace_memory_region m = {
			.slot = (uint32_t)i, .guest_phys_addr = r[i].gpa,
			.flags = r[i].rom ? KVM_MEM_READONLY : 0,
			.memory_size = r[i].size,
			.userspace_addr = (uintptr_t)r[i].host,
		};

		if (kvm_ioctl(k->vm_fd, KVM_SET_USER_MEMORY_REGION, &m))
			return err_set(e, errno, "KVM: %s of %" PRIu64 " MiB",
				       r[i].name, r[i].size >> 20);
	}
	return 0;
}

static unsigned address_bits(const struct vm *vm)
{
	unsigned bits = 32;
	int n;
	const struct ram *r = as_rams(vm->as, &n);

	for (int i = 0; i < n; i++)
		while (bits < 64 && (r[i].gpa + r[i].size - 1) >> bits)
			bits++;
	return bits;
}

static void open_caps(struct kvm *k)
{
	struct kvm_enable_cap nisv = { .cap = KVM_CAP_ARM_NISV_TO_USER };

	k->has_ioeventfd = kvm_cap(k->vm_fd, KVM_CAP_IOEVENTFD) &&
			   kvm_cap(k->vm_fd, KVM_CAP_IOEVENTFD_ANY_LENGTH);
	k->has_pauth = kvm_cap(k->vm_fd, KVM_CAP_ARM_PTRAUTH_ADDRESS) &&
		       kvm_cap(k->vm_fd, KVM_CAP_ARM_PTRAUTH_GENERIC);
	k->has_debug = kvm_cap(k->vm_fd, KVM_CAP_SET_GUEST_DEBUG);
	k->hw_breaks = (unsigned)kvm_cap(k->vm_fd, KVM_CAP_GUEST_DEBUG_HW_BPS);
	k->hw_watches = (unsigned)kvm_cap(k->vm_fd, KVM_CAP_GUEST_DEBUG_HW_WPS);
	/* Without it such an access ends KVM_RUN with ENOSYS (run_failed). */
	if (kvm_cap(k->vm_fd, KVM_CAP_ARM_NISV_TO_USER))
		kvm_ioctl(k->vm_fd, KVM_ENABLE_CAP, &nisv);
}

static void kvm_close(struct vm *vm)
{
	struct kvm *k = vm->priv;

	if (!k)
		return;
	watch_free(k->stuck_watch);
	if (k->gic_fd >= 0)
		close(k->gic_fd);
	if (k->vm_fd >= 0)
		close(k->vm_fd);
	if (k->fd >= 0)
		close(k->fd);
	pthread_cond_destroy(&k->hold_cond);
	pthread_mutex_destroy(&k->hold_lock);
	pthread_mutex_destroy(&k->irq_lock);
	free(k);
	vm->priv = NULL;
	vm->intc = NULL;
}

static void on_stuck_timer(void *arg);

static int open_vm(struct kvm *k, struct err *e)
{
	unsigned most;

	k->fd = open_dev(e);
	if (k->fd < 0 || check_caps(k->fd, e))
		return -1;
	k->vm_fd = make_vm(k->fd, address_bits(k->vm), e);
	if (k->vm_fd < 0)
		return -1;
	most = (unsigned)kvm_cap(k->vm_fd, KVM_CAP_MAX_VCPUS);
	if (most && k->vm->ncpus > most)
		return err_set(e, 0, "this host's VMs have at most %u CPUs, "
			       "not %u (try --cpus %u)", most, k->vm->ncpus,
			       most);
	k->run_size = ioctl(k->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (k->run_size < (int)sizeof(struct kvm_run))
		return err_set(e, 0, "KVM: no CPU state of %d bytes",
			       k->run_size);
	open_caps(k);
	__asm__("mrs %0, cntfrq_el0" : "=r"(k->vm->cntfrq));
	kvm_apple_open(k);
	if (add_memory(k, e) || kvm_gic_open(k, e) || open_signal(e))
		return -1;
	if (loop_timer(k->vm->loop, CLOCK_HOST, NULL, on_stuck_timer, k,
		       &k->stuck_watch, e))
		return -1;
	watch_at(k->stuck_watch, loop_now(k->vm->loop, CLOCK_HOST) + STUCK_NS);
	return 0;
}

static int kvm_open(struct vm *vm, struct err *e)
{
	struct kvm *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(e, ENOMEM, "KVM");
	k->vm = vm;
	k->fd = k->vm_fd = k->gic_fd = -1;
	pthread_mutex_init(&k->irq_lock, NULL);
	pthread_mutex_init(&k->hold_lock, NULL);
	pthread_cond_init(&k->hold_cond, NULL);
	vm->priv = k;
	if (open_vm(k, e)) {
		kvm_close(vm);
		return -1;
	}
	vm->intc = &k->intc;
	return 0;
}

/* ---- CPUs -------------------------------------------------------------------- */

/* The first time it makes the CPU's kind, later it resets the CPU; the kernel
 * wants to hear the same features each time. */
static int init_cpu(struct kvm_cpu *c)
{
	struct kvm_vcpu_init init;

	if (kvm_ioctl(c->k->vm_fd, KVM_ARM_PREFERRED_TARGET, &init))
		return -1;
	init.features[0] = 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (c->v->index)
		init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	if (c->k->has_pauth)
		init.features[0] |= 1u << KVM_ARM_VCPU_PTRAUTH_ADDRESS |
				    1u << KVM_ARM_VCPU_PTRAUTH_GENERIC;
	return kvm_ioctl(c->fd, KVM_ARM_VCPU_INIT, &init);
}

static void kvm_cpu_close(struct vcpu *v)
{
	struct kvm_cpu *c = v->priv;

	if (!c)
		return;
	if (c->run)
		munmap(c->run, (size_t)c->k->run_size);
	if (c->fd >= 0)
		close(c->fd);
	c->k->cpu[v->index] = NULL;
	v->priv = NULL;
	free(c);
}

/* KVM counts 16 CPUs in Aff0, since its GIC takes SGIs for no more. */
static void take_affinity(struct vcpu *v, uint64_t mpidr)
{
	if (mpidr != v->mpidr && v->index == 16)
		log_msg(LOG_WARN, "KVM gives CPU 16 and up the affinity 1.x, "
			"and macOS looks at the last number alone (try "
			"--cpus 16, or --accel interp)");
	v->mpidr = mpidr;
}

static int open_cpu(struct kvm_cpu *c, struct err *e)
{
	struct kvm *k = c->k;
	uint64_t mpidr, psci;
	void *run;

	c->fd = ioctl(k->vm_fd, KVM_CREATE_VCPU, (long)c->v->index);
	if (c->fd < 0)
		return err_set(e, errno, "KVM: making the CPU");
	run = mmap(NULL, (size_t)k->run_size, PROT_READ | PROT_WRITE,
		   MAP_SHARED, c->fd, 0);
	if (run == MAP_FAILED)
		return err_set(e, errno, "KVM: mapping the CPU");
	c->run = run;
	if (init_cpu(c))
		return err_set(e, errno, "KVM: starting the CPU");
	if (kvm_get(c, KVM_SYSREG(3, 0, 0, 0, 5), &mpidr))
		return err_set(e, errno, "KVM: the CPU's MPIDR");
	take_affinity(c->v, mpidr & 0xff00ffffff);
	if (!kvm_get(c, KVM_REG_ARM_PSCI_VERSION, &psci) && psci > PSCI_1_1)
		kvm_set(c, KVM_REG_ARM_PSCI_VERSION, PSCI_1_1);
	kvm_apple_cpu(c);
	if (c->v->index + 1 == k->vm->ncpus)
		return kvm_gic_init(k, e);
	return 0;
}

static int kvm_cpu_open(struct vcpu *v, struct err *e)
{
	struct kvm *k = v->vm->priv;
	struct kvm_cpu *c = calloc(1, sizeof(*c));

	if (!c)
		return err_set(e, ENOMEM, "KVM: a CPU");
	c->k = k;
	c->v = v;
	c->fd = -1;
	v->priv = c;
	k->cpu[v->index] = c;
	if (open_cpu(c, e)) {
		kvm_cpu_close(v);
		return -1;
	}
	return 0;
}

static void kvm_cpu_reset(struct vcpu *v)
{
	struct kvm_cpu *c = v->priv;
	char why[96];

	c->run->exit_reason = KVM_EXIT_UNKNOWN; /* what it waited for is off */
	if (init_cpu(c)) {
		snprintf(why, sizeof(why), "KVM: reset of cpu%u: %s", v->index,
			 strerror(errno));
		vm_request(v->vm, VM_FAIL, why);
		return;
	}
	if (v->index)
		return;
	kvm_set_pc(c, v->vm->entry_pc);
	kvm_set(c, CORE_X0, v->vm->entry_x0);
}

static void kvm_reset(struct vm *vm)
{
	kvm_gic_reset(vm->priv);
}

static void kvm_cpu_kick(struct vcpu *v)
{
	kick(v->priv);
}

/* ---- CPUs that hold each other -------------------------------------------------- */

/* Dekker's pattern: a CPU says it is inside, then looks for a holder; a holder
 * says so, then looks for CPUs inside. One of them sees the other. */
static void enter(struct kvm_cpu *c)
{
	struct kvm *k = c->k;

	atomic_store(&c->inside, true);
	if (!atomic_load(&k->holding))
		return;
	atomic_store(&c->inside, false);
	pthread_mutex_lock(&k->hold_lock);
	pthread_cond_broadcast(&k->hold_cond);
	while (atomic_load(&k->holding))
		pthread_cond_wait(&k->hold_cond, &k->hold_lock);
	/* Holders begin under the lock, so now none can. */
	atomic_store(&c->inside, true);
	pthread_mutex_unlock(&k->hold_lock);
}

static void leave(struct kvm_cpu *c)
{
	struct kvm *k = c->k;

	atomic_store(&c->inside, false);
	if (!atomic_load(&k->holding))
		return;
	pthread_mutex_lock(&k->hold_lock);
	pthread_cond_broadcast(&k->hold_cond);
	pthread_mutex_unlock(&k->hold_lock);
}

void kvm_hold(struct kvm_cpu *c)
{
	struct kvm *k = c->k;

	pthread_mutex_lock(&k->hold_lock);
	while (atomic_load(&k->holding))        /* one at a time */
		pthread_cond_wait(&k->hold_cond, &k->hold_lock);
	atomic_store(&k->holding, 1);
	for (unsigned i = 0; i < k->vm->ncpus; i++) {
		if (k->cpu[i] == c || !atomic_load(&k->cpu[i]->inside))
			continue;
		kick(k->cpu[i]);
		while (atomic_load(&k->cpu[i]->inside))
			pthread_cond_wait(&k->hold_cond, &k->hold_lock);
	}
	pthread_mutex_unlock(&k->hold_lock);
}

void kvm_release(struct kvm_cpu *c)
{
	struct kvm *k = c->k;

	pthread_mutex_lock(&k->hold_lock);
	atomic_store(&k->holding, 0);
	pthread_cond_broadcast(&k->hold_cond);
	pthread_mutex_unlock(&k->hold_lock);
}

/* ---- CPUs that are stuck ---------------------------------------------------- */

/* Where neither the next instruction nor the vector of the exception that it
 * brings is in RAM, KVM goes round for ever and says nothing: the abort is
 * the kernel's to inject. So a CPU that works a whole second without
 * leaving the kernel once has a look at itself. One that is off has a pc of 0
 * and no vectors, and nothing to complain of: it was its thread that worked. */
static void look(struct kvm_cpu *c)
{
	struct kvm_mp_state mp;
	struct kvm_tables t;
	uint64_t pc, vbar, pstate, vector;
	uint32_t insn;
	char why[160];

	if (kvm_ioctl(c->fd, KVM_GET_MP_STATE, &mp) ||
	    mp.mp_state == KVM_MP_STATE_STOPPED ||
	    kvm_tables(c, &t) || kvm_get_pc(c, &pc) ||
	    kvm_get(c, KVM_VBAR_EL1, &vbar) || kvm_get_pstate(c, &pstate))
		return;
	vector = vbar + (!(pstate & 0xc) ? 0x400 : pstate & 1 ? 0x200 : 0);
	if (kvm_fetch(&t, pc, &insn) != WALK_FAULT ||
	    kvm_fetch(&t, vector, &insn) != WALK_FAULT)
		return;
	snprintf(why, sizeof(why), "cpu%u: no usable exception vector: pc 0x%"
		 PRIx64 " and VBAR_EL1 0x%" PRIx64 " are not in RAM",
		 c->v->index, pc, vbar);
	vm_request(c->k->vm, VM_CRASH, why);
}

static uint64_t cpu_time(const struct vcpu *v)
{
	struct timespec t;
	clockid_t clock;

	if (!v->started || pthread_getcpuclockid(v->thread, &clock) ||
	    clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void on_stuck_timer(void *arg)
{
	struct kvm *k = arg;

	for (unsigned i = 0; i < k->vm->ncpus; i++) {
		struct kvm_cpu *c = k->cpu[i];
		uint64_t exits, ns;

		if (!c)
			continue;
		exits = atomic_load(&c->n_exits);
		ns = cpu_time(c->v);
		if (exits == c->seen_exits && ns - c->seen_ns > STUCK_NS / 4) {
			atomic_store(&c->look, true);
			kick(c);
		}
		c->seen_exits = exits;
		c->seen_ns = ns;
	}
	watch_at(k->stuck_watch, loop_now(k->vm->loop, CLOCK_HOST) + STUCK_NS);
}

/* ---- running -------------------------------------------------------------------- */

static enum vexit fail(struct kvm_cpu *c, enum vm_event ev, const char *what,
		       const char *detail)
{
	uint64_t pc = 0;
	char why[200];

	kvm_get_pc(c, &pc);
	snprintf(why, sizeof(why), "cpu%u: KVM: %s (%s) at pc 0x%" PRIx64,
		 c->v->index, what, detail, pc);
	vm_request(c->k->vm, ev, why);
	return VX_FAIL;
}

static enum vexit run_failed(struct kvm_cpu *c, int no)
{
	if (no == ENOSYS)
		return fail(c, VM_CRASH, "an access to a device without a "
			    "syndrome", "this host's kernel cannot pass it "
			    "on; try --accel interp");
	return fail(c, VM_FAIL, "KVM_RUN", strerror(no));
}

static enum vexit system_event(struct kvm_cpu *c)
{
	struct vm *vm = c->k->vm;

	switch (c->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		vm_request(vm, VM_OFF, "PSCI SYSTEM_OFF");
		return VX_KICK;
	case KVM_SYSTEM_EVENT_RESET:
		vm_request(vm, VM_RESET, "PSCI SYSTEM_RESET");
		return VX_KICK;
	}
	return fail(c, VM_CRASH, "system event", "of an unknown kind");
}

/* True: go on in the guest; else *out is how cpu_run ends. */
static bool serve(struct kvm_cpu *c, enum vexit *out)
{
	uint32_t reason = c->run->exit_reason;
	char text[32];

	c->n_reason[reason < KVM_NREASONS ? reason : 0]++;
	switch (reason) {
	case KVM_EXIT_MMIO:
		kvm_mmio(c);
		return true;
	case KVM_EXIT_HYPERCALL:
		kvm_apple_call(c);
		return true;
	case KVM_EXIT_ARM_NISV:
		*out = VX_FAIL;
		return kvm_nisv(c);
	case KVM_EXIT_SYSTEM_EVENT:
		*out = system_event(c);
		return false;
	case KVM_EXIT_DEBUG:
		kvm_debug_exit(c);
		*out = VX_STEP;
		return false;
	case KVM_EXIT_INTR:
		return true;
	}
	snprintf(text, sizeof(text), "reason %u", reason);
	*out = fail(c, VM_FAIL, "an exit nobody asked for", text);
	return false;
}

static enum vexit run(struct kvm_cpu *c)
{
	enum vexit out = VX_KICK;

	for (;;) {
		int r, no;

		/* One more turn, which the guest does not notice, completes
		 * the load that was served last. */
		if (atomic_load(&c->k->vm->park))
			__atomic_store_n(&c->run->immediate_exit, 1,
					 __ATOMIC_SEQ_CST);
		enter(c);
		r = ioctl(c->fd, KVM_RUN, 0);
		no = errno;
		leave(c);
		atomic_store_explicit(&c->n_exits,
				      atomic_load_explicit(&c->n_exits,
							   memory_order_relaxed)
				      + 1, memory_order_relaxed);
		if (r < 0 && no == EINTR) {
			__atomic_store_n(&c->run->immediate_exit, 0,
					 __ATOMIC_SEQ_CST);
			c->n_kicks++;
			if (atomic_exchange(&c->look, false))
				look(c);
			return VX_KICK;
		}
		if (r < 0 && no == EAGAIN)
			continue;
		if (r < 0)
			return run_failed(c, no);
		if (!serve(c, &out))
			return out;
	}
}

static enum vexit kvm_cpu_run(struct vcpu *v, bool step)
{
	struct kvm_cpu *c = v->priv;

	/* A fetch from elsewhere gives no exit; the CPU would spin. */
	if (!v->index && !as_find_ram(v->vm->as, v->vm->entry_pc, 4))
		return fail(c, VM_CRASH, "the entry point is not in RAM",
			    "wrong load address?");
	if (kvm_debug_apply(c, step))
		return fail(c, VM_FAIL, "breakpoints and steps",
			    strerror(errno));
	return run(c);
}

static int kvm_ioeventfd(struct vm *vm, uint64_t gpa, unsigned size, int fd,
			 bool add)
{
	struct kvm *k = vm->priv;
	struct kvm_ioeventfd io = {
		.addr = gpa, .len = size, .fd = fd,
		.flags = add ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	return k->has_ioeventfd ? kvm_ioctl(k->vm_fd, KVM_IOEVENTFD, &io) : -1;
}

static void kvm_stats(struct vm *vm,
		      void (*put)(void *, const char *, uint64_t), void *arg)
{
	static const char *const name[KVM_NREASONS] = {
		[0] = "exits_other", [KVM_EXIT_MMIO] = "exits_mmio",
		[KVM_EXIT_HYPERCALL] = "exits_hypercall",
		[KVM_EXIT_ARM_NISV] = "exits_no_syndrome",
		[KVM_EXIT_SYSTEM_EVENT] = "exits_system_event",
		[KVM_EXIT_DEBUG] = "exits_debug",
	};
	struct kvm *k = vm->priv;
	uint64_t exits = 0, kicks = 0, loads = 0, stores = 0;
	uint64_t reason[KVM_NREASONS] = { 0 };

	for (unsigned i = 0; i < vm->ncpus; i++) {
		const struct kvm_cpu *c = k->cpu[i];

		if (!c)
			continue;
		exits += atomic_load(&c->n_exits);
		kicks += c->n_kicks;
		loads += c->n_loads;
		stores += c->n_stores;
		for (int r = 0; r < KVM_NREASONS; r++)
			reason[name[r] ? r : 0] += c->n_reason[r];
	}
	put(arg, "exits", exits);
	put(arg, "exits_kick", kicks);
	for (int r = 0; r < KVM_NREASONS; r++)
		if (name[r])
			put(arg, name[r], reason[r]);
	put(arg, "mmio", loads + stores);
	put(arg, "mmio_loads", loads);
	put(arg, "mmio_stores", stores);
	pthread_mutex_lock(&k->irq_lock);
	put(arg, "irq_changes", k->n_lines);
	put(arg, "msis", k->n_msis);
	put(arg, "msis_dropped", k->n_msis_dropped);
	pthread_mutex_unlock(&k->irq_lock);
}

const struct accel_ops accel_kvm = {
	.name = "kvm",
	.probe = kvm_probe,
	.open = kvm_open,
	.cpu_open = kvm_cpu_open,
	.cpu_reset = kvm_cpu_reset,
	.reset = kvm_reset,
	.cpu_run = kvm_cpu_run,
	.cpu_kick = kvm_cpu_kick,
	.cpu_state = kvm_state,
	.cpu_reg = kvm_cpu_reg,
	.cpu_translate = kvm_translate,
	.debug = kvm_debug,
	.code_changed = kvm_code_changed,
	.ioeventfd = kvm_ioeventfd,
	.stats = kvm_stats,
	.cpu_close = kvm_cpu_close,
	.close = kvm_close,
};
