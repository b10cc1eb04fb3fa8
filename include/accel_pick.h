/* accel_pick.h: choosing an accelerator; for machine.c and `pome check`. */
#ifndef POME_ACCEL_PICK_H
#define POME_ACCEL_PICK_H

#include "err.h"

struct accel_ops;
struct config;

/* Those of this build, best first; ends with NULL. */
extern const struct accel_ops *const accel_list[];

/* What --accel asks for, probed; NULL with the reason and the remedy. */
const struct accel_ops *accel_pick(const struct config *, struct err *);

#endif
