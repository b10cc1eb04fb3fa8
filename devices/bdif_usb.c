/* bdif_usb.c: the USB device port of the firmware's backdoor interface, by
 * which a boot ROM in DFU mode or recovery is reached.
 *
 * spec/vmapple.md section 3.4, the first column of its table. The guest posts
 * receive buffers to queue 0 and packets to queue 1, each by a descriptor whose
 * address it stores to CMD; a packet for it is told by READY, which it reads
 * and thereby clears. The next one is held back until then and until there is a
 * buffer. The far side is a byte stream (bdif.h); types are the host's business,
 * 0 too: to some firmware it is a bus reset, other firmware panics. */
#include <string.h>

#include "bdif.h"
#include "dma.h"
#include "log.h"

enum {
	STATUS = 0x000, CFG = 0x004, CONFIG = 0x008, READY = 0x010,
	ENABLE = 0x400, CONTROL = 0x404, CMD = 0x408, QUEUE = 0x410,
};

enum { CFG_USB = 0x1a01, CONFIG_OFFSET = 0x420 };

enum { QUEUE_RX = 0, QUEUE_TX = 1 };

enum { BUFFERS = 8, GUEST_HEADER = 2 };

enum { WARNINGS = 8 };                  /* then guest and peer may go on */

struct buffer {
	uint64_t addr;
	uint64_t len;
};

struct bdif_usb {
	struct device dev;
	uint32_t enable, control, queue;
	uint8_t ready;                  /* a packet that READY did not tell */
	uint8_t nbuffers;
	struct buffer buffer[BUFFERS];  /* posted, oldest first */
	/* Host side: a packet on its way in, and one on its way out. */
	struct tty *tty;
	uint8_t in[BDIF_USB_HEADER + BDIF_USB_MAX];
	size_t in_fill;
	bool in_bad;                    /* until the peer goes away */
	uint8_t out[BDIF_USB_HEADER + BDIF_USB_MAX];
	size_t out_fill, out_done;
	unsigned warnings;
	struct log_limit log;
};

static const struct reg bdif_usb_regs[] = {
	{ STATUS, "STATUS", 4, 1, 0, 0 },
	{ CFG, "CFG", 4, CFG_USB, 0, 0 },
	{ CONFIG, "CONFIG", 4, CONFIG_OFFSET, 0, 0 },
	{ READY, "READY", 4, 0, 0, 0 },
	{ ENABLE, "ENABLE", 4, 1, 1, 0 },
	{ CONTROL, "CONTROL", 4, 0xffffffff, 0, 0xffffffff },
	{ CMD, "CMD", 8, UINT64_MAX, 0, 0 },
	{ QUEUE, "QUEUE", 4, 0xffffffff, 0, 0 },
	{ 0 },
};

static const struct field bdif_usb_saved[] = {
	FIELD(1, struct bdif_usb, enable), FIELD(2, struct bdif_usb, control),
	FIELD(3, struct bdif_usb, queue), FIELD(4, struct bdif_usb, ready),
	FIELD(5, struct bdif_usb, nbuffers), FIELD(6, struct bdif_usb, buffer),
	{ 0 },
};

static bool may_warn(struct bdif_usb *u)
{
	return u->warnings < WARNINGS && ++u->warnings;
}

/* ---- to the guest ------------------------------------------------------ */

static struct buffer take_buffer(struct bdif_usb *u)
{
	struct buffer b = u->buffer[0];

	u->nbuffers--;
	memmove(u->buffer, u->buffer + 1, u->nbuffers * sizeof(b));
	return b;
}

static uint32_t in_length(const struct bdif_usb *u)
{
	return u->in[0] | u->in[1] << 8 | u->in[2] << 16 |
	       (uint32_t)u->in[3] << 24;
}

/* A whole packet is in u->in: gives it to the guest if that can take one now.
 * One that does not fit the buffer is dropped; the buffer stays. */
static bool deliver(struct bdif_usb *u)
{
	size_t len = u->in_fill;
	struct buffer b;

	if (!u->enable || u->ready || !u->nbuffers)
		return false;
	u->in_fill = 0;
	if (len > u->buffer[0].len) {
		if (!may_warn(u))
			return true;
		log_msg(LOG_WARN, "%s: a packet of %zu bytes is dropped: the "
			"guest's buffer has %llu", u->dev.id, len,
			(unsigned long long)u->buffer[0].len);
		return true;
	}
	b = take_buffer(u);
	if (dma_put(u->dev.dma, b.addr, u->in, len))
		log_guest(&u->log, "%s: the receive buffer at 0x%llx is not in "
			  "RAM", u->dev.id, (unsigned long long)b.addr);
	else
		u->ready = 1;
	return true;
}

/* Bytes still missing until something can be said about u->in. */
static size_t in_missing(struct bdif_usb *u)
{
	if (u->in_fill < BDIF_USB_HEADER)
		return BDIF_USB_HEADER - u->in_fill;
	return BDIF_USB_HEADER + in_length(u) - u->in_fill;
}

static void check_header(struct bdif_usb *u)
{
	if (u->in_fill != BDIF_USB_HEADER || in_length(u) <= BDIF_USB_MAX)
		return;
	u->in_bad = true;
	if (may_warn(u))
		log_msg(LOG_WARN, "%s: the host end sent a packet of %u bytes, "
			"at most %d fit; it is not listened to any more",
			u->dev.id, in_length(u), BDIF_USB_MAX);
}

/* Takes what it can; a packet that waits for the guest holds up the rest. */
static size_t on_input(struct device *dev, const void *buf, size_t len)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;
	const uint8_t *p = buf;
	size_t taken = 0, n;

	while (!u->in_bad) {
		n = in_missing(u);
		if (!n && u->in_fill >= BDIF_USB_HEADER) {
			if (!deliver(u))
				break;
			continue;
		}
		if (taken == len)
			break;
		if (n > len - taken)
			n = len - taken;
		memcpy(u->in + u->in_fill, p + taken, n);
		u->in_fill += n;
		taken += n;
		check_header(u);
	}
	/* all that a bad peer sends goes, so that its end is seen */
	return u->in_bad ? len : taken;
}

/* The guest did what a waiting packet waited for. */
static void more(struct bdif_usb *u)
{
	if (!u->tty)
		return;
	if (u->in_fill >= BDIF_USB_HEADER && !u->in_bad && !in_missing(u) &&
	    !deliver(u))
		return;
	u->tty->ops->ready(u->tty);
}

/* ---- to the host ------------------------------------------------------- */

static void push(struct bdif_usb *u)
{
	if (u->out_done < u->out_fill)
		u->out_done += u->tty->ops->write(u->tty, u->out + u->out_done,
						  u->out_fill - u->out_done);
}

static void on_writable(struct device *dev)
{
	push((struct bdif_usb *)dev);
}

/* A packet is sent before the store ends, or lost: a host that reads nothing
 * must not stop the guest. */
static void transmit(struct bdif_usb *u, const struct buffer *b)
{
	uint8_t head[GUEST_HEADER];
	uint32_t len;

	if (b->len < GUEST_HEADER || b->len > GUEST_HEADER + BDIF_USB_MAX ||
	    dma_get(u->dev.dma, b->addr, head, sizeof(head))) {
		log_guest(&u->log, "%s: bad packet: %llu bytes at 0x%llx",
			  u->dev.id, (unsigned long long)b->len,
			  (unsigned long long)b->addr);
		return;
	}
	if (!u->tty)
		return;
	if (u->out_done < u->out_fill) {
		if (may_warn(u))
			log_msg(LOG_WARN, "%s: the host end does not read: a "
				"packet of the guest is lost", u->dev.id);
		return;
	}
	len = (uint32_t)b->len - GUEST_HEADER;
	if (dma_get(u->dev.dma, b->addr + GUEST_HEADER,
		    u->out + BDIF_USB_HEADER, len))
		return;
	for (int i = 0; i < 4; i++)
		u->out[i] = (uint8_t)(len >> 8 * i);
	u->out[4] = head[1];            /* the guest has the type first */
	u->out[5] = head[0];
	u->out_fill = BDIF_USB_HEADER + len;
	u->out_done = 0;
	push(u);
}

static void on_hangup(struct device *dev)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;

	u->in_fill = u->out_fill = u->out_done = 0;
	u->in_bad = false;
}

/* ---- registers --------------------------------------------------------- */

static void command(struct bdif_usb *u, uint64_t gpa)
{
	struct buffer b = { 0 };
	uint8_t raw[16];

	if (dma_get(u->dev.dma, gpa, raw, sizeof(raw))) {
		log_guest(&u->log, "%s: the descriptor at 0x%llx is not in RAM",
			  u->dev.id, (unsigned long long)gpa);
		return;
	}
	for (int i = 7; i >= 0; i--)
		b.addr = b.addr << 8 | raw[i];
	for (int i = 11; i >= 8; i--)
		b.len = b.len << 8 | raw[i];
	if (u->queue == QUEUE_TX) {
		transmit(u, &b);
	} else if (u->queue == QUEUE_RX && u->nbuffers < BUFFERS) {
		u->buffer[u->nbuffers++] = b;
		more(u);
	} else {
		log_guest(&u->log, "%s: queue %u takes no descriptor",
			  u->dev.id, u->queue);
	}
}

/* Ends the channel: the booter reads CONTROL until it is 0, and expects its
 * receive buffers back. */
static void stop(struct bdif_usb *u)
{
	u->control = 0;
	u->nbuffers = 0;
	u->ready = 0;
}

static enum io bdif_usb_read(struct device *dev, struct access *a)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;

	a->val = UINT64_MAX;
	switch (a->off) {
	case STATUS: a->val = 1; break;
	case CFG: a->val = CFG_USB; break;
	case CONFIG: a->val = CONFIG_OFFSET; break;
	case READY:
		a->val = u->ready;
		u->ready = 0;
		if (a->val)
			more(u);
		break;
	case ENABLE: a->val = u->enable; break;
	case CONTROL: a->val = u->control; break;
	}
	return IO_OK;
}

static enum io bdif_usb_write(struct device *dev, const struct access *a)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;

	switch (a->off) {
	case ENABLE:
		u->enable = a->val & 1;
		if (u->enable) {
			u->control = UINT32_MAX;
			more(u);
		}
		break;
	case CONTROL: stop(u); break;
	case CMD: command(u, a->val); break;
	case QUEUE: u->queue = (uint32_t)a->val; break;
	}
	return IO_OK;
}

/* ---- life -------------------------------------------------------------- */

/* What the peer has begun to send stays: it knows nothing of a reset. */
static void bdif_usb_reset(struct device *dev)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;

	u->enable = 1;
	u->control = UINT32_MAX;
	u->queue = QUEUE_RX;
	u->ready = u->nbuffers = 0;
}

static void bdif_usb_resume(struct device *dev)
{
	more((struct bdif_usb *)dev);
}

static int bdif_usb_check(const struct device *dev, struct err *e)
{
	const struct bdif_usb *u = (const struct bdif_usb *)dev;

	if (u->enable > 1 || u->ready > 1 || u->nbuffers > BUFFERS)
		return err_set(e, 0, "bad state of the USB port");
	return 0;
}

static int bdif_usb_init(struct device *dev, const struct devconf *dc,
			 struct err *e)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;
	const struct bdif_usb_conf *c = dc->arg;

	u->tty = c->tty;
	if (!u->tty)
		return 0;
	u->tty->dev = dev;
	u->tty->input = on_input;
	u->tty->writable = on_writable;
	u->tty->hangup = on_hangup;
	return 0;
}

static void bdif_usb_fini(struct device *dev)
{
	struct bdif_usb *u = (struct bdif_usb *)dev;

	if (!u->tty)
		return;
	u->tty->input = NULL;
	u->tty->writable = NULL;
	u->tty->hangup = NULL;
	u->tty->dev = NULL;
}

const struct device_ops bdif_usb_ops = {
	.name = "bdif-usb",
	.size = sizeof(struct bdif_usb),
	.regs = bdif_usb_regs,
	.saved = bdif_usb_saved,
	.init = bdif_usb_init,
	.reset = bdif_usb_reset,
	.resume = bdif_usb_resume,
	.read = bdif_usb_read,
	.write = bdif_usb_write,
	.check = bdif_usb_check,
	.fini = bdif_usb_fini,
};
