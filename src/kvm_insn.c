/* kvm_insn.c: loads and stores, for accesses that the CPU did not describe.
 *
 * A data abort has a valid syndrome only for a load or store of one general
 * register without write-back (Arm ARM DDI 0487, ESR_ELx, ISS of a data
 * abort). The rest of what guests point at devices is decoded here, C4.1.94:
 * write-back, pairs, SIMD registers, LD1 and ST1 of whole registers. Not here:
 * exclusives, atomics and loads of literals, which make no sense on a device.
 */
#include <string.h>

#include "kvm.h"

static int64_t sext(uint64_t v, unsigned bits)
{
	return (int64_t)(v << (64 - bits)) >> (64 - bits);
}

/* LDP, STP, LDPSW, LDNP, STNP. */
static bool pair(uint32_t w, struct kvm_insn *i)
{
	unsigned opc = w >> 30, mode = w >> 23 & 3;

	if (opc == 3)
		return false;
	i->simd = w >> 26 & 1;
	i->load = w >> 22 & 1;
	if (i->simd) {
		i->size = (uint8_t)(2 + opc);
	} else if (opc == 1) {          /* LDPSW; as a store STGP */
		if (!i->load || !mode)
			return false;
		i->size = 2;
		i->sext = i->to64 = true;
	} else {
		i->size = opc ? 3 : 2;
	}
	i->n = 2;
	i->rt[0] = w & 31;
	i->rt[1] = w >> 10 & 31;
	i->off = (int64_t)((uint64_t)sext(w >> 15 & 127, 7) << i->size);
	i->post = mode == 1;
	i->wback = mode & 1;
	return true;
}

/* The size and direction fields of a load or store of one register. */
static bool single_kind(uint32_t w, struct kvm_insn *i)
{
	unsigned size = w >> 30, opc = w >> 22 & 3;

	i->n = 1;
	i->rt[0] = w & 31;
	i->simd = w >> 26 & 1;
	if (i->simd) {
		if (opc & 2 && size)
			return false;
		i->size = opc & 2 ? 4 : (uint8_t)size;
		i->load = opc & 1;
		return true;
	}
	i->size = (uint8_t)size;
	i->load = opc != 0;
	if (opc < 2)
		return true;
	if (size == 3 || (size == 2 && opc == 3))       /* PRFM, none */
		return false;
	i->sext = true;
	i->to64 = opc == 2;
	return true;
}

static bool single(uint32_t w, struct kvm_insn *i)
{
	unsigned mode = w >> 10 & 3;

	if (!single_kind(w, i))
		return false;
	if (w >> 24 & 1) {                              /* 12 bits, scaled */
		i->off = (int64_t)((uint64_t)(w >> 10 & 0xfff) << i->size);
		return true;
	}
	if (!(w >> 21 & 1)) {                           /* 9 bits */
		if (mode == 2 && i->simd)
			return false;
		i->off = sext(w >> 12 & 511, 9);
		i->post = mode == 1;
		i->wback = mode & 1;
		return true;
	}
	if (mode != 2)                                  /* atomics, LDRAA */
		return false;
	i->by_reg = true;
	i->rm = w >> 16 & 31;
	i->extend = w >> 13 & 7;
	i->shift = w >> 12 & 1 ? i->size : 0;
	return i->extend & 2;
}

/* LD1 and ST1 of one to four whole registers. */
static bool multiple(uint32_t w, struct kvm_insn *i)
{
	bool post = w >> 23 & 1;
	unsigned rm = w >> 16 & 31;

	switch (w >> 12 & 15) {
	case 7: i->n = 1; break;
	case 10: i->n = 2; break;
	case 6: i->n = 3; break;
	case 2: i->n = 4; break;
	default: return false;
	}
	if (w >> 31 || w >> 21 & 1 || (!post && rm))
		return false;
	i->simd = true;
	i->load = w >> 22 & 1;
	i->size = w >> 30 & 1 ? 4 : 3;
	for (unsigned k = 0; k < i->n; k++)
		i->rt[k] = (uint8_t)((w + k) & 31);
	i->wback = i->post = post;
	if (post && rm != 31) {
		i->by_reg = true;
		i->rm = (uint8_t)rm;
		i->extend = 3;                          /* as it is */
	} else if (post) {
		i->off = (int64_t)i->n << i->size;
	}
	return true;
}

bool kvm_insn(uint32_t w, struct kvm_insn *i)
{
	memset(i, 0, sizeof(*i));
	i->rn = w >> 5 & 31;
	if ((w & 0x3a000000) == 0x28000000)
		return pair(w, i);
	if ((w & 0x3a000000) == 0x38000000)
		return single(w, i);
	if ((w & 0x3f000000) == 0x0c000000)
		return multiple(w, i);
	return false;
}
