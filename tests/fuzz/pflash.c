/* Fuzz target: the flash banks, the second one with a file that may fail. */
#include "backend.h"
#include "fuzz.h"
#include "pflash.h"

enum { BANK = 1 << 20, FILE_SIZE = PFLASH_BLOCK + 512 };

static uint8_t file[FILE_SIZE];
static bool fail;

static int mem_run(struct blk *b, struct blk_req *r)
{
	fuzz_require(r->op == BLK_FLUSH ||
		     (r->off <= b->size && r->len <= b->size - r->off),
		     "requests lie in the file");
	if (r->op == BLK_READ)
		memcpy(r->iov->iov_base, file + r->off, r->len);
	else if (r->op == BLK_WRITE)
		memcpy(file + r->off, r->iov->iov_base, r->len);
	return fail ? 5 : 0;
}

static const struct blk_ops mem_ops = { .name = "mem", .run = mem_run };

/* A command that means something. */
static void extra(struct fuzz_target *t, struct fuzz_in *in)
{
	static const uint8_t cmds[] = { 0x10, 0x20, 0x40, 0x50, 0x60, 0x70,
					0x90, 0x98, 0xd0, 0xe8, 0xf0, 0xff };
	unsigned op = (unsigned)fuzz_get(in, 1);
	uint64_t off = fuzz_get(in, 1) << 12;

	fake_write_win(t->dev, op >> 7, off, 4, cmds[(op & 127) % 12]);
	fail = op == 0x7f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct blk_pool *pool;
	struct fuzz_in in = { data, size };
	struct fuzz_target t = { .f = fake_new(), .nwin = 2,
				 .size = { BANK, BANK }, .extra = extra };
	struct blk b = { .ops = &mem_ops, .size = sizeof(file) };
	struct pflash_conf c = { .bank_size = BANK };
	unsigned op = (unsigned)fuzz_get(&in, 1);
	uint64_t val;

	if (!pool)
		pool = blk_pool_new(1, NULL);
	b.pool = pool;
	b.path = (char *)"file";
	memset(file, 0, sizeof(file));
	fail = false;
	c.bank[0].rom = op & 1;
	c.bank[1].blk = &b;
	c.bank[1].keep = !(op & 2);
	t.dev = fake_device(t.f, &pflash_ops, &c);
	fuzz_run(&t, &in);
	blk_drain(&b);
	t.dev->ops->reset(t.dev);
	/* memory and file agree, if the file took everything */
	for (unsigned off = 0; !(op & 2) && off < sizeof(file); off += 4096) {
		fake_read_win(t.dev, 1, off, 8, &val);
		fuzz_require(!memcmp(&val, file + off, 8), "the file");
	}
	device_free(t.dev);
	fake_free(t.f);
	return 0;
}
