/* virtio_net.c: frames both ways, filters, no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "virtio_driver.h"
#include "virtio_net.h"

struct t {
	struct drv d;
	struct net net;
	uint8_t sent[2000];
	size_t nsent;
	unsigned sends, readies;
	bool echo;                      /* deliver from inside send */
};

static struct t *of(struct net *n)
{
	return (struct t *)((char *)n - offsetof(struct t, net));
}

static void t_send(struct net *n, const struct iovec *iov, int c)
{
	struct t *t = of(n);

	t->sends++;
	t->nsent = 0;
	for (int i = 0; i < c; i++) {
		assert_true(t->nsent + iov[i].iov_len <= sizeof(t->sent));
		memcpy(t->sent + t->nsent, iov[i].iov_base, iov[i].iov_len);
		t->nsent += iov[i].iov_len;
	}
	if (t->echo)
		n->rx(n->dev, t->sent, t->nsent);
}

static void t_ready(struct net *n)
{
	of(n)->readies++;
}

static const struct net_ops t_ops = { .send = t_send, .rx_ready = t_ready };

static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

static int setup(void **s)
{
	struct t *t = calloc(1, sizeof(*t));
	struct virtio_net_conf c = { .net = &t->net };

	t->net.ops = &t_ops;
	memcpy(c.mac, mac, 6);
	drv_open(&t->d);
	c.virtio.pci = drv_pci(&t->d);
	t->d.dev = fake_device(t->d.f, &virtio_net_ops, &c);
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

#define BIT(n) (1ull << (n))
#define MRG BIT(15)
#define CTRL (BIT(17) | BIT(18) | BIT(23))

static bool rx(struct t *t, const uint8_t *to, size_t len)
{
	static uint8_t frame[70000];

	for (size_t i = 0; i < len; i++)
		frame[i] = i * 3;
	memcpy(frame, to, 6);
	return t->net.rx(t->d.dev, frame, len);
}

static void rx_buffer(struct t *t, unsigned i, uint32_t len)
{
	drv_desc(&t->d, 0, i, DRV_DATA + 0x1000 * i, len, WRITE, 0);
	drv_offer(&t->d, 0, i);
}

static void test_config(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;

	assert_int_equal(drv_cfg_load(d, 0, 4), 0x10411af4);
	assert_int_equal(drv_cfg_load(d, 8, 4), 0x02000001);
	assert_int_equal(drv_features(d) & 0xffffff, BIT(5) | BIT(16) | MRG |
			 (CTRL & 0xffffff));
	assert_int_equal(drv_common(d, 0x2000, 4), 0x12005452);
	assert_int_equal(drv_common(d, 0x2006, 2), 1);
	assert_int_equal(drv_common(d, 0x12, 2), 3);
}

static void test_tx(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, len;

	drv_start(d, 0, 3, 16);
	memcpy(drv_ptr(d, DRV_DATA + 12), "frame of twenty byte", 20);
	drv_desc(d, 1, 0, DRV_DATA, 20, NEXT, 1);
	drv_desc(d, 1, 1, DRV_DATA + 20, 12, 0, 0);
	drv_offer(d, 1, 0);
	drv_offer(d, 1, 0);
	drv_notify(d, 1);
	assert_int_equal(t->sends, 2);
	assert_int_equal(t->nsent, 20);
	assert_memory_equal(t->sent, "frame of twenty byte", 20);
	assert_true(drv_used(d, 1, &id, &len));
	assert_int_equal(len, 0);
	assert_true(drv_used(d, 1, &id, &len));
	/* too short, too long: dropped, given back */
	drv_desc(d, 1, 0, DRV_DATA, 12, 0, 0);
	drv_offer(d, 1, 0);
	drv_desc(d, 1, 2, DRV_DATA, 0x11000, 0, 0);
	drv_offer(d, 1, 2);
	drv_notify(d, 1);
	assert_int_equal(t->sends, 2);
	assert_true(drv_used(d, 1, &id, &len));
	assert_true(drv_used(d, 1, &id, &len));
	/* no whole header */
	drv_desc(d, 1, 0, DRV_DATA, 11, 0, 0);
	drv_offer(d, 1, 0);
	drv_notify(d, 1);
	assert_int_equal(drv_status(d), 0x4f);
}

static void test_rx(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, len;

	assert_true(rx(t, mac, 60));            /* no driver: dropped */
	drv_start(d, 0, 3, 16);
	rx_buffer(t, 0, 1526);
	assert_true(rx(t, mac, 60));
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 72);
	assert_int_equal(*drv_ptr(d, DRV_DATA + 10), 1);
	assert_int_equal(*drv_ptr(d, DRV_DATA + 12 + 59), (uint8_t)(59 * 3));
	/* no room: held back until there is */
	assert_false(rx(t, mac, 60));
	assert_int_equal(t->readies, 0);
	rx_buffer(t, 0, 1526);
	drv_notify(d, 0);
	assert_int_equal(t->readies, 1);
	assert_true(rx(t, mac, 1514));
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(len, 1526);
	/* larger than the buffer, without merging: dropped, buffer kept */
	rx_buffer(t, 0, 1526);
	assert_true(rx(t, mac, 1515));
	assert_false(drv_used(d, 0, &id, &len));
	assert_true(rx(t, mac, 1514));
	assert_true(drv_used(d, 0, &id, &len));
	/* a driver that goes away lets the back end drop */
	assert_false(rx(t, mac, 60));
	drv_set(d, 0x14, 1, 0);
	fake_poll(d->f);
	assert_int_equal(t->readies, 2);
	assert_true(rx(t, mac, 60));
}

static void test_merge(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, len, total = 0;

	drv_start(d, MRG | BIT(29), 3, 16);
	rx_buffer(t, 0, 500);
	rx_buffer(t, 1, 500);
	/* not yet enough: nothing is shown, nothing is lost */
	assert_false(rx(t, mac, 1400));
	assert_int_equal(drv_used_idx(d, 0), 0);
	rx_buffer(t, 2, 500);
	drv_notify(d, 0);
	assert_int_equal(t->readies, 1);
	assert_true(rx(t, mac, 1400));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(drv_used(d, 0, &id, &len));
		assert_int_equal(id, i);
		total += len;
	}
	assert_int_equal(total, 1412);
	assert_int_equal(*drv_ptr(d, DRV_DATA + 10), 3);
	assert_int_equal(*drv_ptr(d, DRV_DATA + 0x1000), (uint8_t)(488 * 3));
	/* a first buffer without room for the header, later ones empty */
	rx_buffer(t, 0, 11);
	assert_true(rx(t, mac, 60));
	assert_int_equal(drv_used_idx(d, 0), 3);
	drv_start(d, MRG, 3, 16);
	rx_buffer(t, 0, 12);
	rx_buffer(t, 1, 0);
	assert_true(rx(t, mac, 60));
	assert_int_equal(drv_used_idx(d, 0), 0);
	assert_int_equal(drv_status(d), 0xf);
}

/* Frames that come while one is sent, as from libslirp. */
static void test_echo(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	uint32_t id, len;

	t->echo = true;
	drv_start(d, MRG, 3, 16);
	rx_buffer(t, 1, 20);
	rx_buffer(t, 2, 1000);
	memcpy(drv_ptr(d, DRV_DATA + 0x5000 + 12), mac, 6);
	drv_desc(d, 1, 5, DRV_DATA + 0x5000, 72, 0, 0);
	drv_offer(d, 1, 5);
	drv_notify(d, 1);
	assert_true(drv_used(d, 1, &id, &len));
	assert_int_equal(id, 5);
	assert_int_equal(len, 0);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(id, 1);
	assert_true(drv_used(d, 0, &id, &len));
	assert_int_equal(id, 2);
	assert_int_equal(len, 52);
}

static unsigned control(struct t *t, const void *cmd, uint32_t n)
{
	struct drv *d = &t->d;
	uint32_t id, len;

	memcpy(drv_ptr(d, DRV_DATA + 0x8000), cmd, n);
	drv_desc(d, 2, 0, DRV_DATA + 0x8000, n, NEXT, 1);
	drv_desc(d, 2, 1, DRV_DATA + 0x9000, 1, WRITE, 0);
	*drv_ptr(d, DRV_DATA + 0x9000) = 0xcc;
	drv_offer(d, 2, 0);
	drv_notify(d, 2);
	assert_true(drv_used(d, 2, &id, &len));
	assert_int_equal(len, 1);
	return *drv_ptr(d, DRV_DATA + 0x9000);
}

static bool passes(struct t *t, const uint8_t *to)
{
	uint16_t before = drv_used_idx(&t->d, 0);

	rx(t, to, 60);
	return drv_used_idx(&t->d, 0) != before;
}

static void test_filter(void **s)
{
	struct t *t = *s;
	struct drv *d = &t->d;
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 },
		multi[6] = { 1, 0, 0x5e, 0, 0, 1 },
		all[6] = { 255, 255, 255, 255, 255, 255 };
	uint8_t table[2 + 4 + 6 + 4 + 6] = { 1, 0, 1 }, many[2 + 4 + 6 * 40];

	drv_start(d, MRG | CTRL, 3, 128);
	for (unsigned i = 0; i < 40; i++)
		rx_buffer(t, i, 100);
	assert_true(passes(t, other));          /* until told otherwise */
	assert_int_equal(control(t, "\0\0\0", 3), 0);
	assert_false(passes(t, other));
	assert_false(passes(t, multi));
	assert_true(passes(t, all));
	assert_true(passes(t, mac));
	assert_int_equal(control(t, "\0\1\1", 3), 0);
	assert_true(passes(t, multi));
	assert_int_equal(control(t, "\0\1\0", 3), 0);
	assert_false(passes(t, multi));
	memcpy(table + 6, other, 6);
	table[12] = 1;
	memcpy(table + 16, multi, 6);
	assert_int_equal(control(t, table, sizeof(table)), 0);
	assert_true(passes(t, other));
	assert_true(passes(t, multi));
	assert_int_equal(control(t, "\1\1\2\0\0\0\0\7", 8), 0);
	assert_int_equal(drv_common(d, 0x2004, 2), 0x0700);
	assert_false(passes(t, mac));
	/* more addresses than it remembers: all pass */
	memset(many, 0, sizeof(many));
	memcpy(many, "\1\0\50", 3);
	assert_int_equal(control(t, many, sizeof(many)), 1);    /* cut short */
	assert_false(passes(t, mac));
	many[2] = 39;
	assert_int_equal(control(t, many, 2 + 4 + 6 * 39 + 4), 0);
	assert_true(passes(t, mac));
	/* refused, harmless */
	assert_int_equal(control(t, "\0\0", 2), 1);
	assert_int_equal(control(t, "\0", 1), 1);
	assert_int_equal(control(t, "\0\7\1", 3), 1);
	assert_int_equal(control(t, "\1\0\377\377\377\377", 6), 1);
	assert_int_equal(control(t, "\2\0\0\0", 4), 1);
	assert_int_equal(control(t, "\1\1\2\0", 4), 1);
	assert_int_equal(drv_status(d), 0xf);
	/* a reset lets all through again and brings the address back */
	drv_set(d, 0x14, 1, 0);
	assert_int_equal(drv_common(d, 0x2000, 4), 0x12005452);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_config, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tx, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rx, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_echo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filter, setup, teardown),
	};

	return cmocka_run_group_tests_name("virtio_net", tests, NULL, NULL);
}
