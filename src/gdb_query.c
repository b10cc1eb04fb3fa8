/* gdb_query.c: general queries, q and Q; gdb_int.h. */
#include <stdio.h>
#include <string.h>

#include "gdb_int.h"

static void supported(struct gdb_session *s, const char *p)
{
	s->swbreak = strstr(p, "swbreak+") != NULL;
	s->hwbreak = strstr(p, "hwbreak+") != NULL;
	gdb_fmt(s, "PacketSize=%x;qXfer:features:read+;vContSupported+;"
		"QStartNoAckMode+;swbreak+;hwbreak+", GDB_PACKET);
}

/* qXfer:features:read:target.xml:OFFSET,LENGTH */
static void features(struct gdb_session *s, const char *p)
{
	/* every byte could be escaped, for all that is known here */
	uint64_t off, len, most = GDB_PACKET / 2;

	if (!gdb_get_word(&p, "target.xml:") || !gdb_get_hex(&p, &off) ||
	    !gdb_get_char(&p, ',') || !gdb_get_hex(&p, &len)) {
		gdb_str(s, "E00");
		return;
	}
	if (off > s->nxml)
		off = s->nxml;
	if (len > most)
		len = most;
	if (len >= s->nxml - off)
		len = s->nxml - off;
	gdb_str(s, off + len == s->nxml ? "l" : "m");
	gdb_bin(s, s->xml + off, (size_t)len);
}

static void threads(struct gdb_session *s)
{
	for (unsigned i = 0; i < s->t->ncpus; i++)
		gdb_fmt(s, "%c%x", i ? ',' : 'm', i + 1);
}

static void thread_info(struct gdb_session *s, const char *p)
{
	char text[64];
	int cpu;

	if (!gdb_get_thread(s, &p, &cpu) || cpu < 0) {
		gdb_str(s, "E22");
		return;
	}
	snprintf(text, sizeof(text), "cpu%d [%s]", cpu,
		 s->t->state(s->t->arg, (unsigned)cpu));
	gdb_hex(s, text, strlen(text));
}

/* lldb's: what it debugs. */
static void host_info(struct gdb_session *s)
{
	/* "aarch64-unknown-none" */
	gdb_str(s, "triple:616172636836342d756e6b6e6f776e2d6e6f6e65;"
		"endian:little;ptrsize:8;watchpoint_exceptions_received:"
		"before;");
}

void gdb_query(struct gdb_session *s, const char *p)
{
	if (gdb_get_word(&p, "Supported"))
		supported(s, p);
	else if (gdb_get_word(&p, "Xfer:features:read:"))
		features(s, p);
	else if (!strcmp(p, "fThreadInfo"))
		threads(s);
	else if (!strcmp(p, "sThreadInfo"))
		gdb_str(s, "l");
	else if (gdb_get_word(&p, "ThreadExtraInfo,"))
		thread_info(s, p);
	else if (!strcmp(p, "C"))
		gdb_fmt(s, "QC%x", s->cpu + 1);
	else if (gdb_get_word(&p, "Attached"))
		gdb_str(s, "1");
	else if (gdb_get_word(&p, "Symbol:"))
		gdb_str(s, "OK");
	else if (gdb_get_word(&p, "Rcmd,"))
		gdb_monitor(s, p);
	else if (!strcmp(p, "HostInfo"))
		host_info(s);
	else if (!strcmp(p, "ProcessInfo"))
		gdb_str(s, "pid:1;endian:little;ptrsize:8;");
	else if (gdb_get_word(&p, "WatchpointSupportInfo"))
		gdb_fmt(s, "num:%u;", VM_MAX_POINTS);
	else if (!strcmp(p, "qemu.PhyMemMode"))
		gdb_str(s, s->phys ? "1" : "0");
	else if (!strcmp(p, "qemu.sstepbits"))
		gdb_str(s, s->t->noirq ? "ENABLE=1,NOIRQ=2" : "ENABLE=1");
	else if (!strcmp(p, "qemu.sstep"))
		gdb_fmt(s, "0x%x", s->noirq ? 3u : 1u);
}

/* QEMU's words for what its users have in their scripts. */
static void set_step(struct gdb_session *s, const char *p)
{
	uint64_t bits;

	gdb_get_word(&p, "0x");
	if (!gdb_get_hex(&p, &bits) || bits > 7) {
		gdb_str(s, "E22");
		return;
	}
	s->noirq = bits & 2 && s->t->noirq;
	if (s->t->noirq)
		s->t->set_noirq(s->t->arg, s->noirq);
	gdb_str(s, "OK");
}

void gdb_set(struct gdb_session *s, const char *p)
{
	if (!strcmp(p, "StartNoAckMode")) {
		/* this reply is acknowledged still; nobody looks */
		s->noack = true;
		gdb_str(s, "OK");
	} else if (gdb_get_word(&p, "qemu.PhyMemMode:")) {
		s->phys = *p == '1';
		gdb_str(s, "OK");
	} else if (gdb_get_word(&p, "qemu.sstep=")) {
		set_step(s, p);
	}
}
