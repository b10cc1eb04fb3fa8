/* A Debian in a bundle: made by mmdebstrap, or from a directory that has one;
 * mke2fs puts it on a disk. No privileges are needed where mmdebstrap needs
 * none. create.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create.h"

#define STAGE "POME_CREATE"             /* environment of the hooks */

/* Hooks of mmdebstrap: they run with the new root in $1, perhaps as another user
 * than we are. */
#define EARLY "--setup-hook="           /* there is no package yet */
#define LATE "--customize-hook="        /* all are there */

static const char *const hooks[] = {
	/* The machine's disk is known. An initial RAM disk of all drivers would
	 * be put together by thousands of programs: half an hour where arm64
	 * programs run in an emulator. */
	EARLY "d=\"$1/etc/initramfs-tools/conf.d\"; mkdir -p \"$d\" && "
	"echo MODULES=list >\"$d/pome\"",
	EARLY "d=\"$1/usr/share/initramfs-tools/modules.d\"; "
	"mkdir -p \"$d\" && printf '%s\\n' virtio_pci virtio_blk "
	"virtio_console ext4 >\"$d/pome\"",
	/* What a system on its own needs and mmdebstrap leaves to its caller. */
	LATE "sed -i 's/^root:[^:]*:/root::/' \"$1/etc/shadow\"",
	LATE "echo debian >\"$1/etc/hostname\"",
	LATE "printf '127.0.0.1 localhost\\n127.0.1.1 debian\\n' "
	">\"$1/etc/hosts\"",
	LATE "echo '/dev/vda / ext4 defaults 0 1' >\"$1/etc/fstab\"",
	LATE "printf '[Match]\\nName=en* eth*\\n[Network]\\nDHCP=yes\\n' "
	">\"$1/etc/systemd/network/80-dhcp.network\"",
	LATE "w=\"$1/etc/systemd/system/multi-user.target.wants\"; "
	"mkdir -p \"$w\" "
	"&& ln -sf /lib/systemd/system/systemd-networkd.service \"$w/\"",
	LATE "echo nameserver 10.0.2.3 >\"$1/etc/resolv.conf\"",
	LATE "cp \"$1\"/boot/vmlinuz-* \"$" STAGE "/vmlinuz\"",
	LATE "cp \"$1\"/boot/initrd.img-* \"$" STAGE "/initrd.img\"",
	/* /proc and /sys are mounted in the root now; they are not where the
	 * root alone is mounted a second time. Who may not mount has neither. */
	LATE "d=\"$1\"; if mount --bind \"$d\" \"$" STAGE "/root\"; then "
	"d=\"$" STAGE "/root\"; trap 'umount \"$d\"' EXIT; fi; "
	"mke2fs -q -t ext4 -L debian -d \"$d\" \"$" STAGE "/disk.img\"",
	LATE "cd \"$" STAGE "\" && chmod 644 vmlinuz initrd.img",
};

enum { NHOOKS = sizeof(hooks) / sizeof(hooks[0]) };

static const char *const made_files[] = { "vmlinuz", "initrd.img",
					  "disk.img" };

static int bootstrap(struct create *c, struct made *m, struct err *e)
{
	char *argv[NHOOKS + 8];
	int n = 0, r;

	argv[n++] = (char *)"mmdebstrap";
	argv[n++] = (char *)"--arch=arm64";
	argv[n++] = (char *)"--variant=important";
	argv[n++] = (char *)"--include=linux-image-arm64,systemd-sysv,udev";
	for (int i = 0; i < NHOOKS; i++)
		argv[n++] = (char *)hooks[i];
	argv[n++] = (char *)c->debian;
	argv[n++] = (char *)"/dev/null";
	argv[n] = NULL;
	r = made_run(m, argv, "mmdebstrap", e);
	if (r && strstr(e->msg, "binfmt_misc"))
		err_set(e, 0, "create: this host does not run arm64 programs, "
			"which mmdebstrap needs (apt install qemu-user-static "
			"binfmt-support; in a container, on its host)");
	return r;
}

/* Ours by a change of name; another user's, as mmdebstrap's unshare mode has
 * them, by a copy. */
static int fetch(struct made *m, const char *stage, const char *name,
		 struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	mode_t mask;

	if (snprintf(path, sizeof(path), "%s/%s", stage, name) >=
	    (int)sizeof(path) || lstat(path, &st) || !S_ISREG(st.st_mode))
		return err_set(e, 0, "create: mmdebstrap made no %s", name);
	if (st.st_uid != geteuid())
		return made_copy(m, path, name, 0, e);
	/* the disk was open to the user that the hooks run as */
	mask = umask(0);
	umask(mask);
	if (chmod(path, 0666 & ~mask) ||
	    renameat(AT_FDCWD, path, m->dir, name))
		return err_set(e, errno, "create: %s", name);
	return made_adopt(m, name, e);
}

static void remove_stage(const char *stage)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/root", stage) < (int)sizeof(path))
		rmdir(path);
	for (size_t i = 0; i < sizeof(made_files) / sizeof(made_files[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", stage,
			     made_files[i]) < (int)sizeof(path))
			unlink(path);
	rmdir(stage);
}

static int from_suite(struct create *c, struct made *m, struct err *e)
{
	char *base = realpath(c->dir, NULL), *stage = NULL;
	int fd, r = -1;

	for (const char *p = c->debian; *p; p++)
		if (!islower((unsigned char)*p) && *p != '-') {
			free(base);
			return err_set(e, 0, "create: --debian %s: neither a "
				       "directory nor the name of a suite "
				       "(such as bookworm)", c->debian);
		}
	if (!base || asprintf(&stage, "%s/.stage", base) < 0)
		stage = NULL;
	free(base);
	if (!stage || mkdir(stage, 0700) || chmod(stage, 0777)) {
		err_set(e, errno, "create: %s", c->dir);
		free(stage);
		return -1;
	}
	setenv(STAGE, stage, 1);
	fd = open(stage, O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err_set(e, errno, "create: %s", stage);
	} else {
		int disk = openat(fd, "disk.img", O_WRONLY | O_CREAT | O_EXCL |
				  O_CLOEXEC, 0666);

		/* mke2fs takes the size of what is there. */
		if (disk < 0 || fchmod(disk, 0666) ||
		    mkdirat(fd, "root", 0755) ||
		    ftruncate(disk, (off_t)c->disk_size))
			err_set(e, errno, "create: disk.img");
		else
			r = bootstrap(c, m, e);
		if (disk >= 0)
			close(disk);
		close(fd);
	}
	for (size_t i = 0; !r && i < 3; i++)
		r = fetch(m, stage, made_files[i], e);
	remove_stage(stage);
	free(stage);
	return r;
}

/* ---- from a directory -------------------------------------------------------- */

static int is_kernel(const struct dirent *d)
{
	return !strncmp(d->d_name, "vmlinuz-", 8);
}

/* The newest kernel of DIR/boot, and the initial RAM disk of its version. */
static int find_kernel(const char *root, char **kernel, char **initrd,
		       struct err *e)
{
	struct dirent **all = NULL;
	char *boot = NULL;
	int n;

	*kernel = *initrd = NULL;
	if (asprintf(&boot, "%s/boot", root) < 0)
		return err_set(e, 0, "out of memory");
	n = scandir(boot, &all, is_kernel, versionsort);
	if (n > 0 && (asprintf(kernel, "%s/%s", boot,
			       all[n - 1]->d_name) < 0 ||
		      asprintf(initrd, "%s/initrd.img-%s", boot,
			       all[n - 1]->d_name + 8) < 0))
		*kernel = *initrd = NULL;
	if (*initrd && access(*initrd, R_OK)) {
		free(*initrd);
		*initrd = NULL;
	}
	for (int i = 0; i < n; i++)
		free(all[i]);
	free(all);
	free(boot);
	return *kernel ? 0 : err_set(e, 0, "create: %s/boot: no vmlinuz-* in "
				     "it (install linux-image-arm64 in that "
				     "root, or give --kernel and --initrd)",
				     root);
}

static int make_disk(struct create *c, struct made *m, struct err *e)
{
	char *path = NULL, *argv[10];
	int fd = made_file(m, "disk.img", c->disk_size, e), r;

	if (fd < 0)
		return -1;
	close(fd);
	if (asprintf(&path, "%s/disk.img", c->dir) < 0)
		return err_set(e, 0, "out of memory");
	argv[0] = (char *)"mke2fs";
	argv[1] = (char *)"-q";
	argv[2] = (char *)"-t";
	argv[3] = (char *)"ext4";
	argv[4] = (char *)"-d";
	argv[5] = (char *)c->debian;
	argv[6] = path;
	argv[7] = NULL;
	r = made_run(m, argv, "mke2fs", e);
	free(path);
	return r;
}

static int from_dir(struct create *c, struct made *m, struct err *e)
{
	char *kernel = NULL, *initrd = NULL;
	int r = 0;

	if (!c->kernel)
		r = find_kernel(c->debian, &kernel, &initrd, e);
	if (!r && !c->kernel)
		r = create_check_kernel(kernel, e);
	if (!r)
		r = made_copy(m, c->kernel ? c->kernel : kernel, "vmlinuz", 0,
			      e);
	if (!r && (c->initrd || initrd))
		r = made_copy(m, c->initrd ? c->initrd : initrd, "initrd.img",
			      0, e);
	free(kernel);
	free(initrd);
	return r ? r : make_disk(c, m, e);
}

int create_debian(struct create *c, struct made *m, struct err *e)
{
	static const char *const disk = "disk.img";
	struct stat st;
	bool dir = !stat(c->debian, &st) && S_ISDIR(st.st_mode);

	if (dir ? from_dir(c, m, e) : from_suite(c, m, e))
		return -1;
	return create_json(m, "vmlinuz", faccessat(m->dir, "initrd.img", R_OK,
						   0) ? NULL : "initrd.img",
			   c->append ? c->append :
			   "console=ttyAMA0 root=/dev/vda rw", &disk, 1, e);
}
