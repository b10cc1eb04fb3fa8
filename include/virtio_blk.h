/* virtio_blk.h: a disk (virtio 1.2 section 5.2), and Apple's variant. */
#ifndef POME_VIRTIO_BLK_H
#define POME_VIRTIO_BLK_H

#include "backend.h"
#include "virtio.h"

enum virtio_blk_kind {
	VIRTIO_BLK_PLAIN,               /* 1AF4:1042 */
	VIRTIO_BLK_ROOT,                /* Apple's 106B:1A00, role 1 */
	VIRTIO_BLK_AUX,                 /* role 2; vmapple.md section 5 */
};

struct virtio_blk_conf {
	struct virtio_conf virtio;
	struct blk *blk;                /* stays the caller's; closed after */
	enum virtio_blk_kind kind;
};

extern const struct device_ops virtio_blk_ops;

#endif
