/* atomic_slow.c: exclusives and atomics that the fast handlers of atomic.c do
 * not take: TLB misses, base SP, not aligned (FEAT_LSE2 allows that inside 16
 * bytes), Device memory. Works from the instruction word in rec.imm.
 *
 * RAM is changed by a compare-exchange of the aligned 16 bytes around, which
 * is atomic against the fast handlers whatever their size. Device memory gets
 * a load and a store (the architecture allows a fault, or this). */
#include "atomic_ops.h"
#include "mmu.h"

/* as o3:opc of the LSE group, then our own */
enum rmw_kind { ADD, CLR, EOR, SET, SMAX, SMIN, UMAX, UMIN, SWP, CAS };

struct rmw_op {
	enum rmw_kind op;
	unsigned size;                  /* bytes: 1 to 16 */
	u128 val, cmp;                  /* cmp: of CAS */
};

static u128 size_mask(unsigned size)
{
	return size == 16 ? ~(u128)0 : ((u128)1 << size * 8) - 1;
}

static u128 apply(const struct rmw_op *q, u128 old)
{
	unsigned sh = 64 - (q->size & 15) * 8;  /* SMAX..UMIN: up to 8 bytes */
	uint64_t a = (uint64_t)old, b = (uint64_t)q->val;
	int64_t sa = (int64_t)(a << (sh & 63)), sb = (int64_t)(b << (sh & 63));

	switch (q->op) {
	case ADD: return old + q->val;
	case CLR: return old & ~q->val;
	case EOR: return old ^ q->val;
	case SET: return old | q->val;
	case SMAX: return sa > sb ? old : q->val;
	case SMIN: return sa < sb ? old : q->val;
	case UMAX: return a > b ? old : q->val;
	case UMIN: return a < b ? old : q->val;
	case SWP: return q->val;
	case CAS: break;
	}
	return old == q->cmp ? q->val : old;
}

/* Host address for an atomic access, NULL where it is no RAM or not inside 16
 * bytes. With the MMU off RAM is Device, but still RAM. */
static bool atomic_host(struct cpu *c, uint64_t a, unsigned size,
			enum mmu_access acc, unsigned flags, uint8_t **host)
{
	struct mmu_result r;
	void *p;

	if (!mem_host(c, a, size, acc, flags, &p))
		return false;
	if (!p) {
		if (!mmu_translate(c, a, acc, flags, &r))
			return false;
		p = r.host;
	}
	*host = ((uintptr_t)p & 15) + size > 16 ? NULL : p;
	return true;
}

/* Does q at host memory p; returns what was there. */
CX16 static u128 rmw_host(uint8_t *p, const struct rmw_op *q)
{
	u128 *block = (u128 *)((uintptr_t)p & ~(uintptr_t)15);
	unsigned sh = ((uintptr_t)p & 15) * 8;
	u128 mask = size_mask(q->size), seen = atomic_halves16(block), was;

	do {
		was = seen;
		u128 val = apply(q, was >> sh & mask) & mask;

		seen = atomic_cas16(block, was,
				    (was & ~(mask << sh)) | val << sh);
	} while (seen != was);
	return was >> sh & mask;
}

static bool rmw(struct cpu *c, uint64_t a, struct rmw_op *q, u128 *old)
{
	unsigned flags = MEM_EXCL | MEM_ATOMIC;
	uint8_t *p;

	q->val &= size_mask(q->size);
	q->cmp &= size_mask(q->size);
	if (!atomic_host(c, a, q->size, ACC_WRITE, flags, &p))
		return false;
	if (p) {
		*old = rmw_host(p, q);
		return true;
	}
	u128 b = 0;

	if (!mem_load(c, a, q->size, flags, &b))
		return false;
	*old = b;
	b = apply(q, b);
	return mem_store(c, a, q->size, flags, &b);
}

/* ---- exclusives ---------------------------------------------------------- */

static bool load_excl(struct cpu *c, uint64_t a, unsigned size, u128 *val)
{
	*val = 0;
	c->excl_valid = false;
	if (!mem_load(c, a, size, MEM_EXCL, val))
		return false;
	atomic_thread_fence(memory_order_seq_cst);
	c->excl_va = a;
	c->excl_val[0] = (uint64_t)*val;
	c->excl_val[1] = (uint64_t)(*val >> 64);
	c->excl_size = (uint8_t)size;
	c->excl_valid = true;
	return true;
}

/* A bad address faults even where the store would fail (spec/cpu.md 3.6). */
static bool store_excl(struct cpu *c, uint64_t a, unsigned size, u128 val,
		       bool *ok)
{
	bool marked = c->excl_valid && c->excl_va == a && c->excl_size == size;
	struct rmw_op q = { .op = CAS, .size = size };
	uint8_t *p;

	if (!atomic_host(c, a, size, ACC_WRITE, MEM_EXCL, &p))
		return false;
	c->excl_valid = false;
	*ok = marked;
	if (!marked)
		return true;
	if (!p)
		return mem_store(c, a, size, MEM_EXCL, &val);
	q.val = val & size_mask(size);
	q.cmp = ((u128)c->excl_val[1] << 64 | c->excl_val[0]) & size_mask(size);
	*ok = rmw_host(p, &q) == q.cmp;
	return true;
}

bool atomic_excl_lost(const struct cpu *c)
{
	uint64_t a = c->excl_va;
	const struct tlbe *e = TLB_R(c->tlb, a);
	uint64_t o = a - e->va, v;

	if (!c->excl_valid || o > REC_PAGE - c->excl_size)
		return true;
	uint64_t h = e->host + o;

	switch (c->excl_size) {
	case 1: v = host_r8(h); break;
	case 2: v = host_r16(h); break;
	case 4: v = host_r32(h); break;
	case 8: v = host_r64(h); break;
	default:
		return host_r64(h) != c->excl_val[0] ||
		       host_r64(h + 8) != c->excl_val[1];
	}
	return v != c->excl_val[0];
}

/* ---- the instructions ---------------------------------------------------- */

/* Two registers as one value: `first` in the lower half. */
static u128 join(uint64_t first, uint64_t second, unsigned size)
{
	return size == 8 ? (uint32_t)first | second << 32 :
			   (u128)second << 64 | first;
}
static uint64_t first_of(u128 v, unsigned size)
{
	return size == 8 ? (uint32_t)v : (uint64_t)v;
}
static uint64_t second_of(u128 v, unsigned size)
{
	return (uint64_t)(v >> size * 4);
}

/* size:001000:o2:L:o1:Rs:o0:Rt2, o1 meaning pairs where o2 = 0 */
static bool exclusive(struct cpu *c, const struct rec *ip, uint32_t w)
{
	bool load = bits(w, 22, 22), pair = bits(w, 21, 21), ok;
	unsigned size = (1u << bits(w, 31, 30)) * (pair ? 2 : 1);
	uint64_t a = X(rn);
	u128 v;

	if (load) {
		if (!load_excl(c, a, size, &v))
			return false;
		X(rd) = pair ? first_of(v, size) : (uint64_t)v;
		if (pair)
			X(ra) = second_of(v, size);
		return true;
	}
	v = pair ? join(X(rd), X(ra), size) : X(rd);
	if (!store_excl(c, a, size, v, &ok))
		return false;
	X(rm) = !ok;
	return true;
}

static bool cas(struct cpu *c, const struct rec *ip, uint32_t w)
{
	struct rmw_op q = { .op = CAS, .size = 1u << bits(w, 31, 30) };
	u128 old;

	q.val = X(rd);
	q.cmp = X(rm);
	if (!rmw(c, X(rn), &q, &old))
		return false;
	X(ra) = (uint64_t)old;
	return true;
}

static bool casp(struct cpu *c, const struct rec *ip, uint32_t w)
{
	struct rmw_op q = { .op = CAS, .size = 8u << bits(w, 30, 30) };
	u128 old;

	q.val = join(X(rd), c->x[SECOND(ip->rd)], q.size);
	q.cmp = join(X(rm), c->x[SECOND(ip->rm)], q.size);
	if (!rmw(c, X(rn), &q, &old))
		return false;
	X(rm) = first_of(old, q.size);
	c->x[SECOND_DST(ip->rm)] = second_of(old, q.size);
	return true;
}

static bool lse(struct cpu *c, const struct rec *ip, uint32_t w)
{
	struct rmw_op q = { .op = (enum rmw_kind)bits(w, 15, 12),
			    .size = 1u << bits(w, 31, 30) };
	u128 old;

	q.val = X(rm);
	if (!rmw(c, X(rn), &q, &old))
		return false;
	X(rd) = (uint64_t)old;
	return true;
}

static bool atomic(struct cpu *c, const struct rec *ip)
{
	uint32_t w = (uint32_t)ip->imm;

	if (ip->rn == REG_SP && !ldst_sp_check(c))
		return false;
	if (bits(w, 28, 28))
		return lse(c, ip, w);
	if (bits(w, 23, 23))
		return cas(c, ip, w);
	/* CASP has size 0x, LDXP and STXP 1x */
	if (bits(w, 21, 21) && !bits(w, 31, 31))
		return casp(c, ip, w);
	return exclusive(c, ip, w);
}

OP_GLOBAL(atomic_slow)
{
	COUNT_NOW();
	if (!atomic(c, ip))
		GO(raise);
	NEXT_DEVICE();
}
