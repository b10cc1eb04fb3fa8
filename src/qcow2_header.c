/* qcow2_header.c: what a qcow2 file says at its beginning, every field of it
 * hostile. Refuses what we cannot read, and what an image from elsewhere must
 * not ask for. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "qcow2.h"

#define CONVERT "convert it: qemu-img convert -O raw IN OUT"

enum { EXT_END = 0, EXT_BACKING_FORMAT = 0xe2792aca,
       EXT_FEATURES = 0x6803f857 };
enum { FEATURE_SIZE = 48, FEATURE_NAME = 46 };

struct parser {
	const uint8_t *p;
	size_t len;                     /* what there is of the file */
	struct qcow2_header *h;
	const char **code;
	struct err *e;
	char feature[64][FEATURE_NAME + 1];     /* names of incompatible ones */
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static uint64_t get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

void qcow2_printable(char *out, size_t size, const void *text, size_t len)
{
	const uint8_t *p = text;
	size_t i;

	for (i = 0; i < len && i + 1 < size && p[i]; i++)
		out[i] = p[i] < 0x20 || p[i] > 0x7e ? '?' : (char)p[i];
	out[i] = 0;
}

static int refuse(struct parser *s, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(struct parser *s, const char *code, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	*s->code = code;
	return err_set(s->e, 0, "%s", text);
}

/* ---- extensions ------------------------------------------------------- */

static void features(struct parser *s, const uint8_t *p, size_t len)
{
	for (; len >= FEATURE_SIZE; p += FEATURE_SIZE, len -= FEATURE_SIZE)
		if (p[0] == 0 && p[1] < 64)
			qcow2_printable(s->feature[p[1]],
					sizeof(s->feature[0]), p + 2,
					FEATURE_NAME);
}

/* From the end of the header to the backing file's name, or the cluster's
 * end; as far as we have it. */
static int extensions(struct parser *s, uint64_t end)
{
	uint64_t at = s->h->length;
	bool whole = s->len >= end;

	if (!whole)
		end = s->len;
	while (end - at >= 8 && at < end) {
		uint32_t type = get32(s->p + at), len = get32(s->p + at + 4);
		const uint8_t *p = s->p + at + 8;

		if (type == EXT_END)
			return 0;
		at += 8;
		if (len > end - at)
			return !whole ? 0 :
			       refuse(s, "disk-corrupt", "a header extension of "
				      "%u bytes at offset %llu runs out of the "
				      "header", len,
				      (unsigned long long)at - 8);
		if (type == EXT_BACKING_FORMAT)
			qcow2_printable(s->h->backing_format,
					sizeof(s->h->backing_format), p, len);
		else if (type == EXT_FEATURES)
			features(s, p, len);
		at += ((uint64_t)len + 7) & ~7ull;
	}
	return 0;
}

/* ---- features ----------------------------------------------------------- */

static int unknown_features(struct parser *s)
{
	uint64_t left = s->h->incompatible & ~(uint64_t)QCOW2_INCOMPATIBLE_KNOWN;
	char names[160] = "";
	size_t at = 0;

	for (unsigned i = 0; i < 64 && at < sizeof(names); i++) {
		if (!(left >> i & 1))
			continue;
		at += (size_t)snprintf(names + at, sizeof(names) - at,
				       "%s%s (bit %u)", at ? ", " : "",
				       *s->feature[i] ? s->feature[i] :
				       "one without a name", i);
	}
	return refuse(s, "disk-format", "needs features that this version does "
		      "not know: %s; %s", names, CONVERT);
}

static int check_features(struct parser *s)
{
	uint64_t f = s->h->incompatible;
	uint8_t type = s->h->length > 104 && s->len > 104 ? s->p[104] : 0;

	if (f & ~(uint64_t)QCOW2_INCOMPATIBLE_KNOWN)
		return unknown_features(s);
	if (f & QCOW2_CORRUPT)
		return refuse(s, "disk-corrupt", "the image is marked as "
			      "corrupt; look at it with qemu-img check, and "
			      "work on a copy");
	if (f & QCOW2_DATA_FILE)
		return refuse(s, "disk-format", "its data is in another file "
			      "(external data file), which an image must not "
			      "choose; " CONVERT);
	if (f & QCOW2_EXTENDED_L2)
		return refuse(s, "disk-format", "has subclusters (extended L2 "
			      "entries), which this version does not read; "
			      CONVERT);
	if (!(f & QCOW2_COMPRESSION) != !type)
		return refuse(s, "disk-corrupt", "the header contradicts "
			      "itself: compression type %u, and its feature "
			      "bit is %s", type, type ? "clear" : "set");
	if (type > 1)
		return refuse(s, "disk-format", "compressed by a method that "
			      "this version does not know (%u); %s", type,
			      CONVERT);
	s->h->zstd = type;
	return 0;
}

/* ---- fields --------------------------------------------------------------- */

/* A table that lies, aligned, within what a file can be. */
static bool place_ok(const struct qcow2_header *h, uint64_t off, uint64_t len)
{
	return off && !(off & ((1ull << h->cluster_bits) - 1)) &&
	       off < QCOW2_OFFSET_MAX && len <= QCOW2_OFFSET_MAX - off;
}

static int check_tables(struct parser *s)
{
	struct qcow2_header *h = s->h;
	unsigned l2_reach = 2 * h->cluster_bits - 3;
	uint64_t need = h->size ? ((h->size - 1) >> l2_reach) + 1 : 0;

	if (h->size > INT64_MAX)
		return refuse(s, "disk-corrupt", "a size of %llu bytes",
			      (unsigned long long)h->size);
	if (h->size < 512)
		return refuse(s, "disk-corrupt", "has %llu bytes, a disk has "
			      "at least one sector of 512",
			      (unsigned long long)h->size);
	if (need > QCOW2_L1_MAX / 8 || h->l1_size > QCOW2_L1_MAX / 8)
		return refuse(s, "disk-corrupt", "an L1 table of %llu entries; "
			      "the limit is %u",
			      (unsigned long long)(need > h->l1_size ? need :
						   h->l1_size),
			      QCOW2_L1_MAX / 8);
	if (h->l1_size < need)
		return refuse(s, "disk-corrupt", "an L1 table of %u entries, "
			      "where %llu bytes need %llu", h->l1_size,
			      (unsigned long long)h->size,
			      (unsigned long long)need);
	if (!place_ok(h, h->l1_off, h->l1_size * 8ull))
		return refuse(s, "disk-corrupt", "the L1 table cannot be at "
			      "offset %llu", (unsigned long long)h->l1_off);
	if (!h->reftable_clusters ||
	    (uint64_t)h->reftable_clusters << h->cluster_bits >
	    QCOW2_REFTABLE_MAX ||
	    !place_ok(h, h->reftable_off,
		      (uint64_t)h->reftable_clusters << h->cluster_bits))
		return refuse(s, "disk-corrupt", "a refcount table of %u "
			      "clusters at offset %llu", h->reftable_clusters,
			      (unsigned long long)h->reftable_off);
	if (h->snapshots > QCOW2_SNAPSHOTS_MAX ||
	    (h->snapshots && !place_ok(h, h->snap_off, 0)))
		return refuse(s, "disk-corrupt", "%u snapshots at offset %llu",
			      h->snapshots, (unsigned long long)h->snap_off);
	return 0;
}

static int backing(struct parser *s, uint64_t off, uint32_t len)
{
	struct qcow2_header *h = s->h;
	const uint8_t *p = s->p + off;

	if (len > QCOW2_NAME_MAX || off < QCOW2_HEAD_MIN ||
	    off + len > 1ull << h->cluster_bits)
		return refuse(s, "disk-corrupt", "a backing file's name of %u "
			      "bytes at offset %llu", len,
			      (unsigned long long)off);
	if (off + len > s->len) {
		/* the front of the file is all we have */
		snprintf(h->backing, sizeof(h->backing), "?");
		return 0;
	}
	if (memchr(p, 0, len))
		return refuse(s, "disk-corrupt", "a backing file's name with "
			      "a zero byte in it");
	memcpy(h->backing, p, len);
	h->backing[len] = 0;
	return 0;
}

static int check_version(struct parser *s)
{
	struct qcow2_header *h = s->h;

	if (s->len < 8 || memcmp(s->p, "QFI\xfb", 4))
		return refuse(s, "disk-format", "not a qcow2 image: it begins "
			      "with %02x%02x%02x%02x (try format=raw)",
			      s->len > 0 ? s->p[0] : 0,
			      s->len > 1 ? s->p[1] : 0,
			      s->len > 2 ? s->p[2] : 0,
			      s->len > 3 ? s->p[3] : 0);
	h->version = get32(s->p + 4);
	if (h->version != 2 && h->version != 3)
		return refuse(s, "disk-format", "qcow version %u; this version "
			      "reads 2 and 3; %s", h->version, CONVERT);
	if (s->len < (h->version == 2 ? QCOW2_HEAD_MIN : 104))
		return refuse(s, "disk-corrupt", "ends within its header");
	h->cluster_bits = get32(s->p + 20);
	if (h->cluster_bits < 9 || h->cluster_bits > 21)
		return refuse(s, "disk-corrupt", "clusters of 2^%u bytes; "
			      "expected 2^9 to 2^21", h->cluster_bits);
	return 0;
}

static int version3(struct parser *s)
{
	struct qcow2_header *h = s->h;

	h->incompatible = get64(s->p + QCOW2_H_INCOMPATIBLE);
	h->compatible = get64(s->p + 80);
	h->autoclear = get64(s->p + QCOW2_H_AUTOCLEAR);
	h->refcount_order = get32(s->p + 96);
	h->length = get32(s->p + 100);
	if (h->length < 104 || h->length % 8 ||
	    h->length > 1u << h->cluster_bits)
		return refuse(s, "disk-corrupt", "a header of %u bytes",
			      h->length);
	if (h->refcount_order > 6)
		return refuse(s, "disk-corrupt", "reference counts of 2^%u "
			      "bits; expected at most 2^6",
			      h->refcount_order);
	return 0;
}

int qcow2_header_parse(const uint8_t *p, size_t len, struct qcow2_header *h,
		       const char **code, struct err *e)
{
	struct parser s = { .p = p, .len = len, .h = h, .code = code, .e = e };
	uint64_t name_off;
	uint32_t name_len;

	memset(h, 0, sizeof(*h));
	*code = NULL;
	if (check_version(&s))
		return -1;
	name_off = get64(p + 8);
	name_len = get32(p + 16);
	h->size = get64(p + 24);
	h->l1_size = get32(p + 36);
	h->l1_off = get64(p + 40);
	h->reftable_off = get64(p + QCOW2_H_REFTABLE);
	h->reftable_clusters = get32(p + 56);
	h->snapshots = get32(p + 60);
	h->snap_off = get64(p + 64);
	h->refcount_order = 4;
	h->length = QCOW2_HEAD_MIN;
	if (h->version == 3 && version3(&s))
		return -1;
	if (name_off && name_off > 1ull << h->cluster_bits)
		return refuse(&s, "disk-corrupt", "a backing file's name at "
			      "offset %llu", (unsigned long long)name_off);
	if (name_off > h->length || !name_off) {
		if (extensions(&s, name_off ? name_off :
			       1ull << h->cluster_bits))
			return -1;
	}
	if (check_features(&s))
		return -1;
	if (get32(p + 32))
		return refuse(&s, "disk-encrypted", "encrypted (%s); decrypt "
			      "it where the key is: qemu-img convert",
			      get32(p + 32) == 1 ? "AES" :
			      get32(p + 32) == 2 ? "LUKS" : "unknown method");
	if (check_tables(&s))
		return -1;
	return name_off && name_len ? backing(&s, name_off, name_len) : 0;
}

int qcow2_header_read(int fd, const char *path, struct qcow2_header *h,
		      const char **code, struct err *e)
{
	uint8_t head[112];
	ssize_t n = pread(fd, head, sizeof(head), 0), got = 0, r;
	unsigned bits = n >= 24 ? get32(head + 20) : 0;
	uint8_t *all;
	size_t want;
	int ret;

	*code = NULL;
	if (n < 0)
		return err_set(e, errno, "%s: read", path);
	if (bits < 9 || bits > 21)      /* the parser says what is wrong */
		return qcow2_header_parse(head, (size_t)n, h, code, e) ?
		       err_at(e, "%s: ", path) :
		       err_set(e, 0, "%s: clusters of 2^%u bytes", path, bits);
	want = (size_t)1 << bits;
	all = malloc(want);
	if (!all)
		return err_set(e, ENOMEM, "%s", path);
	do {
		r = pread(fd, all + got, want - (size_t)got, got);
		if (r > 0)
			got += r;
	} while (r > 0 && (size_t)got < want);
	if (r < 0) {
		free(all);
		return err_set(e, errno, "%s: read", path);
	}
	memset(all + got, 0, want - (size_t)got);
	ret = qcow2_header_parse(all, (size_t)got < 104 ? (size_t)got : want,
				 h, code, e);
	free(all);
	return ret ? err_at(e, "%s: ", path) : 0;
}
