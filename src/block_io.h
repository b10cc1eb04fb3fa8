/* block_io.h: what the disk formats share: whole transfers on a descriptor, and
 * who may touch which part of a disk at a time. Any thread. */
#ifndef BLOCK_IO_H
#define BLOCK_IO_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define BLOCK_ZEROS 65536
extern const uint8_t block_zeros[BLOCK_ZEROS];

/* At most `max` pieces that make up the bytes from `skip` on, `len` or fewer of
 * them. Returns their number; *got is how many bytes they are. */
int block_slice(const struct iovec *, int n, size_t skip, size_t len,
		struct iovec *out, int max, size_t *got);
/* Zeros `len` bytes from `skip` on. */
void block_clear(const struct iovec *, int n, size_t skip, size_t len);
/* Copies from `src` to there. */
void block_fill(const struct iovec *, int n, size_t skip, const void *src,
		size_t len);

/* All `len` bytes from `skip` on, however short the kernel's transfers. What a
 * file lacks is EIO, or zeros with `zero_eof`. 0 or an errno. */
int block_rw(int fd, bool write, const struct iovec *, int n, size_t skip,
	     size_t len, uint64_t off, bool zero_eof);
int block_pread(int fd, void *, size_t len, uint64_t off);
int block_pwrite(int fd, const void *, size_t len, uint64_t off);
int block_punch(int fd, int mode, uint64_t off, uint64_t len);
bool block_unsupported(int no);

/* Pieces that go to adjacent places of a file, written together. */
struct block_gather {
	int fd, n;
	uint64_t off;                   /* of piece 0 */
	size_t len;
	struct iovec v[64];
};
int block_gather(struct block_gather *, const void *, size_t len);
int block_gather_zeros(struct block_gather *, size_t len);
int block_gather_iov(struct block_gather *, const struct iovec *, int n,
		     size_t skip, size_t len);
int block_gather_end(struct block_gather *);

/* Parts of a disk in use: shared ones may overlap, exclusive ones wait for all
 * that came before and hold up all that come after. First come, first served,
 * so nobody starves; a thread holds one at a time, so there is no deadlock. */
struct range {
	struct range *next;
	uint64_t first, last;           /* inclusive */
	bool exclusive;
};

struct ranges {
	struct range *head, **tail;
};

void range_init(struct ranges *);
/* With `lock` held; it is dropped while waiting for `cond`. */
void range_take(struct ranges *, struct range *, pthread_mutex_t *lock,
		pthread_cond_t *cond);
/* With the lock held; true when somebody may wait, then signal `cond`. */
bool range_drop(struct ranges *, struct range *);

#endif
