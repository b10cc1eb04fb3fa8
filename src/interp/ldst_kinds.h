/* ldst_kinds.h: the kinds of loads and stores of integer registers, and of
 * pairs: size, its log2, which TLB, what is read and written. A handler is
 * LS_DO or PAIR_DO of a kind and an address. */
#ifndef INTERP_LDST_KINDS_H
#define INTERP_LDST_KINDS_H

#include "ldst.h"

#define LS_SIZE_strb 1
#define LS_SIZE_strh 2
#define LS_SIZE_strw 4
#define LS_SIZE_strx 8
#define LS_SIZE_ldrb 1
#define LS_SIZE_ldrh 2
#define LS_SIZE_ldrw 4
#define LS_SIZE_ldrx 8
#define LS_SIZE_ldrsb_x 1
#define LS_SIZE_ldrsh_x 2
#define LS_SIZE_ldrsw_x 4
#define LS_SIZE_ldrsb_w 1
#define LS_SIZE_ldrsh_w 2

#define LS_LOG_strb 0
#define LS_LOG_strh 1
#define LS_LOG_strw 2
#define LS_LOG_strx 3
#define LS_LOG_ldrb 0
#define LS_LOG_ldrh 1
#define LS_LOG_ldrw 2
#define LS_LOG_ldrx 3
#define LS_LOG_ldrsb_x 0
#define LS_LOG_ldrsh_x 1
#define LS_LOG_ldrsw_x 2
#define LS_LOG_ldrsb_w 0
#define LS_LOG_ldrsh_w 1

#define LS_TLB_strb TLB_W
#define LS_TLB_strh TLB_W
#define LS_TLB_strw TLB_W
#define LS_TLB_strx TLB_W
#define LS_TLB_ldrb TLB_R
#define LS_TLB_ldrh TLB_R
#define LS_TLB_ldrw TLB_R
#define LS_TLB_ldrx TLB_R
#define LS_TLB_ldrsb_x TLB_R
#define LS_TLB_ldrsh_x TLB_R
#define LS_TLB_ldrsw_x TLB_R
#define LS_TLB_ldrsb_w TLB_R
#define LS_TLB_ldrsh_w TLB_R

#define LS_READ_strb host_w8(h, X(rd))
#define LS_READ_strh host_w16(h, X(rd))
#define LS_READ_strw host_w32(h, X(rd))
#define LS_READ_strx host_w64(h, X(rd))
#define LS_READ_ldrb uint64_t v = host_r8(h)
#define LS_READ_ldrh uint64_t v = host_r16(h)
#define LS_READ_ldrw uint64_t v = host_r32(h)
#define LS_READ_ldrx uint64_t v = host_r64(h)
#define LS_READ_ldrsb_x uint64_t v = (uint64_t)(int8_t)host_r8(h)
#define LS_READ_ldrsh_x uint64_t v = (uint64_t)(int16_t)host_r16(h)
#define LS_READ_ldrsw_x uint64_t v = (uint64_t)(int32_t)host_r32(h)
#define LS_READ_ldrsb_w uint64_t v = (uint32_t)(int8_t)host_r8(h)
#define LS_READ_ldrsh_w uint64_t v = (uint32_t)(int16_t)host_r16(h)

#define LS_WRITE_strb ((void)0)
#define LS_WRITE_strh ((void)0)
#define LS_WRITE_strw ((void)0)
#define LS_WRITE_strx ((void)0)
#define LS_WRITE_ldrb X(rd) = res = v
#define LS_WRITE_ldrh X(rd) = res = v
#define LS_WRITE_ldrw X(rd) = res = v
#define LS_WRITE_ldrx X(rd) = res = v
#define LS_WRITE_ldrsb_x X(rd) = res = v
#define LS_WRITE_ldrsh_x X(rd) = res = v
#define LS_WRITE_ldrsw_x X(rd) = res = v
#define LS_WRITE_ldrsb_w X(rd) = res = v
#define LS_WRITE_ldrsh_w X(rd) = res = v

#define LS_DO_POST(k, base) LS_DO(k, base, 0, X(rn) = a + LS_IMM)

/* ---- pairs ------------------------------------------------------------- */

OP_GLOBAL(pair_miss_TLB_R);
OP_GLOBAL(pair_miss_TLB_W);

/* With FEAT_LSE2 a pair inside 16 aligned bytes is one single-copy atomic
 * access (Arm ARM B2.2.1), so it is one host access. What an STP wrote forwards
 * to loads of either half and of both. */
#define P_SIZE_stp_w 4
#define P_SIZE_stp_x 8
#define P_SIZE_ldp_w 4
#define P_SIZE_ldp_x 8
#define P_SIZE_ldp_sw 4
#define P_SIZE_stp_s 4
#define P_SIZE_stp_d 8
#define P_SIZE_stp_q 16
#define P_SIZE_ldp_s 4
#define P_SIZE_ldp_d 8
#define P_SIZE_ldp_q 16

#define P_TLB_stp_w TLB_W
#define P_TLB_stp_x TLB_W
#define P_TLB_ldp_w TLB_R
#define P_TLB_ldp_x TLB_R
#define P_TLB_ldp_sw TLB_R
#define P_TLB_stp_s TLB_W
#define P_TLB_stp_d TLB_W
#define P_TLB_stp_q TLB_W
#define P_TLB_ldp_s TLB_R
#define P_TLB_ldp_d TLB_R
#define P_TLB_ldp_q TLB_R

#define P_READ_stp_w host_w64(h, (uint32_t)X(rd) | X(rm) << 32)
#define P_READ_stp_x host_wv(h, (v2u64){ X(rd), X(rm) })
#define P_READ_ldp_w uint64_t v = host_r64(h)
#define P_READ_ldp_x v2u64 v = host_rv(h)
#define P_READ_ldp_sw uint64_t v = host_r64(h)
#define P_READ_stp_s host_w64(h, V(rd).s[0] | (uint64_t)V(rm).s[0] << 32)
#define P_READ_stp_d host_wv(h, (v2u64){ V(rd).d[0], V(rm).d[0] })
#define P_READ_stp_q host_wv(h, V(rd).vd); host_wv(h + 16, V(rm).vd)
#define P_READ_ldp_s uint64_t v = host_r64(h)
#define P_READ_ldp_d v2u64 v = host_rv(h)
#define P_READ_ldp_q v2u64 v0 = host_rv(h), v1 = host_rv(h + 16)

#define P_WRITE_stp_w ((void)0)
#define P_WRITE_stp_x ((void)0)
#define P_WRITE_ldp_w X(rd) = (uint32_t)v; X(rm) = v >> 32
#define P_WRITE_ldp_x X(rd) = v[0]; X(rm) = v[1]
#define P_WRITE_ldp_sw X(rd) = (uint64_t)(int32_t)v; \
	X(rm) = (uint64_t)((int64_t)v >> 32)
#define P_WRITE_stp_s ((void)0)
#define P_WRITE_stp_d ((void)0)
#define P_WRITE_stp_q ((void)0)
#define P_WRITE_ldp_s V(rd).vd = v_zext((uint32_t)v); \
	V(rm).vd = v_zext(v >> 32)
#define P_WRITE_ldp_d V(rd).vd = v_zext(v[0]); V(rm).vd = v_zext(v[1])
#define P_WRITE_ldp_q V(rd).vd = v0; V(rm).vd = v1

#define PAIR_DO(k, addr, bad, wb) do { \
	uint64_t a = (addr); \
	PROBE_FILL(P_TLB_##k, TLB, a, 2 * P_SIZE_##k, bad, pair); \
	P_READ_##k; \
	wb; \
	P_WRITE_##k; \
} while (0)

#endif
