/* The device tree of a board for a Linux guest, made with libfdt.
 *
 * Every device writes its own node; here is what belongs to none of them.
 * Bindings: Documentation/devicetree/bindings of Linux (cpus, psci, timer,
 * gpio-keys, chosen). */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accel.h"
#include "accel_pick.h"
#include "fdt.h"
#include "gicv3.h"
#include "machine.h"

enum { PH_GIC = 1, PH_MSI, PH_CLOCK, PH_GPIO };

#define APB_HZ 24000000
#define PPI 1                           /* interrupt type: private */
#define LEVEL_HIGH 4
#define KEY_POWER 116                   /* linux/input-event-codes.h */

int fdt_put_reg(struct fdt_build *b, uint64_t base, uint64_t size)
{
	fdt64_t cells[2] = { cpu_to_fdt64(base), cpu_to_fdt64(size) };

	return fdt_property(b->fdt, "reg", cells, sizeof(cells));
}

int fdt_put_irq(struct fdt_build *b, uint32_t intid, uint32_t flags)
{
	fdt32_t cells[3] = { cpu_to_fdt32(0), cpu_to_fdt32(intid - 32),
			     cpu_to_fdt32(flags) };

	return fdt_property(b->fdt, "interrupts", cells, sizeof(cells));
}

int fdt_begin_unit(struct fdt_build *b, const char *name, uint64_t base)
{
	char unit[64];

	snprintf(unit, sizeof(unit), "%s@%llx", name,
		 (unsigned long long)base);
	return fdt_begin_node(b->fdt, unit);
}

static int put_root(const struct board *board, void *fdt)
{
	char compatible[64], model[64];
	int n = snprintf(compatible, sizeof(compatible), "%s%clinux,dummy-virt",
			 board->compatible, 0) + 1;

	snprintf(model, sizeof(model), "pome %s board", board->name);
	return fdt_property_string(fdt, "model", model) ?:
	       fdt_property(fdt, "compatible", compatible, n) ?:
	       fdt_property_u32(fdt, "#address-cells", 2) ?:
	       fdt_property_u32(fdt, "#size-cells", 2) ?:
	       fdt_property_u32(fdt, "interrupt-parent", PH_GIC) ?:
	       fdt_property(fdt, "dma-coherent", NULL, 0);
}

static bool random_bytes(const struct fdt_boot *boot, void *buf, size_t len)
{
	struct seed host = { .fixed = false };

	return seed_get(boot->seed ? boot->seed : &host, buf, len);
}

static int put_seeds(const struct fdt_boot *boot, void *fdt)
{
	uint8_t rng[64], kaslr[8];

	if (!random_bytes(boot, rng, sizeof(rng)) ||
	    !random_bytes(boot, kaslr, sizeof(kaslr)))
		return 0;               /* the guest does without */
	return fdt_property(fdt, "kaslr-seed", kaslr, sizeof(kaslr)) ?:
	       fdt_property(fdt, "rng-seed", rng, sizeof(rng));
}

static int put_chosen(struct machine *m, const struct fdt_boot *boot,
		      void *fdt)
{
	char path[48] = "";
	int r = fdt_begin_node(fdt, "chosen");

	for (const struct board_row *row = m->vm.board->row; row->id; row++)
		if (!strcmp(row->id, "uart0"))
			snprintf(path, sizeof(path), "/serial@%llx",
				 (unsigned long long)row->win[0].base);
	r = r ?: fdt_property_string(fdt, "stdout-path", path);
	if (boot->bootargs)
		r = r ?: fdt_property_string(fdt, "bootargs", boot->bootargs);
	if (boot->initrd_end) {
		r = r ?: fdt_property_u64(fdt, "linux,initrd-start",
					  boot->initrd);
		r = r ?: fdt_property_u64(fdt, "linux,initrd-end",
					  boot->initrd_end);
	}
	if (boot->seeds)
		r = r ?: put_seeds(boot, fdt);
	return r ?: fdt_end_node(fdt);
}

static int put_memory(struct machine *m, struct fdt_build *b)
{
	return fdt_begin_unit(b, "memory", m->vm.board->ram) ?:
	       fdt_property_string(b->fdt, "device_type", "memory") ?:
	       fdt_put_reg(b, m->vm.board->ram, m->config->ram) ?:
	       fdt_end_node(b->fdt);
}

/* Affinity in two cells would be needed only with Aff3. */
static int put_cpus(struct machine *m, struct fdt_build *b)
{
	void *fdt = b->fdt;
	int r = fdt_begin_node(fdt, "cpus") ?:
		fdt_property_u32(fdt, "#address-cells", 1) ?:
		fdt_property_u32(fdt, "#size-cells", 0);

	for (unsigned i = 0; i < m->vm.ncpus; i++) {
		uint32_t aff = (uint32_t)(m->vm.cpu[i].mpidr & 0xffffff);

		r = r ?: fdt_begin_unit(b, "cpu", aff) ?:
		    fdt_property_string(fdt, "device_type", "cpu") ?:
		    fdt_property_string(fdt, "compatible", "arm,armv8") ?:
		    fdt_property_string(fdt, "enable-method", "psci") ?:
		    fdt_property_u32(fdt, "reg", aff) ?:
		    fdt_end_node(fdt);
	}
	return r ?: fdt_end_node(fdt);
}

static int put_psci(void *fdt)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	return fdt_begin_node(fdt, "psci") ?:
	       fdt_property(fdt, "compatible", compatible,
			    sizeof(compatible)) ?:
	       fdt_property_string(fdt, "method", "hvc") ?:
	       fdt_end_node(fdt);
}

/* Secure, physical, virtual, hypervisor: the binding's order. No
 * clock-frequency: CNTFRQ_EL0 says it. */
static int put_timer(void *fdt)
{
	static const uint32_t ppi[4] = {
		BOARD_PPI_STIMER, BOARD_PPI_PTIMER, BOARD_PPI_VTIMER,
		BOARD_PPI_HTIMER,
	};
	fdt32_t cells[12];

	for (int i = 0; i < 4; i++) {
		cells[3 * i] = cpu_to_fdt32(PPI);
		cells[3 * i + 1] = cpu_to_fdt32(ppi[i] - 16);
		cells[3 * i + 2] = cpu_to_fdt32(LEVEL_HIGH);
	}
	return fdt_begin_node(fdt, "timer") ?:
	       fdt_property_string(fdt, "compatible", "arm,armv8-timer") ?:
	       fdt_property(fdt, "interrupts", cells, sizeof(cells)) ?:
	       fdt_property(fdt, "always-on", NULL, 0) ?:
	       fdt_end_node(fdt);
}

/* A tree that is only looked at is for the accelerator that would run. */
static bool has_pmu(const struct machine *m)
{
	const struct accel_ops *a = m->vm.accel;
	struct err e;

	if (!a)
		a = accel_pick(m->config, &e);
	return a && a->has_pmu && a->has_pmu(&m->vm);
}

static int put_pmu(const struct machine *m, void *fdt)
{
	const fdt32_t cells[3] = {
		cpu_to_fdt32(PPI), cpu_to_fdt32(BOARD_PPI_PMU - 16),
		cpu_to_fdt32(LEVEL_HIGH),
	};

	if (!has_pmu(m))
		return 0;
	return fdt_begin_node(fdt, "pmu") ?:
	       fdt_property_string(fdt, "compatible", "arm,armv8-pmuv3") ?:
	       fdt_property(fdt, "interrupts", cells, sizeof(cells)) ?:
	       fdt_end_node(fdt);
}

static int put_clock(void *fdt)
{
	return fdt_begin_node(fdt, "apb-pclk") ?:
	       fdt_property_string(fdt, "compatible", "fixed-clock") ?:
	       fdt_property_u32(fdt, "#clock-cells", 0) ?:
	       fdt_property_u32(fdt, "clock-frequency", APB_HZ) ?:
	       fdt_property_string(fdt, "clock-output-names", "clk24mhz") ?:
	       fdt_property_u32(fdt, "phandle", PH_CLOCK) ?:
	       fdt_end_node(fdt);
}

static int put_keys(void *fdt)
{
	fdt32_t pin[3] = { cpu_to_fdt32(PH_GPIO), cpu_to_fdt32(3),
			   cpu_to_fdt32(0) };

	return fdt_begin_node(fdt, "gpio-keys") ?:
	       fdt_property_string(fdt, "compatible", "gpio-keys") ?:
	       fdt_begin_node(fdt, "poweroff") ?:
	       fdt_property_string(fdt, "label", "Power button") ?:
	       fdt_property_u32(fdt, "linux,code", KEY_POWER) ?:
	       fdt_property(fdt, "gpios", pin, sizeof(pin)) ?:
	       fdt_end_node(fdt) ?:
	       fdt_end_node(fdt);
}

static int put_devices(struct machine *m, struct fdt_build *b)
{
	const struct board_row *row = m->vm.board->row;
	int r = 0;

	for (int i = 0; row[i].id && i < m->ndevs && !r; i++) {
		const struct device *d = m->dev[i];

		if (!d->ops->fdt)
			continue;
		b->base = row[i].win[0].base;
		b->size = row[i].win[0].len;
		b->base1 = row[i].win[1].base;
		b->size1 = row[i].win[1].len;
		memset(b->irq, 0, sizeof(b->irq));
		b->irq[0] = row[i].irq;
		r = d->ops->fdt(d, b);
	}
	return r;
}

static int put_tree(struct machine *m, const struct fdt_boot *boot, void *buf,
		    size_t size)
{
	struct fdt_build b = {
		.fdt = buf, .gic_phandle = PH_GIC, .msi_phandle = PH_MSI,
		.clock_phandle = PH_CLOCK, .power_gpio_phandle = PH_GPIO,
	};
	const struct board *board = m->vm.board;
	struct gicv3_fdt gic = {
		.dist = board->gicd, .redist = board->gicr,
		.ncpus = m->vm.ncpus, .v2m = board->v2m,
		.msi_first = board->msi_first, .msi_count = board->msi_count,
	};

	return fdt_create(buf, (int)size) ?:
	       fdt_finish_reservemap(buf) ?:
	       fdt_begin_node(buf, "") ?:
	       put_root(board, buf) ?:
	       put_chosen(m, boot, buf) ?:
	       put_memory(m, &b) ?:
	       put_cpus(m, &b) ?:
	       put_psci(buf) ?:
	       put_timer(buf) ?:
	       put_pmu(m, buf) ?:
	       put_clock(buf) ?:
	       gicv3_fdt(&b, &gic) ?:
	       put_devices(m, &b) ?:
	       put_keys(buf) ?:
	       fdt_end_node(buf) ?:
	       fdt_finish(buf);
}

int machine_fdt(struct machine *m, const struct fdt_boot *boot, void *buf,
		size_t size, size_t *len, struct err *e)
{
	int r = put_tree(m, boot, buf, size);

	if (r)
		return err_set(e, 0, "device tree: %s", fdt_strerror(r));
	*len = fdt_totalsize(buf);
	return 0;
}

int machine_fdt_patch(const struct fdt_boot *boot, bool bootargs, void *buf,
		      size_t size, struct err *e)
{
	uint8_t rng[64];
	int r = fdt_open_into(buf, buf, (int)size), chosen;

	if (r)
		goto fail;
	chosen = fdt_path_offset(buf, "/chosen");
	if (chosen == -FDT_ERR_NOTFOUND)
		chosen = fdt_add_subnode(buf, 0, "chosen");
	if (chosen < 0) {
		r = chosen;
		goto fail;
	}
	/* The tree's own command line stands unless --append was given. */
	if (boot->bootargs &&
	    (bootargs || !fdt_getprop(buf, chosen, "bootargs", NULL)))
		r = fdt_setprop_string(buf, chosen, "bootargs",
				       boot->bootargs);
	if (boot->initrd_end) {
		r = r ?: fdt_setprop_u64(buf, chosen, "linux,initrd-start",
					 boot->initrd);
		r = r ?: fdt_setprop_u64(buf, chosen, "linux,initrd-end",
					 boot->initrd_end);
	}
	if (boot->seeds && random_bytes(boot, rng, sizeof(rng))) {
		r = r ?: fdt_setprop(buf, chosen, "kaslr-seed", rng, 8);
		r = r ?: fdt_setprop(buf, chosen, "rng-seed", rng + 8,
				     sizeof(rng) - 8);
	}
	r = r ?: fdt_pack(buf);
fail:
	return r ? err_set(e, 0, "device tree: %s", fdt_strerror(r)) : 0;
}
