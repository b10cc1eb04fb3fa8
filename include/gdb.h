/* gdb.h: a debugger's view of the machine: GDB's remote serial protocol, on a
 * socket of --gdb. gdb-multiarch and lldb speak it.
 *
 * The main thread's. One debugger at a time. While one is attached the machine
 * is stopped (vm_pause) unless it was told to run; when its connection ends,
 * however that comes, the machine runs on. */
#ifndef POME_GDB_H
#define POME_GDB_H

#include "err.h"

struct gdb;
struct machine;
struct vm_end;

/* Listens where m->config->gdb says. Before the sandbox. */
struct gdb *gdb_open(struct machine *, struct err *);
/* After the sandbox is closed, before vm_run: begins to accept; with ,wait the
 * machine is stopped until a debugger lets it go. */
int gdb_start(struct gdb *, struct err *);
/* The machine has ended, and the loop does not run any more: tells the
 * debugger. Power-off and --no-reboot's reset are an exit with status 0, our
 * own end by a signal or from the keyboard is that signal, all else SIGABRT. */
void gdb_end(struct gdb *, const struct vm_end *);
/* What the sandbox must leave open; -1: none. */
int gdb_unlink_dir(const struct gdb *);
void gdb_close(struct gdb *);           /* NULL is ignored */

#endif
