/* outfile.h: files that a run writes for its user: --stats, --trace, a serial
 * port's output. They are opened early, so that what cannot be written is said
 * before the start and the sandbox need not allow it; but only a machine that
 * starts changes them. Main thread. */
#ifndef POME_OUTFILE_H
#define POME_OUTFILE_H

#include <sys/types.h>

#define OUTFILES 5                      /* options that name one */

struct outfile {
	int fd;
	int dir;                        /* of one that was made; else -1 */
	char *base;                     /* its name there */
	dev_t dev;
	ino_t ino;
};

struct outfiles {
	struct outfile file[OUTFILES];
	int n;
};

/* A descriptor for writing, the caller's to close, or -1 with errno. What is in
 * the file stays; a FIFO without a reader is ENXIO. */
int outfile_open(struct outfiles *, const char *path);
/* The machine starts: regular files are emptied. */
void outfiles_start(struct outfiles *);
/* It does not, if this comes without a start: what was made is removed. */
void outfiles_end(struct outfiles *);

#endif
