/* cond.h: each condition as an expression on the lazy flags of a handler;
 * flags.h says which kinds of flags agree on what. */
#ifndef INTERP_COND_H
#define INTERP_COND_H

#define CC_EQ (FK < FK_NZCV ? FA == FB : FA >> 2 & 1)
#define CC_CS (FK == FK_SUB ? FA >= FB : FK == FK_LOGIC ? 0 : FA >> 1 & 1)
#define CC_MI (FK < FK_NZCV ? (FA - FB) >> 63 : FA >> 3 & 1)
#define CC_VS (flags_nzcv(FA, FB, FK) & 1)
#define CC_HI (FK == FK_SUB ? FA > FB : FK == FK_LOGIC ? 0 : \
	       FA >> 1 & ~(FA >> 2) & 1)
#define CC_GE (FK < FK_NZCV ? (int64_t)FA >= (int64_t)FB : ~(FA >> 3 ^ FA) & 1)
#define CC_GT (FK < FK_NZCV ? (int64_t)FA > (int64_t)FB : \
	       ~(FA >> 3 ^ FA) & ~(FA >> 2) & 1)

/* F(name, expression, more...) for the fourteen real conditions, in encoding
 * order. */
#define ALL_CONDS_OF(F, ...) \
	F(eq, CC_EQ, __VA_ARGS__) F(ne, !CC_EQ, __VA_ARGS__) \
	F(cs, CC_CS, __VA_ARGS__) F(cc, !CC_CS, __VA_ARGS__) \
	F(mi, CC_MI, __VA_ARGS__) F(pl, !CC_MI, __VA_ARGS__) \
	F(vs, CC_VS, __VA_ARGS__) F(vc, !CC_VS, __VA_ARGS__) \
	F(hi, CC_HI, __VA_ARGS__) F(ls, !CC_HI, __VA_ARGS__) \
	F(ge, CC_GE, __VA_ARGS__) F(lt, !CC_GE, __VA_ARGS__) \
	F(gt, CC_GT, __VA_ARGS__) F(le, !CC_GT, __VA_ARGS__)
/* The same without more. */
#define ALL_CONDS(F) \
	F(eq, CC_EQ) F(ne, !CC_EQ) F(cs, CC_CS) F(cc, !CC_CS) F(mi, CC_MI)     \
	F(pl, !CC_MI) F(vs, CC_VS) F(vc, !CC_VS) F(hi, CC_HI) F(ls, !CC_HI)    \
	F(ge, CC_GE) F(lt, !CC_GE) F(gt, CC_GT) F(le, !CC_GT)

#endif
