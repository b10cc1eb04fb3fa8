/* irqcost.c - what raising an edge-triggered SPI costs: by KVM_IRQ_LINE, and by an irqfd. Run on a deterministic emulated
 * host (host.sh -d) it counts instructions, and repeats exactly:
 *
 *   aarch64-linux-gnu-gcc -O2 -static -o irqcost irqcost.c && host.sh run -d -f irqcost:irqcost -- /irqcost
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { N = 2000, INTID = 64, GICD_ICFGR = 0xc00 };

static uint64_t ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void say(const char *what, uint64_t t)
{
	printf("%-32s %llu\n", what, (unsigned long long)((ns() - t) / N));
}

static void attr(int fd, uint32_t group, uint64_t attr, void *val)
{
	struct kvm_device_attr a = { .group = group, .attr = attr, .addr = (uintptr_t)val };

	if (ioctl(fd, KVM_SET_DEVICE_ATTR, &a))
		perror("KVM_SET_DEVICE_ATTR");
}

/* A VM with a CPU and a GICv3, whose SPI is edge-triggered. */
static int make(void)
{
	struct kvm_create_device gic = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	struct kvm_vcpu_init init;
	uint32_t n = 128, edge = 2;
	uint64_t dist = 0x10000000, redist = 0x10010000;
	int vm = ioctl(open("/dev/kvm", O_RDWR), KVM_CREATE_VM, 0l), cpu;

	ioctl(vm, KVM_CREATE_DEVICE, &gic);
	attr((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &n);
	attr((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	attr((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0l);
	ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] = 1u << KVM_ARM_VCPU_PSCI_0_2;
	ioctl(cpu, KVM_ARM_VCPU_INIT, &init);
	attr((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	attr((int)gic.fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_ICFGR + INTID / 4, &edge);
	return vm;
}

int main(void)
{
	int vm = make(), fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = INTID - 32 };
	struct kvm_irq_level l = { .irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | INTID };
	uint64_t one = 1, t;

	if (ioctl(vm, KVM_IRQFD, &irqfd))
		perror("KVM_IRQFD");
	t = ns();
	for (int i = 0; i < N; i++) {
		l.level = 1;
		ioctl(vm, KVM_IRQ_LINE, &l);
		l.level = 0;
		ioctl(vm, KVM_IRQ_LINE, &l);
	}
	say("KVM_IRQ_LINE, up and down", t);
	l.level = 1;
	t = ns();
	for (int i = 0; i < N; i++)
		ioctl(vm, KVM_IRQ_LINE, &l);
	say("KVM_IRQ_LINE, up", t);
	t = ns();
	for (int i = 0; i < N; i++)
		if (write(fd, &one, sizeof(one)) < 0)
			perror("write");
	say("irqfd", t);
	return 0;
}
