/* A network card.
 *
 * Virtual I/O Device (VIRTIO) 1.2, section 5.1. Frames pass as they are: no
 * checksum or segmentation offload, so the header is all zeros but for
 * num_buffers. Left out: several queue pairs, VLAN filters, announcements.
 * Sending and receiving happen on the loop's thread, where the back ends
 * live; a notification by a vCPU only posts. */
#include "virtio_net.h"

#include <endian.h>
#include <string.h>

#include "loop.h"

enum {
	F_MAC = 5, F_MRG_RXBUF = 15, F_STATUS = 16, F_CTRL_VQ = 17,
	F_CTRL_RX = 18, F_CTRL_MAC_ADDR = 23,
};

enum { MAC = 0x0, STATUS = 0x6, CONFIG_LEN = 0x8, STATUS_LINK_UP = 1 };

enum { RX, TX, CTRL, QUEUES };

enum {                                  /* section 5.1.6.5 */
	CTRL_RX = 0, CTRL_RX_PROMISC = 0, CTRL_RX_ALLMULTI = 1,
	CTRL_MAC = 1, CTRL_MAC_TABLE_SET = 0, CTRL_MAC_ADDR_SET = 1,
	ACK_OK = 0, ACK_ERR = 1,
};

enum {
	QUEUE = 256, CTRL_QUEUE = 64,
	HEADER = 12,                    /* struct virtio_net_hdr */
	NUM_BUFFERS = 10,               /* offset in it */
	FRAME_MIN = 14, FRAME_MAX = 65550,
	TABLE = 32,                     /* addresses a filter remembers */
};

struct filter {
	bool all;                       /* too many to remember */
	unsigned n;
	uint8_t mac[TABLE][6];
};

struct virtio_net {
	struct virtio virtio;
	struct net *net;
	uint8_t mac[6];                 /* of the conf; config has the current */
	bool promisc, allmulti, rx_blocked;
	struct filter uni, multi;
	uint64_t filtered, no_driver, too_big;
	/* A back end may deliver frames from inside send, so receiving has
	 * chains of its own. */
	struct virtq_elem elem, rx_first, rx_more;
};

static struct virtio_net *net_of(struct virtio *v)
{
	return (struct virtio_net *)v;
}

/* ---- guest to world ------------------------------------------------- */

static void send_frame(struct virtio_net *d)
{
	struct virtq_elem *e = &d->elem;
	struct iovec *iov = e->iov;
	unsigned n = virtq_iov_skip(&iov, e->nout, HEADER);
	size_t len = e->out_len - HEADER;

	if (!d->net || len < FRAME_MIN || len > FRAME_MAX)
		return;
	d->net->tx_frames++;
	d->net->ops->send(d->net, iov, n);
}

static void tx_run(void *arg)
{
	struct virtio_net *d = arg;
	struct virtq *q = &d->virtio.vq[TX];
	unsigned n;

	if (!virtio_running(&d->virtio))
		return;
	virtq_notify_off(q);
	for (n = 0; n < QUEUE; n++) {
		if (!virtq_pop(q, &d->elem)) {
			if (!virtq_notify_on(q))
				break;
			virtq_notify_off(q);
			continue;
		}
		if (d->elem.out_len < HEADER) {
			virtio_broken(&d->virtio, "frame without a header");
			break;
		}
		send_frame(d);
		virtq_push(q, d->elem.head, 0);
	}
	virtq_show(q);
	if (n == QUEUE)
		loop_post(d->virtio.pci.dev.loop, &d->virtio.pci.dev, tx_run,
			  d);
}

/* ---- world to guest ------------------------------------------------- */

static bool listed(const struct filter *f, const uint8_t *mac)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!memcmp(f->mac[i], mac, 6))
			return true;
	return f->all;
}

static bool wanted(const struct virtio_net *d, const uint8_t *to)
{
	static const uint8_t broadcast[6] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};

	if (d->promisc || !memcmp(to, broadcast, 6))
		return true;
	if (to[0] & 1)
		return d->allmulti || listed(&d->multi, to);
	return !memcmp(to, d->virtio.config + MAC, 6) || listed(&d->uni, to);
}

/* Puts header and frame into as many chains as they need, none of which the
 * driver sees before all are filled. 1: done; 0: too few chains, all put back;
 * -1: cannot be done. */
static int fill(struct virtio_net *d, const uint8_t *frame, size_t len)
{
	struct virtq *q = &d->virtio.vq[RX];
	bool mergeable = virtio_has(&d->virtio, F_MRG_RXBUF);
	uint8_t header[HEADER] = { 0 };
	size_t done = 0;
	uint16_t n = 0;

	while (!n || done < len) {
		struct virtq_elem *e = n ? &d->rx_more : &d->rx_first;
		size_t at = n ? 0 : HEADER, room;

		if (!virtq_pop(q, e)) {
			virtq_unpop(q, n);
			return 0;
		}
		n++;
		room = e->in_len;
		if (room < at || !room || (!mergeable && room - at < len)) {
			virtq_unpop(q, n);
			return -1;
		}
		room = virtq_write(e, at, frame + done, len - done);
		done += room;
		virtq_push(q, e->head, at + room);
	}
	header[NUM_BUFFERS] = n;
	header[NUM_BUFFERS + 1] = n >> 8;
	virtq_write(&d->rx_first, 0, header, HEADER);
	return 1;
}

static bool net_rx(struct device *dev, const void *frame, size_t len)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	struct virtq *q = &d->virtio.vq[RX];
	int r;

	if (!virtio_running(&d->virtio) || !q->live) {
		d->no_driver++;
		return true;
	}
	if (len < FRAME_MIN || len > FRAME_MAX || !wanted(d, frame)) {
		d->filtered++;
		return true;
	}
	virtq_notify_off(q);
	r = fill(d, frame, len);
	/* none left: have the driver tell us; it may just have added some */
	if (!r && virtq_notify_on(q))
		r = fill(d, frame, len);
	if (!r && q->live) {
		virtq_notify_on(q);
		d->rx_blocked = true;
		return false;
	}
	if (r < 0)
		d->too_big++;
	else if (r)
		d->net->rx_frames++;
	virtq_show(q);
	return true;
}

static void rx_resume(void *arg)
{
	struct virtio_net *d = arg;

	if (!d->rx_blocked)
		return;
	d->rx_blocked = false;
	d->net->ops->rx_ready(d->net);
}

/* ---- the control queue ---------------------------------------------- */

/* One table of a MAC_TABLE_SET: a count, then so many addresses. Moves *at
 * past it; false where the chain is too short. */
static bool read_table(const struct virtq_elem *e, size_t *at,
		       struct filter *f)
{
	uint32_t n;

	if (virtq_read(e, *at, &n, 4) < 4)
		return false;
	n = le32toh(n);
	*at += 4;
	if (n > (e->out_len - *at) / 6)
		return false;
	f->all = n > TABLE;
	f->n = f->all ? 0 : n;
	virtq_read(e, *at, f->mac, f->n * 6);
	*at += (size_t)n * 6;
	return true;
}

static uint8_t set_rx_mode(struct virtio_net *d, uint8_t command)
{
	uint8_t on;

	if (virtq_read(&d->elem, 2, &on, 1) < 1)
		return ACK_ERR;
	switch (command) {
	case CTRL_RX_PROMISC:
		d->promisc = on;
		return ACK_OK;
	case CTRL_RX_ALLMULTI:
		d->allmulti = on;
		return ACK_OK;
	}
	return ACK_ERR;
}

static uint8_t set_mac(struct virtio_net *d, uint8_t command)
{
	struct filter uni = { 0 }, multi = { 0 };
	uint8_t mac[6];
	size_t at = 2;

	switch (command) {
	case CTRL_MAC_TABLE_SET:
		if (!read_table(&d->elem, &at, &uni) ||
		    !read_table(&d->elem, &at, &multi))
			return ACK_ERR;
		d->uni = uni;
		d->multi = multi;
		return ACK_OK;
	case CTRL_MAC_ADDR_SET:
		if (virtq_read(&d->elem, 2, mac, 6) < 6)
			return ACK_ERR;
		memcpy(d->virtio.config + MAC, mac, 6);
		return ACK_OK;
	}
	return ACK_ERR;
}

static void control(struct virtio_net *d)
{
	uint8_t head[2], ack = ACK_ERR;

	if (virtq_read(&d->elem, 0, head, 2) == 2) {
		if (head[0] == CTRL_RX && virtio_has(&d->virtio, F_CTRL_RX))
			ack = set_rx_mode(d, head[1]);
		else if (head[0] == CTRL_MAC &&
			 virtio_has(&d->virtio, head[1] ? F_CTRL_MAC_ADDR :
							  F_CTRL_RX))
			ack = set_mac(d, head[1]);
	}
	virtq_push(&d->virtio.vq[CTRL], d->elem.head,
		   virtq_write(&d->elem, 0, &ack, 1));
}

static void ctrl_run(void *arg)
{
	struct virtio_net *d = arg;
	struct virtq *q = &d->virtio.vq[CTRL];
	unsigned n;

	if (!virtio_running(&d->virtio))
		return;
	for (n = 0; n < CTRL_QUEUE; n++) {
		if (virtq_pop(q, &d->elem))
			control(d);
		else if (!virtq_notify_on(q))
			break;
	}
	virtq_show(q);
	if (n == CTRL_QUEUE)
		loop_post(d->virtio.pci.dev.loop, &d->virtio.pci.dev, ctrl_run,
			  d);
}

/* ---- the device ----------------------------------------------------- */

static void net_notify(struct virtio *v, unsigned q)
{
	struct virtio_net *d = net_of(v);

	if (q == TX)
		loop_post(v->pci.dev.loop, &v->pci.dev, tx_run, d);
	else if (q == RX && d->rx_blocked)
		loop_post(v->pci.dev.loop, &v->pci.dev, rx_resume, d);
	else if (q == CTRL)
		loop_post(v->pci.dev.loop, &v->pci.dev, ctrl_run, d);
}

/* Until the driver says otherwise every frame is let through. */
static void forget(struct virtio_net *d)
{
	d->promisc = true;
	d->allmulti = false;
	d->uni = d->multi = (struct filter){ 0 };
	memcpy(d->virtio.config + MAC, d->mac, 6);
	/* what the back end held back is to be dropped */
	if (d->rx_blocked)
		loop_post(d->virtio.pci.dev.loop, &d->virtio.pci.dev,
			  rx_resume, d);
}

static bool net_reset_by_driver(struct virtio *v)
{
	forget(net_of(v));
	return true;
}

static void net_reset(struct device *dev)
{
	struct virtio_net *d = (struct virtio_net *)dev;

	virtio_power_on(&d->virtio);
	forget(d);
}

static const struct virtio_ops net_ops = {
	.id = VIRTIO_ID_NET,
	.pci = { 0x1af4, 0x1041, 0x1af4, 0x1100, 0x020000, 1 },
	.queues = QUEUES,
	.queue_size = { QUEUE, QUEUE, CTRL_QUEUE },
	.notify = net_notify,
	.reset = net_reset_by_driver,
};

static int net_init(struct device *dev, const struct devconf *dc,
		    struct err *e)
{
	struct virtio_net *d = (struct virtio_net *)dev;
	const struct virtio_net_conf *c = dc->arg;

	d->net = c->net;
	memcpy(d->mac, c->mac, 6);
	d->virtio.features = 1ull << F_MAC | 1ull << F_MRG_RXBUF |
			     1ull << F_STATUS | 1ull << F_CTRL_VQ |
			     1ull << F_CTRL_RX | 1ull << F_CTRL_MAC_ADDR;
	d->virtio.config_len = CONFIG_LEN;
	d->virtio.config[STATUS] = d->net ? STATUS_LINK_UP : 0;
	if (virtio_init(&d->virtio, &net_ops, &c->virtio, dc, e))
		return -1;
	if (d->net) {
		d->net->rx = net_rx;
		d->net->dev = dev;
	}
	return 0;
}

static void net_fini(struct device *dev)
{
	struct virtio_net *d = (struct virtio_net *)dev;

	if (d->net) {
		d->net->dev = NULL;
		d->net->rx = NULL;
	}
	virtio_fini(&d->virtio);
}

const struct device_ops virtio_net_ops = {
	.name = "virtio-net",
	.size = sizeof(struct virtio_net),
	.init = net_init,
	.reset = net_reset,
	.read = pci_fn_read,
	.write = pci_fn_write,
	.fini = net_fini,
};
