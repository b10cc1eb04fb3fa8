/* cfg.h: the CONFIG block, by which firmware learns what machine it is on.
 *
 * The block is plain RAM (as_ram, CFG_SIZE bytes at conf.base), which the guest
 * may write; the device has no window and fills it anew at each reset.
 * spec/vmapple.md section 2. */
#ifndef POME_CFG_H
#define POME_CFG_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

#define CFG_SIZE 0x10000u
#define CFG_STRING 32                   /* bytes of a string, its end too */

/* In the scratch area, for a boot ROM of our own alone: */
#define CFG_POME 0x300u                 /* u32, CFG_POME_MAGIC */
#define CFG_POME_POLICY 0x304u          /* u32, enum cfg_policy */
#define CFG_POME_MAGIC 0x656d6f70u      /* "pome" */

enum cfg_policy { CFG_POLICY_VERIFY, CFG_POLICY_PERMISSIVE };

enum { CFG_MAC_EN0, CFG_MAC_EN1, CFG_MAC_WIFI0, CFG_MAC_BT0, CFG_MACS };

struct cfg_conf {
	uint64_t base;
	uint64_t ecid, ram;
	uint32_t cpus;
	uint32_t rnd;                   /* entropy, the same at each reset */
	bool dfu;                       /* run_installer1 and 2 */
	bool hints;                     /* write CFG_POME */
	enum cfg_policy policy;
	uint8_t mac[CFG_MACS][6];
	/* At most 31 bytes each; NULL: the usual one. */
	const char *serial, *model, *soc;
};

extern const struct device_ops cfg_ops;

#endif
