/* What people pass as a kernel, and the answer: bundles.md section 5. */
#include <ctype.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot.h"
#include "lzfse.h"

#define ELF_MACHINE_A64 183

static uint16_t le16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return le16toh(v);
}

static uint32_t le32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return le32toh(v);
}

static uint64_t le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return le64toh(v);
}

static bool at(const uint8_t *h, size_t n, size_t off, const char *bytes,
	       size_t len)
{
	return off + len <= n && !memcmp(h + off, bytes, len);
}

static void refuse(struct kernel_sniff *s, const char *code, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct kernel_sniff *s, const char *code, const char *fmt,
		   ...)
{
	va_list ap;

	s->kind = KERNEL_REFUSE;
	s->code = code;
	va_start(ap, fmt);
	vsnprintf(s->text, sizeof(s->text), fmt, ap);
	va_end(ap);
}

/* With the EFI stub an Image has a PE header too; its sections say how long
 * the file must be, which the Image header (size with bss) does not. What of
 * that header is not among the n bytes must at least be in the file. */
static uint64_t pe_need(const uint8_t *h, size_t n)
{
	uint64_t need = 0;
	uint32_t pe = le32(h + 60);
	unsigned sections, opt;
	size_t table;

	if (!at(h, n, 0, "MZ", 2))
		return 0;
	if ((uint64_t)pe + 24 > n)
		return (uint64_t)pe + 24;
	if (!at(h, n, pe, "PE\0\0", 4))
		return 0;
	sections = le16(h + pe + 6);
	opt = le16(h + pe + 20);
	table = (size_t)pe + 24 + opt;
	for (unsigned i = 0; i < sections && i < 96; i++) {
		size_t row = table + i * 40;
		uint64_t end;

		if (row + 40 > n)
			return row + 40;
		end = (uint64_t)le32(h + row + 16) + le32(h + row + 20);
		if (end > need)
			need = end;
	}
	return need;
}

static void sniff_image(const uint8_t *h, size_t n, uint64_t file_size,
			struct kernel_sniff *s)
{
	static const unsigned page[] = { 0, 4, 16, 64 };
	uint64_t flags = le64(h + 24);

	s->kind = KERNEL_IMAGE;
	s->text_offset = le64(h + 8);
	s->image_size = le64(h + 16);
	s->page = page[flags >> 1 & 3];
	s->anywhere = flags >> 3 & 1;
	s->need = pe_need(h, n);
	if (!s->image_size)             /* before 3.17 */
		s->text_offset = 0x80000;
	if (flags & 1)
		refuse(s, "kernel-big-endian", "a big-endian arm64 kernel; "
		       "this machine is little-endian (build the kernel with "
		       "CONFIG_CPU_LITTLE_ENDIAN)");
	else if (s->need > file_size)
		refuse(s, "kernel-truncated", "an arm64 Image cut short: %llu "
		       "bytes, its header says %llu (fetch or copy it again)",
		       (unsigned long long)file_size,
		       (unsigned long long)s->need);
}

static void sniff_zboot(const uint8_t *h, size_t n, uint64_t file_size,
			struct kernel_sniff *s)
{
	static const struct { const char *name, *tool; } tools[] = {
		{ "lz4", "lz4 -d" }, { "lzma", "unlzma" }, { "lzo", "lzop -d" },
		{ "xzkern", "unxz" },
	};
	const char *tool = NULL;

	s->kind = KERNEL_ZBOOT;
	s->payload_off = le32(h + 8);
	s->payload_size = le32(h + 12);
	for (size_t i = 0; i < 31 && 24 + i < 0x38 && h[24 + i]; i++)
		s->compression[i] = isprint(h[24 + i]) ? (char)h[24 + i] : '?';
	if (s->payload_off > file_size ||
	    s->payload_size > file_size - s->payload_off) {
		refuse(s, "kernel-truncated", "an EFI zboot kernel cut short: "
		       "%llu bytes, its payload ends at %llu (fetch or copy it "
		       "again)", (unsigned long long)file_size,
		       (unsigned long long)(s->payload_off + s->payload_size));
		return;
	}
	if (!strcmp(s->compression, "gzip") ||
	    !strcmp(s->compression, "zstd") ||
	    !strcmp(s->compression, "zstd22"))
		return;
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (!strcmp(tools[i].name, s->compression))
			tool = tools[i].tool;
	if (tool)
		refuse(s, "kernel-compression", "an EFI zboot kernel packed "
		       "with %s, which is not built in (unpack it: tail -c "
		       "+%llu FILE | head -c %llu | %s >Image)", s->compression,
		       (unsigned long long)s->payload_off + 1,
		       (unsigned long long)s->payload_size, tool);
	else
		refuse(s, "kernel-compression", "an EFI zboot kernel packed "
		       "with '%s', which nothing here knows (gzip and zstd "
		       "are)", s->compression);
}

static const char *elf_machine(unsigned m)
{
	switch (m) {
	case 3: return "32-bit x86";
	case 40: return "32-bit Arm";
	case 62: return "x86-64";
	case 21: return "64-bit PowerPC";
	case 22: return "s390";
	case 243: return "RISC-V";
	case 258: return "LoongArch";
	default: return "another machine";
	}
}

static void sniff_elf(const uint8_t *h, size_t n, struct kernel_sniff *s)
{
	unsigned machine, type;

	if (n < 64) {
		refuse(s, "kernel-truncated", "an ELF file of %zu bytes: its "
		       "header alone has 64", n);
		return;
	}
	machine = h[5] == 2 ? (unsigned)h[18] << 8 | h[19] : le16(h + 18);
	type = le16(h + 16);
	if (machine != ELF_MACHINE_A64)
		refuse(s, "kernel-arch", "an ELF file for %s (machine %u); "
		       "expected arm64 (machine 183)", elf_machine(machine),
		       machine);
	else if (h[4] != 2)
		refuse(s, "kernel-elf", "an ELF file of class %u; expected "
		       "64-bit (ILP32 programs do not run here)", h[4]);
	else if (h[5] != 1)
		refuse(s, "kernel-big-endian", "a big-endian ELF file; this "
		       "machine is little-endian");
	else if (type != 2 && type != 3)
		refuse(s, "kernel-elf", "an ELF file of type %u; expected an "
		       "executable (2) or a position-independent one (3): "
		       "objects and cores are not linked programs", type);
	else if (!le16(h + 56))
		refuse(s, "kernel-elf", "an arm64 ELF file without program "
		       "headers; a Linux kernel is arch/arm64/boot/Image, not "
		       "vmlinux");
	else
		s->kind = KERNEL_ELF;
}

/* Text: show its first line, which says what the download really was. */
static bool sniff_text(const uint8_t *h, size_t n, struct kernel_sniff *s)
{
	char line[61];
	size_t i;

	for (i = 0; i < n && i < 256; i++)
		if (!isprint(h[i]) && !isspace(h[i]))
			return false;
	if (!n)
		return false;
	for (i = 0; i < n && i < 60 && h[i] != '\n' && h[i] != '\r'; i++)
		line[i] = isprint(h[i]) ? (char)h[i] : ' ';
	line[i] = 0;
	if (at(h, n, 0, "version https://git-lfs", 23))
		refuse(s, "kernel-unknown", "a Git LFS pointer, not the file "
		       "itself (fetch it: git lfs pull)");
	else if (h[0] == '<')
		refuse(s, "kernel-unknown", "a web page, not a kernel; it "
		       "starts with '%s' (did the download fail?)", line);
	else
		refuse(s, "kernel-unknown", "text, not a kernel; it starts "
		       "with '%s'", line);
	return true;
}

struct rule {
	unsigned off;
	const char *bytes;
	unsigned len;
	const char *code, *compression, *text;
};

static const struct rule rules[] = {
	{ 0, "\xfd" "7zXZ\0", 6, "kernel-compression", "xz",
	  "packed with xz, which is not built in (unpack it: unxz)" },
	{ 0, "\x5d\0\0", 3, "kernel-compression", "lzma",
	  "packed with lzma, which is not built in (unpack it: unlzma)" },
	{ 0, "\x04\x22\x4d\x18", 4, "kernel-compression", "lz4",
	  "packed with lz4, which is not built in (unpack it: unlz4)" },
	{ 0, "\x02\x21\x4c\x18", 4, "kernel-compression", "lz4",
	  "packed with lz4 in its old format, which is not built in (unpack "
	  "it: lz4 -d)" },
	{ 0, "\x89LZO", 4, "kernel-compression", "lzo",
	  "packed with lzop, which is not built in (unpack it: lzop -d)" },
	{ 0, "BZh", 3, "kernel-compression", "bzip2",
	  "packed with bzip2, which is not built in (unpack it: bunzip2)" },
	{ 0, "\x27\x05\x19\x56", 4, "kernel-uimage", "",
	  "a U-Boot uImage; expected an arm64 Image (drop its header of 64 "
	  "bytes: tail -c +65 FILE)" },
	{ 0, "\xd0\x0d\xfe\xed", 4, "kernel-is-dtb", "",
	  "a device tree (or a FIT image made of one), not a kernel (a device "
	  "tree goes to --dtb)" },
	{ 0, "ANDROID!", 8, "kernel-android", "",
	  "an Android boot image (take it apart with unpack_bootimg, then "
	  "give its kernel and its RAM disk)" },
	{ 0, "070701", 6, "kernel-is-initrd", "",
	  "a cpio archive: an initial RAM disk, not a kernel (it goes to "
	  "--initrd; are the two swapped?)" },
	{ 0, "070702", 6, "kernel-is-initrd", "",
	  "a cpio archive: an initial RAM disk, not a kernel (it goes to "
	  "--initrd; are the two swapped?)" },
	{ 56, "RSC\x05", 4, "kernel-arch", "",
	  "a RISC-V kernel; expected an arm64 one" },
	{ 0x24, "\x18\x28\x6f\x01", 4, "kernel-arch", "",
	  "a 32-bit Arm zImage; expected an arm64 Image" },
	{ 0x202, "HdrS", 4, "kernel-arch", "",
	  "an x86 bzImage; expected an arm64 Image" },
	{ 0x8001, "CD001", 5, "kernel-unknown", "",
	  "an ISO image, not a kernel (it goes to --disk; or take vmlinuz and "
	  "initrd out of it)" },
	{ 0, "QFI\xfb", 4, "kernel-unknown", "",
	  "a qcow2 disk image, not a kernel (it goes to --disk)" },
	{ 510, "\x55\xaa", 2, "kernel-unknown", "",
	  "a disk image with a partition table, not a kernel (it goes to "
	  "--disk)" },
};

/* What macOS has for a kernel: Mach-O, or a container or packing of one. */
static bool sniff_xnu(const uint8_t *h, size_t n, struct kernel_sniff *s)
{
	if (at(h, n, 0, "\xcf\xfa\xed\xfe", 4)) {
		if (n >= 32 && le32(h + 4) != 0x0100000c)
			refuse(s, "kernel-arch", "a Mach-O file for another "
			       "CPU (type 0x%x); expected arm64", le32(h + 4));
		else if (n >= 32 && le32(h + 12) != 2 && le32(h + 12) != 12)
			refuse(s, "kernel-macho", "a Mach-O file of type %u; "
			       "expected a kernel (2) or a fileset (12)",
			       le32(h + 12));
		else
			s->kind = KERNEL_XNU;
		return true;
	}
	/* DER: a sequence that holds the container's name */
	if ((h[0] == 0x30 && (memmem(h, n < 24 ? n : 24, "IM4P", 4) ||
			      memmem(h, n < 24 ? n : 24, "IMG4", 4))) ||
	    at(h, n, 0, "complzss", 8) || lzfse_is(h, n)) {
		s->kind = KERNEL_XNU;
		return true;
	}
	return false;
}

static bool all_zero(const uint8_t *h, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (h[i])
			return false;
	return true;
}

void kernel_sniff(const uint8_t *h, size_t n, uint64_t file_size,
		  struct kernel_sniff *s)
{
	memset(s, 0, sizeof(*s));
	if (n < 4) {
		refuse(s, "kernel-truncated", n ? "only %zu bytes long; no "
		       "kernel is that short" : "empty (%zu bytes); expected "
		       "an arm64 kernel", n);
		return;
	}
	if (at(h, n, 0, "\x1f\x8b\x08", 3)) {
		s->kind = KERNEL_GZIP;
		strcpy(s->compression, "gzip");
		return;
	}
	if (at(h, n, 0, "\x28\xb5\x2f\xfd", 4)) {
		s->kind = KERNEL_ZSTD;
		strcpy(s->compression, "zstd");
		return;
	}
	if (at(h, n, 0, "\x7f" "ELF", 4)) {
		sniff_elf(h, n, s);
		return;
	}
	if (at(h, n, 56, "ARMd", 4) && n >= 64) {
		sniff_image(h, n, file_size, s);
		return;
	}
	if (at(h, n, 0, "MZ\0\0zimg", 8) && n >= 0x40) {
		sniff_zboot(h, n, file_size, s);
		return;
	}
	if (sniff_xnu(h, n, s))
		return;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];

		if (!at(h, n, r->off, r->bytes, r->len))
			continue;
		strcpy(s->compression, r->compression);
		refuse(s, r->code, "%s", r->text);
		return;
	}
	if (at(h, n, 0, "MZ", 2)) {
		if (n < 64)
			refuse(s, "kernel-truncated", "the start of an EFI "
			       "file, cut short at %zu bytes (fetch or copy it "
			       "again)", n);
		else if (memmem(h, n, ".linux\0", 7))
			refuse(s, "kernel-efi-app", "a unified kernel image; it "
			       "needs UEFI (take the kernel out: objcopy -O "
			       "binary --only-section=.linux FILE Image, and "
			       "the same with .initrd)");
		else
			refuse(s, "kernel-efi-app", "an EFI application "
			       "(a boot loader?) without an arm64 kernel "
			       "header; it needs UEFI, which this version has "
			       "not (give the kernel itself)");
		return;
	}
	if (sniff_text(h, n, s))
		return;
	if (all_zero(h, n < 4096 ? n : 4096))
		refuse(s, "kernel-unknown", "no kernel: the first %zu bytes are "
		       "all zero (a file whose copy did not finish looks like "
		       "this)", n < 4096 ? n : 4096);
	else
		refuse(s, "kernel-unknown", "no kernel that is known here: it "
		       "starts with %02x %02x %02x %02x; expected an arm64 "
		       "Image ('ARMd' at 56), gzip, zstd, EFI zboot, or an A64 "
		       "ELF (code without a header: add ,format=flat)", h[0],
		       h[1], h[2], h[3]);
}

const char *initrd_suspect(const uint8_t *h, size_t n)
{
	struct kernel_sniff s;

	if (at(h, n, 56, "ARMd", 4))
		return "an arm64 kernel (are --kernel and --initrd swapped?)";
	if (at(h, n, 0, "\x7f" "ELF", 4))
		return "an ELF file";
	if (at(h, n, 0, "\xd0\x0d\xfe\xed", 4))
		return "a device tree";
	memset(&s, 0, sizeof(s));
	if (!at(h, n, 0, "07070", 5) && sniff_text(h, n, &s))
		return "text";
	if (all_zero(h, n < 4096 ? n : 4096))
		return "nothing but zeros";
	return NULL;
}
