/* kvm.h: what the files of the KVM accelerator share.
 *
 * kvm.c has the VM, its CPUs and the run loop; kvm_gic.c the in-kernel GICv3;
 * kvm_regs.c registers by name; kvm_debug.c what the debugger wants; kvm_walk.c
 * the guest's own translation; kvm_insn.c the decoder of loads and stores;
 * kvm_mmio.c accesses that leave the kernel; kvm_apple.c what vmapple guests
 * want beyond that. aarch64 hosts only. */
#ifndef POME_KVM_H
#define POME_KVM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "irq.h"
#include "log.h"
#include "machine.h"
#include "vm.h"

#define KVM_NINTIDS 1020                /* of the architecture */
#define KVM_NREASONS 40                 /* exit reasons counted by number */

struct kvm {
	struct intc intc;               /* first: irq_set comes back by it */
	struct vm *vm;
	int fd, vm_fd, gic_fd;          /* -1: not open */
	int run_size;                   /* of struct kvm_run's mapping */
	bool has_ioeventfd, has_pauth, has_debug;
	unsigned hw_breaks, hw_watches; /* registers for the debugger */
	unsigned debug_gen;             /* counts changes; all parked */
	struct kvm_cpu *cpu[VM_MAX_CPUS];

	/* Wires as the kernel has them, so that it is told of changes only. */
	pthread_mutex_t irq_lock;
	uint32_t level[(KVM_NINTIDS + 31) / 32];
	uint64_t n_lines, n_msis, n_msis_dropped;       /* irq_lock */

	/* One CPU may hold the others out of KVM_RUN (kvm_hold). */
	_Atomic unsigned holding;
	pthread_mutex_t hold_lock;
	pthread_cond_t hold_cond;

	struct log_limit log_hole;
	struct watch *stuck_watch;
};

struct kvm_cpu {
	struct kvm *k;
	struct vcpu *v;
	int fd;
	struct kvm_run *run;
	/* what KVM_SET_GUEST_DEBUG was told last; own thread */
	unsigned debug_gen;
	bool stepping;
	_Atomic bool inside;            /* in KVM_RUN, or about to be */
	/* The main thread's watch over CPUs that leave the guest no more. */
	_Atomic bool look;              /* the CPU shall look at itself */
	_Atomic uint64_t n_exits;
	uint64_t seen_exits, seen_ns;   /* main thread */
	/* Own thread; others read them while it is parked. */
	uint64_t n_reason[KVM_NREASONS], n_kicks, n_loads, n_stores;
};

/* ioctl that EINTR does not end. */
int kvm_ioctl(int fd, unsigned long request, const void *arg);
/* Keeps every other CPU out of KVM_RUN until kvm_release: some calls of the
 * kernel's GIC want that. The CPU's own thread, outside KVM_RUN. */
void kvm_hold(struct kvm_cpu *);
void kvm_release(struct kvm_cpu *);

/* ---- kvm_gic.c ---------------------------------------------------------- */

/* Main thread: makes it before the CPUs; sets it going after the last. */
int kvm_gic_open(struct kvm *, struct err *);
int kvm_gic_init(struct kvm *, struct err *);
/* All CPUs parked: registers as after power-on. */
void kvm_gic_reset(struct kvm *);
/* Is it there? A test that makes nothing. */
bool kvm_gic_probe(int vm_fd);
bool kvm_gic_holds(const struct kvm *, uint64_t gpa);
/* An access that the kernel would not serve, 1, 2, 4 or 8 bytes, aligned. The
 * CPU's own thread, outside KVM_RUN. False: the kernel refused. */
bool kvm_gic_access(struct kvm_cpu *, uint64_t gpa, bool write, unsigned size,
		    uint64_t *val);

/* ---- kvm_regs.c --------------------------------------------------------- */

struct cpu_state;

/* A register of 64 bits by its KVM_REG_ARM64 number. Own thread, or parked. */
int kvm_get(const struct kvm_cpu *, uint64_t id, uint64_t *val);
int kvm_set(struct kvm_cpu *, uint64_t id, uint64_t val);
/* x0 to x30 and, as 31, the stack pointer in use. */
int kvm_get_x(const struct kvm_cpu *, unsigned n, uint64_t *val);
int kvm_set_x(struct kvm_cpu *, unsigned n, uint64_t val);
int kvm_get_v(const struct kvm_cpu *, unsigned n, uint8_t val[16]);
int kvm_set_v(struct kvm_cpu *, unsigned n, const uint8_t val[16]);
int kvm_get_pc(const struct kvm_cpu *, uint64_t *val);
int kvm_set_pc(struct kvm_cpu *, uint64_t val);
/* Moves on to the next instruction. */
int kvm_next_pc(struct kvm_cpu *);
int kvm_get_pstate(const struct kvm_cpu *, uint64_t *val);
int kvm_state(struct vcpu *, struct cpu_state *);

#define KVM_SYSREG(op0, op1, crn, crm, op2) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | \
	 (uint64_t)(op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define KVM_SCTLR_EL1 KVM_SYSREG(3, 0, 1, 0, 0)
#define KVM_TTBR0_EL1 KVM_SYSREG(3, 0, 2, 0, 0)
#define KVM_TTBR1_EL1 KVM_SYSREG(3, 0, 2, 0, 1)
#define KVM_TCR_EL1 KVM_SYSREG(3, 0, 2, 0, 2)
#define KVM_ESR_EL1 KVM_SYSREG(3, 0, 5, 2, 0)
#define KVM_FAR_EL1 KVM_SYSREG(3, 0, 6, 0, 0)
#define KVM_VBAR_EL1 KVM_SYSREG(3, 0, 12, 0, 0)

/* ---- kvm_debug.c -------------------------------------------------------- */

/* accel.h's, for the debugger. */
int kvm_cpu_reg(struct vcpu *, uint64_t id, bool set, void *val);
int kvm_translate(struct vcpu *, uint64_t va, uint64_t *gpa);
int kvm_debug(struct vm *, struct err *);
void kvm_code_changed(struct vm *, uint64_t gpa, uint64_t len);
/* Before KVM_RUN and after KVM_EXIT_DEBUG: own thread. */
int kvm_debug_apply(struct kvm_cpu *, bool step);
void kvm_debug_exit(struct kvm_cpu *);

/* ---- kvm_walk.c --------------------------------------------------------- */

/* What translation depends on, read once for several walks. */
struct kvm_tables {
	uint64_t sctlr, tcr, ttbr[2];
	struct as *as;
};

enum kvm_walk { WALK_OK, WALK_FAULT, WALK_UNKNOWN };

int kvm_tables(const struct kvm_cpu *, struct kvm_tables *);
/* Where va is, by the guest's tables and without their permissions: the access
 * has passed them already. UNKNOWN: a form that is not understood here. */
enum kvm_walk kvm_walk(const struct kvm_tables *, uint64_t va, uint64_t *gpa);
/* The instruction at va: WALK_FAULT where there is no RAM. */
enum kvm_walk kvm_fetch(const struct kvm_tables *, uint64_t va, uint32_t *insn);

/* ---- kvm_insn.c --------------------------------------------------------- */

/* A load or store, taken to pieces. */
struct kvm_insn {
	bool load, simd;
	bool sext, to64;                /* sign-extends, to 64 bits */
	bool wback, post;               /* base changes; after the access */
	bool by_reg;                    /* offset: Rm extended and shifted */
	uint8_t size;                   /* of an element: 1 << size, 0 to 4 */
	uint8_t n;                      /* elements: 1 to 4 */
	uint8_t rt[4], rn, rm;
	uint8_t extend, shift;          /* the option field; by_reg */
	int64_t off;                    /* !by_reg */
};

/* False: no load or store that is known here. */
bool kvm_insn(uint32_t word, struct kvm_insn *);

/* ---- kvm_mmio.c --------------------------------------------------------- */

/* KVM_EXIT_MMIO and KVM_EXIT_ARM_NISV. The latter returns false where it
 * could not do it; vm_request was called then. */
void kvm_mmio(struct kvm_cpu *);
bool kvm_nisv(struct kvm_cpu *);

/* ---- kvm_apple.c -------------------------------------------------------- */

/* Main thread, after the VM is made and before a CPU runs: asks for Apple's
 * hypercalls where the guest is to see Apple's CPU, and says what this host
 * cannot do for it. kvm_apple_cpu: the rest, which needs a CPU. */
void kvm_apple_open(struct kvm *);
void kvm_apple_cpu(struct kvm_cpu *);
/* KVM_EXIT_HYPERCALL. The CPU's own thread. */
void kvm_apple_call(struct kvm_cpu *);

#endif
