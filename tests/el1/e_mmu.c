/* e_mmu.c: translation: random tables, controls and addresses, and what comes
 * of each kind of access.
 *
 * The test's tables hang off TTBR1_EL1, and its own code runs from the identity
 * map of guest.c in TTBR0. Each case is a chain of descriptors that ends (when
 * nothing stops it) at `target`, memory full of RET. Printed: the case, PAR_EL1
 * of every AT, ESR and FAR of every access that traps (FAR relative to the
 * address used), and the last descriptor when hardware changed it. */
#include "el1.h"

enum { CASES = 3000 };
#define RET_RET 0xd65f03c0d65f03c0ul

static uint64_t seed = 7;
static uint64_t *table[4];              /* of levels 0 to 3 */
static uint64_t *target;                /* 64 KiB of RET */

static uint64_t rnd(uint64_t n)
{
	return el1_random(&seed) % n;
}
/* One in n */
static bool rarely(uint64_t n)
{
	return rnd(n) == 0;
}

/* ---- accesses ---------------------------------------------------------------- */

static void fetched(struct trap *t, int kind)
{
	for (unsigned i = 0; i < sizeof(*t) / 8; i++)
		((uint64_t *)&last_trap)[i] = ((uint64_t *)t)[i];
	last_kind = 1;
	/* a fetch that failed goes back to the caller */
	t->elr = t->esr >> 26 == 0x21 || t->esr >> 26 == 0x22 ? t->x[30] :
								t->elr + 4;
}

#define ACCESS(n, text) \
	static void n(uint64_t va) \
	{ \
		register uint64_t x0 __asm__("x0") = va; \
		register uint64_t x1 __asm__("x1") = RET_RET; \
		__asm__ volatile(text : "+r"(x1) : "r"(x0) : "x30", "memory"); \
	}
ACCESS(do_ldr, "ldr x1, [x0]")
ACCESS(do_str, "str x1, [x0]")
ACCESS(do_ldtr, "ldtr x1, [x0]")
ACCESS(do_sttr, "sttr x1, [x0]")
ACCESS(do_ldxr, "ldxr x1, [x0]")
ACCESS(do_cas, ".arch_extension lse\n\tcas x1, x1, [x0]")
/* A misaligned PC is another test's (e_except.c). */
ACCESS(do_fetch, "bic x0, x0, #3\n\tblr x0")

static const struct {
	const char *name;
	void (*fn)(uint64_t);
} el1_access[] = {
	{ "ldr", do_ldr }, { "str", do_str }, { "ldtr", do_ldtr },
	{ "sttr", do_sttr }, { "ldxr", do_ldxr }, { "cas", do_cas },
	{ "fetch", do_fetch },
};

/* At EL0, in a page of the window: the access, then SVC. */
enum { EL0_ACCESSES = 3 };
static const uint32_t el0_access[EL0_ACCESSES] = {
	0xf9400001,                     /* ldr x1, [x0] */
	0xf9000001,                     /* str x1, [x0] */
	0xd63f0000,                     /* blr x0 */
};
static const char *const el0_name[] = { "ldr", "str", "fetch" };

static void trap_el0(struct trap *t, int kind)
{
	last_trap.far = t->far;
	last_trap.esr = t->esr;
	leave_el0(t->esr);
}

static void faulted(const char *name, uint64_t va)
{
	print(" %s %lx", name, last_trap.esr);
	if (!(last_trap.esr & 0x400))   /* FnV */
		print("+%lx", last_trap.far - va);
}

/* fetch: instructions too */
static void accesses(uint64_t va, bool fetch)
{
	unsigned n = sizeof(el1_access) / sizeof(el1_access[0]);

	for (unsigned i = 0; i < n - !fetch; i++) {
		last_kind = 0;
		el1_access[i].fn(va);
		if (last_kind)
			faulted(el1_access[i].name, va);
	}
	trap_handler = trap_el0;
	for (unsigned i = 0; i < EL0_ACCESSES - !fetch; i++) {
		/* RET from what is fetched goes to the SVC */
		uint64_t pc = (uint64_t)window + 8 * i;

		if (run_el0(pc, 0, i == 2 ? va & ~3ul : va) >> 26 != 0x15) {
			print(" el0");
			faulted(el0_name[i], va);
		}
	}
	trap_handler = fetched;
}

/* PAR_EL1, or the ESR where the walk itself ends in an external abort. */
#define AT(op) ({ \
	last_kind = 0; \
	__asm__ volatile(".arch armv8.2-a\n\tat " op ", %0\n\tisb" \
			 : : "r"(va)); \
	last_kind ? last_trap.esr : par(); })
static uint64_t par(void)
{
	uint64_t v = READ(par_el1);

	/* Device memory is outer shareable (D17.2.111); QEMU gives what the
	 * descriptor says */
	return !(v & 1) && !(v >> 60) ? v & ~0x180ul : v;
}

static void translations(uint64_t va)
{
	print(" at %lx %lx %lx %lx", AT("s1e1r"), AT("s1e1w"), AT("s1e0r"),
	      AT("s1e0w"));
	print(" %lx %lx", AT("s1e1rp"), AT("s1e1wp"));
}

/* ---- tables ------------------------------------------------------------------ */

struct granule {
	unsigned tg1, bits, stride;     /* TCR_EL1.TG1, page, a level's bits */
};
static const struct granule granules[] = {
	{ 2, 12, 9 }, { 1, 14, 11 }, { 3, 16, 13 },
};

static uint64_t attributes(void)
{
	uint64_t d = 1ul << 2 | 3ul << 8;       /* Normal, inner shareable */

	if (rarely(8))
		d &= ~(7ul << 2);               /* Device */
	d |= (rarely(6) ? 0 : 1ul) << 10;       /* AF */
	d |= rnd(4) << 6;                       /* AP */
	d |= rnd(2) << 11;                      /* nG */
	d |= (uint64_t)rarely(3) << 51;         /* DBM */
	d |= (uint64_t)rarely(3) << 53 | (uint64_t)rarely(3) << 54;
	d |= rnd(16) << 55;                     /* software's */
	return d;
}

static uint64_t table_bits(void)
{
	uint64_t d = 3;

	if (rarely(5))
		d |= rnd(16) << 59;
	return d | (rarely(4) ? rnd(16) << 52 : 0);     /* ignored */
}

/* Makes a chain for some VA and returns it. *last: the entry that ends it. */
static uint64_t make(const struct granule *g, unsigned tsz, uint64_t **last)
{
	unsigned va_bits = 64 - tsz;
	int start = 4 - (int)((va_bits - g->bits + g->stride - 1) / g->stride);
	uint64_t page = 1ul << g->bits, pa = (uint64_t)target;
	uint64_t va = ~0ul << va_bits | (el1_random(&seed) >> tsz);
	int end = 3;

	if (rarely(3) && start < 3)
		end = 2;
	if (g->bits == 12 && rarely(4) && start < 2)
		end = 1;
	unsigned low = g->bits + (unsigned)(3 - end) * g->stride;
	uint64_t size = 1ul << low;

	pa += rnd(0x10000) & ~7ul;
	if (low > va_bits) {            /* a block larger than the half */
		end = 3;
		size = page;
	}
	va = (va & ~(size - 1)) | (pa & (size - 1));
	for (int level = start; level <= 3; level++) {
		unsigned lsb = g->bits + (unsigned)(3 - level) * g->stride;
		unsigned n = level == start ? va_bits - lsb : g->stride;
		uint64_t *e = &table[level][va >> lsb & ((1ul << n) - 1)];

		if (level == end) {
			uint64_t oa = pa & ~(size - 1);

			if (rarely(30))         /* beyond many a size */
				oa |= 1ul << (33 + rnd(15));
			*e = oa | attributes() | (level == 3 ? 3 : 1);
			if (rarely(20))
				*e &= ~3ul;
			/* a table there: in memory of both boards */
			if (rarely(20) && oa >= 0x70000000)
				*e ^= 2;
			*last = e;
			break;
		}
		*e = (uint64_t)table[level + 1] | table_bits();
		if (rarely(60))
			*e |= 1ul << (42 + rnd(6));
		if (rarely(60)) {
			*e &= ~(1 + rnd(3));
			*last = e;
			break;
		}
		*last = e;
	}
	return va;
}

/* Memory that both boards have? Then the access itself is made. */
static bool backed(uint64_t par)
{
	return par & 1 || (par & 0xfffffffff000ul) >> 16 ==
				  (uint64_t)target >> 16;
}

static void one(unsigned n)
{
	const struct granule *g = &granules[rnd(3)];
	unsigned tsz = 16 + (unsigned)rnd(rarely(4) ? 32 : 24);
	uint64_t *last = NULL, before, tcr = READ(tcr_el1), va;

	if (tsz > 47 || (g->bits == 16 && tsz > 45))
		tsz = 39;
	va = make(g, tsz, &last);
	before = *last;
	tcr &= 0xfffful | 7ul << 32;    /* of TTBR0's half; IPS below */
	tcr = (tcr & ~(7ul << 32)) | (2 + rnd(4)) << 32;
	tcr |= (uint64_t)tsz << 16 | (uint64_t)g->tg1 << 30 | 5ul << 24 |
	       3ul << 28;
	tcr |= (uint64_t)rarely(20) << 23;      /* EPD1 */
	tcr |= (uint64_t)rarely(2) << 38;       /* TBI1 */
	tcr |= (uint64_t)rarely(3) << 39 | (uint64_t)rarely(3) << 40; /* HA HD */
	tcr |= (uint64_t)rarely(3) << 42;       /* HPD1 */
	tcr |= (uint64_t)rarely(3) << 52;       /* TBID1 */
	tcr |= (uint64_t)rarely(8) << 56;       /* E0PD1 */
	if (rarely(3))
		va ^= rnd(256) << 56 | 0;       /* a tag, or no address */
	if (rarely(30))
		va ^= 1ul << rnd(56);
	/* QEMU 7.2 lets an unaligned access to Device memory pass */
	if (rarely(20) && before & 7 << 2)
		va += rnd(8);
	uint64_t sctlr = READ(sctlr_el1);
	bool pan = rnd(2), uao = rnd(2), epan = rnd(2);
	unsigned bits = 64 - tsz - g->bits;
	int start = 4 - (int)((bits + g->stride - 1) / g->stride);

	WRITE(sctlr_el1, (sctlr & ~(1ul << 57)) | (uint64_t)epan << 57 |
			       1ul << 26);
	WRITE(ttbr1_el1, (uint64_t)table[start]);
	WRITE(tcr_el1, tcr);
	__asm__ volatile("dsb sy; tlbi vmalle1; ic iallu; dsb sy; isb"
			 : : : "memory");
	if (pan)
		__asm__ volatile(".arch_extension pan\n\tmsr pan, #1");
	if (uao)
		__asm__ volatile(".arch armv8.2-a\n\tmsr uao, #1");
	print("case %u va %lx tcr %lx pte %lx pan %d uao %d epan %d:",
	      (uint64_t)n, va, tcr, before, (uint64_t)pan, (uint64_t)uao,
	      (uint64_t)epan);
	translations(va);
	/* Fetches do not have top-byte-ignore with TBID1; QEMU 7.2 forgets it
	 * when a load was there before. */
	if (backed(AT("s1e1r"))) {
		accesses(va, !(tcr >> 38 & 1) || !(tcr >> 52 & 1) ||
				     va >> 55 == 0x1ff);
		/* AT alone may or may not set the access flag */
		if (*last != before)
			print(" now %lx", *last);
	}
	print("\n");
	__asm__ volatile(".arch armv8.2-a\n\tmsr pan, #0\n\tmsr uao, #0");
	WRITE(sctlr_el1, sctlr);
	/* no stale entries for the next: clear what this one used */
	for (int level = 0; level < 4; level++)
		for (unsigned i = 0; i < 8192; i++)
			if (table[level][i])
				table[level][i] = 0;
}

void guest_main(uint64_t dtb)
{
	el1_start(dtb);
	for (int i = 0; i < 4; i++)
		table[i] = page_alloc(65536);
	target = page_alloc(65536);
	for (unsigned i = 0; i < 8192; i++)
		target[i] = RET_RET;
	mmu_on();
	/* the page for EL0: readable and executable there */
	*window_pte(0) = (uint64_t)window | PTE_NORMAL | PTE_USER | PTE_RO;
	WRITE(sctlr_el1, READ(sctlr_el1) | 1ul << 26);
	tlbi_all();
	mmu_off();
	for (unsigned i = 0; i < EL0_ACCESSES; i++) {
		((uint32_t *)window)[2 * i] = el0_access[i];
		((uint32_t *)window)[2 * i + 1] = 0xd4000001;
	}
	el1_code();
	mmu_on();
	trap_handler = fetched;
	for (unsigned n = 0; n < CASES; n++)
		one(n);
}
