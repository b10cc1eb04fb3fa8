/* Self-hosted debug: software step by kinds of instructions, breakpoints and
 * watchpoints by their control fields; and accel.h's single step, against the
 * same code run freely. */
#include "cpu_reg.h"
#include "cputest.h"

#define MDSCR_SS 1u
#define MDSCR_KDE (1u << 13)
#define MDSCR_MDE (1u << 15)
#define ISV (1u << 24)
#define EX (1u << 6)
#define CODE FAKE_RAM
#define DATA (FAKE_RAM + 0x4000ull)

static int setup(void **state)
{
	ct_open(1, "generic");
	return 0;
}

static int teardown(void **state)
{
	ct_close();
	return 0;
}

static void write_reg(uint16_t enc, uint64_t v)
{
	except_set_pstate(ct.c, CT_EL1H);
	assert_int_not_equal(sysreg_msr(ct.c, sysreg_find(enc, ct.in->model),
					0, v), SR_FAULT);
}

/* Reset, OS lock open, MDSCR as given. */
static void begin(uint64_t mdscr)
{
	ct_reset();
	ct.c->sr.oslar = 0;
	write_reg(SYSREG(2, 0, 0, 2, 2), mdscr);
}

/* ---- software step --------------------------------------------------- */

/* The eret is at CODE; it goes to `target` with `spsr`. */
static void eret_to(uint64_t target, uint32_t spsr)
{
	ct.c->sr.elr = target;
	ct.c->sr.spsr = spsr;
	CT_RUN(0xd69f03e0);
}

static void test_step(void **state)
{
	static const struct {
		uint32_t w;
		int32_t to;             /* ELR, from the instruction */
		uint32_t esr, ss;       /* and SPSR.SS */
	} t[] = {
		{ CT_NOP, 4, ESR(0x32, ISV | 0x22), 0 },
		{ 0x14000004, 16, ESR(0x32, ISV | 0x22), 0 },   /* b */
		{ 0x14000400, 4096, ESR(0x32, ISV | 0x22), 0 }, /* b, far */
		{ 0x17fffffe, -8, ESR(0x32, ISV | 0x22), 0 },
		{ 0x14000000, 0, ESR(0x32, ISV | 0x22), 0 },    /* b . */
		{ 0x94000002, 8, ESR(0x32, ISV | 0x22), 0 },    /* bl */
		{ 0x54000041, 8, ESR(0x32, ISV | 0x22), 0 },    /* b.ne */
		{ 0x54000040, 4, ESR(0x32, ISV | 0x22), 0 },    /* b.eq */
		{ 0xb4000045, 4, ESR(0x32, ISV | 0x22), 0 },    /* cbz x5 */
		{ 0xb5000045, 8, ESR(0x32, ISV | 0x22), 0 },    /* cbnz x5 */
		{ 0xd61f0140, 64, ESR(0x32, ISV | 0x22), 0 },   /* br x10 */
		{ 0xd63f0140, 64, ESR(0x32, ISV | 0x22), 0 },   /* blr x10 */
		{ 0xd65f0140, 64, ESR(0x32, ISV | 0x22), 0 },   /* ret x10 */
		{ 0x10000040, 4, ESR(0x32, ISV | 0x22), 0 },    /* adr x0 */
		{ 0xd53bd040, 4, ESR(0x32, ISV | 0x22), 0 },    /* mrs */
		{ 0xd5033fdf, 4, ESR(0x32, ISV | 0x22), 0 },    /* isb */
		{ 0xc85f7ce0, 4, ESR(0x32, ISV | EX | 0x22), 0 }, /* ldxr */
		{ 0xf94000e0, 4, ESR(0x32, ISV | 0x22), 0 },    /* ldr */
		{ CT_SVC, 4, ESR(0x15, 0), 0 },
		{ 0xd4200000, 0, ESR(0x3c, 0), PS_SS },         /* brk */
		{ 0x00000000, 0, ESR(0, 0), PS_SS },
		{ 0xf9400100, 0, ESR(0x24, 0), PS_SS },         /* ldr x8 */
		{ 0xd5380000, 0, ESR(0x18, 0), PS_SS },         /* midr */
		/* to where nothing can be fetched: the branch is done */
		{ 0xd61f0100, -1, ESR(0x20, 0), 0 },            /* br x8 */
	};
	struct cpu *c = ct.c;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t at = CODE + 0x100, to = at + (uint64_t)t[i].to;
		bool loose = (t[i].esr & 0xffffff) == 0;

		begin(MDSCR_SS);
		c->x[5] = 1;
		c->x[7] = DATA;
		c->x[8] = 1ull << 50;
		c->x[10] = at + 64;
		ct_word(at, t[i].w);
		ct_word(at + 4, CT_NOP);
		eret_to(at, PS_SS);
		if (t[i].to == -1)
			to = 1ull << 50;
		if ((loose ? c->sr.esr >> 26 : c->sr.esr) !=
			    (loose ? t[i].esr >> 26 : t[i].esr) ||
		    c->sr.elr != to || (c->sr.spsr & PS_SS) != t[i].ss)
			fail_msg("%08x: ESR %x, ELR %lx, SS %x",
				 (unsigned)t[i].w, (unsigned)c->sr.esr,
				 (unsigned long)(c->sr.elr - at),
				 (unsigned)(c->sr.spsr & PS_SS));
	}
	/* SS = 0 in SPSR: at once, with nothing stepped */
	begin(MDSCR_SS);
	ct_word(CODE + 0x100, CT_NOP);
	eret_to(CODE + 0x100, 0);
	assert_int_equal(c->sr.esr, ESR(0x32, 0x22));
	assert_int_equal(c->sr.elr, CODE + 0x100);
	/* at EL1 step needs KDE and D = 0 */
	for (unsigned k = 0; k < 4; k++) {
		begin(MDSCR_SS | (k & 1 ? MDSCR_KDE : 0));
		ct_word(CODE + 0x100, CT_NOP);
		ct_word(CODE + 0x104, CT_SVC);
		eret_to(CODE + 0x100, PS_SS | 5 | (k & 2 ? PS_D : 0));
		assert_int_equal(ct_ec(), k == 1 ? 0x33 : 0x15);
	}
	/* no step while the OS lock is set, or MDSCR.SS is clear */
	begin(MDSCR_SS);
	write_reg(SYSREG(2, 0, 1, 0, 4), 1);
	ct_word(CODE + 0x104, CT_SVC);
	eret_to(CODE + 0x100, PS_SS);
	assert_int_equal(ct_ec(), 0x15);
	assert_int_equal(c->sr.spsr & PS_SS, 0);
	begin(0);
	ct_word(CODE + 0x104, CT_SVC);
	eret_to(CODE + 0x100, PS_SS);
	assert_int_equal(ct_ec(), 0x15);
}

/* A debugger's loop: each exception returns with SS set again. */
static void test_step_loop(void **state)
{
	/* mov x0, #3; 1: sub x0, x0, #1; cbnz x0, 1b; svc */
	static const uint32_t w[] = { 0xd2800060, 0xd1000400, 0xb5ffffe0,
				      CT_SVC };
	static const unsigned want[] = { 1, 2, 1, 2, 1, 2, 3 };
	uint64_t at = CODE + 0x100;

	begin(MDSCR_SS);
	ct.c->sr.elr = at;
	for (int i = 0; i < 4; i++)
		ct_word(at + i * 4, w[i]);
	for (int i = 0; i < 7; i++) {
		eret_to(ct.c->sr.elr, PS_SS);
		assert_int_equal(ct.c->sr.esr, ESR(0x32, ISV | 0x22));
		assert_int_equal(ct.c->sr.elr, at + want[i] * 4);
		/* powering off took x0: put it back */
		ct.c->x[0] = ct.c->x[28];
	}
}

/* ---- breakpoints ----------------------------------------------------- */

/* Runs nop; nop; nop; svc from CODE + 0x100 at this EL. */
static unsigned run_nops(unsigned el)
{
	for (int i = 0; i < 3; i++)
		ct_word(CODE + 0x100 + i * 4, CT_NOP);
	ct_word(CODE + 0x10c, CT_SVC);
	eret_to(CODE + 0x100, el ? 5 : 0);
	return ct_ec();
}

static void set_bp(unsigned n, uint64_t bvr, uint64_t bcr)
{
	write_reg(SYSREG(2, 0, 0, n, 4), bvr);
	write_reg(SYSREG(2, 0, 0, n, 5), bcr);
}

static void test_breakpoint(void **state)
{
	static const struct { uint32_t bcr; bool el0, el1; } t[] = {
		{ 0x1e5, true, false },         /* PMC 10 */
		{ 0x1e3, false, true },         /* 01 */
		{ 0x1e7, true, true },          /* 11 */
		{ 0x1e6, false, false },        /* E = 0 */
		{ 0x0e7, false, false },        /* BAS */
		{ 0x81e7, false, false },       /* SSC: Secure */
		{ 0x41e7, true, true },         /* SSC: Non-secure */
		{ 0x4001e7, false, false },     /* BT 4 */
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (unsigned el = 0; el < 2; el++) {
			bool want = el ? t[i].el1 : t[i].el0;

			begin(MDSCR_MDE | MDSCR_KDE);
			set_bp(i % 6, CODE + 0x104, t[i].bcr);
			if (run_nops(el) != (want ? 0x30 + el : 0x15))
				fail_msg("BCR %x at EL%u: EC %x",
					 (unsigned)t[i].bcr, el, ct_ec());
			if (!want)
				continue;
			assert_int_equal(ct.c->sr.esr, ESR(0x30 + el, 0x22));
			assert_int_equal(ct.c->sr.elr, CODE + 0x104);
		}
	/* bits 63:49 are not compared */
	begin(MDSCR_MDE);
	set_bp(0, 0xfffe000000000000 | (CODE + 0x108), 0x1e5);
	assert_int_equal(run_nops(0), 0x30);
	assert_int_equal(ct.c->sr.elr, CODE + 0x108);
	/* no KDE: not at EL1; D: neither; OS lock, MDE: nowhere */
	begin(MDSCR_MDE);
	set_bp(0, CODE + 0x104, 0x1e7);
	assert_int_equal(run_nops(1), 0x15);
	begin(MDSCR_KDE);
	set_bp(0, CODE + 0x104, 0x1e7);
	assert_int_equal(run_nops(0), 0x15);
	begin(MDSCR_MDE);
	set_bp(0, CODE + 0x104, 0x1e7);
	write_reg(SYSREG(2, 0, 1, 0, 4), 1);
	assert_int_equal(run_nops(0), 0x15);
	/* context ID: type 2 anywhere, and linked to an address */
	for (unsigned hit = 0; hit < 2; hit++) {
		begin(MDSCR_MDE);
		ct.c->sr.contextidr = 0x1234;
		set_bp(5, hit ? 0x1234 : 0x1235, 0x2001e5);
		assert_int_equal(run_nops(0), hit ? 0x30 : 0x15);
		assert_int_equal(ct.c->sr.elr, CODE + (hit ? 0x100 : 0x110));
		begin(MDSCR_MDE);
		ct.c->sr.contextidr = 0x1234;
		set_bp(4, hit ? 0x1234 : 0x1235, 0x3001e5);
		set_bp(1, CODE + 0x108, 0x1401e5);      /* BT 1, LBN 4 */
		assert_int_equal(run_nops(0), hit ? 0x30 : 0x15);
		/* breakpoint 3 has no context ID */
		begin(MDSCR_MDE);
		set_bp(3, 0, 0x3001e5);
		set_bp(1, CODE + 0x108, 0x1301e5);
		assert_int_equal(run_nops(0), 0x15);
	}
}

/* ---- watchpoints ----------------------------------------------------- */

static void set_wp(unsigned n, uint64_t wvr, uint64_t wcr)
{
	write_reg(SYSREG(2, 0, 0, n, 6), wvr);
	write_reg(SYSREG(2, 0, 0, n, 7), wcr);
}

#define WCR(pac, lsc, bas) (1u | (pac) << 1 | (lsc) << 3 | (bas) << 5)

/* One access; the ESR, or 0. */
static uint32_t touch(unsigned el, uint64_t va, unsigned size,
		      enum mmu_access acc, unsigned flags)
{
	ct.c->exc.esr = 0;
	ct.c->exc.far = 0;
	except_set_pstate(ct.c, el ? 5 : 0);
	return debug_watch(ct.c, va, size, acc, flags) ? 0 : ct.c->exc.esr;
}

static void test_watchpoint(void **state)
{
	const uint64_t at = DATA;

	/* LSC and PAC, at both ELs */
	for (unsigned k = 0; k < 16; k++) {
		unsigned pac = k & 3, lsc = k >> 2;

		begin(MDSCR_MDE | MDSCR_KDE);
		set_wp(k & 3, at, WCR(pac, lsc, 0xff));
		assert_true(debug_watched(ct.c, at & ~4095ull, 4096));
		assert_false(debug_watched(ct.c, at + 8, 4096 - 8));
		for (unsigned el = 0; el < 2; el++) {
			bool here = pac >> (el ? 0 : 1) & 1;

			assert_int_equal(touch(el, at, 8, ACC_READ, 0),
					 here && lsc & 1 ?
						 ESR(0x34 + el, 0x22) : 0);
			assert_int_equal(touch(el, at, 8, ACC_WRITE, 0),
					 here && lsc & 2 ?
						 ESR(0x34 + el, 0x62) : 0);
			assert_int_equal(touch(el, at, 8, ACC_WRITE,
					       MEM_ATOMIC),
					 here && lsc ? ESR(0x34 + el,
						lsc & 2 ? 0x62 : 0x22) : 0);
		}
		/* LDTR counts as EL0 */
		assert_int_equal(touch(1, at, 8, ACC_READ, MEM_UNPRIV) != 0,
				 pac & 2 && lsc & 1);
	}
	/* bytes: BAS 0x30 at a doubleword */
	begin(MDSCR_MDE);
	set_wp(0, at, WCR(2, 3, 0x30));
	for (unsigned size = 1; size <= 16; size *= 2)
		for (unsigned off = 0; off < 16; off++) {
			bool hit = off < 6 && off + size > 4;

			assert_int_equal(touch(0, at + off - 8 + 8, size,
					       ACC_READ, 0) != 0, hit);
			if (hit)
				assert_int_equal(ct.c->exc.far,
						 at + (off < 4 ? 4 : off));
		}
	/* word-aligned WVR: BAS 7:4 ignored */
	begin(MDSCR_MDE);
	set_wp(0, at + 4, WCR(2, 3, 0xf1));
	assert_int_not_equal(touch(0, at + 4, 1, ACC_READ, 0), 0);
	assert_int_equal(touch(0, at + 8, 1, ACC_READ, 0), 0);
	/* MASK: 2^12 bytes; BAS must be all ones; 1 and 2 are reserved */
	begin(MDSCR_MDE);
	set_wp(0, at, WCR(2, 3, 0xff) | 12u << 24);
	assert_int_not_equal(touch(0, at + 0xfff, 1, ACC_READ, 0), 0);
	assert_int_equal(touch(0, at + 0x1000, 1, ACC_READ, 0), 0);
	assert_int_equal(touch(0, at - 1, 1, ACC_READ, 0), 0);
	assert_int_not_equal(touch(0, at - 1, 2, ACC_READ, 0), 0);
	assert_int_equal(ct.c->exc.far, at);
	set_wp(0, at, WCR(2, 3, 0x7f) | 12u << 24);
	assert_int_equal(touch(0, at, 1, ACC_READ, 0), 0);
	set_wp(0, at, WCR(2, 3, 0xff) | 2u << 24);
	assert_int_equal(touch(0, at, 1, ACC_READ, 0), 0);
	/* tagged addresses; linked to a context */
	begin(MDSCR_MDE);
	set_wp(0, at, WCR(2, 3, 0xff));
	assert_int_not_equal(touch(0, at | 0xaaull << 56, 1, ACC_READ, 0), 0);
	assert_int_equal(ct.c->exc.far, at | 0xaaull << 56);
	set_wp(0, at, WCR(2, 3, 0xff) | 1u << 20 | 5u << 16);
	assert_int_equal(touch(0, at, 1, ACC_READ, 0), 0);
	set_bp(5, 77, 0x3001e5);
	ct.c->sr.contextidr = 77;
	assert_int_not_equal(touch(0, at, 1, ACC_READ, 0), 0);
	/* maintenance: reads never, DC IVAC as a store with CM */
	set_wp(0, at, WCR(3, 3, 0xff));
	ct.c->sr.mdscr |= MDSCR_KDE;
	assert_int_equal(touch(1, at, 1, ACC_READ, MEM_CM), 0);
	assert_int_equal(touch(1, at, 1, ACC_WRITE, MEM_CM),
			 ESR(0x35, 0x162));
	/* D, OS lock, MDE */
	except_set_pstate(ct.c, 5 | PS_D);
	assert_true(debug_watch(ct.c, at, 1, ACC_READ, 0));
	write_reg(SYSREG(2, 0, 1, 0, 4), 1);
	assert_int_equal(touch(0, at, 1, ACC_READ, 0), 0);
	write_reg(SYSREG(2, 0, 1, 0, 4), 0);
	ct.c->sr.mdscr &= ~(uint64_t)MDSCR_MDE;
	assert_int_equal(touch(0, at, 1, ACC_READ, 0), 0);
}

/* Through the MMU: str x1, [x7] at EL0, then svc. */
static void test_watch_run(void **state)
{
	for (int on = 0; on < 2; on++) {
		begin(on ? MDSCR_MDE : 0);
		set_wp(2, DATA, WCR(2, 2, 0xff));
		ct.c->x[7] = DATA;
		ct.c->x[1] = 0x55;
		memset(ct.f->ram + 0x4000, 0, 8);
		ct_word(CODE + 0x100, 0xf94000e2);      /* ldr x2, [x7] */
		ct_word(CODE + 0x104, 0xf90000e1);
		ct_word(CODE + 0x108, CT_SVC);
		eret_to(CODE + 0x100, 0);
		assert_int_equal(ct.c->sr.esr,
				 on ? ESR(0x34, 0x62) : ESR(0x15, 0));
		assert_int_equal(ct.f->ram[0x4000], on ? 0 : 0x55);
		if (on) {
			assert_int_equal(ct.c->sr.far, DATA);
			assert_int_equal(ct.c->sr.elr, CODE + 0x104);
		}
	}
}

static void test_ctx(void **state)
{
	static const struct { uint32_t mdscr, bcr, ctx0, ctx1; } t[] = {
		{ 0, 0x1e7, 0, 0 },
		{ MDSCR_SS, 0, CTX_STEP, 0 },
		{ MDSCR_SS | MDSCR_KDE, 0, CTX_STEP, CTX_STEP },
		{ MDSCR_MDE, 0, 0, 0 },
		{ MDSCR_MDE, 0x1e7, CTX_STEP, 0 },
		{ MDSCR_MDE | MDSCR_KDE, 0x1e7, CTX_STEP, CTX_STEP },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		begin(t[i].mdscr);
		set_bp(0, 0x1000, t[i].bcr);
		assert_int_equal(debug_ctx(ct.c, 0), t[i].ctx0);
		assert_int_equal(debug_ctx(ct.c, 1), t[i].ctx1);
		assert_int_equal(ct.c->views[TLB_EL0].ctx & CTX_STEP,
				 t[i].ctx0);
		write_reg(SYSREG(2, 0, 1, 0, 4), 1);
		assert_int_equal(debug_ctx(ct.c, 0) | debug_ctx(ct.c, 1), 0);
		assert_int_equal(ct.c->views[TLB_EL0].ctx & CTX_STEP, 0);
	}
}

/* ---- the debugger's step --------------------------------------------- */

/* A few loops with calls within and across pages; how many instructions. */
static void load_program(void)
{
	static const uint32_t w[] = {
		0xd2800140,             /* mov x0, #10 */
		0xd2800001,             /* mov x1, #0 */
		0x8b000021,             /* 1: add x1, x1, x0 */
		0x940003fd,             /* bl 0x1000 */
		0xf1000400,             /* subs x0, x0, #1 */
		0x54ffffa1,             /* b.ne 1b */
		0x10000002,             /* adr x2, . */
		CT_SVC,
	};

	for (unsigned i = 0; i < sizeof(w) / 4; i++)
		ct_word(CODE + i * 4, w[i]);
	ct_word(CODE + 0x1000, 0x91000463);     /* add x3, x3, #1 */
	ct_word(CODE + 0x1004, 0xd65f03c0);     /* ret */
	ct_code_changed();
}
enum { PROGRAM = 2 + 10 * 6 + 1 };

static void test_host_step(void **state)
{
	struct cpu *c = ct.c;
	uint64_t x[4], count;

	ct_reset();
	load_program();
	c->pc = CODE;
	for (int i = 0; i < PROGRAM; i++) {
		assert_int_equal(accel_interp.cpu_run(&ct.vm.cpu[0], true),
				 VX_STEP);
		assert_in_range(c->pc, CODE, CODE + 0x1004);
	}
	assert_int_equal(c->pc, CODE + 28);             /* at the SVC */
	assert_int_equal(c->x[0], 0);
	assert_int_equal(c->x[1], 55);
	assert_int_equal(c->x[2], CODE + 24);
	assert_int_equal(c->x[3], 10);
	assert_int_equal(c->views[0].ctx & CTX_STEP, 0);
	memcpy(x, c->x, sizeof(x));
	assert_int_equal(accel_interp.cpu_run(&ct.vm.cpu[0], true), VX_STEP);
	assert_int_equal(c->pc, CT_VBAR + 0x200);
	/* the same, freely; and counted, both ways */
	for (int step = 0; step < 2; step++) {
		ct_reset();
		load_program();
		ct.in->count = true;
		mmu_view(c);
		c->pc = CODE;
		c->x[3] = 0;
		count = c->icount;
		atomic_store(&c->req, 0);
		if (step)
			for (int i = 0; i <= PROGRAM; i++)
				accel_interp.cpu_run(&ct.vm.cpu[0], true);
		else
			accel_interp.cpu_run(&ct.vm.cpu[0], false);
		assert_int_equal(c->sr.elr, CODE + 32);
		assert_memory_equal(c->x + 1, x + 1, 24);
		/* freely: mov, mov, movk and hvc of the vector come on top;
		 * an SVC is not counted, it was not completed */
		count = c->icount - count;
		assert_in_range(count, PROGRAM, PROGRAM + (step ? 1 : 5));
		ct.in->count = false;
	}
}

/* ---- the debugger's points ------------------------------------------- */

static enum vexit go(void)
{
	atomic_store(&ct.vm.park, false);
	ct.vm.cpu[0].stop.kind = STOP_NONE;
	return accel_interp.cpu_run(&ct.vm.cpu[0], false);
}

static void set_points(const struct vm_point *p, unsigned n)
{
	struct err e;

	for (unsigned i = 0; i < n; i++)
		ct.vm.point[i] = p[i];
	ct.vm.npoints = n;
	assert_int_equal(accel_interp.debug(&ct.vm, &e), 0);
}

static void test_host_break(void **state)
{
	const struct vm_point p[] = { { CODE + 0x1000, 4, POINT_BREAK },
				      { CODE + 24, 4, POINT_BREAK } };
	struct cpu *c = ct.c;
	uint64_t count;

	ct_reset();
	load_program();
	ct.in->count = true;
	mmu_view(c);
	c->pc = CODE;
	c->x[3] = 0;
	count = c->icount;
	set_points(p, 2);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(go(), VX_STEP);
		assert_int_equal(ct.vm.cpu[0].stop.kind, STOP_BREAK);
		assert_int_equal(c->pc, CODE + 0x1000);
		assert_int_equal(c->x[3], i);
		/* it stays there until it is stepped over */
		assert_int_equal(go(), VX_STEP);
		assert_int_equal(c->x[3], i);
		ct.vm.cpu[0].stop.kind = STOP_NONE;
		accel_interp.cpu_run(&ct.vm.cpu[0], true);
		assert_int_equal(c->pc, CODE + 0x1004);
	}
	assert_int_equal(go(), VX_STEP);
	assert_int_equal(c->pc, CODE + 24);
	assert_int_equal(ct.vm.cpu[0].stop.addr, CODE + 24);
	assert_int_equal(c->icount - count, PROGRAM - 1);
	/* without, it goes on as ever */
	set_points(NULL, 0);
	assert_int_equal(go(), VX_KICK);
	assert_int_equal(c->sr.elr, CODE + 32);
	assert_int_equal(c->x[1], 55);
	ct.in->count = false;
}

/* Beside the guest's own breakpoints and steps, which come as without. */
static void test_host_beside(void **state)
{
	const struct vm_point p = { CODE + 0x100, 4, POINT_BREAK };
	struct cpu *c = ct.c;

	begin(MDSCR_SS);
	ct_word(CODE, 0xd69f03e0);
	ct_word(CODE + 0x100, 0xd2800547);      /* mov x7, #42 */
	ct_word(CODE + 0x104, CT_NOP);
	ct_code_changed();
	set_points(&p, 1);
	c->sr.elr = CODE + 0x100;
	c->sr.spsr = PS_SS;
	c->pc = CODE;
	assert_int_equal(go(), VX_STEP);
	assert_int_equal(c->pc, CODE + 0x100);
	set_points(NULL, 0);
	assert_int_equal(go(), VX_KICK);
	assert_int_equal(c->x[7], 42);
	assert_int_equal(c->sr.esr, ESR(0x32, ISV | 0x22));
	assert_int_equal(c->sr.elr, CODE + 0x104);
	assert_int_equal(c->n_exc[0x32], 1);
}

static void test_host_watch(void **state)
{
	static const struct {
		uint32_t w;
		uint64_t addr, len;
		uint8_t kind;
		bool hit;
		uint64_t at;
	} t[] = {
		{ 0xf90000e1, DATA, 8, POINT_WRITE, true, DATA },       /* str */
		{ 0xf90000e1, DATA, 8, POINT_READ, false, 0 },
		{ 0xf90000e1, DATA, 8, POINT_ACCESS, true, DATA },
		{ 0xf90000e1, DATA + 7, 1, POINT_WRITE, true, DATA + 7 },
		{ 0xf90000e1, DATA + 8, 8, POINT_WRITE, false, 0 },
		{ 0xf90000e1, DATA - 8, 8, POINT_WRITE, false, 0 },
		{ 0xf90000e1, DATA - 100, 1000, POINT_WRITE, true, DATA },
		{ 0xf94000e1, DATA, 8, POINT_WRITE, false, 0 },         /* ldr */
		{ 0xf94000e1, DATA + 4, 8, POINT_READ, true, DATA + 4 },
		{ 0xa94004e0, DATA + 12, 1, POINT_READ, true,
		  DATA + 12 },                                          /* ldp */
		{ 0xa90004e0, DATA + 12, 1, POINT_WRITE, true, DATA + 12 },
		{ 0xf82100e0, DATA, 8, POINT_READ, true, DATA },        /* ldadd */
		{ 0xf82100e0, DATA, 8, POINT_WRITE, true, DATA },
		{ 0x3d8004e0, DATA + 31, 1, POINT_WRITE, true,
		  DATA + 31 },                                          /* str q0 */
		/* with writeback */
		{ 0xb81fc4e1, DATA, 4, POINT_WRITE, true, DATA },
	};
	struct cpu *c = ct.c;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const struct vm_point p = { t[i].addr, t[i].len, t[i].kind };

		ct_reset();
		c->sr.sctlr &= ~2ull;
		except_set_pstate(c, CT_EL1H);
		c->sr.cpacr = 3 << 20;
		mmu_view(c);
		c->x[7] = DATA;
		c->x[1] = 0x1111;
		memset(ct.f->ram + (DATA - FAKE_RAM), 0, 64);
		ct_word(CODE, 0xb94000e2);      /* ldr w2, [x7]: fills the TLB */
		ct_word(CODE + 4, 0xb90000e2);
		ct_word(CODE + 8, CT_SVC);
		ct_code_changed();
		c->pc = CODE;
		assert_int_equal(go(), VX_KICK);
		except_set_pstate(c, CT_EL1H);
		set_points(&p, 1);
		ct_word(CODE, t[i].w);
		ct_word(CODE + 4, CT_SVC);
		ct_code_changed();
		c->pc = CODE;
		if (go() != (t[i].hit ? VX_STEP : VX_KICK) ||
		    ct.vm.cpu[0].stop.kind !=
			    (t[i].hit ? STOP_WATCH : STOP_NONE) ||
		    (t[i].hit && (c->pc != CODE || c->x[7] != DATA ||
				  ct.vm.cpu[0].stop.addr != t[i].at ||
				  ct.vm.cpu[0].stop.point != t[i].kind)))
			fail_msg("%zu: %08x: stop %d at %lx, pc %lx, ESR %x", i,
				 (unsigned)t[i].w, ct.vm.cpu[0].stop.kind,
				 (unsigned long)ct.vm.cpu[0].stop.addr,
				 (unsigned long)c->pc, (unsigned)c->sr.esr);
		set_points(NULL, 0);
		if (t[i].hit)
			assert_int_equal(go(), VX_KICK);
		assert_int_equal(c->sr.elr, CODE + 8);
	}
}

/* A step takes no interrupt, where that is asked for, and loses none. */
static void test_host_noirq(void **state)
{
	struct cpu *c = ct.c;

	for (int hold = 0; hold < 2; hold++) {
		ct_reset();
		ct_word(CODE, 0xd50342ff);      /* msr daifclr, #2 */
		ct_word(CODE + 4, 0xd503207f);  /* wfi */
		ct_word(CODE + 8, CT_NOP);
		ct_code_changed();
		c->pc = CODE;
		ct.vm.step_noirq = hold;
		atomic_store(&c->irq_lines, 1);
		for (int i = 0; i < 3; i++)
			accel_interp.cpu_run(&ct.vm.cpu[0], true);
		assert_int_equal(c->n_irq > 0, !hold);
		if (hold)
			assert_int_equal(c->pc, CODE + 12);
		go();
		assert_int_equal(c->sr.elr, CODE + (hold ? 12 : 4));
		atomic_store(&c->irq_lines, 0);
		c->n_irq = 0;
	}
	ct.vm.step_noirq = false;
}

static void test_registers(void **state)
{
	struct vcpu *v = &ct.vm.cpu[0];
	struct cpu *c = ct.c;
	uint64_t val = 0;
	uint32_t fp = 0;
	uint8_t q[16] = { 1, 2, 3 };
	int n;
	const struct sysreg *r = sysreg_table(&n);

	ct_reset();
	c->x[5] = 55;
	assert_int_equal(accel_interp.cpu_reg(v, CPU_REG_X(5), false, &val), 0);
	assert_int_equal(val, 55);
	/* each SP by its name, whichever is in use */
	for (unsigned sel = 0; sel < 2; sel++) {
		except_set_pstate(c, PS_DAIF | 4 | sel);
		val = 0x100 + sel;
		accel_interp.cpu_reg(v, CPU_REG_SP_EL0, true, &val);
		val = 0x200 + sel;
		accel_interp.cpu_reg(v, CPU_REG_SP_EL1, true, &val);
		assert_int_equal(c->x[REG_SP], (sel ? 0x200 : 0x100) + sel);
		accel_interp.cpu_reg(v, CPU_REG_MSR(3, 0, 4, 1, 0), false,
				     &val);
		assert_int_equal(val, 0x100 + sel);
	}
	val = PS_Z | PS_DAIF;           /* EL0 */
	assert_int_equal(accel_interp.cpu_reg(v, CPU_REG_PSTATE, true, &val),
			 0);
	assert_int_equal(c->el, 0);
	assert_ptr_equal(c->tlb, &c->views[TLB_EL0]);
	val = 0;
	accel_interp.cpu_reg(v, CPU_REG_PSTATE, false, &val);
	assert_int_equal(val, PS_Z | PS_DAIF);
	for (val = 1; val < 32; val++)  /* modes that there are not */
		if (val != 4 && val != 5)
			assert_int_equal(accel_interp.cpu_reg(v, CPU_REG_PSTATE,
							      true, &val), -1);
	accel_interp.cpu_reg(v, CPU_REG_V(31), true, q);
	assert_memory_equal(&c->v[31], q, 16);
	fp = 0xffffffff;
	accel_interp.cpu_reg(v, CPU_REG_FPCR, true, &fp);
	assert_int_not_equal(c->views[0].ctx & CTX_FPSLOW, 0);
	fp = 0;
	accel_interp.cpu_reg(v, CPU_REG_FPCR, true, &fp);
	assert_int_equal(c->views[0].ctx & CTX_FPSLOW, 0);
	/* every system register can be asked for; none of the GIC's answers */
	for (int i = 0; i < n; i++) {
		int ok = accel_interp.cpu_reg(v, CPU_REG_U64 | CPU_REG_SYS |
						 r[i].enc, false, &val);

		if (!strncmp(r[i].name, "ICC_", 4) ||
		    !strncmp(r[i].name, "RND", 3))
			assert_int_equal(ok, -1);
		if (!strcmp(r[i].name, "TCR_EL1"))
			assert_int_equal(ok, 0);
	}
	assert_int_equal(accel_interp.cpu_reg(v, ~0ull, false, &val), -1);
	assert_int_equal(accel_interp.cpu_reg(v, CPU_REG_X(31) | 1, false,
					      &val), -1);
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(step), T(step_loop), T(breakpoint), T(watchpoint),
		T(watch_run), T(ctx), T(host_step), T(host_break),
		T(host_beside), T(host_watch), T(host_noirq), T(registers),
	};

	return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
