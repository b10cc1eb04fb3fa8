/* aes.c: the AES engine: registers, command FIFO, interrupts, long transfers.
 *
 * spec/vmapple.md section 4. Commands run as their last word arrives. A short
 * transfer is over before the store is, as guests of other machines know it; a
 * long one goes on in the loop's thread, chunk by chunk, with the device's lock
 * only taken between chunks, and the FIFO waits behind it. Registers that the
 * sources give no meaning to read 0. */
#include <string.h>

#include "aes.h"
#include "aes_int.h"
#include "irq.h"
#include "loop.h"

enum {
	VERSION = 0x00, CONFIG = 0x04, CONTROL = 0x08, STATUS = 0x0c,
	KEY_ID = 0x10, AXI_STATUS = 0x14, IRQ_STATUS = 0x18, IRQ_ENABLE = 0x1c,
	WATERMARK = 0x20, FIFO_STATUS = 0x24, FIFO_COUNT = 0x2c,
	FLAG_INFO = 0x30, SKG_KEY = 0x34, CLEAR_FIFO = 0x38,
	COMMAND_FIFO = 0x200,
};

enum {                                  /* CONTROL */
	START = 1, STOP = 2, RESET = 4, RESET_CORE = 8,
};

enum {                                  /* STATUS */
	READING = 1 << 0, WRITING = 1 << 2, BUSY = 1 << 4,
	SEEDED = 0x3f80,                /* always: text and key unwrap, test */
};

enum {                                  /* FIFO_STATUS */
	LOW = 1 << 0, EMPTY = 1 << 1, FULL = 1 << 2, OVERFLOW = 1 << 3,
	LEVEL_SHIFT = 8, READ_SHIFT = 16, WRITE_SHIFT = 24,
};

#define WATERMARK_MASK 0x7fu

static const struct reg aes_regs[] = {
	{ VERSION, "VERSION", 4, 0, 0, 0 },
	{ CONFIG, "CONFIG", 4, 0, 0, 0 },
	{ CONTROL, "CONTROL", 4, 0, 0, 0 },
	{ STATUS, "STATUS", 4, SEEDED, 0, 0 },
	{ KEY_ID, "KEY_ID", 4, 0, 0, 0 },
	{ AXI_STATUS, "AXI_STATUS", 4, 0, 0, 0 },
	{ IRQ_STATUS, "IRQ_STATUS", 4, 0, 0, AES_IRQ_ALL },
	{ IRQ_ENABLE, "IRQ_ENABLE", 4, 0, 0xffffffff, 0 },
	{ WATERMARK, "WATERMARK", 4, 0, WATERMARK_MASK, 0 },
	{ FIFO_STATUS, "FIFO_STATUS", 4, EMPTY, 0, 0 },
	{ FIFO_COUNT, "FIFO_COUNT", 4, 0, 0, 0 },
	{ FLAG_INFO, "FLAG_INFO", 4, 0, 0, 0 },
	{ SKG_KEY, "SKG_KEY", 4, 0, 0, 0 },
	{ CLEAR_FIFO, "CLEAR_FIFO", 4, 0, 0, 0 },
	{ COMMAND_FIFO, "COMMAND_FIFO", 4, 0, 0, 0 },
	{ 0 },
};

static const struct field aes_saved[] = {
	FIELD(1, struct aes, irq_status), FIELD(2, struct aes, irq_enable),
	FIELD(3, struct aes, watermark), FIELD(4, struct aes, flag_info),
	FIELD(5, struct aes, fifo), FIELD(6, struct aes, head),
	FIELD(7, struct aes, level), FIELD(8, struct aes, overflow),
	FIELD(9, struct aes, stopped),
	FIELD(10, struct aes, key[0].bytes), FIELD(11, struct aes, key[0].len),
	FIELD(12, struct aes, key[0].mode),
	FIELD(13, struct aes, key[0].encrypt), FIELD(14, struct aes, key[0].id),
	FIELD(15, struct aes, key[1].bytes), FIELD(16, struct aes, key[1].len),
	FIELD(17, struct aes, key[1].mode),
	FIELD(18, struct aes, key[1].encrypt), FIELD(19, struct aes, key[1].id),
	FIELD(20, struct aes, iv),
	FIELD(21, struct aes, job.src), FIELD(22, struct aes, job.dst),
	FIELD(23, struct aes, job.left), FIELD(24, struct aes, job.key),
	FIELD(25, struct aes, job.iv),
	{ 0 },
};

static void aes_update(struct aes *a)
{
	irq_set(a->dev.irq[0], (a->irq_status & a->irq_enable) != 0);
}

/* ---- the FIFO ---------------------------------------------------------- */

static uint32_t fifo_word(const struct aes *a, unsigned i)
{
	return a->fifo[(a->head + i) % AES_FIFO];
}

static void fifo_pop(struct aes *a, unsigned n)
{
	bool low = a->level < a->watermark;

	a->head = (uint8_t)((a->head + n) % AES_FIFO);
	a->level = (uint8_t)(a->level - n);
	if (!low && a->level < a->watermark)
		a->irq_status |= AES_IRQ_LOW;
}

static void long_step(void *arg);

/* Does the whole commands that are there. At most AES_FIFO of them, and none
 * behind a long transfer. */
static void fifo_run(struct aes *a)
{
	uint32_t w[AES_CMD_MAX];

	while (a->level && !a->stopped && !a->job.left) {
		unsigned n = aes_cmd_words(fifo_word(a, 0));

		if (a->level < n)
			break;
		for (unsigned i = 0; i < n; i++)
			w[i] = fifo_word(a, i);
		fifo_pop(a, n);
		aes_cmd(a, w);
	}
	if (a->job.left)
		loop_post(a->dev.loop, NULL, long_step, a);
}

static void fifo_push(struct aes *a, uint32_t w)
{
	if (a->level == AES_FIFO) {
		a->overflow = 1;
		a->irq_status |= AES_IRQ_OVERFLOW;
		return;
	}
	a->fifo[(a->head + a->level++) % AES_FIFO] = w;
	fifo_run(a);
}

static void fifo_clear(struct aes *a)
{
	a->head = a->level = a->overflow = 0;
}

static uint32_t fifo_status(const struct aes *a)
{
	uint32_t v = (uint32_t)a->level << LEVEL_SHIFT |
		     (uint32_t)a->head << READ_SHIFT |
		     (uint32_t)((a->head + a->level) % AES_FIFO) << WRITE_SHIFT;

	if (a->level < a->watermark)
		v |= LOW;
	if (!a->level)
		v |= EMPTY;
	if (a->level == AES_FIFO)
		v |= FULL;
	if (a->overflow)
		v |= OVERFLOW;
	return v;
}

/* ---- long transfers ---------------------------------------------------- */

/* One chunk, on the loop's thread, posted without the device so that the cipher
 * runs off its lock. Key and IV cannot change meanwhile, for the FIFO waits; a
 * reset can come in between, which the epoch tells: what was done for nothing
 * stays in a->buf then, for the guest may use the memory otherwise by now. */
static void long_step(void *arg)
{
	struct aes *a = arg;
	uint8_t iv[AES_BLOCK];
	struct aes_key k;
	struct aes_job j;
	uint32_t epoch, bad;
	size_t n;

	device_lock(&a->dev);
	j = a->job;
	k = a->key[j.key];
	memcpy(iv, a->iv[j.iv], sizeof(iv));
	epoch = a->epoch;
	device_unlock(&a->dev);
	if (!j.left)
		return;
	bad = aes_take(a->dev.dma, &k, &j, iv, a->buf, sizeof(a->buf), &n);
	device_lock(&a->dev);
	if (epoch == a->epoch) {
		if (!bad)
			bad = aes_give(a->dev.dma, &j, a->buf, n);
		if (bad)
			j.left = 0;
		a->irq_status |= bad;
		a->job = j;
		memcpy(a->iv[j.iv], iv, sizeof(iv));
		fifo_run(a);
		aes_update(a);
	}
	device_unlock(&a->dev);
}

static void cancel(struct aes *a)
{
	a->epoch++;
	a->job = (struct aes_job){ .left = 0 };
}

/* ---- registers --------------------------------------------------------- */

static void clear_core(struct aes *a)
{
	cancel(a);
	memset(a->key, 0, sizeof(a->key));
	memset(a->iv, 0, sizeof(a->iv));
}

static void clear_all(struct aes *a)
{
	clear_core(a);
	fifo_clear(a);
	a->irq_status = a->irq_enable = a->watermark = a->flag_info = 0;
	a->stopped = 0;
}

static void write_control(struct aes *a, uint32_t val)
{
	if (val & RESET)
		clear_all(a);
	if (val & RESET_CORE)
		clear_core(a);
	if (val & STOP)
		a->stopped = 1;
	if (val & START)
		a->stopped = 0;
	fifo_run(a);
}

static enum io read_reg(const struct aes *a, uint64_t off, uint64_t *val)
{
	switch (off) {
	case STATUS:
		*val = SEEDED | (a->job.left ? READING | WRITING | BUSY : 0);
		return IO_OK;
	case KEY_ID:
		*val = a->key[0].id | (uint32_t)a->key[1].id << 8;
		return IO_OK;
	case IRQ_STATUS: *val = a->irq_status; return IO_OK;
	case IRQ_ENABLE: *val = a->irq_enable; return IO_OK;
	case WATERMARK: *val = a->watermark; return IO_OK;
	case FIFO_STATUS: *val = fifo_status(a); return IO_OK;
	case FIFO_COUNT: *val = a->level; return IO_OK;
	case FLAG_INFO: *val = a->flag_info; return IO_OK;
	case VERSION:
	case CONFIG:
	case CONTROL:
	case AXI_STATUS:
	case SKG_KEY:
	case CLEAR_FIFO:
	case COMMAND_FIFO:
		*val = 0;
		return IO_OK;
	}
	*val = 0;
	return IO_NOREG;
}

static enum io write_reg(struct aes *a, uint64_t off, uint32_t val)
{
	switch (off) {
	case CONTROL: write_control(a, val); break;
	case IRQ_STATUS:
		a->irq_status &= ~val;
		if (val & AES_IRQ_OVERFLOW)
			a->overflow = 0;
		break;
	case IRQ_ENABLE: a->irq_enable = val; break;
	case WATERMARK: a->watermark = val & WATERMARK_MASK; break;
	case CLEAR_FIFO:
		if (val & 1)
			fifo_clear(a);
		break;
	case COMMAND_FIFO: fifo_push(a, val); break;
	case VERSION:
	case CONFIG:
	case STATUS:
	case KEY_ID:
	case AXI_STATUS:
	case FIFO_STATUS:
	case FIFO_COUNT:
	case FLAG_INFO:
	case SKG_KEY:
		return IO_OK;                   /* read-only, or unknown */
	default:
		return IO_NOREG;
	}
	aes_update(a);
	return IO_OK;
}

/* 32 bits wide; 64-bit accesses are two, the low half first. */
static enum io aes_read(struct device *dev, struct access *acc)
{
	const struct aes *a = (const struct aes *)dev;
	uint64_t high = 0;
	enum io io;

	if (acc->size < 4)
		return IO_SIZE;
	if (acc->win == AES_WIN_STRAPS)         /* all straps are 0 */
		return IO_OK;
	io = read_reg(a, acc->off, &acc->val);
	if (acc->size == 8) {
		read_reg(a, acc->off + 4, &high);
		acc->val |= high << 32;
	}
	return io;
}

static enum io aes_write(struct device *dev, const struct access *acc)
{
	struct aes *a = (struct aes *)dev;
	enum io io;

	if (acc->size < 4)
		return IO_SIZE;
	if (acc->win == AES_WIN_STRAPS)
		return IO_OK;
	io = write_reg(a, acc->off, (uint32_t)acc->val);
	if (acc->size == 8)
		write_reg(a, acc->off + 4, (uint32_t)(acc->val >> 32));
	return io;
}

static void aes_reset(struct device *dev)
{
	struct aes *a = (struct aes *)dev;

	clear_all(a);
	aes_update(a);
}

static void aes_resume(struct device *dev)
{
	struct aes *a = (struct aes *)dev;

	fifo_run(a);
	aes_update(a);
}

static int aes_check(const struct device *dev, struct err *e)
{
	const struct aes *a = (const struct aes *)dev;
	const struct aes_job *j = &a->job;

	for (int i = 0; i < 2; i++) {
		const struct aes_key *k = &a->key[i];

		if ((k->len && k->len != 16 && k->len != 24 && k->len != 32) ||
		    k->mode > AES_CTR || k->encrypt > 1)
			return err_set(e, 0, "bad key context %d", i);
	}
	if (a->irq_status > AES_IRQ_ALL || a->watermark > WATERMARK_MASK ||
	    a->head >= AES_FIFO || a->level > AES_FIFO || a->overflow > 1 ||
	    a->stopped > 1)
		return err_set(e, 0, "bad AES state");
	if (j->key > 1 || j->iv > 3 || j->left % AES_BLOCK ||
	    j->left > 0xffffff || (j->left && !a->key[j->key].len))
		return err_set(e, 0, "bad AES transfer");
	return 0;
}

static void aes_fini(struct device *dev)
{
}

const struct device_ops aes_ops = {
	.name = "aes",
	.size = sizeof(struct aes),
	.regs = aes_regs,
	.saved = aes_saved,
	.reset = aes_reset,
	.resume = aes_resume,
	.read = aes_read,
	.write = aes_write,
	.check = aes_check,
	.fini = aes_fini,
};
