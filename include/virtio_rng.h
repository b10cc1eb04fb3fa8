/* virtio_rng.h: an entropy source (virtio 1.2 section 5.4). */
#ifndef POME_VIRTIO_RNG_H
#define POME_VIRTIO_RNG_H

#include "virtio.h"

struct virtio_rng_conf {
	struct virtio_conf virtio;
	const struct config *config;    /* its seed; may be NULL */
};

extern const struct device_ops virtio_rng_ops;

#endif
