/* pauth.c: pointer authentication; pauth.h.
 *
 * Two algorithms: QARMA5 (ID_AA64ISAR1_EL1.APA, the qemu72 profile), which test
 * suites know answers of, and a keyed mix of our own (API), which is legal, as
 * fast as a few multiplications, and no secret from the host. Keys are equal
 * input to both, so all CPUs agree. */
#include "decode.h"
#include "except.h"
#include "op.h"
#include "pauth.h"

/* ---- QARMA5 -------------------------------------------------------------- */

/* The block cipher QARMA-64 with five rounds and the S-box sigma2 (R. Avanzi,
 * "The QARMA Block Cipher Family", 2017; Arm ARM, ComputePAC). Cell 0 is bits
 * 63:60. */

static const uint8_t sbox[16] = {
	11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10,
};
static const uint8_t sbox_inv[16] = {
	5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3,
};
/* Where cell i comes from: the state's permutation tau, the tweak's h, and
 * their inverses. */
static const uint8_t tau[16] = {
	0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2,
};
static const uint8_t tau_inv[16] = {
	0, 5, 15, 10, 13, 8, 2, 7, 11, 14, 4, 1, 6, 3, 9, 12,
};
static const uint8_t tweak_h[16] = {
	6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11,
};
static const uint8_t tweak_h_inv[16] = {
	4, 5, 6, 7, 11, 1, 0, 8, 12, 13, 14, 15, 9, 10, 2, 3,
};
/* Cells that the tweak's shift register omega runs on. */
static const uint16_t tweak_lfsr = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 |
				   1 << 8 | 1 << 11 | 1 << 13;

#define QARMA_ROUNDS 5
static const uint64_t round_const[QARMA_ROUNDS] = {
	0, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89,
	0x452821e638d01377,
};
static const uint64_t alpha = 0xc0ac29b7c97c50dd;

static unsigned cell(uint64_t s, unsigned i)
{
	return s >> (60 - 4 * i) & 15;
}

static uint64_t at_cell(uint64_t v, unsigned i)
{
	return v << (60 - 4 * i);
}

static uint64_t substitute(uint64_t s, const uint8_t box[16])
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 16; i++)
		r |= at_cell(box[cell(s, i)], i);
	return r;
}

static uint64_t permute(uint64_t s, const uint8_t from[16])
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 16; i++)
		r |= at_cell(cell(s, from[i]), i);
	return r;
}

/* Rotates each cell left by n. */
static uint64_t rotate_cells(uint64_t s, unsigned n)
{
	uint64_t low = (0x1111111111111111u << (4 - n)) - 0x1111111111111111u;

	return (s & low) << n | (s & ~low) >> (4 - n);
}

/* Columns times the circulant matrix (0, rho, rho^2, rho); its own inverse.
 * Cells are in rows of four, so the next row is 16 bits away. */
static uint64_t mix_columns(uint64_t s)
{
	uint64_t s1 = s << 16 | s >> 48, s2 = s << 32 | s >> 32,
		 s3 = s << 48 | s >> 16;

	return rotate_cells(s1 ^ s3, 1) ^ rotate_cells(s2, 2);
}

static uint64_t tweak_next(uint64_t t)
{
	t = permute(t, tweak_h);
	for (unsigned i = 0; i < 16; i++) {
		unsigned v = cell(t, i), n;

		if (!(tweak_lfsr >> i & 1))
			continue;
		n = v >> 1 | ((v ^ v >> 1) & 1) << 3;
		t ^= at_cell(v ^ n, i);
	}
	return t;
}

static uint64_t tweak_prev(uint64_t t)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned v = cell(t, i), n;

		if (!(tweak_lfsr >> i & 1))
			continue;
		n = (v << 1 & 15) | (v >> 3 ^ (v & 1));
		t ^= at_cell(v ^ n, i);
	}
	return permute(t, tweak_h_inv);
}

uint64_t pauth_qarma5(uint64_t data, uint64_t mod, const uint64_t key[2])
{
	uint64_t k1 = key[0], w0 = key[1];
	uint64_t w1 = (w0 >> 1 | w0 << 63) ^ w0 >> 63;
	uint64_t t = mod, s = data ^ w0;

	for (int i = 0; i < QARMA_ROUNDS; i++) {
		s ^= k1 ^ t ^ round_const[i];
		if (i > 0)
			s = mix_columns(permute(s, tau));
		s = substitute(s, sbox);
		t = tweak_next(t);
	}
	/* the middle: forward with w1, the reflector, backward with w0 */
	s = substitute(mix_columns(permute(s ^ w1 ^ t, tau)), sbox);
	s = mix_columns(permute(s, tau)) ^ k1;
	s = permute(s, tau_inv);
	s = mix_columns(substitute(s, sbox_inv));
	s = permute(s, tau_inv) ^ w0 ^ t;
	for (int i = QARMA_ROUNDS - 1; i >= 0; i--) {
		s = substitute(s, sbox_inv);
		if (i > 0)
			s = permute(mix_columns(s), tau_inv);
		t = tweak_prev(t);
		s ^= k1 ^ t ^ round_const[i] ^ alpha;
	}
	return s ^ w1;
}

/* ---- our own ------------------------------------------------------------- */

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t pauth_mix(uint64_t data, uint64_t mod, const uint64_t key[2])
{
	/* odd constants from the golden ratio and from sqrt 2, 3, 5 */
	uint64_t h = fold(data ^ key[0] ^ 0x9e3779b97f4a7c15,
			  mod ^ key[1] ^ 0x6a09e667f3bcc909);

	h ^= fold(h ^ key[1] ^ 0xbb67ae8584caa73b,
		  data + (key[0] << 32 | key[0] >> 32) + 0x3c6ef372fe94f82b);
	return fold(h ^ 0x9e3779b97f4a7c15, mod + 0xbb67ae8584caa73b) ^ h;
}

static uint64_t compute(const struct cpu *c, enum pauth_key key, uint64_t data,
			uint64_t mod)
{
	const uint64_t *reg = c->sr.apkey[key];
	const uint64_t *add = c->sr.pac.words[c->el & 1][key];
	uint64_t k[2] = { reg[0] ^ add[0], reg[1] ^ add[1] };

	return c->in->model->has[FEAT_PACQARMA5] ? pauth_qarma5(data, mod, k) :
						   pauth_mix(data, mod, k);
}

/* ---- pointers ------------------------------------------------------------ */

enum { TCR_TBI0 = 37, TCR_TBID0 = 51 };

/* Bits of a pointer, for the half (TTBR0, TTBR1) that one of them selects. */
struct pac_field {
	uint64_t ext;           /* bits that extend the address, bit 55 too */
	uint64_t pac;           /* bits that hold the code */
	bool tbi;               /* bits 63:56 are neither */
};

/* Does TBI apply to this half, for data or instructions? */
static bool tbi_of(uint64_t tcr, bool half, bool data)
{
	return tcr >> (TCR_TBI0 + half) & 1 &&
	       (data || !(tcr >> (TCR_TBID0 + half) & 1));
}

/* CalculateBottomPACBit: where the field of this half begins. */
static unsigned bottom_of(const struct cpu *c, bool half)
{
	uint64_t tcr = c->sr.tcr;
	unsigned tsz = tcr >> (half ? 16 : 0) & 63, max = 39;
	bool is64k = half ? (tcr >> 30 & 3) == 3 : (tcr >> 14 & 3) == 1;

	if (c->in->model->has[FEAT_TTST])
		max = is64k ? 47 : 48;
	return 64 - (tsz > max ? max : tsz < 16 ? 16 : tsz);
}

/* `half` picks the size, `tbi_half` whether the top byte is ignored. */
static struct pac_field field_of(const struct cpu *c, bool half, bool tbi_half,
			     bool data)
{
	struct pac_field f;
	uint64_t high = ~0ull << bottom_of(c, half);

	f.tbi = tbi_of(c->sr.tcr, tbi_half, data);
	f.ext = f.tbi ? high & 0x00ffffffffffffff : high;
	f.pac = f.ext & ~(1ull << 55);
	return f;
}

/* The address with all extension bits equal to `bit`. */
static uint64_t canonical(const struct pac_field *f, uint64_t ptr, bool bit)
{
	return bit ? ptr | f->ext : ptr & ~f->ext;
}

static bool is_data(enum pauth_key key)
{
	return key == PAUTH_DA || key == PAUTH_DB;
}

/* SCTLR_EL1.EnIA and the like; EL0 and EL1 share them. */
static bool enabled(const struct cpu *c, enum pauth_key key)
{
	static const uint8_t bit[] = {
		[PAUTH_IA] = 31, [PAUTH_IB] = 30, [PAUTH_DA] = 27,
		[PAUTH_DB] = 13,
	};

	return c->sr.sctlr >> bit[key] & 1;
}

uint64_t pauth_add(const struct cpu *c, enum pauth_key key, uint64_t ptr,
		   uint64_t mod)
{
	const bool *has = c->in->model->has;
	bool data = is_data(key), half, bad;
	struct pac_field f;
	uint64_t pac, ext;

	if (!enabled(c, key))
		return ptr;
	half = ptr >> (tbi_of(c->sr.tcr, false, data) ||
		       tbi_of(c->sr.tcr, true, data) ? 55 : 63) & 1;
	f = field_of(c, half, ptr >> 55 & 1, data);
	ext = ptr & f.ext;
	bad = ext != 0 && ext != f.ext;
	pac = compute(c, key, canonical(&f, ptr, half), mod);
	if (has[FEAT_PAuth2]) {
		pac ^= ptr;
	} else if (bad) {
		if (has[FEAT_EPAC])
			pac = 0;
		else
			pac ^= 1ull << (f.tbi ? 54 : 62);
	}
	return (ptr & ~f.ext) | (pac & f.pac) | (uint64_t)half << 55;
}

bool pauth_auth(struct cpu *c, enum pauth_key key, uint64_t ptr, uint64_t mod,
		bool combined, uint64_t *out)
{
	const bool *has = c->in->model->has;
	bool half = ptr >> 55 & 1;
	struct pac_field f;
	uint64_t plain, pac, got;

	if (!enabled(c, key)) {
		*out = ptr;
		return true;
	}
	f = field_of(c, half, half, is_data(key));
	plain = canonical(&f, ptr, half);
	if (has[FEAT_LenientPAC]) {
		*out = plain;
		return true;
	}
	pac = compute(c, key, plain, mod);
	if (has[FEAT_PAuth2]) {
		got = ptr ^ (pac & f.pac);
		if (got != plain && (has[FEAT_FPACCOMBINE] ||
				     (has[FEAT_FPAC] && !combined)))
			/* ISS: bit 1 data, bit 0 B; as the keys are numbered */
			return exc_raise(c, ESR(0x1c, key));
		*out = got;
		return true;
	}
	if (((ptr ^ pac) & f.pac) == 0) {
		*out = plain;
	} else {
		unsigned low = f.tbi ? 53 : 61;
		uint64_t code = key == PAUTH_IA || key == PAUTH_DA ? 1 : 2;

		*out = (plain & ~(3ull << low)) | code << low;
	}
	return true;
}

uint64_t pauth_strip(const struct cpu *c, uint64_t ptr, bool data)
{
	bool half = ptr >> 55 & 1;
	struct pac_field f = field_of(c, half, half, data);

	return canonical(&f, ptr, half);
}

uint64_t pauth_generic(const struct cpu *c, uint64_t x, uint64_t y)
{
	return compute(c, PAUTH_GA, x, y) & 0xffffffff00000000;
}

/* ---- instructions -------------------------------------------------------- */

/* rd := PAC or AUT of ra with modifier rn; rm: the key */
OP(pac)
{
	X(rd) = pauth_add(c, ip->rm, X(ra), X(rn));
	NEXT(1);
}

OP(aut)
{
	uint64_t v = 0;

	if (!pauth_auth(c, ip->rm, X(ra), X(rn), false, &v))
		GO(raise);
	X(rd) = v;
	NEXT(1);
}

/* rm: data */
OP(xpac)
{
	X(rd) = pauth_strip(c, X(ra), ip->rm);
	NEXT(1);
}

OP(pacga)
{
	X(rd) = pauth_generic(c, X(rn), X(rm));
	NEXT(1);
}

static void operands(struct dec *d)
{
	d->r->ra = slot_zr(d->rd);
	d->r->rd = slot_zd(d->rd);
	/* the Z forms have bit 13 and use zero */
	d->r->rn = bits(d->w, 13, 13) ? REG_ZERO : slot_sp(d->rn);
	d->r->rm = (uint8_t)bits(d->w, 11, 10);
}

op_fn *dec_pac(struct dec *d)
{
	operands(d);
	return op_pac;
}

op_fn *dec_aut(struct dec *d)
{
	operands(d);
	return op_aut;
}

op_fn *dec_xpac(struct dec *d)
{
	operands(d);
	d->r->rm = (uint8_t)bits(d->w, 10, 10);
	return op_xpac;
}

op_fn *dec_pacga(struct dec *d)
{
	d->r->rd = slot_zd(d->rd);
	d->r->rm = slot_sp(d->rm);
	return op_pacga;
}

op_fn *dec_xpaclri(struct dec *d)
{
	d->r->rd = d->r->ra = 30;
	d->r->rm = 0;
	return op_xpac;
}

/* In the hint space bit 6 is the B key, bit 7 of both groups AUT. */
static op_fn *hint(struct dec *d, uint8_t ptr, uint8_t mod)
{
	d->r->rd = d->r->ra = ptr;
	d->r->rn = mod;
	d->r->rm = bits(d->w, 6, 6) ? PAUTH_IB : PAUTH_IA;
	return bits(d->w, 7, 7) ? op_aut : op_pac;
}

op_fn *dec_hint_1716(struct dec *d)
{
	return hint(d, 17, 16);
}

/* PACIASP, PACIAZ: bit 5 is SP. */
op_fn *dec_hint_lr(struct dec *d)
{
	return hint(d, 30, bits(d->w, 5, 5) ? REG_SP : REG_ZERO);
}
