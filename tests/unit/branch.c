/* Where code goes on, in a whole interpreter: fused records in a loop that is
 * entered between two of them; targets that are not aligned. */
#include "cputest.h"
#include "../../src/interp/fuse.h"

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

#define SVC 0xd4000001

static void loop_entered_in_the_middle(void **state)
{
	static const uint32_t w[] = {
		0xd2800140,                     /* mov x0, #10 */
		0xd2800001,                     /* mov x1, #0 */
		0xd2800002,                     /* mov x2, #0 */
		0x14000002,                     /* b .+8 */
		0x91000c21,                     /* add x1, x1, #3 */
		0x91000442,                     /* add x2, x2, #1 */
		0xf1000400,                     /* subs x0, x0, #1 */
		0x54ffffa1,                     /* b.ne .-12 */
		SVC,
	};
	int n;
	const struct ram *ram;

	(void)state;
	ct_run(w, sizeof(w) / sizeof(*w));
	assert_int_equal(ct.c->x[1], 27);
	assert_int_equal(ct.c->x[2], 10);
	assert_int_equal(ct.c->sr.esr >> 26, 0x15);

	/* what ran in it was fused, and its parts were not spoilt */
	ram = as_rams(ct.f->as, &n);
	const struct rec *r = cache_page(ct.c, ram, FAKE_RAM,
					 ct.c->tlb->ctx)->r;

	assert_ptr_not_equal(fuse_plain(r[4].h), r[4].h);
	assert_ptr_not_equal(fuse_plain(r[6].h), r[6].h);
	assert_int_equal(r[4].imm, 3);
	assert_int_equal(r[5].imm, 1);
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
		T(loop_entered_in_the_middle), T(target_not_aligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
