/* A test of the AES engine (spec/vmapple.md section 4) against the vectors of
 * NIST SP 800-38A: CBC both ways, and that a second DATA goes on where the
 * first one ended. */
#include "rom.h"

enum {
	IRQ_STATUS = 0x18, FLAG_INFO = 0x30, FIFO = 0x200,
	STATUS_FLAG = 1 << 5,
};

static uint8_t plain[64] __attribute__((aligned(64))) = {
	0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e,
	0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03,
	0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51,
};
static const uint8_t key128[16] = {
	0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15,
	0x88, 0x09, 0xcf, 0x4f, 0x3c,
};
/* F.2.1, CBC-AES128.Encrypt, blocks 1 and 2 */
static const uint8_t cipher[32] = {
	0x76, 0x49, 0xab, 0xac, 0x81, 0x19, 0xb2, 0x46, 0xce, 0xe9, 0x8e,
	0x9b, 0x12, 0xe9, 0x19, 0x7d, 0x50, 0x86, 0xcb, 0x9b, 0x50, 0x72,
	0x19, 0xee, 0x95, 0xdb, 0x11, 0x3a, 0x91, 0x76, 0x78, 0xb2,
};
static uint8_t out[64] __attribute__((aligned(64)));

static void word(uint32_t w)
{
	wr32(AES_BASE + FIFO, w);
}

static void words(const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i += 4)
		word(ld32(p + i));
}

static void load_key(bool encrypt)
{
	word(1u << 28 | (uint32_t)encrypt << 20 | 1 << 16);     /* CBC */
	words(key128, 16);
}

static void load_iv(void)
{
	word(2u << 28);
	for (uint32_t i = 0; i < 4; i++)        /* 00 01 02 ... 0f */
		word(0x03020100 + 0x04040404 * i);
}

static void data(const void *src, void *dst, uint32_t len)
{
	uint64_t s = (uint64_t)src, d = (uint64_t)dst;

	word(5u << 28 | len);
	word((uint32_t)(s >> 32 & 0xff) << 16 | (uint32_t)(d >> 32 & 0xff));
	word((uint32_t)s);
	word((uint32_t)d);
}

/* FLAG, and wait for it: the engine may work on its own. */
static bool finish(uint32_t code)
{
	uint64_t end = ticks() + ticks_per_second();

	word(8u << 28 | 1u << 27 | code);
	while (!(rd32(AES_BASE + IRQ_STATUS) & STATUS_FLAG))
		if (ticks() > end)
			return false;
	__asm__ volatile("dsb sy" : : : "memory");
	return rd32(AES_BASE + FLAG_INFO) == code;
}

static void verdict(const char *what, bool done, const void *want,
		    unsigned len)
{
	uint32_t status = rd32(AES_BASE + IRQ_STATUS);

	wr32(AES_BASE + IRQ_STATUS, status);
	say("AES       %s: %s (IRQ_STATUS 0x%x)\n", what, !done ?
	    "no answer" : memcmp(out, want, len) ? "wrong result" : "ok",
	    status);
	memset(out, 0, sizeof(out));
}

void aes_test(void)
{
	uint64_t v;

	if (probe_load(AES_BASE + 0xc, 4, &v)) {
		say("AES       nothing answers at 0x%lx\n", AES_BASE);
		return;
	}
	wr32(AES_BASE + IRQ_STATUS, 0xffffffff);
	load_key(true);
	load_iv();
	data(plain, out, 32);
	verdict("CBC encrypt", finish(0x11), cipher, 32);
	load_key(false);
	load_iv();
	data(cipher, out, 32);
	verdict("CBC decrypt", finish(0x22), plain, 32);
	load_key(true);
	load_iv();
	data(plain, out, 16);
	data(plain + 16, out + 16, 16);
	verdict("CBC in two pieces", finish(0x33), cipher, 32);
}
