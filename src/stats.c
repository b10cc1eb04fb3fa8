/* --stats: what a machine did, as one JSON object. Man page: STATISTICS. */
#include <jansson.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accel.h"
#include "as.h"
#include "loop.h"
#include "machine.h"
#include "tty.h"

static void set_u64(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void put(void *arg, const char *name, uint64_t v)
{
	set_u64(arg, name, v);
}

static json_t *times(struct machine *m)
{
	json_t *o = json_object();
	struct rusage u;

	json_object_set_new(o, "setup_s",
			    json_real((double)(m->t_run - m->t_start) / 1e9));
	json_object_set_new(o, "run_s",
			    json_real((double)(m->t_end - m->t_run) / 1e9));
	if (!getrusage(RUSAGE_SELF, &u)) {
		json_object_set_new(o, "user_s", json_real(
			(double)u.ru_utime.tv_sec +
			(double)u.ru_utime.tv_usec / 1e6));
		json_object_set_new(o, "system_s", json_real(
			(double)u.ru_stime.tv_sec +
			(double)u.ru_stime.tv_usec / 1e6));
	}
	return o;
}

/* How much of a block the host has given memory to. */
static uint64_t resident(const struct ram *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n;
	unsigned char in[4096];
	uint64_t total = 0;

	for (uint64_t at = 0; at < r->size; at += n * page) {
		n = (r->size - at) / page;
		if (n > sizeof(in))
			n = sizeof(in);
		if (mincore(r->host + at, n * page, in))
			break;
		for (size_t i = 0; i < n; i++)
			total += in[i] & 1 ? page : 0;
	}
	return total;
}

/* What the guest really took, and the rest of the peak, which is ours. */
static json_t *memory(struct machine *m)
{
	json_t *o = json_object();
	const struct ram *r;
	uint64_t guest = 0, peak = 0;
	struct rusage u;
	int n;

	r = as_rams(m->as, &n);
	for (int i = 0; i < n; i++)
		guest += resident(&r[i]);
	if (!getrusage(RUSAGE_SELF, &u))
		peak = (uint64_t)u.ru_maxrss * 1024;
	set_u64(o, "guest_ram", m->config->ram);
	set_u64(o, "guest_used", guest);
	set_u64(o, "peak_rss", peak);
	set_u64(o, "own", peak > guest ? peak - guest : 0);
	return o;
}

static json_t *devices(struct machine *m)
{
	json_t *all = json_object();

	for (int i = 0; i < m->ndevs; i++) {
		const struct device *d = m->dev[i];
		json_t *o = json_object();

		set_u64(o, "reads", d->reads);
		set_u64(o, "writes", d->writes);
		set_u64(o, "bad", d->bad);
		json_object_set_new(all, d->id, o);
	}
	return all;
}

static json_t *disks(struct machine *m)
{
	json_t *all = json_array();

	for (int i = 0; i < m->ndisks; i++) {
		const struct blk_count *c = &m->disk[i]->count;
		json_t *o = json_object();

		set_u64(o, "reads", c->reads);
		set_u64(o, "read_bytes", c->read_bytes);
		set_u64(o, "writes", c->writes);
		set_u64(o, "written_bytes", c->written_bytes);
		set_u64(o, "flushes", c->flushes);
		set_u64(o, "discards", c->discards);
		set_u64(o, "zeroes", c->zeroes);
		set_u64(o, "errors", c->errors);
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *cpus(struct machine *m, uint64_t *insns)
{
	json_t *all = json_array();
	struct cpu_state s;

	for (unsigned i = 0; i < m->vm.ncpus; i++) {
		json_t *o = json_object();

		s.insns = 0;
		if (m->vm.accel->cpu_state(&m->vm.cpu[i], &s))
			s.insns = 0;
		set_u64(o, "instructions", s.insns);
		*insns += s.insns;
		json_array_append_new(all, o);
	}
	return all;
}

int stats_write(struct machine *m, const struct vm_end *end, struct err *e)
{
	json_t *o, *x;
	uint64_t insns = 0;
	int r;

	if (m->stats_fd < 0)
		return 0;
	o = json_object();
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "end", json_string(vm_event_name(end->event)));
	json_object_set_new(o, "accelerator", json_string(m->vm.accel->name));
	json_object_set_new(o, "booted", json_string(m->booted));
	json_object_set_new(o, "cpus", cpus(m, &insns));
	set_u64(o, "instructions", insns);
	set_u64(o, "resets", m->resets);
	json_object_set_new(o, "times", times(m));
	json_object_set_new(o, "memory", memory(m));
	json_object_set_new(o, "devices", devices(m));
	if (m->pool) {
		blk_pool_drain(m->pool);
		json_object_set_new(o, "disks", disks(m));
	}
	set_u64(o, "serial_bytes", tty_out_bytes(m->serial));
	for (int i = 0; i < m->nnets; i++) {
		char name[8] = "net";

		if (!m->net[i])
			continue;
		if (i)
			snprintf(name, sizeof(name), "net%d", i);
		x = json_object();
		set_u64(x, "tx_frames", m->net[i]->tx_frames);
		set_u64(x, "rx_frames", m->net[i]->rx_frames);
		set_u64(x, "dropped", m->net[i]->dropped);
		json_object_set_new(o, name, x);
	}
	x = json_object();
	if (m->vm.accel->stats)
		m->vm.accel->stats(&m->vm, put, x);
	json_object_set_new(o, "exits", x);
	r = json_dumpfd(o, m->stats_fd, JSON_INDENT(1)) ||
	    write(m->stats_fd, "\n", 1) != 1;
	json_decref(o);
	return r ? err_set(e, 0, "--stats %s: cannot write it",
			   m->config->stats) : 0;
}
