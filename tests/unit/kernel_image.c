/* Kernels: what each file is taken for, and where it lands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "as.h"
#include "boot.h"

#define BASE 0x70000000ull
#define RAM (16ull << 20)

static struct as *as;
static struct ram *ram;
static struct boot_ram where;
static struct kernel_loaded got;
static struct err e;

static int setup(void **state)
{
	as = as_new(&e);
	ram = as ? as_ram(as, "ram", BASE, RAM, &e) : NULL;
	where = (struct boot_ram){ as, BASE, RAM };
	return ram ? 0 : -1;
}

static int teardown(void **state)
{
	as_free(as);
	return 0;
}

/* ---- the sniffer ------------------------------------------------------------ */

struct head {
	const char *name, *bytes;
	unsigned len, off;              /* bytes at off; zeros elsewhere */
	unsigned n;                     /* length of the head */
	const char *code;
};

static const struct head refused[] = {
	{ "empty", "", 0, 0, 0, "kernel-truncated" },
	{ "three bytes", "abc", 3, 0, 3, "kernel-truncated" },
	{ "cut MZ", "MZ\x40\xfa", 4, 0, 40, "kernel-truncated" },
	{ "xz", "\xfd" "7zXZ\0", 6, 0, 64, "kernel-compression" },
	{ "lzma", "\x5d\0\0\x80", 4, 0, 64, "kernel-compression" },
	{ "lz4", "\x04\x22\x4d\x18", 4, 0, 64, "kernel-compression" },
	{ "lz4 legacy", "\x02\x21\x4c\x18", 4, 0, 64, "kernel-compression" },
	{ "lzop", "\x89LZO\0\r\n", 7, 0, 64, "kernel-compression" },
	{ "bzip2", "BZh9", 4, 0, 64, "kernel-compression" },
	{ "uimage", "\x27\x05\x19\x56", 4, 0, 64, "kernel-uimage" },
	{ "dtb", "\xd0\x0d\xfe\xed", 4, 0, 64, "kernel-is-dtb" },
	{ "zimage", "\x18\x28\x6f\x01", 4, 0x24, 64, "kernel-arch" },
	{ "riscv", "RSC\x05", 4, 56, 64, "kernel-arch" },
	{ "bzimage", "HdrS", 4, 0x202, 0x300, "kernel-arch" },
	{ "android", "ANDROID!", 8, 0, 64, "kernel-android" },
	{ "mach-o for x86", "\xcf\xfa\xed\xfe\7\0\0\1", 8, 0, 64,
	  "kernel-arch" },
	{ "mach-o library", "\xcf\xfa\xed\xfe\x0c\0\0\1\0\0\0\0\6", 13, 0,
	  64, "kernel-macho" },
	{ "cpio", "070701", 6, 0, 64, "kernel-is-initrd" },
	{ "efi", "MZ", 2, 0, 64, "kernel-efi-app" },
	{ "script", "#!/bin/sh\necho\n", 15, 0, 15, "kernel-unknown" },
	{ "html", "<!DOCTYPE html>", 15, 0, 15, "kernel-unknown" },
	{ "zeros", "", 0, 0, 4096, "kernel-unknown" },
	{ "iso", "CD001", 5, 0x8001, 0x9000, "kernel-unknown" },
	{ "disk", "\x55\xaa", 2, 510, 512, "kernel-unknown" },
	{ "qcow2", "QFI\xfb", 4, 0, 64, "kernel-unknown" },
};

static void sniff_refused(void **state)
{
	static uint8_t buf[65536];

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct head *h = &refused[i];
		struct kernel_sniff s;

		memset(buf, 0, sizeof(buf));
		memcpy(buf + h->off, h->bytes, h->len);
		kernel_sniff(buf, h->n, h->n, &s);
		if (s.kind != KERNEL_REFUSE || strcmp(s.code, h->code))
			fail_msg("%s: %s", h->name, s.code ? s.code :
				 "taken");
		assert_true(s.text[0]);
	}
}

static void sniff_xnu(void **state)
{
	static const struct { const char *bytes; unsigned len; } xnu[] = {
		{ "\xcf\xfa\xed\xfe\x0c\0\0\1\0\0\0\0\2", 13 },
		{ "\xcf\xfa\xed\xfe\x0c\0\0\1\0\0\0\0\x0c", 13 },
		{ "\x30\x83\x01\x23\x45\x16\x04IM4P", 11 },
		{ "\x30\x83\x01\x23\x45\x16\x04IMG4", 11 },
		{ "complzss", 8 }, { "bvx2", 4 }, { "bvxn", 4 },
	};
	uint8_t buf[512];
	struct kernel_sniff s;

	for (size_t i = 0; i < sizeof(xnu) / sizeof(xnu[0]); i++) {
		memset(buf, 0, sizeof(buf));
		memcpy(buf, xnu[i].bytes, xnu[i].len);
		kernel_sniff(buf, sizeof(buf), sizeof(buf), &s);
		assert_int_equal(s.kind, KERNEL_XNU);
	}
}

static void image_header(uint8_t *h, uint64_t text, uint64_t size,
			 uint64_t flags)
{
	memset(h, 0, 64);
	memcpy(h, "\0\0\0\x14", 4);
	memcpy(h + 8, &text, 8);
	memcpy(h + 16, &size, 8);
	memcpy(h + 24, &flags, 8);
	memcpy(h + 56, "ARMd", 4);
}

static void sniff_image(void **state)
{
	static const unsigned page[] = { 0, 4, 16, 64 };
	struct kernel_sniff s;
	uint8_t h[64];

	for (unsigned i = 0; i < 4; i++) {
		image_header(h, 0x80000, 0x1a00000, i << 1 | (i & 1) << 3);
		kernel_sniff(h, 64, 1 << 20, &s);
		assert_int_equal(s.kind, KERNEL_IMAGE);
		assert_int_equal(s.text_offset, 0x80000);
		assert_int_equal(s.image_size, 0x1a00000);
		assert_int_equal(s.page, page[i]);
		assert_int_equal(s.anywhere, i & 1);
	}
	image_header(h, 0x1000, 0, 0xa);        /* before 3.17 */
	kernel_sniff(h, 64, 1 << 20, &s);
	assert_int_equal(s.text_offset, 0x80000);
	image_header(h, 0, 0x1000, 0xb);
	kernel_sniff(h, 64, 1 << 20, &s);
	assert_string_equal(s.code, "kernel-big-endian");
}

/* An Image with a PE header whose section ends at `end`. */
static void pe_header(uint8_t *h, uint32_t end)
{
	uint32_t pe = 64, raw = 0x1000, size = end - raw;
	uint16_t n = 1, opt = 0;

	memset(h, 0, 256);
	image_header(h, 0, 0x400000, 0xa);
	memcpy(h, "MZ", 2);
	memcpy(h + 60, &pe, 4);
	memcpy(h + 64, "PE\0\0", 4);
	memcpy(h + 64 + 6, &n, 2);
	memcpy(h + 64 + 20, &opt, 2);
	memcpy(h + 64 + 24 + 16, &size, 4);
	memcpy(h + 64 + 24 + 20, &raw, 4);
}

static void sniff_half(void **state)
{
	struct kernel_sniff s;
	uint8_t h[256];

	pe_header(h, 0x10000);
	kernel_sniff(h, 256, 0x10000, &s);
	assert_int_equal(s.kind, KERNEL_IMAGE);
	assert_int_equal(s.need, 0x10000);
	kernel_sniff(h, 256, 0x8000, &s);
	assert_int_equal(s.kind, KERNEL_REFUSE);
	assert_string_equal(s.code, "kernel-truncated");
	assert_non_null(strstr(s.text, "65536"));
}

static void sniff_zboot(void **state)
{
	static const struct { const char *c; bool ok; } all[] = {
		{ "gzip", true }, { "zstd", true }, { "zstd22", true },
		{ "xzkern", false }, { "lzma", false }, { "lz4", false },
		{ "lzo", false }, { "bogus", false },
	};
	uint32_t off = 0x1000, size = 0x2000;
	struct kernel_sniff s;
	uint8_t h[80];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		memset(h, 0, sizeof(h));
		memcpy(h, "MZ\0\0zimg", 8);
		memcpy(h + 8, &off, 4);
		memcpy(h + 12, &size, 4);
		strcpy((char *)h + 24, all[i].c);
		kernel_sniff(h, sizeof(h), 0x3000, &s);
		assert_string_equal(s.compression, all[i].c);
		if (all[i].ok)
			assert_int_equal(s.kind, KERNEL_ZBOOT);
		else
			assert_string_equal(s.code, "kernel-compression");
		kernel_sniff(h, sizeof(h), 0x2fff, &s);
		assert_string_equal(s.code, "kernel-truncated");
	}
}

/* ---- loading ------------------------------------------------------------------ */

static int file(const void *data, size_t len)
{
	int fd = memfd_create("kernel", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static int load(const void *data, size_t len, bool flat)
{
	int fd = file(data, len), r;

	r = kernel_load(&where, fd, len, flat, &got, &e);
	close(fd);
	return r;
}

static uint8_t *image(size_t len, uint64_t text, uint64_t size)
{
	uint8_t *p = malloc(len);

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + (i >> 8));
	image_header(p, text, size, 0xa);
	return p;
}

static size_t gz(const void *in, size_t len, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in,
		       .avail_in = (uInt)len, .next_out = out,
		       .avail_out = (uInt)room };

	deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8,
		     Z_DEFAULT_STRATEGY);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void load_image(void **state)
{
	size_t len = 300000;
	uint8_t *p = image(len, 0, 2 << 20);

	assert_int_equal(load(p, len, false), 0);
	assert_true(got.is_linux);
	assert_int_equal(got.entry, BASE);
	assert_int_equal(got.end, BASE + (2 << 20));
	assert_memory_equal(ram->host, p, len);
	free(p);
	p = image(len, 0x80000, 0);             /* old: size from the file */
	assert_int_equal(load(p, len, false), 0);
	assert_int_equal(got.entry, BASE + 0x80000);
	assert_int_equal(got.end, BASE + 0x80000 + len);
	assert_memory_equal(ram->host + 0x80000, p, len);
	free(p);
}

static void load_packed(void **state)
{
	size_t len = 700000, room = 1 << 20, n;
	uint8_t *p = image(len, 0, 1 << 20), *out = calloc(1, room);
	uint32_t off = 0x1000, size;

	n = gz(p, len, out, room);
	assert_int_equal(load(out, n, false), 0);
	assert_memory_equal(ram->host, p, len);
	assert_non_null(strstr(got.what, "gzip"));
	memset(ram->host, 0, len);
	assert_int_equal(load(out, n / 2, false), -1);
	assert_non_null(strstr(e.msg, "ends early"));
	out[n - 6] ^= 1;                        /* the checksum */
	assert_int_equal(load(out, n, false), -1);
	assert_non_null(strstr(e.msg, "corrupt"));

	n = ZSTD_compress(out, room, p, len, 3);
	assert_int_equal(load(out, n, false), 0);
	assert_memory_equal(ram->host, p, len);
	assert_int_equal(load(out, n - 100, false), -1);
	assert_non_null(strstr(e.msg, "ends early"));

	/* zboot: the four bytes behind a zstd payload do no harm */
	n = ZSTD_compress(out + off, room - off, p, len, 3);
	size = (uint32_t)n + 4;
	memset(out, 0, off);
	memcpy(out, "MZ\0\0zimg", 8);
	memcpy(out + 8, &off, 4);
	memcpy(out + 12, &size, 4);
	strcpy((char *)out + 24, "zstd22");
	memcpy(out + off + n, &len, 4);
	memset(ram->host, 0, len);
	assert_int_equal(load(out, off + n + 4, false), 0);
	assert_memory_equal(ram->host, p, len);
	assert_non_null(strstr(got.what, "zboot"));

	n = gz(p, len, out, room);              /* twice */
	size = (uint32_t)gz(out, n, p, len);
	assert_int_equal(load(p, size, false), -1);
	assert_non_null(strstr(e.msg, "once more"));
	free(out);
	free(p);
}

static void bombs(void **state)
{
	size_t len = 32 << 20, room = 1 << 20, n;
	uint8_t *p = calloc(1, len), *out = malloc(room);

	image_header(p, 0, 1 << 20, 0xa);
	n = gz(p, len, out, room);              /* 32 MiB into 16 of RAM */
	assert_int_equal(load(out, n, false), -1);
	assert_non_null(strstr(e.msg, "larger than"));
	image_header(p, 0, 17 << 20, 0xa);
	assert_int_equal(load(p, 4096, false), -1);
	assert_non_null(strstr(e.msg, "17408 KiB"));
	image_header(p, UINT64_MAX - 100, 4096, 0xa);
	assert_int_equal(load(p, 4096, false), -1);
	assert_non_null(strstr(e.msg, "text offset"));
	free(out);
	free(p);
}

static void load_flat(void **state)
{
	uint8_t p[] = "flat code";

	assert_int_equal(load(p, sizeof(p), true), 0);
	assert_false(got.is_linux);
	assert_int_equal(got.entry, BASE + 0x80000);
	assert_memory_equal(ram->host + 0x80000, p, sizeof(p));
}

/* ---- ELF ------------------------------------------------------------------------ */

struct elf_file {
	Elf64_Ehdr h;
	Elf64_Phdr ph[2];
	Elf64_Dyn dyn[4];
	Elf64_Rela rela;
	uint64_t relr[2];
	uint64_t data[66];
};

static struct elf_file elf(uint16_t type, uint64_t addr)
{
	struct elf_file f;

	memset(&f, 0, sizeof(f));
	memcpy(f.h.e_ident, "\x7f" "ELF\2\1\1", 7);
	f.h.e_type = type;
	f.h.e_machine = 183;
	f.h.e_phoff = offsetof(struct elf_file, ph);
	f.h.e_phentsize = sizeof(Elf64_Phdr);
	f.h.e_phnum = 1;
	f.h.e_entry = addr + 0x100;
	f.ph[0].p_type = PT_LOAD;
	f.ph[0].p_vaddr = f.ph[0].p_paddr = addr;
	f.ph[0].p_filesz = sizeof(f);
	f.ph[0].p_memsz = sizeof(f) + 4096;
	return f;
}

static void elf_exec(void **state)
{
	struct elf_file f = elf(ET_EXEC, BASE + 0x200000);

	memset(ram->host + 0x200000, 0xff, 65536);
	assert_int_equal(load(&f, sizeof(f), false), 0);
	assert_false(got.is_linux);
	assert_int_equal(got.entry, BASE + 0x200100);
	assert_memory_equal(ram->host + 0x200000, &f, sizeof(f));
	assert_int_equal(ram->host[0x200000 + sizeof(f)], 0);   /* bss */
	assert_int_equal(ram->host[0x200000 + sizeof(f) + 4096], 0xff);
}

static void elf_dyn(void **state)
{
	struct elf_file f = elf(ET_DYN, 0);
	uint64_t at = BASE + 0x200000, v;

	f.h.e_phnum = 2;
	f.ph[1].p_type = PT_DYNAMIC;
	f.ph[1].p_vaddr = offsetof(struct elf_file, dyn);
	f.ph[1].p_memsz = f.ph[1].p_filesz = sizeof(f.dyn);
	f.dyn[0] = (Elf64_Dyn){ DT_RELA, {
		offsetof(struct elf_file, rela) } };
	f.dyn[1] = (Elf64_Dyn){ DT_RELASZ, { sizeof(f.rela) } };
	f.dyn[2] = (Elf64_Dyn){ 36, { offsetof(struct elf_file, relr) } };
	f.dyn[3] = (Elf64_Dyn){ 35, { sizeof(f.relr) } };
	f.rela.r_offset = offsetof(struct elf_file, data);
	f.rela.r_info = 1027;
	f.rela.r_addend = 0x1234;
	f.relr[0] = offsetof(struct elf_file, data[1]);
	f.relr[1] = 1ull << 1 | 1ull << 63 | 1; /* data[2], data[64] */
	f.data[1] = 0x10;
	f.data[2] = 0x20;
	f.data[64] = 0x30;
	assert_int_equal(load(&f, sizeof(f), false), 0);
	assert_int_equal(got.entry, at + 0x100);
#define WORD(i) (memcpy(&v, ram->host + 0x200000 + \
			offsetof(struct elf_file, data[i]), 8), v)
	assert_int_equal(WORD(0), at + 0x1234);
	assert_int_equal(WORD(1), at + 0x10);
	assert_int_equal(WORD(2), at + 0x20);
	assert_int_equal(WORD(64), at + 0x30);
	assert_int_equal(WORD(3), 0);
	f.rela.r_info = 257;                    /* ABS64 */
	assert_int_equal(load(&f, sizeof(f), false), -1);
	assert_non_null(strstr(e.msg, "type 257"));
	f.rela.r_info = 1027;
	f.rela.r_offset = 1ull << 40;
	assert_int_equal(load(&f, sizeof(f), false), -1);
	f.rela.r_offset = 0;
	f.dyn[1].d_un.d_val = 1ull << 60;
	assert_int_equal(load(&f, sizeof(f), false), -1);
}

static void elf_bad(void **state)
{
	struct elf_file f = elf(ET_EXEC, BASE);

#define REFUSE(text) do { \
	assert_int_equal(load(&f, sizeof(f), false), -1); \
	if (!strstr(e.msg, text)) \
		fail_msg("'%s' lacks '%s'", e.msg, text); \
	assert_non_null(got.code); \
	f = elf(ET_EXEC, BASE); \
} while (0)
	f.h.e_machine = 62;
	REFUSE("x86-64");
	f.h.e_ident[4] = 1;
	REFUSE("class 1");
	f.h.e_ident[5] = 2;
	f.h.e_machine = 183 << 8;
	REFUSE("big-endian");
	f.h.e_type = ET_REL;
	REFUSE("type 1");
	f.h.e_phnum = 0;
	REFUSE("vmlinux");
	f.ph[0].p_vaddr = f.ph[0].p_paddr = 0xffff800008000000;
	REFUSE("vmlinux");
	f.ph[0].p_paddr = 0x400000;
	REFUSE("RAM is 0x70000000");
	f.ph[0].p_memsz = 1ull << 62;
	REFUSE("RAM is");
	f.ph[0].p_filesz = 1 << 20;
	f.ph[0].p_memsz = 1 << 20;
	REFUSE("cut short");
	f.ph[0].p_offset = UINT64_MAX;
	REFUSE("cut short");
	f.ph[0].p_memsz = 8;
	REFUSE("larger in the file");
	f.h.e_entry = BASE + (8 << 20);
	REFUSE("entry");
	f.h.e_entry = BASE + 2;
	REFUSE("entry");
	f.ph[0].p_type = PT_INTERP;
	REFUSE("dynamically");
	f.h.e_phnum = 2000;
	REFUSE("program headers");
	f.h.e_phoff = UINT64_MAX - 8;
	REFUSE("cut short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sniff_refused),
		cmocka_unit_test(sniff_xnu),
		cmocka_unit_test(sniff_image), cmocka_unit_test(sniff_half),
		cmocka_unit_test(sniff_zboot), cmocka_unit_test(load_image),
		cmocka_unit_test(load_packed), cmocka_unit_test(bombs),
		cmocka_unit_test(load_flat), cmocka_unit_test(elf_exec),
		cmocka_unit_test(elf_dyn), cmocka_unit_test(elf_bad),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
