/* stage1.c: a stage 1 of our own: what the boot ROM hands over, and what of the
 * board firmware uses. One line a part; the last line is the verdict. */
#include "guest.h"

#define CONFIG 0x400000ul

/* 300 KiB of something that compresses as code does. */
extern const uint8_t ballast[], ballast_end[];

static void part(const char *name)
{
	print("stage1: %s\n", name);
}

static void handed_over(uint64_t x0)
{
	part("hand-over");
	CHECK_EQ(x0, CONFIG);
	CHECK_EQ(READ(currentel), 4);
	CHECK_EQ(READ(sctlr_el1) & 0x1005, 0);
	CHECK_EQ(READ(daif) >> 6 & 15, 15);
	CHECK_EQ(READ(ttbr0_el1), 0);
}

static void whole(void)
{
	uint32_t sum = 0;

	part("image");
	for (const uint8_t *p = ballast; p < ballast_end; p += 4)
		sum = (sum << 5 | sum >> 27) ^ *(const uint32_t *)p;
	CHECK_EQ(ballast_end - ballast, 300 << 10);
	CHECK_EQ(sum, *(const uint32_t *)ballast_end);
}

static void config(void)
{
	part("CONFIG");
	CHECK_EQ(rd32(CONFIG), 2);
	CHECK_EQ(rd32(CONFIG + 4), cpu_count());
	CHECK_EQ(rd32(CONFIG + 0x10), 0x20);
	CHECK_EQ(rd64(CONFIG + 0x20) & 0xfffff, 0);
	CHECK(rd64(CONFIG + 0x18) != 0);
}

static struct {
	uint64_t desc[6];
	uint64_t head[2];
	uint8_t data[512];
	volatile uint8_t status;
} req __attribute__((aligned(64)));

static bool sector(unsigned dev, uint64_t n, uint32_t flags)
{
	req.desc[0] = (uint64_t)req.head;
	req.desc[1] = 16;
	req.desc[2] = (uint64_t)req.data;
	req.desc[3] = 512 | (uint64_t)flags << 32;
	req.desc[4] = (uint64_t)&req.status;
	req.desc[5] = 1;
	req.head[0] = 0;
	req.head[1] = n;
	req.status = 0xff;
	DSB();
	wr64(0x30000408 + 0x10000ul * dev, (uint64_t)&req);
	while (req.status == 0xff)
		;
	return req.status == 0;
}

static void bdif(void)
{
	uint64_t sectors = rd32(0x30010420);

	part("BDIF");
	CHECK_EQ(rd32(0x30010000) & 1, 1);
	CHECK_EQ(rd32(0x30010004), 2);
	CHECK_EQ(sectors, 0x10000);
	CHECK(sector(1, 0x100000 / 512, 0x00030001));
	CHECK_EQ(req.data[0], 0x30);            /* our own IMG4 */
	CHECK(sector(1, sectors - 1, 0x00030001));
	CHECK(!sector(1, sectors, 0x00030001));
	for (unsigned i = 0; i < 512; i++)
		req.data[i] = (uint8_t)i;
	CHECK(sector(1, sectors - 2, 0x00010001));
	for (unsigned i = 0; i < 512; i++)
		req.data[i] = 0;
	CHECK(sector(1, sectors - 2, 0x00030001));
	CHECK_EQ(req.data[255], 255);
}

void guest_main(uint64_t x0)
{
	handed_over(x0);
	whole();
	config();
	bdif();
	guest_end();
}
