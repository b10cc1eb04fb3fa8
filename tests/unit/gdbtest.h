/* gdbtest.h: a made-up machine for the gdb stub, for its unit test and its
 * fuzz target: two CPUs with a few registers, 64 KiB of memory at 0 where
 * address 0x10000 + n is n, and nothing that runs. */
#ifndef UNIT_GDBTEST_H
#define UNIT_GDBTEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_reg.h"
#include "../../src/gdb_int.h"

#define GT_CPUS 2
#define GT_MEM 0x10000u

static struct gt {
	struct gdb_session s;
	struct gdb_target target;
	uint64_t x[GT_CPUS][40];
	uint8_t v[GT_CPUS][32][16];
	uint64_t tcr;
	uint8_t mem[GT_MEM];
	struct vm_point point[VM_MAX_POINTS];
	unsigned npoints, most_points;
	enum gdb_run run[GT_CPUS];
	bool going, noirq;
	unsigned halts, resets, quits;
	char out[0x10000];
	size_t nout;
} gt;

static int gt_reg(void *arg, unsigned cpu, uint64_t id, bool set, void *val)
{
	uint64_t *at = NULL;

	if (id >= CPU_REG_V(0) && id <= CPU_REG_V(31)) {
		uint8_t *v = gt.v[cpu][(id - CPU_REG_V(0)) / 4];

		memcpy(set ? v : val, set ? val : v, 16);
		return 0;
	}
	if (id >= CPU_REG_X(0) && id <= CPU_REG_SP_EL1)
		at = &gt.x[cpu][(id - CPU_REG_X(0)) / 2];
	else if (id == CPU_REG_MSR(3, 0, 2, 0, 2))
		at = &gt.tcr;
	if (!at)
		return -1;
	memcpy(set ? (void *)at : val, set ? val : (void *)at, 8);
	return 0;
}

static int gt_look(void *arg, unsigned cpu, uint64_t va, uint64_t *gpa)
{
	*gpa = va - GT_MEM;
	return *gpa < GT_MEM ? 0 : -1;
}

static size_t gt_mem(void *arg, int cpu, bool write, uint64_t addr, void *buf,
		     size_t len)
{
	uint64_t at = addr;

	if (cpu != GDB_PHYS && gt_look(arg, (unsigned)cpu, addr, &at))
		return 0;
	if (at >= GT_MEM)
		return 0;
	if (len > GT_MEM - at)
		len = (size_t)(GT_MEM - at);
	memcpy(write ? gt.mem + at : buf, write ? buf : gt.mem + at, len);
	return len;
}

static int gt_points(void *arg, const struct vm_point *p, unsigned n)
{
	if (n > gt.most_points)
		return -1;
	memcpy(gt.point, p, n * sizeof(*p));
	gt.npoints = n;
	return 0;
}

static void gt_halt(void *arg)
{
	gt.going = false;
	gt.halts++;
}

static void gt_go(void *arg, const enum gdb_run *run)
{
	memcpy(gt.run, run, sizeof(gt.run));
	gt.going = true;
}

static void gt_set_noirq(void *arg, bool on)
{
	gt.noirq = on;
}

static const char *gt_state(void *arg, unsigned cpu)
{
	return cpu ? "off" : "running";
}

static void gt_map(void *arg, void (*line)(void *, const char *), void *to)
{
	line(to, "0-ffff RAM");
}

static void gt_reset(void *arg)
{
	gt.resets++;
}

static void gt_quit(void *arg)
{
	gt.quits++;
}

static void gt_put(void *arg, const void *buf, size_t len)
{
	if (len >= sizeof(gt.out) - gt.nout)
		gt.nout = 0;
	memcpy(gt.out + gt.nout, buf, len);
	gt.nout += len;
	gt.out[gt.nout] = 0;
}

static void gt_open(void)
{
	memset(&gt, 0, sizeof(gt));
	gt.most_points = VM_MAX_POINTS;
	gt.target = (struct gdb_target){
		.ncpus = GT_CPUS, .noirq = true, .has_pauth = true,
		.reg = gt_reg, .mem = gt_mem, .look = gt_look,
		.points = gt_points, .halt = gt_halt, .go = gt_go,
		.set_noirq = gt_set_noirq, .state = gt_state, .map = gt_map,
		.reset = gt_reset, .quit = gt_quit,
	};
	gdb_begin(&gt.s, &gt.target, gt_put, NULL);
}

static inline void gt_feed(const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		size_t n = gdb_input(&gt.s, p, len);

		if (!n)
			break;          /* closed */
		p += n;
		len -= n;
	}
}

#endif
