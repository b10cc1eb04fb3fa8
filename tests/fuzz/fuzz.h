/* fuzz.h: what the fuzz targets share. The input is a program for a device on
 * the fake board: accesses, time, DMA contents, resets, snapshots loaded from
 * the input, and whatever the target adds. */
#ifndef POME_FUZZ_H
#define POME_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_in {
	const uint8_t *p;
	size_t n;
};

/* The next `bytes` bytes as a number; zeros when the input is used up. */
static inline uint64_t fuzz_get(struct fuzz_in *in, unsigned bytes)
{
	uint64_t val = 0;
	unsigned i;

	for (i = 0; i < bytes && in->n; i++, in->p++, in->n--)
		val |= (uint64_t)*in->p << 8 * i;
	return val;
}

/* A property that holds whatever the guest does. */
static inline void fuzz_require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: does not hold: %s\n", what);
	abort();
}

struct fuzz_target {
	struct fake *f;
	struct device *dev;
	unsigned nwin;
	uint64_t size[8];               /* of each window */
	bool load;                      /* snapshots from the input, too */
	void (*extra)(struct fuzz_target *, struct fuzz_in *);  /* or NULL */
	void *arg;
};

/* Loads the saved fields from the input; keeps them only if check agrees. */
static inline void fuzz_load(struct fuzz_target *t, struct fuzz_in *in)
{
	const struct device_ops *ops = t->dev->ops;
	size_t size = 0, at = 0;
	const struct field *s;
	struct err e;
	uint8_t *old;

	for (s = ops->saved; s && s->size; s++)
		size += s->size;
	if (!size || !ops->check)
		return;
	old = malloc(size);
	for (s = ops->saved; s->size; s++) {
		uint8_t *p = (uint8_t *)t->dev + s->off;
		unsigned n = (unsigned)fuzz_get(in, 1) % 8, i;

		memcpy(old + at, p, s->size);
		at += s->size;
		for (i = 0; i < n; i++)
			p[fuzz_get(in, 2) % s->size] = (uint8_t)fuzz_get(in, 1);
	}
	if (ops->check(t->dev, &e) < 0) {
		for (s = ops->saved, at = 0; s->size; at += s->size, s++)
			memcpy((uint8_t *)t->dev + s->off, old + at, s->size);
	}
	free(old);
	if (ops->resume)
		ops->resume(t->dev);
}

static inline void fuzz_run(struct fuzz_target *t, struct fuzz_in *in)
{
	const struct device_ops *ops = t->dev->ops;
	unsigned steps, op, win, size;
	uint64_t off, val;
	struct err e;

	for (steps = 0; in->n && steps < 2000; steps++) {
		op = (unsigned)fuzz_get(in, 1);
		size = 1u << (op >> 3 & 3);
		win = (op >> 5) % t->nwin;
		switch (op & 7) {
		case 0: case 1: case 2:
			off = fuzz_get(in, 3) % t->size[win] & ~(size - 1ull);
			fake_write_win(t->dev, win, off, size,
				       fuzz_get(in, size));
			break;
		case 3: case 4:
			off = fuzz_get(in, 3) % t->size[win] & ~(size - 1ull);
			fake_read_win(t->dev, win, off, size, &val);
			break;
		case 5:
			/* up to 4 s, in steps of 1 ns to 2^24 ns */
			off = fuzz_get(in, 1);
			fake_advance(t->f, off << (op >> 3 & 24));
			break;
		case 6:
			if (op >> 3 == 0 && ops->reset)
				ops->reset(t->dev);
			else if (op >> 3 == 1 && t->load)
				fuzz_load(t, in);
			else if (op >> 3 == 2)
				fake_poll(t->f);
			else
				t->f->ram[fuzz_get(in, 2) % t->f->ram_size] =
					(uint8_t)fuzz_get(in, 1);
			break;
		case 7:
			if (t->extra)
				t->extra(t, in);
			break;
		}
	}
	/* what a guest does must always make a snapshot that loads again */
	if (ops->check)
		fuzz_require(ops->check(t->dev, &e) == 0, "check()");
}

#endif
