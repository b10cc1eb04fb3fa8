/* virtio_net.h: a network card (virtio 1.2 section 5.1). */
#ifndef POME_VIRTIO_NET_H
#define POME_VIRTIO_NET_H

#include "backend.h"
#include "virtio.h"

struct virtio_net_conf {
	struct virtio_conf virtio;
	struct net *net;                /* stays the caller's; NULL: no link */
	uint8_t mac[6];
};

extern const struct device_ops virtio_net_ops;

#endif
