/* seed.c: see seed.h. The fixed sequence is SplitMix64 (Steele, Lea, Flood,
 * OOPSLA 2014): not for secrets, which a fixed sequence has none of. */
#include "seed.h"

#include <string.h>
#include <sys/random.h>

#include "config.h"

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void seed_init(struct seed *s, const struct config *c, enum seed_stream stream)
{
	s->fixed = c && c->has_seed;
	s->state = s->fixed ? c->seed : 0;
	for (unsigned i = 0; i <= (unsigned)stream; i++)
		s->state = next(&s->state);
}

bool seed_get(struct seed *s, void *buf, size_t len)
{
	unsigned char *p = buf;

	if (!s->fixed)
		return getrandom(buf, len, GRND_NONBLOCK) == (ssize_t)len;
	while (len) {
		uint64_t v = next(&s->state);
		size_t n = len < 8 ? len : 8;

		memcpy(p, &v, n);
		p += n;
		len -= n;
	}
	return true;
}
