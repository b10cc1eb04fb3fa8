/* pflash.h: two banks of NOR flash with Intel's command set, side by side as
 * the virt board has them: bank 0 for firmware, bank 1 for its variables.
 *
 * Window N is bank N. Bank 1's contents come from `blk` and what the guest
 * programs or erases goes there: an operation is ready, by the status
 * register, once it is in the file, so the file holds what the chip holds after
 * a crash of pome at any time. An erase is durable too, and what was programmed
 * before it; the rest is flushed PFLASH_FLUSH_NS after it was written, and
 * when the disk is closed. */
#ifndef POME_PFLASH_H
#define POME_PFLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define PFLASH_BANKS 2
#define PFLASH_BLOCK 0x40000u           /* what an erase takes */
#define PFLASH_BUFFER 128u              /* bytes of a buffered program */
#define PFLASH_FLUSH_NS 200000000u

struct blk;

struct pflash_conf {
	uint64_t bank_size;             /* a power of two, 1 MiB or more */
	struct {
		/* The first contents, as many bytes as it has; NULL: a blank
		 * chip whose contents last as long as the machine. */
		struct blk *blk;
		bool keep;              /* changes go to blk as well */
		/* Its array is as_rom memory that CPUs read themselves: it is
		 * write-protected and takes no command, so that no store
		 * takes code away from under a CPU. */
		bool rom;
	} bank[PFLASH_BANKS];
};

extern const struct device_ops pflash_ops;

#endif
