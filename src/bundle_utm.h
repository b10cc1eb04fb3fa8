/* bundle_utm.h: what the readers of UTM's layouts share. */
#ifndef BUNDLE_UTM_H
#define BUNDLE_UTM_H

#include "bundle_int.h"

/* Reasons to ignore a key. */
#define UTM_WINDOW "about UTM's window"
#define UTM_TERMINAL "how UTM's terminal looks"
#define UTM_MAC_NET "about a network of that Mac"
#define UTM_EMULATOR "about how QEMU runs the guest"

void utm_information(struct bundle *, struct node *root);
/* The path of an image; NULL with a finding. */
char *utm_image(struct bundle *, struct node *at, const char *key,
		const char *name);
void utm_rosetta(struct bundle *, struct node *, const char *key, bool on);
void utm_audio(struct bundle *, struct node *, const char *key, bool on);
void utm_clipboard(struct bundle *, struct node *, const char *key, bool on);
void utm_external(struct bundle *, struct node *drive);
void utm_local_time(struct bundle *, struct node *, const char *key, enum need);
/* The addresses of a network: keys for net, host, first of DHCP, name server
 * and domain, and those that pome's has not; both lists end with NULL. Where it
 * is not `emulated`, they are what Apple's framework gives out (DHCP's first is
 * the host's there), and ignored. */
void utm_plan(struct bundle *, struct node *, const char *const *plan,
	      const char *const *rest, bool emulated, struct bvm_nic *);
void utm_shared_folders(struct bundle *, struct node *, const char *key);

/* Both QEMU layouts: extra arguments, target, and what boots. */
struct utm_args {
	char *append, *kernel, *initrd, *dtb, *bios;
	bool has_ecid;
	uint64_t ecid;
};
void utm_args_parse(struct bundle *, struct node *at, const char *const *arg,
		    int n, struct utm_args *);
void utm_args_apply(struct bundle *, struct node *at, struct utm_args *);
/* What a drive's ImageType says, in the order of its words. */
enum {
	UTM_IMG_NONE, UTM_IMG_DISK, UTM_IMG_CD, UTM_IMG_BIOS, UTM_IMG_KERNEL,
	UTM_IMG_INITRD, UTM_IMG_DTB
};
/* A drive from UTM_IMG_BIOS on is a file that starts the machine; the path
 * becomes the bundle's. */
void utm_boot_file(struct bundle *, struct node *drive, int type, char *path);
/* What starts it, after drives and arguments were read. */
void utm_boot(struct bundle *, struct node *at, const char *key, bool uefi);
bool utm_target(struct bundle *, struct node *sys);
void utm_cpu_note(struct bundle *, struct node *sys);

#endif
