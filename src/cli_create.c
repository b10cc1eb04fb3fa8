/* pome create --vmapple DIR: a new virtual Mac for stage-1 images of one's own:
 * a bundle in macosvm's format with a blank auxiliary store, a disk and an ECID.
 * Nothing that exists is overwritten. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "config.h"
#include "img4.h"

#define AUX_SIZE (32u << 20)
#define STAGE1_AT 0x100000u
#define DISK_MIN (1u << 20)

struct create {
	const char *dir, *stage1;
	uint64_t disk, ecid, ram, cpus;
	bool vmapple, has_ecid;
};

static int number(const char *v, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(v, &end, 0);
	return *v < '0' || *v > '9' || *end || errno ? -1 : 0;
}

static int option(struct create *c, const char *name, const char *v,
		  struct err *e)
{
	if (!strcmp(name, "--stage1")) {
		c->stage1 = v;
		return 0;
	}
	if (!strcmp(name, "--ecid")) {
		c->has_ecid = true;
		return number(v, &c->ecid) ? err_set(e, 0, "create: --ecid %s: "
			"not a number", v) : 0;
	}
	if (!strcmp(name, "--cpus"))
		return number(v, &c->cpus) || c->cpus < 1 || c->cpus > 32 ?
		       err_set(e, 0, "create: --cpus %s: expected 1 to 32",
			       v) : 0;
	if (!strcmp(name, "--memory"))
		return config_size(v, 1 << 20, &c->ram) ||
		       c->ram < 64u << 20 || c->ram % (1 << 20) ?
		       err_set(e, 0, "create: --memory %s: expected a size of "
			       "whole MiB, at least 64M", v) : 0;
	return config_size(v, 1 << 20, &c->disk) || c->disk < DISK_MIN ||
	       c->disk % 512 ?
	       err_set(e, 0, "create: --disk-size %s: expected a size of at "
		       "least 1M", v) : 0;
}

static int parse(struct create *c, int argc, char **argv, struct err *e)
{
	static const char *const known[] = { "--stage1", "--ecid", "--cpus",
					     "--memory", "--disk-size" };

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		size_t k = 0;

		if (!strcmp(a, "--vmapple")) {
			c->vmapple = true;
			continue;
		}
		while (k < 5 && strcmp(a, known[k]))
			k++;
		if (k < 5) {
			if (i + 1 == argc)
				return err_set(e, 0, "create: %s: a value is "
					       "missing", a);
			if (option(c, a, argv[++i], e))
				return -1;
		} else if (a[0] == '-') {
			return err_set(e, 0, "create: %s: unknown option (try "
				       "pome create --help)", a);
		} else if (c->dir) {
			return err_set(e, 0, "create: %s: one directory at a "
				       "time", a);
		} else {
			c->dir = a;
		}
	}
	if (!c->vmapple)
		return err_set(e, 0, "create: say what: --vmapple makes a "
			       "virtual Mac for a stage 1 of your own");
	if (!c->dir || !*c->dir)
		return err_set(e, 0, "create: the directory's name is missing "
			       "(pome create --vmapple DIR)");
	return 0;
}

/* A new file of that size, sparse; it must not be there yet. */
static int make_file(int dir, const char *name, uint64_t size, struct err *e)
{
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC |
			O_NOFOLLOW, 0666);

	if (fd < 0)
		return err_set(e, errno, "create: %s", name);
	if (ftruncate(fd, (off_t)size)) {
		err_set(e, errno, "create: %s: %" PRIu64 " bytes", name, size);
		close(fd);
		return -1;
	}
	return fd;
}

static int write_all(int fd, const void *p, size_t n, off_t at, struct err *e)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, at);

		if (k < 0)
			return err_set(e, errno, "create: write");
		p = (const char *)p + k;
		n -= (size_t)k;
		at += k;
	}
	return 0;
}

/* The image must be one that the boot ROM will find; whether it accepts the
 * signature is the ROM's to say. */
static uint8_t *read_stage1(const struct create *c, uint64_t *size,
			    struct err *e)
{
	int fd = config_open_file(c->stage1, O_RDONLY, false, "an IMG4 image",
				  size, e);
	struct img4 img;
	const char *bad;
	uint8_t *p;

	if (fd < 0)
		return NULL;
	if (*size > AUX_SIZE - STAGE1_AT) {
		close(fd);
		err_set(e, 0, "%s: %" PRIu64 " bytes; the store has room for "
			"%u", c->stage1, *size, AUX_SIZE - STAGE1_AT);
		return NULL;
	}
	p = malloc(*size + 1);
	if (!p || pread(fd, p, *size, 0) != (ssize_t)*size) {
		close(fd);
		free(p);
		err_set(e, errno, "%s: read", c->stage1);
		return NULL;
	}
	close(fd);
	bad = img4_parse(p, *size, &img);
	if (bad) {
		err_set(e, 0, "%s: no IMG4 image: %s", c->stage1, bad);
		free(p);
		return NULL;
	}
	return p;
}

static void base64(const uint8_t *p, size_t n, char *out)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		v |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
		v |= i + 2 < n ? p[i + 2] : 0;
		*out++ = digit[v >> 18];
		*out++ = digit[v >> 12 & 63];
		*out++ = i + 1 < n ? digit[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digit[v & 63] : '=';
	}
	*out = 0;
}

/* A binary property list { ECID = integer }: header, dictionary of one, key,
 * value, three offsets, trailer. */
static void machine_id(uint64_t ecid, char text[128])
{
	uint8_t p[60] = "bplist00\xd1\1\2TECID\x13";

	st64be(p + 17, ecid);
	memcpy(p + 25, "\x08\x0b\x10", 3);
	p[28 + 6] = 1;                  /* bytes of an offset, of a reference */
	p[28 + 7] = 1;
	p[28 + 15] = 3;                 /* objects */
	p[28 + 31] = 25;                /* where the offsets are */
	base64(p, 60, text);
}

static int write_bundle(int dir, const struct create *c, struct err *e)
{
	char id[128], text[1024];
	int fd = make_file(dir, "vm.json", 0, e), r;

	if (fd < 0)
		return -1;
	machine_id(c->ecid, id);
	snprintf(text, sizeof(text), "{\n"
		 "  \"version\": 1,\n"
		 "  \"os\": \"macos\",\n"
		 "  \"cpus\": %" PRIu64 ",\n"
		 "  \"ram\": %" PRIu64 ",\n"
		 "  \"machineId\": \"%s\",\n"
		 "  \"storage\": [\n"
		 "    { \"type\": \"disk\", \"file\": \"disk.img\" },\n"
		 "    { \"type\": \"aux\", \"file\": \"aux.img\" }\n"
		 "  ],\n"
		 "  \"displays\": [],\n"
		 "  \"networks\": [],\n"
		 "  \"audio\": false\n"
		 "}\n", c->cpus, c->ram, id);
	r = write_all(fd, text, strlen(text), 0, e);
	if (close(fd) && !r)
		r = err_set(e, errno, "create: vm.json");
	return r;
}

static int make_files(const struct create *c, int dir, const uint8_t *stage1,
		      uint64_t len, struct err *e)
{
	int fd = make_file(dir, "aux.img", AUX_SIZE, e), r;

	if (fd < 0)
		return -1;
	r = stage1 ? write_all(fd, stage1, len, STAGE1_AT, e) : 0;
	if (close(fd) && !r)
		r = err_set(e, errno, "create: aux.img");
	if (r)
		return -1;
	fd = make_file(dir, "disk.img", c->disk, e);
	if (fd < 0)
		return -1;
	close(fd);
	return write_bundle(dir, c, e);
}

static int create(struct create *c, struct err *e)
{
	uint8_t *stage1 = NULL;
	uint64_t len = 0;
	int dir, r;

	if (!c->has_ecid && getrandom(&c->ecid, sizeof(c->ecid), 0) !=
	    sizeof(c->ecid))
		return err_set(e, errno, "create: random number");
	if (!c->has_ecid)
		c->ecid = c->ecid >> 1 | 1;     /* never 0, never negative */
	if (c->stage1 && !(stage1 = read_stage1(c, &len, e)))
		return -1;
	if (mkdir(c->dir, 0777)) {
		free(stage1);
		return err_set(e, errno, "create: %s", c->dir);
	}
	dir = open(c->dir, O_DIRECTORY | O_CLOEXEC);
	r = dir < 0 ? err_set(e, errno, "create: %s", c->dir) :
		      make_files(c, dir, stage1, len, e);
	if (dir >= 0)
		close(dir);
	free(stage1);
	return r;
}

void cli_create(int argc, char **argv, struct result *r)
{
	struct create c = { .disk = 64ull << 30, .ram = 4ull << 30,
			    .cpus = 2 };

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
	r->what = OUT_BUILD;
	if (create(&c, &r->err))
		return;
	printf("%s: a virtual Mac with ECID 0x%016" PRIx64 "%s\n"
	       "start it: pome run %s\n", c.dir, c.ecid, c.stage1 ?
	       "" : ", its store blank", c.dir);
	r->what = OUT_OK;
}
