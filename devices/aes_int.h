/* aes_int.h: what the two halves of the AES engine share: aes.c has registers,
 * FIFO and long transfers, aes_cmd.c the commands and the cipher. */
#ifndef AES_INT_H
#define AES_INT_H

#include <stddef.h>
#include <stdint.h>

#include "device.h"
#include "log.h"

enum {
	AES_FIFO = 128,                 /* words */
	AES_BLOCK = 16,
	AES_CMD_MAX = 17,               /* words: KEY with 64 key bytes */
	AES_PIECE = 4096,               /* what one step of a short transfer, */
	AES_CHUNK = 65536,              /* and of a long one holds */
	AES_SHORT = 16384,              /* bytes done before the store ends */
};

enum {                                  /* IRQ_STATUS, IRQ_ENABLE */
	AES_IRQ_LOW = 1 << 0,
	AES_IRQ_OVERFLOW = 1 << 1,
	AES_IRQ_COMMAND = 1 << 2,
	AES_IRQ_READ = 1 << 3,
	AES_IRQ_WRITE = 1 << 4,
	AES_IRQ_FLAG = 1 << 5,
	AES_IRQ_LENGTH = 1 << 6,
	AES_IRQ_KEY0_INVALID = 1 << 10,
	AES_IRQ_KEY1_INVALID = 1 << 16,
	AES_IRQ_ALL = (1 << 19) - 1,
};

enum { AES_ECB, AES_CBC, AES_CTR };

struct aes_key {                        /* a key context */
	uint8_t bytes[32];
	uint8_t len;                    /* 0: no key that works */
	uint8_t mode, encrypt, id;
};

struct aes_job {                        /* a transfer, or what is left of it */
	uint64_t src, dst;
	uint32_t left;                  /* 0: none */
	uint8_t key, iv;
};

struct aes {
	struct device dev;
	uint32_t irq_status, irq_enable, watermark, flag_info;
	uint32_t fifo[AES_FIFO];
	uint8_t head, level;            /* of the FIFO, in words */
	uint8_t overflow;
	uint8_t stopped;                /* by CONTROL */
	struct aes_key key[2];
	uint8_t iv[4][AES_BLOCK];
	struct aes_job job;             /* nothing else runs meanwhile */
	/* Host side: grows when a job is cancelled. */
	uint32_t epoch;
	uint8_t buf[AES_CHUNK];         /* the loop's */
	struct log_limit log;
};

/* Words of the command that begins with w0, itself included. */
unsigned aes_cmd_words(uint32_t w0);
/* Does one whole command, which may leave a job to be done. */
void aes_cmd(struct aes *, const uint32_t *w);
/* Transforms len bytes (whole blocks) in place; iv becomes the next one. Needs
 * no lock: all it touches is given. */
void aes_crypt(const struct aes_key *, uint8_t iv[AES_BLOCK], uint8_t *buf,
	       size_t len);
/* One step of a job, in two halves: what comes next of it, *n bytes of at most
 * `room`, transformed into buf; and that to where it belongs, and the job on.
 * Each returns the bits to raise, 0 where all went well. The first needs no
 * lock; the second writes to memory, so a job that was cancelled meanwhile must
 * not come to it. */
uint32_t aes_take(struct dma *, const struct aes_key *, const struct aes_job *,
		  uint8_t iv[AES_BLOCK], uint8_t *buf, size_t room, size_t *n);
uint32_t aes_give(struct dma *, struct aes_job *, const uint8_t *buf,
		  size_t n);

#endif
