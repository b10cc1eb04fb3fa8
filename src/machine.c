/* A machine, built from a board's table (board.h) and a configuration. The
 * interrupt controller is the accelerator's to make. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accel.h"
#include "accel_pick.h"
#include "as.h"
#include "board.h"
#include "boot.h"
#include "gdb.h"
#include "log.h"
#include "loop.h"
#include "machine.h"
#include "outfile.h"
#include "pcie.h"
#include "pl011.h"
#include "pl061.h"
#include "trace.h"
#include "tty.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"
#include "virtio_rng.h"

/* When a machine with --seed starts: 2024-01-01, as any other. */
#define SEED_EPOCH (1704067200ull * 1000000000)

/* Locally administered; the same each time, so that leases last. */
void machine_mac(const struct machine *m, int i, uint8_t mac[6])
{
	static const uint8_t first[6] = { 0x02, 0x70, 0x6f, 0x6d, 0x65, 0x01 };
	const struct cfg_net *n = &m->config->net[i];

	memcpy(mac, n->has_mac ? n->mac : first, 6);
	if (!n->has_mac)
		mac[5] += (uint8_t)i;
}

/* ---- building ------------------------------------------------------------ */

static int add_row(struct machine *m, const struct board_row *row,
		   struct err *e)
{
	_Alignas(16) unsigned char buf[BOARD_CONF_SIZE] = { 0 };
	struct devconf c = { .id = row->id, .dma = &m->dma, .loop = m->loop };
	struct device *d;

	if (row->irq)
		c.irq[0] = (struct irq){ m->vm.intc, row->irq };
	if (row->msi)
		c.irq[row->msi_wire] = (struct irq){ m->vm.intc,
						     m->vm.board->msi_first };
	if (row->conf)
		c.arg = row->conf(m, buf);
	d = device_new(row->ops, &c, e);
	if (!d)
		return err_at(e, "%s: ", row->id);
	m->dev[m->ndevs++] = d;
	for (uint8_t w = 0; w < BOARD_WINS; w++) {
		int r = 0;

		if (row->win[w].len)
			r = (row->win[w].under ? as_back : as_dev)
				(m->as, row->win[w].base, row->win[w].len, d,
				 w, e);
		if (r)
			return err_at(e, "%s: ", row->id);
	}
	if (row->ops == &pl011_ops)
		m->uart = d;
	else if (row->ops == &pl061_ops)
		m->gpio = d;
	else if (row->ops == &pcie_ops)
		m->pcie = d;
	return 0;
}

static int add_board(struct machine *m, struct err *e)
{
	for (const struct board_row *row = m->vm.board->row; row->id; row++)
		if (add_row(m, row, e))
			return -1;
	return 0;
}

static int connect_doorbell(void *arg, uint64_t gpa, unsigned size, int fd,
			    bool add)
{
	struct vm *vm = arg;

	return vm->accel->ioeventfd(vm, gpa, size, fd, add);
}

/* A PCI function in the next free slot. `arg` begins with a virtio_conf. */
static struct device *add_pci(struct machine *m, const char *name, int n,
			      const struct device_ops *ops,
			      struct virtio_conf *v, struct err *e)
{
	char *id = m->pci_id[m->ndevs];
	struct devconf c = { .id = id, .dma = &m->dma, .loop = m->loop,
			     .arg = v };
	struct device *d;

	snprintf(id, sizeof(m->pci_id[0]), "%s%d", name, n);
	v->pci.bridge = m->pcie;
	v->pci.slot = ++m->pci_slots;
	if (m->vm.accel->ioeventfd) {
		v->ioeventfd = connect_doorbell;
		v->ioeventfd_arg = &m->vm;
	}
	d = device_new(ops, &c, e);
	if (!d) {
		err_at(e, "%s: ", id);
		return NULL;
	}
	m->dev[m->ndevs++] = d;
	return d;
}

static enum virtio_blk_kind disk_kind(const struct machine *m, int i)
{
	if (!config_is_mac(m->config))
		return VIRTIO_BLK_PLAIN;
	switch (m->config->disk[i].role) {
	case CFG_ROLE_ROOT: return VIRTIO_BLK_ROOT;
	case CFG_ROLE_AUX: return VIRTIO_BLK_AUX;
	default: return VIRTIO_BLK_PLAIN;
	}
}

static int add_disks(struct machine *m, struct err *e)
{
	for (int i = 0; i < m->ndisks; i++) {
		struct virtio_blk_conf vb = { .blk = m->disk[i],
					      .kind = disk_kind(m, i) };

		if (!add_pci(m, "disk", i, &virtio_blk_ops, &vb.virtio, e))
			return -1;
	}
	return 0;
}

static int add_nets(struct machine *m, struct err *e)
{
	for (int i = 0; i < m->nnets; i++) {
		struct virtio_net_conf vn = { .net = m->net[i] };

		machine_mac(m, i, vn.mac);
		if (!add_pci(m, "net", i, &virtio_net_ops, &vn.virtio, e))
			return -1;
	}
	return 0;
}

static int add_functions(struct machine *m, struct err *e)
{
	struct virtio_console_conf vc = { .tty = m->console };
	struct virtio_rng_conf vr = { .config = m->config };

	if (add_disks(m, e) || add_nets(m, e))
		return -1;
	if (m->console && !add_pci(m, "console", 0, &virtio_console_ops,
				   &vc.virtio, e))
		return -1;
	return add_pci(m, "rng", 0, &virtio_rng_ops, &vr.virtio, e) ? 0 : -1;
}

static void on_tty(void *arg, enum tty_event ev)
{
	struct machine *m = arg;

	if (ev == TTY_QUIT) {
		vm_request(&m->vm, VM_QUIT, "Ctrl-a x was typed");
	} else {
		m->signal = SIGPIPE;
		vm_request(&m->vm, VM_SIGNAL, "standard output was closed");
	}
}

static int open_ttys(struct machine *m, struct err *e)
{
	struct tty_conf c = { .cfg = &m->config->serial, .name = "serial",
			      .loop = m->loop, .out = &m->out,
			      .event = on_tty, .arg = m };

	m->serial = tty_open(&c, e);
	if (!m->serial)
		return -1;
	m->sandbox.unlink_dir[0] = tty_unlink_dir(m->serial);
	m->sandbox.accept |= tty_accepts(m->serial);
	if (m->config->console.where != CFG_TTY_NONE) {
		c.cfg = &m->config->console;
		c.name = "console";
		m->console = tty_open(&c, e);
		if (!m->console)
			return -1;
		m->sandbox.unlink_dir[1] = tty_unlink_dir(m->console);
		m->sandbox.accept |= tty_accepts(m->console);
	}
	if (m->config->usb.where == CFG_TTY_NONE)
		return 0;
	c.cfg = &m->config->usb;
	c.name = "usb-device";
	m->usb = tty_open(&c, e);
	if (!m->usb)
		return -1;
	m->sandbox.unlink_dir[2] = tty_unlink_dir(m->usb);
	m->sandbox.accept |= tty_accepts(m->usb);
	return 0;
}

static int open_display(struct machine *m, struct err *e)
{
	const char *path = m->config->display.path;

	if (!path)
		return 0;
	m->display_fd = outfile_open(&m->out, path);
	return m->display_fd < 0 ? err_set(e, errno, "--display file:%s", path)
				 : 0;
}

static int open_trace(struct machine *m, struct err *e)
{
	const struct cfg_trace *c = &m->config->trace;

	if (!c->what)
		return 0;
	m->vm.trace = trace_open(c, m->loop, &m->out, e);
	if (!m->vm.trace)
		return -1;
	if (c->what & TRACE_MMIO)
		as_trace(m->as, m->vm.trace);
	return 0;
}

static int open_gdb(struct machine *m, struct err *e)
{
	if (!m->config->gdb.given)
		return 0;
	m->gdb = gdb_open(m, e);
	if (!m->gdb)
		return -1;
	m->sandbox.accept = true;
	m->sandbox.unlink_dir[3] = gdb_unlink_dir(m->gdb);
	return 0;
}

static struct net *open_net(struct machine *m, const struct cfg_net *n,
			    struct err *e)
{
	switch (n->kind) {
	case CFG_NET_TAP: return net_tap_open(m->loop, n->ifname, e);
	case CFG_NET_UNIX: return net_unix_open(m->loop, n, e);
	default:
		m->sandbox.user_net = true;
		return net_user_open(m->loop, n, e);
	}
}

/* What a bundle asks for need not be there: then the card is, and says that
 * its cable is not. */
static int open_nets(struct machine *m, struct err *e)
{
	for (int i = 0; i < m->config->nnets; i++) {
		const struct cfg_net *n = &m->config->net[i];

		m->net[m->nnets] = open_net(m, n, e);
		if (!m->net[m->nnets] && !n->from_bundle)
			return err_at(e, "--net: ");
		if (!m->net[m->nnets])
			log_msg(LOG_WARN, "%s; the cable of that card is "
				"unplugged (see --net)", e->msg);
		m->nnets++;
	}
	return 0;
}

static int open_stats(struct machine *m, struct err *e)
{
	const char *path = m->config->stats;

	if (!path)
		return 0;
	/* Its first object would open /dev/urandom for hashing. */
	json_object_seed(0);
	m->stats_fd = outfile_open(&m->out, path);
	return m->stats_fd < 0 ? err_set(e, errno, "--stats %s", path) : 0;
}

/* Where a CPU is: Aff0 = n mod 16, Aff1 = n div 16, as the GIC's SGIs like it
 * and KVM has it. XNU tells CPUs apart by Aff0 alone, so a Mac counts on there
 * (spec/vmapple.md section 1.3). KVM puts its own over it. */
static uint64_t affinity(const struct machine *m, unsigned i)
{
	if (config_is_mac(m->config))
		return i;
	return (i & 15) | (uint64_t)(i >> 4) << 8;
}

static void init_cpus(struct machine *m)
{
	m->vm.ncpus = m->config->cpus;
	m->vm.cntfrq = VM_CNTFRQ;
	for (unsigned i = 0; i < m->vm.ncpus; i++) {
		struct vcpu *v = &m->vm.cpu[i];

		v->vm = &m->vm;
		v->index = i;
		v->mpidr = affinity(m, i);
	}
}

static int open_accel(struct machine *m, struct err *e)
{
	m->vm.accel = accel_pick(m->config, e);
	if (!m->vm.accel)
		return -1;
	if (m->vm.accel->open(&m->vm, e))
		return err_at(e, "accelerator %s: ", m->vm.accel->name);
	m->accel_open = true;
	for (unsigned i = 0; i < m->vm.ncpus; i++) {
		if (m->vm.accel->cpu_open(&m->vm.cpu[i], e))
			return err_at(e, "cpu %u: ", i);
		m->ncpus_open++;
	}
	return 0;
}

static int add_ram(struct machine *m, struct err *e)
{
	const struct board *b = m->vm.board;

	if (!as_ram(m->as, "ram", b->ram, m->config->ram, e))
		return err_at(e, "--memory: ");
	for (const struct board_mem *r = b->mem; r->size; r++)
		if (!as_ram(m->as, r->id, r->base, r->size, e))
			return -1;
	if (b->firmware.rom && m->config->firmware.path &&
	    !as_rom(m->as, "firmware", b->firmware.base, b->firmware.size, e))
		return -1;
	return 0;
}

static struct machine *machine_alloc(struct config *c, struct err *e)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m) {
		err_set(e, 0, "out of memory");
		return NULL;
	}
	m->config = c;
	m->stats_fd = m->signal_fd = m->display_fd = -1;
	m->sandbox.on = c->sandbox;
	m->sandbox.undo = &m->out;
	for (int i = 0; i < SANDBOX_DIRS; i++)
		m->sandbox.unlink_dir[i] = -1;
	pthread_mutex_init(&m->park_lock, NULL);
	pthread_mutex_init(&m->why_lock, NULL);
	pthread_cond_init(&m->parked, NULL);
	pthread_cond_init(&m->unpark, NULL);
	m->loop = loop_new(e);
	m->as = m->loop ? as_new(e) : NULL;
	if (!m->as) {
		machine_free(m);
		return NULL;
	}
	if (c->clock_insn)
		loop_drive(m->loop, c->has_seed ? SEED_EPOCH :
			   loop_wall(m->loop));
	seed_init(&m->seed_fdt, c, SEED_FDT);
	seed_init(&m->seed_firmware, c, SEED_FIRMWARE);
	m->dma.as = m->as;
	m->vm.as = m->as;
	m->vm.board = c->board;
	m->vm.loop = m->loop;
	m->vm.config = c;
	m->vm.settle = vm_settle;
	atomic_store(&m->vm.park, true);
	m->t_start = loop_now(m->loop, CLOCK_HOST);
	init_cpus(m);
	return m;
}

/* In an order that has its reasons: what opens files or needs privileges
 * first, then their surrender, then what makes threads. */
struct machine *machine_new(struct config *c, struct err *e)
{
	struct machine *m = machine_alloc(c, e);

	if (!m)
		return NULL;
	if (add_ram(m, e) || open_trace(m, e) || open_accel(m, e) ||
	    open_nets(m, e) || open_ttys(m, e) || open_stats(m, e) ||
	    open_display(m, e) || open_gdb(m, e) || machine_open_disks(m, e) ||
	    sandbox_privs(&m->sandbox, e) || machine_start_disks(m, e) ||
	    add_board(m, e) || add_functions(m, e)) {
		machine_free(m);
		return NULL;
	}
	return m;
}

struct machine *machine_new_bare(struct config *c, struct err *e)
{
	struct machine *m = machine_alloc(c, e);

	if (m && add_board(m, e)) {
		machine_free(m);
		m = NULL;
	}
	return m;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	vm_stop(m);
	gdb_close(m->gdb);
	while (m->ndevs)
		device_free(m->dev[--m->ndevs]);
	while (m->ndisks)
		blk_close(m->disk[--m->ndisks]);
	blk_close(m->vars);
	blk_pool_free(m->pool);
	for (int i = 0; i < m->nnets; i++)
		if (m->net[i])
			m->net[i]->ops->close(m->net[i]);
	tty_close(m->usb);
	tty_close(m->console);
	tty_close(m->serial);
	while (m->ncpus_open)
		m->vm.accel->cpu_close(&m->vm.cpu[--m->ncpus_open]);
	if (m->accel_open)
		m->vm.accel->close(&m->vm);
	if (m->as)
		as_free(m->as);
	if (m->loop)
		loop_free(m->loop);
	if (m->stats_fd >= 0)
		close(m->stats_fd);
	if (m->display_fd >= 0)
		close(m->display_fd);
	trace_close(m->vm.trace);
	outfiles_end(&m->out);
	pthread_cond_destroy(&m->unpark);
	pthread_cond_destroy(&m->parked);
	pthread_mutex_destroy(&m->why_lock);
	pthread_mutex_destroy(&m->park_lock);
	free(m);
}

/* ---- reset and map ------------------------------------------------------- */

int machine_reset(struct machine *m, struct err *e)
{
	for (int i = 0; i < m->ndevs; i++) {
		const struct device_ops *ops = m->dev[i]->ops;

		device_lock(m->dev[i]);
		/* What the guest printed before stays printed. */
		if (ops->pause)
			ops->pause(m->dev[i]);
		ops->reset(m->dev[i]);
		if (ops->resume)
			ops->resume(m->dev[i]);
		device_unlock(m->dev[i]);
	}
	m->vm.accel->reset(&m->vm);
	if (boot_load(m, e))
		return -1;
	for (unsigned i = 0; i < m->vm.ncpus; i++)
		m->vm.accel->cpu_reset(&m->vm.cpu[i]);
	return 0;
}

void machine_settle(struct machine *m)
{
	for (int i = 0; i < m->ndevs; i++) {
		if (!m->dev[i]->ops->pause)
			continue;
		device_lock(m->dev[i]);
		m->dev[i]->ops->pause(m->dev[i]);
		device_unlock(m->dev[i]);
	}
	tty_settle(m->serial);
	if (m->console)
		tty_settle(m->console);
}

struct map_arg {
	struct machine *m;
	void (*line)(void *, const char *);
	void *arg;
	int next;                       /* RAM block that is still to come */
};

static void print_ram(struct map_arg *a, uint64_t before)
{
	int n;
	const struct ram *r = as_rams(a->m->as, &n);
	char text[96];

	/* At most eight, and not in order: the lowest that is due each time. */
	for (;;) {
		const struct ram *low = NULL;

		for (int i = 0; i < n; i++)
			if (!(a->next >> i & 1) && r[i].gpa < before &&
			    (!low || r[i].gpa < low->gpa))
				low = &r[i];
		if (!low)
			return;
		a->next |= 1 << (low - r);
		snprintf(text, sizeof(text), "%010llx-%010llx RAM %s",
			 (unsigned long long)low->gpa,
			 (unsigned long long)(low->gpa + low->size - 1),
			 low->name);
		a->line(a->arg, text);
	}
}

static void print_win(void *arg, uint64_t gpa, uint64_t len, struct device *d,
		      uint8_t win)
{
	struct map_arg *a = arg;
	char text[96];

	print_ram(a, gpa);
	snprintf(text, sizeof(text), "%010llx-%010llx %s %s, window %u",
		 (unsigned long long)gpa, (unsigned long long)(gpa + len - 1),
		 d->ops->name, d->id, win);
	a->line(a->arg, text);
}

void machine_print_map(struct machine *m, void (*line)(void *, const char *),
		       void *arg)
{
	struct map_arg a = { .m = m, .line = line, .arg = arg };

	as_each_win(m->as, print_win, &a);
	print_ram(&a, UINT64_MAX);
}
