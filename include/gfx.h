/* gfx.h: where Apple's paravirtual GPU is, as far as firmware needs it: a frame
 * buffer. No wires are used. Window 0: APV_GFX, 64 KiB; window 1: IOSFC,
 * 64 KiB. spec/vmapple.md section 6. */
#ifndef POME_GFX_H
#define POME_GFX_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

enum { GFX_WIN_GFX, GFX_WIN_IOSFC };

#define GFX_MIN 64                      /* pixels, each way */
#define GFX_MAX 8192

struct gfx_conf {
	/* Where to write what the frame buffer shows, as a PPM image that is
	 * replaced in place; -1: no display, all registers read 0. It stays
	 * the caller's. */
	int fd;
	const char *path;               /* of fd, for messages */
	unsigned width, height;
};

extern const struct device_ops gfx_ops;

#endif
