/* disk_sniff.h: what a disk image is, from its first and last bytes.
 * bundles.md sections 4.2 and 4.4. */
#ifndef DISK_SNIFF_H
#define DISK_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_HEAD 0x8800                /* more bytes tell no more */

struct disk_sniff {
	const char *format;             /* "raw", "qcow2", "asif", "iso"; NULL
					 * where the image is refused */
	const char *code;               /* of a refusal: "disk-format" */
	char text[300];                 /* what it is, and what to do */
	uint64_t virtual_size;          /* qcow2, asif; else the file's */
	uint32_t cluster;
	bool dirty;                     /* qcow2: refcounts to be repaired */
	bool ours;                      /* the refusal is pome's, not due to a
					 * broken file */
};

/* `head` has the file's first n bytes (DISK_HEAD, or all), `tail` its last 512
 * or NULL. A qcow2 image that builds on another file is refused unless
 * allow_backing. */
void disk_sniff(const uint8_t *head, size_t n, const uint8_t *tail,
		uint64_t size, bool allow_backing, struct disk_sniff *);

/* Is a snapshot of that name in a qcow2 image? Looks at the first few. */
bool disk_has_snapshot(int fd, const uint8_t *head, size_t n, const char *name);

#endif
