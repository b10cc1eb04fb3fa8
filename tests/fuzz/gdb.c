/* The gdb stub: whatever bytes come, it answers in bounds, and what it tells
 * the machine makes sense. The first byte says which CPU stops, and why, each
 * time the debugger lets go. */
#include "../unit/gdbtest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void)
{
	if (gt.s.cpu >= GT_CPUS || gt.s.run_cpu >= GT_CPUS ||
	    gt.s.npoints > VM_MAX_POINTS || gt.s.nin > GDB_PACKET + 1 ||
	    gt.s.nout > GDB_PACKET || gt.npoints != gt.s.npoints)
		abort();
	for (unsigned i = 0; i < gt.npoints; i++)
		if (gt.point[i].kind > POINT_ACCESS || !gt.point[i].len)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	gt_open();
	for (size_t i = 1; i < size && !gt.s.closed;) {
		i += gdb_input(&gt.s, data + i, size - i);
		check();
		gt.nout = 0;
		if (gt.s.running && data[0] & 1) {
			struct vcpu_stop stop = {
				.kind = data[0] >> 2 & 3,
				.point = data[0] >> 4 & 3, .addr = data[0],
			};

			gdb_stopped(&gt.s, data[0] >> 1 & 1, &stop);
		}
	}
	if (!gt.s.closed)
		gdb_detach(&gt.s);
	return 0;
}
