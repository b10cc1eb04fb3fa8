/* The device tree that XNU gets: spec/vmapple.md section 8.8. A template (the
 * user's, from a restore image) keeps all it has and is given the machine's
 * facts; without one, the least that the kernel looks for is built. */
#include "xnu_int.h"

#define ARM_IO 0x10000000ull            /* what arm-io's ranges add */
#define UART_PHANDLE 0x60u

/* The first failure sticks, so that a list of settings reads as one. */
struct edit {
	struct adt *t;
	const char *bad;
};

static size_t node(struct edit *e, size_t parent, const char *name)
{
	size_t n = 0;

	if (!e->bad)
		e->bad = adt_make(e->t, parent, name, &n);
	return n;
}

static void bytes(struct edit *e, size_t n, const char *name, const void *v,
		  uint32_t len)
{
	if (!e->bad)
		e->bad = adt_set(e->t, n, name, v, len);
}

static void text(struct edit *e, size_t n, const char *name, const char *v)
{
	bytes(e, n, name, v, (uint32_t)strlen(v) + 1);
}

static void u32(struct edit *e, size_t n, const char *name, uint32_t v)
{
	bytes(e, n, name, &v, sizeof(v));
}

static void u64(struct edit *e, size_t n, const char *name, uint64_t v)
{
	bytes(e, n, name, &v, sizeof(v));
}

/* As text(), where a template has not said it already. */
static void text_new(struct edit *e, size_t n, const char *name, const char *v)
{
	uint32_t len;

	if (!e->bad && !adt_prop(e->t, n, name, &len))
		text(e, n, name, v);
}

/* ---- our own ------------------------------------------------------------------ */

static void build_io(struct edit *e)
{
	size_t io = node(e, 0, "arm-io"), n;
	uint64_t ranges[3] = { 0, ARM_IO, 0x60000000 };
	uint64_t gic[4] = { 0x10000000 - ARM_IO, 0x10000, 0x10010000 - ARM_IO,
			    0x400000 };
	uint64_t uart[2] = { 0x20010000 - ARM_IO, 0x10000 };

	text(e, io, "device_type", "vma2-io");
	text(e, io, "compatible", "arm-io,vma2");
	u32(e, io, "#address-cells", 2);
	u32(e, io, "#size-cells", 2);
	bytes(e, io, "ranges", ranges, sizeof(ranges));
	n = node(e, io, "gic");
	text(e, n, "compatible", "arm,gic-v3");
	text(e, n, "device_type", "interrupt-controller");
	bytes(e, n, "reg", gic, sizeof(gic));
	n = node(e, io, "uart0");
	text(e, n, "compatible", "arm,pl011");
	text(e, n, "device_type", "uart");
	u32(e, n, "AAPL,phandle", UART_PHANDLE);
	bytes(e, n, "reg", uart, sizeof(uart));
}

static void build(struct edit *e)
{
	size_t n;

	text(e, 0, "name", "device-tree");
	u32(e, 0, "#address-cells", 2);
	u32(e, 0, "#size-cells", 2);
	bytes(e, 0, "compatible", "VMA2MACOSAP\0VirtualMac2,1", 25);
	text(e, 0, "model", "VirtualMac2,1");
	text(e, 0, "target-type", "VMA2MACOS");
	text(e, 0, "device_type", "bootrom");
	build_io(e);
	n = node(e, 0, "defaults");
	u32(e, n, "serial-device", UART_PHANDLE);
	n = node(e, 0, "product");
	text(e, n, "product-name", "Apple Virtual Machine 1");
}

/* ---- the machine's facts ------------------------------------------------------ */

static void cpu(struct edit *e, size_t cpus, unsigned i,
		const struct xnu_machine *m)
{
	static const char *const clock[] = {
		"timebase-frequency", "clock-frequency", "bus-frequency",
		"memory-frequency", "peripheral-frequency", "fixed-frequency",
	};
	char name[8] = "cpu0";
	size_t n;

	if (i >= 10) {
		name[3] = (char)('0' + i / 10);
		name[4] = (char)('0' + i % 10);
	} else {
		name[3] = (char)('0' + i);
	}
	n = node(e, cpus, name);
	text_new(e, n, "device_type", "cpu");
	text_new(e, n, "compatible", "apple,virtual");
	/* the kernel compares Aff0 of it alone: section 1.3 */
	u32(e, n, "reg", m->affinity[i]);
	text(e, n, "state", i ? "waiting" : "running");
	for (unsigned j = 0; j < sizeof(clock) / sizeof(clock[0]); j++)
		u64(e, n, clock[j], m->timebase);
	text_new(e, n, "cluster-type", "P");
}

/* A template has one node for each CPU there could be. */
static void cpus(struct edit *e, const struct xnu_machine *m)
{
	unsigned count = m->cpus < XNU_CPUS ? m->cpus : XNU_CPUS;
	size_t n = node(e, 0, "cpus"), child = 0;
	uint32_t i = 0;

	for (unsigned c = 0; c < count; c++)
		cpu(e, n, c, m);
	/* The first `count` stay where they are all named so; a template that
	 * names them otherwise loses its own and has ours. */
	while (!e->bad && adt_child(e->t, n, &i, &child)) {
		uint32_t len;
		const uint8_t *v = adt_prop(e->t, child, "name", &len);
		unsigned num = 0;
		bool ours = v && len > 4 && !memcmp(v, "cpu", 3);

		for (uint32_t k = 3; ours && k < len && v[k]; k++) {
			ours = v[k] >= '0' && v[k] <= '9' && k < 6;
			num = num * 10 + (v[k] - '0');
		}
		if (ours && num < count)
			continue;
		adt_delete(e->t, n, child);
		/* Count again: what was next is here now. */
		i = 0;
		child = 0;
	}
}

static void macs(struct edit *e, size_t chosen, const struct xnu_machine *m)
{
	static const char *const name[4] = {
		"mac-address-ethernet0", "mac-address-ethernet1",
		"mac-address-wifi0", "mac-address-bluetooth0",
	};

	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *a = m->mac[i];

		if (a[0] | a[1] | a[2] | a[3] | a[4] | a[5])
			bytes(e, chosen, name[i], a, 6);
	}
}

static void chosen(struct edit *e, const struct xnu_in *in,
		   const struct xnu_map *map)
{
	const struct xnu_machine *m = in->machine;
	size_t n = node(e, 0, "chosen"), mm;

	bytes(e, n, "random-seed", m->seed, sizeof(m->seed));
	u64(e, n, "dram-base", m->ram_base);
	u64(e, n, "dram-size", m->ram_size);
	u64(e, n, "unique-chip-id", m->ecid);
	u32(e, n, "chip-id", m->chip);
	u32(e, n, "board-id", m->board);
	text(e, n, "boot-args", in->command_line);
	text(e, n, "firmware-version", "pome");
	text_new(e, n, "system-firmware-version", "pome");
	u32(e, n, "debug-enabled", 1);
	macs(e, n, m);
	mm = node(e, n, "memory-map");
	for (unsigned i = 0; i < map->n; i++) {
		uint64_t v[2] = { map->row[i].pa, map->row[i].len };

		if (v[1])
			bytes(e, mm, map->row[i].name, v, sizeof(v));
	}
}

/* What the map will hold, before it is known where. */
static void sizes(const struct xnu_in *in, struct xnu_map *m)
{
	xnu_map_add(m, "DeviceTree", 0, 1);
	xnu_map_add(m, "TrustCache", 0, in->trust.n);
	xnu_map_add(m, "RAMDisk", 0, in->ramdisk.n);
	xnu_map_add(m, "Kernel-mach_header", 0, 1);
	xnu_map_add(m, "BootArgs", 0, 1);
}

const char *xnu_tree(const struct xnu_in *in, const struct xnu_map *map,
		     struct adt *t)
{
	struct xnu_map first = { .n = 0 };
	struct edit e = { .t = t };

	if (in->tree.n) {
		size_t used;
		const char *bad = adt_check(in->tree.p, in->tree.n, &used);

		if (bad)
			return bad;
		if (used > XNU_TREE_MAX / 2)
			return "device tree: larger than 1 MiB";
		memcpy(in->work, in->tree.p, used);
		*t = (struct adt){ in->work, used, XNU_TREE_MAX };
	} else {
		adt_new(t, in->work, XNU_TREE_MAX);
		build(&e);
	}
	if (!map->n) {
		sizes(in, &first);
		map = &first;
	}
	text(&e, 0, "serial-number", in->machine->serial);
	text_new(&e, 0, "regulatory-model-number", in->machine->model);
	cpus(&e, in->machine);
	chosen(&e, in, map);
	return e.bad;
}
