/* stream.h: files and what is packed in them, read from front to back.
 *
 * A stream owns the one it reads from. Output is not bounded here: readers ask
 * for what they have room for, so a decompression bomb meets the reader's
 * limit and no memory of ours. Main thread. */
#ifndef POME_STREAM_H
#define POME_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

struct stream;

/* The bytes off..off+len-1 of a descriptor, which stays the caller's. */
struct stream *stream_file(int fd, uint64_t off, uint64_t len);
/* Unpack `in`; take it over, also when they fail (NULL: out of memory). */
struct stream *stream_gzip(struct stream *in);
struct stream *stream_zstd(struct stream *in);
void stream_free(struct stream *);

/* Reads until `len` bytes are there or the stream ends; returns how many, or
 * -1: "gzip data ends early", "read: Input/output error". */
ssize_t stream_read(struct stream *, void *buf, size_t len, struct err *);

#endif
