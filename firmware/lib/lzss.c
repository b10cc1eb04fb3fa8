/* "complzss" payloads: spec/lzfse.md section 9. The ring is not kept: its
 * contents are the last 4096 bytes of what the output is, with the ring's
 * first contents before it. */
#include "lzfse.h"

enum { RING = 4096, FIRST = 4078 };     /* where the first byte goes */

bool lzss_is(const uint8_t *p, size_t n)
{
	return n >= LZSS_HEADER && !memcmp(p, "complzss", 8);
}

uint32_t lzss_size(const uint8_t *p)
{
	return ld32be(p + 0xc);
}

static uint32_t adler32(const uint8_t *p, size_t n)
{
	uint32_t a = 1, b = 0;

	while (n) {                     /* as many as fit 32 bits (RFC 1950) */
		size_t k = n < 5552 ? n : 5552;

		n -= k;
		while (k--) {
			a += *p++;
			b += a;
		}
		a %= 65521;
		b %= 65521;
	}
	return b << 16 | a;
}

/* Ring position `pos` when `n` bytes are out: which of them is it? Before the
 * first lap it may be none: a space, or a 0 in the last 18. */
static uint8_t ring(const uint8_t *out, size_t n, unsigned pos)
{
	size_t back = (FIRST + n - 1 - pos) % RING + 1;

	if (back <= n)
		return out[n - back];
	return pos < FIRST ? 0x20 : 0;
}

static size_t unpack(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	unsigned flags = 0;
	size_t got = 0, i = 0;

	while (i < n) {
		flags >>= 1;
		if (!(flags & 0x100)) {         /* eight items are done */
			flags = in[i++] | 0xff00u;
			if (i == n)
				break;
		}
		if (flags & 1) {
			if (got == size)
				return got + 1;
			out[got++] = in[i++];
			continue;
		}
		if (n - i < 2)
			break;
		unsigned pos = in[i] | (in[i + 1] & 0xf0u) << 4;
		unsigned len = (in[i + 1] & 0x0fu) + 3;

		i += 2;
		if (len > size - got)
			return size + 1;
		for (; len--; pos = (pos + 1) % RING, got++)
			out[got] = ring(out, got, pos);
	}
	return got;
}

const char *lzss_decode(const uint8_t *in, size_t n, uint8_t *out, size_t room,
			size_t *out_len, size_t *used)
{
	uint32_t plain, packed;

	if (!lzss_is(in, n))
		return "LZSS: no complzss header";
	plain = lzss_size(in);
	packed = ld32be(in + 0x10);
	if (packed > n - LZSS_HEADER)
		return "LZSS: the payload is cut short";
	if (plain > room)
		return "LZSS: yields more than there is room for";
	if (unpack(in + LZSS_HEADER, packed, out, plain) != plain)
		return "LZSS: yields another size than it says";
	if (adler32(out, plain) != ld32be(in + 8))
		return "LZSS: the checksum is wrong";
	*out_len = plain;
	if (used)
		*used = LZSS_HEADER + (size_t)packed;
	return NULL;
}
