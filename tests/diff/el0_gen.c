/* el0_gen.c: see el0_gen.h. */
#include <string.h>

#include "el0_gen.h"
#include "el0_hot.h"
#include "row_word.h"

enum { RESERVED = 24, POOL = 6 };
enum { SMC_AT = GEN_SMC_AT, SMC_WORD = GEN_SMC_WORD, WAY = 27, COUNT = 28, LINK = 30 };

static uint64_t rng;
static const struct cpu_model *model;

static uint64_t rnd(void)
{
	return next_random(&rng);
}

static bool one_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

static bool prefix_of(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strncmp(name, *list, strlen(*list)))
			return true;
	return false;
}

/* What no case may have; keys of PAC are the kernel's own secret:
 * tests/unit/pauth.c has those. */
static bool excluded(const struct a64_row *row)
{
	static const char *const no[] = {
		"B", "BL", "B_cond", "BC_cond", "CBZ", "CBNZ", "TBZ", "TBNZ",
		"BR", "BLR", "RET", "BRAZ", "BLRAZ", "RETA", "BRA", "BLRA",
		"ERET", "ERETA", "SVC", "HVC", "SMC", "BRK", "HLT", "DCPS1",
		"DCPS2", "DCPS3", "DRPS", "UDF", "WFI", "WFE", "WFIT", "WFET",
		"HINT", NULL,
	};
	static const char *const no_prefix[] = {
		"MSR", "MRS", "SYS", "PAC", "AUT", "LDRA", NULL,
	};

	return one_of(row->name, no) || prefix_of(row->name, no_prefix);
}

static uint64_t edge(void)
{
	static const uint64_t v[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
		0xffffffffffffffff, 0xfffffffffffffffe, 0x3ff0000000000000,
		0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
		0x3f8000003f800000, 0x7f8000007fc00000, 0x7f80000100000001,
		0x0010000000000000, 0x00800000ff800000, 0x3c007c007e00fc00,
		0x0000000100000001, 0x5555555555555555,
	};

	return v[rnd() % (sizeof(v) / sizeof(v[0]))];
}

static uint64_t value(void)
{
	switch (rnd() % 8) {
	case 0: case 1: case 2: return DATA_RW + (rnd() & 0x1ff0);
	case 3: return DATA_RW + rnd() % 0x2000;
	case 4: return rnd() & 63;
	case 5: return edge();
	default: return rnd();
	}
}

static uint64_t vector_half(void)
{
	switch (rnd() % 4) {
	case 0: return edge();
	case 1: return edge() ^ edge() << 32;
	default: return rnd();
	}
}

/* CONSTRAINED UNPREDICTABLE: a pair loaded into one register, write-back to a
 * register that is loaded or stored too. */
static bool unpredictable(uint32_t w)
{
	unsigned rt = w & 31, rn = w >> 5 & 31, rt2 = w >> 10 & 31;
	bool simd = w >> 26 & 1;

	if ((w & 0x3a000000) == 0x28000000) {   /* pairs */
		bool load = w >> 22 & 1, wback = w >> 23 & 1;

		if (load && rt == rt2)
			return true;
		return wback && !simd && rn != 31 && (rt == rn || rt2 == rn);
	}
	if ((w & 0x3b200400) == 0x38000400 && !simd)    /* pre, post */
		return rn != 31 && rt == rn;
	if ((w & 0x3f000000) == 0x08000000 && !(w >> 23 & 1)) {
		unsigned rs = w >> 16 & 31;     /* exclusives */

		if (w >> 22 & 1)
			return w >> 21 & 1 && rt == rt2;
		return rs == rt || (w >> 21 & 1 && rs == rt2) ||
		       (rs == rn && rn != 31);
	}
	return false;
}

static const struct a64_row *random_row(void)
{
	const struct a64_row *row;
	int n;
	const struct a64_row *rows = decode_rows(&n);

	do {
		row = &rows[rnd() % (unsigned)n];
	} while (excluded(row) || !model->has[row->feat]);
	return row;
}

static uint32_t random_word(const struct a64_row *row)
{
	uint32_t w;

	do {
		w = row->value | ((uint32_t)rnd() & ~row->mask);
	} while (unpredictable(w));
	return w;
}

/* Registers and vectors; what a single word reads is set afterwards. */
static void random_state(struct state *s)
{
	for (int i = 0; i < 31; i++)
		s->x[i] = value();
	s->sp = DATA_RW + 0x800 + (rnd() & 0xff0);
	for (int i = 0; i < 32; i++) {
		s->v[i][0] = vector_half();
		s->v[i][1] = vector_half();
	}
	s->nzcv = (uint32_t)(rnd() & 0xf0000000);
	if (rnd() % 4 == 0)
		s->fpcr = (uint32_t)rnd() & 0x07c80000;
	s->fpsr = rnd() % 4 ? 0 : (uint32_t)rnd() & 0x0800009f;
}

static void make_single(struct test_case *t, const char *prefix)
{
	int n;
	const struct a64_row *rows = decode_rows(&n), *row;

	do {
		row = random_row();
	} while (prefix && strncmp(row->name, prefix, strlen(prefix)));
	t->row = (uint32_t)(row - rows);
	t->n = 1;
	t->w[0] = random_word(row);
	/* the base register of most loads and stores is a good address */
	if (rnd() % 4)
		t->in.x[(t->w[0] >> 5 & 31) % 31] =
			DATA_RW + 0x800 + (rnd() & (rnd() & 1 ? 0xff0 : 0xfff));
	if (rnd() % 2)
		t->in.x[(t->w[0] >> 16 & 31) % 31] = rnd() & 0xff;
}

/* ---- several words ---------------------------------------------------------- */

/* The registers of a case: few, so that one's result is often another's operand;
 * the first two are addresses and are seldom written. */
static uint8_t pool[POOL];

static void choose_pool(struct state *s)
{
	bool few = rnd() % 3 == 0;

	for (unsigned i = 0; i < POOL; i++) {
		pool[i] = (uint8_t)(rnd() % RESERVED);
		for (unsigned k = 0; k < i; k++)
			if (pool[k] == pool[i])
				i--, k = POOL;
	}
	for (unsigned i = 0; i < 2; i++) {
		uint64_t *p = &s->x[pool[i]];

		*p = DATA_RW + 0x100 + (rnd() & 0x1cf0);
		if (rnd() % 4 == 0)
			*p += rnd() % 16;
		if (rnd() % 8 == 0)     /* about the start or end of a page */
			*p = DATA_VA + DATA_PAGE * (1 + rnd() % 4) - 20 +
			     rnd() % 24;
	}
	s->x[pool[2]] = rnd() % 64;
	s->x[pool[3]] = rnd() % 2 ? rnd() % 2048 : edge();
	if (rnd() % 2)
		s->x[pool[4]] = rnd() % 64;
	/* all of them good indices, now and then: several loads in a row work */
	for (unsigned i = 3; i < POOL && few; i++)
		s->x[pool[i]] = rnd() % 64;
	if (rnd() % 16 == 0)
		s->sp = DATA_VA + DATA_PAGE * (1 + rnd() % 4) - 16 * (rnd() % 3);
}

static uint8_t pool_reg(bool address)
{
	if (address)
		return rnd() % 8 ? pool[rnd() % 2] : pool[rnd() % POOL];
	return rnd() % 8 ? pool[2 + rnd() % (POOL - 2)] : pool[rnd() % POOL];
}

static bool own(unsigned r)
{
	return r < RESERVED || r == 31;
}

/* May a word stand among others? Registers are only those of the case, as far as
 * a field may name one; what the reference does otherwise (el0_host.c, known())
 * would go on into what follows. */
static bool fits(uint32_t w)
{
	bool four = (w & 0x3a000000) == 0x28000000 ||   /* pairs */
		    (w & 0x1f000000) == 0x1b000000;     /* MADD and its like */

	return own(w & 31) && own(w >> 5 & 31) && own(w >> 16 & 31) &&
	       (!four || own(w >> 10 & 31)) && !unpredictable(w) &&
	       (w & 0x3f800000) != 0x08000000 &&        /* exclusives, CASP */
	       (w & 0x1f000000) != 0x10000000 &&        /* ADR: it is code */
	       (w & 0xfff0fc00) != 0x5f10fc00;          /* FCVTZS, known() */
}

struct body {
	uint32_t w[MAX_WORDS];
	bool forward[MAX_WORDS];        /* a branch, its target not chosen yet */
	unsigned n;
};

static void add_word(struct body *b, uint32_t w, bool forward)
{
	if (b->n == MAX_WORDS)
		return;
	b->w[b->n] = w;
	b->forward[b->n++] = forward;
}

static bool is_branch(uint32_t w)
{
	return (w & 0x7c000000) == 0x14000000 ||
	       (w & 0x7c000000) == 0x34000000 || (w & 0xfe000000) == 0x54000000;
}

/* A page's address is that of data, where ADRP has one. */
static uint32_t adrp_to_data(uint32_t w, uint64_t pc)
{
	uint64_t d = (DATA_VA >> 12) + rnd() % 4 - (pc >> 12);

	return (w & 0x9000001f) | 0x90000000 | (uint32_t)(d & 3) << 29 |
	       (uint32_t)(d >> 2 & 0x7ffff) << 5;
}

/* As a case wants it: no branch out, addresses that are data's. */
static bool tame(uint32_t *w, uint64_t pc)
{
	if ((*w & 0x9f000000) == 0x90000000)
		*w = adrp_to_data(*w, pc);
	return (*w & 0x9f000000) == 0x90000000 || fits(*w);
}

/* Rows in turn, so that few cases reach all. */
static bool add_fused(struct body *b, enum hot_kind kind, uint64_t pc)
{
	static unsigned turn[HOT_RETURN + 1];
	uint32_t w[3];

	for (unsigned tries = 0; tries < 2 * hot_rows(); tries++) {
		unsigned i = turn[kind]++ % hot_rows(), n, k;

		if (hot_kind(i) != kind)
			continue;
		n = hot_row(i, pool_reg, w);
		for (k = 0; k < n && (tame(&w[k], pc) ||
				      (kind != HOT_PLAIN && k == n - 1)); k++)
			;
		if (!n || k < n)
			continue;
		uint32_t *last = &w[n - 1];

		if (kind == HOT_BRANCH && (*last & 0x7e000000) != 0x14000000 &&
		    (*last & 0xfe000000) != 0x54000000 &&
		    (*last & 31) >= RESERVED && (*last & 31) != 31)
			continue;
		if (kind == HOT_RETURN)
			*last = 0xd65f0000 | LINK << 5;
		for (k = 0; k < n; k++)
			add_word(b, w[k], k == n - 1 && (kind == HOT_BRANCH ||
							 kind == HOT_CALL));
		return true;
	}
	return false;
}

/* Hot instructions, each reading what the one before wrote, mostly. */
static void add_chain(struct body *b, uint64_t pc)
{
	unsigned last = 31;

	for (unsigned i = 2 + rnd() % 3, tries = 0; i && tries < 100; tries++) {
		uint32_t w = hot_word(pool_reg, last == 31 || rnd() % 3 == 0 ?
				      pool_reg(false) : last);

		if ((w & 0x9f000000) == 0x90000000)
			w = adrp_to_data(w, pc);
		else if (!fits(w))
			continue;
		add_word(b, w, false);
		last = w & 31;
		i--;
	}
}

static uint32_t word_like(const char *const *names)
{
	const struct a64_row *row;
	uint32_t w;

	do {
		do {
			row = random_row();
		} while (!prefix_of(row->name, names));
		w = random_word(row);
		for (unsigned at = 0; at < 20; at += 5)
			if (at != 10 && rnd() % 4)
				w = (w & ~(31u << at) & ~row->mask) |
				    ((uint32_t)pool_reg(false) << at &
				     ~row->mask) | row->value;
	} while (!fits(w));
	return w;
}

/* What sets the flags, perhaps something between, and what reads them. */
static void add_flags(struct body *b)
{
	static const char *const set[] = {
		"ADDS", "SUBS", "ANDS", "BICS", "CCMP", "CCMN", "ADCS", "SBCS",
		"FCMP", "SETF", "RMIF", NULL,
	};
	static const char *const get[] = {
		"CSEL", "CSINC", "CSINV", "CSNEG", "ADC", "SBC", "CCMP",
		"FCSEL", "CFINV", "XAFLAG", "AXFLAG", NULL,
	};

	add_word(b, word_like(set), false);
	if (rnd() % 4 == 0)
		add_word(b, hot_word(pool_reg, pool[2]), false);
	if (!fits(b->w[b->n - 1]))
		b->n--;
	if (rnd() % 2)
		add_word(b, word_like(get), false);
	else
		add_word(b, 0x54000000 | (uint32_t)(rnd() & 15), true);
}

/* LDXR or LDAXR, one instruction, STXR or STLXR of the same place. */
static void add_exclusive(struct body *b, struct state *s)
{
	uint32_t size = (uint32_t)(rnd() & 3) << 30,
		 rn = (uint32_t)pool[0] << 5;

	s->x[pool[0]] &= ~15ull;
	add_word(b, 0x085f7c00 | size | (uint32_t)(rnd() & 1) << 15 | rn |
		 pool[2], false);
	if (rnd() % 2)          /* add w, w, #n */
		add_word(b, 0x11000400 | (uint32_t)pool[2] << 5 | pool[3],
			 false);
	add_word(b, 0x08007c00 | size | (uint32_t)(rnd() & 1) << 15 | rn |
		 (uint32_t)pool[4] << 16 | pool[rnd() % 2 ? 2 : 3], false);
}

static void add_any(struct body *b)
{
	uint32_t w;
	const struct a64_row *row;

	do {
		row = random_row();
		w = random_word(row);
		if ((w & 0x0a000000) == 0x08000000 && rnd() % 8)
			w = (w & ~(31u << 5)) | (uint32_t)pool[rnd() % 2] << 5;
	} while (!fits(w) || !strncmp(row->name, "ST_", 3));
	add_word(b, w, false);
}

static void fill(struct body *b, unsigned n, struct state *s, uint64_t pc)
{
	n += b->n;
	while (b->n < n)
		switch (rnd() % 16) {
		case 0: case 1: case 2: case 3: case 4: case 5:
			add_fused(b, HOT_PLAIN, pc);
			break;
		case 6: case 7: case 8:
			add_fused(b, HOT_BRANCH, pc);
			break;
		case 9: case 10: case 11:
			add_chain(b, pc);
			break;
		case 12: case 13:
			add_flags(b);
			break;
		case 14:
			if (rnd() % 3 == 0)
				add_exclusive(b, s);
			break;
		default:
			add_any(b);
		}
}

/* Displacement d, in words, of the branch w. */
static uint32_t branch_by(uint32_t w, int d)
{
	if ((w & 0x7c000000) == 0x14000000)
		return (w & 0xfc000000) | ((uint32_t)d & 0x3ffffff);
	if ((w & 0x7e000000) == 0x36000000)
		return (w & ~0x7ffe0u) | ((uint32_t)d & 0x3fff) << 5;
	return (w & ~0xffffe0u) | ((uint32_t)d & 0x7ffff) << 5;
}

/* Every open branch goes to a later word, `end` at the most: mostly a near one,
 * and so into the middle of what is fused. */
static void aim(struct body *b, unsigned end)
{
	for (unsigned i = 0; i < b->n; i++) {
		unsigned to = i + 1 + (unsigned)(rnd() % (rnd() % 4 ? 4 : 12));

		if (!b->forward[i])
			continue;
		b->w[i] = branch_by(b->w[i], (int)((to < end ? to : end) - i));
		b->forward[i] = false;
	}
}

/* Counts COUNT down and goes to word `top` while it is not 0. */
static void close_loop(struct body *b, unsigned top)
{
	const uint32_t r = COUNT << 5 | COUNT;
	uint32_t br = 0xb5000000 | COUNT;               /* cbnz x28 */

	switch (rnd() % 6) {
	case 0:
		add_word(b, 0xd1000400 | r, false);     /* sub x28, x28, #1 */
		break;
	case 1:
		add_word(b, 0xd1000400 | r, false);
		br = 0x35000000 | COUNT;                /* cbnz w28 */
		break;
	case 2:
		add_word(b, 0xf1000400 | r, false);     /* subs x28, x28, #1 */
		br = 0x54000001;                        /* b.ne */
		break;
	case 3:
		add_word(b, 0x71000400 | r, false);     /* subs w28, w28, #1 */
		br = 0x5400000c;                        /* b.gt */
		break;
	case 4:
		add_word(b, 0xd1000400 | r, false);
		add_word(b, 0xf100001f | COUNT << 5, false);    /* cmp x28, #0 */
		br = 0x54000008;                        /* b.hi */
		break;
	default:
		add_word(b, 0xd1000400 | r, false);
		add_word(b, 0xea00001f | COUNT << 16 | COUNT << 5, false);
		br = 0x54000001;                        /* tst x28, x28; b.ne */
	}
	add_word(b, branch_by(br, (int)top - (int)b->n), false);
}

static void make_loop(struct body *b, struct test_case *t, uint64_t pc)
{
	unsigned end;

	t->in.x[COUNT] = 2 + rnd() % 3;
	t->in.x[WAY] = rnd() & 1;
	if (t->shape == SHAPE_MIDDLE)
		add_word(b, 0x37000000 | WAY, true);    /* tbnz w27, #0 */
	fill(b, 2 + rnd() % 10, &t->in, pc);
	end = b->n;
	if (t->shape == SHAPE_MIDDLE)                   /* eor x27, x27, #1 */
		add_word(b, 0xd2400000 | WAY << 5 | WAY, false);
	aim(b, end);
	close_loop(b, 0);
}

/* top: BL function; the loop's end; B to the end. function: ... RET */
static void make_call(struct body *b, struct test_case *t, uint64_t pc)
{
	unsigned call, over, end;

	t->in.x[COUNT] = 1 + rnd() % 3;
	if (!add_fused(b, HOT_CALL, pc))
		add_word(b, 0x94000000, true);
	call = b->n - 1;
	b->forward[call] = false;
	if (rnd() % 2)
		fill(b, 1, &t->in, pc);
	aim(b, b->n);
	close_loop(b, 0);
	over = b->n;
	add_word(b, 0x14000000, false);
	b->w[call] = branch_by(b->w[call], (int)(b->n - call));
	if (rnd() % 2)
		fill(b, 1 + rnd() % 4, &t->in, pc);
	end = b->n;
	if (!add_fused(b, HOT_RETURN, pc))
		add_word(b, 0xd65f0000 | LINK << 5, false);
	aim(b, end);
	b->w[over] = branch_by(b->w[over], (int)(b->n - over));
}

/* Six rounds; after the third and fourth a word in the middle becomes another
 * one, and the instruction cache is told. */
static void make_smc(struct body *b, struct test_case *t, uint64_t pc)
{
	unsigned victim;
	struct body other = { .n = 0 };

	t->in.x[COUNT] = 6;
	do {
		b->n = 0;
		fill(b, 2 + rnd() % 3, &t->in, pc);
		victim = (unsigned)(rnd() % b->n);
	} while (is_branch(b->w[victim]) || b->n > 8);
	while (!other.n)
		add_chain(&other, pc);
	t->in.x[SMC_WORD] = other.w[0] | rnd() << 32;
	t->in.x[SMC_AT] = pc + 4 * victim;
	aim(b, b->n);
	add_word(b, 0xd1000400 | COUNT << 5 | COUNT, false);
	add_word(b, 0x36080000 | COUNT | 8 << 5, false); /* tbz w28, #1, .+32 */
	add_word(b, 0xb9000000 | SMC_AT << 5 | SMC_WORD, false);
	add_word(b, 0xd50b7b20 | SMC_AT, false);        /* dc cvau */
	add_word(b, 0xd5033b9f, false);                 /* dsb ish */
	add_word(b, 0xd50b7520 | SMC_AT, false);        /* ic ivau */
	add_word(b, 0xd5033b9f, false);
	add_word(b, 0xd5033fdf, false);                 /* isb */
	add_word(b, 0xd503201f, false);                 /* nop */
	add_word(b, branch_by(0xb5000000 | COUNT, -(int)b->n), false);
}

static void make_body(struct test_case *t, struct body *b, uint64_t pc)
{
	switch (t->shape) {
	case SHAPE_LOOP:
	case SHAPE_MIDDLE:
		make_loop(b, t, pc);
		break;
	case SHAPE_CALL:
		make_call(b, t, pc);
		break;
	case SHAPE_SMC:
		make_smc(b, t, pc);
		break;
	default:
		fill(b, 2 + rnd() % 8, &t->in, pc);
		if (rnd() % 8 == 0)
			add_fused(b, HOT_CALL, pc);
		aim(b, b->n);
	}
}

static enum shape random_shape(void)
{
	static const uint8_t of[16] = {
		SHAPE_SINGLE, SHAPE_SINGLE, SHAPE_SINGLE, SHAPE_SINGLE,
		SHAPE_STRAIGHT, SHAPE_STRAIGHT, SHAPE_STRAIGHT, SHAPE_STRAIGHT,
		SHAPE_STRAIGHT, SHAPE_LOOP, SHAPE_LOOP, SHAPE_LOOP,
		SHAPE_MIDDLE, SHAPE_MIDDLE, SHAPE_CALL, SHAPE_SMC,
	};

	return of[rnd() % 16];
}

void gen_case(struct test_case *t, uint64_t k, const char *prefix)
{
	uint64_t slot = 1 + k % CODE_SLOTS,
		 page = k / CODE_SLOTS % CODE_PAGES;

	memset(t, 0, sizeof(*t));
	t->shape = prefix ? SHAPE_SINGLE : random_shape();
	/* a call across pages has a handler of its own */
	if (!prefix && slot == CODE_SLOTS && rnd() % 2)
		t->shape = SHAPE_CALL;
	t->at = (uint32_t)(page * 4096 + slot * CODE_STEP);
	t->mem_seed = rnd() | 1;
	random_state(&t->in);
	if (t->shape == SHAPE_SINGLE) {
		make_single(t, prefix);
		return;
	}
	/* a page's last case goes on in the next one; its words know where they
	 * are, so first the place */
	if (slot == CODE_SLOTS)
		t->at = (uint32_t)((page + 1) * 4096) - 4 *
			(t->shape == SHAPE_CALL ? 2 + (uint32_t)(rnd() % 4) :
						  1 + (uint32_t)(rnd() % 12));
	for (;;) {
		struct body b = { .n = 0 };

		choose_pool(&t->in);
		make_body(t, &b, CODE_VA + t->at);
		if (b.n >= MAX_WORDS)
			continue;
		t->n = b.n;
		memcpy(t->w, b.w, sizeof(t->w));
		return;
	}
}

void gen_init(const struct cpu_model *m, uint64_t seed)
{
	model = m;
	rng = seed * 0x9e3779b97f4a7c15ull | 1;
	hot_init(m, rnd);
}
