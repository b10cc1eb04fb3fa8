/* cfg.c: the CONFIG block of the vmapple board.
 *
 * spec/vmapple.md section 2. Sources disagree on where the strings are: the
 * structure as compiled has them from 0x500 on, comments beside it at 0x380.
 * The second set falls into what the first calls scratch, so both are there.
 * Snapshots carry the block as RAM. */
#include <string.h>

#include "cfg.h"
#include "dma.h"

enum {
	VERSION = 0x000, NR_CPUS = 0x004, UNK1 = 0x008, UNK2 = 0x00c,
	UNK3 = 0x010, UNK4 = 0x014, ECID = 0x018, RAM_SIZE = 0x020,
	RUN_INSTALLER1 = 0x028, UNK5 = 0x02c, UNK6 = 0x030,
	RUN_INSTALLER2 = 0x034, RND = 0x038, MAC = 0x040, CPU_IDS = 0x100,
	STRINGS = 0x500,
	SCRATCH_STRINGS = 0x380,
};

enum {                                  /* from STRINGS on */
	SERIAL = 0x00, UNK8 = 0x20, MODEL = 0x40, UNK10 = 0x80,
	SOC_NAME = 0x84,
};

#define MAX_CPUS 0x80
#define BOARD_ID 0x20                   /* likely what unk3 is */

struct cfg {
	struct device dev;
	uint64_t base;
	uint8_t block[CFG_SIZE];
};

static void put(struct cfg *c, unsigned off, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		c->block[off + i] = (uint8_t)(val >> 8 * i);
}

static void put_string(struct cfg *c, unsigned off, const char *s)
{
	memcpy(c->block + off, s, strlen(s));   /* checked: fits */
}

static void put_strings(struct cfg *c, unsigned at, const struct cfg_conf *f)
{
	put_string(c, at + SERIAL, f->serial);
	put_string(c, at + UNK8, "D/A");
	put_string(c, at + MODEL, f->model);
	put(c, at + UNK10, 4, 1);
	put_string(c, at + SOC_NAME, f->soc);
}

static void fill(struct cfg *c, const struct cfg_conf *f)
{
	put(c, VERSION, 4, 2);
	put(c, NR_CPUS, 4, f->cpus);
	put(c, UNK1, 4, 1);
	put(c, UNK2, 4, 1);
	put(c, UNK3, 4, BOARD_ID);
	put(c, ECID, 8, f->ecid);
	put(c, RAM_SIZE, 8, f->ram);
	put(c, RUN_INSTALLER1, 4, f->dfu);
	put(c, UNK5, 4, 1);
	put(c, UNK6, 4, 1);
	put(c, RUN_INSTALLER2, 4, f->dfu);
	put(c, RND, 4, f->rnd);
	for (unsigned i = 0; i < CFG_MACS; i++)
		memcpy(c->block + MAC + 8 * i, f->mac[i], 6);
	for (uint32_t i = 0; i < f->cpus; i++)
		put(c, CPU_IDS + 4 * i, 4, i);
	put_strings(c, STRINGS, f);
	put_strings(c, SCRATCH_STRINGS, f);
	if (f->hints) {
		put(c, CFG_POME, 4, CFG_POME_MAGIC);
		put(c, CFG_POME_POLICY, 4, f->policy);
	}
}

/* A machine without RAM (one that only prints its device tree) has no block. */
static void cfg_reset(struct device *dev)
{
	struct cfg *c = (struct cfg *)dev;

	if (dma_put(dev->dma, c->base, c->block, sizeof(c->block)))
		return;
}

static int check_string(const char *what, const char *s, struct err *e)
{
	if (strlen(s) < CFG_STRING)
		return 0;
	return err_set(e, 0, "%s '%s': %zu characters; at most %d fit", what,
		       s, strlen(s), CFG_STRING - 1);
}

static int cfg_init(struct device *dev, const struct devconf *dc,
		    struct err *e)
{
	struct cfg *c = (struct cfg *)dev;
	struct cfg_conf f = *(const struct cfg_conf *)dc->arg;

	if (!f.serial)
		f.serial = "1234";
	if (!f.model)
		f.model = "VM0001";
	if (!f.soc)
		f.soc = "Apple M1 (Virtual)";
	if (check_string("serial number", f.serial, e) ||
	    check_string("model", f.model, e) ||
	    check_string("SoC name", f.soc, e))
		return -1;
	if (f.cpus > MAX_CPUS)
		return err_set(e, 0, "%u CPUs; the block has room for %d",
			       f.cpus, MAX_CPUS);
	c->base = f.base;
	fill(c, &f);
	return 0;
}

static enum io cfg_read(struct device *dev, struct access *a)
{
	return IO_NOREG;
}

static enum io cfg_write(struct device *dev, const struct access *a)
{
	return IO_NOREG;
}

static void cfg_fini(struct device *dev)
{
}

const struct device_ops cfg_ops = {
	.name = "cfg",
	.size = sizeof(struct cfg),
	.init = cfg_init,
	.reset = cfg_reset,
	.read = cfg_read,
	.write = cfg_write,
	.fini = cfg_fini,
};
