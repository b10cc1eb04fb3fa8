/* gdb_wire.c: packets and hex digits of the remote protocol; gdb_int.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gdb_int.h"

#define INTERRUPT 0x03

static const char digits[] = "0123456789abcdef";

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* ---- going out ------------------------------------------------------- */

void gdb_bin(struct gdb_session *s, const void *bytes, size_t n)
{
	if (n > GDB_PACKET - s->nout)
		n = GDB_PACKET - s->nout;
	memcpy(s->out + s->nout, bytes, n);
	s->nout += n;
}

void gdb_str(struct gdb_session *s, const char *text)
{
	gdb_bin(s, text, strlen(text));
}

void gdb_hex(struct gdb_session *s, const void *bytes, size_t n)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++) {
		char two[2] = { digits[b[i] >> 4], digits[b[i] & 15] };

		gdb_bin(s, two, 2);
	}
}

void gdb_fmt(struct gdb_session *s, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gdb_str(s, text);
}

void gdb_flush(struct gdb_session *s)
{
	uint8_t sum = 0;
	size_t n = 0;

	s->sent[n++] = '$';
	for (size_t i = 0; i < s->nout; i++) {
		char c = s->out[i];

		if (c == '$' || c == '#' || c == '}' || c == '*') {
			s->sent[n++] = '}';
			sum = (uint8_t)(sum + '}');
			c ^= 0x20;
		}
		s->sent[n++] = c;
		sum = (uint8_t)(sum + (uint8_t)c);
	}
	s->sent[n++] = '#';
	s->sent[n++] = digits[sum >> 4];
	s->sent[n++] = digits[sum & 15];
	s->nsent = n;
	s->nout = 0;
	s->put(s->put_arg, s->sent, n);
}

/* ---- coming in ------------------------------------------------------- */

static void packet(struct gdb_session *s)
{
	bool good = s->noack || s->want == s->sum;

	if (!s->noack)
		s->put(s->put_arg, good ? "+" : "-", 1);
	/* too long a packet has lost its end */
	if (good && s->nin <= GDB_PACKET) {
		s->in[s->nin] = 0;
		gdb_command(s, s->in, s->nin);
	} else if (good) {
		gdb_str(s, "E22");
		gdb_flush(s);
	}
}

static void outside(struct gdb_session *s, char c)
{
	switch (c) {
	case '$':
		s->wire = WIRE_BODY;
		s->nin = 0;
		s->sum = 0;
		break;
	case '-':
		if (!s->noack && s->nsent)
			s->put(s->put_arg, s->sent, s->nsent);
		break;
	case INTERRUPT:
		gdb_interrupt(s);
		break;
	}
}

/* True: a packet has ended. */
static bool one(struct gdb_session *s, char c)
{
	switch (s->wire) {
	case WIRE_IDLE:
		outside(s, c);
		return c == '-' || c == INTERRUPT;
	case WIRE_BODY:
		if (c == '#') {
			s->wire = WIRE_SUM1;
		} else if (c == '$') {
			outside(s, c);          /* a new one instead */
		} else {
			s->sum = (uint8_t)(s->sum + (uint8_t)c);
			if (s->nin < GDB_PACKET)
				s->in[s->nin] = c;
			if (s->nin <= GDB_PACKET)
				s->nin++;
		}
		return false;
	case WIRE_SUM1:
		s->want = (unsigned)digit(c) << 4;
		s->wire = WIRE_SUM2;
		return false;
	case WIRE_SUM2:
		s->want |= (unsigned)digit(c);
		s->wire = WIRE_IDLE;
		packet(s);
		return true;
	}
	return false;
}

size_t gdb_input(struct gdb_session *s, const void *buf, size_t len)
{
	const char *p = buf;
	size_t i = 0;

	while (i < len && !s->closed)
		if (one(s, p[i++]))
			break;
	return i;
}

/* ---- what packets are made of ---------------------------------------- */

bool gdb_get_char(const char **p, char c)
{
	if (**p != c || !c)
		return false;
	(*p)++;
	return true;
}

bool gdb_get_word(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n))
		return false;
	*p += n;
	return true;
}

bool gdb_get_hex(const char **p, uint64_t *val)
{
	unsigned n = 0;

	*val = 0;
	for (; digit(**p) >= 0; n++, (*p)++) {
		if (*val >> 60)
			return false;
		*val = *val << 4 | (uint64_t)digit(**p);
	}
	return n > 0;
}

bool gdb_get_byte(const char **p, uint8_t *val)
{
	int hi = digit((*p)[0]), lo = hi < 0 ? -1 : digit((*p)[1]);

	if (lo < 0)
		return false;
	*val = (uint8_t)(hi << 4 | lo);
	*p += 2;
	return true;
}

bool gdb_get_bytes(const char **p, void *buf, size_t n)
{
	uint8_t *b = buf;

	for (size_t i = 0; i < n; i++)
		if (!gdb_get_byte(p, &b[i]))
			return false;
	return true;
}

bool gdb_get_thread(const struct gdb_session *s, const char **p, int *cpu)
{
	uint64_t n;

	*cpu = -1;
	if (gdb_get_char(p, 'p')) {
		if (gdb_get_word(p, "-1"))
			return true;
		if (!gdb_get_hex(p, &n) || n > 1)
			return false;
		if (!gdb_get_char(p, '.'))
			return true;
	}
	if (gdb_get_word(p, "-1"))
		return true;
	if (!gdb_get_hex(p, &n) || n > s->t->ncpus)
		return false;
	*cpu = (int)n - 1;              /* 0: any, which is -1 here */
	return true;
}
