/* What machine this is: the CONFIG block (spec/vmapple.md section 2), and the
 * hints that pome leaves in its scratch area; no other machine has those. */
#include "rom.h"

enum {
	VERSION = 0x000, NR_CPUS = 0x004, BOARD = 0x010, ECID = 0x018,
	RAM_SIZE = 0x020, RUN_INSTALLER1 = 0x028, RUN_INSTALLER2 = 0x034,
	RND = 0x038, MAC = 0x040, SERIAL = 0x500, MODEL = 0x540,
	SOC_NAME = 0x584,
	HINT_MAGIC = 0x300, HINT_POLICY = 0x304,        /* include/cfg.h */
};

#define HINT 0x656d6f70u                /* "pome" */

struct platform platform;

static uint32_t cfg32(unsigned off)
{
	return rd32(CONFIG_BASE + off);
}

/* 8-byte loads from 4-byte aligned places are not for Device memory. */
static uint64_t cfg64(unsigned off)
{
	return cfg32(off) | (uint64_t)cfg32(off + 4) << 32;
}

static uint8_t cfg8(unsigned off)
{
	return *(volatile uint8_t *)(CONFIG_BASE + off);
}

static void text(char *dst, unsigned off)
{
	unsigned i;

	for (i = 0; i < 31; i++) {
		uint8_t c = cfg8(off + i);

		if (!c)
			break;
		dst[i] = c < 0x20 || c > 0x7e ? '.' : (char)c;
	}
	dst[i] = 0;
}

void platform_read(void)
{
	struct platform *p = &platform;
	uint64_t v;

	/* No block: what any machine of this kind has at least. */
	p->ram = 64ull << 20;
	p->cpus = 1;
	p->board = 0x20;
	if (probe_load(CONFIG_BASE, 4, &v) || !v || v == 0xffffffff)
		return;
	p->config = true;
	p->version = (uint32_t)v;
	p->cpus = cfg32(NR_CPUS);
	p->board = cfg32(BOARD);
	p->ecid = cfg64(ECID);
	p->ram = cfg64(RAM_SIZE);
	p->installer = cfg32(RUN_INSTALLER1) && cfg32(RUN_INSTALLER2);
	p->rnd = cfg32(RND);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < 6; j++)
			p->mac[i][j] = cfg8(MAC + 8 * i + j);
	text(p->serial, SERIAL);
	text(p->model, MODEL);
	text(p->soc, SOC_NAME);
	if (cfg32(HINT_MAGIC) == HINT) {
		p->hinted = true;
		p->policy = cfg32(HINT_POLICY) == 1 ? POLICY_PERMISSIVE :
						      POLICY_VERIFY;
	}
}

void platform_print(void)
{
	const struct platform *p = &platform;
	static const char *const mac[4] = { "en0", "en1", "wifi0", "bt0" };

	if (!p->config) {
		say("CONFIG    no block at 0x%lx; taking 1 CPU, 64 MiB\n",
		    CONFIG_BASE);
		return;
	}
	say("CONFIG    version %u, %u CPU%s, %lu MiB of RAM, ECID %016lx, "
	    "board 0x%x\n", p->version, p->cpus, p->cpus == 1 ? "" : "s",
	    p->ram >> 20, p->ecid, p->board);
	say("          serial \"%s\", model \"%s\", \"%s\"\n", p->serial,
	    p->model, p->soc);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *m = p->mac[i];

		if (m[0] | m[1] | m[2] | m[3] | m[4] | m[5])
			say("          %s %02x:%02x:%02x:%02x:%02x:%02x\n",
			    mac[i], m[0], m[1], m[2], m[3], m[4], m[5]);
	}
}

uint64_t ticks(void)
{
	uint64_t v;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(v));
	return v;
}

uint64_t ticks_per_second(void)
{
	uint64_t v;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(v));
	return v ? v : 24000000;
}

uint64_t psci(uint32_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : :
			 "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			 "x12", "x13", "x14", "x15", "x16", "x17", "memory");
	return x0;
}

void power_off(void)
{
	psci(0x84000008, 0, 0, 0);
	say("power-off was refused\n");
}

void reset(void)
{
	psci(0x84000009, 0, 0, 0);
	say("the reset was refused\n");
}
