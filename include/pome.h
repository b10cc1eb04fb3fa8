/* pome.h: the way in for a program that embeds pome, and for main.c.
 *
 *	struct config c;
 *	config_init(&c);                   fill it: config_parse, or by hand
 *	config_defaults(&c);
 *	config_check(&c, &e), config_open(&c, &e)
 *	m = machine_new(&c, &e);           builds; gives up privileges
 *	machine_reset(m, &e);              loads what it starts with
 *	vm_start(m, &e);                   threads; closes the sandbox
 *	vm_run(m, &end, &e);               until the guest or the user ends it
 *	machine_free(m);
 *	config_fini(&c);
 *
 * All on one thread, which becomes the loop. The sandbox is the process's: a
 * program that goes on afterwards sets config.sandbox to false. */
#ifndef POME_POME_H
#define POME_POME_H

#include "config.h"
#include "err.h"
#include "machine.h"

#define POME_VERSION "0.1.0"

#endif
