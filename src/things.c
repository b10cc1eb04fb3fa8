/* Several things on the command line, told apart by their contents: things.h.
 * Bundles, kernels and disks have their own sniffers; what is left is to know
 * an initial RAM disk, which has no form of its own when it is packed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"
#include "disk_sniff.h"
#include "stream.h"
#include "things.h"

#define BLANK_MIN 32768u                /* nobody has smaller disks */

static bool at(const uint8_t *h, size_t n, size_t off, const char *bytes,
	       size_t len)
{
	return off + len <= n && !memcmp(h + off, bytes, len);
}

static bool is_cpio(const uint8_t *h, size_t n)
{
	return at(h, n, 0, "070701", 6) || at(h, n, 0, "070702", 6) ||
	       at(h, n, 0, "070707", 6);
}

/* Packed in a way that kernels unpack for RAM disks, and that no kernel for
 * pome comes in. */
static bool is_packed_initrd(const uint8_t *h, size_t n)
{
	return at(h, n, 0, "\xfd" "7zXZ\0", 6) || at(h, n, 0, "BZh", 3) ||
	       at(h, n, 0, "\x5d\0\0", 3) ||
	       at(h, n, 0, "\x04\x22\x4d\x18", 4) ||
	       at(h, n, 0, "\x02\x21\x4c\x18", 4) ||
	       at(h, n, 0, "\x89LZO", 4);
}

/* Partition tables, file systems, images of disks. */
static bool is_disk(const uint8_t *h, size_t n)
{
	static const struct { size_t off; const char *bytes; size_t len; }
	signs[] = {
		{ 0, "QFI\xfb", 4 }, { 510, "\x55\xaa", 2 },
		{ 512, "EFI PART", 8 }, { 4096, "EFI PART", 8 },
		{ 0x8001, "CD001", 5 },
		{ 0x438, "\x53\xef", 2 },               /* ext2 to ext4 */
		{ 0, "XFSB", 4 }, { 0x400, "\x10\x20\xf5\xf2", 4 }, /* f2fs */
		{ 0, "hsqs", 4 }, { 0x400, "\xe2\xe1\xf5\xe0", 4 }, /* erofs */
		{ 4086, "SWAPSPACE2", 10 }, { 32, "NXSB", 4 },
		{ 0, "LUKS\xba\xbe", 6 }, { 512, "LABELONE", 8 },   /* LVM */
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (at(h, n, signs[i].off, signs[i].bytes, signs[i].len))
			return true;
	return false;
}

static bool is_json(const uint8_t *h, size_t n)
{
	size_t i = at(h, n, 0, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (i < n && (h[i] == ' ' || h[i] == '\n' || h[i] == '\r' ||
			 h[i] == '\t'))
		i++;
	return i < n && h[i] == '{';
}

static bool all_zero(const uint8_t *h, size_t n)
{
	return n && !h[0] && !memcmp(h, h + 1, n - 1);
}

enum thing thing_sniff(const uint8_t *h, size_t n, const uint8_t *inside,
		       size_t ninside, uint64_t size, struct err *e)
{
	struct kernel_sniff k;
	struct disk_sniff d;

	if (at(h, n, 0, "\xd0\x0d\xfe\xed", 4))
		return THING_DTB;
	if (ninside) {
		kernel_sniff(inside, ninside, UINT64_MAX, &k);
		if (k.kind != KERNEL_REFUSE)
			return THING_KERNEL;
		/* A kernel for another machine is no RAM disk either. */
		if (is_cpio(inside, ninside) ||
		    strcmp(k.code, "kernel-arch"))
			return THING_INITRD;
		err_set(e, 0, "%s", k.text);
		return THING_UNKNOWN;
	}
	if (is_cpio(h, n) || is_packed_initrd(h, n))
		return THING_INITRD;
	if (is_json(h, n) || at(h, n, 0, "PK\3\4", 4))
		return THING_BUNDLE;
	kernel_sniff(h, n, size, &k);
	if (k.kind != KERNEL_REFUSE)
		return THING_KERNEL;
	disk_sniff(h, n, NULL, size, false, &d);
	if (!d.format) {
		err_set(e, 0, "%s", d.text);
		return THING_UNKNOWN;
	}
	if (strcmp(d.format, "raw") || is_disk(h, n))
		return THING_DISK;
	/* A new disk has nothing on it. */
	if (size >= BLANK_MIN && size % 512 == 0 && all_zero(h, n))
		return THING_DISK;
	err_set(e, 0, "%s", k.text);
	return THING_UNKNOWN;
}

/* The first bytes of what is packed in the file; 0: it isn't, or not whole. */
static size_t unpack_head(int fd, const uint8_t *head, size_t n, uint64_t size,
			  uint8_t *out)
{
	bool gzip = at(head, n, 0, "\x1f\x8b\x08", 3);
	bool zstd = at(head, n, 0, "\x28\xb5\x2f\xfd", 4);
	struct stream *s;
	struct err e;
	ssize_t got;

	if (!gzip && !zstd)
		return 0;
	s = stream_file(fd, 0, size);
	if (s)
		s = gzip ? stream_gzip(s) : stream_zstd(s);
	got = s ? stream_read(s, out, THING_HEAD, &e) : -1;
	stream_free(s);
	return got > 0 ? (size_t)got : 0;
}

static enum thing look(const char *path, struct err *e)
{
	uint8_t *buf = malloc(2 * THING_HEAD);
	enum thing kind = THING_UNKNOWN;
	struct stat st;
	uint64_t size;
	ssize_t n;
	size_t inside;
	int fd;

	if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		free(buf);
		return THING_BUNDLE;
	}
	fd = buf ? config_open_file(path, O_RDONLY, true, "a kernel, an "
				    "initial RAM disk, a disk or a bundle",
				    &size, e) : -1;
	if (fd < 0) {
		free(buf);
		return THING_UNKNOWN;
	}
	n = pread(fd, buf, THING_HEAD, 0);
	if (n <= 0) {
		err_set(e, n ? errno : 0, "%s: %s", path, n ? "read" :
			"the file is empty");
	} else {
		inside = unpack_head(fd, buf, (size_t)n, size,
				     buf + THING_HEAD);
		kind = thing_sniff(buf, (size_t)n, buf + THING_HEAD, inside,
				   size, e);
		if (kind == THING_UNKNOWN)
			err_at(e, "%s: no kernel, initial RAM disk, disk or "
			       "bundle that is known: ", path);
	}
	close(fd);
	free(buf);
	return kind;
}

static int twice(const char *what, const char *a, const char *b, struct err *e)
{
	return err_set(e, 0, "%s and %s: both are %s, and a machine has one "
		       "(say which: --kernel, --initrd, --disk)", a, b, what);
}

static int take_file(struct cfg_file *f, char *path, const char *what,
		     struct err *e)
{
	if (f->path)
		return twice(what, f->path, path, e);
	f->path = strdup(path);
	return f->path ? 0 : err_set(e, 0, "out of memory");
}

static int take_disk(struct config *c, const char *path, struct err *e)
{
	struct cfg_disk *d;

	if (c->ndisks == CFG_MAX_DISKS)
		return err_set(e, 0, "%s: more than %d disks", path,
			       CFG_MAX_DISKS);
	d = &c->disk[c->ndisks];
	d->path = strdup(path);
	if (!d->path)
		return err_set(e, 0, "out of memory");
	c->ndisks++;
	return 0;
}

/* What the name does not state the contents did, of a disk without --disk. */
static int state_format(struct cfg_disk *d, struct err *e)
{
	uint64_t size;
	uint8_t magic[4] = { 0 };
	int fd = config_open_file(d->path, O_RDONLY, true, "a disk image",
				  &size, e);

	if (fd < 0)
		return -1;
	if (pread(fd, magic, 4, 0) < 0)
		magic[0] = 0;
	close(fd);
	d->format = memcmp(magic, "QFI\xfb", 4) ? CFG_FMT_RAW : CFG_FMT_QCOW2;
	return 0;
}

static int place(struct config *c, char *path, char **bundle, struct err *e)
{
	switch (look(path, e)) {
	case THING_KERNEL:
		return take_file(&c->kernel, path, "kernels", e);
	case THING_INITRD:
		return take_file(&c->initrd, path, "initial RAM disks", e);
	case THING_DTB:
		return take_file(&c->dtb, path, "device trees", e);
	case THING_DISK:
		return take_disk(c, path, e) ? -1 :
		       state_format(&c->disk[c->ndisks - 1], e);
	case THING_BUNDLE:
		if (*bundle)
			return twice("bundles", *bundle, path, e);
		*bundle = strdup(path);
		return *bundle ? 0 : err_set(e, 0, "out of memory");
	default:
		return -1;
	}
}

int things_sort(struct config *c, struct err *e)
{
	char *bundle = NULL;
	int r;

	if (!c->nmore)
		return 0;
	r = place(c, c->bundle, &bundle, e);
	for (int i = 0; i < c->nmore && !r; i++)
		r = place(c, c->more[i], &bundle, e);
	free(c->bundle);
	c->bundle = bundle;
	if (r || bundle || c->kernel.path || c->firmware.path ||
	    c->firmware_builtin)
		return r;
	return err_set(e, 0, "there is no kernel among them to start with "
		       "(%s)", c->ndisks ? "one that is inside a disk is not "
		       "looked for: pome inspect DISK says how to take it "
		       "out" : "an initial RAM disk needs one");
}
