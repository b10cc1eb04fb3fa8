/* psci.h: firmware calls by HVC: PSCI 1.1 (Arm DEN0022) and the SMCCC 1.1
 * (DEN0028) version calls. spec/cpu.md 5.6, spec/vmapple.md 1.3. */
#ifndef INTERP_PSCI_H
#define INTERP_PSCI_H

#include "cpu.h"

/* cpu.power. A CPU that is off changes it from OFF to CLAIMED to PENDING by a
 * CPU_ON from any thread (exactly one caller wins the first step), then from
 * PENDING to ON on its own thread; ON to OFF is its own CPU_OFF. */
enum cpu_power {
	CPU_POWER_OFF,
	CPU_POWER_CLAIMED,              /* entry and context are being written */
	CPU_POWER_PENDING,              /* may be started */
	CPU_POWER_ON,
};

/* How an HVC goes on: at the next instruction, at itself again (it waits for
 * an interrupt and was disturbed), or at c->pc in reset state. */
enum psci_next { PSCI_NEXT, PSCI_AGAIN, PSCI_ENTER };

/* Does the call that x0..x3 describe. c's thread, flags in c->fa... May block
 * (CPU_SUSPEND); may turn c off: then c has REQ_POWER, so that it passes
 * through the run loop's service point. */
enum psci_next psci_hvc(struct cpu *c);
/* While c is not ON: starts it if it is to be. c's thread. */
void psci_serve_power(struct cpu *c);

#endif
