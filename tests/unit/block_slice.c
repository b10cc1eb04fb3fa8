/* Tests of src/block_slice.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend.h"

static uint8_t image[8 * 512];
static int closed;
static struct blk_req last;

static int mem_run(struct blk *b, struct blk_req *r)
{
	last = *r;
	if (r->op == BLK_WRITE)
		memcpy(image + r->off, r->iov[0].iov_base, r->len);
	return r->off + r->len > b->size ? 5 : 0;
}

static void mem_close(struct blk *b)
{
	closed++;
}

static const struct blk_ops mem_ops = { "mem", mem_run, mem_close };

static void test_slice(void **state)
{
	char path[] = "aux.img";
	struct blk base = { .ops = &mem_ops, .size = sizeof(image),
			    .block_size = 4096, .discard = true,
			    .serial = "abc", .path = path };
	struct iovec iov = { (char[512]){ "hello" }, 512 };
	struct blk_req r = { .op = BLK_WRITE, .off = 512, .len = 512,
			     .iov = &iov, .niov = 1 };
	struct err e;
	struct blk *b = blk_slice_open(&base, 3 * 512, &e);

	assert_int_equal(b->size, 5 * 512);
	assert_int_equal(b->block_size, 4096);
	assert_true(b->discard);
	assert_false(b->readonly);
	assert_string_equal(b->serial, "abc");
	assert_string_equal(b->path, "aux.img");
	assert_int_equal(b->ops->run(b, &r), 0);
	assert_string_equal((char *)image + 4 * 512, "hello");
	assert_int_equal(last.off, 4 * 512);
	assert_int_equal(r.off, 512);           /* the caller's is its own */
	b->ops->close(b);
	assert_int_equal(closed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_slice) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
