/* decode.c: the decoder made of a64.def.
 *
 * Rows are indexed by bits 28:21, which separate nearly all of them; within a
 * bucket they are tried in file order. Patterns are parsed once at start. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "cover.h"
#include "decode.h"
#include "op.h"

static struct a64_row rows[] = {
#define A64(name, pattern, feat, fn) \
	{ #name, pattern, feat, false, dec_##fn, 0, 0 },
#define A64V(name, pattern, feat, fn) \
	{ #name, pattern, feat, true, dec_##fn, 0, 0 },
#include "a64.def"
#undef A64
#undef A64V
};
#define NROWS ((int)(sizeof(rows) / sizeof(rows[0])))

enum { KEY_SHIFT = 21, KEYS = 256, LIST_MAX = 32768 };
static uint16_t first[KEYS + 1], list[LIST_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

uint64_t decode_bitmask_table[8192];

bool decode_bitmask(unsigned n, unsigned immr, unsigned imms, bool is64,
		    uint64_t *out)
{
	/* DecodeBitMasks() of the manual: element size from N:NOT(imms) */
	unsigned key = n << 6 | (~imms & 63);

	if (key < 2 || (!is64 && n))
		return false;
	unsigned len = 31 - (unsigned)__builtin_clz(key);
	unsigned size = 1u << len, s = imms & (size - 1), r = immr & (size - 1);

	if (s == size - 1)
		return false;
	uint64_t ones = (1ull << (s + 1)) - 1;
	uint64_t mask = size == 64 ? ~0ull : (1ull << size) - 1;

	if (r)
		ones = (ones >> r | ones << (size - r)) & mask;
	for (unsigned i = size; i < 64; i *= 2)
		ones |= ones << i;
	*out = is64 ? ones : (uint32_t)ones;
	return true;
}

static void parse_pattern(struct a64_row *row)
{
	int bit = 32;

	for (const char *p = row->pattern; *p; p++) {
		if (*p == ' ')
			continue;
		bit--;
		assert(bit >= 0);
		if (*p == '0' || *p == '1')
			row->mask |= 1u << bit;
		if (*p == '1')
			row->value |= 1u << bit;
	}
	assert(bit == 0);
}

static void build(void)
{
	for (int i = 0; i < NROWS; i++)
		parse_pattern(&rows[i]);
	unsigned n = 0;

	for (unsigned key = 0; key < KEYS; key++) {
		first[key] = (uint16_t)n;
		for (int i = 0; i < NROWS; i++) {
			uint32_t m = rows[i].mask >> KEY_SHIFT & (KEYS - 1);

			if ((key & m) !=
			    (rows[i].value >> KEY_SHIFT & (KEYS - 1)))
				continue;
			assert(n < LIST_MAX);
			list[n++] = (uint16_t)i;
		}
	}
	first[KEYS] = (uint16_t)n;
	for (unsigned i = 0; i < 8192; i++) {
		uint64_t v;

		if (decode_bitmask(i >> 12, i >> 6 & 63, i & 63, true, &v))
			decode_bitmask_table[i] = v;
	}
}

void decode_init(void)
{
	pthread_once(&once, build);
}

const struct a64_row *decode_rows(int *n)
{
	decode_init();
	*n = NROWS;
	return rows;
}

static void preset(struct dec *d)
{
	d->r->rd = slot_zr(d->rd);
	d->r->rn = slot_zr(d->rn);
	d->r->rm = slot_zr(d->rm);
	d->r->ra = slot_zr(d->ra);
	d->r->imm = (int32_t)d->w;
}

static const struct a64_row *match(struct dec *d, op_fn **h)
{
	unsigned key = d->w >> KEY_SHIFT & (KEYS - 1);

	for (unsigned i = first[key]; i < first[key + 1]; i++) {
		const struct a64_row *row = &rows[list[i]];

		if ((d->w & row->mask) != row->value ||
		    !d->model->has[row->feat])
			continue;
		preset(d);
		*h = row->dec(d);
		if (*h)
			return row;
	}
	return NULL;
}

static void dec_setup(struct dec *d, struct rec *r, uint32_t w,
		      uint32_t page_off, uint32_t ctx,
		      const struct cpu_model *model)
{
	*d = (struct dec){
		.w = w, .rd = w & 31, .rn = w >> 5 & 31, .rm = w >> 16 & 31,
		.ra = w >> 10 & 31, .sf = (uint8_t)(w >> 31), .ctx = ctx,
		.page_off = page_off, .model = model, .r = r,
	};
}

void decode_word(struct rec *r, uint32_t w, uint32_t page_off, uint32_t ctx,
		 const struct cpu_model *model)
{
	struct dec d;
	op_fn *h;

	dec_setup(&d, r, w, page_off, ctx, model);
	const struct a64_row *row = match(&d, &h);

	if (row)
		COVER_ROW((unsigned)(row - rows));
	if (!row) {
		preset(&d);
		r->h = op_undef;
	} else if (row->simd && ctx & CTX_FPTRAP) {
		r->h = op_fptrap;
	} else {
		r->h = h;
	}
}

const struct a64_row *decode_row(uint32_t w, const struct cpu_model *model)
{
	struct rec r;
	struct dec d;
	op_fn *h;

	decode_init();
	dec_setup(&d, &r, w, 0, 0, model);
	return match(&d, &h);
}
