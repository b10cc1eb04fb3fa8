/* A bundle in a zip archive, unpacked to a directory of its own: whole for a
 * run, heads only for a look. minizip reads the archive; names, number and
 * sizes are bounded here, since archives come from anywhere. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <unzip.h>

#include "bundle_int.h"

#define ENTRIES_MAX 4096
#define NAME_MAX_LEN 1024
#define LOOK_BYTES (256u << 10)         /* of each file */
#define LOOK_TOTAL (16u << 20)
#define CHUNK 65536
/* A deflated byte is at most 1032 plain ones. */
#define RATIO_MAX 1100

struct unzip {
	unzFile z;
	const char *dir;
	enum bundle_how how;
	uint64_t total, room;
	uint8_t *buf;
	struct err *e;
};

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	remove(path);
	return 0;
}

void bundle_remove(const char *temp)
{
	if (temp)
		nftw(temp, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static bool name_ok(const char *s)
{
	if (!*s || *s == '/' || strchr(s, '\\') || strlen(s) >= NAME_MAX_LEN)
		return false;
	for (const char *p = s; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return false;
	}
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* What Macs add for themselves. */
static bool litter(const char *s)
{
	const char *base = strrchr(s, '/');

	base = base ? base + 1 : s;
	return !strncmp(s, "__MACOSX/", 9) || !strncmp(base, "._", 2) ||
	       !strcmp(base, ".DS_Store");
}

static int make_dirs(char *path, size_t from)
{
	for (char *p = path + from; (p = strchr(p, '/')); p++) {
		*p = 0;
		if (mkdir(path, 0700) && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return 0;
}

static bool all_zero(const uint8_t *p, int n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, (size_t)n - 1));
}

static int copy_out(struct unzip *u, int fd, uint64_t size, const char *name)
{
	uint64_t want = u->how == BUNDLE_LOOK && size > LOOK_BYTES ?
			LOOK_BYTES : size;
	uint64_t at = 0;

	while (at < want) {
		unsigned n = want - at < CHUNK ? (unsigned)(want - at) : CHUNK;
		int got = unzReadCurrentFile(u->z, u->buf, n);

		if (got <= 0)
			return err_set(u->e, 0, "%.120s: the archive is "
				       "damaged", name);
		/* Disks are mostly holes; keep them. */
		if (!all_zero(u->buf, got) &&
		    pwrite(fd, u->buf, (size_t)got, (off_t)at) != got)
			return err_set(u->e, errno, "%.120s: unpacking", name);
		at += (uint64_t)got;
	}
	if (ftruncate(fd, (off_t)size))
		return err_set(u->e, errno, "%.120s: unpacking", name);
	return 0;
}

static int check_size(struct unzip *u, const unz_file_info64 *i,
		      const char *name)
{
	uint64_t size = i->uncompressed_size;

	if (size > 1ull << 46 || (size > CHUNK &&
				  size / RATIO_MAX > i->compressed_size))
		return err_set(u->e, 0, "%.120s: %llu bytes out of %llu, which "
			       "no archive does", name,
			       (unsigned long long)size,
			       (unsigned long long)i->compressed_size);
	u->total += u->how == BUNDLE_LOOK && size > LOOK_BYTES ? LOOK_BYTES :
		    size;
	if (u->total > u->room)
		return err_set(u->e, 0, "unpacked it is larger than the room "
			       "in %s, %llu MiB (set TMPDIR, or unzip it "
			       "where there is room)", u->dir,
			       (unsigned long long)(u->room >> 20));
	return 0;
}

static int one(struct unzip *u)
{
	char name[NAME_MAX_LEN + 1], *path;
	unz_file_info64 i;
	int fd, r;

	if (unzGetCurrentFileInfo64(u->z, &i, name, sizeof(name), NULL, 0,
				    NULL, 0) != UNZ_OK)
		return err_set(u->e, 0, "the archive is damaged");
	name[NAME_MAX_LEN] = 0;
	if (i.size_filename >= NAME_MAX_LEN || !name_ok(name))
		return err_set(u->e, 0, "an entry's name leads out of the "
			       "archive: %.120s", name);
	/* Links and what else is no file: Unix mode in the upper half. */
	if (litter(name) || ((i.external_fa >> 16 & S_IFMT) &&
	    !S_ISREG(i.external_fa >> 16) && !S_ISDIR(i.external_fa >> 16)))
		return 0;
	if (i.flag & 1)
		return err_set(u->e, 0, "%.120s: encrypted with a password "
			       "(unzip it first)", name);
	if (asprintf(&path, "%s/%s", u->dir, name) < 0)
		return err_set(u->e, 0, "out of memory");
	r = make_dirs(path, strlen(u->dir) + 1) ?
		err_set(u->e, errno, "%.120s: unpacking", name) : 0;
	if (!r && path[strlen(path) - 1] != '/') {
		r = check_size(u, &i, name);
		fd = r ? -1 : open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
				   O_NOFOLLOW, 0600);
		if (!r && fd < 0)
			r = err_set(u->e, errno, "%.120s: unpacking", name);
		if (!r && unzOpenCurrentFile(u->z) != UNZ_OK)
			r = err_set(u->e, 0, "%.120s: packed in a way that "
				    "is not known", name);
		if (!r)
			r = copy_out(u, fd, i.uncompressed_size, name);
		unzCloseCurrentFile(u->z);
		if (fd >= 0)
			close(fd);
	}
	free(path);
	return r;
}

static int unpack(struct unzip *u)
{
	int r = unzGoToFirstFile(u->z), n = 0;

	while (r == UNZ_OK) {
		if (n++ == ENTRIES_MAX)
			return err_set(u->e, 0, "more than %d entries; no "
				       "bundle has that many", ENTRIES_MAX);
		if (one(u))
			return -1;
		r = unzGoToNextFile(u->z);
	}
	return r == UNZ_END_OF_LIST_OF_FILE ? 0 :
	       err_set(u->e, 0, "the archive is damaged");
}

char *bundle_unzip(struct bundle *b, enum bundle_how how, const char *path,
		   struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct unzip u = { .how = how, .e = e };
	struct statvfs vfs;
	char *out = NULL;
	int r;

	if (asprintf(&b->temp, "%s/pome-XXXXXX", tmp && *tmp ? tmp :
		     "/tmp") < 0 || !mkdtemp(b->temp)) {
		err_set(e, errno, "%s: a directory to unpack to", b->temp ?
			b->temp : "TMPDIR");
		free(b->temp);
		b->temp = NULL;
		return NULL;
	}
	u.dir = b->temp;
	u.room = how == BUNDLE_LOOK ? LOOK_TOTAL :
		 statvfs(b->temp, &vfs) ? 0 :
		 (uint64_t)vfs.f_bavail * vfs.f_frsize / 10 * 9;
	u.buf = malloc(CHUNK);
	u.z = u.buf ? unzOpen64(path) : NULL;
	if (!u.z) {
		free(u.buf);
		err_set(e, 0, "%s: not a whole zip archive", path);
		return NULL;
	}
	r = unpack(&u);
	unzClose(u.z);
	free(u.buf);
	if (r)
		err_at(e, "%s: ", path);
	else
		out = strdup(b->temp);
	return out;
}
