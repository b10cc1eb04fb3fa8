/* bdif.h: the firmware's backdoor: ROOT and AUX disks by simple requests, and
 * a USB device port. spec/vmapple.md section 3.
 *
 * Two devices, because the port's other side lives in the loop, which must not
 * wait for a lock that is held during disk I/O:
 *	bdif_ops	windows 0 and 1: device ids 0x00..0x0f and 0x11..0x1f,
 *			64 KiB each
 *	bdif_usb_ops	window 0: device id 0x10 */
#ifndef POME_BDIF_H
#define POME_BDIF_H

#include <stdint.h>

#include "backend.h"
#include "device.h"

#define BDIF_SLOT 0x10000u              /* bytes a device id has */
#define BDIF_USB_SLOT 0x10u

struct bdif_conf {
	/* NULL: absent. They stay the caller's, and are closed later; the same
	 * image may be behind a virtio function too. */
	struct blk *root, *aux;
};

extern const struct device_ops bdif_ops;

/* What goes over the tty, both ways, is a sequence of packets:
 *	u32 length of the payload	at most BDIF_USB_MAX, little-endian
 *	u8 endpoint
 *	u8 type				section 3.4, first column
 *	payload */
#define BDIF_USB_HEADER 6
#define BDIF_USB_MAX 16384

struct bdif_usb_conf {
	struct tty *tty;                /* NULL: nobody is ever attached */
};

extern const struct device_ops bdif_usb_ops;

#endif
