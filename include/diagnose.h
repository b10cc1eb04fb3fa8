/* diagnose.h: from what is known of a guest that ended, or hangs, to the reason
 * and the next step (design/cli.md, Messages; bundles.md section 6).
 *
 * A function of its evidence and nothing else, so each conclusion has a unit
 * test. What is not known is 0. */
#ifndef POME_DIAGNOSE_H
#define POME_DIAGNOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm.h"

#define EVIDENCE_PCS 8

struct evidence {
	enum vm_event event;            /* how it ended; NONE: it runs */
	double seconds;                 /* that it ran since its last reset */
	uint64_t resets;
	/* What it printed: the last of it, and all consoles' bytes ever. */
	const char *text;
	size_t len;
	uint64_t printed;
	/* What it was given. */
	bool is_linux;                  /* a Linux kernel, started directly */
	const char *append;             /* its command line, or NULL */
	bool initrd, hvc;               /* hvc: a virtio console is there */
	bool serial_null;               /* the serial port leads nowhere */
	/* A boot ROM was started, not a kernel: where it is; size 0: none. */
	uint64_t rom_base, rom_size;
	bool mac, aux;                  /* its board is vmapple; has a store */
	int disks;
	uint64_t ram;                   /* bytes */
	uint64_t ram_base;
	/* What it did: accesses of devices. A driver of the UART has written
	 * to it; a probe for it only reads. */
	uint64_t uart, uart_writes, console, others;
	/* CPU 0. */
	bool cpu;                       /* the rest is known */
	bool idle, mmu;
	unsigned el;
	uint64_t pc, esr, far;
	/* Where it was, once a second while it was silent. */
	int npcs;
	uint64_t pcs[EVIDENCE_PCS];
};

struct diagnosis {
	const char *code;               /* "root-missing" */
	char why[420];                  /* a sentence without its full stop */
	char next[420];                 /* what to do, the same */
};

/* False: nothing that is known. */
bool diagnose(const struct evidence *, struct diagnosis *);
/* What was printed ends with the line by which a Linux kernel says that it has
 * panicked and stays where it is (without panic=). Some other text that
 * mentions a panic, in a log that a live guest shows, is not at the end. */
bool diagnose_stuck(const char *text, size_t len);

#endif
