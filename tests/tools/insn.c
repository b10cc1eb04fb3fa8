/* insn.c: the decoder and the interpreter against every word.
 *
 *	insn rows                 the rows of a64.def, one a line
 *	insn walk [PART OF]       decodes all 2^32 words (or one part of several)
 *				  for each CPU profile; counts words by row
 *	insn exec SEED COUNT      runs COUNT random pieces of code at EL0 and EL1
 *
 * walk fails where a word gets no handler or a row no word; exec where pome
 * aborts, or does not come back within seconds of being asked to. */
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../unit/cputest.h"
#include "../../src/interp/op.h"

static const char *const profiles[] = { "generic", "vmapple", "qemu72" };

/* ---- rows ------------------------------------------------------------------ */

static int list_rows(void)
{
	int n;
	const struct a64_row *r = decode_rows(&n);

	for (int i = 0; i < n; i++)
		printf("%s\n", r[i].name);
	return 0;
}

/* ---- walk ------------------------------------------------------------------ */

static int walk(unsigned part, unsigned of)
{
	static uint64_t seen[4096], undef;
	static const uint32_t ctxs[] = { 0, CTX_FPTRAP, CTX_FPSLOW, CTX_ALIGN,
					 CTX_COUNT, CTX_ALIGN | CTX_FPSLOW };
	int n, bad = 0;
	const struct a64_row *rows = decode_rows(&n);
	uint64_t from = (1ull << 32) / of * part, to = (1ull << 32) / of *
			(part + 1);

	for (unsigned p = 0; p < 3; p++) {
		struct cpu_model m;
		struct err e;

		if (model_parse(&m, profiles[p], &e) < 0)
			return 1;
		for (uint64_t w = from; w < to; w++) {
			struct rec r = { 0 };
			uint32_t mixed = (uint32_t)w * 0x9e3779b9u;

			decode_word(&r, (uint32_t)w, mixed >> 20 & 0xffc,
				    ctxs[mixed % 6], &m);
			if (!r.h) {
				printf("%08x: no handler\n", (unsigned)w);
				bad++;
			}
			if (r.h == op_undef) {
				undef++;
				continue;
			}
			/* every 64th: looking it up again costs as much */
			if (mixed >> 26)
				continue;
			const struct a64_row *row = decode_row((uint32_t)w, &m);

			if (row)
				seen[row - rows]++;
		}
		fprintf(stderr, "%s: walked\n", profiles[p]);
	}
	for (int i = 0; i < n && of == 1; i++)
		if (!seen[i]) {
			/* few words: looked for one by one */
			struct cpu_model m;
			struct err e;
			bool found = false;

			for (unsigned p = 0; p < 3 && !found; p++) {
				if (model_parse(&m, profiles[p], &e) < 0)
					return 1;
				for (uint32_t k = 0; k < 1u << 20 && !found;
				     k++) {
					uint32_t w = rows[i].value |
						(k * 0x9e3779b9u &
						 ~rows[i].mask);

					found = decode_row(w, &m) == &rows[i];
				}
			}
			printf("%s: %s\n", rows[i].name,
			       found ? "few words" : "on no profile");
		}
	printf("walk: %llu words with a handler but UNDEF's, %llu UNDEF, %d "
	       "bad\n", (unsigned long long)(3 * (to - from) - undef),
	       (unsigned long long)undef, bad);
	return bad != 0;
}

/* ---- exec ------------------------------------------------------------------ */

static uint64_t rng;
static volatile uint64_t at_case;
static volatile sig_atomic_t late;

static uint64_t rnd(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* A piece that runs on and on is the guest's business: it is asked to stop.
 * One that does not stop then is ours. */
static void on_alarm(int sig)
{
	static uint64_t last;

	(void)sig;
	if (last == at_case) {
		atomic_store(&ct.vm.park, true);
		accel_interp.cpu_kick(&ct.vm.cpu[0]);
		if (++late > 400) {
			static const char text[] = "insn exec: hangs\n";

			if (write(2, text, sizeof(text) - 1) < 0)
				_exit(3);
			_exit(2);
		}
	} else {
		late = 0;
	}
	last = at_case;
}

static uint64_t value(void)
{
	switch (rnd() % 6) {
	case 0: case 1: case 2: return FAKE_RAM + (rnd() & 0xffff);
	case 3: return rnd() & 0xff;
	case 4: return FAKE_RAM + 0x4000;
	default: return rnd();
	}
}

static uint32_t word(void)
{
	int n;
	const struct a64_row *r = decode_rows(&n);

	if (rnd() % 3 == 0)
		return (uint32_t)rnd();
	r += rnd() % (unsigned)n;
	return r->value | ((uint32_t)rnd() & ~r->mask);
}

/* A table of blocks at RAM + 0xc000: identity, everything allowed. */
static void mmu_for_case(struct cpu *c)
{
	uint64_t *l1 = (uint64_t *)(void *)(ct.f->ram + 0xc000);

	for (unsigned i = 0; i < 512; i++)
		l1[i] = (uint64_t)i << 30 | 0x701 | (rnd() % 2 ? 0x40 : 0);
	c->sr.mair = 0xff;
	c->sr.tcr = 25 | 25ull << 16 | 2ull << 30 | 2ull << 32 | 1ull << 8 |
		    1ull << 10 | 3ull << 12;
	c->sr.ttbr[0] = c->sr.ttbr[1] = FAKE_RAM + 0xc000;
	c->sr.sctlr |= 1;
}

static int exec(uint64_t seed, uint64_t count)
{
	struct itimerval it = { { 0, 25000 }, { 0, 25000 } };
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	uint64_t exc[64] = { 0 }, kicked = 0;

	rng = seed;
	sigaction(SIGALRM, &sa, NULL);
	for (uint64_t k = 0; k < count; k++) {
		/* a new machine now and then, of another profile */
		if (k % 5000 == 0) {
			it.it_value.tv_usec = 0;
			setitimer(ITIMER_REAL, &it, NULL);
			if (k)
				ct_close();
			ct_open(1, profiles[rnd() % 3]);
			it.it_value.tv_usec = 25000;
			setitimer(ITIMER_REAL, &it, NULL);
		}
		struct cpu *c = ct.c;
		unsigned n = 1 + (unsigned)(rnd() % 8);
		bool user = rnd() % 2;

		at_case = k + 1;
		ct_reset();
		for (int i = 0; i < 31; i++)
			c->x[i] = value();
		for (int i = 0; i < 32; i++) {
			c->v[i].d[0] = rnd() & (rnd() % 2 ? ~0ull : 0xffff);
			c->v[i].d[1] = rnd();
		}
		if (rnd() % 2)
			mmu_for_case(c);
		c->sr.sctlr |= rnd() & 0x04009c1aull;   /* UCI DZE UCT .. A SA */
		c->sr.cpacr = rnd() % 8 ? 3u << 20 : rnd() & 3u << 20;
		except_set_pstate(c, ((user ? CT_EL0 : CT_EL1H) & ~PS_DAIF) |
				  (uint32_t)(rnd() & (PS_DAIF | 0xf0000000u)));
		c->x[REG_SP] = value() & ~15ull;
		c->sr.sp_el[0] = c->sr.sp_el[1] = FAKE_RAM + 0x7000;
		mmu_regs_changed(c);
		mmu_view(c);
		/* WFI and WFE go on at once */
		atomic_store(&c->irq_lines, 1);
		atomic_store(&c->event, true);
		for (unsigned i = 0; i < n; i++)
			ct_word(FAKE_RAM + i * 4, word());
		ct_word(FAKE_RAM + n * 4, CT_SVC);
		ct_code_changed();
		c->pc = FAKE_RAM;
		atomic_store(&c->req, 0);
		atomic_store(&ct.vm.park, false);
		accel_interp.cpu_run(&ct.vm.cpu[0], rnd() % 8 == 0);
		kicked += ct.event == VM_NONE;
	}
	it.it_value.tv_usec = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 64; i++)
		exc[i] = ct.c->n_exc[i];
	ct_close();
	printf("exec: %llu pieces, %llu of them stopped; of the last machine's "
	       "exceptions", (unsigned long long)count,
	       (unsigned long long)kicked);
	for (int i = 0; i < 64; i++)
		if (exc[i])
			printf(" %02x:%llu", i, (unsigned long long)exc[i]);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	decode_init();
	if (argc == 2 && !strcmp(argv[1], "rows"))
		return list_rows();
	if (argc == 2 && !strcmp(argv[1], "walk"))
		return walk(0, 1);
	if (argc == 4 && !strcmp(argv[1], "walk"))
		return walk((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "exec"))
		return exec(strtoull(argv[2], NULL, 0),
			    strtoull(argv[3], NULL, 0));
	fprintf(stderr, "usage: insn rows | walk [PART OF] | exec SEED COUNT\n");
	return 2;
}
