/* The leaf certificate of a manifest: X.509 (RFC 5280 section 4.1) as far as a
 * boot ROM needs it. Its own signature cannot be checked: the root's key is
 * not known outside of Apple's images (spec/vmapple.md section 8.9). */
#include "img4.h"
#include "rsa.h"

#define MAX_ELEMENTS 64

static const uint8_t oid_cn[] = { 0x55, 4, 3 };
static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1,
				   1 };
/* 1.2.840.113635.100.6.1.15 */
static const uint8_t oid_rules[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x63, 0x64,
				     6, 1, 15 };

static bool oid_is(const struct der_tlv *t, const uint8_t *oid, size_t n)
{
	return der_type(t, DER_OID) && t->body.n == n &&
	       !memcmp(t->body.p, oid, n);
}

/* Name ::= SEQ of SET of SEQ { OID, text } */
static const char *common_name(struct der *in, struct der *cn)
{
	struct der_tlv name, set, seq, oid, text;
	const char *bad = der_expect(in, DER_SEQUENCE, &name);

	while (!bad && name.body.n) {
		bad = der_expect(&name.body, DER_SET, &set);
		while (!bad && set.body.n) {
			bad = der_expect(&set.body, DER_SEQUENCE, &seq);
			if (!bad)
				bad = der_expect(&seq.body, DER_OID, &oid);
			if (!bad)
				bad = der_next(&seq.body, &text);
			if (!bad && oid_is(&oid, oid_cn, sizeof(oid_cn)))
				*cn = text.body;
		}
	}
	return bad;
}

static const char *public_key(struct der *in, struct cert *c)
{
	struct der_tlv spki, alg, oid, bits, key, n, e;
	const char *bad = der_expect(in, DER_SEQUENCE, &spki);
	struct der inner;

	if (!bad)
		bad = der_expect(&spki.body, DER_SEQUENCE, &alg);
	if (!bad)
		bad = der_expect(&alg.body, DER_OID, &oid);
	if (!bad && !oid_is(&oid, oid_rsa, sizeof(oid_rsa)))
		return "certificate: the key is no RSA key";
	if (!bad)
		bad = der_expect(&spki.body, DER_BIT_STRING, &bits);
	if (bad)
		return bad;
	if (bits.body.n < 1 || bits.body.p[0])
		return "certificate: the key is not whole bytes";
	inner = (struct der){ bits.body.p + 1, bits.body.n - 1 };
	bad = der_expect(&inner, DER_SEQUENCE, &key);
	if (!bad)
		bad = der_expect(&key.body, DER_INTEGER, &n);
	if (!bad)
		bad = der_expect(&key.body, DER_INTEGER, &e);
	if (!bad)
		bad = der_uint(&e, &c->exponent);
	if (bad)
		return bad;
	/* 4096 bits: the leading 0 of a positive INTEGER, then the number */
	if (n.body.n != RSA_BYTES + 1 || n.body.p[0])
		return "certificate: the key is not RSA-4096";
	c->modulus = n.body.p + 1;
	return NULL;
}

static const char *rules(struct der *octets, struct cert *c)
{
	struct der_tlv set;
	const char *bad = der_expect(octets, DER_SET, &set);

	if (!bad && octets->n)
		bad = "certificate: its rules go on after their end";
	if (bad)
		return bad;
	c->restricts = true;
	c->rules = set.body;
	return img4_groups_ok(set.body);
}

static const char *extensions(struct der *in, struct cert *c)
{
	struct der_tlv outer, list, ext, oid, t;
	const char *bad = der_context(in, 3, &outer);

	if (!bad)
		bad = der_expect(&outer.body, DER_SEQUENCE, &list);
	for (unsigned n = 0; !bad && list.body.n; n++) {
		if (n == MAX_ELEMENTS)
			return "certificate: too many extensions";
		bad = der_expect(&list.body, DER_SEQUENCE, &ext);
		if (!bad)
			bad = der_expect(&ext.body, DER_OID, &oid);
		if (!bad && der_is(&ext.body, DER_UNIVERSAL, DER_BOOLEAN))
			bad = der_next(&ext.body, &t);
		if (!bad)
			bad = der_expect(&ext.body, DER_OCTETS, &t);
		if (!bad && oid_is(&oid, oid_rules, sizeof(oid_rules)))
			bad = c->restricts ? "certificate: two sets of rules" :
					     rules(&t.body, c);
	}
	return bad;
}

static const char *to_be_signed(struct der in, struct cert *c)
{
	struct der_tlv t;
	const char *bad = NULL;

	if (der_is(&in, DER_CONTEXT, 0))
		bad = der_context(&in, 0, &t);          /* version */
	if (!bad)
		bad = der_expect(&in, DER_INTEGER, &t); /* serial number */
	if (!bad)
		bad = der_expect(&in, DER_SEQUENCE, &t);/* algorithm */
	if (!bad)
		bad = common_name(&in, &c->issuer);
	if (!bad)
		bad = der_expect(&in, DER_SEQUENCE, &t);/* validity: no clock */
	if (!bad)
		bad = common_name(&in, &c->subject);
	if (!bad)
		bad = public_key(&in, c);
	while (!bad && in.n && !der_is(&in, DER_CONTEXT, 3))
		bad = der_next(&in, &t);                /* unique ids */
	if (!bad && in.n)
		bad = extensions(&in, c);
	return bad;
}

const char *cert_parse(struct der *in, struct cert *c)
{
	struct der_tlv cert, tbs;
	const char *bad = der_expect(in, DER_SEQUENCE, &cert);

	memset(c, 0, sizeof(*c));
	if (!bad)
		bad = der_expect(&cert.body, DER_SEQUENCE, &tbs);
	return bad ? bad : to_be_signed(tbs.body, c);
}
