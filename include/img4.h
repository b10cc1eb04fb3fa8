/* img4.h: Apple's image containers, read strictly and in place, and the checks
 * that can be made on them. Built into the boot ROM and into pome; input is
 * hostile. Facts: spec/vmapple.md sections 8.4 and 8.5.
 *
 * Calls return NULL or what is wrong, in words. Nothing is allocated; what is
 * returned points into the caller's bytes. */
#ifndef POME_IMG4_H
#define POME_IMG4_H

#include "bytes.h"
#include "der.h"

#define FOURCC(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

enum img4_packing { IMG4_PLAIN, IMG4_LZFSE, IMG4_LZSS };

struct im4p {                           /* a payload */
	const uint8_t *raw;             /* the whole DER, which DGST covers */
	size_t raw_len;
	uint32_t type;                  /* "illb" */
	struct der version;             /* text */
	struct der data;
	enum img4_packing packing;
	bool encrypted;                 /* has a KBAG */
	bool sized;
	uint64_t plain_size;            /* what the container says, if sized */
	bool has_props;
	struct der props;               /* of PAYP */
};

struct im4m {                           /* a manifest */
	const uint8_t *raw;
	size_t raw_len;
	struct der covered;             /* what the signature covers */
	struct der signature;
	struct der certs;               /* one after another */
	struct der groups;              /* MANP and one a kind of image */
};

struct img4 {
	size_t len;                     /* of the whole container */
	struct im4p p;
	bool has_manifest;
	struct im4m m;
	bool has_restore;
	struct der nonce;               /* BNCN of IM4R; n is 0 without one */
};

/* All take bytes that may go on behind the object; `len` fields say where it
 * ends. Everything inside is checked, down to each property. */
const char *img4_parse(const uint8_t *p, size_t n, struct img4 *);
const char *im4p_parse(const uint8_t *p, size_t n, struct im4p *);
const char *im4m_parse(const uint8_t *p, size_t n, struct im4m *);

/* The next group (MANP, OBJP, illb...) or property of a SET that im4m_parse
 * or im4p_parse has checked: its name and its inside. */
bool img4_next_group(struct der *set, uint32_t *name, struct der *props);
bool img4_next_prop(struct der *set, uint32_t *name, struct der_tlv *value);
bool img4_group(struct der set, uint32_t name, struct der *props);
bool img4_prop(struct der set, uint32_t name, struct der_tlv *value);
/* Shortcut: an INTEGER property. */
bool img4_prop_uint(struct der set, uint32_t name, uint64_t *value);

/* Is this a SET's inside of sound groups, none twice, not too many? The parsers
 * ask; nobody else has to. */
const char *img4_groups_ok(struct der set);

/* Four printable characters and a 0; others as '?'. */
void img4_name(uint32_t fourcc, char out[5]);

/* ---- certificates (cert.c) ------------------------------------------------ */

struct cert {
	struct der subject, issuer;     /* common names, text; n 0: none */
	const uint8_t *modulus;         /* RSA_BYTES, big-endian */
	uint64_t exponent;
	bool restricts;                 /* has Apple's extension */
	struct der rules;               /* its SET of MANP and OBJP */
};

const char *cert_parse(struct der *in, struct cert *);

/* ---- checks --------------------------------------------------------------- */

/* What the machine is. */
struct img4_machine {
	uint64_t ecid, chip, board;
};

enum img4_state { IMG4_OK, IMG4_BAD, IMG4_UNKNOWN };

struct img4_check {
	const char *name;               /* "digest" */
	enum img4_state state;
	const char *why;                /* BAD and UNKNOWN: in words */
	bool numbers;                   /* the next two are to be shown */
	uint64_t want, got;
	uint32_t tag;                   /* property it is about, or 0 */
};

#define IMG4_MAX_CHECKS 12

struct img4_report {
	unsigned n;
	struct img4_check check[IMG4_MAX_CHECKS];
	bool good;                      /* nothing is BAD */
	struct cert leaf;               /* zeros: could not be read */
};

/* Every check that can be made of `img` on this machine, in a fixed order; it
 * goes on after one that failed. What cannot be known here (the root key, the
 * boot nonce) is UNKNOWN. Without a machine (NULL), whether it is for this one
 * is not asked. */
void img4_check(const struct img4 *img, const struct img4_machine *,
		struct img4_report *);
/* Those of a manifest alone: no digest. */
void im4m_check(const struct im4m *, const struct img4_machine *,
		struct img4_report *);

#endif
