/* apple.h: drivers for what only the vmapple board has, as small as tests need
 * them: BDIF requests, commands of the AES engine, Apple's virtio-blk,
 * hypercalls. Data is what the caller's memory map lets a device see: with the
 * MMU off, or one to one. Sections are those of spec/vmapple.md. */
#ifndef GUEST_APPLE_H
#define GUEST_APPLE_H

#include "guest.h"

/* ---- buffers -------------------------------------------------------------- */

void zero(void *p, unsigned n);
/* A pattern that another seed shares no run of. */
void fill(uint8_t *p, unsigned n, unsigned seed);
bool same(const uint8_t *a, const uint8_t *b, unsigned n);
/* The 16 bytes at p, as two big-endian numbers. */
bool first_is(const uint8_t *p, uint64_t hi, uint64_t lo);

/* ---- CONFIG (section 2) ---------------------------------------------------- */

#define CONFIG 0x00400000ul

bool text_at(uint64_t at, const char *want);

/* ---- BDIF (section 3) ------------------------------------------------------ */

#define BDIF 0x30000000ul
#define ROOT (BDIF + 0x00000)
#define AUX (BDIF + 0x10000)
#define USB (BDIF + 0x100000)

#define READ_FLAGS 0x30001
#define WRITE_FLAGS 0x10001

/* One request to ROOT or AUX; returns its status byte. */
unsigned bdif(uint64_t dev, uint64_t sector, void *data, uint32_t len,
	      uint32_t flags);

/* ---- AES (section 4) ------------------------------------------------------- */

#define AES 0x30220000ul
#define AES_IRQ_STATUS (AES + 0x18)
#define AES_IRQ_ENABLE (AES + 0x1c)
#define AES_FLAG_INFO (AES + 0x30)

enum { AES_ECB, AES_CBC };

void aes(uint32_t w);
/* Key bytes 00 01 02 ... */
void aes_key(unsigned ctx, unsigned bytes, unsigned mode, unsigned enc);
void aes_iv(unsigned ctx, uint32_t w);          /* four times w */
void aes_data(unsigned key, unsigned iv, void *src, void *dst, uint32_t len);
void aes_store_iv(unsigned ctx, void *dst);

/* ---- Apple's virtio-blk (section 5) ---------------------------------------- */

#define ECAM 0x40000000ul
#define APPLE_BLK 0x1a00106b

#define BLK_IN 0
#define BLK_OUT 1
#define BLK_FLUSH 4
#define BLK_GET_ID 8
#define BLK_BARRIER 0x10000

enum { BLK_ROOT = 1, BLK_AUX = 2 };     /* the marker in configuration space */

struct blk {
	uint64_t bar;
	unsigned slot;
	uint32_t role;
	struct vring *ring;
};

/* Finds the function with this role and brings it up; false: none. Every
 * function is set up once, BARs as the guest of a bare board does. */
bool blk_open(struct blk *, uint32_t role);
/* One request; data may be NULL. Returns status, used length in *used. */
unsigned blk(struct blk *, uint32_t type, uint64_t sector, void *data,
	     uint32_t len, bool in, uint32_t *used);
/* The function's interrupt: slot + pin A, mod 16. */
unsigned blk_intid(const struct blk *);
/* Reads, and thereby clears, the ISR byte. */
uint8_t blk_isr(const struct blk *);

/* ---- hypercalls (9.2) ------------------------------------------------------- */

#define HVC_PAC_INITIAL 0xc1000000
#define HVC_PAC_DEFAULTS 0xc1000001
#define HVC_PAC_SET_A 0xc1000002
#define HVC_PAC_SET_B 0xc1000003
#define HVC_PAC_SET_EL0 0xc1000004
#define HVC_PAC_EL0_AT_EL1 0xc1000005
#define HVC_PAC_SET_G 0xc1000006
#define HVC_PAC_NOP 0xc10000f0
#define HVC_MABS_OFFSET 0xc3000003
#define HVC_SESSION 0xc3000004
#define HVC_WAIT 0xc3000005
#define HVC_KICK 0xc3000006
#define HVC_UID 0x8300ff01
#define HVC_REVISION 0x8300ff03
#define HVC_FEATURES 0x8300feff

/* x3 to x5 go in as 0x3333, 0x4444, 0x5555. */
struct call { uint64_t x[6]; };
static inline struct call hvc(uint64_t fn, uint64_t a, uint64_t b)
{
	register uint64_t x0 __asm__("x0") = fn;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = 0x3333;
	register uint64_t x4 __asm__("x4") = 0x4444;
	register uint64_t x5 __asm__("x5") = 0x5555;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
			 "+r"(x4), "+r"(x5) : : "memory");
	return (struct call){ { x0, x1, x2, x3, x4, x5 } };
}

#endif
