/* XNU directly: a kernel (Mach-O or fileset), with device tree, trust cache and
 * RAM disk, from the user's files into guest RAM, as iBoot would hand them over
 * (spec/vmapple.md section 8.8). Files may be wrapped in IMG4 or IM4P and packed
 * with LZFSE or LZSS. Signatures are not looked at: who gives the files on the
 * command line has decided. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "as.h"
#include "boot.h"
#include "img4.h"
#include "log.h"
#include "lzfse.h"
#include "machine.h"
#include "stream.h"
#include "xnu_load.h"

#define CHIP 0xfe00
#define BOARD 0x20
#define FILE_MAX (1ull << 30)

struct blob {
	uint8_t *buf;                   /* NULL: no file */
	struct xnu_file file;           /* inside buf */
};

static int read_all(const struct cfg_file *f, struct blob *b, struct err *e)
{
	struct stream *s;
	ssize_t n;

	if (f->size > FILE_MAX)
		return err_set(e, 0, "%llu MiB; at most 1024 are taken",
			       (unsigned long long)(f->size >> 20));
	b->buf = malloc(f->size);
	s = b->buf ? stream_file(f->fd, 0, f->size) : NULL;
	if (!s)
		return err_set(e, 0, "out of memory");
	n = stream_read(s, b->buf, f->size, e);
	stream_free(s);
	if (n < 0)
		return -1;
	if ((uint64_t)n < f->size)
		return err_set(e, 0, "%zd bytes; it had %llu when it was "
			       "opened", n, (unsigned long long)f->size);
	b->file = (struct xnu_file){ b->buf, f->size };
	return 0;
}

/* The payload of a container, still packed. */
static int open_container(struct blob *b, struct err *e)
{
	struct img4 img;
	const char *bad;

	if (b->file.n < 16 || b->file.p[0] != 0x30)
		return 0;
	bad = img4_parse(b->file.p, b->file.n, &img);
	if (bad)
		bad = im4p_parse(b->file.p, b->file.n, &img.p);
	if (bad)
		return err_set(e, 0, "a damaged IMG4 or IM4P container: %s",
			       bad);
	if (img.p.encrypted)
		return err_set(e, 0, "an encrypted IM4P (it has a KBAG); the "
			       "virtual Mac's images are not encrypted (is it "
			       "for another device?)");
	b->file = (struct xnu_file){ img.p.data.p, img.p.data.n };
	return 0;
}

static int unpack(struct blob *b, struct err *e)
{
	const struct xnu_file in = b->file;
	struct lzfse_work *w = NULL;
	const char *bad = NULL;
	uint64_t size = 0;
	uint8_t *plain;
	size_t got = 0;
	bool lzss = lzss_is(in.p, in.n);

	if (!lzss && !lzfse_is(in.p, in.n))
		return 0;
	if (lzss)
		size = lzss_size(in.p);
	else
		bad = lzfse_size(in.p, in.n, &size);
	if (!bad && (!size || size > FILE_MAX))
		bad = "its unpacked size is out of range";
	if (bad)
		return err_set(e, 0, "damaged: %s", bad);
	plain = malloc(size);
	w = malloc(sizeof(*w));
	if (plain && w)
		bad = lzss ? lzss_decode(in.p, in.n, plain, size, &got, NULL) :
			     lzfse_decode(w, in.p, in.n, plain, size, &got,
					  NULL);
	if (!plain || !w || bad) {
		free(plain);
		free(w);
		return bad ? err_set(e, 0, "damaged: %s", bad) :
			     err_set(e, 0, "out of memory");
	}
	free(w);
	free(b->buf);
	b->buf = plain;
	b->file = (struct xnu_file){ plain, got };
	return 0;
}

static int load(const struct cfg_file *f, struct blob *b, struct err *e)
{
	if (!f->path)
		return 0;
	if (read_all(f, b, e) || open_container(b, e) || unpack(b, e))
		return err_at(e, "%s: ", f->path);
	return 0;
}

static void identify(struct machine *m, struct xnu_machine *x)
{
	const struct config *c = m->config;

	*x = (struct xnu_machine){
		.ram_base = m->vm.board->ram, .ram_size = c->ram, .cpus = c->cpus,
		.ecid = c->id.ecid, .chip = CHIP, .board = BOARD,
		.serial = *c->id.serial ? c->id.serial : "1234",
		.model = *c->id.model ? c->id.model : "VM0001",
		.timebase = m->vm.cntfrq,
	};
	for (unsigned i = 0; i < c->cpus && i < XNU_CPUS; i++)
		x->affinity[i] = m->vm.cpu[i].mpidr & 0xffffff;
	for (int i = 0; i < 4; i++)
		if (c->id.has_mac[i])
			memcpy(x->mac[i], c->id.mac[i], 6);
	if (!c->id.has_mac[0] && c->nnets && c->net[0].has_mac)
		memcpy(x->mac[0], c->net[0].mac, 6);
	/* All zeros would stop the kernel. */
	if (!seed_get(&m->seed_firmware, x->seed, sizeof(x->seed)))
		x->seed[0] = 1;
}

static int start(struct machine *m, const struct blob f[4], uint8_t *work,
		 struct err *e)
{
	const struct config *c = m->config;
	const struct ram *ram = as_find_ram(m->as, m->vm.board->ram, c->ram);
	struct xnu_machine x;
	struct xnu_in in = {
		.kernel = f[0].file, .tree = f[1].file, .trust = f[2].file,
		.ramdisk = f[3].file, .machine = &x, .room = c->ram,
		.command_line = c->append_given ? c->append : "serial=3",
		.work = work,
	};
	struct xnu_out *out = calloc(1, sizeof(*out));
	const char *bad;

	if (!ram || !work || !out) {
		free(out);
		return err_set(e, 0, "out of memory");
	}
	in.ram = ram->host + (m->vm.board->ram - ram->gpa);
	identify(m, &x);
	bad = xnu_load(&in, out);
	if (bad) {
		free(out);
		return err_set(e, 0, "%s: %s", c->kernel.path, bad);
	}
	m->vm.entry_pc = out->entry;
	m->vm.entry_x0 = out->boot_args;
	snprintf(m->booted, sizeof(m->booted), "XNU %s, version %u.%u.%u, at "
		 "0x%llx", out->kernel.fileset ? "fileset" : "kernel",
		 out->kernel.version[0], out->kernel.version[1],
		 out->kernel.version[2], (unsigned long long)out->entry);
	log_msg(LOG_DEBUG, "xnu: boot_args 0x%llx, tree 0x%llx, trust cache "
		"0x%llx, RAM disk 0x%llx, virtBase 0x%llx, command line of "
		"%u", (unsigned long long)out->boot_args,
		(unsigned long long)out->tree, (unsigned long long)out->trust,
		(unsigned long long)out->ramdisk,
		(unsigned long long)out->virt_base, out->line_size);
	if (c->devicetree.path && !out->trust)
		log_msg(LOG_INFO, "no --trustcache: a kernel of Apple's wants "
			"one");
	free(out);
	return 0;
}

int xnu_boot(struct machine *m, struct err *e)
{
	const struct config *c = m->config;
	struct blob f[4] = { { .buf = NULL } };
	uint8_t *work = malloc(XNU_TREE_MAX);
	int r;

	r = load(&c->kernel, &f[0], e) || load(&c->devicetree, &f[1], e) ||
	    load(&c->trustcache, &f[2], e) || load(&c->ramdisk, &f[3], e) ||
	    start(m, f, work, e) ? -1 : 0;
	for (int i = 0; i < 4; i++)
		free(f[i].buf);
	free(work);
	return r;
}
