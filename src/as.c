/* as.c: the guest's physical address space; the contract is as.h.
 *
 * Windows live in a table in no order; from it as_flatten derives `flat`, the
 * sorted list of non-overlapping ranges that look-ups search. The table
 * changes a few hundred times in a VM's life, look-ups are the MMIO path. */
#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "as.h"
#include "log.h"
#include "trace.h"

#define AS_ALIGN 0x10000u               /* see struct ram */
#define HOST_HUGE 0x200000u

struct as_win {
	uint64_t gpa, len;              /* len 0: not mapped now */
	struct device *dev;
	uint8_t win;
};

/* One range of guest addresses, both ends included, and who answers there.
 * `gpa` is where the window starts, which may be below `first`. */
struct as_flat {
	uint64_t first, last, gpa;
	struct device *dev;
	uint8_t win;
};

struct as {
	struct ram ram[AS_MAX_RAM];
	_Atomic int nram;
	pthread_rwlock_t lock;          /* guards what follows */
	struct as_win win[AS_MAX_WIN], back[AS_MAX_BACK];
	int nwin, nback;
	struct as_flat flat[AS_MAX_WIN];
	int nflat;
	struct trace *trace;            /* NULL: none */
	/* For the post-mortem only. */
	_Atomic(struct device *) last_dev;
	_Atomic uint64_t last_gpa;
};

struct as *as_new(struct err *e)
{
	struct as *as = calloc(1, sizeof(*as));

	if (!as) {
		err_set(e, ENOMEM, "address space");
		return NULL;
	}
	pthread_rwlock_init(&as->lock, NULL);
	return as;
}

void as_free(struct as *as)
{
	int i;

	if (!as)
		return;
	for (i = as->nram; i-- > 0;)
		munmap(as->ram[i].host, as->ram[i].size);
	pthread_rwlock_destroy(&as->lock);
	free(as);
}

/* ---- RAM ------------------------------------------------------------- */

static bool as_overlap(uint64_t a, uint64_t alen, uint64_t b, uint64_t blen)
{
	/* neither range wraps */
	return alen && blen && a <= b + (blen - 1) && b <= a + (alen - 1);
}

static int as_check_range(struct as *as, const char *what, uint64_t gpa,
			  uint64_t len, bool over_rom, struct err *e)
{
	int i;

	if (!len || gpa + (len - 1) < gpa)
		return err_set(e, 0, "%s: bad range 0x%llx+0x%llx", what,
			       (unsigned long long)gpa,
			       (unsigned long long)len);
	for (i = 0; i < as->nram; i++) {
		struct ram *r = &as->ram[i];

		if (as_overlap(gpa, len, r->gpa, r->size) &&
		    !(over_rom && r->rom))
			return err_set(e, 0, "%s at 0x%llx overlaps %s", what,
				       (unsigned long long)gpa, r->name);
	}
	return 0;
}

/* Anonymous, so that the host may back it by huge pages (those of shared memory
 * are off on most hosts), and therefore at a multiple of their size. */
static uint8_t *as_map_ram(uint64_t size)
{
	uint8_t *area = mmap(NULL, size + HOST_HUGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *host;
	size_t head;

	if (area == MAP_FAILED)
		return NULL;
	head = -(uintptr_t)area & (HOST_HUGE - 1);
	host = area + head;
	if (head)
		munmap(area, head);
	munmap(host + size, HOST_HUGE - head);
	madvise(host, size, MADV_HUGEPAGE);     /* a wish; may fail */
	return host;
}

static struct ram *as_block(struct as *as, const char *name, uint64_t gpa,
			    uint64_t size, bool rom, struct err *e)
{
	struct ram *r = &as->ram[as->nram];

	if (as->nram == AS_MAX_RAM) {
		err_set(e, 0, "%s: too many RAM blocks", name);
		return NULL;
	}
	if ((gpa | size) & (AS_ALIGN - 1)) {
		err_set(e, 0, "%s: address and size must be multiples of "
			"64 KiB", name);
		return NULL;
	}
	if (as_check_range(as, name, gpa, size, false, e) < 0)
		return NULL;
	if (size > INT64_MAX - HOST_HUGE || size > SIZE_MAX - HOST_HUGE) {
		err_set(e, EFBIG, "%s", name);
		return NULL;
	}
	r->host = as_map_ram(size);
	if (!r->host) {
		err_set(e, 0, "%s: the host does not give %llu MiB: %s (ask "
			"for less; pome check says what is free)", name,
			(unsigned long long)(size >> 20), strerror(errno));
		return NULL;
	}
	r->gpa = gpa;
	r->size = size;
	r->name = name;
	r->rom = rom;
	/* published only when complete: readers take no lock */
	atomic_store_explicit(&as->nram, as->nram + 1, memory_order_release);
	return r;
}

struct ram *as_ram(struct as *as, const char *name, uint64_t gpa, uint64_t size,
		   struct err *e)
{
	return as_block(as, name, gpa, size, false, e);
}

struct ram *as_rom(struct as *as, const char *name, uint64_t gpa, uint64_t size,
		   struct err *e)
{
	return as_block(as, name, gpa, size, true, e);
}

const struct ram *as_rams(const struct as *as, int *n)
{
	*n = atomic_load_explicit(&as->nram, memory_order_acquire);
	return as->ram;
}

const struct ram *as_find_ram(const struct as *as, uint64_t gpa, uint64_t len)
{
	int i, n = atomic_load_explicit(&as->nram, memory_order_acquire);

	for (i = n; i-- > 0;) {         /* main RAM comes last: try it first */
		const struct ram *r = &as->ram[i];
		uint64_t off = gpa - r->gpa;

		if (off < r->size && len <= r->size - off)
			return r;
	}
	return NULL;
}

/* ---- windows ---------------------------------------------------------- */

static int as_cmp_win(const void *a, const void *b)
{
	const struct as_win *x = *(const struct as_win *const *)a;
	const struct as_win *y = *(const struct as_win *const *)b;

	if (x->gpa != y->gpa)
		return x->gpa < y->gpa ? -1 : 1;
	return x < y ? -1 : x > y;      /* equal addresses: the older wins */
}

/* Derives the look-up list: of windows that overlap the lower address wins,
 * and the rest of the other stays reachable. Write lock held. */
static void as_flatten(struct as *as)
{
	const struct as_win *order[AS_MAX_WIN];
	uint64_t next = 0;              /* first address not yet given away */
	int i, n = 0;

	for (i = 0; i < as->nwin; i++) {
		if (as->win[i].len)
			order[n++] = &as->win[i];
	}
	qsort(order, (size_t)n, sizeof(order[0]), as_cmp_win);
	as->nflat = 0;
	for (i = 0; i < n; i++) {
		const struct as_win *w = order[i];
		uint64_t last = w->gpa + (w->len - 1);
		struct as_flat *f;

		if (as->nflat && last < next)
			continue;
		f = &as->flat[as->nflat++];
		f->first = w->gpa > next ? w->gpa : next;
		f->last = last;
		f->gpa = w->gpa;
		f->dev = w->dev;
		f->win = w->win;
		if (last == UINT64_MAX)
			break;
		next = last + 1;
	}
}

/* Puts a window on a list in which none may overlap another. */
static int as_put(struct as_win *list, int *n, int max, struct as_win w,
		  struct err *e)
{
	for (int i = 0; i < *n; i++)
		if (as_overlap(w.gpa, w.len, list[i].gpa, list[i].len))
			return err_set(e, 0, "%s at 0x%llx overlaps %s",
				       w.dev->id, (unsigned long long)w.gpa,
				       list[i].dev->id);
	if (*n == max)
		return err_set(e, 0, "%s: too many device windows", w.dev->id);
	list[(*n)++] = w;
	return 0;
}

int as_dev(struct as *as, uint64_t gpa, uint64_t len, struct device *dev,
	   uint8_t win, struct err *e)
{
	int rc = as_check_range(as, dev->id, gpa, len, true, e);

	if (rc < 0)
		return rc;
	pthread_rwlock_wrlock(&as->lock);
	rc = as_put(as->win, &as->nwin, AS_MAX_WIN,
		    (struct as_win){ gpa, len, dev, win }, e);
	if (!rc)
		as_flatten(as);
	pthread_rwlock_unlock(&as->lock);
	return rc;
}

int as_back(struct as *as, uint64_t gpa, uint64_t len, struct device *dev,
	    uint8_t win, struct err *e)
{
	int rc = as_check_range(as, dev->id, gpa, len, true, e);

	if (rc < 0)
		return rc;
	pthread_rwlock_wrlock(&as->lock);
	rc = as_put(as->back, &as->nback, AS_MAX_BACK,
		    (struct as_win){ gpa, len, dev, win }, e);
	pthread_rwlock_unlock(&as->lock);
	return rc;
}

void as_move(struct as *as, struct device *dev, uint8_t win, uint64_t gpa,
	     uint64_t len)
{
	struct as_win *w = NULL;
	int i;

	/* the guest chose the address: a window that would wrap ends there */
	if (len && gpa + (len - 1) < gpa)
		len = 0 - gpa;
	pthread_rwlock_wrlock(&as->lock);
	for (i = 0; i < as->nwin && !w; i++) {
		if (as->win[i].dev == dev && as->win[i].win == win)
			w = &as->win[i];
	}
	/* first appearance of a BAR; the board has fewer than AS_MAX_WIN */
	if (!w && as->nwin < AS_MAX_WIN)
		w = &as->win[as->nwin++];
	if (w) {
		*w = (struct as_win){ gpa, len, dev, win };
		as_flatten(as);
	}
	pthread_rwlock_unlock(&as->lock);
	if (!w)
		log_msg(LOG_ERROR, "%s: no room for window %u", dev->id, win);
}

/* Who answers at gpa, by value: the list may change once the lock is free. */
static bool as_find(struct as *as, uint64_t gpa, struct as_flat *out)
{
	int lo = 0, hi, i;
	bool hit = false;

	pthread_rwlock_rdlock(&as->lock);
	hi = as->nflat;
	while (lo < hi) {               /* first range that ends at or after gpa */
		int mid = (lo + hi) / 2;

		if (as->flat[mid].last < gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < as->nflat && as->flat[lo].first <= gpa) {
		*out = as->flat[lo];
		hit = true;
	}
	for (i = 0; i < as->nback && !hit; i++) {
		const struct as_win *w = &as->back[i];

		if (gpa - w->gpa >= w->len)
			continue;
		*out = (struct as_flat){ w->gpa, w->gpa + (w->len - 1), w->gpa,
					 w->dev, w->win };
		/* up to where a window covers it; none holds gpa itself */
		if (lo < as->nflat && as->flat[lo].first <= out->last)
			out->last = as->flat[lo].first - 1;
		hit = true;
	}
	pthread_rwlock_unlock(&as->lock);
	return hit;
}

void as_trace(struct as *as, struct trace *t)
{
	as->trace = t;
}

struct device *as_find_dev(struct as *as, uint64_t gpa, uint64_t *off)
{
	struct as_flat f;

	if (!as_find(as, gpa, &f))
		return NULL;
	if (off)
		*off = gpa - f.gpa;
	return f.dev;
}

struct device *as_last_dev(struct as *as, uint64_t *gpa)
{
	if (gpa)
		*gpa = atomic_load_explicit(&as->last_gpa,
					    memory_order_relaxed);
	return atomic_load_explicit(&as->last_dev, memory_order_relaxed);
}

void as_each_win(struct as *as, void (*fn)(void *arg, uint64_t gpa,
					   uint64_t len, struct device *,
					   uint8_t win), void *arg)
{
	const struct as_win *order[AS_MAX_WIN + AS_MAX_BACK];
	struct as_win copy[AS_MAX_WIN + AS_MAX_BACK];
	int i, n = 0;

	pthread_rwlock_rdlock(&as->lock);
	for (i = 0; i < as->nback; i++)
		copy[n++] = as->back[i];
	for (i = 0; i < as->nwin; i++) {
		if (as->win[i].len)
			copy[n++] = as->win[i];
	}
	pthread_rwlock_unlock(&as->lock);
	for (i = 0; i < n; i++)
		order[i] = &copy[i];
	qsort(order, (size_t)n, sizeof(order[0]), as_cmp_win);
	for (i = 0; i < n; i++)
		fn(arg, order[i]->gpa, order[i]->len, order[i]->dev,
		   order[i]->win);
}

/* ---- accesses --------------------------------------------------------- */

static uint64_t as_mask(unsigned size)
{
	return size >= 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
}

/* One aligned access that lies in one window. */
static void as_do(struct as *as, const struct as_flat *f, uint64_t gpa,
		  bool write, struct access *a)
{
	static const char *const why[] = { "", "no register there",
					   "bad access size" };
	struct device *dev = f->dev;
	enum io io;

	a->off = gpa - f->gpa;
	a->win = f->win;
	atomic_store_explicit(&as->last_dev, dev, memory_order_relaxed);
	atomic_store_explicit(&as->last_gpa, gpa, memory_order_relaxed);
	if (write)
		a->val &= as_mask(a->size);
	else
		a->val = 0;
	device_lock(dev);
	if (write) {
		dev->writes++;
		io = dev->ops->write(dev, a);
	} else {
		dev->reads++;
		io = dev->ops->read(dev, a);
		a->val &= as_mask(a->size);
	}
	if (io != IO_OK) {
		/* the device's own counter doubles as the line limit */
		struct log_limit limit = { dev->bad };

		log_guest(&limit, "%s: %u-byte %s at offset 0x%llx of window "
			  "%u: %s", dev->id, a->size, write ? "store" : "load",
			  (unsigned long long)a->off, a->win, why[io]);
		dev->bad = limit.count;
	}
	if (as->trace)
		trace_mmio(as->trace, dev, a, write, why[io]);
	device_unlock(dev);
}

/* The block that the byte at gpa is in; not ROM for a store. */
static const struct ram *as_direct(struct as *as, uint64_t gpa, bool write)
{
	const struct ram *r = as_find_ram(as, gpa, 1);

	return r && write && r->rom ? NULL : r;
}

/* A byte of RAM inside an access that straddles RAM and something else. */
static bool as_ram_byte(struct as *as, uint64_t gpa, bool write, uint64_t *val)
{
	const struct ram *r = as_direct(as, gpa, write);
	uint8_t *p;

	if (!r)
		return false;
	p = r->host + (gpa - r->gpa);
	if (write)
		__atomic_store_n(p, (uint8_t)*val, __ATOMIC_RELAXED);
	else
		*val = __atomic_load_n(p, __ATOMIC_RELAXED);
	return true;
}

/* An access that is not aligned or leaves its window: the largest aligned
 * pieces that fit, in address order. Bytes that nothing answers read 0. */
static bool as_split(struct as *as, uint64_t gpa, bool write, struct access *a)
{
	unsigned done = 0, size;
	uint64_t val = 0;
	bool any = false;

	while (done < a->size) {
		struct access piece = { .cpu = a->cpu };
		uint64_t at = gpa + done;
		struct as_flat f;

		piece.val = a->val >> (8 * done);
		if (!as_direct(as, at, write) && as_find(as, at, &f)) {
			for (size = 8; size > 1; size /= 2) {
				if (size <= a->size - done &&
				    !(at & (size - 1)) &&
				    size - 1 <= f.last - at)
					break;
			}
			piece.size = (uint8_t)size;
			as_do(as, &f, at, write, &piece);
			any = true;
		} else {
			size = 1;
			if (as_ram_byte(as, at, write, &piece.val))
				any = true;
			else
				piece.val = 0;
		}
		val |= (piece.val & as_mask(size)) << (8 * done);
		done += size;
	}
	if (!write)
		a->val = val;
	return any;
}

bool as_access(struct as *as, uint64_t gpa, bool write, struct access *a)
{
	struct as_flat f;

	assert(a->size <= sizeof(a->val));
	if (!(gpa & (a->size - 1u)) && as_find(as, gpa, &f) &&
	    a->size - 1u <= f.last - gpa) {
		as_do(as, &f, gpa, write, a);
		return true;
	}
	return as_split(as, gpa, write, a);
}
