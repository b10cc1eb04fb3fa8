/* run.h: fetch, dispatch, requests: the run loop's outside. */
#ifndef INTERP_RUN_H
#define INTERP_RUN_H

#include "cpu.h"

/* Runs from c->pc until something (REQ_KICK, step, crash) stops it; c->pc and
 * c->fa.. then describe the CPU. The vCPU's own thread. */
void run_cpu(struct cpu *c);

#endif
