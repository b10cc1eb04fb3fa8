/* qcow2_backing.c: the file below an image. Its name comes from the image, so
 * from whoever made it: opened only when asked for, beneath one folder, and in
 * a format that is stated (bundles.md sections 4.4 and 7). */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "qcow2.h"

/* The folder of a path, as text: "a/b.img" "a", "b.img" ".". */
static void folder_of(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(out, size, ".");
	else if (slash == path)
		snprintf(out, size, "/");
	else
		snprintf(out, size, "%.*s", (int)(slash - path), path);
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcasecmp(s + n - m, suffix);
}

/* 1: qcow2, 0: raw, -1: nobody says. */
static int format_of(const struct qcow2_header *h)
{
	if (!strcmp(h->backing_format, "qcow2"))
		return 1;
	if (!strcmp(h->backing_format, "raw"))
		return 0;
	if (*h->backing_format)
		return -1;
	if (has_suffix(h->backing, ".qcow2"))
		return 1;
	if (has_suffix(h->backing, ".img") || has_suffix(h->backing, ".raw") ||
	    has_suffix(h->backing, ".iso"))
		return 0;
	return -1;
}

/* `path` without the folder it is beneath, or NULL. Both are absolute. */
static const char *below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (!strcmp(folder, "/"))
		return path + 1;
	if (strncmp(path, folder, n) || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

/* The backing file's path from the folder on: relative names count from where
 * the image is. */
static int locate(const struct qcow2 *q, const char *folder, char *out,
		  size_t size, struct err *e)
{
	const char *name = q->h.backing, *rel;
	char dir[PATH_MAX], real[PATH_MAX];
	int n;

	if (*name == '/') {
		rel = below(name, folder);
		n = snprintf(out, size, "%s", rel ? rel : "");
	} else {
		folder_of(q->blk.path, dir, sizeof(dir));
		rel = realpath(dir, real) ? below(real, folder) : NULL;
		n = snprintf(out, size, "%s%s%s", rel ? rel : "",
			     rel && *rel ? "/" : "", name);
	}
	if (rel && *out && n >= 0 && (size_t)n < size)
		return 0;
	return err_set(e, 0, "is not beneath %s", folder);
}

static int open_beneath(const char *folder, const char *name, struct err *e)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	struct stat st;

	if (dir < 0)
		return err_set(e, errno, "%s", folder);
	fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
	if (fd < 0 && errno == EXDEV)
		err_set(e, 0, "leads out of %s", folder);
	else if (fd < 0)
		err_set(e, errno, "%s/%s", folder, name);
	close(dir);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return err_set(e, 0, "is no regular file");
}

/* The file is one that is open already, further up. */
static bool is_loop(const struct qcow2 *q, int fd)
{
	struct stat a, b;

	if (fstat(fd, &a))
		return false;
	for (; q; q = q->above)
		if (!fstat(q->fd, &b) && a.st_dev == b.st_dev &&
		    a.st_ino == b.st_ino)
			return true;
	return false;
}

static int open_it(struct qcow2 *q, const struct blk_opt *o, struct err *e)
{
	char folder[PATH_MAX], dir[PATH_MAX], name[PATH_MAX], path[PATH_MAX];
	struct blk_opt below_opt = { .readonly = true, .allow_backing = true };
	int format = format_of(&q->h), fd;

	if (strstr(q->h.backing, "://") || !strncmp(q->h.backing, "json:", 5))
		return err_set(e, 0, "is no plain file name");
	if (format < 0)
		return err_set(e, 0, "is in a format that the image does not "
			       "state, or that is not known here (say it: "
			       "qemu-img rebase -u -F raw -b NAME)");
	if (o->folder)
		snprintf(dir, sizeof(dir), "%s", o->folder);
	else
		folder_of(q->blk.path, dir, sizeof(dir));
	if (!realpath(dir, folder))
		return err_set(e, errno, "%s", dir);
	if (locate(q, folder, name, sizeof(name), e))
		return -1;
	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return err_set(e, ENAMETOOLONG, "%s", folder);
	fd = open_beneath(folder, name, e);
	if (fd < 0)
		return -1;
	if (is_loop(q, fd)) {
		close(fd);
		return err_set(e, 0, "is in a loop of backing files");
	}
	below_opt.folder = folder;
	below_opt.qcow2 = format;
	q->base = format ? qcow2_open(fd, path, &below_opt, q, NULL, e) :
		  blk_raw_open(fd, path, true, NULL, e);
	if (q->base)
		return 0;
	close(fd);
	return -1;
}

int qcow2_backing_open(struct qcow2 *q, const struct blk_opt *o,
		       struct err *e)
{
	char text[128];

	qcow2_printable(text, sizeof(text), q->h.backing,
			strlen(q->h.backing));
	if (!o->allow_backing)
		return err_set(e, 0, "%s: its data is partly in another file, "
			       "%s, which an image from elsewhere must not "
			       "choose (try --allow-backing if you trust it)",
			       q->blk.path, text);
	if (q->depth + 1 >= QCOW2_CHAIN_MAX)
		return err_set(e, 0, "%s: more than %d backing files",
			       q->blk.path, QCOW2_CHAIN_MAX);
	if (open_it(q, o, e))
		return err_at(e, "%s: its backing file %s: ", q->blk.path,
			      text);
	return 0;
}
