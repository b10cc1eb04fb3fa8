/* qcow2.c: whatever a qcow2 file holds, opening it and serving requests from it
 * ends in data or in a message, with at most 64 MiB of memory and in a second.
 *
 * The input: flags (1: read-only), the file's size beyond the input in 256 KiB,
 * eight requests of two bytes, then the file. */
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "fuzz.h"
#include "log.h"

#define MEMORY_MAX (64u << 20)
#define SECONDS_MAX 2.0                 /* the sanitizers take half of it */

int __sanitizer_install_malloc_and_free_hooks(
	void (*)(const volatile void *, size_t),
	void (*)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *);

static size_t live, peak;
static bool counting;

static void on_malloc(const volatile void *p, size_t n)
{
	if (!counting)
		return;
	live += n;
	peak = live > peak ? live : peak;
}

static void on_free(const volatile void *p)
{
	size_t n = p && counting ? __sanitizer_get_allocated_size(p) : 0;

	live -= n < live ? n : live;
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void request(struct blk *b, unsigned kind, unsigned place)
{
	static const enum blk_op ops[] = { BLK_READ, BLK_WRITE, BLK_ZERO,
					   BLK_DISCARD, BLK_FLUSH, BLK_READ,
					   BLK_WRITE, BLK_ZERO };
	static uint8_t buf[65536];
	struct iovec v = { buf, sizeof(buf) };
	struct blk_req r = {
		.op = ops[kind & 7], .iov = &v, .niov = 1,
		.unmap = kind & 8,
	};
	int no;

	/* near the beginning, near the end, or somewhere */
	r.off = kind & 16 ? (uint64_t)place * 512 : kind & 32 ?
		b->size - (uint64_t)(place + 1) * 512 :
		b->size / 256 * place / 512 * 512;
	r.len = kind & 64 ? 512 : sizeof(buf);
	if (r.off >= b->size)
		r.off = 0;
	if (r.len > b->size - r.off)
		r.len = b->size - r.off;
	v.iov_len = r.len;
	no = b->ops->run(b, &r);
	fuzz_require(no >= 0 && no < 4096, "an errno");
}

static void use(int fd, const uint8_t *data)
{
	struct blk_opt o = { .qcow2 = true, .readonly = data[0] & 1 };
	struct blk_qcow2_info info;
	uint8_t head[4096];
	ssize_t n = pread(fd, head, sizeof(head), 0);
	struct err e = { 0 };
	struct blk *b;

	if (blk_qcow2_head(head, n > 0 ? (size_t)n : 0, true, &info, &e))
		fuzz_require(e.msg[0] && info.code, "the head's refusal");
	if (blk_qcow2_inspect(fd, "image", false, &info, &e))
		fuzz_require(e.msg[0] != 0, "inspect says why");
	e.msg[0] = 0;
	b = blk_open(fd, "image", &o, NULL, &e);
	if (!b) {
		fuzz_require(e.msg[0] != 0, "a refusal says why");
		close(fd);
		return;
	}
	fuzz_require(b->size >= 512 && b->size % 512 == 0, "whole sectors");
	for (unsigned i = 0; i < 8; i++)
		request(b, data[2 + 2 * i], data[3 + 2 * i]);
	blk_close(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	double start;
	int fd;

	if (!ready)
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	ready = true;
	log_init(LOG_ERROR);
	if (size < 19)
		return 0;
	fd = memfd_create("qcow2", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 18, size - 18) != (ssize_t)(size - 18) ||
	    ftruncate(fd, (off_t)(size - 18 + data[1] * 262144ull)))
		abort();
	live = peak = 0;
	counting = true;
	start = cpu_seconds();
	use(fd, data);
	counting = false;
	fuzz_require(peak <= MEMORY_MAX, "at most 64 MiB");
	fuzz_require(cpu_seconds() - start < SECONDS_MAX, "within a second");
	return 0;
}
