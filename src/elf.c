/* Loads a static bare-metal A64 ELF: ET_EXEC at its physical addresses, ET_DYN
 * at RAM base + 2 MiB with its RELATIVE relocations applied. ELF-64 gABI;
 * "ELF for the Arm 64-bit Architecture" (IHI 0056) for the relocation. */
#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "as.h"
#include "boot.h"
#include "config.h"

#define SEGMENTS_MAX 64
#define DYN_OFFSET (2u << 20)
#define R_A64_NONE 0
#define R_A64_RELATIVE 1027

struct elf {
	const struct boot_ram *ram;
	const uint8_t *data;
	size_t len;
	uint64_t bias;                  /* added to addresses of an ET_DYN */
	bool dyn;
	unsigned nph;
	Elf64_Phdr ph[SEGMENTS_MAX];
	uint64_t lo, hi;                /* of all segments */
};

static uint8_t *place(const struct elf *x, uint64_t gpa, uint64_t len)
{
	const struct ram *ram = as_find_ram(x->ram->as, gpa, len);

	return ram ? ram->host + (gpa - ram->gpa) : NULL;
}

static uint64_t addr_of(const struct elf *x, const Elf64_Phdr *p)
{
	return x->dyn ? p->p_vaddr + x->bias : p->p_paddr;
}

/* Header fields come in as stored; hosts are little-endian today, but that is
 * no reason to depend on it. */
static void phdr_get(const struct elf *x, uint64_t off, Elf64_Phdr *p)
{
	memcpy(p, x->data + off, sizeof(*p));
	p->p_type = le32toh(p->p_type);
	p->p_offset = le64toh(p->p_offset);
	p->p_vaddr = le64toh(p->p_vaddr);
	p->p_paddr = le64toh(p->p_paddr);
	p->p_filesz = le64toh(p->p_filesz);
	p->p_memsz = le64toh(p->p_memsz);
}

static int read_headers(struct elf *x, Elf64_Ehdr *h, struct err *e)
{
	uint64_t off, end;

	if (x->len < sizeof(*h))
		return err_set(e, 0, "an ELF file cut short within its header");
	memcpy(h, x->data, sizeof(*h));
	off = le64toh(h->e_phoff);
	x->nph = le16toh(h->e_phnum);
	x->dyn = le16toh(h->e_type) == ET_DYN;
	if (le16toh(h->e_phentsize) != sizeof(Elf64_Phdr))
		return err_set(e, 0, "an ELF file with program headers of %u "
			       "bytes; expected %zu", le16toh(h->e_phentsize),
			       sizeof(Elf64_Phdr));
	if (x->nph > SEGMENTS_MAX)
		return err_set(e, 0, "an ELF file with %u program headers; at "
			       "most %d are taken", x->nph, SEGMENTS_MAX);
	if (size_add(off, x->nph * sizeof(Elf64_Phdr), &end) || end > x->len)
		return err_set(e, 0, "an ELF file cut short within its program "
			       "headers");
	for (unsigned i = 0; i < x->nph; i++)
		phdr_get(x, off + i * sizeof(Elf64_Phdr), &x->ph[i]);
	return 0;
}

static int check_segment(const struct elf *x, const Elf64_Phdr *p,
			 struct err *e)
{
	uint64_t end, gpa = addr_of(x, p);

	if (size_add(p->p_offset, p->p_filesz, &end) || end > x->len)
		return err_set(e, 0, "an ELF file cut short: a segment ends at "
			       "byte %llu of %zu (fetch or copy it again)",
			       (unsigned long long)end, x->len);
	if (p->p_filesz > p->p_memsz)
		return err_set(e, 0, "an ELF file with a segment larger in the "
			       "file than in memory");
	if (!x->dyn && gpa >> 48)
		return err_set(e, 0, "an ELF file linked at kernel addresses "
			       "(0x%llx), as a Linux vmlinux is; give "
			       "arch/arm64/boot/Image instead",
			       (unsigned long long)gpa);
	if (!place(x, gpa, p->p_memsz))
		return err_set(e, 0, "an ELF file with a segment of 0x%llx "
			       "bytes at 0x%llx; the guest's RAM is 0x%llx to "
			       "0x%llx (link it there, or try --memory)",
			       (unsigned long long)p->p_memsz,
			       (unsigned long long)gpa,
			       (unsigned long long)x->ram->base,
			       (unsigned long long)(x->ram->base +
						    x->ram->size));
	return 0;
}

static int load_segments(struct elf *x, struct err *e)
{
	x->lo = UINT64_MAX;
	for (unsigned i = 0; i < x->nph; i++) {
		const Elf64_Phdr *p = &x->ph[i];
		uint64_t gpa = addr_of(x, p);
		uint8_t *dst;

		if (p->p_type == PT_INTERP)
			return err_set(e, 0, "a dynamically linked program, "
				       "not a bare-metal one");
		if (p->p_type != PT_LOAD || !p->p_memsz)
			continue;
		if (check_segment(x, p, e))
			return -1;
		dst = place(x, gpa, p->p_memsz);
		memcpy(dst, x->data + p->p_offset, p->p_filesz);
		memset(dst + p->p_filesz, 0, p->p_memsz - p->p_filesz);
		if (gpa < x->lo)
			x->lo = gpa;
		if (gpa + p->p_memsz > x->hi)
			x->hi = gpa + p->p_memsz;
	}
	if (x->lo == UINT64_MAX)
		return err_set(e, 0, "an ELF file with nothing to load; a Linux "
			       "kernel is arch/arm64/boot/Image, not vmlinux");
	return 0;
}

/* The words of a table that lies in a loaded segment, or NULL. */
static uint8_t *table(const struct elf *x, uint64_t vaddr, uint64_t len)
{
	uint64_t gpa;

	if (size_add(vaddr, x->bias, &gpa) || gpa < x->lo || gpa > x->hi ||
	    len > x->hi - gpa)
		return NULL;
	return place(x, gpa, len);
}

static uint64_t word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return le64toh(v);
}

static int put(const struct elf *x, uint64_t vaddr, uint64_t v, struct err *e)
{
	uint8_t *p = table(x, vaddr, 8);

	if (!p)
		return err_set(e, 0, "an ELF file with a relocation of 0x%llx, "
			       "outside of its segments",
			       (unsigned long long)vaddr);
	v = htole64(v);
	memcpy(p, &v, 8);
	return 0;
}

static int apply_rela(const struct elf *x, uint64_t vaddr, uint64_t size,
		      struct err *e)
{
	const uint8_t *t = table(x, vaddr, size);

	if (!t)
		return err_set(e, 0, "an ELF file whose relocation table lies "
			       "outside of its segments");
	for (uint64_t i = 0; i + 24 <= size; i += 24) {
		uint64_t where = word(t + i), type = word(t + i + 8);

		if (type == R_A64_NONE)
			continue;
		if (type != R_A64_RELATIVE)
			return err_set(e, 0, "an ELF file with relocations of "
				       "type %llu; only RELATIVE ones (1027) "
				       "are applied: link it with -static-pie "
				       "or -pie --no-dynamic-linker",
				       (unsigned long long)(type & 0xffffffff));
		if (put(x, where, word(t + i + 16) + x->bias, e))
			return -1;
	}
	return 0;
}

/* Packed relative relocations: an even word is an address, an odd one a map
 * of the 63 words that follow. */
static int apply_relr(const struct elf *x, uint64_t vaddr, uint64_t size,
		      struct err *e)
{
	const uint8_t *t = table(x, vaddr, size);
	uint64_t next = 0;

	if (!t)
		return err_set(e, 0, "an ELF file whose relocation table lies "
			       "outside of its segments");
	for (uint64_t i = 0; i + 8 <= size; i += 8) {
		uint64_t w = word(t + i), map = (w & 1) ? w >> 1 : 1;

		if (!(w & 1))
			next = w;
		for (uint64_t a = next; map; map >>= 1, a += 8) {
			uint8_t *p = (map & 1) ? table(x, a, 8) : NULL;

			if (!(map & 1))
				continue;
			if (put(x, a, p ? word(p) + x->bias : 0, e))
				return -1;
		}
		next += (w & 1) ? 63 * 8 : 8;
	}
	return 0;
}

static int relocate(const struct elf *x, struct err *e)
{
	uint64_t rela = 0, relasz = 0, relr = 0, relrsz = 0;
	const uint8_t *dyn = NULL;
	uint64_t len = 0;

	for (unsigned i = 0; i < x->nph; i++)
		if (x->ph[i].p_type == PT_DYNAMIC) {
			len = x->ph[i].p_memsz;
			dyn = table(x, x->ph[i].p_vaddr, len);
		}
	if (!dyn)
		return 0;
	for (uint64_t i = 0; i + 16 <= len && word(dyn + i); i += 16) {
		uint64_t val = word(dyn + i + 8);

		switch (word(dyn + i)) {
		case DT_RELA: rela = val; break;
		case DT_RELASZ: relasz = val; break;
		case 36: relr = val; break;             /* DT_RELR */
		case 35: relrsz = val; break;           /* DT_RELRSZ */
		default: break;
		}
	}
	if (rela && relasz && apply_rela(x, rela, relasz, e))
		return -1;
	return relr && relrsz ? apply_relr(x, relr, relrsz, e) : 0;
}

int elf_load(const struct boot_ram *r, const uint8_t *data, size_t len,
	     struct kernel_loaded *out, struct err *e)
{
	struct elf x = { .ram = r, .data = data, .len = len };
	Elf64_Ehdr h = { 0 };
	uint64_t entry;

	if (read_headers(&x, &h, e))
		return -1;
	if (x.dyn)
		x.bias = r->base + DYN_OFFSET;
	if (load_segments(&x, e) || (x.dyn && relocate(&x, e)))
		return -1;
	entry = le64toh(h.e_entry) + x.bias;
	if (entry < x.lo || entry >= x.hi || entry & 3)
		return err_set(e, 0, "an ELF file with its entry at 0x%llx, "
			       "outside of its segments (0x%llx to 0x%llx)",
			       (unsigned long long)entry,
			       (unsigned long long)x.lo,
			       (unsigned long long)x.hi);
	out->is_linux = false;
	out->entry = entry;
	out->start = x.lo;
	out->end = x.hi;
	snprintf(out->what, sizeof(out->what), "bare-metal ELF%s",
		 x.dyn ? ", position-independent" : "");
	return 0;
}
