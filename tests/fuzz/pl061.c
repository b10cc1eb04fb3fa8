/* Fuzz target: the PL061, with pins that change. */
#include "fuzz.h"
#include "pl061.h"

static void extra(struct fuzz_target *t, struct fuzz_in *in)
{
	unsigned op = (unsigned)fuzz_get(in, 1);

	pl061_set_pin(t->dev, op >> 1, op & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new(), .nwin = 1, .size = { 0x1000 },
				 .extra = extra };

	t.dev = fake_device(t.f, &pl061_ops, NULL);
	fuzz_run(&t, &in);
	fuzz_require((fake_read(t.dev, 0x418, 4) != 0) == t.f->wire[0].level,
		     "wire");
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
