/* u_usb.c: a guest for usb.py: opens the USB device port as a boot ROM does,
 * answers a bus reset, echoes what comes, and draws on the firmware's display.
 * A packet of type 9 ends it. */
#include "guest.h"

#define USB 0x30100000ul
#define GFX 0x30200000ul
#define BUFFER 2062                     /* what Apple's booter posts */

static struct { uint64_t addr; uint32_t len; uint16_t next, flags; } desc
	__attribute__((aligned(16)));
static uint8_t rx[BUFFER + 64], tx[BUFFER + 64];

static void post(unsigned queue, void *p, uint32_t len)
{
	desc.addr = (uint64_t)p;
	desc.len = len;
	desc.next = 0;
	desc.flags = queue ? 0 : 2;
	DSB();
	wr32(USB + 0x410, queue);
	wr64(USB + 0x408, (uint64_t)&desc);
}

static void draw(void)
{
	uint32_t size = rd32(GFX + 0x120c), w = size >> 16, h = size & 0xffff;
	uint32_t stride = rd32(GFX + 0x1228);
	uint8_t *fb;

	CHECK_EQ(rd32(GFX + 0x1234), 1);
	CHECK(w && h && stride >= 4 * w);
	fb = page_alloc(stride * h);
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			*(volatile uint32_t *)(fb + y * stride + 4 * x) =
				x << 16 | y << 8 | 0x42;
	wr64(GFX + 0x1210, (uint64_t)fb);
}

void guest_main(uint64_t dtb)
{
	CHECK_EQ(rd32(USB), 1);
	CHECK_EQ(rd32(USB + 4), 0x1a01);
	wr32(USB + 0x400, 1);
	CHECK_EQ(rd32(USB + 0x400), 1);
	if (rd32(GFX + 0x1204))
		draw();
	post(0, rx, BUFFER);
	print("open\n");
	for (;;) {
		uint32_t len, type;

		while (!(rd32(USB + 0x10) & 1))
			;
		DSB();
		len = rx[0] | rx[1] << 8 | (uint32_t)rx[2] << 16;
		type = rx[5];
		CHECK(len <= BUFFER - 6);
		tx[0] = type == 2 ? 4 : 1;
		tx[1] = rx[4];
		for (uint32_t i = 0; i < len; i++)
			tx[2 + i] = rx[6 + i];
		if (type == 9)
			break;
		post(0, rx, BUFFER);
		post(1, tx, 2 + len);
	}
	wr32(USB + 0x404, 0);
	CHECK_EQ(rd32(USB + 0x404), 0);
}
