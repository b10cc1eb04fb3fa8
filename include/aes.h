/* aes.h: the AES engine of the vmapple board. Wire 0 is its interrupt; no
 * conf.arg. Window 0: the engine, 16 KiB; window 1: the strap block ("AES2"),
 * 16 KiB. spec/vmapple.md section 4. */
#ifndef POME_AES_H
#define POME_AES_H

#include "device.h"

enum { AES_WIN_ENGINE, AES_WIN_STRAPS };

extern const struct device_ops aes_ops;

#endif
