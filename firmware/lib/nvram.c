/* NVRAM banks: spec/vmapple.md section 8.3. Values are handed out as they are
 * stored; escapes of 00 and FF runs in CHRP banks are left alone. */
#include "nvram.h"

enum { BLOCK = 16, CHRP_HEADER = 16, CHRP_NAME = 4, CHRP_NAME_LEN = 12,
       ADLER = 0x10, GENERATION = 0x14, FIRST = 0x20 };
enum { V3_HEADER = 24, V3_VAR = 36, V3_VALID = 0x7f, V3_START = 0x55aa };

static bool name_is(const uint8_t *h, const char *name)
{
	return !memcmp(h + CHRP_NAME, name, strlen(name) + 1);
}

static bool is_v3(const uint8_t *p)
{
	return !memcmp(p, "NVV3", 4) || !memcmp(p, "3VVN", 4);
}

bool nvram_is(const uint8_t *p, size_t n)
{
	return n >= 32 && (is_v3(p) || name_is(p, "nvram") ||
			   name_is(p, "2nvram"));
}

static uint32_t adler32(const uint8_t *p, size_t n)
{
	uint32_t a = 1, b = 0;

	while (n) {
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

/* Of byte 0 and bytes 2 to 15, with end-around carry. */
static uint8_t header_sum(const uint8_t *h)
{
	unsigned sum = h[0];

	for (unsigned i = 2; i < 16; i++) {
		sum += h[i];
		sum = (sum & 255) + (sum >> 8);
	}
	return (uint8_t)sum;
}

const char *nvram_parse(const uint8_t *p, size_t n, struct nvram *b)
{
	memset(b, 0, sizeof(*b));
	b->p = p;
	if (!nvram_is(p, n))
		return "NVRAM: no bank begins here";
	if (is_v3(p)) {
		b->v3 = true;
		b->size = ld32(p + 4);
		b->generation = ld32(p + 8);
		if (b->size < V3_HEADER || b->size > n)
			return "NVRAM: the bank's size is out of range";
		return NULL;
	}
	if (header_sum(p) != p[1])
		return "NVRAM: the header's checksum is wrong";
	b->generation = ld32(p + GENERATION);
	/* No field says how large a bank is; its checksum does. */
	for (size_t size = 0x800; size <= n; size *= 2) {
		if (adler32(p + GENERATION, size - GENERATION) ==
		    ld32(p + ADLER)) {
			b->size = size;
			return NULL;
		}
	}
	return "NVRAM: the bank's Adler-32 fits no size (a kernel panics on "
	       "that)";
}

/* ---- CHRP --------------------------------------------------------------------- */

static bool has_variables(const uint8_t *header)
{
	return name_is(header, "common") || name_is(header, "2common") ||
	       name_is(header, "system") || name_is(header, "2system");
}

/* `name=value` strings, each ended by a zero; an empty one ends the list. */
static bool chrp_string(const uint8_t *s, size_t room, struct nvram_var *v)
{
	size_t n = 0, eq;

	while (n < room && s[n])
		n++;
	for (eq = 0; eq < n && s[eq] != '='; eq++)
		;
	v->name = s;
	v->name_len = eq;
	v->value = s + (eq < n ? eq + 1 : n);
	v->value_len = eq < n ? n - eq - 1 : 0;
	return n != 0;
}

static bool chrp_next(const struct nvram *b, struct nvram_walk *w,
		      struct nvram_var *v)
{
	if (!w->part)
		w->part = FIRST;
	while (b->size - w->part >= CHRP_HEADER) {
		const uint8_t *h = b->p + w->part;
		size_t len = ld16(h + 2) * (size_t)BLOCK;

		if (len < CHRP_HEADER || len > b->size - w->part)
			return false;
		if (!w->pos)
			w->pos = w->part + CHRP_HEADER;
		if (has_variables(h) &&
		    chrp_string(b->p + w->pos, w->part + len - w->pos, v)) {
			v->partition = name_is(h, "common") ||
				       name_is(h, "2common") ? "common" :
							       "system";
			w->pos += (size_t)(v->value + v->value_len - v->name);
			/* its zero, where the partition has one */
			w->pos += w->pos < w->part + len;
			return true;
		}
		w->part += len;
		w->pos = 0;
	}
	return false;
}

/* ---- version 3 ----------------------------------------------------------------- */

static bool v3_next(const struct nvram *b, struct nvram_walk *w,
		    struct nvram_var *v)
{
	size_t at = w->pos ? w->pos : V3_HEADER;

	while (at <= b->size && b->size - at >= V3_VAR) {
		const uint8_t *h = b->p + at;
		uint32_t name = ld32(h + 8), data = ld32(h + 12);
		size_t left = b->size - at - V3_VAR;

		if (ld16(h) != V3_START || name > left || data > left - name)
			return false;
		at += V3_VAR + (size_t)name + data;
		if (h[2] != V3_VALID)
			continue;
		v->partition = "?";
		v->name = h + V3_VAR;
		v->name_len = name && !v->name[name - 1] ? name - 1 : name;
		v->value = h + V3_VAR + name;
		v->value_len = data;
		w->pos = at;
		return true;
	}
	return false;
}

bool nvram_next(const struct nvram *b, struct nvram_walk *w,
		struct nvram_var *v)
{
	return b->v3 ? v3_next(b, w, v) : chrp_next(b, w, v);
}

bool nvram_get(const struct nvram *b, const char *name, struct nvram_var *out)
{
	struct nvram_walk w = { 0 };
	struct nvram_var v;
	bool found = false;

	while (nvram_next(b, &w, &v)) {
		if (v.name_len != strlen(name) ||
		    memcmp(v.name, name, v.name_len))
			continue;
		*out = v;
		found = true;
	}
	return found;
}
