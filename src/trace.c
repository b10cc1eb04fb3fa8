/* trace.c: --trace; trace.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "device.h"
#include "loop.h"
#include "outfile.h"
#include "trace.h"

#define LIMIT (16u << 20)
#define BUF_SIZE 65536u
#define LINE_SIZE 256u

struct trace {
	struct cfg_trace cfg;           /* but path */
	struct loop *loop;
	int fd;
	bool own_fd, lines;             /* lines: written one by one */
	_Atomic bool full;
	pthread_mutex_t lock;           /* for what follows */
	uint64_t left;                  /* bytes */
	size_t n;
	char buf[BUF_SIZE];
};

/* ---- the option ------------------------------------------------------ */

static const struct { const char *name; unsigned bit; } words[] = {
	{ "exceptions", TRACE_EXCEPTIONS }, { "irqs", TRACE_IRQS },
	{ "hypercalls", TRACE_HVC }, { "mmio", TRACE_MMIO },
	{ "insns", TRACE_INSNS },
	{ "all", TRACE_EXCEPTIONS | TRACE_IRQS | TRACE_HVC | TRACE_MMIO },
};

const char trace_help[] =
	"--trace WHAT[,WHAT...][,file:PATH][,limit=SIZE]\n"
	"  exceptions         synchronous exceptions, with syndrome\n"
	"  irqs               interrupts taken by a CPU\n"
	"  hypercalls         HVC, with arguments and result\n"
	"  mmio[=DEVICE]      accesses to devices, by register\n"
	"                     (of one: mmio=uart0)\n"
	"  insns[=FIRST-LAST] instructions, of these addresses; slow\n"
	"  all                all but insns\n"
	"  file:PATH          write to a file, not to standard error\n"
	"  limit=SIZE         stop after so many bytes (16M)\n"
	"With KVM only mmio is seen.\n";

static int bad_range(const char *val, struct err *e)
{
	return err_set(e, 0, "--trace insns=%s: expected FIRST-LAST, two "
		       "addresses (try insns=0x70080000-0x70080fff)", val);
}

static int parse_range(struct cfg_trace *t, const char *val, struct err *e)
{
	char *end;

	errno = 0;
	t->first = strtoull(val, &end, 0);
	if (end == val || *end != '-' || errno)
		return bad_range(val, e);
	val = end + 1;
	t->last = strtoull(val, &end, 0);
	if (end == val || *end || errno || t->last < t->first)
		return bad_range(val, e);
	return 0;
}

static int parse_word(struct cfg_trace *t, const char *key, const char *val,
		      struct err *e)
{
	const char *names[sizeof(words) / sizeof(words[0])], *near;
	unsigned bit = 0;
	int n = (int)(sizeof(words) / sizeof(words[0]));

	for (int i = 0; i < n; i++) {
		names[i] = words[i].name;
		if (!strcmp(key, words[i].name))
			bit = words[i].bit;
	}
	near = bit ? NULL : config_nearest(key, names, n);
	if (!bit)
		return err_set(e, 0, "--trace %s: nothing of this name%s%s%s "
			       "(try --trace help)", key, near ? "; did you "
			       "mean " : "", near ? near : "", near ? "?" : "");
	t->what |= bit;
	if (!val)
		return 0;
	if (bit == TRACE_INSNS)
		return parse_range(t, val, e);
	if (bit != TRACE_MMIO || !*val || strlen(val) >= sizeof(t->device))
		return err_set(e, 0, "--trace %s=%s: no filter is known here "
			       "(try --trace help)", key, val);
	strcpy(t->device, val);
	return 0;
}

int trace_parse(struct cfg_trace *t, char *text, struct err *e)
{
	char *rest = text, *part;

	free(t->path);
	*t = (struct cfg_trace){ .last = UINT64_MAX, .limit = LIMIT };
	while ((part = strsep(&rest, ","))) {
		char *val = strchr(part, '=');

		if (!strcmp(part, "help")) {
			t->help = true;
			continue;
		}
		if (!strncmp(part, "file:", 5) && part[5]) {
			free(t->path);
			t->path = strdup(part + 5);
			if (!t->path)
				return err_set(e, ENOMEM, "--trace");
			continue;
		}
		if (val)
			*val++ = 0;
		if (!strcmp(part, "limit")) {
			if (!val || config_size(val, 1, &t->limit) ||
			    !t->limit)
				return err_set(e, 0, "--trace limit=%s: not a "
					       "size (try limit=64M)",
					       val ? val : "");
			continue;
		}
		if (parse_word(t, part, val, e))
			return -1;
	}
	if (!t->what && !t->help)
		return err_set(e, 0, "--trace: says not what (try --trace "
			       "help)");
	return 0;
}

/* ---- life ------------------------------------------------------------ */

struct trace *trace_open(const struct cfg_trace *c, struct loop *l,
			 struct outfiles *out, struct err *e)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(e, ENOMEM, "--trace");
		return NULL;
	}
	t->cfg = *c;
	t->cfg.path = NULL;
	t->loop = l;
	t->left = c->limit;
	t->fd = STDERR_FILENO;
	t->lines = true;
	pthread_mutex_init(&t->lock, NULL);
	if (!c->path)
		return t;
	t->lines = false;
	t->fd = outfile_open(out, c->path);
	if (t->fd < 0) {
		err_set(e, errno, "--trace file:%s", c->path);
		trace_close(t);
		return NULL;
	}
	t->own_fd = true;
	return t;
}

/* The lock is held. What cannot be written ends the trace. */
static void flush(struct trace *t)
{
	size_t done = 0;

	while (done < t->n) {
		ssize_t n = write(t->fd, t->buf + done, t->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			t->full = true;
			break;
		}
		done += (size_t)n;
	}
	t->n = 0;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	flush(t);
	if (t->own_fd)
		close(t->fd);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

unsigned trace_what(const struct trace *t)
{
	return t ? t->cfg.what : 0;
}

/* ---- lines ----------------------------------------------------------- */

static void put(struct trace *t, const char *text, size_t n)
{
	static const char end[] = "trace: the limit is reached\n";

	pthread_mutex_lock(&t->lock);
	if (n > t->left && !t->full) {
		t->full = true;
		text = end;
		n = t->left = sizeof(end) - 1;
	}
	if (t->left >= n) {
		if (BUF_SIZE - t->n < n)
			flush(t);
		memcpy(t->buf + t->n, text, n);
		t->n += n;
		t->left -= n;
		if (t->lines || t->full)
			flush(t);
		if (t->full)
			t->left = 0;
	}
	pthread_mutex_unlock(&t->lock);
}

static void line(struct trace *t, unsigned cpu, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void line(struct trace *t, unsigned cpu, const char *fmt, ...)
{
	uint64_t us = loop_now(t->loop, CLOCK_GUEST) / 1000;
	char text[LINE_SIZE];
	va_list ap;
	int n, m;

	n = snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64 " cpu%u ",
		     us / 1000000, us % 1000000, cpu);
	va_start(ap, fmt);
	m = vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	n += m < 0 ? 0 : m;
	if (n > (int)sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	put(t, text, (size_t)n);
}

/* By exception class, spec/cpu.md 4.2. */
static const char *class_name(unsigned ec)
{
	static const char *const name[64] = {
		[0x00] = "undefined", [0x01] = "wfx-trap", [0x07] = "fp-trap",
		[0x0d] = "bti", [0x0e] = "illegal-state", [0x15] = "svc",
		[0x16] = "hvc", [0x17] = "smc", [0x18] = "sysreg-trap",
		[0x1c] = "pac-failure", [0x20] = "instruction-abort",
		[0x21] = "instruction-abort", [0x22] = "pc-alignment",
		[0x24] = "data-abort", [0x25] = "data-abort",
		[0x26] = "sp-alignment", [0x2c] = "fp-exception",
		[0x2f] = "serror", [0x30] = "breakpoint",
		[0x31] = "breakpoint", [0x32] = "software-step",
		[0x33] = "software-step", [0x34] = "watchpoint",
		[0x35] = "watchpoint", [0x3c] = "brk",
	};

	return name[ec] ? name[ec] : "exception";
}

void trace_exception(struct trace *t, unsigned cpu, uint32_t esr, unsigned el,
		     uint64_t elr, uint64_t far)
{
	unsigned ec = esr >> 26 & 63;
	/* those that say where: aborts, PC alignment, watchpoints */
	bool has_far = (ec >= 0x20 && ec <= 0x25) || ec >> 1 == 0x34 >> 1;

	if (t->full)
		return;
	if (has_far)
		line(t, cpu, "%s esr 0x%08x far 0x%" PRIx64 " elr 0x%" PRIx64
		     " el%u", class_name(ec), (unsigned)esr, far, elr, el);
	else
		line(t, cpu, "%s esr 0x%08x elr 0x%" PRIx64 " el%u",
		     class_name(ec), (unsigned)esr, elr, el);
}

void trace_irq(struct trace *t, unsigned cpu, bool fiq, unsigned el,
	       uint64_t elr)
{
	if (!t->full)
		line(t, cpu, "%s elr 0x%" PRIx64 " el%u", fiq ? "fiq" : "irq",
		     elr, el);
}

void trace_hvc(struct trace *t, unsigned cpu, const uint64_t arg[4],
	       uint64_t result)
{
	if (!t->full)
		line(t, cpu, "hvc 0x%08x (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%"
		     PRIx64 ") = 0x%" PRIx64, (unsigned)arg[0], arg[1], arg[2],
		     arg[3], result);
}

static const struct reg *reg_at(const struct device *d, const struct access *a)
{
	const struct reg *r = d->ops->regs;

	for (; a->win == 0 && r && r->name; r++)
		if (a->off >= r->off && a->off - r->off < r->size)
			return r;
	return NULL;
}

void trace_mmio(struct trace *t, const struct device *d, const struct access *a,
		bool write, const char *why)
{
	const struct reg *r = reg_at(d, a);
	char where[48];

	if (t->full || (*t->cfg.device && strcmp(t->cfg.device, d->id)))
		return;
	if (r && r->off == a->off)
		snprintf(where, sizeof(where), "%s", r->name);
	else if (r)
		snprintf(where, sizeof(where), "%s+%u", r->name,
			 (unsigned)(a->off - r->off));
	else if (a->win)
		snprintf(where, sizeof(where), "%u:0x%" PRIx64, a->win, a->off);
	else
		snprintf(where, sizeof(where), "0x%" PRIx64, a->off);
	line(t, a->cpu, "%s %s %s%u 0x%" PRIx64 "%s%s", d->id, where,
	     write ? "<-" : "->", 8u * a->size, a->val, *why ? " " : "", why);
}

void trace_insn(struct trace *t, unsigned cpu, uint64_t pc, uint32_t word,
		const char *name)
{
	if (!t->full && pc >= t->cfg.first && pc <= t->cfg.last)
		line(t, cpu, "0x%" PRIx64 " %08x %s", pc, (unsigned)word,
		     name ? name : "undefined");
}
