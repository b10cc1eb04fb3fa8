/* kernel_image.c: whatever file is given as a kernel ends in a message or in
 * an image inside RAM. The first byte asks for `format=flat`. */
#include <sys/mman.h>
#include <unistd.h>

#include "as.h"
#include "boot.h"
#include "fuzz.h"

#define BASE 0x70000000u
#define RAM (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct as *as;
	struct kernel_loaded loaded = { 0 };
	struct boot_ram ram = { .base = BASE, .size = RAM };
	struct err e = { 0 };

	if (!as) {
		as = as_new(&e);
		if (!as || !as_ram(as, "ram", BASE, RAM, &e))
			abort();
	}
	if (!size)
		return 0;
	int fd = memfd_create("kernel", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		abort();
	ram.as = as;
	if (kernel_load(&ram, fd, size - 1, data[0] & 1, &loaded, &e) == 0) {
		fuzz_require(loaded.start >= BASE && loaded.end <= BASE + RAM &&
			     loaded.start <= loaded.end,
			     "the image lies in RAM");
		fuzz_require(loaded.entry >= loaded.start &&
			     loaded.entry < loaded.end,
			     "the entry point lies in the image");
	} else {
		fuzz_require(e.msg[0] != 0, "a refusal says why");
	}
	close(fd);
	return 0;
}
