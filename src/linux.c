/* Loads what the machine starts with: a boot ROM, or a kernel with its initial
 * RAM disk and device tree. Runs at start and at each reset of the guest, from
 * the descriptors that config_open left open.
 *
 * Linux gets: the kernel at RAM base + text offset, the tree behind it, the
 * RAM disk behind that; bare-metal programs keep what follows them free, so
 * their tree is at the end of RAM and the RAM disk before it. */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "as.h"
#include "boot.h"
#include "firmware.h"
#include "machine.h"
#include "stream.h"

#define ALIGN 65536                     /* pages of every granule */

static uint8_t *place(struct machine *m, uint64_t gpa, uint64_t len)
{
	const struct ram *r = as_find_ram(m->as, gpa, len);

	return r ? r->host + (gpa - r->gpa) : NULL;
}

/* Firmware images are mostly empty: what is zero stays untouched. */
static int read_sparse(const struct cfg_file *f, uint8_t *dst, struct err *e)
{
	static const uint8_t zero[ALIGN];
	uint8_t buf[ALIGN];

	for (uint64_t off = 0; off < f->size;) {
		ssize_t n = pread(f->fd, buf, sizeof(buf), (off_t)off);

		if (n <= 0)
			return err_set(e, n ? errno : 0, "%s: %s at %llu",
				       f->path, n ? "read" : "the file became "
				       "shorter,", (unsigned long long)off);
		if (memcmp(buf, zero, (size_t)n))
			memcpy(dst + off, buf, (size_t)n);
		off += (uint64_t)n;
	}
	return 0;
}

/* All of a file to guest memory; a file that shrank since is an error. */
static int read_file(const struct cfg_file *f, uint8_t *dst, struct err *e)
{
	struct stream *s = stream_file(f->fd, 0, f->size);
	ssize_t n = s ? stream_read(s, dst, f->size, e) :
			err_set(e, 0, "out of memory");

	stream_free(s);
	if (n < 0)
		return err_at(e, "%s: ", f->path);
	if ((uint64_t)n < f->size)
		return err_set(e, 0, "%s: %zd bytes; it had %llu when it was "
			       "opened", f->path, n,
			       (unsigned long long)f->size);
	return 0;
}

/* The tree, generated or the user's, in a buffer of MACHINE_FDT_SIZE. */
static int make_tree(struct machine *m, const struct fdt_boot *b, void *buf,
		     size_t *len, struct err *e)
{
	struct config *c = m->config;

	if (!c->dtb.path)
		return machine_fdt(m, b, buf, MACHINE_FDT_SIZE, len, e);
	if (read_file(&c->dtb, buf, e))
		return -1;
	if (c->dtb.size < sizeof(struct fdt_header) ||
	    fdt_check_header(buf) || fdt_totalsize(buf) > c->dtb.size)
		return err_set(e, 0, "%s: not a flat device tree, or one cut "
			       "short; expected the magic d00dfeed (compile a "
			       ".dts with dtc)", c->dtb.path);
	if (machine_fdt_patch(b, c->append_given, buf, MACHINE_FDT_SIZE, e))
		return err_at(e, "%s: ", c->dtb.path);
	*len = fdt_totalsize(buf);
	return 0;
}

/* What firmware looks at first: the tree at the beginning of RAM. */
static int place_tree(struct machine *m, struct err *e)
{
	struct fdt_boot b = { .seeds = true, .seed = &m->seed_fdt };
	uint8_t *dst = place(m, m->vm.board->ram, MACHINE_FDT_SIZE);
	size_t len;

	if (!dst)
		return err_set(e, 0, "--memory: %llu MiB are too little for "
			       "firmware", (unsigned long long)
			       (m->config->ram >> 20));
	m->vm.entry_x0 = m->vm.board->ram;
	return make_tree(m, &b, dst, &len, e);
}

static int load_firmware(struct machine *m, struct err *e)
{
	uint8_t *dst = place(m, m->vm.board->firmware.base,
			     m->vm.board->firmware.size);

	if (!dst)
		return err_set(e, 0, "no RAM for the boot ROM");
	if (m->config->firmware_builtin)
		memcpy(dst, firmware_rom, firmware_rom_size());
	else if (read_sparse(&m->config->firmware, dst, e))
		return -1;
	m->vm.entry_pc = m->vm.board->firmware.base;
	m->vm.entry_x0 = 0;
	if (m->vm.board->firmware.tree && place_tree(m, e))
		return -1;
	snprintf(m->booted, sizeof(m->booted), "%s",
		 m->config->firmware_builtin ? "the built-in boot ROM" :
		 m->vm.board->firmware.rom ? "firmware" : "boot ROM");
	return 0;
}

static int too_small(struct machine *m, const struct kernel_loaded *k,
		     size_t tree, struct err *e)
{
	uint64_t initrd = m->config->initrd.path ? m->config->initrd.size : 0;

	return err_set(e, 0, "--memory: %llu MiB are too little: the kernel "
		       "takes %llu KiB, the initial RAM disk %llu KiB, the "
		       "device tree %zu KiB",
		       (unsigned long long)(m->config->ram >> 20),
		       (unsigned long long)((k->end - k->start) >> 10),
		       (unsigned long long)(initrd >> 10), tree >> 10);
}

/* Where tree and RAM disk go; false when they do not fit. */
static bool lay_out(struct machine *m, const struct kernel_loaded *k,
		    size_t tree, uint64_t *tree_at, uint64_t *initrd_at)
{
	uint64_t end = m->vm.board->ram + m->config->ram, at;
	uint64_t initrd = m->config->initrd.path ? m->config->initrd.size : 0;

	if (k->is_linux) {
		if (size_round_up(k->end, ALIGN, tree_at) ||
		    size_add(*tree_at, tree, &at) ||
		    size_round_up(at, ALIGN, initrd_at) ||
		    size_add(*initrd_at, initrd, &at))
			return false;
		return at <= end;
	}
	if (tree + initrd + 2 * ALIGN > m->config->ram)
		return false;
	*tree_at = (end - tree) & ~(uint64_t)(ALIGN - 1);
	*initrd_at = (*tree_at - initrd) & ~(uint64_t)(ALIGN - 1);
	return k->end <= (initrd ? *initrd_at : *tree_at) ||
	       k->start >= end || k->end <= m->vm.board->ram;
}

static int load_kernel(struct machine *m, uint8_t *tree, struct err *e)
{
	struct config *c = m->config;
	struct boot_ram ram = { m->as, m->vm.board->ram, c->ram };
	struct fdt_boot b = { .bootargs = c->append, .seeds = true,
			      .seed = &m->seed_fdt };
	struct kernel_loaded k;
	uint64_t tree_at, initrd_at;
	size_t len;
	uint8_t *dst;

	if (kernel_load(&ram, c->kernel.fd, c->kernel.size, c->kernel_flat, &k,
			e))
		return err_at(e, "%s: ", c->kernel.path);
	/* The tree's size does not depend on the addresses it holds. */
	if (c->initrd.path)
		b.initrd_end = 1;
	if (make_tree(m, &b, tree, &len, e))
		return -1;
	if (!lay_out(m, &k, len, &tree_at, &initrd_at))
		return too_small(m, &k, len, e);
	if (c->initrd.path) {
		b.initrd = initrd_at;
		b.initrd_end = initrd_at + c->initrd.size;
		dst = place(m, initrd_at, c->initrd.size);
		if (!dst || read_file(&c->initrd, dst, e))
			return dst ? -1 : too_small(m, &k, len, e);
		if (make_tree(m, &b, tree, &len, e))
			return -1;
	}
	dst = place(m, tree_at, len);
	if (!dst)
		return too_small(m, &k, len, e);
	memcpy(dst, tree, len);
	m->vm.entry_pc = k.entry;
	m->vm.entry_x0 = tree_at;
	snprintf(m->booted, sizeof(m->booted), "%s", k.what);
	return 0;
}

int boot_load(struct machine *m, struct err *e)
{
	uint8_t *tree;
	int r;

	if (m->config->firmware.path || m->config->firmware_builtin)
		return load_firmware(m, e);
	if (m->config->kernel_xnu)
		return xnu_boot(m, e);
	tree = malloc(MACHINE_FDT_SIZE);
	if (!tree)
		return err_set(e, 0, "out of memory");
	r = load_kernel(m, tree, e);
	free(tree);
	return r;
}
