/* FEAT_CSSC and FEAT_HBC: results against the manual's, each form, with the
 * features on and off. */
#include "cputest.h"

static int setup(void **state)
{
	ct_open(1, *state);
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

static const uint64_t values[] = {
	0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
	0xffffffffffffff80, 0xfffffffffffffffe, 0xffffffffffffffff,
};
#define VALUES (sizeof(values) / sizeof(values[0]))

/* op: 0 SMAX, 1 UMAX, 2 SMIN, 3 UMIN, on whole numbers */
static uint64_t pick(unsigned op, uint64_t a, uint64_t b)
{
	bool less = op & 1 ? a < b : (int64_t)a < (int64_t)b;

	return less == (op >= 2) ? a : b;
}

/* W operands as X ones of the same sign or size */
static uint64_t wide(unsigned op, uint64_t v)
{
	return op & 1 ? (uint32_t)v : (uint64_t)(int64_t)(int32_t)v;
}

static void test_minmax(void **state)
{
	for (unsigned op = 0; op < 4; op++) {
		for (unsigned i = 0; i < VALUES * VALUES; i++) {
			uint64_t a = values[i / VALUES], b = values[i % VALUES];
			uint64_t imm = op & 1 ? b & 0xff :
				(uint64_t)(int64_t)(int8_t)b;

			ct.c->x[1] = a;
			ct.c->x[2] = b;
			assert_true(ct_insn(0x9ac26020 | op << 10));
			assert_int_equal(ct.c->x[0], pick(op, a, b));
			assert_true(ct_insn(0x1ac26020 | op << 10));
			assert_int_equal(ct.c->x[0],
					 (uint32_t)pick(op, wide(op, a),
							wide(op, b)));
			assert_true(ct_insn(0x91c00020 | op << 18 |
					    (uint32_t)(b & 0xff) << 10));
			assert_int_equal(ct.c->x[0], pick(op, a, imm));
			assert_true(ct_insn(0x11c00020 | op << 18 |
					    (uint32_t)(b & 0xff) << 10));
			assert_int_equal(ct.c->x[0],
					 (uint32_t)pick(op, wide(op, a), imm));
		}
	}
	/* register 31 is zero, as source and as sink */
	ct.c->x[1] = (uint64_t)-5;
	assert_true(ct_insn(0x9adf6020));
	assert_int_equal(ct.c->x[0], 0);
	uint64_t sp = ct.c->x[31];

	assert_true(ct_insn(0x91c0003f));
	assert_int_equal(ct.c->x[31], sp);
}

static void test_one_source(void **state)
{
	for (unsigned i = 0; i < VALUES; i++) {
		uint64_t v = values[i], n = 0, ones = 0, n32;

		while (n < 64 && !(v >> n & 1))
			n++;
		n32 = n < 32 ? n : 32;
		for (unsigned k = 0; k < 64; k++)
			ones += v >> k & 1;
		ct.c->x[1] = v;
		assert_true(ct_insn(0xdac01820));
		assert_int_equal(ct.c->x[0], n);
		assert_true(ct_insn(0x5ac01820));
		assert_int_equal(ct.c->x[0], n32);
		assert_true(ct_insn(0xdac01c20));
		assert_int_equal(ct.c->x[0], ones);
		assert_true(ct_insn(0x5ac01c20));
		assert_int_equal(ct.c->x[0],
				 (uint64_t)__builtin_popcount((uint32_t)v));
		assert_true(ct_insn(0xdac02020));
		assert_int_equal(ct.c->x[0], (int64_t)v < 0 ? 0 - v : v);
		assert_true(ct_insn(0x5ac02020));
		assert_int_equal(ct.c->x[0], (uint32_t)((int32_t)v < 0 ?
							0 - v : v));
	}
}

/* bc.eq, over an instruction that must not run */
static void test_bc(void **state)
{
	CT_RUN(0xd2800000, 0xeb1f03ff, 0x54000050, 0xd2800020, CT_SVC);
	assert_int_equal(ct.c->x[0] & 1, 0);
	assert_int_equal(ct_ec(), 0x15);
}

static void test_absent(void **state)
{
	static const uint32_t words[] = {
		0x9ac26020, 0x91c00020, 0xdac01820, 0xdac01c20, 0xdac02020,
		0x54000050,
	};

	for (unsigned i = 0; i < sizeof(words) / 4; i++) {
		assert_false(ct_insn(words[i]));
		assert_int_equal(ct.c->sr.esr, 0x02000000);
	}
}

int main(void)
{
	static char with[] = "generic,CSSC=on,HBC=on", without[] = "generic";
#define T(f, model) { #f, f, setup, teardown, model }
	const struct CMUnitTest tests[] = {
		T(test_minmax, with), T(test_one_source, with),
		T(test_bc, with), T(test_absent, without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
