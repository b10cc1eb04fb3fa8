/* qcow2_snap.c: internal snapshots, which we list and keep; and what an image
 * says of itself, for `pome inspect`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qcow2.h"

enum { ENTRY = 40 };                    /* bytes before the extra data */

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return be32toh(v);
}

/* One entry at *at, which moves to the next one. */
static int entry(int fd, const struct qcow2_header *h, uint64_t eof,
		 uint64_t *at, struct qcow2_snapshot *s,
		 struct blk_qcow2_info *info)
{
	uint64_t need = (uint64_t)1 << h->cluster_bits;
	uint8_t p[ENTRY];
	char name[64];
	uint64_t id, name_len, off;

	if (block_pread(fd, p, ENTRY, *at))
		return -1;
	off = (uint64_t)get32(p) << 32 | get32(p + 4);
	s->l1_off = off;
	s->l1_size = get32(p + 8);
	id = (uint64_t)p[12] << 8 | p[13];
	name_len = (uint64_t)p[14] << 8 | p[15];
	*at += ENTRY + (uint64_t)get32(p + 36);
	if (*at > eof || id + name_len > eof - *at)
		return -1;
	if (s->l1_size > QCOW2_L1_MAX / 8 || off & (need - 1) ||
	    off > eof || s->l1_size * 8ull > eof - off)
		return -1;
	if (info && info->nnames < 8) {
		size_t n = name_len < sizeof(name) ? name_len : sizeof(name);

		if (block_pread(fd, name, n, *at + id))
			return -1;
		qcow2_printable(info->name[info->nnames++],
				sizeof(info->name[0]), name, n);
	}
	*at = (*at + id + name_len + 7) & ~7ull;
	return 0;
}

int qcow2_snapshots(int fd, const char *path, const struct qcow2_header *h,
		    uint64_t eof, struct qcow2_snapshot **list, uint64_t *len,
		    struct blk_qcow2_info *info, struct err *e)
{
	uint64_t at = h->snap_off;
	struct qcow2_snapshot *s;
	uint64_t room = eof;            /* each L1 table takes its own */

	if (!h->snapshots)
		return 0;
	/* before memory for them: each takes room in the file */
	if (at > eof || (uint64_t)h->snapshots * ENTRY > eof - at)
		return err_set(e, 0, "%s: %u snapshots, and the file ends "
			       "before their table does", path, h->snapshots);
	s = calloc(h->snapshots, sizeof(*s));
	if (!s)
		return err_set(e, ENOMEM, "%s", path);
	for (uint32_t i = 0; i < h->snapshots; i++) {
		if (!entry(fd, h, eof, &at, &s[i], info) &&
		    s[i].l1_size * 8ull <= room) {
			room -= s[i].l1_size * 8ull;
			continue;
		}
		free(s);
		return err_set(e, 0, "%s: snapshot %u of %u is damaged (look "
			       "at a copy with qemu-img check)", path, i + 1,
			       h->snapshots);
	}
	if (list) {
		*list = s;
		*len = at - h->snap_off;
	} else {
		free(s);
	}
	return 0;
}

/* ---- for pome inspect ---------------------------------------------------- */

static int describe(const struct qcow2_header *h, bool allow_backing,
		    struct blk_qcow2_info *info, struct err *e)
{
	info->version = h->version;
	info->size = h->size;
	info->cluster = 1u << h->cluster_bits;
	info->refcount_bits = 1u << h->refcount_order;
	info->snapshots = h->snapshots;
	info->dirty = h->incompatible & QCOW2_DIRTY;
	info->lazy = h->compatible & QCOW2_LAZY;
	info->zstd = h->zstd;
	qcow2_printable(info->backing, sizeof(info->backing), h->backing,
			strlen(h->backing));
	memcpy(info->backing_format, h->backing_format,
	       sizeof(info->backing_format));
	if (!*h->backing || allow_backing)
		return 0;
	info->code = "disk-backing";
	return err_set(e, 0, "its data is partly in another file, %s, which an "
		       "image from elsewhere must not choose (try "
		       "--allow-backing if you trust it)", info->backing);
}

int blk_qcow2_head(const void *head, size_t len, bool allow_backing,
		   struct blk_qcow2_info *info, struct err *e)
{
	struct qcow2_header h;

	memset(info, 0, sizeof(*info));
	if (qcow2_header_parse(head, len, &h, &info->code, e))
		return -1;
	return describe(&h, allow_backing, info, e);
}

int blk_qcow2_inspect(int fd, const char *path, bool allow_backing,
		      struct blk_qcow2_info *info, struct err *e)
{
	struct qcow2_header h;
	off_t eof = lseek(fd, 0, SEEK_END);

	memset(info, 0, sizeof(*info));
	if (qcow2_header_read(fd, path, &h, &info->code, e))
		return -1;
	if (describe(&h, allow_backing, info, e))
		return err_at(e, "%s: ", path);
	if (eof < 0)
		return err_set(e, errno, "%s", path);
	if (!qcow2_snapshots(fd, path, &h, (uint64_t)eof, NULL, NULL, info,
			     e))
		return 0;
	info->code = "disk-corrupt";
	return -1;
}
