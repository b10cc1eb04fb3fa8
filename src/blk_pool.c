/* blk_pool.c: threads that do blocking file I/O; the contract is backend.h.
 *
 * Lock order: a device's lock, then the pool's. A thread takes a request off
 * the queue, runs it with no lock, then calls done() with the device's lock
 * and not the pool's. So "touches guest memory" ends before done() begins,
 * which lets blk_settle wait with the device's lock held. */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "device.h"
#include "log.h"

#define POOL_MAX 16

struct worker {
	struct blk_pool *pool;
	pthread_t thread;
	struct blk_req *running;        /* inside ops->run */
};

struct blk_pool {
	pthread_mutex_t lock;
	pthread_cond_t work;            /* the queue is not empty, or stop */
	pthread_cond_t progress;        /* a request left run or done */
	struct blk_req *head, **tail;
	bool stop;
	unsigned busy;                  /* requests, of all disks */
	int n;
	struct worker worker[POOL_MAX];
};

static void finish(struct blk_req *r, int error)
{
	struct device *dev = r->dev;

	/* r may be submitted again, or freed, inside done */
	if (dev)
		device_lock(dev);
	r->done(r, error);
	if (dev)
		device_unlock(dev);
}

static void count(struct blk_count *c, const struct blk_req *r, int error)
{
	if (error) {
		c->errors++;
		return;
	}
	switch (r->op) {
	case BLK_READ:
		c->reads++;
		c->read_bytes += r->len;
		break;
	case BLK_WRITE:
		c->writes++;
		c->written_bytes += r->len;
		break;
	case BLK_FLUSH: c->flushes++; break;
	case BLK_DISCARD: c->discards++; break;
	case BLK_ZERO: c->zeroes++; break;
	}
}

/* Once a disk: the guest may try again and again. */
static void say_error(const struct blk_req *r, int error)
{
	static const char *const name[] = { "read", "write", "flush",
					    "discard", "write-zeroes" };
	const struct blk_ops *ops = r->blk->ops;

	log_msg(LOG_ERROR, "%s: %s: %s%s%s; the guest gets an I/O error",
		r->blk->path, name[r->op], strerror(error),
		error == ENOSPC && ops->no_room ? ": " : "",
		error == ENOSPC && ops->no_room ? ops->no_room : "");
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct blk_pool *p = w->pool;

	/* Another thread would need to open a file for it. */
	pthread_setname_np(pthread_self(), "disk");
	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct blk_req *r = p->head;
		struct blk *b;
		int error = ECANCELED;
		bool say = false;

		if (!r) {
			if (p->stop)
				break;
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		p->head = r->next;
		if (!p->head)
			p->tail = &p->head;
		b = r->blk;
		if (!r->cancelled) {
			w->running = r;
			pthread_mutex_unlock(&p->lock);
			error = b->ops->run(b, r);
			pthread_mutex_lock(&p->lock);
			w->running = NULL;
			count(&b->count, r, error);
			say = error && error != EROFS && !b->said_error;
			b->said_error |= say;
			pthread_cond_broadcast(&p->progress);
		}
		pthread_mutex_unlock(&p->lock);
		if (say)
			say_error(r, error);
		finish(r, error);
		pthread_mutex_lock(&p->lock);
		p->busy--;
		if (!--b->busy)
			pthread_cond_broadcast(&p->progress);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct blk_pool *blk_pool_new(int threads, struct err *e)
{
	struct blk_pool *p = calloc(1, sizeof(*p));
	sigset_t all, old;
	int no = 0;

	assert(threads >= 1 && threads <= POOL_MAX);
	if (!p) {
		err_set(e, ENOMEM, "disk threads");
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->progress, NULL);
	p->tail = &p->head;
	sigfillset(&all);               /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (p->n < threads && !no) {
		p->worker[p->n].pool = p;
		no = pthread_create(&p->worker[p->n].thread, NULL, work,
				    &p->worker[p->n]);
		p->n += !no;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (no) {
		err_set(e, no, "starting a disk thread");
		blk_pool_free(p);
		return NULL;
	}
	return p;
}

void blk_pool_free(struct blk_pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->n; i++)
		pthread_join(p->worker[i].thread, NULL);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->progress);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void blk_submit(struct blk *b, struct blk_req *r)
{
	struct blk_pool *p = b->pool;

	assert(r->op == BLK_FLUSH ||
	       (r->off <= b->size && r->len <= b->size - r->off));
	r->blk = b;
	r->next = NULL;
	r->cancelled = false;
	pthread_mutex_lock(&p->lock);
	*p->tail = r;
	p->tail = &r->next;
	b->busy++;
	p->busy++;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->lock);
}

bool blk_pool_idle(struct blk_pool *p)
{
	bool idle;

	pthread_mutex_lock(&p->lock);
	idle = !p->busy;
	pthread_mutex_unlock(&p->lock);
	return idle;
}

void blk_pool_drain(struct blk_pool *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->busy)
		pthread_cond_wait(&p->progress, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void blk_drain(struct blk *b)
{
	struct blk_pool *p = b->pool;

	if (!p)                         /* never used */
		return;
	pthread_mutex_lock(&p->lock);
	while (b->busy)
		pthread_cond_wait(&p->progress, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static void cancel(struct blk *b, struct device *dev)
{
	for (struct blk_req *r = b->pool->head; r; r = r->next)
		if (r->blk == b && r->dev == dev)
			r->cancelled = true;
}

void blk_cancel(struct blk *b, struct device *dev)
{
	pthread_mutex_lock(&b->pool->lock);
	cancel(b, dev);
	pthread_mutex_unlock(&b->pool->lock);
}

static bool running(struct blk *b, struct device *dev)
{
	struct blk_pool *p = b->pool;

	for (int i = 0; i < p->n; i++) {
		struct blk_req *r = p->worker[i].running;

		if (r && r->blk == b && r->dev == dev)
			return true;
	}
	return false;
}

void blk_settle(struct blk *b, struct device *dev)
{
	struct blk_pool *p = b->pool;

	pthread_mutex_lock(&p->lock);
	cancel(b, dev);
	while (running(b, dev))
		pthread_cond_wait(&p->progress, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

void blk_close(struct blk *b)
{
	struct blk_req flush = { .op = BLK_FLUSH };
	int no;

	if (!b)
		return;
	blk_drain(b);
	if (!b->readonly) {
		no = b->ops->run(b, &flush);
		if (no) {
			errno = no;
			log_msg(LOG_ERROR, "%s: last flush: %m", b->path);
		}
	}
	b->ops->close(b);
}
