/*
 * Scalar floating point through the decoder and the handlers, against softfp:
 * the host's FPU with FPCR = 0, its flags included, and the slow twins with any
 * other FPCR. That softfp is right is tests/unit/softfp.c's and
 * tests/diff/fp_host.c's part. Then what must be UNDEFINED.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/interp/decode.h"
#include "../../src/interp/fp.h"
#include "../../src/interp/op.h"
#include "../diff/fp_soft.h"

static const uint32_t words[][2] = {
#include "../diff/fp_words.h"
};

struct fixture {
	struct cpu *c;
	struct interp in;
	struct cpu_model model;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->c = aligned_alloc(64, (sizeof *f->c + 63) & ~(size_t)63);
	memset(f->c, 0, sizeof *f->c);
	f->c->in = &f->in;
	f->in.model = &f->model;
	for (int i = 0; i < FEAT_COUNT; i++)
		f->model.has[i] = true;
	decode_init();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->c);
	free(f);
	return 0;
}

/* The end of a test's code: leaves the handlers. */
OP(stop)
{
	(void)ip;
	FLAGS_OUT();
	OP_LEAVE();
}

static void run(struct cpu *c, const struct rec *r)
{
	while (r)
		r = op_enter(r->h, c, r);
}

/* Decodes instruction n with a stop behind; false if a part is UNDEFINED. */
static bool decode(struct fixture *f, int n, uint32_t ctx, struct rec *r)
{
	int i;

	for (i = 0; i < 2 && words[n][i]; i++) {
		decode_word(&r[i], words[n][i], 0, ctx, &f->model);
		if (r[i].h == op_undef)
			return false;
	}
	r[i] = (struct rec){ .h = op_stop };
	return true;
}

static void set_operands(struct cpu *c, const uint64_t *in, uint64_t *seed)
{
	for (int i = 0; i < 3; i++) {
		c->v[i].d[0] = c->x[i] = in[i];
		c->v[i].d[1] = fp_random(seed);
	}
	c->v[3].d[0] = c->x[3] = 0;
	c->v[3].d[1] = ~0ull;
	c->fa = c->fb = 0;
	c->fk = FK_NZCV;
}

static void check_all(struct fixture *f, uint32_t ctx, uint64_t seed, int count)
{
	struct cpu *c = f->c;
	uint64_t zero[3] = { 0 }, in[3];
	const char *name = "";
	enum fpfmt fmt;
	int n;

	for (n = 0; (fmt = fp_soft(n, zero, NULL, NULL, &name)); n++) {
		struct rec r[3];

		assert_true((size_t)n < sizeof words / sizeof *words);
		if (!decode(f, n, ctx, r))
			fail_msg("%s: UNDEFINED", name);
		for (int k = 0; k < count; k++) {
			struct fpout want = { 0 };
			uint32_t fpcr = ctx & CTX_FPSLOW ? fp_fpcr(&seed) : 0;
			struct fpctx x = { fpcr, &want.fpsr };

			for (int i = 0; i < 3; i++)
				in[i] = fp_operand(fmt, &seed);
			fp_soft(n, in, &x, &want, &name);
			set_operands(c, in, &seed);
			fp_set_fpcr(c, fpcr);
			fp_set_fpsr(c, 0);
			fp_enter(c);
			run(c, r);
			fp_leave(c);
			if (c->v[3].d[0] == want.v &&
			    (c->v[3].d[1] == 0 || !want.v) &&
			    c->x[3] == want.x && c->sr.fpsr == want.fpsr &&
			    flags_nzcv(c->fa, c->fb, c->fk) == want.nzcv)
				continue;
			fail_msg("%s, FPCR %08x, %016" PRIx64 " %016" PRIx64
				 " %016" PRIx64 ": %016" PRIx64 " %016" PRIx64
				 " %x %02x, want %016" PRIx64 " %016" PRIx64
				 " %x %02x",
				 name, fpcr, in[0], in[1], in[2],
				 c->v[3].d[0], c->x[3],
				 flags_nzcv(c->fa, c->fb, c->fk), c->sr.fpsr,
				 want.v, want.x, want.nzcv, want.fpsr);
		}
	}
	assert_int_equal(n, sizeof words / sizeof *words);
}

static void fast(void **state)
{
	check_all(*state, 0, 1, 3000);
}

static void slow(void **state)
{
	check_all(*state, CTX_FPSLOW, 2, 1000);
}

static void sticky(void **state)
{
	struct fixture *f = *state;
	struct cpu *c = f->c;
	struct rec r[2] = { [1] = { .h = op_stop } };
	uint64_t seed = 0, in[3] = { 0x3f800000, 0x40400000, 0 };

	decode_word(&r[0], 0x1e211803, 0, 0, &f->model); /* fdiv s3, s0, s1 */
	fp_set_fpsr(c, ~0ull);
	assert_int_equal(fp_get_fpsr(c), 0x0800009f);
	fp_set_fpsr(c, FPSR_QC | FPSR_DZC);
	set_operands(c, in, &seed);
	run(c, r);
	assert_int_equal(fp_get_fpsr(c), FPSR_QC | FPSR_DZC | FPSR_IXC);
	fp_set_fpsr(c, 0);
	assert_int_equal(fp_get_fpsr(c), 0);
	fp_set_fpcr(c, ~0ull);
	assert_int_equal(c->sr.fpcr, 0x07c80000);
	f->model.has[FEAT_FP16] = false;
	fp_set_fpcr(c, ~0ull);
	assert_int_equal(c->sr.fpcr, 0x07c00000);
	f->model.has[FEAT_FP16] = true;
	fp_set_fpcr(c, 0);
}

/* Destination 31 is the zero register, not SP and not a vector. */
static void register31(void **state)
{
	struct fixture *f = *state;
	struct cpu *c = f->c;
	struct rec r[2] = { [1] = { .h = op_stop } };

	c->x[REG_SP] = 0x1234;
	c->v[31].d[0] = 0x4045000000000000;             /* 42.0 */
	decode_word(&r[0], 0x9e7803ff, 0, 0, &f->model); /* fcvtzs xzr, d31 */
	run(c, r);
	assert_int_equal(c->x[REG_SP], 0x1234);
	assert_int_equal(c->x[REG_ZERO], 0);
	decode_word(&r[0], 0x9e6203ff, 0, 0, &f->model); /* scvtf d31, xzr */
	run(c, r);
	assert_int_equal(c->v[31].d[0], 0);
}

static void undefined(void **state)
{
	static const uint32_t bad[] = {
		0x1ea02800,     /* fadd of type 2 */
		0x1ea04000,     /* fmov of type 2 */
		0x1fa00000,     /* fmadd of type 2 */
		0x1ea02000,     /* fcmp of type 2 */
		0x1ea00400,     /* fccmp of type 2 */
		0x1ea00c00,     /* fcsel of type 2 */
		0x1ea01000,     /* fmov imm of type 2 */
		0x1e201020,     /* fmov imm with imm5 */
		0x1e224000,     /* fcvt s, s */
		0x1ee3c000,     /* fcvt h, h */
		0x1e634000 & ~0x400000u, /* bfcvt's opcode with type 0 */
		0x1ee84000,     /* frint32z h */
		0x1e26c000,     /* opcode 001101 */
		0x1e209800,     /* two sources, opcode 1001 */
		0x1e202001,     /* fcmp with opcode2 00001 */
		0x1e20a000,     /* fcmp with op 10 */
		0x1e020000,     /* scvtf w with 64 fraction bits */
		0x1e027c00,     /* scvtf w with 33 fraction bits */
		0x1e180000 | 0x00040000, /* fixed point, opcode 100 */
		0x9e260000,     /* fmov x, s */
		0x1e660000,     /* fmov w, d */
		0x1eae0000,     /* fmov w, v.d[1] */
		0x9ea60000,     /* fmov x, type 2, rmode 0 */
		0x9e7e0000,     /* fjcvtzs x */
		0x1e3e0000,     /* fjcvtzs of s */
		0x1e2a0000,     /* scvtf with rmode 1 */
		0x1e2c0000,     /* fcvtas with rmode 1 */
		0x3e202800,     /* fadd with S */
		0x9e202800,     /* fadd with M */
	};
	struct fixture *f = *state;
	struct rec r;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		decode_word(&r, bad[i], 0, 0, &f->model);
		if (r.h != op_undef)
			fail_msg("%08x is not UNDEFINED", bad[i]);
	}
	/* half arithmetic is FEAT_FP16, half conversion is not */
	f->model.has[FEAT_FP16] = false;
	decode_word(&r, 0x1ee02800, 0, 0, &f->model);
	assert_true(r.h == op_undef);
	decode_word(&r, 0x1ee24000, 0, 0, &f->model);
	assert_true(r.h != op_undef);
	f->model.has[FEAT_FP16] = true;
	decode_word(&r, 0x1ee02800, 0, 0, &f->model);
	assert_true(r.h != op_undef);
	decode_word(&r, 0x1e202800, 0, CTX_FPTRAP, &f->model);
	assert_true(r.h == op_fptrap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fast),	      cmocka_unit_test(slow),
		cmocka_unit_test(sticky),     cmocka_unit_test(register31),
		cmocka_unit_test(undefined),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
