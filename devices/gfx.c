/* gfx.c: the display that firmware draws on, without the GPU around it.
 *
 * spec/vmapple.md sections 6.2 and 6.3, step 2: the registers 0x1200 to 0x1237
 * of APV_GFX, one mode, a linear frame buffer in guest RAM with 32 bits a pixel
 * (blue lowest). What it shows goes to a file, once a second and at the end.
 * VERSION reads 0: the system's driver keeps away from a GPU that answers so,
 * and the guest goes on headless. Without a display everything reads 0. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dma.h"
#include "gfx.h"
#include "log.h"
#include "loop.h"

enum {
	VERSION = 0x1034,
	MODE_COUNT = 0x1204, SELECT = 0x1208, SIZE = 0x120c,
	FRAMEBUFFER = 0x1210, FRAMEBUFFER_HIGH = 0x1214, DEPTH = 0x1218,
	MODE = 0x121c, IRQ_CURSOR = 0x1220, STRIDE_ALIGN = 0x1224,
	STRIDE = 0x1228, PORTS = 0x122c, CONNECTED = 0x1234,
};

enum { ALIGN = 64, PIXEL = 4, HEADER_MAX = 32 };

#define PERIOD 1000000000u              /* between two looks, ns */
#define STRIDE_MAX 0x100000u

struct gfx {
	struct device dev;
	uint64_t framebuffer;           /* 0: none yet */
	uint32_t select, depth, mode, irq_cursor, stride;
	/* host side */
	int fd;
	const char *path;
	unsigned width, height;
	struct watch *timer;
	bool armed, fresh;              /* fresh: no picture yet */
	size_t header, size;            /* bytes of the file */
	uint8_t *file;                  /* its contents */
	uint8_t *row;                   /* of the frame buffer */
	_Atomic bool failed;
};

static const struct field gfx_saved[] = {
	FIELD(1, struct gfx, framebuffer), FIELD(2, struct gfx, select),
	FIELD(3, struct gfx, depth), FIELD(4, struct gfx, mode),
	FIELD(5, struct gfx, irq_cursor), FIELD(6, struct gfx, stride),
	{ 0 },
};

static bool has_display(const struct gfx *g)
{
	return g->fd >= 0;
}

static uint32_t least_stride(const struct gfx *g)
{
	return (g->width * PIXEL + ALIGN - 1) & ~(ALIGN - 1u);
}

/* ---- the picture ------------------------------------------------------- */

static void write_file(struct gfx *g)
{
	size_t at = 0;
	ssize_t n;

	while (at < g->size) {
		n = pwrite(g->fd, g->file + at, g->size - at, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_msg(LOG_WARN, "--display: %s: write: %s; no more "
				"pictures", g->path, strerror(errno));
			g->failed = true;
			return;
		}
		at += (size_t)n;
	}
}

/* Reads the frame buffer into the file's image; true where that changed it.
 * Rows that are not RAM stay as they were. */
static bool look(struct gfx *g, uint64_t base, uint32_t stride)
{
	bool changed = false;

	for (unsigned y = 0; y < g->height; y++) {
		uint8_t *to = g->file + g->header + (size_t)y * g->width * 3;

		if (dma_get(g->dev.dma, base + (uint64_t)y * stride, g->row,
			    g->width * PIXEL))
			continue;
		for (unsigned x = 0; x < g->width; x++, to += 3) {
			const uint8_t *p = g->row + x * PIXEL;

			changed |= to[0] != p[2] || to[1] != p[1] ||
				   to[2] != p[0];
			to[0] = p[2];
			to[1] = p[1];
			to[2] = p[0];
		}
	}
	return changed;
}

/* A guest that goes on writing must not put the next look off. The first picture
 * comes at once, but not before the machine runs: one that does not start leaves
 * the file alone. */
static void arm(struct gfx *g)
{
	uint64_t now;

	if ((!g->framebuffer && !g->fresh) || g->armed || g->failed)
		return;
	now = loop_now(g->dev.loop, CLOCK_HOST);
	g->armed = true;
	watch_at(g->timer, g->fresh ? now : now + PERIOD);
}

/* Loop thread. The lock is only for the registers: a slow disk must not hold
 * up a CPU that touches them. */
static void on_timer(void *arg)
{
	struct gfx *g = arg;
	uint64_t base;
	uint32_t stride;
	bool fresh;

	device_lock(&g->dev);
	base = g->framebuffer;
	stride = g->stride;
	fresh = g->fresh;
	g->armed = g->fresh = false;
	arm(g);
	device_unlock(&g->dev);
	if ((base && look(g, base, stride)) || fresh)
		write_file(g);
}

/* ---- registers --------------------------------------------------------- */

static uint64_t read_reg(const struct gfx *g, uint64_t off)
{
	switch (off) {
	case MODE_COUNT: return 1;
	case SELECT: return g->select;
	case SIZE: return g->select ? 0 : g->width << 16 | g->height;
	case FRAMEBUFFER: return (uint32_t)g->framebuffer;
	case FRAMEBUFFER_HIGH: return g->framebuffer >> 32;
	case DEPTH: return g->depth;
	case MODE: return g->mode;
	case IRQ_CURSOR: return g->irq_cursor;
	case STRIDE_ALIGN: return ALIGN;
	case STRIDE: return g->stride;
	case PORTS: return 1;
	case CONNECTED: return 1;
	}
	return 0;                       /* VERSION too */
}

static void write_reg(struct gfx *g, uint64_t off, uint32_t val)
{
	switch (off) {
	case SELECT: g->select = val; break;
	case FRAMEBUFFER:
		g->framebuffer = (g->framebuffer & ~0xffffffffull) | val;
		break;
	case FRAMEBUFFER_HIGH:
		g->framebuffer = (uint32_t)g->framebuffer |
				 (uint64_t)val << 32;
		break;
	case DEPTH: g->depth = val; break;
	case MODE: g->mode = val; break;
	case IRQ_CURSOR: g->irq_cursor = val; break;
	case STRIDE:
		/* nonsense shows a skewed picture, no more */
		if (val >= g->width * PIXEL && val <= STRIDE_MAX)
			g->stride = val;
		break;
	}
}

/* Some registers see 64-bit accesses: two of 32 bits. */
static enum io gfx_read(struct device *dev, struct access *a)
{
	const struct gfx *g = (const struct gfx *)dev;

	if (a->win != GFX_WIN_GFX || !has_display(g))
		return IO_OK;
	if (a->size < 4)
		return IO_SIZE;
	a->val = read_reg(g, a->off);
	if (a->size == 8)
		a->val |= read_reg(g, a->off + 4) << 32;
	return IO_OK;
}

static enum io gfx_write(struct device *dev, const struct access *a)
{
	struct gfx *g = (struct gfx *)dev;

	if (a->win != GFX_WIN_GFX || !has_display(g))
		return IO_OK;
	if (a->size < 4)
		return IO_SIZE;
	write_reg(g, a->off, (uint32_t)a->val);
	if (a->size == 8)
		write_reg(g, a->off + 4, (uint32_t)(a->val >> 32));
	arm(g);
	return IO_OK;
}

/* ---- life -------------------------------------------------------------- */

/* At the end, too: the last picture is the interesting one. vCPUs are parked,
 * so that nobody waits for the lock. */
static void gfx_pause(struct device *dev)
{
	struct gfx *g = (struct gfx *)dev;

	if (has_display(g) && !g->failed && g->framebuffer &&
	    (look(g, g->framebuffer, g->stride) || g->fresh)) {
		g->fresh = false;
		write_file(g);
	}
}

static void gfx_reset(struct device *dev)
{
	struct gfx *g = (struct gfx *)dev;

	g->framebuffer = 0;
	g->select = g->mode = g->irq_cursor = 0;
	g->depth = 8 * PIXEL;
	g->stride = least_stride(g);
	g->armed = false;
	if (g->timer)
		watch_at(g->timer, UINT64_MAX);
}

static void gfx_resume(struct device *dev)
{
	struct gfx *g = (struct gfx *)dev;

	if (g->timer)
		arm(g);
}

static int gfx_check(const struct device *dev, struct err *e)
{
	const struct gfx *g = (const struct gfx *)dev;

	if (g->stride < g->width * PIXEL || g->stride > STRIDE_MAX)
		return err_set(e, 0, "bad stride of the display");
	return 0;
}

static void gfx_fini(struct device *dev)
{
	struct gfx *g = (struct gfx *)dev;

	watch_free(g->timer);
	free(g->file);
	free(g->row);
}

/* A black picture, until the guest draws. */
static int open_display(struct gfx *g, struct err *e)
{
	char header[HEADER_MAX];

	if (g->width < GFX_MIN || g->width > GFX_MAX || g->height < GFX_MIN ||
	    g->height > GFX_MAX)
		return err_set(e, 0, "display of %ux%u; expected %d to %d each "
			       "way", g->width, g->height, GFX_MIN, GFX_MAX);
	g->header = (size_t)snprintf(header, sizeof(header), "P6\n%u %u\n255\n",
				     g->width, g->height);
	g->size = g->header + (size_t)g->width * g->height * 3;
	g->file = calloc(1, g->size);
	g->row = malloc((size_t)g->width * PIXEL);
	if (!g->file || !g->row)
		return err_set(e, 0, "display: out of memory");
	memcpy(g->file, header, g->header);
	g->fresh = true;
	return loop_timer(g->dev.loop, CLOCK_HOST, NULL, on_timer, g,
			  &g->timer, e);
}

static int gfx_init(struct device *dev, const struct devconf *dc,
		    struct err *e)
{
	struct gfx *g = (struct gfx *)dev;
	const struct gfx_conf *c = dc->arg;

	g->fd = c->fd;
	g->path = c->path;
	g->width = c->width;
	g->height = c->height;
	if (has_display(g) && open_display(g, e)) {
		gfx_fini(dev);
		return -1;
	}
	return 0;
}

const struct device_ops gfx_ops = {
	.name = "gfx",
	.size = sizeof(struct gfx),
	.saved = gfx_saved,
	.init = gfx_init,
	.reset = gfx_reset,
	.pause = gfx_pause,
	.resume = gfx_resume,
	.read = gfx_read,
	.write = gfx_write,
	.check = gfx_check,
	.fini = gfx_fini,
};
