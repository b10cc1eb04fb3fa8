/* hvc_apple.c: Apple's hypercalls; hvc_apple.h.
 *
 * Keys: the guest gives 64-bit values for A, B and G, and a diversifier that
 * changes the A and B keys at EL0 (and at EL1 while the kernel signs for a
 * user). Each makes a pair of words per key and EL that pauth.c XORs into the
 * architected key register, which goes on to work. What the words are is ours
 * to choose as long as all CPUs choose alike, so they come from the values
 * alone. Before the first call there are none and only the registers count.
 *
 * Calls change no registers but x0 and their results. */
#include <string.h>

#include "../apple_hvc.h"
#include "hvc_apple.h"
#include "model.h"
#include "pauth.h"
#include "timer.h"

#define AFFINITY 0xff00ffffffull        /* Aff3, Aff2..Aff0 of MPIDR_EL1 */

static const uint32_t oem_uid[4] = OEM_UID_WORDS;

bool hvc_apple_has(const struct cpu *c)
{
	return c->in->model->midr >> 24 == 0x61;
}

/* ---- keys ---------------------------------------------------------------- */

static void derive(struct cpu *c)
{
	struct apple_pac *p = &c->sr.pac;

	for (unsigned el = 0; el < 2; el++) {
		uint64_t div = el == 0 || p->at_el1 ? p->el0 : 0;

		for (unsigned k = 0; k < PAC_KEYS; k++) {
			bool b = k == PAUTH_IB || k == PAUTH_DB;
			uint64_t v = k == PAUTH_GA ? p->g : b ? p->b : p->a;
			/* which key it is, and which half of it */
			uint64_t name[2] = { 2 * k + 1, 0x70616b65 };
			uint64_t d = k == PAUTH_GA ? 0 : div;

			p->words[el][k][0] = pauth_mix(v, d, name);
			name[0]++;
			p->words[el][k][1] = pauth_mix(v, d, name);
		}
	}
}

static void set_initial_state(struct cpu *c)
{
	struct apple_pac *p = &c->sr.pac;

	p->a = DEFAULT_KEY + DEFAULT_A;
	p->b = DEFAULT_KEY + DEFAULT_B;
	p->g = DEFAULT_KEY + DEFAULT_G;
	p->el0 = DEFAULT_KEY + DEFAULT_EL0;
	p->at_el1 = false;
}

/* ---- waiting and kicking --------------------------------------------------- */

/* Returns on a kick, also one that came before, or an interrupt. */
static enum psci_next wait_for_kick(struct cpu *c)
{
	bool unmask = c->x[1] & 1;

	if (!atomic_load(&c->kicked) && !atomic_load(&c->irq_lines))
		timer_wfi(c, UINT64_MAX);
	if (!atomic_exchange(&c->kicked, false) && !atomic_load(&c->irq_lines))
		return PSCI_AGAIN;
	if (unmask)
		c->pstate &= ~(PS_A | PS_I | PS_F);
	c->x[0] = 0;
	return PSCI_NEXT;
}

/* The sleeper sees `kicked` or, being woken, comes back to look again. */
static int64_t kick(struct cpu *c, uint64_t id)
{
	for (unsigned i = 0; i < c->in->ncpus; i++) {
		struct cpu *to = c->in->cpu[i];

		if (!to || (to->vcpu->mpidr & AFFINITY) != (id & AFFINITY))
			continue;
		atomic_store(&to->kicked, true);
		cpu_request(to, REQ_EVENT);
		return 0;
	}
	return -1;
}

/* ---- services -------------------------------------------------------------- */

void hvc_apple_new_session(struct interp *in)
{
	if (!seed_get(&in->rndr, in->session, sizeof(in->session)))
		memset(in->session, 0, sizeof(in->session));
	/* RFC 4122: random; the UUID's byte 15 - n is byte n of the words */
	in->session[2] = (in->session[2] & 0xffff0fff) | 0x4000;
	in->session[1] = (in->session[1] & 0x3fffffff) | 0x80000000;
}

static bool supported(uint32_t id)
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
	case GET_BOOTSESSIONUUID:
	case VCPU_WFK:
	case VCPU_KICK:
	case OEM_UID:
	case OEM_REVISION:
	case OEM_FEATURES:
		return true;
	}
	return false;
}

bool hvc_apple(struct cpu *c, enum psci_next *next)
{
	struct apple_pac *p = &c->sr.pac;
	int64_t result = 0;

	*next = PSCI_NEXT;
	switch ((uint32_t)c->x[0]) {
	case PAC_SET_INITIAL_STATE:
		set_initial_state(c);
		derive(c);
		break;
	case PAC_GET_DEFAULT_KEYS:
		c->x[1] = DEFAULT_KEY + DEFAULT_A;
		c->x[2] = DEFAULT_KEY + DEFAULT_B;
		c->x[3] = DEFAULT_KEY + DEFAULT_EL0;
		c->x[4] = DEFAULT_KEY + DEFAULT_G;
		break;
	case PAC_SET_A_KEYS:
		p->a = c->x[1];
		derive(c);
		break;
	case PAC_SET_B_KEYS:
		p->b = c->x[1];
		derive(c);
		break;
	case PAC_SET_EL0_DIVERSIFIER:
		p->el0 = c->x[1];
		derive(c);
		break;
	case PAC_SET_EL0_DIVERSIFIER_AT_EL1:
		p->at_el1 = c->x[1] & 1;
		p->el0 = c->x[2];
		derive(c);
		break;
	case PAC_SET_G_KEY:
		p->g = c->x[1];
		derive(c);
		break;
	case PAC_NOP:
		break;
	case GET_MABS_OFFSET:
		c->x[1] = 0;            /* one clock for both */
		break;
	case GET_BOOTSESSIONUUID:
		for (int i = 0; i < 4; i++)
			c->x[1 + i] = c->in->session[i];
		break;
	case VCPU_WFK:
		*next = wait_for_kick(c);
		return true;
	case VCPU_KICK:
		result = kick(c, c->x[1]);
		break;
	case OEM_UID:
		for (int i = 1; i < 4; i++)
			c->x[i] = oem_uid[i];
		result = oem_uid[0];    /* a value, not a code: zero-extended */
		break;
	case OEM_REVISION:
		result = 1;
		c->x[1] = 0;
		break;
	case OEM_FEATURES:
		result = supported((uint32_t)c->x[1]) ? 0 : -1;
		break;
	default:
		return false;
	}
	c->x[0] = (uint64_t)result;
	return true;
}
