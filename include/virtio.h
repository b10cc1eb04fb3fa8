/* virtio.h: virtio 1.2 devices behind the PCI transport (modern only).
 *
 * A virtio device is a PCI function: struct virtio begins with struct pci_fn,
 * and the device's state begins with struct virtio. machine.c makes one with
 * device_new(&virtio_X_ops, ...), devconf.arg pointing to struct
 * virtio_X_conf; devconf.irq[] is not used, wires belong to the bridge.
 *
 * BAR4, 16 KiB: common 0x0000, ISR 0x1000, device configuration 0x2000,
 * notify 0x3000 with multiplier 4 (vmapple.md section 1.8). BAR1, 4 KiB:
 * MSI-X, one vector for configuration changes and one a queue. */
#ifndef POME_VIRTIO_H
#define POME_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "pcie.h"
#include "virtq.h"

#define VIRTIO_QUEUES 8                 /* a device has at most */

enum {
	VIRTIO_S_ACKNOWLEDGE = 1,
	VIRTIO_S_DRIVER = 2,
	VIRTIO_S_DRIVER_OK = 4,
	VIRTIO_S_FEATURES_OK = 8,
	VIRTIO_S_NEEDS_RESET = 0x40,
	VIRTIO_S_FAILED = 0x80,
};

enum {
	VIRTIO_F_INDIRECT_DESC = 28,
	VIRTIO_F_EVENT_IDX = 29,
	VIRTIO_F_VERSION_1 = 32,
};

enum {
	VIRTIO_ID_NET = 1,
	VIRTIO_ID_BLOCK = 2,
	VIRTIO_ID_CONSOLE = 3,
	VIRTIO_ID_RNG = 4,
};

/* What machine.c gives every virtio device. */
struct virtio_conf {
	struct pci_conf pci;
	/* Connects stores to a doorbell with an eventfd (accel_ops.ioeventfd
	 * with the vm as arg); NULL where the accelerator has none. Called
	 * with the function's lock held, on a vCPU thread too. */
	int (*ioeventfd)(void *arg, uint64_t gpa, unsigned size, int fd,
			 bool add);
	void *ioeventfd_arg;
};

struct virtio;

/* What one kind of device is. All calls under the device's lock. */
struct virtio_ops {
	uint16_t id;                    /* VIRTIO_ID_... */
	struct pci_ids pci;
	uint16_t queues;
	uint16_t queue_size[VIRTIO_QUEUES];     /* the largest, powers of 2 */
	/* The driver notified queue q (live, DRIVER_OK, bus master), or all
	 * queues just became so. vCPU threads and the loop: never blocks. */
	void (*notify)(struct virtio *, unsigned q);
	/* A write to configuration space was applied to v->config. */
	void (*config_write)(struct virtio *, unsigned off, unsigned size);
	/* Reset by the driver. Returns false where requests are under way
	 * that may still touch guest memory: the device then calls
	 * virtio_reset_done when they are through, and the driver reads a
	 * status that is not 0 until then. Queues are dead already. */
	bool (*reset)(struct virtio *);
};

#define VIRTIO_CONFIG_SIZE 0x60

struct virtio_queue {                   /* the registers of one queue */
	uint16_t size, vector;
	bool enabled;
	uint64_t desc, driver, device;
};

struct virtio {
	struct pci_fn pci;              /* first */
	const struct virtio_ops *ops;
	uint64_t features;              /* offered */
	uint64_t driver_features;
	uint32_t feature_sel, driver_feature_sel;
	uint16_t config_vector, queue_sel;
	uint8_t status, generation, isr;
	bool resetting;                 /* waits for virtio_reset_done */
	struct virtio_queue regs[VIRTIO_QUEUES];
	struct virtq vq[VIRTIO_QUEUES];
	/* Configuration space as the guest reads it; config_len bytes, of
	 * which the guest can write those in [config_rw, config_rw_end). */
	uint8_t config[VIRTIO_CONFIG_SIZE];
	unsigned config_len, config_rw, config_rw_end;
	unsigned cfg_cap;               /* VIRTIO_PCI_CAP_PCI_CFG */
	/* Host side. */
	int (*ioeventfd)(void *, uint64_t, unsigned, int, bool);
	void *ioeventfd_arg;
	int kick_fd[VIRTIO_QUEUES];     /* -1: none */
	struct watch *kick_watch[VIRTIO_QUEUES];
	unsigned kick_on;               /* bit q: connected */
	struct virtio_kick {
		struct virtio *v;
		unsigned q;
	} kick[VIRTIO_QUEUES];
	uint64_t kicks, interrupts, broken;     /* counters */
	struct log_limit log;
};

/* In the device's init, after v->features (device type bits; the transport
 * adds its own), config and config_len are set. */
int virtio_init(struct virtio *, const struct virtio_ops *,
		const struct virtio_conf *, const struct devconf *,
		struct err *);
void virtio_fini(struct virtio *);
/* Machine reset: all vCPUs parked; the device has settled its I/O. */
void virtio_power_on(struct virtio *);

/* device_ops.read and write are pci_fn_read and pci_fn_write. */

bool virtio_has(const struct virtio *, unsigned feature);       /* negotiated */
/* May the device use its queues now? */
bool virtio_running(const struct virtio *);
/* The device changed its configuration: new generation, interrupt. */
void virtio_config_changed(struct virtio *);
/* The guest is malformed beyond repair: DEVICE_NEEDS_RESET. */
void virtio_broken(struct virtio *, const char *why);
void virtio_reset_done(struct virtio *);

#endif
