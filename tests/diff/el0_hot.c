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

enum { SAMPLES = 64, WORDS = 1500, HANDLERS = 512, PAIRS = 4096, OFF = 0x800 };

static struct hot {
	op_fn *h;
	bool branch;
	unsigned n;
	uint32_t w[SAMPLES];
} hot[HANDLERS];
static unsigned hots;

static struct pair {
	const struct fusion *f;
	struct hot *first, *second;
	enum hot_kind kind;
	bool seen;
} pair[PAIRS];
static unsigned pairs;

static const struct cpu_model *model;
static uint64_t (*rnd)(void);

/* In the order of the tables. */
static const char *const name[] = {
#define FUSE(a, b, dep) #a " " #b " " #dep,
#define COND_NAME(cc, cond, a, o) #a " " #o "_" #cc,
#define FUSE_SELECT(a, o) ALL_CONDS_OF(COND_NAME, a, o)
#define FUSE_COND(a) ALL_CONDS_OF(COND_NAME, a, b)
#include "../../src/interp/fuse.def"
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

static void add(const struct fusion *f)
{
	for (; f->first && pairs < PAIRS; f++) {
		struct pair *p = &pair[pairs++];
		op_fn *second = f->second;

		if (!second)
			memcpy(&second, (const char *)&branch_table + f->branch,
			       sizeof(second));
		p->f = f;
		p->kind = kind_of(f);
		p->first = hot_of(f->first, true);
		p->second = hot_of(second, true);
		if (p->second)
			p->second->branch |= !f->second;
	}
}

void hot_init(const struct cpu_model *m, uint64_t (*random)(void))
{
	int n;
	const struct a64_row *rows = decode_rows(&n);

	model = m;
	rnd = random;
	add(fuse_table);
	add(fuse_branches);
	for (int i = 0; rnd && i < n; i++)
		for (int k = 0; k < WORDS && !rows[i].simd; k++) {
			uint32_t w = row_word(&rows[i], rnd());
			struct hot *h = hot_of(decoded(w).h, false);

			if (h && h->n < SAMPLES)
				h->w[h->n++] = w;
		}
}

unsigned hot_pairs(void)
{
	return pairs;
}

enum hot_kind hot_kind(unsigned i)
{
	return pair[i].kind;
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

/* BL to another page has a handler of its own: as it stands it is a plain one
 * here. */
static op_fn *second_of(const struct pair *p)
{
	return p->second->h == branch_table.bl[1] ? branch_table.bl[0] :
						    p->second->h;
}

bool hot_pair(unsigned i, uint8_t (*reg)(bool address), uint32_t w[2])
{
	const struct pair *p = &pair[i];

	if (!p->first || !p->second || !p->first->n || !p->second->n)
		return false;
	for (int tries = 0; tries < 50; tries++) {
		struct rec r[2];

		w[0] = renamed(sample(p->first), reg);
		w[1] = renamed(branch_to_itself(sample(p->second)), reg);
		r[0] = decoded(w[0]);
		if (p->f->dep == FUSE_O)
			return true;
		/* which of its fields is Rn, which Rm, the decoder knows */
		for (unsigned k = 0; k < 4; k++) {
			static const unsigned at[] = { 5, 16, 0, 10 };

			if (p->f->dep == FUSE_N && k && rnd() % 2)
				continue;
			uint32_t t = put(w[1], at[k], r[0].rd & 31);

			r[1] = decoded(t);
			if (r[1].rn == r[0].rd || r[1].rm == r[0].rd)
				w[1] = t;
			if (fuse_find(r, p->first->h, second_of(p)) ==
			    p->f->fused)
				return true;
		}
	}
	return false;
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
	for (unsigned i = 0; i < pairs; i++)
		if (pair[i].f->fused == h) {
			pair[i].seen = true;
			return;
		}
}

unsigned hot_missed(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pairs; i++)
		n += !pair[i].seen;
	return n;
}

void hot_report(void)
{
	for (unsigned i = 0; i < pairs; i++)
		if (!pair[i].seen)
			printf("  not fused: %s\n",
			       i < sizeof(name) / sizeof(*name) ? name[i] :
								  "?");
}
