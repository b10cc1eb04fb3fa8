/* b_more.c: integer programs as people write them, beside b_cpu.c's. Bare
 * metal, EL1, MMU on, one CPU.
 *
 * Of many kinds, so that what fuse.def and its like pair is not what one
 * benchmark happens to need; tests/bench/README.md says how rows are chosen. */
#include "bench.h"

volatile uint64_t sink;
static uint8_t *buf;                            /* 4 MiB */

static uint32_t rotl(uint32_t v, unsigned n) { return v << n | v >> (32 - n); }
static uint64_t rotl64(uint64_t v, unsigned n) { return v << n | v >> (64 - n); }
static uint32_t next_random(uint32_t *s) { return *s = *s * 1664525 + 1013904223; }

static void fill(unsigned bytes)
{
	uint32_t s = 1;

	for (unsigned i = 0; i < bytes; i++)
		buf[i] = (uint8_t)(next_random(&s) >> 24);
}

/* ---- hashes and ciphers -------------------------------------------------- */

static void m_crc(unsigned div)
{
	uint32_t table[256], crc = ~0u;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;

		for (int k = 0; k < 8; k++)
			v = v & 1 ? v >> 1 ^ 0xedb88320 : v >> 1;
		table[i] = v;
	}
	fill(65536);
	for (unsigned r = 0; r < 180 / div + 1; r++)
		for (unsigned i = 0; i < 65536; i++)
			crc = table[(crc ^ buf[i]) & 255] ^ crc >> 8;
	sink += crc;
}

static void m_sha1(unsigned div)
{
	uint32_t h[5] = { 1, 2, 3, 4, 5 }, w[80];

	for (unsigned r = 0; r < 72000 / div + 1; r++) {
		uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

		for (unsigned i = 0; i < 16; i++)
			w[i] = ((uint32_t *)buf)[(r * 16 + i) & 4095];
		for (unsigned i = 16; i < 80; i++)
			w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
		for (unsigned i = 0; i < 80; i++) {
			uint32_t f, k, t;

			if (i < 20)
				f = (b & c) | (~b & d), k = 0x5a827999;
			else if (i < 40)
				f = b ^ c ^ d, k = 0x6ed9eba1;
			else if (i < 60)
				f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
			else
				f = b ^ c ^ d, k = 0xca62c1d6;
			t = rotl(a, 5) + f + e + k + w[i];
			e = d, d = c, c = rotl(b, 30), b = a, a = t;
		}
		h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
	}
	sink += h[0];
}

#define CHACHA(a, b, c, d) do { \
	x[a] += x[b], x[d] = rotl(x[d] ^ x[a], 16); \
	x[c] += x[d], x[b] = rotl(x[b] ^ x[c], 12); \
	x[a] += x[b], x[d] = rotl(x[d] ^ x[a], 8); \
	x[c] += x[d], x[b] = rotl(x[b] ^ x[c], 7); \
} while (0)
static void m_chacha(unsigned div)
{
	uint32_t s[16], x[16], out = 0;

	for (unsigned i = 0; i < 16; i++)
		s[i] = i * 0x9e3779b9;
	for (unsigned r = 0; r < 120000 / div + 1; r++, s[12]++) {
		for (unsigned i = 0; i < 16; i++)
			x[i] = s[i];
		for (int i = 0; i < 10; i++) {
			CHACHA(0, 4, 8, 12);
			CHACHA(1, 5, 9, 13);
			CHACHA(2, 6, 10, 14);
			CHACHA(3, 7, 11, 15);
			CHACHA(0, 5, 10, 15);
			CHACHA(1, 6, 11, 12);
			CHACHA(2, 7, 8, 13);
			CHACHA(3, 4, 9, 14);
		}
		for (unsigned i = 0; i < 16; i++)
			out ^= x[i] + s[i];
	}
	sink += out;
}

static void m_siphash(unsigned div)
{
	uint64_t v0 = 1, v1 = 2, v2 = 3, v3 = 4;

	for (unsigned i = 0; i < 8000000 / div + 1; i++) {
		uint64_t m = i * 0x0101010101010101u;

		v3 ^= m;
		v0 += v1, v1 = rotl64(v1, 13), v1 ^= v0, v0 = rotl64(v0, 32);
		v2 += v3, v3 = rotl64(v3, 16), v3 ^= v2;
		v0 += v3, v3 = rotl64(v3, 21), v3 ^= v0;
		v2 += v1, v1 = rotl64(v1, 17), v1 ^= v2, v2 = rotl64(v2, 32);
		v0 ^= m;
	}
	sink += v0 ^ v1 ^ v2 ^ v3;
}

static void m_xxhash(unsigned div)
{
	uint64_t a = 1, b = 2, c = 3, d = 4;
	const uint64_t p1 = 0x9e3779b185ebca87u, p2 = 0xc2b2ae3d27d4eb4fu;

	for (unsigned r = 0; r < 1920 / div + 1; r++)
		for (unsigned i = 0; i < 65536 / 8; i += 4) {
			const uint64_t *p = (uint64_t *)buf + i;

			a = rotl64(a + p[0] * p2, 31) * p1;
			b = rotl64(b + p[1] * p2, 31) * p1;
			c = rotl64(c + p[2] * p2, 31) * p1;
			d = rotl64(d + p[3] * p2, 31) * p1;
		}
	sink += a + b + c + d;
}

/* RC4: loads and stores that depend on one another */
static void m_rc4(unsigned div)
{
	uint8_t s[256];
	unsigned j = 0, out = 0;

	for (unsigned i = 0; i < 256; i++)
		s[i] = (uint8_t)(i * 167 + 13);
	for (unsigned i = 0; i < 4000000 / div + 1; i++) {
		unsigned a = (i + 1) & 255;
		uint8_t t = s[a];

		j = (j + t) & 255;
		s[a] = s[j];
		s[j] = t;
		out += s[(s[a] + t) & 255];
	}
	sink += out;
}

/* ---- numbers --------------------------------------------------------------- */

static void m_sieve(unsigned div)
{
	unsigned n = 1u << 20, count = 0;

	for (unsigned r = 0; r < 6 / div + 1; r++) {
		for (unsigned i = 0; i < n; i++)
			buf[i] = 1;
		for (unsigned i = 2; i * i < n; i++)
			if (buf[i])
				for (unsigned k = i * i; k < n; k += i)
					buf[k] = 0;
		for (unsigned i = 2; i < n; i++)
			count += buf[i];
	}
	sink += count;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;

		a = b, b = t;
	}
	return a;
}
static void m_gcd(unsigned div)
{
	uint64_t s = 0;

	for (uint64_t i = 1; i < 1000000 / div + 2; i++)
		s += gcd(i * 2654435761u, 40000003u * (i & 7) + i);
	sink += s;
}

/* modular power: Miller-Rabin's inner loop, 32-bit */
static void m_modpow(unsigned div)
{
	uint64_t s = 0;

	for (uint32_t i = 0; i < 400000 / div + 1; i++) {
		uint64_t base = i + 2, v = 1, m = 1000003 + 2 * i;

		for (uint32_t e = 1000002; e; e >>= 1) {
			if (e & 1)
				v = v * base % m;
			base = base * base % m;
		}
		s += v;
	}
	sink += s;
}

/* a product of two numbers of 64 words */
static void m_bignum(unsigned div)
{
	uint64_t a[64], b[64], p[128];

	for (unsigned i = 0; i < 64; i++)
		a[i] = i * 0x9e3779b97f4a7c15u, b[i] = ~a[i] * 3;
	for (unsigned r = 0; r < 1600 / div + 1; r++) {
		for (unsigned i = 0; i < 128; i++)
			p[i] = 0;
		for (unsigned i = 0; i < 64; i++) {
			uint64_t carry = 0;

			for (unsigned j = 0; j < 64; j++) {
				unsigned __int128 t = (unsigned __int128)a[i] *
					b[j] + p[i + j] + carry;

				p[i + j] = (uint64_t)t;
				carry = (uint64_t)(t >> 64);
			}
			p[i + 64] = carry;
		}
		a[r & 63] ^= p[100];
	}
	sink += p[64];
}

static void m_matrix(unsigned div)
{
	enum { N = 48 };
	int32_t (*a)[N] = (void *)buf, (*b)[N] = a + N, (*c)[N] = b + N;

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			a[i][j] = i - j, b[i][j] = i ^ j;
	for (unsigned r = 0; r < 160 / div + 1; r++)
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				int32_t s = 0;

				for (int k = 0; k < N; k++)
					s += a[i][k] * *(volatile int32_t *)&b[k][j];
				c[i][j] = s;
				a[i][j] += s & 1;
			}
	sink += (uint64_t)c[3][4];
}

/* fixed point */
static void m_mandel(unsigned div)
{
	unsigned in = 0;

	for (int y = -256; y < 256; y += (int)(div > 1 ? 64 : 1))
		for (int x = -384; x < 128; x++) {
			int64_t cr = x * (1 << 20), ci = y * (1 << 20), r = 0, i = 0;
			int n = 0;

			for (; n < 100; n++) {
				int64_t r2 = r * r >> 28, i2 = i * i >> 28;

				if (r2 + i2 > 4ll << 28)
					break;
				i = (r * i >> 27) + ci;
				r = r2 - i2 + cr;
			}
			in += n == 100;
		}
	sink += in;
}

static uint64_t mt[312];
static void m_twister(unsigned div)
{
	uint64_t s = 0;

	for (unsigned i = 0; i < 312; i++)
		mt[i] = i * 6364136223846793005u + 1;
	for (unsigned r = 0; r < 25000 / div + 1; r++)
		for (unsigned i = 0; i < 312; i++) {
			uint64_t v = (mt[i] & ~0x7fffffffull) |
				     (mt[(i + 1) % 312] & 0x7fffffff);

			mt[i] = mt[(i + 156) % 312] ^ v >> 1 ^
				(v & 1 ? 0xb5026f5aa96619e9u : 0);
			v = mt[i];
			v ^= v >> 29 & 0x5555555555555555u;
			v ^= v << 17 & 0x71d67fffeda60000u;
			s += v ^ v >> 43;
		}
	sink += s;
}

/* ---- structures ---------------------------------------------------------------- */

static void quicksort(int32_t *a, int lo, int hi)
{
	while (lo < hi) {
		int32_t p = a[(lo + hi) / 2];
		int i = lo, j = hi;

		while (i <= j) {
			while (a[i] < p)
				i++;
			while (a[j] > p)
				j--;
			if (i <= j) {
				int32_t t = a[i];

				a[i++] = a[j];
				a[j--] = t;
			}
		}
		quicksort(a, lo, j);
		lo = i;
	}
}
static void m_quick(unsigned div)
{
	int n = (int)(240000 / div);

	fill((unsigned)n * 4);
	quicksort((int32_t *)buf, 0, n - 1);
	sink += buf[n];
}

struct node { struct node *left, *right; uint32_t key, count; };
static void m_tree(unsigned div)
{
	struct node *pool = (struct node *)buf, *root = NULL;
	unsigned used = 0;
	uint32_t s = 7;

	for (unsigned i = 0; i < 120000 / div; i++) {
		uint32_t key = next_random(&s) >> 12;
		struct node **at = &root;

		while (*at && (*at)->key != key)
			at = key < (*at)->key ? &(*at)->left : &(*at)->right;
		if (!*at) {
			*at = &pool[used++];
			**at = (struct node){ .key = key };
		}
		(*at)->count++;
	}
	sink += used;
}

static void m_table(unsigned div)
{
	uint32_t *keys = (uint32_t *)buf, *counts = keys + (1 << 16), s = 5;

	for (unsigned i = 0; i < 1 << 17; i++)
		keys[i] = 0;
	for (unsigned i = 0; i < 4000000 / div; i++) {
		uint32_t key = next_random(&s) >> 17 | 1, at = key * 2654435761u >> 16;

		while (keys[at] && keys[at] != key)
			at = (at + 1) & 0xffff;
		keys[at] = key;
		counts[at]++;
	}
	sink += counts[77];
}

static void m_heap(unsigned div)
{
	uint32_t *h = (uint32_t *)buf, s = 3, sum = 0;
	unsigned n = 0;

	for (unsigned r = 0; r < 400000 / div; r++) {
		unsigned i = n++;
		uint32_t v = next_random(&s) >> 8;

		for (; i && h[(i - 1) / 2] > v; i = (i - 1) / 2)
			h[i] = h[(i - 1) / 2];
		h[i] = v;
		if (n < 1000)
			continue;
		sum += h[0];
		v = h[--n];
		for (i = 0; 2 * i + 1 < n;) {
			unsigned k = 2 * i + 1;

			if (k + 1 < n && h[k + 1] < h[k])
				k++;
			if (h[k] >= v)
				break;
			h[i] = h[k];
			i = k;
		}
		h[i] = v;
	}
	sink += sum;
}

static unsigned place(unsigned n, unsigned cols, unsigned d1, unsigned d2)
{
	unsigned all = (1u << n) - 1, found = 0;

	if (cols == all)
		return 1;
	for (unsigned free = all & ~(cols | d1 | d2); free; free &= free - 1) {
		unsigned bit = free & -free;

		found += place(n, cols | bit, (d1 | bit) << 1, (d2 | bit) >> 1);
	}
	return found;
}
static void m_queens(unsigned div)
{
	sink += place(div > 1 ? 6 : 12, 0, 0, 0);
}

static void m_life(unsigned div)
{
	enum { W = 128 };
	uint8_t *a = buf, *b = buf + W * W;

	fill(W * W);
	for (unsigned i = 0; i < W * W; i++)
		a[i] &= 1;
	for (unsigned r = 0; r < 240 / div + 1; r++) {
		for (unsigned y = 1; y < W - 1; y++)
			for (unsigned x = 1; x < W - 1; x++) {
				const uint8_t *p = a + y * W + x;
				unsigned n = p[-W - 1] + p[-W] + p[-W + 1] + p[-1] +
					p[1] + p[W - 1] + p[W] +
					*(volatile const uint8_t *)&p[W + 1];

				b[y * W + x] = n == 3 || (n == 2 && *p);
			}
		uint8_t *t = a;

		a = b, b = t;
	}
	sink += a[W * 5 + 5];
}

static void m_distance(unsigned div)
{
	enum { N = 512 };
	uint16_t row[N + 1];

	fill(2 * N);
	for (unsigned r = 0; r < 30 / div + 1; r++) {
		for (unsigned j = 0; j <= N; j++)
			row[j] = (uint16_t)j;
		for (unsigned i = 1; i <= N; i++) {
			unsigned diagonal = row[0];

			row[0] = (uint16_t)i;
			for (unsigned j = 1; j <= N; j++) {
				unsigned old = row[j], v = diagonal;

				v += (buf[i] & 3) != (buf[N + j - 1] & 3);
				if (old + 1 < v)
					v = old + 1;
				if (row[j - 1] + 1u < v)
					v = row[j - 1] + 1u;
				row[j] = (uint16_t)v;
				diagonal = old;
			}
		}
	}
	sink += row[N];
}

/* ---- text and codes ------------------------------------------------------------- */

static void m_base64(unsigned div)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789+/";
	uint8_t *out = buf + (1 << 20);

	fill(49152);
	for (unsigned r = 0; r < 200 / div + 1; r++)
		for (unsigned i = 0, k = 0; i < 49152; i += 3, k += 4) {
			uint32_t v = (uint32_t)buf[i] << 16 | buf[i + 1] << 8 | buf[i + 2];

			out[k] = (uint8_t)set[v >> 18];
			out[k + 1] = (uint8_t)set[v >> 12 & 63];
			out[k + 2] = (uint8_t)set[v >> 6 & 63];
			out[k + 3] = (uint8_t)set[v & 63];
		}
	sink += out[1000];
}

/* decimal numbers out and in */
static void m_decimal(unsigned div)
{
	uint64_t sum = 0;
	uint32_t s = 1;

	for (unsigned i = 0; i < 800000 / div; i++) {
		uint32_t v = next_random(&s), w = 0;
		char text[12], *p = text + 11;

		*p = 0;
		do
			*--p = (char)('0' + v % 10);
		while (v /= 10);
		while (*(volatile char *)p >= '0' && *p <= '9')
			w = w * 10 + (uint32_t)(*p++ - '0');
		sum += w;
	}
	sink += sum;
}

/* words, by a table of character classes */
static void m_words(unsigned div)
{
	uint8_t class[256];
	uint64_t words = 0, hash = 0;

	for (unsigned i = 0; i < 256; i++)
		class[i] = i >= 'a' && i <= 'z' ? 1 : i >= '0' && i <= '9' ? 2 : 0;
	fill(65536);
	for (unsigned r = 0; r < 120 / div + 1; r++) {
		const uint8_t *p = buf, *end = buf + 65535;

		while (p < end) {
			uint32_t h = 5381;

			while (p < end && !class[*p & 127])
				p++;
			while (p < end && class[*p & 127])
				h = h * 33 + *p++;
			words++;
			hash ^= h;
		}
	}
	sink += words + hash;
}

/* LZ77: matches of a window copied byte by byte */
static void m_unpack(unsigned div)
{
	uint8_t *out = buf + (1 << 20);
	uint32_t s = 9, sum = 0;

	for (unsigned r = 0; r < 120 / div + 1; r++) {
		unsigned n = 64;

		for (unsigned i = 0; i < n; i++)
			out[i] = (uint8_t)i;
		while (n < 100000) {
			uint32_t v = next_random(&s), len = (v >> 8 & 15) + 3;
			const volatile uint8_t *from = out + n - 1 - (v >> 16 & 63);

			if (v >> 31) {
				out[n++] = (uint8_t)v;
				continue;
			}
			while (len--)
				out[n++] = *from++;
		}
		sum += out[n - 1];
	}
	sink += sum;
}

/* a machine of registers, by a switch */
static void m_vm(unsigned div)
{
	static const uint8_t program[] = {
		0, 1, 2, 1, 2, 3, 2, 3, 1, 3, 1, 0, 4, 2, 0, 5, 0, 2, 6, 3, 2, 7, 0, 0,
	};
	uint32_t r[4] = { 1, 2, 3, 0 };

	for (unsigned i = 0; i < 1200000 / div + 1; i++)
		for (unsigned pc = 0; pc < sizeof(program); pc += 3) {
			unsigned a = program[pc + 1], b = program[pc + 2];

			switch (*(volatile const uint8_t *)&program[pc]) {
			case 0: r[a] += r[b]; break;
			case 1: r[a] ^= r[b] << 3; break;
			case 2: r[a] -= r[b]; break;
			case 3: r[a] = r[b] >> 5 | r[a] << 27; break;
			case 4: r[a] *= r[b] | 1; break;
			case 5: r[a] &= ~r[b]; break;
			case 6: r[a] |= r[b]; break;
			default: r[a] += pc; break;
			}
		}
	sink += r[0];
}

void guest_main(uint64_t dtb)
{
	static const struct program programs[] = {
		{ "crc", m_crc, 0 }, { "sha1", m_sha1, 0 },
		{ "chacha", m_chacha, 0 }, { "siphash", m_siphash, 0 },
		{ "xxhash", m_xxhash, 0 }, { "rc4", m_rc4, 0 },
		{ "sieve", m_sieve, 0 }, { "gcd", m_gcd, 0 },
		{ "modpow", m_modpow, 0 }, { "bignum", m_bignum, 0 },
		{ "matrix", m_matrix, 0 }, { "mandel", m_mandel, 0 },
		{ "twister", m_twister, 0 }, { "quick", m_quick, 0 },
		{ "tree", m_tree, 0 }, { "table", m_table, 0 },
		{ "heap", m_heap, 0 }, { "queens", m_queens, 0 },
		{ "life", m_life, 0 }, { "distance", m_distance, 0 },
		{ "base64", m_base64, 0 }, { "decimal", m_decimal, 0 },
		{ "words", m_words, 0 }, { "unpack", m_unpack, 0 },
		{ "vm", m_vm, 0 },
	};

	mmu_on();
	buf = page_alloc(4 << 20);
	b_serve(programs, sizeof(programs) / sizeof(programs[0]));
}
