/* An entropy source: the host kernel's random bytes, or those of --seed.
 *
 * Virtual I/O Device (VIRTIO) 1.2, section 5.4. */
#include "virtio_rng.h"

#include "loop.h"
#include "seed.h"

enum {
	QUEUE = 64,
	CHUNK = 1024,                   /* bytes a request gets, at most */
	BATCH = 64,                     /* requests before others get a turn */
};

struct virtio_rng {
	struct virtio virtio;
	struct virtq_elem elem;
	struct seed seed;               /* host side */
};

static void serve(struct virtio_rng *d)
{
	uint8_t buf[CHUNK];
	size_t want = d->elem.in_len < CHUNK ? d->elem.in_len : CHUNK;
	/* a request may get fewer bytes than it has room for */
	size_t n = seed_get(&d->seed, buf, want) ? want : 0;

	virtq_write(&d->elem, 0, buf, n);
	virtq_push(&d->virtio.vq[0], d->elem.head, n);
}

static void run(void *arg)
{
	struct virtio_rng *d = arg;
	struct virtq *q = &d->virtio.vq[0];
	unsigned n;

	if (!virtio_running(&d->virtio))
		return;
	virtq_notify_off(q);
	for (n = 0; n < BATCH; n++) {
		if (virtq_pop(q, &d->elem))
			serve(d);
		else if (!virtq_notify_on(q))
			break;
		else
			virtq_notify_off(q);
	}
	virtq_show(q);
	if (n == BATCH)
		loop_post(d->virtio.pci.dev.loop, &d->virtio.pci.dev, run, d);
}

static void rng_notify(struct virtio *v, unsigned q)
{
	run(v);
}

static const struct virtio_ops rng_ops = {
	.id = VIRTIO_ID_RNG,
	.pci = { 0x1af4, 0x1044, 0x1af4, 0x1100, 0x00ff00, 1 },
	.queues = 1,
	.queue_size = { QUEUE },
	.notify = rng_notify,
};

static int rng_init(struct device *dev, const struct devconf *dc,
		    struct err *e)
{
	struct virtio_rng *d = (struct virtio_rng *)dev;
	const struct virtio_rng_conf *c = dc->arg;

	seed_init(&d->seed, c->config, SEED_RNG);
	return virtio_init(&d->virtio, &rng_ops, &c->virtio, dc, e);
}

static void rng_reset(struct device *dev)
{
	virtio_power_on((struct virtio *)dev);
}

static void rng_fini(struct device *dev)
{
	virtio_fini((struct virtio *)dev);
}

const struct device_ops virtio_rng_ops = {
	.name = "virtio-rng",
	.size = sizeof(struct virtio_rng),
	.init = rng_init,
	.reset = rng_reset,
	.read = pci_fn_read,
	.write = pci_fn_write,
	.fini = rng_fini,
};
