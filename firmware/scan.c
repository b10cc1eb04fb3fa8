/* Looks for IMG4, IM4P and IM4M containers in a disk: nobody has published
 * where they are (spec/vmapple.md section 8.2), so every byte may begin one.
 *
 * The disk is seen through a window in memory that only moves forward; reading
 * ahead of what is looked at is bounded by the window. A container that is
 * larger than the window is reported and passed over. */
#include "rom.h"

#define STEP (1u << 20)                 /* bytes a request reads */
#define WINDOW (40u << 20)
#define MAX_MALFORMED 8                 /* messages */
#define GIVE_UP 1000                    /* malformed ones on all disks */

struct window {
	enum disk_id disk;
	uint8_t *buf;
	uint64_t size;                  /* of buf */
	uint64_t start;                 /* offset in the disk of buf[0] */
	uint64_t have;                  /* bytes that are read */
	uint64_t end;                   /* offset where looking ends */
};

/* Reads on until the window has `want` bytes or the disk ends; a disk whose
 * file is shorter than it says ends where it cannot be read. */
static void fill(struct window *w, uint64_t want)
{
	uint32_t step = STEP;

	while (w->have < want) {
		uint64_t at = w->start + w->have, left = w->end - at;

		if (left > w->size - w->have)
			left = w->size - w->have;
		if (left < step)
			step = (uint32_t)(left & ~511ull);
		if (!step)
			return;
		if (!bdif_read(w->disk, at / 512, w->buf + w->have, step)) {
			w->have += step;
		} else if (step > 4096) {
			step = step / 2 & ~511u;
		} else {
			say("%s      cannot be read at 0x%lx\n",
			    disk[w->disk].name, at);
			w->end = at;
			return;
		}
	}
}

/* Makes the sector of `offset` the window's first. */
static void slide(struct window *w, uint64_t offset)
{
	uint64_t by = (offset - w->start) & ~511ull;

	memmove(w->buf, w->buf + by, w->have - by);
	w->start += by;
	w->have -= by;
}

/* The first place from `p` on where 16 04 'I' 'M' could begin; `end` if there
 * is none. Zeros, most of a disk, go 64 bytes at a time. */
static const uint8_t *find(const uint8_t *p, const uint8_t *end)
{
	while (end - p >= 4) {
		while (end - p >= 72 &&
		       !(ld64(p) | ld64(p + 8) | ld64(p + 16) | ld64(p + 24) |
			 ld64(p + 32) | ld64(p + 40) | ld64(p + 48) |
			 ld64(p + 56)))
			p += 64;
		/* In steps of four, by the pattern's last byte. */
		for (unsigned i = 0; i < 64 && end - p >= 4; i++) {
			switch (p[3]) {
			case 'M':
				if (p[0] == 0x16 && p[1] == 4 && p[2] == 'I')
					return p;
				p += 4;
				break;
			case 'I': p++; break;
			case 4: p += 2; break;
			case 0x16: p += 3; break;
			default: p += 4; break;
			}
		}
	}
	return end;
}

/* The SEQUENCE whose first element is at buf + at: where it begins and how
 * long it is; false: none of DER's forms fits. */
static bool outer(const uint8_t *buf, uint64_t at, uint64_t *start,
		  uint64_t *len)
{
	for (unsigned head = 6; head >= 2; head--) {
		const uint8_t *p = buf + at - head;
		uint64_t n = 0;

		if (at < head || p[0] != 0x30)
			continue;
		if (head == 2 ? p[1] >= 128 : p[1] != 0x80 + head - 2)
			continue;
		for (unsigned i = 2; i < head; i++)
			n = n << 8 | p[i];
		if (head == 2)
			n = p[1];
		*start = at - head;
		*len = head + n;
		return true;
	}
	return false;
}

static const char *parse(const uint8_t *p, uint64_t n, struct found *f)
{
	union {
		struct img4 img4;
		struct im4p im4p;
		struct im4m im4m;
	} u;
	const char *bad;

	switch (f->kind) {
	case FOUND_IMG4:
		bad = img4_parse(p, n, &u.img4);
		f->type = u.img4.p.type;
		return bad;
	case FOUND_IM4P:
		bad = im4p_parse(p, n, &u.im4p);
		f->type = u.im4p.type;
		return bad;
	default:
		return im4m_parse(p, n, &u.im4m);
	}
}

static void malformed(struct scan *s, const struct found *f, const char *why)
{
	if (s->malformed++ < MAX_MALFORMED)
		say("%s+0x%lx: malformed container: %s\n", disk[f->disk].name,
		    f->offset, why);
	if (s->malformed == GIVE_UP)
		say("%s+0x%lx: %u malformed containers; looking no further\n",
		    disk[f->disk].name, f->offset, GIVE_UP);
}

/* What stands at offset `pos`, where the pattern is; returns where to look
 * on. */
static uint64_t look(struct scan *s, struct window *w, uint64_t pos,
		     void (*take)(struct scan *, const struct found *,
				  const uint8_t *))
{
	struct found f = { .disk = w->disk };
	uint64_t start, at = pos - w->start;
	const char *bad;

	switch (w->buf[at + 4] << 8 | w->buf[at + 5]) {
	case 'G' << 8 | '4': f.kind = FOUND_IMG4; break;
	case '4' << 8 | 'P': f.kind = FOUND_IM4P; break;
	case '4' << 8 | 'M': f.kind = FOUND_IM4M; break;
	default: return pos + 4;
	}
	if (!outer(w->buf, at, &start, &f.len))
		return pos + 4;
	f.offset = w->start + start;
	if (f.len > w->end - f.offset || f.len > w->size - 512) {
		malformed(s, &f, f.len > w->end - f.offset ?
			  "it goes on behind the disk's end" :
			  "it is larger than what memory there is");
		return pos + 4;
	}
	if (start + f.len > w->size) {  /* once: it begins the window then */
		slide(w, f.offset);
		return pos;
	}
	fill(w, start + f.len);
	if (start + f.len > w->have)
		return pos + 4;
	bad = parse(w->buf + start, f.len, &f);
	if (bad) {
		malformed(s, &f, bad);
		return pos + 4;
	}
	if (s->n < MAX_FOUND)
		s->found[s->n++] = f;
	take(s, &f, w->buf + start);
	return f.offset + f.len;
}

/* Reads on behind `pos`, of which the window keeps 16 bytes before, where a
 * container's head may be; false: there is no more. */
static bool more(struct window *w, uint64_t pos)
{
	uint64_t before = w->start + w->have;

	if (w->have + STEP > w->size && pos - w->start > 16)
		slide(w, pos - 16);
	fill(w, w->have + 1);
	return w->start + w->have > before;
}

void scan_disk(struct scan *s, enum disk_id id, uint64_t limit,
	       void (*take)(struct scan *, const struct found *,
			    const uint8_t *bytes))
{
	struct window w = { .disk = id, .end = disk[id].sectors * 512 };
	uint64_t mark = heap_mark(), pos = 0;

	if (!disk[id].there)
		return;
	if (w.end > limit)
		w.end = limit;
	w.size = heap_left() / 2 < WINDOW ? heap_left() / 2 : WINDOW;
	if (w.size > w.end)
		w.size = w.end;
	w.size &= ~511ull;
	w.buf = heap_take(w.size);
	/* Each may have the window move on by no more than a sector: a disk
	 * that is made of them would keep the ROM busy for hours. */
	while (w.buf && s->malformed < GIVE_UP) {
		uint64_t have = w.start + w.have;
		const uint8_t *hit;

		if (have - pos < 16) {  /* no container is that short */
			if (!more(&w, pos))
				break;
			continue;
		}
		hit = find(w.buf + (pos - w.start), w.buf + w.have);
		if (hit == w.buf + w.have)
			pos = have - 3; /* may begin a pattern */
		else if (w.buf + w.have - hit < 6)
			pos = w.start + (uint64_t)(hit - w.buf);
		else
			pos = look(s, &w, w.start + (uint64_t)(hit - w.buf),
				   take);
	}
	heap_release(mark);
}

const uint8_t *scan_load(const struct found *f)
{
	uint64_t first = f->offset / 512, end = (f->offset + f->len + 511) /
		512;
	uint8_t *buf = heap_take((end - first) * 512);

	for (uint64_t s = first; buf && s < end;) {
		uint32_t n = end - s > STEP / 512 ? STEP : (uint32_t)(end - s) *
			512;

		if (bdif_read(f->disk, s, buf + (s - first) * 512, n)) {
			say("%s      cannot be read at 0x%lx\n",
			    disk[f->disk].name, s * 512);
			return NULL;
		}
		s += n / 512;
	}
	if (!buf)
		say("no memory for 0x%lx bytes\n", f->len);
	return buf ? buf + f->offset % 512 : NULL;
}
