/* bundle.h: VM bundles of other programs: one file a format, one description
 * of a machine out, and one struct config made of it. Readers trust nothing
 * (spec/bundles.md section 7). */
#ifndef POME_BUNDLE_H
#define POME_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "err.h"

enum note_level { NOTE_NOTE, NOTE_WARN, NOTE_ERROR };

/* A finding, with its code of bundles.md section 8. */
struct note {
	enum note_level level;
	bool ours;                      /* an error that is not the file's */
	const char *code;
	char *text;
	char *file;                     /* may be NULL */
	char *key;                      /* dotted path, may be NULL */
};

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_UNSUPPORTED,
	       VERDICT_MALFORMED };

#define BUNDLE_MAX_NOTES 128

/* ---- the machine that a bundle describes ---------------------------------- */

/* As the bundle has it, before pome's means are looked at. Texts are owned
 * where they are not const. */

#define BVM_MAX 64                      /* devices of a kind */

enum bvm_boot { BVM_BOOT_UNKNOWN, BVM_BOOT_ROM, BVM_BOOT_KERNEL,
		BVM_BOOT_UEFI };
enum bvm_mode { BVM_NET_USER, BVM_NET_BRIDGED, BVM_NET_HOST, BVM_NET_UNIX };

struct bvm_disk {
	char *path;
	char *key;                      /* where it was named */
	const char *bus;                /* "virtio", "nvme", "usb" */
	const char *role;               /* "root", "data", "cdrom" */
	const char *format;             /* "raw", "qcow2", "asif"; NULL: ? */
	bool ro;
	char serial[21];
};

struct bvm_nic {
	char *key;
	enum bvm_mode mode;
	bool has_mac, isolated;
	uint8_t mac[6];
	char *iface, *path;             /* bridged; unix */
	const char *hello;              /* unix: what is sent at start */
	int64_t mtu;                    /* 0: the usual */
	struct cfg_net plan;            /* its addresses alone; 0: the usual */
	int nfwd;
	char *fwd[CFG_MAX_FWD];         /* "tcp:[ADDR]:PORT-[ADDR]:PORT" */
};

struct bvm_display {
	int64_t w, h, ppi;              /* 0: not said */
};

struct bvm_share {
	char *key;
	int npaths;
	char **path;
	char *tag;
	bool ro;
};

struct bvm_serial {
	char *key;
	char *where;                    /* "stdio", "pty", "file:PATH",
					 * "tcp-listen:ADDR:PORT[,wait]" */
	bool uart;                      /* a UART, else a virtio console */
};

struct bvm {
	const char *guest;              /* "macos", "linux", "other" */
	const char *arch;               /* "aarch64" */
	const char *machine;            /* "virt", "vmapple"; NULL: any */
	bool old_layout;                /* UTM: images may be in Images/ */
	char *name, *uuid;
	bool has_cpus;
	uint64_t cpus;                  /* 0: automatic */
	uint64_t ram;                   /* bytes; 0: not said */
	enum bvm_boot boot;
	char *boot_key;
	char *kernel, *initrd, *cmdline, *dtb, *firmware, *vars;
	bool has_model, has_ecid;
	unsigned drv, pv, minos[3];
	uint64_t ecid;
	char *aux;
	uint64_t aux_offset, aux_size;  /* of the payload in the file */
	bool no_serial;                 /* said to have none */
	int ndisks, nnics, ndisplays, nserials, nshares;
	struct bvm_disk disk[BVM_MAX];
	struct bvm_nic nic[BVM_MAX];
	struct bvm_display display[BVM_MAX];
	struct bvm_serial serial[BVM_MAX];
	struct bvm_share share[BVM_MAX];
};

struct node;

struct bundle {
	const char *format;             /* "macosvm", "kernel", "disk"... */
	const char *guest;              /* "linux", "macos", NULL */
	char *dir;                      /* that names are relative to */
	char *file;                     /* the config file below it */
	char *temp;                     /* unpacked here; gone at bundle_fini */
	bool unsupported;               /* of the errors: ours, not the file's */
	bool described;                 /* vm is filled */
	int nnotes;
	struct note note[BUNDLE_MAX_NOTES];
	struct bvm vm;
	struct node *settings;          /* the config file, or NULL */
};

void bundle_init(struct bundle *);
/* Also removes what was unpacked: not before config_open. */
void bundle_fini(struct bundle *);

/* Adds a finding; control characters in the text are escaped. */
void bundle_note(struct bundle *, enum note_level, const char *code,
		 const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
enum verdict bundle_verdict(const struct bundle *);
const char *bundle_verdict_name(enum verdict);
/* Copies with control characters as \xNN; ends in "..." where it was cut. */
void bundle_escape(const char *in, char *out, size_t len);

/* How much of an archive to unpack: enough to look at, or all of it. */
enum bundle_how { BUNDLE_LOOK, BUNDLE_RUN };

/* What PATH is (section 0): fills b->format, and c for what can be run. -1
 * only where nothing can be said at all (missing, unreadable); what is wrong
 * inside is in the notes. */
int bundle_read(struct bundle *, const char *path, struct config *c,
		struct err *);
int bundle_read_for(struct bundle *, enum bundle_how, const char *path,
		    struct config *c, struct err *);

/* Calls f for each setting of the config file with its verdict: "honoured",
 * "ignored" or "unknown" with a reason, or the level of the finding about it
 * with its text. */
void bundle_settings(const struct bundle *,
		     void (*f)(void *, const char *key, const char *value,
			       const char *verdict, const char *why), void *);

/* The last console= of a kernel command line, which gets the shell; points to
 * its value, or NULL. */
const char *bundle_last_console(const char *line);

/* What the command line gave wins over what the bundle says. `over` loses
 * what it had. */
void config_merge(struct config *bundle, struct config *over);

#endif
