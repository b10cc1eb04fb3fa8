/* qcow2_packed.c: compressed clusters, which are only read: deflate without a
 * header in a window of 4 KiB, or a zstd frame. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "qcow2.h"

static int inflate_cluster(const uint8_t *in, size_t len, uint8_t *out,
			   size_t size)
{
	z_stream z = { .next_in = (Bytef *)in, .avail_in = (uInt)len,
		       .next_out = out, .avail_out = (uInt)size };
	int r;

	if (inflateInit2(&z, -12) != Z_OK)
		return ENOMEM;
	r = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	/* what follows in the last sector is not the stream's */
	return (r == Z_STREAM_END || r == Z_BUF_ERROR) && !z.avail_out ? 0 :
	       EIO;
}

static int unzstd_cluster(const uint8_t *in, size_t len, uint8_t *out,
			  size_t size)
{
	ZSTD_inBuffer src = { in, len, 0 };
	ZSTD_outBuffer dst = { out, size, 0 };
	ZSTD_DStream *z = ZSTD_createDStream();
	size_t r = 1, before;

	if (!z)
		return ENOMEM;
	/* a window larger than the cluster would be memory for nothing */
	ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 22);
	do {
		before = src.pos + dst.pos;
		r = ZSTD_decompressStream(z, &dst, &src);
	} while (!ZSTD_isError(r) && dst.pos < size &&
		 src.pos + dst.pos != before);
	ZSTD_freeDStream(z);
	return ZSTD_isError(r) || dst.pos != size ? EIO : 0;
}

int qcow2_unpack(struct qcow2 *q, uint64_t entry, struct qcow2_scratch *s,
		 uint8_t *out)
{
	struct iovec v = { .iov_base = s->in };
	uint64_t off, len;
	int no;

	qcow2_packed_at(q, entry, &off, &len);
	v.iov_len = len;
	/* the last sector may lie behind the file's end */
	no = block_rw(q->fd, false, &v, 1, 0, len, off, true);
	if (!no)
		no = q->h.zstd ? unzstd_cluster(s->in, len, out, q->cluster) :
		     inflate_cluster(s->in, len, out, q->cluster);
	if (no == EIO) {
		pthread_mutex_lock(&q->lock);
		qcow2_corrupt(q, "compressed cluster at offset %llu does not "
			      "unpack", (unsigned long long)off);
		pthread_mutex_unlock(&q->lock);
	}
	return no;
}
