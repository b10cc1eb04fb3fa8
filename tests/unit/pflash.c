/* Tests of devices/pflash.c: commands as a driver gives them, and what is in
 * the file at every moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "backend.h"
#include "fake.h"
#include "pflash.h"

enum { BANK = 1 << 20, FILE_SIZE = 2 * PFLASH_BLOCK };

/* A file in memory that can fail, and wait to be let go. */
struct mem {
	struct blk b;
	uint8_t data[FILE_SIZE];
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool hold, hold_flush;
	int fail;
	char log[64];                   /* "rwf": what ran, in order */
};

static struct mem m;
static struct fake *f;
static struct device *dev;

static int mem_run(struct blk *b, struct blk_req *r)
{
	int fail;

	pthread_mutex_lock(&m.lock);
	while (m.hold || (m.hold_flush && r->op == BLK_FLUSH))
		pthread_cond_wait(&m.cond, &m.lock);
	fail = m.fail;
	if (r->op == BLK_READ) {
		memcpy(r->iov->iov_base, m.data + r->off, r->len);
	} else {
		if (r->op == BLK_WRITE && !fail)
			memcpy(m.data + r->off, r->iov->iov_base, r->len);
		strcat(m.log, r->op == BLK_WRITE ? "w" : "f");
	}
	pthread_mutex_unlock(&m.lock);
	return fail;
}

static void mem_close(struct blk *b)
{
}

static void hold(bool on)
{
	pthread_mutex_lock(&m.lock);
	m.hold = on;
	pthread_cond_broadcast(&m.cond);
	pthread_mutex_unlock(&m.lock);
}

static int open_it(bool keep, bool rom)
{
	static const struct blk_ops ops = { .name = "mem", .run = mem_run,
					    .close = mem_close };
	struct pflash_conf c = { .bank_size = BANK };
	struct err e;

	memset(&m, 0, sizeof(m));
	pthread_mutex_init(&m.lock, NULL);
	pthread_cond_init(&m.cond, NULL);
	m.b.ops = &ops;
	m.b.size = FILE_SIZE;
	m.b.path = (char *)"vars.fd";
	memcpy(m.data + 0x1000, "hello", 5);
	m.b.pool = blk_pool_new(2, &e);
	f = fake_new();
	c.bank[0].rom = rom;
	c.bank[1].blk = &m.b;
	c.bank[1].keep = keep;
	dev = fake_device(f, &pflash_ops, &c);
	return 0;
}

static int setup(void **state)
{
	return open_it(true, false);
}

static int teardown(void **state)
{
	device_free(dev);
	blk_pool_free(m.b.pool);
	fake_free(f);
	return 0;
}

static uint64_t get(uint64_t off, unsigned size)
{
	uint64_t v;

	assert_int_equal(fake_read_win(dev, 1, off, size, &v), IO_OK);
	return v;
}

/* As drivers do: both chips get the command. */
static void cmd(uint64_t off, uint32_t c)
{
	assert_int_equal(fake_write_win(dev, 1, off, 4, c << 16 | c), IO_OK);
}

static void data(uint64_t off, uint32_t v)
{
	assert_int_equal(fake_write_win(dev, 1, off, 4, v), IO_OK);
}

/* The status register once it is ready. */
static uint32_t ready(void)
{
	uint32_t v;

	cmd(0, 0x70);
	do
		v = (uint32_t)get(0, 4);
	while (!(v & 0x80));
	assert_int_equal(v >> 16, v & 0xffff);
	return v & 0xffff;
}

static void erase(uint64_t off)
{
	cmd(off, 0x20);
	cmd(off, 0xd0);
}

static void test_query(void **state)
{
	static const char qry[] = "QRY";

	cmd(0x55 * 4, 0x98);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(get((0x10 + i) * 4, 4),
				 (uint32_t)qry[i] * 0x10001);
	assert_int_equal(get(0x10 * 4, 1), 'Q');
	assert_int_equal(get(0x10 * 4 + 1, 1), 0);
	assert_int_equal(get(0x10 * 4, 8), 0x0052005200510051);
	assert_int_equal(get(0x13 * 4, 2), 1);          /* Intel's commands */
	assert_int_equal(get(0x27 * 4, 2), 19);         /* a chip: BANK / 2 */
	assert_int_equal(get(0x2a * 4, 2), 6);
	assert_int_equal(get(0x2d * 4, 2), BANK / PFLASH_BLOCK - 1);
	assert_int_equal(get(0x2f * 4, 2) | get(0x30 * 4, 2) << 8,
			 PFLASH_BLOCK / 2 / 256);
	cmd(0, 0x90);
	assert_int_equal(get(0, 4), 0x00890089);
	assert_int_equal(get(4, 4), 0x00180018);
	assert_int_equal(get(PFLASH_BLOCK + 8, 4), 0);  /* not locked */
	cmd(0, 0xff);
	assert_memory_equal(((uint64_t[]){ get(0x1000, 8) }), "hello\0\0\0", 8);
	/* what is no command changes nothing */
	cmd(0, 0x12);
	assert_int_equal(get(0x1000, 1), 'h');
}

static void test_program(void **state)
{
	/* ones stay what they are: only an erase makes them */
	cmd(0, 0x40);
	data(0x1000, 0);
	assert_int_equal(ready(), 0x80);
	cmd(0, 0xff);
	assert_int_equal(get(0x1000, 4), 0);
	assert_int_equal(get(0x1004, 1), 'o');
	cmd(0, 0x10);
	data(0x1000, 0xffffffff);
	ready();
	cmd(0, 0xff);
	assert_int_equal(get(0x1000, 4), 0);

	erase(0x1234);
	assert_int_equal(ready(), 0x80);
	cmd(0, 0xff);
	assert_int_equal(get(0, 8), UINT64_MAX);
	assert_int_equal(get(PFLASH_BLOCK - 8, 8), UINT64_MAX);
	assert_int_equal(get(PFLASH_BLOCK, 8), 0);
	cmd(0, 0x40);
	data(0x20, 0x12345678);
	ready();
	cmd(0, 0xff);
	assert_int_equal(get(0x20, 8), 0xffffffff12345678);
	assert_memory_equal(m.data + 0x20, "\x78\x56\x34\x12\xff", 5);
}

static void test_buffer(void **state)
{
	erase(0);
	ready();
	cmd(0, 0xe8);
	assert_int_equal(get(0, 4), 0x00800080);        /* there is room */
	data(0, 2);
	data(0x108, 3);
	data(0x100, 1);
	data(0x104, 2);
	cmd(0, 0xd0);
	assert_int_equal(ready(), 0x80);
	cmd(0, 0xff);
	assert_int_equal(get(0x100, 8), 0x200000001);
	assert_int_equal(get(0x108, 8), 0xffffffff00000003);
	assert_memory_equal(m.data + 0x100, "\1\0\0\0\2\0\0\0\3\0\0\0\xff", 13);
	/* too long, another block, not confirmed: nothing is written */
	cmd(0, 0xe8);
	data(0, PFLASH_BUFFER / 4);
	assert_int_equal(ready(), 0xb0);
	cmd(0, 0x50);
	assert_int_equal(ready(), 0x80);
	cmd(0, 0xe8);
	data(0, 0);
	data(PFLASH_BLOCK, 0);
	assert_int_equal(ready(), 0xb0);
	cmd(0, 0x50);
	cmd(0, 0xe8);
	data(0, 0);
	data(0x200, 0);
	cmd(0, 0xff);
	assert_int_equal(ready(), 0xb0);
	cmd(0, 0x50);
	cmd(0, 0x20);
	cmd(0, 0xff);
	assert_int_equal(ready(), 0xb0);
	cmd(0, 0xff);
	assert_int_equal(get(0x200, 4), 0xffffffff);
	/* locks are taken and forgotten */
	cmd(0, 0x50);
	cmd(0, 0x60);
	cmd(0, 0xd0);
	assert_int_equal(ready(), 0x80);
}

/* Ready means in the file; an erase has a flush on either side. */
static void test_file(void **state)
{
	hold(true);
	cmd(0, 0x40);
	data(0x1000, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(0, 4), 0);
	/* while it is busy it does not listen */
	cmd(0, 0xff);
	assert_int_equal(get(0, 4), 0);
	assert_int_equal(m.data[0x1000], 'h');
	hold(false);
	ready();
	assert_int_equal(m.data[0x1000], 0);
	assert_string_equal(m.log, "w");
	/* a while later it is durable */
	fake_advance(f, PFLASH_FLUSH_NS);
	blk_drain(&m.b);
	assert_string_equal(m.log, "wf");
	fake_advance(f, 10ull * PFLASH_FLUSH_NS);
	blk_drain(&m.b);
	assert_string_equal(m.log, "wf");
	erase(0);
	ready();
	assert_string_equal(m.log, "wffwf");
	assert_int_equal(m.data[0x1000], 0xff);
}

static void hold_flush(bool on)
{
	pthread_mutex_lock(&m.lock);
	m.hold_flush = on;
	pthread_cond_broadcast(&m.cond);
	pthread_mutex_unlock(&m.lock);
}

static void word(uint64_t off)
{
	cmd(0, 0x40);
	data(off, 0);
	ready();
}

/* Neither a guest that never stops writing nor a slow flush keeps what was
 * written from becoming durable. */
static void test_flush(void **state)
{
	for (int i = 0; i < 4; i++) {
		word(0x1000);
		fake_advance(f, PFLASH_FLUSH_NS / 3 + 1);
	}
	blk_drain(&m.b);
	assert_non_null(strchr(m.log, 'f'));
	fake_advance(f, PFLASH_FLUSH_NS);
	blk_drain(&m.b);
	m.log[0] = 0;
	word(0x1000);
	hold_flush(true);
	fake_advance(f, PFLASH_FLUSH_NS);       /* the flush begins */
	word(0x1004);
	fake_advance(f, PFLASH_FLUSH_NS);       /* and is not over */
	hold_flush(false);
	blk_drain(&m.b);
	assert_string_equal(m.log, "wwf");
	fake_advance(f, PFLASH_FLUSH_NS);
	blk_drain(&m.b);
	assert_string_equal(m.log, "wwff");
}

static void test_errors(void **state)
{
	m.fail = EIO;
	cmd(0, 0x40);
	data(0x1000, 0);
	assert_int_equal(ready(), 0x90);
	cmd(0, 0x50);
	erase(0);
	assert_int_equal(ready(), 0xa0);
	m.fail = 0;
	/* behind the file's end there is memory only */
	m.log[0] = 0;
	cmd(0, 0x50);
	erase(FILE_SIZE);
	assert_int_equal(ready(), 0x80);
	assert_string_equal(m.log, "");
	cmd(0, 0xff);
	assert_int_equal(get(FILE_SIZE, 4), 0xffffffff);
	assert_int_equal(fake_write_win(dev, 1, 0, 8, 0), IO_SIZE);
}

static void test_reset(void **state)
{
	hold(true);
	cmd(0, 0x40);
	data(0x1000, 0);
	dev->ops->reset(dev);
	/* the array shows, and the write still happens */
	assert_int_equal(get(0x1001, 1), 0);
	hold(false);
	blk_drain(&m.b);
	assert_int_equal(m.data[0x1000], 0);
	cmd(0, 0xe8);
	dev->ops->reset(dev);
	cmd(0, 0x90);
	assert_int_equal(get(0, 2), 0x89);
}

static void test_volatile(void **state)
{
	open_it(false, true);
	assert_int_equal(get(0x1000, 1), 'h');
	erase(0);
	assert_int_equal(ready(), 0x80);
	cmd(0, 0xff);
	assert_int_equal(get(0x1000, 1), 0xff);
	assert_int_equal(m.data[0x1000], 'h');
	assert_string_equal(m.log, "");
	/* the bank of the firmware takes no command */
	assert_int_equal(fake_write_win(dev, 0, 0, 4, 0x980098), IO_OK);
	teardown(NULL);
	/* a blank chip takes all of them */
	open_it(false, false);
	fake_write_win(dev, 0, 0, 4, 0x980098);
	assert_int_equal(fake_read(dev, 0x40, 2), 'Q');
	teardown(NULL);
}

static void test_conf(void **state)
{
	static const uint64_t bad[] = { 0, 1 << 19, 3 << 20, 1ull << 29 };
	struct fake *g = fake_new();
	struct err e;

	for (unsigned i = 0; i < 4; i++) {
		struct pflash_conf c = { .bank_size = bad[i] };
		struct devconf d = fake_conf(g, &c);

		assert_null(device_new(&pflash_ops, &d, &e));
	}
	fake_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_query, setup, teardown),
		cmocka_unit_test_setup_teardown(test_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test(test_volatile),
		cmocka_unit_test(test_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
