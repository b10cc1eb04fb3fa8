/* sysreg.h: the system registers (MRS, MSR) as one table. Arm ARM D19;
 * spec/cpu.md 2.1 and 2.2. */
#ifndef INTERP_SYSREG_H
#define INTERP_SYSREG_H

#include "cpu.h"
#include "model.h"

/* A register's number: its encoding as in bits 20:5 of MRS and MSR. */
#define SYSREG(op0, op1, crn, crm, op2) \
	((uint16_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

/* Who may do what. */
enum { SR_R0 = 1, SR_W0 = 2, SR_R1 = 4, SR_W1 = 8 };
/* What stands between EL0 and a register that it may use: EC 0x18. */
enum sysreg_gate {
	GATE_NONE, GATE_UCT, GATE_UMA, GATE_TSCXT, GATE_TDCC, GATE_CNTFRQ,
	GATE_VCT, GATE_PCT, GATE_VT, GATE_PT,
	/* PMUSERENR: EN, and for some registers, or reads of them, another */
	GATE_PMU, GATE_PMU_SW, GATE_PMU_SEL, GATE_PMU_CYCLES, GATE_PMU_EVENTS,
};

/* What a write asks for: nothing, to look at cpu.tlb again, or op_sync. FAULT:
 * c->exc is set (reads too). */
enum sysreg_next { SR_FAULT, SR_NEXT, SR_VIEW, SR_SYNC };

struct sysreg {
	const char *name;
	uint16_t enc;                   /* SYSREG() */
	uint8_t access;                 /* SR_* */
	uint8_t gate;                   /* enum sysreg_gate */
	uint8_t feat;                   /* enum feature that it comes with */
	uint8_t n;                      /* for the functions: which one */
	uint16_t off;                   /* of its storage in struct sysregs, + 1;
					 * 0: none */
	uint64_t mask;                  /* bits that are kept */
	uint64_t reset;
	/* NULL: the storage. No checks here. NZCV is in c->fa... */
	uint64_t (*read)(struct cpu *, const struct sysreg *);
	enum sysreg_next (*write)(struct cpu *, const struct sysreg *,
				  uint64_t);
};

const struct sysreg *sysreg_table(int *n);
/* NULL: not there, or not on this model. The ID space 3,0,0,1..7 is always
 * there. */
const struct sysreg *sysreg_find(unsigned enc, const struct cpu_model *);

/* MRS and MSR at the current EL with all checks; rt is for the syndrome. c's
 * thread, flags in c->fa... */
bool sysreg_mrs(struct cpu *c, const struct sysreg *, unsigned rt,
		uint64_t *val);
enum sysreg_next sysreg_msr(struct cpu *c, const struct sysreg *, unsigned rt,
			    uint64_t val);
/* An encoding that no register has: UNDEF, or the ID trap (FEAT_IDST). */
void sysreg_unknown(struct cpu *c, unsigned enc, unsigned rt, bool read);
/* EC 0x18 with this syndrome; returns false. */
bool sysreg_trap(struct cpu *c, unsigned enc, unsigned rt, bool read);

/* PSTATE fields by MSR (immediate and register). */
enum sysreg_next sysreg_set_daif(struct cpu *c, uint32_t daif);
enum sysreg_next sysreg_set_pan(struct cpu *c, bool pan);
void sysreg_set_spsel(struct cpu *c, bool spsel);

/* Reset values of everything in cpu.sr. Lines, timers and the MMU are not its
 * business. */
void sysreg_reset(struct cpu *c);

#endif
