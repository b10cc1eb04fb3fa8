/* Fuzz target: BDIF's disks (windows 0 and 1, as on the board), and its USB
 * port with a host end that sends anything. */
#include "bdif.h"
#include "fuzz.h"

static uint8_t image[32768];

static int mem_run(struct blk *b, struct blk_req *r)
{
	uint64_t at = r->off, len = 0;

	fuzz_require(r->off <= b->size && r->len <= b->size - r->off,
		     "requests lie on the disk");
	fuzz_require(!b->readonly || r->op == BLK_READ, "readonly stays so");
	for (int i = 0; i < r->niov; i++) {
		size_t n = r->iov[i].iov_len;

		fuzz_require(n <= r->len - len, "pieces make up the length");
		if (r->op == BLK_READ)
			memcpy(r->iov[i].iov_base, image + at, n);
		else
			memcpy(image + at, r->iov[i].iov_base, n);
		at += n;
		len += n;
	}
	fuzz_require(len == r->len, "no piece is missing");
	return at % 1024 == 512 ? 5 : 0;
}

static const struct blk_ops mem_ops = { .name = "mem", .run = mem_run };

static void put(struct fuzz_target *t, unsigned at, unsigned size, uint64_t val)
{
	memcpy(t->f->ram + at, &val, size);
}

/* A request that is nearly right, one field from the input. */
static void disk_request(struct fuzz_target *t, struct fuzz_in *in)
{
	unsigned op = (unsigned)fuzz_get(in, 1);
	unsigned field = (unsigned)fuzz_get(in, 1) % 64;

	put(t, 0x200, 8, 0);
	put(t, 0x208, 8, fuzz_get(in, 1));
	put(t, 0x100, 8, FAKE_RAM + 0x200);
	put(t, 0x108, 8, 16);
	put(t, 0x110, 8, FAKE_RAM + 0x1000);
	put(t, 0x118, 4, fuzz_get(in, 2));
	put(t, 0x11c, 4, op & 1 ? 0x10001 : 0x30001);
	put(t, 0x120, 8, FAKE_RAM + 0x300);
	put(t, 0x128, 8, 1);
	if (op & 2)
		put(t, field < 48 ? 0x100 + field : 0x200 + field - 48, 1,
		    fuzz_get(in, 1));
	fake_write(t->dev, (op & 4 ? 0x10000 : 0) + 0x408, 8, FAKE_RAM + 0x100);
}

/* ---- the USB port -------------------------------------------------------- */

struct host {
	struct tty tty;
	size_t room, sent;
};

static size_t host_write(struct tty *t, const void *buf, size_t len)
{
	struct host *h = (struct host *)t;
	static uint8_t sink[65536];

	fuzz_require(len <= sizeof(sink), "frames are bounded");
	memcpy(sink, buf, len);
	if (len > h->room)
		len = h->room;
	h->room -= len;
	return len;
}

static void host_ready(struct tty *t)
{
}

static const struct tty_ops host_ops = { .write = host_write,
					 .ready = host_ready };

static void usb(struct fuzz_target *t, struct fuzz_in *in)
{
	struct host *h = t->arg;
	unsigned op = (unsigned)fuzz_get(in, 1), n;
	uint8_t frame[300] = { 0 };

	switch (op & 3) {
	case 0:
		n = (unsigned)fuzz_get(in, 1);
		frame[0] = (uint8_t)n;
		frame[op >> 2 & 3] ^= (uint8_t)fuzz_get(in, 1);
		frame[4] = (uint8_t)(op >> 4);
		frame[5] = (uint8_t)fuzz_get(in, 1);
		device_lock(t->dev);
		fuzz_require(h->tty.input(t->dev, frame, 6 + n) <= 6 + n,
			     "input takes what it got");
		device_unlock(t->dev);
		break;
	case 1:
		h->room = fuzz_get(in, 2);
		device_lock(t->dev);
		h->tty.writable(t->dev);
		if (op & 4)
			h->tty.hangup(t->dev);
		device_unlock(t->dev);
		break;
	default:                                /* a descriptor */
		put(t, 0x100, 8, FAKE_RAM + fuzz_get(in, 2));
		put(t, 0x108, 8, fuzz_get(in, 2));
		fake_write(t->dev, 0x410, 4, op >> 2 & 3);
		fake_write(t->dev, 0x408, 8, FAKE_RAM + 0x100);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct blk_pool *pool;
	struct fuzz_in in = { data, size };
	struct blk b[2] = {
		{ .ops = &mem_ops, .size = 32768, .block_size = 512 },
		{ .ops = &mem_ops, .size = 512, .block_size = 512 },
	};
	struct bdif_conf dc = { &b[0], &b[1] };
	struct host h = { .tty = { .ops = &host_ops } };
	struct bdif_usb_conf uc = { &h.tty };
	struct fuzz_target t = { .f = fake_new(), .load = true };
	unsigned op = (unsigned)fuzz_get(&in, 1);

	if (!pool)
		pool = blk_pool_new(2, NULL);
	b[0].pool = b[1].pool = pool;
	b[0].readonly = op & 2;
	if (op & 1) {
		t.nwin = 1;
		t.size[0] = 0x10000;
		t.extra = usb;
		t.arg = &h;
		t.dev = fake_device(t.f, &bdif_usb_ops, &uc);
	} else {
		t.nwin = 2;
		t.size[0] = 0x20000;            /* the slots of interest */
		t.size[1] = 0x10000;
		t.extra = disk_request;
		t.dev = fake_device(t.f, &bdif_ops, &dc);
	}
	fuzz_run(&t, &in);
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
