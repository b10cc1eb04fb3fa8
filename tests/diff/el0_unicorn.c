/* el0_unicorn.c: runs the cases of standard input in libunicorn and writes their
 * outcomes. Its engine is a QEMU of 2020: an opinion on what later ones changed,
 * not an independent one.
 *
 * It has no EL0: memory is flat and all Device, so alignment is never looked at,
 * and faults carry no more than their kind and place. Without fixed registers a
 * case starts from what the last one left; all that el0_case.h knows is set. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicorn/unicorn.h>

#include "el0_case.h"

static struct outcome o;
static uc_engine *uc;

static void die(const char *what, uc_err e)
{
	fprintf(stderr, "el0_unicorn: %s: %s\n", what, uc_strerror(e));
	exit(1);
}

static void check(const char *what, uc_err e)
{
	if (e)
		die(what, e);
}

static bool on_fault(uc_engine *u, uc_mem_type type, uint64_t addr, int size,
		     int64_t value, void *user)
{
	(void)u, (void)size, (void)value, (void)user;
	o.kind = type == UC_MEM_FETCH_UNMAPPED ? OUT_FETCH : OUT_DATA;
	o.far = (uint64_t)((int64_t)(addr << 8) >> 8);
	return false;
}

static void on_exception(uc_engine *u, uint32_t number, void *user)
{
	(void)number, (void)user;
	o.kind = OUT_UNDEF;
	uc_emu_stop(u);
}

static bool on_invalid(uc_engine *u, void *user)
{
	(void)u, (void)user;
	o.kind = OUT_UNDEF;
	return false;
}

static int x_reg(int i)
{
	return i < 29 ? UC_ARM64_REG_X0 + i :
	       i == 29 ? UC_ARM64_REG_X29 : UC_ARM64_REG_X30;
}

static void move(struct state *s, bool put)
{
	uc_err (*f)(uc_engine *, int, void *) =
		put ? (uc_err (*)(uc_engine *, int, void *))uc_reg_write :
		      uc_reg_read;

	for (int i = 0; i < 31; i++)
		check("register", f(uc, x_reg(i), &s->x[i]));
	for (int i = 0; i < 32; i++)
		check("vector", f(uc, UC_ARM64_REG_V0 + i, s->v[i]));
	check("sp", f(uc, UC_ARM64_REG_SP, &s->sp));
	uint64_t nzcv = s->nzcv, fpcr = s->fpcr, fpsr = s->fpsr;

	check("nzcv", f(uc, UC_ARM64_REG_NZCV, &nzcv));
	check("fpcr", f(uc, UC_ARM64_REG_FPCR, &fpcr));
	check("fpsr", f(uc, UC_ARM64_REG_FPSR, &fpsr));
	s->nzcv = (uint32_t)nzcv & 0xf0000000;
	s->fpcr = (uint32_t)fpcr;
	s->fpsr = (uint32_t)fpsr;
}

static void memory(uint64_t at, const void *from, uint64_t bytes)
{
	check("write", uc_mem_write(uc, at, from, bytes));
}

static void run(const struct test_case *t)
{
	static uint8_t data[2 * DATA_PAGE];
	uint64_t code = CODE_VA + t->at, pc = 0;
	uint32_t w[CODE_STEP / 4];
	struct state in = t->in;
	uc_err e;

	for (unsigned i = 0; i < CODE_STEP / 4; i++)
		w[i] = i < t->n ? t->w[i] : SENTINEL;
	memory(code, w, sizeof(w));
	check("cache", uc_ctl_remove_cache(uc, code, code + sizeof(w)));
	fill_memory(data, sizeof(data), t->mem_seed);
	memory(DATA_RW, data, sizeof(data));
	memset(&o, 0, sizeof(o));
	o.kind = OUT_END;
	move(&in, true);
	e = uc_emu_start(uc, code, code + 4 * t->n, 0, 1000);
	check("pc", uc_reg_read(uc, UC_ARM64_REG_PC, &pc));
	o.pc = (uint32_t)(pc - code);
	if (e && o.kind == OUT_END)
		o.kind = e == UC_ERR_INSN_INVALID ? OUT_UNDEF : OUT_OTHER;
	if (!e && o.kind == OUT_END && o.pc != 4 * t->n)
		o.kind = OUT_OTHER;
	move(&o.out, false);
	check("read", uc_mem_read(uc, DATA_RW, data, sizeof(data)));
	o.mem_hash = hash_memory(data, sizeof(data));
}

int main(void)
{
	static struct test_case t;
	static uint8_t page[DATA_PAGE];
	uint64_t fpen = 3 << 20;
	uc_hook h[3];

	check("open", uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &uc));
	check("model", uc_ctl_set_cpu_model(uc, UC_CPU_ARM64_MAX));
	check("cpacr", uc_reg_write(uc, UC_ARM64_REG_CPACR_EL1, &fpen));
	check("map", uc_mem_map(uc, DATA_RW, 2 * DATA_PAGE,
				UC_PROT_READ | UC_PROT_WRITE));
	check("map", uc_mem_map(uc, DATA_RO, DATA_PAGE, UC_PROT_READ));
	check("map", uc_mem_map(uc, CODE_VA, CODE_BYTES, UC_PROT_ALL));
	fill_memory(page, sizeof(page), 99);
	memory(DATA_RO, page, sizeof(page));
	check("hook", uc_hook_add(uc, &h[0], UC_HOOK_MEM_INVALID, on_fault,
				  NULL, 1, 0));
	check("hook", uc_hook_add(uc, &h[1], UC_HOOK_INTR, on_exception, NULL,
				  1, 0));
	check("hook", uc_hook_add(uc, &h[2], UC_HOOK_INSN_INVALID, on_invalid,
				  NULL, 1, 0));
	while (fread(&t, sizeof(t), 1, stdin) == 1) {
		run(&t);
		fwrite(&o, sizeof(o), 1, stdout);
	}
	return 0;
}
