/* outfile.c: files that a run writes for its user; outfile.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"

#define FLAGS (O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* Where a file was made: by a descriptor, which the sandbox can name. */
static int remember(struct outfile *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = !slash ? strdup(".") :
		    strndup(path, (size_t)(slash - path) + 1);

	f->base = strdup(slash ? slash + 1 : path);
	f->dir = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	free(dir);
	return f->base && f->dir >= 0 ? 0 : -1;
}

static void forget(struct outfile *f)
{
	if (f->dir >= 0)
		close(f->dir);
	free(f->base);
}

/* O_EXCL tells a new file from one that was there; a link to a place where
 * nothing is yet counts as one that was. */
int outfile_open(struct outfiles *o, const char *path)
{
	struct outfile f = { .dir = -1 };
	struct stat st;
	bool made;
	int no;

	if (o->n == OUTFILES) {
		errno = ENFILE;
		return -1;
	}
	f.fd = open(path, FLAGS | O_EXCL, 0666);
	made = f.fd >= 0;
	if (!made && errno == EEXIST)
		f.fd = open(path, FLAGS, 0666);
	if (f.fd < 0)
		return -1;
	if (fstat(f.fd, &st) || (made && remember(&f, path))) {
		no = errno;
		forget(&f);
		close(f.fd);
		errno = no;
		return -1;
	}
	f.dev = st.st_dev;
	f.ino = st.st_ino;
	o->file[o->n++] = f;
	return f.fd;
}

void outfiles_start(struct outfiles *o)
{
	struct stat st;

	for (int i = 0; i < o->n; i++)
		if (!fstat(o->file[i].fd, &st) && S_ISREG(st.st_mode) &&
		    st.st_size && ftruncate(o->file[i].fd, 0))
			continue;       /* then it keeps its old tail */
	while (o->n)
		forget(&o->file[--o->n]);
}

void outfiles_end(struct outfiles *o)
{
	struct stat st;

	while (o->n) {
		struct outfile *f = &o->file[--o->n];

		if (f->dir >= 0 && !fstatat(f->dir, f->base, &st,
					    AT_SYMLINK_NOFOLLOW) &&
		    st.st_dev == f->dev && st.st_ino == f->ino)
			unlinkat(f->dir, f->base, 0);
		forget(f);
	}
}
