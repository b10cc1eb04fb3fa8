/* model.h: which CPU the guest sees: features and ID registers.
 * Facts: Arm ARM ID registers; spec/cpu.md section 1. */
#ifndef INTERP_MODEL_H
#define INTERP_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

/* FEAT_* as the architecture names them. FEAT_BASE is v8.0. LenientPAC is ours:
 * authentication takes every code off as if it were right. */
#define FEATURES(F) \
	F(BASE) F(FP16) F(CRC32) F(AES) F(PMULL) F(SHA1) F(SHA256) F(SHA512) \
	F(SHA3) F(SM3) F(SM4) F(LSE) F(LSE2) F(RDM) F(LRCPC) F(LRCPC2) \
	F(DotProd) F(FHM) F(FCMA) F(JSCVT) F(FRINTTS) F(FlagM) F(FlagM2) \
	F(BF16) F(EBF16) F(I8MM) F(PAuth) F(EPAC) F(PAuth2) F(FPAC) \
	F(FPACCOMBINE) F(PACQARMA5) F(PACIMP) F(BTI) F(DIT) F(SSBS) F(SSBS2) \
	F(SB) F(SPECRES) F(CSV2_2) F(PAN) F(PAN2) F(PAN3) F(UAO) F(TLBIOS) \
	F(TLBIRANGE) F(TTL) F(CNP) F(HAF) F(HDBS) F(HPDS) F(E0PD) F(ASID16) \
	F(TGran16K) F(TGran64K) F(RAS) F(IESB) F(IDST) F(LOR) F(DPB) F(DPB2) \
	F(PMUv3) F(ECV) F(WFxT) F(AFP) F(RPRES) F(CSSC) F(HBC) F(RNG) \
	F(MTE) F(LDGM) F(TTST) F(ETS) F(BBM2) F(ExS) F(GICv3) F(CSV2) F(CSV3) \
	F(Debugv8p2) F(DoubleLock) F(LenientPAC)

enum feature {
#define F(n) FEAT_##n,
	FEATURES(F)
#undef F
	FEAT_COUNT
};

struct cpu_model {
	const char *name;               /* "generic", "vmapple", "qemu72" */
	bool has[FEAT_COUNT];
	uint64_t midr, ctr, dczid, clidr, ccsidr[3]; /* L1D, L1I, L2 */
	uint64_t id[8][8];              /* ID space 3,0,0,CRm,op2 */
	uint32_t spsr_mask;             /* bits of SPSR_EL1 that are kept */
	uint8_t pa_bits;                /* of PARange */
	uint32_t cntfrq;
	bool alone;                     /* the machine's only CPU: not by
					 * model_parse */
};

/* Makes the model that `spec` describes: "PROFILE[,FEAT=on|off...]", feature
 * names as above in any case. A feature brings what it needs along; without
 * one, what needs it goes too; the last word wins. The ID registers follow the
 * features. -1 with the nearest known name in the message. */
int model_parse(struct cpu_model *, const char *spec, struct err *);
/* Are the host's plain loads and stores whole, inside 16 aligned bytes, as
 * FEAT_LSE2 promises? Those of unaligned data and of pairs rely on it: on other
 * hosts (RISC-V, Arm before v8.4) guests are not to be told of the feature. */
bool model_host_lse2(void);
/* "LSE2" */
const char *model_feature_name(enum feature);

#endif
