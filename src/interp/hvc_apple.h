/* hvc_apple.h: the hypercalls of Apple's virtual machine platform: paravirtual
 * pointer authentication keys, and a few services. spec/vmapple.md 9.2,
 * spec/cpu.md 2.4. Only CPUs of Apple's make have them (hvc_apple_has). */
#ifndef INTERP_HVC_APPLE_H
#define INTERP_HVC_APPLE_H

#include "psci.h"

bool hvc_apple_has(const struct cpu *c);
/* Does the call in c->x[0]; false, and nothing changed, where it is none of
 * these. c's thread. */
bool hvc_apple(struct cpu *c, enum psci_next *next);
/* A new UUID for a new boot of the machine. All CPUs parked. */
void hvc_apple_new_session(struct interp *in);

#endif
