/* fw_cfg.c: what firmware of QEMU's virt board asks the machine by.
 *
 * QEMU's docs/specs/fw_cfg.rst (revision of 7.2): the memory-mapped form with
 * its DMA interface. Selector and DMA address are big-endian, data is a string
 * of bytes, items are little-endian but for the file directory.
 * Left out: writing items, and files: the directory is empty. Firmware finds
 * no ACPI tables here and so goes by the device tree, and no boot order and so
 * goes by its own variables. */
#include "fw_cfg.h"

#include <endian.h>
#include <libfdt.h>
#include <string.h>

#include "dma.h"
#include "fdt.h"

enum { DATA = 0x00, SELECTOR = 0x08, DMA = 0x10, DMA_LOW = 0x14 };

enum {                                  /* items */
	SIGNATURE = 0x00, FEATURES = 0x01, RAM_SIZE = 0x03, NB_CPUS = 0x05,
	MAX_CPUS = 0x0f, FILE_DIR = 0x19,
	FEATURE_DATA = 1, FEATURE_DMA = 2,
};

enum {                                  /* FWCfgDmaAccess.control */
	DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8,
	DMA_WRITE = 16,
};

#define DMA_SIGNATURE 0x51454d5520434647ull     /* "QEMU CFG" */
#define CHUNK 4096u
/* A transfer may be longer than its item, and gets zeros; so much at most, so
 * that a guest cannot keep the device for long. */
#define DMA_MAX (16u << 20)

struct fw_cfg {
	struct device dev;
	uint64_t ram;
	uint16_t cpus;
	/* seen by the guest */
	uint16_t item;
	uint32_t at;                    /* next byte of it */
	uint32_t dma_high;
};

struct dma_access {                     /* all big-endian */
	uint32_t control, length;
	uint64_t address;
};

static const struct field fw_cfg_saved[] = {
	FIELD(1, struct fw_cfg, item), FIELD(2, struct fw_cfg, at),
	FIELD(3, struct fw_cfg, dma_high),
	{ 0 },
};

/* The contents of the selected item; an unknown one is empty. */
static unsigned item(const struct fw_cfg *f, uint8_t out[8])
{
	uint64_t val = 0;
	unsigned len = 0;

	switch (f->item) {
	case SIGNATURE:
		memcpy(out, "QEMU", 4);
		return 4;
	case FEATURES:
		val = FEATURE_DATA | FEATURE_DMA;
		len = 4;
		break;
	case RAM_SIZE:
		val = f->ram;
		len = 8;
		break;
	case NB_CPUS:
	case MAX_CPUS:
		val = f->cpus;
		len = 2;
		break;
	case FILE_DIR:                  /* how many files, big-endian: 0 */
		len = 4;
		break;
	}
	val = htole64(val);
	memcpy(out, &val, 8);
	return len;
}

static uint8_t next_byte(struct fw_cfg *f)
{
	uint8_t data[8];
	unsigned len = item(f, data);

	return f->at < len ? data[f->at++] : 0;
}

static void select_item(struct fw_cfg *f, uint16_t key)
{
	f->item = key;
	f->at = 0;
}

static bool dma_read(struct fw_cfg *f, uint64_t to, uint32_t len)
{
	uint8_t buf[CHUNK];

	if (len > DMA_MAX)
		return false;
	while (len) {
		uint32_t n = len < CHUNK ? len : CHUNK;

		memset(buf, 0, n);
		for (uint32_t i = 0; i < n && i < 8; i++)
			buf[i] = next_byte(f);
		if (dma_put(f->dev.dma, to, buf, n))
			return false;
		to += n;
		len -= n;
	}
	return true;
}

static void dma_run(struct fw_cfg *f, uint64_t gpa)
{
	struct dma_access d;
	uint32_t control, len, result = 0;

	if (dma_get(f->dev.dma, gpa, &d, sizeof(d)))
		return;                 /* nowhere to say so */
	control = be32toh(d.control);
	len = be32toh(d.length);
	if (control & DMA_SELECT)
		select_item(f, (uint16_t)(control >> 16));
	if (control & DMA_READ) {
		if (!dma_read(f, be64toh(d.address), len))
			result = DMA_ERROR;
	} else if (control & DMA_WRITE) {
		result = DMA_ERROR;
	} else if (control & DMA_SKIP) {
		f->at = len > UINT32_MAX - f->at ? UINT32_MAX : f->at + len;
	}
	result = htobe32(result);
	dma_put(f->dev.dma, gpa, &result, sizeof(result));
}

static enum io fw_cfg_read(struct device *d, struct access *a)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	uint64_t sig = htobe64(DMA_SIGNATURE);

	if (a->off < SELECTOR) {
		for (unsigned i = 0; i < a->size; i++)
			a->val |= (uint64_t)next_byte(f) << 8 * i;
		return IO_OK;
	}
	if (a->off < DMA)
		return IO_OK;           /* write-only */
	memcpy(&a->val, (uint8_t *)&sig + (a->off - DMA), a->size);
	return IO_OK;
}

static enum io fw_cfg_write(struct device *d, const struct access *a)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	uint64_t gpa;

	switch (a->off) {
	case SELECTOR:
		if (a->size != 2)
			return IO_SIZE;
		select_item(f, be16toh((uint16_t)a->val));
		return IO_OK;
	case DMA:
		if (a->size == 8) {
			f->dma_high = 0;
			dma_run(f, be64toh(a->val));
			return IO_OK;
		}
		if (a->size != 4)
			return IO_SIZE;
		f->dma_high = be32toh((uint32_t)a->val);
		return IO_OK;
	case DMA_LOW:
		if (a->size != 4)
			return IO_SIZE;
		gpa = (uint64_t)f->dma_high << 32 | be32toh((uint32_t)a->val);
		f->dma_high = 0;
		dma_run(f, gpa);
		return IO_OK;
	default:                        /* items are not written */
		return a->off < SELECTOR ? IO_OK : IO_NOREG;
	}
}

static void fw_cfg_reset(struct device *d)
{
	struct fw_cfg *f = (struct fw_cfg *)d;

	f->dma_high = 0;
	select_item(f, SIGNATURE);
}

/* Any value of a saved field is good. */
static int fw_cfg_check(const struct device *d, struct err *e)
{
	return 0;
}

static int fw_cfg_init(struct device *d, const struct devconf *conf,
		       struct err *e)
{
	struct fw_cfg *f = (struct fw_cfg *)d;
	const struct fw_cfg_conf *c = conf->arg;

	f->ram = c->ram;
	f->cpus = c->cpus;
	return 0;
}

static void fw_cfg_fini(struct device *d)
{
}

/* Documentation/devicetree/bindings/firmware/qemu,fw-cfg-mmio.yaml */
static int fw_cfg_fdt(const struct device *d, struct fdt_build *b)
{
	return fdt_begin_unit(b, "fw-cfg", b->base) ?:
	       fdt_property_string(b->fdt, "compatible",
				   "qemu,fw-cfg-mmio") ?:
	       fdt_put_reg(b, b->base, b->size) ?:
	       fdt_property(b->fdt, "dma-coherent", NULL, 0) ?:
	       fdt_end_node(b->fdt);
}

const struct device_ops fw_cfg_ops = {
	.name = "fw_cfg",
	.size = sizeof(struct fw_cfg),
	.saved = fw_cfg_saved,
	.init = fw_cfg_init,
	.reset = fw_cfg_reset,
	.read = fw_cfg_read,
	.write = fw_cfg_write,
	.check = fw_cfg_check,
	.fini = fw_cfg_fini,
	.fdt = fw_cfg_fdt,
};
