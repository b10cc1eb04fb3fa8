/* Fuzz target: the options that fill CONFIG, from the command line on, and the
 * block they make. */
#include "cfg.h"
#include "config.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const opts[] = { "--ecid", "--identity",
		"--firmware-policy", "--usb-device", "--display", "--dfu" };
	struct fuzz_in in = { data, size };
	char word[20][128], *argv[21] = { "run" };
	struct config c;
	struct err e;
	int argc = 1;

	while (in.n && argc < 19) {
		unsigned o = (unsigned)fuzz_get(&in, 1) % 6, n = 0;

		strcpy(word[argc], opts[o]);
		argv[argc] = word[argc];
		argc++;
		if (o == 5)
			continue;
		while (in.n && n < 120) {
			char ch = (char)fuzz_get(&in, 1);

			if (!ch)
				break;
			word[argc][n++] = ch;
		}
		word[argc][n] = 0;
		argv[argc] = word[argc];
		argc++;
	}
	config_init(&c);
	if (!config_parse(&c, argc, argv, &e)) {
		struct fake *f = fake_new();
		struct ram *r = as_ram(f->as, "config", 0x400000, CFG_SIZE, &e);
		struct cfg_conf cc = { .base = 0x400000, .ecid = c.id.ecid,
				       .cpus = 2, .dfu = c.dfu,
				       .serial = c.id.serial,
				       .model = c.id.model, .soc = c.id.soc };
		struct device *dev;

		fuzz_require(r != NULL, "RAM");
		memcpy(cc.mac, c.id.mac, sizeof(cc.mac));
		/* whatever the parser lets through fits */
		dev = fake_device(f, &cfg_ops, &cc);
		fuzz_require(!memcmp(r->host + 0x18, &c.id.ecid, 8), "ECID");
		fuzz_require(!strcmp((char *)r->host + 0x500, c.id.serial),
			     "serial number");
		fuzz_require(!r->host[0x51f] && !r->host[0x55f] &&
			     !r->host[0x5a3], "strings end");
		fuzz_require(!(r->host[0x40] & 1), "MAC addresses are unicast");
		if (c.display.path)
			fuzz_require(c.display.width >= 64 &&
				     c.display.width <= 8192, "display");
		device_free(dev);
		fake_free(f);
	}
	config_fini(&c);
	return 0;
}
