/* Tests of devices/gfx.c. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "gfx.h"

#define SEC 1000000000ull
#define W 64
#define H 64

static char path[] = "/tmp/pome-gfx-XXXXXX";

static void test_headless(void **state)
{
	struct gfx_conf c = { .fd = -1 };
	struct fake *f = fake_new();
	struct device *dev = fake_device(f, &gfx_ops, &c);
	uint64_t val;

	for (unsigned win = 0; win < 2; win++)
		for (unsigned off = 0; off < 0x4000; off += 8) {
			assert_int_equal(fake_write_win(dev, win, off, 8,
							UINT64_MAX), IO_OK);
			assert_int_equal(fake_read_win(dev, win, off, 8, &val),
					 IO_OK);
			assert_int_equal(val, 0);
		}
	fake_advance(f, 5 * SEC);
	device_free(dev);
	fake_free(f);
}

static size_t picture(uint8_t *buf, size_t len)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, len);

	close(fd);
	assert_true(n >= 0);
	return (size_t)n;
}

static void test_display(void **state)
{
	static uint8_t buf[W * H * 3 + 64];
	struct gfx_conf c = { .width = W, .height = H, .path = path };
	struct fake *f = fake_new();
	struct device *dev;
	size_t head = 13;                       /* "P6\n64 64\n255\n" */

	c.fd = mkstemp(path);
	assert_true(c.fd >= 0);
	dev = fake_device(f, &gfx_ops, &c);
	assert_int_equal(picture(buf, sizeof(buf)), 0); /* it does not run */
	dev->ops->resume(dev);
	fake_advance(f, 1);
	assert_int_equal(picture(buf, sizeof(buf)), head + W * H * 3);
	assert_memory_equal(buf, "P6\n64 64\n255\n", head);
	assert_int_equal(buf[head], 0);
	assert_int_equal(fake_read(dev, 0x1034, 4), 0); /* no GPU */
	assert_int_equal(fake_read(dev, 0x1204, 4), 1);
	assert_int_equal(fake_read(dev, 0x120c, 4), W << 16 | H);
	fake_write(dev, 0x1208, 4, 1);
	assert_int_equal(fake_read(dev, 0x120c, 4), 0); /* no such mode */
	fake_write(dev, 0x1208, 4, 0);
	assert_int_equal(fake_read(dev, 0x1218, 4), 32);
	assert_int_equal(fake_read(dev, 0x1224, 4), 64);
	assert_int_equal(fake_read(dev, 0x1228, 4), W * 4);
	assert_int_equal(fake_read(dev, 0x122c, 4), 1);
	assert_int_equal(fake_read(dev, 0x1234, 4), 1);
	/* draws: blue is the lowest byte */
	memcpy(f->ram, "\x11\x22\x33\x00\x44\x55\x66", 7);
	memcpy(f->ram + W * 4, "\x77\x88\x99", 3);
	fake_write(dev, 0x1210, 8, FAKE_RAM);
	assert_int_equal(fake_read(dev, 0x1210, 8), FAKE_RAM);
	assert_int_equal(fake_read(dev, 0x1214, 4), 0);
	fake_advance(f, 2 * SEC);
	picture(buf, sizeof(buf));
	assert_memory_equal(buf + head, "\x33\x22\x11\x66\x55\x44", 6);
	assert_memory_equal(buf + head + W * 3, "\x99\x88\x77", 3);
	/* stores that never end do not put the picture off */
	f->ram[0] = 0xaa;
	for (int i = 0; i < 30; i++) {
		fake_write(dev, 0x1220, 4, 1);
		fake_advance(f, SEC / 10);
	}
	picture(buf, sizeof(buf));
	assert_int_equal(buf[head + 2], 0xaa);
	/* another stride; a nonsensical one */
	fake_write(dev, 0x1228, 4, W * 4 + 64);
	fake_write(dev, 0x1228, 4, 16);
	fake_write(dev, 0x1228, 4, 0xffffffff);
	assert_int_equal(fake_read(dev, 0x1228, 4), W * 4 + 64);
	/* the last picture comes at the end */
	f->ram[0] = 0xbb;
	dev->ops->pause(dev);
	picture(buf, sizeof(buf));
	assert_int_equal(buf[head + 2], 0xbb);
	/* a frame buffer in a hole shows what was there */
	fake_write(dev, 0x1210, 4, 0x1000);
	fake_advance(f, 2 * SEC);
	fake_write(dev, 0x1214, 4, 0xffffffff);
	fake_advance(f, 2 * SEC);
	picture(buf, sizeof(buf));
	assert_int_equal(buf[head + 2], 0xbb);
	dev->ops->reset(dev);
	assert_int_equal(fake_read(dev, 0x1210, 8), 0);
	fake_advance(f, 2 * SEC);
	device_free(dev);
	fake_free(f);
	close(c.fd);
	unlink(path);
}

/* What a snapshot brings is drawn, without the guest doing anything more. */
static void test_restore(void **state)
{
	static char from[] = "/tmp/pome-gfx-XXXXXX", to[] = "/tmp/pome-gfx-XXXXXX";
	struct gfx_conf c = { mkstemp(from), from, W, H };
	struct gfx_conf d = { mkstemp(to), to, W, H };
	struct fake *f = fake_new(), *g = fake_new();
	struct device *dev = fake_device(f, &gfx_ops, &c);
	struct device *twin = fake_device(g, &gfx_ops, &d);
	uint8_t pixel[3];

	memset(f->ram, 0x5a, FAKE_RAM_SIZE);
	fake_write(dev, 0x1208, 4, 7);
	fake_write(dev, 0x1210, 8, FAKE_RAM + 0x100);
	fake_write(dev, 0x1218, 4, 24);
	fake_write(dev, 0x121c, 4, 3);
	fake_write(dev, 0x1220, 4, 9);
	fake_write(dev, 0x1228, 4, W * 4 + 64);
	fake_restore(g, twin, f, dev);
	for (unsigned off = 0x1200; off < 0x1238; off += 4)
		assert_int_equal(fake_read(twin, off, 4),
				 fake_read(dev, off, 4));
	fake_advance(g, 2 * SEC);
	assert_int_equal(pread(d.fd, pixel, 3, 13), 3);
	assert_memory_equal(pixel, "\x5a\x5a\x5a", 3);
	device_free(dev);
	device_free(twin);
	fake_free(f);
	fake_free(g);
	close(c.fd);
	close(d.fd);
	unlink(from);
	unlink(to);
}

static void test_refusals(void **state)
{
	struct gfx_conf c = { .fd = 1, .width = 63, .height = 64 };
	struct fake *f = fake_new();
	struct devconf dc = fake_conf(f, &c);
	struct err e;

	assert_null(device_new(&gfx_ops, &dc, &e));
	c.width = 64;
	c.height = 8193;
	assert_null(device_new(&gfx_ops, &dc, &e));
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headless),
		cmocka_unit_test(test_display),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
