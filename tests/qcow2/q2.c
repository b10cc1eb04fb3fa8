/* q2.c: drives disk images for the scripts beside it.
 *
 *	q2 ops IMAGE SHADOW SEED N [raw|qcow2] [OPTION...]
 *		N random requests, several at a time; what is read must be what
 *		was written. SHADOW, a raw file of the same size, holds what the
 *		image is said to hold, and is written in the end.
 *	q2 same IMAGE SHADOW [OPTION...]
 *		the image reads like SHADOW
 *	q2 record IMAGE SEED N LOG	the same with an image of zeros, and
 *		each write to the file goes to LOG as well
 *	q2 cut IMAGE LOG CHECK EVERY [power SEED]
 *		a copy of what the image was, onto which LOG is replayed: after
 *		every EVERYth write CHECK (a shell command) must succeed, and
 *		what was flushed must be there. With `power`, of the writes since
 *		the last barrier only some sectors arrive.
 *	q2 bench RAW QCOW2 MIB	how fast, by turns
 *	q2 hold IMAGE [OPTION...]	opens it and waits for the end of input
 *
 * OPTIONs: readonly ephemeral backing folder=DIR */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "log.h"

#define SECTOR 512u
#define DEPTH 6                         /* requests at a time */
#define MAX_REQ (768u << 10)

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2),
						      noreturn));
static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "q2: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

static uint64_t rng;

static uint64_t rnd(uint64_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return n ? (rng >> 11) % n : 0;
}

/* ---- the log of writes to the file (linked with --wrap) --------------------- */

struct rec { uint32_t type, pad; uint64_t off, len; };
enum { R_WRITE = 1, R_PUNCH, R_SYNC, R_OP, R_DONE };

static FILE *log_file;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

ssize_t __real_pwritev64(int, const struct iovec *, int, off_t);
int __real_fallocate64(int, int, off_t, off_t);
int __real_fdatasync(int);
ssize_t __wrap_pwritev64(int, const struct iovec *, int, off_t);
int __wrap_fallocate64(int, int, off_t, off_t);
int __wrap_fdatasync(int);

static void put(uint32_t type, uint64_t off, uint64_t len)
{
	struct rec r = { type, 0, off, len };

	fwrite(&r, sizeof(r), 1, log_file);
}

ssize_t __wrap_pwritev64(int fd, const struct iovec *v, int n, off_t off)
{
	ssize_t r;

	if (!log_file)
		return __real_pwritev64(fd, v, n, off);
	pthread_mutex_lock(&log_lock);
	r = __real_pwritev64(fd, v, n, off);
	if (r > 0) {
		size_t left = (size_t)r;

		put(R_WRITE, (uint64_t)off, left);
		for (int i = 0; i < n && left; i++) {
			size_t part = v[i].iov_len < left ? v[i].iov_len : left;

			fwrite(v[i].iov_base, 1, part, log_file);
			left -= part;
		}
	}
	pthread_mutex_unlock(&log_lock);
	return r;
}

int __wrap_fallocate64(int fd, int mode, off_t off, off_t len)
{
	int r;

	if (!log_file)
		return __real_fallocate64(fd, mode, off, len);
	pthread_mutex_lock(&log_lock);
	r = __real_fallocate64(fd, mode, off, len);
	if (!r)
		put(R_PUNCH, (uint64_t)off, (uint64_t)len);
	pthread_mutex_unlock(&log_lock);
	return r;
}

/* Two records: what was written before the first is on the disk when the second
 * is in the log. */
int __wrap_fdatasync(int fd)
{
	static uint64_t id;
	uint64_t me;

	if (!log_file)
		return __real_fdatasync(fd);
	pthread_mutex_lock(&log_lock);
	me = ++id;
	put(R_SYNC, me, 0);
	pthread_mutex_unlock(&log_lock);
	sched_yield();
	pthread_mutex_lock(&log_lock);
	put(R_SYNC, me, 1);
	pthread_mutex_unlock(&log_lock);
	return 0;
}

/* ---- requests ------------------------------------------------------------------ */

static struct blk_pool *pool;
static pthread_mutex_t done_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done_cond = PTHREAD_COND_INITIALIZER;
static unsigned running;

struct job {
	struct blk_req req;
	struct iovec iov[5];
	uint8_t *buf;
	int error;
	uint64_t id;
};

static void on_done(struct blk_req *r, int error)
{
	struct job *j = r->arg;

	pthread_mutex_lock(&done_lock);
	j->error = error;
	if (log_file) {
		pthread_mutex_lock(&log_lock);
		put(R_DONE, j->id, 0);
		pthread_mutex_unlock(&log_lock);
	}
	running--;
	pthread_cond_broadcast(&done_cond);
	pthread_mutex_unlock(&done_lock);
}

static void submit(struct blk *b, struct job *j)
{
	/* in pieces, as a guest's are */
	uint64_t at = 0;

	j->req.iov = j->iov;
	j->req.niov = 0;
	for (int i = 0; i < 4 && at < j->req.len; i++) {
		uint64_t n = rnd(j->req.len - at) / 64 * 64;

		j->iov[j->req.niov++] = (struct iovec){ j->buf + at, n };
		at += n;
	}
	j->iov[j->req.niov++] = (struct iovec){ j->buf + at,
						j->req.len - at };
	j->req.done = on_done;
	j->req.arg = j;
	pthread_mutex_lock(&done_lock);
	running++;
	pthread_mutex_unlock(&done_lock);
	blk_submit(b, &j->req);
}

static void wait_all(unsigned left)
{
	pthread_mutex_lock(&done_lock);
	while (running > left)
		pthread_cond_wait(&done_cond, &done_lock);
	pthread_mutex_unlock(&done_lock);
}

static struct blk *open_image(const char *path, char **opt, bool raw)
{
	struct blk_opt o = { .qcow2 = !raw };
	struct err e = { 0 };
	struct blk *b;
	int fd;

	for (; opt && *opt; opt++) {
		if (!strcmp(*opt, "readonly"))
			o.readonly = true;
		else if (!strcmp(*opt, "ephemeral"))
			o.ephemeral = true;
		else if (!strcmp(*opt, "backing"))
			o.allow_backing = true;
		else if (!strncmp(*opt, "folder=", 7))
			o.folder = *opt + 7;
	}
	fd = open(path, o.readonly || o.ephemeral ? O_RDONLY : O_RDWR);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	b = blk_open(fd, path, &o, NULL, &e);
	if (!b)
		die("%s", e.msg);
	if (!pool)
		pool = blk_pool_new(4, &e);
	b->pool = pool;
	return b;
}

static void read_all(struct blk *b, uint8_t *buf)
{
	for (uint64_t at = 0; at < b->size;) {
		uint64_t n = b->size - at < 1u << 20 ? b->size - at : 1u << 20;
		struct iovec v = { buf + at, n };
		struct blk_req r = { .op = BLK_READ, .off = at, .len = n,
				     .iov = &v, .niov = 1 };
		int no = b->ops->run(b, &r);

		if (no)
			die("read at %llu: %s", (unsigned long long)at,
			    strerror(no));
		at += n;
	}
}

static uint8_t *load(const char *path, uint64_t size)
{
	uint8_t *p = calloc(1, size);
	int fd = open(path, O_RDONLY);

	if (fd < 0 || !p)
		die("%s: %s", path, strerror(errno));
	for (uint64_t at = 0; at < size;) {
		ssize_t n = pread(fd, p + at, size - at, (off_t)at);

		if (n <= 0)
			break;
		at += (uint64_t)n;
	}
	close(fd);
	return p;
}

static void save(const char *path, const uint8_t *p, uint64_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	for (uint64_t at = 0; at < size;) {
		ssize_t n = pwrite(fd, p + at, size - at, (off_t)at);

		if (n <= 0)
			die("%s: %s", path, strerror(errno));
		at += (uint64_t)n;
	}
	close(fd);
}

static void compare(const uint8_t *got, const uint8_t *want, uint64_t off,
		    uint64_t len, const char *when)
{
	for (uint64_t i = 0; i < len; i++)
		if (got[i] != want[i])
			die("%s: byte %llu is %02x, should be %02x", when,
			    (unsigned long long)(off + i), got[i], want[i]);
}

/* ---- random requests -------------------------------------------------------------- */

static void pick(struct job *j, uint64_t size, const struct job *others, int n)
{
	static const uint32_t sizes[] = { 512, 4096, 65536, MAX_REQ };
	bool clash;

	do {
		uint64_t sectors = size / SECTOR;
		uint64_t max = sizes[rnd(4)] / SECTOR;
		uint64_t len = 1 + rnd(max), off = rnd(sectors);

		if (rnd(3) == 0)
			off &= ~7ull;
		if (rnd(8) == 0)
			off = off * 9 / 10 / 128 * 128;
		if (len > sectors - off)
			len = sectors - off;
		j->req.off = off * SECTOR;
		j->req.len = len * SECTOR;
		clash = false;
		for (int i = 0; i < n; i++)
			clash |= others[i].req.op != BLK_FLUSH &&
				 j->req.off < others[i].req.off +
				 others[i].req.len &&
				 others[i].req.off < j->req.off + j->req.len;
	} while (clash);
}

static void fill(struct job *j, uint64_t id)
{
	for (uint64_t i = 0; i < j->req.len; i += SECTOR) {
		uint64_t tag[2] = { id, (j->req.off + i) / SECTOR };

		for (unsigned k = 0; k < SECTOR; k += 16)
			memcpy(j->buf + i + k, tag, 16);
	}
}

static void choose(struct job *j, bool ro)
{
	unsigned k = (unsigned)rnd(100);

	j->req.unmap = rnd(2);
	j->req.op = k < 25 || ro ? BLK_READ : k < 70 ? BLK_WRITE :
		    k < 80 ? BLK_ZERO : k < 92 ? BLK_DISCARD : BLK_FLUSH;
}

/* What a discard left is old or zeros, in whole sectors. */
static void discarded(struct blk *b, struct job *j, uint8_t *shadow)
{
	struct iovec v = { j->buf, j->req.len };
	struct blk_req r = { .op = BLK_READ, .off = j->req.off,
			     .len = j->req.len, .iov = &v, .niov = 1 };
	uint8_t *want = shadow + j->req.off;
	static const uint8_t zero[SECTOR];

	if (b->ops->run(b, &r))
		die("read after discard");
	for (uint64_t i = 0; i < j->req.len; i += SECTOR) {
		if (memcmp(j->buf + i, want + i, SECTOR) &&
		    memcmp(j->buf + i, zero, SECTOR))
			die("discard made up data at %llu",
			    (unsigned long long)(j->req.off + i));
		memcpy(want + i, j->buf + i, SECTOR);
	}
}

static void ops(struct blk *b, uint8_t *shadow, int n)
{
	static struct job jobs[DEPTH];
	uint64_t id = 0;

	for (int i = 0; i < DEPTH; i++)
		jobs[i].buf = malloc(MAX_REQ);
	while (n > 0) {
		int k = 1 + (int)rnd(DEPTH);

		for (int i = 0; i < k; i++) {
			struct job *j = &jobs[i];

			j->id = ++id;
			choose(j, b->readonly);
			pick(j, b->size, jobs, i);
			if (j->req.op == BLK_FLUSH)
				j->req.len = 0;
			if (j->req.op == BLK_WRITE)
				fill(j, rng);
			submit(b, j);
		}
		wait_all(0);
		for (int i = 0; i < k; i++) {
			struct job *j = &jobs[i];
			uint8_t *at = shadow + j->req.off;

			if (j->error)
				die("request %d at %llu: %s", j->req.op,
				    (unsigned long long)j->req.off,
				    strerror(j->error));
			if (j->req.op == BLK_READ)
				compare(j->buf, at, j->req.off, j->req.len,
					"read");
			else if (j->req.op == BLK_WRITE)
				memcpy(at, j->buf, j->req.len);
			else if (j->req.op == BLK_ZERO)
				memset(at, 0, j->req.len);
			else if (j->req.op == BLK_DISCARD)
				discarded(b, j, shadow);
		}
		n -= k;
	}
}

static int cmd_ops(int argc, char **argv)
{
	bool raw = argc > 6 && !strcmp(argv[6], "raw");
	struct blk *b = open_image(argv[2], argc > 6 ? argv + 6 : NULL, raw);
	uint8_t *shadow = load(argv[3], b->size), *got = malloc(b->size);

	rng = strtoull(argv[4], NULL, 10) * 0x9e3779b97f4a7c15ull + 1;
	ops(b, shadow, atoi(argv[5]));
	read_all(b, got);
	compare(got, shadow, 0, b->size, "in the end");
	save(argv[3], shadow, b->size);
	blk_close(b);
	blk_pool_free(pool);
	return 0;
}

static int cmd_same(int argc, char **argv)
{
	struct blk *b = open_image(argv[2], argv + 4, false);
	uint8_t *shadow = load(argv[3], b->size), *got = malloc(b->size);
	struct stat st;

	if (stat(argv[3], &st) || (uint64_t)st.st_size != b->size)
		die("sizes differ");
	read_all(b, got);
	compare(got, shadow, 0, b->size, "same");
	blk_close(b);
	blk_pool_free(pool);
	return 0;
}

/* ---- crashes ------------------------------------------------------------------------- */

/* Each request's beginning is in the log before it is submitted, its end after:
 * R_OP with the job's id, kind and place. */
static int cmd_record(int argc, char **argv)
{
	struct blk *b = open_image(argv[2], NULL, false);
	static struct job jobs[DEPTH];
	int n = atoi(argv[4]);
	uint64_t id = 0;

	rng = strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15ull + 1;
	log_file = fopen(argv[5], "w");
	for (int i = 0; i < DEPTH; i++)
		jobs[i].buf = malloc(MAX_REQ);
	while (n > 0) {
		int k = 1 + (int)rnd(DEPTH);

		for (int i = 0; i < k; i++) {
			struct job *j = &jobs[i];
			uint64_t rec[4];

			choose(j, false);
			pick(j, b->size, jobs, i);
			if (j->req.op == BLK_FLUSH)
				j->req.len = 0;
			j->id = ++id;
			if (j->req.op == BLK_WRITE)
				fill(j, id);
			rec[0] = id;
			rec[1] = j->req.op;
			rec[2] = j->req.off / SECTOR;
			rec[3] = j->req.len / SECTOR;
			pthread_mutex_lock(&log_lock);
			put(R_OP, 0, sizeof(rec));
			fwrite(rec, sizeof(rec), 1, log_file);
			pthread_mutex_unlock(&log_lock);
			submit(b, j);
		}
		wait_all(0);
		n -= k;
	}
	blk_close(b);
	blk_pool_free(pool);
	fclose(log_file);
	return 0;
}

struct op { uint64_t id, op, sector, n; bool done; };

static struct op *op_list;
static unsigned nops;

/* Is `tag` what a sector may hold? It is, when the request of that name wrote
 * it and no other request was over, and then flushed, after that one was. */
static bool may_hold(uint64_t sector, uint64_t tag, const uint64_t *from)
{
	uint64_t newest = from[sector]; /* the last one known to be stable */
	const struct op *o;

	if (tag) {
		if (tag > nops)
			return false;
		o = &op_list[tag - 1];
		return o->op == BLK_WRITE && sector >= o->sector &&
		       sector < o->sector + o->n && tag >= newest;
	}
	if (!newest)
		return true;            /* never written */
	for (uint64_t i = newest; i <= nops; i++) {
		o = &op_list[i - 1];
		if ((o->op == BLK_ZERO || o->op == BLK_DISCARD) &&
		    sector >= o->sector && sector < o->sector + o->n)
			return true;
	}
	return false;
}

static void verify(const char *path, const uint64_t *stable)
{
	char *opt[] = { "readonly", NULL };
	struct blk *b = open_image(path, opt, false);
	uint8_t *got = malloc(b->size);

	read_all(b, got);
	for (uint64_t s = 0; s < b->size / SECTOR; s++) {
		uint64_t tag[2];

		memcpy(tag, got + s * SECTOR, 16);
		for (unsigned k = 16; k < SECTOR; k += 16)
			if (memcmp(got + s * SECTOR + k, tag, 16))
				die("sector %llu is torn",
				    (unsigned long long)s);
		if (tag[0] && tag[1] != s)
			die("sector %llu has what belongs to %llu",
			    (unsigned long long)s, (unsigned long long)tag[1]);
		if (!may_hold(s, tag[0], stable))
			die("sector %llu has request %llu; %llu was flushed",
			    (unsigned long long)s, (unsigned long long)tag[0],
			    (unsigned long long)stable[s]);
	}
	free(got);
	blk_close(b);
}

struct pending { uint32_t type; uint64_t off, len; uint8_t *data;
		 uint64_t seq; };

static struct pending *pend;
static unsigned npend;

static void apply(int fd, const struct pending *p, bool some)
{
	if (p->type == R_PUNCH) {
		if (!some || rnd(2))
			__real_fallocate64(fd, 3, (off_t)p->off,
					   (off_t)p->len);
		return;
	}
	for (uint64_t at = 0; at < p->len;) {
		uint64_t n = some ? SECTOR - (p->off + at) % SECTOR : p->len;
		struct iovec v;

		if (n > p->len - at)
			n = p->len - at;
		v = (struct iovec){ p->data + at, n };
		if (!some || rnd(2))
			if (__real_pwritev64(fd, &v, 1,
					     (off_t)(p->off + at)) != (ssize_t)n)
				die("write: %s", strerror(errno));
		at += n;
	}
}

static void copy_file(const char *from, const char *to)
{
	char cmd[1024];

	snprintf(cmd, sizeof(cmd), "cp --sparse=always '%s' '%s'", from, to);
	if (system(cmd))
		die("cp");
}

/* In `power` mode the image holds what is certain, and each cut adds some of
 * the rest to a copy. */
static void cut(const char *path, const char *check, bool power,
		const uint64_t *stable, uint64_t when)
{
	char copy[512], cmd[1200];
	const char *look = path;

	if (power) {
		int fd;

		snprintf(copy, sizeof(copy), "%s.cut", path);
		copy_file(path, copy);
		fd = open(copy, O_RDWR);
		for (unsigned i = 0; i < npend; i++)
			apply(fd, &pend[i], true);
		close(fd);
		look = copy;
	}
	snprintf(cmd, sizeof(cmd), "IMAGE='%s'; %s", look, check);
	if (system(cmd))
		die("after write %llu: %s", (unsigned long long)when, check);
	verify(look, stable);
}

static void get(FILE *f, void *p, size_t n)
{
	if (n && fread(p, n, 1, f) != 1)
		die("log ends early");
}

static int cmd_cut(int argc, char **argv)
{
	const char *path = argv[2];
	bool power = argc > 6 && !strcmp(argv[6], "power");
	uint64_t every = strtoull(argv[5], NULL, 10), n = 0, cuts = 0, size;
	char *opt[] = { "readonly", NULL };
	struct blk *b = open_image(path, opt, false);
	uint64_t *stable, *begun[DEPTH + 1] = { NULL }, begun_id[DEPTH + 1];
	/* syncs under way: how many pending writes each makes certain */
	struct { uint64_t id, seq; } sync[64] = { { 0, 0 } };
	int fd = open(path, O_RDWR);
	FILE *f = fopen(argv[3], "r");
	struct rec r;

	size = b->size / SECTOR;
	blk_close(b);
	rng = argc > 7 ? strtoull(argv[7], NULL, 10) * 77 + 1 : 1;
	stable = calloc(size, 8);
	op_list = calloc(1 << 20, sizeof(*op_list));
	pend = calloc(1 << 20, sizeof(*pend));
	while (fread(&r, sizeof(r), 1, f) == 1) {
		uint64_t rec[4];
		struct pending p = { r.type, r.off, r.len, NULL, n };

		if (r.type == R_OP) {
			get(f, rec, sizeof(rec));
			op_list[nops++] = (struct op){ rec[0], rec[1], rec[2],
						       rec[3], false };
			/* what a flush that begins now will make stable */
			for (int i = 0; rec[1] == BLK_FLUSH && i <= DEPTH; i++) {
				if (begun[i])
					continue;
				begun[i] = calloc(size, 8);
				begun_id[i] = rec[0];
				for (unsigned k = 0; k < nops; k++)
					for (uint64_t s = 0; s < op_list[k].n &&
					     op_list[k].done &&
					     op_list[k].op != BLK_READ &&
					     op_list[k].op != BLK_DISCARD; s++)
						begun[i][op_list[k].sector + s]
							= k + 1;
				break;
			}
		} else if (r.type == R_DONE) {
			op_list[r.off - 1].done = true;
			for (int i = 0; i <= DEPTH; i++) {
				if (!begun[i] || begun_id[i] != r.off)
					continue;
				for (uint64_t s = 0; s < size; s++)
					if (begun[i][s] > stable[s])
						stable[s] = begun[i][s];
				free(begun[i]);
				begun[i] = NULL;
			}
		} else if (r.type == R_SYNC && !r.len) {
			sync[r.off % 64].id = r.off;
			sync[r.off % 64].seq = n;
		} else if (r.type == R_SYNC) {
			unsigned k = 0, kept = 0;

			for (; power && k < npend; k++) {
				if (pend[k].seq > sync[r.off % 64].seq) {
					pend[kept++] = pend[k];
					continue;
				}
				apply(fd, &pend[k], false);
				free(pend[k].data);
			}
			if (power)
				npend = kept;
		} else {
			p.seq = ++n;
			if (r.type == R_WRITE) {
				p.data = malloc(r.len);
				get(f, p.data, r.len);
			}
			if (power) {
				pend[npend++] = p;
			} else {
				apply(fd, &p, false);
				free(p.data);
			}
			if (n % every == 0) {
				cut(path, argv[4], power, stable, n);
				cuts++;
			}
		}
	}
	printf("%llu writes, %llu cuts\n", (unsigned long long)n,
	       (unsigned long long)cuts);
	return 0;
}

/* ---- speed ------------------------------------------------------------------------------ */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct load {
	const char *name;
	enum blk_op op;
	uint32_t len;
	bool random;
	uint64_t flush;                 /* after so many requests; 0: in the end */
};

/* `total` bytes from place `from` on, 8 requests under way. */
static void load_run(struct blk *b, const struct load *l, uint64_t from,
		     uint64_t total)
{
	static struct job jobs[8];
	struct blk_req flush = { .op = BLK_FLUSH };
	uint64_t n = total / l->len, places = b->size / l->len;

	for (uint64_t i = 0; i < n; i++) {
		struct job *j = &jobs[i % 8];

		if (i >= 8) {
			pthread_mutex_lock(&done_lock);
			while (j->error == -1)
				pthread_cond_wait(&done_cond, &done_lock);
			pthread_mutex_unlock(&done_lock);
			if (j->error)
				die("bench: %s", strerror(j->error));
		}
		if (!j->buf) {
			j->buf = malloc(1 << 20);
			memset(j->buf, 0x5a, 1 << 20);
		}
		j->error = -1;
		j->req = (struct blk_req){
			.op = l->op, .len = l->len, .done = on_done, .arg = j,
			.off = (l->random ? rnd(places) :
				(from / l->len + i) % places) * l->len,
			.iov = j->iov, .niov = 1,
		};
		j->iov[0] = (struct iovec){ j->buf, l->len };
		pthread_mutex_lock(&done_lock);
		running++;
		pthread_mutex_unlock(&done_lock);
		blk_submit(b, &j->req);
		if (l->flush && i % l->flush == l->flush - 1 &&
		    b->ops->run(b, &flush))
			die("flush");
	}
	wait_all(0);
	if (l->op == BLK_WRITE && b->ops->run(b, &flush))
		die("flush");
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Both images by turns, in slices: what else the host does hits both. */
static int cmd_bench(int argc, char **argv)
{
	static const struct load loads[] = {
		{ "write, sequential, new", BLK_WRITE, 1 << 18, false, 0 },
		{ "write, sequential", BLK_WRITE, 1 << 18, false, 0 },
		{ "read, sequential", BLK_READ, 1 << 18, false, 0 },
		{ "write, random 4 KiB", BLK_WRITE, 4096, true, 0 },
		{ "write, random 4 KiB, flushes", BLK_WRITE, 4096, true, 32 },
		{ "read, random 4 KiB", BLK_READ, 4096, true, 0 },
	};
	enum { SLICES = 16 };
	struct blk *b[2] = { open_image(argv[2], NULL, true),
			     open_image(argv[3], NULL, false) };
	uint64_t total = strtoull(argv[4], NULL, 10) << 20;
	double t[2][SLICES], cpu[2];

	rng = 88172645463325252ull;
	printf("%-32s %9s %9s %6s  %s\n", "", "raw MiB/s", "qcow2", "",
	       "CPU us a MiB");
	for (size_t k = 0; k < sizeof(loads) / sizeof(loads[0]); k++) {
		const struct load *l = &loads[k];
		uint64_t part = total / SLICES;

		if (l->random)
			part /= l->flush ? 32 : 4;
		cpu[0] = cpu[1] = 0;
		for (int i = 0; i < 2 * SLICES; i++) {
			int w = i & 1;
			double c = cpu_now();

			t[w][i / 2] = now();
			load_run(b[w], l, i / 2 * part, part);
			t[w][i / 2] = now() - t[w][i / 2];
			cpu[w] += cpu_now() - c;
		}
		qsort(t[0], SLICES, sizeof(double), order);
		qsort(t[1], SLICES, sizeof(double), order);
		printf("%-32s %9.1f %9.1f %5.0f%%  %.0f %.0f\n", l->name,
		       (double)part / (1 << 20) / t[0][0],
		       (double)part / (1 << 20) / t[1][0],
		       100 * t[0][0] / t[1][0],
		       cpu[0] * 1e6 / SLICES / ((double)part / (1 << 20)),
		       cpu[1] * 1e6 / SLICES / ((double)part / (1 << 20)));
	}
	blk_close(b[0]);
	blk_close(b[1]);
	blk_pool_free(pool);
	return 0;
}

static int cmd_hold(int argc, char **argv)
{
	struct blk *b = open_image(argv[2], argv + 3, false);

	printf("open\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	blk_close(b);
	blk_pool_free(pool);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int args;
			      int (*run)(int, char **); } cmds[] = {
		{ "ops", 6, cmd_ops }, { "same", 4, cmd_same },
		{ "record", 6, cmd_record }, { "cut", 6, cmd_cut },
		{ "bench", 5, cmd_bench }, { "hold", 3, cmd_hold },
	};

	log_init(LOG_WARN);
	for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++)
		if (argc >= cmds[i].args && !strcmp(argv[1], cmds[i].name))
			return cmds[i].run(argc, argv);
	fprintf(stderr, "usage: see tests/qcow2/q2.c\n");
	return 2;
}
