/* backend.h: what devices ask of the host: disks, networks, terminals. */
#ifndef POME_BACKEND_H
#define POME_BACKEND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "err.h"

struct device;
struct loop;

/* ---- disks ---------------------------------------------------------- */

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_ZERO };

/* A request belongs to the device from allocation to blk_submit and again from
 * done(); the iovecs and what they point to must stay valid in between. */
struct blk_req {
	enum blk_op op;
	bool unmap;                     /* BLK_ZERO may deallocate */
	uint64_t off, len;              /* bytes; within blk->size (checked) */
	struct iovec *iov;
	int niov;
	struct device *dev;             /* its lock is held around done() */
	void (*done)(struct blk_req *, int error);      /* 0 or an errno */
	void *arg;
	struct blk *blk;                /* from here on the pool's */
	struct blk_req *next;
	bool cancelled;
};

struct blk;

struct blk_ops {
	const char *name;               /* "raw", "qcow2" */
	/* Runs on a pool thread; blocking is fine. Returns 0 or an errno.
	 * Several may run at once. A flush makes all requests that were done
	 * before it started durable. */
	int (*run)(struct blk *, struct blk_req *);
	void (*close)(struct blk *);
	const char *no_room;            /* for the message about ENOSPC, or NULL */
};

/* Requests that are over, by kind; for --stats. */
struct blk_count {
	uint64_t reads, read_bytes, writes, written_bytes;
	uint64_t flushes, discards, zeroes;     /* zeroes: BLK_ZERO */
	uint64_t errors;
};

struct blk {
	const struct blk_ops *ops;
	struct blk_pool *pool;
	uint64_t size;                  /* bytes */
	uint32_t block_size;            /* the host's preferred, >= 512 */
	bool readonly;
	bool discard;                   /* BLK_DISCARD does something */
	char serial[21];
	char *path;                     /* for messages */
	unsigned busy;                  /* requests; the pool's, under its lock */
	struct blk_count count;         /* as that */
	bool said_error;
};

/* The pool of file I/O threads; started before the sandbox closes. */
struct blk_pool;
struct blk_pool *blk_pool_new(int threads, struct err *);
/* Is nothing under way; waits until so. Any thread, no device lock held. */
bool blk_pool_idle(struct blk_pool *);
void blk_pool_drain(struct blk_pool *);
void blk_pool_free(struct blk_pool *);  /* waits for what is under way */

/* Queues the request; returns at once. done() is called exactly once, on a
 * pool thread with req->dev's lock held, never from inside blk_submit. */
void blk_submit(struct blk *, struct blk_req *);
/* Waits until nothing is under way on this disk. No device lock held. */
void blk_drain(struct blk *);
/* Cancels what `dev` has submitted here and no thread has begun: done() comes
 * soon, with ECANCELED. Any thread; the device's lock may be held. */
void blk_cancel(struct blk *, struct device *dev);
/* Cancels, and waits until no request of `dev` touches guest memory any more;
 * its done() may still be to come. The device's lock may be held, so a machine
 * reset can call it. */
void blk_settle(struct blk *, struct device *dev);
void blk_close(struct blk *);           /* drains, flushes, closes */

/* Images are opened on the main thread, before the sandbox closes (backing files
 * and the throw-away overlay are opened by name), so before the pool exists:
 * `pool` may be NULL here and is set in blk->pool before the first blk_submit.
 * Each takes the descriptor, but not on failure. */
struct blk_opt {
	bool qcow2;                     /* the stated format; else raw */
	bool readonly;
	/* All writes go to an unlinked temporary file; the image may be opened
	 * O_RDONLY and does not change by one byte. */
	bool ephemeral;
	bool allow_backing;             /* qcow2: open the file it names... */
	const char *folder;             /* ...beneath this; NULL: the image's */
};
struct blk *blk_open(int fd, const char *path, const struct blk_opt *,
		     struct blk_pool *, struct err *);

/* The parts of blk_open. */
struct blk *blk_raw_open(int fd, const char *path, bool readonly,
			 struct blk_pool *, struct err *);
struct blk *blk_qcow2_open(int fd, const char *path, const struct blk_opt *,
			   struct blk_pool *, struct err *);
/* Takes `base`, which is readonly, but not on failure. */
struct blk *blk_overlay_open(struct blk *base, struct err *);
/* The part of `base` from `start` (whole sectors) on; takes base, but not on
 * failure. */
struct blk *blk_slice_open(struct blk *base, uint64_t start, struct err *);

/* One writer or many readers, among our own processes and QEMU's. -1 where
 * another process holds it; the message names that process. The lock goes with
 * the last copy of the descriptor. Files without locks pass. */
int blk_lock(int fd, const char *path, bool readonly, struct err *);

/* What a qcow2 image says of itself, for `pome inspect`. */
struct blk_qcow2_info {
	const char *code;               /* bundles.md section 8, when refused */
	unsigned version, refcount_bits;
	uint64_t size;                  /* of the disk, bytes */
	uint32_t cluster;               /* bytes */
	uint32_t snapshots;
	bool dirty, lazy, zstd;
	char backing[1024], backing_format[16];         /* or empty */
	unsigned nnames;
	char name[8][64];               /* of the first snapshots; printable */
};
/* From the first `len` bytes of the file alone; snapshot names stay empty. */
int blk_qcow2_head(const void *head, size_t len, bool allow_backing,
		   struct blk_qcow2_info *, struct err *);
/* From the file; changes nothing. */
int blk_qcow2_inspect(int fd, const char *path, bool allow_backing,
		      struct blk_qcow2_info *, struct err *);

/* ---- networks ------------------------------------------------------- */

/* A network peer. send: device to world, under the device's lock; a frame
 * without any virtio header; drops when full. The back end delivers frames by
 * calling rx on the loop's thread with the device's lock held; rx returns
 * false when the device has no room, then the back end holds back until
 * net->ops->rx_ready. */
struct net;
struct net_ops {
	const char *name;               /* "user", "frames" */
	void (*send)(struct net *, const struct iovec *, int n);
	void (*rx_ready)(struct net *);
	void (*close)(struct net *);
};
struct net {
	const struct net_ops *ops;
	struct device *dev;
	bool (*rx)(struct device *dev, const void *frame, size_t len);
	uint64_t tx_frames, rx_frames, dropped;
};

struct cfg_net;
struct net *net_user_open(struct loop *, const struct cfg_net *, struct err *);
struct net *net_tap_open(struct loop *, const char *ifname, struct err *);
struct net *net_unix_open(struct loop *, const struct cfg_net *, struct err *);

/* ---- terminals ------------------------------------------------------ */

/* A byte stream: the far side of a UART or console. */
struct tty;
struct tty_ops {
	/* Device to world; takes what it can, never blocks; returns the
	 * number of bytes taken. When short, writable() follows. */
	size_t (*write)(struct tty *, const void *, size_t);
	/* The device has room for input again. */
	void (*ready)(struct tty *);
	void (*close)(struct tty *);
};
struct tty {
	const struct tty_ops *ops;
	struct device *dev;             /* its lock is held in the calls below */
	/* Bytes for the device; returns how many it took. Loop thread. */
	size_t (*input)(struct device *dev, const void *, size_t);
	void (*writable)(struct device *dev);           /* may be NULL */
	void (*resized)(struct device *dev, unsigned cols, unsigned rows);
	void (*hangup)(struct device *dev);     /* the peer went; may be NULL */
	unsigned cols, rows;            /* 0: unknown */
};

#endif
