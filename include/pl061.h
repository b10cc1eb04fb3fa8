/* pl061.h: the PL061 GPIO block. Wire 0 is its interrupt; no conf.arg.
 * Window 0: 4 KiB. */
#ifndef POME_PL061_H
#define POME_PL061_H

#include <stdbool.h>

#include "device.h"

#define PL061_POWER_PIN 3               /* the board's power button */

extern const struct device_ops pl061_ops;

/* Drives pin 0..7 from outside. Any thread, the device's lock not held. */
void pl061_set_pin(struct device *, unsigned pin, bool level);

#endif
