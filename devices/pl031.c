/* pl031.c: the PL031 real time clock.
 *
 * Arm DDI 0224 (PrimeCell RTC PL031), chapter 3; spec/vmapple.md 1.7. It
 * follows the host's wall clock plus what the guest loaded, runs while the VM
 * is paused, and needs no enabling: RTCCR reads 1. */
#include <libfdt.h>

#include "fdt.h"
#include "irq.h"
#include "loop.h"
#include "pl031.h"

enum {
	RTCDR = 0x000,
	RTCMR = 0x004,
	RTCLR = 0x008,
	RTCCR = 0x00c,
	RTCIMSC = 0x010,
	RTCRIS = 0x014,
	RTCMIS = 0x018,
	RTCICR = 0x01c,
	RTCPeriphID0 = 0xfe0,
};

/* The wall clock may be set while an alarm waits: look again this often. */
#define RECHECK (60 * 1000000000ull)

#define NO_ALARM INT64_MAX

struct pl031 {
	struct device dev;
	uint32_t mr, lr, imsc, ris;
	/* seconds; RTCDR is the low half of wall clock + offset */
	int64_t offset, alarm;
	/* host side */
	struct watch *timer;
};

static const struct reg pl031_regs[] = {
	{ RTCMR, "RTCMR", 4, 0, 0xffffffff, 0 },
	{ RTCLR, "RTCLR", 4, 0, 0xffffffff, 0 },
	{ RTCCR, "RTCCR", 4, 1, 0, 0 },
	{ RTCIMSC, "RTCIMSC", 4, 0, 1, 0 },
	{ RTCRIS, "RTCRIS", 4, 0, 0, 0 },
	{ RTCMIS, "RTCMIS", 4, 0, 0, 0 },
	{ RTCICR, "RTCICR", 4, 0, 0, 0 },
	{ 0xfe0, "RTCPeriphID0", 4, 0x31, 0, 0 },
	{ 0xfe4, "RTCPeriphID1", 4, 0x10, 0, 0 },
	{ 0xfe8, "RTCPeriphID2", 4, 0x14, 0, 0 },
	{ 0xfec, "RTCPeriphID3", 4, 0x00, 0, 0 },
	{ 0xff0, "RTCPCellID0", 4, 0x0d, 0, 0 },
	{ 0xff4, "RTCPCellID1", 4, 0xf0, 0, 0 },
	{ 0xff8, "RTCPCellID2", 4, 0x05, 0, 0 },
	{ 0xffc, "RTCPCellID3", 4, 0xb1, 0, 0 },
	{ 0 },
};

static const struct field pl031_saved[] = {
	FIELD(1, struct pl031, mr), FIELD(2, struct pl031, lr),
	FIELD(3, struct pl031, imsc), FIELD(4, struct pl031, ris),
	FIELD(5, struct pl031, offset), FIELD(6, struct pl031, alarm),
	{ 0 },
};

static int64_t pl031_now(const struct pl031 *r)
{
	return (int64_t)(loop_wall(r->dev.loop) / 1000000000u) + r->offset;
}

/* Derives the raw status, the wire and the timer. The timer is needed only
 * while an interrupt can come of it; a guest that reads RTCRIS gets here too. */
static void pl031_update(struct pl031 *r)
{
	uint64_t wall = loop_wall(r->dev.loop), ns = RECHECK;
	int64_t now = pl031_now(r), left;

	/* an alarm goes off once, until RTCMR or RTCLR is written again */
	if (r->alarm <= now) {
		r->ris = 1;
		r->alarm = NO_ALARM;
	}
	irq_set(r->dev.irq[0], (r->ris & r->imsc) != 0);
	if (!r->imsc || r->ris || r->alarm == NO_ALARM) {
		watch_at(r->timer, UINT64_MAX);
		return;
	}
	left = r->alarm - now;
	if (left <= 60)
		ns = (uint64_t)left * 1000000000u - wall % 1000000000u;
	watch_at(r->timer, loop_now(r->dev.loop,
				    loop_wall_clock(r->dev.loop)) + ns);
}

static void pl031_timer(void *arg)
{
	pl031_update(arg);
}

/* The next time that the counter, 32 bits, equals RTCMR. */
static void pl031_set_alarm(struct pl031 *r)
{
	int64_t now = pl031_now(r);

	r->alarm = now + (uint32_t)(r->mr - (uint32_t)now);
}

static enum io pl031_read(struct device *dev, struct access *a)
{
	static const uint8_t id[8] = { 0x31, 0x10, 0x14, 0x00,
				       0x0d, 0xf0, 0x05, 0xb1 };
	struct pl031 *r = (struct pl031 *)dev;

	if (a->size > 4)
		return IO_SIZE;
	pl031_update(r);
	switch (a->off) {
	case RTCDR: a->val = (uint32_t)pl031_now(r); return IO_OK;
	case RTCMR: a->val = r->mr; return IO_OK;
	case RTCLR: a->val = r->lr; return IO_OK;
	case RTCCR: a->val = 1; return IO_OK;
	case RTCIMSC: a->val = r->imsc; return IO_OK;
	case RTCRIS: a->val = r->ris; return IO_OK;
	case RTCMIS: a->val = r->ris & r->imsc; return IO_OK;
	case RTCICR: return IO_OK;              /* write-only */
	}
	if (a->off >= RTCPeriphID0 && a->off < 0x1000 && !(a->off & 3)) {
		a->val = id[(a->off - RTCPeriphID0) / 4];
		return IO_OK;
	}
	return IO_NOREG;
}

static enum io pl031_write(struct device *dev, const struct access *a)
{
	struct pl031 *r = (struct pl031 *)dev;
	uint32_t val = (uint32_t)a->val;

	if (a->size != 4)
		return IO_SIZE;
	switch (a->off) {
	case RTCMR:
		r->mr = val;
		pl031_set_alarm(r);
		break;
	case RTCLR:
		r->lr = val;
		r->offset += (int64_t)val - (uint32_t)pl031_now(r);
		pl031_set_alarm(r);
		break;
	case RTCIMSC:
		r->imsc = val & 1;
		break;
	case RTCICR:
		pl031_update(r);
		r->ris &= ~val;
		break;
	case RTCDR:
	case RTCCR:
	case RTCRIS:
	case RTCMIS:
		return IO_OK;                   /* read-only, or fixed */
	default:
		return IO_NOREG;
	}
	pl031_update(r);
	return IO_OK;
}

static void pl031_reset(struct device *dev)
{
	struct pl031 *r = (struct pl031 *)dev;

	r->mr = r->lr = r->imsc = r->ris = 0;
	/* the offset stays: a reboot does not set the clock */
	r->alarm = NO_ALARM;
	pl031_update(r);
}

static void pl031_resume(struct device *dev)
{
	pl031_update((struct pl031 *)dev);
}

static int pl031_check(const struct device *dev, struct err *e)
{
	const struct pl031 *r = (const struct pl031 *)dev;
	const int64_t limit = 1ll << 40;        /* keeps sums from overflowing */

	if (r->imsc > 1 || r->ris > 1 || r->offset > limit ||
	    r->offset < -limit || r->alarm < -limit ||
	    (r->alarm > limit && r->alarm != NO_ALARM))
		return err_set(e, 0, "bad clock state");
	return 0;
}

static int pl031_init(struct device *dev, const struct devconf *conf,
		      struct err *e)
{
	struct pl031 *r = (struct pl031 *)dev;

	return loop_timer(dev->loop, loop_wall_clock(dev->loop), dev, pl031_timer, r,
			  &r->timer, e);
}

static void pl031_fini(struct device *dev)
{
	watch_free(((struct pl031 *)dev)->timer);
}

static int pl031_fdt(const struct device *dev, struct fdt_build *b)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";
	int rc;

	if ((rc = fdt_begin_unit(b, "rtc", b->base)) ||
	    (rc = fdt_property(b->fdt, "compatible", compatible,
			       sizeof(compatible))) ||
	    (rc = fdt_put_reg(b, b->base, 0x1000)) ||
	    (rc = fdt_put_irq(b, b->irq[0], 4)) ||
	    (rc = fdt_property_u32(b->fdt, "clocks", b->clock_phandle)) ||
	    (rc = fdt_property_string(b->fdt, "clock-names", "apb_pclk")))
		return rc;
	return fdt_end_node(b->fdt);
}

const struct device_ops pl031_ops = {
	.name = "pl031",
	.size = sizeof(struct pl031),
	.regs = pl031_regs,
	.saved = pl031_saved,
	.init = pl031_init,
	.reset = pl031_reset,
	.resume = pl031_resume,
	.read = pl031_read,
	.write = pl031_write,
	.check = pl031_check,
	.fini = pl031_fini,
	.fdt = pl031_fdt,
};
