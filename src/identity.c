/* Identity blobs and auxiliary storage: bundles.md section 3. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "node.h"

#define BLOB_MAX 4096                   /* seen: 53 to 171 */

static struct node *blob(const void *data, size_t len, const char *what,
			 struct err *e)
{
	struct node *n;

	if (!len || len > BLOB_MAX) {
		err_set(e, 0, "%s of %zu bytes; expected a property list of "
			"about 60 to 150", what, len);
		return NULL;
	}
	n = node_plist_try(data, len, e);
	if (!n) {
		err_at(e, "%s: not a property list: ", what);
		return NULL;
	}
	if (n->type != NODE_DICT) {
		err_set(e, 0, "%s: found %s; expected a dictionary", what,
			node_type_name(n->type));
		node_free(n);
		return NULL;
	}
	return n;
}

static bool small(const struct node *n, unsigned *out)
{
	if (!n || n->type != NODE_INT || n->negative || n->num > 9999)
		return false;
	*out = (unsigned)n->num;
	return true;
}

static enum id_verdict judge(const struct hw_model *m, struct err *e)
{
	if (m->drv != 1 && m->drv != 2) {
		err_set(e, 0, "hardware model: DataRepresentationVersion %u; "
			"known are 1 and 2", m->drv);
		return ID_UNSUPPORTED;
	}
	if (m->pv != 2) {
		err_set(e, 0, "hardware model: PlatformVersion %u%s; pome's "
			"board is 2 (vma2, macOS 12 and later)", m->pv,
			m->pv == 1 ? ", a board that Apple dropped" :
			m->pv == 3 ? ", a research iPhone" : "");
		return ID_UNSUPPORTED;
	}
	return m->drv == 2 ? ID_HOST_BOUND : ID_OK;
}

enum id_verdict identity_model(const void *data, size_t len,
			       struct hw_model *m, struct err *e)
{
	struct node *n = blob(data, len, "hardware model", e), *os, *v;
	enum id_verdict r = ID_BAD;

	if (!n)
		return ID_BAD;
	os = node_find(n, "MinimumSupportedOS");
	v = os && os->type == NODE_ARRAY ? os->child : NULL;
	if (!small(node_find(n, "DataRepresentationVersion"), &m->drv))
		err_set(e, 0, "hardware model: no DataRepresentationVersion");
	else if (!small(node_find(n, "PlatformVersion"), &m->pv))
		err_set(e, 0, "hardware model: no PlatformVersion");
	else if (!v || os->len != 3 || !small(v, &m->minos[0]) ||
		 !small(v->next, &m->minos[1]) ||
		 !small(v->next->next, &m->minos[2]))
		err_set(e, 0, "hardware model: MinimumSupportedOS is not "
			"three numbers");
	else
		r = judge(m, e);
	node_free(n);
	return r;
}

enum id_verdict identity_ecid(const void *data, size_t len, uint64_t *ecid,
			      struct err *e)
{
	struct node *n = blob(data, len, "machine identifier", e), *v;
	enum id_verdict r = ID_OK;

	if (!n)
		return ID_BAD;
	v = node_find(n, "ECID");
	if (!v || v->type != NODE_INT) {
		err_set(e, 0, "machine identifier: %s; expected a 64-bit "
			"number named ECID", v ? "its ECID is no number" :
			"it has no ECID");
		r = ID_BAD;
	} else {
		*ecid = v->negative ? -v->num : v->num;
		if (!*ecid) {
			err_set(e, 0, "machine identifier: the ECID is 0; "
				"images made for one machine will not match");
			r = ID_ZERO;
		}
	}
	node_free(n);
	return r;
}

int identity_aux(uint64_t size, uint64_t *offset, struct err *e)
{
	if (size == AUX_SIZE)
		*offset = 0;
	else if (size >= AUX_WRAP + AUX_SIZE)
		*offset = AUX_WRAP;
	else
		return err_set(e, 0, "auxiliary storage of %llu bytes; "
			       "expected 33570816 (as Apple's framework makes "
			       "it), or 33554432 (without its first 16 KiB)",
			       (unsigned long long)size);
	return 0;
}

/* DER: the string "ECID", then an INTEGER of up to eight bytes, nine where a
 * zero keeps it positive. `n` bytes are there. */
static bool ecid_at(const uint8_t *p, size_t n, uint64_t *out)
{
	size_t len;

	if (n < 7 || memcmp(p, "ECID\x02", 5))
		return false;
	len = p[5];
	if (len < 1 || len > 9 || n < 6 + len || (len == 9 && p[6]))
		return false;
	*out = 0;
	for (size_t i = 0; i < len; i++)
		*out = *out << 8 | p[6 + i];
	return *out != 0;
}

int identity_aux_ecid(int fd, uint64_t size, uint64_t *ecid, struct err *e)
{
	enum { CHUNK = 1 << 20, KEEP = 16 };
	uint64_t limit = size < 64u << 20 ? size : 64u << 20, v;
	uint8_t *buf = malloc(CHUNK + KEEP);
	size_t have = 0;
	bool found = false;

	if (!buf)
		return err_set(e, 0, "out of memory");
	for (uint64_t at = 0; at < limit; ) {
		ssize_t n = pread(fd, buf + have, CHUNK, (off_t)at);
		uint8_t *p = buf, *end;

		if (n <= 0)
			break;
		at += (uint64_t)n;
		end = buf + have + n;
		while ((p = memmem(p, (size_t)(end - p), "ECID", 4))) {
			size_t left = (size_t)(end - p);

			if (left < KEEP && at < limit)
				break;
			if (ecid_at(p, left, &v)) {
				if (found && v != *ecid) {
					free(buf);
					return err_set(e, 0, "the auxiliary "
						"storage names two machines: "
						"ECID %016llx and %016llx",
						(unsigned long long)*ecid,
						(unsigned long long)v);
				}
				*ecid = v;
				found = true;
			}
			p++;
		}
		have = (size_t)(end - buf) < KEEP ? (size_t)(end - buf) : KEEP;
		memmove(buf, end - have, have);
	}
	free(buf);
	return found ? 0 : err_set(e, 0, "no ECID in the auxiliary storage");
}

static int digit(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

uint8_t *identity_base64(const char *s, size_t *len)
{
	uint8_t *out = malloc(strlen(s) / 4 * 3 + 4);
	uint32_t acc = 0;
	size_t n = 0, chars = 0, pad = 0;

	for (; out && *s; s++) {
		int d = digit((unsigned char)*s);

		if (isspace((unsigned char)*s))
			continue;
		chars++;
		if (*s == '=') {
			pad++;
			acc <<= 6;
		} else if (d < 0 || pad) {
			goto bad;
		} else {
			acc = acc << 6 | (uint32_t)d;
		}
		if (chars % 4)
			continue;
		out[n++] = (uint8_t)(acc >> 16);
		out[n++] = (uint8_t)(acc >> 8);
		out[n++] = (uint8_t)acc;
		acc = 0;
	}
	if (!out || chars % 4 || pad > 2 || !chars)
		goto bad;
	*len = n - pad;
	return out;
bad:
	free(out);
	return NULL;
}
