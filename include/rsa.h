/* rsa.h: RSA-4096 signatures, PKCS#1 v1.5 with SHA-384: checking only, so
 * nothing here is secret or runs in constant time. Built into the boot ROM and
 * into pome. */
#ifndef POME_RSA_H
#define POME_RSA_H

#include "bytes.h"
#include "sha384.h"

#define RSA_BYTES 512                   /* modulus and signature */

/* Is `sig` the signature of a message with this digest? All numbers are
 * big-endian. NULL, or what is wrong with the key or the signature. */
const char *rsa_check(const uint8_t n[RSA_BYTES], uint64_t e,
		      const uint8_t sig[RSA_BYTES],
		      const uint8_t digest[SHA384_SIZE]);

#endif
