/* b_cpu.c: programs that compute. Bare metal, EL1, MMU on, one CPU.
 *
 * Loops in assembly have known instruction counts and are the same for ever;
 * the rest is C as a compiler makes it (clang -O2). */
#include "bench.h"

volatile uint64_t sink;
static uint8_t *buf_a, *buf_b;          /* 4 MiB each */

/* ---- integer --------------------------------------------------------------- */

/* xorshift: the loop of README's instructions per second */
enum { INT_LOOPS = 20000000, INT_INSNS = 8 };
static void b_int(unsigned div)
{
	uint64_t x = 88172645463325252ull, n = INT_LOOPS / div;

	/* aligned: a loop across the end of a page is slower, and where it lies
	 * is the compiler's whim */
	__asm__ volatile(".p2align 5\n1: eor %0, %0, %0, lsl #13\n\teor %0, %0, %0, lsr #7\n\t"
			 "eor %0, %0, %0, lsl #17\n\tadd x9, x9, %0\n\t"
			 "add x10, x10, #3\n\tand x11, x9, x10\n\t"
			 "subs %1, %1, #1\n\tb.ne 1b"
			 : "+r"(x), "+r"(n) : : "x9", "x10", "x11", "cc");
	sink += x;
}

/* SHA-256 of 64 KiB, in C: rotates, adds, table look-ups. */
static uint32_t ror(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }
static void b_hash(unsigned div)
{
	uint32_t k[64], h[8], w[64];
	uint64_t prime = 2;

	/* any constants will do here */
	for (unsigned i = 0; i < 64; i++, prime = prime * 6364136223846793005u + 1)
		k[i] = (uint32_t)(prime >> 32);
	for (unsigned i = 0; i < 8; i++)
		h[i] = k[i] ^ k[63 - i];
	for (unsigned r = 0; r < 16 / (div > 16 ? 16 : div) * 1024; r++) {
		uint32_t s[8];

		for (unsigned i = 0; i < 16; i++)
			w[i] = ((uint32_t *)buf_a)[r % 1024 * 16 + i];
		for (unsigned i = 16; i < 64; i++)
			w[i] = w[i - 16] + w[i - 7] +
			       (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
			       (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
		for (unsigned i = 0; i < 8; i++)
			s[i] = h[i];
		for (unsigned i = 0; i < 64; i++) {
			uint32_t t1 = s[7] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) +
				      ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
			uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) +
				      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

			for (unsigned j = 7; j; j--)
				s[j] = s[j - 1];
			s[4] += t1;
			s[0] = t1 + t2;
		}
		for (unsigned i = 0; i < 8; i++)
			h[i] += s[i];
	}
	sink += h[0];
}

/* ---- calls and branches ------------------------------------------------------ */

static uint64_t __attribute__((noinline)) fib(unsigned n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}
static void b_call(unsigned div) { sink += fib(div > 1 ? 23 : 32); }

/* branches that depend on data: Collatz */
static void b_branch(unsigned div)
{
	uint64_t steps = 0;

	for (uint64_t i = 1; i < 120000 / div; i++)
		for (uint64_t v = i; v != 1; steps++)
			v = v & 1 ? 3 * v + 1 : v >> 1;
	sink += steps;
}

/* indirect branches: a byte code of eight operations */
static void b_switch(unsigned div)
{
	uint8_t code[256];
	uint64_t acc = 1, x = 3;

	for (unsigned i = 0; i < 256; i++)
		code[i] = (uint8_t)((i * 167 + 13) % 251 % 8);
	for (unsigned r = 0; r < 40000 / div; r++) {
		for (unsigned i = 0; i < 256; i++) {
			switch (*(volatile uint8_t *)&code[i]) {
			case 0: acc += x; break;
			case 1: acc ^= x << 3; break;
			case 2: x = acc >> 7; break;
			case 3: acc *= 5; break;
			case 4: x ^= i; break;
			case 5: acc = ~acc; break;
			case 6: x += acc & 255; break;
			default: acc -= r; break;
			}
		}
	}
	sink += acc + x;
}

/* ---- memory -------------------------------------------------------------------- */

static void b_sort(unsigned div)
{
	uint32_t *a = (uint32_t *)buf_a, x = 1;
	unsigned n = 100000 / div;

	for (unsigned i = 0; i < n; i++)
		a[i] = x = x * 1664525 + 1013904223;
	for (unsigned gap = n / 2; gap; gap /= 2)
		for (unsigned i = gap; i < n; i++) {
			uint32_t v = a[i];
			unsigned j = i;

			for (; j >= gap && a[j - gap] > v; j -= gap)
				a[j] = a[j - gap];
			a[j] = v;
		}
	sink += a[n / 2];
}

static void b_memcpy(unsigned div)
{
	for (unsigned r = 0; r < 2000 / div; r++) {
		uint64_t *d = (uint64_t *)buf_a, *s = (uint64_t *)buf_b;

		for (unsigned i = 0; i < 65536 / 8; i += 4)
			__asm__ volatile("ldp x9, x10, [%1]\n\tldp x11, x12, [%1, #16]\n\t"
					 "stp x9, x10, [%0]\n\tstp x11, x12, [%0, #16]"
					 : : "r"(d + i), "r"(s + i)
					 : "x9", "x10", "x11", "x12", "memory");
	}
}

/* bytes: strlen and a comparison, as text programs do */
static void b_text(unsigned div)
{
	uint8_t *s = buf_a, *t = buf_b;
	uint64_t found = 0;

	for (unsigned i = 0; i < 65536; i++)
		s[i] = t[i] = (uint8_t)(i % 61 ? 'a' + i % 23 : 0);
	for (unsigned r = 0; r < 100 / (div > 25 ? 25 : div); r++)
		for (unsigned i = 0; i < 65536;) {
			unsigned n = 0;

			while (i + n < 65536 && ((volatile uint8_t *)s)[i + n] &&
			       s[i + n] == ((volatile uint8_t *)t)[i + n])
				n++;
			found += n;
			i += n + 1;
		}
	sink += found;
}

/* a cycle through 2 MiB: every load waits for the one before */
static void b_chase(unsigned div)
{
	enum { N = 1 << 15 };
	uint64_t *p = (uint64_t *)buf_a, at = 0;

	for (uint64_t i = 0; i < N; i++)
		p[i * 8] = (i * 12345 + 6789) % N * 8;
	for (unsigned i = 0; i < 4000000 / div; i++)
		at = ((volatile uint64_t *)p)[at];
	sink += at;
}

/* ---- floating point and vectors --------------------------------------------------- */

static void b_fp(unsigned div)
{
	uint64_t n = 8000000 / div;

	__asm__ volatile("fmov d0, #1.0\n\tfmov d1, #1.0\n\tfmov d2, #0.5\n"
			 "1: fmul d3, d1, d2\n\tfadd d0, d0, d3\n\t"
			 "fmadd d1, d1, d2, d2\n\tfdiv d4, d0, d1\n\t"
			 "fsub d0, d4, d3\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(n) : : "d0", "d1", "d2", "d3", "d4", "cc");
}

/* planets around a sun, one step after another */
static void b_nbody(unsigned div)
{
	enum { N = 5 };
	double p[N][3], v[N][3];

	for (int i = 0; i < N; i++)
		for (int k = 0; k < 3; k++) {
			p[i][k] = (i + 1) * (k + 1.5) * (i & 1 ? -1.0 : 1.0);
			v[i][k] = 0.01 * (k - i);
		}
	for (unsigned s = 0; s < 40000 / div; s++) {
		for (int i = 0; i < N; i++)
			for (int j = i + 1; j < N; j++) {
				double d[3], d2 = 0.01, mag;

				for (int k = 0; k < 3; k++) {
					d[k] = p[i][k] - p[j][k];
					d2 += d[k] * d[k];
				}
				__asm__("fsqrt %d0, %d1" : "=w"(mag) : "w"(d2));
				mag = 0.001 / (d2 * mag);
				for (int k = 0; k < 3; k++) {
					v[i][k] -= d[k] * mag;
					v[j][k] += d[k] * mag;
				}
			}
		for (int i = 0; i < N; i++)
			for (int k = 0; k < 3; k++)
				p[i][k] += 0.001 * v[i][k];
	}
	sink += (uint64_t)(int64_t)(p[0][0] * 1e6);
}

static void b_neon(unsigned div)
{
	uint64_t n = 6000000 / div;

	__asm__ volatile("movi v0.4s, #3\n\tmovi v1.4s, #5\n\tmovi v2.16b, #7\n"
			 "1: add v3.4s, v0.4s, v1.4s\n\teor v0.16b, v3.16b, v2.16b\n\t"
			 "mla v1.4s, v3.4s, v2.4s\n\tushr v4.4s, v1.4s, #3\n\t"
			 "zip1 v2.16b, v4.16b, v2.16b\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(n) : : "v0", "v1", "v2", "v3", "v4", "cc");
}

/* what clang makes of a loop over floats: a matrix product */
static void b_vector(unsigned div)
{
	enum { N = 64 };
	float (*a)[N] = (void *)buf_a, (*b)[N] = a + N, (*c)[N] = b + N;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = (float)(i - j);
			b[i][j] = (float)(i ^ j);
		}
	for (unsigned r = 0; r < 60 / (div > 30 ? 30 : div); r++) {
		for (int i = 0; i < N; i++) {
			for (int j = 0; j < N; j++)
				c[i][j] = 0;
			for (int k = 0; k < N; k++)
				for (int j = 0; j < N; j++)
					c[i][j] += a[i][k] * b[k][j];
		}
		a[r % N][r * 7 % N] += c[3][5] > 0 ? 1 : -1;
	}
	sink += (uint64_t)(int64_t)c[1][1];
}

/* ---- atomics ------------------------------------------------------------------------ */

static void b_atomic(unsigned div)
{
	static uint64_t word;

	for (unsigned i = 0; i < 3000000 / div; i++)
		__asm__ volatile("ldadd %0, x9, [%1]\n\tldaxr x10, [%1]\n\tadd x10, x10, #1\n\t"
				 "stlxr w11, x10, [%1]"
				 : : "r"(1ul), "r"(&word) : "x9", "x10", "x11", "memory");
	sink += word;
}

void guest_main(uint64_t dtb)
{
	static const struct program programs[] = {
		{ "int", b_int, (uint64_t)INT_LOOPS * INT_INSNS },
		{ "hash", b_hash, 0 },
		{ "call", b_call, 0 },
		{ "branch", b_branch, 0 },
		{ "switch", b_switch, 0 },
		{ "sort", b_sort, 0 },
		{ "memcpy", b_memcpy, 0 },
		{ "text", b_text, 0 },
		{ "chase", b_chase, 0 },
		{ "fp", b_fp, 0 },
		{ "nbody", b_nbody, 0 },
		{ "neon", b_neon, 0 },
		{ "vector", b_vector, 0 },
		{ "atomic", b_atomic, 0 },
	};

	mmu_on();
	buf_a = page_alloc(4 << 20);
	buf_b = page_alloc(4 << 20);
	b_serve(programs, sizeof(programs) / sizeof(programs[0]));
}
