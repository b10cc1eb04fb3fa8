/* g_bench.c: how fast the first disk (raw) and the second one (qcow2) are
 * through virtio-blk, by turns, as the guest's clock sees it. Writes end with a
 * flush. For bench.sh. */
#include "disk.h"

#define DEPTH 16

static struct disk disk[2];
static uint8_t *buf;
static uint64_t state = 88172645463325252ul;

static uint64_t rnd(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

struct load {
	const char *name;
	uint32_t type, len;
	bool random;
	unsigned count, slices;         /* requests of a slice */
};

/* Slices of a few milliseconds, and many: on a busy host the shortest one is the
 * one that nothing interrupted, and it is not found among a handful. */
static const struct load loads[] = {
	{ "write, sequential, new", DISK_OUT, 131072, false, 256, 30 },
	{ "write, sequential", DISK_OUT, 131072, false, 64, 200 },
	{ "read, sequential", DISK_IN, 131072, false, 128, 300 },
	{ "write, random 4 KiB", DISK_OUT, 4096, true, 512, 300 },
	{ "write, random 4 KiB, flush each 32", DISK_OUT, 4096, true, 32, 200 },
	{ "read, random 4 KiB", DISK_IN, 4096, true, 512, 300 },
};

/* Bytes that the first load writes: the others stay among them. */
#define WRITTEN (30ul * 256 * 131072)

static void drain(struct disk *d)
{
	while (d->busy) {
		unsigned status = disk_status(d, disk_wait(d));

		if (status)
			print("X: status %u\n", status);
	}
}

/* One slice; returns its time in ticks of the counter. */
static uint64_t slice(struct disk *d, const struct load *l, unsigned at)
{
	uint64_t t = now(), places = WRITTEN / l->len;

	for (unsigned n = 0; n < l->count; n++) {
		uint64_t place = l->random ? rnd(places) :
				 (at * l->count + n) % places;
		unsigned slot = n < DEPTH ? n : disk_wait(d);

		if (n >= DEPTH && disk_status(d, slot))
			print("X: status %u\n", disk_status(d, slot));
		disk_start(d, slot, l->type, place * (l->len / 512),
			   buf + slot * 131072, l->len);
		disk_go(d);
	}
	drain(d);
	if (l->type == DISK_OUT &&
	    disk_do(d, DISK_FLUSH, 0, 0, 0))
		print("X: flush\n");
	return now() - t;
}

static void measure(const struct load *l)
{
	uint64_t best[2] = { ~0ul, ~0ul }, rate[2];

	/* the fastest slice: what else the host does only adds */
	for (unsigned i = 0; i < 2 * l->slices; i++) {
		uint64_t t = slice(&disk[i & 1], l, i / 2);

		if (t < best[i & 1])
			best[i & 1] = t;
	}
	for (unsigned w = 0; w < 2; w++)
		rate[w] = (uint64_t)l->count * l->len / 1024 *
			  READ(cntfrq_el0) / best[w];
	print("%s: raw %ld KiB/s, qcow2 %ld KiB/s, %ld percent\n", l->name,
	      rate[0], rate[1], 100 * rate[1] / rate[0]);
}

void guest_main(uint64_t dtb)
{
	mmu_on();
	if (!disk_open(&disk[0], 0) || !disk_open(&disk[1], 1) ||
	    disk[0].sectors * 512 < WRITTEN || disk[1].sectors * 512 < WRITTEN) {
		print("X: two disks of 1 GiB are needed\n");
		return;
	}
	buf = page_alloc((DEPTH + 1) * 131072);
	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		measure(&loads[i]);
}
