/* Says why a machine ended and what state it was in: bundles.md section 6.
 * Everything goes to standard error, one fact a line; what the guest printed
 * has its control characters removed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel.h"
#include "as.h"
#include "diagnose.h"
#include "log.h"
#include "loop.h"
#include "machine.h"
#include "tty.h"

#define TAIL_LINES 20

/* ---- ESR_ELx in words (Arm ARM D17.2.37) ------------------------------- */

static const char *class_name(unsigned ec)
{
	switch (ec) {
	case 0x00: return "undefined instruction";
	case 0x01: return "trapped WFI or WFE";
	case 0x07: return "FP or SIMD is not enabled";
	case 0x0d: return "branch target (BTI)";
	case 0x0e: return "illegal execution state";
	case 0x15: return "SVC";
	case 0x16: return "HVC";
	case 0x17: return "SMC";
	case 0x18: return "trapped system register access";
	case 0x19: return "SVE is not enabled";
	case 0x1c: return "pointer authentication failure";
	case 0x1d: return "SME is not enabled";
	case 0x20: return "instruction abort from EL0";
	case 0x21: return "instruction abort";
	case 0x22: return "misaligned PC";
	case 0x24: return "data abort from EL0";
	case 0x25: return "data abort";
	case 0x26: return "misaligned SP";
	case 0x2c: return "trapped floating-point exception";
	case 0x2f: return "SError";
	case 0x30: case 0x31: return "hardware breakpoint";
	case 0x32: case 0x33: return "software step";
	case 0x34: case 0x35: return "watchpoint";
	case 0x3c: return "BRK";
	default: return "exception class";
	}
}

static void fault_name(unsigned fsc, char *buf, size_t len)
{
	static const char *const kind[] = { "address size fault",
		"translation fault", "access flag fault", "permission fault" };

	if (fsc < 0x10)
		snprintf(buf, len, "%s, level %u", kind[fsc >> 2], fsc & 3);
	else if (fsc == 0x10)
		snprintf(buf, len, "external abort (nothing is mapped there)");
	else if (fsc >= 0x14 && fsc <= 0x17)
		snprintf(buf, len, "external abort on a table walk, level %u",
			 fsc & 3);
	else if (fsc == 0x21)
		snprintf(buf, len, "alignment fault");
	else if (fsc == 0x30)
		snprintf(buf, len, "TLB conflict");
	else if (fsc == 0x35)
		snprintf(buf, len, "unsupported exclusive or atomic");
	else
		snprintf(buf, len, "fault status 0x%02x", fsc);
}

static void print_esr(const struct cpu_state *s, unsigned cpu)
{
	unsigned ec = (unsigned)(s->esr >> 26) & 0x3f;
	bool abort_ec = ec == 0x20 || ec == 0x21 || ec == 0x24 || ec == 0x25;
	char fault[64] = "";

	if (!s->esr)
		return;
	if (abort_ec)
		fault_name((unsigned)s->esr & 0x3f, fault, sizeof(fault));
	fprintf(stderr, "pome: cpu %u: last exception: %s (ESR_EL1 %08llx)%s%s"
		"%s\n", cpu, class_name(ec), (unsigned long long)s->esr,
		*fault ? ", " : "", fault,
		ec != 0x24 && ec != 0x25 ? "" :
		(s->esr & 1u << 6) ? ", a store" : ", a load");
	fprintf(stderr, "pome: cpu %u: ELR_EL1 %016llx  FAR_EL1 %016llx  "
		"SPSR_EL1 %08llx\n", cpu, (unsigned long long)s->elr,
		(unsigned long long)s->far, (unsigned long long)s->spsr);
}

static void print_cpu(struct machine *m, unsigned cpu)
{
	struct cpu_state s;

	memset(&s, 0, sizeof(s));
	if (m->vm.accel->cpu_state(&m->vm.cpu[cpu], &s))
		return;
	if (s.off) {
		fprintf(stderr, "pome: cpu %u: off\n", cpu);
		return;
	}
	fprintf(stderr, "pome: cpu %u: pc %016llx  EL%u  sp %016llx  PSTATE "
		"%08llx%s, MMU %s\n", cpu, (unsigned long long)s.pc,
		(unsigned)(s.pstate >> 2) & 3, (unsigned long long)s.sp,
		(unsigned long long)s.pstate, s.idle ? ", waits in WFI" : "",
		(s.sctlr & 1) ? "on" : "off");
	print_esr(&s, cpu);
}

/* ---- what the guest printed ---------------------------------------------- */

/* Where the last n lines begin. */
static size_t last_lines(const char *t, size_t len, int n)
{
	size_t at = len;

	while (at && (t[at - 1] == '\n' || t[at - 1] == '\r'))
		at--;
	while (at && n) {
		at--;
		if (t[at] == '\n' && !--n)
			return at + 1;
	}
	return at;
}

static void print_tail(const char *t, size_t len)
{
	size_t at = last_lines(t, len, TAIL_LINES);
	bool start = true;

	fprintf(stderr, "pome: the last lines of the console:\n");
	for (; at < len; at++) {
		unsigned char c = (unsigned char)t[at];

		if (c == '\r')
			continue;
		if (start && c != '\n')
			fputs("    | ", stderr);
		start = c == '\n';
		if (c == '\n' || c == '\t' || c >= 0x80 || isprint(c))
			fputc(c, stderr);
		else if (c == 0x1b)
			fputs("^[", stderr);
	}
	if (!start)
		fputc('\n', stderr);
}

static const char *const panics[] = { "Kernel panic - not syncing: ",
				      "panic(cpu " };

char *postmortem_panic(const char *t, size_t len)
{
	for (size_t i = 0; i < sizeof(panics) / sizeof(panics[0]); i++) {
		const char *p = memmem(t, len, panics[i], strlen(panics[i]));
		size_t n = 0, left;

		if (!p)
			continue;
		left = len - (size_t)(p - t);
		while (n < left && n < 200 && isprint((unsigned char)p[n]))
			n++;
		return strndup(p, n);
	}
	return NULL;
}

/* ---- what is known, and what follows ------------------------------------- */

static void add_cpu(struct machine *m, struct evidence *e)
{
	struct cpu_state s;

	memset(&s, 0, sizeof(s));
	if (m->vm.accel->cpu_state(&m->vm.cpu[0], &s) || s.off)
		return;
	e->cpu = true;
	e->idle = s.idle;
	e->mmu = s.sctlr & 1;
	e->el = (unsigned)(s.pstate >> 2) & 3;
	e->pc = s.pc;
	e->esr = s.esr;
	e->far = s.far;
	e->npcs = m->npcs;
	memcpy(e->pcs, m->pcs, sizeof(e->pcs));
}

static void add_devices(struct machine *m, struct evidence *e)
{
	for (int i = 0; i < m->ndevs; i++) {
		const struct device *d = m->dev[i];
		uint64_t n = d->reads + d->writes;

		if (d == m->uart) {
			e->uart += n;
			e->uart_writes += d->writes;
		} else if (!strncmp(d->id, "console", 7)) {
			e->console += n;
		} else {
			e->others += n;
		}
	}
}

static void add_rom(const struct machine *m, struct evidence *e)
{
	const struct config *c = m->config;

	if (!c->firmware.path && !c->firmware_builtin)
		return;
	e->rom_base = m->vm.board->firmware.base;
	e->rom_size = m->vm.board->firmware.size;
	e->mac = m->vm.board->firmware.apple;
	for (int i = 0; i < c->ndisks; i++)
		if (c->disk[i].role == CFG_ROLE_AUX)
			e->aux = true;
}

/* `tail` has room for 2 * TTY_TAIL. All vCPUs are parked. */
static void gather(struct machine *m, enum vm_event event, char *tail,
		   struct evidence *e)
{
	const struct config *c = m->config;
	uint64_t since = m->t_reset ? m->t_reset : m->t_run;
	uint64_t now = m->t_end ? m->t_end : loop_now(m->loop, CLOCK_HOST);

	memset(e, 0, sizeof(*e));
	e->event = event;
	e->seconds = (double)(now - since) / 1e9;
	e->resets = m->quick_resets;
	e->text = tail;
	e->len = tty_tail(m->serial, tail, TTY_TAIL);
	e->printed = tty_out_bytes(m->serial);
	if (m->console) {
		e->len += tty_tail(m->console, tail + e->len, TTY_TAIL);
		e->printed += tty_out_bytes(m->console);
	}
	e->is_linux = c->kernel.path && !strncmp(m->booted, "arm64 Image", 11);
	e->append = e->is_linux ? c->append : NULL;
	e->initrd = c->initrd.path;
	add_rom(m, e);
	e->hvc = m->console;
	e->serial_null = c->serial.where == CFG_TTY_NULL;
	e->disks = m->ndisks;
	e->ram = c->ram;
	e->ram_base = m->vm.board->ram;
	add_devices(m, e);
	add_cpu(m, e);
}

static void conclude(const struct evidence *e)
{
	struct diagnosis d;

	if (!diagnose(e, &d))
		return;
	fprintf(stderr, "pome: why: %s\n", d.why);
	fprintf(stderr, "pome: next: %s\n", d.next);
}

void postmortem_resets(struct machine *m, double seconds)
{
	char *tail = malloc(2 * TTY_TAIL);
	struct evidence e;

	log_msg(LOG_WARN, "the guest has reset itself %u times in %.0f s; it "
		"goes on doing so until Ctrl-a x, Ctrl-c or --no-reboot",
		m->quick_resets, seconds);
	if (!tail || m->config->verbose < 0) {
		free(tail);
		return;
	}
	gather(m, VM_RESET, tail, &e);
	conclude(&e);
	free(tail);
}

void postmortem_stuck(struct machine *m)
{
	char *tail = malloc(2 * TTY_TAIL), *panic;
	struct evidence e;

	if (!tail)
		return;
	gather(m, VM_NONE, tail, &e);
	if (diagnose_stuck(e.text, e.len)) {
		panic = postmortem_panic(tail, e.len);
		log_msg(LOG_WARN, "the guest has panicked and stays as it is "
			"until Ctrl-a x or Ctrl-c ends it (with panic=1 in "
			"--append it restarts): %s", panic ? panic : "");
		free(panic);
		if (m->config->verbose >= 0)
			conclude(&e);
	}
	free(tail);
}

static const char *what_happened(const struct vm_end *end)
{
	switch (end->event) {
	case VM_PANIC: return "the guest panicked";
	case VM_CRASH: return "the guest crashed and cannot go on";
	case VM_TIMEOUT: return "the guest still ran when --timeout was over";
	case VM_RESET: return "the guest reset itself, and --no-reboot was "
			      "given";
	case VM_FAIL: return "the machine failed";
	case VM_OFF: return "the guest powered itself off and had printed "
			    "nothing";
	default: return "the machine ended";
	}
}

void postmortem(struct machine *m, const struct vm_end *end)
{
	char *tail = malloc(2 * TTY_TAIL), *panic;
	struct evidence e;
	struct device *d;
	uint64_t gpa = 0;

	if (!tail)
		return;
	gather(m, end->event, tail, &e);
	fprintf(stderr, "pome: %s%s%s\n", what_happened(end),
		*end->why ? ": " : "", end->why);
	for (unsigned i = 0; i < m->vm.ncpus; i++)
		print_cpu(m, i);
	d = as_last_dev(m->as, &gpa);
	if (d)
		fprintf(stderr, "pome: device touched last: %s (%s) at "
			"0x%llx\n", d->id, d->ops->name,
			(unsigned long long)gpa);
	else
		fprintf(stderr, "pome: no device was ever touched\n");
	if (e.len)
		print_tail(tail, e.len);
	else
		fprintf(stderr, "pome: the guest printed nothing\n");
	panic = postmortem_panic(tail, e.len);
	if (panic)
		fprintf(stderr, "pome: the guest's own words: %s\n", panic);
	free(panic);
	conclude(&e);
	free(tail);
}
