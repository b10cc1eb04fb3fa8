/* pome: the command line, and the only place that knows exit statuses
 * (design/cli.md, man/pome.1). */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "log.h"
#include "sandbox.h"

enum {
	EXIT_USAGE = 2,
	EXIT_BUILD = 3,
	EXIT_PANIC = 4,
	EXIT_RESET = 5,
	EXIT_TIMEOUT = 6,
	EXIT_CRASH = 7,
	EXIT_INTERNAL = 70,
	EXIT_SIGNAL = 128,
};

static const struct {
	const char *name;
	void (*fn)(int argc, char **argv, struct result *);
} commands[] = {
	{ "run", cli_run }, { "inspect", cli_inspect }, { "check", cli_check },
	{ "create", cli_create },
	{ "help", cli_help }, { "version", cli_version },
	{ "--help", cli_help }, { "-h", cli_help },
	{ "--version", cli_version }, { "-V", cli_version },
};

#define NCOMMANDS ((int)(sizeof(commands) / sizeof(commands[0])))

static void no_command(const char *word, struct result *r)
{
	const char *names[NCOMMANDS], *near;

	r->what = OUT_USAGE;
	if (!strcmp(word, "ctl")) {
		err_set(&r->err, 0, "%s: this version does not have that "
			"command yet", word);
		return;
	}
	for (int i = 0; i < NCOMMANDS; i++)
		names[i] = commands[i].name;
	near = config_nearest(word, names, NCOMMANDS);
	if (near)
		err_set(&r->err, 0, "%s: unknown command (did you mean pome "
			"%s?)", word, near);
	else if (word[0] != '-' && !access(word, F_OK))
		err_set(&r->err, 0, "%s: unknown command (did you mean pome "
			"run %s?)", word, word);
	else
		err_set(&r->err, 0, "%s: unknown command (try pome --help)",
			word);
}

static void dispatch(int argc, char **argv, struct result *r)
{
	if (argc < 2) {
		r->what = OUT_USAGE;
		err_set(&r->err, 0, "a command is missing (try pome --help)");
		return;
	}
	for (int i = 0; i < NCOMMANDS; i++) {
		if (!strcmp(commands[i].name, argv[1])) {
			commands[i].fn(argc - 1, argv + 1, r);
			return;
		}
	}
	no_command(argv[1], r);
}

static int status(const struct result *r)
{
	switch (r->what) {
	case OUT_OK: return 0;
	case OUT_USAGE: return EXIT_USAGE;
	case OUT_BUILD: return EXIT_BUILD;
	case OUT_REFUSED: return EXIT_BUILD;
	case OUT_PANIC: return EXIT_PANIC;
	case OUT_RESET: return EXIT_RESET;
	case OUT_TIMEOUT: return EXIT_TIMEOUT;
	case OUT_CRASH: return EXIT_CRASH;
	case OUT_SIGNAL: return EXIT_SIGNAL + r->signal;
	default: return EXIT_INTERNAL;
	}
}

/* A program started with its standard descriptors closed must not find its
 * disk image on number 2. */
static void fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	struct result r = { .what = OUT_INTERNAL };

	/* glibc would count the host's CPUs, by files that the sandbox keeps
	 * shut, when many threads want memory at once. */
	mallopt(M_ARENA_MAX, 8);
	fill_standard_fds();
	sandbox_signals();
	log_init(LOG_WARN);
	dispatch(argc, argv, &r);
	if (r.what == OUT_USAGE || r.what == OUT_BUILD)
		log_msg(LOG_ERROR, "%s", r.err.msg);
	else if (r.what == OUT_INTERNAL)
		log_msg(LOG_ERROR, "%s; please report it, with the command "
			"line, the output of pome version and of pome check",
			r.err.msg);
	if (r.what == OUT_OK && fflush(stdout)) {
		log_msg(LOG_ERROR, "standard output: %s", strerror(errno));
		return EXIT_BUILD;
	}
	return status(&r);
}
