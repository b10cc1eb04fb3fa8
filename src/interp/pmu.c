/* pmu.c: the performance monitors; pmu.h.
 *
 * Instructions are counted by EL, in pmu.insns, brought up to date when the EL
 * changes; counters take their share of it when anybody looks (sync). The next
 * overflow is a count of instructions, to which cpu.ideadline is set. */
#include "board.h"
#include "except.h"
#include "gicv3.h"
#include "iclock.h"
#include "mmu.h"
#include "pmu.h"

#define CR_E 1u
#define CR_P (1u << 1)
#define CR_C (1u << 2)
#define CR_D (1u << 3)
#define CR_DP (1u << 5)
#define CR_LC (1u << 6)
#define CR_LP (1u << 7)
#define CR_N ((uint32_t)PMU_EVENTS << 11)
#define CYCLE_BIT (1u << 31)
#define ALL_BITS (CYCLE_BIT | ((1u << PMU_EVENTS) - 1))
#define TYPE_P (1u << 31)               /* not at EL1 */
#define TYPE_U (1u << 30)               /* not at EL0 */

/* Events, Arm ARM D13.11. Stalls there are none, so these count zero. */
enum { SW_INCR = 0x00, INST_RETIRED = 0x08, CPU_CYCLES = 0x11,
       INST_SPEC = 0x1b, CHAIN = 0x1e, STALL_FRONTEND = 0x23,
       STALL_BACKEND = 0x24 };

static uint32_t bit_of(unsigned i)
{
	return i == PMU_CYCLES ? CYCLE_BIT : 1u << i;
}

static bool runs(const struct pmu *p, unsigned i)
{
	return p->cr & CR_E && p->enable & bit_of(i);
}

static unsigned event(const struct pmu *p, unsigned i)
{
	return i == PMU_CYCLES ? CPU_CYCLES : p->type[i] & 0xffff;
}

/* Is it one that follows from instructions? */
static bool by_insns(const struct pmu *p, unsigned i)
{
	unsigned e = event(p, i);

	return e == INST_RETIRED || e == INST_SPEC || e == CPU_CYCLES;
}

static bool wide(const struct pmu *p, unsigned i)
{
	return p->cr & (i == PMU_CYCLES ? CR_LC : CR_LP);
}

/* ---- counting -------------------------------------------------------- */

/* Adds to a counter; true: it went past its end, and says so. */
static bool add(struct pmu *p, unsigned i, uint64_t n)
{
	uint64_t old = p->count[i];
	bool over;

	p->count[i] = old + n;
	over = wide(p, i) ? p->count[i] < old : ((uint32_t)old + n) >> 32;
	if (over)
		p->overflow |= bit_of(i);
	return over;
}

/* As add, with the odd counter behind an even one that counts its overflows. */
static void add_chained(struct pmu *p, unsigned i, uint64_t n)
{
	if (add(p, i, n) && !(i & 1) && i != PMU_CYCLES && runs(p, i + 1) &&
	    event(p, i + 1) == CHAIN)
		add(p, i + 1, 1);
}

void pmu_leave_el(struct cpu *c)
{
	struct pmu *p = &c->pmu;

	p->insns[c->el != 0] += c->inow - p->last;
	p->last = c->inow;
}

static uint64_t share(const struct pmu *p, unsigned i, const uint64_t insns[2])
{
	return (p->type[i] & TYPE_U ? 0 : insns[0]) +
	       (p->type[i] & TYPE_P ? 0 : insns[1]);
}

/* Every counter as of c->inow. */
static void sync(struct cpu *c)
{
	struct pmu *p = &c->pmu;
	uint64_t n;

	if (!p->active)
		return;
	pmu_leave_el(c);
	for (unsigned i = 0; i <= PMU_EVENTS; i++) {
		if (!runs(p, i) || !by_insns(p, i))
			continue;
		n = share(p, i, p->insns);
		if (i == PMU_CYCLES && (p->cr & (CR_D | CR_LC)) == CR_D) {
			/* every 64th cycle */
			p->divided += n;
			n = p->divided >> 6;
			p->divided &= 63;
		}
		add_chained(p, i, n);
	}
	p->insns[0] = p->insns[1] = 0;
}

/* ---- what follows from the registers --------------------------------- */

static void set_line(struct cpu *c)
{
	struct pmu *p = &c->pmu;
	bool line = p->cr & CR_E && p->overflow & p->inten;

	if (line == p->line)
		return;
	p->line = line;
	if (c->in->gic)
		gicv3_ppi(c->in->gic, c->index, BOARD_PPI_PMU, line);
}

/* The count at which the first of them can overflow. */
static uint64_t deadline(const struct cpu *c)
{
	const struct pmu *p = &c->pmu;
	uint64_t next = UINT64_MAX, at, left;

	for (unsigned i = 0; i <= PMU_EVENTS; i++) {
		if (!runs(p, i) || !by_insns(p, i))
			continue;
		left = wide(p, i) ? -p->count[i] :
		       (1ull << 32) - (uint32_t)p->count[i];
		/* 0: 2^64 are left */
		at = left && left < UINT64_MAX - p->last ? p->last + left :
							   UINT64_MAX;
		next = at < next ? at : next;
	}
	return next;
}

/* Counting begins or ends: other handlers, from the next instruction on. The
 * count was not kept up while it was off; it goes on from where it was. */
static bool set_active(struct cpu *c)
{
	struct pmu *p = &c->pmu;
	bool active = false;

	for (unsigned i = 0; i <= PMU_EVENTS; i++)
		active |= runs(p, i) && by_insns(p, i);
	if (active == p->active)
		return false;
	p->active = active;
	if (active && !c->in->count) {
		c->icount += p->last - c->inow;
		c->inow = p->last;
	}
	p->last = c->inow;
	mmu_view(c);
	return true;
}

/* After a register was written, or time has passed. */
static enum sysreg_next update(struct cpu *c)
{
	bool changed = set_active(c);

	iclock_pmu(c, c->pmu.active ? deadline(c) : UINT64_MAX);
	set_line(c);
	return changed || except_irq_ready(c) ? SR_SYNC : SR_NEXT;
}

void pmu_serve(struct cpu *c)
{
	sync(c);
	update(c);
}

void pmu_reset(struct cpu *c)
{
	struct pmu *p = &c->pmu;

	p->cr = 0;
	set_line(c);
	*p = (struct pmu){ .cr = 0 };
	iclock_pmu(c, UINT64_MAX);
}

/* ---- registers ------------------------------------------------------- */

uint64_t pmu_rd_cr(struct cpu *c, const struct sysreg *r)
{
	return c->pmu.cr | CR_N;
}

enum sysreg_next pmu_wr_cr(struct cpu *c, const struct sysreg *r, uint64_t v)
{
	struct pmu *p = &c->pmu;

	sync(c);
	p->cr = (uint32_t)v & (CR_E | CR_D | CR_DP | CR_LC | CR_LP);
	for (unsigned i = 0; v & CR_P && i < PMU_EVENTS; i++)
		p->count[i] = 0;
	if (v & CR_C)
		p->count[PMU_CYCLES] = p->divided = 0;
	return update(c);
}

static enum sysreg_next set_bits(struct cpu *c, const struct sysreg *r,
				 uint32_t *reg, uint64_t v)
{
	uint32_t bits = (uint32_t)v & ALL_BITS;

	sync(c);
	*reg = r->n ? *reg | bits : *reg & ~bits;
	return update(c);
}

uint64_t pmu_rd_enable(struct cpu *c, const struct sysreg *r)
{
	return c->pmu.enable;
}

enum sysreg_next pmu_wr_enable(struct cpu *c, const struct sysreg *r,
			       uint64_t v)
{
	return set_bits(c, r, &c->pmu.enable, v);
}

uint64_t pmu_rd_overflow(struct cpu *c, const struct sysreg *r)
{
	sync(c);
	return c->pmu.overflow;
}

enum sysreg_next pmu_wr_overflow(struct cpu *c, const struct sysreg *r,
				 uint64_t v)
{
	return set_bits(c, r, &c->pmu.overflow, v);
}

uint64_t pmu_rd_inten(struct cpu *c, const struct sysreg *r)
{
	return c->pmu.inten;
}

enum sysreg_next pmu_wr_inten(struct cpu *c, const struct sysreg *r, uint64_t v)
{
	return set_bits(c, r, &c->pmu.inten, v);
}

enum sysreg_next pmu_wr_swinc(struct cpu *c, const struct sysreg *r, uint64_t v)
{
	struct pmu *p = &c->pmu;

	for (unsigned i = 0; i < PMU_EVENTS; i++)
		if (v >> i & 1 && runs(p, i) && event(p, i) == SW_INCR &&
		    !(p->type[i] & (c->el ? TYPE_P : TYPE_U)))
			add_chained(p, i, 1);
	return update(c);
}

uint64_t pmu_rd_sel(struct cpu *c, const struct sysreg *r)
{
	return c->pmu.sel;
}

enum sysreg_next pmu_wr_sel(struct cpu *c, const struct sysreg *r, uint64_t v)
{
	c->pmu.sel = v & 31;
	return SR_NEXT;
}

uint64_t pmu_rd_userenr(struct cpu *c, const struct sysreg *r)
{
	return c->pmu.userenr;
}

enum sysreg_next pmu_wr_userenr(struct cpu *c, const struct sysreg *r,
				uint64_t v)
{
	c->pmu.userenr = v & 15;
	return SR_NEXT;
}

/* n: 0 for events from 0, 1 for those from 0x20. */
uint64_t pmu_rd_ceid(struct cpu *c, const struct sysreg *r)
{
	return r->n ? 1u << (STALL_FRONTEND - 32) | 1u << (STALL_BACKEND - 32) :
		      1u << SW_INCR | 1u << INST_RETIRED | 1u << CPU_CYCLES |
		      1u << INST_SPEC | 1u << CHAIN;
}

/* The counter that a register names, PMU_EVENTS + 1: none. For counts, PMSELR
 * does not reach the cycle counter; for types, it does. */
static unsigned counter(const struct cpu *c, const struct sysreg *r, bool type)
{
	unsigned sel = c->pmu.sel & 31;

	if (r->n != PMU_SELECTED)
		return r->n;
	if (sel == 31 && type)
		return PMU_CYCLES;
	return sel < PMU_EVENTS ? sel : PMU_EVENTS + 1;
}

uint64_t pmu_rd_count(struct cpu *c, const struct sysreg *r)
{
	unsigned i = counter(c, r, false);

	sync(c);
	return i > PMU_EVENTS ? 0 : c->pmu.count[i];
}

enum sysreg_next pmu_wr_count(struct cpu *c, const struct sysreg *r, uint64_t v)
{
	unsigned i = counter(c, r, false);

	if (i > PMU_EVENTS)
		return SR_NEXT;
	sync(c);
	c->pmu.count[i] = v;
	if (i == PMU_CYCLES)
		c->pmu.divided = 0;
	return update(c);
}

uint64_t pmu_rd_type(struct cpu *c, const struct sysreg *r)
{
	unsigned i = counter(c, r, true);

	return i > PMU_EVENTS ? 0 : c->pmu.type[i];
}

enum sysreg_next pmu_wr_type(struct cpu *c, const struct sysreg *r, uint64_t v)
{
	unsigned i = counter(c, r, true);

	if (i > PMU_EVENTS)
		return SR_NEXT;
	sync(c);
	c->pmu.type[i] = (uint32_t)v &
			 (TYPE_P | TYPE_U | (i == PMU_CYCLES ? 0 : 0xffff));
	return update(c);
}
