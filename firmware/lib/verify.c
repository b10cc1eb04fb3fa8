/* What can be checked of a signed image: spec/vmapple.md section 8.5. Each
 * check stands alone and says what it found, so that a boot ROM can print them
 * all before it decides. */
#include "img4.h"
#include "rsa.h"
#include "sha384.h"

#define MANP FOURCC('M', 'A', 'N', 'P')
#define OBJP FOURCC('O', 'B', 'J', 'P')

static struct img4_check *add(struct img4_report *r, const char *name,
			      enum img4_state state, const char *why)
{
	struct img4_check *c = &r->check[r->n < IMG4_MAX_CHECKS - 1 ? r->n :
					 IMG4_MAX_CHECKS - 1];

	if (r->n < IMG4_MAX_CHECKS)
		r->n++;
	*c = (struct img4_check){ .name = name, .state = state, .why = why };
	if (state == IMG4_BAD)
		r->good = false;
	return c;
}

static void verdict(struct img4_report *r, const char *name, const char *bad)
{
	add(r, name, bad ? IMG4_BAD : IMG4_OK, bad);
}

/* ---- the leaf's rules -------------------------------------------------------- */

static bool same(const struct der_tlv *a, const struct der_tlv *b)
{
	return a->raw_len == b->raw_len && !memcmp(a->raw, b->raw, a->raw_len);
}

/* One rule: a plain value must be equal, [0] must be present, [1] absent. */
static const char *obeys(const struct der_tlv *rule, bool there,
			 const struct der_tlv *value)
{
	if (rule->cls == DER_CONTEXT && rule->tag == 0)
		return there ? NULL : "the leaf certificate asks for a "
				      "property that is not there";
	if (rule->cls == DER_CONTEXT && rule->tag == 1)
		return there ? "the leaf certificate forbids a property that "
			       "is there" : NULL;
	if (rule->cls != DER_UNIVERSAL)
		return "the leaf certificate has a rule of an unknown kind";
	return there && same(rule, value) ? NULL :
		"a property is not what the leaf certificate says";
}

static const char *group_obeys(struct der rules, struct der props,
			       uint32_t *tag)
{
	struct der_tlv rule, value;
	const char *bad;

	while (rules.n) {
		if (!img4_next_prop(&rules, tag, &rule))
			return "the leaf certificate's rules are malformed";
		bad = obeys(&rule, img4_prop(props, *tag, &value), &value);
		if (bad)
			return bad;
	}
	return NULL;
}

static void check_rules(struct img4_report *r, const struct im4m *m)
{
	struct der rules = r->leaf.rules, groups, props;
	struct der_tlv set;
	uint32_t kind, name, tag = 0;
	const char *bad = NULL;

	if (!r->leaf.restricts) {
		add(r, "leaf rules", IMG4_UNKNOWN,
		    "the leaf certificate has none");
		return;
	}
	while (!bad && rules.n) {
		if (!img4_next_prop(&rules, &kind, &set) ||
		    !der_type(&set, DER_SET)) {
			bad = "the leaf certificate's rules are malformed";
			break;
		}
		groups = m->groups;
		while (!bad && img4_next_group(&groups, &name, &props))
			if ((name == MANP) == (kind == MANP))
				bad = group_obeys(set.body, props, &tag);
	}
	add(r, "leaf rules", bad ? IMG4_BAD : IMG4_OK, bad)->tag =
		bad ? tag : 0;
}

/* ---- signature ------------------------------------------------------------- */

static void check_signature(struct img4_report *r, const struct im4m *m)
{
	struct der certs = m->certs;
	uint8_t digest[SHA384_SIZE];
	const char *bad = cert_parse(&certs, &r->leaf);

	if (!bad && certs.n)
		bad = "more than one certificate, or bytes after it";
	if (bad) {
		memset(&r->leaf, 0, sizeof(r->leaf));
		add(r, "certificate", IMG4_BAD, bad);
		return;
	}
	add(r, "certificate", IMG4_UNKNOWN, "its issuer cannot be checked: "
	    "the root key is not public");
	if (m->signature.n != RSA_BYTES) {
		add(r, "signature", IMG4_BAD, "not the 512 bytes of RSA-4096");
	} else {
		sha384(m->covered.p, m->covered.n, digest);
		verdict(r, "signature", rsa_check(r->leaf.modulus,
						  r->leaf.exponent,
						  m->signature.p, digest));
	}
	check_rules(r, m);
}

/* ---- properties --------------------------------------------------------------- */

static void check_number(struct img4_report *r, const char *name,
			 struct der manp, uint32_t tag, uint64_t want)
{
	struct img4_check *c;
	uint64_t got;

	if (!img4_prop_uint(manp, tag, &got)) {
		c = add(r, name, IMG4_BAD, "the manifest does not say it");
	} else {
		c = add(r, name, got == want ? IMG4_OK : IMG4_BAD, got == want ?
			NULL : "the manifest is for another machine");
		c->numbers = true;
		c->want = want;
		c->got = got;
	}
	c->tag = tag;
}

static void check_machine(struct img4_report *r, const struct im4m *m,
			  const struct img4_machine *machine)
{
	struct der manp = { NULL, 0 };

	if (!img4_group(m->groups, MANP, &manp)) {
		add(r, "machine", IMG4_BAD, "the manifest has no MANP group");
		return;
	}
	check_number(r, "ECID", manp, FOURCC('E', 'C', 'I', 'D'),
		     machine->ecid);
	check_number(r, "chip", manp, FOURCC('C', 'H', 'I', 'P'),
		     machine->chip);
	check_number(r, "board", manp, FOURCC('B', 'O', 'R', 'D'),
		     machine->board);
}

/* BNCH is a hash of a nonce that only ROM and signer know; ours has none. */
static void check_nonce(struct img4_report *r, const struct im4m *m)
{
	struct der manp = { NULL, 0 };
	struct der_tlv t;

	if (img4_group(m->groups, MANP, &manp) &&
	    img4_prop(manp, FOURCC('B', 'N', 'C', 'H'), &t))
		add(r, "nonce", IMG4_UNKNOWN, "this machine keeps no boot "
		    "nonce");
}

static void check_digest(struct img4_report *r, const struct img4 *img)
{
	uint8_t digest[SHA384_SIZE];
	struct der group = { NULL, 0 };
	struct der_tlv t;

	if (!img4_group(img->m.groups, img->p.type, &group)) {
		add(r, "digest", IMG4_BAD, "the manifest has no group for "
		    "this type of image")->tag = img->p.type;
		return;
	}
	if (!img4_prop(group, FOURCC('D', 'G', 'S', 'T'), &t) ||
	    !der_type(&t, DER_OCTETS) || t.body.n != SHA384_SIZE) {
		add(r, "digest", IMG4_BAD, "the manifest has no SHA-384 "
		    "digest for it");
		return;
	}
	sha384(img->p.raw, img->p.raw_len, digest);
	verdict(r, "digest", memcmp(digest, t.body.p, SHA384_SIZE) ?
		"the image is not the one that was signed" : NULL);
}

void im4m_check(const struct im4m *m, const struct img4_machine *machine,
		struct img4_report *r)
{
	memset(r, 0, sizeof(*r));
	r->good = true;
	check_signature(r, m);
	if (machine)
		check_machine(r, m, machine);
	check_nonce(r, m);
}

void img4_check(const struct img4 *img, const struct img4_machine *machine,
		struct img4_report *r)
{
	if (!img->has_manifest) {
		memset(r, 0, sizeof(*r));
		r->good = true;
		add(r, "manifest", IMG4_BAD, "there is none: the image is not "
		    "signed");
		return;
	}
	im4m_check(&img->m, machine, r);
	check_digest(r, img);
}
