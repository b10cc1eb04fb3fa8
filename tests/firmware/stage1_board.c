/* stage1_board.c: the devices that firmware and kernel have their disks and keys
 * from: BDIF, the AES engine, Apple's virtio-blk. What t_vmapple.c of tests/guest
 * tests in depth, seen once more from where real software stands. */
#include "stage1.h"

#define SIZE 4096u

static uint8_t a[SIZE] __attribute__((aligned(64)));
static uint8_t b[SIZE] __attribute__((aligned(64)));

/* ---- BDIF ------------------------------------------------------------------ */

const char *part_bdif(void)
{
	uint64_t end = rd32(AUX + 0x420);

	CHECK_EQ(rd32(AUX) & 1, 1);
	CHECK_EQ(rd32(AUX + 4), 2);
	CHECK_EQ(end, 0x10000);
	CHECK_EQ(bdif(AUX, 0x100000 / 512, a, 512, READ_FLAGS), 0);
	CHECK_EQ(a[0], 0x30);                   /* our own IMG4 */
	CHECK_EQ(bdif(AUX, end - 1, a, 512, READ_FLAGS), 0);
	CHECK_EQ(bdif(AUX, end, a, 512, READ_FLAGS), 1);
	CHECK_EQ(bdif(AUX, 1ul << 32, a, 512, READ_FLAGS), 1);
	fill(a, SIZE, 1);
	CHECK_EQ(bdif(AUX, end - 8, a, SIZE, WRITE_FLAGS), 0);
	zero(b, SIZE);
	CHECK_EQ(bdif(AUX, end - 8, b, SIZE, READ_FLAGS), 0);
	CHECK(same(a, b, SIZE));
	CHECK_EQ(rd32(USB), 1);
	CHECK_EQ(rd32(USB + 4), 0x1a01);
	CHECK_EQ(rd32(BDIF + 0x20000), 0);      /* no such device */
	return NULL;
}

/* ---- AES ------------------------------------------------------------------- */

/* Section 4.4's golden vectors: plain bytes 00 01 02 ..., IV 44 33 22 11. */
#define IV 0x11223344
#define CBC1_HI 0x6bf6054059a012cc
#define CBC1_LO 0x83cb164937031805

static void plain(void)
{
	for (unsigned i = 0; i < 48; i++)
		((volatile uint8_t *)a)[i] = (uint8_t)i;
	zero(b, 256);
}

const char *part_aes(void)
{
	static const struct { unsigned bytes; uint64_t ecb[2], cbc[2]; } v[] = {
		{ 16, { 0x0a940bb5416ef045, 0xf1c39458c653ea5a },
		      { CBC1_HI, CBC1_LO } },
		{ 24, { 0x0060bffe46834bb8, 0xda5cf9a61ff220ae },
		      { 0x575d4d79e1661578, 0x12daee335b57a752 } },
		{ 32, { 0x5a6e045708fb7196, 0xf02e553d02c3a692 },
		      { 0xb8dcf1e271219cc1, 0x0a531686509c6bfa } },
	};
	static const uint64_t builtin[3][2] = {
		{ 0xf2258e225d794572, 0x393a6484cfced7cf },
		{ 0xe8a47005ad612e0a, 0x911e972db5cecb9e },
		{ 0x7ff7fb5ed432ec0c, 0xe2742df8f7260af8 },
	};

	plain();
	wr32(AES_IRQ_STATUS, ~0u);
	for (unsigned i = 0; i < 6; i++) {
		unsigned ctx = i / 3, n = i % 3;

		aes_key(ctx, v[n].bytes, AES_ECB, 1);
		aes_data(ctx, 0, a, b, 16);
		CHECK(first_is(b, v[n].ecb[0], v[n].ecb[1]));
		aes_key(ctx, v[n].bytes, AES_CBC, 1);
		aes_iv(ctx, IV);
		aes_data(ctx, ctx, a, b, 48);
		CHECK(first_is(b, v[n].cbc[0], v[n].cbc[1]));
		aes_key(ctx, v[n].bytes, AES_CBC, 0);
		aes_iv(3 - ctx, IV);
		aes_data(ctx, 3 - ctx, b, b, 48);
		CHECK(same(a, b, 48));
	}
	for (unsigned i = 0; i < 3; i++) {
		aes(1u << 28 | (i + 1) << 24 | 1 << 20);
		aes_data(0, 0, a, b, 16);
		CHECK(first_is(b, builtin[i][0], builtin[i][1]));
	}
	aes(0xf0000000);                        /* no command: dropped */
	CHECK_EQ(rd32(AES_IRQ_STATUS), 1 << 2);
	aes(8u << 28 | 1 << 27 | 0x5a);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 1 << 5 | 1 << 2);
	CHECK_EQ(rd32(AES_FLAG_INFO), 0x5a);
	wr32(AES_IRQ_STATUS, ~0u);
	CHECK_EQ(rd32(AES_IRQ_STATUS), 0);
	return NULL;
}

/* Context 0 encrypts while context 1 decrypts, block by block; three IVs keep
 * what each is at. */
const char *part_aes_chain(void)
{
	plain();
	aes_key(0, 16, AES_CBC, 1);
	aes_key(1, 16, AES_CBC, 0);
	aes_iv(0, ~0u);
	aes_iv(1, IV);
	aes_iv(3, IV);
	for (unsigned i = 0; i < 48; i += 16) {
		aes_data(0, 1, a + i, b + i, 16);
		aes_data(1, 3, b + i, b + 64 + i, 16);
	}
	CHECK(first_is(b, CBC1_HI, CBC1_LO));
	CHECK(first_is(b + 32, 0xea72837e3d4b19e1, 0x9bb1ffe0d2000ec9));
	CHECK(same(a, b + 64, 48));
	for (unsigned ctx = 1; ctx <= 3; ctx += 2) {
		aes_store_iv(ctx, b + 128);
		CHECK(same(b + 32, b + 128, 16));
	}
	aes_store_iv(0, b + 128);
	CHECK(first_is(b + 128, ~0ul, ~0ul));
	return NULL;
}

/* ---- Apple's virtio-blk ------------------------------------------------------ */

static void disk(struct blk *d, uint64_t back, uint64_t at)
{
	uint32_t used = 0;

	CHECK_EQ(rd64(d->bar + 0x2000), rd64(back + 0x420));
	/* both ways round: the kernel's road and the firmware's */
	fill(a, SIZE, 0x20 + d->role);
	zero(b, SIZE);
	CHECK_EQ(blk(d, BLK_OUT, at, a, SIZE, false, &used), 0);
	CHECK_EQ(blk(d, BLK_BARRIER, 0, 0, 0, false, &used), 0);
	CHECK_EQ(used, 1);
	CHECK_EQ(bdif(back, at, b, SIZE, READ_FLAGS), 0);
	CHECK(same(a, b, SIZE));
	fill(a, SIZE, 0x60 + d->role);
	CHECK_EQ(bdif(back, at, a, SIZE, WRITE_FLAGS), 0);
	CHECK_EQ(blk(d, BLK_IN, at, b, SIZE, true, &used), 0);
	CHECK_EQ(used, SIZE + 1);
	CHECK(same(a, b, SIZE));
	/* a barrier's buffers are left alone; the type next to it is unknown */
	CHECK_EQ(blk(d, BLK_BARRIER, ~0ul, b, 512, true, &used), 0);
	CHECK_EQ(used, 513);
	CHECK(same(a, b, SIZE));
	CHECK_EQ(blk(d, BLK_BARRIER + 1, 0, 0, 0, false, NULL), 2);
	CHECK(blk_isr(d) & 1);
}

const char *part_blk(void)
{
	struct blk root, aux;
	bool there = blk_open(&aux, BLK_AUX);

	CHECK(there);
	if (there)
		disk(&aux, AUX, rd32(AUX + 0x420) - 16);
	if (rd32(ROOT) & 1) {
		there = blk_open(&root, BLK_ROOT);
		CHECK(there);
		if (there)
			disk(&root, ROOT, 3);
	}
	return NULL;
}
