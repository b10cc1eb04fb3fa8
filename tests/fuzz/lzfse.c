/* LZFSE, LZVN, LZSS: the first bytes say how much room there is; the sanitizer
 * sees what goes beyond. */
#include "fuzz.h"
#include "lzfse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct lzfse_work work;
	uint64_t says = 0;
	size_t room, n, used;
	uint8_t *out, *in;

	if (size < 2)
		return 0;
	room = (data[0] | (size_t)data[1] << 8) * 4;
	data += 2;
	size -= 2;
	in = malloc(size ? size : 1);
	out = malloc(room ? room : 1);
	if (size)
		memcpy(in, data, size);
	if (!lzfse_decode(&work, in, size, out, room, &n, &used)) {
		fuzz_require(n <= room && used <= size, "lengths");
		fuzz_require(!lzfse_size(in, size, &says) && says == n,
			     "the headers say how much comes out");
	}
	if (!lzss_decode(in, size, out, room, &n, &used))
		fuzz_require(n <= room && used <= size, "lengths");
	free(in);
	free(out);
	return 0;
}
