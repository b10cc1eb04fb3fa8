/* kvm_apple.c: what vmapple guests ask of a host beyond the architecture, as
 * far as KVM lets us give it. spec/vmapple.md 9.2 and 9.6.
 *
 * Hypercalls come here by KVM's SMCCC filter (Linux 6.4; api.rst, "KVM_ARM_VM_
 * SMCCC_CTRL"); without it the kernel answers each with -1, which macOS 15 and
 * later do not survive.
 *
 * Keys: there is one register for both exception levels, and nothing of ours
 * runs when the guest goes from one to the other. So SET_A, SET_B and SET_G
 * set the architected registers, and the diversifier of EL0 is accepted and
 * changes nothing: what is signed at one level authenticates at the other, as
 * it must, and processes are told apart by less than on a Mac. What the words
 * are is ours to choose, as long as all CPUs choose alike.
 *
 * Not there: waiting for kicks and the boot's UUID, which OEM_FEATURES denies;
 * kernels then take WFE. */
#include <inttypes.h>
#include <stdio.h>

#include "apple_hvc.h"
#include "config.h"
#include "kvm.h"

/* Linux 6.4's, written out: older headers have none of them. */
#define VM_SMCCC_CTRL 0                 /* KVM_ARM_VM_SMCCC_CTRL */
#define VM_SMCCC_FILTER 0               /* KVM_ARM_VM_SMCCC_FILTER */
#define FILTER_TO_USER 2                /* KVM_SMCCC_FILTER_FWD_TO_USER */
struct smccc_filter {
	uint32_t base, n;
	uint8_t action, pad[15];
};

/* APIAKey, APIBKey, APDAKey, APDBKey, APGAKey; low words, the high ones next */
static const uint64_t key_reg[5] = {
	KVM_SYSREG(3, 0, 2, 1, 0), KVM_SYSREG(3, 0, 2, 1, 2),
	KVM_SYSREG(3, 0, 2, 2, 0), KVM_SYSREG(3, 0, 2, 2, 2),
	KVM_SYSREG(3, 0, 2, 3, 0),
};
enum { KEY_IA = 1, KEY_IB = 2, KEY_DA = 4, KEY_DB = 8, KEY_GA = 16 };

/* ---- before the machine runs ------------------------------------------------ */

static bool forward(const struct kvm *k, uint32_t base, uint32_t n)
{
	struct smccc_filter f = { .base = base, .n = n,
				  .action = FILTER_TO_USER };
	struct kvm_device_attr a = {
		.group = VM_SMCCC_CTRL, .attr = VM_SMCCC_FILTER,
		.addr = (uintptr_t)&f,
	};

	return !kvm_ioctl(k->vm_fd, KVM_SET_DEVICE_ATTR, &a);
}

void kvm_apple_open(struct kvm *k)
{
	const struct config *cfg = k->vm->config;

	if (!cfg || !config_vmapple_cpu(cfg))
		return;
	if (!forward(k, PAC_SET_INITIAL_STATE, 0x100) ||
	    !forward(k, 0xc3000000, 0x100) || !forward(k, 0x8300fe00, 0x200))
		log_msg(LOG_WARN, "KVM: this host's kernel does not pass "
			"Apple's hypercalls on (Linux 6.4 does): macOS 15 and "
			"later stop at the first (try --accel interp)");
	if (!k->has_pauth)
		log_msg(LOG_WARN, "KVM: this host's CPUs, or its KVM, have no "
			"pointer authentication, which macOS and its boot ROM "
			"need (try --accel interp)");
}

void kvm_apple_cpu(struct kvm_cpu *c)
{
	const struct config *cfg = c->k->vm->config;
	uint64_t mmfr0, hz = c->k->vm->cntfrq;

	if (!cfg || !config_vmapple_cpu(cfg) || c->v->index)
		return;
	if (!kvm_get(c, KVM_SYSREG(3, 0, 0, 7, 0), &mmfr0) &&
	    !(mmfr0 >> 20 & 15))                        /* TGran16 */
		log_msg(LOG_WARN, "KVM: this host's CPUs have no pages of 16 "
			"KiB, which macOS needs (try --accel interp)");
	if (hz != VM_CNTFRQ)
		log_msg(LOG_INFO, "KVM: the guest's clock counts %" PRIu64
			" Hz, the host's rate, and not %u; KVM cannot change "
			"it", hz, VM_CNTFRQ);
}

/* ---- calls -------------------------------------------------------------------- */

/* A finaliser of MurmurHash3's kind: different values, different keys. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 33) * 0xff51afd7ed558ccdull;
	v = (v ^ v >> 33) * 0xc4ceb9fe1a85ec53ull;
	return v ^ v >> 33;
}

static int64_t set_keys(struct kvm_cpu *c, unsigned which, uint64_t value)
{
	int r = 0;

	if (!c->k->has_pauth)
		return -1;
	for (unsigned i = 0; i < 5; i++) {
		if (!(which >> i & 1))
			continue;
		r |= kvm_set(c, key_reg[i], mix(value + 2 * i + 1));
		r |= kvm_set(c, key_reg[i] + 1, mix(~value + 2 * i + 1));
	}
	return r ? -1 : 0;
}

static int64_t set_initial_state(struct kvm_cpu *c)
{
	return set_keys(c, KEY_IA | KEY_DA, DEFAULT_KEY + DEFAULT_A) |
	       set_keys(c, KEY_IB | KEY_DB, DEFAULT_KEY + DEFAULT_B) |
	       set_keys(c, KEY_GA, DEFAULT_KEY + DEFAULT_G);
}

static int64_t get_default_keys(struct kvm_cpu *c)
{
	static const uint8_t add[4] = { DEFAULT_A, DEFAULT_B, DEFAULT_EL0,
					DEFAULT_G };
	int r = 0;

	for (unsigned i = 0; i < 4; i++)
		r |= kvm_set_x(c, 1 + i, DEFAULT_KEY + add[i]);
	return r ? -1 : 0;
}

static int64_t features(uint32_t id)
{
	switch (id) {
	case PAC_SET_INITIAL_STATE:
	case PAC_GET_DEFAULT_KEYS:
	case PAC_SET_A_KEYS:
	case PAC_SET_B_KEYS:
	case PAC_SET_EL0_DIVERSIFIER:
	case PAC_SET_EL0_DIVERSIFIER_AT_EL1:
	case PAC_SET_G_KEY:
	case PAC_NOP:
	case GET_MABS_OFFSET:
	case OEM_UID:
	case OEM_REVISION:
	case OEM_FEATURES:
		return 0;
	}
	return -1;
}

static int64_t uid(struct kvm_cpu *c)
{
	static const uint32_t word[4] = OEM_UID_WORDS;

	for (unsigned i = 1; i < 4; i++)
		kvm_set_x(c, i, word[i]);
	return word[0];                 /* a value, not a code */
}

static int64_t call(struct kvm_cpu *c, uint32_t id, uint64_t x1)
{
	switch (id) {
	case PAC_SET_INITIAL_STATE: return set_initial_state(c);
	case PAC_GET_DEFAULT_KEYS: return get_default_keys(c);
	case PAC_SET_A_KEYS: return set_keys(c, KEY_IA | KEY_DA, x1);
	case PAC_SET_B_KEYS: return set_keys(c, KEY_IB | KEY_DB, x1);
	case PAC_SET_G_KEY: return set_keys(c, KEY_GA, x1);
	case PAC_SET_EL0_DIVERSIFIER:
	case PAC_SET_EL0_DIVERSIFIER_AT_EL1:
	case PAC_NOP:
		return 0;
	case GET_MABS_OFFSET:           /* one clock for both */
		return kvm_set_x(c, 1, 0);
	case OEM_UID: return uid(c);
	case OEM_REVISION: return kvm_set_x(c, 1, 0) ? -1 : 1;
	case OEM_FEATURES: return features((uint32_t)x1);
	}
	return -1;
}

/* The result goes in by the register: KVM looks at no field of the exit. */
void kvm_apple_call(struct kvm_cpu *c)
{
	uint64_t x1 = 0;
	/* flags, bit 0: by SMC. Older headers have the word as `longmode`. */
	bool smc = c->run->hypercall.longmode & 1;

	kvm_get_x(c, 1, &x1);
	kvm_set_x(c, 0, smc ? UINT64_MAX :
		  (uint64_t)call(c, (uint32_t)c->run->hypercall.nr, x1));
}
