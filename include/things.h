/* things.h: `pome run vmlinuz initrd.img disk.img`: several files, each taken
 * for what its contents say it is. */
#ifndef POME_THINGS_H
#define POME_THINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "err.h"

enum thing { THING_UNKNOWN, THING_BUNDLE, THING_KERNEL, THING_INITRD,
	     THING_DISK, THING_DTB };

#define THING_HEAD 65536u               /* more bytes tell no more */

/* From the first n bytes of a file of `size` bytes; `inside` are the first of
 * what is packed in it, where it is packed with gzip or zstd (ninside 0: it
 * isn't). UNKNOWN: with the reason, that is what it is instead. */
enum thing thing_sniff(const uint8_t *head, size_t n, const uint8_t *inside,
		       size_t ninside, uint64_t size, struct err *);

/* Gives c->bundle and c->more their places among kernel, initrd, disks and
 * device tree; a bundle stays. Nothing to do where there is one thing only:
 * it is a bundle, or inspected as one. */
int things_sort(struct config *, struct err *);

#endif
