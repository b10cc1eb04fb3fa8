/* cli.h: the subcommands, one file each. None of them knows an exit status:
 * main.c makes one of the outcome, and prints what is in err. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>

#include "err.h"

enum outcome {
	OUT_OK,
	OUT_USAGE,                      /* err names the option */
	OUT_BUILD,                      /* err says what could not be built */
	OUT_PANIC, OUT_RESET, OUT_TIMEOUT, OUT_CRASH,
	OUT_INTERNAL,                   /* err: a fault of our own */
	OUT_SIGNAL,                     /* `signal` */
	OUT_REFUSED,                    /* as BUILD, and all was said */
};

struct result {
	enum outcome what;
	int signal;
	struct err err;
};

void cli_run(int argc, char **argv, struct result *);
void cli_inspect(int argc, char **argv, struct result *);
void cli_create(int argc, char **argv, struct result *);
void cli_check(int argc, char **argv, struct result *);
void cli_help(int argc, char **argv, struct result *);
void cli_version(int argc, char **argv, struct result *);

/* `inspect` of one of Apple's images (inspect_apple.c); false: it is none. */
bool inspect_apple(const char *path, bool json, struct result *);

/* The text of `pome --help` or `pome help COMMAND`, on standard output. */
void cli_print_help(const char *command);

#endif
