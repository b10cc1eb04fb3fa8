/* Fuzz target: the PL011 with a terminal that comes and goes. Whatever was
 * accepted arrives, in order, once. */
#include "backend.h"
#include "fuzz.h"
#include "pl011.h"

struct term {
	struct tty tty;
	size_t room;
	uint64_t n;                     /* bytes that arrived */
	uint8_t last[PL011_TAIL];       /* the latest of them */
	bool blocked;
};

static size_t term_write(struct tty *tty, const void *p, size_t n)
{
	struct term *m = (struct term *)tty;
	size_t i, took = n < m->room ? n : m->room;

	for (i = 0; i < took; i++)
		m->last[m->n++ % PL011_TAIL] = ((const uint8_t *)p)[i];
	m->room -= took;
	m->blocked = took < n;
	return took;
}

static void term_ready(struct tty *tty)
{
}

static const struct tty_ops term_ops = {
	.write = term_write,
	.ready = term_ready,
};

static void term_more(struct fuzz_target *t, struct term *m, size_t room)
{
	m->room += room;
	if (!m->blocked)
		return;
	m->blocked = false;
	device_lock(t->dev);
	m->tty.writable(t->dev);
	device_unlock(t->dev);
}

static void extra(struct fuzz_target *t, struct fuzz_in *in)
{
	struct term *m = t->arg;
	unsigned op = (unsigned)fuzz_get(in, 1), i;
	uint8_t buf[32];
	size_t n;

	if (op & 1) {
		term_more(t, m, (op >> 1) * 40);
		return;
	}
	if (op & 2) {                   /* a burst of output */
		for (i = 0; i < (op >> 2) * 32; i++)
			fake_write(t->dev, 0, 4, i);
		return;
	}
	for (i = 0; i < sizeof(buf) && i < op >> 2; i++)
		buf[i] = (uint8_t)fuzz_get(in, 1);
	device_lock(t->dev);
	n = m->tty.input(t->dev, buf, i);
	device_unlock(t->dev);
	fuzz_require(n <= i, "takes no more than there is");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct term m = { .tty.ops = &term_ops };
	struct pl011_conf c = { &m.tty };
	struct fuzz_target t = { .f = fake_new(), .nwin = 1, .size = { 0x1000 },
				 .extra = extra, .arg = &m };
	static char tail[PL011_TAIL];
	uint64_t tx, rx, i, have;

	t.dev = fake_device(t.f, &pl011_ops, &c);
	fuzz_run(&t, &in);
	term_more(&t, &m, SIZE_MAX / 2);
	fake_advance(t.f, 10000000);
	pl011_counts(t.dev, &tx, &rx);
	fuzz_require(tx == m.n, "every byte arrives");
	have = pl011_tail(t.dev, tail, sizeof(tail));
	for (i = 0; i < have; i++)
		fuzz_require((uint8_t)tail[have - 1 - i] ==
			     m.last[(m.n - 1 - i) % PL011_TAIL], "in order");
	/* snapshots: no claim about bytes then */
	t.load = true;
	in = (struct fuzz_in){ data, size };
	fuzz_run(&t, &in);
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
