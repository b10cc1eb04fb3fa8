/* simd_host.c: the SIMD instructions of the interpreter against another
 * implementation.
 *	simd_host words SEED N [NAME] >WORDS	N random words of each row (whose
 *						name contains NAME)
 *	simd_host walk SEED N >WORDS		N random words of the classes
 *	simd_host check SEED WORDS OUTCOMES	what simd_guest wrote
 *	simd_host golden SEED N WORDS OUTCOMES	hashes for tests/unit/simd.c, of
 *						`words SEED N`
 *	simd_host list				the rows
 *	simd_host decode <WORDS			the row of each word
 * simd_diff.sh puts them together. */
#include <stdio.h>
#include <stdlib.h>

#include "../../src/interp/decode.h"
#include "../../src/interp/fp.h"
#include "../../src/interp/op.h"
#include "simd_test.h"

static struct a64_row rows[] = {
#define A64V(name, pattern, feat, fn) \
	{ #name, pattern, feat, true, dec_##fn, 0, 0 },
#include "../../src/interp/simd.def"
#include "../../src/interp/crypto.def"
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static OP_CC OP_RET op_end(OP_ARGS)
{
	(void)c;
	(void)ip;
	OP_LEAVE();
}

static struct cpu cpu;
static struct cpu_model model;

static void setup(void)
{
	for (int i = 0; i < NROWS; i++) {
		int bit = 32;

		for (const char *p = rows[i].pattern; *p; p++) {
			if (*p == ' ')
				continue;
			bit--;
			rows[i].mask |= (uint32_t)(*p == '0' || *p == '1')
					<< bit;
			rows[i].value |= (uint32_t)(*p == '1') << bit;
		}
		if (bit != 0) {
			fprintf(stderr, "%s: bad pattern\n", rows[i].name);
			exit(2);
		}
	}
	for (int i = 0; i < FEAT_COUNT; i++)
		model.has[i] = true;
}

static const struct a64_row *decode(struct rec *r, uint32_t w, uint32_t ctx)
{
	struct dec d = { .w = w, .rd = w & 31, .rn = w >> 5 & 31,
			 .rm = w >> 16 & 31, .ra = w >> 10 & 31,
			 .sf = (uint8_t)(w >> 31), .ctx = ctx,
			 .model = &model, .r = r };

	for (int i = 0; i < NROWS; i++) {
		if ((w & rows[i].mask) != rows[i].value)
			continue;
		*r = (struct rec){
			.rd = slot_zr(d.rd), .rn = slot_zr(d.rn),
			.rm = slot_zr(d.rm), .ra = slot_zr(d.ra),
			.imm = (int32_t)w,
		};
		r->h = rows[i].dec(&d);
		if (r->h)
			return &rows[i];
	}
	return NULL;
}

static const struct a64_row *run(struct simd_state *st, uint32_t w)
{
	struct rec r[2] = { 0 };
	const struct a64_row *row =
		decode(&r[0], w, st->fpcr ? CTX_FPSLOW : 0);

	if (!row)
		return NULL;
	r[1].h = op_end;
	memcpy(cpu.v, st->v, sizeof(st->v));
	memcpy(cpu.x, st->x, sizeof(st->x));
	cpu.x[REG_ZERO] = 0;
	cpu.sr.fpcr = (uint32_t)st->fpcr;
	cpu.sr.fpsr = 0;
	fp_enter(&cpu);
	op_enter(r[0].h, &cpu, &r[0]);
	fp_leave(&cpu);
	memcpy(st->v, cpu.v, sizeof(st->v));
	memcpy(st->x, cpu.x, sizeof(st->x));
	st->fpsr = cpu.sr.fpsr;
	return row;
}

static void put(uint32_t w)
{
	w = simd_tame(w);
	if (!simd_qemu_bug(w))
		fwrite(&w, 4, 1, stdout);
}

static int check(uint64_t seed, const char *words, const char *outs)
{
	FILE *fw = fopen(words, "rb"), *fo = fopen(outs, "rb");
	static int bad_of[NROWS];
	static unsigned seen[NROWS];
	uint32_t w, n = 0, bad = 0;
	struct simd_out want, got;

	if (!fw || !fo)
		return 2;
	for (; fread(&w, 4, 1, fw) == 1; n++) {
		struct simd_state st, in;
		const struct a64_row *row;

		if (fread(&want, sizeof(want), 1, fo) != 1) {
			fprintf(stderr, "%08x: no outcome\n", w);
			return 1;
		}
		simd_operands(&st, seed, w);
		in = st;
		row = run(&st, w);
		simd_outcome(&got, &st, w, !row);
		if (row)
			seen[row - rows]++;
		if (memcmp(&want, &got, sizeof(got)) == 0)
			continue;
		bad++;
		if (row && bad_of[row - rows]++ >= 3)
			continue;
		if (!row && bad > 200)
			continue;
		unsigned d = w & 31, rn = w >> 5 & 31, rm = w >> 16 & 31;
		printf("%08x %s fpcr %llx\n"
		       "  want v %016llx_%016llx x %llx fpsr %x ill %u %llx\n"
		       "  got  v %016llx_%016llx x %llx fpsr %x ill %u %llx\n"
		       "  n %016llx_%016llx m %016llx_%016llx "
		       "d %016llx_%016llx\n",
		       w, row ? row->name : "(undefined)",
		       (unsigned long long)st.fpcr,
		       (unsigned long long)want.v[1],
		       (unsigned long long)want.v[0],
		       (unsigned long long)want.x, want.fpsr, want.ill,
		       (unsigned long long)want.hash,
		       (unsigned long long)got.v[1],
		       (unsigned long long)got.v[0],
		       (unsigned long long)got.x, got.fpsr, got.ill,
		       (unsigned long long)got.hash,
		       (unsigned long long)in.v[rn][1],
		       (unsigned long long)in.v[rn][0],
		       (unsigned long long)in.v[rm][1],
		       (unsigned long long)in.v[rm][0],
		       (unsigned long long)in.v[d][1],
		       (unsigned long long)in.v[d][0]);
	}
	unsigned rows_seen = 0;

	for (int i = 0; i < NROWS; i++) {
		rows_seen += seen[i] != 0;
		if (!seen[i] && n > 10 * NROWS)
			printf("not seen: %s\n", rows[i].name);
	}
	printf("%u tests, %u of %d rows, %u differences\n", n, rows_seen,
	       NROWS, bad);
	return bad != 0;
}

static int golden(uint64_t seed, unsigned count, const char *words,
		  const char *outs)
{
	FILE *fw = fopen(words, "rb"), *fo = fopen(outs, "rb");
	uint32_t w;
	struct simd_out o;

	if (!fw || !fo)
		return 2;
	printf("/* made by tests/diff/simd_golden.sh from what qemu-aarch64 "
	       "says: row, hash of\n * its outcomes for seed %u, %u words */\n",
	       (unsigned)seed, count);
	for (int i = 0; i < NROWS; i++) {
		uint64_t h = SIMD_HASH;

		for (unsigned k = 0; k < count; k++) {
			uint32_t mine = simd_word(rows[i].name, rows[i].mask,
						  rows[i].value, seed, k);

			if (simd_qemu_bug(mine))
				continue;
			if (fread(&w, 4, 1, fw) != 1 || w != mine ||
			    fread(&o, sizeof(o), 1, fo) != 1)
				return 1;
			h = simd_hash(h, &o);
		}
		printf("{ \"%s\", 0x%016llx },\n", rows[i].name,
		       (unsigned long long)h);
	}
	return 0;
}

int main(int argc, char **argv)
{
	setup();
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (int i = 0; i < NROWS; i++)
			printf("%08x/%08x %s\n", rows[i].value, rows[i].mask,
			       rows[i].name);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "decode") == 0) {
		uint32_t w;
		struct rec r;

		while (fread(&w, 4, 1, stdin) == 1) {
			const struct a64_row *row = decode(&r, w, 0);

			printf("%08x %s\n", w, row ? row->name : "-");
		}
		return 0;
	}
	if (argc < 4)
		return 2;
	uint64_t seed = strtoull(argv[2], NULL, 0), s = seed;
	unsigned count = (unsigned)strtoul(argv[3], NULL, 0);

	if (strcmp(argv[1], "check") == 0 && argc == 5)
		return check(seed, argv[3], argv[4]);
	if (strcmp(argv[1], "golden") == 0 && argc == 6)
		return golden(seed, count, argv[4], argv[5]);
	if (strcmp(argv[1], "words") == 0) {
		for (int i = 0; i < NROWS; i++) {
			if (argc > 4 && !strstr(rows[i].name, argv[4]))
				continue;
			for (unsigned k = 0; k < count; k++)
				put(simd_word(rows[i].name, rows[i].mask,
					      rows[i].value, seed, k));
		}
		return 0;
	}
	if (strcmp(argv[1], "walk") == 0) {
		static const uint8_t top[] = { 0x0e, 0x2e, 0x4e, 0x6e, 0x0f,
					       0x2f, 0x4f, 0x6f, 0x5e, 0x7e,
					       0x5f, 0x7f, 0xce };
		for (unsigned k = 0; k < count; k++)
			put((uint32_t)top[k % sizeof(top)] << 24 |
			    (uint32_t)(simd_rnd(&s) >> 40));
		return 0;
	}
	return 2;
}
