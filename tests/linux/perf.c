/* perf.c: what a guest's Linux makes of the performance monitors: counts of
 * itself by perf_event_open, user and kernel apart, samples by overflow,
 * several counters at once. Prints a line a check; the status is how many
 * failed. Static, for aarch64: run by tests/linux/perf.sh. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOOPS 3000000ull
#define SAMPLE 1000000ull

static int failed;

static void check(const char *name, int ok, uint64_t value)
{
	printf("%s %s: %llu\n", ok ? "ok" : "FAIL", name,
	       (unsigned long long)value);
	failed += !ok;
}

static int open_event(uint32_t type, uint64_t config, int user, int kernel,
		      uint64_t period)
{
	struct perf_event_attr a;

	memset(&a, 0, sizeof(a));
	a.size = sizeof(a);
	a.type = type;
	a.config = config;
	a.disabled = 1;
	a.exclude_user = !user;
	a.exclude_kernel = !kernel;
	a.exclude_hv = 1;
	a.sample_period = period;
	a.sample_type = PERF_SAMPLE_IP;
	a.wakeup_events = 1;
	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

/* Two instructions a turn. */
static void work(uint64_t n)
{
	__asm__ volatile("1:\tsubs %0, %0, #1\n\tb.ne 1b" : "+r"(n) : : "cc");
}

static uint64_t count(int fd, void (*fn)(void))
{
	uint64_t n = 0;

	ioctl(fd, PERF_EVENT_IOC_RESET, 0);
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	fn();
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	if (read(fd, &n, sizeof(n)) != sizeof(n))
		return 0;
	return n;
}

static void loop(void)
{
	work(LOOPS);
}

static void calls(void)
{
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
}

static void samples(void)
{
	int fd = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 1,
			    0, SAMPLE);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_mmap_page *p;
	uint64_t n = 0, in = 0, from = (uintptr_t)work;

	p = fd < 0 ? MAP_FAILED : mmap(NULL, 17 * page, PROT_READ | PROT_WRITE,
				       MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		check("samples", 0, (uint64_t)errno);
		return;
	}
	count(fd, loop);
	for (uint64_t at = p->data_tail; at < p->data_head;) {
		const char *r = (const char *)p + page + at % (16 * page);
		const struct perf_event_header *h =
			(const struct perf_event_header *)(const void *)r;
		uint64_t ip;

		if (h->type == PERF_RECORD_SAMPLE) {
			memcpy(&ip, r + sizeof(*h), 8);
			n++;
			in += ip - from < 4096;
		}
		at += h->size;
	}
	/* 2 LOOPS / SAMPLE overflows, all of them in the loop */
	check("samples", n >= 5 && n <= 7, n);
	check("samples in the loop", in >= n - 1, in);
	close(fd);
}

int main(void)
{
	int insn = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS,
			      1, 0, 0);
	int kernel = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS,
				0, 1, 0);
	int cycles = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES,
				1, 1, 0);
	int raw = open_event(PERF_TYPE_RAW, 0x1b, 1, 0, 0);
	uint64_t n;

	if (insn < 0 || kernel < 0 || cycles < 0 || raw < 0) {
		printf("FAIL perf_event_open: %s\n", strerror(errno));
		return 1;
	}
	n = count(insn, loop);
	check("instructions of a loop", n >= 2 * LOOPS &&
	      n < 2 * LOOPS + 1000, n);
	n = count(cycles, loop);
	check("cycles of a loop", n >= 2 * LOOPS && n < 20 * LOOPS, n);
	n = count(insn, calls);
	check("user's part of system calls", n > 3000 && n < 30000, n);
	n = count(kernel, calls);
	check("kernel's part of system calls", n > 50000, n);
	n = count(raw, loop);
	check("a raw event", n >= 2 * LOOPS && n < 2 * LOOPS + 1000, n);
	samples();
	printf("%d failed\n", failed);
	return failed;
}
