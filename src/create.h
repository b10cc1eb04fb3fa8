/* create.h: what the parts of `pome create` share: the request, and the new
 * directory, which goes away again unless all of it was made. */
#ifndef CREATE_H
#define CREATE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "err.h"

enum create_kind { CREATE_NONE, CREATE_LINUX, CREATE_DEBIAN, CREATE_MAC };

struct create {
	enum create_kind kind;
	const char *dir;
	const char *stage1;                             /* Mac */
	bool has_ecid;
	uint64_t ecid;
	const char *kernel, *initrd, *append;           /* Linux, Debian */
	int ndisks;
	const char *disk[CFG_MAX_DISKS];                /* Linux: copied */
	const char *debian;             /* a suite, or a directory */
	uint64_t disk_size, ram;        /* bytes; 0: not said */
	unsigned cpus;
	bool quiet;
	int signal;                     /* that interrupted it, or 0 */
};

#define MADE_MAX 32

struct made {
	struct create *c;
	int dir;                        /* of the new directory */
	int n;
	char *name[MADE_MAX];           /* of the files in it */
	bool tty;                       /* progress is shown */
};

/* Makes the directory, which must not be there; SIGINT and its kind are held
 * back from here on. made_end gives them free, and removes everything where
 * `keep` is false. */
int made_begin(struct made *, struct create *, struct err *);
void made_end(struct made *, bool keep);
/* Was there a signal? Then -1, and c->signal says which. */
int made_pause(struct made *, struct err *);
/* A new file of that size, sparse, for writing. -1: not made. */
int made_file(struct made *, const char *name, uint64_t size, struct err *);
/* Writes all of it, there. */
int made_write(int fd, const char *name, const void *, size_t, uint64_t at,
	       struct err *);
/* A copy, sparse where the original is, of at least `size` bytes. */
int made_copy(struct made *, const char *from, const char *name, uint64_t size,
	      struct err *);
/* Counts another program's file in. */
int made_adopt(struct made *, const char *name, struct err *);
/* Says how far it is, where someone looks; `all` 0: no end is known. */
void made_progress(const struct made *, const char *what, uint64_t done,
		   uint64_t all);
/* Runs a program until it ends; a signal ends it too. argv[0] is looked up in
 * PATH. -1 where it failed, with the last of what it said. */
int made_run(struct made *, char *const argv[], const char *what,
	     struct err *);

int create_linux(struct create *, struct made *, struct err *);
int create_debian(struct create *, struct made *, struct err *);
int create_mac(struct create *, struct made *, struct err *);

/* vm.json of a Linux bundle: names of files in it; initrd may be NULL. */
int create_json(struct made *, const char *kernel, const char *initrd,
		const char *append, const char *const *disks, int n,
		struct err *);
/* Looks at a kernel and an initial RAM disk before they are copied. */
int create_check_kernel(const char *path, struct err *);
int create_check_initrd(const char *path, struct err *);

#endif
