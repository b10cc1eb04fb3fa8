/* pome help, pome version. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "config.h"
#include "pome.h"

static const char main_text[] =
"Usage: pome run     [OPTIONS] [BUNDLE]     boot a bundle, or what OPTIONS say\n"
"       pome run     [OPTIONS] FILE FILE... kernel, RAM disk, disks: told apart\n"
"       pome inspect [--json|--command] PATH\n"
"                                           say what a file or bundle is\n"
"       pome create  [OPTIONS] DIR          make a new bundle\n"
"       pome check   [--json]               say what this host offers\n"
"       pome help [COMMAND]\n"
"       pome version\n"
"\n"
"pome runs arm64 virtual machines: with KVM on arm64 hosts, with an interpreter\n"
"everywhere. The first thing to try:\n"
"\n"
"    pome run --kernel Image --initrd initrd.img\n"
"\n"
"The serial port is on the terminal; Ctrl-a x ends the machine, Ctrl-a h lists\n"
"the keys. `pome help run` lists the options, pome(1) explains them.\n";

static const char inspect_text[] =
"Usage: pome inspect [--json|--command] PATH\n"
"\n"
"Says what a bundle, kernel, disk image, device tree or IMG4 is, and what pome run\n"
"would do with it. Status 0 where run would start the machine, else 3.\n"
"\n"
"      --json     one JSON object\n"
"      --command  only an equivalent command line, quoted for a shell\n"
"  -h, --help     this text\n";

static const char create_text[] =
"Usage: pome create --kernel FILE [OPTIONS] DIR     a Linux machine\n"
"       pome create --debian SUITE|ROOT [OPTIONS] DIR  one with a whole Debian\n"
"       pome create --vmapple [OPTIONS] DIR         a virtual Mac\n"
"\n"
"Makes DIR, a bundle for pome run (and macosvm). Files are copied into it; what\n"
"cannot be made whole is removed again.\n"
"\n"
"  -k, --kernel FILE     arm64 kernel\n"
"  -i, --initrd FILE     initial RAM disk\n"
"  -d, --disk FILE       a disk to copy, raw or qcow2; may be repeated\n"
"  -a, --append STRING   kernel command line\n"
"      --debian WHAT     a suite for mmdebstrap (bookworm), or the directory of a\n"
"                        Debian root, with its kernel in boot/\n"
"      --vmapple         a blank auxiliary store, a disk, an ECID: for a first\n"
"                        stage of your own; see pome-vmapple(7)\n"
"      --stage1 FILE     with --vmapple: an IMG4 image to put into the store\n"
"      --ecid NUMBER     with --vmapple: instead of a random one\n"
"  -p, --cpus N          1 to 32 (2)\n"
"  -m, --memory SIZE     with K M G; a bare number is MiB (2G; a Mac 4G)\n"
"      --disk-size SIZE  of the first disk, which is sparse (Debian 8G, Mac 64G)\n"
"  -q, --quiet           no progress\n"
"  -h, --help            this text\n";

static const char check_text[] =
"Usage: pome check [--json]\n"
"\n"
"Says what this host offers, and what is missing for what.\n"
"\n"
"      --json     one JSON object\n"
"  -h, --help     this text\n";

static void print_run(void)
{
	printf("Usage: pome run [OPTIONS] [BUNDLE]\n"
	       "       pome run [OPTIONS] FILE FILE...\n\n"
	       "Boots a bundle, or the machine that the options describe. "
	       "Options win over what\nthe bundle says, later options over "
	       "earlier ones. Several files are taken for what\ntheir "
	       "contents are: kernel, initial RAM disk, disks, device tree, "
	       "one bundle.\n\n");
	for (const struct cfg_opt *o = config_options; o->name; o++) {
		char left[64];

		if (!o->help)
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s",
			 o->brief ? '-' : ' ', o->brief ? o->brief : ' ',
			 o->brief ? ',' : ' ', o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		if (strlen(left) > 26)
			printf("  %s\n  %26s  %s\n", left, "", o->help);
		else
			printf("  %-26s  %s\n", left, o->help);
	}
	printf("\nExit status: 0 power-off by the guest, 2 usage, 3 the "
	       "machine could not be built,\n4 guest panic, 5 guest reset "
	       "(--no-reboot), 6 --timeout, 7 guest crash, 70 a fault\nof "
	       "pome's own, 128+N signal N.\n");
}

void cli_print_help(const char *command)
{
	if (command && !strcmp(command, "run"))
		print_run();
	else if (command && !strcmp(command, "inspect"))
		fputs(inspect_text, stdout);
	else if (command && !strcmp(command, "create"))
		fputs(create_text, stdout);
	else if (command && !strcmp(command, "check"))
		fputs(check_text, stdout);
	else
		fputs(main_text, stdout);
}

void cli_help(int argc, char **argv, struct result *r)
{
	static const char *const known[] = { "run", "inspect", "check", "help",
					     "version", "create" };
	const char *word = argc > 1 ? argv[1] : NULL;

	for (int i = 0; word && i < 6; i++)
		if (!strcmp(word, known[i]))
			goto found;
	if (word) {
		r->what = OUT_USAGE;
		err_set(&r->err, 0, "help: no such command: %s", word);
		return;
	}
found:
	cli_print_help(word);
	r->what = OUT_OK;
}

void cli_version(int argc, char **argv, struct result *r)
{
	if (argc > 1) {
		r->what = OUT_USAGE;
		err_set(&r->err, 0, "version: takes no argument: %s", argv[1]);
		return;
	}
	printf("pome %s\n", POME_VERSION);
	r->what = OUT_OK;
}
