/* gdb_monitor.c: what `monitor WORDS` in gdb, or `process plugin packet
 * monitor` in lldb, can do; gdb_int.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_reg.h"
#include "gdb_int.h"

/* One packet of output, an "O"; the last reply is OK. */
static void say(void *arg, const char *line)
{
	struct gdb_session *s = arg;

	gdb_str(s, "O");
	gdb_hex(s, line, strlen(line));
	gdb_hex(s, "\n", 1);
	gdb_flush(s);
}

static void sayf(struct gdb_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void sayf(struct gdb_session *s, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say(s, text);
}

static bool number(const char *text, uint64_t *val)
{
	char *end;

	*val = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end;
}

/* ---- commands -------------------------------------------------------- */

static void do_help(struct gdb_session *s, const char *arg);

static void do_registers(struct gdb_session *s, const char *arg)
{
	uint64_t val;

	sayf(s, "cpu%u", s->cpu);
	for (unsigned i = 0; i <= 32; i++) {
		uint64_t id = i == 32 ? CPU_REG_PSTATE : i == 31 ? CPU_REG_PC :
			      CPU_REG_X(i);
		char name[8];

		snprintf(name, sizeof(name), "x%u", i);
		if (!s->t->reg(s->t->arg, s->cpu, id, false, &val))
			sayf(s, "%-16s %016" PRIx64, i == 32 ? "pstate" :
			     i == 31 ? "pc" : name, val);
	}
	for (unsigned i = 0; i < s->nsys; i++) {
		const struct gdb_sys_row *r = &gdb_sys_row[s->sys[i]];

		if (!s->t->reg(s->t->arg, s->cpu, r->id, false, &val))
			sayf(s, "%-16s %016" PRIx64, r->name, val);
	}
}

static void do_cpus(struct gdb_session *s, const char *arg)
{
	for (unsigned i = 0; i < s->t->ncpus; i++) {
		uint64_t pc = 0, ps = 0;

		s->t->reg(s->t->arg, i, CPU_REG_PC, false, &pc);
		s->t->reg(s->t->arg, i, CPU_REG_PSTATE, false, &ps);
		sayf(s, "%c cpu%u: pc 0x%" PRIx64 ", EL%u, %s",
		     i == s->cpu ? '*' : ' ', i, pc, (unsigned)(ps >> 2 & 3),
		     s->t->state(s->t->arg, i));
	}
}

static void do_mtree(struct gdb_session *s, const char *arg)
{
	s->t->map(s->t->arg, say, s);
}

static void do_gva2gpa(struct gdb_session *s, const char *arg)
{
	uint64_t va, gpa;

	if (!number(arg, &va))
		say(s, "gva2gpa: expected an address");
	else if (s->t->look(s->t->arg, s->cpu, va, &gpa))
		sayf(s, "0x%" PRIx64 ": not mapped on cpu%u", va, s->cpu);
	else
		sayf(s, "gpa: 0x%" PRIx64, gpa);
}

/* xp ADDRESS: 64 bytes from a physical address. */
static void do_xp(struct gdb_session *s, const char *arg)
{
	uint32_t word[4];
	uint64_t pa;

	if (!number(arg, &pa)) {
		say(s, "xp: expected a physical address");
		return;
	}
	for (unsigned i = 0; i < 4; i++, pa += 16) {
		if (s->t->mem(s->t->arg, GDB_PHYS, false, pa, word, 16) != 16) {
			sayf(s, "%016" PRIx64 ": not RAM", pa);
			return;
		}
		sayf(s, "%016" PRIx64 ": %08x %08x %08x %08x", pa, word[0],
		     word[1], word[2], word[3]);
	}
}

static void do_phys(struct gdb_session *s, const char *arg)
{
	if (!strcmp(arg, "on"))
		s->phys = true;
	else if (!strcmp(arg, "off"))
		s->phys = false;
	else if (*arg)
		say(s, "phys: expected on or off");
	sayf(s, "addresses are %s", s->phys ? "physical" : "virtual");
}

static void do_reset(struct gdb_session *s, const char *arg)
{
	s->t->reset(s->t->arg);
	say(s, "reset; gdb's copy of registers is old (try: maint flush "
	    "register-cache)");
}

static void do_quit(struct gdb_session *s, const char *arg)
{
	s->t->quit(s->t->arg);
}

static const struct command {
	const char *name, *help;
	void (*run)(struct gdb_session *, const char *arg);
} commands[] = {
	{ "help", "this list", do_help },
	{ "registers", "all registers of the current CPU", do_registers },
	{ "info registers", "the same", do_registers },
	{ "info cpus", "where each CPU is", do_cpus },
	{ "info mtree", "the machine's memory map", do_mtree },
	{ "gva2gpa", "ADDRESS: where the guest's tables have it", do_gva2gpa },
	{ "xp", "ADDRESS: 64 bytes of physical memory", do_xp },
	{ "phys", "on|off: take addresses of memory as physical", do_phys },
	{ "reset", "reset the machine", do_reset },
	{ "system_reset", "the same", do_reset },
	{ "quit", "end the machine", do_quit },
};

static void do_help(struct gdb_session *s, const char *arg)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		sayf(s, "%-15s %s", commands[i].name, commands[i].help);
}

void gdb_monitor(struct gdb_session *s, const char *hex)
{
	char text[128];
	size_t n = strlen(hex) / 2;
	const char *p = hex;

	if (n >= sizeof(text) || !gdb_get_bytes(&p, text, n)) {
		gdb_str(s, "E22");
		return;
	}
	while (n && text[n - 1] == ' ')
		n--;
	text[n] = 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];
		size_t len = strlen(c->name);

		if (strncmp(text, c->name, len) ||
		    (text[len] && text[len] != ' '))
			continue;
		p = text + len;
		while (*p == ' ')
			p++;
		c->run(s, p);
		gdb_str(s, "OK");
		return;
	}
	sayf(s, "%s: not a command (try: monitor help)", text);
	gdb_str(s, "OK");
}
