/* vm.h: a running machine as the accelerators see it. */
#ifndef POME_VM_H
#define POME_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "host.h"

#define VM_MAX_CPUS 32
#define VM_CNTFRQ 24000000u             /* Hz; spec/vmapple.md section 1.5 */

struct accel_ops;
struct as;
struct board;
struct intc;
struct loop;
struct trace;
struct vm;

/* Why a vCPU asked the whole machine to do something. First one wins. */
enum vm_event { VM_NONE, VM_OFF, VM_RESET, VM_PANIC, VM_CRASH, VM_FAIL,
		VM_TIMEOUT, VM_SIGNAL, VM_QUIT };

/* ---- the debugger's part (gdb.h) ------------------------------------- */

/* Where the debugger wants CPUs to stop: before an instruction, or before an
 * access to any byte of the range. By guest-virtual address. */
enum { POINT_BREAK = 0, POINT_WRITE = 1, POINT_READ = 2, POINT_ACCESS = 3 };
struct vm_point { uint64_t addr, len; uint8_t kind; };
#define VM_MAX_POINTS 64

/* Why a CPU has stopped for it; addr: of the breakpoint, or what was going to
 * be accessed. */
enum vstop { STOP_NONE, STOP_STEP, STOP_BREAK, STOP_WATCH };
struct vcpu_stop { enum vstop kind; uint8_t point; uint64_t addr; };

struct vcpu {
	struct vm *vm;
	unsigned index;
	uint64_t mpidr;                 /* affinity bits; section 1.3 */
	void *priv;                     /* the accelerator's */
	pthread_t thread;
	bool started;
	/* All CPUs parked, or the CPU's own thread. */
	bool hold;                      /* stands still while others run */
	bool step;                      /* runs one instruction */
	struct vcpu_stop stop;
};

/* Built by vm.c; fields above the line are constant while vCPUs run. */
struct vm {
	const struct accel_ops *accel;
	void *priv;                     /* the accelerator's */
	struct as *as;
	struct loop *loop;
	struct intc *intc;              /* made by the accelerator's open */
	const struct config *config;
	struct trace *trace;            /* of --trace; NULL: none */
	const struct board *board;
	unsigned ncpus;
	struct vcpu cpu[VM_MAX_CPUS];
	uint64_t entry_pc, entry_x0;    /* CPU 0 at reset */
	/* Hz of the counter that guests read. The accelerator may set another
	 * in its open: KVM's is the host's. */
	uint64_t cntfrq;
	/* For --clock=insn: waits until disks, posts and the GUEST timers that
	 * are due have nothing left to do, so that what devices do falls
	 * between two instructions. False: the vCPU is to park first. Its
	 * thread, no lock held. */
	bool (*settle)(struct vm *);
	/* All CPUs parked: who writes them calls accel->debug. */
	struct vm_point point[VM_MAX_POINTS];
	unsigned npoints;
	bool step_noirq;                /* no interrupts while stepping */
	/* ---- */
	_Atomic bool park;              /* cpu_run must return soon */
	_Atomic int event;              /* enum vm_event */
};

/* Asks for the machine-wide event (power off, reset, ...), from any thread;
 * every vCPU is kicked and the loop woken. Only the first is kept. `why` is
 * for the post-mortem, may be NULL. */
void vm_request(struct vm *, enum vm_event, const char *why);

#endif
