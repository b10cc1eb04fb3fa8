/* inspect.h: what pome inspect prints. */
#ifndef INSPECT_H
#define INSPECT_H

#include <jansson.h>

#include "bundle.h"

/* Names inside a bundle are shown as the bundle has them. */
const char *inspect_name(const struct bundle *, const char *path);
void inspect_mac(const uint8_t mac[6], char out[18]);
json_t *inspect_vm(const struct bundle *, const struct config *);
/* A disk image by itself (inspect_disk.c): its facts, and where --disk refuses
 * it "problem" and "code". NULL: it cannot be read. */
json_t *inspect_disk(const char *path);
void inspect_disk_print(const json_t *);
/* The command line that runs the same machine. */
json_t *inspect_command(const struct config *);

#endif
