/* Fuzz target: the bridge and two functions that share a line. However their
 * BARs are programmed, they answer inside MMIO32 only. */
#include "fuzz.h"
#include "../unit/virtio_driver.h"
#include "virtio_rng.h"

static void inside(void *arg, uint64_t gpa, uint64_t len, struct device *d,
		   uint8_t win)
{
	if (d->ops != &virtio_rng_ops)
		return;
	fuzz_require(gpa >= DRV_MMIO &&
		     gpa + len <= DRV_MMIO + (uint64_t)DRV_MMIO_SIZE,
		     "BARs lie in MMIO32");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct drv d;
	struct device *fn[2];

	drv_open(&d);
	for (unsigned i = 0; i < 2; i++) {
		struct virtio_rng_conf c = { .virtio.pci = {
			.bridge = d.pcie, .slot = 3 + 16 * i } };

		fn[i] = fake_device(d.f, &virtio_rng_ops, &c);
	}
	for (unsigned steps = 0; in.n && steps < 2000; steps++) {
		unsigned op = (unsigned)fuzz_get(&in, 1);
		unsigned sz = 1u << (op >> 3 & 3);
		uint64_t at;

		switch (op & 7) {
		case 0: case 1: case 2: case 3:
			at = drv_cfg(op & 0x80 ? 19 : 3,
				     (unsigned)fuzz_get(&in, 1));
			drv_store(&d, at, sz, fuzz_get(&in, sz));
			break;
		case 4:
			at = DRV_ECAM + fuzz_get(&in, 4) % 0x10000000;
			drv_load(&d, at, sz);
			break;
		case 5:
			at = DRV_MMIO + fuzz_get(&in, 4) % DRV_MMIO_SIZE;
			drv_store(&d, at, sz, fuzz_get(&in, sz));
			break;
		case 6:
			at = DRV_MMIO + fuzz_get(&in, 4) % DRV_MMIO_SIZE;
			drv_load(&d, at, sz);
			break;
		case 7:
			if (op >> 3 == 0)
				fn[0]->ops->reset(fn[0]);
			device_lock(fn[op >> 7]);
			pci_intx((struct pci_fn *)fn[op >> 7], op & 8);
			pci_msix_fire((struct pci_fn *)fn[op >> 7],
				      op >> 4 & 3);
			device_unlock(fn[op >> 7]);
			break;
		}
	}
	as_each_win(d.f->as, inside, NULL);
	device_free(fn[0]);
	fuzz_require(!d.f->wire[67].level ||
		     ((struct pci_fn *)fn[1])->intx, "a line needs a cause");
	d.dev = fn[1];
	drv_close(&d);
	return 0;
}
