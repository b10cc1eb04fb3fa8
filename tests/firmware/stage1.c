/* stage1.c: a stage 1 of our own: what the boot ROM hands over, and what of the
 * board firmware and kernel use. One line a part, "ok", "FAILED" or "skipped"
 * with the reason; the last line is the verdict. */
#include "stage1.h"

/* 300 KiB of something that compresses as code does. */
extern const uint8_t ballast[], ballast_end[];

static uint64_t first_x0;

static const char *part_hand_over(void)
{
	CHECK_EQ(first_x0, CONFIG);
	CHECK_EQ(READ(currentel), 4);
	CHECK_EQ(READ(sctlr_el1) & 0x1005, 0);
	CHECK_EQ(READ(daif) >> 6 & 15, 15);
	CHECK_EQ(READ(ttbr0_el1), 0);
	return NULL;
}

static const char *part_image(void)
{
	uint32_t sum = 0;

	for (const uint8_t *p = ballast; p < ballast_end; p += 4)
		sum = (sum << 5 | sum >> 27) ^ *(const uint32_t *)p;
	CHECK_EQ(ballast_end - ballast, 300 << 10);
	CHECK_EQ(sum, *(const uint32_t *)ballast_end);
	return NULL;
}

static const char *part_config(void)
{
	CHECK_EQ(rd32(CONFIG), 2);
	CHECK_EQ(rd32(CONFIG + 4), cpu_count());
	CHECK_EQ(rd32(CONFIG + 0x10), 0x20);
	CHECK_EQ(rd64(CONFIG + 0x20) & 0xfffff, 0);
	CHECK(rd64(CONFIG + 0x18) != 0);
	for (uint32_t i = 0; i < rd32(CONFIG + 4); i++)
		CHECK_EQ(rd32(CONFIG + 0x100 + 4 * i), i);
	/* the strings, and where a second reading of the layout has them */
	CHECK(text_at(CONFIG + 0x500, "1234"));
	CHECK(text_at(CONFIG + 0x540, "VM0001"));
	CHECK(text_at(CONFIG + 0x584, "Apple M1 (Virtual)"));
	CHECK(text_at(CONFIG + 0x380, "1234"));
	CHECK(text_at(CONFIG + 0x3c0, "VM0001"));
	CHECK(text_at(CONFIG + 0x404, "Apple M1 (Virtual)"));
	return NULL;
}

static void run(const char *name, const char *(*part)(void))
{
	unsigned failed = check_failures();
	const char *skipped = part();

	if (skipped)
		print("stage1: %s: skipped: %s\n", name, skipped);
	else
		print("stage1: %s: %s\n", name,
		      check_failures() == failed ? "ok" : "FAILED");
}

void guest_main(uint64_t x0)
{
	first_x0 = x0;
	run("hand-over", part_hand_over);
	run("image", part_image);
	run("CONFIG", part_config);
	mmu_on();
	run("BDIF", part_bdif);
	run("AES, both contexts", part_aes);
	run("AES, chained CBC", part_aes_chain);
	run("virtio-blk with barrier", part_blk);
	run("timer as FIQ in Group 0", part_fiq);
	run("redistributor with write-back", part_redistributor);
	mmu_off();
	run("16K pages", part_pages);
	run("PAuth round trips", part_pac);
	run("hypercalls", part_hypercalls);
	run("keys per exception level", part_levels);
	run("PSCI start of all CPUs", part_cpus);
	guest_end();
}
