/* sandbox.h: what the process may still do once its resources are open.
 *
 * Order, all on the main thread but the last:
 *	sandbox_signals		when the process starts
 *	sandbox_privs		every file is open, no thread but main exists:
 *				no new privileges, no capability, no path of
 *				the file system (Landlock, where there is one)
 *	sandbox_process		all threads exist and wait: what no thread may
 *	sandbox_thread		each thread for itself, before it does anything
 *
 * A system call that a filter does not list ends the process by SIGSYS, after
 * a line on standard error that names the call. Nothing may map executable
 * memory, start a program or process, or open a file by name. */
#ifndef POME_SANDBOX_H
#define POME_SANDBOX_H

#include <stdbool.h>

#include "err.h"

struct outfiles;

enum sandbox_kind { SANDBOX_LOOP, SANDBOX_VCPU, SANDBOX_BLOCK };

#define SANDBOX_DIRS 4

struct sandbox {
	bool on;
	bool user_net;                  /* the loop may make inet sockets */
	bool accept;                    /* the loop may accept connections */
	int unlink_dir[SANDBOX_DIRS];   /* the loop may remove names in these
					 * directories; -1: none */
	const struct outfiles *undo;    /* main may remove these until
					 * sandbox_process; may be NULL */
};

/* Handlers for SIGSYS and for our own crashes: restore the terminal, say what
 * happened, end by SIGSYS, or with status 70. */
void sandbox_signals(void);

int sandbox_privs(const struct sandbox *, struct err *);
int sandbox_process(const struct sandbox *, struct err *);
int sandbox_thread(const struct sandbox *, enum sandbox_kind, struct err *);

/* For `pome check`: -1 with what this host lacks. Changes nothing. */
int sandbox_probe(struct err *);
/* Landlock's version on this host, 0: none. */
int sandbox_landlock(void);

#endif
