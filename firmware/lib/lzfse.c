/* LZFSE: spec/lzfse.md, whose sections the comments cite. bvx2 headers are
 * unpacked to the fields of bvx1, then both go one way; LZVN is in lzvn.c. */
#include "lzfse_int.h"

enum {
	MAGIC_RAW = 0x2d787662,         /* "bvx-" */
	MAGIC_V1 = 0x31787662,
	MAGIC_V2 = 0x32787662,
	MAGIC_LZVN = 0x6e787662,
	MAGIC_END = 0x24787662,         /* "bvx$" */
	V1_HEADER = 772,
	V2_HEADER = 32,
	MAX_MATCHES = 10000,
};

struct header {                         /* of a bvx1 or bvx2 block */
	uint32_t n_raw, n_literals, n_matches;
	uint32_t n_literal_payload, n_lmd_payload;
	int literal_bits, lmd_bits;
	uint16_t literal_state[4], l_state, m_state, d_state;
	size_t size;                    /* of itself */
};

/* ---- bits, read from the end towards the start (section 5) -------------- */

struct bits {
	const uint8_t *p;
	const uint8_t *end;             /* of all input: loads stay below */
	int64_t pos;                    /* in bits; negative: ran out */
};

static uint64_t load_tail(const uint8_t *p, const uint8_t *end)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8 && p + i < end; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

/* r <= 32. What comes after the bits ran out is 0; the caller looks at pos
 * now and then. */
static inline uint32_t bits_get(struct bits *b, unsigned r)
{
	const uint8_t *p;
	uint64_t v;

	b->pos -= r;
	if (b->pos < 0)
		return 0;
	p = b->p + (b->pos >> 3);
	v = b->end - p >= 8 ? ld64(p) : load_tail(p, b->end);
	return (uint32_t)(v >> (b->pos & 7) & ((1ull << r) - 1));
}

static const char *bits_init(struct bits *b, const uint8_t *p, uint32_t len,
			     int pad, const uint8_t *end)
{
	b->p = p;
	b->end = end;
	b->pos = 8 * (int64_t)len + pad;
	if (pad < -7 || pad > 0 || b->pos < 0)
		return "LZFSE: a bit string's padding is out of range";
	if (pad && p[len - 1] >> (8 + pad))
		return "LZFSE: a bit string's padding is not zero";
	return NULL;
}

/* ---- headers (sections 2 and 3) ----------------------------------------- */

static const char *read_v1(struct lzfse_work *w, const struct lz_in *in,
			   struct header *h)
{
	const uint8_t *p = in->p;

	if (in->n < V1_HEADER)
		return "LZFSE: ends inside a bvx1 header";
	h->size = V1_HEADER;
	h->n_raw = ld32(p + 4);
	h->n_literals = ld32(p + 0xc);
	h->n_matches = ld32(p + 0x10);
	h->n_literal_payload = ld32(p + 0x14);
	h->n_lmd_payload = ld32(p + 0x18);
	h->literal_bits = (int32_t)ld32(p + 0x1c);
	for (unsigned i = 0; i < 4; i++)
		h->literal_state[i] = ld16(p + 0x20 + 2 * i);
	h->lmd_bits = (int32_t)ld32(p + 0x28);
	h->l_state = ld16(p + 0x2c);
	h->m_state = ld16(p + 0x2e);
	h->d_state = ld16(p + 0x30);
	memcpy(w->freq, p + 0x32, sizeof(w->freq));
	if ((uint64_t)h->n_literal_payload + h->n_lmd_payload != ld32(p + 8))
		return "LZFSE: a bvx1 header's payload sizes contradict each "
		       "other";
	return NULL;
}

/* One frequency at the bottom of `v`; *len is how many bits it took. */
static uint16_t read_freq(uint32_t v, unsigned *len)
{
	if (!(v & 1)) {
		*len = 2;
		return v >> 1 & 1;
	}
	if (!(v & 2)) {
		*len = 3;
		return (uint16_t)(2 + (v >> 2 & 1));
	}
	if (!(v & 4)) {
		*len = 5;
		return (uint16_t)(4 + (v >> 3 & 3));
	}
	if (!(v & 8)) {
		*len = 8;
		return (uint16_t)(8 + (v >> 4 & 15));
	}
	*len = 14;
	return (uint16_t)(24 + (v >> 4 & 1023));
}

static const char *read_freqs(struct lzfse_work *w, const uint8_t *p, size_t n)
{
	size_t at = 0, end = 8 * n;

	for (unsigned i = 0; i < sizeof(w->freq) / sizeof(w->freq[0]); i++) {
		uint32_t v = 0;
		unsigned len;

		for (unsigned j = 0; j < 3 && at / 8 + j < n; j++)
			v |= (uint32_t)p[at / 8 + j] << 8 * j;
		w->freq[i] = read_freq(v >> at % 8, &len);
		at += len;
		if (at > end)
			return "LZFSE: a bvx2 header's tables are cut short";
	}
	return end - at >= 8 ? "LZFSE: a bvx2 header is longer than its tables"
			     : NULL;
}

static const char *read_v2(struct lzfse_work *w, const struct lz_in *in,
			   struct header *h)
{
	uint64_t a, b, c;

	if (in->n < V2_HEADER)
		return "LZFSE: ends inside a bvx2 header";
	a = ld64(in->p + 8);
	b = ld64(in->p + 16);
	c = ld64(in->p + 24);
	h->n_raw = ld32(in->p + 4);
	h->n_literals = a & 0xfffff;
	h->n_literal_payload = a >> 20 & 0xfffff;
	h->n_matches = a >> 40 & 0xfffff;
	h->literal_bits = (int)(a >> 60 & 7) - 7;
	for (unsigned i = 0; i < 4; i++)
		h->literal_state[i] = b >> 10 * i & 1023;
	h->n_lmd_payload = b >> 40 & 0xfffff;
	h->lmd_bits = (int)(b >> 60 & 7) - 7;
	h->size = (uint32_t)c;
	h->l_state = c >> 32 & 1023;
	h->m_state = c >> 42 & 1023;
	h->d_state = c >> 52 & 1023;
	if (h->size < V2_HEADER || h->size > in->n)
		return "LZFSE: a bvx2 header's size is out of range";
	if (h->size > V2_HEADER)
		return read_freqs(w, in->p + V2_HEADER, h->size - V2_HEADER);
	memset(w->freq, 0, sizeof(w->freq));
	return NULL;
}

static const char *check_header(const struct header *h,
				const struct lz_in *in)
{
	uint64_t payload = (uint64_t)h->n_literal_payload + h->n_lmd_payload;

	if (h->n_literals > LZFSE_LITERALS || h->n_literals % 4)
		return "LZFSE: a block's number of literals is out of range";
	if (h->n_matches > MAX_MATCHES)
		return "LZFSE: a block's number of matches is out of range";
	if (payload > in->n - h->size)
		return "LZFSE: a block ends after its input";
	for (unsigned i = 0; i < 4; i++)
		if (h->literal_state[i] >= 1024)
			return "LZFSE: a first state is out of range";
	if (h->l_state >= 64 || h->m_state >= 64 || h->d_state >= 256)
		return "LZFSE: a first state is out of range";
	return NULL;
}

/* ---- entropy tables (section 4) ------------------------------------------ */

#define NO_SYMBOL 0xff                  /* in `bits` */

struct state_rule {
	unsigned k, j0, f, n;
};

static struct state_rule rule(unsigned f, unsigned log_n)
{
	struct state_rule r = { .f = f, .n = 1u << log_n };

	r.k = log_n - (31 - (unsigned)__builtin_clz(f));
	r.j0 = (2 * r.n >> r.k) - f;
	return r;
}

static void next_state(const struct state_rule *r, unsigned j, uint8_t *bits,
		       int16_t *delta)
{
	if (j < r->j0) {
		*bits = (uint8_t)r->k;
		*delta = (int16_t)((int)((r->f + j) << r->k) - (int)r->n);
	} else {
		*bits = (uint8_t)(r->k - 1);
		*delta = (int16_t)((j - r->j0) << (r->k - 1));
	}
}

static const char freq_sum[] = "LZFSE: frequencies sum to more than there are "
			       "states";

struct value {                          /* section 4: base and extra bits */
	uint32_t base;
	uint8_t extra;
};

static const struct value l_tail[4] = {
	{ 16, 2 }, { 20, 3 }, { 28, 5 }, { 60, 8 },
};
static const struct value m_tail[4] = {
	{ 16, 3 }, { 24, 5 }, { 56, 8 }, { 312, 11 },
};

static struct value value_of(unsigned sym, const struct value *tail)
{
	if (tail)
		return sym < 16 ? (struct value){ sym, 0 } : tail[sym - 16];
	return (struct value){ 4 * ((1u << sym / 4) - 1) +
			       (sym % 4 << sym / 4), (uint8_t)(sym / 4) };
}

/* `tail` NULL: distances. */
static const char *make_values(struct lzfse_entry *t, unsigned log_n,
			       const uint16_t *freq, unsigned symbols,
			       const struct value *tail)
{
	unsigned at = 0, n = 1u << log_n;

	for (unsigned s = 0; s < symbols; s++) {
		struct value v = value_of(s, tail);
		struct state_rule r;

		if (!freq[s])
			continue;
		if (freq[s] > n - at)
			return freq_sum;
		r = rule(freq[s], log_n);
		for (unsigned j = 0; j < freq[s]; j++, at++) {
			t[at].symbol = (uint8_t)s;
			t[at].extra = v.extra;
			t[at].base = v.base;
			next_state(&r, j, &t[at].bits, &t[at].delta);
		}
	}
	for (; at < n; at++)
		t[at].bits = NO_SYMBOL;
	return NULL;
}

static const char *make_literals(struct lzfse_work *w, const uint16_t *freq)
{
	unsigned at = 0;

	for (unsigned s = 0; s < 256; s++) {
		struct state_rule r;

		if (!freq[s])
			continue;
		if (freq[s] > 1024 - at)
			return freq_sum;
		r = rule(freq[s], 10);
		for (unsigned j = 0; j < freq[s]; j++, at++) {
			w->lit[at].symbol = (uint8_t)s;
			next_state(&r, j, &w->lit[at].bits, &w->lit[at].delta);
		}
	}
	for (; at < 1024; at++)
		w->lit[at].bits = NO_SYMBOL;
	return NULL;
}

static const char *make_tables(struct lzfse_work *w)
{
	const char *bad = make_values(w->l, 6, w->freq, 20, l_tail);

	if (!bad)
		bad = make_values(w->m, 6, w->freq + 20, 20, m_tail);
	if (!bad)
		bad = make_values(w->d, 8, w->freq + 40, 64, NULL);
	return bad ? bad : make_literals(w, w->freq + 104);
}

/* ---- blocks (section 6) ---------------------------------------------------- */

static const char no_symbol[] = "LZFSE: a state has no symbol";
static const char ran_out[] = "LZFSE: a bit string ran out";

static const char *decode_literals(struct lzfse_work *w,
				   const struct header *h, struct bits b)
{
	unsigned s[4];

	for (unsigned i = 0; i < 4; i++)
		s[i] = h->literal_state[i];
	for (unsigned i = 0; i < h->n_literals; i += 4) {
		for (unsigned j = 0; j < 4; j++) {
			unsigned r = w->lit[s[j]].bits;

			if (r == NO_SYMBOL)
				return no_symbol;
			w->literals[i + j] = w->lit[s[j]].symbol;
			/* < 1024: the tables are built so */
			s[j] = (unsigned)(w->lit[s[j]].delta +
					  (int)bits_get(&b, r));
		}
		if (b.pos < 0)
			return ran_out;
	}
	return NULL;
}

/* State bits, then extra bits, in one go; false: no symbol. */
static inline bool decode_value(const struct lzfse_entry *t, unsigned *state,
				struct bits *b, uint32_t *value)
{
	const struct lzfse_entry *x = &t[*state];
	uint32_t v;

	if (x->bits == NO_SYMBOL)
		return false;
	v = bits_get(b, (unsigned)x->bits + x->extra);
	*state = (unsigned)(x->delta + (int)(v >> x->extra));
	*value = x->base + (v & ((1u << x->extra) - 1));
	return true;
}

static const char *decode_triplets(struct lzfse_work *w,
				   const struct header *h, struct bits b,
				   struct lz_out *out, size_t limit)
{
	unsigned ls = h->l_state, ms = h->m_state, ds = h->d_state;
	uint32_t l, m, d, last = 0, lit = 0;

	for (unsigned i = 0; i < h->n_matches; i++) {
		if (!decode_value(w->l, &ls, &b, &l) ||
		    !decode_value(w->m, &ms, &b, &m) ||
		    !decode_value(w->d, &ds, &b, &d))
			return no_symbol;
		if (b.pos < 0)
			return ran_out;
		if (d)
			last = d;
		if (!last)
			return "LZFSE: a block begins with the previous "
			       "distance";
		if (l > h->n_literals - lit)
			return "LZFSE: more literals are used than there are";
		if (l + m > limit - out->n)
			return "LZFSE: a block yields more than it says";
		lz_literals(out, w->literals + lit, l);
		lit += l;
		if (last > out->n)
			return "LZFSE: a distance reaches before the output";
		lz_match(out, last, m);
	}
	return out->n == limit ? NULL :
				 "LZFSE: a block yields less than it says";
}

static const char *decode_block(struct lzfse_work *w, struct lz_in *in,
				struct lz_out *out)
{
	bool v1 = ld32(in->p) == MAGIC_V1;
	struct header h;
	struct bits lit, lmd;
	const uint8_t *p, *end = in->p + in->n;
	const char *bad = v1 ? read_v1(w, in, &h) : read_v2(w, in, &h);

	if (!bad)
		bad = check_header(&h, in);
	if (!bad && h.n_raw > out->room - out->n)
		bad = lz_too_long;
	if (!bad)
		bad = make_tables(w);
	if (bad)
		return bad;
	p = in->p + h.size;
	bad = bits_init(&lit, p, h.n_literal_payload, h.literal_bits, end);
	p += h.n_literal_payload;
	if (!bad)
		bad = bits_init(&lmd, p, h.n_lmd_payload, h.lmd_bits, end);
	if (!bad)
		bad = decode_literals(w, &h, lit);
	if (!bad)
		bad = decode_triplets(w, &h, lmd, out, out->n + h.n_raw);
	lz_skip(in, h.size + h.n_literal_payload + h.n_lmd_payload);
	return bad;
}

static const char *copy_block(struct lz_in *in, struct lz_out *out)
{
	uint32_t n;

	if (in->n < 8)
		return "LZFSE: ends inside a bvx- header";
	n = ld32(in->p + 4);
	if (n > in->n - 8)
		return "LZFSE: a block ends after its input";
	if (n > out->room - out->n)
		return lz_too_long;
	lz_literals(out, in->p + 8, n);
	lz_skip(in, 8 + (size_t)n);
	return NULL;
}

static const char *lzvn_block(struct lz_in *in, struct lz_out *out)
{
	uint32_t n_raw, n_payload;
	struct lz_in payload;
	const char *bad;

	if (in->n < 12)
		return "LZFSE: ends inside a bvxn header";
	n_raw = ld32(in->p + 4);
	n_payload = ld32(in->p + 8);
	if (n_payload > in->n - 12)
		return "LZFSE: a block ends after its input";
	if (n_raw > out->room - out->n)
		return lz_too_long;
	payload = (struct lz_in){ in->p + 12, n_payload };
	bad = lzvn_decode(&payload, out, out->n + n_raw);
	lz_skip(in, 12 + (size_t)n_payload);
	return bad;
}

const char *lzfse_decode(struct lzfse_work *w, const uint8_t *data, size_t n,
			 uint8_t *dst, size_t room, size_t *out_len,
			 size_t *used)
{
	struct lz_in in = { data, n };
	struct lz_out out = { dst, 0, room };
	const char *bad = NULL;

	while (!bad) {
		if (in.n < 4)
			return "LZFSE: ends without its end mark";
		switch (ld32(in.p)) {
		case MAGIC_RAW: bad = copy_block(&in, &out); break;
		case MAGIC_V1:
		case MAGIC_V2: bad = decode_block(w, &in, &out); break;
		case MAGIC_LZVN: bad = lzvn_block(&in, &out); break;
		case MAGIC_END:
			*out_len = out.n;
			if (used)
				*used = n - in.n + 4;
			return NULL;
		default: return "LZFSE: an unknown block";
		}
	}
	return bad;
}

bool lzfse_is(const uint8_t *p, size_t n)
{
	return n >= 4 && (ld32(p) == MAGIC_RAW || ld32(p) == MAGIC_V1 ||
			  ld32(p) == MAGIC_V2 || ld32(p) == MAGIC_LZVN);
}

/* Length of the block at `p`, or 0: cut short, or no block. */
static uint64_t block_length(const uint8_t *p, size_t n)
{
	if (n < 12)
		return ld32(p) == MAGIC_RAW && n >= 8 && !ld32(p + 4) ? 8 : 0;
	switch (ld32(p)) {
	case MAGIC_RAW: return 8 + (uint64_t)ld32(p + 4);
	case MAGIC_LZVN: return 12 + (uint64_t)ld32(p + 8);
	case MAGIC_V1: return V1_HEADER + (uint64_t)ld32(p + 8);
	case MAGIC_V2:
		if (n < V2_HEADER)
			return 0;
		return (uint64_t)ld32(p + 24) + (ld64(p + 8) >> 20 & 0xfffff) +
		       (ld64(p + 16) >> 40 & 0xfffff);
	default: return 0;
	}
}

const char *lzfse_size(const uint8_t *p, size_t n, uint64_t *size)
{
	*size = 0;
	for (;;) {
		uint64_t len;

		if (n < 4)
			return "LZFSE: ends without its end mark";
		if (ld32(p) == MAGIC_END)
			return NULL;
		len = block_length(p, n);
		if (!len || len > n)
			return "LZFSE: a block is unknown or cut short";
		*size += ld32(p + 4);
		p += len;
		n -= (size_t)len;
	}
}
