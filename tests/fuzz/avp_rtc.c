/* Fuzz target: the AVP-RTC. */
#include "avp_rtc.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new(), .nwin = 1,
				 .size = { 0x1000 } };

	t.dev = fake_device(t.f, &avp_rtc_ops, NULL);
	fuzz_run(&t, &in);
	fuzz_require(fake_read(t.dev, 0x40, 8) == 0xf001, "identification");
	fuzz_require(!t.f->wire[0].level, "nothing interrupts");
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
