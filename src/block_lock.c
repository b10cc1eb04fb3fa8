/* block_lock.c: one writer or many readers of an image, and who the other is.
 *
 * An open-file-description lock over the whole file (bundles.md section 4.5):
 * it belongs to the descriptor, so a second open in this process counts as
 * another, and QEMU's byte locks on its images meet it. flock too, for
 * programs that use only that. The kernel does not tell who holds a lock of
 * the first kind, so we look which process has the file open and locked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"

/* Does /proc/PID/fdinfo/FD list a lock of this file? */
static bool has_lock(int proc, const char *pid, const char *fd)
{
	char name[64], line[128];
	bool found = false;
	int info;
	FILE *f;

	snprintf(name, sizeof(name), "%.20s/fdinfo/%.20s", pid, fd);
	info = openat(proc, name, O_RDONLY | O_CLOEXEC);
	f = info >= 0 ? fdopen(info, "r") : NULL;
	if (!f) {
		if (info >= 0)
			close(info);
		return false;
	}
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "lock:", 5);
	fclose(f);
	return found;
}

/* The process holds a descriptor of the file, another than `own`, that has a
 * lock. */
static bool holds(int proc, const char *pid, int own, const struct stat *file)
{
	char name[64];
	struct dirent *de;
	bool found = false;
	struct stat st;
	int fds;
	DIR *d;

	snprintf(name, sizeof(name), "%.20s/fd", pid);
	fds = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fds >= 0 ? fdopendir(fds) : NULL;
	if (!d) {
		if (fds >= 0)
			close(fds);
		return false;
	}
	while (!found && (de = readdir(d)))
		found = (own != atoi(de->d_name) || atoi(pid) != getpid()) &&
			!fstatat(fds, de->d_name, &st, 0) &&
			st.st_dev == file->st_dev &&
			st.st_ino == file->st_ino &&
			has_lock(proc, pid, de->d_name);
	closedir(d);
	return found;
}

static void command(int proc, const char *pid, char *out, size_t size)
{
	char name[64];
	ssize_t n = -1;
	int fd;

	snprintf(name, sizeof(name), "%.20s/comm", pid);
	fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = 0;
	for (char *p = out; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = p[1] ? '?' : 0;    /* the last is a newline */
}

/* "process 123 (qemu-system-aar)", or without a name where we may not look. */
static void find_holder(int fd, char *out, size_t size)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = proc >= 0 ? fdopendir(proc) : NULL;
	struct dirent *de;
	struct stat st;
	char comm[32];

	snprintf(out, size, "another process");
	if (!d || fstat(fd, &st))
		goto out;
	while ((de = readdir(d))) {
		long pid = strtol(de->d_name, NULL, 10);

		if (pid <= 0 || !holds(proc, de->d_name, fd, &st))
			continue;
		if (pid == getpid()) {
			snprintf(out, size, "this very machine, which names it "
				 "twice");
			break;
		}
		command(proc, de->d_name, comm, sizeof(comm));
		snprintf(out, size, "process %ld (%s)", pid, comm);
		break;
	}
out:
	if (d)
		closedir(d);
	else if (proc >= 0)
		close(proc);
}

int blk_lock(int fd, const char *path, bool readonly, struct err *e)
{
	struct flock fl = {
		.l_type = readonly ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};
	char who[64];

	if (fcntl(fd, F_OFD_SETLK, &fl)) {
		if (errno == EAGAIN || errno == EACCES)
			goto taken;
	}
	if (!flock(fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) ||
	    errno != EWOULDBLOCK)
		return 0;
taken:
	find_holder(fd, who, sizeof(who));
	if (readonly)
		return err_set(e, 0, "%s: in use by %s, which writes to it; a "
			       "second machine would read it half changed "
			       "(stop the other one, or give it --ephemeral or "
			       "--readonly as well)", path, who);
	return err_set(e, 0, "%s: in use by %s; two machines on one disk "
		       "destroy it (stop the other one, use readonly in both, "
		       "or try --ephemeral)", path, who);
}
