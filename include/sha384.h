/* sha384.h: SHA-384 (FIPS 180-4). Built into the boot ROM and into pome. */
#ifndef POME_SHA384_H
#define POME_SHA384_H

#include "bytes.h"

#define SHA384_SIZE 48

void sha384(const void *data, size_t len, uint8_t digest[SHA384_SIZE]);

#endif
