/* macosvm bundles: what is understood, and the code of each finding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle.h"

static char dir[] = "/tmp/pome-bundle-XXXXXX";
static struct config c;
static struct bundle b;
static struct err e;

static void put(const char *name, const void *data, size_t len, size_t size)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fwrite(data, 1, len, f);
	fclose(f);
	assert_int_equal(truncate(path, (off_t)size), 0);
}

static int read_path(const char *name)
{
	char path[128];

	bundle_fini(&b);
	config_fini(&c);
	snprintf(path, sizeof(path), "%s%s%s", dir, *name ? "/" : "", name);
	return bundle_read(&b, path, &c, &e);
}

static void json(const char *text)
{
	put("vm.json", text, strlen(text), strlen(text));
	assert_int_equal(read_path(""), 0);
	/* "json": too broken to tell more */
	assert_true(!strcmp(b.format, "macosvm") ||
		    (!strcmp(b.format, "json") &&
		     bundle_verdict(&b) == VERDICT_MALFORMED));
}

static const struct note *find(enum note_level level, const char *code)
{
	for (int i = 0; i < b.nnotes; i++)
		if (b.note[i].level == level && !strcmp(b.note[i].code, code))
			return &b.note[i];
	return NULL;
}

#define HAS(level, code) do { \
	if (!find(level, code)) \
		fail_msg("no %s; first: %s", code, b.nnotes ? \
			 b.note[0].text : "(none)"); \
} while (0)

#define LINUX "\"os\":\"linux\",\"cpus\":2,\"ram\":1073741824," \
	"\"bootInfo\":{\"kernel\":\"Image\",\"parameters\":\"%s\"}"

static void linux_vm(const char *params, const char *rest)
{
	char text[1024];

	snprintf(text, sizeof(text), "{" LINUX "%s%s}", params,
		 *rest ? "," : "", rest);
	json(text);
}

static void good(void **state)
{
	linux_vm("console=hvc0 root=/dev/vda",
		 "\"storage\":[{\"type\":\"disk\",\"file\":\"root.img\"},"
		 "{\"type\":\"initrd\",\"file\":\"initrd.img\"},"
		 "{\"type\":\"usb\",\"url\":\"file:./a%20b.iso\","
		 "\"readOnly\":1}],"
		 "\"networks\":[{\"type\":\"nat\","
		 "\"mac\":\"02:5A:1c:00:10:01\"}],\"serial\":true");
	assert_int_equal(bundle_verdict(&b), VERDICT_OK);
	assert_string_equal(b.guest, "linux");
	assert_int_equal(c.cpus, 2);
	assert_int_equal(c.ram, 1 << 30);
	assert_non_null(strstr(c.kernel.path, "/Image"));
	assert_non_null(strstr(c.initrd.path, "/initrd.img"));
	assert_string_equal(c.append, "console=hvc0 root=/dev/vda");
	assert_int_equal(c.ndisks, 2);
	assert_int_equal(c.disk[0].role, CFG_ROLE_ROOT);
	assert_true(c.disk[0].from_bundle && !c.disk[0].readonly);
	assert_true(c.disk[1].readonly);
	assert_int_equal(c.net[0].kind, CFG_NET_USER);
	assert_int_equal(c.net[0].mac[1], 0x5a);
	assert_int_equal(c.console.where, CFG_TTY_STDIO);
	assert_int_equal(c.serial.where, CFG_TTY_NULL);
}

static void consoles(void **state)
{
	linux_vm("console=hvc0 console=ttyAMA0", "");
	assert_int_equal(c.serial.where, CFG_TTY_STDIO);
	assert_int_equal(c.console.where, CFG_TTY_NONE);
	assert_int_equal(c.net[0].kind, CFG_NET_USER);     /* the default */
	linux_vm("console=ttyS0", "");
	HAS(NOTE_WARN, "console-name");
	linux_vm("console=ttyAMA0", "\"serial\":false,\"networks\":[]");
	assert_int_equal(c.serial.where, CFG_TTY_NULL);
	assert_int_equal(c.nnets, 0);
}

static void bad_json(void **state)
{
	char deep[400];

	json("{\n \"os\": \"linux\",\n \"cpus\": 4,\n}\n");
	HAS(NOTE_ERROR, "bad-json");
	assert_non_null(strstr(b.note[0].text, "line 4, column 1"));
	json("[{\"os\":\"linux\"}]");
	HAS(NOTE_ERROR, "wrong-type");
	memset(deep, '[', 399);
	deep[399] = 0;
	json(deep);
	HAS(NOTE_ERROR, "bad-json");
	json("\xef\xbb\xbf{\"os\":\"linux\",\"cpus\":1,\"cpus\":3,"
	     "\"ram\":1e9,\"bootInfo\":{\"kernel\":\"Image\"}}");
	HAS(NOTE_WARN, "duplicate-key");
	assert_int_equal(c.cpus, 3);
	assert_int_equal(c.ram, 1000000000 / 1048576 * 1048576ull);
}

static void values(void **state)
{
	static const struct { const char *text, *code; } bad[] = {
		{ "\"os\":\"windows\",\"cpus\":1,\"ram\":99999999",
		  "bad-enum" },
		{ "\"os\":\"linux\",\"ram\":99999999", "missing-key" },
		{ "\"os\":\"linux\",\"cpus\":1", "missing-key" },
		{ "\"os\":\"linux\",\"cpus\":1,\"ram\":\"4g\"",
		  "wrong-type" },
		{ "\"os\":\"linux\",\"cpus\":1.5,\"ram\":99999999",
		  "wrong-type" },
		{ "\"os\":\"linux\",\"cpus\":0,\"ram\":99999999",
		  "bad-value" },
		{ "\"os\":\"linux\",\"cpus\":1,\"ram\":4096", "bad-value" },
		{ "\"os\":\"linux\",\"cpus\":1,\"ram\":-1", "bad-value" },
		{ "\"os\":5,\"cpus\":1,\"ram\":99999999", "wrong-type" },
		{ "\"os\":\"linux\",\"cpus\":1,\"ram\":99999999",
		  "missing-key" },
		{ "\"os\":\"linux\",\"cpus\":1,\"ram\":99999999,"
		  "\"bootInfo\":{}", "no-boot-source" },
		{ "\"os\":\"linux\",\"cpus\":1,\"ram\":99999999,"
		  "\"bootInfo\":{\"kernel\":\"Imgae\"}", "file-missing" },
	};
	char text[300];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{%s}", bad[i].text);
		json(text);
		HAS(NOTE_ERROR, bad[i].code);
		assert_int_equal(bundle_verdict(&b), VERDICT_MALFORMED);
	}
	assert_non_null(strstr(find(NOTE_ERROR, "file-missing")->text,
			       "did it mean Image"));
}

static void lists(void **state)
{
	static const struct { const char *text, *code; } bad[] = {
		{ "\"storage\":{}", "wrong-type" },
		{ "\"storage\":[3]", "wrong-type" },
		{ "\"storage\":[{\"type\":\"floppy\",\"file\":\"root.img\"}]",
		  "bad-enum" },
		{ "\"storage\":[{\"file\":\"root.img\"}]", "missing-key" },
		{ "\"storage\":[{\"type\":\"disk\"}]", "missing-key" },
		{ "\"storage\":[{\"type\":\"disk\",\"file\":\"\"}]",
		  "bad-value" },
		{ "\"storage\":[{\"type\":\"disk\",\"file\":\"no\"}]",
		  "file-missing" },
		{ "\"storage\":[{\"type\":\"disk\",\"url\":\"http://x/y\"}]",
		  "bad-value" },
		{ "\"storage\":[{\"type\":\"disk\",\"url\":\"file://host/y\"}]",
		  "bad-value" },
		{ "\"storage\":[{\"type\":\"disk\",\"url\":\"file:a%00b\"}]",
		  "bad-value" },
		{ "\"networks\":[{\"type\":\"nat\",\"mac\":\"01:0:0\"}]",
		  "bad-value" },
		{ "\"networks\":[{\"type\":\"wifi\"}]", "bad-enum" },
		{ "\"networks\":[{\"type\":\"unix\",\"mtu\":576}]",
		  "bad-value" },
		{ "\"networks\":[{\"type\":\"unix\",\"mtu\":\"576\"}]",
		  "bad-value" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		linux_vm("x", bad[i].text);
		HAS(NOTE_ERROR, bad[i].code);
	}
	linux_vm("x", "\"networks\":[{\"type\":\"bridge\"}]");
	HAS(NOTE_WARN, "net-bridged");
	assert_int_equal(c.net[0].kind, CFG_NET_USER);
	linux_vm("x", "\"audio\":true,\"shares\":[{\"path\":\"a\"}],"
		 "\"displays\":[{},{}]");
	HAS(NOTE_NOTE, "audio-absent");
	HAS(NOTE_WARN, "share-location");
	HAS(NOTE_WARN, "display-extra");
	linux_vm("x", "\"serial\":\"yes\"");
	HAS(NOTE_WARN, "wrong-type");
	assert_int_equal(bundle_verdict(&b), VERDICT_WARN);
}

/* Names that leave the bundle; a FIFO in place of a disk. */
static void escapes(void **state)
{
	char path[128], link_path[128];

	linux_vm("x", "\"storage\":[{\"type\":\"disk\","
		 "\"file\":\"/etc/passwd\"}]");
	HAS(NOTE_WARN, "path-escape");
	snprintf(link_path, sizeof(link_path), "%s/link.img", dir);
	assert_int_equal(symlink("/etc/passwd", link_path), 0);
	linux_vm("x", "\"storage\":[{\"type\":\"disk\","
		 "\"file\":\"link.img\"}]");
	HAS(NOTE_WARN, "path-escape");
	linux_vm("x", "\"storage\":[{\"type\":\"disk\","
		 "\"file\":\"../\\u001b[31m\"}]");
	HAS(NOTE_WARN, "path-escape");
	linux_vm("x", "\"storage\":[{\"type\":\"disk\","
		 "\"file\":\"\\u001b[31m\"}]");
	HAS(NOTE_ERROR, "file-missing");
	for (int i = 0; i < b.nnotes; i++)
		assert_null(strchr(b.note[i].text, 0x1b));
	snprintf(path, sizeof(path), "%s/fifo.img", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	linux_vm("x", "\"storage\":[{\"type\":\"disk\","
		 "\"file\":\"fifo.img\"}]");
	HAS(NOTE_ERROR, "bad-value");
	assert_non_null(strstr(find(NOTE_ERROR, "bad-value")->text, "a FIFO"));
}

static void macos(void **state)
{
#define MAC "{\"cpus\":4,\"ram\":4294967296,"
#define AUX "\"storage\":[{\"type\":\"aux\",\"file\":\"aux.img\"}]}"
#define MACHINE "\"machineId\":\"YnBsaXN0MDDRAQJURUNJRBMATS+KYcB75QgLEAAAAAAA" \
	"AAEBAAAAAAAAAAMAAAAAAAAAAAAAAAAAAAAZ\","
	put("aux.img", "", 0, (32 << 20) + 16384);
	json(MAC MACHINE AUX);
	assert_int_equal(bundle_verdict(&b), VERDICT_OK);
	HAS(NOTE_NOTE, "hardware-model-assumed");
	assert_true(c.firmware_builtin && c.id.has_ecid);
	assert_int_equal(c.id.ecid, 0x004d2f8a61c07be5);
	assert_int_equal(c.disk[0].role, CFG_ROLE_AUX);
	assert_int_equal(b.vm.aux_offset, 16384);
	json(MAC "\"hardwareModel\":\"YWJj\"," MACHINE AUX);
	HAS(NOTE_ERROR, "bad-identity");
	json(MAC MACHINE "\"storage\":[]}");
	HAS(NOTE_ERROR, "missing-key");
	assert_int_equal(bundle_verdict(&b), VERDICT_MALFORMED);
	json(MAC MACHINE "\"hardwareModel\":\"a!!!\"," AUX);
	HAS(NOTE_ERROR, "bad-base64");
	json(MAC AUX);                  /* no identity, and none in aux */
	HAS(NOTE_ERROR, "bad-identity");
	put("aux.img", "", 0, 4096);
	json(MAC MACHINE AUX);
	HAS(NOTE_ERROR, "bad-aux");
}

static void kernels(void **state)
{
	put("Image", "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0", 20, 64);
	linux_vm("x", "");
	HAS(NOTE_ERROR, "kernel-arch");
	put("Image", "\x1f\x8b\x08", 3, 4096);
	linux_vm("x", "");
	HAS(NOTE_NOTE, "kernel-unpacked");
	assert_int_equal(bundle_verdict(&b), VERDICT_OK);
}

static void detection(void **state)
{
	char path[128];

	linux_vm("x", "");
	assert_int_equal(read_path("vm.json"), 0);
	assert_string_equal(b.format, "macosvm");
	assert_int_equal(read_path("nothing"), -1);
	assert_int_equal(read_path("root.img"), 0);
	assert_string_equal(b.format, "disk");
	assert_int_equal(read_path("Image"), 0);
	assert_string_equal(b.format, "kernel");
	put("macosvm.json", "{}", 2, 2);
	assert_int_equal(read_path(""), -1);
	assert_non_null(strstr(e.msg, "several"));
	snprintf(path, sizeof(path), "%s/macosvm.json", dir);
	unlink(path);
	put("config.plist", "x", 1, 1);
	assert_int_equal(read_path(""), 0);
	assert_string_equal(b.format, "utm");
	HAS(NOTE_ERROR, "bad-plist");
	assert_int_equal(bundle_verdict(&b), VERDICT_MALFORMED);
	assert_int_equal(read_path("config.plist"), 0);
	assert_string_equal(b.format, "utm");
	snprintf(path, sizeof(path), "%s/config.plist", dir);
	unlink(path);
	put("vm.json", "{", 1, (4 << 20) + 1);
	assert_int_equal(read_path("vm.json"), -1);
	assert_non_null(strstr(e.msg, "4194305 bytes"));
	assert_non_null(strstr(e.msg, "4 MiB"));
	/* no less when the directory is named */
	assert_int_equal(read_path(""), -1);
	assert_non_null(strstr(e.msg, "vm.json: 4194305 bytes"));
	snprintf(path, sizeof(path), "%s/vm.json", dir);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(read_path(""), -1);
	assert_non_null(strstr(e.msg, "vm.json: a directory"));
	rmdir(path);
}

static void merging(void **state)
{
	char *argv[] = { (char *)"run", (char *)"-m512", (char *)"-dx.img",
			 (char *)"-nnone", (char *)"--serial=stdio" };
	struct config over;

	linux_vm("console=hvc0", "\"storage\":[{\"type\":\"disk\","
		 "\"file\":\"root.img\"}]");
	config_init(&over);
	assert_int_equal(config_parse(&over, 5, argv, &e), 0);
	config_merge(&c, &over);
	config_defaults(&over);
	assert_int_equal(config_check(&over, &e), 0);
	assert_int_equal(over.ram, 512 << 20);
	assert_int_equal(over.cpus, 2);
	assert_int_equal(over.ndisks, 2);
	assert_non_null(strstr(over.disk[0].path, "root.img"));
	assert_string_equal(over.disk[1].path, "x.img");
	assert_int_equal(over.nnets, 0);
	assert_int_equal(over.serial.where, CFG_TTY_STDIO);
	assert_int_not_equal(over.console.where, CFG_TTY_STDIO);
	assert_string_equal(over.append, "console=hvc0");
	config_fini(&over);
	/* --append moves the terminal to the console that it names */
	linux_vm("console=hvc0", "");
	argv[1] = (char *)"-aconsole=hvc0 console=ttyAMA0";
	assert_int_equal(config_parse(&over, 2, argv, &e), 0);
	config_merge(&c, &over);
	config_defaults(&over);
	assert_int_equal(over.serial.where, CFG_TTY_STDIO);
	assert_int_not_equal(over.console.where, CFG_TTY_STDIO);
	config_fini(&over);
}

static int setup(void **state)
{
	uint8_t h[64] = { 0 };

	config_init(&c);
	bundle_init(&b);
	if (!mkdtemp(dir))
		return -1;
	h[24] = 0xa;
	memcpy(h + 56, "ARMd", 4);
	put("Image", h, sizeof(h), 1 << 20);
	put("root.img", "", 0, 1 << 20);
	put("initrd.img", "070701", 6, 4096);
	put("a b.iso", "", 0, 1 << 20);
	return 0;
}

static int clean(void **state)
{
	char cmd[80];

	bundle_fini(&b);
	config_fini(&c);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(consoles),
		cmocka_unit_test(bad_json), cmocka_unit_test(values),
		cmocka_unit_test(lists), cmocka_unit_test(escapes),
		cmocka_unit_test(macos), cmocka_unit_test(merging),
		cmocka_unit_test(kernels), cmocka_unit_test(detection),
	};

	return cmocka_run_group_tests(tests, setup, clean);
}
