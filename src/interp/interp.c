/* interp.c: the interpreter behind accel.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel.h"
#include "board.h"
#include "cache.h"
#include "config.h"
#include "debug.h"
#include "decode.h"
#include "except.h"
#include "fpstate.h"
#include "gicv2m.h"
#include "gicv3.h"
#include "hvc_apple.h"
#include "iclock.h"
#include "interp.h"
#include "mmu.h"
#include "op.h"
#include "pmu.h"
#include "psci.h"
#include "regs.h"
#include "run.h"
#include "sysreg.h"
#include "timer.h"
#include "trace.h"

/* What --code-cache is without the option: the bound of the issue. */
#define CODE_CACHE_BYTES (64ull << 20)

static int interp_probe(struct err *e)
{
	return 0;
}

/* "PROFILE,FEAT=on,..." for model_parse, from the options. */
static int model_of(struct cpu_model *m, const struct config *cfg,
		    struct err *e)
{
	char spec[CFG_MAX_FEATS * 32 + 32] = "generic";
	size_t n;

	if (!cfg)
		return model_parse(m, spec, e);
	if (config_vmapple_cpu(cfg))
		strcpy(spec, "vmapple");
	else if (cfg->cpu == CFG_CPU_QEMU72)
		strcpy(spec, "qemu72");
	if (!model_host_lse2())
		strcat(spec, ",lse2=off");
	n = strlen(spec);
	for (int i = 0; i < cfg->nfeats; i++)
		n += (size_t)snprintf(spec + n, sizeof(spec) - n, ",%s=%s",
				      cfg->feat[i].name,
				      cfg->feat[i].on ? "on" : "off");
	return model_parse(m, spec, e);
}

int interp_check_cpu(const struct config *cfg, struct err *e)
{
	struct cpu_model m;

	return model_of(&m, cfg, e) ? err_at(e, "--cpu: ") : 0;
}

static bool interp_has_pmu(const struct vm *vm)
{
	struct cpu_model m;
	struct err e;

	memset(&m, 0, sizeof(m));
	return !model_of(&m, vm->config, &e) && m.has[FEAT_PMUv3];
}

/* The GIC's lock is held: only a flag and a kick. */
static void on_signal(void *arg, unsigned cpu, bool irq, bool fiq)
{
	struct interp *in = arg;
	struct cpu *c = in->cpu[cpu];

	if (!c)
		return;
	atomic_store(&c->irq_lines, (irq ? 1u : 0) | (fiq ? 2u : 0));
	if (irq || fiq)
		cpu_request(c, REQ_IRQ);
}

static int open_gic(struct interp *in, struct err *e)
{
	struct vm *vm = in->vm;
	const struct board *b = vm->board;
	struct gicv3_conf conf = {
		.ncpus = vm->ncpus, .nspi = b->nspi,
		.msi_addr = b->v2m + GICV2M_SETSPI, .msi_first = b->msi_first,
		.msi_count = b->msi_count, .signal = on_signal, .arg = in,
	};

	for (unsigned i = 0; i < vm->ncpus; i++)
		conf.mpidr[i] = vm->cpu[i].mpidr;
	in->gic = gicv3_new(&conf, e);
	if (!in->gic ||
	    gicv3_map(in->gic, in->as, b->gicd, b->gicr, e) < 0)
		return -1;
	vm->intc = gicv3_intc(in->gic);
	return 0;
}

static void interp_close(struct vm *vm)
{
	struct interp *in = vm->priv;

	if (!in)
		return;
	iclock_close(in);
	cache_free(in->cache);
	if (in->gic)
		gicv3_free(in->gic);
	free((void *)in->model);
	free(in);
	vm->priv = NULL;
	vm->intc = NULL;
}

static int interp_open(struct vm *vm, struct err *e)
{
	struct interp *in = calloc(1, sizeof(*in));
	struct cpu_model *m = calloc(1, sizeof(*m));
	uint64_t bytes = CODE_CACHE_BYTES;

	if (!in || !m) {
		free(in);
		free(m);
		return err_set(e, ENOMEM, "allocate the interpreter");
	}
	vm->priv = in;
	in->vm = vm;
	in->as = vm->as;
	in->ncpus = vm->ncpus;
	in->trace = trace_what(vm->trace);
	in->model = m;
	decode_init();
	if (vm->config) {
		in->count = vm->config->stats != NULL;
		if (vm->config->code_cache)
			bytes = vm->config->code_cache;
	}
	seed_init(&in->rndr, vm->config, SEED_RNDR);
	if (iclock_open(in, vm->config, e) < 0 ||
	    model_of(m, vm->config, e) < 0)
		goto fail;
	m->alone = in->ncpus == 1;
	in->cache = cache_new(in, bytes, e);
	if (!in->cache || open_gic(in, e) < 0)
		goto fail;
	hvc_apple_new_session(in);
	return 0;
fail:
	interp_close(vm);
	return -1;
}

static void interp_cpu_close(struct vcpu *v)
{
	struct cpu *c = v->priv;

	if (!c)
		return;
	debug_close(c);
	timer_close(c);
	mmu_close(c);
	c->in->cpu[c->index] = NULL;
	v->priv = NULL;
	free(c);
}

static int interp_cpu_open(struct vcpu *v, struct err *e)
{
	struct interp *in = v->vm->priv;
	struct cpu *c = aligned_alloc(64, (sizeof(*c) + 63) & ~63ull);

	if (!c)
		return err_set(e, ENOMEM, "allocate a CPU");
	memset(c, 0, sizeof(*c));
	c->in = in;
	c->vcpu = v;
	c->index = (uint8_t)v->index;
	iclock_reset(c);
	atomic_store(&c->halted, true);
	v->priv = c;
	in->cpu[c->index] = c;
	if (mmu_open(c, e) < 0 || timer_open(c, e) < 0 ||
	    debug_open(c, e) < 0) {
		interp_cpu_close(v);
		return -1;
	}
	return 0;
}

void interp_reset_cpu(struct cpu *c, uint64_t pc, uint64_t x0)
{
	memset(c->x, 0, sizeof(c->x));
	memset(c->v, 0, sizeof(c->v));
	memset(&c->exc, 0, sizeof(c->exc));
	c->x[0] = x0;
	c->pc = pc;
	c->excl_valid = false;
	c->stop = false;
	atomic_store(&c->event, false);
	atomic_store(&c->kicked, false);
	sysreg_reset(c);
	iclock_reset(c);
	pmu_reset(c);
	timer_reset(c);
	debug_reset(c);
	if (c->in->gic)
		gicv3_cpu_reset(c->in->gic, c->index);
	fpstate_write_fpsr(c, 0);
	except_set_pstate(c, PS_DAIF | 1u << 2 | PS_SP);        /* EL1h */
	fpstate_write_fpcr(c, 0);
	mmu_reset(c);
	mmu_view(c);
}

static void interp_cpu_reset(struct vcpu *v)
{
	struct cpu *c = v->priv;
	bool first = v->index == 0;

	atomic_store(&c->req, 0);
	interp_reset_cpu(c, first ? v->vm->entry_pc : 0,
			 first ? v->vm->entry_x0 : 0);
	atomic_store(&c->power, first ? CPU_POWER_ON : CPU_POWER_OFF);
}

static void interp_reset(struct vm *vm)
{
	struct interp *in = vm->priv;

	cache_reset(in->cache);
	hvc_apple_new_session(in);
	struct device *gic = gicv3_device(in->gic);

	gic->ops->reset(gic);
}

/* Runs the CPU, or waits while PSCI has it off, until the machine wants its
 * threads back. */
static enum vexit interp_cpu_run(struct vcpu *v, bool step)
{
	struct cpu *c = v->priv;
	bool done = false;

	fpstate_enter(c);
	while (!atomic_load(&v->vm->park)) {
		if (atomic_load(&c->power) != CPU_POWER_ON) {
			uint32_t req = atomic_exchange(&c->req, 0);

			if (req & REQ_TLB)
				mmu_serve(c);
			if (req & REQ_CODE)
				cache_serve(c);
			psci_serve_power(c);
			if (atomic_load(&c->power) != CPU_POWER_ON &&
			    !atomic_load(&v->vm->park))
				cpu_wait(c, UINT64_MAX);
			continue;
		}
		c->stop = step;
		atomic_store(&c->halted, false);
		atomic_thread_fence(memory_order_seq_cst);
		if (step)
			done = debug_step(c);
		else
			run_cpu(c);
		done |= v->stop.kind != STOP_NONE;
		atomic_store(&c->halted, true);
		if (done)
			break;
	}
	atomic_store(&c->halted, true);
	fpstate_leave(c);
	return done ? VX_STEP : VX_KICK;
}

static void interp_cpu_kick(struct vcpu *v)
{
	cpu_request(v->priv, REQ_KICK);
}

static int interp_cpu_state(struct vcpu *v, struct cpu_state *s)
{
	const struct cpu *c = v->priv;

	memcpy(s->x, c->x, sizeof(s->x));
	s->sp = c->x[REG_SP];
	s->pc = c->pc;
	s->pstate = except_pstate(c);
	s->esr = c->sr.esr;
	s->far = c->sr.far;
	s->elr = c->sr.elr;
	s->spsr = c->sr.spsr;
	s->vbar = c->sr.vbar;
	s->sctlr = c->sr.sctlr;
	s->ttbr0 = c->sr.ttbr[0];
	s->ttbr1 = c->sr.ttbr[1];
	s->tcr = c->sr.tcr;
	s->off = atomic_load(&c->power) != CPU_POWER_ON;
	s->idle = c->idle;
	s->insns = c->in->count ? c->icount : 0;
	return 0;
}

static int interp_translate(struct vcpu *v, uint64_t va, uint64_t *gpa)
{
	return mmu_look(v->priv, va, gpa) ? 0 : -1;
}

static void interp_code_changed(struct vm *vm, uint64_t gpa, uint64_t len)
{
	struct interp *in = vm->priv;

	for (uint64_t off = 0; off < len + (gpa & (REC_PAGE - 1));
	     off += REC_PAGE)
		cache_retire(in->cpu[0], gpa + off);
}

static void interp_stats(struct vm *vm,
			 void (*put)(void *, const char *, uint64_t), void *arg)
{
	struct interp *in = vm->priv;
	uint64_t insns = 0, fill = 0, walk = 0, mmio = 0, irq = 0, fiq = 0,
		 wfi = 0, pages, max_pages, retired, exc[64] = { 0 };

	for (unsigned i = 0; i < in->ncpus; i++) {
		const struct cpu *c = in->cpu[i];

		if (!c)
			continue;
		insns += c->icount;
		fill += c->n_fill + c->n_refill;
		walk += c->n_walk + c->n_refill;
		mmio += c->n_mmio;
		irq += c->n_irq;
		fiq += c->n_fiq;
		wfi += c->n_wfi;
		for (int k = 0; k < 64; k++)
			exc[k] += c->n_exc[k];
	}
	if (in->count)
		put(arg, "guest_instructions", insns);
	put(arg, "tlb_fills", fill);
	put(arg, "table_walks", walk);
	put(arg, "mmio", mmio);
	put(arg, "irqs", irq);
	put(arg, "fiqs", fiq);
	put(arg, "waits", wfi);
	cache_stats(in->cache, &pages, &max_pages, &retired);
	put(arg, "code_pages", pages);
	put(arg, "code_pages_max", max_pages);
	put(arg, "code_pages_retired", retired);
	put(arg, "code_bytes", pages * sizeof(struct codepage));
	for (int k = 0; k < 64; k++) {
		char name[32];

		if (!exc[k])
			continue;
		snprintf(name, sizeof(name), "exceptions_ec_%02x",
			 (unsigned)k);
		put(arg, name, exc[k]);
	}
}

const struct accel_ops accel_interp = {
	.name = "interp",
	.step_noirq = true,
	.probe = interp_probe,
	.has_pmu = interp_has_pmu,
	.open = interp_open,
	.cpu_open = interp_cpu_open,
	.cpu_reset = interp_cpu_reset,
	.reset = interp_reset,
	.cpu_run = interp_cpu_run,
	.cpu_kick = interp_cpu_kick,
	.cpu_state = interp_cpu_state,
	.cpu_reg = regs_access,
	.cpu_translate = interp_translate,
	.debug = debug_host_points,
	.code_changed = interp_code_changed,
	.stats = interp_stats,
	.cpu_close = interp_cpu_close,
	.close = interp_close,
};
