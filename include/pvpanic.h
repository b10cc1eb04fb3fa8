/* pvpanic.h: the byte by which a guest reports its own end. conf.arg is the
 * struct below. Window 0: 2 bytes, spec/vmapple.md section 1.7. */
#ifndef POME_PVPANIC_H
#define POME_PVPANIC_H

#include "device.h"

enum pvpanic_event {
	PVPANIC_PANICKED,               /* the guest is gone */
	PVPANIC_CRASH_LOADED,           /* it runs its own crash kernel now */
	PVPANIC_SHUTDOWN,               /* it wants to be powered off */
};

struct pvpanic_conf {
	/* Called on the vCPU's thread with the device's lock held. */
	void (*event)(void *arg, enum pvpanic_event);
	void *arg;
};

extern const struct device_ops pvpanic_ops;

#endif
