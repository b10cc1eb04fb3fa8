/* mmu.c: translation with its checks, and the slow loads and stores.
 *
 * Arm ARM D8 (translation, permissions), B2.9 (alignment); spec/cpu.md 3. The
 * order of faults is that of spec/cpu.md 3.3: alignment that no memory type
 * changes, walk, permission, alignment by memory type, watchpoint, external
 * abort. Physical addresses where nothing is read as zero and ignore writes
 * (spec/vmapple.md 1.1); only instruction fetches abort there. */
#include <string.h>

#include "iclock.h"
#include "debug.h"
#include "except.h"
#include "mmu_int.h"

#define EC_IABORT 0x20
#define EC_PC_ALIGN 0x22
#define EC_DABORT 0x24
#define ISS_WNR (1u << 6)
#define ISS_CM (1u << 8)

/* A walk whose descriptor is changed by others this often in a row is given
 * up: they may be hostile. */
#define UPDATE_TRIES 64

/* Pages whose descriptors share 64 bytes. */
#define AHEAD 8u

/* One access to one page. */
struct acc {
	enum mmu_access acc;
	unsigned flags, size;
	bool user;                      /* checked as EL0 */
	bool pan;
	bool misaligned;                /* Device memory will not have it */
	bool probe;                     /* leave descriptors alone */
	bool watch;                     /* watchpoints apply */
	bool wnr;                       /* out: an atomic fails as a write */
};

static struct acc acc_of(const struct cpu *c, enum mmu_access acc,
			 unsigned flags)
{
	struct acc a = { .acc = acc, .flags = flags, .size = 1 };

	a.user = c->el == 0 || (flags & MEM_UNPRIV && !(c->pstate & PS_UAO));
	a.pan = !a.user && c->pstate & PS_PAN && !(flags & MEM_CM);
	return a;
}

static unsigned acc_view(const struct acc *a)
{
	return a->user ? TLB_EL0 : a->pan ? TLB_EL1 : TLB_EL1_PAN0;
}

/* Fills in e->host, and whether it is ROM, from e->pa. */
static void find_host(struct cpu *c, struct t2 *e)
{
	uint8_t *host = walk_ram(c, e->pa & ~(uint64_t)PAGE_OFF, PAGE_SIZE);

	e->host = (uint64_t)(uintptr_t)host;
	if (host && c->mmu->ram->rom)
		e->pa |= T2_ROM;
}

/* May the host's memory be accessed for this? Else as_access does it. */
static inline bool direct(const struct t2 *e, bool write)
{
	return e->host && !(write && e->pa & T2_ROM);
}

/* ---- translation ------------------------------------------------------- */

/* Do the permissions `p` (T2_*) allow it? spec/cpu.md 3.3. */
static bool allowed(const struct cpu *c, uint64_t p, enum mmu_access acc,
		    const struct acc *a)
{
	bool user = p & T2_USER, write = !(p & T2_RO);
	bool wxn = c->sr.sctlr & SCTLR_WXN;

	if (acc == ACC_EXEC) {
		if (a->user)
			return !(p & T2_UXN) && !(wxn && user && write);
		return !(p & T2_PXN) && !(write && (user || wxn));
	}
	if (a->user)
		return user && (acc == ACC_READ || write);
	if (a->pan) {
		bool epan = c->sr.sctlr & SCTLR_EPAN &&
			    c->in->model->has[FEAT_PAN3];

		if (user || (epan && !(p & T2_UXN)))
			return false;
	}
	return acc == ACC_READ || write;
}

/* All that can be wrong once the page is known. */
static int check(struct cpu *c, uint64_t va, const struct t2 *e, struct acc *a)
{
	if (a->flags & MEM_ATOMIC && !allowed(c, e->pa, ACC_READ, a))
		return FSC_PERM + (int)walk_level(e);
	if (!allowed(c, e->pa, a->acc, a)) {
		a->wnr = true;
		return FSC_PERM + (int)walk_level(e);
	}
	if (is_device(e->attr) && (a->misaligned || a->flags & MEM_ZVA))
		return FSC_ALIGN;
	if (UNLIKELY(a->watch && debug_watching(c)) &&
	    !debug_watch(c, va, a->size, a->acc, a->flags))
		return FSC_RAISED;
	return FSC_OK;
}

/* MMU off: VA = PA; data is Device-nGnRnE. Arm ARM D8.2.11. */
static int flat(struct cpu *c, uint64_t va, struct acc *a, struct t2 *out)
{
	const struct regime *r = &c->mmu->half[va >> 55 & 1];
	bool exec = a->acc == ACC_EXEC;

	if (exec ? r->tbi_insn : r->tbi)
		va &= (1ull << 56) - 1;
	if (va >> c->in->model->pa_bits)
		return FSC_SIZE;
	*out = (struct t2){
		.page = PAGE_NO(va),
		.pa = (va & ~(uint64_t)PAGE_OFF) | T2_USER,
		.attr = exec ? 0xff : 0, .shift = PAGE_SHIFT,
	};
	find_host(c, out);
	if (exec)
		return FSC_OK;
	if (a->misaligned || a->flags & MEM_ZVA)
		return FSC_ALIGN;
	if (UNLIKELY(a->watch && debug_watching(c)) &&
	    !debug_watch(c, va, a->size, a->acc, a->flags))
		return FSC_RAISED;
	return FSC_OK;
}

/* The page of va, for the access *a. FSC_OK, or what to raise. */
static int translate(struct cpu *c, uint64_t va, struct acc *a, struct t2 *out)
{
	struct mmu_cpu *m = c->mmu;
	unsigned half = va >> 55 & 1;
	const struct regime *r = &m->half[half];
	bool tbi = a->acc == ACC_EXEC ? r->tbi_insn : r->tbi, dirty;
	int64_t top = tbi ? (int64_t)(va << 8) >> 8 : (int64_t)va;
	struct t2 *e;
	struct walk w;
	int fsc;

	if (UNLIKELY(!(c->sr.sctlr & SCTLR_M)))
		return flat(c, va, a, out);
	if (r->start < 0 || top >> (64 - r->tsz) != -(int64_t)half)
		return FSC_TRANS;
	if (a->user && r->e0pd)
		return FSC_TRANS;

	dirty = a->acc == ACC_WRITE && !a->probe && !(a->flags & MEM_CM);
	e = t2_find(m, va);
	/* RAM's data: a walk teaches the walk cache, and the next miss is
	 * mmu_refill()'s */
	if (e && e->host && a->watch && e->shift <= r->reach &&
	    !walk_known(m, walk_entry(m, va, r->reach), va))
		e = NULL;
	if (LIKELY(e != NULL)) {
		fsc = check(c, va, e, a);
		if (fsc != FSC_OK)
			return fsc;
		if (LIKELY(!(dirty && e->pa & T2_CLEAN))) {
			*out = *e;
			return FSC_OK;
		}
	}
	for (unsigned i = 0; i < UPDATE_TRIES; i++) {
		w.e = (struct t2){ 0 };
		fsc = walk_tables(c, va, half, &w);
		if (fsc == FSC_OK)
			fsc = check(c, va, &w.e, a);
		if (fsc != FSC_OK)
			return fsc;
		bool clean = dirty && w.e.pa & T2_CLEAN;

		if (!a->probe && (w.af || clean) && !walk_update(&w, clean))
			continue;
		find_host(c, &w.e);
		if (!w.af)
			t2_insert(m, &w.e);
		*out = w.e;
		return FSC_OK;
	}
	return FSC_AF + (int)walk_level(&w.e);
}

static bool raise(struct cpu *c, uint64_t va, int fsc, const struct acc *a)
{
	uint32_t iss = (uint32_t)fsc;

	if (fsc == FSC_RAISED)
		return false;
	if (a->acc == ACC_EXEC)
		return exc_raise_far(c, ESR(EC_IABORT + c->el, iss), va);
	if (a->flags & MEM_CM)
		iss |= ISS_CM | ISS_WNR;
	else if (a->flags & MEM_ATOMIC ? a->wnr : a->acc == ACC_WRITE)
		iss |= ISS_WNR;
	return exc_raise_far(c, ESR(EC_DABORT + c->el, iss), va);
}

static void result(struct mmu_result *res, const struct t2 *e, uint64_t va)
{
	uint64_t off = va & PAGE_OFF;

	res->pa = (e->pa & ~(uint64_t)PAGE_OFF) | off;
	res->attr = e->attr;
	res->sh = e->pa / T2_SH & 3;
	res->guarded = e->pa & T2_GP;
	res->host = e->host ? (uint8_t *)(uintptr_t)e->host + off : NULL;
}

bool mmu_translate(struct cpu *c, uint64_t va, enum mmu_access acc,
		   unsigned flags, struct mmu_result *res)
{
	struct acc a = acc_of(c, acc, flags);
	struct t2 e;
	int fsc = translate(c, va, &a, &e);

	if (fsc != FSC_OK)
		return raise(c, va, fsc, &a);
	result(res, &e, va);
	return true;
}

bool mmu_fetch(struct cpu *c, uint64_t va, struct mmu_result *res)
{
	struct acc a = acc_of(c, ACC_EXEC, 0);
	struct t2 e;
	int fsc;

	if (va & 3)
		return exc_raise_far(c, ESR(EC_PC_ALIGN, 0), va);
	fsc = translate(c, va, &a, &e);
	if (fsc == FSC_OK && !e.host)
		fsc = FSC_EXT;
	if (fsc != FSC_OK)
		return raise(c, va, fsc, &a);
	c->tlb->used = true;
	if (e.pa & T2_NG) {
		c->tlb->ng_code |=
			1ull << (va >> PAGE_SHIFT & (CODE_TLB_SIZE - 1));
		c->mmu->any_ng = true;
	}
	result(res, &e, va);
	return true;
}

uint64_t mmu_branch_tbi(const struct cpu *c, uint64_t va)
{
	unsigned half = va >> 55 & 1;
	bool tbi = c->sr.tcr >> (37 + half) & 1;
	bool tbid = c->sr.tcr >> (51 + half) & 1 &&
		    c->in->model->has[FEAT_PAuth];

	return tbi && !tbid ? (uint64_t)((int64_t)(va << 8) >> 8) : va;
}

bool mmu_look(struct cpu *c, uint64_t va, uint64_t *pa)
{
	struct acc a = { .acc = ACC_READ, .size = 1, .probe = true };
	struct t2 e;

	if (translate(c, va, &a, &e) != FSC_OK)
		return false;
	*pa = (e.pa & ~(uint64_t)PAGE_OFF) | (va & PAGE_OFF);
	return true;
}

/* spec/cpu.md 3.8: bit 11 is RES1; a fault has F, FST; else NS is set. An
 * external abort on the walk is taken, as one of cache maintenance would be
 * (Arm ARM D8.15, synchronous faults generated by AT). */
bool mmu_at(struct cpu *c, uint64_t va, bool write, bool el0, bool pan)
{
	struct acc a = {
		.acc = write ? ACC_WRITE : ACC_READ, .size = 1, .user = el0,
		.pan = pan && !el0 && c->pstate & PS_PAN, .probe = true,
	};
	struct t2 e;
	int fsc = translate(c, va, &a, &e);
	uint64_t sh, attr;

	if (fsc >= FSC_EXT_WALK && fsc <= FSC_EXT_WALK + 3) {
		a.flags = MEM_CM;
		return raise(c, va, fsc, &a);
	}
	if (fsc != FSC_OK) {
		c->sr.par = 1ull << 11 | (uint64_t)fsc << 1 | 1;
		return true;
	}
	attr = e.attr;
	sh = e.pa / T2_SH & 3;
	if (is_device(e.attr)) {
		attr &= 0x0c;
		sh = 2;
	} else if (attr == 0x44) {
		sh = 2;
	}
	c->sr.par = attr << 56 | (e.pa & ~(uint64_t)PAGE_OFF) | 1ull << 11 |
		    1ull << 9 | sh << 7;
	return true;
}

/* ---- alignment --------------------------------------------------------- */

/* What an access of this kind has to be aligned to, where that matters. */
static inline unsigned unit_of(unsigned size, unsigned flags)
{
	if (flags & (MEM_NOALIGN | MEM_ZVA))
		return 1;
	if (flags & (MEM_EXCL | MEM_ATOMIC))
		return size;
	return flags & MEM_PAIR ? size / 2 : size;
}

/* Does it fault whatever the memory is? spec/cpu.md 3.5. */
static bool align_fault(const struct cpu *c, uint64_t va, unsigned size,
			unsigned flags)
{
	bool lse2 = c->in->model->has[FEAT_LSE2];
	bool inside = (va & 15) + size <= 16;

	if (!(va & (unit_of(size, flags) - 1)))
		return false;
	if (c->sr.sctlr & SCTLR_A)
		return true;
	if (flags & (MEM_EXCL | MEM_ATOMIC))
		return !lse2 || !inside;
	if (flags & MEM_ORDERED)
		return !lse2 || (!inside && !(c->sr.sctlr & SCTLR_nAA));
	return false;
}

/* ---- memory ------------------------------------------------------------ */

typedef uint16_t any16 __attribute__((aligned(1), may_alias));
typedef uint32_t any32 __attribute__((aligned(1), may_alias));
typedef uint64_t any64 __attribute__((aligned(1), may_alias));
typedef uint64_t vec16 __attribute__((vector_size(16), may_alias));

/* Guest memory is read and written by one host access of exactly the size,
 * so that aligned ones do not tear; aligned 16 bytes too (LSE2). */
static inline void ram_load(void *val, uint64_t host, unsigned size)
{
	const volatile void *p = (const volatile void *)(uintptr_t)host;

	switch (size) {
	case 1: *(uint8_t *)val = *(const volatile uint8_t *)p; break;
	case 2: *(any16 *)val = *(const volatile any16 *)p; break;
	case 4: *(any32 *)val = *(const volatile any32 *)p; break;
	case 8: *(any64 *)val = *(const volatile any64 *)p; break;
	case 16:
		if (!(host & 15)) {
			vec16 v = *(const volatile vec16 *)p;

			memcpy(val, &v, 16);
			break;
		}
		((any64 *)val)[0] = ((const volatile any64 *)p)[0];
		((any64 *)val)[1] = ((const volatile any64 *)p)[1];
		break;
	default:
		for (unsigned i = 0; i < size; i++)
			((uint8_t *)val)[i] = ((const volatile uint8_t *)p)[i];
	}
}

static inline void ram_store(uint64_t host, const void *val, unsigned size)
{
	volatile void *p = (volatile void *)(uintptr_t)host;

	switch (size) {
	case 1: *(volatile uint8_t *)p = *(const uint8_t *)val; break;
	case 2: *(volatile any16 *)p = *(const any16 *)val; break;
	case 4: *(volatile any32 *)p = *(const any32 *)val; break;
	case 8: *(volatile any64 *)p = *(const any64 *)val; break;
	case 16:
		if (!(host & 15)) {
			vec16 v;

			memcpy(&v, val, 16);
			*(volatile vec16 *)p = v;
			break;
		}
		((volatile any64 *)p)[0] = ((const any64 *)val)[0];
		((volatile any64 *)p)[1] = ((const any64 *)val)[1];
		break;
	default:
		for (unsigned i = 0; i < size; i++)
			((volatile uint8_t *)p)[i] = ((const uint8_t *)val)[i];
	}
}

/* `len` bytes at pa, in accesses of at most `unit` bytes. */
static void mmio(struct cpu *c, uint64_t pa, void *buf, unsigned len,
		 unsigned unit, bool write)
{
	uint8_t *p = buf;

	while (len) {
		unsigned n = unit > 8 ? 8 : unit;

		while (n > len)
			n /= 2;
		struct access a = { .size = (uint8_t)n, .cpu = c->index };

		if (write)
			memcpy(&a.val, p, n);
		c->n_mmio++;
		if (c->in->iclock)
			iclock_device(c);
		if (!as_access(c->in->as, pa, write, &a)) {
			a.val = 0;
			log_guest(&c->mmu->log_hole,
				  "cpu%u: %s of %u bytes at 0x%llx, where "
				  "nothing is", c->index,
				  write ? "store" : "load", n,
				  (unsigned long long)pa);
		}
		if (!write)
			memcpy(p, &a.val, n);
		p += n;
		pa += n;
		len -= n;
	}
}

static void piece(struct cpu *c, const struct t2 *e, uint64_t va, void *buf,
		  unsigned len, unsigned unit, bool write)
{
	uint64_t off = va & PAGE_OFF;

	if (UNLIKELY(!direct(e, write)))
		mmio(c, (e->pa & ~(uint64_t)PAGE_OFF) + off, buf, len, unit,
		     write);
	else if (write)
		ram_store(e->host + off, buf, len);
	else
		ram_load(buf, e->host + off, len);
}

/* May the page be in the inline TLB? With the MMU off all is Device, but then
 * only aligned accesses are looked up there (CTX_ALIGN). */
static bool may_fill(const struct cpu *c, uint64_t va, const struct t2 *e,
		     bool write)
{
	if (!direct(e, write) || (is_device(e->attr) && c->sr.sctlr & SCTLR_M))
		return false;
	return LIKELY(!debug_watching(c)) ||
	       !debug_watched(c, va & ~(uint64_t)PAGE_OFF, PAGE_SIZE);
}

/* Memory is walked through where the page before this one was the last to be
 * filled. Then the next ones are put into the inline TLB too, those whose
 * descriptors lie in the same 64 bytes, as far as nothing has to be done to
 * them. */
static void fill_ahead(struct cpu *c, uint64_t va, const struct acc *a,
		       bool write)
{
	unsigned view = acc_view(a), half = va >> 55 & 1;
	uint64_t page = va & ~(uint64_t)PAGE_OFF;
	uint64_t *last = &c->mmu->last_fill[write], before = *last;

	*last = page;
	if (before != page - PAGE_SIZE || !(c->sr.sctlr & SCTLR_M))
		return;
	while ((page += PAGE_SIZE) & (AHEAD - 1) * PAGE_SIZE) {
		struct walk w = { .e = { 0 } };

		if (walk_tables(c, page, half, &w) != FSC_OK || w.af ||
		    (write && w.e.pa & T2_CLEAN) ||
		    !allowed(c, w.e.pa, a->acc, a))
			return;
		find_host(c, &w.e);
		if (!may_fill(c, page, &w.e, write))
			return;
		tlb_fill(c, view, page, &w.e, write);
		*last = page;
	}
}

/* Both pages are checked before either is touched, then, because checking a
 * write may set dirty state, once more to do that. */
static bool access_two(struct cpu *c, uint64_t va, unsigned size, void *buf,
		       struct acc *a, bool write, unsigned unit)
{
	unsigned n = PAGE_SIZE - (va & PAGE_OFF);
	uint64_t at[2] = { va, va + n };
	unsigned len[2] = { n, size - n };
	struct t2 e[2];

	for (int commit = 0; commit < 2; commit++) {
		a->probe = !commit;
		for (int i = 0; i < 2; i++) {
			a->size = len[i];
			int fsc = translate(c, at[i], a, &e[i]);

			if (fsc != FSC_OK)
				return raise(c, at[i], fsc, a);
		}
	}
	piece(c, &e[0], at[0], buf, len[0], unit, write);
	piece(c, &e[1], at[1], (uint8_t *)buf + n, len[1], unit, write);
	return true;
}

static bool access_slow(struct cpu *c, uint64_t va, unsigned size,
			unsigned flags, void *buf, bool write)
{
	struct acc a = acc_of(c, write ? ACC_WRITE : ACC_READ, flags);
	unsigned unit = unit_of(size, flags);
	struct t2 e;
	int fsc;

	a.watch = true;
	a.misaligned = va & (unit - 1);
	if (a.misaligned && align_fault(c, va, size, flags))
		return raise(c, va, FSC_ALIGN, &a);
	/* what a device sees: an exclusive pair is two accesses as well */
	if (flags & MEM_PAIR)
		unit = size / 2;
	if ((va & PAGE_OFF) + size > PAGE_SIZE)
		return access_two(c, va, size, buf, &a, write, unit);
	a.size = size;
	fsc = translate(c, va, &a, &e);
	if (fsc != FSC_OK)
		return raise(c, va, fsc, &a);
	if (may_fill(c, va, &e, write)) {
		tlb_fill(c, acc_view(&a), va, &e, write);
		fill_ahead(c, va, &a, write);
	}
	piece(c, &e, va, buf, size, unit, write);
	return true;
}

static inline const struct tlb *view_of(const struct cpu *c, unsigned flags)
{
	if (flags & MEM_UNPRIV && !(c->pstate & PS_UAO))
		return &c->views[TLB_EL0];
	return c->tlb;
}

/* Needs this access no look at its alignment, given that its page is in the
 * inline TLB? */
static inline bool aligned(const struct tlb *t, uint64_t va, unsigned size,
			   unsigned flags)
{
	if (!(va & (unit_of(size, flags) - 1)))
		return true;
	return !(t->ctx & CTX_ALIGN) &&
	       !(flags & (MEM_ORDERED | MEM_EXCL | MEM_ATOMIC));
}

bool mem_load(struct cpu *c, uint64_t va, unsigned size, unsigned flags,
	      void *val)
{
	const struct tlb *t = view_of(c, flags);
	const struct tlbe *e = &t->r[va >> PAGE_SHIFT & (TLB_SIZE - 1)];
	uint64_t off = va - e->va;

	if (LIKELY(off <= PAGE_SIZE - size) && aligned(t, va, size, flags)) {
		ram_load(val, e->host + off, size);
		return true;
	}
	return access_slow(c, va, size, flags, val, false);
}

bool mem_store(struct cpu *c, uint64_t va, unsigned size, unsigned flags,
	       const void *val)
{
	const struct tlb *t = view_of(c, flags);
	const struct tlbe *e = &t->w[va >> PAGE_SHIFT & (TLB_SIZE - 1)];
	uint64_t off = va - e->va;

	if (LIKELY(off <= PAGE_SIZE - size) && aligned(t, va, size, flags)) {
		ram_store(e->host + off, val, size);
		return true;
	}
	return access_slow(c, va, size, flags, (void *)(uintptr_t)val, true);
}

bool mem_host(struct cpu *c, uint64_t va, unsigned size, enum mmu_access acc,
	      unsigned flags, void **host)
{
	struct acc a = acc_of(c, acc, flags);
	bool bytewise = flags & MEM_NOALIGN;
	struct t2 e;
	int fsc;

	*host = NULL;
	a.watch = true;
	a.size = size;
	a.misaligned = va & (unit_of(size, flags) - 1);
	if (a.misaligned && align_fault(c, va, size, flags))
		return raise(c, va, FSC_ALIGN, &a);
	if ((va & PAGE_OFF) + size > PAGE_SIZE)
		return true;
	fsc = translate(c, va, &a, &e);
	if (fsc != FSC_OK)
		return raise(c, va, fsc, &a);
	if (!direct(&e, acc == ACC_WRITE) ||
	    (bytewise && (is_device(e.attr) || c->sr.sctlr & SCTLR_A)))
		return true;
	if (may_fill(c, va, &e, acc == ACC_WRITE))
		tlb_fill(c, acc_view(&a), va, &e, acc == ACC_WRITE);
	*host = (void *)(uintptr_t)(e.host + (va & PAGE_OFF));
	return true;
}
