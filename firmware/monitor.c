/* The monitor on the serial line: what is left when there is nothing to boot,
 * and what shows that a machine works. */
#include "rom.h"

#define MAX_ARGS 5

static bool same(const char *a, const char *b)
{
	return strlen(a) == strlen(b) && !memcmp(a, b, strlen(a));
}

/* Decimal, or hexadecimal after 0x; false: no number. */
static bool number(const char *s, uint64_t *out)
{
	uint64_t base = 10, v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned c = (uint8_t)*s, d = c >= '0' && c <= '9' ? c - '0' :
			(c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' +
			10 : 99;

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return true;
}

static bool hex(const char *s, uint64_t *out)
{
	char buf[20] = "0x";
	size_t n = strlen(s);

	if (s[0] == '0' && (s[1] | 32) == 'x')
		return number(s, out);
	if (!n || n > 16)
		return false;
	memcpy(buf + 2, s, n + 1);
	return number(buf, out);
}

static void dump_row(uint64_t at, const uint8_t *p, unsigned n)
{
	say("%010lx ", at);
	for (unsigned i = 0; i < 16; i++) {
		if (i < n)
			say(" %02x", p[i]);
		else
			say("   ");
	}
	say("  ");
	for (unsigned i = 0; i < n; i++)
		say("%c", p[i] < 0x20 || p[i] > 0x7e ? '.' : p[i]);
	say("\n");
}

/* Registers are read 32 bits at a time, and what does not answer is no
 * crash. */
static void cmd_memory(unsigned argc, char **argv)
{
	uint64_t at, len = 128, v;

	if (argc < 2 || !hex(argv[1], &at) ||
	    (argc > 2 && !number(argv[2], &len))) {
		say("m ADDRESS [BYTES]\n");
		return;
	}
	at &= ~3ull;
	if (len > 4096)
		len = 4096;
	for (uint64_t off = 0; off < len; off += 16) {
		uint8_t row[16] __attribute__((aligned(16)));
		unsigned n = len - off < 16 ? (unsigned)(len - off) : 16;

		for (unsigned i = 0; i < n; i += 4) {
			if (probe_load(at + off + i, 4, &v)) {
				say("%010lx  nothing answers\n", at + off + i);
				return;
			}
			st32(row + i, (uint32_t)v);
		}
		dump_row(at + off, row, n);
	}
}

static void cmd_write(unsigned argc, char **argv)
{
	uint64_t at, val, size = 4;

	if (argc < 3 || !hex(argv[1], &at) || !hex(argv[2], &val) ||
	    (argc > 3 && !number(argv[3], &size)) ||
	    (size != 1 && size != 2 && size != 4 && size != 8) || at % size) {
		say("w ADDRESS VALUE [1|2|4|8]\n");
		return;
	}
	if (probe_store(at, (unsigned)size, val))
		say("%010lx  nothing answers\n", at);
}

static bool which_disk(const char *s, enum disk_id *id)
{
	for (unsigned i = 0; i < DISKS; i++) {
		if (same(s, disk[i].name)) {
			*id = (enum disk_id)i;
			return true;
		}
	}
	return false;
}

static void cmd_sector(unsigned argc, char **argv)
{
	uint8_t *buf = (uint8_t *)(heap_mark());
	enum disk_id id;
	uint64_t n;

	if (argc < 3 || !which_disk(argv[1], &id) || !number(argv[2], &n)) {
		say("sector root|aux NUMBER\n");
		return;
	}
	if (bdif_read(id, n, buf, 512)) {
		say("%s sector %lu cannot be read\n", argv[1], n);
		return;
	}
	for (unsigned i = 0; i < 512; i += 16)
		dump_row(n * 512 + i, buf + i, 16);
}

static void print_disks(void)
{
	for (unsigned i = 0; i < DISKS; i++) {
		const struct disk *d = &disk[i];

		if (d->there)
			say("BDIF      %s: %lu sectors (%lu MiB), CFG 0x%x\n",
			    d->name, d->sectors, d->sectors >> 11, d->cfg);
		else
			say("BDIF      %s: not there\n", d->name);
	}
}

struct part {
	const char *name;
	uint64_t at;
	unsigned size;
	uint64_t mask, want;            /* mask 0: any answer will do */
};

static const struct part parts[] = {
	{ "GIC distributor", 0x1000ffe8, 4, 0xf0, 0x30 },
	{ "GIC redistributor", 0x1001ffe8, 4, 0xf0, 0x30 },
	{ "GICv2m (MSI)", 0x1fff0fcc, 4, 0, 0 },
	{ "PL011 (UART)", 0x20010fe0, 4, 0xff, 0x11 },
	{ "PL031 (clock)", 0x20050fe0, 4, 0xff, 0x31 },
	{ "PL061 (GPIO)", 0x20060fe0, 4, 0xff, 0x61 },
	{ "pvpanic", 0x20070000, 1, 1, 1 },
	{ "BDIF root", 0x30000000, 4, 1, 1 },
	{ "BDIF aux", 0x30010000, 4, 1, 1 },
	{ "BDIF USB port", 0x30100004, 4, 0xffff, 0x1a01 },
	{ "AES engine", 0x3022000c, 4, 0, 0 },
	{ "AVP-RTC", 0x30240040, 8, 0xffff, 0xf001 },
	{ "PCIe host bridge", 0x40000000, 4, 0, 0 },
};

static void print_pci(void)
{
	for (unsigned slot = 1; slot < 32; slot++) {
		uint64_t id, class, at = 0x40000000 + 0x8000 * (uint64_t)slot;

		if (probe_load(at, 4, &id) || (id & 0xffff) == 0xffff)
			continue;
		if (probe_load(at + 8, 4, &class))
			continue;
		say("PCI 00:%02x.0  %04lx:%04lx, class %06lx\n", slot,
		    id & 0xffff, id >> 16, class >> 8);
	}
}

static void cmd_devices(void)
{
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct part *p = &parts[i];
		uint64_t v;

		say("%010lx  %s: ", p->at, p->name);
		if (probe_load(p->at, p->size, &v))
			say("nothing answers\n");
		else if ((v & p->mask) != p->want)
			say("not there (0x%lx)\n", v);
		else
			say("there (0x%lx)\n", v);
	}
	print_pci();
}

static void cmd_cpu(void)
{
	uint64_t midr, mpidr, version;

	__asm__ volatile("mrs %0, midr_el1" : "=r"(midr));
	__asm__ volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
	version = psci(0x84000000, 0, 0, 0);
	say("CPU       MIDR %08lx, MPIDR %08lx, counter %lu Hz, PSCI %lu.%lu\n",
	    midr, mpidr, ticks_per_second(), version >> 16 & 0x7fff,
	    version & 0xffff);
}

static void cmd_boot(unsigned argc, char **argv)
{
	enum disk_id id;

	if (argc < 2 || !which_disk(argv[1], &id))
		say("boot root|aux\n");
	else
		boot_disk(id);
}

static void cmd_policy(unsigned argc, char **argv)
{
	if (argc > 1 && same(argv[1], "verify"))
		platform.policy = POLICY_VERIFY;
	else if (argc > 1 && same(argv[1], "permissive"))
		platform.policy = POLICY_PERMISSIVE;
	else if (argc > 1)
		say("policy verify|permissive\n");
	say("policy    %s\n", platform.policy == POLICY_VERIFY ? "verify" :
	    "permissive");
}

static void help(void)
{
	say("m ADDRESS [BYTES]    show memory (addresses in hex)\n"
	    "w ADDRESS VALUE [1|2|4|8]\n"
	    "                     write memory or a register\n"
	    "config               what machine this is\n"
	    "cpu                  CPU and firmware interface\n"
	    "devices              what answers on the board\n"
	    "disks                root and aux by the backdoor\n"
	    "sector root|aux N    show a sector\n"
	    "aes                  test the AES engine\n"
	    "policy [verify|permissive]\n"
	    "                     what happens when checks fail\n"
	    "boot root|aux        look for something to start\n"
	    "reset, off           what they say\n");
}

static unsigned split(char *line, char **argv)
{
	unsigned n = 0;

	while (n < MAX_ARGS) {
		while (*line == ' ')
			*line++ = 0;
		if (!*line)
			break;
		argv[n++] = line;
		while (*line && *line != ' ')
			line++;
	}
	return n;
}

static void run(unsigned argc, char **argv)
{
	const char *c = argv[0];

	if (same(c, "m"))
		cmd_memory(argc, argv);
	else if (same(c, "w"))
		cmd_write(argc, argv);
	else if (same(c, "config"))
		platform_print();
	else if (same(c, "cpu"))
		cmd_cpu();
	else if (same(c, "devices"))
		cmd_devices();
	else if (same(c, "disks"))
		print_disks();
	else if (same(c, "sector"))
		cmd_sector(argc, argv);
	else if (same(c, "aes"))
		aes_test();
	else if (same(c, "policy"))
		cmd_policy(argc, argv);
	else if (same(c, "boot"))
		cmd_boot(argc, argv);
	else if (same(c, "reset"))
		reset();
	else if (same(c, "off"))
		power_off();
	else if (same(c, "help") || same(c, "?"))
		help();
	else
		say("%s: no such command; help lists them\n", c);
}

void monitor(void)
{
	char line[128], *argv[MAX_ARGS];
	unsigned argc;

	say("\nMonitor. help lists the commands, off ends the machine.\n");
	for (;;) {
		say("> ");
		read_line(line, sizeof(line));
		argc = split(line, argv);
		if (argc)
			run(argc, argv);
	}
}
