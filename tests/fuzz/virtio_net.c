/* Fuzz target: a network card whose world sends frames back at odd moments. */
#include "virtio.h"
#include "virtio_net.h"

struct world {
	struct net net;
	uint8_t frame[70000];
	bool echo, held;
};

static void w_send(struct net *n, const struct iovec *iov, int c)
{
	struct world *w = (struct world *)n;
	size_t len = 0;

	for (int i = 0; i < c; i++) {
		fuzz_require(iov[i].iov_len <= sizeof(w->frame) - len,
			     "frames are not huge");
		memcpy(w->frame + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	fuzz_require(len >= 14, "frames have a header");
	if (w->echo)
		w->held |= !n->rx(n->dev, w->frame, len);
}

static void w_ready(struct net *n)
{
	((struct world *)n)->held = false;
}

static const struct net_ops w_ops = { .send = w_send, .rx_ready = w_ready };

static void extra(struct fuzz_virtio *t, struct fuzz_in *in)
{
	struct world *w = t->arg;
	unsigned op = (unsigned)fuzz_get(in, 1);

	w->echo = op & 1;
	if (w->held || op & 2)
		return;
	device_lock(t->d.dev);
	w->held |= !w->net.rx(t->d.dev, w->frame, fuzz_get(in, 2));
	device_unlock(t->d.dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct fuzz_in in = { data, size };
	struct virtio_net_conf c = { .net = &w.net, .mac = { 2, 3 } };
	struct fuzz_virtio t = { .queues = 3, .extra = extra, .arg = &w };

	memset(&w, 0, sizeof(w));
	w.net.ops = &w_ops;
	drv_open(&t.d);
	c.virtio.pci = drv_pci(&t.d);
	t.d.dev = fake_device(t.d.f, &virtio_net_ops, &c);
	t.features = ((struct virtio *)t.d.dev)->features;
	fuzz_virtio_run(&t, &in);
	fuzz_require(!w.held, "nothing is held back after a reset");
	return 0;
}
