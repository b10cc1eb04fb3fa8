/* fake.c: the fake board of unit tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

static void fake_set(struct intc *ic, uint32_t n, bool level)
{
	struct fake *f = (struct fake *)ic;
	struct fake_wire *w = &f->wire[n % FAKE_WIRES];

	w->sets++;
	if (level && !w->level)
		w->rises++;
	if (!level && w->level)
		w->falls++;
	w->level = level;
}

static void fake_msi_write(struct intc *ic, uint64_t addr, uint32_t data)
{
	struct fake *f = (struct fake *)ic;

	if (f->nmsi < FAKE_MSIS)
		f->msi[f->nmsi] = (struct fake_msi){ addr, data };
	f->nmsi++;
}

static const struct intc_ops fake_intc_ops = {
	.set = fake_set,
	.msi = fake_msi_write,
};

static void fake_die(const struct err *e)
{
	fprintf(stderr, "fake board: %s\n", e->msg);
	abort();
}

struct fake *fake_new_ram(uint64_t size)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct err e = { 0 };
	struct ram *r;

	if (!f)
		abort();
	f->intc.ops = &fake_intc_ops;
	f->as = as_new(&e);
	if (!f->as)
		fake_die(&e);
	r = as_ram(f->as, "ram", FAKE_RAM, size, &e);
	if (!r)
		fake_die(&e);
	f->ram = r->host;
	f->ram_size = size;
	f->dma.as = f->as;
	f->loop = loop_new_manual(&e);
	if (!f->loop)
		fake_die(&e);
	return f;
}

struct fake *fake_new(void)
{
	return fake_new_ram(FAKE_RAM_SIZE);
}

void fake_free(struct fake *f)
{
	if (!f)
		return;
	loop_free(f->loop);
	as_free(f->as);
	free(f);
}

void fake_clear(struct fake *f)
{
	int i;

	for (i = 0; i < FAKE_WIRES; i++)
		f->wire[i] = (struct fake_wire){ .level = f->wire[i].level };
	f->nmsi = 0;
}

struct irq fake_irq(struct fake *f, uint32_t n)
{
	return (struct irq){ &f->intc, n };
}

struct devconf fake_conf(struct fake *f, const void *arg)
{
	struct devconf conf = { .id = "dut", .dma = &f->dma, .loop = f->loop,
				.arg = arg };
	uint32_t i;

	for (i = 0; i < 4; i++)
		conf.irq[i] = fake_irq(f, i);
	return conf;
}

struct device *fake_device(struct fake *f, const struct device_ops *ops,
			   const void *arg)
{
	struct devconf conf = fake_conf(f, arg);
	struct err e = { 0 };
	struct device *dev = device_new(ops, &conf, &e);

	if (!dev)
		fake_die(&e);
	return dev;
}

enum io fake_read_win(struct device *dev, unsigned win, uint64_t off,
		      unsigned size, uint64_t *val)
{
	struct access a = { .off = off, .size = (uint8_t)size,
			    .win = (uint8_t)win };
	enum io io;

	device_lock(dev);
	io = dev->ops->read(dev, &a);
	device_unlock(dev);
	*val = size < 8 ? a.val & ((1ull << 8 * size) - 1) : a.val;
	return io;
}

enum io fake_write_win(struct device *dev, unsigned win, uint64_t off,
		       unsigned size, uint64_t val)
{
	struct access a = { .off = off, .size = (uint8_t)size,
			    .win = (uint8_t)win };
	enum io io;

	a.val = size < 8 ? val & ((1ull << 8 * size) - 1) : val;
	device_lock(dev);
	io = dev->ops->write(dev, &a);
	device_unlock(dev);
	return io;
}

uint64_t fake_read(struct device *dev, uint64_t off, unsigned size)
{
	uint64_t val;

	fake_read_win(dev, 0, off, size, &val);
	return val;
}

void fake_write(struct device *dev, uint64_t off, unsigned size, uint64_t val)
{
	fake_write_win(dev, 0, off, size, val);
}

void fake_advance(struct fake *f, uint64_t ns)
{
	loop_advance(f->loop, ns);
}

void fake_poll(struct fake *f)
{
	struct err e = { 0 };

	if (loop_poll(f->loop, &e) < 0)
		fake_die(&e);
}

static void fake_reset(struct device *dev)
{
	device_lock(dev);
	if (dev->ops->reset)
		dev->ops->reset(dev);
	device_unlock(dev);
}

static void fake_expect(const struct reg *r, const char *when, uint64_t got,
			uint64_t want)
{
	if (got != want)
		fail_msg("%s %s: is 0x%llx, should be 0x%llx", r->name, when,
			 (unsigned long long)got, (unsigned long long)want);
}

void fake_check_regs(struct device *dev)
{
	static const uint64_t pattern[] = {
		UINT64_MAX, 0, 0x5555555555555555u, 0xaaaaaaaaaaaaaaaau,
	};
	const struct reg *r;
	uint64_t mask, fixed, val;
	unsigned i, size;

	assert_non_null(dev->ops->regs);
	for (r = dev->ops->regs; r->name; r++) {
		mask = r->size < 8 ? (1ull << 8 * r->size) - 1 : UINT64_MAX;
		fixed = mask & ~r->rw & ~r->w1c;
		fake_reset(dev);
		if (fake_read_win(dev, 0, r->off, r->size, &val) != IO_OK)
			fail_msg("%s cannot be read", r->name);
		fake_expect(r, "after reset", val, r->reset);
		for (i = 0; i < 4 && (r->rw | r->w1c); i++) {
			fake_reset(dev);
			if (fake_write_win(dev, 0, r->off, r->size,
					   pattern[i]) != IO_OK)
				fail_msg("%s cannot be written", r->name);
			val = fake_read(dev, r->off, r->size);
			fake_expect(r, "rw bits", val & r->rw,
				    pattern[i] & r->rw);
			fake_expect(r, "fixed bits", val & fixed,
				    r->reset & fixed);
			fake_expect(r, "w1c bits", val & r->w1c & pattern[i],
				    0);
		}
		for (size = 1; size <= 8; size *= 2) {
			if (r->off % size)
				continue;
			fake_reset(dev);
			fake_write_win(dev, 0, r->off, size, UINT64_MAX);
			fake_read_win(dev, 0, r->off, size, &val);
		}
	}
	fake_reset(dev);
}

void fake_restore(struct fake *to_board, struct device *to,
		  struct fake *from_board, struct device *from)
{
	const struct device_ops *ops = from->ops;
	uint64_t a, b;
	struct err e;

	assert_int_equal(to_board->ram_size, from_board->ram_size);
	memcpy(to_board->ram, from_board->ram, from_board->ram_size);
	fake_reset(to);
	for (const struct field *s = ops->saved; s && s->size; s++)
		memcpy((uint8_t *)to + s->off, (uint8_t *)from + s->off,
		       s->size);
	if (ops->check && ops->check(to, &e))
		fail_msg("%s", e.msg);
	if (ops->resume)
		ops->resume(to);
	for (const struct reg *r = ops->regs; r && r->name; r++) {
		fake_read_win(from, 0, r->off, r->size, &a);
		fake_read_win(to, 0, r->off, r->size, &b);
		if (a != b)
			fail_msg("%s: 0x%llx before, 0x%llx after", r->name,
				 (unsigned long long)a, (unsigned long long)b);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(to_board->wire[i].level,
				 from_board->wire[i].level);
}
