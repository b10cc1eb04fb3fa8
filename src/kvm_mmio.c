/* kvm_mmio.c: accesses to what is not RAM, on the vCPU's thread.
 *
 * Most come with a description (KVM_EXIT_MMIO). One that the CPU gave no
 * syndrome for (KVM_EXIT_ARM_NISV) is fetched, decoded and done here, register
 * by register; macOS sets its redistributor up so (spec/vmapple.md 1.4). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "as.h"
#include "kvm.h"

#define PSTATE_NRW 0x10u                /* AArch32 */
#define ISS_WNR 0x40u                   /* of a data abort: a store */

/* What nothing answers reads as zero, as with the interpreter (1.1). */
static void hole(struct kvm_cpu *c, uint64_t gpa, bool write, unsigned size)
{
	log_guest(&c->k->log_hole, "cpu%u: %s of %u bytes at 0x%" PRIx64
		  ", where nothing is", c->v->index, write ? "store" : "load",
		  size, gpa);
}

void kvm_mmio(struct kvm_cpu *c)
{
	struct kvm_run *run = c->run;
	uint64_t gpa = run->mmio.phys_addr;
	bool write = run->mmio.is_write;
	struct access a = { .size = (uint8_t)run->mmio.len,
			    .cpu = (uint8_t)c->v->index };

	if (write) {
		c->n_stores++;
		memcpy(&a.val, run->mmio.data, sizeof(a.val));
	} else {
		c->n_loads++;
	}
	if (!as_access(c->k->vm->as, gpa, write, &a)) {
		a.val = 0;
		hole(c, gpa, write, a.size);
	}
	if (!write)
		memcpy(run->mmio.data, &a.val, sizeof(a.val));
}

/* ---- without a syndrome -------------------------------------------------- */

/* A naturally aligned piece of 1, 2, 4 or 8 bytes. */
static void piece(struct kvm_cpu *c, uint64_t gpa, bool write, uint8_t *buf,
		  unsigned size)
{
	struct access a = { .size = (uint8_t)size,
			    .cpu = (uint8_t)c->v->index };

	if (write) {
		memcpy(&a.val, buf, size);
		c->n_stores++;
	} else {
		c->n_loads++;
	}
	if (kvm_gic_holds(c->k, gpa)) {
		if (!kvm_gic_access(c, gpa, write, size, &a.val))
			a.val = 0;
	} else if (!as_access(c->k->vm->as, gpa, write, &a)) {
		a.val = 0;
		hole(c, gpa, write, size);
	}
	if (!write)
		memcpy(buf, &a.val, size);
}

/* `len` bytes at va, each piece as large as its alignment lets it be and at
 * most `unit`. 4096 is the smallest page. */
static enum kvm_walk at_va(struct kvm_cpu *c, const struct kvm_tables *t,
			   uint64_t va, bool write, uint8_t *buf, unsigned len,
			   unsigned unit)
{
	while (len) {
		unsigned size = unit > 8 ? 8 : unit;
		uint64_t gpa;
		enum kvm_walk w = kvm_walk(t, va, &gpa);

		if (w != WALK_OK)
			return w;
		while (size > len || va & (size - 1))
			size /= 2;
		piece(c, gpa, write, buf, size);
		buf += size;
		va += size;
		len -= size;
	}
	return WALK_OK;
}

static int offset_of(const struct kvm_cpu *c, const struct kvm_insn *i,
		     int64_t *off)
{
	uint64_t v = 0;

	if (!i->by_reg) {
		*off = i->off;
		return 0;
	}
	if (i->rm != 31 && kvm_get_x(c, i->rm, &v))     /* 31 is XZR here */
		return -1;
	if (!(i->extend & 1))                           /* UXTW, SXTW */
		v = i->extend & 4 ? (uint64_t)(int64_t)(int32_t)v :
				    (uint32_t)v;
	*off = (int64_t)(v << i->shift);
	return 0;
}

static int source(const struct kvm_cpu *c, const struct kvm_insn *i,
		  unsigned k, uint8_t buf[16])
{
	uint64_t v = 0;

	if (i->simd)
		return kvm_get_v(c, i->rt[k], buf);
	if (i->rt[k] != 31 && kvm_get_x(c, i->rt[k], &v))
		return -1;
	memcpy(buf, &v, 8);
	return 0;
}

/* buf holds zeros behind the element's bytes. */
static int target(struct kvm_cpu *c, const struct kvm_insn *i, unsigned k,
		  const uint8_t buf[16])
{
	unsigned bits = 8u << i->size;
	uint64_t v;

	if (i->simd)
		return kvm_set_v(c, i->rt[k], buf);
	if (i->rt[k] == 31)
		return 0;
	memcpy(&v, buf, 8);
	if (i->sext)
		v = (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
	if (i->sext && !i->to64)
		v = (uint32_t)v;
	return kvm_set_x(c, i->rt[k], v);
}

static enum kvm_walk transfer(struct kvm_cpu *c, const struct kvm_tables *t,
			      const struct kvm_insn *i, uint64_t va)
{
	unsigned bytes = 1u << i->size;
	enum kvm_walk w = WALK_OK;

	for (unsigned k = 0; k < i->n && w == WALK_OK; k++) {
		uint8_t buf[16] = { 0 };

		if (!i->load && source(c, i, k, buf))
			return WALK_UNKNOWN;
		w = at_va(c, t, va + k * bytes, !i->load, buf, bytes, bytes);
		if (w == WALK_OK && i->load && target(c, i, k, buf))
			return WALK_UNKNOWN;
	}
	return w;
}

/* What KVM trapped is what is done, and nothing else: the guest's other CPUs
 * may have changed the instruction since, and with another address or
 * direction a process would go past its kernel's permissions, which nobody
 * looks at here. AGAIN: the guest executes what is there now. */
enum same { SAME, AGAIN, CROSSES, UNKNOWN };

static enum same same_access(const struct kvm_cpu *c,
			     const struct kvm_tables *t,
			     const struct kvm_insn *i, uint64_t va)
{
	uint64_t page = c->run->arm_nisv.fault_ipa >> 12, first, last;
	bool write = c->run->arm_nisv.esr_iss & ISS_WNR;
	uint64_t end = va + ((uint64_t)i->n << i->size) - 1;
	enum kvm_walk w = kvm_walk(t, va, &first);

	if (w == WALK_OK)
		w = kvm_walk(t, end, &last);
	if (w == WALK_UNKNOWN)
		return UNKNOWN;
	if (w != WALK_OK || write == i->load)
		return AGAIN;
	if (first >> 12 != page && last >> 12 != page)
		return AGAIN;
	return first >> 12 == last >> 12 ? SAME : CROSSES;
}

static int address(const struct kvm_cpu *c, const struct kvm_insn *i,
		   uint64_t *va, uint64_t *wback)
{
	uint64_t base;
	int64_t off;

	if (kvm_get_x(c, i->rn, &base) || offset_of(c, i, &off))
		return -1;
	*wback = base + (uint64_t)off;
	*va = i->post ? base : *wback;
	return 0;
}

static bool give_up(struct kvm_cpu *c, uint64_t pc, uint32_t word,
		    const char *why)
{
	uint64_t gpa = c->run->arm_nisv.fault_ipa, off = 0;
	struct device *d = as_find_dev(c->k->vm->as, gpa, &off);
	char text[200];

	snprintf(text, sizeof(text), "cpu%u: the instruction 0x%08x at pc 0x%"
		 PRIx64 " accesses 0x%" PRIx64 " (%s+0x%" PRIx64 "), but %s; "
		 "try --accel interp", c->v->index, word, pc, gpa,
		 d ? d->id : "no device", off, why);
	vm_request(c->k->vm, VM_CRASH, text);
	return false;
}

bool kvm_nisv(struct kvm_cpu *c)
{
	struct kvm_tables t;
	struct kvm_insn i;
	uint64_t pc = 0, pstate = 0, va, wback;
	uint32_t word = 0;

	if (kvm_get_pc(c, &pc) || kvm_get_pstate(c, &pstate) ||
	    kvm_tables(c, &t))
		return give_up(c, pc, word, "KVM hides the registers");
	if (pstate & PSTATE_NRW)
		return give_up(c, pc, word, "it is A32 or T32 code");
	if (kvm_fetch(&t, pc, &word) != WALK_OK)
		return give_up(c, pc, word, "it cannot be read");
	if (!kvm_insn(word, &i))
		return give_up(c, pc, word, "KVM can only do simpler loads "
			       "and stores on devices");
	if (address(c, &i, &va, &wback))
		return give_up(c, pc, word, "KVM hides the registers");
	switch (same_access(c, &t, &i, va)) {
	case AGAIN: return true;
	case CROSSES: return give_up(c, pc, word, "it crosses a page");
	case UNKNOWN: return give_up(c, pc, word, "its addresses cannot be "
				     "translated");
	case SAME: break;
	}
	if (transfer(c, &t, &i, va) != WALK_OK ||
	    (i.wback && kvm_set_x(c, i.rn, wback)) || kvm_next_pc(c))
		return give_up(c, pc, word, "its translation changed");
	return true;
}
