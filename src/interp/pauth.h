/* pauth.h: pointer authentication codes. Arm ARM D8.10 and the shared
 * pseudocode AddPAC, Auth, Strip; spec/cpu.md 4.5. */
#ifndef INTERP_PAUTH_H
#define INTERP_PAUTH_H

#include "cpu.h"

/* The order of cpu.sr.apkey. */
enum pauth_key { PAUTH_IA, PAUTH_IB, PAUTH_DA, PAUTH_DB, PAUTH_GA };

/* PACIA and the like; the pointer itself while SCTLR_EL1 has the key off. */
uint64_t pauth_add(const struct cpu *c, enum pauth_key, uint64_t ptr,
		   uint64_t mod);
/* AUTIA and the like; `combined`: RETAA, BRAA, LDRAA, ERETAA. *out is the
 * pointer, poisoned where authentication failed; false, with c->exc set and
 * *out untouched, where the CPU has FEAT_FPAC and takes it as an exception. */
bool pauth_auth(struct cpu *c, enum pauth_key, uint64_t ptr, uint64_t mod,
		bool combined, uint64_t *out);
/* XPACI, XPACD (data). */
uint64_t pauth_strip(const struct cpu *c, uint64_t ptr, bool data);
/* PACGA. */
uint64_t pauth_generic(const struct cpu *c, uint64_t x, uint64_t y);

/* The two algorithms: key[0] is the low half, key[1] the high one. */
uint64_t pauth_qarma5(uint64_t data, uint64_t mod, const uint64_t key[2]);
uint64_t pauth_mix(uint64_t data, uint64_t mod, const uint64_t key[2]);

#endif
