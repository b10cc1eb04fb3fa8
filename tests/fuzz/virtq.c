/* Fuzz target: the queue walker alone, rings and all from the input. Whatever
 * they hold, buffers lie in RAM and add up. */
#include "fuzz.h"
#include "virtq.h"

struct owner {
	unsigned broken;
};

static void broken(void *owner, struct virtq *q, const char *why)
{
	((struct owner *)owner)->broken++;
}

static void interrupt(void *owner, struct virtq *q)
{
}

static void check(struct fake *f, const struct virtq_elem *e)
{
	size_t sum[2] = { 0, 0 };

	fuzz_require(e->nout + e->nin <= VIRTQ_SEGS, "not too many");
	for (unsigned i = 0; i < e->nout + e->nin; i++) {
		uint8_t *p = e->iov[i].iov_base;

		fuzz_require(p >= f->ram && p <= f->ram + f->ram_size &&
			     e->iov[i].iov_len <=
			     (size_t)(f->ram + f->ram_size - p), "in RAM");
		sum[i >= e->nout] += e->iov[i].iov_len;
	}
	fuzz_require(sum[0] == e->out_len && sum[1] == e->in_len, "lengths");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct virtq_elem e;
	struct fuzz_in in = { data, size };
	struct fake *f = fake_new();
	struct owner o = { 0 };
	struct virtq q = { .dma = &f->dma, .owner = &o, .broken = broken,
			   .interrupt = interrupt };
	unsigned conf = (unsigned)fuzz_get(&in, 1), taken = 0;
	unsigned len = (unsigned)fuzz_get(&in, 2) % 4096;
	uint64_t avail = FAKE_RAM + (fuzz_get(&in, 1) << 4);
	uint64_t used = FAKE_RAM + (fuzz_get(&in, 1) << 5);
	uint8_t buf[64] = { 0 };

	/* small rings near each other, so that they are soon full of input;
	 * rings may even overlap */
	if (virtq_start(&q, 1u << (conf & 7), FAKE_RAM, avail, used, conf & 8,
			conf & 16))
		goto out;
	for (unsigned i = 0; i < len; i++)
		f->ram[i] = (uint8_t)fuzz_get(&in, 1);
	for (unsigned steps = 0; in.n && steps < 4000; steps++) {
		unsigned op = (unsigned)fuzz_get(&in, 1);

		switch (op & 7) {
		case 0: case 1:
			if (virtq_pop(&q, &e)) {
				taken++;
				check(f, &e);
				virtq_read(&e, op, buf, sizeof(buf));
				virtq_write(&e, op, buf, sizeof(buf));
			}
			break;
		case 2:
			virtq_push(&q, (uint16_t)fuzz_get(&in, 1), op);
			break;
		case 3:
			virtq_show(&q);
			break;
		case 4:
			virtq_notify_off(&q);
			break;
		case 5:
			virtq_notify_on(&q);
			break;
		case 6:
			virtq_show(&q);
			if (taken && op & 8) {
				virtq_unpop(&q, 1);
				taken--;
			}
			break;
		case 7:
			f->ram[fuzz_get(&in, 2) % 4096] =
				(uint8_t)fuzz_get(&in, 1);
			break;
		}
	}
	fuzz_require(o.broken <= 1, "breaks once");
out:
	fake_free(f);
	return 0;
}
