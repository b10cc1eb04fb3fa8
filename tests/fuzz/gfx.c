/* Fuzz target: the firmware's display, and the windows without one. */
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"
#include "gfx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new(), .nwin = 2, .load = true,
				 .size = { 0x4000, 0x4000 } };
	struct gfx_conf c = { .fd = -1, .path = "picture", .width = 64,
			      .height = 64 };

	if (fd < 0)
		fd = open("/dev/null", O_WRONLY);
	if (fuzz_get(&in, 1) & 1)
		c.fd = fd;
	t.dev = fake_device(t.f, &gfx_ops, &c);
	fuzz_run(&t, &in);
	fake_advance(t.f, 3000000000u);
	t.dev->ops->pause(t.dev);
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
