/* pome run: from the options and a bundle to a machine that has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel.h"
#include "boot.h"
#include "bundle.h"
#include "cli.h"
#include "gdb.h"
#include "log.h"
#include "pome.h"
#include "things.h"
#include "tty.h"

static enum log_level level(int verbose)
{
	return verbose < 0 ? LOG_ERROR : verbose == 0 ? LOG_WARN :
	       verbose == 1 ? LOG_INFO : LOG_DEBUG;
}

/* What the bundle lacks, and the command line gives. */
static bool supplied(const struct config *c, const struct note *n)
{
	return !strcmp(n->code, "no-boot-source") &&
	       (c->kernel.path || c->firmware.path || c->firmware_builtin);
}

static void say_setting(void *arg, const char *key, const char *value,
			const char *verdict, const char *why)
{
	if (!strcmp(verdict, "ignored") || !strcmp(verdict, "unknown"))
		log_msg(LOG_INFO, "%s: %s = %s: ignored: %s", (char *)arg, key,
			value, why);
}

/* The first error, and how many more there are. */
static int refuse(const struct config *c, const struct bundle *b,
		  struct err *e)
{
	const struct note *first = NULL;
	int more = 0;

	for (int i = 0; i < b->nnotes; i++) {
		const struct note *n = &b->note[i];

		if (n->level != NOTE_ERROR || supplied(c, n))
			continue;
		more += first != NULL;
		first = first ? first : n;
	}
	if (!first)
		return 0;
	err_set(e, 0, "%s%s%s", b->file ? c->bundle : "", b->file ? ": " : "",
		first->text);
	if (more)
		log_msg(LOG_WARN, "%s: %d more error%s (see pome inspect %s)",
			c->bundle, more, more > 1 ? "s" : "", c->bundle);
	return -1;
}

/* Reads the bundle under what the command line left open. Its files may be
 * gone after bundle_fini. */
static int add_bundle(struct config *c, struct bundle *b, struct err *e)
{
	struct config from;
	int r;

	if (!c->bundle)
		return 0;
	config_init(&from);
	from.allow_backing = c->allow_backing;
	r = bundle_read_for(b, BUNDLE_RUN, c->bundle, &from, e);
	if (!r && b->format && (!strcmp(b->format, "kernel")) &&
	    bundle_verdict(b) <= VERDICT_WARN)
		r = err_set(e, 0, "%s: a kernel, not a bundle (try pome run "
			    "--kernel %s)", c->bundle, c->bundle);
	for (int i = 0; i < b->nnotes && !r; i++)
		if (b->note[i].level != NOTE_ERROR)
			log_msg(b->note[i].level == NOTE_WARN ? LOG_WARN :
				LOG_INFO, "%s: %s", c->bundle,
				b->note[i].text);
	if (!r)
		bundle_settings(b, say_setting, c->bundle);
	if (!r)
		r = refuse(c, b, e);
	if (!r)
		config_merge(&from, c);
	config_fini(&from);
	return r;
}

static bool has_console(const char *line, const char *name)
{
	char want[32];

	snprintf(want, sizeof(want), "console=%s", name);
	return strstr(line, want) != NULL;
}

/* The failure that people meet most: a guest that talks to a device which is
 * not there (bundles.md section 6). */
static void warn_console(const struct config *c)
{
	const char *line = c->append;

	if (!c->kernel.path || c->kernel_flat || !strstr(line, "console="))
		return;
	if (has_console(line, "hvc") && c->console.where == CFG_TTY_NONE &&
	    !has_console(line, "ttyAMA"))
		log_msg(LOG_WARN, "--append: console=hvc0 needs a virtio "
			"console (try --console stdio, or console=ttyAMA0)");
	else if (has_console(line, "ttyAMA") && !has_console(line, "hvc") &&
		 c->serial.where == CFG_TTY_NULL && c->append_given)
		log_msg(LOG_WARN, "--append: console=ttyAMA0 is the serial "
			"port, which --serial null drops");
	else if (!has_console(line, "ttyAMA") && !has_console(line, "hvc"))
		log_msg(LOG_WARN, "--append: names no console of this board "
			"(ttyAMA0, or hvc0 with --console)");
}

/* Stage 1 of macOS panics, and prints nothing (spec/vmapple.md 1.1). */
static void warn_memory(const struct config *c)
{
	if (c->firmware.path && c->board->firmware.apple && c->ram < 2ull << 30)
		log_msg(LOG_WARN, "RAM of %llu MiB: the first stage of macOS "
			"stops with less than 2 GiB (try --memory 4G)",
			(unsigned long long)(c->ram >> 20));
}

static void warn_initrd(const struct config *c)
{
	uint8_t head[512];
	const char *what;
	ssize_t n;

	if (!c->initrd.path)
		return;
	n = pread(c->initrd.fd, head, sizeof(head), 0);
	what = n > 0 ? initrd_suspect(head, (size_t)n) : NULL;
	if (what)
		log_msg(LOG_WARN, "%s: %s; expected an initial RAM disk",
			c->initrd.path, what);
}

static void dump_dtb(struct config *c, struct result *r)
{
	struct fdt_boot boot = { .bootargs = c->append };
	struct machine *m = machine_new_bare(c, &r->err);
	void *buf = malloc(MACHINE_FDT_SIZE);
	bool out = !strcmp(c->dump_dtb, "-");
	size_t len;
	int fd;

	r->what = OUT_BUILD;
	if (!buf || !m) {
		if (m)
			err_set(&r->err, 0, "out of memory");
	} else if (!machine_fdt(m, &boot, buf, MACHINE_FDT_SIZE, &len,
				&r->err)) {
		fd = out ? STDOUT_FILENO :
			   open(c->dump_dtb, O_WRONLY | O_CREAT | O_TRUNC |
				O_CLOEXEC | O_NOCTTY, 0666);
		if (fd < 0 || write(fd, buf, len) != (ssize_t)len)
			err_set(&r->err, errno, "--dump-dtb %s", c->dump_dtb);
		else
			r->what = OUT_OK;
		if (fd >= 0 && !out && close(fd) && r->what == OUT_OK) {
			err_set(&r->err, errno, "--dump-dtb %s", c->dump_dtb);
			r->what = OUT_BUILD;
		}
	}
	free(buf);
	machine_free(m);
}

static void print_line(void *arg, const char *text)
{
	log_msg(LOG_DEBUG, "%s", text);
}

static void describe(struct machine *m)
{
	log_msg(LOG_INFO, "%s, %u CPU%s, %llu MiB, accelerator %s, sandbox %s",
		m->booted, m->vm.ncpus, m->vm.ncpus == 1 ? "" : "s",
		(unsigned long long)(m->config->ram >> 20),
		m->vm.accel->name, m->sandbox.on ? "on" : "off");
	machine_print_map(m, print_line, NULL);
}

static const char *reason(const struct vm_end *end)
{
	switch (end->event) {
	case VM_OFF: return "the guest powered itself off";
	case VM_RESET: return "the guest reset itself (--no-reboot)";
	case VM_PANIC: return "the guest panicked";
	case VM_CRASH: return "the guest crashed";
	case VM_TIMEOUT: return "--timeout ran out";
	case VM_SIGNAL: return "ended by a signal";
	case VM_QUIT: return "ended from the keyboard (Ctrl-a x)";
	default: return "the machine failed";
	}
}

static void set_outcome(struct result *r, const struct vm_end *end)
{
	switch (end->event) {
	case VM_OFF: r->what = OUT_OK; break;
	case VM_RESET: r->what = OUT_RESET; break;
	case VM_PANIC: r->what = OUT_PANIC; break;
	case VM_CRASH: r->what = OUT_CRASH; break;
	case VM_TIMEOUT: r->what = OUT_TIMEOUT; break;
	case VM_SIGNAL:
		r->what = OUT_SIGNAL;
		r->signal = end->signal;
		break;
	case VM_QUIT:                   /* as if Ctrl-c had reached us */
		r->what = OUT_SIGNAL;
		r->signal = SIGINT;
		break;
	default:
		r->what = OUT_INTERNAL;
		err_set(&r->err, 0, "%s", *end->why ? end->why :
			"the machine stopped for no known reason");
	}
}

/* Power-off and what the user asked for need no post-mortem, unless the guest
 * never said a word. */
static bool died(struct machine *m, const struct vm_end *end)
{
	bool silent = !tty_out_bytes(m->serial) &&
		      (!m->console || !tty_out_bytes(m->console));

	switch (end->event) {
	case VM_QUIT:
	case VM_SIGNAL: return false;
	case VM_OFF: return silent && m->config->verbose >= 0 &&
			    !strncmp(m->booted, "arm64 Image", 11);
	default: return true;
	}
}

/* Our lines begin at the left edge. */
static void end_line(struct machine *m)
{
	char last;

	if (isatty(STDERR_FILENO) &&
	    tty_tail(m->console ? m->console : m->serial, &last, 1) &&
	    last != '\n')
		fputc('\n', stderr);
}

static void run_machine(struct config *c, struct result *r)
{
	struct machine *m = machine_new(c, &r->err);
	struct vm_end end;
	struct err e;

	r->what = OUT_BUILD;
	if (!m)
		return;
	if (machine_reset(m, &r->err)) {
		machine_free(m);
		return;
	}
	describe(m);
	outfiles_start(&m->out);
	if (vm_start(m, &r->err) || (m->gdb && gdb_start(m->gdb, &r->err))) {
		machine_free(m);
		return;
	}
	tty_start(m->serial);
	if (m->console)
		tty_start(m->console);
	if (vm_run(m, &end, &r->err)) {
		r->what = OUT_INTERNAL;
		machine_free(m);
		return;
	}
	/* From here on lines may be long and the cursor anywhere. */
	tty_restore();
	set_outcome(r, &end);
	if (m->gdb)
		gdb_end(m->gdb, &end);
	machine_settle(m);
	end_line(m);
	if (died(m, &end))
		postmortem(m, &end);
	if (stats_write(m, &end, &e))
		log_msg(LOG_ERROR, "%s", e.msg);
	machine_free(m);
	if (c->verbose >= 0)
		fprintf(stderr, "pome: %s%s%s\n", reason(&end),
			end.event == VM_SIGNAL && *end.why ? ": " : "",
			end.event == VM_SIGNAL ? end.why : "");
}

void cli_run(int argc, char **argv, struct result *r)
{
	struct bundle b;
	struct config c;

	config_init(&c);
	bundle_init(&b);
	r->what = OUT_USAGE;
	if (config_parse(&c, argc, argv, &r->err))
		goto out;
	if (c.help) {
		cli_print_help("run");
		r->what = OUT_OK;
		goto out;
	}
	if (c.trace.help) {
		fputs(trace_help, stdout);
		r->what = OUT_OK;
		goto out;
	}
	log_init(level(c.verbose));
	r->what = OUT_BUILD;
	if (things_sort(&c, &r->err) || add_bundle(&c, &b, &r->err))
		goto out;
	/* Nothing is named: the ROM's monitor needs no file. */
	if (!c.bundle && !c.board && !c.kernel.path && !c.firmware.path &&
	    !c.dump_dtb)
		c.firmware_builtin = true;
	config_defaults(&c);
	config_find_firmware(&c);
	r->what = OUT_USAGE;
	if (config_check(&c, &r->err))
		goto out;
	if (c.dump_dtb) {
		dump_dtb(&c, r);
		goto out;
	}
	r->what = OUT_BUILD;
	if (config_open(&c, &r->err))
		goto out;
	bundle_fini(&b);
	warn_console(&c);
	warn_initrd(&c);
	warn_memory(&c);
	run_machine(&c, r);
out:
	bundle_fini(&b);
	config_fini(&c);
}
