/* virtio_console.c: bytes both ways, against a terminal that can be full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "virtio_console.h"
#include "virtio_driver.h"

struct t {
	struct drv d;
	struct tty tty;
	char out[20000];
	size_t nout, room;
	unsigned ready;
};

static size_t t_write(struct tty *tty, const void *p, size_t n)
{
	struct t *t = (struct t *)((char *)tty - offsetof(struct t, tty));

	if (n > t->room)
		n = t->room;
	if (n > sizeof(t->out) - t->nout)
		n = sizeof(t->out) - t->nout;
	memcpy(t->out + t->nout, p, n);
	t->nout += n;
	t->room -= n;
	return n;
}

static void t_ready(struct tty *tty)
{
	((struct t *)((char *)tty - offsetof(struct t, tty)))->ready++;
}

static const struct tty_ops t_ops = { .write = t_write, .ready = t_ready };

static int setup(void **s)
{
	struct t *t = calloc(1, sizeof(*t));
	struct virtio_console_conf c = { .tty = &t->tty };

	t->tty = (struct tty){ .ops = &t_ops, .cols = 80, .rows = 25 };
	t->room = sizeof(t->out);
	drv_open(&t->d);
	c.virtio.pci = drv_pci(&t->d);
	t->d.dev = fake_device(t->d.f, &virtio_console_ops, &c);
	drv_map(&t->d);
	*s = t;
	return 0;
}

static int teardown(void **s)
{
	struct t *t = *s;

	drv_close(&t->d);
	free(t);
	return 0;
}

static void test_config(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	assert_int_equal(drv_features(d) & 0xffffff, 5);
	assert_int_equal(drv_common(d, 0x2000, 4), 25 << 16 | 80);
	/* the emergency write needs no set-up */
	drv_set(d, 0x2008, 4, 'E');
	assert_int_equal(t->nout, 1);
	assert_int_equal(t->out[0], 'E');
	drv_set(d, 0x2000, 4, 0);
	assert_int_equal(drv_common(d, 0x2000, 2), 80);
	drv_start(d, 1, 2, 8);
	t->tty.resized(d->dev, 132, 43);
	assert_int_equal(drv_common(d, 0x2000, 4), 43 << 16 | 132);
	assert_int_equal(drv_common(d, 0x15, 1), 1);
	assert_int_equal(drv_common(d, 0x1000, 1), 2);
}

static void test_out(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, len;

	drv_start(d, 0, 2, 8);
	memset(drv_ptr(d, DRV_DATA), 'x', 5000);
	memcpy(drv_ptr(d, DRV_DATA), "hello ", 6);
	drv_desc(d, 1, 0, DRV_DATA, 6, NEXT, 1);
	drv_desc(d, 1, 1, DRV_DATA + 100, 3000, 0, 0);
	drv_desc(d, 1, 2, DRV_DATA, 0, 0, 0);
	drv_offer(d, 1, 0);
	drv_offer(d, 1, 2);
	drv_notify(d, 1);
	assert_true(drv_used(d, 1, &id, &len));
	assert_true(drv_used(d, 1, &id, &len));
	assert_int_equal(t->nout, 3006);
	assert_memory_equal(t->out, "hello xxx", 9);
	/* full in the middle: goes on where it was */
	t->nout = 0;
	t->room = 1500;
	drv_offer(d, 1, 0);
	drv_notify(d, 1);
	drv_notify(d, 1);
	assert_false(drv_used(d, 1, &id, &len));
	assert_int_equal(t->nout, 1500);
	t->room = 10000;
	t->tty.writable(d->dev);
	assert_true(drv_used(d, 1, &id, &len));
	assert_int_equal(t->nout, 3006);
	/* a reset forgets what was under way */
	t->room = 1;
	drv_offer(d, 1, 0);
	drv_notify(d, 1);
	drv_start(d, 0, 2, 8);
	t->nout = 0;
	t->room = 10000;
	t->tty.writable(d->dev);
	assert_int_equal(t->nout, 0);
	/* a chain of more bytes than RAM is served in turns */
	for (unsigned i = 0; i < 8; i++)
		drv_desc(d, 1, i, FAKE_RAM, DRV_RAM, i < 7 ? NEXT : 0, i + 1);
	t->room = SIZE_MAX;
	t->nout = 0;
	drv_offer(d, 1, 0);
	drv_notify(d, 1);
	assert_int_equal(drv_status(d), 0xf);
}

static void test_in(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, len;

	assert_int_equal(t->tty.input(d->dev, "abc", 3), 0);
	assert_int_equal(t->ready, 0);
	drv_start(d, 0, 2, 8);
	fake_poll(d->f);
	assert_int_equal(t->ready, 1);
	assert_int_equal(t->tty.input(d->dev, "abc", 3), 0);
	drv_desc(d, 0, 0, DRV_DATA, 2, WRITE, 0);
	drv_offer(d, 0, 0);
	drv_notify(d, 0);
	assert_int_equal(t->ready, 2);
	assert_int_equal(t->tty.input(d->dev, "abc", 3), 2);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 2);
	assert_memory_equal(drv_ptr(d, DRV_DATA), "ab", 3);
	/* offered without a notification, found all the same */
	drv_offer(d, 0, 0);
	assert_int_equal(t->tty.input(d->dev, "c", 1), 1);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 1);
	/* a buffer of no bytes would never end */
	drv_desc(d, 0, 0, DRV_DATA, 0, WRITE, 0);
	drv_offer(d, 0, 0);
	assert_int_equal(t->tty.input(d->dev, "d", 1), 0);
	assert_int_equal(drv_status(d), 0x4f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in, setup, teardown),
	};

	return cmocka_run_group_tests_name("virtio_console", tests, NULL,
					   NULL);
}
