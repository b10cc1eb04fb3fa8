/* Tests of devices/aes.c and aes_cmd.c. Results are OpenSSL's. */
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

#include "aes.h"
#include "fake.h"

enum { CONTROL = 0x08, STATUS = 0x0c, KEY_ID = 0x10, IRQ_STATUS = 0x18,
       IRQ_ENABLE = 0x1c, WATERMARK = 0x20, FIFO_STATUS = 0x24,
       FIFO_COUNT = 0x2c, FLAG_INFO = 0x30, CLEAR_FIFO = 0x38, FIFO = 0x200 };
enum { ECB, CBC, CTR };
enum { B_LOW = 1, B_OVERFLOW = 2, B_COMMAND = 4, B_READ = 8, B_WRITE = 16,
       B_FLAG = 32, B_LENGTH = 64, B_KEY0 = 1 << 10, B_KEY1 = 1 << 16 };

#define RAM_SIZE 0x200000u
#define SRC FAKE_RAM
#define DST (FAKE_RAM + 0x1000)
#define HOLE 0x1000u

static struct fake *f;
static struct device *dev;

static int setup(void **state)
{
	f = fake_new_ram(RAM_SIZE);
	dev = fake_device(f, &aes_ops, NULL);
	for (unsigned i = 0; i < 48; i++)
		f->ram[i] = (uint8_t)i;
	return 0;
}

static int teardown(void **state)
{
	device_free(dev);
	fake_free(f);
	return 0;
}

static void push(uint32_t w)
{
	fake_write(dev, FIFO, 4, w);
}

static void key_at(unsigned ctx, unsigned len, unsigned mode, bool enc,
		   uint32_t first)
{
	static const uint8_t code[] = { [2] = 0, [3] = 1, [4] = 2 };

	push(1u << 28 | ctx << 27 | (uint32_t)code[len / 8] << 22 |
	     (uint32_t)enc << 20 | mode << 16 | 0x50 | ctx);
	for (unsigned i = 0; i < len; i += 4)
		push((i + 3) << 24 | (i + 2) << 16 | (i + 1) << 8 |
		     (i ? i : first));
}

static void key(unsigned ctx, unsigned len, unsigned mode, bool enc)
{
	key_at(ctx, len, mode, enc, 0);
}

static void builtin(unsigned ctx, unsigned select, unsigned mode, bool enc)
{
	push(1u << 28 | ctx << 27 | select << 24 | (uint32_t)enc << 20 |
	     mode << 16);
}

static void iv(unsigned ctx, uint32_t w)
{
	push(2u << 28 | ctx << 26);
	for (int i = 0; i < 4; i++)
		push(w);
}

static void data(unsigned kctx, unsigned ictx, uint64_t src, uint64_t dst,
		 uint32_t len)
{
	push(5u << 28 | kctx << 27 | ictx << 25 | len);
	push((uint32_t)(src >> 32) << 16 | (uint32_t)(dst >> 32));
	push((uint32_t)src);
	push((uint32_t)dst);
}

static void store_iv(unsigned ctx, uint64_t gpa)
{
	push(6u << 28 | ctx << 26 | (uint32_t)(gpa >> 32));
	push((uint32_t)gpa);
}

static void flag(unsigned code, bool raise)
{
	push(8u << 28 | (uint32_t)raise << 27 | code);
}

static const char *hex(uint64_t gpa, unsigned len)
{
	static char text[2 * 48 + 1];

	for (unsigned i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", f->ram[gpa - FAKE_RAM + i]);
	return text;
}

static uint32_t status(void)
{
	return (uint32_t)fake_read(dev, IRQ_STATUS, 4);
}

/* The engine is well: it takes a FLAG, and nothing is left behind. */
static void check_alive(void)
{
	static unsigned code;

	code = (code + 1) & 0xff;
	fake_write(dev, IRQ_STATUS, 4, 0xffffffff);
	flag(code, true);
	assert_int_equal(status(), B_FLAG);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), code);
	assert_int_equal(fake_read(dev, FIFO_COUNT, 4), 0);
	fake_write(dev, IRQ_STATUS, 4, 0xffffffff);
	assert_int_equal(status(), 0);
}

static void test_registers(void **state)
{
	uint64_t val;

	fake_check_regs(dev);
	for (unsigned off = 0; off < 0x400; off += 4) {
		fake_read_win(dev, 1, off, 4, &val);
		assert_int_equal(val, 0);
	}
	assert_int_equal(fake_write_win(dev, 1, 0x20, 4, 1), IO_OK);
	assert_int_equal(fake_read_win(dev, 0, IRQ_STATUS, 1, &val), IO_SIZE);
	assert_int_equal(fake_write_win(dev, 0, FIFO, 2, 1), IO_SIZE);
	assert_int_equal(fake_read_win(dev, 0, 0x3ff8, 4, &val), IO_NOREG);
	/* 64 bits are two registers, and one word of the FIFO */
	fake_write(dev, IRQ_STATUS, 8, 0x1234ull << 32);
	assert_int_equal(fake_read(dev, IRQ_ENABLE, 4), 0x1234);
	assert_int_equal(fake_read(dev, IRQ_STATUS, 8), 0x1234ull << 32);
	fake_write(dev, FIFO, 8, 0x8000000580000007);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 7);
}

static void test_vectors(void **state)
{
	static const char *const want[3][3] = { {
		"0a940bb5416ef045f1c39458c653ea5a07feef74e1d5036e900eee118e94"
		"92935be87e2e5b447c944b21c9af7756c0d8",
		"6bf6054059a012cc83cb1649370318053546c5d86640e74d0cbbed725ec9"
		"fa2bea72837e3d4b19e19bb1ffe0d2000ec9",
		"4359a060e3ea6c62c86a0c82f4b78355e35b075cb8cb70ccab750214a407"
		"45e6942520ebcc98b3cf24398e19c6ac661a",
	}, {
		"0060bffe46834bb8da5cf9a61ff220ae93ae3b7f9fc2e8159d05a6a9f5e2"
		"4f2d779fe44f29fffa2c25d3464fc3db3c49",
		"575d4d79e166157812daee335b57a7520b3fe2449d3e2b9ef38d88fecbb7"
		"11787edd9ad7cb24a00f949ac1c487a12ea9",
		"5530e8729483478257b492146cb5431abe6da5c267b90aaf5819d674105e"
		"1a186d1c8f5303f57614d22b4322ad0a2184",
	}, {
		"5a6e045708fb7196f02e553d02c3a692e9c3ef8ab23453e6f0749cd636e7"
		"a88e61a6936e4e8f101c1cc1f993b542a0d4",
		"b8dcf1e271219cc10a531686509c6bfae27b449853ab5137b8c1bd11c0c0"
		"e9fe8b640ca96fa043d9f755db77e16f177a",
		"7a47ce67c5b8c6a458b109f820af6f42f2806c3214152e8967e39ff94492"
		"3d13fc78f3f2249ad768f359a9646733d3d1",
	} };

	for (unsigned c = 0; c < 2; c++)
		for (unsigned n = 0; n < 3; n++)
			for (unsigned m = ECB; m <= CTR; m++) {
				key(c, 16 + 8 * n, m, true);
				iv(c, 0x11223344);
				data(c, c, SRC, DST, 48);
				assert_string_equal(hex(DST, 48), want[n][m]);
				/* and back, in place */
				key(c, 16 + 8 * n, m, false);
				iv(c, 0x11223344);
				data(c, c, DST, DST, 48);
				assert_memory_equal(f->ram, f->ram + 0x1000,
						    48);
			}
	assert_int_equal(status(), 0);
	assert_int_equal(fake_read(dev, KEY_ID, 4), 0x5150);
}

static void test_builtin(void **state)
{
	static const char *const want[] = {
		NULL, "f2258e225d794572393a6484cfced7cf",
		"e8a47005ad612e0a911e972db5cecb9e",
		"7ff7fb5ed432ec0ce2742df8f7260af8",
	};

	for (unsigned s = 1; s <= 3; s++)
		for (unsigned len = 0; len < 4; len++) {
			/* the length field says nothing here */
			push(1u << 28 | s << 24 | len << 22 | 1 << 20);
			data(0, 0, SRC, DST, 16);
			assert_string_equal(hex(DST, 16), want[s]);
		}
	assert_int_equal(status(), 0);
}

/* What the machine that guests come from does wrong: section 4.3. */
static void test_contexts(void **state)
{
	static const char *const ecb = "0a940bb5416ef045f1c39458c653ea5a";

	/* own direction and mode; an IV that would show */
	iv(3, 0x5a5a5a5a);
	key(0, 16, ECB, true);
	key_at(1, 16, CBC, false, 0xee);
	data(0, 3, SRC, DST, 16);
	assert_string_equal(hex(DST, 16), ecb);
	/* own key */
	key_at(1, 16, ECB, true, 0xee);
	data(1, 3, SRC, DST, 16);
	assert_string_not_equal(hex(DST, 16), ecb);
	data(0, 3, SRC, DST, 16);
	assert_string_equal(hex(DST, 16), ecb);
	/* four IVs */
	for (unsigned i = 0; i < 4; i++)
		iv(i, 0x01010101 * (i + 1));
	for (unsigned i = 0; i < 4; i++) {
		store_iv(i, DST + 0x100 * i);
		for (unsigned k = 0; k < 16; k++)
			assert_int_equal(f->ram[0x1000 + 0x100 * i + k],
					 i + 1);
	}
	/* ECB leaves them alone; DATA takes the one it names */
	memset(f->ram + 0x2000, 0, 16);
	key(0, 16, ECB, true);
	data(0, 2, FAKE_RAM + 0x2000, DST, 16);
	store_iv(2, DST);
	assert_int_equal(f->ram[0x1000], 3);
	memset(f->ram + 0x3000, 3, 16);
	data(0, 0, FAKE_RAM + 0x3000, DST, 16);
	key(0, 16, CBC, true);
	data(0, 2, FAKE_RAM + 0x2000, DST + 16, 16);
	assert_memory_equal(f->ram + 0x1000, f->ram + 0x1010, 16);
	assert_int_equal(status(), 0);
}

static void test_chaining(void **state)
{
	key(0, 16, CBC, true);
	iv(1, 0x11223344);
	data(0, 1, SRC, DST, 16);
	store_iv(1, DST + 0x100);
	assert_memory_equal(f->ram + 0x1000, f->ram + 0x1100, 16);
	data(0, 1, SRC + 16, DST + 16, 32);
	assert_string_equal(hex(DST, 48),
		"6bf6054059a012cc83cb1649370318053546c5d86640e74d0cbbed725ec9"
		"fa2bea72837e3d4b19e19bb1ffe0d2000ec9");
	store_iv(1, DST + 0x100);
	assert_memory_equal(f->ram + 0x1020, f->ram + 0x1100, 16);
	/* decryption's next IV is the last ciphertext block as well */
	key(1, 16, CBC, false);
	iv(2, 0x11223344);
	data(1, 2, DST, DST, 16);
	data(1, 2, DST + 16, DST + 16, 32);
	assert_memory_equal(f->ram, f->ram + 0x1000, 48);
	store_iv(2, DST + 0x200);
	assert_memory_equal(f->ram + 0x1100, f->ram + 0x1200, 16);
}

static void test_errors(void **state)
{
	static const unsigned ops[] = { 0, 3, 4, 7, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t before[64];

	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		push(ops[i] << 28 | 0x123456);
		assert_int_equal(status(), B_COMMAND);
		check_alive();
	}
	/* no key: dropped, with the context's bit */
	memset(f->ram + 0x1000, 0x77, 64);
	memcpy(before, f->ram + 0x1000, 64);
	data(0, 0, SRC, DST, 16);
	assert_int_equal(status(), B_KEY0);
	data(1, 0, SRC, DST, 16);
	assert_int_equal(status(), B_KEY0 | B_KEY1);
	check_alive();
	for (unsigned s = 4; s <= 7; s++) {
		key(1, 16, ECB, true);
		builtin(1, s, ECB, true);
		assert_int_equal(status(), 0);
		data(1, 0, SRC, DST, 16);
		assert_int_equal(status(), B_KEY1);
		check_alive();
	}
	/* mode 3, 64-byte key: their payload goes with them */
	key(0, 16, 3, true);
	assert_int_equal(status(), B_COMMAND);
	check_alive();
	data(0, 0, SRC, DST, 16);
	assert_int_equal(status(), B_KEY0);
	key(0, 16, ECB, true);
	push(1u << 28 | 3 << 22 | 1 << 20);
	for (int i = 0; i < 16; i++)
		push(0x80000000u);              /* would be FLAGs */
	assert_int_equal(status(), B_KEY0 | B_COMMAND);
	check_alive();
	data(0, 0, SRC, DST, 16);
	assert_int_equal(status(), B_KEY0);
	check_alive();
	/* lengths */
	key(0, 16, ECB, true);
	for (unsigned len = 1; len < 64; len++) {
		data(0, 0, SRC, DST, len & 15 ? len : 0);
		assert_int_equal(status(), len & 15 ? B_LENGTH : 0);
		check_alive();
	}
	data(0, 0, SRC, DST, 0xffffff);
	assert_int_equal(status(), B_LENGTH);
	check_alive();
	/* nothing to do needs no key and no memory */
	data(1, 0, HOLE, HOLE, 0);
	assert_int_equal(status(), 0);
	/* holes, also half of one, and above 32 bits */
	data(0, 0, HOLE, DST, 16);
	assert_int_equal(status(), B_READ);
	check_alive();
	data(0, 0, FAKE_RAM + RAM_SIZE - 16, DST, 32);
	assert_int_equal(status(), B_READ);
	check_alive();
	data(0, 0, SRC, FAKE_RAM + RAM_SIZE - 16, 32);
	assert_int_equal(status(), B_WRITE);
	check_alive();
	data(0, 0, SRC | 0xffull << 32, DST, 16);
	assert_int_equal(status(), B_READ);
	check_alive();
	data(0, 0, SRC, DST | 0xffull << 32, 16);
	assert_int_equal(status(), B_WRITE);
	check_alive();
	store_iv(0, HOLE);
	assert_int_equal(status(), B_WRITE);
	check_alive();
	store_iv(0, FAKE_RAM | 1ull << 32);
	assert_int_equal(status(), B_WRITE);
	check_alive();
	assert_memory_equal(before, f->ram + 0x1000, 64);
}

static void test_irq(void **state)
{
	flag(1, false);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 1);
	assert_int_equal(status(), 0);
	push(8u << 28 | 1 << 26 | 2);           /* stop has no effect */
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 2);
	flag(3, true);
	assert_int_equal(status(), B_FLAG);
	assert_false(f->wire[0].level);
	fake_write(dev, IRQ_ENABLE, 4, B_FLAG | B_COMMAND);
	assert_true(f->wire[0].level);
	fake_write(dev, IRQ_ENABLE, 4, B_COMMAND);
	assert_false(f->wire[0].level);
	push(0);
	assert_true(f->wire[0].level);
	fake_write(dev, IRQ_STATUS, 4, B_FLAG);
	assert_true(f->wire[0].level);
	fake_write(dev, IRQ_STATUS, 4, B_COMMAND);
	assert_false(f->wire[0].level);
	fake_write(dev, IRQ_ENABLE, 4, B_FLAG);
	flag(4, true);
	assert_true(f->wire[0].level);
	dev->ops->reset(dev);
	assert_false(f->wire[0].level);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 0);
}

static void test_fifo(void **state)
{
	/* words wait for the rest of their command */
	push(2u << 28);
	push(1);
	assert_int_equal(fake_read(dev, FIFO_COUNT, 4), 2);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4), 2 << 24 | 2 << 8);
	fake_write(dev, CLEAR_FIFO, 4, 1);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4), 2);
	check_alive();
	/* a machine's reset finds no half a command */
	push(5u << 28 | 16);
	dev->ops->reset(dev);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4), 2);
	check_alive();
	/* stopped, it fills; what is too much is lost and says so */
	fake_write(dev, CONTROL, 4, 2);
	for (unsigned i = 0; i < 128; i++)
		flag(i, false);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4) != 127, 1);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4) & 0xff0c, 128 << 8 | 4);
	assert_int_equal(status(), 0);
	flag(200, true);
	assert_int_equal(status(), B_OVERFLOW);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4) & 0xff0c, 128 << 8 | 12);
	fake_write(dev, CONTROL, 4, 1);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 127);
	assert_int_equal(fake_read(dev, FIFO_COUNT, 4), 0);
	fake_write(dev, IRQ_STATUS, 4, B_OVERFLOW);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4) & 0xffff, 2);
	/* the watermark is crossed downwards */
	fake_write(dev, WATERMARK, 4, 2);
	assert_int_equal(fake_read(dev, FIFO_STATUS, 4) & 0xffff, 3);
	fake_write(dev, CONTROL, 4, 2);
	for (unsigned i = 0; i < 3; i++)
		flag(i, false);
	assert_int_equal(status(), 0);
	fake_write(dev, CONTROL, 4, 1);
	assert_int_equal(status(), B_LOW);
	fake_write(dev, CONTROL, 4, 4);         /* reset */
	assert_int_equal(status(), 0);
	assert_int_equal(fake_read(dev, WATERMARK, 4), 0);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 0);
	/* of the core: keys and IVs go, the rest stays */
	fake_write(dev, IRQ_ENABLE, 4, 7);
	key(0, 16, ECB, true);
	fake_write(dev, CONTROL, 4, 8);
	data(0, 0, SRC, DST, 16);
	assert_int_equal(status(), B_KEY0);
	assert_int_equal(fake_read(dev, IRQ_ENABLE, 4), 7);
	check_alive();
}

/* Longer than what is done at once: the loop does it. */
static void test_long(void **state)
{
	const unsigned n = 0x80010;
	uint8_t *src = f->ram + 0x10000, *dst = f->ram + 0x100000;
	uint64_t gsrc = FAKE_RAM + 0x10000, gdst = FAKE_RAM + 0x100000;
	unsigned i;

	for (i = 0; i < n; i++)
		src[i] = (uint8_t)(i * 7 + (i >> 9));
	key(0, 32, CBC, true);
	iv(3, 0x11223344);
	data(0, 3, gsrc, gdst, n);
	flag(9, true);
	assert_int_equal(status(), 0);
	assert_int_equal(fake_read(dev, STATUS, 4), 0x3f80 | 0x15);
	assert_int_equal(fake_read(dev, FIFO_COUNT, 4), 1);
	for (i = 0; i < 20 && !status(); i++)
		fake_poll(f);
	assert_int_equal(status(), B_FLAG);
	assert_int_equal(fake_read(dev, FLAG_INFO, 4), 9);
	assert_int_equal(fake_read(dev, STATUS, 4), 0x3f80);
	/* in short pieces the same comes out */
	iv(0, 0x11223344);
	for (i = 0; i < n; i += 0x4000)
		data(0, 0, gsrc + i, gsrc + i, n - i < 0x4000 ? n - i : 0x4000);
	assert_memory_equal(src, dst, n);
	store_iv(3, DST);
	assert_memory_equal(dst + n - 16, f->ram + 0x1000, 16);
	/* a reset in the middle ends it */
	fake_write(dev, IRQ_STATUS, 4, B_FLAG);
	memset(dst, 0, n);
	data(0, 3, gsrc, gdst, n);
	fake_poll(f);
	fake_write(dev, CONTROL, 4, 4);
	for (i = 0; i < 20; i++)
		fake_poll(f);
	assert_int_equal(fake_read(dev, STATUS, 4), 0x3f80);
	assert_int_equal(dst[n - 1], 0);
	check_alive();
	/* a stop waits for it, and holds back what follows */
	key(1, 16, ECB, true);
	data(1, 0, gsrc, gdst, n);
	fake_write(dev, CONTROL, 4, 2);
	flag(7, true);
	for (i = 0; i < 20; i++)
		fake_poll(f);
	assert_int_equal(fake_read(dev, STATUS, 4), 0x3f80);
	assert_int_equal(status(), 0);
	fake_write(dev, CONTROL, 4, 1);
	assert_int_equal(status(), B_FLAG);
	/* errors of a long one come before it begins */
	data(1, 0, gsrc, FAKE_RAM + RAM_SIZE - 16, n);
	assert_int_equal(status(), B_FLAG | B_WRITE);
	check_alive();
}

/* A loop of its own, until told to stop. */
static void *poller(void *stop)
{
	while (!atomic_load((_Atomic bool *)stop))
		fake_poll(f);
	return NULL;
}

/* A guest that resets the engine has its memory back: what the loop's thread is
 * at does not come down on it. */
static void test_reset_race(void **state)
{
	const unsigned n = 0x40000;
	uint8_t *dst = f->ram + 0x100000;
	_Atomic bool stop = false;
	pthread_t thread;

	pthread_create(&thread, NULL, poller, &stop);
	for (unsigned i = 0; i < 40; i++) {
		key(0, 32, CBC, true);
		data(0, 0, FAKE_RAM + 0x10000, FAKE_RAM + 0x100000, n);
		usleep(i * 10);
		fake_write(dev, CONTROL, 4, 4);
		memset(dst, 0x77, n);
		usleep(1000);
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(dst[k], 0x77);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

static void *field(unsigned id)
{
	for (const struct field *s = aes_ops.saved; s->size; s++)
		if (s->id == id)
			return (uint8_t *)dev + s->off;
	fail_msg("no field %u", id);
	return NULL;
}

static void test_check(void **state)
{
	static const struct { uint8_t id, val; } bad[] = {
		{ 6, 128 }, { 7, 129 }, { 8, 2 }, { 9, 2 }, { 11, 17 },
		{ 12, 3 }, { 13, 2 }, { 16, 64 }, { 24, 2 }, { 25, 4 },
		{ 23, 1 }, { 23, 16 },          /* a job without a key */
	};
	struct err e;

	assert_int_equal(aes_ops.check(dev, &e), 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t *p = field(bad[i].id), old = *p;

		*p = bad[i].val;
		if (!aes_ops.check(dev, &e))
			fail_msg("field %u", bad[i].id);
		*p = old;
	}
	/* a job that a snapshot brings goes on */
	key(0, 16, ECB, true);
	*(uint64_t *)field(21) = SRC;
	*(uint64_t *)field(22) = DST;
	*(uint32_t *)field(23) = 16;
	assert_int_equal(aes_ops.check(dev, &e), 0);
	dev->ops->resume(dev);
	fake_poll(f);
	assert_string_equal(hex(DST, 16), "0a940bb5416ef045f1c39458c653ea5a");
}

/* Feeds both the same and compares all that can be seen of keys and IVs. */
static void same_behind(struct device *twin, struct fake *g)
{
	static const uint32_t words[] = {
		/* the rest of the KEY that is half there, for context 1 */
		0x0b0a0908, 0x0f0e0d0c,
		5u << 28 | 0u << 27 | 2u << 25 | 48, 0, SRC, DST,
		5u << 28 | 1u << 27 | 1u << 25 | 48, 0, SRC, DST + 0x100,
		6u << 28 | 0u << 26, DST + 0x200, 6u << 28 | 1u << 26,
		DST + 0x210, 6u << 28 | 2u << 26, DST + 0x220,
		6u << 28 | 3u << 26, DST + 0x230, 8u << 28 | 1u << 27 | 0x77,
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fake_write(dev, FIFO, 4, words[i]);
		fake_write(twin, FIFO, 4, words[i]);
	}
	for (unsigned i = 0; i < 200; i++) {
		fake_poll(f);
		fake_poll(g);
	}
	assert_int_equal(status(), B_FLAG | B_LOW);
	assert_int_equal(fake_read(twin, IRQ_STATUS, 4), B_FLAG | B_LOW);
	assert_memory_equal(f->ram, g->ram, RAM_SIZE);
}

/* A snapshot in the middle of a command, of a transfer, and of a stop. */
static void test_restore(void **state)
{
	struct fake *g = fake_new_ram(RAM_SIZE);
	struct device *first = dev, *twin = fake_device(g, &aes_ops, NULL);

	for (unsigned ctx = 0; ctx < 4; ctx++)
		iv(ctx, 0x01010101 * (ctx + 1));
	key_at(0, 24, CBC, true, 0x1234);
	push(1u << 28 | 1u << 27 | 2u << 16 | 0x99);    /* KEY 1: CTR */
	push(0x03020100);
	push(0x07060504);
	fake_write(dev, WATERMARK, 4, 5);
	fake_write(dev, IRQ_ENABLE, 4, B_FLAG | B_COMMAND);
	fake_restore(g, twin, f, dev);
	same_behind(twin, g);
	/* a flag, a bad command, the line up */
	push(0);
	flag(0x42, true);
	assert_true(f->wire[0].level);
	key_at(1, 24, CBC, true, 0x4321);
	fake_restore(g, twin, f, dev);
	assert_true(g->wire[0].level);
	data(1, 3, SRC, DST, 48);
	dev = twin;
	data(1, 3, SRC, DST, 48);
	dev = first;
	assert_memory_equal(f->ram, g->ram, RAM_SIZE);
	fake_write(dev, IRQ_STATUS, 4, ~0u);
	/* a long transfer, some of it done, and what waits behind it */
	key(0, 32, CBC, true);
	data(0, 3, FAKE_RAM + 0x10000, FAKE_RAM + 0x80000, 0x60000);
	fake_poll(f);
	push(1u << 28 | 1u << 27 | 1u << 20);
	push(0x03020100);
	push(0x07060504);
	assert_true(fake_read(dev, STATUS, 4) & 0x10);
	fake_restore(g, twin, f, dev);
	assert_true(fake_read(twin, STATUS, 4) & 0x10);
	same_behind(twin, g);
	fake_write(dev, IRQ_STATUS, 4, ~0u);
	/* stopped, and so full that a word was lost */
	fake_write(dev, CONTROL, 4, 2);
	for (unsigned i = 0; i < 129; i++)
		push(8u << 28 | i);
	fake_restore(g, twin, f, dev);
	assert_int_equal(fake_read(twin, FIFO_COUNT, 4), 128);
	fake_write(twin, CONTROL, 4, 1);
	assert_int_equal(fake_read(twin, FLAG_INFO, 4), 127);
	device_free(twin);
	fake_free(g);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_registers), T(test_vectors), T(test_builtin),
		T(test_contexts), T(test_chaining), T(test_errors),
		T(test_irq), T(test_fifo), T(test_long), T(test_reset_race),
		T(test_check),
		T(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
