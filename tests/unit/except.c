/* Exception entry, ERET and interrupts, each against a table of what spec/cpu.md
 * 4.1 says: every EL and SP, every SPSR mode, features on and off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake.h"
#include "../../src/interp/debug.h"
#include "../../src/interp/except.h"
#include "../../src/interp/flags.h"
#include "../../src/interp/mmu.h"
#include "../../src/interp/model.h"

/* Stand-ins for the rest of the interpreter. */
void cpu_request(struct cpu *c, uint32_t bits)
{
	atomic_fetch_or(&c->req, bits);
}

uint32_t debug_ctx(const struct cpu *c, unsigned el)
{
	return 0;
}

bool debug_watched(const struct cpu *c, uint64_t va, uint64_t len)
{
	return false;
}

bool debug_watch(struct cpu *c, uint64_t va, unsigned size,
		 enum mmu_access acc, unsigned flags)
{
	return true;
}

static struct fake *f;
static struct cpu_model model;
static struct interp in;
static struct vm vm;
static struct cpu *c;

#define SPAN (1ull << 23)
#define DSSBS (1ull << 44)
#define VBAR 0xffff800010080000ull
#define EL0T 0u
#define EL1T 4u
#define EL1H 5u
#define ALL_BITS (PS_DIT | PS_UAO | PS_PAN | PS_SS | PS_IL | PS_SSBS | \
		  PS_BTYPE | PS_DAIF)

static void start(const char *spec)
{
	struct err e;

	assert_int_equal(model_parse(&model, spec, &e), 0);
	f = fake_new();
	in = (struct interp){ .vm = &vm, .as = f->as, .model = &model,
			      .ncpus = 1 };
	c = aligned_alloc(64, (sizeof(*c) + 63) & ~63ull);
	assert_non_null(c);
	memset(c, 0, sizeof(*c));
	c->in = &in;
	in.cpu[0] = c;
	assert_int_equal(mmu_open(c, &e), 0);
	c->sr.vbar = VBAR;
	mmu_view(c);
}

static int setup(void **state)
{
	start("generic");
	return 0;
}

static int teardown(void **state)
{
	mmu_close(c);
	free(c);
	fake_free(f);
	return 0;
}

/* In mode `mode`, with SP_EL0 = 0xe0, SP_EL1 = 0xe1. */
static void enter_mode(uint32_t ps)
{
	c->pstate = 0;
	c->el = 0;
	c->x[REG_SP] = 0xe0;
	c->sr.sp_el[0] = 0xdead;
	c->sr.sp_el[1] = 0xe1;
	except_set_pstate(c, ps);
}

static void check_sp(uint32_t mode)
{
	assert_int_equal(c->x[REG_SP], mode == EL1H ? 0xe1 : 0xe0);
	assert_int_equal(c->el, mode >> 2);
	assert_int_equal(c->pstate & 0x1f, mode);
}

static void check_view(void)
{
	assert_ptr_equal(c->tlb, &c->views[c->el == 0 ? TLB_EL0 :
					   c->pstate & PS_PAN ? TLB_EL1 :
					   TLB_EL1_PAN0]);
}

static const uint32_t modes[3] = { EL0T, EL1T, EL1H };
static const unsigned base[3] = { 0x400, 0x000, 0x200 };

static void test_entry(void **state)
{
	for (unsigned n = 0; n < 3 * 4096; n++) {
		uint32_t mode = modes[n % 3], bits = n / 3;
		uint32_t ps = mode, want;

		ps |= bits & 1 ? PS_DIT : 0;
		ps |= bits & 2 ? PS_UAO : 0;
		ps |= bits & 4 ? PS_PAN : 0;
		ps |= bits & 8 ? PS_SS : 0;
		ps |= bits & 16 ? PS_IL : 0;
		ps |= bits & 32 ? PS_SSBS : 0;
		ps |= (bits >> 6 & 3) << 10;
		ps |= (bits >> 8 & 15) << 28;
		c->sr.sctlr = (n & 1 ? SPAN : 0) | (n & 2 ? DSSBS : 0);
		enter_mode(ps);
		assert_int_equal(except_pstate(c), ps);
		check_sp(mode);
		check_view();

		c->sr.far = 0x5151;
		c->sr.esr = 0;
		if (n & 4)
			exc_raise_far(c, ESR(0x25, 0x47), 0xabcdef);
		else
			exc_raise(c, ESR(0x3c, 12));
		c->exc.ret = 0x1234;
		except_sync(c);

		want = (ps & (PS_DIT | PS_PAN | 15u << 28)) | PS_DAIF | EL1H;
		if (!(n & 1))
			want |= PS_PAN;
		if (n & 2)
			want |= PS_SSBS;
		assert_int_equal(except_pstate(c), want);
		assert_int_equal(c->sr.spsr, ps);
		assert_int_equal(c->sr.elr, 0x1234);
		assert_int_equal(c->sr.esr, n & 4 ? 0x96000047 : 0xf200000c);
		assert_int_equal(c->sr.far, n & 4 ? 0xabcdef : 0x5151);
		assert_int_equal(c->pc, VBAR + base[n % 3]);
		check_sp(EL1H);
		check_view();

		/* and back */
		except_eret(c, c->sr.elr);
		assert_int_equal(except_pstate(c), ps & ~PS_SS);
		assert_int_equal(c->pc, 0x1234);
		check_sp(mode);
		check_view();
	}
}

/* Bits of features that are off stay off. */
static void test_entry_old_cpu(void **state)
{
	teardown(state);
	start("generic,pan=off,ssbs=off,uao=off,dit=off,bti=off");
	c->sr.sctlr = DSSBS;
	enter_mode(EL0T);
	exc_raise(c, ESR(0x15, 0));
	except_sync(c);
	assert_int_equal(except_pstate(c), PS_DAIF | EL1H);
	assert_ptr_equal(c->tlb, &c->views[TLB_EL1_PAN0]);
	c->sr.spsr = 0xffffffe0;
	except_eret(c, 0);
	assert_int_equal(except_pstate(c), 15u << 28 | PS_IL | PS_DAIF);
}

static void test_tco(void **state)
{
	teardown(state);
	start("qemu72");
	enter_mode(EL0T);
	exc_raise(c, ESR(0, 0));
	except_sync(c);
	assert_int_equal(c->pstate & PS_TCO, PS_TCO);
	assert_int_equal(c->sr.spsr & PS_TCO, 0);
}

static void test_eret_modes(void **state)
{
	for (unsigned from = 1; from < 3; from++) {
		for (uint32_t m = 0; m < 32; m++) {
			bool legal = m == 0 || m == 4 || m == 5;
			uint32_t before = modes[from] | PS_DIT | PS_SSBS |
					  PS_D | PS_UAO, spsr, want;

			enter_mode(before);
			spsr = m | PS_N | PS_C | PS_PAN | PS_BTYPE | PS_I;
			c->sr.spsr = spsr;
			c->excl_valid = true;
			atomic_store(&c->event, false);
			except_eret(c, 0xabc0);
			assert_int_equal(c->pc, 0xabc0);
			assert_false(c->excl_valid);
			assert_true(atomic_load(&c->event));
			if (legal) {
				assert_int_equal(except_pstate(c), spsr);
				check_sp(m);
			} else {
				want = modes[from] | PS_DIT | PS_SSBS |
				       PS_UAO | PS_IL | PS_N | PS_C | PS_PAN |
				       PS_I;
				assert_int_equal(except_pstate(c), want);
				check_sp(modes[from]);
			}
			check_view();
		}
	}
	/* IL comes back by a legal return too */
	enter_mode(EL1H);
	c->sr.spsr = EL0T | PS_IL;
	except_eret(c, 0);
	assert_int_equal(except_pstate(c), EL0T | PS_IL);
}

static void test_tbi(void **state)
{
	uint64_t user = 0x0000400000001000, tag = 0x33ull << 56;

	enter_mode(EL1H);
	c->sr.spsr = EL0T;
	except_eret(c, user | tag);
	assert_int_equal(c->pc, user | tag);
	c->sr.tcr = 1ull << 37 | 1ull << 38;
	mmu_regs_changed(c);
	for (unsigned tbid = 0; tbid < 2; tbid++) {
		c->sr.tcr |= (uint64_t)tbid << 51;
		mmu_regs_changed(c);
		enter_mode(EL1H);
		c->sr.spsr = EL0T;
		except_eret(c, user | tag);
		assert_int_equal(c->pc, tbid ? user | tag : user);
	}
	/* the vector is a PC write as well */
	c->sr.vbar = VBAR & ~(0x70ull << 56);
	enter_mode(EL1H);
	exc_raise(c, ESR(0, 0));
	except_sync(c);
	assert_int_equal(c->pc, VBAR + 0x200);
	/* bits 10:0 of VBAR are RES0 */
	c->sr.vbar = VBAR | 0x7ff;
	except_sync(c);
	assert_int_equal(c->pc, VBAR + 0x200);
}

static void test_irq(void **state)
{
	for (unsigned lines = 0; lines < 4; lines++) {
		for (unsigned mask = 0; mask < 4; mask++) {
			for (unsigned m = 0; m < 3; m++) {
				uint32_t ps = modes[m] | PS_V |
					      (mask & 1 ? PS_I : 0) |
					      (mask & 2 ? PS_F : 0);
				bool fiq = lines & 2 && !(mask & 2);
				bool irq = lines & 1 && !(mask & 1);

				enter_mode(ps);
				c->pc = 0x8888;
				c->sr.esr = 0x77;
				c->sr.spsr = 0;
				atomic_store(&c->irq_lines, lines);
				assert_int_equal(except_irq_ready(c),
						 irq || fiq);
				assert_int_equal(except_irq(c), irq || fiq);
				assert_int_equal(c->sr.esr, 0x77);
				if (!irq && !fiq) {
					assert_int_equal(c->pc, 0x8888);
					assert_int_equal(except_pstate(c), ps);
					continue;
				}
				assert_int_equal(c->pc, VBAR + base[m] +
						 (fiq ? 0x100 : 0x80));
				assert_int_equal(c->sr.elr, 0x8888);
				assert_int_equal(c->sr.spsr, ps);
				assert_false(except_irq_ready(c));
				check_sp(EL1H);
			}
		}
	}
	assert_int_equal(c->n_fiq, 3 * 4);
	assert_int_equal(c->n_irq, 3 * 4 - 3);
}

/* Lazy flags of each kind arrive in SPSR. */
static void test_flags(void **state)
{
	static const struct { uint64_t fa, fb, fk; uint32_t nzcv; } t[] = {
		{ 5, 5, FK_SUB, 6 }, { 4, 5, FK_SUB, 8 }, { 6, 5, FK_SUB, 2 },
		{ 1ull << 63, 1, FK_SUB, 3 }, { 0, 0, FK_LOGIC, 4 },
		{ 1ull << 63, 0, FK_LOGIC, 8 }, { 13, 0, FK_NZCV, 13 },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		enter_mode(EL1H);
		c->fa = t[i].fa;
		c->fb = t[i].fb;
		c->fk = t[i].fk;
		exc_raise(c, ESR(0, 0));
		except_sync(c);
		assert_int_equal(c->sr.spsr >> 28, t[i].nzcv);
		c->fa = c->fb = c->fk = 0;
		except_eret(c, 0);
		assert_int_equal(flags_nzcv(c->fa, c->fb, c->fk), t[i].nzcv);
	}
}

#define MDSCR_SS 1u
#define KDE (1u << 13)

/* DebugExceptionReturnSS over all of its inputs. */
static void test_step(void **state)
{
	for (unsigned n = 0; n < 256; n++) {
		bool ss = n & 1, kde = n & 2, src_d = n & 4, dst_d = n & 8;
		bool to_el1 = n & 16, lock = n & 32, spsr_ss = n & 64;
		bool illegal = n & 128;
		bool src = !lock && kde && !src_d;
		bool dst = !lock && (!(to_el1 || illegal) || (kde && !dst_d));

		enter_mode(EL1H | (src_d ? PS_D : 0));
		c->sr.mdscr = (ss ? MDSCR_SS : 0) | (kde ? KDE : 0);
		c->sr.oslar = lock;
		c->sr.spsr = (illegal ? 8 : to_el1 ? EL1H : EL0T) |
			     (spsr_ss ? PS_SS : 0) | (dst_d ? PS_D : 0);
		except_eret(c, 0);
		assert_int_equal(!!(c->pstate & PS_SS),
				 ss && !src && dst && spsr_ss);
	}
	/* a fault keeps SS in SPSR, a call has completed */
	for (unsigned ec = 0; ec < 64; ec++) {
		enter_mode(EL0T | PS_SS);
		exc_raise(c, ESR(ec, 0));
		except_sync(c);
		assert_int_equal(!!(c->sr.spsr & PS_SS),
				 ec < 0x15 || ec > 0x17);
		assert_int_equal(c->pstate & PS_SS, 0);
	}
}

static void test_debug_enabled(void **state)
{
	c->sr.oslar = 1;
	assert_false(except_debug_enabled(c, 0, false));
	c->sr.oslar = 0;
	assert_true(except_debug_enabled(c, 0, true));
	assert_false(except_debug_enabled(c, 1, false));
	c->sr.mdscr = KDE;
	assert_true(except_debug_enabled(c, 1, false));
	assert_false(except_debug_enabled(c, 1, true));
	c->sr.osdlr = 1;                /* RAZ/WI without FEAT_DoubleLock */
	assert_true(except_debug_enabled(c, 0, false));
	teardown(state);
	start("vmapple");
	c->sr.osdlr = 1;
	assert_false(except_debug_enabled(c, 0, false));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_entry), T(test_entry_old_cpu), T(test_tco),
		T(test_eret_modes), T(test_tbi), T(test_irq), T(test_flags),
		T(test_step), T(test_debug_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
