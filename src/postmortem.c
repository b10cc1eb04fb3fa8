/* Says why a machine ended and what state it was in: bundles.md section 6.
 * Everything goes to standard error, one fact a line; what the guest printed
 * has its control characters removed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel.h"
#include "as.h"
#include "log.h"
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

/* ---- what to look at next ------------------------------------------------- */

static bool says(const char *t, size_t len, const char *what)
{
	return memmem(t, len, what, strlen(what)) != NULL;
}

static void advise_panic(struct machine *m, const char *panic, const char *t,
			 size_t len)
{
	const char *next = NULL;

	if (says(t, len, "rootfs image is not initramfs"))
		next = "the kernel could not unpack the initial RAM disk: is "
		       "--initrd a whole cpio archive, packed in a way that "
		       "the kernel knows?";
	else if (says(t, len, "check access for rdinit="))
		next = "the initial RAM disk does not hold the program that "
		       "rdinit= names (/init without it)";
	else if (strstr(panic, "No working init found") ||
	    strstr(panic, "No init found"))
		next = "the root file system has no /init, /sbin/init or "
		       "/bin/sh that runs here: look at --initrd and at init= "
		       "and root= in --append";
	else if (strstr(panic, "Requested init"))
		next = "init= in --append names a program that is not there or "
		       "does not run";
	else if (strstr(panic, "Unable to mount root fs"))
		next = m->config->initrd.path || m->config->ndisks ?
		       "no root file system: look at root= in --append "
		       "(disks are /dev/vda, /dev/vdb, ...) and whether the "
		       "initial RAM disk is whole" :
		       "no root file system: give --initrd, or --disk with "
		       "root=/dev/vda in --append";
	else if (strstr(panic, "Attempted to kill init"))
		next = "the guest's init ended: the lines above say why";
	else if (strstr(panic, "Out of memory") ||
		 strstr(panic, "out of memory") ||
		 strstr(panic, "System is deadlocked on memory"))
		next = "the guest ran out of RAM: try --memory";
	if (next)
		fprintf(stderr, "pome: next: %s\n", next);
}

static void advise_silence(struct machine *m)
{
	struct cpu_state s;

	memset(&s, 0, sizeof(s));
	if (m->vm.accel->cpu_state(&m->vm.cpu[0], &s))
		return;
	if (!m->uart->reads && !m->uart->writes) {
		fprintf(stderr, "pome: next: the guest printed nothing and "
			"never touched the UART: is it a kernel for this "
			"machine, and whole? A Linux kernel says more with "
			"--append 'console=ttyAMA0 earlycon'\n");
		return;
	}
	fprintf(stderr, "pome: next: the guest printed nothing: does --append "
		"name a console that is there (ttyAMA0%s)? Try adding "
		"earlycon\n", m->console ? ", hvc0" : "");
}

static void advise(struct machine *m, const struct vm_end *end,
		   const char *tail, size_t len)
{
	char *panic = postmortem_panic(tail, len);

	if (panic) {
		fprintf(stderr, "pome: the guest's own words: %s\n", panic);
		advise_panic(m, panic, tail, len);
	} else if (!len) {
		advise_silence(m);
	} else if (says(tail, len, "Out of memory") ||
		   says(tail, len, "Cannot allocate")) {
		fprintf(stderr, "pome: next: the guest ran out of RAM: try "
			"--memory (it has %llu MiB)\n",
			(unsigned long long)(m->config->ram >> 20));
	} else if (end->event == VM_CRASH) {
		fprintf(stderr, "pome: next: look up the pc in the kernel's "
			"System.map, or run with --verbose\n");
	}
	free(panic);
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
	default: return "the machine ended";
	}
}

void postmortem(struct machine *m, const struct vm_end *end)
{
	char *tail = malloc(2 * TTY_TAIL);
	size_t len = 0;
	struct device *d;
	uint64_t gpa = 0;

	if (!tail)
		return;
	len = tty_tail(m->serial, tail, TTY_TAIL);
	if (m->console)
		len += tty_tail(m->console, tail + len, TTY_TAIL);
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
	if (len)
		print_tail(tail, len);
	else
		fprintf(stderr, "pome: the guest printed nothing\n");
	advise(m, end, tail, len);
	free(tail);
}
