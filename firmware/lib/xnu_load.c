/* Lays out and fills RAM for an XNU kernel: spec/vmapple.md section 8.8.
 *
 * From the physical base on, in this order: device tree, trust cache directly
 * behind it, kernel, RAM disk, boot_args. The kernel maps all RAM linearly from
 * virtBase, which is aligned to 32 MiB as physBase is, so that a kernel at its
 * link address (slide 0) lies right. */
#include "xnu_int.h"

#define BLOCK (32ull << 20)             /* an L2 block of 16 KiB pages */
#define PAGE 0x4000ull

enum {                                  /* boot_args */
	REVISION = 0x00, VERSION = 0x02, VIRT_BASE = 0x08, PHYS_BASE = 0x10,
	MEM_SIZE = 0x18, TOP = 0x20, VIDEO_DEPTH = 0x50, TREE = 0x60,
	TREE_LENGTH = 0x68, LINE = 0x6c,
};

static uint64_t page_up(uint64_t v)
{
	return (v + PAGE - 1) & ~(PAGE - 1);
}

/* 12 to 14 have room for 608 characters of command line, later ones for 1024
 * (version 11215 and up is 15's). */
static unsigned line_size(const struct macho *k)
{
	if (k->version[0])
		return k->version[0] < 11000 ? 608 : 1024;
	return k->macos && k->macos < 15 ? 608 : 1024;
}

static uint16_t revision(const struct macho *k)
{
	return k->version[0] >= 12000 || k->macos >= 26 ? 3 : 2;
}

static uint8_t *at(const struct xnu_in *in, uint64_t pa)
{
	return in->ram + (pa - in->machine->ram_base);
}

struct layout {
	uint64_t virt, phys;            /* bases */
	uint64_t tree, tree_len;        /* physical; whole pages */
	uint64_t trust, kernel, kernel_end, ramdisk, args, end;
};

static const char *lay_out(const struct xnu_in *in, const struct macho *k,
			   size_t tree_len, struct layout *l)
{
	uint64_t base = in->machine->ram_base, end = base + in->room;
	uint64_t low = k->low & ~(PAGE - 1), below;

	l->tree_len = page_up(tree_len);
	below = l->tree_len + page_up(in->trust.n);
	if (low < below + BLOCK)
		return "the kernel is linked too low";
	l->virt = (low - below) & ~(BLOCK - 1);
	l->phys = (base + BLOCK - 1) & ~(BLOCK - 1);
	l->kernel = l->phys + (low - l->virt);
	l->kernel_end = l->kernel + page_up(k->high - low);
	l->tree = l->kernel - below;
	l->trust = l->tree + l->tree_len;
	l->ramdisk = l->kernel_end;
	l->args = l->ramdisk + page_up(in->ramdisk.n);
	l->end = l->args + PAGE;
	if (l->kernel_end < l->kernel || l->args < l->ramdisk || l->end > end)
		return "kernel, RAM disk and the rest do not fit into RAM";
	return NULL;
}

static void place_kernel(const struct xnu_in *in, const struct macho *k,
			 const struct layout *l)
{
	memset(at(in, l->kernel), 0, l->kernel_end - l->kernel);
	for (unsigned i = 0; i < k->nsegs; i++)
		memcpy(at(in, l->phys + (k->seg[i].vmaddr - l->virt)),
		       k->seg[i].data, k->seg[i].filesize);
}

static const char *place_args(const struct xnu_in *in, const struct macho *k,
			      const struct layout *l)
{
	uint8_t *p = at(in, l->args);
	unsigned room = line_size(k), flags = (LINE + room + 7) & ~7u;
	size_t n = strlen(in->command_line);

	if (n >= room)
		return room == 608 ? "the command line is longer than the 607 "
		       "characters that this kernel takes" : "the command "
		       "line is longer than 1023 characters";
	memset(p, 0, PAGE);
	st32(p + REVISION, revision(k) | 2u << 16);
	st64(p + VIRT_BASE, l->virt);
	st64(p + PHYS_BASE, l->phys);
	st64(p + MEM_SIZE, in->machine->ram_base + in->machine->ram_size -
			   l->phys);
	st64(p + TOP, l->end);
	st64(p + VIDEO_DEPTH, 0);
	st64(p + TREE, l->virt + (l->tree - l->phys));
	st32(p + TREE_LENGTH, (uint32_t)l->tree_len);
	memcpy(p + LINE, in->command_line, n);
	st64(p + flags, 0);
	st64(p + flags + 8, in->machine->ram_size);
	return NULL;
}

const char *xnu_load(const struct xnu_in *in, struct xnu_out *out)
{
	struct macho *k = &out->kernel;
	struct xnu_map map = { .n = 0 };
	struct layout l;
	struct adt tree;
	const char *bad;

	memset(out, 0, sizeof(*out));
	bad = macho_parse(in->kernel.p, in->kernel.n, k);
	/* Twice: where things are does not change how long the tree is. */
	if (!bad)
		bad = xnu_tree(in, &map, &tree);
	if (!bad)
		bad = lay_out(in, k, tree.len, &l);
	if (bad)
		return bad;
	map.n = 0;
	xnu_map_add(&map, "DeviceTree", l.tree, l.tree_len);
	xnu_map_add(&map, "TrustCache", l.trust, in->trust.n);
	xnu_map_add(&map, "RAMDisk", l.ramdisk, in->ramdisk.n);
	xnu_map_add(&map, "Kernel-mach_header", l.kernel + k->low % PAGE,
		    k->high - k->low);
	xnu_map_add(&map, "BootArgs", l.args, PAGE);
	bad = xnu_tree(in, &map, &tree);
	if (bad)
		return bad;
	memset(at(in, l.tree), 0, l.tree_len);
	memcpy(at(in, l.tree), tree.buf, tree.len);
	if (in->trust.n)
		memcpy(at(in, l.trust), in->trust.p, in->trust.n);
	place_kernel(in, k, &l);
	if (in->ramdisk.n)
		memcpy(at(in, l.ramdisk), in->ramdisk.p, in->ramdisk.n);
	bad = place_args(in, k, &l);
	out->entry = l.phys + (k->entry - l.virt);
	out->boot_args = l.args;
	out->start = l.tree;
	out->end = l.end;
	out->tree = l.tree;
	out->trust = in->trust.n ? l.trust : 0;
	out->ramdisk = in->ramdisk.n ? l.ramdisk : 0;
	out->virt_base = l.virt;
	out->phys_base = l.phys;
	out->line_size = line_size(k);
	return bad;
}
