/* decode.h: from an instruction word to a record.
 *
 * Every instruction is one row of a64.def:
 *
 *	A64(ADD_imm, "x0010001 0siiiiii iiiiiinn nnnddddd", FEAT_BASE, add_imm)
 *
 * name (unique; base mnemonic, then the form), pattern (32 characters 0, 1 or
 * a letter for a field; blanks are for the eye), feature that it needs, and
 * the decode function `op_fn *dec_add_imm(struct dec *)`. A64V rows are FP or
 * SIMD: CPACR_EL1.FPEN can trap them. Rows are tried in file order among those
 * whose fixed bits match and whose feature the model has; the first decode
 * function that does not return NULL wins; none is UNDEF. A decode function
 * returns NULL for operand values that are unallocated. */
#ifndef INTERP_DECODE_H
#define INTERP_DECODE_H

#include "cpu.h"
#include "model.h"

struct dec {
	uint32_t w;                     /* the word */
	uint8_t rd, rn, rm, ra;         /* raw bits 4:0, 9:5, 20:16, 14:10 */
	uint8_t sf;                     /* bit 31 */
	uint32_t ctx;                   /* CTX_* */
	uint32_t page_off;              /* offset of the word in its 4K page */
	const struct cpu_model *model;
	struct rec *r;                  /* to fill; rd rn rm ra come preset as
					 * sources: 31 is REG_ZERO in all four;
					 * imm comes preset to the word */
};

static inline uint32_t bits(uint32_t w, unsigned hi, unsigned lo)
{
	return w >> lo & (uint32_t)((2ull << (hi - lo)) - 1);
}
static inline int64_t sbits(uint32_t w, unsigned hi, unsigned lo)
{
	return (int64_t)((uint64_t)bits(w, hi, lo) << (63 - (hi - lo))) >>
	       (63 - (hi - lo));
}
/* Register number to slot: as a source (31 = XZR), a destination (31 = sink),
 * and where 31 is SP. */
static inline uint8_t slot_zr(unsigned r) { return r == 31 ? REG_ZERO : (uint8_t)r; }
static inline uint8_t slot_zd(unsigned r) { return r == 31 ? REG_SINK : (uint8_t)r; }
static inline uint8_t slot_sp(unsigned r) { return (uint8_t)r; }

typedef op_fn *dec_fn(struct dec *d);

struct a64_row {
	const char *name, *pattern;
	enum feature feat;
	bool simd;                      /* CPACR_EL1.FPEN applies */
	dec_fn *dec;
	uint32_t mask, value;           /* from the pattern, by decode_init */
};

/* Builds the index; once per process, before any decoding. */
void decode_init(void);
/* Fills *r for word w; never fails (unallocated words become op_undef). */
void decode_word(struct rec *r, uint32_t w, uint32_t page_off, uint32_t ctx,
		 const struct cpu_model *model);
/* The row of a word, or NULL; and all rows, for tests and listings. */
const struct a64_row *decode_row(uint32_t w, const struct cpu_model *model);
const struct a64_row *decode_rows(int *n);

/* Bitmask immediate (N:immr:imms) -> value; false: reserved. */
bool decode_bitmask(unsigned n, unsigned immr, unsigned imms, bool is64,
		    uint64_t *out);

/* All values by N:immr:imms, 64-bit; reserved ones are 0. */
extern uint64_t decode_bitmask_table[8192];

#define A64(name, pattern, feat, fn) op_fn *dec_##fn(struct dec *);
#define A64V(name, pattern, feat, fn) op_fn *dec_##fn(struct dec *);
#include "a64.def"
#undef A64
#undef A64V

#endif
