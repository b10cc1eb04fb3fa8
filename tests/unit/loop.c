/* Tests of src/loop.c: timers by hand, posts, descriptors, threads. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "device.h"
#include "loop.h"

struct rec {
	struct loop *loop;
	struct watch *w[100];
	uint64_t at[1000];
	unsigned n;
	uint64_t again;                 /* re-arm by this much */
	struct watch *kill;
};

static void rec_fire(void *arg)
{
	struct rec *r = arg;

	r->at[r->n++ % 1000] = loop_now(r->loop, CLOCK_HOST);
	if (r->again)
		watch_at(r->w[0], loop_now(r->loop, CLOCK_HOST) + r->again);
	if (r->kill)
		watch_at(r->kill, UINT64_MAX);
}

static void test_timers(void **state)
{
	struct rec r = { .loop = loop_new_manual(NULL) };
	unsigned i;

	for (i = 0; i < 100; i++) {
		assert_int_equal(loop_timer(r.loop, CLOCK_HOST, NULL, rec_fire,
					    &r, &r.w[i], NULL), 0);
		watch_at(r.w[i], 1000 + (i * 37) % 100);
	}
	loop_advance(r.loop, 999);
	assert_int_equal(r.n, 0);
	loop_advance(r.loop, 51);
	assert_int_equal(r.n, 51);
	/* move one back, one forward, disarm one */
	watch_at(r.w[1], 2000);                 /* fired before, at 1037 */
	watch_at(r.w[27], UINT64_MAX);          /* was 1099 */
	watch_at(r.w[2], 1051);                 /* was 1074 */
	loop_advance(r.loop, 1000);
	assert_int_equal(r.n, 100);
	for (i = 1; i < r.n; i++)
		assert_true(r.at[i] >= r.at[i - 1]);
	assert_int_equal(r.at[51], 1051);
	assert_int_equal(r.at[52], 1051);
	assert_int_equal(r.at[98], 1098);
	assert_int_equal(r.at[99], 2000);
	/* periodic, each at its own time */
	r.n = 0;
	r.again = 10;
	watch_at(r.w[0], 3000);
	loop_advance(r.loop, 1000);
	assert_int_equal(loop_now(r.loop, CLOCK_HOST), 3050);
	assert_int_equal(r.n, 6);
	assert_int_equal(r.at[5], 3050);
	/* a callback disarms one that is due at the same time */
	r.again = 0;
	r.n = 0;
	watch_at(r.w[0], UINT64_MAX);
	watch_at(r.w[5], 4000);
	watch_at(r.w[6], 4001);
	r.kill = r.w[6];
	loop_advance(r.loop, 2000);
	assert_int_equal(r.n, 1);
	for (i = 0; i < 100; i++)
		watch_free(r.w[i]);
	loop_free(r.loop);
}

static void test_guest_clock(void **state)
{
	struct rec r = { .loop = loop_new_manual(NULL) };

	assert_int_equal(loop_timer(r.loop, CLOCK_GUEST, NULL, rec_fire, &r,
				    &r.w[0], NULL), 0);
	watch_at(r.w[0], 100);
	loop_advance(r.loop, 50);
	loop_pause(r.loop);
	loop_pause(r.loop);
	loop_advance(r.loop, 1000);
	assert_int_equal(r.n, 0);
	assert_int_equal(loop_now(r.loop, CLOCK_GUEST), 50);
	assert_int_equal(loop_now(r.loop, CLOCK_HOST), 1050);
	loop_resume(r.loop);
	loop_resume(r.loop);
	loop_advance(r.loop, 49);
	assert_int_equal(r.n, 0);
	loop_advance(r.loop, 1);
	assert_int_equal(r.n, 1);
	assert_int_equal(loop_wall(r.loop), LOOP_MANUAL_WALL + 1100);
	loop_free(r.loop);
}

static void rec_post(void *arg)
{
	struct rec *r = arg;

	r->n++;
	if (r->again) {
		r->again--;
		loop_post(r->loop, NULL, rec_post, r);
	}
}

static void rec_post2(void *arg)
{
	struct rec *r = arg;

	r->at[0] = r->n;
}

static void test_posts(void **state)
{
	struct rec r = { .loop = loop_new_manual(NULL), .again = 1 };
	struct err e;

	loop_post(r.loop, NULL, rec_post, &r);
	loop_post(r.loop, NULL, rec_post2, &r);
	loop_post(r.loop, NULL, rec_post, &r);  /* the same: once */
	r.at[0] = 99;
	loop_poll(r.loop, &e);
	assert_int_equal(r.at[0], 1);           /* in order */
	assert_int_equal(r.n, 2);
	loop_poll(r.loop, &e);
	assert_int_equal(r.n, 2);
	loop_free(r.loop);
}

static void nothing(void *arg)
{
}

static void test_post_limit(void **state)
{
	struct rec r = { .loop = loop_new_manual(NULL) };
	struct err e;
	uintptr_t i;

	for (i = 0; i < LOOP_MAX_POST; i++)
		loop_post(r.loop, NULL, nothing, (void *)i);
	loop_post(r.loop, NULL, rec_post, &r);  /* logged and lost */
	loop_poll(r.loop, &e);
	assert_int_equal(r.n, 0);
	loop_post(r.loop, NULL, rec_post, &r);
	loop_poll(r.loop, &e);
	assert_int_equal(r.n, 1);
	loop_free(r.loop);
}

struct fdrec {
	struct loop *loop;
	struct watch *w;
	int idle;
	unsigned n;
	uint32_t last;
	struct fdrec *kill;
};

static void fd_fire(void *arg, uint32_t events)
{
	struct fdrec *r = arg;

	r->n++;
	r->last = events;
	if (r->kill) {
		watch_free(r->kill->w);
		/* its slot is taken at once: the old event is not for it */
		assert_int_equal(loop_fd(r->loop, r->idle, EPOLLIN, NULL,
					 fd_fire, r->kill, &r->kill->w, NULL),
				 0);
		r->kill = NULL;
	}
}

static void test_fds(void **state)
{
	struct loop *l = loop_new(NULL);
	struct fdrec a = { 0 }, b = { 0 }, c = { 0 };
	int p[2], q[2], idle[2], null;
	struct err e;

	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	assert_int_equal(pipe(idle), 0);
	a.loop = b.loop = l;
	a.idle = b.idle = idle[0];
	assert_int_equal(loop_fd(l, p[0], EPOLLIN, NULL, fd_fire, &a, &a.w, &e),
			 0);
	assert_int_equal(loop_fd(l, q[0], EPOLLIN, NULL, fd_fire, &b, &b.w, &e),
			 0);
	loop_poll(l, &e);
	assert_int_equal(a.n, 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	loop_poll(l, &e);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.last, EPOLLIN);
	watch_events(a.w, 0);
	loop_poll(l, &e);
	assert_int_equal(a.n, 1);
	/* suspended means that a hangup does not spin either */
	close(p[1]);
	loop_poll(l, &e);
	assert_int_equal(a.n, 1);
	watch_events(a.w, EPOLLIN);
	loop_poll(l, &e);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.last, EPOLLIN | EPOLLHUP);
	/* both are ready; whichever comes first frees the other */
	assert_int_equal(write(q[1], "x", 1), 1);
	a.kill = &b;
	b.kill = &a;
	a.n = b.n = 0;
	loop_poll(l, &e);
	assert_int_equal(a.n + b.n, 1);
	loop_poll(l, &e);
	assert_int_equal(a.n + b.n, 2);
	watch_free(a.n ? b.w : a.w);            /* the one on idle[] */
	*(a.n ? &b.w : &a.w) = NULL;
	/* /dev/null and plain files: always ready */
	null = open("/dev/null", O_RDWR);
	assert_int_equal(loop_fd(l, null, 0, NULL, fd_fire, &c, &c.w, &e), 0);
	loop_poll(l, &e);
	assert_int_equal(c.n, 0);
	watch_events(c.w, EPOLLIN);
	loop_poll(l, &e);
	loop_poll(l, &e);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.last, EPOLLIN);
	watch_events(c.w, 0);
	loop_poll(l, &e);
	assert_int_equal(c.n, 2);
	watch_events(c.w, EPOLLOUT);
	watch_free(c.w);
	loop_poll(l, &e);
	assert_int_equal(c.n, 2);
	assert_int_equal(loop_fd(l, -1, EPOLLIN, NULL, fd_fire, &c, &c.w, &e),
			 -1);
	watch_free(a.w);
	watch_free(b.w);
	close(null);
	close(p[0]);
	close(q[0]);
	close(q[1]);
	close(idle[0]);
	close(idle[1]);
	loop_free(l);
}

static void test_pool(void **state)
{
	struct loop *l = loop_new_manual(NULL);
	static struct watch *w[LOOP_MAX_WATCH];
	struct watch *one;
	struct err e;
	int i;

	for (i = 0; i < LOOP_MAX_WATCH; i++)
		assert_int_equal(loop_timer(l, CLOCK_HOST, NULL, nothing, NULL,
					    &w[i], &e), 0);
	assert_int_equal(loop_timer(l, CLOCK_HOST, NULL, nothing, NULL, &one,
				    &e), -1);
	watch_free(w[7]);
	assert_int_equal(loop_timer(l, CLOCK_HOST, NULL, nothing, NULL, &one,
				    &e), 0);
	loop_free(l);
}

/* ---- threads: posts and timers from four of them, under a device lock ------- */

#define ROUNDS 2000

struct shared {
	struct device dev;
	struct loop *loop;
	struct watch *timer, *end;
	uint64_t plain;                 /* TSan: guarded by the device lock */
	_Atomic unsigned busy;
};

static void shared_run(void *arg)
{
	struct shared *s = arg;

	s->plain++;
}

static void shared_end(void *arg)
{
	struct shared *s = arg;

	if (s->busy)
		watch_at(s->end, loop_now(s->loop, CLOCK_HOST) + 1000000);
	else
		loop_stop(s->loop);
}

static void *shared_thread(void *arg)
{
	struct shared *s = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		device_lock(&s->dev);
		s->plain++;
		loop_post(s->loop, &s->dev, shared_run, s);
		watch_at(s->timer, loop_now(s->loop, CLOCK_GUEST) + 1000);
		device_unlock(&s->dev);
		if (i % 100 == 0)
			loop_post(s->loop, NULL, nothing, &s->dev);
		(void)loop_now(s->loop, CLOCK_GUEST);
	}
	s->busy--;
	return NULL;
}

static void test_threads(void **state)
{
	static struct shared s;
	pthread_t t[4];
	struct err e;
	int i;

	pthread_mutex_init(&s.dev.lock, NULL);
	s.loop = loop_new(&e);
	assert_non_null(s.loop);
	s.busy = 4;
	assert_int_equal(loop_timer(s.loop, CLOCK_GUEST, &s.dev, shared_run, &s,
				    &s.timer, &e), 0);
	assert_int_equal(loop_timer(s.loop, CLOCK_HOST, NULL, shared_end, &s,
				    &s.end, &e), 0);
	watch_at(s.end, 1);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, shared_thread, &s);
	assert_int_equal(loop_run(s.loop, &e), 0);
	for (i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	loop_poll(s.loop, &e);
	assert_true(s.plain > 4 * ROUNDS);
	loop_free(s.loop);
}

/* A timer for a real loop fires once and in time. */
static void test_real_time(void **state)
{
	struct rec r = { .loop = loop_new(NULL) };
	uint64_t start = loop_now(r.loop, CLOCK_HOST);
	struct shared s = { .loop = r.loop };
	struct err e;

	assert_int_equal(loop_timer(r.loop, CLOCK_GUEST, NULL, rec_fire, &r,
				    &r.w[0], &e), 0);
	assert_int_equal(loop_timer(r.loop, CLOCK_HOST, NULL, shared_end, &s,
				    &s.end, &e), 0);
	watch_at(r.w[0], loop_now(r.loop, CLOCK_GUEST) + 3000000);
	watch_at(s.end, start + 20000000);
	assert_int_equal(loop_run(r.loop, &e), 0);
	assert_int_equal(r.n, 1);
	assert_true(r.at[0] >= start + 3000000);
	assert_true(loop_now(r.loop, CLOCK_HOST) >= start + 20000000);
	loop_free(r.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_guest_clock),
		cmocka_unit_test(test_posts),
		cmocka_unit_test(test_post_limit),
		cmocka_unit_test(test_fds),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_real_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
