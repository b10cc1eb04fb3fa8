/* el0_hot.c: words for the fusion tables' handlers; see el0_hot.h.
 *
 * Nothing here knows which instruction a handler is: words of all rows are
 * decoded, and those kept whose record has it. */
#include <stdio.h>
#include <string.h>

#include "el0_hot.h"
#include "row_word.h"
#include "../../src/interp/branch.h"
#include "../../src/interp/cond.h"
#include "../../src/interp/fuse.h"

enum { SAMPLES = 64, WORDS = 1500, HANDLERS = 512, ROWS = 4096, OFF = 0x800 };

static struct hot {
	op_fn *h;
	bool branch;
	unsigned n;
	uint32_t w[SAMPLES];
} hot[HANDLERS];
static unsigned hots;

static struct row {
	const struct fusion *f;
	unsigned n;
	struct hot *part[3];
	enum hot_kind kind;
	bool seen;
} row[ROWS];
static unsigned rows;

static const struct cpu_model *model;
static uint64_t (*rnd)(void);

/* In the order of the tables. */
static const char *const name[] = {
#define FUSE(a, b, dep) #a " " #b " " #dep,
#define COND_NAME(cc, cond, a, o) #a " " #o "_" #cc,
#define COND_NAME_W(cc, cond, a, o) #a " " #o "_" #cc "_w",
#define FUSE_SELECT(a, o) ALL_CONDS_OF(COND_NAME, a, o)
#define FUSE_SELECT_W(a, o) ALL_CONDS_OF(COND_NAME_W, a, o)
#define FUSE_COND(a) ALL_CONDS_OF(COND_NAME, a, b)
#define FUSE3(a, b, dep, c, dep2) #a " " #b " " #dep " " #c " " #dep2,
#define COND3_NAME(cc, cond, a, b, dep) #a " " #b " " #dep " b_" #cc,
#define FUSE3_COND(a, b, dep) ALL_CONDS_OF(COND3_NAME, a, b, dep)
#include "../../src/interp/fuse.def"
#include "../../src/interp/fuse3.def"
#include "../../src/interp/fuse_branch.def"
};

static struct rec decoded(uint32_t w)
{
	struct rec r;

	decode_word(&r, w, OFF, 0, model);
	return r;
}

static struct hot *hot_of(op_fn *h, bool add)
{
	for (unsigned i = 0; i < hots; i++)
		if (hot[i].h == h)
			return &hot[i];
	if (!add || hots == HANDLERS)
		return NULL;
	hot[hots].h = h;
	return &hot[hots++];
}

static enum hot_kind kind_of(const struct fusion *f)
{
	const struct branch_table *b = &branch_table;
	op_fn *h;

	if (f->second)
		return HOT_PLAIN;
	memcpy(&h, (const char *)b + f->branch, sizeof(h));
	if (h == b->bl[0] || h == b->bl[1])
		return HOT_CALL;
	return h == b->ind[2] ? HOT_RETURN : HOT_BRANCH;
}

/* A triple's first is a pair's handler. */
static const struct row *pair_of(op_fn *h)
{
	for (unsigned i = 0; i < rows; i++)
		if (row[i].f->fused == h)
			return &row[i];
	return NULL;
}

static void add(const struct fusion *f)
{
	for (; f->first && rows < ROWS; f++) {
		const struct row *pair = pair_of(f->first);
		struct row *p = &row[rows++];
		op_fn *last = f->second;

		if (!last)
			memcpy(&last, (const char *)&branch_table + f->branch,
			       sizeof(last));
		p->f = f;
		p->kind = kind_of(f);
		if (pair) {
			p->part[p->n++] = pair->part[0];
			p->part[p->n++] = pair->part[1];
		} else {
			p->part[p->n++] = hot_of(f->first, true);
		}
		p->part[p->n] = hot_of(last, true);
		if (p->part[p->n])
			p->part[p->n]->branch |= !f->second;
		p->n++;
	}
}

static void take_samples(void)
{
	int n;
	const struct a64_row *all = decode_rows(&n);

	for (int i = 0; i < n; i++)
		for (int k = 0; k < WORDS && !all[i].simd; k++) {
			uint32_t w = row_word(&all[i], rnd());
			struct hot *h = hot_of(decoded(w).h, false);

			if (h && h->n < SAMPLES)
				h->w[h->n++] = w;
		}
}

/* Some handlers are a few words in a row of thousands. */
static bool few_samples(void)
{
	for (unsigned i = 0; i < hots; i++)
		if (hot[i].n < 8)
			return true;
	return false;
}

void hot_init(const struct cpu_model *m, uint64_t (*random)(void))
{
	model = m;
	rnd = random;
	add(fuse_pairs);
	add(fuse_triples);
	add(fuse_branches);
	for (int tries = 0; rnd && tries < 20 && few_samples(); tries++)
		take_samples();
}

unsigned hot_rows(void)
{
	return rows;
}

enum hot_kind hot_kind(unsigned i)
{
	return row[i].kind;
}

/* w with `r` in the field at bit `lo`, if it stays the same instruction; SP and
 * XZR stay. */
static uint32_t put(uint32_t w, unsigned lo, unsigned r)
{
	uint32_t t = (w & ~(31u << lo)) | r << lo;

	return (w >> lo & 31) != 31 && decoded(t).h == decoded(w).h ? t : w;
}

static bool is_memory(uint32_t w)
{
	return (w & 0x0a000000) == 0x08000000;
}

/* Immediates lie where other instructions have Rm and Ra: those are changed
 * only half of the time. */
static uint32_t renamed(uint32_t w, uint8_t (*reg)(bool address))
{
	w = put(w, 0, reg(false));
	w = put(w, 5, reg(is_memory(w)));
	if (rnd() % 2)
		w = put(w, 16, reg(false));
	if ((w & 0x3a000000) == 0x28000000 || (w & 0x1f000000) == 0x1b000000)
		w = put(w, 10, reg(false));
	return w;
}

static uint32_t branch_to_itself(uint32_t w)
{
	if ((w & 0x7c000000) == 0x14000000)
		return w & ~0x3ffffffu;
	if ((w & 0x7e000000) == 0x36000000)
		return w & ~0x7ffe0u;
	if ((w & 0x7e000000) == 0x34000000 || (w & 0xfe000000) == 0x54000000)
		return w & ~0xffffe0u;
	return w;
}

static uint32_t sample(const struct hot *h)
{
	return h->n ? h->w[rnd() % h->n] : 0;
}

/* What runs where those words stand in one page; BL to another page has a
 * handler of its own, which no word says. */
static op_fn *fused(const struct row *p, const uint32_t *w)
{
	struct rec r[3];
	op_fn *pair;

	for (unsigned i = 0; i < p->n; i++)
		r[i] = decoded(w[i]);
	pair = fuse_two(r, p->part[0]->h, p->part[1]->h);
	return p->n == 2 || !pair ? pair :
	       fuse_three(r, pair, p->part[2]->h);
}

/* Word i reads what the one before leaves, or not. */
static void meet(uint32_t *w)
{
	static const unsigned at[] = { 5, 16, 0, 10 };
	struct rec before = decoded(w[-1]);

	/* which of its fields is Rn, which Rm, the decoder knows */
	for (unsigned k = 0; k < 4; k++) {
		uint32_t t = put(*w, at[k], before.rd & 31);
		struct rec r = decoded(t);

		if ((r.rn == before.rd || r.rm == before.rd) && rnd() % 2)
			*w = t;
	}
}

unsigned hot_row(unsigned i, uint8_t (*reg)(bool address), uint32_t w[3])
{
	const struct row *p = &row[i];

	for (unsigned k = 0; k < p->n; k++)
		if (!p->part[k] || !p->part[k]->n)
			return 0;
	for (int tries = 0; tries < 200; tries++) {
		for (unsigned k = 0; k < p->n; k++) {
			w[k] = renamed(branch_to_itself(sample(p->part[k])),
				       reg);
			if (k)
				meet(&w[k]);
		}
		if (fused(p, w) == p->f->fused)
			return p->n;
	}
	return 0;
}

uint32_t hot_word(uint8_t (*reg)(bool address), unsigned rn)
{
	const struct hot *h;

	do {
		h = &hot[rnd() % hots];
	} while (h->branch || !h->n);
	return put(renamed(sample(h), reg), 5, rn);
}

void hot_note(op_fn *h)
{
	for (unsigned i = 0; i < rows; i++)
		if (row[i].f->fused == h) {
			row[i].seen = true;
			return;
		}
}

unsigned hot_missed(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < rows; i++)
		n += !row[i].seen;
	return n;
}

void hot_report(void)
{
	for (unsigned i = 0; i < rows; i++)
		if (!row[i].seen)
			printf("  not fused: %s\n",
			       i < sizeof(name) / sizeof(*name) ? name[i] :
								  "?");
}
