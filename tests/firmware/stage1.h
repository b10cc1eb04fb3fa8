/* stage1.h: the parts of our stage 1. Each makes its checks and returns NULL,
 * or why the machine cannot be asked: hosts under KVM differ. */
#ifndef STAGE1_H
#define STAGE1_H

#include "apple.h"

/* stage1_board.c; the MMU is on, one to one */
const char *part_bdif(void);
const char *part_aes(void);
const char *part_aes_chain(void);
const char *part_blk(void);

/* stage1_gic.c */
const char *part_fiq(void);
const char *part_redistributor(void);
/* Group 0 and this CPU's timer as XNU sets them up (spec/vmapple.md 1.4), then
 * three timer interrupts; false: they did not come as FIQs in ten seconds. */
bool fiq_ticks(void);

/* stage1_mem.c */
const char *part_pages(void);
/* XNU's TCR, 16 KiB pages, MMU on; this CPU's. */
void pages_on(void);
bool pages_there(void);

/* stage1_pac.c; with 16 KiB pages on */
const char *part_pac(void);
const char *part_hypercalls(void);
const char *part_levels(void);
const char *part_cpus(void);
/* 0: the CPU has no pointer authentication */
uint64_t pac_algorithm(void);
void pac_enable(void);

/* stage1_pac.S; p the pointer, m the modifier */
uint64_t pac_ia(uint64_t p, uint64_t m), aut_ia(uint64_t p, uint64_t m);
uint64_t pac_ib(uint64_t p, uint64_t m), aut_ib(uint64_t p, uint64_t m);
uint64_t pac_da(uint64_t p, uint64_t m), aut_da(uint64_t p, uint64_t m);
uint64_t pac_db(uint64_t p, uint64_t m), aut_db(uint64_t p, uint64_t m);
uint64_t pac_strip(uint64_t p);
uint64_t pac_generic(uint64_t p, uint64_t m);
/* Signs fn and its own return address, calls by BLRAA, returns by RETAA. */
uint64_t pac_call(uint64_t (*fn)(void), uint64_t m);
/* Loads *p by LDRAA from the signed pointer. */
uint64_t pac_load(const uint64_t *p);

#endif
