/* The switches of the CPU model, each on and off: instructions and registers
 * that a feature brings are UNDEFINED without it, and so are its bits of control
 * registers RES0 or RES1. ID registers: tests/unit/model.c; translation:
 * tests/unit/mmu_walk.c. */
#include <stdio.h>

#include "cputest.h"
#include "../diff/row_word.h"
#include "../../src/interp/op.h"

static uint64_t seed = 1;

static uint64_t rnd(void)              /* splitmix64 */
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static void model_of(struct cpu_model *m, enum feature f, bool on)
{
	char spec[60];
	struct err e;

	snprintf(spec, sizeof(spec), "generic,%s=%s", model_feature_name(f),
		 on ? "on" : "off");
	assert_int_equal(model_parse(m, spec, &e), 0);
}

static void machine_of(enum feature f, bool on)
{
	char spec[60];

	snprintf(spec, sizeof(spec), "generic,%s=%s", model_feature_name(f),
		 on ? "on" : "off");
	ct_open(1, spec);
	ct.c->sr.cpacr = 3u << 20;
	mmu_view(ct.c);
}

/* Is it UNDEFINED at EL1? */
static bool undefined(uint32_t w)
{
	ct.c->sr.esr = ~0ull;
	for (int i = 0; i < 31; i++)
		ct.c->x[i] = 0;
	return !ct_insn(w) && ct_ec() == 0;
}

static bool allocated(uint32_t w, const struct cpu_model *m)
{
	struct rec r;

	decode_word(&r, w, 0, 0, m);
	return r.h != op_undef;
}

static bool hint(uint32_t w)
{
	return (w & 0xfffff01f) == 0xd503201f;
}

/* Every row of a64.def that names a feature. */
static void rows(void **state)
{
	enum { WORDS = 300, RUN = 3 };
	static uint32_t keep[RUN];
	int n;
	const struct a64_row *row = decode_rows(&n), *end = row + n;

	(void)state;
	for (; row < end; row++) {
		struct cpu_model on, off;
		unsigned kept = 0;

		if (row->feat == FEAT_BASE)
			continue;
		model_of(&on, row->feat, true);
		model_of(&off, row->feat, false);
		for (unsigned i = 0; i < WORDS; i++) {
			uint32_t w = row_word(row, rnd());

			/* a hint that is not known does nothing */
			if (!allocated(w, &on) || hint(w))
				continue;
			if (allocated(w, &off))
				fail_msg("%s: %08x without %s", row->name, w,
					 model_feature_name(row->feat));
			if (kept < RUN)
				keep[kept++] = w;
		}
		if (!kept && !hint(row->value))
			fail_msg("%s has no word", row->name);
		for (int sw = 0; sw < 2; sw++) {
			machine_of(row->feat, sw);
			for (unsigned i = 0; i < kept; i++)
				if (undefined(keep[i]) == sw)
					fail_msg("%s: %08x executed with %s %s",
						 row->name, keep[i],
						 model_feature_name(row->feat),
						 sw ? "on" : "off");
			ct_close();
		}
	}
}

/* Encodings below SYS, MRS and MSR, which rows do not show. */
static void registers(void **state)
{
	static const struct { enum feature f; uint32_t w; } t[] = {
		{ FEAT_PAN, 0xd500409f },       /* msr pan, #0 */
		{ FEAT_PAN, 0xd5384260 },       /* mrs x0, pan */
		{ FEAT_PAN2, 0xd5087900 },      /* at s1e1rp */
		{ FEAT_PAN2, 0xd5087920 },      /* at s1e1wp */
		{ FEAT_UAO, 0xd500407f },       /* msr uao, #0 */
		{ FEAT_UAO, 0xd5384280 },       /* mrs x0, uao */
		{ FEAT_DIT, 0xd503405f },       /* msr dit, #0 */
		{ FEAT_DIT, 0xd53b42a0 },       /* mrs x0, dit */
		{ FEAT_SSBS2, 0xd503403f },     /* msr ssbs, #0 */
		{ FEAT_SSBS2, 0xd53b42c0 },     /* mrs x0, ssbs */
		{ FEAT_MTE, 0xd503409f },       /* msr tco, #0 */
		{ FEAT_MTE, 0xd53b42e0 },       /* mrs x0, tco */
		{ FEAT_SPECRES, 0xd50b7380 },   /* cfp rctx */
		{ FEAT_SPECRES, 0xd50b73a0 },   /* dvp rctx */
		{ FEAT_SPECRES, 0xd50b73e0 },   /* cpp rctx */
		{ FEAT_TLBIOS, 0xd508811f },    /* tlbi vmalle1os */
		{ FEAT_TLBIOS, 0xd5088120 },    /* tlbi vae1os */
		{ FEAT_TLBIRANGE, 0xd5088220 }, /* tlbi rvae1is */
		{ FEAT_TLBIRANGE, 0xd50882a0 }, /* tlbi rvale1is */
		{ FEAT_TLBIRANGE, 0xd5088260 }, /* tlbi rvaae1is */
		{ FEAT_TLBIRANGE, 0xd50882e0 }, /* tlbi rvaale1is */
		{ FEAT_TLBIRANGE, 0xd5088520 }, /* tlbi rvae1os */
		{ FEAT_TLBIRANGE, 0xd5088620 }, /* tlbi rvae1 */
		{ FEAT_DPB, 0xd50b7c20 },       /* dc cvap */
		{ FEAT_DPB2, 0xd50b7d20 },      /* dc cvadp */
		{ FEAT_PAuth, 0xd5382100 },     /* mrs x0, apiakeylo_el1 */
		{ FEAT_PAuth, 0xd5182320 },     /* msr apgakeyhi_el1, x0 */
		{ FEAT_RAS, 0xd5385300 },       /* mrs x0, erridr_el1 */
		{ FEAT_RAS, 0xd538c120 },       /* mrs x0, disr_el1 */
		{ FEAT_PMUv3, 0xd53b9c00 },     /* mrs x0, pmcr_el0 */
		{ FEAT_PMUv3, 0xd53be800 },     /* mrs x0, pmevcntr0_el0 */
		{ FEAT_ECV, 0xd53be0a0 },       /* mrs x0, cntpctss_el0 */
		{ FEAT_ECV, 0xd53be0c0 },       /* mrs x0, cntvctss_el0 */
		{ FEAT_CSV2_2, 0xd53bd0e0 },    /* mrs x0, scxtnum_el0 */
		{ FEAT_CSV2_2, 0xd538d0e0 },    /* mrs x0, scxtnum_el1 */
		{ FEAT_LOR, 0xd538a4e0 },       /* mrs x0, lorid_el1 */
		{ FEAT_LOR, 0xd538a400 },       /* mrs x0, lorsa_el1 */
		{ FEAT_RNG, 0xd53b2400 },       /* mrs x0, rndr */
		{ FEAT_RNG, 0xd53b2420 },       /* mrs x0, rndrrs */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (int on = 0; on < 2; on++) {
			machine_of(t[i].f, on);
			if (undefined(t[i].w) == on)
				fail_msg("%08x with %s %s", t[i].w,
					 model_feature_name(t[i].f),
					 on ? "on" : "off");
			ct_close();
		}
}

/* The bits of a register that can be written. */
static uint64_t writable(uint16_t enc)
{
	const struct sysreg *r = sysreg_find(enc, ct.in->model);
	uint64_t v[2] = { 0 };

	for (int ones = 0; ones < 2; ones++) {
		assert_int_not_equal(sysreg_msr(ct.c, r, 0, ones ? ~0ull : 0),
				     SR_FAULT);
		assert_true(sysreg_mrs(ct.c, r, 0, &v[ones]));
	}
	return v[0] ^ v[1];
}

#define B(n) (1ull << (n))
#define SCTLR SYSREG(3, 0, 1, 0, 0)
#define TTBR0 SYSREG(3, 0, 2, 0, 0)
#define TTBR1 SYSREG(3, 0, 2, 0, 1)
#define TCR SYSREG(3, 0, 2, 0, 2)
#define CNTKCTL SYSREG(3, 0, 14, 1, 0)
#define OSDLR SYSREG(2, 0, 1, 3, 4)

static void control_bits(void **state)
{
	static const struct { enum feature f; uint16_t enc; uint64_t bits; }
	t[] = {
		{ FEAT_LSE2, SCTLR, B(6) },             /* nAA */
		{ FEAT_SPECRES, SCTLR, B(10) },         /* EnRCTX */
		{ FEAT_ExS, SCTLR, B(11) | B(22) },     /* EOS, EIS */
		{ FEAT_PAuth, SCTLR, B(13) | B(27) | B(30) | B(31) },
		{ FEAT_CSV2_2, SCTLR, B(20) },          /* TSCXT */
		{ FEAT_IESB, SCTLR, B(21) },
		{ FEAT_PAN, SCTLR, B(23) | B(57) },     /* SPAN, EPAN */
		{ FEAT_PAN3, SCTLR, B(57) },
		{ FEAT_BTI, SCTLR, B(35) | B(36) },     /* BT0, BT1 */
		{ FEAT_SSBS, SCTLR, B(44) },            /* DSSBS */
		{ FEAT_ASID16, TCR, B(36) },            /* AS */
		{ FEAT_HAF, TCR, B(39) | B(40) },       /* HA, HD */
		{ FEAT_HDBS, TCR, B(40) },
		{ FEAT_HPDS, TCR, 0x3ffull << 41 },     /* HPD, HWU */
		{ FEAT_PAuth, TCR, B(51) | B(52) },     /* TBID */
		{ FEAT_E0PD, TCR, B(55) | B(56) },
		{ FEAT_CNP, TTBR0, B(0) },
		{ FEAT_CNP, TTBR1, B(0) },
		{ FEAT_ASID16, TTBR0, 0xffull << 56 },
		{ FEAT_ASID16, TTBR1, 0xffull << 56 },
		{ FEAT_ECV, CNTKCTL, B(17) },           /* EVNTIS */
		{ FEAT_DoubleLock, OSDLR, B(0) },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t bits[2];

		for (int on = 0; on < 2; on++) {
			machine_of(t[i].f, on);
			bits[on] = writable(t[i].enc);
			ct_close();
		}
		if ((bits[0] & t[i].bits) || bits[1] != (bits[0] | t[i].bits))
			fail_msg("%s: %llx without, %llx with it",
				 model_feature_name(t[i].f),
				 (unsigned long long)bits[0],
				 (unsigned long long)bits[1]);
	}
}

/* EL0 reads of the ID space are a trap with FEAT_IDST, UNDEFINED without. */
static void id_trap(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		machine_of(FEAT_IDST, on);
		except_set_pstate(ct.c, CT_EL0);
		mmu_view(ct.c);
		assert_false(ct_insn(0xd5380400));      /* mrs x0, id_aa64pfr0 */
		assert_int_equal(ct_ec(), on ? 0x18 : 0);
		ct_close();
	}
}

/* What MRS gives is what the model says, all over the ID space: of every profile
 * and of every feature's two settings. */
static void id_space(void **state)
{
	static const char *const profile[] = { "generic", "vmapple", "qemu72" };
	char spec[60];

	(void)state;
	for (int f = 1; f < FEAT_COUNT; f++)
		for (unsigned p = 0; p < 6; p++) {
			snprintf(spec, sizeof(spec), "%s,%s=%s", profile[p % 3],
				 model_feature_name((enum feature)f),
				 p < 3 ? "on" : "off");
			ct_open(1, spec);
			for (unsigned k = 0; k < 56; k++) {
				unsigned crm = 1 + k / 8, op2 = k % 8;

				assert_true(ct_insn(CT_MRS(3, SYSREG(3, 0, 0,
							   crm, op2))));
				assert_int_equal(ct.c->x[3],
						 ct.in->model->id[crm][op2]);
			}
			ct_close();
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(registers),
		cmocka_unit_test(control_bits),
		cmocka_unit_test(id_trap),
		cmocka_unit_test(id_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
