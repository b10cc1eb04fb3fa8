/* Puts a kernel into guest RAM: arm64 Image as it is, in gzip or zstd, or in
 * an EFI zboot wrapper; a bare-metal ELF; a flat image. bundles.md section 5,
 * Documentation/arm64/booting of Linux for the placement.
 *
 * An Image goes straight from the (unpacking) stream to its place, so what a
 * bomb can fill is the guest's RAM and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "as.h"
#include "boot.h"
#include "config.h"
#include "stream.h"

#define FLAT_OFFSET 0x80000

/* What is being read, and what its first bytes were. */
struct source {
	struct stream *stream;
	uint8_t *head;
	size_t n;
	struct kernel_sniff sniff;
	char how[64];                   /* ", gzip", ", EFI zboot, zstd" */
};

/* Where `len` bytes at `gpa` lie on the host, or NULL: not all in RAM. */
static uint8_t *place(const struct boot_ram *r, uint64_t gpa, uint64_t len)
{
	const struct ram *ram = as_find_ram(r->as, gpa, len);

	return ram ? ram->host + (gpa - ram->gpa) : NULL;
}

static int read_head(struct source *s, uint64_t file_size, struct err *e)
{
	ssize_t n;

	if (!s->stream)
		return err_set(e, 0, "out of memory");
	n = stream_read(s->stream, s->head, KERNEL_HEAD, e);
	if (n < 0)
		return -1;
	s->n = (size_t)n;
	kernel_sniff(s->head, s->n, file_size, &s->sniff);
	return 0;
}

/* Replaces the source by what is packed in it. */
static int unwrap(struct source *s, int fd, uint64_t size, struct err *e)
{
	const struct kernel_sniff k = s->sniff;
	uint64_t off = 0, len = size;

	if (k.kind == KERNEL_ZBOOT) {
		off = k.payload_off;
		len = k.payload_size;
	}
	stream_free(s->stream);
	s->stream = stream_file(fd, off, len);
	s->stream = !strncmp(k.compression, "zstd", 4) ||
		    k.kind == KERNEL_ZSTD ? stream_zstd(s->stream) :
					    stream_gzip(s->stream);
	snprintf(s->how, sizeof(s->how), "%s, %s",
		 k.kind == KERNEL_ZBOOT ? ", EFI zboot" : "",
		 k.kind == KERNEL_ZBOOT ? k.compression :
		 k.kind == KERNEL_ZSTD ? "zstd" : "gzip");
	return read_head(s, UINT64_MAX, e);
}

/* Head and rest of the stream to gpa; *total is what there was. Anything
 * beyond `room` is refused, not cut. */
static int pour(struct source *s, uint8_t *dst, uint64_t room,
		uint64_t *total, struct err *e)
{
	uint8_t more;
	ssize_t n;

	*total = s->n;
	if (s->n > room)
		goto full;
	memcpy(dst, s->head, s->n);
	n = stream_read(s->stream, dst + s->n, (size_t)(room - s->n), e);
	if (n < 0)
		return -1;
	*total += (uint64_t)n;
	if (*total < room)
		return 0;
	n = stream_read(s->stream, &more, 1, e);
	if (n <= 0)
		return (int)n;
full:
	return err_set(e, 0, "larger than the %llu KiB of guest RAM from where "
		       "it starts (try --memory)",
		       (unsigned long long)(room >> 10));
}

static int load_image(const struct boot_ram *r, struct source *s,
		      struct kernel_loaded *out, struct err *e)
{
	const struct kernel_sniff *k = &s->sniff;
	uint64_t start, end, total, room;
	uint8_t *dst;

	/* The RAM's base is 2 MiB-aligned; flags bit 3 clear wants the base
	 * as near to the start of RAM as can be, and set permits it. */
	if (k->text_offset >= r->size || size_add(r->base, k->text_offset,
						  &start)) {
		out->code = "kernel-truncated";
		return err_set(e, 0, "an arm64 Image with a text offset of "
			       "0x%llx, outside of the guest's RAM (is the "
			       "file damaged?)",
			       (unsigned long long)k->text_offset);
	}
	room = r->base + r->size - start;
	if (k->image_size > room)
		return err_set(e, 0, "the kernel takes %llu KiB with its bss; "
			       "the guest's RAM has %llu KiB (try --memory)",
			       (unsigned long long)(k->image_size >> 10),
			       (unsigned long long)(room >> 10));
	dst = place(r, start, room);
	if (!dst)
		return err_set(e, 0, "no RAM at 0x%llx",
			       (unsigned long long)start);
	if (pour(s, dst, room, &total, e))
		return -1;
	if (k->need > total) {
		out->code = "kernel-truncated";
		return err_set(e, 0, "an arm64 Image cut short: %llu bytes, "
			       "its header says %llu (fetch or copy it again)",
			       (unsigned long long)total,
			       (unsigned long long)k->need);
	}
	end = start + (k->image_size > total ? k->image_size : total);
	out->is_linux = true;
	out->entry = out->start = start;
	out->end = end;
	if (k->page)
		snprintf(out->what, sizeof(out->what),
			 "arm64 Image, %uK pages%s", k->page, s->how);
	else
		snprintf(out->what, sizeof(out->what), "arm64 Image%s",
			 s->how);
	return 0;
}

static int load_elf(const struct boot_ram *r, struct source *s,
		    struct kernel_loaded *out, struct err *e)
{
	/* An ELF is read at random: whole in memory first, bounded by RAM
	 * and, since no bare-metal program has it, by 256 MiB. */
	uint64_t room = r->size < 256u << 20 ? r->size : 256u << 20, total;
	uint8_t *data = malloc(room);
	int ret;

	if (!data)
		return err_set(e, 0, "out of memory");
	ret = pour(s, data, room, &total, e);
	if (!ret)
		ret = elf_load(r, data, (size_t)total, out, e);
	if (ret && !out->code)
		out->code = "kernel-elf";
	free(data);
	return ret;
}

static int load_flat(const struct boot_ram *r, struct source *s,
		     struct kernel_loaded *out, struct err *e)
{
	uint64_t start = r->base + FLAT_OFFSET, total, room;
	uint8_t *dst;

	if (r->size <= FLAT_OFFSET)
		return err_set(e, 0, "a flat image goes to RAM base + 0x%x; "
			       "the guest's RAM ends before that (try "
			       "--memory)", FLAT_OFFSET);
	room = r->size - FLAT_OFFSET;
	dst = place(r, start, room);
	if (!dst)
		return err_set(e, 0, "no RAM at 0x%llx",
			       (unsigned long long)start);
	if (pour(s, dst, room, &total, e))
		return -1;
	if (!total)
		return err_set(e, 0, "the file is empty, not a flat image");
	out->entry = out->start = start;
	out->end = start + total;
	snprintf(out->what, sizeof(out->what), "flat image");
	return 0;
}

static int load(const struct boot_ram *r, struct source *s, int fd,
		uint64_t size, bool flat, struct kernel_loaded *out,
		struct err *e)
{
	s->stream = stream_file(fd, 0, size);
	if (read_head(s, size, e))
		return -1;
	if (flat)
		return load_flat(r, s, out, e);
	if (s->sniff.kind == KERNEL_GZIP || s->sniff.kind == KERNEL_ZSTD ||
	    s->sniff.kind == KERNEL_ZBOOT) {
		if (unwrap(s, fd, size, e)) {
			out->code = "kernel-truncated";
			return -1;
		}
	}
	switch (s->sniff.kind) {
	case KERNEL_IMAGE: return load_image(r, s, out, e);
	case KERNEL_ELF: return load_elf(r, s, out, e);
	case KERNEL_XNU:
		out->code = "kernel-macho";
		return err_set(e, 0, "an XNU kernel%s%s, which only starts "
			       "unpacked (unpack it by hand)",
			       *s->how ? " inside " : "", *s->how ? s->how + 2 :
			       "");
	case KERNEL_REFUSE:
		out->code = s->sniff.code;
		return err_set(e, 0, "%s%s%s%s", *s->how ? "unpacked (" : "",
			       *s->how ? s->how + 2 : "", *s->how ? "): " : "",
			       s->sniff.text);
	default:
		out->code = "kernel-compression";
		return err_set(e, 0, "unpacked (%s): packed once more (unpack "
			       "it once by hand)", s->how + 2);
	}
}

int kernel_load(const struct boot_ram *r, int fd, uint64_t size, bool flat,
		struct kernel_loaded *out, struct err *e)
{
	struct source s = { .head = malloc(KERNEL_HEAD) };
	int ret;

	memset(out, 0, sizeof(*out));
	if (!s.head)
		return err_set(e, 0, "out of memory");
	ret = load(r, &s, fd, size, flat, out, e);
	stream_free(s.stream);
	free(s.head);
	return ret;
}
