/* Opens every file that the machine will read, before the sandbox closes.
 *
 * Names may come from a bundle that someone downloaded: open without blocking,
 * look at what was opened and not at what the name promised, take no FIFO,
 * socket or terminal, and no device node that a bundle names (bundles.md
 * section 7). Disk formats are stated, never probed; a head that contradicts
 * the statement is refused (bundles.md section 4). */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "board.h"
#include "boot.h"
#include "config.h"
#include "disk_sniff.h"
#include "firmware.h"

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR: return "a directory";
	case S_IFIFO: return "a FIFO";
	case S_IFSOCK: return "a socket";
	case S_IFCHR: return "a character device";
	case S_IFBLK: return "a block device";
	default: return "no regular file";
	}
}

static const char *hint(int no, bool writes)
{
	switch (no) {
	case ENOENT: return " (check the spelling and the current directory)";
	case EACCES: return writes ? " (check the file's owner and mode, or "
		"try --ephemeral)" : " (check the file's owner and mode)";
	case EROFS: return " (try ,readonly or --ephemeral)";
	case ETXTBSY: return " (another program uses it)";
	default: return "";
	}
}

int config_open_file(const char *path, int flags, bool blockdev,
		     const char *what, uint64_t *size, struct err *e)
{
	struct stat st;
	int fd, no;

	/* stat first: opening some devices has effects of its own. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode) &&
	    !(blockdev && S_ISBLK(st.st_mode)))
		return err_set(e, 0, "%s: %s; expected %s", path,
			       kind_of(st.st_mode), what);
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		no = errno;
		return err_set(e, 0, "%s: cannot open %s: %s%s", path, what,
			       strerror(no), hint(no, flags & O_RDWR));
	}
	if (fstat(fd, &st)) {
		err_set(e, errno, "%s: fstat", path);
		goto fail;
	}
	if (!S_ISREG(st.st_mode) && !(blockdev && S_ISBLK(st.st_mode))) {
		err_set(e, 0, "%s: %s; expected %s", path, kind_of(st.st_mode),
			what);
		goto fail;
	}
	*size = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, size)) {
		err_set(e, errno, "%s: size of the block device", path);
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

static int open_file(struct cfg_file *f, const char *what, struct err *e)
{
	if (!f->path)
		return 0;
	f->fd = config_open_file(f->path, O_RDONLY, false, what, &f->size, e);
	if (f->fd < 0)
		return -1;
	if (!f->size)
		return err_set(e, 0, "%s: the file is empty; expected %s",
			       f->path, what);
	return 0;
}

/* ---- disks (bundles.md section 4) -------------------------------------- */

/* A raw image whose head or tail is another format's: refused unless format=raw
 * was said, because a guest that writes such a head must gain nothing and a
 * person who mistook the file must not lose it. */
static int check_raw(const struct cfg_disk *d, uint64_t size, struct err *e)
{
	uint8_t *head, tail[512];
	struct disk_sniff s;
	bool has_tail;
	ssize_t n;

	if (size < 512)
		return err_set(e, 0, "%s: %llu bytes; a disk has at least one "
			       "sector of 512", d->path,
			       (unsigned long long)size);
	head = malloc(DISK_HEAD);
	if (!head)
		return err_set(e, ENOMEM, "%s", d->path);
	n = pread(d->fd, head, DISK_HEAD, 0);
	if (n < 0) {
		free(head);
		return err_set(e, errno, "%s: read", d->path);
	}
	has_tail = pread(d->fd, tail, sizeof(tail), (off_t)(size - 512)) == 512;
	disk_sniff(head, (size_t)n, has_tail ? tail : NULL, size, true, &s);
	free(head);
	if (d->format_given || (s.format && (!strcmp(s.format, "raw") ||
					     !strcmp(s.format, "iso"))))
		return 0;
	if (s.format && !strcmp(s.format, "qcow2"))
		return err_set(e, 0, "%s: a qcow2 image, not a raw one (try "
			       "format=qcow2; or format=raw if the guest shall "
			       "see these bytes)", d->path);
	return err_set(e, 0, "%s: not a raw image but %s (say format=raw if "
		       "the guest shall see these bytes)", d->path, s.format ?
		       "an ASIF image; convert it on a Mac: diskutil image" :
		       s.text);
}

static int open_disk(const struct config *c, struct cfg_disk *d,
		     struct err *e)
{
	bool readonly = d->readonly || c->ephemeral;
	struct blk_qcow2_info info;
	uint64_t size = 0;

	d->fd = config_open_file(d->path, readonly ? O_RDONLY : O_RDWR,
				 !d->from_bundle, "a disk image", &size, e);
	/* the lock before the first look: what we see then stays */
	if (d->fd < 0 || blk_lock(d->fd, d->path, readonly, e))
		return -1;
	return d->format == CFG_FMT_QCOW2 ?
	       blk_qcow2_inspect(d->fd, d->path, c->allow_backing, &info, e) :
	       check_raw(d, size, e);
}

/* A ROM is bare code from its first byte on. What people have instead of one is
 * told apart; anything else may be code. */
static int check_rom(const struct config *c, struct err *e)
{
	const struct cfg_file *f = &c->firmware;
	static const struct {
		unsigned off;
		const char *bytes;
		unsigned len;
		const char *is;
	} not[] = {
		{ 0, "\x7f" "ELF", 4, "an ELF file (a bare-metal one goes to "
		  "--kernel)" },
		{ 0, "\xcf\xfa\xed\xfe", 4, "a Mach-O file (a kernel goes to "
		  "--kernel)" },
		{ 0, "PK\3\4", 4, "a zip archive, as an IPSW is (the ROM is a "
		  "file inside: pome-vmapple(7))" },
		{ 0, "\x1f\x8b", 2, "packed with gzip (gunzip it first)" },
		{ 0, "bplist", 6, "a property list" },
		{ 0, "bvx", 3, "packed with LZFSE (unpack it first)" },
		{ 56, "ARMd", 4, "an arm64 kernel (it goes to --kernel)" },
		{ 0, "\xd0\x0d\xfe\xed", 4, "a device tree" },
	};
	uint8_t head[512];
	ssize_t n;
	size_t i;

	if (!f->path)
		return 0;
	n = pread(f->fd, head, sizeof(head), 0);
	if (n < 0)
		return err_set(e, errno, "%s: read", f->path);
	for (i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (not[i].off + not[i].len <= (size_t)n &&
		    !memcmp(head + not[i].off, not[i].bytes, not[i].len))
			return err_set(e, 0, "%s: %s; expected %s", f->path,
				       not[i].is, c->board->firmware.wanted);
	if (n > 16 && head[0] == 0x30 &&
	    (memmem(head, 16, "IMG4", 4) || memmem(head, 16, "IM4P", 4)))
		return err_set(e, 0, "%s: an IMG4 or IM4P container, as later "
			       "stages are (a boot ROM is bare code; a stage 1 "
			       "lies in the auxiliary store)", f->path);
	for (i = 0; i < (size_t)n && (isprint(head[i]) || isspace(head[i]));)
		i++;
	if (i == (size_t)n)
		return err_set(e, 0, "%s: a text file; expected a boot ROM, "
			       "which is bare A64 code", f->path);
	for (i = 0; i < (size_t)n && !head[i]; i++)
		;
	if (i == (size_t)n)
		return err_set(e, 0, "%s: begins with %zu zero bytes; expected "
			       "%s (is the copy complete?)", f->path, i,
			       c->board->firmware.wanted);
	return 0;
}

/* Whose kernel is it? That decides which CPU it finds, and what goes with it.
 * What is none is refused here, before the first output file is made. */
static int sniff_kernel(struct config *c, struct err *e)
{
	bool mac = c->devicetree.path || c->trustcache.path || c->ramdisk.path;
	struct kernel_sniff k;
	uint8_t *head;
	ssize_t n;

	if (!c->kernel.path)
		return 0;
	head = malloc(KERNEL_HEAD);
	if (!head)
		return err_set(e, ENOMEM, "%s", c->kernel.path);
	n = pread(c->kernel.fd, head, KERNEL_HEAD, 0);
	if (n < 0)
		err_set(e, errno, "%s: read", c->kernel.path);
	else
		kernel_sniff(head, (size_t)n, c->kernel.size, &k);
	free(head);
	if (n < 0)
		return -1;
	if (k.kind == KERNEL_REFUSE && !c->kernel_flat)
		return err_set(e, 0, "%s: %s", c->kernel.path, k.text);
	c->kernel_xnu = k.kind == KERNEL_XNU && !c->kernel_flat;
	if (mac && !c->kernel_xnu)
		return err_set(e, 0, "--devicetree, --trustcache and --ramdisk "
			       "belong to XNU kernels, and %s is none (for "
			       "Linux: --dtb, --initrd)", c->kernel.path);
	if (c->kernel_xnu && !c->board->firmware.apple)
		return err_set(e, 0, "%s: an XNU kernel; it needs --machine "
			       "vmapple", c->kernel.path);
	if (c->kernel_xnu && (c->dtb.path || c->initrd.path))
		return err_set(e, 0, "--dtb and --initrd are Linux's; an XNU "
			       "kernel takes --devicetree and --ramdisk");
	return 0;
}

int config_open(struct config *c, struct err *e)
{
	bool keep;

	if (c->firmware_builtin && !firmware_rom_size())
		return err_set(e, 0, "--firmware builtin: this pome was built "
			       "without its boot ROM, which needs clang and "
			       "lld (give the file of one, or a kernel with "
			       "--kernel)");
	if (open_file(&c->firmware, c->board->firmware.wanted, e) ||
	    open_file(&c->kernel, "a kernel image", e) ||
	    open_file(&c->initrd, "an initial RAM disk", e) ||
	    open_file(&c->dtb, "a device tree", e) ||
	    open_file(&c->devicetree, "an Apple device tree", e) ||
	    open_file(&c->trustcache, "a trust cache", e) ||
	    open_file(&c->ramdisk, "a RAM disk", e) || sniff_kernel(c, e))
		return -1;
	if (c->firmware.path && c->firmware.size > c->board->firmware.size)
		return err_set(e, 0, "%s: %llu bytes; this board's firmware "
			       "has at most %llu (%llu MiB)", c->firmware.path,
			       (unsigned long long)c->firmware.size,
			       (unsigned long long)c->board->firmware.size,
			       (unsigned long long)
			       (c->board->firmware.size >> 20));
	if (check_rom(c, e))
		return -1;
	if (c->kernel.path && c->kernel.size > c->ram)
		return err_set(e, 0, "%s: %llu MiB, larger than the guest's "
			       "RAM of %llu MiB (try --memory)", c->kernel.path,
			       (unsigned long long)(c->kernel.size >> 20),
			       (unsigned long long)(c->ram >> 20));
	if (c->initrd.path && c->initrd.size > c->ram)
		return err_set(e, 0, "%s: %llu MiB, larger than the guest's "
			       "RAM of %llu MiB (try --memory)", c->initrd.path,
			       (unsigned long long)(c->initrd.size >> 20),
			       (unsigned long long)(c->ram >> 20));
	if (c->dtb.path && c->dtb.size > 2u << 20)
		return err_set(e, 0, "%s: %llu bytes; a device tree has at most "
			       "2 MiB", c->dtb.path,
			       (unsigned long long)c->dtb.size);
	for (int i = 0; i < c->ndisks; i++)
		if (open_disk(c, &c->disk[i], e))
			return -1;
	keep = !c->look && !c->ephemeral && !c->readonly;
	return efi_vars_open(&c->vars, keep, e);
}
