/* Tests of devices/pl011.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend.h"
#include "fake.h"
#include "pl011.h"

enum {
	DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, LCR_H = 0x2c, CR = 0x30,
	IFLS = 0x34, IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44,
};

enum { RXFE = 1 << 4, TXFF = 1 << 5, RXFF = 1 << 6, TXFE = 1 << 7,
       BUSY = 1 << 3 };
enum { RXI = 1 << 4, TXI = 1 << 5, RTI = 1 << 6, OEI = 1 << 10 };

/* A terminal that takes `room` bytes. */
struct term {
	struct tty tty;
	char out[100000];
	size_t n, room;
	unsigned calls, readies;
};

static size_t term_write(struct tty *t, const void *p, size_t n)
{
	struct term *m = (struct term *)t;

	m->calls++;
	if (n > m->room)
		n = m->room;
	memcpy(m->out + m->n, p, n);
	m->n += n;
	m->room -= n;
	return n;
}

static void term_ready(struct tty *t)
{
	((struct term *)t)->readies++;
}

static const struct tty_ops term_ops = {
	.write = term_write,
	.ready = term_ready,
};

struct rig {
	struct fake *f;
	struct device *dev;
	struct term *t;
};

static struct rig rig_open(void)
{
	struct rig r = { .f = fake_new(), .t = calloc(1, sizeof(struct term)) };
	struct pl011_conf c = { &r.t->tty };

	r.t->tty.ops = &term_ops;
	r.t->room = SIZE_MAX;
	r.dev = fake_device(r.f, &pl011_ops, &c);
	return r;
}

static void rig_close(struct rig *r)
{
	device_free(r->dev);
	free(r->t);
	fake_free(r->f);
}

static void term_drain(struct rig *r, size_t room)
{
	r->t->room += room;
	device_lock(r->dev);
	r->t->tty.writable(r->dev);
	device_unlock(r->dev);
}

static size_t type(struct rig *r, const char *s, size_t n)
{
	size_t took;

	device_lock(r->dev);
	took = r->t->tty.input(r->dev, s, n);
	device_unlock(r->dev);
	return took;
}

static void put(struct rig *r, const char *s)
{
	while (*s)
		fake_write(r->dev, DR, 4, (uint8_t)*s++);
}

static void test_regs(void **state)
{
	struct rig r = rig_open();
	uint64_t val;

	fake_check_regs(r.dev);
	assert_int_equal(fake_read_win(r.dev, 0, 0x08, 4, &val), IO_NOREG);
	assert_int_equal(fake_read_win(r.dev, 0, 0x31, 1, &val), IO_NOREG);
	assert_int_equal(fake_read_win(r.dev, 0, 0x30, 8, &val), IO_SIZE);
	assert_int_equal(fake_write_win(r.dev, 0, 0x4c, 4, 0), IO_NOREG);
	/* halves and bytes work: early consoles use them */
	assert_int_equal(fake_read(r.dev, CR, 2), 0x300);
	rig_close(&r);
}

static void test_send(void **state)
{
	struct rig r = rig_open();
	char tail[8];
	uint64_t tx, rx;

	put(&r, "hello");
	assert_int_equal(fake_read(r.dev, FR, 4) & (TXFE | TXFF | BUSY), TXFE);
	assert_int_equal(r.t->calls, 0);        /* gathered */
	fake_advance(r.f, 1000000);
	assert_int_equal(r.t->n, 5);
	assert_memory_equal(r.t->out, "hello", 5);
	assert_int_equal(r.t->calls, 1);
	fake_advance(r.f, 10000000);
	assert_int_equal(r.t->calls, 1);
	/* a byte store, and what a word store carries above the byte */
	fake_write(r.dev, DR, 1, 'x');
	fake_write(r.dev, DR, 4, 0xffffff00 | 'y');
	device_lock(r.dev);
	r.dev->ops->pause(r.dev);               /* nothing waits in a pause */
	device_unlock(r.dev);
	assert_memory_equal(r.t->out, "helloxy", 7);
	assert_int_equal(pl011_tail(r.dev, tail, 3), 3);
	assert_memory_equal(tail, "oxy", 3);
	assert_int_equal(pl011_tail(r.dev, tail, 8), 7);
	pl011_counts(r.dev, &tx, &rx);
	assert_int_equal(tx, 7);
	assert_int_equal(rx, 0);
	put(&r, "end");
	device_free(r.dev);                     /* nor at the end */
	assert_memory_equal(r.t->out, "helloxyend", 10);
	free(r.t);
	fake_free(r.f);
}

static void test_slow_terminal(void **state)
{
	struct rig r = rig_open();
	unsigned sent = 0, i;

	fake_write(r.dev, LCR_H, 4, 0x70);
	r.t->room = 10;
	/* a guest that respects TXFF */
	while (!(fake_read(r.dev, FR, 4) & TXFF)) {
		fake_write(r.dev, DR, 4, 'a' + sent % 26);
		sent++;
		assert_true(sent < 100000);
	}
	assert_int_equal(sent, 10 + 4096);
	assert_int_equal(fake_read(r.dev, FR, 4) & (TXFE | BUSY), BUSY);
	assert_int_equal(fake_read(r.dev, RIS, 4) & TXI, 0);
	fake_advance(r.f, 100000000);
	assert_int_equal(r.t->n, 10);
	/* the FIFO's trigger: half empty, then the interrupt comes */
	fake_write(r.dev, IMSC, 4, TXI);
	term_drain(&r, 7);
	assert_int_equal(fake_read(r.dev, FR, 4) & TXFF, 0);
	assert_false(r.f->wire[0].level);
	term_drain(&r, 1);
	assert_true(r.f->wire[0].level);
	term_drain(&r, 8);
	assert_int_equal(fake_read(r.dev, FR, 4) & (TXFE | BUSY), TXFE);
	/* fill above the trigger: it goes */
	for (i = 0; i < 9; i++)
		fake_write(r.dev, DR, 4, 'a' + sent++ % 26);
	assert_false(r.f->wire[0].level);
	term_drain(&r, SIZE_MAX / 2);
	assert_true(r.f->wire[0].level);
	assert_int_equal(r.t->n, sent);
	for (i = 0; i < sent; i++)
		assert_int_equal(r.t->out[i], 'a' + i % 26);
	/* without FIFO one character fills it */
	r.t->room = 0;
	fake_write(r.dev, LCR_H, 4, 0x60);
	for (i = 0; i < 4096 - 16; i++)
		fake_write(r.dev, DR, 4, '.');
	assert_int_equal(fake_read(r.dev, FR, 4) & TXFF, 0);
	fake_write(r.dev, DR, 4, '1');
	assert_int_equal(fake_read(r.dev, FR, 4) & TXFF, TXFF);
	fake_write(r.dev, DR, 4, '2');          /* ignored TXFF: lost */
	term_drain(&r, SIZE_MAX / 2);
	assert_int_equal(r.t->n, sent + 4096 - 16 + 1);
	assert_int_equal(r.t->out[r.t->n - 1], '1');
	rig_close(&r);
}

static void test_tx_interrupt(void **state)
{
	struct rig r = rig_open();

	fake_write(r.dev, LCR_H, 4, 0x70);
	fake_write(r.dev, IMSC, 4, TXI);
	assert_false(r.f->wire[0].level);       /* not before the first */
	put(&r, "x");
	assert_true(r.f->wire[0].level);
	assert_int_equal(fake_read(r.dev, MIS, 4), TXI);
	fake_write(r.dev, ICR, 4, TXI);
	assert_false(r.f->wire[0].level);
	put(&r, "y");
	assert_true(r.f->wire[0].level);
	fake_write(r.dev, IMSC, 4, 0);
	assert_false(r.f->wire[0].level);
	assert_int_equal(fake_read(r.dev, RIS, 4), TXI);
	rig_close(&r);
}

static void test_receive(void **state)
{
	struct rig r = rig_open();
	unsigned i;

	/* off: the other side keeps it */
	assert_int_equal(type(&r, "early", 5), 0);
	assert_int_equal(r.t->readies, 0);
	fake_write(r.dev, CR, 4, 0x301);
	assert_int_equal(r.t->readies, 1);
	fake_write(r.dev, IMSC, 4, RXI | RTI | OEI);
	/* no FIFO: one character, interrupt at once */
	assert_int_equal(type(&r, "ab", 2), 1);
	assert_int_equal(fake_read(r.dev, FR, 4) & (RXFE | RXFF), RXFF);
	assert_true(r.f->wire[0].level);
	assert_int_equal(fake_read(r.dev, DR, 4), 'a');
	assert_false(r.f->wire[0].level);
	assert_int_equal(r.t->readies, 2);
	assert_int_equal(fake_read(r.dev, FR, 4) & (RXFE | RXFF), RXFE);
	/* FIFO, trigger at half */
	fake_write(r.dev, LCR_H, 4, 0x70);
	assert_int_equal(type(&r, "1234567", 7), 7);
	assert_false(r.f->wire[0].level);
	assert_int_equal(type(&r, "8", 1), 1);
	assert_int_equal(fake_read(r.dev, MIS, 4), RXI);
	assert_int_equal(fake_read(r.dev, DR, 4), '1');
	assert_int_equal(fake_read(r.dev, MIS, 4), 0);  /* below the trigger */
	/* the rest is reported by the time-out, 32 bit times */
	fake_advance(r.f, 250000);
	assert_int_equal(fake_read(r.dev, RIS, 4), 0);
	fake_advance(r.f, 50000);
	assert_int_equal(fake_read(r.dev, MIS, 4), RTI);
	assert_true(r.f->wire[0].level);
	for (i = 2; i <= 8; i++)
		assert_int_equal(fake_read(r.dev, DR, 4), '0' + i);
	assert_false(r.f->wire[0].level);
	assert_int_equal(fake_read(r.dev, DR, 4), 0);   /* empty */
	/* full: 16, the rest is refused and asked for later */
	assert_int_equal(type(&r, "ABCDEFGHIJKLMNOPQRST", 20), 16);
	assert_int_equal(fake_read(r.dev, FR, 4) & (RXFE | RXFF), RXFF);
	i = r.t->readies;
	assert_int_equal(fake_read(r.dev, DR, 4), 'A');
	assert_int_equal(r.t->readies, i + 1);
	assert_int_equal(type(&r, "QRST", 4), 1);
	for (i = 0; i < 16; i++)
		assert_int_equal(fake_read(r.dev, DR, 4), 'B' + i);
	/* other triggers */
	fake_write(r.dev, IFLS, 4, 4 << 3);
	assert_int_equal(type(&r, "0123456789abc", 13), 13);
	assert_int_equal(fake_read(r.dev, RIS, 4) & RXI, 0);
	assert_int_equal(type(&r, "d", 1), 1);
	assert_int_equal(fake_read(r.dev, RIS, 4) & RXI, RXI);
	fake_write(r.dev, IFLS, 4, 0);
	/* ICR clears the time-out; what stays is reported again */
	fake_advance(r.f, 1000000);
	fake_write(r.dev, ICR, 4, 0x7ff);
	assert_false(r.f->wire[0].level);
	fake_advance(r.f, 1000000);
	assert_int_equal(fake_read(r.dev, MIS, 4), RTI);
	/* reset empties it */
	r.dev->ops->reset(r.dev);
	assert_int_equal(fake_read(r.dev, FR, 4) & RXFE, RXFE);
	assert_false(r.f->wire[0].level);
	rig_close(&r);
}

static void test_timeout_by_divisor(void **state)
{
	struct rig r = rig_open();

	fake_write(r.dev, CR, 4, 0x301);
	fake_write(r.dev, LCR_H, 4, 0x70);
	fake_write(r.dev, IBRD, 4, 156);        /* 9600: 32 bits are 3.3 ms */
	fake_write(r.dev, IMSC, 4, RTI);
	type(&r, "x", 1);
	fake_advance(r.f, 3300000);
	assert_false(r.f->wire[0].level);
	fake_advance(r.f, 100000);
	assert_true(r.f->wire[0].level);
	/* guest time stands while the VM is paused */
	fake_read(r.dev, DR, 4);
	type(&r, "y", 1);
	loop_pause(r.f->loop);
	fake_advance(r.f, 10000000);
	assert_false(r.f->wire[0].level);
	loop_resume(r.f->loop);
	fake_advance(r.f, 10000000);
	assert_true(r.f->wire[0].level);
	rig_close(&r);
}

static void test_loopback(void **state)
{
	struct rig r = rig_open();
	unsigned i;

	fake_write(r.dev, CR, 4, 0x381);        /* LBE: modem outputs are off */
	assert_int_equal(fake_read(r.dev, FR, 4) & 7, 0);
	assert_int_equal(fake_read(r.dev, RIS, 4) & 0xf, 0xe);
	fake_write(r.dev, CR, 4, 0x381 | 1 << 11 | 1 << 13);
	assert_int_equal(fake_read(r.dev, FR, 4) & 0x107, 0x101);
	fake_write(r.dev, LCR_H, 4, 0x70);
	assert_int_equal(type(&r, "x", 1), 0);  /* not connected */
	put(&r, "0123456789abcdef");
	assert_int_equal(fake_read(r.dev, RIS, 4) & OEI, 0);
	put(&r, "g");                           /* overrun */
	assert_int_equal(fake_read(r.dev, RIS, 4) & OEI, OEI);
	assert_int_equal(fake_read(r.dev, RSR, 4), 8);
	fake_write(r.dev, RSR, 4, 0);
	assert_int_equal(fake_read(r.dev, RSR, 4), 0);
	for (i = 0; i < 16; i++)
		assert_int_equal(fake_read(r.dev, DR, 4),
				 (uint8_t)"0123456789abcdef"[i]);
	put(&r, "h");
	assert_int_equal(fake_read(r.dev, DR, 4), 1 << 11 | 'h');
	/* break */
	fake_write(r.dev, LCR_H, 4, 0x71);
	assert_int_equal(fake_read(r.dev, DR, 4), 1 << 10);
	assert_int_equal(fake_read(r.dev, RIS, 4) & 1 << 9, 1 << 9);
	fake_advance(r.f, 10000000);
	assert_int_equal(r.t->n, 0);
	rig_close(&r);
}

static void test_no_terminal(void **state)
{
	struct fake *f = fake_new();
	struct pl011_conf c = { NULL };
	struct device *dev = fake_device(f, &pl011_ops, &c);
	static char tail[PL011_TAIL + 1];
	unsigned i;

	for (i = 0; i < 20000; i++) {
		assert_int_equal(fake_read(dev, FR, 4) & TXFF, 0);
		fake_write(dev, DR, 4, i & 0xff);
	}
	assert_int_equal(pl011_tail(dev, tail, sizeof(tail)), PL011_TAIL);
	assert_int_equal((uint8_t)tail[PL011_TAIL - 1], 19999 & 0xff);
	assert_int_equal((uint8_t)tail[0], (20000 - PL011_TAIL) & 0xff);
	device_free(dev);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regs),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_slow_terminal),
		cmocka_unit_test(test_tx_interrupt),
		cmocka_unit_test(test_receive),
		cmocka_unit_test(test_timeout_by_divisor),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
