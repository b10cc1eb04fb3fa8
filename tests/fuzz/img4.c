/* IMG4, IM4P, IM4M and certificates, with all checks on what parses. */
#include "fuzz.h"
#include "img4.h"

static void props(struct der set)
{
	struct der_tlv v;
	uint32_t name;
	uint64_t u;

	while (img4_next_prop(&set, &name, &v))
		img4_prop_uint(set, name, &u);
	fuzz_require(!set.n, "what was parsed can be walked to its end");
}

static void manifest(const struct im4m *m)
{
	struct der groups = m->groups, set;
	uint32_t name;

	while (img4_next_group(&groups, &name, &set))
		props(set);
	fuzz_require(!groups.n, "groups can be walked to their end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct img4_machine machine = { 0x1122334455667788,
						     0xfe00, 0x20 };
	struct der in = { data, size };
	struct img4_report r;
	struct img4 img;
	struct cert c;

	if (!img4_parse(data, size, &img)) {
		fuzz_require(img.len <= size, "length");
		img4_check(&img, &machine, &r);
		fuzz_require(r.n && r.n <= IMG4_MAX_CHECKS, "checks");
		if (img.has_manifest)
			manifest(&img.m);
		if (img.p.has_props)
			props(img.p.props);
	}
	if (!im4p_parse(data, size, &img.p))
		fuzz_require(img.p.raw_len <= size, "length");
	if (!im4m_parse(data, size, &img.m)) {
		im4m_check(&img.m, NULL, &r);
		manifest(&img.m);
	}
	cert_parse(&in, &c);
	return 0;
}
