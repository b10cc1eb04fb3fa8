/* Disks by the backdoor interface: spec/vmapple.md section 3. */
#include "rom.h"

enum {
	STATUS = 0x000, CFG = 0x004, READY = 0x010, CMD = 0x408,
	CAPACITY = 0x420,
};

enum { FLAGS_READ = 0x00030001, REQUEST = 48, HEADER = 16 };

/* A request, in words as the device reads them; a page of its own keeps it
 * clear of everything else. */
static struct {
	struct {
		uint64_t addr;
		uint32_t len, flags;
	} desc[3];
	struct {
		uint32_t type, zero;
		uint64_t sector;
	} header;
	volatile uint8_t status;
} request __attribute__((aligned(64)));

struct disk disk[DISKS] = {
	[DISK_ROOT] = { .name = "root" },
	[DISK_AUX] = { .name = "aux" },
};

static uint64_t base(enum disk_id id)
{
	return BDIF_BASE + 0x10000 * (uint64_t)id;
}

void bdif_probe(void)
{
	for (unsigned i = 0; i < DISKS; i++) {
		struct disk *d = &disk[i];
		uint64_t v, at = base((enum disk_id)i);

		d->there = false;
		if (probe_load(at + STATUS, 4, &v))
			continue;
		d->status = (uint32_t)v;
		d->cfg = rd32(at + CFG);
		v = rd32(at + CAPACITY);
		if (!(d->status & 1) || d->status == 0xffffffff || !v ||
		    v == 0xffffffff)
			continue;
		d->there = true;
		d->sectors = v;
	}
}

/* A machine that does not answer before the store is done sets READY and the
 * status byte later. */
static int wait(enum disk_id id)
{
	uint64_t end = ticks() + 10 * ticks_per_second();

	while (request.status == 0xff || !(rd32(base(id) + READY) & 1))
		if (ticks() > end)
			return -1;
	return request.status ? -1 : 0;
}

int bdif_read(enum disk_id id, uint64_t sector, void *dst, uint32_t bytes)
{
	const struct disk *d = &disk[id];

	if (!d->there || !bytes || bytes % 512 || sector >= d->sectors ||
	    bytes / 512 > d->sectors - sector)
		return -1;
	request.desc[0].addr = (uint64_t)&request.header;
	request.desc[0].len = HEADER;
	request.desc[0].flags = 0x00010001;
	request.desc[1].addr = (uint64_t)dst;
	request.desc[1].len = bytes;
	request.desc[1].flags = FLAGS_READ;
	request.desc[2].addr = (uint64_t)&request.status;
	request.desc[2].len = 1;
	request.desc[2].flags = 0x00020000;
	request.header.type = 0;
	request.header.zero = 0;
	request.header.sector = sector;
	request.status = 0xff;
	__asm__ volatile("dsb sy" : : : "memory");
	wr64(base(id) + CMD, (uint64_t)&request);
	__asm__ volatile("dsb sy" : : : "memory");
	return wait(id);
}
