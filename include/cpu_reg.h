/* cpu_reg.h: a CPU's registers by number, for accel.h's cpu_reg.
 *
 * The numbers are those of KVM_GET_ONE_REG (Linux, Documentation/virt/kvm/
 * api.rst, 4.68), so that a register has one name whatever runs the guest.
 * They are written out here because <linux/kvm.h> has only those of the
 * architecture that it is for. */
#ifndef POME_CPU_REG_H
#define POME_CPU_REG_H

#include <stdint.h>

#define CPU_REG_U32 0x6020000000000000ull
#define CPU_REG_U64 0x6030000000000000ull
#define CPU_REG_U128 0x6040000000000000ull
#define CPU_REG_CORE 0x100000u          /* + offset in words of 32 bits */
#define CPU_REG_SYS 0x130000u           /* + encoding as in MRS */

#define CPU_REG_X(n) (CPU_REG_U64 | CPU_REG_CORE | (2u * (n))) /* x0 to x30 */
#define CPU_REG_SP_EL0 (CPU_REG_U64 | CPU_REG_CORE | 62)
#define CPU_REG_PC (CPU_REG_U64 | CPU_REG_CORE | 64)
#define CPU_REG_PSTATE (CPU_REG_U64 | CPU_REG_CORE | 66)
#define CPU_REG_SP_EL1 (CPU_REG_U64 | CPU_REG_CORE | 68)
#define CPU_REG_ELR_EL1 (CPU_REG_U64 | CPU_REG_CORE | 70)
#define CPU_REG_SPSR_EL1 (CPU_REG_U64 | CPU_REG_CORE | 72)
#define CPU_REG_V(n) (CPU_REG_U128 | CPU_REG_CORE | (84 + 4u * (n)))
#define CPU_REG_FPSR (CPU_REG_U32 | CPU_REG_CORE | 212)
#define CPU_REG_FPCR (CPU_REG_U32 | CPU_REG_CORE | 213)
#define CPU_REG_MSR(op0, op1, crn, crm, op2) \
	(CPU_REG_U64 | CPU_REG_SYS | (op0) << 14 | (op1) << 11 | \
	 (crn) << 7 | (crm) << 3 | (op2))

/* Bytes of its value. */
static inline unsigned cpu_reg_size(uint64_t id)
{
	return 1u << (id >> 52 & 15);
}

#endif
