/* From a container to running code: checks, policy, unpacking, load address,
 * jump (spec/vmapple.md section 8.9). */
#include "lzfse.h"
#include "rom.h"

#define CHIP 0xfe00                     /* of platform version 2 */
#define PLAIN_MAX (1ull << 30)
#define ROOT_LIMIT (64ull << 20)        /* of it that is looked through */
#define LITERALS 0x1000                 /* of an image that may name its base */

static struct lzfse_work work;

/* ---- checks ------------------------------------------------------------------- */

static void print_check(const struct img4_check *c)
{
	static const char *const state[] = { "ok", "FAILED", "not checked" };

	say("  %13s%s", c->name, state[c->state]);
	if (c->why)
		say(": %s", c->why);
	if (c->tag && c->state == IMG4_BAD)
		say(" (%T)", c->tag);
	if (c->numbers && c->state == IMG4_BAD)
		say("; it says 0x%lx, this machine is 0x%lx", c->got, c->want);
	else if (c->numbers)
		say(" (0x%lx)", c->got);
	say("\n");
}

bool boot_permitted(const struct img4 *img)
{
	struct img4_machine m = { platform.ecid, CHIP, platform.board };
	struct img4_report r;

	img4_check(img, &m, &r);
	if (r.leaf.modulus)
		say("  signer       %D, issued by %D\n", &r.leaf.subject,
		    &r.leaf.issuer);
	for (unsigned i = 0; i < r.n; i++)
		print_check(&r.check[i]);
	if (r.good)
		return true;
	if (platform.policy == POLICY_PERMISSIVE) {
		say("  policy       permissive: going on although checks "
		    "failed\n");
		return true;
	}
	say("  policy       verify: refused\n");
	return false;
}

/* ---- unpacking ------------------------------------------------------------------ */

static const char *plain_size(const struct im4p *p, uint64_t *size)
{
	switch (p->packing) {
	case IMG4_LZFSE: return lzfse_size(p->data.p, p->data.n, size);
	case IMG4_LZSS: *size = lzss_size(p->data.p); return NULL;
	default: *size = p->data.n; return NULL;
	}
}

static const char *unpack(const struct im4p *p, uint8_t *dst, uint64_t size)
{
	const char *bad;
	size_t got;

	switch (p->packing) {
	case IMG4_LZFSE:
		bad = lzfse_decode(&work, p->data.p, p->data.n, dst, size, &got,
				   NULL);
		break;
	case IMG4_LZSS:
		bad = lzss_decode(p->data.p, p->data.n, dst, size, &got, NULL);
		break;
	default:
		memcpy(dst, p->data.p, size);
		return NULL;
	}
	if (!bad && got != size)
		bad = "it yields another size than its headers say";
	return bad;
}

const uint8_t *boot_unpack(const struct im4p *p, uint64_t *len)
{
	static const char *const packing[] = { "plain", "LZFSE", "LZSS" };
	const char *bad;
	uint8_t *dst;

	if (p->encrypted) {
		say("  payload      encrypted (it has a KBAG): nobody here has "
		    "the key\n");
		return NULL;
	}
	bad = plain_size(p, len);
	if (!bad && p->sized && p->plain_size != *len)
		bad = "the container says another size than the payload";
	if (!bad && (!*len || *len > PLAIN_MAX))
		bad = "its size is out of range";
	if (bad) {
		say("  payload      %s, malformed: %s\n", packing[p->packing],
		    bad);
		return NULL;
	}
	dst = heap_take(*len);
	if (!dst) {
		say("  payload      0x%lx bytes: more than there is memory\n",
		    *len);
		return NULL;
	}
	bad = unpack(p, dst, *len);
	if (bad) {
		say("  payload      %s, malformed: %s\n", packing[p->packing],
		    bad);
		return NULL;
	}
	say("  payload      %s, 0x%lx bytes, unpacked 0x%lx\n",
	    packing[p->packing], (uint64_t)p->data.n, *len);
	return dst;
}

/* ---- stage 1 ---------------------------------------------------------------------- */

static bool in_ram(uint64_t at, uint64_t len)
{
	uint64_t end = mmu_ram_end();

	return at >= RAM_BASE && at < end && len <= end - at;
}

/* Where the image wants to be. No container says; images that are linked to an
 * address have it as a literal near their start, and ours may say it in a
 * property. */
static uint64_t load_address(const struct im4p *p, const uint8_t *image,
			     uint64_t len, const char **how)
{
	uint64_t at, n = len < LITERALS ? len : LITERALS;

	*how = "property";
	if (p->has_props &&
	    img4_prop_uint(p->props, FOURCC('l', 'a', 'd', 'r'), &at))
		return at;
	*how = "literal in the image";
	for (uint64_t i = 0; i + 8 <= n; i += 8) {
		at = ld64(image + i);
		if (at % 0x1000 == 0 && in_ram(at, len))
			return at;
	}
	*how = "none found, start of RAM";
	return RAM_BASE;
}

/* Returns where it cannot be started. */
static void start_stage1(const struct img4 *img)
{
	const char *how;
	const uint8_t *image;
	uint64_t len, at;

	if (!boot_permitted(img))
		return;
	image = boot_unpack(&img->p, &len);
	if (!image)
		return;
	at = load_address(&img->p, image, len, &how);
	if (!in_ram(at, len) || at % 0x1000) {
		say("  load         0x%lx (%s): not in RAM, or not on a page\n",
		    at, how);
		return;
	}
	say("  load         0x%lx (%s)\n", at, how);
	memmove((void *)at, image, len);
	cache_clean(at, len);
	say("Starting %T at 0x%lx\n", img->p.type, at);
	leave(at, CONFIG_BASE, at, len, 0);
}

static bool is_stage1(uint32_t type)
{
	return type == FOURCC('i', 'l', 'l', 'b') ||
	       type == FOURCC('i', 'b', 's', 's');
}

void boot_image(const uint8_t *bytes, uint64_t len)
{
	struct der in = { bytes, len };
	struct der_tlv t;
	struct img4 img;
	uint64_t mark = heap_mark();
	const char *bad = der_next(&in, &t);

	if (!bad)
		bad = img4_parse(bytes, t.raw_len, &img);
	if (!bad && !is_stage1(img.p.type))
		bad = "its type is neither ibss nor illb";
	if (bad) {
		say("  image        malformed: %s\n", bad);
		return;
	}
	say("  image        %T, %lu bytes\n", img.p.type,
	    (uint64_t)t.raw_len);
	start_stage1(&img);
	heap_release(mark);
}

static const char *kind_name(const struct found *f)
{
	return f->kind == FOUND_IMG4 ? "IMG4" : f->kind == FOUND_IM4P ? "IM4P" :
								 "IM4M";
}

static void announce(const struct found *f)
{
	say("%s+0x%lx: %s", disk[f->disk].name, f->offset, kind_name(f));
	if (f->type)
		say(" %T", f->type);
	say(", %lu bytes\n", f->len);
}

/* A sound container: stage 1 is started on sight, all else is kept for later. */
static void take(struct scan *s, const struct found *f, const uint8_t *bytes)
{
	uint64_t mark = heap_mark();
	struct img4 img;

	announce(f);
	if (f->kind != FOUND_IMG4 || !is_stage1(f->type))
		return;
	if (!img4_parse(bytes, f->len, &img))
		start_stage1(&img);
	heap_release(mark);
}

static void search(struct scan *s, enum disk_id id)
{
	uint64_t size = disk[id].sectors * 512;

	if (!disk[id].there) {
		say("%s      not there\n", disk[id].name);
		return;
	}
	scan_disk(s, id, id == DISK_ROOT ? ROOT_LIMIT : UINT64_MAX, take);
	if (id == DISK_ROOT && size > ROOT_LIMIT)
		say("root      only its first %lu MiB were looked at\n",
		    ROOT_LIMIT >> 20);
}

static struct scan all;

void boot_disk(enum disk_id id)
{
	memset(&all, 0, sizeof(all));
	search(&all, id);
	kernel_boot(&all);
	say("%s      nothing on it could be started (%u container%s, %u "
	    "malformed)\n", disk[id].name, all.n, all.n == 1 ? "" : "s",
	    all.malformed);
}

void boot_auto(void)
{
	if (disk[DISK_AUX].there)
		boot_disk(DISK_AUX);
	if (disk[DISK_ROOT].there)
		boot_disk(DISK_ROOT);
}
