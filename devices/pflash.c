/* pflash.c: NOR flash of the virt board: two banks of two x16 chips each.
 *
 * Common Flash Interface (JEDEC JESD68.01) with primary command set 0001h, and
 * its commands as in Intel's StrataFlash P30 data sheet (order 306666) chapters
 * 9 to 11 and appendix. The two chips of a bank take each command at once and
 * answer alike, so one state machine stands for both.
 * Left out: block locking (no block is ever locked), suspending, the protection
 * registers, configuration, and time: what takes time is the host's file. */
#include "pflash.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>
#include <sys/mman.h>

#include "backend.h"
#include "fdt.h"
#include "loop.h"

enum {                                  /* commands: P30, table 20 */
	CMD_PROGRAM_ALT = 0x10, CMD_ERASE = 0x20, CMD_PROGRAM = 0x40,
	CMD_CLEAR_STATUS = 0x50, CMD_LOCK = 0x60, CMD_READ_STATUS = 0x70,
	CMD_READ_ID = 0x90, CMD_READ_QUERY = 0x98, CMD_CONFIRM = 0xd0,
	CMD_BUFFERED = 0xe8, CMD_RESET = 0xf0, CMD_READ_ARRAY = 0xff,
};

enum {                                  /* status register: P30, table 24 */
	SR_PROTECTED = 0x02, SR_PROGRAM = 0x10, SR_ERASE = 0x20,
	SR_READY = 0x80,
};

enum mode { ARRAY, STATUS, ID, QUERY };         /* what reads show */
/* what the next store is */
enum step { COMMAND, WORD, COUNT, DATA, CONFIRM, ERASE, LOCK };

#define WIDTH 4u                        /* bytes of a bank's bus */
#define WORDS (PFLASH_BUFFER / WIDTH)
#define SECTOR 512u                     /* disks are written in these */

#define MANUFACTURER 0x0089             /* Intel */
#define DEVICE 0x0018

struct bank {
	struct pflash *chip;
	uint8_t *mem;                   /* NULL: ROM, which is the board's */
	struct blk *blk;                /* NULL: nothing is kept */
	/* seen by the guest */
	uint8_t mode, step, status;
	uint32_t block;                 /* of a buffered program */
	uint32_t want, have;            /* words of it */
	struct { uint32_t off, val; } word[WORDS];
	/* the operation under way on the file, if `busy` */
	bool busy, erasing;
	unsigned stage;                 /* of an erase: next in erase_ops */
	struct blk_req req;
	struct iovec iov;
	/* the flush that follows */
	bool dirty, flushing;
	struct blk_req flush;
	struct watch *timer;
};

struct pflash {
	struct device dev;
	uint64_t size;                  /* of a bank */
	struct bank bank[PFLASH_BANKS];
};

/* ---- the file: the block pool tells the user of its errors --------------- */

static void op_next(struct bank *b);

static void flush_timer(struct bank *b)
{
	watch_at(b->timer, loop_now(b->chip->dev.loop, CLOCK_HOST) +
		 PFLASH_FLUSH_NS);
}

/* After an operation: soon, but not once for each of many. */
static void flush_soon(struct bank *b)
{
	if (!b->dirty && !b->flushing)
		flush_timer(b);
	b->dirty = true;
}

static void flush_done(struct blk_req *r, int error)
{
	struct bank *b = r->arg;

	b->flushing = false;
	if (b->dirty)                   /* more came meanwhile */
		flush_timer(b);
}

static void flush_due(void *arg)
{
	struct bank *b = arg;

	b->dirty = false;
	b->flushing = true;
	b->flush = (struct blk_req){
		.op = BLK_FLUSH, .dev = &b->chip->dev, .done = flush_done,
		.arg = b,
	};
	blk_submit(b->blk, &b->flush);
}

static void op_done(struct blk_req *r, int error)
{
	struct bank *b = r->arg;

	if (!error && b->erasing) {
		b->stage++;
		op_next(b);
		return;
	}
	if (error)
		b->status |= b->erasing ? SR_ERASE : SR_PROGRAM;
	b->busy = false;
	flush_soon(b);
}

/* A program is one write; an erase lies between two flushes, so that what the
 * guest copied before it erased is there whatever happens. */
static void op_next(struct bank *b)
{
	static const enum blk_op erase_ops[] = { BLK_FLUSH, BLK_WRITE,
						 BLK_FLUSH };

	if (b->erasing && b->stage == 3) {
		b->busy = false;
		return;
	}
	b->req.op = b->erasing ? erase_ops[b->stage] : BLK_WRITE;
	blk_submit(b->blk, &b->req);
}

/* Bytes off .. off + len - 1 of the array have changed. */
static void store(struct bank *b, uint64_t off, uint64_t len, bool erasing)
{
	uint64_t end = (off + len + SECTOR - 1) & ~(uint64_t)(SECTOR - 1);

	if (!b->blk || off >= b->blk->size)
		return;
	off &= ~(uint64_t)(SECTOR - 1);
	if (end > b->blk->size)
		end = b->blk->size;
	b->busy = true;
	b->erasing = erasing;
	b->stage = 0;
	b->iov = (struct iovec){ b->mem + off, end - off };
	b->req = (struct blk_req){
		.off = off, .len = end - off, .iov = &b->iov, .niov = 1,
		.dev = &b->chip->dev, .done = op_done, .arg = b,
	};
	op_next(b);
}

/* ---- operations ---------------------------------------------------------- */

/* Programming makes zeros of ones, never the reverse. */
static void program(struct bank *b, uint64_t off, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		b->mem[off + i] &= (uint8_t)(val >> 8 * i);
}

static void program_buffer(struct bank *b)
{
	uint32_t low = UINT32_MAX, high = 0;

	for (uint32_t i = 0; i < b->have; i++) {
		uint32_t off = b->word[i].off;

		program(b, off, WIDTH, b->word[i].val);
		low = off < low ? off : low;
		high = off > high ? off : high;
	}
	store(b, low, high + WIDTH - low, false);
}

static void erase(struct bank *b, uint64_t off)
{
	off &= ~(uint64_t)(PFLASH_BLOCK - 1);
	memset(b->mem + off, 0xff, PFLASH_BLOCK);
	store(b, off, PFLASH_BLOCK, true);
}

/* A sequence that is broken off: both bits (P30, table 24). */
static void bad_sequence(struct bank *b)
{
	b->step = COMMAND;
	b->status |= SR_PROGRAM | SR_ERASE;
}

static void command(struct bank *b, uint64_t off, uint8_t cmd)
{
	switch (cmd) {
	case CMD_READ_ARRAY:
	case CMD_RESET: b->mode = ARRAY; return;
	case CMD_READ_STATUS: b->mode = STATUS; return;
	case CMD_READ_ID: b->mode = ID; return;
	case CMD_READ_QUERY: b->mode = QUERY; return;
	case CMD_CLEAR_STATUS: b->status = 0; return;
	case CMD_PROGRAM:
	case CMD_PROGRAM_ALT: b->step = WORD; break;
	case CMD_ERASE: b->step = ERASE; break;
	case CMD_LOCK: b->step = LOCK; break;
	case CMD_BUFFERED:
		b->step = COUNT;
		b->block = (uint32_t)off & ~(PFLASH_BLOCK - 1);
		break;
	default: return;                /* no command: nothing happens */
	}
	b->mode = STATUS;
}

static void buffer_count(struct bank *b, uint32_t val)
{
	b->want = (val & 0xffff) + 1;
	b->have = 0;
	b->step = DATA;
	if (b->want > WORDS)
		bad_sequence(b);
}

static void buffer_data(struct bank *b, uint64_t off, uint32_t val)
{
	if ((off & ~(uint64_t)(PFLASH_BLOCK - 1)) != b->block) {
		bad_sequence(b);
		return;
	}
	b->word[b->have].off = (uint32_t)off & ~(WIDTH - 1);
	b->word[b->have].val = val;
	if (++b->have == b->want)
		b->step = CONFIRM;
}

static void bank_write(struct bank *b, const struct access *a)
{
	uint8_t cmd = (uint8_t)a->val;

	if (b->busy)                    /* the chip does not listen */
		return;
	switch ((enum step)b->step) {
	case COMMAND:
		command(b, a->off, cmd);
		break;
	case WORD:
		b->step = COMMAND;
		program(b, a->off, a->size, a->val);
		store(b, a->off, a->size, false);
		break;
	case COUNT:
		buffer_count(b, (uint32_t)a->val);
		break;
	case DATA:
		buffer_data(b, a->off, (uint32_t)a->val);
		break;
	case CONFIRM:
		b->step = COMMAND;
		if (cmd == CMD_CONFIRM)
			program_buffer(b);
		else
			bad_sequence(b);
		break;
	case ERASE:
		b->step = COMMAND;
		if (cmd == CMD_CONFIRM)
			erase(b, a->off);
		else
			bad_sequence(b);
		break;
	case LOCK:                      /* 01, 2f, d0: no lock to change */
		b->step = COMMAND;
		break;
	}
}

/* ---- reads --------------------------------------------------------------- */

/* JESD68.01 section 2; JEP137 for the command set's number. Of one chip; times
 * are powers of two in us and ms, sizes powers of two in bytes. */
static uint8_t query(const struct pflash *f, unsigned i)
{
	unsigned blocks = (unsigned)(f->size / PFLASH_BLOCK) - 1;
	static const uint8_t table[0x40] = {
		[0x10] = 'Q', 'R', 'Y',
		[0x13] = 0x01, 0x00,    /* primary command set */
		[0x15] = 0x31, 0x00,    /* its table */
		[0x1b] = 0x17, 0x20,    /* 1.7 to 2.0 V */
		[0x1f] = 8, 9, 10, 0,   /* word, buffer, block; no whole chip */
		[0x23] = 1, 1, 2, 0,    /* at most that many times as long */
		[0x28] = 0x01, 0x00,    /* x16 */
		[0x2a] = 6, 0,          /* buffer: PFLASH_BUFFER of two chips */
		[0x2c] = 1,             /* one kind of block */
		[0x2f] = (PFLASH_BLOCK / 2) >> 8 & 0xff,
		[0x30] = (PFLASH_BLOCK / 2) >> 16,
		[0x31] = 'P', 'R', 'I', '1', '0',
	};

	switch (i) {
	case 0x27: return (uint8_t)(__builtin_ctzll(f->size) - 1);
	case 0x2d: return (uint8_t)blocks;
	case 0x2e: return (uint8_t)(blocks >> 8);
	default: return i < sizeof(table) ? table[i] : 0;
	}
}

/* Word `i` of what one chip shows. */
static uint16_t chip_word(const struct bank *b, uint32_t i)
{
	if (b->busy)
		return b->status;
	switch (b->mode) {
	case STATUS:
		return b->status | SR_READY;
	case QUERY:
		return query(b->chip, i & 0xff);
	default:                        /* ID; the lock state is 0: open */
		i &= 0xff;
		return i == 0 ? MANUFACTURER : i == 1 ? DEVICE : 0;
	}
}

static enum io pflash_read(struct device *d, struct access *a)
{
	struct pflash *f = (struct pflash *)d;
	struct bank *b = &f->bank[a->win];

	if (!b->mem)                    /* CPUs do not come here */
		return IO_OK;
	if (b->mode == ARRAY) {
		memcpy(&a->val, b->mem + a->off, a->size);
		return IO_OK;
	}
	for (unsigned i = 0; i < a->size; i++) {
		uint64_t at = a->off + i;
		uint16_t w = chip_word(b, (uint32_t)(at / WIDTH));

		a->val |= (uint64_t)(w >> 8 * (at & 1) & 0xff) << 8 * i;
	}
	return IO_OK;
}

static enum io pflash_write(struct device *d, const struct access *a)
{
	struct pflash *f = (struct pflash *)d;
	struct bank *b = &f->bank[a->win];

	if (!b->mem)                    /* write-protected */
		return IO_OK;
	if (a->size > WIDTH)
		return IO_SIZE;
	bank_write(b, a);
	return IO_OK;
}

/* ---- life ---------------------------------------------------------------- */

/* The contents stay. An operation under way ends by itself: its done() will
 * come, and until then the bank takes no command. */
static void pflash_reset(struct device *d)
{
	struct pflash *f = (struct pflash *)d;

	for (int i = 0; i < PFLASH_BANKS; i++) {
		f->bank[i].mode = ARRAY;
		f->bank[i].step = COMMAND;
		f->bank[i].status = 0;
	}
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

/* Main thread, and nobody else has the disk yet. Memory is touched only where
 * there is something: images are mostly empty. */
static int load(struct bank *b, struct blk *blk, uint64_t size, struct err *e)
{
	static const uint64_t step = 65536;
	uint8_t buf[65536];
	uint64_t end = blk->size < size ? blk->size : size;

	for (uint64_t off = 0; off < end; off += step) {
		uint64_t n = end - off < step ? end - off : step;
		struct iovec iov = { buf, n };
		struct blk_req r = { .op = BLK_READ, .off = off, .len = n,
				     .iov = &iov, .niov = 1 };
		int no = blk->ops->run(blk, &r);

		if (no)
			return err_set(e, no, "%s: read", blk->path);
		if (!all_zero(buf, n))
			memcpy(b->mem + off, buf, n);
	}
	return 0;
}

static void bank_fini(struct bank *b)
{
	if (b->blk)
		blk_drain(b->blk);
	watch_free(b->timer);
	if (b->mem)
		munmap(b->mem, b->chip->size);
}

static int bank_init(struct bank *b, struct pflash *f, int i,
		     const struct pflash_conf *c, struct err *e)
{
	struct blk *blk = c->bank[i].blk;

	b->chip = f;
	if (c->bank[i].rom)
		return 0;
	b->mem = mmap(NULL, f->size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->mem == MAP_FAILED) {
		b->mem = NULL;
		return err_set(e, errno, "%llu MiB of flash",
			       (unsigned long long)(f->size >> 20));
	}
	if (blk && load(b, blk, f->size, e))
		return -1;
	if (blk && c->bank[i].keep) {
		if (loop_timer(f->dev.loop, CLOCK_HOST, &f->dev, flush_due, b,
			       &b->timer, e))
			return -1;
		b->blk = blk;
	}
	return 0;
}

static int pflash_init(struct device *d, const struct devconf *conf,
		       struct err *e)
{
	struct pflash *f = (struct pflash *)d;
	const struct pflash_conf *c = conf->arg;

	if (c->bank_size < 1 << 20 || c->bank_size > 1 << 28 ||
	    c->bank_size & (c->bank_size - 1))
		return err_set(e, 0, "a bank of %llu bytes: must be a power of "
			       "two, 1 to 256 MiB",
			       (unsigned long long)c->bank_size);
	f->size = c->bank_size;
	for (int i = 0; i < PFLASH_BANKS; i++) {
		if (!bank_init(&f->bank[i], f, i, c, e))
			continue;
		for (; i >= 0; i--)
			bank_fini(&f->bank[i]);
		return -1;
	}
	return 0;
}

static void pflash_fini(struct device *d)
{
	struct pflash *f = (struct pflash *)d;

	for (int i = 0; i < PFLASH_BANKS; i++)
		bank_fini(&f->bank[i]);
}

/* Documentation/devicetree/bindings/mtd/mtd-physmap.yaml */
static int pflash_fdt(const struct device *d, struct fdt_build *b)
{
	fdt64_t reg[4] = {
		cpu_to_fdt64(b->base), cpu_to_fdt64(b->size),
		cpu_to_fdt64(b->base1), cpu_to_fdt64(b->size1),
	};

	return fdt_begin_unit(b, "flash", b->base) ?:
	       fdt_property_string(b->fdt, "compatible", "cfi-flash") ?:
	       fdt_property(b->fdt, "reg", reg, sizeof(reg)) ?:
	       fdt_property_u32(b->fdt, "bank-width", WIDTH) ?:
	       fdt_end_node(b->fdt);
}

const struct device_ops pflash_ops = {
	.name = "pflash",
	.size = sizeof(struct pflash),
	.init = pflash_init,
	.reset = pflash_reset,
	.read = pflash_read,
	.write = pflash_write,
	.fini = pflash_fini,
	.fdt = pflash_fdt,
};
