/* g_kill.c: writes to its disk until somebody kills the machine. What it does
 * follows from "seed=N" and "base=N" on its command line; kill.py beside it
 * computes the same and knows from the lines "F n" how far it came.
 *
 *	C sum		the disk's contents at the start
 *	F n		all up to operation n was done, and then flushed
 *	X n status	operation n failed */
#include "disk.h"

#define DEPTH 6
#define MAX 64u                         /* sectors of an operation */

static struct disk disk;
static uint64_t *buf;
static uint64_t state;

static uint64_t number(uint64_t dtb, const char *word)
{
	const char *p = (const char *)dtb;
	uint32_t size = __builtin_bswap32(*(volatile uint32_t *)(dtb + 4));
	uint64_t v = 0;

	for (uint32_t i = 0; i < size; i++) {
		uint32_t n = 0;

		while (word[n] && i + n < size && p[i + n] == word[n])
			n++;
		if (word[n])
			continue;
		for (i += n; p[i] >= '0' && p[i] <= '9'; i++)
			v = v * 10 + (uint64_t)(p[i] - '0');
		return v;
	}
	return 0;
}

/* xorshift; as in kill.py */
static uint64_t rnd(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % n;
}

/* A sector has one pair throughout, or zeros. */
static bool whole(const uint64_t *p, uint64_t sector)
{
	for (unsigned i = 0; i < 64; i += 2)
		if (p[i] != p[0] || p[i + 1] != (p[0] ? sector : 0))
			return false;
	return true;
}

static uint64_t checksum(void)
{
	uint64_t sum = 0;

	for (uint64_t s = 0; s < disk.sectors; s += 8 * MAX) {
		if (disk_do(&disk, DISK_IN, s, buf, 8 * MAX * 512))
			print("X 0 1\n");
		for (unsigned i = 0; i < 8 * MAX; i++) {
			if (!whole(buf + i * 64, s + i))
				print("X %ld 77\n", s + i);
			sum = (sum ^ buf[i * 64]) * 0x9e3779b97f4a7c15;
			sum ^= sum >> 29;
		}
	}
	return sum;
}

struct op { uint32_t type; uint64_t sector, n; };

static struct op next(void)
{
	uint64_t k = rnd(100);
	struct op op = { k < 80 ? DISK_OUT : k < 90 ? DISK_ZEROES :
			 DISK_DISCARD, 0, 1 + rnd(MAX) };

	op.sector = rnd(disk.sectors - op.n);
	return op;
}

static bool clash(const struct op *a, const struct op *b)
{
	return a->sector < b->sector + b->n && b->sector < a->sector + a->n;
}

static void start(unsigned slot, const struct op *op, uint64_t id)
{
	uint64_t *p = buf + slot * MAX * 64;

	for (uint64_t s = 0; op->type == DISK_OUT && s < op->n; s++)
		for (unsigned i = 0; i < 64; i += 2) {
			p[s * 64 + i] = id;
			p[s * 64 + i + 1] = op->sector + s;
		}
	disk_start(&disk, slot, op->type, op->sector, p,
		   (uint32_t)op->n * 512);
}

static void finish(uint64_t first)
{
	while (disk.busy) {
		unsigned slot = disk_wait(&disk);

		if (disk_status(&disk, slot))
			print("X %ld %u\n", first + slot,
			      disk_status(&disk, slot));
	}
}

void guest_main(uint64_t dtb)
{
	uint64_t id;

	mmu_on();
	if (!disk_open(&disk, 0)) {
		print("X 0 99\n");
		return;
	}
	buf = page_alloc(8 * MAX * 512);
	print("C %lx\n", checksum());
	state = number(dtb, "seed=");
	id = number(dtb, "base=");
	for (;;) {
		unsigned n = 1 + (unsigned)rnd(DEPTH), made = 0;
		struct op op[DEPTH];

		while (made < n) {
			bool bad = false;

			op[made] = next();
			for (unsigned i = 0; i < made; i++)
				bad |= clash(&op[i], &op[made]);
			made += !bad;
		}
		for (unsigned i = 0; i < n; i++)
			start(i, &op[i], id + 1 + i);
		disk_go(&disk);
		finish(id + 1);
		id += n;
		if (rnd(4))
			continue;
		if (!disk_do(&disk, DISK_FLUSH, 0, 0, 0))
			print("F %ld\n", id);
		else
			print("X %ld 4\n", id);
	}
}
