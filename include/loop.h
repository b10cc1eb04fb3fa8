/* loop.h: the main thread's event loop; clocks and timers.
 *
 * One loop a VM, run by the main thread. Other threads may only loop_post,
 * watch_at and loop_now. A callback given with a device runs with that
 * device's lock held. GUEST time stops while the VM is paused; unit tests
 * drive it by hand (tests/unit/fake.h). */
#ifndef POME_LOOP_H
#define POME_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct device;
struct loop;
struct watch;

enum clock { CLOCK_HOST, CLOCK_GUEST };

struct loop *loop_new(struct err *);
void loop_free(struct loop *);

/* Nanoseconds: HOST since an arbitrary start (CLOCK_MONOTONIC), GUEST since
 * loop_new, without pauses. Any thread. */
uint64_t loop_now(struct loop *, enum clock);
/* Wall-clock time in nanoseconds since 1970 (CLOCK_REALTIME). Any thread. */
uint64_t loop_wall(struct loop *);
/* Stops and restarts GUEST time. */
void loop_pause(struct loop *);
void loop_resume(struct loop *);

/* GUEST time by hand, for --clock=insn: it starts at 0 and is what
 * loop_guest_set said last; loop_wall is `wall` plus that. Before anything
 * asks for the time. */
void loop_drive(struct loop *, uint64_t wall);
/* The clock that loop_wall goes by: GUEST where it is driven. */
enum clock loop_wall_clock(struct loop *);
/* A vCPU's thread: GUEST time; never back. */
void loop_guest_set(struct loop *, uint64_t ns);
/* When the next GUEST timer is due; UINT64_MAX: none. Any thread. */
uint64_t loop_guest_next(struct loop *);
/* Waits until no post is left and no GUEST timer is due, or *stop; true: the
 * former. A vCPU's thread, no lock held. Whoever sets *stop calls
 * loop_settle_wake(). */
bool loop_settle(struct loop *, const _Atomic bool *stop);
void loop_settle_wake(struct loop *);

/* Watches a descriptor for EPOLLIN/EPOLLOUT. `fn` runs on the loop's thread.
 * What epoll refuses (regular files, /dev/null) counts as always ready. At
 * most LOOP_MAX_WATCH watches of both kinds. Loop thread, or before it runs. */
#define LOOP_MAX_WATCH 4096
int loop_fd(struct loop *, int fd, uint32_t events, struct device *dev,
	    void (*fn)(void *arg, uint32_t events), void *arg,
	    struct watch **out, struct err *);
/* Changes the events watched for; 0 suspends. Loop thread or device code. */
void watch_events(struct watch *, uint32_t events);
/* Makes a timer, not armed. */
int loop_timer(struct loop *, enum clock, struct device *dev,
	       void (*fn)(void *arg), void *arg, struct watch **out,
	       struct err *);
/* Arms a timer for an absolute time of its clock, once; UINT64_MAX disarms.
 * Any thread. With the device's lock held, the callback does not run after a
 * disarm; without it, it may still run once. */
void watch_at(struct watch *, uint64_t ns);
/* Loop thread, or with the watch's device's lock held, or when the loop does
 * not run; the descriptor is not closed, and must still be open. NULL is
 * ignored. */
void watch_free(struct watch *);

/* Runs fn(arg) soon on the loop's thread, in order. Any thread, never blocks;
 * a fixed pool: posting the same (fn, arg) twice before it ran is one run, and
 * there may be at most LOOP_MAX_POST different ones at a time. Device locks may
 * be held: the loop takes the device's lock only when it runs fn. */
#define LOOP_MAX_POST 4096
void loop_post(struct loop *, struct device *dev, void (*fn)(void *), void *arg);

/* Runs until loop_stop. */
int loop_run(struct loop *, struct err *);
void loop_stop(struct loop *);          /* any thread, and signal handlers */

/* For unit tests: a loop whose clocks move only by loop_advance, which fires
 * what falls due in order, each at its own time, with the posts in between.
 * loop_poll serves descriptors, posts and due timers once without waiting, and
 * works on every loop. loop_wall is LOOP_MANUAL_WALL plus the time advanced. */
struct loop *loop_new_manual(struct err *);
void loop_advance(struct loop *, uint64_t ns);
int loop_poll(struct loop *, struct err *);
#define LOOP_MANUAL_WALL 1600000000000000000u

#endif
