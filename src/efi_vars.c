/* The file of the UEFI variables (--efi-vars): the contents of the virt board's
 * second flash bank, as QEMU and UTM keep it (Data/efi_vars.fd).
 *
 * A store that does not exist is made, blank, beside its final name and then
 * renamed, so that there is never half of one; firmware formats it. While the
 * machine runs the file is a disk of the flash chip's (pflash.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "config.h"
#include "log.h"
#include "pflash.h"

#define EFI_VARS_SIZE 0x04000000u       /* of a bank of the virt board */

/* The directory's entry shall survive as well; no file system is blamed. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == path ? strdup("/") :
		    slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(dir);
}

/* A store that appeared meanwhile stays (EEXIST). */
static int put_in_place(const char *temp, const char *path)
{
	int r = renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE);

	/* not every file system can */
	return r && errno == EINVAL ? rename(temp, path) : r;
}

static int make_blank(const char *path, uint64_t size, struct err *e)
{
	char *temp;
	int fd, no;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return err_set(e, ENOMEM, "%s", path);
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0) {
		err_set(e, errno, "%s: making a variable store", path);
		free(temp);
		return -1;
	}
	no = ftruncate(fd, (off_t)size) || fchmod(fd, 0644) || fsync(fd) ||
	     put_in_place(temp, path) ? errno : 0;
	if (no)
		unlink(temp);
	close(fd);
	free(temp);
	if (no && no != EEXIST)
		return err_set(e, no, "%s: making a variable store", path);
	sync_folder(path);
	log_msg(LOG_INFO, "%s: a new, empty variable store", path);
	return 0;
}

static int check_size(const struct cfg_vars *v, uint64_t size, struct err *e)
{
	if (size && size % PFLASH_BLOCK == 0 && size <= EFI_VARS_SIZE)
		return 0;
	return err_set(e, 0, "%s: %llu bytes; a variable store has whole "
		       "blocks of 256 KiB, 64 MiB at most (UTM's and QEMU's "
		       "have 64 MiB; Apple's own kind is another format)",
		       v->path, (unsigned long long)size);
}

int efi_vars_open(struct cfg_vars *v, bool keep, struct err *e)
{
	uint64_t size = 0;

	if (!v->path)
		return 0;
	if (access(v->path, F_OK) && errno == ENOENT) {
		if (!keep)              /* nothing to read, nothing to keep */
			return 0;
		if (make_blank(v->path, EFI_VARS_SIZE, e))
			return -1;
	}
	/* what a bundle's file was when it was read, it shall still be */
	v->fd = config_open_file(v->path, (keep ? O_RDWR : O_RDONLY) |
				 (v->from_bundle ? O_NOFOLLOW : 0), false,
				 "a UEFI variable store", &size, e);
	if (v->fd < 0)
		return -1;
	if (check_size(v, size, e))
		return -1;
	return blk_lock(v->fd, v->path, !keep, e);
}
