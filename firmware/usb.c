/* The board's USB device port: spec/vmapple.md section 3.4. One buffer is posted
 * at a time, and taken back by closing, so that nothing is written into memory
 * that the next stage owns. */
#include "rom.h"

enum {
	STATUS = 0x000, CFG = 0x004, READY = 0x010, ENABLE = 0x400,
	CONTROL = 0x404, CMD = 0x408, QUEUE = 0x410,
};

enum { CFG_USB = 0x1a01, QUEUE_RX = 0, QUEUE_TX = 1 };

enum { RX_HEADER = 6, TX_HEADER = 2 };

#define PORT (BDIF_BASE + 0x100000)

static struct {
	uint64_t addr;
	uint32_t len;
	uint16_t next, flags;
} descriptor __attribute__((aligned(64)));

static uint8_t rx[RX_HEADER + USB_DATA_MAX] __attribute__((aligned(64)));
static uint8_t tx[TX_HEADER + USB_DATA_MAX] __attribute__((aligned(64)));

/* The descriptor is read before the store ends. */
static void post(unsigned queue, void *buf, uint32_t len)
{
	descriptor.addr = (uint64_t)buf;
	descriptor.len = len;
	descriptor.next = 0;
	descriptor.flags = queue == QUEUE_RX ? 2 : 0;
	__asm__ volatile("dsb sy" : : : "memory");
	wr32(PORT + QUEUE, queue);
	wr64(PORT + CMD, (uint64_t)&descriptor);
}

bool usb_open(void)
{
	uint64_t v;

	if (probe_load(PORT + STATUS, 4, &v) || !(v & 1) ||
	    rd32(PORT + CFG) != CFG_USB)
		return false;
	wr32(PORT + ENABLE, 1);
	if (!(rd32(PORT + ENABLE) & 1))
		return false;
	post(QUEUE_RX, rx, sizeof(rx));
	return true;
}

void usb_close(void)
{
	uint64_t end = ticks() + ticks_per_second();

	wr32(PORT + CONTROL, 0);
	while (rd32(PORT + CONTROL) && ticks() < end)
		;
}

bool usb_receive(struct usb_packet *p)
{
	if (!(rd32(PORT + READY) & 1))
		return false;
	__asm__ volatile("dsb sy" : : : "memory");
	p->len = ld32(rx);
	p->endpoint = rx[4];
	p->type = rx[5];
	p->data = rx + RX_HEADER;
	if (p->len <= USB_DATA_MAX)
		return true;
	usb_done();
	return false;
}

void usb_done(void)
{
	post(QUEUE_RX, rx, sizeof(rx));
}

void usb_send(uint8_t type, const void *data, uint32_t len)
{
	if (len > USB_DATA_MAX)
		len = USB_DATA_MAX;
	tx[0] = type;
	tx[1] = 0;                      /* endpoint */
	memcpy(tx + TX_HEADER, data, len);
	post(QUEUE_TX, tx, TX_HEADER + len);
}
