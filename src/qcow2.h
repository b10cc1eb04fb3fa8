/* qcow2.h: the parts of the qcow2 format among themselves.
 *
 * Facts: the public description of the format ("qcow2", versions 2 and 3). All
 * numbers in a file are big-endian. A virtual cluster is found through the L1
 * table, whose entries name L2 tables of one cluster each, whose entries name
 * host clusters. A host cluster in use has a reference count of one or more,
 * in blocks of one cluster that the refcount table names.
 *
 * Order on the disk, so that a crash at any point leaves no entry that leads to
 * a cluster without a count (leaks are fine, they are found by qemu-img check):
 *	data, counts that grow | new entries of the refcount table |
 *	L2 tables | L1 entries | counts that shrink
 * Each | is an fdatasync. Tables live in caches and are written by a flush
 * (qcow2_flush) or when a cache is full of changed ones.
 *
 * Locks. q->lock guards everything but the file's data. Functions marked
 * "drops" may give it up in between, and what was read under it before must be
 * read again; so a pointer to a table is good only until the next such call.
 * While q->frozen a flush is under way: L1, L2 and the refcount table do not
 * change, counts may. A request holds the range of virtual clusters that it
 * touches, exclusively when their mapping may change; so a mapping that was
 * looked up holds until the range is dropped. Data moves without the lock. */
#ifndef QCOW2_H
#define QCOW2_H

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend.h"
#include "block_io.h"
#include "err.h"

/* ---- the header (qcow2_header.c) -------------------------------------- */

enum {                                  /* incompatible features */
	QCOW2_DIRTY = 1, QCOW2_CORRUPT = 2, QCOW2_DATA_FILE = 4,
	QCOW2_COMPRESSION = 8, QCOW2_EXTENDED_L2 = 16,
	QCOW2_INCOMPATIBLE_KNOWN = 31,
};
enum { QCOW2_LAZY = 1 };                /* a compatible feature */
enum {                                  /* where header fields are */
	QCOW2_H_REFTABLE = 48, QCOW2_H_INCOMPATIBLE = 72,
	QCOW2_H_AUTOCLEAR = 88,
};

#define QCOW2_COPIED (1ull << 63)       /* entry: its cluster's count is 1 */
#define QCOW2_PACKED (1ull << 62)       /* entry: compressed */
#define QCOW2_ZERO 1ull                 /* entry: reads as zeros, version 3 */
#define QCOW2_OFFSET 0x00fffffffffffe00ull
#define QCOW2_OFFSET_MAX (1ull << 56)

#define QCOW2_HEAD_MIN 72u              /* of version 2 */
#define QCOW2_L1_MAX (32u << 20)        /* bytes, as are the next */
#define QCOW2_REFTABLE_MAX (8u << 20)
#define QCOW2_SNAPSHOTS_MAX 65536u
#define QCOW2_NAME_MAX 1023u            /* of a backing file */
#define QCOW2_CHAIN_MAX 16              /* images in a chain of backing files */

struct qcow2_header {
	unsigned version, cluster_bits, refcount_order;
	uint64_t size, l1_off, reftable_off, snap_off;
	uint32_t l1_size, reftable_clusters, snapshots, length;
	uint64_t incompatible, compatible, autoclear;
	bool zstd;
	char backing[QCOW2_NAME_MAX + 1], backing_format[16];
};

/* From the first bytes of a file, at best a whole cluster of them. -1 for what
 * we cannot or will not open, with the code of bundles.md section 8. */
int qcow2_header_parse(const uint8_t *, size_t len, struct qcow2_header *,
		       const char **code, struct err *);
/* Reads as much as the parser wants. */
int qcow2_header_read(int fd, const char *path, struct qcow2_header *,
		      const char **code, struct err *);
/* Text of a file that may go to a terminal. */
void qcow2_printable(char *out, size_t size, const void *text, size_t len);

/* ---- an open image ----------------------------------------------------- */

struct qcow2_table {                    /* one in a cache */
	uint64_t off;                   /* in the file; 0: free */
	struct qcow2_table *hash_next;
	struct qcow2_table *prev, *next;        /* by use, the latest first */
	uint32_t lo, hi;                /* changed bytes; hi 0: none */
	bool loading;
	bool checked;                   /* overlaps no other metadata */
	uint8_t *data;                  /* as in the file */
};

struct qcow2_cache {
	unsigned n;
	uint32_t size;                  /* of a table */
	unsigned changed;               /* tables */
	bool ordered;                   /* written by a flush alone */
	struct qcow2_table *tables;
	struct qcow2_table **hash;
	unsigned hash_mask;
	struct qcow2_table list;        /* prev: the least used */
	uint8_t *mem;
};

struct qcow2_extent { uint64_t first, count; };         /* host clusters */

#define QCOW2_FREES 4096u

struct qcow2_snapshot {
	uint64_t l1_off;
	uint32_t l1_size;
};

struct qcow2_scratch {
	struct qcow2_scratch *next;
	uint8_t *head, *tail;           /* a cluster each */
	uint8_t *in;                    /* two clusters and a sector */
	uint8_t mem[];
};

#define QCOW2_UNPACKED 4                /* decompressed clusters kept */

struct qcow2 {
	struct blk blk;                 /* first */
	int fd;
	struct qcow2_header h;
	unsigned bits;                  /* of a cluster */
	uint32_t cluster;               /* bytes */
	unsigned l2_bits;               /* entries of an L2 table */
	unsigned block_bits;            /* counts of a refcount block */
	struct blk *base;               /* the backing file, or NULL */
	struct qcow2 *above;            /* in the chain; while opening */
	int depth;                      /* images above */
	bool regular;                   /* a file, not a block device */

	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct ranges ranges;
	bool frozen;
	int flush_error;                /* for ever, as in block_raw.c */
	bool corrupt;                   /* found out: nothing is written */

	uint64_t *l1;                   /* host's byte order, as reftable */
	uint32_t l1_lo, l1_hi;          /* changed entries */
	uint64_t *reftable;
	uint32_t reftable_size;         /* entries */
	uint32_t reftable_used;         /* none that is not 0 from here on */
	uint32_t reftable_lo, reftable_hi;
	struct qcow2_cache l2, blocks;
	struct qcow2_snapshot *snap;
	uint64_t snap_len;              /* bytes of their table */

	uint64_t hint;                  /* no free cluster is below */
	uint64_t eof;                   /* bytes of the file */
	uint64_t fresh;                 /* clusters from here on read as zeros */
	/* Clusters that lost their entry: `pending` until that is on the disk,
	 * then `dead` until their counts have shrunk. */
	struct qcow2_extent pending[QCOW2_FREES], dead[2 * QCOW2_FREES];
	unsigned npending, ndead;
	bool burying;

	uint64_t *meta;                 /* bitmap: may be metadata */
	uint64_t meta_bits;             /* a power of two */
	bool meta_exact;

	struct qcow2_scratch *scratch;
	unsigned nscratch, scratch_max;
	struct {
		uint64_t entry;         /* 0: empty */
		uint8_t *data;
	} unpacked[QCOW2_UNPACKED];
	unsigned unpacked_next, unpacked_max;
};

/* ---- block_qcow2.c ------------------------------------------------------ */

/* Logs once and stops all writing. Returns EIO. Lock held. */
int qcow2_corrupt(struct qcow2 *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void qcow2_wait(struct qcow2 *);        /* for any change; drops */
void qcow2_wake(struct qcow2 *);        /* lock held */
void qcow2_thaw(struct qcow2 *);        /* waits until not frozen; drops */
/* fdatasync without the lock; drops. A failure is remembered. */
int qcow2_sync(struct qcow2 *);
/* All that was done before is on the disk; drops. */
int qcow2_flush(struct qcow2 *);
/* Entries [from, to) of a table at `off` of the file. */
int qcow2_write64(struct qcow2 *, const uint64_t *table, uint64_t off,
		  uint32_t from, uint32_t to);
/* A cluster's worth of work space; drops. NULL: no memory. */
struct qcow2_scratch *qcow2_scratch_get(struct qcow2 *);
void qcow2_scratch_put(struct qcow2 *, struct qcow2_scratch *);
/* Opens the backing file that the header names. */
int qcow2_backing_open(struct qcow2 *, const struct blk_opt *, struct err *);
struct blk *qcow2_open(int fd, const char *path, const struct blk_opt *,
		       struct qcow2 *above, struct blk_pool *, struct err *);

/* ---- qcow2_snap.c ------------------------------------------------------- */

/* The snapshots' L1 tables and the length of the table that names them, and in
 * `info` their names; either may be NULL. */
int qcow2_snapshots(int fd, const char *path, const struct qcow2_header *,
		    uint64_t eof, struct qcow2_snapshot **, uint64_t *len,
		    struct blk_qcow2_info *info, struct err *);

/* ---- qcow2_cache.c ------------------------------------------------------ */

int qcow2_cache_init(struct qcow2_cache *, unsigned n, uint32_t size,
		     bool ordered);
void qcow2_cache_fini(struct qcow2_cache *);
/* The table at that place, read if need be; drops. NULL: *no says why. */
struct qcow2_table *qcow2_cache_get(struct qcow2 *, struct qcow2_cache *,
				    uint64_t off, int *no);
/* One of zeros for that place, all of it changed; drops. */
struct qcow2_table *qcow2_cache_new(struct qcow2 *, struct qcow2_cache *,
				    uint64_t off, int *no);
/* The table moves to a new place, the old one keeps what it has in the file. */
void qcow2_cache_move(struct qcow2_cache *, struct qcow2_table *,
		      uint64_t off);
void qcow2_cache_drop(struct qcow2_cache *, uint64_t off);
void qcow2_cache_touch(struct qcow2_cache *, struct qcow2_table *,
		       uint32_t off, uint32_t len);
/* Writes what has changed; does not sync and does not drop. */
int qcow2_cache_write(struct qcow2 *, struct qcow2_cache *);

static inline uint64_t qcow2_get64(const struct qcow2_table *t, unsigned i)
{
	return be64toh(((const uint64_t *)(const void *)t->data)[i]);
}

/* ---- qcow2_refs.c -------------------------------------------------------- */

uint64_t qcow2_refs_get(const uint8_t *block, unsigned order, uint64_t i);
void qcow2_refs_set(uint8_t *block, unsigned order, uint64_t i, uint64_t val);
/* Up to n adjacent free clusters, now with a count of one; drops. *fresh: they
 * were never written. */
int qcow2_refs_alloc(struct qcow2 *, uint64_t n, uint64_t *first,
		     uint64_t *got, bool *fresh);
/* Takes one from each count; for clusters that no entry in the file leads to;
 * drops. */
void qcow2_refs_free(struct qcow2 *, uint64_t first, uint64_t n);
/* The entry is about to go; its clusters follow after the next flush. Room
 * must be there (qcow2_refs_room). */
void qcow2_refs_later(struct qcow2 *, uint64_t first, uint64_t n);
/* Room for n more; drops. */
int qcow2_refs_room(struct qcow2 *, unsigned n);
/* Frees what is dead; drops. */
void qcow2_refs_bury(struct qcow2 *);
int qcow2_refs_write_table(struct qcow2 *);     /* its changed entries */

/* Where metadata is: guest data must never be written there. */
int qcow2_meta_init(struct qcow2 *);
void qcow2_meta_add(struct qcow2 *, uint64_t cluster);
void qcow2_meta_del(struct qcow2 *, uint64_t cluster);
enum { QCOW2_META_L2 = 1, QCOW2_META_BLOCK = 2, QCOW2_META_FIXED = 4 };
/* What kinds are at that cluster. */
unsigned qcow2_meta(const struct qcow2 *, uint64_t cluster);

/* ---- qcow2_map.c --------------------------------------------------------- */

enum qcow2_kind { QCOW2_RUN_ZERO, QCOW2_RUN_BASE, QCOW2_RUN_DATA,
		  QCOW2_RUN_PACKED };

struct qcow2_run {                      /* adjacent virtual clusters */
	enum qcow2_kind kind;
	bool own;                       /* host may be written in place */
	uint64_t host;                  /* byte offset; 0: none */
	uint64_t entry;                 /* of the first */
	uint64_t n;
};

/* How clusters from `vc` on are mapped, up to `max` of them, all alike and
 * adjacent in the file, in one L2 table; drops. */
int qcow2_map(struct qcow2 *, uint64_t vc, uint64_t max, struct qcow2_run *);
/* Points n clusters, in one L2 table, to entry, entry + step...; what they
 * pointed to is freed later; drops. The range is held exclusively. */
int qcow2_link(struct qcow2 *, uint64_t vc, uint64_t n, uint64_t entry,
	       uint64_t step);
/* Where a compressed cluster is, in bytes. */
void qcow2_packed_at(const struct qcow2 *, uint64_t entry, uint64_t *off,
		     uint64_t *len);

/* ---- qcow2_io.c ----------------------------------------------------------- */

int qcow2_read(struct qcow2 *, const struct iovec *, int n, size_t skip,
	       size_t len, uint64_t off);
int qcow2_write(struct qcow2 *, const struct iovec *, int n, uint64_t len,
		uint64_t off);
int qcow2_zero(struct qcow2 *, uint64_t off, uint64_t len, bool unmap);
int qcow2_discard(struct qcow2 *, uint64_t off, uint64_t len);

/* ---- qcow2_packed.c -------------------------------------------------------- */

/* One compressed cluster to `out`; no lock held. */
int qcow2_unpack(struct qcow2 *, uint64_t entry, struct qcow2_scratch *,
		 uint8_t *out);

/* ---- qcow2_repair.c --------------------------------------------------------- */

/* After a crash with lazy counts: counts afresh what is in use, writes new
 * refcount structures, and clears the dirty bit. Header, L1 and snapshots are
 * there, caches and refcount table are not yet. */
int qcow2_repair(struct qcow2 *, struct err *);

#endif
