/* Fuzz target: pvpanic. */
#include "fuzz.h"
#include "pvpanic.h"

static void on_event(void *arg, enum pvpanic_event ev)
{
	fuzz_require(ev >= PVPANIC_PANICKED && ev <= PVPANIC_SHUTDOWN, "event");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct pvpanic_conf c = { on_event, NULL };
	struct fuzz_target t = { .f = fake_new(), .nwin = 1, .size = { 2 } };

	t.dev = fake_device(t.f, &pvpanic_ops, &c);
	fuzz_run(&t, &in);
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
