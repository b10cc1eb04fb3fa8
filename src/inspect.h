/* inspect.h: what pome inspect prints. */
#ifndef INSPECT_H
#define INSPECT_H

#include <jansson.h>

#include "bundle.h"

/* Names inside a bundle are shown as the bundle has them. */
const char *inspect_name(const struct bundle *, const char *path);
void inspect_mac(const uint8_t mac[6], char out[18]);
json_t *inspect_vm(const struct bundle *, const struct config *);
/* The command line that runs the same machine. */
json_t *inspect_command(const struct config *);

#endif
