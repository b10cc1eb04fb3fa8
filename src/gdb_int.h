/* gdb_int.h: inside of the gdb stub.
 *
 * gdb_session is one debugger's conversation: bytes come in by gdb_input, go
 * out by `put`, and what is debugged is behind struct gdb_target, so that tests
 * and the fuzzer have one of their own. gdb.c is the session and its commands,
 * gdb_wire.c framing and hex, gdb_regs.c registers, gdb_run.c running, stops
 * and breakpoints, gdb_query.c queries, gdb_monitor.c the `monitor` command;
 * gdb_vm.c has the sockets and the target that is a machine.
 *
 * The protocol: GDB manual, appendix E "GDB Remote Serial Protocol". The peer
 * is not trusted: sizes are bounded here, and what cannot be understood is
 * answered by an empty packet or an error. */
#ifndef GDB_INT_H
#define GDB_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm.h"

#define GDB_PACKET 0x4000u              /* longest packet, either way */
#define GDB_XML_SIZE 0x8000u
#define GDB_MAX_SYS 128                 /* system registers shown */

enum gdb_run { GDB_HOLD, GDB_GO, GDB_STEP };

struct gdb_target {
	unsigned ncpus;
	bool noirq;                     /* can step without interrupts */
	bool has_pauth;
	void *arg;
	/* The machine is stopped for all of these but halt. */
	int (*reg)(void *arg, unsigned cpu, uint64_t id, bool set, void *val);
	/* RAM only, up to len bytes from va (by cpu's tables) or from a
	 * physical address; how many were done. */
	size_t (*mem)(void *arg, int cpu, bool write, uint64_t addr, void *buf,
		      size_t len);
	int (*look)(void *arg, unsigned cpu, uint64_t va, uint64_t *gpa);
	int (*points)(void *arg, const struct vm_point *, unsigned n);
	/* Stops every CPU. */
	void (*halt)(void *arg);
	/* Lets them go, each as `run` says; a stop comes by gdb_stopped. */
	void (*go)(void *arg, const enum gdb_run *run);
	void (*set_noirq)(void *arg, bool on);
	const char *(*state)(void *arg, unsigned cpu);  /* "running" */
	void (*map)(void *arg, void (*line)(void *, const char *), void *to);
	void (*reset)(void *arg);
	void (*quit)(void *arg);
};

enum gdb_mem { GDB_PHYS = -1 };         /* for target.mem's cpu */

struct gdb_session {
	const struct gdb_target *t;
	void (*put)(void *arg, const void *buf, size_t len);
	void *put_arg;

	/* a packet that is coming in */
	enum { WIRE_IDLE, WIRE_BODY, WIRE_SUM1, WIRE_SUM2 } wire;
	char in[GDB_PACKET + 1];
	size_t nin;
	uint8_t sum;
	unsigned want;                  /* its checksum */

	/* the reply, and what went out last */
	char out[GDB_PACKET + 8];
	size_t nout;
	char sent[2 * GDB_PACKET + 32];
	size_t nsent;

	bool noack;
	bool running;
	bool closed;                    /* detached or killed: hang up */
	bool phys;                      /* m and M take physical addresses */
	bool noirq;
	bool swbreak, hwbreak;          /* the debugger knows these words */
	unsigned cpu;                   /* of g, m... (Hg) */
	int run_cpu;                    /* of c and s (Hc); -1: all */
	unsigned stop_cpu;
	char stop[192];                 /* the reply to "?" */
	struct vm_point point[VM_MAX_POINTS];
	bool soft[VM_MAX_POINTS];       /* by Z0 */
	unsigned npoints;

	char xml[GDB_XML_SIZE];
	size_t nxml;
	uint8_t sys[GDB_MAX_SYS];       /* rows of gdb_sys_row, as shown */
	unsigned nsys;
};

/* ---- gdb.c ----------------------------------------------------------- */

/* The machine is stopped. */
void gdb_begin(struct gdb_session *, const struct gdb_target *,
	       void (*put)(void *, const void *, size_t), void *arg);
/* Bytes from the peer, up to the end of one packet: how many it took. */
size_t gdb_input(struct gdb_session *, const void *buf, size_t len);
/* A CPU stopped by itself; the machine is halted. */
void gdb_stopped(struct gdb_session *, unsigned cpu, const struct vcpu_stop *);
/* The machine has ended. */
void gdb_exited(struct gdb_session *, bool signalled, int status);
void gdb_command(struct gdb_session *, char *p, size_t len);

/* ---- gdb_wire.c ------------------------------------------------------ */

/* Adds to the reply; what does not fit is left out. */
void gdb_str(struct gdb_session *, const char *text);
void gdb_hex(struct gdb_session *, const void *bytes, size_t n);
void gdb_fmt(struct gdb_session *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Bytes as they are; gdb_flush escapes. */
void gdb_bin(struct gdb_session *, const void *bytes, size_t n);
/* Sends the reply as a packet, an empty one too. */
void gdb_flush(struct gdb_session *);

/* Readers move *p on. false: no such thing there. */
bool gdb_get_hex(const char **p, uint64_t *val);
bool gdb_get_byte(const char **p, uint8_t *val);
bool gdb_get_bytes(const char **p, void *buf, size_t n);
bool gdb_get_char(const char **p, char c);
bool gdb_get_word(const char **p, const char *word);
/* "1", "p1.1", "-1" (all), "0" (any): the CPU, or -1 for all or any. */
bool gdb_get_thread(const struct gdb_session *, const char **p, int *cpu);

/* ---- gdb_regs.c ------------------------------------------------------ */

/* A system register as the debugger sees it. */
struct gdb_sys_row {
	const char *name;
	uint64_t id;
};
extern const struct gdb_sys_row gdb_sys_row[];
extern const unsigned gdb_sys_rows;

void gdb_describe(struct gdb_session *);        /* makes xml and sys */
void gdb_read_all(struct gdb_session *);
void gdb_write_all(struct gdb_session *, const char *p);
void gdb_read_reg(struct gdb_session *, const char *p);
void gdb_write_reg(struct gdb_session *, const char *p);
/* Numbers in g's order, and the accelerator's of one up to PC, on s->cpu. */
enum { GDB_REG_FP = 29, GDB_REG_SP = 31, GDB_REG_PC = 32 };
uint64_t gdb_core_id(struct gdb_session *, unsigned n);

/* ---- gdb_run.c ------------------------------------------------------- */

void gdb_vcont(struct gdb_session *, const char *p);
void gdb_resume(struct gdb_session *, char kind, const char *p);
void gdb_point(struct gdb_session *, bool set, const char *p);
/* Forgets breakpoints and lets everything run. */
void gdb_detach(struct gdb_session *);
void gdb_interrupt(struct gdb_session *);

/* ---- gdb_query.c, gdb_monitor.c -------------------------------------- */

void gdb_query(struct gdb_session *, const char *p);    /* q... */
void gdb_set(struct gdb_session *, const char *p);      /* Q... */
void gdb_monitor(struct gdb_session *, const char *hex);

#endif
