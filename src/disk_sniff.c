/* What a disk image is. Only heads and tails are looked at; the back ends
 * check the rest when they open it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend.h"
#include "disk_sniff.h"

static uint64_t be(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

#define CONVERT "convert it: qemu-img convert -O raw IN OUT"
#define ON_MAC "convert it on a Mac: hdiutil convert IN -format UDTO -o OUT"

static const struct {
	unsigned off;
	const char *bytes;
	unsigned len;
	const char *code, *is, *advice;
} foreign[] = {
	{ 0, "sprs", 4, "disk-format", "an Apple sparse image", ON_MAC },
	{ 0, "KDMV", 4, "disk-format", "a VMDK image", CONVERT },
	{ 0, "# Disk DescriptorFile", 21, "disk-format", "a VMDK descriptor",
	  CONVERT },
	{ 0, "vhdxfile", 8, "disk-format", "a VHDX image", CONVERT },
	{ 0, "conectix", 8, "disk-format", "a VHD image", CONVERT },
	{ 0x40, "\x7f\x10\xda\xbe", 4, "disk-format", "a VDI image", CONVERT },
	{ 0, "WithoutFreeSpace", 16, "disk-format", "an expanding Parallels "
	  "image", "convert it to plain on the Mac: prl_disk_tool convert "
	  "--plain --hdd DISK" },
	{ 0, "WithouFreSpacExt", 16, "disk-format", "an expanding Parallels "
	  "image", "convert it to plain on the Mac: prl_disk_tool convert "
	  "--plain --hdd DISK" },
	{ 0, "encrcdsa", 8, "disk-encrypted", "an encrypted Apple image",
	  ON_MAC },
	{ 0, "LUKS\xba\xbe", 6, "disk-encrypted", "a LUKS-encrypted image",
	  "decrypt it: cryptsetup open, then copy" },
	{ 0, "\x1f\x8b\x08", 3, "disk-compressed", "compressed by gzip",
	  "unpack it: gunzip IN" },
	{ 0, "\xfd" "7zXZ\0", 6, "disk-compressed", "compressed by xz",
	  "unpack it: unxz IN" },
	{ 0, "\x28\xb5\x2f\xfd", 4, "disk-compressed", "compressed by zstd",
	  "unpack it: unzstd IN" },
	{ 0, "PK\3\4", 4, "disk-compressed", "a zip archive",
	  "unpack it: unzip IN" },
};

static void refuse(struct disk_sniff *s, const char *code, bool ours,
		   const char *text)
{
	s->format = NULL;
	s->code = code;
	s->ours = ours;
	snprintf(s->text, sizeof(s->text), "%s", text);
}

static void sniff_qcow2(const uint8_t *h, size_t n, bool allow_backing,
			struct disk_sniff *s)
{
	struct blk_qcow2_info info;
	struct err e;
	int r = blk_qcow2_head(h, n, allow_backing, &info, &e);

	s->virtual_size = info.size;
	s->cluster = info.cluster;
	s->dirty = info.dirty;
	s->format = "qcow2";
	if (!r)
		return;
	refuse(s, info.code, strcmp(info.code, "disk-corrupt") != 0, "");
	snprintf(s->text, sizeof(s->text), "a qcow2 image: %.280s", e.msg);
}

static void sniff_asif(const uint8_t *h, size_t n, struct disk_sniff *s)
{
	uint64_t chunk, block, max;

	if (n < 0x50) {
		refuse(s, "disk-corrupt", false, "an ASIF image that is cut "
		       "short in its header");
		return;
	}
	s->virtual_size = be(h + 0x30, 8) * 512;
	max = be(h + 0x38, 8);
	chunk = be(h + 0x40, 4);
	block = be(h + 0x44, 2);
	s->cluster = (uint32_t)chunk;
	if (be(h + 4, 4) != 1 || be(h + 0x46, 2))
		refuse(s, "disk-format", true, "an ASIF image of an unknown "
		       "version, or in several parts; convert it on a Mac: "
		       "diskutil image");
	else if (block != 512 || !chunk || chunk % block ||
		 (chunk & (chunk - 1)) || be(h + 0x30, 8) > max ||
		 max > UINT64_MAX / 512)
		refuse(s, "disk-corrupt", false, "an ASIF image whose sizes "
		       "do not fit each other");
	else
		s->format = "asif";
}

void disk_sniff(const uint8_t *head, size_t n, const uint8_t *tail,
		uint64_t size, bool allow_backing, struct disk_sniff *s)
{
	memset(s, 0, sizeof(*s));
	s->virtual_size = size;
	if (n >= 4 && !memcmp(head, "QFI\xfb", 4)) {
		sniff_qcow2(head, n, allow_backing, s);
		return;
	}
	if (n >= 4 && !memcmp(head, "shdw", 4)) {
		sniff_asif(head, n, s);
		return;
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		if (foreign[i].off + foreign[i].len > n ||
		    memcmp(head + foreign[i].off, foreign[i].bytes,
			   foreign[i].len))
			continue;
		refuse(s, foreign[i].code, true, "");
		snprintf(s->text, sizeof(s->text), "%s; %s", foreign[i].is,
			 foreign[i].advice);
		return;
	}
	if (tail && !memcmp(tail, "koly", 4)) {
		refuse(s, "disk-format", true, "an Apple disk image (.dmg); "
		       ON_MAC);
		return;
	}
	if (tail && !memcmp(tail, "conectix", 8)) {
		refuse(s, "disk-format", true, "a VHD image; " CONVERT);
		return;
	}
	s->format = n > 0x8006 && !memcmp(head + 0x8001, "CD001", 5) ? "iso" :
		    "raw";
}

bool disk_has_snapshot(int fd, const uint8_t *head, size_t n, const char *name)
{
	enum { AREA = 65536, MAX = 64 };
	size_t want = strlen(name), at = 0;
	uint32_t count;
	uint8_t *buf;
	ssize_t got;
	bool hit = false;

	if (n < 72 || memcmp(head, "QFI\xfb", 4))
		return false;
	count = (uint32_t)be(head + 60, 4);
	buf = count ? malloc(AREA) : NULL;
	if (!buf)
		return false;
	got = pread(fd, buf, AREA, (off_t)(be(head + 64, 8) & INT64_MAX));
	for (uint32_t i = 0; i < count && i < MAX && got > 0; i++) {
		uint64_t id, len, extra, end;

		if (at + 40 > (size_t)got)
			break;
		id = be(buf + at + 12, 2);
		len = be(buf + at + 14, 2);
		extra = be(buf + at + 36, 4);
		end = at + 40 + extra + id + len;
		if (end > (size_t)got)
			break;
		if (len == want &&
		    !memcmp(buf + at + 40 + extra + id, name, want))
			hit = true;
		at = (size_t)((end + 7) & ~7ull);
	}
	free(buf);
	return hit;
}
