/* The vmapple board: map and wires of spec/vmapple.md sections 1.1 and 1.2. The
 * interrupt controller is not in the table: the accelerator makes it
 * (include/gicv3.h, or the kernel), at the addresses at the end. */
#include <string.h>

#include "aes.h"
#include "avp_rtc.h"
#include "bdif.h"
#include "board.h"
#include "cfg.h"
#include "gfx.h"
#include "gicv2m.h"
#include "log.h"
#include "machine.h"
#include "pcie.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"
#include "pvpanic.h"

#define FIRMWARE 0x00100000u
#define FIRMWARE_SIZE 0x00100000u
#define CONFIG 0x00400000u
#define V2M 0x1fff0000u
#define ECAM 0x40000000u
#define ECAM_SIZE 0x10000000u
#define MMIO 0x50000000u
#define MMIO_SIZE 0x1fff0000u
#define INTX 64

static void on_pvpanic(void *arg, enum pvpanic_event ev)
{
	struct machine *m = arg;

	switch (ev) {
	case PVPANIC_PANICKED:
		vm_request(&m->vm, VM_PANIC, "the guest reported a panic");
		break;
	case PVPANIC_SHUTDOWN:
		vm_request(&m->vm, VM_OFF, "power-off by pvpanic");
		break;
	case PVPANIC_CRASH_LOADED:
		log_msg(LOG_WARN, "the guest crashed and runs its own crash "
			"kernel now");
		break;
	}
}

static const void *pvpanic_conf(struct machine *m, void *buf)
{
	struct pvpanic_conf *c = buf;

	c->event = on_pvpanic;
	c->arg = m;
	return c;
}

static const char *text_or_null(const char *s)
{
	return *s ? s : NULL;
}

static const void *cfg_conf(struct machine *m, void *buf)
{
	const struct config *c = m->config;
	struct cfg_conf *f = buf;

	*f = (struct cfg_conf){
		.base = CONFIG, .ecid = c->id.ecid, .ram = c->ram,
		.cpus = c->cpus, .rnd = c->id.seed, .dfu = c->dfu,
		.hints = c->firmware_builtin || c->policy_given,
		.policy = c->permissive ? CFG_POLICY_PERMISSIVE :
					  CFG_POLICY_VERIFY,
		.serial = text_or_null(c->id.serial),
		.model = text_or_null(c->id.model),
		.soc = text_or_null(c->id.soc),
	};
	if (c->nnets)
		machine_mac(m, 0, f->mac[CFG_MAC_EN0]);
	for (int i = 0; i < CFG_MACS; i++)
		if (c->id.has_mac[i])
			memcpy(f->mac[i], c->id.mac[i], 6);
	if (!c->id.has_seed &&
	    !seed_get(&m->seed_firmware, &f->rnd, sizeof(f->rnd)))
		f->rnd = 0;
	return f;
}

static struct blk *disk_with_role(struct machine *m, enum cfg_role role)
{
	for (int i = 0; i < m->ndisks && config_is_mac(m->config); i++)
		if (m->config->disk[i].role == role)
			return m->disk[i];
	return NULL;
}

static const void *bdif_conf(struct machine *m, void *buf)
{
	struct bdif_conf *c = buf;

	c->root = disk_with_role(m, CFG_ROLE_ROOT);
	c->aux = disk_with_role(m, CFG_ROLE_AUX);
	return c;
}

static const void *bdif_usb_conf(struct machine *m, void *buf)
{
	struct bdif_usb_conf *c = buf;

	c->tty = m->usb;
	return c;
}

static const void *gfx_conf(struct machine *m, void *buf)
{
	struct gfx_conf *c = buf;

	c->fd = m->display_fd;
	c->path = m->config->display.path;
	c->width = m->config->display.width;
	c->height = m->config->display.height;
	return c;
}

_Static_assert(sizeof(struct cfg_conf) <= BOARD_CONF_SIZE, "room for conf");

#define BDIF_AT(slot) (0x30000000u + (slot) * BDIF_SLOT)

static const struct board_row rows[] = {
	{ .id = "config", .ops = &cfg_ops, .conf = cfg_conf },
	{ .id = "v2m", .ops = &gicv2m_ops, .conf = board_v2m,
	  .win = { { V2M, GICV2M_SIZE, false } },
	  .msi = true, .msi_wire = 0 },
	{ .id = "uart0", .ops = &pl011_ops, .conf = board_uart,
	  .win = { { 0x20010000, 0x1000, false } }, .irq = 33 },
	{ .id = "rtc", .ops = &pl031_ops,
	  .win = { { 0x20050000, 0x1000, false } }, .irq = 34 },
	{ .id = "gpio", .ops = &pl061_ops,
	  .win = { { 0x20060000, 0x1000, false } }, .irq = 37 },
	{ .id = "pvpanic", .ops = &pvpanic_ops, .conf = pvpanic_conf,
	  .win = { { 0x20070000, 2, false } } },
	{ .id = "bdif", .ops = &bdif_ops, .conf = bdif_conf,
	  .win = { { BDIF_AT(0), 0x10 * BDIF_SLOT, false },
		   { BDIF_AT(0x11), 0xf * BDIF_SLOT, false } } },
	{ .id = "bdif-usb", .ops = &bdif_usb_ops, .conf = bdif_usb_conf,
	  .win = { { BDIF_AT(BDIF_USB_SLOT), BDIF_SLOT, false } } },
	{ .id = "gfx", .ops = &gfx_ops, .conf = gfx_conf,
	  .win = { { 0x30200000, 0x10000, false },
		   { 0x30210000, 0x10000, false } } },
	{ .id = "aes", .ops = &aes_ops,
	  .win = { { 0x30220000, 0x4000, false },
		   { 0x30230000, 0x4000, false } }, .irq = 50 },
	{ .id = "avp-rtc", .ops = &avp_rtc_ops,
	  .win = { { 0x30240000, 0x1000, false } }, .irq = 51 },
	{ .id = "pcie", .ops = &pcie_ops, .conf = board_pcie,
	  .win = { { ECAM, ECAM_SIZE, false },
		   { MMIO, MMIO_SIZE, true } },
	  .irq = INTX, .msi = true, .msi_wire = 1 },
	{ .id = NULL },
};

static const struct board_mem mem[] = {
	{ "firmware", FIRMWARE, FIRMWARE_SIZE },
	{ "config", CONFIG, CFG_SIZE },
	{ .size = 0 },
};

const struct board board_vmapple = {
	.name = "vmapple",
	.compatible = "pome,vmapple",
	.row = rows,
	.ram = 0x70000000,
	.mem = mem,
	.firmware = {
		.base = FIRMWARE, .size = FIRMWARE_SIZE, .apple = true,
		.wanted = "a boot ROM, which is bare A64 code",
	},
	.gicd = 0x10000000,
	.gicr = 0x10010000,
	.nspi = 256,
	.v2m = V2M,
	.v2m_macos = true,
	.msi_first = 160,
	.msi_count = 128,
	.pci = {
		.ecam = ECAM, .ecam_size = ECAM_SIZE,
		.mmio = MMIO, .mmio_size = MMIO_SIZE,
		.intx = INTX, .lines = 16,
	},
};
