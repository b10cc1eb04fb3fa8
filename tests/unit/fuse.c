/* Fused records: each row of fuse.def, fuse3.def and fuse_branch.def beside the
 * same records run singly, from random states: registers (SP, XZR and the sink
 * among them), flags, memory, faults in any part, taken branches, counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memtest.h"
#include "../diff/row_word.h"
#include "../../src/interp/branch.h"
#include "../../src/interp/fuse.h"

enum { RECS = 16, AT = 8, ROUNDS = 60, WORDS = 4000, SAMPLES = 64 };
enum { PAGES = 4 };
/* Pages at VA: two to read and write, one to read, one that is not there. */
#define VA 0x7000000000ull

static struct rec code[RECS] __attribute__((aligned(16)));
static uint8_t ram[PAGES * 4096];
static const struct rec *stopped;
static enum { AT_STOP, AT_LOOKUP, AT_PENDING } why;
static uint64_t seed;

static uint64_t rnd(void)              /* splitmix64 */
{
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define STOP_AS(n, reason) \
OP_GLOBAL(n) { \
	FLAGS_OUT(); \
	stopped = ip; \
	why = reason; \
	OP_LEAVE(); \
}
OP_GLOBAL(stop);
STOP_AS(stop, AT_STOP)
STOP_AS(lookup, AT_LOOKUP)
STOP_AS(lookup_tagged, AT_LOOKUP)
STOP_AS(pending, AT_PENDING)
#pragma GCC diagnostic pop

static uint64_t value(void)
{
	switch (rnd() % 8) {
	case 0: return rnd() % 64;
	case 1: return rnd();
	case 2: return rnd() << 32;
	case 3: return rnd() % 2 ? ~0ull : 1ull << 63;
	/* a good address, mostly; the third page is read-only */
	default: return VA + rnd() % (PAGES * 4096 - 600);
	}
}

/* Records as the decoder makes them, some for each handler of the tables. */
static struct sample {
	op_fn *h;
	struct rec rec[SAMPLES];
	unsigned n;
} sample[256];
static unsigned samples;

static struct sample *sample_of(op_fn *h, bool add)
{
	for (unsigned i = 0; i < samples; i++)
		if (sample[i].h == h)
			return &sample[i];
	if (!add || samples == sizeof(sample) / sizeof(sample[0]))
		return NULL;
	sample[samples].h = h;
	return &sample[samples++];
}

static op_fn *second_of(const struct fusion *f,
			const struct branch_table *branches)
{
	op_fn *h = f->second;

	if (!h)
		memcpy(&h, (const char *)branches + f->branch, sizeof(h));
	return h;
}

/* What a row runs, and how each meets the one before. */
struct parts {
	unsigned n;
	op_fn *h[3];
	uint8_t dep[3];
};

static struct parts parts_of(const struct fusion *f,
			     const struct branch_table *branches)
{
	struct parts p = { .n = 0 };
	const struct fusion *g = fuse_pairs;

	while (g->first && g->fused != f->first)
		g++;
	if (g->first) {
		p = parts_of(g, NULL);
	} else {
		p.h[p.n++] = f->first;
	}
	p.dep[p.n] = f->dep;
	p.h[p.n++] = second_of(f, branches);
	return p;
}

static void take_samples(const struct fusion *f,
			 const struct branch_table *branches, uint32_t ctx)
{
	int n;
	const struct a64_row *rows = decode_rows(&n);

	samples = 0;
	memset(sample, 0, sizeof(sample));
	for (; f->first; f++) {
		struct parts p = parts_of(f, branches);

		for (unsigned i = 0; i < p.n; i++)
			sample_of(p.h[i], true);
	}
	for (int i = 0; i < n; i++)
		for (int k = 0; k < WORDS && !rows[i].simd; k++) {
			struct rec r;
			struct sample *s;

			decode_word(&r, row_word(&rows[i], rnd()), 0x800, ctx,
				    &mt.model);
			s = sample_of(r.h, false);
			if (s && s->n < SAMPLES)
				s->rec[s->n++] = r;
		}
	for (unsigned i = 0; i < samples; i++)
		assert_true(sample[i].n > 3);
}

static struct rec take(op_fn *h)
{
	const struct sample *s = sample_of(h, false);

	return s->rec[rnd() % s->n];
}

struct outcome {
	uint64_t x[REG_SLOTS], pc, icount;
	uint32_t nzcv;
	struct exc exc;
	int why;
	enum mt_end end;
	const struct rec *stopped;
	uint8_t ram[PAGES * 4096];
};

static void run(const struct cpu *from, op_fn *h, struct outcome *o)
{
	struct cpu *c = &mt_cpu;

	memcpy(c->x, from->x, sizeof(c->x));
	c->fa = from->fa;
	c->fb = from->fb;
	c->fk = from->fk;
	c->pcbase = 0x4000 - ((uintptr_t)code >> 2);
	c->icount = 1000;
	c->ideadline = UINT64_MAX;
	c->pc = 0;
	memset(&c->exc, 0, sizeof(c->exc));
	for (unsigned i = 0; i < sizeof(ram); i++)
		ram[i] = (uint8_t)(i * 37 + 11);
	mt_flush();
	mt.end = MT_DONE;
	stopped = NULL;
	code[AT].h = h;
	for (const struct rec *p = &code[AT]; p; )
		p = op_enter(p->h, c, p);
	memset(o, 0, sizeof(*o));
	memcpy(o->x, c->x, sizeof(o->x));
	o->pc = c->pc;
	o->icount = c->icount;
	o->exc = c->exc;
	o->end = mt.end;
	o->why = why;
	o->stopped = stopped;
	/* a fault leaves the flags in arguments: they are not seen there */
	if (stopped)
		o->nzcv = flags_nzcv(c->fa, c->fb, c->fk);
	memcpy(o->ram, ram, sizeof(ram));
}

static void shape(const struct parts *p, bool branch)
{
	struct rec *r = &code[AT];

	r[0] = take(p->h[0]);
	for (unsigned i = 1; i < p->n; i++, r++) {
		r[1] = take(p->h[i]);
		if (p->dep[i] != FUSE_O)
			r->rd = (uint8_t)(rnd() % 31);
		else if (rnd() % 4 == 0 && r[1].rn < REG_SP)
			r->rd = r[1].rn;
		if (p->dep[i] == FUSE_N || p->dep[i] == FUSE_B)
			r[1].rn = r->rd;
		if (p->dep[i] == FUSE_M || p->dep[i] == FUSE_B)
			r[1].rm = r->rd;
	}
	if (branch) {           /* to a record of this array, none of these */
		int to = (int)(rnd() % (RECS - p->n));

		to += to < AT ? 0 : (int)p->n;
		r->imm = (int32_t)((&code[to] - r) *
				   (ptrdiff_t)sizeof(struct rec));
	}
}

static void check(const struct fusion *table, const struct fusion *f,
		  const struct branch_table *branches)
{
	static struct outcome a, b;
	static struct cpu from;
	struct parts p = parts_of(f, branches);
	op_fn *last = p.h[p.n - 1];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t at = seed;

		for (int i = 0; i < RECS; i++)
			code[i] = (struct rec){ .h = op_stop };
		shape(&p, !f->second);
		for (int i = 0; i < 32; i++)
			from.x[i] = value();
		from.x[REG_SP] &= rnd() % 8 ? ~15ull : ~0ull;
		from.fk = rnd() % 3;
		from.fa = from.fk == FK_NZCV ? rnd() % 16 : value();
		from.fb = from.fk == FK_SUB ? value() : 0;
		mt.fill = rnd() % 4;
		run(&from, p.h[0], &a);
		run(&from, f->fused, &b);
		if (memcmp(&a, &b, sizeof(a)))
			fail_msg("row %d of its table, seed %llx",
				 (int)(f - table), (unsigned long long)at);
		assert_ptr_equal(fuse_plain(f->fused), p.h[0]);
		/* what it finds is for these, and made for their operands */
		const struct rec *r = &code[AT];

		op_fn *found = p.n == 3 ? fuse_three(r, f->first, last) :
					  fuse_two(r, f->first, last);

		assert_non_null(found);
		if (f->dep == FUSE_B)
			assert_ptr_equal(found, f->fused);
	}
}

static void setup_memory(void)
{
	mt_reset();
	mt_cpu.sr.sctlr = 8;            /* SA: SP is checked */
	for (unsigned i = 0; i < CODE_TLB_SIZE; i++)
		mt_cpu.tlb->code[i].tag = CODE_EMPTY;
	mt_map(VA, 0x2000, ram, true, false);
	mt_map(VA + 0x2000, 0x1000, ram + 0x2000, false, false);
	seed = 72;
}

/* Returns how many rows it has. */
static int check_table(const struct fusion *table,
		       const struct branch_table *branches, uint32_t ctx)
{
	int n = 0;

	setup_memory();
	take_samples(table, branches, ctx);
	for (; table[n].first; n++)
		check(table, &table[n], branches);
	return n;
}

static void pairs(void **state)
{
	(void)state;
	assert_true(check_table(fuse_pairs, NULL, 0) > 100);
}

static void triples(void **state)
{
	(void)state;
	assert_true(check_table(fuse_triples, NULL, 0) > 100);
}

static void branches(void **state)
{
	(void)state;
	assert_true(check_table(fuse_branches, &branch_table, 0) > 100);
}

static void counting_branches(void **state)
{
	(void)state;
	assert_true(check_table(fuse_branches_count, &branch_table_count,
				CTX_COUNT) > 100);
}

/* No row twice: the later one would never run. */
static void rows_differ(void **state)
{
	const struct fusion *const t[] = {
		fuse_pairs, fuse_triples, fuse_branches,
	};

	(void)state;
	for (int k = 0; k < 3; k++)
		for (const struct fusion *f = t[k]; f->first; f++)
			for (const struct fusion *g = t[k]; g < f; g++)
				assert_false(f->first == g->first &&
					     f->second == g->second &&
					     f->branch == g->branch &&
					     f->dep == g->dep);
}

/* Two records that no row names. */
static void no_pair(void **state)
{
	struct rec r[3] = { { .h = op_stop }, { .h = op_stop } };

	(void)state;
	assert_null(fuse_two(r, op_stop, op_stop));
	/* no pair before it */
	assert_null(fuse_three(r, fuse_pairs->first, fuse_pairs->second));
	assert_ptr_equal(fuse_plain(op_stop), op_stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(triples),
		cmocka_unit_test(branches),
		cmocka_unit_test(counting_branches),
		cmocka_unit_test(rows_differ),
		cmocka_unit_test(no_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
