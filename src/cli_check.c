/* pome check: what this host offers, and what is missing for what. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "accel.h"
#include "accel_pick.h"
#include "cli.h"
#include "pome.h"
#include "sandbox.h"

struct report {
	json_t *list;                   /* NULL: for a person */
};

static void line(struct report *r, const char *what, bool ok,
		 const char *text)
{
	json_t *o;

	if (!r->list) {
		printf("%-10s %-4s %s\n", what, ok ? "yes" : "no", text);
		return;
	}
	o = json_object();
	json_object_set_new(o, "name", json_string(what));
	json_object_set_new(o, "ok", json_boolean(ok));
	json_object_set_new(o, "text", json_string(text));
	json_array_append_new(r->list, o);
}

static bool check_accels(struct report *r)
{
	bool any = false, kvm = false;

	for (int i = 0; accel_list[i]; i++) {
		struct err e;
		bool ok = !accel_list[i]->probe(&e);

		kvm |= !strcmp(accel_list[i]->name, "kvm");
		any |= ok;
		line(r, accel_list[i]->name, ok, ok ? "usable" : e.msg);
	}
	if (!kvm)
		line(r, "kvm", false, "needs an aarch64 host; guests run on "
		     "the interpreter");
	return any;
}

static void check_sandbox(struct report *r)
{
	struct err e;
	bool ok = !sandbox_probe(&e);
	int abi = sandbox_landlock();
	char text[64];

	line(r, "sandbox", ok, ok ? "no_new_privs and seccomp" : e.msg);
	snprintf(text, sizeof(text), "version %d", abi);
	line(r, "landlock", abi > 0, abi > 0 ? text :
	     "not in this kernel; the sandbox does without");
}

static void check_tap(struct report *r)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	char text[128];

	if (fd < 0)
		snprintf(text, sizeof(text), "/dev/net/tun: %s; --net tap does "
			 "not work, --net user does", strerror(errno));
	line(r, "tap", fd >= 0, fd >= 0 ? "/dev/net/tun opens" : text);
	if (fd >= 0)
		close(fd);
}

static void check_memory(struct report *r)
{
	long page = sysconf(_SC_PAGESIZE);
	long long pages = sysconf(_SC_AVPHYS_PAGES);
	char text[96];

	snprintf(text, sizeof(text), "%lld MiB free, pages of %ld KiB, %ld "
		 "CPUs", pages * (page >> 10) >> 10, page >> 10,
		 sysconf(_SC_NPROCESSORS_ONLN));
	line(r, "memory", pages * page > 256ll << 20, text);
}

void cli_check(int argc, char **argv, struct result *res)
{
	struct report r = { NULL };
	struct utsname u;
	char text[256];
	bool ok;

	res->what = OUT_USAGE;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json") && !r.list) {
			r.list = json_array();
		} else if (!strcmp(argv[i], "--help") ||
			   !strcmp(argv[i], "-h")) {
			cli_print_help("check");
			res->what = OUT_OK;
			return;
		} else if (strcmp(argv[i], "--json")) {
			err_set(&res->err, 0, "check: %s: unknown option (known: "
				"--json)", argv[i]);
			return;
		}
	}
	uname(&u);
	snprintf(text, sizeof(text), "%.60s %.60s on %.60s", u.sysname,
		 u.release, u.machine);
	line(&r, "host", true, text);
	ok = check_accels(&r);
	check_sandbox(&r);
	check_tap(&r);
	check_memory(&r);
	if (r.list) {
		json_t *o = json_object();

		json_object_set_new(o, "version", json_string(POME_VERSION));
		json_object_set_new(o, "checks", r.list);
		json_dumpf(o, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(o);
	}
	res->what = ok ? OUT_OK : OUT_REFUSED;
}
