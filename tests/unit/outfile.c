/* Output files: only a machine that starts changes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outfile.h"

static char dir[] = "/tmp/pome-outfile-XXXXXX";
static char path[64], other[64];
static struct outfiles out;

static int setup(void **state)
{
	FILE *f;

	snprintf(path, sizeof(path), "%s/a", dir);
	snprintf(other, sizeof(other), "%s/b", dir);
	f = fopen(path, "w");
	return !f || fputs("old", f) < 0 || fclose(f);
}

static int teardown(void **state)
{
	unlink(path);
	unlink(other);
	return 0;
}

static off_t size(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : st.st_size;
}

static void test_start(void **state)
{
	int a = outfile_open(&out, path), b = outfile_open(&out, other);

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(size(path), 3);
	outfiles_start(&out);
	assert_int_equal(size(path), 0);
	assert_int_equal(write(b, "new", 3), 3);
	outfiles_end(&out);
	assert_int_equal(size(path), 0);
	assert_int_equal(size(other), 3);
	close(a);
	close(b);
}

static void test_no_start(void **state)
{
	/* the second time it was there already, but it is new all the same */
	int a = outfile_open(&out, path), b = outfile_open(&out, other),
	    c = outfile_open(&out, other);

	assert_true(a >= 0 && b >= 0 && c >= 0);
	outfiles_end(&out);
	assert_int_equal(size(path), 3);
	assert_int_equal(size(other), -1);
	close(a);
	close(b);
	close(c);
}

/* Its name is another file's now. */
static void test_replaced(void **state)
{
	int b = outfile_open(&out, other);

	assert_int_equal(rename(path, other), 0);
	outfiles_end(&out);
	assert_int_equal(size(other), 3);
	close(b);
}

static void test_refused(void **state)
{
	int fd[OUTFILES];

	assert_int_equal(outfile_open(&out, "/nonexistent/x"), -1);
	assert_int_equal(errno, ENOENT);
	mkfifo(other, 0600);
	assert_int_equal(outfile_open(&out, other), -1);
	assert_int_equal(errno, ENXIO);
	for (int i = 0; i < OUTFILES; i++)
		fd[i] = outfile_open(&out, path);
	assert_true(fd[OUTFILES - 1] >= 0);
	assert_int_equal(outfile_open(&out, path), -1);
	outfiles_end(&out);
	for (int i = 0; i < OUTFILES; i++)
		close(fd[i]);
}

int main(void)
{
#define T(n) cmocka_unit_test_setup_teardown(test_##n, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(start), T(no_start), T(replaced), T(refused),
	};
	int r;

	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return r;
}
