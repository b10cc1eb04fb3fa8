/* cputest.h: a whole interpreter over the fake board, for tests that execute
 * system instructions: real decoder, run loop, MMU and GIC, 64 KiB of RAM at
 * FAKE_RAM, a clock moved by hand. Include it in one file.
 *
 * Code goes to FAKE_RAM; all exceptions go to CT_VBAR, where every vector
 * powers the machine off by PSCI, which ends ct_run. */
#ifndef UNIT_CPUTEST_H
#define UNIT_CPUTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "accel.h"
#include "board.h"
#include "fake.h"
#include "gicv3.h"
#include "vm.h"
#include "../../src/interp/cache.h"
#include "../../src/interp/debug.h"
#include "../../src/interp/decode.h"
#include "../../src/interp/except.h"
#include "../../src/interp/flags.h"
#include "../../src/interp/interp.h"
#include "../../src/interp/mmu.h"
#include "../../src/interp/psci.h"
#include "../../src/interp/sysreg.h"
#include "../../src/interp/timer.h"

#define CT_VBAR (FAKE_RAM + 0x8000ull)
#define CT_EL1H (PS_DAIF | 5u)
#define CT_EL0 PS_DAIF

static struct ct {
	struct fake *f;
	struct vm vm;
	struct interp *in;
	struct cpu *c;                  /* the first */
	enum vm_event event;
} ct;

/* Set before ct_open: a loop to use instead of the fake board's. */
static struct loop *ct_loop;

/* Stands in for vm.c's: ends cpu_run. */
void vm_request(struct vm *vm, enum vm_event ev, const char *why)
{
	(void)why;
	ct.event = ev;
	atomic_store(&vm->event, ev);
	atomic_store(&vm->park, true);
	for (unsigned i = 0; i < vm->ncpus; i++)
		accel_interp.cpu_kick(&vm->cpu[i]);
}

static inline void ct_word(uint64_t pa, uint32_t w)
{
	memcpy(ct.f->ram + (pa - FAKE_RAM), &w, 4);
}

static inline void ct_reset(void)
{
	for (unsigned i = 0; i < ct.vm.ncpus; i++)
		accel_interp.cpu_reset(&ct.vm.cpu[i]);
	accel_interp.reset(&ct.vm);
	atomic_store(&ct.vm.park, false);
	atomic_store(&ct.vm.event, VM_NONE);
	ct.event = VM_NONE;
	ct.c->sr.vbar = CT_VBAR;
	/* mov x28, x0; mov x0, #0x84000000; movk x0, #8; hvc #0 */
	for (uint64_t va = CT_VBAR; va < CT_VBAR + 0x800; va += 0x80) {
		ct_word(va, 0xaa0003fc);
		ct_word(va + 4, 0xd2b08000);
		ct_word(va + 8, 0xf2800100);
		ct_word(va + 12, 0xd4000002);
	}
}

static inline void ct_open(unsigned ncpus, const char *model)
{
	struct err e;

	memset(&ct, 0, sizeof(ct));
	ct.f = fake_new();
	ct.vm.as = ct.f->as;
	ct.vm.loop = ct_loop ? ct_loop : ct.f->loop;
	ct.vm.board = &board_vmapple;
	ct.vm.ncpus = ncpus;
	ct.vm.accel = &accel_interp;
	ct.vm.entry_pc = FAKE_RAM;
	for (unsigned i = 0; i < ncpus; i++) {
		ct.vm.cpu[i].vm = &ct.vm;
		ct.vm.cpu[i].index = i;
		ct.vm.cpu[i].mpidr = i % 16 | i / 16 << 8;
	}
	assert_int_equal(accel_interp.open(&ct.vm, &e), 0);
	ct.in = ct.vm.priv;
	assert_int_equal(model_parse((struct cpu_model *)ct.in->model, model,
				     &e), 0);
	for (unsigned i = 0; i < ncpus; i++)
		assert_int_equal(accel_interp.cpu_open(&ct.vm.cpu[i], &e), 0);
	ct.c = ct.in->cpu[0];
	ct_reset();
}

static inline void ct_close(void)
{
	for (unsigned i = 0; i < ct.vm.ncpus; i++)
		accel_interp.cpu_close(&ct.vm.cpu[i]);
	accel_interp.close(&ct.vm);
	fake_free(ct.f);
}

/* Forgets decoded code, after words of it were changed. */
static inline void ct_code_changed(void)
{
	cache_reset(ct.in->cache);
	for (unsigned i = 0; i < ct.vm.ncpus; i++)
		cache_serve(ct.in->cpu[i]);
}

/* Does one instruction at FAKE_RAM; true: it went on to the next one, else
 * an exception was taken, see c->sr.esr. */
static inline bool ct_insn(uint32_t w)
{
	ct_word(FAKE_RAM, w);
	ct_code_changed();
	ct.c->pc = FAKE_RAM;
	atomic_store(&ct.vm.park, false);
	accel_interp.cpu_run(&ct.vm.cpu[0], true);
	return ct.c->pc == FAKE_RAM + 4;
}

/* Runs n words from FAKE_RAM at the present EL until an exception or power-off
 * ended it (the words should end in one, e.g. SVC). */
static inline void ct_run(const uint32_t *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ct_word(FAKE_RAM + i * 4, w[i]);
	ct_code_changed();
	ct.c->pc = FAKE_RAM;
	atomic_store(&ct.vm.park, false);
	atomic_store(&ct.c->req, 0);
	accel_interp.cpu_run(&ct.vm.cpu[0], false);
}
#define CT_RUN(...) do { \
	const uint32_t ct_w[] = { __VA_ARGS__ }; \
	ct_run(ct_w, sizeof(ct_w) / 4); \
} while (0)

#define CT_MRS(rt, enc) (0xd5200000u | (uint32_t)(enc) << 5 | (rt))
#define CT_MSR(enc, rt) (0xd5000000u | (uint32_t)(enc) << 5 | (rt))
#define CT_SVC 0xd4000001u
#define CT_NOP 0xd503201fu

static inline unsigned ct_ec(void)
{
	return ct.c->sr.esr >> 26 & 63;
}

#endif
