/* Fuzz target: a console whose terminal is full now and then. */
#include "virtio.h"
#include "virtio_console.h"

struct term {
	struct tty tty;
	size_t room;
	bool blocked;
};

static size_t t_write(struct tty *tty, const void *p, size_t n)
{
	struct term *m = (struct term *)tty;
	static uint8_t seen[4096];

	fuzz_require(n <= sizeof(seen), "chunks are small");
	memcpy(seen, p, n);             /* all of it can be read */
	if (n > m->room) {
		n = m->room;
		m->blocked = true;
	}
	m->room -= n;
	return n;
}

static void t_ready(struct tty *tty)
{
}

static const struct tty_ops t_ops = { .write = t_write, .ready = t_ready };

static void extra(struct fuzz_virtio *t, struct fuzz_in *in)
{
	struct term *m = t->arg;
	unsigned op = (unsigned)fuzz_get(in, 1);
	uint8_t buf[64] = { 0 };

	device_lock(t->d.dev);
	if (op & 1) {
		m->room += op << 4;
		if (m->blocked) {
			m->blocked = false;
			m->tty.writable(t->d.dev);
		}
	} else if (op & 2) {
		m->tty.resized(t->d.dev, op, op >> 2);
	} else {
		fuzz_require(m->tty.input(t->d.dev, buf, op >> 2) <= op >> 2,
			     "takes no more than there is");
	}
	device_unlock(t->d.dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct term m = { .tty = { .ops = &t_ops }, .room = 1000 };
	struct virtio_console_conf c = { .tty = &m.tty };
	struct fuzz_virtio t = { .queues = 2, .extra = extra, .arg = &m };

	drv_open(&t.d);
	c.virtio.pci = drv_pci(&t.d);
	t.d.dev = fake_device(t.d.f, &virtio_console_ops, &c);
	t.features = ((struct virtio *)t.d.dev)->features;
	fuzz_virtio_run(&t, &in);
	return 0;
}
