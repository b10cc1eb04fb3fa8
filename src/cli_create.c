/* pome create: makes a new bundle, in macosvm's form. What goes into it is made
 * in create_*.c; nothing that exists is overwritten, and what could not be made
 * whole is not left behind. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "create.h"
#include "vm.h"

#define DISK_MIN (1u << 20)
#define MIB (1u << 20)

enum { USE_LINUX = 1 << CREATE_LINUX, USE_DEBIAN = 1 << CREATE_DEBIAN,
       USE_MAC = 1 << CREATE_MAC, USE_ALL = USE_LINUX | USE_DEBIAN | USE_MAC };

static int set_stage1(struct create *c, const char *v, struct err *e)
{
	c->stage1 = v;
	return 0;
}

static int set_ecid(struct create *c, const char *v, struct err *e)
{
	char *end;

	errno = 0;
	c->ecid = strtoull(v, &end, 0);
	c->has_ecid = true;
	return *v < '0' || *v > '9' || *end || errno ?
	       err_set(e, 0, "create: --ecid %s: not a number", v) : 0;
}

static int set_kernel(struct create *c, const char *v, struct err *e)
{
	c->kernel = v;
	return 0;
}

static int set_initrd(struct create *c, const char *v, struct err *e)
{
	c->initrd = v;
	return 0;
}

static int set_append(struct create *c, const char *v, struct err *e)
{
	c->append = v;
	return strlen(v) > 2047 ? err_set(e, 0, "create: --append: %zu "
		"characters; a Linux kernel takes at most 2047", strlen(v)) :
		0;
}

static int set_disk(struct create *c, const char *v, struct err *e)
{
	if (c->ndisks == CFG_MAX_DISKS)
		return err_set(e, 0, "create: --disk: more than %d disks",
			       CFG_MAX_DISKS);
	c->disk[c->ndisks++] = v;
	return 0;
}

static int set_debian(struct create *c, const char *v, struct err *e)
{
	c->debian = v;
	return 0;
}

static int set_cpus(struct create *c, const char *v, struct err *e)
{
	char *end;
	unsigned long n = strtoul(v, &end, 10);

	c->cpus = (unsigned)n;
	return *v < '0' || *v > '9' || *end || n < 1 || n > VM_MAX_CPUS ?
	       err_set(e, 0, "create: --cpus %s: expected 1 to %d", v,
		       VM_MAX_CPUS) : 0;
}

static int set_memory(struct create *c, const char *v, struct err *e)
{
	return config_size(v, MIB, &c->ram) || c->ram < 64 * MIB ||
	       c->ram % MIB ?
	       err_set(e, 0, "create: --memory %s: expected a size of whole "
		       "MiB, at least 64M", v) : 0;
}

static int set_disk_size(struct create *c, const char *v, struct err *e)
{
	return config_size(v, MIB, &c->disk_size) || c->disk_size < DISK_MIN ||
	       c->disk_size % 512 ?
	       err_set(e, 0, "create: --disk-size %s: expected a size of at "
		       "least 1M", v) : 0;
}

static const struct {
	const char *name, *brief;
	unsigned kinds;                 /* of bundles that it is for */
	int (*set)(struct create *, const char *, struct err *);
} options[] = {
	{ "--kernel", "-k", USE_LINUX | USE_DEBIAN, set_kernel },
	{ "--initrd", "-i", USE_LINUX | USE_DEBIAN, set_initrd },
	{ "--append", "-a", USE_LINUX | USE_DEBIAN, set_append },
	{ "--disk", "-d", USE_LINUX, set_disk },
	{ "--debian", NULL, USE_DEBIAN, set_debian },
	{ "--stage1", NULL, USE_MAC, set_stage1 },
	{ "--ecid", NULL, USE_MAC, set_ecid },
	{ "--cpus", "-p", USE_ALL, set_cpus },
	{ "--memory", "-m", USE_ALL, set_memory },
	{ "--disk-size", NULL, USE_ALL, set_disk_size },
};

#define NOPTIONS ((int)(sizeof(options) / sizeof(options[0])))

/* --name VALUE, --name=VALUE, -nVALUE: which option, and its value, which may
 * be the next argument's. */
static int find(const char *a, const char **value)
{
	for (int k = 0; k < NOPTIONS; k++) {
		size_t n = strlen(options[k].name);

		if (!strncmp(a, options[k].name, n) && (!a[n] || a[n] == '=')) {
			*value = a[n] ? a + n + 1 : NULL;
			return k;
		}
		if (options[k].brief && a[0] == '-' &&
		    a[1] == options[k].brief[1]) {
			*value = a[2] ? a + 2 : NULL;
			return k;
		}
	}
	return -1;
}

static int unknown(const char *a, struct err *e)
{
	const char *names[NOPTIONS], *near;

	for (int k = 0; k < NOPTIONS; k++)
		names[k] = options[k].name;
	near = config_nearest(a, names, NOPTIONS);
	return near ? err_set(e, 0, "create: %s: unknown option (did you mean "
			      "%s?)", a, near) :
		      err_set(e, 0, "create: %s: unknown option (try pome "
			      "create --help)", a);
}

/* What is asked for follows from the options; those of another kind are
 * mistakes. */
static int decide(struct create *c, const unsigned *used, bool mac,
		  struct err *e)
{
	static const char *const what[] = { NULL, "a Linux bundle (--kernel)",
		"--debian", "--vmapple" };

	c->kind = mac ? CREATE_MAC : c->debian ? CREATE_DEBIAN :
		  c->kernel ? CREATE_LINUX : CREATE_NONE;
	if (!c->kind)
		return err_set(e, 0, "create: say what: --kernel FILE makes a "
			       "Linux bundle, --debian SUITE one with a whole "
			       "Debian, --vmapple a virtual Mac for a stage 1 "
			       "of your own");
	for (int k = 0; k < NOPTIONS; k++)
		if (used[k] && !(options[k].kinds >> c->kind & 1))
			return err_set(e, 0, "create: %s does not go with %s",
				       options[k].name, what[c->kind]);
	if (!c->dir || !*c->dir)
		return err_set(e, 0, "create: the directory's name is missing "
			       "(pome create ... DIR)");
	return 0;
}

static int parse(struct create *c, int argc, char **argv, struct err *e)
{
	unsigned used[NOPTIONS] = { 0 };
	bool mac = false, names = false;

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *v;
		int k = names ? -1 : find(a, &v);

		if (!names && !strcmp(a, "--vmapple")) {
			mac = true;
		} else if (!names && (!strcmp(a, "-q") ||
				      !strcmp(a, "--quiet"))) {
			c->quiet = true;
		} else if (!names && !strcmp(a, "--")) {
			names = true;
		} else if (k >= 0) {
			if (!v && i + 1 == argc)
				return err_set(e, 0, "create: %s: a value is "
					       "missing", a);
			used[k]++;
			if (options[k].set(c, v ? v : argv[++i], e))
				return -1;
		} else if (!names && a[0] == '-') {
			return unknown(a, e);
		} else if (c->dir) {
			return err_set(e, 0, "create: %s: one directory at a "
				       "time", a);
		} else {
			c->dir = a;
		}
	}
	return decide(c, used, mac, e);
}

static void set_defaults(struct create *c)
{
	bool mac = c->kind == CREATE_MAC;

	if (!c->cpus)
		c->cpus = 2;
	if (!c->ram)
		c->ram = (mac ? 4ull : 2ull) << 30;
	if (!c->disk_size && mac)
		c->disk_size = 64ull << 30;
	if (!c->disk_size && c->kind == CREATE_DEBIAN)
		c->disk_size = 8ull << 30;
}

/* Before anything is made. */
static int check(const struct create *c, struct err *e)
{
	if (c->kernel && create_check_kernel(c->kernel, e))
		return -1;
	return c->initrd ? create_check_initrd(c->initrd, e) : 0;
}

static int create(struct create *c, struct err *e)
{
	static int (*const make[])(struct create *, struct made *,
				   struct err *) = {
		[CREATE_LINUX] = create_linux,
		[CREATE_DEBIAN] = create_debian,
		[CREATE_MAC] = create_mac,
	};
	struct made m;
	int r;

	if (check(c, e) || made_begin(&m, c, e))
		return -1;
	r = make[c->kind](c, &m, e);
	made_end(&m, !r);
	return r;
}

void cli_create(int argc, char **argv, struct result *r)
{
	struct create c = { .kind = CREATE_NONE };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			cli_print_help("create");
			r->what = OUT_OK;
			return;
		}
	}
	r->what = OUT_USAGE;
	if (parse(&c, argc, argv, &r->err))
		return;
	set_defaults(&c);
	r->what = OUT_BUILD;
	if (create(&c, &r->err)) {
		r->signal = c.signal;
		if (c.signal) {
			fprintf(stderr, "pome: %s\n", r->err.msg);
			r->what = OUT_SIGNAL;
		}
		return;
	}
	if (c.kind == CREATE_MAC)
		printf("%s: a virtual Mac with ECID 0x%016" PRIx64 "%s\n",
		       c.dir, c.ecid, c.stage1 ? "" : ", its store blank");
	else
		printf("%s: a Linux machine, %u CPUs, %" PRIu64 " MiB\n", c.dir,
		       c.cpus, c.ram >> 20);
	printf("start it: pome run %s\n", c.dir);
	r->what = OUT_OK;
}
