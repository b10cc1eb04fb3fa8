/* Files of a bundle: names out of a config file never lead out of it, and what
 * they lead to is a plain file (bundles.md section 7). */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot.h"
#include "bundle_int.h"

/* Opens below `dir` and nowhere else, whatever links say. */
static int open_beneath(const char *dir, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, no;

	if (at < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS) {
		/* Before Linux 5.6: then no link at all at the end. */
		fd = openat(at, name, (int)flags | O_CLOEXEC | O_NOFOLLOW);
	}
	no = errno;
	close(at);
	errno = no;
	return fd;
}

/* By its letters alone: does the name stay below? */
static bool stays(const char *name)
{
	if (*name == '/')
		return false;
	for (const char *p = name; p; p = strchr(p, '/')) {
		while (*p == '/')
			p++;
		if (!strncmp(p, "..", 2) && (!p[2] || p[2] == '/'))
			return false;
	}
	return true;
}

static char *join(const char *a, const char *b)
{
	char *p;

	while (!strncmp(b, "./", 2) && b[2])
		b += 2;
	if (!a || !strcmp(a, ".") || !*a)
		return strdup(b);
	return asprintf(&p, "%s/%s", a, b) < 0 ? NULL : p;
}

static void escaped(struct bundle *b, const struct node *n, const char *key,
		    const char *name, const char *sub)
{
	note_at(b, NOTE_ERROR, "path-escape", n, key, "'%.120s' leads out of "
		"the bundle; expected the name of a file in %s", name,
		sub ? sub : "it");
}

void file_near(const char *dir, const char *name, char *near, size_t len)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	char best[256] = "";

	for (int i = 0; d && i < 1000 && (de = readdir(d)); i++) {
		const char *cand = de->d_name;
		bool first = strcmp(cand, best) < 0;
		/* of two that are as near the first by the alphabet */
		const char *two[] = { first ? cand : best, first ? best : cand };

		/* the name itself is there where it is a link to nothing */
		if (!strncmp(cand, "._", 2) || !strcmp(cand, name))
			continue;
		if (*best ? config_nearest(name, two, 2) == cand :
			    config_nearest(name, &cand, 1) == cand)
			snprintf(best, sizeof(best), "%s", cand);
	}
	if (d)
		closedir(d);
	bundle_escape(best, near, len);
}

static void missing(struct bundle *b, const struct node *n, const char *key,
		    const char *sub, const char *name)
{
	char *where = sub ? join(b->dir, sub) : strdup(b->dir);
	char near[128] = "";

	if (where)
		file_near(where, name, near, sizeof(near));
	note_at(b, NOTE_ERROR, "file-missing", n, key, "%.120s is not there "
		"(tried %.120s/%.120s)%s%s%s", name, where ? where : "", name,
		*near ? "; did it mean " : "", near, *near ? "?" : "");
	free(where);
}

static const char *odd_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return NULL;
	case S_IFDIR: return "a directory";
	case S_IFIFO: return "a FIFO";
	case S_IFSOCK: return "a socket";
	case S_IFBLK: case S_IFCHR: return "a device node, which is taken from "
		"the command line only";
	default: return "no plain file";
	}
}

/* 0 it is there, -1 with errno. */
static int probe(const struct bundle *b, const char *rel, struct stat *st)
{
	int fd = open_beneath(b->dir, rel, O_PATH), r;

	if (fd < 0)
		return -1;
	r = fstat(fd, st);
	close(fd);
	return r;
}

char *file_inside(struct bundle *b, const struct node *n, const char *key,
		  const char *sub, const char *name)
{
	struct stat st;
	char *rel, *path = NULL;

	if (!*name) {
		note_at(b, NOTE_ERROR, "bad-value", n, key, "the name is "
			"empty");
		return NULL;
	}
	if (!stays(name) || strlen(name) > 1024) {
		escaped(b, n, key, name, sub);
		return NULL;
	}
	rel = join(sub, name);
	if (!rel)
		return NULL;
	if (!probe(b, rel, &st)) {
		if (odd_kind(st.st_mode))
			note_at(b, NOTE_ERROR, "bad-value", n, key, "%.120s: "
				"%s; expected a file", rel,
				odd_kind(st.st_mode));
		else
			path = join(b->dir, rel);
	} else if (errno == EXDEV || errno == ELOOP) {
		escaped(b, n, key, name, sub);
	} else if (errno == ENOENT || errno == ENOTDIR ||
		   errno == ENAMETOOLONG) {
		missing(b, n, key, sub, name);
	} else {
		note_at(b, NOTE_ERROR, "file-missing", n, key, "%.120s: %s",
			rel, strerror(errno));
	}
	free(rel);
	return path;
}

char *file_maybe(struct bundle *b, const char *sub, const char *name)
{
	char *rel = join(sub, name), *path = NULL;
	struct stat st;

	if (rel && stays(name) && !probe(b, rel, &st) && S_ISREG(st.st_mode))
		path = join(b->dir, rel);
	free(rel);
	return path;
}

bool file_exists(const struct bundle *b, const char *name)
{
	struct stat st;

	return !probe(b, name, &st);
}

char *file_anywhere(struct bundle *b, const struct node *n, const char *key,
		    const char *name)
{
	struct stat st;

	if (!*name) {
		note_at(b, NOTE_ERROR, "bad-value", n, key, "the name is "
			"empty");
		return NULL;
	}
	if (strlen(name) > 4000) {
		note_at(b, NOTE_ERROR, "bad-value", n, key, "a name of %zu "
			"bytes", strlen(name));
		return NULL;
	}
	if (!stays(name))
		goto outside;
	if (!probe(b, name, &st)) {
		if (!odd_kind(st.st_mode))
			return join(b->dir, name);
		note_at(b, NOTE_ERROR, "bad-value", n, key, "%.120s: %s; "
			"expected a file", name, odd_kind(st.st_mode));
		return NULL;
	}
	if (errno == EXDEV)
		goto outside;
	/* The tool it came from counts from where it is started. */
	if (strcmp(b->dir, ".") && !access(name, F_OK)) {
		note_at(b, NOTE_WARN, "cwd-relative-path", n, key, "%.120s is "
			"not in the bundle but in the current directory; it is "
			"taken from there", name);
		return strdup(name);
	}
	missing(b, n, key, NULL, name);
	return NULL;
outside:
	note_at(b, NOTE_WARN, "path-escape", n, key, "%.120s lies outside of "
		"the bundle's directory; it is opened only when the machine "
		"starts", name);
	return *name == '/' ? strdup(name) : join(b->dir, name);
}

char *file_from_url(const char *url)
{
	char *out, *p;

	if (strncasecmp(url, "file:", 5))
		return NULL;
	url += 5;
	if (!strncmp(url, "//", 2)) {
		url += 2;
		if (!strncasecmp(url, "localhost/", 10))
			url += 9;
		if (*url != '/')        /* another host's */
			return NULL;
	}
	out = p = malloc(strlen(url) + 1);
	if (!out)
		return NULL;
	for (; *url; url++) {
		if (url[0] == '%' && isxdigit((unsigned char)url[1]) &&
		    isxdigit((unsigned char)url[2])) {
			char hex[3] = { url[1], url[2], 0 };

			*p = (char)strtoul(hex, NULL, 16);
			if (!*p) {      /* a name cannot hold a NUL */
				free(out);
				return NULL;
			}
			p++;
			url += 2;
		} else {
			*p++ = *url;
		}
	}
	*p = 0;
	return out;
}

void *file_read(const struct bundle *b, const char *name, size_t max,
		size_t *len)
{
	int fd = open_beneath(b->dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *buf = NULL;
	size_t done = 0;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size <= max)
		buf = malloc((size_t)st.st_size + 1);
	while (buf && done < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + done, (size_t)st.st_size - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (buf)
		buf[done] = 0;
	*len = done;
	return buf;
}

int file_open(const char *path, uint64_t *size, struct err *e)
{
	return config_open_file(path, O_RDONLY, false, "a file of the bundle",
				size, e);
}

void file_check_kernel(struct bundle *b, const char *key, const char *path)
{
	unsigned char *head = malloc(KERNEL_HEAD);
	struct kernel_sniff k;
	uint64_t size = 0;
	struct err e;
	int fd = config_open_file(path, 0, false, "a kernel image", &size, &e);
	ssize_t n = fd >= 0 && head ? pread(fd, head, KERNEL_HEAD, 0) : -1;

	if (fd >= 0)
		close(fd);
	if (n < 0) {
		bundle_note(b, NOTE_ERROR, "file-missing", key, "%s",
			    fd < 0 ? e.msg : "the kernel cannot be read");
		free(head);
		return;
	}
	kernel_sniff(head, (size_t)n, size, &k);
	free(head);
	if (k.kind == KERNEL_REFUSE) {
		bundle_note(b, NOTE_ERROR, k.code, key, "%s: %s", path,
			    k.text);
		if (b->nnotes)
			b->note[b->nnotes - 1].ours =
				strcmp(k.code, "kernel-truncated") &&
				strcmp(k.code, "kernel-unknown");
	} else if (k.kind != KERNEL_IMAGE && k.kind != KERNEL_ELF &&
		   k.kind != KERNEL_XNU) {
		bundle_note(b, NOTE_NOTE, "kernel-unpacked", key, "%s: packed "
			    "with %s; it is unpacked at start", path,
			    k.compression);
	}
}
