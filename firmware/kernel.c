/* A kernel that lies on a disk beside its device tree and trust cache, started
 * without the stages between (spec/vmapple.md sections 8.4 and 8.8). Each of
 * the images is checked like a stage 1. */
#include "nvram.h"
#include "rom.h"
#include "sha384.h"
#include "xnu_load.h"

#define LINE_MAX 1024
#define DEFAULT_LINE "serial=3"

static struct xnu_out out;
static char line[LINE_MAX];

static const struct found *pick(const struct scan *s, uint32_t type,
				uint32_t other)
{
	const struct found *second = NULL;

	for (unsigned i = 0; i < s->n; i++) {
		if (s->found[i].kind == FOUND_IM4M)
			continue;
		if (s->found[i].type == type)
			return &s->found[i];
		if (s->found[i].type == other && !second)
			second = &s->found[i];
	}
	return second;
}

/* A payload without a container: the manifest that lies on the disk by itself
 * is its. */
static void borrow_manifest(const struct scan *s, struct img4 *img)
{
	for (unsigned i = 0; i < s->n && !img->has_manifest; i++) {
		const struct found *f = &s->found[i];
		const uint8_t *p = f->kind == FOUND_IM4M ? scan_load(f) : NULL;

		if (p && !im4m_parse(p, f->len, &img->m))
			img->has_manifest = true;
	}
}

/* The plain payload, checked; false: the boot ends here. */
static bool load(const struct scan *s, const struct found *f,
		 struct xnu_file *file)
{
	const uint8_t *p = scan_load(f);
	struct img4 img;
	const char *bad;
	uint64_t len;

	if (!p)
		return false;
	say("%T from %s+0x%lx\n", f->type, disk[f->disk].name, f->offset);
	memset(&img, 0, sizeof(img));
	bad = f->kind == FOUND_IMG4 ? img4_parse(p, f->len, &img) :
				      im4p_parse(p, f->len, &img.p);
	if (!bad && img.p.type != f->type)      /* it was read again */
		bad = "it has changed since it was found";
	if (bad) {
		say("  malformed: %s\n", bad);
		return false;
	}
	if (f->kind == FOUND_IM4P)
		borrow_manifest(s, &img);
	if (!boot_permitted(&img))
		return false;
	file->p = boot_unpack(&img.p, &len);
	file->n = file->p ? len : 0;
	return file->p != NULL;
}

/* boot-args of a bank that is sound and has them; true: they are the line. */
static bool take_line(const struct nvram *bank)
{
	struct nvram_var v;

	if (!nvram_get(bank, "boot-args", &v))
		return false;
	if (v.value_len >= LINE_MAX) {
		say("NVRAM     boot-args of %lu characters, at most %u fit; "
		    "left out\n", (uint64_t)v.value_len, LINE_MAX - 1);
		return false;
	}
	memcpy(line, v.value, v.value_len);
	line[v.value_len] = 0;
	return true;
}

/* boot-args of the newest sound bank in the aux store: where it has none, those
 * of an older one do not come back. */
static void command_line(void)
{
	uint64_t size = disk[DISK_AUX].sectors * 512, mark = heap_mark();
	uint8_t *buf = heap_take(NVRAM_STEP);
	uint32_t newest = 0;
	struct nvram bank;
	const char *bad;

	memcpy(line, DEFAULT_LINE, sizeof(DEFAULT_LINE));
	for (uint64_t at = 0; buf && disk[DISK_AUX].there &&
	     size - at >= NVRAM_STEP; at += NVRAM_STEP) {
		if (bdif_read(DISK_AUX, at / 512, buf, 512) ||
		    !nvram_is(buf, 512) ||
		    bdif_read(DISK_AUX, at / 512, buf, NVRAM_STEP))
			continue;
		bad = nvram_parse(buf, NVRAM_STEP, &bank);
		if (bad) {
			say("aux+0x%lx: %s; passed over\n", at, bad);
			continue;
		}
		if (bank.generation < newest)
			continue;
		newest = bank.generation;
		if (!take_line(&bank))
			memcpy(line, DEFAULT_LINE, sizeof(DEFAULT_LINE));
	}
	heap_release(mark);
}

static void make_seed(uint8_t seed[64])
{
	struct {
		uint64_t count, rnd, time;
		uint8_t last[SHA384_SIZE];
	} in = { .rnd = platform.rnd };
	uint8_t digest[SHA384_SIZE];

	for (unsigned i = 0; i < 64; i += 32) {
		in.count = i;
		in.time = ticks();
		sha384(&in, sizeof(in), digest);
		memcpy(in.last, digest, sizeof(digest));
		memcpy(seed + i, digest, 32);
	}
}

/* A CPU's redistributor has what its MPIDR will have. */
static uint32_t affinity(unsigned cpu)
{
	uint64_t typer;

	if (probe_load(GICR_BASE + cpu * 0x20000ull + 8, 8, &typer))
		return cpu;
	return (uint32_t)(typer >> 32);
}

void kernel_boot(struct scan *s)
{
	const struct found *k = pick(s, FOURCC('k', 'r', 'n', 'l'),
				     FOURCC('r', 'k', 'r', 'n'));
	const struct found *tree = pick(s, FOURCC('d', 't', 'r', 'e'),
					FOURCC('r', 'd', 't', 'r'));
	const struct found *trust = pick(s, FOURCC('t', 'r', 's', 't'),
					 FOURCC('r', 't', 's', 'c'));
	const struct found *ram = pick(s, FOURCC('r', 'd', 's', 'k'), 0);
	struct xnu_machine m = {
		.ram_base = RAM_BASE, .ram_size = platform.ram,
		.cpus = platform.cpus < XNU_CPUS ? platform.cpus : XNU_CPUS,
		.ecid = platform.ecid, .chip = 0xfe00, .board = platform.board,
		.serial = platform.serial, .model = platform.model,
		.timebase = ticks_per_second(),
	};
	struct xnu_in in = { .machine = &m, .ram = (uint8_t *)RAM_BASE,
			     .command_line = line };
	uint64_t mark = heap_mark();
	const char *bad;

	if (!k)
		return;
	in.room = mark - RAM_BASE;
	memcpy(m.mac, platform.mac, sizeof(m.mac));
	for (unsigned i = 0; i < m.cpus; i++)
		m.affinity[i] = affinity(i);
	make_seed(m.seed);
	command_line();
	in.work = heap_take(XNU_TREE_MAX);
	if (in.work && load(s, k, &in.kernel) &&
	    (!tree || load(s, tree, &in.tree)) &&
	    (!trust || load(s, trust, &in.trust)) &&
	    (!ram || load(s, ram, &in.ramdisk))) {
		if (!tree)
			say("no device tree: building one\n");
		bad = xnu_load(&in, &out);
		if (bad) {
			say("kernel    %s\n", bad);
		} else {
			say("Starting the kernel at 0x%lx, boot_args at 0x%lx"
			    ": %s\n", out.entry, out.boot_args, line);
			cache_clean(out.start, out.end - out.start);
			leave(out.entry, out.boot_args, 0, 0, 0);
		}
	}
	heap_release(mark);
}
