/* A strict DER reader: ITU-T X.690 (02/2021) sections 8 and 10. Left out: tag
 * numbers above 32 bits and lengths above 32 bits, which nothing here has. */
#include "der.h"

static const char *read_tag(struct der *in, struct der_tlv *t)
{
	uint8_t b = *in->p;
	uint32_t tag = b & 31;

	t->cls = (enum der_class)(b >> 6);
	t->constructed = b >> 5 & 1;
	in->p++;
	in->n--;
	if (tag == 31) {                /* 8.1.2.4: seven bits a byte */
		tag = 0;
		do {
			if (!in->n)
				return "DER: ends inside a tag";
			b = *in->p++;
			in->n--;
			if (!tag && b == 0x80)
				return "DER: a tag is not in its shortest "
				       "form";
			if (tag >> 25)
				return "DER: a tag is above 32 bits";
			tag = tag << 7 | (b & 127);
		} while (b & 128);
		if (tag < 31)
			return "DER: a tag is not in its shortest form";
	}
	t->tag = tag;
	return NULL;
}

static const char *read_length(struct der *in, size_t *len)
{
	unsigned count;
	uint32_t n = 0;
	uint8_t b;

	if (!in->n)
		return "DER: ends before a length";
	b = *in->p++;
	in->n--;
	*len = b;
	if (b < 128)
		return NULL;
	count = b & 127;
	if (!count)
		return "DER: indefinite length";
	if (count > 4)
		return "DER: a length is above 32 bits";
	if (count > in->n)
		return "DER: ends inside a length";
	for (unsigned i = 0; i < count; i++)
		n = n << 8 | in->p[i];
	if (!in->p[0] || n < 128)
		return "DER: a length is not in its shortest form";
	in->p += count;
	in->n -= count;
	*len = n;
	return NULL;
}

const char *der_next(struct der *in, struct der_tlv *t)
{
	const char *bad;
	size_t len;

	if (!in->n)
		return "DER: an element is missing";
	t->raw = in->p;
	bad = read_tag(in, t);
	if (!bad)
		bad = read_length(in, &len);
	if (bad)
		return bad;
	if (len > in->n)
		return "DER: an element is longer than what holds it";
	t->body = (struct der){ in->p, len };
	in->p += len;
	in->n -= len;
	t->raw_len = (size_t)(in->p - t->raw);
	return NULL;
}

bool der_type(const struct der_tlv *t, uint32_t tag)
{
	bool constructed = tag == DER_SEQUENCE || tag == DER_SET;

	return t->cls == DER_UNIVERSAL && t->tag == tag &&
	       t->constructed == constructed;
}

static const char *type_missing(uint32_t tag)
{
	switch (tag) {
	case DER_BOOLEAN: return "DER: expected a BOOLEAN";
	case DER_INTEGER: return "DER: expected an INTEGER";
	case DER_BIT_STRING: return "DER: expected a BIT STRING";
	case DER_OCTETS: return "DER: expected an OCTET STRING";
	case DER_NULL: return "DER: expected a NULL";
	case DER_OID: return "DER: expected an OBJECT IDENTIFIER";
	case DER_SEQUENCE: return "DER: expected a SEQUENCE";
	case DER_SET: return "DER: expected a SET";
	case DER_IA5: return "DER: expected an IA5String";
	default: return "DER: an element of another type was expected";
	}
}

const char *der_expect(struct der *in, uint32_t tag, struct der_tlv *t)
{
	const char *bad = der_next(in, t);

	if (bad)
		return bad;
	return der_type(t, tag) ? NULL : type_missing(tag);
}

const char *der_context(struct der *in, uint32_t n, struct der_tlv *t)
{
	const char *bad = der_next(in, t);

	if (bad)
		return bad;
	if (t->cls != DER_CONTEXT || t->tag != n || !t->constructed)
		return "DER: expected a context-specific element";
	return NULL;
}

bool der_is(const struct der *in, enum der_class cls, uint32_t tag)
{
	return in->n && (uint32_t)(in->p[0] >> 6) == (uint32_t)cls &&
	       (in->p[0] & 31u) == tag;
}

const char *der_uint(const struct der_tlv *t, uint64_t *out)
{
	const uint8_t *p = t->body.p;
	size_t n = t->body.n;
	uint64_t v = 0;

	if (!der_type(t, DER_INTEGER))
		return type_missing(DER_INTEGER);
	if (!n)
		return "DER: an INTEGER without content";
	if (p[0] & 128)
		return "DER: a negative INTEGER";
	if (n > 1 && !p[0]) {
		if (!(p[1] & 128))
			return "DER: an INTEGER is not in its shortest form";
		p++;
		n--;
	}
	if (n > 8)
		return "DER: an INTEGER is above 64 bits";
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	*out = v;
	return NULL;
}

const char *der_bool(const struct der_tlv *t, bool *out)
{
	if (!der_type(t, DER_BOOLEAN))
		return type_missing(DER_BOOLEAN);
	if (t->body.n != 1 || (t->body.p[0] && t->body.p[0] != 0xff))
		return "DER: a BOOLEAN is neither 00 nor FF";
	*out = t->body.p[0];
	return NULL;
}
