/* avp_rtc.c: the AVP-RTC, the clock that macOS 26 wants.
 *
 * spec/vmapple.md section 1.9. How an alarm is set is not known, so nothing
 * ever raises a status bit but a loaded snapshot. The registers are 64 bits
 * wide; either half can be accessed alone. The time is the host's wall clock:
 * the guest has its own offset to it in NVRAM. */
#include "avp_rtc.h"
#include "irq.h"
#include "loop.h"

enum {
	TIME = 0x00,
	CONTROL = 0x18,
	INTR_ENABLE = 0x20,
	INTR_STATUS = 0x30,
	INTR_ACK = 0x38,
	IDENT = 0x40,
};

#define IDENT_VALUE 0xf001

struct avp_rtc {
	struct device dev;
	uint64_t control, enable, status;
	/* TIME when its low half was read, for the high one */
	uint64_t latch;
};

static const struct reg avp_rtc_regs[] = {
	{ CONTROL, "CONTROL", 8, 0, UINT64_MAX, 0 },
	{ INTR_ENABLE, "INTR_ENABLE", 8, 0, UINT64_MAX, 0 },
	{ INTR_STATUS, "INTR_STATUS", 8, 0, 0, 0 },
	{ INTR_ACK, "INTR_ACK", 8, 0, 0, 0 },
	{ IDENT, "IDENT", 8, IDENT_VALUE, 0, 0 },
	{ 0 },
};

static const struct field avp_rtc_saved[] = {
	FIELD(1, struct avp_rtc, control), FIELD(2, struct avp_rtc, enable),
	FIELD(3, struct avp_rtc, status), FIELD(4, struct avp_rtc, latch),
	{ 0 },
};

static void avp_rtc_update(struct avp_rtc *r)
{
	irq_set(r->dev.irq[0], (r->status & r->enable) != 0);
}

static uint64_t now(struct avp_rtc *r, const struct access *a)
{
	if (a->size == 8)
		return loop_wall(r->dev.loop) / 1000;
	if (!(a->off & 4))
		r->latch = loop_wall(r->dev.loop) / 1000;
	return r->latch;
}

static enum io avp_rtc_read(struct device *dev, struct access *a)
{
	struct avp_rtc *r = (struct avp_rtc *)dev;
	uint64_t val = 0;

	if (a->size < 4)
		return IO_SIZE;
	switch (a->off & ~4ull) {
	case TIME: val = now(r, a); break;
	case CONTROL: val = r->control; break;
	case INTR_ENABLE: val = r->enable; break;
	case INTR_STATUS: val = r->status; break;
	case INTR_ACK: break;                   /* write-only */
	case IDENT: val = IDENT_VALUE; break;
	default: return IO_NOREG;
	}
	a->val = a->off & 4 ? val >> 32 : val;
	return IO_OK;
}

/* The register with the accessed half replaced. */
static uint64_t merge(uint64_t old, const struct access *a)
{
	if (a->size == 8)
		return a->val;
	if (a->off & 4)
		return (uint32_t)old | a->val << 32;
	return (old & ~0xffffffffull) | (uint32_t)a->val;
}

static enum io avp_rtc_write(struct device *dev, const struct access *a)
{
	struct avp_rtc *r = (struct avp_rtc *)dev;

	if (a->size < 4)
		return IO_SIZE;
	switch (a->off & ~4ull) {
	case CONTROL: r->control = merge(r->control, a); break;
	case INTR_ENABLE: r->enable = merge(r->enable, a); break;
	case INTR_ACK: r->status &= ~merge(0, a); break;
	case TIME:
	case INTR_STATUS:
	case IDENT:
		return IO_OK;                   /* read-only */
	default:
		return IO_NOREG;
	}
	avp_rtc_update(r);
	return IO_OK;
}

static void avp_rtc_reset(struct device *dev)
{
	struct avp_rtc *r = (struct avp_rtc *)dev;

	r->control = r->enable = r->status = r->latch = 0;
	avp_rtc_update(r);
}

static void avp_rtc_resume(struct device *dev)
{
	avp_rtc_update((struct avp_rtc *)dev);
}

static void avp_rtc_fini(struct device *dev)
{
}

const struct device_ops avp_rtc_ops = {
	.name = "avp-rtc",
	.size = sizeof(struct avp_rtc),
	.regs = avp_rtc_regs,
	.saved = avp_rtc_saved,
	.reset = avp_rtc_reset,
	.resume = avp_rtc_resume,
	.read = avp_rtc_read,
	.write = avp_rtc_write,
	.fini = avp_rtc_fini,
};
