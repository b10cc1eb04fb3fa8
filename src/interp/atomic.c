/* atomic.c: exclusives, CAS, CASP, SWP, LD<op>; acquire and release accesses.
 * Arm ARM C3.2.6-13, C4.1.94; spec/cpu.md 3.5, 3.6.
 *
 * Fast handlers work by host atomics on aligned host addresses. The exclusive
 * monitor remembers address, size and value of the load; the store is a
 * compare-exchange against that value (A-B-A passes, spec/cpu.md 3.6). Orders
 * are two: none, or sequentially consistent for any of acquire and release;
 * on x86 every locked operation is the latter anyway. STLR is so too, since a
 * later LDAR must not pass it. What is not aligned, missing in the TLB, or no
 * RAM goes to op_atomic_slow (atomic_slow.c), which decodes rec.imm, the
 * instruction word. Base SP does so always.
 *
 * A machine's only CPU (cpu_model.alone) needs none of that: no one else changes
 * words that it changes so. Devices write their own parts of memory, and what
 * orders a guest's accesses with theirs is DMB, which stays a full barrier. */
#include "atomic_ops.h"

#define SIZES(F, ...) \
	F(b, uint8_t, int8_t, __VA_ARGS__) F(h, uint16_t, int16_t, __VA_ARGS__) \
	F(w, uint32_t, int32_t, __VA_ARGS__) F(x, uint64_t, int64_t, __VA_ARGS__)
#define RLX __ATOMIC_RELAXED
#define SEQ __ATOMIC_SEQ_CST
/* op_<name>_<size>_<order>: r relaxed, o ordered, u the only CPU's; tables
 * [size][ORDER] */
#define TABLE(n) { TABLE1(n##_b), TABLE1(n##_h), TABLE1(n##_w), TABLE1(n##_x) }
#define TABLE1(n) { op_##n##_r, op_##n##_o, op_##n##_u }
enum { ORDERS = 3 };
#define ORDER(d, ordered) ((d)->model->alone ? 2 : (ordered))
#define EACH_ORDER(F) SIZES(F, r) SIZES(F, o) SIZES(F, u)

#define LOAD_r(p) __atomic_load_n(p, RLX)
#define LOAD_o(p) __atomic_load_n(p, SEQ)
#define LOAD_u(p) LOAD_r(p)
/* What was there comes to `old`; is it what was there? */
#define CMPXCHG_r(p, old, v) \
	__atomic_compare_exchange_n(p, &(old), v, false, RLX, RLX)
#define CMPXCHG_o(p, old, v) \
	__atomic_compare_exchange_n(p, &(old), v, false, SEQ, RLX)
#define CMPXCHG_u(p, old, v) \
	(*(p) == (old) ? (*(p) = (v), true) : ((old) = *(p), false))
/* Puts f(what was there, v) there; returns what was there. */
#define FETCH_r(f, p, v) __atomic_fetch_##f(p, v, RLX)
#define FETCH_o(f, p, v) __atomic_fetch_##f(p, v, SEQ)
#define FETCH_u(f, p, v) ({ \
	__typeof__(*(p)) fetch_was = *(p); \
	*(p) = (__typeof__(fetch_was))FETCH_##f(fetch_was, v); \
	fetch_was; \
})
#define FETCH_add(a, b) ((a) + (b))
#define FETCH_and(a, b) ((a) & (b))
#define FETCH_xor(a, b) ((a) ^ (b))
#define FETCH_or(a, b) ((a) | (b))
#define SWAP_r(p, v) __atomic_exchange_n(p, v, RLX)
#define SWAP_o(p, v) __atomic_exchange_n(p, v, SEQ)
#define SWAP_u(p, v) ({ __typeof__(*(p)) swap_was = *(p); *(p) = (v); swap_was; })
#define PICK(d, h) \
	((d)->ctx & CTX_ALIGN || (d)->rn == REG_SP ? op_atomic_slow : (h))

/* ---- LDXR, STXR --------------------------------------------------------- */

#define LDXR_OP(s, T, S, o) \
OP(ldxr_##s##_##o) { \
	uint64_t a = X(rn); \
	PROBE_ALIGNED(TLB_R, TLB, a, sizeof(T), 0, atomic_slow); \
	T v = LOAD_##o((T *)h); \
	c->excl_va = a; \
	c->excl_val[0] = v; \
	c->excl_size = sizeof(T); \
	c->excl_valid = true; \
	X(rd) = v; \
	NEXT(1); \
}
EACH_ORDER(LDXR_OP)

#define MONITOR_OPEN(a, size) \
	(!c->excl_valid || c->excl_va != (a) || c->excl_size != (size))

#define STXR_OP(s, T, S, o) \
OP(stxr_##s##_##o) { \
	uint64_t a = X(rn); \
	PROBE_ALIGNED(TLB_W, TLB, a, sizeof(T), MONITOR_OPEN(a, sizeof(T)), \
		      atomic_slow); \
	T *p = (T *)h, old = (T)c->excl_val[0]; \
	bool ok = CMPXCHG_##o(p, old, (T)X(rd)); \
	c->excl_valid = false; \
	X(rm) = !ok; \
	NEXT(1); \
}
EACH_ORDER(STXR_OP)

/* Pairs of W are one 8-byte access, pairs of X are 16 bytes. The halves of
 * LDXP need not be read together: STXP compares both. */
OP(ldxp_w)
{
	uint64_t a = X(rn);
	PROBE_ALIGNED(TLB_R, TLB, a, 8, 0, atomic_slow);
	uint64_t v = __atomic_load_n((uint64_t *)h, SEQ);
	c->excl_va = a;
	c->excl_val[0] = v;
	c->excl_size = 8;
	c->excl_valid = true;
	X(rd) = (uint32_t)v;
	X(ra) = v >> 32;
	NEXT(1);
}
OP(ldxp_x)
{
	uint64_t a = X(rn);
	PROBE_ALIGNED(TLB_R, TLB, a, 16, 0, atomic_slow);
	uint64_t lo = __atomic_load_n((uint64_t *)h, SEQ);
	uint64_t hi = __atomic_load_n((uint64_t *)(h + 8), SEQ);
	c->excl_va = a;
	c->excl_val[0] = lo;
	c->excl_val[1] = hi;
	c->excl_size = 16;
	c->excl_valid = true;
	X(rd) = lo;
	X(ra) = hi;
	NEXT(1);
}
OP(stxp_w)
{
	uint64_t a = X(rn);
	PROBE_ALIGNED(TLB_W, TLB, a, 8, MONITOR_OPEN(a, 8), atomic_slow);
	uint64_t old = c->excl_val[0];
	uint64_t val = (uint32_t)X(rd) | X(ra) << 32;
	bool ok = __atomic_compare_exchange_n((uint64_t *)h, &old, val, false,
					      SEQ, RLX);
	c->excl_valid = false;
	X(rm) = !ok;
	NEXT(1);
}
CX16 OP(stxp_x)
{
	uint64_t a = X(rn);
	PROBE_ALIGNED(TLB_W, TLB, a, 16, MONITOR_OPEN(a, 16), atomic_slow);
	u128 old = (u128)c->excl_val[1] << 64 | c->excl_val[0];
	u128 val = (u128)X(ra) << 64 | X(rd);
	bool ok = atomic_cas16((u128 *)h, old, val) == old;
	c->excl_valid = false;
	X(rm) = !ok;
	NEXT(1);
}

op_fn *dec_ldxr(struct dec *d)
{
	static op_fn *const t[4][ORDERS] = TABLE(ldxr);

	d->r->rd = slot_zd(d->rd);
	d->r->rn = slot_sp(d->rn);
	return PICK(d, t[bits(d->w, 31, 30)][ORDER(d, bits(d->w, 15, 15))]);
}
/* Rs the same as Rt or Rn is CONSTRAINED UNPREDICTABLE: stores as if not. */
op_fn *dec_stxr(struct dec *d)
{
	static op_fn *const t[4][ORDERS] = TABLE(stxr);

	d->r->rn = slot_sp(d->rn);
	d->r->rm = slot_zd(d->rm);
	return PICK(d, t[bits(d->w, 31, 30)][ORDER(d, bits(d->w, 15, 15))]);
}
op_fn *dec_ldxp(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	d->r->ra = slot_zd(d->ra);
	d->r->rn = slot_sp(d->rn);
	return PICK(d, bits(d->w, 30, 30) ? op_ldxp_x : op_ldxp_w);
}
op_fn *dec_stxp(struct dec *d)
{
	d->r->rn = slot_sp(d->rn);
	d->r->rm = slot_zd(d->rm);
	return PICK(d, bits(d->w, 30, 30) ? op_stxp_x : op_stxp_w);
}

/* ---- CAS, CASP ----------------------------------------------------------- */

/* rm: Rs as a source, ra: as a destination */
#define CAS_OP(s, T, S, o) \
OP(cas_##s##_##o) { \
	uint64_t a = X(rn); \
	PROBE_ALIGNED(TLB_W, TLB, a, sizeof(T), 0, atomic_slow); \
	T *p = (T *)h, old = (T)X(rm); \
	(void)CMPXCHG_##o(p, old, (T)X(rd)); \
	X(ra) = old; \
	NEXT(1); \
}
EACH_ORDER(CAS_OP)

OP(casp_w)
{
	uint64_t a = X(rn);
	PROBE_ALIGNED(TLB_W, TLB, a, 8, 0, atomic_slow);
	uint64_t old = (uint32_t)X(rm) | c->x[SECOND(ip->rm)] << 32;
	uint64_t val = (uint32_t)X(rd) | c->x[SECOND(ip->rd)] << 32;
	__atomic_compare_exchange_n((uint64_t *)h, &old, val, false, SEQ, RLX);
	X(rm) = (uint32_t)old;
	c->x[SECOND_DST(ip->rm)] = old >> 32;
	NEXT(1);
}
CX16 OP(casp_x)
{
	uint64_t a = X(rn);
	PROBE_ALIGNED(TLB_W, TLB, a, 16, 0, atomic_slow);
	u128 old = (u128)c->x[SECOND(ip->rm)] << 64 | X(rm);
	u128 val = (u128)c->x[SECOND(ip->rd)] << 64 | X(rd);
	old = atomic_cas16((u128 *)h, old, val);
	X(rm) = (uint64_t)old;
	c->x[SECOND_DST(ip->rm)] = (uint64_t)(old >> 64);
	NEXT(1);
}

op_fn *dec_cas(struct dec *d)
{
	static op_fn *const t[4][ORDERS] = TABLE(cas);

	d->r->rn = slot_sp(d->rn);
	d->r->ra = slot_zd(d->rm);
	return PICK(d, t[bits(d->w, 31, 30)]
			[ORDER(d, bits(d->w, 22, 22) | bits(d->w, 15, 15))]);
}
op_fn *dec_casp(struct dec *d)
{
	if ((d->rm | d->rd) & 1)
		return NULL;
	d->r->rn = slot_sp(d->rn);
	return PICK(d, bits(d->w, 30, 30) ? op_casp_x : op_casp_w);
}

/* ---- LD<op>, ST<op>, SWP ------------------------------------------------- */

/* rm: operand, rd: destination of the old value */
#define RMW_OP(name, s, T, o, fetch) \
OP(name##_##s##_##o) { \
	uint64_t a = X(rn); \
	PROBE_ALIGNED(TLB_W, TLB, a, sizeof(T), 0, atomic_slow); \
	T *p = (T *)h, v = (T)X(rm); \
	X(rd) = (T)fetch; \
	NEXT(1); \
}
#define ADD_OP(s, T, S, o) RMW_OP(ldadd, s, T, o, FETCH_##o(add, p, v))
#define CLR_OP(s, T, S, o) RMW_OP(ldclr, s, T, o, FETCH_##o(and, p, (T)~v))
#define EOR_OP(s, T, S, o) RMW_OP(ldeor, s, T, o, FETCH_##o(xor, p, v))
#define SET_OP(s, T, S, o) RMW_OP(ldset, s, T, o, FETCH_##o(or, p, v))
#define SWP_OP(s, T, S, o) RMW_OP(swp, s, T, o, SWAP_##o(p, v))
/* keeps the old value where `old cmp v` holds */
#define KEEP_OP(name, s, T, C, cmp, o) \
OP(name##_##s##_##o) { \
	uint64_t a = X(rn); \
	PROBE_ALIGNED(TLB_W, TLB, a, sizeof(T), 0, atomic_slow); \
	T *p = (T *)h, v = (T)X(rm), old = __atomic_load_n(p, RLX); \
	while (!CMPXCHG_##o(p, old, (C)old cmp (C)v ? old : v)) \
		; \
	X(rd) = old; \
	NEXT(1); \
}
#define SMAX_OP(s, T, S, o) KEEP_OP(ldsmax, s, T, S, >, o)
#define SMIN_OP(s, T, S, o) KEEP_OP(ldsmin, s, T, S, <, o)
#define UMAX_OP(s, T, S, o) KEEP_OP(ldumax, s, T, T, >, o)
#define UMIN_OP(s, T, S, o) KEEP_OP(ldumin, s, T, T, <, o)
/* where nobody wants the old value, x86 needs no loop */
#define DROP_OP(name, s, T, o, f) \
OP(name##_##s##_##o) { \
	uint64_t a = X(rn); \
	PROBE_ALIGNED(TLB_W, TLB, a, sizeof(T), 0, atomic_slow); \
	T *p = (T *)h, v = (T)X(rm); \
	(void)f; \
	NEXT(1); \
}
#define STCLR_OP(s, T, S, o) DROP_OP(stclr, s, T, o, FETCH_##o(and, p, (T)~v))
#define STEOR_OP(s, T, S, o) DROP_OP(steor, s, T, o, FETCH_##o(xor, p, v))
#define STSET_OP(s, T, S, o) DROP_OP(stset, s, T, o, FETCH_##o(or, p, v))

EACH_ORDER(ADD_OP)
EACH_ORDER(CLR_OP)
EACH_ORDER(EOR_OP)
EACH_ORDER(SET_OP)
EACH_ORDER(SMAX_OP)
EACH_ORDER(SMIN_OP)
EACH_ORDER(UMAX_OP)
EACH_ORDER(UMIN_OP)
EACH_ORDER(SWP_OP)
EACH_ORDER(STCLR_OP)
EACH_ORDER(STEOR_OP)
EACH_ORDER(STSET_OP)

op_fn *dec_lse(struct dec *d)
{
	/* by o3:opc */
	static op_fn *const t[9][4][ORDERS] = {
		TABLE(ldadd), TABLE(ldclr), TABLE(ldeor), TABLE(ldset),
		TABLE(ldsmax), TABLE(ldsmin), TABLE(ldumax), TABLE(ldumin),
		TABLE(swp),
	};
	static op_fn *const drop[3][4][ORDERS] = {
		TABLE(stclr), TABLE(steor), TABLE(stset),
	};
	unsigned op = bits(d->w, 15, 12), size = bits(d->w, 31, 30);
	unsigned ord = ORDER(d, bits(d->w, 23, 23) | bits(d->w, 22, 22));

	if (op > 8)
		return NULL;
	d->r->rd = slot_zd(d->rd);
	d->r->rn = slot_sp(d->rn);
	if (d->rd == 31 && op >= 1 && op <= 3)
		return PICK(d, drop[op - 1][size][ord]);
	return PICK(d, t[op][size][ord]);
}
