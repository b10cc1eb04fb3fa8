/* pl031.h: the PL031 real time clock. Wire 0 is its interrupt; no conf.arg.
 * Window 0: 4 KiB. */
#ifndef POME_PL031_H
#define POME_PL031_H

#include "device.h"

extern const struct device_ops pl031_ops;

#endif
