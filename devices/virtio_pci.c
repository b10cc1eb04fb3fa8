/* The PCI transport of virtio devices, modern interface only.
 *
 * Virtual I/O Device (VIRTIO) 1.2, section 4.1 (transport), 2.1 (status), 2.2
 * (features), 3.1 (initialisation). vmapple.md section 1.8 for the layout of
 * BAR4 and the ids. Left out: the legacy interface (off upstream too),
 * VIRTIO_F_RING_RESET, VIRTIO_F_NOTIFICATION_DATA, shared memory regions. */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "virtio.h"

enum {
	MSIX_BAR = 1, VIRTIO_BAR = 4, VIRTIO_BAR_SIZE = 0x4000,
	COMMON = 0x0000, ISR = 0x1000, DEVICE = 0x2000, NOTIFY = 0x3000,
	REGION = 0x1000,
	NOTIFY_MULTIPLIER = 4,
	NO_VECTOR = 0xffff,
};

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

enum {                                  /* section 4.1.4 */
	CAP_COMMON = 1, CAP_NOTIFY, CAP_ISR, CAP_DEVICE, CAP_PCI,
	CAP_ID = 0x09,
	CAP_LEN = 16,
	CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_DATA = 16,
};

enum common {                           /* section 4.1.4.3 */
	DEVICE_FEATURE_SELECT, DEVICE_FEATURE, DRIVER_FEATURE_SELECT,
	DRIVER_FEATURE, CONFIG_MSIX_VECTOR, NUM_QUEUES, DEVICE_STATUS,
	CONFIG_GENERATION, QUEUE_SELECT, QUEUE_SIZE, QUEUE_MSIX_VECTOR,
	QUEUE_ENABLE, QUEUE_NOTIFY_OFF, QUEUE_DESC, QUEUE_DRIVER,
	QUEUE_DEVICE,
	COMMON_FIELDS
};

static const struct { uint8_t off, size; } common_fields[COMMON_FIELDS] = {
	[DEVICE_FEATURE_SELECT] = { 0x00, 4 },
	[DEVICE_FEATURE] = { 0x04, 4 },
	[DRIVER_FEATURE_SELECT] = { 0x08, 4 },
	[DRIVER_FEATURE] = { 0x0c, 4 },
	[CONFIG_MSIX_VECTOR] = { 0x10, 2 },
	[NUM_QUEUES] = { 0x12, 2 },
	[DEVICE_STATUS] = { 0x14, 1 },
	[CONFIG_GENERATION] = { 0x15, 1 },
	[QUEUE_SELECT] = { 0x16, 2 },
	[QUEUE_SIZE] = { 0x18, 2 },
	[QUEUE_MSIX_VECTOR] = { 0x1a, 2 },
	[QUEUE_ENABLE] = { 0x1c, 2 },
	[QUEUE_NOTIFY_OFF] = { 0x1e, 2 },
	[QUEUE_DESC] = { 0x20, 8 },
	[QUEUE_DRIVER] = { 0x28, 8 },
	[QUEUE_DEVICE] = { 0x30, 8 },
};

static struct virtio *virtio_of(struct pci_fn *fn)
{
	return (struct virtio *)fn;
}

/* ---- interrupts ----------------------------------------------------- */

/* The only caller of pci_intx. */
static void isr_update(struct virtio *v)
{
	pci_intx(&v->pci, v->isr != 0);
}

static void raise_irq(struct virtio *v, uint8_t isr, uint16_t vector)
{
	v->interrupts++;
	if (pci_msix_enabled(&v->pci)) {
		pci_msix_fire(&v->pci, vector);
		return;
	}
	v->isr |= isr;
	isr_update(v);
}

static void vq_interrupt(void *owner, struct virtq *q)
{
	struct virtio *v = owner;

	raise_irq(v, ISR_QUEUE, v->regs[q->index].vector);
}

static void vq_broken(void *owner, struct virtq *q, const char *why)
{
	virtio_broken(owner, why);
}

static void config_irq(struct virtio *v)
{
	if (v->status & VIRTIO_S_DRIVER_OK)
		raise_irq(v, ISR_CONFIG, v->config_vector);
}

void virtio_config_changed(struct virtio *v)
{
	v->generation++;
	config_irq(v);
}

void virtio_broken(struct virtio *v, const char *why)
{
	log_guest(&v->log, "%s: %s", v->pci.dev.id, why);
	v->broken++;
	if (v->status & VIRTIO_S_NEEDS_RESET)
		return;
	v->status |= VIRTIO_S_NEEDS_RESET;
	config_irq(v);
}

/* ---- state ---------------------------------------------------------- */

bool virtio_has(const struct virtio *v, unsigned feature)
{
	return v->driver_features >> feature & 1;
}

bool virtio_running(const struct virtio *v)
{
	return (v->status & (VIRTIO_S_DRIVER_OK | VIRTIO_S_FEATURES_OK |
			     VIRTIO_S_NEEDS_RESET)) ==
		(VIRTIO_S_DRIVER_OK | VIRTIO_S_FEATURES_OK) &&
	       !v->resetting && pci_bus_master(&v->pci);
}

static void kick(struct virtio *v, unsigned q)
{
	if (!virtio_running(v) || !v->vq[q].live)
		return;
	v->kicks++;
	v->ops->notify(v, q);
}

static void kick_all(struct virtio *v)
{
	for (unsigned q = 0; q < v->ops->queues; q++)
		kick(v, q);
}

static void clear(struct virtio *v)
{
	for (unsigned q = 0; q < v->ops->queues; q++) {
		virtq_stop(&v->vq[q]);
		v->regs[q] = (struct virtio_queue){
			.size = v->ops->queue_size[q], .vector = NO_VECTOR,
		};
	}
	v->driver_features = 0;
	v->feature_sel = v->driver_feature_sel = 0;
	v->config_vector = NO_VECTOR;
	v->queue_sel = 0;
	v->isr = 0;
	isr_update(v);
}

static void reset_by_driver(struct virtio *v)
{
	clear(v);
	if (v->ops->reset && !v->ops->reset(v)) {
		/* the driver polls the status until it reads 0 */
		v->status |= VIRTIO_S_ACKNOWLEDGE;
		v->resetting = true;
		return;
	}
	v->status = 0;
}

void virtio_reset_done(struct virtio *v)
{
	if (!v->resetting)
		return;
	v->resetting = false;
	v->status = 0;
}

void virtio_power_on(struct virtio *v)
{
	clear(v);
	v->resetting = false;
	v->status = 0;
	v->generation = 0;
	pci_fn_reset(&v->pci);
}

static void set_status(struct virtio *v, uint8_t val)
{
	uint8_t old = v->status;

	if (!val) {
		reset_by_driver(v);
		return;
	}
	val &= ~VIRTIO_S_NEEDS_RESET;
	val |= old & VIRTIO_S_NEEDS_RESET;
	if (val & ~old & VIRTIO_S_FEATURES_OK &&
	    (v->driver_features & ~v->features ||
	     !virtio_has(v, VIRTIO_F_VERSION_1))) {
		log_guest(&v->log, "%s: features 0x%llx refused", v->pci.dev.id,
			  (unsigned long long)v->driver_features);
		val &= ~VIRTIO_S_FEATURES_OK;
	}
	v->status = val;
	/* buffers may have been made available before */
	if (val & ~old & VIRTIO_S_DRIVER_OK)
		kick_all(v);
}

static void enable_queue(struct virtio *v, unsigned n)
{
	struct virtio_queue *r = &v->regs[n];

	if (r->enabled)
		return;
	if (!(v->status & VIRTIO_S_FEATURES_OK)) {
		log_guest(&v->log, "%s: queue %u enabled before FEATURES_OK",
			  v->pci.dev.id, n);
		return;
	}
	r->enabled = true;
	if (virtq_start(&v->vq[n], r->size, r->desc, r->driver, r->device,
			virtio_has(v, VIRTIO_F_EVENT_IDX),
			virtio_has(v, VIRTIO_F_INDIRECT_DESC)))
		virtio_broken(v, "a ring is misaligned or outside RAM");
}

/* ---- the common configuration --------------------------------------- */

static uint64_t common_load(const struct virtio *v, enum common f)
{
	static const struct virtio_queue none;
	unsigned n = v->queue_sel;
	bool there = n < v->ops->queues;
	const struct virtio_queue *q = there ? &v->regs[n] : &none;

	switch (f) {
	case DEVICE_FEATURE_SELECT: return v->feature_sel;
	case DEVICE_FEATURE:
		return v->feature_sel > 1 ? 0 :
		       (uint32_t)(v->features >> 32 * v->feature_sel);
	case DRIVER_FEATURE_SELECT: return v->driver_feature_sel;
	case DRIVER_FEATURE:
		return v->driver_feature_sel > 1 ? 0 :
		       (uint32_t)(v->driver_features >>
				  32 * v->driver_feature_sel);
	case CONFIG_MSIX_VECTOR: return v->config_vector;
	case NUM_QUEUES: return v->ops->queues;
	case DEVICE_STATUS: return v->status;
	case CONFIG_GENERATION: return v->generation;
	case QUEUE_SELECT: return v->queue_sel;
	case QUEUE_SIZE: return q->size;
	case QUEUE_MSIX_VECTOR: return there ? q->vector : NO_VECTOR;
	case QUEUE_ENABLE: return q->enabled;
	case QUEUE_NOTIFY_OFF: return there ? n : 0;
	case QUEUE_DESC: return q->desc;
	case QUEUE_DRIVER: return q->driver;
	case QUEUE_DEVICE: return q->device;
	case COMMON_FIELDS: break;
	}
	return 0;
}

static void set_driver_feature(struct virtio *v, uint32_t val)
{
	unsigned shift = 32 * v->driver_feature_sel;

	if (v->driver_feature_sel > 1 || v->status & VIRTIO_S_FEATURES_OK)
		return;
	v->driver_features &= ~(0xffffffffull << shift);
	v->driver_features |= (uint64_t)val << shift;
}

static uint16_t vector(const struct virtio *v, uint16_t val)
{
	return val < v->pci.msix_vectors ? val : NO_VECTOR;
}

/* Registers of a queue; those that describe it are fixed once it is enabled
 * (the live copy in struct virtq would not follow). */
static void queue_store(struct virtio *v, enum common f, uint64_t val)
{
	unsigned n = v->queue_sel;
	struct virtio_queue *q = &v->regs[n];

	if (f == QUEUE_MSIX_VECTOR) {
		q->vector = vector(v, val);
		return;
	}
	if (q->enabled)
		return;
	switch (f) {
	case QUEUE_SIZE:
		if (val && val <= v->ops->queue_size[n] && !(val & (val - 1)))
			q->size = val;
		else
			log_guest(&v->log, "%s: queue size %u refused",
				  v->pci.dev.id, (unsigned)val);
		break;
	case QUEUE_DESC: q->desc = val; break;
	case QUEUE_DRIVER: q->driver = val; break;
	case QUEUE_DEVICE: q->device = val; break;
	case QUEUE_ENABLE:
		if (val == 1)
			enable_queue(v, n);
		break;
	default: break;
	}
}

static void common_store(struct virtio *v, enum common f, uint64_t val)
{
	switch (f) {
	case DEVICE_FEATURE_SELECT: v->feature_sel = val; break;
	case DRIVER_FEATURE_SELECT: v->driver_feature_sel = val; break;
	case DRIVER_FEATURE: set_driver_feature(v, val); break;
	case CONFIG_MSIX_VECTOR: v->config_vector = vector(v, val); break;
	case DEVICE_STATUS: set_status(v, val); break;
	case QUEUE_SELECT: v->queue_sel = val; break;
	case DEVICE_FEATURE:
	case NUM_QUEUES:
	case CONFIG_GENERATION:
	case QUEUE_NOTIFY_OFF:
		break;                  /* read only */
	default:
		if (v->queue_sel < v->ops->queues)
			queue_store(v, f, val);
	}
}

/* A driver may read any part; fields past the last read 0. */
static void common_read(struct virtio *v, struct access *a)
{
	uint64_t end = a->off + a->size;

	for (unsigned f = 0; f < COMMON_FIELDS; f++) {
		uint64_t off = common_fields[f].off, val;
		unsigned size = common_fields[f].size;

		if (off >= end || off + size <= a->off)
			continue;
		val = common_load(v, f);
		if (off >= a->off)
			a->val |= val << 8 * (off - a->off);
		else
			a->val |= val >> 8 * (a->off - off);
	}
	if (a->size < 8)
		a->val &= (1ull << 8 * a->size) - 1;
}

/* A field is written where the access covers it; of the 64-bit ones halves
 * will do (section 4.1.3.1 lets a driver write them as two). */
static enum io common_write(struct virtio *v, const struct access *a)
{
	uint64_t end = a->off + a->size;
	bool hit = false;

	if (v->resetting)
		return IO_OK;
	for (unsigned f = 0; f < COMMON_FIELDS; f++) {
		uint64_t off = common_fields[f].off;
		unsigned size = common_fields[f].size;

		if (off >= a->off && off + size <= end) {
			uint64_t val = a->val >> 8 * (off - a->off);

			if (size < 8)
				val &= (1ull << 8 * size) - 1;
			common_store(v, f, val);
			hit = true;
		} else if (size == 8 && a->size == 4 &&
			   (a->off == off || a->off == off + 4)) {
			unsigned shift = 8 * (a->off - off);
			uint64_t val = common_load(v, f);

			val &= ~(0xffffffffull << shift);
			val |= (a->val & 0xffffffff) << shift;
			common_store(v, f, val);
			hit = true;
		}
	}
	return hit ? IO_OK : IO_SIZE;
}

/* ---- BAR4 ----------------------------------------------------------- */

static void device_read(struct virtio *v, uint64_t off, struct access *a)
{
	for (unsigned i = 0; i < a->size; i++) {
		uint64_t b = off + i < v->config_len ? v->config[off + i] :
						       0xff;

		a->val |= b << 8 * i;
	}
}

static enum io device_write(struct virtio *v, uint64_t off,
			    const struct access *a)
{
	if (off < v->config_rw || off + a->size > v->config_rw_end)
		return IO_NOREG;
	for (unsigned i = 0; i < a->size; i++)
		v->config[off + i] = a->val >> 8 * i;
	if (v->ops->config_write)
		v->ops->config_write(v, off, a->size);
	return IO_OK;
}

static enum io bar_read(struct pci_fn *fn, unsigned bar, struct access *a)
{
	struct virtio *v = virtio_of(fn);
	uint64_t off = a->off % REGION;

	a->val = 0;
	switch (a->off - off) {
	case COMMON:
		common_read(v, a);
		return IO_OK;
	case ISR:
		if (off)
			return IO_NOREG;
		a->val = v->isr;
		v->isr = 0;             /* a read acknowledges */
		isr_update(v);
		return IO_OK;
	case DEVICE:
		device_read(v, off, a);
		return off < v->config_len ? IO_OK : IO_NOREG;
	}
	return IO_OK;                   /* doorbells read as 0 */
}

static enum io bar_write(struct pci_fn *fn, unsigned bar,
			 const struct access *a)
{
	struct virtio *v = virtio_of(fn);
	uint64_t off = a->off % REGION;

	switch (a->off - off) {
	case COMMON:
		return common_write(v, a);
	case DEVICE:
		return device_write(v, off, a);
	case NOTIFY:
		if (off / NOTIFY_MULTIPLIER >= v->ops->queues)
			return IO_NOREG;
		kick(v, off / NOTIFY_MULTIPLIER);
		return IO_OK;
	}
	return IO_NOREG;
}

/* ---- the window in configuration space, section 4.1.4.9 -------------- */

static bool window(struct virtio *v, unsigned off, unsigned size,
		   unsigned *bar, struct access *a)
{
	const uint8_t *c = v->pci.cfg + v->cfg_cap;
	uint32_t word;

	if (off >= v->cfg_cap + CAP_DATA + 4 ||
	    off + size <= v->cfg_cap + CAP_DATA)
		return false;
	*bar = c[CAP_BAR];
	memcpy(&word, c + CAP_OFFSET, 4);
	a->off = le32toh(word);
	memcpy(&word, c + CAP_LENGTH, 4);
	word = le32toh(word);
	if ((word != 1 && word != 2 && word != 4) || a->off % word)
		return false;
	a->size = word;
	a->win = *bar;
	return true;
}

static void cfg_read(struct pci_fn *fn, unsigned off, unsigned size)
{
	struct virtio *v = virtio_of(fn);
	struct access a = { 0 };
	unsigned bar;
	uint32_t word;

	if (!window(v, off, size, &bar, &a))
		return;
	pci_bar_read(fn, bar, &a);
	word = htole32(a.val);
	memcpy(fn->cfg + v->cfg_cap + CAP_DATA, &word, a.size);
}

static void cfg_write(struct pci_fn *fn, unsigned off, unsigned size)
{
	struct virtio *v = virtio_of(fn);
	struct access a = { 0 };
	unsigned bar;
	uint32_t word;

	if (!window(v, off, size, &bar, &a))
		return;
	memcpy(&word, fn->cfg + v->cfg_cap + CAP_DATA, 4);
	a.val = le32toh(word) & ((1ull << 8 * a.size) - 1);
	pci_bar_write(fn, bar, &a);
}

static void bus_master(struct pci_fn *fn, bool on)
{
	if (on)
		kick_all(virtio_of(fn));
}

/* ---- doorbells without exits ---------------------------------------- */

static void kick_event(void *arg, uint32_t events)
{
	struct virtio_kick *k = arg;
	uint64_t count;

	if (read(k->v->kick_fd[k->q], &count, sizeof(count)) < 0)
		return;                 /* EAGAIN: someone else's wake-up */
	kick(k->v, k->q);
}

static void bar_moved(struct pci_fn *fn, unsigned bar, uint64_t gpa, bool on)
{
	struct virtio *v = virtio_of(fn);

	if (!v->ioeventfd || bar != VIRTIO_BAR)
		return;
	for (unsigned q = 0; q < v->ops->queues; q++) {
		uint64_t at = gpa + NOTIFY + q * NOTIFY_MULTIPLIER;

		if (on == (v->kick_on >> q & 1))
			continue;
		/* where it fails, the store comes by as_access as ever */
		if (!v->ioeventfd(v->ioeventfd_arg, at, 0, v->kick_fd[q], on))
			v->kick_on ^= 1u << q;
		else if (!on)
			v->kick_on &= ~(1u << q);
	}
}

static int open_kicks(struct virtio *v, struct loop *loop, struct err *e)
{
	for (unsigned q = 0; q < v->ops->queues; q++) {
		v->kick[q].v = v;
		v->kick[q].q = q;
		v->kick_fd[q] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->kick_fd[q] < 0)
			return err_set(e, errno, "eventfd");
		if (loop_fd(loop, v->kick_fd[q], EPOLLIN, &v->pci.dev,
			    kick_event, &v->kick[q], &v->kick_watch[q], e))
			return -1;
	}
	return 0;
}

/* ---- making one ----------------------------------------------------- */

static const struct pci_fn_ops fn_ops = {
	.read = bar_read,
	.write = bar_write,
	.cfg_read = cfg_read,
	.cfg_write = cfg_write,
	.bar_moved = bar_moved,
	.bus_master = bus_master,
};

static unsigned add_cap(struct virtio *v, uint8_t type, uint32_t off,
			uint32_t len, unsigned size)
{
	uint8_t body[CAP_LEN + 4] = { 0 };
	uint32_t word;

	body[2] = size;
	body[3] = type;
	body[CAP_BAR] = type == CAP_PCI ? 0 : VIRTIO_BAR;
	word = htole32(off);
	memcpy(body + CAP_OFFSET, &word, 4);
	word = htole32(len);
	memcpy(body + CAP_LENGTH, &word, 4);
	if (type == CAP_NOTIFY)
		body[CAP_LEN] = NOTIFY_MULTIPLIER;
	return pci_cap(&v->pci, CAP_ID, body, size);
}

static void add_caps(struct virtio *v)
{
	uint8_t *w;

	pci_bar(&v->pci, VIRTIO_BAR, VIRTIO_BAR_SIZE, true, true);
	pci_msix(&v->pci, MSIX_BAR, v->ops->queues + 1);
	add_cap(v, CAP_COMMON, COMMON, REGION, CAP_LEN);
	add_cap(v, CAP_ISR, ISR, REGION, CAP_LEN);
	add_cap(v, CAP_DEVICE, DEVICE, REGION, CAP_LEN);
	add_cap(v, CAP_NOTIFY, NOTIFY, REGION, CAP_LEN + 4);
	v->cfg_cap = add_cap(v, CAP_PCI, 0, 0, CAP_LEN + 4);
	w = v->pci.wmask + v->cfg_cap;
	w[CAP_BAR] = 0xff;
	memset(w + CAP_OFFSET, 0xff, 12);       /* offset, length, data */
}

int virtio_init(struct virtio *v, const struct virtio_ops *ops,
		const struct virtio_conf *c, const struct devconf *dc,
		struct err *e)
{
	assert(ops->queues <= VIRTIO_QUEUES &&
	       v->config_len <= VIRTIO_CONFIG_SIZE);
	v->ops = ops;
	v->features |= 1ull << VIRTIO_F_VERSION_1 |
		       1ull << VIRTIO_F_INDIRECT_DESC |
		       1ull << VIRTIO_F_EVENT_IDX;
	for (unsigned q = 0; q < VIRTIO_QUEUES; q++)
		v->kick_fd[q] = -1;
	for (unsigned q = 0; q < ops->queues; q++) {
		v->vq[q].dma = dc->dma;
		v->vq[q].owner = v;
		v->vq[q].index = q;
		v->vq[q].broken = vq_broken;
		v->vq[q].interrupt = vq_interrupt;
	}
	if (pci_fn_init(&v->pci, &c->pci, &ops->pci, &fn_ops, e))
		return -1;
	add_caps(v);
	v->ioeventfd = c->ioeventfd;
	v->ioeventfd_arg = c->ioeventfd_arg;
	if (v->ioeventfd && open_kicks(v, dc->loop, e)) {
		virtio_fini(v);
		return -1;
	}
	return 0;
}

void virtio_fini(struct virtio *v)
{
	for (unsigned q = 0; q < v->ops->queues; q++)
		virtq_stop(&v->vq[q]);
	pci_fn_fini(&v->pci);           /* disconnects the doorbells */
	for (unsigned q = 0; q < v->ops->queues; q++) {
		if (v->kick_watch[q])
			watch_free(v->kick_watch[q]);
		if (v->kick_fd[q] >= 0)
			close(v->kick_fd[q]);
	}
}
