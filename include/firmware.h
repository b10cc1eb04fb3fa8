/* firmware.h: the boot ROM that is built in (firmware/), as an image for
 * 0x100000. No bytes where pome was built without clang and lld. */
#ifndef POME_FIRMWARE_H
#define POME_FIRMWARE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t firmware_rom[], firmware_rom_end[];

static inline size_t firmware_rom_size(void)
{
	return (size_t)(firmware_rom_end - firmware_rom);
}

#endif
