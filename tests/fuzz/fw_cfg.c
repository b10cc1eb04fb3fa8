/* Fuzz target: fw_cfg, its DMA requests in RAM. */
#include <endian.h>

#include "fuzz.h"
#include "fw_cfg.h"

/* A request where the guest's next store to the DMA register points. */
static void extra(struct fuzz_target *t, struct fuzz_in *in)
{
	uint32_t w[2];
	uint64_t to = FAKE_RAM - 0x100 + fuzz_get(in, 2);

	w[0] = htobe32((uint32_t)fuzz_get(in, 1) << 16 |
		       (uint32_t)fuzz_get(in, 1));
	w[1] = htobe32((uint32_t)fuzz_get(in, 2));
	to = htobe64(to);
	memcpy(t->f->ram, w, 8);
	memcpy(t->f->ram + 8, &to, 8);
	fake_write(t->dev, 16, 8, htobe64(FAKE_RAM));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fw_cfg_conf conf = { .ram = 1 << 30, .cpus = 2 };
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new(), .nwin = 1, .load = true,
				 .size = { FW_CFG_SIZE }, .extra = extra };

	t.dev = fake_device(t.f, &fw_cfg_ops, &conf);
	fuzz_run(&t, &in);
	fake_write(t.dev, 8, 2, 0);
	fuzz_require(fake_read(t.dev, 0, 4) == 0x554d4551, "the signature");
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
