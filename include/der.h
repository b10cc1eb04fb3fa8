/* der.h: a strict DER reader (X.690 section 10): definite lengths in their
 * shortest form, tags in their shortest form, nothing past what holds it.
 *
 * Built into the boot ROM and into pome. Reads in place, allocates nothing,
 * never recurses. Every call returns NULL or what is wrong, in words. */
#ifndef POME_DER_H
#define POME_DER_H

#include "bytes.h"

struct der {                            /* bytes not read yet */
	const uint8_t *p;
	size_t n;
};

enum der_class { DER_UNIVERSAL, DER_APPLICATION, DER_CONTEXT, DER_PRIVATE };

/* Universal tags, as der_expect takes them. */
enum {
	DER_BOOLEAN = 1, DER_INTEGER = 2, DER_BIT_STRING = 3, DER_OCTETS = 4,
	DER_NULL = 5, DER_OID = 6, DER_UTF8 = 12, DER_SEQUENCE = 16,
	DER_SET = 17, DER_PRINTABLE = 19, DER_IA5 = 22,
};

struct der_tlv {
	enum der_class cls;
	bool constructed;
	uint32_t tag;
	const uint8_t *raw;             /* tag and length included */
	size_t raw_len;
	struct der body;
};

/* The next element; it moves *in behind it. */
const char *der_next(struct der *in, struct der_tlv *);
/* The next element must be of this universal type: SEQUENCE and SET
 * constructed, all others primitive. */
const char *der_expect(struct der *in, uint32_t tag, struct der_tlv *);
/* The next element must be [n], constructed. */
const char *der_context(struct der *in, uint32_t n, struct der_tlv *);
/* Is the next byte the beginning of an element of this class and tag? For
 * optional elements; tags below 31 only. */
bool der_is(const struct der *in, enum der_class, uint32_t tag);
/* Is the element of this universal type, in its one legal form? */
bool der_type(const struct der_tlv *, uint32_t tag);
/* An INTEGER from 0 to 2^64 - 1; a BOOLEAN of 00 or FF. */
const char *der_uint(const struct der_tlv *, uint64_t *);
const char *der_bool(const struct der_tlv *, bool *);

#endif
