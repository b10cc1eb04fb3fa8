/* Where code goes on, in a whole interpreter: targets that are not aligned. */
#include "cputest.h"

static int setup(void **state)
{
	(void)state;
	ct_open(1, "generic");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ct_close();
	return 0;
}

/* An address of 1 is no page's, nor that of an empty entry of the code TLB: the
 * code lies in the second page, so that the entry of page 0 is empty. */
static void target_not_aligned(void **state)
{
	static const uint32_t far[] = { 1, 2, 3, 5, 0x401, 0xffd };

	(void)state;
	for (unsigned i = 0; i < sizeof(far) / sizeof(*far); i++) {
		/* mov x0, #far; br x0 */
		ct_word(FAKE_RAM + 0x1000, 0xd2800000 | far[i] << 5);
		ct_word(FAKE_RAM + 0x1004, 0xd61f0000);
		ct_code_changed();
		ct.c->pc = FAKE_RAM + 0x1000;
		atomic_store(&ct.vm.park, false);
		atomic_store(&ct.c->req, 0);
		accel_interp.cpu_run(&ct.vm.cpu[0], false);
		assert_int_equal(ct.c->sr.esr >> 26, 0x22);
		assert_int_equal(ct.c->sr.far, far[i]);
	}
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(target_not_aligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
