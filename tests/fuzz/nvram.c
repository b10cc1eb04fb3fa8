/* NVRAM banks: parsed, walked, searched. A CHRP bank's checksums are made right
 * first, as whoever writes one can. */
#include "fuzz.h"
#include "nvram.h"

enum { LEAST = 0x800, MOST = 0x4000 };

/* RFC 1950; short enough for sums that do not overflow. */
static uint32_t adler(const uint8_t *p, size_t n)
{
	uint64_t a = 1, b = 0;

	while (n--) {
		a += *p++;
		b += a;
	}
	return (uint32_t)(b % 65521 << 16 | a % 65521);
}

static void make_right(uint8_t *p, size_t n)
{
	unsigned sum = p[0];

	for (unsigned i = 2; i < 16; i++)
		sum = (sum + p[i]) % 256 + (sum + p[i]) / 256;
	p[1] = (uint8_t)sum;
	st32(p + 16, adler(p + 20, n - 20));
}

static void inside(const struct nvram *b, const uint8_t *p, size_t n)
{
	fuzz_require(p >= b->p && (size_t)(p - b->p) <= b->size &&
		     n <= b->size - (size_t)(p - b->p), "inside the bank");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = LEAST, count = 0;
	struct nvram_walk w = { 0 };
	struct nvram_var v;
	struct nvram b;
	uint8_t *p;

	if (size > MOST)
		return 0;
	while (n < size)
		n *= 2;
	p = calloc(1, n);
	memcpy(p, data, size);
	if (!memcmp(p, "NVV3", 4) || !nvram_is(p, n))
		n = size;               /* as it is */
	else
		make_right(p, n);
	if (!nvram_parse(p, n, &b)) {
		fuzz_require(b.size <= n, "size");
		while (nvram_next(&b, &w, &v)) {
			inside(&b, v.name, v.name_len);
			inside(&b, v.value, v.value_len);
			fuzz_require(++count <= b.size, "goes on");
		}
		fuzz_require(count || !nvram_get(&b, "boot-args", &v), "get");
	}
	free(p);
	return 0;
}
