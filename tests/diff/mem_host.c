/* mem_host.c: the loads and stores of the interpreter against another
 * implementation.
 *	mem_host words SEED N [NAME] >TESTS	N random words of each row (whose
 *						name contains NAME)
 *	mem_host walk SEED N >TESTS		N random words of the class
 *	mem_host check SEED TESTS OUTCOMES	what mem_guest wrote
 * mem_diff.sh puts them together. Each test runs three times: with the inline
 * TLB full, with it always empty, and decoded for checked alignment. */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/memtest.h"
#include "mem_test.h"

enum { NOP = 0xd503201f };

static uint8_t data[DATA_SIZE], was[DATA_SIZE], lit[LIT_SIZE];

static const struct a64_row *row_of(uint32_t w)
{
	struct rec r;

	return mt_decode(&r, w);
}

static void setup(void)
{
	mt_reset();
	/* what qemu-aarch64 7.2 has not, or does not check */
	mt.model.has[FEAT_LSE2] = false;
	mt_map(DATA, DATA_SIZE, data, true, false);
	mt_map(LIT, LIT_SIZE, lit, true, false);
	mem_fill(data, DATA_SIZE, 1);
	mem_fill(lit, LIT_SIZE, 2);
	memcpy(was, data, DATA_SIZE);
}

static void run(struct mem_out *o, const uint32_t test[3], uint64_t seed,
		uint32_t n, int how)
{
	struct mem_state st;
	struct cpu *c = &mt_cpu;
	uint32_t ret = 0xd65f03c0;

	memset(o, 0, sizeof(*o));
	mem_operands(&st, seed, n, test[1], (int)test[2]);
	memcpy(c->x, st.x, sizeof(st.x));
	memcpy(c->v, st.v, sizeof(st.v));
	c->x[REG_ZERO] = 0;
	c->excl_valid = false;
	memcpy(lit + (CODE - LIT), test, 8);
	memcpy(lit + (CODE - LIT) + 8, &ret, 4);
	mt.fill = how == 0;
	mt.ctx = how == 2 ? CTX_ALIGN : 0;
	mt_flush();
	if (how == 0)
		for (uint64_t a = DATA; a < DATA + DATA_SIZE; a += 4096) {
			mt_fill(c, a, false);
			mt_fill(c, a, true);
		}
	for (int i = 0; i < 2 && !o->end; i++) {
		if (test[i] == NOP)
			continue;
		switch (mt_run_at(test[i], CODE + 4 * i)) {
		case MT_DONE: break;
		case MT_UNDEF: o->end = MEM_ILL; break;
		case MT_RAISED:
			o->end = (c->exc.esr & 63) == MT_ALIGN ? MEM_BUS :
								 MEM_SEGV;
			o->far = c->exc.far;
			break;
		}
	}
	memcpy(st.x, c->x, sizeof(st.x));
	memcpy(st.v, c->v, sizeof(st.v));
	mem_outcome(o, &st, test[1], data, was);
}

static bool uses30(uint32_t w)
{
	return (w & 31) == 30 || (w >> 5 & 31) == 30 ||
	       (w >> 16 & 31) == 30 || (w >> 10 & 31) == 30;
}

/* Several accesses: what has been done before a fault is not said. */
static bool several(const struct a64_row *row)
{
	return row && (strstr(row->name, "P") || strstr(row->name, "multi") ||
		       strstr(row->name, "lane"));
}

/* Fields that hold CONSTRAINED UNPREDICTABLE overlaps, where QEMU may differ. */
static bool overlap(const struct a64_row *row, uint32_t w)
{
	unsigned t = w & 31, n = w >> 5 & 31, t2 = w >> 10 & 31;
	unsigned s = w >> 16 & 31;
	bool pair = strstr(row->name, "DP") || strstr(row->name, "TP") ||
		    strstr(row->name, "NP") || strstr(row->name, "XP");

	if (row->simd)
		return pair && t == t2 && w >> 22 & 1;
	if (strncmp(row->name, "ST", 2) == 0 && strstr(row->name, "X"))
		return s == t || s == n || (pair && s == t2);
	if ((strstr(row->name, "_p") && n != 31 &&
	     (t == n || (pair && t2 == n))))
		return true;
	return pair && t == t2 && strncmp(row->name, "LD", 2) == 0;
}

static void put(uint32_t w, uint64_t *s)
{
	const struct a64_row *row = row_of(w);
	uint32_t test[3] = { NOP, w, 0 };

	if (uses30(w) ||
	    (row && (overlap(row, w) || strcmp(row->name, "LDRA") == 0)))
		return;
	/* QEMU's "max" has FEAT_MTE: its tag instructions, STGP */
	if (!row && ((w & 0xff200000) == 0xd9200000 ||
		     (w & 0xfe400000) == 0x68000000))
		return;
	/* QEMU 7.2 does not check alignment of these */
	if (row && (strstr(row->name, "LDA") || strstr(row->name, "STL"))) {
		test[2] = 1;
		if (strstr(row->name, "UR"))
			test[1] = w &= ~(7u << 12);
	}
	/* a store-exclusive: after the load, of the same size and address,
	 * into registers that the store does not use */
	if (row && strncmp(row->name, "ST", 2) == 0 &&
	    strstr(row->name, "X") && mem_rnd(s) & 7) {
		uint32_t t = 0;

		while (t == (w & 31) || t == (w >> 5 & 31) ||
		       t == (w >> 16 & 31) || t == (w >> 10 & 31))
			t++;
		uint32_t u = t + 1;

		while (u == (w & 31) || u == (w >> 5 & 31) ||
		       u == (w >> 16 & 31) || u == (w >> 10 & 31))
			u++;
		test[0] = (w & 0xffe083e0) | 0x1f0000 | 1u << 22 | u << 10 | t;
	}
	if (row && strstr(row->name, "X"))
		test[2] = 1;
	fwrite(test, sizeof(test), 1, stdout);
}

static int check(uint64_t seed, const char *words, const char *outs)
{
	FILE *fw = fopen(words, "rb"), *fo = fopen(outs, "rb");
	static int bad_of[MT_ROWS + 1];
	static unsigned seen[MT_ROWS], faults;
	static const char *const how[] = { "fast", "slow", "align" };
	uint32_t test[3], n = 0, bad = 0;
	struct mem_out want, got;

	if (!fw || !fo)
		return 2;
	for (; fread(test, sizeof(test), 1, fw) == 1; n++) {
		const struct a64_row *row = row_of(test[1]);
		int k = row ? (int)(row - mt_rows) : MT_ROWS;

		if (fread(&want, sizeof(want), 1, fo) != 1) {
			fprintf(stderr, "%08x: no outcome\n", test[1]);
			return 1;
		}
		if (row)
			seen[k]++;
		faults += want.end > MEM_ILL;
		for (int i = 0; i < 3; i++) {
			run(&got, test, seed, n, i);
			if (memcmp(&want, &got, sizeof(got)) == 0 ||
			    (want.end > MEM_ILL && several(row) &&
			     want.end == got.end && want.far == got.far))
				continue;
			bad++;
			if (bad_of[k]++ >= 3)
				continue;
			printf("%08x %08x %s %s\n"
			       "  want end %u far %llx changed %u data %llx "
			       "regs %llx t %llx n %llx v %llx\n"
			       "  got  end %u far %llx changed %u data %llx "
			       "regs %llx t %llx n %llx v %llx\n",
			       test[0], test[1], row ? row->name : "(undef)",
			       how[i], want.end, (unsigned long long)want.far,
			       want.changed, (unsigned long long)want.data,
			       (unsigned long long)want.regs,
			       (unsigned long long)want.xt,
			       (unsigned long long)want.xn,
			       (unsigned long long)want.vt, got.end,
			       (unsigned long long)got.far, got.changed,
			       (unsigned long long)got.data,
			       (unsigned long long)got.regs,
			       (unsigned long long)got.xt,
			       (unsigned long long)got.xn,
			       (unsigned long long)got.vt);
		}
	}
	unsigned rows = 0;

	for (int i = 0; i < MT_ROWS; i++)
		rows += seen[i] != 0;
	printf("%u tests, %u of %d rows, %u faults, %u differences\n", n, rows,
	       MT_ROWS, faults, bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	setup();
	if (argc < 4)
		return 2;
	uint64_t seed = strtoull(argv[2], NULL, 0), s = seed;
	unsigned count = (unsigned)strtoul(argv[3], NULL, 0);

	if (strcmp(argv[1], "check") == 0 && argc == 5)
		return check(seed, argv[3], argv[4]);
	if (strcmp(argv[1], "words") == 0) {
		for (int i = 0; i < MT_ROWS; i++) {
			if (argc > 4 && !strstr(mt_rows[i].name, argv[4]))
				continue;
			for (unsigned k = 0; k < count; k++)
				put(((uint32_t)mem_rnd(&s) & ~mt_rows[i].mask) |
				    mt_rows[i].value, &s);
		}
		return 0;
	}
	if (strcmp(argv[1], "walk") == 0) {
		/* bits 27 and 25: x1x0 is the class */
		for (unsigned k = 0; k < count; k++)
			put(((uint32_t)mem_rnd(&s) & ~(1u << 25)) | 1u << 27,
			    &s);
		return 0;
	}
	return 2;
}
