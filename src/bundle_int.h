/* bundle_int.h: what the readers of the formats share. */
#ifndef BUNDLE_INT_H
#define BUNDLE_INT_H

#include "bundle.h"
#include "node.h"

#define MIB (1ull << 20)

/* The readers: b->settings, b->dir and b->file are set; they fill b->vm. */
void bundle_utm(struct bundle *);
void bundle_utm_apple(struct bundle *, struct node *);
void bundle_utm_qemu(struct bundle *, struct node *);
void bundle_utm_legacy_apple(struct bundle *, struct node *);
void bundle_utm_legacy_qemu(struct bundle *, struct node *);
void bundle_macosvm(struct bundle *);
void bundle_virtualbuddy(struct bundle *);
void bundle_tart(struct bundle *);
void bundle_lume(struct bundle *);
void bundle_vfkit(struct bundle *);
/* A file with a command line of vfkit or vftool. */
bool bundle_cmdline_is(const char *text, size_t len);
void bundle_cmdline(struct bundle *, const char *text, size_t len);
void bundle_parallels(struct bundle *, const char *text, size_t len);

/* ---- files of a bundle (bundle_files.c) ------------------------------------ */

/* A file below b->dir that `key` of `n` names: `sub` ("Data" or NULL) and a
 * name that must not lead out. NULL with a finding; the caller frees. */
char *file_inside(struct bundle *, const struct node *n, const char *key,
		  const char *sub, const char *name);
/* The same, but where it isn't there no finding and NULL. */
char *file_maybe(struct bundle *, const char *sub, const char *name);
/* A path of any kind, as macosvm and vfkit have them: what leads out of the
 * bundle is taken with a warning and not looked at before it is opened. */
char *file_anywhere(struct bundle *, const struct node *n, const char *key,
		    const char *name);
bool file_exists(const struct bundle *, const char *name);
/* A name in a directory that is nearly this one, escaped; empty: there is none. */
void file_near(const char *dir, const char *name, char *near, size_t len);
/* file:NAME, file:///PATH with percent escapes; NULL for another scheme. */
char *file_from_url(const char *url);
/* A small file of the bundle, whole; NULL where it is not there or too large.
 * The caller frees. */
void *file_read(const struct bundle *, const char *name, size_t max,
		size_t *len);
/* Opens a path that one of the above gave, to look at it. */
int file_open(const char *path, uint64_t *size, struct err *);

/* Is the file what `what` wants? Findings about kernels and disks. */
void file_check_kernel(struct bundle *, const char *key, const char *path);

/* ---- filling b->vm (bundle_vm.c) --------------------------------------------- */

void vm_cpus(struct bundle *, struct node *dict, const char *key,
	     enum need need, bool zero_is_auto);
/* In units of `unit` bytes. */
void vm_ram(struct bundle *, struct node *dict, const char *key, uint64_t unit);
void vm_text(struct bundle *, struct node *dict, const char *key, char **slot,
	     enum need need);
/* NULL with a finding where there are too many. path and text become the
 * disk's. */
struct bvm_disk *vm_disk(struct bundle *, const struct node *at, char *path,
			 bool ro);
struct bvm_nic *vm_nic(struct bundle *, const struct node *at);
/* What `at` has below it is ignored: it is known, and never shown. */
struct bvm_display *vm_display(struct bundle *, struct node *at, int64_t w,
			       int64_t h, int64_t ppi);
struct bvm_share *vm_share(struct bundle *, const struct node *at,
			   const char *tag, bool ro);
void vm_share_path(struct bvm_share *, const char *path);
struct bvm_serial *vm_serial(struct bundle *, const struct node *at, bool uart,
			     const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* `hyphens`: 02-00-... is taken as well, with a note. */
void vm_mac(struct bundle *, struct node *dict, const char *key,
	    enum need need, bool hyphens, struct bvm_nic *);
void vm_forward(struct bundle *, const struct node *at, struct bvm_nic *,
		bool udp, const char *host, int64_t hport, const char *guest,
		int64_t gport);
/* An address of the emulated network under `key`, which is --net's `as`. */
void vm_net_plan(struct bundle *, struct node *dict, const char *key,
		 const char *as, struct bvm_nic *);
void vm_model(struct bundle *, const struct node *at, const char *key,
	      const void *blob, size_t len);
void vm_ecid(struct bundle *, const struct node *at, const char *key,
	     const void *blob, size_t len);
/* The same from base64 text under `key`. False: it was absent. */
bool vm_model_base64(struct bundle *, struct node *dict, const char *key,
		     enum need need);
bool vm_ecid_base64(struct bundle *, struct node *dict, const char *key,
		    enum need need);
/* Takes the path. */
void vm_aux(struct bundle *, const struct node *at, const char *key,
	    char *path);
void vm_set_serial(struct bvm_disk *, const char *id);
void vm_key(char **slot, const struct node *at);

/* Host-side state of a machine that was not shut down: "Data/vmstate". */
void vm_suspended(struct bundle *, const char *name);
void bundle_vm_fini(struct bvm *);

/* ---- and in the end (bundle_finish.c) ----------------------------------------- */

/* What pome makes of b->vm: fills c, and says what it can't do. */
void bundle_finish(struct bundle *, struct config *c);

/* Unpacks a zip archive to b->temp (bundle_zip.c); returns the bundle's path
 * in it, or NULL with an error. The caller frees. */
char *bundle_unzip(struct bundle *, enum bundle_how, const char *path,
		   struct err *);
void bundle_remove(const char *temp);   /* the tree; NULL: nothing */

#endif
