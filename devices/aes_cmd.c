/* aes_cmd.c: commands of the AES engine and what they do to data.
 *
 * spec/vmapple.md sections 4.2 and 4.3. A command that cannot be done is
 * dropped and raises its bit; what stands behind it is done. The fields for
 * wrapped keys and key functions are ignored, as on the machine that guests are
 * known to work with. */
#include <nettle/aes.h>
#include <nettle/cbc.h>
#include <nettle/ctr.h>
#include <nettle/nettle-meta.h>
#include <string.h>

#include "aes_int.h"
#include "dma.h"

enum { OP_KEY = 1, OP_IV = 2, OP_DATA = 5, OP_STORE_IV = 6, OP_FLAG = 8 };

enum { SELECT_SOFTWARE = 0, SELECT_UID = 1, SELECT_GID2 = 3 };

#define KEY64 3                         /* length code */
#define IOVS 16                         /* RAM blocks a range may span */

static unsigned bits(uint32_t w, unsigned hi, unsigned lo)
{
	return w >> lo & ((2u << (hi - lo)) - 1);
}

/* ---- the cipher -------------------------------------------------------- */

union schedule {
	struct aes128_ctx aes128;
	struct aes192_ctx aes192;
	struct aes256_ctx aes256;
};

static const struct nettle_cipher *cipher_of(const struct aes_key *k)
{
	switch (k->len) {
	case 16: return &nettle_aes128;
	case 24: return &nettle_aes192;
	default: return &nettle_aes256;
	}
}

void aes_crypt(const struct aes_key *k, uint8_t iv[AES_BLOCK], uint8_t *buf,
	       size_t len)
{
	const struct nettle_cipher *c = cipher_of(k);
	union schedule s;

	/* CTR uses the cipher in one direction only */
	if (k->encrypt || k->mode == AES_CTR)
		c->set_encrypt_key(&s, k->bytes);
	else
		c->set_decrypt_key(&s, k->bytes);
	switch (k->mode) {
	case AES_ECB:
		(k->encrypt ? c->encrypt : c->decrypt)(&s, len, buf, buf);
		break;
	case AES_CBC:
		if (k->encrypt)
			cbc_encrypt(&s, c->encrypt, AES_BLOCK, iv, len, buf,
				    buf);
		else
			cbc_decrypt(&s, c->decrypt, AES_BLOCK, iv, len, buf,
				    buf);
		break;
	case AES_CTR:
		ctr_crypt(&s, c->encrypt, AES_BLOCK, iv, len, buf, buf);
		break;
	}
}

uint32_t aes_take(struct dma *dma, const struct aes_key *k,
		  const struct aes_job *j, uint8_t iv[AES_BLOCK], uint8_t *buf,
		  size_t room, size_t *n)
{
	*n = j->left < room ? j->left : room;
	if (dma_get(dma, j->src, buf, *n))
		return AES_IRQ_READ;
	aes_crypt(k, iv, buf, *n);
	return 0;
}

uint32_t aes_give(struct dma *dma, struct aes_job *j, const uint8_t *buf,
		  size_t n)
{
	if (dma_put(dma, j->dst, buf, n))
		return AES_IRQ_WRITE;
	j->src += n;
	j->dst += n;
	j->left -= (uint32_t)n;
	return 0;
}

/* ---- commands ---------------------------------------------------------- */

static unsigned key_bytes(uint32_t w0)
{
	static const uint8_t len[4] = { 16, 24, 32, 64 };

	return len[bits(w0, 23, 22)];
}

unsigned aes_cmd_words(uint32_t w0)
{
	switch (bits(w0, 31, 28)) {
	case OP_KEY:
		if (bits(w0, 26, 24) != SELECT_SOFTWARE)
			return 1;
		return 1 + key_bytes(w0) / 4;
	case OP_IV: return 1 + 4;
	case OP_DATA: return 1 + 3;
	case OP_STORE_IV: return 1 + 1;
	default: return 1;
	}
}

/* Payload words are memory words: the first one's low byte is byte 0. */
static void put_words(uint8_t *to, const uint32_t *w, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(w[i / 4] >> 8 * (i % 4));
}

static void cmd_key(struct aes *a, const uint32_t *w)
{
	struct aes_key *k = &a->key[bits(w[0], 27, 27)];
	unsigned select = bits(w[0], 26, 24), mode = bits(w[0], 17, 16);

	*k = (struct aes_key){
		.mode = (uint8_t)mode,
		.encrypt = (uint8_t)bits(w[0], 20, 20),
		.id = (uint8_t)bits(w[0], 7, 0),
	};
	if (mode > AES_CTR ||
	    (select == SELECT_SOFTWARE && bits(w[0], 23, 22) == KEY64)) {
		k->mode = AES_ECB;
		a->irq_status |= AES_IRQ_COMMAND;
	} else if (select == SELECT_SOFTWARE) {
		k->len = (uint8_t)key_bytes(w[0]);
		put_words(k->bytes, w + 1, k->len);
	} else if (select >= SELECT_UID && select <= SELECT_GID2) {
		/* the built-in keys, 256 bits whatever the length code says */
		k->len = 32;
		k->bytes[0] = (uint8_t)select;
	}
	/* The keys of HDCP do not exist: DATA tells. */
}

/* Is all of the range RAM? So that a transfer fails before it begins. */
static bool reachable(struct aes *a, uint64_t gpa, uint32_t len)
{
	struct iovec iov[IOVS];

	return dma_iov(a->dev.dma, gpa, len, iov, IOVS) >= 0;
}

static uint32_t check_data(struct aes *a, const struct aes_job *j)
{
	if (j->left % AES_BLOCK)
		return AES_IRQ_LENGTH;
	if (!a->key[j->key].len)
		return j->key ? AES_IRQ_KEY1_INVALID : AES_IRQ_KEY0_INVALID;
	if (!reachable(a, j->src, j->left))
		return AES_IRQ_READ;
	if (!reachable(a, j->dst, j->left))
		return AES_IRQ_WRITE;
	return 0;
}

static void cmd_data(struct aes *a, const uint32_t *w)
{
	struct aes_job j = {
		.src = w[2] | (uint64_t)(w[1] >> 16) << 32,
		.dst = w[3] | (uint64_t)(w[1] & 0xffff) << 32,
		.left = bits(w[0], 23, 0),
		.key = (uint8_t)bits(w[0], 27, 27),
		.iv = (uint8_t)bits(w[0], 26, 25),
	};
	uint8_t buf[AES_PIECE];
	uint32_t bad;
	size_t n;

	if (!j.left)
		return;
	bad = check_data(a, &j);
	if (bad) {
		a->irq_status |= bad;
		log_guest(&a->log, "%s: DATA of %u bytes from 0x%llx to 0x%llx "
			  "dropped, status %x", a->dev.id, j.left,
			  (unsigned long long)j.src, (unsigned long long)j.dst,
			  bad);
		return;
	}
	if (j.left > AES_SHORT) {
		a->job = j;             /* aes.c does it */
		return;
	}
	while (j.left && !bad) {
		bad = aes_take(a->dev.dma, &a->key[j.key], &j, a->iv[j.iv],
			       buf, sizeof(buf), &n);
		if (!bad)
			bad = aes_give(a->dev.dma, &j, buf, n);
	}
	a->irq_status |= bad;
}

static void cmd_store_iv(struct aes *a, const uint32_t *w)
{
	uint64_t gpa = w[1] | (uint64_t)bits(w[0], 7, 0) << 32;

	if (dma_put(a->dev.dma, gpa, a->iv[bits(w[0], 27, 26)], AES_BLOCK))
		a->irq_status |= AES_IRQ_WRITE;
}

void aes_cmd(struct aes *a, const uint32_t *w)
{
	switch (bits(w[0], 31, 28)) {
	case OP_KEY:
		cmd_key(a, w);
		break;
	case OP_IV:
		put_words(a->iv[bits(w[0], 27, 26)], w + 1, AES_BLOCK);
		break;
	case OP_DATA:
		cmd_data(a, w);
		break;
	case OP_STORE_IV:
		cmd_store_iv(a, w);
		break;
	case OP_FLAG:
		/* bit 26, stop, has no effect (section 4.4) */
		a->flag_info = bits(w[0], 7, 0);
		if (bits(w[0], 27, 27))
			a->irq_status |= AES_IRQ_FLAG;
		break;
	default:
		a->irq_status |= AES_IRQ_COMMAND;
		log_guest(&a->log, "%s: unknown command %08x", a->dev.id, w[0]);
	}
}
