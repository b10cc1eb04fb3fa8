/* DFU: stage 1 from the other end of the USB device port, where CONFIG's
 * installer flags ask for it. USB Device Firmware Upgrade 1.1; packets, ids and
 * strings as spec/vmapple.md sections 3.4 and 8.6 report them.
 *
 * The host says bus reset, reads descriptors, sends the image in blocks, asks for
 * the status until it is told to wait for a reset, and resets. An image that may
 * not be started leaves the state at dfuERROR. A key on the serial line ends it
 * all. */
#include "rom.h"

enum { TO_SETUP = 1, TO_RESET = 2 };            /* types of packets, in */
enum { FROM_ANSWER = 1, FROM_RESET = 4 };       /* and out */

enum { GET_STATUS = 0, GET_DESCRIPTOR = 6, GET_CONFIGURATION = 8 };
enum { DNLOAD = 1, GETSTATUS = 3, CLRSTATUS = 4, GETSTATE = 5, ABORT = 6 };

#define IN 0x80u                        /* of bmRequestType */
#define KIND 0x60u
#define CLASS 0x20u

enum state {
	IDLE = 2, DNLOAD_IDLE = 5, MANIFEST_SYNC = 6, MANIFEST = 7,
	WAIT_RESET = 8, ERROR = 10,
};

enum { OK = 0, ERR_FILE = 2, ERR_ADDRESS = 8, ERR_STALLED = 15 };

#define IMAGE_MAX (64ull << 20)

static struct {
	enum state state;
	uint8_t status;
	uint8_t *image;
	uint64_t len, room;
} dfu;

/* ---- descriptors --------------------------------------------------------------- */

static const uint8_t device_desc[18] = {
	18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xac, 0x05, 0x27, 0x12, 0, 0,
	1, 2, 3, 1,
};
/* Configuration, interface, DFU functional: downloads of 2048 bytes. */
static const uint8_t config_desc[27] = {
	9, 2, 27, 0, 1, 1, 0, 0x80, 250,
	9, 4, 0, 0, 0, 0xfe, 1, 0, 0,
	9, 0x21, 0x05, 10, 0, 0x00, 0x08, 0x10, 0x01,
};

static char *put(char *p, const char *s)
{
	while (*s)
		*p++ = *s++;
	return p;
}

static char *put_hex(char *p, uint64_t v, unsigned digits)
{
	while (digits--)
		*p++ = "0123456789ABCDEF"[v >> 4 * digits & 15];
	return p;
}

/* What tools know the machine by. */
static void serial_string(char *p)
{
	p = put(p, "SDOM:01 CPID:FE00 CPRV:00 CPFM:03 SCEP:01 BDID:");
	p = put_hex(p, platform.board, 2);
	p = put(p, " ECID:");
	p = put_hex(p, platform.ecid, 16);
	p = put(p, " IBFL:3C SRTG:[pome]");
	*p = 0;
}

/* Returns its length; 0: there is no such string. */
static uint32_t string_desc(unsigned index, uint8_t *out)
{
	static const char *const names[] = { "pome", "pome boot ROM (DFU)" };
	char serial[120];
	const char *s = serial;
	uint32_t n = 2;

	if (index == 0) {               /* languages: US English */
		memcpy(out, "\4\3\x09\4", 4);
		return 4;
	}
	if (index > 3)
		return 0;
	if (index < 3)
		s = names[index - 1];
	else
		serial_string(serial);
	for (; *s && n < 254; s++) {
		out[n++] = (uint8_t)*s;
		out[n++] = 0;
	}
	out[0] = (uint8_t)n;
	out[1] = 3;
	return n;
}

static uint32_t descriptor(unsigned type, unsigned index, uint8_t *out)
{
	switch (type) {
	case 1:
		memcpy(out, device_desc, sizeof(device_desc));
		return sizeof(device_desc);
	case 2:
		memcpy(out, config_desc, sizeof(config_desc));
		return sizeof(config_desc);
	case 3:
		return string_desc(index, out);
	}
	return 0;
}

/* ---- requests -------------------------------------------------------------------- */

static void failed(uint8_t status)
{
	dfu.state = ERROR;
	dfu.status = status;
	dfu.len = 0;
}

static void back_to_idle(void)
{
	dfu.state = IDLE;
	dfu.status = OK;
	dfu.len = 0;
}

static void download(const uint8_t *data, uint32_t len)
{
	if (dfu.state == ERROR)         /* it stays the first one */
		return;
	if (dfu.state != IDLE && dfu.state != DNLOAD_IDLE) {
		failed(ERR_STALLED);
	} else if (len > dfu.room - dfu.len) {
		failed(ERR_ADDRESS);
	} else if (len) {
		memcpy(dfu.image + dfu.len, data, len);
		dfu.len += len;
		dfu.state = DNLOAD_IDLE;
	} else if (dfu.state == DNLOAD_IDLE) {
		dfu.state = MANIFEST_SYNC;
	} else {
		failed(ERR_STALLED);
	}
}

/* Status, time to wait in ms, state; asking moves the manifestation on. */
static uint32_t get_status(uint8_t *out)
{
	memcpy(out, "\0\0\0\0\0\0", 6);
	out[0] = dfu.status;
	out[4] = (uint8_t)dfu.state;
	if (dfu.state == MANIFEST_SYNC)
		dfu.state = MANIFEST;
	else if (dfu.state == MANIFEST)
		dfu.state = WAIT_RESET;
	return 6;
}

static uint32_t class_in(unsigned request, uint8_t *out)
{
	switch (request) {
	case GETSTATUS:
		return get_status(out);
	case GETSTATE:
		out[0] = (uint8_t)dfu.state;
		return 1;
	}
	return 0;
}

static uint32_t standard_in(const uint8_t *s, uint8_t *out)
{
	switch (s[1]) {
	case GET_DESCRIPTOR:
		return descriptor(s[3], s[2], out);
	case GET_STATUS:
		out[0] = out[1] = 0;
		return 2;
	case GET_CONFIGURATION:
		out[0] = 1;
		return 1;
	}
	return 0;
}

/* SETUP with its OUT data behind it. What nobody knows is answered empty. */
static void setup(const uint8_t *s, uint32_t len)
{
	uint8_t out[256];
	uint32_t n = 0, want;

	if (len < 8)
		return;
	want = s[6] | (uint32_t)s[7] << 8;
	if (s[0] & IN) {
		n = (s[0] & KIND) == CLASS ? class_in(s[1], out) :
			(s[0] & KIND) == 0 ? standard_in(s, out) : 0;
		usb_send(FROM_ANSWER, out, n < want ? n : want);
		return;
	}
	if ((s[0] & KIND) == CLASS) {
		if (s[1] == DNLOAD && want == len - 8)
			download(s + 8, want);
		else if (s[1] == DNLOAD)
			failed(ERR_STALLED);
		else if (s[1] == CLRSTATUS || s[1] == ABORT)
			back_to_idle();
	}
	usb_send(FROM_ANSWER, out, 0);
}

/* ---- the mode ----------------------------------------------------------------------- */

/* Does not return where it starts the image. Behind it there may be the suffix
 * that DFU files have. */
static void start(void)
{
	say("DFU       %lu bytes received\n", dfu.len);
	boot_image(dfu.image, dfu.len);
	if (!usb_open())
		say("DFU       the port did not open again\n");
	failed(ERR_FILE);
}

static void on_reset(void)
{
	usb_send(FROM_RESET, "", 0);
	if (dfu.state == WAIT_RESET) {
		usb_close();
		start();
	} else {
		back_to_idle();
		usb_done();
	}
}

void dfu_mode(void)
{
	uint64_t mark = heap_mark();
	struct usb_packet p;

	if (!usb_open()) {
		say("DFU       the installer flags are set, but there is no USB "
		    "device port\n");
		return;
	}
	dfu.room = heap_left() / 4 < IMAGE_MAX ? heap_left() / 4 : IMAGE_MAX;
	dfu.image = heap_take(dfu.room);
	if (!dfu.image) {
		say("DFU       no memory for an image\n");
		usb_close();
		return;
	}
	back_to_idle();
	say("DFU       the installer flags are set: waiting for an image at the "
	    "USB device\n          port; a key ends this\n");
	while (key() < 0) {
		if (!usb_receive(&p))
			continue;
		if (p.type == TO_RESET) {
			on_reset();
			continue;
		}
		if (p.type == TO_SETUP && p.endpoint == 0)
			setup(p.data, p.len);
		usb_done();
	}
	usb_close();
	heap_release(mark);
}
