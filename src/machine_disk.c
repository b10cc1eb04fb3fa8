/* machine_disk.c: the machine's disks and variable store, from the
 * configuration's files. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "machine.h"

#define THREADS 4

/* VZ puts 16 KiB of its own before an auxiliary store of whole 32 MiB. */
#define AUX_SIZE 0x02000000u
#define AUX_WRAPPER 0x4000u

/* Where the files that a bundle's images build on may be: the bundle. NULL:
 * where the image is. */
static const char *backing_folder(const struct config *c,
				  const struct cfg_disk *d, char *buf,
				  size_t size)
{
	const char *slash = c->bundle ? strrchr(c->bundle, '/') : NULL;
	struct stat st;

	if (!d->from_bundle || !c->bundle)
		return NULL;
	if (!stat(c->bundle, &st) && S_ISDIR(st.st_mode))
		return c->bundle;
	if (!slash)
		return ".";
	snprintf(buf, size, "%.*s", slash == c->bundle ? 1 :
		 (int)(slash - c->bundle), c->bundle);
	return buf;
}

static struct blk *open_disk(const struct config *c, struct cfg_disk *d,
			     struct err *e)
{
	char folder[4096];
	struct blk_opt o = {
		.qcow2 = d->format == CFG_FMT_QCOW2,
		.readonly = d->readonly,
		.ephemeral = c->ephemeral && !d->readonly,
		.allow_backing = c->allow_backing,
		.folder = backing_folder(c, d, folder, sizeof(folder)),
	};
	struct blk *b, *slice;

	b = blk_open(d->fd, d->path, &o, NULL, e);
	if (!b)
		return NULL;
	d->fd = -1;                     /* the image's from here */
	snprintf(b->serial, sizeof(b->serial), "%s", d->serial);
	if (d->role != CFG_ROLE_AUX || b->size % AUX_SIZE != AUX_WRAPPER)
		return b;
	log_msg(LOG_INFO, "%s: its first 16 KiB are VZ's, the store begins "
		"behind them", d->path);
	slice = blk_slice_open(b, AUX_WRAPPER, e);
	if (!slice)
		blk_close(b);
	return slice;
}

/* The flash chip keeps what it reads in memory, so what is not to be kept needs
 * no overlay. */
static int open_vars(struct machine *m, struct err *e)
{
	struct cfg_vars *v = &m->config->vars;

	if (v->fd < 0)
		return 0;
	m->vars_keep = !m->config->ephemeral && !m->config->readonly;
	m->vars = blk_raw_open(v->fd, v->path, !m->vars_keep, NULL, e);
	if (!m->vars)
		return -1;
	v->fd = -1;
	return 0;
}

int machine_open_disks(struct machine *m, struct err *e)
{
	for (int i = 0; i < m->config->ndisks; i++) {
		m->disk[i] = open_disk(m->config, &m->config->disk[i], e);
		if (!m->disk[i])
			return -1;
		m->ndisks++;
	}
	return open_vars(m, e);
}

int machine_start_disks(struct machine *m, struct err *e)
{
	if (!m->ndisks && !m->vars)
		return 0;
	/* one thread completes requests in their order */
	m->pool_threads = m->config->clock_insn ? 1 : THREADS;
	m->pool = blk_pool_new(m->pool_threads, e);
	if (!m->pool)
		return -1;
	for (int i = 0; i < m->ndisks; i++)
		m->disk[i]->pool = m->pool;
	if (m->vars)
		m->vars->pool = m->pool;
	return 0;
}
