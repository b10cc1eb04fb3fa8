/* Mach-O kernels, loaded with all that goes with one into a small RAM. */
#include "fuzz.h"
#include "xnu_load.h"

#define ROOM (48u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t work[XNU_TREE_MAX];
	static struct xnu_out out;
	static uint8_t *ram;
	struct xnu_machine m = {
		.ram_base = 0x70000000, .ram_size = ROOM, .cpus = 2,
		.serial = "s", .model = "m", .seed = { 1 },
	};
	struct xnu_in in = {
		.kernel = { data, size }, .machine = &m, .room = ROOM,
		.work = work, .command_line = "serial=3",
	};

	/* an exact allocation: the sanitizer guards both ends */
	if (!ram)
		ram = malloc(ROOM);
	in.ram = ram;
	if (!xnu_load(&in, &out)) {
		fuzz_require(out.start >= m.ram_base &&
			     out.end <= m.ram_base + ROOM, "placed in RAM");
		fuzz_require(out.entry >= out.start && out.entry < out.end &&
			     out.entry % 4 == 0, "the entry is in the kernel");
	}
	return 0;
}
