/* kvm_walk.c: the guest's stage-1 translation, for KVM's CPUs.
 *
 * KVM keeps it to itself, but an access without a valid syndrome has to be
 * decoded from memory. Arm ARM (DDI 0487), D8.2 and D8.3: VMSAv8-64 with
 * addresses of up to 48 bits; what lies beyond is WALK_UNKNOWN. */
#include "dma.h"
#include "kvm.h"

#define SCTLR_M 1u

int kvm_tables(const struct kvm_cpu *c, struct kvm_tables *t)
{
	t->as = c->k->vm->as;
	return kvm_get(c, KVM_SCTLR_EL1, &t->sctlr) ||
	       kvm_get(c, KVM_TCR_EL1, &t->tcr) ||
	       kvm_get(c, KVM_TTBR0_EL1, &t->ttbr[0]) ||
	       kvm_get(c, KVM_TTBR1_EL1, &t->ttbr[1]) ? -1 : 0;
}

/* Bits of offset in a page; 0: the field's reserved value. */
static unsigned granule(uint64_t tcr, bool upper)
{
	static const uint8_t tg0[4] = { 12, 16, 14, 0 };
	static const uint8_t tg1[4] = { 0, 14, 12, 16 };

	return upper ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

static bool ignores_top(uint64_t tcr, bool upper)
{
	return tcr >> (upper ? 38 : 37) & 1;            /* TBI1, TBI0 */
}

/* Are the bits above `bits` all like bit 55? */
static bool in_range(uint64_t va, unsigned bits, bool upper, bool tbi)
{
	uint64_t high = tbi ? va << 8 >> 8 >> bits : va >> bits;
	uint64_t ones = UINT64_MAX << (tbi ? 8 : 0) >> (tbi ? 8 : 0) >> bits;

	return high == (upper ? ones : 0);
}

/* From the first table down. */
static enum kvm_walk descend(struct as *as, uint64_t table, uint64_t va,
			     unsigned bits, unsigned page, uint64_t *gpa)
{
	struct dma dma = { as };
	unsigned stride = page - 3;
	unsigned levels = (bits - page + stride - 1) / stride;
	unsigned top = bits - page - stride * (levels - 1);     /* index bits */

	table &= 0xffffffffffffull & ~((8ull << top) - 1);
	for (unsigned level = 4 - levels; level < 4; level++) {
		unsigned shift = page + stride * (3 - level);
		unsigned width = level == 4 - levels ? top : stride;
		uint64_t index = va >> shift & ((1ull << width) - 1);
		uint64_t d, low = (1ull << shift) - 1;

		if (dma_load(&dma, table + 8 * index, 8, &d))
			return WALK_FAULT;
		if (!(d & 1) || (level == 3 && !(d & 2)))
			return WALK_FAULT;
		if (level == 3 || !(d & 2)) {           /* page or block */
			*gpa = (d & 0xffffffffffffull & ~low) | (va & low);
			return WALK_OK;
		}
		table = d & 0xffffffffffffull & ~((1ull << page) - 1);
	}
	return WALK_FAULT;
}

enum kvm_walk kvm_walk(const struct kvm_tables *t, uint64_t va, uint64_t *gpa)
{
	bool upper = va >> 55 & 1;
	unsigned page = granule(t->tcr, upper);
	unsigned bits = 64 - (unsigned)(t->tcr >> (upper ? 16 : 0) & 63);

	if (!(t->sctlr & SCTLR_M)) {
		*gpa = va & 0xffffffffffffffull;
		return WALK_OK;
	}
	if (t->tcr >> (upper ? 23 : 7) & 1)             /* EPD1, EPD0 */
		return WALK_FAULT;
	if (!page || bits > 48 || bits <= page + 3)
		return WALK_UNKNOWN;
	if (!in_range(va, bits, upper, ignores_top(t->tcr, upper)))
		return WALK_FAULT;
	return descend(t->as, t->ttbr[upper], va, bits, page, gpa);
}

enum kvm_walk kvm_fetch(const struct kvm_tables *t, uint64_t va, uint32_t *insn)
{
	struct dma dma = { t->as };
	uint64_t gpa, val;
	enum kvm_walk w;

	if (va & 3)
		return WALK_FAULT;
	w = kvm_walk(t, va, &gpa);
	if (w != WALK_OK)
		return w;
	if (dma_load(&dma, gpa, 4, &val))
		return WALK_FAULT;
	*insn = (uint32_t)val;
	return WALK_OK;
}
