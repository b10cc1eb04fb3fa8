/* crypto.c: the cryptographic instructions put together to the algorithms, on
 * the standards' own examples: FIPS 197 C.1, FIPS 180-4 ("abc"). Every row by
 * itself is in simd.c's recorded outcomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/interp/decode.h"
#include "../../src/interp/fp.h"
#include "../../src/interp/op.h"

static struct cpu *cpu;
static struct cpu_model model;

static OP_CC OP_RET op_end(OP_ARGS)
{
	(void)c;
	(void)ip;
	OP_LEAVE();
}

static void run(uint32_t w)
{
	struct rec r[2] = { 0 };

	assert_non_null(decode_row(w, &model));
	decode_word(&r[0], w, 0, 0, &model);
	r[1].h = op_end;
	op_enter(r[0].h, cpu, &r[0]);
}

static int setup(void **state)
{
	(void)state;
	cpu = aligned_alloc(64, (sizeof(*cpu) + 63) & ~63ull);
	memset(cpu, 0, sizeof(*cpu));
	for (int i = 0; i < FEAT_COUNT; i++)
		model.has[i] = true;
	decode_init();
	return 0;
}
static int teardown(void **state)
{
	(void)state;
	free(cpu);
	return 0;
}

/* ---- AES-128 ------------------------------------------------------------------ */

/* SubWord(RotWord(w)): AESE of a word in all columns is SubBytes of each. */
static uint32_t sub_word(uint32_t w)
{
	cpu->v[0] = (vreg){ .s = { w, w, w, w } };
	cpu->v[1] = (vreg){ .d = { 0, 0 } };
	run(0x4e284820 /* aese v0.16b, v1.16b */);
	return cpu->v[0].s[0];
}
static void expand_key(const uint8_t *key, vreg k[11])
{
	uint32_t w[44], rcon = 1;

	memcpy(w, key, 16);
	for (int i = 4; i < 44; i++) {
		uint32_t t = w[i - 1];

		if (i % 4 == 0) {
			t = sub_word(t >> 8 | t << 24) ^ rcon;
			rcon = rcon << 1 ^ (rcon & 0x80 ? 0x11b : 0);
		}
		w[i] = w[i - 4] ^ t;
	}
	memcpy(k, w, sizeof(w));
}

static void test_aes(void **state)
{
	uint8_t key[16], text[16];
	static const uint8_t want[16] = {
		0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
		0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a,
	};
	vreg k[11];

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		key[i] = (uint8_t)i;
		text[i] = (uint8_t)(i * 0x11);
	}
	expand_key(key, k);
	memcpy(&cpu->v[0], text, 16);
	for (int i = 0; i < 10; i++) {
		cpu->v[1] = k[i];
		run(0x4e284820 /* aese v0.16b, v1.16b */);
		if (i < 9)
			run(0x4e286800 /* aesmc v0.16b, v0.16b */);
	}
	cpu->v[0].vd ^= k[10].vd;
	assert_memory_equal(&cpu->v[0], want, 16);
	/* the equivalent inverse cipher */
	for (int i = 10; i > 0; i--) {
		cpu->v[1] = k[i];
		if (i < 10)
			run(0x4e287821 /* aesimc v1.16b, v1.16b */);
		run(0x4e285820 /* aesd v0.16b, v1.16b */);
		if (i > 1)
			run(0x4e287800 /* aesimc v0.16b, v0.16b */);
	}
	cpu->v[0].vd ^= k[0].vd;
	assert_memory_equal(&cpu->v[0], text, 16);
}

/* ---- SHA: one block holds "abc" --------------------------------------------------- */

static uint32_t root_bits(unsigned prime, bool cube)
{
	/* 32 bits of the fraction of the root of a prime, by
	 * bisection: the largest r with r^n <= prime */
	unsigned __int128 lo = 0, hi = (unsigned __int128)32 << 32;

	while (hi - lo > 1) {
		unsigned __int128 m = (lo + hi) / 2, p = m * m >> 32;

		if (cube)
			p = m * m * m >> 64;
		if (p >= (unsigned __int128)prime << 32)
			hi = m;
		else
			lo = m;
	}
	return (uint32_t)lo;
}

static void first_primes(unsigned *p, int n)
{
	int found = 0;

	for (unsigned v = 2; found < n; v++) {
		bool prime = true;

		for (int i = 0; i < found; i++)
			prime &= v % p[i] != 0;
		if (prime)
			p[found++] = v;
	}
}

static void message(vreg w[4])
{
	memset(w, 0, 64);
	w[0].s[0] = 0x61626380;
	w[3].s[3] = 24;
}

static void test_sha256(void **state)
{
	static const uint32_t want[8] = {
		0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223,
		0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad,
	};
	unsigned p[64];
	vreg w[4], h[2];

	(void)state;
	first_primes(p, 64);
	for (int i = 0; i < 8; i++)
		h[i / 4].s[i % 4] = root_bits(p[i], false);
	assert_int_equal(h[0].s[0], 0x6a09e667);
	message(w);
	cpu->v[0] = h[0];
	cpu->v[1] = h[1];
	for (int i = 0; i < 16; i++) {
		cpu->v[2] = w[i % 4];
		for (int j = 0; j < 4; j++)
			cpu->v[2].s[j] += root_bits(p[4 * i + j], true);
		cpu->v[3] = cpu->v[0];
		run(0x5e024020 /* sha256h q0, q1, v2.4s */);
		run(0x5e025061 /* sha256h2 q1, q3, v2.4s */);
		/* words of sixteen rounds later */
		cpu->v[4] = w[i % 4];
		cpu->v[5] = w[(i + 1) % 4];
		cpu->v[6] = w[(i + 2) % 4];
		cpu->v[7] = w[(i + 3) % 4];
		run(0x5e2828a4 /* sha256su0 v4.4s, v5.4s */);
		run(0x5e0760c4 /* sha256su1 v4.4s, v6.4s, v7.4s */);
		w[i % 4] = cpu->v[4];
	}
	h[0].vs += cpu->v[0].vs;
	h[1].vs += cpu->v[1].vs;
	assert_memory_equal(h, want, 32);
}

static void test_sha1(void **state)
{
	static const uint32_t want[5] = { 0xa9993e36, 0x4706816a, 0xba3e2571,
					  0x7850c26c, 0x9cd0d89d };
	static const uint32_t k[4] = { 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
				       0xca62c1d6 };
	static const uint32_t init[5] = { 0x67452301, 0xefcdab89, 0x98badcfe,
					  0x10325476, 0xc3d2e1f0 };
	static const uint32_t rounds[4] = {
		0x5e020020 /* sha1c q0, s1, v2.4s */, 0x5e021020 /* sha1p q0, s1, v2.4s */,
		0x5e022020 /* sha1m q0, s1, v2.4s */, 0x5e021020 /* sha1p q0, s1, v2.4s */,
	};
	vreg w[4];

	(void)state;
	message(w);
	memcpy(&cpu->v[0], init, 16);
	cpu->v[1] = (vreg){ .s = { init[4] } };
	for (int i = 0; i < 20; i++) {
		cpu->v[2].vs = w[i % 4].vs + k[i / 5];
		cpu->v[3] = cpu->v[0];
		run(rounds[i / 5]);
		run(0x5e280861 /* sha1h s1, s3 */);
		cpu->v[4] = w[i % 4];
		cpu->v[5] = w[(i + 1) % 4];
		cpu->v[6] = w[(i + 2) % 4];
		cpu->v[7] = w[(i + 3) % 4];
		run(0x5e0630a4 /* sha1su0 v4.4s, v5.4s, v6.4s */);
		run(0x5e2818e4 /* sha1su1 v4.4s, v7.4s */);
		w[i % 4] = cpu->v[4];
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(cpu->v[0].s[i] + init[i], want[i]);
	assert_int_equal(cpu->v[1].s[0] + init[4], want[4]);
	assert_true(cpu->v[1].d[1] == 0);
}

/* Products of polynomials: distributive, and of powers of x. */
static void test_pmull(void **state)
{
	(void)state;
	for (int i = 0; i < 64; i++) {
		cpu->v[1] = (vreg){ .d = { 1ull << i, ~0ull } };
		cpu->v[2] = (vreg){ .d = { 0x8000000000000001, 2 } };
		run(0x0ee2e020 /* pmull v0.1q, v1.1d, v2.1d */);
		assert_true(cpu->v[0].d[0] == (1ull << i | (i ? 0 : 1ull << 63)));
		assert_true(cpu->v[0].d[1] == (i ? 1ull << (i - 1) : 0));
		run(0x4ee2e020 /* pmull2 v0.1q, v1.2d, v2.2d */);
		assert_true(cpu->v[0].d[0] == ~1ull);
		assert_true(cpu->v[0].d[1] == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aes),
		cmocka_unit_test(test_sha1),
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_pmull),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
