/* Tests of devices/bdif.c and bdif_usb.c. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bdif.h"
#include "fake.h"

enum { STATUS = 0x000, CFG = 0x004, CONFIG = 0x008, READY = 0x010,
       ENABLE = 0x400, CONTROL = 0x404, CMD = 0x408, QUEUE = 0x410,
       CAPACITY = 0x420, BLK_SIZE = 0x434 };

#define AUX 0x10000u
#define READ 0x00030001u
#define WRITE 0x00010001u

/* Where a request and its parts are, in RAM. */
#define REQ (FAKE_RAM + 0x100)
#define HEADER (FAKE_RAM + 0x200)
#define RESULT (FAKE_RAM + 0x300)
#define DATA (FAKE_RAM + 0x1000)
#define HOLE 0x2000u

/* ---- disks in memory ----------------------------------------------------- */

#define SECTORS 64
static uint8_t image[2][SECTORS * 512];
static struct blk disk[2];
static struct fake *f;
static struct device *dev;
static _Atomic int fail_with;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int mem_run(struct blk *b, struct blk_req *r)
{
	uint8_t *at = image[b - disk] + r->off;

	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	if (fail_with)
		return fail_with;
	for (int i = 0; i < r->niov; i++) {
		if (r->op == BLK_READ)
			memcpy(r->iov[i].iov_base, at, r->iov[i].iov_len);
		else
			memcpy(at, r->iov[i].iov_base, r->iov[i].iov_len);
		at += r->iov[i].iov_len;
	}
	return 0;
}

static const struct blk_ops mem_ops = { .name = "mem", .run = mem_run };

static int setup(void **state)
{
	struct bdif_conf c = { &disk[0], &disk[1] };
	struct err e;

	f = fake_new_ram(0x200000);
	for (unsigned i = 0; i < 2; i++) {
		disk[i] = (struct blk){ .ops = &mem_ops, .block_size = 512,
					.size = sizeof(image[0]) >> i };
		disk[i].pool = i ? disk[0].pool : blk_pool_new(2, &e);
		for (unsigned k = 0; k < sizeof(image[0]); k++)
			image[i][k] = (uint8_t)(k / 512 + k + i * 0x80);
	}
	fail_with = 0;
	dev = fake_device(f, &bdif_ops, &c);
	return 0;
}

static int teardown(void **state)
{
	device_free(dev);
	blk_pool_free(disk[0].pool);
	fake_free(f);
	return 0;
}

static void put(uint64_t gpa, unsigned size, uint64_t val)
{
	memcpy(f->ram + (gpa - FAKE_RAM), &val, size);
}

static uint8_t result(void)
{
	return f->ram[RESULT - FAKE_RAM];
}

static void request(uint64_t sector, uint64_t data, uint32_t len,
		    uint32_t flags)
{
	put(HEADER, 8, 0);
	put(HEADER + 8, 8, sector);
	put(REQ, 8, HEADER);
	put(REQ + 8, 4, 16);
	put(REQ + 12, 4, WRITE);
	put(REQ + 16, 8, data);
	put(REQ + 24, 4, len);
	put(REQ + 28, 4, flags);
	put(REQ + 32, 8, RESULT);
	put(REQ + 40, 4, 1);
	put(REQ + 44, 4, 0x20000);
	put(RESULT, 1, 0xee);
}

static uint8_t run(unsigned slot)
{
	fake_write(dev, slot + CMD, 8, REQ);
	assert_int_equal(fake_read(dev, slot + READY, 4), 1);
	return result();
}

static uint8_t go(unsigned slot, uint64_t sector, uint32_t len, uint32_t flags)
{
	request(sector, DATA, len, flags);
	return run(slot);
}

static uint8_t *data(void)
{
	return f->ram + (DATA - FAKE_RAM);
}

static void test_registers(void **state)
{
	struct bdif_conf none = { NULL, NULL };
	struct device *d;

	fake_check_regs(dev);
	for (unsigned slot = 0; slot <= AUX; slot += AUX) {
		assert_int_equal(fake_read(dev, slot + STATUS, 4), 1);
		assert_int_equal(fake_read(dev, slot + STATUS, 8), 1);
		assert_int_equal(fake_read(dev, slot + CFG, 4), 2);
		assert_int_equal(fake_read(dev, slot + CONFIG, 4), 0x420);
		assert_int_equal(fake_read(dev, slot + CAPACITY, 8),
				 slot ? SECTORS / 2 : SECTORS);
		assert_int_equal(fake_read(dev, slot + CAPACITY + 4, 4), 0);
		assert_int_equal(fake_read(dev, slot + CAPACITY + 1, 1), 0xff);
		fake_write(dev, slot + ENABLE, 4, 0);
		assert_int_equal(fake_read(dev, slot + ENABLE, 4), 1);
		assert_int_equal(fake_read(dev, slot + 0x444, 4), 0xffffffff);
	}
	/* absent ones, in both windows */
	assert_int_equal(fake_read(dev, 2 * AUX + STATUS, 4), 0);
	assert_int_equal(fake_read(dev, 2 * AUX + CFG, 4), 0xffffffff);
	assert_int_equal(fake_read(dev, 0xf * AUX + CAPACITY, 8), UINT64_MAX);
	uint64_t val;

	assert_int_equal(fake_read_win(dev, 1, STATUS, 4, &val), IO_OK);
	assert_int_equal(val, 0);
	request(0, DATA, 512, READ);
	fake_write(dev, 2 * AUX + CMD, 8, REQ);
	fake_write_win(dev, 1, CMD, 8, REQ);
	assert_int_equal(result(), 0xee);
	d = fake_device(f, &bdif_ops, &none);
	assert_int_equal(fake_read(d, STATUS, 4), 0);
	assert_int_equal(fake_read(d, AUX + STATUS, 4), 0);
	fake_write(d, CMD, 8, REQ);
	assert_int_equal(result(), 0xee);
	d->ops->reset(d);
	device_free(d);
}

static void test_big_disk(void **state)
{
	disk[0].size = 5ull << 41;
	assert_int_equal(fake_read(dev, CAPACITY, 8), 5ull << 32);
	assert_int_equal(fake_read(dev, CAPACITY, 4), 0);
	assert_int_equal(fake_read(dev, CAPACITY + 4, 4), 5);
	disk[0].size = sizeof(image[0]);
}

static void test_transfers(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		unsigned slot = i * AUX;

		assert_int_equal(go(slot, 3, 512, READ), 0);
		assert_memory_equal(data(), image[i] + 3 * 512, 512);
		assert_int_equal(go(slot, 5, 1000, READ), 0);   /* any length */
		assert_memory_equal(data(), image[i] + 5 * 512, 1000);
		assert_int_equal(go(slot, 0, (uint32_t)disk[i].size, READ), 0);
		assert_memory_equal(data(), image[i], disk[i].size);
		/* all of the u64 sector counts; nothing past the end */
		memset(data(), 0x55, 1024);
		assert_int_equal(go(slot, 1ull << 32, 512, READ), 1);
		assert_int_equal(go(slot, UINT64_MAX, 512, READ), 1);
		assert_int_equal(go(slot, UINT64_MAX / 512 + 1, 512, READ), 1);
		assert_int_equal(go(slot, disk[i].size / 512 - 1, 513, READ),
				 1);
		assert_int_equal(go(slot, disk[i].size / 512, 1, READ), 1);
		assert_int_equal(data()[0], 0x55);
		assert_int_equal(go(slot, disk[i].size / 512, 0, READ), 0);
		assert_int_equal(go(slot, disk[i].size / 512 + 1, 0, READ), 1);
		/* writes */
		memset(data(), 0x99, 1024);
		assert_int_equal(go(slot, 7, 1024, WRITE), 0);
		assert_int_equal(image[i][7 * 512], 0x99);
		assert_int_equal(image[i][9 * 512 - 1], 0x99);
		assert_int_not_equal(image[i][9 * 512], 0x99);
		disk[i].readonly = true;
		memset(data(), 0x11, 512);
		assert_int_equal(go(slot, 7, 512, WRITE), 1);
		assert_int_equal(image[i][7 * 512], 0x99);
		assert_int_equal(go(slot, 7, 512, READ), 0);
	}
	/* a 32-bit store works, an address of another register doesn't */
	request(3, DATA, 512, READ);
	fake_write(dev, CMD, 4, REQ);
	assert_int_equal(result(), 0);
	request(3, DATA, 512, READ);
	fake_write(dev, CMD + 4, 4, REQ);
	assert_int_equal(result(), 0xee);
}

static void test_bad_requests(void **state)
{
	static const uint32_t lens[] = { 0, 15, 17, UINT32_MAX };
	static const uint32_t flags[] = { 0, 1, 0x20001, 0x70001, 0x30000,
					  0x30002, 0x00010003, UINT32_MAX };

	memset(data(), 0x55, 512);
	for (unsigned i = 0; i < 4; i++) {
		request(0, DATA, 512, READ);
		put(REQ + 8, 4, lens[i]);
		assert_int_equal(run(0), 1);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(go(0, 0, 512, flags[i]), 1);
	assert_int_equal(go(0, 0, (128 << 20) + 1, READ), 1);
	assert_int_equal(go(0, 0, UINT32_MAX, READ), 1);
	request(0, HOLE, 512, READ);                    /* no such memory */
	assert_int_equal(run(0), 1);
	request(0, FAKE_RAM + 0x200000 - 256, 512, READ);
	assert_int_equal(run(0), 1);
	request(0, UINT64_MAX - 255, 512, READ);
	assert_int_equal(run(0), 1);
	request(0, DATA, 512, READ);
	put(REQ, 8, HOLE);                              /* header */
	assert_int_equal(run(0), 1);
	assert_int_equal(data()[0], 0x55);
	/* a status byte that is nowhere: the data comes all the same */
	request(1, DATA, 512, READ);
	put(REQ + 32, 8, HOLE);
	assert_int_equal(run(0), 0xee);
	assert_memory_equal(data(), image[0] + 512, 512);
	/* no request at all: nothing happens */
	request(0, DATA, 512, READ);
	fake_write(dev, CMD, 8, HOLE);
	fake_write(dev, CMD, 8, UINT64_MAX - 20);
	fake_write(dev, CMD, 8, FAKE_RAM + 0x200000 - 47);
	assert_int_equal(result(), 0xee);
	/* the host's errors are the guest's */
	fail_with = EIO;
	assert_int_equal(go(0, 0, 512, READ), 1);
	fail_with = 0;
	assert_int_equal(go(0, 0, 512, READ), 0);
}

static int null_run(struct blk *b, struct blk_req *r)
{
	return 0;
}

/* 128 MiB and no more, where disk and memory have room for it. */
static void test_longest(void **state)
{
	static const struct blk_ops null_ops = { .name = "null",
						 .run = null_run };
	struct blk big = { .ops = &null_ops, .pool = disk[0].pool,
			   .size = 1ull << 40, .block_size = 512 };
	struct bdif_conf c = { &big, NULL };
	struct fake *small = f;
	struct device *first = dev;

	f = fake_new_ram(0x9000000);
	dev = fake_device(f, &bdif_ops, &c);
	assert_int_equal(go(0, 0, 128 << 20, READ), 0);
	assert_int_equal(go(0, 0, (128 << 20) + 1, READ), 1);
	assert_int_equal(go(0, 0, 128 << 20, WRITE), 0);
	assert_int_equal(go(0, 0, (128 << 20) + 1, WRITE), 1);
	device_free(dev);
	fake_free(f);
	f = small;
	dev = first;
}

/* What a request may say as it likes, and what it may do to itself. */
static void test_odd_requests(void **state)
{
	uint8_t before[1024];

	/* not looked at: type, reserved word, flags and next of the header,
	 * length, flags and next of the status byte */
	request(2, DATA, 512, READ);
	put(HEADER, 8, UINT64_MAX);
	put(REQ + 12, 4, UINT32_MAX);
	put(REQ + 40, 8, UINT64_MAX);
	assert_int_equal(run(0), 0);
	assert_memory_equal(data(), image[0] + 1024, 512);
	/* a write that lies partly past the end, or comes from nowhere: none of
	 * it is written */
	memcpy(before, image[0] + sizeof(image[0]) - 1024, 1024);
	memset(data(), 0x99, 1024);
	assert_int_equal(go(0, SECTORS - 1, 1024, WRITE), 1);
	assert_int_equal(go(0, SECTORS, 1, WRITE), 1);
	assert_int_equal(go(0, 1ull << 32, 512, WRITE), 1);
	request(SECTORS - 1, FAKE_RAM + 0x200000 - 256, 512, WRITE);
	assert_int_equal(run(0), 1);
	assert_memory_equal(before, image[0] + sizeof(image[0]) - 1024, 1024);
	assert_int_equal(go(0, SECTORS, 0, WRITE), 0);
	/* data over the request itself: what was read of it first holds */
	request(5, REQ, 512, READ);
	fake_write(dev, CMD, 8, REQ);
	memcpy(before, image[0] + 5 * 512, 512);
	assert_memory_equal(f->ram + (REQ - FAKE_RAM), before, 512);
	/* the status byte is the last thing written */
	request(6, RESULT, 16, READ);
	assert_int_equal(run(0), 0);
	assert_memory_equal(f->ram + (RESULT + 1 - FAKE_RAM),
			    image[0] + 6 * 512 + 1, 15);
}

/* A disk that takes its time: the CPU goes on after a while, and READY and the
 * status byte tell when it is done. */
static void test_slow_disk(void **state)
{
	pthread_mutex_lock(&gate);
	request(3, DATA, 512, READ);
	fake_write(dev, CMD, 8, REQ);
	assert_int_equal(result(), 0xee);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	assert_int_equal(fake_read(dev, AUX + READY, 4), 1);
	/* another one meanwhile is refused */
	put(REQ + 32, 8, RESULT + 1);
	fake_write(dev, CMD, 8, REQ);
	assert_int_equal(f->ram[RESULT + 1 - FAKE_RAM], 1);
	pthread_mutex_unlock(&gate);
	dev->ops->pause(dev);                   /* waits for it */
	assert_int_equal(result(), 0);
	assert_int_equal(fake_read(dev, READY, 4), 1);
	assert_memory_equal(data(), image[0] + 3 * 512, 512);
	/* going away waits, too */
	pthread_mutex_lock(&gate);
	request(4, DATA, 512, READ);
	fake_write(dev, CMD, 8, REQ);
	pthread_mutex_unlock(&gate);
}

/* ---- the USB port -------------------------------------------------------- */

static struct {
	struct tty tty;
	uint8_t out[65536];
	size_t fill, room;
	unsigned readies;
} host;

static size_t host_write(struct tty *t, const void *buf, size_t len)
{
	if (len > host.room)
		len = host.room;
	memcpy(host.out + host.fill, buf, len);
	host.fill += len;
	host.room -= len;
	return len;
}

static void host_ready(struct tty *t)
{
	host.readies++;
}

static const struct tty_ops host_ops = { .write = host_write,
					 .ready = host_ready };

static int setup_usb(void **state)
{
	struct bdif_usb_conf c = { &host.tty };

	memset(&host, 0, sizeof(host));
	host.tty.ops = &host_ops;
	host.room = sizeof(host.out);
	f = fake_new();
	dev = fake_device(f, &bdif_usb_ops, &c);
	return 0;
}

static int teardown_usb(void **state)
{
	device_free(dev);
	fake_free(f);
	return 0;
}

/* Posts a descriptor to a queue. */
static void post(unsigned queue, uint64_t addr, uint32_t len)
{
	put(REQ, 8, addr);
	put(REQ + 8, 4, len);
	put(REQ + 12, 4, queue ? 0 : 0x20000);
	fake_write(dev, QUEUE, 4, queue);
	fake_write(dev, CMD, 8, REQ);
}

static size_t feed(const void *p, size_t n)
{
	return host.tty.input(dev, p, n);
}

static void test_usb_registers(void **state)
{
	struct bdif_usb_conf none = { NULL };
	struct device *d;

	fake_check_regs(dev);
	assert_int_equal(fake_read(dev, STATUS, 4), 1);
	assert_int_equal(fake_read(dev, CFG, 4), 0x1a01);
	fake_write(dev, ENABLE, 4, 1);
	assert_int_equal(fake_read(dev, ENABLE, 4), 1);
	/* stopping reads back 0; opening again, ones */
	fake_write(dev, CONTROL, 4, 1);
	assert_int_equal(fake_read(dev, CONTROL, 4), 0);
	fake_write(dev, ENABLE, 4, 1);
	assert_int_equal(fake_read(dev, CONTROL, 4), 0xffffffff);
	/* nobody attached: there, and silent */
	d = fake_device(f, &bdif_usb_ops, &none);
	assert_int_equal(fake_read(d, STATUS, 4), 1);
	put(REQ, 8, DATA);
	put(REQ + 8, 4, 100);
	fake_write(d, CMD, 8, REQ);
	fake_write(d, QUEUE, 4, 1);
	fake_write(d, CMD, 8, REQ);
	assert_int_equal(fake_read(d, READY, 4), 0);
	d->ops->resume(d);
	device_free(d);
}

static void test_usb_receive(void **state)
{
	static const uint8_t setup_packet[] = {
		10, 0, 0, 0, 0, 1, 0x21, 1, 0, 0, 0, 0, 2, 0, 'h', 'i',
	};
	static const uint8_t bus_reset[] = { 0, 0, 0, 0, 0, 2 };
	uint8_t two[64];

	/* before there is a buffer, the packet is kept */
	assert_int_equal(feed(setup_packet, 16), 16);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	post(0, DATA, 0x80e);
	assert_int_equal(fake_read(dev, READY, 4), 1);
	assert_int_equal(fake_read(dev, READY, 4), 0);  /* reading clears */
	assert_memory_equal(data(), setup_packet, 16);
	assert_int_equal(data()[16], 0);
	/* a packet in pieces; one buffer, two packets: the second waits */
	post(0, DATA, 0x80e);
	memcpy(two, bus_reset, 6);
	memcpy(two + 6, setup_packet, 16);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(feed(two + i, 1), 1);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	assert_int_equal(feed(two + 5, 17), 17);
	assert_memory_equal(data(), bus_reset, 6);
	assert_int_equal(feed("x", 1), 0);
	post(0, DATA + 0x100, 0x80e);
	assert_int_equal(data()[0x100], 0);     /* READY was not read yet */
	host.readies = 0;
	assert_int_equal(fake_read(dev, READY, 4), 1);
	assert_memory_equal(data() + 0x100, setup_packet, 16);
	assert_true(host.readies > 0);
	assert_int_equal(fake_read(dev, READY, 4), 1);
	/* too long for the guest's buffer: dropped, the buffer stays */
	post(0, DATA, 15);
	assert_int_equal(feed(setup_packet, 16), 16);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	assert_int_equal(feed(bus_reset, 6), 6);
	assert_int_equal(fake_read(dev, READY, 4), 1);
	assert_memory_equal(data(), bus_reset, 6);
	/* a buffer that is no memory: used up */
	post(0, HOLE, 100);
	assert_int_equal(feed(bus_reset, 6), 6);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	/* a stop gives the buffers back */
	post(0, DATA, 100);
	fake_write(dev, CONTROL, 4, 0);
	assert_int_equal(feed(bus_reset, 6), 6);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	fake_write(dev, ENABLE, 4, 1);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	post(0, DATA, 100);
	assert_int_equal(fake_read(dev, READY, 4), 1);
	/* not while disabled */
	fake_write(dev, ENABLE, 4, 0);
	post(0, DATA, 100);
	feed(bus_reset, 6);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	fake_write(dev, ENABLE, 4, 1);
	assert_int_equal(fake_read(dev, READY, 4), 1);
}

static void test_usb_bad_peer(void **state)
{
	static const uint8_t huge[] = { 1, 64, 0, 0, 0, 1, 9, 9 };
	static const uint8_t negative[] = { 255, 255, 255, 255, 0, 1 };
	static const uint8_t bus_reset[] = { 0, 0, 0, 0, 0, 2 };

	post(0, DATA, 0x80e);
	assert_int_equal(feed(huge, 8), 8);         /* and the rest */
	assert_int_equal(feed(bus_reset, 6), 6);        /* deaf now */
	assert_int_equal(fake_read(dev, READY, 4), 0);
	host.tty.hangup(dev);
	feed(negative, 6);
	feed(bus_reset, 6);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	host.tty.hangup(dev);
	feed(bus_reset, 3);                             /* half, then gone */
	host.tty.hangup(dev);
	feed(bus_reset, 6);
	assert_int_equal(fake_read(dev, READY, 4), 1);
	assert_memory_equal(data(), bus_reset, 6);
	/* more buffers than fit are not taken */
	for (unsigned i = 0; i < 20; i++)
		post(0, DATA + 16 * i, 16);
	for (unsigned i = 0; i < 8; i++) {
		feed(bus_reset, 6);
		assert_int_equal(fake_read(dev, READY, 4), 1);
	}
	feed(bus_reset, 6);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	post(2, DATA, 16);                              /* no such queue */
	assert_int_equal(fake_read(dev, READY, 4), 0);
}

static void test_usb_transmit(void **state)
{
	memcpy(data(), "\x01\x04hello", 7);
	post(1, DATA, 7);
	assert_int_equal(host.fill, 11);
	assert_memory_equal(host.out, "\x05\0\0\0\x04\x01hello", 11);
	host.fill = 0;
	post(1, DATA, 2);
	assert_memory_equal(host.out, "\0\0\0\0\x04\x01", 6);
	host.fill = 0;
	post(1, DATA, 1);
	post(1, DATA, 0);
	post(1, DATA, 16387);
	post(1, HOLE, 10);
	post(1, FAKE_RAM + FAKE_RAM_SIZE - 4, 10);
	assert_int_equal(host.fill, 0);
	post(1, DATA, 16386);
	assert_int_equal(host.fill, 16390);
	/* a slow host: the rest comes later, the next packet is lost */
	host.fill = 0;
	host.room = 3;
	post(1, DATA, 7);
	assert_int_equal(host.fill, 3);
	post(1, DATA, 2);
	host.room = 100;
	host.tty.writable(dev);
	assert_int_equal(host.fill, 11);
	host.tty.writable(dev);
	assert_int_equal(host.fill, 11);
	assert_int_equal(fake_read(dev, READY, 4), 0);
	/* a reset forgets the guest's part */
	post(0, DATA, 100);
	dev->ops->reset(dev);
	feed("\0\0\0\0\0\2", 6);
	assert_int_equal(fake_read(dev, READY, 4), 0);
}

/* Posted buffers, the selected queue and a packet not yet told go along. */
/* Neither a guest whose packets nobody reads nor a peer that sends nonsense
 * fills the user's terminal. */
static void test_usb_quiet(void **state)
{
	FILE *log = tmpfile();
	unsigned lines = 0;
	int err = dup(2);

	assert_non_null(log);
	dup2(fileno(log), 2);
	host.room = 3;
	for (unsigned i = 0; i < 1000; i++)
		post(1, DATA, 7);
	for (unsigned i = 0; i < 1000; i++) {
		post(0, DATA, 6);
		feed("\1\0\0\0\0\1x", 7);
	}
	for (unsigned i = 0; i < 1000; i++) {
		feed("\xff\xff\xff\xff\0\1", 6);
		host.tty.hangup(dev);
	}
	dup2(err, 2);
	close(err);
	rewind(log);
	for (int c; (c = getc(log)) != EOF;)
		lines += c == '\n';
	fclose(log);
	assert_in_range(lines, 1, 20);
}

static void test_usb_restore(void **state)
{
	static const uint8_t bus_reset[] = { 0, 0, 0, 0, 0, 2 };
	struct tty tty = { .ops = &host_ops };
	struct bdif_usb_conf c = { &tty };
	struct fake *g = fake_new();
	struct device *twin = fake_device(g, &bdif_usb_ops, &c);

	post(0, DATA, 100);
	post(0, DATA + 0x200, 200);
	assert_int_equal(feed(bus_reset, 6), 6);
	put(REQ, 8, DATA);
	put(REQ + 8, 4, 8);
	fake_write(dev, QUEUE, 4, 1);
	fake_restore(g, twin, f, dev);
	assert_memory_equal(g->ram, f->ram, f->ram_size);
	/* the second buffer is next, and CMD still sends */
	assert_int_equal(tty.input(twin, bus_reset, 6), 6);
	assert_int_equal(fake_read(twin, READY, 4), 1);
	assert_memory_equal(g->ram + (DATA + 0x200 - FAKE_RAM), bus_reset, 6);
	fake_write(twin, CMD, 8, REQ);
	assert_int_equal(host.fill, 6 + 6);
	/* stopped: no buffers, CONTROL reads 0 */
	fake_write(dev, CONTROL, 4, 0);
	fake_write(dev, ENABLE, 4, 0);
	fake_restore(g, twin, f, dev);
	assert_int_equal(fake_read(twin, CONTROL, 4), 0);
	assert_int_equal(fake_read(twin, ENABLE, 4), 0);
	device_free(twin);
	fake_free(g);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define U(name) cmocka_unit_test_setup_teardown(name, setup_usb, teardown_usb)
	const struct CMUnitTest tests[] = {
		T(test_registers), T(test_big_disk), T(test_transfers),
		T(test_bad_requests), T(test_odd_requests),
		T(test_longest),
		T(test_slow_disk),
		U(test_usb_registers), U(test_usb_receive),
		U(test_usb_bad_peer), U(test_usb_transmit), U(test_usb_quiet),
		U(test_usb_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
