/* Tests of src/as.c: RAM blocks, windows that move, accesses that straddle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"

/* A device that remembers its accesses; loads give the offset's bytes. */
struct probe {
	struct device dev;
	struct access log[16];
	int n;
};

static enum io probe_read(struct device *dev, struct access *a)
{
	struct probe *p = (struct probe *)dev;
	int i;

	assert_true(p->n < 16);
	for (i = 0; i < a->size; i++)
		a->val |= ((a->off + (uint64_t)i) & 0xff) << 8 * i;
	p->log[p->n++] = *a;
	return a->off == 0x80 ? IO_NOREG : IO_OK;
}

static enum io probe_write(struct device *dev, const struct access *a)
{
	struct probe *p = (struct probe *)dev;

	assert_true(p->n < 16);
	p->log[p->n++] = *a;
	return IO_OK;
}

static const struct device_ops probe_ops = {
	.name = "probe",
	.size = sizeof(struct probe),
	.read = probe_read,
	.write = probe_write,
};

static struct probe *probe_new(struct fake *f)
{
	return (struct probe *)fake_device(f, &probe_ops, NULL);
}

static bool load(struct fake *f, uint64_t gpa, unsigned size, uint64_t *val)
{
	struct access a = { .size = (uint8_t)size, .cpu = 3, .val = 99 };
	bool ok = as_access(f->as, gpa, false, &a);

	*val = a.val;
	return ok;
}

static void test_ram(void **state)
{
	struct as *as = as_new(NULL);
	struct err e;
	struct ram *r;
	int n;

	r = as_ram(as, "one", 0x100000, 0x100000, &e);
	assert_non_null(r);
	assert_int_equal((uintptr_t)r->host & 0x1fffff, 0);
	assert_int_equal(r->host[0xfffff], 0);
	r->host[5] = 7;
	assert_non_null(as_ram(as, "two", 0x70000000, 0x10000, &e));
	assert_ptr_equal(as_find_ram(as, 0x100000, 0x100000), r);
	assert_ptr_equal(as_find_ram(as, 0x1fffff, 1), r);
	assert_null(as_find_ram(as, 0x1fffff, 2));
	assert_null(as_find_ram(as, 0xfffff, 2));
	assert_null(as_find_ram(as, 0x100000, UINT64_MAX));
	assert_null(as_find_ram(as, UINT64_MAX, 2));
	as_rams(as, &n);
	assert_int_equal(n, 2);
	/* overlap, misalignment, nothing, wrap */
	assert_null(as_ram(as, "bad", 0x1f0000, 0x20000, &e));
	assert_null(as_ram(as, "bad", 0x101000, 0x10000, &e));
	assert_null(as_ram(as, "bad", 0x300000, 0x1000, &e));
	assert_null(as_ram(as, "bad", 0x300000, 0, &e));
	assert_null(as_ram(as, "bad", 0xffffffffffff0000, 0x20000, &e));
	assert_string_equal(e.msg, "bad: bad range 0xffffffffffff0000+0x20000");
	as_free(as);
}

static void test_windows(void **state)
{
	struct fake *f = fake_new();
	struct probe *p = probe_new(f), *q = probe_new(f);
	struct err e;
	uint64_t val, off;

	assert_int_equal(as_dev(f->as, 0x1000, 0x100, &p->dev, 2, &e), 0);
	assert_int_equal(as_dev(f->as, 0x1080, 0x100, &q->dev, 0, &e), -1);
	assert_int_equal(as_dev(f->as, 0xf81, 0x80, &q->dev, 0, &e), -1);
	assert_int_equal(as_dev(f->as, FAKE_RAM - 1, 2, &q->dev, 0, &e), -1);
	assert_int_equal(as_dev(f->as, 0x1100, 0x100, &q->dev, 0, &e), 0);

	assert_true(load(f, 0x1010, 4, &val));
	assert_int_equal(val, 0x13121110);
	assert_int_equal(p->log[0].win, 2);
	assert_int_equal(p->log[0].cpu, 3);
	assert_int_equal(p->dev.reads, 1);
	assert_true(load(f, 0x11fc, 4, &val));
	assert_int_equal(q->log[0].off, 0xfc);
	assert_false(load(f, 0x1200, 1, &val));
	assert_int_equal(val, 0);
	assert_false(load(f, 0xfff, 1, &val));
	assert_ptr_equal(as_find_dev(f->as, 0x1101, &off), &q->dev);
	assert_int_equal(off, 1);
	assert_null(as_find_dev(f->as, 0x1200, &off));
	/* the device's word is counted */
	assert_int_equal(p->dev.bad, 0);
	assert_true(load(f, 0x1080, 4, &val));
	assert_int_equal(p->dev.bad, 1);
	assert_ptr_equal(as_last_dev(f->as, &off), &p->dev);
	assert_int_equal(off, 0x1080);
	device_free(&q->dev);
	device_free(&p->dev);
	fake_free(f);
}

static void test_move(void **state)
{
	struct fake *f = fake_new();
	struct probe *p = probe_new(f), *q = probe_new(f), *b = probe_new(f);
	uint64_t val;

	as_move(f->as, &p->dev, 0, 0x50000000, 0x1000);
	as_move(f->as, &q->dev, 1, 0x50000800, 0x1000);
	/* overlap: the lower address wins, the rest of the other is there */
	assert_ptr_equal(as_find_dev(f->as, 0x50000900, &val), &p->dev);
	assert_ptr_equal(as_find_dev(f->as, 0x50001000, &val), &q->dev);
	assert_int_equal(val, 0x800);
	as_move(f->as, &p->dev, 0, 0x60000000, 0x1000);
	assert_ptr_equal(as_find_dev(f->as, 0x50000800, &val), &q->dev);
	assert_null(as_find_dev(f->as, 0x50000000, &val));
	/* nested, then the outer one goes */
	as_move(f->as, &p->dev, 0, 0x50000000, 0x10000);
	assert_ptr_equal(as_find_dev(f->as, 0x50000800, &val), &p->dev);
	assert_ptr_equal(as_find_dev(f->as, 0x5000ffff, &val), &p->dev);
	as_move(f->as, &p->dev, 0, 0, 0);
	assert_ptr_equal(as_find_dev(f->as, 0x50000800, &val), &q->dev);
	/* the top of the address space, and beyond */
	as_move(f->as, &p->dev, 0, 0xfffffffffffff000, 0x2000);
	assert_ptr_equal(as_find_dev(f->as, UINT64_MAX, &val), &p->dev);
	assert_null(as_find_dev(f->as, 0, &val));
	/* the background shows where nothing else is */
	assert_int_equal(as_back(f->as, 0x50000000, 0x2000, &b->dev, 7, NULL),
			 0);
	assert_int_equal(as_back(f->as, 0x50001fff, 1, &b->dev, 8, NULL), -1);
	assert_ptr_equal(as_find_dev(f->as, 0x500007ff, &val), &b->dev);
	assert_ptr_equal(as_find_dev(f->as, 0x50000800, &val), &q->dev);
	assert_ptr_equal(as_find_dev(f->as, 0x50001800, &val), &b->dev);
	assert_int_equal(val, 0x1800);
	/* a load that starts in the background ends at the window */
	assert_true(load(f, 0x500007fe, 4, &val));
	assert_int_equal(val, 0x0100fffe);
	as_move(f->as, &q->dev, 1, 0x50000802, 0x100);
	assert_true(load(f, 0x50000800, 4, &val));
	assert_int_equal(val, 0x01000100);
	assert_int_equal(b->log[b->n - 1].size, 2);
	device_free(&b->dev);
	device_free(&q->dev);
	device_free(&p->dev);
	fake_free(f);
}

static void test_split(void **state)
{
	struct fake *f = fake_new();
	struct probe *p = probe_new(f);
	struct access a = { .size = 8, .val = 0x8877665544332211 };
	uint64_t val;

	as_dev(f->as, 0x1000, 0x102, &p->dev, 0, NULL);
	/* not aligned: 1, 2, 4, 1 */
	assert_true(as_access(f->as, 0x1001, true, &a));
	assert_int_equal(p->n, 4);
	assert_int_equal(p->log[0].val, 0x11);
	assert_int_equal(p->log[1].size, 2);
	assert_int_equal(p->log[1].val, 0x3322);
	assert_int_equal(p->log[2].off, 4);
	assert_int_equal(p->log[2].val, 0x77665544);
	assert_int_equal(p->log[3].val, 0x88);
	/* over the end of the window: what exists answers, the rest is 0 */
	p->n = 0;
	assert_true(load(f, 0x1100, 4, &val));
	assert_int_equal(val, 0x0100);
	assert_int_equal(p->n, 1);
	assert_int_equal(p->log[0].size, 2);
	/* RAM next to a window */
	p->n = 0;
	as_move(f->as, &p->dev, 0, FAKE_RAM + FAKE_RAM_SIZE, 0x100);
	f->ram[FAKE_RAM_SIZE - 1] = 0xaa;
	assert_true(load(f, FAKE_RAM + FAKE_RAM_SIZE - 1, 2, &val));
	assert_int_equal(val, 0x00aa);
	assert_int_equal(p->n, 1);
	a = (struct access){ .size = 2, .val = 0x4455 };
	assert_true(as_access(f->as, FAKE_RAM + FAKE_RAM_SIZE - 1, true, &a));
	assert_int_equal(f->ram[FAKE_RAM_SIZE - 1], 0x55);
	assert_int_equal(p->log[1].val, 0x44);
	/* off the end of the address space: no window, no crash */
	assert_false(load(f, UINT64_MAX - 2, 8, &val));
	device_free(&p->dev);
	fake_free(f);
}

/* Stores to ROM are its device's, also those that reach in from RAM. */
static void test_rom(void **state)
{
	struct fake *f = fake_new();
	struct probe *p = probe_new(f);
	struct access a = { .size = 8, .val = 0x0807060504030201 };
	uint64_t rom_at = FAKE_RAM + FAKE_RAM_SIZE, val;
	struct err e;
	struct ram *rom;

	/* in either order */
	rom = as_rom(f->as, "rom", rom_at, 0x10000, &e);
	assert_non_null(rom);
	assert_int_equal(as_dev(f->as, rom_at, 0x10000, &p->dev, 1, &e), 0);
	assert_null(as_ram(f->as, "bad", rom_at, 0x10000, &e));
	rom->host[0] = 0x77;
	assert_true(as_access(f->as, rom_at - 4, true, &a));
	assert_memory_equal(f->ram + FAKE_RAM_SIZE - 4, "\1\2\3\4", 4);
	assert_int_equal(p->n, 1);
	assert_int_equal(p->log[0].size, 4);
	assert_int_equal(p->log[0].win, 1);
	assert_int_equal(p->log[0].val, 0x08070605);
	assert_true(load(f, rom_at - 1, 2, &val));
	assert_int_equal(val, 0x7704);
	assert_int_equal(p->n, 1);
	assert_int_equal(rom->host[0], 0x77);
	/* devices only read it */
	assert_int_equal(dma_get(&f->dma, rom_at - 1, &val, 2), 0);
	assert_int_equal(dma_load(&f->dma, rom_at, 1, &val), 0);
	assert_int_equal(val, 0x77);
	assert_int_equal(dma_put(&f->dma, rom_at - 1, "xx", 2), -1);
	assert_int_equal(dma_store(&f->dma, rom_at, 1, 0), -1);
	assert_int_equal(dma_iov(&f->dma, rom_at, 1, &(struct iovec){ 0 }, 1),
			 -1);
	assert_int_equal(f->ram[FAKE_RAM_SIZE - 1], 4);
	device_free(&p->dev);
	fake_free(f);
}

static void count_win(void *arg, uint64_t gpa, uint64_t len,
		      struct device *dev, uint8_t win)
{
	uint64_t *last = arg;

	assert_true(gpa >= *last);
	*last = gpa;
}

static void test_limits(void **state)
{
	struct fake *f = fake_new();
	struct probe *p = probe_new(f);
	struct err e;
	uint64_t last = 0, off, i;

	for (i = 0; i < AS_MAX_WIN; i++)
		assert_int_equal(as_dev(f->as, (i ^ 5) << 12, 0x800, &p->dev,
					(uint8_t)i, &e), 0);
	assert_int_equal(as_dev(f->as, 0x10000000, 1, &p->dev, 200, &e), -1);
	as_move(f->as, &p->dev, 201, 0x10000000, 1);    /* logged, dropped */
	assert_null(as_find_dev(f->as, 0x10000000, NULL));
	for (i = 0; i < AS_MAX_WIN; i++) {
		assert_ptr_equal(as_find_dev(f->as, (i << 12) + 0x7ff, &off),
				 &p->dev);
		assert_int_equal(off, 0x7ff);
		assert_null(as_find_dev(f->as, (i << 12) + 0x800, &off));
	}
	as_each_win(f->as, count_win, &last);
	assert_int_equal(last, (AS_MAX_WIN - 1) << 12);
	device_free(&p->dev);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ram),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_rom),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
