/* model.c: CPU profiles, feature switches, and the ID registers made of them.
 *
 * Arm ARM D19 (ID registers); the values of the profiles are those of
 * spec/cpu.md 1.3. Each field is a row of id_fields[], so a switch cannot
 * leave a register behind. The GICv3 CPU interface is there whatever
 * ID_AA64PFR0_EL1.GIC says: the vmapple profile hides it, as its hosts do. */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>

#include "config.h"
#include "cpu.h"
#include "model.h"

static const char *const names[FEAT_COUNT] = {
#define F(n) [FEAT_##n] = #n,
	FEATURES(F)
#undef F
};

struct profile {
	const char *name;
	uint32_t midr, ctr, cntfrq;
	uint64_t ccsidr[3];
	uint8_t parange;
	uint64_t mmfr1;                 /* fields that no feature is for */
	const enum feature *feats;      /* up to FEAT_BASE */
};

/* What every profile has: v8.5 as Linux and XNU know it. */
#define COMMON \
	FEAT_FP16, FEAT_CRC32, FEAT_PMULL, FEAT_SHA1, FEAT_SHA512, FEAT_SHA3, \
	FEAT_LSE, FEAT_RDM, FEAT_LRCPC2, FEAT_DotProd, FEAT_FHM, FEAT_FCMA, \
	FEAT_JSCVT, FEAT_FRINTTS, FEAT_FlagM2, FEAT_BF16, FEAT_I8MM, \
	FEAT_PAuth, FEAT_BTI, FEAT_DIT, FEAT_SSBS2, FEAT_SB, FEAT_SPECRES, \
	FEAT_CSV2, FEAT_CSV3, FEAT_PAN2, FEAT_UAO, FEAT_TLBIRANGE, FEAT_TTL, \
	FEAT_CNP, FEAT_HPDS, FEAT_E0PD, FEAT_TGran16K, FEAT_RAS, FEAT_IESB, \
	FEAT_IDST, FEAT_DPB2

static const enum feature generic_feats[] = {
	COMMON, FEAT_LSE2, FEAT_FPACCOMBINE, FEAT_PACIMP, FEAT_PAN3, FEAT_HDBS,
	FEAT_ASID16, FEAT_TGran64K, FEAT_ECV, FEAT_TTST, FEAT_ETS, FEAT_BBM2,
	FEAT_GICv3, FEAT_Debugv8p2, FEAT_PMUv3, FEAT_BASE,
};
static const enum feature vmapple_feats[] = {
	COMMON, FEAT_LSE2, FEAT_FPAC, FEAT_PACIMP, FEAT_ECV, FEAT_ExS,
	FEAT_DoubleLock, FEAT_BASE,
};
static const enum feature qemu72_feats[] = {
	COMMON, FEAT_PACQARMA5, FEAT_SM3, FEAT_SM4, FEAT_CSV2_2, FEAT_PAN3,
	FEAT_HDBS, FEAT_ASID16, FEAT_TGran64K, FEAT_LOR, FEAT_RNG, FEAT_MTE,
	FEAT_TTST, FEAT_BBM2, FEAT_GICv3, FEAT_Debugv8p2, FEAT_BASE,
};

static const struct profile profiles[] = {
	/* DIC is 0: decoded code is dropped by IC alone (cache.h) */
	{ "generic", 0x000f0b10, 0x9444c004, 24000000,
	  { 0x701fe03a, 0x203fe02a, 0x73ffe07b }, 5, 0, generic_feats },
	/* SpecSEI 1, XNX 1 */
	{ "vmapple", 0x611f0330, 0x8444c004, 24000000,
	  { 0x701fe03a, 0x203fe02a, 0x73ffe05b }, 2, 0x11000000,
	  vmapple_feats },
	{ "qemu72", 0x000f0510, 0x8444c004, 62500000,
	  { 0x701fe03a, 0x203fe02a, 0x73ffe07b }, 5, 0, qemu72_feats },
};

/* Whoever has `feat` has `needs`. */
static const struct { enum feature feat, needs; } rules[] = {
	{ FEAT_PMULL, FEAT_AES },       { FEAT_SHA512, FEAT_SHA256 },
	{ FEAT_SHA256, FEAT_SHA1 },     { FEAT_FHM, FEAT_FP16 },
	{ FEAT_LRCPC2, FEAT_LRCPC },    { FEAT_FlagM2, FEAT_FlagM },
	{ FEAT_EBF16, FEAT_BF16 },      { FEAT_EPAC, FEAT_PAuth },
	{ FEAT_PAuth2, FEAT_PAuth },    { FEAT_FPAC, FEAT_PAuth2 },
	{ FEAT_FPACCOMBINE, FEAT_FPAC }, { FEAT_PACQARMA5, FEAT_PAuth },
	{ FEAT_PACIMP, FEAT_PAuth },    { FEAT_LenientPAC, FEAT_PAuth },
	{ FEAT_SSBS2, FEAT_SSBS },
	{ FEAT_CSV2_2, FEAT_CSV2 },     { FEAT_PAN2, FEAT_PAN },
	{ FEAT_PAN3, FEAT_PAN2 },       { FEAT_TLBIRANGE, FEAT_TLBIOS },
	{ FEAT_HDBS, FEAT_HAF },        { FEAT_DPB2, FEAT_DPB },
	{ FEAT_IESB, FEAT_RAS },        { FEAT_LDGM, FEAT_MTE },
};
#define NRULES (sizeof(rules) / sizeof(rules[0]))

/* Fields of the space 3,0,0,CRm,op2. Later rows win. */
static const struct {
	uint8_t crm, op2, lsb, val;
	enum feature feat;
} id_fields[] = {
#define PFR0(lsb, val, f) { 4, 0, lsb, val, FEAT_##f },
#define PFR1(lsb, val, f) { 4, 1, lsb, val, FEAT_##f },
#define DFR0(lsb, val, f) { 5, 0, lsb, val, FEAT_##f },
#define ISAR0(lsb, val, f) { 6, 0, lsb, val, FEAT_##f },
#define ISAR1(lsb, val, f) { 6, 1, lsb, val, FEAT_##f },
#define ISAR2(lsb, val, f) { 6, 2, lsb, val, FEAT_##f },
#define MMFR0(lsb, val, f) { 7, 0, lsb, val, FEAT_##f },
#define MMFR1(lsb, val, f) { 7, 1, lsb, val, FEAT_##f },
#define MMFR2(lsb, val, f) { 7, 2, lsb, val, FEAT_##f },
	PFR0(0, 1, BASE)                        /* EL0, EL1: AArch64 only */
	PFR0(4, 1, BASE)
	PFR0(16, 1, FP16) PFR0(20, 1, FP16)
	PFR0(24, 1, GICv3)
	PFR0(28, 1, RAS)
	PFR0(48, 1, DIT)
	PFR0(56, 1, CSV2) PFR0(56, 2, CSV2_2)
	PFR0(60, 1, CSV3)

	PFR1(0, 1, BTI)
	PFR1(4, 1, SSBS) PFR1(4, 2, SSBS2)
	PFR1(8, 1, MTE) PFR1(8, 2, LDGM)

	DFR0(0, 6, BASE) DFR0(0, 8, Debugv8p2)
	DFR0(8, 6, PMUv3)
	DFR0(12, 5, BASE)                       /* BRPs: 6 */
	DFR0(20, 3, BASE)                       /* WRPs: 4 */
	DFR0(28, 1, BASE)                       /* CTX_CMPs: 2 */
	DFR0(36, 15, BASE) DFR0(36, 0, DoubleLock)

	ISAR0(4, 1, AES) ISAR0(4, 2, PMULL)
	ISAR0(8, 1, SHA1)
	ISAR0(12, 1, SHA256) ISAR0(12, 2, SHA512)
	ISAR0(16, 1, CRC32)
	ISAR0(20, 2, LSE)
	ISAR0(28, 1, RDM)
	ISAR0(32, 1, SHA3)
	ISAR0(36, 1, SM3)
	ISAR0(40, 1, SM4)
	ISAR0(44, 1, DotProd)
	ISAR0(48, 1, FHM)
	ISAR0(52, 1, FlagM) ISAR0(52, 2, FlagM2)
	ISAR0(56, 1, TLBIOS) ISAR0(56, 2, TLBIRANGE)
	ISAR0(60, 1, RNG)

	ISAR1(0, 1, DPB) ISAR1(0, 2, DPB2)
	ISAR1(12, 1, JSCVT)
	ISAR1(16, 1, FCMA)
	ISAR1(20, 1, LRCPC) ISAR1(20, 2, LRCPC2)
	ISAR1(32, 1, FRINTTS)
	ISAR1(36, 1, SB)
	ISAR1(40, 1, SPECRES)
	ISAR1(44, 1, BF16) ISAR1(44, 2, EBF16)
	ISAR1(52, 1, I8MM)

	ISAR2(0, 2, WFxT)
	ISAR2(4, 1, RPRES)
	ISAR2(20, 1, HBC)
	ISAR2(52, 1, CSSC)

	MMFR0(4, 2, ASID16)
	MMFR0(20, 1, TGran16K)
	MMFR0(24, 15, BASE) MMFR0(24, 0, TGran64K)
	MMFR0(44, 1, ExS)
	MMFR0(60, 1, ECV)

	MMFR1(0, 1, HAF) MMFR1(0, 2, HDBS)
	MMFR1(12, 2, HPDS)
	MMFR1(16, 1, LOR)
	MMFR1(20, 1, PAN) MMFR1(20, 2, PAN2) MMFR1(20, 3, PAN3)
	MMFR1(36, 1, ETS)
	MMFR1(44, 1, AFP)

	MMFR2(0, 1, CNP)
	MMFR2(4, 1, UAO)
	MMFR2(12, 1, IESB)
	MMFR2(28, 1, TTST)
	MMFR2(32, 1, LSE2)
	MMFR2(36, 1, IDST)
	MMFR2(48, 1, TTL)
	MMFR2(52, 2, BBM2)
	MMFR2(60, 1, E0PD)
};

const char *model_feature_name(enum feature f)
{
	return f < FEAT_COUNT ? names[f] : NULL;
}

/* Switches one feature and keeps the rules true. */
static void set_feature(struct cpu_model *m, enum feature f, bool on)
{
	bool again = true;

	m->has[f] = on;
	/* PAC has one algorithm (spec/cpu.md 1.2) */
	if (on && f == FEAT_PACQARMA5)
		m->has[FEAT_PACIMP] = false;
	if (on && f == FEAT_PACIMP)
		m->has[FEAT_PACQARMA5] = false;
	while (again) {
		again = false;
		for (unsigned i = 0; i < NRULES; i++) {
			bool *has = &m->has[rules[i].feat];
			bool *needs = &m->has[rules[i].needs];

			if (!*has || *needs)
				continue;
			if (on)
				*needs = true;
			else
				*has = false;
			again = true;
		}
	}
}

static void put_field(uint64_t *reg, unsigned lsb, uint64_t val)
{
	*reg = (*reg & ~(15ull << lsb)) | val << lsb;
}

/* Pointer authentication: level and algorithm share a field. */
static void put_pauth(struct cpu_model *m)
{
	bool qarma = m->has[FEAT_PACQARMA5];
	unsigned level = m->has[FEAT_FPACCOMBINE] ? 5 :
			 m->has[FEAT_FPAC] ? 4 :
			 m->has[FEAT_PAuth2] ? 3 :
			 m->has[FEAT_EPAC] ? 2 : 1;

	if (!m->has[FEAT_PAuth])
		return;
	put_field(&m->id[6][1], qarma ? 4 : 8, level);  /* APA, API */
	put_field(&m->id[6][1], qarma ? 24 : 28, 1);    /* GPA, GPI */
}

static void finish(struct cpu_model *m, const struct profile *p)
{
	static const uint8_t pa_bits[] = { 32, 36, 40, 42, 44, 48 };

	if (m->has[FEAT_PAuth] && !m->has[FEAT_PACQARMA5])
		m->has[FEAT_PACIMP] = true;
	memset(m->id, 0, sizeof(m->id));
	m->id[0][0] = m->midr;
	m->id[7][0] = p->parange;
	m->id[7][1] = p->mmfr1;
	for (unsigned i = 0; i < sizeof(id_fields) / sizeof(id_fields[0]); i++)
		if (m->has[id_fields[i].feat])
			put_field(&m->id[id_fields[i].crm][id_fields[i].op2],
				  id_fields[i].lsb, id_fields[i].val);
	put_pauth(m);
	m->pa_bits = pa_bits[p->parange];

	m->spsr_mask = PS_N | PS_Z | PS_C | PS_V | PS_SS | PS_IL | PS_DAIF |
		       0x1f;
	if (m->has[FEAT_MTE])
		m->spsr_mask |= PS_TCO;
	if (m->has[FEAT_DIT])
		m->spsr_mask |= PS_DIT;
	if (m->has[FEAT_UAO])
		m->spsr_mask |= PS_UAO;
	if (m->has[FEAT_PAN])
		m->spsr_mask |= PS_PAN;
	if (m->has[FEAT_SSBS])
		m->spsr_mask |= PS_SSBS;
	if (m->has[FEAT_BTI])
		m->spsr_mask |= PS_BTYPE;
}

#if defined(__x86_64__)
bool model_host_lse2(void)
{
	return true;
}
#elif defined(__aarch64__)
bool model_host_lse2(void)
{
	return getauxval(AT_HWCAP) & HWCAP_USCAT;
}
#else
bool model_host_lse2(void)
{
	return false;
}
#endif

/* ---- the text ---------------------------------------------------------- */

#define MAX_WORD 31

static int unknown_feature(struct err *e, const char *word)
{
	const char *near = config_nearest(word, names + FEAT_BASE + 1,
					  FEAT_COUNT - FEAT_BASE - 1);

	if (!near)
		return err_set(e, 0, "unknown CPU feature \"%s\"; expected a "
			       "name of the architecture's, as LSE or BTI",
			       word);
	return err_set(e, 0, "unknown CPU feature \"%s\" (did you mean %s?)",
		       word, near);
}

static int find_profile(const char *word, struct err *e)
{
	int n = sizeof(profiles) / sizeof(profiles[0]);

	for (int i = 0; i < n; i++)
		if (!strcasecmp(word, profiles[i].name))
			return i;
	return err_set(e, 0, "unknown CPU profile \"%s\"; expected generic, "
		       "vmapple or qemu72", word);
}

static int parse_switch(struct cpu_model *m, char *word, struct err *e)
{
	char *eq = strchr(word, '=');
	const char *name = word;
	bool on;

	if (!eq)
		return err_set(e, 0, "CPU feature \"%s\": say %s=on or %s=off",
			       word, word, word);
	*eq = '\0';
	if (!strcasecmp(eq + 1, "on"))
		on = true;
	else if (!strcasecmp(eq + 1, "off"))
		on = false;
	else
		return err_set(e, 0, "CPU feature %s: \"%s\" is neither on "
			       "nor off", word, eq + 1);
	if (!strncasecmp(name, "FEAT_", 5))
		name += 5;
	for (int f = FEAT_BASE + 1; f < FEAT_COUNT; f++) {
		if (!strcasecmp(name, names[f])) {
			set_feature(m, f, on);
			return 0;
		}
	}
	return unknown_feature(e, name);
}

/* The next word of *s, which ends at a comma or the end; -1: too long. */
static int next_word(const char **s, char word[MAX_WORD + 1])
{
	size_t n = strcspn(*s, ",");

	if (n > MAX_WORD)
		return -1;
	memcpy(word, *s, n);
	word[n] = '\0';
	*s += n;
	if (**s == ',')
		++*s;
	return 0;
}

int model_parse(struct cpu_model *m, const char *spec, struct err *e)
{
	char word[MAX_WORD + 1];
	const char *s = spec;
	const struct profile *p;
	int i;

	if (next_word(&s, word) < 0)
		return err_set(e, 0, "unknown CPU profile in \"%.60s\"", spec);
	i = find_profile(word, e);
	if (i < 0)
		return -1;
	p = &profiles[i];
	*m = (struct cpu_model){
		.name = p->name, .midr = p->midr, .ctr = p->ctr, .dczid = 4,
		.clidr = 0x81000023, .cntfrq = p->cntfrq,
		.ccsidr = { p->ccsidr[0], p->ccsidr[1], p->ccsidr[2] },
	};
	m->has[FEAT_BASE] = true;
	for (const enum feature *f = p->feats; *f != FEAT_BASE; f++)
		set_feature(m, *f, true);
	while (*s) {
		if (next_word(&s, word) < 0)
			return err_set(e, 0, "unknown CPU feature in \"%.60s\"",
				       spec);
		if (parse_switch(m, word, e) < 0)
			return -1;
	}
	finish(m, p);
	return 0;
}
