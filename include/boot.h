/* boot.h: kernels and what surrounds them, on their way into guest RAM.
 *
 * All on the main thread, while no vCPU runs; done at start and again at each
 * reset of the guest, from descriptors that stay open. */
#ifndef POME_BOOT_H
#define POME_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct as;
struct config;
struct machine;

/* ---- what a file is, from its first bytes (bundles.md section 5.3) --- */

enum kernel_kind {
	KERNEL_IMAGE,                   /* arm64 Image */
	KERNEL_GZIP, KERNEL_ZSTD,       /* unpack, look again */
	KERNEL_ZBOOT,                   /* EFI zboot: unpack the payload */
	KERNEL_ELF,                     /* A64 ELF, perhaps bare-metal */
	KERNEL_XNU,                     /* Mach-O, IMG4, IM4P, LZFSE, LZSS */
	KERNEL_REFUSE,
};

struct kernel_sniff {
	enum kernel_kind kind;
	const char *code;               /* REFUSE: "kernel-arch"; section 8 */
	char text[300];                 /* REFUSE: what it is, what to try */
	char compression[32];           /* ZBOOT, or of what is refused */
	uint64_t payload_off, payload_size;             /* ZBOOT */
	uint64_t text_offset, image_size;               /* IMAGE */
	uint64_t need;                  /* IMAGE: bytes that the PE header says
					 * the file has; 0: no such header */
	unsigned page;                  /* IMAGE: 0 unknown, 4, 16, 64 KiB */
	bool anywhere;                  /* IMAGE: flags bit 3 */
};

#define KERNEL_HEAD 65536               /* more bytes tell no more */

/* `head` holds the first n bytes of a file of file_size bytes (UINT64_MAX:
 * unknown, because it is unpacked on the way). */
void kernel_sniff(const uint8_t *head, size_t n, uint64_t file_size,
		  struct kernel_sniff *out);

/* ---- loading --------------------------------------------------------- */

struct kernel_loaded {
	bool is_linux;                  /* else bare-metal */
	uint64_t entry;
	uint64_t start, end;            /* guest addresses taken, bss and all */
	char what[120];                 /* "arm64 Image, 4K pages, gzip" */
	const char *code;               /* of a refusal, when -1; may be NULL */
};

/* RAM as the loaders see it. */
struct boot_ram {
	struct as *as;
	uint64_t base, size;            /* the main block */
};

/* Puts the kernel in `fd` where it belongs. A failure names what was found,
 * what was expected and what to try; the caller prefixes the file's name. */
int kernel_load(const struct boot_ram *, int fd, uint64_t size, bool flat,
		struct kernel_loaded *, struct err *);
/* A static A64 ELF, whole in memory (elf.c). */
int elf_load(const struct boot_ram *, const uint8_t *data, size_t len,
	     struct kernel_loaded *, struct err *);

/* Kernel, initial RAM disk, device tree and boot ROM of a machine: loads all
 * and sets the machine's entry point. */
int boot_load(struct machine *, struct err *);
/* An XNU kernel's part of it (xnu.c). */
int xnu_boot(struct machine *, struct err *);

/* What looks wrong with an initial RAM disk's first bytes ("an arm64 kernel",
 * "text"), or NULL. */
const char *initrd_suspect(const uint8_t *head, size_t n);

#endif
