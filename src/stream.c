/* Files, gzip (RFC 1952) and zstd (RFC 8878), as one kind of stream. */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "stream.h"

#define CHUNK 65536

struct stream {
	ssize_t (*read)(struct stream *, void *, size_t, struct err *);
	struct stream *in;              /* NULL: a file */
	int fd;
	uint64_t off, left;             /* of the file */
	uint8_t *buf;                   /* packed bytes read ahead */
	size_t pos, fill;
	bool in_end, end;
	bool inside;                    /* gzip: a member is complete; zstd:
					 * between a frame's start and end */
	bool frames;                    /* zstd: one is complete */
	z_stream z;
	bool z_open;
	ZSTD_DStream *zstd;
};

static ssize_t file_read(struct stream *s, void *buf, size_t len,
			 struct err *e)
{
	size_t done = 0;

	if (len > s->left)
		len = (size_t)s->left;
	while (done < len) {
		ssize_t n = pread(s->fd, (char *)buf + done, len - done,
				  (off_t)s->off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno, "read");
		if (!n)
			break;          /* shorter than it was at open */
		done += (size_t)n;
		s->off += (uint64_t)n;
		s->left -= (uint64_t)n;
	}
	return (ssize_t)done;
}

/* Refills the packed bytes once all are used. */
static int refill(struct stream *s, struct err *e)
{
	ssize_t n;

	if (s->pos < s->fill || s->in_end)
		return 0;
	n = stream_read(s->in, s->buf, CHUNK, e);
	if (n < 0)
		return -1;
	s->pos = 0;
	s->fill = (size_t)n;
	s->in_end = n < CHUNK;
	return 0;
}

/* Another gzip member may follow the one that ended; anything else after it
 * (padding, a signature) is ignored, as gunzip does. */
static int next_member(struct stream *s, struct err *e)
{
	if (refill(s, e))
		return -1;
	if (s->pos < s->fill && s->buf[s->pos] == 0x1f &&
	    inflateReset(&s->z) == Z_OK)
		return 0;
	s->end = true;
	return 0;
}

static ssize_t gzip_read(struct stream *s, void *buf, size_t len,
			 struct err *e)
{
	size_t done = 0;

	while (done < len && !s->end) {
		size_t want = len - done < 1u << 30 ? len - done : 1u << 30;
		int r;

		if (refill(s, e))
			return -1;
		s->z.next_in = s->buf + s->pos;
		s->z.avail_in = (uInt)(s->fill - s->pos);
		s->z.next_out = (Bytef *)buf + done;
		s->z.avail_out = (uInt)want;
		r = inflate(&s->z, Z_NO_FLUSH);
		s->pos = s->fill - s->z.avail_in;
		done += want - s->z.avail_out;
		if (r == Z_STREAM_END) {
			s->inside = true;       /* one member is complete */
			if (next_member(s, e))
				return -1;
		} else if (r == Z_BUF_ERROR || (r == Z_OK && s->in_end &&
						s->pos == s->fill &&
						s->z.avail_out)) {
			return err_set(e, 0, "the gzip data ends early (was "
				       "the download cut short?)");
		} else if (r != Z_OK && s->inside) {
			s->end = true;  /* garbage after a whole member */
		} else if (r != Z_OK) {
			return err_set(e, 0, "the gzip data is corrupt: %s",
				       s->z.msg ? s->z.msg : "bad stream");
		}
	}
	return (ssize_t)done;
}

/* Does another frame start here? Padding, or the four bytes that zboot puts
 * behind its payload, end the stream quietly; before the first frame anything
 * goes to the library, which says what is wrong with it. */
static int next_frame(struct stream *s, struct err *e)
{
	size_t have = s->fill - s->pos;
	uint32_t magic;
	ssize_t n;

	if (have < 4 && !s->in_end) {
		memmove(s->buf, s->buf + s->pos, have);
		n = stream_read(s->in, s->buf + have, CHUNK - have, e);
		if (n < 0)
			return -1;
		s->in_end = (size_t)n < CHUNK - have;
		s->pos = 0;
		have = s->fill = have + (size_t)n;
	}
	if (!s->frames)
		return 0;
	s->end = have < 4;
	if (!s->end) {
		memcpy(&magic, s->buf + s->pos, 4);
		magic = le32toh(magic);
		s->end = magic != ZSTD_MAGICNUMBER &&
			 (magic & 0xfffffff0) != 0x184d2a50;
	}
	return 0;
}

static ssize_t zstd_read(struct stream *s, void *buf, size_t len,
			 struct err *e)
{
	ZSTD_outBuffer out = { buf, len, 0 };

	while (out.pos < out.size && !s->end) {
		ZSTD_inBuffer in;
		size_t before = out.pos, r;

		if (s->inside ? refill(s, e) : next_frame(s, e))
			return -1;
		if (s->end)
			break;
		in = (ZSTD_inBuffer){ s->buf, s->fill, s->pos };
		r = ZSTD_decompressStream(s->zstd, &out, &in);
		if (ZSTD_isError(r))
			return err_set(e, 0, "the zstd data is corrupt: %s",
				       ZSTD_getErrorName(r));
		if (r && in.pos == s->pos && out.pos == before && s->in_end)
			return err_set(e, 0, "the zstd data ends early (was "
				       "the download cut short?)");
		s->pos = in.pos;
		s->inside = r != 0;
		s->frames |= !s->inside;
	}
	return (ssize_t)out.pos;
}

struct stream *stream_file(int fd, uint64_t off, uint64_t len)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->read = file_read;
	s->fd = fd;
	s->off = off;
	s->left = len;
	return s;
}

static struct stream *packed(struct stream *in)
{
	struct stream *s = in ? calloc(1, sizeof(*s)) : NULL;

	if (s) {
		s->in = in;
		s->buf = malloc(CHUNK);
	}
	if (!s || !s->buf) {
		free(s);
		stream_free(in);
		return NULL;
	}
	return s;
}

struct stream *stream_gzip(struct stream *in)
{
	struct stream *s = packed(in);

	if (!s)
		return NULL;
	s->read = gzip_read;
	/* 16: a gzip header and trailer, and nothing else */
	if (inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK) {
		stream_free(s);
		return NULL;
	}
	s->z_open = true;
	return s;
}

struct stream *stream_zstd(struct stream *in)
{
	struct stream *s = packed(in);

	if (!s)
		return NULL;
	s->read = zstd_read;
	s->zstd = ZSTD_createDStream();
	/* zstd -22 --ultra packs kernels with a window of 128 MiB */
	if (!s->zstd || ZSTD_isError(ZSTD_DCtx_setParameter(s->zstd,
					ZSTD_d_windowLogMax, 27))) {
		stream_free(s);
		return NULL;
	}
	return s;
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	stream_free(s->in);
	if (s->z_open)
		inflateEnd(&s->z);
	ZSTD_freeDStream(s->zstd);
	free(s->buf);
	free(s);
}

ssize_t stream_read(struct stream *s, void *buf, size_t len, struct err *e)
{
	return s->read(s, buf, len, e);
}
