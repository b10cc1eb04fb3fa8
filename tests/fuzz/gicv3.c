/* Fuzz target: the GICv3: MMIO, CPU interfaces, wires, messages. What is
 * derived must always be what a rebuild derives. */
#include "fuzz.h"
#include "gicv3.h"

#define NCPUS 3

struct lines {
	bool irq[NCPUS], fiq[NCPUS];
};

static void on_signal(void *arg, unsigned cpu, bool irq, bool fiq)
{
	struct lines *l = arg;

	fuzz_require(cpu < NCPUS && !(irq && fiq), "lines");
	l->irq[cpu] = irq;
	l->fiq[cpu] = fiq;
}

static void extra(struct fuzz_target *t, struct fuzz_in *in)
{
	struct gicv3 *g = (struct gicv3 *)t->dev;
	unsigned op = (unsigned)fuzz_get(in, 1), cpu = (op >> 4) % (NCPUS + 1);
	uint64_t val;

	switch (op & 7) {
	case 0: case 1: case 2:
		/* 0xc600..0xc67f, and PMR */
		val = 0xc600 + (fuzz_get(in, 1) & 0x7f);
		gicv3_icc_write(g, cpu, (enum icc_reg)val, fuzz_get(in, 8));
		break;
	case 3:
		gicv3_icc_write(g, cpu, ICC_PMR_EL1, fuzz_get(in, 1));
		break;
	case 4:
		val = 0xc600 + (fuzz_get(in, 1) & 0x7f);
		val = gicv3_icc_read(g, cpu, (enum icc_reg)val);
		break;
	case 5:
		irq_set((struct irq){ gicv3_intc(g),
				      (uint32_t)fuzz_get(in, 2) & 0x3ff },
			op >> 3 & 1);
		break;
	case 6:
		gicv3_ppi(g, cpu, (uint32_t)fuzz_get(in, 1) & 63, op >> 3 & 1);
		break;
	case 7:
		if (op >> 3 & 1)
			gicv3_cpu_reset(g, cpu);
		else
			irq_msi((struct irq){ gicv3_intc(g), 0 }, 0x1fff0040,
				(uint32_t)fuzz_get(in, 2));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct lines lines = { 0 }, was;
	struct gicv3_conf c = {
		.ncpus = NCPUS, .mpidr = { 0, 1, 0x100 }, .nspi = 256,
		.msi_addr = 0x1fff0040, .msi_first = 160, .msi_count = 128,
		.signal = on_signal, .arg = &lines,
	};
	struct fuzz_target t = {
		.f = fake_new(), .nwin = 2, .load = true, .extra = extra,
		.size = { GICV3_DIST_SIZE, GICV3_REDIST_SIZE * (NCPUS + 1) },
	};
	struct gicv3 *g = gicv3_new(&c, NULL);
	bool irq, fiq;
	unsigned i;

	t.dev = gicv3_device(g);
	fuzz_run(&t, &in);
	was = lines;
	t.dev->ops->resume(t.dev);
	fuzz_require(!memcmp(&was, &lines, sizeof(was)), "lines are derived");
	for (i = 0; i < NCPUS; i++) {
		gicv3_lines(g, i, &irq, &fiq);
		fuzz_require(irq == lines.irq[i] && fiq == lines.fiq[i],
			     "lines were signalled");
	}
	gicv3_free(g);
	fake_free(t.f);
	return 0;
}
