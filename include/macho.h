/* macho.h: 64-bit Mach-O kernels and filesets of them, as far as loading goes.
 * Built into the boot ROM and into pome; input is hostile. */
#ifndef POME_MACHO_H
#define POME_MACHO_H

#include "bytes.h"

#define MACHO_SEGMENTS 64

struct macho_segment {
	char name[17];
	uint64_t vmaddr, vmsize;
	const uint8_t *data;            /* filesize bytes, inside the file */
	uint64_t filesize;
	uint32_t prot;
};

struct macho {
	bool fileset;
	unsigned nsegs;
	struct macho_segment seg[MACHO_SEGMENTS];       /* vmsize != 0 */
	uint64_t low, high;             /* of all segments */
	uint64_t entry;                 /* virtual; inside a segment */
	uint32_t entries;               /* of the fileset */
	uint32_t version[3];            /* LC_SOURCE_VERSION; 0: none */
	uint32_t macos;                 /* LC_BUILD_VERSION's major; 0: none */
};

bool macho_is(const uint8_t *p, size_t n);
/* NULL, or what is wrong. */
const char *macho_parse(const uint8_t *p, size_t n, struct macho *);

#endif
