/* The configuration as data: life, defaults, limits. The command line fills it
 * in config_parse.c, bundles in bundle_*.c; config_open.c opens the files. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "accel.h"
#include "board.h"
#include "config.h"
#include "vm.h"

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->sandbox = true;
	c->kernel.fd = c->initrd.fd = c->firmware.fd = c->dtb.fd = -1;
	c->vars.fd = c->devicetree.fd = c->trustcache.fd = c->ramdisk.fd = -1;
	for (int i = 0; i < CFG_MAX_DISKS; i++)
		c->disk[i].fd = -1;
}

static void file_fini(struct cfg_file *f)
{
	free(f->path);
	if (f->fd >= 0)
		close(f->fd);
}

void config_nets_reset(struct config *c)
{
	for (int i = 0; i < c->nnets; i++)
		for (int k = 0; k < c->net[i].nfwd; k++)
			free(c->net[i].fwd[k]);
	memset(c->net, 0, sizeof(c->net));
	c->nnets = 0;
}

void config_fini(struct config *c)
{
	free(c->bundle);
	for (int i = 0; i < c->nmore; i++)
		free(c->more[i]);
	file_fini(&c->kernel);
	file_fini(&c->initrd);
	file_fini(&c->firmware);
	file_fini(&c->dtb);
	free(c->vars.path);
	if (c->vars.fd >= 0)
		close(c->vars.fd);
	file_fini(&c->devicetree);
	file_fini(&c->trustcache);
	file_fini(&c->ramdisk);
	free(c->append);
	free(c->dump_dtb);
	for (int i = 0; i < c->ndisks; i++) {
		free(c->disk[i].path);
		if (c->disk[i].fd >= 0)
			close(c->disk[i].fd);
	}
	config_nets_reset(c);
	free(c->serial.path);
	free(c->console.path);
	free(c->usb.path);
	free(c->display.path);
	free(c->gdb.path);
	free(c->trace.path);
	free(c->stats);
	free(c->trace_hash);
	config_init(c);
}

int config_size(const char *text, uint64_t unit, uint64_t *out)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	for (; isdigit((unsigned char)*text); text++)
		if (size_mul(n, 10, &n) ||
		    size_add(n, (uint64_t)(*text - '0'), &n))
			return -1;
	switch (toupper((unsigned char)*text)) {
	case 0: break;
	case 'K': unit = 1ull << 10; text++; break;
	case 'M': unit = 1ull << 20; text++; break;
	case 'G': unit = 1ull << 30; text++; break;
	case 'T': unit = 1ull << 40; text++; break;
	default: return -1;
	}
	if (*text || size_mul(n, unit, &n) || n > INT64_MAX)
		return -1;
	*out = n;
	return 0;
}

int config_mac(const char *text, uint8_t mac[6])
{
	unsigned char any = 0;

	if (strlen(text) != 17)
		return -1;
	for (int i = 0; i < 6; i++) {
		char hex[3] = { text[3 * i], text[3 * i + 1], 0 };

		if (!isxdigit((unsigned char)hex[0]) ||
		    !isxdigit((unsigned char)hex[1]) ||
		    (i < 5 && text[3 * i + 2] != ':' && text[3 * i + 2] != '-'))
			return -1;
		mac[i] = (uint8_t)strtoul(hex, NULL, 16);
		any |= mac[i];
	}
	return any && !(mac[0] & 1) ? 0 : -1;
}

/* Damerau-Levenshtein distance of two short words, case ignored. */
static int distance(const char *a, const char *b)
{
	int d[34][34];
	int la = (int)strlen(a), lb = (int)strlen(b);

	if (la > 32 || lb > 32)
		return 99;
	for (int i = 0; i <= la; i++)
		d[i][0] = i;
	for (int j = 0; j <= lb; j++)
		d[0][j] = j;
	for (int i = 1; i <= la; i++) {
		for (int j = 1; j <= lb; j++) {
			int cost = tolower((unsigned char)a[i - 1]) !=
				   tolower((unsigned char)b[j - 1]);
			int best = d[i - 1][j - 1] + cost;

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

const char *config_nearest(const char *word, const char *const *names, int n)
{
	const char *best = NULL;
	int least = 99;
	int len = (int)strlen(word);

	for (int i = 0; i < n; i++) {
		int d = distance(word, names[i]);

		/* Half a word right at its beginning is near as well. */
		if (len >= 3 && !strncasecmp(word, names[i], (size_t)len))
			d = 1;
		if (d < least) {
			least = d;
			best = names[i];
		}
	}
	/* Not a word with nothing in common. */
	return least < len && (least <= 2 || (least == 3 && len > 6)) ?
		best : NULL;
}

const struct board *config_board(const char *name)
{
	static const struct board *const all[] = { &board_vmapple, &board_virt };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}

void config_find_firmware(struct config *c)
{
	const char *const *p = c->board->firmware.paths;

	if (c->kernel.path || c->firmware.path || c->firmware_builtin ||
	    c->dump_dtb)
		return;
	while (p && *p && access(*p, R_OK))
		p++;
	if (p && *p)
		c->firmware.path = strdup(*p);
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcasecmp(s + n - m, suffix);
}

void config_defaults(struct config *c)
{
	if (!c->board)
		c->board = &board_vmapple;
	if (!c->ram)
		c->ram = 1ull << 30;
	if (!c->cpus)
		c->cpus = 1;
	if (c->serial.where == CFG_TTY_NONE)
		c->serial.where = c->console.where == CFG_TTY_STDIO ?
				  CFG_TTY_NULL : CFG_TTY_STDIO;
	if (!c->append)
		c->append = strdup(c->console.where == CFG_TTY_STDIO ?
				 "console=hvc0" : "console=ttyAMA0");
	for (int i = 0; i < c->ndisks; i++) {
		struct cfg_disk *d = &c->disk[i];

		if (c->readonly || has_suffix(d->path, ".iso"))
			d->readonly = true;
		if (d->format != CFG_FMT_UNSTATED)
			continue;
		if (has_suffix(d->path, ".qcow2"))
			d->format = CFG_FMT_QCOW2;
		else if (has_suffix(d->path, ".img") ||
			 has_suffix(d->path, ".raw") ||
			 has_suffix(d->path, ".iso") || d->from_bundle)
			d->format = CFG_FMT_RAW;
	}
}

static int check_boot(const struct config *c, struct err *e)
{
	bool rom = c->firmware.path || c->firmware_builtin;

	if (c->kernel.path && rom)
		return err_set(e, 0, "--firmware and --kernel exclude each "
			       "other: one of them starts the machine");
	if (c->initrd.path && !c->kernel.path)
		return err_set(e, 0, "--initrd: needs --kernel");
	if (c->append_given && !c->kernel.path)
		return err_set(e, 0, "--append: needs --kernel");
	if (!c->kernel.path && (c->devicetree.path || c->trustcache.path ||
				c->ramdisk.path))
		return err_set(e, 0, "--%s: needs --kernel", c->devicetree.path
			       ? "devicetree" : c->trustcache.path ?
			       "trustcache" : "ramdisk");
	if (c->dtb.path && !c->kernel.path)
		return err_set(e, 0, "--dtb: needs --kernel");
	if (c->dtb.path && c->dump_dtb)
		return err_set(e, 0, "--dump-dtb: writes the generated tree, "
			       "and --dtb replaces it");
	if (c->firmware_builtin && !c->board->firmware.apple)
		return err_set(e, 0, "--firmware builtin: is for vmapple; the "
			       "%s board wants %s", c->board->name,
			       c->board->firmware.wanted);
	if (c->vars.path && (!c->board->firmware.rom || !c->firmware.path))
		return err_set(e, 0, "--efi-vars: needs UEFI firmware (try "
			       "--machine virt, without --kernel)");
	if (!c->kernel.path && !rom && c->board->firmware.paths && !c->dump_dtb)
		return err_set(e, 0, "no UEFI firmware on this host: %s and "
			       "the like are missing (install Debian's "
			       "qemu-efi-aarch64, or name it with --firmware "
			       "FILE)", c->board->firmware.paths[0]);
	if (!c->kernel.path && !rom && !c->dump_dtb)
		return err_set(e, 0, "nothing to start: name a bundle, or a "
			       "kernel with --kernel FILE, or a boot ROM with "
			       "--firmware FILE (try pome run --help)");
	return 0;
}

bool config_vmapple_cpu(const struct config *c)
{
	if (c->cpu != CFG_CPU_BY_BOOT)
		return c->cpu == CFG_CPU_VMAPPLE;
	return (c->firmware.path || c->firmware_builtin || c->kernel_xnu) &&
	       c->board->firmware.apple;
}

bool config_is_mac(const struct config *c)
{
	if (c->board && !c->board->firmware.apple)
		return false;
	if (c->firmware.path || c->firmware_builtin || c->kernel_xnu)
		return true;
	for (int i = 0; i < c->ndisks; i++)
		if (c->disk[i].role == CFG_ROLE_AUX)
			return true;
	return false;
}

/* One disk a role; a Linux bundle's first disk is "root" too. */
static int check_roles(const struct config *c, struct err *e)
{
	static const char *const name[] = { "data", "root", "aux" };
	int seen[3] = { 0 };

	for (int i = 0; i < c->ndisks; i++) {
		enum cfg_role role = c->disk[i].role;

		if (role != CFG_ROLE_DATA && seen[role]++)
			return err_set(e, 0, "--disk %s: a second disk with "
				       "role=%s", c->disk[i].path, name[role]);
	}
	return 0;
}

static bool same_path(const struct cfg_tty *a, const struct cfg_tty *b)
{
	return a->path && b->path && !strcmp(a->path, b->path);
}

int config_check(const struct config *c, struct err *e)
{
	uint64_t end;

	if (!c->append)
		return err_set(e, 0, "out of memory");
	if (check_boot(c, e))
		return -1;
	if (c->cpus < 1 || c->cpus > VM_MAX_CPUS)
		return err_set(e, 0, "cpus: %u; expected 1 to %d", c->cpus,
			       VM_MAX_CPUS);
	if (c->ram < 1 << 20 || c->ram % (1 << 20))
		return err_set(e, 0, "memory: %llu bytes; expected whole MiB, "
			       "at least one (a bare number is MiB)",
			       (unsigned long long)c->ram);
	/* 40 bits is what every host can map. */
	if (size_add(c->ram, c->board->ram, &end) || end > 1ull << 40)
		return err_set(e, 0, "memory: %llu MiB; the board's limit is "
			       "%llu MiB", (unsigned long long)(c->ram >> 20),
			       (unsigned long long)
			       (((1ull << 40) - c->board->ram) >> 20));
	if (c->clock_insn && c->cpus > 1)
		return err_set(e, 0, "--clock insn: with one CPU only; %u were "
			       "asked for (try --cpus 1)", c->cpus);
	if (c->clock_insn && c->accel == CFG_ACCEL_KVM)
		return err_set(e, 0, "--clock insn: KVM does not count "
			       "instructions (try --accel interp)");
	if (c->accel == CFG_ACCEL_KVM && c->trace.what & ~TRACE_MMIO)
		return err_set(e, 0, "--trace: KVM's guests do by themselves "
			       "all that could be seen but mmio (try --trace "
			       "mmio, or --accel interp)");
	if (c->nfeats && interp_check_cpu(c, e))
		return -1;
	if (c->trace_hash && !c->clock_insn)
		return err_set(e, 0, "--trace-hash: needs --clock insn");
	if (c->code_cache && (c->code_cache < 1 << 20 ||
			      c->code_cache > 1ull << 36))
		return err_set(e, 0, "--code-cache: expected 1M to 64G");
	if (c->serial.where == CFG_TTY_STDIO &&
	    c->console.where == CFG_TTY_STDIO)
		return err_set(e, 0, "--serial and --console cannot both be "
			       "stdio (try --serial null)");
	if (same_path(&c->serial, &c->console))
		return err_set(e, 0, "--serial and --console name the same "
			       "path: %s", c->serial.path);
	if (same_path(&c->serial, &c->usb) || same_path(&c->console, &c->usb))
		return err_set(e, 0, "--usb-device: the serial port or console "
			       "has the same path: %s", c->usb.path);
	if (check_roles(c, e))
		return -1;
	for (int i = 0; i < c->ndisks; i++)
		if (c->disk[i].format == CFG_FMT_UNSTATED)
			return err_set(e, 0, "--disk %s: its format is not "
				       "stated by its name (.img .raw .iso "
				       ".qcow2); add ,format=raw",
				       c->disk[i].path);
	return 0;
}
