/* accel.h: what runs guest instructions: KVM, or the interpreter.
 *
 * The machine above does not know which. An accelerator answers MMIO itself,
 * by as_access() on the vCPU's thread, and PSCI itself (KVM: in the kernel).
 * Registers are named by KVM's encodings (KVM_REG_ARM64 | ...), so state moves
 * between the two and each is the other's oracle. */
#ifndef POME_ACCEL_H
#define POME_ACCEL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "vm.h"

enum vexit {
	VX_KICK,                        /* vm->park was set, or cpu_kick */
	VX_STEP,                        /* one instruction was done, or
					 * v->stop says what came before it */
	VX_FAIL,                        /* cannot go on; vm_request was called */
};

/* Generic view of a vCPU, for post-mortems and tests. */
struct cpu_state {
	uint64_t x[31], sp, pc, pstate;
	uint64_t esr, far, elr, spsr, vbar, sctlr, ttbr0, ttbr1, tcr;
	bool off;                       /* by PSCI, or never started */
	bool idle;                      /* waits in WFI */
	uint64_t insns;                 /* executed, where counted; else 0 */
};

struct accel_ops {
	const char *name;               /* "kvm", "interp" */
	bool step_noirq;                /* knows vm->step_noirq */
	/* Is it usable on this host? -1 with the reason and the remedy. */
	int (*probe)(struct err *);
	/* Will its CPUs have performance monitors, by vm->config and
	 * vm->board? May be NULL: no. */
	bool (*has_pmu)(const struct vm *);
	/* Main thread, before the sandbox; the as has its RAM already. Opens
	 * what it needs and sets vm->intc (interrupt controller included). */
	int (*open)(struct vm *, struct err *);
	int (*cpu_open)(struct vcpu *, struct err *);   /* main thread */
	/* Puts the CPU in its reset state; CPU 0 at vm->entry_pc with x0 =
	 * vm->entry_x0, the others off. All CPUs parked. */
	void (*cpu_reset)(struct vcpu *);
	/* Resets what the accelerator holds beside CPUs (in-kernel GIC,
	 * decoded code). All CPUs parked. */
	void (*reset)(struct vm *);
	/* Runs until kicked, or to one of vm->point. The vCPU's own thread. */
	enum vexit (*cpu_run)(struct vcpu *, bool step);
	void (*cpu_kick)(struct vcpu *);        /* any thread, any time */
	int (*cpu_state)(struct vcpu *, struct cpu_state *);    /* parked */
	/* For the debugger; all CPUs parked, main thread.
	 * cpu_reg: a register by its number (cpu_reg.h), from or to `val`, of
	 * cpu_reg_size(id) bytes. -1: there is none, or not to look at without
	 * an effect, or it does not take that value.
	 * cpu_translate: where the tables of the CPU have va, whatever its
	 * exception level may do there. -1: nowhere.
	 * debug: vm->point has changed. -1: the host has not as many.
	 * code_changed: RAM was written to behind the guest's back. */
	int (*cpu_reg)(struct vcpu *, uint64_t id, bool set, void *val);
	int (*cpu_translate)(struct vcpu *, uint64_t va, uint64_t *gpa);
	int (*debug)(struct vm *, struct err *);
	void (*code_changed)(struct vm *, uint64_t gpa, uint64_t len);
	/* Connects a store of `size` bytes (0: any) to gpa with an eventfd so
	 * that it needs no exit. May be NULL: then as_access serves it. */
	int (*ioeventfd)(struct vm *, uint64_t gpa, unsigned size, int fd,
			 bool add);
	void (*stats)(struct vm *, void (*put)(void *, const char *name,
		      uint64_t), void *arg);
	void (*cpu_close)(struct vcpu *);
	void (*close)(struct vm *);
};

/* Is every feature of --cpu known? Before anything is opened. */
int interp_check_cpu(const struct config *, struct err *);

extern const struct accel_ops accel_interp;
extern const struct accel_ops accel_kvm;        /* aarch64 hosts only */

#endif
