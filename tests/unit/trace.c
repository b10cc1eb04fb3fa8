/* --trace: the option, what lines say, filters, the limit, and that the limit
 * holds for several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake.h"
#include "outfile.h"
#include "trace.h"

static char path[] = "/tmp/pome-trace-XXXXXX";
static struct loop *loop;

static int setup(void **state)
{
	struct err e;
	int fd;

	strcpy(path, "/tmp/pome-trace-XXXXXX");
	fd = mkstemp(path);
	loop = loop_new_manual(&e);
	close(fd);
	return fd < 0 || !loop;
}

static int teardown(void **state)
{
	unlink(path);
	loop_free(loop);
	return 0;
}

static int parse(struct cfg_trace *c, const char *text)
{
	char copy[200];
	struct err e;

	snprintf(copy, sizeof(copy), "%s", text);
	return trace_parse(c, copy, &e);
}

static void test_option(void **state)
{
	static const char *const bad[] = {
		"", "file:x", "nothing", "exceptions,", "insns=", "insns=1",
		"insns=1-", "insns=2-1", "insns=1-2x", "mmio=",
		"mmio=a-name-of-more-than-twenty-three", "irqs=1", "limit=1M",
		"irqs,limit=", "irqs,limit=0", "irqs,limit=x", "file:,irqs",
	};
	struct cfg_trace c = { 0 };

	assert_int_equal(parse(&c, "exceptions,irqs"), 0);
	assert_int_equal(c.what, TRACE_EXCEPTIONS | TRACE_IRQS);
	assert_null(c.path);
	assert_int_equal(parse(&c, "all,insns=0x10-0x20,mmio=uart0,"
				   "file:/tmp/x,limit=2M"), 0);
	assert_int_equal(c.what, 31);
	assert_int_equal(c.first, 16);
	assert_int_equal(c.last, 32);
	assert_int_equal(c.limit, 2 << 20);
	assert_string_equal(c.device, "uart0");
	assert_string_equal(c.path, "/tmp/x");
	assert_int_equal(parse(&c, "help"), 0);
	assert_true(c.help && !c.path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!parse(&c, bad[i]))
			fail_msg("'%s' is taken", bad[i]);
	free(c.path);
}

static char *slurp(void)
{
	static char text[8192];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	return text;
}

static struct trace *begin(const char *what, uint64_t limit)
{
	struct cfg_trace c = { 0 };
	struct outfiles out = { .n = 0 };
	struct trace *t;
	struct err e;

	assert_int_equal(parse(&c, what), 0);
	c.path = path;
	c.limit = limit;
	t = trace_open(&c, loop, &out, &e);
	outfiles_start(&out);
	assert_non_null(t);
	return t;
}

static const struct reg regs[] = {
	{ 0x00, "DR", 4, 0, 0, 0 }, { 0x18, "FR", 2, 0, 0, 0 },
	{ 0, NULL, 0, 0, 0, 0 },
};
static const struct device_ops ops = { .name = "test", .regs = regs };

static void test_lines(void **state)
{
	const struct device dev = { .ops = &ops, .id = "dev0" },
		other = { .ops = &ops, .id = "dev1" };
	struct access a = { .off = 0x18, .val = 0x90, .size = 2, .cpu = 3 };
	const uint64_t arg[4] = { 0x84000003, 1, 2, 3 };
	struct trace *t = begin("all,mmio=dev0,insns=0x100-0x1ff", 1 << 20);

	assert_int_equal(trace_what(t), 31);
	assert_int_equal(trace_what(NULL), 0);
	loop_advance(loop, 1500000000);
	trace_exception(t, 1, 0x96000045, 1, 0x1000, 0xffff);
	trace_exception(t, 1, 0x56000000, 0, 0x1004, 0xffff);
	trace_irq(t, 0, false, 0, 0x2000);
	trace_irq(t, 0, true, 1, 0x2000);
	trace_hvc(t, 0, arg, (uint64_t)-1);
	trace_mmio(t, &dev, &a, false, "");
	a.off = 1;
	a.size = 1;
	trace_mmio(t, &dev, &a, true, "");
	a.off = 0x30;
	trace_mmio(t, &dev, &a, true, "no register there");
	a.win = 1;
	trace_mmio(t, &dev, &a, true, "");
	trace_mmio(t, &other, &a, true, "");
	trace_insn(t, 0, 0xfc, 0, "NOP");
	trace_insn(t, 0, 0x100, 0xd503201f, "HINT");
	trace_insn(t, 0, 0x1fc, 0, NULL);
	trace_insn(t, 0, 0x200, 0, "NOP");
	trace_close(t);
	assert_string_equal(slurp(),
		"1.500000 cpu1 data-abort esr 0x96000045 far 0xffff elr 0x1000 "
		"el1\n"
		"1.500000 cpu1 svc esr 0x56000000 elr 0x1004 el0\n"
		"1.500000 cpu0 irq elr 0x2000 el0\n"
		"1.500000 cpu0 fiq elr 0x2000 el1\n"
		"1.500000 cpu0 hvc 0x84000003 (0x1, 0x2, 0x3) = "
		"0xffffffffffffffff\n"
		"1.500000 cpu3 dev0 FR ->16 0x90\n"
		"1.500000 cpu3 dev0 DR+1 <-8 0x90\n"
		"1.500000 cpu3 dev0 0x30 <-8 0x90 no register there\n"
		"1.500000 cpu3 dev0 1:0x30 <-8 0x90\n"
		"1.500000 cpu0 0x100 d503201f HINT\n"
		"1.500000 cpu0 0x1fc 00000000 undefined\n");
}

static void *many(void *arg)
{
	for (unsigned i = 0; i < 1000; i++)
		trace_irq(arg, 0, false, 0, 0);
	return NULL;
}

static void test_limit(void **state)
{
	static const char last[] = "trace: the limit is reached\n";
	struct trace *t = begin("irqs", 2000);
	pthread_t th[4];
	char *text;
	size_t n;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&th[i], NULL, many, t), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	trace_close(t);
	text = slurp();
	n = strlen(text);
	assert_in_range(n, 1950, 2000 + sizeof(last));
	assert_string_equal(text + n - strlen(last), last);
	for (char *p = text; p < text + n - strlen(last);
	     p = strchr(p, '\n') + 1)
		assert_memory_equal(p, "0.000000 cpu0 irq elr 0x0 el0\n", 30);
}

static void test_refused(void **state)
{
	struct cfg_trace c = { .what = 1, .path = "/nonexistent/x",
			       .limit = 1 };
	struct outfiles out = { .n = 0 };
	struct err e;

	assert_null(trace_open(&c, loop, &out, &e));
	assert_non_null(strstr(e.msg, "/nonexistent/x"));
	trace_close(NULL);
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(option), T(lines), T(limit), T(refused),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
