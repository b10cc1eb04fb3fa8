/* Fuzz target: a disk of 32 KiB in memory, with a thread that may be slow. */
#include "virtio.h"
#include "virtio_blk.h"

static uint8_t image[32768];

static int mem_run(struct blk *b, struct blk_req *r)
{
	uint64_t at = r->off, len = 0;

	fuzz_require(r->op == BLK_FLUSH ||
		     (r->off <= b->size && r->len <= b->size - r->off),
		     "requests lie on the disk");
	for (int i = 0; r->op <= BLK_WRITE && i < r->niov; i++) {
		size_t n = r->iov[i].iov_len;

		fuzz_require(n <= r->len - len, "pieces make up the length");
		if (r->op == BLK_READ)
			memcpy(r->iov[i].iov_base, image + at, n);
		else
			memcpy(image + at, r->iov[i].iov_base, n);
		at += n;
		len += n;
	}
	fuzz_require(r->op > BLK_WRITE || len == r->len, "no piece is missing");
	fuzz_require(!b->readonly || r->op == BLK_READ, "readonly stays so");
	if (r->op == BLK_ZERO)
		memset(image + r->off, 0, r->len);
	return at % 1024 == 512 ? 5 : 0;
}

static const struct blk_ops mem_ops = { .name = "mem", .run = mem_run };

/* A request header where descriptors point most. */
static void extra(struct fuzz_virtio *t, struct fuzz_in *in)
{
	static const uint8_t types[] = { 0, 1, 4, 8, 11, 13, 2, 3 };
	uint8_t *p = drv_ptr(&t->d, DRV_DATA + fuzz_get(in, 1));

	memset(p, 0, 16);
	p[0] = types[fuzz_get(in, 1) % 8];
	p[8] = (uint8_t)fuzz_get(in, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct blk_pool *pool;
	struct fuzz_in in = { data, size };
	struct blk b = { .ops = &mem_ops, .size = sizeof(image),
			 .block_size = 512, .discard = true };
	struct virtio_blk_conf c = { .blk = &b };
	struct fuzz_virtio t = { .queues = 1, .features = ~0ull,
				 .extra = extra };
	unsigned op = (unsigned)fuzz_get(&in, 1);

	if (!pool)
		pool = blk_pool_new(2, NULL);
	b.pool = pool;
	b.readonly = op & 1;
	c.kind = (op >> 1) % 3;
	drv_open(&t.d);
	c.virtio.pci = drv_pci(&t.d);
	t.d.dev = fake_device(t.d.f, &virtio_blk_ops, &c);
	t.features = ((struct virtio *)t.d.dev)->features;
	fuzz_virtio_run(&t, &in);
	blk_drain(&b);
	return 0;
}
