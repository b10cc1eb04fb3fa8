/* pl011.h: the PL011 UART. Wire 0 is its interrupt; conf.arg is the struct
 * below. Window 0: 4 KiB. */
#ifndef POME_PL011_H
#define POME_PL011_H

#include <stddef.h>

#include "device.h"

struct tty;

struct pl011_conf {
	/* The far side, or NULL: output is dropped, no input comes. The device
	 * fills in tty->dev, input and writable; tty outlives the device. */
	struct tty *tty;
};

extern const struct device_ops pl011_ops;

/* The last bytes that the guest sent (at most 8 KiB), oldest first, for the
 * post-mortem; returns how many. Takes the device's lock. */
#define PL011_TAIL 8192
size_t pl011_tail(struct device *, char *buf, size_t len);
/* Bytes sent and received so far. */
void pl011_counts(struct device *, uint64_t *tx, uint64_t *rx);

#endif
