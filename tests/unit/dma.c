/* Tests of src/dma.c: all or nothing, across blocks, single accesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"

#define END (FAKE_RAM + FAKE_RAM_SIZE)

static void test_copy(void **state)
{
	struct fake *f = fake_new();
	uint8_t buf[16];

	memcpy(f->ram + 3, "pome", 4);
	assert_int_equal(dma_get(&f->dma, FAKE_RAM + 3, buf, 4), 0);
	assert_memory_equal(buf, "pome", 4);
	assert_int_equal(dma_put(&f->dma, END - 4, "last", 4), 0);
	assert_memory_equal(f->ram + FAKE_RAM_SIZE - 4, "last", 4);
	/* one byte too many: nothing moves */
	assert_int_equal(dma_put(&f->dma, END - 3, "XXXX", 4), -1);
	assert_memory_equal(f->ram + FAKE_RAM_SIZE - 4, "last", 4);
	memset(buf, 9, sizeof(buf));
	assert_int_equal(dma_get(&f->dma, FAKE_RAM - 1, buf, 2), -1);
	assert_int_equal(buf[0], 9);
	assert_int_equal(dma_get(&f->dma, UINT64_MAX - 1, buf, 8), -1);
	assert_int_equal(dma_get(&f->dma, FAKE_RAM, buf, 0), 0);
	fake_free(f);
}

static void test_blocks(void **state)
{
	struct fake *f = fake_new();
	struct ram *second = as_ram(f->as, "second", END, 0x10000, NULL);
	struct iovec iov[3];
	char buf[8];

	assert_non_null(second);
	assert_int_equal(dma_put(&f->dma, END - 2, "abcd", 4), 0);
	assert_memory_equal(f->ram + FAKE_RAM_SIZE - 2, "ab", 2);
	assert_memory_equal(second->host, "cd", 2);
	assert_int_equal(dma_get(&f->dma, END - 2, buf, 4), 0);
	assert_memory_equal(buf, "abcd", 4);

	assert_int_equal(dma_iov(&f->dma, END - 2, 4, iov, 3), 2);
	assert_ptr_equal(iov[0].iov_base, f->ram + FAKE_RAM_SIZE - 2);
	assert_int_equal(iov[0].iov_len, 2);
	assert_ptr_equal(iov[1].iov_base, second->host);
	assert_int_equal(iov[1].iov_len, 2);
	assert_int_equal(dma_iov(&f->dma, END - 2, 4, iov, 1), -1);
	assert_int_equal(dma_iov(&f->dma, END - 2, 0, iov, 0), 0);
	assert_int_equal(dma_iov(&f->dma, END, 0x10001, iov, 3), -1);
	fake_free(f);
}

static void test_words(void **state)
{
	struct fake *f = fake_new();
	uint64_t val;

	assert_int_equal(dma_store(&f->dma, FAKE_RAM + 8, 8,
				   0x1122334455667788), 0);
	assert_int_equal(f->ram[8], 0x88);
	assert_int_equal(dma_load(&f->dma, FAKE_RAM + 8, 4, &val), 0);
	assert_int_equal(val, 0x55667788);
	assert_int_equal(dma_load(&f->dma, FAKE_RAM + 10, 2, &val), 0);
	assert_int_equal(val, 0x5566);
	assert_int_equal(dma_load(&f->dma, FAKE_RAM + 15, 1, &val), 0);
	assert_int_equal(val, 0x11);
	assert_int_equal(dma_store(&f->dma, FAKE_RAM + 8, 2, 0xabcdef01), 0);
	assert_int_equal(dma_load(&f->dma, FAKE_RAM + 8, 8, &val), 0);
	assert_int_equal(val, 0x112233445566ef01);
	/* not aligned, not RAM, no such size */
	assert_int_equal(dma_load(&f->dma, FAKE_RAM + 1, 2, &val), -1);
	assert_int_equal(dma_store(&f->dma, END, 8, 0), -1);
	assert_int_equal(dma_load(&f->dma, FAKE_RAM, 16, &val), -1);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
