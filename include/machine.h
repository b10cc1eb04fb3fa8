/* machine.h: a machine that has been built from a board (board.h).
 *
 * Everything here is the main thread's, but for what vm.h says about struct
 * vm. */
#ifndef POME_MACHINE_H
#define POME_MACHINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "board.h"
#include "config.h"
#include "device.h"
#include "diagnose.h"
#include "dma.h"
#include "err.h"
#include "outfile.h"
#include "sandbox.h"
#include "seed.h"
#include "vm.h"

#define MACHINE_MAX_DEVS 48

struct machine {
	struct vm vm;                   /* first */
	struct config *config;          /* the caller's */
	struct loop *loop;
	struct as *as;
	struct dma dma;
	struct sandbox sandbox;
	/* Board devices in table order, then PCI functions in slot order. */
	struct device *dev[MACHINE_MAX_DEVS];
	int ndevs;
	unsigned pci_slots;                     /* taken, from slot 1 on */
	char pci_id[MACHINE_MAX_DEVS][16];      /* "disk0", "net0" */
	struct device *uart, *gpio, *pcie;
	struct tty *serial, *console;           /* console may be NULL */
	struct gdb *gdb;                        /* of --gdb; may be NULL */
	struct tty *usb;                        /* of --usb-device; may be NULL */
	int display_fd;                         /* of --display; -1: none */
	int nnets;
	struct net *net[CFG_MAX_NETS];          /* NULL: unplugged */
	struct blk_pool *pool;                  /* NULL: no disks */
	int pool_threads;
	struct blk *disk[CFG_MAX_DISKS];
	int ndisks;
	struct blk *vars;                       /* --efi-vars; may be NULL */
	bool vars_keep;                         /* changes go there */
	bool accel_open;
	unsigned ncpus_open;
	struct seed seed_fdt, seed_firmware;
	int stats_fd;                           /* -1: none */
	struct outfiles out;                    /* until the start */
	char booted[120];                       /* what kernel_load found */
	/* vm.c */
	pthread_mutex_t park_lock;
	pthread_cond_t parked, unpark;
	unsigned nparked;
	unsigned pauses;                /* vm_pause; main thread */
	/* Where a CPU's stop for the debugger is told; loop's thread. */
	void (*on_stop)(void *arg);
	void *on_stop_arg;
	bool quit;                      /* vCPU threads: end */
	bool go;                        /* vCPU threads: the sandbox is set */
	unsigned nconfined;
	struct err thread_err;
	bool thread_failed;
	pthread_mutex_t why_lock;
	char why[256];                  /* of the event */
	int signal;                     /* of VM_SIGNAL */
	int signal_fd;
	struct watch *signal_watch, *timeout_watch, *quiet_watch;
	struct watch *stuck_watch;
	uint64_t resets;
	unsigned quick_resets;          /* in a row, QUICK_NS apart at most */
	uint64_t t_reset, t_first;      /* the last; the first of that row */
	bool quiet_said;
	uint64_t printed;               /* when it was looked at last */
	bool stuck_seen;                /* what is printed was looked at */
	int npcs;                       /* of CPU 0 while it is silent */
	uint64_t pcs[EVIDENCE_PCS];
	uint64_t t_start, t_run, t_end; /* CLOCK_HOST, ns */
};

/* Builds everything `config` (checked and opened) asks for: RAM, accelerator,
 * back ends, devices. Drops privileges once the last file is open. */
struct machine *machine_new(struct config *, struct err *);
/* Only the board's devices, without an accelerator or anything of the host's:
 * enough for the device tree. */
struct machine *machine_new_bare(struct config *, struct err *);
void machine_free(struct machine *);

/* machine_disk.c, for machine_new: the images, while files may still be opened
 * by name; then, with privileges gone, the threads that do their I/O. */
int machine_open_disks(struct machine *, struct err *);
int machine_start_disks(struct machine *, struct err *);

/* All vCPUs parked: devices, accelerator and CPUs back to power-on, images
 * loaded afresh. */
int machine_reset(struct machine *, struct err *);
/* All vCPUs parked for good: devices hand over what they hold back, and what
 * the guest printed is written out. */
void machine_settle(struct machine *);
/* The address of one of its network cards. */
void machine_mac(const struct machine *, int card, uint8_t mac[6]);
/* One line a window and block of RAM, in address order. */
void machine_print_map(struct machine *, void (*line)(void *, const char *),
		       void *arg);

/* ---- device tree (fdt.c) ---------------------------------------------- */

struct fdt_boot {
	const char *bootargs;
	uint64_t initrd, initrd_end;    /* 0, 0: none */
	bool seeds;                     /* kaslr-seed and rng-seed */
	struct seed *seed;              /* from there; NULL: the host's */
};

#define MACHINE_FDT_SIZE (2u << 20)     /* what Linux accepts at most */

/* Writes the generated tree to buf; *len is its size. */
int machine_fdt(struct machine *, const struct fdt_boot *, void *buf,
		size_t size, size_t *len, struct err *);
/* Puts /chosen of a tree that the user gave right, in a buffer of `size`. */
int machine_fdt_patch(const struct fdt_boot *, bool bootargs, void *buf,
		      size_t size, struct err *);

/* ---- running (vm.c) --------------------------------------------------- */

/* Why the machine ended, for the exit status and the post-mortem. */
struct vm_end {
	enum vm_event event;
	int signal;                     /* VM_SIGNAL */
	char why[256];                  /* may be empty */
};

/* Starts the vCPU threads and closes the sandbox; they wait parked. */
int vm_start(struct machine *, struct err *);
/* Runs until the machine ends; every vCPU is parked then. */
int vm_run(struct machine *, struct vm_end *, struct err *);
/* Ends the threads. Called by machine_free as well. */
void vm_stop(struct machine *);
/* Main thread: park waits until no vCPU runs guest code. */
void vm_park(struct machine *);
void vm_unpark(struct machine *);
/* Main thread: stops the machine for a person: as vm_park, but it holds until
 * vm_resume, whoever parks and unparks in between, and GUEST time stands still.
 * They nest. */
void vm_pause(struct machine *);
void vm_resume(struct machine *);
/* A vCPU's thread: v->stop is set. Every CPU parks; m->on_stop is called. */
void vm_stopped(struct vcpu *);
bool vm_settle(struct vm *);            /* vm.settle */
const char *vm_event_name(enum vm_event);

/* vcpu.c: the body of a vCPU's thread; arg is its struct vcpu. */
void *vcpu_main(void *arg);

/* ---- after the end --------------------------------------------------- */

/* What happened, in words, on standard error (postmortem.c). */
void postmortem(struct machine *, const struct vm_end *);
/* A guest that resets itself in a circle, while it does. All vCPUs parked. */
void postmortem_resets(struct machine *, double seconds);
/* Once the guest says nothing more: if a panic is where it ended, tells so,
 * and why. All vCPUs parked. */
void postmortem_stuck(struct machine *);
/* The kernel's panic message in what the guest printed, or NULL. */
char *postmortem_panic(const char *tail, size_t len);
/* --stats: writes the counters to m->stats_fd (stats.c). */
int stats_write(struct machine *, const struct vm_end *, struct err *);

#endif
