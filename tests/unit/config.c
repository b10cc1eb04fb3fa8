/* The command line: values, limits, messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "config.h"

static struct config c;
static struct err e;

/* Parses, applies defaults and checks; arguments end with NULL. */
static int run(const char *first, ...)
{
	char *argv[32] = { (char *)"run" };
	int argc = 1, r;
	va_list ap;

	va_start(ap, first);
	for (const char *a = first; a; a = va_arg(ap, const char *))
		argv[argc++] = (char *)a;
	va_end(ap);
	config_fini(&c);
	config_init(&c);
	e.msg[0] = 0;
	r = config_parse(&c, argc, argv, &e);
	if (r)
		return -2;
	config_defaults(&c);
	return config_check(&c, &e);
}

#define OK(...) assert_int_equal(run(__VA_ARGS__, NULL), 0)
#define BAD(text, ...) do { \
	assert_true(run(__VA_ARGS__, NULL) < 0); \
	if (!strstr(e.msg, text)) \
		fail_msg("'%s' lacks '%s'", e.msg, text); \
} while (0)

static void sizes(void **state)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "1", 1 << 20 }, { "512", 512 << 20 }, { "64K", 65536 },
		{ "2G", 2ull << 30 }, { "2g", 2ull << 30 },
		{ "3m", 3 << 20 }, { "1T", 1ull << 40 }, { "0", 0 },
	};
	static const char *const bad[] = { "", "G", "-1", "1Q", "1GB", " 1",
		"1 ", "0x10", "99999999999999999999", "18446744073709551615K",
		"8796093022208T", "1.5G" };
	uint64_t v;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(config_size(good[i].text, 1 << 20, &v), 0);
		assert_int_equal(v, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!config_size(bad[i], 1 << 20, &v))
			fail_msg("'%s' was taken", bad[i]);
}

static void helpers(void **state)
{
	uint64_t v;

	assert_true(size_add(UINT64_MAX, 1, &v));
	assert_true(size_mul(1ull << 40, 1ull << 40, &v));
	assert_true(size_round_up(UINT64_MAX - 5, 4096, &v));
	assert_false(size_round_up(4097, 4096, &v));
	assert_int_equal(v, 8192);
}

static void macs(void **state)
{
	uint8_t m[6];

	assert_int_equal(config_mac("02:5a:1C:00:10:ff", m), 0);
	assert_int_equal(m[2], 0x1c);
	assert_int_equal(m[5], 0xff);
	assert_int_equal(config_mac("02-5a-1c-00-10-01", m), 0);
	assert_int_equal(config_mac("01:5a:1c:00:10:01", m), -1);
	assert_int_equal(config_mac("00:00:00:00:00:00", m), -1);
	assert_int_equal(config_mac("02:5a:1c:00:10", m), -1);
	assert_int_equal(config_mac("02:5a:1c:00:10:0g", m), -1);
	assert_int_equal(config_mac("02:5a:1c:00:10:011", m), -1);
}

static void forms(void **state)
{
	OK("-k", "Image", "-m", "512", "-p4");
	assert_string_equal(c.kernel.path, "Image");
	assert_int_equal(c.ram, 512 << 20);
	assert_int_equal(c.cpus, 4);
	OK("--kernel=Image", "--memory=2G", "--", "-bundle");
	assert_string_equal(c.bundle, "-bundle");
	OK("-vk", "Image", "-v");
	assert_int_equal(c.verbose, 2);
	OK("-k", "a", "-k", "b", "-q");
	assert_string_equal(c.kernel.path, "b");
	assert_int_equal(c.verbose, -1);
	OK("-k", "with,,comma,format=flat");
	assert_string_equal(c.kernel.path, "with,comma");
	assert_true(c.kernel_flat);
}

static void defaults(void **state)
{
	OK("-k", "Image");
	assert_int_equal(c.ram, 1 << 30);
	assert_int_equal(c.cpus, 1);
	assert_string_equal(c.append, "console=ttyAMA0");
	assert_int_equal(c.serial.where, CFG_TTY_STDIO);
	assert_int_equal(c.console.where, CFG_TTY_NONE);
	assert_int_equal(c.nnets, 0);
	assert_true(c.sandbox);
	OK("-k", "Image", "--console", "stdio");
	assert_int_equal(c.serial.where, CFG_TTY_NULL);
	assert_string_equal(c.append, "console=hvc0");
}

static void boards(void **state)
{
	OK("-k", "Image");
	assert_ptr_equal(c.board, &board_vmapple);
	assert_true(run("--machine", "virt", "--firmware", "f", "--efi-vars",
			"v", NULL) == 0);
	assert_ptr_equal(c.board, &board_virt);
	assert_string_equal(c.vars.path, "v");
	assert_false(config_is_mac(&c));
	OK("-k", "Image", "--machine", "virt", "--machine", "vmapple");
	assert_ptr_equal(c.board, &board_vmapple);
	/* a disk of a Mac is nothing special on virt */
	OK("-k", "Image", "--machine=virt", "-d", "a.img,role=aux");
	assert_false(config_is_mac(&c));
	BAD("expected vmapple or virt", "--machine", "q35");
	BAD("--machine virt", "-M", "virt");
	BAD("is for vmapple", "--machine", "virt", "--firmware", "builtin");
	BAD("--efi-vars: needs UEFI", "-f", "rom", "--efi-vars", "v");
	BAD("--efi-vars: needs UEFI", "-k", "Image", "--machine", "virt",
	    "--efi-vars", "v");
	BAD("qemu-efi-aarch64", "--machine", "virt");
	BAD("the board's limit", "--machine", "virt", "-k", "x", "-m", "1T");
}

static void unknown(void **state)
{
	BAD("did you mean --memory?", "--memry", "1G");
	BAD("did you mean --kernel?", "--kernal=x");
	BAD("--cpus N", "-smp", "4");
	BAD("two dashes", "-kernel", "x");
	BAD("unknown option", "--xyzzyplugh");
	BAD("-z: unknown option", "-z");
	BAD("a value is missing", "--kernel");
	BAD("takes no value", "--quiet=1");
	BAD("is empty", "");
}

static void limits(void **state)
{
	BAD("nothing to start", "-m", "1G");
	BAD("--memory 12Q", "-k", "x", "-m", "12Q");
	BAD("--memory 0", "-k", "x", "-m", "0");
	BAD("whole MiB", "-k", "x", "-m", "100K");
	BAD("whole MiB", "-k", "x", "-m", "1025K");
	BAD("limit", "-k", "x", "-m", "1T");
	BAD("expected 1 to 32", "-k", "x", "-p", "0");
	BAD("expected 1 to 32", "-k", "x", "-p", "33");
	BAD("not a number", "-k", "x", "-p", "two");
	BAD("exclude", "-k", "x", "-f", "y");
	BAD("needs --kernel", "-f", "y", "-i", "z");
	BAD("needs --kernel", "-f", "y", "-a", "z");
	BAD("needs --kernel", "-f", "y", "--dtb", "z");
	BAD("seconds above 0", "-k", "x", "--timeout", "0");
	BAD("seconds above 0", "-k", "x", "--timeout", "nan");
	BAD("seconds above 0", "-k", "x", "--timeout", "1s");
	BAD("1M to 64G", "-k", "x", "--code-cache", "1K");
	BAD("on or off", "-k", "x", "--sandbox", "maybe");
	BAD("auto, kvm or interp", "-k", "x", "--accel", "tcg");
	BAD("cannot both", "-k", "x", "--serial", "stdio", "--console",
	    "stdio");
	BAD("same path", "-k", "x", "--serial", "file:a", "--console",
	    "file:a");
	BAD("file name is empty", "-k", "x", "--initrd", "");
	BAD("no screen", "-k", "x", "--display", "vnc::1");
	BAD("no control socket", "-k", "x", "--control", "unix:a");
	OK("-k", "x", "--display", "none", "--timeout", "0.5");
}

static void disks(void **state)
{
	OK("-k", "x", "-d", "a.img", "-d", "b.ISO", "-d",
	   "c,format=raw,readonly,serial=S1,role=root");
	assert_int_equal(c.ndisks, 3);
	assert_int_equal(c.disk[0].format, CFG_FMT_RAW);
	assert_false(c.disk[0].format_given);
	assert_true(c.disk[1].readonly);
	assert_true(c.disk[2].format_given && c.disk[2].readonly);
	assert_string_equal(c.disk[2].serial, "S1");
	BAD("not stated", "-k", "x", "-d", "disk.bin");
	OK("-k", "x", "-d", "a.qcow2", "-d", "b,format=qcow2", "-d",
	   "c.QCOW2,format=raw", "--ephemeral");
	assert_int_equal(c.disk[0].format, CFG_FMT_QCOW2);
	assert_int_equal(c.disk[1].format, CFG_FMT_QCOW2);
	assert_int_equal(c.disk[2].format, CFG_FMT_RAW);
	assert_true(c.ephemeral && !c.allow_backing);
	assert_false(c.disk[0].readonly);
	OK("-k", "x", "-d", "a.qcow2,readonly=off", "--readonly",
	   "--allow-backing");
	assert_true(c.disk[0].readonly && c.allow_backing);
	BAD("expected raw or qcow2", "-k", "x", "-d", "a,format=vmdk");
	BAD("did you mean readonly?", "-k", "x", "-d", "a.img,readonyl");
	BAD("unknown key", "-k", "x", "-d", "a.img,colour=red");
	BAD("longer than 20", "-k", "x", "-d",
	    "a.img,serial=123456789012345678901");
	BAD("a value is missing", "-k", "x", "-d", "a.img,format");
	BAD("file name is empty", "-k", "x", "-d", ",format=raw");
	config_fini(&c);
	for (int i = 0; i < CFG_MAX_DISKS; i++) {
		char *argv[] = { (char *)"run", (char *)"-da.img" };

		assert_int_equal(config_parse(&c, 2, argv, &e), 0);
	}
	char *argv[] = { (char *)"run", (char *)"-da.img" };

	assert_int_equal(config_parse(&c, 2, argv, &e), -1);
}

static void nets(void **state)
{
	OK("-k", "x", "-n",
	   "user,hostfwd=tcp::2222-:22,hostfwd=tcp:127.0.0.1:80-:8080,"
	   "mac=02:00:00:00:00:09");
	assert_int_equal(c.nnets, 1);
	assert_int_equal(c.net[0].nfwd, 2);
	assert_true(c.net[0].has_mac);
	OK("-k", "x", "-n", "tap,ifname=tap0");
	assert_string_equal(c.net[0].ifname, "tap0");
	OK("-k", "x", "-n", "user", "-n", "none");
	assert_int_equal(c.nnets, 0);
	assert_true(c.net_given);
	OK("-k", "x", "-n", "none", "-n", "user", "-n",
	   "user,restrict,net=192.168.5.9/24,host=192.168.5.1,dns=192.168.5.4,"
	   "dhcpstart=192.168.5.30,domainname=a.example", "-n",
	   "tap,ifname=tap1");
	assert_int_equal(c.nnets, 3);
	assert_false(c.net[0].isolated);
	assert_true(c.net[1].isolated);
	assert_int_equal(c.net[1].net, 0xc0a80500);
	assert_int_equal(c.net[1].mask, 0xffffff00);
	assert_int_equal(c.net[1].host, 0xc0a80501);
	assert_int_equal(c.net[1].dhcp, 0xc0a8051e);
	assert_string_equal(c.net[1].domain, "a.example");
	assert_int_equal(c.net[2].kind, CFG_NET_TAP);
	BAD("more than 8 cards", "-k", "x", "-nuser", "-nuser", "-nuser",
	    "-nuser", "-nuser", "-nuser", "-nuser", "-nuser", "-nuser");
	BAD("expected on or off", "-k", "x", "-n", "user,restrict=1");
	BAD("expected ADDR/BITS", "-k", "x", "-n", "user,net=10.0.2.0/24x");
	BAD("expected ADDR/BITS", "-k", "x", "-n", "user,net=10.0.2.0/30");
	BAD("not an IPv4 address", "-k", "x", "-n", "user,dns=foo");
	BAD("host= is not an address of the network", "-k", "x", "-n",
	    "user,host=192.168.5.1");
	BAD("host= and dns= are one address", "-k", "x", "-n",
	    "user,host=10.0.2.3");
	BAD("not a domain", "-k", "x", "-n", "user,domainname=a b");
	BAD("restrict= belongs to user", "-k", "x", "-n",
	    "tap,ifname=a,restrict");
	BAD("did you mean user?", "-k", "x", "-n", "usr");
	BAD("ifname= is missing", "-k", "x", "-n", "tap");
	BAD("belongs to user", "-k", "x", "-n",
	    "tap,ifname=a,hostfwd=tcp::1-:1");
	BAD("belongs to tap", "-k", "x", "-n", "user,ifname=tap0");
	BAD("not the name", "-k", "x", "-n", "tap,ifname=0123456789abcdef");
	BAD("unicast", "-k", "x", "-n", "user,mac=03:00:00:00:00:00");
	BAD("no card", "-k", "x", "-n", "none,mac=02:00:00:00:00:01");
	BAD("expected tcp", "-k", "x", "-n", "user,hostfwd=tcp::99999-:1");
	BAD("expected tcp", "-k", "x", "-n", "user,hostfwd=tcp:x:1-:1");
	BAD("expected tcp", "-k", "x", "-n", "user,hostfwd=tcp::1-1");
	BAD("expected tcp", "-k", "x", "-n", "user,hostfwd=sctp::1-:1");
}

static void cpus(void **state)
{
	OK("-k", "x", "--cpu", "vmapple,pauth=off,lse=on");
	assert_int_equal(c.cpu, CFG_CPU_VMAPPLE);
	assert_int_equal(c.nfeats, 2);
	assert_string_equal(c.feat[0].name, "pauth");
	assert_false(c.feat[0].on);
	assert_true(c.feat[1].on);
	BAD("did you mean generic?", "-k", "x", "--cpu", "genric");
	BAD("expected lse=on", "-k", "x", "--cpu", "generic,lse");
	BAD("expected lse=on", "-k", "x", "--cpu", "generic,lse=1");
}

static void ttys(void **state)
{
	char path[200] = "unix:";

	OK("-k", "x", "--serial", "pty", "--console", "file:a");
	assert_int_equal(c.serial.where, CFG_TTY_PTY);
	assert_string_equal(c.console.path, "a");
	BAD("did you mean stdio?", "-k", "x", "--serial", "stdoi");
	BAD("the path is missing", "-k", "x", "--serial", "file:");
	memset(path + 5, 'a', 108);
	BAD("107", "-k", "x", "--serial", path);
}

/* What a Mac is told about itself. */
static void macs_identity(void **state)
{
	OK("-k", "x", "--ecid", "0xFFFFFFFFFFFFFFFF");
	assert_true(c.id.has_ecid);
	assert_int_equal(c.id.ecid, UINT64_MAX);
	OK("-k", "x", "--ecid", "1234");
	assert_int_equal(c.id.ecid, 1234);
	BAD("not a number of 64 bits", "-k", "x", "--ecid", "");
	BAD("not a number of 64 bits", "-k", "x", "--ecid", "0x");
	BAD("not a number of 64 bits", "-k", "x", "--ecid", "-1");
	BAD("not a number of 64 bits", "-k", "x", "--ecid", "12z");
	BAD("not a number of 64 bits", "-k", "x", "--ecid",
	    "0x10000000000000000");
	OK("-k", "x", "--identity", "serial=C02,,X,model=M 1,wifi0="
	   "02:00:00:00:00:03,seed=0x10", "--identity", "soc=S", "--dfu");
	assert_string_equal(c.id.serial, "C02,X");
	assert_string_equal(c.id.model, "M 1");
	assert_string_equal(c.id.soc, "S");
	assert_true(c.id.has_mac[2] && !c.id.has_mac[0]);
	assert_int_equal(c.id.mac[2][5], 3);
	assert_true(c.id.has_seed && c.id.seed == 16);
	assert_true(c.dfu);
	OK("-k", "x", "--identity", "serial=0123456789012345678901234567890");
	BAD("longer than 31", "-k", "x", "--identity",
	    "serial=01234567890123456789012345678901");
	BAD("printable", "-k", "x", "--identity", "model=a\tb");
	BAD("unicast", "-k", "x", "--identity", "en0=01:00:00:00:00:00");
	BAD("32 bits", "-k", "x", "--identity", "seed=0x100000000");
	BAD("did you mean serial?", "-k", "x", "--identity", "serail=x");
	BAD("a value is missing", "-k", "x", "--identity", "soc");
	OK("-k", "x", "--firmware-policy", "permissive");
	assert_true(c.permissive && c.policy_given);
	BAD("verify or permissive", "-k", "x", "--firmware-policy", "no");
	/* roles make the machine a Mac, or the boot ROM does */
	OK("-k", "x", "-d", "a.img,role=root");
	assert_false(config_is_mac(&c));
	OK("-k", "x", "-d", "a.img,role=root", "-d", "b.img,role=aux");
	assert_true(config_is_mac(&c));
	OK("-f", "x");
	assert_true(config_is_mac(&c));
	BAD("second disk with role=root", "-k", "x", "-d", "a.img,role=root",
	    "-d", "b.img,role=root");
	OK("-k", "x", "--usb-device", "unix:sock");
	assert_int_equal(c.usb.where, CFG_TTY_UNIX);
	OK("-k", "x", "--usb-device", "unix:sock", "--usb-device", "none");
	assert_int_equal(c.usb.where, CFG_TTY_NONE);
	BAD("unix:PATH", "-k", "x", "--usb-device", "stdio");
	BAD("same path", "-k", "x", "--usb-device", "unix:a", "--serial",
	    "unix:a");
	OK("-k", "x", "--display", "file:a.ppm,size=640x480");
	assert_string_equal(c.display.path, "a.ppm");
	assert_int_equal(c.display.width, 640);
	OK("-k", "x", "--display", "file:a.ppm", "--display", "none");
	assert_null(c.display.path);
	BAD("size=WIDTHxHEIGHT", "-k", "x", "--display", "file:a,size=640");
	BAD("size=WIDTHxHEIGHT", "-k", "x", "--display", "file:a,size=1x1");
	BAD("size=WIDTHxHEIGHT", "-k", "x", "--display",
	    "file:a,size=99999x480");
	BAD("no screen", "-k", "x", "--display", "file:");
}

static int clean(void **state)
{
	config_fini(&c);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes), cmocka_unit_test(helpers),
		cmocka_unit_test(macs), cmocka_unit_test(forms),
		cmocka_unit_test(macs_identity),
		cmocka_unit_test(defaults), cmocka_unit_test(boards),
		cmocka_unit_test(defaults), cmocka_unit_test(unknown),
		cmocka_unit_test(limits), cmocka_unit_test(disks),
		cmocka_unit_test(nets), cmocka_unit_test(cpus),
		cmocka_unit_test(ttys),
	};

	config_init(&c);
	return cmocka_run_group_tests(tests, NULL, clean);
}
