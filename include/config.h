/* config.h: what machine to build, as plain data.
 *
 * Filled by config_parse (command line), then by a bundle reader for what the
 * command line left open, then by config_defaults. Every limit is checked by
 * config_check before anything opens; every file is opened by config_open
 * before the sandbox closes. After that nothing here changes. */
#ifndef POME_CONFIG_H
#define POME_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "trace.h"

#define CFG_MAX_DISKS 16
#define CFG_MAX_NETS 8
#define CFG_MAX_FWD 32
#define CFG_MAX_THINGS 24
#define CFG_MAX_FEATS 64
#define CFG_MAX_STR 65536               /* bundles.md section 7 */

enum cfg_accel { CFG_ACCEL_AUTO, CFG_ACCEL_KVM, CFG_ACCEL_INTERP };
enum cfg_cpu { CFG_CPU_BY_BOOT, CFG_CPU_GENERIC, CFG_CPU_VMAPPLE,
	       CFG_CPU_QEMU72 };

enum cfg_where { CFG_TTY_NONE, CFG_TTY_STDIO, CFG_TTY_NULL, CFG_TTY_FILE,
		 CFG_TTY_UNIX, CFG_TTY_PTY, CFG_TTY_TCP };

struct cfg_tty {
	enum cfg_where where;
	bool given;                     /* on the command line */
	char *path;                     /* file: and unix:; of tcp: the rest */
};

enum cfg_format { CFG_FMT_UNSTATED, CFG_FMT_RAW, CFG_FMT_QCOW2 };
enum cfg_role { CFG_ROLE_DATA, CFG_ROLE_ROOT, CFG_ROLE_AUX };

struct cfg_disk {
	char *path;
	enum cfg_format format;         /* RAW or QCOW2 after config_check */
	bool format_given;              /* by format=, so contents don't matter */
	enum cfg_role role;
	bool readonly;
	bool from_bundle;               /* then no device node, section 7 */
	char serial[21];
	int fd;                         /* -1 until config_open; the block back
					 * end takes it and sets -1 again */
};

enum cfg_net_kind { CFG_NET_NONE, CFG_NET_USER, CFG_NET_TAP, CFG_NET_UNIX };

/* The network that `user` makes unless told otherwise: 10.0.2.0/24, and the
 * places of router, name server and guest in any such network. */
enum { CFG_NET_ADDR = 0x0a000200, CFG_NET_HOST = 2, CFG_NET_DNS = 3,
       CFG_NET_GUEST = 15 };
#define CFG_NET_MASK 0xffffff00u

struct cfg_net {
	enum cfg_net_kind kind;         /* never NONE in config.net */
	bool from_bundle;               /* then its absence is no error */
	char ifname[16];                /* tap */
	char path[108], hello[16];      /* unix: the socket; sent at start */
	bool isolated;                  /* user: forwarded ports only */
	uint32_t net, mask;             /* user: 0 or both, host byte order */
	uint32_t host, dns, dhcp;       /* user: 0 or an address in it */
	char domain[64];                /* user: by DHCP; may be empty */
	bool has_mac;
	uint8_t mac[6];
	int nfwd;
	char *fwd[CFG_MAX_FWD];         /* "tcp:[ADDR]:PORT-:PORT" as typed */
};

/* A file that is read at start and again at each reset of the guest. */
struct cfg_file {
	char *path;                     /* NULL: none */
	bool from_bundle;
	int fd;                         /* -1 until config_open */
	uint64_t size;                  /* at config_open */
};

/* The file of the virt board's UEFI variables (efi_vars.c). */
struct cfg_vars {
	char *path;                     /* NULL: they last one run */
	bool from_bundle;
	int fd;                         /* -1 until config_open, and where there
					 * is nothing to read; then as a disk's */
};

/* What the machine is told about itself: vmapple's CONFIG block. */
enum { CFG_ID_STRING = 32, CFG_ID_MACS = 4 };
struct cfg_identity {
	bool has_ecid, has_seed;
	uint64_t ecid;
	uint32_t seed;                  /* entropy for firmware */
	char serial[CFG_ID_STRING], model[CFG_ID_STRING], soc[CFG_ID_STRING];
	bool has_mac[CFG_ID_MACS];      /* en0, en1, wifi0, bt0 */
	uint8_t mac[CFG_ID_MACS][6];
};

/* --display file:PATH[,size=WxH] */
struct cfg_display {
	char *path;                     /* NULL: none */
	unsigned width, height;
};

/* --gdb tcp:[ADDR:]PORT|unix:PATH[,wait] */
struct cfg_gdb {
	bool given, wait;
	char *path;                     /* unix: */
	char addr[64];                  /* tcp:, numeric */
	uint16_t port;                  /* 0: any */
};

struct cfg_feat {
	char name[24];                  /* "sve", as the option spelled it */
	bool on;
};

struct board;

struct config {
	const struct board *board;      /* NULL until config_defaults */
	char *bundle;                   /* path as typed, or NULL */
	int nmore;                      /* further things: things.h */
	char *more[CFG_MAX_THINGS];
	struct cfg_file kernel, initrd, firmware, dtb;
	struct cfg_vars vars;
	struct cfg_file devicetree, trustcache, ramdisk;        /* XNU's */
	bool kernel_flat;               /* ,format=flat */
	bool kernel_xnu;                /* what config_open found it to be */
	bool firmware_builtin;
	bool policy_given;              /* --firmware-policy */
	bool permissive;
	bool dfu;                       /* the boot ROM's installer flags */
	struct cfg_identity id;
	char *append;                   /* never NULL after config_defaults */
	bool append_given;
	char *dump_dtb;
	uint64_t ram;                   /* bytes; 0 until config_defaults */
	unsigned cpus;                  /* 0 until config_defaults */
	int ndisks;
	struct cfg_disk disk[CFG_MAX_DISKS];
	bool readonly;                  /* --readonly: every disk */
	bool ephemeral;                 /* --ephemeral: disks stay as they are */
	bool allow_backing;             /* qcow2 files may name another */
	bool net_given;                 /* --net: the bundle's cards are not
					 * asked for */
	int nnets;
	struct cfg_net net[CFG_MAX_NETS];
	struct cfg_tty serial, console;
	struct cfg_tty usb;             /* the firmware's USB device port */
	struct cfg_display display;
	struct cfg_gdb gdb;
	struct cfg_trace trace;
	enum cfg_accel accel;
	enum cfg_cpu cpu;
	int nfeats;
	struct cfg_feat feat[CFG_MAX_FEATS];
	bool clock_insn;                /* --clock=insn: guest time by count */
	unsigned clock_rate;            /* of it: instructions in 1 us; 0: 1000 */
	bool has_seed;
	uint64_t seed;                  /* --seed */
	char *trace_hash;               /* path, or NULL */
	uint64_t code_cache;            /* --code-cache, bytes; 0: automatic */
	bool sandbox;
	bool no_reboot;
	double timeout;                 /* seconds; 0: none */
	char *stats;                    /* path, or NULL */
	int verbose;                    /* -1 quiet, 0, 1 verbose, 2 more */
	bool look;                      /* pome inspect: makes no file */
	bool help;                      /* --help was asked for */
};

void config_init(struct config *);
void config_fini(struct config *);      /* closes and frees */
void config_nets_reset(struct config *);        /* no card */

/* Parses the arguments of `pome run` (argv[0] is the word "run"). A failure is
 * the user's: the message names the option. */
int config_parse(struct config *, int argc, char **argv, struct err *);
/* Fills what neither the command line nor a bundle said. */
void config_defaults(struct config *);
/* Limits and contradictions; opens nothing. */
int config_check(const struct config *, struct err *);
/* Opens, and looks at, every file the machine will read. */
int config_open(struct config *, struct err *);

/* A board by its name for --machine, or NULL. */
const struct board *config_board(const char *name);
/* Names the board's usual firmware, if the host has it and the machine has
 * nothing else to start with. */
void config_find_firmware(struct config *);
/* Opens and locks the variable store; makes it where it is missing. Without
 * `keep` it is only read, and may be missing. */
int efi_vars_open(struct cfg_vars *, bool keep, struct err *);

/* Opens a file the way untrusted names want it: never blocks, and only a
 * regular file, or a block device where `blockdev` permits it. Messages name
 * the path, what it is, and what was wanted ("a kernel image"). */
int config_open_file(const char *path, int flags, bool blockdev,
		     const char *what, uint64_t *size, struct err *);

/* "512", "512M", "2G": a bare number counts in `unit` bytes. -1 when it is no
 * size or does not fit 63 bits. */
int config_size(const char *text, uint64_t unit, uint64_t *out);
int config_mac(const char *text, uint8_t mac[6]);       /* -1: no unicast MAC */
/* Does the machine start as a Mac does: from a boot ROM, or with an auxiliary
 * store? Then its root and aux disks are Apple's kind. */
bool config_is_mac(const struct config *);
/* Is the guest to see a CPU of Apple's, by --cpu or by how it boots? */
bool config_vmapple_cpu(const struct config *);

/* Adds, rounds and multiplies sizes; true means that it did not fit. */
static inline bool size_add(uint64_t a, uint64_t b, uint64_t *out)
{
	return __builtin_add_overflow(a, b, out);
}

static inline bool size_mul(uint64_t a, uint64_t b, uint64_t *out)
{
	return __builtin_mul_overflow(a, b, out);
}

static inline bool size_round_up(uint64_t a, uint64_t align, uint64_t *out)
{
	if (__builtin_add_overflow(a, align - 1, out))
		return true;
	*out &= ~(align - 1);
	return false;
}

/* Options of a subcommand, for the parser, --help and the man page test. */
struct cfg_opt {
	char brief;                     /* 'k' or 0 */
	const char *name;               /* "kernel" */
	const char *arg;                /* "FILE", or NULL for a switch */
	const char *help;               /* for --help; NULL: not listed */
};
extern const struct cfg_opt config_options[];   /* ends with name NULL */

/* The candidate nearest to `word` (edit distance), or NULL if none is near. */
const char *config_nearest(const char *word, const char *const *names, int n);

#endif
