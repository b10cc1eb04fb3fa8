/* virtio_console.h: a console of one port (virtio 1.2 section 5.3). */
#ifndef POME_VIRTIO_CONSOLE_H
#define POME_VIRTIO_CONSOLE_H

#include "backend.h"
#include "virtio.h"

struct virtio_console_conf {
	struct virtio_conf virtio;
	struct tty *tty;                /* stays the caller's; may be NULL */
};

extern const struct device_ops virtio_console_ops;

#endif
