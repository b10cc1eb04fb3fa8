/* el1.h: what the guests share that run on pome and on qemu-system-aarch64 and
 * print the same lines there, or differ for a reason (known.txt).
 *
 * One image for both boards: it lies in RAM of both, takes the serial port from
 * whether it was given a device tree (QEMU gives an ELF none), and uses no
 * other device. Addresses of its own it prints relative to `image`. */
#ifndef EL1_H
#define EL1_H

#include "guest.h"

/* Where the image is linked, tests/guest/guest.ld. */
#define IMAGE 0x70080000ul

static inline void el1_start(uint64_t dtb)
{
	if (!dtb)
		guest_on_virt();
}

/* The same numbers on both machines. */
static inline uint64_t el1_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Words that were written as data are code from here on. */
static inline void el1_code(void)
{
	__asm__ volatile("dsb sy; ic iallu; dsb sy; isb" : : : "memory");
}

#endif
