/* kvm_regs.c: registers of a KVM CPU, by KVM_GET_ONE_REG and its pair.
 *
 * Numbers: Linux, Documentation/virt/kvm/api.rst, 4.68. */
#include <stddef.h>
#include <string.h>

#include "accel.h"
#include "kvm.h"

#define CORE(field) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
	 KVM_REG_ARM_CORE_REG(field))
#define CORE_V(n) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE | \
	 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4u * (n)))
#define PSTATE_SPSEL 1u
#define PSTATE_EL(p) ((p) >> 2 & 3)
#define PSTATE_NRW 0x10u
#define PSTATE_BTYPE (3u << 10)
#define WFI 0xd503207fu

static int one_reg(const struct kvm_cpu *c, unsigned long request, uint64_t id,
		   void *val)
{
	struct kvm_one_reg r = { .id = id, .addr = (uintptr_t)val };

	return kvm_ioctl(c->fd, request, &r);
}

int kvm_get(const struct kvm_cpu *c, uint64_t id, uint64_t *val)
{
	return one_reg(c, KVM_GET_ONE_REG, id, val);
}

int kvm_set(struct kvm_cpu *c, uint64_t id, uint64_t val)
{
	return one_reg(c, KVM_SET_ONE_REG, id, &val);
}

/* Which register number 31 is as a base: SP_EL0 or SP_EL1. */
static uint64_t x_id(const struct kvm_cpu *c, unsigned n)
{
	uint64_t pstate = 0;

	if (n < 31)
		return CORE(regs.regs[0]) + 2u * n;     /* in words of 32 */
	kvm_get_pstate(c, &pstate);
	return PSTATE_EL(pstate) && pstate & PSTATE_SPSEL ? CORE(sp_el1) :
							    CORE(regs.sp);
}

int kvm_get_x(const struct kvm_cpu *c, unsigned n, uint64_t *val)
{
	return kvm_get(c, x_id(c, n), val);
}

int kvm_set_x(struct kvm_cpu *c, unsigned n, uint64_t val)
{
	return kvm_set(c, x_id(c, n), val);
}

int kvm_get_v(const struct kvm_cpu *c, unsigned n, uint8_t val[16])
{
	return one_reg(c, KVM_GET_ONE_REG, CORE_V(n), val);
}

int kvm_set_v(struct kvm_cpu *c, unsigned n, const uint8_t val[16])
{
	uint8_t copy[16];

	memcpy(copy, val, sizeof(copy));
	return one_reg(c, KVM_SET_ONE_REG, CORE_V(n), copy);
}

int kvm_get_pc(const struct kvm_cpu *c, uint64_t *val)
{
	return kvm_get(c, CORE(regs.pc), val);
}

int kvm_set_pc(struct kvm_cpu *c, uint64_t val)
{
	return kvm_set(c, CORE(regs.pc), val);
}

int kvm_get_pstate(const struct kvm_cpu *c, uint64_t *val)
{
	return kvm_get(c, CORE(regs.pstate), val);
}

int kvm_next_pc(struct kvm_cpu *c)
{
	uint64_t pc, pstate;

	if (kvm_get_pc(c, &pc) || kvm_get_pstate(c, &pstate))
		return -1;
	/* what every instruction but a branch leaves behind (BTI) */
	if (pstate & PSTATE_BTYPE &&
	    kvm_set(c, CORE(regs.pstate), pstate & ~(uint64_t)PSTATE_BTYPE))
		return -1;
	return kvm_set_pc(c, pc + 4);
}

/* KVM does not say whether a CPU waits; but then it stands behind a WFI. */
static bool stands_behind_wfi(const struct kvm_cpu *c, uint64_t pc)
{
	struct kvm_tables t;
	uint32_t insn;

	return !kvm_tables(c, &t) && kvm_fetch(&t, pc - 4, &insn) == WALK_OK &&
	       insn == WFI;
}

int kvm_state(struct vcpu *v, struct cpu_state *s)
{
	const struct kvm_cpu *c = v->priv;
	struct kvm_mp_state mp;
	int r = 0;

	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < 31; i++)
		r |= kvm_get_x(c, i, &s->x[i]);
	r |= kvm_get_x(c, 31, &s->sp);
	r |= kvm_get_pc(c, &s->pc);
	r |= kvm_get_pstate(c, &s->pstate);
	r |= kvm_get(c, CORE(elr_el1), &s->elr);
	r |= kvm_get(c, CORE(spsr[0]), &s->spsr);
	r |= kvm_get(c, KVM_ESR_EL1, &s->esr);
	s->esr = (uint32_t)s->esr;      /* Linux 6.1 extends its sign */
	r |= kvm_get(c, KVM_FAR_EL1, &s->far);
	r |= kvm_get(c, KVM_VBAR_EL1, &s->vbar);
	r |= kvm_get(c, KVM_SCTLR_EL1, &s->sctlr);
	r |= kvm_get(c, KVM_TTBR0_EL1, &s->ttbr0);
	r |= kvm_get(c, KVM_TTBR1_EL1, &s->ttbr1);
	r |= kvm_get(c, KVM_TCR_EL1, &s->tcr);
	r |= kvm_ioctl(c->fd, KVM_GET_MP_STATE, &mp);
	if (r)
		return -1;
	s->off = mp.mp_state == KVM_MP_STATE_STOPPED;
	s->idle = !s->off && !(s->pstate & PSTATE_NRW) &&
		  stands_behind_wfi(c, s->pc);
	return 0;
}
