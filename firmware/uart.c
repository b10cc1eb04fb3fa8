/* The serial line: a PL011, polled (Arm DDI 0183; spec/vmapple.md section
 * 1.6), and the few forms of printf that a boot ROM needs. */
#include <stdarg.h>

#include "rom.h"

enum { UARTDR = 0x00, UARTFR = 0x18, UARTLCR_H = 0x2c, UARTCR = 0x30 };
enum { FR_RXFE = 1 << 4, FR_TXFF = 1 << 5 };

/* So many polls of a full FIFO, then the byte is dropped: a line that nobody
 * drains must not stop a boot for ever. */
#define PATIENCE 50000000u

void uart_init(void)
{
	wr32(UART_BASE + UARTLCR_H, 0x70);      /* 8 bits, FIFOs */
	wr32(UART_BASE + UARTCR, 0x300);
	wr32(UART_BASE + UARTCR, 0x301);
}

static void put_raw(char c)
{
	static bool stuck;
	uint32_t n = stuck ? 1 : PATIENCE;

	while (n && rd32(UART_BASE + UARTFR) & FR_TXFF)
		n--;
	stuck = !n;
	if (n)
		wr32(UART_BASE + UARTDR, (uint8_t)c);
}

static void put(char c)
{
	if (c == '\n')
		put_raw('\r');
	put_raw(c);
}

int key(void)
{
	if (rd32(UART_BASE + UARTFR) & FR_RXFE)
		return -1;
	return (int)(rd32(UART_BASE + UARTDR) & 0xff);
}

static void put_number(uint64_t v, unsigned base, unsigned width, char fill)
{
	char buf[24];
	unsigned n = 0;

	do {
		buf[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	for (unsigned i = n; i < width; i++)
		put(fill);
	while (n)
		put(buf[--n]);
}

static void put_string(const char *s, unsigned width)
{
	unsigned n = 0;

	for (; *s; s++, n++)
		put(*s);
	for (; n < width; n++)
		put(' ');
}

static void put_der(const struct der *d)
{
	for (size_t i = 0; i < d->n && i < 100; i++)
		put(d->p[i] < 0x20 || d->p[i] > 0x7e ? '.' : (char)d->p[i]);
}

static void put_signed(int64_t v, unsigned width, char fill)
{
	if (v < 0)
		put('-');
	put_number(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, width, fill);
}

static void put_fourcc(uint32_t v)
{
	char name[5];

	img4_name(v, name);
	put_string(name, 0);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		unsigned width = 0, longs = 0;
		char fill = ' ';

		if (*fmt != '%') {
			put(*fmt);
			continue;
		}
		if (*++fmt == '0')
			fill = *fmt++;
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (unsigned)(*fmt - '0');
		for (; *fmt == 'l'; fmt++)
			longs++;
		switch (*fmt) {
		case 's': put_string(va_arg(ap, const char *), width); break;
		case 'c': put((char)va_arg(ap, int)); break;
		case 'd':
			put_signed(longs ? va_arg(ap, int64_t) :
					   va_arg(ap, int), width, fill);
			break;
		case 'u':
		case 'x':
			put_number(longs ? va_arg(ap, uint64_t) :
					   va_arg(ap, unsigned),
				   *fmt == 'x' ? 16 : 10, width, fill);
			break;
		case 'D': put_der(va_arg(ap, const struct der *)); break;
		case 'T': put_fourcc(va_arg(ap, uint32_t)); break;
		default: put(*fmt); break;
		}
	}
	va_end(ap);
}

void read_line(char *buf, size_t size)
{
	size_t n = 0;

	for (;;) {
		int c = key();

		if (c < 0) {
			__asm__ volatile("wfe");
			continue;
		}
		if (c == '\r' || c == '\n')
			break;
		if ((c == 8 || c == 127) && n) {
			n--;
			say("\b \b");
		} else if (c == 21) {           /* Ctrl-u */
			for (; n; n--)
				say("\b \b");
		} else if (c >= 0x20 && c < 0x7f && n + 1 < size) {
			buf[n++] = (char)c;
			put((char)c);
		}
	}
	buf[n] = 0;
	say("\n");
}
