/* pl011.c: the PL011 UART.
 *
 * Arm DDI 0183 (PrimeCell UART PL011, r1p5), chapter 3; spec/vmapple.md 1.6.
 * The line is infinitely fast, 8 bits wide and never noisy: baud rate and word
 * length only read back, the divisor sets the receive time-out. Sending works
 * without CR.UARTEN, because early consoles rely on firmware having set it.
 * Left out: DMA requests (the register is there), IrDA.
 *
 * Output goes to a buffer of OUT_SIZE bytes, whose last 16 places are the
 * guest's transmit FIFO: it looks empty until the far side is that much behind,
 * and full, TXFF, when the buffer is. So a slow terminal slows the guest down
 * as a slow line does, blocks no thread, and nothing is lost. The buffer is
 * handed on after a millisecond or when it is half full, not byte by byte.
 * Input is refused while the receive FIFO is full; the far side keeps it. */
#include <libfdt.h>
#include <string.h>

#include "backend.h"
#include "fdt.h"
#include "irq.h"
#include "loop.h"
#include "pl011.h"

enum {
	UARTDR = 0x000,
	UARTRSR = 0x004,                /* UARTECR when written */
	UARTFR = 0x018,
	UARTILPR = 0x020,
	UARTIBRD = 0x024,
	UARTFBRD = 0x028,
	UARTLCR_H = 0x02c,
	UARTCR = 0x030,
	UARTIFLS = 0x034,
	UARTIMSC = 0x038,
	UARTRIS = 0x03c,
	UARTMIS = 0x040,
	UARTICR = 0x044,
	UARTDMACR = 0x048,
	UARTPeriphID0 = 0xfe0,
};

enum {
	DR_BE = 1 << 10, DR_OE = 1 << 11,
	RSR_OE = 1 << 3,
	FR_CTS = 1 << 0, FR_DSR = 1 << 1, FR_DCD = 1 << 2, FR_BUSY = 1 << 3,
	FR_RXFE = 1 << 4, FR_TXFF = 1 << 5, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7,
	FR_RI = 1 << 8,
	LCR_H_BRK = 1 << 0, LCR_H_FEN = 1 << 4,
	CR_UARTEN = 1 << 0, CR_LBE = 1 << 7, CR_RXE = 1 << 9, CR_DTR = 1 << 10,
	CR_RTS = 1 << 11, CR_OUT1 = 1 << 12, CR_OUT2 = 1 << 13,
	/* UARTIMSC, RIS, MIS, ICR */
	INT_RI = 1 << 0, INT_CTS = 1 << 1, INT_DCD = 1 << 2, INT_DSR = 1 << 3,
	INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RT = 1 << 6, INT_BE = 1 << 9,
	INT_OE = 1 << 10,
	INT_ALL = 0x7ff,
};

#define CR_BITS 0xff87u                 /* 6:3 are reserved */
#define FIFO 16u
#define OUT_SIZE 4096u
#define OUT_DELAY 1000000u              /* ns */
#define UARTCLK 24000000u               /* Hz */

struct pl011 {
	struct device dev;
	uint16_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
	uint16_t rx[FIFO];              /* characters with their error bits */
	uint32_t rx_head, rx_n;
	uint32_t oe;                    /* the next character carries OE */
	uint8_t out[OUT_SIZE];
	uint32_t out_head, out_n;
	/* host side */
	struct tty *tty;
	struct watch *flush_timer, *rt_timer;
	bool blocked;                   /* tty was full: writable() follows */
	bool flushing;                  /* flush_timer is armed */
	bool refused;                   /* input was: tty wants ready() */
	uint64_t tx_count, rx_count;
	uint8_t tail[PL011_TAIL];
};

static const struct reg pl011_regs[] = {
	{ UARTRSR, "UARTRSR", 4, 0, 0, 0 },
	{ UARTFR, "UARTFR", 4, 0x97, 0, 0 },
	{ UARTILPR, "UARTILPR", 4, 0, 0xff, 0 },
	{ UARTIBRD, "UARTIBRD", 4, 0, 0xffff, 0 },
	{ UARTFBRD, "UARTFBRD", 4, 0, 0x3f, 0 },
	{ UARTLCR_H, "UARTLCR_H", 4, 0, 0xff, 0 },
	{ UARTCR, "UARTCR", 4, 0x300, CR_BITS, 0 },
	{ UARTIFLS, "UARTIFLS", 4, 0x12, 0x3f, 0 },
	{ UARTIMSC, "UARTIMSC", 4, 0, 0x7ff, 0 },
	{ UARTRIS, "UARTRIS", 4, 0, 0, 0 },
	{ UARTMIS, "UARTMIS", 4, 0, 0, 0 },
	{ UARTICR, "UARTICR", 4, 0, 0, 0 },
	{ UARTDMACR, "UARTDMACR", 4, 0, 0x7, 0 },
	{ 0xfe0, "UARTPeriphID0", 4, 0x11, 0, 0 },
	{ 0xfe4, "UARTPeriphID1", 4, 0x10, 0, 0 },
	{ 0xfe8, "UARTPeriphID2", 4, 0x14, 0, 0 },
	{ 0xfec, "UARTPeriphID3", 4, 0x00, 0, 0 },
	{ 0xff0, "UARTPCellID0", 4, 0x0d, 0, 0 },
	{ 0xff4, "UARTPCellID1", 4, 0xf0, 0, 0 },
	{ 0xff8, "UARTPCellID2", 4, 0x05, 0, 0 },
	{ 0xffc, "UARTPCellID3", 4, 0xb1, 0, 0 },
	{ UARTDR, "UARTDR", 4, 0, 0, 0 },
	{ 0 },
};

static const struct field pl011_saved[] = {
	FIELD(1, struct pl011, rsr), FIELD(2, struct pl011, ilpr),
	FIELD(3, struct pl011, ibrd), FIELD(4, struct pl011, fbrd),
	FIELD(5, struct pl011, lcr_h), FIELD(6, struct pl011, cr),
	FIELD(7, struct pl011, ifls), FIELD(8, struct pl011, imsc),
	FIELD(9, struct pl011, ris), FIELD(10, struct pl011, dmacr),
	FIELD(11, struct pl011, rx), FIELD(12, struct pl011, rx_head),
	FIELD(13, struct pl011, rx_n), FIELD(14, struct pl011, oe),
	FIELD(15, struct pl011, out), FIELD(16, struct pl011, out_head),
	FIELD(17, struct pl011, out_n),
	{ 0 },
};

static void pl011_update(struct pl011 *u)
{
	irq_set(u->dev.irq[0], (u->ris & u->imsc) != 0);
}

/* UARTIFLS: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO; other values are reserved. */
static uint32_t fifo_level(unsigned sel)
{
	static const uint8_t level[8] = { 2, 4, 8, 12, 14, 14, 14, 14 };

	return level[sel & 7];
}

static uint32_t fifo_depth(const struct pl011 *u)
{
	return u->lcr_h & LCR_H_FEN ? FIFO : 1;
}

/* ---- sending --------------------------------------------------------------- */

/* What the guest sees of the buffer. */
static uint32_t tx_fill(const struct pl011 *u)
{
	return u->out_n > OUT_SIZE - FIFO ? u->out_n - (OUT_SIZE - FIFO) : 0;
}

static void tx_interrupt(struct pl011 *u)
{
	uint32_t level = u->lcr_h & LCR_H_FEN ? fifo_level(u->ifls) : 0;

	if (tx_fill(u) <= level)
		u->ris |= INT_TX;
	else
		u->ris &= (uint16_t)~INT_TX;
}

static void pl011_flush(struct pl011 *u)
{
	uint32_t before = tx_fill(u);

	while (u->out_n && !u->blocked) {
		uint32_t at = u->out_head, n = OUT_SIZE - at;
		size_t took;

		if (n > u->out_n)
			n = u->out_n;
		took = n;
		if (u->tty)
			took = u->tty->ops->write(u->tty, u->out + at, n);
		if (took > n)
			took = n;
		u->out_head = (at + (uint32_t)took) % OUT_SIZE;
		u->out_n -= (uint32_t)took;
		u->blocked = took < n;
	}
	if (before)
		tx_interrupt(u);
}

static void pl011_flush_timer(void *arg)
{
	struct pl011 *u = arg;

	u->flushing = false;
	pl011_flush(u);
	pl011_update(u);
}

static void pl011_writable(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	u->blocked = false;
	pl011_flush(u);
	pl011_update(u);
}

static void pl011_receive(struct pl011 *u, uint16_t ch);

static void pl011_send(struct pl011 *u, uint8_t ch)
{
	if (u->cr & CR_LBE) {
		pl011_receive(u, ch);
		tx_interrupt(u);
		return;
	}
	/* A guest that ignores TXFF loses the character, as on the real one. */
	if (tx_fill(u) >= fifo_depth(u))
		return;
	u->tail[u->tx_count++ % PL011_TAIL] = ch;
	u->out[(u->out_head + u->out_n++) % OUT_SIZE] = ch;
	if (u->blocked) {
		/* the far side will call */
	} else if (u->out_n >= OUT_SIZE / 2) {
		pl011_flush(u);
	} else if (!u->flushing) {
		u->flushing = true;
		watch_at(u->flush_timer,
			 loop_now(u->dev.loop, CLOCK_HOST) + OUT_DELAY);
	}
	tx_interrupt(u);
}

/* ---- receiving -------------------------------------------------------------- */

/* Nothing came for 32 bit times: tell the guest of what lies in the FIFO. */
static void pl011_rt_timer(void *arg)
{
	struct pl011 *u = arg;

	if (u->rx_n && u->lcr_h & LCR_H_FEN)
		u->ris |= INT_RT;
	pl011_update(u);
}

static void rt_arm(struct pl011 *u)
{
	/* a bit takes 16 * divisor cycles of UARTCLK; the divisor is in 64ths */
	uint64_t div = (uint64_t)u->ibrd * 64 + u->fbrd;
	uint64_t ns = 32 * 16 * div * 1000000000u / (64ull * UARTCLK);

	if (!div)
		ns = 32 * 1000000000ull / 115200;
	if (ns < 10000)
		ns = 10000;
	if (ns > 20000000)
		ns = 20000000;          /* do not make a person wait */
	watch_at(u->rt_timer, loop_now(u->dev.loop, CLOCK_GUEST) + ns);
}

static void rx_interrupt(struct pl011 *u)
{
	uint32_t level = u->lcr_h & LCR_H_FEN ? fifo_level(u->ifls >> 3) : 1;

	if (u->rx_n >= level)
		u->ris |= INT_RX;
	else
		u->ris &= (uint16_t)~INT_RX;
}

static void pl011_receive(struct pl011 *u, uint16_t ch)
{
	if (u->rx_n >= fifo_depth(u)) {         /* loopback only */
		u->oe = 1;
		u->rsr |= RSR_OE;
		u->ris |= INT_OE;
		return;
	}
	if (u->oe)
		ch |= DR_OE;
	u->oe = 0;
	u->rx[(u->rx_head + u->rx_n++) % FIFO] = ch;
	if (ch & DR_BE)
		u->ris |= INT_BE;
	rx_interrupt(u);
	if (u->lcr_h & LCR_H_FEN)
		rt_arm(u);
}

static bool rx_room(const struct pl011 *u)
{
	return (u->cr & (CR_UARTEN | CR_RXE | CR_LBE)) ==
	       (CR_UARTEN | CR_RXE) && u->rx_n < fifo_depth(u);
}

static size_t pl011_input(struct device *dev, const void *data, size_t len)
{
	struct pl011 *u = (struct pl011 *)dev;
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len && rx_room(u); i++)
		pl011_receive(u, p[i]);
	u->rx_count += i;
	u->refused = i < len;
	pl011_update(u);
	return i;
}

/* Asks for more when there is room again. */
static void rx_ready(struct pl011 *u)
{
	if (!u->refused || !u->tty || !rx_room(u))
		return;
	u->refused = false;
	if (u->tty->ops->ready)
		u->tty->ops->ready(u->tty);
}

static uint16_t pl011_take(struct pl011 *u)
{
	uint16_t ch;

	if (!u->rx_n)
		return 0;
	ch = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % FIFO;
	u->rx_n--;
	u->rsr = (u->rsr & RSR_OE) | (ch >> 8 & 0xf);
	rx_interrupt(u);
	if (!u->rx_n)
		u->ris &= (uint16_t)~INT_RT;
	else if (u->lcr_h & LCR_H_FEN)
		rt_arm(u);
	rx_ready(u);
	return ch;
}

/* ---- modem lines -------------------------------------------------------------- */

/* A cable is plugged in: CTS, DSR and DCD are there. In loopback the outputs
 * come back (3.3.8). */
static uint16_t modem_in(const struct pl011 *u)
{
	if (!(u->cr & CR_LBE))
		return FR_CTS | FR_DSR | FR_DCD;
	return (u->cr & CR_RTS ? FR_CTS : 0) | (u->cr & CR_DTR ? FR_DSR : 0) |
	       (u->cr & CR_OUT1 ? FR_DCD : 0) | (u->cr & CR_OUT2 ? FR_RI : 0);
}

static void pl011_write_cr(struct pl011 *u, uint16_t val)
{
	uint16_t before = modem_in(u), diff;

	u->cr = val & CR_BITS;
	diff = before ^ modem_in(u);
	if (diff & FR_RI)
		u->ris |= INT_RI;
	if (diff & FR_CTS)
		u->ris |= INT_CTS;
	if (diff & FR_DCD)
		u->ris |= INT_DCD;
	if (diff & FR_DSR)
		u->ris |= INT_DSR;
	rx_ready(u);
}

static void pl011_write_lcr_h(struct pl011 *u, uint16_t val)
{
	bool start = (val & ~u->lcr_h) & LCR_H_BRK;
	bool fen = (val ^ u->lcr_h) & LCR_H_FEN;

	u->lcr_h = val & 0xff;
	if (start && u->cr & CR_LBE)
		pl011_receive(u, DR_BE);
	if (fen) {
		/* what is in the FIFOs stays: nobody gains by losing it */
		rx_interrupt(u);
		if (u->rx_n && u->lcr_h & LCR_H_FEN)
			rt_arm(u);
		rx_ready(u);
	}
}

/* ---- registers ---------------------------------------------------------------- */

static uint16_t pl011_fr(const struct pl011 *u)
{
	uint16_t fr = modem_in(u);

	if (!u->rx_n)
		fr |= FR_RXFE;
	if (u->rx_n >= fifo_depth(u))
		fr |= FR_RXFF;
	if (!tx_fill(u))
		fr |= FR_TXFE;
	else
		fr |= FR_BUSY;
	if (tx_fill(u) >= fifo_depth(u))
		fr |= FR_TXFF;
	return fr;
}

static enum io pl011_read(struct device *dev, struct access *a)
{
	static const uint8_t id[8] = { 0x11, 0x10, 0x14, 0x00,
				       0x0d, 0xf0, 0x05, 0xb1 };
	struct pl011 *u = (struct pl011 *)dev;

	if (a->size > 4)
		return IO_SIZE;
	switch (a->off) {
	case UARTDR:
		a->val = pl011_take(u);
		pl011_update(u);
		return IO_OK;
	case UARTRSR: a->val = u->rsr; return IO_OK;
	case UARTFR: a->val = pl011_fr(u); return IO_OK;
	case UARTILPR: a->val = u->ilpr; return IO_OK;
	case UARTIBRD: a->val = u->ibrd; return IO_OK;
	case UARTFBRD: a->val = u->fbrd; return IO_OK;
	case UARTLCR_H: a->val = u->lcr_h; return IO_OK;
	case UARTCR: a->val = u->cr; return IO_OK;
	case UARTIFLS: a->val = u->ifls; return IO_OK;
	case UARTIMSC: a->val = u->imsc; return IO_OK;
	case UARTRIS: a->val = u->ris; return IO_OK;
	case UARTMIS: a->val = u->ris & u->imsc; return IO_OK;
	case UARTICR: return IO_OK;             /* write-only */
	case UARTDMACR: a->val = u->dmacr; return IO_OK;
	}
	if (a->off >= UARTPeriphID0 && a->off < 0x1000 && !(a->off & 3)) {
		a->val = id[(a->off - UARTPeriphID0) / 4];
		return IO_OK;
	}
	return IO_NOREG;
}

static void pl011_write_icr(struct pl011 *u, uint16_t val)
{
	u->ris &= (uint16_t)~val;
	/* data that stays in the FIFO is reported again */
	if (val & INT_RT && u->rx_n && u->lcr_h & LCR_H_FEN)
		rt_arm(u);
}

static enum io pl011_write(struct device *dev, const struct access *a)
{
	struct pl011 *u = (struct pl011 *)dev;
	uint16_t val = (uint16_t)a->val;

	if (a->size > 4)
		return IO_SIZE;
	switch (a->off) {
	case UARTDR: pl011_send(u, (uint8_t)val); break;
	case UARTRSR: u->rsr = 0; break;        /* UARTECR: any value */
	case UARTILPR: u->ilpr = val & 0xff; break;
	case UARTIBRD: u->ibrd = val; break;
	case UARTFBRD: u->fbrd = val & 0x3f; break;
	case UARTLCR_H: pl011_write_lcr_h(u, val); break;
	case UARTCR: pl011_write_cr(u, val); break;
	case UARTIFLS: u->ifls = val & 0x3f; rx_interrupt(u); break;
	case UARTIMSC: u->imsc = val & INT_ALL; break;
	case UARTICR: pl011_write_icr(u, val); break;
	case UARTDMACR: u->dmacr = val & 7; break;
	case UARTFR:
	case UARTRIS:
	case UARTMIS:
		break;                          /* read-only */
	default:
		return IO_NOREG;
	}
	pl011_update(u);
	return IO_OK;
}

/* ---- the rest ------------------------------------------------------------------- */

size_t pl011_tail(struct device *dev, char *buf, size_t len)
{
	struct pl011 *u = (struct pl011 *)dev;
	uint64_t i, n;

	device_lock(dev);
	n = u->tx_count < PL011_TAIL ? u->tx_count : PL011_TAIL;
	if (n > len)
		n = len;
	for (i = 0; i < n; i++)
		buf[i] = (char)u->tail[(u->tx_count - n + i) % PL011_TAIL];
	device_unlock(dev);
	return n;
}

void pl011_counts(struct device *dev, uint64_t *tx, uint64_t *rx)
{
	struct pl011 *u = (struct pl011 *)dev;

	device_lock(dev);
	*tx = u->tx_count;
	*rx = u->rx_count;
	device_unlock(dev);
}

/* Output under way stays: the guest sent it before. */
static void pl011_reset(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	u->rsr = u->ilpr = u->ibrd = u->fbrd = u->lcr_h = 0;
	u->imsc = u->ris = u->dmacr = 0;
	u->cr = 0x300;
	u->ifls = 0x12;
	u->rx_head = u->rx_n = u->oe = 0;
	watch_at(u->rt_timer, UINT64_MAX);
	pl011_update(u);
}

static void pl011_pause(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	pl011_flush(u);
	pl011_update(u);
}

static void pl011_resume(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	if (u->rx_n && u->lcr_h & LCR_H_FEN)
		rt_arm(u);
	pl011_flush(u);
	pl011_update(u);
}

static int pl011_check(const struct device *dev, struct err *e)
{
	const struct pl011 *u = (const struct pl011 *)dev;

	if (u->rx_head >= FIFO || u->rx_n > FIFO || u->out_head >= OUT_SIZE ||
	    u->out_n > OUT_SIZE)
		return err_set(e, 0, "bad FIFO state");
	if (u->cr & ~CR_BITS || u->ifls & ~0x3f || u->imsc & ~INT_ALL ||
	    u->ris & ~INT_ALL || u->lcr_h & ~0xff || u->fbrd & ~0x3f)
		return err_set(e, 0, "bad register value");
	return 0;
}

static int pl011_init(struct device *dev, const struct devconf *conf,
		      struct err *e)
{
	struct pl011 *u = (struct pl011 *)dev;
	const struct pl011_conf *c = conf->arg;

	if (loop_timer(dev->loop, CLOCK_HOST, dev, pl011_flush_timer, u,
		       &u->flush_timer, e) < 0)
		return -1;
	if (loop_timer(dev->loop, CLOCK_GUEST, dev, pl011_rt_timer, u,
		       &u->rt_timer, e) < 0) {
		watch_free(u->flush_timer);
		return -1;
	}
	u->tty = c ? c->tty : NULL;
	if (u->tty) {
		u->tty->dev = dev;
		u->tty->input = pl011_input;
		u->tty->writable = pl011_writable;
	}
	return 0;
}

static void pl011_fini(struct device *dev)
{
	struct pl011 *u = (struct pl011 *)dev;

	u->blocked = false;             /* a last try */
	pl011_flush(u);
	if (u->tty)
		u->tty->dev = NULL;
	watch_free(u->rt_timer);
	watch_free(u->flush_timer);
}

static int pl011_fdt(const struct device *dev, struct fdt_build *b)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char clocks[] = "uartclk\0apb_pclk";
	fdt32_t clk[2] = { cpu_to_fdt32(b->clock_phandle),
			   cpu_to_fdt32(b->clock_phandle) };
	int rc;

	if ((rc = fdt_begin_unit(b, "serial", b->base)) ||
	    (rc = fdt_property(b->fdt, "compatible", compatible,
			       sizeof(compatible))) ||
	    (rc = fdt_put_reg(b, b->base, 0x1000)) ||
	    (rc = fdt_put_irq(b, b->irq[0], 4)) ||
	    (rc = fdt_property(b->fdt, "clocks", clk, sizeof(clk))) ||
	    (rc = fdt_property(b->fdt, "clock-names", clocks,
			       sizeof(clocks))))
		return rc;
	return fdt_end_node(b->fdt);
}

const struct device_ops pl011_ops = {
	.name = "pl011",
	.size = sizeof(struct pl011),
	.regs = pl011_regs,
	.saved = pl011_saved,
	.init = pl011_init,
	.reset = pl011_reset,
	.pause = pl011_pause,
	.resume = pl011_resume,
	.read = pl011_read,
	.write = pl011_write,
	.check = pl011_check,
	.fini = pl011_fini,
	.fdt = pl011_fdt,
};
