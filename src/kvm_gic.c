/* kvm_gic.c: the GICv3 in the kernel.
 *
 * Linux, Documentation/virt/kvm/devices/arm-vgic-v3.rst. Wires go in by
 * KVM_IRQ_LINE, which takes INTIDs. A message to the GICv2m frame raises its
 * SPI: one that the guest set to edge, as the frame's drivers do, latches each
 * raising, whether it was lowered before or not.
 *
 * No irqfd: it pays where the kernel itself, or another process, raises the
 * interrupt. Ours come from threads of pome, and cost in instructions of the
 * host (tests/kvm/irqcost.c, Linux 6.1): KVM_IRQ_LINE 1331, twice of it, up
 * and down, 2649; a write to an irqfd 1487. */
#include <errno.h>
#include <string.h>

#include "board.h"
#include "gicv2m.h"
#include "kvm.h"
#include "log.h"

#define FRAME 0x10000u                  /* of a redistributor: RD, then SGI */

/* Offsets in the distributor; in the SGI frame the same for INTIDs 0..31. */
enum {
	GICD_CTLR = 0x000,
	GICD_IGROUPR = 0x080,
	GICD_ISENABLER = 0x100,
	GICD_ICENABLER = 0x180,
	GICD_ISPENDR = 0x200,
	GICD_ICPENDR = 0x280,
	GICD_ICACTIVER = 0x380,
	GICD_IPRIORITYR = 0x400,
	GICD_ICFGR = 0xc00,
	GICD_IROUTER = 0x6000,
};

/* The CPU interface, by op0 to op2 as the kernel takes them. */
#define ICC(op1, crn, crm, op2) (3u << 14 | (op1) << 11 | (crn) << 7 | \
				 (crm) << 3 | (op2))
#define ICC_PMR_EL1 ICC(0, 4, 6, 0)
#define ICC_BPR0_EL1 ICC(0, 12, 8, 3)
#define ICC_AP0R_EL1(n) ICC(0, 12, 8, 4 | (n))
#define ICC_AP1R_EL1(n) ICC(0, 12, 9, n)
#define ICC_BPR1_EL1 ICC(0, 12, 12, 3)
#define ICC_CTLR_EL1 ICC(0, 12, 12, 4)
#define ICC_IGRPEN0_EL1 ICC(0, 12, 12, 6)
#define ICC_IGRPEN1_EL1 ICC(0, 12, 12, 7)
#define ICC_CTLR_CBPR 1u
#define ICC_CTLR_EOIMODE 2u

static int gic_attr(const struct kvm *k, unsigned long request, uint32_t group,
		    uint64_t attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr,
				     .addr = (uintptr_t)val };

	return kvm_ioctl(k->gic_fd, request, &a);
}

/* ---- making it ----------------------------------------------------------- */

bool kvm_gic_probe(int vm_fd)
{
	struct kvm_create_device d = {
		.type = KVM_DEV_TYPE_ARM_VGIC_V3,
		.flags = KVM_CREATE_DEVICE_TEST,
	};

	return !kvm_ioctl(vm_fd, KVM_CREATE_DEVICE, &d);
}

static void line(struct kvm *k, uint32_t intid, bool level)
{
	struct kvm_irq_level l = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intid,
		.level = level,
	};

	/* It has no way to fail for an INTID that exists. */
	kvm_ioctl(k->vm_fd, KVM_IRQ_LINE, &l);
	k->n_lines++;
}

static void gic_set(struct intc *ic, uint32_t intid, bool level)
{
	struct kvm *k = (struct kvm *)ic;
	uint32_t bit = 1u << intid % 32;

	if (intid < 32 || intid >= 32 + k->vm->board->nspi)
		return;
	pthread_mutex_lock(&k->irq_lock);
	if (!(k->level[intid / 32] & bit) != !level) {
		k->level[intid / 32] ^= bit;
		line(k, intid, level);
	}
	pthread_mutex_unlock(&k->irq_lock);
}

static void gic_msi(struct intc *ic, uint64_t addr, uint32_t data)
{
	struct kvm *k = (struct kvm *)ic;
	const struct board *b = k->vm->board;

	pthread_mutex_lock(&k->irq_lock);
	if (addr != b->v2m + GICV2M_SETSPI || data < b->msi_first ||
	    data >= b->msi_first + b->msi_count) {
		k->n_msis_dropped++;
	} else {
		k->n_msis++;
		line(k, data, true);
	}
	pthread_mutex_unlock(&k->irq_lock);
}

static const struct intc_ops gic_ops = { .set = gic_set, .msi = gic_msi };

int kvm_gic_open(struct kvm *k, struct err *e)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint32_t n = 32 + k->vm->board->nspi;

	if (kvm_ioctl(k->vm_fd, KVM_CREATE_DEVICE, &d))
		return err_set(e, errno, "making the kernel's GICv3 (try "
			       "--accel interp)");
	k->gic_fd = (int)d.fd;
	if (gic_attr(k, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0,
		     &n))
		return err_set(e, errno, "GICv3: %u interrupts", n);
	k->intc.ops = &gic_ops;
	return 0;
}

int kvm_gic_init(struct kvm *k, struct err *e)
{
	uint64_t dist = k->vm->board->gicd, redist = k->vm->board->gicr;

	if (gic_attr(k, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_ADDR,
		     KVM_VGIC_V3_ADDR_TYPE_DIST, &dist) ||
	    gic_attr(k, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_ADDR,
		     KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist))
		return err_set(e, errno, "placing the kernel's GICv3");
	if (gic_attr(k, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CTRL,
		     KVM_DEV_ARM_VGIC_CTRL_INIT, NULL))
		return err_set(e, errno, "starting the kernel's GICv3");
	return 0;
}

/* ---- registers ------------------------------------------------------------ */

/* A word of the distributor (cpu -1), or of a CPU's redistributor. */
static int word(const struct kvm *k, int cpu, uint32_t off, bool write,
		uint32_t *val)
{
	unsigned long request = write ? KVM_SET_DEVICE_ATTR :
					KVM_GET_DEVICE_ATTR;

	if (cpu < 0)
		return gic_attr(k, request, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
				off, val);
	return gic_attr(k, request, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			k->vm->cpu[cpu].mpidr << 32 | off, val);
}

static void fill(const struct kvm *k, int cpu, uint32_t off, unsigned bytes,
		 uint32_t val)
{
	for (uint32_t o = off; o < off + bytes; o += 4)
		word(k, cpu, o, true, &val);
}

/* INTIDs first .. first + n - 1, multiples of 32: disabled, not pending, not
 * active, group 0, level, priority 0. The kernel's copies of what a wire does
 * stay: devices lower their own. */
static void reset_inputs(const struct kvm *k, int cpu, uint32_t base,
			 unsigned first, unsigned n)
{
	fill(k, cpu, base + GICD_ICENABLER + first / 8, n / 8, ~0u);
	fill(k, cpu, base + GICD_ICACTIVER + first / 8, n / 8, ~0u);
	fill(k, cpu, base + GICD_ISPENDR + first / 8, n / 8, 0);
	fill(k, cpu, base + GICD_ICPENDR + first / 8, n / 8, ~0u);
	fill(k, cpu, base + GICD_IGROUPR + first / 8, n / 8, 0);
	fill(k, cpu, base + GICD_IPRIORITYR + first, n, 0);
	/* SGIs are edge-triggered for ever; their word is the first */
	fill(k, cpu, base + GICD_ICFGR + (first ? first / 4 : 4),
	     first ? n / 4 : 4, 0);
}

static void reset_cpu_interface(const struct kvm *k, unsigned cpu)
{
	static const uint32_t zero[] = {
		ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1, ICC_PMR_EL1, ICC_BPR0_EL1,
		ICC_BPR1_EL1, ICC_AP0R_EL1(0), ICC_AP0R_EL1(1),
		ICC_AP0R_EL1(2), ICC_AP0R_EL1(3), ICC_AP1R_EL1(0),
		ICC_AP1R_EL1(1), ICC_AP1R_EL1(2), ICC_AP1R_EL1(3),
	};
	uint64_t who = k->vm->cpu[cpu].mpidr << 32, val;

	/* How many AP registers there are is the host's matter: those that
	 * are not fail, and that is that. */
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
		val = 0;
		gic_attr(k, KVM_SET_DEVICE_ATTR,
			 KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, who | zero[i], &val);
	}
	/* its other fields say what the host has; they must be kept */
	if (gic_attr(k, KVM_GET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		     who | ICC_CTLR_EL1, &val))
		return;
	val &= ~(uint64_t)(ICC_CTLR_CBPR | ICC_CTLR_EOIMODE);
	gic_attr(k, KVM_SET_DEVICE_ATTR, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
		 who | ICC_CTLR_EL1, &val);
}

void kvm_gic_reset(struct kvm *k)
{
	const struct board *b = k->vm->board;
	uint32_t zero = 0;

	/* messages raise, and leave it at that */
	pthread_mutex_lock(&k->irq_lock);
	for (uint32_t i = 0; i < b->msi_count; i++)
		line(k, b->msi_first + i, false);
	pthread_mutex_unlock(&k->irq_lock);
	word(k, -1, GICD_CTLR, true, &zero);
	reset_inputs(k, -1, 0, 32, k->vm->board->nspi);
	fill(k, -1, GICD_IROUTER + 8 * 32, 8 * k->vm->board->nspi, 0);
	for (unsigned i = 0; i < k->vm->ncpus; i++) {
		reset_inputs(k, (int)i, FRAME, 0, 32);
		reset_cpu_interface(k, i);
	}
}

/* ---- accesses that come through us ----------------------------------------- */

static uint64_t redist_size(const struct kvm *k)
{
	return 2ull * FRAME * k->vm->ncpus;
}

bool kvm_gic_holds(const struct kvm *k, uint64_t gpa)
{
	return gpa - k->vm->board->gicd < FRAME ||
	       gpa - k->vm->board->gicr < redist_size(k);
}

/* For user space ISPENDR is what is latched, to be set and cleared alike, and
 * ICPENDR is nothing: turn a guest's store into that. */
static void store_word(const struct kvm *k, int cpu, uint32_t off, uint32_t val)
{
	uint32_t reg = cpu < 0 ? off : off - FRAME, now = 0;

	if (reg >= GICD_ISPENDR && reg < GICD_ICPENDR + 0x80) {
		bool clear = reg >= GICD_ICPENDR;

		if (clear)
			off -= GICD_ICPENDR - GICD_ISPENDR;
		word(k, cpu, off, false, &now);
		val = clear ? now & ~val : now | val;
	}
	word(k, cpu, off, true, &val);
}

static bool one_acts(uint32_t reg)
{
	return reg >= GICD_ISENABLER && reg < GICD_IPRIORITYR;
}

static bool access_word(const struct kvm *k, int cpu, uint32_t off, bool write,
			unsigned size, uint64_t *val)
{
	unsigned shift = (off & 3) * 8;
	uint32_t mask = size >= 4 ? ~0u : (1u << size * 8) - 1;
	uint32_t w = 0;

	off &= ~3u;
	if (write && size == 4) {
		store_word(k, cpu, off, (uint32_t)*val);
		return true;
	}
	if (word(k, cpu, off, false, &w))
		return false;
	if (!write) {
		*val = w >> shift & mask;
		return true;
	}
	/* where a one acts, the other bytes must be zero */
	if (one_acts(cpu < 0 ? off : off - FRAME))
		w = 0;
	w = (w & ~(mask << shift)) | ((uint32_t)*val & mask) << shift;
	store_word(k, cpu, off, w);
	return true;
}

bool kvm_gic_access(struct kvm_cpu *c, uint64_t gpa, bool write, unsigned size,
		    uint64_t *val)
{
	const struct kvm *k = c->k;
	const struct board *b = k->vm->board;
	int cpu = -1;
	uint32_t off = (uint32_t)(gpa - b->gicd);
	uint64_t low = *val & 0xffffffff, high = *val >> 32;
	bool ok;

	if (gpa >= b->gicr) {
		cpu = (int)((gpa - b->gicr) / (2 * FRAME));
		off = (uint32_t)((gpa - b->gicr) % (2 * FRAME));
	}
	kvm_hold(c);
	if (size == 8) {
		ok = access_word(k, cpu, off, write, 4, &low) &&
		     access_word(k, cpu, off + 4, write, 4, &high);
		*val = low | high << 32;
	} else {
		ok = access_word(k, cpu, off, write, size, val);
	}
	kvm_release(c);
	return ok;
}
