/* A Linux bundle in macosvm's form: one vm.json beside copies of a kernel, an
 * initial RAM disk and disks. create.h. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot.h"
#include "bundle.h"
#include "create.h"
#include "disk_sniff.h"

static ssize_t read_head(const char *path, const char *what, uint8_t *head,
			 size_t len, uint64_t *size, struct err *e)
{
	int fd = config_open_file(path, O_RDONLY, false, what, size, e);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, len, 0);

	if (fd >= 0 && n < 0)
		err_set(e, errno, "%s: read", path);
	if (fd >= 0)
		close(fd);
	return n;
}

int create_check_kernel(const char *path, struct err *e)
{
	uint8_t *head = malloc(KERNEL_HEAD);
	struct kernel_sniff k = { .kind = KERNEL_REFUSE };
	uint64_t size = 0;
	ssize_t n = head ? read_head(path, "a kernel image", head, KERNEL_HEAD,
				     &size, e) : err_set(e, 0, "out of memory");

	if (n >= 0) {
		kernel_sniff(head, (size_t)n, size, &k);
		if (k.kind == KERNEL_REFUSE)
			err_set(e, 0, "%s: %s", path, k.text);
	}
	free(head);
	return k.kind == KERNEL_REFUSE ? -1 : 0;
}

int create_check_initrd(const char *path, struct err *e)
{
	uint8_t head[512];
	uint64_t size;
	const char *what;
	ssize_t n = read_head(path, "an initial RAM disk", head, sizeof(head),
			      &size, e);

	if (n < 0)
		return -1;
	what = initrd_suspect(head, (size_t)n);
	return what ? err_set(e, 0, "%s: %s; expected an initial RAM disk",
			      path, what) : 0;
}

/* The name that a disk has in the bundle: disk.img, disk1.img and so on; its
 * ending states the format. */
static int disk_name(const char *path, int i, char name[24], struct err *e)
{
	uint8_t *head = malloc(DISK_HEAD);
	struct disk_sniff s = { 0 };
	uint64_t size = 0;
	ssize_t n = head ? read_head(path, "a disk image", head, DISK_HEAD,
				     &size, e) : err_set(e, 0, "out of memory");

	if (n >= 0) {
		disk_sniff(head, (size_t)n, NULL, size, false, &s);
		if (!s.format)
			err_set(e, 0, "%s: %s", path, s.text);
	}
	free(head);
	if (!s.format)
		return -1;
	snprintf(name, 24, "disk%.0d.%s", i, !strcmp(s.format, "qcow2") ?
		 "qcow2" : "img");
	return 0;
}

/* ---- vm.json ----------------------------------------------------------------- */

static void add_file(json_t *storage, const char *type, const char *name)
{
	json_array_append_new(storage, json_pack("{s:s, s:s}", "type", type,
						 "file", name));
}

int create_json(struct made *m, const char *kernel, const char *initrd,
		const char *append, const char *const *disks, int n,
		struct err *e)
{
	const struct create *c = m->c;
	json_t *storage = json_array(), *o;
	char *text;
	int fd, r = -1;

	for (int i = 0; i < n; i++)
		add_file(storage, "disk", disks[i]);
	if (initrd)
		add_file(storage, "initrd", initrd);
	o = json_pack("{s:i, s:s, s:i, s:I, s:{s:s, s:s}, s:o, s:[{s:s}]}",
		      "version", 1, "os", "linux", "cpus", (int)c->cpus,
		      "ram", (json_int_t)c->ram, "bootInfo", "kernel", kernel,
		      "parameters", append, "storage", storage, "networks",
		      "type", "nat");
	text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	json_decref(o);
	if (!text)
		return err_set(e, 0, "create: --append: not in UTF-8, which "
			       "vm.json is");
	fd = made_file(m, "vm.json", 0, e);
	if (fd >= 0) {
		r = made_write(fd, "vm.json", text, strlen(text), 0, e);
		if (!r)
			r = made_write(fd, "vm.json", "\n", 1, strlen(text),
				       e);
		if (close(fd) && !r)
			r = err_set(e, errno, "create: vm.json");
	}
	free(text);
	return r;
}

/* ---- the bundle -------------------------------------------------------------- */

static int add_disks(struct create *c, struct made *m, char names[][24],
		     struct err *e)
{
	int fd;

	for (int i = 0; i < c->ndisks; i++)
		if (disk_name(c->disk[i], i, names[i], e) ||
		    made_copy(m, c->disk[i], names[i], i ? 0 : c->disk_size,
			      e))
			return -1;
	if (c->ndisks || !c->disk_size)
		return 0;
	strcpy(names[0], "disk.img");
	fd = made_file(m, names[0], c->disk_size, e);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int create_linux(struct create *c, struct made *m, struct err *e)
{
	char names[CFG_MAX_DISKS][24] = { "" };
	const char *disks[CFG_MAX_DISKS];
	int n = c->ndisks ? c->ndisks : c->disk_size ? 1 : 0;

	if (made_copy(m, c->kernel, "vmlinuz", 0, e) ||
	    (c->initrd && made_copy(m, c->initrd, "initrd.img", 0, e)) ||
	    add_disks(c, m, names, e))
		return -1;
	for (int i = 0; i < n; i++)
		disks[i] = names[i];
	return create_json(m, "vmlinuz", c->initrd ? "initrd.img" : NULL,
			   c->append ? c->append : n && !c->initrd ?
			   "console=ttyAMA0 root=/dev/vda" :
			   "console=ttyAMA0", disks, n, e);
}
