/* Fuzz target: the PL031. */
#include "fuzz.h"
#include "pl031.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new(), .nwin = 1, .size = { 0x1000 },
				 .load = true };

	t.dev = fake_device(t.f, &pl031_ops, NULL);
	fuzz_run(&t, &in);
	/* the wire is the masked status */
	fuzz_require(fake_read(t.dev, 0x18, 4) == t.f->wire[0].level, "wire");
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
