/* fw_cfg.h: the "firmware configuration" interface, by which firmware asks the
 * machine about itself. Window 0: FW_CFG_SIZE bytes. */
#ifndef POME_FW_CFG_H
#define POME_FW_CFG_H

#include <stdint.h>

#include "device.h"

#define FW_CFG_SIZE 0x18u

struct fw_cfg_conf {
	uint64_t ram;                   /* bytes */
	uint16_t cpus;
};

extern const struct device_ops fw_cfg_ops;

#endif
