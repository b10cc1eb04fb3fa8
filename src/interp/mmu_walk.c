/* mmu_walk.c: the stage-1 translation table walk of the EL1&0 regime.
 *
 * Arm ARM D8; spec/cpu.md 3.1, 3.3. 4K, 16K and 64K granules, 48-bit
 * addresses, hierarchical permissions, hardware access flag and dirty state.
 * The contiguous hint is not used. Left out: 52-bit addresses, stage 2. */
#include "mmu_int.h"

#define DESC_GP (1ull << 50)
#define DESC_DBM (1ull << 51)
#define DESC_PXN (1ull << 53)
#define DESC_PXNT (1ull << 59)
#define DESC_UXNT (1ull << 60)
#define DESC_APT1 (1ull << 61)          /* no EL0 access */
#define DESC_APT2 (1ull << 62)          /* no writes */

static uint64_t bits_of(uint64_t v, unsigned lsb, unsigned n)
{
	return v >> lsb & ((1ull << n) - 1);
}

static void half_regime(struct regime *r, const struct cpu_model *model,
			uint64_t tcr, unsigned half)
{
	/* TG0 and TG1 differ in encoding; what is reserved or absent: 4K */
	static const uint8_t tg[2][4] = { { 12, 16, 14, 12 },
					  { 12, 14, 12, 16 } };
	unsigned max;

	r->tsz = (uint8_t)bits_of(tcr, half ? 16 : 0, 6);
	r->granule = tg[half][bits_of(tcr, half ? 30 : 14, 2)];
	if ((r->granule == 14 && !model->has[FEAT_TGran16K]) ||
	    (r->granule == 16 && !model->has[FEAT_TGran64K]))
		r->granule = 12;
	max = !model->has[FEAT_TTST] ? 39 : r->granule == 16 ? 47 : 48;
	if (r->tsz < 16 || r->tsz > max) {
		r->start = -1;
	} else {
		unsigned stride = r->granule - 3u;
		unsigned bits = 64u - r->tsz - r->granule;

		r->start = (int8_t)(4 - (bits + stride - 1) / stride);
	}
	r->reach = (uint8_t)(2 * r->granule - 3);
	r->epd = bits_of(tcr, half ? 23 : 7, 1);
	r->hpd = bits_of(tcr, 41 + half, 1) && model->has[FEAT_HPDS];
	r->tbi = bits_of(tcr, 37 + half, 1);
	r->tbi_insn = r->tbi && !(bits_of(tcr, 51 + half, 1) &&
				  model->has[FEAT_PAuth]);
	r->e0pd = bits_of(tcr, 55 + half, 1) && model->has[FEAT_E0PD];
}

void walk_regime(struct mmu_cpu *m, const struct cpu_model *model, uint64_t tcr)
{
	static const uint8_t ips[8] = { 32, 36, 40, 42, 44, 48, 48, 48 };

	half_regime(&m->half[0], model, tcr, 0);
	half_regime(&m->half[1], model, tcr, 1);
	m->out_bits = ips[bits_of(tcr, 32, 3)];
	if (m->out_bits > model->pa_bits)
		m->out_bits = model->pa_bits;
	m->ha = bits_of(tcr, 39, 1) && model->has[FEAT_HAF];
	m->hd = m->ha && bits_of(tcr, 40, 1) && model->has[FEAT_HDBS];
}

uint8_t *walk_ram(struct cpu *c, uint64_t pa, uint64_t len)
{
	struct mmu_cpu *m = c->mmu;
	const struct ram *r = m->ram;

	if (UNLIKELY(!r || pa - r->gpa >= r->size ||
		     len > r->size - (pa - r->gpa))) {
		r = as_find_ram(c->in->as, pa, len);
		if (!r)
			return NULL;
		m->ram = r;
		m->ram_gpa = r->gpa;
		m->ram_host = r->host;
		m->ram_pages = r->rom || r->size < PAGE_SIZE ? 0 :
			       r->size - PAGE_SIZE + 1;
	}
	return r->host + (pa - r->gpa);
}

/* ---- the walk cache ------------------------------------------------------ */

/* Remembers a table of level 3, or (NULL) a block whose descriptor is d. */
static void walk_note(struct mmu_cpu *m, uint64_t va, const struct regime *r,
		      uint64_t *table, uint64_t d, uint64_t above)
{
	struct walk_entry *to = walk_entry(m, va, r->reach);

	*to = (struct walk_entry){
		.tag = va >> r->reach, .root = m->root[va >> 55 & 1],
		.gen = m->walk_gen, .table = table ? table : &to->block,
		.block = d | DESC_TABLE, .shift = table ? r->granule : r->reach,
		.index = table ? (1u << (r->reach - r->granule)) - 1 : 0,
		.above = above >> 56, .rom = m->ram->rom,
		.deny = DESC_OUT & ~0ull << m->out_bits,
	};
	to->inside = ((1u << to->shift) - 1) & ~PAGE_OFF;
	if (above & (DESC_APT1 | DESC_APT2) || r->e0pd)
		to->deny = ~0ull;
	t2_note_size(m, PAGE_NO(va), to->shift);
}

/* Attributes of the last descriptor `d`, under the table bits `t`. */
static void leaf(struct cpu *c, struct walk *w, uint64_t d, uint64_t t)
{
	struct mmu_cpu *m = c->mmu;
	bool ro = d & DESC_AP2;
	uint64_t p = 0;

	if (ro && d & DESC_DBM && m->hd) {
		/* writable-clean, unless the tables forbid writes */
		if (!(t & DESC_APT2))
			p |= T2_CLEAN;
		ro = false;
	}
	if (ro || t & DESC_APT2)
		p |= T2_RO;
	if (d & DESC_AP1 && !(t & DESC_APT1))
		p |= T2_USER;
	if (d & DESC_UXN || t & DESC_UXNT)
		p |= T2_UXN;
	if (d & DESC_PXN || t & DESC_PXNT)
		p |= T2_PXN;
	if (d & DESC_GP && c->in->model->has[FEAT_BTI])
		p |= T2_GP;
	if (d & DESC_NG)
		p |= T2_NG;
	w->e.pa |= p | bits_of(d, 8, 2) * T2_SH;
	w->e.attr = (uint8_t)(c->sr.mair >> bits_of(d, 2, 3) * 8);
	w->af = !(d & DESC_AF);
}

/* The last descriptor `d`, at *w->desc, was found: what does it say? */
static int found(struct cpu *c, uint64_t va, struct walk *w, unsigned lsb,
		 int level, uint64_t above)
{
	struct mmu_cpu *m = c->mmu;
	uint64_t d = w->val, out = d & DESC_OUT & ~0ull << lsb;

	if (out >> m->out_bits)
		return FSC_SIZE + level;
	w->e.page = PAGE_NO(va);
	w->e.pa = out | (va & ((1ull << lsb) - 1) & ~(uint64_t)PAGE_OFF);
	w->e.asid = m->asid;
	w->e.shift = (uint8_t)lsb;
	leaf(c, w, d, above);
	if (w->af && !m->ha)
		return FSC_AF + level;
	return FSC_OK;
}

/* Level 3: a page or nothing. */
static int found_page(struct cpu *c, uint64_t va, struct walk *w, uint64_t *p,
		      unsigned lsb, uint64_t above)
{
	w->desc = p;
	w->val = __atomic_load_n(p, __ATOMIC_RELAXED);
	if ((w->val & (DESC_VALID | DESC_TABLE)) != (DESC_VALID | DESC_TABLE))
		return FSC_TRANS + 3;
	return found(c, va, w, lsb, 3, above);
}

int walk_tables(struct cpu *c, uint64_t va, unsigned half, struct walk *w)
{
	struct mmu_cpu *m = c->mmu;
	const struct regime *r = &m->half[half];
	uint64_t first = c->sr.ttbr[half] & ((1ull << 48) - 1), base = first;
	uint64_t above = 0, d, *p;
	unsigned stride = r->granule - 3u, top = 64u - r->tsz, lsb;
	const struct walk_entry *known = walk_entry(m, va, r->reach);
	int level = r->start, fsc;

	c->n_walk++;
	if (level < 0 || r->epd)
		return FSC_TRANS;
	if (LIKELY(walk_known(m, known, va) && known->index)) {
		w->rom = known->rom;
		return found_page(c, va, w, known->table +
				  bits_of(va, r->granule, stride), r->granule,
				  (uint64_t)known->above << 56);
	}

	/* The first table may be smaller than a page; it is aligned to its
	 * size, 64 bytes at least. */
	lsb = r->granule + stride * (unsigned)(3 - level);
	unsigned align = top - lsb + 3 < 6 ? 6 : top - lsb + 3;

	if (base >> m->out_bits)
		return FSC_SIZE;
	base &= ~0ull << align;

	for (;; level++) {
		p = (uint64_t *)(void *)walk_ram(
			c, base + bits_of(va, lsb, top - lsb) * 8, 8);
		if (!p)
			return FSC_EXT_WALK + level;
		w->rom = m->ram->rom;
		if (level == 3)
			break;
		d = __atomic_load_n(p, __ATOMIC_RELAXED);
		w->desc = p;
		w->val = d;
		if (!(d & DESC_VALID))
			return FSC_TRANS + level;
		if (!(d & DESC_TABLE)) {
			if (level != 2 && !(level == 1 && r->granule == 12))
				return FSC_TRANS + level;
			fsc = found(c, va, w, lsb, level, above);
			if (fsc == FSC_OK && level == 2 && !w->af)
				walk_note(m, va, r, NULL, d, above);
			return fsc;
		}
		base = d & DESC_OUT & ~0ull << r->granule;
		if (base >> m->out_bits)
			return FSC_SIZE + level;
		if (!r->hpd)
			above |= d;
		top = lsb;
		lsb -= stride;
	}
	/* a whole table of it, and not the first, which may be smaller */
	if (r->start < 3 && walk_ram(c, base, 1ull << r->granule))
		walk_note(m, va, r, p - bits_of(va, r->granule, stride), 0,
			  above);
	return found_page(c, va, w, p, lsb, above);
}

bool walk_update(struct walk *w, bool dirty)
{
	uint64_t val = w->val | DESC_AF;

	if (dirty)
		val &= ~DESC_AP2;
	/* a table in ROM keeps its flags, and its pages are used all the same */
	if (!w->rom &&
	    !__atomic_compare_exchange_n(w->desc, &w->val, val, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	if (dirty)
		w->e.pa &= ~(uint64_t)T2_CLEAN;
	w->af = false;
	w->val = val;
	return true;
}
