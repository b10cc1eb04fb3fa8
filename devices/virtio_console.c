/* A console of one port.
 *
 * Virtual I/O Device (VIRTIO) 1.2, section 5.3. Left out: MULTIPORT and its
 * control queues. */
#include "virtio_console.h"

#include <string.h>

#include "loop.h"

enum { F_SIZE = 0, F_EMERG_WRITE = 2 };

enum {                                  /* section 5.3.4 */
	COLS = 0x0, ROWS = 0x2, MAX_NR_PORTS = 0x4, EMERG_WR = 0x8,
	CONFIG_LEN = 0xc,
};

enum { RX, TX, QUEUES };

enum {
	QUEUE = 64,
	CHUNK = 1024,                   /* bytes given to the tty at once */
	BATCH = 64,                     /* chunks before others get a turn */
};

struct virtio_console {
	struct virtio virtio;
	struct tty *tty;
	bool rx_blocked;                /* the tty waits for ready() */
	/* The chain being sent; what the tty took of it. */
	bool tx_busy;
	size_t tx_off;
	struct virtq_elem tx_elem, rx_elem;
};

static struct virtio_console *console_of(struct virtio *v)
{
	return (struct virtio_console *)v;
}

/* ---- guest to world ------------------------------------------------- */

static size_t tty_write(struct virtio_console *d, const void *p, size_t n)
{
	return d->tty ? d->tty->ops->write(d->tty, p, n) : n;
}

/* One chunk; false where the tty is full (it will call writable). */
static bool send_chunk(struct virtio_console *d)
{
	uint8_t buf[CHUNK];
	size_t n = virtq_read(&d->tx_elem, d->tx_off, buf, sizeof(buf));
	size_t took = n ? tty_write(d, buf, n) : 0;

	d->tx_off += took;
	if (took < n)
		return false;
	if (d->tx_off == d->tx_elem.out_len) {
		virtq_push(&d->virtio.vq[TX], d->tx_elem.head, 0);
		d->tx_busy = false;
	}
	return true;
}

static void tx_run(void *arg)
{
	struct virtio_console *d = arg;
	struct virtq *q = &d->virtio.vq[TX];
	unsigned n;

	if (!virtio_running(&d->virtio))
		return;
	virtq_notify_off(q);
	for (n = 0; n < BATCH; n++) {
		if (d->tx_busy) {
			if (!send_chunk(d))
				break;
		} else if (virtq_pop(q, &d->tx_elem)) {
			d->tx_busy = true;
			d->tx_off = 0;
		} else if (!virtq_notify_on(q)) {
			break;
		}
	}
	virtq_show(q);
	if (n == BATCH)
		loop_post(d->virtio.pci.dev.loop, &d->virtio.pci.dev, tx_run,
			  d);
}

static void console_writable(struct device *dev)
{
	tx_run(dev);
}

/* The emergency write works before any set-up (section 5.3.4). */
static void console_config_write(struct virtio *v, unsigned off,
				 unsigned size)
{
	struct virtio_console *d = console_of(v);

	if (off == EMERG_WR)
		tty_write(d, v->config + EMERG_WR, 1);
	memset(v->config + EMERG_WR, 0, 4);
}

/* ---- world to guest ------------------------------------------------- */

static size_t console_input(struct device *dev, const void *data, size_t len)
{
	struct virtio_console *d = (struct virtio_console *)dev;
	struct virtq *q = &d->virtio.vq[RX];
	const uint8_t *p = data;
	size_t done = 0;

	while (done < len && virtio_running(&d->virtio)) {
		size_t n;

		if (!virtq_pop(q, &d->rx_elem)) {
			if (virtq_notify_on(q))
				continue;
			break;
		}
		n = virtq_write(&d->rx_elem, 0, p + done, len - done);
		virtq_push(q, d->rx_elem.head, n);
		done += n;
		if (!n) {
			virtio_broken(&d->virtio, "receive buffer of no bytes");
			break;
		}
	}
	virtq_show(q);
	d->rx_blocked = done < len;
	return done;
}

static void rx_resume(void *arg)
{
	struct virtio_console *d = arg;

	if (!d->rx_blocked || !virtio_running(&d->virtio))
		return;
	d->rx_blocked = false;
	d->tty->ops->ready(d->tty);
}

static void console_resized(struct device *dev, unsigned cols, unsigned rows)
{
	struct virtio_console *d = (struct virtio_console *)dev;
	uint8_t *c = d->virtio.config;

	c[COLS] = cols;
	c[COLS + 1] = cols >> 8;
	c[ROWS] = rows;
	c[ROWS + 1] = rows >> 8;
	if (virtio_has(&d->virtio, F_SIZE))
		virtio_config_changed(&d->virtio);
}

/* ---- the device ----------------------------------------------------- */

/* A terminal's calls belong on the loop's thread. */
static void console_notify(struct virtio *v, unsigned q)
{
	struct virtio_console *d = console_of(v);

	if (q == TX && !d->tx_busy)
		tx_run(d);
	else if (q == RX && d->rx_blocked)
		loop_post(v->pci.dev.loop, &v->pci.dev, rx_resume, d);
}

static bool console_reset_by_driver(struct virtio *v)
{
	console_of(v)->tx_busy = false;
	return true;
}

static void console_reset(struct device *dev)
{
	struct virtio_console *d = (struct virtio_console *)dev;

	d->tx_busy = false;
	virtio_power_on(&d->virtio);
}

static const struct virtio_ops console_ops = {
	.id = VIRTIO_ID_CONSOLE,
	.pci = { 0x1af4, 0x1043, 0x1af4, 0x1100, 0x078000, 1 },
	.queues = QUEUES,
	.queue_size = { QUEUE, QUEUE },
	.notify = console_notify,
	.config_write = console_config_write,
	.reset = console_reset_by_driver,
};

static int console_init(struct device *dev, const struct devconf *dc,
			struct err *e)
{
	struct virtio_console *d = (struct virtio_console *)dev;
	const struct virtio_console_conf *c = dc->arg;

	d->tty = c->tty;
	d->virtio.features = 1ull << F_SIZE | 1ull << F_EMERG_WRITE;
	d->virtio.config_len = CONFIG_LEN;
	d->virtio.config_rw = EMERG_WR;
	d->virtio.config_rw_end = EMERG_WR + 4;
	d->virtio.config[MAX_NR_PORTS] = 1;
	if (virtio_init(&d->virtio, &console_ops, &c->virtio, dc, e))
		return -1;
	if (!d->tty)
		return 0;
	console_resized(dev, d->tty->cols, d->tty->rows);
	d->tty->input = console_input;
	d->tty->writable = console_writable;
	d->tty->resized = console_resized;
	d->tty->dev = dev;
	return 0;
}

static void console_fini(struct device *dev)
{
	struct virtio_console *d = (struct virtio_console *)dev;

	if (d->tty)
		d->tty->dev = NULL;
	virtio_fini(&d->virtio);
}

const struct device_ops virtio_console_ops = {
	.name = "virtio-console",
	.size = sizeof(struct virtio_console),
	.init = console_init,
	.reset = console_reset,
	.read = pci_fn_read,
	.write = pci_fn_write,
	.fini = console_fini,
};
