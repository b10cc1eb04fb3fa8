/* CPU models: the ID registers of the profiles field by field, switches, rules
 * between features, messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "../../src/interp/cpu.h"
#include "../../src/interp/model.h"

static struct cpu_model m;
static struct err e;

static void parse(const char *spec)
{
	if (model_parse(&m, spec, &e) < 0)
		fail_msg("%s: %s", spec, e.msg);
}

static void refused(const char *spec, const char *part)
{
	assert_int_equal(model_parse(&m, spec, &e), -1);
	if (!strstr(e.msg, part))
		fail_msg("%s: \"%s\" has no \"%s\"", spec, e.msg, part);
}

/* The ID registers of each profile: spec/cpu.md 1.3, and for qemu72 what
 * `-cpu max,sve=off,sme=off` of QEMU 7.2 has, less what tests/el1/known.txt
 * says is not here. All others read as zero. */
enum { GENERIC, VMAPPLE, QEMU72, PROFILES };
static const char *const profile[PROFILES] = { "generic", "vmapple",
					       "qemu72" };
static const struct {
	const char *name;
	uint8_t crm, op2;
	uint64_t val[PROFILES];
} id_reg[] = {
	{ "PFR0", 4, 0, { 0x1101000011110011, 0x1101000010110011,
			  0x1201000011110011 } },
	{ "PFR1", 4, 1, { 0x21, 0x21, 0x121 } },
	/* DFR0: with the PMU, which passes its tests */
	{ "DFR0", 5, 0, { 0x000000f010305608, 0x10305006,
			  0x000000f010305008 } },
	{ "ISAR0", 6, 0, { 0x0221100110212120, 0x0221100110212120,
			   0x1221111110212120 } },
	{ "ISAR1", 6, 1, { 0x0010111110211502, 0x0010111110211402,
			   0x0010111101211012 } },
	{ "ISAR2", 6, 2, { 0, 0, 0 } },
	{ "MMFR0", 7, 0, { 0x1000000000100025, 0x100010000f100002,
			   0x0000000000100025 } },
	{ "MMFR1", 7, 1, { 0x0000001000302002, 0x0000000011202000,
			   0x0000000000312002 } },
	{ "MMFR2", 7, 2, { 0x1021001110001011, 0x1001001100001011,
			   0x1021001010001011 } },
};

static uint64_t expected(unsigned p, unsigned crm, unsigned op2)
{
	for (unsigned i = 0; i < sizeof(id_reg) / sizeof(id_reg[0]); i++)
		if (id_reg[i].crm == crm && id_reg[i].op2 == op2)
			return id_reg[i].val[p];
	return 0;
}

static const char *reg_name(unsigned crm, unsigned op2)
{
	for (unsigned i = 0; i < sizeof(id_reg) / sizeof(id_reg[0]); i++)
		if (id_reg[i].crm == crm && id_reg[i].op2 == op2)
			return id_reg[i].name;
	return "?";
}

static bool field_wrong(unsigned p, unsigned crm, unsigned op2, unsigned lsb)
{
	uint64_t want = expected(p, crm, op2) >> lsb & 15,
		 is = m.id[crm][op2] >> lsb & 15;

	if (is != want)
		print_message("%s: %s (3,0,0,%u,%u) %u:%u is %x, not %x\n",
			      profile[p], reg_name(crm, op2), crm, op2, lsb + 3,
			      lsb, (unsigned)is, (unsigned)want);
	return is != want;
}

/* Field by field, so that the message names what is wrong. */
static void test_id_fields(void **state)
{
	unsigned wrong = 0;

	for (unsigned p = 0; p < PROFILES; p++) {
		parse(profile[p]);
		for (unsigned k = 128; k < 8 * 8 * 16; k++)
			wrong += field_wrong(p, k / 128, k / 16 % 8,
					     k % 16 * 4);
	}
	assert_int_equal(wrong, 0);
}

/* What is not a field of the ID space. */
static void test_profiles(void **state)
{
	static const struct {
		uint64_t midr, ctr, ccsidr2;
		unsigned pa_bits, cntfrq;
	} t[PROFILES] = {
		{ 0x000f0b10, 0x9444c004, 0x73ffe07b, 48, 24000000 },
		{ 0x611f0330, 0x8444c004, 0x73ffe05b, 40, 24000000 },
		{ 0x000f0510, 0x8444c004, 0x73ffe07b, 48, 62500000 },
	};

	for (unsigned p = 0; p < PROFILES; p++) {
		parse(profile[p]);
		assert_string_equal(m.name, profile[p]);
		assert_int_equal(m.midr, t[p].midr);
		assert_int_equal(m.id[0][0], t[p].midr);
		assert_int_equal(m.ctr, t[p].ctr);
		assert_int_equal(m.dczid, 4);
		assert_int_equal(m.clidr, 0x81000023);
		assert_int_equal(m.ccsidr[0], 0x701fe03a);
		assert_int_equal(m.ccsidr[1], 0x203fe02a);
		assert_int_equal(m.ccsidr[2], t[p].ccsidr2);
		assert_int_equal(m.pa_bits, t[p].pa_bits);
		assert_int_equal(m.cntfrq, t[p].cntfrq);
	}
}

/* Every feature, on and off, in every profile: the switch holds, names are
 * known in any case, the rest of the machine stays consistent. */
static void test_switches(void **state)
{
	char spec[80];

	for (unsigned p = 0; p < PROFILES; p++) {
		for (int f = 1; f < FEAT_COUNT; f++) {
			const char *n = model_feature_name((enum feature)f);

			snprintf(spec, sizeof(spec), "%s,%s=on", profile[p],
				 n);
			parse(spec);
			assert_true(m.has[f]);
			struct cpu_model on = m;

			snprintf(spec, sizeof(spec), "%s,feat_%s=OFF",
				 profile[p], n);
			for (char *s = spec; *s; s++)
				if (*s >= 'A' && *s <= 'Z')
					*s += 32;
			parse(spec);
			if (f == FEAT_PACIMP)   /* some algorithm there is */
				assert_true(m.has[f] ||
					    m.has[FEAT_PACQARMA5]);
			else
				assert_false(m.has[f]);
			/* what software could see of it, but for EPAC below
			 * PAuth2, the choice of algorithm, and ours */
			if (f != FEAT_EPAC && f != FEAT_PACIMP &&
			    f != FEAT_LenientPAC)
				assert_memory_not_equal(on.id, m.id,
							sizeof(m.id));
			assert_true(m.has[FEAT_BASE]);
		}
	}
	assert_null(model_feature_name(FEAT_COUNT));
}

static unsigned field(unsigned crm, unsigned op2, unsigned lsb)
{
	return m.id[crm][op2] >> lsb & 15;
}

static void test_rules(void **state)
{
	static const struct { const char *spec; unsigned api; } pac[] = {
		{ "generic", 5 }, { "generic,fpaccombine=off", 4 },
		{ "generic,fpac=off", 3 }, { "generic,pauth2=off", 1 },
		{ "generic,pauth2=off,epac=on", 2 }, { "generic,pauth=off", 0 },
		{ "generic,pauth=off,fpac=on", 4 },
	};

	for (unsigned i = 0; i < sizeof(pac) / sizeof(pac[0]); i++) {
		parse(pac[i].spec);
		assert_int_equal(field(6, 1, 8), pac[i].api);
		assert_int_equal(field(6, 1, 4), 0);
		assert_int_equal(field(6, 1, 28), pac[i].api != 0);
		assert_int_equal(field(6, 1, 24), 0);
	}
	parse("generic,pacqarma5=on");
	assert_int_equal(field(6, 1, 4), 5);
	assert_int_equal(field(6, 1, 8), 0);
	assert_int_equal(field(6, 1, 24), 1);
	assert_int_equal(field(6, 1, 28), 0);
	parse("qemu72,pacqarma5=off");
	assert_int_equal(field(6, 1, 8), 1);
	assert_int_equal(field(6, 1, 28), 1);

	/* without what it needs, it goes; with it, that comes */
	parse("generic,pan=off");
	assert_false(m.has[FEAT_PAN3] || m.has[FEAT_PAN2]);
	assert_int_equal(field(7, 1, 20), 0);
	parse("generic,pan=off,pan3=on");
	assert_true(m.has[FEAT_PAN] && m.has[FEAT_PAN2]);
	parse("generic,haf=off");
	assert_int_equal(field(7, 1, 0), 0);
	parse("generic,hdbs=off");
	assert_int_equal(field(7, 1, 0), 1);
	parse("vmapple,tgran64k=on");
	assert_int_equal(field(7, 0, 24), 0);
	/* the last word wins */
	parse("generic,lse=off,lse=on");
	assert_true(m.has[FEAT_LSE]);
	/* FP and AdvSIMD agree on half precision */
	parse("generic,fp16=off");
	assert_int_equal(field(4, 0, 16), 0);
	assert_int_equal(field(4, 0, 20), 0);
	assert_false(m.has[FEAT_FHM]);
}

static void test_spsr_mask(void **state)
{
	parse("generic");
	assert_int_equal(m.spsr_mask, 0xf1f01fdf);
	parse("generic,pan=off,uao=off,dit=off,ssbs=off,bti=off");
	assert_int_equal(m.spsr_mask, 0xf03003df);
	parse("generic,mte=on");
	assert_int_equal(m.spsr_mask, 0xf3f01fdf);
}

static void test_messages(void **state)
{
	char longer[200];

	refused("", "unknown CPU profile");
	refused("genric", "expected generic, vmapple or qemu72");
	refused("generic,lse3=on", "did you mean LSE?");
	refused("generic,FEAT_PAUTH3=off", "did you mean PAuth");
	refused("generic,SB2=off", "did you mean SB?");
	refused("generic,nothing=off", "expected a name");
	refused("generic,lse", "lse=on");
	refused("generic,lse=yes", "neither on nor off");
	refused("generic,=on", "expected a name");
	refused("generic,base=off", "unknown CPU feature");
	refused("generic,,lse=on", "");
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	refused(longer, "unknown CPU profile");
	memcpy(longer, "generic,", 8);
	refused(longer, "unknown CPU feature");
	parse("GENERIC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_fields),
		cmocka_unit_test(test_profiles),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_spsr_mask),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
