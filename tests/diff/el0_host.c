/* el0_host.c: the other side of el0_guest.c: makes cases from the instruction
 * table (el0_gen.h), runs them in the interpreter at EL0, compares.
 *
 *	el0_host gen SEED COUNT [ROW-PREFIX]  > cases
 *	qemu-aarch64 -cpu max el0_guest       < cases > outcomes
 *	el0_host check cases outcomes
 *	el0_host run cases outcomes           > outcomes of this side
 *	el0_host rows                         the rows' names
 *
 * A case runs several times from the same state, and each run is compared: the
 * first decodes, the next ones find the pairs fused (fuse.h); two more count
 * instructions (CTX_COUNT), which has branches of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "accel.h"
#include "as.h"
#include "board.h"
#include "config.h"
#include "../../src/interp/cache.h"
#include "../../src/interp/cpu.h"
#include "../../src/interp/decode.h"
#include "../../src/interp/except.h"
#include "../../src/interp/flags.h"
#include "../../src/interp/fpstate.h"
#include "../../src/interp/mmu.h"
#include "el0_case.h"
#include "el0_gen.h"
#include "el0_hot.h"

/* ---- the machine ----------------------------------------------------------- */

#define RAM_BASE 0x70000000ul
#define RAM_SIZE (64ul << 20)
enum { PA_VECTORS = 0x10000, PA_TABLES = 0x20000, PA_DATA = 0x200000,
       PA_CODE = 0x400000 };

static struct vm vm;
static uint8_t *ram;

void vm_request(struct vm *v, enum vm_event ev, const char *why)
{
	atomic_store(&v->event, ev);
	atomic_store(&v->park, true);
	v->accel->cpu_kick(&v->cpu[0]);
}

static uint64_t *table(unsigned i)
{
	return (uint64_t *)(void *)(ram + PA_TABLES + 4096ul * i);
}

/* 4 KiB granule, 48 bits: the case's pages for EL0, the vectors for EL1. */
static void make_tables(void)
{
	const uint64_t table_desc = 3, page = 0x707, user = 0x40, ro = 0x80,
		       pxn = 1ull << 53, uxn = 1ull << 54;
	uint64_t base = RAM_BASE + PA_TABLES;

	table(5)[0] = base | table_desc;        /* level 0 */
	table(0)[0] = (base + 4096) | table_desc;
	table(1)[DATA_VA >> 21] = (base + 2 * 4096) | table_desc;
	table(1)[CODE_VA >> 21] = (base + 3 * 4096) | table_desc;
	for (unsigned i = 1; i <= 3; i++)
		table(2)[i] = (RAM_BASE + PA_DATA + i * 4096) | page | user |
			      pxn | uxn | (i == 3 ? ro : 0);
	for (unsigned i = 0; i < CODE_BYTES / 4096; i++)
		table(3)[i] = (RAM_BASE + PA_CODE + i * 4096) | page | user |
			      pxn;
	/* vectors: identity, a 2 MiB block in level 1's second GiB */
	table(0)[RAM_BASE >> 30] = (base + 4 * 4096) | table_desc;
	table(4)[RAM_BASE >> 21 & 511] = RAM_BASE | 0x705 | uxn;
}

static void die(const struct err *e)
{
	fprintf(stderr, "el0_host: %s\n", e->msg);
	exit(1);
}

static struct cpu *machine_new(void)
{
	static struct config config;
	struct err e = { 0 };
	const struct ram *r;

	config_init(&config);
	config.cpu = CFG_CPU_QEMU72;
	vm.accel = &accel_interp;
	vm.ncpus = 1;
	vm.config = &config;
	vm.board = &board_vmapple;
	vm.cpu[0].vm = &vm;
	vm.entry_pc = RAM_BASE;
	vm.as = as_new(&e);
	if (!vm.as)
		die(&e);
	r = as_ram(vm.as, "ram", RAM_BASE, RAM_SIZE, &e);
	if (!r || accel_interp.open(&vm, &e) < 0 ||
	    accel_interp.cpu_open(&vm.cpu[0], &e) < 0)
		die(&e);
	ram = r->host;
	make_tables();
	fill_memory(ram + PA_DATA + 3 * 4096, 4096, 99);
	/* every vector: x0 to TPIDR_EL1, then PSCI SYSTEM_OFF */
	for (unsigned i = 0; i < 16; i++) {
		static const uint32_t code[] = {
			0xd518d080,     /* msr tpidr_el1, x0 */
			0xd2800100,     /* mov x0, #8 */
			0xf2b08000,     /* movk x0, #0x8400, lsl #16 */
			0xd4000002,     /* hvc #0 */
			0x14000000,
		};

		memcpy(ram + PA_VECTORS + 128 * i, code, sizeof(code));
	}
	accel_interp.cpu_reset(&vm.cpu[0]);
	struct cpu *c = vm.cpu[0].priv;

	c->sr.vbar = RAM_BASE + PA_VECTORS;
	c->sr.mair = 0xff04;
	c->sr.tcr = 16 | 1u << 8 | 1u << 10 | 3u << 12 | 1u << 23 | 5ull << 32 | 1ull << 37;
	c->sr.ttbr[0] = RAM_BASE + PA_TABLES + 5 * 4096;
	c->sr.cpacr = 3u << 20;
	/* DC ZVA, UCI, UCT, keys on as Linux has them */
	c->sr.sctlr |= 1u | 1u << 14 | 1u << 15 | 1u << 26 | 1u << 31 |
		       1u << 30 | 1u << 27 | 1u << 13;
	mmu_regs_changed(c);
	mmu_view(c);
	return c;
}

static void put_state(struct cpu *c, const struct state *s, uint64_t pc)
{
	memcpy(c->x, s->x, sizeof(s->x));
	memcpy(c->v, s->v, sizeof(s->v));
	except_set_pstate(c, s->nzcv);
	c->x[REG_SP] = s->sp;
	c->pc = pc;
	c->excl_valid = false;
	fpstate_write_fpcr(c, s->fpcr);
	fpstate_write_fpsr(c, s->fpsr);
	mmu_view(c);
}

static void get_outcome(struct cpu *c, const struct test_case *t, uint64_t code,
			struct outcome *o)
{
	unsigned ec = (unsigned)(c->sr.esr >> 26) & 63,
		 fsc = c->sr.esr & 63;

	memset(o, 0, sizeof(*o));
	memcpy(o->out.x, c->x, sizeof(o->out.x));
	o->out.x[0] = c->sr.tpidr_el1;
	o->out.sp = c->sr.sp_el[0];
	memcpy(o->out.v, c->v, sizeof(o->out.v));
	o->out.nzcv = (uint32_t)c->sr.spsr & 0xf0000000;
	o->out.fpcr = c->sr.fpcr;
	o->out.fpsr = fpstate_read_fpsr(c);
	o->pc = (uint32_t)(c->sr.elr - code);
	o->mem_hash = hash_memory(ram + PA_DATA + 4096, 2 * 4096);
	switch (ec) {
	case 0x3c:
		o->kind = c->sr.elr == code + 4 * t->n ? OUT_END : OUT_TRAP;
		break;
	case 0: o->kind = OUT_UNDEF; break;
	case 0x24:
		o->kind = fsc == 0x21 ? OUT_ALIGN : OUT_DATA;
		if (o->kind == OUT_DATA)
			/* Linux reports it without the tag */
			o->far = (uint64_t)((int64_t)(c->sr.far << 8) >> 8);
		break;
	case 0x26: case 0x22: o->kind = OUT_ALIGN; break;
	case 0x20: o->kind = OUT_FETCH; break;
	default: o->kind = OUT_OTHER;
	}
}

static void put_code(const struct test_case *t)
{
	uint32_t *p = (uint32_t *)(void *)(ram + PA_CODE + t->at);

	memcpy(p, t->w, 4 * t->n);
	for (unsigned i = t->n; i < CODE_STEP / 4; i++)
		p[i] = SENTINEL;
}

/* Runs it, counting instructions or not; how many it were, then. */
static uint64_t run_case(struct cpu *c, const struct test_case *t, bool count,
			 struct outcome *o)
{
	const uint64_t from = 1ull << 32;       /* no deadline is near */

	fill_memory(ram + PA_DATA + 4096, 2 * 4096, t->mem_seed);
	c->in->count = count;
	put_state(c, &t->in, CODE_VA + t->at);
	atomic_store(&vm.park, false);
	atomic_store(&c->req, 0);
	c->icount = from;
	accel_interp.cpu_run(&vm.cpu[0], false);
	get_outcome(c, t, CODE_VA + t->at, o);
	return c->icount - from;
}

/* What is fused of the case's records now. */
static void note_fused(struct cpu *c, const struct test_case *t)
{
	int n;
	const struct ram *r = as_rams(vm.as, &n);

	for (unsigned i = 0; i < t->n; i++) {
		uint64_t pa = RAM_BASE + PA_CODE + t->at + 4 * i;

		hot_note(cache_page(c, r, pa, c->tlb->ctx)
				 ->r[pa >> 2 & (REC_WORDS - 1)].h);
	}
}

/* ---- comparison -------------------------------------------------------------- */

static const char *const kinds[] = { "end", "undef", "data abort", "fetch abort",
				     "alignment", "trap", "other" };

/* The word that stopped it; the single one. */
static uint32_t word_of(const struct test_case *t, const struct outcome *o)
{
	return o->pc / 4 < t->n ? t->w[o->pc / 4] : t->w[0];
}

/* Known differences, each with its reason: not compared. */
static bool known(const struct cpu_model *m, const struct test_case *t,
		  uint32_t w, const struct outcome *a, const struct outcome *b)
{
	const struct a64_row *row = decode_row(w, m);
	const char *name = row ? row->name : "";

	/* Unallocated half-precision forms that QEMU 7.2 gets wrong
	 * (spec/cpu.md section 8) are UNDEF here. */
	if ((w & 0xbffffc00) == 0x0ef9f800 || (w & 0xfffffc00) == 0x5ef8f800 ||
	    (w & 0xfffffc00) == 0x7ef9f800)
		return true;
	/* FMOV (vector, immediate) with op and o2 both 1 is unallocated. */
	if ((w & 0xbff8fc00) == 0x2f00fc00)
		return true;
	/* FCVTZS to a half-precision fixed-point number has 16 bits of result;
	 * QEMU 7.2 leaves the sign in the 16 above. */
	if ((w & 0xfff0fc00) == 0x5f10fc00 && !(a->out.v[w & 31][0] >> 16) &&
	    b->out.v[w & 31][0] >> 16 == 0xffff)
		return true;
	/* Alignment that no memory type changes is reported before translation
	 * (spec/cpu.md 3.3); QEMU translates first. */
	if (a->kind == OUT_ALIGN && b->kind == OUT_DATA)
		return true;
	/* A structure store that faults may have written some elements; here it
	 * writes none. */
	if (a->kind == OUT_DATA && b->kind == OUT_DATA &&
	    !strncmp(name, "ST_", 3))
		return true;
	/* Nor does a structure load or a load of a pair of vector registers that
	 * faults write any of them, which are all UNKNOWN then; QEMU has written
	 * some. */
	if (a->kind == OUT_DATA && b->kind == OUT_DATA && a->far == b->far &&
	    (!strncmp(name, "LD_", 3) || (w & 0x3e400000) == 0x2c400000)) {
		struct outcome o = *a;

		memcpy(o.out.v, b->out.v, sizeof(o.out.v));
		return !memcmp(&o, b, sizeof(o));
	}
	/* A pair across two pages, the second of which may not be written: what
	 * is in the first one is UNKNOWN then (Arm ARM D1.3.4). QEMU has
	 * written its element, we never write. */
	if (a->kind == OUT_DATA && b->kind == OUT_DATA && a->far == b->far &&
	    (w & 0x3a400000) == 0x28000000) {
		struct outcome o = *a;

		o.mem_hash = b->mem_hash;
		return !memcmp(&o, b, sizeof(o));
	}
	/* Without FEAT_LSE2 LDAPR has to be aligned; QEMU does not check. */
	if (a->kind == OUT_ALIGN && !strncmp(name, "LDAP", 4))
		return true;
	/* A store-exclusive checks alignment and permission whether or not the
	 * monitor would have let it pass; QEMU looks at the monitor first. */
	if ((w & 0x3fc00000) == 0x08000000 &&
	    (a->kind == OUT_ALIGN || a->kind == OUT_DATA) &&
	    (b->kind == OUT_END || t->shape != SHAPE_SINGLE))
		return true;
	return false;
}

static int differs(const struct outcome *a, const struct outcome *b)
{
	return memcmp(a, b, sizeof(*a)) != 0;
}

static void report(const struct test_case *t, const char *how, const char *name,
		   const struct outcome *us, const struct outcome *them)
{
	printf("%s, %s: %s at +%u, reference %s at +%u\n", name, how,
	       kinds[us->kind], us->pc, kinds[them->kind], them->pc);
	for (unsigned i = 0; i < t->n; i++)
		printf("  %lx: %08x\n", CODE_VA + t->at + 4 * i, t->w[i]);
	for (int i = 0; i < 31; i++)
		if (us->out.x[i] != them->out.x[i])
			printf("  x%d in %lx: %lx, reference %lx\n", i,
			       t->in.x[i], us->out.x[i], them->out.x[i]);
	for (int i = 0; i < 32; i++)
		if (us->out.v[i][0] != them->out.v[i][0] ||
		    us->out.v[i][1] != them->out.v[i][1])
			printf("  v%d in %016lx_%016lx: %016lx_%016lx, "
			       "reference %016lx_%016lx\n", i, t->in.v[i][1],
			       t->in.v[i][0], us->out.v[i][1], us->out.v[i][0],
			       them->out.v[i][1], them->out.v[i][0]);
	if (us->out.sp != them->out.sp)
		printf("  sp %lx, reference %lx\n", us->out.sp, them->out.sp);
	if (us->out.nzcv != them->out.nzcv)
		printf("  nzcv %x, reference %x\n", us->out.nzcv,
		       them->out.nzcv);
	if (us->out.fpsr != them->out.fpsr || us->out.fpcr != them->out.fpcr)
		printf("  fpcr %x fpsr %x, reference %x %x\n", us->out.fpcr,
		       us->out.fpsr, them->out.fpcr, them->out.fpsr);
	if (us->far != them->far)
		printf("  far %lx, reference %lx\n", us->far, them->far);
	if (us->mem_hash != them->mem_hash)
		printf("  memory differs\n");
	printf("  in: nzcv %x fpcr %x fpsr %x sp %lx", t->in.nzcv, t->in.fpcr,
	       t->in.fpsr, t->in.sp);
	for (int i = 0; i < 31; i++)
		printf("%s x%d %lx", i % 6 ? "" : "\n   ", i, t->in.x[i]);
	printf("\n");
}

static bool agrees(const struct cpu_model *m, const struct test_case *t,
		   const struct outcome *us, const struct outcome *them)
{
	struct outcome o = *us;

	if (!differs(us, them) || known(m, t, word_of(t, us), us, them))
		return true;
	/* the word that stopped it may be the one that it wrote there */
	if (t->shape == SHAPE_SMC && CODE_VA + t->at + us->pc ==
				     t->in.x[GEN_SMC_AT] &&
	    known(m, t, (uint32_t)t->in.x[GEN_SMC_WORD], us, them))
		return true;
	/* Linux reports no address for what no user can have, in part or whole */
	if (us->kind == OUT_DATA && !them->far &&
	    (us->far >> 47 || (us->far + 15) >> 47))
		o.far = 0;
	return !differs(&o, them);
}

/* Every run of one case against the reference; how it differed, or NULL. */
static const char *run_all(struct cpu *c, const struct test_case *t,
			   uint64_t k, const struct outcome *them,
			   struct outcome *us)
{
	static const char *const how[] = {
		"first run", "second run", "first counted run",
		"second counted run",
	};
	uint64_t count[4];

	if (k % CODE_CASES == 0)
		accel_interp.reset(&vm);        /* the area is written anew */
	put_code(t);
	for (unsigned i = 0; i < 4; i++) {
		count[i] = run_case(c, t, i >= 2, us);
		if (!agrees(c->in->model, t, us, them))
			return how[i];
		if (i == 1)
			note_fused(c, t);
		/* its code is not what it was, and decoded so */
		if (t->shape == SHAPE_SMC)
			return NULL;
	}
	return count[2] == count[3] ? NULL : "instructions counted";
}

static const char *name_of(const struct test_case *t)
{
	static const char *const shapes[] = {
		"", "straight line", "loop", "loop entered in the middle",
		"call", "self-modifying loop",
	};
	int n;

	return t->shape == SHAPE_SINGLE ? decode_rows(&n)[t->row].name :
					  shapes[t->shape];
}

/* So many cases of several words have every row of the fusion tables. */
enum { ALL_ROWS = 36000 };

static int check(const char *cases, const char *outcomes)
{
	FILE *fc = fopen(cases, "rb"), *fo = fopen(outcomes, "rb");
	struct test_case t;
	struct outcome us, them;
	struct cpu *c = machine_new();
	unsigned long k = 0, bad = 0, ended = 0, many = 0;

	if (!fc || !fo) {
		perror("el0_host");
		return 1;
	}
	hot_init(c->in->model, NULL);
	for (; fread(&t, sizeof(t), 1, fc) == 1; k++) {
		const char *name = name_of(&t), *how;

		if (k % 256 == 0)
			alarm(60);      /* a case that does not end */
		if (fread(&them, sizeof(them), 1, fo) != 1) {
			printf("the reference ended at case %lu: %s %08x\n", k,
			       name, t.w[0]);
			bad++;
			break;
		}
		ended += them.kind == OUT_END;
		many += t.shape != SHAPE_SINGLE;
		how = run_all(c, &t, k, &them, &us);
		if (how && bad++ < 10)
			report(&t, how, name, &us, &them);
	}
	printf("%lu cases, %lu ran to their end, %lu differ; %u of %u fused "
	       "rows met\n", k, ended, bad, hot_rows() - hot_missed(),
	       hot_rows());
	/* chance leaves out a few; a hundredth is too many */
	if (many < ALL_ROWS || hot_missed() * 100 <= hot_rows())
		return bad || !k;
	hot_report();
	return 1;
}

/* pome's own outcomes, for el0_vote.py; on stderr the numbers of those that
 * differ from the reference's for a known reason. */
static int run_only(const char *cases, const char *outcomes)
{
	FILE *fc = fopen(cases, "rb"), *fo = fopen(outcomes, "rb");
	struct test_case t;
	struct outcome us, them;
	struct cpu *c = machine_new();

	if (!fc || !fo) {
		perror("el0_host");
		return 1;
	}
	for (unsigned long k = 0; fread(&t, sizeof(t), 1, fc) == 1; k++) {
		if (k % CODE_CASES == 0)
			accel_interp.reset(&vm);
		put_code(&t);
		run_case(c, &t, false, &us);
		if (fread(&them, sizeof(them), 1, fo) != 1 ||
		    fwrite(&us, sizeof(us), 1, stdout) != 1)
			return 1;
		if (differs(&us, &them) && agrees(c->in->model, &t, &us, &them))
			fprintf(stderr, "%lu\n", k);
	}
	return 0;
}

static int list_rows(void)
{
	int n;
	const struct a64_row *r = decode_rows(&n);

	for (int i = 0; i < n; i++)
		puts(r[i].name);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "gen")) {
		struct cpu_model m;
		struct err e;
		unsigned long count = strtoul(argv[3], NULL, 0);

		if (model_parse(&m, "qemu72", &e) < 0)
			die(&e);
		gen_init(&m, strtoull(argv[2], NULL, 0));
		for (unsigned long i = 0; i < count; i++) {
			struct test_case t;

			gen_case(&t, i, argc > 4 ? argv[4] : NULL);
			if (fwrite(&t, sizeof(t), 1, stdout) != 1)
				return 1;
		}
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "check"))
		return check(argv[2], argv[3]);
	if (argc == 4 && !strcmp(argv[1], "run"))
		return run_only(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "rows"))
		return list_rows();
	fprintf(stderr, "usage: el0_host gen SEED COUNT [ROW-PREFIX] | "
			"check CASES OUTCOMES | run CASES OUTCOMES | rows\n");
	return 2;
}
