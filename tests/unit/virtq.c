/* virtq.c: the walker alone, against rings written by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "fake.h"
#include "virtq.h"

enum { SIZE = 8 };
#define DESC (FAKE_RAM + 0x1000)
#define AVAIL (FAKE_RAM + 0x2000)
#define USED (FAKE_RAM + 0x3000)
#define DATA (FAKE_RAM + 0x8000)
#define TABLE (FAKE_RAM + 0x4000)

struct t {
	struct fake *f;
	struct virtq q;
	struct virtq_elem e;
	unsigned broken, irqs;
	const char *why;
};

static void t_broken(void *owner, struct virtq *q, const char *why)
{
	struct t *t = owner;

	t->broken++;
	t->why = why;
}

static void t_irq(void *owner, struct virtq *q)
{
	((struct t *)owner)->irqs++;
}

static int setup(void **s)
{
	struct t *t = calloc(1, sizeof(*t));

	t->f = fake_new();
	t->q.dma = &t->f->dma;
	t->q.owner = t;
	t->q.broken = t_broken;
	t->q.interrupt = t_irq;
	*s = t;
	return 0;
}

static int teardown(void **s)
{
	struct t *t = *s;

	fake_free(t->f);
	free(t);
	return 0;
}

static uint8_t *at(struct t *t, uint64_t gpa)
{
	return t->f->ram + (gpa - FAKE_RAM);
}

static void start(struct t *t, bool event_idx)
{
	memset(t->f->ram, 0, 0x8000);
	t->broken = t->irqs = 0;
	assert_int_equal(virtq_start(&t->q, SIZE, DESC, AVAIL, USED, event_idx,
				     true), 0);
}

static void put16(struct t *t, uint64_t gpa, uint16_t v)
{
	memcpy(at(t, gpa), &v, 2);
}

static uint16_t get16(struct t *t, uint64_t gpa)
{
	uint16_t v;

	memcpy(&v, at(t, gpa), 2);
	return v;
}

static void desc(struct t *t, uint64_t table, unsigned i, uint64_t addr,
		 uint32_t len, uint16_t flags, uint16_t next)
{
	uint8_t *p = at(t, table + 16 * i);

	memcpy(p, &addr, 8);
	memcpy(p + 8, &len, 4);
	memcpy(p + 12, &flags, 2);
	memcpy(p + 14, &next, 2);
}

/* Entry i of the available ring, which then ends there. */
static void offer(struct t *t, uint16_t i, uint16_t head)
{
	put16(t, AVAIL + 4 + 2 * (i % SIZE), head);
	put16(t, AVAIL + 2, i + 1);
}

static void test_start(void **s)
{
	struct t *t = *s;
	struct virtq *q = &t->q;
	uint64_t end = FAKE_RAM + FAKE_RAM_SIZE;

	assert_int_equal(virtq_start(q, 0, DESC, AVAIL, USED, 0, 0), -1);
	assert_int_equal(virtq_start(q, 3, DESC, AVAIL, USED, 0, 0), -1);
	assert_int_equal(virtq_start(q, 2048, DESC, AVAIL, USED, 0, 0), -1);
	assert_int_equal(virtq_start(q, 8, DESC + 8, AVAIL, USED, 0, 0), -1);
	assert_int_equal(virtq_start(q, 8, DESC, AVAIL + 1, USED, 0, 0), -1);
	assert_int_equal(virtq_start(q, 8, DESC, AVAIL, USED + 2, 0, 0), -1);
	assert_int_equal(virtq_start(q, 8, end - 112, AVAIL, USED, 0, 0), -1);
	assert_int_equal(virtq_start(q, 8, end - 128, AVAIL, USED, 0, 0), 0);
	assert_int_equal(virtq_start(q, 8, DESC, end - 20, USED, 0, 0), 0);
	assert_int_equal(virtq_start(q, 8, DESC, end - 20, USED, 1, 0), -1);
	assert_int_equal(virtq_start(q, 8, DESC, AVAIL, end - 68, 0, 0), 0);
	assert_int_equal(virtq_start(q, 8, DESC, AVAIL, end - 68, 1, 0), -1);
	assert_int_equal(virtq_start(q, 8, UINT64_MAX - 15, AVAIL, USED, 0, 0),
			 -1);
	/* dead after a failure */
	offer(t, 0, 0);
	assert_int_equal(virtq_pop(q, &t->e), 0);
	assert_true(virtq_empty(q));
}

static void test_chain(void **s)
{
	struct t *t = *s;
	char buf[64] = { 0 };

	start(t, false);
	assert_int_equal(virtq_pop(&t->q, &t->e), 0);
	desc(t, DESC, 5, DATA, 10, 1, 2);
	desc(t, DESC, 2, DATA + 0x100, 0, 1, 7);        /* no bytes: skipped */
	desc(t, DESC, 7, DATA + 0x200, 6, 3, 1);
	desc(t, DESC, 1, DATA + 0x300, 4, 2, 99);       /* next unused */
	offer(t, 0, 5);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
	assert_int_equal(t->e.head, 5);
	assert_int_equal(t->e.nout, 1);
	assert_int_equal(t->e.nin, 2);
	assert_int_equal(t->e.out_len, 10);
	assert_int_equal(t->e.in_len, 10);
	memcpy(at(t, DATA), "0123456789", 10);
	assert_int_equal(virtq_read(&t->e, 8, buf, 64), 2);
	assert_memory_equal(buf, "89", 2);
	assert_int_equal(virtq_write(&t->e, 4, "abcdefgh", 8), 6);
	assert_memory_equal(at(t, DATA + 0x204), "ab", 2);
	assert_memory_equal(at(t, DATA + 0x300), "cdef", 4);
	assert_int_equal(virtq_write(&t->e, 10, "x", 1), 0);
	virtq_push(&t->q, 5, 10);
	assert_int_equal(get16(t, USED + 2), 0);        /* not shown yet */
	virtq_show(&t->q);
	assert_int_equal(get16(t, USED + 2), 1);
	assert_int_equal(get16(t, USED + 4), 5);
	assert_int_equal(get16(t, USED + 8), 10);
	assert_int_equal(t->irqs, 1);
	put16(t, AVAIL, 1);             /* NO_INTERRUPT */
	virtq_push(&t->q, 5, 10);
	virtq_show(&t->q);
	assert_int_equal(t->irqs, 1);
	virtq_show(&t->q);              /* nothing new */
	assert_int_equal(t->irqs, 1);
}

static void test_unpop(void **s)
{
	struct t *t = *s;

	start(t, false);
	desc(t, DESC, 0, DATA, 1, 0, 0);
	offer(t, 0, 0);
	offer(t, 1, 0);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
	virtq_push(&t->q, 0, 1);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
	assert_int_equal(virtq_pop(&t->q, &t->e), 0);
	virtq_unpop(&t->q, 2);
	virtq_show(&t->q);
	assert_int_equal(get16(t, USED + 2), 0);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
}

/* Several laps, the 16-bit indexes wrapping. */
static void test_wrap(void **s)
{
	struct t *t = *s;

	start(t, true);
	for (unsigned i = 0; i < 70000; i++) {
		desc(t, DESC, i % SIZE, DATA, i, 0, 0);
		if (i % 4096 == 7)
			desc(t, DESC, i % SIZE, DATA, 1, 0, 0);
		else
			desc(t, DESC, i % SIZE, DATA, i % 16, 0, 0);
		offer(t, i, i % SIZE);
		put16(t, AVAIL + 4 + 2 * SIZE, i);      /* used_event */
		assert_int_equal(virtq_pop(&t->q, &t->e), 1);
		virtq_push(&t->q, t->e.head, i);
		virtq_show(&t->q);
		assert_int_equal(t->irqs, i + 1);
		assert_int_equal(get16(t, USED + 2), (uint16_t)(i + 1));
	}
	assert_int_equal(t->broken, 0);
}

static void test_event_idx(void **s)
{
	struct t *t = *s;

	start(t, true);
	for (unsigned i = 0; i < SIZE; i++) {
		desc(t, DESC, i, DATA, 1, 0, 0);
		offer(t, i, i);
	}
	put16(t, AVAIL + 4 + 2 * SIZE, 3);      /* interrupt at used 4 */
	for (unsigned i = 0; i < SIZE; i++) {
		assert_int_equal(virtq_pop(&t->q, &t->e), 1);
		virtq_push(&t->q, i, 0);
		virtq_show(&t->q);
		/* the first decision is always yes; then only used 4 */
		assert_int_equal(t->irqs, i < 3 ? 1 : 2);
	}
	assert_false(virtq_notify_on(&t->q));
	assert_int_equal(get16(t, USED + 4 + 8 * SIZE), SIZE);
	offer(t, SIZE, 0);
	assert_true(virtq_notify_on(&t->q));
	assert_int_equal(get16(t, USED), 0);    /* flags unused */
}

static void test_no_notify(void **s)
{
	struct t *t = *s;

	start(t, false);
	virtq_notify_off(&t->q);
	assert_int_equal(get16(t, USED), 1);
	assert_false(virtq_notify_on(&t->q));
	assert_int_equal(get16(t, USED), 0);
}

static void test_indirect(void **s)
{
	struct t *t = *s;

	start(t, false);
	desc(t, DESC, 0, DATA, 3, 1, 1);        /* one direct before it */
	desc(t, DESC, 1, TABLE, 48, 4, 0);
	desc(t, TABLE, 0, DATA, 5, 1, 2);
	desc(t, TABLE, 2, DATA, 7, 2, 0);
	offer(t, 0, 0);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
	assert_int_equal(t->e.out_len, 8);
	assert_int_equal(t->e.in_len, 7);
	/* a table at an odd address is copied */
	desc(t, DESC, 0, TABLE + 0x801, 32, 4, 0);
	desc(t, TABLE + 0x801, 0, DATA, 5, 1, 1);
	desc(t, TABLE + 0x801, 1, DATA, 9, 2, 0);
	offer(t, 1, 0);
	assert_int_equal(virtq_pop(&t->q, &t->e), 1);
	assert_int_equal(t->e.in_len, 9);
}

/* Each breaks the queue once, and for good. */
static void bad(struct t *t, const char *why)
{
	offer(t, 0, 0);
	assert_int_equal(virtq_pop(&t->q, &t->e), 0);
	assert_int_equal(t->broken, 1);
	assert_non_null(strstr(t->why, why));
	assert_int_equal(virtq_pop(&t->q, &t->e), 0);
	virtq_push(&t->q, 0, 0);
	virtq_show(&t->q);
	assert_int_equal(get16(t, USED + 2), 0);
	assert_int_equal(t->broken, 1);
	assert_int_equal(t->irqs, 0);
	start(t, false);
}

static void test_hostile(void **s)
{
	struct t *t = *s;
	uint64_t end = FAKE_RAM + FAKE_RAM_SIZE;

	start(t, false);
	desc(t, DESC, 0, DATA, 1, 1, 0);                /* loop of one */
	bad(t, "without an end");
	desc(t, DESC, 0, DATA, 1, 1, 1);
	desc(t, DESC, 1, DATA, 1, 1, 0);                /* of two */
	bad(t, "without an end");
	desc(t, DESC, 0, DATA, 0, 1, 0);                /* of no bytes */
	bad(t, "without an end");
	desc(t, DESC, 0, DATA, 1, 1, SIZE);
	bad(t, "out of range");
	desc(t, DESC, 0, end - 1, 2, 0, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, FAKE_RAM - 1, 2, 0, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, DATA, 0xffffffff, 2, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, UINT64_MAX, 0xffffffff, 2, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, UINT64_MAX, 1, 0, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, DATA, 1, 3, 1);
	desc(t, DESC, 1, DATA, 1, 0, 0);
	bad(t, "readable buffer after");
	desc(t, DESC, 0, TABLE, 16, 4, 0);              /* in itself */
	desc(t, TABLE, 0, TABLE, 16, 4, 0);
	bad(t, "inside an indirect");
	desc(t, DESC, 0, TABLE, 16, 5, 1);
	bad(t, "with a next");
	desc(t, DESC, 0, TABLE, 0, 4, 0);
	bad(t, "bad size");
	desc(t, DESC, 0, TABLE, 24, 4, 0);
	bad(t, "bad size");
	desc(t, DESC, 0, TABLE, 0xfffffff0, 4, 0);
	bad(t, "bad size");
	desc(t, DESC, 0, end - 16, 32, 4, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, end - 15, 32, 4, 0);
	bad(t, "outside RAM");
	desc(t, DESC, 0, TABLE, 32, 4, 0);
	desc(t, TABLE, 0, DATA, 1, 1, 2);
	bad(t, "out of range");
	desc(t, DESC, 0, TABLE, 32, 4, 0);
	desc(t, TABLE, 0, DATA, 1, 1, 1);
	desc(t, TABLE, 1, DATA, 1, 1, 0);
	bad(t, "without an end");
	t->q.indirect = false;
	desc(t, DESC, 0, TABLE, 16, 4, 0);
	bad(t, "without the feature");
	offer(t, 0, 0);
	put16(t, AVAIL + 4, SIZE);                      /* head */
	assert_int_equal(virtq_pop(&t->q, &t->e), 0);
	assert_non_null(strstr(t->why, "head"));
	start(t, false);
	put16(t, AVAIL + 2, SIZE + 1);                  /* index jump */
	assert_int_equal(virtq_pop(&t->q, &t->e), 0);
	assert_non_null(strstr(t->why, "jumped"));
}

/* As many buffers as fit, and one more; tables as large as they may be. */
static void test_many(void **s)
{
	struct t *t = *s;

	for (unsigned n = VIRTQ_SEGS; n <= VIRTQ_SEGS + 1; n++) {
		start(t, false);
		desc(t, DESC, 0, TABLE, 16 * n, 4, 0);
		for (unsigned i = 0; i < n; i++)
			desc(t, TABLE, i, DATA, 2, i + 1 < n, i + 1);
		offer(t, 0, 0);
		assert_int_equal(virtq_pop(&t->q, &t->e), n == VIRTQ_SEGS);
		assert_int_equal(t->broken, n != VIRTQ_SEGS);
	}
}

static void test_iov(void **s)
{
	char b[32];
	struct iovec v[3] = { { b, 4 }, { b + 4, 8 }, { b + 12, 2 } }, *p = v;

	assert_int_equal(virtq_iov_keep(v, 3, 13), 3);
	assert_int_equal(v[2].iov_len, 1);
	assert_int_equal(virtq_iov_keep(v, 3, 12), 2);
	assert_int_equal(virtq_iov_skip(&p, 2, 5), 1);
	assert_ptr_equal(p, v + 1);
	assert_ptr_equal(p->iov_base, b + 5);
	assert_int_equal(p->iov_len, 7);
	assert_int_equal(virtq_iov_skip(&p, 1, 7), 0);
	assert_int_equal(virtq_iov_keep(v, 3, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unpop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_event_idx, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_no_notify, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_indirect, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_iov, setup, teardown),
	};

	return cmocka_run_group_tests_name("virtq", tests, NULL, NULL);
}
