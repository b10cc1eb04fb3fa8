/* LZVN, the byte-oriented blocks of LZFSE: spec/lzfse.md section 7. */
#include "lzfse_int.h"

enum kind { SMALL, LARGE, PREVIOUS, MEDIUM, LITERALS, MATCH, NOP, END, BAD };

struct op {
	enum kind kind;
	uint32_t l, m, d;
	unsigned len;                   /* of the opcode */
};

static enum kind kind_of(uint8_t x)
{
	if (x >= 0xf0)
		return MATCH;
	if (x >= 0xe0)
		return LITERALS;
	if (x >= 0xd0 || (x & 0xf0) == 0x70)
		return BAD;
	if (x >= 0xa0 && x <= 0xbf)
		return MEDIUM;
	switch (x & 7) {
	case 7: return LARGE;
	case 6:
		if (x >= 0x40)
			return PREVIOUS;
		return x == 0x06 ? END : x == 0x0e || x == 0x16 ? NOP : BAD;
	default: return SMALL;
	}
}

/* Bytes of the opcode at x; the literals that may follow are not counted. */
static unsigned length_of(enum kind kind, uint8_t x)
{
	switch (kind) {
	case SMALL: return 2;
	case LARGE:
	case MEDIUM: return 3;
	case LITERALS:
	case MATCH: return x & 15 ? 1 : 2;
	case END: return 8;
	default: return 1;
	}
}

/* `in` has the whole opcode. d stays 0 for "previous". */
static void decode(const uint8_t *p, struct op *o)
{
	uint8_t x = p[0];
	unsigned w;

	o->l = o->m = o->d = 0;
	switch (o->kind) {
	case SMALL:
	case LARGE:
	case PREVIOUS:
		o->l = x >> 6;
		o->m = (x >> 3 & 7) + 3u;
		if (o->kind == SMALL)
			o->d = (x & 7u) << 8 | p[1];
		else if (o->kind == LARGE)
			o->d = ld16(p + 1);
		break;
	case MEDIUM:
		w = ld16(p + 1);
		o->l = x >> 3 & 3;
		o->m = ((x & 7u) << 2 | (w & 3)) + 3;
		o->d = w >> 2;
		break;
	case LITERALS: o->l = x & 15 ? x & 15 : p[1] + 16u; break;
	case MATCH: o->m = x & 15 ? x & 15 : p[1] + 16u; break;
	default: break;
	}
}

static const char *copy(struct lz_in *in, struct lz_out *out,
			const struct op *o, uint32_t *last, size_t limit)
{
	if (o->l > in->n)
		return "LZVN: ends inside literals";
	if (o->l + o->m > limit - out->n)
		return "LZVN: a block yields more than it says";
	lz_literals(out, in->p, o->l);
	lz_skip(in, o->l);
	if (o->d)
		*last = o->d;
	if (!o->m)
		return NULL;
	if (!*last || (!o->d && o->kind != PREVIOUS && o->kind != MATCH))
		return "LZVN: a distance of 0, or a previous one before any";
	if (*last > out->n)
		return "LZVN: a distance reaches before the output";
	lz_match(out, *last, o->m);
	return NULL;
}

const char *lzvn_decode(struct lz_in *in, struct lz_out *out, size_t limit)
{
	uint32_t last = 0;
	const char *bad;
	struct op o;

	for (;;) {
		if (!in->n)
			return "LZVN: a block without its end";
		o.kind = kind_of(in->p[0]);
		if (o.kind == BAD)
			return "LZVN: an undefined opcode";
		o.len = length_of(o.kind, in->p[0]);
		if (o.len > in->n)
			return "LZVN: ends inside an opcode";
		decode(in->p, &o);
		lz_skip(in, o.len);
		if (o.kind == END)
			break;
		bad = copy(in, out, &o, &last, limit);
		if (bad)
			return bad;
	}
	if (in->n)
		return "LZVN: a block's payload goes on after its end";
	return out->n == limit ? NULL :
				 "LZVN: a block yields less than it says";
}
