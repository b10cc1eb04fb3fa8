/* identity.h: who a macOS machine is: the blobs that Apple's framework keeps
 * for it, and its auxiliary storage. bundles.md section 3. */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define AUX_WRAP 0x4000u                /* before the payload */
#define AUX_SIZE (32u << 20)            /* the payload */

enum id_verdict { ID_OK, ID_HOST_BOUND, ID_UNSUPPORTED, ID_ZERO, ID_BAD };

struct hw_model {
	unsigned drv, pv, minos[3];
};

/* ID_HOST_BOUND: fine but for what needs the key of the Mac it came from. The
 * text of UNSUPPORTED, ZERO and BAD is in *e. */
enum id_verdict identity_model(const void *blob, size_t len, struct hw_model *,
			       struct err *e);
enum id_verdict identity_ecid(const void *blob, size_t len, uint64_t *ecid,
			      struct err *e);

/* Where the payload lies in a file of that size; -1: no such file. */
int identity_aux(uint64_t size, uint64_t *offset, struct err *e);
/* The ECID that boot objects in the file were signed for. 0 found, -1 not
 * there, or several. */
int identity_aux_ecid(int fd, uint64_t size, uint64_t *ecid, struct err *e);

/* White space is skipped, padding must be right. NULL: not base64. */
uint8_t *identity_base64(const char *text, size_t *len);

#endif
