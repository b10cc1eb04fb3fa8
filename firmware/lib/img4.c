/* IMG4, IM4P and IM4M containers: spec/vmapple.md section 8.4. Everything is
 * walked once when it is parsed, so that later look-ups cannot meet anything
 * malformed. */
#include "img4.h"
#include "lzfse.h"

#define MAX_GROUPS 256                  /* a real manifest has about 25 */
#define MAX_PROPS 64

static bool text_is(const struct der *d, const char *s)
{
	return d->n == 4 && !memcmp(d->p, s, 4);
}

static const char *magic(struct der *in, const char *name)
{
	struct der_tlv t;
	const char *bad = der_expect(in, DER_IA5, &t);

	if (bad)
		return bad;
	return text_is(&t.body, name) ? NULL : "the container's name is "
					       "another";
}

static bool printable(const uint8_t *p)
{
	for (unsigned i = 0; i < 4; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return true;
}

/* private(NAME) { SEQ { IA5 NAME, value } }: group and property alike. */
static const char *named(struct der *in, uint32_t *name, struct der_tlv *value)
{
	struct der_tlv t, seq, id;
	const char *bad = der_next(in, &t);

	if (bad)
		return bad;
	if (t.cls != DER_PRIVATE || !t.constructed)
		return "a property has no private tag";
	bad = der_expect(&t.body, DER_SEQUENCE, &seq);
	if (!bad && t.body.n)
		return "a property goes on after its end";
	if (!bad)
		bad = der_expect(&seq.body, DER_IA5, &id);
	if (!bad && (id.body.n != 4 || !printable(id.body.p)))
		return "a property's name is not four characters";
	if (!bad && ld32be(id.body.p) != t.tag)
		return "a property's name and tag differ";
	if (!bad)
		bad = der_next(&seq.body, value);
	if (!bad && seq.body.n)
		return "a property has two values";
	*name = t.tag;
	return bad;
}

/* A SET's order is not looked at: signers do not sort it the way DER wants.
 * What counts is that no name comes twice. */
static const char *check_props(struct der set)
{
	uint32_t seen[MAX_PROPS];
	struct der_tlv value;
	const char *bad;
	uint64_t u;
	bool b;

	for (unsigned n = 0; set.n; n++) {
		if (n == MAX_PROPS)
			return "too many properties";
		bad = named(&set, &seen[n], &value);
		if (!bad && der_type(&value, DER_BOOLEAN))
			bad = der_bool(&value, &b);
		if (!bad && der_type(&value, DER_INTEGER))
			bad = der_uint(&value, &u);
		if (bad)
			return bad;
		for (unsigned i = 0; i < n; i++)
			if (seen[i] == seen[n])
				return "a property comes twice";
	}
	return NULL;
}

const char *img4_groups_ok(struct der set)
{
	uint32_t seen[MAX_GROUPS];
	struct der_tlv value;
	const char *bad;

	for (unsigned n = 0; set.n; n++) {
		if (n == MAX_GROUPS)
			return "too many groups";
		bad = named(&set, &seen[n], &value);
		if (!bad && !der_type(&value, DER_SET))
			bad = "a group is no SET";
		if (!bad)
			bad = check_props(value.body);
		if (bad)
			return bad;
		for (unsigned i = 0; i < n; i++)
			if (seen[i] == seen[n])
				return "a group comes twice";
	}
	return NULL;
}

/* ---- IM4P --------------------------------------------------------------------- */

static const char *compression(struct der *in, struct im4p *p)
{
	struct der_tlv seq, t;
	const char *bad = der_expect(in, DER_SEQUENCE, &seq);
	uint64_t algorithm = 0;

	if (!bad)
		bad = der_expect(&seq.body, DER_INTEGER, &t);
	if (!bad)
		bad = der_uint(&t, &algorithm);
	if (!bad)
		bad = der_expect(&seq.body, DER_INTEGER, &t);
	if (!bad)
		bad = der_uint(&t, &p->plain_size);
	if (bad)
		return bad;
	if (seq.body.n)
		return "IM4P: the compression record goes on after its end";
	if (algorithm > 1)
		return "IM4P: an unknown compression algorithm";
	p->sized = true;
	if (algorithm == 1 && p->packing == IMG4_PLAIN)
		return "IM4P: the payload is said to be LZFSE and is not";
	return NULL;
}

static const char *payload_props(struct der *in, struct im4p *p)
{
	struct der_tlv outer, seq, set;
	const char *bad = der_context(in, 0, &outer);

	if (!bad)
		bad = der_expect(&outer.body, DER_SEQUENCE, &seq);
	if (!bad && outer.body.n)
		return "IM4P: properties go on after their end";
	if (!bad)
		bad = magic(&seq.body, "PAYP");
	if (!bad)
		bad = der_expect(&seq.body, DER_SET, &set);
	if (!bad && seq.body.n)
		return "IM4P: properties go on after their end";
	if (bad)
		return bad;
	p->has_props = true;
	p->props = set.body;
	return check_props(set.body);
}

static const char *im4p_body(struct der in, struct im4p *p)
{
	struct der_tlv t;
	const char *bad = magic(&in, "IM4P");

	if (bad)
		return "IM4P: no IM4P container";
	bad = der_expect(&in, DER_IA5, &t);
	if (bad)
		return bad;
	if (t.body.n != 4 || !printable(t.body.p))
		return "IM4P: the type is not four characters";
	p->type = ld32be(t.body.p);
	bad = der_expect(&in, DER_IA5, &t);
	if (bad)
		return bad;
	p->version = t.body;
	bad = der_expect(&in, DER_OCTETS, &t);
	if (bad)
		return bad;
	p->data = t.body;
	if (!p->data.n)
		return "IM4P: the payload is empty";
	if (lzfse_is(p->data.p, p->data.n))
		p->packing = IMG4_LZFSE;
	else if (lzss_is(p->data.p, p->data.n))
		p->packing = IMG4_LZSS;
	if (der_is(&in, DER_UNIVERSAL, DER_OCTETS)) {
		bad = der_expect(&in, DER_OCTETS, &t);
		p->encrypted = true;
	}
	if (!bad && der_is(&in, DER_UNIVERSAL, DER_SEQUENCE))
		bad = compression(&in, p);
	if (!bad && der_is(&in, DER_CONTEXT, 0))
		bad = payload_props(&in, p);
	if (!bad && in.n)
		bad = "IM4P: unknown elements at its end";
	return bad;
}

const char *im4p_parse(const uint8_t *data, size_t n, struct im4p *p)
{
	struct der in = { data, n };
	struct der_tlv t;
	const char *bad = der_expect(&in, DER_SEQUENCE, &t);

	memset(p, 0, sizeof(*p));
	if (bad)
		return bad;
	p->raw = t.raw;
	p->raw_len = t.raw_len;
	return im4p_body(t.body, p);
}

/* ---- IM4M --------------------------------------------------------------------- */

static const char *manifest_body(struct der set, struct im4m *m)
{
	struct der_tlv value;
	const char *bad;
	uint32_t name;

	bad = named(&set, &name, &value);
	if (bad)
		return bad;
	if (name != FOURCC('M', 'A', 'N', 'B') || !der_type(&value, DER_SET))
		return "IM4M: no MANB in it";
	if (set.n)
		return "IM4M: something stands beside MANB";
	m->groups = value.body;
	return img4_groups_ok(m->groups);
}

const char *im4m_parse(const uint8_t *data, size_t n, struct im4m *m)
{
	struct der in = { data, n };
	struct der_tlv t, x;
	uint64_t version;
	const char *bad = der_expect(&in, DER_SEQUENCE, &t);

	memset(m, 0, sizeof(*m));
	if (bad)
		return bad;
	m->raw = t.raw;
	m->raw_len = t.raw_len;
	if (magic(&t.body, "IM4M"))
		return "IM4M: no IM4M container";
	bad = der_expect(&t.body, DER_INTEGER, &x);
	if (!bad)
		bad = der_uint(&x, &version);
	if (bad)
		return bad;
	if (version)
		return "IM4M: an unknown version";
	bad = der_expect(&t.body, DER_SET, &x);
	if (bad)
		return bad;
	m->covered = (struct der){ x.raw, x.raw_len };
	bad = manifest_body(x.body, m);
	if (bad)
		return bad;
	bad = der_expect(&t.body, DER_OCTETS, &x);
	if (bad)
		return bad;
	m->signature = x.body;
	bad = der_expect(&t.body, DER_SEQUENCE, &x);
	if (bad)
		return bad;
	m->certs = x.body;
	return t.body.n ? "IM4M: unknown elements at its end" : NULL;
}

/* ---- IMG4 --------------------------------------------------------------------- */

static const char *restore_info(struct der_tlv *outer, struct img4 *img)
{
	struct der_tlv seq, set, value;
	const char *bad = der_expect(&outer->body, DER_SEQUENCE, &seq);

	if (!bad && outer->body.n)
		return "IMG4: IM4R goes on after its end";
	if (!bad && magic(&seq.body, "IM4R"))
		return "IMG4: no IM4R in [1]";
	if (!bad)
		bad = der_expect(&seq.body, DER_SET, &set);
	if (!bad && seq.body.n)
		return "IMG4: IM4R goes on after its end";
	if (!bad)
		bad = check_props(set.body);
	if (bad)
		return bad;
	img->has_restore = true;
	if (img4_prop(set.body, FOURCC('B', 'N', 'C', 'N'), &value)) {
		if (!der_type(&value, DER_OCTETS) || value.body.n != 8)
			return "IMG4: the boot nonce is not 8 bytes";
		img->nonce = value.body;
	}
	return NULL;
}

const char *img4_parse(const uint8_t *data, size_t n, struct img4 *img)
{
	struct der in = { data, n };
	struct der_tlv t, x;
	const char *bad = der_expect(&in, DER_SEQUENCE, &t);

	memset(img, 0, sizeof(*img));
	if (bad)
		return bad;
	img->len = t.raw_len;
	if (magic(&t.body, "IMG4"))
		return "IMG4: no IMG4 container";
	bad = im4p_parse(t.body.p, t.body.n, &img->p);
	if (bad)
		return bad;
	t.body.p += img->p.raw_len;
	t.body.n -= img->p.raw_len;
	if (der_is(&t.body, DER_CONTEXT, 0)) {
		bad = der_context(&t.body, 0, &x);
		if (!bad)
			bad = im4m_parse(x.body.p, x.body.n, &img->m);
		if (!bad && img->m.raw_len != x.body.n)
			bad = "IMG4: IM4M goes on after its end";
		if (bad)
			return bad;
		img->has_manifest = true;
	}
	if (der_is(&t.body, DER_CONTEXT, 1)) {
		bad = der_context(&t.body, 1, &x);
		if (!bad)
			bad = restore_info(&x, img);
		if (bad)
			return bad;
	}
	return t.body.n ? "IMG4: unknown elements at its end" : NULL;
}

/* ---- looking up ------------------------------------------------------------- */

bool img4_next_prop(struct der *set, uint32_t *name, struct der_tlv *value)
{
	return set->n && !named(set, name, value);
}

bool img4_next_group(struct der *set, uint32_t *name, struct der *props)
{
	struct der_tlv value;

	if (!img4_next_prop(set, name, &value))
		return false;
	*props = value.body;
	return true;
}

bool img4_prop(struct der set, uint32_t name, struct der_tlv *value)
{
	uint32_t is;

	while (img4_next_prop(&set, &is, value))
		if (is == name)
			return true;
	return false;
}

bool img4_group(struct der set, uint32_t name, struct der *props)
{
	struct der_tlv value;

	if (!img4_prop(set, name, &value))
		return false;
	*props = value.body;
	return true;
}

bool img4_prop_uint(struct der set, uint32_t name, uint64_t *value)
{
	struct der_tlv t;

	return img4_prop(set, name, &t) && !der_uint(&t, value);
}

void img4_name(uint32_t fourcc, char out[5])
{
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = (uint8_t)(fourcc >> (24 - 8 * i));

		out[i] = c < 0x20 || c > 0x7e ? '?' : (char)c;
	}
	out[4] = 0;
}
