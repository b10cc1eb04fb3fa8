/* gdb.c: one debugger's session: its commands; gdb_int.h. */
#include <errno.h>
#include <string.h>

#include "gdb_int.h"

/* Error numbers mean nothing to debuggers; these are of errno.h, decimal. */
static void ok_or(struct gdb_session *s, bool ok, unsigned no)
{
	if (ok)
		gdb_str(s, "OK");
	else
		gdb_fmt(s, "E%02u", no);
}

/* ---- memory ---------------------------------------------------------- */

static size_t mem(struct gdb_session *s, bool write, uint64_t addr, void *buf,
		  size_t len)
{
	return s->t->mem(s->t->arg, s->phys ? GDB_PHYS : (int)s->cpu, write,
			 addr, buf, len);
}

static bool range(const char **p, uint64_t *addr, uint64_t *len)
{
	return gdb_get_hex(p, addr) && gdb_get_char(p, ',') &&
	       gdb_get_hex(p, len);
}

static void read_mem(struct gdb_session *s, const char *p)
{
	uint8_t buf[GDB_PACKET / 2];
	uint64_t addr, len;
	size_t n;

	if (!range(&p, &addr, &len)) {
		gdb_str(s, "E22");
		return;
	}
	if (len > sizeof(buf))
		len = sizeof(buf);
	n = mem(s, false, addr, buf, (size_t)len);
	if (n || !len)
		gdb_hex(s, buf, n);
	else
		gdb_str(s, "E14");
}

/* "}" stands before a byte that would end the packet. */
static size_t unescape(uint8_t *to, const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)p[i];

		if (c == '}' && i + 1 < len)
			c = (uint8_t)p[++i] ^ 0x20;
		to[n++] = c;
	}
	return n;
}

static void write_mem(struct gdb_session *s, const char *p, size_t left,
		      bool binary)
{
	const char *start = p;
	uint8_t buf[GDB_PACKET];
	uint64_t addr, len;
	size_t n;

	if (!range(&p, &addr, &len) || !gdb_get_char(&p, ':') ||
	    len > sizeof(buf)) {
		gdb_str(s, "E22");
		return;
	}
	if (binary)
		n = unescape(buf, p, left - (size_t)(p - start));
	else
		n = gdb_get_bytes(&p, buf, (size_t)len) ? (size_t)len : 0;
	if (n != len)
		gdb_str(s, "E22");
	else
		ok_or(s, mem(s, true, addr, buf, n) == n, EFAULT);
}

/* ---- threads --------------------------------------------------------- */

static void choose(struct gdb_session *s, const char *p)
{
	char what = *p;
	int cpu;

	if ((what != 'g' && what != 'c') ||
	    (p++, !gdb_get_thread(s, &p, &cpu))) {
		gdb_str(s, "E22");
		return;
	}
	if (what == 'c')
		s->run_cpu = cpu;
	else
		s->cpu = cpu < 0 ? s->stop_cpu : (unsigned)cpu;
	gdb_str(s, "OK");
}

static void alive(struct gdb_session *s, const char *p)
{
	int cpu;

	ok_or(s, gdb_get_thread(s, &p, &cpu) && cpu >= 0, ESRCH);
}

/* ---- packets --------------------------------------------------------- */

static void kill_all(struct gdb_session *s)
{
	s->closed = true;
	s->t->quit(s->t->arg);
}

static void letter_v(struct gdb_session *s, const char *p)
{
	if (gdb_get_word(&p, "Cont?")) {
		gdb_str(s, "vCont;c;C;s;S");
	} else if (gdb_get_word(&p, "Cont")) {
		gdb_vcont(s, p);
		return;
	} else if (gdb_get_word(&p, "Kill")) {
		gdb_str(s, "OK");
		gdb_flush(s);
		kill_all(s);
		return;
	}
	gdb_flush(s);
}

/* Those that have a reply at once. */
static void answer(struct gdb_session *s, char *p, size_t len)
{
	switch (*p++) {
	case '!': gdb_str(s, "OK"); break;
	case '?': gdb_str(s, s->stop); break;
	case 'g': gdb_read_all(s); break;
	case 'G': gdb_write_all(s, p); break;
	case 'p': gdb_read_reg(s, p); break;
	case 'P': gdb_write_reg(s, p); break;
	case 'm': read_mem(s, p); break;
	case 'M': write_mem(s, p, len - 1, false); break;
	case 'X': write_mem(s, p, len - 1, true); break;
	case 'H': choose(s, p); break;
	case 'T': alive(s, p); break;
	case 'z': gdb_point(s, false, p); break;
	case 'Z': gdb_point(s, true, p); break;
	case 'q': gdb_query(s, p); break;
	case 'Q': gdb_set(s, p); break;
	default: break;                 /* empty: not known here */
	}
	gdb_flush(s);
}

void gdb_command(struct gdb_session *s, char *p, size_t len)
{
	/* In all-stop mode a debugger waits: this one does not keep to it. */
	if (s->running)
		return;
	switch (len ? *p : 0) {
	case 'c': case 'C': case 's': case 'S':
		gdb_resume(s, *p, p + 1);
		break;
	case 'v':
		letter_v(s, p + 1);
		break;
	case 'k':
		kill_all(s);
		break;
	case 'D':
		gdb_str(s, "OK");
		gdb_flush(s);
		gdb_detach(s);
		break;
	default:
		answer(s, p, len);
	}
}

void gdb_begin(struct gdb_session *s, const struct gdb_target *t,
	       void (*put)(void *, const void *, size_t), void *arg)
{
	memset(s, 0, sizeof(*s));
	s->t = t;
	s->put = put;
	s->put_arg = arg;
	s->run_cpu = -1;
	s->noirq = t->noirq;
	if (t->noirq)
		t->set_noirq(t->arg, true);
	strcpy(s->stop, "T05thread:1;");
	gdb_describe(s);
}
