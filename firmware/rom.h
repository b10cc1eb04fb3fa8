/* rom.h: the parts of the boot ROM, one section a file. Everything is EL1, one
 * CPU, interrupts masked, memory mapped one to one. */
#ifndef ROM_H
#define ROM_H

#include "bytes.h"
#include "img4.h"

/* ---- the board (spec/vmapple.md section 1.1) ------------------------------ */

#define CONFIG_BASE 0x400000ull
#define GICR_BASE 0x10010000ull
#define UART_BASE 0x20010000ull
#define BDIF_BASE 0x30000000ull
#define AES_BASE 0x30220000ull
#define RAM_BASE 0x70000000ull

static inline uint32_t rd32(uint64_t at)
{
	return *(volatile uint32_t *)at;
}

static inline uint64_t rd64(uint64_t at)
{
	return *(volatile uint64_t *)at;
}

static inline void wr32(uint64_t at, uint32_t v)
{
	*(volatile uint32_t *)at = v;
}

static inline void wr64(uint64_t at, uint64_t v)
{
	*(volatile uint64_t *)at = v;
}

/* ---- uart.c ------------------------------------------------------------------ */

void uart_init(void);
/* %s %c %d %u %x %p, l and ll, width and 0; %D: a struct der's text, what is
 * not printable as '.'; %T: a FOURCC. */
void say(const char *fmt, ...);
/* A line from the user, without its end; edits with backspace, Ctrl-u. */
void read_line(char *buf, size_t size);
/* A key is waiting, and which; -1: none. */
int key(void);

/* ---- start.S, fault.c -------------------------------------------------------- */

int probe_load(uint64_t address, unsigned size, uint64_t *val);
int probe_store(uint64_t address, unsigned size, uint64_t val);
void restart(void (*fn)(void));
void leave(uint64_t entry, uint64_t x0, uint64_t x1, uint64_t x2,
	   uint64_t x3) __attribute__((noreturn));

struct frame {
	uint64_t x[31], sp, pc, spsr;
};

void fault(struct frame *, unsigned vector);

/* ---- mmu.c ------------------------------------------------------------------- */

/* Maps RAM and devices one to one and turns MMU and caches on. NULL, or why
 * not. */
const char *mmu_on(uint64_t ram_size);
uint64_t mmu_ram_end(void);             /* of what is mapped */
/* To memory and to instruction fetch: what the next stage reads. */
void cache_clean(uint64_t from, uint64_t len);

/* ---- platform.c -------------------------------------------------------------- */

enum policy { POLICY_VERIFY, POLICY_PERMISSIVE };

struct platform {
	bool config;                    /* there is a CONFIG block */
	uint32_t version, cpus, board;
	uint64_t ecid, ram;
	bool installer;                 /* both flags */
	uint32_t rnd;
	uint8_t mac[4][6];
	char serial[32], model[32], soc[32];
	enum policy policy;
	bool hinted;                    /* the policy is from CONFIG */
};

extern struct platform platform;

void platform_read(void);
void platform_print(void);
uint64_t ticks(void);                   /* of the counter */
uint64_t ticks_per_second(void);
/* PSCI (section 1.3). */
uint64_t psci(uint32_t function, uint64_t a, uint64_t b, uint64_t c);
void power_off(void);
void reset(void);

/* ---- heap.c: the upper half of RAM, given out front to back ------------------ */

void heap_init(void);
/* 64-byte aligned, not zeroed; NULL: no room. */
void *heap_take(uint64_t size);
uint64_t heap_left(void);
uint64_t heap_mark(void);
void heap_release(uint64_t mark);       /* all taken since */

/* ---- bdif.c ------------------------------------------------------------------ */

enum disk_id { DISK_ROOT, DISK_AUX, DISKS };

struct disk {
	const char *name;
	bool there;
	uint64_t sectors;
	uint32_t status, cfg;
};

extern struct disk disk[DISKS];

void bdif_probe(void);
/* 0, or -1: the request failed or took too long. */
int bdif_read(enum disk_id, uint64_t sector, void *dst, uint32_t bytes);

/* ---- usb.c: the USB device port; only endpoint 0 answers ----------------------- */

#define USB_DATA_MAX (8 + 2048)         /* SETUP and a block of DFU */

struct usb_packet {
	uint32_t len;
	uint8_t endpoint, type;
	const uint8_t *data;            /* until usb_done */
};

bool usb_open(void);                    /* false: there is no port */
void usb_close(void);                   /* takes the posted buffer back */
/* A packet that has arrived; usb_done lets the next one come. */
bool usb_receive(struct usb_packet *);
void usb_done(void);
void usb_send(uint8_t type, const void *data, uint32_t len);

/* ---- dfu.c ---------------------------------------------------------------------- */

/* Returns where there is no port, or the user wants to do something else. */
void dfu_mode(void);

/* ---- scan.c ------------------------------------------------------------------- */

enum found_kind { FOUND_IMG4, FOUND_IM4P, FOUND_IM4M };

struct found {
	enum disk_id disk;
	enum found_kind kind;
	uint64_t offset, len;
	uint32_t type;                  /* of the payload; 0: IM4M */
};

#define MAX_FOUND 64

struct scan {
	unsigned n;
	struct found found[MAX_FOUND];
	unsigned malformed;
};

/* Looks through a disk, at most `limit` bytes of it. Each sound container is
 * added to the list and handed to `take`, which may not return. */
void scan_disk(struct scan *, enum disk_id, uint64_t limit,
	       void (*take)(struct scan *, const struct found *,
			    const uint8_t *bytes));
/* All of a container in memory that heap_take gave; NULL: unreadable. */
const uint8_t *scan_load(const struct found *);

/* ---- boot.c ------------------------------------------------------------------- */

/* Finds and starts something; returns where nothing can be started. */
void boot_auto(void);
void boot_disk(enum disk_id);
/* An image that came otherwise than from a disk; returns where it is not
 * started. Bytes behind the container do not matter. */
void boot_image(const uint8_t *bytes, uint64_t len);
/* Checks and prints; false: the policy forbids to go on. */
bool boot_permitted(const struct img4 *);
/* The plain payload in memory of the heap's; NULL, after a message. */
const uint8_t *boot_unpack(const struct im4p *, uint64_t *len);

/* ---- kernel.c ------------------------------------------------------------------ */

/* Starts the kernel among what was found; returns where it cannot. */
void kernel_boot(struct scan *);

/* ---- aes.c, monitor.c ----------------------------------------------------------- */

void aes_test(void);
void monitor(void);

#endif
