/* bench.h: what the bare-metal measurements share: a menu on the serial port.
 *
 * The host asks for one program at a time by a letter (b_serve), and takes the
 * CPU time of the whole process around it: other load on the machine then
 * changes little. How often each runs is fixed, so that two machines are
 * compared by the ratio. Built twice: for pome's board, and (BOARD_VIRT) for
 * QEMU's virt, as the peer in the same run. */
#ifndef BENCH_H
#define BENCH_H

#include "../guest/guest.h"

struct program {
	const char *name;
	/* `div`: does a div-th of its work; 1, or 50 under valgrind */
	void (*run)(unsigned div);
	uint64_t insns;                 /* known number, else 0 */
};

#ifdef BOARD_VIRT
#define UART_BASE 0x09000000ul
#else
#define UART_BASE 0x20010000ul
#endif
enum { UART_DR = 0, UART_FR = 0x18, UART_CR = 0x30, UART_RXFE = 1 << 4 };

/* What programs compute, so that no compiler leaves it out; printed last. */
extern volatile uint64_t sink;

/* The letter of program i; 'q' is another's. */
static inline unsigned b_letter(unsigned i) { return 'a' + i + ('a' + i >= 'q'); }

/* Lists the programs, serves a letter at a time (capital: briefly), powers off
 * at 'q'. At most 25 programs. Never returns. */
static inline void b_serve(const struct program *p, unsigned n)
{
	wr32(UART_BASE + UART_CR, 0x301);       /* on, both ways */
	for (unsigned i = 0; i < n; i++)
		print("PROGRAM %c %s %lu\n", (int)b_letter(i), p[i].name,
		      p[i].insns);
	for (;;) {
		print("?\n");
		while (rd32(UART_BASE + UART_FR) & UART_RXFE)
			;
		unsigned ch = rd32(UART_BASE + UART_DR) & 0xff;
		bool brief = ch < 'a';

		ch |= 0x20;
		if (ch == 'q') {
			print("SINK %lx\n", sink);
			psci(0x84000008, 0, 0, 0);
		}
		unsigned i = 0;

		while (i < n && b_letter(i) != ch)
			i++;
		if (i == n)
			continue;
		uint64_t t = now();

		p[i].run(brief ? 50 : 1);
		t = now() - t;
		print("DONE %lu\n", t * 1000 / (READ(cntfrq_el0) / 1000000));
	}
}

/* Makes what was stored at [p, p + bytes) the code there. */
static inline void sync_code(const void *p, uint64_t bytes)
{
	for (uint64_t a = (uint64_t)p & ~63ul; a < (uint64_t)p + bytes; a += 64)
		__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0"
				 : : "r"(a) : "memory");
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

#endif
