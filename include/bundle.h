/* bundle.h: VM bundles of other programs: one file a format, one struct config
 * out. Readers trust nothing (spec/bundles.md section 7). */
#ifndef POME_BUNDLE_H
#define POME_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "err.h"

enum note_level { NOTE_NOTE, NOTE_WARN, NOTE_ERROR };

/* A finding, with its code of bundles.md section 8. */
struct note {
	enum note_level level;
	const char *code;
	char *text;
	char *file;                     /* may be NULL */
	char *key;                      /* dotted path, may be NULL */
};

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_UNSUPPORTED,
	       VERDICT_MALFORMED };

#define BUNDLE_MAX_NOTES 64

struct bundle {
	const char *format;             /* "macosvm", "kernel", "disk"... */
	const char *guest;              /* "linux", "macos", NULL */
	char *dir;                      /* that names are relative to */
	char *file;                     /* the config file's base name */
	bool unsupported;               /* of the errors: ours, not the file's */
	int nnotes;
	struct note note[BUNDLE_MAX_NOTES];
};

void bundle_init(struct bundle *);
void bundle_fini(struct bundle *);

/* Adds a finding; control characters in the text are escaped. */
void bundle_note(struct bundle *, enum note_level, const char *code,
		 const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
enum verdict bundle_verdict(const struct bundle *);
const char *bundle_verdict_name(enum verdict);

/* What PATH is (section 0): fills b->format, and c for what can be run. -1
 * only where nothing can be said at all (missing, unreadable); what is wrong
 * inside is in the notes. */
int bundle_read(struct bundle *, const char *path, struct config *c,
		struct err *);

/* The macosvm reader: `json` is the file's text, b->dir and b->file are set. */
void bundle_macosvm(struct bundle *, const char *json, size_t len,
		    struct config *c);
/* Does a directory or file look like one? For detection. */
bool bundle_macosvm_is(const char *json, size_t len);

/* The last console= of a kernel command line, which gets the shell; points to
 * its value, or NULL. */
const char *bundle_last_console(const char *line);

/* What the command line gave wins over what the bundle says. `over` loses
 * what it had. */
void config_merge(struct config *bundle, struct config *over);

#endif
