/* bdif.c: the disks of the firmware's backdoor interface.
 *
 * spec/vmapple.md sections 3.1 to 3.3. Each device id has 64 KiB of registers;
 * here are ids 0 (ROOT) and 1 (AUX), the others are absent: STATUS 0, all else
 * ones. CMD takes the address of a request of three descriptors.
 *
 * A store to CMD returns when the request is done, because the firmware that
 * this is for is known to work with machines where that is so. The I/O itself is
 * the block pool's, and how long a vCPU waits for it is bounded: after that the
 * guest goes on, READY reads 0, and the status byte comes when the disk is done
 * (READY and the byte are what a patient guest looks at). The wait needs a lock
 * of our own: the one of the device is held by the CPU that waits. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "bdif.h"
#include "dma.h"
#include "log.h"

enum {
	STATUS = 0x000, CFG = 0x004, CONFIG = 0x008, READY = 0x010,
	ENABLE = 0x400, CONTROL = 0x404, CMD = 0x408, QUEUE = 0x410,
	CAPACITY = 0x420, CAPACITY_HIGH = 0x424, BLK_SIZE = 0x434,
};

enum { CFG_BLOCK = 2, CONFIG_BLOCK = CAPACITY };

enum { NDISKS = 2, SECTOR = 512, IOVS = 16 };

enum { S_OK, S_FAILED, PENDING = -1 };  /* a request's status byte */

enum { HEADER = 0, DATA = 1, RESULT = 2 };      /* descriptors */

/* A descriptor's flags: low half next, high half 1 more, 2 device writes. */
#define FLAGS_READ 0x00030001u
#define FLAGS_WRITE 0x00010001u

#define DATA_MAX (128u << 20)           /* bytes */
#define WAIT_NS 1000000000u             /* that a vCPU waits at most */

struct desc {
	uint64_t addr;
	uint32_t len, flags;
};

struct bdif;

struct disk {
	struct bdif *d;
	struct blk *blk;                /* NULL: absent */
	bool busy;                      /* under d->lock */
	uint64_t status;                /* where the status byte goes */
	struct blk_req req;
	struct iovec iov[IOVS];
};

struct bdif {
	struct device dev;
	pthread_mutex_t lock;           /* order: the device's, then this */
	pthread_cond_t idle;
	struct disk disk[NDISKS];
	struct log_limit log;
};

static const struct reg bdif_regs[] = {
	{ STATUS, "STATUS", 4, 1, 0, 0 },
	{ CFG, "CFG", 4, CFG_BLOCK, 0, 0 },
	{ CONFIG, "CONFIG", 4, CONFIG_BLOCK, 0, 0 },
	{ READY, "READY", 4, 1, 0, 0 },
	{ ENABLE, "ENABLE", 4, 1, 0, 0 },
	{ CONTROL, "CONTROL", 4, 0xffffffff, 0, 0 },
	{ CMD, "CMD", 8, UINT64_MAX, 0, 0 },
	{ QUEUE, "QUEUE", 4, 0xffffffff, 0, 0 },
	{ BLK_SIZE, "BLK_SIZE", 4, 0, 0, 0 },
	{ 0 },
};

/* ---- waiting ----------------------------------------------------------- */

/* Waits until the disk has nothing to do; d->lock held. */
static void wait_idle(struct disk *k)
{
	while (k->busy)
		pthread_cond_wait(&k->d->idle, &k->d->lock);
}

/* The same, for no longer than a vCPU may. */
static bool wait_short(struct disk *k)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += WAIT_NS % 1000000000u;
	ts.tv_sec += WAIT_NS / 1000000000u + ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	while (k->busy)
		if (pthread_cond_timedwait(&k->d->idle, &k->d->lock, &ts))
			break;
	return !k->busy;
}

/* ---- requests ---------------------------------------------------------- */

static void put_status(struct bdif *d, uint64_t gpa, uint8_t status)
{
	if (dma_put(d->dev.dma, gpa, &status, 1))
		log_guest(&d->log, "%s: a request's status byte is not in RAM",
			  d->dev.id);
}

/* On a pool thread, with no device's lock. */
static void done(struct blk_req *r, int error)
{
	struct disk *k = r->arg;
	struct bdif *d = k->d;

	pthread_mutex_lock(&d->lock);
	put_status(d, k->status, error ? S_FAILED : S_OK);
	k->busy = false;
	pthread_cond_broadcast(&d->idle);
	pthread_mutex_unlock(&d->lock);
}

/* The sector is the header's last eight bytes, as with virtio; the type before
 * it says nothing that the data's flags don't. */
static int get_sector(struct bdif *d, const struct desc *h, uint64_t *sector)
{
	uint8_t b[16];

	if (h->len != sizeof(b) || dma_get(d->dev.dma, h->addr, b, sizeof(b)))
		return -1;
	*sector = 0;
	for (int i = 0; i < 8; i++)
		*sector |= (uint64_t)b[8 + i] << 8 * i;
	return 0;
}

/* Checks a request and submits it, where there is something to be moved. */
static int start(struct disk *k, const struct desc q[3])
{
	bool write = q[DATA].flags == FLAGS_WRITE;
	uint64_t sector, len = q[DATA].len;

	if (get_sector(k->d, &q[HEADER], &sector))
		return S_FAILED;
	if ((!write && q[DATA].flags != FLAGS_READ) || len > DATA_MAX ||
	    (write && k->blk->readonly))
		return S_FAILED;
	if (sector > k->blk->size / SECTOR ||
	    len > k->blk->size - sector * SECTOR)
		return S_FAILED;
	k->req.niov = dma_iov(k->d->dev.dma, q[DATA].addr, len, k->iov, IOVS);
	if (k->req.niov < 0)
		return S_FAILED;
	if (!len)
		return S_OK;
	k->req.op = write ? BLK_WRITE : BLK_READ;
	k->req.off = sector * SECTOR;
	k->req.len = len;
	k->status = q[RESULT].addr;
	k->busy = true;
	blk_submit(k->blk, &k->req);
	return PENDING;
}

static uint64_t le(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void command(struct disk *k, uint64_t gpa)
{
	struct bdif *d = k->d;
	uint8_t raw[48];
	struct desc q[3];
	int status = S_FAILED;

	if (dma_get(d->dev.dma, gpa, raw, sizeof(raw))) {
		log_guest(&d->log, "%s: the request at 0x%llx is not in RAM",
			  d->dev.id, (unsigned long long)gpa);
		return;
	}
	for (int i = 0; i < 3; i++)
		q[i] = (struct desc){ le(raw + 16 * i, 8),
				      (uint32_t)le(raw + 16 * i + 8, 4),
				      (uint32_t)le(raw + 16 * i + 12, 4) };
	pthread_mutex_lock(&d->lock);
	/* one at a time: a guest that did not look at READY waits again */
	if (wait_short(k))
		status = start(k, q);
	if (status == PENDING)
		wait_short(k);
	else
		put_status(d, q[RESULT].addr, (uint8_t)status);
	pthread_mutex_unlock(&d->lock);
	if (status == S_FAILED)
		log_guest(&d->log, "%s: refused: header %u bytes, data %u "
			  "bytes, flags %08x", d->dev.id, q[HEADER].len,
			  q[DATA].len, q[DATA].flags);
}

/* ---- registers --------------------------------------------------------- */

/* The disk that an access is for, or NULL; *reg is the register. */
static struct disk *disk_of(struct bdif *d, const struct access *a,
			    unsigned *reg)
{
	uint64_t slot = a->off / BDIF_SLOT;

	*reg = a->off % BDIF_SLOT;
	if (a->win || slot >= NDISKS || !d->disk[slot].blk)
		return NULL;
	return &d->disk[slot];
}

static bool ready(struct disk *k)
{
	bool r;

	pthread_mutex_lock(&k->d->lock);
	r = !k->busy;
	pthread_mutex_unlock(&k->d->lock);
	return r;
}

/* An access of any size gets the register cut to its width; between registers
 * there are ones. as.c drops what does not fit. */
static enum io bdif_read(struct device *dev, struct access *a)
{
	unsigned reg;
	struct disk *k = disk_of((struct bdif *)dev, a, &reg);

	a->val = UINT64_MAX;
	if (!k) {
		if (reg == STATUS)
			a->val = 0;
		return IO_OK;
	}
	switch (reg) {
	case STATUS: a->val = 1; break;
	case CFG: a->val = CFG_BLOCK; break;
	case CONFIG: a->val = CONFIG_BLOCK; break;
	case READY: a->val = ready(k); break;
	case ENABLE: a->val = 1; break;
	case CAPACITY: a->val = k->blk->size / SECTOR; break;
	/* the upper half of virtio-blk's capacity */
	case CAPACITY_HIGH: a->val = k->blk->size / SECTOR >> 32; break;
	case BLK_SIZE: a->val = 0; break;
	}
	return IO_OK;
}

static enum io bdif_write(struct device *dev, const struct access *a)
{
	unsigned reg;
	struct disk *k = disk_of((struct bdif *)dev, a, &reg);

	if (k && reg == CMD)
		command(k, a->val);
	return IO_OK;
}

/* ---- life -------------------------------------------------------------- */

/* Requests are short and hold no state that a snapshot could carry: they end
 * first. done() does not take the device's lock, so this may wait. */
static void bdif_pause(struct device *dev)
{
	struct bdif *d = (struct bdif *)dev;

	pthread_mutex_lock(&d->lock);
	for (int i = 0; i < NDISKS; i++)
		wait_idle(&d->disk[i]);
	pthread_mutex_unlock(&d->lock);
}

static void bdif_reset(struct device *dev)
{
	bdif_pause(dev);
}

static void add_disk(struct bdif *d, int i, struct blk *blk)
{
	struct disk *k = &d->disk[i];

	k->d = d;
	k->blk = blk;
	k->req.done = done;
	k->req.arg = k;
	k->req.iov = k->iov;
}

static int bdif_init(struct device *dev, const struct devconf *dc,
		     struct err *e)
{
	struct bdif *d = (struct bdif *)dev;
	const struct bdif_conf *c = dc->arg;
	pthread_condattr_t attr;

	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->idle, &attr);
	pthread_condattr_destroy(&attr);
	add_disk(d, 0, c->root);
	add_disk(d, 1, c->aux);
	return 0;
}

static void bdif_fini(struct device *dev)
{
	struct bdif *d = (struct bdif *)dev;

	for (int i = 0; i < NDISKS; i++)
		if (d->disk[i].blk)
			blk_drain(d->disk[i].blk);
	pthread_cond_destroy(&d->idle);
	pthread_mutex_destroy(&d->lock);
}

const struct device_ops bdif_ops = {
	.name = "bdif",
	.size = sizeof(struct bdif),
	.regs = bdif_regs,
	.init = bdif_init,
	.reset = bdif_reset,
	.pause = bdif_pause,
	.read = bdif_read,
	.write = bdif_write,
	.fini = bdif_fini,
};
