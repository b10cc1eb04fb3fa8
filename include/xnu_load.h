/* xnu_load.h: an XNU kernel into RAM, with all that a boot loader hands over:
 * device tree, trust cache, RAM disk, boot_args (spec/vmapple.md section 8.8).
 * Built into the boot ROM and into pome; the files are hostile. */
#ifndef POME_XNU_LOAD_H
#define POME_XNU_LOAD_H

#include "bytes.h"
#include "macho.h"

#define XNU_CPUS 32

struct xnu_machine {
	uint64_t ram_base, ram_size;
	unsigned cpus;                  /* at most XNU_CPUS */
	uint32_t affinity[XNU_CPUS];    /* of each in MPIDR, Aff2:Aff1:Aff0 */
	uint64_t ecid;
	uint32_t chip, board;
	uint8_t mac[4][6];              /* en0, en1, wifi0, bt0; zeros: none */
	const char *serial, *model;
	uint8_t seed[64];               /* random, not all zero */
	uint64_t timebase;              /* CNTFRQ_EL0 of the guest, Hz */
};

struct xnu_file {                       /* unpacked; n 0: there is none */
	const uint8_t *p;
	size_t n;
};

struct xnu_in {
	struct xnu_file kernel;         /* a Mach-O */
	struct xnu_file tree;           /* none: one is built */
	struct xnu_file trust, ramdisk;
	const char *command_line;
	const struct xnu_machine *machine;
	/* The machine's RAM from ram_base on: what may be written to, of
	 * ram_size bytes. None of the files lies in it. */
	uint8_t *ram;
	uint64_t room;
	uint8_t *work;                  /* XNU_TREE_MAX bytes */
};

#define XNU_TREE_MAX (2u << 20)

struct xnu_out {
	uint64_t entry, boot_args;      /* physical */
	uint64_t start, end;            /* physical, of all that was placed */
	uint64_t tree, trust, ramdisk;  /* physical; 0: none */
	uint64_t virt_base, phys_base;
	unsigned line_size;             /* 608 or 1024 */
	struct macho kernel;
};

/* NULL, or what is wrong; RAM may have been written to then. */
const char *xnu_load(const struct xnu_in *, struct xnu_out *);

#endif
