/* CPU models: the ID registers of the profiles word by word, switches, rules
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

/* spec/cpu.md 1.3 */
static void test_generic(void **state)
{
	parse("generic");
	assert_string_equal(m.name, "generic");
	assert_int_equal(m.midr, 0x000f0b10);
	assert_int_equal(m.id[0][0], 0x000f0b10);
	assert_int_equal(m.id[4][0], 0x1101000011110011);
	assert_int_equal(m.id[4][1], 0x21);
	assert_int_equal(m.id[5][0], 0x000000f010305608);
	assert_int_equal(m.id[6][0], 0x0221100110212120);
	assert_int_equal(m.id[6][1], 0x0010111110211502);
	assert_int_equal(m.id[6][2], 0);
	assert_int_equal(m.id[7][0], 0x1000000000100025);
	assert_int_equal(m.id[7][1], 0x0000001000302002);
	assert_int_equal(m.id[7][2], 0x1021001110001011);
	assert_int_equal(m.ctr, 0x9444c004);
	assert_int_equal(m.dczid, 4);
	assert_int_equal(m.clidr, 0x81000023);
	assert_int_equal(m.ccsidr[0], 0x701fe03a);
	assert_int_equal(m.ccsidr[1], 0x203fe02a);
	assert_int_equal(m.ccsidr[2], 0x73ffe07b);
	assert_int_equal(m.pa_bits, 48);
	assert_int_equal(m.cntfrq, 24000000);
}

static void test_vmapple(void **state)
{
	parse("vmapple");
	assert_int_equal(m.midr, 0x611f0330);
	assert_int_equal(m.id[4][0], 0x1101000010110011);
	assert_int_equal(m.id[4][1], 0x21);
	assert_int_equal(m.id[5][0], 0x10305006);
	assert_int_equal(m.id[6][0], 0x0221100110212120);
	assert_int_equal(m.id[6][1], 0x0010111110211402);
	assert_int_equal(m.id[6][2], 0);
	assert_int_equal(m.id[7][0], 0x100010000f100002);
	assert_int_equal(m.id[7][1], 0x0000000011202000);
	assert_int_equal(m.id[7][2], 0x1001001100001011);
	assert_int_equal(m.ctr, 0x8444c004);
	assert_int_equal(m.ccsidr[2], 0x73ffe05b);
	assert_int_equal(m.pa_bits, 40);
	assert_int_equal(m.cntfrq, 24000000);
}

static void test_qemu72(void **state)
{
	static const enum feature absent[] = {
		FEAT_LSE2, FEAT_EPAC, FEAT_PAuth2, FEAT_FPAC, FEAT_PACIMP,
		FEAT_ECV, FEAT_AFP, FEAT_RPRES, FEAT_WFxT, FEAT_CSSC,
	};
	static const enum feature present[] = {
		FEAT_PACQARMA5, FEAT_RNG, FEAT_SM3, FEAT_SM4, FEAT_MTE,
		FEAT_DPB2, FEAT_FRINTTS, FEAT_FlagM2, FEAT_BF16, FEAT_I8MM,
	};

	parse("qemu72");
	for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_false(m.has[absent[i]]);
	for (unsigned i = 0; i < sizeof(present) / sizeof(present[0]); i++)
		assert_true(m.has[present[i]]);
	assert_int_equal(m.id[6][1] >> 4 & 0xff, 1);            /* APA, API */
	assert_int_equal(m.id[6][1] >> 24 & 0xff, 1);           /* GPA, GPI */
	assert_int_equal(m.id[6][0], 0x1221111110212120);
}

/* Every feature, on and off, in every profile: the switch holds, names are
 * known in any case, the rest of the machine stays consistent. */
static void test_switches(void **state)
{
	static const char *const profiles[] = { "generic", "vmapple",
						"qemu72" };
	char spec[80];

	for (unsigned p = 0; p < 3; p++) {
		for (int f = 1; f < FEAT_COUNT; f++) {
			const char *n = model_feature_name((enum feature)f);

			snprintf(spec, sizeof(spec), "%s,%s=on", profiles[p],
				 n);
			parse(spec);
			assert_true(m.has[f]);
			struct cpu_model on = m;

			snprintf(spec, sizeof(spec), "%s,feat_%s=OFF",
				 profiles[p], n);
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
	refused("genric", "nearest is generic");
	refused("qemu", "nearest is qemu72");
	refused("generic,lse3=on", "nearest is LSE");
	refused("generic,FEAT_PAUTH3=off", "nearest is PAuth");
	refused("generic,lse", "lse=on");
	refused("generic,lse=yes", "neither on nor off");
	refused("generic,=on", "unknown CPU feature");
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
		cmocka_unit_test(test_generic),
		cmocka_unit_test(test_vmapple),
		cmocka_unit_test(test_qemu72),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_spsr_mask),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
