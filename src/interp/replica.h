/* replica.h: the same handler several times over.
 *
 * A handler ends in an indirect jump. Where one handler serves many places of
 * the guest, its jump has many targets, and the host predicts it by history,
 * in three or four cycles; a jump that always goes to one place costs one. So
 * the files of the commonest instructions are compiled REPLICAS times (the
 * Makefile), and an instruction's address picks the copy: in a loop no two
 * instructions share a handler until it is longer than that. (Halves the time
 * of loops of adds on Zen 4; design/interpreter.md 3.)
 *
 * Such files define their decode functions by DECODER(name). Copy 0 has the plain
 * names; what must exist once is under #if !REPLICA. */
#ifndef INTERP_REPLICA_H
#define INTERP_REPLICA_H

#include "cpu.h"

#ifndef REPLICAS
#define REPLICAS 1
#endif
#ifndef REPLICA
#define REPLICA 0
#endif

#define REPLICA_NAME__(n, k) n##_r##k
#define REPLICA_NAME_(n, k) REPLICA_NAME__(n, k)
#if REPLICA
#define REPLICA_NAME(n) REPLICA_NAME_(n, REPLICA)
#else
#define REPLICA_NAME(n) n
#endif

struct dec;
typedef op_fn *dec_fn(struct dec *d);

#define DECODER(n) \
	dec_fn REPLICA_NAME(dec_##n); \
	op_fn *REPLICA_NAME(dec_##n)(struct dec *d)

/* F(n, k) for copies 0 to REPLICAS - 1; F0(n) for the first */
#if REPLICAS == 1
#define REPLICA_EACH(F0, F, n) F0(n)
#elif REPLICAS == 4
#define REPLICA_EACH(F0, F, n) F0(n) F(n, 1) F(n, 2) F(n, 3)
#elif REPLICAS == 8
#define REPLICA_EACH(F0, F, n) F0(n) F(n, 1) F(n, 2) F(n, 3) F(n, 4) \
	F(n, 5) F(n, 6) F(n, 7)
#elif REPLICAS == 16
#define REPLICA_EACH(F0, F, n) F0(n) F(n, 1) F(n, 2) F(n, 3) F(n, 4) \
	F(n, 5) F(n, 6) F(n, 7) F(n, 8) F(n, 9) F(n, 10) F(n, 11) F(n, 12) \
	F(n, 13) F(n, 14) F(n, 15)
#else
#error "REPLICAS is 1, 4, 8 or 16"
#endif

/* The copy for the instruction at this offset of its page. */
static inline unsigned replica_at(uint32_t page_off)
{
	return page_off / 4 % REPLICAS;
}

/* The decode functions that there are copies of. */
#define REPLICATED(F) \
	F(adr) F(mov_wide) F(addsub_imm) F(logic_imm) F(bitfield) F(extr) \
	F(logic_shift) F(addsub_shift) F(addsub_ext) F(adc) F(rmif) F(setf) \
	F(csel) F(ccmp) F(mul) F(dp2) F(crc) F(dp1) \
	F(b) F(b_cond) F(cbz) F(tbz) F(br) F(br_auth) \
	F(ldst_ui) F(ldst_ur) F(ldst_pre) F(ldst_post) F(ldst_reg) F(ldr_lit) \
	F(ldst_unpriv) F(prfm) F(prfm_reg) F(ldst_pair) F(ldst_pair_v)

#endif
