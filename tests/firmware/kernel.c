/* kernel.c: a Mach-O kernel of our own. It checks every fact that a boot loader
 * hands to XNU (spec/vmapple.md section 8.8) and says so on the UART. Position
 * independent: the MMU is off, it is linked high. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UART 0x20010000ul
#define GICR 0x10010000ul
#define CONFIG 0x400000ul
#define RAM 0x70000000ull
#define LINK 0xfffffe0007004000ull

uint64_t hvc(uint64_t fn, uint64_t a, uint64_t b, uint64_t c);
void kernel_main(const uint8_t *args, uint64_t here);

extern uint64_t marker;
static uint64_t zero[512];              /* bss */
static unsigned checks, failed;

static uint32_t ld32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t ld64(const uint8_t *p)
{
	return ld32(p) | (uint64_t)ld32(p + 4) << 32;
}

static void put(char c)
{
	while (*(volatile uint32_t *)(UART + 0x18) & 0x20)
		;
	*(volatile uint32_t *)UART = (uint8_t)c;
}

static void text(const char *s)
{
	while (*s)
		put(*s++);
}

static void number(uint64_t v)
{
	for (int i = 60; i >= 0; i -= 4)
		put("0123456789abcdef"[v >> i & 15]);
}

static void is(const char *what, uint64_t got, uint64_t want)
{
	checks++;
	if (got == want)
		return;
	failed++;
	text("kernel: ");
	text(what);
	text(" is ");
	number(got);
	text(", not ");
	number(want);
	text("\r\n");
}

static bool same(const char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (!*a)
			return true;
	return false;
}

/* ---- the device tree, read as XNU does ------------------------------------- */

static const uint8_t *skip_props(const uint8_t *node)
{
	uint32_t n = ld32(node);
	const uint8_t *p = node + 8;

	while (n--)
		p += 36 + ((ld32(p + 32) & 0xffffff) + 3 & ~3u);
	return p;
}

static const uint8_t *skip(const uint8_t *node)
{
	uint32_t n = ld32(node + 4);
	const uint8_t *p = skip_props(node);

	while (n--)
		p = skip(p);
	return p;
}

static const uint8_t *prop(const uint8_t *node, const char *name, uint32_t *len)
{
	uint32_t n = node ? ld32(node) : 0, l;
	const uint8_t *p = node + 8;

	if (!len)
		len = &l;
	for (; n--; p += 36 + ((ld32(p + 32) & 0xffffff) + 3 & ~3u)) {
		*len = ld32(p + 32) & 0xffffff;
		if (same((const char *)p, name))
			return p + 36;
	}
	return NULL;
}

static const uint8_t *child(const uint8_t *node, const char *name)
{
	uint32_t n = node ? ld32(node + 4) : 0;
	const uint8_t *p = node ? skip_props(node) : NULL;

	for (; n--; p = skip(p)) {
		const uint8_t *v = prop(p, "name", NULL);

		if (v && same((const char *)v, name))
			return p;
	}
	return NULL;
}

static uint64_t value(const uint8_t *node, const char *name)
{
	uint32_t len = 0;
	const uint8_t *p = prop(node, name, &len);

	return !p ? ~0ull : len == 4 ? ld32(p) : len == 8 ? ld64(p) : ~1ull;
}

static bool map(const uint8_t *tree, const char *name, uint64_t *pa,
		uint64_t *len)
{
	const uint8_t *mm = child(child(tree, "chosen"), "memory-map");
	uint32_t l;
	const uint8_t *p = prop(mm, name, &l);

	if (!p || l != 16)
		return false;
	*pa = ld64(p);
	*len = ld64(p + 8);
	return true;
}

/* ---- the checks --------------------------------------------------------------- */

static const uint8_t *check_args(const uint8_t *a, uint64_t here)
{
	uint64_t virt = ld64(a + 8), phys = ld64(a + 0x10);
	uint64_t size = ld64(a + 0x18), top = ld64(a + 0x20);
	uint64_t ram = ld64((const uint8_t *)CONFIG + 0x20);
	const uint8_t *tree = (const uint8_t *)(ld64(a + 0x60) - virt + phys);

	is("version", ld32(a) >> 16, 2);
	is("revision", (ld32(a) & 0xffff) - 1 < 3, 1);
	is("virtBase's low bits", virt & 0x1ffffff, 0);
	is("physBase's low bits", phys & 0x1ffffff, 0);
	is("place of the kernel", here - phys, LINK - virt);
	is("memSize", size, RAM + ram - phys);
	is("topOfKernelData above us", top > here && top <= RAM + ram, 1);
	is("topOfKernelData's low bits", top & 0x3fff, 0);
	is("boot_args below the top", (uint64_t)a < top, 1);
	is("tree below the kernel", (uint64_t)tree < here, 1);
	is("tree in RAM", (uint64_t)tree >= phys, 1);
	is("command line", same((const char *)a + 0x6c, "serial=3 pome-test"),
	   1);
	return tree;
}

static void check_map(const uint8_t *tree, const uint8_t *a, uint64_t here)
{
	uint64_t pa, len, tpa = 0, tlen = 0;

	is("map of the tree", map(tree, "DeviceTree", &tpa, &tlen), 1);
	is("DeviceTree", tpa, (uint64_t)tree);
	is("tree length", tlen, ld32(a + 0x68));
	if (map(tree, "TrustCache", &pa, &len)) {
		is("trust cache behind the tree", pa, tpa + tlen);
		is("trust cache below the kernel", pa + len <= here, 1);
		is("trust cache", ld64((const uint8_t *)pa),
		   0x6568636163737274);
		text("kernel: trust cache\r\n");
	}
	if (map(tree, "RAMDisk", &pa, &len)) {
		is("RAM disk above the kernel", pa > here, 1);
		is("RAM disk", ld64((const uint8_t *)pa), 0x6b736964206d6172);
		text("kernel: RAM disk\r\n");
	}
	is("map of boot_args", map(tree, "BootArgs", &pa, &len), 1);
	is("BootArgs", pa, (uint64_t)a);
}

/* What the kernel finds a CPU by is Aff0, so no two may share it; its
 * redistributor says the same of it. */
static void check_cpus(const uint8_t *cpus, unsigned count)
{
	char name[8] = "cpu0";

	for (unsigned i = 0; i < count; i++) {
		uint32_t aff = *(volatile uint32_t *)(GICR + i * 0x20000ul + 12);

		name[3] = (char)('0' + (i < 10 ? i : i / 10));
		name[4] = i < 10 ? 0 : (char)('0' + i % 10);
		is(name, value(child(cpus, name), "reg"), i);
		is("its redistributor", aff, i);
	}
}

static void check_tree(const uint8_t *tree)
{
	const uint8_t *cfg = (const uint8_t *)CONFIG;
	const uint8_t *chosen = child(tree, "chosen"), *cpus, *n;
	const uint8_t *io = child(tree, "arm-io"), *gic, *p;
	unsigned count = ld32(cfg + 4);
	uint32_t len, any = 0;
	uint64_t rate;

	is("dram-base", value(chosen, "dram-base"), RAM);
	is("dram-size", value(chosen, "dram-size"), ld64(cfg + 0x20));
	is("unique-chip-id", value(chosen, "unique-chip-id"),
	   ld64(cfg + 0x18));
	p = prop(chosen, "random-seed", &len);
	is("random-seed's length", p ? len : 0, 64);
	for (unsigned i = 0; p && i < 64; i++)
		any |= p[i];
	is("random-seed not zero", any != 0, 1);
	cpus = child(tree, "cpus");
	is("number of CPUs", cpus ? ld32(cpus + 4) : 0, count);
	n = child(cpus, "cpu0");
	is("cpu0 runs", n && same((const char *)prop(n, "state", NULL),
				  "running"), 1);
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(rate));
	is("timebase", value(n, "timebase-frequency"), rate);
	check_cpus(cpus, count);
	p = prop(io, "ranges", &len);
	is("arm-io's base", p && len >= 16 ? ld64(p + 8) : 0, 0x10000000);
	gic = prop(child(io, "gic"), "reg", &len);
	is("GICD", gic ? ld64(gic) : ~0ull, 0);
	is("GICR", gic && len == 32 ? ld64(gic + 16) : 0, 0x10000);
	is("serial-device", value(child(tree, "defaults"), "serial-device"),
	   value(child(io, "uart0"), "AAPL,phandle"));
	p = prop(tree, "pome-template", &len);
	if (p)
		text("kernel: a template's tree\r\n");
}

static void check_state(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, currentel" : "=r"(v));
	is("exception level", v, 4);
	__asm__ volatile("mrs %0, sctlr_el1" : "=r"(v));
	is("MMU and caches", v & 0x1005, 0);
	is("data", marker, 0x6b636568636b6e75);
	for (unsigned i = 0; i < 512; i++)
		if (zero[i])
			is("bss", zero[i], 0);
}

void kernel_main(const uint8_t *args, uint64_t here)
{
	const uint8_t *tree;

	text("kernel: started\r\n");
	check_state();
	tree = check_args(args, here);
	check_map(tree, args, here);
	check_tree(tree);
	text(failed ? "kernel: FAIL\r\n" : "kernel: PASS\r\n");
	hvc(0x84000008, 0, 0, 0);
}
