/* Fuzz target: the AES engine, both windows, whole commands and single words,
 * long transfers cut short, snapshots. */
#include "aes.h"
#include "fuzz.h"

#define RAM_SIZE 0x80000u

/* A command whose addresses are mostly RAM. */
static void extra(struct fuzz_target *t, struct fuzz_in *in)
{
	uint32_t w0 = (uint32_t)fuzz_get(in, 4);
	unsigned n = (unsigned)fuzz_get(in, 1) % 20;

	switch (w0 >> 28 & 3) {
	case 0:                                 /* DATA, in blocks */
		w0 = 5u << 28 | (w0 & 0x0e07fff0);
		break;
	case 1:                                 /* KEY */
		w0 = 1u << 28 | (w0 & 0x0fffffff);
		break;
	}
	fake_write(t->dev, 0x200, 4, w0);
	for (unsigned i = 0; i < n; i++) {
		uint32_t w = (uint32_t)fuzz_get(in, 3);

		fake_write(t->dev, 0x200, 4, i ? FAKE_RAM + w : w & 0x10001);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new_ram(RAM_SIZE), .nwin = 2,
				 .size = { 0x4000, 0x4000 }, .load = true,
				 .extra = extra };
	unsigned i;

	t.dev = fake_device(t.f, &aes_ops, NULL);
	fuzz_run(&t, &in);
	/* whatever happened, it comes to rest, and then works */
	fake_write(t.dev, 0x08, 4, 1);
	for (i = 0; i < 2000 && fake_read(t.dev, 0x0c, 4) & 0x10; i++)
		fake_poll(t.f);
	fuzz_require(i < 2000, "transfers end");
	fake_write(t.dev, 0x1c, 4, 0x20);
	fake_write(t.dev, 0x18, 4, 0xffffffff);
	fuzz_require(!t.f->wire[0].level, "the wire falls");
	fake_write(t.dev, 0x38, 4, 1);
	fake_write(t.dev, 0x200, 4, 0x880000a5);
	fuzz_require(fake_read(t.dev, 0x30, 4) == 0xa5, "FLAG works");
	fuzz_require(t.f->wire[0].level, "the wire rises");
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
