/* inspect_disk.c: a disk image by itself: its format, its shape, and whether
 * --disk takes it. Only what the image says is told; nothing is changed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend.h"
#include "config.h"
#include "disk_sniff.h"
#include "inspect.h"

static void set_int(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

static void set_problem(json_t *o, const char *code, const char *text)
{
	json_object_set_new(o, "code", json_string(code));
	json_object_set_new(o, "problem", json_string(text));
}

/* The name at the beginning of a message is the one the user typed. */
static const char *without(const char *path, const char *text)
{
	size_t n = strlen(path);

	return !strncmp(text, path, n) && !strncmp(text + n, ": ", 2) ?
	       text + n + 2 : text;
}

static void look_qcow2(json_t *o, int fd, const char *path)
{
	struct blk_qcow2_info i;
	struct err e;
	bool bad = blk_qcow2_inspect(fd, path, false, &i, &e) != 0;
	json_t *names = json_array();

	json_object_set_new(o, "format", json_string("qcow2"));
	set_int(o, "size", i.size);
	set_int(o, "version", i.version);
	set_int(o, "cluster", i.cluster);
	set_int(o, "refcount_bits", i.refcount_bits);
	json_object_set_new(o, "compression", json_string(i.zstd ? "zstd" :
							  "zlib"));
	json_object_set_new(o, "dirty", json_boolean(i.dirty));
	if (*i.backing)
		json_object_set_new(o, "backing", json_string(i.backing));
	if (*i.backing_format)
		json_object_set_new(o, "backing_format",
				    json_string(i.backing_format));
	set_int(o, "snapshots", i.snapshots);
	for (unsigned k = 0; k < i.nnames; k++)
		json_array_append_new(names, json_string(i.name[k]));
	json_object_set_new(o, "snapshot_names", names);
	if (bad)
		set_problem(o, i.code ? i.code : "disk-corrupt",
			    without(path, e.msg));
}

json_t *inspect_disk(const char *path)
{
	uint8_t *head = malloc(DISK_HEAD), tail[512];
	struct disk_sniff s;
	uint64_t size = 0;
	struct stat st;
	struct err e;
	bool has_tail;
	json_t *o;
	ssize_t n;
	int fd = head ? config_open_file(path, O_RDONLY, true, "a disk image",
					 &size, &e) : -1;

	n = fd >= 0 ? pread(fd, head, DISK_HEAD, 0) : -1;
	if (n < 0) {
		if (fd >= 0)
			close(fd);
		free(head);
		return NULL;
	}
	o = json_object();
	has_tail = size >= 512 &&
		   pread(fd, tail, 512, (off_t)(size - 512)) == 512;
	disk_sniff(head, (size_t)n, has_tail ? tail : NULL, size, true, &s);
	if (n >= 4 && !memcmp(head, "QFI\xfb", 4)) {
		look_qcow2(o, fd, path);
	} else {
		json_object_set_new(o, "format", json_string(s.format ?
							     s.format : "?"));
		set_int(o, "size", s.virtual_size);
		if (!s.format)
			set_problem(o, s.code, s.text);
		else if (!strcmp(s.format, "asif"))
			set_problem(o, "disk-format", "an ASIF image; convert "
				    "it on a Mac: diskutil image");
	}
	set_int(o, "file_size", size);
	if (!fstat(fd, &st))
		set_int(o, "file_used", (uint64_t)st.st_blocks * 512);
	close(fd);
	free(head);
	return o;
}

/* ---- for a person ------------------------------------------------------- */

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static unsigned long long number(const json_t *o, const char *key)
{
	return (unsigned long long)
	       json_integer_value(json_object_get(o, key));
}

static const char *human(uint64_t v, char buf[24])
{
	static const char unit[] = "KMGT";
	int u = -1;

	while (u < 3 && v >= 1024 && v % 1024 == 0) {
		v /= 1024;
		u++;
	}
	if (u < 0)
		snprintf(buf, 24, "%llu bytes", (unsigned long long)v);
	else
		snprintf(buf, 24, "%llu %ciB", (unsigned long long)v, unit[u]);
	return buf;
}

static void print_qcow2(const json_t *o)
{
	json_t *names = json_object_get(o, "snapshot_names"), *v;
	unsigned long long n = number(o, "snapshots");
	char buf[24];
	size_t i;

	printf("%-10s version %llu, clusters of %s, counts of %llu bits, "
	       "compression %s\n", "qcow2", number(o, "version"),
	       human(number(o, "cluster"), buf), number(o, "refcount_bits"),
	       text(o, "compression"));
	json_array_foreach(names, i, v)
		printf("%-10s %s\n", "snapshot", json_string_value(v));
	if (n > i)
		printf("%-10s %s%llu%s\n", "snapshots", i ? "and " : "", n - i,
		       i ? " more" : "");
	if (text(o, "backing"))
		printf("%-10s %s (%s)\n", "builds on", text(o, "backing"),
		       text(o, "backing_format") ? text(o, "backing_format") :
		       "no format stated");
	if (json_is_true(json_object_get(o, "dirty")))
		printf("%-10s was not closed properly; a run that may write "
		       "repairs its counts\n", "state");
}

void inspect_disk_print(const json_t *o)
{
	char buf[24];

	printf("%-10s %s, %s", "image", text(o, "format"),
	       human(number(o, "size"), buf));
	printf(", %llu KiB in use on this host\n",
	       number(o, "file_used") / 1024);
	if (json_object_get(o, "version"))
		print_qcow2(o);
	if (text(o, "problem"))
		printf("%-10s %s (%s)\n", "error", text(o, "problem"),
		       text(o, "code"));
}
