/* gdb_regs.c: registers and their description; gdb_int.h.
 *
 * Numbers 0 to 67 are what `g` carries, in the order of GDB's own features
 * org.gnu.gdb.aarch64.core and .fpu (GDB manual, G.5.1); then the masks of
 * pointer authentication, then system registers, those that the CPU has. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cpu_reg.h"
#include "gdb_int.h"

enum { REG_CPSR = 33, REG_V0 = 34, REG_FPSR = 66, REG_FPCR, REG_MASK,
       REG_SYS = REG_MASK + 4 };

#define TCR CPU_REG_MSR(3, 0, 2, 0, 2)

const struct gdb_sys_row gdb_sys_row[] = {
	{ "ELR_EL1", CPU_REG_ELR_EL1 },
	{ "SPSR_EL1", CPU_REG_SPSR_EL1 },
	{ "SP_EL0", CPU_REG_SP_EL0 },
	{ "SP_EL1", CPU_REG_SP_EL1 },
	{ "MIDR_EL1", CPU_REG_MSR(3, 0, 0, 0, 0) },
	{ "MPIDR_EL1", CPU_REG_MSR(3, 0, 0, 0, 5) },
	{ "REVIDR_EL1", CPU_REG_MSR(3, 0, 0, 0, 6) },
	{ "ID_AA64PFR0_EL1", CPU_REG_MSR(3, 0, 0, 4, 0) },
	{ "ID_AA64PFR1_EL1", CPU_REG_MSR(3, 0, 0, 4, 1) },
	{ "ID_AA64DFR0_EL1", CPU_REG_MSR(3, 0, 0, 5, 0) },
	{ "ID_AA64DFR1_EL1", CPU_REG_MSR(3, 0, 0, 5, 1) },
	{ "ID_AA64ISAR0_EL1", CPU_REG_MSR(3, 0, 0, 6, 0) },
	{ "ID_AA64ISAR1_EL1", CPU_REG_MSR(3, 0, 0, 6, 1) },
	{ "ID_AA64ISAR2_EL1", CPU_REG_MSR(3, 0, 0, 6, 2) },
	{ "ID_AA64MMFR0_EL1", CPU_REG_MSR(3, 0, 0, 7, 0) },
	{ "ID_AA64MMFR1_EL1", CPU_REG_MSR(3, 0, 0, 7, 1) },
	{ "ID_AA64MMFR2_EL1", CPU_REG_MSR(3, 0, 0, 7, 2) },
	{ "CTR_EL0", CPU_REG_MSR(3, 3, 0, 0, 1) },
	{ "DCZID_EL0", CPU_REG_MSR(3, 3, 0, 0, 7) },
	{ "CLIDR_EL1", CPU_REG_MSR(3, 1, 0, 0, 1) },
	{ "CSSELR_EL1", CPU_REG_MSR(3, 2, 0, 0, 0) },
	{ "SCTLR_EL1", CPU_REG_MSR(3, 0, 1, 0, 0) },
	{ "ACTLR_EL1", CPU_REG_MSR(3, 0, 1, 0, 1) },
	{ "CPACR_EL1", CPU_REG_MSR(3, 0, 1, 0, 2) },
	{ "TTBR0_EL1", CPU_REG_MSR(3, 0, 2, 0, 0) },
	{ "TTBR1_EL1", CPU_REG_MSR(3, 0, 2, 0, 1) },
	{ "TCR_EL1", CPU_REG_MSR(3, 0, 2, 0, 2) },
	{ "AFSR0_EL1", CPU_REG_MSR(3, 0, 5, 1, 0) },
	{ "AFSR1_EL1", CPU_REG_MSR(3, 0, 5, 1, 1) },
	{ "ESR_EL1", CPU_REG_MSR(3, 0, 5, 2, 0) },
	{ "FAR_EL1", CPU_REG_MSR(3, 0, 6, 0, 0) },
	{ "PAR_EL1", CPU_REG_MSR(3, 0, 7, 4, 0) },
	{ "MAIR_EL1", CPU_REG_MSR(3, 0, 10, 2, 0) },
	{ "AMAIR_EL1", CPU_REG_MSR(3, 0, 10, 3, 0) },
	{ "VBAR_EL1", CPU_REG_MSR(3, 0, 12, 0, 0) },
	{ "ISR_EL1", CPU_REG_MSR(3, 0, 12, 1, 0) },
	{ "CONTEXTIDR_EL1", CPU_REG_MSR(3, 0, 13, 0, 1) },
	{ "TPIDR_EL1", CPU_REG_MSR(3, 0, 13, 0, 4) },
	{ "TPIDR_EL0", CPU_REG_MSR(3, 3, 13, 0, 2) },
	{ "TPIDRRO_EL0", CPU_REG_MSR(3, 3, 13, 0, 3) },
	{ "APIAKEYLO_EL1", CPU_REG_MSR(3, 0, 2, 1, 0) },
	{ "APIAKEYHI_EL1", CPU_REG_MSR(3, 0, 2, 1, 1) },
	{ "APIBKEYLO_EL1", CPU_REG_MSR(3, 0, 2, 1, 2) },
	{ "APIBKEYHI_EL1", CPU_REG_MSR(3, 0, 2, 1, 3) },
	{ "APDAKEYLO_EL1", CPU_REG_MSR(3, 0, 2, 2, 0) },
	{ "APDAKEYHI_EL1", CPU_REG_MSR(3, 0, 2, 2, 1) },
	{ "APDBKEYLO_EL1", CPU_REG_MSR(3, 0, 2, 2, 2) },
	{ "APDBKEYHI_EL1", CPU_REG_MSR(3, 0, 2, 2, 3) },
	{ "APGAKEYLO_EL1", CPU_REG_MSR(3, 0, 2, 3, 0) },
	{ "APGAKEYHI_EL1", CPU_REG_MSR(3, 0, 2, 3, 1) },
	{ "CNTKCTL_EL1", CPU_REG_MSR(3, 0, 14, 1, 0) },
	{ "CNTV_CTL_EL0", CPU_REG_MSR(3, 3, 14, 3, 1) },
	{ "CNTP_CTL_EL0", CPU_REG_MSR(3, 3, 14, 2, 1) },
	{ "CNTP_CVAL_EL0", CPU_REG_MSR(3, 3, 14, 2, 2) },
	{ "CNTFRQ_EL0", CPU_REG_MSR(3, 3, 14, 0, 0) },
	{ "MDSCR_EL1", CPU_REG_MSR(2, 0, 0, 2, 2) },
	{ "OSLSR_EL1", CPU_REG_MSR(2, 0, 1, 1, 4) },
	{ "OSDLR_EL1", CPU_REG_MSR(2, 0, 1, 3, 4) },
	{ "MDCCINT_EL1", CPU_REG_MSR(2, 0, 0, 2, 0) },
	{ "DBGBVR0_EL1", CPU_REG_MSR(2, 0, 0, 0, 4) },
	{ "DBGBCR0_EL1", CPU_REG_MSR(2, 0, 0, 0, 5) },
	{ "DBGBVR1_EL1", CPU_REG_MSR(2, 0, 0, 1, 4) },
	{ "DBGBCR1_EL1", CPU_REG_MSR(2, 0, 0, 1, 5) },
	{ "DBGBVR2_EL1", CPU_REG_MSR(2, 0, 0, 2, 4) },
	{ "DBGBCR2_EL1", CPU_REG_MSR(2, 0, 0, 2, 5) },
	{ "DBGBVR3_EL1", CPU_REG_MSR(2, 0, 0, 3, 4) },
	{ "DBGBCR3_EL1", CPU_REG_MSR(2, 0, 0, 3, 5) },
	{ "DBGBVR4_EL1", CPU_REG_MSR(2, 0, 0, 4, 4) },
	{ "DBGBCR4_EL1", CPU_REG_MSR(2, 0, 0, 4, 5) },
	{ "DBGBVR5_EL1", CPU_REG_MSR(2, 0, 0, 5, 4) },
	{ "DBGBCR5_EL1", CPU_REG_MSR(2, 0, 0, 5, 5) },
	{ "DBGWVR0_EL1", CPU_REG_MSR(2, 0, 0, 0, 6) },
	{ "DBGWCR0_EL1", CPU_REG_MSR(2, 0, 0, 0, 7) },
	{ "DBGWVR1_EL1", CPU_REG_MSR(2, 0, 0, 1, 6) },
	{ "DBGWCR1_EL1", CPU_REG_MSR(2, 0, 0, 1, 7) },
	{ "DBGWVR2_EL1", CPU_REG_MSR(2, 0, 0, 2, 6) },
	{ "DBGWCR2_EL1", CPU_REG_MSR(2, 0, 0, 2, 7) },
	{ "DBGWVR3_EL1", CPU_REG_MSR(2, 0, 0, 3, 6) },
	{ "DBGWCR3_EL1", CPU_REG_MSR(2, 0, 0, 3, 7) },
	{ "PMCR_EL0", CPU_REG_MSR(3, 3, 9, 12, 0) },
	{ "PMCNTENSET_EL0", CPU_REG_MSR(3, 3, 9, 12, 1) },
	{ "PMOVSSET_EL0", CPU_REG_MSR(3, 3, 9, 14, 3) },
	{ "PMINTENSET_EL1", CPU_REG_MSR(3, 0, 9, 14, 1) },
	{ "PMUSERENR_EL0", CPU_REG_MSR(3, 3, 9, 14, 0) },
	{ "PMCCNTR_EL0", CPU_REG_MSR(3, 3, 9, 13, 0) },
};
const unsigned gdb_sys_rows = sizeof(gdb_sys_row) / sizeof(gdb_sys_row[0]);

_Static_assert(sizeof(gdb_sys_row) / sizeof(gdb_sys_row[0]) <= GDB_MAX_SYS,
	       "room for all");

static int get(struct gdb_session *s, uint64_t id, void *val)
{
	return s->t->reg(s->t->arg, s->cpu, id, false, val);
}

/* Number 31 is the stack pointer in use. */
static uint64_t sp_id(struct gdb_session *s)
{
	uint64_t ps = 0;

	get(s, CPU_REG_PSTATE, &ps);
	return ps & 0xc && ps & 1 ? CPU_REG_SP_EL1 : CPU_REG_SP_EL0;
}

uint64_t gdb_core_id(struct gdb_session *s, unsigned n)
{
	return n == GDB_REG_PC ? CPU_REG_PC : n == GDB_REG_SP ? sp_id(s) :
	       CPU_REG_X(n);
}

/* The accelerator's number of register n; 0: it has none. */
static uint64_t id_of(struct gdb_session *s, unsigned n, unsigned *size)
{
	*size = 8;
	if (n < REG_CPSR)
		return gdb_core_id(s, n);
	if (n == REG_CPSR) {
		*size = 4;
		return CPU_REG_PSTATE;
	}
	if (n < REG_FPSR) {
		*size = 16;
		return CPU_REG_V(n - REG_V0);
	}
	if (n <= REG_FPCR) {
		*size = 4;
		return n == REG_FPSR ? CPU_REG_FPSR : CPU_REG_FPCR;
	}
	if (n >= REG_SYS && n - REG_SYS < s->nsys)
		return gdb_sys_row[s->sys[n - REG_SYS]].id;
	return 0;
}

/* ---- pointer authentication ------------------------------------------ */

/* Which bits of a data (0) or code (1) address of the lower (0) or upper (1)
 * half hold no address: from TxSZ up, but bit 55, and the top byte where it is
 * no tag. Arm ARM D8.8. */
static uint64_t pac_mask(struct gdb_session *s, bool code, bool upper)
{
	uint64_t tcr = 0, mask;
	unsigned bits, tbi, tbid;

	get(s, TCR, &tcr);
	bits = 64 - (unsigned)(tcr >> (upper ? 16 : 0) & 63);
	tbi = tcr >> (upper ? 38 : 37) & 1;
	tbid = tcr >> (upper ? 52 : 51) & 1;
	if (bits > 55)
		bits = 55;
	mask = ((1ull << 55) - 1) & ~((1ull << bits) - 1);
	if (!tbi || (code && tbid))
		mask |= 0xffull << 56;
	return mask;
}

static bool read_value(struct gdb_session *s, unsigned n, void *val,
		       unsigned *size)
{
	uint64_t id, mask;

	if (n >= REG_MASK && n < REG_SYS) {
		/* data, code, data of the upper half, code of it */
		mask = pac_mask(s, (n - REG_MASK) & 1, (n - REG_MASK) & 2);
		memcpy(val, &mask, 8);
		*size = 8;
		return s->t->has_pauth;
	}
	id = id_of(s, n, size);
	return id && !get(s, id, val);
}

/* ---- packets --------------------------------------------------------- */

void gdb_read_reg(struct gdb_session *s, const char *p)
{
	uint8_t val[16];
	unsigned size;
	uint64_t n;

	if (!gdb_get_hex(&p, &n) || n > REG_SYS + GDB_MAX_SYS ||
	    !read_value(s, (unsigned)n, val, &size))
		gdb_str(s, "E22");
	else
		gdb_hex(s, val, size);
}

static bool write_value(struct gdb_session *s, unsigned n, const char **p)
{
	uint8_t val[16] = { 0 };
	unsigned size;
	uint64_t id = id_of(s, n, &size);

	return id && gdb_get_bytes(p, val, size) &&
	       !s->t->reg(s->t->arg, s->cpu, id, true, val);
}

void gdb_write_reg(struct gdb_session *s, const char *p)
{
	uint64_t n;

	if (gdb_get_hex(&p, &n) && n <= REG_SYS + GDB_MAX_SYS &&
	    gdb_get_char(&p, '=') && write_value(s, (unsigned)n, &p))
		gdb_str(s, "OK");
	else
		gdb_str(s, "E22");
}

void gdb_read_all(struct gdb_session *s)
{
	for (unsigned n = 0; n <= REG_FPCR; n++) {
		uint8_t val[16] = { 0 };
		unsigned size;

		if (read_value(s, n, val, &size))
			gdb_hex(s, val, size);
		else
			gdb_str(s, size == 16 ? "xxxxxxxxxxxxxxxx"
						"xxxxxxxxxxxxxxxx" :
				   size == 8 ? "xxxxxxxxxxxxxxxx" : "xxxxxxxx");
	}
}

/* The state last: which stack pointer number 31 is hangs on it, and it is the
 * one that was read beside it. */
void gdb_write_all(struct gdb_session *s, const char *p)
{
	const char *cpsr = NULL;
	bool ok = true;

	for (unsigned n = 0; n <= REG_FPCR && *p && ok; n++) {
		uint8_t skip[4];

		if (n == REG_CPSR) {
			cpsr = p;
			ok = gdb_get_bytes(&p, skip, 4);
		} else {
			ok = write_value(s, n, &p);
		}
	}
	if (ok && cpsr)
		ok = write_value(s, REG_CPSR, &cpsr);
	gdb_str(s, ok ? "OK" : "E22");
}

/* ---- the description ------------------------------------------------- */

static void xml(struct gdb_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void xml(struct gdb_session *s, const char *fmt, ...)
{
	size_t left = sizeof(s->xml) - s->nxml;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->xml + s->nxml, left, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < left)
		s->nxml += (size_t)n;
}

static void describe_core(struct gdb_session *s)
{
	static const struct { const char *name; unsigned first, last; } f[] = {
		{ "SP", 0, 0 }, { "EL", 2, 3 }, { "F", 6, 6 }, { "I", 7, 7 },
		{ "A", 8, 8 }, { "D", 9, 9 }, { "BTYPE", 10, 11 },
		{ "SSBS", 12, 12 }, { "IL", 20, 20 }, { "SS", 21, 21 },
		{ "PAN", 22, 22 }, { "UAO", 23, 23 }, { "DIT", 24, 24 },
		{ "TCO", 25, 25 }, { "V", 28, 28 }, { "C", 29, 29 },
		{ "Z", 30, 30 }, { "N", 31, 31 },
	};

	xml(s, "<feature name=\"org.gnu.gdb.aarch64.core\">"
	       "<flags id=\"cpsr_flags\" size=\"4\">");
	for (unsigned i = 0; i < sizeof(f) / sizeof(f[0]); i++)
		xml(s, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>",
		    f[i].name, f[i].first, f[i].last);
	xml(s, "</flags>");
	for (unsigned i = 0; i < 31; i++)
		xml(s, "<reg name=\"x%u\" bitsize=\"64\"/>", i);
	xml(s, "<reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>"
	       "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/>"
	       "<reg name=\"cpsr\" bitsize=\"32\" type=\"cpsr_flags\"/>"
	       "</feature>");
}

/* A vector register as numbers of every width; one of 128 bits is "q". */
static void describe_fpu(struct gdb_session *s)
{
	static const struct { char kind; const char *type; unsigned n; } v[] = {
		{ 'd', "ieee_double", 2 }, { 'd', "uint64", 2 },
		{ 'd', "int64", 2 }, { 's', "ieee_single", 4 },
		{ 's', "uint32", 4 }, { 's', "int32", 4 },
		{ 'h', "ieee_half", 8 }, { 'h', "uint16", 8 },
		{ 'h', "int16", 8 }, { 'b', "uint8", 16 }, { 'b', "int8", 16 },
		{ 'q', "uint128", 1 }, { 'q', "int128", 1 },
	};
	static const char as[] = { 'f', 'u', 's', 'f', 'u', 's', 'f', 'u', 's',
				   'u', 's', 'u', 's' };
	enum { KINDS = sizeof(v) / sizeof(v[0]) };

	xml(s, "<feature name=\"org.gnu.gdb.aarch64.fpu\">");
	for (unsigned i = 0; i < KINDS; i++)
		xml(s, "<vector id=\"v%u%c%c\" type=\"%s\" count=\"%u\"/>",
		    v[i].n, v[i].kind, as[i], v[i].type, v[i].n);
	for (unsigned i = 0; i < KINDS;) {
		char kind = v[i].kind;

		xml(s, "<union id=\"vn%c\">", kind);
		for (; i < KINDS && v[i].kind == kind; i++)
			xml(s, "<field name=\"%c\" type=\"v%u%c%c\"/>", as[i],
			    v[i].n, kind, as[i]);
		xml(s, "</union>");
	}
	xml(s, "<union id=\"vn\">");
	for (const char *k = "dshbq"; *k; k++)
		xml(s, "<field name=\"%c\" type=\"vn%c\"/>", *k, *k);
	xml(s, "</union>");
	for (unsigned i = 0; i < 32; i++)
		xml(s, "<reg name=\"v%u\" bitsize=\"128\" type=\"vn\"/>", i);
	xml(s, "<reg name=\"fpsr\" bitsize=\"32\" group=\"float\"/>"
	       "<reg name=\"fpcr\" bitsize=\"32\" group=\"float\"/>"
	       "</feature>");
}

/* The second form of the feature: the first has no masks for the upper half of
 * the address space, where a kernel is. */
static void describe_pauth(struct gdb_session *s)
{
	static const char *const name[] = { "dmask", "cmask", "dmask_high",
					    "cmask_high" };

	xml(s, "<feature name=\"org.gnu.gdb.aarch64.pauth_v2\">");
	for (unsigned i = 0; i < 4; i++)
		xml(s, "<reg name=\"pauth_%s\" bitsize=\"64\" "
		       "regnum=\"%u\"/>", name[i], REG_MASK + i);
	xml(s, "</feature>");
}

static void describe_system(struct gdb_session *s)
{
	uint64_t val;

	xml(s, "<feature name=\"pome.aarch64.system\">");
	for (unsigned i = 0; i < gdb_sys_rows; i++) {
		const struct gdb_sys_row *r = &gdb_sys_row[i];

		if (get(s, r->id, &val))
			continue;
		xml(s, "<reg name=\"%s\" bitsize=\"64\" regnum=\"%u\" "
		       "group=\"system\"/>", r->name, REG_SYS + s->nsys);
		s->sys[s->nsys++] = (uint8_t)i;
	}
	xml(s, "</feature>");
}

void gdb_describe(struct gdb_session *s)
{
	xml(s, "<?xml version=\"1.0\"?>"
	       "<!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
	       "<target version=\"1.0\"><architecture>aarch64"
	       "</architecture>");
	describe_core(s);
	describe_fpu(s);
	if (s->t->has_pauth)
		describe_pauth(s);
	describe_system(s);
	xml(s, "</target>");
}
