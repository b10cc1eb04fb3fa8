/* ldst_struct.c: LD1-LD4, ST1-ST4: multiple structures, one lane, replicate.
 * Arm ARM C4.1.94.1-4; spec/cpu.md 3.5 (alignment by the element).
 *
 * Record: rd the first vector, rn the base, rm the index register or
 * REG_ZERO, imm the packed operands below. Post-index adds both rm and
 * S_POST, of which the unused ones are 0; without writeback both are, and the
 * base is written back unchanged. Base SP goes to the slow handler. */
#include "ldst.h"
#include "mmu.h"

/* imm */
#define S_POST(i) ((uint8_t)(i))        /* bytes to add */
#define S_SELEM(i) ((unsigned)(i) >> 8 & 7)     /* elements of a structure */
#define S_REGS(i) ((unsigned)(i) >> 11 & 7)     /* registers */
#define S_LOG(i) ((unsigned)(i) >> 14 & 3)      /* log2 element size */
#define S_Q(i) ((unsigned)(i) >> 16 & 1)
#define S_LANE(i) ((unsigned)(i) >> 17 & 15)
#define S_SINGLE (1 << 21)
#define S_REPL (1 << 22)
#define S_LOAD (1 << 23)

#define POST() (X(rn) = a + X(rm) + S_POST(ip->imm))
#define VN(i) (c->v[(ip->rd + (i)) & 31])

OP_DECL(struct_slow);

/* ---- elements ---------------------------------------------------------- */

static inline uint64_t lane_get(const vreg *v, unsigned log, unsigned i)
{
	return log == 0 ? v->b[i] : log == 1 ? v->h[i] :
	       log == 2 ? v->s[i] : v->d[i];
}
static inline void lane_set(vreg *v, unsigned log, unsigned i, uint64_t x)
{
	if (log == 0)
		v->b[i] = (uint8_t)x;
	else if (log == 1)
		v->h[i] = (uint16_t)x;
	else if (log == 2)
		v->s[i] = (uint32_t)x;
	else
		v->d[i] = x;
}
static inline uint64_t elem_get(uint64_t h, unsigned log)
{
	return log == 0 ? host_r8(h) : log == 1 ? host_r16(h) :
	       log == 2 ? host_r32(h) : host_r64(h);
}
static inline void elem_set(uint64_t h, unsigned log, uint64_t x)
{
	if (log == 0)
		host_w8(h, x);
	else if (log == 1)
		host_w16(h, x);
	else if (log == 2)
		host_w32(h, x);
	else
		host_w64(h, x);
}
/* x in every element */
static inline v2u64 replicate(uint64_t x, unsigned log, bool q)
{
	static const uint64_t ones[4] = {
		0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1,
	};

	x *= ones[log];
	return (v2u64){ x, q ? x : 0 };
}
/* v with lane i := x; the register is written whole (see ldst.h) */
static inline v2u64 insert(const vreg *v, unsigned log, unsigned i, uint64_t x)
{
	unsigned bit = i << log << 3, sh = bit & 63;
	uint64_t m = (log == 3 ? ~0ull : (1ull << (8 << (log & 3))) - 1) << sh;
	uint64_t lo = v->d[0], hi = v->d[1];

	x <<= sh;
	return bit < 64 ? (v2u64){ (lo & ~m) | x, hi } :
			  (v2u64){ lo, (hi & ~m) | x };
}

/* LD2-LD4, ST2-ST4, LD1, ST1: between memory at h and registers. */
static inline void load_multi(struct cpu *c, const struct rec *ip, uint64_t h,
			      unsigned n, unsigned log)
{
	unsigned lanes = (8u << S_Q(ip->imm)) >> log;
	vreg v[4] = { { .d = { 0, 0 } } };

	for (unsigned i = 0; i < lanes; i++)
		for (unsigned s = 0; s < n; s++, h += 1u << log)
			lane_set(&v[s], log, i, elem_get(h, log));
	for (unsigned s = 0; s < n; s++)
		VN(s).vd = v[s].vd;
}
static inline void store_multi(struct cpu *c, const struct rec *ip, uint64_t h,
			       unsigned n, unsigned log)
{
	unsigned lanes = (8u << S_Q(ip->imm)) >> log;

	for (unsigned i = 0; i < lanes; i++)
		for (unsigned s = 0; s < n; s++, h += 1u << log)
			elem_set(h, log, lane_get(&VN(s), log, i));
}

/* ---- fast: multiple structures ----------------------------------------- */

#define LD1_D(i) v2u64 v##i = v_zext(host_r64(h + 8 * i))
#define LD1_Q(i) v2u64 v##i = host_rv(h + 16 * i)
#define ST1_D(i) host_w64(h + 8 * i, VN(i).d[0])
#define ST1_Q(i) host_wv(h + 16 * i, VN(i).vd)
#define SETV(i) VN(i).vd = v##i
#define DO1(F) F(0)
#define DO2(F) F(0); F(1)
#define DO3(F) F(0); F(1); F(2)
#define DO4(F) F(0); F(1); F(2); F(3)
#define ONE_OPS(n, w, size) \
OP(ld1_##n##w) { \
	uint64_t a = X(rn); \
	PROBE(TLB_R, TLB, a, n * size, 0, struct_slow); \
	DO##n(LD1_##w); \
	POST(); \
	DO##n(SETV); \
	NEXT(1); \
} \
OP(st1_##n##w) { \
	uint64_t a = X(rn); \
	PROBE(TLB_W, TLB, a, n * size, 0, struct_slow); \
	DO##n(ST1_##w); \
	POST(); \
	NEXT(1); \
}
ONE_OPS(1, D, 8)
ONE_OPS(2, D, 8)
ONE_OPS(3, D, 8)
ONE_OPS(4, D, 8)
ONE_OPS(1, Q, 16)
ONE_OPS(2, Q, 16)
ONE_OPS(3, Q, 16)
ONE_OPS(4, Q, 16)

#define MULTI_OPS(n, log) \
OP(ld##n##_##log) { \
	uint64_t a = X(rn); \
	PROBE(TLB_R, TLB, a, n * (8u << S_Q(ip->imm)), 0, struct_slow); \
	load_multi(c, ip, h, n, log); \
	POST(); \
	NEXT(1); \
} \
OP(st##n##_##log) { \
	uint64_t a = X(rn); \
	PROBE(TLB_W, TLB, a, n * (8u << S_Q(ip->imm)), 0, struct_slow); \
	store_multi(c, ip, h, n, log); \
	POST(); \
	NEXT(1); \
}
#define MULTI_SIZES(n) \
	MULTI_OPS(n, 0) MULTI_OPS(n, 1) MULTI_OPS(n, 2) MULTI_OPS(n, 3)
MULTI_SIZES(2)
MULTI_SIZES(3)
MULTI_SIZES(4)

/* ---- fast: one lane, replicate ------------------------------------------ */

#define LANE_OPS(log) \
OP(ld1_lane_##log) { \
	uint64_t a = X(rn); \
	PROBE(TLB_R, TLB, a, 1u << log, 0, struct_slow); \
	uint64_t x = elem_get(h, log); \
	POST(); \
	V(rd).vd = insert(&V(rd), log, S_LANE(ip->imm), x); \
	NEXT(1); \
} \
OP(st1_lane_##log) { \
	uint64_t a = X(rn); \
	PROBE(TLB_W, TLB, a, 1u << log, 0, struct_slow); \
	elem_set(h, log, lane_get(&V(rd), log, S_LANE(ip->imm))); \
	POST(); \
	NEXT(1); \
} \
OP(ld1r_##log) { \
	uint64_t a = X(rn); \
	PROBE(TLB_R, TLB, a, 1u << log, 0, struct_slow); \
	uint64_t x = elem_get(h, log); \
	POST(); \
	V(rd).vd = replicate(x, log, S_Q(ip->imm)); \
	NEXT(1); \
}
LANE_OPS(0)
LANE_OPS(1)
LANE_OPS(2)
LANE_OPS(3)

/* structures of 2 to 4 elements */
static inline void lanes_load(struct cpu *c, const struct rec *ip, uint64_t h)
{
	unsigned log = S_LOG(ip->imm), i = S_LANE(ip->imm);

	for (unsigned s = 0; s < S_SELEM(ip->imm); s++, h += 1u << log) {
		uint64_t x = elem_get(h, log);

		VN(s).vd = ip->imm & S_REPL ?
			   replicate(x, log, S_Q(ip->imm)) :
			   insert(&VN(s), log, i, x);
	}
}
static inline void lanes_store(struct cpu *c, const struct rec *ip, uint64_t h)
{
	unsigned log = S_LOG(ip->imm), i = S_LANE(ip->imm);

	for (unsigned s = 0; s < S_SELEM(ip->imm); s++, h += 1u << log)
		elem_set(h, log, lane_get(&VN(s), log, i));
}
OP(ld_lanes)
{
	uint64_t a = X(rn);
	PROBE(TLB_R, TLB, a, S_SELEM(ip->imm) << S_LOG(ip->imm), 0,
	      struct_slow);
	lanes_load(c, ip, h);
	POST();
	NEXT(1);
}
OP(st_lanes)
{
	uint64_t a = X(rn);
	PROBE(TLB_W, TLB, a, S_SELEM(ip->imm) << S_LOG(ip->imm), 0,
	      struct_slow);
	lanes_store(c, ip, h);
	POST();
	NEXT(1);
}

/* ---- slow -------------------------------------------------------------- */

/* Registers from or to host memory at h, whatever the form. */
static void from_memory(struct cpu *c, const struct rec *ip, uint64_t h)
{
	unsigned n = S_SELEM(ip->imm), log = S_LOG(ip->imm);

	if (ip->imm & S_SINGLE) {
		lanes_load(c, ip, h);
	} else if (n > 1) {
		load_multi(c, ip, h, n, log);
	} else {
		struct rec one = *ip;

		for (unsigned i = 0; i < S_REGS(ip->imm); i++) {
			one.rd = (ip->rd + i) & 31;
			load_multi(c, &one, h, 1, log);
			h += 8u << S_Q(ip->imm);
		}
	}
}
static void to_memory(struct cpu *c, const struct rec *ip, uint64_t h)
{
	unsigned n = S_SELEM(ip->imm), log = S_LOG(ip->imm);

	if (ip->imm & S_SINGLE) {
		lanes_store(c, ip, h);
	} else if (n > 1) {
		store_multi(c, ip, h, n, log);
	} else {
		struct rec one = *ip;

		for (unsigned i = 0; i < S_REGS(ip->imm); i++) {
			one.rd = (ip->rd + i) & 31;
			store_multi(c, &one, h, 1, log);
			h += 8u << S_Q(ip->imm);
		}
	}
}

/* Element by element, in order; every fault comes before any change. */
static bool by_element(struct cpu *c, const struct rec *ip, uint64_t a,
		       unsigned total)
{
	unsigned size = 1u << S_LOG(ip->imm);
	uint8_t b[64] __attribute__((aligned(16)));

	if (ip->imm & S_LOAD) {
		for (unsigned i = 0; i < total; i += size)
			if (!mem_load(c, a + i, size, 0, b + i))
				return false;
		from_memory(c, ip, (uintptr_t)b);
		return true;
	}
	/* an alignment fault by SCTLR.A (bit 1) comes first */
	if (!(c->sr.sctlr & 2 && a & (size - 1)) &&
	    !ldst_can_write(c, a, total))
		return false;
	to_memory(c, ip, (uintptr_t)b);
	for (unsigned i = 0; i < total; i += size)
		if (!mem_store(c, a + i, size, 0, b + i))
			return false;
	return true;
}

static bool structures(struct cpu *c, const struct rec *ip)
{
	unsigned size = 1u << S_LOG(ip->imm);
	unsigned total = ip->imm & S_SINGLE ? S_SELEM(ip->imm) * size :
			 S_REGS(ip->imm) * (8u << S_Q(ip->imm));
	bool load = ip->imm & S_LOAD;
	uint64_t a = X(rn);
	void *p = NULL;

	if (ip->rn == REG_SP && !ldst_sp_check(c))
		return false;
	if ((a & (REC_PAGE - 1)) <= REC_PAGE - total &&
	    !(c->sr.sctlr & 2 && a & (size - 1)) &&
	    !mem_host(c, a, total, load ? ACC_READ : ACC_WRITE, MEM_NOALIGN,
		      &p))
		return false;
	if (!p) {
		if (!by_element(c, ip, a, total))
			return false;
	} else if (load) {
		from_memory(c, ip, (uintptr_t)p);
	} else {
		to_memory(c, ip, (uintptr_t)p);
	}
	POST();
	return true;
}

OP(struct_slow)
{
	COUNT_NOW();
	if (!structures(c, ip))
		GO(raise);
	NEXT_DEVICE();
}

/* ---- decoding ---------------------------------------------------------- */

/* Fills what multiple and single forms share. */
static void dec_struct(struct dec *d, unsigned selem, unsigned regs,
		       unsigned log, unsigned q, unsigned lane, int flags,
		       unsigned total)
{
	bool post = bits(d->w, 23, 23);

	if (bits(d->w, 22, 22))
		flags |= S_LOAD;
	d->r->rd = d->rd;
	d->r->rn = slot_sp(d->rn);
	d->r->rm = post && d->rm != 31 ? d->rm : REG_ZERO;
	d->r->imm = (int32_t)(selem << 8 | regs << 11 | log << 14 | q << 16 |
			      lane << 17) | flags;
	if (post && d->rm == 31)
		d->r->imm |= (int32_t)total;
}

op_fn *dec_ldst_multi(struct dec *d)
{
	static op_fn *const one[2][2][4] = { /* [load][Q][registers - 1] */
		{ { op_st1_1D, op_st1_2D, op_st1_3D, op_st1_4D },
		  { op_st1_1Q, op_st1_2Q, op_st1_3Q, op_st1_4Q } },
		{ { op_ld1_1D, op_ld1_2D, op_ld1_3D, op_ld1_4D },
		  { op_ld1_1Q, op_ld1_2Q, op_ld1_3Q, op_ld1_4Q } },
	};
	static op_fn *const multi[2][3][4] = { /* [load][n - 2][log] */
		{ { op_st2_0, op_st2_1, op_st2_2, op_st2_3 },
		  { op_st3_0, op_st3_1, op_st3_2, op_st3_3 },
		  { op_st4_0, op_st4_1, op_st4_2, op_st4_3 } },
		{ { op_ld2_0, op_ld2_1, op_ld2_2, op_ld2_3 },
		  { op_ld3_0, op_ld3_1, op_ld3_2, op_ld3_3 },
		  { op_ld4_0, op_ld4_1, op_ld4_2, op_ld4_3 } },
	};
	/* opcode -> elements of a structure, registers; 0: unallocated */
	static const struct { uint8_t selem, regs; } ops[16] = {
		[0] = { 4, 4 }, [2] = { 1, 4 }, [4] = { 3, 3 }, [6] = { 1, 3 },
		[7] = { 1, 1 }, [8] = { 2, 2 }, [10] = { 1, 2 },
	};
	unsigned op = bits(d->w, 15, 12), log = bits(d->w, 11, 10);
	unsigned q = bits(d->w, 30, 30), load = bits(d->w, 22, 22);
	unsigned selem = ops[op].selem, regs = ops[op].regs;

	if (!selem || (log == 3 && !q && selem > 1))
		return NULL;
	dec_struct(d, selem, regs, log, q, 0, 0, regs * (8u << q));
	if (d->ctx & CTX_ALIGN || d->rn == REG_SP)
		return op_struct_slow;
	return selem == 1 ? one[load][q][regs - 1] :
	       multi[load][selem - 2][log];
}

op_fn *dec_ldst_lane(struct dec *d)
{
	static op_fn *const t[3][4] = {
		{ op_st1_lane_0, op_st1_lane_1, op_st1_lane_2, op_st1_lane_3 },
		{ op_ld1_lane_0, op_ld1_lane_1, op_ld1_lane_2, op_ld1_lane_3 },
		{ op_ld1r_0, op_ld1r_1, op_ld1r_2, op_ld1r_3 },
	};
	unsigned op = bits(d->w, 15, 13), size = bits(d->w, 11, 10);
	unsigned q = bits(d->w, 30, 30), s = bits(d->w, 12, 12);
	unsigned log = op >> 1, lane = q << 3 | s << 2 | size;
	unsigned selem = ((op & 1) << 1 | bits(d->w, 21, 21)) + 1;
	bool load = bits(d->w, 22, 22), repl = log == 3;

	if (repl) {
		if (!load || s)
			return NULL;
		log = size;
		lane = 0;
	} else if (log == 1) {
		if (size & 1)
			return NULL;
		lane >>= 1;
	} else if (log == 2) {
		if (size & 2 || (size & 1 && s))
			return NULL;
		log += size & 1;
		lane >>= log;
	}
	dec_struct(d, selem, selem, log, q, lane,
		   S_SINGLE | (repl ? S_REPL : 0), selem << log);
	if (d->ctx & CTX_ALIGN || d->rn == REG_SP)
		return op_struct_slow;
	if (selem > 1)
		return load ? op_ld_lanes : op_st_lanes;
	return t[repl ? 2 : load][log];
}
