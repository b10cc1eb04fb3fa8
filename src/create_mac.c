/* A new virtual Mac for stage-1 images of one's own: a bundle in macosvm's form
 * with a blank auxiliary store, a disk and an ECID. create.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "create.h"
#include "img4.h"

#define AUX_SIZE (32u << 20)
#define STAGE1_AT 0x100000u

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

static int write_bundle(struct made *m, const struct create *c, struct err *e)
{
	char id[128], text[1024];
	int fd = made_file(m, "vm.json", 0, e), r;

	if (fd < 0)
		return -1;
	machine_id(c->ecid, id);
	snprintf(text, sizeof(text), "{\n"
		 "  \"version\": 1,\n"
		 "  \"os\": \"macos\",\n"
		 "  \"cpus\": %u,\n"
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
	r = made_write(fd, "vm.json", text, strlen(text), 0, e);
	if (close(fd) && !r)
		r = err_set(e, errno, "create: vm.json");
	return r;
}

static int make_files(const struct create *c, struct made *m,
		      const uint8_t *stage1, uint64_t len, struct err *e)
{
	int fd = made_file(m, "aux.img", AUX_SIZE, e), r;

	if (fd < 0)
		return -1;
	r = stage1 ? made_write(fd, "aux.img", stage1, len, STAGE1_AT, e) : 0;
	if (close(fd) && !r)
		r = err_set(e, errno, "create: aux.img");
	if (r)
		return -1;
	fd = made_file(m, "disk.img", c->disk_size, e);
	if (fd < 0)
		return -1;
	close(fd);
	return write_bundle(m, c, e);
}

int create_mac(struct create *c, struct made *m, struct err *e)
{
	uint8_t *stage1 = NULL;
	uint64_t len = 0;
	int r;

	if (!c->has_ecid && getrandom(&c->ecid, sizeof(c->ecid), 0) !=
	    sizeof(c->ecid))
		return err_set(e, errno, "create: random number");
	if (!c->has_ecid)
		c->ecid = c->ecid >> 1 | 1;     /* never 0, never negative */
	if (c->stage1 && !(stage1 = read_stage1(c, &len, e)))
		return -1;
	r = make_files(c, m, stage1, len, e);
	free(stage1);
	return r;
}
