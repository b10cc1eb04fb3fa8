/* The virt board: what QEMU's board of that name has, where it has it (the map
 * and the interrupts of its documentation, docs/system/arm/virt.rst, and of the
 * device tree that it hands to a guest, version 7.2 with gic-version=3,its=off).
 * So firmware made for it, such as Debian's qemu-efi-aarch64, runs here.
 *
 * Of it are here: both flash banks, UART, RTC, fw_cfg, GPIO, GICv3 with a GICv2m
 * frame, and PCI Express with the low ECAM, which hosts with 36 bits of guest
 * physical addresses have too. Left out: virtio-mmio, the platform bus, the
 * secure devices, the high PCI windows (no BAR here is large), and hotplug. */
#include "board.h"
#include "fw_cfg.h"
#include "gicv2m.h"
#include "machine.h"
#include "pcie.h"
#include "pflash.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"

#define FLASH_SIZE 0x04000000u          /* of a bank; two of them, from 0 */
#define V2M 0x08020000u
#define V2M_SIZE 0x1000u
#define ECAM 0x3f000000u
#define ECAM_SIZE 0x01000000u
#define MMIO 0x10000000u
#define MMIO_SIZE 0x2eff0000u
#define PIO 0x3eff0000u
#define PIO_SIZE 0x00010000u
#define SPI(n) (32 + (n))
#define INTX SPI(3)

static const void *flash_conf(struct machine *m, void *buf)
{
	struct pflash_conf *c = buf;

	c->bank_size = FLASH_SIZE;
	c->bank[0].rom = m->config->firmware.path != NULL;
	c->bank[1].blk = m->vars;
	c->bank[1].keep = m->vars_keep;
	return c;
}

static const void *fw_cfg_conf(struct machine *m, void *buf)
{
	struct fw_cfg_conf *c = buf;

	c->ram = m->config->ram;
	c->cpus = (uint16_t)m->config->cpus;
	return c;
}

_Static_assert(sizeof(struct pflash_conf) <= BOARD_CONF_SIZE, "room for conf");

static const struct board_row rows[] = {
	{ .id = "flash", .ops = &pflash_ops, .conf = flash_conf,
	  .win = { { 0, FLASH_SIZE, false },
		   { FLASH_SIZE, FLASH_SIZE, false } } },
	{ .id = "v2m", .ops = &gicv2m_ops, .conf = board_v2m,
	  .win = { { V2M, V2M_SIZE, false } },
	  .msi = true, .msi_wire = 0 },
	{ .id = "uart0", .ops = &pl011_ops, .conf = board_uart,
	  .win = { { 0x09000000, 0x1000, false } }, .irq = SPI(1) },
	{ .id = "rtc", .ops = &pl031_ops,
	  .win = { { 0x09010000, 0x1000, false } }, .irq = SPI(2) },
	{ .id = "fw-cfg", .ops = &fw_cfg_ops, .conf = fw_cfg_conf,
	  .win = { { 0x09020000, FW_CFG_SIZE, false } } },
	{ .id = "gpio", .ops = &pl061_ops,
	  .win = { { 0x09030000, 0x1000, false } }, .irq = SPI(7) },
	{ .id = "pcie", .ops = &pcie_ops, .conf = board_pcie,
	  .win = { { ECAM, ECAM_SIZE, false }, { MMIO, MMIO_SIZE, true },
		   { PIO, PIO_SIZE, false } },
	  .irq = INTX, .msi = true, .msi_wire = 1 },
	{ .id = NULL },
};

static const struct board_mem mem[] = { { .size = 0 } };

/* Where distributions put it: Debian (split in code and variables, then whole),
 * Fedora, Arch, openSUSE and builds of QEMU itself. */
static const char *const paths[] = {
	"/usr/share/AAVMF/AAVMF_CODE.fd",
	"/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
	"/usr/share/edk2/aarch64/QEMU_EFI.fd",
	"/usr/share/edk2/aarch64/QEMU_CODE.fd",
	"/usr/share/qemu/edk2-aarch64-code.fd",
	NULL,
};

const struct board board_virt = {
	.name = "virt",
	.compatible = "pome,virt",
	.row = rows,
	.ram = 0x40000000,
	.mem = mem,
	.firmware = {
		.base = 0, .size = FLASH_SIZE, .rom = true, .tree = true,
		.wanted = "UEFI firmware for QEMU's virt board",
		.paths = paths,
	},
	.gicd = 0x08000000,
	.gicr = 0x080a0000,
	.nspi = 256,
	.v2m = V2M,
	.msi_first = SPI(48),
	.msi_count = 64,
	.pci = {
		.ecam = ECAM, .ecam_size = ECAM_SIZE,
		.mmio = MMIO, .mmio_size = MMIO_SIZE,
		.pio = PIO, .pio_size = PIO_SIZE,
		.intx = INTX, .lines = 4,
	},
};
