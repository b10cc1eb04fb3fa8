/* loop.c: the main thread's event loop; the contract is loop.h.
 *
 * epoll for descriptors, one timerfd for the earliest of all timers, one
 * eventfd for posts and for stopping. Everything is allocated in loop_new.
 * Lock order: a device's lock, then `mu`. Callbacks run with the device's lock
 * and never with mu; whether a timer or descriptor is still wanted is decided
 * after the device's lock was taken, so a disarm under that lock is final. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "loop.h"

#define NEVER UINT64_MAX
#define LOOP_BATCH 64           /* events and timers served between posts */
#define LOOP_WAKE UINT32_MAX    /* epoll data: the eventfd */
#define LOOP_TIMER (UINT32_MAX - 1)

enum watch_kind { WATCH_NONE, WATCH_FD, WATCH_TIMER };

struct watch {
	struct loop *loop;
	struct device *dev;
	enum watch_kind kind;
	uint32_t gen;                   /* tells a reused slot from the old */
	void *arg;
	/* descriptors */
	void (*fd_fn)(void *arg, uint32_t events);
	int fd;
	uint32_t events;
	bool added;                     /* in the epoll set */
	bool always;                    /* epoll refuses it: always ready */
	/* timers */
	void (*timer_fn)(void *arg);
	enum clock clock;
	uint64_t when;
	uint32_t heap;                  /* place in the heap + 1; 0: not in */
	struct watch *next;             /* of the free list */
};

struct heap {
	struct watch **at;              /* LOOP_MAX_WATCH of them */
	uint32_t n;
};

struct post {
	struct device *dev;
	void (*fn)(void *);
	void *arg;
};

struct loop {
	int ep, wake, timer;
	bool manual;
	_Atomic bool stop;
	/* Clocks: a reader retries while seq is odd or has changed. */
	_Atomic uint32_t seq;
	_Atomic uint64_t offset;        /* HOST - GUEST while GUEST runs */
	_Atomic uint64_t stopped;       /* GUEST while it stands, else NEVER */
	_Atomic uint64_t hand;          /* HOST of a manual loop */
	bool driven;                    /* loop_drive */
	uint64_t wall;
	_Atomic uint64_t guest;         /* GUEST of a driven loop */

	pthread_mutex_t mu;             /* guards what follows */
	struct watch *pool, *free;
	uint32_t made;                  /* slots of the pool ever handed out */
	struct heap heap[2];            /* by enum clock */
	uint64_t armed;                 /* HOST time the timerfd is set to */
	unsigned nalways;               /* always-ready ones with events != 0 */
	bool busy;                      /* posts and timers are being run */
	pthread_cond_t quiet;           /* not busy any more; driven loops */
	struct post *post;              /* ring of LOOP_MAX_POST */
	unsigned head, nposts;
};

/* ---- clocks ----------------------------------------------------------- */

static uint64_t loop_host(struct loop *l)
{
	struct timespec ts;

	if (l->manual)
		return atomic_load(&l->hand);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t loop_now(struct loop *l, enum clock clock)
{
	uint64_t ns, stopped;
	uint32_t seq;

	if (clock == CLOCK_HOST)
		return loop_host(l);
	if (l->driven)
		return atomic_load(&l->guest);
	do {
		seq = atomic_load(&l->seq);
		stopped = atomic_load(&l->stopped);
		ns = stopped != NEVER ? stopped :
			loop_host(l) - atomic_load(&l->offset);
	} while ((seq & 1) || atomic_load(&l->seq) != seq);
	return ns;
}

uint64_t loop_wall(struct loop *l)
{
	struct timespec ts;

	if (l->driven)
		return l->wall + atomic_load(&l->guest);
	if (l->manual)
		return LOOP_MANUAL_WALL + atomic_load(&l->hand);
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- timers: a binary heap a clock ------------------------------------- */

static void heap_put(struct heap *h, uint32_t i, struct watch *w)
{
	h->at[i] = w;
	w->heap = i + 1;
}

static void heap_up(struct heap *h, uint32_t i, struct watch *w)
{
	while (i && h->at[(i - 1) / 2]->when > w->when) {
		heap_put(h, i, h->at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(h, i, w);
}

static void heap_down(struct heap *h, uint32_t i, struct watch *w)
{
	uint32_t c;

	while ((c = 2 * i + 1) < h->n) {
		if (c + 1 < h->n && h->at[c + 1]->when < h->at[c]->when)
			c++;
		if (h->at[c]->when >= w->when)
			break;
		heap_put(h, i, h->at[c]);
		i = c;
	}
	heap_put(h, i, w);
}

static void heap_remove(struct heap *h, struct watch *w)
{
	uint32_t i = w->heap - 1;
	struct watch *last = h->at[--h->n];

	w->heap = 0;
	if (last == w)
		return;
	if (i && h->at[(i - 1) / 2]->when > last->when)
		heap_up(h, i, last);
	else
		heap_down(h, i, last);
}

/* The HOST time of the earliest timer that can fire. mu held. */
static uint64_t loop_next(struct loop *l)
{
	uint64_t ns = NEVER, at;

	if (l->heap[CLOCK_HOST].n)
		ns = l->heap[CLOCK_HOST].at[0]->when;
	if (l->heap[CLOCK_GUEST].n && !l->driven &&
	    atomic_load(&l->stopped) == NEVER) {
		at = l->heap[CLOCK_GUEST].at[0]->when;
		if (__builtin_add_overflow(at, atomic_load(&l->offset), &at))
			at = NEVER - 1;
		if (at < ns)
			ns = at;
	}
	return ns;
}

/* Sets the timerfd if it would ring too late. A ring too early costs one
 * idle round, so disarming is left to time. mu held. */
static void loop_arm(struct loop *l)
{
	uint64_t ns = loop_next(l);
	struct itimerspec its = { 0 };

	if (l->manual || ns >= l->armed)
		return;
	l->armed = ns;
	if (!ns)
		ns = 1;                 /* 0 would disarm */
	if (ns / 1000000000u > INT32_MAX)
		ns = INT32_MAX * 1000000000ull; /* rings early in 68 years */
	its.it_value.tv_sec = (time_t)(ns / 1000000000u);
	its.it_value.tv_nsec = (long)(ns % 1000000000u);
	timerfd_settime(l->timer, TFD_TIMER_ABSTIME, &its, NULL);
}

void watch_at(struct watch *w, uint64_t ns)
{
	struct loop *l = w->loop;
	struct heap *h;

	assert(w->kind == WATCH_TIMER);
	pthread_mutex_lock(&l->mu);
	h = &l->heap[w->clock];
	if (w->heap)
		heap_remove(h, w);
	w->when = ns;
	if (ns != NEVER) {
		heap_up(h, h->n++, w);
		loop_arm(l);
	}
	pthread_mutex_unlock(&l->mu);
}

void loop_pause(struct loop *l)
{
	uint64_t now;

	pthread_mutex_lock(&l->mu);
	if (atomic_load(&l->stopped) == NEVER) {
		atomic_fetch_add(&l->seq, 1);
		now = loop_host(l) - atomic_load(&l->offset);
		atomic_store(&l->stopped, now);
		atomic_fetch_add(&l->seq, 1);
	}
	pthread_mutex_unlock(&l->mu);
}

void loop_resume(struct loop *l)
{
	uint64_t at;

	pthread_mutex_lock(&l->mu);
	at = atomic_load(&l->stopped);
	if (at != NEVER) {
		atomic_fetch_add(&l->seq, 1);
		atomic_store(&l->offset, loop_host(l) - at);
		atomic_store(&l->stopped, NEVER);
		atomic_fetch_add(&l->seq, 1);
		loop_arm(l);
	}
	pthread_mutex_unlock(&l->mu);
}

/* ---- GUEST time by hand ------------------------------------------------ */

static void loop_kick(struct loop *l);

void loop_drive(struct loop *l, uint64_t wall)
{
	l->driven = true;
	l->wall = wall;
}

enum clock loop_wall_clock(struct loop *l)
{
	return l->driven ? CLOCK_GUEST : CLOCK_HOST;
}

void loop_guest_set(struct loop *l, uint64_t ns)
{
	atomic_store(&l->guest, ns);
}

/* mu held. */
static uint64_t loop_guest_top(const struct loop *l)
{
	const struct heap *h = &l->heap[CLOCK_GUEST];

	return h->n ? h->at[0]->when : NEVER;
}

uint64_t loop_guest_next(struct loop *l)
{
	uint64_t ns;

	pthread_mutex_lock(&l->mu);
	ns = loop_guest_top(l);
	pthread_mutex_unlock(&l->mu);
	return ns;
}

bool loop_settle(struct loop *l, const _Atomic bool *stop)
{
	bool kicked = false, due;

	pthread_mutex_lock(&l->mu);
	for (;;) {
		due = loop_guest_top(l) <= atomic_load(&l->guest);
		if ((!l->busy && !l->nposts && !due) || atomic_load(stop))
			break;
		/* a post has woken the loop already */
		if (due && !kicked)
			loop_kick(l);
		kicked = due;
		pthread_cond_wait(&l->quiet, &l->mu);
	}
	due = l->busy || l->nposts || due;
	pthread_mutex_unlock(&l->mu);
	return !due;
}

void loop_settle_wake(struct loop *l)
{
	pthread_mutex_lock(&l->mu);
	pthread_cond_broadcast(&l->quiet);
	pthread_mutex_unlock(&l->mu);
}

/* ---- watches ----------------------------------------------------------- */

/* A slot: one given back, else the next new one, so that a pool for many does
 * not cost its whole memory to start with. Under mu. */
static struct watch *watch_slot(struct loop *l)
{
	struct watch *w = l->free;

	if (w) {
		l->free = w->next;
	} else if (l->made < LOOP_MAX_WATCH) {
		w = &l->pool[l->made++];
		w->loop = l;
	}
	return w;
}

static struct watch *watch_new(struct loop *l, enum watch_kind kind,
			       struct device *dev, void *arg, struct err *e)
{
	struct watch *w;

	pthread_mutex_lock(&l->mu);
	w = watch_slot(l);
	if (w) {
		w->kind = kind;
		w->dev = dev;
		w->arg = arg;
		w->fd = -1;
		w->events = 0;
		w->added = w->always = false;
		w->when = NEVER;
		w->heap = 0;
	}
	pthread_mutex_unlock(&l->mu);
	if (!w)
		err_set(e, 0, "too many descriptors and timers are watched");
	return w;
}

static void loop_kick(struct loop *l)
{
	uint64_t one = 1;
	ssize_t r;

	/* fails only when the count is huge, and then the loop wakes anyway */
	r = write(l->wake, &one, sizeof(one));
	(void)r;
}

/* Brings the epoll set in line with w->events. A watch for nothing leaves the
 * set, for EPOLLHUP cannot be masked and would spin. mu held. */
static int watch_sync(struct watch *w, uint32_t events)
{
	struct loop *l = w->loop;
	struct epoll_event ev = { .events = events };
	int rc = 0;

	ev.data.u64 = (uint64_t)w->gen << 32 | (uint32_t)(w - l->pool);
	if (w->always) {
		if (!w->events != !events) {
			l->nalways += events ? 1 : -1u;
			loop_kick(l);
		}
	} else if (events && !w->added) {
		rc = epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &ev);
		if (!rc) {
			w->added = true;
		} else if (errno == EPERM) {
			w->always = true;
			l->nalways++;
			loop_kick(l);
			rc = 0;
		}
	} else if (events) {
		if (events != w->events)
			rc = epoll_ctl(l->ep, EPOLL_CTL_MOD, w->fd, &ev);
	} else if (w->added) {
		epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL);
		w->added = false;
	}
	if (!rc)
		w->events = events;
	return rc;
}

int loop_fd(struct loop *l, int fd, uint32_t events, struct device *dev,
	    void (*fn)(void *, uint32_t), void *arg, struct watch **out,
	    struct err *e)
{
	struct watch *w = watch_new(l, WATCH_FD, dev, arg, e);
	int rc, no;

	if (!w)
		return -1;
	w->fd_fn = fn;
	w->fd = fd;
	pthread_mutex_lock(&l->mu);
	rc = watch_sync(w, events);
	no = errno;
	pthread_mutex_unlock(&l->mu);
	if (rc) {
		watch_free(w);
		return err_set(e, no, "watching a descriptor");
	}
	*out = w;
	return 0;
}

void watch_events(struct watch *w, uint32_t events)
{
	struct loop *l = w->loop;

	assert(w->kind == WATCH_FD);
	pthread_mutex_lock(&l->mu);
	if (watch_sync(w, events) < 0)
		log_msg(LOG_ERROR, "watching a descriptor: %m");
	pthread_mutex_unlock(&l->mu);
}

int loop_timer(struct loop *l, enum clock clock, struct device *dev,
	       void (*fn)(void *), void *arg, struct watch **out,
	       struct err *e)
{
	struct watch *w = watch_new(l, WATCH_TIMER, dev, arg, e);

	if (!w)
		return -1;
	w->timer_fn = fn;
	w->clock = clock;
	*out = w;
	return 0;
}

void watch_free(struct watch *w)
{
	struct loop *l;

	if (!w)
		return;
	l = w->loop;
	pthread_mutex_lock(&l->mu);
	if (w->kind == WATCH_FD)
		watch_sync(w, 0);
	else if (w->heap)
		heap_remove(&l->heap[w->clock], w);
	w->kind = WATCH_NONE;
	w->gen++;
	w->next = l->free;
	l->free = w;
	pthread_mutex_unlock(&l->mu);
}

/* ---- posts ------------------------------------------------------------- */

void loop_post(struct loop *l, struct device *dev, void (*fn)(void *),
	       void *arg)
{
	bool full = false;
	unsigned i;

	pthread_mutex_lock(&l->mu);
	for (i = 0; i < l->nposts; i++) {
		struct post *p = &l->post[(l->head + i) % LOOP_MAX_POST];

		if (p->fn == fn && p->arg == arg)
			break;
	}
	if (i == l->nposts) {
		full = l->nposts == LOOP_MAX_POST;
		if (!full) {
			l->post[(l->head + l->nposts++) % LOOP_MAX_POST] =
				(struct post){ dev, fn, arg };
			if (l->nposts == 1)
				loop_kick(l);
		}
	}
	pthread_mutex_unlock(&l->mu);
	if (full)
		log_msg(LOG_ERROR, "the loop's post queue is full: work lost");
}

/* Runs the posts that are there now; what they post waits for the next round,
 * so that descriptors get their turn. */
static void loop_run_posts(struct loop *l)
{
	struct post p;
	unsigned n;

	pthread_mutex_lock(&l->mu);
	for (n = l->nposts; n; n--) {
		p = l->post[l->head];
		l->head = (l->head + 1) % LOOP_MAX_POST;
		l->nposts--;
		pthread_mutex_unlock(&l->mu);
		if (p.dev)
			device_lock(p.dev);
		p.fn(p.arg);
		if (p.dev)
			device_unlock(p.dev);
		pthread_mutex_lock(&l->mu);
	}
	pthread_mutex_unlock(&l->mu);
}

/* ---- a round of the loop ------------------------------------------------ */

/* The due timer with the earliest deadline, or NULL. mu held. */
static struct watch *loop_due(struct loop *l)
{
	struct watch *w;
	int c;

	for (c = CLOCK_HOST; c <= CLOCK_GUEST; c++) {
		if (!l->heap[c].n)
			continue;
		/* nothing happens in a paused VM */
		if (c == CLOCK_GUEST && !l->driven &&
		    atomic_load(&l->stopped) != NEVER)
			continue;
		w = l->heap[c].at[0];
		if (w->when <= loop_now(l, (enum clock)c))
			return w;
	}
	return NULL;
}

/* Fires one due timer; false where none was due. */
static bool loop_fire(struct loop *l)
{
	void (*fn)(void *) = NULL;
	void *arg = NULL;
	struct device *dev;
	struct watch *w;
	uint32_t gen;

	pthread_mutex_lock(&l->mu);
	w = loop_due(l);
	if (!w) {
		pthread_mutex_unlock(&l->mu);
		return false;
	}
	dev = w->dev;
	gen = w->gen;
	pthread_mutex_unlock(&l->mu);

	if (dev)
		device_lock(dev);
	pthread_mutex_lock(&l->mu);
	/* the world may have changed while we waited for the device */
	if (w->gen == gen && w->heap && w->when <= loop_now(l, w->clock)) {
		heap_remove(&l->heap[w->clock], w);
		w->when = NEVER;
		fn = w->timer_fn;
		arg = w->arg;
	}
	pthread_mutex_unlock(&l->mu);
	if (fn)
		fn(arg);
	if (dev)
		device_unlock(dev);
	return true;
}

static void loop_ready(struct loop *l, uint32_t slot, uint32_t gen,
		       uint32_t events)
{
	struct watch *w = &l->pool[slot];
	void (*fn)(void *, uint32_t) = NULL;
	struct device *dev = NULL;
	void *arg = NULL;

	pthread_mutex_lock(&l->mu);
	if (w->gen == gen)
		dev = w->dev;
	pthread_mutex_unlock(&l->mu);
	if (dev)
		device_lock(dev);
	pthread_mutex_lock(&l->mu);
	if (w->gen == gen && w->kind == WATCH_FD) {
		events &= w->events | EPOLLERR | EPOLLHUP;
		if (w->events && events)
			fn = w->fd_fn;
		arg = w->arg;
	}
	pthread_mutex_unlock(&l->mu);
	if (fn)
		fn(arg, events);
	if (dev)
		device_unlock(dev);
}

/* Serves the descriptors that epoll does not take. */
static void loop_run_always(struct loop *l)
{
	uint32_t i, made, gen, events;
	unsigned left;

	pthread_mutex_lock(&l->mu);
	left = l->nalways;
	made = l->made;
	pthread_mutex_unlock(&l->mu);
	for (i = 0; i < made && left; i++) {
		pthread_mutex_lock(&l->mu);
		events = 0;
		if (l->pool[i].kind == WATCH_FD && l->pool[i].always)
			events = l->pool[i].events;
		gen = l->pool[i].gen;
		pthread_mutex_unlock(&l->mu);
		if (events) {
			left--;
			loop_ready(l, i, gen, events & (EPOLLIN | EPOLLOUT));
		}
	}
}

static int loop_round(struct loop *l, bool wait, struct err *e)
{
	struct epoll_event ev[LOOP_BATCH];
	uint64_t junk;
	ssize_t r;
	int i, n;

	pthread_mutex_lock(&l->mu);
	l->busy = true;
	pthread_mutex_unlock(&l->mu);
	loop_run_posts(l);
	for (i = 0; i < LOOP_BATCH && loop_fire(l); i++)
		;
	if (i == LOOP_BATCH)
		wait = false;
	pthread_mutex_lock(&l->mu);
	l->busy = false;
	if (l->driven)
		pthread_cond_broadcast(&l->quiet);
	loop_arm(l);
	if (l->nalways || l->nposts)
		wait = false;
	pthread_mutex_unlock(&l->mu);
	if (atomic_load(&l->stop))
		wait = false;

	n = epoll_wait(l->ep, ev, LOOP_BATCH, wait ? -1 : 0);
	if (n < 0 && errno != EINTR)
		return err_set(e, errno, "epoll_wait");
	for (i = 0; i < n; i++) {
		uint32_t slot = (uint32_t)ev[i].data.u64;

		if (slot == LOOP_WAKE) {
			r = read(l->wake, &junk, sizeof(junk));
			(void)r;
		} else if (slot == LOOP_TIMER) {
			pthread_mutex_lock(&l->mu);
			r = read(l->timer, &junk, sizeof(junk));
			if (r > 0)
				l->armed = NEVER;
			pthread_mutex_unlock(&l->mu);
		} else {
			loop_ready(l, slot, (uint32_t)(ev[i].data.u64 >> 32),
				   ev[i].events);
		}
	}
	loop_run_always(l);
	return 0;
}

int loop_run(struct loop *l, struct err *e)
{
	while (!atomic_load(&l->stop)) {
		if (loop_round(l, true, e) < 0)
			return -1;
	}
	atomic_store(&l->stop, false);  /* so that it can run again */
	return 0;
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	loop_kick(l);
}

int loop_poll(struct loop *l, struct err *e)
{
	if (loop_round(l, false, e) < 0)
		return -1;
	loop_run_posts(l);
	return 0;
}

void loop_advance(struct loop *l, uint64_t ns)
{
	uint64_t end, next;

	assert(l->manual);
	end = atomic_load(&l->hand) + ns;
	for (;;) {
		loop_run_posts(l);
		pthread_mutex_lock(&l->mu);
		next = loop_next(l);
		pthread_mutex_unlock(&l->mu);
		if (next > end)
			break;
		if (next > atomic_load(&l->hand))
			atomic_store(&l->hand, next);
		loop_fire(l);
	}
	atomic_store(&l->hand, end);
	loop_run_posts(l);
}

/* ---- birth and death ----------------------------------------------------- */

static int loop_open(struct loop *l, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };

	l->pool = calloc(LOOP_MAX_WATCH, sizeof(*l->pool));
	l->post = calloc(LOOP_MAX_POST, sizeof(*l->post));
	l->heap[0].at = calloc(LOOP_MAX_WATCH, sizeof(struct watch *));
	l->heap[1].at = calloc(LOOP_MAX_WATCH, sizeof(struct watch *));
	if (!l->pool || !l->post || !l->heap[0].at || !l->heap[1].at)
		return err_set(e, ENOMEM, "event loop");
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	if (l->ep < 0)
		return err_set(e, errno, "epoll_create1");
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0)
		return err_set(e, errno, "eventfd");
	l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer < 0)
		return err_set(e, errno, "timerfd_create");
	ev.data.u64 = LOOP_WAKE;
	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, l->wake, &ev) < 0)
		return err_set(e, errno, "epoll_ctl");
	ev.data.u64 = LOOP_TIMER;
	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, l->timer, &ev) < 0)
		return err_set(e, errno, "epoll_ctl");
	return 0;
}

static struct loop *loop_make(bool manual, struct err *e)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l) {
		err_set(e, ENOMEM, "event loop");
		return NULL;
	}
	l->ep = l->wake = l->timer = -1;
	l->manual = manual;
	l->armed = NEVER;
	pthread_mutex_init(&l->mu, NULL);
	pthread_cond_init(&l->quiet, NULL);
	atomic_store(&l->stopped, NEVER);
	atomic_store(&l->offset, loop_host(l));
	if (loop_open(l, e) < 0) {
		loop_free(l);
		return NULL;
	}
	return l;
}

struct loop *loop_new(struct err *e)
{
	return loop_make(false, e);
}

struct loop *loop_new_manual(struct err *e)
{
	return loop_make(true, e);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->timer >= 0)
		close(l->timer);
	if (l->wake >= 0)
		close(l->wake);
	if (l->ep >= 0)
		close(l->ep);
	free(l->heap[1].at);
	free(l->heap[0].at);
	free(l->post);
	free(l->pool);
	pthread_cond_destroy(&l->quiet);
	pthread_mutex_destroy(&l->mu);
	free(l);
}
