/* tty_tcp.c: --serial tcp:TEXT, which a bundle may give as well: a text is
 * refused with a reason, or names a host and a port that can be used. */
#include "fuzz.h"
#include "tty_tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct tty_tcp t;
	struct err e = { 0 };
	char *end;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	if (tty_tcp_parse(text, &t, &e)) {
		fuzz_require(e.msg[0] != 0, "a refusal says why");
	} else {
		unsigned long port = strtoul(t.port, &end, 10);

		fuzz_require(!*end && port >= 1 && port <= 65535, "a port");
		fuzz_require(t.host[0] && strlen(t.host) < sizeof(t.host),
			     "a host");
		fuzz_require(!strpbrk(t.host, ",[]"), "a host without marks");
		fuzz_require(t.server || !t.wait, "wait belongs to server");
	}
	free(text);
	return 0;
}
