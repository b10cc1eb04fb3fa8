/* System registers: a table of its own, made from spec/cpu.md 2.2, says who may
 * read and write which, what is kept of ones and zeros, and what reset leaves;
 * all other encodings must be UNDEF. Then PSTATE, traps and SYS. */
#include "cputest.h"

#define E SYSREG
#define NO "uu"         /* EL0: UNDEF both ways */
#define ID "iu"         /* EL0 reads trap (FEAT_IDST) */

/* EL0, read then write: u UNDEF, i EC 0x18 always, g EC 0x18 or fine as the
 * gates are shut or open, o fine. EL1: what it may. */
struct want {
	const char *name;
	uint16_t enc;
	const char *el0, *el1;
	uint64_t ones, zeros;           /* read back after writing these */
	uint64_t reset;
	bool odd;                       /* does not hold what is written */
};
#define ALL (~0ull)
#define W32 0xffffffffull
#define RW(n, e, ones, reset) { n, e, NO, "rw", ones, 0, reset, false },

static const struct want wants[] = {
	{ "MIDR_EL1", E(3, 0, 0, 0, 0), ID, "r", 0, 0, 0x000f0b10, false },
	{ "MPIDR_EL1", E(3, 0, 0, 0, 5), ID, "r", 0, 0, 0x80000000, false },
	{ "REVIDR_EL1", E(3, 0, 0, 0, 6), ID, "r", 0, 0, 0, false },
	{ "ID_AA64PFR0_EL1", E(3, 0, 0, 4, 0), ID, "r", 0, 0,
	  0x1101000011110011, false },
	{ "ID_AA64PFR1_EL1", E(3, 0, 0, 4, 1), ID, "r", 0, 0, 0x21, false },
	{ "ID_AA64ZFR0_EL1", E(3, 0, 0, 4, 4), ID, "r", 0, 0, 0, false },
	{ "ID_AA64DFR0_EL1", E(3, 0, 0, 5, 0), ID, "r", 0, 0,
	  0x000000f010305608, false },
	{ "ID_AA64ISAR0_EL1", E(3, 0, 0, 6, 0), ID, "r", 0, 0,
	  0x0221100110212120, false },
	{ "CCSIDR_EL1", E(3, 1, 0, 0, 0), ID, "r", 0, 0, 0x701fe03a, false },
	{ "CLIDR_EL1", E(3, 1, 0, 0, 1), ID, "r", 0, 0, 0x81000023, false },
	{ "AIDR_EL1", E(3, 1, 0, 0, 7), ID, "r", 0, 0, 0, false },
	RW("CSSELR_EL1", E(3, 2, 0, 0, 0), 15, 0)
	{ "CTR_EL0", E(3, 3, 0, 0, 1), "gu", "r", 0, 0, 0x9444c004, false },
	{ "DCZID_EL0", E(3, 3, 0, 0, 7), "ou", "r", 0, 0, 4, false },
	/* v8.5 without CSV2_2 and ExS: EOS, TSCXT, EIS are RES1 too */
	{ "SCTLR_EL1", E(3, 0, 1, 0, 0), NO, "rw", 0x02001018fcfdffdful,
	  0x30500980, 0x30d00980, false },
	{ "ACTLR_EL1", E(3, 0, 1, 0, 1), NO, "rw", 0, 0, 0, false },
	RW("CPACR_EL1", E(3, 0, 1, 0, 2), 3 << 20, 0)
	RW("TTBR0_EL1", E(3, 0, 2, 0, 0), ALL, 0)
	RW("TTBR1_EL1", E(3, 0, 2, 0, 1), ALL, 0)
	/* IPS, AS, TBI, HA, HD, HPD, HWU, TBID, E0PD */
	RW("TCR_EL1", E(3, 0, 2, 0, 2), 0x019ffff7ffffffbful, 0)
	RW("MAIR_EL1", E(3, 0, 10, 2, 0), ALL, 0)
	RW("AMAIR_EL1", E(3, 0, 10, 3, 0), ALL, 0)
	RW("CONTEXTIDR_EL1", E(3, 0, 13, 0, 1), W32, 0)
	RW("PAR_EL1", E(3, 0, 7, 4, 0), ALL, 0)
	RW("ESR_EL1", E(3, 0, 5, 2, 0), W32, 0)
	RW("FAR_EL1", E(3, 0, 6, 0, 0), ALL, 0)
	RW("AFSR0_EL1", E(3, 0, 5, 1, 0), ALL, 0)
	RW("AFSR1_EL1", E(3, 0, 5, 1, 1), ALL, 0)
	RW("VBAR_EL1", E(3, 0, 12, 0, 0), ~0x7ffull, 0)
	RW("ELR_EL1", E(3, 0, 4, 0, 1), ALL, 0)
	/* NZCV DIT UAO PAN SS IL SSBS BTYPE DAIF M */
	RW("SPSR_EL1", E(3, 0, 4, 0, 0), 0xf1f01fdf, 0)
	RW("SP_EL0", E(3, 0, 4, 1, 0), ALL, 0)
	{ "SPSel", E(3, 0, 4, 2, 0), NO, "rw", 1, 0, 1, true },
	{ "CurrentEL", E(3, 0, 4, 2, 2), NO, "r", 0, 0, 4, false },
	{ "DAIF", E(3, 3, 4, 2, 1), "gg", "rw", 0x3c0, 0, 0x3c0, false },
	{ "NZCV", E(3, 3, 4, 2, 0), "oo", "rw", 0xf0000000, 0, 0, false },
	{ "FPCR", E(3, 3, 4, 4, 0), "oo", "rw", 0x07c80000, 0, 0, false },
	{ "FPSR", E(3, 3, 4, 4, 1), "oo", "rw", 0x0800009f, 0, 0, false },
	{ "PAN", E(3, 0, 4, 2, 3), NO, "rw", 1 << 22, 0, 0, false },
	{ "UAO", E(3, 0, 4, 2, 4), NO, "rw", 1 << 23, 0, 0, false },
	{ "DIT", E(3, 3, 4, 2, 5), "oo", "rw", 1 << 24, 0, 0, false },
	{ "SSBS", E(3, 3, 4, 2, 6), "oo", "rw", 1 << 12, 0, 0, false },
	{ "TPIDR_EL0", E(3, 3, 13, 0, 2), "oo", "rw", ALL, 0, 0, false },
	{ "TPIDRRO_EL0", E(3, 3, 13, 0, 3), "ou", "rw", ALL, 0, 0, false },
	RW("TPIDR_EL1", E(3, 0, 13, 0, 4), ALL, 0)
	RW("RMR_EL1", E(3, 0, 12, 0, 2), 0, 0)
	{ "RVBAR_EL1", E(3, 0, 12, 0, 1), NO, "r", 0, 0, FAKE_RAM, false },
	{ "ISR_EL1", E(3, 0, 12, 1, 0), NO, "r", 0, 0, 0, false },
	RW("DISR_EL1", E(3, 0, 12, 1, 1), 0x81ffffff, 0)
	{ "ERRIDR_EL1", E(3, 0, 5, 3, 0), NO, "r", 0, 0, 0, false },
	RW("ERRSELR_EL1", E(3, 0, 5, 3, 1), 0, 0)
	RW("APIAKEYLO_EL1", E(3, 0, 2, 1, 0), ALL, 0)
	RW("APIAKEYHI_EL1", E(3, 0, 2, 1, 1), ALL, 0)
	RW("APIBKEYLO_EL1", E(3, 0, 2, 1, 2), ALL, 0)
	RW("APIBKEYHI_EL1", E(3, 0, 2, 1, 3), ALL, 0)
	RW("APDAKEYLO_EL1", E(3, 0, 2, 2, 0), ALL, 0)
	RW("APDAKEYHI_EL1", E(3, 0, 2, 2, 1), ALL, 0)
	RW("APDBKEYLO_EL1", E(3, 0, 2, 2, 2), ALL, 0)
	RW("APDBKEYHI_EL1", E(3, 0, 2, 2, 3), ALL, 0)
	RW("APGAKEYLO_EL1", E(3, 0, 2, 3, 0), ALL, 0)
	RW("APGAKEYHI_EL1", E(3, 0, 2, 3, 1), ALL, 0)
	{ "CNTFRQ_EL0", E(3, 3, 14, 0, 0), "gu", "rw", W32, 0, 24000000,
	  false },
	RW("CNTKCTL_EL1", E(3, 0, 14, 1, 0), 0x203ff, 0)
	{ "CNTVCT_EL0", E(3, 3, 14, 0, 2), "gu", "r", 0, 0, 0, false },
	{ "CNTPCT_EL0", E(3, 3, 14, 0, 1), "gu", "r", 0, 0, 0, false },
	{ "CNTVCTSS_EL0", E(3, 3, 14, 0, 6), "gu", "r", 0, 0, 0, false },
	{ "CNTPCTSS_EL0", E(3, 3, 14, 0, 5), "gu", "r", 0, 0, 0, false },
	{ "CNTV_CTL_EL0", E(3, 3, 14, 3, 1), "gg", "rw", 7, 0, 0, false },
	{ "CNTV_CVAL_EL0", E(3, 3, 14, 3, 2), "gg", "rw", ALL, 0, 0, false },
	{ "CNTV_TVAL_EL0", E(3, 3, 14, 3, 0), "gg", "rw", W32, 0, 0, false },
	{ "CNTP_CTL_EL0", E(3, 3, 14, 2, 1), "gg", "rw", 7, 0, 0, false },
	{ "CNTP_CVAL_EL0", E(3, 3, 14, 2, 2), "gg", "rw", ALL, 0, 0, false },
	{ "CNTP_TVAL_EL0", E(3, 3, 14, 2, 0), "gg", "rw", W32, 0, 0, false },
	RW("ICC_PMR_EL1", E(3, 0, 4, 6, 0), 0xf8, 0)
	{ "ICC_IAR0_EL1", E(3, 0, 12, 8, 0), NO, "r", 0, 0, 1023, false },
	{ "ICC_EOIR0_EL1", E(3, 0, 12, 8, 1), NO, "w", 0, 0, 0, true },
	{ "ICC_HPPIR0_EL1", E(3, 0, 12, 8, 2), NO, "r", 0, 0, 1023, false },
	{ "ICC_BPR0_EL1", E(3, 0, 12, 8, 3), NO, "rw", 7, 2, 2, false },
	RW("ICC_AP0R0_EL1", E(3, 0, 12, 8, 4), W32, 0)
	RW("ICC_AP1R0_EL1", E(3, 0, 12, 9, 0), W32, 0)
	{ "ICC_DIR_EL1", E(3, 0, 12, 11, 1), NO, "w", 0, 0, 0, true },
	{ "ICC_RPR_EL1", E(3, 0, 12, 11, 3), NO, "r", 0, 0, 0xff, false },
	{ "ICC_SGI1R_EL1", E(3, 0, 12, 11, 5), NO, "w", 0, 0, 0, true },
	{ "ICC_ASGI1R_EL1", E(3, 0, 12, 11, 6), NO, "w", 0, 0, 0, true },
	{ "ICC_SGI0R_EL1", E(3, 0, 12, 11, 7), NO, "w", 0, 0, 0, true },
	{ "ICC_IAR1_EL1", E(3, 0, 12, 12, 0), NO, "r", 0, 0, 1023, false },
	{ "ICC_EOIR1_EL1", E(3, 0, 12, 12, 1), NO, "w", 0, 0, 0, true },
	{ "ICC_HPPIR1_EL1", E(3, 0, 12, 12, 2), NO, "r", 0, 0, 1023, false },
	{ "ICC_BPR1_EL1", E(3, 0, 12, 12, 3), NO, "rw", 7, 3, 3, false },
	{ "ICC_CTLR_EL1", E(3, 0, 12, 12, 4), NO, "rw", 0, 0, 0, true },
	{ "ICC_SRE_EL1", E(3, 0, 12, 12, 5), NO, "rw", 7, 7, 7, false },
	RW("ICC_IGRPEN0_EL1", E(3, 0, 12, 12, 6), 1, 0)
	RW("ICC_IGRPEN1_EL1", E(3, 0, 12, 12, 7), 1, 0)
	RW("MDSCR_EL1", E(2, 0, 0, 2, 2), 0xec20f041, 0)
	RW("OSDTRRX_EL1", E(2, 0, 0, 0, 2), W32, 0)
	RW("OSDTRTX_EL1", E(2, 0, 0, 3, 2), W32, 0)
	RW("OSECCR_EL1", E(2, 0, 0, 6, 2), W32, 0)
	{ "OSLAR_EL1", E(2, 0, 1, 0, 4), NO, "w", 0, 0, 0, true },
	{ "OSLSR_EL1", E(2, 0, 1, 1, 4), NO, "r", 0, 0, 0xa, false },
	RW("OSDLR_EL1", E(2, 0, 1, 3, 4), 0, 0)
	RW("DBGPRCR_EL1", E(2, 0, 1, 4, 4), 1, 0)
	{ "DBGCLAIMSET_EL1", E(2, 0, 7, 8, 6), NO, "rw", 0xff, 0xff, 0xff,
	  false },
	{ "DBGCLAIMCLR_EL1", E(2, 0, 7, 9, 6), NO, "rw", 0, 0, 0, true },
	{ "DBGAUTHSTATUS_EL1", E(2, 0, 7, 14, 6), NO, "r", 0, 0, 0, false },
	{ "MDCCSR_EL0", E(2, 3, 0, 1, 0), "gu", "r", 0, 0, 0, false },
	RW("MDCCINT_EL1", E(2, 0, 0, 2, 0), 3 << 29, 0)
	{ "MDRAR_EL1", E(2, 0, 1, 0, 0), NO, "r", 0, 0, 0, false },
	{ "DBGDTR_EL0", E(2, 3, 0, 4, 0), "gg", "rw", 0, 0, 0, false },
	{ "DBGDTRTX_EL0", E(2, 3, 0, 5, 0), "gg", "rw", 0, 0, 0, false },
	{ "PMCR_EL0", E(3, 3, 9, 12, 0), "gg", "rw", 0x30e9, 0x3000, 0x3000,
	  false },
	{ "PMCNTENSET_EL0", E(3, 3, 9, 12, 1), "gg", "rw", 0, 0, 0, true },
	{ "PMCNTENCLR_EL0", E(3, 3, 9, 12, 2), "gg", "rw", 0, 0, 0, true },
	{ "PMOVSCLR_EL0", E(3, 3, 9, 12, 3), "gg", "rw", 0, 0, 0, true },
	{ "PMSWINC_EL0", E(3, 3, 9, 12, 4), "ug", "w", 0, 0, 0, true },
	{ "PMSELR_EL0", E(3, 3, 9, 12, 5), "gg", "rw", 31, 0, 0, false },
	{ "PMCEID0_EL0", E(3, 3, 9, 12, 6), "gu", "r", 0, 0, 0x48020101,
	  false },
	{ "PMCEID1_EL0", E(3, 3, 9, 12, 7), "gu", "r", 0, 0, 0x18, false },
	{ "PMCCNTR_EL0", E(3, 3, 9, 13, 0), "gg", "rw", ALL, 0, 0, false },
	{ "PMXEVTYPER_EL0", E(3, 3, 9, 13, 1), "gg", "rw", 0xc000ffff, 0, 0,
	  false },
	{ "PMXEVCNTR_EL0", E(3, 3, 9, 13, 2), "gg", "rw", ALL, 0, 0, false },
	{ "PMUSERENR_EL0", E(3, 3, 9, 14, 0), "ou", "rw", 15, 0, 0, false },
	{ "PMINTENSET_EL1", E(3, 0, 9, 14, 1), NO, "rw", 0, 0, 0, true },
	{ "PMINTENCLR_EL1", E(3, 0, 9, 14, 2), NO, "rw", 0, 0, 0, true },
	{ "PMOVSSET_EL0", E(3, 3, 9, 14, 3), "gg", "rw", 0, 0, 0, true },
	{ "PMMIR_EL1", E(3, 0, 9, 14, 6), NO, "r", 0, 0, 0, false },
	{ "PMCCFILTR_EL0", E(3, 3, 14, 15, 7), "gg", "rw", 3ull << 30, 0, 0,
	  false },
#define PMEV(k) \
	{ "PMEVCNTR" #k, E(3, 3, 14, 8, k), "gg", "rw", ALL, 0, 0, false }, \
	{ "PMEVTYPER" #k, E(3, 3, 14, 12, k), "gg", "rw", 0xc000ffff, 0, 0, \
	  false },
	PMEV(0) PMEV(1) PMEV(2) PMEV(3) PMEV(4) PMEV(5)
#define BRP(k, ones) \
	RW("DBGBVR" #k, E(2, 0, 0, k, 4), ones, 0) \
	RW("DBGBCR" #k, E(2, 0, 0, k, 5), 0xffe1e7, 0)
#define WRP(k) \
	RW("DBGWVR" #k, E(2, 0, 0, k, 6), ~3ull, 0) \
	RW("DBGWCR" #k, E(2, 0, 0, k, 7), 0x1f1fffff, 0)
	BRP(0, ~3ull) BRP(1, ~3ull) BRP(2, ~3ull) BRP(3, ~3ull)
	BRP(4, ALL) BRP(5, ALL)
	WRP(0) WRP(1) WRP(2) WRP(3)
};
enum { NWANTS = sizeof(wants) / sizeof(wants[0]) };

static int setup(void **state)
{
	ct_open(1, "generic");
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

static void at_el0(bool gates)
{
	struct cpu *c = ct.c;

	ct_reset();
	c->sr.sctlr |= gates ? 1u << 15 | 1u << 9 : 0;  /* UCT, UMA */
	c->sr.cntkctl = gates ? 0x303 : 0;
	c->sr.mdscr = gates ? 0 : 1u << 12;             /* TDCC */
	c->sr.cpacr = 3u << 20;
	c->pmu.userenr = gates ? 15 : 0;
	mmu_view(c);
	except_set_pstate(c, CT_EL0);
}

static void check_el0(const struct want *w, bool read)
{
	char kind = w->el0[!read];

	for (int gates = 0; gates < 2; gates++) {
		at_el0(gates);
		bool ok = ct_insn(read ? CT_MRS(7, w->enc) :
					 CT_MSR(w->enc, 7));
		bool traps = kind == 'i' || (kind == 'g' && !gates);
		uint32_t enc = w->enc, iss;

		if (ok != (kind == 'o' || (kind == 'g' && gates)))
			fail_msg("%s: EL0 %s, gates %d", w->name,
				 read ? "read" : "write", gates);
		if (ok)
			continue;
		iss = (enc >> 14 & 3) << 20 | (enc & 7) << 17 |
		      (enc >> 11 & 7) << 14 | (enc >> 7 & 15) << 10 | 7 << 5 |
		      (enc >> 3 & 15) << 1 | read;
		if (ct.c->sr.esr != (traps ? ESR(0x18, iss) : ESR(0, 0)))
			fail_msg("%s: EL0 %s gives ESR %x", w->name,
				 read ? "read" : "write",
				 (unsigned)ct.c->sr.esr);
	}
}

static void check_el1(const struct want *w, bool read)
{
	bool may = strchr(w->el1, read ? 'r' : 'w');

	ct_reset();
	if (w->enc == E(3, 3, 4, 4, 0) || w->enc == E(3, 3, 4, 4, 1)) {
		ct.c->sr.cpacr = 3u << 20;      /* FPCR, FPSR */
		mmu_view(ct.c);
	}
	/* what does no harm: the value there, or zero */
	if (!read && strchr(w->el1, 'r'))
		sysreg_mrs(ct.c, sysreg_find(w->enc, ct.in->model), 7,
			   &ct.c->x[7]);
	if (ct_insn(read ? CT_MRS(7, w->enc) : CT_MSR(w->enc, 7)) != may)
		fail_msg("%s: EL1 %s", w->name, read ? "read" : "write");
	if (!may)
		assert_int_equal(ct.c->sr.esr, ESR(0, 0));
	if (read && may && ct.c->x[7] != w->reset && !w->odd &&
	    w->enc != E(3, 0, 12, 0, 0))                /* VBAR: ours */
		fail_msg("%s: reads %lx after reset", w->name,
			 (unsigned long)ct.c->x[7]);
}

static void check_bits(const struct want *w)
{
	const struct sysreg *r = sysreg_find(w->enc, ct.in->model);
	uint64_t v = 0;

	if (w->odd || strcmp(w->el1, "rw"))
		return;
	ct_reset();
	assert_int_not_equal(sysreg_msr(ct.c, r, 0, ~0ull), SR_FAULT);
	assert_true(sysreg_mrs(ct.c, r, 0, &v));
	if (v != w->ones)
		fail_msg("%s: ones leave %lx", w->name, (unsigned long)v);
	assert_int_not_equal(sysreg_msr(ct.c, r, 0, 0), SR_FAULT);
	assert_true(sysreg_mrs(ct.c, r, 0, &v));
	if (v != w->zeros)
		fail_msg("%s: zeros leave %lx", w->name, (unsigned long)v);
}

static void test_table(void **state)
{
	for (int i = 0; i < NWANTS; i++) {
		const struct want *w = &wants[i];

		assert_non_null(sysreg_find(w->enc, ct.in->model));
		for (int read = 0; read < 2; read++) {
			check_el0(w, read);
			check_el1(w, read);
		}
		check_bits(w);
	}
}

/* op0 2 and 3: what the table does not name does not exist, but that the ID
 * space reads as zero. */
static void test_nothing_else(void **state)
{
	for (unsigned enc = 0x8000; enc < 0x10000; enc++) {
		bool known = false, id = enc >> 6 == 0xc000 >> 6 && enc & 0x38;

		for (int i = 0; i < NWANTS; i++)
			known |= wants[i].enc == enc;
		if (!known && !id &&
		    (sysreg_find(enc, ct.in->model) ||
		     decode_row(CT_MSR(enc, 0), ct.in->model)))
			fail_msg("%x exists", enc);
		if (id && !known) {
			assert_true(ct_insn(CT_MRS(3, enc)));
			assert_false(ct_insn(CT_MSR(enc, 3)));
			ct_reset();
		}
	}
	/* unallocated, but in the space of FEAT_IDST: EL1 UNDEF, EL0 traps */
	assert_false(ct_insn(CT_MRS(0, E(3, 3, 0, 0, 0))));
	assert_int_equal(ct_ec(), 0);
	at_el0(false);
	assert_false(ct_insn(CT_MRS(0, E(3, 3, 0, 0, 0))));
	assert_int_equal(ct_ec(), 0x18);
	at_el0(false);
	assert_false(ct_insn(CT_MRS(0, E(3, 2, 0, 0, 0))));     /* CSSELR */
	assert_int_equal(ct_ec(), 0);
}

static void with(const char *model)
{
	ct_close();
	ct_open(1, model);
}

static void test_features(void **state)
{
	static const struct { const char *model; uint16_t enc; bool there; } t[] = {
		{ "generic,RNG=on", E(3, 3, 2, 4, 0), true },
		{ "generic", E(3, 3, 2, 4, 1), false },
		{ "generic,CSV2_2=on", E(3, 3, 13, 0, 7), true },
		{ "generic,CSV2_2=off", E(3, 0, 13, 0, 7), false },
		{ "generic,ECV=off", E(3, 3, 14, 0, 6), false },
		{ "generic,PAuth=off", E(3, 0, 2, 1, 0), false },
		{ "generic,PAN=off", E(3, 0, 4, 2, 3), false },
		{ "generic,UAO=off", E(3, 0, 4, 2, 4), false },
		{ "generic,DIT=off", E(3, 3, 4, 2, 5), false },
		{ "generic,SSBS=off", E(3, 3, 4, 2, 6), false },
		{ "generic,RAS=off", E(3, 0, 5, 3, 0), false },
		{ "generic,LOR=on", E(3, 0, 10, 4, 7), true },
		{ "qemu72", E(3, 3, 4, 2, 7), true },           /* TCO */
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		with(t[i].model);
		if (ct_insn(CT_MRS(1, t[i].enc)) != t[i].there)
			fail_msg("%s: %x", t[i].model, t[i].enc);
	}
	with("generic,IDST=off");
	except_set_pstate(ct.c, CT_EL0);
	assert_false(ct_insn(CT_MRS(1, E(3, 0, 0, 4, 0))));
	assert_int_equal(ct_ec(), 0);
	with("vmapple");
	ct_insn(CT_MRS(1, E(2, 0, 1, 3, 4)));
	ct.c->x[1] = 1;
	assert_true(ct_insn(CT_MSR(E(2, 0, 1, 3, 4), 1)));
	assert_int_equal(ct.c->sr.osdlr, 1);            /* DoubleLock */
	ct.c->x[1] = ~0ull;
	assert_true(ct_insn(CT_MSR(E(3, 0, 1, 0, 1), 1)));
	assert_int_equal(ct.c->sr.actlr, 2);            /* EnTSO */
	with("generic,RNG=on");
	ct.c->fk = FK_NZCV;
	ct.c->fa = 15;
	assert_true(ct_insn(CT_MRS(1, E(3, 3, 2, 4, 0))));
	assert_int_equal(except_pstate(ct.c) >> 28, 0);
	uint64_t first = ct.c->x[1];

	assert_true(ct_insn(CT_MRS(1, E(3, 3, 2, 4, 0))));
	assert_true(first != ct.c->x[1]);
}

/* MSR <field>, #imm: the word */
#define MSRI(op1, op2, imm) \
	(0xd500401fu | (op1) << 16 | (imm) << 8 | (op2) << 5)

static void test_pstate(void **state)
{
	struct cpu *c = ct.c;

	assert_true(ct_insn(MSRI(3, 7, 15)));
	assert_int_equal(c->pstate & PS_DAIF, 0);
	assert_true(ct_insn(MSRI(3, 6, 2)));
	assert_int_equal(c->pstate & PS_DAIF, PS_I);
	assert_true(ct_insn(MSRI(0, 4, 1)));
	assert_true(c->pstate & PS_PAN && c->tlb == &c->views[TLB_EL1]);
	assert_true(ct_insn(MSRI(0, 4, 2)));
	assert_true(!(c->pstate & PS_PAN) &&
		    c->tlb == &c->views[TLB_EL1_PAN0]);
	assert_true(ct_insn(MSRI(0, 3, 15)));
	assert_true(c->pstate & PS_UAO);
	assert_true(ct_insn(MSRI(3, 1, 1)));
	assert_true(c->pstate & PS_SSBS);
	assert_true(ct_insn(MSRI(3, 2, 1)));
	assert_true(c->pstate & PS_DIT);
	assert_false(ct_insn(MSRI(3, 4, 1)));           /* TCO: no MTE */
	ct_reset();
	assert_false(ct_insn(MSRI(0, 6, 0)));
	ct_reset();
	assert_false(ct_insn(MSRI(0, 5, 0) ^ 1));       /* Rt is not 31 */

	/* SP banks */
	ct_reset();
	c->x[REG_SP] = 0x1000;
	c->sr.sp_el[0] = 0x2000;
	assert_true(ct_insn(CT_MRS(1, E(3, 0, 4, 1, 0))));
	assert_int_equal(c->x[1], 0x2000);
	assert_true(ct_insn(MSRI(0, 5, 0)));
	assert_int_equal(c->x[REG_SP], 0x2000);
	assert_true(ct_insn(CT_MRS(1, E(3, 0, 4, 2, 0))));
	assert_int_equal(c->x[1], 0);
	assert_false(ct_insn(CT_MRS(1, E(3, 0, 4, 1, 0)))); /* it is SP now */
	assert_int_equal(ct_ec(), 0);
	assert_int_equal(c->x[REG_SP], 0x1000);         /* exception: EL1h */

	/* EL0: UAO, PAN, SPSel UNDEF; DAIF traps without UMA */
	for (unsigned op2 = 3; op2 < 6; op2++) {
		at_el0(true);
		assert_false(ct_insn(MSRI(0, op2, 0)));
		assert_int_equal(ct_ec(), 0);
	}
	at_el0(true);
	assert_true(ct_insn(MSRI(3, 7, 2)));
	assert_false(c->pstate & PS_I);
	assert_true(ct_insn(MSRI(3, 2, 1)));
	at_el0(false);
	assert_false(ct_insn(MSRI(3, 6, 5)));
	/* op0 0, op1 3, CRn 4, CRm 5, op2 6, Rt 31, write */
	assert_int_equal(c->sr.esr, ESR(0x18, 6 << 17 | 3 << 14 | 4 << 10 |
						31 << 5 | 5 << 1));
}

static void test_flags(void **state)
{
	for (uint32_t f = 0; f < 16; f++) {
		uint32_t n = f >> 3, z = f >> 2 & 1, cy = f >> 1 & 1, v = f & 1;

		(void)n;
		ct.c->fa = f;
		ct.c->fb = 0;
		ct.c->fk = FK_NZCV;
		assert_true(ct_insn(0xd500401f));               /* CFINV */
		assert_int_equal(except_pstate(ct.c) >> 28, f ^ 2);
		ct.c->fa = f;
		assert_true(ct_insn(0xd500403f));               /* XAFLAG */
		assert_int_equal(except_pstate(ct.c) >> 28,
				 (!cy && !z) << 3 | (z && cy) << 2 |
				 (cy || z) << 1 | (!cy && z));
		ct.c->fa = f;
		assert_true(ct_insn(0xd500405f));               /* AXFLAG */
		assert_int_equal(except_pstate(ct.c) >> 28,
				 (z || v) << 2 | (cy && !v) << 1);
	}
	/* MSR and MRS NZCV in a run, flags lazy */
	ct.c->x[1] = 0xa0000000;
	CT_RUN(CT_MSR(E(3, 3, 4, 2, 0), 1), CT_MRS(2, E(3, 3, 4, 2, 0)),
	       0xeb01003f /* cmp x1, x1 */, CT_MRS(3, E(3, 3, 4, 2, 0)),
	       CT_SVC);
	assert_int_equal(ct.c->x[2], 0xa0000000);
	assert_int_equal(ct.c->x[3], 0x60000000);
}

static void test_exceptions(void **state)
{
	struct cpu *c = ct.c;

	assert_false(ct_insn(0xd4000001 | 0x1234 << 5));        /* SVC */
	assert_int_equal(c->sr.esr, ESR(0x15, 0x1234));
	assert_int_equal(c->sr.elr, FAKE_RAM + 4);
	assert_int_equal(c->pc, CT_VBAR + 0x200);
	assert_false(ct_insn(0xd4200000 | 0xffff << 5));        /* BRK */
	assert_int_equal(c->sr.esr, ESR(0x3c, 0xffff));
	assert_int_equal(c->sr.elr, FAKE_RAM);
	static const uint32_t undef[] = {
		0x00000000, 0x0000ffff, 0xd4400000, /* UDF, HLT */
		0xd4000003, 0xd4a00001, 0xd4a00002, 0xd4a00003, /* SMC, DCPS */
		0xd6bf03e0, 0xd5280000, 0xd508fa00, 0xd50b7b00, /* DRPS, SYSL */
	};
	for (size_t i = 0; i < sizeof(undef) / 4; i++) {
		c->sr.esr = 0;
		if (ct_insn(undef[i]) || c->sr.esr != ESR(0, 0) ||
		    c->sr.elr != FAKE_RAM)
			fail_msg("%08x", undef[i]);
	}
	at_el0(true);
	assert_false(ct_insn(0xd4000002));                      /* HVC */
	assert_int_equal(ct_ec(), 0);
	at_el0(true);
	assert_false(ct_insn(0xd69f03e0));                      /* ERET */
	assert_int_equal(ct_ec(), 0);
	/* ERET to EL0, where SVC brings it back */
	ct_reset();
	c->sr.elr = FAKE_RAM + 8;
	c->sr.spsr = PS_Z | PS_C;
	c->excl_valid = true;
	CT_RUN(0xd69f03e0, CT_NOP, CT_SVC);
	assert_int_equal(c->sr.esr, ESR(0x15, 0));
	assert_int_equal(c->sr.elr, FAKE_RAM + 12);
	assert_int_equal(c->sr.spsr, PS_Z | PS_C);
	assert_false(c->excl_valid);
	assert_true(atomic_load(&c->event));
	/* ERETAA without the key is ERET */
	ct_reset();
	c->sr.elr = FAKE_RAM + 8;
	CT_RUN(0xd69f0bff, CT_NOP, CT_SVC);
	assert_int_equal(c->sr.elr, FAKE_RAM + 12);
}

/* Unmasking takes what is pending before the next instruction. */
static void test_unmask(void **state)
{
	struct cpu *c = ct.c;

	for (int form = 0; form < 3; form++) {
		ct_reset();
		atomic_store(&c->irq_lines, 1);
		c->x[1] = 0;
		c->sr.elr = FAKE_RAM + 4;
		c->sr.spsr = 5;
		CT_RUN(form == 0 ? MSRI(3, 7, 2) :
		       form == 1 ? CT_MSR(E(3, 3, 4, 2, 1), 1) : 0xd69f03e0,
		       0xd2800042 /* mov x2, #2 */, CT_SVC);
		assert_int_equal(c->sr.elr, FAKE_RAM + 4);
		assert_int_equal(c->x[2], 0);
		assert_int_equal(c->n_irq, form + 1);
		atomic_store(&c->irq_lines, 0);
	}
	/* FIQ beats IRQ; a masked one stays */
	ct_reset();
	atomic_store(&c->irq_lines, 3);
	assert_false(ct_insn(MSRI(3, 7, 3)));
	assert_int_equal(c->pc, CT_VBAR + 0x300);
	ct_reset();
	atomic_store(&c->irq_lines, 2);
	assert_true(ct_insn(MSRI(3, 7, 2)));
	/* ISR shows both, masked or not */
	ct_reset();
	atomic_store(&c->irq_lines, 3);
	assert_true(ct_insn(MSRI(3, 6, 15)));
	assert_true(ct_insn(CT_MRS(1, E(3, 0, 12, 1, 0))));
	assert_int_equal(c->x[1], 0xc0);
	atomic_store(&c->irq_lines, 0);
}

static void test_fp_trap(void **state)
{
	struct cpu *c = ct.c;

	for (unsigned fpen = 0; fpen < 4; fpen++)
		for (unsigned el = 0; el < 2; el++) {
			bool traps = fpen == 3 ? false :
				     fpen == 1 ? el == 0 : true;

			ct_reset();
			c->x[1] = (uint64_t)fpen << 20;
			assert_true(ct_insn(CT_MSR(E(3, 0, 1, 0, 2), 1)));
			except_set_pstate(c, el ? CT_EL1H : CT_EL0);
			assert_int_equal(ct_insn(CT_MRS(2, E(3, 3, 4, 4, 0))),
					 !traps);
			if (traps)
				assert_int_equal(c->sr.esr, 0x1fe00000);
		}
	/* FPCR picks the other handlers, FPSR is kept */
	ct_reset();
	c->sr.cpacr = 3u << 20;
	mmu_view(c);
	c->x[1] = 3u << 22;
	assert_true(ct_insn(CT_MSR(E(3, 3, 4, 4, 0), 1)));
	assert_true(c->tlb->ctx & CTX_FPSLOW);
	c->x[1] = 0;
	assert_true(ct_insn(CT_MSR(E(3, 3, 4, 4, 0), 1)));
	assert_false(c->tlb->ctx & CTX_FPSLOW);
}

static uint32_t sys(unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
	return 0xd5080000 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5 | 9;
}

/* Which SYS exist, who may, and the fault's syndrome. */
static void test_sys(void **state)
{
	static const struct { uint8_t op1, crm, op2; uint64_t el0; } t[] = {
		/* CRn 7; el0: the SCTLR bit, 0: UNDEF */
		{ 0, 1, 0, 0 }, { 0, 5, 0, 0 }, { 3, 5, 1, 1 << 26 },
		{ 0, 6, 1, 0 }, { 0, 6, 2, 0 }, { 0, 10, 2, 0 },
		{ 0, 14, 2, 0 }, { 3, 10, 1, 1 << 26 }, { 3, 11, 1, 1 << 26 },
		{ 3, 12, 1, 1 << 26 }, { 3, 13, 1, 1 << 26 },
		{ 3, 14, 1, 1 << 26 }, { 0, 8, 0, 0 }, { 0, 8, 1, 0 },
		{ 0, 8, 2, 0 }, { 0, 8, 3, 0 }, { 0, 9, 0, 0 }, { 0, 9, 1, 0 },
		{ 3, 3, 4, 1 << 10 }, { 3, 3, 5, 1 << 10 },
		{ 3, 3, 7, 1 << 10 },
	};
	struct cpu *c = ct.c;
	unsigned found = 0;

	for (unsigned op1 = 0; op1 < 8; op1++)
		for (unsigned k = 0; k < 16 * 16 * 8; k++) {
			unsigned crn = k >> 7, crm = k >> 3 & 15, op2 = k & 7;
			bool want = op1 == 3 && crn == 7 && crm == 4 &&
				    op2 == 1;   /* DC ZVA */

			for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
				want |= crn == 7 && t[i].op1 == op1 &&
					t[i].crm == crm && t[i].op2 == op2;
			if (crn == 8 && op1 == 0 &&
			    (crm == 1 || crm == 3 || crm == 7))
				want |= op2 != 4 && op2 != 6;
			if (crn == 8 && op1 == 0 &&
			    (crm == 2 || crm == 5 || crm == 6))
				want |= op2 & 1;
			found += want;
			if (!decode_row(sys(op1, crn, crm, op2),
					ct.in->model) == want)
				fail_msg("SYS %u,%u,%u,%u", op1, crn, crm, op2);
		}
	assert_int_equal(found, 22 + 3 * 6 + 3 * 4);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint32_t w = sys(t[i].op1, 7, t[i].crm, t[i].op2);

		ct_reset();
		c->x[9] = FAKE_RAM + 0x4000;
		assert_true(ct_insn(w));
		at_el0(false);
		c->x[9] = FAKE_RAM + 0x4000;
		assert_false(ct_insn(w));
		assert_int_equal(ct_ec(), t[i].el0 ? 0x18 : 0);
		if (!t[i].el0)
			continue;
		at_el0(false);
		c->sr.sctlr |= t[i].el0;
		c->x[9] = FAKE_RAM + 0x4000;
		assert_true(ct_insn(w));
	}
	for (unsigned op2 = 0; op2 < 8; op2 += 1 + (op2 == 3 || op2 == 5)) {
		ct_reset();
		c->x[9] = ~0ull;
		assert_true(ct_insn(sys(0, 8, 3, op2)));
		except_set_pstate(c, CT_EL0);
		assert_false(ct_insn(sys(0, 8, 7, op2)));
		assert_int_equal(ct_ec(), 0);
	}
	/* beyond the physical addresses: size fault, CM and WnR */
	ct_reset();
	c->x[9] = 1ull << 50;
	assert_false(ct_insn(sys(3, 7, 11, 1)));
	assert_int_equal(c->sr.esr, ESR(0x25, 1 << 8 | 1 << 6 | 0));
	assert_int_equal(c->sr.far, 1ull << 50);
	/* DC ZVA with the MMU off is to Device memory; FAR as given */
	c->x[9] = FAKE_RAM + 0x4033;
	assert_false(ct_insn(sys(3, 7, 4, 1)));
	assert_int_equal(c->sr.esr, ESR(0x25, 1 << 6 | 0x21));
	assert_int_equal(c->sr.far, FAKE_RAM + 0x4033);
}

/* Code is forgotten by IC, by address or all of it, and not before. */
static void test_ic(void **state)
{
	struct cpu *c = ct.c;
	/* 0: bl 16; 4: str w4, [x3]; 8: ic ivau, x3 | ic iallu; 12: bl 8;
	 * 16 (x3): mov x1, #1; add x2, x2, x1; ret */
	for (int all = 0; all < 2; all++) {
		ct_reset();
		c->x[3] = FAKE_RAM + 0x100;
		c->x[4] = 0xd2800041;                   /* mov x1, #2 */
		ct_word(FAKE_RAM + 0x100, 0xd2800021);  /* mov x1, #1 */
		ct_word(FAKE_RAM + 0x104, 0x8b010042);
		ct_word(FAKE_RAM + 0x108, 0xd65f03c0);
		CT_RUN(0x94000040, 0xb9000064,
		       all ? 0xd508751f : 0xd50b7523, 0xd5033fdf, 0x9400003c,
		       CT_SVC);
		assert_int_equal(c->sr.elr, FAKE_RAM + 24);
		assert_int_equal(c->x[2], 3);
	}
}

static void test_wait_traps(void **state)
{
	struct cpu *c = ct.c;
	const uint32_t base = 1u << 24 | 14u << 20;

	at_el0(false);
	assert_false(ct_insn(0xd503207f));              /* WFI */
	assert_int_equal(c->sr.esr, ESR(1, base));
	at_el0(false);
	assert_false(ct_insn(0xd503205f));              /* WFE */
	assert_int_equal(c->sr.esr, ESR(1, base | 1));
	at_el0(false);
	atomic_store(&c->event, true);
	assert_true(ct_insn(0xd503205f));
	assert_false(atomic_load(&c->event));
	atomic_store(&c->irq_lines, 1);
	at_el0(false);
	atomic_store(&c->irq_lines, 1);
	assert_true(ct_insn(0xd503207f));
	atomic_store(&c->irq_lines, 0);
	/* SEVL, SEV */
	assert_true(ct_insn(0xd50320bf));
	assert_true(atomic_load(&c->event));
	atomic_store(&c->event, false);
	assert_true(ct_insn(0xd503209f));
	assert_true(atomic_load(&c->event));
	/* all hints are there, and change nothing */
	for (unsigned n = 0; n < 128; n++)
		if (n != 2 && n != 3)
			assert_true(ct_insn(0xd503201f | n << 5));
	with("generic,WFxT=on");
	c = ct.c;
	except_set_pstate(c, CT_EL0);
	c->x[5] = 1000;
	assert_false(ct_insn(0xd5031025));              /* WFIT x5 */
	assert_int_equal(c->sr.esr, ESR(1, base | 2 | 5 << 5 | 4));
	ct_reset();
	except_set_pstate(c, CT_EL0);
	c->x[5] = 0;
	assert_true(ct_insn(0xd5031005));               /* WFET: time is up */
}

static void test_barriers(void **state)
{
	for (unsigned crm = 0; crm < 16; crm++) {
		assert_true(ct_insn(0xd503309f | crm << 8));
		assert_true(ct_insn(0xd50330bf | crm << 8));
		assert_true(ct_insn(0xd50330df | crm << 8));
		ct.c->excl_valid = true;
		assert_true(ct_insn(0xd503305f | crm << 8));
		assert_false(ct.c->excl_valid);
	}
	assert_true(ct_insn(0xd50330ff));               /* SB */
	/* ISB at the end of a page, in a run */
	ct_reset();
	ct_word(FAKE_RAM + 0xffc, 0xd5033fdf);
	ct_word(FAKE_RAM + 0x1000, CT_SVC);
	CT_RUN(0x140003ff);                             /* b 0xffc */
	assert_int_equal(ct.c->sr.elr, FAKE_RAM + 0x1004);
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(table), T(nothing_else), T(features), T(pstate), T(flags),
		T(exceptions), T(unmask), T(fp_trap), T(sys), T(ic),
		T(wait_traps), T(barriers),
	};

	return cmocka_run_group_tests_name("sysreg", tests, NULL, NULL);
}
